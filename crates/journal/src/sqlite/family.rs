//! The lanes that send for one sync: its own, and the bounded ones that go with it.

use model::{ProjectId, SyncId};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::failure::Fault;
use crate::LaneOf;
use crate::fate::MOST_BOUNDED;

/// Of version 7: the bounded lanes of a sync are found by the sync.
pub(super) const CREATE_BOUNDED_LANES_OF_SYNCS: &str = "
CREATE INDEX bounded_lanes_whose ON bounded_lanes (whose);
";

/// A lane, by its number in the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) number: i64,
    pub(super) of: LaneOf,
}

/// A sync's own lane; `None` when it has none.
pub(super) fn own(connection: &Connection, sync: SyncId) -> Result<Option<Member>, Fault> {
    let own = connection
        .prepare_cached(
            "SELECT lanes.number, lanes.sync, projects.id FROM lanes
             JOIN projects ON projects.number = lanes.project
             WHERE lanes.sync = ?1 AND dropped = 0",
        )?
        .query_row([sync.to_bytes()], member)
        .optional()?;
    Ok(own)
}

/// The bounded lanes that go with a sync's, newest first.
pub(super) fn bounded(connection: &Connection, sync: SyncId) -> Result<Vec<Member>, Fault> {
    let mut query = connection.prepare_cached(
        "SELECT lanes.number, lanes.sync, projects.id FROM bounded_lanes
         JOIN lanes ON lanes.number = bounded_lanes.lane
         JOIN projects ON projects.number = lanes.project
         WHERE bounded_lanes.whose = ?1 AND dropped = 0
         ORDER BY bounded_lanes.lane DESC LIMIT ?2",
    )?;
    let rows = query.query_map(params![sync.to_bytes(), MOST_BOUNDED as i64], member)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// A sync's own lane first, then the others, newest first; none when it has no lane.
pub(super) fn of(connection: &Connection, sync: SyncId) -> Result<Vec<Member>, Fault> {
    let Some(own) = own(connection, sync)? else {
        return Ok(Vec::new());
    };
    let mut all = vec![own];
    all.extend(bounded(connection, sync)?);
    Ok(all)
}

fn member(row: &Row<'_>) -> rusqlite::Result<Member> {
    Ok(Member {
        number: row.get(0)?,
        of: LaneOf {
            lane: SyncId::from_bytes(row.get(1)?),
            log: ProjectId::from_bytes(row.get(2)?),
        },
    })
}
