//! What has to be done for the server to have what a folder says.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::changes::{Change, changes};
use super::inventory::{Found, Inventory};
use super::local::{DEFINITIONS, Kind, Source, Wanted};
use super::lock::Lock;
use super::upgrade::Upgrade;
use crate::cli::output;
use crate::source::Fault;

/// What is to be done about an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Action {
    /// It is as it should be.
    Nothing,
    Create,
    Update,
    Delete,
}

/// An object and what is to be done about it.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) action: Action,
    pub(super) address: String,
    pub(super) kind: Kind,
    pub(super) name: String,
    /// What changes about it.
    pub(super) changes: Vec<Change>,
    /// Whether its draft is to be released.
    pub(super) release: bool,
    /// Whether a definition that was archived is to be offered to new syncs again.
    pub(super) relist: bool,
    /// Its address when it was last seen, where its file is another now.
    pub(super) moved_from: Option<String>,
    /// The later version of its destination that it is to connect.
    pub(super) upgrade: Option<Upgrade>,
    /// Why the server's object isn't what it was when it was last seen.
    pub(super) drift: Option<&'static str>,
    /// The object as the folder has it; `None` where it is to go.
    pub(super) wanted: Option<Wanted>,
    /// The object as the server has it.
    pub(super) found: Option<Found>,
}

/// What has to be done, in order.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) steps: Vec<Step>,
    /// Addresses of what is in the lock and no longer in the folder, and stays.
    pub(super) kept: Vec<String>,
}

/// What a plan is to hold.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scope<'s> {
    /// Delete what is in the lock and no longer in the folder.
    pub(super) prune: bool,
    /// Release the drafts of definitions in these folders; `*`: of all.
    pub(super) release: &'s [String],
}

/// What stands for all folders of definitions.
pub(super) const ALL: &str = "*";

impl Scope<'_> {
    fn releases(self, address: &str) -> bool {
        let folder = address.strip_prefix(DEFINITIONS);
        let folder = folder.and_then(|rest| rest.strip_prefix('/'));
        let mut named = self.release.iter();
        named.any(|each| each == ALL || folder == Some(each))
    }
}

impl Plan {
    /// Compares what should be with what is. Says what can't be done at all.
    pub(super) fn make(
        wanted: Vec<Wanted>,
        inventory: Inventory,
        lock: &Lock,
        scope: Scope<'_>,
    ) -> Result<Self, Vec<Fault>> {
        let present = wanted.iter().map(|wanted| wanted.address.clone());
        let mut matcher = Matcher::new(inventory, lock, present.collect());
        let mut planned = Self {
            steps: Vec::new(),
            kept: Vec::new(),
        };
        let mut faults = Vec::new();
        for wanted in wanted {
            let found = matcher.find(&wanted);
            let found = found.unwrap_or_else(|fault| {
                faults.push(fault);
                None
            });
            faults.extend(found.iter().flat_map(|found| impossible(&wanted, found)));
            let address = found
                .as_ref()
                .and_then(|found| matcher.former(found, &wanted));
            planned
                .steps
                .push(step(wanted, found, address, lock, scope));
        }
        planned.add_gone(matcher, lock, scope);
        match faults.is_empty() {
            true => Ok(planned),
            false => Err(faults),
        }
    }

    /// Adds what is in the lock and not in the folder: to be deleted, or kept. Syncs go first.
    fn add_gone(&mut self, matcher: Matcher<'_>, lock: &Lock, scope: Scope<'_>) {
        let present: BTreeSet<&str> = self.steps.iter().map(|step| &*step.address).collect();
        let gone = lock.objects.iter();
        let gone = gone.filter(|(address, _)| !present.contains(address.as_str()));
        let mut deletions = Vec::new();
        let mut kept = Vec::new();
        for (address, locked) in gone {
            let found = matcher.left.iter().find(|found| found.id == locked.id);
            let Some(found) = found else {
                continue;
            };
            if !scope.prune {
                kept.push(address.clone());
                continue;
            }
            let drifted = locked.is_outdated_by(found.version, &found.content);
            deletions.push(Step {
                action: Action::Delete,
                address: address.clone(),
                kind: found.kind,
                name: found.name.clone(),
                changes: Vec::new(),
                release: false,
                relist: false,
                moved_from: None,
                upgrade: None,
                drift: drifted.then_some(CHANGED),
                wanted: None,
                found: Some(found.clone()),
            });
        }
        deletions.sort_by_key(|step| std::cmp::Reverse(step.kind));
        self.steps.extend(deletions);
        self.kept = kept;
    }

    /// The steps that change something.
    pub(super) fn pending(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| step.is_pending())
    }

    /// How many steps drift keeps from being taken.
    pub(super) fn drifted(&self) -> usize {
        self.pending().filter(|step| step.drift.is_some()).count()
    }

    /// The plan as JSON.
    pub(super) fn json(&self) -> Value {
        let steps = self.pending().map(|step| {
            json!({
                "action": step.action,
                "kind": step.kind,
                "address": step.address,
                "name": step.name,
                "id": step.found.as_ref().map(|found| &found.id),
                "changes": step.changes,
                "moved_from": step.moved_from,
                "release": step.release,
                "upgrade": step.upgrade.as_ref().map(Upgrade::json),
                "drift": step.drift,
            })
        });
        let steps: Vec<_> = steps.collect();
        json!({"steps": steps, "drifted": self.drifted(), "kept": self.kept})
    }

    /// Prints the plan for people.
    pub(super) fn print(&self) {
        for step in self.pending() {
            step.print();
        }
        for address in &self.kept {
            output::print(&format!(
                "  {address}: no longer in the folder, and kept; --prune deletes it"
            ));
        }
        let count = |action| self.pending().filter(|step| step.action == action).count();
        let releases = self.pending().filter(|step| step.release).count();
        if self.pending().next().is_none() {
            return output::print("nothing to do");
        }
        output::print(&format!(
            "{} to create, {} to change, {} to delete, {releases} to release",
            count(Action::Create),
            count(Action::Update),
            count(Action::Delete)
        ));
        if self.drifted() > 0 {
            output::print(&format!(
                "{} drifted (!): apply refuses them; take their changes over, or use --force",
                self.drifted()
            ));
        }
    }
}

const CHANGED: &str = "it was changed on the server since it was last seen";
const DELETED: &str = "it was deleted on the server since it was last seen";
/// A definition that new syncs can connect, and one that they can't, as the server calls them.
pub(super) const LISTED: &str = "listed";
pub(super) const ARCHIVED: &str = "archived";
const UNKNOWN: &str = "the server has one of this name that the lock doesn't know";

impl Step {
    /// Whether it changes anything.
    pub(super) fn is_pending(&self) -> bool {
        self.action != Action::Nothing || self.release
    }

    /// Whether it is to be archived: what was released once can't be deleted.
    pub(super) fn is_archived(&self) -> bool {
        let released = |found: &Found| found.view["newest"].is_u64();
        self.action == Action::Delete
            && self.kind == Kind::Definition
            && self.found.as_ref().is_some_and(released)
    }

    fn print(&self) {
        let sign = match self.action {
            Action::Create => '+',
            Action::Update => '~',
            Action::Delete => '-',
            Action::Nothing => ' ',
        };
        let then = match self.is_archived() {
            true => ", archived",
            false if self.release => ", released",
            false => "",
        };
        output::print(&format!("{sign} {} ({}){then}", self.address, self.name));
        if let Some(former) = &self.moved_from {
            output::print(&format!("    it was {former}"));
        }
        if let Some(drift) = self.drift {
            output::print(&format!("  ! {drift}"));
        }
        if self.action == Action::Update {
            for line in self.changes.iter().flat_map(Change::lines) {
                output::print(&format!("    {line}"));
            }
        }
        if let (Some(upgrade), Some(wanted)) = (&self.upgrade, &self.wanted) {
            upgrade.print(wanted);
        }
    }
}

fn step(
    wanted: Wanted,
    found: Option<Found>,
    moved_from: Option<String>,
    lock: &Lock,
    scope: Scope<'_>,
) -> Step {
    // One of the same name that was made in the place of the one that was known is another.
    let is_it = |id: &str| found.as_ref().is_none_or(|found| found.id == id);
    let address = moved_from.as_ref().unwrap_or(&wanted.address);
    let locked = lock.objects.get(address);
    let locked = locked.filter(|locked| is_it(&locked.id));
    let stored = found.as_ref().map(|found| comparable(&wanted, found));
    let mut differing = changes(stored.as_ref().unwrap_or(&Value::Null), &wanted.content);
    let upgrade = match (&wanted.source, &found) {
        (Source::Sync { file, .. }, Some(found)) => Upgrade::wanted(file, found),
        _ => None,
    };
    differing.extend(upgrade.as_ref().map(|upgrade| Change {
        pointer: "/definition/version".into(),
        before: json!(upgrade.from),
        after: json!(upgrade.to),
    }));
    let action = match (&found, differing.is_empty()) {
        (None, _) => Action::Create,
        (Some(_), true) => Action::Nothing,
        (Some(_), false) => Action::Update,
    };
    let drift = match (&found, locked, action) {
        (_, _, Action::Nothing) | (None, None, _) => None,
        (None, Some(_), _) => Some(DELETED),
        (Some(_), None, _) => Some(UNKNOWN),
        (Some(found), Some(locked), _) => locked
            .is_outdated_by(found.version, &found.content)
            .then_some(CHANGED),
    };
    let relist = found
        .as_ref()
        .is_some_and(|found| found.view["listing"] == ARCHIVED);
    differing.extend(relist.then(|| Change {
        pointer: "/listing".into(),
        before: json!(ARCHIVED),
        after: json!(LISTED),
    }));
    let is_released = found
        .as_ref()
        .and_then(|found| found.released.as_ref())
        .is_some_and(|released| *released == wanted.content);
    let action = match action {
        Action::Nothing if relist => Action::Update,
        action => action,
    };
    Step {
        action,
        address: wanted.address.clone(),
        kind: wanted.kind(),
        name: wanted.name.clone(),
        changes: differing,
        release: wanted.kind() == Kind::Definition
            && scope.releases(&wanted.address)
            && !is_released,
        relist,
        moved_from,
        upgrade,
        drift,
        wanted: Some(wanted),
        found,
    }
}

/// The server's content, without what the folder leaves to it.
fn comparable(wanted: &Wanted, found: &Found) -> Value {
    let mut stored = found.content.clone();
    if wanted.kind() == Kind::Sync
        && wanted.content.get("url").is_none()
        && let Some(members) = stored.as_object_mut()
    {
        members.shift_remove("url");
    }
    stored
}

/// Changes that no request can make.
fn impossible(wanted: &Wanted, found: &Found) -> Vec<Fault> {
    let Source::Sync { file, .. } = &wanted.source else {
        return Vec::new();
    };
    let connected = &found.view["definition"];
    let mut faults = Vec::new();
    if connected["name"] != file.definition.name.as_str() {
        let message = format!(
            "the sync connects {}, and stays with it: delete it to make another",
            output::text(&connected["name"])
        );
        faults.push(wanted.fault("/definition/name", None, message));
    } else if let Some(version) = file.definition.version
        && connected["version"].as_u64() > Some(u64::from(version))
    {
        let message = format!(
            "the sync connects version {}: only a later one is an upgrade (`millstream sync restore` goes back)",
            connected["version"]
        );
        faults.push(wanted.fault("/definition/version", None, message));
    }
    for pointer in file.plain_secrets(&found.content) {
        let message = "give a secret by reference: {env: NAME} or {file: PATH}";
        faults.push(wanted.fault(&pointer, None, message));
    }
    faults
}

/// Finds the server's object for each of the folder's.
struct Matcher<'l> {
    left: Vec<Found>,
    lock: &'l Lock,
    /// The addresses that the folder has.
    present: BTreeSet<String>,
    /// The ids of projects, by address.
    projects: BTreeMap<String, String>,
}

impl<'l> Matcher<'l> {
    fn new(inventory: Inventory, lock: &'l Lock, present: BTreeSet<String>) -> Self {
        Self {
            left: inventory.found,
            lock,
            present,
            projects: BTreeMap::new(),
        }
    }

    /// The object that the lock names, or the only one of the same name that the lock doesn't know by a file
    /// that is there: names of files may change.
    fn find(&mut self, wanted: &Wanted) -> Result<Option<Found>, Fault> {
        let project = match &wanted.source {
            Source::Sync { project, .. } => match self.projects.get(project) {
                Some(project) => Some(project.clone()),
                // Its project is still to be made.
                None => return Ok(None),
            },
            _ => None,
        };
        let fits = |found: &Found| found.kind == wanted.kind() && found.project == project;
        let locked = self.lock.objects.get(&wanted.address);
        let by_id = locked.and_then(|locked| {
            let mut left = self.left.iter();
            left.position(|found| found.id == locked.id && fits(found))
        });
        let position = match by_id {
            Some(position) => Some(position),
            None => {
                let known = |id: &String| {
                    let mut objects = self.lock.objects.iter();
                    objects.any(|(address, each)| each.id == *id && self.present.contains(address))
                };
                let named = self.left.iter().enumerate();
                let mut named = named.filter(|(_, found)| {
                    fits(found) && found.name == wanted.name && !known(&found.id)
                });
                let first = named.next();
                if named.next().is_some() {
                    let message = format!("the server has several called {}", wanted.name);
                    return Err(wanted.fault("", None, message));
                }
                first.map(|(position, _)| position)
            }
        };
        let found = position.map(|position| self.left.swap_remove(position));
        if let (Kind::Project, Some(found)) = (wanted.kind(), &found) {
            let id = found.id.clone();
            self.projects.insert(wanted.address.clone(), id);
        }
        Ok(found)
    }
    /// The address by which the lock knows an object whose file is another now.
    fn former(&self, found: &Found, wanted: &Wanted) -> Option<String> {
        let mut known = self.lock.objects.iter();
        let known = known.find(|(_, locked)| locked.id == found.id);
        let (address, _) = known.filter(|(address, _)| **address != wanted.address)?;
        Some(address.clone())
    }
}
