//! `millstream organisation …`.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::lookup::Kind;
use super::remote::{self, Remote, block_on};
use super::{Failure, output};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the organisations that you belong to; a token belongs to one.
    #[command(
        after_help = "Examples:\n  millstream organisation list\n  millstream organisation list --all"
    )]
    List(List),
    /// Show an organisation.
    #[command(
        after_help = "Examples:\n  millstream organisation show\n  millstream organisation show Acme"
    )]
    Show(Show),
    /// Rename an organisation.
    #[command(after_help = "Example:\n  millstream organisation rename 'My organisation' Acme")]
    Rename(Rename),
    /// Make an organisation (for operators).
    #[command(
        after_help = "Examples:\n  millstream organisation create Acme --owner ann@example.com\n  \
        millstream organisation create Acme"
    )]
    Create(Create),
    /// Invite an owner to an organisation that has none (for operators).
    #[command(after_help = "Example:\n  millstream organisation invite-owner Acme ann@example.com")]
    InviteOwner(InviteOwner),
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// All organisations of the installation (for operators).
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    server: remote::Options,
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// Its id or name. Without it: the token's.
    organisation: Option<String>,
    #[command(flatten)]
    server: remote::Options,
}

#[derive(Debug, Args)]
pub(crate) struct Rename {
    /// Its id or present name.
    organisation: String,
    /// The name to be.
    #[arg(value_name = "NEW NAME")]
    name: String,
    #[command(flatten)]
    server: remote::Options,
}

#[derive(Debug, Args)]
pub(crate) struct Create {
    /// As people call it.
    name: String,
    /// Whom to invite as its owner. Without it nobody belongs to it: a token is no member.
    #[arg(long, value_name = "ADDRESS")]
    owner: Option<String>,
    #[command(flatten)]
    server: remote::Options,
}

#[derive(Debug, Args)]
pub(crate) struct InviteOwner {
    /// Its id or name.
    organisation: String,
    /// Whom to invite.
    #[arg(value_name = "ADDRESS")]
    owner: String,
    #[command(flatten)]
    server: remote::Options,
}

const ALL: &str = "/api/v1/installation/organisations";

const ORGANISATION: Kind = Kind {
    what: "organisation",
    id: "id",
    names: &["name"],
};

const FIELDS: output::Fields<'static> = &[
    ("Organisation", "/id"),
    ("Name", "/name"),
    ("Version", "/version"),
    ("Made", "/created_at"),
];

pub(crate) fn run(command: Command) -> Result<(), Failure> {
    block_on(async {
        match command {
            Command::List(list) => list.run().await,
            Command::Show(show) => show.run().await,
            Command::Rename(rename) => rename.run().await,
            Command::Create(create) => create.run().await,
            Command::InviteOwner(invite) => invite.run().await,
        }
    })
}

impl List {
    async fn run(self) -> Result<(), Failure> {
        let remote = self.server.connect()?;
        if self.all {
            let all = remote.list(ALL).await?;
            let columns = [("ID", "/id"), ("NAME", "/name"), ("MADE", "/created_at")];
            return Ok(output::print_list(self.server.json, &all, &columns)?);
        }
        let own = remote.list("/api/v1/me/organisations").await?;
        let columns = [("ID", "/id"), ("NAME", "/name"), ("ROLE", "/role")];
        Ok(output::print_list(self.server.json, &own, &columns)?)
    }
}

impl Show {
    async fn run(self) -> Result<(), Failure> {
        let remote = self.server.connect()?;
        let path = path(&remote, self.organisation.as_deref()).await?;
        let shown = remote.get(&path).await?;
        Ok(output::print_item(self.server.json, &shown, FIELDS)?)
    }
}

impl Rename {
    async fn run(self) -> Result<(), Failure> {
        let remote = self.server.connect()?;
        let path = path(&remote, Some(&self.organisation)).await?;
        let renamed = remote.change(&path, &json!({"name": self.name})).await?;
        Ok(output::print_item(self.server.json, &renamed, FIELDS)?)
    }
}

impl Create {
    async fn run(self) -> Result<(), Failure> {
        let remote = self.server.connect()?;
        let mut input = json!({"name": self.name});
        if let Some(owner) = self.owner {
            input["owner"] = owner.into();
        }
        let made = remote.create(ALL, &input).await?;
        Ok(output::print_item(self.server.json, &made, FIELDS)?)
    }
}

impl InviteOwner {
    async fn run(self) -> Result<(), Failure> {
        let remote = self.server.connect()?;
        let organisation = ORGANISATION.pick(&self.organisation, remote.list(ALL).await?)?;
        let path = format!("{ALL}/{}/owner", output::text(&organisation["id"]));
        let invited = remote.create(&path, &json!({"email": self.owner})).await?;
        let (name, owner) = (output::text(&organisation["name"]), self.owner);
        let sentence = format!("{owner} is invited as owner of {name}");
        Ok(output::print_done(self.server.json, &invited, &sentence)?)
    }
}

/// The path of the organisation with this id or name; without one, of the token's.
async fn path(remote: &Remote, wanted: Option<&str>) -> Result<String, Failure> {
    let own: Value = match wanted {
        None => remote.organisation().await?,
        Some(wanted) => {
            let own = remote.list("/api/v1/me/organisations").await?;
            ORGANISATION.pick(wanted, own)?
        }
    };
    Ok(format!(
        "/api/v1/organisations/{}",
        output::text(&own["id"])
    ))
}
