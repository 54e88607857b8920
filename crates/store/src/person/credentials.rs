//! What people prove themselves with: passwords, second factors, recovery codes.

use model::PersonId;
use serde_json::json;
use sqlx::{AnyConnection, Row};

use super::{Person, entry, find};
use crate::change::{Caller, Change, Entry};
use crate::secret::Secret;
use crate::{Error, Store};

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

impl Store {
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

    /// Gives a person a new password. Their sessions end, but the caller's own, which gets another secret.
    pub async fn set_password(&self, id: PersonId, hash: &str, by: &Caller) -> Result<(), Error> {
        let mut change = self.begin(by).await?;
        let person = find(change.connection(), id).await?;
        set_password_in(&mut change, id, hash).await?;
        change.commit(entry("person.set_password", &person)).await
    }

    /// Gives a person a second factor: its secret in base 32, the step of the code that proved it,
    /// and recovery codes. Their sessions end, but the caller's own, which gets another secret. Fails with [`Error::SecondFactorTaken`].
    pub async fn set_second_factor(
        &self,
        id: PersonId,
        secret: &Secret,
        step: u64,
        recovery_codes: &[Secret],
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
        let updated = sqlx::query(
            "UPDATE people
             SET totp = $2, totp_step = $3, epoch = epoch + 1, version = version + 1
             WHERE id = $1 AND totp IS NULL",
        )
        .bind(&text)
        .bind(envelope)
        .bind(i64::try_from(step).unwrap_or(i64::MAX))
        .execute(change.connection())
        .await?;
        if updated.rows_affected() == 0 {
            return Err(Error::SecondFactorTaken);
        }
        let hashes: Vec<_> = recovery_codes.iter().map(Secret::hash).collect();
        set_recovery_codes(change.connection(), id, &hashes).await?;
        change.end_sessions_of(id).await?;
        change
            .commit(entry("person.set_second_factor", &person))
            .await
    }

    /// Takes a person's second factor away. Their sessions end, but the caller's own.
    pub async fn remove_second_factor(&self, id: PersonId, by: &Caller) -> Result<(), Error> {
        let mut change = self.begin(by).await?;
        let person = find(change.connection(), id).await?;
        sqlx::query(
            "UPDATE people
             SET totp = NULL, recovery_codes = '[]', epoch = epoch + 1, version = version + 1
             WHERE id = $1",
        )
        .bind(id.to_string())
        .execute(change.connection())
        .await?;
        change.end_sessions_of(id).await?;
        change
            .commit(entry("person.remove_second_factor", &person))
            .await
    }
}

pub(crate) async fn set_password_in(
    change: &mut Change<'_>,
    id: PersonId,
    hash: &str,
) -> Result<(), Error> {
    sqlx::query(
        "UPDATE people SET password_hash = $2, epoch = epoch + 1, version = version + 1
         WHERE id = $1",
    )
    .bind(id.to_string())
    .bind(hash)
    .execute(change.connection())
    .await?;
    change.end_sessions_of(id).await?;
    // Links that were sent for the former password end with it.
    sqlx::query("DELETE FROM password_resets WHERE person_id = $1")
        .bind(id.to_string())
        .execute(change.connection())
        .await?;
    Ok(())
}

/// Ends a person's sessions, but `keep`.
pub(crate) async fn end_sessions(
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
