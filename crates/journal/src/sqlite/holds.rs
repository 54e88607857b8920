//! What lanes that stood still lost or gave up, and how they go on: the rows of `holds`.

use model::{Offset, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use super::failure::Fault;
use super::losses;
use crate::hold::{Drain, Forgone, Losses};

/// Adds to what a lane lost because it was held beyond the bounds. `head`: the sync's own lane, with which
/// it goes.
pub(super) fn add_lost(
    connection: &Connection,
    (lane, head): (i64, i64),
    forgone: Forgone,
    at: Timestamp,
) -> Result<(), Fault> {
    if forgone.is_empty() {
        return Ok(());
    }
    insert(connection, lane)?;
    connection
        .prepare_cached(
            "UPDATE holds SET lost_events = lost_events + ?2, lost_retries = lost_retries + ?3,
                lost_at = ?4 WHERE lane = ?1",
        )?
        .execute(params![
            lane,
            forgone.events as i64,
            forgone.retries as i64,
            at.0
        ])?;
    losses::add(connection, head, forgone.events + forgone.retries, at)
}

/// Adds to what a lane was told to forget.
pub(super) fn add_dropped(
    connection: &Connection,
    lane: i64,
    forgone: Forgone,
) -> Result<(), Fault> {
    if forgone.is_empty() {
        return Ok(());
    }
    insert(connection, lane)?;
    connection
        .prepare_cached(
            "UPDATE holds SET dropped_events = dropped_events + ?2,
                dropped_retries = dropped_retries + ?3 WHERE lane = ?1",
        )?
        .execute(params![lane, forgone.events as i64, forgone.retries as i64])?;
    Ok(())
}

/// Adds to the deliveries that a lane left out for the sake of newer ones.
pub(super) fn add_superseded(connection: &Connection, lane: i64, count: u64) -> Result<(), Fault> {
    if count == 0 {
        return Ok(());
    }
    insert(connection, lane)?;
    connection
        .prepare_cached("UPDATE holds SET superseded = superseded + ?2 WHERE lane = ?1")?
        .execute(params![lane, count as i64])?;
    Ok(())
}

/// Sets how a lane goes through what was held.
pub(super) fn set_drain(
    connection: &Connection,
    lane: i64,
    drain: Option<Drain>,
) -> Result<(), Fault> {
    insert(connection, lane)?;
    connection
        .prepare_cached(
            "UPDATE holds SET drain_until = ?2, drain_newest = ?3, drain_rate = ?4 WHERE lane = ?1",
        )?
        .execute(params![
            lane,
            drain.map(|drain| drain.until.0 as i64),
            drain.is_some_and(|drain| drain.newest_only),
            drain.and_then(|drain| drain.requests_per_minute)
        ])?;
    Ok(())
}

fn insert(connection: &Connection, lane: i64) -> Result<(), Fault> {
    connection
        .prepare_cached(
            "INSERT OR IGNORE INTO holds VALUES (?1, 0, 0, NULL, 0, 0, 0, NULL, 0, NULL)",
        )?
        .execute([lane])?;
    Ok(())
}

/// What a lane lost and gave up so far.
pub(super) fn losses(connection: &Connection, lane: i64) -> Result<Losses, Fault> {
    let losses = connection
        .prepare_cached(
            "SELECT lost_events, lost_retries, lost_at, dropped_events, dropped_retries, superseded
             FROM holds WHERE lane = ?1",
        )?
        .query_row([lane], |row| {
            let count = |column: usize| row.get::<_, i64>(column).map(|count| count as u64);
            Ok(Losses {
                lost: Forgone {
                    events: count(0)?,
                    retries: count(1)?,
                },
                lost_at: row.get::<_, Option<i64>>(2)?.map(Timestamp),
                dropped: Forgone {
                    events: count(3)?,
                    retries: count(4)?,
                },
                superseded: count(5)?,
                ..Losses::default()
            })
        })
        .optional()?;
    Ok(losses.unwrap_or_default())
}

/// How a lane goes through what was held, while it does.
pub(super) fn drain(connection: &Connection, lane: i64) -> Result<Option<Drain>, Fault> {
    let drain = connection
        .prepare_cached("SELECT drain_until, drain_newest, drain_rate FROM holds WHERE lane = ?1")?
        .query_row([lane], |row| {
            let Some(until) = row.get::<_, Option<i64>>(0)? else {
                return Ok(None);
            };
            Ok(Some(Drain {
                until: Offset(until as u64),
                newest_only: row.get(1)?,
                requests_per_minute: row.get(2)?,
            }))
        })
        .optional()?;
    Ok(drain.flatten())
}
