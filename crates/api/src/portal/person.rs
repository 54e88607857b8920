//! Everyone with an account, for operators of the installation.

use axum::Json;
use axum::extract;
use axum::http::StatusCode;
use model::PersonId;
use serde::Deserialize;
use store::RightsChange;
use utoipa::{IntoParams, ToSchema};

use super::extract::{Body, IfMatch, Path, Query};
use super::me::{PersonView, TaggedPerson, tagged};
use super::openapi::Refusal;
use super::page::{Page, PageQuery};
use super::{ApiError, State};
use crate::auth::Installed;
use crate::auth::permission::InstallationWrite;
use crate::mail::Letter;

/// Longest beginning of an e-mail address that is looked for.
const EMAIL_BYTES: usize = 254;

/// Which people.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PeopleQuery {
    /// Only those whose e-mail address begins like this, in any case.
    #[param(max_length = 254)]
    email: Option<String>,
    /// `next` of the page before; absent for the first page.
    cursor: Option<String>,
    /// Most items on the page.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
}

/// Lists everyone with an account, oldest account first.
#[utoipa::path(get, path = "/installation/people", tag = "installation",
    operation_id = "list_people", params(PeopleQuery),
    responses((status = 200, body = Page<PersonView>), Refusal))]
pub(super) async fn list(
    _: Installed<InstallationWrite>,
    extract::State(portal): State,
    Query(query): Query<PeopleQuery>,
) -> Result<Json<Page<PersonView>>, ApiError> {
    let email = query.email.filter(|email| !email.trim().is_empty());
    if email
        .as_ref()
        .is_some_and(|email| email.len() > EMAIL_BYTES)
    {
        return Err(ApiError::Query {
            message: format!("email: at most {EMAIL_BYTES} bytes"),
        });
    }
    let query = PageQuery::new(query.cursor, query.limit);
    let after = query.after(|cursor| cursor.parse().ok())?;
    let page = portal
        .store
        .people(email.as_deref(), after.as_ref(), query.limit()?)
        .await?;
    Ok(Json(Page::of(page, |person| PersonView::from(&person))))
}

/// Shows a person.
#[utoipa::path(get, path = "/installation/people/{person}", tag = "installation",
    operation_id = "show_person",
    params(("person" = String, Path, description = "The person's id")),
    responses((status = 200, body = PersonView, headers(("etag" = String))), Refusal))]
pub(super) async fn show(
    _: Installed<InstallationWrite>,
    extract::State(portal): State,
    Path(id): Path<PersonId>,
) -> Result<TaggedPerson, ApiError> {
    let person = portal.store.person(id).await?;
    Ok(tagged(&person))
}

/// What to change of a person's rights in the installation; what is absent stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RightsPatch {
    /// Whether they run it.
    operator: Option<bool>,
    /// Whether they release destinations for everyone.
    reviewer: Option<bool>,
}

/// Gives a person rights in the installation, or takes them.
#[utoipa::path(patch, path = "/installation/people/{person}/rights", tag = "installation",
    operation_id = "set_installation_rights",
    params(("person" = String, Path, description = "The person's id"),
        ("if-match" = String, Header, description = "The person's `ETag` that the change was made from, or `*`")),
    request_body = RightsPatch,
    responses((status = 200, body = PersonView, headers(("etag" = String))), Refusal))]
pub(super) async fn set_rights(
    operator: Installed<InstallationWrite>,
    extract::State(portal): State,
    Path(id): Path<PersonId>,
    if_match: IfMatch,
    Body(patch): Body<RightsPatch>,
) -> Result<TaggedPerson, ApiError> {
    let before = portal.store.person(id).await?;
    let by = IfMatch::of_person(Some(if_match), &before, &operator.caller())?;
    let change = RightsChange {
        operator: patch.operator,
        reviewer: patch.reviewer,
    };
    let person = portal.store.set_rights(id, change, &by).await?;
    Ok(tagged(&person))
}

/// Locks an account: nobody signs in to it in any way, its sessions end, its tokens are refused until
/// it is unlocked. A letter tells the person. The last operator who isn't locked stays so.
#[utoipa::path(post, path = "/installation/people/{person}/lock", tag = "installation",
    operation_id = "lock_person",
    params(("person" = String, Path, description = "The person's id"),
        ("if-match" = Option<String>, Header, description = "The `ETag` that the person must still have")),
    responses((status = 200, body = PersonView, headers(("etag" = String))), Refusal))]
pub(super) async fn lock(
    operator: Installed<InstallationWrite>,
    extract::State(portal): State,
    Path(id): Path<PersonId>,
    if_match: Option<IfMatch>,
) -> Result<TaggedPerson, ApiError> {
    let person = portal.store.person(id).await?;
    let by = IfMatch::of_person(if_match, &person, &operator.caller())?;
    let at = portal.authority.clock.now();
    let letter = Letter::AccountLocked { at };
    let by = portal.telling(&by, &person.email, &letter);
    let locked = portal.store.lock_person(id, &by).await?;
    Ok(tagged(&locked.unwrap_or(person)))
}

/// Unlocks an account: its person signs in again, and its tokens are taken again.
#[utoipa::path(post, path = "/installation/people/{person}/unlock", tag = "installation",
    operation_id = "unlock_person",
    params(("person" = String, Path, description = "The person's id"),
        ("if-match" = Option<String>, Header, description = "The `ETag` that the person must still have")),
    responses((status = 200, body = PersonView, headers(("etag" = String))), Refusal))]
pub(super) async fn unlock(
    operator: Installed<InstallationWrite>,
    extract::State(portal): State,
    Path(id): Path<PersonId>,
    if_match: Option<IfMatch>,
) -> Result<TaggedPerson, ApiError> {
    let person = portal.store.person(id).await?;
    let by = IfMatch::of_person(if_match, &person, &operator.caller())?;
    let unlocked = portal.store.unlock_person(id, &by).await?;
    Ok(tagged(&unlocked.unwrap_or(person)))
}

/// Ends all sessions of a person. Their tokens stay.
#[utoipa::path(delete, path = "/installation/people/{person}/sessions", tag = "installation",
    operation_id = "end_sessions_of_person",
    params(("person" = String, Path, description = "The person's id")),
    responses((status = 204, description = "They have ended."), Refusal))]
pub(super) async fn end_sessions(
    operator: Installed<InstallationWrite>,
    extract::State(portal): State,
    Path(id): Path<PersonId>,
) -> Result<StatusCode, ApiError> {
    let by = operator.caller();
    portal.store.end_all_sessions(id, &by).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Removes a person's second factor, which they have lost. A letter tells them. Make sure who asks for
/// it: a password is enough from now on.
#[utoipa::path(delete, path = "/installation/people/{person}/second-factor", tag = "installation",
    operation_id = "remove_second_factor_of_person",
    params(("person" = String, Path, description = "The person's id"),
        ("if-match" = Option<String>, Header, description = "The `ETag` that the person must still have")),
    responses((status = 204, description = "They have none."), Refusal))]
pub(super) async fn remove_second_factor(
    operator: Installed<InstallationWrite>,
    extract::State(portal): State,
    Path(id): Path<PersonId>,
    if_match: Option<IfMatch>,
) -> Result<StatusCode, ApiError> {
    let person = portal.store.person(id).await?;
    let by = IfMatch::of_person(if_match, &person, &operator.caller())?;
    if person.second_factor {
        let at = portal.authority.clock.now();
        let letter = Letter::SecondFactorRemoved { at };
        let by = portal.telling(&by, &person.email, &letter);
        portal.store.remove_second_factor(id, &by).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Deletes an account with its memberships, sessions, tokens and identities. A letter tells the person.
/// What they made stays; an organisation that only they owned has no owner then: invite one. The last
/// operator who isn't locked stays.
#[utoipa::path(delete, path = "/installation/people/{person}", tag = "installation",
    operation_id = "delete_person",
    params(("person" = String, Path, description = "The person's id"),
        ("if-match" = Option<String>, Header, description = "The `ETag` that the person must still have")),
    responses((status = 204, description = "It is gone."), Refusal))]
pub(super) async fn delete(
    operator: Installed<InstallationWrite>,
    extract::State(portal): State,
    Path(id): Path<PersonId>,
    if_match: Option<IfMatch>,
) -> Result<StatusCode, ApiError> {
    let person = portal.store.person(id).await?;
    let by = IfMatch::of_person(if_match, &person, &operator.caller())?;
    let by = portal.telling_account_deleted(&person.email, &by);
    portal.store.delete_person(id, &by).await?;
    Ok(StatusCode::NO_CONTENT)
}
