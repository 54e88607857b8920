//! The users of all projects: which user an event belongs to, and their state in memory and on disk.

use std::collections::HashMap;

use hashlink::LruCache;
use model::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use xxhash_rust::xxh3::xxh3_128_with_seed;

use super::user::{Groups, Stored, User};
use crate::IncomingEvent;
use crate::sqlite::Config;
use crate::sqlite::failure::Fault;

/// Users lately seen, with what they have become since the last commit.
///
/// What is not yet on disk stays in memory until the commit: [`trim`](Self::trim) comes after it.
#[derive(Debug)]
pub(super) struct Users {
    by_number: LruCache<i64, User>,
    /// Hash of project and user id, or device id → amplitude id.
    by_id: LruCache<u128, i64>,
    by_device: LruCache<u128, i64>,
    /// What this commit has to write.
    changed: Vec<i64>,
    /// The names of the properties that the event in hand changed.
    changed_properties: Vec<String>,
    moved_devices: HashMap<(i64, String), i64>,
    removed: Vec<i64>,
    last_amplitude_id: i64,
    written_amplitude_id: i64,
    weight: usize,
    seed: u64,
}

impl Users {
    pub(super) fn load(connection: &Connection, seed: u64) -> Result<Self, Fault> {
        let last = connection
            .query_row(
                "SELECT value FROM meta WHERE key = 'last_amplitude_id'",
                [],
                |row| row.get(0),
            )
            .optional()?
            .unwrap_or(0);
        Ok(Self {
            by_number: LruCache::new_unbounded(),
            by_id: LruCache::new_unbounded(),
            by_device: LruCache::new_unbounded(),
            changed: Vec::new(),
            changed_properties: Vec::new(),
            moved_devices: HashMap::new(),
            removed: Vec::new(),
            last_amplitude_id: last,
            written_amplitude_id: last,
            weight: 0,
            seed,
        })
    }

    /// The user that the event belongs to, with the event's changes, and the names of the properties
    /// among them; `None` when it has none.
    pub(super) fn apply(
        &mut self,
        connection: &Connection,
        project: i64,
        event: &IncomingEvent,
        config: &Config,
    ) -> Result<Option<(&User, &[String])>, Fault> {
        self.changed_properties.clear();
        let Some(number) = self.resolve(connection, project, event, config)? else {
            return Ok(None);
        };
        let user = load_user(&mut self.by_number, &mut self.weight, connection, number)?;
        let (stored, weight) = (user.stored, user.weight());
        let changed = user
            .apply(
                event,
                config.properties_max_bytes,
                &mut self.changed_properties,
            )
            .map_err(|_| unreadable(number))?;
        if changed {
            self.weight = self.weight + user.weight() - weight;
            if stored == Stored::Yes {
                self.changed.push(number);
            }
        }
        Ok(Some((user, &self.changed_properties)))
    }

    /// Finds or makes the event's user and ties the device to them.
    fn resolve(
        &mut self,
        connection: &Connection,
        project: i64,
        event: &IncomingEvent,
        config: &Config,
    ) -> Result<Option<i64>, Fault> {
        let device = event.device_id.as_deref();
        let on_device = match device {
            Some(device) => self.find_device(connection, project, device)?,
            None => None,
        };
        let Some(user_id) = event.user_id.as_deref() else {
            let Some(device) = device else {
                return Ok(None);
            };
            if on_device.is_some() {
                return Ok(on_device);
            }
            let anonymous = self.create(project, None, event.event_time);
            self.tie(project, device, anonymous);
            return Ok(Some(anonymous));
        };
        let known = self.find_user(connection, project, user_id)?;
        if known.is_some() && known == on_device {
            return Ok(known);
        }
        let anonymous = match on_device {
            Some(number) => {
                let user = load_user(&mut self.by_number, &mut self.weight, connection, number)?;
                user.user_id.is_none().then_some(number)
            }
            None => None,
        };
        let number = match (known, anonymous) {
            (Some(number), Some(anonymous)) => {
                self.merge(connection, anonymous, number, config)?;
                number
            }
            (Some(number), None) => number,
            (None, Some(anonymous)) => {
                self.name(connection, anonymous, user_id)?;
                return Ok(Some(anonymous));
            }
            (None, None) => self.create(project, Some(user_id), event.event_time),
        };
        if let Some(device) = device {
            self.tie(project, device, number);
        }
        Ok(Some(number))
    }

    fn find_device(
        &mut self,
        connection: &Connection,
        project: i64,
        device: &str,
    ) -> Result<Option<i64>, Fault> {
        let key = self.key(project, device);
        if let Some(number) = self.by_device.get(&key) {
            return Ok(Some(*number));
        }
        let found = connection
            .prepare_cached(
                // Of a user who was erased, devices may be left for a moment.
                "SELECT devices.amplitude_id FROM devices
                 JOIN users ON users.amplitude_id = devices.amplitude_id
                 WHERE devices.project = ?1 AND device_id = ?2",
            )?
            .query_row(params![project, device], |row| row.get(0))
            .optional()?;
        if let Some(number) = found {
            self.by_device.insert(key, number);
        }
        Ok(found)
    }

    fn find_user(
        &mut self,
        connection: &Connection,
        project: i64,
        user_id: &str,
    ) -> Result<Option<i64>, Fault> {
        let key = self.key(project, user_id);
        if let Some(number) = self.by_id.get(&key) {
            return Ok(Some(*number));
        }
        let found = connection
            .prepare_cached("SELECT amplitude_id FROM users WHERE project = ?1 AND user_id = ?2")?
            .query_row(params![project, user_id], |row| row.get(0))
            .optional()?;
        if let Some(number) = found {
            self.by_id.insert(key, number);
        }
        Ok(found)
    }

    fn create(&mut self, project: i64, user_id: Option<&str>, at: Timestamp) -> i64 {
        self.last_amplitude_id += 1;
        let number = self.last_amplitude_id;
        if let Some(user_id) = user_id {
            let key = self.key(project, user_id);
            self.by_id.insert(key, number);
        }
        let user = User::new(number, project, user_id.map(Box::from), at);
        self.weight += user.weight();
        self.by_number.insert(number, user);
        self.changed.push(number);
        number
    }

    fn tie(&mut self, project: i64, device: &str, number: i64) {
        let key = self.key(project, device);
        self.by_device.insert(key, number);
        self.moved_devices
            .insert((project, device.to_owned()), number);
    }

    /// The anonymous user turns out to be this one, who hasn't been seen before.
    fn name(
        &mut self,
        connection: &Connection,
        anonymous: i64,
        user_id: &str,
    ) -> Result<(), Fault> {
        let user = load_user(&mut self.by_number, &mut self.weight, connection, anonymous)?;
        user.user_id = Some(user_id.into());
        if user.stored == Stored::Yes {
            self.changed.push(anonymous);
        }
        user.mark_changed();
        let key = hash(self.seed, user.project, user_id);
        self.by_id.insert(key, anonymous);
        Ok(())
    }

    /// The anonymous user turns out to be a known one: only their properties live on.
    fn merge(
        &mut self,
        connection: &Connection,
        anonymous: i64,
        number: i64,
        config: &Config,
    ) -> Result<(), Fault> {
        load_user(&mut self.by_number, &mut self.weight, connection, anonymous)?;
        let Some(gone) = self.by_number.remove(&anonymous) else {
            return Ok(());
        };
        self.weight -= gone.weight();
        if gone.stored != Stored::No {
            self.removed.push(anonymous);
        }
        let user = load_user(&mut self.by_number, &mut self.weight, connection, number)?;
        let (stored, weight) = (user.stored, user.weight());
        let names = &mut self.changed_properties;
        user.inherit(&gone.properties, config.properties_max_bytes, names)
            .map_err(|_| unreadable(number))?;
        self.weight = self.weight + user.weight() - weight;
        if stored == Stored::Yes && user.stored == Stored::Outdated {
            self.changed.push(number);
        }
        Ok(())
    }

    /// Writes what has changed, within the transaction that appends the events.
    pub(super) fn write(&mut self, connection: &Connection) -> Result<(), Fault> {
        if self.last_amplitude_id != self.written_amplitude_id {
            connection
                .prepare_cached("INSERT OR REPLACE INTO meta VALUES ('last_amplitude_id', ?1)")?
                .execute([self.last_amplitude_id])?;
            self.written_amplitude_id = self.last_amplitude_id;
        }
        let mut delete = connection.prepare_cached("DELETE FROM users WHERE amplitude_id = ?1")?;
        for number in self.removed.drain(..) {
            delete.execute([number])?;
        }
        // In the order of the table, for fewer pages to touch at a time.
        self.changed.sort_unstable();
        for number in self.changed.drain(..) {
            // One that was made and merged since the last commit is gone.
            if let Some(user) = self.by_number.peek_mut(&number) {
                write_user(connection, user)?;
            }
        }
        let mut tie =
            connection.prepare_cached("INSERT OR REPLACE INTO devices VALUES (?1, ?2, ?3)")?;
        for ((project, device), number) in self.moved_devices.drain() {
            tie.execute(params![project, device, number])?;
        }
        Ok(())
    }

    /// Forgets users whose rows are gone, with all that leads to them. Everything must be written.
    pub(super) fn forget(&mut self, project: i64, user_ids: &[String], numbers: &[i64]) {
        for number in numbers {
            if let Some(user) = self.by_number.remove(number) {
                self.weight -= user.weight();
            }
        }
        for user_id in user_ids {
            let key = self.key(project, user_id);
            self.by_id.remove(&key);
        }
        let gone = self.by_device.iter();
        let gone = gone.filter(|(_, number)| numbers.contains(number));
        let gone: Vec<_> = gone.map(|(key, _)| *key).collect();
        for key in gone {
            self.by_device.remove(&key);
        }
    }

    /// Forgets the least recently seen ones beyond the bounds. Everything must be written.
    pub(super) fn trim(&mut self, config: &Config) {
        while self.weight > config.user_cache_bytes
            || self.by_number.len() > config.user_cache_entries
        {
            let Some((_, user)) = self.by_number.remove_lru() else {
                break;
            };
            self.weight -= user.weight();
        }
        for ids in [&mut self.by_id, &mut self.by_device] {
            while ids.len() > config.user_cache_entries {
                ids.remove_lru();
            }
        }
    }

    fn key(&self, project: i64, id: &str) -> u128 {
        hash(self.seed, project, id)
    }
}

/// A key of 128 bits stands for the id: with a secret seed, no two ids in use share one.
fn hash(seed: u64, project: i64, id: &str) -> u128 {
    xxh3_128_with_seed(id.as_bytes(), seed ^ (project as u64).rotate_left(32))
}

fn unreadable(number: i64) -> Fault {
    Fault::damaged(format!(
        "the state of the user with amplitude_id {number} can't be read"
    ))
}

/// The user from memory, or into it. (Takes the fields apart, for the borrow to stay small.)
fn load_user<'a>(
    users: &'a mut LruCache<i64, User>,
    weight: &mut usize,
    connection: &Connection,
    number: i64,
) -> Result<&'a mut User, Fault> {
    if !users.contains_key(&number) {
        let user = read_user(connection, number)?;
        *weight += user.weight();
        users.insert(number, user);
    }
    users.get_mut(&number).ok_or_else(|| unreadable(number))
}

fn read_user(connection: &Connection, number: i64) -> Result<User, Fault> {
    let mut query = connection.prepare_cached(
        "SELECT project, user_id, created_at, start_version, paying, groups, properties
         FROM users WHERE amplitude_id = ?1",
    )?;
    let mut rows = query.query([number])?;
    let row = rows.next()?.ok_or_else(|| unreadable(number))?;
    let groups: String = row.get(5)?;
    let mut user = User::new(number, row.get(0)?, row.get(1)?, Timestamp(row.get(2)?));
    user.start_version = row.get(3)?;
    user.paying = row.get(4)?;
    user.groups = serde_json::from_str(&groups).map_err(|_| unreadable(number))?;
    user.properties = row.get::<_, String>(6)?.into_bytes();
    user.stored = Stored::Yes;
    user.write_identity();
    Ok(user)
}

fn write_user(connection: &Connection, user: &mut User) -> Result<(), Fault> {
    let sql = match user.stored {
        Stored::Yes => return Ok(()),
        Stored::No => {
            "INSERT INTO users (amplitude_id, project, user_id, created_at, start_version, paying,
                groups, properties) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"
        }
        Stored::Outdated => {
            "UPDATE users SET project = ?2, user_id = ?3, created_at = ?4, start_version = ?5,
                paying = ?6, groups = ?7, properties = ?8 WHERE amplitude_id = ?1"
        }
    };
    let properties = std::str::from_utf8(&user.properties);
    connection.prepare_cached(sql)?.execute(params![
        user.amplitude_id,
        user.project,
        user.user_id,
        user.created_at.0,
        user.start_version,
        user.paying,
        groups_json(&user.groups),
        properties.map_err(|_| unreadable(user.amplitude_id))?,
    ])?;
    user.stored = Stored::Yes;
    Ok(())
}

fn groups_json(groups: &Groups) -> String {
    // A map of lists of strings always has a JSON form.
    serde_json::to_string(groups).unwrap_or_default()
}
