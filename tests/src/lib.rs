//! What the end-to-end tests and the benchmarks need: the real binary in a folder of its own,
//! scripted destinations, and clients for both of its sides.
//!
//! Whatever goes wrong here is the test's failure: everything panics with what it met.

// The process of a test lives as long as the test does: its tasks need no further owner.
#![allow(clippy::disallowed_methods)]

mod control;
mod destination;
mod event;
mod http;
mod metrics;
mod server;

use std::time::{Duration, Instant};

pub use control::{Control, Project, settings};
pub use destination::{Destination, Received, Reply, refusing_url};
pub use event::{Ingest, track};
pub use http::{Client, Flow, Response};
pub use metrics::Metrics;
pub use server::{Server, Setup};

/// Waits until `holds`, looking every few milliseconds; panics with `what` after `limit`.
pub async fn eventually(what: &str, limit: Duration, mut holds: impl AsyncFnMut() -> bool) {
    let end = Instant::now() + limit;
    while !holds().await {
        assert!(Instant::now() < end, "not within {limit:?}: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The value below which the share `q` of the samples lies.
pub fn quantile(samples: &mut [Duration], q: f64) -> Duration {
    assert!(!samples.is_empty(), "no samples");
    samples.sort_unstable();
    let rank = (samples.len() as f64 * q).ceil() as usize;
    samples[rank.clamp(1, samples.len()) - 1]
}
