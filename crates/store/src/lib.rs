//! The control plane's storage: organisations, people and what they may do, projects, syncs, API
//! tokens, mail, the secrets in them, and the log of who changed what.
//!
//! One SQL text for SQLite and PostgreSQL: `$n` parameters, times as `BIGINT` microseconds, JSON as
//! `TEXT`; what can't be said alike stands in `dialect`. Secret values are sealed with a key from a
//! file outside the database before they are stored (see [`secret`]); keys and tokens that only need
//! to be recognised are stored as hashes.
//!
//! Whatever people change is changed by a [`Caller`], in a transaction that also writes the audit
//! log. A change that is committed may still be followed by a change of what is remembered of
//! projects: run mutating calls to their end (on a task of their own), not in a future that may be
//! dropped.

mod access_end;
pub mod alert;
mod audit;
pub mod backup;
mod change;
mod config;
mod connection_test;
mod definition;
mod dialect;
mod erasure;
mod error;
mod first_administrator;
mod grant;
mod identity;
mod invitation;
pub mod mail;
mod maintenance;
mod member;
mod migrations;
mod organisation;
mod page;
mod password_reset;
mod person;
mod project;
mod project_index;
mod project_keys;
mod replay;
pub mod secret;
mod session;
mod sync;
mod token;
mod token_warning;

use std::sync::Arc;

use model::{Clock, Random};
use sqlx::AnyPool;
use sqlx::any::AnyPoolOptions;
use tokio::sync::Notify;

pub use audit::{AuditEntry, AuditFilter};
pub use change::{Actor, ActorKind, Behind, Caller, LetterFailure, Once, Proved, WriteLetter};
pub use config::Config;
pub use connection_test::Tested;
pub use definition::{
    AboutOutline, CatalogFilter, Comment, Decision, DefinitionRecord, DraftContent, Listed,
    Listing, Logo, NameCursor, NameWish, Outline, Tile, VersionRecord, VersionState,
};
pub use erasure::ErasureReport;
pub use error::Error;
pub use grant::Grant;
pub use identity::{Admission, Admitted, Identity, Vouched};
pub use invitation::{Invitation, Invitee, NewInvitation};
pub use member::Member;
pub use organisation::Organisation;
pub use page::{Cursor, Page, ParseCursorError};
pub use password_reset::AskedReset;
pub use person::{Credentials, NewPerson, Person, RightsChange, SecondFactor, normal_email};
pub use project::{NewProject, Project, ProjectChange, ProjectDraft, Retention, Throttle};
pub use project_keys::{FormerKey, KeyRotation};
pub use replay::{ReplayGoal, ReplayRecord};
pub use secret::Secret;
pub use session::{NewSession, Session, VerifiedSession};
pub use sync::{DeletedSync, Revision, SecretFields, SyncDraft, SyncRecord, SyncVersion};
pub use token::{NewToken, RevokedTokens, Token, TokenDraft, VerifiedToken};
pub use token_warning::ExpiringToken;

use dialect::Dialect;
use project_index::ProjectIndex;
use secret::SharedKeyring;

/// The control plane's storage. Cheap to clone: all clones share one pool.
#[derive(Clone)]
pub struct Store {
    pool: AnyPool,
    dialect: Dialect,
    keyring: Arc<SharedKeyring>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    projects: Arc<ProjectIndex>,
    definitions: Arc<definition::Cache>,
    mail_limits: mail::Limits,
    mail_waiting: Arc<Notify>,
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
    /// date, and loads the key for secrets (and makes it on the first start).
    ///
    /// `random` makes ids, keys, tokens and nonces: use the operating system's outside tests.
    pub async fn open(
        config: &Config,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, Error> {
        sqlx::any::install_default_drivers();
        let dialect = Dialect::of(&config.database)?;
        let url = dialect.url(&config.database);
        migrations::run(dialect, &url, config.acquire_timeout).await?;
        let pool = AnyPoolOptions::new()
            .max_connections(config.connections.get())
            .acquire_timeout(config.acquire_timeout)
            .after_connect(move |connection, _| Box::pin(dialect.prepare(connection)))
            .connect(&url)
            .await?;

        definition::compare_former(&pool).await?;
        let may_make_key = !maintenance::any_sealed(&pool).await?;
        let keyring = SharedKeyring::open(config, may_make_key, random.as_ref())?;
        let store = Self {
            pool,
            dialect,
            keyring: Arc::new(keyring),
            clock,
            random,
            projects: Arc::default(),
            definitions: Arc::default(),
            mail_limits: config.mail,
            mail_waiting: Arc::default(),
        };
        store.preload_projects().await?;
        Ok(store)
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
