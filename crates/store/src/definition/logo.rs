//! The pictures on tiles.

use model::definition::{About, Definition};
use model::{DefinitionId, OrganisationId};
use serde_json::json;
use sha2::{Digest, Sha256};
use sqlx::{AnyConnection, Row};

use super::outline::outline_text;
use super::{DefinitionRecord, entry, find_own, text};
use crate::change::{Caller, Change, Entry};
use crate::person::conflict;
use crate::secret::hexadecimal;
use crate::{Error, Store};

impl Store {
    /// Gives a draft that is still at `revision` (any, when it is `None`) a picture, a PNG, or takes
    /// it away. Of the former one nothing is left, unless a version has it.
    pub async fn set_definition_logo(
        &self,
        organisation: OrganisationId,
        id: DefinitionId,
        revision: Option<u64>,
        picture: Option<Vec<u8>>,
        by: &Caller,
    ) -> Result<DefinitionRecord, Error> {
        let mut change = self.begin(by).await?;
        let before = find_own(change.connection(), organisation, id).await?;
        conflict(revision, before.revision)?;
        let logo = picture.map_or(Logo::Gone, Logo::Is);
        let hash = logo.after(&before.draft);
        replace(&mut change, id, logo).await?;
        let draft = Definition {
            about: About {
                logo: hash,
                ..before.draft.about.clone()
            },
            ..before.draft.clone()
        };
        sqlx::query(
            "UPDATE definitions
             SET draft = $2, outline = $4, revision = revision + 1, updated_at = $3 WHERE id = $1",
        )
        .bind(id.to_string())
        .bind(text(&draft)?)
        .bind(change.now.0)
        .bind(outline_text(&draft)?)
        .execute(change.connection())
        .await?;
        let entry = Entry {
            before: Some(json!({"logo": before.draft.about.logo})),
            after: Some(json!({"logo": draft.about.logo})),
            ..entry("definition.set_logo", before.organisation, &draft)
        };
        let after = DefinitionRecord {
            draft,
            revision: before.revision + 1,
            updated_at: change.now,
            ..before
        };
        change.commit(entry).await?;
        Ok(after)
    }

    /// The picture with this SHA-256, a PNG.
    pub async fn definition_logo(&self, hash: &str) -> Result<Option<Vec<u8>>, Error> {
        let row = sqlx::query("SELECT picture FROM definition_logos WHERE hash = $1 LIMIT 1")
            .bind(hash)
            .fetch_optional(&self.pool)
            .await?;
        Ok(row.map(|row| row.try_get("picture")).transpose()?)
    }
}

/// What becomes of a draft's picture.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Logo {
    /// It stays.
    #[default]
    Stays,
    /// There is none.
    Gone,
    /// It is this one, a PNG.
    Is(Vec<u8>),
}

impl Logo {
    /// The hash of the picture that a draft has then.
    pub(super) fn after(&self, before: &Definition) -> Option<String> {
        match self {
            Self::Stays => before.about.logo.clone(),
            Self::Gone => None,
            Self::Is(picture) => Some(hexadecimal(&Sha256::digest(picture))),
        }
    }
}

/// Puts a draft's picture in the place of the one before, of which nothing is left unless a version has
/// it.
pub(super) async fn replace(
    change: &mut Change<'_>,
    id: DefinitionId,
    logo: Logo,
) -> Result<(), Error> {
    if logo == Logo::Stays {
        return Ok(());
    }
    sqlx::query("DELETE FROM definition_logos WHERE definition_id = $1 AND released = 0")
        .bind(id.to_string())
        .execute(change.connection())
        .await?;
    if let Logo::Is(picture) = logo {
        let now = change.now.0;
        sqlx::query(
            "INSERT INTO definition_logos (definition_id, hash, picture, created_at)
             VALUES ($1, $2, $3, $4) ON CONFLICT (definition_id, hash) DO NOTHING",
        )
        .bind(id.to_string())
        .bind(hexadecimal(&Sha256::digest(&picture)))
        .bind(picture)
        .bind(now)
        .execute(change.connection())
        .await?;
    }
    Ok(())
}

/// A version has this picture from now on.
pub(super) async fn keep(
    connection: &mut AnyConnection,
    id: DefinitionId,
    hash: &str,
) -> Result<(), Error> {
    sqlx::query("UPDATE definition_logos SET released = 1 WHERE definition_id = $1 AND hash = $2")
        .bind(id.to_string())
        .bind(hash)
        .execute(connection)
        .await?;
    Ok(())
}
