//! What a lane hands to its crew, and what it gets back.

use std::sync::Arc;

use journal::fate::Split;
use model::outcome::{Discarded, Failure, NoRoom};
use model::{Event, Offset, Part, Timestamp};
use pipeline::Plan;

/// Whether a delivery waited for a property of its user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Waited {
    /// It didn't, or the property has come.
    #[default]
    No,
    /// It has not come.
    InVain,
    /// It could not: as many waited as may.
    NoRoom(NoRoom),
}

/// One delivery to be made.
pub(crate) struct Work {
    pub(crate) event: Arc<Event>,
    pub(crate) part: Part,
    pub(crate) plan: Arc<Plan>,
    /// Which attempt this is, from 1.
    pub(crate) attempt: u8,
    /// Whether it is booked as a retry; also the first attempt of a replayed delivery is.
    pub(crate) booked: bool,
    /// Of a retry that is begun ahead of its time: when it is due. It costs no attempt to fail so.
    pub(crate) ahead: Option<Timestamp>,
    /// Whether it is a first attempt of a user whose first attempts failed last.
    pub(crate) suspect: bool,
    /// Since when it could have been made.
    pub(crate) due_at: Timestamp,
    /// Whose delivery it is, where it must not overtake others of the user.
    pub(crate) user: Option<u64>,
    /// Whether it comes from the journal's retries or turns; otherwise from the log.
    pub(crate) stored: bool,
    /// Whether it waited for a property of its user that has not come.
    pub(crate) waited: Waited,
    /// The properties of its user that its event was given, as a JSON object.
    pub(crate) given: Option<Arc<str>>,
    /// How often events of the log had been erased when its event was read.
    pub(crate) erased: u64,
}

/// What became of it.
pub(crate) struct Done {
    pub(crate) offset: Offset,
    pub(crate) part: Part,
    pub(crate) attempt: u8,
    pub(crate) booked: bool,
    pub(crate) ahead: Option<Timestamp>,
    pub(crate) suspect: bool,
    /// As the work's.
    pub(crate) user: Option<u64>,
    /// Whose event it is, where that failed, or is a suspect's.
    pub(crate) whose: Option<u64>,
    pub(crate) stored: bool,
    pub(crate) given: Option<Arc<str>>,
    pub(crate) received_at: Timestamp,
    /// When the attempt began and ended.
    pub(crate) began: Timestamp,
    pub(crate) at: Timestamp,
    /// How many were under way when it began, itself included.
    pub(crate) at_once: usize,
    /// Requests that were sent.
    pub(crate) requests: u8,
    pub(crate) result: WorkResult,
    /// What there is to tell of it, unless it was delivered at the first attempt.
    pub(crate) told: Option<Box<Told>>,
}

/// What is told of an attempt.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) event_type: String,
    pub(crate) split: Split,
    /// Everything about it, where it is to be a sample.
    pub(crate) sample: Option<Arc<str>>,
}

impl Done {
    /// Whether the delivery has no further attempt, of so many.
    pub(crate) fn is_over(&self, attempts: u8) -> bool {
        match self.result {
            WorkResult::Failed { .. } => self.attempt >= attempts && self.ahead.is_none(),
            WorkResult::Waits | WorkResult::Awaits { .. } => false,
            WorkResult::Delivered { .. }
            | WorkResult::Discarded(_)
            | WorkResult::NotSent
            | WorkResult::Erased => true,
        }
    }
}

/// How one attempt of one delivery went.
pub(crate) enum WorkResult {
    Delivered {
        status: u16,
        took_ms: u32,
    },
    Failed {
        failure: Failure,
        retry_after: Option<Timestamp>,
    },
    Discarded(Discarded),
    /// The sync no longer sends this: its settings have changed since the retry was booked.
    NotSent,
    /// The event was erased.
    Erased,
    /// Nothing was tried: it waits for an earlier delivery of its user.
    Waits,
    /// Nothing was tried: it waits until then for a property of its user.
    Awaits {
        until: Timestamp,
        failure: Failure,
    },
}
