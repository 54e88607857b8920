//! What nobody needs any more is removed in small steps between other commits.

use std::collections::HashMap;
use std::ops::Range;

use model::{Offset, ProjectId, Timestamp};
use rusqlite::{Connection, params};

use super::State;
use super::group::Group;
use super::lanes::Lane;
use super::lanes::replay::Gone;
use crate::hold::{Forgone, LetGo, LetGoWhy, Standing};
use crate::sqlite::accounts;
use crate::sqlite::failure::Fault;
use crate::sqlite::fate::TABLES_OF_LANES;
use crate::sqlite::holds;
use crate::sqlite::received;
use crate::sqlite::turns;
use crate::{Keep, Retired};

/// What one step does at most.
const CHUNKS_PER_STEP: i64 = 64;
const ROWS_PER_STEP: i64 = 1000;

/// What a step did, and whether there may be more to do.
#[derive(Debug, Clone, Default)]
pub(in crate::sqlite) struct Step {
    pub(in crate::sqlite) retired: Retired,
    pub(in crate::sqlite) more: bool,
}

pub(super) struct ChunkRow {
    sequence: i64,
    project: i64,
    first: Offset,
    end: Offset,
    received_to: Timestamp,
    position: u64,
    bytes: u64,
}

impl Group<'_> {
    /// One step of retention; `first` of several. A round over the chunks that was cut short goes
    /// on where it was.
    pub(in crate::sqlite) fn retire(
        &mut self,
        now: Timestamp,
        first: bool,
        keep: &HashMap<ProjectId, Keep>,
    ) -> Result<Step, Fault> {
        let State {
            shorter,
            projects,
            imports,
            ..
        } = &mut *self.state;
        if first {
            self.dedupe.expire(self.connection, now)?;
            shorter.begin(keep, (&*projects, &*imports), self.config);
        }
        let mut step = Step::default();
        self.remove_dropped_lanes(&mut step)?;
        self.remove_dropped_imports(now, &mut step)?;
        self.remove_ended(now, &mut step)?;
        let State { tally, .. } = &mut *self.state;
        step.more |= tally.sum_up(self.connection, now)?;
        step.more |= tally.retire(self.connection, self.config, now)?;
        let State { fates, .. } = &mut *self.state;
        step.more |= fates.retire(self.connection, self.config, now)?;
        step.more |= accounts::retire(self.connection, now - self.config.outcomes_max_age)?;
        step.more |= received::retire(self.connection, None, now, self.config.retention_age)?;
        self.remove_chunks(now, &mut step)?;
        self.remove_chunks_that_go_earlier(now, &mut step)?;
        if step.retired.events > 0 {
            self.disk.made_room();
        }
        self.state.measure_backlog(self.connection)?;
        Ok(step)
    }

    pub(super) fn remove_dropped_lanes(&mut self, step: &mut Step) -> Result<(), Fault> {
        if !self.state.lanes.dropped_left {
            return Ok(());
        }
        let others = [
            "retries",
            "ended",
            "replayed",
            "replays",
            "bounded_lanes",
            "accounts",
            "let_go",
        ];
        for table in others.into_iter().chain(TABLES_OF_LANES) {
            let sql = format!(
                "DELETE FROM {table} WHERE rowid IN (SELECT {table}.rowid FROM lanes
                 JOIN {table} ON {table}.lane = lanes.number WHERE dropped = 1 LIMIT ?1)"
            );
            if self.connection.execute(&sql, [ROWS_PER_STEP])? > 0 {
                step.more = true;
                return Ok(());
            }
        }
        let turns = "DELETE FROM turns WHERE (lane, user, offset, part) IN
            (SELECT lane, user, offset, part FROM turns
             WHERE lane IN (SELECT number FROM lanes WHERE dropped = 1) LIMIT ?1)";
        if self.connection.execute(turns, [ROWS_PER_STEP])? > 0 {
            step.more = true;
            return Ok(());
        }
        self.connection.execute(
            "DELETE FROM holds WHERE lane IN (SELECT number FROM lanes WHERE dropped = 1)",
            [],
        )?;
        self.connection.execute(
            "DELETE FROM losses WHERE lane IN (SELECT number FROM lanes WHERE dropped = 1)",
            [],
        )?;
        // The highest number stays, so that none is given twice.
        self.connection.execute(
            "DELETE FROM lanes WHERE dropped = 1 AND number < (SELECT max(number) FROM lanes)",
            [],
        )?;
        self.state.lanes.dropped_left = false;
        Ok(())
    }

    fn remove_ended(&mut self, now: Timestamp, step: &mut Step) -> Result<(), Fault> {
        let max = self.config.ended_max_per_lane;
        // Sequences ascend with time within a lane.
        let mut old = self.connection.prepare_cached(
            "DELETE FROM ended WHERE sequence IN
                (SELECT sequence FROM ended WHERE lane = ?1 ORDER BY sequence LIMIT ?2)
             AND (at < ?3 OR sequence IN
                (SELECT sequence FROM ended WHERE lane = ?1 ORDER BY sequence LIMIT ?4))",
        )?;
        let State { lanes, shorter, .. } = &mut *self.state;
        for lane in lanes.iter_mut().filter(|lane| lane.ended > 0) {
            let oldest = now - shorter.ages(lane.project, self.config).ended;
            let excess = i64::try_from(lane.ended.saturating_sub(max)).unwrap_or(i64::MAX);
            let excess = excess.min(ROWS_PER_STEP);
            let gone = old.execute(params![lane.number, ROWS_PER_STEP, oldest.0, excess])? as u64;
            if gone > 0 {
                lane.ended = lane.ended.saturating_sub(gone);
                lane.changed = true;
                step.retired.ended += gone;
                step.more = true;
            }
        }
        Ok(())
    }

    fn remove_chunks(&mut self, now: Timestamp, step: &mut Step) -> Result<(), Fault> {
        let oldest = now - self.config.retention_age;
        let mut excess = self
            .state
            .projects
            .kept_bytes()
            .saturating_sub(self.config.retention_bytes);
        let chunks = self.next_chunks()?;
        let full_step = chunks.len() as i64 == CHUNKS_PER_STEP;
        for chunk in chunks {
            if chunk.received_to >= oldest && excess == 0 {
                // Those behind it are younger: the round is over.
                self.state.retired_to = 0;
                return Ok(());
            }
            self.state.retired_to = chunk.sequence;
            if self.is_held(&chunk, now)? {
                continue;
            }
            self.remove_chunk(&chunk, now, step)?;
            excess = excess.saturating_sub(chunk.bytes);
        }
        match full_step {
            true => step.more = true,
            false => self.state.retired_to = 0,
        }
        Ok(())
    }

    /// The same for a project that keeps its events for a shorter time: its chunks lie between those of
    /// others, so they are looked up by their project, oldest first.
    fn remove_chunks_that_go_earlier(
        &mut self,
        now: Timestamp,
        step: &mut Step,
    ) -> Result<(), Fault> {
        let Some((project, from)) = self.state.shorter.place() else {
            return Ok(());
        };
        step.more = true;
        let age = self.state.shorter.ages(project, self.config).events;
        received::retire(self.connection, Some(project), now, age)?;
        let oldest = now - age;
        let chunks = self.chunks_of(project, from)?;
        let full_step = chunks.len() as i64 == CHUNKS_PER_STEP;
        for chunk in chunks {
            if chunk.received_to >= oldest {
                self.state.shorter.next_project();
                return Ok(());
            }
            self.state.shorter.looked_at(chunk.end);
            if !self.is_held(&chunk, now)? {
                self.remove_chunk(&chunk, now, step)?;
            }
        }
        if !full_step {
            self.state.shorter.next_project();
        }
        Ok(())
    }

    pub(super) fn remove_chunk(
        &mut self,
        chunk: &ChunkRow,
        now: Timestamp,
        step: &mut Step,
    ) -> Result<(), Fault> {
        self.skip_held(chunk, now, step)?;
        self.connection
            .prepare_cached("DELETE FROM chunks WHERE sequence = ?1")?
            .execute([chunk.sequence])?;
        let erased = &self.state.erased;
        erased.retire(self.connection, chunk.project, chunk.first, chunk.end)?;
        if let Some((id, project)) = self.state.projects.by_number(chunk.project) {
            project.remove(chunk.bytes);
            self.effects.removed.push((id, chunk.first));
        }
        step.retired.events += chunk.end.0 - chunk.first.0;
        Ok(())
    }

    /// A project's oldest chunks from an offset on.
    pub(super) fn chunks_of(&self, project: i64, from: Offset) -> Result<Vec<ChunkRow>, Fault> {
        let mut query = self.connection.prepare_cached(
            "SELECT sequence, project, first, count, received_to, position, bytes
             FROM chunks WHERE project = ?1 AND first >= ?2 ORDER BY first LIMIT ?3",
        )?;
        let rows = query.query_map(params![project, from.0 as i64, CHUNKS_PER_STEP], chunk_row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The oldest chunks that this round hasn't looked at.
    fn next_chunks(&self) -> Result<Vec<ChunkRow>, Fault> {
        let mut query = self.connection.prepare_cached(
            "SELECT sequence, project, first, count, received_to, position, bytes
             FROM chunks WHERE sequence > ?1 ORDER BY sequence LIMIT ?2",
        )?;
        let rows = query.query_map([self.state.retired_to, CHUNKS_PER_STEP], chunk_row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Whether a lane still needs the chunk (a paused one not for longer, or further back, than it may):
    /// to deliver it first, to try it again, or to show it.
    fn is_held(&mut self, chunk: &ChunkRow, now: Timestamp) -> Result<bool, Fault> {
        let appended = self.state.projects.by_number(chunk.project);
        let appended = appended.map_or(0, |(_, project)| project.appended_bytes);
        let max_age = self.state.shorter.ages(chunk.project, self.config).paused;
        let behind = appended.saturating_sub(chunk.position + chunk.bytes);
        let beyond_pause =
            now.since(chunk.received_to) > max_age || behind >= self.config.paused_max_bytes;
        for lane in self
            .state
            .lanes
            .iter()
            .filter(|lane| lane.project == chunk.project)
        {
            let bounded = beyond_pause && lane.standing != Standing::Running;
            if !bounded && lane.needs(chunk.first, chunk.end) {
                return Ok(true);
            }
            let bounded = beyond_pause && lane.standing == Standing::Paused;
            if !bounded && lane.pending > 0 && refers(self.connection, "retries", lane, chunk)? {
                return Ok(true);
            }
            if !bounded && lane.turns > 0 && refers(self.connection, "turns", lane, chunk)? {
                return Ok(true);
            }
            if lane.ended > 0 && refers(self.connection, "ended", lane, chunk)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Takes lanes that stand still past a chunk that is about to go, and counts what they lose.
    fn skip_held(
        &mut self,
        chunk: &ChunkRow,
        now: Timestamp,
        step: &mut Step,
    ) -> Result<(), Fault> {
        let still =
            |lane: &&mut Lane| lane.project == chunk.project && lane.standing != Standing::Running;
        let mut told = Vec::new();
        for lane in self.state.lanes.iter_mut().filter(still) {
            let before = lane.owing();
            let lost = lose_chunk(self.connection, lane, chunk, now)?;
            step.retired.skipped_by_paused += lost.forgone.events + lost.forgone.retries;
            if !lost.forgone.is_empty() {
                told.push((before, lane.owing(), lost));
            }
        }
        let State { lanes, tally, .. } = &mut *self.state;
        for (before, after, Lost { forgone, unread }) in told {
            lanes.owes(before, after);
            lanes.count(self.connection, tally, now, after, |figures| {
                figures.details.received += unread;
                figures.balance.lost += forgone.events + forgone.retries;
            })?;
            if forgone.retries > 0 {
                let events = chunk.first..chunk.end;
                lanes.forget_replayed(self.connection, after.lane, events, Gone::Unsent)?;
            }
        }
        Ok(())
    }
}

/// What a lane loses with a chunk.
struct Lost {
    forgone: Forgone,
    /// How many of the events it had not looked at.
    unread: u64,
}

/// Takes a lane that stands still past a chunk, and notes what it loses.
fn lose_chunk(
    connection: &Connection,
    lane: &mut Lane,
    chunk: &ChunkRow,
    now: Timestamp,
) -> Result<Lost, Fault> {
    let (mut forgone, mut unread, number) = (Forgone::default(), 0, lane.number);
    let lose = |events: Range<Offset>, owed| {
        let part = LetGo {
            why: LetGoWhy::Lost,
            events,
            owed,
            at: now,
            by: None,
        };
        accounts::let_go(connection, number, &part)
    };
    if lane.turns > 0 && lane.standing == Standing::Paused {
        let (gone, waiting) = turns::clear(connection, lane.number, chunk.first, chunk.end)?;
        lane.turns = lane.turns.saturating_sub(gone);
        lane.waiting = lane.waiting.saturating_sub(waiting);
        // Those with a retry are counted with the retries.
        forgone.events += waiting;
    }
    if lane.pending > 0 && lane.standing == Standing::Paused {
        let lost = connection
            .prepare_cached("DELETE FROM retries WHERE lane = ?1 AND offset >= ?2 AND offset < ?3")?
            .execute(params![
                lane.number,
                chunk.first.0 as i64,
                chunk.end.0 as i64
            ])? as u64;
        lane.pending = lane.pending.saturating_sub(lost);
        lane.changed |= lost > 0;
        forgone.retries = lost;
    }
    if !forgone.is_empty() {
        lose(chunk.first..chunk.end, true)?;
    }
    if lane.needs(chunk.first, chunk.end) {
        let skipped = lane.skip_to(connection, chunk.end, now)?;
        unread = skipped.events;
        forgone.events += unread;
        if unread > 0 {
            lose(skipped.lost, false)?;
        }
    }
    holds::add_lost(connection, (lane.number, lane.head()), forgone, now)?;
    Ok(Lost { forgone, unread })
}

fn chunk_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<ChunkRow> {
    let first = row.get::<_, i64>(2)? as u64;
    Ok(ChunkRow {
        sequence: row.get(0)?,
        project: row.get(1)?,
        first: Offset(first),
        end: Offset(first + row.get::<_, i64>(3)? as u64),
        received_to: Timestamp(row.get(4)?),
        position: row.get::<_, i64>(5)? as u64,
        bytes: row.get::<_, i64>(6)? as u64,
    })
}

fn refers(
    connection: &Connection,
    table: &'static str,
    lane: &Lane,
    chunk: &ChunkRow,
) -> Result<bool, Fault> {
    let sql = format!("SELECT 1 FROM {table} WHERE lane = ?1 AND offset >= ?2 AND offset < ?3");
    let range = params![lane.number, chunk.first.0 as i64, chunk.end.0 as i64];
    Ok(connection.prepare_cached(&sql)?.exists(range)?)
}
