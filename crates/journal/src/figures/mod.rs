//! Figures: what is counted for each lane and each project, by the minute and by the hour.
//!
//! What a lane counts is committed with the settlement that it counts, and what a project receives
//! with the events: figures are exact through crashes. They cost by lanes and minutes, not by events.

mod balance;
mod kept;
mod sketch;

use std::collections::BTreeMap;
use std::time::Duration;

use model::outcome::Category;
use model::{ProjectId, SyncId, Timestamp};

use crate::Counts;

pub use balance::Balance;
pub use sketch::Sketch;

/// The most steps that are read at once: 90 days of hours, and a few more.
pub const MOST_STEPS: usize = 2500;

/// How long figures by the minute are kept at least.
pub const MINUTES_KEPT: Duration = Duration::from_secs(4 * 60 * 60);

/// Whose figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// A project's: of all its lanes (also those that have been dropped since), and what it received.
    Project(ProjectId),
    /// One lane's.
    Sync(SyncId),
}

/// Over which time figures are summed up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A minute.
    Minute,
    /// An hour.
    Hour,
}

impl Step {
    /// How long it takes, in microseconds.
    pub const fn micros(self) -> i64 {
        match self {
            Self::Minute => 60_000_000,
            Self::Hour => 3_600_000_000,
        }
    }

    /// The beginning of the step that a moment lies in.
    pub fn start(self, at: Timestamp) -> Timestamp {
        Timestamp(at.0.div_euclid(self.micros()) * self.micros())
    }
}

/// What was counted over some time.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Figures {
    /// What became of deliveries.
    pub counts: Counts,
    /// More about them.
    pub details: Details,
    /// What makes them add up.
    pub balance: Balance,
    /// Events that were dropped as duplicates; of projects only.
    pub duplicates: u64,
    /// Retries that were pending when these figures were last added to.
    pub pending: u64,
    /// Deliveries that waited then for an earlier one of their user, without a retry.
    pub waiting: u64,
}

impl Figures {
    /// Adds those of a later time.
    pub fn add(&mut self, later: &Self) {
        self.counts.add(&later.counts);
        self.details.add(&later.details);
        self.balance.add(&later.balance);
        self.duplicates += later.duplicates;
        self.pending = later.pending;
        self.waiting = later.waiting;
    }
}

/// What figures tell beyond [`Counts`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Details {
    /// Of a lane: events that it has settled, meant for it or not. Of a project: events that were
    /// accepted.
    pub received: u64,
    /// Requests that were sent, each try of an attempt that was settled: what a kill cut off is not known.
    pub requests: u64,
    /// Discarded deliveries, by the reason's [name](model::outcome::Discarded::name).
    pub discarded: BTreeMap<&'static str, u64>,
    /// Failed attempts, by category and, where there was an answer, its status.
    pub failures: BTreeMap<(Category, Option<u16>), u64>,
    /// Seconds from received to delivered.
    pub latency: Sketch,
}

impl Details {
    /// Adds another's.
    pub fn add(&mut self, other: &Self) {
        self.received += other.received;
        self.requests += other.requests;
        for (reason, count) in &other.discarded {
            *self.discarded.entry(reason).or_default() += count;
        }
        for (kind, count) in &other.failures {
            *self.failures.entry(*kind).or_default() += count;
        }
        self.latency.merge(&other.latency);
    }

    /// Whether there is nothing to count.
    pub fn is_empty(&self) -> bool {
        // What else there is comes with counts.
        self.received == 0 && self.requests == 0
    }
}
