//! The properties of groups (companies, teams, …), in memory and on disk.

use hashlink::LruCache;
use rusqlite::{Connection, OptionalExtension, params};
use xxhash_rust::xxh3::Xxh3;

use super::user::update;
use crate::IncomingEvent;
use crate::sqlite::Config;
use crate::sqlite::failure::Fault;

/// What a group without properties has.
const NONE: &[u8] = b"{}";

/// Groups lately seen, with what they have become since the last commit.
#[derive(Debug)]
pub(super) struct GroupProperties {
    groups: LruCache<u128, Group>,
    changed: Vec<u128>,
    weight: usize,
    seed: u64,
}

#[derive(Debug)]
struct Group {
    project: i64,
    kind: Box<str>,
    name: Box<str>,
    properties: Vec<u8>,
    changed: bool,
}

impl Group {
    fn weight(&self) -> usize {
        const FIXED: usize = 160;
        FIXED + self.kind.len() + self.name.len() + self.properties.len()
    }
}

impl GroupProperties {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            groups: LruCache::new_unbounded(),
            changed: Vec::new(),
            weight: 0,
            seed,
        }
    }

    /// Makes the event's change to each of its groups.
    pub(super) fn apply(
        &mut self,
        connection: &Connection,
        project: i64,
        event: &IncomingEvent,
        config: &Config,
    ) -> Result<(), Fault> {
        if event.group_update.is_empty() {
            return Ok(());
        }
        for (kind, names) in &event.groups {
            for name in names {
                let key = self.load(connection, project, kind, name)?;
                let Some(group) = self.groups.get_mut(&key) else {
                    continue;
                };
                let weight = group.weight();
                let max_bytes = config.properties_max_bytes;
                let changed = update(&mut group.properties, &event.group_update, max_bytes)
                    .map_err(|_| unreadable(kind, name))?
                    .is_some();
                self.weight = self.weight + group.weight() - weight;
                if changed && !group.changed {
                    group.changed = true;
                    self.changed.push(key);
                }
            }
        }
        Ok(())
    }

    /// A group's properties as JSON; `None` when it has none.
    pub(super) fn get(
        &mut self,
        connection: &Connection,
        project: i64,
        kind: &str,
        name: &str,
    ) -> Result<Option<&[u8]>, Fault> {
        let key = self.load(connection, project, kind, name)?;
        let properties = self.groups.get(&key).map(|group| &group.properties[..]);
        Ok(properties.filter(|properties| *properties != NONE))
    }

    /// Brings the group into memory, one without properties too, and says where it is.
    fn load(
        &mut self,
        connection: &Connection,
        project: i64,
        kind: &str,
        name: &str,
    ) -> Result<u128, Fault> {
        let key = self.key(project, kind, name);
        if self.groups.contains_key(&key) {
            return Ok(key);
        }
        let stored: Option<String> = connection
            .prepare_cached(
                "SELECT properties FROM groups WHERE project = ?1 AND type = ?2 AND name = ?3",
            )?
            .query_row(params![project, kind, name], |row| row.get(0))
            .optional()?;
        let group = Group {
            project,
            kind: kind.into(),
            name: name.into(),
            properties: stored.map_or_else(|| NONE.to_vec(), String::into_bytes),
            changed: false,
        };
        self.weight += group.weight();
        self.groups.insert(key, group);
        Ok(key)
    }

    fn key(&self, project: i64, kind: &str, name: &str) -> u128 {
        let mut hash = Xxh3::with_seed(self.seed);
        hash.update(&project.to_le_bytes());
        hash.update(&(kind.len() as u64).to_le_bytes());
        hash.update(kind.as_bytes());
        hash.update(name.as_bytes());
        hash.digest128()
    }

    /// Writes what has changed, within the transaction that appends the events.
    pub(super) fn write(&mut self, connection: &Connection) -> Result<(), Fault> {
        let mut write =
            connection.prepare_cached("INSERT OR REPLACE INTO groups VALUES (?1, ?2, ?3, ?4)")?;
        for key in self.changed.drain(..) {
            let Some(group) = self.groups.peek_mut(&key) else {
                continue;
            };
            group.changed = false;
            let properties = std::str::from_utf8(&group.properties)
                .map_err(|_| unreadable(&group.kind, &group.name))?;
            write.execute(params![group.project, group.kind, group.name, properties])?;
        }
        Ok(())
    }

    /// Forgets the least recently seen ones beyond the bounds. Everything must be written.
    pub(super) fn trim(&mut self, config: &Config) {
        while self.weight > config.user_cache_bytes || self.groups.len() > config.user_cache_entries
        {
            let Some((_, group)) = self.groups.remove_lru() else {
                break;
            };
            self.weight -= group.weight();
        }
    }
}

fn unreadable(kind: &str, name: &str) -> Fault {
    Fault::damaged(format!(
        "the properties of the group {kind} {name} can't be read"
    ))
}
