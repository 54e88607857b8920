//! `millstream replay …`.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use http::Method;
use model::ReplayId;
use serde_json::{Map, Value, json};

use super::remote::{Remote, block_on};
use super::sync::{One, path};
use super::{Failure, output, period, prompt};

/// How often is asked how far a replay is.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

pub(crate) const FAILED_HELP: &str = "\
Deliveries that expired or were discarded are made again by the sync as it is now, under the ids that
they have. What would be sent is shown first. Reasons are those that `millstream sync ended` shows.

Examples:
  millstream replay failed Braze --dry-run
  millstream replay failed Braze --reason template --yes --wait
  millstream replay failed Braze --outcome expired --status 503 --from 2026-05-01T00:00:00Z --rate 600
  millstream replay failed Braze --delivery dlv_01hzy3v7qk8m9n0p2r4s6t8v0w --yes

Exit codes:
  0  made (with --wait: all of it was delivered)
  1  failed, or with --wait: some ended without success again
  2  the command line is wrong";

pub(crate) const EVENTS_HELP: &str = "\
Events that were received within some time are sent by the sync as it is now, as new deliveries: with ids
of their own and the header Millstream-Backfill. What the sync doesn't select is not sent. What would be
sent is shown first.

Examples:
  millstream replay events Braze --from 2026-05-01T00:00:00Z --dry-run
  millstream replay events Braze --from 2026-05-01T00:00:00Z --until 2026-05-02T00:00:00Z --rate 600 --wait
  millstream replay events Braze --from 2026-05-01T00:00:00Z --event 'Order Completed' --yes

Exit codes:
  0  made (with --wait: all of it was delivered)
  1  failed, or with --wait: some ended without success
  2  the command line is wrong";

pub(crate) const STEER_HELP: &str = "\
Example:
  millstream replay pause Braze rpl_01hzy3v7qk8m9n0p2r4s6t8v0w";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Send deliveries again that ended without success.
    #[command(after_help = FAILED_HELP)]
    Failed(Box<Failed>),
    /// Send past events to a sync, as new deliveries.
    #[command(after_help = EVENTS_HELP)]
    Events(Box<Events>),
    /// List a sync's replays, oldest first.
    #[command(after_help = "Example:\n  millstream replay list Braze")]
    List(List),
    /// Show a replay and how far it is.
    #[command(
        after_help = "Example:\n  millstream replay show Braze rpl_01hzy3v7qk8m9n0p2r4s6t8v0w --wait"
    )]
    Show(Show),
    /// Have a replay stand still; what it has begun goes on.
    #[command(after_help = STEER_HELP)]
    Pause(Named),
    /// Have a paused replay go on.
    #[command(after_help = STEER_HELP)]
    Resume(Named),
    /// End a replay before it is done.
    #[command(after_help = STEER_HELP)]
    Cancel(Named),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Outcome {
    /// The last attempt failed too.
    Expired,
    /// No request could be made.
    Discarded,
}

#[derive(Debug, Args)]
pub(crate) struct Failed {
    #[command(flatten)]
    one: One,
    /// Only the delivery with this id (repeatable).
    #[arg(long = "delivery", value_name = "ID")]
    deliveries: Vec<String>,
    /// Only those that ended so.
    #[arg(long, value_enum)]
    outcome: Option<Outcome>,
    /// Only those with this reason, such as timeout or template (repeatable).
    #[arg(long = "reason", value_name = "REASON")]
    reasons: Vec<String>,
    /// Only those last answered with this status (repeatable).
    #[arg(long = "status", value_name = "N")]
    statuses: Vec<u16>,
    /// Only those of events of this type (repeatable).
    #[arg(long = "event", value_name = "TYPE")]
    events: Vec<String>,
    /// Only those that ended at this time or later (RFC 3339).
    #[arg(long, value_name = "TIME", value_parser = period::time)]
    from: Option<String>,
    /// Only those that ended before this time (RFC 3339).
    #[arg(long, value_name = "TIME", value_parser = period::time)]
    until: Option<String>,
    #[command(flatten)]
    how: How,
}

#[derive(Debug, Args)]
pub(crate) struct Events {
    #[command(flatten)]
    one: One,
    /// Events that were received at this time or later (RFC 3339).
    #[arg(long, value_name = "TIME", value_parser = period::time)]
    from: String,
    /// Events that were received before this time (RFC 3339). Without it: until now.
    #[arg(long, value_name = "TIME", value_parser = period::time)]
    until: Option<String>,
    /// Only events of this type (repeatable).
    #[arg(long = "event", value_name = "TYPE", conflicts_with = "select")]
    events: Vec<String>,
    /// A file with a selection (JSON), in the form of a sync's own: types with conditions.
    #[arg(long, value_name = "FILE")]
    select: Option<PathBuf>,
    #[command(flatten)]
    how: How,
}

/// How something is sent again.
#[derive(Debug, Args)]
pub(super) struct How {
    /// How many are begun per minute at most. Without it: as many as the sync sends.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(super) rate: Option<u32>,
    /// Only show what would be sent.
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Don't ask.
    #[arg(long, conflicts_with = "dry_run")]
    pub(super) yes: bool,
    /// Wait until it is done, and show how far it is.
    #[arg(long, conflicts_with = "dry_run")]
    pub(super) wait: bool,
}

#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    one: One,
    /// How many at most.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=500))]
    limit: u32,
}

#[derive(Debug, Args)]
pub(crate) struct Named {
    #[command(flatten)]
    one: One,
    /// The replay's id.
    #[arg(value_name = "REPLAY")]
    replay: String,
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    #[command(flatten)]
    named: Named,
    /// Wait until it is done, and show how far it is.
    #[arg(long)]
    wait: bool,
}

pub(crate) fn run(command: Command) -> Result<(), Failure> {
    block_on(async {
        match command {
            Command::Failed(failed) => failed.run().await,
            Command::Events(events) => events.run().await,
            Command::List(list) => list.run().await,
            Command::Show(show) => show.run().await,
            Command::Pause(named) => named.steer("pause").await,
            Command::Resume(named) => named.steer("resume").await,
            Command::Cancel(named) => named.steer("cancel").await,
        }
    })
}

impl Failed {
    async fn run(self) -> Result<(), Failure> {
        let body = json!({"failed": self.filter(), "per_minute": self.how.rate});
        let (remote, sync) = self.one.find().await?;
        let replays = format!("{}/replays", path(&sync));
        make(&remote, &replays, &body, &self.how, self.one.server.json).await
    }

    fn filter(&self) -> Value {
        let outcome = self.outcome.map(|outcome| match outcome {
            Outcome::Expired => "expired",
            Outcome::Discarded => "discarded",
        });
        let mut filter = Map::new();
        let given = [
            ("deliveries", json!(self.deliveries)),
            ("outcome", json!(outcome)),
            ("reasons", json!(self.reasons)),
            ("statuses", json!(self.statuses)),
            ("event_types", json!(self.events)),
            ("ended_from", json!(self.from)),
            ("ended_until", json!(self.until)),
        ];
        for (name, value) in given {
            if !value.is_null() && value != json!([]) {
                filter.insert(name.into(), value);
            }
        }
        filter.into()
    }
}

impl Events {
    async fn run(self) -> Result<(), Failure> {
        let mut events = json!({"from": self.from, "until": self.until});
        if let Some(select) = self.selection()? {
            events["select"] = select;
        }
        let body = json!({"events": events, "per_minute": self.how.rate});
        let (remote, sync) = self.one.find().await?;
        let replays = format!("{}/replays", path(&sync));
        make(&remote, &replays, &body, &self.how, self.one.server.json).await
    }

    fn selection(&self) -> Result<Option<Value>, Failure> {
        if let Some(file) = &self.select {
            let wrong = |problem: &dyn std::fmt::Display| {
                Failure::usage(format!("--select: {}: {problem}", file.display()))
            };
            let text = std::fs::read_to_string(file).map_err(|error| wrong(&error))?;
            return serde_json::from_str(&text)
                .map(Some)
                .map_err(|error| wrong(&error));
        }
        let types = self.events.iter();
        let types: Vec<_> = types.map(|name| json!({"event_type": name})).collect();
        Ok((!types.is_empty()).then(|| json!({"types": types})))
    }
}

/// Shows what a replay would send, asks, and makes it.
pub(super) async fn make(
    remote: &Remote,
    replays: &str,
    body: &Value,
    how: &How,
    as_json: bool,
) -> Result<(), Failure> {
    if how.dry_run || !how.yes {
        let path = format!("{replays}/dry-run");
        let found = remote.call(Method::POST, &path, Some(body)).await?;
        match as_json {
            true if how.dry_run => output::print_json(&found)?,
            true => {}
            false => print_dry_run(&found),
        }
        if how.dry_run {
            return Ok(());
        }
        let question = format!("Make {} deliveries?", about(&found));
        prompt::confirmed(how.yes, &question)?;
    }
    let made = remote.create(replays, body).await?;
    if !how.wait {
        let sentence = format!(
            "{} is {}",
            output::text(&made["id"]),
            output::text(&made["state"])
        );
        return Ok(output::print_done(as_json, &made, &sentence)?);
    }
    let path = format!("{replays}/{}", output::text(&made["id"]));
    follow(remote, &path, as_json).await
}

/// Waits until a replay has ended, and shows meanwhile how far it is.
pub(super) async fn follow(remote: &Remote, path: &str, as_json: bool) -> Result<(), Failure> {
    let shows = io::stderr().is_terminal() && !as_json;
    loop {
        let replay = remote.get(path).await?;
        let ended = matches!(replay["state"].as_str(), Some("done" | "cancelled"));
        if shows {
            progress(&replay, ended);
        }
        if ended {
            print(&replay, as_json)?;
            let failed = replay["progress"]["failed"].as_u64().unwrap_or(0);
            let done = replay["state"] == "done" && failed == 0;
            return if done { Ok(()) } else { Err(Failure::Code(1)) };
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// One line on the terminal, written over by the next.
fn progress(replay: &Value, last: bool) {
    let progress = &replay["progress"];
    let waits = replay["waits_for"].as_str();
    let waits = waits
        .map(|what| format!("; waits: {what}"))
        .unwrap_or_default();
    let mut error = io::stderr().lock();
    let line = format!(
        "\r\x1b[K{}: looked at {} of {}, delivered {}, failed {}{waits}",
        output::text(&replay["state"]),
        progress["looked_at"],
        progress["total"],
        progress["delivered"],
        progress["failed"],
    );
    // Progress that can't be shown is no reason to stop.
    let _ = write!(error, "{line}{}", if last { "\n" } else { "" });
    let _ = error.flush();
}

/// How many, in words.
fn about(found: &Value) -> String {
    let estimate = &found["estimate"];
    match found["exact"].as_bool() {
        Some(true) => estimate.to_string(),
        _ => format!("about {estimate}"),
    }
}

fn print_dry_run(found: &Value) {
    let deliveries = found["estimate"].as_u64().unwrap_or(0);
    let deliveries = output::counted(deliveries, "delivery", "deliveries");
    let sentence = match found["exact"].as_bool() {
        Some(true) => format!(
            "{} of {} would be sent, as {deliveries}.",
            found["matching"], found["total"]
        ),
        _ => format!(
            "{} of {} that were looked at would be sent. All {} would make about {deliveries}.",
            found["matching"], found["looked_at"], found["total"]
        ),
    };
    output::print(&sentence);
    for example in found["examples"].as_array().into_iter().flatten() {
        print_example(example);
    }
}

pub(super) fn print_example(example: &Value) {
    let when = output::text(&example["received_at"]);
    let event_type = output::text(&example["event_type"]);
    let id = output::text(&example["delivery_id"]);
    let line = format!("{id} {event_type:?}, received {when}");
    output::print(&format!("\n{}", line.trim_start()));
    if let Some(message) = example["message"].as_str() {
        let reason = output::text(&example["reason"]);
        output::print(&format!("  ended: {reason}: {message}"));
    }
    let now = &example["now"];
    let request = &now["request"];
    if request.is_object() {
        output::print(&format!(
            "  now: {} {}",
            output::text(&request["method"]),
            output::text(&request["url"])
        ));
        for line in output::text(&request["body"]).lines().take(20) {
            output::print(&format!("    {line}"));
        }
    } else {
        let why = output::text(&now["reason"]["message"]);
        let outcome = output::text(&now["outcome"]);
        output::print(&format!("  now: {outcome}: {why}"));
    }
}

impl List {
    async fn run(self) -> Result<(), Failure> {
        let (remote, sync) = self.one.find().await?;
        let list = format!("{}/replays", path(&sync));
        let replays = remote.first(&list, self.limit as usize).await?;
        let columns = [
            ("ID", "/id"),
            ("STATE", "/state"),
            ("LOOKED AT", "/progress/looked_at"),
            ("OF", "/progress/total"),
            ("DELIVERED", "/progress/delivered"),
            ("FAILED", "/progress/failed"),
            ("MADE", "/created_at"),
            ("BY", "/made_by"),
        ];
        Ok(output::print_list(
            self.one.server.json,
            &replays,
            &columns,
        )?)
    }
}

impl Show {
    async fn run(self) -> Result<(), Failure> {
        let (remote, path) = self.named.find().await?;
        let as_json = self.named.one.server.json;
        if self.wait {
            return follow(&remote, &path, as_json).await;
        }
        print(&remote.get(&path).await?, as_json)
    }
}

impl Named {
    async fn find(&self) -> Result<(Remote, String), Failure> {
        let replay = &self.replay;
        if replay.parse::<ReplayId>().is_err() {
            let sync = &self.one.sync;
            return Err(Failure::usage(format!(
                "{replay} is no replay's id, which begins with rpl_ and has 26 characters more; `millstream replay list {sync}` shows them"
            )));
        }
        let (remote, sync) = self.one.find().await?;
        let path = format!("{}/replays/{replay}", path(&sync));
        Ok((remote, path))
    }

    async fn steer(self, verb: &str) -> Result<(), Failure> {
        let (remote, path) = self.find().await?;
        let path = format!("{path}/{verb}");
        let steered = remote.call(Method::POST, &path, None).await?;
        let sentence = format!(
            "{} is {}",
            output::text(&steered["id"]),
            output::text(&steered["state"])
        );
        Ok(output::print_done(
            self.one.server.json,
            &steered,
            &sentence,
        )?)
    }
}

fn print(replay: &Value, as_json: bool) -> Result<(), Failure> {
    let fields = [
        ("Id", "/id"),
        ("State", "/state"),
        ("Waits for", "/waits_for"),
        ("Per minute", "/per_minute"),
        ("Looked at", "/progress/looked_at"),
        ("Of", "/progress/total"),
        ("Begun", "/progress/begun"),
        ("Delivered", "/progress/delivered"),
        ("Failed", "/progress/failed"),
        ("Not sent", "/progress/unsent"),
        ("Erased", "/progress/erased"),
        ("Under way", "/progress/outstanding"),
        ("In doubt", "/progress/in_doubt"),
        ("Made", "/created_at"),
        ("By", "/made_by"),
    ];
    Ok(output::print_item(as_json, replay, &fields)?)
}
