//! Syncs: a definition connected to a project with a user's settings, its secrets sealed.

mod log;
mod sealed;

use std::collections::BTreeSet;
use std::sync::Arc;

use model::sync::{Settings, Sync};
use model::{DefinitionId, ProjectId, SyncId, Timestamp};
use serde_json::json;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

use crate::change::{Caller, Entry};
use crate::person::conflict;
use crate::project_keys::stored_version;
use crate::{Cursor, Error, Page, Store, project};
use log::{entry, shown, with_member};

pub(crate) use log::difference;

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

impl Store {
    /// Makes a sync.
    pub async fn create_sync(
        &self,
        project: ProjectId,
        definition: (DefinitionId, u32),
        draft: SyncDraft,
        by: &Caller,
    ) -> Result<SyncRecord, Error> {
        let mut change = self.begin(by).await?;
        let organisation = project::find(change.connection(), project)
            .await?
            .organisation;
        if let Some(made) = change.made_before().await? {
            drop(change);
            return self.sync(project, made).await;
        }
        let now = change.now;
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
        let (settings, secrets) = self.seal_settings(sync.id, &sync.settings, &record.secret)?;
        sqlx::query(
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
        .execute(change.connection())
        .await?;
        change.remember(&sync.id).await?;
        let entry = Entry {
            after: Some(shown(&record)?),
            ..entry("sync.create", organisation, sync)
        };
        change.commit(entry).await?;
        Ok(record)
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
        by: &Caller,
    ) -> Result<SyncRecord, Error> {
        let mut change = self.begin(by).await?;
        let before = self.find_sync(change.connection(), project, id).await?;
        conflict(Some(version), before.version)?;
        let (settings, secrets) = self.seal_settings(id, &draft.settings, &draft.secret)?;
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
        .bind(change.now.0)
        .execute(change.connection())
        .await?;
        if changed.rows_affected() == 0 {
            return Err(Error::Conflict {
                current: before.version + 1,
            });
        }
        let after = self.find_sync(change.connection(), project, id).await?;
        let organisation = project::find(change.connection(), project)
            .await?
            .organisation;
        let (was, is) = difference(shown(&before)?, shown(&after)?);
        let secrets_changed = before.secret_values() != after.secret_values();
        let secrets_changed = secrets_changed.then(|| json!("changed"));
        let entry = Entry {
            before: Some(was),
            after: Some(with_member(is, "secrets", secrets_changed)),
            ..entry("sync.change", organisation, &after.sync)
        };
        change.commit(entry).await?;
        Ok(after)
    }

    /// Deletes a sync: it is gone for everyone at once, its secrets too. Its row is kept until
    /// [`forget_sync`](Self::forget_sync) says that its lane is gone, so that a crash in between
    /// leaves no lane behind.
    pub async fn delete_sync(
        &self,
        project: ProjectId,
        id: SyncId,
        by: &Caller,
    ) -> Result<(), Error> {
        let mut change = self.begin(by).await?;
        let before = self.find_sync(change.connection(), project, id).await?;
        let organisation = project::find(change.connection(), project)
            .await?
            .organisation;
        let deleted = sqlx::query(
            "UPDATE syncs SET deleted_at = $3, enabled = 0, settings = '{}', secrets = NULL
             WHERE id = $1 AND project_id = $2 AND deleted_at IS NULL",
        )
        .bind(id.to_string())
        .bind(project.to_string())
        .bind(change.now.0)
        .execute(change.connection())
        .await?;
        if deleted.rows_affected() == 0 {
            return Err(Error::NoSync(id));
        }
        let entry = Entry {
            before: Some(shown(&before)?),
            ..entry("sync.delete", organisation, &before.sync)
        };
        change.commit(entry).await
    }

    async fn find_sync(
        &self,
        connection: &mut AnyConnection,
        project: ProjectId,
        id: SyncId,
    ) -> Result<SyncRecord, Error> {
        let row = sqlx::query(
            "SELECT id, project_id, definition_id, definition_version, name, enabled, settings,
                    secrets, version, created_at, updated_at FROM syncs
             WHERE id = $1 AND project_id = $2 AND deleted_at IS NULL",
        )
        .bind(id.to_string())
        .bind(project.to_string())
        .fetch_optional(connection)
        .await?;
        row.map_or(Err(Error::NoSync(id)), |row| self.record(&row))
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
            Some(envelope) => self.unseal_settings(&id, &mut settings, &envelope)?,
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
