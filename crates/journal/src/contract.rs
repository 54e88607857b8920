//! The contract of every backend.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use model::user::PropertyUpdate;
use model::{ErasureId, Event, EventKind, Offset, Part, ProjectId, ReplayId, SyncId, Timestamp};
use tokio::sync::watch;

use crate::erasure::{EraseRequest, Erasing, Erasure, TimesErased};
use crate::fate::Fates;
use crate::figures::{Figures, Scope, Step};
use crate::hold::{Caps, Drain, Forgone, Said, Standing, Untold};
use crate::keep::{Held, ImportLog, Keep};
use crate::received::Received;
use crate::replay::{ReplayState, ReplayStep, Stretch};
use crate::settlement::{DroppedLane, EndedRow, LaneOf, LaneStats, Retry, RetryKey, Settlement};
use crate::turn::{Booked, Turn, TurnHead};

/// The durable log.
///
/// *Durable* means: survives a `kill -9` and a power failure right after the call returned (fsync,
/// or a quorum's acknowledgement).
#[async_trait]
pub trait Journal: Fates {
    /// Takes a batch of one project's events, whole or not at all; when it returns, all of it is
    /// durable. In one transaction, event by event in order:
    ///
    /// 1. an event whose `insert_id` was accepted with the same `device_id` in the project within
    ///    the last 7 days (of `received_at`) is counted as a duplicate and dropped;
    /// 2. its user is found or made (see [`IncomingEvent`]) and the property updates are applied;
    /// 3. its streamed form is completed with the user's state as it is then, and appended.
    ///
    /// Events of one project get dense offsets in the order in which they were accepted; only a
    /// journal that was restored from a copy goes on behind a gap.
    async fn accept(&self, batch: Batch) -> Result<Accepted, AcceptError>;

    /// The position behind the project's newest event; changes when events have become durable.
    fn head(&self, project: ProjectId) -> watch::Receiver<Offset>;

    /// Up to `max` events from `from` on, in order; none when there are none before the head. May
    /// return fewer than there are. The first one's offset is larger than `from` only where
    /// retention removed what lay between, or a restore left numbers out. Events are shared: two
    /// lanes that read the same place get the same ones.
    async fn read(
        &self,
        project: ProjectId,
        from: Offset,
        max: usize,
    ) -> Result<Vec<Arc<Event>>, StorageError>;

    /// One event; `None` when retention removed it.
    async fn get(
        &self,
        project: ProjectId,
        offset: Offset,
    ) -> Result<Option<Arc<Event>>, StorageError>;

    /// Where a lane goes on; makes the lane, starting behind the project's newest event, when the
    /// sync has none yet.
    async fn open_lane(
        &self,
        project: ProjectId,
        sync: SyncId,
    ) -> Result<LanePosition, StorageError>;

    /// Records, durably and at once, what became of a lane's events. Idempotent: the same
    /// settlement twice leaves the same state, but for its counts.
    /// Says how many retries of the lane are pending then.
    async fn settle(&self, sync: SyncId, settlement: Settlement) -> Result<u64, StorageError>;

    /// What the event of a pending retry was given (see [`Retry::given`]).
    async fn given(
        &self,
        sync: SyncId,
        offset: Offset,
        part: Part,
    ) -> Result<Option<Arc<str>>, StorageError>;

    /// Up to `max` pending retries of a lane that are behind `after` in the order of
    /// ([`Retry::due_at`], [`Retry::offset`], [`Retry::part`]), however far in the future.
    async fn retries(
        &self,
        sync: SyncId,
        after: Option<RetryKey>,
        max: usize,
    ) -> Result<Vec<Retry>, StorageError>;

    /// The first delivery of each of up to `max` users that have any in order, behind the user `after`.
    async fn turns(
        &self,
        sync: SyncId,
        after: Option<u64>,
        max: usize,
    ) -> Result<Vec<TurnHead>, StorageError>;

    /// A user's first delivery in order, and the retry of it, where one is booked.
    async fn turn(
        &self,
        sync: SyncId,
        user: u64,
    ) -> Result<Option<(Turn, Option<Booked>)>, StorageError>;

    /// Up to `max` deliveries that wait for an earlier one of their user and have no retry, before `before`
    /// in the order of users, events and parts, the last one first.
    async fn waiting_turns(
        &self,
        sync: SyncId,
        before: Option<Turn>,
        max: usize,
    ) -> Result<Vec<Turn>, StorageError>;

    /// Whether a delivery has a place in its user's order.
    async fn has_turn(&self, sync: SyncId, turn: Turn) -> Result<bool, StorageError>;

    /// The properties of a user by the `amplitude_id`, a JSON object, as they are after the newest event;
    /// `None` where there is no such user: erased, or merged into another.
    async fn user_properties(
        &self,
        project: ProjectId,
        user: u64,
    ) -> Result<Option<Vec<u8>>, StorageError>;

    /// Up to `max` deliveries of a lane, and of the bounded lanes that go with it, that ended without
    /// success, newest first, older than `before`.
    async fn ended(
        &self,
        sync: SyncId,
        before: Option<u64>,
        max: usize,
    ) -> Result<Vec<EndedRow>, StorageError>;

    /// Up to `max` ended deliveries of a lane, oldest first, from the one behind the sequence `after` to
    /// the sequence `until`.
    async fn ended_between(
        &self,
        sync: SyncId,
        after: u64,
        until: u64,
        max: usize,
    ) -> Result<Vec<EndedRow>, StorageError>;

    /// How far a replay of the lane's ended deliveries is; makes one that has looked at none of those
    /// that there are, when it isn't known yet.
    async fn open_replay(
        &self,
        sync: SyncId,
        replay: ReplayId,
    ) -> Result<ReplayState, StorageError>;

    /// How far a replay of ended deliveries is; `None` when it isn't known.
    async fn replay_state(&self, replay: ReplayId) -> Result<Option<ReplayState>, StorageError>;

    /// Moves ended deliveries back among the lane's retries, with no attempt made, and notes how far
    /// the replay is, in one transaction. Those that are gone by now are left out. Returns the retries
    /// that were booked. From then on [`settle`](Self::settle) counts, in the transaction that makes it
    /// durable, what becomes of each (see [`ReplayState`]).
    async fn replay(&self, sync: SyncId, step: ReplayStep) -> Result<Vec<Retry>, StorageError>;

    /// The part of a project's log with the events that were received from `from` until before `until`,
    /// found without reading events: it may begin and end with some that were not.
    async fn stretch(
        &self,
        project: ProjectId,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Stretch, StorageError>;

    /// Makes a lane that reads a part of a project's log and no further, if `sync` has no lane yet. It
    /// holds retention up for what it has still to read, and nothing else: it is no part of the
    /// backlog. It is dropped with the lane of `whose`, which must be there.
    async fn open_bounded_lane(
        &self,
        project: ProjectId,
        sync: SyncId,
        whose: SyncId,
        range: Range<Offset>,
    ) -> Result<LanePosition, StorageError>;

    /// The bounded lanes that go with the lane of a sync, newest first, no more than
    /// [`MOST_BOUNDED`](crate::fate::MOST_BOUNDED) of them.
    async fn bounded_lanes(&self, whose: SyncId) -> Result<Vec<LaneOf>, StorageError>;

    /// Which part of the log such a lane reads; `None` when the sync has none.
    async fn lane_bounds(&self, sync: SyncId) -> Result<Option<Range<Offset>>, StorageError>;

    /// Says what a lane may keep from retention, from now on.
    async fn set_standing(&self, sync: SyncId, standing: Standing) -> Result<(), StorageError>;

    /// A paused lane keeps its place and its retries, but holds retention up only within the
    /// configured bounds of age and size.
    async fn set_paused(&self, sync: SyncId, paused: bool) -> Result<(), StorageError> {
        let standing = match paused {
            true => Standing::Paused,
            false => Standing::Running,
        };
        self.set_standing(sync, standing).await
    }

    /// Remembers how a lane goes through what was held; `None`: no longer in a way of its own. Who said
    /// that only the newest is delivered is told of events that are left out for it
    /// ([`Fate::let_go`](crate::fate::Fate::let_go)).
    async fn set_drain(
        &self,
        sync: SyncId,
        drain: Option<Drain>,
        said: Option<Said>,
    ) -> Result<(), StorageError>;

    /// How a lane goes through what was held, while it does.
    async fn drain(&self, sync: SyncId) -> Result<Option<Drain>, StorageError>;

    /// Moves a lane that doesn't run to the project's newest event, without its retries; says what it
    /// gave up, which is counted, and remembered with who said so. Ended deliveries stay.
    async fn drop_backlog(&self, sync: SyncId, said: Said) -> Result<Forgone, StorageError>;

    /// What syncs lost because they were held beyond the bounds, and nobody was told of yet; one of each
    /// sync at most. Known from the transaction on in which it was lost.
    async fn untold_losses(&self) -> Result<Vec<Untold>, StorageError>;

    /// Notes that of what a sync lost so much was told, or is too little to tell of: see [`Untold`]. Says
    /// nothing of syncs that have no lane, and takes nothing back.
    async fn tell_losses(&self, told: Vec<(SyncId, u64)>) -> Result<(), StorageError>;

    /// Forgets a lane, its pending retries and its ended deliveries, and the bounded lanes that go with
    /// it; says what it dropped of the lane, which the project's figures count.
    async fn drop_lane(&self, sync: SyncId, at: Timestamp) -> Result<DroppedLane, StorageError>;

    /// A lane's figures; `None` when the sync has no lane.
    async fn lane_stats(&self, sync: SyncId) -> Result<Option<LaneStats>, StorageError>;

    /// Figures of the steps from the one that `from` lies in to the last that begins before `until`,
    /// in order; steps without any are left out, and of more than
    /// [`MOST_STEPS`](crate::figures::MOST_STEPS) the first are looked at. By the minute they are kept
    /// for [`MINUTES_KEPT`](crate::figures::MINUTES_KEPT), by the hour for a configured time. None for
    /// a project or a sync that the journal doesn't know.
    async fn figures(
        &self,
        scope: Scope,
        step: Step,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<(Timestamp, Figures)>, StorageError>;

    /// Removes what nobody needs any more: events by age and size that every lane has passed and
    /// no retry or ended delivery refers to (the cursor of a lane that stands still, and a paused one's
    /// retries, move on when the bounds are exceeded, which is counted), ended deliveries, what is kept of
    /// deliveries, figures and duplicate detection by age. Sums figures up by the hour.
    /// Called every minute or so; bounded work per call.
    async fn retire(&self, now: Timestamp) -> Result<Retired, StorageError>;

    /// Says which projects keep less than the configuration allows, in place of what was said before.
    /// Counts from the next [`retire`](Self::retire) on; not remembered when the journal is opened again.
    fn keep(&self, projects: HashMap<ProjectId, Keep>);

    /// How long the configuration keeps events and ended deliveries at most.
    fn kept_at_most(&self) -> Keep;

    /// Says of logs of imports for which projects they count: from then on erasures of these projects'
    /// users, [`keep`](Self::keep) and [`held`](Self::held) go over them. What is known stays as it is.
    /// All events of one that is over, and of those whose sync's lane is dropped, are removed, in
    /// [`retire`](Self::retire), also what is appended later.
    async fn own_imports(&self, logs: Vec<ImportLog>) -> Result<(), StorageError>;

    /// What is held of a project's events, those of its imports among them.
    async fn held(&self, project: ProjectId) -> Result<Held, StorageError>;

    /// What a project received lately: see [`Received`]. Exact for the events that it counts, through
    /// crashes too; some of the newest may still be missing ([`Received::behind`]). What is older than the
    /// project's events may get is left out, and so is what came of erased events.
    async fn received(&self, project: ProjectId, now: Timestamp) -> Result<Received, StorageError>;

    /// Begins to erase a user; the same request again is the same erasure. When it returns, that is
    /// durable and the user's state is gone: the same id, seen again, is another user. Their devices,
    /// their events from before, also those of the project's imports (places stay, texts go: see
    /// [`Event::is_erased`]) and what is kept of these, such as pending retries and ended deliveries, go step by step, in
    /// [`go_on_erasing`](Self::go_on_erasing). An attempt that is under way then is the last one: what
    /// becomes of it is counted, and not kept. Groups stay as they are.
    async fn erase(&self, request: EraseRequest) -> Result<Erasure, StorageError>;

    /// One erasure.
    async fn erasure(&self, id: ErasureId) -> Result<Option<Erasure>, StorageError>;

    /// Up to `max` erasures of a project, newest first, older than `before`.
    async fn erasures(
        &self,
        project: ProjectId,
        before: Option<u64>,
        max: usize,
    ) -> Result<Vec<Erasure>, StorageError>;

    /// Makes one step of the oldest erasure that is not done: bounded work, durable when it returns. When
    /// an erasure is done, no file of the journal holds any text of the user's, free space included.
    async fn go_on_erasing(&self, now: Timestamp) -> Result<Erasing, StorageError>;

    /// Tells how often events of a project's log were erased. It has counted before an erasure that
    /// erased some is [`Done`](crate::ErasureState::Done): who has read events asks whether the
    /// number is the same, and where it isn't reads again what is to be used.
    fn times_erased(&self, project: ProjectId) -> TimesErased;

    /// Size, health and load of the journal as a whole.
    fn status(&self) -> Status;

    /// Refuses new work, finishes what was taken, and closes the storage.
    async fn close(&self);
}

/// Events of one project that arrived together.
#[derive(Debug, Clone)]
pub struct Batch {
    /// The project.
    pub project: ProjectId,
    /// When the server took them.
    pub received_at: Timestamp,
    /// In the order in which they were sent.
    pub events: Vec<IncomingEvent>,
}

/// A validated event, its streamed form complete but for what only the user's state can tell.
///
/// Which user: the one with `user_id`, or, without it, the one that the device last belonged to, or
/// an anonymous one made for the device. An event with both ids ties the device to the user from
/// then on; if the device belonged to an anonymous user, then a user seen for the first time takes
/// that one over whole (its `amplitude_id` too), and a known user inherits the properties that it
/// doesn't have.
///
/// The journal appends to `fields`: `,"amplitude_id":N`, `,"user_creation_time":"…"` (the user's
/// first event), `,"start_version":"…"` (where known), `,"paying":true` (where so),
/// `,"groups":{type:[names]}` (the user's groups, overlaid by the event's, types and names sorted;
/// left out when there are none), `,"group_properties":{type:{name:{…}}}` (of those groups which
/// have any), `,"user_properties":{…}` (the event's own, where it brings any) and `}`.
#[derive(Debug, Clone)]
pub struct IncomingEvent {
    /// Which paths it takes.
    pub kind: EventKind,
    /// The user's id, where sent.
    pub user_id: Option<String>,
    /// The device's id, where sent. Neither id only on `$groupidentify`: then the event has no
    /// user, and no user's state is read, made or appended.
    pub device_id: Option<String>,
    /// For duplicate detection; `None`: none.
    pub insert_id: Option<String>,
    /// When it happened.
    pub event_time: Timestamp,
    /// The change to the user's properties. One that would make them larger than the configured
    /// bound is not made.
    pub user_update: PropertyUpdate,
    /// What the event shows as its user's properties in place of the stored ones, as JSON.
    pub own_user_properties: Option<Vec<u8>>,
    /// Groups the event is about, by type. On `$identify` the user joins them for later events
    /// (they replace the user's groups of the same type).
    pub groups: Vec<(String, Vec<String>)>,
    /// The change to the properties of each of those groups.
    pub group_update: PropertyUpdate,
    /// Whether the event says that the user pays.
    pub paying: bool,
    /// The application's version, for the user's `start_version`.
    pub version: Option<String>,
    /// The beginning of the streamed form: an open JSON object with at least one member.
    pub fields: Vec<u8>,
}

/// What became of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepted {
    /// How many were appended.
    pub appended: usize,
    /// How many were dropped as duplicates.
    pub duplicates: usize,
    /// The position behind the last one appended.
    pub head: Offset,
}

/// Why nothing of a batch was taken. All of these may pass: the client should try again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AcceptError {
    /// More is waiting to be written than the queue holds.
    #[error("too many events are waiting to be written")]
    Busy,
    /// What running lanes haven't settled yet has reached the configured size.
    #[error("the backlog has reached its limit of {limit_bytes} bytes")]
    BacklogFull {
        /// The limit.
        limit_bytes: u64,
    },
    /// The disk is full or below the configured reserve.
    #[error("the disk is full")]
    DiskFull,
    /// The storage failed in another way.
    #[error("the journal can't be written: {0}")]
    Storage(String),
    /// The journal is shutting down.
    #[error("the journal is closed")]
    Closed,
}

impl AcceptError {
    /// When it makes sense to try again.
    pub fn retry_after(&self) -> Duration {
        match self {
            Self::Busy => Duration::from_secs(1),
            Self::Closed => Duration::from_secs(5),
            Self::BacklogFull { .. } | Self::DiskFull | Self::Storage(_) => Duration::from_secs(30),
        }
    }
}

/// The storage failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StorageError {
    /// What the storage said.
    #[error("the journal can't be used: {0}")]
    Storage(String),
    /// What was read contradicts itself.
    #[error("the journal is damaged: {0}")]
    Corrupt(String),
    /// No lane of this sync has been opened.
    #[error("{0} has no lane")]
    UnknownLane(SyncId),
    /// The journal is shutting down.
    #[error("the journal is closed")]
    Closed,
}

/// How far a lane is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LanePosition {
    /// Everything before this is settled.
    pub cursor: Offset,
    /// Settled offsets behind the cursor's, ascending.
    pub ahead: Vec<Offset>,
    /// How many retries are pending.
    pub pending: u64,
    /// How it stood last.
    pub standing: Standing,
}

/// What retention removed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Retired {
    /// Events.
    pub events: u64,
    /// Ended deliveries.
    pub ended: u64,
    /// Events and retries that lanes which stood still lost because they were held beyond the bounds.
    pub skipped_by_paused: u64,
}

/// Size, health and load.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Status {
    /// Why events are refused at present.
    pub refusing: Option<AcceptError>,
    /// What lanes that stand still keep at most.
    pub caps: Caps,
    /// Bytes of events kept.
    pub event_bytes: u64,
    /// Bytes of events that some running lane hasn't settled.
    pub backlog_bytes: u64,
    /// Batches and settlements waiting to be written.
    pub queued: usize,
    /// Commits so far.
    pub commits: u64,
    /// Time spent in commits so far, fsync included.
    pub commit_time: Duration,
    /// Events appended so far.
    pub appended: u64,
    /// Seconds that commits took, fsync included.
    pub commit_seconds: Histogram,
    /// Events in commits that had any.
    pub commit_events: Histogram,
}

/// How often values fell into which range.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Histogram {
    /// Upper bounds, inclusive, ascending.
    bounds: &'static [f64],
    /// One per bound, and one for what is above them all.
    counts: Vec<u64>,
    sum: f64,
}

impl Histogram {
    /// An empty histogram with these upper bounds, ascending.
    pub fn new(bounds: &'static [f64]) -> Self {
        Self {
            bounds,
            counts: vec![0; bounds.len() + 1],
            sum: 0.0,
        }
    }

    /// Counts a value.
    pub fn record(&mut self, value: f64) {
        let place = self.bounds.partition_point(|&bound| bound < value);
        if let Some(count) = self.counts.get_mut(place) {
            *count += 1;
            self.sum += value;
        }
    }

    /// Each bound with how many values were not above it, as Prometheus wants them.
    pub fn cumulative(&self) -> impl Iterator<Item = (f64, u64)> {
        let sums = self.counts.iter().scan(0, |sum, count| {
            *sum += count;
            Some(*sum)
        });
        self.bounds.iter().copied().zip(sums)
    }

    /// How many values there were.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The values' sum.
    pub fn sum(&self) -> f64 {
        self.sum
    }
}
