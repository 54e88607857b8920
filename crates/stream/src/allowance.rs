//! How many requests at once a destination bears: found out while it is sent to.
//!
//! Within what is configured. The number falls by a good third when the destination says that it is too
//! much (429, 503, no answer in time, no connection), and by a tenth when answers take more than twice
//! as long as they used to; it grows by one a round as long as all places are needed. Once per round
//! at most it falls: what was under way together tells one thing.
//!
//! What is refused for its own sake tells nothing about how much is too much. So refusals of retries don't
//! count while first attempts are taken; and where a share of the requests is refused also when few are
//! under way, fewer at once would help nobody: only more than that is a sign. What gets no answer in time is none
//! while others get theirs as quickly as usual. A 429 says in so many words that it is too much.

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
    /// When the last answer came that was no refusal.
    answered_at: Option<Timestamp>,
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
    /// Refusal for whatever reason, or no connection.
    Refusal,
    /// Nothing in time.
    Silence,
    /// Refusal since it is too much.
    TooMuch,
}

impl Met {
    /// What a failed attempt met.
    pub(crate) fn failure(category: Category, status: Option<u16>) -> Self {
        match (category, status) {
            (Category::RateLimited, _) => Self::TooMuch,
            (Category::Timeout, _) => Self::Silence,
            (Category::Connect, _) | (Category::ServerError, Some(503)) => Self::Refusal,
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
            answered_at: None,
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
            Met::TooMuch => Some(REFUSED),
            Met::Refusal | Met::Silence if is_too_much => Some(REFUSED),
            Met::Refusal | Met::Silence => return,
            Met::Answer(took) => {
                self.answered_at = self.answered_at.max(Some(request.at));
                self.takes(took);
                self.is_late().then_some(STRAINED)
            }
            Met::Other => None,
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

    /// Whether a request that was refused, or got no answer, was one too many.
    fn is_too_much(&mut self, request: &Request) -> bool {
        let refused = match request.met {
            Met::Answer(_) | Met::Other => false,
            Met::Refusal => true,
            Met::Silence if self.answers_others(request) => return false,
            Met::Silence => true,
            // It says so itself.
            Met::TooMuch => return true,
        };
        if request.is_first {
            if !refused {
                self.taken_at = Some(request.at);
            }
            return self.refusals.learn(refused, request.at_once <= FEW);
        }
        let are_taken = |taken: Timestamp| request.at.since(taken) < FRESH;
        refused && !self.taken_at.is_some_and(are_taken)
    }

    /// Whether others got an answer while this request waited for its own, as quickly as usual.
    fn answers_others(&self, request: &Request) -> bool {
        let since = self.answered_at.is_some_and(|at| at >= request.began);
        since && !self.is_late()
    }

    /// Takes an answer's time into account.
    fn takes(&mut self, took: Duration) {
        let took = took.as_secs_f64();
        let (now, usual) = self.latency.get_or_insert((took, took));
        *now += NOW * (took - *now);
        *usual += USUAL * (took - *usual);
    }

    /// Whether answers take too long at present.
    fn is_late(&self) -> bool {
        let is_late = |(now, usual): (f64, f64)| now > LATE_TIMES * usual && now > usual + LATE_BY;
        self.latency.is_some_and(is_late)
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
mod tests;
