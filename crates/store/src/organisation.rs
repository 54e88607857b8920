//! Organisations: members, and the projects that they share.

use model::access::Role;
use model::{OrganisationId, PersonId, Timestamp};
use serde_json::json;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

use crate::change::{Actor, ActorKind, Caller, Entry, still_there};
use crate::person::conflict;
use crate::{Cursor, Error, Page, Store, definition, member, token};

/// An organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organisation {
    /// Identifies it.
    pub id: OrganisationId,
    /// As people call it.
    pub name: String,
    /// Counts from 1 with each change.
    pub version: u64,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Store {
    /// Makes an organisation. A person who makes it owns it; one that a program makes has no members:
    /// see [`create_organisation_for`](Self::create_organisation_for).
    pub async fn create_organisation(
        &self,
        name: &str,
        by: &Caller,
    ) -> Result<Organisation, Error> {
        let mut change = self.begin(by).await?;
        if let Some(made) = change.made_before().await? {
            drop(change);
            return still_there(self.organisation(made).await);
        }
        let organisation = self.new_organisation(name, change.now);
        insert(change.connection(), &organisation).await?;
        if let Some(owner) = person_behind(change.connection(), &by.actor).await? {
            let (id, now) = (organisation.id, change.now);
            member::add(change.connection(), id, owner, Role::Owner, now).await?;
        }
        change.remember(&organisation.id).await?;
        change.commit(created(&organisation)).await?;
        Ok(organisation)
    }

    /// One that isn't stored yet.
    pub(crate) fn new_organisation(&self, name: &str, now: Timestamp) -> Organisation {
        Organisation {
            id: OrganisationId::generate(self.random.as_ref()),
            name: name.to_owned(),
            version: 1,
            created_at: now,
        }
    }

    /// All organisations, oldest first.
    pub async fn organisations(
        &self,
        after: Option<&Cursor>,
        limit: u32,
    ) -> Result<Page<Organisation>, Error> {
        let start = Cursor::start();
        let after = after.unwrap_or(&start);
        let rows = sqlx::query(
            "SELECT id, name, version, created_at FROM organisations
             WHERE (created_at, id) > ($1, $2) ORDER BY created_at, id LIMIT $3",
        )
        .bind(after.created_at.0)
        .bind(&after.id)
        .bind(i64::from(limit) + 1)
        .fetch_all(&self.pool)
        .await?;
        let items = rows.iter().map(from_row).collect::<Result<_, _>>()?;
        Ok(Page::cut(items, limit, cursor))
    }

    /// The organisations that a person belongs to, the one joined first first.
    pub async fn organisations_of(
        &self,
        person: PersonId,
        after: Option<&Cursor>,
        limit: u32,
    ) -> Result<Page<(Organisation, Role)>, Error> {
        let start = Cursor::start();
        let after = after.unwrap_or(&start);
        let rows = sqlx::query(
            "SELECT o.id, o.name, o.version, o.created_at, m.role, m.created_at AS joined_at
             FROM memberships m JOIN organisations o ON o.id = m.organisation_id
             WHERE m.person_id = $1 AND (m.created_at, m.organisation_id) > ($2, $3)
             ORDER BY m.created_at, m.organisation_id LIMIT $4",
        )
        .bind(person.to_string())
        .bind(after.created_at.0)
        .bind(&after.id)
        .bind(i64::from(limit) + 1)
        .fetch_all(&self.pool)
        .await?;
        let items: Vec<_> = rows
            .iter()
            .map(|row| {
                let joined: i64 = row.try_get("joined_at")?;
                let role = crate::member::role_in(row)?;
                Ok((from_row(row)?, role, Timestamp(joined)))
            })
            .collect::<Result<_, Error>>()?;
        let page = Page::cut(items, limit, |(organisation, _, joined)| Cursor {
            created_at: *joined,
            id: organisation.id.to_string(),
        });
        Ok(Page {
            items: page
                .items
                .into_iter()
                .map(|(organisation, role, _)| (organisation, role))
                .collect(),
            next: page.next,
        })
    }

    /// One organisation.
    pub async fn organisation(&self, id: OrganisationId) -> Result<Organisation, Error> {
        let mut connection = self.pool.acquire().await?;
        find(&mut connection, id).await
    }

    /// Renames an organisation that is still at `version` (any, when it is `None`).
    pub async fn rename_organisation(
        &self,
        id: OrganisationId,
        version: Option<u64>,
        name: &str,
        by: &Caller,
    ) -> Result<Organisation, Error> {
        let mut change = self.begin(by).await?;
        let before = find(change.connection(), id).await?;
        conflict(version, before.version)?;
        if before.name == name {
            return Ok(before);
        }
        sqlx::query("UPDATE organisations SET name = $2, version = version + 1 WHERE id = $1")
            .bind(id.to_string())
            .bind(name)
            .execute(change.connection())
            .await?;
        let after = Organisation {
            name: name.to_owned(),
            version: before.version + 1,
            ..before.clone()
        };
        change
            .commit(Entry {
                before: Some(json!({"name": before.name})),
                after: Some(json!({"name": name})),
                ..entry("organisation.rename", &after)
            })
            .await?;
        Ok(after)
    }

    /// Deletes an organisation with its memberships, invitations and tokens. Refused while it has
    /// projects, or holds a token of the installation's own, or is not at `version` any more (any, when
    /// it is `None`).
    pub async fn delete_organisation(
        &self,
        id: OrganisationId,
        version: Option<u64>,
        by: &Caller,
    ) -> Result<(), Error> {
        let mut change = self.begin(by).await?;
        let organisation = find(change.connection(), id).await?;
        conflict(version, organisation.version)?;
        let row = sqlx::query("SELECT COUNT(*) FROM projects WHERE organisation_id = $1")
            .bind(id.to_string())
            .fetch_one(change.connection())
            .await?;
        let projects: i64 = row.try_get(0)?;
        if projects > 0 {
            return Err(Error::OrganisationInUse {
                projects: projects.unsigned_abs(),
            });
        }
        if token::any_of_installation(change.connection(), id).await? {
            return Err(Error::HoldsInstallationToken);
        }
        token::log_end(&mut change, Some(id), None).await?;
        definition::leave(change.connection(), id).await?;
        sqlx::query("DELETE FROM organisations WHERE id = $1")
            .bind(id.to_string())
            .execute(change.connection())
            .await?;
        // Told in the installation's log: its own is out of reach with it.
        change
            .commit(Entry {
                organisation: None,
                before: Some(json!({"name": organisation.name})),
                ..entry("organisation.delete", &organisation)
            })
            .await
    }
}

/// The person who acts, by themselves or through a token.
async fn person_behind(
    connection: &mut AnyConnection,
    actor: &Actor,
) -> Result<Option<PersonId>, Error> {
    let person: Option<String> = match actor.kind {
        ActorKind::System => None,
        ActorKind::Person => Some(actor.id.clone()),
        ActorKind::Token => {
            let row = sqlx::query("SELECT person_id FROM api_tokens WHERE id = $1")
                .bind(&actor.id)
                .fetch_optional(connection)
                .await?;
            row.map_or(Ok(None), |row| row.try_get("person_id"))?
        }
    };
    let parsed = person.map(|id| {
        let corrupt = |_| Error::Corrupt {
            what: "the person",
            id: id.clone(),
        };
        id.parse().map_err(corrupt)
    });
    parsed.transpose()
}

pub(crate) async fn insert(
    connection: &mut AnyConnection,
    organisation: &Organisation,
) -> Result<(), Error> {
    sqlx::query("INSERT INTO organisations (id, name, version, created_at) VALUES ($1, $2, 1, $3)")
        .bind(organisation.id.to_string())
        .bind(&organisation.name)
        .bind(organisation.created_at.0)
        .execute(connection)
        .await?;
    Ok(())
}

pub(crate) async fn find(
    connection: &mut AnyConnection,
    id: OrganisationId,
) -> Result<Organisation, Error> {
    let row = sqlx::query("SELECT id, name, version, created_at FROM organisations WHERE id = $1")
        .bind(id.to_string())
        .fetch_optional(connection)
        .await?;
    let missing = Err(Error::NoOrganisation(id));
    row.as_ref().map_or(missing, from_row)
}

/// That an organisation was made.
pub(crate) fn created(organisation: &Organisation) -> Entry {
    Entry {
        after: Some(json!({"name": organisation.name})),
        ..entry("organisation.create", organisation)
    }
}

fn entry(action: &'static str, organisation: &Organisation) -> Entry {
    Entry {
        organisation: Some(organisation.id),
        action,
        target_id: organisation.id.to_string(),
        target_name: organisation.name.clone(),
        before: None,
        after: None,
    }
}

fn cursor(last: &Organisation) -> Cursor {
    Cursor {
        created_at: last.created_at,
        id: last.id.to_string(),
    }
}

fn from_row(row: &AnyRow) -> Result<Organisation, Error> {
    let id: String = row.try_get("id")?;
    let corrupt = |what| Error::Corrupt {
        what,
        id: id.clone(),
    };
    let version: i64 = row.try_get("version")?;
    Ok(Organisation {
        id: id.parse().map_err(|_| corrupt("the id"))?,
        name: row.try_get("name")?,
        version: version.try_into().map_err(|_| corrupt("the version"))?,
        created_at: Timestamp(row.try_get("created_at")?),
    })
}
