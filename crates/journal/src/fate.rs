//! What became of single deliveries: what is kept so that every event's fate can be told.
//!
//! An attempt that failed, and each delivery that needed more than one or came to nothing, has a row
//! of its own ([`Attempt`]). What was delivered at the first attempt costs a few bytes in a packed
//! record ([`Delivered`]): that is most of what there is. What has neither, though its lane has
//! settled it, was filtered.

use std::sync::Arc;

use async_trait::async_trait;
use model::outcome::{Category, Discarded};
use model::{Event, Offset, Part, ProjectId, SyncId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::hold::LetGo;
use crate::person::KnownUser;
use crate::{Ended, LaneOf, Retry, StorageError, Subject};

/// The most bytes of an event's type that are kept with an attempt.
pub const MOST_TYPE_BYTES: usize = 256;

/// The most bytes of a message that are kept with an attempt.
pub const MOST_MESSAGE_BYTES: usize = 240;

/// Of so many events, the newest, attempts are searched by [`Outcomes::keys`].
pub const MOST_OFFSETS: usize = 1000;

/// How many samples of one kind of outcome a lane keeps: the newest.
pub const SAMPLES_KEPT: usize = 5;

/// The most bounded lanes of one sync that are looked at: the newest.
pub const MOST_BOUNDED: usize = 500;

/// The most logs besides a sync's own in which attempts are searched by [`Outcomes::keys`]: the newest.
pub const MOST_LOGS: usize = 50;

/// How many samples of refused requests a project keeps: the newest.
pub const REFUSED_KEPT: usize = 200;

/// What is kept of deliveries, events looked up by what they carry, users, and requests that were refused.
/// Part of the [`Journal`](crate::Journal): what a settlement records is durable with it.
#[async_trait]
pub trait Fates: Send + Sync + 'static {
    /// Everything that is known of what a lane did with one event; `None` when the sync has no lane. Of
    /// bounded lanes that go with it nothing: they are asked by themselves.
    async fn fate(&self, sync: SyncId, offset: Offset) -> Result<Option<Fate>, StorageError>;

    /// Attempts of a lane, and of the bounded lanes that go with it, latest first. Bounded work: a page may hold fewer rows than were asked for,
    /// even none, and still tell where to go on. None when the sync has no lane.
    async fn outcomes(&self, sync: SyncId, query: Outcomes) -> Result<OutcomePage, StorageError>;

    /// Samples of a lane, and of the bounded lanes that go with it, newest first, of all kinds or of one,
    /// without their bodies.
    async fn samples(
        &self,
        sync: SyncId,
        what: Option<What>,
    ) -> Result<Vec<SampleRow>, StorageError>;

    /// One sample of these.
    async fn sample(&self, sync: SyncId, sequence: u64) -> Result<Option<SampleRow>, StorageError>;

    /// Events of a project that carry this, newest first, before `before`. Found by an index that
    /// follows the log, and what it hasn't reached yet by looking; every event has been compared.
    async fn find(
        &self,
        project: ProjectId,
        key: Key,
        before: Option<Offset>,
        max: usize,
    ) -> Result<Found, StorageError>;

    /// Keeps a sample of a request that was refused, in place of the oldest where there are
    /// [`REFUSED_KEPT`].
    async fn note_refused(&self, project: ProjectId, refused: Refused) -> Result<(), StorageError>;

    /// A project's samples of refused requests, newest first.
    async fn refused(&self, project: ProjectId) -> Result<Vec<RefusedRow>, StorageError>;

    /// What is kept of a user after the last event that was taken; `None`: the project knows nobody such.
    async fn user(
        &self,
        project: ProjectId,
        who: Subject,
    ) -> Result<Option<KnownUser>, StorageError>;
}

/// What a settlement keeps of single deliveries.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Record {
    /// Delivered at the first attempt.
    pub delivered: Vec<Delivered>,
    /// Attempts that failed, and those that ended a delivery in any other way.
    pub attempts: Vec<Attempt>,
    /// Some of them with all that there is to show.
    pub samples: Vec<Sample>,
}

/// A delivery that was made at the first attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delivered {
    /// The event.
    pub offset: Offset,
    /// Which delivery of it.
    pub part: Part,
    /// When; kept by the millisecond.
    pub at: Timestamp,
    /// The answer's status.
    pub status: u16,
    /// How long the attempt took, in milliseconds.
    pub took_ms: u32,
}

/// An attempt that has a row of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The event.
    pub offset: Offset,
    /// Which delivery of it.
    pub part: Part,
    /// When it was over.
    pub at: Timestamp,
    /// Which attempt, from 1.
    pub number: u8,
    /// What came of it.
    pub what: What,
    /// The answer's status, where there was one.
    pub status: Option<u16>,
    /// The event's type; no more than [`MOST_TYPE_BYTES`] of it.
    pub event_type: String,
    /// What happened, in words, where the status doesn't say; no more than [`MOST_MESSAGE_BYTES`].
    pub message: String,
    /// Requests that were sent.
    pub tries: u8,
    /// Where the time went.
    pub split: Split,
}

/// Where an attempt's time went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Split {
    /// Milliseconds from received, or due, to begun.
    pub queue_ms: u32,
    /// Microseconds that rendering took.
    pub render_us: u32,
    /// Milliseconds that the last try's new connection took: lookup, connecting and TLS. Absent where
    /// there was no answer, or the connection was there already.
    pub connect_ms: Option<u32>,
    /// Milliseconds from the last try's sending to the head of its answer.
    pub wait_ms: Option<u32>,
    /// Milliseconds that all tries took, with the waits between them.
    pub took_ms: u32,
}

/// What came of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum What {
    /// Delivered, after attempts that failed.
    Delivered,
    /// Failed; another attempt was booked.
    Failed(Category),
    /// Failed, and it was the last one.
    Expired(Category),
    /// No request could be made: the reason's [name](Discarded::name).
    Discarded(&'static str),
}

impl What {
    /// All there are.
    pub fn all() -> impl Iterator<Item = Self> {
        let failed = Category::ALL.into_iter();
        std::iter::once(Self::Delivered)
            .chain(failed.clone().map(Self::Failed))
            .chain(failed.map(Self::Expired))
            .chain(Discarded::NAMES.into_iter().map(Self::Discarded))
    }

    /// The outcome's stable name: `delivered`, `failed`, `expired` or `discarded`.
    pub fn outcome(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Failed(_) => "failed",
            Self::Expired(_) => "expired",
            Self::Discarded(_) => "discarded",
        }
    }

    /// The failure's category or the reason, by its stable name.
    pub fn category(self) -> Option<&'static str> {
        match self {
            Self::Delivered => None,
            Self::Failed(category) | Self::Expired(category) => Some(category.name()),
            Self::Discarded(reason) => Some(reason),
        }
    }

    /// A number that stands for it in storage.
    pub(crate) fn code(self) -> i64 {
        let of_category = |category: Category| {
            let known = Category::ALL.iter().position(|known| *known == category);
            known.unwrap_or(63) as i64
        };
        match self {
            Self::Delivered => 0,
            Self::Failed(category) => 64 + of_category(category),
            Self::Expired(category) => 128 + of_category(category),
            Self::Discarded(reason) => {
                let known = Discarded::NAMES.iter().position(|known| *known == reason);
                192 + known.unwrap_or(63) as i64
            }
        }
    }

    pub(crate) fn from_code(code: i64) -> Option<Self> {
        let place = usize::try_from(code % 64).ok()?;
        let category = || Category::ALL.get(place).copied();
        match code / 64 {
            0 => (place == 0).then_some(Self::Delivered),
            1 => category().map(Self::Failed),
            2 => category().map(Self::Expired),
            3 => Discarded::NAMES.get(place).copied().map(Self::Discarded),
            _ => None,
        }
    }
}

/// Everything that is known of what a lane did with an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fate {
    /// How far the lane is.
    pub standing: Standing,
    /// Delivered at the first attempt; twice where a crash made it be sent again.
    pub delivered: Vec<Delivered>,
    /// Attempts with rows of their own, oldest first.
    pub attempts: Vec<AttemptRow>,
    /// Deliveries that wait for their next attempt.
    pub pending: Vec<Retry>,
    /// Those that wait for an earlier one of their user, or did and are under way.
    pub in_order: Vec<Part>,
    /// Deliveries that ended without success.
    pub ended: Vec<Ended>,
    /// Parts of the log with the event of which the lane let something go, newest first.
    pub let_go: Vec<LetGo>,
}

/// Where an event stands to a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The lane began behind the event: it was received before.
    BeforeLane,
    /// Not settled yet: the lane has this many events before it.
    Ahead {
        /// Events between the lane's cursor and this one.
        events: u64,
    },
    /// Settled: what has no record was filtered.
    Settled,
    /// Settled, so long ago that what was delivered at once is no longer known.
    Forgotten,
}

/// An attempt with its place in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptRow {
    /// Tells it from others of the same moment.
    pub sequence: u64,
    /// Whose it is.
    pub of: LaneOf,
    /// The attempt.
    pub attempt: Attempt,
}

impl AttemptRow {
    /// Where it stands in the order in which attempts are read.
    pub fn key(&self) -> OutcomeKey {
        (self.attempt.at, self.sequence)
    }
}

/// The order in which attempts are read: from high to low.
pub type OutcomeKey = (Timestamp, u64);

/// Which attempts.
#[derive(Debug, Clone, Default)]
pub struct Outcomes {
    /// What came of them; empty: anything.
    pub whats: Vec<What>,
    /// Answered with this status.
    pub status: Option<u16>,
    /// Of events of this type.
    pub event_type: Option<String>,
    /// Of events that carry all of these, of which the first one should be the rarest: of the newest
    /// [`MOST_OFFSETS`] that carry it. Of events that are gone, none are found.
    pub keys: Vec<Key>,
    /// Over at this time or later.
    pub from: Option<Timestamp>,
    /// Over before this time.
    pub until: Option<Timestamp>,
    /// Only those behind this one in the list.
    pub before: Option<OutcomeKey>,
    /// How many at most.
    pub max: usize,
}

/// A page of attempts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OutcomePage {
    /// Latest first.
    pub rows: Vec<AttemptRow>,
    /// Where the next page begins; absent when there is none.
    pub next: Option<OutcomeKey>,
    /// Whether there are events that would have had to be looked at: more than [`MOST_OFFSETS`], or such
    /// that the index hasn't reached.
    pub partial: bool,
}

/// An attempt with all that there is to show of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// The event.
    pub offset: Offset,
    /// Which delivery of it.
    pub part: Part,
    /// When the attempt was over.
    pub at: Timestamp,
    /// Which attempt, from 1.
    pub number: u8,
    /// What came of it.
    pub what: What,
    /// The rest, as JSON. Shared: a settlement that fails is made again.
    pub body: Arc<str>,
}

/// What a sample shows beyond its row. Secrets are masked before it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SampleBody {
    /// The event as it was streamed, as JSON; absent when it is too large to be kept.
    pub event: Option<String>,
    /// When the event was received.
    pub received_at: i64,
    /// The request as it was rendered; absent when none could be made, or it is not to be shown.
    pub request: Option<SampleRequest>,
    /// Why the attempt failed, or nothing could be sent, in words.
    pub message: String,
    /// The answer; absent where there was none.
    pub response: Option<SampleResponse>,
    /// Where the time went.
    pub split: Split,
}

impl SampleBody {
    /// As [`Sample::body`] keeps it.
    pub fn to_json(&self) -> String {
        // Strings and numbers always have a JSON form.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// As it was kept; `None` when it is none of ours.
    pub fn from_json(json: &str) -> Option<Self> {
        serde_json::from_str(json).ok()
    }
}

/// A request as a sample shows it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SampleRequest {
    /// `POST`, `PUT` or `PATCH`.
    pub method: String,
    /// Where it went.
    pub url: String,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// The body, or its beginning.
    pub body: String,
    /// How long the body was, in bytes.
    pub body_bytes: u64,
}

/// An answer as a sample shows it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SampleResponse {
    /// The status.
    pub status: u16,
    /// Names and values, some of many.
    pub headers: Vec<(String, String)>,
    /// The first 4 KiB of the body, as text.
    pub body: String,
}

/// A sample with its place in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampleRow {
    /// Ascending with time.
    pub sequence: u64,
    /// Whose it is.
    pub of: LaneOf,
    /// The sample.
    pub sample: Sample,
}

/// What events are looked up by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Key {
    /// `$insert_id`.
    InsertId(String),
    /// `event_id`, a whole number.
    EventId(i64),
    /// `user_id`.
    User(String),
    /// `device_id`.
    Device(String),
}

impl Key {
    /// Whether the event carries it.
    pub fn matches(&self, event: &Event) -> bool {
        let root = event.root().ok().and_then(|root| root.as_object());
        let text = |name: &'static str, wanted: &str| {
            let value = root.and_then(|root| root.get(name));
            value.and_then(|value| value.as_str()) == Some(wanted)
        };
        match self {
            Self::InsertId(id) => text("$insert_id", id),
            Self::User(id) => text("user_id", id),
            Self::Device(id) => text("device_id", id),
            Self::EventId(id) => match root.and_then(|root| root.get("event_id")) {
                Some(model::json::Value::Number(number)) => number.as_i64() == Some(*id),
                _ => false,
            },
        }
    }
}

/// Events that were looked up.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// Newest first.
    pub events: Vec<Arc<Event>>,
    /// The next page's `before`; absent when there are no more.
    pub next: Option<Offset>,
    /// Whether the whole log was looked at: not while the index is being built anew.
    pub complete: bool,
}

/// A sample of a request that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// When.
    pub at: Timestamp,
    /// The reason's stable name.
    pub reason: String,
    /// The insert ids of its events, as far as they could be read; some of many.
    pub insert_ids: Vec<String>,
    /// The rest, as JSON.
    pub body: String,
}

/// A sample of a refused request with its place in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedRow {
    /// Ascending with time.
    pub sequence: u64,
    /// The sample.
    pub refused: Refused,
}

/// The beginning of a text that takes no more than `max` bytes.
pub fn beginning(text: &str, max: usize) -> &str {
    let mut end = text.len().min(max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_has_a_code_of_its_own() {
        let codes: std::collections::BTreeSet<_> = What::all().map(What::code).collect();
        assert_eq!(codes.len(), What::all().count());
        for what in What::all() {
            assert_eq!(What::from_code(what.code()), Some(what));
        }
        assert_eq!(What::from_code(63), None);
        assert_eq!(What::from_code(256), None);
    }
}
