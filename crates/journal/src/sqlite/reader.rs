//! Reading what is no longer in memory, on connections of its own.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use model::outcome::Failure as AttemptFailure;
use model::{Offset, Part, ProjectId, ReplayId, SyncId, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, Rows, params};
use tokio::sync::Semaphore;

use super::accounts;
use super::chunk::Chunk;
use super::failure::Fault;
use super::family;
use super::holds;
use super::open::{Role, connect};
use super::turns;
use super::writer::counts_from;
use crate::hold::{Drain, Losses};
use crate::turn::{Booked, Turn, TurnHead};
use crate::{
    Ended, EndedRow, Held, LaneOf, LaneStats, ReplayState, Retry, RetryKey, StorageError, Stretch,
};

/// How much one read takes from the disk at most, beyond its first chunk.
const READ_AHEAD_BYTES: usize = 512 << 10;
const READ_AHEAD_CHUNKS: i64 = 64;

/// A bounded number of connections that only read.
#[derive(Debug)]
pub(super) struct Readers {
    file: PathBuf,
    idle: Mutex<Vec<Connection>>,
    permits: Semaphore,
    max: u32,
}

impl Readers {
    pub(super) fn new(file: PathBuf, max: usize) -> Arc<Self> {
        let max = u32::try_from(max.max(1)).unwrap_or(u32::MAX);
        Arc::new(Self {
            file,
            idle: Mutex::default(),
            permits: Semaphore::new(max as usize),
            max,
        })
    }

    /// Runs a query where it may block.
    pub(super) async fn run<T: Send + 'static>(
        self: &Arc<Self>,
        query: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StorageError> {
        let Ok(_permit) = self.permits.acquire().await else {
            return Err(StorageError::Closed);
        };
        let readers = Arc::clone(self);
        let running = tokio::task::spawn_blocking(move || readers.run_here(query));
        match running.await {
            Ok(outcome) => outcome,
            Err(error) => Err(StorageError::Storage(format!("a query broke off: {error}"))),
        }
    }

    fn run_here<T>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, Fault>,
    ) -> Result<T, StorageError> {
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let reused = idle().pop();
        let connection = match reused {
            Some(connection) => connection,
            None => connect(&self.file, Role::Reader).map_err(|error| self.sort(error.into()))?,
        };
        let outcome = query(&connection).map_err(|fault| self.sort(fault));
        idle().push(connection);
        outcome
    }

    fn sort(&self, fault: Fault) -> StorageError {
        fault.sort(&self.file).into()
    }

    /// Waits for the running queries, and lets no more run.
    pub(super) async fn close(&self) {
        let all = self.permits.acquire_many(self.max).await;
        self.permits.close();
        drop(all);
        self.idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }
}

/// The chunk that has `from`, or the first one behind it, and some that follow.
pub(super) fn chunks(
    connection: &Connection,
    project: ProjectId,
    number: i64,
    from: Offset,
) -> Result<Vec<Chunk>, Fault> {
    let start: Option<i64> = connection
        .prepare_cached(
            "SELECT first FROM chunks WHERE project = ?1 AND first <= ?2
             ORDER BY first DESC LIMIT 1",
        )?
        .query_row(params![number, from.0 as i64], |row| row.get(0))
        .optional()?;
    let mut query = connection.prepare_cached(
        "SELECT first, count, body FROM chunks
         WHERE project = ?1 AND first >= ?2 AND first + count > ?3 ORDER BY first LIMIT ?4",
    )?;
    let start = start.unwrap_or(0);
    let mut rows = query.query(params![number, start, from.0 as i64, READ_AHEAD_CHUNKS])?;
    let (mut chunks, mut bytes) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        let (first, count): (i64, i64) = (row.get(0)?, row.get(1)?);
        let body = row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?;
        bytes += body.len();
        let (first, body) = (Offset(first as u64), Bytes::copy_from_slice(body));
        match Chunk::read(project, first, count as u64, body) {
            Some(chunk) => chunks.push(chunk),
            // What lies before can be read.
            None if !chunks.is_empty() => break,
            None => {
                let end = first.0 + count as u64;
                return Err(Fault::damaged(format!(
                    "the events {} to {end} of {project} are damaged",
                    first.0
                )));
            }
        }
        if bytes > READ_AHEAD_BYTES {
            break;
        }
    }
    Ok(chunks)
}

pub(super) fn lane_number(connection: &Connection, sync: SyncId) -> Result<Option<i64>, Fault> {
    let number = connection
        .prepare_cached("SELECT number FROM lanes WHERE sync = ?1 AND dropped = 0")?
        .query_row([sync.to_bytes()], |row| row.get(0))
        .optional()?;
    Ok(number)
}

/// `None` when the sync has no lane.
pub(super) fn retries(
    connection: &Connection,
    sync: SyncId,
    after: Option<RetryKey>,
    max: usize,
) -> Result<Option<Vec<Retry>>, Fault> {
    let Some(lane) = lane_number(connection, sync)? else {
        return Ok(None);
    };
    let (due_at, offset, part) = match after {
        Some((due_at, offset, part)) => (due_at.0, offset.0 as i64, i64::from(part as u8)),
        None => (i64::MIN, -1, -1),
    };
    let mut query = connection.prepare_cached(
        "SELECT due_at, offset, part, attempts, failure, given FROM retries
         WHERE lane = ?1 AND (due_at, offset, part) > (?2, ?3, ?4)
         ORDER BY due_at, offset, part LIMIT ?5",
    )?;
    let max = i64::try_from(max).unwrap_or(i64::MAX);
    let mut rows = query.query(params![lane, due_at, offset, part, max])?;
    let mut retries = Vec::new();
    while let Some(row) = rows.next()? {
        retries.push(retry(row, sync)?);
    }
    Ok(Some(retries))
}

/// An event's pending retries, of a lane by its number.
pub(super) fn retries_of(
    connection: &Connection,
    sync: SyncId,
    lane: i64,
    offset: Offset,
) -> Result<Vec<Retry>, Fault> {
    let mut query = connection.prepare_cached(
        "SELECT due_at, offset, part, attempts, failure, given FROM retries
         WHERE lane = ?1 AND offset = ?2 ORDER BY part",
    )?;
    let mut rows = query.query(params![lane, offset.0 as i64])?;
    let mut retries = Vec::new();
    while let Some(row) = rows.next()? {
        retries.push(retry(row, sync)?);
    }
    Ok(retries)
}

/// See [`Journal::given`](crate::Journal::given).
pub(super) fn given(
    connection: &Connection,
    sync: SyncId,
    offset: Offset,
    part: Part,
) -> Result<Option<Arc<str>>, Fault> {
    let Some(lane) = lane_number(connection, sync)? else {
        return Ok(None);
    };
    let given = connection
        .prepare_cached("SELECT given FROM retries WHERE lane = ?1 AND offset = ?2 AND part = ?3")?
        .query_row(params![lane, offset.0 as i64, part as u8], |row| {
            row.get::<_, Option<String>>(0)
        })
        .optional()?;
    Ok(given.flatten().map(Arc::from))
}

fn retry(row: &Row<'_>, sync: SyncId) -> Result<Retry, Fault> {
    let failure = row.get_ref(4)?.as_str().map_err(rusqlite::Error::from)?;
    let failure: Option<AttemptFailure> = serde_json::from_str(failure).ok();
    let (Some(part), Some(failure)) = (Part::from_code(row.get(2)?), failure) else {
        return Err(Fault::damaged(format!("a retry of {sync} can't be read")));
    };
    Ok(Retry {
        due_at: Timestamp(row.get(0)?),
        offset: Offset(row.get::<_, i64>(1)? as u64),
        part,
        attempts: row.get(3)?,
        failure,
        given: row.get::<_, Option<String>>(5)?.map(Arc::from),
    })
}

/// See [`Journal::ended`](crate::Journal::ended); `None` when the sync has no lane.
pub(super) fn ended(
    connection: &Connection,
    sync: SyncId,
    before: Option<u64>,
    max: usize,
) -> Result<Option<Vec<EndedRow>>, Fault> {
    let lanes = family::of(connection, sync)?;
    if lanes.is_empty() {
        return Ok(None);
    }
    let mut query = connection.prepare_cached(
        "SELECT sequence, offset, part, at, attempts, why FROM ended
         WHERE lane = ?1 AND sequence < ?2 ORDER BY sequence DESC LIMIT ?3",
    )?;
    let before = before
        .and_then(|before| i64::try_from(before).ok())
        .unwrap_or(i64::MAX);
    let most = i64::try_from(max).unwrap_or(i64::MAX);
    let mut found = Vec::new();
    for lane in &lanes {
        let rows = query.query(params![lane.number, before, most])?;
        found.extend(ended_rows(rows, lane.of)?);
        // No more than a page and one lane's are held at once.
        found.sort_unstable_by_key(|row| std::cmp::Reverse(row.sequence));
        found.truncate(max);
    }
    Ok(Some(found))
}

/// `None` when the sync has no lane.
pub(super) fn ended_between(
    connection: &Connection,
    sync: SyncId,
    after: u64,
    until: u64,
    max: usize,
) -> Result<Option<Vec<EndedRow>>, Fault> {
    let Some(lane) = family::own(connection, sync)? else {
        return Ok(None);
    };
    let mut query = connection.prepare_cached(
        "SELECT sequence, offset, part, at, attempts, why FROM ended
         WHERE lane = ?1 AND sequence > ?2 AND sequence <= ?3 ORDER BY sequence LIMIT ?4",
    )?;
    let stored = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let max = i64::try_from(max).unwrap_or(i64::MAX);
    let rows = query.query(params![lane.number, stored(after), stored(until), max])?;
    ended_rows(rows, lane.of).map(Some)
}

fn ended_rows(mut rows: Rows<'_>, of: LaneOf) -> Result<Vec<EndedRow>, Fault> {
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let (sequence, ended) = ended_row(row, of.lane)?;
        found.push(EndedRow {
            sequence,
            of,
            ended,
        });
    }
    Ok(found)
}

/// Which part of the log a bounded lane reads; `None` when the sync has none.
pub(super) fn lane_bounds(
    connection: &Connection,
    sync: SyncId,
) -> Result<Option<Range<Offset>>, Fault> {
    let bounds = connection
        .prepare_cached(
            "SELECT start, until FROM lanes JOIN bounded_lanes ON lane = number
             WHERE sync = ?1 AND dropped = 0",
        )?
        .query_row([sync.to_bytes()], |row| {
            let offset = |column| row.get::<_, i64>(column).map(|at| Offset(at as u64));
            Ok(offset(0)?..offset(1)?)
        })
        .optional()?;
    Ok(bounds)
}

/// How far times of reception may be out of order: requests overtake one another on their way to a
/// commit.
const OUT_OF_ORDER: Duration = Duration::from_secs(120);

/// The part of a project's log that was received within some time, as far as its chunks tell.
pub(super) fn stretch(
    connection: &Connection,
    project: i64,
    from: Timestamp,
    until: Timestamp,
) -> Result<Stretch, Fault> {
    let bounds = connection
        .prepare_cached(
            "SELECT (SELECT min(first) FROM chunks WHERE project = ?1),
                (SELECT first + count FROM chunks WHERE project = ?1 ORDER BY first DESC LIMIT 1)",
        )?
        .query_row([project], |row| {
            Ok((row.get::<_, Option<i64>>(0)?, row.get::<_, Option<i64>>(1)?))
        })?;
    let (Some(first), Some(end)) = bounds else {
        return Ok(Stretch::default());
    };
    let start = first_received(connection, project, first..end, from - OUT_OF_ORDER)?;
    let stop = first_received(connection, project, start..end, until + OUT_OF_ORDER)?;
    Ok(Stretch {
        from: Offset(start as u64),
        until: Offset(stop as u64),
    })
}

/// Where the first chunk within `range` begins whose last event was received at `at` or later; the
/// range's end when there is none. Times ascend with the offsets.
fn first_received(
    connection: &Connection,
    project: i64,
    range: Range<i64>,
    at: Timestamp,
) -> Result<i64, Fault> {
    let mut find = connection.prepare_cached(
        "SELECT first, first + count, received_to FROM chunks
         WHERE project = ?1 AND first <= ?2 ORDER BY first DESC LIMIT 1",
    )?;
    let Range { mut start, mut end } = range;
    while start < end {
        let middle = start + (end - start) / 2;
        let chunk = find
            .query_row(params![project, middle], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })
            .optional()?;
        match chunk {
            Some((first, _, received_to)) if Timestamp(received_to) >= at => {
                end = start.max(first);
            }
            Some((_, behind, _)) => start = i64::max(middle + 1, behind),
            None => start = middle + 1,
        }
    }
    Ok(start)
}

/// `None` when it isn't known.
pub(super) fn replay_state(
    connection: &Connection,
    replay: ReplayId,
) -> Result<Option<ReplayState>, Fault> {
    let state = connection
        .prepare_cached(
            "SELECT next, until, total, looked_at, moved, delivered, failed, unsent, erased
             FROM replays WHERE id = ?1",
        )?
        .query_row([replay.to_bytes()], |row| {
            let number = |column| row.get::<_, i64>(column).map(|number| number as u64);
            Ok(ReplayState {
                next: number(0)?,
                until: number(1)?,
                total: number(2)?,
                looked_at: number(3)?,
                moved: number(4)?,
                delivered: number(5)?,
                failed: number(6)?,
                unsent: number(7)?,
                erased: number(8)?,
            })
        })
        .optional()?;
    Ok(state)
}

/// An event's deliveries that ended without success, of a lane by its number.
pub(super) fn ended_of(
    connection: &Connection,
    sync: SyncId,
    lane: i64,
    offset: Offset,
) -> Result<Vec<Ended>, Fault> {
    let mut query = connection.prepare_cached(
        "SELECT sequence, offset, part, at, attempts, why FROM ended
         WHERE lane = ?1 AND offset = ?2 ORDER BY part",
    )?;
    let mut rows = query.query(params![lane, offset.0 as i64])?;
    let mut ended = Vec::new();
    while let Some(row) = rows.next()? {
        ended.push(ended_row(row, sync)?.1);
    }
    Ok(ended)
}

/// The sequence and the ended delivery in the columns `sequence, offset, part, at, attempts, why`.
pub(super) fn ended_row(row: &Row<'_>, sync: SyncId) -> Result<(u64, Ended), Fault> {
    let why = row.get_ref(5)?.as_str().map_err(rusqlite::Error::from)?;
    let (part, why) = (Part::from_code(row.get(2)?), serde_json::from_str(why).ok());
    let (Some(part), Some(why)) = (part, why) else {
        return Err(Fault::damaged(format!(
            "an ended delivery of {sync} can't be read"
        )));
    };
    let ended = Ended {
        offset: Offset(row.get::<_, i64>(1)? as u64),
        part,
        at: Timestamp(row.get(3)?),
        attempts: row.get(4)?,
        why,
    };
    Ok((row.get::<_, i64>(0)? as u64, ended))
}

/// A delivery whose turn it is, and the retry of it.
type NextTurn = (Turn, Option<Booked>);

/// `None` when the sync has no lane.
pub(super) fn turns(
    connection: &Connection,
    sync: SyncId,
    after: Option<u64>,
    max: usize,
) -> Result<Option<Vec<TurnHead>>, Fault> {
    match lane_number(connection, sync)? {
        Some(lane) => Ok(Some(turns::heads(connection, lane, after, max)?)),
        None => Ok(None),
    }
}

/// `None` when the sync has no lane.
pub(super) fn turn(
    connection: &Connection,
    sync: SyncId,
    user: u64,
) -> Result<Option<Option<NextTurn>>, Fault> {
    match lane_number(connection, sync)? {
        Some(lane) => Ok(Some(turns::head(connection, lane, user)?)),
        None => Ok(None),
    }
}

/// `None` when the sync has no lane.
pub(super) fn waiting_turns(
    connection: &Connection,
    sync: SyncId,
    before: Option<Turn>,
    max: usize,
) -> Result<Option<Vec<Turn>>, Fault> {
    match lane_number(connection, sync)? {
        Some(lane) => Ok(Some(turns::waiting_before(connection, lane, before, max)?)),
        None => Ok(None),
    }
}

/// `None` when the sync has no lane.
pub(super) fn has_turn(
    connection: &Connection,
    sync: SyncId,
    turn: Turn,
) -> Result<Option<bool>, Fault> {
    match lane_number(connection, sync)? {
        Some(lane) => Ok(Some(turns::has(connection, lane, &turn)?)),
        None => Ok(None),
    }
}

/// See [`Journal::user_properties`](crate::Journal::user_properties).
pub(super) fn user_properties(
    connection: &Connection,
    project: ProjectId,
    user: u64,
) -> Result<Option<Vec<u8>>, Fault> {
    let found = connection
        .prepare_cached(
            "SELECT properties FROM users JOIN projects ON projects.number = users.project
             WHERE amplitude_id = ?1 AND projects.id = ?2",
        )?
        .query_row(params![user as i64, project.to_bytes()], |row| {
            row.get::<_, String>(0)
        })
        .optional()?;
    Ok(found.map(String::into_bytes))
}

/// `None` when the sync has no lane.
pub(super) fn drain(connection: &Connection, sync: SyncId) -> Result<Option<Option<Drain>>, Fault> {
    match lane_number(connection, sync)? {
        Some(lane) => Ok(Some(holds::drain(connection, lane)?)),
        None => Ok(None),
    }
}

/// `None` when the sync has no lane.
pub(super) fn lane_stats(
    connection: &Connection,
    sync: SyncId,
) -> Result<Option<LaneStats>, Fault> {
    let Some(lane) = lane_number(connection, sync)? else {
        return Ok(None);
    };
    let next_due = connection
        .prepare_cached("SELECT min(due_at) FROM retries WHERE lane = ?1")?
        .query_row([lane], |row| row.get::<_, Option<i64>>(0))?;
    let (in_order, awaiting) = turns::tally(connection, lane)?;
    let losses = Losses {
        erased: accounts::erased(connection, lane)?,
        ..holds::losses(connection, lane)?
    };
    let again: i64 = connection
        .prepare_cached("SELECT COALESCE(sum(moved), 0) FROM replays WHERE lane = ?1")?
        .query_row([lane], |row| row.get(0))?;
    let ended_of_bounded: i64 = connection
        .prepare_cached(
            "SELECT COALESCE(sum(ended), 0) FROM bounded_lanes
             JOIN lanes ON lanes.number = bounded_lanes.lane WHERE whose = ?1 AND dropped = 0",
        )?
        .query_row([sync.to_bytes()], |row| row.get(0))?;
    let noted = connection
        .prepare_cached("SELECT outcomes FROM fates WHERE lane = ?1")?
        .query_row([lane], |row| row.get::<_, i64>(0))
        .optional()?;
    let (project, mut stats) = connection
        .prepare_cached(
            "SELECT lanes.project, cursor, next, pending, ended, filtered, delivered_first,
                delivered_retry, discarded, expired, failed_attempts, appended_bytes
             FROM lanes JOIN projects ON projects.number = lanes.project WHERE lanes.number = ?1",
        )?
        .query_row([lane], |row| {
            let stats = LaneStats {
                cursor: Offset(row.get::<_, i64>(1)? as u64),
                head: Offset(row.get::<_, i64>(2)? as u64),
                pending: row.get::<_, i64>(3)? as u64,
                next_due: next_due.map(Timestamp),
                in_order,
                awaiting,
                ended: row.get::<_, i64>(4)? as u64,
                ended_of_bounded: ended_of_bounded as u64,
                again: again as u64,
                noted: noted.unwrap_or(0) as u64,
                oldest_unsettled: None,
                unsettled_bytes: row.get::<_, i64>(11)? as u64,
                losses,
                total: counts_from(row, 5)?,
            };
            Ok((row.get::<_, i64>(0)?, stats))
        })?;
    // The cursor stands on the oldest unsettled event, whose chunk tells when it came.
    let received = connection
        .prepare_cached(
            "SELECT received_from, position FROM chunks WHERE project = ?1 AND first + count > ?2
             AND first >= COALESCE(
                (SELECT max(first) FROM chunks WHERE project = ?1 AND first <= ?2), 0)
             ORDER BY first LIMIT 1",
        )?
        .query_row(params![project, stats.cursor.0 as i64], |row| {
            Ok((Timestamp(row.get(0)?), row.get::<_, i64>(1)? as u64))
        })
        .optional()?;
    stats.oldest_unsettled = received.map(|(at, _)| at);
    // Until here it was all that was ever appended.
    stats.unsettled_bytes = match received {
        Some((_, position)) => stats.unsettled_bytes.saturating_sub(position),
        None => 0,
    };
    Ok(Some(stats))
}

/// Nothing of a project that the journal doesn't know.
pub(super) fn held(connection: &Connection, project: ProjectId) -> Result<Held, Fault> {
    let known = connection
        .prepare_cached(
            "SELECT number, next, kept_bytes + (SELECT COALESCE(sum(of_import.kept_bytes), 0)
                FROM imports JOIN projects AS of_import ON of_import.number = log
                WHERE owner = projects.number)
             FROM projects WHERE id = ?1",
        )?
        .query_row([project.to_bytes()], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get(2)?))
        })
        .optional()?;
    let Some((number, next, bytes)): Option<(i64, i64, i64)> = known else {
        return Ok(Held::default());
    };
    let oldest = connection
        .prepare_cached(
            "SELECT first, received_from FROM chunks WHERE project = ?1 ORDER BY first LIMIT 1",
        )?
        .query_row([number], |row| {
            let first = Offset(row.get::<_, i64>(0)? as u64);
            Ok((first, Timestamp(row.get(1)?)))
        })
        .optional()?;
    let of_imports = connection
        .prepare_cached(
            "SELECT min((SELECT received_from FROM chunks WHERE project = log
                ORDER BY first LIMIT 1)) FROM imports WHERE owner = ?1",
        )?
        .query_row([number], |row| row.get::<_, Option<i64>>(0))?;
    Ok(Held {
        bytes: bytes as u64,
        oldest,
        oldest_of_imports: of_imports.map(Timestamp),
        head: Offset(next as u64),
    })
}
