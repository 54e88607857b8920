//! The sections of those components whose own settings aren't read from a file as they are.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::fmt::serde::unsigned_duration::friendly::compact::required as duration;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

/// What must not be lost: events, users' state, cursors, retries. Those settings of
/// [`journal::sqlite::Config`] that an operator may want to change.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Journal {
    queue_max_bytes: usize,
    event_cache_bytes: usize,
    user_cache_entries: usize,
    user_cache_bytes: usize,
    properties_max_bytes: usize,
    #[serde(with = "duration")]
    retention_age: Duration,
    retention_bytes: u64,
    backlog_max_bytes: u64,
    #[serde(with = "duration")]
    paused_max_age: Duration,
    paused_max_bytes: u64,
    #[serde(with = "duration")]
    ended_max_age: Duration,
    ended_max_per_lane: u64,
    #[serde(with = "duration")]
    outcomes_max_age: Duration,
    outcomes_max_per_lane: u64,
    delivered_max_bytes: u64,
    lookup_index: bool,
    disk_reserve_bytes: u64,
    #[serde(with = "duration")]
    check_budget: Duration,
}

impl Journal {
    /// The journal's settings, with its folder in the data folder.
    pub(crate) fn in_folder(&self, data_dir: &Path) -> journal::sqlite::Config {
        journal::sqlite::Config {
            queue_max_bytes: self.queue_max_bytes,
            event_cache_bytes: self.event_cache_bytes,
            user_cache_entries: self.user_cache_entries,
            user_cache_bytes: self.user_cache_bytes,
            properties_max_bytes: self.properties_max_bytes,
            retention_age: self.retention_age,
            retention_bytes: self.retention_bytes,
            backlog_max_bytes: self.backlog_max_bytes,
            paused_max_age: self.paused_max_age,
            paused_max_bytes: self.paused_max_bytes,
            ended_max_age: self.ended_max_age,
            ended_max_per_lane: self.ended_max_per_lane,
            outcomes_max_age: self.outcomes_max_age,
            outcomes_max_per_lane: self.outcomes_max_per_lane,
            delivered_max_bytes: self.delivered_max_bytes,
            lookup_index: self.lookup_index,
            disk_reserve_bytes: self.disk_reserve_bytes,
            check_budget: self.check_budget,
            ..journal::sqlite::Config::new(data_dir.join("journal"))
        }
    }
}

/// Projects, syncs, tokens and secrets.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Store {
    /// Empty: `control.db` in the data folder.
    database: SecretString,
    /// Empty: `secret.key` in the data folder.
    key_file: PathBuf,
    /// Empty: the keys are in the file.
    key: SecretString,
    connections: NonZeroU32,
    #[serde(with = "duration")]
    acquire_timeout: Duration,
    mail_hourly: NonZeroU32,
    mail_queue: NonZeroU32,
    #[serde(with = "duration")]
    mail_retention: Duration,
}

impl Store {
    /// The store's settings; what is left empty is in the data folder.
    pub(crate) fn in_folder(&self, data_dir: &Path) -> store::Config {
        let mut config = store::Config::in_folder(data_dir);
        if !self.database.expose_secret().is_empty() {
            config.database = self.database.expose_secret().to_owned();
        }
        if !self.key_file.as_os_str().is_empty() {
            config.key_file.clone_from(&self.key_file);
        }
        if !self.key.expose_secret().is_empty() {
            config.key = Some(store::Secret::new(self.key.expose_secret().to_owned()));
        }
        config.connections = self.connections;
        config.acquire_timeout = self.acquire_timeout;
        config.mail = store::mail::Limits {
            hourly: self.mail_hourly,
            queue: self.mail_queue,
            retention: self.mail_retention,
        };
        config
    }
}
