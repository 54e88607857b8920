//! `millstream user …`.

use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::remote::{self, Remote, block_on};
use super::{Failure, output, project};

/// How often a command that waits asks.
const ASK_EVERY: Duration = Duration::from_millis(500);

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Erase a user: properties, devices, events, and all that is kept of these.
    #[command(
        after_help = "Examples:\n  millstream user erase --project Shop --user-id ann@example.com --confirm\n  millstream user erase --project Shop --device-id 5a1f --confirm --no-wait"
    )]
    Erase(Erase),
    /// List a project's erasures of users, newest first, with what was found.
    #[command(after_help = "Example:\n  millstream user erasures --project Shop")]
    Erasures(Erasures),
}

#[derive(Debug, Args)]
pub(crate) struct Erase {
    /// The project's id or name.
    #[arg(long)]
    project: String,
    #[command(flatten)]
    who: Who,
    /// It can't be undone: say that it is meant.
    #[arg(long)]
    confirm: bool,
    /// Don't wait until nothing is left.
    #[arg(long)]
    no_wait: bool,
    #[command(flatten)]
    server: remote::Options,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Who {
    /// The user's id.
    #[arg(long)]
    user_id: Option<String>,
    /// A device: the user that it last belonged to is erased.
    #[arg(long)]
    device_id: Option<String>,
    /// The number that the user's events have.
    #[arg(long)]
    amplitude_id: Option<i64>,
}

#[derive(Debug, Args)]
pub(crate) struct Erasures {
    /// The project's id or name.
    #[arg(long)]
    project: String,
    #[command(flatten)]
    server: remote::Options,
}

pub(crate) fn run(command: Command) -> Result<(), Failure> {
    block_on(async {
        match command {
            Command::Erase(erase) => erase.run().await,
            Command::Erasures(erasures) => erasures.run().await,
        }
    })
}

impl Erase {
    async fn run(self) -> Result<(), Failure> {
        if !self.confirm {
            let message = "nothing is erased without `--confirm`: it can't be undone";
            return Err(anyhow::anyhow!(message).into());
        }
        let remote = self.server.connect()?;
        let path = path(&remote, &self.project).await?;
        let body = match self.who {
            Who {
                user_id: Some(id), ..
            } => json!({"user_id": id}),
            Who {
                device_id: Some(id),
                ..
            } => json!({"device_id": id}),
            Who { amplitude_id, .. } => json!({"amplitude_id": amplitude_id}),
        };
        let mut erasure = remote.create(&path, &body).await?;
        let path = format!("{path}/{}", output::text(&erasure["id"]));
        while !self.no_wait && erasure["state"] != "done" {
            tokio::time::sleep(ASK_EVERY).await;
            erasure = remote.get(&path).await?;
        }
        if self.server.json {
            return Ok(output::print_json(&erasure)?);
        }
        output::print_fields(&fields(&erasure));
        Ok(())
    }
}

impl Erasures {
    async fn run(self) -> Result<(), Failure> {
        let remote = self.server.connect()?;
        let erasures = remote.list(&path(&remote, &self.project).await?).await?;
        let columns = [
            ("ID", "/id"),
            ("STATE", "/state"),
            ("ASKED", "/requested_at"),
            ("DONE", "/done_at"),
            ("EVENTS", "/found/events"),
        ];
        Ok(output::print_list(self.server.json, &erasures, &columns)?)
    }
}

async fn path(remote: &Remote, wanted: &str) -> Result<String, Failure> {
    let id = output::text(&project::find(remote, wanted).await?["id"]);
    Ok(format!("/api/v1/projects/{id}/erasures"))
}

fn fields(erasure: &Value) -> Vec<(&'static str, String)> {
    let found = erasure["found"].as_object().into_iter().flatten();
    let found = found.map(|(kind, count)| format!("{count} {kind}"));
    vec![
        ("Erasure", output::text(&erasure["id"])),
        ("State", output::text(&erasure["state"])),
        ("Erased", found.collect::<Vec<_>>().join(", ")),
    ]
}
