//! What can be seen of a lane from outside: its load, its health, its latencies.

mod judging;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use journal::hold::Drain;
use journal::{Counts, Settlement, StorageError};
use metrics::Histogram;
use model::outcome::Failure;
use model::{Offset, Timestamp};
use serde::Serialize;
use sketches_ddsketch::{Config, DDSketch};

use crate::breaker::Open;
use crate::crew::{Done, WorkResult};

use self::judging::DEGRADED_FOR;

/// How long the last failure is told of, whatever went well since.
const FAILURE_TOLD_FOR: Duration = Duration::from_secs(60 * 60);

/// How long a generation of latencies is gathered; quantiles are of the last one to two.
const GENERATION_MICROS: i64 = 60_000_000;

/// How a lane does, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// Delivers.
    #[default]
    Healthy,
    /// Some attempts fail, or nothing could be made of the last events.
    Degraded,
    /// Attempt after attempt fails.
    Failing,
    /// Switched off; keeps what it owes.
    Paused,
    /// Its settings can't be used.
    Misconfigured,
    /// Its journal can't be read or written.
    Stalled,
}

impl Health {
    /// How bad that is.
    fn trouble(self) -> u8 {
        match self {
            Self::Paused | Self::Healthy => 0,
            Self::Degraded => 1,
            Self::Failing => 2,
            Self::Misconfigured => 3,
            Self::Stalled => 4,
        }
    }
}

/// A lane's load, health and latencies.
#[derive(Debug, Clone, Default, Serialize)]
pub struct LaneView {
    /// In a word.
    pub health: Health,
    /// Why, in words, where it is not healthy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Since when; as far as was seen since the lanes were started.
    pub since: Option<Timestamp>,
    /// Everything before this is settled.
    pub cursor: Offset,
    /// Events that the lane hasn't looked at yet.
    pub unread: u64,
    /// Deliveries waiting for a place.
    pub queued: usize,
    /// Deliveries under way.
    pub in_flight: usize,
    /// How many deliveries may be under way at present: what the destination bears, as far as is known.
    pub allowed: usize,
    /// Since when no delivery is begun but probes, because the destination takes nothing.
    pub shut_since: Option<Timestamp>,
    /// When the next probe is made; absent while the answer to one is awaited, and while there is nothing
    /// that one could be made with.
    pub next_probe: Option<Timestamp>,
    /// How it goes through what was held up, while it does.
    #[serde(skip)]
    pub draining: Option<Drain>,
    /// Deliveries that wait for an earlier one of their user.
    pub in_order: u64,
    /// Of the pending retries, those that wait for a property of their user.
    pub awaiting: u64,
    /// Pending retries.
    pub pending: u64,
    /// When the oldest event that is neither delivered nor booked as a retry was received.
    pub oldest_undelivered: Option<Timestamp>,
    /// When a delivery last succeeded.
    pub last_success: Option<Timestamp>,
    /// When an attempt last failed.
    pub last_failure: Option<Timestamp>,
    /// Since the lane was opened.
    pub counts: Counts,
    /// From received to delivered, over the last minute or two, in seconds.
    pub latency: Latency,
}

/// What is seen of a lane without looking closely: nothing is worked out for it, and of a lane that does
/// well nothing is copied but numbers.
#[derive(Debug, Clone, Default)]
pub struct Glance {
    /// In a word.
    pub health: Health,
    /// Why, in words, where it is not healthy.
    pub reason: Option<String>,
    /// The last failure, of an hour ago at most; whether something was delivered since says `last_success`.
    pub failure: Option<Failure>,
    /// See [`LaneView::oldest_undelivered`].
    pub oldest_undelivered: Option<Timestamp>,
    /// See [`LaneView::last_success`].
    pub last_success: Option<Timestamp>,
    /// See [`LaneView::last_failure`].
    pub last_failure: Option<Timestamp>,
    /// See [`LaneView::pending`].
    pub pending: u64,
    /// Events that are neither sent nor settled.
    pub backlog: u64,
    /// Since the lane was opened.
    pub counts: Counts,
}

impl Glance {
    /// Takes in that of one of the lane's backfills: what was tried, and its trouble where the
    /// lane has less. What it has still to send is no backlog: the events are old.
    pub(crate) fn join(&mut self, backfill: Self) {
        self.counts.add(&backfill.counts);
        self.last_failure = self.last_failure.max(backfill.last_failure);
        if backfill.health.trouble() > self.health.trouble() {
            self.health = backfill.health;
            self.reason = backfill.reason.map(|reason| format!("a replay: {reason}"));
            self.failure = backfill.failure;
            self.last_success = backfill.last_success;
        }
    }
}

/// Quantiles of a latency in seconds; absent when there was none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Latency {
    /// The median.
    pub p50: Option<f64>,
    /// Nineteen of twenty are below.
    pub p95: Option<f64>,
    /// Ninety-nine of a hundred are below.
    pub p99: Option<f64>,
}

/// A lane's own record, shared with those who look.
pub(crate) struct View {
    state: Mutex<State>,
    latency: Histogram,
    /// Whether events are past ones: how long ago they were received is no latency.
    past: bool,
}

/// What the lane lets pass at this moment.
pub(crate) struct Flow {
    pub(crate) in_order: u64,
    pub(crate) awaiting: u64,
    pub(crate) draining: Option<Drain>,
    pub(crate) allowed: usize,
    pub(crate) open: Option<Open>,
    /// Whether there is something that a probe could be made with.
    pub(crate) waits: bool,
    /// Until when the destination asked not to be sent to.
    pub(crate) pause_until: Option<Timestamp>,
    /// When the next pending retry is due.
    pub(crate) next_retry: Option<Timestamp>,
    /// Whether what waits waits for its place among so many requests a minute.
    pub(crate) is_paced: bool,
}

#[derive(Default)]
struct State {
    shown: LaneView,
    /// Attempts that failed in a row: first ones, unless there were none lately.
    failures_in_row: u32,
    /// When a first attempt was last over.
    first_at: Option<Timestamp>,
    /// When a delivery was last made at the first attempt.
    taken_at: Option<Timestamp>,
    failure: Option<Failure>,
    /// Why the last event was discarded, unless an attempt failed since.
    discarded: Option<String>,
    /// When an attempt last failed, or an event was discarded, and how many deliveries were made since.
    trouble_at: Option<Timestamp>,
    delivered_since: u32,
    stalled: Option<String>,
    pause_until: Option<Timestamp>,
    next_retry: Option<Timestamp>,
    /// When something last waited for its place among so many requests a minute.
    paced_at: Option<Timestamp>,
    /// When events were last seen to wait for longer than can be explained.
    lagged_at: Option<Timestamp>,
    /// Whether it is no wonder that events are old.
    goes_through_old: bool,
    /// Whether the next probe is made as soon as there is something to make it with.
    probes_next: bool,
    latencies: Generations,
}

/// Two generations of latencies: the one being filled and the one before.
#[derive(Default)]
struct Generations {
    current: Option<DDSketch>,
    previous: Option<DDSketch>,
    since: Timestamp,
}

impl View {
    pub(crate) fn new(past: bool) -> Self {
        Self {
            state: Mutex::default(),
            latency: metrics::histogram!("millstream_delivery_latency_seconds"),
            past,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Figures that a panic left half changed are still figures.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The lane has been opened with so many pending retries; `are_tried`: some of them have failed before.
    pub(crate) fn opened(&self, pending: u64, are_tried: bool, now: Timestamp) {
        let mut state = self.state();
        state.shown.pending = pending;
        state.shown.since = Some(now);
        // What failed before the lane stopped is trouble until something shows that it is over.
        state.trouble_at = are_tried.then_some(now);
    }

    /// So many ended deliveries went back among the retries.
    pub(crate) fn replayed(&self, count: usize) {
        self.state().shown.pending += count as u64;
    }

    /// These attempts have been made.
    pub(crate) fn attempted(&self, done: &[Done]) {
        let mut state = self.state();
        for one in done {
            let was_sent = matches!(
                one.result,
                WorkResult::Delivered { .. } | WorkResult::Failed { .. }
            );
            match &one.result {
                WorkResult::Delivered { .. } => {
                    if !self.past {
                        let latency = one.at.since(one.received_at).as_secs_f64();
                        state.latencies.add(latency, one.at);
                        self.latency.record(latency);
                    }
                    state.failures_in_row = 0;
                    if one.attempt == 1 {
                        state.taken_at = Some(one.at);
                    }
                    state.delivered_since = state.delivered_since.saturating_add(1);
                    state.shown.last_success = Some(one.at);
                }
                WorkResult::Failed { failure, .. } => {
                    // That what has failed before fails again says little, while there is other; nor
                    // what a user sends who fails, while others' is taken.
                    let lately = |at: Timestamp| one.at.since(at) < DEGRADED_FOR;
                    let others = match (one.attempt, one.suspect) {
                        (1, false) => None,
                        (1, true) => state.taken_at,
                        _ => state.first_at,
                    };
                    if !others.is_some_and(lately) {
                        state.failures_in_row = state.failures_in_row.saturating_add(1);
                    }
                    state.failure = Some(failure.clone());
                    state.discarded = None;
                    state.shown.last_failure = Some(one.at);
                    (state.trouble_at, state.delivered_since) = (Some(one.at), 0);
                }
                WorkResult::Discarded(why) => {
                    state.discarded = Some(why.to_string());
                    (state.trouble_at, state.delivered_since) = (Some(one.at), 0);
                }
                WorkResult::NotSent
                | WorkResult::Erased
                | WorkResult::Waits
                | WorkResult::Awaits { .. } => {}
            }
            if was_sent && one.attempt == 1 {
                state.first_at = Some(one.at);
            }
        }
    }

    /// This has become durable, and so many retries are pending now.
    pub(crate) fn settled(&self, settlement: &Settlement, pending: u64) {
        let mut state = self.state();
        state.stalled = None;
        state.shown.counts.add(&settlement.counts);
        state.shown.pending = pending;
    }

    /// The journal failed.
    pub(crate) fn storage_failed(&self, error: &StorageError) {
        self.state().stalled = Some(error.to_string());
    }

    /// The lane's load at this moment.
    pub(crate) fn publish(
        &self,
        load: (usize, usize),
        cursor: Offset,
        unread: u64,
        oldest: Option<Timestamp>,
        flow: Flow,
        now: Timestamp,
    ) {
        let mut state = self.state();
        state.shown.allowed = flow.allowed;
        state.shown.in_order = flow.in_order;
        state.shown.awaiting = flow.awaiting;
        state.shown.draining = flow.draining;
        state.shown.shut_since = flow.open.map(|open| open.since);
        let probe = flow.open.and_then(|open| open.next_probe);
        state.shown.next_probe = probe.filter(|_| flow.waits);
        state.probes_next = probe.is_some() && !flow.waits;
        state.pause_until = flow.pause_until;
        state.next_retry = flow.next_retry;
        state.paced_at = flow.is_paced.then_some(now).or(state.paced_at);
        state.goes_through_old = self.past || flow.draining.is_some();
        (state.shown.queued, state.shown.in_flight) = load;
        state.shown.cursor = cursor;
        state.shown.unread = unread;
        state.shown.oldest_undelivered = oldest;
        state.judge(now);
    }

    /// What a glance shows.
    pub(crate) fn glance(&self, now: Timestamp) -> Glance {
        let mut state = self.state();
        state.judge(now);
        let LaneView {
            health,
            oldest_undelivered,
            last_success,
            last_failure,
            pending,
            unread,
            queued,
            counts,
            ..
        } = state.shown;
        Glance {
            health,
            reason: state.reason(now),
            failure: match last_failure {
                Some(at) if now.since(at) < FAILURE_TOLD_FOR => state.failure.clone(),
                _ => None,
            },
            oldest_undelivered,
            last_success,
            last_failure,
            pending,
            backlog: unread.saturating_add(queued as u64),
            counts,
        }
    }

    /// A copy of everything.
    pub(crate) fn show(&self, now: Timestamp) -> LaneView {
        let mut state = self.state();
        state.judge(now);
        let mut shown = state.shown.clone();
        shown.latency = state.latencies.quantiles();
        shown.reason = state.reason(now);
        shown
    }
}

impl Generations {
    fn add(&mut self, seconds: f64, at: Timestamp) {
        if at.0 - self.since.0 > GENERATION_MICROS {
            self.previous = self.current.take();
            self.since = at;
        }
        self.current
            .get_or_insert_with(|| DDSketch::new(Config::defaults()))
            .add(seconds);
    }

    fn quantiles(&self) -> Latency {
        let mut all = DDSketch::new(Config::defaults());
        for sketch in [&self.previous, &self.current].into_iter().flatten() {
            // Sketches of the same configuration always merge.
            let _ = all.merge(sketch);
        }
        let quantile = |q| all.quantile(q).ok().flatten();
        Latency {
            p50: quantile(0.5),
            p95: quantile(0.95),
            p99: quantile(0.99),
        }
    }
}
