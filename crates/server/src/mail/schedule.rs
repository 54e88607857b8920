//! When a mail that couldn't be sent is tried again.

use std::time::Duration;

use model::{Random, Timestamp};

/// Doubling waits with jitter, up to a longest one, until a mail is too old.
#[derive(Debug, Clone, Copy)]
pub(super) struct Schedule {
    pub(super) first_delay: Duration,
    pub(super) max_delay: Duration,
    /// How far waits are moved to either side, as a fraction of them.
    pub(super) jitter: f64,
    pub(super) give_up_after: Duration,
}

impl Schedule {
    /// The wait after so many failures in a row.
    pub(super) fn delay(&self, failures: u32, random: &dyn Random) -> Duration {
        let doublings = failures.saturating_sub(1);
        let factor = 1u32.checked_shl(doublings).unwrap_or(u32::MAX);
        let delay = self.first_delay.saturating_mul(factor).min(self.max_delay);
        delay.mul_f64(1.0 + self.jitter * (2.0 * random.next_f64() - 1.0))
    }

    /// Whether a mail that was written at `created_at` is too old to be tried at `at`.
    pub(super) fn gives_up(&self, created_at: Timestamp, at: Timestamp) -> bool {
        at.since(created_at) > self.give_up_after
    }
}

#[cfg(test)]
mod tests {
    use model::random::Seeded;

    use super::*;

    const SCHEDULE: Schedule = Schedule {
        first_delay: Duration::from_secs(30),
        max_delay: Duration::from_secs(3600),
        jitter: 0.2,
        give_up_after: Duration::from_secs(48 * 3600),
    };

    #[test]
    fn waits_double_up_to_the_longest_one() {
        let exact = Schedule {
            jitter: 0.0,
            ..SCHEDULE
        };
        let delays = [1, 2, 3, 8, 9, 200].map(|failures| {
            let delay = exact.delay(failures, &Seeded::new(1));
            delay.as_secs()
        });
        assert_eq!(delays, [30, 60, 120, 3600, 3600, 3600]);
    }

    #[test]
    fn waits_are_spread_and_stay_near_what_was_meant() {
        let random = Seeded::new(1);
        let delays: Vec<_> = (0..100).map(|_| SCHEDULE.delay(1, &random)).collect();
        let within = Duration::from_secs(24)..=Duration::from_secs(36);
        assert!(delays.iter().all(|delay| within.contains(delay)));
        assert!(delays.iter().any(|delay| *delay < Duration::from_secs(28)));
        assert!(delays.iter().any(|delay| *delay > Duration::from_secs(32)));
    }

    #[test]
    fn a_mail_is_given_up_when_it_is_too_old() {
        let written = Timestamp(1_700_000_000_000_000);
        let two_days = Duration::from_secs(48 * 3600);
        assert!(!SCHEDULE.gives_up(written, written + two_days));
        assert!(SCHEDULE.gives_up(written, written + two_days + Duration::from_secs(1)));
    }
}
