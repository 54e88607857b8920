//! What becomes of deliveries, told to those who look on at the moment. Nothing is kept and nobody is
//! waited for; while nobody looks, an attempt costs one load of a counter.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use delivery::Verdict;
use model::outcome::{Discarded, Failure};
use model::tail::{Ending, Outcome, Told};
use model::{Clock, DeliveryId, ProjectId};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::broadcast::{Receiver, Sender};

use crate::crew::Work;

/// How many outcomes of a project wait for those who look on: who is further behind misses the oldest.
const KEPT: usize = 1024;

/// All projects' outcomes.
pub(crate) struct Feed {
    /// How many look on, at whatever project.
    listeners: AtomicUsize,
    /// One for each project that somebody looks at.
    projects: Mutex<HashMap<ProjectId, Sender<Arc<Outcome>>>>,
    /// The last attempt that a delivery gets.
    last_attempt: u8,
}

impl Feed {
    /// Nobody looks on. A delivery gets so many attempts.
    pub(crate) fn new(attempts: u8) -> Self {
        Self {
            listeners: AtomicUsize::new(0),
            projects: Mutex::default(),
            last_attempt: attempts,
        }
    }

    fn projects(&self) -> MutexGuard<'_, HashMap<ProjectId, Sender<Arc<Outcome>>>> {
        // The map is only read, inserted into and removed from under the lock.
        self.projects.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A project's outcomes from now on.
    pub(crate) fn listen(this: &Arc<Self>, project: ProjectId) -> Outcomes {
        let mut projects = this.projects();
        let sender = projects.entry(project).or_insert_with(|| Sender::new(KEPT));
        let receiver = sender.subscribe();
        this.listeners.fetch_add(1, Ordering::Relaxed);
        drop(projects);
        Outcomes {
            receiver,
            feed: Arc::clone(this),
            project,
        }
    }

    /// An attempt was made.
    pub(crate) fn attempted(&self, work: &Work, verdict: &Verdict, clock: &dyn Clock) {
        let Some(sender) = self.listener(work.event.project) else {
            return;
        };
        let outcome = match verdict {
            Verdict::Delivered {
                status, elapsed, ..
            } => Outcome {
                status: Some(status.as_u16()),
                took: Some(*elapsed),
                ..outcome(work, Ending::Delivered, clock)
            },
            Verdict::Failed {
                failure, elapsed, ..
            } => {
                let ending = match work.attempt >= self.last_attempt {
                    true => Ending::Expired,
                    false => Ending::Failed,
                };
                failed(outcome(work, ending, clock), failure, *elapsed)
            }
            Verdict::Refused {
                failure, elapsed, ..
            } => failed(outcome(work, Ending::Discarded, clock), failure, *elapsed),
            // It is told of when the other request is over.
            Verdict::FollowUp { .. } => return,
        };
        // Whoever looked on may be gone by now.
        let _ = sender.send(Arc::new(outcome));
    }

    /// No request could be made.
    pub(crate) fn discarded(&self, work: &Work, why: &Discarded, clock: &dyn Clock) {
        if let Some(sender) = self.listener(work.event.project) {
            let outcome = Outcome {
                message: Some(why.to_string()),
                ..outcome(work, Ending::Discarded, clock)
            };
            let _ = sender.send(Arc::new(outcome));
        }
    }

    /// Where a project's outcomes are told, if anybody looks.
    fn listener(&self, project: ProjectId) -> Option<Sender<Arc<Outcome>>> {
        if self.listeners.load(Ordering::Relaxed) == 0 {
            return None;
        }
        self.projects().get(&project).cloned()
    }
}

fn failed(outcome: Outcome, failure: &Failure, took: Duration) -> Outcome {
    Outcome {
        status: failure.status,
        category: Some(failure.category),
        message: Some(failure.message.clone()),
        took: Some(took),
        ..outcome
    }
}

/// What can be said of an attempt without knowing how it went.
fn outcome(work: &Work, ending: Ending, clock: &dyn Clock) -> Outcome {
    let (event, sync) = (&work.event, work.plan.sync());
    let root = event.root().ok();
    let text = |name: &str| {
        let value = root.and_then(|root| root.get(name));
        value.and_then(|value| value.as_str()).map(str::to_owned)
    };
    Outcome {
        sync,
        at: clock.now(),
        offset: event.offset,
        part: work.part,
        delivery: DeliveryId::of(event.project, event.offset, sync, work.part),
        attempt: work.attempt,
        ending,
        event_type: text("event_type").unwrap_or_default(),
        user_id: text("user_id"),
        device_id: text("device_id"),
        status: None,
        category: None,
        message: None,
        took: None,
    }
}

/// What becomes of a project's deliveries, for one who looks on.
pub struct Outcomes {
    receiver: Receiver<Arc<Outcome>>,
    feed: Arc<Feed>,
    project: ProjectId,
}

impl Outcomes {
    /// The next outcome, or how many were missed before it. Can be given up and called again: nothing
    /// is lost by it. `None` when nothing will come any more.
    pub async fn next(&mut self) -> Option<Told> {
        match self.receiver.recv().await {
            Ok(outcome) => Some(Told::Outcome(outcome)),
            Err(RecvError::Lagged(missed)) => Some(Told::Skipped(missed)),
            Err(RecvError::Closed) => None,
        }
    }
}

impl Drop for Outcomes {
    fn drop(&mut self) {
        self.feed.listeners.fetch_sub(1, Ordering::Relaxed);
        let mut projects = self.feed.projects();
        // This one's own receiver is still there.
        let last = |sender: &Sender<_>| sender.receiver_count() <= 1;
        if projects.get(&self.project).is_some_and(last) {
            projects.remove(&self.project);
        }
    }
}
