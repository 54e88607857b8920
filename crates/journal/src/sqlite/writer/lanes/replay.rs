//! Ended deliveries that are sent again, and lanes that end.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;

use model::outcome::{Category, Failure};
use model::{Offset, Part, ProjectId, ReplayId, SyncId};
use rusqlite::{Connection, OptionalExtension, params};

use super::{FatesOfLanes, Lanes, Projects, Tally, book};
use crate::sqlite::failure::Fault;
use crate::sqlite::reader::{ended_row, replay_state};
use crate::{
    Ended, EndedWhy, LanePosition, ReplayState, ReplayStep, Retry, Settlement, StorageError,
};

/// Where replayed deliveries went that were not settled.
#[derive(Debug, Clone, Copy)]
pub(in crate::sqlite::writer) enum Gone {
    /// They were given up: lost to the bounds, or dropped.
    Unsent,
    /// Their events were erased.
    Erased,
}

/// How many replays of a lane are remembered.
const KEPT: i64 = 1000;

/// The highest sequence that `ended` had, as far as replays care: theirs are known though the rows went.
pub(super) fn last_ended(connection: &Connection) -> Result<i64, Fault> {
    let last = "SELECT max(COALESCE((SELECT max(sequence) FROM ended), 0),
        COALESCE((SELECT max(until) FROM replays), 0))";
    Ok(connection.query_row(last, [], |row| row.get(0))?)
}

/// Replayed deliveries that are not over, by the lane's number.
pub(super) fn count(connection: &Connection) -> Result<HashMap<i64, u64>, Fault> {
    let mut query = connection.prepare("SELECT lane, count(*) FROM replayed GROUP BY lane")?;
    let rows = query.query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)? as u64)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Counts what became of replayed deliveries that a settlement says are over; how many were.
pub(super) fn over(
    connection: &Connection,
    lane: i64,
    settlement: &Settlement,
) -> Result<u64, Fault> {
    let ended = settlement.ended.iter().map(|one| (one.offset, one.part));
    let ended: HashSet<(Offset, Part)> = ended.collect();
    let unsent: HashSet<_> = settlement.unsent.iter().copied().collect();
    let erased: HashSet<_> = settlement.erased.iter().copied().collect();
    let mut forget = connection.prepare_cached(
        "DELETE FROM replayed WHERE lane = ?1 AND offset = ?2 AND part = ?3 RETURNING replay",
    )?;
    let mut counts = BTreeMap::<i64, [i64; 4]>::new();
    let mut total = 0;
    for delivery @ (offset, part) in &settlement.finish {
        let place = params![lane, offset.0 as i64, *part as u8];
        let replay = forget.query_row(place, |row| row.get(0)).optional()?;
        let Some(replay) = replay else { continue };
        let [delivered, failed, given_up, of_erased] = counts.entry(replay).or_default();
        if erased.contains(delivery) {
            *of_erased += 1;
            total += 1;
            continue;
        }
        match (ended.contains(delivery), unsent.contains(delivery)) {
            (true, _) => *failed += 1,
            (_, true) => *given_up += 1,
            _ => *delivered += 1,
        }
        total += 1;
    }
    for (replay, counts) in counts {
        add(connection, replay, counts)?;
    }
    Ok(total)
}

/// Adds to what was delivered, what failed, what was given up and what was erased of a replay.
fn add(connection: &Connection, replay: i64, counts: [i64; 4]) -> Result<(), Fault> {
    let [delivered, failed, unsent, erased] = counts;
    connection
        .prepare_cached(
            "UPDATE replays SET delivered = delivered + ?2, failed = failed + ?3,
                unsent = unsent + ?4, erased = erased + ?5
             WHERE number = ?1",
        )?
        .execute([replay, delivered, failed, unsent, erased])?;
    Ok(())
}

impl Lanes {
    /// See [`Journal::open_bounded_lane`](crate::Journal::open_bounded_lane).
    pub(in crate::sqlite::writer) fn open_bounded(
        &mut self,
        connection: &Connection,
        tally: &mut Tally,
        projects: &mut Projects,
        fates: &mut FatesOfLanes,
        (sync, whose): (SyncId, SyncId),
        (project, range): (ProjectId, Range<Offset>),
    ) -> Result<Result<LanePosition, StorageError>, Fault> {
        if self.by_sync.contains_key(&sync) {
            let opened = self.open(connection, tally, projects, fates, project, sync)?;
            return Ok(Ok(opened));
        }
        if !self.by_sync.contains_key(&whose) {
            return Ok(Err(StorageError::UnknownLane(whose)));
        }
        let number = projects.get_or_create(connection, project)?.number;
        let bound = Some((whose, range.end));
        self.make(connection, fates, (number, sync), range.start, bound)
            .map(Ok)
    }

    /// See [`Journal::open_replay`](crate::Journal::open_replay).
    pub(in crate::sqlite::writer) fn open_replay(
        &mut self,
        connection: &Connection,
        sync: SyncId,
        replay: ReplayId,
    ) -> Result<Result<ReplayState, StorageError>, Fault> {
        if let Some(known) = replay_state(connection, replay)? {
            return Ok(Ok(known));
        }
        let Some(lane) = self.by_sync.get(&sync) else {
            return Ok(Err(StorageError::UnknownLane(sync)));
        };
        let until = connection
            .prepare_cached("SELECT COALESCE(max(sequence), 0) FROM ended WHERE lane = ?1")?
            .query_row([lane.number], |row| row.get::<_, i64>(0))?;
        let state = ReplayState {
            until: until as u64,
            total: lane.ended,
            ..ReplayState::default()
        };
        connection
            .prepare_cached(
                "INSERT INTO replays VALUES (NULL, ?1, ?2, 0, ?3, ?4, 0, 0, 0, 0, 0, 0)",
            )?
            .execute(params![
                replay.to_bytes(),
                lane.number,
                until,
                lane.ended as i64
            ])?;
        // The oldest ones of which nothing is under way are forgotten.
        connection
            .prepare_cached(
                "DELETE FROM replays WHERE lane = ?1 AND moved = delivered + failed + unsent + erased
                 AND number <= (SELECT number FROM replays WHERE lane = ?1
                    ORDER BY number DESC LIMIT 1 OFFSET ?2)",
            )?
            .execute([lane.number, KEPT])?;
        Ok(Ok(state))
    }

    /// See [`Journal::replay`](crate::Journal::replay).
    pub(in crate::sqlite::writer) fn replay(
        &mut self,
        connection: &Connection,
        tally: &mut Tally,
        sync: SyncId,
        step: &ReplayStep,
    ) -> Result<Result<Vec<Retry>, StorageError>, Fault> {
        let Some(lane) = self.by_sync.get_mut(&sync) else {
            return Ok(Err(StorageError::UnknownLane(sync)));
        };
        let replay: Option<i64> = connection
            .prepare_cached("SELECT number FROM replays WHERE id = ?1 AND lane = ?2")?
            .query_row(params![step.replay.to_bytes(), lane.number], |row| {
                row.get(0)
            })
            .optional()?;
        let Some(replay) = replay else {
            let unknown = format!("{} is no replay of {sync}", step.replay);
            return Ok(Err(StorageError::Storage(unknown)));
        };
        let before = lane.owing();
        let mut take = connection.prepare_cached(
            "DELETE FROM ended WHERE sequence = ?1 AND lane = ?2
             RETURNING sequence, offset, part, at, attempts, why",
        )?;
        let mut note =
            connection.prepare_cached("INSERT OR REPLACE INTO replayed VALUES (?1, ?2, ?3, ?4)")?;
        let mut booked = Vec::with_capacity(step.moved.len());
        for &(sequence, due_at) in &step.moved {
            let place = params![sequence as i64, lane.number];
            let mut taken = take.query(place)?;
            // Retention may have been faster.
            let Some(row) = taken.next()? else { continue };
            let (_, ended) = ended_row(row, sync)?;
            // The row is gone when the statement has run to its end.
            while taken.next()?.is_some() {}
            let (offset, part) = (ended.offset, ended.part);
            let retry = Retry {
                offset,
                part,
                attempts: 0,
                due_at,
                failure: last_failure(ended),
                given: None,
            };
            lane.pending += book(connection, lane.number, &retry)?;
            lane.ended = lane.ended.saturating_sub(1);
            note.execute(params![lane.number, offset.0 as i64, part as u8, replay])?;
            booked.push(retry);
        }
        connection
            .prepare_cached(
                "UPDATE replays SET next = max(next, ?2), looked_at = looked_at + ?3,
                    moved = moved + ?4
                 WHERE number = ?1",
            )?
            .execute(params![
                replay,
                step.looked_to as i64,
                step.looked_at as i64,
                booked.len() as i64
            ])?;
        if booked.is_empty() {
            return Ok(Ok(booked));
        }
        lane.changed = true;
        let after = lane.owing();
        *self.replaying.entry(after.lane).or_default() += booked.len() as u64;
        self.owes(before, after);
        self.count(connection, tally, step.at, after, |figures| {
            figures.balance.again += booked.len() as u64;
        })?;
        Ok(Ok(booked))
    }

    /// A lane's retries of these events are gone, and that is where.
    pub(in crate::sqlite::writer) fn forget_replayed(
        &mut self,
        connection: &Connection,
        lane: i64,
        events: Range<Offset>,
        gone_to: Gone,
    ) -> Result<(), Fault> {
        let Some(outstanding) = self.replaying.get_mut(&lane) else {
            return Ok(());
        };
        let mut gone = connection.prepare_cached(
            "DELETE FROM replayed WHERE lane = ?1 AND offset >= ?2 AND offset < ?3
             RETURNING replay",
        )?;
        let range = params![lane, events.start.0 as i64, events.end.0 as i64];
        let replays = gone.query_map(range, |row| row.get::<_, i64>(0))?;
        for replay in replays.collect::<Result<Vec<_>, _>>()? {
            let counts = match gone_to {
                Gone::Unsent => [0, 0, 1, 0],
                Gone::Erased => [0, 0, 0, 1],
            };
            add(connection, replay, counts)?;
            *outstanding = outstanding.saturating_sub(1);
        }
        Ok(())
    }
}

/// What is known of why a delivery ended, as a pending retry has it.
fn last_failure(ended: Ended) -> Failure {
    match ended.why {
        EndedWhy::Expired(failure) => failure,
        EndedWhy::Discarded(why) => Failure {
            category: Category::Discarded,
            status: None,
            message: why.to_string(),
            response: String::new(),
        },
    }
}
