//! Events found by what they carry: insert id, event id, user, device.
//!
//! An index that is derived from the log, in a database of its own beside the journal's. A thread
//! ([`follow`]) reads the log behind the commits and writes sorted, immutable runs ([`index`]), which
//! are merged as they get many. Nothing is lost with it: whatever is wrong with the file, it is deleted
//! and built anew. What the index hasn't reached yet is looked at itself; that is bounded.

mod follow;
mod index;
mod page;

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

use model::Offset;
use rusqlite::Connection;
use xxhash_rust::xxh3::Xxh3;

use super::config::Config;
use super::failure::Fault;
use super::shared::Shared;
use crate::fate::Key;

pub(super) use follow::Follower;

/// The database's name in a journal's folder.
const DATABASE: &str = "lookup.db";

/// Where the index is, and how to ask it.
#[derive(Debug)]
pub(super) struct Lookup {
    folder: PathBuf,
    /// Makes hashes unpredictable.
    seed: u64,
    /// For those who ask: few, and seldom. None until someone does, and after the file was deleted.
    reader: Mutex<Option<Connection>>,
}

/// Events that the index has.
#[derive(Debug, Default)]
pub(super) struct Candidates {
    /// From high to low. Hashes can collide, and the event may be gone.
    pub(super) offsets: Vec<Offset>,
    /// What comes behind this is not in the index yet.
    pub(super) indexed: Offset,
}

impl Lookup {
    pub(super) fn new(config: &Config, seed: u64) -> Self {
        Self {
            folder: config.folder.clone(),
            seed,
            reader: Mutex::default(),
        }
    }

    /// The thread's part, and what ends it when it is dropped.
    pub(super) fn follower(
        self: &Arc<Self>,
        config: &Arc<Config>,
        shared: &Arc<Shared>,
    ) -> (Follower, Sender<()>) {
        let (stop, stopped) = channel();
        let follower = Follower::new(
            Arc::clone(self),
            Arc::clone(config),
            Arc::clone(shared),
            stopped,
        );
        (follower, stop)
    }

    /// Up to `max` events before `before` that may carry the key, of a project by its number. Blocks.
    pub(super) fn candidates(
        &self,
        project: i64,
        key: &Key,
        before: Offset,
        max: usize,
    ) -> Candidates {
        let hash = self.hash(project, key);
        let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        let searched = search(&mut reader, &self.folder, project, hash, before, max);
        searched.unwrap_or_else(|fault| {
            // The one who writes it finds out too, and builds it anew.
            tracing::debug!(?fault, "the index of events can't be read");
            *reader = None;
            Candidates::default()
        })
    }

    /// 48 bits: collisions are rare enough, and they don't show.
    fn hash(&self, project: i64, key: &Key) -> u64 {
        match key {
            Key::InsertId(id) => self.hash_of(project, 0, id.as_bytes()),
            Key::EventId(id) => self.hash_of(project, 1, &id.to_le_bytes()),
            Key::User(id) => self.hash_of(project, 2, id.as_bytes()),
            Key::Device(id) => self.hash_of(project, 3, id.as_bytes()),
        }
    }

    fn hash_of(&self, project: i64, kind: u8, value: &[u8]) -> u64 {
        let mut hash = Xxh3::with_seed(self.seed);
        hash.update(&project.to_le_bytes());
        hash.update(&[kind]);
        hash.update(value);
        hash.digest() >> 16
    }

    /// All hashes under which the event is found.
    fn hashes(&self, project: i64, event: &model::Event, mut found: impl FnMut(u64)) {
        // An event that can't be read can't be found.
        let root = event.root().ok().and_then(|root| root.as_object());
        let Some(root) = root else {
            return;
        };
        for (kind, name) in [(0, "$insert_id"), (2, "user_id"), (3, "device_id")] {
            if let Some(value) = root.get(name).and_then(|value| value.as_str()) {
                found(self.hash_of(project, kind, value.as_bytes()));
            }
        }
        if let Some(model::json::Value::Number(number)) = root.get("event_id")
            && let Some(id) = number.as_i64()
        {
            found(self.hash_of(project, 1, &id.to_le_bytes()));
        }
    }

    /// Does without an index.
    pub(super) fn remove(&self) {
        if let Err(error) = index::delete(&self.folder) {
            tracing::error!(%error, folder = %self.folder.display(), "the index of events can't be deleted");
        }
        self.renewed();
    }

    /// The file was deleted: whoever asks opens the new one.
    fn renewed(&self) {
        *self.reader.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

fn search(
    reader: &mut Option<Connection>,
    folder: &Path,
    project: i64,
    hash: u64,
    before: Offset,
    max: usize,
) -> Result<Candidates, Fault> {
    let connection = match reader {
        Some(connection) => connection,
        none => none.insert(index::connect(folder, true)?),
    };
    index::search(connection, project, hash, before, max)
}
