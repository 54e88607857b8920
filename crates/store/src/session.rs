//! Sessions: who is signed in with a browser.

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use model::{PersonId, Timestamp};
use serde_json::json;
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row};

use crate::change::{Caller, Entry};
use crate::person::{self, Person};
use crate::secret::{Credential, Kind, Secret};
use crate::{Cursor, Error, Grant, Page, Store};

/// How exactly a session's last use is known at most: it isn't written more often.
const SEEN_EVERY: Duration = Duration::from_secs(60);

/// The same as a part of the time after which an unused session ends, where that is short.
const SEEN_PART: u32 = 20;

/// Sessions that a person has at once; beyond it the one that was used longest ago ends.
const AT_ONCE: i64 = 100;

/// What the audit log calls the beginning of a session.
const SIGN_IN: &str = "session.create";

/// Most addresses of a person's sign-ins that are looked at.
const ADDRESSES: i64 = 1000;

/// A session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The public half of the cookie.
    pub id: String,
    /// Where it was begun.
    pub address: String,
    /// With which program, by its own account.
    pub user_agent: String,
    /// When it was begun.
    pub created_at: Timestamp,
    /// When it was last used, to the minute (where sessions end soon without being used, to a twentieth of
    /// that time).
    pub seen_at: Timestamp,
    /// When it ends at the latest.
    pub expires_at: Timestamp,
}

/// Where a session is begun.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// Whose.
    pub person: PersonId,
    /// The network address.
    pub address: String,
    /// The program, by its own account.
    pub user_agent: String,
    /// How they proved who they are, for the audit log: such as `password`.
    pub way: String,
    /// How long it lasts at most.
    pub lifetime: Duration,
}

/// Who a cookie belongs to.
#[derive(Debug)]
pub struct VerifiedSession {
    /// The session.
    pub session: Session,
    /// Who is signed in.
    pub person: Person,
    /// What a change by them rests on.
    pub grant: Grant,
}

impl Store {
    /// Begins a session; returns the cookie. A person has a hundred at most: the one that was used longest
    /// ago ends. Fails with [`Error::Locked`], and with
    /// [`Error::ProofOutdated`] when the person is not the one any more whom the caller
    /// [proved](Caller::having_proved) to be.
    pub async fn create_session(&self, new: NewSession, by: &Caller) -> Result<Secret, Error> {
        let credential = Credential::generate(self.random.as_ref());
        let mut change = self.begin(by).await?;
        let person = person::find(change.connection(), new.person).await?;
        // Here, where every way to sign in ends.
        if person.locked_at.is_some() {
            return Err(Error::Locked);
        }
        sqlx::query(
            "DELETE FROM sessions WHERE person_id = $1 AND id NOT IN
                 (SELECT id FROM sessions WHERE person_id = $1
                  ORDER BY seen_at DESC, created_at DESC, id LIMIT $2)",
        )
        .bind(new.person.to_string())
        .bind(AT_ONCE - 1)
        .execute(change.connection())
        .await?;
        sqlx::query(
            "INSERT INTO sessions
                 (id, secret_hash, person_id, epoch, address, user_agent, created_at, seen_at,
                  expires_at)
             SELECT $1, $2, p.id, p.epoch, $4, $5, $6, $6, $7 FROM people p WHERE p.id = $3",
        )
        .bind(&credential.id)
        .bind(credential.secret.hash())
        .bind(new.person.to_string())
        .bind(new.address)
        .bind(new.user_agent)
        .bind(change.now.0)
        .bind((change.now + new.lifetime).0)
        .execute(change.connection())
        .await?;
        let after = json!({"session": credential.id, "by": new.way});
        let entry = Entry {
            after: Some(after),
            ..person::entry(SIGN_IN, &person)
        };
        change.commit(entry).await?;
        Ok(credential.text(Kind::Session))
    }

    /// Whether a sign-in from this network address would be news to a person: they signed in before,
    /// but never from its network (of IPv4 the address itself, of IPv6 the first 64 bits), as far back
    /// as the audit log goes.
    pub async fn would_sign_in_elsewhere(
        &self,
        person: PersonId,
        address: &str,
    ) -> Result<bool, Error> {
        let Some(network) = network(address) else {
            return Ok(false);
        };
        let rows = sqlx::query(
            "SELECT DISTINCT address FROM audit_log
             WHERE organisation_id IS NULL AND actor_id = $1 AND action = $2 LIMIT $3",
        )
        .bind(person.to_string())
        .bind(SIGN_IN)
        .bind(ADDRESSES)
        .fetch_all(&self.pool)
        .await?;
        let mut elsewhere = false;
        for row in &rows {
            let address: String = row.try_get(0)?;
            match self::network(&address) {
                Some(seen) if seen == network => return Ok(false),
                seen => elsewhere |= seen.is_some(),
            }
        }
        Ok(elsewhere)
    }

    /// Who a cookie belongs to; `None` when it is none of ours, has ended, or wasn't used for `idle`.
    pub async fn verify_session(
        &self,
        text: &str,
        idle: Duration,
    ) -> Result<Option<VerifiedSession>, Error> {
        let Some(credential) = Credential::parse(Kind::Session, text) else {
            return Ok(None);
        };
        let person = person::COLUMNS;
        // Of constants only.
        let sql = format!(
            "SELECT s.id, s.secret_hash, s.address, s.user_agent, s.created_at, s.seen_at, s.expires_at,
                    {person}
             FROM sessions s JOIN people p ON p.id = s.person_id
             WHERE s.id = $1 AND s.epoch = p.epoch AND p.locked_at IS NULL"
        );
        let row = sqlx::query(AssertSqlSafe(sql))
            .bind(&credential.id)
            .fetch_optional(&self.pool)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let mut session = from_row(&row)?;
        let now = self.clock.now();
        if session.expires_at <= now || now.since(session.seen_at) >= idle {
            return Ok(None);
        }
        let hash: String = row.try_get("secret_hash")?;
        if !credential.secret.matches(&hash) {
            return Ok(None);
        }
        if now.since(session.seen_at) >= seen_every(idle) {
            sqlx::query("UPDATE sessions SET seen_at = $2 WHERE id = $1 AND seen_at < $2")
                .bind(&session.id)
                .bind(now.0)
                .execute(&self.pool)
                .await?;
            session.seen_at = now;
        }
        let person = person::from_row(&row)?;
        let grant = Grant::of_session(session.id.clone(), hash, person.id);
        Ok(Some(VerifiedSession {
            session,
            person,
            grant,
        }))
    }

    /// A person's sessions that were used within the time `idle`, oldest first: others have ended.
    pub async fn sessions(
        &self,
        person: PersonId,
        idle: Duration,
        after: Option<&Cursor>,
        limit: u32,
    ) -> Result<Page<Session>, Error> {
        let start = Cursor::start();
        let after = after.unwrap_or(&start);
        let now = self.clock.now();
        let rows = sqlx::query(
            "SELECT id, address, user_agent, created_at, seen_at, expires_at FROM sessions
             WHERE person_id = $1 AND expires_at > $2 AND seen_at > $3 AND (created_at, id) > ($4, $5)
             ORDER BY created_at, id LIMIT $6",
        )
        .bind(person.to_string())
        .bind(now.0)
        .bind((now - idle).0)
        .bind(after.created_at.0)
        .bind(&after.id)
        .bind(i64::from(limit) + 1)
        .fetch_all(&self.pool)
        .await?;
        let items = rows.iter().map(from_row).collect::<Result<_, _>>()?;
        Ok(Page::cut(items, limit, |last: &Session| Cursor {
            created_at: last.created_at,
            id: last.id.clone(),
        }))
    }

    /// Ends one of a person's sessions.
    pub async fn end_session(&self, person: PersonId, id: &str, by: &Caller) -> Result<(), Error> {
        let mut change = self.begin(by).await?;
        let found = person::find(change.connection(), person).await?;
        let ended = sqlx::query("DELETE FROM sessions WHERE id = $1 AND person_id = $2")
            .bind(id)
            .bind(person.to_string())
            .execute(change.connection())
            .await?;
        if ended.rows_affected() == 0 {
            return Err(Error::NoSession(id.to_owned()));
        }
        change
            .commit(Entry {
                before: Some(json!({"session": id})),
                ..person::entry("session.end", &found)
            })
            .await
    }
}

/// How exactly a session's last use is known, where it ends after this time without being used.
fn seen_every(idle: Duration) -> Duration {
    SEEN_EVERY.min(idle / SEEN_PART)
}

/// The network that an address stands for: providers and devices change the rest of an IPv6 address
/// at will. `None` for what is no address.
fn network(address: &str) -> Option<IpAddr> {
    match address.parse().ok()? {
        IpAddr::V4(address) => Some(address.into()),
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(address) => Some(address.into()),
            None => Some(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into()),
        },
    }
}

fn from_row(row: &AnyRow) -> Result<Session, Error> {
    Ok(Session {
        id: row.try_get("id")?,
        address: row.try_get("address")?,
        user_agent: row.try_get("user_agent")?,
        created_at: Timestamp(row.try_get("created_at")?),
        seen_at: Timestamp(row.try_get("seen_at")?),
        expires_at: Timestamp(row.try_get("expires_at")?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_address_stands_for_its_first_64_bits() {
        assert_eq!(network("2001:db8:1:2:3::4"), network("2001:db8:1:2::"));
        assert_ne!(network("2001:db8:1:2::"), network("2001:db8:1:3::"));
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
        assert_eq!(network("::ffff:192.0.2.1"), network("192.0.2.1"));
        assert_eq!((network(""), network("nowhere")), (None, None));
    }
}
