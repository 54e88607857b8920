//! `millstream outbox …`.

use clap::{Args, Subcommand};
use serde_json::Value;

use super::login::{self, SignIn};
use super::remote::{self, Credential, Remote, block_on, query};
use super::{Failure, output};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the mail that went out or waits, oldest first (for operators).
    #[command(after_help = "Example:\n  millstream outbox list --state queued")]
    List(List),
    /// Show what a mail says: how to pass its link on without a mail server (for operators).
    #[command(
        after_help = "Examples:\n  millstream outbox show mail_06r3h4v8n5s7qj2k0c1d9w6xyz\n  \
        millstream outbox show mail_06r3h4v8n5s7qj2k0c1d9w6xyz --sign-in --email ann@example.com\n\n\
        With a token the mail is shown without the secret of its link: whoever has that becomes somebody. \
        An operator who signs in sees it, as long as no mail server is set up."
    )]
    Show(Box<Show>),
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only mail in this state.
    #[arg(long, value_parser = ["queued", "sent", "failed"])]
    state: Option<String>,
    #[command(flatten)]
    server: remote::Options,
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// Its id.
    mail: String,
    /// Sign in for this one command, to see the link too.
    #[arg(long)]
    sign_in: bool,
    #[command(flatten)]
    who: SignIn,
    #[command(flatten)]
    server: remote::Options,
}

pub(crate) fn run(command: Command) -> Result<(), Failure> {
    block_on(async {
        match command {
            Command::List(list) => list.run().await,
            Command::Show(show) => show.run().await,
        }
    })
}

impl List {
    async fn run(self) -> Result<(), Failure> {
        let remote = self.server.connect()?;
        let path = query(
            "/api/v1/installation/outbox",
            &[("state", self.state.as_deref())],
        );
        let mails = remote.list(&path).await?;
        let columns = [
            ("ID", "/id"),
            ("KIND", "/kind"),
            ("TO", "/recipient"),
            ("STATE", "/state"),
            ("AT", "/at"),
            ("ATTEMPTS", "/attempts"),
            ("LAST ERROR", "/error"),
        ];
        Ok(output::print_list(self.server.json, &mails, &columns)?)
    }
}

impl Show {
    async fn run(self) -> Result<(), Failure> {
        // Ids have no characters that a path would take for its own.
        if self.mail.parse::<model::MailId>().is_err() {
            return Err(Failure::usage(format!(
                "{} is no mail's id; `millstream outbox list` lists them",
                self.mail
            )));
        }
        let path = format!("/api/v1/installation/outbox/{}", self.mail);
        let shown = match self.sign_in {
            true => self.get_in_session(&path).await?,
            false => self.server.connect()?.get(&path).await?,
        };
        if shown["masked"] == true {
            login::note(
                "the secret of the link is left out: an operator sees it with --sign-in, as long as no \
                 mail server is set up",
            );
        }
        if self.server.json {
            return Ok(output::print_json(&shown)?);
        }
        let fields = [
            ("Mail", "/mail/id"),
            ("To", "/mail/recipient"),
            ("Subject", "/mail/subject"),
            ("State", "/mail/state"),
            ("Written", "/mail/created_at"),
            ("Last error", "/mail/error"),
        ];
        output::print_item(false, &shown, &fields)?;
        let text = match shown["text"].as_str() {
            Some(text) => text.trim_end(),
            None => "(what it said is kept no longer)",
        };
        output::print(&format!("\n{text}"));
        Ok(())
    }

    /// What is at `path` for whoever signs in, who is signed out again then.
    async fn get_in_session(&self, path: &str) -> Result<Value, Failure> {
        let url = self.server.place.server_url()?;
        let mut remote =
            Remote::with_credential(&url, Credential::Nobody).map_err(Failure::Usage)?;
        self.who.sign_in(&mut remote).await?;
        let shown = remote.get(path).await;
        let ended = login::end_session(&remote).await;
        let shown = shown?;
        ended?;
        Ok(shown)
    }
}
