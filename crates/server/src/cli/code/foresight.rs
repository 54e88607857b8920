//! What the server would refuse of a plan, found before anything is changed.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::Clock;
use model::definition::Definition;
use model::time::SystemClock;
use serde_json::{Value, json};

use super::files::{SyncFile, WEBHOOK, definition_from_view};
use super::local::{Kind, Source, Wanted};
use super::plan::{Action, Plan, Step};
use crate::cli::output::text;
use crate::cli::remote::{Remote, query};
use crate::source::Fault;

/// A destination that a new sync can connect once the plan is carried out.
struct Destination {
    /// Its newest version.
    newest: u64,
    definition: Definition,
}

impl Plan {
    /// Says what would be refused: releases of drafts that aren't sound, and new syncs of destinations that there
    /// are not, or without what these require.
    pub(super) async fn foresee(
        &self,
        remote: &Remote,
        organisation: &str,
    ) -> anyhow::Result<Vec<Fault>> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let mut faults = Vec::new();
        let mut destinations = BTreeMap::new();
        for step in &self.steps {
            let released = step.release.then_some(&step.wanted);
            if let Some(Some(Wanted {
                source: Source::Definition { folder, .. },
                name,
                ..
            })) = released
            {
                let check = pipeline::check(&folder.definition, &clock);
                faults.extend(check.problems.iter().map(|one| folder.fault_of(one)));
                destinations.insert(name.clone(), Some(step.destination(&folder.definition)));
            }
        }
        for (wanted, file) in self.new_syncs() {
            let name = &file.definition.name;
            if name == WEBHOOK {
                continue;
            }
            if !destinations.contains_key(name) {
                let mut found = find(remote, organisation, name).await?;
                if found.is_none() {
                    found = self.relisted(name);
                }
                destinations.insert(name.clone(), found);
            }
            match destinations.get(name).and_then(Option::as_ref) {
                Some(destination) => faults.extend(destination.refusals(wanted, file)),
                None => faults.push(self.unknown(wanted, name)),
            }
        }
        Ok(faults)
    }

    /// Says which secrets of the syncs that are made or changed aren't there.
    pub(super) fn missing_secrets(&self) -> Vec<Fault> {
        let sent = self.pending().filter(|step| step.action != Action::Delete);
        let missing = sent.filter_map(|step| match &step.wanted.as_ref()?.source {
            Source::Sync { file, document, .. } => file.input(document).err(),
            _ => None,
        });
        missing.flatten().collect()
    }

    fn new_syncs(&self) -> impl Iterator<Item = (&Wanted, &SyncFile)> {
        let created = self.steps.iter();
        let created = created.filter(|step| step.action == Action::Create);
        created.filter_map(|step| match step.wanted.as_ref()? {
            wanted @ Wanted {
                source: Source::Sync { file, .. },
                ..
            } => Some((wanted, &**file)),
            _ => None,
        })
    }

    /// One that is archived until the plan is carried out.
    fn relisted(&self, name: &str) -> Option<Destination> {
        let mut steps = self.steps.iter().filter(|step| step.relist);
        let step = steps.find(|step| step.name == name)?;
        match &step.wanted.as_ref()?.source {
            Source::Definition { folder, .. } => Some(step.destination(&folder.definition)),
            _ => None,
        }
    }

    fn unknown(&self, wanted: &Wanted, name: &str) -> Fault {
        let mut definitions = self.steps.iter();
        let is_draft = definitions.any(|step| {
            step.kind == Kind::Definition && step.name == name && step.action != Action::Delete
        });
        let message = match is_draft {
            true => format!("{name} was never released: --release does that"),
            false => format!("the catalog has no destination {name}; is it released?"),
        };
        wanted.fault("/definition/name", None, message)
    }
}

impl Step {
    /// The destination that new syncs find once this step is taken.
    fn destination(&self, definition: &Definition) -> Destination {
        let newest = self.found.as_ref().map(|found| &found.view["newest"]);
        let newest = newest.and_then(Value::as_u64).unwrap_or(0);
        Destination {
            newest: newest + u64::from(self.release),
            definition: definition.clone(),
        }
    }
}

/// A destination as the catalog has it.
async fn find(
    remote: &Remote,
    organisation: &str,
    name: &str,
) -> anyhow::Result<Option<Destination>> {
    let catalog = format!("/api/v1/organisations/{organisation}/catalog");
    let tiles = query(&catalog, &[("text", Some(name))]);
    let tiles = remote.list(&tiles).await?;
    let Some(tile) = tiles.iter().find(|tile| tile["display_name"] == name) else {
        return Ok(None);
    };
    let id = &tile["definition"];
    let shown = remote.get(&format!("{catalog}/{}", text(id))).await?;
    Ok(Some(Destination {
        newest: tile["version"].as_u64().unwrap_or(0),
        definition: definition_from_view(id, &shown["content"])?,
    }))
}

impl Destination {
    /// What it doesn't take of a new sync's file.
    fn refusals(&self, wanted: &Wanted, file: &SyncFile) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut refuse = |pointer: &str, message: String| {
            faults.push(wanted.fault(pointer, None, message));
        };
        if let Some(version) = file.definition.version.map(u64::from)
            && version > self.newest
        {
            let message = format!("the newest version is {}", self.newest);
            refuse("/definition/version", message);
        }
        let declared = &self.definition.parameters;
        let secrets = declared.iter().filter(|each| each.is_secret());
        let secrets = secrets.map(|each| (each.name.clone(), json!({"secret": true})));
        let secrets: serde_json::Map<_, _> = secrets.collect();
        for pointer in file.plain_secrets(&json!({"parameters": secrets})) {
            let message = "give a secret by reference: {env: NAME} or {file: PATH}";
            refuse(&pointer, message.to_owned());
        }
        let is_enabled = wanted.content["enabled"] == true;
        let given = |section: &str, name: &str| {
            let given = wanted.content[section].get(name);
            given.is_some_and(|given| *given != "")
        };
        let parameters = declared.iter();
        let parameters = parameters.filter(|each| each.required && each.default.is_none());
        for parameter in parameters.filter(|_| is_enabled) {
            if !given("parameters", &parameter.name) {
                let message = format!("{} is required: fill it in", parameter.display_name);
                refuse(&format!("/parameters/{}", parameter.name), message);
            }
        }
        let mappings = self.definition.mappings.iter();
        for mapping in mappings.filter(|each| is_enabled && each.required) {
            if !given("mappings", &mapping.name) {
                let message = format!("{} is required: choose a property", mapping.name);
                refuse(&format!("/mappings/{}", mapping.name), message);
            }
        }
        faults
    }
}
