//! How many requests at once a destination bears: found out while it is sent to.
//!
//! Within what is configured. The number falls by a good third when the destination says that it is too
//! much (429, 503, no answer in time, no connection), and by a tenth when answers take more than twice
//! as long as they used to; it grows by one a round as long as all places are needed. Once per round
//! at most it falls: what was under way together tells one thing.
//!
//! What is refused for its own sake tells nothing about how much is too much. So refusals of retries don't
//! count while first attempts are taken; and where a share of the requests is refused also when few are
//! under way, fewer at once would help nobody: only more than that is a sign.

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

/// How much the newest answer counts in the shares of requests that are refused.
const SHARE: f64 = 0.05;

/// It is too much when so many times as many are refused as are anyway …
const REFUSED_TIMES: f64 = 3.0;

/// … and such a share more, or …
const REFUSED_BY: f64 = 0.02;

/// … this share, whatever is refused anyway.
const REFUSED_AT_LEAST: f64 = 0.5;

/// How many requests at once are few.
const FEW: usize = 4;

/// How many refusals in a row count in what is refused anyway: more are an outage.
const LONGEST_ROW: u32 = 5;

/// How long a first attempt that was taken tells that refused retries are refused for their own sake.
const FRESH: Duration = Duration::from_secs(60);

/// How many requests at once a lane may make.
#[derive(Debug)]
pub(crate) struct Allowance {
    most: usize,
    allowed: f64,
    /// Seconds that answers take at present, and usually.
    latency: Option<(f64, f64)>,
    /// Requests that began before this can't tell what came of the last fall.
    fell_at: Timestamp,
    refusals: Refusals,
    /// When the last first attempt ended that was not refused.
    taken_at: Option<Timestamp>,
}

/// Which share of the first attempts is refused.
#[derive(Debug, Default)]
struct Refusals {
    now: f64,
    /// Of those that were made while few were under way.
    anyway: f64,
    /// How many of these were refused in a row.
    row: u32,
}

/// A request that is over.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Request {
    pub(crate) met: Met,
    pub(crate) began: Timestamp,
    pub(crate) at: Timestamp,
    /// Whether it is of a delivery's first attempt.
    pub(crate) is_first: bool,
    /// How many were under way when it began, itself included.
    pub(crate) at_once: usize,
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
            refusals: Refusals::default(),
            taken_at: None,
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
        self.refusals = Refusals::default();
    }

    /// A request is over; `all_used`: whether all places were needed.
    pub(crate) fn learn(&mut self, request: Request, all_used: bool) {
        let is_too_much = self.is_too_much(&request);
        let factor = match request.met {
            Met::Refusal if is_too_much => Some(REFUSED),
            Met::Refusal => return,
            Met::Answer(took) if self.is_late(took) => Some(STRAINED),
            Met::Answer(_) | Met::Other => None,
        };
        match factor {
            Some(factor) if request.began >= self.fell_at => {
                self.allowed = (self.allowed * factor).max(1.0);
                self.fell_at = request.at;
            }
            Some(_) => {}
            None if all_used && self.allowed < self.most as f64 => {
                self.allowed = (self.allowed + 1.0 / self.allowed).min(self.most as f64);
            }
            None => {}
        }
    }

    /// Whether a request that was refused was one too many.
    fn is_too_much(&mut self, request: &Request) -> bool {
        let refused = request.met == Met::Refusal;
        if request.is_first {
            if !refused {
                self.taken_at = Some(request.at);
            }
            return self.refusals.learn(refused, request.at_once <= FEW);
        }
        let are_taken = |taken: Timestamp| request.at.since(taken) < FRESH;
        refused && !self.taken_at.is_some_and(are_taken)
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

impl Refusals {
    /// Takes a first attempt into account; says whether it was refused because of the others.
    fn learn(&mut self, refused: bool, few: bool) -> bool {
        follow(&mut self.now, refused);
        match (few, refused) {
            (false, _) => {}
            (true, true) => self.row = (self.row + 1).min(LONGEST_ROW),
            (true, false) => {
                (0..std::mem::take(&mut self.row)).for_each(|_| follow(&mut self.anyway, true));
                follow(&mut self.anyway, false);
            }
        }
        let bearable = REFUSED_TIMES * self.anyway + REFUSED_BY;
        refused && self.now > bearable.min(REFUSED_AT_LEAST)
    }
}

fn follow(share: &mut f64, refused: bool) {
    *share += SHARE * (f64::from(u8::from(refused)) - *share);
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
                let request = Request {
                    met: answer(index, at_once),
                    began,
                    at: now,
                    is_first: true,
                    at_once,
                };
                allowance.learn(request, true);
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
            let request = Request {
                met: QUICK,
                began: START,
                at: START,
                is_first: true,
                at_once: 1,
            };
            allowance.learn(request, false);
        }
        assert_eq!(allowance.get(), 6);
        allowance.set_most(4);
        assert_eq!(allowance.get(), 4);
        allowance.set_most(9);
        assert_eq!(allowance.get(), 9, "it had all that there was");
    }

    #[test]
    fn what_is_refused_anyway_does_not_keep_the_others_from_going_together() {
        for share in [10, 4] {
            let count = std::cell::Cell::new(0);
            let is_bad = || {
                count.set(count.get() + 1);
                count.get() % share == 0
            };
            let mut allowance = Allowance::new(64);
            let some = |_, _| if is_bad() { Met::Refusal } else { QUICK };
            let (allowed, now) = rounds(&mut allowance, START, 600, some);
            assert!(mean(&allowed[300..]) > 32.0, "{allowed:?}");
            // What is too much is still found out.
            let bears = |index, _| match index < 20 && !is_bad() {
                true => QUICK,
                false => Met::Refusal,
            };
            let (allowed, _) = rounds(&mut allowance, now, 300, bears);
            assert!(mean(&allowed[100..]) < 40.0, "{allowed:?}");
        }
    }

    #[test]
    fn retries_that_are_refused_count_only_where_no_first_attempts_are_taken() {
        let retry = |met, at| Request {
            met,
            began: at,
            at,
            is_first: false,
            at_once: 9,
        };
        let second = Duration::from_secs(1);
        let mut allowance = Allowance::new(64);
        let first = Request {
            is_first: true,
            ..retry(QUICK, START)
        };
        allowance.learn(first, true);
        for number in 1..50 {
            allowance.learn(retry(Met::Refusal, START + second * number), true);
        }
        assert_eq!(allowance.get(), 64);
        for number in 60..90 {
            allowance.learn(retry(Met::Refusal, START + second * number), true);
        }
        assert_eq!(allowance.get(), 1);
    }

    #[test]
    fn an_outage_is_not_taken_for_what_is_refused_anyway() {
        let mut allowance = Allowance::new(64);
        let (_, now) = rounds(&mut allowance, START, 200, |_, _| Met::Refusal);
        assert_eq!(allowance.get(), 1);
        let (_, now) = rounds(&mut allowance, now, 300, |_, _| QUICK);
        let refuses = |index, _| if index < 20 { QUICK } else { Met::Refusal };
        let (allowed, _) = rounds(&mut allowance, now, 300, refuses);
        assert!(allowed[100..].iter().all(|&n| n <= 32), "{allowed:?}");
    }
}
