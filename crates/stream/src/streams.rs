//! All lanes of the installation: started, reloaded, paused and removed while it runs.

mod backfills;
mod slot;

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use delivery::Pace;
use delivery::retry::Schedule;
use jiff::fmt::serde::unsigned_duration::friendly::compact::required as duration;
use journal::hold::{Drain, Forgone, Said, Standing};
use journal::{DroppedLane, Journal, StorageError};
use model::definition::Definition;
use model::setting::{Check, Invalid};
use model::sync::{self, Sync};
use model::{Clock, Offset, ProjectId, Random, ReplayId, SyncId};
use pipeline::preview::Secrets;
use pipeline::{Plan, Problem};
use serde::Deserialize;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::Deliver;
use crate::backfill::lane_of;
use crate::breaker;
use crate::crew::Crew;
use crate::erased::Erased;
use crate::feed::{Feed, Outcomes};
use crate::lane::{Bounds, Course, Lane, Tools, Wanted};
use crate::replay::{FailedReplay, Replayer, orders};
use crate::sample::{Subject, all_secrets};
use crate::turns::MostAwaiting;
use crate::view::{Glance, Health, LaneView, View};
pub(crate) use slot::{Place, Slot};
use slot::{Running, Shown};

/// With a smaller window a lane would settle after every few events.
const SMALLEST_WINDOW: usize = 16;

/// A larger window would keep too much in memory, and repeat too much after a crash.
const LARGEST_WINDOW: usize = 1_000_000;

/// Bounds of the lanes.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Events sent and not yet durably settled, per sync: the most that a crash can send twice.
    pub window: usize,
    /// Requests in flight at once, per sync, where neither the sync nor its destination says.
    pub concurrency: u16,
    /// How long results are gathered before they are made durable together.
    #[serde(with = "duration")]
    pub settle_interval: Duration,
    /// How long a sync that is switched off or changed may finish what is under way. What is given
    /// up then is sent again later.
    #[serde(with = "duration")]
    pub stop_grace: Duration,
    /// Deliveries of one user that wait for a property, per sync where events do, from 1 to 10000. Those
    /// beyond are discarded at once.
    pub awaiting_per_user: u32,
    /// Deliveries that wait for properties, per sync where events do, from 1 to 50000. Those beyond are
    /// discarded at once.
    pub awaiting_per_sync: u32,
    /// When a destination counts as gone. A section of its own in files.
    #[serde(skip)]
    pub breaker: breaker::Config,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            window: 2048,
            concurrency: 64,
            settle_interval: Duration::from_millis(25),
            stop_grace: Duration::from_secs(5),
            awaiting_per_user: 100,
            awaiting_per_sync: 10_000,
            breaker: breaker::Config::default(),
        }
    }
}

impl Config {
    /// Everything that is out of range.
    pub fn problems(&self) -> Vec<Invalid> {
        let mut check = Check::default();
        let window = (SMALLEST_WINDOW..=LARGEST_WINDOW).contains(&self.window);
        check.require("lanes.window", window, "from 16 to 1000000");
        check.at_least_one("lanes.concurrency", self.concurrency);
        let intervals = Duration::from_millis(1)..=Duration::from_secs(60);
        let settle_interval = intervals.contains(&self.settle_interval);
        check.require("lanes.settle_interval", settle_interval, "from 1ms to 1m");
        let of_user = (1..=10_000).contains(&self.awaiting_per_user);
        check.require("lanes.awaiting_per_user", of_user, "from 1 to 10000");
        // What waits in order has room beside them.
        let of_sync = (1..=50_000).contains(&self.awaiting_per_sync);
        check.require("lanes.awaiting_per_sync", of_sync, "from 1 to 50000");
        check.finish()
    }
}

/// What becomes of the events that a lane owes when it goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backlog {
    /// All are delivered.
    All,
    /// Only the newest of each user and event type is.
    Newest,
    /// None is, and pending retries are forgotten, too.
    Drop,
}

/// Why a sync's lane could not be started or changed.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The settings can't be used; all that is wrong with them.
    #[error("the sync's settings can't be used ({} problems)", .0.len())]
    Problems(Vec<Problem>),
    /// The journal failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// All lanes. Shared by reference.
pub struct Streams {
    tools: Arc<Tools>,
    deliver: Arc<dyn Deliver>,
    config: Config,
    lanes: Mutex<HashMap<SyncId, Arc<Slot>>>,
    /// The lanes of backfills, each with the sync that it is of.
    backfills: Arc<Mutex<Backfills>>,
    /// What ends each replay that is worked off, by the lane that it is worked off in.
    replays: Mutex<HashMap<(ReplayId, SyncId), CancellationToken>>,
    lane_tasks: TaskTracker,
    worker_tasks: TaskTracker,
    /// Gives up all deliveries.
    cancel: CancellationToken,
}

/// The lanes of backfills, each with the sync that it is of.
type Backfills = HashMap<ReplayId, (SyncId, Arc<Slot>)>;

impl Streams {
    /// No lanes yet.
    pub fn new(
        journal: Arc<dyn Journal>,
        deliver: Arc<dyn Deliver>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        schedule: Schedule,
        config: Config,
    ) -> Self {
        Self {
            tools: Arc::new(Tools {
                journal,
                clock,
                random,
                schedule,
                feed: Arc::new(Feed::new(schedule.attempts())),
            }),
            deliver,
            config,
            lanes: Mutex::default(),
            backfills: Arc::default(),
            replays: Mutex::default(),
            lane_tasks: TaskTracker::new(),
            worker_tasks: TaskTracker::new(),
            cancel: CancellationToken::new(),
        }
    }

    fn lanes(&self) -> MutexGuard<'_, HashMap<SyncId, Arc<Slot>>> {
        // The map is only read, inserted into and removed from under the lock.
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn slot(&self, sync: SyncId) -> Arc<Slot> {
        let still = || Arc::new(Slot::new(self.tools.clock.now()));
        Arc::clone(self.lanes().entry(sync).or_insert_with(still))
    }

    /// Makes the sync's lane be what the sync says: starts it, gives it new settings, or pauses it.
    /// With settings that can't be used an enabled sync's lane is stopped, and says so.
    pub async fn apply(&self, sync: &Sync, definition: &Definition) -> Result<(), ApplyError> {
        let secrets = all_secrets(definition, sync);
        self.apply_masking(sync, definition, secrets).await
    }

    /// The same, where it is known what of the settings is secret: samples of failures show the rest.
    pub async fn apply_masking(
        &self,
        sync: &Sync,
        definition: &Definition,
        secrets: Secrets,
    ) -> Result<(), ApplyError> {
        let slot = self.slot(sync.id);
        let mut running = slot.gate.lock().await;
        if !sync.enabled {
            self.stop(running.take()).await;
            let reason = "it is switched off; events are kept until it is enabled".to_owned();
            slot.still(Health::Paused, Some(reason), self.tools.clock.now());
            return Ok(self.hold(sync.id).await?);
        }
        let plan = match Plan::compile(definition, sync, &self.tools.clock) {
            Ok(plan) => Arc::new(plan),
            Err(problems) => {
                self.stop(running.take()).await;
                let reason = problems.first().map(|problem| problem.message.clone());
                slot.still(Health::Misconfigured, reason, self.tools.clock.now());
                // What it owes is kept as if somebody had switched it off.
                self.hold(sync.id).await?;
                return Err(ApplyError::Problems(problems));
            }
        };
        let clock = Arc::clone(&self.tools.clock);
        let subject = Arc::new(Subject::new(definition, sync, secrets, clock));
        let course = self.course(plan, sync, definition, subject);
        if let Some(running) = &*running {
            // The lane's task holds the receiver as long as it runs.
            if running.wanted.send(Wanted::Run(course.clone())).is_ok() {
                return Ok(());
            }
        }
        let head = self.tools.journal.head(sync.project);
        let whose = (sync.project, sync.id);
        let deliver = Arc::clone(&self.deliver);
        let started = self.start(whose, head, deliver, &slot.pace, course);
        let (started, view) = started.await?;
        *running = Some(started);
        slot.show(Shown::Lane(view));
        Ok(())
    }

    /// Lets the journal keep what the lane, which doesn't run, owes.
    async fn hold(&self, sync: SyncId) -> Result<(), StorageError> {
        match self
            .tools
            .journal
            .set_standing(sync, Standing::Paused)
            .await
        {
            // A sync that was never enabled owes nothing.
            Err(StorageError::UnknownLane(_)) => Ok(()),
            other => other,
        }
    }

    /// Stops the sync's lane, if it runs, and says how it is to go through what it owes when it is
    /// started again ([`apply`](Self::apply)); survives a restart between the two. With
    /// [`Backlog::Drop`] says what that was. `by`: who says so, for people to read.
    pub async fn prepare(
        &self,
        project: ProjectId,
        sync: SyncId,
        backlog: Backlog,
        requests_per_minute: Option<u32>,
        by: &str,
    ) -> Result<Forgone, StorageError> {
        let slot = self.slot(sync);
        let mut running = slot.gate.lock().await;
        if let Some(running) = running.take() {
            self.stop(Some(running)).await;
            let reason = Some("it is about to go on".to_owned());
            slot.still(Health::Paused, reason, self.tools.clock.now());
        }
        let journal = &self.tools.journal;
        let until = *journal.head(project).borrow();
        let drain = |newest_only| Drain {
            until,
            newest_only,
            requests_per_minute,
        };
        let (drain, drops) = match backlog {
            Backlog::All => (requests_per_minute.map(|_| drain(false)), false),
            Backlog::Newest => (Some(drain(true)), false),
            Backlog::Drop => (None, true),
        };
        let said = Said {
            at: self.tools.clock.now(),
            by: by.to_owned(),
        };
        match journal.set_drain(sync, drain, Some(said.clone())).await {
            // A sync that was never enabled owes nothing.
            Err(StorageError::UnknownLane(_)) => Ok(Forgone::default()),
            Err(error) => Err(error),
            Ok(()) if drops => journal.drop_backlog(sync, said).await,
            Ok(()) => Ok(Forgone::default()),
        }
    }

    /// How the sync's lane delivers: within what the destination takes, the sync asks for, and the
    /// installation allows.
    fn course(
        &self,
        plan: Arc<Plan>,
        sync: &Sync,
        definition: &Definition,
        subject: Arc<Subject>,
    ) -> Course {
        let (settings, limits) = (&sync.settings, &definition.limits);
        let concurrency = settings.concurrency.unwrap_or(self.config.concurrency);
        let concurrency = concurrency.min(limits.concurrency.unwrap_or(u16::MAX));
        let per_minute = [settings.requests_per_minute, limits.requests_per_minute];
        Course {
            plan,
            concurrency: concurrency.into(),
            requests_per_minute: per_minute.into_iter().flatten().min(),
            subject,
            ordered: settings.order == sync::Order::PerUser,
            past: false,
            wait: (settings.wait_for_properties_seconds)
                .map(|seconds| Duration::from_secs(seconds.into())),
        }
    }

    /// Starts the lane of a sync, which reads a project's log up to `head`.
    async fn start(
        &self,
        (project, sync): (ProjectId, SyncId),
        head: watch::Receiver<Offset>,
        deliver: Arc<dyn Deliver>,
        pace: &Arc<Pace>,
        course: Course,
    ) -> Result<(Running, Arc<View>), StorageError> {
        let view = Arc::new(View::new(course.past));
        let cancel = self.cancel.child_token();
        let window = self.config.window.max(SMALLEST_WINDOW);
        let bounds = Bounds {
            window,
            settle_interval: self.config.settle_interval,
            breaker: self.config.breaker.clone(),
            awaiting: MostAwaiting {
                of_user: u64::from(self.config.awaiting_per_user),
                of_lane: u64::from(self.config.awaiting_per_sync),
            },
        };
        let (wanted, wanted_receiver) = watch::channel(Wanted::Run(course.clone()));
        let (orders, orders_receiver) = orders();
        let journal = Arc::clone(&self.tools.journal);
        let erased = Erased::new(journal, self.tools.journal.times_erased(project));
        let counted_at = erased.times();
        let crew = Crew::new(
            deliver,
            &self.tools,
            erased,
            Arc::clone(pace),
            self.worker_tasks.clone(),
            cancel.clone(),
            window,
        );
        let lane = Lane::open(
            (project, sync),
            Arc::clone(&self.tools),
            bounds,
            wanted_receiver,
            head,
            orders_receiver,
            Arc::clone(&view),
            crew,
            course,
            cancel.clone(),
        )
        .await?;
        let ended = CancellationToken::new();
        let on_end = ended.clone().drop_guard();
        self.lane_tasks.spawn(async move {
            let _on_end = on_end;
            lane.run().await;
        });
        Ok((
            Running {
                wanted,
                orders,
                end: None,
                erased: self.tools.journal.times_erased(project),
                counted_at,
                cancel,
                ended,
            },
            view,
        ))
    }

    /// Lets a lane finish what is under way within the grace, then gives the rest up.
    async fn stop(&self, running: Option<Running>) {
        let Some(Running {
            wanted,
            cancel,
            ended,
            ..
        }) = running
        else {
            return;
        };
        // A lane that has ended by itself has no receiver any more.
        let _ = wanted.send(Wanted::Stop);
        let grace = self.tools.clock.sleep(self.config.stop_grace);
        tokio::select! {
            () = ended.cancelled() => {}
            () = grace => {
                cancel.cancel();
                ended.cancelled().await;
            }
        }
    }

    /// Stops the sync's lane and forgets all that it owes; says what that was.
    pub async fn remove(&self, sync: SyncId) -> Result<DroppedLane, StorageError> {
        let slot = self.slot(sync);
        let mut running = slot.gate.lock().await;
        self.stop(running.take()).await;
        self.stop_backfills_of(sync).await;
        let now = self.tools.clock.now();
        let dropped = match self.tools.journal.drop_lane(sync, now).await {
            Err(StorageError::UnknownLane(_)) => DroppedLane::default(),
            other => other?,
        };
        self.lanes().remove(&sync);
        Ok(dropped)
    }

    /// Lets lanes ask how many retries they have, backfills' too, where events of their log were erased
    /// since they did: an erasure may have taken some.
    pub fn recount(&self) {
        let mut slots: Vec<_> = self.lanes().values().map(Arc::clone).collect();
        slots.extend(self.backfills().values().map(|(_, slot)| Arc::clone(slot)));
        for slot in slots {
            // One that is being started or changed asks by itself.
            let Ok(mut running) = slot.gate.try_lock() else {
                continue;
            };
            let Some(running) = running.as_mut() else {
                continue;
            };
            let times = running.erased.count();
            if std::mem::replace(&mut running.counted_at, times) != times {
                // What is wanted stays what it was.
                running.wanted.send_modify(|_| {});
            }
        }
    }

    /// Has ended deliveries sent again, from where the replay is; does nothing when that is under way.
    /// A sync that doesn't run goes on with it when it does.
    pub fn replay(&self, replay: FailedReplay) {
        let (journal, clock) = (&self.tools.journal, &self.tools.clock);
        let pace = Pace::default();
        pace.set(replay.per_minute.map(NonZeroU32::get), clock.now());
        let (pace, failures) = (Arc::new(pace), Arc::new(replay.failures.clone()));
        for (of, id) in replay.lanes() {
            let stop = self.cancel.child_token();
            {
                let mut replays = self.replays();
                replays.retain(|_, token| !token.is_cancelled());
                if replays.contains_key(&(replay.id, of.lane)) {
                    continue;
                }
                replays.insert((replay.id, of.lane), stop.clone());
            }
            let place = match of.lane == replay.sync {
                true => Place::Own(self.slot(replay.sync)),
                false => {
                    let id = ReplayId::from_bytes(of.lane.to_bytes());
                    Place::Backfill(Arc::clone(&self.backfills), id)
                }
            };
            let (journal, clock) = (Arc::clone(journal), Arc::clone(clock));
            let (failures, pace) = (Arc::clone(&failures), Arc::clone(&pace));
            let replayer = Replayer::new((of, id), failures, journal, clock, place, pace);
            self.worker_tasks.spawn(async move {
                let ended = stop.clone().drop_guard();
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = replayer.run() => {}
                }
                drop(ended);
            });
        }
    }

    /// Whether deliveries of a backfill that ended without success are being sent again.
    pub fn is_replayed(&self, backfill: ReplayId) -> bool {
        let lane = lane_of(backfill);
        let mut replays = self.replays();
        replays.retain(|_, token| !token.is_cancelled());
        replays.keys().any(|(_, of)| *of == lane)
    }

    /// Has a replay move nothing more; what it has moved is tried like any other delivery.
    pub fn stop_replay(&self, id: ReplayId) {
        self.replays().retain(|(replay, _), stop| {
            if *replay == id {
                stop.cancel();
            }
            *replay != id
        });
    }

    fn replays(&self) -> MutexGuard<'_, HashMap<(ReplayId, SyncId), CancellationToken>> {
        // The map is only read, inserted into and removed from under the lock.
        self.replays.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What can be seen of one sync's lane.
    pub fn view(&self, sync: SyncId) -> Option<LaneView> {
        let slot = self.lanes().get(&sync).map(Arc::clone)?;
        Some(slot.view(self.tools.clock.now()))
    }

    /// How a lane does, and why where it is not healthy; without its backfills.
    pub fn health(&self, sync: SyncId) -> Option<(Health, Option<String>)> {
        let slot = self.lanes().get(&sync).map(Arc::clone)?;
        let glance = slot.glance(self.tools.clock.now());
        Some((glance.health, glance.reason))
    }

    /// What becomes of a project's deliveries from now on, as it happens.
    pub fn outcomes(&self, project: ProjectId) -> Outcomes {
        Feed::listen(&self.tools.feed, project)
    }

    /// What can be seen of all lanes.
    pub fn views(&self) -> Vec<(SyncId, LaneView)> {
        let now = self.tools.clock.now();
        let slots: Vec<_> = self
            .lanes()
            .iter()
            .map(|(sync, slot)| (*sync, Arc::clone(slot)))
            .collect();
        slots
            .into_iter()
            .map(|(sync, slot)| (sync, slot.view(now)))
            .collect()
    }

    /// A glance at each lane, together with its backfills.
    pub fn glances(&self, mut each: impl FnMut(SyncId, Glance)) {
        let slots: Vec<_> = self
            .lanes()
            .iter()
            .map(|(sync, slot)| (*sync, Arc::clone(slot)))
            .collect();
        let backfills = self.backfills_by_sync();
        let now = self.tools.clock.now();
        for (sync, slot) in slots {
            let mut glance = slot.glance(now);
            glance.counts.add(&slot.of_ended_backfills());
            for backfill in backfills.get(&sync).into_iter().flatten() {
                glance.join(backfill.glance(now));
            }
            each(sync, glance);
        }
    }

    /// Stops all lanes: finishes what is under way, settles it, and after `deadline` gives up the
    /// rest, which is then sent again at the next start. Returns whether nothing was given up.
    pub async fn shutdown(&self, deadline: Duration) -> bool {
        let mut slots: Vec<_> = self.lanes().values().map(Arc::clone).collect();
        slots.extend(self.backfills().values().map(|(_, slot)| Arc::clone(slot)));
        for slot in slots {
            if let Some(running) = &*slot.gate.lock().await {
                let _ = running.wanted.send(Wanted::Stop);
            }
        }
        self.lane_tasks.close();
        self.worker_tasks.close();
        let graceful = tokio::select! {
            () = self.lane_tasks.wait() => true,
            () = self.tools.clock.sleep(deadline) => false,
        };
        self.cancel.cancel();
        self.lane_tasks.wait().await;
        self.worker_tasks.wait().await;
        graceful
    }
}
