//! Whether there is room for more.

use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How often the file system is asked for its free space: after this time, or this much written.
const ASK_EVERY: Duration = Duration::from_secs(1);
const ASK_EVERY_BYTES: u64 = 16 << 20;
/// After a write has failed for want of room, the next one is tried this much later.
const PAUSE_WHEN_FULL: Duration = Duration::from_secs(1);

/// Watches the free space of the journal's file system.
#[derive(Debug)]
pub(in crate::sqlite) struct Disk {
    folder: PathBuf,
    reserve_bytes: u64,
    below_reserve: bool,
    asked_at: Option<Instant>,
    written: u64,
    full_until: Option<Instant>,
}

impl Disk {
    pub(super) fn new(folder: PathBuf, reserve_bytes: u64) -> Self {
        Self {
            folder,
            reserve_bytes,
            below_reserve: false,
            asked_at: None,
            written: 0,
            full_until: None,
        }
    }

    /// Whether events should be refused.
    pub(super) fn is_full(&mut self) -> bool {
        if self.full_until.is_some_and(|until| Instant::now() < until) {
            return true;
        }
        let known = self.asked_at.is_some_and(|at| at.elapsed() < ASK_EVERY);
        if !known || self.written > ASK_EVERY_BYTES {
            self.ask();
        }
        self.below_reserve
    }

    fn ask(&mut self) {
        match rustix::fs::statvfs(&self.folder) {
            Ok(stat) => {
                let free = stat.f_bavail.saturating_mul(stat.f_frsize);
                self.below_reserve = free < self.reserve_bytes;
            }
            // Without an answer, the writes themselves will tell.
            Err(error) => tracing::warn!(%error, "the free disk space can't be found out"),
        }
        self.asked_at = Some(Instant::now());
        self.written = 0;
    }

    pub(super) fn written(&mut self, bytes: u64) {
        self.written += bytes;
    }

    /// A write has failed for want of room.
    pub(super) fn ran_full(&mut self) {
        self.full_until = Some(Instant::now() + PAUSE_WHEN_FULL);
    }

    /// Something was removed: it is worth trying again.
    pub(super) fn made_room(&mut self) {
        self.full_until = None;
        self.asked_at = None;
    }
}
