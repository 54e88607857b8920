//! Destination definitions: drafts of an organisation, their check, and their release.

mod content;
mod input;
pub(super) mod logo;
pub(super) mod version;

use axum::Json;
use axum::extract;
use axum::http::{HeaderName, StatusCode, header};
use model::{DefinitionId, OrganisationId};
use serde::{Deserialize, Serialize};
use store::{DefinitionRecord, DraftContent, Listed, Listing};
use utoipa::ToSchema;

use super::extract::{Body, Creation, IfMatch, Path, Query, etag};
use super::openapi::Refusal;
use super::page::{Page, PageQuery};
use super::problem::FieldProblem;
use super::view::rfc3339;
use super::{ApiError, Portal, State, markdown};
use crate::auth::Allowed;
use crate::auth::permission::{DefinitionsRead, DefinitionsWrite};
use input::{blank, refused};

pub(super) use content::{ContentView, OutlineView};
pub(super) use input::DefinitionInput;
pub(super) use version::{CommentView, ListedVersionView, VersionView};

/// A definition that an organisation works on.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DefinitionView {
    /// Identifies it over its versions.
    id: String,
    /// What is worked on.
    draft: ContentView,
    /// The draft's description as HTML that is safe to show.
    description_html: String,
    /// The newest version, which the organisation itself can connect; null when there is none.
    newest: Option<u32>,
    /// The newest version that everyone can connect; null when there is none.
    approved: Option<u32>,
    /// Whether the catalog shows it.
    listing: ListingName,
    /// Counts from 1 with each change; what `ETag` and `If-Match` carry as `"vN"`.
    revision: u64,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it was last changed.
    #[schema(format = DateTime)]
    updated_at: String,
}

/// A definition that an organisation works on, in outline.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ListedDefinitionView {
    /// Identifies it over its versions.
    id: String,
    /// The draft in outline; all of it is shown with the definition.
    draft: OutlineView,
    /// The newest version, which the organisation itself can connect; null when there is none.
    newest: Option<u32>,
    /// The newest version that everyone can connect; null when there is none.
    approved: Option<u32>,
    /// Whether the catalog shows it.
    listing: ListingName,
    /// Counts from 1 with each change; what `ETag` and `If-Match` carry as `"vN"`.
    revision: u64,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it was last changed.
    #[schema(format = DateTime)]
    updated_at: String,
}

impl From<DefinitionRecord<Listed>> for ListedDefinitionView {
    fn from(record: DefinitionRecord<Listed>) -> Self {
        Self {
            id: record.draft.id.to_string(),
            draft: record.draft.outline.into(),
            newest: numbered(record.newest),
            approved: numbered(record.approved),
            listing: record.listing.into(),
            revision: record.revision,
            created_at: rfc3339(record.created_at),
            updated_at: rfc3339(record.updated_at),
        }
    }
}

/// A version; there is none with the number 0.
fn numbered(version: u32) -> Option<u32> {
    (version > 0).then_some(version)
}

impl From<DefinitionRecord> for DefinitionView {
    fn from(record: DefinitionRecord) -> Self {
        Self {
            id: record.draft.id.to_string(),
            newest: numbered(record.newest),
            approved: numbered(record.approved),
            listing: record.listing.into(),
            revision: record.revision,
            created_at: rfc3339(record.created_at),
            updated_at: rfc3339(record.updated_at),
            description_html: markdown::to_html(&record.draft.about.description),
            draft: ContentView::from(record.draft),
        }
    }
}

/// Whether new syncs may connect a definition; those that do already go on.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum ListingName {
    /// Yes.
    Listed,
    /// No, but the catalog still shows it.
    Deprecated,
    /// No, and the catalog doesn't show it.
    Archived,
    /// The same, because a reviewer says so. Organisations can't set it, nor anything else then.
    Barred,
}

impl From<Listing> for ListingName {
    fn from(listing: Listing) -> Self {
        match listing {
            Listing::Listed => Self::Listed,
            Listing::Deprecated => Self::Deprecated,
            Listing::Archived => Self::Archived,
            Listing::Barred => Self::Barred,
        }
    }
}

impl From<ListingName> for Listing {
    fn from(name: ListingName) -> Self {
        match name {
            ListingName::Listed => Self::Listed,
            ListingName::Deprecated => Self::Deprecated,
            ListingName::Archived => Self::Archived,
            ListingName::Barred => Self::Barred,
        }
    }
}

/// How a definition is listed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ListingInput {
    /// From now on.
    listing: ListingName,
}

/// What there is to say about a draft.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CheckView {
    /// What keeps it from being released. Pointers are into the draft.
    problems: Vec<FieldProblem>,
    /// What is probably a slip.
    warnings: Vec<FieldProblem>,
    /// The parameters that are declared, then those that are only used.
    parameters: Vec<UsageView>,
    /// The same of `mappedFields`.
    mapped_fields: Vec<UsageView>,
}

/// A name that templates can use, and where they do.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct UsageView {
    /// As templates spell it.
    name: String,
    /// Whether it is declared.
    declared: bool,
    /// Where it is used.
    used: Vec<UsedView>,
}

/// A place in a template.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct UsedView {
    /// JSON pointer to the template.
    pointer: String,
    /// The line, from 1; null where the template goes through all names.
    line: Option<u32>,
    /// The column, from 1.
    column: Option<u32>,
}

impl From<pipeline::Check> for CheckView {
    fn from(check: pipeline::Check) -> Self {
        let usages = |usages: Vec<pipeline::Usage>| {
            let usages = usages.into_iter().map(|usage| UsageView {
                name: usage.name,
                declared: usage.declared,
                used: usage
                    .used
                    .into_iter()
                    .map(|used| UsedView {
                        pointer: used.pointer,
                        line: used.line,
                        column: used.column,
                    })
                    .collect(),
            });
            usages.collect()
        };
        Self {
            problems: fields(check.problems),
            warnings: fields(check.warnings),
            parameters: usages(check.parameters),
            mapped_fields: usages(check.fields),
        }
    }
}

fn fields(problems: Vec<pipeline::Problem>) -> Vec<FieldProblem> {
    problems.into_iter().map(FieldProblem::from).collect()
}

/// A definition with its revision as `ETag`.
type Tagged = ([(HeaderName, String); 1], Json<DefinitionView>);

fn tagged(record: DefinitionRecord) -> Tagged {
    let tag = [(header::ETAG, etag(record.revision))];
    (tag, Json(record.into()))
}

/// The ids in the path of a definition.
pub(super) type Ids = Path<(OrganisationId, DefinitionId)>;

/// Lists an organisation's destination definitions, oldest first, in outline.
#[utoipa::path(get, path = "/organisations/{organisation}/definitions", tag = "definitions",
    operation_id = "list_definitions",
    params(("organisation" = String, Path, description = "The organisation's id"), PageQuery),
    responses((status = 200, body = Page<ListedDefinitionView>), Refusal))]
pub(super) async fn list(
    _: Allowed<DefinitionsRead>,
    extract::State(portal): State,
    Path(organisation): Path<OrganisationId>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<ListedDefinitionView>>, ApiError> {
    let after = query.after(|cursor| cursor.parse().ok())?;
    let page = portal
        .store
        .definitions(organisation, after.as_ref(), query.limit()?)
        .await?;
    Ok(Json(Page::of(page, ListedDefinitionView::from)))
}

/// Begins a definition. What isn't complete yet can come later: see its check.
#[utoipa::path(post, path = "/organisations/{organisation}/definitions", tag = "definitions",
    operation_id = "create_definition",
    params(("organisation" = String, Path, description = "The organisation's id"),
        ("idempotency-key" = Option<String>, Header, description = "Makes a repeated request safe")),
    request_body = DefinitionInput,
    responses((status = 201, body = DefinitionView,
        headers(("etag" = String), ("location" = String))), Refusal))]
pub(super) async fn create(
    allowed: Allowed<DefinitionsWrite>,
    extract::State(portal): State,
    Path(organisation): Path<OrganisationId>,
    creation: Creation<DefinitionInput>,
) -> Result<(StatusCode, [(HeaderName, String); 2], Json<DefinitionView>), ApiError> {
    let (mut input, by) = creation.once(allowed.caller());
    let logo = input.take_logo();
    let content = input.onto(blank())?;
    let logo = portal.logo(logo).await?;
    let made = portal
        .store
        .create_definition(organisation, DraftContent { content, logo }, &by)
        .await
        .map_err(refused)?;
    let id = made.draft.id;
    let location = format!(
        "{}/organisations/{organisation}/definitions/{id}",
        super::ROOT
    );
    let headers = [
        (header::ETAG, etag(made.revision)),
        (header::LOCATION, location),
    ];
    Ok((StatusCode::CREATED, headers, Json(made.into())))
}

/// Shows a definition with its draft.
#[utoipa::path(get, path = "/organisations/{organisation}/definitions/{definition}",
    tag = "definitions", operation_id = "show_definition",
    params(("organisation" = String, Path, description = "The organisation's id"),
        ("definition" = String, Path, description = "The definition's id")),
    responses((status = 200, body = DefinitionView, headers(("etag" = String))), Refusal))]
pub(super) async fn show(
    _: Allowed<DefinitionsRead>,
    extract::State(portal): State,
    Path((organisation, id)): Ids,
) -> Result<Tagged, ApiError> {
    Ok(tagged(
        portal.store.definition_record(organisation, id).await?,
    ))
}

/// Changes a draft; what is absent stays, lists and objects are replaced whole. Versions that were
/// released don't change.
#[utoipa::path(patch, path = "/organisations/{organisation}/definitions/{definition}",
    tag = "definitions", operation_id = "change_definition",
    params(("organisation" = String, Path, description = "The organisation's id"),
        ("definition" = String, Path, description = "The definition's id"),
        ("if-match" = String, Header, description = "The `ETag` that the change was made from, or `*`")),
    request_body = DefinitionInput,
    responses((status = 200, body = DefinitionView, headers(("etag" = String))), Refusal))]
pub(super) async fn change(
    allowed: Allowed<DefinitionsWrite>,
    extract::State(portal): State,
    Path((organisation, id)): Ids,
    if_match: IfMatch,
    Body(mut input): Body<DefinitionInput>,
) -> Result<Tagged, ApiError> {
    let store = &portal.store;
    let record = store.definition_record(organisation, id).await?;
    if_match.demand(record.revision)?;
    let logo = input.take_logo();
    let content = input.onto(record.draft)?;
    let logo = portal.logo(logo).await?;
    let content = DraftContent { content, logo };
    // What the input was applied to must still be there.
    let (revision, by) = (Some(record.revision), allowed.caller());
    let changed = store.change_definition(organisation, id, revision, content, &by);
    Ok(tagged(changed.await.map_err(refused)?))
}

/// Deletes a definition that was never released. Others can be archived.
#[utoipa::path(delete, path = "/organisations/{organisation}/definitions/{definition}",
    tag = "definitions", operation_id = "delete_definition",
    params(("organisation" = String, Path, description = "The organisation's id"),
        ("definition" = String, Path, description = "The definition's id"),
        ("if-match" = Option<String>, Header, description = "The `ETag` that it must still have")),
    responses((status = 204, description = "It is gone."), Refusal))]
pub(super) async fn delete(
    allowed: Allowed<DefinitionsWrite>,
    extract::State(portal): State,
    Path((organisation, id)): Ids,
    if_match: Option<IfMatch>,
) -> Result<StatusCode, ApiError> {
    let (store, by) = (&portal.store, allowed.caller());
    let record = store.definition_record(organisation, id).await?;
    let revision = IfMatch::against_maybe(if_match, record.revision)?;
    let deleted = store.delete_definition(organisation, id, revision, &by);
    deleted.await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Says whether new syncs may connect a definition. Those that do already are not touched.
#[utoipa::path(put, path = "/organisations/{organisation}/definitions/{definition}/listing",
    tag = "definitions", operation_id = "set_definition_listing",
    params(("organisation" = String, Path, description = "The organisation's id"),
        ("definition" = String, Path, description = "The definition's id"),
        ("if-match" = Option<String>, Header, description = "The `ETag` of the definition as it was seen")),
    request_body = ListingInput,
    responses((status = 200, body = DefinitionView, headers(("etag" = String))), Refusal))]
pub(super) async fn set_listing(
    allowed: Allowed<DefinitionsWrite>,
    extract::State(portal): State,
    Path((organisation, id)): Ids,
    if_match: Option<IfMatch>,
    Body(input): Body<ListingInput>,
) -> Result<Tagged, ApiError> {
    let record = portal.store.definition_record(organisation, id).await?;
    let revision = IfMatch::against_maybe(if_match, record.revision)?;
    let by = allowed.caller();
    let listing = match input.listing.into() {
        Listing::Barred => {
            let message = "only reviewers can do that: `archived` takes it out of sight";
            return Err(ApiError::field("/listing", message));
        }
        listing => listing,
    };
    let listed = portal
        .store
        .list_definition(organisation, id, revision, listing, &by);
    Ok(tagged(listed.await?))
}

/// Checks a draft: its fields and templates, and where each parameter and mapped field is used.
#[utoipa::path(get, path = "/organisations/{organisation}/definitions/{definition}/check",
    tag = "definitions", operation_id = "check_definition",
    params(("organisation" = String, Path, description = "The organisation's id"),
        ("definition" = String, Path, description = "The definition's id")),
    responses((status = 200, body = CheckView), Refusal))]
pub(super) async fn check(
    _: Allowed<DefinitionsRead>,
    extract::State(portal): State,
    Path((organisation, id)): Ids,
) -> Result<Json<CheckView>, ApiError> {
    let record = portal.store.definition_record(organisation, id).await?;
    Ok(Json(portal.check_draft(&record).await?.into()))
}

/// Releases the draft within the organisation: it becomes a version, which never changes. Refused
/// with all that is wrong with it.
#[utoipa::path(post, path = "/organisations/{organisation}/definitions/{definition}/release",
    tag = "definitions", operation_id = "release_definition",
    params(("organisation" = String, Path, description = "The organisation's id"),
        ("definition" = String, Path, description = "The definition's id"),
        ("if-match" = String, Header, description = "The `ETag` of the draft as it was seen, or `*`")),
    responses((status = 201, body = VersionView, headers(("location" = String))), Refusal))]
pub(super) async fn release(
    allowed: Allowed<DefinitionsWrite>,
    extract::State(portal): State,
    Path((organisation, id)): Ids,
    if_match: IfMatch,
) -> Result<(StatusCode, [(HeaderName, String); 1], Json<VersionView>), ApiError> {
    let store = &portal.store;
    let record = store.definition_record(organisation, id).await?;
    if_match.demand(record.revision)?;
    let problems = portal.check_draft(&record).await?.problems;
    if !problems.is_empty() {
        return Err(ApiError::NotReleasable(fields(problems)));
    }
    let (revision, by) = (record.revision, allowed.caller());
    let made = store
        .release_definition(organisation, id, revision, &by)
        .await?;
    let version = made.definition.version;
    let location = format!(
        "{}/organisations/{organisation}/definitions/{id}/versions/{version}",
        super::ROOT
    );
    let headers = [(header::LOCATION, location)];
    Ok((StatusCode::CREATED, headers, Json(made.into())))
}

impl Portal {
    /// Checks a draft, on a thread where it holds nobody up: a large one takes a while.
    async fn check_draft(&self, record: &DefinitionRecord) -> Result<pipeline::Check, ApiError> {
        let (draft, clock) = (record.draft.clone(), self.authority.clock.clone());
        let check = move || pipeline::check(&draft, &clock);
        let checked = self.tasks.spawn_blocking(check);
        checked.await.map_err(|panicked| ApiError::Internal {
            source: panicked.into(),
        })
    }
}
