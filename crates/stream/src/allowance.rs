//! How many requests at once a destination bears: found out while it is sent to.
//!
//! Within what is configured. The number falls by a good third when the destination says that it is too
//! much (429, 503, no answer in time, no connection), and by a tenth when answers take more than twice
//! as long as they used to; it grows by one a round as long as all places are needed. Once per round
//! at most it falls: what was under way together tells one thing.

use std::time::Duration;

use model::Timestamp;
use model::outcome::Category;

/// By what the number is multiplied when the destination refuses.
const REFUSED: f64 = 0.6;

/// By what it is multiplied when answers take much longer than usual.
const STRAINED: f64 = 0.9;

/// Answers are late when they take this many times as long as usual …
const LATE_TIMES: f64 = 2.0;

/// … and so much longer, in seconds: what nobody notices is no strain.
const LATE_BY: f64 = 0.05;

/// How much the newest answer counts in what answers take now, and in what is usual. What lasts for a
/// thousand answers is usual.
const NOW: f64 = 0.1;
const USUAL: f64 = 0.001;

/// How many requests at once a lane may make.
#[derive(Debug)]
pub(crate) struct Allowance {
    most: usize,
    allowed: f64,
    /// Seconds that answers take at present, and usually.
    latency: Option<(f64, f64)>,
    /// Requests that began before this can't tell what came of the last fall.
    fell_at: Timestamp,
}

/// What a request met.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Met {
    /// An answer to its only try, after this time.
    Answer(Duration),
    /// An answer, to a later try, or none because of something else than load.
    Other,
    /// Refusal, or nothing in time.
    Refusal,
}

impl Met {
    /// What a failed attempt met.
    pub(crate) fn failure(category: Category, status: Option<u16>) -> Self {
        match (category, status) {
            (Category::RateLimited | Category::Timeout | Category::Connect, _)
            | (Category::ServerError, Some(503)) => Self::Refusal,
            _ => Self::Other,
        }
    }
}

impl Allowance {
    /// Begins with all that is configured.
    pub(crate) fn new(most: usize) -> Self {
        Self {
            most: most.max(1),
            allowed: most.max(1) as f64,
            latency: None,
            fell_at: Timestamp::default(),
        }
    }

    /// Sets the most that is configured. What was found below it stays.
    pub(crate) fn set_most(&mut self, most: usize) {
        let most = most.max(1);
        let was_free = self.allowed >= self.most as f64;
        self.most = most;
        self.allowed = match was_free {
            true => most as f64,
            false => self.allowed.min(most as f64),
        };
    }

    /// The most that is configured.
    pub(crate) fn most(&self) -> usize {
        self.most
    }

    /// How many at once.
    pub(crate) fn get(&self) -> usize {
        (self.allowed as usize).clamp(1, self.most)
    }

    /// The destination was gone: begins with few when it is back.
    pub(crate) fn begin_small(&mut self, now: Timestamp) {
        self.allowed = (self.most as f64 / 8.0).max(1.0);
        self.fell_at = now;
    }

    /// A request that began then has met this; `all_used`: whether all places were needed.
    pub(crate) fn learn(&mut self, met: Met, began: Timestamp, now: Timestamp, all_used: bool) {
        let factor = match met {
            Met::Refusal => Some(REFUSED),
            Met::Answer(took) if self.is_late(took) => Some(STRAINED),
            Met::Answer(_) | Met::Other => None,
        };
        match factor {
            Some(factor) if began >= self.fell_at => {
                self.allowed = (self.allowed * factor).max(1.0);
                self.fell_at = now;
            }
            Some(_) => {}
            None if all_used && self.allowed < self.most as f64 => {
                self.allowed = (self.allowed + 1.0 / self.allowed).min(self.most as f64);
            }
            None => {}
        }
    }

    /// Takes an answer's time into account; says whether answers take too long now.
    fn is_late(&mut self, took: Duration) -> bool {
        let took = took.as_secs_f64();
        let (now, usual) = self.latency.get_or_insert((took, took));
        *now += NOW * (took - *now);
        *usual += USUAL * (took - *usual);
        *now > LATE_TIMES * *usual && *now > *usual + LATE_BY
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp(1_646_078_821_000_000);

    /// A destination that answers `bears` requests at once in 50 ms, and queues or refuses more.
    /// Returns how many were allowed at the end of each round.
    fn rounds(
        allowance: &mut Allowance,
        from: Timestamp,
        count: usize,
        answer: impl Fn(usize, usize) -> Met,
    ) -> (Vec<usize>, Timestamp) {
        let (mut now, mut allowed) = (from, Vec::new());
        for _ in 0..count {
            let (began, at_once) = (now, allowance.get());
            now = now + Duration::from_millis(50);
            for index in 0..at_once {
                allowance.learn(answer(index, at_once), began, now, true);
            }
            allowed.push(allowance.get());
        }
        (allowed, now)
    }

    fn mean(allowed: &[usize]) -> f64 {
        allowed.iter().sum::<usize>() as f64 / allowed.len() as f64
    }

    const QUICK: Met = Met::Answer(Duration::from_millis(50));

    #[test]
    fn it_settles_around_what_the_destination_does_not_refuse() {
        let mut allowance = Allowance::new(64);
        let refuses = |index, _| if index < 20 { QUICK } else { Met::Refusal };
        let (allowed, _) = rounds(&mut allowance, START, 300, refuses);
        let late = &allowed[100..];
        assert!(late.iter().all(|&n| (10..=22).contains(&n)), "{late:?}");
        assert!(mean(late) > 14.0, "{}", mean(late));
    }

    #[test]
    fn it_falls_when_answers_queue_and_grows_back_when_they_no_longer_do() {
        let mut allowance = Allowance::new(64);
        let (_, now) = rounds(&mut allowance, START, 20, |_, _| QUICK);
        assert_eq!(allowance.get(), 64);
        // One answer every 10 ms: many at once only wait for each other.
        let queues = |index: usize, _| Met::Answer(Duration::from_millis(50 + 10 * index as u64));
        let (allowed, now) = rounds(&mut allowance, now, 12, queues);
        assert!(allowed[11] < 40, "{allowed:?}");
        let (allowed, _) = rounds(&mut allowance, now, 200, |_, _| QUICK);
        assert_eq!(allowed[199], 64, "{allowed:?}");
    }

    #[test]
    fn a_destination_that_is_always_slow_is_not_strained() {
        let mut allowance = Allowance::new(64);
        let slow = |_, _| Met::Answer(Duration::from_secs(3));
        rounds(&mut allowance, START, 50, slow);
        assert_eq!(allowance.get(), 64);
        // Nor is one that becomes slow and stays so, after a while.
        let slower = |_, _| Met::Answer(Duration::from_secs(9));
        let (allowed, _) = rounds(&mut allowance, START, 400, slower);
        assert_eq!(allowed[399], 64, "{allowed:?}");
        assert!(allowed.iter().all(|&n| n > 8), "{allowed:?}");
    }

    #[test]
    fn one_round_falls_once_and_one_request_stays_allowed() {
        let mut allowance = Allowance::new(50);
        let (allowed, _) = rounds(&mut allowance, START, 30, |_, _| Met::Refusal);
        assert_eq!((allowed[0], allowed[1]), (30, 18));
        assert_eq!(allowed[29], 1);
    }

    #[test]
    fn it_does_not_grow_while_places_are_free() {
        let mut allowance = Allowance::new(50);
        allowance.begin_small(START);
        for _ in 0..100 {
            allowance.learn(QUICK, START, START, false);
        }
        assert_eq!(allowance.get(), 6);
        allowance.set_most(4);
        assert_eq!(allowance.get(), 4);
        allowance.set_most(9);
        assert_eq!(allowance.get(), 9, "it had all that there was");
    }
}
