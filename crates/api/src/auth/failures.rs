//! Who failed to sign in lately. Tokens can't be guessed and passwords hardly; this keeps guessing
//! cheap for us and visible for those who mistype.

use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hashlink::LruCache;
use model::Timestamp;

/// Those who are remembered, of each kind; beyond it the one that failed longest ago is forgotten.
const REMEMBERED: usize = 4096;

/// Failures that an address has free in each of its windows.
const OF_ADDRESS: Allowance = Allowance {
    free: 20,
    window: Duration::from_secs(60),
};

/// Failures that an account has free in each of its windows, wherever they come from.
const OF_ACCOUNT: Allowance = Allowance {
    free: 10,
    window: Duration::from_secs(5 * 60),
};

#[derive(Debug, Clone, Copy)]
struct Allowance {
    free: u32,
    window: Duration,
}

/// The failures of each address and account in its present window.
#[derive(Debug)]
pub(crate) struct Failures {
    addresses: Counted<Option<IpAddr>>,
    accounts: Counted<String>,
}

impl Default for Failures {
    fn default() -> Self {
        Self {
            addresses: Counted::new(OF_ADDRESS),
            accounts: Counted::new(OF_ACCOUNT),
        }
    }
}

impl Failures {
    /// Counts a failure of an address. `Err` when there were too many: how long until the window
    /// ends.
    pub(crate) fn note(&self, address: Option<IpAddr>, now: Timestamp) -> Result<(), Duration> {
        self.addresses.note(address.map(network), now)
    }

    /// Whether an address or an account has failed too often to be looked at.
    pub(crate) fn check(
        &self,
        address: Option<IpAddr>,
        account: &str,
        now: Timestamp,
    ) -> Result<(), Duration> {
        self.addresses.check(&address.map(network), now)?;
        self.accounts.check(&account.to_owned(), now)
    }

    /// Counts a failure of an account.
    pub(crate) fn note_account(&self, account: &str, now: Timestamp) {
        // The next one is told.
        let _ = self.accounts.note(account.to_owned(), now);
    }
}

/// Counts of failures, each in a window that begins with its first one.
#[derive(Debug)]
struct Counted<K: Eq + Hash> {
    allowance: Allowance,
    windows: Mutex<LruCache<K, Window>>,
}

#[derive(Debug, Clone, Copy)]
struct Window {
    started: Timestamp,
    failures: u32,
}

impl<K: Eq + Hash> Counted<K> {
    fn new(allowance: Allowance) -> Self {
        Self {
            allowance,
            windows: Mutex::new(LruCache::new(REMEMBERED)),
        }
    }

    fn windows(&self) -> MutexGuard<'_, LruCache<K, Window>> {
        self.windows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn check(&self, key: &K, now: Timestamp) -> Result<(), Duration> {
        let present = self.windows().get(key).copied();
        match present {
            Some(window) if window.failures >= self.allowance.free => self.rest(window, now),
            _ => Ok(()),
        }
    }

    fn note(&self, key: K, now: Timestamp) -> Result<(), Duration> {
        let mut windows = self.windows();
        let present = windows.get(&key).copied();
        let length = self.allowance.window;
        let present = present.filter(|window| now.since(window.started) < length);
        let mut window = present.unwrap_or(Window {
            started: now,
            failures: 0,
        });
        window.failures = window.failures.saturating_add(1);
        windows.insert(key, window);
        drop(windows);
        match window.failures > self.allowance.free {
            true => self.rest(window, now),
            false => Ok(()),
        }
    }

    /// How long the window still is, if it is still there.
    fn rest(&self, window: Window, now: Timestamp) -> Result<(), Duration> {
        let end = window.started + self.allowance.window;
        match end > now {
            true => Err(end.since(now)),
            false => Ok(()),
        }
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
        for _ in 0..OF_ADDRESS.free {
            assert_eq!(failures.note(address("192.0.2.1"), start), Ok(()));
        }
        let later = start + Duration::from_secs(20);
        let wait = Duration::from_secs(40);
        assert_eq!(failures.note(address("192.0.2.1"), later), Err(wait));
        assert_eq!(failures.note(address("::ffff:192.0.2.1"), later), Err(wait));
        assert_eq!(failures.note(address("192.0.2.2"), later), Ok(()));
        let end = start + OF_ADDRESS.window;
        assert_eq!(failures.note(address("192.0.2.1"), end), Ok(()));
    }

    #[test]
    fn neighbours_in_one_ipv6_network_count_as_one() {
        let failures = Failures::default();
        for host in 0..OF_ADDRESS.free {
            let _ = failures.note(address(&format!("2001:db8::{host:x}")), Timestamp(0));
        }
        let neighbour = address("2001:db8::ffff");
        assert!(failures.note(neighbour, Timestamp(0)).is_err());
        let stranger = address("2001:db8:0:1::1");
        assert!(failures.note(stranger, Timestamp(0)).is_ok());
    }

    #[test]
    fn an_account_that_is_guessed_at_from_everywhere_waits_too_and_others_do_not() {
        let (failures, start) = (Failures::default(), Timestamp(0));
        for host in 0..OF_ACCOUNT.free {
            let from = address(&format!("192.0.2.{host}"));
            assert_eq!(failures.check(from, "a@example.com", start), Ok(()));
            failures.note_account("a@example.com", start);
        }
        let elsewhere = address("198.51.100.1");
        let wait = failures.check(elsewhere, "a@example.com", start);
        assert_eq!(wait, Err(OF_ACCOUNT.window));
        assert_eq!(failures.check(elsewhere, "b@example.com", start), Ok(()));
        let end = start + OF_ACCOUNT.window;
        assert_eq!(failures.check(elsewhere, "a@example.com", end), Ok(()));
    }
}
