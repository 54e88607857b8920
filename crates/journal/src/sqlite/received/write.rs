//! What the writer does of it, within its transactions.

use std::collections::HashSet;
use std::time::Duration;

use model::{Event, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use super::rows::{self, NewRow};
use crate::received::{Example, Tally};
use crate::sqlite::failure::Fault;

/// Rows that one step of retention looks at.
const ROWS_PER_STEP: i64 = 16;

/// Takes what erased events had brought along, as if they had never been. Those that were not counted
/// yet won't be.
pub(in crate::sqlite) fn forget<'e>(
    connection: &Connection,
    project: i64,
    events: impl Iterator<Item = &'e Event>,
) -> Result<(), Fault> {
    let mut base = rows::base(connection, project)?;
    // With all names: none of them may stay.
    let (mut tally, mut offsets) = (Tally::of_few(0), HashSet::new());
    for event in events {
        if event.offset < base.next {
            offsets.insert(event.offset);
            tally.add(event);
        }
    }
    base.version += 1;
    base.erasures += 1;
    for ((owner, name), erased) in tally.finish().scopes {
        let Some(known) = rows::scope(connection, project, owner, &name)? else {
            continue;
        };
        let before = known.scope.properties();
        let mut scope = known.scope;
        scope.take(&erased, &|offset| offsets.contains(&offset));
        let left = match scope.is_counted() {
            false => {
                rows::delete(connection, known.number)?;
                0
            }
            true => {
                let row = NewRow::new(Some(known.number), owner, name, &scope);
                row.put(connection, project)?;
                scope.properties()
            }
        };
        base.properties -= before as i64 - left as i64;
    }
    rows::put_base(connection, project, &base)
}

/// Takes all values whose events are gone, so that none is left of a user whose events retention took
/// before the user was erased.
pub(in crate::sqlite) fn forget_gone(connection: &Connection, project: i64) -> Result<(), Fault> {
    let mut chunk = connection.prepare_cached(
        "SELECT first, first + count FROM chunks WHERE project = ?1 AND first <= ?2
         ORDER BY first DESC LIMIT 1",
    )?;
    for mut known in rows::scopes(connection, project)? {
        let mut offsets: Vec<_> = known.scope.example_offsets().collect();
        offsets.sort_unstable();
        offsets.dedup();
        let (mut there, mut within) = (HashSet::new(), 0..0);
        for offset in offsets {
            if !within.contains(&offset.0) {
                let found = chunk
                    .query_row(params![project, offset.0 as i64], |row| {
                        Ok(row.get::<_, i64>(0)? as u64..row.get::<_, i64>(1)? as u64)
                    })
                    .optional()?;
                within = found.unwrap_or(0..0);
            }
            if within.contains(&offset.0) {
                there.insert(offset);
            }
        }
        let keep = |example: &Example| there.contains(&example.offset);
        if known.scope.keep_examples(&keep) {
            let row = NewRow::new(Some(known.number), known.owner, known.name, &known.scope);
            row.put(connection, project)?;
        }
    }
    let mut base = rows::base(connection, project)?;
    base.version += 1;
    base.erasures += 1;
    rows::put_base(connection, project, &base)
}

/// One step of retention, of all projects or of one that keeps less; says whether there may be more.
pub(in crate::sqlite) fn retire(
    connection: &Connection,
    project: Option<i64>,
    now: Timestamp,
    age: Duration,
) -> Result<bool, Fault> {
    let kept = crate::received::kept_at(now, age);
    let due = rows::older(connection, project, kept.from, ROWS_PER_STEP)?;
    let full = due.len() as i64 == ROWS_PER_STEP;
    for known in due {
        let before = known.scope.properties();
        let mut scope = known.scope;
        scope.age(kept);
        let left = match scope.is_gone(kept) {
            true => {
                rows::delete(connection, known.number)?;
                0
            }
            false => {
                let row = NewRow::new(Some(known.number), known.owner, known.name, &scope);
                row.put(connection, known.project)?;
                scope.properties()
            }
        };
        let mut base = rows::base(connection, known.project)?;
        base.version += 1;
        base.properties -= before as i64 - left as i64;
        base.lost.age(kept);
        rows::put_base(connection, known.project, &base)?;
    }
    Ok(full)
}
