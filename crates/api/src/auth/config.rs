//! Settings of signing in and of access.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::fmt::serde::unsigned_duration::friendly::compact::required as duration;
use model::setting::{Check, Invalid};
use serde::Deserialize;

use super::openid;

/// How people and programs are let in.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// How long a session lasts at most.
    #[serde(with = "duration")]
    pub session_lifetime: Duration,
    /// How long a session lasts without being used.
    #[serde(with = "duration")]
    pub session_idle: Duration,
    /// How long an invitation can be accepted.
    #[serde(with = "duration")]
    pub invitation_lifetime: Duration,
    /// How long a link to set a new password can be used.
    #[serde(with = "duration")]
    pub password_reset_lifetime: Duration,
    /// The memory that hashing a password takes, in KiB. Passwords that were hashed with less are
    /// hashed again when they are next used.
    pub password_memory_kib: u32,
    /// How often that memory is gone over.
    pub password_passes: u32,
    /// Passwords that are hashed at a time; others wait.
    pub password_hashers: usize,
    /// Passwords that may wait to be hashed; others are refused.
    pub password_queue: usize,
    /// Requests a second of one token or session, averaged over ten seconds, and four times as many of
    /// all those of one person; 0: any number.
    pub requests_per_second: u32,
    /// How long the audit log is kept.
    #[serde(with = "duration")]
    pub audit_retention: Duration,
    /// The providers of OpenID Connect that people sign in with, by name.
    #[serde(default)]
    pub openid: BTreeMap<String, openid::Config>,
}

impl Default for Config {
    fn default() -> Self {
        const HOUR: Duration = Duration::from_secs(60 * 60);
        Self {
            session_lifetime: 24 * 30 * HOUR,
            session_idle: 24 * 7 * HOUR,
            invitation_lifetime: 24 * 7 * HOUR,
            password_reset_lifetime: HOUR,
            password_memory_kib: 19_456,
            password_passes: 2,
            password_hashers: 2,
            password_queue: 100,
            requests_per_second: 50,
            audit_retention: 24 * 365 * HOUR,
            openid: BTreeMap::new(),
        }
    }
}

impl Config {
    /// Everything that is out of range.
    pub fn problems(&self) -> Vec<Invalid> {
        let mut check = Check::default();
        let times = [
            ("access.session_lifetime", self.session_lifetime),
            ("access.session_idle", self.session_idle),
            ("access.invitation_lifetime", self.invitation_lifetime),
            (
                "access.password_reset_lifetime",
                self.password_reset_lifetime,
            ),
            ("access.audit_retention", self.audit_retention),
        ];
        for (setting, time) in times {
            check.more_than_zero(setting, time);
        }
        let memory = (8..=4_194_304).contains(&self.password_memory_kib);
        check.require("access.password_memory_kib", memory, "from 8 to 4194304");
        let passes = (1..=100).contains(&self.password_passes);
        check.require("access.password_passes", passes, "from 1 to 100");
        let hashers = (1..=1024).contains(&self.password_hashers);
        check.require("access.password_hashers", hashers, "from 1 to 1024");
        let queue = (1..=100_000).contains(&self.password_queue);
        check.require("access.password_queue", queue, "from 1 to 100000");
        for (id, provider) in &self.openid {
            provider.check(id, &mut check);
        }
        check.finish()
    }
}
