//! What the control API needs of those who carry replays out.

use std::sync::Arc;

use async_trait::async_trait;
use journal::{Accepted, EndedRow, IncomingEvent, LaneOf};
use model::definition::Definition;
use model::replay::{Failures, PastEvents};
use model::sync::Sync;
use model::{Event, Part, ProjectId, ReplayId, SyncId, Timestamp};
use serde::{Deserialize, Serialize};
use store::ReplayRecord;

use crate::portal::LaneError;

/// The lanes, as far as they send again.
#[async_trait]
pub trait Replays: Send + std::marker::Sync + 'static {
    /// Has a replay go on from where it is, or stand still, as its state says. Idempotent. The sync and
    /// its definition are as they are now.
    async fn carry_replay(
        &self,
        replay: &ReplayRecord,
        sync: Arc<Sync>,
        definition: Arc<Definition>,
    ) -> Result<(), LaneError>;

    /// How far a replay is; `None` when it has not begun.
    async fn replay_progress(&self, replay: &ReplayRecord) -> Result<Option<Progress>, LaneError>;

    /// Forgets a replay of which nothing more comes. Idempotent.
    async fn forget_replay(&self, replay: &ReplayRecord) -> Result<(), LaneError>;

    /// Has a replay that is cancelled give up what it has not begun and its retries. What ended without
    /// success is kept. Idempotent.
    async fn give_up_replay(&self, replay: &ReplayRecord) -> Result<(), LaneError>;

    /// The lanes of a sync's replays of past events, newest first: see
    /// [`journal::Journal::bounded_lanes`].
    async fn backfills(&self, sync: SyncId) -> Result<Vec<LaneOf>, LaneError>;

    /// What a replay of failed deliveries would send, among the newest `most`, with so many examples.
    async fn count_failures(
        &self,
        project: ProjectId,
        sync: SyncId,
        failures: &Failures,
        most: u64,
        examples: usize,
    ) -> Result<CountedFailures, LaneError>;

    /// Says whose the logs of imports are; those that are settled go.
    async fn own_imports(&self, imports: &[ReplayRecord]) -> Result<(), LaneError>;

    /// Appends events to the log of an import; how many, and how many it had already.
    async fn append(
        &self,
        import: &ReplayRecord,
        events: Vec<IncomingEvent>,
        received_at: Timestamp,
    ) -> Result<Accepted, LaneError>;

    /// What a replay of past events would send: exact where at most `most` have to be looked at.
    async fn count_events(
        &self,
        sync: Arc<Sync>,
        definition: Arc<Definition>,
        events: &PastEvents,
        most: u64,
        examples: usize,
    ) -> Result<CountedEvents, LaneError>;
}

/// How far a replay is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Progress {
    /// How many are looked at in all.
    pub total: u64,
    /// How many have been.
    pub looked_at: u64,
    /// How many deliveries were begun.
    pub begun: u64,
    /// How many of those were delivered.
    pub delivered: u64,
    /// How many of those ended without success.
    pub failed: u64,
    /// How many of those were given up without being sent.
    pub unsent: u64,
    /// How many of those were of users that were erased.
    #[serde(default)]
    pub erased: u64,
    /// Whether all have been looked at, and all that were begun are over.
    pub done: bool,
    /// How many that ended without success it keeps.
    #[serde(default)]
    pub kept: u64,
    /// How many attempts it keeps, for people to look at.
    #[serde(default)]
    pub noted: u64,
    /// The replays of past events whose failures it has still to send again.
    #[serde(skip)]
    pub left_in: Vec<ReplayId>,
    /// Why what it sends doesn't arrive at the moment, in words.
    #[serde(skip)]
    pub trouble: Option<String>,
}

impl Progress {
    /// How many were begun and are not over.
    pub fn outstanding(&self) -> u64 {
        let over = self.delivered + self.failed + self.unsent + self.erased;
        self.begun.saturating_sub(over)
    }

    /// What became of a replay of which nothing more comes.
    pub(in crate::portal) fn settled(replay: &ReplayRecord) -> Option<Self> {
        let result = replay.result.clone()?;
        Some(serde_json::from_value(result).unwrap_or_default())
    }
}

/// What a replay of failed deliveries would send.
#[derive(Debug, Clone, Default)]
pub struct CountedFailures {
    /// How many deliveries that ended without success the sync has.
    pub total: u64,
    /// How many were looked at, the newest first.
    pub looked_at: u64,
    /// How many of those are meant.
    pub matching: u64,
    /// The newest of them, with their events.
    pub examples: Vec<(EndedRow, Arc<Event>)>,
}

/// What a replay of past events would send.
#[derive(Debug, Clone, Default)]
pub struct CountedEvents {
    /// How many events there are to look at, at most.
    pub total: u64,
    /// How many were looked at.
    pub looked_at: u64,
    /// How many of those would be sent.
    pub matching: u64,
    /// How many requests these make.
    pub requests: u64,
    /// Whether all were looked at.
    pub exact: bool,
    /// Some that would be sent, and as what.
    pub examples: Vec<(Arc<Event>, Part)>,
}
