//! `millstream sync history`, `show-version`, `restore`, `duplicate` and `upgrade`.

use clap::Args;
use http::Method;
use serde_json::{Map, Value, json};

use super::code::changes::changes;
use super::connect::Filled;
use super::remote::{Remote, query};
use super::sync::{One, fields, path, show_made};
use super::{Failure, output, prompt, traffic};

pub(crate) const HISTORY_HELP: &str = "\
Examples:
  millstream sync history Braze
  millstream sync history Braze --limit 5 --json";

pub(crate) const SHOW_VERSION_HELP: &str = "\
Secrets are not shown.

Examples:
  millstream sync show-version Braze 3
  millstream sync show-version Braze 3 --json";

pub(crate) const RESTORE_HELP: &str = "\
Settings, secrets and the destination's version become what they were; whether the sync is enabled
stays. That makes a new version. What it means is shown first, also for the newest events.

Examples:
  millstream sync restore Braze 3 --dry-run
  millstream sync restore Braze 3 --yes";

pub(crate) const DUPLICATE_HELP: &str = "\
Example:
  millstream sync duplicate Braze --name 'Braze, second'";

pub(crate) const UPGRADE_HELP: &str = "\
What the upgrade means is shown first, also for the newest events, with what it needs. Secrets that
the later version may send to another place have to be given again.

Examples:
  millstream sync upgrade Braze --dry-run
  millstream sync upgrade Braze --to 4 --parameter region=eu --yes
  millstream sync upgrade Braze --secret api_key=BRAZE_KEY";

#[derive(Debug, Args)]
pub(crate) struct History {
    #[command(flatten)]
    one: One,
    /// How many at most.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=200))]
    limit: u32,
}

#[derive(Debug, Args)]
pub(crate) struct ShowVersion {
    #[command(flatten)]
    one: One,
    /// The version.
    #[arg(value_name = "VERSION")]
    of_version: u64,
}

/// How a change is looked at before it is made.
#[derive(Debug, Args)]
struct Look {
    /// Only show what it means.
    #[arg(long)]
    dry_run: bool,
    /// Don't ask.
    #[arg(long, conflicts_with = "dry_run")]
    yes: bool,
    /// How many of the project's newest events are looked at.
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(0..=10_000))]
    events: u32,
}

#[derive(Debug, Args)]
pub(crate) struct Restore {
    #[command(flatten)]
    one: One,
    /// The version to go back to.
    #[arg(value_name = "VERSION")]
    of_version: u64,
    #[command(flatten)]
    look: Look,
}

#[derive(Debug, Args)]
pub(crate) struct Duplicate {
    #[command(flatten)]
    one: One,
    /// As people call the copy. Without it: `Copy of` and the other's name.
    #[arg(long)]
    name: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Upgrade {
    #[command(flatten)]
    one: One,
    /// The destination's version. Without it: the one in the catalog.
    #[arg(long, value_name = "N")]
    to: Option<u64>,
    #[command(flatten)]
    filled: Filled,
    #[command(flatten)]
    look: Look,
}

impl History {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let (remote, sync) = self.one.find().await?;
        let list = format!("{}/versions", path(&sync));
        let versions = remote.first(&list, self.limit as usize).await?;
        let columns = [
            ("VERSION", "/version"),
            ("AT", "/at"),
            ("BY", "/by"),
            ("DESTINATION", "/definition_version"),
            ("CHANGED", "/changed"),
        ];
        Ok(output::print_list(
            self.one.server.json,
            &versions,
            &columns,
        )?)
    }
}

impl ShowVersion {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let (remote, sync) = self.one.find().await?;
        let former = former(&remote, &sync, self.of_version).await?;
        if self.one.server.json {
            return Ok(output::print_json(&former)?);
        }
        output::print_fields(&fields(&former));
        print_settings("Now it is otherwise:", &former, &sync);
        Ok(())
    }
}

impl Restore {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let (remote, sync) = self.one.find().await?;
        let (json, version) = (self.one.server.json, self.of_version);
        let path = format!("{}/versions/{version}/restore", path(&sync));
        let shown = remote.get(&self.look.at(&path, None)).await?;
        if !json {
            let former = former(&remote, &sync, version).await?;
            print_settings("What changes:", &sync, &former);
            print_difference(&shown);
            traffic::print_problems("What that version lacks to deliver:", &shown["missing"]);
        }
        let question = format!("Make it what it was at version {version}?");
        if !self.look.goes_on(json, &shown, &question)? {
            return Ok(());
        }
        let seen = sync["version"].as_u64().unwrap_or_default();
        let restored = remote.call_if(Method::POST, &path, seen, None).await?;
        let now = &restored["version"];
        let sentence = format!("it is what it was at version {version}; that is version {now}");
        Ok(output::print_done(json, &restored, &sentence)?)
    }
}

impl Duplicate {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let (remote, sync) = self.one.find().await?;
        let path = format!("{}/duplicate", path(&sync));
        let body = match &self.name {
            Some(name) => json!({"name": name}),
            None => json!({}),
        };
        let made = remote.create(&path, &body).await?;
        show_made(&made, self.one.server.json)
    }
}

impl Upgrade {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let filled = self.filled.fields()?;
        let (remote, sync) = self.one.find().await?;
        let json = self.one.server.json;
        let path = format!("{}/upgrade", path(&sync));
        let shown = remote.get(&self.look.at(&path, self.to)).await?;
        let to = &shown["to"];
        if !json {
            output::print(&format!("From version {} to {to}:", shown["from"]));
            print_difference(&shown);
            traffic::print_problems("What has to be filled in:", &shown["missing"]);
            traffic::print_problems("Secrets to give again:", &shown["secrets_needed"]);
            for gone in shown["dropped"].as_array().into_iter().flatten() {
                output::print(&format!(
                    "{} goes: the version has no use for it",
                    output::text(gone)
                ));
            }
        }
        if !self
            .look
            .goes_on(json, &shown, &format!("Upgrade it to version {to}?"))?
        {
            return Ok(());
        }
        let changes = beside_present(filled, &sync, &shown["dropped"]);
        let body = json!({"to": to, "changes": changes});
        let seen = sync["version"].as_u64().unwrap_or_default();
        let upgraded = remote
            .call_if(Method::POST, &path, seen, Some(&body))
            .await?;
        let sentence = format!("it connects version {to} now");
        Ok(output::print_done(json, &upgraded, &sentence)?)
    }
}

impl Look {
    /// Where the change is shown.
    fn at(&self, path: &str, to: Option<u64>) -> String {
        let (events, to) = (self.events.to_string(), to.map(|to| to.to_string()));
        query(path, &[("events", Some(&events)), ("to", to.as_deref())])
    }

    /// Whether the change is to be made: not when it is only to be shown. Whoever says no ends it.
    fn goes_on(&self, json: bool, shown: &Value, question: &str) -> Result<bool, Failure> {
        if self.dry_run {
            if json {
                output::print_json(shown)?;
            }
            return Ok(false);
        }
        prompt::confirmed(self.yes, question).map(|()| true)
    }
}

/// What is filled in, beside what a sync has already and the later version takes: a request replaces each
/// section as a whole. A secret without a value stays.
fn beside_present(filled: Map<String, Value>, sync: &Value, dropped: &Value) -> Map<String, Value> {
    let is_dropped = |section: &str, name: &str| {
        let escaped = name.replace('~', "~0").replace('/', "~1");
        let mut dropped = dropped.as_array().into_iter().flatten();
        dropped.any(|gone| *gone == format!("/{section}/{escaped}"))
    };
    let whole = filled.into_iter().map(|(section, filled)| {
        let present = sync[&section].as_object().into_iter().flatten();
        let present = present.filter(|(name, _)| !is_dropped(&section, name));
        let present = present.map(|(name, value)| {
            let value = match value["secret"].as_bool() {
                Some(true) => json!({"secret": true}),
                _ => value.clone(),
            };
            (name.clone(), value)
        });
        let mut fields: Map<_, _> = present.collect();
        if let Value::Object(filled) = filled {
            fields.extend(filled);
        }
        (section, Value::Object(fields))
    });
    whole.collect()
}

/// A sync as it was.
async fn former(remote: &Remote, sync: &Value, version: u64) -> anyhow::Result<Value> {
    let path = format!("{}/versions/{version}", path(sync));
    remote.get(&path).await
}

/// Prints how settings differ, but for what differs with every version.
fn print_settings(heading: &str, before: &Value, after: &Value) {
    let settings = |sync: &Value| {
        let mut settings = sync.clone();
        if let Some(members) = settings.as_object_mut() {
            for name in ["version", "created_at", "updated_at", "enabled"] {
                members.remove(name);
            }
        }
        settings
    };
    let found = changes(&settings(before), &settings(after));
    if !found.is_empty() {
        output::print(heading);
    }
    for line in found.iter().flat_map(|change| change.lines()) {
        output::print(&format!("  {line}"));
    }
}

/// Prints what is shown of an upgrade or a way back.
fn print_difference(shown: &Value) {
    traffic::print_definition(&shown["definition"]);
    if shown["traffic"].is_object() {
        traffic::print(&shown["traffic"]);
    }
}
