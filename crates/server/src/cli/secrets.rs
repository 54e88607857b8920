//! `millstream secrets …`.

use std::io::{self, Write};
use std::time::Duration;

use anyhow::anyhow;
use clap::{Args, Subcommand};
use http::Method;
use serde_json::{Value, json};

use super::remote::{self, Remote, block_on};
use super::{Failure, output};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show the keys that seal secrets, and how much each of them sealed (for operators).
    #[command(after_help = "Example:\n  millstream secrets status")]
    Status(Status),
    /// Make a new key the one that seals, and seal everything again with it (for operators).
    #[command(after_help = "Examples:\n  millstream secrets rotate\n  \
        millstream secrets rotate --present-key\n\n\
        The server goes on working. Former keys stay in the key file, for the sake of backups, until\n\
        `millstream secrets remove-unused`. Copy the key file afterwards: later backups need the new key.")]
    Rotate(Rotate),
    /// Take those keys out of the key file with which nothing is sealed any more (for operators).
    #[command(after_help = "Example:\n  millstream secrets remove-unused\n\n\
        Backups that were made before need the removed keys: keep a copy of the key file as long as them.")]
    RemoveUnused(RemoveUnused),
}

#[derive(Debug, Args)]
pub(crate) struct Status {
    #[command(flatten)]
    server: remote::Options,
}

#[derive(Debug, Args)]
pub(crate) struct Rotate {
    /// Make no new key: seal everything again with the first one. To go on with what was broken off,
    /// or where the configuration gives the keys.
    #[arg(long)]
    present_key: bool,
    /// Don't wait until everything is sealed again.
    #[arg(long)]
    no_wait: bool,
    #[command(flatten)]
    server: remote::Options,
}

#[derive(Debug, Args)]
pub(crate) struct RemoveUnused {
    #[command(flatten)]
    server: remote::Options,
}

const SECRETS: &str = "/api/v1/installation/secrets";

/// How often to ask how sealing again does.
const ASK_EVERY: Duration = Duration::from_millis(500);

pub(crate) fn run(command: Command) -> Result<(), Failure> {
    block_on(async {
        match command {
            Command::Status(status) => status.run().await,
            Command::Rotate(rotate) => rotate.run().await,
            Command::RemoveUnused(remove) => remove.run().await,
        }
    })
}

impl Status {
    async fn run(self) -> Result<(), Failure> {
        let secrets = self.server.connect()?.get(SECRETS).await?;
        print(self.server.json, &secrets)
    }
}

impl Rotate {
    async fn run(self) -> Result<(), Failure> {
        let remote = self.server.connect()?;
        let input = json!({"new_key": !self.present_key});
        let path = format!("{SECRETS}/rotate");
        let mut secrets = remote.call(Method::POST, &path, Some(&input)).await?;
        if !self.no_wait {
            secrets = wait(&remote, secrets).await?;
        }
        print(self.server.json, &secrets)
    }
}

impl RemoveUnused {
    async fn run(self) -> Result<(), Failure> {
        let remote = self.server.connect()?;
        let path = format!("{SECRETS}/remove-unused-keys");
        let secrets = remote.call(Method::POST, &path, None).await?;
        print(self.server.json, &secrets)
    }
}

/// Asks until everything is sealed again, and tells on standard error how much is left.
async fn wait(remote: &Remote, mut secrets: Value) -> Result<Value, Failure> {
    let mut told = None;
    loop {
        let resealing = &secrets["resealing"];
        if let Some(error) = resealing["error"].as_str() {
            return Err(anyhow!("not everything could be sealed again: {error}").into());
        }
        if resealing["running"] == json!(false) {
            return Ok(secrets);
        }
        if resealing.is_null() {
            return Err(anyhow!(
                "the server has been started anew and is not sealing any more: \
                 `millstream secrets rotate --present-key` goes on"
            )
            .into());
        }
        let left = secrets["left"].as_u64();
        if let Some(left) = left.filter(|_| left != told) {
            // Nothing is lost where nobody reads it.
            let _ = writeln!(io::stderr(), "sealing again: {left} values left");
            told = Some(left);
        }
        tokio::time::sleep(ASK_EVERY).await;
        secrets = remote.get(SECRETS).await?;
    }
}

fn print(json: bool, secrets: &Value) -> Result<(), Failure> {
    if json {
        return Ok(output::print_json(secrets)?);
    }
    let keys = secrets["keys"].as_array().map_or(&[][..], Vec::as_slice);
    let columns = [("KEY", "/id"), ("SEALS", "/seals"), ("VALUES", "/values")];
    output::print_list(false, keys, &columns)?;
    if let Some(sentence) = state(secrets) {
        output::print(&format!("\n{sentence}"));
    }
    Ok(())
}

/// What there is to say beside the keys.
fn state(secrets: &Value) -> Option<String> {
    let (resealing, left) = (&secrets["resealing"], secrets["left"].as_u64().unwrap_or(0));
    if resealing["running"] == json!(true) {
        return Some(format!(
            "Everything is being sealed again: {left} values are left."
        ));
    }
    if let Some(error) = resealing["error"].as_str() {
        return Some(format!("Not everything could be sealed again: {error}."));
    }
    (left > 0).then(|| {
        format!(
            "{left} values are still sealed with a former key: \
             `millstream secrets rotate --present-key` seals them again."
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_told_with_what_to_do() {
        let state = |resealing, left| state(&json!({"resealing": resealing, "left": left}));
        let (running, ended) = (
            json!({"running": true, "seen": 3, "error": null}),
            json!({"running": false, "seen": 9, "error": null}),
        );
        let failed = json!({"running": false, "seen": 9, "error": "no key x"});
        assert_eq!(state(json!(null), 0), None);
        assert_eq!(state(ended, 0), None);
        assert!(state(running, 6).is_some_and(|said| said.contains("6 values are left")));
        assert!(state(failed, 1).is_some_and(|said| said.contains("no key x")));
        assert!(state(json!(null), 2).is_some_and(|said| said.contains("--present-key")));
    }
}
