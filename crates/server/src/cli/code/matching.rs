//! Which object of the server each file is: the one that the lock names, as long as its file goes by the name that it
//! had; one of the file's name otherwise, for files may change places. A file with a new name, which nothing else
//! has, renames its object.

use std::collections::{BTreeMap, BTreeSet};

use super::inventory::{Found, Inventory};
use super::local::{Kind, Source, Wanted};
use super::lock::{Lock, Locked};
use crate::source::Fault;

/// What a file is.
#[derive(Debug, Default)]
pub(super) struct Match {
    /// The object; `None` where there is none (any more).
    pub(super) found: Option<Found>,
    /// The address by which the lock knows it, if it does.
    pub(super) known_as: Option<String>,
}

/// A file among those of its kind, of one project: its address and its name.
type Files = BTreeMap<String, String>;

/// Finds the server's object for each of the folder's.
pub(super) struct Matcher<'l> {
    /// Objects for which no file was found yet.
    pub(super) left: Vec<Found>,
    lock: &'l Lock,
    /// The ids of all that the server has.
    ids: BTreeSet<String>,
    /// All files by what they are among.
    files: BTreeMap<(Kind, String), Files>,
    /// The ids of projects, by address.
    projects: BTreeMap<String, String>,
}

impl<'l> Matcher<'l> {
    pub(super) fn new(inventory: Inventory, lock: &'l Lock, wanted: &[Wanted]) -> Self {
        let mut files: BTreeMap<_, Files> = BTreeMap::new();
        for each in wanted {
            let among = files.entry(among(each)).or_default();
            among.insert(each.address.clone(), each.name.clone());
        }
        Self {
            ids: inventory
                .found
                .iter()
                .map(|found| found.id.clone())
                .collect(),
            left: inventory.found,
            lock,
            files,
            projects: BTreeMap::new(),
        }
    }

    /// What a file is. Projects have to be asked for before their syncs.
    pub(super) fn find(&mut self, wanted: &Wanted) -> Result<Match, Fault> {
        let project = match &wanted.source {
            Source::Sync { project, .. } => match self.projects.get(project) {
                Some(project) => Some(project.clone()),
                // Its project is still to be made.
                None => return Ok(self.nothing_at(&wanted.address)),
            },
            _ => None,
        };
        let files = self.files.get(&among(wanted)).cloned().unwrap_or_default();
        let fits = |found: &Found| found.kind == wanted.kind() && found.project == project;
        let own = self.own(wanted, &files, fits);
        let position = match own {
            Own::Surely(position) => Some(position),
            Own::Renamed(position) => self.named(wanted, &files, fits)?.or(Some(position)),
            Own::Elsewhere => self.named(wanted, &files, fits)?,
        };
        let Some(position) = position else {
            let known_as = self.lost(wanted, &files, project.as_deref());
            return Ok(Match {
                found: None,
                known_as,
            });
        };
        let found = self.left.swap_remove(position);
        if wanted.kind() == Kind::Project {
            let id = found.id.clone();
            self.projects.insert(wanted.address.clone(), id);
        }
        let known_as = self.known(&found.id).map(|(address, _)| address.clone());
        Ok(Match {
            found: Some(found),
            known_as,
        })
    }

    /// What a file is of which the server has nothing.
    fn nothing_at(&self, address: &str) -> Match {
        let known_as = self.lock.objects.get_key_value(address);
        Match {
            found: None,
            known_as: known_as.map(|(address, _)| address.clone()),
        }
    }

    /// The object that the lock names for a file's address.
    fn own(&self, wanted: &Wanted, files: &Files, fits: impl Fn(&Found) -> bool) -> Own {
        let Some(locked) = self.lock.objects.get(&wanted.address) else {
            return Own::Elsewhere;
        };
        let mut left = self.left.iter();
        let Some(position) = left.position(|found| found.id == locked.id && fits(found)) else {
            return Own::Elsewhere;
        };
        let found = &self.left[position];
        let known = name(locked, found);
        let another_has = |name: &str| {
            let mut others = files
                .iter()
                .filter(|(address, _)| **address != wanted.address);
            others.any(|(_, other)| other == name)
        };
        if known == wanted.name || found.name == wanted.name {
            Own::Surely(position)
        } else if another_has(known) {
            Own::Elsewhere
        } else {
            Own::Renamed(position)
        }
    }

    /// The only object of a file's name, by which no other file goes.
    fn named(
        &self,
        wanted: &Wanted,
        files: &Files,
        fits: impl Fn(&Found) -> bool,
    ) -> Result<Option<usize>, Fault> {
        // A file that goes by the name of the object that the lock has for it.
        let is_taken = |found: &Found| {
            let known = self.known(&found.id);
            known.is_some_and(|(address, locked)| {
                let file = files.get(address).filter(|_| *address != wanted.address);
                file.is_some_and(|file| file == name(locked, found) || *file == found.name)
            })
        };
        let is_named = |found: &Found| {
            let known = self.known(&found.id);
            let known = known.map_or(found.name.as_str(), |(_, locked)| name(locked, found));
            found.name == wanted.name || known == wanted.name
        };
        let left = self.left.iter().enumerate();
        let mut named =
            left.filter(|(_, found)| fits(found) && is_named(found) && !is_taken(found));
        let first = named.next();
        if named.next().is_some() {
            let message = format!("the server has several called {}", wanted.name);
            return Err(wanted.fault("", None, message));
        }
        Ok(first.map(|(position, _)| position))
    }

    /// Where the lock has what a file was, if that is gone from the server.
    fn lost(&self, wanted: &Wanted, files: &Files, project: Option<&str>) -> Option<String> {
        let is_gone = |locked: &Locked| !self.ids.contains(&locked.id);
        // Another file may still go by that name.
        let goes_by = |address: &String, locked: &Locked| {
            let file = files.get(address).filter(|_| *address != wanted.address);
            file.is_some_and(|file| *file == locked.name)
        };
        let mut objects = self.lock.objects.iter();
        let named = objects.find(|(address, locked)| {
            !locked.name.is_empty()
                && locked.name == wanted.name
                && is_gone(locked)
                && self.is_among(address, wanted, project)
                && !goes_by(address, locked)
        });
        let own = || {
            let own = self.lock.objects.get_key_value(&wanted.address);
            own.filter(|(_, locked)| {
                let mut others = files.iter();
                let is_moved = others
                    .any(|(address, name)| *address != wanted.address && *name == locked.name);
                is_gone(locked) && !is_moved
            })
        };
        named.or_else(own).map(|(address, _)| address.clone())
    }

    /// Whether the lock has at an address what is of a file's kind and project.
    fn is_among(&self, address: &str, wanted: &Wanted, project: Option<&str>) -> bool {
        if Kind::at(address) != Some(wanted.kind()) {
            return false;
        }
        let Some(project) = project else {
            return true;
        };
        let parent = address.split("/syncs/").next().unwrap_or_default();
        let parent = self.lock.objects.get(parent);
        parent.is_some_and(|locked| locked.id == project)
    }

    /// Where the lock has an object.
    fn known(&self, id: &str) -> Option<(&'l String, &'l Locked)> {
        let mut objects = self.lock.objects.iter();
        objects.find(|(_, locked)| locked.id == id)
    }
}

/// What the lock says of a file's address.
enum Own {
    /// The object at this position.
    Surely(usize),
    /// This one, if none has the file's name.
    Renamed(usize),
    /// None, or one that another file is.
    Elsewhere,
}

/// What a file is among: its kind, and its project's address.
fn among(wanted: &Wanted) -> (Kind, String) {
    let project = match &wanted.source {
        Source::Sync { project, .. } => project.clone(),
        _ => String::new(),
    };
    (wanted.kind(), project)
}

/// The name that an object's file had when it was last seen; locks of earlier versions don't say it.
fn name<'n>(locked: &'n Locked, found: &'n Found) -> &'n str {
    match locked.name.is_empty() {
        true => &found.name,
        false => &locked.name,
    }
}
