//! Versions as the database has them.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use model::{DefinitionId, Timestamp};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

use super::{Comment, VersionRecord, VersionState};
use crate::Error;
use crate::definition::outline::Content;

/// What reviewers said of versions, by version.
pub(super) async fn comments(
    connection: &mut AnyConnection,
    id: DefinitionId,
    versions: RangeInclusive<u32>,
) -> Result<BTreeMap<u32, Vec<Comment>>, Error> {
    let rows = sqlx::query(
        "SELECT version, pointer, comment FROM review_comments
         WHERE definition_id = $1 AND version BETWEEN $2 AND $3 ORDER BY version, position",
    )
    .bind(id.to_string())
    .bind(i64::from(*versions.start()))
    .bind(i64::from(*versions.end()))
    .fetch_all(connection)
    .await?;
    let mut said: BTreeMap<u32, Vec<Comment>> = BTreeMap::new();
    for row in &rows {
        let version: i64 = row.try_get("version")?;
        let version = u32::try_from(version).map_err(|_| Error::Corrupt {
            what: "a version",
            id: id.to_string(),
        })?;
        said.entry(version).or_default().push(Comment {
            pointer: row.try_get("pointer")?,
            comment: row.try_get("comment")?,
        });
    }
    Ok(said)
}

/// A version without its comments.
pub(super) fn from_row<C: Content>(row: &AnyRow) -> Result<VersionRecord<C>, Error> {
    let id: String = row.try_get("definition_id")?;
    let corrupt = |what| Error::Corrupt {
        what,
        id: id.clone(),
    };
    let (content, state): (String, String) = (row.try_get("content")?, row.try_get("state")?);
    let version: i64 = row.try_get("version")?;
    let version = u32::try_from(version).map_err(|_| corrupt("the version"))?;
    let definition = C::read(&id, version, &content);
    let state = VersionState::ALL
        .into_iter()
        .find(|each| each.name() == state);
    let organisation: Option<String> = row.try_get("organisation_id")?;
    let organisation = organisation.map(|id| id.parse()).transpose();
    let step = |by, at| -> Result<Option<(String, Timestamp)>, Error> {
        let (by, at): (Option<String>, Option<i64>) = (row.try_get(by)?, row.try_get(at)?);
        Ok(by.zip(at.map(Timestamp)))
    };
    Ok(VersionRecord {
        organisation: organisation.map_err(|_| corrupt("the organisation"))?,
        definition: definition.ok_or_else(|| corrupt("the definition"))?,
        state: state.ok_or_else(|| corrupt("the state"))?,
        released_by: row.try_get("released_by")?,
        released_at: Timestamp(row.try_get("released_at")?),
        submitted: step("submitted_by", "submitted_at")?,
        decided: step("decided_by", "decided_at")?,
        note: row.try_get("note")?,
        comments: Vec::new(),
    })
}
