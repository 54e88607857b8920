//! The rules of projects and syncs.

use model::alert::Rules;
use model::{OrganisationId, ProjectId, SyncId};
use serde_json::json;
use sqlx::{AnyConnection, Row};

use crate::change::{Caller, Change, Entry};
use crate::person::conflict;
use crate::project_keys::stored_version;
use crate::{Error, Store, project};

/// Rules, and where they come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RulesRecord {
    /// What holds.
    pub rules: Rules,
    /// Whether they are the project's or the sync's own; otherwise the defaults, or the project's.
    pub own: bool,
    /// Counts from 1 with each change of what is its own.
    pub version: u64,
}

/// What an alert is about: a sync with all that its messages say of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The sync.
    pub sync: SyncId,
    /// As people call it.
    pub sync_name: String,
    /// Its project.
    pub project: ProjectId,
    /// As people call it.
    pub project_name: String,
    /// Whose it is.
    pub organisation: OrganisationId,
    /// Whether the sync is switched on.
    pub enabled: bool,
    /// What holds for it.
    pub rules: Rules,
}

/// Own rules and their version.
type Own = (Option<Rules>, u64);

impl Store {
    /// A project's rules.
    pub async fn project_rules(&self, project: ProjectId) -> Result<RulesRecord, Error> {
        let mut connection = self.pool.acquire().await?;
        project::find(&mut connection, project).await?;
        let own = read(&mut connection, &project.to_string()).await?;
        Ok(record(own, Rules::default))
    }

    /// The rules that hold for a sync.
    pub async fn sync_rules(&self, project: ProjectId, sync: SyncId) -> Result<RulesRecord, Error> {
        let mut connection = self.pool.acquire().await?;
        self.find_sync(&mut connection, project, sync).await?;
        let own = read(&mut connection, &sync.to_string()).await?;
        let (of_project, _) = read(&mut connection, &project.to_string()).await?;
        Ok(record(own, || of_project.unwrap_or_default()))
    }

    /// Gives a project these rules, if its own are still at `version` (any, when it is `None`).
    pub async fn set_project_rules(
        &self,
        id: ProjectId,
        version: Option<u64>,
        rules: Rules,
        by: &Caller,
    ) -> Result<RulesRecord, Error> {
        let mut change = self.begin(by).await?;
        let project = project::find(change.connection(), id).await?;
        let entry = Entry {
            organisation: Some(project.organisation),
            action: "alerts.set_rules",
            target_id: id.to_string(),
            target_name: project.name,
            before: None,
            after: None,
        };
        let about = (Some(id), None, id.to_string());
        let version = set(change, about, version, Some(&rules), entry).await?;
        Ok(RulesRecord {
            rules,
            own: true,
            version,
        })
    }

    /// Gives a sync rules of its own (`None`: the project's again), if its own are still at `version`
    /// (any, when it is `None`).
    pub async fn set_sync_rules(
        &self,
        project: ProjectId,
        id: SyncId,
        version: Option<u64>,
        rules: Option<Rules>,
        by: &Caller,
    ) -> Result<RulesRecord, Error> {
        let mut change = self.begin(by).await?;
        let of = project::find(change.connection(), project).await?;
        let sync = self.find_sync(change.connection(), project, id).await?.sync;
        let (of_project, _) = read(change.connection(), &project.to_string()).await?;
        let entry = Entry {
            organisation: Some(of.organisation),
            action: match rules {
                Some(_) => "alerts.set_rules",
                None => "alerts.reset_rules",
            },
            target_id: id.to_string(),
            target_name: sync.name.clone(),
            before: None,
            after: None,
        };
        let about = (None, Some(id), id.to_string());
        let version = set(change, about, version, rules.as_ref(), entry).await?;
        Ok(record((rules, version), || of_project.unwrap_or_default()))
    }

    /// What an alert about a sync is about; `None` when the sync is gone.
    pub async fn alert_subject(&self, sync: SyncId) -> Result<Option<Subject>, Error> {
        let row = sqlx::query(
            "SELECT s.name AS sync_name, s.project_id, s.enabled, p.name AS project_name,
                    p.organisation_id, own.rules AS own_rules, whole.rules AS whole_rules
             FROM syncs s JOIN projects p ON p.id = s.project_id
             LEFT JOIN alert_rules own ON own.id = s.id
             LEFT JOIN alert_rules whole ON whole.id = s.project_id
             WHERE s.id = $1 AND s.deleted_at IS NULL",
        )
        .bind(sync.to_string())
        .fetch_optional(&self.pool)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let corrupt = |what| Error::Corrupt {
            what,
            id: sync.to_string(),
        };
        let (project, organisation): (String, String) =
            (row.try_get("project_id")?, row.try_get("organisation_id")?);
        let (own, whole): (Option<String>, Option<String>) =
            (row.try_get("own_rules")?, row.try_get("whole_rules")?);
        let rules = own.or(whole).map(|text| serde_json::from_str(&text));
        let enabled: i64 = row.try_get("enabled")?;
        Ok(Some(Subject {
            sync,
            sync_name: row.try_get("sync_name")?,
            project: project.parse().map_err(|_| corrupt("the project"))?,
            project_name: row.try_get("project_name")?,
            organisation: organisation
                .parse()
                .map_err(|_| corrupt("the organisation"))?,
            enabled: enabled != 0,
            rules: rules
                .transpose()
                .map_err(|_| corrupt("the rules"))?
                .unwrap_or_default(),
        }))
    }
}

fn record((rules, version): Own, otherwise: impl FnOnce() -> Rules) -> RulesRecord {
    RulesRecord {
        own: rules.is_some(),
        rules: rules.unwrap_or_else(otherwise),
        version,
    }
}

async fn read(connection: &mut AnyConnection, id: &str) -> Result<Own, Error> {
    let row = sqlx::query("SELECT rules, version FROM alert_rules WHERE id = $1")
        .bind(id)
        .fetch_optional(connection)
        .await?;
    let Some(row) = row else {
        return Ok((None, 1));
    };
    let corrupt = || Error::Corrupt {
        what: "the rules",
        id: id.to_owned(),
    };
    let (rules, version): (Option<String>, i64) = (row.try_get("rules")?, row.try_get("version")?);
    let rules = rules.map(|text| serde_json::from_str(&text)).transpose();
    let version = u64::try_from(version).map_err(|_| corrupt())?;
    Ok((rules.map_err(|_| corrupt())?, version))
}

/// Writes rules and tells of it; their version afterwards.
async fn set(
    mut change: Change<'_>,
    (project, sync, id): (Option<ProjectId>, Option<SyncId>, String),
    seen: Option<u64>,
    rules: Option<&Rules>,
    entry: Entry,
) -> Result<u64, Error> {
    let (before, current) = read(change.connection(), &id).await?;
    conflict(seen, current)?;
    if before.as_ref() == rules {
        return Ok(current);
    }
    let text = rules.map(serde_json::to_string).transpose();
    let text = text.map_err(|_| Error::Corrupt {
        what: "the rules",
        id: id.clone(),
    })?;
    let (version, now) = (current + 1, change.now);
    sqlx::query(
        "INSERT INTO alert_rules (id, project_id, sync_id, rules, version, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (id) DO UPDATE SET rules = $4, version = $5, updated_at = $6",
    )
    .bind(&id)
    .bind(project.map(|id| id.to_string()))
    .bind(sync.map(|id| id.to_string()))
    .bind(text)
    .bind(stored_version(version))
    .bind(now.0)
    .execute(change.connection())
    .await?;
    let entry = Entry {
        before: before.map(|rules| json!(rules)),
        after: rules.map(|rules| json!(rules)),
        ..entry
    };
    change.commit(entry).await?;
    Ok(version)
}
