//! The built-in receiver: a destination that keeps the last requests it got and shows them, so that
//! a sync can be tried without a server of one's own.
//!
//! Memory is bounded: so many names, so many requests and bytes a name, so much of each body.

mod http;
mod mask;

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use model::{Clock, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use xxhash_rust::xxh3::xxh3_64;

pub(crate) use http::router;

/// What the receiver may keep.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Whether it is there at all.
    pub(crate) enabled: bool,
    /// How many names may be in use at once.
    pub(crate) names: usize,
    /// How many requests are kept for each name.
    pub(crate) requests_per_name: usize,
    /// How many bytes of them are kept for each name.
    pub(crate) bytes_per_name: usize,
    /// How much of one body is kept.
    pub(crate) body_kept_bytes: usize,
    /// The largest body that is taken.
    pub(crate) body_max_bytes: usize,
    /// How many deliveries are remembered for each name, to tell repetitions from new ones.
    pub(crate) deliveries_remembered: usize,
}

/// A request as it arrived, credentials masked.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Recorded {
    /// Ascending over all requests of the name, from 1.
    pub(crate) sequence: u64,
    /// Milliseconds since 1970.
    pub(crate) received_at: i64,
    /// The verb.
    pub(crate) method: String,
    /// Path and query.
    pub(crate) path: String,
    /// In the order in which they came.
    pub(crate) headers: Vec<(String, String)>,
    /// The body's beginning, as text.
    pub(crate) body: String,
    /// The whole body's length.
    pub(crate) body_bytes: usize,
    /// What `millstream-delivery-id` said.
    pub(crate) delivery_id: Option<String>,
    /// What `millstream-attempt` said.
    pub(crate) attempt: Option<u32>,
    /// Whether a request of the same delivery was answered with success before.
    pub(crate) repeated: bool,
    /// What it was answered with.
    pub(crate) status: u16,
}

impl Recorded {
    fn bytes(&self) -> usize {
        const OVERHEAD: usize = 256;
        let headers: usize = self.headers.iter().map(|(n, v)| n.len() + v.len()).sum();
        OVERHEAD + self.path.len() + headers + self.body.len()
    }
}

/// What has arrived under a name since the start or the last clearing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Counts {
    /// Requests.
    pub(crate) requests: u64,
    /// Requests answered with success, each delivery counted once.
    pub(crate) deliveries: u64,
    /// Requests of deliveries that had succeeded before.
    pub(crate) repeated: u64,
    /// Requests answered with anything but success.
    pub(crate) refused: u64,
}

/// One page of what was recorded.
#[derive(Debug, Serialize)]
pub(crate) struct Page {
    /// Everything that has arrived, kept or not.
    pub(crate) counts: Counts,
    /// The newest sequence number; the `after` of the next page.
    pub(crate) last: u64,
    /// Requests after the one asked for that aren't in this page: dropped, or more than `limit`.
    pub(crate) skipped: u64,
    /// Ascending by sequence.
    pub(crate) requests: Vec<Recorded>,
}

/// More names than [`Config::names`] would be in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{limit} names are in use, which is the limit; clear one first")]
pub(crate) struct TooManyNames {
    limit: usize,
}

/// The requests of every name. Shared by the handlers.
pub(crate) struct Receiver {
    config: Config,
    clock: Arc<dyn Clock>,
    names: Mutex<BTreeMap<String, Ring>>,
    changed: watch::Sender<u64>,
}

impl Receiver {
    /// An empty receiver.
    pub(crate) fn new(config: Config, clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self {
            config,
            clock,
            names: Mutex::default(),
            changed: watch::Sender::new(0),
        })
    }

    fn names(&self) -> MutexGuard<'_, BTreeMap<String, Ring>> {
        // Nothing panics while the lock is held; if something did, the rings are still whole.
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn record(&self, name: &str, request: Recorded) -> Result<(), TooManyNames> {
        let mut names = self.names();
        let limit = self.config.names;
        if !names.contains_key(name) && names.len() >= limit {
            return Err(TooManyNames { limit });
        }
        let ring = names.entry(name.to_owned()).or_default();
        ring.push(request, &self.config);
        drop(names);
        self.changed.send_modify(|version| *version += 1);
        Ok(())
    }

    /// What has arrived under `name`.
    pub(crate) fn counts(&self, name: &str) -> Counts {
        self.names()
            .get(name)
            .map(|ring| ring.counts)
            .unwrap_or_default()
    }

    fn all_counts(&self) -> BTreeMap<String, Counts> {
        let names = self.names();
        names
            .iter()
            .map(|(name, ring)| (name.clone(), ring.counts))
            .collect()
    }

    fn page(&self, name: &str, after: u64, limit: usize) -> Page {
        let names = self.names();
        let Some(ring) = names.get(name) else {
            return Page {
                counts: Counts::default(),
                last: 0,
                skipped: 0,
                requests: Vec::new(),
            };
        };
        // A sequence number from before a restart or a clearing: show everything.
        let after = if after > ring.last { 0 } else { after };
        let newer = ring.kept.iter().filter(|request| request.sequence > after);
        let surplus = newer.clone().count().saturating_sub(limit);
        let requests: Vec<Recorded> = newer.skip(surplus).cloned().collect();
        Page {
            counts: ring.counts,
            last: ring.last,
            skipped: ring.last - after - requests.len() as u64,
            requests,
        }
    }

    fn clear(&self, name: &str) -> bool {
        let was_there = self.names().remove(name).is_some();
        self.changed.send_modify(|version| *version += 1);
        was_there
    }
}

/// The requests of one name.
#[derive(Debug, Default)]
struct Ring {
    kept: VecDeque<Recorded>,
    kept_bytes: usize,
    last: u64,
    counts: Counts,
    seen: Seen,
}

impl Ring {
    fn push(&mut self, mut request: Recorded, config: &Config) {
        let success = (200..300).contains(&request.status);
        request.repeated = match &request.delivery_id {
            Some(id) if success => !self.seen.insert(id, config.deliveries_remembered),
            Some(id) => self.seen.contains(id),
            None => false,
        };
        self.counts.requests += 1;
        self.counts.refused += u64::from(!success);
        self.counts.repeated += u64::from(request.repeated);
        self.counts.deliveries += u64::from(success && !request.repeated);
        self.last += 1;
        request.sequence = self.last;
        self.kept_bytes += request.bytes();
        self.kept.push_back(request);
        while self.kept.len() > config.requests_per_name || self.kept_bytes > config.bytes_per_name
        {
            let Some(oldest) = self.kept.pop_front() else {
                break;
            };
            self.kept_bytes -= oldest.bytes();
        }
    }
}

/// The last so many delivery ids, as hashes.
#[derive(Debug, Default)]
struct Seen {
    hashes: HashSet<u64>,
    order: VecDeque<u64>,
}

impl Seen {
    /// Whether `id` was not there; the oldest is forgotten beyond `capacity`.
    fn insert(&mut self, id: &str, capacity: usize) -> bool {
        let hash = xxh3_64(id.as_bytes());
        if !self.hashes.insert(hash) {
            return false;
        }
        self.order.push_back(hash);
        if self.order.len() > capacity
            && let Some(oldest) = self.order.pop_front()
        {
            self.hashes.remove(&oldest);
        }
        true
    }

    fn contains(&self, id: &str) -> bool {
        self.hashes.contains(&xxh3_64(id.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use model::time::ManualClock;

    use super::*;

    fn config() -> Config {
        Config {
            enabled: true,
            names: 2,
            requests_per_name: 3,
            bytes_per_name: 10_000,
            body_kept_bytes: 1000,
            body_max_bytes: 1000,
            deliveries_remembered: 100,
        }
    }

    fn receiver() -> Arc<Receiver> {
        Receiver::new(config(), Arc::new(ManualClock::default()))
    }

    fn request(delivery: &str, status: u16) -> Recorded {
        Recorded {
            sequence: 0,
            received_at: 0,
            method: "POST".into(),
            path: "/receiver/in/a".into(),
            headers: Vec::new(),
            body: "{}".into(),
            body_bytes: 2,
            delivery_id: Some(delivery.into()),
            attempt: Some(1),
            repeated: false,
            status,
        }
    }

    #[test]
    fn only_the_newest_requests_are_kept_and_all_are_counted() {
        let receiver = receiver();
        for id in ["a", "b", "c", "d", "e"] {
            receiver.record("x", request(id, 200)).unwrap();
        }
        let page = receiver.page("x", 0, 10);
        let kept: Vec<_> = page.requests.iter().map(|r| r.sequence).collect();
        assert_eq!(kept, [3, 4, 5]);
        assert_eq!((page.counts.requests, page.last, page.skipped), (5, 5, 2));
    }

    #[test]
    fn the_bytes_of_a_name_are_bounded() {
        let receiver = receiver();
        for id in ["a", "b", "c"] {
            let mut large = request(id, 200);
            large.body = "x".repeat(4_000);
            receiver.record("x", large).unwrap();
        }
        assert_eq!(receiver.page("x", 0, 10).requests.len(), 2);
    }

    #[test]
    fn a_delivery_that_comes_again_after_a_success_counts_once() {
        let receiver = receiver();
        for (id, status) in [("a", 500), ("a", 200), ("a", 200), ("b", 200)] {
            receiver.record("x", request(id, status)).unwrap();
        }
        let expected = Counts {
            requests: 4,
            deliveries: 2,
            repeated: 1,
            refused: 1,
        };
        assert_eq!(receiver.counts("x"), expected);
        let repeated: Vec<_> = receiver.page("x", 0, 10).requests;
        assert_eq!(
            repeated.iter().map(|r| r.repeated).collect::<Vec<_>>(),
            [false, true, false]
        );
    }

    #[test]
    fn a_page_starts_after_what_is_already_known_and_says_what_it_leaves_out() {
        let receiver = receiver();
        for id in ["a", "b", "c"] {
            receiver.record("x", request(id, 200)).unwrap();
        }
        let page = receiver.page("x", 1, 1);
        assert_eq!(page.requests.len(), 1);
        assert_eq!((page.requests[0].sequence, page.skipped), (3, 1));
        assert_eq!(receiver.page("x", 3, 10).requests.len(), 0);
        assert_eq!(receiver.page("x", 99, 10).requests.len(), 3);
    }

    #[test]
    fn a_further_name_is_refused_until_one_is_cleared() {
        let receiver = receiver();
        for name in ["a", "b"] {
            receiver.record(name, request("d", 200)).unwrap();
        }
        assert_eq!(
            receiver.record("c", request("d", 200)),
            Err(TooManyNames { limit: 2 })
        );
        assert!(receiver.clear("a"));
        assert_eq!(receiver.record("c", request("d", 200)), Ok(()));
    }

    #[test]
    fn remembered_deliveries_are_bounded() {
        let mut seen = Seen::default();
        assert!(seen.insert("a", 2) && seen.insert("b", 2) && seen.insert("c", 2));
        assert!(!seen.contains("a") && seen.contains("b") && seen.contains("c"));
        assert_eq!(seen.hashes.len(), 2);
    }
}
