//! Workers: they are started where there is work for them, take one delivery after the other, and end.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use delivery::pace::Place;
use futures_util::FutureExt as _;
use model::Timestamp;

use super::attempt::{Performed, perform};
use super::share::Kind;
use super::{Done, Shared, State, Work, WorkResult};
use crate::user;

/// What a worker does next.
enum Next {
    /// So many are under way then.
    Serve(Work, Place, usize),
    /// There is no place before then.
    Sleep(Timestamp),
    End,
}

impl Shared {
    /// Hands back a result and says what to do next, and how many workers are to be started for what
    /// waits for the place behind this one.
    fn next(&self, done: Option<Done>, slept: bool) -> (Next, usize) {
        let mut state = self.state();
        if let Some(done) = done {
            state.share.ended(Kind::of_done(&done), done.requests);
            state.done.push(done);
        }
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
        if state.workers > state.limit {
            return Next::End;
        }
        let Some(kind) = state.kind_of_next() else {
            return Next::End;
        };
        let now = match self.pace.is_limited() {
            true => self.clock.now(),
            // Nobody looks at it.
            false => Timestamp::default(),
        };
        match self.pace.take(now) {
            Ok(place) => match state.pop(kind) {
                Some(work) => {
                    let sleeping = usize::from(state.pacing);
                    Next::Serve(work, place, state.workers.saturating_sub(sleeping))
                }
                None => Next::End,
            },
            Err(_) if state.pacing => Next::End,
            Err(at) => {
                state.pacing = true;
                Next::Sleep(at)
            }
        }
    }
}

/// Starts so many workers; they are counted already.
pub(super) fn start_workers(shared: &Arc<Shared>, count: usize) {
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
        let (work, place, at_once) = match next {
            Next::Serve(work, place, at_once) => (work, place, at_once),
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
            // Whether something was sent, nobody knows.
            Performed::internal(message, 0)
        });
        let whose = match performed.result {
            WorkResult::Failed { .. } => user::key(&work.event),
            _ if work.suspect => user::key(&work.event),
            _ => None,
        };
        done = Some(Done {
            offset: work.event.offset,
            part: work.part,
            attempt: work.attempt,
            booked: work.booked,
            ahead: work.ahead,
            suspect: work.suspect,
            user: work.user,
            whose,
            stored: work.stored,
            given: work.given,
            received_at: work.event.received_at,
            began,
            at: shared.clock.now(),
            at_once,
            requests: performed.requests,
            result: performed.result,
            told: performed.told,
        });
    }
}
