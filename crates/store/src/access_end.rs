//! Ending what lets people in, where the database is not what it was: it was loaded from a copy.

use serde_json::json;
use sqlx::Row;

use crate::backup::Access;
use crate::change::{Caller, Entry};
use crate::{Error, Store};

impl Store {
    /// Ends all sessions, and all links of invitations and new passwords with their letters: those that ended
    /// since the copy was made would be taken again. Tokens stay, since programs have them that nobody
    /// attends.
    pub async fn end_access(&self) -> Result<Access, Error> {
        let by = Caller::system();
        let mut change = self.begin(&by).await?;
        let mut ended = [0; 4];
        for (sql, count) in [
            "DELETE FROM sessions",
            "DELETE FROM invitations",
            "DELETE FROM password_resets",
            "DELETE FROM asked_resets",
        ]
        .into_iter()
        .zip(&mut ended)
        {
            let deleted = sqlx::query(sql).execute(change.connection()).await?;
            *count = deleted.rows_affected();
        }
        let live = "SELECT COUNT(*) FROM api_tokens WHERE expires_at IS NULL OR expires_at > $1";
        let now = change.now.0;
        let row = sqlx::query(live).bind(now);
        let row = row.fetch_one(change.connection()).await?;
        let live: i64 = row.try_get(0)?;
        let [sessions_ended, invitations, resets, _] = ended;
        let access = Access {
            sessions_ended,
            links_ended: invitations + resets,
            tokens_live: live.unsigned_abs(),
        };
        let after = json!({
            "sessions_ended": access.sessions_ended,
            "links_ended": access.links_ended,
        });
        change
            .commit(Entry {
                organisation: None,
                action: "installation.end_access",
                target_id: String::new(),
                target_name: String::new(),
                before: None,
                after: Some(after),
            })
            .await?;
        Ok(access)
    }
}
