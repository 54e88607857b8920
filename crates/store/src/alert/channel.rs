//! Where a project's incidents are told.

use model::{ChannelId, MessageId, OrganisationId, ProjectId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

use crate::change::{Caller, Entry, still_there};
use crate::person::conflict;
use crate::project_keys::stored_version;
use crate::{Cursor, Error, Page, Secret, Store, project};

/// Most channels of a project.
const MOST: i64 = 50;

/// Messages that may wait for a channel to be told, if it is to be tested.
const MOST_TESTS: i64 = 20;

/// By which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChannelKind {
    /// Mail to one address.
    Mail,
    /// A request that is signed as Standard Webhooks says.
    Webhook,
    /// A request with a text, as Slack takes it.
    Slack,
}

impl ChannelKind {
    /// All there are.
    pub const ALL: [Self; 3] = [Self::Mail, Self::Webhook, Self::Slack];

    /// The stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mail => "mail",
            Self::Webhook => "webhook",
            Self::Slack => "slack",
        }
    }
}

/// Where a project's incidents are told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    /// Identifies it.
    pub id: ChannelId,
    /// Whose incidents.
    pub project: ProjectId,
    /// By which way.
    pub kind: ChannelKind,
    /// As people call it.
    pub name: String,
    /// Whether anything is told there.
    pub enabled: bool,
    /// What may be shown of where it is: an address, or a URL's scheme and host.
    pub target: String,
    /// URL and signing secret; `None` for mail.
    pub secrets: Option<ChannelSecrets>,
    /// When a message was last taken there.
    pub told_at: Option<Timestamp>,
    /// What went wrong since.
    pub error: Option<String>,
    /// Counts from 1 with each change.
    pub version: u64,
    /// When it was made.
    pub created_at: Timestamp,
}

/// What nobody is shown of a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelSecrets {
    /// Where requests go.
    pub url: Secret,
    /// The key that they are signed with, as `whsec_…`; `None` where they aren't.
    pub signing: Option<Secret>,
}

/// A channel to be made.
#[derive(Debug, Clone)]
pub struct NewChannel {
    /// By which way.
    pub kind: ChannelKind,
    /// As people call it.
    pub name: String,
    /// See [`Channel::target`].
    pub target: String,
    /// See [`Channel::secrets`].
    pub secrets: Option<ChannelSecrets>,
}

/// What is changed of a channel; `None`: it stays.
#[derive(Debug, Clone, Default)]
pub struct ChannelChange {
    /// As people call it.
    pub name: Option<String>,
    /// Whether anything is told there.
    pub enabled: Option<bool>,
    /// Another URL: what may be shown of it, and all of it.
    pub url: Option<(String, Secret)>,
}

#[derive(Serialize, Deserialize)]
struct Sealed {
    url: String,
    signing: Option<String>,
}

impl Store {
    /// Makes a channel. Of mail: fails with [`Error::Unsubscribed`] when somebody else asked for no more
    /// of it; who adds the own address (`own`) takes that back.
    pub async fn create_channel(
        &self,
        project: ProjectId,
        new: NewChannel,
        own: bool,
        by: &Caller,
    ) -> Result<Channel, Error> {
        let mut change = self.begin(by).await?;
        let organisation = project::find(change.connection(), project)
            .await?
            .organisation;
        if let Some(made) = change.made_before().await? {
            drop(change);
            return still_there(self.channel(project, made).await);
        }
        let count = sqlx::query("SELECT COUNT(*) FROM alert_channels WHERE project_id = $1")
            .bind(project.to_string())
            .fetch_one(change.connection())
            .await?;
        if count.try_get::<i64, _>(0)? >= MOST {
            return Err(Error::TooManyChannels { limit: MOST });
        }
        if new.kind == ChannelKind::Mail {
            let gone = "DELETE FROM alert_unsubscribed WHERE project_id = $1 AND email = $2";
            let there = "SELECT 1 FROM alert_unsubscribed WHERE project_id = $1 AND email = $2";
            let asked = sqlx::query(if own { gone } else { there })
                .bind(project.to_string())
                .bind(&new.target)
                .fetch_optional(change.connection())
                .await?;
            if asked.is_some() && !own {
                return Err(Error::Unsubscribed);
            }
        }
        let channel = Channel {
            id: ChannelId::generate(self.random.as_ref()),
            project,
            kind: new.kind,
            name: new.name,
            enabled: true,
            target: new.target,
            secrets: new.secrets,
            told_at: None,
            error: None,
            version: 1,
            created_at: change.now,
        };
        sqlx::query(
            "INSERT INTO alert_channels
                 (id, project_id, kind, name, enabled, target, secrets, version, created_at, updated_at)
             VALUES ($1, $2, $3, $4, 1, $5, $6, 1, $7, $7)",
        )
        .bind(channel.id.to_string())
        .bind(project.to_string())
        .bind(channel.kind.name())
        .bind(&channel.name)
        .bind(&channel.target)
        .bind(self.seal_channel(&channel)?)
        .bind(change.now.0)
        .execute(change.connection())
        .await?;
        change.remember(&channel.id).await?;
        let entry = Entry {
            after: Some(shown(&channel)),
            ..entry("alert_channel.create", organisation, &channel)
        };
        change.commit(entry).await?;
        Ok(channel)
    }

    /// A project's channels, oldest first.
    pub async fn channels(
        &self,
        project: ProjectId,
        after: Option<&Cursor>,
        limit: u32,
    ) -> Result<Page<Channel>, Error> {
        let start = Cursor::start();
        let after = after.unwrap_or(&start);
        let rows = sqlx::query(
            "SELECT * FROM alert_channels
             WHERE project_id = $1 AND (created_at, id) > ($2, $3)
             ORDER BY created_at, id LIMIT $4",
        )
        .bind(project.to_string())
        .bind(after.created_at.0)
        .bind(&after.id)
        .bind(i64::from(limit) + 1)
        .fetch_all(&self.pool)
        .await?;
        let items = rows.iter().map(|row| self.channel_of(row));
        let items = items.collect::<Result<_, _>>()?;
        Ok(Page::cut(items, limit, |last: &Channel| Cursor {
            created_at: last.created_at,
            id: last.id.to_string(),
        }))
    }

    /// All of a project's channels that are on; there are few.
    pub async fn channels_to_tell(&self, project: ProjectId) -> Result<Vec<Channel>, Error> {
        let all = self
            .channels(project, None, MOST.unsigned_abs() as u32)
            .await?;
        Ok(all
            .items
            .into_iter()
            .filter(|channel| channel.enabled)
            .collect())
    }

    /// One channel of a project.
    pub async fn channel(&self, project: ProjectId, id: ChannelId) -> Result<Channel, Error> {
        let mut connection = self.pool.acquire().await?;
        self.find_channel(&mut connection, project, id).await
    }

    async fn find_channel(
        &self,
        connection: &mut AnyConnection,
        project: ProjectId,
        id: ChannelId,
    ) -> Result<Channel, Error> {
        let row = sqlx::query("SELECT * FROM alert_channels WHERE id = $1 AND project_id = $2")
            .bind(id.to_string())
            .bind(project.to_string())
            .fetch_optional(connection)
            .await?;
        row.map_or(Err(Error::NoChannel(id)), |row| self.channel_of(&row))
    }

    /// Changes a channel that is still at `version` (any, when it is `None`).
    pub async fn change_channel(
        &self,
        project: ProjectId,
        id: ChannelId,
        version: Option<u64>,
        wanted: ChannelChange,
        by: &Caller,
    ) -> Result<Channel, Error> {
        let mut change = self.begin(by).await?;
        let organisation = project::find(change.connection(), project)
            .await?
            .organisation;
        let before = self.find_channel(change.connection(), project, id).await?;
        conflict(version, before.version)?;
        let mut after = before.clone();
        after.name = wanted.name.unwrap_or(after.name);
        after.enabled = wanted.enabled.unwrap_or(after.enabled);
        if let (Some((target, url)), Some(secrets)) = (wanted.url, &mut after.secrets) {
            after.target = target;
            secrets.url = url;
        }
        if after == before {
            return Ok(before);
        }
        after.version += 1;
        sqlx::query(
            "UPDATE alert_channels SET name = $2, enabled = $3, target = $4, secrets = $5,
                 version = $6, updated_at = $7
             WHERE id = $1",
        )
        .bind(id.to_string())
        .bind(&after.name)
        .bind(i64::from(after.enabled))
        .bind(&after.target)
        .bind(self.seal_channel(&after)?)
        .bind(stored_version(after.version))
        .bind(change.now.0)
        .execute(change.connection())
        .await?;
        let entry = Entry {
            before: Some(shown(&before)),
            after: Some(shown(&after)),
            ..entry("alert_channel.change", organisation, &after)
        };
        change.commit(entry).await?;
        Ok(after)
    }

    /// Deletes a channel that is still at `version` (any, when it is `None`), with what was still to be
    /// told there.
    pub async fn delete_channel(
        &self,
        project: ProjectId,
        id: ChannelId,
        version: Option<u64>,
        by: &Caller,
    ) -> Result<(), Error> {
        let mut change = self.begin(by).await?;
        let organisation = project::find(change.connection(), project)
            .await?
            .organisation;
        let before = self.find_channel(change.connection(), project, id).await?;
        conflict(version, before.version)?;
        sqlx::query("DELETE FROM alert_channels WHERE id = $1")
            .bind(id.to_string())
            .execute(change.connection())
            .await?;
        let entry = Entry {
            before: Some(shown(&before)),
            ..entry("alert_channel.delete", organisation, &before)
        };
        change.commit(entry).await
    }

    /// Writes into the audit log that a message is sent to a channel to test it, and queues that message;
    /// mail is one of the caller's notices. Fails with [`Error::TooManyMessages`] while many wait.
    pub async fn log_channel_test(
        &self,
        channel: &Channel,
        message: Option<(MessageId, String)>,
        by: &Caller,
    ) -> Result<(), Error> {
        let mut change = self.begin(by).await?;
        let organisation = project::find(change.connection(), channel.project)
            .await?
            .organisation;
        if let Some((id, body)) = message {
            let waiting = sqlx::query("SELECT COUNT(*) FROM alert_messages WHERE channel_id = $1")
                .bind(channel.id.to_string())
                .fetch_one(change.connection())
                .await?;
            if waiting.try_get::<i64, _>(0)? >= MOST_TESTS {
                return Err(Error::TooManyMessages { limit: MOST_TESTS });
            }
            let now = change.now;
            super::message::queue(change.connection(), channel.id, id, &body, now).await?;
        }
        let entry = entry("alert_channel.test", organisation, channel);
        change.commit(entry).await
    }

    fn seal_channel(&self, channel: &Channel) -> Result<Option<String>, Error> {
        let Some(secrets) = &channel.secrets else {
            return Ok(None);
        };
        let sealed = Sealed {
            url: secrets.url.expose().to_owned(),
            signing: secrets.signing.as_ref().map(|key| key.expose().to_owned()),
        };
        let id = channel.id.to_string();
        let unwritable = |_| Error::Corrupt {
            what: "the secrets",
            id: id.clone(),
        };
        let sealed = serde_json::to_vec(&sealed).map_err(unwritable)?;
        let random = self.random.as_ref();
        self.keyring.seal(&id, &sealed, random).map(Some)
    }

    pub(super) fn channel_of(&self, row: &AnyRow) -> Result<Channel, Error> {
        let id: String = row.try_get("id")?;
        let corrupt = |what| Error::Corrupt {
            what,
            id: id.clone(),
        };
        let (project, kind): (String, String) = (row.try_get("project_id")?, row.try_get("kind")?);
        let (enabled, version): (i64, i64) = (row.try_get("enabled")?, row.try_get("version")?);
        let envelope: Option<String> = row.try_get("secrets")?;
        let secrets = match envelope {
            None => None,
            Some(envelope) => {
                let sealed = self.keyring.open_envelope(&id, &envelope)?;
                let sealed: Sealed =
                    serde_json::from_slice(&sealed).map_err(|_| corrupt("the secrets"))?;
                Some(ChannelSecrets {
                    url: Secret::new(sealed.url),
                    signing: sealed.signing.map(Secret::new),
                })
            }
        };
        let kind = ChannelKind::ALL
            .into_iter()
            .find(|known| known.name() == kind);
        Ok(Channel {
            id: id.parse().map_err(|_| corrupt("the id"))?,
            project: project.parse().map_err(|_| corrupt("the project"))?,
            kind: kind.ok_or_else(|| corrupt("the kind"))?,
            name: row.try_get("name")?,
            enabled: enabled != 0,
            target: row.try_get("target")?,
            secrets,
            told_at: row.try_get::<Option<i64>, _>("told_at")?.map(Timestamp),
            error: row.try_get("error")?,
            version: u64::try_from(version).map_err(|_| corrupt("the version"))?,
            created_at: Timestamp(row.try_get("created_at")?),
        })
    }
}

/// A channel as the audit log has it.
fn shown(channel: &Channel) -> Value {
    json!({
        "kind": channel.kind.name(),
        "name": channel.name,
        "enabled": channel.enabled,
        "target": channel.target,
    })
}

fn entry(action: &'static str, organisation: OrganisationId, channel: &Channel) -> Entry {
    Entry {
        organisation: Some(organisation),
        action,
        target_id: channel.id.to_string(),
        target_name: channel.name.clone(),
        before: None,
        after: None,
    }
}
