//! Password resets: links by mail, good once, for an hour or so.

use model::{PersonId, Timestamp};
use sqlx::{AnyConnection, Row};

use crate::change::{Caller, WriteLetter};
use crate::mail::{Belongs, Link};
use crate::person::{self, Person};
use crate::secret::{Credential, Kind};
use crate::{Error, Store};

/// Links that a person has at once; beyond it the oldest one ends.
const AT_ONCE: i64 = 3;

impl Store {
    /// Makes a link with which a person can set a new password; the letter that `write` writes brings
    /// it.
    pub async fn create_password_reset(
        &self,
        person: PersonId,
        expires_at: Timestamp,
        write: impl WriteLetter,
        by: &Caller,
    ) -> Result<(), Error> {
        let credential = Credential::generate(self.random.as_ref());
        let mut change = self.begin(by).await?;
        let found = person::find(change.connection(), person).await?;
        sqlx::query(
            "DELETE FROM password_resets WHERE person_id = $1 AND id NOT IN
                 (SELECT id FROM password_resets WHERE person_id = $1
                  ORDER BY created_at DESC, id LIMIT $2)",
        )
        .bind(person.to_string())
        .bind(AT_ONCE - 1)
        .execute(change.connection())
        .await?;
        sqlx::query(
            "INSERT INTO password_resets (id, secret_hash, person_id, created_at, expires_at)
             VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(&credential.id)
        .bind(credential.secret.hash())
        .bind(person.to_string())
        .bind(change.now.0)
        .bind(expires_at.0)
        .execute(change.connection())
        .await?;
        let text = credential.text(Kind::PasswordReset);
        let letter = write(&text).map_err(Error::Letter)?;
        let belongs = Belongs {
            organisation: None,
            link: Some(Link::PasswordReset(&credential.id)),
        };
        change.mail(letter, belongs).await?;
        let entry = person::entry("person.ask_password_reset", &found);
        change.commit(entry).await
    }

    /// Whose password a link is to set; `None` when it is none, or none any more.
    pub async fn password_reset_of(&self, text: &str) -> Result<Option<Person>, Error> {
        let mut connection = self.pool.acquire().await?;
        let now = self.clock.now();
        let Some((_, person)) = find_by_link(&mut connection, text, now).await? else {
            return Ok(None);
        };
        person::find(&mut connection, person).await.map(Some)
    }

    /// Sets a new password with a link; the link, all others of that person, and all their sessions
    /// end. `None` when the link is none, or none any more.
    pub async fn reset_password(
        &self,
        text: &str,
        hash: &str,
        by: &Caller,
    ) -> Result<Option<Person>, Error> {
        let mut change = self.begin(by).await?;
        let now = change.now;
        let Some((link, id)) = find_by_link(change.connection(), text, now).await? else {
            return Ok(None);
        };
        let ended = sqlx::query("DELETE FROM password_resets WHERE id = $1")
            .bind(&link)
            .execute(change.connection())
            .await?;
        if ended.rows_affected() == 0 {
            return Ok(None);
        }
        let person = person::find(change.connection(), id).await?;
        person::set_password_in(change.connection(), id, hash, None).await?;
        change.is_by(&person);
        let entry = person::entry("person.reset_password", &person);
        change.commit(entry).await?;
        Ok(Some(person))
    }
}

/// The id of a link that counts, and whose it is.
async fn find_by_link(
    connection: &mut AnyConnection,
    text: &str,
    now: Timestamp,
) -> Result<Option<(String, PersonId)>, Error> {
    let Some(credential) = Credential::parse(Kind::PasswordReset, text) else {
        return Ok(None);
    };
    let row = sqlx::query(
        "SELECT secret_hash, person_id FROM password_resets WHERE id = $1 AND expires_at > $2",
    )
    .bind(&credential.id)
    .bind(now.0)
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let (stored, person): (String, String) =
        (row.try_get("secret_hash")?, row.try_get("person_id")?);
    if !credential.secret.matches(&stored) {
        return Ok(None);
    }
    let person = person.parse().map_err(|_| Error::Corrupt {
        what: "the person",
        id: credential.id.clone(),
    })?;
    Ok(Some((credential.id, person)))
}
