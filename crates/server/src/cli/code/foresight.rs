//! What the server would refuse of a plan, found before anything is changed: definitions to be released are checked
//! here, as the server does; syncs are checked by the server itself, as they would be made or changed.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::Method;
use model::Clock;
use model::definition::Definition;
use model::time::SystemClock;
use serde_json::{Value, json};

use super::destination::Destinations;
use super::files::SyncFile;
use super::local::{Source, Wanted};
use super::plan::{Action, Plan, Step};
use super::refusal;
use super::secret::Secrets;
use crate::cli::remote::Remote;
use crate::source::{Document, Fault};

impl Plan {
    /// Says what would be refused: releases of drafts that aren't sound, and syncs that the server wouldn't make,
    /// change or upgrade as their files say. Learns what upgrades mean to versions that are still to be released.
    pub(super) async fn foresee(
        &mut self,
        remote: &Remote,
        organisation: &str,
        secrets: Secrets,
    ) -> anyhow::Result<Vec<Fault>> {
        let mut faults = self.unsound();
        let mut destinations = Destinations::new(remote, organisation);
        let mut upgrades = BTreeMap::new();
        for (index, step) in self.steps.iter().enumerate() {
            let Some((wanted, file, document)) = step.sync() else {
                continue;
            };
            let input = match file.input(document, secrets) {
                Ok(input) => input,
                Err(missing) => {
                    faults.extend(missing);
                    continue;
                }
            };
            let (path, body) = match &step.found {
                Some(found) => (format!("{}/check", found.path), self.change(step, input)),
                None => {
                    let chosen = destinations.choose(self, file).await?;
                    faults.extend(chosen.faults(wanted, file));
                    let path = format!("/api/v1/organisations/{organisation}/sync-check");
                    let Some(body) = chosen.check(file, input) else {
                        continue;
                    };
                    (path, body)
                }
            };
            match remote.call(Method::POST, &path, Some(&body)).await {
                Ok(checked) if body.get("content").is_some() => {
                    upgrades.insert(index, checked["upgrade"].clone());
                }
                Ok(_) => {}
                Err(error) => match refusal::faults(&error, wanted) {
                    // Nobody knows whether a secret will do that is stood in for.
                    Some(placed) => {
                        let stands_in = file.stand_ins(secrets);
                        let known = placed.into_iter().filter(|(at, _)| !stands_in.contains(at));
                        faults.extend(known.map(|(_, fault)| fault));
                    }
                    None => return Err(error.context(step.address.clone())),
                },
            }
        }
        for (index, shown) in upgrades {
            if let Some(upgrade) = &mut self.steps[index].upgrade {
                upgrade.shown = Some(shown);
                upgrade.unreleased = true;
            }
        }
        Ok(faults)
    }

    /// Faults of definitions that are to be released.
    fn unsound(&self) -> Vec<Fault> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let released = self.steps.iter().filter(|step| step.release);
        let faults = released.filter_map(|step| match &step.wanted.as_ref()?.source {
            Source::Definition { folder, .. } => {
                let check = pipeline::check(&folder.definition, &clock);
                let faults = check.problems.iter().map(|one| folder.fault_of(one));
                Some(faults.collect::<Vec<_>>())
            }
            _ => None,
        });
        faults.flatten().collect()
    }

    /// The check of a change: with what a version says to which the sync is upgraded as soon as it is released.
    fn change(&self, step: &Step, input: Value) -> Value {
        let mut body = json!({"changes": input});
        let Some(upgrade) = &step.upgrade else {
            return body;
        };
        body["to"] = json!(upgrade.to);
        let id = step
            .found
            .as_ref()
            .map(|found| &found.view["definition"]["id"]);
        let mut definitions = self.steps.iter();
        let released = definitions.find(|each| {
            let found = each.found.as_ref();
            let same = found.is_some_and(|found| id.is_some_and(|id| *id == *found.id));
            same && each.next_version() == Some(upgrade.to)
        });
        if let Some(content) = released.and_then(Step::definition_content) {
            body["content"] = content;
        }
        body
    }
}

impl Step {
    /// The sync that is made or changed.
    fn sync(&self) -> Option<(&Wanted, &SyncFile, &Document)> {
        if !matches!(self.action, Action::Create | Action::Update) {
            return None;
        }
        match self.wanted.as_ref()? {
            wanted @ Wanted {
                source: Source::Sync { file, document, .. },
                ..
            } => Some((wanted, file, document)),
            _ => None,
        }
    }

    /// The definition of the folder.
    pub(super) fn definition(&self) -> Option<&Definition> {
        match &self.wanted.as_ref()?.source {
            Source::Definition { folder, .. } => Some(&folder.definition),
            _ => None,
        }
    }

    /// The version that the step releases.
    pub(super) fn next_version(&self) -> Option<u64> {
        let newest = self.found.as_ref().map(|found| &found.view["newest"]);
        let newest = newest.and_then(Value::as_u64).unwrap_or(0);
        self.release.then_some(newest + 1)
    }

    /// What that version says, as a request has it.
    pub(super) fn definition_content(&self) -> Option<Value> {
        self.definition()?;
        let mut content = self.wanted.as_ref()?.content.clone();
        // Pictures have no bearing on syncs.
        if let Some(members) = content.as_object_mut() {
            members.remove("logo");
        }
        Some(content)
    }
}
