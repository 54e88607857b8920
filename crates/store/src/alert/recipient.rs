//! Who gets mail of a project's incidents, and how they get no more of it.

use std::collections::BTreeSet;

use hmac::{Hmac, Mac};
use model::{ProjectId, SyncId};
use sha2::Sha256;
use sqlx::{AnyConnection, Row};

use super::Subject;
use crate::change::{Caller, Entry};
use crate::secret::{Secret, from_hexadecimal, hexadecimal};
use crate::{Error, Store, normal_email, project};

/// Most default recipients.
const MOST: i64 = 50;

/// The row of the key that links to unsubscribe are signed with.
const KEY: &str = "unsubscribe";

/// What such links begin with.
const PREFIX: &str = "msu_";

/// Addresses that get mail of an incident, each with what its link to unsubscribe carries.
pub type Recipients = Vec<(String, Secret)>;

impl Store {
    /// Who gets mail of an incident: those whom the channels name (`named`), and where the rules say so
    /// the organisation's owners and admins and who made the sync; but nobody who asked for no more.
    pub async fn alert_recipients(
        &self,
        about: &Subject,
        named: impl IntoIterator<Item = String> + Send,
    ) -> Result<Recipients, Error> {
        let mut emails: BTreeSet<String> = named.into_iter().collect();
        let mut connection = self.pool.acquire().await?;
        if about.rules.default_recipients {
            emails.extend(default_recipients(&mut connection, about).await?);
        }
        let rows = sqlx::query("SELECT email FROM alert_unsubscribed WHERE project_id = $1")
            .bind(about.project.to_string())
            .fetch_all(&mut *connection)
            .await?;
        for row in &rows {
            emails.remove(row.try_get::<&str, _>(0)?);
        }
        drop(connection);
        let key = self.unsubscribe_key().await?;
        let signed = emails.into_iter().map(|email| {
            let text = format!("{}.{email}", about.project);
            let signature = hexadecimal(&signature(&key, &text));
            let token = format!("{PREFIX}{}_{signature}", hexadecimal(text.as_bytes()));
            (email, Secret::new(token))
        });
        Ok(signed.collect())
    }

    /// Whom a link is for, and of which project: the address and the project's name. `None` when it is no
    /// link of ours, or the project is gone.
    pub async fn subscriber(&self, token: &str) -> Result<Option<(String, String)>, Error> {
        let Some((project, email)) = self.read_unsubscribe(token).await? else {
            return Ok(None);
        };
        match self.project(project).await {
            Ok(project) => Ok(Some((email, project.name))),
            Err(Error::NoProject(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Sends no more mail of a project's incidents to the address that a link is for: says both, as
    /// [`subscriber`](Self::subscriber) does. The second time it does nothing.
    pub async fn unsubscribe(
        &self,
        token: &str,
        by: &Caller,
    ) -> Result<Option<(String, String)>, Error> {
        let Some((project, email)) = self.read_unsubscribe(token).await? else {
            return Ok(None);
        };
        let mut change = self.begin(by).await?;
        let project = match project::find(change.connection(), project).await {
            Err(Error::NoProject(_)) => return Ok(None),
            found => found?,
        };
        let noted = sqlx::query(
            "INSERT INTO alert_unsubscribed (project_id, email, at) VALUES ($1, $2, $3)
             ON CONFLICT (project_id, email) DO NOTHING",
        )
        .bind(project.id.to_string())
        .bind(&email)
        .bind(change.now.0)
        .execute(change.connection())
        .await?;
        let name = project.name.clone();
        if noted.rows_affected() > 0 {
            let entry = Entry {
                organisation: Some(project.organisation),
                action: "alerts.unsubscribe",
                target_id: project.id.to_string(),
                target_name: email.clone(),
                before: None,
                after: None,
            };
            change.commit(entry).await?;
        }
        Ok(Some((email, name)))
    }

    async fn read_unsubscribe(&self, token: &str) -> Result<Option<(ProjectId, String)>, Error> {
        let parts = token
            .strip_prefix(PREFIX)
            .and_then(|rest| rest.split_once('_'));
        let parts = parts.and_then(|(text, signature)| {
            let text = String::from_utf8(from_hexadecimal(text)?).ok()?;
            Some((text, from_hexadecimal(signature)?))
        });
        let Some((text, given)) = parts else {
            return Ok(None);
        };
        let mut mac = mac(&self.unsubscribe_key().await?);
        mac.update(text.as_bytes());
        if mac.verify_slice(&given).is_err() {
            return Ok(None);
        }
        let parsed = text.split_once('.').and_then(|(project, email)| {
            let project = project.parse().ok()?;
            Some((project, email.to_owned()))
        });
        Ok(parsed)
    }

    /// The key, which is made when it is first needed.
    async fn unsubscribe_key(&self) -> Result<Vec<u8>, Error> {
        let select = "SELECT secret FROM alert_keys WHERE id = $1";
        let found = sqlx::query(select).bind(KEY).fetch_optional(&self.pool);
        if let Some(row) = found.await? {
            return self.keyring.open_envelope(KEY, row.try_get(0)?);
        }
        let key = Secret::key(self.random.as_ref());
        let envelope = self
            .keyring
            .seal(KEY, key.expose().as_bytes(), self.random.as_ref())?;
        sqlx::query(
            "INSERT INTO alert_keys (id, secret) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING",
        )
        .bind(KEY)
        .bind(envelope)
        .execute(&self.pool)
        .await?;
        // Another may have been faster.
        let row = sqlx::query(select).bind(KEY).fetch_one(&self.pool).await?;
        self.keyring.open_envelope(KEY, row.try_get(0)?)
    }
}

fn mac(key: &[u8]) -> Hmac<Sha256> {
    // HMAC takes a key of any length.
    Hmac::new_from_slice(key).expect("a key of any length")
}

fn signature(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = mac(key);
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

/// The organisation's owners and admins, and who made the sync, if they are a member still.
async fn default_recipients(
    connection: &mut AnyConnection,
    about: &Subject,
) -> Result<Vec<String>, Error> {
    let maker = made_by(connection, about.sync).await?;
    let rows = sqlx::query(
        "SELECT p.email FROM memberships m JOIN people p ON p.id = m.person_id
         WHERE m.organisation_id = $1 AND p.locked_at IS NULL
             AND (m.role IN ('owner', 'admin') OR p.email = $2)
         ORDER BY m.created_at, m.person_id LIMIT $3",
    )
    .bind(about.organisation.to_string())
    .bind(maker)
    .bind(MOST)
    .fetch_all(connection)
    .await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

/// The address of who made a sync, as far as that is kept; empty otherwise.
async fn made_by(connection: &mut AnyConnection, sync: SyncId) -> Result<String, Error> {
    let row = sqlx::query(
        "SELECT changed_by FROM sync_versions WHERE sync_id = $1 AND version = 1
         UNION ALL SELECT changed_by FROM syncs WHERE id = $1 AND version = 1",
    )
    .bind(sync.to_string())
    .fetch_optional(connection)
    .await?;
    let by: Option<String> = row.map(|row| row.try_get(0)).transpose()?.flatten();
    // A person's token is told with its person: `ann@example.com (token "ci")`.
    let by = by.unwrap_or_default();
    let person = by.split(" (token ").next().unwrap_or_default();
    Ok(normal_email(person))
}
