//! The first administrator: whoever gets an account before anyone has one.

use model::access::Role;
use model::{PersonId, Timestamp};
use serde_json::json;
use sqlx::Row;

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

    /// The oldest organisation; made where there is none, so that the first start has one.
    pub async fn ensure_organisation(&self, name: &str) -> Result<Organisation, Error> {
        let by = Caller::system();
        let mut change = self.begin(&by).await?;
        let organisation = self.first_organisation(&mut change, name).await?;
        change.commit_logged().await?;
        Ok(organisation)
    }

    /// The oldest organisation; makes it, and tells of it, where there is none.
    async fn first_organisation(
        &self,
        change: &mut Change<'_>,
        name: &str,
    ) -> Result<Organisation, Error> {
        let row = sqlx::query("SELECT id FROM organisations ORDER BY created_at, id LIMIT 1")
            .fetch_optional(change.connection())
            .await?;
        if let Some(row) = row {
            let id: String = row.try_get(0)?;
            let parsed = id
                .parse()
                .map_err(|_| Error::Corrupt { what: "the id", id })?;
            return organisation::find(change.connection(), parsed).await;
        }
        let organisation = self.new_organisation(name, change.now);
        organisation::insert(change.connection(), &organisation).await?;
        change.log(organisation::created(&organisation)).await?;
        Ok(organisation)
    }
}
