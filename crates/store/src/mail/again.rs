//! Sending mail again that was given up.

use model::MailId;
use serde_json::json;

use super::{Mail, State, Status};
use crate::change::{Caller, Entry};
use crate::{Error, Store};

impl Store {
    /// Puts a mail that was given up into the queue again, as if nobody had tried it yet. The audit log
    /// tells of it.
    ///
    /// # Errors
    ///
    /// [`Error::NoMail`]; [`Error::MailNotFailed`] when it waits or went out; [`Error::MailTextGone`]
    /// when what it said is kept no longer, since its link has ended.
    pub async fn send_mail_again(&self, id: MailId, by: &Caller) -> Result<Mail, Error> {
        let mut change = self.begin(by).await?;
        let (mail, _) = self.mail_in(change.connection(), id).await?;
        let now = change.now;
        if !matches!(mail.state, State::Failed { .. }) {
            return Err(Error::MailNotFailed(id));
        }
        let queued = sqlx::query(
            "UPDATE mails SET state = 'queued', attempts = 0, due_at = $2, ended_at = NULL
             WHERE id = $1 AND state = 'failed' AND bodies IS NOT NULL
               AND (expires_at IS NULL OR expires_at > $2)",
        )
        .bind(id.to_string())
        .bind(now.0)
        .execute(change.connection())
        .await?;
        if queued.rows_affected() == 0 {
            return Err(Error::MailTextGone(id));
        }
        let entry = Entry {
            organisation: None,
            action: "mail.send_again",
            target_id: id.to_string(),
            target_name: mail.recipient.clone(),
            before: Some(json!({"state": Status::Failed.name()})),
            after: Some(json!({"state": Status::Queued.name()})),
        };
        change.commit(entry).await?;
        self.mail_waiting.notify_one();
        Ok(Mail {
            state: State::Queued { due_at: now },
            attempts: 0,
            ..mail
        })
    }
}
