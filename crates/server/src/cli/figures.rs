//! `millstream sync figures` and `millstream project figures`: what was counted over time.

use std::time::Duration;

use clap::{Args, ValueEnum};
use serde_json::Value;

use super::output::{self, text};
use super::remote::{self, Remote, query};
use super::sync::{One, path};
use super::{Failure, period, project};

/// How far back figures by the minute reach.
const BY_MINUTE: Duration = Duration::from_secs(4 * 3600);

pub(crate) const SYNC_HELP: &str = "\
What became of the sync's events: a row for each minute or hour in which something was counted, and the sum.
Latencies are from received to delivered, in seconds; past events have none.

Examples:
  millstream sync figures Braze
  millstream sync figures Braze --since 7d
  millstream sync figures Braze --from 2026-05-01T00:00:00Z --until 2026-05-02T00:00:00Z --step hour --json";

pub(crate) const PROJECT_HELP: &str = "\
The same of a project and all its syncs, deleted ones too: received are the events that were accepted.

Examples:
  millstream project figures Shop
  millstream project figures Shop --since 90d --json";

/// By what figures are summed up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Step {
    /// Reaches back 4 hours.
    Minute,
    /// Reaches back 90 days.
    Hour,
}

impl Step {
    fn name(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
        }
    }
}

/// Of which time.
#[derive(Debug, Args)]
pub(super) struct Range {
    /// Of the last 2h, 7d … [default: 1h, with --step hour 1d].
    #[arg(long, value_name = "PERIOD", value_parser = period::parse, conflicts_with_all = ["from", "until"])]
    since: Option<Duration>,
    /// From this time on (RFC 3339).
    #[arg(long, value_name = "TIME", value_parser = period::time)]
    from: Option<String>,
    /// Until before this time (RFC 3339). Without it: until now.
    #[arg(long, value_name = "TIME", value_parser = period::time)]
    until: Option<String>,
    /// By what they are summed up. Without it: by the minute where these reach back far enough.
    #[arg(long, value_enum)]
    step: Option<Step>,
}

impl Range {
    /// The query that asks for it, at a path.
    fn of(&self, path: &str) -> anyhow::Result<String> {
        let from = match (&self.from, self.since) {
            (Some(from), _) => Some(from.clone()),
            (None, Some(since)) => Some(period::ago(since)?),
            (None, None) => None,
        };
        let reaches = match (&from, self.since) {
            (_, Some(since)) => since <= BY_MINUTE,
            (Some(from), None) => period::since(from)? <= BY_MINUTE,
            (None, None) => true,
        };
        let usual = if reaches { Step::Minute } else { Step::Hour };
        let parameters = [
            ("step", Some(self.step.unwrap_or(usual).name())),
            ("from", from.as_deref()),
            ("until", self.until.as_deref()),
        ];
        Ok(query(path, &parameters))
    }
}

#[derive(Debug, Args)]
pub(crate) struct OfSync {
    #[command(flatten)]
    one: One,
    #[command(flatten)]
    range: Range,
}

#[derive(Debug, Args)]
pub(crate) struct OfProject {
    /// The project: its id or name.
    project: String,
    #[command(flatten)]
    range: Range,
    #[command(flatten)]
    server: remote::Options,
}

impl OfSync {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let (remote, sync) = self.one.find().await?;
        let path = format!("{}/figures", path(&sync));
        show(&remote, &self.range.of(&path)?, self.one.server.json).await
    }
}

impl OfProject {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let remote = self.server.connect()?;
        let project = project::find(&remote, &self.project).await?;
        let path = format!("/api/v1/projects/{}/figures", text(&project["id"]));
        show(&remote, &self.range.of(&path)?, self.server.json).await
    }
}

async fn show(remote: &Remote, path: &str, as_json: bool) -> Result<(), Failure> {
    let found = remote.get(path).await?;
    if as_json {
        return Ok(output::print_json(&found)?);
    }
    let mut rows: Vec<_> = found["series"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|step| row(text(&step["at"]), step))
        .collect();
    rows.push(row("in all".to_owned(), &found["totals"]));
    let headings: Vec<_> = std::iter::once("AT")
        .chain(COLUMNS.iter().map(|(heading, _)| *heading))
        .collect();
    output::print_table(&headings, &rows);
    let totals = &found["totals"];
    for (what, counts) in [
        ("Failed attempts", failures(totals)),
        ("Discarded", reasons(totals)),
    ] {
        if !counts.is_empty() {
            output::print(&format!("{what}: {}", counts.join(", ")));
        }
    }
    Ok(())
}

/// What is shown of a step, and where it stands.
const COLUMNS: [(&str, &str); 14] = [
    ("RECEIVED", "/received"),
    ("FILTERED", "/filtered"),
    ("DELIVERED", "/delivered_first"),
    ("AFTER RETRY", "/delivered_retry"),
    ("DISCARDED", "/discarded"),
    ("EXPIRED", "/expired"),
    ("LOST", "/lost"),
    ("DROPPED", "/dropped"),
    ("PENDING", "/pending"),
    ("FAILED", "/failed_attempts"),
    ("PER SECOND", "/requests_per_second"),
    ("P50", "/latency_seconds/p50"),
    ("P95", "/latency_seconds/p95"),
    ("P99", "/latency_seconds/p99"),
];

fn row(at: String, figures: &Value) -> Vec<String> {
    let cell = |(_, pointer): &(&str, &str)| match figures.pointer(pointer) {
        Some(Value::Number(number)) if number.is_f64() => {
            format!("{:.3}", number.as_f64().unwrap_or_default())
        }
        other => other.map(text).unwrap_or_default(),
    };
    std::iter::once(at)
        .chain(COLUMNS.iter().map(cell))
        .collect()
}

fn failures(totals: &Value) -> Vec<String> {
    let kinds = totals["failures"].as_array().into_iter().flatten();
    let told = |kind: &Value| {
        let status = kind["status"].as_u64();
        let status = status.map_or(String::new(), |status| format!(" {status}"));
        format!("{}{status}: {}", text(&kind["category"]), kind["count"])
    };
    kinds.map(told).collect()
}

fn reasons(totals: &Value) -> Vec<String> {
    let reasons = totals["discarded_by_reason"]
        .as_object()
        .into_iter()
        .flatten();
    reasons
        .map(|(reason, count)| format!("{reason}: {count}"))
        .collect()
}
