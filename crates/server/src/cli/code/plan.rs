//! What has to be done for the server to have what a folder says.

use serde_json::{Value, json};

use super::changes::{Change, changes};
use super::inventory::{Found, Inventory};
use super::local::{DEFINITIONS, Kind, Source, Wanted};
use super::lock::Lock;
use super::matching::{Match, Matcher};
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
    /// Why the server would refuse it as things are: something that files can't mend.
    pub(super) obstacle: Option<String>,
    /// The object as the folder has it; `None` where it is to go.
    pub(super) wanted: Option<Wanted>,
    /// The object as the server has it.
    pub(super) found: Option<Found>,
}

/// What has to be done, in order.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) steps: Vec<Step>,
    /// What is in the lock and no longer in the folder, and stays.
    pub(super) kept: Vec<Kept>,
    /// What the token doesn't allow of it, by the names of permissions.
    pub(super) lacking: Vec<&'static str>,
}

/// An object that has no file any more.
#[derive(Debug)]
pub(super) struct Kept {
    /// By which the lock knows it; a file of another object may be there now.
    pub(super) address: String,
    name: String,
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
        let permissions = inventory.permissions.clone();
        let mut matcher = Matcher::new(inventory, lock, &wanted);
        let mut planned = Self {
            steps: Vec::new(),
            kept: Vec::new(),
            lacking: Vec::new(),
        };
        let mut faults = Vec::new();
        for wanted in wanted {
            let matched = matcher.find(&wanted).unwrap_or_else(|fault| {
                faults.push(fault);
                Match::default()
            });
            let found = matched.found.iter();
            faults.extend(found.flat_map(|found| impossible(&wanted, found)));
            planned.steps.push(step(wanted, matched, lock, scope));
        }
        planned.add_gone(&matcher.left, lock, scope);
        planned.find_obstacles(&matcher.left, &permissions);
        match faults.is_empty() {
            true => Ok(planned),
            false => Err(faults),
        }
    }

    /// Adds what is in the lock and not in the folder: to be deleted, or kept. Syncs go first.
    fn add_gone(&mut self, left: &[Found], lock: &Lock, scope: Scope<'_>) {
        let mut deletions = Vec::new();
        for (address, locked) in &lock.objects {
            let found = left.iter().find(|found| found.id == locked.id);
            // What is archived is as gone as it can be.
            let Some(found) = found.filter(|found| !found.is_archived()) else {
                continue;
            };
            if !scope.prune {
                self.kept.push(Kept {
                    address: address.clone(),
                    name: found.name.clone(),
                });
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
                obstacle: None,
                wanted: None,
                found: Some(found.clone()),
            });
        }
        deletions.sort_by_key(|step| std::cmp::Reverse(step.kind));
        self.steps.extend(deletions);
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
                "obstacle": step.obstacle,
            })
        });
        let steps: Vec<_> = steps.collect();
        let kept = self.kept.iter().map(|kept| &kept.address);
        let kept: Vec<_> = kept.collect();
        json!({
            "steps": steps,
            "drifted": self.drifted(),
            "obstacles": self.obstacles().count(),
            "lacking": self.lacking,
            "kept": kept,
        })
    }

    /// Prints the plan for people.
    pub(super) fn print(&self) {
        for step in self.pending() {
            step.print();
        }
        for Kept { address, name } in &self.kept {
            output::print(&format!(
                "  {address}: no longer in the folder, and kept ({name}); --prune deletes it"
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
        if self.obstacles().next().is_some() || !self.lacking.is_empty() {
            output::print("apply refuses this as things are:");
            self.refusals()
                .for_each(|line| output::print(&format!("  ! {line}")));
        }
    }
}

const CHANGED: &str = "it was changed on the server since it was last seen";
const WAS_ARCHIVED: &str = "it was archived on the server since it was last seen";
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

fn step(wanted: Wanted, matched: Match, lock: &Lock, scope: Scope<'_>) -> Step {
    let Match { found, known_as } = matched;
    let locked = known_as.as_ref();
    let locked = locked.and_then(|address| lock.objects.get(address));
    let moved_from = known_as.clone();
    let moved_from = moved_from.filter(|address| *address != wanted.address);
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
    let relist = found.as_ref().is_some_and(Found::is_archived);
    let drift = match (&found, locked) {
        _ if action == Action::Nothing && !relist => None,
        (None, None) => None,
        (None, Some(_)) => Some(DELETED),
        (Some(_), None) => Some(UNKNOWN),
        (Some(found), Some(locked)) if locked.is_outdated_by(found.version, &found.content) => {
            Some(CHANGED)
        }
        (Some(_), Some(locked)) => (relist && !locked.archived).then_some(WAS_ARCHIVED),
    };
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
        obstacle: None,
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
