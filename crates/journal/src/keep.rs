//! How long a project's events are kept, where that is less than the configuration says.

use std::time::Duration;

use model::{Offset, ProjectId, SyncId, Timestamp};

/// What a project keeps less of than the configuration allows. `None`: as much.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Keep {
    /// Events. Bounds what paused lanes and ended deliveries hold as well.
    pub events: Option<Duration>,
    /// Ended deliveries.
    pub ended: Option<Duration>,
}

/// A log that holds an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImportLog {
    /// The log: a project's that nobody else knows.
    pub log: ProjectId,
    /// The project that it counts for.
    pub owner: ProjectId,
    /// The sync that the import is of: it goes with the lane of this one.
    pub whose: SyncId,
    /// Whether nothing more of it is wanted: it goes.
    pub over: bool,
}

/// What is held of a project's events, those of its imports among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Held {
    /// Bytes of its events.
    pub bytes: u64,
    /// Where the oldest of its own log is, and when it was received; `None` when there are none.
    pub oldest: Option<(Offset, Timestamp)>,
    /// When the oldest event of its imports was.
    pub oldest_of_imports: Option<Timestamp>,
    /// The position behind the newest.
    pub head: Offset,
}
