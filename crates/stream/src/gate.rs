//! What a lane may send at present: whether deliveries are begun, and how many go at once.

use std::collections::VecDeque;
use std::time::Duration;

use model::outcome::{Discarded, Failure};
use model::{Random, Timestamp};

use crate::allowance::{Allowance, Met};
use crate::breaker::{Breaker, Config, Open};
use crate::crew::{Done, Work, WorkResult};

/// The longest that no delivery is begun because a destination asked for a pause (`Retry-After`). A
/// destination that asks for more is asked again: it may have meant one request only.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

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
    /// Read from the log, not begun; the oldest first. No more than the crew's queue had room for.
    held: VecDeque<Work>,
}

impl Gate {
    pub(crate) fn new(config: Config, concurrency: usize) -> Self {
        Self {
            breaker: Breaker::new(config),
            allowance: Allowance::new(concurrency),
            pause_until: None,
            held: VecDeque::new(),
        }
    }

    /// The destination took nothing when the lane stood still last.
    pub(crate) fn reopen(&mut self, now: Timestamp) {
        self.breaker.reopen(now);
        if self.breaker.is_open() {
            self.allowance.begin_small(now);
        }
    }

    /// Takes to heart what attempts met. `all_used`: whether all places were needed.
    pub(crate) fn learn(&mut self, done: &[Done], all_used: bool, random: &dyn Random) {
        let was_open = self.breaker.is_open();
        for one in done {
            let met = match &one.result {
                WorkResult::Delivered { .. } => {
                    self.breaker.succeeded();
                    match one.requests {
                        1 => Met::Answer(one.at.since(one.began)),
                        _ => Met::Other,
                    }
                }
                WorkResult::Failed {
                    failure,
                    retry_after,
                } => {
                    let category = failure.category;
                    self.breaker.failed(category, one.began, one.at, random);
                    self.note_pause(one.at, *retry_after);
                    met(failure)
                }
                // It was asked, and has answered.
                WorkResult::Discarded(Discarded::Refused { failure }) => {
                    let category = failure.category;
                    self.breaker.failed(category, one.began, one.at, random);
                    met(failure)
                }
                WorkResult::Discarded(_)
                | WorkResult::NotSent
                | WorkResult::Erased
                | WorkResult::Waits
                | WorkResult::Awaits { .. } => {
                    self.breaker.not_sent(one.began);
                    continue;
                }
            };
            self.allowance.learn(met, one.began, one.at, all_used);
            if self.breaker.is_open() && !was_open {
                self.allowance.begin_small(one.at);
            }
        }
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

    /// What was held back, up to `most`; the oldest first.
    pub(crate) fn release(&mut self, most: usize) -> impl Iterator<Item = Work> {
        let count = most.min(self.held.len());
        self.held.drain(..count)
    }

    /// How many deliveries are held back.
    pub(crate) fn held(&self) -> usize {
        self.held.len()
    }

    /// Forgets them: the lane stops, and reads them again when it starts.
    pub(crate) fn clear(&mut self) {
        self.held.clear();
    }
}

fn met(failure: &Failure) -> Met {
    Met::failure(failure.category, failure.status)
}
