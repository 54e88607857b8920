//! Identities: people as providers of OpenID Connect know them.

use model::access::{InstallationRights, Role};
use model::{IdentityId, OrganisationId, PersonId, Timestamp};
use serde_json::json;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

use crate::change::{Caller, Change, Entry};
use crate::invitation::{self, Invitation};
use crate::person::{self, NewPerson, Person};
use crate::{Cursor, Error, Page, Store, member, organisation};

/// A person as a provider knows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Identifies it.
    pub id: IdentityId,
    /// The provider.
    pub issuer: String,
    /// What the provider calls the person.
    pub subject: String,
    /// The address by which it was linked.
    pub email: String,
    /// When it was linked.
    pub created_at: Timestamp,
}

/// Somebody for whom a provider vouches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vouched {
    /// The provider.
    pub issuer: String,
    /// What the provider calls them.
    pub subject: String,
    /// Their address, if the provider has verified that it is theirs. An address that isn't ASCII
    /// links nothing: there are several ways to write some letters, and each may be another mailbox.
    pub verified_email: Option<String>,
    /// As they call themselves; empty where the provider doesn't say.
    pub name: String,
}

/// Somebody who was let in because a provider vouches for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admitted {
    /// Who.
    pub person: Person,
    /// Whether their identity is new to the account: they should be told.
    pub linked: bool,
}

/// Where those go whom nobody has invited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Admission {
    /// The organisation.
    pub organisation: OrganisationId,
    /// What they are in it.
    pub role: Role,
}

impl Store {
    /// The person for whom a provider vouches. Where that identity is new, it is linked to the account
    /// of its verified address. Where there is no account, one is made for those who are invited (which
    /// accepts their invitations), and for everyone else if there is an `admission`.
    ///
    /// Fails with [`Error::NoAccount`] for whoever has none and gets none, with [`Error::IdentityRemoved`]
    /// when the person removed this identity from their account, with [`Error::Locked`]. Nobody gets the first account
    /// of an installation by an admission: its administrator has a link for that.
    pub async fn admit(
        &self,
        vouched: &Vouched,
        admission: Option<Admission>,
        by: &Caller,
    ) -> Result<Admitted, Error> {
        let mut change = self.begin(by).await?;
        if let Some(person) = find_person(change.connection(), vouched).await? {
            let linked = false;
            return Ok(Admitted { person, linked });
        }
        let email = vouched.verified_email.as_deref().and_then(address);
        let email = email.ok_or(Error::NoAccount)?;
        let person = match person::find_by_email(change.connection(), &email).await? {
            // Providers give addresses of those who left to others: only the first one is linked by it.
            Some(person)
                if is_known_to(change.connection(), &vouched.issuer, person.id).await? =>
            {
                return Err(Error::NoAccount);
            }
            Some(person) if was_removed(change.connection(), vouched, person.id).await? => {
                return Err(Error::IdentityRemoved);
            }
            Some(person) if person.locked_at.is_some() => return Err(Error::Locked),
            Some(person) => person,
            None => {
                self.make_account(&mut change, &email, vouched, admission)
                    .await?
            }
        };
        let id = IdentityId::generate(self.random.as_ref());
        sqlx::query(
            "INSERT INTO identities (id, person_id, issuer, subject, email, created_at)
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(id.to_string())
        .bind(person.id.to_string())
        .bind(&vouched.issuer)
        .bind(&vouched.subject)
        .bind(&email)
        .bind(change.now.0)
        .execute(change.connection())
        .await?;
        let person = person::add_way_in(&mut change, person.id).await?;
        let linked = json!({"issuer": vouched.issuer, "subject": vouched.subject, "email": email});
        change
            .commit(Entry {
                after: Some(linked),
                ..person::entry("identity.link", &person)
            })
            .await?;
        Ok(Admitted {
            person,
            linked: true,
        })
    }

    /// A person's identities, oldest first.
    pub async fn identities(
        &self,
        person: PersonId,
        after: Option<&Cursor>,
        limit: u32,
    ) -> Result<Page<Identity>, Error> {
        let start = Cursor::start();
        let after = after.unwrap_or(&start);
        let rows = sqlx::query(
            "SELECT id, issuer, subject, email, created_at FROM identities
             WHERE person_id = $1 AND (created_at, id) > ($2, $3) ORDER BY created_at, id LIMIT $4",
        )
        .bind(person.to_string())
        .bind(after.created_at.0)
        .bind(&after.id)
        .bind(i64::from(limit) + 1)
        .fetch_all(&self.pool)
        .await?;
        let items = rows.iter().map(from_row).collect::<Result<_, _>>()?;
        Ok(Page::cut(items, limit, |last: &Identity| Cursor {
            created_at: last.created_at,
            id: last.id.to_string(),
        }))
    }

    /// Removes one of a person's identities; it isn't linked again by its address, unless they
    /// [allow](Self::allow_removed_identities) it. The last one of somebody without a password stays.
    pub async fn remove_identity(
        &self,
        person: PersonId,
        id: IdentityId,
        by: &Caller,
    ) -> Result<(), Error> {
        let mut change = self.begin(by).await?;
        let found = person::find(change.connection(), person).await?;
        let rows = sqlx::query(
            "SELECT id, issuer, subject, email, created_at FROM identities WHERE person_id = $1",
        )
        .bind(person.to_string())
        .fetch_all(change.connection())
        .await?;
        let identities: Vec<Identity> = rows.iter().map(from_row).collect::<Result<_, _>>()?;
        let removed = identities.iter().find(|identity| identity.id == id);
        let removed = removed.ok_or(Error::NoIdentity(id))?;
        if !found.has_password && identities.len() == 1 {
            return Err(Error::LastWayIn);
        }
        sqlx::query("DELETE FROM identities WHERE id = $1")
            .bind(id.to_string())
            .execute(change.connection())
            .await?;
        sqlx::query(
            "INSERT INTO removed_identities (person_id, issuer, subject, removed_at)
             VALUES ($1, $2, $3, $4)",
        )
        .bind(person.to_string())
        .bind(&removed.issuer)
        .bind(&removed.subject)
        .bind(change.now.0)
        .execute(change.connection())
        .await?;
        person::remove_way_in(&mut change, person).await?;
        let before = json!({
            "issuer": removed.issuer,
            "subject": removed.subject,
            "email": removed.email,
        });
        change
            .commit(Entry {
                before: Some(before),
                ..person::entry("identity.remove", &found)
            })
            .await
    }

    /// Lets the identities that a person removed be linked again by their address.
    pub async fn allow_removed_identities(
        &self,
        person: PersonId,
        by: &Caller,
    ) -> Result<(), Error> {
        let mut change = self.begin(by).await?;
        let found = person::find(change.connection(), person).await?;
        let allowed = sqlx::query("DELETE FROM removed_identities WHERE person_id = $1")
            .bind(person.to_string())
            .execute(change.connection())
            .await?;
        match allowed.rows_affected() {
            0 => Ok(()),
            _ => change.commit(person::entry("identity.allow", &found)).await,
        }
    }

    /// The account of somebody who is invited, or admitted.
    async fn make_account(
        &self,
        change: &mut Change<'_>,
        email: &str,
        vouched: &Vouched,
        admission: Option<Admission>,
    ) -> Result<Person, Error> {
        let now = change.now;
        let invitations = invitation::open_to(change.connection(), email, now).await?;
        let first = !invitation::any_person(change.connection()).await?;
        let admission = admission.filter(|_| !first);
        if invitations.is_empty() && admission.is_none() {
            return Err(Error::NoAccount);
        }
        let new = NewPerson {
            email: email.to_owned(),
            name: match vouched.name.as_str() {
                "" => email.to_owned(),
                name => name.to_owned(),
            },
            password_hash: None,
            rights: InstallationRights::default(),
        };
        let id = PersonId::generate(self.random.as_ref());
        let person = person::insert(change.connection(), id, &new, now).await?;
        for invitation in &invitations {
            accept(change, invitation, &person).await?;
        }
        if let Some(Admission { organisation, role }) = admission
            && !invitations
                .iter()
                .any(|one| one.organisation == organisation)
        {
            organisation::find(change.connection(), organisation).await?;
            member::add(change.connection(), organisation, id, role, now).await?;
            let entry = Entry {
                after: Some(json!({"role": role})),
                ..member::entry("person.create", organisation, &person)
            };
            change.log(entry).await?;
        }
        Ok(person)
    }
}

/// Accepts an invitation for someone whose address was verified: whoever reads that mailbox could have
/// used the link.
async fn accept(
    change: &mut Change<'_>,
    invitation: &Invitation,
    person: &Person,
) -> Result<(), Error> {
    let (organisation, role, now) = (invitation.organisation, invitation.role, change.now);
    sqlx::query("DELETE FROM invitations WHERE id = $1")
        .bind(&invitation.id)
        .execute(change.connection())
        .await?;
    member::add(change.connection(), organisation, person.id, role, now).await?;
    let entry = Entry {
        after: Some(json!({"role": role})),
        ..member::entry("invitation.accept", organisation, person)
    };
    change.log(entry).await
}

/// The address as accounts have it; `None` when it may be mistaken for another one's.
fn address(email: &str) -> Option<String> {
    email.is_ascii().then(|| person::normal_email(email))
}

/// Whether a provider calls a person something already.
async fn is_known_to(
    connection: &mut AnyConnection,
    issuer: &str,
    person: PersonId,
) -> Result<bool, Error> {
    let row = sqlx::query("SELECT id FROM identities WHERE person_id = $1 AND issuer = $2 LIMIT 1")
        .bind(person.to_string())
        .bind(issuer)
        .fetch_optional(connection)
        .await?;
    Ok(row.is_some())
}

/// Whether a person removed an identity at this issuer from their account. Whoever it was: the next
/// one there with their address may be a successor.
async fn was_removed(
    connection: &mut AnyConnection,
    vouched: &Vouched,
    person: PersonId,
) -> Result<bool, Error> {
    let row = sqlx::query(
        "SELECT person_id FROM removed_identities
         WHERE person_id = $1 AND issuer = $2 LIMIT 1",
    )
    .bind(person.to_string())
    .bind(&vouched.issuer)
    .fetch_optional(connection)
    .await?;
    Ok(row.is_some())
}

async fn find_person(
    connection: &mut AnyConnection,
    vouched: &Vouched,
) -> Result<Option<Person>, Error> {
    let row = sqlx::query("SELECT person_id FROM identities WHERE issuer = $1 AND subject = $2")
        .bind(&vouched.issuer)
        .bind(&vouched.subject)
        .fetch_optional(&mut *connection)
        .await?;
    let Some(row) = row else { return Ok(None) };
    let id: String = row.try_get("person_id")?;
    let id = id
        .parse()
        .map_err(|_| Error::Corrupt { what: "the id", id })?;
    person::find(connection, id).await.map(Some)
}

fn from_row(row: &AnyRow) -> Result<Identity, Error> {
    let id: String = row.try_get("id")?;
    Ok(Identity {
        id: id
            .parse()
            .map_err(|_| Error::Corrupt { what: "the id", id })?,
        issuer: row.try_get("issuer")?,
        subject: row.try_get("subject")?,
        email: row.try_get("email")?,
        created_at: Timestamp(row.try_get("created_at")?),
    })
}
