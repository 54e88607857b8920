//! What the store does with mail.

use std::time::Duration;

use model::{MailId, OrganisationId, Timestamp};
use serde_json::json;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

use super::{Belongs, Bodies, Claim, Draft, Enqueued, Kind, Link, Mail, Outcome, State, Status};
use crate::change::{Caller, Entry};
use crate::{Cursor, Error, Page, Store};

/// Most bytes that text and HTML of a mail may have together.
const BODIES_MAX_BYTES: usize = 256 * 1024;

/// Most characters of an error that are kept.
const ERROR_MAX_CHARS: usize = 500;

/// Most mails that one call of [`Store::retire_mail`] deletes.
const RETIRED_AT_ONCE: i64 = 1000;

/// In which time the mails to an address are counted.
const HOUR: Duration = Duration::from_secs(3600);

/// How many organisations invite the same address as often as each may, before others have to wait.
const ORGANISATIONS: u32 = 4;

/// What [`from_row`] and [`Store::open_bodies`] read.
const COLUMNS: &str = "id, kind, recipient, subject, bodies, state, attempts, due_at, error, \
                       created_at, expires_at, ended_at";

impl Store {
    /// Puts a mail into the queue. Refused where the address got too many of its kind, or where the
    /// queue is full; of notices the oldest makes room.
    pub async fn enqueue_mail(&self, draft: Draft) -> Result<MailId, Error> {
        let mut transaction = self.dialect.begin_write(&self.pool).await?;
        let belongs = Belongs::default();
        let enqueued = self
            .enqueue_mail_in(&mut transaction, draft, belongs)
            .await?;
        transaction.commit().await?;
        let id = enqueued.id;
        enqueued.announce();
        Ok(id)
    }

    /// Puts a mail into the queue as part of a transaction, so that it is sent if and only if the
    /// change it tells of is made. The caller announces it after the commit.
    pub(crate) async fn enqueue_mail_in(
        &self,
        connection: &mut AnyConnection,
        draft: Draft,
        belongs: Belongs<'_>,
    ) -> Result<Enqueued, Error> {
        let now = self.clock.now();
        check_length(&draft.bodies)?;
        if !belongs.is_awaited {
            self.check_address(connection, &draft, belongs.organisation, now)
                .await?;
        }
        match draft.kind.is_notice() {
            true => {
                self.make_room_for_notice(connection, belongs.organisation)
                    .await?;
            }
            false => self.check_room(connection, belongs).await?,
        }
        let (invitation, password_reset) = match belongs.link {
            Some(Link::Invitation(id)) => (Some(id), None),
            Some(Link::PasswordReset(id)) => (None, Some(id)),
            None => (None, None),
        };
        let id = MailId::generate(self.random.as_ref());
        sqlx::query(
            "INSERT INTO mails (id, kind, recipient, subject, bodies, state, attempts, due_at,
                                created_at, expires_at, organisation_id, invitation_id,
                                password_reset_id)
             VALUES ($1, $2, $3, $4, $5, 'queued', 0, $6, $6, $7, $8, $9, $10)",
        )
        .bind(id.to_string())
        .bind(draft.kind.name())
        .bind(&draft.recipient)
        .bind(&draft.subject)
        .bind(self.seal_bodies(id, &draft.bodies)?)
        .bind(now.0)
        .bind(draft.expires_at.map(|at| at.0))
        .bind(belongs.organisation.map(|id| id.to_string()))
        .bind(invitation)
        .bind(password_reset)
        .execute(connection)
        .await?;
        Ok(Enqueued {
            id,
            waiting: self.mail_waiting.clone(),
        })
    }

    /// Refuses what would be too much for an address.
    async fn check_address(
        &self,
        connection: &mut AnyConnection,
        draft: &Draft,
        organisation: Option<OrganisationId>,
        now: Timestamp,
    ) -> Result<(), Error> {
        let hourly = self.mail_limits.hourly.get();
        let since = (now - HOUR).0;
        // Of notices that an organisation causes, its own count only; of all others, everyone's.
        let of = organisation.filter(|_| draft.kind.is_notice());
        let row = sqlx::query(
            "SELECT COUNT(*), MIN(created_at) FROM mails
             WHERE recipient = $1 AND kind = $2 AND created_at > $3
               AND ($4 = '' OR organisation_id = $4)",
        )
        .bind(&draft.recipient)
        .bind(draft.kind.name())
        .bind(since)
        .bind(of.map_or_else(String::new, |id| id.to_string()))
        .fetch_one(&mut *connection)
        .await?;
        check_lately(&row, hourly, now)?;
        if draft.kind != Kind::Invitation {
            return Ok(());
        }
        // Letters go with their links; the log still tells of each.
        let row = sqlx::query(
            "SELECT COUNT(*), MIN(at) FROM audit_log
             WHERE action = 'invitation.create' AND target_name = $1 AND at > $2",
        )
        .bind(&draft.recipient)
        .bind(since)
        .fetch_one(&mut *connection)
        .await?;
        check_lately(&row, hourly, now)?;
        let Some(organisation) = organisation else {
            return Ok(());
        };
        // So that one organisation doesn't keep all others from inviting somebody.
        let row = sqlx::query(
            "SELECT COUNT(*), MIN(at) FROM audit_log
             WHERE action = 'invitation.create' AND target_name = $1 AND at > $2
                 AND organisation_id = $3",
        )
        .bind(&draft.recipient)
        .bind(since)
        .bind(organisation.to_string())
        .fetch_one(connection)
        .await?;
        check_lately(&row, hourly.div_ceil(ORGANISATIONS), now)
    }

    /// Refuses what would be too much for the queue, or for an organisation's share of it. Of notices
    /// no account is taken: they have a bound of their own.
    async fn check_room(
        &self,
        connection: &mut AnyConnection,
        belongs: Belongs<'_>,
    ) -> Result<(), Error> {
        let (queue, share) = (self.mail_limits.queue.get(), self.mail_limits.share());
        let row = sqlx::query(
            "SELECT COUNT(*) FROM mails
             WHERE state = 'queued' AND kind IN ('invitation', 'password_reset')",
        )
        .fetch_one(&mut *connection)
        .await?;
        let waiting: i64 = row.try_get(0)?;
        if waiting >= i64::from(queue) {
            return Err(Error::MailQueueFull { limit: queue });
        }
        let Some(organisation) = belongs.organisation else {
            return Ok(());
        };
        let row = sqlx::query(
            "SELECT COUNT(*) FROM mails
             WHERE state = 'queued' AND organisation_id = $1
               AND kind IN ('invitation', 'password_reset')",
        )
        .bind(organisation.to_string())
        .fetch_one(connection)
        .await?;
        let waiting: i64 = row.try_get(0)?;
        match waiting >= i64::from(share) {
            true => Err(Error::MailShareUsedUp { limit: share }),
            false => Ok(()),
        }
    }

    /// Deletes the oldest notices that wait, where there are as many as may: of the organisation, then of all.
    async fn make_room_for_notice(
        &self,
        connection: &mut AnyConnection,
        organisation: Option<OrganisationId>,
    ) -> Result<(), Error> {
        if let Some(organisation) = organisation {
            sqlx::query(
                "DELETE FROM mails WHERE id IN
                     (SELECT id FROM mails
                      WHERE state = 'queued' AND organisation_id = $1
                        AND kind NOT IN ('invitation', 'password_reset')
                      ORDER BY created_at DESC, id DESC LIMIT $3 OFFSET $2)",
            )
            .bind(organisation.to_string())
            .bind(i64::from(self.mail_limits.share()) - 1)
            .bind(RETIRED_AT_ONCE)
            .execute(&mut *connection)
            .await?;
        }
        let row = sqlx::query(
            "SELECT COUNT(*) FROM mails
             WHERE state = 'queued' AND kind NOT IN ('invitation', 'password_reset')",
        )
        .fetch_one(&mut *connection)
        .await?;
        let waiting: i64 = row.try_get(0)?;
        let beyond = waiting + 1 - i64::from(self.mail_limits.queue.get());
        if beyond > 0 {
            sqlx::query(
                "DELETE FROM mails WHERE id IN
                     (SELECT id FROM mails
                      WHERE state = 'queued' AND kind NOT IN ('invitation', 'password_reset')
                      ORDER BY created_at, id LIMIT $1)",
            )
            .bind(beyond)
            .execute(connection)
            .await?;
        }
        Ok(())
    }

    /// Ends when a mail was put into the queue through this store since the last call.
    pub async fn mail_enqueued(&self) {
        self.mail_waiting.notified().await;
    }

    /// Claims at most `limit` mails that are due, the longest due first, for the time `lease`: nobody
    /// else gets them until then. A mail whose text can't be opened is given up.
    pub async fn claim_mail(&self, lease: Duration, limit: u32) -> Result<Vec<Claim>, Error> {
        let now = self.clock.now();
        self.expire_mail(now).await?;
        // The conditions stand twice: on PostgreSQL the outer ones are looked at again when another
        // node was faster.
        let sql = format!(
            "UPDATE mails SET due_at = $2, attempts = attempts + 1
             WHERE state = 'queued' AND due_at <= $1 AND id IN
                 (SELECT id FROM mails WHERE state = 'queued' AND due_at <= $1
                  ORDER BY due_at, id LIMIT $3)
             RETURNING {COLUMNS}"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(now.0)
            .bind((now + lease).0)
            .bind(i64::from(limit))
            .fetch_all(&self.pool)
            .await?;
        let mut claims = Vec::with_capacity(rows.len());
        for row in &rows {
            let mail = from_row(row)?;
            match self.open_bodies(mail.id, row) {
                Ok(Some(bodies)) => claims.push(Claim { mail, bodies }),
                Ok(None) => self.give_up(&mail, "its text is missing").await?,
                Err(error) => self.give_up(&mail, &error.to_string()).await?,
            }
        }
        claims.sort_by_key(|claim| (claim.mail.created_at, claim.mail.id));
        Ok(claims)
    }

    /// When the next mail is due; `None` when none waits.
    pub async fn next_mail_due(&self) -> Result<Option<Timestamp>, Error> {
        let row = sqlx::query(
            "SELECT due_at FROM mails WHERE state = 'queued' ORDER BY due_at, id LIMIT 1",
        )
        .fetch_optional(&self.pool)
        .await?;
        row.map(|row| Ok(Timestamp(row.try_get(0)?))).transpose()
    }

    /// Records how an attempt ended. Of a sent mail the text is cleared. Returns `false` when the
    /// claim isn't ours any more: its lease ended and somebody else took the mail over.
    pub async fn settle_mail(&self, claim: &Claim, outcome: &Outcome) -> Result<bool, Error> {
        self.settle(&claim.mail, outcome).await
    }

    async fn settle(&self, mail: &Mail, outcome: &Outcome) -> Result<bool, Error> {
        let now = self.clock.now();
        let State::Queued { due_at } = mail.state else {
            return Ok(false);
        };
        let (state, due_at, error, attempts) = match outcome {
            Outcome::Sent => (Status::Sent, due_at, None, mail.attempts),
            Outcome::Retry { at, error } => (Status::Queued, *at, Some(error), mail.attempts),
            Outcome::Failed { error } => (Status::Failed, due_at, Some(error), mail.attempts),
            Outcome::Released => (
                Status::Queued,
                now,
                mail.error.as_ref(),
                mail.attempts.saturating_sub(1),
            ),
        };
        let ended_at = (state != Status::Queued).then_some(now.0);
        let error: Option<String> = error.map(|text| text.chars().take(ERROR_MAX_CHARS).collect());
        let settled = sqlx::query(
            "UPDATE mails SET state = $3, due_at = $4, error = $5, ended_at = $6, attempts = $7,
                 bodies = CASE WHEN $3 = 'sent' THEN NULL ELSE bodies END,
                 invitation_id = CASE WHEN $3 = 'queued' THEN invitation_id END,
                 password_reset_id = CASE WHEN $3 = 'queued' THEN password_reset_id END
             WHERE id = $1 AND state = 'queued' AND attempts = $2",
        )
        .bind(mail.id.to_string())
        .bind(i64::from(mail.attempts))
        .bind(state.name())
        .bind(due_at.0)
        .bind(error)
        .bind(ended_at)
        .bind(i64::from(attempts))
        .execute(&self.pool)
        .await?;
        Ok(settled.rows_affected() == 1)
    }

    async fn give_up(&self, mail: &Mail, error: &str) -> Result<(), Error> {
        let error = error.to_owned();
        self.settle(mail, &Outcome::Failed { error })
            .await
            .map(drop)
    }

    /// Gives up what has expired while it waited, and clears the text of all that has expired.
    async fn expire_mail(&self, now: Timestamp) -> Result<(), Error> {
        sqlx::query(
            "UPDATE mails SET state = 'failed', bodies = NULL, ended_at = COALESCE(ended_at, $1),
                 invitation_id = NULL, password_reset_id = NULL,
                 error = CASE WHEN state = 'failed' THEN error
                              WHEN error IS NULL THEN 'it expired before it was sent'
                              ELSE 'it expired before it was sent: ' || error END
             WHERE bodies IS NOT NULL AND expires_at <= $1
               AND (state = 'failed' OR (state = 'queued' AND due_at <= $1))",
        )
        .bind(now.0)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Deletes mails that are older than they are kept for, and clears the text of those that have
    /// expired. Returns how many were deleted: a round thousand may mean that there are more.
    pub async fn retire_mail(&self) -> Result<u64, Error> {
        let now = self.clock.now();
        self.expire_mail(now).await?;
        let deleted = sqlx::query(
            "DELETE FROM mails WHERE id IN
                 (SELECT id FROM mails
                  WHERE ended_at <= $1 OR (state = 'queued' AND created_at <= $1) LIMIT $2)",
        )
        .bind((now - self.mail_limits.retention).0)
        .bind(RETIRED_AT_ONCE)
        .execute(&self.pool)
        .await?;
        Ok(deleted.rows_affected())
    }

    /// The outbox, oldest first; of one status, or of all.
    pub async fn mails(
        &self,
        status: Option<Status>,
        after: Option<&Cursor>,
        limit: u32,
    ) -> Result<Page<Mail>, Error> {
        let start = Cursor::start();
        let after = after.unwrap_or(&start);
        let sql = format!(
            "SELECT {COLUMNS} FROM mails
             WHERE (created_at, id) > ($1, $2) AND ($3 = '' OR state = $3)
             ORDER BY created_at, id LIMIT $4"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(after.created_at.0)
            .bind(&after.id)
            .bind(status.map_or("", Status::name))
            .bind(i64::from(limit) + 1)
            .fetch_all(&self.pool)
            .await?;
        let mails = rows.iter().map(from_row).collect::<Result<_, _>>()?;
        Ok(Page::cut(mails, limit, |last: &Mail| Cursor {
            created_at: last.created_at,
            id: last.id.to_string(),
        }))
    }

    /// One mail with what it says; `None` where that was cleared. Its links let people in: for the
    /// operator only, and the audit log tells of it.
    pub async fn read_mail(
        &self,
        id: MailId,
        by: &Caller,
    ) -> Result<(Mail, Option<Bodies>), Error> {
        let (mail, bodies) = self.mail(id).await?;
        if bodies.is_some() {
            let entry = Entry {
                organisation: None,
                action: "mail.read",
                target_id: id.to_string(),
                target_name: mail.recipient.clone(),
                before: None,
                after: Some(json!({"kind": mail.kind.name()})),
            };
            self.begin(by).await?.commit(entry).await?;
        }
        Ok((mail, bodies))
    }

    /// One mail with what it says; `None` where that was cleared.
    pub async fn mail(&self, id: MailId) -> Result<(Mail, Option<Bodies>), Error> {
        let mut connection = self.pool.acquire().await?;
        self.mail_in(&mut connection, id).await
    }

    /// The same as part of a transaction.
    pub(super) async fn mail_in(
        &self,
        connection: &mut AnyConnection,
        id: MailId,
    ) -> Result<(Mail, Option<Bodies>), Error> {
        let sql = format!("SELECT {COLUMNS} FROM mails WHERE id = $1");
        let row = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(id.to_string())
            .fetch_optional(connection)
            .await?
            .ok_or(Error::NoMail(id))?;
        Ok((from_row(&row)?, self.open_bodies(id, &row)?))
    }

    fn seal_bodies(&self, id: MailId, bodies: &Bodies) -> Result<String, Error> {
        let text = serde_json::to_vec(bodies).map_err(|_| Error::Corrupt {
            what: "the text",
            id: id.to_string(),
        })?;
        self.keyring
            .seal(&id.to_string(), &text, self.random.as_ref())
    }

    fn open_bodies(&self, id: MailId, row: &AnyRow) -> Result<Option<Bodies>, Error> {
        let id = id.to_string();
        let envelope: Option<String> = row.try_get("bodies")?;
        let Some(envelope) = envelope else {
            return Ok(None);
        };
        let opened = self.keyring.open_envelope(&id, &envelope)?;
        let bodies = serde_json::from_slice(&opened).map_err(|_| Error::Corrupt {
            what: "the text",
            id,
        })?;
        Ok(Some(bodies))
    }
}

/// Refuses when as many as may be were sent within the last hour: how many, and when the first.
fn check_lately(row: &AnyRow, limit: u32, now: Timestamp) -> Result<(), Error> {
    let (lately, first): (i64, Option<i64>) = (row.try_get(0)?, row.try_get(1)?);
    if lately < i64::from(limit) {
        return Ok(());
    }
    let room = Timestamp(first.unwrap_or(now.0)) + HOUR;
    Err(Error::TooManyMails {
        limit,
        retry_after: room.since(now),
    })
}

fn check_length(bodies: &Bodies) -> Result<(), Error> {
    if bodies.text.len() + bodies.html.len() > BODIES_MAX_BYTES {
        return Err(Error::MailTooLong {
            limit_bytes: BODIES_MAX_BYTES,
        });
    }
    Ok(())
}

fn from_row(row: &AnyRow) -> Result<Mail, Error> {
    let id: String = row.try_get("id")?;
    let corrupt = |what| Error::Corrupt {
        what,
        id: id.clone(),
    };
    let (kind, state): (String, String) = (row.try_get("kind")?, row.try_get("state")?);
    let kind = Kind::ALL.iter().copied().find(|one| one.name() == kind);
    let ended_at: Option<i64> = row.try_get("ended_at")?;
    let ended_at = ended_at.map(Timestamp).ok_or_else(|| corrupt("the end"));
    let state = match state.as_str() {
        "queued" => State::Queued {
            due_at: Timestamp(row.try_get("due_at")?),
        },
        "sent" => State::Sent { at: ended_at? },
        "failed" => State::Failed { at: ended_at? },
        _ => return Err(corrupt("the state")),
    };
    let (attempts, expires_at): (i64, Option<i64>) =
        (row.try_get("attempts")?, row.try_get("expires_at")?);
    Ok(Mail {
        id: id.parse().map_err(|_| corrupt("the id"))?,
        kind: kind.ok_or_else(|| corrupt("the kind"))?,
        recipient: row.try_get("recipient")?,
        subject: row.try_get("subject")?,
        state,
        attempts: u32::try_from(attempts).map_err(|_| corrupt("the attempts"))?,
        error: row.try_get("error")?,
        created_at: Timestamp(row.try_get("created_at")?),
        expires_at: expires_at.map(Timestamp),
    })
}
