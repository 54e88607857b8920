//! Who failed to sign in lately. Tokens can't be guessed; this keeps guessing cheap for us and
//! visible for those who mistype.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hashlink::LruCache;
use model::Timestamp;

/// Failures that an address has free in each window.
const FREE: u32 = 20;

/// How long a window is.
const WINDOW: Duration = Duration::from_secs(60);

/// Addresses that are remembered; beyond it the one that failed longest ago is forgotten.
const ADDRESSES: usize = 4096;

/// The failures of each address in its present window.
#[derive(Debug)]
pub(super) struct Failures {
    by_address: Mutex<LruCache<Option<IpAddr>, Window>>,
}

#[derive(Debug, Clone, Copy)]
struct Window {
    started: Timestamp,
    failures: u32,
}

impl Default for Failures {
    fn default() -> Self {
        Self {
            by_address: Mutex::new(LruCache::new(ADDRESSES)),
        }
    }
}

impl Failures {
    /// Counts a failure. `Err` when there were too many: how long until the window ends.
    pub(super) fn note(&self, address: Option<IpAddr>, now: Timestamp) -> Result<(), Duration> {
        let mut by_address = self
            .by_address
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let address = address.map(network);
        let present = by_address.get(&address).copied();
        let present = present.filter(|window| now.since(window.started) < WINDOW);
        let mut window = present.unwrap_or(Window {
            started: now,
            failures: 0,
        });
        window.failures = window.failures.saturating_add(1);
        by_address.insert(address, window);
        if window.failures > FREE {
            return Err((window.started + WINDOW).since(now));
        }
        Ok(())
    }
}

/// Whoever has one IPv6 address has the whole /64.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let network = address.to_bits() & (u128::MAX << 64);
            IpAddr::V6(Ipv6Addr::from_bits(network))
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn an_address_that_keeps_failing_is_told_to_wait_until_its_window_ends() {
        let (failures, start) = (Failures::default(), Timestamp(0));
        for _ in 0..FREE {
            assert_eq!(failures.note(address("192.0.2.1"), start), Ok(()));
        }
        let later = start + Duration::from_secs(20);
        let wait = Duration::from_secs(40);
        assert_eq!(failures.note(address("192.0.2.1"), later), Err(wait));
        assert_eq!(failures.note(address("::ffff:192.0.2.1"), later), Err(wait));
        assert_eq!(failures.note(address("192.0.2.2"), later), Ok(()));
        assert_eq!(failures.note(address("192.0.2.1"), start + WINDOW), Ok(()));
    }

    #[test]
    fn neighbours_in_one_ipv6_network_count_as_one() {
        let failures = Failures::default();
        for host in 0..FREE {
            let _ = failures.note(address(&format!("2001:db8::{host:x}")), Timestamp(0));
        }
        assert!(
            failures
                .note(address("2001:db8::ffff"), Timestamp(0))
                .is_err()
        );
        assert!(
            failures
                .note(address("2001:db8:0:1::1"), Timestamp(0))
                .is_ok()
        );
    }
}
