//! `millstream why ID`: what happened to an event on every sync.

use clap::Args;
use serde_json::Value;

use super::output::{self, text};
use super::remote::{self, Remote, block_on, query};
use super::{Failure, project, sync};

pub(crate) const HELP: &str = "\
ID is an event's insert_id or event_id. Said is, for each sync: the condition that filtered the event,
with the value that it saw; the attempts that were made; or what it waits for. Requests that were
refused are told as far as there are samples of them.

Examples:
  millstream why 5f0adc2e-0b77-4b1e-8b5a-1f0d2f6d3c11
  millstream why --user ann@example.com --project Shop --limit 20
  millstream why 5f0adc2e-0b77-4b1e-8b5a-1f0d2f6d3c11 --json

Exit codes:
  0  something is known of such an event
  1  nothing is, or the server refused or can't be reached
  2  the command line is wrong";

#[derive(Debug, Args)]
pub(crate) struct Why {
    /// The event's insert_id or event_id.
    #[arg(required_unless_present_any = ["user", "device"])]
    id: Option<String>,
    /// Events of this user instead, newest first.
    #[arg(long, value_name = "USER_ID", conflicts_with_all = ["id", "device"])]
    user: Option<String>,
    /// Events of this device instead, newest first.
    #[arg(long, value_name = "DEVICE_ID", conflicts_with = "id")]
    device: Option<String>,
    /// The project: its id or name. Without it: it is looked for in all projects.
    #[arg(long)]
    project: Option<String>,
    /// Only what this sync did: its id or name. Needs --project.
    #[arg(long, requires = "project")]
    sync: Option<String>,
    /// How many events of a project at most.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=20))]
    limit: u32,
    #[command(flatten)]
    server: remote::Options,
}

pub(crate) fn run(why: Why) -> Result<(), Failure> {
    block_on(why.run())
}

impl Why {
    async fn run(self) -> Result<(), Failure> {
        let remote = self.server.connect()?;
        let projects = match &self.project {
            Some(wanted) => vec![project::find(&remote, wanted).await?],
            None => remote.projects().await?,
        };
        let mut answers = Vec::new();
        for project in projects {
            let mut answer = self.ask(&remote, &project).await?;
            answer["project"] = project["id"].clone();
            let known = ["events", "refused"].map(|list| !items(&answer[list]).is_empty());
            if known.contains(&true) || answer["complete"] == false {
                answers.push((text(&project["name"]), answer));
            }
        }
        if self.server.json {
            let answers: Vec<_> = answers.iter().map(|(_, answer)| answer).collect();
            output::print_json(&answers)?;
        } else {
            answers
                .iter()
                .for_each(|(name, answer)| print(name, answer));
        }
        let nothing = |(_, answer): &(String, Value)| {
            items(&answer["events"]).is_empty() && items(&answer["refused"]).is_empty()
        };
        match answers.iter().all(nothing) {
            false => Ok(()),
            true => Err(anyhow::anyhow!(
                "no such event is known: it never arrived, was refused without a sample, or is no longer kept"
            )
            .into()),
        }
    }

    async fn ask(&self, remote: &Remote, project: &Value) -> Result<Value, Failure> {
        let path = format!("/api/v1/projects/{}/why", text(&project["id"]));
        let limit = self.limit.to_string();
        let of_sync = match &self.sync {
            Some(wanted) => Some(text(&sync::find(remote, project, wanted).await?["id"])),
            None => None,
        };
        let ask = async |syncs_after: Option<&str>| {
            let parameters = [
                ("sync", of_sync.as_deref()),
                ("id", self.id.as_deref()),
                ("user", self.user.as_deref()),
                ("device", self.device.as_deref()),
                ("limit", Some(limit.as_str())),
                ("syncs_after", syncs_after),
            ];
            remote.get(&query(&path, &parameters)).await
        };
        let mut answer = ask(None).await?;
        for _ in 1..MOST_ANSWERS {
            let Some(next) = answer["next_syncs"].as_str().map(str::to_owned) else {
                break;
            };
            join(&mut answer, ask(Some(&next)).await?);
        }
        Ok(answer)
    }
}

/// How often further syncs are asked for: each time 200.
const MOST_ANSWERS: usize = 50;

/// Adds what further syncs did with the same events. Events that came meanwhile are left out, but not those of
/// imports: each is of one sync.
fn join(answer: &mut Value, mut more: Value) {
    let further = match more["events"].take() {
        Value::Array(events) => events,
        _ => Vec::new(),
    };
    if let Value::Array(events) = &mut answer["events"] {
        for mut event in further {
            let same = events.iter_mut().find(|known| {
                known["import"] == event["import"] && known["offset"] == event["offset"]
            });
            match (same, event["syncs"].take()) {
                (Some(known), Value::Array(syncs)) => {
                    if let Value::Array(known) = &mut known["syncs"] {
                        known.extend(syncs);
                    }
                }
                (None, syncs) if event["import"].is_string() => {
                    event["syncs"] = syncs;
                    events.push(event);
                }
                _ => {}
            }
        }
    }
    for name in ["next_syncs", "syncs_left_out"] {
        answer[name] = more[name].take();
    }
    if more["replays_left_out"] == true {
        answer["replays_left_out"] = true.into();
    }
}

fn print(project: &str, answer: &Value) {
    for event in items(&answer["events"]) {
        let who = [&event["user_id"], &event["device_id"]];
        let who = who.into_iter().find(|who| who.is_string());
        output::print(&format!(
            "{project}: {} of {}, received at {} (offset {})",
            text(&event["event_type"]),
            who.map_or_else(|| "nobody".to_owned(), text),
            text(&event["received_at"]),
            event["offset"]
        ));
        if items(&event["syncs"]).is_empty() {
            output::print("  no sync: the project has none");
        }
        for sync in items(&event["syncs"]) {
            for verdict in items(&sync["verdicts"]) {
                print_verdict(&text(&sync["name"]), verdict);
            }
        }
    }
    for refused in items(&answer["refused"]) {
        let detail = refused["answer"]["detail"].as_str();
        let answered = detail.or(refused["answer"]["error"].as_str());
        output::print(&format!(
            "{project}: refused at {} with {} {}: {}",
            text(&refused["at"]),
            refused["status"],
            text(&refused["reason"]),
            answered.unwrap_or_default()
        ));
    }
    if answer["syncs_left_out"] == true {
        output::print(&format!(
            "{project}: only the first 10,000 syncs were asked: name others with --sync"
        ));
    }
    if answer["complete"] == false {
        output::print(&format!(
            "{project}: not all events were looked at: the index of events is being built"
        ));
    }
}

fn print_verdict(sync: &str, verdict: &Value) {
    let of_user = match verdict["part"] == "user" {
        true => " (user)",
        false => "",
    };
    output::print(&format!("  {sync}{of_user}: {}", text(&verdict["summary"])));
    for attempt in items(&verdict["delivery"]["attempts"]) {
        // What no request was made of was no attempt.
        let what = match attempt["outcome"] == "discarded" && attempt["tries"] == 0 {
            true => "no request".to_owned(),
            false => format!("attempt {}", attempt["attempt"]),
        };
        output::print(&format!(
            "    {what} at {}: {}",
            text(&attempt["at"]),
            text(&attempt["message"])
        ));
    }
    if verdict["settings_are_newer"] == true && verdict["state"] == "filtered" {
        output::print(
            "    the sync's settings have changed since: then they may have said otherwise",
        );
    }
}

fn items(list: &Value) -> &[Value] {
    list.as_array().map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_further_syncs_did_stands_beside_what_the_first_did() {
        let mut answer = json!({
            "events": [
                {"offset": 7, "import": null, "syncs": [{"name": "A"}]},
                {"offset": 7, "import": "replay_1", "syncs": [{"name": "A"}]},
            ],
            "next_syncs": "1.a", "syncs_left_out": true, "replays_left_out": false,
        });
        let more = json!({
            "events": [
                {"offset": 8, "import": null, "syncs": [{"name": "B"}]},
                {"offset": 7, "import": null, "syncs": [{"name": "B"}]},
                {"offset": 1, "import": "replay_2", "syncs": [{"name": "B"}]},
            ],
            "next_syncs": null, "syncs_left_out": false, "replays_left_out": true,
        });
        join(&mut answer, more);
        assert_eq!(
            answer,
            json!({
                "events": [
                    {"offset": 7, "import": null, "syncs": [{"name": "A"}, {"name": "B"}]},
                    {"offset": 7, "import": "replay_1", "syncs": [{"name": "A"}]},
                    {"offset": 1, "import": "replay_2", "syncs": [{"name": "B"}]},
                ],
                "next_syncs": null, "syncs_left_out": false, "replays_left_out": true,
            })
        );
    }
}
