//! What is to be sent to webhooks.

use std::time::Duration;

use model::{ChannelId, MessageId, Timestamp};
use sqlx::{AnyConnection, Row};

use super::Channel;
use crate::{Error, Store};

/// Most characters of an error that are kept.
const ERROR_MAX_CHARS: usize = 500;

/// A message that is this node's to send, until its lease ends.
#[derive(Debug, Clone)]
pub struct Message {
    /// What receivers tell a repeated message by.
    pub id: MessageId,
    /// Where it goes.
    pub channel: Channel,
    /// JSON.
    pub body: String,
    /// Which attempt it is, from 1.
    pub attempt: u32,
}

/// Why a message was not taken.
#[derive(Debug, Clone)]
pub struct Undelivered {
    /// What went wrong, without anything secret.
    pub error: String,
    /// When to try again; `None`: it is given up.
    pub again_at: Option<Timestamp>,
}

impl Store {
    /// Messages that are due, at most so many, and this node's for the time `lease`.
    pub async fn claim_messages(&self, lease: Duration, most: u32) -> Result<Vec<Message>, Error> {
        let now = self.clock.now();
        // Mostly nothing is due, and then nobody has to wait for anybody.
        let due = "SELECT id FROM alert_messages WHERE due_at <= $1 LIMIT 1";
        let due = sqlx::query(due).bind(now.0).fetch_optional(&self.pool);
        if due.await?.is_none() {
            return Ok(Vec::new());
        }
        let mut transaction = self.dialect.begin_write(&self.pool).await?;
        let rows = sqlx::query(
            "SELECT m.id AS message_id, m.body, m.attempts, c.* FROM alert_messages m
             JOIN alert_channels c ON c.id = m.channel_id
             WHERE m.due_at <= $1 ORDER BY m.due_at, m.id LIMIT $2",
        )
        .bind(now.0)
        .bind(i64::from(most))
        .fetch_all(&mut *transaction)
        .await?;
        let mut claimed = Vec::new();
        for row in &rows {
            let id: String = row.try_get("message_id")?;
            sqlx::query(
                "UPDATE alert_messages SET due_at = $2, attempts = attempts + 1 WHERE id = $1",
            )
            .bind(&id)
            .bind((now + lease).0)
            .execute(&mut *transaction)
            .await?;
            let attempts: i64 = row.try_get("attempts")?;
            claimed.push(Message {
                channel: self.channel_of(row)?,
                body: row.try_get("body")?,
                attempt: u32::try_from(attempts)
                    .unwrap_or(u32::MAX)
                    .saturating_add(1),
                id: id
                    .parse()
                    .map_err(|_| Error::Corrupt { what: "the id", id })?,
            });
        }
        transaction.commit().await?;
        Ok(claimed)
    }

    /// Notes how sending a message ended.
    pub async fn settle_message(
        &self,
        message: &Message,
        outcome: Result<(), Undelivered>,
    ) -> Result<(), Error> {
        let mut transaction = self.dialect.begin_write(&self.pool).await?;
        let again_at = outcome.as_ref().err().and_then(|error| error.again_at);
        match again_at {
            Some(at) => {
                sqlx::query("UPDATE alert_messages SET due_at = $2 WHERE id = $1")
                    .bind(message.id.to_string())
                    .bind(at.0)
                    .execute(&mut *transaction)
                    .await?;
            }
            None => {
                sqlx::query("DELETE FROM alert_messages WHERE id = $1")
                    .bind(message.id.to_string())
                    .execute(&mut *transaction)
                    .await?;
            }
        }
        let channel = message.channel.id.to_string();
        match outcome {
            Ok(()) => {
                sqlx::query("UPDATE alert_channels SET told_at = $2, error = NULL WHERE id = $1")
                    .bind(channel)
                    .bind(self.clock.now().0)
                    .execute(&mut *transaction)
                    .await?;
            }
            Err(Undelivered { error, .. }) => {
                let error: String = error.chars().take(ERROR_MAX_CHARS).collect();
                sqlx::query("UPDATE alert_channels SET error = $2 WHERE id = $1")
                    .bind(channel)
                    .bind(error)
                    .execute(&mut *transaction)
                    .await?;
            }
        }
        Ok(transaction.commit().await?)
    }
}

pub(super) async fn queue(
    connection: &mut AnyConnection,
    channel: ChannelId,
    id: MessageId,
    body: &str,
    now: Timestamp,
) -> Result<(), Error> {
    // The channel may be gone by now: then nobody waits for it.
    sqlx::query(
        "INSERT INTO alert_messages (id, channel_id, body, attempts, due_at, created_at)
         SELECT $1, c.id, $3, 0, $4, $4 FROM alert_channels c WHERE c.id = $2",
    )
    .bind(id.to_string())
    .bind(channel.to_string())
    .bind(body)
    .bind(now.0)
    .execute(connection)
    .await?;
    Ok(())
}
