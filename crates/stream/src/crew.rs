//! A lane's workers: they take what is queued, render it, send it, and hand back what became of it.
//!
//! Workers are started when there is work and end when there is none, so that an idle lane costs
//! no task. Where the destination takes only so many requests a minute, what waits for its place
//! waits in the queue: one worker sleeps until the next place, whoever takes it starts the next.

use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use delivery::pace::Place;
use delivery::{Evidence, Pace, Timing, Verdict};
use futures_util::FutureExt as _;
use journal::StorageError;
use journal::fate::{MOST_TYPE_BYTES, Split, beginning};
use metrics::Histogram;
use model::outcome::{Category, Discarded, Failure};
use model::{Clock, Event, Offset, OutboundRequest, Part, Timestamp};
use pipeline::{Outcome, Plan};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::Deliver;
use crate::erased::Erased;
use crate::feed::Feed;
use crate::lane::Tools;
use crate::sample::{Subject, Turns};

/// How long the second request of a delivery waits for its place: several times what lies between two
/// places of the lowest limit.
const FOLLOW_UP_WITHIN: Duration = Duration::from_secs(300);

/// Whether a delivery waited for a property of its user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Waited {
    /// It didn't, or the property has come.
    #[default]
    No,
    /// It has not come.
    InVain,
    /// It could not: as many waited as may.
    NoRoom,
}

/// One delivery to be made.
pub(crate) struct Work {
    pub(crate) event: Arc<Event>,
    pub(crate) part: Part,
    pub(crate) plan: Arc<Plan>,
    /// Which attempt this is, from 1.
    pub(crate) attempt: u8,
    /// Whether it is booked as a retry; also the first attempt of a replayed delivery is.
    pub(crate) booked: bool,
    /// Since when it could have been made.
    pub(crate) due_at: Timestamp,
    /// Whose delivery it is, where it must not overtake others of the user.
    pub(crate) user: Option<u64>,
    /// Whether it comes from the journal's retries or turns; otherwise from the log.
    pub(crate) stored: bool,
    /// Whether it waited for a property of its user that has not come.
    pub(crate) waited: Waited,
    /// How often events of the log had been erased when its event was read.
    pub(crate) erased: u64,
}

/// What became of it.
pub(crate) struct Done {
    pub(crate) offset: Offset,
    pub(crate) part: Part,
    pub(crate) attempt: u8,
    pub(crate) booked: bool,
    /// As the work's.
    pub(crate) user: Option<u64>,
    pub(crate) stored: bool,
    pub(crate) received_at: Timestamp,
    /// When the attempt began and ended.
    pub(crate) began: Timestamp,
    pub(crate) at: Timestamp,
    /// Requests that were sent.
    pub(crate) requests: u8,
    pub(crate) result: WorkResult,
    /// What there is to tell of it, unless it was delivered at the first attempt.
    pub(crate) told: Option<Box<Told>>,
}

/// What is told of an attempt.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) event_type: String,
    pub(crate) split: Split,
    /// Everything about it, where it is to be a sample.
    pub(crate) sample: Option<Arc<str>>,
}

impl Done {
    /// Whether the delivery has no further attempt, of so many.
    pub(crate) fn is_over(&self, attempts: u8) -> bool {
        match self.result {
            WorkResult::Failed { .. } => self.attempt >= attempts,
            WorkResult::Waits | WorkResult::Awaits { .. } => false,
            WorkResult::Delivered { .. }
            | WorkResult::Discarded(_)
            | WorkResult::NotSent
            | WorkResult::Erased => true,
        }
    }
}

/// How one attempt of one delivery went.
pub(crate) enum WorkResult {
    Delivered {
        status: u16,
        took_ms: u32,
    },
    Failed {
        failure: Failure,
        retry_after: Option<Timestamp>,
    },
    Discarded(Discarded),
    /// The sync no longer sends this: its settings have changed since the retry was booked.
    NotSent,
    /// The event was erased.
    Erased,
    /// Nothing was tried: it waits for an earlier delivery of its user.
    Waits,
    /// Nothing was tried: it waits until then for a property of its user.
    Awaits {
        until: Timestamp,
        failure: Failure,
    },
}

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
    /// What samples are made with.
    subject: Mutex<Option<Arc<Subject>>>,
    turns: Turns,
    tasks: TaskTracker,
    cancel: CancellationToken,
}

#[derive(Default)]
struct State {
    /// First attempts.
    queue: VecDeque<Work>,
    /// Later ones: they go first, since they were promised. The lane sees to it that they are few.
    retries: VecDeque<Work>,
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

/// What a worker does next.
enum Next {
    Serve(Work, Place),
    /// There is no place before then.
    Sleep(Timestamp),
    End,
}

impl State {
    fn queued(&self) -> usize {
        self.queue.len() + self.retries.len()
    }

    /// How many workers more are of use.
    fn wanting(&self) -> usize {
        self.queued().min(self.limit.saturating_sub(self.workers))
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
        *self.shared.subject() = Some(subject);
    }

    /// Queues work and starts workers for it where the limit lets it.
    pub(crate) fn push(&self, work: impl IntoIterator<Item = Work>) {
        let mut state = self.shared.state();
        for one in work {
            match one.booked {
                false => state.queue.push_back(one),
                true => state.retries.push_back(one),
            }
        }
        // Where one waits for a place, others would find none.
        let start = if state.pacing { 0 } else { state.wanting() };
        state.workers += start;
        drop(state);
        start_workers(&self.shared, start);
    }

    /// Takes back the first attempts that are queued and not yet begun.
    pub(crate) fn withdraw(&self) -> VecDeque<Work> {
        std::mem::take(&mut self.shared.state().queue)
    }

    /// Forgets what is queued and not yet begun; says how much that was.
    pub(crate) fn clear_queue(&self) -> usize {
        let mut state = self.shared.state();
        let queued = state.queued();
        state.queue.clear();
        state.retries.clear();
        queued
    }

    /// How many deliveries are queued, and how many are under way.
    pub(crate) fn load(&self) -> (usize, usize) {
        let state = self.shared.state();
        let sleeping = usize::from(state.pacing);
        (state.queued(), state.workers.saturating_sub(sleeping))
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

    fn subject(&self) -> MutexGuard<'_, Option<Arc<Subject>>> {
        // It is replaced as a whole.
        self.subject.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands back a result and says what to do next, and how many workers are to be started for what
    /// waits for the place behind this one.
    fn next(&self, done: Option<Done>, slept: bool) -> (Next, usize) {
        let mut state = self.state();
        state.done.extend(done);
        if slept {
            state.pacing = false;
        }
        let next = self.choose(&mut state);
        if matches!(next, Next::End) {
            state.workers -= 1;
        }
        let succeed = self.pace.is_limited() && !state.pacing && matches!(next, Next::Serve(..));
        let start = if succeed { state.wanting().min(1) } else { 0 };
        state.workers += start;
        let wake = state.worth_waking();
        drop(state);
        if wake {
            self.changed.notify_one();
        }
        (next, start)
    }

    fn choose(&self, state: &mut State) -> Next {
        if state.workers > state.limit || state.queued() == 0 {
            return Next::End;
        }
        let now = match self.pace.is_limited() {
            true => self.clock.now(),
            // Nobody looks at it.
            false => Timestamp::default(),
        };
        match self.pace.take(now) {
            Ok(place) => {
                let retry = state.retries.pop_front();
                match retry.or_else(|| state.queue.pop_front()) {
                    Some(work) => Next::Serve(work, place),
                    None => Next::End,
                }
            }
            Err(_) if state.pacing => Next::End,
            Err(at) => {
                state.pacing = true;
                Next::Sleep(at)
            }
        }
    }
}

/// Starts so many workers; they are counted already.
fn start_workers(shared: &Arc<Shared>, count: usize) {
    for _ in 0..count {
        let shared = Arc::clone(shared);
        let tasks = shared.tasks.clone();
        tasks.spawn(async move {
            let cancel = shared.cancel.clone();
            tokio::select! {
                () = cancel.cancelled() => {}
                () = serve(shared) => {}
            }
        });
    }
}

/// Runs until nothing is queued. A panic (a bug of ours) must lose neither the worker's place nor
/// the delivery: it counts as a failed attempt.
async fn serve(shared: Arc<Shared>) {
    let (mut done, mut slept) = (None, false);
    loop {
        let (next, start) = shared.next(done.take(), std::mem::take(&mut slept));
        start_workers(&shared, start);
        let (work, place) = match next {
            Next::Serve(work, place) => (work, place),
            Next::Sleep(until) => {
                shared.clock.sleep_until(until).await;
                slept = true;
                continue;
            }
            Next::End => return,
        };
        let began = shared.clock.now();
        let performed = AssertUnwindSafe(perform(&shared, &work, place))
            .catch_unwind()
            .await;
        let performed = performed.unwrap_or_else(|_| {
            tracing::error!(sync = %work.plan.sync(), offset = work.event.offset.0, "a delivery panicked");
            let message = "an internal error of the sender".to_owned();
            let failure = Failure { category: Category::Internal, status: None, message, response: String::new() };
            // Whether something was sent, nobody knows.
            Performed { result: WorkResult::Failed { failure, retry_after: None }, requests: 0, told: None }
        });
        done = Some(Done {
            offset: work.event.offset,
            part: work.part,
            attempt: work.attempt,
            booked: work.booked,
            user: work.user,
            stored: work.stored,
            received_at: work.event.received_at,
            began,
            at: shared.clock.now(),
            requests: performed.requests,
            result: performed.result,
            told: performed.told,
        });
    }
}

/// What became of an attempt.
struct Performed {
    result: WorkResult,
    /// How many requests were sent.
    requests: u8,
    told: Option<Box<Told>>,
}

async fn perform(shared: &Shared, work: &Work, place: Place) -> Performed {
    let begun = shared.clock.now();
    let erased = match shared.erased.look(&work.event, work.erased).await {
        Ok(Some(times)) => times,
        other => {
            shared.pace.give_back(place);
            return unsent(other, 0);
        }
    };
    let rendered = work.plan.render(&work.event, work.part);
    let split = Split {
        queue_ms: millis(begun.since(work.due_at)),
        render_us: u32::try_from(shared.clock.now().since(begun).as_micros()).unwrap_or(u32::MAX),
        ..Split::default()
    };
    let request = match rendered {
        Outcome::Request(request) => request,
        other => {
            shared.pace.give_back(place);
            return shared.unmade(work, other, split, 0);
        }
    };
    let verdict = match shared.send(work, &request, erased).await {
        Ok(verdict) => verdict,
        Err(performed) => {
            shared.pace.give_back(place);
            return performed;
        }
    };
    let Verdict::FollowUp {
        answer,
        tries,
        elapsed,
    } = verdict
    else {
        return shared.settled(work, &request, verdict, split);
    };
    // The destination's answer asks for another request: it is of the same attempt.
    shared.attempt_seconds.record(elapsed);
    let next = match work.plan.follow_up(&work.event, work.part, &answer) {
        Outcome::Request(next) => next,
        other => return shared.unmade(work, other, split, tries),
    };
    let now = shared.clock.now();
    // It waits for a place of its own: half of a delivery has been made. When there is none in time, the
    // whole is made anew later.
    match shared.pace.reserve(now, now + FOLLOW_UP_WITHIN) {
        Some(at) if at > now => shared.clock.sleep_until(at).await,
        Some(_) => {}
        None => return shared.without_place(work, split, tries),
    }
    let mut performed = match shared.send(work, &next, erased).await {
        Ok(verdict) => shared.settled(work, &next, verdict, split),
        Err(performed) => performed,
    };
    performed.requests = performed.requests.saturating_add(tries);
    performed
}

/// A delivery that ends since its event was erased; or for now, since nobody knows.
fn unsent(looked: Result<Option<u64>, StorageError>, requests: u8) -> Performed {
    let result = match looked {
        Ok(_) => WorkResult::Erased,
        Err(error) => {
            let message = format!("whether the event was erased can't be read: {error}");
            let failure = Failure {
                category: Category::Internal,
                status: None,
                message,
                response: String::new(),
            };
            WorkResult::Failed {
                failure,
                retry_after: None,
            }
        }
    };
    Performed {
        result,
        requests,
        told: None,
    }
}

impl Shared {
    /// Sends a request of a delivery, with its tries, unless its event was erased since it was there.
    async fn send(
        &self,
        work: &Work,
        request: &OutboundRequest,
        erased: u64,
    ) -> Result<Verdict, Performed> {
        let shared_pace = self.deliver.shared_pace();
        let mut taken = None;
        while let (Some(pace), None) = (shared_pace, taken) {
            match pace.take(self.clock.now()) {
                Ok(place) => taken = Some(place),
                Err(at) => self.clock.sleep_until(at).await,
            }
        }
        let times = match self.erased.look(&work.event, erased).await {
            Ok(Some(times)) => times,
            other => {
                if let (Some(pace), Some(place)) = (shared_pace, taken) {
                    pace.give_back(place);
                }
                return Err(unsent(other, 0));
            }
        };
        let may_go_on = || !self.erased.since(times);
        let (attempt, pace) = (work.attempt, &*self.pace);
        let sent = self.deliver.attempt(request, attempt, pace, &may_go_on);
        Ok(sent.await)
    }

    /// A delivery of which no request was made: it is filtered or discarded, after so many requests.
    fn unmade(&self, work: &Work, outcome: Outcome, split: Split, requests: u8) -> Performed {
        let Outcome::Discarded(mut why) = outcome else {
            return Performed {
                result: WorkResult::NotSent,
                requests,
                told: None,
            };
        };
        if let Discarded::MissingMapping {
            waited_seconds,
            no_room,
            ..
        } = &mut why
        {
            let waited = self.clock.now().since(work.event.received_at);
            *waited_seconds = (work.waited == Waited::InVain).then_some(waited.as_secs());
            *no_room = work.waited == Waited::NoRoom;
        }
        self.feed.discarded(work, &why, &*self.clock);
        let told = self.tell(work, split, why.name(), |subject| {
            subject.of_discarded(&work.event, &why.to_string(), split)
        });
        Performed {
            result: WorkResult::Discarded(why),
            requests,
            told: Some(told),
        }
    }

    /// A delivery of which the first request was made, and there is no place for the second.
    fn without_place(&self, work: &Work, split: Split, requests: u8) -> Performed {
        let failure = Failure {
            category: Category::Internal,
            status: None,
            message: format!(
                "the answer asks for another request, for which the limit of requests a minute leaves no place within {} minutes",
                FOLLOW_UP_WITHIN.as_secs() / 60
            ),
            response: String::new(),
        };
        let told = self.tell(work, split, failure.category.name(), |subject| {
            subject.of_discarded(&work.event, &failure.message, split)
        });
        Performed {
            result: WorkResult::Failed {
                failure,
                retry_after: None,
            },
            requests,
            told: Some(told),
        }
    }

    /// What a verdict means for the delivery.
    fn settled(
        &self,
        work: &Work,
        request: &OutboundRequest,
        verdict: Verdict,
        split: Split,
    ) -> Performed {
        self.feed.attempted(work, &verdict, &*self.clock);
        match verdict {
            Verdict::Delivered {
                elapsed,
                tries,
                status,
                timing,
            } => {
                self.attempt_seconds.record(elapsed);
                let took_ms = millis(elapsed);
                let told = work.booked.then(|| {
                    Box::new(Told {
                        event_type: event_type(&work.event),
                        split: timed(split, Some(timing), elapsed),
                        sample: None,
                    })
                });
                Performed {
                    result: WorkResult::Delivered {
                        status: status.as_u16(),
                        took_ms,
                    },
                    requests: tries,
                    told,
                }
            }
            Verdict::Refused {
                failure,
                tries,
                elapsed,
                answer,
            } => {
                let told = self.failed(work, request, &failure, answer.as_deref(), elapsed, split);
                Performed {
                    result: WorkResult::Discarded(Discarded::Refused { failure }),
                    requests: tries,
                    told: Some(told),
                }
            }
            // Nothing that follows is followed by more: no plan has such rules.
            Verdict::FollowUp {
                answer,
                tries,
                elapsed,
            } => {
                let failure = Failure {
                    category: Category::Internal,
                    status: Some(answer.status),
                    message: "the answer asks for one request more than there is".to_owned(),
                    response: String::new(),
                };
                let told = self.failed(work, request, &failure, None, elapsed, split);
                Performed {
                    result: WorkResult::Failed {
                        failure,
                        retry_after: None,
                    },
                    requests: tries,
                    told: Some(told),
                }
            }
            Verdict::Failed {
                failure,
                retry_after,
                tries,
                elapsed,
                answer,
            } => {
                let told = self.failed(work, request, &failure, answer.as_deref(), elapsed, split);
                Performed {
                    result: WorkResult::Failed {
                        failure,
                        retry_after,
                    },
                    requests: tries,
                    told: Some(told),
                }
            }
        }
    }

    /// Notes an attempt that failed, and makes what is told of it.
    fn failed(
        &self,
        work: &Work,
        request: &OutboundRequest,
        failure: &Failure,
        answer: Option<&Evidence>,
        elapsed: Duration,
        split: Split,
    ) -> Box<Told> {
        self.attempt_seconds.record(elapsed);
        tracing::debug!(
            sync = %work.plan.sync(),
            delivery = %request.delivery,
            attempt = work.attempt,
            category = failure.category.name(),
            "{}",
            failure.message
        );
        let split = timed(split, answer.map(|answer| answer.timing), elapsed);
        self.tell(work, split, failure.category.name(), |subject| {
            subject.of_failure(&work.event, work.part, request, failure, answer, split)
        })
    }
}

impl Shared {
    /// What is told of an attempt that came to nothing, for this reason; with a sample when it is its
    /// turn.
    fn tell(
        &self,
        work: &Work,
        split: Split,
        kind: &'static str,
        sample: impl FnOnce(&Subject) -> Arc<str>,
    ) -> Box<Told> {
        let turn = self.turns.take(kind, work.attempt, self.clock.now());
        let subject = self.subject().clone().filter(|_| turn);
        Box::new(Told {
            event_type: event_type(&work.event),
            split,
            sample: subject.map(|subject| sample(&subject)),
        })
    }
}

/// Where the time of an attempt went that took so long; `timing`: of its last try, where that was answered.
fn timed(split: Split, timing: Option<Timing>, elapsed: Duration) -> Split {
    let connection = timing.and_then(|timing| timing.connection);
    Split {
        connect_ms: connection
            .map(|took| millis(took.lookup + took.connect + took.tls.unwrap_or_default())),
        wait_ms: timing.map(|timing| millis(timing.wait)),
        took_ms: millis(elapsed),
        ..split
    }
}

fn millis(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}

/// The event's type, as much of it as is kept.
fn event_type(event: &Event) -> String {
    let root = event.root().ok();
    let event_type = root.and_then(|root| root.get("event_type"));
    let event_type = event_type.and_then(|event_type| event_type.as_str());
    beginning(event_type.unwrap_or_default(), MOST_TYPE_BYTES).to_owned()
}
