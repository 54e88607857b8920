//! Projects: one stream of events each, with keys of its own.

use std::sync::Arc;

use model::{ApiKey, ProjectId, Timestamp};
use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

use crate::secret::Secret;
use crate::{Cursor, Error, Page, Store};

/// A project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// Identifies it.
    pub id: ProjectId,
    /// As people call it.
    pub name: String,
    /// What its SDKs send.
    pub api_key: ApiKey,
    /// When its devices and users are throttled.
    pub throttle: Throttle,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Events a second of one device or user, averaged over 30 seconds, beyond which it is throttled.
/// 0: never.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Throttle {
    /// On `/2/httpapi`.
    pub http: u32,
    /// On `/batch`.
    pub batch: u32,
}

impl Default for Throttle {
    /// What the ingest API documents.
    fn default() -> Self {
        Self {
            http: 30,
            batch: 1000,
        }
    }
}

/// A project that was just made. Its secret key is not shown again: only its hash is kept.
#[derive(Debug, Clone)]
pub struct NewProject {
    /// The project.
    pub project: Arc<Project>,
    /// The password that belongs to the API key, for the figures' API.
    pub secret_key: Secret,
}

/// What to change of a project; `None` leaves it.
#[derive(Debug, Clone, Default)]
pub struct ProjectChange {
    /// A new name.
    pub name: Option<String>,
    /// New thresholds.
    pub throttle: Option<Throttle>,
}

impl Store {
    /// Makes a project with new keys.
    pub async fn create_project(
        &self,
        name: &str,
        throttle: Throttle,
    ) -> Result<NewProject, Error> {
        let random = self.random.as_ref();
        let project = Arc::new(Project {
            id: ProjectId::generate(random),
            name: name.to_owned(),
            api_key: ApiKey::generate(random),
            throttle,
            created_at: self.clock.now(),
        });
        let secret_key = Secret::key(random);

        let _order = self.project_changes.lock().await;
        sqlx::query(
            "INSERT INTO projects
                 (id, name, api_key, secret_key_hash, throttle_http, throttle_batch, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(project.id.to_string())
        .bind(&project.name)
        .bind(project.api_key.to_string())
        .bind(secret_key.hash())
        .bind(i64::from(throttle.http))
        .bind(i64::from(throttle.batch))
        .bind(project.created_at.0)
        .execute(&self.pool)
        .await?;
        self.projects.put(project.clone());
        Ok(NewProject {
            project,
            secret_key,
        })
    }

    /// Projects, oldest first.
    pub async fn projects(
        &self,
        after: Option<&Cursor>,
        limit: u32,
    ) -> Result<Page<Project>, Error> {
        let start = Cursor::start();
        let after = after.unwrap_or(&start);
        let rows = sqlx::query(
            "SELECT id, name, api_key, throttle_http, throttle_batch, created_at FROM projects
             WHERE (created_at, id) > ($1, $2) ORDER BY created_at, id LIMIT $3",
        )
        .bind(after.created_at.0)
        .bind(&after.id)
        .bind(i64::from(limit) + 1)
        .fetch_all(&self.pool)
        .await?;
        let projects = rows.iter().map(from_row).collect::<Result<_, _>>()?;
        Ok(Page::cut(projects, limit, |last: &Project| Cursor {
            created_at: last.created_at,
            id: last.id.to_string(),
        }))
    }

    /// One project.
    pub async fn project(&self, id: ProjectId) -> Result<Project, Error> {
        let mut connection = self.pool.acquire().await?;
        find(&mut connection, id).await
    }

    /// Changes a project.
    pub async fn change_project(
        &self,
        id: ProjectId,
        change: ProjectChange,
    ) -> Result<Arc<Project>, Error> {
        let _order = self.project_changes.lock().await;
        let mut transaction = self.pool.begin_with(self.dialect.begin_write()).await?;
        let before = find(&mut transaction, id).await?;
        let project = Arc::new(Project {
            name: change.name.unwrap_or(before.name),
            throttle: change.throttle.unwrap_or(before.throttle),
            ..before
        });
        sqlx::query(
            "UPDATE projects SET name = $2, throttle_http = $3, throttle_batch = $4 WHERE id = $1",
        )
        .bind(id.to_string())
        .bind(&project.name)
        .bind(i64::from(project.throttle.http))
        .bind(i64::from(project.throttle.batch))
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        self.projects.put(project.clone());
        Ok(project)
    }

    /// How many syncs a project has.
    pub async fn count_syncs(&self, project: ProjectId) -> Result<u64, Error> {
        let mut connection = self.pool.acquire().await?;
        count_syncs(&mut connection, project).await
    }

    /// Deletes a project. Refused while it has syncs, unless these are to be deleted too.
    pub async fn delete_project(&self, id: ProjectId, with_syncs: bool) -> Result<(), Error> {
        let _order = self.project_changes.lock().await;
        let mut transaction = self.pool.begin_with(self.dialect.begin_write()).await?;
        let project = find(&mut transaction, id).await?;
        let syncs = count_syncs(&mut transaction, id).await?;
        if syncs > 0 && !with_syncs {
            return Err(Error::ProjectInUse { syncs });
        }
        // Deleted syncs keep nothing that is secret while they wait for their lanes to go.
        sqlx::query(
            "UPDATE syncs SET deleted_at = $2, enabled = 0, settings = '{}', secrets = NULL
             WHERE project_id = $1 AND deleted_at IS NULL",
        )
        .bind(id.to_string())
        .bind(self.clock.now().0)
        .execute(&mut *transaction)
        .await?;
        sqlx::query("DELETE FROM projects WHERE id = $1")
            .bind(id.to_string())
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        self.projects.remove(project.api_key);
        Ok(())
    }

    /// The project whose API key and secret key these are.
    pub async fn verify_secret_key(
        &self,
        api_key: ApiKey,
        secret_key: &Secret,
    ) -> Result<Option<Arc<Project>>, Error> {
        let row = sqlx::query("SELECT secret_key_hash FROM projects WHERE api_key = $1")
            .bind(api_key.to_string())
            .fetch_optional(&self.pool)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let hash: String = row.try_get(0)?;
        let genuine = secret_key.matches(&hash);
        Ok(self.projects.get(api_key).filter(|_| genuine))
    }

    /// Reads all projects into the index.
    pub(crate) async fn load_projects(&self) -> Result<(), Error> {
        const AT_ONCE: u32 = 500;
        let mut after = None;
        loop {
            let page = self.projects(after.as_ref(), AT_ONCE).await?;
            for project in page.items {
                self.projects.put(Arc::new(project));
            }
            after = page.next;
            if after.is_none() {
                return Ok(());
            }
        }
    }
}

async fn find(connection: &mut AnyConnection, id: ProjectId) -> Result<Project, Error> {
    let row = sqlx::query(
        "SELECT id, name, api_key, throttle_http, throttle_batch, created_at FROM projects
         WHERE id = $1",
    )
    .bind(id.to_string())
    .fetch_optional(connection)
    .await?;
    row.as_ref().map_or(Err(Error::NoProject(id)), from_row)
}

async fn count_syncs(connection: &mut AnyConnection, project: ProjectId) -> Result<u64, Error> {
    let row =
        sqlx::query("SELECT COUNT(*) FROM syncs WHERE project_id = $1 AND deleted_at IS NULL")
            .bind(project.to_string())
            .fetch_one(connection)
            .await?;
    let count: i64 = row.try_get(0)?;
    Ok(count.unsigned_abs())
}

fn from_row(row: &AnyRow) -> Result<Project, Error> {
    let id: String = row.try_get("id")?;
    let corrupt = |what| Error::Corrupt {
        what,
        id: id.clone(),
    };
    let api_key: String = row.try_get("api_key")?;
    let (http, batch): (i64, i64) = (
        row.try_get("throttle_http")?,
        row.try_get("throttle_batch")?,
    );
    Ok(Project {
        id: id.parse().map_err(|_| corrupt("the id"))?,
        name: row.try_get("name")?,
        api_key: api_key.parse().map_err(|_| corrupt("the API key"))?,
        throttle: Throttle {
            http: http.try_into().map_err(|_| corrupt("a threshold"))?,
            batch: batch.try_into().map_err(|_| corrupt("a threshold"))?,
        },
        created_at: Timestamp(row.try_get("created_at")?),
    })
}
