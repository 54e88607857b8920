//! One's identities: how providers of OpenID Connect know one.

use axum::Json;
use axum::extract;
use axum::http::StatusCode;
use model::IdentityId;
use serde::Serialize;
use store::Identity;
use utoipa::ToSchema;

use super::extract::{Path, Query};
use super::openapi::Refusal;
use super::page::{Page, PageQuery};
use super::view::rfc3339;
use super::{ApiError, State};
use crate::auth::SignedIn;

/// How a provider knows a person.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct IdentityView {
    /// Identifies it.
    #[schema(example = "identity_06r3h4v8n5s7qj2k0c1d9w6xyz")]
    id: String,
    /// The provider as `/session/openid` lists it; null when it isn't used any more.
    provider: Option<String>,
    /// The provider's address.
    issuer: String,
    /// What the provider calls the person.
    subject: String,
    /// The address by which it was linked.
    email: String,
    /// When it was linked: at the first sign-in with it.
    #[schema(format = DateTime)]
    created_at: String,
}

/// Lists one's identities, oldest first: with each, one can sign in at its provider.
#[utoipa::path(get, path = "/me/identities", tag = "access", operation_id = "my_identities",
    params(PageQuery), responses((status = 200, body = Page<IdentityView>), Refusal))]
pub(super) async fn list(
    SignedIn(principal): SignedIn,
    extract::State(portal): State,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<IdentityView>>, ApiError> {
    let (person, _) = principal.who.present()?;
    let after = query.after(|cursor| cursor.parse().ok())?;
    let page = portal
        .store
        .identities(person.id, after.as_ref(), query.limit()?)
        .await?;
    let view = |identity: Identity| {
        let provider = portal.providers.of_issuer(&identity.issuer);
        IdentityView {
            id: identity.id.to_string(),
            provider: provider.map(|provider| provider.id.clone()),
            issuer: identity.issuer,
            subject: identity.subject,
            email: identity.email,
            created_at: rfc3339(identity.created_at),
        }
    };
    Ok(Json(Page::of(page, view)))
}

/// Removes one of one's identities. The last one of somebody without a password stays. It isn't linked
/// again by its address before one allows it by `DELETE /me/identities/removed`. All sessions end, this one
/// too: nothing proved who asks for it.
#[utoipa::path(delete, path = "/me/identities/{identity}", tag = "access",
    operation_id = "remove_identity",
    params(("identity" = String, Path, description = "The identity's id")),
    responses((status = 204, description = "It is no way to sign in any more."), Refusal))]
pub(super) async fn remove(
    SignedIn(principal): SignedIn,
    extract::State(portal): State,
    Path(id): Path<IdentityId>,
) -> Result<StatusCode, ApiError> {
    let (person, _) = principal.who.present()?;
    let caller = &principal.caller;
    portal.store.remove_identity(person.id, id, caller).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Forgets which identities one removed: each can be linked again, by signing in with it, as long as its
/// provider has verified the account's address.
#[utoipa::path(delete, path = "/me/identities/removed", tag = "access",
    operation_id = "allow_removed_identities",
    responses((status = 204, description = "They can be linked again."), Refusal))]
pub(super) async fn allow_removed(
    SignedIn(principal): SignedIn,
    extract::State(portal): State,
) -> Result<StatusCode, ApiError> {
    let (person, _) = principal.who.present()?;
    let (store, by) = (&portal.store, &principal.caller);
    store.allow_removed_identities(person.id, by).await?;
    Ok(StatusCode::NO_CONTENT)
}
