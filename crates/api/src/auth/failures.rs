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

/// Failures that a provider's customer (a /48 of IPv6) has free in each of its windows: whoever has one
/// may have 65,536 networks.
const OF_SITE: Allowance = Allowance {
    free: 100,
    window: Duration::from_secs(60),
};

/// Failures that an account has free in each of its windows, wherever they come from.
const OF_ACCOUNT: Allowance = Allowance {
    free: 10,
    window: Duration::from_secs(5 * 60),
};

/// Letters that strangers may have sent to an address in each of its windows.
const OF_MAILBOX: Allowance = Allowance {
    free: 5,
    window: Duration::from_secs(60 * 60),
};

/// Longest text that an account is remembered by; addresses that have one are shorter.
const ACCOUNT_CHARACTERS: usize = 256;

/// How often something may happen.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Allowance {
    pub(crate) free: u32,
    pub(crate) window: Duration,
}

/// The failures of each address and account in its present window.
#[derive(Debug)]
pub(crate) struct Failures {
    addresses: Addresses,
    /// Of tokens and sessions, apart: a program that goes on with one that has ended shall not keep
    /// people at the same address from signing in.
    credentials: Addresses,
    /// Of people who are signed in and prove that it is them, by their sessions.
    sessions: Counted<String>,
    accounts: Counted<String>,
    mailboxes: Counted<String>,
}

impl Default for Failures {
    fn default() -> Self {
        Self {
            addresses: Addresses::default(),
            credentials: Addresses::default(),
            sessions: Counted::new(OF_ACCOUNT),
            accounts: Counted::new(OF_ACCOUNT),
            mailboxes: Counted::new(OF_MAILBOX),
        }
    }
}

impl Failures {
    /// Counts a failure of an address. `Err` when there were too many: how long until the window
    /// ends.
    pub(crate) fn note(&self, address: Option<IpAddr>, now: Timestamp) -> Result<(), Duration> {
        self.addresses.note(address, now)
    }

    /// The same of a token or session that is none, or none any more.
    pub(crate) fn note_credential(
        &self,
        address: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<(), Duration> {
        self.credentials.note(address, now)
    }

    /// Counts an attempt at an account as a failure until it is [forgiven](Self::forgive): of many at
    /// once, none goes uncounted while the others are looked at. `Err` when there were too many.
    pub(crate) fn attempt(
        &self,
        address: Option<IpAddr>,
        account: &str,
        now: Timestamp,
    ) -> Result<(), Duration> {
        self.note(address, now)?;
        self.accounts.note(bounded(account), now)
    }

    /// Takes a [noted](Self::note) failure back: it was none.
    pub(crate) fn forgive_address(&self, address: Option<IpAddr>, now: Timestamp) {
        self.addresses.take_back(address, now);
    }

    /// Takes an [attempt](Self::attempt) back: it was no failure.
    pub(crate) fn forgive(&self, address: Option<IpAddr>, account: &str, now: Timestamp) {
        self.forgive_address(address, now);
        self.accounts.take_back(&bounded(account), now);
    }

    /// Counts an attempt by someone who is signed in, who has as many as an account has.
    pub(crate) fn attempt_in_session(&self, session: &str, now: Timestamp) -> Result<(), Duration> {
        self.sessions.note(session.to_owned(), now)
    }

    /// Takes an attempt by someone who is signed in back.
    pub(crate) fn forgive_in_session(&self, session: &str, now: Timestamp) {
        self.sessions.take_back(&session.to_owned(), now);
    }

    /// Counts a letter that a stranger has sent to an address. `Err` when there were too many.
    pub(crate) fn note_letter(&self, recipient: &str, now: Timestamp) -> Result<(), Duration> {
        self.mailboxes.note(bounded(recipient), now)
    }
}

/// Failures by where they come from.
#[derive(Debug)]
struct Addresses {
    networks: Counted<Option<IpAddr>>,
    sites: Counted<Ipv6Addr>,
}

impl Default for Addresses {
    fn default() -> Self {
        Self {
            networks: Counted::new(OF_ADDRESS),
            sites: Counted::new(OF_SITE),
        }
    }
}

impl Addresses {
    fn note(&self, address: Option<IpAddr>, now: Timestamp) -> Result<(), Duration> {
        // What is refused for its network's sake doesn't count against the neighbours.
        self.networks.note(address.map(network), now)?;
        let site = address.and_then(site);
        site.map_or(Ok(()), |site| self.sites.note(site, now))
    }

    fn take_back(&self, address: Option<IpAddr>, now: Timestamp) {
        self.networks.take_back(&address.map(network), now);
        if let Some(site) = address.and_then(site) {
            self.sites.take_back(&site, now);
        }
    }
}

/// Counts of failures, or of anything else, each in a window that begins with its first one.
#[derive(Debug)]
pub(crate) struct Counted<K: Eq + Hash> {
    allowance: Allowance,
    windows: Mutex<LruCache<K, Window>>,
}

#[derive(Debug, Clone, Copy)]
struct Window {
    started: Timestamp,
    failures: u32,
}

impl<K: Eq + Hash> Counted<K> {
    pub(crate) fn new(allowance: Allowance) -> Self {
        Self {
            allowance,
            windows: Mutex::new(LruCache::new(REMEMBERED)),
        }
    }

    fn windows(&self) -> MutexGuard<'_, LruCache<K, Window>> {
        self.windows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_back(&self, key: &K, now: Timestamp) {
        if let Some(window) = self.windows().get_mut(key)
            && now.since(window.started) < self.allowance.window
        {
            window.failures = window.failures.saturating_sub(1);
        }
    }

    /// Counts one. `Err` when there were too many: how long until the window ends.
    pub(crate) fn note(&self, key: K, now: Timestamp) -> Result<(), Duration> {
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

/// What an account is remembered by: strangers choose it, at any length.
fn bounded(account: &str) -> String {
    account.chars().take(ACCOUNT_CHARACTERS).collect()
}

/// Whoever has one IPv6 address has the whole /64.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(prefix(address, 64)),
        address => address,
    }
}

/// What a provider gives to one customer; `None` for IPv4, where that is an address.
fn site(address: IpAddr) -> Option<Ipv6Addr> {
    match address.to_canonical() {
        IpAddr::V6(address) => Some(prefix(address, 48)),
        IpAddr::V4(_) => None,
    }
}

fn prefix(address: Ipv6Addr, bits: u32) -> Ipv6Addr {
    Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << (128 - bits)))
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
    fn the_networks_of_one_customer_count_together_with_a_larger_allowance() {
        let (failures, start) = (Failures::default(), Timestamp(0));
        for number in 0..OF_SITE.free {
            let from = address(&format!("2001:db8:1:{number:x}::1"));
            assert_eq!(failures.note(from, start), Ok(()), "{number}");
        }
        let next = address("2001:db8:1:ffff::1");
        assert_eq!(failures.note(next, start), Err(OF_SITE.window));
        assert_eq!(failures.note_credential(next, start), Ok(()));
        failures.forgive_address(next, start);
        failures.forgive_address(next, start);
        assert_eq!(failures.note(next, start), Ok(()));
        // Another customer, and everyone with IPv4.
        for other in ["2001:db8:2::1", "192.0.2.1"] {
            assert_eq!(failures.note(address(other), start), Ok(()), "{other}");
        }
    }

    #[test]
    fn an_account_that_is_guessed_at_from_everywhere_waits_too_and_others_do_not() {
        let (failures, start) = (Failures::default(), Timestamp(0));
        for host in 0..OF_ACCOUNT.free {
            let from = address(&format!("192.0.2.{host}"));
            assert_eq!(failures.attempt(from, "a@example.com", start), Ok(()));
        }
        let elsewhere = address("198.51.100.1");
        let wait = failures.attempt(elsewhere, "a@example.com", start);
        assert_eq!(wait, Err(OF_ACCOUNT.window));
        assert_eq!(failures.attempt(elsewhere, "b@example.com", start), Ok(()));
        let end = start + OF_ACCOUNT.window;
        assert_eq!(failures.attempt(elsewhere, "a@example.com", end), Ok(()));
    }

    #[test]
    fn attempts_that_succeed_are_not_counted() {
        let (failures, start) = (Failures::default(), Timestamp(0));
        let from = address("192.0.2.1");
        for _ in 0..100 {
            assert_eq!(failures.attempt(from, "a@example.com", start), Ok(()));
            failures.forgive(from, "a@example.com", start);
        }
    }

    #[test]
    fn however_long_an_account_is_called_little_is_remembered_of_it() {
        let long = "x".repeat(1 << 20);
        assert_eq!(bounded(&long).len(), ACCOUNT_CHARACTERS);
        let failures = Failures::default();
        for _ in 0..OF_ACCOUNT.free {
            let attempt = failures.attempt(None, &long, Timestamp(0));
            assert_eq!(attempt, Ok(()));
        }
        assert!(failures.attempt(None, &long, Timestamp(0)).is_err());
    }
}
