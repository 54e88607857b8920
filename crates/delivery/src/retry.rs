//! When the next attempt of a delivery is due.

use std::time::Duration;

use model::{Random, Timestamp};

use crate::config::Retry as Config;

/// The attempts of a delivery: the first at once, then more at doubling delays with jitter. By
/// default nine more, over four hours.
#[derive(Debug, Clone, Copy)]
pub struct Schedule {
    config: Config,
}

impl Schedule {
    /// The schedule with these settings.
    pub fn new(config: Config) -> Self {
        Self { config }
    }

    /// How many attempts a delivery gets.
    pub fn attempts(&self) -> u8 {
        self.config.attempts
    }

    /// When the attempt after `attempts_made` failed ones is due, the last of which ended `now`;
    /// `None` when that was the last. Not before `retry_after`, the destination's own wish, as far
    /// as it is heeded.
    pub fn next(
        &self,
        attempts_made: u8,
        now: Timestamp,
        retry_after: Option<Timestamp>,
        random: &dyn Random,
    ) -> Option<Timestamp> {
        if attempts_made >= self.config.attempts {
            return None;
        }
        let doublings = attempts_made.saturating_sub(1);
        let delay = doubled(self.config.first_delay, doublings);
        let due = now + jittered(delay, self.config.jitter, random);
        let wish = retry_after.map(|at| at.min(now + self.config.max_retry_after));
        Some(wish.map_or(due, |wish| wish.max(due)))
    }
}

/// `first`, doubled so many times.
pub(crate) fn doubled(first: Duration, times: u8) -> Duration {
    first.saturating_mul(1u32.checked_shl(times.into()).unwrap_or(u32::MAX))
}

/// `duration`, moved at random by at most the fraction `jitter` (0 to 1) of it to either side.
pub(crate) fn jittered(duration: Duration, jitter: f64, random: &dyn Random) -> Duration {
    let factor = 1.0 + jitter.clamp(0.0, 1.0) * (2.0 * random.next_f64() - 1.0);
    Duration::try_from_secs_f64(duration.as_secs_f64() * factor).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::random::Seeded;

    const START: Timestamp = Timestamp(1_646_078_821_000_000);

    /// A source that always gives the same fraction.
    struct Always(u64);

    impl Random for Always {
        fn next_u64(&self) -> u64 {
            self.0
        }
    }

    const MIDDLE: Always = Always(1 << 63);

    fn due_times(schedule: &Schedule, random: &dyn Random) -> Vec<Timestamp> {
        let mut times = vec![START];
        while let Some(due) = schedule.next(times.len() as u8, *times.last().unwrap(), None, random)
        {
            times.push(due);
        }
        times
    }

    #[test]
    fn ten_attempts_are_spread_over_four_hours() {
        let times = due_times(&Schedule::new(Config::default()), &MIDDLE);
        assert_eq!(times.len(), 10);
        assert_eq!(times[1].since(times[0]), Duration::from_millis(28_200));
        assert_eq!(
            times[9].since(times[8]),
            Duration::from_millis(28_200 * 256)
        );
        assert_eq!(times[9].since(START), Duration::from_millis(28_200 * 511));
        assert_eq!(times[9].since(START).as_secs() / 60, 4 * 60);
    }

    #[test]
    fn each_delay_stays_within_a_tenth_of_its_length_and_uses_that_room() {
        let schedule = Schedule::new(Config::default());
        let random = Seeded::new(11);
        let (mut least, mut most) = (f64::MAX, f64::MIN);
        for _ in 0..1000 {
            let times = due_times(&schedule, &random);
            for (doublings, pair) in times.windows(2).enumerate() {
                let nominal = 28.2 * f64::from(1u32 << doublings);
                let ratio = pair[1].since(pair[0]).as_secs_f64() / nominal;
                least = least.min(ratio);
                most = most.max(ratio);
            }
        }
        assert!((0.9..0.91).contains(&least), "{least}");
        assert!((1.09..=1.1).contains(&most), "{most}");
    }

    #[test]
    fn the_tenth_failure_is_the_last() {
        let schedule = Schedule::new(Config::default());
        assert!(schedule.next(9, START, None, &MIDDLE).is_some());
        assert_eq!(schedule.next(10, START, None, &MIDDLE), None);
        assert_eq!(schedule.next(u8::MAX, START, None, &MIDDLE), None);
    }

    #[test]
    fn the_destination_can_put_an_attempt_off_but_not_bring_it_forward() {
        let schedule = Schedule::new(Config::default());
        let hour = START + Duration::from_secs(3600);
        assert_eq!(schedule.next(1, START, Some(hour), &MIDDLE), Some(hour));
        let usual = schedule.next(1, START, None, &MIDDLE);
        let soon = START + Duration::from_secs(1);
        assert_eq!(schedule.next(1, START, Some(soon), &MIDDLE), usual);
    }

    #[test]
    fn a_wish_to_wait_for_years_is_bounded() {
        let schedule = Schedule::new(Config::default());
        let due = schedule.next(1, START, Some(Timestamp(i64::MAX)), &MIDDLE);
        assert_eq!(due, Some(START + Duration::from_secs(24 * 3600)));
    }

    #[test]
    fn an_operator_can_set_number_and_length() {
        let schedule = Schedule::new(Config {
            attempts: 3,
            first_delay: Duration::from_secs(1),
            jitter: 0.0,
            ..Config::default()
        });
        let times = due_times(&schedule, &Seeded::new(1));
        assert_eq!(
            times,
            [
                START,
                START + Duration::from_secs(1),
                START + Duration::from_secs(3)
            ]
        );
    }
}
