//! A lane's workers: they take what is queued, render it, send it, and hand back what became of it.
//!
//! Workers are started when there is work and end when there is none, so that an idle lane costs
//! no task. Where the destination takes only so many requests a minute, what waits for its place
//! waits in the queue: one worker sleeps until the next place, whoever takes it starts the next.

mod attempt;
mod erasing;
mod follow_up;
mod share;
mod telling;
mod work;
mod worker;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use delivery::Pace;
use metrics::Histogram;
use model::{Clock, OutboundRequest};
use pipeline::preview::Redaction;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::Deliver;
use crate::erased::Erased;
use crate::feed::Feed;
use crate::lane::Tools;
use crate::sample::{Subject, Turns};

use share::{Kind, Share, Waiting};
pub(crate) use work::{Done, Told, Waited, Work, WorkResult};
use worker::start_workers;

/// The lane's end of the workers. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Crew {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    /// Told when the lane should look: results are waiting, or the queue runs low.
    changed: Notify,
    deliver: Arc<dyn Deliver>,
    clock: Arc<dyn Clock>,
    pace: Arc<Pace>,
    attempt_seconds: Histogram,
    feed: Arc<Feed>,
    erased: Erased,
    /// What samples are made with, and secrets are known by.
    subject: Mutex<Subjects>,
    turns: Turns,
    tasks: TaskTracker,
    cancel: CancellationToken,
}

#[derive(Default)]
struct Subjects {
    now: Option<Arc<Subject>>,
    /// The one before: what is under way may be of it.
    former: Option<Arc<Subject>>,
}

#[derive(Default)]
struct State {
    /// First attempts.
    queue: VecDeque<Work>,
    /// Those of users whose first attempts failed last.
    suspects: VecDeque<Work>,
    /// Later ones. The lane sees to it that they are few.
    retries: VecDeque<Work>,
    /// Which of them goes next.
    share: Share,
    done: Vec<Done>,
    workers: usize,
    /// Whether one of them sleeps until the next place.
    pacing: bool,
    limit: usize,
    /// How many results may wait however soon the lane looks by itself.
    many: usize,
    outlook: Outlook,
}

/// What the lane knows when it goes to sleep: decides what is worth waking it. Waking it for each
/// result would cost more than the result.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Outlook {
    /// It looks by itself within a settling interval.
    pub(crate) soon: bool,
    /// It has more work to hand out when the queue runs low.
    pub(crate) hungry: bool,
    /// It waits for the last worker to end.
    pub(crate) draining: bool,
}

impl State {
    fn queued(&self) -> usize {
        self.queue.len() + self.suspects.len() + self.retries.len()
    }

    /// How many workers more are of use.
    fn wanting(&self) -> usize {
        let slow = self.suspects.len() + self.retries.len();
        let slow = slow.min(self.share.places_for_slow(self.limit));
        let useful = self.queue.len() + slow;
        useful.min(self.limit.saturating_sub(self.workers))
    }

    /// What goes next; `None` where nothing waits, or what waits may not take more places.
    fn kind_of_next(&mut self) -> Option<Kind> {
        let offset = |queue: &VecDeque<Work>| queue.front().map(|work| work.event.offset);
        let waiting = Waiting {
            first: offset(&self.queue),
            suspect: offset(&self.suspects),
            retries: !self.retries.is_empty(),
        };
        self.share.next(waiting, self.limit)
    }

    /// Takes the next of the kind.
    fn pop(&mut self, kind: Kind) -> Option<Work> {
        let next = match kind {
            Kind::First => self.queue.pop_front(),
            Kind::Suspect => self.suspects.pop_front(),
            Kind::Retry => self.retries.pop_front(),
        };
        if next.is_some() {
            self.share.begun(kind);
        }
        next
    }

    /// Takes all first attempts, in the order of their events.
    fn take_firsts(&mut self) -> VecDeque<Work> {
        let (first, suspects) = (&mut self.queue, &mut self.suspects);
        if suspects.is_empty() {
            return std::mem::take(first);
        }
        let mut all: Vec<Work> = first.drain(..).chain(suspects.drain(..)).collect();
        all.sort_by_key(|work| (work.event.offset, work.part));
        all.into()
    }

    fn add(&mut self, work: Work) {
        match Kind::of(&work) {
            Kind::First => self.queue.push_back(work),
            Kind::Suspect => self.suspects.push_back(work),
            Kind::Retry => self.retries.push_back(work),
        }
    }

    fn worth_waking(&self) -> bool {
        (!self.outlook.soon && !self.done.is_empty())
            || self.done.len() >= self.many
            || (self.outlook.hungry && self.queue.len() <= self.limit / 2)
            || (self.outlook.draining && self.workers == 0)
    }
}

impl Crew {
    /// Workers that deliver through `deliver`; `cancel` makes them drop what they are doing.
    pub(crate) fn new(
        deliver: Arc<dyn Deliver>,
        tools: &Tools,
        erased: Erased,
        pace: Arc<Pace>,
        tasks: TaskTracker,
        cancel: CancellationToken,
        window: usize,
    ) -> Self {
        let state = Mutex::new(State {
            many: (window / 4).max(1),
            ..State::default()
        });
        Self {
            shared: Arc::new(Shared {
                state,
                changed: Notify::new(),
                deliver,
                clock: Arc::clone(&tools.clock),
                pace,
                attempt_seconds: metrics::histogram!("millstream_attempt_seconds"),
                feed: Arc::clone(&tools.feed),
                erased,
                subject: Mutex::default(),
                turns: Turns::default(),
                tasks,
                cancel,
            }),
        }
    }

    /// What is erased of the lane's log.
    pub(crate) fn erased(&self) -> &Erased {
        &self.shared.erased
    }

    /// How many deliveries may be under way at once, from now on.
    pub(crate) fn set_limit(&self, limit: usize) {
        let mut state = self.shared.state();
        let more = limit > state.limit;
        state.limit = limit;
        let start = if more { state.wanting() } else { 0 };
        state.workers += start;
        drop(state);
        start_workers(&self.shared, start);
    }

    /// How many requests a minute may be sent, from now on.
    pub(crate) fn set_pace(&self, per_minute: Option<u32>) {
        let now = self.shared.clock.now();
        self.shared.pace.set(per_minute, now);
    }

    /// What samples are made with, from now on.
    pub(crate) fn sample(&self, subject: Arc<Subject>) {
        let mut subjects = self.shared.subjects();
        subjects.former = subjects.now.replace(subject);
    }

    /// Queues work and starts workers for it where the limit lets it.
    pub(crate) fn push(&self, work: impl IntoIterator<Item = Work>) {
        let mut state = self.shared.state();
        work.into_iter().for_each(|one| state.add(one));
        // Where one waits for a place, others would find none.
        let start = if state.pacing { 0 } else { state.wanting() };
        state.workers += start;
        drop(state);
        start_workers(&self.shared, start);
    }

    /// Takes back the first attempts that are queued and not yet begun.
    pub(crate) fn withdraw(&self) -> VecDeque<Work> {
        self.shared.state().take_firsts()
    }

    /// Looks again whose first attempts are queued: those of suspects take few places.
    pub(crate) fn sort(&self, is_suspect: impl Fn(&Work) -> bool) {
        let mut state = self.shared.state();
        for mut one in state.take_firsts() {
            one.suspect = is_suspect(&one);
            state.add(one);
        }
        let start = if state.pacing { 0 } else { state.wanting() };
        state.workers += start;
        drop(state);
        start_workers(&self.shared, start);
    }

    /// How many first attempts of suspects are queued.
    pub(crate) fn suspects(&self) -> usize {
        self.shared.state().suspects.len()
    }

    /// Forgets what is queued and not yet begun; says how much that was.
    pub(crate) fn clear_queue(&self) -> usize {
        let mut state = self.shared.state();
        let queued = state.queued();
        state.queue.clear();
        state.suspects.clear();
        state.retries.clear();
        queued
    }

    /// How many deliveries are queued, and how many are under way.
    pub(crate) fn load(&self) -> (usize, usize) {
        let state = self.shared.state();
        let sleeping = usize::from(state.pacing);
        (state.queued(), state.workers.saturating_sub(sleeping))
    }

    /// Whether the next one waits for its place among so many a minute.
    pub(crate) fn is_paced(&self) -> bool {
        self.shared.state().pacing
    }

    /// Moves the results that are waiting into `into`.
    pub(crate) fn take_done(&self, into: &mut Vec<Done>) {
        into.append(&mut self.shared.state().done);
    }

    /// Says what the lane waits for; `false` when results are there that it has not seen.
    pub(crate) fn expect(&self, outlook: Outlook) -> bool {
        let mut state = self.shared.state();
        state.outlook = outlook;
        state.done.is_empty()
    }

    /// Ends when there is something to look at.
    pub(crate) async fn changed(&self) {
        self.shared.changed.notified().await;
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing is done under the lock that can leave it half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn subjects(&self) -> MutexGuard<'_, Subjects> {
        // They are replaced as wholes.
        self.subject.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes secrets out of what came of a request, or of making it; also those that the sync had before it
    /// was changed, with which it may have been made.
    fn redaction(&self, sent: Option<&OutboundRequest>) -> Redaction {
        let (now, former) = {
            let subjects = self.subjects();
            (subjects.now.clone(), subjects.former.clone())
        };
        let mut whole = Redaction::default();
        for subject in now.iter().chain(&former) {
            whole.join(&subject.redaction(sent));
        }
        whole
    }
}
