//! People with an account, and what they sign in with.

use model::access::InstallationRights;
use model::{PersonId, Timestamp};
use serde_json::json;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

use crate::change::{Caller, Entry};
use crate::secret::Secret;
use crate::{Cursor, Error, Page, Store};

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
    /// When the account was made.
    pub created_at: Timestamp,
}

/// What a person proves themselves with.
pub struct Credentials {
    /// The person.
    pub person: Person,
    /// The password's hash in PHC form; `None` when the person has no password.
    pub password_hash: Option<String>,
    /// The second factor; `None` when there is none.
    pub second_factor: Option<SecondFactor>,
}

/// A second factor (TOTP).
pub struct SecondFactor {
    /// The secret that codes are made of, in base 32.
    pub secret: Secret,
    /// The time step of the last code that was taken.
    pub last_step: u64,
    /// SHA-256 of the recovery codes that are left.
    pub recovery_hashes: Vec<String>,
}

/// The columns of [`Person`].
pub(crate) const COLUMNS: &str = "p.id AS person_id, p.email, p.name AS person_name, \
     CASE WHEN p.password_hash IS NULL THEN 0 ELSE 1 END AS has_password, \
     CASE WHEN p.totp IS NULL THEN 0 ELSE 1 END AS second_factor, \
     p.operator, p.reviewer, p.created_at AS person_created_at";

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

    /// Everyone, oldest account first.
    pub async fn people(&self, after: Option<&Cursor>, limit: u32) -> Result<Page<Person>, Error> {
        let start = Cursor::start();
        let after = after.unwrap_or(&start);
        let rows = sqlx::query(query_for(
            "WHERE (p.created_at, p.id) > ($1, $2) ORDER BY p.created_at, p.id LIMIT $3",
        ))
        .bind(after.created_at.0)
        .bind(&after.id)
        .bind(i64::from(limit) + 1)
        .fetch_all(&self.pool)
        .await?;
        let items = rows.iter().map(from_row).collect::<Result<_, _>>()?;
        Ok(Page::cut(items, limit, |last: &Person| Cursor {
            created_at: last.created_at,
            id: last.id.to_string(),
        }))
    }

    /// What the person with this e-mail address proves themselves with.
    pub async fn credentials(&self, email: &str) -> Result<Option<Credentials>, Error> {
        let person = self.person_by_email(email).await?;
        match person {
            Some(person) => Ok(Some(self.credentials_of(person).await?)),
            None => Ok(None),
        }
    }

    /// What a person proves themselves with.
    pub async fn credentials_of(&self, person: Person) -> Result<Credentials, Error> {
        let id = person.id.to_string();
        let row = sqlx::query(
            "SELECT password_hash, totp, totp_step, recovery_codes FROM people WHERE id = $1",
        )
        .bind(&id)
        .fetch_optional(&self.pool)
        .await?;
        let row = row.ok_or(Error::NoPerson(person.id))?;
        let corrupt = |what| Error::Corrupt {
            what,
            id: id.clone(),
        };
        let sealed: Option<String> = row.try_get("totp")?;
        let second_factor = match sealed {
            None => None,
            Some(envelope) => {
                let secret = self.keyring.open_envelope(&id, &envelope)?;
                let secret = String::from_utf8(secret).map_err(|_| corrupt("the second factor"))?;
                let step: i64 = row.try_get("totp_step")?;
                let codes: String = row.try_get("recovery_codes")?;
                Some(SecondFactor {
                    secret: Secret::new(secret),
                    last_step: step.unsigned_abs(),
                    recovery_hashes: serde_json::from_str(&codes)
                        .map_err(|_| corrupt("the recovery codes"))?,
                })
            }
        };
        Ok(Credentials {
            person,
            password_hash: row.try_get("password_hash")?,
            second_factor,
        })
    }

    /// Replaces a password's hash by one that is harder to guess from: the password stays, so this
    /// is no change to tell of. Nothing happens when it was changed in the meantime.
    pub async fn rehash_password(
        &self,
        person: PersonId,
        former_hash: &str,
        hash: &str,
    ) -> Result<(), Error> {
        sqlx::query("UPDATE people SET password_hash = $3 WHERE id = $1 AND password_hash = $2")
            .bind(person.to_string())
            .bind(former_hash)
            .bind(hash)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Takes a code of the second factor by its time step; false when that one, or a later one, was
    /// taken before.
    pub async fn use_totp_step(&self, person: PersonId, step: u64) -> Result<bool, Error> {
        let step = i64::try_from(step).unwrap_or(i64::MAX);
        let used = sqlx::query("UPDATE people SET totp_step = $2 WHERE id = $1 AND totp_step < $2")
            .bind(person.to_string())
            .bind(step)
            .execute(&self.pool)
            .await?;
        Ok(used.rows_affected() > 0)
    }

    /// Takes a recovery code; false when it is none, or none any more.
    pub async fn use_recovery_code(
        &self,
        person: PersonId,
        code: &Secret,
        by: &Caller,
    ) -> Result<bool, Error> {
        let mut change = self.begin(by).await?;
        let found = find(change.connection(), person).await?;
        let row = sqlx::query("SELECT recovery_codes FROM people WHERE id = $1")
            .bind(person.to_string())
            .fetch_one(change.connection())
            .await?;
        let codes: String = row.try_get(0)?;
        let mut codes: Vec<String> = serde_json::from_str(&codes).map_err(|_| Error::Corrupt {
            what: "the recovery codes",
            id: person.to_string(),
        })?;
        let before = codes.len();
        codes.retain(|hash| !code.matches(hash));
        if codes.len() == before {
            return Ok(false);
        }
        set_recovery_codes(change.connection(), person, &codes).await?;
        let left = json!({"recovery_codes_left": codes.len()});
        change
            .commit(Entry {
                after: Some(left),
                ..entry("person.use_recovery_code", &found)
            })
            .await?;
        Ok(true)
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
        sqlx::query("UPDATE people SET name = $2 WHERE id = $1")
            .bind(id.to_string())
            .bind(name)
            .execute(change.connection())
            .await?;
        let after = Person {
            name: name.to_owned(),
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

    /// Gives a person a new password. Their sessions end, but `keep`.
    pub async fn set_password(
        &self,
        id: PersonId,
        hash: &str,
        keep: Option<&str>,
        by: &Caller,
    ) -> Result<(), Error> {
        let mut change = self.begin(by).await?;
        let person = find(change.connection(), id).await?;
        set_password_in(change.connection(), id, hash, keep).await?;
        change.commit(entry("person.set_password", &person)).await
    }

    /// Gives a person a second factor: its secret in base 32, the step of the code that proved it,
    /// and recovery codes. Their sessions end, but `keep`.
    pub async fn set_second_factor(
        &self,
        id: PersonId,
        secret: &Secret,
        step: u64,
        recovery_codes: &[Secret],
        keep: Option<&str>,
        by: &Caller,
    ) -> Result<(), Error> {
        let text = id.to_string();
        let random = self.random.as_ref();
        let mut change = self.begin(by).await?;
        let person = find(change.connection(), id).await?;
        // Within the change, as everywhere: when a key was added, all that it doesn't seal is
        // committed, and sealing again finds it.
        let envelope = self
            .keyring
            .seal(&text, secret.expose().as_bytes(), random)?;
        sqlx::query("UPDATE people SET totp = $2, totp_step = $3, epoch = epoch + 1 WHERE id = $1")
            .bind(&text)
            .bind(envelope)
            .bind(i64::try_from(step).unwrap_or(i64::MAX))
            .execute(change.connection())
            .await?;
        let hashes: Vec<_> = recovery_codes.iter().map(Secret::hash).collect();
        set_recovery_codes(change.connection(), id, &hashes).await?;
        end_sessions(change.connection(), id, keep).await?;
        change
            .commit(entry("person.set_second_factor", &person))
            .await
    }

    /// Takes a person's second factor away.
    pub async fn remove_second_factor(&self, id: PersonId, by: &Caller) -> Result<(), Error> {
        let mut change = self.begin(by).await?;
        let person = find(change.connection(), id).await?;
        sqlx::query(
            "UPDATE people SET totp = NULL, recovery_codes = '[]', epoch = epoch + 1 WHERE id = $1",
        )
        .bind(id.to_string())
        .execute(change.connection())
        .await?;
        change
            .commit(entry("person.remove_second_factor", &person))
            .await
    }

    /// Changes a person's rights in the installation. The last operator stays one.
    pub async fn set_rights(
        &self,
        id: PersonId,
        rights: InstallationRights,
        by: &Caller,
    ) -> Result<Person, Error> {
        let mut change = self.begin(by).await?;
        let before = find(change.connection(), id).await?;
        if before.rights.operator && !rights.operator {
            let others =
                sqlx::query("SELECT id FROM people WHERE operator = 1 AND id <> $1 LIMIT 1")
                    .bind(id.to_string())
                    .fetch_optional(change.connection())
                    .await?;
            if others.is_none() {
                return Err(Error::LastOperator);
            }
        }
        sqlx::query(
            "UPDATE people SET operator = $2, reviewer = $3, epoch = epoch + 1 WHERE id = $1",
        )
        .bind(id.to_string())
        .bind(i64::from(rights.operator))
        .bind(i64::from(rights.reviewer))
        .execute(change.connection())
        .await?;
        let after = Person {
            rights,
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
        created_at: now,
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

pub(crate) async fn set_password_in(
    connection: &mut AnyConnection,
    id: PersonId,
    hash: &str,
    keep: Option<&str>,
) -> Result<(), Error> {
    sqlx::query("UPDATE people SET password_hash = $2, epoch = epoch + 1 WHERE id = $1")
        .bind(id.to_string())
        .bind(hash)
        .execute(&mut *connection)
        .await?;
    end_sessions(&mut *connection, id, keep).await?;
    // Links that were sent for the former password end with it.
    sqlx::query("DELETE FROM password_resets WHERE person_id = $1")
        .bind(id.to_string())
        .execute(connection)
        .await?;
    Ok(())
}

/// Makes a person's sessions get new secrets: their rights have changed.
pub(crate) async fn renew_sessions(
    connection: &mut AnyConnection,
    id: PersonId,
) -> Result<(), Error> {
    sqlx::query("UPDATE people SET epoch = epoch + 1 WHERE id = $1")
        .bind(id.to_string())
        .execute(connection)
        .await?;
    Ok(())
}

async fn end_sessions(
    connection: &mut AnyConnection,
    id: PersonId,
    keep: Option<&str>,
) -> Result<(), Error> {
    sqlx::query("DELETE FROM sessions WHERE person_id = $1 AND id <> $2")
        .bind(id.to_string())
        .bind(keep.unwrap_or_default())
        .execute(connection)
        .await?;
    Ok(())
}

async fn set_recovery_codes(
    connection: &mut AnyConnection,
    id: PersonId,
    hashes: &[String],
) -> Result<(), Error> {
    sqlx::query("UPDATE people SET recovery_codes = $2 WHERE id = $1")
        .bind(id.to_string())
        .bind(json!(hashes).to_string())
        .execute(connection)
        .await?;
    Ok(())
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

/// Refuses a change that was made from another version.
pub(crate) fn conflict(version: Option<u64>, current: u64) -> Result<(), Error> {
    match version {
        Some(version) if version != current => Err(Error::Conflict { current }),
        _ => Ok(()),
    }
}

pub(crate) fn from_row(row: &AnyRow) -> Result<Person, Error> {
    let id: String = row.try_get("person_id")?;
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
        created_at: Timestamp(row.try_get("person_created_at")?),
    })
}
