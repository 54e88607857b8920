//! The audit log, as it is read. It is only ever added to (see `change`), and cleared by age.

use model::{AuditId, OrganisationId, Timestamp};
use serde_json::Value;
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row};

use crate::change::who;
use crate::{Behind, Cursor, Error, Page, Store};

/// An entry of the audit log.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditEntry {
    /// Identifies it.
    pub id: AuditId,
    /// When it happened.
    pub at: Timestamp,
    /// `person`, `token` or `system`.
    pub actor_kind: String,
    /// Who, by id.
    pub actor_id: String,
    /// Who, by the e-mail address or name at that time.
    pub actor_name: String,
    /// The person behind it; `None`: the installation itself, or an old entry that doesn't tell.
    pub actor_person: Option<Behind>,
    /// Where the request came from.
    pub address: String,
    /// The request's id.
    pub request_id: String,
    /// What was done, such as `project.create`.
    pub action: String,
    /// To what, by id.
    pub target_id: String,
    /// To what, by the name at that time.
    pub target_name: String,
    /// What was changed, as it was.
    pub before: Option<Value>,
    /// What was changed, as it became.
    pub after: Option<Value>,
}

impl AuditEntry {
    /// Who it was, for people to read: as [`Actor::who`](crate::Actor::who).
    pub fn who(&self) -> String {
        let email = self.actor_person.as_ref().map(|person| &*person.email);
        who(&self.actor_kind, &self.actor_name, email)
    }
}

/// Which entries to show; `None` for any.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// Of this actor's id, or of the person who has this e-mail address.
    pub actor: Option<String>,
    /// To the target with this id.
    pub target: Option<String>,
    /// With this action; where it has no dot, with those that start with it and one.
    pub action: Option<String>,
    /// Not earlier.
    pub from: Option<Timestamp>,
    /// Earlier.
    pub until: Option<Timestamp>,
}

/// What stands before the dot in an action, with the dot: as the index has it.
const AREA: &str = "rtrim(action, 'abcdefghijklmnopqrstuvwxyz_')";

impl Store {
    /// An organisation's entries (of `None`: the installation's), newest first.
    pub async fn audit_log(
        &self,
        organisation: Option<OrganisationId>,
        filter: &AuditFilter,
        before: Option<&Cursor>,
        limit: u32,
    ) -> Result<Page<AuditEntry>, Error> {
        let mut sql = String::from(
            "SELECT id, at, actor_kind, actor_id, actor_name, actor_person_id, actor_email, address,
                    request_id, action, target_id, target_name, before, after FROM audit_log WHERE ",
        );
        let mut texts = Vec::new();
        match organisation {
            Some(id) => {
                sql.push_str("organisation_id = $1");
                texts.push(id.to_string());
            }
            None => sql.push_str("organisation_id IS NULL"),
        }
        let mut demand = |what: &str, wanted: String| {
            texts.push(wanted);
            sql.push_str(&format!(" AND {what} = ${}", texts.len()));
        };
        // People are known by their addresses; entries are found by ids.
        let actor = match &filter.actor {
            Some(email) if email.contains('@') => {
                let person = self.person_by_email(email).await?;
                Some(person.map_or_else(|| email.clone(), |person| person.id.to_string()))
            }
            actor => actor.clone(),
        };
        for (column, wanted) in [("actor_id", &actor), ("target_id", &filter.target)] {
            if let Some(wanted) = wanted {
                demand(column, wanted.clone());
            }
        }
        if let Some(wanted) = &filter.action {
            // Each has an index of its own.
            match wanted.contains('.') {
                true => demand("action", wanted.clone()),
                false => demand(AREA, format!("{wanted}.")),
            }
        }
        let (from, until) = (texts.len() + 1, texts.len() + 2);
        let (at, id, most) = (until + 1, until + 2, until + 3);
        sql.push_str(&format!(
            " AND at >= ${from} AND at < ${until} AND (at, id) < (${at}, ${id})
             ORDER BY at DESC, id DESC LIMIT ${most}"
        ));
        // Built of constants and parameters' numbers only.
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for text in texts {
            query = query.bind(text);
        }
        let latest = Timestamp(i64::MAX);
        let rows = query
            .bind(filter.from.map_or(i64::MIN, |from| from.0))
            .bind(filter.until.unwrap_or(latest).0)
            .bind(before.map_or(latest, |cursor| cursor.created_at).0)
            .bind(before.map_or("", |cursor| cursor.id.as_str()))
            .bind(i64::from(limit) + 1)
            .fetch_all(&self.pool)
            .await?;
        let entries = rows.iter().map(from_row).collect::<Result<_, _>>()?;
        Ok(Page::cut(entries, limit, |last: &AuditEntry| Cursor {
            created_at: last.at,
            id: last.id.to_string(),
        }))
    }
}

fn from_row(row: &AnyRow) -> Result<AuditEntry, Error> {
    let id: String = row.try_get("id")?;
    let corrupt = |what| Error::Corrupt {
        what,
        id: id.clone(),
    };
    let json = |column| -> Result<Option<Value>, Error> {
        let text: Option<String> = row.try_get(column)?;
        let value = text.map(|text| serde_json::from_str(&text)).transpose();
        value.map_err(|_| corrupt("what was changed"))
    };
    let person: Option<String> = row.try_get("actor_person_id")?;
    let person = person.map(|person| person.parse()).transpose();
    let email: Option<String> = row.try_get("actor_email")?;
    let behind = person.map_err(|_| corrupt("the person"))?.zip(email);
    Ok(AuditEntry {
        id: id.parse().map_err(|_| corrupt("the id"))?,
        at: Timestamp(row.try_get("at")?),
        actor_kind: row.try_get("actor_kind")?,
        actor_id: row.try_get("actor_id")?,
        actor_name: row.try_get("actor_name")?,
        actor_person: behind.map(|(id, email)| Behind { id, email }),
        address: row.try_get("address")?,
        request_id: row.try_get("request_id")?,
        action: row.try_get("action")?,
        target_id: row.try_get("target_id")?,
        target_name: row.try_get("target_name")?,
        before: json("before")?,
        after: json("after")?,
    })
}
