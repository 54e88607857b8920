//! Password resets: links by mail, good once, for an hour or so.

use model::{PersonId, Timestamp};
use sqlx::{AnyConnection, Row};

use crate::change::{Caller, Change, WriteLetter};
use crate::mail::{Belongs, Link};
use crate::person::{self, Person};
use crate::secret::{Credential, Kind};
use crate::{Error, Store};

/// Links that a person has at once; beyond it the oldest one ends.
const AT_ONCE: i64 = 3;

/// Most who may wait for their letters: more than are asked for in the minutes that a database is away.
const WAITING: i64 = 10_000;

/// Somebody who asked for a link, of whom it isn't known yet whether they have an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedReset {
    id: String,
    /// The address that they gave.
    pub email: String,
    /// The network address that they asked from.
    pub address: String,
    /// The request's id.
    pub request_id: String,
    /// When they asked.
    pub asked_at: Timestamp,
}

impl Store {
    /// Writes down that somebody asks for a link, whether or not they have an account: from then on it
    /// isn't lost. Fails with [`Error::TooManyAsk`].
    pub async fn ask_password_reset(&self, email: &str, by: &Caller) -> Result<AskedReset, Error> {
        let asked = AskedReset {
            id: Credential::generate(self.random.as_ref()).id,
            email: person::normal_email(email),
            address: by.address.clone(),
            request_id: by.request_id.clone(),
            asked_at: self.clock.now(),
        };
        let written = sqlx::query(
            "INSERT INTO asked_resets (id, email, address, request_id, asked_at)
             SELECT $1, $2, $3, $4, $5 WHERE (SELECT COUNT(*) FROM asked_resets) < $6",
        )
        .bind(&asked.id)
        .bind(&asked.email)
        .bind(&asked.address)
        .bind(&asked.request_id)
        .bind(asked.asked_at.0)
        .bind(WAITING)
        .execute(&self.pool)
        .await?;
        match written.rows_affected() {
            0 => Err(Error::TooManyAsk),
            _ => Ok(asked),
        }
    }

    /// Those who asked for a link until `before` and wait for it still, who asked first first; a hundred
    /// at most.
    pub async fn asked_resets(&self, before: Timestamp) -> Result<Vec<AskedReset>, Error> {
        let rows = sqlx::query(
            "SELECT id, email, address, request_id, asked_at FROM asked_resets
             WHERE asked_at <= $1 ORDER BY asked_at, id LIMIT 100",
        )
        .bind(before.0)
        .fetch_all(&self.pool)
        .await?;
        let asked = rows.iter().map(|row| {
            Ok(AskedReset {
                id: row.try_get("id")?,
                email: row.try_get("email")?,
                address: row.try_get("address")?,
                request_id: row.try_get("request_id")?,
                asked_at: Timestamp(row.try_get("asked_at")?),
            })
        });
        asked.collect()
    }

    /// Forgets that somebody asked: there is nothing to send them.
    pub async fn forget_asked_reset(&self, asked: &AskedReset) -> Result<(), Error> {
        sqlx::query("DELETE FROM asked_resets WHERE id = $1")
            .bind(&asked.id)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Makes the link that somebody asked for, once: nothing happens where another task, or node, has.
    pub async fn answer_asked_reset(
        &self,
        asked: &AskedReset,
        person: PersonId,
        expires_at: Timestamp,
        write: impl WriteLetter,
        by: &Caller,
    ) -> Result<(), Error> {
        let mut change = self.begin(by).await?;
        let answered = sqlx::query("DELETE FROM asked_resets WHERE id = $1")
            .bind(&asked.id)
            .execute(change.connection())
            .await?;
        match answered.rows_affected() {
            0 => Ok(()),
            _ => self.make_reset(change, person, expires_at, write).await,
        }
    }

    /// Makes a link with which a person can set a new password; the letter that `write` writes brings
    /// it.
    pub async fn create_password_reset(
        &self,
        person: PersonId,
        expires_at: Timestamp,
        write: impl WriteLetter,
        by: &Caller,
    ) -> Result<(), Error> {
        let change = self.begin(by).await?;
        self.make_reset(change, person, expires_at, write).await
    }

    async fn make_reset(
        &self,
        mut change: Change<'_>,
        person: PersonId,
        expires_at: Timestamp,
        write: impl WriteLetter,
    ) -> Result<(), Error> {
        let credential = Credential::generate(self.random.as_ref());
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
            link: Some(Link::PasswordReset(&credential.id)),
            ..Belongs::default()
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
        person::set_password_in(&mut change, id, hash).await?;
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
