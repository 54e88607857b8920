//! When to say in the log that requests are refused for want of room: once a while. A line for each
//! request would bury the cause, and add to the load that may be it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use model::Timestamp;

/// A cause that lasts is said again after this time.
const EVERY: Duration = Duration::from_secs(30);

/// When each cause was last said. There are a handful of causes.
#[derive(Debug, Default)]
pub(super) struct Outages {
    said: Mutex<HashMap<&'static str, Said>>,
}

#[derive(Debug, Clone, Copy)]
struct Said {
    at: Timestamp,
    refused_since: u64,
}

impl Outages {
    /// Notes a request that is refused at `now`. When it is time to say so: how many requests were
    /// refused for the same cause since that was last said, this one included.
    pub(super) fn note(&self, reason: &'static str, now: Timestamp) -> Option<u64> {
        // Nothing panics while the lock is held.
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(last) = said.get_mut(reason) else {
            let first = Said {
                at: now,
                refused_since: 0,
            };
            said.insert(reason, first);
            return Some(1);
        };
        last.refused_since += 1;
        if now.since(last.at) < EVERY {
            return None;
        }
        last.at = now;
        Some(std::mem::take(&mut last.refused_since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_said_at_once_and_then_once_a_while() {
        let outages = Outages::default();
        let at = |seconds: i64| Timestamp(seconds * 1_000_000);
        assert_eq!(outages.note("disk_full", at(0)), Some(1));
        assert_eq!(outages.note("disk_full", at(1)), None);
        assert_eq!(outages.note("journal_busy", at(1)), Some(1));
        assert_eq!(outages.note("disk_full", at(29)), None);
        assert_eq!(outages.note("disk_full", at(30)), Some(3));
        assert_eq!(outages.note("disk_full", at(31)), None);
    }
}
