//! What the server would refuse of a plan, found before anything is changed: definitions to be released are checked
//! here, as the server does; what is made or changed is checked by the server itself, as it would be sent.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::Method;
use model::Clock;
use model::definition::Definition;
use model::time::SystemClock;
use serde_json::{Value, json};

use super::destination::Destinations;
use super::local::{Source, Wanted};
use super::plan::{Action, Plan, Step};
use super::refusal;
use super::secret::Secrets;
use crate::cli::remote::Remote;
use crate::source::Fault;

impl Plan {
    /// Says what would be refused: releases of drafts that aren't sound, and objects that the server wouldn't make,
    /// change or upgrade as their files say. Learns what upgrades mean to versions that are still to be released.
    pub(super) async fn foresee(
        &mut self,
        remote: &Remote,
        organisation: &str,
        secrets: Secrets,
    ) -> anyhow::Result<Vec<Fault>> {
        let mut faults = self.unsound();
        faults.extend(self.taken_names(remote, organisation).await?);
        let mut destinations = Destinations::new(remote, organisation);
        let mut upgrades = BTreeMap::new();
        for (index, step) in self.steps.iter().enumerate() {
            let Some(wanted) = step.written() else {
                continue;
            };
            let asked = self.check(step, wanted, &mut destinations, secrets).await?;
            let (check, found) = match asked {
                Asked::Check(check, found) => (check, found),
                Asked::Faulty(found) => {
                    faults.extend(found);
                    continue;
                }
            };
            faults.extend(found);
            match remote
                .call(Method::POST, &check.path, Some(&check.body))
                .await
            {
                Ok(checked) if step.upgrade.is_some() && check.has_content() => {
                    upgrades.insert(index, checked["upgrade"].clone());
                }
                Ok(_) => {}
                Err(error) => match refusal::faults(&error, wanted) {
                    Some(placed) => {
                        let told = placed.into_iter().filter(|(at, _)| check.can_tell(at));
                        faults.extend(told.map(|(_, fault)| fault));
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

    /// How the server is asked whether it would take a step.
    async fn check(
        &self,
        step: &Step,
        wanted: &Wanted,
        destinations: &mut Destinations<'_>,
        secrets: Secrets,
    ) -> anyhow::Result<Asked> {
        let (file, document) = match &wanted.source {
            Source::Project(_) => {
                let check = Check::new(destinations.path("project-check"), wanted.content.clone());
                return Ok(Asked::Check(check, Vec::new()));
            }
            Source::Definition { .. } => {
                let content = step.definition_content().unwrap_or_default();
                let check = Check::new(destinations.path("definition-check"), content);
                return Ok(Asked::Check(check, Vec::new()));
            }
            Source::Sync { file, document, .. } => (file, document),
        };
        // What else is wrong is told beside the secrets that aren't there.
        let (input, mut faults, stands_in) = file.input_to_check(document, secrets);
        if let Some(found) = &step.found {
            let check = Check::new(format!("{}/check", found.path), self.change(step, input));
            return Ok(Asked::Check(Check { stands_in, ..check }, faults));
        }
        let chosen = destinations.choose(self, file).await?;
        faults.extend(chosen.faults(wanted, file));
        Ok(match chosen.check(file, input) {
            None => Asked::Faulty(faults),
            Some(body) => {
                let check = Check::new(destinations.path("sync-check"), body);
                Asked::Check(Check { stands_in, ..check }, faults)
            }
        })
    }

    /// Faults of definitions whose names others have.
    async fn taken_names(&self, remote: &Remote, organisation: &str) -> anyhow::Result<Vec<Fault>> {
        let named = self.steps.iter().filter(|step| step.definition().is_some());
        let named: Vec<_> = named.filter(|step| step.is_pending()).collect();
        let names = named.iter().map(|step| {
            json!({
                "definition": step.found.as_ref().map(|found| &found.id),
                "display_name": step.name,
                "released": step.release,
            })
        });
        let body = json!({"names": names.collect::<Vec<_>>()});
        if named.is_empty() {
            return Ok(Vec::new());
        }
        let path = format!("/api/v1/organisations/{organisation}/definition-names-check");
        let Err(error) = remote.call(Method::POST, &path, Some(&body)).await else {
            return Ok(Vec::new());
        };
        let of_names = refusal::fields(&error)
            .into_iter()
            .filter_map(|(pointer, message)| {
                let position = pointer.strip_prefix("/names/")?.split('/').next()?;
                let step: &Step = named.get(position.parse::<usize>().ok()?)?;
                Some(step.wanted.as_ref()?.fault("/display_name", None, message))
            });
        let faults: Vec<_> = of_names.collect();
        match faults.is_empty() {
            true => Err(error.context("definitions")),
            false => Ok(faults),
        }
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

/// A request that says whether the server would take a step.
struct Check {
    path: String,
    body: Value,
    /// Where something stands in for secrets.
    stands_in: Vec<String>,
}

/// What is asked about a step.
enum Asked {
    /// This, besides faults that are found without.
    Check(Check, Vec<Fault>),
    /// Nothing, for faults without which there is something to ask.
    Faulty(Vec<Fault>),
}

impl Check {
    fn new(path: String, body: Value) -> Self {
        Self {
            path,
            body,
            stands_in: Vec::new(),
        }
    }

    /// Whether it says what a definition will say that is still to be released.
    fn has_content(&self) -> bool {
        self.body.get("content").is_some()
    }

    /// Whether a fault at a place of the file is one to tell. Nobody knows whether a secret will do that is stood in
    /// for; and what is wrong with a definition is told of that.
    fn can_tell(&self, at: &str) -> bool {
        let mut definition = ["/content", "/definition/"].iter();
        let of_definition = at != VERSION && definition.any(|each| at.starts_with(each));
        let stands_in = self.stands_in.iter().any(|each| each == at);
        !(stands_in || self.has_content() && of_definition)
    }
}

/// Where a file names a version.
const VERSION: &str = "/definition/version";

impl Step {
    /// What is made or changed.
    fn written(&self) -> Option<&Wanted> {
        let wanted = self.wanted.as_ref();
        wanted.filter(|_| matches!(self.action, Action::Create | Action::Update))
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
