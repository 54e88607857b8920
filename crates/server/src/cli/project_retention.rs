//! `millstream project retention`.

use clap::Args;
use http::Method;
use serde_json::{Value, json};

use super::project::find;
use super::remote;
use super::{Failure, output};

#[derive(Debug, Args)]
pub(crate) struct Retention {
    /// The project's id or name.
    project: String,
    /// Keep events for so many hours; `default`: as long as the installation does.
    #[arg(long, value_name = "HOURS", value_parser = hours)]
    events: Option<Hours>,
    /// Keep deliveries that ended without success for so many hours, no longer than events.
    #[arg(long, value_name = "HOURS", value_parser = hours)]
    outcomes: Option<Hours>,
    #[command(flatten)]
    server: remote::Options,
}

/// A number of hours, or none of one's own.
#[derive(Debug, Clone, Copy)]
struct Hours(Option<u32>);

fn hours(text: &str) -> Result<Hours, String> {
    match text {
        "default" => Ok(Hours(None)),
        number => match number.parse() {
            Ok(hours) => Ok(Hours(Some(hours))),
            Err(_) => Err("expected a number of hours, or `default`".to_owned()),
        },
    }
}

impl Retention {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let remote = self.server.connect()?;
        let project = find(&remote, &self.project).await?;
        let path = format!("/api/v1/projects/{}", output::text(&project["id"]));
        if self.events.is_some() || self.outcomes.is_some() {
            let mut retention = project["retention"].clone();
            for (name, hours) in [
                ("events_hours", self.events),
                ("outcomes_hours", self.outcomes),
            ] {
                if let Some(Hours(hours)) = hours {
                    retention[name] = json!(hours);
                }
            }
            let version = project["version"].as_u64().unwrap_or_default();
            let body = json!({"retention": retention});
            remote
                .call_if(Method::PATCH, &path, version, Some(&body))
                .await?;
        }
        let held = remote.get(&format!("{path}/retention")).await?;
        if self.server.json {
            return Ok(output::print_json(&held)?);
        }
        output::print_fields(&fields(&project, &held));
        Ok(())
    }
}

fn fields(project: &Value, held: &Value) -> Vec<(&'static str, String)> {
    let oldest = match &held["oldest_received_at"] {
        Value::Null => "none".to_owned(),
        at => format!("received at {}", output::text(at)),
    };
    vec![
        ("Project", output::text(&project["name"])),
        ("Events", format!("{} hours", held["events_hours"])),
        ("Outcomes", format!("{} hours", held["outcomes_hours"])),
        ("Held", format!("{} bytes", held["bytes"])),
        ("Oldest event", oldest),
    ]
}
