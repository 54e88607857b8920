//! The thread that follows the log and gathers what was received.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use model::{Event, Offset, ProjectId};
use rusqlite::{Connection, params};

use super::change::{Change, Outcome};
use super::rows::{self, Base};
use super::{Gathered, Recent};
use crate::StorageError;
use crate::received::Room;
use crate::sqlite::config::Config;
use crate::sqlite::failure::Fault;
use crate::sqlite::open::{DATABASE, Role, connect};
use crate::sqlite::reader;
use crate::sqlite::shared::{ProjectLog, Shared};
use crate::sqlite::writer::queue::Queue;
use crate::sqlite::writer::work::Work;

/// How often there is a look at what is new: before it has left the cache.
const EVERY: Duration = Duration::from_millis(100);

/// How long the thread waits after something failed.
const BACKOFF: Duration = Duration::from_secs(10);

/// Events that are taken in one go, and in one round.
const AT_ONCE: usize = 512;
const PER_ROUND: usize = 16 * AT_ONCE;

/// Names that are gathered at most, of all projects together: beyond, nothing more is until some of it
/// is in the tables.
const MOST_NAMES: usize = 100_000;

/// Projects whose rows are written in one round.
const WRITES_PER_ROUND: usize = 8;

/// Follows the log as long as nobody drops what it was given to end it by.
#[derive(Debug)]
pub(in crate::sqlite) struct Follower {
    recent: Arc<Recent>,
    config: Arc<Config>,
    shared: Arc<Shared>,
    queue: Arc<Queue>,
    stopped: Receiver<()>,
    journal: Option<Connection>,
    /// What the tables have of the projects of which nothing is gathered at present.
    known: HashMap<ProjectId, Base>,
}

impl Follower {
    pub(super) fn new(
        recent: Arc<Recent>,
        config: Arc<Config>,
        shared: Arc<Shared>,
        queue: Arc<Queue>,
        stopped: Receiver<()>,
    ) -> Self {
        Self {
            recent,
            config,
            shared,
            queue,
            stopped,
            journal: None,
            known: HashMap::new(),
        }
    }

    pub(in crate::sqlite) fn run(mut self) {
        let mut pause = EVERY;
        while let Err(RecvTimeoutError::Timeout) = self.stopped.recv_timeout(pause) {
            let began = Instant::now();
            pause = match self.round() {
                Ok(false) => EVERY,
                // Never more than a quarter of one processor: nobody waits for it.
                Ok(true) => (3 * began.elapsed()).min(BACKOFF),
                // The writer is ending, and so is this, in a moment.
                Err(StorageError::Closed) => EVERY,
                Err(problem) => {
                    tracing::warn!(%problem, "what was received can't be gathered; trying again");
                    self.begin_anew();
                    BACKOFF
                }
            };
        }
    }

    /// Gathers some of what is new and writes some of what has waited; says whether there is more to do
    /// at once.
    fn round(&mut self) -> Result<bool, StorageError> {
        let sort = |fault: Fault| StorageError::from(fault.sort(&self.file()));
        if self.journal.is_none() {
            let connection =
                connect(&self.file(), Role::Reader).map_err(|error| sort(error.into()));
            self.journal = Some(connection?);
        }
        let (mut left, mut gathered) = (PER_ROUND, self.size());
        for (project, log) in self.shared.logs() {
            while left > 0 && gathered < MOST_NAMES {
                let (events, names) = self
                    .take(project, &log)
                    .map_err(|fault| fault.sort(&self.file()))?;
                if events == 0 {
                    break;
                }
                left = left.saturating_sub(events);
                gathered += names;
            }
        }
        let full = gathered >= MOST_NAMES;
        let due = self.due(full);
        let more = left == 0 || due.len() == WRITES_PER_ROUND;
        for project in due {
            self.write(project)?;
        }
        Ok(more)
    }

    fn file(&self) -> std::path::PathBuf {
        self.config.folder.join(DATABASE)
    }

    /// Names that are gathered at present.
    fn size(&self) -> usize {
        let projects = self.recent.projects();
        projects.values().map(|each| each.tally.size()).sum()
    }

    /// Takes in some events of a project; says how many, and how many names that brought.
    fn take(&mut self, project: ProjectId, log: &ProjectLog) -> Result<(usize, usize), Fault> {
        let Some(journal) = &self.journal else {
            return Ok((0, 0));
        };
        let gathered = self.recent.projects().get(&project).map(|each| each.next);
        let next = match (gathered, self.known.get(&project)) {
            (Some(next), _) => next,
            (None, Some(base)) => base.next,
            (None, None) => {
                let base = rows::base(journal, log.number())?;
                let next = base.next;
                self.known.insert(project, base);
                next
            }
        };
        if next >= log.head() {
            return Ok((0, 0));
        }
        let (events, end) = match self.shared.cache.read(project, next, AT_ONCE) {
            Some(events) => (events, None),
            // Not by way of the cache: lanes need it more.
            None => stored(journal, project, log.number(), next)?,
        };
        let behind = events.last().map(|last| last.offset.next());
        // Where there are none any more, retention has taken them all.
        let end = end.or(behind).unwrap_or(log.head());
        let mut projects = self.recent.projects();
        let gathered = projects.entry(project).or_insert_with(|| Gathered {
            base: self.known.remove(&project).unwrap_or_default(),
            next,
            tally: self.recent.tally(),
            began: Instant::now(),
        });
        let before = gathered.tally.size();
        events.iter().for_each(|event| gathered.tally.add(event));
        gathered.next = end;
        let names = gathered.tally.size().saturating_sub(before);
        Ok((events.len().max(1), names))
    }

    /// What has waited long enough, the longest first; with `at_once` also what hasn't.
    fn due(&self, at_once: bool) -> Vec<ProjectId> {
        let projects = self.recent.projects();
        let waited = projects.iter();
        let mut due: Vec<_> = waited
            .filter(|(_, each)| at_once || each.began.elapsed() >= self.config.received_wait)
            .map(|(project, each)| (each.began, *project))
            .collect();
        due.sort_unstable_by_key(|(began, _)| *began);
        due.truncate(WRITES_PER_ROUND);
        due.into_iter().map(|(_, project)| project).collect()
    }

    /// Has what was gathered of a project written.
    fn write(&mut self, project: ProjectId) -> Result<(), StorageError> {
        let (Some(gathered), Some(journal)) = (self.recent.of(project), &self.journal) else {
            return Ok(());
        };
        let number = self.shared.log(project).number();
        let sort = |fault: Fault| StorageError::from(fault.sort(&self.file()));
        let before = rows::base(journal, number).map_err(sort)?;
        let (next, erasures) = (gathered.next, gathered.base.erasures);
        let outcome = match before.next == gathered.base.next && before.erasures == erasures {
            true => {
                let tally = gathered.tally;
                let change = Change::new(journal, number, before, next, tally, Room::TABLES);
                self.have_written(change.map_err(sort)?)?
            }
            false => Outcome::Erased,
        };
        // Overtaken, it is tried again in the next round.
        if outcome != Outcome::Overtaken {
            self.recent.projects().remove(&project);
        }
        Ok(())
    }

    fn have_written(&self, change: Change) -> Result<Outcome, StorageError> {
        let (work, answer) = Work::request(move |group| change.write(group.connection()).map(Ok));
        self.queue.push(work).map_err(|_| StorageError::Closed)?;
        answer.blocking_recv().unwrap_or(Err(StorageError::Closed))
    }

    /// After a fault: what was gathered is gathered again from where the tables say.
    fn begin_anew(&mut self) {
        self.journal = None;
        self.known.clear();
        self.recent.projects().clear();
    }
}

/// Some events that are on the disk. Where these are damaged: none, and the position behind them. They are
/// passed over, or nothing behind them would ever be gathered.
fn stored(
    journal: &Connection,
    project: ProjectId,
    number: i64,
    next: Offset,
) -> Result<(Vec<Arc<Event>>, Option<Offset>), Fault> {
    let what = match reader::chunks(journal, project, number, next) {
        Ok(chunks) => {
            let events = chunks.iter();
            let events = events.flat_map(|chunk| chunk.events_from(next.max(chunk.first)).to_vec());
            return Ok((events.collect(), None));
        }
        Err(Fault::Damaged(what)) => what,
        Err(other) => return Err(other),
    };
    tracing::error!(what, "these events aren't counted among what was received");
    let end: i64 = journal
        .prepare_cached(
            "SELECT first + count FROM chunks WHERE project = ?1 AND first + count > ?2 AND first >=
                 coalesce((SELECT max(first) FROM chunks WHERE project = ?1 AND first <= ?2), 0)
             ORDER BY first LIMIT 1",
        )?
        .query_row(params![number, next.0 as i64], |row| row.get(0))?;
    Ok((Vec::new(), Some(Offset(end as u64))))
}
