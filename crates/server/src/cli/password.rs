//! `millstream password …`.

use clap::{Args, Subcommand};
use http::Method;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::link::Link;
use super::prompt::{self, PasswordSource};
use super::remote::{self, Credential, Remote, block_on};
use super::{Failure, login, output};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Ask for a link with which a new password can be chosen. It comes by mail.
    #[command(
        after_help = "Example:\n  millstream password forgot ann@example.com --server https://millstream.example.com\n\n\
        Without a mail server the link waits in the outbox, where an operator sees it: \
        `millstream outbox list`."
    )]
    Forgot(Forgot),
    /// Choose a new password with the link that came by mail. All sessions end.
    #[command(after_help = "Examples:\n  \
        millstream password reset 'https://millstream.example.com/password-reset#msr_…'\n  \
        millstream password reset LINK --password-file new.txt")]
    Reset(Reset),
}

#[derive(Debug, Args)]
pub(crate) struct Forgot {
    /// The e-mail address of the account. Without it you are asked.
    email: Option<String>,
    #[command(flatten)]
    place: remote::Place,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Reset {
    /// The link, or with --server what stands behind `#` in it. Without it you are asked.
    #[arg(value_name = "LINK")]
    link: Option<SecretString>,
    #[command(flatten)]
    password: PasswordSource,
    #[command(flatten)]
    place: remote::Place,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(command: Command) -> Result<(), Failure> {
    block_on(async {
        match command {
            Command::Forgot(forgot) => forgot.run().await,
            Command::Reset(reset) => reset.run().await,
        }
    })
}

impl Forgot {
    async fn run(self) -> Result<(), Failure> {
        let url = self.place.server_url()?;
        let remote = Remote::with_credential(&url, Credential::Nobody).map_err(Failure::Usage)?;
        let email = prompt::given_or_line(self.email.as_deref(), "E-mail address: ")?;
        let input = json!({"email": email});
        let asked = remote.call(Method::POST, "/api/v1/password-resets", Some(&input));
        asked.await?;
        let sentence = format!("if {email} has an account at {url}, a link is on its way to it");
        Ok(output::print_done(self.json, &input, &sentence)?)
    }
}

impl Reset {
    async fn run(self) -> Result<(), Failure> {
        let Link { url, token } = Link::read(self.link.as_ref(), "password-reset", &self.place)?;
        let remote = Remote::with_credential(&url, Credential::Nobody).map_err(Failure::Usage)?;
        login::warn_of_open_connection(&url);
        let password = self.password.choose("The new password: ")?;
        let input = json!({
            "token": token.expose_secret(),
            "password": password.expose_secret(),
        });
        let path = "/api/v1/password-resets/redeem";
        remote.call(Method::POST, path, Some(&input)).await?;
        let done = json!({"server": url});
        let sentence =
            format!("the new password counts: sign in with `millstream login --server {url}`");
        Ok(output::print_done(self.json, &done, &sentence)?)
    }
}
