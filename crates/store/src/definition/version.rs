//! Versions of definitions: released within the organisation, submitted, approved or sent back.

mod rows;

use std::sync::Arc;

use model::definition::Definition;
use model::{DefinitionId, OrganisationId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::AnyConnection;

use super::outline::{Listed, outline_text};
use super::{entry, find, find_own, logo, names, review, text};
use crate::change::{Caller, Change, Entry, still_there};
use crate::person::conflict;
use crate::{Cursor, Error, Page, Store};
use rows::{comments, from_row};

/// A version of a definition: what never changes (as a whole, or [`Listed`]), and how far it has come.
#[derive(Debug, Clone, PartialEq)]
pub struct VersionRecord<C = Arc<Definition>> {
    /// Whose it is; `None` when that organisation was deleted.
    pub organisation: Option<OrganisationId>,
    /// What was released.
    pub definition: C,
    /// How far it has come.
    pub state: VersionState,
    /// Who released it: the person, also where it was by a token of theirs.
    pub released_by: String,
    /// When.
    pub released_at: Timestamp,
    /// Who submitted it, and when.
    pub submitted: Option<(String, Timestamp)>,
    /// Who approved it or sent it back, and when.
    pub decided: Option<(String, Timestamp)>,
    /// What the reviewer said of the whole.
    pub note: String,
    /// What the reviewer said of single fields.
    pub comments: Vec<Comment>,
}

/// How far a version has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VersionState {
    /// The organisation itself can connect it.
    Internal,
    /// The same, and a reviewer is asked.
    Submitted,
    /// Everyone can connect it.
    Approved,
    /// The organisation itself can still connect it; a reviewer has said what is to mend.
    Returned,
}

impl VersionState {
    const ALL: [Self; 4] = [
        Self::Internal,
        Self::Submitted,
        Self::Approved,
        Self::Returned,
    ];

    /// The stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Internal => "internal",
            Self::Submitted => "submitted",
            Self::Approved => "approved",
            Self::Returned => "returned",
        }
    }
}

/// What a reviewer says of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// JSON pointer into the definition.
    pub pointer: String,
    /// What is said.
    pub comment: String,
}

/// What a reviewer decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Everyone can connect it from now on.
    Approve,
    /// It needs mending, first.
    Return,
}

/// Most versions of one definition.
const VERSIONS: u32 = 1000;

const COLUMNS: &str = "v.definition_id, v.version, v.content, v.state, v.released_by, \
     v.released_at, v.submitted_by, v.submitted_at, v.decided_by, v.decided_at, v.note, \
     d.organisation_id";

/// The same in outline.
const LISTED: &str = "v.definition_id, v.version, \
     CASE WHEN v.outline = '' THEN v.content ELSE v.outline END AS content, v.state, v.released_by, \
     v.released_at, v.submitted_by, v.submitted_at, v.decided_by, v.decided_at, v.note, \
     d.organisation_id";

impl Store {
    /// Makes a version of the draft at `revision`: from now on the organisation can connect it, and
    /// it never changes. That the draft is sound is the caller's to see to.
    pub async fn release_definition(
        &self,
        organisation: OrganisationId,
        id: DefinitionId,
        revision: u64,
        by: &Caller,
    ) -> Result<VersionRecord, Error> {
        let mut change = self.begin(by).await?;
        let record = find_own(change.connection(), organisation, id).await?;
        if let Some(made) = change.made_before().await? {
            return still_there(find_version(change.connection(), id, made).await);
        }
        conflict(Some(revision), record.revision)?;
        let definition = record.draft;
        let version = definition.version;
        if version > VERSIONS {
            return Err(Error::TooManyVersions { limit: VERSIONS });
        }
        let about = &definition.about;
        sqlx::query(
            "INSERT INTO definition_versions
                 (definition_id, version, content, outline, name, searched, category, state,
                  released_by, released_at)
             VALUES ($1, $2, $3, $9, $4, $5, $6, 'internal', $7, $8)",
        )
        .bind(id.to_string())
        .bind(i64::from(version))
        .bind(text(&definition)?)
        .bind(names::in_order(&definition.display_name))
        .bind(format!("{} {}", definition.display_name, about.summary).to_lowercase())
        .bind(about.category.name())
        .bind(by.actor.who())
        .bind(change.now.0)
        .bind(outline_text(&definition)?)
        .execute(change.connection())
        .await?;
        let next = Definition {
            version: version + 1,
            ..definition.clone()
        };
        sqlx::query(
            "UPDATE definitions
             SET newest = $2, draft = $3, revision = revision + 1, updated_at = $4 WHERE id = $1",
        )
        .bind(id.to_string())
        .bind(i64::from(version))
        .bind(text(&next)?)
        .bind(change.now.0)
        .execute(change.connection())
        .await?;
        if let Some(logo) = &about.logo {
            logo::keep(change.connection(), id, logo).await?;
        }
        change.remember(&version).await?;
        let made = find_version(change.connection(), id, version).await?;
        let entry = Entry {
            after: Some(json!({"version": version})),
            ..entry("definition.release", Some(organisation), &definition)
        };
        change.commit(entry).await?;
        Ok(made)
    }

    /// The versions of one of an organisation's definitions, the newest first, in outline.
    pub async fn definition_versions(
        &self,
        organisation: OrganisationId,
        id: DefinitionId,
        below: Option<u32>,
        limit: u32,
    ) -> Result<Vec<VersionRecord<Listed>>, Error> {
        let mut connection = self.pool.acquire().await?;
        find_own(&mut connection, organisation, id).await?;
        let query = format!(
            "SELECT {LISTED} FROM definition_versions v JOIN definitions d ON d.id = v.definition_id
             WHERE v.definition_id = $1 AND v.version < $2 ORDER BY v.version DESC LIMIT $3"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(query))
            .bind(id.to_string())
            .bind(below.map_or(i64::MAX, i64::from))
            .bind(i64::from(limit))
            .fetch_all(&mut *connection)
            .await?;
        let versions = rows.iter().map(from_row::<Listed>);
        let mut versions = versions.collect::<Result<Vec<_>, _>>()?;
        let number =
            |version: Option<&VersionRecord<Listed>>| version.map(|one| one.definition.version);
        let bounds = (number(versions.last()), number(versions.first()));
        if let (Some(oldest), Some(newest)) = bounds {
            let mut said = comments(&mut connection, id, oldest..=newest).await?;
            for version in &mut versions {
                let number = version.definition.version;
                version.comments = said.remove(&number).unwrap_or_default();
            }
        }
        Ok(versions)
    }

    /// A version of one of an organisation's definitions.
    pub async fn definition_version(
        &self,
        organisation: OrganisationId,
        id: DefinitionId,
        version: u32,
    ) -> Result<VersionRecord, Error> {
        let mut connection = self.pool.acquire().await?;
        find_own(&mut connection, organisation, id).await?;
        find_version(&mut connection, id, version).await
    }

    /// A version that is or was reviewed: whose it is doesn't matter.
    pub async fn reviewed_version(
        &self,
        id: DefinitionId,
        version: u32,
    ) -> Result<VersionRecord, Error> {
        let mut connection = self.pool.acquire().await?;
        let record = find_version(&mut connection, id, version).await?;
        match record.submitted {
            Some(_) => Ok(record),
            None => Err(Error::NoDefinition(id)),
        }
    }

    /// The newest version of a definition that everyone may connect.
    pub async fn approved_version(
        &self,
        id: DefinitionId,
    ) -> Result<Option<Arc<Definition>>, Error> {
        let mut connection = self.pool.acquire().await?;
        let approved = find(&mut connection, id).await?.approved;
        drop(connection);
        self.definition(id, approved).await
    }

    /// Asks reviewers to release a version for everyone.
    pub async fn submit_definition(
        &self,
        organisation: OrganisationId,
        id: DefinitionId,
        version: u32,
        by: &Caller,
    ) -> Result<VersionRecord, Error> {
        let mut change = self.begin(by).await?;
        find_own(change.connection(), organisation, id).await?;
        let record = find_version(change.connection(), id, version).await?;
        match record.state {
            VersionState::Internal => {}
            state => return Err(Error::VersionState { state }),
        }
        let now = change.now;
        review::not_too_often(change.connection(), organisation, id, now).await?;
        let author = review::author(change.connection(), &by.actor).await?;
        sqlx::query(
            "UPDATE definition_versions
             SET state = 'submitted', submitted_by = $3, submitted_at = $4, author_id = $5
             WHERE definition_id = $1 AND version = $2",
        )
        .bind(id.to_string())
        .bind(i64::from(version))
        .bind(by.actor.who())
        .bind(change.now.0)
        .bind(author)
        .execute(change.connection())
        .await?;
        moved(
            change,
            "definition.submit",
            &record,
            VersionState::Submitted,
        )
        .await
    }

    /// Takes a submission back.
    pub async fn withdraw_definition(
        &self,
        organisation: OrganisationId,
        id: DefinitionId,
        version: u32,
        by: &Caller,
    ) -> Result<VersionRecord, Error> {
        let mut change = self.begin(by).await?;
        find_own(change.connection(), organisation, id).await?;
        let record = find_version(change.connection(), id, version).await?;
        match record.state {
            VersionState::Submitted => {}
            state => return Err(Error::VersionState { state }),
        }
        sqlx::query(
            "UPDATE definition_versions
             SET state = 'internal', submitted_by = NULL, submitted_at = NULL
             WHERE definition_id = $1 AND version = $2",
        )
        .bind(id.to_string())
        .bind(i64::from(version))
        .execute(change.connection())
        .await?;
        moved(
            change,
            "definition.withdraw",
            &record,
            VersionState::Internal,
        )
        .await
    }

    /// The versions that wait for a reviewer, the longest waiting first, in outline.
    pub async fn reviews(
        &self,
        after: Option<&Cursor>,
        limit: u32,
    ) -> Result<Page<VersionRecord<Listed>>, Error> {
        let start = Cursor::start();
        let after = after.unwrap_or(&start);
        let query = format!(
            "SELECT {LISTED} FROM definition_versions v JOIN definitions d ON d.id = v.definition_id
             WHERE v.state = 'submitted' AND (v.submitted_at, v.definition_id) > ($1, $2)
             ORDER BY v.submitted_at, v.definition_id LIMIT $3"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(query))
            .bind(after.created_at.0)
            .bind(&after.id)
            .bind(i64::from(limit) + 1)
            .fetch_all(&self.pool)
            .await?;
        let items = rows.iter().map(from_row::<Listed>);
        let items = items.collect::<Result<_, _>>()?;
        Ok(Page::cut(items, limit, |last: &VersionRecord<Listed>| {
            Cursor {
                created_at: last.submitted.as_ref().map_or(Timestamp(0), |(_, at)| *at),
                id: last.definition.id.to_string(),
            }
        }))
    }

    /// Decides on a version that is submitted.
    pub async fn decide_definition(
        &self,
        id: DefinitionId,
        version: u32,
        decision: Decision,
        note: &str,
        comments: &[Comment],
        by: &Caller,
    ) -> Result<VersionRecord, Error> {
        let mut change = self.begin(by).await?;
        let record = find_version(change.connection(), id, version).await?;
        match (record.state, &record.submitted) {
            (VersionState::Submitted, _) => {}
            (state, Some(_)) => return Err(Error::VersionState { state }),
            // Nobody but its organisation knows of it.
            (_, None) => return Err(Error::NoDefinition(id)),
        }
        let (action, state) = match decision {
            Decision::Approve => ("definition.approve", VersionState::Approved),
            Decision::Return => ("definition.return", VersionState::Returned),
        };
        sqlx::query(
            "UPDATE definition_versions SET state = $3, decided_by = $4, decided_at = $5, note = $6
             WHERE definition_id = $1 AND version = $2",
        )
        .bind(id.to_string())
        .bind(i64::from(version))
        .bind(state.name())
        .bind(by.actor.who())
        .bind(change.now.0)
        .bind(note)
        .execute(change.connection())
        .await?;
        for (position, comment) in (0i64..).zip(comments) {
            sqlx::query(
                "INSERT INTO review_comments (definition_id, version, position, pointer, comment)
                 VALUES ($1, $2, $3, $4, $5)",
            )
            .bind(id.to_string())
            .bind(i64::from(version))
            .bind(position)
            .bind(&comment.pointer)
            .bind(&comment.comment)
            .execute(change.connection())
            .await?;
        }
        if decision == Decision::Approve {
            // Versions can be approved in any order; what everyone gets is the newest of them.
            sqlx::query("UPDATE definitions SET approved = $2 WHERE id = $1 AND approved < $2")
                .bind(id.to_string())
                .bind(i64::from(version))
                .execute(change.connection())
                .await?;
        }
        moved(change, action, &record, state).await
    }
}

/// Commits that a version has come to another state.
async fn moved(
    mut change: Change<'_>,
    action: &'static str,
    before: &VersionRecord,
    state: VersionState,
) -> Result<VersionRecord, Error> {
    let definition = &before.definition;
    let (id, version) = (definition.id, definition.version);
    let after = find_version(change.connection(), id, version).await?;
    let entry = Entry {
        before: Some(json!({"version": version, "state": before.state.name()})),
        after: Some(json!({"version": version, "state": state.name()})),
        ..entry(action, before.organisation, definition)
    };
    change.commit(entry).await?;
    Ok(after)
}

pub(super) async fn find_version(
    connection: &mut AnyConnection,
    id: DefinitionId,
    version: u32,
) -> Result<VersionRecord, Error> {
    let query = format!(
        "SELECT {COLUMNS} FROM definition_versions v JOIN definitions d ON d.id = v.definition_id
         WHERE v.definition_id = $1 AND v.version = $2"
    );
    let row = sqlx::query(sqlx::AssertSqlSafe(query))
        .bind(id.to_string())
        .bind(i64::from(version))
        .fetch_optional(&mut *connection)
        .await?;
    let row = row.ok_or(Error::NoVersion { id, version })?;
    let mut record = from_row::<Arc<Definition>>(&row)?;
    let mut said = comments(connection, id, version..=version).await?;
    record.comments = said.remove(&version).unwrap_or_default();
    Ok(record)
}
