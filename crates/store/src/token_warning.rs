//! Telling people that a token of theirs is about to expire, once.

use std::time::Duration;

use model::Timestamp;
use sqlx::Row;

use crate::change::LetterFailure;
use crate::mail::Belongs;
use crate::token::{self, Token};
use crate::{Error, Store, mail};

/// Tokens that are looked at in one run; the rest has its turn in the next one.
const AT_ONCE: i64 = 500;

/// A token that is about to expire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpiringToken {
    /// The token.
    pub token: Token,
    /// When it expires.
    pub expires_at: Timestamp,
    /// The e-mail address of the person who made it.
    pub email: String,
    /// The organisation's name.
    pub organisation: String,
}

impl Store {
    /// Sends, once each, the letters that `write` writes about the tokens of people that expire within
    /// the time `ahead` and that lasted longer than it from the first. Returns how many letters were
    /// queued; what could not be queued is tried again by the next call.
    pub async fn warn_of_expiring_tokens(
        &self,
        ahead: Duration,
        write: impl Fn(&ExpiringToken) -> Result<mail::Draft, LetterFailure> + Send + Sync,
    ) -> Result<u64, Error> {
        let mut queued = 0;
        for expiring in self.expiring_tokens(ahead).await? {
            match self.warn_of(&expiring, &write).await {
                Ok(warned) => queued += u64::from(warned),
                // The others don't wait for it.
                Err(
                    error @ (Error::Letter(_)
                    | Error::TooManyMails { .. }
                    | Error::MailTooLong { .. }),
                ) => {
                    let token = expiring.token.id;
                    tracing::warn!(token, %error, "nobody could be told that a token expires");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(queued)
    }

    async fn expiring_tokens(&self, ahead: Duration) -> Result<Vec<ExpiringToken>, Error> {
        let now = self.clock.now();
        let rows = sqlx::query(token::query_for(
            ", p.email, o.name AS organisation_name FROM api_tokens t
             JOIN people p ON p.id = t.person_id
             JOIN organisations o ON o.id = t.organisation_id
             WHERE t.expires_at > $1 AND t.expires_at <= $2 AND t.expires_at - t.created_at > $3
                 AND t.warned_at IS NULL
             ORDER BY t.expires_at, t.id LIMIT $4",
        ))
        .bind(now.0)
        .bind((now + ahead).0)
        .bind(i64::try_from(ahead.as_micros()).unwrap_or(i64::MAX))
        .bind(AT_ONCE)
        .fetch_all(&self.pool)
        .await?;
        let expiring = rows.iter().map(|row| -> Result<_, Error> {
            Ok(ExpiringToken {
                token: token::from_row(row)?,
                expires_at: Timestamp(row.try_get("expires_at")?),
                email: row.try_get("email")?,
                organisation: row.try_get("organisation_name")?,
            })
        });
        expiring.collect()
    }

    /// Queues the letter about a token, and notes that. False when another node was faster, or the
    /// token is gone.
    async fn warn_of(
        &self,
        expiring: &ExpiringToken,
        write: impl Fn(&ExpiringToken) -> Result<mail::Draft, LetterFailure>,
    ) -> Result<bool, Error> {
        let mut transaction = self.dialect.begin_write(&self.pool).await?;
        let noted =
            sqlx::query("UPDATE api_tokens SET warned_at = $2 WHERE id = $1 AND warned_at IS NULL")
                .bind(&expiring.token.id)
                .bind(self.clock.now().0)
                .execute(&mut *transaction)
                .await?;
        if noted.rows_affected() == 0 {
            return Ok(false);
        }
        let letter = write(expiring).map_err(Error::Letter)?;
        let belongs = Belongs::default();
        let enqueued = self
            .enqueue_mail_in(&mut transaction, letter, belongs)
            .await?;
        transaction.commit().await?;
        enqueued.announce();
        Ok(true)
    }
}
