//! Members of organisations and their roles.

use model::access::{Permissions, Role};
use model::{OrganisationId, PersonId, Timestamp};
use serde_json::json;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe, Row};

use crate::change::{Caller, Change, Entry};
use crate::person::{self, Person};
use crate::project_keys::stored_version;
use crate::{Cursor, Error, Page, Store, token};

/// A member of an organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Who.
    pub person: Person,
    /// What they are in it.
    pub role: Role,
    /// When they joined.
    pub joined_at: Timestamp,
    /// Rises with each change of the membership. Whoever leaves and comes back has one that they
    /// never had in this organisation.
    pub version: u64,
}

impl Store {
    /// What a person may do in an organisation; nothing when they are no member.
    pub async fn permissions(
        &self,
        organisation: OrganisationId,
        person: PersonId,
    ) -> Result<Permissions, Error> {
        let row = sqlx::query(
            "SELECT role FROM memberships WHERE organisation_id = $1 AND person_id = $2",
        )
        .bind(organisation.to_string())
        .bind(person.to_string())
        .fetch_optional(&self.pool)
        .await?;
        let role = row.as_ref().map(role_in).transpose()?;
        Ok(role.map(Role::permissions).unwrap_or_default())
    }

    /// Whether an address is that of a member.
    pub async fn is_member_by_email(
        &self,
        organisation: OrganisationId,
        email: &str,
    ) -> Result<bool, Error> {
        let row = sqlx::query(
            "SELECT 1 FROM memberships m JOIN people p ON p.id = m.person_id
             WHERE m.organisation_id = $1 AND p.email = $2",
        )
        .bind(organisation.to_string())
        .bind(email)
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.is_some())
    }

    /// An organisation's members, who joined first first.
    pub async fn members(
        &self,
        organisation: OrganisationId,
        after: Option<&Cursor>,
        limit: u32,
    ) -> Result<Page<Member>, Error> {
        let start = Cursor::start();
        let after = after.unwrap_or(&start);
        let rows = sqlx::query(query_for(
            "WHERE m.organisation_id = $1 AND (m.created_at, m.person_id) > ($2, $3)
             ORDER BY m.created_at, m.person_id LIMIT $4",
        ))
        .bind(organisation.to_string())
        .bind(after.created_at.0)
        .bind(&after.id)
        .bind(i64::from(limit) + 1)
        .fetch_all(&self.pool)
        .await?;
        let items = rows.iter().map(from_row).collect::<Result<_, _>>()?;
        Ok(Page::cut(items, limit, |last: &Member| Cursor {
            created_at: last.joined_at,
            id: last.person.id.to_string(),
        }))
    }

    /// One member.
    pub async fn member(
        &self,
        organisation: OrganisationId,
        person: PersonId,
    ) -> Result<Member, Error> {
        let mut connection = self.pool.acquire().await?;
        find(&mut connection, organisation, person).await
    }

    /// Gives a member another role who still is `former`, and whose membership is still at `version`
    /// (any, when it is `None`); their sessions end. The last owner stays one.
    pub async fn set_role(
        &self,
        organisation: OrganisationId,
        person: PersonId,
        version: Option<u64>,
        former: Role,
        role: Role,
        by: &Caller,
    ) -> Result<Member, Error> {
        let mut change = self.begin(by).await?;
        let before = find(change.connection(), organisation, person).await?;
        person::conflict(version, before.version)?;
        if before.role != former {
            return Err(Error::RoleChanged { role: before.role });
        }
        if before.role == role {
            return Ok(before);
        }
        if before.role == Role::Owner && role != Role::Owner {
            keep_an_owner(&mut change, organisation, person).await?;
        }
        change.end_sessions_of(person).await?;
        let person = person::with_other_role(&mut change, person).await?;
        // The person's version has just risen, and so does the membership's, which is a former one.
        sqlx::query(
            "UPDATE memberships SET role = $3, version = $4
             WHERE organisation_id = $1 AND person_id = $2",
        )
        .bind(organisation.to_string())
        .bind(person.id.to_string())
        .bind(role.name())
        .bind(stored_version(person.version))
        .execute(change.connection())
        .await?;
        let after = Member {
            role,
            version: person.version,
            person,
            ..before
        };
        change
            .commit(Entry {
                before: Some(json!({"role": former})),
                after: Some(json!({"role": role})),
                ..entry("member.set_role", organisation, &after.person)
            })
            .await?;
        Ok(after)
    }

    /// Removes a member who still is `former`, and whose membership is still at `version` (any, when it
    /// is `None`), with the tokens that they made in the organisation. The last owner stays.
    pub async fn remove_member(
        &self,
        organisation: OrganisationId,
        person: PersonId,
        version: Option<u64>,
        former: Role,
        by: &Caller,
    ) -> Result<(), Error> {
        let mut change = self.begin(by).await?;
        let member = find(change.connection(), organisation, person).await?;
        person::conflict(version, member.version)?;
        if member.role != former {
            return Err(Error::RoleChanged { role: member.role });
        }
        if member.role == Role::Owner {
            keep_an_owner(&mut change, organisation, person).await?;
        }
        token::log_end(&mut change, Some(organisation), Some(person)).await?;
        for sql in [
            "DELETE FROM memberships WHERE organisation_id = $1 AND person_id = $2",
            "DELETE FROM api_tokens WHERE organisation_id = $1 AND person_id = $2",
        ] {
            sqlx::query(sql)
                .bind(organisation.to_string())
                .bind(person.to_string())
                .execute(change.connection())
                .await?;
        }
        change.end_sessions_of(person).await?;
        person::with_other_role(&mut change, person).await?;
        change
            .commit(Entry {
                before: Some(json!({"role": member.role})),
                ..entry("member.remove", organisation, &member.person)
            })
            .await
    }
}

/// Adds a member in a change of the caller's; one who is there already stays what they are. The
/// membership's version is the person's, which has risen if they were a member before.
pub(crate) async fn add(
    connection: &mut AnyConnection,
    organisation: OrganisationId,
    person: PersonId,
    role: Role,
    now: Timestamp,
) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO memberships (organisation_id, person_id, role, version, created_at)
         SELECT $1, p.id, $3, p.version, $4 FROM people p WHERE p.id = $2
         ON CONFLICT (organisation_id, person_id) DO NOTHING",
    )
    .bind(organisation.to_string())
    .bind(person.to_string())
    .bind(role.name())
    .bind(now.0)
    .execute(connection)
    .await?;
    Ok(())
}

/// Refuses when nobody but `person` owns the organisation and can sign in. Owners are locked first: of
/// two who leave at once, one stays.
async fn keep_an_owner(
    change: &mut Change<'_>,
    organisation: OrganisationId,
    person: PersonId,
) -> Result<(), Error> {
    sqlx::query("UPDATE memberships SET role = role WHERE organisation_id = $1 AND role = 'owner'")
        .bind(organisation.to_string())
        .execute(change.connection())
        .await?;
    let other = sqlx::query(
        "SELECT m.person_id FROM memberships m JOIN people p ON p.id = m.person_id
         WHERE m.organisation_id = $1 AND m.role = 'owner' AND m.person_id <> $2
             AND p.locked_at IS NULL LIMIT 1",
    )
    .bind(organisation.to_string())
    .bind(person.to_string())
    .fetch_optional(change.connection())
    .await?;
    match other {
        Some(_) => Ok(()),
        None => Err(Error::LastOwner),
    }
}

/// Whether anybody owns an organisation who can sign in.
pub(crate) async fn has_owner(
    connection: &mut AnyConnection,
    organisation: OrganisationId,
) -> Result<bool, Error> {
    let row = sqlx::query(
        "SELECT m.person_id FROM memberships m JOIN people p ON p.id = m.person_id
         WHERE m.organisation_id = $1 AND m.role = 'owner' AND p.locked_at IS NULL LIMIT 1",
    )
    .bind(organisation.to_string())
    .fetch_optional(connection)
    .await?;
    Ok(row.is_some())
}

pub(crate) async fn find(
    connection: &mut AnyConnection,
    organisation: OrganisationId,
    person: PersonId,
) -> Result<Member, Error> {
    let row = sqlx::query(query_for(
        "WHERE m.organisation_id = $1 AND m.person_id = $2",
    ))
    .bind(organisation.to_string())
    .bind(person.to_string())
    .fetch_optional(connection)
    .await?;
    row.as_ref().map_or(Err(Error::NoMember(person)), from_row)
}

/// A query for members: of constants only.
fn query_for(rest: &'static str) -> AssertSqlSafe<String> {
    let person = person::COLUMNS;
    AssertSqlSafe(format!(
        "SELECT {person}, m.role, m.version AS member_version, m.created_at AS joined_at
         FROM memberships m JOIN people p ON p.id = m.person_id {rest}"
    ))
}

/// An entry about a person in an organisation.
pub(crate) fn entry(action: &'static str, organisation: OrganisationId, person: &Person) -> Entry {
    Entry {
        organisation: Some(organisation),
        ..person::entry(action, person)
    }
}

/// The column `role`.
pub(crate) fn role_in(row: &AnyRow) -> Result<Role, Error> {
    let name: String = row.try_get("role")?;
    name.parse().map_err(|_| Error::Corrupt {
        what: "the role",
        id: name,
    })
}

fn from_row(row: &AnyRow) -> Result<Member, Error> {
    let version: i64 = row.try_get("member_version")?;
    Ok(Member {
        person: person::from_row(row)?,
        role: role_in(row)?,
        joined_at: Timestamp(row.try_get("joined_at")?),
        version: version.unsigned_abs(),
    })
}
