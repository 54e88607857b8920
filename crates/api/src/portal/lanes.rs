//! What the control API needs of the lanes: they run elsewhere.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use journal::figures::{Figures, Scope, Step};
use journal::hold::{Caps, Drain, Untold};
use journal::received::Received;
use journal::{EndedRow, EraseRequest, Erasure, Fates, Held, Keep, LaneStats, Retry, RetryKey};
use model::definition::Definition;
use model::outcome::Failure;
use model::sync::Sync;
use model::tail::Told;
use model::{ErasureId, Event, Offset, ProjectId, SyncId, Timestamp};
use serde::{Deserialize, Serialize};
use store::SecretFields;
use tokio::sync::watch;
use utoipa::ToSchema;

use super::problem::FieldProblem;
use super::replay::Replays;

/// The lanes, one per sync.
#[async_trait]
pub trait Lanes: Replays + Send + std::marker::Sync + 'static {
    /// Everything that keeps the sync from being enabled; pointers are into
    /// [`model::sync::Settings`]. Does no I/O.
    fn check(&self, sync: &Sync, definition: &Definition) -> Vec<FieldProblem>;

    /// Makes the sync's lane what the sync says: starts it, reloads it, or pauses it. Idempotent.
    /// Of the sync's values, `secret` ones are masked in what is shown of failures.
    async fn apply(
        &self,
        sync: Arc<Sync>,
        definition: Arc<Definition>,
        secret: SecretFields,
    ) -> Result<(), LaneError>;

    /// Stops the lane, if it runs, and says how it is to go through what it owes once it is applied
    /// again. With [`Backlog::Drop`] that is forgotten, pending retries too. `by`: who says so, for people
    /// to read.
    async fn prepare(
        &self,
        project: ProjectId,
        sync: SyncId,
        backlog: Backlog,
        requests_per_minute: Option<u32>,
        by: &str,
    ) -> Result<(), LaneError>;

    /// Stops the lane and forgets it, with what it owes. Idempotent: nothing to drop is no error.
    async fn remove(&self, sync: SyncId) -> Result<DroppedLane, LaneError>;

    /// How the lane does; `stats` is `None` when the sync never had a lane.
    async fn status(&self, sync: SyncId) -> Result<LaneStatus, LaneError>;

    /// Up to `max` pending retries behind `after`: see [`journal::Journal::retries`].
    async fn retries(
        &self,
        sync: SyncId,
        after: Option<RetryKey>,
        max: usize,
    ) -> Result<Vec<Retry>, LaneError>;

    /// Up to `max` ended deliveries older than `before`: see [`journal::Journal::ended`].
    async fn ended(
        &self,
        sync: SyncId,
        before: Option<u64>,
        max: usize,
    ) -> Result<Vec<EndedRow>, LaneError>;

    /// What became of single deliveries.
    fn fates(&self) -> &dyn Fates;

    /// Figures over time: see [`journal::Journal::figures`].
    async fn figures(
        &self,
        scope: Scope,
        step: Step,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<(Timestamp, Figures)>, LaneError>;

    /// How long the installation keeps events and ended deliveries: see [`journal::Journal::kept_at_most`].
    fn kept_at_most(&self) -> Keep;

    /// What is held of a project's events: see [`journal::Journal::held`].
    async fn held(&self, project: ProjectId) -> Result<Held, LaneError>;

    /// What a project received lately: see [`journal::Journal::received`].
    async fn received(&self, project: ProjectId, now: Timestamp) -> Result<Received, LaneError>;

    /// Begins to erase a user: see [`journal::Journal::erase`].
    async fn erase(&self, request: EraseRequest) -> Result<Erasure, LaneError>;

    /// One erasure: see [`journal::Journal::erasure`].
    async fn erasure(&self, id: ErasureId) -> Result<Option<Erasure>, LaneError>;

    /// A project's erasures, newest first: see [`journal::Journal::erasures`].
    async fn erasures(
        &self,
        project: ProjectId,
        before: Option<u64>,
        max: usize,
    ) -> Result<Vec<Erasure>, LaneError>;

    /// Up to `max` of a project's events before `before` (absent: its newest), newest first: see
    /// [`journal::newest`].
    async fn events(
        &self,
        project: ProjectId,
        before: Option<Offset>,
        max: usize,
    ) -> Result<Vec<Arc<Event>>, LaneError>;

    /// A user's properties: see [`journal::Journal::user_properties`].
    async fn user_properties(
        &self,
        project: ProjectId,
        user: u64,
    ) -> Result<Option<Vec<u8>>, LaneError>;

    /// The position behind a project's newest event: see [`journal::Journal::head`].
    fn head(&self, project: ProjectId) -> watch::Receiver<Offset>;

    /// Up to `max` of a project's events from `from` on, in order: see [`journal::Journal::read`].
    async fn read(
        &self,
        project: ProjectId,
        from: Offset,
        max: usize,
    ) -> Result<Vec<Arc<Event>>, LaneError>;

    /// How the sync's own lane does, in a word, and why, where it is not healthy: as [`Lanes::status`] says it, from
    /// what is in memory alone.
    fn health(&self, sync: SyncId) -> (Health, Option<String>);

    /// A glance at each lane: numbers that are in memory.
    fn glance(&self, each: &mut dyn FnMut(Glance));

    /// What syncs lost and nobody was told of: see [`journal::Journal::untold_losses`].
    async fn untold_losses(&self) -> Result<Vec<Untold>, LaneError>;

    /// Notes of how much people were told: see [`journal::Journal::tell_losses`].
    async fn tell_losses(&self, told: Vec<(SyncId, u64)>) -> Result<(), LaneError>;

    /// What becomes of a project's deliveries from now on, as it happens. What isn't taken in time is
    /// skipped, and counted.
    fn outcomes(&self, project: ProjectId) -> BoxStream<'static, Told>;
}

/// Why a lane did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum LaneError {
    /// The settings can't be used.
    #[error("the sync's settings can't be used ({} problems)", .0.len())]
    Problems(Vec<FieldProblem>),
    /// The journal or the lane itself failed.
    #[error("the lane can't be used at present")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + std::marker::Sync>),
}

/// How a lane does.
#[derive(Debug, Clone)]
pub struct LaneStatus {
    /// In a word.
    pub health: Health,
    /// Why, in words, where it is not healthy.
    pub reason: Option<String>,
    /// Since when it does so, as far as this process saw it.
    pub since: Option<Timestamp>,
    /// Requests under way.
    pub in_flight: u64,
    /// How many requests at once it may make at present.
    pub allowed: u64,
    /// When the next probe is made, while no delivery is begun otherwise.
    pub next_probe: Option<Timestamp>,
    /// Deliveries that wait for an earlier one of their user.
    pub in_order: u64,
    /// Of the pending retries, those that wait for a property of their user.
    pub awaiting: u64,
    /// How it goes through what was held up, while it does.
    pub draining: Option<Drain>,
    /// What it keeps at most while it stands still.
    pub caps: Caps,
    /// The journal's figures.
    pub stats: Option<LaneStats>,
}

/// What is seen of a lane at a glance.
#[derive(Debug, Clone)]
pub struct Glance {
    /// Whose lane.
    pub sync: SyncId,
    /// In a word.
    pub health: Health,
    /// Why, in words, where it is not healthy.
    pub reason: Option<String>,
    /// The last failure, of an hour ago at most, also where something was delivered since.
    pub failure: Option<Failure>,
    /// When the oldest event that is neither delivered nor booked as a retry was received.
    pub oldest_undelivered: Option<Timestamp>,
    /// When a delivery last succeeded.
    pub last_success: Option<Timestamp>,
    /// When an attempt last failed.
    pub last_failure: Option<Timestamp>,
    /// Attempts since the lane was opened.
    pub attempts: u64,
    /// Those of them that failed.
    pub failed: u64,
    /// Deliveries that expired since.
    pub expired: u64,
    /// Deliveries that wait for their next attempt.
    pub pending: u64,
    /// Events that wait.
    pub backlog: u64,
}

impl Health {
    /// Its stable name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Failing => "failing",
            Self::Paused => "paused",
            Self::Misconfigured => "misconfigured",
            Self::Stalled => "stalled",
        }
    }
}

/// What becomes of the events that a sync owes when it goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Backlog {
    /// All are delivered.
    All,
    /// Only the newest of each user and event type is.
    NewestPerUser,
    /// None is, and pending retries are forgotten, too.
    Drop,
}

/// How a lane does, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// Delivers.
    Healthy,
    /// Some attempts fail, or nothing could be made of the last events.
    Degraded,
    /// Attempt after attempt fails.
    Failing,
    /// Disabled: keeps what it owes.
    Paused,
    /// Its settings can't be used.
    Misconfigured,
    /// Its journal can't be read or written.
    Stalled,
}

/// What goes with a deleted sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, ToSchema)]
pub struct DroppedLane {
    /// Deliveries that wait for their next attempt.
    pub pending: u64,
    /// Events that it had not yet looked at.
    pub backlog: u64,
    /// Deliveries that wait for an earlier one of their user.
    pub waiting_in_order: u64,
    /// Records of deliveries that ended without success.
    pub ended: u64,
}

impl DroppedLane {
    /// Deliveries that would never be made: what a confirmation confirms.
    pub fn owed(&self) -> u64 {
        self.pending + self.backlog + self.waiting_in_order
    }
}

impl From<journal::DroppedLane> for DroppedLane {
    fn from(dropped: journal::DroppedLane) -> Self {
        Self {
            pending: dropped.pending,
            backlog: dropped.backlog,
            waiting_in_order: dropped.in_order,
            ended: dropped.ended,
        }
    }
}

impl From<&LaneStats> for DroppedLane {
    fn from(stats: &LaneStats) -> Self {
        Self {
            pending: stats.pending,
            backlog: stats.head.0.saturating_sub(stats.cursor.0),
            waiting_in_order: stats.in_order,
            ended: stats.ended,
        }
    }
}
