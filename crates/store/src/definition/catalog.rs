//! The catalog: the definitions that an organisation's syncs may connect.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use model::definition::{Category, Definition};
use model::{DefinitionId, OrganisationId};
use sqlx::Row;

use super::outline::{Content, Listed};
use super::{Listing, find};
use crate::{Error, Store};

/// A definition as the catalog shows it: as a whole, or [`Listed`].
#[derive(Debug, Clone, PartialEq)]
pub struct Tile<C = Arc<Definition>> {
    /// The version that a new sync would connect.
    pub definition: C,
    /// Whether everyone may connect it, or only its own organisation.
    pub approved: bool,
    /// Whether new syncs may connect it.
    pub listing: Listing,
}

/// Which tiles.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CatalogFilter {
    /// Contained in the name or summary, in any case.
    pub text: Option<String>,
    /// On this shelf.
    pub category: Option<Category>,
}

/// A place in the catalog, which is ordered by name: behind the tile with this name and id. To
/// clients it is an opaque text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameCursor {
    name: String,
    id: String,
}

impl fmt::Display for NameCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.name.bytes() {
            write!(f, "{byte:02x}")?;
        }
        write!(f, ".{}", self.id)
    }
}

impl FromStr for NameCursor {
    type Err = crate::ParseCursorError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unreadable = crate::ParseCursorError;
        let (name, id) = text.split_once('.').ok_or(unreadable)?;
        let is_hexadecimal = name.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_hexadecimal || name.len() % 2 != 0 || name.len() > 4096 {
            return Err(unreadable);
        }
        let bytes = (0..name.len() / 2).map(|at| u8::from_str_radix(&name[2 * at..2 * at + 2], 16));
        let bytes: Vec<u8> = bytes.collect::<Result<_, _>>().map_err(|_| unreadable)?;
        let name = String::from_utf8(bytes).map_err(|_| unreadable)?;
        let plain = id.len() <= 64 && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        match plain && !name.contains('\0') {
            true => Ok(Self {
                name,
                id: id.to_owned(),
            }),
            false => Err(unreadable),
        }
    }
}

impl Store {
    /// The definitions that an organisation's syncs may connect, by name: of its own the newest
    /// version, of others' the newest that was approved. In outline, the built-in one first.
    pub async fn catalog(
        &self,
        organisation: OrganisationId,
        filter: &CatalogFilter,
        after: Option<&NameCursor>,
        limit: u32,
    ) -> Result<(Vec<Tile<Listed>>, Option<NameCursor>), Error> {
        let start = NameCursor {
            name: String::new(),
            id: String::new(),
        };
        let NameCursor { name, id } = after.unwrap_or(&start).clone();
        let text = filter.text.as_deref().unwrap_or_default().to_lowercase();
        let category = filter.category.map_or("", Category::name);
        let built_in = match after {
            None => self.built_in_tile(filter, &text),
            Some(_) => None,
        };
        let rows = sqlx::query(
            "SELECT v.definition_id, v.version, v.name, d.approved, d.listing,
                    CASE WHEN v.outline = '' THEN v.content ELSE v.outline END AS content
             FROM definition_versions v JOIN definitions d ON d.id = v.definition_id
             WHERE (v.name, v.definition_id) > ($2, $3)
               AND v.version = CASE WHEN d.organisation_id = $1 THEN d.newest ELSE d.approved END
               AND d.listing NOT IN ('archived', 'barred')
               AND (v.category = $4 OR $4 = '')
               AND v.searched LIKE $5 ESCAPE '!'
             ORDER BY v.name, v.definition_id LIMIT $6",
        )
        .bind(organisation.to_string())
        .bind(name)
        .bind(id)
        .bind(category)
        .bind(contains(&text))
        .bind(i64::from(limit) + 1)
        .fetch_all(&self.pool)
        .await?;
        let mut found = Vec::with_capacity(rows.len());
        for row in &rows {
            let (id, version): (String, i64) = (row.try_get(0)?, row.try_get(1)?);
            let corrupt = |what| Error::Corrupt {
                what,
                id: id.clone(),
            };
            let version = u32::try_from(version).map_err(|_| corrupt("the version"))?;
            let content: String = row.try_get(5)?;
            let definition = Listed::read(&id, version, &content);
            let (approved, listing): (i64, String) = (row.try_get(3)?, row.try_get(4)?);
            let tile = Tile {
                definition: definition.ok_or_else(|| corrupt("the version"))?,
                approved: approved >= i64::from(version),
                listing: match listing.as_str() {
                    "deprecated" => Listing::Deprecated,
                    _ => Listing::Listed,
                },
            };
            let name: String = row.try_get(2)?;
            found.push((tile, NameCursor { name, id }));
        }
        // The built-in one takes a place on the first page.
        let room = (limit as usize).saturating_sub(usize::from(built_in.is_some()));
        let more = found.len() > room;
        found.truncate(room);
        let next = more.then(|| found.last().map_or(start, |(_, last)| last.clone()));
        let tiles = found.into_iter().map(|(tile, _)| tile);
        let tiles = built_in.into_iter().chain(tiles).collect();
        Ok((tiles, next))
    }

    /// The built-in destination, where it is looked for.
    fn built_in_tile(&self, filter: &CatalogFilter, text: &str) -> Option<Tile<Listed>> {
        let built_in = self.webhook();
        let about = &built_in.about;
        let of_category = |category| about.category == category;
        let searched = format!("{} {}", built_in.display_name, about.summary).to_lowercase();
        let found = filter.category.is_none_or(of_category) && searched.contains(text);
        found.then(|| tile_of_built_in(Listed::from(&*built_in)))
    }

    /// What an organisation's new sync of a definition would connect, whether or not it is still
    /// listed.
    pub async fn tile(
        &self,
        organisation: OrganisationId,
        id: DefinitionId,
    ) -> Result<Tile, Error> {
        let built_in = self.webhook();
        if id == built_in.id {
            return Ok(tile_of_built_in(built_in));
        }
        let mut connection = self.pool.acquire().await?;
        let record = find(&mut connection, id).await?;
        drop(connection);
        let version = match record.organisation == Some(organisation) {
            true => record.newest,
            false => record.approved,
        };
        let definition = self.definition(id, version).await?;
        Ok(Tile {
            definition: definition.ok_or(Error::NoDefinition(id))?,
            approved: record.approved >= version,
            listing: record.listing,
        })
    }

    /// A version of a definition, if an organisation's syncs may connect it: its own ones all, of
    /// others' those that were approved.
    pub async fn usable_definition(
        &self,
        organisation: OrganisationId,
        id: DefinitionId,
        version: u32,
    ) -> Result<Arc<Definition>, Error> {
        let missing = Error::NoVersion { id, version };
        if id != self.webhook().id {
            let mut connection = self.pool.acquire().await?;
            let record = find(&mut connection, id).await?;
            if record.organisation != Some(organisation) {
                let row = sqlx::query(
                    "SELECT 1 FROM definition_versions
                     WHERE definition_id = $1 AND version = $2 AND state = 'approved'",
                )
                .bind(id.to_string())
                .bind(i64::from(version))
                .fetch_optional(&mut *connection)
                .await?;
                if row.is_none() {
                    return Err(missing);
                }
            }
        }
        self.definition(id, version).await?.ok_or(missing)
    }
}

fn tile_of_built_in<C>(definition: C) -> Tile<C> {
    Tile {
        definition,
        approved: true,
        listing: Listing::Listed,
    }
}

/// A pattern for texts that contain this one.
fn contains(text: &str) -> String {
    let mut pattern = String::from("%");
    for c in text.chars() {
        if matches!(c, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}
