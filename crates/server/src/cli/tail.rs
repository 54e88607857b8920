//! `millstream tail …`: what happens, as it happens.

use std::ops::ControlFlow;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::remote::{self, Refused, Remote, block_on, query};
use super::{Failure, output, project, sync};

/// How long nothing may come: the server gives a sign of life every 15 seconds.
const SILENCE: Duration = Duration::from_secs(45);

/// How long to wait before the server is asked again.
const PAUSE: Duration = Duration::from_secs(2);

/// How often in a row the server may be asked in vain.
const TRIES: u32 = 30;

/// Longest message: events have a bound of their own.
const LONGEST: usize = 4 << 20;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Follow the events that a project accepts.
    #[command(after_help = "Examples:\n  \
        millstream tail events --project Shop\n  \
        millstream tail events --project Shop --type 'Order Completed' --user ann --json")]
    Events(Events),
    /// Follow what becomes of deliveries: of a project, or of one sync.
    #[command(after_help = "Examples:\n  \
        millstream tail outcomes --project Shop\n  \
        millstream tail outcomes --sync 'To Braze' --outcome failed --outcome expired")]
    Outcomes(Outcomes),
}

/// Which of them, and how many.
#[derive(Debug, Args)]
struct Choice {
    /// The project: its id or name. Without it: the only one.
    #[arg(long)]
    project: Option<String>,
    /// Only of events of this type (repeatable: of one of these).
    #[arg(long = "type", value_name = "TYPE")]
    types: Vec<String>,
    /// Only of the user with this id.
    #[arg(long, value_name = "ID")]
    user: Option<String>,
    /// Only of the device with this id.
    #[arg(long, value_name = "ID")]
    device: Option<String>,
    /// End after so many.
    #[arg(long, value_name = "N")]
    count: Option<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct Events {
    #[command(flatten)]
    choice: Choice,
    /// Only events in whose text this occurs.
    #[arg(long)]
    text: Option<String>,
    /// Begin behind the event at this position.
    #[arg(long, value_name = "POSITION")]
    after: Option<u64>,
    #[command(flatten)]
    server: remote::Options,
}

#[derive(Debug, Args)]
pub(crate) struct Outcomes {
    #[command(flatten)]
    choice: Choice,
    /// Only of this sync: its id or name.
    #[arg(long)]
    sync: Option<String>,
    /// Only those that ended so (repeatable).
    #[arg(long = "outcome", value_name = "OUTCOME", value_parser = ["delivered", "failed", "expired", "discarded"])]
    outcomes: Vec<String>,
    #[command(flatten)]
    server: remote::Options,
}

pub(crate) fn run(command: Command) -> Result<(), Failure> {
    block_on(async {
        match command {
            Command::Events(events) => events.run().await,
            Command::Outcomes(outcomes) => outcomes.run().await,
        }
    })
}

impl Choice {
    fn parameters(&self) -> Vec<(&'static str, Option<&str>)> {
        let types = self.types.iter();
        let types = types.map(|name| ("event_type", Some(name.as_str())));
        let ids = [
            ("user_id", self.user.as_deref()),
            ("device_id", self.device.as_deref()),
        ];
        types.chain(ids).collect()
    }

    /// The id of the project.
    async fn project(&self, remote: &Remote) -> Result<String, Failure> {
        if let Some(wanted) = &self.project {
            return Ok(output::text(&project::find(remote, wanted).await?["id"]));
        }
        match remote.projects().await?.as_slice() {
            [only] => Ok(output::text(&only["id"])),
            [] => Err(anyhow::anyhow!("there is no project yet").into()),
            _ => Err(Failure::usage("there are several projects: say --project")),
        }
    }
}

impl Events {
    async fn run(self) -> Result<(), Failure> {
        let remote = self.server.connect()?;
        let project = self.choice.project(&remote).await?;
        let base = format!("/api/v1/projects/{project}/tail/events");
        let mut parameters = self.choice.parameters();
        parameters.push(("text", self.text.as_deref()));
        let mut printer = Printer::new(self.server.json, self.choice.count, event_line);
        printer.last = self.after;
        follow(&remote, &mut printer, |last| {
            let last = last.map(|last| last.to_string());
            let after = [("after", last.as_deref())];
            query(&base, &[parameters.as_slice(), &after].concat())
        })
        .await
    }
}

impl Outcomes {
    async fn run(self) -> Result<(), Failure> {
        let remote = self.server.connect()?;
        let mut parameters = self.choice.parameters();
        let endings = self.outcomes.iter();
        parameters.extend(endings.map(|ending| ("outcome", Some(ending.as_str()))));
        let path = query(&self.base(&remote).await?, &parameters);
        let mut printer = Printer::new(self.server.json, self.choice.count, outcome_line);
        follow(&remote, &mut printer, |_| path.clone()).await
    }

    /// The path of the tail.
    async fn base(&self, remote: &Remote) -> Result<String, Failure> {
        let Some(wanted) = &self.sync else {
            let project = self.choice.project(remote).await?;
            return Ok(format!("/api/v1/projects/{project}/tail/outcomes"));
        };
        let projects = match &self.choice.project {
            Some(wanted) => vec![project::find(remote, wanted).await?],
            None => remote.projects().await?,
        };
        let mut syncs = Vec::new();
        for project in projects {
            let project = output::text(&project["id"]);
            syncs.extend(
                remote
                    .list(&format!("/api/v1/projects/{project}/syncs"))
                    .await?,
            );
        }
        let sync = sync::SYNC.pick(wanted, syncs)?;
        let (project, id) = (output::text(&sync["project"]), output::text(&sync["id"]));
        Ok(format!("/api/v1/projects/{project}/syncs/{id}/tail"))
    }
}

/// Prints what comes, and comes back where the connection is lost.
async fn follow(
    remote: &Remote,
    printer: &mut Printer,
    path: impl Fn(Option<u64>) -> String,
) -> Result<(), Failure> {
    let mut failed = 0;
    loop {
        let path = path(printer.last);
        let mut reader = Reader::default();
        let mut heard = false;
        let mut take = |bytes: &[u8]| {
            heard = true;
            reader.take(bytes, |message| printer.print(&message))
        };
        let followed = remote.follow(&path, SILENCE, &mut take).await;
        if let Some(ended) = printer.ended.take() {
            return ended.map_err(Failure::from);
        }
        failed = if heard { 1 } else { failed + 1 };
        match followed {
            Err(error) if error.is::<Refused>() || failed > TRIES => return Err(error.into()),
            Err(error) => output::error(&error.context("trying again")),
            Ok(()) => output::error(&anyhow::anyhow!("the connection was lost; trying again")),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// What was printed, and where that led.
struct Printer {
    json: bool,
    left: Option<u64>,
    line: fn(&Value) -> String,
    /// The position of the last event.
    last: Option<u64>,
    /// Set when it is over.
    ended: Option<anyhow::Result<()>>,
}

impl Printer {
    fn new(json: bool, count: Option<u64>, line: fn(&Value) -> String) -> Self {
        Self {
            json,
            left: count,
            line,
            last: None,
            ended: None,
        }
    }

    fn print(&mut self, message: &Message) -> ControlFlow<()> {
        self.last = message.id.or(self.last);
        let told = self.tell(message);
        if let Err(error) = told {
            self.ended = Some(Err(error));
        } else if self.left == Some(0) {
            self.ended = Some(Ok(()));
        }
        match self.ended {
            Some(_) => ControlFlow::Break(()),
            None => ControlFlow::Continue(()),
        }
    }

    fn tell(&mut self, message: &Message) -> anyhow::Result<()> {
        let unreadable = "the server's message is not JSON";
        match message.kind.as_str() {
            "event" | "outcome" if self.json => output::print(&message.data),
            "event" | "outcome" => {
                let data = serde_json::from_str(&message.data).context(unreadable)?;
                output::print(&(self.line)(&data));
            }
            "skipped" => {
                let data: Value = serde_json::from_str(&message.data).context(unreadable)?;
                match self.json {
                    true => output::print(&json!({"skipped": data["count"]}).to_string()),
                    false => output::print(&format!("… {} skipped …", data["count"])),
                }
                return Ok(());
            }
            "ended" => {
                let data: Value = serde_json::from_str(&message.data).context(unreadable)?;
                return match data["reason"].as_str() {
                    Some("access_ended") => bail!("the token has ended, or may less than it did"),
                    Some("gone") => bail!("it was deleted"),
                    // It comes again, maybe.
                    _ => Ok(()),
                };
            }
            _ => return Ok(()),
        }
        self.left = self.left.map(|left| left.saturating_sub(1));
        Ok(())
    }
}

fn event_line(item: &Value) -> String {
    let event = &item["event"];
    let who = match event["user_id"].is_null() {
        true => &event["device_id"],
        false => &event["user_id"],
    };
    let (at, kind) = (&item["received_at"], &event["event_type"]);
    let texts = [at, kind, who].map(output::text);
    format!(
        "{}  {}  at {}",
        texts[0],
        texts[1..].join("  "),
        item["offset"]
    )
}

fn outcome_line(outcome: &Value) -> String {
    let shown = ["at", "outcome", "event_type", "user_id"].map(|name| output::text(&outcome[name]));
    let mut parts: Vec<String> = shown.into();
    if !outcome["status"].is_null() {
        parts.push(output::text(&outcome["status"]));
    }
    if let Some(ms) = outcome["ms"].as_u64() {
        parts.push(format!("{ms} ms"));
    }
    if outcome["attempt"].as_u64() > Some(1) {
        parts.push(format!("attempt {}", outcome["attempt"]));
    }
    parts.push(output::text(&outcome["message"]));
    parts.retain(|part| !part.is_empty());
    parts.join("  ")
}

/// A message of an event stream.
#[derive(Debug, Default, PartialEq, Eq)]
struct Message {
    id: Option<u64>,
    kind: String,
    data: String,
}

/// Reads an event stream (HTML Living Standard, section 9.2), as far as a server of ours writes one.
#[derive(Default)]
struct Reader {
    line: Vec<u8>,
    message: Message,
}

impl Reader {
    fn take(
        &mut self,
        mut bytes: &[u8],
        mut each: impl FnMut(Message) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            self.line.extend_from_slice(&bytes[..end]);
            bytes = &bytes[end + 1..];
            let line = String::from_utf8_lossy(&std::mem::take(&mut self.line)).into_owned();
            if line.is_empty() {
                each(std::mem::take(&mut self.message))?;
            } else {
                self.field(&line);
            }
        }
        self.line.extend_from_slice(bytes);
        match self.line.len() > LONGEST {
            // No server of ours.
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }

    fn field(&mut self, line: &str) {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "id" => self.message.id = value.parse().ok(),
            "event" => self.message.kind = value.to_owned(),
            "data" => self.message.data = value.to_owned(),
            // A comment begins with the colon; `retry` is for browsers.
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_read_however_they_are_cut() {
        let stream =
            b"retry: 3000\nevent: begin\ndata: {}\n\n: still here\n\nid: 7\nevent: event\n\
                       data: {\"a\":\"b: c\"}\n\n";
        for cut in 1..stream.len() {
            let (mut reader, mut messages) = (Reader::default(), Vec::new());
            for part in [&stream[..cut], &stream[cut..]] {
                let taken = reader.take(part, |message| {
                    messages.push(message);
                    ControlFlow::Continue(())
                });
                assert!(taken.is_continue());
            }
            let event = Message {
                id: Some(7),
                kind: "event".into(),
                data: "{\"a\":\"b: c\"}".into(),
            };
            assert_eq!(messages.len(), 3, "cut at {cut}");
            assert_eq!(messages[2], event, "cut at {cut}");
        }
    }

    #[test]
    fn an_outcome_is_a_line() {
        let outcome = json!({
            "at": "2026-01-01T00:00:00.000Z", "outcome": "failed", "event_type": "Order", "user_id": "ann",
            "status": 503, "ms": 12, "attempt": 2, "message": "it is down",
        });
        assert_eq!(
            outcome_line(&outcome),
            "2026-01-01T00:00:00.000Z  failed  Order  ann  503  12 ms  attempt 2  it is down"
        );
    }
}
