//! Upgrades of syncs to the version of their destination that a file names.

use serde_json::{Value, json};

use super::files::SyncFile;
use super::inventory::Found;
use super::local::Wanted;
use super::plan::Plan;
use crate::cli::output::{self, text};
use crate::cli::remote::Remote;
use crate::cli::traffic;
use crate::source::Fault;

/// Events that a plan looks at.
const EVENTS: u32 = 1000;

/// From the version that a sync connects to the one that its file names.
#[derive(Debug)]
pub(super) struct Upgrade {
    pub(super) from: u64,
    pub(super) to: u64,
    /// What it means, as the server shows it; `None` until it is asked.
    pub(super) shown: Option<Value>,
    /// Whether the version is still to be released.
    pub(super) unreleased: bool,
}

impl Upgrade {
    /// The upgrade that a file asks for.
    pub(super) fn wanted(file: &SyncFile, found: &Found) -> Option<Self> {
        let connected = &found.view["definition"];
        let from = connected["version"].as_u64()?;
        let to = file.definition.version.map(u64::from)?;
        (connected["name"] == file.definition.name.as_str() && to > from).then_some(Self {
            from,
            to,
            shown: None,
            unreleased: false,
        })
    }

    /// Asks the server what it means for so many events.
    pub(super) async fn look(
        &mut self,
        remote: &Remote,
        found: &Found,
        events: u32,
    ) -> anyhow::Result<()> {
        let path = format!("{}/upgrade?to={}&events={events}", found.path, self.to);
        self.shown = Some(remote.get(&path).await?);
        Ok(())
    }

    /// Secrets that the version may send to another place, each where the file has it.
    pub(super) fn moved_secrets(&self, wanted: &Wanted) -> Vec<Fault> {
        let shown = self.shown.as_ref();
        let needed = shown.and_then(|shown| shown["secrets_needed"].as_array());
        let faults = needed.into_iter().flatten().map(|one| {
            let pointer = text(&one["pointer"]);
            let in_file = pointer.strip_prefix("/parameters/");
            let in_file = in_file.and_then(|name| name.strip_suffix("/value"));
            let pointer = in_file.map_or(pointer.clone(), |name| format!("/parameters/{name}"));
            let message = format!(
                "version {} may send this secret to another place, or puts it into the address: see what \
                 changes, then apply with --send-secrets",
                self.to
            );
            wanted.fault(&pointer, None, message)
        });
        faults.collect()
    }

    /// What has to be filled in and isn't in the file.
    fn missing(&self, wanted: &Wanted) -> Value {
        let shown = self.shown.as_ref();
        let missing = shown.and_then(|shown| shown["missing"].as_array());
        let missing = missing.into_iter().flatten();
        let is_open = |one: &&Value| {
            let pointer = text(&one["pointer"]);
            let pointer = pointer.strip_suffix("/value").unwrap_or(&pointer);
            wanted.content.pointer(pointer).is_none()
        };
        missing.filter(is_open).cloned().collect()
    }

    pub(super) fn json(&self) -> Value {
        json!({"from": self.from, "to": self.to, "shown": self.shown})
    }

    pub(super) fn print(&self, wanted: &Wanted) {
        let Some(shown) = &self.shown else {
            return;
        };
        traffic::print_definition(&shown["definition"]);
        if shown["traffic"].is_object() {
            traffic::print(&shown["traffic"]);
        }
        if self.unreleased {
            let to = self.to;
            output::print(&format!(
                "  version {to} is still to be released: what it means for events is shown then"
            ));
        }
        traffic::print_problems("    to be filled in:", &self.missing(wanted));
        for fault in self.moved_secrets(wanted) {
            output::print(&format!("    ! {fault}"));
        }
    }
}

impl Plan {
    /// Asks the server what the upgrades mean to versions that are there.
    pub(super) async fn look_at_upgrades(&mut self, remote: &Remote) -> anyhow::Result<()> {
        for step in &mut self.steps {
            if let (Some(upgrade), Some(found)) = (&mut step.upgrade, &step.found)
                && !upgrade.unreleased
            {
                upgrade.look(remote, found, EVENTS).await?;
            }
        }
        Ok(())
    }

    /// Secrets that upgrades may send to other places.
    pub(super) fn moved_secrets(&self) -> Vec<Fault> {
        let upgrades = self.pending().filter_map(|step| {
            let (upgrade, wanted) = (step.upgrade.as_ref()?, step.wanted.as_ref()?);
            Some(upgrade.moved_secrets(wanted))
        });
        upgrades.flatten().collect()
    }
}
