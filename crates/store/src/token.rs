//! API tokens: how programs and the command line sign in.

use std::time::Duration;

use model::access::{InstallationRights, Permission, Permissions};
use model::{OrganisationId, PersonId, Timestamp};
use serde_json::json;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

use crate::change::{ActorKind, Caller, Change, Entry, rfc3339, still_there};
use crate::secret::{Credential, Kind, Secret};
use crate::{Behind, Cursor, Error, Grant, Page, Store, member, organisation};

/// Most tokens of an organisation, expired ones included.
const OF_ORGANISATION: u64 = 1000;

/// Most tokens of a person, in all organisations.
const OF_PERSON: u64 = 100;

/// How exactly a token's last use is known: it isn't written more often.
const USED_EVERY: Duration = Duration::from_secs(60);

/// An API token, as far as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// The public half of its text.
    pub id: String,
    /// The organisation that it is for.
    pub organisation: OrganisationId,
    /// Who made it and lends it rights; `None`: the installation's own, which may do everything.
    pub person: Option<PersonId>,
    /// What it is for.
    pub name: String,
    /// What it may do at most; `None`: all that its person may.
    pub scopes: Option<Vec<Permission>>,
    /// The token with which it was made, if any: it ends with that one.
    pub parent: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub used_at: Option<Timestamp>,
}

/// A token that was just made. Its text is not shown again.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// The token.
    pub token: Token,
    /// What to send as `Authorization: Bearer …`.
    pub text: Secret,
}

/// A token to be made.
#[derive(Debug, Clone)]
pub struct TokenDraft {
    /// The organisation that it is for.
    pub organisation: OrganisationId,
    /// Who makes it; `None`: the installation.
    pub person: Option<PersonId>,
    /// What it is for.
    pub name: String,
    /// What it may do at most; `None`: all that its person may.
    pub scopes: Option<Vec<Permission>>,
    /// The token with which it is made, if any: it ends with that one.
    pub parent: Option<String>,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
}

/// The tokens that ended with one that was revoked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevokedTokens {
    /// The one that was revoked.
    pub token: Token,
    /// Those that were made with it, directly or not, oldest first.
    pub made_with_it: Vec<Token>,
}

/// A token that was recognised, with what it may do at this moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedToken {
    /// The token.
    pub token: Token,
    /// What it may do in its organisation, and in the installation.
    pub permissions: Permissions,
    /// Whose it is; `None`: the installation's own.
    pub behind: Option<Behind>,
}

const COLUMNS: &str = "t.id, t.organisation_id, t.person_id, t.name, t.secret_hash, t.scopes, \
                       t.parent_id, t.created_at, t.expires_at, t.used_at";

/// The rest of a query for a token and what its person lends it, unless they are locked.
const LENT: &str = ", m.role, p.operator, p.reviewer, p.email FROM api_tokens t
     LEFT JOIN memberships m
         ON m.organisation_id = t.organisation_id AND m.person_id = t.person_id
     LEFT JOIN people p ON p.id = t.person_id
     WHERE t.id = $1 AND p.locked_at IS NULL";

impl VerifiedToken {
    /// What a change by it rests on.
    pub fn grant(&self) -> Grant {
        Grant::of_token(self.token.id.clone())
    }
}

/// What a token allows at this moment; `None` when it has ended.
pub(crate) async fn permissions_now(
    connection: &mut AnyConnection,
    id: &str,
    now: Timestamp,
) -> Result<Option<Permissions>, Error> {
    let row = sqlx::query(query_for(LENT))
        .bind(id)
        .fetch_optional(connection)
        .await?;
    let Some(row) = row else { return Ok(None) };
    lent(&row, &from_row(&row)?, now)
}

/// What a token allows; `None` when it has expired, or its person is no member any more.
fn lent(row: &AnyRow, token: &Token, now: Timestamp) -> Result<Option<Permissions>, Error> {
    if token.expires_at.is_some_and(|at| at <= now) {
        return Ok(None);
    }
    let lent = match token.person {
        None => Permissions::all(),
        Some(_) => {
            let role: Option<String> = row.try_get("role")?;
            if role.is_none() {
                return Ok(None);
            }
            let (operator, reviewer): (i64, i64) =
                (row.try_get("operator")?, row.try_get("reviewer")?);
            let rights = InstallationRights {
                operator: operator != 0,
                reviewer: reviewer != 0,
            };
            member::role_in(row)?.permissions().or(rights.permissions())
        }
    };
    Ok(Some(match &token.scopes {
        Some(scopes) => lent.and(scopes.iter().copied().collect()),
        None => lent,
    }))
}

impl Store {
    /// Makes a token. Its person has to be a member of the organisation, and its parent is still there.
    /// Fails with [`Error::TooManyTokens`]; the server itself is refused none.
    pub async fn create_token(&self, draft: TokenDraft, by: &Caller) -> Result<NewToken, Error> {
        let mut change = self.begin(by).await?;
        if let Some((id, secret)) = change.made_before::<(String, String)>().await? {
            drop(change);
            let secret = Secret::new(secret);
            let token = still_there(self.token(&id).await)?;
            let text = Credential { id, secret }.text(Kind::Token);
            return Ok(NewToken { token, text });
        }
        organisation::find(change.connection(), draft.organisation).await?;
        if let Some(person) = draft.person {
            member::find(change.connection(), draft.organisation, person).await?;
        }
        if let Some(parent) = &draft.parent {
            demand(change.connection(), parent).await?;
        }
        if by.actor.kind != ActorKind::System {
            check_room(change.connection(), &draft).await?;
        }
        let credential = Credential::generate(self.random.as_ref());
        let token = Token {
            id: credential.id.clone(),
            organisation: draft.organisation,
            person: draft.person,
            name: draft.name,
            scopes: draft.scopes,
            parent: draft.parent,
            created_at: change.now,
            expires_at: draft.expires_at,
            used_at: None,
        };
        sqlx::query(
            "INSERT INTO api_tokens
                 (id, organisation_id, person_id, name, secret_hash, scopes, created_at, expires_at,
                  parent_id)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(&token.id)
        .bind(token.organisation.to_string())
        .bind(token.person.map(|id| id.to_string()))
        .bind(&token.name)
        .bind(credential.secret.hash())
        .bind(
            token
                .scopes
                .as_ref()
                .map(|scopes| json!(scopes).to_string()),
        )
        .bind(token.created_at.0)
        .bind(token.expires_at.map(|at| at.0))
        .bind(&token.parent)
        .execute(change.connection())
        .await?;
        let made = (&token.id, credential.secret.expose());
        change.remember(&made).await?;
        let after = json!({"scopes": token.scopes, "expires_at": token.expires_at.map(rfc3339)});
        change
            .commit(Entry {
                after: Some(after),
                ..entry("token.create", &token)
            })
            .await?;
        let text = credential.text(Kind::Token);
        Ok(NewToken { token, text })
    }

    /// The token with this text and what it may do; `None` when it is none of ours, has ended, or
    /// its person is locked or no member any more.
    pub async fn verify_token(&self, text: &str) -> Result<Option<VerifiedToken>, Error> {
        let Some(credential) = Credential::parse(Kind::Token, text) else {
            return Ok(None);
        };
        let row = sqlx::query(query_for(LENT))
            .bind(&credential.id)
            .fetch_optional(&self.pool)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let hash: String = row.try_get("secret_hash")?;
        let token = from_row(&row)?;
        let now = self.clock.now();
        if !credential.secret.matches(&hash) {
            return Ok(None);
        }
        let Some(permissions) = lent(&row, &token, now)? else {
            return Ok(None);
        };
        if token.used_at.is_none_or(|at| now.since(at) >= USED_EVERY) {
            sqlx::query(
                "UPDATE api_tokens SET used_at = $2
                 WHERE id = $1 AND (used_at IS NULL OR used_at < $2)",
            )
            .bind(&token.id)
            .bind(now.0)
            .execute(&self.pool)
            .await?;
        }
        let email: Option<String> = row.try_get("email")?;
        let behind = token.person.zip(email);
        Ok(Some(VerifiedToken {
            token,
            permissions,
            behind: behind.map(|(id, email)| Behind { id, email }),
        }))
    }

    /// One token, ended or not.
    pub async fn token(&self, id: &str) -> Result<Token, Error> {
        let row = sqlx::query(query_for("FROM api_tokens t WHERE t.id = $1"))
            .bind(id)
            .fetch_optional(&self.pool)
            .await?;
        let missing = || Err(Error::NoToken(id.to_owned()));
        row.as_ref().map_or_else(missing, from_row)
    }

    /// An organisation's tokens, oldest first; only those of `person`, if one is given.
    pub async fn tokens(
        &self,
        organisation: OrganisationId,
        person: Option<PersonId>,
        after: Option<&Cursor>,
        limit: u32,
    ) -> Result<Page<Token>, Error> {
        let start = Cursor::start();
        let after = after.unwrap_or(&start);
        let sql = match person {
            None => query_for(
                "FROM api_tokens t WHERE t.organisation_id = $1 AND (t.created_at, t.id) > ($2, $3)
                 ORDER BY t.created_at, t.id LIMIT $4",
            ),
            Some(_) => query_for(
                "FROM api_tokens t WHERE t.organisation_id = $1 AND (t.created_at, t.id) > ($2, $3)
                     AND t.person_id = $5
                 ORDER BY t.created_at, t.id LIMIT $4",
            ),
        };
        let mut query = sqlx::query(sql)
            .bind(organisation.to_string())
            .bind(after.created_at.0)
            .bind(&after.id)
            .bind(i64::from(limit) + 1);
        if let Some(person) = person {
            query = query.bind(person.to_string());
        }
        let rows = query.fetch_all(&self.pool).await?;
        let items = rows.iter().map(from_row).collect::<Result<_, _>>()?;
        Ok(Page::cut(items, limit, |last: &Token| Cursor {
            created_at: last.created_at,
            id: last.id.clone(),
        }))
    }

    /// How many tokens of a person are taken, in all organisations.
    pub async fn count_live_tokens(&self, person: PersonId) -> Result<u64, Error> {
        let row = sqlx::query(
            "SELECT COUNT(*) FROM api_tokens
             WHERE person_id = $1 AND (expires_at IS NULL OR expires_at > $2)",
        )
        .bind(person.to_string())
        .bind(self.clock.now().0)
        .fetch_one(&self.pool)
        .await?;
        let count: i64 = row.try_get(0)?;
        Ok(count.unsigned_abs())
    }

    /// The installation's own tokens: those that no person made. There are few.
    pub async fn installation_tokens(&self) -> Result<Vec<Token>, Error> {
        let rows = sqlx::query(query_for(
            "FROM api_tokens t WHERE t.person_id IS NULL ORDER BY t.created_at, t.id LIMIT 1000",
        ))
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(from_row).collect()
    }

    /// Revokes a token, and those with it that were made with it.
    pub async fn delete_token(&self, id: &str, by: &Caller) -> Result<RevokedTokens, Error> {
        let mut change = self.begin(by).await?;
        let rows = sqlx::query(query_for(
            "FROM api_tokens t WHERE t.id IN
                 (WITH RECURSIVE family (id) AS
                      (SELECT id FROM api_tokens WHERE id = $1
                       UNION SELECT c.id FROM api_tokens c JOIN family f ON c.parent_id = f.id)
                  SELECT id FROM family)
             ORDER BY t.created_at, t.id",
        ))
        .bind(id)
        .fetch_all(change.connection())
        .await?;
        let tokens: Vec<Token> = rows.iter().map(from_row).collect::<Result<_, _>>()?;
        let (mut itself, made_with_it): (Vec<_>, Vec<_>) =
            tokens.into_iter().partition(|token| token.id == id);
        let token = itself.pop().ok_or_else(|| Error::NoToken(id.to_owned()))?;
        // Those that were made with it go with its row.
        sqlx::query("DELETE FROM api_tokens WHERE id = $1")
            .bind(id)
            .execute(change.connection())
            .await?;
        for other in &made_with_it {
            let with = Entry {
                after: Some(json!({"with": id})),
                ..entry("token.revoke", other)
            };
            change.log(with).await?;
        }
        change.commit(entry("token.revoke", &token)).await?;
        Ok(RevokedTokens {
            token,
            made_with_it,
        })
    }
}

/// Whether any of the installation's own tokens is for this organisation.
pub(crate) async fn any_of_installation(
    connection: &mut AnyConnection,
    organisation: OrganisationId,
) -> Result<bool, Error> {
    let row = sqlx::query(
        "SELECT id FROM api_tokens WHERE organisation_id = $1 AND person_id IS NULL LIMIT 1",
    )
    .bind(organisation.to_string())
    .fetch_optional(connection)
    .await?;
    Ok(row.is_some())
}

/// Tells of each token that is about to end with its organisation, its person, or (both given) a
/// membership.
pub(crate) async fn log_end(
    change: &mut Change<'_>,
    organisation: Option<OrganisationId>,
    person: Option<PersonId>,
) -> Result<(), Error> {
    let rows = sqlx::query(query_for(
        "FROM api_tokens t WHERE t.organisation_id = COALESCE($1, t.organisation_id)
             AND COALESCE(t.person_id, '') = COALESCE($2, t.person_id, '')
         ORDER BY t.created_at, t.id",
    ))
    .bind(organisation.map(|id| id.to_string()))
    .bind(person.map(|id| id.to_string()))
    .fetch_all(change.connection())
    .await?;
    let with = person.map(|id| id.to_string());
    let with = with.or(organisation.map(|id| id.to_string()));
    for row in &rows {
        let ended = Entry {
            after: Some(json!({"with": with})),
            ..entry("token.revoke", &from_row(row)?)
        };
        change.log(ended).await?;
    }
    Ok(())
}

/// Refuses when the organisation, or the person, has as many tokens as may be.
async fn check_room(connection: &mut AnyConnection, draft: &TokenDraft) -> Result<(), Error> {
    let organisation = draft.organisation.to_string();
    let of_organisation = "SELECT COUNT(*) FROM api_tokens WHERE organisation_id = $1";
    if count(connection, of_organisation, organisation).await? >= OF_ORGANISATION {
        return Err(Error::TooManyTokens {
            whose: "the organisation has",
            limit: OF_ORGANISATION,
        });
    }
    let Some(person) = draft.person else {
        return Ok(());
    };
    let of_person = "SELECT COUNT(*) FROM api_tokens WHERE person_id = $1";
    if count(connection, of_person, person.to_string()).await? >= OF_PERSON {
        return Err(Error::TooManyTokens {
            whose: "you have",
            limit: OF_PERSON,
        });
    }
    Ok(())
}

async fn count(
    connection: &mut AnyConnection,
    sql: &'static str,
    whose: String,
) -> Result<u64, Error> {
    let row = sqlx::query(sql).bind(whose).fetch_one(connection).await?;
    let count: i64 = row.try_get(0)?;
    Ok(count.unsigned_abs())
}

/// Refuses when there is no such token any more.
async fn demand(connection: &mut AnyConnection, id: &str) -> Result<(), Error> {
    let row = sqlx::query("SELECT id FROM api_tokens WHERE id = $1")
        .bind(id)
        .fetch_optional(connection)
        .await?;
    row.map(drop).ok_or_else(|| Error::NoToken(id.to_owned()))
}

/// A query for tokens: of constants only.
pub(crate) fn query_for(rest: &'static str) -> sqlx::AssertSqlSafe<String> {
    sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} {rest}"))
}

fn entry(action: &'static str, token: &Token) -> Entry {
    Entry {
        organisation: Some(token.organisation),
        action,
        target_id: token.id.clone(),
        target_name: token.name.clone(),
        before: None,
        after: None,
    }
}

pub(crate) fn from_row(row: &AnyRow) -> Result<Token, Error> {
    let id: String = row.try_get("id")?;
    let corrupt = |what| Error::Corrupt {
        what,
        id: id.clone(),
    };
    let organisation: String = row.try_get("organisation_id")?;
    let person: Option<String> = row.try_get("person_id")?;
    let person = person.map(|person| person.parse()).transpose();
    let scopes: Option<String> = row.try_get("scopes")?;
    let scopes = scopes
        .map(|scopes| serde_json::from_str(&scopes))
        .transpose();
    let (expires_at, used_at): (Option<i64>, Option<i64>) =
        (row.try_get("expires_at")?, row.try_get("used_at")?);
    Ok(Token {
        organisation: organisation
            .parse()
            .map_err(|_| corrupt("the organisation"))?,
        person: person.map_err(|_| corrupt("the person"))?,
        name: row.try_get("name")?,
        parent: row.try_get("parent_id")?,
        scopes: scopes.map_err(|_| corrupt("the scopes"))?,
        created_at: Timestamp(row.try_get("created_at")?),
        expires_at: expires_at.map(Timestamp),
        used_at: used_at.map(Timestamp),
        id,
    })
}
