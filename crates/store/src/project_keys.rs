//! Projects' keys: the present ones, and those that they replaced, until they expire.

use std::sync::Arc;
use std::time::Duration;

use model::{ApiKey, ProjectId, Timestamp};
use sqlx::{AnyConnection, Row};

use crate::project::{from_row, query_for};
use crate::project_index::{Known, PROJECTS};
use crate::secret::Secret;
use crate::{Error, Project, Store};

/// Most former keys of a kind that a project has at once.
const FORMER_KEYS: i64 = 10;

/// Which of a project's keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyKind {
    /// What SDKs send.
    Api,
    /// The password that belongs to it.
    Secret,
}

impl KeyKind {
    fn name(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Secret => "secret",
        }
    }
}

impl Store {
    /// What memory says of an API key: whose it is, or that it is nobody's; `None` when it has to be
    /// read.
    pub fn known_project(&self, key: ApiKey) -> Option<Option<Arc<Project>>> {
        match self.projects.get(key, self.clock.now()) {
            Known::Fresh(project) => Some(project),
            Known::Stale(_) | Known::Nothing => None,
        }
    }

    /// The project that takes this API key, present or replaced a short while ago.
    ///
    /// Read from memory where it was asked for lately: a change made by another node is seen within
    /// seconds. While the database fails, what was known last counts.
    pub async fn project_by_api_key(&self, key: ApiKey) -> Result<Option<Arc<Project>>, Error> {
        let known = match self.projects.get(key, self.clock.now()) {
            Known::Fresh(project) => return Ok(project),
            Known::Stale(project) => Some(project),
            Known::Nothing => None,
        };
        match (self.read_project_by_key(key).await, known) {
            (Err(Error::Database(error)), Some(known)) => {
                tracing::warn!(%error, "a project can't be read again: what is known of it counts");
                self.projects.renew(key, self.clock.now());
                Ok(known)
            }
            (read, _) => read,
        }
    }

    /// Reads the newest projects, as many as are remembered: their events are taken even when the
    /// database goes away right after the start.
    pub(crate) async fn preload_projects(&self) -> Result<(), Error> {
        const AT_ONCE: usize = 500;
        let now = self.clock.now();
        let (mut created_at, mut id) = (i64::MAX, String::new());
        for _ in 0..PROJECTS / AT_ONCE {
            let rows = sqlx::query(query_for(
                "WHERE (p.created_at, p.id) < ($1, $2)
                 ORDER BY p.created_at DESC, p.id DESC LIMIT $3",
            ))
            .bind(created_at)
            .bind(&id)
            .bind(AT_ONCE as i64)
            .fetch_all(&self.pool)
            .await?;
            for row in &rows {
                let project = from_row(row)?;
                (created_at, id) = (project.created_at.0, project.id.to_string());
                self.projects.keep(Arc::new(project), now);
            }
            if rows.len() < AT_ONCE {
                break;
            }
        }
        Ok(())
    }

    async fn read_project_by_key(&self, key: ApiKey) -> Result<Option<Arc<Project>>, Error> {
        // Few at a time: keys that don't exist must not keep the control plane from its database.
        let _turn = self.projects.turn().await;
        let now = self.clock.now();
        let reading = match self.projects.begin_reading(key, now) {
            Ok(reading) => reading,
            Err(read_meanwhile) => return Ok(read_meanwhile),
        };
        let row = sqlx::query(query_for(
            "WHERE p.id = (SELECT project_id FROM project_keys
                           WHERE kind = 'api' AND value = $1
                             AND (expires_at IS NULL OR expires_at > $2))",
        ))
        .bind(key.to_string())
        .bind(now.0)
        .fetch_optional(&self.pool)
        .await?;
        let project = row.as_ref().map(from_row).transpose()?.map(Arc::new);
        self.projects.put(reading, project.clone());
        Ok(project)
    }

    /// The project whose API key and secret key these are.
    pub async fn verify_secret_key(
        &self,
        api_key: ApiKey,
        secret_key: &Secret,
    ) -> Result<Option<Arc<Project>>, Error> {
        let Some(project) = self.project_by_api_key(api_key).await? else {
            return Ok(None);
        };
        // Its SHA-256 is looked up: what a search tells by its time is about the hash only.
        let row = sqlx::query(
            "SELECT value FROM project_keys
             WHERE kind = 'secret' AND value = $1 AND project_id = $2
               AND (expires_at IS NULL OR expires_at > $3)",
        )
        .bind(secret_key.hash())
        .bind(project.id.to_string())
        .bind(self.clock.now().0)
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.map(|_| project))
    }
}

/// Refuses when a secret key is not the project's present one any more.
pub(crate) async fn demand_present(
    connection: &mut AnyConnection,
    project: ProjectId,
    secret_key: &Secret,
) -> Result<(), Error> {
    let row = sqlx::query(
        "SELECT value FROM project_keys
         WHERE kind = 'secret' AND value = $1 AND project_id = $2 AND expires_at IS NULL",
    )
    .bind(secret_key.hash())
    .bind(project.to_string())
    .fetch_optional(connection)
    .await?;
    row.map(drop).ok_or(Error::MadeIsGone)
}

pub(crate) async fn insert_key(
    connection: &mut AnyConnection,
    project: ProjectId,
    kind: KeyKind,
    value: &str,
    now: Timestamp,
) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO project_keys (kind, value, project_id, created_at) VALUES ($1, $2, $3, $4)",
    )
    .bind(kind.name())
    .bind(value)
    .bind(project.to_string())
    .bind(now.0)
    .execute(connection)
    .await?;
    Ok(())
}

/// How a key is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyRotation {
    /// How long the present key is still taken.
    pub overlap: Duration,
    /// Whether the keys that were replaced earlier end now; else each goes on for as long as was said.
    pub end_former: bool,
    /// The versions of which the project is to be at one; `None` for any.
    pub versions: Option<[u64; 8]>,
}

impl KeyRotation {
    /// Refuses when the project is at another version.
    pub(crate) fn demand(&self, current: u64) -> Result<(), Error> {
        match self.versions {
            Some(versions) if !versions.contains(&current) => Err(Error::Conflict { current }),
            _ => Ok(()),
        }
    }
}

impl From<Duration> for KeyRotation {
    fn from(overlap: Duration) -> Self {
        Self {
            overlap,
            end_former: false,
            versions: None,
        }
    }
}

/// A key that was replaced, and is still taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormerKey {
    /// The API key; `None` for a secret key, of which only a hash is kept.
    pub api_key: Option<ApiKey>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub until: Timestamp,
}

impl Store {
    /// A project's keys that were replaced and are still taken, the one that ends first first.
    pub async fn former_keys(&self, project: ProjectId) -> Result<Vec<FormerKey>, Error> {
        let rows = sqlx::query(
            "SELECT kind, value, created_at, expires_at FROM project_keys
             WHERE project_id = $1 AND expires_at > $2 ORDER BY expires_at, created_at, kind, value",
        )
        .bind(project.to_string())
        .bind(self.clock.now().0)
        .fetch_all(&self.pool)
        .await?;
        let former = rows.iter().map(|row| -> Result<_, Error> {
            let (kind, value): (String, String) = (row.try_get("kind")?, row.try_get("value")?);
            let is_api = kind == KeyKind::Api.name();
            let api_key = is_api.then(|| value.parse()).transpose();
            Ok(FormerKey {
                api_key: api_key.map_err(|_| Error::Corrupt {
                    what: "the API key",
                    id: project.to_string(),
                })?,
                created_at: Timestamp(row.try_get("created_at")?),
                until: Timestamp(row.try_get("expires_at")?),
            })
        });
        former.collect()
    }
}

/// Lets the present key of this kind end as `rotation` says. The ends that former ones were promised
/// stay, unless it says otherwise. Returns when the present one ends.
pub(crate) async fn expire_key(
    connection: &mut AnyConnection,
    project: ProjectId,
    kind: KeyKind,
    rotation: KeyRotation,
    now: Timestamp,
) -> Result<Timestamp, Error> {
    if rotation.end_former {
        sqlx::query(
            "UPDATE project_keys SET expires_at = $3
             WHERE project_id = $1 AND kind = $2 AND expires_at > $3",
        )
        .bind(project.to_string())
        .bind(kind.name())
        .bind(now.0)
        .execute(&mut *connection)
        .await?;
    }
    let row = sqlx::query(
        "SELECT COUNT(*) FROM project_keys WHERE project_id = $1 AND kind = $2 AND expires_at > $3",
    )
    .bind(project.to_string())
    .bind(kind.name())
    .bind(now.0)
    .fetch_one(&mut *connection)
    .await?;
    let former: i64 = row.try_get(0)?;
    if former >= FORMER_KEYS && !rotation.overlap.is_zero() {
        return Err(Error::TooManyFormerKeys { limit: FORMER_KEYS });
    }
    let until = now + rotation.overlap;
    sqlx::query(
        "UPDATE project_keys SET expires_at = $3
         WHERE project_id = $1 AND kind = $2 AND expires_at IS NULL",
    )
    .bind(project.to_string())
    .bind(kind.name())
    .bind(until.0)
    .execute(connection)
    .await?;
    Ok(until)
}

/// All of a project's API keys.
pub(crate) async fn keys_of(
    connection: &mut AnyConnection,
    project: ProjectId,
) -> Result<Vec<ApiKey>, Error> {
    let rows = sqlx::query("SELECT value FROM project_keys WHERE project_id = $1 AND kind = 'api'")
        .bind(project.to_string())
        .fetch_all(connection)
        .await?;
    rows.iter()
        .map(|row| {
            let value: String = row.try_get(0)?;
            value.parse().map_err(|_| Error::Corrupt {
                what: "the API key",
                id: project.to_string(),
            })
        })
        .collect()
}

/// A version as the database has it; one that no row can have becomes one that none has.
pub(crate) fn stored_version(version: u64) -> i64 {
    i64::try_from(version).unwrap_or(i64::MAX)
}
