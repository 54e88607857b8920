//! `millstream sync outcomes`, `failures` and `sample`, and `millstream project refused`.

use clap::{Args, ValueEnum};
use serde_json::Value;

use super::output::{self, text};
use super::period;
use super::remote::{self, query};
use super::sync::{One, path};
use super::{Failure, project};

pub(crate) const OUTCOMES_HELP: &str = "\
Attempts that failed, that ended a delivery, or that delivered after others had failed. What was
delivered at once is no list: `millstream why` tells it of an event.

Examples:
  millstream sync outcomes Braze --outcome expired --since 2d
  millstream sync outcomes Braze --category server_error --status 503
  millstream sync outcomes Braze --user ann@example.com --json
  millstream sync outcomes Braze --device 5a1f-77";

pub(crate) const FAILURES_HELP: &str = "\
Failed attempts by category and discarded events by reason, with the ids of samples, which
`millstream sync sample` shows.

Examples:
  millstream sync failures Braze
  millstream sync failures Braze --since 7d";

pub(crate) const SAMPLE_HELP: &str = "\
The event, the request with its secrets masked, the answer, and where the time went.

Examples:
  millstream sync sample Braze 17
  millstream sync sample Braze 17 --json";

pub(crate) const REFUSED_HELP: &str = "\
Examples:
  millstream project refused Shop
  millstream project refused Shop --json";

/// How an attempt ended.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Outcome {
    /// After attempts that failed.
    Delivered,
    /// Another attempt was booked.
    Failed,
    /// It was the last attempt.
    Expired,
    /// No request could be made.
    Discarded,
}

impl Outcome {
    fn name(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Discarded => "discarded",
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Outcomes {
    #[command(flatten)]
    one: One,
    /// Only those that ended so.
    #[arg(long)]
    outcome: Option<Outcome>,
    /// Only those of this category of failures, or discarded for this reason.
    #[arg(long)]
    category: Option<String>,
    /// Only those answered with this status.
    #[arg(long, value_parser = clap::value_parser!(u16).range(100..=999))]
    status: Option<u16>,
    /// Only those of events of this type.
    #[arg(long, value_name = "TYPE")]
    event_type: Option<String>,
    /// Only those of events of this user.
    #[arg(long, value_name = "USER_ID")]
    user: Option<String>,
    /// Only those of events of this device.
    #[arg(long, value_name = "DEVICE_ID")]
    device: Option<String>,
    /// Only those of events with this insert_id.
    #[arg(long, value_name = "ID")]
    insert_id: Option<String>,
    /// Only those of events with this event_id.
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    event_id: Option<i64>,
    /// Only those of the last 24h, 7d …
    #[arg(long, value_name = "PERIOD", value_parser = period::parse)]
    since: Option<std::time::Duration>,
    /// How many at most.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
}

#[derive(Debug, Args)]
pub(crate) struct Failures {
    #[command(flatten)]
    one: One,
    /// Of how long: up to 4h they are told by the minute, beyond by the hour, up to 90d.
    #[arg(long, value_name = "PERIOD", default_value = "1h", value_parser = period::parse)]
    since: std::time::Duration,
}

#[derive(Debug, Args)]
pub(crate) struct Sample {
    #[command(flatten)]
    one: One,
    /// The sample's id, as `millstream sync failures` lists it.
    #[arg(value_name = "SAMPLE")]
    sample: u64,
}

#[derive(Debug, Args)]
pub(crate) struct Refused {
    /// The project: its id or name.
    project: String,
    #[command(flatten)]
    server: remote::Options,
}

impl Outcomes {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let (remote, sync) = self.one.find().await?;
        let status = self.status.map(|status| status.to_string());
        let event_id = self.event_id.map(|id| id.to_string());
        let from = self.since.map(period::ago).transpose()?;
        let parameters = [
            ("outcome", self.outcome.map(Outcome::name)),
            ("category", self.category.as_deref()),
            ("status", status.as_deref()),
            ("event_type", self.event_type.as_deref()),
            ("user", self.user.as_deref()),
            ("device", self.device.as_deref()),
            ("insert_id", self.insert_id.as_deref()),
            ("event_id", event_id.as_deref()),
            ("from", from.as_deref()),
        ];
        let list = query(&format!("{}/outcomes", path(&sync)), &parameters);
        let items = remote.first(&list, self.limit as usize).await?;
        let columns = [
            ("AT", "/at"),
            ("OUTCOME", "/outcome"),
            ("CATEGORY", "/category"),
            ("STATUS", "/status"),
            ("ATTEMPT", "/attempt"),
            ("EVENT TYPE", "/event_type"),
            ("USER", "/user_id"),
            ("OFFSET", "/offset"),
            ("MESSAGE", "/message"),
        ];
        Ok(output::print_list(self.one.server.json, &items, &columns)?)
    }
}

impl Failures {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        const BY_MINUTE: std::time::Duration = std::time::Duration::from_secs(4 * 3600);
        let (remote, sync) = self.one.find().await?;
        let step = match self.since <= BY_MINUTE {
            true => "minute",
            false => "hour",
        };
        let from = period::ago(self.since)?;
        let parameters = [("step", Some(step)), ("from", Some(from.as_str()))];
        let failures = query(&format!("{}/failures", path(&sync)), &parameters);
        let failures = remote.get(&failures).await?;
        if self.one.server.json {
            return Ok(output::print_json(&failures)?);
        }
        let mut rows = Vec::new();
        for (kind, list) in [("failed", "failed"), ("discarded", "discarded")] {
            for group in failures[list].as_array().into_iter().flatten() {
                let by_status = group["by_status"].as_array().into_iter().flatten();
                let by_status = by_status.map(|one| format!("{}: {}", one["status"], one["count"]));
                let samples = group["samples"].as_array().into_iter().flatten();
                let samples = samples.map(|sample| text(&sample["id"]));
                rows.push(vec![
                    kind.to_owned(),
                    text(&group["category"]),
                    text(&group["count"]),
                    by_status.collect::<Vec<_>>().join(", "),
                    samples.collect::<Vec<_>>().join(", "),
                ]);
            }
        }
        output::print_table(
            &["OUTCOME", "CATEGORY", "COUNT", "BY STATUS", "SAMPLES"],
            &rows,
        );
        Ok(())
    }
}

impl Sample {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let (remote, sync) = self.one.find().await?;
        let sample = format!("{}/samples/{}", path(&sync), self.sample);
        let sample = remote.get(&sample).await?;
        if self.one.server.json {
            return Ok(output::print_json(&sample)?);
        }
        output::print_item(
            false,
            &sample,
            &[
                ("Delivery", "/delivery_id"),
                ("At", "/at"),
                ("Attempt", "/attempt"),
                ("Outcome", "/outcome"),
                ("Category", "/category"),
                ("Message", "/message"),
            ],
        )?;
        let request = &sample["request"];
        if request.is_object() {
            output::print(&format!(
                "\n{} {}",
                text(&request["method"]),
                text(&request["url"])
            ));
            print_message(request);
        }
        let response = &sample["response"];
        if response.is_object() {
            output::print(&format!("\n{}", response["status"]));
            print_message(response);
        }
        output::print(&format!(
            "\nThe event:\n{}",
            serde_json::to_string(&sample["event"]).unwrap_or_default()
        ));
        Ok(())
    }
}

/// Headers and body.
fn print_message(message: &Value) {
    for header in message["headers"].as_array().into_iter().flatten() {
        output::print(&format!(
            "{}: {}",
            text(&header["name"]),
            text(&header["value"])
        ));
    }
    output::print(&format!("\n{}", text(&message["body"])));
}

impl Refused {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let remote = self.server.connect()?;
        let project = project::find(&remote, &self.project).await?;
        let list = format!("/api/v1/projects/{}/refused", text(&project["id"]));
        let mut refused = remote.get(&list).await?;
        let items = refused["items"].as_array_mut().map(std::mem::take);
        let columns = [
            ("AT", "/at"),
            ("PATH", "/path"),
            ("STATUS", "/status"),
            ("REASON", "/reason"),
            ("EVENTS", "/events"),
            ("BYTES", "/bytes"),
            ("ANSWER", "/answer/error"),
            ("DETAIL", "/answer/detail"),
        ];
        let items = items.unwrap_or_default();
        Ok(output::print_list(self.server.json, &items, &columns)?)
    }
}
