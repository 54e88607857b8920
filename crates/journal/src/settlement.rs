//! What a lane has done and owes, as it is told to the journal and by it.

use std::sync::Arc;

use model::outcome::{Discarded, Failure};
use model::{Offset, Part, ProjectId, SyncId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::fate::Record;
use crate::figures::{Balance, Details};
use crate::hold::Losses;
use crate::turn::Turn;

/// What became of a lane's events since the last settlement. Durable before `settle` returns.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settlement {
    /// The lane's position after it: the whole truth, not a difference.
    pub cursor: Offset,
    /// See [`LanePosition::ahead`].
    pub ahead: Vec<Offset>,
    /// The lane has read the events before this: retention, where it takes them, does not take them from
    /// its hands.
    pub read: Offset,
    /// Retries to book; one with the same offset and part is replaced.
    pub book: Vec<Retry>,
    /// Retries that are over (delivered or ended).
    pub finish: Vec<(Offset, Part)>,
    /// Of those, the ones that were given up without being sent.
    pub unsent: Vec<(Offset, Part)>,
    /// Deliveries that are over since their events were erased; counted are those of them that the
    /// erasure itself did not find.
    pub erased: Vec<(Offset, Part)>,
    /// Deliveries that are over since their events are no longer kept: they are lost.
    pub gone: Vec<(Offset, Part)>,
    /// Deliveries that ended without success.
    pub ended: Vec<Ended>,
    /// What to count, at this minute.
    pub at: Timestamp,
    /// The counts.
    pub counts: Counts,
    /// More figures, for the same minute.
    pub details: Details,
    /// And what makes them add up, but for what the journal itself counts of it.
    pub balance: Balance,
    /// What is kept of single deliveries.
    pub record: Record,
    /// Deliveries that have their place in their user's order from now on; their events are kept.
    pub turns: Vec<Turn>,
    /// Those among them that are over.
    pub turns_over: Vec<Turn>,
}

/// A pending retry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retry {
    /// The event.
    pub offset: Offset,
    /// Which delivery of it.
    pub part: Part,
    /// How many attempts have been made.
    pub attempts: u8,
    /// When the next one is due.
    pub due_at: Timestamp,
    /// What the last one met.
    pub failure: Failure,
    /// The properties that the event lacked and its user had when the first attempt was made, as a JSON
    /// object: all attempts are made with them. `None` where it lacked none.
    pub given: Option<Arc<str>>,
}

impl Retry {
    /// Where the retry stands in the order in which retries are read.
    pub fn key(&self) -> RetryKey {
        (self.due_at, self.offset, self.part)
    }
}

/// The order in which retries are read.
pub type RetryKey = (Timestamp, Offset, Part);

/// A delivery that ended without success. Its event is kept as long as this is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// The event.
    pub offset: Offset,
    /// Which delivery of it.
    pub part: Part,
    /// When it ended.
    pub at: Timestamp,
    /// How many attempts were made.
    pub attempts: u8,
    /// Why.
    pub why: EndedWhy,
}

/// Why a delivery ended without success.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndedWhy {
    /// The last attempt failed too.
    Expired(Failure),
    /// No request could be made of it.
    Discarded(Discarded),
}

/// A lane, and the log that it reads: another one than the sync's own where it is a bounded lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LaneOf {
    /// The sync that the lane goes by: with the log, what ids of its deliveries are made of.
    pub lane: SyncId,
    /// The project whose log it reads.
    pub log: ProjectId,
}

/// An ended delivery with its place in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndedRow {
    /// Ascending with time; the `before` of the next page.
    pub sequence: u64,
    /// Whose it is.
    pub of: LaneOf,
    /// The delivery.
    pub ended: Ended,
}

/// Counts of deliveries (and of filtered events).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Events that were not meant for the sync.
    pub filtered: u64,
    /// Delivered at the first attempt.
    pub delivered_first: u64,
    /// Delivered at a later attempt.
    pub delivered_retry: u64,
    /// Ended because no request could be made.
    pub discarded: u64,
    /// Ended because the last attempt failed.
    pub expired: u64,
    /// Attempts that failed.
    pub failed_attempts: u64,
}

impl Counts {
    /// Adds another's counts.
    pub fn add(&mut self, other: &Self) {
        self.filtered += other.filtered;
        self.delivered_first += other.delivered_first;
        self.delivered_retry += other.delivered_retry;
        self.discarded += other.discarded;
        self.expired += other.expired;
        self.failed_attempts += other.failed_attempts;
    }

    /// Whether there is nothing to count.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What a deleted lane still owed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DroppedLane {
    /// Pending retries.
    pub pending: u64,
    /// Events that it had not yet settled.
    pub backlog: u64,
    /// Deliveries that waited for their user's turn.
    pub in_order: u64,
    /// Ended deliveries that were kept.
    pub ended: u64,
}

/// A lane's figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LaneStats {
    /// Everything before this is settled.
    pub cursor: Offset,
    /// The project's head.
    pub head: Offset,
    /// Pending retries.
    pub pending: u64,
    /// When the first of them is due.
    pub next_due: Option<Timestamp>,
    /// Deliveries behind the cursor that wait for an earlier one of their user; none is a pending retry.
    pub in_order: u64,
    /// Pending retries that wait for a property of their user.
    pub awaiting: u64,
    /// Ended deliveries that are kept.
    pub ended: u64,
    /// Those of the bounded lanes that go with it.
    pub ended_of_bounded: u64,
    /// Deliveries that ended without success and were moved back among the retries, by the replays that are
    /// remembered: each is in `total` as ended, and again as what became of it.
    pub again: u64,
    /// Attempts that are kept with rows of their own.
    pub noted: u64,
    /// When the oldest unsettled event was received.
    pub oldest_unsettled: Option<Timestamp>,
    /// Bytes from that event to the newest one.
    pub unsettled_bytes: u64,
    /// What it lost and gave up.
    pub losses: Losses,
    /// Counts since the lane exists.
    pub total: Counts,
}
