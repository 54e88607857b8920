//! Organisations.

use axum::Json;
use axum::extract;
use axum::http::{HeaderName, StatusCode, header};
use model::OrganisationId;
use serde::{Deserialize, Serialize};
use store::{Caller, Organisation, Secret};
use utoipa::ToSchema;

use super::extract::{Body, Creation, IfMatch, Path, Query, etag};
use super::invitation::InvitationView;
use super::openapi::Refusal;
use super::page::{Page, PageQuery};
use super::view::rfc3339;
use super::{ApiError, Portal, State, field};
use crate::auth::permission::{
    InstallationWrite, OrganisationRead, OrganisationWrite, OwnersWrite,
};
use crate::auth::{Allowed, Installed};
use crate::mail::Letter;

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

/// An organisation to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewOrganisation {
    /// As people call it.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// Whom to invite as its owner, by e-mail address. Without it the person who makes it, by a session or a
    /// token of theirs, owns it; one that the installation's own token makes then has no members, and nobody
    /// who could invite any.
    owner: Option<String>,
}

/// Whom to invite as owner.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OwnerInput {
    /// Where the invitation is sent.
    email: String,
}

/// What to change of an organisation.
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

/// Makes an organisation, and invites its owner. Without `owner` the person who makes it owns it.
#[utoipa::path(post, path = "/installation/organisations", tag = "installation",
    operation_id = "create_organisation", request_body = NewOrganisation,
    params(("idempotency-key" = Option<String>, Header, description = "Makes a repeated request safe")),
    responses((status = 201, body = OrganisationView, headers(("location" = String))), Refusal))]
pub(super) async fn create(
    operator: Installed<InstallationWrite>,
    extract::State(portal): State,
    creation: Creation<NewOrganisation>,
) -> Result<
    (
        StatusCode,
        [(HeaderName, String); 2],
        Json<OrganisationView>,
    ),
    ApiError,
> {
    let (input, by) = creation.once(operator.caller());
    let name = field::checked_name(&input.name)?;
    let made = match &input.owner {
        None => portal.store.create_organisation(&name, &by).await?,
        Some(owner) => {
            let owner = field::checked_email("/owner", owner)?;
            let inviter = portal.inviter(&operator.principal.who).await?;
            let made = portal.make_organisation_for(&name, &owner, &inviter, &by);
            made.await?
        }
    };
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
    let name = field::checked_name(&input.name)?;
    let (id, by) = (allowed.organisation, allowed.caller());
    let version = if_match.against(portal.store.organisation(id).await?.version)?;
    let renamed = portal.store.rename_organisation(id, version, &name, &by);
    Ok(tagged(&renamed.await?))
}

/// Deletes an organisation with its memberships, invitations and tokens. Refused while it has
/// projects.
#[utoipa::path(delete, path = "/organisations/{organisation}", tag = "organisations",
    operation_id = "delete_organisation",
    params(("organisation" = String, Path, description = "The organisation's id"),
        ("if-match" = Option<String>, Header, description = "The `ETag` that it must still have")),
    responses((status = 204, description = "It is gone."), Refusal))]
pub(super) async fn delete(
    allowed: Allowed<OwnersWrite>,
    extract::State(portal): State,
    Path(id): Path<OrganisationId>,
    if_match: Option<IfMatch>,
) -> Result<StatusCode, ApiError> {
    let (store, by) = (&portal.store, allowed.caller());
    let version = IfMatch::against_maybe(if_match, store.organisation(id).await?.version)?;
    store.delete_organisation(id, version, &by).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Invites an owner, by mail, to an organisation that has none. Where there is one, owners invite others.
#[utoipa::path(post, path = "/installation/organisations/{organisation}/owner", tag = "installation",
    operation_id = "invite_owner",
    params(("organisation" = String, Path, description = "The organisation's id"),
        ("idempotency-key" = Option<String>, Header, description = "Makes a repeated request safe")),
    request_body = OwnerInput, responses((status = 201, body = InvitationView), Refusal))]
pub(super) async fn invite_owner(
    operator: Installed<InstallationWrite>,
    extract::State(portal): State,
    Path(id): Path<OrganisationId>,
    creation: Creation<OwnerInput>,
) -> Result<(StatusCode, Json<InvitationView>), ApiError> {
    let inviter = portal.inviter(&operator.principal.who).await?;
    let (input, by) = creation.once(operator.caller());
    let email = field::checked_email("/email", &input.email)?;
    let organisation = portal.store.organisation(id).await?;
    let authority = &portal.authority;
    let expires_at = authority.clock.now() + authority.config.invitation_lifetime;
    let write = |token: &Secret| {
        let letter = Letter::Invitation {
            organisation: &organisation.name,
            inviter: &inviter,
            link: &portal.link("invitation", token),
            expires_at,
        };
        Ok(portal.letters.write(&email, &letter)?)
    };
    let made = portal
        .store
        .invite_owner(id, &email, expires_at, write, &by)
        .await?;
    Ok((StatusCode::CREATED, Json(InvitationView::from(made))))
}

impl Portal {
    /// Makes an organisation and invites its owner.
    async fn make_organisation_for(
        &self,
        name: &str,
        owner: &str,
        inviter: &str,
        by: &Caller,
    ) -> Result<Organisation, ApiError> {
        let authority = &self.authority;
        let expires_at = authority.clock.now() + authority.config.invitation_lifetime;
        let write = |token: &Secret| {
            let letter = Letter::Invitation {
                organisation: name,
                inviter,
                link: &self.link("invitation", token),
                expires_at,
            };
            Ok(self.letters.write(owner, &letter)?)
        };
        let store = &self.store;
        let made = store.create_organisation_for(name, owner, expires_at, write, by);
        made.await.map_err(|error| match ApiError::from(error) {
            // The only field of an invitation's that is checked there.
            ApiError::Invalid(mut problems) => {
                for problem in &mut problems {
                    problem.pointer = "/owner".into();
                }
                ApiError::Invalid(problems)
            }
            error => error,
        })
    }
}
