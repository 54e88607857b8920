//! A lane's workers: they take what is queued, render it, send it, and hand back what became of it.
//!
//! Workers are started when there is work and end when there is none, so that an idle lane costs
//! no task.

use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use delivery::Verdict;
use futures_util::FutureExt as _;
use metrics::Histogram;
use model::outcome::{Category, Discarded, Failure};
use model::{Clock, Event, Offset, Part, Timestamp};
use pipeline::{Outcome, Plan};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::Deliver;

/// One delivery to be made.
pub(crate) struct Work {
    pub(crate) event: Arc<Event>,
    pub(crate) part: Part,
    pub(crate) plan: Arc<Plan>,
    /// Which attempt this is, from 1.
    pub(crate) attempt: u8,
}

/// What became of it.
pub(crate) struct Done {
    pub(crate) offset: Offset,
    pub(crate) part: Part,
    pub(crate) attempt: u8,
    pub(crate) received_at: Timestamp,
    pub(crate) at: Timestamp,
    /// Requests that were sent.
    pub(crate) requests: u8,
    pub(crate) result: WorkResult,
}

/// How one attempt of one delivery went.
pub(crate) enum WorkResult {
    Delivered,
    Failed {
        failure: Failure,
        retry_after: Option<Timestamp>,
    },
    Discarded(Discarded),
    /// The sync no longer sends this: its settings have changed since the retry was booked.
    NotSent,
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
    attempt_seconds: Histogram,
    tasks: TaskTracker,
    cancel: CancellationToken,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Work>,
    done: Vec<Done>,
    workers: usize,
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
        clock: Arc<dyn Clock>,
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
                clock,
                attempt_seconds: metrics::histogram!("millstream_attempt_seconds"),
                tasks,
                cancel,
            }),
        }
    }

    /// How many deliveries may be under way at once, from now on.
    pub(crate) fn set_limit(&self, limit: usize) {
        self.shared.state().limit = limit;
    }

    /// Queues work and starts workers for it where the limit lets it.
    pub(crate) fn push(&self, work: impl IntoIterator<Item = Work>) {
        let mut state = self.shared.state();
        state.queue.extend(work);
        let start = state
            .queue
            .len()
            .min(state.limit.saturating_sub(state.workers));
        state.workers += start;
        drop(state);
        for _ in 0..start {
            let shared = Arc::clone(&self.shared);
            self.shared.tasks.spawn(async move {
                let cancel = shared.cancel.clone();
                tokio::select! {
                    () = cancel.cancelled() => {}
                    () = serve(shared) => {}
                }
            });
        }
    }

    /// Takes back what is queued and not yet begun.
    pub(crate) fn clear_queue(&self) -> Vec<Work> {
        self.shared.state().queue.drain(..).collect()
    }

    /// How many deliveries are queued, and how many are under way.
    pub(crate) fn load(&self) -> (usize, usize) {
        let state = self.shared.state();
        (state.queue.len(), state.workers)
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

    /// Hands back a result and takes the next work; `None` ends the worker.
    fn next(&self, done: Option<Done>) -> Option<Work> {
        let mut state = self.state();
        state.done.extend(done);
        let over = state.workers > state.limit;
        let work = if over { None } else { state.queue.pop_front() };
        if work.is_none() {
            state.workers -= 1;
        }
        let wake = state.worth_waking();
        drop(state);
        if wake {
            self.changed.notify_one();
        }
        work
    }
}

/// Runs until nothing is queued. A panic (a bug of ours) must lose neither the worker's place nor
/// the delivery: it counts as a failed attempt.
async fn serve(shared: Arc<Shared>) {
    let mut done = None;
    while let Some(work) = shared.next(done.take()) {
        let result = AssertUnwindSafe(perform(&shared, &work))
            .catch_unwind()
            .await;
        let (result, requests) = result.unwrap_or_else(|_| {
            tracing::error!(sync = %work.plan.sync(), offset = work.event.offset.0, "a delivery panicked");
            let message = "an internal error of the sender".to_owned();
            let failure = Failure { category: Category::Internal, status: None, message, response: String::new() };
            // Whether something was sent, nobody knows.
            (WorkResult::Failed { failure, retry_after: None }, 0)
        });
        done = Some(Done {
            offset: work.event.offset,
            part: work.part,
            attempt: work.attempt,
            received_at: work.event.received_at,
            at: shared.clock.now(),
            requests,
            result,
        });
    }
}

/// What became of it, and how many requests were sent.
async fn perform(shared: &Shared, work: &Work) -> (WorkResult, u8) {
    let request = match work.plan.render(&work.event, work.part) {
        Outcome::Filtered(_) => return (WorkResult::NotSent, 0),
        Outcome::Discarded(why) => return (WorkResult::Discarded(why), 0),
        Outcome::Request(request) => request,
    };
    match shared.deliver.attempt(&request, work.attempt).await {
        Verdict::Delivered { elapsed, tries, .. } => {
            shared.attempt_seconds.record(elapsed);
            (WorkResult::Delivered, tries)
        }
        Verdict::Failed {
            failure,
            retry_after,
            tries,
            elapsed,
        } => {
            shared.attempt_seconds.record(elapsed);
            tracing::debug!(
                sync = %work.plan.sync(),
                delivery = %request.delivery,
                attempt = work.attempt,
                category = failure.category.name(),
                "{}",
                failure.message
            );
            let failed = WorkResult::Failed {
                failure,
                retry_after,
            };
            (failed, tries)
        }
    }
}
