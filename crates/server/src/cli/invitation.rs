//! `millstream invitation …`.

use clap::{Args, Subcommand};
use http::Method;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::link::Link;
use super::login::{self, SignIn};
use super::lookup::Kind;
use super::member::roles;
use super::remote::{self, Credential, Refused, Remote, block_on};
use super::{Failure, output, prompt};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the open invitations.
    #[command(after_help = "Example:\n  millstream invitation list")]
    List(List),
    /// Invite someone by mail. An earlier invitation of the same address ends.
    #[command(
        after_help = "Example:\n  millstream invitation create ann@example.com --role member\n\n\
        Without a mail server the link waits in the outbox: `millstream outbox list`."
    )]
    Create(Create),
    /// Withdraw an invitation: its link ends.
    #[command(after_help = "Example:\n  millstream invitation withdraw ann@example.com")]
    Withdraw(Withdraw),
    /// Accept an invitation: make an account, or join with the one you have.
    #[command(after_help = "Examples:\n  \
        millstream invitation accept 'http://127.0.0.1:8080/invitation#msi_…'\n  \
        millstream invitation accept LINK --email ann@example.com --name Ann --password-file ann.txt\n  \
        millstream invitation accept LINK --with-account\n\n\
        The first start of a server writes such a link to its log: with it its first administrator comes in.")]
    Accept(Box<Accept>),
}

#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    server: remote::Options,
}

#[derive(Debug, Args)]
pub(crate) struct Create {
    /// Their e-mail address.
    email: String,
    /// What they will be.
    #[arg(long, value_parser = roles())]
    role: String,
    #[command(flatten)]
    server: remote::Options,
}

#[derive(Debug, Args)]
pub(crate) struct Withdraw {
    /// Its e-mail address or id.
    invitation: String,
    #[command(flatten)]
    server: remote::Options,
}

#[derive(Debug, Args)]
pub(crate) struct Accept {
    /// The link, or with --server what stands behind `#` in it. Without it you are asked.
    #[arg(value_name = "LINK")]
    link: Option<SecretString>,
    /// What you are called. Without it you are asked.
    #[arg(long, conflicts_with = "with_account")]
    name: Option<String>,
    /// Join with the account that you have: you sign in.
    #[arg(long)]
    with_account: bool,
    #[command(flatten)]
    who: SignIn,
    #[command(flatten)]
    place: remote::Place,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

const INVITATION: Kind = Kind {
    what: "invitation",
    id: "id",
    names: &["email"],
};

pub(crate) fn run(command: Command) -> Result<(), Failure> {
    block_on(async {
        match command {
            Command::List(list) => list.run().await,
            Command::Create(create) => create.run().await,
            Command::Withdraw(withdraw) => withdraw.run().await,
            Command::Accept(accept) => accept.run().await,
        }
    })
}

impl List {
    async fn run(self) -> Result<(), Failure> {
        let remote = self.server.connect()?;
        let path = remote.organisation_path("invitations").await?;
        let invitations = remote.list(&path).await?;
        let columns = [
            ("ID", "/id"),
            ("E-MAIL", "/email"),
            ("ROLE", "/role"),
            ("MADE", "/created_at"),
            ("ENDS", "/expires_at"),
        ];
        Ok(output::print_list(
            self.server.json,
            &invitations,
            &columns,
        )?)
    }
}

impl Create {
    async fn run(self) -> Result<(), Failure> {
        let remote = self.server.connect()?;
        let path = remote.organisation_path("invitations").await?;
        let input = json!({"email": self.email, "role": self.role});
        let made = remote.create(&path, &input).await?;
        let fields = [
            ("Invitation", "/id"),
            ("E-mail", "/email"),
            ("Role", "/role"),
            ("Ends", "/expires_at"),
        ];
        Ok(output::print_item(self.server.json, &made, &fields)?)
    }
}

impl Withdraw {
    async fn run(self) -> Result<(), Failure> {
        let remote = self.server.connect()?;
        let invitations = remote.organisation_path("invitations").await?;
        let found = INVITATION.pick(&self.invitation, remote.list(&invitations).await?)?;
        let id = output::text(&found["id"]);
        remote.delete(&format!("{invitations}/{id}")).await?;
        let done = json!({"withdrawn": id});
        let sentence = format!(
            "the invitation of {} is withdrawn",
            output::text(&found["email"])
        );
        Ok(output::print_done(self.server.json, &done, &sentence)?)
    }
}

impl Accept {
    async fn run(self) -> Result<(), Failure> {
        let Link { url, token } = Link::read(self.link.as_ref(), "invitation", &self.place)?;
        let token = token.expose_secret();
        let mut remote =
            Remote::with_credential(&url, Credential::Nobody).map_err(Failure::Usage)?;
        let look = json!({"token": token});
        let look = remote.call(Method::POST, "/api/v1/invitations/look", Some(&look));
        let offer = look.await?;
        login::note(&format!(
            "Joining {} at {url} as {}",
            output::text(&offer["organisation"]),
            output::text(&offer["role"])
        ));
        let input = match self.with_account {
            true => {
                self.who.sign_in(&mut remote).await?;
                json!({"token": token})
            }
            false => self.new_account(&offer, token, &url)?,
        };
        let accepted = remote
            .begin_session("/api/v1/invitations/accept", &input)
            .await;
        let accepted = accepted.map_err(|error| match Refused::find(&error, "conflict") {
            Some(_) => error.context("`--with-account` joins with the account that you have"),
            None => error,
        })?;
        login::end_session(&remote).await?;
        let email = output::text(&accepted["person"]["email"]);
        let sentence = format!(
            "{email} belongs to {} now: sign in with `millstream login --server {url} --email {email}`",
            output::text(&offer["organisation"]),
        );
        Ok(output::print_done(self.json, &accepted, &sentence)?)
    }

    /// What to send for someone new.
    fn new_account(&self, offer: &Value, token: &str, url: &str) -> Result<Value, Failure> {
        login::warn_of_open_connection(url);
        let mut input = json!({"token": token});
        // An invitation by mail says whom it is for.
        if offer["email"].is_null() {
            let email = prompt::given_or_line(self.who.email.as_deref(), "Your e-mail address: ")?;
            input["email"] = email.into();
        }
        input["name"] = prompt::given_or_line(self.name.as_deref(), "Your name: ")?.into();
        let password = self.who.password.choose("A password to sign in with: ")?;
        input["password"] = password.expose_secret().into();
        Ok(input)
    }
}
