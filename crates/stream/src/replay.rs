//! Ended deliveries that are sent again.
//!
//! A replay looks at a lane's ended deliveries from the oldest on and has those that it is about moved
//! back among the retries, a few at a time: as its rate lets it, and no more than may be under way at
//! once. The lane itself moves them (see [`Orders`]). How far it is stands in the journal, so that it
//! goes on after a restart where it was.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use delivery::Pace;
use journal::{EndedRow, EndedWhy, Journal, LaneOf, ReplayState, ReplayStep, StorageError};
use model::replay::{FailedOutcome, Failures};
use model::{Clock, DeliveryId, Event, ProjectId, ReplayId, SyncId, Timestamp};
use tokio::sync::{mpsc, oneshot};

use crate::lane::STORAGE_BACKOFF;
use crate::streams::Place;

/// Ended deliveries that are looked at in one step.
const PAGE: usize = 500;

/// Replayed deliveries that may be under way at once, attempts that failed included: to a destination
/// that still fails, no more than these are sent again.
const MOST_OUTSTANDING: u64 = 10_000;

/// How far ahead deliveries get the moment at which they are due.
const AHEAD: Duration = Duration::from_secs(1);

/// How often is looked whether a lane has places again, or runs again.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// What a lane is asked to move, and where it says how many it did.
pub(crate) struct Order {
    pub(crate) step: ReplayStep,
    pub(crate) reply: oneshot::Sender<Result<usize, StorageError>>,
}

/// The lane's end of what it is asked.
pub(crate) struct Orders {
    receiver: mpsc::Receiver<Order>,
    next: Option<Order>,
}

/// What lanes are asked through, and a lane's end of it.
pub(crate) fn orders() -> (mpsc::Sender<Order>, Orders) {
    let (sender, receiver) = mpsc::channel(1);
    let next = None;
    (sender, Orders { receiver, next })
}

impl Orders {
    /// Ends when there is another order to [`take`](Self::take). May be dropped at any point.
    pub(crate) async fn wait(&mut self) {
        if self.next.is_none() {
            self.next = self.receiver.recv().await;
            if self.next.is_some() {
                return;
            }
        }
        // The one that is there waits for the lane; or nobody is left who could ask.
        std::future::pending().await
    }

    pub(crate) fn take(&mut self) -> Option<Order> {
        self.next.take()
    }
}

/// A replay of a sync's ended deliveries.
#[derive(Debug, Clone)]
pub struct FailedReplay {
    /// Identifies it.
    pub id: ReplayId,
    /// The project.
    pub project: ProjectId,
    /// The sync.
    pub sync: SyncId,
    /// The lanes of the sync's backfills that it is about, besides the sync's own.
    pub backfills: Vec<LaneOf>,
    /// Which deliveries.
    pub failures: Failures,
    /// How many are begun again per minute at most; absent: as fast as the sync sends.
    pub per_minute: Option<NonZeroU32>,
}

/// What the journal knows a replay by, as far as it is about the lane of one of the sync's backfills: how
/// far it is there is counted apart.
pub fn replay_in(replay: ReplayId, lane: SyncId) -> ReplayId {
    let mut bytes = replay.to_bytes();
    for (byte, of_lane) in bytes.iter_mut().zip(lane.to_bytes()) {
        *byte ^= of_lane;
    }
    ReplayId::from_bytes(bytes)
}

impl FailedReplay {
    /// The lanes that it is about, each with what the journal knows it by there.
    pub(crate) fn lanes(&self) -> impl Iterator<Item = (LaneOf, ReplayId)> {
        let own = LaneOf {
            lane: self.sync,
            log: self.project,
        };
        let backfills = self.backfills.iter();
        let backfills = backfills.map(|of| (*of, replay_in(self.id, of.lane)));
        std::iter::once((own, self.id)).chain(backfills)
    }
}

/// Works a replay off in one of its lanes.
pub(crate) struct Replayer {
    of: LaneOf,
    /// What the journal knows it by in this lane.
    id: ReplayId,
    failures: Arc<Failures>,
    journal: Arc<dyn Journal>,
    clock: Arc<dyn Clock>,
    /// The lane's place: it may end and begin again.
    place: Place,
    /// Shared with the other lanes.
    pace: Arc<Pace>,
}

/// When to go on.
enum Next {
    At(Timestamp),
    AtOnce,
    /// All have been looked at.
    Never,
}

impl Replayer {
    pub(crate) fn new(
        (of, id): (LaneOf, ReplayId),
        failures: Arc<Failures>,
        journal: Arc<dyn Journal>,
        clock: Arc<dyn Clock>,
        place: Place,
        pace: Arc<Pace>,
    ) -> Self {
        Self {
            of,
            id,
            failures,
            journal,
            clock,
            place,
            pace,
        }
    }

    /// Works until all have been looked at, or the sync's lane is gone for good.
    pub(crate) async fn run(mut self) {
        let (sync, replay) = (self.of.lane, self.id);
        loop {
            match self.step().await {
                Ok(Next::AtOnce) => tokio::task::yield_now().await,
                Ok(Next::At(at)) => self.clock.sleep_until(at).await,
                Ok(Next::Never) => return,
                Err(StorageError::Closed | StorageError::UnknownLane(_)) => return,
                Err(error) => {
                    tracing::error!(%sync, %replay, %error, "a replay can't go on; trying again");
                    self.clock.sleep(STORAGE_BACKOFF).await;
                }
            }
        }
    }

    async fn step(&mut self) -> Result<Next, StorageError> {
        let (sync, id) = (self.of.lane, self.id);
        let state = self.journal.open_replay(sync, id).await?;
        if state.next >= state.until {
            return Ok(Next::Never);
        }
        let room = MOST_OUTSTANDING.saturating_sub(state.outstanding());
        if room == 0 {
            return Ok(Next::At(self.clock.now() + LOOK_AGAIN));
        }
        let page = self
            .journal
            .ended_between(sync, state.next, state.until, PAGE);
        let (step, next) = self.choose(&state, page.await?, room as usize).await?;
        if step.looked_to == state.next {
            return Ok(next);
        }
        if step.moved.is_empty() {
            self.journal.replay(sync, step).await?;
            return Ok(next);
        }
        match self.order(step).await? {
            true => Ok(next),
            // The sync is paused, or just changing.
            false => Ok(Next::At(self.clock.now() + LOOK_AGAIN)),
        }
    }

    /// What to move of a page of ended deliveries, and when to go on.
    async fn choose(
        &mut self,
        state: &ReplayState,
        page: Vec<EndedRow>,
        room: usize,
    ) -> Result<(ReplayStep, Next), StorageError> {
        let now = self.clock.now();
        let mut step = ReplayStep {
            replay: self.id,
            looked_to: state.next,
            looked_at: 0,
            moved: Vec::new(),
            at: now,
        };
        let is_last = page.len() < PAGE;
        for row in page {
            if self.is_meant(&row).await? {
                if step.moved.len() == room {
                    return Ok((step, Next::AtOnce));
                }
                let Some(due_at) = self.pace.reserve(now, now + AHEAD) else {
                    return Ok((step, Next::At(now + AHEAD / 2)));
                };
                step.moved.push((row.sequence, due_at));
            }
            step.looked_to = row.sequence;
            step.looked_at += 1;
        }
        if is_last {
            step.looked_to = state.until;
        }
        Ok((step, Next::AtOnce))
    }

    async fn is_meant(&self, row: &EndedRow) -> Result<bool, StorageError> {
        let failures = &self.failures;
        if !may_be_meant(failures, row) {
            return Ok(false);
        }
        if failures.event_types.is_empty() {
            return Ok(true);
        }
        let event = self.journal.get(self.of.log, row.ended.offset).await?;
        Ok(event.is_some_and(|event| has_type(&event, &failures.event_types)))
    }

    /// Has the sync's lane carry out a step; `false` when it has none that runs.
    async fn order(&self, step: ReplayStep) -> Result<bool, StorageError> {
        let Some(orders) = self.place.orders().await else {
            return Ok(false);
        };
        let (reply, answer) = oneshot::channel();
        if orders.send(Order { step, reply }).await.is_err() {
            return Ok(false);
        }
        match answer.await {
            Ok(moved) => moved.map(|_| true),
            // The lane ended before it came to it.
            Err(_) => Ok(false),
        }
    }
}

/// Whether a delivery is among those that are meant, as far as its own row tells.
fn may_be_meant(failures: &Failures, row: &EndedRow) -> bool {
    let (ended, LaneOf { lane, log }) = (&row.ended, row.of);
    let (outcome, reason, status) = match &ended.why {
        EndedWhy::Expired(failure) => (
            FailedOutcome::Expired,
            failure.category.name(),
            failure.status,
        ),
        EndedWhy::Discarded(why) => (FailedOutcome::Discarded, why.name(), None),
    };
    let among = |deliveries: &BTreeSet<DeliveryId>| {
        deliveries.contains(&DeliveryId::of(log, ended.offset, lane, ended.part))
    };
    failures.outcome.is_none_or(|wanted| wanted == outcome)
        && (failures.reasons.is_empty() || failures.reasons.contains(reason))
        && (failures.statuses.is_empty()
            || status.is_some_and(|status| failures.statuses.contains(&status)))
        && failures.ended_from.is_none_or(|from| ended.at >= from)
        && failures.ended_until.is_none_or(|until| ended.at < until)
        && (failures.deliveries.is_empty() || among(&failures.deliveries))
}

fn has_type(event: &Event, types: &BTreeSet<String>) -> bool {
    event_type(event).is_some_and(|event_type| types.contains(event_type))
}

/// The type of an event, where it can be read.
pub fn event_type(event: &Event) -> Option<&str> {
    let root = event.root().ok()?.as_object()?;
    root.get("event_type")?.as_str()
}

/// What a replay of failures would send.
#[derive(Debug, Clone, Default)]
pub struct CountedFailures {
    /// How many ended deliveries the sync has, those of its backfills among them.
    pub total: u64,
    /// How many of them were looked at, the newest first.
    pub looked_at: u64,
    /// How many of those are meant.
    pub matching: u64,
    /// The newest that are, with their events.
    pub examples: Vec<(EndedRow, Arc<Event>)>,
}

/// Counts what a replay would send, among the newest `most` ended deliveries.
///
/// # Errors
///
/// As those of [`Journal`]'s reads; a sync without a lane has nothing.
pub async fn count_failures(
    journal: &dyn Journal,
    replay: &FailedReplay,
    most: u64,
    examples: usize,
) -> Result<CountedFailures, StorageError> {
    let sync = replay.sync;
    let Some(stats) = journal.lane_stats(sync).await? else {
        return Ok(CountedFailures::default());
    };
    let mut counted = CountedFailures {
        total: stats.ended + stats.ended_of_bounded,
        ..CountedFailures::default()
    };
    let mut before = None;
    while counted.looked_at < most {
        let wanted = PAGE.min((most - counted.looked_at) as usize);
        let page = journal.ended(sync, before, wanted).await?;
        before = page.last().map(|row| row.sequence);
        let is_last = page.len() < wanted;
        for row in page {
            counted.looked_at += 1;
            if !may_be_meant(&replay.failures, &row) {
                continue;
            }
            let types = &replay.failures.event_types;
            let shown = counted.examples.len() < examples;
            if shown || !types.is_empty() {
                let Some(event) = journal.get(row.of.log, row.ended.offset).await? else {
                    continue;
                };
                if !types.is_empty() && !has_type(&event, types) {
                    continue;
                }
                if shown {
                    counted.examples.push((row, event));
                }
            }
            counted.matching += 1;
        }
        if is_last {
            break;
        }
    }
    Ok(counted)
}
