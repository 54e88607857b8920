//! Settings of the store.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Where the control plane is stored.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `sqlite:` and the path of the file. May hold a password in other dialects: not shown by
    /// `Debug`.
    pub database: String,
    /// The file with the key that seals secrets. Made on the first start; keep a copy of it apart
    /// from copies of the database.
    pub key_file: PathBuf,
    /// Most connections at once.
    #[serde(default = "Config::default_connections")]
    pub connections: NonZeroU32,
    /// How long a request waits for a connection, in seconds.
    #[serde(default = "Config::default_acquire_seconds")]
    pub acquire_timeout_seconds: NonZeroU32,
}

impl Config {
    /// A SQLite file `control.db` and the key file `secret.key` in a folder.
    pub fn in_folder(folder: &Path) -> Self {
        Self {
            database: format!("sqlite:{}", folder.join("control.db").display()),
            key_file: folder.join("secret.key"),
            connections: Self::default_connections(),
            acquire_timeout_seconds: Self::default_acquire_seconds(),
        }
    }

    fn default_connections() -> NonZeroU32 {
        const { NonZeroU32::new(8).expect("eight is not zero") }
    }

    fn default_acquire_seconds() -> NonZeroU32 {
        const { NonZeroU32::new(5).expect("five is not zero") }
    }

    pub(crate) fn acquire_timeout(&self) -> Duration {
        Duration::from_secs(u64::from(self.acquire_timeout_seconds.get()))
    }
}

impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Config")
            .field("key_file", &self.key_file)
            .field("connections", &self.connections)
            .field("acquire_timeout_seconds", &self.acquire_timeout_seconds)
            .finish_non_exhaustive()
    }
}
