//! `millstream.lock`: which object of the server each file is, and how it was when it was last seen.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::inventory::Found;
use super::plan::Plan;
use crate::source::{Document, Fault};

/// The file's name.
pub(super) const LOCK: &str = "millstream.lock";

/// What the lock says.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Lock {
    /// The organisation whose objects these are.
    pub(super) organisation: String,
    /// By address: the path in the folder, without an ending.
    pub(super) objects: BTreeMap<String, Locked>,
}

/// An object as it was last exported or applied.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Locked {
    /// Its id on the server.
    pub(super) id: String,
    /// Its version there.
    pub(super) version: u64,
    /// The SHA-256 of what is compared of it; no secret is a part of that.
    pub(super) content: String,
    /// As people called it; empty in locks of earlier versions.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) name: String,
    /// Whether it is a definition that was archived.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) archived: bool,
}

impl Locked {
    /// An object as the server has it.
    pub(super) fn of(found: &Found) -> Self {
        Self {
            name: found.name.clone(),
            archived: found.is_archived(),
            ..Self::new(&found.id, found.version, &found.content)
        }
    }

    fn new(id: &str, version: u64, content: &Value) -> Self {
        Self {
            id: id.to_owned(),
            version,
            content: hash(content),
            name: String::new(),
            archived: false,
        }
    }

    /// Whether an object of this version and content was changed since.
    pub(super) fn is_outdated_by(&self, version: u64, content: &Value) -> bool {
        self.version != version && self.content != hash(content)
    }
}

/// The hash of a content, whatever the order of its members.
fn hash(content: &Value) -> String {
    let mut sorted = content.clone();
    sorted.sort_all_objects();
    let digest = Sha256::digest(sorted.to_string().as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether an address is one below the folder.
fn is_within(address: &str) -> bool {
    let mut parts = Path::new(address).components();
    parts.all(|part| matches!(part, std::path::Component::Normal(_)))
}

/// Where the lock of a folder is.
pub(super) fn path(folder: &Path, named: Option<&PathBuf>) -> PathBuf {
    named.cloned().unwrap_or_else(|| folder.join(LOCK))
}

impl Lock {
    /// Reads a lock; an empty one where there is none.
    pub(super) fn read(path: &Path) -> Result<Self, Fault> {
        match fs::symlink_metadata(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            _ => {
                let lock: Self = Document::open(path)?.typed()?;
                let mut outside = lock.objects.keys().filter(|address| !is_within(address));
                match outside.next() {
                    None => Ok(lock),
                    Some(address) => {
                        let message = format!("{address} leads out of the folder");
                        Err(Fault::new(path, message))
                    }
                }
            }
        }
    }

    /// Writes it, whole or not at all.
    pub(super) fn write(&self, path: &Path) -> anyhow::Result<()> {
        let text = format!("{}\n", serde_json::to_string_pretty(self)?);
        let beside = path.with_extension("lock.new");
        let written = fs::write(&beside, text).and_then(|()| fs::rename(&beside, path));
        written.with_context(|| format!("{} can't be written", path.display()))
    }

    /// Knows the objects by the addresses that their files have now. What has no file any more and stays gives way
    /// to a file at its address.
    pub(super) fn follow(&mut self, plan: &Plan) {
        let files = plan.steps.iter().filter(|step| step.wanted.is_some());
        let files: BTreeSet<&str> = files.map(|step| &*step.address).collect();
        let mut moved = BTreeMap::new();
        for step in &plan.steps {
            let from = step.moved_from.as_ref();
            if let Some(locked) = from.and_then(|from| self.objects.remove(from)) {
                moved.insert(step.address.clone(), locked);
            }
        }
        let kept = plan.kept.iter().map(|kept| &*kept.address);
        let deleted = plan.steps.iter().filter(|step| step.wanted.is_none());
        let deleted = deleted.map(|step| &*step.address);
        for address in kept
            .chain(deleted)
            .filter(|address| files.contains(address))
        {
            let Some(locked) = self.objects.remove(address) else {
                continue;
            };
            let mut free = (2_u32..).map(|number| format!("{address}-{number}"));
            let free =
                free.find(|free| !files.contains(&**free) && !self.objects.contains_key(free));
            self.objects.extend(free.map(|free| (free, locked)));
        }
        self.objects.extend(moved);
    }

    /// Refuses the lock of another organisation.
    pub(super) fn demand(&mut self, organisation: &str, path: &Path) -> Result<(), Fault> {
        if self.organisation.is_empty() {
            self.organisation = organisation.to_owned();
        }
        if self.organisation == organisation {
            return Ok(());
        }
        let message = format!(
            "it is of the organisation {}, but the token is for {organisation}: name another lock with --lock",
            self.organisation
        );
        Err(Fault::new(path, message))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_object_drifts_when_version_and_content_are_others() {
        let locked = Locked::new("sync_1", 3, &json!({"a": 1, "b": 2}));
        assert!(!locked.is_outdated_by(3, &json!({"a": 9})));
        assert!(!locked.is_outdated_by(4, &json!({"b": 2, "a": 1})));
        assert!(locked.is_outdated_by(4, &json!({"a": 1})));
    }

    #[test]
    fn a_lock_is_read_as_it_was_written_and_is_of_one_organisation() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(LOCK);
        let mut lock = Lock::read(&path).unwrap();
        lock.demand("org_1", &path).unwrap();
        let locked = Locked::new("prj_1", 1, &json!({}));
        lock.objects.insert("projects/shop".into(), locked.clone());
        lock.write(&path).unwrap();
        let mut read = Lock::read(&path).unwrap();
        assert_eq!(read.objects["projects/shop"], locked);
        assert!(read.demand("org_2", &path).is_err());
        read.objects.insert("projects/../../x".into(), locked);
        read.write(&path).unwrap();
        assert!(Lock::read(&path).unwrap_err().message.contains("leads out"));
    }
}
