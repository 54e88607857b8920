//! The lanes. Each enabled sync has one: it reads the project's journal from its own cursor,
//! filters and renders by its plan, delivers, and settles what became of each event: delivered,
//! filtered, discarded, booked as a retry, or expired.
//!
//! Lanes share nothing that one could hold up: a destination that hangs stops its own lane only.
//! They are started, reloaded and stopped while the installation runs.

mod agenda;
mod allowance;
mod backfill;
pub mod breaker;
mod crew;
mod drain;
mod erased;
mod feed;
mod gate;
mod lane;
mod replay;
mod results;
mod sample;
mod streams;
mod turns;
mod user;
mod view;
mod window;

use async_trait::async_trait;
use delivery::{Pace, Transport, Verdict};
use model::OutboundRequest;

pub use backfill::{Backfill, CountedEvents, count_events, lane_of};
pub use feed::Outcomes;
pub use replay::{CountedFailures, FailedReplay, count_failures, event_type, replay_in};
pub use streams::{ApplyError, Backlog, Config, Streams};
pub use view::{Glance, Health, LaneView, Latency};

/// Makes one attempt at a delivery: what lanes send with.
#[async_trait]
pub trait Deliver: Send + Sync + 'static {
    /// Sends `request`, trying again within the attempt as the contract says. The first try has its
    /// place, the others take theirs of `pace`, and are left out where `may_go_on` says no.
    async fn attempt(
        &self,
        request: &OutboundRequest,
        attempt: u8,
        pace: &Pace,
        may_go_on: &(dyn Fn() -> bool + Send + Sync),
    ) -> Verdict;

    /// Of which each request needs a place besides the one of its lane.
    fn shared_pace(&self) -> Option<&Pace> {
        None
    }
}

#[async_trait]
impl<T: Transport> Deliver for delivery::Sender<T> {
    async fn attempt(
        &self,
        request: &OutboundRequest,
        attempt: u8,
        pace: &Pace,
        may_go_on: &(dyn Fn() -> bool + Send + Sync),
    ) -> Verdict {
        // The inherent method of the same name.
        delivery::Sender::attempt(self, request, attempt, pace, may_go_on).await
    }
}
