//! Members of an organisation.

use axum::Json;
use axum::extract;
use axum::http::{HeaderName, StatusCode, header};
use model::access::{Permission, Role};
use model::{OrganisationId, PersonId};
use serde::{Deserialize, Serialize};
use store::Member;
use utoipa::ToSchema;

use super::extract::{Body, IfMatch, Path, Query, etag};
use super::openapi::Refusal;
use super::page::{Page, PageQuery};
use super::view::rfc3339;
use super::{ApiError, State};
use crate::auth::permission::{MembersRead, MembersWrite};
use crate::auth::{Allowed, Belongs};

/// A member of an organisation.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct MemberView {
    /// Identifies the person.
    person: String,
    /// The account's e-mail address.
    email: String,
    /// As they call themselves.
    name: String,
    /// What they are in the organisation.
    role: Role,
    /// Whether they sign in with a second factor.
    second_factor: bool,
    /// When they joined.
    #[schema(format = DateTime)]
    joined_at: String,
    /// Rises with each change of the membership; what `ETag` and `If-Match` carry as `"vN"`.
    version: u64,
}

impl From<Member> for MemberView {
    fn from(member: Member) -> Self {
        Self {
            person: member.person.id.to_string(),
            email: member.person.email,
            name: member.person.name,
            role: member.role,
            second_factor: member.person.second_factor,
            joined_at: rfc3339(member.joined_at),
            version: member.version,
        }
    }
}

/// What to change of a member.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MemberPatch {
    /// What they shall be. Making or unmaking an owner needs `owners:write`.
    role: Role,
}

/// A member with the membership's version as `ETag`.
type Tagged = ([(HeaderName, String); 1], Json<MemberView>);

fn tagged(member: Member) -> Tagged {
    let tag = [(header::ETAG, etag(member.version))];
    (tag, Json(MemberView::from(member)))
}

/// The ids in the path of a member.
type Ids = Path<(OrganisationId, PersonId)>;

/// Lists an organisation's members, who joined first first.
#[utoipa::path(get, path = "/organisations/{organisation}/members", tag = "organisations",
    operation_id = "list_members",
    params(("organisation" = String, Path, description = "The organisation's id"), PageQuery),
    responses((status = 200, body = Page<MemberView>), Refusal))]
pub(super) async fn list(
    allowed: Allowed<MembersRead>,
    extract::State(portal): State,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<MemberView>>, ApiError> {
    let after = query.after(|cursor| cursor.parse().ok())?;
    let page = portal
        .store
        .members(allowed.organisation, after.as_ref(), query.limit()?)
        .await?;
    Ok(Json(Page::of(page, MemberView::from)))
}

/// Shows a member.
#[utoipa::path(get, path = "/organisations/{organisation}/members/{person}",
    tag = "organisations", operation_id = "show_member",
    params(("organisation" = String, Path, description = "The organisation's id"),
        ("person" = String, Path, description = "The person's id")),
    responses((status = 200, body = MemberView, headers(("etag" = String))), Refusal))]
pub(super) async fn show(
    _: Allowed<MembersRead>,
    extract::State(portal): State,
    Path((organisation, person)): Ids,
) -> Result<Tagged, ApiError> {
    let member = portal.store.member(organisation, person).await?;
    Ok(tagged(member))
}

/// Gives a member another role.
#[utoipa::path(patch, path = "/organisations/{organisation}/members/{person}",
    tag = "organisations", operation_id = "change_member",
    params(("organisation" = String, Path, description = "The organisation's id"),
        ("person" = String, Path, description = "The person's id"),
        ("if-match" = String, Header, description = "The `ETag` that the change was made from, or `*`")),
    request_body = MemberPatch,
    responses((status = 200, body = MemberView, headers(("etag" = String))), Refusal))]
pub(super) async fn change(
    allowed: Allowed<MembersWrite>,
    extract::State(portal): State,
    Path((organisation, person)): Ids,
    if_match: IfMatch,
    Body(patch): Body<MemberPatch>,
) -> Result<Tagged, ApiError> {
    let (store, by) = (&portal.store, allowed.caller());
    let before = store.member(organisation, person).await?;
    if Role::Owner == before.role || Role::Owner == patch.role {
        allowed.demand(Permission::OwnersWrite)?;
    }
    let version = if_match.against(before.version)?;
    // What was looked at to allow it must still be so.
    let changed = store.set_role(organisation, person, version, before.role, patch.role, &by);
    Ok(tagged(changed.await?))
}

/// Removes a member, with the tokens that they made here. Everyone may remove themselves; others need
/// `members:write`, and `owners:write` for an owner.
#[utoipa::path(delete, path = "/organisations/{organisation}/members/{person}",
    tag = "organisations", operation_id = "remove_member",
    params(("organisation" = String, Path, description = "The organisation's id"),
        ("person" = String, Path, description = "The person's id"),
        ("if-match" = Option<String>, Header, description = "The `ETag` that it must still have")),
    responses((status = 204, description = "They are no member any more."), Refusal))]
pub(super) async fn remove(
    caller: Belongs,
    extract::State(portal): State,
    Path((organisation, person)): Ids,
    if_match: Option<IfMatch>,
) -> Result<StatusCode, ApiError> {
    let oneself = caller.principal.who.present();
    let leaves = oneself.is_ok_and(|(oneself, _)| oneself.id == person);
    if !leaves {
        caller.demand(Permission::MembersWrite)?;
    }
    let (store, by) = (&portal.store, caller.caller());
    let member = store.member(organisation, person).await?;
    if !leaves && member.role == Role::Owner {
        caller.demand(Permission::OwnersWrite)?;
    }
    let version = IfMatch::against_maybe(if_match, member.version)?;
    let removed = store.remove_member(organisation, person, version, member.role, &by);
    removed.await?;
    Ok(StatusCode::NO_CONTENT)
}
