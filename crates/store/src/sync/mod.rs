//! Syncs: a definition connected to a project with a user's settings, its secrets sealed, and what
//! they were before.

mod history;
mod log;
mod sealed;

use std::collections::BTreeSet;
use std::sync::Arc;

use model::sync::{Settings, Sync};
use model::{DefinitionId, ProjectId, SyncId, Timestamp};
use serde_json::json;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe, Row};

use crate::change::{Caller, Entry, still_there};
use crate::person::conflict;
use crate::project_keys::stored_version;
use crate::{Cursor, Error, Page, Store, project, replay};
use log::{entry, shown, with_member};

pub use history::SyncVersion;
pub(crate) use log::difference;

const COLUMNS: &str = "id, project_id, definition_id, definition_version, name, notes, enabled, \
                       settings, secrets, version, changed_by, changed, created_at, updated_at";

/// A sync as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct SyncRecord {
    /// The sync, its secrets in the clear.
    pub sync: Arc<Sync>,
    /// What people note about it.
    pub notes: String,
    /// Which of its values are secret.
    pub secret: SecretFields,
    /// Counts from 1 with each change.
    pub version: u64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Who changed it last: an e-mail address or a token's name, as it was then; `None`: not known.
    pub changed_by: Option<String>,
    /// What the last change was: see [`SyncVersion::changed`].
    pub changed: Vec<String>,
}

impl SyncRecord {
    /// The same as people set it.
    pub fn draft(&self) -> SyncDraft {
        SyncDraft {
            name: self.sync.name.clone(),
            notes: self.notes.clone(),
            enabled: self.sync.enabled,
            settings: self.sync.settings.clone(),
            secret: self.secret.clone(),
        }
    }
}

/// How a sync comes to its next version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revision {
    /// It is changed as it is.
    Edit,
    /// It connects another version of its definition from now on.
    Upgrade {
        /// Which.
        to: u32,
    },
    /// It becomes again what it was.
    Restore {
        /// At which of its versions.
        version: u64,
        /// The version of its definition that it connected then.
        definition: u32,
    },
}

impl Revision {
    /// As the audit log calls it.
    fn action(self) -> &'static str {
        match self {
            Self::Edit => "sync.change",
            Self::Upgrade { .. } => "sync.upgrade",
            Self::Restore { .. } => "sync.restore",
        }
    }

    /// The version of the definition that the sync connects after it.
    fn definition(self, present: u32) -> u32 {
        match self {
            Self::Edit => present,
            Self::Upgrade { to } => to,
            Self::Restore { definition, .. } => definition,
        }
    }
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
    /// What people note about it.
    pub notes: String,
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
            return still_there(self.sync(project, made).await);
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
            notes: draft.notes,
            secret: draft.secret,
            version: 1,
            created_at: now,
            updated_at: now,
            changed_by: Some(by.actor.who()),
            changed: Vec::new(),
        };
        let sync = &record.sync;
        let (settings, secrets) =
            self.seal_settings(&sync.id.to_string(), &sync.settings, &record.secret)?;
        sqlx::query(
            "INSERT INTO syncs
                 (id, project_id, definition_id, definition_version, name, notes, enabled, settings,
                  secrets, version, changed_by, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1, $10, $11, $11)",
        )
        .bind(sync.id.to_string())
        .bind(project.to_string())
        .bind(sync.definition.to_string())
        .bind(i64::from(sync.definition_version))
        .bind(&sync.name)
        .bind(&record.notes)
        .bind(i64::from(sync.enabled))
        .bind(settings)
        .bind(secrets)
        .bind(&record.changed_by)
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
        let rows = sqlx::query(AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM syncs
             WHERE project_id = $1 AND deleted_at IS NULL AND (created_at, id) > ($2, $3)
             ORDER BY created_at, id LIMIT $4"
        )))
        .bind(project.to_string())
        .bind(after.created_at.0)
        .bind(&after.id)
        .bind(i64::from(limit) + 1)
        .fetch_all(&self.pool)
        .await?;
        self.page(&rows, limit)
    }

    /// The names of a project's syncs, oldest first.
    pub async fn sync_names(
        &self,
        project: ProjectId,
        after: Option<&Cursor>,
        limit: u32,
    ) -> Result<Page<(SyncId, String)>, Error> {
        let start = Cursor::start();
        let after = after.unwrap_or(&start);
        let rows = sqlx::query(
            "SELECT id, name, created_at FROM syncs
             WHERE project_id = $1 AND deleted_at IS NULL AND (created_at, id) > ($2, $3)
             ORDER BY created_at, id LIMIT $4",
        )
        .bind(project.to_string())
        .bind(after.created_at.0)
        .bind(&after.id)
        .bind(i64::from(limit) + 1)
        .fetch_all(&self.pool)
        .await?;
        let named = rows.iter().map(|row| {
            let id: String = row.try_get("id")?;
            let corrupt = |_| Error::Corrupt {
                what: "the id",
                id: id.clone(),
            };
            let named: (SyncId, String) = (id.parse().map_err(corrupt)?, row.try_get("name")?);
            Ok::<_, Error>((named, Timestamp(row.try_get("created_at")?)))
        });
        let named = named.collect::<Result<Vec<_>, _>>()?;
        let page = Page::cut(named, limit, |((id, _), created_at)| Cursor {
            created_at: *created_at,
            id: id.to_string(),
        });
        Ok(Page {
            items: page.items.into_iter().map(|(named, _)| named).collect(),
            next: page.next,
        })
    }

    /// All projects' syncs, oldest first: to start their lanes.
    pub async fn all_syncs(
        &self,
        after: Option<&Cursor>,
        limit: u32,
    ) -> Result<Page<SyncRecord>, Error> {
        let start = Cursor::start();
        let after = after.unwrap_or(&start);
        let rows = sqlx::query(AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM syncs
             WHERE deleted_at IS NULL AND (created_at, id) > ($1, $2)
             ORDER BY created_at, id LIMIT $3"
        )))
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
        let row = sqlx::query(AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM syncs
             WHERE id = $1 AND deleted_at IS NULL"
        )))
        .bind(id.to_string())
        .fetch_optional(&self.pool)
        .await?;
        row.map(|row| self.record(&row)).transpose()
    }

    /// Changes a sync, if it still is at the version that the change was made from. What it was before
    /// is kept as a version.
    pub async fn change_sync(
        &self,
        project: ProjectId,
        id: SyncId,
        version: u64,
        draft: SyncDraft,
        by: &Caller,
    ) -> Result<SyncRecord, Error> {
        self.revise_sync(project, id, version, draft, Revision::Edit, by)
            .await
    }

    /// The same, in one of the other ways in which a sync comes to its next version. Whether the
    /// draft suits the definition is the caller's to see.
    pub async fn revise_sync(
        &self,
        project: ProjectId,
        id: SyncId,
        version: u64,
        draft: SyncDraft,
        revision: Revision,
        by: &Caller,
    ) -> Result<SyncRecord, Error> {
        let mut change = self.begin(by).await?;
        let before = self.find_sync(change.connection(), project, id).await?;
        conflict(Some(version), before.version)?;
        self.keep_version(change.connection(), &before).await?;
        let after = SyncRecord {
            sync: Arc::new(Sync {
                definition_version: revision.definition(before.sync.definition_version),
                name: draft.name,
                enabled: draft.enabled,
                settings: draft.settings,
                ..(*before.sync).clone()
            }),
            notes: draft.notes,
            secret: draft.secret,
            version: before.version + 1,
            created_at: before.created_at,
            updated_at: change.now,
            changed_by: Some(by.actor.who()),
            changed: Vec::new(),
        };
        let after = SyncRecord {
            changed: history::changed(&before, &after)?,
            ..after
        };
        self.overwrite(change.connection(), &after).await?;
        let organisation = project::find(change.connection(), project)
            .await?
            .organisation;
        let (was, is) = difference(shown(&before)?, shown(&after)?);
        let secrets_changed = before.secret_values() != after.secret_values();
        let secrets_changed = secrets_changed.then(|| json!("changed"));
        let mut is = with_member(is, "secrets", secrets_changed);
        if let Revision::Restore { version, .. } = revision {
            is = with_member(is, "restored_version", Some(json!(version)));
        }
        let entry = Entry {
            before: Some(was),
            after: Some(is),
            ..entry(revision.action(), organisation, &after.sync)
        };
        change.commit(entry).await?;
        Ok(after)
    }

    /// Writes a sync's next version over the one before.
    async fn overwrite(
        &self,
        connection: &mut AnyConnection,
        next: &SyncRecord,
    ) -> Result<(), Error> {
        let sync = &next.sync;
        let id = sync.id.to_string();
        let (settings, secrets) = self.seal_settings(&id, &sync.settings, &next.secret)?;
        let changed = sqlx::query(
            "UPDATE syncs
             SET definition_version = $3, name = $4, notes = $5, enabled = $6, settings = $7,
                 secrets = $8, changed_by = $9, changed = $10, updated_at = $11,
                 version = version + 1
             WHERE id = $1 AND version = $2 AND deleted_at IS NULL",
        )
        .bind(id)
        .bind(stored_version(next.version - 1))
        .bind(i64::from(sync.definition_version))
        .bind(&sync.name)
        .bind(&next.notes)
        .bind(i64::from(sync.enabled))
        .bind(settings)
        .bind(secrets)
        .bind(&next.changed_by)
        .bind(json!(next.changed).to_string())
        .bind(next.updated_at.0)
        .execute(connection)
        .await?;
        match changed.rows_affected() {
            0 => Err(Error::Conflict {
                current: next.version,
            }),
            _ => Ok(()),
        }
    }

    /// Deletes a sync: it is gone for everyone at once, its versions and secrets too. Its row is kept until
    /// [`forget_sync`](Self::forget_sync) says that its lane is gone, so that a crash in between
    /// leaves no lane behind.
    pub async fn delete_sync(
        &self,
        project: ProjectId,
        id: SyncId,
        version: Option<u64>,
        by: &Caller,
    ) -> Result<(), Error> {
        let mut change = self.begin(by).await?;
        let before = self.find_sync(change.connection(), project, id).await?;
        conflict(version, before.version)?;
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
        sqlx::query("DELETE FROM sync_versions WHERE sync_id = $1")
            .bind(id.to_string())
            .execute(change.connection())
            .await?;
        replay::forget_of_sync(change.connection(), id).await?;
        let entry = Entry {
            before: Some(shown(&before)?),
            ..entry("sync.delete", organisation, &before.sync)
        };
        change.commit(entry).await
    }

    pub(crate) async fn find_sync(
        &self,
        connection: &mut AnyConnection,
        project: ProjectId,
        id: SyncId,
    ) -> Result<SyncRecord, Error> {
        let row = sqlx::query(AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM syncs
             WHERE id = $1 AND project_id = $2 AND deleted_at IS NULL"
        )))
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
            notes: row.try_get("notes")?,
            changed_by: row.try_get("changed_by")?,
            changed: history::pointers(row, sync.id)?,
            sync: Arc::new(sync),
            secret,
            version: u64::try_from(version).map_err(|_| corrupt("the version"))?,
            created_at: Timestamp(row.try_get("created_at")?),
            updated_at: Timestamp(row.try_get("updated_at")?),
        })
    }
}
