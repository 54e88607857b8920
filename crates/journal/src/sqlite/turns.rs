//! Deliveries that wait for an earlier one of their user: the rows of `turns`.

use std::collections::HashMap;

use model::{Offset, Part, Timestamp};
use rusqlite::{Connection, Row, params};

use super::failure::Fault;
use crate::turn::{Booked, Turn, TurnHead};

/// Each user's first delivery; a range of users, and how many users.
const HEADS: &str = "
    SELECT user, offset, part, due_at, attempts, count, booked_count
    FROM (SELECT user, turns.offset, turns.part, due_at, attempts,
            count(*) OVER (PARTITION BY user) AS count,
            count(due_at) OVER (PARTITION BY user) AS booked_count,
            row_number() OVER (PARTITION BY user ORDER BY turns.offset, turns.part) AS place
        FROM turns LEFT JOIN retries ON retries.lane = turns.lane
            AND retries.offset = turns.offset AND retries.part = turns.part
        WHERE turns.lane = ?1 AND user BETWEEN ?2 AND ?3)
    WHERE place = 1 ORDER BY user LIMIT ?4";

/// One user's first delivery. The others are not counted: there may be very many.
const HEAD: &str = "
    SELECT user, turns.offset, turns.part, due_at, attempts
    FROM turns LEFT JOIN retries ON retries.lane = turns.lane
        AND retries.offset = turns.offset AND retries.part = turns.part
    WHERE turns.lane = ?1 AND user = ?2 ORDER BY turns.offset, turns.part LIMIT 1";

/// Notes that a delivery has its place in its user's order; says how many more there are now.
pub(super) fn add(connection: &Connection, lane: i64, turn: &Turn) -> Result<u64, Fault> {
    let added = connection
        .prepare_cached("INSERT OR IGNORE INTO turns VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![
            lane,
            turn.user as i64,
            turn.offset.0 as i64,
            turn.part as u8
        ])?;
    Ok(added as u64)
}

/// A delivery is over; says how many fewer there are now.
pub(super) fn remove(connection: &Connection, lane: i64, turn: &Turn) -> Result<u64, Fault> {
    let gone = connection
        .prepare_cached(
            "DELETE FROM turns WHERE lane = ?1 AND user = ?2 AND offset = ?3 AND part = ?4",
        )?
        .execute(params![
            lane,
            turn.user as i64,
            turn.offset.0 as i64,
            turn.part as u8
        ])?;
    Ok(gone as u64)
}

/// Whether a delivery has a place.
pub(super) fn has(connection: &Connection, lane: i64, turn: &Turn) -> Result<bool, Fault> {
    Ok(connection
        .prepare_cached(
            "SELECT 1 FROM turns WHERE lane = ?1 AND user = ?2 AND offset = ?3 AND part = ?4",
        )?
        .exists(params![
            lane,
            turn.user as i64,
            turn.offset.0 as i64,
            turn.part as u8
        ])?)
}

/// Which deliveries of an event have a place and no retry.
pub(super) fn waiting(
    connection: &Connection,
    lane: i64,
    offset: Offset,
) -> Result<Vec<Part>, Fault> {
    let mut query = connection.prepare_cached(
        "SELECT part FROM turns WHERE lane = ?1 AND offset = ?2
         AND NOT EXISTS (SELECT 1 FROM retries WHERE retries.lane = turns.lane
            AND retries.offset = turns.offset AND retries.part = turns.part)
         ORDER BY part",
    )?;
    let parts = query.query_map(params![lane, offset.0 as i64], |row| row.get(0))?;
    let part = |code| Part::from_code(code).ok_or_else(|| Fault::damaged("a turn can't be read"));
    parts.map(|code| part(code?)).collect()
}

/// Up to `max` of a lane's that have no retry, before `before` in the order of users and places, and the last
/// of these first.
pub(super) fn waiting_before(
    connection: &Connection,
    lane: i64,
    before: Option<Turn>,
    max: usize,
) -> Result<Vec<Turn>, Fault> {
    let before = before.map_or((i64::MAX, i64::MAX, i64::MAX), |turn| {
        (turn.user as i64, turn.offset.0 as i64, turn.part as i64)
    });
    let mut query = connection.prepare_cached(
        "SELECT user, offset, part FROM turns
         WHERE lane = ?1 AND (user, offset, part) < (?2, ?3, ?4)
         AND NOT EXISTS (SELECT 1 FROM retries WHERE retries.lane = turns.lane
            AND retries.offset = turns.offset AND retries.part = turns.part)
         ORDER BY user DESC, offset DESC, part DESC LIMIT ?5",
    )?;
    let mut rows = query.query(params![lane, before.0, before.1, before.2, max as i64])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(turn(row)?);
    }
    Ok(found)
}

/// Where the first event lies of which a lane has a delivery that waits without a retry.
pub(super) fn first_waiting(connection: &Connection, lane: i64) -> Result<Option<Offset>, Fault> {
    let first = connection
        .prepare_cached(
            "SELECT min(offset) FROM turns WHERE lane = ?1
             AND NOT EXISTS (SELECT 1 FROM retries WHERE retries.lane = turns.lane
                AND retries.offset = turns.offset AND retries.part = turns.part)",
        )?
        .query_row([lane], |row| row.get::<_, Option<i64>>(0))?;
    Ok(first.map(|first| Offset(first as u64)))
}

/// Removes a lane's, of events from `first` on before `end`; says how many there were, and how many of
/// them had no retry. Retries of theirs have to go afterwards.
pub(super) fn clear(
    connection: &Connection,
    lane: i64,
    first: Offset,
    end: Offset,
) -> Result<(u64, u64), Fault> {
    let stored = |offset: Offset| i64::try_from(offset.0).unwrap_or(i64::MAX);
    let range = params![lane, stored(first), stored(end)];
    let waiting = connection
        .prepare_cached(
            "DELETE FROM turns WHERE lane = ?1 AND offset >= ?2 AND offset < ?3
             AND NOT EXISTS (SELECT 1 FROM retries WHERE retries.lane = turns.lane
                AND retries.offset = turns.offset AND retries.part = turns.part)",
        )?
        .execute(range)? as u64;
    let booked = connection
        .prepare_cached("DELETE FROM turns WHERE lane = ?1 AND offset >= ?2 AND offset < ?3")?
        .execute(range)? as u64;
    Ok((waiting + booked, waiting))
}

/// How many of a lane's wait for their turn, and how many, which have a retry, for a property. Reads an index's
/// entry for each; a lane that keeps no order has none.
pub(super) fn tally(connection: &Connection, lane: i64) -> Result<(u64, u64), Fault> {
    let all: i64 = connection
        .prepare_cached("SELECT count(*) FROM turns WHERE lane = ?1")?
        .query_row([lane], |row| row.get(0))?;
    if all == 0 {
        return Ok((0, 0));
    }
    let (booked, untried): (i64, i64) = connection
        .prepare_cached(
            "SELECT count(*), count(*) FILTER (WHERE attempts = 0) FROM retries WHERE lane = ?1
             AND EXISTS (SELECT 1 FROM turns WHERE turns.lane = ?1
                AND turns.offset = retries.offset AND turns.part = retries.part)",
        )?
        .query_row([lane], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(((all - booked).max(0) as u64, untried as u64))
}

/// How many each lane has.
pub(super) fn counts(connection: &Connection) -> Result<HashMap<i64, u64>, Fault> {
    let mut query = connection.prepare("SELECT lane, count(*) FROM turns GROUP BY lane")?;
    let rows = query.query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)? as u64)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The first delivery of users behind `after`, in the order of users.
pub(super) fn heads(
    connection: &Connection,
    lane: i64,
    after: Option<u64>,
    max: usize,
) -> Result<Vec<TurnHead>, Fault> {
    let from = after.map_or(i64::MIN, |after| (after as i64).saturating_add(1));
    // The users of the page first: all of a lane's rows would be looked at otherwise.
    let last = connection
        .prepare_cached(
            "SELECT max(user) FROM (SELECT DISTINCT user FROM turns WHERE lane = ?1 AND user >= ?2
             ORDER BY user LIMIT ?3)",
        )?
        .query_row(params![lane, from, max as i64], |row| {
            row.get::<_, Option<i64>>(0)
        })?;
    match last {
        Some(last) => between(connection, lane, from, last, max),
        None => Ok(Vec::new()),
    }
}

/// One user's first delivery.
pub(super) fn head(
    connection: &Connection,
    lane: i64,
    user: u64,
) -> Result<Option<(Turn, Option<Booked>)>, Fault> {
    let mut query = connection.prepare_cached(HEAD)?;
    let mut rows = query.query(params![lane, user as i64])?;
    let read = |row: &Row<'_>| Ok((turn(row)?, booked(row)?));
    rows.next()?.map(read).transpose()
}

fn between(
    connection: &Connection,
    lane: i64,
    from: i64,
    to: i64,
    max: usize,
) -> Result<Vec<TurnHead>, Fault> {
    let mut query = connection.prepare_cached(HEADS)?;
    let mut rows = query.query(params![lane, from, to, max as i64])?;
    let mut heads = Vec::new();
    while let Some(row) = rows.next()? {
        heads.push(read(row)?);
    }
    Ok(heads)
}

fn read(row: &Row<'_>) -> Result<TurnHead, Fault> {
    Ok(TurnHead {
        turn: turn(row)?,
        count: row.get::<_, i64>(5)? as u64,
        booked_count: row.get::<_, i64>(6)? as u64,
        booked: booked(row)?,
    })
}

/// The retry in the columns `…, due_at, attempts`.
fn booked(row: &Row<'_>) -> Result<Option<Booked>, Fault> {
    Ok(match row.get::<_, Option<i64>>(3)? {
        Some(due_at) => Some(Booked {
            due_at: Timestamp(due_at),
            attempts: row.get(4)?,
        }),
        None => None,
    })
}

/// The delivery in the columns `user, offset, part`.
fn turn(row: &Row<'_>) -> Result<Turn, Fault> {
    let part = Part::from_code(row.get(2)?);
    Ok(Turn {
        user: row.get::<_, i64>(0)? as u64,
        offset: Offset(row.get::<_, i64>(1)? as u64),
        part: part.ok_or_else(|| Fault::damaged("a turn can't be read"))?,
    })
}
