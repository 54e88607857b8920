//! Projects: one stream of events each, with keys of its own.

use std::sync::Arc;

use model::sensitive::SensitiveProperties;
use model::{ApiKey, OrganisationId, ProjectId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::{AnyConnection, Row};

use crate::change::{Caller, Entry, rfc3339, still_there};
use crate::person::conflict;
use crate::project_keys::{self, KeyKind, KeyRotation};
use crate::project_keys::{demand_present, expire_key, insert_key, keys_of};
use crate::secret::Secret;
use crate::{Cursor, Error, Page, Store, organisation, replay};

mod row;

pub(crate) use row::{from_row, query_for};

/// A project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// Identifies it.
    pub id: ProjectId,
    /// Whose it is.
    pub organisation: OrganisationId,
    /// As people call it; unique in its organisation.
    pub name: String,
    /// What its SDKs send: the present key.
    pub api_key: ApiKey,
    /// When its devices and users are throttled.
    pub throttle: Throttle,
    /// Properties whose values are masked where they are shown.
    pub sensitive: SensitiveProperties,
    /// How long what it received is kept.
    pub retention: Retention,
    /// Counts from 1 with each change.
    pub version: u64,
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

/// How long what a project received is kept, in hours. `None`: as long as the installation keeps it, and
/// never longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retention {
    /// Events.
    pub events_hours: Option<u32>,
    /// What became of deliveries: those that ended without success.
    pub outcomes_hours: Option<u32>,
}

/// A project that was just made, or whose secret key was. The secret key is not shown again: only
/// its hash is kept.
#[derive(Debug, Clone)]
pub struct NewProject {
    /// The project.
    pub project: Project,
    /// The password that belongs to the API key, for the figures' API.
    pub secret_key: Secret,
}

/// What a project is made with.
#[derive(Debug, Clone, Default)]
pub struct ProjectDraft {
    /// As people call it.
    pub name: String,
    /// When its devices and users are throttled.
    pub throttle: Throttle,
    /// Properties whose values are masked where they are shown.
    pub sensitive: SensitiveProperties,
    /// How long what it receives is kept.
    pub retention: Retention,
}

/// What to change of a project; `None` leaves it.
#[derive(Debug, Clone, Default)]
pub struct ProjectChange {
    /// A new name.
    pub name: Option<String>,
    /// New thresholds.
    pub throttle: Option<Throttle>,
    /// Other sensitive properties, in place of all that there were.
    pub sensitive: Option<SensitiveProperties>,
    /// How long what it received is kept from now on.
    pub retention: Option<Retention>,
}

/// What is kept of a rotated API key; until a day ago it was the project alone.
#[derive(serde::Deserialize)]
#[serde(untagged)]
enum MadeKey {
    Key(ProjectId, ApiKey),
    OfProject(ProjectId),
}

impl Store {
    /// Makes a project with new keys.
    pub async fn create_project(
        &self,
        organisation: OrganisationId,
        name: &str,
        throttle: Throttle,
        by: &Caller,
    ) -> Result<NewProject, Error> {
        let draft = ProjectDraft {
            name: name.to_owned(),
            throttle,
            ..ProjectDraft::default()
        };
        self.create_project_as(organisation, draft, by).await
    }

    /// Makes a project with new keys, and all that can be said of one.
    pub async fn create_project_as(
        &self,
        organisation: OrganisationId,
        draft: ProjectDraft,
        by: &Caller,
    ) -> Result<NewProject, Error> {
        let mut change = self.begin(by).await?;
        if let Some((id, secret)) = change.made_before::<(ProjectId, String)>().await? {
            let project = still_there(find(change.connection(), id).await)?;
            let secret_key = Secret::new(secret);
            demand_present(change.connection(), id, &secret_key).await?;
            return Ok(NewProject {
                project,
                secret_key,
            });
        }
        organisation::find(change.connection(), organisation).await?;
        let random = self.random.as_ref();
        let project = Project {
            id: ProjectId::generate(random),
            organisation,
            name: draft.name,
            api_key: ApiKey::generate(random),
            throttle: draft.throttle,
            sensitive: draft.sensitive.in_order(),
            retention: draft.retention,
            version: 1,
            created_at: change.now,
        };
        let secret_key = Secret::key(random);
        let inserted = sqlx::query(
            "INSERT INTO projects
                 (id, organisation_id, name, throttle_http, throttle_batch, version, created_at,
                  sensitive, events_kept_hours, outcomes_kept_hours)
             VALUES ($1, $2, $3, $4, $5, 1, $6, $7, $8, $9)",
        )
        .bind(project.id.to_string())
        .bind(organisation.to_string())
        .bind(&project.name)
        .bind(i64::from(project.throttle.http))
        .bind(i64::from(project.throttle.batch))
        .bind(change.now.0)
        .bind(row::sensitive_text(&project.sensitive, project.id)?)
        .bind(project.retention.events_hours.map(i64::from))
        .bind(project.retention.outcomes_hours.map(i64::from))
        .execute(change.connection())
        .await;
        name_taken(inserted.map(drop), &project.name)?;
        let (id, now) = (project.id, change.now);
        let keys = [
            (KeyKind::Api, project.api_key.to_string()),
            (KeyKind::Secret, secret_key.hash()),
        ];
        for (kind, value) in keys {
            insert_key(change.connection(), id, kind, &value, now).await?;
        }
        change.remember(&(id, secret_key.expose())).await?;
        change
            .commit(Entry {
                after: Some(shown(&project)),
                ..entry("project.create", &project)
            })
            .await?;
        self.projects.keep(Arc::new(project.clone()), now);
        Ok(NewProject {
            project,
            secret_key,
        })
    }

    /// An organisation's projects, oldest first.
    pub async fn projects(
        &self,
        organisation: OrganisationId,
        after: Option<&Cursor>,
        limit: u32,
    ) -> Result<Page<Project>, Error> {
        let start = Cursor::start();
        let after = after.unwrap_or(&start);
        let rows = sqlx::query(query_for(
            "WHERE p.organisation_id = $1 AND (p.created_at, p.id) > ($2, $3)
             ORDER BY p.created_at, p.id LIMIT $4",
        ))
        .bind(organisation.to_string())
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

    /// Whose a project is; `None` when there is no such project.
    pub async fn organisation_of(&self, id: ProjectId) -> Result<Option<OrganisationId>, Error> {
        let row = sqlx::query("SELECT organisation_id FROM projects WHERE id = $1")
            .bind(id.to_string())
            .fetch_optional(&self.pool)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let organisation: String = row.try_get(0)?;
        let parsed = organisation.parse().map_err(|_| Error::Corrupt {
            what: "the organisation",
            id: id.to_string(),
        });
        parsed.map(Some)
    }

    /// Changes a project that is still at `version` (any, when it is `None`).
    pub async fn change_project(
        &self,
        id: ProjectId,
        version: Option<u64>,
        patch: ProjectChange,
        by: &Caller,
    ) -> Result<Project, Error> {
        let mut change = self.begin(by).await?;
        let before = find(change.connection(), id).await?;
        conflict(version, before.version)?;
        let after = Project {
            name: patch.name.unwrap_or_else(|| before.name.clone()),
            throttle: patch.throttle.unwrap_or(before.throttle),
            sensitive: match patch.sensitive {
                Some(sensitive) => sensitive.in_order(),
                None => before.sensitive.clone(),
            },
            retention: patch.retention.unwrap_or(before.retention),
            ..before.clone()
        };
        if after == before {
            // Nothing changes, and whoever read it reads the same.
            return Ok(before);
        }
        let after = Project {
            version: before.version + 1,
            ..after
        };
        let updated = sqlx::query(
            "UPDATE projects
             SET name = $2, throttle_http = $3, throttle_batch = $4, sensitive = $6,
                 events_kept_hours = $7, outcomes_kept_hours = $8, version = version + 1
             WHERE id = $1 AND version = $5",
        )
        .bind(id.to_string())
        .bind(&after.name)
        .bind(i64::from(after.throttle.http))
        .bind(i64::from(after.throttle.batch))
        .bind(project_keys::stored_version(before.version))
        .bind(row::sensitive_text(&after.sensitive, id)?)
        .bind(after.retention.events_hours.map(i64::from))
        .bind(after.retention.outcomes_hours.map(i64::from))
        .execute(change.connection())
        .await;
        let updated = name_taken(updated, &after.name)?;
        if updated.rows_affected() == 0 {
            return Err(Error::Conflict {
                current: before.version + 1,
            });
        }
        let entry = Entry {
            before: Some(shown(&before)),
            after: Some(shown(&after)),
            ..entry("project.change", &after)
        };
        self.commit_project(change, id, entry).await?;
        Ok(after)
    }

    /// Makes a new API key; the present one is still taken for the rotation's overlap.
    pub async fn rotate_api_key(
        &self,
        id: ProjectId,
        rotation: impl Into<KeyRotation>,
        by: &Caller,
    ) -> Result<Project, Error> {
        let mut change = self.begin(by).await?;
        if let Some(made) = change.made_before().await? {
            let project = still_there(find(change.connection(), id).await)?;
            let shown = match made {
                MadeKey::Key(of, key) => of == id && key == project.api_key,
                MadeKey::OfProject(of) => of == id,
            };
            return shown.then_some(project).ok_or(Error::MadeIsGone);
        }
        let before = find(change.connection(), id).await?;
        let (now, rotation): (_, KeyRotation) = (change.now, rotation.into());
        rotation.demand(before.version)?;
        let until = expire_key(change.connection(), id, KeyKind::Api, rotation, now).await?;
        let api_key = ApiKey::generate(self.random.as_ref());
        let text = api_key.to_string();
        insert_key(change.connection(), id, KeyKind::Api, &text, now).await?;
        change.remember(&(id, api_key)).await?;
        let version = next_version(change.connection(), &before).await?;
        let after = Project {
            api_key,
            version,
            ..before
        };
        let entry = Entry {
            after: Some(json!({"former_key_until": rfc3339(until)})),
            ..entry("project.rotate_api_key", &after)
        };
        self.commit_project(change, id, entry).await?;
        Ok(after)
    }

    /// Makes a new secret key; the present one is still taken for the rotation's overlap.
    pub async fn rotate_secret_key(
        &self,
        id: ProjectId,
        rotation: impl Into<KeyRotation>,
        by: &Caller,
    ) -> Result<NewProject, Error> {
        let mut change = self.begin(by).await?;
        if let Some(secret) = change.made_before().await? {
            let project = still_there(find(change.connection(), id).await)?;
            let secret_key = Secret::new(secret);
            demand_present(change.connection(), id, &secret_key).await?;
            return Ok(NewProject {
                project,
                secret_key,
            });
        }
        let before = find(change.connection(), id).await?;
        let (now, rotation): (_, KeyRotation) = (change.now, rotation.into());
        rotation.demand(before.version)?;
        let until = expire_key(change.connection(), id, KeyKind::Secret, rotation, now).await?;
        let secret_key = Secret::key(self.random.as_ref());
        let hash = secret_key.hash();
        insert_key(change.connection(), id, KeyKind::Secret, &hash, now).await?;
        change.remember(&secret_key.expose()).await?;
        let version = next_version(change.connection(), &before).await?;
        let project = Project { version, ..before };
        let entry = Entry {
            after: Some(json!({"former_key_until": rfc3339(until)})),
            ..entry("project.rotate_secret_key", &project)
        };
        self.commit_project(change, id, entry).await?;
        Ok(NewProject {
            project,
            secret_key,
        })
    }

    /// The projects that keep what they received for less than the installation does.
    pub async fn kept_for_less(&self) -> Result<Vec<(ProjectId, Retention)>, Error> {
        let rows = sqlx::query(query_for(
            "WHERE p.events_kept_hours IS NOT NULL OR p.outcomes_kept_hours IS NOT NULL",
        ))
        .fetch_all(&self.pool)
        .await?;
        let projects = rows.iter().map(from_row);
        projects
            .map(|project| project.map(|project| (project.id, project.retention)))
            .collect()
    }

    /// How many syncs a project has.
    pub async fn count_syncs(&self, project: ProjectId) -> Result<u64, Error> {
        let mut connection = self.pool.acquire().await?;
        count_syncs(&mut connection, project).await
    }

    /// Deletes a project that is still at `version` (any, when it is `None`). Refused while it has
    /// syncs, unless these are to be deleted too.
    pub async fn delete_project(
        &self,
        id: ProjectId,
        version: Option<u64>,
        with_syncs: bool,
        by: &Caller,
    ) -> Result<(), Error> {
        let mut change = self.begin(by).await?;
        let project = find(change.connection(), id).await?;
        conflict(version, project.version)?;
        let syncs = count_syncs(change.connection(), id).await?;
        if syncs > 0 && !with_syncs {
            return Err(Error::ProjectInUse { syncs });
        }
        let keys = keys_of(change.connection(), id).await?;
        // Deleted syncs keep nothing that is secret while they wait for their lanes to go.
        sqlx::query(
            "UPDATE syncs SET deleted_at = $2, enabled = 0, settings = '{}', secrets = NULL
             WHERE project_id = $1 AND deleted_at IS NULL",
        )
        .bind(id.to_string())
        .bind(change.now.0)
        .execute(change.connection())
        .await?;
        sqlx::query(
            "DELETE FROM sync_versions
             WHERE sync_id IN (SELECT id FROM syncs WHERE project_id = $1)",
        )
        .bind(id.to_string())
        .execute(change.connection())
        .await?;
        replay::forget_of_project(change.connection(), id).await?;
        sqlx::query("DELETE FROM projects WHERE id = $1")
            .bind(id.to_string())
            .execute(change.connection())
            .await?;
        change
            .commit(Entry {
                before: Some(json!({"name": project.name, "syncs": syncs})),
                ..entry("project.delete", &project)
            })
            .await?;
        self.projects.forget(&keys);
        Ok(())
    }

    /// Commits a change of a project, and makes ingest read it again.
    async fn commit_project(
        &self,
        mut change: crate::change::Change<'_>,
        id: ProjectId,
        entry: Entry,
    ) -> Result<(), Error> {
        let keys = keys_of(change.connection(), id).await?;
        change.commit(entry).await?;
        self.projects.forget(&keys);
        Ok(())
    }
}

/// What the audit log shows of a project; of what few projects have, only where it has it.
fn shown(project: &Project) -> Value {
    let mut shown = json!({"name": project.name, "throttle": project.throttle});
    if !project.sensitive.is_empty() {
        shown["sensitive"] = json!(project.sensitive);
    }
    if project.retention != Retention::default() {
        shown["retention"] = json!(project.retention);
    }
    shown
}

/// Counts a change of a project; returns its version from now on.
async fn next_version(connection: &mut AnyConnection, project: &Project) -> Result<u64, Error> {
    sqlx::query("UPDATE projects SET version = version + 1 WHERE id = $1")
        .bind(project.id.to_string())
        .execute(connection)
        .await?;
    Ok(project.version + 1)
}

/// Says of a unique index's refusal that the name is taken.
fn name_taken<T>(outcome: Result<T, sqlx::Error>, name: &str) -> Result<T, Error> {
    outcome.map_err(|error| match error {
        sqlx::Error::Database(error) if error.is_unique_violation() => Error::NameTaken {
            name: name.to_owned(),
        },
        error => error.into(),
    })
}

pub(crate) async fn find(connection: &mut AnyConnection, id: ProjectId) -> Result<Project, Error> {
    let row = sqlx::query(query_for("WHERE p.id = $1"))
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

fn entry(action: &'static str, project: &Project) -> Entry {
    Entry {
        organisation: Some(project.organisation),
        action,
        target_id: project.id.to_string(),
        target_name: project.name.clone(),
        before: None,
        after: None,
    }
}
