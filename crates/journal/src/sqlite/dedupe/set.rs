//! The set as the writer sees it: what is in memory, which runs there are, what is to be built.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{fs, io};

use model::Timestamp;
use rusqlite::{Connection, params};

use super::builder::{Built, Job, Source, path};
use super::key::KeyTable;
use super::run::Run;
use super::{Entry, Key, WINDOW, seconds_rounded_up};
use crate::sqlite::Config;
use crate::sqlite::failure::Fault;

const ENTRY: usize = Key::BYTES + 4;
const DAY: u32 = 24 * 60 * 60;
/// Batches are not written in the exact order of their reception, and clocks get corrected: what
/// has left the window is kept this much longer. It no longer counts, though.
const SLACK: u32 = 60 * 60;
/// How many runs of like size are merged into one.
const FAN_IN: usize = 4;
/// How much larger the table in memory may grow while runs can't be written fast enough.
const OVERFULL: usize = 4;
/// How long to wait after a run could not be written.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(5);

/// The keys of the last 7 days.
#[derive(Debug)]
pub(in crate::sqlite) struct Dedupe {
    folder: PathBuf,
    max_table: usize,
    max_filter_bytes: u64,
    table: KeyTable,
    /// The oldest second in the table.
    table_since: u32,
    /// What is being sorted and written.
    frozen: Option<Arc<KeyTable>>,
    /// The last row of the log whose keys are in it.
    frozen_row: i64,
    runs: Vec<Registered>,
    /// Keys of the commit that is under way.
    pending: KeyTable,
    /// The last row of the log that is committed, and the one that is under way.
    last_row: i64,
    next_row: i64,
    next_run: i64,
    latest: u32,
    building: bool,
    built: Option<Built>,
    pause_until: Option<Instant>,
    /// Runs whose rows the commit under way deletes.
    expiring: Vec<i64>,
}

#[derive(Debug)]
struct Registered {
    number: i64,
    level: u32,
    oldest: u32,
    newest: u32,
    run: Arc<Run>,
}

impl Dedupe {
    /// Opens the runs, reads the log, deletes what no row names.
    pub(in crate::sqlite) fn load(connection: &Connection, config: &Config) -> Result<Self, Fault> {
        let mut set = Self {
            folder: config.folder.clone(),
            max_table: config.dedupe_memtable_keys.max(1),
            max_filter_bytes: config.dedupe_filter_bytes as u64,
            table: KeyTable::default(),
            table_since: u32::MAX,
            frozen: None,
            frozen_row: 0,
            runs: Vec::new(),
            pending: KeyTable::default(),
            last_row: 0,
            next_row: 0,
            next_run: 1,
            latest: 0,
            building: false,
            built: None,
            pause_until: None,
            expiring: Vec::new(),
        };
        let mut query =
            connection.prepare("SELECT sequence, keys FROM dedupe_log ORDER BY sequence")?;
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            set.last_row = row.get(0)?;
            set.load_row(row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?)?;
        }
        set.next_row = set.last_row;
        let mut query = connection.prepare(
            "SELECT number, level, oldest, newest FROM dedupe_runs ORDER BY number DESC",
        )?;
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            set.load_run(row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)?;
        }
        set.runs.reverse();
        set.next_run = set.runs.last().map_or(1, |run| run.number + 1);
        set.delete_orphans()?;
        Ok(set)
    }

    fn load_row(&mut self, keys: &[u8]) -> Result<(), Fault> {
        let damaged = || Fault::damaged("a row of dedupe_log is damaged");
        if !keys.len().is_multiple_of(ENTRY) {
            return Err(damaged());
        }
        for entry in keys.chunks_exact(ENTRY) {
            let key = Key::from_bytes(entry).ok_or_else(damaged)?;
            let second = entry[Key::BYTES..].try_into().map(u32::from_le_bytes);
            self.remember((key, second.map_err(|_| damaged())?));
        }
        Ok(())
    }

    fn load_run(&mut self, number: i64, level: u32, oldest: u32, newest: u32) -> Result<(), Fault> {
        let path = path(&self.folder, number);
        let run = Run::open(&path, self.filter_budget()).map_err(|e| Fault::File(path, e))?;
        self.latest = self.latest.max(newest);
        self.runs.push(Registered {
            number,
            level,
            oldest,
            newest,
            run: Arc::new(run),
        });
        Ok(())
    }

    fn delete_orphans(&self) -> Result<(), Fault> {
        let failed = |error: io::Error| Fault::File(self.folder.clone(), error);
        for entry in fs::read_dir(&self.folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let ours = path
                .extension()
                .is_some_and(|e| e == "run" || e == "unfinished");
            let named = self.runs.iter().any(|run| run.run.path == path);
            if ours && !named {
                fs::remove_file(&path).map_err(|error| Fault::File(path, error))?;
            }
        }
        Ok(())
    }

    /// Whether the key was accepted within the window before `received_at`.
    pub(in crate::sqlite) fn contains(
        &self,
        key: Key,
        received_at: Timestamp,
    ) -> Result<bool, Fault> {
        let counts =
            |second: u32| received_at.since(Timestamp(i64::from(second) * 1_000_000)) <= WINDOW;
        let frozen = self.frozen.as_deref();
        let in_memory = [Some(&self.pending), Some(&self.table), frozen];
        let found = |table: &&KeyTable| table.get(&key).copied().is_some_and(counts);
        if in_memory.iter().flatten().any(found) {
            return Ok(true);
        }
        for registered in self.runs.iter().rev() {
            if !counts(registered.newest) {
                continue;
            }
            let found = registered.run.get(key);
            let found = found.map_err(|e| Fault::File(registered.run.path.clone(), e))?;
            if found.is_some_and(counts) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Adds a key to the commit under way.
    pub(in crate::sqlite) fn insert(&mut self, key: Key, received_at: Timestamp) {
        self.pending.insert(key, seconds_rounded_up(received_at));
    }

    /// Whether no more keys should be taken until a run has been written.
    pub(in crate::sqlite) fn is_overfull(&self) -> bool {
        self.table.len() >= self.max_table.saturating_mul(OVERFULL)
    }

    /// Writes what the commit under way has to say: new keys, and a finished run with what it
    /// replaces.
    pub(in crate::sqlite) fn write(&mut self, connection: &Connection) -> Result<(), Fault> {
        if !self.pending.is_empty() {
            let mut keys = Vec::with_capacity(self.pending.len() * ENTRY);
            for (key, second) in &self.pending {
                keys.extend_from_slice(&key.to_bytes());
                keys.extend_from_slice(&second.to_le_bytes());
            }
            self.next_row = self.last_row + 1;
            connection
                .prepare_cached("INSERT INTO dedupe_log VALUES (?1, ?2)")?
                .execute(params![self.next_row, keys])?;
        }
        let Some(built) = &self.built else {
            return Ok(());
        };
        match &built.source {
            Source::Table(_, up_to) => {
                connection.execute("DELETE FROM dedupe_log WHERE sequence <= ?1", [up_to])?;
            }
            Source::Runs(runs) => {
                for (number, _) in runs {
                    connection.execute("DELETE FROM dedupe_runs WHERE number = ?1", [number])?;
                }
            }
        }
        if built.summary.keys > 0 {
            let (keys, summary) = (built.summary.keys as i64, built.summary);
            connection.execute(
                "INSERT INTO dedupe_runs VALUES (?1, ?2, ?3, ?4, ?5)",
                params![
                    built.number,
                    built.level,
                    keys,
                    summary.oldest,
                    summary.newest
                ],
            )?;
        }
        Ok(())
    }

    /// Whether a commit has something to do for the set even without new events.
    pub(in crate::sqlite) fn has_work(&self) -> bool {
        self.built.is_some()
    }

    /// Deletes the rows of runs whose keys have all left the window.
    pub(in crate::sqlite) fn expire(
        &mut self,
        connection: &Connection,
        now: Timestamp,
    ) -> Result<(), Fault> {
        // A run that is being merged can wait.
        if self.building {
            return Ok(());
        }
        let oldest = seconds_rounded_up(now).saturating_sub(WINDOW.as_secs() as u32 + SLACK);
        for run in self.runs.iter().filter(|run| run.newest < oldest) {
            connection.execute("DELETE FROM dedupe_runs WHERE number = ?1", [run.number])?;
            self.expiring.push(run.number);
        }
        Ok(())
    }

    /// The transaction is durable.
    pub(in crate::sqlite) fn committed(&mut self) {
        self.last_row = self.next_row;
        let pending = std::mem::take(&mut self.pending);
        for entry in &pending {
            self.remember((*entry.0, *entry.1));
        }
        // Its memory serves the next commit.
        self.pending = pending;
        self.pending.clear();
        for number in std::mem::take(&mut self.expiring) {
            self.forget(number);
        }
        if let Some(built) = self.built.take() {
            self.register(built);
        }
    }

    fn register(&mut self, built: Built) {
        self.building = false;
        match built.source {
            Source::Table(..) => self.frozen = None,
            Source::Runs(runs) => runs.iter().for_each(|(number, _)| self.forget(*number)),
        }
        let registered = Registered {
            number: built.number,
            level: built.level,
            oldest: built.summary.oldest,
            newest: built.summary.newest,
            run: built.run,
        };
        if built.summary.keys > 0 {
            // A merged run takes its sources' place in time.
            let place = self
                .runs
                .partition_point(|run| run.oldest < registered.oldest);
            self.runs.insert(place, registered);
        } else {
            delete(&registered.run);
        }
    }

    fn forget(&mut self, number: i64) {
        if let Some(position) = self.runs.iter().position(|run| run.number == number) {
            delete(&self.runs.remove(position).run);
        }
    }

    /// The transaction was rolled back. A finished run waits for the next one.
    pub(in crate::sqlite) fn rolled_back(&mut self) {
        self.next_row = self.last_row;
        self.pending.clear();
        self.expiring.clear();
    }

    fn remember(&mut self, (key, second): Entry) {
        let known = self.table.entry(key).or_insert(second);
        *known = (*known).max(second);
        self.table_since = self.table_since.min(second);
        self.latest = self.latest.max(second);
    }

    /// What the builder should do now, if it is idle and there is something to do.
    pub(in crate::sqlite) fn next_job(&mut self) -> Option<Job> {
        let pausing = self.pause_until.is_some_and(|until| Instant::now() < until);
        if self.building || pausing {
            return None;
        }
        let (source, level) = self.next_table().or_else(|| self.next_merge())?;
        self.building = true;
        let number = self.next_run;
        self.next_run += 1;
        Some(Job {
            number,
            level,
            source,
            keep_from: self.latest.saturating_sub(WINDOW.as_secs() as u32 + SLACK),
        })
    }

    fn next_table(&mut self) -> Option<(Source, u32)> {
        if let Some(frozen) = &self.frozen {
            // An earlier attempt to write it failed; its rows end before the table's.
            return Some((Source::Table(Arc::clone(frozen), self.frozen_row), 0));
        }
        let age = self.latest.saturating_sub(self.table_since);
        if self.table.is_empty() || (self.table.len() < self.max_table && age < DAY) {
            return None;
        }
        let table = Arc::new(std::mem::take(&mut self.table));
        self.table_since = u32::MAX;
        self.frozen_row = self.last_row;
        self.frozen = Some(Arc::clone(&table));
        Some((Source::Table(table, self.last_row), 0))
    }

    /// Neighbours in time of the same level, if together they span no more than a day: so a run
    /// can be dropped soon after its first key has left the window.
    fn next_merge(&self) -> Option<(Source, u32)> {
        let like = |runs: &&[Registered]| {
            let level = runs[0].level;
            let oldest = runs.iter().map(|run| run.oldest).min();
            let newest = runs.iter().map(|run| run.newest).max();
            let span = newest.unwrap_or(0).saturating_sub(oldest.unwrap_or(0));
            runs.iter().all(|run| run.level == level) && span <= DAY
        };
        let runs = self.runs.windows(FAN_IN).find(like)?;
        let sources = runs.iter().map(|run| (run.number, Arc::clone(&run.run)));
        Some((Source::Runs(sources.collect()), runs[0].level + 1))
    }

    /// The builder is done: its run is registered with the next commit.
    pub(in crate::sqlite) fn finish(&mut self, outcome: io::Result<Built>) {
        match outcome {
            Ok(built) => self.built = Some(built),
            Err(error) => {
                tracing::error!(%error, "a run of duplicate detection can't be written");
                self.building = false;
                self.pause_until = Some(Instant::now() + PAUSE_AFTER_FAILURE);
            }
        }
    }

    /// How much memory the filter of a new run may take.
    pub(in crate::sqlite) fn filter_budget(&self) -> u64 {
        let used: u64 = self.runs.iter().map(|run| run.run.filter_bytes()).sum();
        self.max_filter_bytes.saturating_sub(used)
    }
}

fn delete(run: &Run) {
    // No row names it any more: what stays behind is deleted at the next start.
    if let Err(error) = fs::remove_file(&run.path) {
        tracing::warn!(path = %run.path.display(), %error, "an old file can't be deleted");
    }
}
