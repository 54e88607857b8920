//! How fast something may be sent: evenly, so many a minute.

use std::num::NonZeroU32;
use std::time::Duration;

use model::Timestamp;

/// How far ahead places are given out.
const AHEAD: Duration = Duration::from_secs(1);

const MINUTE_MICROS: i64 = 60_000_000;

/// Gives out the moments at which something may be sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// Between two of them; `None`: as fast as may be.
    interval: Option<Duration>,
    next: Timestamp,
}

impl Pace {
    pub(crate) fn new(per_minute: Option<NonZeroU32>) -> Self {
        let interval = per_minute.map(|per_minute| {
            // Rounded up: never faster than said.
            let micros = (MINUTE_MICROS as u64).div_ceil(u64::from(per_minute.get()));
            Duration::from_micros(micros)
        });
        Self {
            interval,
            next: Timestamp(i64::MIN),
        }
    }

    /// The next moment, if it lies no more than a second ahead. Moments that passed unused are lost:
    /// nothing is made up for.
    pub(crate) fn take(&mut self, now: Timestamp) -> Option<Timestamp> {
        let Some(interval) = self.interval else {
            return Some(now);
        };
        let place = self.next.max(now);
        if place > now + AHEAD {
            return None;
        }
        self.next = place + interval;
        Some(place)
    }

    /// When to ask again after there was none.
    pub(crate) fn ask_again(&self) -> Timestamp {
        self.next - AHEAD / 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn no_minute_has_more_places_than_said() {
        for per_minute in [1, 7, 60, 601, 6000, 100_000] {
            let mut pace = Pace::new(NonZeroU32::new(per_minute));
            let (mut now, mut given) = (Timestamp(0), Vec::new());
            for _ in 0..300 {
                given.extend(std::iter::from_fn(|| pace.take(now)));
                now = now + SECOND;
            }
            for (index, start) in given.iter().enumerate() {
                let within = given[index..]
                    .iter()
                    .take_while(|at| at.0 < start.0 + MINUTE_MICROS);
                assert!(
                    within.count() <= per_minute as usize,
                    "{per_minute} a minute"
                );
                if index > 200 {
                    break;
                }
            }
            // Five minutes, and the second ahead.
            let expected = f64::from(per_minute) * 5.0;
            assert!(
                given.len() as f64 >= expected * 0.99,
                "{per_minute}: {}",
                given.len()
            );
        }
    }

    #[test]
    fn what_was_not_used_is_not_made_up_for() {
        let mut pace = Pace::new(NonZeroU32::new(60));
        assert_eq!(pace.take(Timestamp(0)), Some(Timestamp(0)));
        let later = Timestamp(0) + 100 * SECOND;
        let given: Vec<_> = std::iter::from_fn(|| pace.take(later)).collect();
        assert_eq!(given, [later, later + SECOND]);
        assert_eq!(pace.ask_again(), later + 3 * SECOND / 2);
    }

    #[test]
    fn without_a_rate_everything_may_go_at_once() {
        let mut pace = Pace::new(None);
        assert!((0..1000).all(|_| pace.take(Timestamp(5)) == Some(Timestamp(5))));
    }
}
