//! The journal on one machine: an SQLite database in a folder of its own.
//!
//! One thread writes ([`writer`]); everything that arrives while it commits goes into its next
//! transaction. Lanes at the head read from memory ([`cache`]); others through a few connections
//! that only read ([`reader`]). SCHEMA.md describes the tables and what always holds of them.

mod accounts;
pub mod backup;
mod cache;
mod chunk;
mod config;
mod dedupe;
mod erasing;
mod failure;
mod family;
mod fate;
mod fates;
mod figures;
mod holds;
mod lookup;
mod losses;
mod offsets;
mod open;
mod person;
mod reader;
mod received;
mod schema;
mod shared;
mod turns;
mod upgrade;
mod writer;

use std::collections::HashMap;
use std::fs::File;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use async_trait::async_trait;
use model::{ErasureId, Event, Offset, Part, ProjectId, Random, ReplayId, SyncId, Timestamp};
use tokio::sync::{Semaphore, watch};

pub use config::Config;
pub use open::OpenError;

use crate::figures::{Figures, Scope, Step as FigureStep};
use crate::hold::{Drain, Forgone, Said, Standing, Untold};
use crate::received::Received;
use crate::turn::{Booked, Turn, TurnHead};
use crate::{
    AcceptError, Accepted, Batch, DroppedLane, EndedRow, EraseRequest, Erasing, Erasure, Held,
    ImportLog, Journal, Keep, LaneOf, LanePosition, LaneStats, ReplayState, ReplayStep, Retired,
    Retry, RetryKey, Settlement, Status, StorageError, Stretch, TimesErased,
};
use dedupe::builder;
use failure::Fault;
use lookup::Lookup;
use reader::Readers;
use received::Recent;
use shared::{ProjectLog, Shared};
use writer::queue::Queue;
use writer::work::Work;
use writer::{Step, Writer, checkpoint};

/// Steps of retention that one call makes at most.
const MAX_RETENTION_STEPS: usize = 1000;

/// The journal in one folder.
#[derive(Debug)]
pub struct Sqlite {
    queue: Arc<Queue>,
    shared: Arc<Shared>,
    readers: Arc<Readers>,
    /// Bounds the requests in the queue.
    requests: Semaphore,
    kept_at_most: Keep,
    /// The database.
    file: PathBuf,
    stop_building: Arc<AtomicBool>,
    lookup: Arc<Lookup>,
    /// Ends the thread that builds the index, when it is dropped.
    following: Mutex<Option<Sender<()>>>,
    recent: Arc<Recent>,
    /// Ends the thread that gathers what was received, when it is dropped.
    gathering: Mutex<Option<Sender<()>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    /// Held as long as the folder is ours.
    lock: Mutex<Option<File>>,
}

impl Sqlite {
    /// Opens the journal, or makes it. Blocks for as long as the check of the database takes.
    pub fn open(config: Config, random: &dyn Random) -> Result<Self, OpenError> {
        let lock = open::lock(&config.folder)?;
        let config = Arc::new(config);
        let connection = open::open(&config, random)?;
        let file = open::database(&config.folder);
        let queue = Arc::new(Queue::new(&config));
        let shared = Arc::new(Shared::new(&config));
        let seed = open::seed(&connection, &file)?;
        let lookup = Arc::new(Lookup::new(&config, seed));
        let (follower, following) = lookup.follower(&config, &shared);
        let recent = Recent::new(seed);
        let (gatherer, gathering) = recent.follower(&config, &shared, &queue);
        let (checkpoints, checkpointer) = checkpoint::new(file.clone());
        let (jobs, next_job) = sync_channel(1);
        let writer = Writer::new(
            connection,
            Arc::clone(&config),
            Arc::clone(&queue),
            Arc::clone(&shared),
            checkpoints,
            jobs,
        )?;
        let stop_building = Arc::new(AtomicBool::new(false));
        let journal = Self {
            queue: Arc::clone(&queue),
            shared,
            readers: Readers::new(file.clone(), config.readers),
            file,
            requests: Semaphore::new(config.queue_max_requests.max(1)),
            kept_at_most: Keep {
                events: Some(config.retention_age),
                ended: Some(config.ended_max_age),
            },
            stop_building: Arc::clone(&stop_building),
            lookup,
            following: Mutex::new(Some(following)),
            recent,
            gathering: Mutex::new(Some(gathering)),
            threads: Mutex::default(),
            lock: Mutex::new(Some(lock)),
        };
        journal.start("journal-writer", move || writer.run())?;
        journal.start("journal-checks", move || checkpointer.run())?;
        if config.lookup_index {
            journal.start("journal-lookup", move || follower.run())?;
        } else {
            // One that doesn't follow the log any more would find less and less.
            journal.lookup.remove();
        }
        journal.start("journal-received", move || gatherer.run())?;
        journal.start("journal-dedupe", move || {
            while let Ok((job, filter_budget)) = next_job.recv() {
                let built = builder::build(&config.folder, job, filter_budget, &stop_building);
                // When the writer has gone, the file is deleted at the next start.
                let _ = queue.push(Work::Built(built));
            }
        })?;
        Ok(journal)
    }

    fn start(&self, name: &str, run: impl FnOnce() + Send + 'static) -> Result<(), OpenError> {
        let thread = thread::Builder::new().name(name.into()).spawn(run);
        let thread = thread.map_err(|error| OpenError::Storage(error.to_string()))?;
        self.threads
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(thread);
        Ok(())
    }

    /// Lets the threads finish their work and gives the folder back. Blocks.
    fn stop(queue: &Queue, stop_building: &AtomicBool, threads: Vec<JoinHandle<()>>) {
        queue.close();
        stop_building.store(true, Ordering::Relaxed);
        for thread in threads {
            if thread.join().is_err() {
                tracing::error!("a thread of the journal panicked");
            }
        }
    }

    fn stop_following(&self) {
        for ends in [&self.following, &self.gathering] {
            ends.lock().unwrap_or_else(PoisonError::into_inner).take();
        }
    }

    fn take_threads(&self) -> Vec<JoinHandle<()>> {
        std::mem::take(&mut self.threads.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Has the writer do something within its next transaction.
    async fn request<T: Send + 'static>(
        &self,
        operation: impl FnMut(&mut writer::Group<'_>) -> Result<Result<T, StorageError>, Fault>
        + Send
        + 'static,
    ) -> Result<T, StorageError> {
        let Ok(_permit) = self.requests.acquire().await else {
            return Err(StorageError::Closed);
        };
        let (work, answer) = Work::request(operation);
        self.queue.push(work).map_err(|_| StorageError::Closed)?;
        answer.await.unwrap_or(Err(StorageError::Closed))
    }

    /// Brings the chunk with `from`, or the next one there is, into memory; says where it starts.
    async fn load(
        &self,
        project: ProjectId,
        log: &ProjectLog,
        from: Offset,
    ) -> Result<Option<Arc<chunk::Chunk>>, StorageError> {
        let number = log.number();
        let read = move |connection: &rusqlite::Connection| {
            reader::chunks(connection, project, number, from)
        };
        let chunks = self.readers.run(read).await?;
        let mut found = None;
        for chunk in chunks.into_iter().map(Arc::new) {
            found.get_or_insert_with(|| Arc::clone(&chunk));
            self.shared.cache.insert(chunk);
        }
        Ok(found)
    }
}

#[async_trait]
impl Journal for Sqlite {
    async fn accept(&self, batch: Batch) -> Result<Accepted, AcceptError> {
        let (work, answer) = Work::accept(batch);
        self.queue.push_batch(work)?;
        answer.await.unwrap_or(Err(AcceptError::Closed))
    }

    fn head(&self, project: ProjectId) -> watch::Receiver<Offset> {
        self.shared.log(project).watch()
    }

    async fn read(
        &self,
        project: ProjectId,
        from: Offset,
        max: usize,
    ) -> Result<Vec<Arc<Event>>, StorageError> {
        let log = self.shared.log(project);
        if max == 0 || from >= log.head() {
            return Ok(Vec::new());
        }
        if let Some(events) = self.shared.cache.read(project, from, max) {
            return Ok(events);
        }
        let _loading = log.loading.lock().await;
        if let Some(events) = self.shared.cache.read(project, from, max) {
            return Ok(events);
        }
        let Some(chunk) = self.load(project, &log, from).await? else {
            return Ok(Vec::new());
        };
        let from = from.max(chunk.first);
        // The cache knows those that follow too, unless it is tiny.
        let cached = self.shared.cache.read(project, from, max);
        let alone = || chunk.events_from(from).iter().take(max).cloned().collect();
        Ok(cached.unwrap_or_else(alone))
    }

    async fn get(
        &self,
        project: ProjectId,
        offset: Offset,
    ) -> Result<Option<Arc<Event>>, StorageError> {
        let events = self.read(project, offset, 1).await?;
        Ok(events.into_iter().find(|event| event.offset == offset))
    }

    async fn open_lane(
        &self,
        project: ProjectId,
        sync: SyncId,
    ) -> Result<LanePosition, StorageError> {
        self.request(move |group| group.open_lane(project, sync).map(Ok))
            .await
    }

    async fn settle(&self, sync: SyncId, settlement: Settlement) -> Result<u64, StorageError> {
        self.request(move |group| group.settle(sync, &settlement))
            .await
    }

    async fn retries(
        &self,
        sync: SyncId,
        after: Option<RetryKey>,
        max: usize,
    ) -> Result<Vec<Retry>, StorageError> {
        let read = move |connection: &_| reader::retries(connection, sync, after, max);
        self.readers
            .run(read)
            .await?
            .ok_or(StorageError::UnknownLane(sync))
    }

    async fn turns(
        &self,
        sync: SyncId,
        after: Option<u64>,
        max: usize,
    ) -> Result<Vec<TurnHead>, StorageError> {
        let read = move |connection: &_| reader::turns(connection, sync, after, max);
        self.readers
            .run(read)
            .await?
            .ok_or(StorageError::UnknownLane(sync))
    }

    async fn turn(
        &self,
        sync: SyncId,
        user: u64,
    ) -> Result<Option<(Turn, Option<Booked>)>, StorageError> {
        let read = move |connection: &_| reader::turn(connection, sync, user);
        self.readers
            .run(read)
            .await?
            .ok_or(StorageError::UnknownLane(sync))
    }

    async fn waiting_turns(
        &self,
        sync: SyncId,
        before: Option<Turn>,
        max: usize,
    ) -> Result<Vec<Turn>, StorageError> {
        let read = move |connection: &_| reader::waiting_turns(connection, sync, before, max);
        self.readers
            .run(read)
            .await?
            .ok_or(StorageError::UnknownLane(sync))
    }

    async fn has_turn(&self, sync: SyncId, turn: Turn) -> Result<bool, StorageError> {
        let read = move |connection: &_| reader::has_turn(connection, sync, turn);
        self.readers
            .run(read)
            .await?
            .ok_or(StorageError::UnknownLane(sync))
    }

    async fn user_properties(
        &self,
        project: ProjectId,
        user: u64,
    ) -> Result<Option<Vec<u8>>, StorageError> {
        self.readers
            .run(move |connection| reader::user_properties(connection, project, user))
            .await
    }

    async fn given(
        &self,
        sync: SyncId,
        offset: Offset,
        part: Part,
    ) -> Result<Option<Arc<str>>, StorageError> {
        self.readers
            .run(move |connection| reader::given(connection, sync, offset, part))
            .await
    }

    async fn ended(
        &self,
        sync: SyncId,
        before: Option<u64>,
        max: usize,
    ) -> Result<Vec<EndedRow>, StorageError> {
        let read = move |connection: &_| reader::ended(connection, sync, before, max);
        self.readers
            .run(read)
            .await?
            .ok_or(StorageError::UnknownLane(sync))
    }

    async fn ended_between(
        &self,
        sync: SyncId,
        after: u64,
        until: u64,
        max: usize,
    ) -> Result<Vec<EndedRow>, StorageError> {
        let read = move |connection: &_| reader::ended_between(connection, sync, after, until, max);
        self.readers
            .run(read)
            .await?
            .ok_or(StorageError::UnknownLane(sync))
    }

    async fn open_replay(
        &self,
        sync: SyncId,
        replay: ReplayId,
    ) -> Result<ReplayState, StorageError> {
        self.request(move |group| group.open_replay(sync, replay))
            .await
    }

    async fn replay_state(&self, replay: ReplayId) -> Result<Option<ReplayState>, StorageError> {
        self.readers
            .run(move |connection| reader::replay_state(connection, replay))
            .await
    }

    async fn replay(&self, sync: SyncId, step: ReplayStep) -> Result<Vec<Retry>, StorageError> {
        self.request(move |group| group.replay(sync, &step)).await
    }

    async fn stretch(
        &self,
        project: ProjectId,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Stretch, StorageError> {
        let number = self.shared.log(project).number();
        self.readers
            .run(move |connection| reader::stretch(connection, number, from, until))
            .await
    }

    async fn open_bounded_lane(
        &self,
        project: ProjectId,
        sync: SyncId,
        whose: SyncId,
        range: Range<Offset>,
    ) -> Result<LanePosition, StorageError> {
        self.request(move |group| group.open_bounded_lane(project, (sync, whose), range.clone()))
            .await
    }

    async fn bounded_lanes(&self, whose: SyncId) -> Result<Vec<LaneOf>, StorageError> {
        let read = move |connection: &_| {
            let lanes = family::bounded(connection, whose)?;
            Ok(lanes.into_iter().map(|lane| lane.of).collect())
        };
        self.readers.run(read).await
    }

    async fn lane_bounds(&self, sync: SyncId) -> Result<Option<Range<Offset>>, StorageError> {
        self.readers
            .run(move |connection| reader::lane_bounds(connection, sync))
            .await
    }

    async fn set_standing(&self, sync: SyncId, standing: Standing) -> Result<(), StorageError> {
        self.request(move |group| Ok(group.set_standing(sync, standing)))
            .await
    }

    async fn set_drain(
        &self,
        sync: SyncId,
        drain: Option<Drain>,
        said: Option<Said>,
    ) -> Result<(), StorageError> {
        self.request(move |group| group.set_drain(sync, drain, said.as_ref()))
            .await
    }

    async fn drain(&self, sync: SyncId) -> Result<Option<Drain>, StorageError> {
        let read = move |connection: &_| reader::drain(connection, sync);
        self.readers
            .run(read)
            .await?
            .ok_or(StorageError::UnknownLane(sync))
    }

    async fn drop_backlog(&self, sync: SyncId, said: Said) -> Result<Forgone, StorageError> {
        let mut forgone = Forgone::default();
        loop {
            let said = said.clone();
            let (step, more) = self
                .request(move |group| group.drop_backlog(sync, &said))
                .await?;
            forgone.events += step.events;
            forgone.retries += step.retries;
            if !more {
                return Ok(forgone);
            }
        }
    }

    async fn untold_losses(&self) -> Result<Vec<Untold>, StorageError> {
        self.readers.run(losses::untold).await
    }

    async fn tell_losses(&self, told: Vec<(SyncId, u64)>) -> Result<(), StorageError> {
        self.request(move |group| group.tell_losses(&told).map(Ok))
            .await
    }

    async fn drop_lane(&self, sync: SyncId, at: Timestamp) -> Result<DroppedLane, StorageError> {
        self.request(move |group| group.drop_lane(sync, at)).await
    }

    async fn lane_stats(&self, sync: SyncId) -> Result<Option<LaneStats>, StorageError> {
        self.readers
            .run(move |connection| reader::lane_stats(connection, sync))
            .await
    }

    async fn figures(
        &self,
        scope: Scope,
        step: FigureStep,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<(Timestamp, Figures)>, StorageError> {
        self.readers
            .run(move |connection| figures::read(connection, scope, step, from, until))
            .await
    }

    async fn retire(&self, now: Timestamp) -> Result<Retired, StorageError> {
        let mut retired = Retired::default();
        for number in 0..MAX_RETENTION_STEPS {
            let keep = self.shared.keep();
            let step: Step = self
                .request(move |group| group.retire(now, number == 0, &keep).map(Ok))
                .await?;
            retired.events += step.retired.events;
            retired.ended += step.retired.ended;
            retired.skipped_by_paused += step.retired.skipped_by_paused;
            if !step.more {
                break;
            }
        }
        Ok(retired)
    }

    fn keep(&self, projects: HashMap<ProjectId, Keep>) {
        self.shared.set_keep(projects);
    }

    fn kept_at_most(&self) -> Keep {
        self.kept_at_most
    }

    async fn own_imports(&self, logs: Vec<ImportLog>) -> Result<(), StorageError> {
        self.request(move |group| group.own_imports(&logs).map(Ok))
            .await
    }

    async fn held(&self, project: ProjectId) -> Result<Held, StorageError> {
        self.readers
            .run(move |connection| reader::held(connection, project))
            .await
    }

    async fn received(&self, project: ProjectId, now: Timestamp) -> Result<Received, StorageError> {
        received::read(self, project, now).await
    }

    async fn erase(&self, request: EraseRequest) -> Result<Erasure, StorageError> {
        let id = request.id;
        self.request(move |group| group.begin_erasure(&request).map(Ok))
            .await?;
        let begun = self.erasure(id).await?;
        begun.ok_or_else(|| StorageError::Corrupt("an erasure that was begun is gone".into()))
    }

    async fn erasure(&self, id: ErasureId) -> Result<Option<Erasure>, StorageError> {
        self.readers
            .run(move |connection| erasing::find(connection, id))
            .await
    }

    async fn erasures(
        &self,
        project: ProjectId,
        before: Option<u64>,
        max: usize,
    ) -> Result<Vec<Erasure>, StorageError> {
        self.readers
            .run(move |connection| erasing::list(connection, project, before, max))
            .await
    }

    async fn go_on_erasing(&self, now: Timestamp) -> Result<Erasing, StorageError> {
        self.erasing_step(now).await
    }

    fn times_erased(&self, project: ProjectId) -> TimesErased {
        self.shared.log(project).erased.clone()
    }

    fn status(&self) -> Status {
        Status {
            queued: self.queue.len(),
            ..self.shared.status()
        }
    }

    async fn close(&self) {
        let (queue, stop_building) = (Arc::clone(&self.queue), Arc::clone(&self.stop_building));
        self.stop_following();
        let threads = self.take_threads();
        let stopping =
            tokio::task::spawn_blocking(move || Self::stop(&queue, &stop_building, threads));
        if stopping.await.is_err() {
            tracing::error!("closing the journal broke off");
        }
        self.readers.close().await;
        self.lock
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
    }
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        self.stop_following();
        Self::stop(&self.queue, &self.stop_building, self.take_threads());
    }
}
