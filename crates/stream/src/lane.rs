//! A lane: one sync's own reader, workers and bookkeeping.
//!
//! Nothing of one lane is awaited by another. The lane's task reads the journal from its cursor,
//! filters, hands work to its crew, and makes durable what became of it. Between sending and
//! settling lie at most `window` events: the most that a crash can send twice.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use delivery::retry::Schedule;
use futures_util::future::BoxFuture;
use journal::{Journal, StorageError};
use model::{Clock, Event, Offset, ProjectId, Random, SyncId, Timestamp};
use pipeline::Plan;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::agenda::Agenda;
use crate::crew::{Crew, Done, Outlook, Work};
use crate::results::{Batch, Results, settle};
use crate::view::View;
use crate::window::Window;

/// How many events are read at once.
const PAGE: usize = 256;

/// How long a lane waits after the journal failed.
pub(crate) const STORAGE_BACKOFF: Duration = Duration::from_secs(1);

/// What a lane is to do.
#[derive(Clone)]
pub(crate) enum Wanted {
    /// Deliver by this plan.
    Run {
        /// How.
        plan: Arc<Plan>,
        /// How many deliveries at once.
        concurrency: usize,
    },
    /// Finish what is under way, settle, end.
    Stop,
}

/// Bounds of a lane.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Events sent and not yet durably settled.
    pub(crate) window: usize,
    /// How long results are gathered before they are settled together.
    pub(crate) settle_interval: Duration,
}

/// What a lane works with.
pub(crate) struct Tools {
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) schedule: Schedule,
}

pub(crate) struct Lane {
    project: ProjectId,
    sync: SyncId,
    tools: Arc<Tools>,
    bounds: Bounds,
    wanted: watch::Receiver<Wanted>,
    head: watch::Receiver<Offset>,
    view: Arc<View>,
    crew: Crew,
    plan: Arc<Plan>,
    concurrency: usize,
    window: Window,
    agenda: Agenda,
    /// Read and not yet looked at.
    page: VecDeque<Arc<Event>>,
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
        view: Arc<View>,
        crew: Crew,
        plan: Arc<Plan>,
        cancel: CancellationToken,
    ) -> Result<Self, StorageError> {
        let position = tools.journal.open_lane(project, sync).await?;
        let head = tools.journal.head(project);
        let settled_cursor = position.cursor;
        let settled_at = tools.clock.now();
        view.opened(position.pending, settled_at);
        Ok(Self {
            project,
            sync,
            tools,
            bounds,
            wanted,
            head,
            view,
            crew,
            plan,
            concurrency: 1,
            window: Window::new(position),
            agenda: Agenda::default(),
            page: VecDeque::new(),
            exposed: 0,
            retrying: 0,
            results: Results::default(),
            half_done: BTreeMap::new(),
            settling: None,
            settled_at,
            settled_cursor,
            resume_at: None,
            stopping: false,
            cancel,
        })
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
            hungry: self.is_behind() && self.exposed < self.bounds.window,
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
                if gone.is_err() { self.stop() } else { self.follow_wanted() }
            }
            // Likewise: the journal is gone.
            changed = self.head.changed(), if !self.stopping => if changed.is_err() { self.stop() },
            () = async { clock.sleep_until(wake.unwrap_or_default()).await }, if wake.is_some() => {}
            () = tokio::task::yield_now(), if more => {}
        }
    }

    fn follow_wanted(&mut self) {
        let wanted = self.wanted.borrow_and_update().clone();
        match wanted {
            Wanted::Run { plan, concurrency } => {
                self.plan = plan;
                self.concurrency = concurrency.max(1);
                self.crew.set_limit(self.concurrency);
            }
            Wanted::Stop => self.stop(),
        }
    }

    fn stop(&mut self) {
        self.stopping = true;
        self.page.clear();
        // What was queued and not begun stays unsettled: it is read again at the next start.
        self.exposed -= self.crew.clear_queue().len();
    }

    fn is_idle(&self) -> bool {
        let under_way = self.exposed > 0 && !self.cancel.is_cancelled();
        !under_way && self.settling.is_none() && !self.has_results()
    }

    /// Whether there is anything that the journal doesn't know yet.
    fn has_results(&self) -> bool {
        !self.results.is_empty() || self.window.cursor() != self.settled_cursor
    }

    /// Whether there are events that have not been looked at.
    fn is_behind(&self) -> bool {
        !self.page.is_empty() || self.window.next() < *self.head.borrow()
    }

    /// How many more deliveries may be given to the crew.
    fn room(&self) -> usize {
        let (queued, _) = self.crew.load();
        let queue = (4 * self.concurrency).saturating_sub(queued);
        queue.min(self.bounds.window.saturating_sub(self.exposed))
    }

    /// Whether a retry that is due may be handed out. New events must not wait behind the retries
    /// of a long outage: while there are any, retries get half the places.
    fn may_retry(&self) -> bool {
        let places = match self.is_behind() {
            true => (self.concurrency / 2).max(1),
            false => 2 * self.concurrency,
        };
        self.room() > 0 && self.retrying < places
    }

    /// Gives the crew what is due and what is new. Returns whether there is more to do at once.
    async fn dispatch(&mut self) -> Result<bool, StorageError> {
        if self.stopping || self.resume_at.is_some_and(|at| at > self.tools.clock.now()) {
            return Ok(false);
        }
        self.resume_at = None;
        self.dispatch_retries().await?;
        self.dispatch_new().await
    }

    async fn dispatch_retries(&mut self) -> Result<(), StorageError> {
        while self.may_retry() {
            if let Some(after) = self.agenda.load_after() {
                let page = self
                    .tools
                    .journal
                    .retries(self.sync, after, Agenda::PAGE)
                    .await?;
                self.agenda.loaded(page);
            }
            let Some(due) = self.agenda.take_due(self.tools.clock.now()) else {
                break;
            };
            let (_, offset, part) = due.key;
            let Some(event) = self.tools.journal.get(self.project, offset).await? else {
                tracing::error!(sync = %self.sync, offset = offset.0, "the event of a pending retry is gone");
                self.results.add_lost_retry(offset, part);
                self.exposed += 1;
                continue;
            };
            self.retrying += 1;
            self.exposed += 1;
            let plan = Arc::clone(&self.plan);
            self.crew.push([Work {
                event,
                part,
                plan,
                attempt: due.attempts.saturating_add(1),
            }]);
        }
        Ok(())
    }

    async fn dispatch_new(&mut self) -> Result<bool, StorageError> {
        let head = *self.head.borrow_and_update();
        if self.page.is_empty() && self.window.next() < head {
            let page = self
                .tools
                .journal
                .read(self.project, self.window.next(), PAGE)
                .await?;
            if page.is_empty() {
                // Nothing lies between: numbers were left out when the journal was restored.
                self.results.add_passed(self.window.advance());
                if self.window.span() == 0 {
                    self.window.jump(head);
                }
                return Ok(false);
            }
            self.page.extend(page);
        }
        let mut room = self.room();
        let mut work = Vec::new();
        while let Some(event) = self.page.front() {
            if self.window.span() >= 16 * self.bounds.window {
                break;
            }
            if event.offset > self.window.next() {
                // Retention has removed what lay between. Only a lane that stood still loses so.
                self.results.add_passed(self.window.advance());
                if self.window.span() > 0 {
                    break;
                }
                tracing::warn!(sync = %self.sync, from = self.window.next().0, to = event.offset.0, "events were removed by retention before this sync could send them");
                self.window.jump(event.offset);
            }
            if self.window.settled_before() {
                self.window.push_done(event.received_at);
                self.page.pop_front();
                continue;
            }
            let parts = self.plan.matching(event);
            if parts.len() > room {
                break;
            }
            match parts.len() as u8 {
                0 => self.window.push_filtered(event.received_at),
                count => self.window.push_open(event.received_at, count),
            }
            room -= parts.len();
            for part in parts.iter() {
                let plan = Arc::clone(&self.plan);
                work.push(Work {
                    event: Arc::clone(event),
                    part,
                    plan,
                    attempt: 1,
                });
            }
            self.page.pop_front();
        }
        self.exposed += work.len();
        self.crew.push(work);
        self.results.add_passed(self.window.advance());
        Ok(self.is_behind() && self.room() > 1 && self.window.span() < 16 * self.bounds.window)
    }

    /// Notes what became of deliveries.
    fn take_results(&mut self, done: &mut Vec<Done>) {
        if done.is_empty() {
            return;
        }
        self.view.attempted(done);
        done.drain(..).for_each(|one| self.take_result(one));
        self.results.add_passed(self.window.advance());
    }

    fn take_result(&mut self, one: Done) {
        let is_retry = one.attempt > 1;
        self.retrying -= usize::from(is_retry);
        let settled = match is_retry {
            true => 1,
            false => self.window.part_done(one.offset),
        };
        if settled == 0 {
            // The event's other delivery is still under way.
            self.half_done.insert(one.offset, one);
            return;
        }
        let (schedule, random) = (&self.tools.schedule, &*self.tools.random);
        let other = match is_retry {
            true => None,
            false => self.half_done.remove(&one.offset),
        };
        for part in other.into_iter().chain([one]) {
            self.results.add(part, settled, schedule, random);
        }
    }

    /// When results that wait are settled at the latest; `None` when nothing waits.
    fn settle_due(&self) -> Option<Timestamp> {
        if self.settling.is_some() || !self.has_results() {
            return None;
        }
        let urgent = self.stopping || 2 * self.results.deliveries() >= self.bounds.window;
        // A lane that only filters has nothing to lose: it settles now and then.
        let interval = match self.results.deliveries() {
            _ if urgent => Duration::ZERO,
            0 => self.bounds.settle_interval * 40,
            _ => self.bounds.settle_interval,
        };
        Some(self.settled_at + interval)
    }

    fn start_settling(&mut self) {
        let now = self.tools.clock.now();
        if self.settle_due().is_none_or(|due| due > now) {
            return;
        }
        let batch = std::mem::take(&mut self.results).into_batch(self.window.position(), now);
        let (sync, tools) = (self.sync, Arc::clone(&self.tools));
        self.settled_at = now;
        self.settling = Some(Box::pin(settle(tools, sync, batch)));
    }

    fn settled(&mut self, outcome: Result<Batch, StorageError>) {
        match outcome {
            Ok(Batch {
                settlement,
                deliveries,
                pending,
            }) => {
                self.exposed -= deliveries;
                self.settled_cursor = settlement.cursor;
                self.view.settled(&settlement, pending);
                for retry in &settlement.book {
                    self.agenda.booked(retry.key(), retry.attempts);
                }
            }
            // The journal is closed: nothing can be kept any more. What was sent and not settled
            // is sent again at the next start.
            Err(error) => {
                tracing::warn!(sync = %self.sync, %error, "the last deliveries could not be settled");
                self.exposed = 0;
                self.settled_cursor = self.window.cursor();
                self.stop_at_once();
            }
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
        [self.settle_due(), self.resume_at.or(retry)]
            .into_iter()
            .flatten()
            .min()
    }

    fn publish(&self) {
        let waiting = self.page.front().map(|event| event.received_at);
        let unread = self.head.borrow().0.saturating_sub(self.window.next().0);
        self.view.publish(
            self.crew.load(),
            self.window.cursor(),
            unread,
            self.window.oldest().or(waiting),
            self.tools.clock.now(),
        );
    }
}
