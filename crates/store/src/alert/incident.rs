//! Incidents: one at a time for each rule and sync.

use model::alert::Kind;
use model::outcome::Category;
use model::{ChannelId, IncidentId, MessageId, ProjectId, SyncId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::any::AnyRow;
use sqlx::{Any, AnyConnection, AssertSqlSafe, Row, Transaction};

use crate::change::{Caller, Entry, rfc3339};
use crate::mail::{Belongs, Draft, Enqueued};
use crate::{Cursor, Error, Page, Store, project};

/// Open incidents that are read at most: one for each rule and sync in trouble.
const MOST_OPEN: i64 = 100_000;

/// What was seen when an incident began. Nothing secret.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Seen {
    /// Why, in words.
    pub reason: String,
    /// The lane's health, in a word.
    pub health: String,
    /// What kind of failure was the last.
    pub category: Option<Category>,
    /// The status of its answer, where there was one.
    pub status: Option<u16>,
    /// The last failure in words.
    pub message: Option<String>,
    /// Deliveries that waited for their next attempt.
    pub pending: u64,
    /// Events that were not looked at yet.
    pub backlog: u64,
    /// How many deliveries had expired until then, in all.
    pub expired: u64,
    /// How many had been discarded.
    pub discarded: u64,
    /// How much had been lost because the sync stood still beyond its bounds.
    #[serde(default)]
    pub lost: u64,
    /// Whether it is over only when something was delivered.
    pub needs_success: bool,
}

/// How an incident ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// `recovered`, `switched_off` (the sync), `deleted` (the sync), `rule_off`.
    pub why: String,
    /// How many deliveries expired meanwhile: they are lost, unless they are sent again.
    pub expired: u64,
    /// How many were discarded meanwhile.
    pub discarded: u64,
    /// How much was lost meanwhile because the sync stood still beyond its bounds.
    #[serde(default)]
    pub lost: u64,
    /// How the sync did at the end, in a word; `None` of incidents that ended before that was kept.
    #[serde(default)]
    pub health: Option<String>,
    /// Deliveries that waited for their next attempt at the end.
    pub pending: u64,
    /// Events that were not looked at at the end.
    pub backlog: u64,
}

/// An incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incident {
    /// Identifies it.
    pub id: IncidentId,
    /// The project.
    pub project: ProjectId,
    /// The sync.
    pub sync: SyncId,
    /// Which rule.
    pub kind: Kind,
    /// When it began.
    pub opened_at: Timestamp,
    /// What was seen then.
    pub seen: Seen,
    /// When it ended, and how.
    pub closed: Option<(Timestamp, Ended)>,
    /// When it is told that it is open, where that was held back.
    pub tell_at: Option<Timestamp>,
    /// Whether that was told.
    pub told: bool,
    /// Who saw to it, and when.
    pub acknowledged: Option<(Timestamp, String)>,
    /// Until when nothing more is told of it.
    pub muted_until: Option<Timestamp>,
}

/// An incident that begins.
#[derive(Debug, Clone)]
pub struct NewIncident {
    /// Its id: messages have it already.
    pub id: IncidentId,
    /// The project.
    pub project: ProjectId,
    /// The sync.
    pub sync: SyncId,
    /// Which rule.
    pub kind: Kind,
    /// What was seen.
    pub seen: Seen,
    /// When it may be told; `None`: at once.
    pub tell_at: Option<Timestamp>,
}

/// What is told, and to whom.
#[derive(Debug, Default)]
pub struct Telling {
    /// Letters.
    pub mails: Vec<Draft>,
    /// What webhooks get: the channel, the message's id, and the body.
    pub messages: Vec<(ChannelId, MessageId, String)>,
}

/// Which incidents.
#[derive(Debug, Clone, Copy, Default)]
pub struct IncidentFilter {
    /// Only of this sync.
    pub sync: Option<SyncId>,
    /// Only open ones, or only those that are over.
    pub open: Option<bool>,
}

impl Store {
    /// Opens an incident, and queues what tells of it. `Err` with the one that is open already, which
    /// another node may have opened; nothing is told then.
    pub async fn open_incident(
        &self,
        new: NewIncident,
        telling: Telling,
    ) -> Result<Result<(), Incident>, Error> {
        let mut transaction = self.dialect.begin_write(&self.pool).await?;
        let key = open_key(new.sync, new.kind);
        let row = sqlx::query("SELECT * FROM alert_incidents WHERE open_key = $1")
            .bind(&key)
            .fetch_optional(&mut *transaction)
            .await?;
        if let Some(row) = row {
            return Ok(Err(from_row(&row)?));
        }
        sqlx::query(
            "INSERT INTO alert_incidents
                 (id, project_id, sync_id, kind, open_key, opened_at, seen, tell_at, told)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(new.id.to_string())
        .bind(new.project.to_string())
        .bind(new.sync.to_string())
        .bind(new.kind.name())
        .bind(key)
        .bind(self.clock.now().0)
        .bind(json!(new.seen).to_string())
        .bind(new.tell_at.map(|at| at.0))
        .bind(i64::from(new.tell_at.is_none()))
        .execute(&mut *transaction)
        .await?;
        self.queue_and_commit(transaction, telling).await.map(Ok)
    }

    /// Tells of an incident that was held back. Does nothing when it is over or was told.
    pub async fn tell_incident(&self, id: IncidentId, telling: Telling) -> Result<(), Error> {
        let mut transaction = self.dialect.begin_write(&self.pool).await?;
        let told = sqlx::query(
            "UPDATE alert_incidents SET told = 1, tell_at = NULL
             WHERE id = $1 AND told = 0 AND closed_at IS NULL",
        )
        .bind(id.to_string())
        .execute(&mut *transaction)
        .await?;
        match told.rows_affected() {
            0 => Ok(()),
            _ => self.queue_and_commit(transaction, telling).await,
        }
    }

    /// Ends an incident, and queues what tells of it. Does nothing when it is over.
    pub async fn close_incident(
        &self,
        id: IncidentId,
        ended: &Ended,
        telling: Telling,
    ) -> Result<(), Error> {
        let mut transaction = self.dialect.begin_write(&self.pool).await?;
        let closed = sqlx::query(
            "UPDATE alert_incidents
             SET closed_at = $2, ended = $3, open_key = NULL, tell_at = NULL
             WHERE id = $1 AND closed_at IS NULL",
        )
        .bind(id.to_string())
        .bind(self.clock.now().0)
        .bind(json!(ended).to_string())
        .execute(&mut *transaction)
        .await?;
        match closed.rows_affected() {
            0 => Ok(()),
            _ => self.queue_and_commit(transaction, telling).await,
        }
    }

    async fn queue_and_commit(
        &self,
        mut transaction: Transaction<'_, Any>,
        telling: Telling,
    ) -> Result<(), Error> {
        let enqueued = self.queue(&mut transaction, telling).await?;
        transaction.commit().await?;
        enqueued.into_iter().for_each(Enqueued::announce);
        Ok(())
    }

    /// Queues what tells of an incident. A letter to somebody who gets too many is left out.
    async fn queue(
        &self,
        connection: &mut AnyConnection,
        telling: Telling,
    ) -> Result<Vec<Enqueued>, Error> {
        let mut enqueued = Vec::new();
        for letter in telling.mails {
            let queued = self.enqueue_mail_in(connection, letter, Belongs::default());
            match queued.await {
                Ok(queued) => enqueued.push(queued),
                Err(error @ (Error::TooManyMails { .. } | Error::MailTooLong { .. })) => {
                    tracing::warn!(%error, "an alert could not be sent to an address");
                }
                Err(error) => return Err(error),
            }
        }
        for (channel, id, body) in telling.messages {
            super::message::queue(connection, channel, id, &body, self.clock.now()).await?;
        }
        Ok(enqueued)
    }

    /// All open incidents.
    pub async fn open_incidents(&self) -> Result<Vec<Incident>, Error> {
        let rows = sqlx::query(
            "SELECT * FROM alert_incidents WHERE open_key IS NOT NULL ORDER BY open_key LIMIT $1",
        )
        .bind(MOST_OPEN)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(from_row).collect()
    }

    /// A project's incidents: open ones first, then those that are over, the newest first.
    pub async fn incidents(
        &self,
        project: ProjectId,
        filter: IncidentFilter,
        after: Option<&Cursor>,
        limit: u32,
    ) -> Result<Page<Incident>, Error> {
        let mut found = Vec::new();
        // Where a page ends is said with a letter before the id: in which of the two halves.
        let half = |open| if open { 'o' } else { 'c' };
        for open in [true, false] {
            let wanted = limit as usize + 1 - found.len();
            if filter.open == Some(!open) || wanted == 0 {
                continue;
            }
            let behind = match after {
                Some(cursor) if cursor.id.starts_with(half(open)) => {
                    (cursor.created_at.0, cursor.id[1..].to_owned())
                }
                // The page begins in the second half.
                Some(_) if open => continue,
                // Behind everything: no id is so large.
                _ => (i64::MAX, "~".to_owned()),
            };
            let (column, about) = match filter.sync {
                Some(sync) => ("sync_id", sync.to_string()),
                None => ("project_id", project.to_string()),
            };
            let state = if open { "IS NULL" } else { "IS NOT NULL" };
            // Of constants only.
            let sql = format!(
                "SELECT * FROM alert_incidents
                 WHERE {column} = $1 AND closed_at {state} AND (opened_at, id) < ($2, $3)
                 ORDER BY opened_at DESC, id DESC LIMIT $4"
            );
            let rows = sqlx::query(AssertSqlSafe(sql))
                .bind(about)
                .bind(behind.0)
                .bind(behind.1)
                .bind(i64::try_from(wanted).unwrap_or(i64::MAX))
                .fetch_all(&self.pool)
                .await?;
            for row in &rows {
                found.push(from_row(row)?);
            }
        }
        Ok(Page::cut(found, limit, |last: &Incident| Cursor {
            created_at: last.opened_at,
            id: format!("{}{}", half(last.closed.is_none()), last.id),
        }))
    }

    /// One incident of a project.
    pub async fn incident(&self, project: ProjectId, id: IncidentId) -> Result<Incident, Error> {
        let mut connection = self.pool.acquire().await?;
        find(&mut connection, project, id).await
    }

    /// Notes that somebody sees to an incident; who was first stays.
    pub async fn acknowledge_incident(
        &self,
        project: ProjectId,
        id: IncidentId,
        by: &Caller,
    ) -> Result<Incident, Error> {
        let mut change = self.begin(by).await?;
        let organisation = project::find(change.connection(), project)
            .await?
            .organisation;
        let before = find(change.connection(), project, id).await?;
        if before.acknowledged.is_some() {
            return Ok(before);
        }
        let (now, who) = (change.now, by.actor.who());
        sqlx::query(
            "UPDATE alert_incidents SET acknowledged_at = $2, acknowledged_by = $3 WHERE id = $1",
        )
        .bind(id.to_string())
        .bind(now.0)
        .bind(&who)
        .execute(change.connection())
        .await?;
        let entry = entry("incident.acknowledge", organisation, &before);
        change.commit(entry).await?;
        Ok(Incident {
            acknowledged: Some((now, who)),
            ..before
        })
    }

    /// Keeps an incident from being told until then; `None`: no longer.
    pub async fn mute_incident(
        &self,
        project: ProjectId,
        id: IncidentId,
        until: Option<Timestamp>,
        by: &Caller,
    ) -> Result<Incident, Error> {
        let mut change = self.begin(by).await?;
        let organisation = project::find(change.connection(), project)
            .await?
            .organisation;
        let before = find(change.connection(), project, id).await?;
        sqlx::query("UPDATE alert_incidents SET muted_until = $2 WHERE id = $1")
            .bind(id.to_string())
            .bind(until.map(|until| until.0))
            .execute(change.connection())
            .await?;
        let entry = Entry {
            before: Some(json!({"muted_until": before.muted_until.map(rfc3339)})),
            after: Some(json!({"muted_until": until.map(rfc3339)})),
            ..entry("incident.mute", organisation, &before)
        };
        change.commit(entry).await?;
        Ok(Incident {
            muted_until: until,
            ..before
        })
    }
}

async fn find(
    connection: &mut AnyConnection,
    project: ProjectId,
    id: IncidentId,
) -> Result<Incident, Error> {
    let row = sqlx::query("SELECT * FROM alert_incidents WHERE id = $1 AND project_id = $2")
        .bind(id.to_string())
        .bind(project.to_string())
        .fetch_optional(connection)
        .await?;
    row.map_or(Err(Error::NoIncident(id)), |row| from_row(&row))
}

fn open_key(sync: SyncId, kind: Kind) -> String {
    format!("{sync}.{}", kind.name())
}

fn entry(action: &'static str, organisation: model::OrganisationId, incident: &Incident) -> Entry {
    Entry {
        organisation: Some(organisation),
        action,
        target_id: incident.id.to_string(),
        target_name: incident.kind.name().to_owned(),
        before: None,
        after: None,
    }
}

fn from_row(row: &AnyRow) -> Result<Incident, Error> {
    let id: String = row.try_get("id")?;
    let corrupt = |what| Error::Corrupt {
        what,
        id: id.clone(),
    };
    let text = |column| row.try_get::<String, _>(column);
    let time = |column| row.try_get::<Option<i64>, _>(column);
    let time = |column| time(column).map(|at| at.map(Timestamp));
    let ended: Option<String> = row.try_get("ended")?;
    let ended: Option<Ended> = ended
        .map(|text| serde_json::from_str(&text))
        .transpose()
        .map_err(|_| corrupt("its end"))?;
    let acknowledged_by: Option<String> = row.try_get("acknowledged_by")?;
    let told: i64 = row.try_get("told")?;
    Ok(Incident {
        id: id.parse().map_err(|_| corrupt("the id"))?,
        project: text("project_id")?
            .parse()
            .map_err(|_| corrupt("the project"))?,
        sync: text("sync_id")?.parse().map_err(|_| corrupt("the sync"))?,
        kind: Kind::of_name(&text("kind")?).ok_or_else(|| corrupt("the kind"))?,
        opened_at: Timestamp(row.try_get("opened_at")?),
        seen: serde_json::from_str(&text("seen")?).map_err(|_| corrupt("what was seen"))?,
        closed: time("closed_at")?.zip(ended),
        tell_at: time("tell_at")?,
        told: told != 0,
        acknowledged: time("acknowledged_at")?.zip(acknowledged_by),
        muted_until: time("muted_until")?,
    })
}
