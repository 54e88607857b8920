//! What keeps a plan from being carried out that no file can mend: what the token doesn't allow, and what the server
//! doesn't delete as things are. A plan tells of it, so that one with a token that only reads can still be made; an
//! apply is refused before anything is changed.

use std::collections::BTreeSet;

use model::access::Permission;

use super::inventory::Found;
use super::local::Kind;
use super::plan::{Action, Plan, Step};
use crate::cli::output::text;
use crate::cli::remote::Remote;

/// How the server calls a definition that a reviewer took from the catalog.
const BARRED: &str = "barred";

impl Plan {
    /// Notes what is known without asking: `left` are objects that have no file.
    pub(super) fn find_obstacles(&mut self, left: &[Found], permissions: &BTreeSet<String>) {
        let needed: BTreeSet<&str> = self.pending().map(Step::needs).collect();
        let lacking = needed
            .into_iter()
            .filter(|name| !permissions.contains(*name));
        self.lacking = lacking.collect();
        let deleted = self
            .steps
            .iter()
            .filter(|step| step.action == Action::Delete);
        let deleted: BTreeSet<String> = deleted.filter_map(Step::id).collect();
        for step in &mut self.steps {
            let Some(found) = step
                .found
                .as_ref()
                .filter(|_| step.action == Action::Delete)
            else {
                continue;
            };
            let stays = |each: &&Found| {
                each.project.as_ref() == Some(&found.id) && !deleted.contains(&each.id)
            };
            step.obstacle = match step.kind {
                Kind::Project => match left.iter().filter(stays).count() {
                    0 => None,
                    count => Some(format!(
                        "it has syncs that the lock doesn't know ({count}): delete them first, or take them over with export"
                    )),
                },
                Kind::Definition if found.view["listing"] == BARRED => {
                    let why = "a reviewer took it from the catalog: it can't be archived besides";
                    Some(why.to_owned())
                }
                _ => None,
            };
        }
    }

    /// Asks what syncs owe that are to be deleted.
    pub(super) async fn look_at_debts(&mut self, remote: &Remote) -> anyhow::Result<()> {
        for step in &mut self.steps {
            let is_deleted = step.action == Action::Delete && step.kind == Kind::Sync;
            let Some(found) = step.found.as_ref().filter(|_| is_deleted) else {
                continue;
            };
            let status = remote.get(&format!("{}/status", found.path)).await?;
            let counts = ["pending", "backlog", "waiting_in_order"];
            let owed: u64 = counts
                .iter()
                .filter_map(|name| status[*name].as_u64())
                .sum();
            if owed > 0 {
                step.obstacle = Some(format!(
                    "it owes deliveries ({owed} at present): wait for them, or delete it with `millstream sync delete --confirm`"
                ));
            }
        }
        Ok(())
    }

    /// The steps that the server would refuse as things are.
    pub(super) fn obstacles(&self) -> impl Iterator<Item = (&Step, &String)> {
        let steps = self.steps.iter();
        steps.filter_map(|step| Some((step, step.obstacle.as_ref()?)))
    }

    /// All that would be refused, a line each.
    pub(super) fn refusals(&self) -> impl Iterator<Item = String> {
        let lacking = self.lacking.iter();
        let lacking = lacking.map(|name| format!("the token doesn't allow {name}"));
        let steps = self.obstacles();
        lacking.chain(steps.map(|(step, why)| format!("{}: {why}", step.address)))
    }
}

impl Step {
    /// The permission that it takes, by its name.
    fn needs(&self) -> &'static str {
        let permission = match self.kind {
            Kind::Definition => Permission::DefinitionsWrite,
            Kind::Project => Permission::ProjectsWrite,
            Kind::Sync => Permission::SyncsWrite,
        };
        permission.name()
    }

    fn id(&self) -> Option<String> {
        Some(self.found.as_ref()?.id.clone())
    }
}

/// The names of what may be done in an organisation, as the server shows that.
pub(super) fn permissions(organisation: &serde_json::Value) -> BTreeSet<String> {
    let names = organisation["permissions"].as_array();
    names.into_iter().flatten().map(text).collect()
}
