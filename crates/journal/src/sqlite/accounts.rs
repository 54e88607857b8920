//! What makes figures add up through restarts, and what lanes let go of: the rows of `accounts` and
//! `let_go`.

use std::ops::Range;

use model::{Offset, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use super::failure::Fault;
use crate::hold::{LetGo, LetGoWhy};

/// Of version 7.
pub(super) const CREATE_ACCOUNTS: &str = "
CREATE TABLE accounts (
    lane       INTEGER PRIMARY KEY,
    erased     INTEGER NOT NULL,
    held_first INTEGER,
    held_until INTEGER,
    held_left  INTEGER,
    held_at    INTEGER
) STRICT;

CREATE TABLE let_go (
    number INTEGER PRIMARY KEY,
    lane   INTEGER NOT NULL,
    why    INTEGER NOT NULL,
    owed   INTEGER NOT NULL,
    first  INTEGER NOT NULL,
    until  INTEGER NOT NULL,
    at     INTEGER NOT NULL,
    said   TEXT
) STRICT;
CREATE INDEX let_go_place ON let_go (lane, first);
CREATE INDEX let_go_at ON let_go (at);

ALTER TABLE replays ADD COLUMN erased INTEGER NOT NULL DEFAULT 0;
";

/// How many parts of the log are remembered of a lane.
const MOST_OF_LANE: i64 = 200;

/// How many of them are told of one event.
const MOST_TOLD: i64 = 10;

/// What was lost within so long of each other, in places that touch, is one part.
const TOGETHER_MICROS: i64 = 60 * 60 * 1_000_000;

/// Events that a lane had in its hands when retention took them from the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct InHand {
    /// Where they lie, but for those that it has settled since.
    pub(super) events: Range<Offset>,
    /// How many of them it has not settled.
    pub(super) left: u64,
    /// When they were taken.
    pub(super) at: Timestamp,
}

/// What a lane has in its hands of what was taken.
pub(super) fn in_hand(connection: &Connection, lane: i64) -> Result<Option<InHand>, Fault> {
    let found = connection
        .prepare_cached(
            "SELECT held_first, held_until, held_left, held_at FROM accounts
             WHERE lane = ?1 AND held_first IS NOT NULL",
        )?
        .query_row([lane], |row| {
            let offset = |column| row.get::<_, i64>(column).map(|at| Offset(at as u64));
            Ok(InHand {
                events: offset(0)?..offset(1)?,
                left: row.get::<_, i64>(2)? as u64,
                at: Timestamp(row.get(3)?),
            })
        })
        .optional()?;
    Ok(found)
}

/// Notes what a lane has in its hands of what was taken.
pub(super) fn set_in_hand(
    connection: &Connection,
    lane: i64,
    held: Option<&InHand>,
) -> Result<(), Fault> {
    insert(connection, lane)?;
    connection
        .prepare_cached(
            "UPDATE accounts SET held_first = ?2, held_until = ?3, held_left = ?4, held_at = ?5
             WHERE lane = ?1",
        )?
        .execute(params![
            lane,
            held.map(|held| held.events.start.0 as i64),
            held.map(|held| held.events.end.0 as i64),
            held.map(|held| held.left as i64),
            held.map(|held| held.at.0)
        ])?;
    Ok(())
}

/// Adds to what was erased before a lane sent it.
pub(super) fn add_erased(connection: &Connection, lane: i64, count: u64) -> Result<(), Fault> {
    if count == 0 {
        return Ok(());
    }
    insert(connection, lane)?;
    connection
        .prepare_cached("UPDATE accounts SET erased = erased + ?2 WHERE lane = ?1")?
        .execute(params![lane, count as i64])?;
    Ok(())
}

/// How much was erased before a lane sent it.
pub(super) fn erased(connection: &Connection, lane: i64) -> Result<u64, Fault> {
    let erased = connection
        .prepare_cached("SELECT erased FROM accounts WHERE lane = ?1")?
        .query_row([lane], |row| row.get::<_, i64>(0))
        .optional()?;
    Ok(erased.unwrap_or(0) as u64)
}

fn insert(connection: &Connection, lane: i64) -> Result<(), Fault> {
    connection
        .prepare_cached("INSERT OR IGNORE INTO accounts VALUES (?1, 0, NULL, NULL, NULL, NULL)")?
        .execute([lane])?;
    Ok(())
}

/// Remembers what a lane let go. Of parts beyond the bound the oldest are forgotten.
pub(super) fn let_go(connection: &Connection, lane: i64, part: &LetGo) -> Result<(), Fault> {
    let LetGo { events, at, .. } = part;
    if events.is_empty() || extends_last(connection, lane, part)? {
        return Ok(());
    }
    connection
        .prepare_cached("INSERT INTO let_go VALUES (NULL, ?1, ?2, ?3, ?4, ?5, ?6, ?7)")?
        .execute(params![
            lane,
            part.why.code(),
            part.owed,
            stored(events.start),
            stored(events.end),
            at.0,
            part.by
        ])?;
    connection
        .prepare_cached(
            "DELETE FROM let_go WHERE lane = ?1 AND number <=
                (SELECT number FROM let_go WHERE lane = ?1 ORDER BY number DESC LIMIT 1 OFFSET ?2)",
        )?
        .execute(params![lane, MOST_OF_LANE])?;
    Ok(())
}

/// Whether the last part that was let go for the same reason grew by this one: retention takes a log
/// piece by piece, and a large backlog is dropped in steps.
fn extends_last(connection: &Connection, lane: i64, part: &LetGo) -> Result<bool, Fault> {
    let grown = connection
        .prepare_cached(
            "UPDATE let_go SET first = min(first, ?4), until = max(until, ?5)
             WHERE number = (SELECT number FROM let_go WHERE lane = ?1 AND owed = ?3
                ORDER BY number DESC LIMIT 1)
             AND why = ?2 AND said IS ?7 AND first <= ?5 AND until >= ?4
             AND ?6 - at BETWEEN 0 AND ?8",
        )?
        .execute(params![
            lane,
            part.why.code(),
            part.owed,
            stored(part.events.start),
            stored(part.events.end),
            part.at.0,
            part.by,
            match part.why {
                LetGoWhy::Lost => TOGETHER_MICROS,
                // Another decision is another part.
                LetGoWhy::Dropped | LetGoWhy::Superseded => 0,
            }
        ])?;
    Ok(grown > 0)
}

/// The parts with an event that a lane let go, newest first.
pub(super) fn let_go_of(
    connection: &Connection,
    lane: i64,
    offset: Offset,
) -> Result<Vec<LetGo>, Fault> {
    let mut query = connection.prepare_cached(
        "SELECT why, owed, first, until, at, said FROM let_go
         WHERE lane = ?1 AND first <= ?2 AND until > ?2 ORDER BY number DESC LIMIT ?3",
    )?;
    let mut rows = query.query(params![lane, stored(offset), MOST_TOLD])?;
    let mut parts = Vec::new();
    while let Some(row) = rows.next()? {
        let why = LetGoWhy::from_code(row.get(0)?);
        let offset = |column| row.get::<_, i64>(column).map(|at| Offset(at as u64));
        parts.push(LetGo {
            why: why.ok_or_else(|| Fault::damaged("what a lane let go can't be read"))?,
            owed: row.get(1)?,
            events: offset(2)?..offset(3)?,
            at: Timestamp(row.get(4)?),
            by: row.get(5)?,
        });
    }
    Ok(parts)
}

/// Forgets what was let go before then, so much at once; whether there may be more.
pub(super) fn retire(connection: &Connection, before: Timestamp) -> Result<bool, Fault> {
    const AT_ONCE: i64 = 1000;
    let gone = connection
        .prepare_cached(
            "DELETE FROM let_go WHERE number IN
                (SELECT number FROM let_go WHERE at < ?1 ORDER BY at LIMIT ?2)",
        )?
        .execute(params![before.0, AT_ONCE])?;
    Ok(gone as i64 == AT_ONCE)
}

/// An offset as it is stored; the end of what has none yet is the largest number.
fn stored(offset: Offset) -> i64 {
    i64::try_from(offset.0).unwrap_or(i64::MAX)
}
