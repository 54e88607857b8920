//! The first administrator: whoever gets an account before anyone has one.

use model::access::Role;
use model::{OrganisationId, PersonId, Timestamp};
use serde_json::json;
use sqlx::{AnyConnection, Row};

use crate::change::{Caller, Change, Entry};
use crate::invitation::{NewInvitation, any_person, entry};
use crate::organisation::{self, Organisation};
use crate::person::{self, NewPerson, Person};
use crate::{Error, Store, member};

impl Store {
    /// The link for the first administrator, who makes the first account and runs the installation.
    /// Makes the first organisation where there is none; ends earlier such links. `None` as soon as
    /// anyone has an account.
    pub async fn invite_first_administrator(
        &self,
        organisation_name: &str,
        expires_at: Timestamp,
    ) -> Result<Option<NewInvitation>, Error> {
        let by = Caller::system();
        let mut change = self.begin(&by).await?;
        if any_person(change.connection()).await? {
            return Ok(None);
        }
        sqlx::query("DELETE FROM invitations WHERE email IS NULL")
            .execute(change.connection())
            .await?;
        let organisation = self
            .first_organisation(&mut change, organisation_name)
            .await?;
        let made = self
            .insert_invitation(&mut change, organisation.id, None, Role::Owner, expires_at)
            .await?;
        let entry = entry("invitation.create", &made.invitation);
        change.commit(entry).await?;
        Ok(Some(made))
    }

    /// The first administrator's account, for unattended starts. `None` as soon as anyone has an
    /// account.
    pub async fn create_first_administrator(
        &self,
        organisation_name: &str,
        administrator: NewPerson,
    ) -> Result<Option<Person>, Error> {
        let by = Caller::system();
        let mut change = self.begin(&by).await?;
        if any_person(change.connection()).await? {
            return Ok(None);
        }
        let organisation = self
            .first_organisation(&mut change, organisation_name)
            .await?;
        let (id, now) = (PersonId::generate(self.random.as_ref()), change.now);
        let person = person::insert(change.connection(), id, &administrator, now).await?;
        member::add(change.connection(), organisation.id, id, Role::Owner, now).await?;
        sqlx::query("DELETE FROM invitations WHERE email IS NULL")
            .execute(change.connection())
            .await?;
        change.log(person::rights_given(&person)).await?;
        change
            .commit(Entry {
                after: Some(json!({"role": Role::Owner, "rights": person.rights})),
                ..member::entry("person.create", organisation.id, &person)
            })
            .await?;
        Ok(Some(person))
    }

    /// The organisation that the installation's own tokens are for; made where none is noted, as at the
    /// first start. Never one that somebody else made: that is theirs.
    pub async fn ensure_organisation(&self, name: &str) -> Result<Organisation, Error> {
        let by = Caller::system();
        let mut change = self.begin(&by).await?;
        let organisation = self.first_organisation(&mut change, name).await?;
        change.commit_logged().await?;
        Ok(organisation)
    }

    /// Whether that organisation was there, and is gone.
    pub async fn lost_first_organisation(&self) -> Result<bool, Error> {
        let mut connection = self.pool.acquire().await?;
        if noted_organisation(&mut connection).await?.is_some() {
            return Ok(false);
        }
        let row = sqlx::query("SELECT id FROM organisations LIMIT 1")
            .fetch_optional(&mut *connection)
            .await?;
        Ok(row.is_some())
    }

    /// The organisation that is noted as the first; makes one, and tells of it, where there is none.
    async fn first_organisation(
        &self,
        change: &mut Change<'_>,
        name: &str,
    ) -> Result<Organisation, Error> {
        if let Some(id) = noted_organisation(change.connection()).await? {
            return organisation::find(change.connection(), id).await;
        }
        let organisation = self.new_organisation(name, change.now);
        organisation::insert(change.connection(), &organisation).await?;
        sqlx::query("UPDATE installation SET organisation_id = $1")
            .bind(organisation.id.to_string())
            .execute(change.connection())
            .await?;
        change.log(organisation::created(&organisation)).await?;
        Ok(organisation)
    }
}

async fn noted_organisation(
    connection: &mut AnyConnection,
) -> Result<Option<OrganisationId>, Error> {
    let row = sqlx::query("SELECT organisation_id FROM installation")
        .fetch_one(connection)
        .await?;
    let id: Option<String> = row.try_get(0)?;
    let parsed = id.map(|id| {
        let corrupt = |_| Error::Corrupt {
            what: "the first organisation",
            id: id.clone(),
        };
        id.parse().map_err(corrupt)
    });
    parsed.transpose()
}
