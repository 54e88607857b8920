//! How many requests a token or session makes: more than it may are refused until it has waited.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hashlink::LruCache;
use model::Timestamp;

/// Callers that are remembered; beyond it the one seen longest ago begins anew.
const CALLERS: usize = 16_384;

/// Over how long a caller's requests are averaged: what may come at once after a rest.
const BURST_SECONDS: f64 = 10.0;

/// A bucket of requests for each caller, refilled with time.
#[derive(Debug)]
pub(super) struct Rates {
    per_second: f64,
    buckets: Mutex<LruCache<String, Bucket>>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    left: f64,
    at: Timestamp,
}

impl Rates {
    /// `per_second` 0: any number.
    pub(super) fn new(per_second: u32) -> Self {
        Self {
            per_second: f64::from(per_second),
            buckets: Mutex::new(LruCache::new(CALLERS)),
        }
    }

    /// Takes a request of a caller. `Err` when there were too many: how long until the next one.
    pub(super) fn take(&self, caller: &str, now: Timestamp) -> Result<(), Duration> {
        if self.per_second == 0.0 {
            return Ok(());
        }
        let most = self.per_second * BURST_SECONDS;
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let mut bucket = buckets.get(caller).copied().unwrap_or(Bucket {
            left: most,
            at: now,
        });
        let refill = now.since(bucket.at).as_secs_f64() * self.per_second;
        bucket.left = (bucket.left + refill).min(most);
        bucket.at = now;
        let taken = bucket.left >= 1.0;
        let missing = 1.0 - bucket.left;
        if taken {
            bucket.left -= 1.0;
        }
        buckets.insert(caller.to_owned(), bucket);
        match taken {
            true => Ok(()),
            false => Err(Duration::from_secs_f64(missing / self.per_second)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_that_asks_too_often_waits_and_others_do_not() {
        let (rates, start) = (Rates::new(2), Timestamp(0));
        for _ in 0..20 {
            assert_eq!(rates.take("a", start), Ok(()));
        }
        assert_eq!(rates.take("a", start), Err(Duration::from_millis(500)));
        assert_eq!(rates.take("b", start), Ok(()));
        let later = start + Duration::from_millis(500);
        assert_eq!(rates.take("a", later), Ok(()));
        assert!(rates.take("a", later).is_err());
    }

    #[test]
    fn without_a_rate_anyone_may_ask_anything() {
        let rates = Rates::new(0);
        for _ in 0..1000 {
            assert_eq!(rates.take("a", Timestamp(0)), Ok(()));
        }
    }
}
