//! The catalog: what an organisation's projects can be connected to.

use axum::Json;
use axum::extract;
use model::definition::Category;
use model::{DefinitionId, OrganisationId};
use serde::{Deserialize, Serialize};
use store::{CatalogFilter, Listed, Outline, Tile};
use utoipa::{IntoParams, ToSchema};

use super::definition::{ContentView, ListingName};
use super::extract::{Path, Query};
use super::openapi::Refusal;
use super::page::{Page, PageQuery};
use super::{ApiError, State, markdown};
use crate::auth::Allowed;
use crate::auth::permission::SyncsRead;

/// Longest text to look for.
const TEXT_CHARACTERS: usize = 100;

/// A destination as the catalog shows it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TileView {
    /// The definition's id.
    definition: String,
    /// The version that a new sync would connect.
    version: u32,
    /// Its name.
    display_name: String,
    /// The shelf.
    category: Category,
    /// One line about it.
    summary: String,
    /// The picture, by the SHA-256 of its bytes; null: its initials.
    logo: Option<String>,
    /// Whether everyone can connect it, or only its own organisation.
    approved: bool,
    /// Whether new syncs may connect it.
    listing: ListingName,
}

impl From<Tile<Listed>> for TileView {
    fn from(tile: Tile<Listed>) -> Self {
        let Outline {
            display_name,
            about,
        } = tile.definition.outline;
        Self {
            definition: tile.definition.id.to_string(),
            version: tile.definition.version,
            display_name,
            category: about.category,
            summary: about.summary,
            logo: about.logo,
            approved: tile.approved,
            listing: tile.listing.into(),
        }
    }
}

/// A destination with all that its set-up needs.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DestinationView {
    /// As the catalog shows it.
    tile: TileView,
    /// What it says.
    content: ContentView,
    /// Its description as HTML that is safe to show.
    description_html: String,
    /// How many headers of its own a sync may add.
    extra_headers: u8,
    /// Whether a sync may bring templates of its own.
    own_templates: bool,
}

/// Which tiles.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct CatalogQuery {
    /// Only those whose name or summary contains this, in any case.
    #[param(max_length = 100)]
    text: Option<String>,
    /// Only those on this shelf.
    #[param(inline)]
    category: Option<Category>,
    /// `next` of the page before; absent for the first page.
    cursor: Option<String>,
    /// Most items on the page.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
}

/// Lists the destinations that an organisation's projects can be connected to, by name, the built-in
/// webhook first.
#[utoipa::path(get, path = "/organisations/{organisation}/catalog", tag = "catalog",
    operation_id = "list_catalog",
    params(("organisation" = String, Path, description = "The organisation's id"), CatalogQuery),
    responses((status = 200, body = Page<TileView>), Refusal))]
pub(super) async fn list(
    _: Allowed<SyncsRead>,
    extract::State(portal): State,
    Path(organisation): Path<OrganisationId>,
    Query(query): Query<CatalogQuery>,
) -> Result<Json<Page<TileView>>, ApiError> {
    let long = |text: &String| text.chars().count() > TEXT_CHARACTERS;
    if query.text.as_ref().is_some_and(long) {
        let message = format!("text: at most {TEXT_CHARACTERS} characters");
        return Err(ApiError::Query { message });
    }
    let filter = CatalogFilter {
        text: query.text,
        category: query.category,
    };
    let query = PageQuery::new(query.cursor, query.limit);
    let after = query.after(|cursor| cursor.parse().ok())?;
    let (tiles, next) = portal
        .store
        .catalog(organisation, &filter, after.as_ref(), query.limit()?)
        .await?;
    Ok(Json(Page {
        items: tiles.into_iter().map(TileView::from).collect(),
        next: next.map(|cursor| cursor.to_string()),
    }))
}

/// Shows a destination with all that its set-up needs.
#[utoipa::path(get, path = "/organisations/{organisation}/catalog/{definition}", tag = "catalog",
    operation_id = "show_destination",
    params(("organisation" = String, Path, description = "The organisation's id"),
        ("definition" = String, Path, description = "The definition's id")),
    responses((status = 200, body = DestinationView), Refusal))]
pub(super) async fn show(
    _: Allowed<SyncsRead>,
    extract::State(portal): State,
    Path((organisation, id)): Path<(OrganisationId, DefinitionId)>,
) -> Result<Json<DestinationView>, ApiError> {
    let tile = portal.store.tile(organisation, id).await?;
    let definition = (*tile.definition).clone();
    Ok(Json(DestinationView {
        extra_headers: definition.extra_headers,
        own_templates: definition.own_templates,
        description_html: markdown::to_html(&definition.about.description),
        tile: TileView::from(Tile {
            definition: Listed::from(&definition),
            approved: tile.approved,
            listing: tile.listing,
        }),
        content: ContentView::from(definition),
    }))
}
