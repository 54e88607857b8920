//! Invitations to organisations: links that make someone a member, once, for some days.

use model::access::{InstallationRights, Role};
use model::{OrganisationId, PersonId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

use crate::change::{Caller, Change, Entry, WriteLetter, still_there};
use crate::mail::{Belongs, Link};
use crate::organisation::{self, Organisation};
use crate::person::{self, NewPerson, Person, normal_email};
use crate::secret::{Credential, Kind, Secret};
use crate::{Cursor, Error, Page, Store, member};

/// An invitation that was not accepted yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// The public half of its link.
    pub id: String,
    /// To which organisation.
    pub organisation: OrganisationId,
    /// Whom it was sent to; `None` for the first administrator's: whoever has the link.
    pub email: Option<String>,
    /// What they will be.
    pub role: Role,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// An invitation that was just made. Its link is not shown again.
#[derive(Debug, Clone)]
pub struct NewInvitation {
    /// The invitation.
    pub invitation: Invitation,
    /// What the link carries.
    pub text: Secret,
}

/// Who accepts an invitation.
#[derive(Debug, Clone)]
pub enum Invitee {
    /// Someone who is signed in, with the address that was invited.
    Present(PersonId),
    /// Someone new. The e-mail address counts only where the invitation names none.
    New {
        /// In any case.
        email: String,
        /// As they call themselves.
        name: String,
        /// The password's hash in PHC form; `None` for one who signs in elsewhere.
        password_hash: Option<String>,
    },
}

impl Store {
    /// Invites someone by the letter that `write` writes. An earlier invitation of the same address
    /// ends; but one as owner has to be withdrawn before one as less is made.
    pub async fn invite(
        &self,
        organisation: OrganisationId,
        email: &str,
        role: Role,
        expires_at: Timestamp,
        write: impl WriteLetter,
        by: &Caller,
    ) -> Result<Invitation, Error> {
        let change = self.begin(by).await?;
        let email = normal_email(email);
        self.invite_in(change, organisation, email, role, expires_at, write)
            .await
    }

    /// Invites an owner to an organisation that has none, and only then: how operators help one that
    /// nobody could help itself.
    pub async fn invite_owner(
        &self,
        organisation: OrganisationId,
        email: &str,
        expires_at: Timestamp,
        write: impl WriteLetter,
        by: &Caller,
    ) -> Result<Invitation, Error> {
        let mut change = self.begin(by).await?;
        if let Some(made) = change.made_before().await? {
            return Ok(made);
        }
        if member::has_owner(change.connection(), organisation).await? {
            return Err(Error::HasOwner);
        }
        let (email, role) = (normal_email(email), Role::Owner);
        self.invite_in(change, organisation, email, role, expires_at, write)
            .await
    }

    async fn invite_in(
        &self,
        mut change: Change<'_>,
        organisation: OrganisationId,
        email: String,
        role: Role,
        expires_at: Timestamp,
        write: impl WriteLetter,
    ) -> Result<Invitation, Error> {
        organisation::find(change.connection(), organisation).await?;
        if let Some(made) = change.made_before().await? {
            return Ok(made);
        }
        if let Some(person) = person::find_by_email(change.connection(), &email).await? {
            match member::find(change.connection(), organisation, person.id).await {
                Ok(_) => return Err(Error::AlreadyMember),
                Err(Error::NoMember(_)) => {}
                Err(error) => return Err(error),
            }
        }
        if role != Role::Owner {
            refuse_to_replace_owner(&mut change, organisation, &email).await?;
        }
        sqlx::query("DELETE FROM invitations WHERE organisation_id = $1 AND email = $2")
            .bind(organisation.to_string())
            .bind(&email)
            .execute(change.connection())
            .await?;
        let made = self
            .insert_invitation(&mut change, organisation, Some(email), role, expires_at)
            .await?;
        let letter = write(&made.text).map_err(Error::Letter)?;
        change.mail(letter, belongs(&made.invitation)).await?;
        change.remember(&made.invitation).await?;
        let entry = entry("invitation.create", &made.invitation);
        change.commit(entry).await?;
        Ok(made.invitation)
    }

    /// Makes an organisation and invites its owner by the letter that `write` writes; whoever makes
    /// it doesn't become a member.
    pub async fn create_organisation_for(
        &self,
        name: &str,
        owner: &str,
        expires_at: Timestamp,
        write: impl WriteLetter,
        by: &Caller,
    ) -> Result<Organisation, Error> {
        let mut change = self.begin(by).await?;
        if let Some(made) = change.made_before().await? {
            drop(change);
            return still_there(self.organisation(made).await);
        }
        let organisation = self.new_organisation(name, change.now);
        organisation::insert(change.connection(), &organisation).await?;
        let (id, email) = (organisation.id, Some(normal_email(owner)));
        let made = self
            .insert_invitation(&mut change, id, email, Role::Owner, expires_at)
            .await?;
        let letter = write(&made.text).map_err(Error::Letter)?;
        change.mail(letter, belongs(&made.invitation)).await?;
        change.remember(&organisation.id).await?;
        change.log(organisation::created(&organisation)).await?;
        let entry = entry("invitation.create", &made.invitation);
        change.commit(entry).await?;
        Ok(organisation)
    }

    /// An organisation's open invitations, oldest first.
    pub async fn invitations(
        &self,
        organisation: OrganisationId,
        after: Option<&Cursor>,
        limit: u32,
    ) -> Result<Page<Invitation>, Error> {
        let start = Cursor::start();
        let after = after.unwrap_or(&start);
        let rows = sqlx::query(
            "SELECT id, organisation_id, email, role, created_at, expires_at FROM invitations
             WHERE organisation_id = $1 AND expires_at > $2 AND (created_at, id) > ($3, $4)
             ORDER BY created_at, id LIMIT $5",
        )
        .bind(organisation.to_string())
        .bind(self.clock.now().0)
        .bind(after.created_at.0)
        .bind(&after.id)
        .bind(i64::from(limit) + 1)
        .fetch_all(&self.pool)
        .await?;
        let items = rows.iter().map(from_row).collect::<Result<_, _>>()?;
        Ok(Page::cut(items, limit, |last: &Invitation| Cursor {
            created_at: last.created_at,
            id: last.id.clone(),
        }))
    }

    /// What a link invites to; `None` when it is none, or none any more.
    pub async fn invitation_of(
        &self,
        text: &str,
    ) -> Result<Option<(Invitation, Organisation)>, Error> {
        let mut connection = self.pool.acquire().await?;
        let now = self.clock.now();
        let Some(invitation) = find_by_link(&mut connection, text, now).await? else {
            return Ok(None);
        };
        let organisation = organisation::find(&mut connection, invitation.organisation).await?;
        Ok(Some((invitation, organisation)))
    }

    /// Accepts an invitation: makes the account where it is new, and the membership. The link ends.
    ///
    /// Fails with [`Error::NoInvitation`] when the link is none, [`Error::EmailTaken`] when the
    /// address has an account and its owner is not signed in, [`Error::OtherInvitee`] when somebody
    /// else is.
    pub async fn accept_invitation(
        &self,
        text: &str,
        invitee: Invitee,
        by: &Caller,
    ) -> Result<(Person, OrganisationId), Error> {
        let mut change = self.begin(by).await?;
        let now = change.now;
        let invitation = find_by_link(change.connection(), text, now).await?;
        let invitation = invitation.ok_or(Error::NoInvitation)?;
        // Of two who accept at once, the one who ends the link has it.
        let ended = sqlx::query("DELETE FROM invitations WHERE id = $1")
            .bind(&invitation.id)
            .execute(change.connection())
            .await?;
        if ended.rows_affected() == 0 {
            return Err(Error::NoInvitation);
        }
        let first = invitation.email.is_none();
        if first && any_person(change.connection()).await? {
            return Err(Error::NoInvitation);
        }
        let person = match invitee {
            Invitee::Present(id) => {
                let person = person::find(change.connection(), id).await?;
                if invitation.email.as_ref() != Some(&person.email) {
                    return Err(Error::OtherInvitee);
                }
                person
            }
            Invitee::New {
                email,
                name,
                password_hash,
            } => {
                let new = NewPerson {
                    email: invitation.email.clone().unwrap_or(email),
                    name,
                    password_hash,
                    rights: InstallationRights {
                        operator: first,
                        reviewer: first,
                    },
                };
                let id = PersonId::generate(self.random.as_ref());
                person::insert(change.connection(), id, &new, now).await?
            }
        };
        let (organisation, role) = (invitation.organisation, invitation.role);
        member::add(change.connection(), organisation, person.id, role, now).await?;
        change.end_sessions_of_invited(person.id).await?;
        let person = person::with_other_role(&mut change, person.id).await?;
        // Whoever has the link is the one who was invited, signed in or not.
        change.is_by(&person);
        if first {
            change.log(person::rights_given(&person)).await?;
        }
        change
            .commit(Entry {
                after: Some(json!({"role": role})),
                ..member::entry("invitation.accept", organisation, &person)
            })
            .await?;
        Ok((person, organisation))
    }

    /// An organisation's invitation that was not accepted or withdrawn yet.
    pub async fn invitation(
        &self,
        organisation: OrganisationId,
        id: &str,
    ) -> Result<Invitation, Error> {
        let mut connection = self.pool.acquire().await?;
        find(&mut connection, organisation, id).await
    }

    /// Withdraws an invitation.
    pub async fn withdraw_invitation(
        &self,
        organisation: OrganisationId,
        id: &str,
        by: &Caller,
    ) -> Result<(), Error> {
        let mut change = self.begin(by).await?;
        let invitation = find(change.connection(), organisation, id).await?;
        sqlx::query("DELETE FROM invitations WHERE id = $1")
            .bind(id)
            .execute(change.connection())
            .await?;
        change
            .commit(entry("invitation.withdraw", &invitation))
            .await
    }

    pub(crate) async fn insert_invitation(
        &self,
        change: &mut Change<'_>,
        organisation: OrganisationId,
        email: Option<String>,
        role: Role,
        expires_at: Timestamp,
    ) -> Result<NewInvitation, Error> {
        let credential = Credential::generate(self.random.as_ref());
        let invitation = Invitation {
            id: credential.id.clone(),
            organisation,
            email,
            role,
            created_at: change.now,
            expires_at,
        };
        sqlx::query(
            "INSERT INTO invitations
                 (id, secret_hash, organisation_id, email, role, created_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(&invitation.id)
        .bind(credential.secret.hash())
        .bind(organisation.to_string())
        .bind(&invitation.email)
        .bind(role.name())
        .bind(invitation.created_at.0)
        .bind(expires_at.0)
        .execute(change.connection())
        .await?;
        Ok(NewInvitation {
            invitation,
            text: credential.text(Kind::Invitation),
        })
    }
}

async fn find(
    connection: &mut AnyConnection,
    organisation: OrganisationId,
    id: &str,
) -> Result<Invitation, Error> {
    let row = sqlx::query(
        "SELECT id, organisation_id, email, role, created_at, expires_at FROM invitations
         WHERE organisation_id = $1 AND id = $2",
    )
    .bind(organisation.to_string())
    .bind(id)
    .fetch_optional(connection)
    .await?;
    row.as_ref().map_or(Err(Error::NoInvitation), from_row)
}

/// Who may not make owners shall not end the invitation of one by inviting the same address.
async fn refuse_to_replace_owner(
    change: &mut Change<'_>,
    organisation: OrganisationId,
    email: &str,
) -> Result<(), Error> {
    let now = change.now;
    let owners = sqlx::query(
        "SELECT id FROM invitations
         WHERE organisation_id = $1 AND email = $2 AND role = $3 AND expires_at > $4 LIMIT 1",
    )
    .bind(organisation.to_string())
    .bind(email)
    .bind(Role::Owner.name())
    .bind(now.0)
    .fetch_optional(change.connection())
    .await?;
    owners.map_or(Ok(()), |_| Err(Error::InvitedAsOwner))
}

pub(crate) async fn any_person(connection: &mut AnyConnection) -> Result<bool, Error> {
    let row = sqlx::query("SELECT id FROM people LIMIT 1")
        .fetch_optional(connection)
        .await?;
    Ok(row.is_some())
}

/// The open invitations to an address, oldest first.
pub(crate) async fn open_to(
    connection: &mut AnyConnection,
    email: &str,
    now: Timestamp,
) -> Result<Vec<Invitation>, Error> {
    let rows = sqlx::query(
        "SELECT id, organisation_id, email, role, created_at, expires_at FROM invitations
         WHERE email = $1 AND expires_at > $2 ORDER BY created_at, id",
    )
    .bind(email)
    .bind(now.0)
    .fetch_all(connection)
    .await?;
    rows.iter().map(from_row).collect()
}

async fn find_by_link(
    connection: &mut AnyConnection,
    text: &str,
    now: Timestamp,
) -> Result<Option<Invitation>, Error> {
    let Some(credential) = Credential::parse(Kind::Invitation, text) else {
        return Ok(None);
    };
    let row = sqlx::query(
        "SELECT id, secret_hash, organisation_id, email, role, created_at, expires_at
         FROM invitations WHERE id = $1 AND expires_at > $2",
    )
    .bind(&credential.id)
    .bind(now.0)
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let hash: String = row.try_get("secret_hash")?;
    let invitation = from_row(&row)?;
    Ok(credential.secret.matches(&hash).then_some(invitation))
}

/// What an invitation's letter belongs to.
fn belongs(invitation: &Invitation) -> Belongs<'_> {
    Belongs {
        organisation: Some(invitation.organisation),
        link: Some(Link::Invitation(&invitation.id)),
        ..Belongs::default()
    }
}

pub(crate) fn entry(action: &'static str, invitation: &Invitation) -> Entry {
    Entry {
        organisation: Some(invitation.organisation),
        action,
        target_id: invitation.id.clone(),
        target_name: invitation.email.clone().unwrap_or_default(),
        before: None,
        after: Some(json!({"role": invitation.role})),
    }
}

fn from_row(row: &AnyRow) -> Result<Invitation, Error> {
    let (id, organisation): (String, String) =
        (row.try_get("id")?, row.try_get("organisation_id")?);
    Ok(Invitation {
        organisation: organisation.parse().map_err(|_| Error::Corrupt {
            what: "the organisation",
            id: id.clone(),
        })?,
        id,
        email: row.try_get("email")?,
        role: member::role_in(row)?,
        created_at: Timestamp(row.try_get("created_at")?),
        expires_at: Timestamp(row.try_get("expires_at")?),
    })
}
