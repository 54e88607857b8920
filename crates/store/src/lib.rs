//! The control plane's storage: projects, syncs, API tokens, and the secrets in them.
//!
//! One SQL text for SQLite and PostgreSQL: `$n` parameters, times as `BIGINT` microseconds, JSON as
//! `TEXT`; what can't be said alike stands in `dialect`. Secret values are sealed with a key from a
//! file outside the database before they are stored (see [`secret`]); keys and tokens that only need
//! to be recognised are stored as hashes.
//!
//! A change that is committed may still be followed by a change of the [`ProjectIndex`]: run
//! mutating calls to their end (on a task of their own), not in a future that may be dropped.

mod config;
mod definitions;
mod dialect;
mod error;
mod migrations;
mod page;
mod project;
mod project_index;
pub mod secret;
mod sync;
mod token;

use std::sync::Arc;

use model::{Clock, Random};
use sqlx::AnyPool;
use sqlx::any::AnyPoolOptions;
use tokio::sync::Mutex;

pub use config::Config;
pub use error::Error;
pub use page::{Cursor, Page, ParseCursorError};
pub use project::{NewProject, Project, ProjectChange, Throttle};
pub use project_index::ProjectIndex;
pub use secret::Secret;
pub use sync::{DeletedSync, SecretFields, SyncDraft, SyncRecord};
pub use token::{NewToken, Token};

use dialect::Dialect;
use secret::Keyring;

/// The control plane's storage. Cheap to clone: all clones share one pool.
#[derive(Clone)]
pub struct Store {
    pool: AnyPool,
    dialect: Dialect,
    keyring: Arc<Keyring>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    projects: Arc<ProjectIndex>,
    /// Held while projects change, so that the index sees changes in the order of their commits.
    project_changes: Arc<Mutex<()>>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("dialect", &self.dialect)
            .field("connections", &self.pool.size())
            .finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the database (and makes it, where it is SQLite and missing), brings its schema up to
    /// date, loads the key for secrets (and makes it on the first start), and reads the projects.
    ///
    /// `random` makes ids, keys, tokens and nonces: use the operating system's outside tests.
    pub async fn open(
        config: &Config,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, Error> {
        sqlx::any::install_default_drivers();
        let dialect = Dialect::of(&config.database)?;
        let pool = AnyPoolOptions::new()
            .max_connections(config.connections.get())
            .acquire_timeout(config.acquire_timeout)
            .after_connect(move |connection, _| Box::pin(dialect.prepare(connection)))
            .connect(&dialect.url(&config.database))
            .await?;
        migrations::run(&pool).await?;

        let may_make_key = !sync::any_sealed(&pool).await?;
        let keyring = Keyring::open(&config.key_file, may_make_key, random.as_ref())?;
        let store = Self {
            pool,
            dialect,
            keyring: Arc::new(keyring),
            clock,
            random,
            projects: Arc::default(),
            project_changes: Arc::default(),
        };
        store.load_projects().await?;
        Ok(store)
    }

    /// The projects by API key, kept up to date with every change made through this store.
    pub fn project_index(&self) -> Arc<ProjectIndex> {
        self.projects.clone()
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), Error> {
        sqlx::query("SELECT 1").fetch_one(&self.pool).await?;
        Ok(())
    }

    /// Finishes what is under way and closes the connections.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}
