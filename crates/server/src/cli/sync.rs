//! `millstream sync …`.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, Subcommand};
use http::Method;
use serde_json::{Value, json};

use super::connect::Connect;
use super::lookup::Kind;
use super::remote::{self, Refused, Remote, block_on};
use super::{Failure, fate, figures, output, project, resume, revision};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a sync.
    #[command(subcommand)]
    Create(Create),
    /// List a project's syncs, or all.
    List(List),
    /// Show a sync and how it does.
    Show(One),
    /// Let a sync deliver, from where it stands.
    Enable(One),
    /// Pause a sync; it keeps its place and its pending retries.
    Disable(One),
    /// Let a sync deliver again, and say what becomes of what it owes.
    #[command(after_help = resume::HELP)]
    Resume(resume::Resume),
    /// List the versions of a sync, newest first: who changed what.
    #[command(after_help = revision::HISTORY_HELP)]
    History(revision::History),
    /// Show a sync as it was at a version, and how it differs from now.
    #[command(after_help = revision::SHOW_VERSION_HELP)]
    ShowVersion(revision::ShowVersion),
    /// Make a sync again what it was at a version, after showing what that means.
    #[command(after_help = revision::RESTORE_HELP)]
    Restore(revision::Restore),
    /// Make another sync with the same settings and secrets, disabled.
    #[command(after_help = revision::DUPLICATE_HELP)]
    Duplicate(revision::Duplicate),
    /// Have a sync connect a later version of its destination, after showing what that means.
    #[command(after_help = revision::UPGRADE_HELP)]
    Upgrade(Box<revision::Upgrade>),
    /// Delete a sync with all that it still owes.
    Delete(Delete),
    /// List deliveries that wait for their next attempt.
    Retries(Page),
    /// List deliveries that ended without success, newest first.
    Ended(Page),
    /// Search attempts: by outcome, category, status, event type, user or time.
    #[command(after_help = fate::OUTCOMES_HELP)]
    Outcomes(Box<fate::Outcomes>),
    /// List failures by category and reason, with samples.
    #[command(after_help = fate::FAILURES_HELP)]
    Failures(fate::Failures),
    /// Show what became of a sync's events over time, in figures.
    #[command(after_help = figures::SYNC_HELP)]
    Figures(figures::OfSync),
    /// Show a sample of a failure: event, request and answer.
    #[command(after_help = fate::SAMPLE_HELP)]
    Sample(fate::Sample),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Create {
    /// Send events (and users) to a URL of your own.
    #[command(after_help = "Examples:\n  \
        millstream sync create webhook --project Shop --url https://example.com/hook\n  \
        millstream sync create webhook --project Shop --url https://example.com/hook \\\n      \
        --template body.ftl --header 'Authorization: Bearer s3cret' --event 'Order Completed'")]
    Webhook(Box<Webhook>),
    /// Send events (and users) to a destination of the catalog.
    #[command(after_help = "Example:\n  \
        millstream sync create destination Braze --project Shop --secret api_key=BRAZE_KEY \\\n      \
        --parameter endpoint=https://rest.iad-01.braze.com \\\n      \
        --mapping Identifier=field:user_id --kind Identifier=external_id")]
    Destination(Box<Connect>),
}

#[derive(Debug, Args)]
pub(crate) struct Webhook {
    /// The project whose events are sent: its id or name.
    #[arg(long)]
    project: String,
    /// Where requests go; may be a template.
    #[arg(long)]
    url: String,
    /// As people call it.
    #[arg(long, default_value = "Webhook")]
    name: String,
    /// A file with the FreeMarker template of an event's body. Without it: the event as it is.
    #[arg(long, value_name = "FILE")]
    template: Option<PathBuf>,
    /// A file with the FreeMarker template of a user's body. Without it: the user as it is.
    #[arg(long, value_name = "FILE", requires = "send_users")]
    user_template: Option<PathBuf>,
    /// A header (up to five); the value may be a template.
    #[arg(long = "header", value_name = "NAME: VALUE")]
    headers: Vec<String>,
    /// An event type to send (repeatable). Without it: all.
    #[arg(long = "event", value_name = "TYPE")]
    events: Vec<String>,
    /// Don't send events.
    #[arg(long, conflicts_with_all = ["events", "template"])]
    no_events: bool,
    /// Send users: with each event, and on each identify.
    #[arg(long)]
    send_users: bool,
    /// Requests in flight at once.
    #[arg(long, value_name = "N")]
    concurrency: Option<u16>,
    /// Requests a minute at most, each try counted.
    #[arg(long, value_name = "N")]
    requests_per_minute: Option<u32>,
    /// Make it disabled; `millstream sync enable` starts it.
    #[arg(long)]
    disabled: bool,
    #[command(flatten)]
    server: remote::Options,
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// The project: its id or name. Without it: all projects.
    #[arg(long)]
    project: Option<String>,
    #[command(flatten)]
    server: remote::Options,
}

#[derive(Debug, Args)]
pub(crate) struct One {
    /// Its id or name.
    pub(super) sync: String,
    /// Its project: the id or name. Without it: it is looked for in all projects.
    #[arg(long)]
    project: Option<String>,
    #[command(flatten)]
    pub(super) server: remote::Options,
}

#[derive(Debug, Args)]
pub(crate) struct Delete {
    #[command(flatten)]
    one: One,
    /// Delete it although it still owes so many deliveries.
    #[arg(long, value_name = "N")]
    confirm: Option<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct Page {
    #[command(flatten)]
    one: One,
    /// How many at most.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=200))]
    limit: u32,
}

pub(super) const SYNC: Kind = Kind {
    what: "sync",
    id: "id",
    names: &["name"],
};

pub(crate) fn run(command: Command) -> Result<(), Failure> {
    block_on(async {
        match command {
            Command::Create(Create::Webhook(webhook)) => webhook.create().await,
            Command::Create(Create::Destination(connect)) => {
                let made = connect.create().await?;
                show_made(&made, connect.server.json)
            }
            Command::List(list) => list.run().await,
            Command::Show(one) => one.show().await,
            Command::Enable(one) => one.switch("enable").await,
            Command::Disable(one) => one.switch("disable").await,
            Command::Resume(resume) => resume.run().await,
            Command::History(history) => history.run().await,
            Command::ShowVersion(show) => show.run().await,
            Command::Restore(restore) => restore.run().await,
            Command::Duplicate(duplicate) => duplicate.run().await,
            Command::Upgrade(upgrade) => upgrade.run().await,
            Command::Delete(delete) => delete.run().await,
            Command::Retries(page) => page.retries().await,
            Command::Ended(page) => page.ended().await,
            Command::Outcomes(outcomes) => outcomes.run().await,
            Command::Failures(failures) => failures.run().await,
            Command::Figures(figures) => figures.run().await,
            Command::Sample(sample) => sample.run().await,
        }
    })
}

impl Webhook {
    async fn create(self) -> Result<(), Failure> {
        let input = self.input()?;
        let remote = self.server.connect()?;
        let project = output::text(&project::find(&remote, &self.project).await?["id"]);
        let path = format!("/api/v1/projects/{project}/syncs");
        let made = remote.create(&path, &input).await?;
        show_made(&made, self.server.json)
    }

    /// The request's body.
    fn input(&self) -> Result<Value, Failure> {
        let mut events = json!({"send": !self.no_events});
        if !self.events.is_empty() {
            let types = self
                .events
                .iter()
                .map(|event_type| json!({"event_type": event_type}));
            events["select"] = json!({"types": types.collect::<Vec<_>>()});
        }
        if let Some(path) = &self.template {
            events["template"] = template(path)?.into();
        }
        let mut users = json!({"send": self.send_users});
        if let Some(path) = &self.user_template {
            users["template"] = template(path)?.into();
        }
        let headers = self
            .headers
            .iter()
            .map(|text| header(text))
            .collect::<Result<Vec<_>, _>>()?;
        let mut input = json!({
            "name": self.name,
            "enabled": !self.disabled,
            "url": self.url,
            "headers": headers,
            "events": events,
            "users": users,
        });
        if let Some(concurrency) = self.concurrency {
            input["concurrency"] = concurrency.into();
        }
        if let Some(rate) = self.requests_per_minute {
            input["requests_per_minute"] = rate.into();
        }
        Ok(input)
    }
}

/// Shows a sync that was just made.
pub(super) fn show_made(made: &Value, json: bool) -> Result<(), Failure> {
    if json {
        return Ok(output::print_json(made)?);
    }
    output::print_fields(&fields(made));
    Ok(())
}

fn template(path: &Path) -> Result<String, Failure> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("{} can't be read", path.display()));
    text.map_err(Failure::Usage)
}

fn header(text: &str) -> Result<Value, Failure> {
    let (name, value) = text
        .split_once(':')
        .ok_or_else(|| Failure::usage("a header is given as 'NAME: VALUE'"))?;
    Ok(json!({"name": name.trim(), "value": value.trim()}))
}

impl List {
    async fn run(self) -> Result<(), Failure> {
        let remote = self.server.connect()?;
        let projects = match &self.project {
            Some(wanted) => vec![project::find(&remote, wanted).await?],
            None => remote.projects().await?,
        };
        let (mut syncs, mut rows) = (Vec::new(), Vec::new());
        for project in projects {
            for sync in remote
                .list(&format!(
                    "/api/v1/projects/{}/syncs",
                    output::text(&project["id"])
                ))
                .await?
            {
                rows.push(vec![
                    output::text(&sync["id"]),
                    output::text(&sync["name"]),
                    output::text(&project["name"]),
                    state(&sync).to_owned(),
                    output::text(&sync["url"]),
                ]);
                syncs.push(sync);
            }
        }
        if self.server.json {
            return Ok(output::print_json(&syncs)?);
        }
        output::print_table(&["ID", "NAME", "PROJECT", "STATE", "URL"], &rows);
        Ok(())
    }
}

/// The sync of a project with this id or name.
pub(super) async fn find(remote: &Remote, project: &Value, wanted: &str) -> Result<Value, Failure> {
    let project = output::text(&project["id"]);
    let path = format!("/api/v1/projects/{project}/syncs");
    SYNC.pick(wanted, remote.list(&path).await?)
}

impl One {
    /// The server and the sync.
    pub(super) async fn find(&self) -> Result<(Remote, Value), Failure> {
        let remote = self.server.connect()?;
        let projects = match &self.project {
            Some(wanted) => vec![project::find(&remote, wanted).await?],
            None => remote.projects().await?,
        };
        let mut syncs = Vec::new();
        for project in projects {
            syncs.extend(
                remote
                    .list(&format!(
                        "/api/v1/projects/{}/syncs",
                        output::text(&project["id"])
                    ))
                    .await?,
            );
        }
        let sync = SYNC.pick(&self.sync, syncs)?;
        Ok((remote, sync))
    }

    async fn show(self) -> Result<(), Failure> {
        let (remote, mut sync) = self.find().await?;
        let status = remote.get(&format!("{}/status", path(&sync))).await?;
        if self.server.json {
            sync["status"] = status;
            return Ok(output::print_json(&sync)?);
        }
        let mut fields = fields(&sync);
        let mut health = output::text(&status["health"]);
        if let Some(since) = status["since"].as_str() {
            health = format!("{health} since {since}");
        }
        if let Some(reason) = status["reason"].as_str() {
            health = format!("{health}: {reason}");
        }
        let waits_for = output::text(&status["waits_for"]);
        let counts = &status["counts"];
        let delivered = counts["delivered_first"].as_u64().unwrap_or(0)
            + counts["delivered_retry"].as_u64().unwrap_or(0);
        fields.extend([
            ("Health", health),
            (
                "Delivered",
                format!(
                    "{delivered}, {} of them after a retry",
                    counts["delivered_retry"]
                ),
            ),
            (
                "Ended",
                format!(
                    "{} expired, {} discarded",
                    counts["expired"], counts["discarded"]
                ),
            ),
            ("Filtered", counts["filtered"].to_string()),
            (
                "Waiting",
                format!(
                    "{} events, {} retries",
                    status["backlog"], status["pending"]
                ),
            ),
            ("Held", resume::held(&status["held"])),
        ]);
        if status["waiting_in_order"].as_u64() > Some(0) {
            let count = &status["waiting_in_order"];
            fields.push((
                "In order",
                format!("{count} wait for an earlier one of their user"),
            ));
        }
        if status["awaiting_properties"].as_u64() > Some(0) {
            let count = &status["awaiting_properties"];
            let told = format!("{count} of the retries, for properties of their users");
            fields.push(("Not tried yet", told));
        }
        if !waits_for.is_empty() {
            fields.push(("Waits for", waits_for));
        }
        if status["draining"].is_object() {
            let left = &status["draining"]["events_left"];
            fields.push(("Going through", format!("{left} events that were held up")));
        }
        output::print_fields(&fields);
        Ok(())
    }

    async fn switch(self, verb: &str) -> Result<(), Failure> {
        let (remote, sync) = self.find().await?;
        let changed = remote
            .call(Method::POST, &format!("{}/{verb}", path(&sync)), None)
            .await?;
        if self.server.json {
            return Ok(output::print_json(&changed)?);
        }
        output::print(&format!(
            "{} is {}",
            output::text(&changed["id"]),
            state(&changed)
        ));
        Ok(())
    }
}

impl Delete {
    async fn run(self) -> Result<(), Failure> {
        let (remote, sync) = self.one.find().await?;
        let confirm = self
            .confirm
            .map(|owed| format!("?confirm={owed}"))
            .unwrap_or_default();
        let dropped = remote
            .call(Method::DELETE, &format!("{}{confirm}", path(&sync)), None)
            .await;
        let dropped = dropped.map_err(|error| {
            let Some(refused) = Refused::find(&error, "confirmation_needed") else {
                return error;
            };
            let would_drop = &refused.problem["would_drop"];
            let (events, retries) = resume::owed(would_drop);
            let owed = events + retries;
            anyhow::anyhow!(
                "it still owes {owed} deliveries: `--confirm {owed}` deletes it all the same"
            )
        })?;
        if self.one.server.json {
            return Ok(output::print_json(&dropped)?);
        }
        let (events, retries) = resume::owed(&dropped);
        output::print(&format!(
            "{} is deleted, with {events} waiting events and {retries} pending retries",
            output::text(&sync["id"]),
        ));
        Ok(())
    }
}

impl Page {
    async fn items(&self, which: &str) -> Result<Vec<Value>, Failure> {
        let (remote, sync) = self.one.find().await?;
        let list = format!("{}/{which}", path(&sync));
        Ok(remote.first(&list, self.limit as usize).await?)
    }

    async fn retries(self) -> Result<(), Failure> {
        let items = self.items("retries").await?;
        let columns = [
            ("DELIVERY", "/delivery_id"),
            ("EVENT TYPE", "/event_type"),
            ("USER", "/user_id"),
            ("DUE", "/due_at"),
            ("ATTEMPTS", "/attempts"),
            ("CATEGORY", "/failure/category"),
            ("LAST FAILURE", "/failure/message"),
        ];
        Ok(output::print_list(self.one.server.json, &items, &columns)?)
    }

    async fn ended(self) -> Result<(), Failure> {
        let items = self.items("ended").await?;
        if self.one.server.json {
            return Ok(output::print_json(&items)?);
        }
        let row = |ended: &Value| {
            let why = [&ended["failure"]["message"], &ended["message"]];
            vec![
                output::text(&ended["delivery_id"]),
                output::text(&ended["event_type"]),
                output::text(&ended["user_id"]),
                output::text(&ended["at"]),
                output::text(&ended["attempts"]),
                output::text(&ended["outcome"]),
                why.into_iter()
                    .find_map(Value::as_str)
                    .unwrap_or_default()
                    .to_owned(),
            ]
        };
        output::print_table(
            &[
                "DELIVERY",
                "EVENT TYPE",
                "USER",
                "ENDED",
                "ATTEMPTS",
                "OUTCOME",
                "WHY",
            ],
            &items.iter().map(row).collect::<Vec<_>>(),
        );
        Ok(())
    }
}

pub(super) fn path(sync: &Value) -> String {
    format!(
        "/api/v1/projects/{}/syncs/{}",
        output::text(&sync["project"]),
        output::text(&sync["id"])
    )
}

fn state(sync: &Value) -> &'static str {
    if sync["enabled"] == true {
        "enabled"
    } else {
        "disabled"
    }
}

pub(super) fn fields(sync: &Value) -> Vec<(&'static str, String)> {
    let types = sync["events"]["select"]["types"].as_array();
    let types = types.map(|types| {
        types
            .iter()
            .map(|one| output::text(&one["event_type"]))
            .collect::<Vec<_>>()
    });
    let events = match (sync["events"]["send"] == true, types) {
        (false, _) => "not sent".to_owned(),
        (true, None) => "all".to_owned(),
        (true, Some(types)) => types.join(", "),
    };
    vec![
        ("Sync", output::text(&sync["id"])),
        ("Name", output::text(&sync["name"])),
        ("Project", output::text(&sync["project"])),
        ("State", state(sync).to_owned()),
        ("URL", output::text(&sync["url"])),
        ("Events", events),
        (
            "Users",
            if sync["users"]["send"] == true {
                "sent"
            } else {
                "not sent"
            }
            .to_owned(),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_split_at_its_first_colon() {
        let header = header("X-Trace:  a:b ").ok().unwrap();
        assert_eq!(header, json!({"name": "X-Trace", "value": "a:b"}));
        assert!(super::header("no colon").is_err());
    }
}
