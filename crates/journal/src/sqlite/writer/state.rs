//! What the writer keeps in memory of the tables. All of it can be read again: that is what
//! happens when a transaction has been rolled back.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use model::Offset;
use rusqlite::Connection;

use super::ages::Shorter;
use super::erasure::Erased;
use super::groups::GroupProperties;
use super::imports::Imports;
use super::lanes::{Lane, Lanes};
use super::projects::Projects;
use super::tally::Tally;
use super::users::Users;
use crate::hold::Standing;
use crate::sqlite::Config;
use crate::sqlite::failure::Fault;
use crate::sqlite::fate::FatesOfLanes;

/// The memory of the tables.
#[derive(Debug)]
pub(in crate::sqlite) struct State {
    pub(super) projects: Projects,
    pub(super) users: Users,
    pub(super) groups: GroupProperties,
    pub(super) lanes: Lanes,
    pub(super) tally: Tally,
    pub(super) fates: FatesOfLanes,
    pub(super) backlog: Backlog,
    /// Retention looked at the chunks before this sequence last time.
    pub(super) retired_to: i64,
    /// Projects that keep less than others.
    pub(super) shorter: Shorter,
    pub(super) imports: Imports,
    pub(super) erased: Erased,
    /// Makes hashes unpredictable.
    pub(super) seed: u64,
}

impl State {
    pub(super) fn load(connection: &Connection, config: &Config) -> Result<Self, Fault> {
        let seed = "SELECT value FROM meta WHERE key = 'seed'";
        let seed = connection.query_row(seed, [], |row| row.get::<_, i64>(0))? as u64;
        let mut state = Self {
            projects: Projects::load(connection)?,
            users: Users::load(connection, seed)?,
            groups: GroupProperties::new(seed),
            lanes: Lanes::load(connection)?,
            tally: Tally::load(connection)?,
            fates: FatesOfLanes::load(connection, config)?,
            backlog: Backlog::default(),
            retired_to: 0,
            shorter: Shorter::default(),
            imports: Imports::load(connection)?,
            erased: Erased::load(connection)?,
            seed,
        };
        state.measure_backlog(connection)?;
        Ok(state)
    }

    /// Keeps memory within its bounds; the transaction must be durable.
    pub(super) fn trim(&mut self, config: &Config) {
        self.users.trim(config);
        self.groups.trim(config);
        self.tally.trim(config);
    }

    /// Whether `bytes` more keep the backlog within `limit`.
    pub(super) fn backlog_admits(
        &mut self,
        connection: &Connection,
        bytes: u64,
        limit: u64,
    ) -> Result<bool, Fault> {
        if self.backlog.estimate() + bytes > limit && self.backlog.outdated {
            self.measure_backlog(connection)?;
        }
        Ok(self.backlog.estimate() + bytes <= limit)
    }

    /// Measures now and then, for those who watch.
    pub(super) fn refresh_backlog(&mut self, connection: &Connection) -> Result<(), Fault> {
        const EVERY: Duration = Duration::from_secs(1);
        let recent = self
            .backlog
            .measured_at
            .is_some_and(|at| at.elapsed() < EVERY);
        match self.backlog.outdated && !recent {
            true => self.measure_backlog(connection),
            false => Ok(()),
        }
    }

    /// Finds the exact size of what running lanes haven't settled.
    pub(super) fn measure_backlog(&mut self, connection: &Connection) -> Result<(), Fault> {
        let mut cursors: HashMap<i64, Offset> = HashMap::new();
        // A lane that has an end looks at what others have settled: it is held for it, but nothing of
        // what comes in adds to it.
        let runs = |lane: &&Lane| lane.standing == Standing::Running && lane.until.is_none();
        for lane in self.lanes.iter().filter(runs) {
            let cursor = cursors.entry(lane.project).or_insert(lane.cursor);
            *cursor = lane.cursor.min(*cursor);
        }
        let mut bytes = 0;
        for (_, project) in self.projects.iter() {
            if let Some(cursor) = cursors.get(&project.number) {
                bytes += project.bytes_from(connection, *cursor)?;
            }
        }
        self.backlog = Backlog {
            measured: bytes,
            appended: 0,
            outdated: false,
            measured_at: Some(Instant::now()),
        };
        Ok(())
    }
}

/// How much running lanes haven't settled: measured, and added to since, so never too small.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    measured: u64,
    appended: u64,
    /// Whether it may be less by now.
    outdated: bool,
    measured_at: Option<Instant>,
}

impl Backlog {
    pub(super) fn estimate(&self) -> u64 {
        self.measured + self.appended
    }

    pub(super) fn appended(&mut self, bytes: u64) {
        self.appended += bytes;
        // A project without lanes adds nothing: only a measurement can tell.
        self.outdated = true;
    }

    pub(super) fn lanes_changed(&mut self) {
        self.outdated = true;
    }
}
