//! Lanes that only take notes.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, OnceLock};

use async_trait::async_trait;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use journal::figures::{Figures, Scope, Step};
use journal::hold::Untold;
use journal::received::{Received, Tally};
use journal::sqlite::{self, Sqlite};
use journal::{
    Accepted, EndedRow, EraseRequest, Erasure, ErasureState, Fates, Held, IncomingEvent, Keep,
    LaneOf, LaneStats, Retry, RetryKey, Subject,
};
use millstream_api::portal::{
    Backlog, CountedEvents, CountedFailures, DroppedLane, FieldProblem, Glance, Health, LaneError,
    LaneStatus, Lanes, Progress, Replays,
};
use model::definition::Definition;
use model::random::Seeded;
use model::replay::{Failures, PastEvents, Replayed};
use model::sync::Sync;
use model::tail::Told;
use model::time::SystemClock;
use model::{Clock, ErasureId, Event, Offset, Part, ProjectId, ReplayId, SyncId, Timestamp};
use pipeline::Plan;
use store::{ReplayRecord, SecretFields};
use tempfile::TempDir;
use tokio::sync::watch;

/// What the lanes were told, and what they answer.
#[derive(Default)]
pub(crate) struct Notes {
    /// What each lane was last told to be.
    pub(crate) applied: HashMap<SyncId, Arc<Sync>>,
    /// How many are being told, and the most that were at once.
    applying: usize,
    pub(crate) most_applying: usize,
    /// Those that were ever enabled.
    pub(crate) begun: HashSet<SyncId>,
    pub(crate) removed: Vec<SyncId>,
    /// How lanes are to go on.
    pub(crate) prepared: Vec<(SyncId, Backlog, Option<u32>)>,
    pub(crate) stats: LaneStats,
    pub(crate) retries: Vec<Retry>,
    pub(crate) ended: Vec<EndedRow>,
    /// Everyone's, by any step.
    pub(crate) figures: Vec<(Timestamp, Figures)>,
    /// What was asked of them.
    pub(crate) asked_figures: Vec<(Scope, Step, Timestamp, Timestamp)>,
    /// Every project's, oldest first.
    pub(crate) events: Vec<Arc<Event>>,
    /// What each replay was last told to be.
    pub(crate) replays: HashMap<ReplayId, ReplayRecord>,
    /// How far each replay is.
    pub(crate) progress: Option<Progress>,
    /// What the last replay of failures was asked to count.
    pub(crate) counted: Option<Failures>,
    /// What was appended to the logs of imports.
    pub(crate) appended: Vec<(ProjectId, IncomingEvent)>,
    /// Replays of which nothing more comes.
    pub(crate) forgotten: Vec<ReplayId>,
    /// What was begun to be erased, and who that was.
    pub(crate) erasures: Vec<Erasure>,
    pub(crate) erased: Vec<Subject>,
    /// What syncs lost and nobody was told of.
    pub(crate) untold: Vec<Untold>,
    /// What is seen of each lane.
    pub(crate) glances: Vec<Glance>,
    /// Of users by project and `amplitude_id`, JSON.
    pub(crate) user_properties: HashMap<(ProjectId, u64), Vec<u8>>,
    /// Where each project's log ends, where anybody asked.
    heads: HashMap<ProjectId, watch::Sender<Offset>>,
    /// What becomes of every project's deliveries.
    pub(crate) told: Vec<Told>,
    /// Whether the journal fails.
    pub(crate) broken: bool,
}

impl Notes {
    fn head(&mut self, project: ProjectId) -> &watch::Sender<Offset> {
        let newest = self.events.iter().rev();
        let newest = newest.clone().find(|event| event.project == project);
        let head = newest.map_or(Offset(0), |event| event.offset.next());
        let head = || watch::Sender::new(head);
        self.heads.entry(project).or_insert_with(head)
    }

    /// An event is accepted.
    pub(crate) fn accept(&mut self, event: Arc<Event>) {
        let (project, head) = (event.project, event.offset.next());
        self.events.push(event);
        self.head(project).send_replace(head);
    }
}

#[derive(Default)]
pub(crate) struct NotingLanes(Mutex<Notes>, OnceLock<(Sqlite, TempDir)>);

impl NotingLanes {
    /// A real journal, for what is kept of single deliveries.
    pub(crate) fn journal(&self) -> &Sqlite {
        let (journal, _) = self.1.get_or_init(|| {
            let folder = tempfile::tempdir().unwrap();
            let config = sqlite::Config::new(folder.path());
            (Sqlite::open(config, &Seeded::new(1)).unwrap(), folder)
        });
        journal
    }

    pub(crate) fn notes(&self) -> std::sync::MutexGuard<'_, Notes> {
        self.0.lock().unwrap()
    }

    /// The id of an erasure in a project.
    pub(crate) fn begun_erasure(&self, project: ProjectId) -> String {
        let id = ErasureId::from_bytes(project.to_bytes());
        self.notes().erasures.push(Erasure {
            number: 1,
            id,
            project,
            requested_at: Timestamp(0),
            state: ErasureState::Events,
            looked_at: Offset(3),
            until: Offset(9),
            found: [("users".to_owned(), 1)].into(),
            done_at: None,
        });
        id.to_string()
    }

    fn working(&self) -> Result<std::sync::MutexGuard<'_, Notes>, LaneError> {
        let notes = self.notes();
        match notes.broken {
            true => Err(LaneError::Unavailable("the disk is on fire".into())),
            false => Ok(notes),
        }
    }
}

#[async_trait]
impl Lanes for NotingLanes {
    async fn erase(&self, request: EraseRequest) -> Result<Erasure, LaneError> {
        let mut notes = self.working()?;
        let known = notes.erasures.iter().find(|each| each.id == request.id);
        if let Some(known) = known {
            return Ok(known.clone());
        }
        let erasure = Erasure {
            number: notes.erasures.len() as u64 + 1,
            id: request.id,
            project: request.project,
            requested_at: request.at,
            state: ErasureState::Devices,
            looked_at: Offset(0),
            until: Offset(9),
            found: [("users".to_owned(), 1)].into(),
            done_at: None,
        };
        notes.erasures.push(erasure.clone());
        notes.erased.push(request.subject);
        Ok(erasure)
    }

    async fn erasure(&self, id: ErasureId) -> Result<Option<Erasure>, LaneError> {
        let notes = self.working()?;
        Ok(notes.erasures.iter().find(|each| each.id == id).cloned())
    }

    async fn erasures(
        &self,
        project: ProjectId,
        before: Option<u64>,
        max: usize,
    ) -> Result<Vec<Erasure>, LaneError> {
        let notes = self.working()?;
        let older = notes.erasures.iter().rev().filter(|each| {
            each.project == project && before.is_none_or(|before| each.number < before)
        });
        Ok(older.take(max).cloned().collect())
    }

    fn kept_at_most(&self) -> Keep {
        let week = Some(std::time::Duration::from_secs(7 * 24 * 60 * 60));
        Keep {
            events: week,
            ended: week,
        }
    }

    async fn held(&self, _: ProjectId) -> Result<Held, LaneError> {
        let notes = self.working()?;
        let oldest = notes.events.first();
        Ok(Held {
            bytes: notes
                .events
                .iter()
                .map(|event| event.text().len() as u64)
                .sum(),
            oldest: oldest.map(|event| (event.offset, event.received_at)),
            head: notes
                .events
                .last()
                .map_or(Offset(0), |event| event.offset.next()),
            oldest_of_imports: None,
        })
    }

    /// Of a webhook, a URL is needed, and no template may say `${broken}`; others are compiled.
    fn check(&self, sync: &Sync, definition: &Definition) -> Vec<FieldProblem> {
        if definition.id != Definition::webhook().id {
            let clock: Arc<dyn Clock> = Arc::new(SystemClock);
            let problems = Plan::compile(definition, sync, &clock).err();
            let problems = problems.into_iter().flatten();
            return problems.map(FieldProblem::from).collect();
        }
        let mut problems = Vec::new();
        if !sync.settings.parameters.contains_key("url") {
            problems.push(FieldProblem::new("/parameters/url", "a value is required"));
        }
        let template = sync.settings.events.template.as_deref().unwrap_or_default();
        if template.contains("${broken}") {
            problems.push(FieldProblem {
                line: Some(1),
                column: Some(3),
                ..FieldProblem::new("/events/template", "unknown name")
            });
        }
        problems
    }

    async fn apply(
        &self,
        sync: Arc<Sync>,
        _: Arc<Definition>,
        _: SecretFields,
    ) -> Result<(), LaneError> {
        {
            let mut notes = self.working()?;
            notes.applying += 1;
            notes.most_applying = notes.most_applying.max(notes.applying);
        }
        // As it does where a journal is asked.
        tokio::task::yield_now().await;
        let mut notes = self.notes();
        notes.applying -= 1;
        if sync.enabled {
            notes.begun.insert(sync.id);
        }
        notes.applied.insert(sync.id, sync);
        Ok(())
    }

    async fn prepare(
        &self,
        _: ProjectId,
        sync: SyncId,
        backlog: Backlog,
        requests_per_minute: Option<u32>,
        by: &str,
    ) -> Result<(), LaneError> {
        assert!(!by.is_empty());
        let prepared = (sync, backlog, requests_per_minute);
        self.working()?.prepared.push(prepared);
        Ok(())
    }

    async fn remove(&self, sync: SyncId) -> Result<DroppedLane, LaneError> {
        let mut notes = self.working()?;
        notes.applied.remove(&sync);
        notes.removed.push(sync);
        Ok(DroppedLane::from(&notes.stats))
    }

    async fn status(&self, sync: SyncId) -> Result<LaneStatus, LaneError> {
        let notes = self.working()?;
        let enabled = notes.applied.get(&sync).is_some_and(|sync| sync.enabled);
        Ok(LaneStatus {
            health: if enabled {
                Health::Healthy
            } else {
                Health::Paused
            },
            reason: None,
            since: None,
            in_flight: 3,
            allowed: 64,
            next_probe: None,
            in_order: 0,
            awaiting: 0,
            draining: None,
            caps: journal::hold::Caps::default(),
            // One that a test gave figures has some.
            stats: (notes.begun.contains(&sync) || notes.stats != LaneStats::default())
                .then_some(notes.stats),
        })
    }

    async fn retries(
        &self,
        _: SyncId,
        after: Option<RetryKey>,
        max: usize,
    ) -> Result<Vec<Retry>, LaneError> {
        let notes = self.working()?;
        let behind = notes
            .retries
            .iter()
            .filter(|retry| Some(retry.key()) > after);
        Ok(behind.take(max).cloned().collect())
    }

    async fn ended(
        &self,
        sync: SyncId,
        before: Option<u64>,
        max: usize,
    ) -> Result<Vec<EndedRow>, LaneError> {
        let notes = self.working()?;
        let older = notes.ended.iter().rev();
        let older = older.filter(|row| before.is_none_or(|before| row.sequence < before));
        // All are the lane's that is asked for.
        let own = older.map(|row| {
            let of = LaneOf {
                lane: sync,
                log: row.of.log,
            };
            EndedRow { of, ..row.clone() }
        });
        Ok(own.take(max).collect())
    }

    fn fates(&self) -> &dyn Fates {
        self.journal()
    }

    async fn untold_losses(&self) -> Result<Vec<Untold>, LaneError> {
        Ok(self.working()?.untold.clone())
    }

    async fn tell_losses(&self, told: Vec<(SyncId, u64)>) -> Result<(), LaneError> {
        let mut notes = self.working()?;
        for (sync, told) in told {
            let of_sync = notes.untold.iter_mut().filter(|one| one.sync == sync);
            of_sync.for_each(|one| one.told = told);
        }
        notes.untold.retain(|one| one.lost > one.told);
        Ok(())
    }

    async fn figures(
        &self,
        scope: Scope,
        step: Step,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<(Timestamp, Figures)>, LaneError> {
        let mut notes = self.working()?;
        notes.asked_figures.push((scope, step, from, until));
        let within = |(at, _): &&(Timestamp, Figures)| step.start(from) <= *at && *at < until;
        Ok(notes.figures.iter().filter(within).cloned().collect())
    }

    async fn received(&self, project: ProjectId, _: Timestamp) -> Result<Received, LaneError> {
        let notes = self.working()?;
        // The events are of another time than the clock.
        let now = notes
            .events
            .last()
            .map_or(Timestamp(0), |event| event.received_at);
        let mut tally = Tally::new(7);
        let events = notes.events.iter();
        let events = events.filter(|event| event.project == project);
        events.for_each(|event| tally.add(event));
        Ok(tally.view(now, std::time::Duration::MAX))
    }

    async fn events(
        &self,
        project: ProjectId,
        before: Option<Offset>,
        max: usize,
    ) -> Result<Vec<Arc<Event>>, LaneError> {
        let notes = self.working()?;
        let newest = notes.events.iter().rev();
        let newest = newest.filter(|event| event.project == project);
        let older = newest.filter(|event| before.is_none_or(|before| event.offset < before));
        Ok(older.take(max).cloned().collect())
    }

    async fn user_properties(
        &self,
        project: ProjectId,
        user: u64,
    ) -> Result<Option<Vec<u8>>, LaneError> {
        let notes = self.working()?;
        Ok(notes.user_properties.get(&(project, user)).cloned())
    }

    fn head(&self, project: ProjectId) -> watch::Receiver<Offset> {
        self.notes().head(project).subscribe()
    }

    async fn read(
        &self,
        project: ProjectId,
        from: Offset,
        max: usize,
    ) -> Result<Vec<Arc<Event>>, LaneError> {
        let notes = self.working()?;
        let events = notes.events.iter();
        let events = events.filter(|event| event.project == project && event.offset >= from);
        Ok(events.take(max).cloned().collect())
    }

    fn health(&self, sync: SyncId) -> (Health, Option<String>) {
        let notes = self.notes();
        let seen = notes.glances.iter().find(|glance| glance.sync == sync);
        seen.map_or((Health::Healthy, None), |seen| {
            (seen.health, seen.reason.clone())
        })
    }

    fn glance(&self, each: &mut dyn FnMut(Glance)) {
        let seen = self.notes().glances.clone();
        seen.into_iter().for_each(each);
    }

    fn outcomes(&self, _: ProjectId) -> BoxStream<'static, Told> {
        let told = self.notes().told.clone();
        Box::pin(stream::iter(told).chain(stream::pending()))
    }
}

#[async_trait]
impl Replays for NotingLanes {
    async fn carry_replay(
        &self,
        replay: &ReplayRecord,
        _: Arc<Sync>,
        _: Arc<Definition>,
    ) -> Result<(), LaneError> {
        self.working()?.replays.insert(replay.id, replay.clone());
        Ok(())
    }

    async fn replay_progress(&self, _: &ReplayRecord) -> Result<Option<Progress>, LaneError> {
        Ok(self.working()?.progress.clone())
    }

    async fn forget_replay(&self, replay: &ReplayRecord) -> Result<(), LaneError> {
        self.working()?.forgotten.push(replay.id);
        Ok(())
    }

    /// All that ended and whose event there is.
    async fn count_failures(
        &self,
        project: ProjectId,
        sync: SyncId,
        failures: &Failures,
        _: u64,
        examples: usize,
    ) -> Result<CountedFailures, LaneError> {
        let mut notes = self.working()?;
        notes.counted = Some(failures.clone());
        let ended = notes.ended.iter().rev();
        let found = ended.filter_map(|row| {
            let mut events = notes.events.iter();
            let event =
                events.find(|event| event.project == project && event.offset == row.ended.offset);
            let of = LaneOf {
                lane: sync,
                log: project,
            };
            let row = EndedRow { of, ..row.clone() };
            Some((row, Arc::clone(event?)))
        });
        let found: Vec<_> = found.collect();
        let looked_at = notes.ended.len() as u64;
        Ok(CountedFailures {
            total: 2 * looked_at,
            looked_at,
            matching: found.len() as u64,
            examples: found.into_iter().take(examples).collect(),
        })
    }

    /// All events, each as itself, of which it looked at half.
    async fn count_events(
        &self,
        sync: Arc<Sync>,
        _: Arc<Definition>,
        _: &PastEvents,
        _: u64,
        examples: usize,
    ) -> Result<CountedEvents, LaneError> {
        let notes = self.working()?;
        let events = notes.events.iter();
        let events = events.filter(|event| event.project == sync.project);
        let events: Vec<_> = events
            .map(|event| (Arc::clone(event), Part::Event))
            .collect();
        let looked_at = events.len() as u64;
        Ok(CountedEvents {
            total: 2 * looked_at,
            looked_at,
            matching: looked_at,
            requests: looked_at,
            exact: false,
            examples: events.into_iter().take(examples).collect(),
        })
    }

    async fn give_up_replay(&self, _: &ReplayRecord) -> Result<(), LaneError> {
        Ok(())
    }

    async fn backfills(&self, sync: SyncId) -> Result<Vec<LaneOf>, LaneError> {
        let lanes = journal::Journal::bounded_lanes(self.journal(), sync).await;
        lanes.map_err(|error| LaneError::Unavailable(Box::new(error)))
    }

    async fn own_imports(&self, _: &[ReplayRecord]) -> Result<(), LaneError> {
        Ok(())
    }

    async fn append(
        &self,
        import: &ReplayRecord,
        events: Vec<IncomingEvent>,
        _: Timestamp,
    ) -> Result<Accepted, LaneError> {
        let mut notes = self.working()?;
        let appended = events.len();
        let log = Replayed::log_of_import(import.id);
        let events = events.into_iter().map(|event| (log, event));
        notes.appended.extend(events);
        Ok(Accepted {
            appended,
            duplicates: 0,
            head: Offset(notes.appended.len() as u64),
        })
    }
}
