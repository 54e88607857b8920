//! The database of the index: runs of sorted entries in pages.
//!
//! A run is built (`state` 0), read (1), or given up (2): then its pages go little by little. `place`
//! is where it stands in time among the others: a project's offsets in a run are higher than those in
//! the runs before it.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use model::{Offset, Timestamp};
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};

use super::page::{self, Builder, Entry};
use super::{Candidates, DATABASE};
use crate::sqlite::failure::Fault;

/// What `PRAGMA user_version` says: another form is built anew.
const VERSION: i64 = 1;

/// So many neighbours of one level become one of the next.
const FAN: usize = 4;

/// Runs are merged as long as the whole has no more entries and spans no more time: large ones would
/// keep what is long gone.
const MOST_ENTRIES: u64 = 16 << 20;
const MOST_SPAN: Duration = Duration::from_secs(24 * 60 * 60);

/// Pages that one step of merging writes, or of removing deletes.
const PAGES_PER_STEP: usize = 64;

const BUILDING: i64 = 0;
const READ: i64 = 1;
const GIVEN_UP: i64 = 2;

const CREATE: &str = "
CREATE TABLE meta (seed INTEGER NOT NULL) STRICT;

CREATE TABLE cursors (
    project INTEGER PRIMARY KEY,
    next    INTEGER NOT NULL
) STRICT;

CREATE TABLE runs (
    number  INTEGER PRIMARY KEY,
    place   INTEGER NOT NULL,
    state   INTEGER NOT NULL,
    level   INTEGER NOT NULL,
    entries INTEGER NOT NULL,
    oldest  INTEGER NOT NULL,
    newest  INTEGER NOT NULL
) STRICT;

CREATE TABLE pages (
    number INTEGER PRIMARY KEY,
    run    INTEGER NOT NULL,
    hash   INTEGER NOT NULL,
    offset INTEGER NOT NULL,
    body   BLOB NOT NULL
) STRICT;
CREATE INDEX pages_run ON pages (run, hash, offset);
";

pub(super) fn connect(folder: &Path, read_only: bool) -> rusqlite::Result<Connection> {
    let access = match read_only {
        true => OpenFlags::SQLITE_OPEN_READ_ONLY,
        false => OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
    };
    let file = folder.join(DATABASE);
    let connection = Connection::open_with_flags(file, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(Duration::from_secs(10))?;
    connection.pragma_update(None, "cache_size", -1024)?;
    Ok(connection)
}

/// Deletes the files.
pub(super) fn delete(folder: &Path) -> io::Result<()> {
    for suffix in ["", "-wal", "-shm"] {
        match fs::remove_file(folder.join(format!("{DATABASE}{suffix}"))) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// The one who writes it.
#[derive(Debug)]
pub(super) struct Index {
    connection: Connection,
    merging: Option<Merging>,
}

/// A run that is being made of others.
#[derive(Debug)]
struct Merging {
    run: i64,
    inputs: Vec<Input>,
    page: Builder,
}

/// A run that is being read.
#[derive(Debug)]
struct Input {
    run: i64,
    /// The rest of a page, from high to low.
    rest: Vec<Entry>,
    /// The place of that page.
    at: Option<Entry>,
}

#[derive(Debug)]
struct Run {
    number: i64,
    place: i64,
    level: i64,
    entries: u64,
    oldest: Timestamp,
    newest: Timestamp,
}

impl Index {
    /// Opens the index of the journal with this seed, or makes it. Fails when the file is none of ours.
    pub(super) fn open(folder: &Path, seed: u64) -> Result<Self, Fault> {
        let connection = connect(folder, false)?;
        connection.pragma_update(None, "page_size", 8192)?;
        connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
        // What is lost with the power is built again.
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        let seed = seed as i64;
        if version == 0 {
            let transaction = connection.unchecked_transaction()?;
            transaction.execute_batch(CREATE)?;
            transaction.execute("INSERT INTO meta VALUES (?1)", [seed])?;
            transaction.pragma_update(None, "user_version", VERSION)?;
            transaction.commit()?;
        } else {
            let of: i64 = connection.query_row("SELECT seed FROM meta", [], |row| row.get(0))?;
            if version != VERSION || of != seed {
                return Err(Fault::damaged("it is the index of another journal"));
            }
        }
        connection.execute(
            "UPDATE runs SET state = ?1 WHERE state = ?2",
            [GIVEN_UP, BUILDING],
        )?;
        Ok(Self {
            connection,
            merging: None,
        })
    }

    /// Up to where a project, by its number, is indexed.
    pub(super) fn cursor(&self, project: i64) -> Result<Offset, Fault> {
        cursor(&self.connection, project)
    }

    /// Adds a run of entries, and says with it how far the projects are.
    pub(super) fn add(
        &mut self,
        entries: &mut Vec<Entry>,
        (oldest, newest): (Timestamp, Timestamp),
        cursors: &[(i64, Offset)],
    ) -> Result<(), Fault> {
        entries.sort_unstable();
        entries.dedup();
        let transaction = self.connection.unchecked_transaction()?;
        if !entries.is_empty() {
            let run = Run {
                number: 0,
                place: next_place(&transaction)?,
                level: 0,
                entries: entries.len() as u64,
                oldest,
                newest,
            };
            let run = insert_run(&transaction, &run, READ)?;
            let mut page = Builder::default();
            for entry in entries.iter() {
                page.push(*entry);
                if page.is_full() {
                    insert_page(&transaction, run, std::mem::take(&mut page))?;
                }
            }
            insert_page(&transaction, run, page)?;
        }
        for (project, next) in cursors {
            transaction
                .prepare_cached("INSERT OR REPLACE INTO cursors VALUES (?1, ?2)")?
                .execute(params![project, next.0 as i64])?;
        }
        transaction.commit()?;
        entries.clear();
        Ok(())
    }

    /// One step of what keeps runs few; says whether there is more to do.
    pub(super) fn tidy(&mut self) -> Result<bool, Fault> {
        if self.merging.is_some() {
            self.merge_step()?;
            return Ok(true);
        }
        if self.sweep()? {
            return Ok(true);
        }
        self.begin_merging()
    }

    /// Gives up runs whose events were all received before `oldest`.
    pub(super) fn retire(&mut self, oldest: Timestamp) -> Result<(), Fault> {
        if self.merging.is_none() {
            self.connection.execute(
                "UPDATE runs SET state = ?1 WHERE state = ?2 AND newest < ?3",
                params![GIVEN_UP, READ, oldest.0],
            )?;
        }
        Ok(())
    }

    fn begin_merging(&mut self) -> Result<bool, Fault> {
        let runs = runs(&self.connection)?;
        let neighbours = runs.windows(FAN).find(|runs| {
            let level = runs[0].level;
            let oldest = runs.iter().map(|run| run.oldest).min();
            let newest = runs.iter().map(|run| run.newest).max();
            let span = newest
                .zip(oldest)
                .map(|(newest, oldest)| newest.since(oldest));
            runs.iter().all(|run| run.level == level)
                && runs.iter().map(|run| run.entries).sum::<u64>() <= MOST_ENTRIES
                && span <= Some(MOST_SPAN)
        });
        let Some(neighbours) = neighbours else {
            return Ok(false);
        };
        let merged = Run {
            number: 0,
            place: neighbours[0].place,
            level: neighbours[0].level + 1,
            entries: neighbours.iter().map(|run| run.entries).sum(),
            oldest: neighbours
                .iter()
                .map(|run| run.oldest)
                .min()
                .unwrap_or_default(),
            newest: neighbours
                .iter()
                .map(|run| run.newest)
                .max()
                .unwrap_or_default(),
        };
        let run = insert_run(&self.connection, &merged, BUILDING)?;
        let input = |run: &Run| Input {
            run: run.number,
            rest: Vec::new(),
            at: None,
        };
        self.merging = Some(Merging {
            run,
            inputs: neighbours.iter().map(input).collect(),
            page: Builder::default(),
        });
        Ok(true)
    }

    fn merge_step(&mut self) -> Result<(), Fault> {
        let Some(merging) = &mut self.merging else {
            return Ok(());
        };
        let transaction = self.connection.unchecked_transaction()?;
        for _ in 0..PAGES_PER_STEP {
            if merging.fill(&transaction)? {
                insert_page(&transaction, merging.run, std::mem::take(&mut merging.page))?;
                continue;
            }
            insert_page(&transaction, merging.run, std::mem::take(&mut merging.page))?;
            let mut update =
                transaction.prepare_cached("UPDATE runs SET state = ?2 WHERE number = ?1")?;
            for input in &merging.inputs {
                update.execute([input.run, GIVEN_UP])?;
            }
            update.execute([merging.run, READ])?;
            drop(update);
            transaction.commit()?;
            self.merging = None;
            return Ok(());
        }
        transaction.commit()?;
        Ok(())
    }

    /// Removes some pages of runs that were given up; says whether there may be more.
    fn sweep(&mut self) -> Result<bool, Fault> {
        let run: Option<i64> = self
            .connection
            .prepare_cached("SELECT number FROM runs WHERE state = ?1 LIMIT 1")?
            .query_row([GIVEN_UP], |row| row.get(0))
            .optional()?;
        let Some(run) = run else {
            return Ok(false);
        };
        let gone = self
            .connection
            .prepare_cached(
                "DELETE FROM pages WHERE number IN
                    (SELECT number FROM pages WHERE run = ?1 LIMIT ?2)",
            )?
            .execute(params![run, PAGES_PER_STEP as i64])?;
        if gone < PAGES_PER_STEP {
            self.connection
                .execute("DELETE FROM runs WHERE number = ?1", [run])?;
        }
        Ok(true)
    }
}

impl Merging {
    /// Fills the page; `false` when there are no more entries.
    fn fill(&mut self, connection: &Connection) -> Result<bool, Fault> {
        while !self.page.is_full() {
            let mut lowest: Option<(Entry, usize)> = None;
            for (place, input) in self.inputs.iter_mut().enumerate() {
                if let Some(entry) = input.peek(connection)?
                    && lowest.is_none_or(|(known, _)| entry < known)
                {
                    lowest = Some((entry, place));
                }
            }
            let Some((entry, place)) = lowest else {
                return Ok(false);
            };
            self.page.push(entry);
            self.inputs[place].rest.pop();
        }
        Ok(true)
    }
}

impl Input {
    fn peek(&mut self, connection: &Connection) -> Result<Option<Entry>, Fault> {
        if self.rest.is_empty() {
            let (hash, offset) = self
                .at
                .map_or((-1, -1), |(hash, offset)| (hash as i64, offset as i64));
            let mut query = connection.prepare_cached(
                "SELECT hash, offset, body FROM pages WHERE run = ?1 AND (hash, offset) > (?2, ?3)
                 ORDER BY hash, offset LIMIT 1",
            )?;
            let mut rows = query.query(params![self.run, hash, offset])?;
            if let Some(row) = rows.next()? {
                let (first, mut entries) = read_page(row)?;
                entries.reverse();
                (self.at, self.rest) = (Some(first), entries);
            }
        }
        Ok(self.rest.last().copied())
    }
}

/// The runs that are read, in the order of time.
fn runs(connection: &Connection) -> Result<Vec<Run>, Fault> {
    let mut query = connection.prepare_cached(
        "SELECT number, place, level, entries, oldest, newest FROM runs WHERE state = ?1
         ORDER BY place",
    )?;
    let runs = query.query_map([READ], |row| {
        Ok(Run {
            number: row.get(0)?,
            place: row.get(1)?,
            level: row.get(2)?,
            entries: row.get::<_, i64>(3)? as u64,
            oldest: Timestamp(row.get(4)?),
            newest: Timestamp(row.get(5)?),
        })
    })?;
    Ok(runs.collect::<Result<_, _>>()?)
}

fn next_place(connection: &Connection) -> Result<i64, Fault> {
    let last = connection
        .prepare_cached("SELECT max(place) FROM runs")?
        .query_row([], |row| row.get::<_, Option<i64>>(0))?;
    Ok(last.unwrap_or(0) + 1)
}

fn insert_run(connection: &Connection, run: &Run, state: i64) -> Result<i64, Fault> {
    connection
        .prepare_cached("INSERT INTO runs VALUES (NULL, ?1, ?2, ?3, ?4, ?5, ?6)")?
        .execute(params![
            run.place,
            state,
            run.level,
            run.entries as i64,
            run.oldest.0,
            run.newest.0
        ])?;
    Ok(connection.last_insert_rowid())
}

fn insert_page(connection: &Connection, run: i64, page: Builder) -> Result<(), Fault> {
    if let Some((hash, offset)) = page.first {
        connection
            .prepare_cached("INSERT INTO pages VALUES (NULL, ?1, ?2, ?3, ?4)")?
            .execute(params![run, hash as i64, offset as i64, page.bytes])?;
    }
    Ok(())
}

/// The first entry of a page, and all of them.
fn read_page(row: &rusqlite::Row<'_>) -> Result<(Entry, Vec<Entry>), Fault> {
    let first = (row.get::<_, i64>(0)? as u64, row.get::<_, i64>(1)? as u64);
    let body = row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?;
    let entries = page::read(first, body);
    Ok((
        first,
        entries.ok_or_else(|| Fault::damaged("a page can't be read"))?,
    ))
}

fn cursor(connection: &Connection, project: i64) -> Result<Offset, Fault> {
    let next = connection
        .prepare_cached("SELECT next FROM cursors WHERE project = ?1")?
        .query_row([project], |row| row.get::<_, i64>(0))
        .optional()?;
    Ok(Offset(next.unwrap_or(0) as u64))
}

/// Up to `max` offsets with this hash before `before`, from high to low.
pub(super) fn search(
    connection: &Connection,
    project: i64,
    hash: u64,
    before: Offset,
    max: usize,
) -> Result<Candidates, Fault> {
    // Runs, pages and cursors of one moment.
    let transaction = connection.unchecked_transaction()?;
    let mut found = Candidates {
        offsets: Vec::new(),
        indexed: cursor(&transaction, project)?,
    };
    let mut query = transaction.prepare_cached(
        "SELECT hash, offset, body FROM pages WHERE run = ?1 AND (hash, offset) < (?2, ?3)
         ORDER BY hash DESC, offset DESC",
    )?;
    for run in runs(&transaction)?.iter().rev() {
        let mut rows = query.query(params![run.number, hash as i64, before.0 as i64])?;
        while found.offsets.len() < max
            && let Some(row) = rows.next()?
        {
            let (first, entries) = read_page(row)?;
            let matching = entries.iter().rev();
            let matching = matching.filter(|entry| entry.0 == hash && entry.1 < before.0);
            found.offsets.extend(matching.map(|entry| Offset(entry.1)));
            if first.0 < hash {
                break;
            }
        }
        if found.offsets.len() >= max {
            found.offsets.truncate(max);
            break;
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use model::Random;
    use model::random::Seeded;

    use super::*;

    const AT: (Timestamp, Timestamp) = (Timestamp(0), Timestamp(1));

    fn offsets(index: &Index, hash: u64, before: u64, max: usize) -> Vec<u64> {
        let found = search(&index.connection, 1, hash, Offset(before), max).unwrap();
        found.offsets.iter().map(|offset| offset.0).collect()
    }

    /// All entries of many runs, as a naive search finds them.
    fn expected(all: &[Entry], hash: u64, before: u64, max: usize) -> Vec<u64> {
        let matching = all
            .iter()
            .filter(|entry| entry.0 == hash && entry.1 < before);
        let mut offsets: Vec<_> = matching.map(|entry| entry.1).collect();
        offsets.sort_unstable_by(|one, other| other.cmp(one));
        offsets.truncate(max);
        offsets
    }

    #[test]
    fn merging_loses_nothing_and_keeps_runs_few() {
        let folder = tempfile::tempdir().unwrap();
        let mut index = Index::open(folder.path(), 7).unwrap();
        let random = Seeded::new(3);
        let (mut all, mut offset) = (Vec::new(), 0);
        for round in 0..90 {
            let mut entries = Vec::new();
            for _ in 0..700 {
                offset += 1;
                // One that all have, some that many have, and one of its own.
                let own = (1 << 40) + (random.next_u64() >> 20);
                entries.extend([(5, offset), (offset % 13 + 10, offset), (own, offset)]);
            }
            all.extend_from_slice(&entries);
            let cursors = [(1, Offset(offset + 1))];
            index.add(&mut entries, AT, &cursors).unwrap();
            if round % 5 == 0 {
                // Merged in part, and then left as a crash would.
                for _ in 0..random.next_u64() % 4 {
                    index.tidy().unwrap();
                }
                drop(index);
                index = Index::open(folder.path(), 7).unwrap();
            }
            while round % 7 == 0 && index.tidy().unwrap() {}
        }
        while index.tidy().unwrap() {}
        assert!(runs(&index.connection).unwrap().len() < 4 * 3);
        let pages: i64 = index
            .connection
            .query_row(
                "SELECT count(*) FROM pages WHERE run NOT IN (SELECT number FROM runs)",
                [],
                |row| row.get(0),
            )
            .unwrap();
        assert_eq!(pages, 0, "what was given up is swept");
        assert_eq!(index.cursor(1).unwrap(), Offset(offset + 1));
        for hash in [5, 10, 17, 22, 9, 1 << 41] {
            for before in [0, 1, 500, offset / 2, u64::MAX >> 1] {
                let found = offsets(&index, hash, before, 900);
                assert_eq!(found, expected(&all, hash, before, 900), "{hash} {before}");
            }
        }
        let (own, at) = all[all.len() - 1];
        assert_eq!(offsets(&index, own, u64::MAX >> 1, 10), [at]);
    }

    #[test]
    fn runs_of_events_that_are_gone_go() {
        let folder = tempfile::tempdir().unwrap();
        let mut index = Index::open(folder.path(), 7).unwrap();
        for round in 0..3 {
            let at = (Timestamp(round), Timestamp(round));
            let mut entries = vec![(4, round as u64)];
            index.add(&mut entries, at, &[]).unwrap();
        }
        index.retire(Timestamp(2)).unwrap();
        while index.tidy().unwrap() {}
        assert_eq!(offsets(&index, 4, 10, 10), [2]);
        let pages: i64 = index
            .connection
            .query_row("SELECT count(*) FROM pages", [], |row| row.get(0))
            .unwrap();
        assert_eq!(pages, 1);
    }

    #[test]
    fn the_index_of_another_journal_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        drop(Index::open(folder.path(), 7).unwrap());
        assert!(Index::open(folder.path(), 8).is_err());
        assert!(Index::open(folder.path(), 7).is_ok());
        fs::write(folder.path().join(DATABASE), vec![b'x'; 8192]).unwrap();
        assert!(Index::open(folder.path(), 7).is_err());
        delete(folder.path()).unwrap();
        assert!(Index::open(folder.path(), 7).is_ok());
    }
}
