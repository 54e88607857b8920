//! Erasing a user, step by step: what is looked up is read beside the writer, which only changes what was
//! found. Each step is durable, and goes on where the one before it ended, also after a kill.

use bytes::Bytes;
use model::json::{Value, write_string};
use model::{ErasureId, Event, Offset, ProjectId, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};

use super::Sqlite;
use super::chunk::{self, Chunk};
use super::failure::Fault;
use super::open::{Role, connect};
use crate::{Erasing, Erasure, ErasureState, StorageError};

/// Devices that one step looks at.
const DEVICES: i64 = 5000;

/// Chunks that one step looks at, and how many bytes of them, beyond the first.
const CHUNKS: i64 = 64;
const CHUNK_BYTES: usize = 4 << 20;

/// Most devices of one user that are told from others'.
pub(super) const MOST_DEVICES: usize = 10_000;

/// In place of a device: free space has been overwritten, and only the write-ahead log is left.
pub(super) const OVERWRITTEN: &str = "overwritten";

/// By what a user is known.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Person {
    pub(super) user_ids: Vec<String>,
    pub(super) amplitude_ids: Vec<i64>,
    pub(super) devices: Vec<String>,
}

/// An erasure under way, as its row says.
#[derive(Debug, Clone)]
pub(super) struct Job {
    pub(super) number: i64,
    /// The project's number.
    pub(super) project: i64,
    pub(super) state: ErasureState,
    pub(super) person: Person,
    /// The device that was looked at last.
    pub(super) place: String,
    /// The number of the log that is looked through: the project's, or that of an import of its.
    pub(super) log: i64,
    pub(super) looked_at: Offset,
    pub(super) until: Offset,
}

impl Job {
    /// Whether it is an import's log that is looked through.
    pub(super) fn is_import(&self) -> bool {
        self.log != self.project
    }
}

/// Events of a chunk.
#[derive(Debug, Clone)]
pub(super) struct Hit {
    pub(super) first: Offset,
    pub(super) offsets: Vec<Offset>,
}

/// What a look at some chunks came to.
#[derive(Debug, Clone)]
pub(super) struct Looked {
    /// The person's events.
    pub(super) hits: Vec<Hit>,
    /// Events in chunks that are damaged: nobody can tell whose they are.
    pub(super) unreadable: u64,
    /// Where the next step goes on.
    pub(super) end: Offset,
}

const COLUMNS: &str = "erasures.number, erasures.id, projects.id, requested_at, state,
    looked_at + (SELECT COALESCE(sum(looked_at), 0) FROM erasing_imports
        WHERE erasure = erasures.number),
    until + (SELECT COALESCE(sum(until), 0) FROM erasing_imports WHERE erasure = erasures.number),
    found, done_at";

fn erasure(row: &rusqlite::Row<'_>) -> rusqlite::Result<Result<Erasure, Fault>> {
    let unreadable = || Fault::damaged("an erasure can't be read");
    let (state, found): (u8, String) = (row.get(4)?, row.get(7)?);
    let (Some(state), Ok(found)) = (ErasureState::from_code(state), serde_json::from_str(&found))
    else {
        return Ok(Err(unreadable()));
    };
    Ok(Ok(Erasure {
        number: row.get::<_, i64>(0)? as u64,
        id: ErasureId::from_bytes(row.get(1)?),
        project: ProjectId::from_bytes(row.get(2)?),
        requested_at: Timestamp(row.get(3)?),
        state,
        looked_at: Offset(row.get::<_, i64>(5)? as u64),
        until: Offset(row.get::<_, i64>(6)? as u64),
        found,
        done_at: row.get::<_, Option<i64>>(8)?.map(Timestamp),
    }))
}

/// One erasure.
pub(super) fn find(connection: &Connection, id: ErasureId) -> Result<Option<Erasure>, Fault> {
    let sql = format!(
        "SELECT {COLUMNS} FROM erasures JOIN projects ON projects.number = erasures.project
         WHERE erasures.id = ?1"
    );
    let found = connection
        .prepare_cached(&sql)?
        .query_row([id.to_bytes()], erasure)
        .optional()?;
    found.transpose()
}

/// A project's erasures, newest first.
pub(super) fn list(
    connection: &Connection,
    project: ProjectId,
    before: Option<u64>,
    max: usize,
) -> Result<Vec<Erasure>, Fault> {
    let sql = format!(
        "SELECT {COLUMNS} FROM erasures JOIN projects ON projects.number = erasures.project
         WHERE projects.id = ?1 AND erasures.number < ?2 ORDER BY erasures.number DESC LIMIT ?3"
    );
    let before = before.and_then(|before| i64::try_from(before).ok());
    let max = i64::try_from(max).unwrap_or(i64::MAX);
    let mut query = connection.prepare_cached(&sql)?;
    let bounds = params![project.to_bytes(), before.unwrap_or(i64::MAX), max];
    let rows = query.query_map(bounds, erasure)?;
    rows.map(|row| row?).collect()
}

/// The oldest erasure that is not done.
fn next_job(connection: &Connection) -> Result<Option<(Job, ErasureId, ProjectId)>, Fault> {
    let row = connection
        .prepare_cached(
            "SELECT erasures.number, erasures.project, state, subject, place, looked_at, until,
                erasures.id, projects.id
             FROM erasures JOIN projects ON projects.number = erasures.project
             WHERE state < 3 ORDER BY erasures.number LIMIT 1",
        )?
        .query_row([], |row| {
            let job = Job {
                number: row.get(0)?,
                project: row.get(1)?,
                log: row.get(1)?,
                state: ErasureState::from_code(row.get(2)?).unwrap_or(ErasureState::Devices),
                person: Person::default(),
                place: row.get(4)?,
                looked_at: Offset(row.get::<_, i64>(5)? as u64),
                until: Offset(row.get::<_, i64>(6)? as u64),
            };
            let ids = (row.get(7)?, row.get(8)?);
            Ok((job, row.get::<_, Option<String>>(3)?, ids))
        })
        .optional()?;
    let Some((mut job, subject, (id, project))) = row else {
        return Ok(None);
    };
    if let Some(subject) = subject {
        let person = serde_json::from_str(&subject);
        job.person = person.map_err(|_| Fault::damaged("an erasure can't be read"))?;
    }
    let mut log = ProjectId::from_bytes(project);
    if job.state == ErasureState::Events
        && job.looked_at >= job.until
        && let Some(import) = next_import(connection, &mut job)?
    {
        log = import;
    }
    Ok(Some((job, ErasureId::from_bytes(id), log)))
}

/// Goes on with the next import's log that has not been looked through; says whose it is.
fn next_import(connection: &Connection, job: &mut Job) -> Result<Option<ProjectId>, Fault> {
    let next = connection
        .prepare_cached(
            "SELECT log, looked_at, until, projects.id FROM erasing_imports
             JOIN projects ON projects.number = log
             WHERE erasure = ?1 AND looked_at < until ORDER BY log LIMIT 1",
        )?
        .query_row([job.number], |row| {
            job.log = row.get(0)?;
            job.looked_at = Offset(row.get::<_, i64>(1)? as u64);
            job.until = Offset(row.get::<_, i64>(2)? as u64);
            row.get(3)
        })
        .optional()?;
    Ok(next.map(ProjectId::from_bytes))
}

/// The next devices that belong to the person, and the last one that was looked at; `None` when all
/// have been.
fn devices(connection: &Connection, job: &Job) -> Result<(Vec<String>, Option<String>), Fault> {
    let mut query = connection.prepare_cached(
        "SELECT device_id, amplitude_id FROM devices WHERE project = ?1 AND device_id > ?2
         ORDER BY device_id LIMIT ?3",
    )?;
    let mut rows = query.query(params![job.project, job.place, DEVICES])?;
    let (mut found, mut last, mut count) = (Vec::new(), None, 0);
    while let Some(row) = rows.next()? {
        let (device, amplitude_id): (String, i64) = (row.get(0)?, row.get(1)?);
        if job.person.amplitude_ids.contains(&amplitude_id) {
            found.push(device.clone());
        }
        last = Some(device);
        count += 1;
    }
    Ok((found, last.filter(|_| count == DEVICES)))
}

/// Looks for the person's events among the next chunks. A damaged one must not keep what is left of the
/// person elsewhere: it is passed, and counted.
fn events(connection: &Connection, job: &Job, project: ProjectId) -> Result<Looked, Fault> {
    let needles = job.person.needles();
    let mut query = connection.prepare_cached(
        "SELECT first, count, body FROM chunks WHERE project = ?1 AND first >= ?2 AND first < ?3
         ORDER BY first LIMIT ?4",
    )?;
    let bounds = params![job.log, job.looked_at.0 as i64, job.until.0 as i64, CHUNKS];
    let mut rows = query.query(bounds)?;
    let (mut bytes, mut count) = (0, 0);
    let mut looked = Looked {
        hits: Vec::new(),
        unreadable: 0,
        end: job.looked_at,
    };
    while let Some(row) = rows.next()? {
        let (first, events): (i64, i64) = (row.get(0)?, row.get(1)?);
        let body = row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?;
        let first = Offset(first as u64);
        (bytes, count) = (bytes + body.len(), count + 1);
        let end = Offset(first.0 + events as u64);
        looked.end = end;
        let is_hit = needles.iter().any(|needle| contains(body, needle));
        let chunk = match is_hit {
            true => Chunk::read(project, first, events as u64, Bytes::copy_from_slice(body)),
            false => None,
        };
        if chunk.is_none() && (is_hit || !chunk::is_whole(body)) {
            let unreadable = end.min(job.until).0 - first.0;
            tracing::error!(%project, from = first.0, events = unreadable, "events are damaged: nobody can tell whether they are of a user who is erased");
            looked.unreadable += unreadable;
        }
        if let Some(chunk) = chunk {
            let mut offsets = Vec::new();
            for event in chunk
                .events()
                .iter()
                .filter(|event| event.offset < job.until)
            {
                let theirs = match job.is_import() {
                    true => job.person.is_of_import(event),
                    false => job.person.has(connection, event)?,
                };
                if theirs {
                    offsets.push(event.offset);
                }
            }
            if !offsets.is_empty() {
                looked.hits.push(Hit { first, offsets });
            }
        }
        if bytes > CHUNK_BYTES {
            return Ok(looked);
        }
    }
    if count < CHUNKS {
        // Nothing lies behind.
        looked.end = job.until;
    }
    Ok(looked)
}

/// Whether a text is somewhere in a chunk.
fn contains(body: &[u8], needle: &[u8]) -> bool {
    let Some(first) = needle.first() else {
        return true;
    };
    let mut rest = body;
    while let Some(at) = rest.iter().position(|byte| byte == first) {
        if rest[at..].starts_with(needle) {
            return true;
        }
        rest = &rest[at + 1..];
    }
    false
}

impl Person {
    /// One of these is in the text of each event of theirs.
    fn needles(&self) -> Vec<Vec<u8>> {
        let ids = self.user_ids.iter().chain(&self.devices).map(|id| {
            let mut json = Vec::new();
            write_string(id, &mut json);
            json
        });
        let numbers = self.amplitude_ids.iter();
        let numbers = numbers.map(|id| format!("\"amplitude_id\":{id}").into_bytes());
        ids.chain(numbers).collect()
    }

    /// Whether an event of an archive is theirs: by its user, or, where it names none, by its device. What
    /// it has as `amplitude_id` was given elsewhere.
    fn is_of_import(&self, event: &Event) -> bool {
        let Ok(root) = event.root() else {
            return false;
        };
        let text = |name| root.get(name).and_then(Value::as_str);
        let is = |ids: &[String], id: &str| ids.iter().any(|each| each == id);
        match (text("user_id"), text("device_id")) {
            (Some(user_id), _) => is(&self.user_ids, user_id),
            (None, Some(device_id)) => is(&self.devices, device_id),
            (None, None) => false,
        }
    }

    /// Whether an event is theirs: by its user, or, where it names none, by its device, unless that was
    /// another user's then.
    fn has(&self, connection: &Connection, event: &Event) -> Result<bool, Fault> {
        let Ok(root) = event.root() else {
            return Ok(false);
        };
        let text = |name| root.get(name).and_then(Value::as_str);
        let known = |ids: &[String], id: &str| ids.iter().any(|each| each == id);
        let amplitude_id = root.get("amplitude_id").and_then(Value::as_number);
        let amplitude_id = amplitude_id.and_then(|number| number.as_i64());
        if amplitude_id.is_some_and(|id| self.amplitude_ids.contains(&id)) {
            return Ok(true);
        }
        if let Some(user_id) = text("user_id") {
            return Ok(known(&self.user_ids, user_id));
        }
        if !text("device_id").is_some_and(|device| known(&self.devices, device)) {
            return Ok(false);
        }
        let Some(amplitude_id) = amplitude_id else {
            return Ok(true);
        };
        let named = connection
            .prepare_cached("SELECT 1 FROM users WHERE amplitude_id = ?1 AND user_id IS NOT NULL")?
            .exists([amplitude_id])?;
        Ok(!named)
    }
}

impl Sqlite {
    /// One step of the oldest erasure that is not done.
    pub(super) async fn erasing_step(&self, now: Timestamp) -> Result<Erasing, StorageError> {
        let Some((job, id, project)) = self.readers.run(next_job).await? else {
            return Ok(Erasing::default());
        };
        let more = Erasing {
            more: true,
            finished: None,
        };
        match job.state {
            ErasureState::Devices => {
                let looked_up = job.clone();
                let read = move |connection: &Connection| devices(connection, &looked_up);
                let (found, place) = self.readers.run(read).await?;
                self.request(move |group| {
                    group.erase_devices(&job, &found, place.as_deref()).map(Ok)
                })
                .await?;
            }
            ErasureState::Events => {
                let looked_up = job.clone();
                let read = move |connection: &Connection| events(connection, &looked_up, project);
                let looked = self.readers.run(read).await?;
                let firsts: Vec<_> = looked.hits.iter().map(|hit| hit.first).collect();
                self.request(move |group| group.erase_events(&job, &looked, now).map(Ok))
                    .await?;
                self.forget_chunks(project, &firsts).await;
            }
            ErasureState::Files => {
                let number = job.number;
                if job.place != OVERWRITTEN {
                    self.request(move |group| group.overwrite_free_space(number).map(Ok))
                        .await?;
                    return Ok(more);
                }
                if !self.start_log_over().await? {
                    // Somebody reads: later.
                    return Ok(Erasing::default());
                }
                // A step that was broken off may not have said it.
                self.shared.log(project).erased.add_one();
                self.request(move |group| group.finish_erasure(number, now).map(Ok))
                    .await?;
                let find = move |connection: &Connection| find(connection, id);
                let finished = self.readers.run(find).await?;
                return Ok(Erasing { finished, ..more });
            }
            ErasureState::Done => {}
        }
        Ok(more)
    }

    /// Forgets chunks as they were. Who began to read before they were changed may have brought them
    /// into memory just after. Then has those look again who have read events of them.
    async fn forget_chunks(&self, project: ProjectId, firsts: &[Offset]) {
        if firsts.is_empty() {
            return;
        }
        let log = self.shared.log(project);
        let _loading = log.loading.lock().await;
        for first in firsts {
            self.shared.cache.remove(project, *first);
        }
        log.erased.add_one();
    }

    /// Moves all of the write-ahead log into the database and cuts it off; `false` when somebody still
    /// reads of it.
    async fn start_log_over(&self) -> Result<bool, StorageError> {
        let file = self.file.clone();
        let checkpoint = move |_: &Connection| -> Result<bool, Fault> {
            let connection = connect(&file, Role::Checkpointer)?;
            let truncate = "PRAGMA wal_checkpoint(TRUNCATE)";
            let busy: i64 = connection.query_row(truncate, [], |row| row.get(0))?;
            Ok(busy == 0)
        };
        self.readers.run(checkpoint).await
    }
}
