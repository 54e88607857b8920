//! What concerns all tables: clearing away what has ended, and what is sealed.

use std::time::Duration;

use model::Timestamp;
use sqlx::{AnyPool, AssertSqlSafe};

use crate::secret::SEALED;
use crate::{Error, Store};

/// How long a creation's outcome is kept for its repetition.
const IDEMPOTENCY: Duration = Duration::from_secs(24 * 60 * 60);

/// How long an incident is listed after its end.
const INCIDENTS: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// Rows that are deleted at once: others shall not wait long for the database.
const AT_ONCE: i64 = 500;

/// Whether anything in the database is sealed.
pub(crate) async fn any_sealed(pool: &AnyPool) -> Result<bool, Error> {
    for (table, column) in SEALED {
        // Of constants only.
        let sql = format!("SELECT id FROM {table} WHERE {column} IS NOT NULL LIMIT 1");
        let found = sqlx::query(AssertSqlSafe(sql)).fetch_optional(pool).await?;
        if found.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

impl Store {
    /// Deletes expired sessions, links, keys and tokens, what was kept for repetitions, incidents that are
    /// long over, and entries
    /// of the audit log that are older than `audit_retention`. Returns how many rows went.
    pub async fn clear_expired(&self, audit_retention: Duration) -> Result<u64, Error> {
        let now = self.clock.now();
        let steps: [(&str, Timestamp); 8] = [
            (
                "DELETE FROM sessions WHERE id IN
                     (SELECT id FROM sessions WHERE expires_at <= $1 LIMIT $2)",
                now,
            ),
            (
                "DELETE FROM invitations WHERE id IN
                     (SELECT id FROM invitations WHERE expires_at <= $1 LIMIT $2)",
                now,
            ),
            (
                "DELETE FROM password_resets WHERE id IN
                     (SELECT id FROM password_resets WHERE expires_at <= $1 LIMIT $2)",
                now,
            ),
            (
                "DELETE FROM project_keys WHERE value IN
                     (SELECT value FROM project_keys WHERE expires_at <= $1 LIMIT $2)
                     AND expires_at <= $1",
                now,
            ),
            // Kept for a while, so that people see why a program was refused.
            (
                "DELETE FROM api_tokens WHERE id IN
                     (SELECT id FROM api_tokens WHERE expires_at <= $1 LIMIT $2)",
                now - Duration::from_secs(30 * 24 * 60 * 60),
            ),
            (
                "DELETE FROM idempotency WHERE id IN
                     (SELECT id FROM idempotency WHERE created_at <= $1 LIMIT $2)",
                now - IDEMPOTENCY,
            ),
            (
                "DELETE FROM audit_log WHERE id IN
                     (SELECT id FROM audit_log WHERE at <= $1 LIMIT $2)",
                now - audit_retention,
            ),
            (
                "DELETE FROM alert_incidents WHERE id IN
                     (SELECT id FROM alert_incidents WHERE closed_at <= $1 LIMIT $2)",
                now - INCIDENTS,
            ),
        ];
        let mut cleared = 0;
        for (sql, until) in steps {
            loop {
                let deleted = sqlx::query(sql)
                    .bind(until.0)
                    .bind(AT_ONCE)
                    .execute(&self.pool)
                    .await?
                    .rows_affected();
                cleared += deleted;
                if deleted < AT_ONCE.unsigned_abs() {
                    break;
                }
            }
        }
        Ok(cleared)
    }
}
