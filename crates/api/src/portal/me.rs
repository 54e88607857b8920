//! Oneself: the account, its password and second factor, its sessions.

use axum::Json;
use axum::extract;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::AppendHeaders;
use model::access::{InstallationRights, Permission, Role};
use serde::{Deserialize, Serialize};
use store::{Caller, Person, Secret, Session};
use utoipa::ToSchema;

use super::extract::{Body, IfMatch, Path, Query, etag};
use super::openapi::Refusal;
use super::page::{Page, PageQuery};
use super::view::rfc3339;
use super::{ApiError, Portal, State, field};
use crate::auth::{SignedIn, Who};
use crate::auth::{check_totp, generate_totp, password_problem, recovery_codes};
use crate::auth::{totp_may_be_offered, totp_url};
use crate::mail::Letter;

/// A person.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PersonView {
    /// Identifies the person.
    #[schema(example = "person_06r3h4v8n5s7qj2k0c1d9w6xyz")]
    id: String,
    /// The account's e-mail address.
    email: String,
    /// As they call themselves.
    name: String,
    /// Whether signing in needs a code too.
    second_factor: bool,
    /// Rights in the whole installation.
    installation: InstallationRights,
    /// When an operator locked the account; null: it isn't locked.
    #[schema(format = DateTime)]
    locked_at: Option<String>,
    /// When the account was made.
    #[schema(format = DateTime)]
    created_at: String,
    /// Counts from 1 with each change of the person, whoever makes it; what `ETag` and `If-Match` carry
    /// as `"vN"`.
    version: u64,
}

impl From<&Person> for PersonView {
    fn from(person: &Person) -> Self {
        Self {
            id: person.id.to_string(),
            email: person.email.clone(),
            name: person.name.clone(),
            second_factor: person.second_factor,
            installation: person.rights,
            locked_at: person.locked_at.map(rfc3339),
            created_at: rfc3339(person.created_at),
            version: person.version,
        }
    }
}

/// A person with their version as `ETag`.
pub(super) type TaggedPerson = ([(HeaderName, String); 1], Json<PersonView>);

pub(super) fn tagged(person: &Person) -> TaggedPerson {
    let tag = [(header::ETAG, etag(person.version))];
    (tag, Json(PersonView::from(person)))
}

/// Who the caller is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Me {
    /// A person who is signed in.
    Person {
        /// Who.
        person: PersonView,
    },
    /// A program with a token.
    Token {
        /// The token's public id.
        token_id: String,
        /// What it is for.
        token_name: String,
        /// The organisation that it is for.
        organisation: String,
        /// What it may do at this moment, in its organisation and in the installation.
        permissions: Vec<Permission>,
        /// When it ends by itself (RFC 3339); null: never.
        expires_at: Option<String>,
    },
}

/// An organisation that the caller belongs to.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OwnOrganisation {
    /// Identifies it.
    id: String,
    /// As people call it.
    name: String,
    /// What the caller is in it; null for a token.
    role: Option<Role>,
    /// What the caller may do in it.
    permissions: Vec<Permission>,
}

/// A session.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SessionView {
    /// Identifies it.
    id: String,
    /// Whether this request came with it.
    present: bool,
    /// Where it was begun.
    address: String,
    /// With which program, by its own account.
    user_agent: String,
    /// When it was begun.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it was last used, to the minute.
    #[schema(format = DateTime)]
    seen_at: String,
    /// When it ends at the latest.
    #[schema(format = DateTime)]
    expires_at: String,
}

/// What to change of oneself.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MePatch {
    /// As one calls oneself.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
}

/// A new password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PasswordChange {
    /// The present one; absent where there is none.
    #[schema(format = Password)]
    current: Option<String>,
    /// The new one.
    #[schema(format = Password, min_length = 10)]
    new: String,
}

/// A proof that the caller still is who signed in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PasswordProof {
    /// The present password; absent where there is none.
    #[schema(format = Password)]
    password: Option<String>,
    /// A code of the present second factor, where there is one.
    code: Option<String>,
}

/// A second factor to be confirmed.
#[derive(Serialize, ToSchema)]
pub(super) struct SecondFactorOffer {
    /// The secret that codes are made of, in base 32.
    secret: String,
    /// The same for an app, to be shown as a QR code.
    url: String,
}

/// The confirmation of a second factor.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SecondFactorChoice {
    /// The secret that was offered.
    secret: String,
    /// A code that was made of it.
    code: String,
    /// The present password; absent where there is none.
    #[schema(format = Password)]
    password: Option<String>,
}

/// Codes for when the device that makes codes is lost. Each is good once; they aren't shown again.
#[derive(Serialize, ToSchema)]
pub(super) struct RecoveryCodes {
    /// The codes.
    recovery_codes: Vec<String>,
}

/// Says who the caller is: a person with their version as `ETag`. What changes oneself takes it.
#[utoipa::path(get, path = "/me", tag = "access", operation_id = "me",
    responses((status = 200, body = Me, headers(("etag" = String))), Refusal))]
pub(super) async fn show(
    SignedIn(principal): SignedIn,
) -> (AppendHeaders<Option<(HeaderName, String)>>, Json<Me>) {
    let tag = match &principal.who {
        Who::Person { person, .. } => Some((header::ETAG, etag(person.version))),
        Who::Token(_) => None,
    };
    let me = match &principal.who {
        Who::Person { person, .. } => Me::Person {
            person: PersonView::from(person),
        },
        Who::Token(verified) => Me::Token {
            token_id: verified.token.id.clone(),
            token_name: verified.token.name.clone(),
            organisation: verified.token.organisation.to_string(),
            permissions: verified.permissions.iter().collect(),
            expires_at: verified.token.expires_at.map(rfc3339),
        },
    };
    (AppendHeaders(tag), Json(me))
}

/// Changes one's name.
#[utoipa::path(patch, path = "/me", tag = "access", operation_id = "change_me",
    params(("if-match" = String, Header, description = "The `ETag` that the change was made from, or `*`")),
    request_body = MePatch,
    responses((status = 200, body = PersonView, headers(("etag" = String))), Refusal))]
pub(super) async fn change(
    SignedIn(principal): SignedIn,
    extract::State(portal): State,
    if_match: IfMatch,
    Body(patch): Body<MePatch>,
) -> Result<TaggedPerson, ApiError> {
    let (person, _) = principal.who.present()?;
    let name = field::checked_name(&patch.name)?;
    let by = IfMatch::of_person(Some(if_match), person, &principal.caller)?;
    let person = portal.store.rename_person(person.id, &name, &by).await?;
    Ok(tagged(&person))
}

/// Lists the organisations that the caller belongs to, the one joined first first.
#[utoipa::path(get, path = "/me/organisations", tag = "access", operation_id = "my_organisations",
    params(PageQuery), responses((status = 200, body = Page<OwnOrganisation>), Refusal))]
pub(super) async fn organisations(
    SignedIn(principal): SignedIn,
    extract::State(portal): State,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<OwnOrganisation>>, ApiError> {
    let after = query.after(|cursor| cursor.parse().ok())?;
    let limit = query.limit()?;
    match &principal.who {
        Who::Person { person, .. } => {
            let page = portal
                .store
                .organisations_of(person.id, after.as_ref(), limit)
                .await?;
            Ok(Json(Page::of(page, |(organisation, role)| {
                OwnOrganisation {
                    id: organisation.id.to_string(),
                    name: organisation.name,
                    role: Some(role),
                    permissions: role.permissions().iter().collect(),
                }
            })))
        }
        Who::Token(verified) => {
            let id = verified.token.organisation;
            let organisation = portal.store.organisation(id).await?;
            let of_organisation = |permission: &Permission| !permission.is_of_installation();
            let permissions = verified.permissions.iter().filter(of_organisation);
            let items = vec![OwnOrganisation {
                id: id.to_string(),
                name: organisation.name,
                role: None,
                permissions: permissions.collect(),
            }];
            Ok(Json(Page { items, next: None }))
        }
    }
}

/// Changes one's password. All other sessions end; the answer sets this one's new cookie, and the former
/// one is none any more.
#[utoipa::path(put, path = "/me/password", tag = "access", operation_id = "change_password",
    params(("if-match" = Option<String>, Header, description = "The `ETag` of `/me` that it must still have")),
    request_body = PasswordChange,
    responses((status = 204, description = "The new password counts."), Refusal))]
pub(super) async fn change_password(
    SignedIn(principal): SignedIn,
    extract::State(portal): State,
    if_match: Option<IfMatch>,
    Body(input): Body<PasswordChange>,
) -> Result<StatusCode, ApiError> {
    let (person, _) = principal.who.present()?;
    let by = IfMatch::of_person(if_match, person, &principal.caller)?;
    let credentials = portal
        .prove_presence(&principal, input.current, "/current")
        .await?;
    if let Some(problem) = password_problem(&input.new, &person.email) {
        return Err(ApiError::field("/new", problem));
    }
    let new = Secret::new(input.new);
    let hash = portal.authority.passwords.hash(new).await?;
    let by = by.having_proved(&credentials.person);
    let by = portal.telling_password_changed(person, &by).await?;
    portal.store.set_password(person.id, &hash, &by).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Offers a second factor: nothing changes until it is confirmed with a code.
#[utoipa::path(post, path = "/me/second-factor/offer", tag = "access",
    operation_id = "offer_second_factor",
    responses((status = 200, body = SecondFactorOffer), Refusal))]
pub(super) async fn offer_second_factor(
    SignedIn(principal): SignedIn,
    extract::State(portal): State,
) -> Result<Json<SecondFactorOffer>, ApiError> {
    let (person, _) = principal.who.present()?;
    let secret = generate_totp(portal.authority.random.as_ref());
    let url = totp_url(&secret, &person.email)?;
    Ok(Json(SecondFactorOffer {
        secret: secret.expose().to_owned(),
        url: url.expose().to_owned(),
    }))
}

/// Takes the second factor that was offered; gives recovery codes. All other sessions end; the answer sets
/// this one's new cookie.
#[utoipa::path(put, path = "/me/second-factor", tag = "access",
    operation_id = "set_second_factor", request_body = SecondFactorChoice,
    params(("if-match" = Option<String>, Header, description = "The `ETag` of `/me` that it must still have")),
    responses((status = 200, body = RecoveryCodes), Refusal))]
pub(super) async fn set_second_factor(
    SignedIn(principal): SignedIn,
    extract::State(portal): State,
    if_match: Option<IfMatch>,
    Body(input): Body<SecondFactorChoice>,
) -> Result<Json<RecoveryCodes>, ApiError> {
    let (person, _) = principal.who.present()?;
    let by = IfMatch::of_person(if_match, person, &principal.caller)?;
    let credentials = portal
        .prove_presence(&principal, input.password, "/password")
        .await?;
    let taken = || ApiError::Conflict("remove the present second factor first".into());
    if credentials.second_factor.is_some() {
        return Err(taken());
    }
    let authority = &portal.authority;
    let secret = Secret::new(input.secret);
    if !totp_may_be_offered(&secret) {
        let message = "not a secret as it is offered: ask for one (`POST /me/second-factor/offer`)";
        return Err(ApiError::field("/secret", message));
    }
    let step = check_totp(&secret, &input.code, authority.clock.now());
    let step = step.ok_or_else(|| {
        ApiError::field(
            "/code",
            "not the code at this time: is the device's clock right?",
        )
    })?;
    let codes = recovery_codes(authority.random.as_ref());
    let by = by.having_proved(&credentials.person);
    let by = portal.telling_second_factor(&person.email, true, &by);
    portal
        .store
        .set_second_factor(person.id, &secret, step, &codes, &by)
        .await
        .map_err(|error| match error {
            store::Error::SecondFactorTaken => taken(),
            error => error.into(),
        })?;
    let recovery_codes = codes.iter().map(|code| code.expose().to_owned()).collect();
    Ok(Json(RecoveryCodes { recovery_codes }))
}

/// Removes one's second factor, if there is one. All other sessions end; the answer sets this one's new
/// cookie.
#[utoipa::path(post, path = "/me/second-factor/remove", tag = "access",
    operation_id = "remove_second_factor", request_body = PasswordProof,
    params(("if-match" = Option<String>, Header, description = "The `ETag` of `/me` that it must still have")),
    responses((status = 204, description = "A password is enough from now on."), Refusal))]
pub(super) async fn remove_second_factor(
    SignedIn(principal): SignedIn,
    extract::State(portal): State,
    if_match: Option<IfMatch>,
    Body(input): Body<PasswordProof>,
) -> Result<StatusCode, ApiError> {
    let (person, _) = principal.who.present()?;
    let by = IfMatch::of_person(if_match, person, &principal.caller)?;
    let credentials = portal
        .prove_presence(&principal, input.password, "/password")
        .await?;
    if credentials.second_factor.is_none() {
        return Ok(StatusCode::NO_CONTENT);
    }
    let code = input.code.as_deref();
    portal.prove_code(&principal, &credentials, code).await?;
    let by = by.having_proved(&credentials.person);
    let by = portal.telling_second_factor(&person.email, false, &by);
    portal.store.remove_second_factor(person.id, &by).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Deletes one's account with its memberships, sessions, tokens and identities; what one made stays.
/// Refused while one is the only owner of an organisation.
#[utoipa::path(post, path = "/me/delete", tag = "access", operation_id = "delete_me",
    params(("if-match" = Option<String>, Header, description = "The `ETag` of `/me` that it must still have")),
    request_body = PasswordProof,
    responses((status = 204, description = "The account is gone."), Refusal))]
pub(super) async fn delete(
    SignedIn(principal): SignedIn,
    extract::State(portal): State,
    headers: HeaderMap,
    if_match: Option<IfMatch>,
    Body(input): Body<PasswordProof>,
) -> Result<(StatusCode, [(HeaderName, HeaderValue); 1]), ApiError> {
    let (person, _) = principal.who.present()?;
    let by = IfMatch::of_person(if_match, person, &principal.caller)?;
    let credentials = portal
        .prove_presence(&principal, input.password, "/password")
        .await?;
    let code = input.code.as_deref();
    portal.prove_code(&principal, &credentials, code).await?;
    let by = by.having_proved(&credentials.person);
    let by = portal.telling_account_deleted(&person.email, &by);
    portal.store.delete_own_account(person.id, &by).await?;
    let cookie = [(header::SET_COOKIE, portal.authority.site.clear(&headers))];
    Ok((StatusCode::NO_CONTENT, cookie))
}

/// Lists one's sessions, oldest first.
#[utoipa::path(get, path = "/me/sessions", tag = "access", operation_id = "my_sessions",
    params(PageQuery), responses((status = 200, body = Page<SessionView>), Refusal))]
pub(super) async fn sessions(
    SignedIn(principal): SignedIn,
    extract::State(portal): State,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<SessionView>>, ApiError> {
    let (person, present) = principal.who.present()?;
    let after = query.after(|cursor| cursor.parse().ok())?;
    let (store, idle) = (&portal.store, portal.authority.config.session_idle);
    let page = store
        .sessions(person.id, idle, after.as_ref(), query.limit()?)
        .await?;
    let view = |session: Session| SessionView {
        present: session.id == present.id,
        id: session.id,
        address: session.address,
        user_agent: session.user_agent,
        created_at: rfc3339(session.created_at),
        seen_at: rfc3339(session.seen_at),
        expires_at: rfc3339(session.expires_at),
    };
    Ok(Json(Page::of(page, view)))
}

/// Ends one of one's sessions.
#[utoipa::path(delete, path = "/me/sessions/{session}", tag = "access",
    operation_id = "end_session",
    params(("session" = String, Path, description = "The session's id")),
    responses((status = 204, description = "It has ended."), Refusal))]
pub(super) async fn end_session(
    SignedIn(principal): SignedIn,
    extract::State(portal): State,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let (person, _) = principal.who.present()?;
    let caller = &principal.caller;
    portal.store.end_session(person.id, &id, caller).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl Portal {
    /// Who deletes an account and tells its owner: a thief's deletion shall not go unseen.
    pub(super) fn telling_account_deleted(&self, email: &str, by: &Caller) -> Caller {
        let at = self.authority.clock.now();
        self.telling(by, email, &Letter::AccountDeleted { at })
    }

    /// Who switches a second factor and tells its owner.
    fn telling_second_factor(&self, email: &str, enabled: bool, by: &Caller) -> Caller {
        let at = self.authority.clock.now();
        self.telling(by, email, &Letter::SecondFactor { enabled, at })
    }
}
