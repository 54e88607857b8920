//! Destination definitions: the drafts that organisations work on, and what becomes of them.

mod built_in;
mod cached;
mod catalog;
mod logo;
mod names;
mod outline;
mod review;
mod version;

use model::definition::Definition;
use model::{DefinitionId, OrganisationId, Timestamp};
use serde_json::{Value, json};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

use crate::change::{Caller, Change, Entry, still_there};
use crate::person::conflict;
use crate::sync::difference;
use crate::{Cursor, Error, Page, Store, organisation};

use outline::{Content, outline_text};

pub(crate) use cached::Cache;
pub use catalog::{CatalogFilter, NameCursor, Tile};
pub use logo::Logo;
pub use names::NameWish;
pub(crate) use names::compare_former;
pub use outline::{AboutOutline, Listed, Outline};
pub use version::{Comment, Decision, VersionRecord, VersionState};

/// A definition that an organisation works on: as a whole, or [`Listed`].
#[derive(Debug, Clone, PartialEq)]
pub struct DefinitionRecord<C = Definition> {
    /// Whose it is; `None` when that organisation was deleted.
    pub organisation: Option<OrganisationId>,
    /// What is worked on. Its version is the one that it will become.
    pub draft: C,
    /// The newest version; 0 when there is none.
    pub newest: u32,
    /// The newest version that everyone may connect; 0 when there is none.
    pub approved: u32,
    /// Whether the catalog shows it.
    pub listing: Listing,
    /// Counts from 1 with each change.
    pub revision: u64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// What a draft is to say.
#[derive(Debug, Clone, PartialEq)]
pub struct DraftContent {
    /// Its fields. The id, the version and, unless it stays, the picture's hash don't count.
    pub content: Definition,
    /// Its picture.
    pub logo: Logo,
}

impl From<Definition> for DraftContent {
    /// The picture stays.
    fn from(content: Definition) -> Self {
        Self {
            content,
            logo: Logo::Stays,
        }
    }
}

/// Whether new syncs may connect a definition. Those that do already are not touched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Listing {
    /// Yes.
    #[default]
    Listed,
    /// No; but it is still shown, as one to move away from.
    Deprecated,
    /// No, and it is out of sight.
    Archived,
    /// The same, because a reviewer says so: only reviewers take that back.
    Barred,
}

impl Listing {
    const ALL: [Self; 4] = [Self::Listed, Self::Deprecated, Self::Archived, Self::Barred];

    /// The stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Listed => "listed",
            Self::Deprecated => "deprecated",
            Self::Archived => "archived",
            Self::Barred => "barred",
        }
    }
}

/// Most definitions of one organisation: each holds a name of the installation.
const OF_ORGANISATION: i64 = 200;

const COLUMNS: &str = "id, organisation_id, draft, newest, approved, listing, revision, created_at, \
                       updated_at";

/// The same in outline.
const LISTED: &str = "id, organisation_id, CASE WHEN outline = '' THEN draft ELSE outline END AS draft, \
                      newest, approved, listing, revision, created_at, updated_at";

impl Store {
    /// Begins a definition.
    pub async fn create_definition(
        &self,
        organisation: OrganisationId,
        content: impl Into<DraftContent>,
        by: &Caller,
    ) -> Result<DefinitionRecord, Error> {
        let DraftContent { mut content, logo } = content.into();
        content.about.logo = logo.after(&content);
        let mut change = self.begin(by).await?;
        organisation::find(change.connection(), organisation).await?;
        if let Some(made) = change.made_before().await? {
            drop(change);
            return still_there(self.definition_record(organisation, made).await);
        }
        check_room_for(change.connection(), organisation, 1).await?;
        let (id, now) = (DefinitionId::generate(self.random.as_ref()), change.now);
        let record = DefinitionRecord {
            organisation: Some(organisation),
            draft: Definition {
                id,
                version: 1,
                ..content
            },
            newest: 0,
            approved: 0,
            listing: Listing::Listed,
            revision: 1,
            created_at: now,
            updated_at: now,
        };
        sqlx::query(
            "INSERT INTO definitions
                 (id, organisation_id, draft, outline, revision, created_at, updated_at)
             VALUES ($1, $2, $3, $5, 1, $4, $4)",
        )
        .bind(id.to_string())
        .bind(organisation.to_string())
        .bind(text(&record.draft)?)
        .bind(now.0)
        .bind(outline_text(&record.draft)?)
        .execute(change.connection())
        .await?;
        names::hold(change.connection(), &record.draft).await?;
        logo::replace(&mut change, id, logo).await?;
        change.remember(&id).await?;
        let entry = Entry {
            after: Some(content_of(&record.draft)?),
            ..entry("definition.create", Some(organisation), &record.draft)
        };
        change.commit(entry).await?;
        Ok(record)
    }

    /// An organisation's definitions, oldest first, in outline.
    pub async fn definitions(
        &self,
        organisation: OrganisationId,
        after: Option<&Cursor>,
        limit: u32,
    ) -> Result<Page<DefinitionRecord<Listed>>, Error> {
        let start = Cursor::start();
        let after = after.unwrap_or(&start);
        let query = format!(
            "SELECT {LISTED} FROM definitions
             WHERE organisation_id = $1 AND (created_at, id) > ($2, $3)
             ORDER BY created_at, id LIMIT $4"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(query))
            .bind(organisation.to_string())
            .bind(after.created_at.0)
            .bind(&after.id)
            .bind(i64::from(limit) + 1)
            .fetch_all(&self.pool)
            .await?;
        let items = rows.iter().map(from_row).collect::<Result<_, _>>()?;
        Ok(Page::cut(
            items,
            limit,
            |last: &DefinitionRecord<Listed>| Cursor {
                created_at: last.created_at,
                id: last.draft.id.to_string(),
            },
        ))
    }

    /// One of an organisation's definitions.
    pub async fn definition_record(
        &self,
        organisation: OrganisationId,
        id: DefinitionId,
    ) -> Result<DefinitionRecord, Error> {
        let mut connection = self.pool.acquire().await?;
        find_own(&mut connection, organisation, id).await
    }

    /// Changes a draft that is still at `revision` (any, when it is `None`).
    pub async fn change_definition(
        &self,
        organisation: OrganisationId,
        id: DefinitionId,
        revision: Option<u64>,
        content: impl Into<DraftContent>,
        by: &Caller,
    ) -> Result<DefinitionRecord, Error> {
        let DraftContent { mut content, logo } = content.into();
        let mut change = self.begin(by).await?;
        let before = find_own(change.connection(), organisation, id).await?;
        conflict(revision, before.revision)?;
        if logo != Logo::Stays {
            content.about.logo = logo.after(&before.draft);
        }
        let draft = Definition {
            id,
            version: before.newest + 1,
            ..content
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
        names::hold(change.connection(), &draft).await?;
        logo::replace(&mut change, id, logo).await?;
        let (was, is) = difference(content_of(&before.draft)?, content_of(&draft)?);
        let entry = Entry {
            before: Some(was),
            after: Some(is),
            ..entry("definition.change", before.organisation, &draft)
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

    /// Says whether new syncs may connect a definition.
    pub async fn list_definition(
        &self,
        organisation: OrganisationId,
        id: DefinitionId,
        revision: Option<u64>,
        listing: Listing,
        by: &Caller,
    ) -> Result<DefinitionRecord, Error> {
        let mut change = self.begin(by).await?;
        let before = find_own(change.connection(), organisation, id).await?;
        conflict(revision, before.revision)?;
        match before.listing {
            Listing::Barred => Err(Error::DefinitionBarred),
            _ => relist(change, before, listing, "definition.list").await,
        }
    }

    /// A definition that was submitted once, for reviewers: whose it is doesn't matter.
    pub async fn reviewed_definition(&self, id: DefinitionId) -> Result<DefinitionRecord, Error> {
        let mut connection = self.pool.acquire().await?;
        review::reviewed(&mut connection, id).await?;
        find(&mut connection, id).await
    }

    /// Takes a definition that was submitted once, and still is at `revision` (any, when it is `None`),
    /// from everyone's catalog, or back: a reviewer's say, whosever it is.
    pub async fn bar_definition(
        &self,
        id: DefinitionId,
        revision: Option<u64>,
        barred: bool,
        by: &Caller,
    ) -> Result<DefinitionRecord, Error> {
        let mut change = self.begin(by).await?;
        let before = find(change.connection(), id).await?;
        review::reviewed(change.connection(), id).await?;
        conflict(revision, before.revision)?;
        let (listing, action) = match (barred, before.listing) {
            (true, Listing::Barred) => return Ok(before),
            (true, _) => (Listing::Barred, "definition.bar"),
            (false, Listing::Barred) => (Listing::Listed, "definition.admit"),
            (false, _) => return Ok(before),
        };
        relist(change, before, listing, action).await
    }

    /// Deletes a definition that was never released, and still is at `revision` (any, when it is
    /// `None`). Others can be archived.
    pub async fn delete_definition(
        &self,
        organisation: OrganisationId,
        id: DefinitionId,
        revision: Option<u64>,
        by: &Caller,
    ) -> Result<(), Error> {
        let mut change = self.begin(by).await?;
        let before = find_own(change.connection(), organisation, id).await?;
        conflict(revision, before.revision)?;
        if before.newest > 0 {
            return Err(Error::DefinitionReleased);
        }
        sqlx::query("DELETE FROM definitions WHERE id = $1")
            .bind(id.to_string())
            .execute(change.connection())
            .await?;
        let entry = Entry {
            before: Some(content_of(&before.draft)?),
            ..entry("definition.delete", before.organisation, &before.draft)
        };
        change.commit(entry).await
    }
}

/// Commits that a definition is listed otherwise.
async fn relist(
    mut change: Change<'_>,
    before: DefinitionRecord,
    listing: Listing,
    action: &'static str,
) -> Result<DefinitionRecord, Error> {
    sqlx::query(
        "UPDATE definitions SET listing = $2, revision = revision + 1, updated_at = $3
         WHERE id = $1",
    )
    .bind(before.draft.id.to_string())
    .bind(listing.name())
    .bind(change.now.0)
    .execute(change.connection())
    .await?;
    let entry = Entry {
        before: Some(json!({"listing": before.listing.name()})),
        after: Some(json!({"listing": listing.name()})),
        ..entry(action, before.organisation, &before.draft)
    };
    let after = DefinitionRecord {
        listing,
        revision: before.revision + 1,
        updated_at: change.now,
        ..before
    };
    change.commit(entry).await?;
    Ok(after)
}

/// Takes its definitions from an organisation that ends: what everyone may connect stays and belongs to
/// nobody, and the rest goes.
pub(crate) async fn leave(
    connection: &mut AnyConnection,
    organisation: OrganisationId,
) -> Result<(), Error> {
    for sql in [
        "DELETE FROM definitions WHERE organisation_id = $1 AND approved = 0",
        "DELETE FROM definition_versions WHERE state <> 'approved' AND definition_id IN
             (SELECT id FROM definitions WHERE organisation_id = $1)",
        "UPDATE definitions SET newest = approved WHERE organisation_id = $1",
    ] {
        sqlx::query(sql)
            .bind(organisation.to_string())
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// Refuses when an organisation can't have so many definitions more.
async fn check_room_for(
    connection: &mut AnyConnection,
    organisation: OrganisationId,
    more: usize,
) -> Result<(), Error> {
    let row = sqlx::query("SELECT COUNT(*) FROM definitions WHERE organisation_id = $1")
        .bind(organisation.to_string())
        .fetch_one(connection)
        .await?;
    let count: i64 = row.try_get(0)?;
    let more = i64::try_from(more).unwrap_or(i64::MAX);
    match more > 0 && count.saturating_add(more) > OF_ORGANISATION {
        true => Err(Error::TooManyDefinitions {
            limit: OF_ORGANISATION,
        }),
        false => Ok(()),
    }
}

/// Refuses a definition that is not the organisation's.
async fn demand_own(
    connection: &mut AnyConnection,
    organisation: OrganisationId,
    id: DefinitionId,
) -> Result<(), Error> {
    let own = sqlx::query("SELECT 1 FROM definitions WHERE id = $1 AND organisation_id = $2")
        .bind(id.to_string())
        .bind(organisation.to_string())
        .fetch_optional(connection)
        .await?;
    own.map(drop).ok_or(Error::NoDefinition(id))
}

/// One of the organisation's definitions.
async fn find_own(
    connection: &mut AnyConnection,
    organisation: OrganisationId,
    id: DefinitionId,
) -> Result<DefinitionRecord, Error> {
    let record = find(connection, id).await?;
    match record.organisation {
        Some(own) if own == organisation => Ok(record),
        _ => Err(Error::NoDefinition(id)),
    }
}

async fn find(connection: &mut AnyConnection, id: DefinitionId) -> Result<DefinitionRecord, Error> {
    let query = format!("SELECT {COLUMNS} FROM definitions WHERE id = $1");
    let row = sqlx::query(sqlx::AssertSqlSafe(query))
        .bind(id.to_string())
        .fetch_optional(connection)
        .await?;
    let missing = Err(Error::NoDefinition(id));
    row.as_ref().map_or(missing, from_row)
}

fn from_row<C: Content>(row: &AnyRow) -> Result<DefinitionRecord<C>, Error> {
    let id: String = row.try_get("id")?;
    let corrupt = |what| Error::Corrupt {
        what,
        id: id.clone(),
    };
    let organisation: Option<String> = row.try_get("organisation_id")?;
    let organisation = organisation.map(|id| id.parse()).transpose();
    let number = |column| -> Result<u32, Error> {
        let number: i64 = row.try_get(column)?;
        number.try_into().map_err(|_| corrupt("a version"))
    };
    let (draft, listing): (String, String) = (row.try_get("draft")?, row.try_get("listing")?);
    let revision: i64 = row.try_get("revision")?;
    let listing = Listing::ALL.into_iter().find(|each| each.name() == listing);
    let newest = number("newest")?;
    let draft = C::read(&id, newest + 1, &draft);
    Ok(DefinitionRecord {
        organisation: organisation.map_err(|_| corrupt("the organisation"))?,
        draft: draft.ok_or_else(|| corrupt("the draft"))?,
        newest,
        approved: number("approved")?,
        listing: listing.ok_or_else(|| corrupt("the listing"))?,
        revision: revision.try_into().map_err(|_| corrupt("the revision"))?,
        created_at: Timestamp(row.try_get("created_at")?),
        updated_at: Timestamp(row.try_get("updated_at")?),
    })
}

fn text(definition: &Definition) -> Result<String, Error> {
    serde_json::to_string(definition).map_err(|_| Error::Corrupt {
        what: "the definition",
        id: definition.id.to_string(),
    })
}

/// What the audit log shows of a definition: templates are no secrets, parameters' values are not
/// in them.
fn content_of(definition: &Definition) -> Result<Value, Error> {
    let content = serde_json::to_value(definition).map_err(|_| Error::Corrupt {
        what: "the definition",
        id: definition.id.to_string(),
    })?;
    Ok(match content {
        Value::Object(mut members) => {
            members.remove("id");
            members.remove("version");
            Value::Object(members)
        }
        other => other,
    })
}

fn entry(
    action: &'static str,
    organisation: Option<OrganisationId>,
    definition: &Definition,
) -> Entry {
    Entry {
        organisation,
        action,
        target_id: definition.id.to_string(),
        target_name: definition.display_name.clone(),
        before: None,
        after: None,
    }
}
