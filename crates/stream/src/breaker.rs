//! The circuit breaker: a destination that takes nothing is not sent every new event only to see it
//! fail.
//!
//! A delivery that was begun has its ten attempts over four hours, whatever happens. So while the
//! breaker is open, none is begun but a probe now and then; the others stay in the log, where waiting
//! costs no attempt. The first answer that tells of a living destination closes it.
//!
//! What fails for its own sake must not be taken for a destination that is gone. Retries are of
//! deliveries that have failed before: that they fail again says nothing, so they neither open the breaker
//! nor put off its next probe. Of a user whose deliveries wait for one another a row of failures is one.
//!
//! Where all users' deliveries wait for one another, retries are all that is tried: there those of different
//! users count, unless a first attempt was taken lately. They are what probes are made with, too: such a one
//! is begun ahead of its time.

use std::time::Duration;

use jiff::fmt::serde::unsigned_duration::friendly::compact::required as duration;
use model::outcome::Category;
use model::setting::{Check, Invalid};
use model::{Random, Timestamp};
use serde::Deserialize;

/// How long a first attempt that was taken tells that retries fail for their own sake.
const FRESH: Duration = Duration::from_secs(60);

/// A row of failures that is longer than this is a breaker that never opens.
const MOST_FAILURES: u64 = 1_000_000;

/// When a destination counts as gone, and how often it is asked then.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How many first attempts in a row must have failed at least; 0 switches the breaker off.
    pub failures: u64,
    /// Over how long a time at least.
    #[serde(with = "duration")]
    pub after: Duration,
    /// How long after opening the first probe is made. Each that fails doubles the wait.
    #[serde(with = "duration")]
    pub first_probe: Duration,
    /// The longest wait between two probes.
    #[serde(with = "duration")]
    pub longest_wait: Duration,
    /// Whether refused credentials (401, 403) count as a destination that takes nothing.
    pub on_refused_credentials: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            failures: 20,
            after: Duration::from_secs(10),
            first_probe: Duration::from_secs(5),
            longest_wait: Duration::from_secs(60),
            on_refused_credentials: true,
        }
    }
}

impl Config {
    /// Everything that is out of range.
    pub fn problems(&self) -> Vec<Invalid> {
        let mut check = Check::default();
        let failures = self.failures <= MOST_FAILURES;
        check.require("breaker.failures", failures, "from 0 to 1000000");
        let first = Duration::from_millis(10)..=Duration::from_secs(3600);
        let is_first = first.contains(&self.first_probe);
        check.require("breaker.first_probe", is_first, "from 10ms to 1h");
        let longest = self.first_probe..=Duration::from_secs(3600);
        let is_longest = longest.contains(&self.longest_wait);
        let range = "at least `breaker.first_probe`, at most 1h";
        check.require("breaker.longest_wait", is_longest, range);
        check.finish()
    }

    /// What a failure tells of the destination.
    fn sign_of(&self, category: Category) -> Sign {
        match category {
            Category::Unauthorized if !self.on_refused_credentials => Sign::Alive,
            Category::Dns
            | Category::Blocked
            | Category::Connect
            | Category::Tls
            | Category::Timeout
            | Category::Protocol
            | Category::RateLimited
            | Category::Unauthorized
            | Category::ServerError => Sign::Gone,
            Category::Redirect
            | Category::ClientError
            | Category::UnexpectedStatus
            | Category::Rejected => Sign::Alive,
            Category::Internal | Category::Discarded | Category::AwaitingProperty => Sign::None,
        }
    }
}

/// What an attempt tells of the destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    /// It takes requests, or refuses this one for what it is.
    Alive,
    /// It takes none.
    Gone,
    /// Nothing.
    None,
}

/// A lane's breaker.
#[derive(Debug)]
pub(crate) struct Breaker {
    config: Config,
    state: State,
    /// When the last first attempt ended that the destination took, or refused for what it was.
    taken_at: Option<Timestamp>,
}

#[derive(Debug)]
enum State {
    Closed {
        /// Attempts that failed in a row, of those that count.
        failed: u64,
        /// When the first of them ended.
        since: Timestamp,
        /// Whose the last of them was, where the order is kept.
        user: Option<u64>,
    },
    Open {
        since: Timestamp,
        /// Attempts that began before this tell nothing new.
        asked_at: Timestamp,
        wait: Duration,
        next_probe: Timestamp,
        /// Whether the answer to a probe is awaited.
        probing: bool,
    },
}

/// An attempt that is over.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attempt {
    pub(crate) began: Timestamp,
    pub(crate) at: Timestamp,
    /// Whether its delivery has not failed before.
    pub(crate) is_first: bool,
    /// Whether it is of a retry that was begun ahead of its time.
    pub(crate) is_ahead: bool,
    /// Whose it is, where the user's deliveries wait for one another.
    pub(crate) user: Option<u64>,
}

/// How an open breaker is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Open {
    pub(crate) since: Timestamp,
    /// When the next probe is made; `None` when the answer to one is awaited.
    pub(crate) next_probe: Option<Timestamp>,
}

impl Breaker {
    pub(crate) fn new(config: Config) -> Self {
        Self {
            config,
            state: State::closed(),
            taken_at: None,
        }
    }

    /// The destination took nothing when the lane stood still last: it is asked at once, with one delivery.
    pub(crate) fn reopen(&mut self, now: Timestamp) {
        if self.config.failures == 0 {
            return;
        }
        self.state = State::Open {
            since: now,
            asked_at: now,
            wait: self.config.first_probe,
            next_probe: now,
            probing: false,
        };
    }

    /// Whether no delivery is to be begun but probes.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.state, State::Open { .. })
    }

    pub(crate) fn show(&self) -> Option<Open> {
        match self.state {
            State::Closed { .. } => None,
            State::Open {
                since,
                next_probe,
                probing,
                ..
            } => Some(Open {
                since,
                next_probe: (!probing).then_some(next_probe),
            }),
        }
    }

    /// When the next probe may be made, where none is under way.
    pub(crate) fn next_probe(&self) -> Option<Timestamp> {
        self.show()?.next_probe
    }

    /// A probe is about to be made.
    pub(crate) fn probe_made(&mut self, now: Timestamp) {
        if let State::Open {
            asked_at, probing, ..
        } = &mut self.state
        {
            (*asked_at, *probing) = (now, true);
        }
    }

    /// A delivery was made.
    pub(crate) fn succeeded(&mut self, attempt: &Attempt) {
        self.close(attempt);
    }

    /// Whether this is the answer to the probe: while the breaker is open no other first attempt begins,
    /// nor any retry ahead of its time.
    pub(crate) fn is_probe(&self, attempt: &Attempt) -> bool {
        match self.state {
            State::Closed { .. } => false,
            // What was under way when it opened says nothing new.
            State::Open {
                asked_at, probing, ..
            } => {
                let may_be = attempt.is_first || attempt.is_ahead;
                probing && may_be && attempt.began >= asked_at
            }
        }
    }

    /// Whether the answer to a probe is awaited.
    pub(crate) fn is_probing(&self) -> bool {
        matches!(self.state, State::Open { probing: true, .. })
    }

    /// Nothing was sent: what was to be a probe tells nothing, and the next one is due.
    pub(crate) fn not_sent(&mut self, attempt: &Attempt) {
        let is_probe = self.is_probe(attempt);
        if let State::Open { probing, .. } = &mut self.state
            && is_probe
        {
            *probing = false;
        }
    }

    /// An attempt has failed.
    pub(crate) fn failed(&mut self, category: Category, attempt: &Attempt, random: &dyn Random) {
        match self.config.sign_of(category) {
            Sign::Alive => self.close(attempt),
            Sign::None => self.not_sent(attempt),
            Sign::Gone if self.tells(attempt) => self.gone(attempt, random),
            Sign::Gone => {}
        }
    }

    /// Whether a failure says something of the destination. A retry's doesn't; but one that others of its
    /// user wait for may be all that is tried: it carries a row on, and begins one where no first attempt
    /// was taken lately.
    fn tells(&self, attempt: &Attempt) -> bool {
        if attempt.is_first || self.is_probe(attempt) {
            return true;
        }
        let taken = |at: Timestamp| attempt.at.since(at) < FRESH;
        let begins = !self.taken_at.is_some_and(taken);
        let counts = match self.state {
            State::Closed { failed, .. } => failed > 0 || begins,
            State::Open { .. } => false,
        };
        attempt.user.is_some() && counts
    }

    fn gone(&mut self, attempt: &Attempt, random: &dyn Random) {
        let (now, is_probe) = (attempt.at, self.is_probe(attempt));
        match &mut self.state {
            State::Closed {
                failed,
                since,
                user,
            } => {
                if *failed == 0 {
                    *since = now;
                } else if attempt.user.is_some() && *user == attempt.user {
                    return;
                }
                *user = attempt.user;
                *failed = failed.saturating_add(1);
                let many = self.config.failures > 0 && *failed >= self.config.failures;
                if many && now.since(*since) >= self.config.after {
                    let wait = self.config.first_probe;
                    self.state = State::Open {
                        since: now,
                        asked_at: now,
                        wait,
                        next_probe: now + jittered(wait, random),
                        probing: false,
                    };
                }
            }
            State::Open {
                asked_at,
                wait,
                next_probe,
                probing,
                ..
            } if is_probe => {
                // However long the answer took, the next one is no later than that after this one.
                let latest = *asked_at + self.config.longest_wait;
                *probing = false;
                *next_probe = (now + jittered(*wait, random)).min(latest).max(now);
                *wait = (*wait * 2).min(self.config.longest_wait);
            }
            State::Open { .. } => {}
        }
    }

    fn close(&mut self, attempt: &Attempt) {
        if attempt.is_first {
            self.taken_at = Some(attempt.at);
        }
        self.state = State::closed();
    }
}

impl State {
    fn closed() -> Self {
        Self::Closed {
            failed: 0,
            since: Timestamp::default(),
            user: None,
        }
    }
}

/// Moved by at most a tenth, so that lanes that lost the same destination don't ask it together.
fn jittered(wait: Duration, random: &dyn Random) -> Duration {
    wait.mul_f64(0.9 + 0.2 * random.next_f64())
}

#[cfg(test)]
mod tests;
