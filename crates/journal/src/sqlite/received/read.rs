//! What is shown: what the tables have, what was gathered since, and the newest events.

use std::time::Duration;

use model::{Offset, ProjectId, Timestamp};
use rusqlite::{Connection, params};

use super::{Gathered, rows};
use crate::received::{Kept, Received, Room, Scopes, kept_at};
use crate::sqlite::Sqlite;
use crate::sqlite::failure::Fault;
use crate::{Journal, StorageError};

/// The most events behind what was gathered that are looked at, and how many in one go.
const TAIL: u64 = 2000;
const AT_ONCE: usize = 500;

/// What the tables and what was gathered say, and the position behind it.
struct Found {
    scopes: Scopes,
    next: Offset,
    /// The first event that is kept.
    oldest: Offset,
}

/// See [`Journal::received`].
pub(in crate::sqlite) async fn read(
    journal: &Sqlite,
    project: ProjectId,
    now: Timestamp,
) -> Result<Received, StorageError> {
    let kept = kept_at(now, age(journal, project));
    let log = journal.shared.log(project);
    let number = log.number();
    let gathered = journal.recent.of(project);
    let find = move |connection: &Connection| find(connection, number, gathered);
    let mut found = journal.readers.run(find).await?;
    let mut tally = journal.recent.tally();
    let end = log.head().min(Offset(found.next.0.saturating_add(TAIL)));
    while found.next < end {
        let events = journal.read(project, found.next, AT_ONCE).await?;
        let Some(last) = events.last() else {
            found.next = log.head();
            break;
        };
        found.next = last.offset.next();
        events.iter().for_each(|event| tally.add(event));
    }
    let behind = log.head().0.saturating_sub(found.next.0);
    let viewing = move || view(found, tally.finish(), kept, behind);
    let broken = |error| StorageError::Storage(format!("a look broke off: {error}"));
    tokio::task::spawn_blocking(viewing).await.map_err(broken)
}

/// How long the project keeps events.
fn age(journal: &Sqlite, project: ProjectId) -> Duration {
    let shorter = journal
        .shared
        .keep()
        .get(&project)
        .and_then(|keep| keep.events);
    let most = journal.kept_at_most.events.unwrap_or(Duration::MAX);
    shorter.map_or(most, |shorter| shorter.min(most))
}

fn find(connection: &Connection, project: i64, gathered: Option<Gathered>) -> Result<Found, Fault> {
    let transaction = connection.unchecked_transaction()?;
    let base = rows::base(&transaction, project)?;
    let oldest: Option<i64> = transaction
        .prepare_cached("SELECT min(first) FROM chunks WHERE project = ?1")?
        .query_row([project], |row| row.get(0))?;
    let mut found = Found {
        scopes: rows::load(&transaction, project, &base)?,
        next: base.next,
        oldest: Offset(oldest.unwrap_or(i64::MAX) as u64),
    };
    let Some(gathered) = gathered else {
        return Ok(found);
    };
    let erased: i64 = transaction
        .prepare_cached(
            "SELECT count(*) FROM erased WHERE project = ?1 AND offset >= ?2 AND offset < ?3",
        )?
        .query_row(
            params![project, base.next.0 as i64, gathered.next.0 as i64],
            |row| row.get(0),
        )?;
    // Written meanwhile, or something of it was erased: then it isn't what it was.
    let fits = base.next == gathered.base.next
        && base.erasures == gathered.base.erasures
        && erased as u64 == gathered.tally.erased();
    if fits {
        found.scopes.merge(gathered.tally.finish());
        found.next = gathered.next;
    }
    Ok(found)
}

fn view(mut found: Found, tail: Scopes, kept: Kept, behind: u64) -> Received {
    found.scopes.merge(tail);
    found.scopes.bound(Room::TABLES);
    let oldest = found.oldest;
    for scope in found.scopes.scopes.values_mut() {
        scope.keep_examples(&|example| example.offset >= oldest);
    }
    Received {
        behind,
        ..found.scopes.view(kept)
    }
}
