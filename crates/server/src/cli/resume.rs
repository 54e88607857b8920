//! `millstream sync resume`.

use clap::{Args, ValueEnum};
use http::Method;
use serde_json::{Value, json};

use super::remote::Refused;
use super::sync::{One, path};
use super::{Failure, output};

pub(super) const HELP: &str = "Examples:\n  \
    millstream sync resume Braze --backlog all --rate 600\n  \
    millstream sync resume Braze --backlog newest\n  \
    millstream sync resume Braze --backlog drop          # says how much that is, and drops nothing\n  \
    millstream sync resume Braze --backlog drop --confirm 1250";

/// How a sync goes on.
#[derive(Debug, Args)]
pub(crate) struct Resume {
    #[command(flatten)]
    one: One,
    /// What becomes of the events that it owes: all are sent, or only the newest of each user and event
    /// type (pending retries go on), or none (nor the retries).
    #[arg(long, value_enum, default_value_t = Backlog::All)]
    backlog: Backlog,
    /// How many requests a minute are sent at most until it has gone through them.
    #[arg(long, value_name = "N")]
    rate: Option<u32>,
    /// Drop so many deliveries that it owes.
    #[arg(long, value_name = "N")]
    confirm: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Backlog {
    All,
    Newest,
    Drop,
}

impl Backlog {
    /// As the control API calls it.
    fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Newest => "newest_per_user",
            Self::Drop => "drop",
        }
    }
}

impl Resume {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let (remote, sync) = self.one.find().await?;
        let input = json!({
            "backlog": self.backlog.name(),
            "requests_per_minute": self.rate,
            "confirm": self.confirm,
        });
        let address = format!("{}/resume", path(&sync));
        let resumed = remote.call(Method::POST, &address, Some(&input)).await;
        let resumed = resumed.map_err(|error| {
            let Some(refused) = Refused::find(&error, "confirmation_needed") else {
                return error;
            };
            let (events, retries) = owed(&refused.problem["would_drop"]);
            anyhow::anyhow!(
                "that would drop {events} waiting events and {retries} pending retries: \
                 `--confirm {}` does it all the same",
                events + retries
            )
        })?;
        if self.one.server.json {
            return Ok(output::print_json(&resumed)?);
        }
        let what = match self.backlog {
            Backlog::All => "goes through all that waits",
            Backlog::Newest => "goes through the newest events that wait",
            Backlog::Drop => "has dropped what waited",
        };
        let id = output::text(&resumed["id"]);
        output::print(&format!("{id} is enabled, and {what}"));
        Ok(())
    }
}

/// Events (those that wait for their user's turn, too) and retries that are dropped, or would be.
pub(super) fn owed(dropped: &Value) -> (u64, u64) {
    let count = |field: &str| dropped[field].as_u64().unwrap_or(0);
    (
        count("backlog") + count("waiting_in_order"),
        count("pending"),
    )
}

/// What a sync keeps, and what it lost, in words.
pub(super) fn held(held: &Value) -> String {
    let count = |field: &str| held[field].as_u64().unwrap_or(0);
    let mut text = format!(
        "{} bytes of events; while it stands still {} days and {} bytes at most",
        count("bytes"),
        count("max_age_seconds") / 86_400,
        count("max_bytes")
    );
    for (what, events, retries) in [
        ("lost to that", "lost_events", "lost_retries"),
        ("dropped", "dropped_events", "dropped_retries"),
    ] {
        let (events, retries) = (count(events), count(retries));
        if events + retries > 0 {
            text += &format!("; {what}: {events} events, {retries} retries");
        }
    }
    if count("superseded") > 0 {
        text += &format!("; left out for newer ones: {}", count("superseded"));
    }
    text
}
