//! How long a project's events are kept, where that is less than the configuration says.

use std::time::Duration;

use model::{Offset, Timestamp};

/// What a project keeps less of than the configuration allows. `None`: as much.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Keep {
    /// Events. Bounds what paused lanes and ended deliveries hold as well.
    pub events: Option<Duration>,
    /// Ended deliveries.
    pub ended: Option<Duration>,
}

/// What is held of a project's events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Held {
    /// Bytes of its events.
    pub bytes: u64,
    /// Where the oldest of them is, and when it was received; `None` when there are none.
    pub oldest: Option<(Offset, Timestamp)>,
    /// The position behind the newest.
    pub head: Offset,
}
