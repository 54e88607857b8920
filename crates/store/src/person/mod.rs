//! People with an account, and what they sign in with.

mod account;
mod credentials;

use model::access::InstallationRights;
use model::{PersonId, Timestamp};
use serde_json::json;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

use crate::change::{Caller, Change, Entry};
use crate::{Cursor, Error, Page, Store};

pub use credentials::{Credentials, SecondFactor};
pub(crate) use credentials::{end_sessions, set_password_in};

/// A person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Identifies the person.
    pub id: PersonId,
    /// In lower case; unique.
    pub email: String,
    /// As they call themselves.
    pub name: String,
    /// Whether they can sign in with a password.
    pub has_password: bool,
    /// Whether signing in with it needs a code too.
    pub second_factor: bool,
    /// Rights in the whole installation.
    pub rights: InstallationRights,
    /// When an operator locked the account; `None`: it isn't locked.
    pub locked_at: Option<Timestamp>,
    /// When the account was made.
    pub created_at: Timestamp,
    /// Counts the changes of what they sign in with, and of their rights.
    pub epoch: u64,
    /// Counts all changes of them, from 1: what they change and what others do.
    pub version: u64,
}

/// The columns of [`Person`].
pub(crate) const COLUMNS: &str = "p.id AS person_id, p.email, p.name AS person_name, \
     CASE WHEN p.password_hash IS NULL THEN 0 ELSE 1 END AS has_password, \
     CASE WHEN p.totp IS NULL THEN 0 ELSE 1 END AS second_factor, \
     p.operator, p.reviewer, p.locked_at, p.created_at AS person_created_at, p.epoch, \
     p.version AS person_version";

/// A person to be made.
#[derive(Debug, Clone)]
pub struct NewPerson {
    /// In any case.
    pub email: String,
    /// As they call themselves.
    pub name: String,
    /// The password's hash in PHC form; `None` for a person who signs in elsewhere.
    pub password_hash: Option<String>,
    /// Rights in the whole installation.
    pub rights: InstallationRights,
}

/// What to change of a person's rights in the installation; `None` leaves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RightsChange {
    /// Whether they run it.
    pub operator: Option<bool>,
    /// Whether they release destinations for everyone.
    pub reviewer: Option<bool>,
}

impl From<InstallationRights> for RightsChange {
    fn from(rights: InstallationRights) -> Self {
        Self {
            operator: Some(rights.operator),
            reviewer: Some(rights.reviewer),
        }
    }
}

/// An e-mail address as it is compared and stored.
pub fn normal_email(email: &str) -> String {
    email.trim().to_lowercase()
}

impl Store {
    /// Whether anyone has an account.
    pub async fn has_people(&self) -> Result<bool, Error> {
        let row = sqlx::query("SELECT id FROM people LIMIT 1")
            .fetch_optional(&self.pool)
            .await?;
        Ok(row.is_some())
    }

    /// One person.
    pub async fn person(&self, id: PersonId) -> Result<Person, Error> {
        let mut connection = self.pool.acquire().await?;
        find(&mut connection, id).await
    }

    /// The person with this e-mail address.
    pub async fn person_by_email(&self, email: &str) -> Result<Option<Person>, Error> {
        let mut connection = self.pool.acquire().await?;
        find_by_email(&mut connection, &normal_email(email)).await
    }

    /// Everyone, or everyone whose e-mail address begins like this, oldest account first.
    pub async fn people(
        &self,
        email: Option<&str>,
        after: Option<&Cursor>,
        limit: u32,
    ) -> Result<Page<Person>, Error> {
        let start = Cursor::start();
        let after = after.unwrap_or(&start);
        let sql = match email {
            None => query_for(
                "WHERE (p.created_at, p.id) > ($1, $2) ORDER BY p.created_at, p.id LIMIT $3",
            ),
            // The sign keeps the index of all people out of it: few have such an address.
            Some(_) => query_for(
                "WHERE p.email >= $4 AND p.email < $5 AND (+p.created_at, p.id) > ($1, $2)
                 ORDER BY +p.created_at, p.id LIMIT $3",
            ),
        };
        let mut query = sqlx::query(sql)
            .bind(after.created_at.0)
            .bind(&after.id)
            .bind(i64::from(limit) + 1);
        if let Some(email) = email {
            let first = normal_email(email);
            let behind = format!("{first}{}", char::MAX);
            query = query.bind(first).bind(behind);
        }
        let rows = query.fetch_all(&self.pool).await?;
        let items = rows.iter().map(from_row).collect::<Result<_, _>>()?;
        Ok(Page::cut(items, limit, |last: &Person| Cursor {
            created_at: last.created_at,
            id: last.id.to_string(),
        }))
    }

    /// Changes a person's name.
    pub async fn rename_person(
        &self,
        id: PersonId,
        name: &str,
        by: &Caller,
    ) -> Result<Person, Error> {
        let mut change = self.begin(by).await?;
        let before = find(change.connection(), id).await?;
        sqlx::query("UPDATE people SET name = $2, version = version + 1 WHERE id = $1")
            .bind(id.to_string())
            .bind(name)
            .execute(change.connection())
            .await?;
        let after = Person {
            name: name.to_owned(),
            version: before.version + 1,
            ..before.clone()
        };
        change
            .commit(Entry {
                before: Some(json!({"name": before.name})),
                after: Some(json!({"name": name})),
                ..entry("person.rename", &after)
            })
            .await?;
        Ok(after)
    }

    /// Changes a person's rights in the installation; their sessions end. The last
    /// operator stays one.
    pub async fn set_rights(
        &self,
        id: PersonId,
        rights: impl Into<RightsChange>,
        by: &Caller,
    ) -> Result<Person, Error> {
        let wanted = rights.into();
        let mut change = self.begin(by).await?;
        let before = find(change.connection(), id).await?;
        let rights = InstallationRights {
            operator: wanted.operator.unwrap_or(before.rights.operator),
            reviewer: wanted.reviewer.unwrap_or(before.rights.reviewer),
        };
        if rights == before.rights {
            return Ok(before);
        }
        if before.rights.operator && !rights.operator {
            keep_an_operator(&mut change, id).await?;
        }
        sqlx::query(
            "UPDATE people
             SET operator = $2, reviewer = $3, version = version + 1
             WHERE id = $1",
        )
        .bind(id.to_string())
        .bind(i64::from(rights.operator))
        .bind(i64::from(rights.reviewer))
        .execute(change.connection())
        .await?;
        change.end_sessions_of(id).await?;
        let after = Person {
            rights,
            version: before.version + 1,
            ..before.clone()
        };
        change
            .commit(Entry {
                before: Some(json!(before.rights)),
                after: Some(json!(rights)),
                ..entry("person.set_rights", &after)
            })
            .await?;
        Ok(after)
    }
}

/// Makes a person in a change of the caller's. Fails with [`Error::EmailTaken`].
pub(crate) async fn insert(
    connection: &mut AnyConnection,
    id: PersonId,
    person: &NewPerson,
    now: Timestamp,
) -> Result<Person, Error> {
    let made = Person {
        id,
        email: normal_email(&person.email),
        name: person.name.clone(),
        has_password: person.password_hash.is_some(),
        second_factor: false,
        rights: person.rights,
        locked_at: None,
        created_at: now,
        epoch: 0,
        version: 1,
    };
    let inserted = sqlx::query(
        "INSERT INTO people (id, email, name, password_hash, operator, reviewer, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(made.id.to_string())
    .bind(&made.email)
    .bind(&made.name)
    .bind(&person.password_hash)
    .bind(i64::from(person.rights.operator))
    .bind(i64::from(person.rights.reviewer))
    .bind(now.0)
    .execute(connection)
    .await;
    match inserted {
        Ok(_) => Ok(made),
        Err(sqlx::Error::Database(error)) if error.is_unique_violation() => Err(Error::EmailTaken),
        Err(error) => Err(error.into()),
    }
}

/// Refuses when nobody but `person` could run the installation. Changes come one after the other: of
/// two operators who leave at once, one stays.
async fn keep_an_operator(change: &mut Change<'_>, person: PersonId) -> Result<(), Error> {
    let other = sqlx::query(
        "SELECT id FROM people WHERE operator = 1 AND locked_at IS NULL AND id <> $1 LIMIT 1",
    )
    .bind(person.to_string())
    .fetch_optional(change.connection())
    .await?;
    other.map_or(Err(Error::LastOperator), |_| Ok(()))
}

/// Makes a version of a person whose role somewhere has changed. What they proved meanwhile holds: rights
/// are looked at with each change, and nobody can keep others from signing in by changing their role.
/// Returns what they are now.
pub(crate) async fn with_other_role(
    change: &mut Change<'_>,
    id: PersonId,
) -> Result<Person, Error> {
    sqlx::query("UPDATE people SET version = version + 1 WHERE id = $1")
        .bind(id.to_string())
        .execute(change.connection())
        .await?;
    find(change.connection(), id).await
}

/// Begins a new epoch of a person, who has one way less to sign in: sessions end, and what is proved
/// meanwhile is to be proved again.
pub(crate) async fn remove_way_in(change: &mut Change<'_>, id: PersonId) -> Result<(), Error> {
    sqlx::query("UPDATE people SET epoch = epoch + 1, version = version + 1 WHERE id = $1")
        .bind(id.to_string())
        .execute(change.connection())
        .await?;
    change.end_sessions_of(id).await
}

/// Notes that a person has one more way to sign in: what is proved meanwhile is to be proved again, but
/// sessions rest on what they rested on before, and go on. Returns what the person is now.
pub(crate) async fn add_way_in(change: &mut Change<'_>, id: PersonId) -> Result<Person, Error> {
    for sql in [
        "UPDATE people SET epoch = epoch + 1, version = version + 1 WHERE id = $1",
        "UPDATE sessions SET epoch = epoch + 1 WHERE person_id = $1",
    ] {
        sqlx::query(sql)
            .bind(id.to_string())
            .execute(change.connection())
            .await?;
    }
    find(change.connection(), id).await
}

pub(crate) async fn find(connection: &mut AnyConnection, id: PersonId) -> Result<Person, Error> {
    let row = sqlx::query(query_for("WHERE p.id = $1"))
        .bind(id.to_string())
        .fetch_optional(connection)
        .await?;
    row.as_ref().map_or(Err(Error::NoPerson(id)), from_row)
}

pub(crate) async fn find_by_email(
    connection: &mut AnyConnection,
    email: &str,
) -> Result<Option<Person>, Error> {
    let row = sqlx::query(query_for("WHERE p.email = $1"))
        .bind(email)
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(from_row).transpose()
}

/// A query for people: of constants only.
fn query_for(rest: &'static str) -> sqlx::AssertSqlSafe<String> {
    sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM people p {rest}"))
}

/// An entry about a person's own account, in the installation's log.
pub(crate) fn entry(action: &'static str, person: &Person) -> Entry {
    Entry {
        organisation: None,
        action,
        target_id: person.id.to_string(),
        target_name: person.email.clone(),
        before: None,
        after: None,
    }
}

/// An entry about the rights in the installation that a person has from the first.
pub(crate) fn rights_given(person: &Person) -> Entry {
    Entry {
        before: Some(json!(InstallationRights::default())),
        after: Some(json!(person.rights)),
        ..entry("person.set_rights", person)
    }
}

/// Refuses a change that was made from another version.
pub(crate) fn conflict(version: Option<u64>, current: u64) -> Result<(), Error> {
    match version {
        Some(version) if version != current => Err(Error::Conflict { current }),
        _ => Ok(()),
    }
}

pub(crate) fn from_row(row: &AnyRow) -> Result<Person, Error> {
    let id: String = row.try_get("person_id")?;
    let locked_at: Option<i64> = row.try_get("locked_at")?;
    let epoch: i64 = row.try_get("epoch")?;
    let version: i64 = row.try_get("person_version")?;
    let flag = |column| -> Result<bool, sqlx::Error> {
        let value: i64 = row.try_get(column)?;
        Ok(value != 0)
    };
    Ok(Person {
        id: id.parse().map_err(|_| Error::Corrupt {
            what: "the id",
            id: id.clone(),
        })?,
        email: row.try_get("email")?,
        name: row.try_get("person_name")?,
        has_password: flag("has_password")?,
        second_factor: flag("second_factor")?,
        rights: InstallationRights {
            operator: flag("operator")?,
            reviewer: flag("reviewer")?,
        },
        locked_at: locked_at.map(Timestamp),
        created_at: Timestamp(row.try_get("person_created_at")?),
        epoch: epoch.unsigned_abs(),
        version: version.unsigned_abs(),
    })
}
