//! What syncs lost beyond the bounds, and how much of it was told: the rows of `losses`.

use model::{SyncId, Timestamp};
use rusqlite::{Connection, params};

use super::failure::Fault;
use crate::hold::Untold;

/// Of version 8. What was lost before is no news any more.
pub(super) const CREATE_LOSSES: &str = "
CREATE TABLE losses (
    lane INTEGER PRIMARY KEY,
    lost INTEGER NOT NULL,
    told INTEGER NOT NULL,
    at   INTEGER NOT NULL
) STRICT;
CREATE INDEX losses_untold ON losses (lane) WHERE lost > told;
";

/// Adds to what a sync's lane, or one that goes with it, lost.
pub(super) fn add(
    connection: &Connection,
    lane: i64,
    count: u64,
    at: Timestamp,
) -> Result<(), Fault> {
    connection
        .prepare_cached(
            "INSERT INTO losses VALUES (?1, ?2, 0, ?3) ON CONFLICT (lane)
             DO UPDATE SET lost = lost + excluded.lost, at = max(at, excluded.at)",
        )?
        .execute(params![lane, count as i64, at.0])?;
    Ok(())
}

/// So much of what a sync lost is told; never less than before.
pub(super) fn tell(connection: &Connection, lane: i64, told: u64) -> Result<(), Fault> {
    connection
        .prepare_cached("UPDATE losses SET told = min(lost, max(told, ?2)) WHERE lane = ?1")?
        .execute(params![lane, i64::try_from(told).unwrap_or(i64::MAX)])?;
    Ok(())
}

/// The syncs that lost something which is not told.
pub(super) fn untold(connection: &Connection) -> Result<Vec<Untold>, Fault> {
    let mut query = connection.prepare_cached(
        "SELECT sync, lost, told, at FROM losses JOIN lanes ON lanes.number = losses.lane
         WHERE lost > told AND dropped = 0",
    )?;
    let rows = query.query_map([], |row| {
        Ok(Untold {
            sync: SyncId::from_bytes(row.get(0)?),
            lost: row.get::<_, i64>(1)? as u64,
            told: row.get::<_, i64>(2)? as u64,
            at: Timestamp(row.get(3)?),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
