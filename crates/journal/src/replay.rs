//! Sending again: ended deliveries that go back among the retries, and lanes of their own for past
//! events.

use model::{Offset, ReplayId, Timestamp};
use serde::{Deserialize, Serialize};

/// How far a replay of ended deliveries is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ReplayState {
    /// Ended deliveries up to this sequence have been looked at.
    pub next: u64,
    /// The last sequence that there was when the replay was opened: what ends later is none of its.
    pub until: u64,
    /// How many ended deliveries the lane had then.
    pub total: u64,
    /// How many have been looked at. Less than `total` in the end where retention removed some.
    pub looked_at: u64,
    /// How many were moved to the retries.
    pub moved: u64,
    /// How many of those have been delivered.
    pub delivered: u64,
    /// How many of those have ended without success again.
    pub failed: u64,
    /// How many of those were given up without being sent: the sync's settings no longer send them, or
    /// retention took them.
    pub unsent: u64,
    /// How many of those were of users that were erased meanwhile.
    pub erased: u64,
}

impl ReplayState {
    /// How many that were moved are not over yet.
    pub fn outstanding(&self) -> u64 {
        let over = self.delivered + self.failed + self.unsent + self.erased;
        self.moved.saturating_sub(over)
    }

    /// Whether there is nothing left to look at, nor to wait for.
    pub fn is_done(&self) -> bool {
        self.next >= self.until && self.outstanding() == 0
    }
}

/// A step of a replay: some ended deliveries go back among the retries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayStep {
    /// Which replay.
    pub replay: ReplayId,
    /// All up to this sequence have been looked at now.
    pub looked_to: u64,
    /// How many that were.
    pub looked_at: u64,
    /// Those that are sent again: their sequences, and when each is due.
    pub moved: Vec<(u64, Timestamp)>,
    /// Now.
    pub at: Timestamp,
}

/// The part of a project's log that was received within some time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stretch {
    /// The first event that may have been, as far as chunks tell.
    pub from: Offset,
    /// Behind the last one that may have been.
    pub until: Offset,
}

impl Stretch {
    /// How many events lie there at most: fewer where retention removed some.
    pub fn events(&self) -> u64 {
        self.until.0.saturating_sub(self.from.0)
    }
}
