//! Lanes that stand still: what they keep, what they lose, and how they go on.

use std::ops::Range;
use std::time::Duration;

use model::{Offset, SyncId, Timestamp};
use serde::{Deserialize, Serialize};

/// What a lane may keep from retention.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Standing {
    /// It runs: whatever it hasn't settled is kept, and counts as backlog.
    #[default]
    Running,
    /// It was stopped: events that it hasn't settled and its retries are kept within the bounds of age
    /// and size, and are no backlog.
    Paused,
    /// It runs, but begins no delivery for now: events are kept as of a paused one. Its retries, which
    /// go on, are kept as of a running one.
    Shut,
}

impl Standing {
    /// What stands for it in storage.
    pub fn code(self) -> u8 {
        match self {
            Self::Running => 0,
            Self::Paused => 1,
            Self::Shut => 2,
        }
    }

    /// The one with this code.
    pub fn from_code(code: u8) -> Option<Self> {
        [Self::Running, Self::Paused, Self::Shut]
            .into_iter()
            .find(|standing| standing.code() == code)
    }
}

/// How a lane goes through what was held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drain {
    /// Events before this were held.
    pub until: Offset,
    /// Whether of those only the newest of each user and event type is delivered.
    pub newest_only: bool,
    /// How many requests a minute are sent meanwhile at most.
    pub requests_per_minute: Option<u32>,
}

/// What lanes that stand still keep at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Caps {
    /// Not what is older.
    pub max_age: Duration,
    /// Not what more of the project's events, in bytes, have come behind.
    pub max_bytes: u64,
}

/// What is not delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Forgone {
    /// Events that were not looked at yet, whether or not they were meant for the sync.
    pub events: u64,
    /// Deliveries that waited for their next attempt.
    pub retries: u64,
}

impl Forgone {
    /// Whether that is nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What a lane lost and gave up since it exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Losses {
    /// Lost because it was held beyond the bounds.
    pub lost: Forgone,
    /// When that happened last.
    pub lost_at: Option<Timestamp>,
    /// Forgotten because somebody said so.
    pub dropped: Forgone,
    /// Deliveries that were left out for the sake of newer ones of the same user and event type.
    pub superseded: u64,
    /// Events and deliveries of users that were erased before they were sent.
    pub erased: u64,
}

/// What a sync and the bounded lanes that go with it lost beyond the bounds, and how much of that was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Untold {
    /// The sync.
    pub sync: SyncId,
    /// Events and retries that were lost.
    pub lost: u64,
    /// Of how many of them people were told, or need not be: see
    /// [`Journal::tell_losses`](crate::Journal::tell_losses).
    pub told: u64,
    /// When some were lost last.
    pub at: Timestamp,
}

/// A decision: who said something, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// When.
    pub at: Timestamp,
    /// Who, for people to read.
    pub by: String,
}

/// Why a lane let go of something without sending it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LetGoWhy {
    /// Somebody said so.
    Dropped,
    /// Somebody said that only the newest of each user and event type is sent.
    Superseded,
    /// It was held beyond the bounds.
    Lost,
}

impl LetGoWhy {
    /// What stands for it in storage.
    pub fn code(self) -> u8 {
        match self {
            Self::Dropped => 0,
            Self::Superseded => 1,
            Self::Lost => 2,
        }
    }

    /// The one with this code.
    pub fn from_code(code: u8) -> Option<Self> {
        [Self::Dropped, Self::Superseded, Self::Lost]
            .into_iter()
            .find(|why| why.code() == code)
    }
}

/// A part of the log of which a lane let something go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LetGo {
    /// Why.
    pub why: LetGoWhy,
    /// Where the events lie.
    pub events: Range<Offset>,
    /// Whether those went that were owed there, such as retries; otherwise the events that the lane had
    /// not looked at, or of which it looked for the newest.
    pub owed: bool,
    /// When.
    pub at: Timestamp,
    /// Who said so, for people to read; `None` where nobody did.
    pub by: Option<String>,
}
