//! What a caller was let in with, looked at again when the change begins: a session that was ended, a
//! token that was revoked, a role that was taken away in the meantime changes nothing any more.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use model::access::{InstallationRights, Permissions};
use model::{OrganisationId, PersonId, Timestamp};
use sqlx::{AnyConnection, Row};

use crate::change::Change;
use crate::secret::{Credential, Kind, Secret};
use crate::{Error, Store, member, person, token};

/// The session or token that a caller was recognised by, and what it allowed at that moment. A change
/// rests on all of that: it doesn't happen when any of it is gone by then.
#[derive(Debug, Clone)]
pub struct Grant {
    holder: Holder,
    /// Where the permissions are, as far as they are an organisation's.
    organisation: Option<OrganisationId>,
    permissions: Permissions,
    renewed: Renewed,
}

/// The cookie that a change gave the caller's session.
type Renewed = Arc<Mutex<Option<Secret>>>;

#[derive(Clone)]
enum Holder {
    /// A session, by the secret that was shown of it.
    Session {
        id: String,
        secret_hash: String,
        person: PersonId,
    },
    /// A token: its secret is never another.
    Token { id: String },
}

/// Without the hash.
impl fmt::Debug for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, id) = match self {
            Self::Session { id, .. } => ("Session", id),
            Self::Token { id } => ("Token", id),
        };
        f.debug_tuple(kind).field(id).finish()
    }
}

impl Grant {
    pub(crate) fn of_session(id: String, secret_hash: String, person: PersonId) -> Self {
        Self::of(Holder::Session {
            id,
            secret_hash,
            person,
        })
    }

    pub(crate) fn of_token(id: String) -> Self {
        Self::of(Holder::Token { id })
    }

    fn of(holder: Holder) -> Self {
        Self {
            holder,
            organisation: None,
            permissions: Permissions::default(),
            renewed: Renewed::default(),
        }
    }

    /// The same, which allowed this too, in the whole installation.
    #[must_use]
    pub fn allowing(self, permissions: Permissions) -> Self {
        Self {
            permissions: self.permissions.or(permissions),
            ..self
        }
    }

    /// The same, which allowed this too, in an organisation.
    #[must_use]
    pub fn allowing_in(self, organisation: OrganisationId, permissions: Permissions) -> Self {
        Self {
            organisation: Some(organisation),
            ..self.allowing(permissions)
        }
    }

    /// The cookie that a change gave the caller's session, where it did: the former one has ended.
    /// It is handed out once.
    pub fn take_renewed(&self) -> Option<Secret> {
        let mut renewed = self.renewed.lock().unwrap_or_else(PoisonError::into_inner);
        renewed.take()
    }

    /// Refuses unless all that it was still is. One indexed read.
    pub(crate) async fn check(
        &self,
        connection: &mut AnyConnection,
        now: Timestamp,
    ) -> Result<(), Error> {
        let present = match &self.holder {
            Holder::Session {
                id, secret_hash, ..
            } => {
                let there = (id.as_str(), secret_hash.as_str());
                of_session(connection, there, self.organisation, now).await?
            }
            Holder::Token { id } => token::permissions_now(connection, id, now).await?,
        };
        let present = present.ok_or(Error::AccessEnded)?;
        match self.permissions.and(present) == self.permissions {
            true => Ok(()),
            false => Err(Error::RightsChanged),
        }
    }
}

/// What a session allows at this moment; `None` when it has ended, or has another secret by now.
async fn of_session(
    connection: &mut AnyConnection,
    (id, secret_hash): (&str, &str),
    organisation: Option<OrganisationId>,
    now: Timestamp,
) -> Result<Option<Permissions>, Error> {
    let row = sqlx::query(
        "SELECT p.operator, p.reviewer, m.role FROM sessions s
         JOIN people p ON p.id = s.person_id
         LEFT JOIN memberships m ON m.person_id = s.person_id AND m.organisation_id = $3
         WHERE s.id = $1 AND s.secret_hash = $2 AND s.epoch = p.epoch AND s.expires_at > $4
             AND p.locked_at IS NULL",
    )
    .bind(id)
    .bind(secret_hash)
    .bind(organisation.map(|id| id.to_string()))
    .bind(now.0)
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let (operator, reviewer): (i64, i64) = (row.try_get("operator")?, row.try_get("reviewer")?);
    let rights = InstallationRights {
        operator: operator != 0,
        reviewer: reviewer != 0,
    };
    let role: Option<String> = row.try_get("role")?;
    let role = role.map(|_| member::role_in(&row)).transpose()?;
    let of_role = role.map(|role| role.permissions()).unwrap_or_default();
    Ok(Some(of_role.or(rights.permissions())))
}

impl Store {
    /// Whether a caller who was let in with this is let in still, with all that was allowed: for what
    /// goes on after the request. Sessions that weren't used for `idle` have ended.
    pub async fn still_grants(&self, grant: &Grant, idle: Duration) -> Result<bool, Error> {
        let now = self.clock.now();
        let mut connection = self.pool.acquire().await?;
        match grant.check(&mut connection, now).await {
            Ok(()) => {}
            Err(Error::AccessEnded | Error::RightsChanged) => return Ok(false),
            Err(error) => return Err(error),
        }
        let Holder::Session { id, .. } = &grant.holder else {
            return Ok(true);
        };
        let used = sqlx::query("SELECT 1 FROM sessions WHERE id = $1 AND seen_at > $2")
            .bind(id)
            .bind((now - idle).0)
            .fetch_optional(&mut *connection)
            .await?;
        Ok(used.is_some())
    }
}

impl Change<'_> {
    /// Ends a person's sessions, for whom something changes that they rest on. Only the one that makes the
    /// change goes on, where it is theirs and they proved who they are: with another secret, which the
    /// answer brings to whoever asked, and nobody else. Whoever has a copy of the former cookie has nothing
    /// any more, and can't get another by changing something with it.
    pub(crate) async fn end_sessions_of(&mut self, id: PersonId) -> Result<(), Error> {
        let proved = self.by.proved.is_some_and(|proved| proved.is_of(id));
        self.end_sessions_but(id, proved).await
    }

    /// The same of somebody who came with a link that was sent to them, which is as good as a proof.
    pub(crate) async fn end_sessions_of_invited(&mut self, id: PersonId) -> Result<(), Error> {
        self.end_sessions_but(id, true).await
    }

    async fn end_sessions_but(&mut self, id: PersonId, own_goes_on: bool) -> Result<(), Error> {
        let grant = self.by.grant.as_ref().filter(|_| own_goes_on);
        let own = grant.and_then(|grant| match &grant.holder {
            Holder::Session {
                id: session,
                person,
                ..
            } if *person == id => Some((session.clone(), Arc::clone(&grant.renewed))),
            _ => None,
        });
        let kept = own.as_ref().map(|(session, _)| session.as_str());
        person::end_sessions(self.connection(), id, kept).await?;
        let Some((session, renewed)) = own else {
            return Ok(());
        };
        let credential = Credential {
            id: session,
            ..Credential::generate(self.random())
        };
        sqlx::query(
            "UPDATE sessions
             SET secret_hash = $2, epoch = (SELECT p.epoch FROM people p WHERE p.id = $3)
             WHERE id = $1",
        )
        .bind(&credential.id)
        .bind(credential.secret.hash())
        .bind(id.to_string())
        .execute(self.connection())
        .await?;
        self.renewed = Some(Renewal {
            secret: credential.text(Kind::Session),
            to: renewed,
        });
        Ok(())
    }
}

/// A cookie to be handed out when the change has happened.
pub(crate) struct Renewal {
    secret: Secret,
    to: Renewed,
}

impl Renewal {
    pub(crate) fn hand_out(self) {
        *self.to.lock().unwrap_or_else(PoisonError::into_inner) = Some(self.secret);
    }
}
