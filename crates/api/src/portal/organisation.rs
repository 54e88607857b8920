//! Organisations.

use axum::Json;
use axum::extract;
use axum::http::{HeaderName, StatusCode, header};
use model::OrganisationId;
use serde::{Deserialize, Serialize};
use store::Organisation;
use utoipa::ToSchema;

use super::extract::{Body, Creation, IfMatch, Path, Query, etag};
use super::openapi::Refusal;
use super::page::{Page, PageQuery};
use super::view::rfc3339;
use super::{ApiError, State, draft};
use crate::auth::permission::{
    InstallationWrite, OrganisationRead, OrganisationWrite, OwnersWrite,
};
use crate::auth::{Allowed, Installed};

/// An organisation.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OrganisationView {
    /// Identifies it.
    #[schema(example = "org_06r3h4v8n5s7qj2k0c1d9w6xyz")]
    id: String,
    /// As people call it.
    name: String,
    /// Counts from 1 with each change; what `ETag` and `If-Match` carry as `"vN"`.
    version: u64,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
}

impl From<&Organisation> for OrganisationView {
    fn from(organisation: &Organisation) -> Self {
        Self {
            id: organisation.id.to_string(),
            name: organisation.name.clone(),
            version: organisation.version,
            created_at: rfc3339(organisation.created_at),
        }
    }
}

/// An organisation to make or to rename.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OrganisationInput {
    /// As people call it.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
}

/// An organisation with its version as `ETag`.
type Tagged = ([(HeaderName, String); 1], Json<OrganisationView>);

fn tagged(organisation: &Organisation) -> Tagged {
    let tag = [(header::ETAG, etag(organisation.version))];
    (tag, Json(OrganisationView::from(organisation)))
}

/// Lists all organisations of the installation, oldest first.
#[utoipa::path(get, path = "/installation/organisations", tag = "installation",
    operation_id = "list_organisations", params(PageQuery),
    responses((status = 200, body = Page<OrganisationView>), Refusal))]
pub(super) async fn list(
    _: Installed<InstallationWrite>,
    extract::State(portal): State,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<OrganisationView>>, ApiError> {
    let after = query.after(|cursor| cursor.parse().ok())?;
    let page = portal
        .store
        .organisations(after.as_ref(), query.limit()?)
        .await?;
    let view = |organisation| OrganisationView::from(&organisation);
    Ok(Json(Page::of(page, view)))
}

/// Makes an organisation. A person who makes it owns it; one that a token makes has no members yet.
#[utoipa::path(post, path = "/installation/organisations", tag = "installation",
    operation_id = "create_organisation", request_body = OrganisationInput,
    params(("idempotency-key" = Option<String>, Header, description = "Makes a repeated request safe")),
    responses((status = 201, body = OrganisationView, headers(("location" = String))), Refusal))]
pub(super) async fn create(
    operator: Installed<InstallationWrite>,
    extract::State(portal): State,
    creation: Creation<OrganisationInput>,
) -> Result<
    (
        StatusCode,
        [(HeaderName, String); 2],
        Json<OrganisationView>,
    ),
    ApiError,
> {
    let (input, by) = creation.once(operator.caller());
    let name = draft::checked_name(&input.name)?;
    let made = portal.store.create_organisation(&name, &by).await?;
    let headers = [
        (header::ETAG, etag(made.version)),
        (
            header::LOCATION,
            format!("{}/organisations/{}", super::ROOT, made.id),
        ),
    ];
    let view = Json(OrganisationView::from(&made));
    Ok((StatusCode::CREATED, headers, view))
}

/// Shows an organisation.
#[utoipa::path(get, path = "/organisations/{organisation}", tag = "organisations",
    operation_id = "show_organisation",
    params(("organisation" = String, Path, description = "The organisation's id")),
    responses((status = 200, body = OrganisationView, headers(("etag" = String))), Refusal))]
pub(super) async fn show(
    allowed: Allowed<OrganisationRead>,
    extract::State(portal): State,
) -> Result<Tagged, ApiError> {
    let organisation = portal.store.organisation(allowed.organisation).await?;
    Ok(tagged(&organisation))
}

/// Renames an organisation.
#[utoipa::path(patch, path = "/organisations/{organisation}", tag = "organisations",
    operation_id = "change_organisation",
    params(("organisation" = String, Path, description = "The organisation's id"),
        ("if-match" = String, Header, description = "The `ETag` that the change was made from, or `*`")),
    request_body = OrganisationInput,
    responses((status = 200, body = OrganisationView, headers(("etag" = String))), Refusal))]
pub(super) async fn change(
    allowed: Allowed<OrganisationWrite>,
    extract::State(portal): State,
    if_match: IfMatch,
    Body(input): Body<OrganisationInput>,
) -> Result<Tagged, ApiError> {
    let name = draft::checked_name(&input.name)?;
    let (id, version) = (allowed.organisation, if_match.version());
    let by = allowed.caller();
    let renamed = portal.store.rename_organisation(id, version, &name, &by);
    Ok(tagged(&renamed.await?))
}

/// Deletes an organisation with its memberships, invitations and tokens. Refused while it has
/// projects.
#[utoipa::path(delete, path = "/organisations/{organisation}", tag = "organisations",
    operation_id = "delete_organisation",
    params(("organisation" = String, Path, description = "The organisation's id")),
    responses((status = 204, description = "It is gone."), Refusal))]
pub(super) async fn delete(
    allowed: Allowed<OwnersWrite>,
    extract::State(portal): State,
    Path(id): Path<OrganisationId>,
) -> Result<StatusCode, ApiError> {
    portal
        .store
        .delete_organisation(id, &allowed.caller())
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
