//! Accounts as a whole: locked, unlocked, signed out everywhere, deleted.

use model::{OrganisationId, PersonId};
use serde_json::json;
use sqlx::Row;

use super::credentials::end_sessions;
use super::{Person, entry, find, keep_an_operator};
use crate::change::{Caller, Change, Entry};
use crate::{Error, Store, member, token};

impl Store {
    /// Locks an account: its sessions and its links to a new password end, its tokens are refused
    /// until it is unlocked, and nobody signs in to it. `None` when it is locked already. The last
    /// operator's isn't locked.
    pub async fn lock_person(&self, id: PersonId, by: &Caller) -> Result<Option<Person>, Error> {
        let mut change = self.begin(by).await?;
        let before = find(change.connection(), id).await?;
        if before.locked_at.is_some() {
            return Ok(None);
        }
        if before.rights.operator {
            keep_an_operator(&mut change, id).await?;
        }
        let locked_at = Some(change.now);
        sqlx::query("UPDATE people SET locked_at = $2, version = version + 1 WHERE id = $1")
            .bind(id.to_string())
            .bind(change.now.0)
            .execute(change.connection())
            .await?;
        end_sessions(change.connection(), id, None).await?;
        sqlx::query("DELETE FROM password_resets WHERE person_id = $1")
            .bind(id.to_string())
            .execute(change.connection())
            .await?;
        change.commit(entry("person.lock", &before)).await?;
        Ok(Some(Person {
            locked_at,
            version: before.version + 1,
            ..before
        }))
    }

    /// Unlocks an account. `None` when it isn't locked.
    pub async fn unlock_person(&self, id: PersonId, by: &Caller) -> Result<Option<Person>, Error> {
        let mut change = self.begin(by).await?;
        let before = find(change.connection(), id).await?;
        if before.locked_at.is_none() {
            return Ok(None);
        }
        sqlx::query("UPDATE people SET locked_at = NULL, version = version + 1 WHERE id = $1")
            .bind(id.to_string())
            .execute(change.connection())
            .await?;
        change.commit(entry("person.unlock", &before)).await?;
        Ok(Some(Person {
            locked_at: None,
            version: before.version + 1,
            ..before
        }))
    }

    /// Ends all sessions of a person.
    pub async fn end_all_sessions(&self, id: PersonId, by: &Caller) -> Result<(), Error> {
        let mut change = self.begin(by).await?;
        let person = find(change.connection(), id).await?;
        end_sessions(change.connection(), id, None).await?;
        change.commit(entry("session.end_all", &person)).await
    }

    /// Deletes an account with all that is its own: memberships, sessions, tokens, identities. What
    /// the person made in organisations stays; an organisation whose only owner this was has none
    /// then. The last operator stays.
    pub async fn delete_person(&self, id: PersonId, by: &Caller) -> Result<Person, Error> {
        let mut change = self.begin(by).await?;
        let person = find(change.connection(), id).await?;
        delete(change, &person).await?;
        Ok(person)
    }

    /// The same, by the person who has it: refused while they are the only owner of an organisation
    /// who can sign in.
    pub async fn delete_own_account(&self, id: PersonId, by: &Caller) -> Result<Person, Error> {
        let mut change = self.begin(by).await?;
        let person = find(change.connection(), id).await?;
        let owned = sqlx::query(
            "SELECT o.name FROM memberships m JOIN organisations o ON o.id = m.organisation_id
             WHERE m.person_id = $1 AND m.role = 'owner' AND NOT EXISTS
                 (SELECT 1 FROM memberships other JOIN people p ON p.id = other.person_id
                  WHERE other.organisation_id = m.organisation_id AND other.role = 'owner'
                      AND other.person_id <> $1 AND p.locked_at IS NULL)
             ORDER BY m.created_at, m.organisation_id LIMIT 1",
        )
        .bind(id.to_string())
        .fetch_optional(change.connection())
        .await?;
        if let Some(row) = owned {
            let organisation = row.try_get(0)?;
            return Err(Error::OnlyOwner { organisation });
        }
        delete(change, &person).await?;
        Ok(person)
    }
}

async fn delete(mut change: Change<'_>, person: &Person) -> Result<(), Error> {
    if person.rights.operator {
        keep_an_operator(&mut change, person.id).await?;
    }
    let rows = sqlx::query(
        "SELECT organisation_id, role FROM memberships
         WHERE person_id = $1 ORDER BY created_at, organisation_id",
    )
    .bind(person.id.to_string())
    .fetch_all(change.connection())
    .await?;
    for row in &rows {
        let id: String = row.try_get("organisation_id")?;
        let role = member::role_in(row)?;
        let organisation: OrganisationId = id
            .parse()
            .map_err(|_| Error::Corrupt { what: "the id", id })?;
        // Each organisation is told in its own log whom it lost.
        change
            .log(Entry {
                before: Some(json!({"role": role})),
                ..member::entry("member.remove", organisation, person)
            })
            .await?;
    }
    token::log_end(&mut change, None, Some(person.id)).await?;
    sqlx::query("DELETE FROM people WHERE id = $1")
        .bind(person.id.to_string())
        .execute(change.connection())
        .await?;
    change
        .commit(Entry {
            before: Some(json!({"name": person.name, "rights": person.rights})),
            ..entry("person.delete", person)
        })
        .await
}
