//! What a lane may send at present: whether deliveries are begun, and how many go at once.

use std::collections::VecDeque;
use std::time::Duration;

use model::outcome::{Category, Discarded, Failure};
use model::{Offset, Part, Random, Timestamp};

use crate::allowance::{Allowance, Met, Request};
use crate::breaker::{Attempt, Breaker, Config, Open};
use crate::crew::{Done, Waited, Work, WorkResult};
use crate::user;

/// The longest that no delivery is begun because a destination asked for a pause (`Retry-After`). A
/// destination that asks for more is asked again: it may have meant one request only.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// Of how many users that failed last a probe is no first choice.
const MOST_SUSPECTS: usize = 64;

/// Whether deliveries are begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Passage {
    /// As many as there is room for.
    Free,
    /// One, to see what comes of it.
    Probe,
    /// None at present.
    Shut,
}

/// What lets deliveries pass, and those that it holds back. Retries don't ask: they were promised.
pub(crate) struct Gate {
    breaker: Breaker,
    allowance: Allowance,
    /// The destination's wish not to be asked before this.
    pause_until: Option<Timestamp>,
    /// Read from the log, not begun; the oldest first. No more than the crew's queue had room for, or a
    /// probe is looked for among.
    held: VecDeque<Work>,
    /// Of suspects, the oldest first: what was held until there was no room to look for a probe, and more
    /// than are queued at a time. Their events are read once more.
    aside: VecDeque<(Offset, Part)>,
    /// Whose first attempts failed last, in a way that need not be everybody's.
    suspects: VecDeque<u64>,
    /// How many probes in a row failed so.
    failed_probes: u32,
}

impl Gate {
    pub(crate) fn new(config: Config, concurrency: usize) -> Self {
        Self {
            breaker: Breaker::new(config),
            allowance: Allowance::new(concurrency),
            pause_until: None,
            held: VecDeque::new(),
            aside: VecDeque::new(),
            suspects: VecDeque::new(),
            failed_probes: 0,
        }
    }

    /// The destination took nothing when the lane stood still last.
    pub(crate) fn reopen(&mut self, now: Timestamp) {
        self.breaker.reopen(now);
        if self.breaker.is_open() {
            self.allowance.begin_small(now);
        }
    }

    /// Takes to heart what attempts met; says whether it is other users now who are suspects. `all_used`:
    /// whether all places were needed.
    pub(crate) fn learn(&mut self, done: &[Done], all_used: bool, random: &dyn Random) -> bool {
        let was_open = self.breaker.is_open();
        let mut others = false;
        for one in done {
            let attempt = Attempt {
                began: one.began,
                at: one.at,
                is_first: !one.booked,
                is_ahead: one.ahead.is_some(),
                user: one.user,
            };
            let met = match &one.result {
                WorkResult::Delivered { .. } => {
                    self.breaker.succeeded(&attempt);
                    others |= one.whose.is_some_and(|user| self.trust(user));
                    match one.requests {
                        1 => Met::Answer(one.at.since(one.began)),
                        _ => Met::Other,
                    }
                }
                WorkResult::Failed {
                    failure,
                    retry_after,
                } => {
                    others |= self.note_failure(failure, &attempt, one.whose);
                    self.breaker.failed(failure.category, &attempt, random);
                    self.note_pause(one.at, *retry_after);
                    met(failure)
                }
                // It was asked, and has answered.
                WorkResult::Discarded(Discarded::Refused { failure }) => {
                    self.breaker.failed(failure.category, &attempt, random);
                    met(failure)
                }
                WorkResult::Discarded(_)
                | WorkResult::NotSent
                | WorkResult::Erased
                | WorkResult::Waits
                | WorkResult::Awaits { .. } => {
                    self.breaker.not_sent(&attempt);
                    continue;
                }
            };
            let request = Request {
                met,
                began: one.began,
                at: one.at,
                is_first: attempt.is_first,
                at_once: one.at_once,
            };
            self.allowance.learn(request, all_used);
            if self.breaker.is_open() && !was_open {
                self.allowance.begin_small(one.at);
            }
        }
        if !self.breaker.is_open() {
            self.failed_probes = 0;
            if was_open {
                self.put_suspects_last();
            }
        }
        others
    }

    /// A suspect's delivery was made.
    fn trust(&mut self, user: u64) -> bool {
        let before = self.suspects.len();
        self.suspects.retain(|known| *known != user);
        self.suspects.len() < before
    }

    /// Keeps in mind whose deliveries fail: the destination may be gone for these only. Says whether that is
    /// new.
    fn note_failure(&mut self, failure: &Failure, attempt: &Attempt, whose: Option<u64>) -> bool {
        let may_be_theirs = !is_everybodys(failure.category);
        if self.breaker.is_probe(attempt) {
            self.failed_probes = match may_be_theirs {
                true => self.failed_probes + 1,
                false => 0,
            };
        }
        let Some(user) = whose.filter(|_| may_be_theirs && attempt.is_first) else {
            return false;
        };
        let is_known = self.trust(user);
        if self.suspects.len() == MOST_SUSPECTS {
            self.suspects.pop_front();
        }
        self.suspects.push_back(user);
        !is_known
    }

    /// Whether it is of a user whose first attempts failed last.
    pub(crate) fn is_suspect(&self, work: &Work) -> bool {
        // Most of the time there are none: then nothing is read.
        if self.suspects.is_empty() {
            return false;
        }
        let user = user::key(&work.event);
        user.is_some_and(|user| self.suspects.contains(&user))
    }

    /// The destination is there for some: those for whom it may not be come last.
    fn put_suspects_last(&mut self) {
        let held = std::mem::take(&mut self.held);
        let (last, first): (VecDeque<_>, _) = held
            .into_iter()
            .partition(|work: &Work| self.is_suspect(work));
        self.held = first;
        self.held.extend(last);
    }

    fn note_pause(&mut self, now: Timestamp, retry_after: Option<Timestamp>) {
        let wish = retry_after.map(|at| at.min(now + LONGEST_PAUSE));
        self.pause_until = self.pause_until.max(wish);
    }

    /// Whether a delivery may be begun now.
    pub(crate) fn passage(&mut self, now: Timestamp) -> Passage {
        self.pause_until = self.pause_until(now);
        match self.breaker.is_open() {
            _ if self.pause_until.is_some() => Passage::Shut,
            false => Passage::Free,
            true => match self.breaker.next_probe() {
                Some(at) if at <= now => Passage::Probe,
                _ => Passage::Shut,
            },
        }
    }

    /// When that changes by itself; maybe since it was asked for.
    pub(crate) fn changes_at(&self) -> Option<Timestamp> {
        self.pause_until.max(self.breaker.next_probe())
    }

    /// Whether the answer to a probe is awaited.
    pub(crate) fn is_probing(&self) -> bool {
        self.breaker.is_probing()
    }

    /// Whether it matters which delivery is the probe: requests have reached the destination, if only to
    /// fail. Where there is no connection all are alike, and the oldest is next.
    pub(crate) fn is_choosy(&self) -> bool {
        !self.suspects.is_empty()
    }

    /// Whether the next probe is the newest that waits rather than the oldest. One that fails for its own
    /// sake has others of its kind behind it, as far as from a minute ago until now.
    fn wants_newest(&self) -> bool {
        !self.failed_probes.is_multiple_of(3)
    }

    /// Whether a good choice for a probe is among those that are held, however many wait behind them.
    pub(crate) fn has_probe(&self) -> bool {
        let is_good = |work: &Work| !self.is_suspect(work);
        !self.wants_newest() && self.held.iter().any(is_good)
    }

    /// Takes one to probe with, of a user whose deliveries have not just failed; or else the oldest, if
    /// any will do.
    pub(crate) fn take_probe(&mut self, any: bool) -> Option<Work> {
        let is_good = |work: &Work| !self.is_suspect(work);
        let place = match self.wants_newest() {
            true => self.held.iter().rposition(is_good),
            false => self.held.iter().position(is_good),
        };
        self.held.remove(place.or(any.then_some(0))?)
    }

    /// A probe is about to be made.
    pub(crate) fn probe_made(&mut self, now: Timestamp) {
        self.breaker.probe_made(now);
    }

    /// Whether no delivery is begun but probes.
    pub(crate) fn is_shut(&self) -> bool {
        self.breaker.is_open()
    }

    /// Why nothing is begun, when it is the breaker.
    pub(crate) fn open(&self) -> Option<Open> {
        self.breaker.show()
    }

    /// When the pause that the destination asked for is over, while it lasts.
    pub(crate) fn pause_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.pause_until.filter(|until| *until > now)
    }

    pub(crate) fn set_concurrency(&mut self, most: usize) {
        self.allowance.set_most(most);
    }

    /// How many requests at once are configured.
    pub(crate) fn most(&self) -> usize {
        self.allowance.most()
    }

    /// How many at once may be made at present.
    pub(crate) fn allowed(&self) -> usize {
        self.allowance.get()
    }

    /// Keeps what was to be begun.
    pub(crate) fn hold(&mut self, work: impl IntoIterator<Item = Work>) {
        self.held.extend(work);
    }

    /// Makes room to look for a probe where all that is held is of suspects: only which deliveries these
    /// are is kept. The oldest stays, to be the probe if there is no better one.
    pub(crate) fn set_aside(&mut self) {
        let is_any_good = self.held.iter().any(|work| !self.is_suspect(work));
        if is_any_good {
            return;
        }
        let held = std::mem::take(&mut self.held);
        for work in held {
            match self.held.is_empty() || !can_be_read_again(&work) {
                true => self.held.push_back(work),
                false => self.aside.push_back((work.event.offset, work.part)),
            }
        }
    }

    /// Sets one delivery aside, if it can be; otherwise it comes back.
    pub(crate) fn leave_aside(&mut self, work: Work) -> Option<Work> {
        if !can_be_read_again(&work) {
            return Some(work);
        }
        self.aside.push_back((work.event.offset, work.part));
        None
    }

    /// The oldest of those that were set aside.
    pub(crate) fn take_aside(&mut self) -> Option<(Offset, Part)> {
        self.aside.pop_front()
    }

    /// It could not be read.
    pub(crate) fn put_aside(&mut self, delivery: (Offset, Part)) {
        self.aside.push_front(delivery);
    }

    /// How many were set aside.
    pub(crate) fn aside(&self) -> usize {
        self.aside.len()
    }

    /// What was held back, up to `most`; the oldest first.
    pub(crate) fn release(&mut self, most: usize) -> impl Iterator<Item = Work> {
        let count = most.min(self.held.len());
        self.held.drain(..count)
    }

    /// Whether anything is held back or set aside.
    pub(crate) fn has_waiting(&self) -> bool {
        !(self.held.is_empty() && self.aside.is_empty())
    }

    /// How many deliveries are held back.
    pub(crate) fn held(&self) -> usize {
        self.held.len()
    }

    /// Forgets them: the lane stops, and reads them again when it starts.
    pub(crate) fn clear(&mut self) {
        self.held.clear();
        self.aside.clear();
    }
}

/// Whether a failure has nothing to do with what is sent: no request came as far as that.
fn is_everybodys(category: Category) -> bool {
    matches!(
        category,
        Category::Dns | Category::Blocked | Category::Connect | Category::Tls
    )
}

/// Whether a delivery is nothing but a part of its event as the log has it.
fn can_be_read_again(work: &Work) -> bool {
    let is_plain = work.given.is_none() && work.waited == Waited::No;
    is_plain && !work.stored && work.user.is_none()
}

fn met(failure: &Failure) -> Met {
    Met::failure(failure.category, failure.status)
}
