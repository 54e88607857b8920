//! Syncs: a definition connected to a project with a user's settings, its secrets sealed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::sync::{Settings, Sync};
use model::{DefinitionId, ProjectId, SyncId, Timestamp};
use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;
use sqlx::{AnyPool, Row};

use crate::{Cursor, Error, Page, Store};

/// A sync as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct SyncRecord {
    /// The sync, its secrets in the clear.
    pub sync: Arc<Sync>,
    /// Which of its values are secret.
    pub secret: SecretFields,
    /// Counts from 1 with each change.
    pub version: u64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// Which values of a sync's settings are never shown and are stored sealed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SecretFields {
    /// Names of headers, as the settings have them.
    pub headers: BTreeSet<String>,
    /// Names of parameters.
    pub parameters: BTreeSet<String>,
}

/// What people can set of a sync.
#[derive(Debug, Clone, PartialEq)]
pub struct SyncDraft {
    /// As people call it.
    pub name: String,
    /// Whether it delivers.
    pub enabled: bool,
    /// Everything the user chose, secrets in the clear.
    pub settings: Settings,
    /// Which of the settings' values are secret.
    pub secret: SecretFields,
}

/// A sync that was deleted, but whose lane may still be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeletedSync {
    /// Which.
    pub id: SyncId,
}

/// What is sealed of a sync's settings.
#[derive(Default, Serialize, Deserialize)]
struct Sealed {
    headers: BTreeMap<String, String>,
    parameters: BTreeMap<String, String>,
}

/// Whether any sync holds sealed secrets.
pub(crate) async fn any_sealed(pool: &AnyPool) -> Result<bool, Error> {
    let row = sqlx::query("SELECT id FROM syncs WHERE secrets IS NOT NULL LIMIT 1")
        .fetch_optional(pool)
        .await?;
    Ok(row.is_some())
}

impl Store {
    /// Makes a sync.
    pub async fn create_sync(
        &self,
        project: ProjectId,
        definition: (DefinitionId, u32),
        draft: SyncDraft,
    ) -> Result<SyncRecord, Error> {
        let now = self.clock.now();
        let record = SyncRecord {
            sync: Arc::new(Sync {
                id: SyncId::generate(self.random.as_ref()),
                project,
                definition: definition.0,
                definition_version: definition.1,
                name: draft.name,
                enabled: draft.enabled,
                settings: draft.settings,
            }),
            secret: draft.secret,
            version: 1,
            created_at: now,
            updated_at: now,
        };
        let sync = &record.sync;
        let (settings, secrets) = self.seal(sync.id, &sync.settings, &record.secret)?;
        let inserted = sqlx::query(
            "INSERT INTO syncs
                 (id, project_id, definition_id, definition_version, name, enabled, settings,
                  secrets, version, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1, $9, $9)",
        )
        .bind(sync.id.to_string())
        .bind(project.to_string())
        .bind(sync.definition.to_string())
        .bind(i64::from(sync.definition_version))
        .bind(&sync.name)
        .bind(i64::from(sync.enabled))
        .bind(settings)
        .bind(secrets)
        .bind(now.0)
        .execute(&self.pool)
        .await;
        match inserted {
            Ok(_) => Ok(record),
            Err(sqlx::Error::Database(error)) if error.is_foreign_key_violation() => {
                Err(Error::NoProject(project))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// A project's syncs, oldest first.
    pub async fn syncs(
        &self,
        project: ProjectId,
        after: Option<&Cursor>,
        limit: u32,
    ) -> Result<Page<SyncRecord>, Error> {
        let start = Cursor::start();
        let after = after.unwrap_or(&start);
        let rows = sqlx::query(
            "SELECT id, project_id, definition_id, definition_version, name, enabled, settings,
                    secrets, version, created_at, updated_at FROM syncs
             WHERE project_id = $1 AND deleted_at IS NULL AND (created_at, id) > ($2, $3)
             ORDER BY created_at, id LIMIT $4",
        )
        .bind(project.to_string())
        .bind(after.created_at.0)
        .bind(&after.id)
        .bind(i64::from(limit) + 1)
        .fetch_all(&self.pool)
        .await?;
        self.page(&rows, limit)
    }

    /// All projects' syncs, oldest first: to start their lanes.
    pub async fn all_syncs(
        &self,
        after: Option<&Cursor>,
        limit: u32,
    ) -> Result<Page<SyncRecord>, Error> {
        let start = Cursor::start();
        let after = after.unwrap_or(&start);
        let rows = sqlx::query(
            "SELECT id, project_id, definition_id, definition_version, name, enabled, settings,
                    secrets, version, created_at, updated_at FROM syncs
             WHERE deleted_at IS NULL AND (created_at, id) > ($1, $2)
             ORDER BY created_at, id LIMIT $3",
        )
        .bind(after.created_at.0)
        .bind(&after.id)
        .bind(i64::from(limit) + 1)
        .fetch_all(&self.pool)
        .await?;
        self.page(&rows, limit)
    }

    /// One sync of a project.
    pub async fn sync(&self, project: ProjectId, id: SyncId) -> Result<SyncRecord, Error> {
        let record = self.sync_by_id(id).await?;
        let own = record.filter(|record| record.sync.project == project);
        own.ok_or(Error::NoSync(id))
    }

    /// A sync of any project; `None` when there is none, or none any more.
    pub async fn sync_by_id(&self, id: SyncId) -> Result<Option<SyncRecord>, Error> {
        let row = sqlx::query(
            "SELECT id, project_id, definition_id, definition_version, name, enabled, settings,
                    secrets, version, created_at, updated_at FROM syncs
             WHERE id = $1 AND deleted_at IS NULL",
        )
        .bind(id.to_string())
        .fetch_optional(&self.pool)
        .await?;
        row.map(|row| self.record(&row)).transpose()
    }

    /// Changes a sync, if it still is at the version that the change was made from.
    pub async fn change_sync(
        &self,
        project: ProjectId,
        id: SyncId,
        version: u64,
        draft: SyncDraft,
    ) -> Result<SyncRecord, Error> {
        let (settings, secrets) = self.seal(id, &draft.settings, &draft.secret)?;
        let changed = sqlx::query(
            "UPDATE syncs
             SET name = $4, enabled = $5, settings = $6, secrets = $7, updated_at = $8,
                 version = version + 1
             WHERE id = $1 AND project_id = $2 AND version = $3 AND deleted_at IS NULL",
        )
        .bind(id.to_string())
        .bind(project.to_string())
        .bind(stored_version(version))
        .bind(&draft.name)
        .bind(i64::from(draft.enabled))
        .bind(settings)
        .bind(secrets)
        .bind(self.clock.now().0)
        .execute(&self.pool)
        .await?;
        let now = self.sync(project, id).await?;
        match changed.rows_affected() {
            0 => Err(Error::Conflict {
                current: now.version,
            }),
            _ => Ok(now),
        }
    }

    /// Deletes a sync: it is gone for everyone at once, its secrets too. Its row is kept until
    /// [`forget_sync`](Self::forget_sync) says that its lane is gone, so that a crash in between
    /// leaves no lane behind.
    pub async fn delete_sync(&self, project: ProjectId, id: SyncId) -> Result<(), Error> {
        let deleted = sqlx::query(
            "UPDATE syncs SET deleted_at = $3, enabled = 0, settings = '{}', secrets = NULL
             WHERE id = $1 AND project_id = $2 AND deleted_at IS NULL",
        )
        .bind(id.to_string())
        .bind(project.to_string())
        .bind(self.clock.now().0)
        .execute(&self.pool)
        .await?;
        match deleted.rows_affected() {
            0 => Err(Error::NoSync(id)),
            _ => Ok(()),
        }
    }

    /// Up to `limit` deleted syncs whose lanes may still be there, the longest deleted first.
    pub async fn deleted_syncs(&self, limit: u32) -> Result<Vec<DeletedSync>, Error> {
        let rows = sqlx::query(
            "SELECT id FROM syncs WHERE deleted_at IS NOT NULL ORDER BY deleted_at, id LIMIT $1",
        )
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| {
                let id: String = row.try_get(0)?;
                let parsed = id
                    .parse()
                    .map_err(|_| Error::Corrupt { what: "the id", id });
                parsed.map(|id| DeletedSync { id })
            })
            .collect()
    }

    /// Forgets a deleted sync for good: its lane is gone.
    pub async fn forget_sync(&self, deleted: DeletedSync) -> Result<(), Error> {
        sqlx::query("DELETE FROM syncs WHERE id = $1 AND deleted_at IS NOT NULL")
            .bind(deleted.id.to_string())
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    fn page(&self, rows: &[AnyRow], limit: u32) -> Result<Page<SyncRecord>, Error> {
        let records = rows.iter().map(|row| self.record(row));
        let records = records.collect::<Result<_, _>>()?;
        Ok(Page::cut(records, limit, |last: &SyncRecord| Cursor {
            created_at: last.created_at,
            id: last.sync.id.to_string(),
        }))
    }

    /// The settings without their secrets as JSON, and the secrets sealed, if there are any.
    fn seal(
        &self,
        id: SyncId,
        settings: &Settings,
        secret: &SecretFields,
    ) -> Result<(String, Option<String>), Error> {
        let mut open = settings.clone();
        let mut sealed = Sealed::default();
        for header in &mut open.headers {
            if secret.headers.contains(&header.name) {
                let value = std::mem::take(&mut header.value);
                sealed.headers.insert(header.name.clone(), value);
            }
        }
        for (name, value) in &mut open.parameters {
            if secret.parameters.contains(name) {
                sealed
                    .parameters
                    .insert(name.clone(), std::mem::take(value));
            }
        }
        let unwritable = |_| Error::Corrupt {
            what: "the settings",
            id: id.to_string(),
        };
        let open = serde_json::to_string(&open).map_err(unwritable)?;
        if sealed.headers.is_empty() && sealed.parameters.is_empty() {
            return Ok((open, None));
        }
        let sealed = serde_json::to_vec(&sealed).map_err(unwritable)?;
        let random = self.random.as_ref();
        let envelope = self.keyring.seal(&id.to_string(), &sealed, random)?;
        Ok((open, Some(envelope)))
    }

    /// Puts the sealed values back into the settings and says which they are.
    fn unseal(
        &self,
        id: &str,
        settings: &mut Settings,
        envelope: &str,
    ) -> Result<SecretFields, Error> {
        let sealed = self.keyring.open_envelope(id, envelope)?;
        let sealed: Sealed = serde_json::from_slice(&sealed).map_err(|_| Error::Corrupt {
            what: "the secrets",
            id: id.to_owned(),
        })?;
        let secret = SecretFields {
            headers: sealed.headers.keys().cloned().collect(),
            parameters: sealed.parameters.keys().cloned().collect(),
        };
        for header in &mut settings.headers {
            if let Some(value) = sealed.headers.get(&header.name) {
                header.value.clone_from(value);
            }
        }
        settings.parameters.extend(sealed.parameters);
        Ok(secret)
    }

    fn record(&self, row: &AnyRow) -> Result<SyncRecord, Error> {
        let id: String = row.try_get("id")?;
        let corrupt = |what| Error::Corrupt {
            what,
            id: id.clone(),
        };
        let (project, definition): (String, String) =
            (row.try_get("project_id")?, row.try_get("definition_id")?);
        let (definition_version, version): (i64, i64) =
            (row.try_get("definition_version")?, row.try_get("version")?);
        let enabled: i64 = row.try_get("enabled")?;
        let settings: String = row.try_get("settings")?;
        let mut settings = serde_json::from_str(&settings).map_err(|_| corrupt("the settings"))?;
        let envelope: Option<String> = row.try_get("secrets")?;
        let secret = match envelope {
            Some(envelope) => self.unseal(&id, &mut settings, &envelope)?,
            None => SecretFields::default(),
        };
        let sync = Sync {
            id: id.parse().map_err(|_| corrupt("the id"))?,
            project: project.parse().map_err(|_| corrupt("the project"))?,
            definition: definition.parse().map_err(|_| corrupt("the definition"))?,
            definition_version: u32::try_from(definition_version)
                .map_err(|_| corrupt("the definition's version"))?,
            name: row.try_get("name")?,
            enabled: enabled != 0,
            settings,
        };
        Ok(SyncRecord {
            sync: Arc::new(sync),
            secret,
            version: u64::try_from(version).map_err(|_| corrupt("the version"))?,
            created_at: Timestamp(row.try_get("created_at")?),
            updated_at: Timestamp(row.try_get("updated_at")?),
        })
    }
}

/// A version as the database has it; one that no row can have becomes one that none has.
fn stored_version(version: u64) -> i64 {
    i64::try_from(version).unwrap_or(i64::MAX)
}
