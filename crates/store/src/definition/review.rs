//! Whom the steps of a review are told.

use std::time::Duration;

use model::{DefinitionId, OrganisationId, Timestamp};
use sqlx::{AnyConnection, Row};

use crate::change::{Actor, ActorKind};
use crate::{Error, Store};

/// Most reviewers who are told of a submission, those who have been here longest.
const REVIEWERS: i64 = 100;

/// Most submissions of one definition within an hour: all reviewers are told of each, and of each that is
/// withdrawn.
const SUBMISSIONS: u32 = 6;

const HOUR: Duration = Duration::from_secs(3600);

impl Store {
    /// The addresses of those who may review, but for those who can't sign in.
    pub async fn reviewers(&self) -> Result<Vec<String>, Error> {
        let rows = sqlx::query(
            "SELECT email FROM people WHERE reviewer = 1 AND locked_at IS NULL
             ORDER BY created_at, id LIMIT $1",
        )
        .bind(REVIEWERS)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(|row| Ok(row.try_get("email")?)).collect()
    }

    /// The address of the person who submitted a version, as long as they are still of the
    /// organisation whose it is.
    pub async fn author_of(&self, id: DefinitionId, version: u32) -> Result<Option<String>, Error> {
        let row = sqlx::query(
            "SELECT p.email
             FROM definition_versions v
             JOIN definitions d ON d.id = v.definition_id
             JOIN people p ON p.id = v.author_id
             JOIN memberships m ON m.person_id = p.id AND m.organisation_id = d.organisation_id
             WHERE v.definition_id = $1 AND v.version = $2 AND p.locked_at IS NULL",
        )
        .bind(id.to_string())
        .bind(i64::from(version))
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.map(|row| row.try_get("email")).transpose()?)
    }
}

/// The person who acts, or whose token does.
pub(super) async fn author(
    connection: &mut AnyConnection,
    actor: &Actor,
) -> Result<Option<String>, Error> {
    match actor.kind {
        ActorKind::Person => Ok(Some(actor.id.clone())),
        ActorKind::System => Ok(None),
        ActorKind::Token => {
            let row = sqlx::query("SELECT person_id FROM api_tokens WHERE id = $1")
                .bind(&actor.id)
                .fetch_optional(connection)
                .await?;
            Ok(row
                .map(|row| row.try_get("person_id"))
                .transpose()?
                .flatten())
        }
    }
}

/// Refuses one more submission of a definition that was submitted too often lately, as the log tells.
pub(super) async fn not_too_often(
    connection: &mut AnyConnection,
    organisation: OrganisationId,
    id: DefinitionId,
    now: Timestamp,
) -> Result<(), Error> {
    let row = sqlx::query(
        "SELECT COUNT(*), MIN(at) FROM audit_log
         WHERE organisation_id = $1 AND target_id = $2 AND at > $3 AND action = 'definition.submit'",
    )
    .bind(organisation.to_string())
    .bind(id.to_string())
    .bind((now - HOUR).0)
    .fetch_one(connection)
    .await?;
    let (lately, first): (i64, Option<i64>) = (row.try_get(0)?, row.try_get(1)?);
    if lately < i64::from(SUBMISSIONS) {
        return Ok(());
    }
    let room = Timestamp(first.unwrap_or(now.0)) + HOUR;
    Err(Error::TooManySubmissions {
        limit: SUBMISSIONS,
        retry_after: room.since(now),
    })
}

/// Refuses a definition of which no reviewer has heard.
pub(super) async fn reviewed(
    connection: &mut AnyConnection,
    id: DefinitionId,
) -> Result<(), Error> {
    let row = sqlx::query(
        "SELECT 1 FROM definition_versions
         WHERE definition_id = $1 AND submitted_at IS NOT NULL LIMIT 1",
    )
    .bind(id.to_string())
    .fetch_optional(connection)
    .await?;
    row.map(drop).ok_or(Error::NoDefinition(id))
}
