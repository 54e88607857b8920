//! The one thread that writes: takes what has queued up, makes one transaction of it, and answers
//! everybody once it is durable.

mod ages;
pub(super) mod checkpoint;
mod disk;
mod erasure;
mod group;
mod groups;
mod imports;
mod lanes;
mod projects;
pub(super) mod queue;
mod retention;
mod state;
mod streamed;
mod tally;
mod user;
mod users;
pub(super) mod work;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

use rusqlite::Connection;

pub(super) use group::Group;
pub(super) use imports::CREATE_IMPORTS;
pub(super) use lanes::ADD_GIVEN_TO_RETRIES;
pub(super) use lanes::counts_from;
pub(super) use retention::Step;
pub(super) use state::State;

use super::config::Config;
use super::dedupe::Dedupe;
use super::dedupe::builder::Job;
use super::failure::{Failure, Fault};
use super::open::database;
use super::shared::Shared;
use checkpoint::Checkpoints;
use disk::Disk;
use group::Effects;
use queue::Queue;
use work::Work;

/// The writer with all that it owns.
#[derive(Debug)]
pub(super) struct Writer {
    connection: Connection,
    file: PathBuf,
    config: Arc<Config>,
    queue: Arc<Queue>,
    shared: Arc<Shared>,
    /// `None` after a rollback, until it has been read again.
    state: Option<State>,
    dedupe: Dedupe,
    disk: Disk,
    checkpoints: Checkpoints,
    builder: SyncSender<(Job, u64)>,
}

impl Writer {
    pub(super) fn new(
        connection: Connection,
        config: Arc<Config>,
        queue: Arc<Queue>,
        shared: Arc<Shared>,
        checkpoints: Checkpoints,
        builder: SyncSender<(Job, u64)>,
    ) -> Result<Self, Failure> {
        let file = database(&config.folder);
        let state = State::load(&connection, &config).map_err(|fault| fault.sort(&file))?;
        for (id, project) in state.projects.iter() {
            shared.set_head(id, project.number, project.next);
        }
        shared.update_status(|status| {
            status.event_bytes = state.projects.kept_bytes();
            status.backlog_bytes = state.backlog.estimate();
        });
        let dedupe = Dedupe::load(&connection, &config).map_err(|fault| fault.sort(&file))?;
        let disk = Disk::new(config.folder.clone(), config.disk_reserve_bytes);
        Ok(Self {
            connection,
            file,
            config,
            queue,
            shared,
            state: Some(state),
            dedupe,
            disk,
            checkpoints,
            builder,
        })
    }

    /// Works until the queue is closed and empty.
    pub(super) fn run(mut self) {
        let (max_bytes, max_requests) = (
            self.config.commit_max_bytes,
            self.config.commit_max_requests,
        );
        while let Some(works) = self.queue.take(max_bytes, max_requests) {
            self.commit(works);
            self.start_building();
        }
        // Closing the last connection would do it too, but readers may still hold theirs.
        let truncate = "PRAGMA wal_checkpoint(TRUNCATE)";
        if let Err(error) = self.connection.query_row(truncate, [], |_| Ok(())) {
            tracing::warn!(%error, "the last checkpoint failed; the next start makes up for it");
        }
    }

    fn commit(&mut self, works: Vec<Work>) {
        let mut works: Vec<Work> = works
            .into_iter()
            .filter_map(|work| match work {
                Work::Built(outcome) => {
                    self.dedupe.finish(outcome);
                    None
                }
                other => Some(other),
            })
            .collect();
        if works.is_empty() && !self.dedupe.has_work() {
            return;
        }
        let started = Instant::now();
        match self.transact(&mut works) {
            Ok(effects) => {
                self.publish(effects, started.elapsed());
                works.into_iter().for_each(|work| work.answer(Ok(())));
            }
            Err(fault) => self.fail(works, fault),
        }
    }

    /// One transaction. All of it is durable when this returns without a fault, and nothing else.
    fn transact(&mut self, works: &mut [Work]) -> Result<Effects, Fault> {
        let state = match &mut self.state {
            Some(state) => state,
            none => none.insert(State::load(&self.connection, &self.config)?),
        };
        self.connection
            .prepare_cached("BEGIN IMMEDIATE")?
            .execute([])?;
        let mut group = Group::new(
            &self.connection,
            &self.config,
            state,
            &mut self.dedupe,
            &mut self.disk,
        );
        for work in works {
            match work {
                Work::Accept(accept) => group.accept(accept)?,
                Work::Request(request) => request.run(&mut group)?,
                Work::Built(_) => {}
            }
        }
        let effects = group.finish()?;
        self.connection.prepare_cached("COMMIT")?.execute([])?;
        Ok(effects)
    }

    /// Tells the rest of the journal what is durable now.
    fn publish(&mut self, effects: Effects, took: Duration) {
        self.dedupe.committed();
        let bytes: usize = effects.chunks.iter().map(|chunk| chunk.body.len()).sum();
        for chunk in effects.chunks {
            self.shared.cache.insert(Arc::new(chunk));
        }
        for (project, first) in effects.removed {
            self.shared.cache.remove(project, first);
        }
        for (project, (number, head)) in effects.heads {
            self.shared.set_head(project, number, head);
        }
        let Some(state) = &mut self.state else {
            return;
        };
        state.trim(&self.config);
        // Only those who watch miss something when this fails.
        if let Err(fault) = state.refresh_backlog(&self.connection) {
            tracing::warn!(problem = ?fault, "the backlog can't be measured");
        }
        let backlog_bytes = state.backlog.estimate();
        // Whoever refuses events for long may get none to try with.
        let has_room = backlog_bytes < self.config.backlog_max_bytes && !self.disk.is_full();
        self.shared.update_status(|status| {
            status.event_bytes = state.projects.kept_bytes();
            status.backlog_bytes = backlog_bytes;
            status.commits += 1;
            status.commit_time += took;
            status.appended += effects.events;
            status.commit_seconds.record(took.as_secs_f64());
            if effects.events > 0 {
                status.commit_events.record(effects.events as f64);
            }
            if effects.refusal.is_some() || effects.accepted || has_room {
                status.refusing = effects.refusal;
            }
        });
        // Rows of users, lanes and retries are written beside the events.
        const OTHER_ROWS: u64 = 64 << 10;
        self.checkpoints
            .committed(&self.connection, bytes as u64 + OTHER_ROWS);
    }

    /// Undoes a transaction, tells those whose work is lost, and tries again with the requests:
    /// they need little room, and some make room.
    fn fail(&mut self, works: Vec<Work>, fault: Fault) {
        let failure = fault.sort(&self.file);
        tracing::error!(?failure, "a transaction was rolled back");
        if !self.connection.is_autocommit()
            && let Err(error) = self.connection.execute_batch("ROLLBACK")
        {
            tracing::error!(%error, "a transaction can't be rolled back");
        }
        self.state = None;
        self.dedupe.rolled_back();
        if failure == Failure::Full {
            self.disk.ran_full();
        }
        let (batches, requests): (Vec<_>, Vec<_>) = works.into_iter().partition(Work::is_batch);
        let (lost, again) = match batches.is_empty() {
            true => (requests, Vec::new()),
            false => (batches, requests),
        };
        self.shared
            .update_status(|status| status.refusing = Some(failure.clone().into()));
        lost.into_iter().for_each(|work| work.answer(Err(&failure)));
        if !again.is_empty() {
            self.commit(again);
        }
    }

    fn start_building(&mut self) {
        if let Some(job) = self.dedupe.next_job() {
            let budget = self.dedupe.filter_budget();
            // The builder takes one job at a time, and we give it one at a time.
            if self.builder.try_send((job, budget)).is_err() {
                tracing::error!("the thread of duplicate detection is gone");
            }
        }
    }
}

impl Drop for Writer {
    /// Also when a panic ends the thread: nobody may wait for an answer that will never come.
    fn drop(&mut self) {
        self.queue.abandon();
    }
}
