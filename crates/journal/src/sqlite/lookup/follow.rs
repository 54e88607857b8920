//! The thread that follows the log and builds the index.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use model::{Event, Offset, ProjectId, Timestamp};
use rusqlite::{Connection, OptionalExtension};

use super::Lookup;
use super::index::{Index, delete};
use super::page::Entry;
use crate::sqlite::config::Config;
use crate::sqlite::failure::{Failure, Fault};
use crate::sqlite::open::{DATABASE, Role, connect};
use crate::sqlite::reader;
use crate::sqlite::shared::{ProjectLog, Shared};

/// How often there is a look at what is new: before it has left the cache.
const EVERY: Duration = Duration::from_millis(100);

/// Few events become a run when they have waited this long.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// A run has at most so many times the events that make one worth while.
const LARGEST_RUN: usize = 4;

/// How often runs are looked at whose events may be gone.
const RETIRE_EVERY: Duration = Duration::from_secs(60);

/// Batches may be committed so much later than others that were received after them.
const DISORDER: Duration = Duration::from_secs(60 * 60);

/// How long the thread waits after something failed.
const BACKOFF: Duration = Duration::from_secs(10);

/// Events that are taken in one go.
const AT_ONCE: usize = 512;

/// Follows the log as long as nobody drops what it was given to end it by.
#[derive(Debug)]
pub(in crate::sqlite) struct Follower {
    lookup: Arc<Lookup>,
    config: Arc<Config>,
    shared: Arc<Shared>,
    stopped: Receiver<()>,
    index: Option<Index>,
    journal: Option<Connection>,
    /// How far each project has been read.
    positions: HashMap<ProjectId, (i64, Offset)>,
    gathered: Gathered,
    written_at: Instant,
    retired_at: Option<Instant>,
}

/// What the next run will have.
#[derive(Debug, Default)]
struct Gathered {
    entries: Vec<Entry>,
    events: usize,
    received: Option<(Timestamp, Timestamp)>,
}

impl Follower {
    pub(super) fn new(
        lookup: Arc<Lookup>,
        config: Arc<Config>,
        shared: Arc<Shared>,
        stopped: Receiver<()>,
    ) -> Self {
        Self {
            lookup,
            config,
            shared,
            stopped,
            index: None,
            journal: None,
            positions: HashMap::new(),
            gathered: Gathered::default(),
            written_at: Instant::now(),
            retired_at: None,
        }
    }

    pub(in crate::sqlite) fn run(mut self) {
        let mut pause = EVERY;
        while let Err(RecvTimeoutError::Timeout) = self.stopped.recv_timeout(pause) {
            let began = Instant::now();
            pause = match self.round() {
                Ok(false) => EVERY,
                // Never more than a quarter of one processor: nobody waits for it.
                Ok(true) => (3 * began.elapsed()).min(4 * EVERY),
                Err(fault) => {
                    self.give_up(fault);
                    BACKOFF
                }
            };
        }
    }

    /// Takes in some of what is new and tidies up a little; says whether there is more to do at once.
    fn round(&mut self) -> Result<bool, Fault> {
        if self.index.is_none() {
            self.index = Some(Index::open(&self.config.folder, self.lookup.seed)?);
        }
        if self.journal.is_none() {
            self.journal = Some(connect(&self.config.folder.join(DATABASE), Role::Reader)?);
        }
        let most = self.config.lookup_run_events.max(1) * LARGEST_RUN;
        let mut behind = false;
        for (project, log) in self.shared.logs() {
            while self.gathered.events < most && self.take(project, &log)? {}
            behind |= self.gathered.events >= most;
        }
        let many = self.gathered.events >= self.config.lookup_run_events;
        let long = self.written_at.elapsed() >= LONGEST_WAIT;
        if many || (long && self.gathered.events > 0) {
            self.write()?;
        }
        self.retire()?;
        let index = self.index.as_mut();
        let more = index.map_or(Ok(false), Index::tidy)?;
        Ok(behind || more)
    }

    /// Takes in some events of a project; says whether there were any.
    fn take(&mut self, project: ProjectId, log: &ProjectLog) -> Result<bool, Fault> {
        let number = log.number();
        let (Some(index), Some(journal)) = (&self.index, &self.journal) else {
            return Ok(false);
        };
        let next = match self.positions.get(&project) {
            Some((_, next)) => *next,
            None => index.cursor(number)?,
        };
        if next > log.head() {
            return Err(Fault::damaged("it is ahead of the journal"));
        }
        if next == log.head() {
            return Ok(false);
        }
        let events = match self.shared.cache.read(project, next, AT_ONCE) {
            Some(events) => events,
            // Not by way of the cache: lanes need it more.
            None => {
                let chunks = reader::chunks(journal, project, number, next)?;
                let chunks = chunks.iter();
                chunks
                    .flat_map(|chunk| chunk.events_from(next.max(chunk.first)).to_vec())
                    .collect()
            }
        };
        // Where there are none any more, retention has taken them all.
        let end = events.last().map_or(log.head(), |last| last.offset.next());
        for event in &events {
            self.gathered.add(&self.lookup, number, event);
        }
        self.positions.insert(project, (number, end));
        Ok(true)
    }

    fn write(&mut self) -> Result<(), Fault> {
        let Some(index) = &mut self.index else {
            return Ok(());
        };
        let cursors: Vec<_> = self.positions.values().copied().collect();
        let received = self.gathered.received.unwrap_or_default();
        index.add(&mut self.gathered.entries, received, &cursors)?;
        self.gathered = Gathered::default();
        self.written_at = Instant::now();
        Ok(())
    }

    fn retire(&mut self) -> Result<(), Fault> {
        let due = self
            .retired_at
            .is_none_or(|at| at.elapsed() >= RETIRE_EVERY);
        let (Some(index), Some(journal), true) = (&mut self.index, &self.journal, due) else {
            return Ok(());
        };
        self.retired_at = Some(Instant::now());
        let oldest: Option<i64> = journal
            .prepare_cached("SELECT received_from FROM chunks ORDER BY sequence LIMIT 1")?
            .query_row([], |row| row.get(0))
            .optional()?;
        match oldest {
            Some(oldest) => index.retire(Timestamp(oldest) - DISORDER),
            None => Ok(()),
        }
    }

    /// After a fault: begins anew where the index says, or with a new one.
    fn give_up(&mut self, fault: Fault) {
        self.index = None;
        self.journal = None;
        self.positions.clear();
        self.gathered = Gathered::default();
        let file = self.config.folder.join(super::DATABASE);
        match fault.sort(&file) {
            Failure::Corrupt(problem) => {
                tracing::warn!(problem, "the index of events is built anew");
                if let Err(error) = delete(&self.config.folder) {
                    tracing::error!(%error, file = %file.display(), "the index of events can't be deleted");
                }
                self.lookup.renewed();
            }
            failure => tracing::warn!(
                ?failure,
                "the index of events can't be written; trying again"
            ),
        }
    }
}

impl Gathered {
    fn add(&mut self, lookup: &Lookup, project: i64, event: &Event) {
        let offset = event.offset.0;
        lookup.hashes(project, event, |hash| self.entries.push((hash, offset)));
        self.events += 1;
        let at = event.received_at;
        let (oldest, newest) = self.received.unwrap_or((at, at));
        self.received = Some((oldest.min(at), newest.max(at)));
    }
}
