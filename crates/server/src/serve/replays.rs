//! Carries replays out for the control API.

use std::ops::Range;
use std::sync::Arc;

use api::portal::{CountedEvents, CountedFailures, FieldProblem, LaneError, Progress, Replays};
use async_trait::async_trait;
use journal::{Accepted, Batch, ImportLog, IncomingEvent, LaneOf, ReplayState, StorageError};
use model::definition::Definition;
use model::replay::{Failures, PastEvents, Replayed};
use model::sync::Sync;
use model::{Offset, ProjectId, ReplayId, SyncId, Timestamp};
use pipeline::{Plan, Scope};
use store::{ReplayGoal, ReplayRecord};
use stream::{ApplyError, Backfill, FailedReplay, Health, LaneView, lane_of, replay_in};

use super::adapters::{ControlledLanes, unavailable};

#[async_trait]
impl Replays for ControlledLanes {
    async fn carry_replay(
        &self,
        replay: &ReplayRecord,
        sync: Arc<Sync>,
        definition: Arc<Definition>,
    ) -> Result<(), LaneError> {
        let failures = match &replay.what {
            Replayed::Failed(failures) => failures,
            Replayed::Events(_) | Replayed::Import(_) => {
                return self.carry_backfill(replay, sync, definition).await;
            }
        };
        if replay.state != ReplayGoal::Running {
            self.streams.stop_replay(replay.id);
            return Ok(());
        }
        let Some(backfills) = self.open_failed(replay).await? else {
            return Ok(());
        };
        self.streams.replay(FailedReplay {
            id: replay.id,
            project: replay.project,
            sync: replay.sync,
            backfills,
            failures: failures.clone(),
            per_minute: replay.per_minute,
        });
        Ok(())
    }

    async fn replay_progress(&self, replay: &ReplayRecord) -> Result<Option<Progress>, LaneError> {
        if !matches!(replay.what, Replayed::Failed(_)) {
            return self.backfill_progress(replay).await;
        }
        let state = self.journal.replay_state(replay.id).await;
        if let Some(state) = state.map_err(unavailable)? {
            let mut progress = Progress {
                done: true,
                ..Progress::default()
            };
            add(&mut progress, &state);
            let backfills = self.journal.bounded_lanes(replay.sync).await;
            for of in backfills.map_err(unavailable)? {
                let id = replay_in(replay.id, of.lane);
                let state = self.journal.replay_state(id).await;
                if let Some(state) = state.map_err(unavailable)? {
                    add(&mut progress, &state);
                    if !state.is_done() {
                        let backfill = ReplayId::from_bytes(of.lane.to_bytes());
                        progress.left_in.push(backfill);
                    }
                }
            }
            return Ok(Some(progress));
        }
        let lane = self.journal.lane_stats(replay.sync).await;
        Ok(match lane.map_err(unavailable)? {
            Some(_) => None,
            None => Some(Progress {
                done: true,
                ..Progress::default()
            }),
        })
    }

    async fn forget_replay(&self, replay: &ReplayRecord) -> Result<(), LaneError> {
        match &replay.what {
            Replayed::Failed(_) => self.streams.stop_replay(replay.id),
            Replayed::Events(_) | Replayed::Import(_) => {
                let removed = self.streams.remove_backfill(replay.id);
                removed.await.map_err(unavailable)?;
            }
        }
        if let Replayed::Import(_) = replay.what {
            // Nobody reads its log any more.
            let over = ImportLog {
                over: true,
                ..import_log(replay)
            };
            let owned = self.journal.own_imports(vec![over]).await;
            owned.map_err(unavailable)?;
        }
        Ok(())
    }

    async fn give_up_replay(&self, replay: &ReplayRecord) -> Result<(), LaneError> {
        match &replay.what {
            // What it has begun is tried like any other delivery.
            Replayed::Failed(_) => Ok(()),
            Replayed::Events(_) | Replayed::Import(_) => {
                let given_up = self.streams.give_up_backfill(replay.id);
                given_up.await.map_err(unavailable)
            }
        }
    }

    async fn backfills(&self, sync: SyncId) -> Result<Vec<LaneOf>, LaneError> {
        self.journal.bounded_lanes(sync).await.map_err(unavailable)
    }

    async fn own_imports(&self, imports: &[ReplayRecord]) -> Result<(), LaneError> {
        let logs = imports.iter().map(import_log).collect();
        self.journal.own_imports(logs).await.map_err(unavailable)
    }

    async fn count_failures(
        &self,
        project: ProjectId,
        sync: SyncId,
        failures: &Failures,
        most: u64,
        examples: usize,
    ) -> Result<CountedFailures, LaneError> {
        let replay = FailedReplay {
            // Nothing is made of it.
            id: ReplayId::from_bytes([0; 16]),
            project,
            sync,
            backfills: Vec::new(),
            failures: failures.clone(),
            per_minute: None,
        };
        let counted = stream::count_failures(&*self.journal, &replay, most, examples);
        let counted = counted.await.map_err(unavailable)?;
        Ok(CountedFailures {
            total: counted.total,
            looked_at: counted.looked_at,
            matching: counted.matching,
            examples: counted.examples,
        })
    }

    async fn append(
        &self,
        import: &ReplayRecord,
        events: Vec<IncomingEvent>,
        received_at: Timestamp,
    ) -> Result<Accepted, LaneError> {
        self.own_imports(std::slice::from_ref(import)).await?;
        let batch = Batch {
            project: Replayed::log_of_import(import.id),
            received_at,
            events,
        };
        let accepted = self.journal.accept(batch).await;
        accepted.map_err(|error| LaneError::Unavailable(Box::new(error)))
    }

    async fn count_events(
        &self,
        sync: Arc<Sync>,
        definition: Arc<Definition>,
        events: &PastEvents,
        most: u64,
        examples: usize,
    ) -> Result<CountedEvents, LaneError> {
        let log = sync.project;
        let scope = scope(events)?;
        let plan = Plan::compile(&definition, &sync, &self.clock).map_err(problems)?;
        let plan = plan.narrowed(scope);
        let stretch = self.stretch(log, events).await?;
        let counted = stream::count_events(&*self.journal, log, stretch, &plan, most, examples);
        let counted = counted.await.map_err(unavailable)?;
        Ok(CountedEvents {
            total: counted.total,
            looked_at: counted.looked_at,
            matching: counted.matching,
            requests: counted.requests,
            exact: counted.exact,
            examples: counted.examples,
        })
    }
}

impl ControlledLanes {
    async fn carry_backfill(
        &self,
        replay: &ReplayRecord,
        sync: Arc<Sync>,
        definition: Arc<Definition>,
    ) -> Result<(), LaneError> {
        if let Replayed::Import(_) = replay.what {
            self.own_imports(std::slice::from_ref(replay)).await?;
        }
        if replay.state.is_final() && !self.carry_what_ended(replay).await? {
            return Ok(());
        }
        if replay.state == ReplayGoal::Paused || !sync.enabled {
            let paused = self.streams.pause_backfill(replay.id);
            return paused.await.map_err(unavailable);
        }
        let known = self.journal.lane_bounds(lane_of(replay.id)).await;
        let known = known.map_err(unavailable)?;
        let (log, scope) = match &replay.what {
            Replayed::Events(events) => (sync.project, scope(events)?),
            _ => (Replayed::log_of_import(replay.id), everything()?),
        };
        let stretch = match (known, &replay.what) {
            (Some(known), _) => known,
            (None, Replayed::Events(events)) => self.stretch(log, events).await?,
            // It grows until it is complete.
            (None, _) => Offset(0)..Offset(i64::MAX as u64),
        };
        let backfill = Backfill {
            id: replay.id,
            log,
            sync,
            definition,
            scope,
            per_minute: replay.per_minute,
        };
        let applied = self.streams.backfill(&backfill, stretch).await;
        applied.map_err(|error| match error {
            ApplyError::Problems(found) => problems(found),
            ApplyError::Storage(error) => unavailable(error),
        })
    }

    /// Has the journal know a replay of failed deliveries in all lanes that it is about, at first; says
    /// which of these are backfills'. `None`: a sync that was never enabled has nothing that failed.
    async fn open_failed(&self, replay: &ReplayRecord) -> Result<Option<Vec<LaneOf>>, LaneError> {
        let known = self.journal.replay_state(replay.id).await;
        let known = known.map_err(unavailable)?.is_some();
        let all = self.journal.bounded_lanes(replay.sync).await;
        let mut backfills = Vec::new();
        for of in all.map_err(unavailable)? {
            let id = replay_in(replay.id, of.lane);
            let is_about = match known {
                true => {
                    let state = self.journal.replay_state(id).await;
                    state.map_err(unavailable)?.is_some()
                }
                false => {
                    let first = self.journal.ended_between(of.lane, 0, u64::MAX, 1).await;
                    !first.map_err(unavailable)?.is_empty()
                }
            };
            if is_about {
                let opened = self.journal.open_replay(of.lane, id).await;
                opened.map_err(unavailable)?;
                backfills.push(of);
            }
        }
        // The sync's own is opened last: from then on it is known which lanes these are.
        match self.journal.open_replay(replay.sync, replay.id).await {
            Ok(_) => Ok(Some(backfills)),
            Err(StorageError::UnknownLane(_)) => Ok(None),
            Err(error) => Err(unavailable(error)),
        }
    }

    /// Of a backfill that has ended: whether its lane is to run, since what failed is sent again. What was
    /// left when it was cancelled is given up before.
    async fn carry_what_ended(&self, replay: &ReplayRecord) -> Result<bool, LaneError> {
        let lane = lane_of(replay.id);
        let bounds = self.journal.lane_bounds(lane).await.map_err(unavailable)?;
        let stats = self.journal.lane_stats(lane).await.map_err(unavailable)?;
        let (Some(bounds), Some(stats)) = (bounds, stats) else {
            return Ok(false);
        };
        if stats.cursor < bounds.end.min(stats.head) {
            self.give_up_replay(replay).await?;
        }
        if stats.pending + stats.in_order > 0 || self.streams.is_replayed(replay.id) {
            return Ok(true);
        }
        if self.streams.backfill_view(replay.id).is_some() {
            let paused = self.streams.pause_backfill(replay.id);
            paused.await.map_err(unavailable)?;
        }
        Ok(false)
    }

    /// Where events lie that were received within some time.
    async fn stretch(
        &self,
        log: ProjectId,
        events: &PastEvents,
    ) -> Result<Range<Offset>, LaneError> {
        let stretch = self.journal.stretch(log, events.from, events.until);
        let stretch = stretch.await.map_err(unavailable)?;
        Ok(stretch.from..stretch.until)
    }

    async fn backfill_progress(
        &self,
        replay: &ReplayRecord,
    ) -> Result<Option<Progress>, LaneError> {
        let lane = lane_of(replay.id);
        let bounds = self.journal.lane_bounds(lane).await.map_err(unavailable)?;
        let stats = self.journal.lane_stats(lane).await.map_err(unavailable)?;
        let (Some(bounds), Some(stats)) = (bounds, stats) else {
            return Ok(None);
        };
        let end = match &replay.what {
            Replayed::Import(_) => stats.head,
            _ => bounds.end,
        };
        let arrived = !matches!(&replay.what, Replayed::Import(import) if !import.complete);
        let delivered = stats.total.delivered_first + stats.total.delivered_retry;
        // What failed and is sent again has failed no more: it is pending, or whatever became of it.
        let failed = stats.total.discarded + stats.total.expired;
        let failed = failed.saturating_sub(stats.again);
        let losses = stats.losses;
        let (lost, erased) = (losses.lost.events + losses.lost.retries, losses.erased);
        let view = self.streams.backfill_view(replay.id);
        let ill = |view: &LaneView| matches!(view.health, Health::Failing | Health::Stalled);
        // What was given up when it was cancelled.
        let dropped = stats.losses.dropped;
        let passed = stats.cursor.0.saturating_sub(bounds.start.0);
        Ok(Some(Progress {
            total: end.0.saturating_sub(bounds.start.0),
            looked_at: passed.saturating_sub(dropped.events),
            // Of one that keeps the order of users, some may wait without a retry.
            begun: delivered
                + failed
                + lost
                + erased
                + stats.pending
                + stats.in_order
                + dropped.retries,
            delivered,
            failed,
            unsent: lost + dropped.retries,
            erased,
            done: arrived && stats.cursor >= end && stats.pending == 0 && stats.in_order == 0,
            kept: stats.ended,
            noted: stats.noted,
            left_in: Vec::new(),
            trouble: view.filter(ill).and_then(|view| view.reason),
        }))
    }
}

/// Adds how far a replay of failed deliveries is in one lane.
fn add(progress: &mut Progress, state: &ReplayState) {
    progress.total += state.total;
    progress.looked_at += state.looked_at;
    progress.begun += state.moved;
    progress.delivered += state.delivered;
    progress.failed += state.failed;
    progress.unsent += state.unsent;
    progress.erased += state.erased;
    progress.done &= state.is_done();
}

/// Whose an import's log is. Of one that is settled nothing more is wanted.
fn import_log(replay: &ReplayRecord) -> ImportLog {
    ImportLog {
        log: Replayed::log_of_import(replay.id),
        owner: replay.project,
        whose: replay.sync,
        over: replay.result.is_some(),
    }
}

/// All events of a log.
fn everything() -> Result<Scope, LaneError> {
    let always = Timestamp(i64::MIN)..Timestamp(i64::MAX);
    Scope::compile(always, None, "").map_err(problems)
}

fn scope(events: &PastEvents) -> Result<Scope, LaneError> {
    let received = events.from..events.until;
    Scope::compile(received, events.select.as_ref(), "/events/select").map_err(problems)
}

fn problems(problems: Vec<pipeline::Problem>) -> LaneError {
    LaneError::Problems(problems.into_iter().map(FieldProblem::from).collect())
}
