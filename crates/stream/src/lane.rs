//! A lane: one sync's own reader, workers and bookkeeping.
//!
//! Nothing of one lane is awaited by another. The lane's task reads the journal from its cursor,
//! filters, hands work to its crew, and makes durable what became of it. Between sending and
//! settling lie at most `window` events: the most that a crash can send twice.

mod ahead;
mod awaiting;
mod dispatch;
mod order;
mod probing;
mod settling;
mod standing;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use delivery::retry::Schedule;
use futures_util::future::BoxFuture;
use journal::hold::Standing;
use journal::{Journal, StorageError};
use model::{Clock, Event, Offset, ProjectId, Random, SyncId, Timestamp};
use pipeline::Plan;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::agenda::Agenda;
use crate::breaker;
use crate::crew::{Crew, Done, Outlook, Work};
use crate::drain::Draining;
use crate::erased::Erased;
use crate::feed::Feed;
use crate::gate::{Gate, Passage};
use crate::replay::Orders;
use crate::results::{Batch, Results};
use crate::sample::Subject;
use crate::turns::{MostAwaiting, Turns};
use crate::view::{Flow, View};
use crate::window::Window;

use self::ahead::Ahead;

/// How many events are read at once.
const PAGE: usize = 256;

/// How long a lane waits after the journal failed.
pub(crate) const STORAGE_BACKOFF: Duration = Duration::from_secs(1);

/// What a lane is to do.
#[derive(Clone)]
pub(crate) enum Wanted {
    /// Deliver.
    Run(Course),
    /// Finish what is under way, settle, end.
    Stop,
}

/// How a lane delivers.
#[derive(Clone)]
pub(crate) struct Course {
    /// What is made of events.
    pub(crate) plan: Arc<Plan>,
    /// How many requests at once at most.
    pub(crate) concurrency: usize,
    /// How many requests a minute at most.
    pub(crate) requests_per_minute: Option<u32>,
    /// What samples of failures are made with.
    pub(crate) subject: Arc<Subject>,
    /// Whether a user's deliveries keep their order.
    pub(crate) ordered: bool,
    /// How long an event waits for a property of its user, if it does.
    pub(crate) wait: Option<Duration>,
    /// Whether it sends past events: how long ago these were received is no latency.
    pub(crate) past: bool,
}

/// Bounds of a lane.
#[derive(Debug, Clone)]
pub(crate) struct Bounds {
    /// Events sent and not yet durably settled.
    pub(crate) window: usize,
    /// How long results are gathered before they are settled together.
    pub(crate) settle_interval: Duration,
    /// When its destination counts as gone.
    pub(crate) breaker: breaker::Config,
    /// How many deliveries may wait for properties.
    pub(crate) awaiting: MostAwaiting,
}

/// What a lane works with.
pub(crate) struct Tools {
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) schedule: Schedule,
    pub(crate) feed: Arc<Feed>,
}

pub(crate) struct Lane {
    project: ProjectId,
    sync: SyncId,
    tools: Arc<Tools>,
    bounds: Bounds,
    wanted: watch::Receiver<Wanted>,
    head: watch::Receiver<Offset>,
    orders: Orders,
    view: Arc<View>,
    crew: Crew,
    plan: Arc<Plan>,
    /// How many requests a minute the settings allow.
    requests_per_minute: Option<u32>,
    /// What the journal was told last.
    standing: Standing,
    /// How it goes through what was held, while it does.
    draining: Option<Draining>,
    ordered: bool,
    past: bool,
    wait: Option<Duration>,
    turns: Turns<Work>,
    gate: Gate,
    /// Whether the gate would let a delivery pass, but there is none that may be read.
    starved: bool,
    window: Window,
    agenda: Agenda,
    ahead: Ahead,
    /// Read and not yet looked at.
    page: VecDeque<Arc<Event>>,
    /// How often events of the log had been erased when that was read.
    page_erased: u64,
    erased: Erased,
    /// Deliveries given to the crew whose outcome is not durable yet.
    exposed: usize,
    /// Retries under way.
    retrying: usize,
    results: Results,
    /// Of events with two deliveries: the one that is over while the other is under way. It is
    /// settled, and counted, with the other: both would be made anew after a crash.
    half_done: BTreeMap<Offset, Done>,
    settling: Option<BoxFuture<'static, Result<Batch, StorageError>>>,
    settled_at: Timestamp,
    /// The cursor that is durable.
    settled_cursor: Offset,
    /// Whether something else than the lane may have taken retries of it: the next settlement tells how
    /// many are left.
    recount: bool,
    /// After the journal failed: when to go on.
    resume_at: Option<Timestamp>,
    stopping: bool,
    /// Whether deliveries under way are given up.
    cancel: CancellationToken,
}

impl Lane {
    /// Opens the lane where it stopped.
    #[allow(clippy::too_many_arguments)] // one call, and each is a thing of its own
    pub(crate) async fn open(
        (project, sync): (ProjectId, SyncId),
        tools: Arc<Tools>,
        bounds: Bounds,
        wanted: watch::Receiver<Wanted>,
        head: watch::Receiver<Offset>,
        orders: Orders,
        view: Arc<View>,
        crew: Crew,
        course: Course,
        cancel: CancellationToken,
    ) -> Result<Self, StorageError> {
        let position = tools.journal.open_lane(project, sync).await?;
        let settled_cursor = position.cursor;
        let settled_at = tools.clock.now();
        let retries = tools.journal.retries(sync, None, Agenda::PAGE).await?;
        let are_tried = retries.iter().any(|retry| retry.attempts > 0);
        view.opened(position.pending, are_tried, settled_at);
        let mut gate = Gate::new(bounds.breaker.clone(), course.concurrency);
        let mut standing = position.standing;
        if standing == Standing::Shut {
            // It stood so until the server ended: what waits must not all be begun at once again.
            gate.reopen(settled_at);
        }
        if !gate.is_shut() && standing != Standing::Running {
            tools.journal.set_standing(sync, Standing::Running).await?;
            standing = Standing::Running;
        }
        let plan = course.plan;
        let erased = crew.erased().clone();
        let drain = tools.journal.drain(sync).await?;
        let draining = drain.map(|drain| Draining::new(drain, settled_cursor));
        let mut lane = Self {
            project,
            sync,
            tools,
            bounds,
            wanted,
            head,
            orders,
            view,
            crew,
            plan,
            requests_per_minute: None,
            standing,
            draining,
            ordered: false,
            past: course.past,
            wait: None,
            turns: Turns::default(),
            gate,
            starved: false,
            window: Window::new(position),
            agenda: Agenda::default(),
            ahead: Ahead::default(),
            page: VecDeque::new(),
            page_erased: 0,
            erased,
            exposed: 0,
            retrying: 0,
            results: Results::default(),
            half_done: BTreeMap::new(),
            settling: None,
            settled_at,
            settled_cursor,
            recount: false,
            resume_at: None,
            stopping: false,
            cancel,
        };
        lane.load_turns().await?;
        Ok(lane)
    }

    /// Runs until it is told to stop and everything under way has been settled.
    pub(crate) async fn run(mut self) {
        self.follow_wanted();
        let mut done = Vec::new();
        loop {
            self.crew.take_done(&mut done);
            self.take_results(&mut done);
            let more = match self.dispatch().await {
                Ok(more) => more,
                Err(error) => {
                    self.pause_after(&error);
                    false
                }
            };
            self.start_settling();
            self.publish();
            if self.stopping && self.is_idle() {
                return;
            }
            self.wait(more).await;
        }
    }

    /// Waits until there is something to do.
    async fn wait(&mut self, more: bool) {
        let wake = self.next_wake();
        let outlook = Outlook {
            soon: self.settling.is_some() || self.settle_due().is_some(),
            hungry: (self.is_behind() || self.gate.has_waiting())
                && self.exposed < self.bounds.window
                && self.gate.passage(self.tools.clock.now()) == Passage::Free,
            draining: self.stopping,
        };
        if !self.crew.expect(outlook) {
            return;
        }
        let clock = Arc::clone(&self.tools.clock);
        let crew = self.crew.clone();
        let settling = self.settling.as_mut();
        tokio::select! {
            settled = async { settling.expect("guarded by the branch's condition").await }, if settling.is_some() => {
                self.settling = None;
                self.settled(settled);
            }
            () = crew.changed() => {}
            () = self.cancel.cancelled(), if !self.stopping || self.exposed > 0 => self.stop_at_once(),
            // An error means that the sender is gone, that is, that the streams were dropped.
            gone = self.wanted.changed(), if !self.stopping => {
                if gone.is_err() { self.stop() } else { self.follow_wanted(); self.recount = true }
            }
            // Likewise: the journal is gone.
            changed = self.head.changed(), if !self.stopping => if changed.is_err() { self.stop() },
            () = self.orders.wait(), if !self.stopping => {}
            () = async { clock.sleep_until(wake.unwrap_or_default()).await }, if wake.is_some() => {}
            () = tokio::task::yield_now(), if more => {}
        }
    }

    fn follow_wanted(&mut self) {
        let wanted = self.wanted.borrow_and_update().clone();
        match wanted {
            Wanted::Run(course) => {
                self.crew.sample(course.subject);
                self.plan = course.plan;
                self.requests_per_minute = course.requests_per_minute;
                self.ordered = course.ordered;
                self.wait = course.wait;
                self.look_at_all();
                self.gate.set_concurrency(course.concurrency);
                self.set_pace();
                if let Some(draining) = &mut self.draining {
                    draining.look_again(self.window.next());
                }
                self.crew.set_limit(self.gate.allowed());
            }
            Wanted::Stop => self.stop(),
        }
    }

    fn stop(&mut self) {
        self.stopping = true;
        self.page.clear();
        // What was queued and not begun stays unsettled: it is read again at the next start.
        self.exposed -= self.crew.clear_queue();
        self.gate.clear();
    }

    fn is_idle(&self) -> bool {
        let under_way = self.exposed > 0 && !self.cancel.is_cancelled();
        !under_way && self.settling.is_none() && !self.has_results()
    }

    /// Whether there are events that have not been looked at.
    fn is_behind(&self) -> bool {
        !self.page.is_empty() || self.window.next() < *self.head.borrow()
    }

    /// Notes what became of deliveries.
    fn take_results(&mut self, done: &mut Vec<Done>) {
        if done.is_empty() {
            return;
        }
        self.view.attempted(done);
        self.learn(done);
        done.drain(..).for_each(|one| self.take_result(one));
        self.results.add_passed(self.window.advance());
    }

    /// Lets the gate know what attempts met.
    fn learn(&mut self, done: &[Done]) {
        let before = self.gate.allowed();
        let was_shut = self.gate.is_shut();
        let (queued, under_way) = self.crew.load();
        let all_used = queued > self.crew.suspects() || under_way >= before;
        if self.gate.learn(done, all_used, &*self.tools.random) {
            let gate = &self.gate;
            self.crew
                .sort(|work| !gate.is_shut() && gate.is_suspect(work));
        }
        match (was_shut, self.gate.is_shut()) {
            (true, false) => self.hasten(),
            (false, true) => self.no_longer_hasten(),
            _ => {}
        }
        if self.gate.allowed() != before {
            self.crew.set_limit(self.gate.allowed());
        }
    }

    fn stop_at_once(&mut self) {
        self.stopping = true;
        self.page.clear();
        self.crew.clear_queue();
    }

    fn pause_after(&mut self, error: &StorageError) {
        tracing::error!(sync = %self.sync, %error, "the journal can't be read; trying again");
        self.view.storage_failed(error);
        self.resume_at = Some(self.tools.clock.now() + STORAGE_BACKOFF);
    }

    fn next_wake(&self) -> Option<Timestamp> {
        let retry = self
            .agenda
            .next_due()
            .filter(|_| !self.stopping && self.may_retry());
        // With nothing to begin, nobody needs to know when that may be.
        let gate = self.gate.changes_at().filter(|_| self.has_waiting());
        // Nothing is begun before the journal is asked again.
        let begins = self.resume_at.or(retry.into_iter().chain(gate).min());
        [self.settle_due(), begins].into_iter().flatten().min()
    }

    /// Whether there is something that may be begun when the gate lets it.
    fn has_waiting(&self) -> bool {
        let waits = self.gate.has_waiting() || self.is_behind() || self.turns.has_ready();
        let waits = waits || (self.gate.is_shut() && self.turns.last_tried().is_some());
        waits && !self.stopping && !self.starved
    }

    fn publish(&self) {
        let waiting = self.page.front().map(|event| event.received_at);
        let unread = self.head.borrow().0.saturating_sub(self.window.next().0);
        // What was set aside is read once more.
        let unread = unread + self.gate.aside() as u64;
        let now = self.tools.clock.now();
        self.view.publish(
            self.crew.load(),
            self.window.cursor(),
            unread,
            self.window.oldest().or(waiting),
            Flow {
                in_order: self.turns.waiting(),
                awaiting: self.turns.awaiting(),
                draining: self.draining.as_ref().map(Draining::drain),
                allowed: self.gate.allowed(),
                open: self.gate.open(),
                waits: self.has_waiting(),
                pause_until: self.gate.pause_until(now),
                next_retry: self.agenda.next_due(),
                is_paced: self.crew.is_paced(),
            },
            now,
        );
    }
}
