//! Who failed to sign in lately. Tokens can't be guessed and passwords hardly; this keeps guessing
//! cheap for us and visible for those who mistype.

use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hashlink::LruCache;
use model::Timestamp;

use crate::portal::ApiError;

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

/// Why something may not be tried now. What is refused counts for nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// There were too many failures: how long until the window ends.
    Failures(Duration),
    /// So many attempts are being looked at that there might be, if all of them failed.
    UnderWay,
}

impl From<Refused> for ApiError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Failures(retry_after) => Self::TooManyFailures { retry_after },
            // An attempt takes a fraction of that.
            Refused::UnderWay => Self::RateLimited {
                retry_after: Duration::from_secs(1),
            },
        }
    }
}

/// The failures of each address and account in its present window.
#[derive(Debug)]
pub(crate) struct Failures {
    addresses: Addresses,
    /// Of tokens and sessions, apart: a program that goes on with one that has ended shall not keep
    /// people at the same address from signing in.
    credentials: Addresses,
    /// Links to a new password that were asked for: no failures either.
    asked: Addresses,
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
            asked: Addresses::default(),
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

    /// Counts a link to a new password that somebody at an address asks for. `Err` when there were too
    /// many.
    pub(crate) fn note_asked(
        &self,
        address: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<(), Duration> {
        self.asked.note(address, now)
    }

    /// Begins an attempt to sign in from an address, at an account where it names one. While it is looked
    /// at it takes the place of a failure: of many at once, none goes uncounted. It becomes one unless it
    /// [succeeds](Attempt::succeeded).
    pub(crate) fn attempt(
        &self,
        address: Option<IpAddr>,
        account: Option<&str>,
        now: Timestamp,
    ) -> Result<Attempt<'_>, Refused> {
        let networks = &self.addresses.networks;
        let network = networks.begin(address.map(network), now)?;
        let sites = &self.addresses.sites;
        let site = address.and_then(site).map(|site| sites.begin(site, now));
        // Refused for the sake of one, it is taken from the others as it goes out of here.
        let site = site.transpose()?;
        let accounts = &self.accounts;
        let account = account.map(|account| accounts.begin(bounded(account), now));
        let mut attempt = Attempt {
            network,
            site,
            account: account.transpose()?,
        };
        attempt.network.failed = Some(now);
        if let Some(site) = &mut attempt.site {
            site.failed = Some(now);
        }
        if let Some(account) = &mut attempt.account {
            account.failed = Some(now);
        }
        Ok(attempt)
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

    /// Takes a letter back that was not sent.
    pub(crate) fn forgive_letter(&self, recipient: &str, now: Timestamp) {
        self.mailboxes.take_back(&bounded(recipient), now);
    }
}

/// An attempt that is being looked at. Dropped, also by whoever doesn't wait for its outcome, it was a
/// failure.
#[derive(Debug)]
pub(crate) struct Attempt<'f> {
    network: Place<'f, Option<IpAddr>>,
    site: Option<Place<'f, Ipv6Addr>>,
    account: Option<Place<'f, String>>,
}

impl Attempt<'_> {
    /// It was no failure.
    pub(crate) fn succeeded(mut self) {
        self.network.failed = None;
        if let Some(site) = &mut self.site {
            site.failed = None;
        }
        if let Some(account) = &mut self.account {
            account.failed = None;
        }
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
}

/// Counts of failures, or of anything else, each in a window that begins with its first one.
#[derive(Debug)]
pub(crate) struct Counted<K: Eq + Hash + Clone> {
    allowance: Allowance,
    windows: Mutex<LruCache<K, Window>>,
}

#[derive(Debug, Clone, Copy)]
struct Window {
    started: Timestamp,
    failures: u32,
    /// Attempts of which it isn't known yet.
    under_way: u32,
}

/// The place that an attempt takes.
#[derive(Debug)]
struct Place<'c, K: Eq + Hash + Clone> {
    counted: &'c Counted<K>,
    key: K,
    /// When it failed, if it did.
    failed: Option<Timestamp>,
}

impl<K: Eq + Hash + Clone> Drop for Place<'_, K> {
    fn drop(&mut self) {
        let failed = self.failed;
        self.counted
            .with_window(self.key.clone(), failed, |window| {
                window.under_way = window.under_way.saturating_sub(1);
                if failed.is_some() {
                    window.failures = window.failures.saturating_add(1);
                }
            });
    }
}

impl<K: Eq + Hash + Clone> Counted<K> {
    pub(crate) fn new(allowance: Allowance) -> Self {
        Self {
            allowance,
            windows: Mutex::new(LruCache::new(REMEMBERED)),
        }
    }

    fn windows(&self) -> MutexGuard<'_, LruCache<K, Window>> {
        self.windows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes a window; at a time (`now`), a new one where the present one has ended by then.
    fn with_window<T>(
        &self,
        key: K,
        now: Option<Timestamp>,
        change: impl FnOnce(&mut Window) -> T,
    ) -> T {
        let mut windows = self.windows();
        let mut window = windows.get(&key).copied().unwrap_or(Window {
            started: now.unwrap_or_default(),
            failures: 0,
            under_way: 0,
        });
        if let Some(now) = now
            && (window.failures == 0 || now.since(window.started) >= self.allowance.window)
        {
            (window.started, window.failures) = (now, 0);
        }
        let result = change(&mut window);
        match window.failures + window.under_way {
            0 => drop(windows.remove(&key)),
            _ => drop(windows.insert(key, window)),
        }
        result
    }

    fn take_back(&self, key: &K, now: Timestamp) {
        self.with_window(key.clone(), Some(now), |window| {
            window.failures = window.failures.saturating_sub(1);
        });
    }

    /// Counts one. `Err` when there were too many: how long until the window ends; it doesn't count.
    pub(crate) fn note(&self, key: K, now: Timestamp) -> Result<(), Duration> {
        self.with_window(key, Some(now), |window| {
            self.rest(window, now)?;
            window.failures += 1;
            Ok(())
        })
    }

    /// Takes a place for an attempt, which is given up when it is dropped.
    fn begin(&self, key: K, now: Timestamp) -> Result<Place<'_, K>, Refused> {
        self.with_window(key.clone(), Some(now), |window| {
            self.rest(window, now).map_err(Refused::Failures)?;
            if window.failures.saturating_add(window.under_way) >= self.allowance.free {
                return Err(Refused::UnderWay);
            }
            window.under_way += 1;
            Ok(())
        })?;
        Ok(Place {
            counted: self,
            key,
            failed: None,
        })
    }

    /// How long the window still is, if it is full.
    fn rest(&self, window: &Window, now: Timestamp) -> Result<(), Duration> {
        let end = window.started + self.allowance.window;
        match window.failures >= self.allowance.free && end > now {
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
        // Another customer, and everyone with IPv4.
        for other in ["2001:db8:2::1", "192.0.2.1"] {
            assert_eq!(failures.note(address(other), start), Ok(()), "{other}");
        }
    }

    /// An attempt that fails; what it is refused for, if it is.
    fn fail(
        failures: &Failures,
        from: Option<IpAddr>,
        account: &str,
        now: Timestamp,
    ) -> Option<Refused> {
        failures.attempt(from, Some(account), now).err()
    }

    #[test]
    fn an_account_that_is_guessed_at_from_everywhere_waits_too_and_others_do_not() {
        let (failures, start) = (Failures::default(), Timestamp(0));
        for host in 0..OF_ACCOUNT.free {
            let from = address(&format!("192.0.2.{host}"));
            assert_eq!(fail(&failures, from, "a@example.com", start), None);
        }
        let elsewhere = address("198.51.100.1");
        // Refused, none counts: neither here nor against the address.
        for _ in 0..100 {
            let refused = fail(&failures, elsewhere, "a@example.com", start);
            assert_eq!(refused, Some(Refused::Failures(OF_ACCOUNT.window)));
        }
        assert_eq!(fail(&failures, elsewhere, "b@example.com", start), None);
        let end = start + OF_ACCOUNT.window;
        assert_eq!(fail(&failures, elsewhere, "a@example.com", end), None);
    }

    #[test]
    fn attempts_that_succeed_are_not_counted() {
        let (failures, start) = (Failures::default(), Timestamp(0));
        let from = address("2001:db8::1");
        for _ in 0..200 {
            let attempt = failures.attempt(from, Some("a@example.com"), start);
            attempt.unwrap().succeeded();
        }
    }

    #[test]
    fn attempts_under_way_are_as_many_as_may_fail_and_those_beyond_are_no_failures() {
        let (failures, start) = (Failures::default(), Timestamp(0));
        let from = address("192.0.2.1");
        let attempt = |account: &str| failures.attempt(from, Some(account), start);
        let under_way: Vec<_> = (0..OF_ACCOUNT.free)
            .map(|_| attempt("a").unwrap())
            .collect();
        for _ in 0..100 {
            assert_eq!(attempt("a").err(), Some(Refused::UnderWay));
        }
        let others: Vec<_> = (OF_ACCOUNT.free..OF_ADDRESS.free)
            .map(|number| attempt(&number.to_string()).unwrap())
            .collect();
        assert_eq!(attempt("b").err(), Some(Refused::UnderWay));
        for attempt in under_way.into_iter().chain(others) {
            attempt.succeeded();
        }
        attempt("a").unwrap().succeeded();
        // All of them are free again, and count when they fail.
        for _ in 0..OF_ACCOUNT.free {
            assert_eq!(fail(&failures, from, "a", start), None);
        }
        let refused = fail(&failures, from, "a", start);
        assert_eq!(refused, Some(Refused::Failures(OF_ACCOUNT.window)));
    }

    #[test]
    fn however_long_an_account_is_called_little_is_remembered_of_it() {
        let long = "x".repeat(1 << 20);
        assert_eq!(bounded(&long).len(), ACCOUNT_CHARACTERS);
        let failures = Failures::default();
        for _ in 0..OF_ACCOUNT.free {
            assert_eq!(fail(&failures, None, &long, Timestamp(0)), None);
        }
        assert!(fail(&failures, None, &long, Timestamp(0)).is_some());
    }
}
