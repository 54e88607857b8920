//! A sync's versions: the present one is the sync itself, former ones stand beside it.

use std::sync::Arc;

use model::sync::Sync;
use model::{ProjectId, SyncId, Timestamp};
use serde_json::Value;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

use super::{SecretFields, SyncRecord};
use crate::project_keys::stored_version;
use crate::{Error, Store};

/// How many versions of a sync are kept, the present one included.
const KEPT: u64 = 200;

/// Most pointers that say what a version changed.
const POINTERS: usize = 50;

/// Members of a sync's settings whose own members are told apart.
const NESTED: &[&str] = &["events", "users", "parameters", "mappings", "mapping_kinds"];

/// Who made a version of a sync, when, and what it changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncVersion {
    /// Counts from 1.
    pub version: u64,
    /// The version of the definition that it connects.
    pub definition_version: u32,
    /// An e-mail address or a token's name, as it was then; `None`: not known.
    pub by: Option<String>,
    /// When it was made.
    pub at: Timestamp,
    /// What differs from the version before, as JSON pointers into `name`, `notes`, `enabled`,
    /// `definition` and the members of [`model::sync::Settings`]; at most 50.
    pub changed: Vec<String>,
}

impl Store {
    /// Up to `limit` versions of a sync, newest first, older than `below`. The newest 200 are kept.
    pub async fn sync_versions(
        &self,
        project: ProjectId,
        id: SyncId,
        below: Option<u64>,
        limit: u32,
    ) -> Result<Vec<SyncVersion>, Error> {
        let present = self.sync(project, id).await?;
        let below = below.unwrap_or(u64::MAX);
        let rows = sqlx::query(
            "SELECT version, definition_version, changed_by, changed, changed_at
             FROM sync_versions WHERE sync_id = $1 AND version < $2
             ORDER BY version DESC LIMIT $3",
        )
        .bind(id.to_string())
        .bind(stored_version(below.min(present.version)))
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?;
        let former = rows.iter().map(|row| version_of(row, id));
        let newest = (present.version < below).then(|| {
            Ok(SyncVersion {
                version: present.version,
                definition_version: present.sync.definition_version,
                by: present.changed_by,
                at: present.updated_at,
                changed: present.changed,
            })
        });
        let all = newest.into_iter().chain(former);
        all.take(limit as usize).collect()
    }

    /// A sync as it was at one of its versions.
    pub async fn sync_version(
        &self,
        project: ProjectId,
        id: SyncId,
        version: u64,
    ) -> Result<SyncRecord, Error> {
        let present = self.sync(project, id).await?;
        if present.version == version {
            return Ok(present);
        }
        let row = sqlx::query(
            "SELECT id, version, definition_version, name, notes, enabled, settings, secrets,
                    changed_by, changed, changed_at
             FROM sync_versions WHERE sync_id = $1 AND version = $2",
        )
        .bind(id.to_string())
        .bind(stored_version(version))
        .fetch_optional(&self.pool)
        .await?;
        let row = row.ok_or(Error::NoSyncVersion { id, version })?;
        self.former(&row, &present)
    }

    /// What a row of a former version holds of the sync that is `present` now.
    fn former(&self, row: &AnyRow, present: &SyncRecord) -> Result<SyncRecord, Error> {
        let id = present.sync.id;
        let sealed_for: String = row.try_get("id")?;
        let about = version_of(row, id)?;
        let settings: String = row.try_get("settings")?;
        let mut settings = serde_json::from_str(&settings).map_err(|_| Error::Corrupt {
            what: "the settings",
            id: sealed_for.clone(),
        })?;
        let envelope: Option<String> = row.try_get("secrets")?;
        let secret = match envelope {
            Some(envelope) => self.unseal_settings(&sealed_for, &mut settings, &envelope)?,
            None => SecretFields::default(),
        };
        let enabled: i64 = row.try_get("enabled")?;
        Ok(SyncRecord {
            sync: Arc::new(Sync {
                definition_version: about.definition_version,
                name: row.try_get("name")?,
                enabled: enabled != 0,
                settings,
                ..(*present.sync).clone()
            }),
            notes: row.try_get("notes")?,
            secret,
            version: about.version,
            created_at: present.created_at,
            updated_at: about.at,
            changed_by: about.by,
            changed: about.changed,
        })
    }

    /// Keeps what a sync was before it is changed, and lets the oldest version go.
    pub(super) async fn keep_version(
        &self,
        connection: &mut AnyConnection,
        record: &SyncRecord,
    ) -> Result<(), Error> {
        let (sync, version) = (&record.sync, stored_version(record.version));
        let id = format!("{}.{version}", sync.id);
        let (settings, secrets) = self.seal_settings(&id, &sync.settings, &record.secret)?;
        sqlx::query(
            "INSERT INTO sync_versions
                 (id, sync_id, version, definition_version, name, notes, enabled, settings, secrets,
                  changed_by, changed, changed_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        )
        .bind(&id)
        .bind(sync.id.to_string())
        .bind(version)
        .bind(i64::from(sync.definition_version))
        .bind(&sync.name)
        .bind(&record.notes)
        .bind(i64::from(sync.enabled))
        .bind(settings)
        .bind(secrets)
        .bind(&record.changed_by)
        .bind(Value::from(record.changed.clone()).to_string())
        .bind(record.updated_at.0)
        .execute(&mut *connection)
        .await?;
        // With the one that the change makes there are as many as are kept.
        sqlx::query("DELETE FROM sync_versions WHERE sync_id = $1 AND version <= $2")
            .bind(sync.id.to_string())
            .bind(stored_version((record.version + 1).saturating_sub(KEPT)))
            .execute(connection)
            .await?;
        Ok(())
    }
}

fn version_of(row: &AnyRow, id: SyncId) -> Result<SyncVersion, Error> {
    let corrupt = |what| Error::Corrupt {
        what,
        id: id.to_string(),
    };
    let (version, definition): (i64, i64) =
        (row.try_get("version")?, row.try_get("definition_version")?);
    Ok(SyncVersion {
        version: u64::try_from(version).map_err(|_| corrupt("the version"))?,
        definition_version: u32::try_from(definition)
            .map_err(|_| corrupt("the definition's version"))?,
        by: row.try_get("changed_by")?,
        at: Timestamp(row.try_get("changed_at")?),
        changed: pointers(row, id)?,
    })
}

/// What a row says that its version changed.
pub(super) fn pointers(row: &AnyRow, id: SyncId) -> Result<Vec<String>, Error> {
    let changed: String = row.try_get("changed")?;
    serde_json::from_str(&changed).map_err(|_| Error::Corrupt {
        what: "what was changed",
        id: id.to_string(),
    })
}

/// Where two versions of a sync differ, secret values included: JSON pointers.
pub(super) fn changed(before: &SyncRecord, after: &SyncRecord) -> Result<Vec<String>, Error> {
    let (was, is) = (&before.sync, &after.sync);
    let mut pointers = Vec::new();
    let mut differ = |pointer: &str, differs: bool| {
        if differs {
            pointers.push(pointer.to_owned());
        }
    };
    differ("/name", was.name != is.name);
    differ("/notes", before.notes != after.notes);
    differ("/enabled", was.enabled != is.enabled);
    let same_definition = was.definition_version == is.definition_version;
    differ("/definition/version", !same_definition);
    let settings = |sync: &Sync| {
        serde_json::to_value(&sync.settings).map_err(|_| Error::Corrupt {
            what: "the settings",
            id: sync.id.to_string(),
        })
    };
    let (was, is) = (settings(was)?, settings(is)?);
    let mut nested = pointers.clone();
    for name in members(&was, &is) {
        let (was, is) = (&was[name], &is[name]);
        if was == is {
            continue;
        }
        pointers.push(pointer("", name));
        if NESTED.contains(&name) {
            let differing = members(was, is).into_iter();
            let differing = differing.filter(|&member| was.get(member) != is.get(member));
            nested.extend(differing.map(|member| pointer(&pointer("", name), member)));
        } else {
            nested.push(pointer("", name));
        }
    }
    Ok(match nested.len() <= POINTERS {
        true => nested,
        false => pointers,
    })
}

/// The names of the members of two objects, each once.
fn members<'v>(one: &'v Value, other: &'v Value) -> Vec<&'v str> {
    let names = |value: &'v Value| {
        value
            .as_object()
            .into_iter()
            .flat_map(|object| object.keys())
    };
    let only_other = names(other).filter(|name| one.get(name.as_str()).is_none());
    names(one).chain(only_other).map(String::as_str).collect()
}

/// One more reference token of a JSON pointer (RFC 6901), escaped.
fn pointer(base: &str, token: &str) -> String {
    format!("{base}/{}", token.replace('~', "~0").replace('/', "~1"))
}
