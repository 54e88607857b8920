//! Moves what was committed from the write-ahead log into the database file, beside the commits.
//!
//! Checkpoints run on a thread and connection of their own and wait for nobody (PASSIVE). Under
//! steady load they never catch up with the writer wholly, and only a log that is wholly moved can
//! start over. So once the log is long and a checkpoint has just moved nearly all of it, the
//! writer moves the small rest itself, between two commits.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use rusqlite::Connection;

use crate::sqlite::open::{Role, connect};

/// After this many bytes of events a checkpoint begins.
const EVERY_BYTES: u64 = 8 << 20;
/// From this length of the log on, the writer helps.
const LONG_PAGES: i64 = 4096;

/// The writer's end.
#[derive(Debug)]
pub(in crate::sqlite) struct Checkpoints {
    begin: SyncSender<()>,
    written: u64,
    /// Pages in the log after the last checkpoint, until the writer has seen it.
    log_pages: Arc<AtomicI64>,
}

/// The thread's end.
#[derive(Debug)]
pub(in crate::sqlite) struct Checkpointer {
    file: PathBuf,
    begin: Receiver<()>,
    log_pages: Arc<AtomicI64>,
}

pub(in crate::sqlite) fn new(file: PathBuf) -> (Checkpoints, Checkpointer) {
    let (begin, begun) = sync_channel(1);
    let log_pages = Arc::new(AtomicI64::new(0));
    let checkpoints = Checkpoints {
        begin,
        written: 0,
        log_pages: Arc::clone(&log_pages),
    };
    let checkpointer = Checkpointer {
        file,
        begin: begun,
        log_pages,
    };
    (checkpoints, checkpointer)
}

impl Checkpoints {
    /// After each commit, with about what it has written.
    pub(super) fn committed(&mut self, connection: &Connection, bytes: u64) {
        self.written += bytes;
        if self.written >= EVERY_BYTES {
            match self.begin.try_send(()) {
                Ok(()) => self.written = 0,
                Err(TrySendError::Full(()) | TrySendError::Disconnected(())) => {}
            }
        }
        if self.log_pages.swap(0, Ordering::Relaxed) >= LONG_PAGES {
            report(checkpoint(connection));
        }
    }
}

impl Checkpointer {
    /// Works until the writer's end is gone.
    pub(in crate::sqlite) fn run(self) {
        let connection = match connect(&self.file, Role::Checkpointer) {
            Ok(connection) => connection,
            Err(error) => {
                tracing::error!(%error, "checkpoints can't be made");
                return;
            }
        };
        while self.begin.recv().is_ok() {
            if let Some(pages) = report(checkpoint(&connection)) {
                self.log_pages.store(pages, Ordering::Relaxed);
            }
        }
    }
}

/// Returns how many pages the log has.
fn checkpoint(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get(1))
}

fn report(outcome: rusqlite::Result<i64>) -> Option<i64> {
    outcome
        .inspect_err(|error| tracing::warn!(%error, "a checkpoint failed; it is tried again"))
        .ok()
}
