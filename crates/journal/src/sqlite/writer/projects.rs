//! Where each project's log ends, and how much it holds.

use std::collections::HashMap;

use model::{Offset, ProjectId};
use rusqlite::{Connection, params};

use crate::sqlite::failure::Fault;

/// All projects: few enough to be kept in memory.
#[derive(Debug, Default)]
pub(super) struct Projects {
    by_id: HashMap<ProjectId, Project>,
}

#[derive(Debug, Clone)]
pub(super) struct Project {
    /// What stands for the id in the other tables.
    pub(super) number: i64,
    /// The position behind the newest event.
    pub(super) next: Offset,
    /// Bytes of all chunks ever appended: a chunk's `position` is what this was before it.
    pub(super) appended_bytes: u64,
    /// Bytes of the chunks that are still there.
    pub(super) kept_bytes: u64,
    changed: bool,
}

impl Projects {
    pub(super) fn load(connection: &Connection) -> Result<Self, Fault> {
        let mut query = connection
            .prepare("SELECT id, number, next, appended_bytes, kept_bytes FROM projects")?;
        let rows = query.query_map([], |row| {
            let project = Project {
                number: row.get(1)?,
                next: Offset(row.get::<_, i64>(2)? as u64),
                appended_bytes: row.get::<_, i64>(3)? as u64,
                kept_bytes: row.get::<_, i64>(4)? as u64,
                changed: false,
            };
            Ok((ProjectId::from_bytes(row.get(0)?), project))
        })?;
        Ok(Self {
            by_id: rows.collect::<Result<_, _>>()?,
        })
    }

    /// The project, made when it is new.
    pub(super) fn get_or_create(
        &mut self,
        connection: &Connection,
        id: ProjectId,
    ) -> Result<&mut Project, Fault> {
        let entry = match self.by_id.entry(id) {
            std::collections::hash_map::Entry::Occupied(known) => return Ok(known.into_mut()),
            std::collections::hash_map::Entry::Vacant(entry) => entry,
        };
        connection
            .prepare_cached("INSERT INTO projects VALUES (NULL, ?1, 0, 0, 0)")?
            .execute([id.to_bytes()])?;
        Ok(entry.insert(Project {
            number: connection.last_insert_rowid(),
            next: Offset(0),
            appended_bytes: 0,
            kept_bytes: 0,
            changed: false,
        }))
    }

    pub(super) fn get(&self, id: ProjectId) -> Option<&Project> {
        self.by_id.get(&id)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (ProjectId, &Project)> {
        self.by_id.iter().map(|(id, project)| (*id, project))
    }

    pub(super) fn by_number(&mut self, number: i64) -> Option<(ProjectId, &mut Project)> {
        let (id, project) = self
            .by_id
            .iter_mut()
            .find(|(_, project)| project.number == number)?;
        Some((*id, project))
    }

    /// Bytes of all events that are kept.
    pub(super) fn kept_bytes(&self) -> u64 {
        self.by_id.values().map(|project| project.kept_bytes).sum()
    }

    /// Writes what has changed, within the transaction.
    pub(super) fn write(&mut self, connection: &Connection) -> Result<(), Fault> {
        let mut update = connection.prepare_cached(
            "UPDATE projects SET next = ?2, appended_bytes = ?3, kept_bytes = ?4 WHERE number = ?1",
        )?;
        for project in self.by_id.values_mut().filter(|project| project.changed) {
            update.execute(params![
                project.number,
                project.next.0 as i64,
                project.appended_bytes as i64,
                project.kept_bytes as i64
            ])?;
            project.changed = false;
        }
        Ok(())
    }
}

impl Project {
    /// Moves the end of the log.
    pub(super) fn advance_to(&mut self, next: Offset) {
        self.next = next;
        self.changed = true;
    }

    /// Counts a chunk; returns its position.
    pub(super) fn append(&mut self, bytes: u64) -> u64 {
        let position = self.appended_bytes;
        self.appended_bytes += bytes;
        self.kept_bytes += bytes;
        self.changed = true;
        position
    }

    /// Counts a chunk that is gone.
    pub(super) fn remove(&mut self, bytes: u64) {
        self.kept_bytes = self.kept_bytes.saturating_sub(bytes);
        self.changed = true;
    }

    /// How many bytes from `offset` on have been appended, whole chunks counted.
    pub(super) fn bytes_from(&self, connection: &Connection, offset: Offset) -> Result<u64, Fault> {
        if offset >= self.next {
            return Ok(0);
        }
        let mut query = connection.prepare_cached(
            "SELECT position FROM chunks WHERE project = ?1 AND first + count > ?2 AND first >=
                COALESCE((SELECT max(first) FROM chunks WHERE project = ?1 AND first <= ?2), 0)
             ORDER BY first LIMIT 1",
        )?;
        let mut rows = query.query(params![self.number, offset.0 as i64])?;
        let position = match rows.next()? {
            Some(row) => row.get::<_, i64>(0)? as u64,
            None => self.appended_bytes,
        };
        Ok(self.appended_bytes.saturating_sub(position))
    }
}
