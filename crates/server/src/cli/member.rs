//! `millstream member …`.

use anyhow::Context;
use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use http::Method;
use model::access::Role;
use serde_json::{Value, json};

use super::lookup::Kind;
use super::remote::{self, Remote, block_on};
use super::{Failure, output};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the organisation's members.
    #[command(after_help = "Examples:\n  millstream member list\n  millstream member list --json")]
    List(List),
    /// Give a member another role.
    #[command(after_help = "Example:\n  millstream member role ann@example.com admin")]
    Role(ChangeRole),
    /// Remove a member, with the tokens that they made here.
    #[command(after_help = "Example:\n  millstream member remove ann@example.com")]
    Remove(Remove),
}

#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    server: remote::Options,
}

#[derive(Debug, Args)]
pub(crate) struct ChangeRole {
    /// The member's e-mail address, name or id.
    member: String,
    /// What they shall be. Only owners make and unmake owners.
    #[arg(value_parser = roles())]
    role: String,
    #[command(flatten)]
    server: remote::Options,
}

#[derive(Debug, Args)]
pub(crate) struct Remove {
    /// The member's e-mail address, name or id.
    member: String,
    #[command(flatten)]
    server: remote::Options,
}

/// The names of all roles.
pub(super) fn roles() -> PossibleValuesParser {
    PossibleValuesParser::new(Role::ALL.iter().map(|role| role.name()))
}

const MEMBER: Kind = Kind {
    what: "member",
    id: "person",
    names: &["email", "name"],
};

pub(crate) fn run(command: Command) -> Result<(), Failure> {
    block_on(async {
        match command {
            Command::List(list) => list.run().await,
            Command::Role(change) => change.run().await,
            Command::Remove(remove) => remove.run().await,
        }
    })
}

impl List {
    async fn run(self) -> Result<(), Failure> {
        let remote = self.server.connect()?;
        let members = remote
            .list(&remote.organisation_path("members").await?)
            .await?;
        let columns = [
            ("PERSON", "/person"),
            ("E-MAIL", "/email"),
            ("NAME", "/name"),
            ("ROLE", "/role"),
            ("SECOND FACTOR", "/second_factor"),
            ("JOINED", "/joined_at"),
        ];
        Ok(output::print_list(self.server.json, &members, &columns)?)
    }
}

impl ChangeRole {
    async fn run(self) -> Result<(), Failure> {
        let remote = self.server.connect()?;
        let (path, member) = find(&remote, &self.member).await?;
        let input = json!({"role": self.role});
        // The role that was looked at is the one that is changed.
        let version = member["version"].as_u64();
        let version = version.context("the server tells no version of the member")?;
        let changed = remote.call_if(Method::PATCH, &path, version, Some(&input));
        let changed = changed.await?;
        let sentence = format!("{} is {} now", output::text(&changed["email"]), self.role);
        Ok(output::print_done(self.server.json, &changed, &sentence)?)
    }
}

impl Remove {
    async fn run(self) -> Result<(), Failure> {
        let remote = self.server.connect()?;
        let (path, member) = find(&remote, &self.member).await?;
        remote.delete(&path).await?;
        let done = json!({"removed": member["person"]});
        let sentence = format!("{} is no member any more", output::text(&member["email"]));
        Ok(output::print_done(self.server.json, &done, &sentence)?)
    }
}

/// A member, and the path of the membership.
async fn find(remote: &Remote, wanted: &str) -> Result<(String, Value), Failure> {
    let members = remote.organisation_path("members").await?;
    let member = MEMBER.pick(wanted, remote.list(&members).await?)?;
    Ok((
        format!("{members}/{}", output::text(&member["person"])),
        member,
    ))
}
