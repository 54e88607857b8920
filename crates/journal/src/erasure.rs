//! The erasure of a user: of all that the journal keeps of one.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use model::{ErasureId, Offset, ProjectId, Timestamp};
use serde::{Deserialize, Serialize};

/// Who is to be erased.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// The user with this id.
    UserId(String),
    /// The user that this device last belonged to; where it belongs to nobody known, what came from it
    /// without a user's id.
    DeviceId(String),
    /// The user with this number.
    AmplitudeId(i64),
}

/// An erasure to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EraseRequest {
    /// Identifies it: the same one again is the same erasure.
    pub id: ErasureId,
    /// Whose user.
    pub project: ProjectId,
    /// Who.
    pub subject: Subject,
    /// When it was asked for.
    pub at: Timestamp,
}

/// How far an erasure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ErasureState {
    /// The user's state is gone; their devices are looked up.
    Devices,
    /// Their events are looked up and erased.
    Events,
    /// Nothing refers to them any more; what freed space in the files still holds is overwritten.
    Files,
    /// Nothing is left. The journal has forgotten who it was.
    Done,
}

impl ErasureState {
    /// All states, in their order; the place of one is its code in storage.
    pub const ALL: [Self; 4] = [Self::Devices, Self::Events, Self::Files, Self::Done];

    /// The state with this code.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }
}

/// An erasure. Events that were accepted after it was asked for are another user's: one of the same id,
/// perhaps, but seen for the first time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erasure {
    /// Ascending with time; the `before` of the next page.
    pub number: u64,
    /// Identifies it.
    pub id: ErasureId,
    /// Whose user.
    pub project: ProjectId,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// How far it is.
    pub state: ErasureState,
    /// Events before this have been looked at, those of imports counted on behind the project's own …
    pub looked_at: Offset,
    /// … of those before this.
    pub until: Offset,
    /// What was found and erased, by kind: `users`, `devices`, `events`, `retries`, `ended`, `attempts`,
    /// `samples`, `refused` (samples of refused requests: all of the project's), and whatever else is kept
    /// of events. Besides, under `unreadable`, events in damaged parts of the log, of which nobody can tell
    /// whose they are: they stay until retention takes them.
    pub found: BTreeMap<String, u64>,
    /// When it was done.
    pub done_at: Option<Timestamp>,
}

/// How often events of a log have been erased since the journal was opened: whoever has read some of it
/// before the last time may have what is erased now. Cheap to ask.
#[derive(Debug, Clone, Default)]
pub struct TimesErased(Arc<AtomicU64>);

impl TimesErased {
    /// How often. What is read after this was asked is at least as new.
    pub fn count(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    /// Once more: from now on readers are given what is left.
    pub(crate) fn add_one(&self) {
        self.0.fetch_add(1, Ordering::Release);
    }
}

/// What a step of erasing came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Erasing {
    /// Whether there is more to do at once.
    pub more: bool,
    /// The erasure that it has brought to its end.
    pub finished: Option<Erasure>,
}
