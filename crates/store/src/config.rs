//! Settings of the store.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::fmt::serde::unsigned_duration::friendly::compact::required as duration;
use model::setting::{Check, Invalid};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::dialect::Dialect;
use crate::mail;
use crate::secret::{Keyring, Secret};

/// Where the control plane is stored.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `sqlite:` and the path of the file, or `postgres://USER:PASSWORD@HOST/DATABASE`. May hold a
    /// password: not shown by `Debug`.
    pub database: String,
    /// The file with the key that seals secrets. Made on the first start; keep a copy of it apart
    /// from copies of the database.
    pub key_file: PathBuf,
    /// The keys themselves, `ID:HEX` separated by commas, in place of a file.
    #[serde(skip)]
    pub key: Option<Secret>,
    /// Most connections at once.
    #[serde(default = "Config::default_connections")]
    pub connections: NonZeroU32,
    /// How long a request waits for a connection.
    #[serde(with = "duration", default = "Config::default_acquire_timeout")]
    pub acquire_timeout: Duration,
    /// How much mail is kept.
    #[serde(default)]
    pub mail: mail::Limits,
}

impl Config {
    /// A SQLite file `control.db` and the key file `secret.key` in a folder.
    pub fn in_folder(folder: &Path) -> Self {
        Self {
            database: format!("sqlite:{}", folder.join("control.db").display()),
            key_file: folder.join("secret.key"),
            key: None,
            connections: Self::default_connections(),
            acquire_timeout: Self::default_acquire_timeout(),
            mail: mail::Limits::default(),
        }
    }

    /// Everything that is out of range.
    pub fn problems(&self) -> Vec<Invalid> {
        let mut check = Check::default();
        check.require(
            "store.database",
            Dialect::of(&self.database).is_ok(),
            "`sqlite:` and the path of a file, or `postgres://USER:PASSWORD@HOST:PORT/DATABASE` with \
             special characters percent-encoded (`?` as `%3F`)",
        );
        check.more_than_zero("store.acquire_timeout", self.acquire_timeout);
        self.mail.check(&mut check);
        check.finish()
    }

    /// Whether the key file can be used, where there is one.
    ///
    /// # Errors
    ///
    /// What [`Store::open`](crate::Store::open) would fail with.
    pub fn check_files(&self) -> Result<(), Error> {
        match &self.key {
            Some(given) => Keyring::given(given.expose()).map(drop),
            None => Keyring::read(&self.key_file).map(drop),
        }
    }

    fn default_connections() -> NonZeroU32 {
        const { NonZeroU32::new(8).expect("eight is not zero") }
    }

    fn default_acquire_timeout() -> Duration {
        Duration::from_secs(5)
    }
}

impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Config")
            .field("key_file", &self.key_file)
            .field("connections", &self.connections)
            .field("acquire_timeout", &self.acquire_timeout)
            .field("mail", &self.mail)
            .finish_non_exhaustive()
    }
}
