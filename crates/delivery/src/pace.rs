//! How often a destination is asked: requests are spread evenly, so that no minute holds more of them
//! than the destination takes.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use model::Timestamp;

/// Over how long a limit's requests are spread: 0.5 % more than a minute, so that what is sent late by
/// a little never makes one request too many.
const SPREAD_NANOS: i64 = 60_300_000_000;

/// By how much requests may come early when those before them came late: a timer that wakes late
/// costs no place. No more than the spread is longer than a minute, or a minute could hold too many.
const CATCH_UP_NANOS: i64 = 300_000_000;

/// How long a place is left to those who come first before it is for those who give way: a timer of theirs
/// that wakes late loses no place. Less than requests may come early, so that giving way costs little.
const GIVE_WAY_NANOS: i64 = 150_000_000;

/// Gives out places for requests, so many a minute. Shared by all that send to one destination.
///
/// Places are spread evenly: any 60 seconds hold at most the limit, and where there is always
/// something to send, 99.5 % of it. There is no place at once when the limit is set, as if a request had
/// just been sent: a restart doesn't exceed it either.
#[derive(Debug, Default)]
pub struct Pace {
    /// From one place to the next, in nanoseconds; 0: no limit.
    interval: AtomicI64,
    /// When the next place would be, were all taken on time; in nanoseconds since 1970.
    next: Mutex<i64>,
}

/// A place that was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// What the next place was before, and is since.
    moved: Option<(i64, i64)>,
}

impl Pace {
    /// Sets the limit; `None`: there is none.
    pub fn set(&self, per_minute: Option<u32>, now: Timestamp) {
        let interval = per_minute.map_or(0, |limit| SPREAD_NANOS / i64::from(limit.max(1)));
        if self.interval.swap(interval, Ordering::Relaxed) == interval {
            return;
        }
        let mut next = self.next();
        let first = nanos(now).saturating_add(interval + CATCH_UP_NANOS);
        *next = (*next).max(first);
    }

    /// Whether there is a limit.
    pub fn is_limited(&self) -> bool {
        self.interval() > 0
    }

    /// Takes a place for a request that is sent now, or says when there is one.
    pub fn take(&self, now: Timestamp) -> Result<Place, Timestamp> {
        self.take_early(now, CATCH_UP_NANOS)
    }

    /// Takes a place that nobody wanted who [takes](Pace::take) them, or says when there may be one: those
    /// who give way get what the others leave.
    pub fn take_left(&self, now: Timestamp) -> Result<Place, Timestamp> {
        self.take_early(now, CATCH_UP_NANOS - GIVE_WAY_NANOS)
    }

    fn take_early(&self, now: Timestamp, early: i64) -> Result<Place, Timestamp> {
        let interval = self.interval();
        if interval == 0 {
            return Ok(Place { moved: None });
        }
        let mut next = self.next();
        let earliest = next.saturating_sub(early);
        if earliest > nanos(now) {
            return Err(micros(earliest));
        }
        let before = *next;
        *next = before.max(nanos(now)).saturating_add(interval);
        Ok(Place {
            moved: Some((before, *next)),
        })
    }

    /// Takes the first place from `from` on, and says when that is; takes none when it would not be
    /// before `until`.
    pub fn reserve(&self, from: Timestamp, until: Timestamp) -> Option<Timestamp> {
        let interval = self.interval();
        if interval == 0 {
            return (from < until).then_some(from);
        }
        let mut next = self.next();
        let at = micros(next.saturating_sub(CATCH_UP_NANOS)).max(from);
        if at >= until {
            return None;
        }
        *next = (*next).max(nanos(at)).saturating_add(interval);
        Some(at)
    }

    /// As many requests as `more` were sent without a place: the next places come later by these.
    pub fn make_up(&self, more: u8) {
        let mut next = self.next();
        *next = next.saturating_add(self.interval() * i64::from(more));
    }

    /// Nothing is sent in this place. It is somebody else's then, unless a later one was taken already.
    pub fn give_back(&self, place: Place) {
        let Some((before, after)) = place.moved else {
            return;
        };
        let mut next = self.next();
        if *next == after {
            *next = before;
        }
    }

    fn interval(&self) -> i64 {
        self.interval.load(Ordering::Relaxed)
    }

    fn next(&self) -> MutexGuard<'_, i64> {
        // A number can't be left half changed.
        self.next.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn nanos(at: Timestamp) -> i64 {
    at.0.saturating_mul(1000)
}

/// Rounded up: a place is never given before its time.
fn micros(nanos: i64) -> Timestamp {
    Timestamp(nanos.div_euclid(1000) + i64::from(nanos.rem_euclid(1000) > 0))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use model::Random as _;
    use model::random::Seeded;

    use super::*;

    const START: Timestamp = Timestamp(1_646_078_821_000_000);
    const MINUTE: i64 = 60_000_000;

    /// Sends whenever there is a place, woken late by up to `late`, for ten minutes.
    fn saturated(limit: u32, late: Duration) -> Vec<Timestamp> {
        let (pace, random) = (Pace::default(), Seeded::new(u64::from(limit)));
        pace.set(Some(limit), START);
        let (mut now, mut sent) = (START, Vec::new());
        while now.0 < START.0 + 10 * MINUTE {
            match pace.take(now) {
                Ok(_) => sent.push(now),
                Err(at) => now = at + late.mul_f64(random.next_f64()),
            }
        }
        sent
    }

    /// How many are within the 60 seconds that begin with each.
    fn windows(sent: &[Timestamp]) -> impl Iterator<Item = usize> {
        sent.iter()
            .enumerate()
            .map(|(first, from)| sent.partition_point(|at| at.0 < from.0 + MINUTE) - first)
    }

    #[test]
    fn no_minute_holds_more_than_the_limit_and_a_busy_one_hardly_less() {
        for limit in [1, 7, 60, 100, 500, 3000] {
            for late in [0, 2, 100] {
                let sent = saturated(limit, Duration::from_millis(late));
                let most = windows(&sent).max().unwrap();
                assert!(
                    most <= limit as usize,
                    "{most} of {limit}, late by {late} ms"
                );
                let expected = f64::from(limit) * 10.0 * 0.99 - 2.0;
                let found = sent.len() as f64;
                assert!(
                    found >= expected,
                    "{found} of {expected}, late by {late} ms"
                );
            }
        }
    }

    #[test]
    fn an_idle_time_earns_nothing_that_a_minute_could_not_hold() {
        let pace = Pace::default();
        pace.set(Some(100), START);
        let now = START + Duration::from_secs(3600);
        assert!(pace.take(now).is_ok());
        let wait = pace.take(now).unwrap_err().since(now);
        assert!((300..=600).contains(&wait.as_millis()), "{wait:?}");
    }

    #[test]
    fn a_try_within_an_attempt_takes_a_place_like_any_other_or_none() {
        let pace = Pace::default();
        pace.set(Some(60), START);
        let until = START + Duration::from_secs(4);
        let places: Vec<_> = std::iter::from_fn(|| pace.reserve(START, until)).collect();
        assert_eq!(places.len(), 3, "{places:?}");
        assert!(
            places
                .windows(2)
                .all(|pair| pair[1].since(pair[0]).as_millis() >= 1000)
        );
        assert_eq!(
            pace.reserve(START, until),
            None,
            "and refused ones take none"
        );
        assert!(pace.take(START + Duration::from_secs(5)).is_ok());
    }

    /// How many places of ten minutes those get who come first, to whom something to send comes so often a
    /// minute, and those who give way and always have something.
    fn shared(limit: u32, first_wants: u32) -> (usize, usize) {
        let (pace, random) = (Pace::default(), Seeded::new(u64::from(limit)));
        pace.set(Some(limit), START);
        let late = || Duration::from_secs_f64(0.002 * random.next_f64());
        let end = START + Duration::from_secs(600);
        let (mut first, mut other) = (0, 0);
        let (mut first_at, mut other_at) = (START, START);
        while first_at.min(other_at) < end {
            // At the same moment those who give way are asked first.
            if other_at <= first_at {
                match pace.take_left(other_at) {
                    Ok(_) => other += 1,
                    Err(at) => other_at = at + late(),
                }
                continue;
            }
            match pace.take(first_at) {
                Ok(_) => {
                    first += 1;
                    let arrival = START + Duration::from_secs(60) / first_wants * first as u32;
                    first_at = first_at.max(arrival);
                }
                Err(at) => first_at = at + late(),
            }
        }
        (first, other)
    }

    #[test]
    fn those_who_give_way_get_what_the_others_leave() {
        for (limit, wants) in [(600, 300), (600, 540), (3000, 2700), (60, 45)] {
            let (first, other) = shared(limit, wants);
            let (all, wanted) = (f64::from(limit) * 10.0, f64::from(wants) * 10.0);
            assert!(first as f64 > wanted * 0.98, "{limit}, {wants}: {first}");
            let together = (first + other) as f64;
            assert!(
                together > all * 0.95 && together <= all * 1.001,
                "{limit}, {wants}: {first} and {other}"
            );
        }
    }

    #[test]
    fn what_was_sent_without_a_place_is_made_up_for() {
        let pace = Pace::default();
        pace.set(Some(60), START);
        let now = START + Duration::from_secs(60);
        pace.take(now).unwrap();
        pace.make_up(2);
        let wait = pace.take(now).unwrap_err().since(now);
        assert!((2_600..=3_020).contains(&wait.as_millis()), "{wait:?}");
    }

    #[test]
    fn a_place_goes_back_unless_a_later_one_is_taken() {
        let pace = Pace::default();
        pace.set(Some(600), START);
        let now = START + Duration::from_secs(1);
        let place = pace.take(now).unwrap();
        pace.give_back(place);
        let first = pace.take(now).unwrap();
        let second = pace.take(now + Duration::from_secs(1)).unwrap();
        let next = pace.take(now + Duration::from_secs(1));
        pace.give_back(first);
        assert_eq!(
            pace.take(now + Duration::from_secs(1)).is_ok(),
            next.is_ok()
        );
        pace.give_back(second);
    }

    #[test]
    fn without_a_limit_there_is_always_a_place() {
        let pace = Pace::default();
        assert!((0..1000).all(|_| pace.take(START).is_ok()));
        assert_eq!(pace.reserve(START, START), None);
        pace.set(Some(10), START);
        assert!(pace.take(START).is_err());
        pace.set(None, START);
        assert!(pace.take(START).is_ok());
    }
}
