//! Logs of imports: each is a project's of its own in the tables, and counts for another one.
//!
//! Erasing that project's users, its retention and what is held of it go over them; they go with the sync
//! that they are of.

use std::collections::HashMap;

use model::{Offset, SyncId, Timestamp};
use rusqlite::{Connection, params};

use super::group::Group;
use super::retention::Step;
use crate::ImportLog;
use crate::sqlite::failure::Fault;
use crate::sqlite::received;

/// Of version 6: whose logs of imports are, and how far erasures are with them.
pub(in crate::sqlite) const CREATE_IMPORTS: &str = "
CREATE TABLE imports (
    log     INTEGER PRIMARY KEY,
    owner   INTEGER NOT NULL,
    whose   BLOB NOT NULL,
    dropped INTEGER NOT NULL
) STRICT;
CREATE INDEX imports_owner ON imports (owner);

CREATE TABLE erasing_imports (
    erasure   INTEGER NOT NULL,
    log       INTEGER NOT NULL,
    looked_at INTEGER NOT NULL,
    until     INTEGER NOT NULL,
    PRIMARY KEY (erasure, log)
) STRICT, WITHOUT ROWID;
";

/// All logs of imports: few enough to be kept in memory.
#[derive(Debug, Default)]
pub(super) struct Imports {
    /// By the number of the log's project.
    by_log: HashMap<i64, Import>,
}

#[derive(Debug)]
struct Import {
    /// The number of the project that it counts for.
    owner: i64,
    /// The sync with which it goes.
    whose: SyncId,
    /// Whether it is to go.
    dropped: bool,
}

impl Imports {
    pub(super) fn load(connection: &Connection) -> Result<Self, Fault> {
        let mut query = connection.prepare("SELECT log, owner, whose, dropped FROM imports")?;
        let rows = query.query_map([], |row| {
            let import = Import {
                owner: row.get(1)?,
                whose: SyncId::from_bytes(row.get(2)?),
                dropped: row.get(3)?,
            };
            Ok((row.get(0)?, import))
        })?;
        Ok(Self {
            by_log: rows.collect::<Result<_, _>>()?,
        })
    }

    /// The logs that count for a project.
    pub(super) fn of(&self, owner: i64) -> impl Iterator<Item = i64> {
        let of = self.by_log.iter();
        of.filter(move |(_, import)| import.owner == owner)
            .map(|(log, _)| *log)
    }

    /// Each log, with the project that it counts for.
    pub(super) fn iter(&self) -> impl Iterator<Item = (i64, i64)> {
        self.by_log.iter().map(|(log, import)| (*log, import.owner))
    }

    fn add(&mut self, connection: &Connection, log: i64, import: Import) -> Result<(), Fault> {
        connection
            .prepare_cached("INSERT INTO imports VALUES (?1, ?2, ?3, 0)")?
            .execute(params![log, import.owner, import.whose.to_bytes()])?;
        self.by_log.insert(log, import);
        Ok(())
    }

    /// Has a log go, with what is still appended to it.
    fn drop_log(&mut self, connection: &Connection, log: i64) -> Result<(), Fault> {
        let Some(import) = self.by_log.get_mut(&log) else {
            return Ok(());
        };
        if !import.dropped {
            import.dropped = true;
            connection
                .prepare_cached("UPDATE imports SET dropped = 1 WHERE log = ?1")?
                .execute([log])?;
        }
        Ok(())
    }

    /// Has all logs go that are of a sync.
    pub(super) fn drop_of(&mut self, connection: &Connection, sync: SyncId) -> Result<(), Fault> {
        let of_sync = self.by_log.iter();
        let of_sync = of_sync.filter(|(_, import)| import.whose == sync);
        let logs: Vec<_> = of_sync.map(|(log, _)| *log).collect();
        logs.into_iter()
            .try_for_each(|log| self.drop_log(connection, log))
    }
}

impl Group<'_> {
    /// See [`Journal::own_imports`](crate::Journal::own_imports).
    pub(in crate::sqlite) fn own_imports(&mut self, logs: &[ImportLog]) -> Result<(), Fault> {
        let state = &mut *self.state;
        for one in logs {
            let known = state.projects.get(one.log);
            if known.is_none() && one.over {
                continue;
            }
            let log = state.projects.get_or_create(self.connection, one.log)?;
            let log = log.number;
            if !state.imports.by_log.contains_key(&log) {
                let owner = state.projects.get_or_create(self.connection, one.owner)?;
                let import = Import {
                    owner: owner.number,
                    whose: one.whose,
                    dropped: false,
                };
                state.imports.add(self.connection, log, import)?;
            }
            if one.over {
                state.imports.drop_log(self.connection, log)?;
            }
        }
        Ok(())
    }

    /// Removes events of logs that are to go.
    pub(super) fn remove_dropped_imports(
        &mut self,
        now: Timestamp,
        step: &mut Step,
    ) -> Result<(), Fault> {
        let by_log = &self.state.imports.by_log;
        let is_dropped = |log: i64| by_log.get(&log).is_some_and(|import| import.dropped);
        let projects = self.state.projects.iter();
        let with_events = projects.filter(|(_, project)| project.kept_bytes > 0);
        let logs = with_events.map(|(_, project)| project.number);
        let logs: Vec<_> = logs.filter(|log| is_dropped(*log)).collect();
        for log in logs {
            let chunks = self.chunks_of(log, Offset(0))?;
            // Whatever the counts say: a step that removes nothing is not repeated.
            if chunks.is_empty() {
                continue;
            }
            for chunk in &chunks {
                self.remove_chunk(chunk, now, step)?;
            }
            step.more = true;
            // Their values go with them.
            return received::forget_gone(self.connection, log);
        }
        Ok(())
    }
}
