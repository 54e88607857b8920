//! `millstream person …`.

use clap::{Args, Subcommand};
use http::Method;
use serde_json::{Value, json};

use super::lookup::Kind;
use super::remote::{self, Remote, block_on, query};
use super::{Failure, output};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List everyone with an account in the installation (for operators).
    #[command(
        after_help = "Examples:\n  millstream person list\n  millstream person list --email ann"
    )]
    List(List),
    /// Give a person rights in the whole installation, or take them (for operators).
    #[command(after_help = "Examples:\n  \
        millstream person rights ann@example.com --operator yes\n  \
        millstream person rights ann@example.com --operator no --reviewer yes")]
    Rights(Rights),
    /// Lock an account: nobody signs in to it, its sessions end, its tokens are refused (for operators).
    #[command(after_help = "Example:\n  millstream person lock ann@example.com")]
    Lock(Named),
    /// Unlock an account (for operators).
    #[command(after_help = "Example:\n  millstream person unlock ann@example.com")]
    Unlock(Named),
    /// End all sessions of a person; their tokens stay (for operators).
    #[command(after_help = "Example:\n  millstream person end-sessions ann@example.com")]
    EndSessions(Named),
    /// Remove a second factor that a person has lost (for operators).
    #[command(after_help = "Example:\n  millstream person remove-second-factor ann@example.com")]
    RemoveSecondFactor(Named),
    /// Delete an account with its memberships, tokens and sessions (for operators).
    #[command(after_help = "Example:\n  millstream person delete ann@example.com")]
    Delete(Named),
}

#[derive(Debug, Args)]
pub(crate) struct Named {
    /// The person's e-mail address, name or id.
    person: String,
    #[command(flatten)]
    server: remote::Options,
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only those whose e-mail address begins like this.
    #[arg(long, value_name = "BEGINNING")]
    email: Option<String>,
    #[command(flatten)]
    server: remote::Options,
}

#[derive(Debug, Args)]
pub(crate) struct Rights {
    /// The person's e-mail address, name or id.
    person: String,
    /// Whether they run the installation. Without it that stays.
    #[arg(long, value_name = "yes|no", value_parser = yes_or_no, required_unless_present = "reviewer")]
    operator: Option<bool>,
    /// Whether they release destinations for everyone. Without it that stays.
    #[arg(long, value_name = "yes|no", value_parser = yes_or_no)]
    reviewer: Option<bool>,
    #[command(flatten)]
    server: remote::Options,
}

fn yes_or_no(text: &str) -> Result<bool, &'static str> {
    match text {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err("yes or no"),
    }
}

const PEOPLE: &str = "/api/v1/installation/people";

const PERSON: Kind = Kind {
    what: "person",
    id: "id",
    names: &["email", "name"],
};

pub(crate) fn run(command: Command) -> Result<(), Failure> {
    block_on(async {
        match command {
            Command::List(list) => list.run().await,
            Command::Rights(rights) => rights.run().await,
            Command::Lock(named) => named.lock().await,
            Command::Unlock(named) => named.unlock().await,
            Command::EndSessions(named) => {
                let done = "has no session any more";
                named.delete("/sessions", "signed_out", done).await
            }
            Command::RemoveSecondFactor(named) => {
                let done = "has no second factor any more";
                named.delete("/second-factor", "removed", done).await
            }
            Command::Delete(named) => named.delete("", "deleted", "has no account any more").await,
        }
    })
}

impl List {
    async fn run(self) -> Result<(), Failure> {
        let path = query(PEOPLE, &[("email", self.email.as_deref())]);
        let people = self.server.connect()?.list(&path).await?;
        let columns = [
            ("ID", "/id"),
            ("E-MAIL", "/email"),
            ("NAME", "/name"),
            ("SECOND FACTOR", "/second_factor"),
            ("OPERATOR", "/installation/operator"),
            ("REVIEWER", "/installation/reviewer"),
            ("LOCKED", "/locked_at"),
            ("MADE", "/created_at"),
        ];
        Ok(output::print_list(self.server.json, &people, &columns)?)
    }
}

impl Rights {
    async fn run(self) -> Result<(), Failure> {
        let remote = self.server.connect()?;
        let (path, _) = find(&remote, &self.person).await?;
        // Only what is to change: others may change the rest meanwhile.
        let mut rights = json!({});
        for (right, wanted) in [("operator", self.operator), ("reviewer", self.reviewer)] {
            if let Some(wanted) = wanted {
                rights[right] = wanted.into();
            }
        }
        let path = format!("{path}/rights");
        let changed = remote.change(&path, &rights).await?;
        let fields = [
            ("Person", "/id"),
            ("E-mail", "/email"),
            ("Operator", "/installation/operator"),
            ("Reviewer", "/installation/reviewer"),
        ];
        Ok(output::print_item(self.server.json, &changed, &fields)?)
    }
}

impl Named {
    async fn lock(self) -> Result<(), Failure> {
        self.switch("lock", "is locked").await
    }

    async fn unlock(self) -> Result<(), Failure> {
        self.switch("unlock", "is not locked any more").await
    }

    async fn switch(self, step: &str, done: &str) -> Result<(), Failure> {
        let remote = self.server.connect()?;
        let (path, _) = find(&remote, &self.person).await?;
        let path = format!("{path}/{step}");
        let changed = remote.call(Method::POST, &path, None).await?;
        let sentence = format!("{} {done}", output::text(&changed["email"]));
        Ok(output::print_done(self.server.json, &changed, &sentence)?)
    }

    /// Deletes what is at `rest` below the person.
    async fn delete(self, rest: &str, name: &str, done: &str) -> Result<(), Failure> {
        let remote = self.server.connect()?;
        let (path, person) = find(&remote, &self.person).await?;
        remote.delete(&format!("{path}{rest}")).await?;
        let value = json!({name: person["id"]});
        let sentence = format!("{} {done}", output::text(&person["email"]));
        Ok(output::print_done(self.server.json, &value, &sentence)?)
    }
}

/// A person, and their path.
async fn find(remote: &Remote, wanted: &str) -> Result<(String, Value), Failure> {
    // Of many people, those with such an address are few.
    let email = wanted.contains('@').then_some(wanted);
    let people = remote.list(&query(PEOPLE, &[("email", email)])).await?;
    let person = PERSON.pick(wanted, people)?;
    Ok((format!("{PEOPLE}/{}", output::text(&person["id"])), person))
}
