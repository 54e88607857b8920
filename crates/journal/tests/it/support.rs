//! Journals in folders of their own.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use millstream_journal::conformance::{Backend, Bounds};
use millstream_journal::sqlite::{Config, Sqlite};
use millstream_journal::{Batch, IncomingEvent, Journal};
use model::random::Seeded;
use model::user::PropertyUpdate;
use model::{EventKind, Offset, ProjectId, SyncId, Timestamp};
use tempfile::TempDir;

/// The conformance suite's storage: a folder, and after each crash a copy of it.
#[derive(Default)]
pub(crate) struct Sqlites {
    state: Mutex<Option<(TempDir, Bounds)>>,
}

pub(crate) fn config(folder: &Path, bounds: Bounds) -> Config {
    Config {
        retention_age: bounds.retention_age,
        retention_bytes: bounds.retention_bytes,
        backlog_max_bytes: bounds.backlog_max_bytes,
        paused_max_age: bounds.paused_max_age,
        paused_max_bytes: bounds.paused_max_bytes,
        ended_max_age: bounds.ended_max_age,
        outcomes_max_age: bounds.outcomes_max_age,
        outcomes_max_per_lane: bounds.outcomes_max_per_lane,
        // Small enough for every case to reach what is behind them.
        dedupe_memtable_keys: 400,
        lookup_run_events: 30,
        received_wait: Duration::from_millis(30),
        user_cache_entries: 4,
        event_cache_bytes: 64 << 10,
        chunk_bytes: 16 << 10,
        disk_reserve_bytes: 0,
        ..Config::new(folder)
    }
}

pub(crate) fn open(config: Config) -> Arc<dyn Journal> {
    Arc::new(Sqlite::open(config, &Seeded::new(1)).unwrap())
}

/// Copies the files as a kill at this moment would leave them.
///
/// A kill stops all writing at one instant, a copy takes a while: it is one of a single moment only
/// when nothing was written meanwhile, else it's made again.
pub(crate) fn copy(from: &Path, to: &Path) {
    loop {
        let before = stamps(from);
        // Longer than the ticks that file systems count in: what is written later shows.
        thread::sleep(Duration::from_millis(20));
        let copied = before.iter().all(|(name, ..)| {
            // A file may be gone by now, and then the next listing tells.
            fs::copy(from.join(name), to.join(name)).is_ok()
        });
        if copied && stamps(from) == before {
            return;
        }
        for entry in fs::read_dir(to).unwrap() {
            fs::remove_file(entry.unwrap().path()).unwrap();
        }
    }
}

/// Name, size and time of the last change of each file.
fn stamps(folder: &Path) -> Vec<(OsString, u64, SystemTime)> {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    let mut stamps: Vec<_> = entries
        // The shared memory of the processes that use the database doesn't outlive them, nor does
        // the lock.
        .filter(|entry| {
            entry.file_name() != "journal.db-shm" && entry.file_name() != "journal.lock"
        })
        .filter_map(|entry| {
            let metadata = entry.metadata().ok()?;
            Some((
                entry.file_name(),
                metadata.len(),
                metadata.modified().unwrap(),
            ))
        })
        .collect();
    stamps.sort();
    stamps
}

#[async_trait]
impl Backend for Sqlites {
    async fn open(&self, bounds: Bounds) -> Arc<dyn Journal> {
        let folder = tempfile::tempdir().unwrap();
        let journal = open(config(folder.path(), bounds));
        *self.state.lock().unwrap() = Some((folder, bounds));
        journal
    }

    async fn crash(&self, journal: Arc<dyn Journal>) -> Arc<dyn Journal> {
        let (old, bounds) = self.state.lock().unwrap().take().unwrap();
        let folder = tempfile::tempdir().unwrap();
        copy(old.path(), folder.path());
        drop(journal);
        let journal = open(config(folder.path(), bounds));
        *self.state.lock().unwrap() = Some((folder, bounds));
        journal
    }

    async fn gathered(&self, journal: &Arc<dyn Journal>, project: ProjectId) {
        let file = {
            let state = self.state.lock().unwrap();
            state.as_ref().unwrap().0.path().join("journal.db")
        };
        let head = *journal.head(project).borrow();
        for _ in 0..1500 {
            if counted(&file, project) >= head {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("what was received isn't gathered: {head:?}");
    }
}

/// How far the tables are with what a project received.
pub(crate) fn counted(file: &Path, project: ProjectId) -> Offset {
    let database = rusqlite::Connection::open(file).unwrap();
    let next = database.query_row(
        "SELECT next FROM received WHERE project = (SELECT number FROM projects WHERE id = ?1)",
        [project.to_bytes()],
        |row| row.get::<_, i64>(0),
    );
    Offset(next.unwrap_or(0) as u64)
}

/// An event of this user that counts itself.
pub(crate) fn counting(user: &str, insert_id: &str, fields: String) -> IncomingEvent {
    let update = br#"{"$add":{"count":1}}"#;
    let update = model::json::parse(update, &model::json::Limits::FOREIGN).unwrap();
    IncomingEvent {
        kind: EventKind::Track,
        user_id: Some(user.to_owned()),
        device_id: None,
        insert_id: Some(insert_id.to_owned()),
        event_time: Timestamp(0),
        user_update: PropertyUpdate::from_json(&update).unwrap(),
        own_user_properties: None,
        groups: Vec::new(),
        group_update: PropertyUpdate::none(),
        paying: false,
        version: None,
        fields: fields.into_bytes(),
    }
}

pub(crate) fn batch(events: Vec<IncomingEvent>) -> Batch {
    Batch {
        project: project(),
        received_at: Timestamp(1_780_000_000_000_000),
        events,
    }
}

pub(crate) fn project() -> ProjectId {
    ProjectId::from_bytes([7; 16])
}

pub(crate) fn sync() -> SyncId {
    SyncId::from_bytes([8; 16])
}

/// All events from the first one that is kept, or why they can't be read.
pub(crate) async fn read_all(
    journal: &Arc<dyn Journal>,
) -> Result<Vec<Arc<model::Event>>, millstream_journal::StorageError> {
    let (mut all, mut next) = (Vec::new(), model::Offset(0));
    loop {
        let found = journal.read(project(), next, 100).await?;
        let Some(last) = found.last() else {
            return Ok(all);
        };
        next = last.offset.next();
        all.extend(found);
    }
}
