//! A group commit under way: what its batches and requests make of tables and memory.

use std::collections::HashMap;

use model::{Offset, ProjectId, Timestamp};
use rusqlite::{Connection, params};

use super::State;
use super::disk::Disk;
use super::streamed;
use super::work::Accept;
use crate::fate::Refused;
use crate::hold::{Drain, Forgone, LetGo, LetGoWhy, Said, Standing};
use crate::sqlite::Config;
use crate::sqlite::accounts;
use crate::sqlite::chunk::{Builder, Chunk};
use crate::sqlite::dedupe::{Dedupe, Key};
use crate::sqlite::failure::Fault;
use crate::sqlite::fate::note_refused;
use crate::sqlite::figures::Whose;
use crate::sqlite::holds;
use crate::sqlite::losses;
use crate::sqlite::turns;
use crate::{
    AcceptError, Accepted, DroppedLane, LanePosition, ReplayState, ReplayStep, Retry, Settlement,
    StorageError,
};

/// One transaction, with all that it works on.
pub(in crate::sqlite) struct Group<'a> {
    pub(super) connection: &'a Connection,
    pub(super) config: &'a Config,
    pub(super) state: &'a mut State,
    pub(super) dedupe: &'a mut Dedupe,
    pub(super) disk: &'a mut Disk,
    /// The chunk that each project's events go to.
    open: HashMap<ProjectId, Builder>,
    pub(super) effects: Effects,
}

/// What the rest of the journal is told once the transaction is durable.
#[derive(Debug, Default)]
pub(super) struct Effects {
    pub(super) chunks: Vec<Chunk>,
    pub(super) removed: Vec<(ProjectId, Offset)>,
    pub(super) heads: HashMap<ProjectId, (i64, Offset)>,
    pub(super) events: u64,
    pub(super) refusal: Option<AcceptError>,
    pub(super) accepted: bool,
}

impl<'a> Group<'a> {
    pub(super) fn new(
        connection: &'a Connection,
        config: &'a Config,
        state: &'a mut State,
        dedupe: &'a mut Dedupe,
        disk: &'a mut Disk,
    ) -> Self {
        Self {
            connection,
            config,
            state,
            dedupe,
            disk,
            open: HashMap::new(),
            effects: Effects::default(),
        }
    }

    /// The transaction's connection.
    pub(in crate::sqlite) fn connection(&self) -> &Connection {
        self.connection
    }

    /// Appends a batch, or refuses it.
    pub(super) fn accept(&mut self, accept: &mut Accept) -> Result<(), Fault> {
        if let Some(refusal) = self.refusal(accept.bytes)? {
            self.effects.refusal = Some(refusal.clone());
            accept.outcome = Some(Err(refusal));
            return Ok(());
        }
        accept.outcome = Some(Ok(self.append(accept)?));
        self.effects.accepted = true;
        Ok(())
    }

    /// Why a batch of this size can't be taken at present.
    fn refusal(&mut self, bytes: usize) -> Result<Option<AcceptError>, Fault> {
        if self.disk.is_full() {
            return Ok(Some(AcceptError::DiskFull));
        }
        if self.dedupe.is_overfull() {
            return Ok(Some(AcceptError::Busy));
        }
        let limit_bytes = self.config.backlog_max_bytes;
        let fits = self
            .state
            .backlog_admits(self.connection, bytes as u64, limit_bytes)?;
        Ok((!fits).then_some(AcceptError::BacklogFull { limit_bytes }))
    }

    fn append(&mut self, accept: &Accept) -> Result<Accepted, Fault> {
        let batch = &accept.batch;
        let (id, received_at) = (batch.project, batch.received_at);
        let project = self.state.projects.get_or_create(self.connection, id)?;
        let (number, mut next) = (project.number, project.next);
        let mut duplicates = 0;
        for event in &batch.events {
            if let Some(insert_id) = event.insert_id.as_deref() {
                let device = event.device_id.as_deref();
                let key = Key::new(self.state.seed, number, device, insert_id);
                if self.dedupe.contains(key, received_at)? {
                    duplicates += 1;
                    continue;
                }
                self.dedupe.insert(key, received_at);
            }
            let State { users, groups, .. } = &mut *self.state;
            groups.apply(self.connection, number, event, self.config)?;
            let user = users.apply(self.connection, number, event, self.config)?;
            let (user, changed) =
                user.map_or((None, &[][..]), |(user, changed)| (Some(user), changed));
            let chunk_bytes = self.config.chunk_bytes;
            // The streamed form is longer than what was sent by what is known of the user.
            let expected = (2 * accept.bytes).min(chunk_bytes) + 4096;
            let chunk = self.open.entry(id);
            let chunk = chunk.or_insert_with(|| Builder::new(next, expected));
            chunk.push(event.kind, received_at, changed, |text| {
                streamed::write(text, self.connection, number, event, user, groups)
            })?;
            next = chunk.end();
            if chunk.len() >= chunk_bytes {
                self.close_chunk(id)?;
            }
        }
        let appended = batch.events.len() - duplicates;
        let project = self.state.projects.get_or_create(self.connection, id)?;
        project.advance_to(next);
        let State { tally, lanes, .. } = &mut *self.state;
        let whose = Whose::project(number);
        tally.add(self.connection, received_at, whose, |figures| {
            figures.details.received += appended as u64;
            figures.duplicates += duplicates as u64;
            let owed = lanes.owed_of(number);
            (figures.pending, figures.waiting) = (owed.pending, owed.waiting);
        })?;
        self.effects.heads.insert(id, (number, next));
        self.effects.events += appended as u64;
        Ok(Accepted {
            appended,
            duplicates,
            head: next,
        })
    }

    fn close_chunk(&mut self, id: ProjectId) -> Result<(), Fault> {
        let Some(builder) = self.open.remove(&id) else {
            return Ok(());
        };
        let received = builder.received;
        let chunk = builder.finish(id);
        let bytes = chunk.body.len() as u64;
        let project = self.state.projects.get_or_create(self.connection, id)?;
        let position = project.append(bytes);
        self.connection
            .prepare_cached("INSERT INTO chunks VALUES (NULL, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?
            .execute(params![
                project.number,
                chunk.first.0 as i64,
                chunk.count as i64,
                received.0.0,
                received.1.0,
                position as i64,
                bytes as i64,
                &chunk.body[..],
            ])?;
        self.state.backlog.appended(bytes);
        self.disk.written(bytes);
        self.effects.chunks.push(chunk);
        Ok(())
    }

    /// See [`Journal::open_lane`](crate::Journal::open_lane).
    pub(in crate::sqlite) fn open_lane(
        &mut self,
        project: ProjectId,
        sync: model::SyncId,
    ) -> Result<LanePosition, Fault> {
        let State {
            lanes,
            tally,
            projects,
            fates,
            ..
        } = &mut *self.state;
        lanes.open(self.connection, tally, projects, fates, project, sync)
    }

    /// See [`Journal::settle`](crate::Journal::settle).
    pub(in crate::sqlite) fn settle(
        &mut self,
        sync: model::SyncId,
        settlement: &Settlement,
    ) -> Result<Result<u64, StorageError>, Fault> {
        self.state.backlog.lanes_changed();
        let State {
            lanes,
            tally,
            fates,
            erased,
            ..
        } = &mut *self.state;
        lanes.settle(self.connection, tally, fates, erased, sync, settlement)
    }

    /// See [`Journal::open_bounded_lane`](crate::Journal::open_bounded_lane).
    pub(in crate::sqlite) fn open_bounded_lane(
        &mut self,
        project: ProjectId,
        lane: (model::SyncId, model::SyncId),
        range: std::ops::Range<Offset>,
    ) -> Result<Result<LanePosition, StorageError>, Fault> {
        let State {
            lanes,
            tally,
            projects,
            fates,
            ..
        } = &mut *self.state;
        lanes.open_bounded(
            self.connection,
            tally,
            projects,
            fates,
            lane,
            (project, range),
        )
    }

    /// See [`Journal::open_replay`](crate::Journal::open_replay).
    pub(in crate::sqlite) fn open_replay(
        &mut self,
        sync: model::SyncId,
        replay: model::ReplayId,
    ) -> Result<Result<ReplayState, StorageError>, Fault> {
        self.state.lanes.open_replay(self.connection, sync, replay)
    }

    /// See [`Journal::replay`](crate::Journal::replay).
    pub(in crate::sqlite) fn replay(
        &mut self,
        sync: model::SyncId,
        step: &ReplayStep,
    ) -> Result<Result<Vec<Retry>, StorageError>, Fault> {
        let State { lanes, tally, .. } = &mut *self.state;
        lanes.replay(self.connection, tally, sync, step)
    }

    /// See [`Journal::set_standing`](crate::Journal::set_standing).
    pub(in crate::sqlite) fn set_standing(
        &mut self,
        sync: model::SyncId,
        standing: Standing,
    ) -> Result<(), StorageError> {
        self.state.backlog.lanes_changed();
        self.state.lanes.set_standing(sync, standing)
    }

    /// See [`Journal::set_drain`](crate::Journal::set_drain).
    pub(in crate::sqlite) fn set_drain(
        &mut self,
        sync: model::SyncId,
        drain: Option<Drain>,
        said: Option<&Said>,
    ) -> Result<Result<(), StorageError>, Fault> {
        let Some((lane, cursor)) = self.state.lanes.place(sync) else {
            return Ok(Err(StorageError::UnknownLane(sync)));
        };
        if let (Some(drain), Some(said)) = (drain.filter(|drain| drain.newest_only), said) {
            // What waits for its user's turn is chosen from, too.
            let first = turns::first_waiting(self.connection, lane)?;
            let part = LetGo {
                why: LetGoWhy::Superseded,
                events: first.map_or(cursor, |first| first.min(cursor))..drain.until,
                owed: false,
                at: said.at,
                by: Some(said.by.clone()),
            };
            accounts::let_go(self.connection, lane, &part)?;
        }
        holds::set_drain(self.connection, lane, drain).map(Ok)
    }

    /// See [`Journal::tell_losses`](crate::Journal::tell_losses).
    pub(in crate::sqlite) fn tell_losses(
        &mut self,
        told: &[(model::SyncId, u64)],
    ) -> Result<(), Fault> {
        for (sync, told) in told {
            if let Some((lane, _)) = self.state.lanes.place(*sync) {
                losses::tell(self.connection, lane, *told)?;
            }
        }
        Ok(())
    }

    /// A step of [`Journal::drop_backlog`](crate::Journal::drop_backlog); says whether there may be
    /// more to drop.
    pub(in crate::sqlite) fn drop_backlog(
        &mut self,
        sync: model::SyncId,
        said: &Said,
    ) -> Result<Result<(Forgone, bool), StorageError>, Fault> {
        self.state.backlog.lanes_changed();
        let State {
            lanes,
            tally,
            projects,
            ..
        } = &mut *self.state;
        lanes.drop_backlog(self.connection, tally, projects, sync, said)
    }

    /// See [`Journal::drop_lane`](crate::Journal::drop_lane).
    pub(in crate::sqlite) fn drop_lane(
        &mut self,
        sync: model::SyncId,
        at: Timestamp,
    ) -> Result<Result<DroppedLane, StorageError>, Fault> {
        self.state.backlog.lanes_changed();
        let State {
            lanes,
            tally,
            projects,
            fates,
            imports,
            ..
        } = &mut *self.state;
        // Also where the sync was never switched on.
        imports.drop_of(self.connection, sync)?;
        lanes.drop(self.connection, tally, projects, fates, (sync, at))
    }

    /// See [`Fates::note_refused`](crate::Fates::note_refused).
    pub(in crate::sqlite) fn note_refused(
        &mut self,
        project: ProjectId,
        refused: &Refused,
    ) -> Result<(), Fault> {
        let State { projects, .. } = &mut *self.state;
        let project = projects.get_or_create(self.connection, project)?;
        note_refused(self.connection, project.number, refused)
    }

    /// Writes all that has only changed in memory so far.
    pub(super) fn finish(mut self) -> Result<Effects, Fault> {
        let open: Vec<_> = self.open.keys().copied().collect();
        for project in open {
            self.close_chunk(project)?;
        }
        self.state.users.write(self.connection)?;
        self.state.groups.write(self.connection)?;
        self.state.lanes.write(self.connection)?;
        self.state.tally.write(self.connection)?;
        self.state.fates.write(self.connection)?;
        self.state.projects.write(self.connection)?;
        self.dedupe.write(self.connection)?;
        Ok(self.effects)
    }
}
