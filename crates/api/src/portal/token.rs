//! API tokens.

use axum::Json;
use axum::extract;
use axum::http::StatusCode;
use model::access::{Permission, Permissions};
use model::{OrganisationId, Timestamp};
use serde::{Deserialize, Serialize};
use store::{Caller, Person, Token, TokenDraft};
use utoipa::ToSchema;

use super::extract::{Creation, Path, Query};
use super::openapi::Refusal;
use super::page::{Page, PageQuery};
use super::problem::FieldProblem;
use super::view::{parse_rfc3339, rfc3339};
use super::{ApiError, Portal, State, field};
use crate::auth::permission::{OrganisationRead, TokensCreate};
use crate::auth::{Allowed, Belongs, Who};
use crate::mail::Letter;

/// An API token.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TokenView {
    /// Identifies it: the public half of its text.
    id: String,
    /// What it is for.
    name: String,
    /// Who made it and lends it rights; null: the installation's own.
    person: Option<String>,
    /// What it may do at most; null: all that its person may.
    scopes: Option<Vec<Permission>>,
    /// The token that it was made with, and ends with; null: none.
    parent: Option<String>,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it ends by itself; null: never.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    /// When it was last used, to the minute; null: never.
    #[schema(format = DateTime)]
    used_at: Option<String>,
}

impl From<&Token> for TokenView {
    fn from(token: &Token) -> Self {
        Self {
            id: token.id.clone(),
            name: token.name.clone(),
            person: token.person.map(|id| id.to_string()),
            scopes: token.scopes.clone(),
            parent: token.parent.clone(),
            created_at: rfc3339(token.created_at),
            expires_at: token.expires_at.map(rfc3339),
            used_at: token.used_at.map(rfc3339),
        }
    }
}

/// A token that was just made.
#[derive(Serialize, ToSchema)]
pub(super) struct NewTokenView {
    /// The token.
    token: TokenView,
    /// What to send as `Authorization: Bearer …`. Not shown again.
    text: String,
}

/// The tokens that were revoked.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RevokedView {
    /// The one that was named, and those that were made with it, directly or not.
    revoked: Vec<TokenView>,
}

/// A token to make.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TokenInput {
    /// What it is for.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// What it may do, of what its maker may; absent or null: all of that, now and later.
    #[schema(min_items = 1)]
    scopes: Option<Vec<Permission>>,
    /// When it ends by itself; absent or null: never, or with the token that it is made with.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    /// With a session that was begun more than ten minutes ago: the present password.
    #[schema(format = Password)]
    password: Option<String>,
}

/// Lists tokens, oldest first: one's own, and all of the organisation's with `tokens:write`.
#[utoipa::path(get, path = "/organisations/{organisation}/tokens", tag = "organisations",
    operation_id = "list_tokens",
    params(("organisation" = String, Path, description = "The organisation's id"), PageQuery),
    responses((status = 200, body = Page<TokenView>), Refusal))]
pub(super) async fn list(
    allowed: Allowed<OrganisationRead>,
    extract::State(portal): State,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<TokenView>>, ApiError> {
    let after = query.after(|cursor| cursor.parse().ok())?;
    let all = allowed.permissions.contains(Permission::TokensWrite);
    let person = allowed.principal.who.person_id().filter(|_| !all);
    let page = portal
        .store
        .tokens(allowed.organisation, person, after.as_ref(), query.limit()?)
        .await?;
    Ok(Json(Page::of(page, |token| TokenView::from(&token))))
}

/// Makes a token that may do no more than its maker. Its text is shown in this answer only. One that is
/// made with another token ends with that one. With a session it takes the password, or a sign-in of the
/// last ten minutes: the code `recent_sign_in_needed` asks for it.
#[utoipa::path(post, path = "/organisations/{organisation}/tokens", tag = "organisations",
    operation_id = "create_token",
    params(("organisation" = String, Path, description = "The organisation's id"),
        ("idempotency-key" = Option<String>, Header, description = "Makes a repeated request safe")),
    request_body = TokenInput, responses((status = 201, body = NewTokenView), Refusal))]
pub(super) async fn create(
    allowed: Allowed<TokensCreate>,
    extract::State(portal): State,
    creation: Creation<TokenInput>,
) -> Result<(StatusCode, Json<NewTokenView>), ApiError> {
    let (mut input, by) = creation.once_but("password", allowed.caller());
    let who = &allowed.principal.who;
    let by = match who {
        // Ends with the token that makes it, if it must.
        Who::Token(_) => by,
        Who::Person { person, .. } => {
            let (principal, password) = (&allowed.principal, input.password.take());
            portal
                .prove_presence_once(principal, password, "/password")
                .await?;
            let by = by.having_proved(person);
            portal
                .telling_token_made(&allowed, person, &input.name, &by)
                .await?
        }
    };
    let own = allowed.permissions.or(who.installation_permissions());
    let draft = input.draft(&allowed, own, portal.authority.clock.now())?;
    let parent = draft.parent.clone();
    let made = portal.store.create_token(draft, &by).await;
    let made = made.map_err(|error| match error {
        // It was revoked while it asked.
        store::Error::NoToken(gone) if Some(&gone) == parent.as_ref() => ApiError::Unauthenticated,
        error => error.into(),
    })?;
    let view = NewTokenView {
        token: TokenView::from(&made.token),
        text: made.text.expose().to_owned(),
    };
    Ok((StatusCode::CREATED, Json(view)))
}

impl Portal {
    /// Who makes a token with a session and tells the person: a token outlasts the session, and a thief's
    /// shall not go unseen.
    async fn telling_token_made(
        &self,
        allowed: &Allowed<TokensCreate>,
        person: &Person,
        name: &str,
        by: &Caller,
    ) -> Result<Caller, ApiError> {
        let organisation = self.store.organisation(allowed.organisation).await?;
        let letter = Letter::TokenMade {
            organisation: &organisation.name,
            token: name,
            at: self.authority.clock.now(),
            address: &by.address,
        };
        Ok(self.telling(by, &person.email, &letter))
    }
}

impl TokenInput {
    fn draft(
        self,
        allowed: &Allowed<TokensCreate>,
        own: Permissions,
        now: Timestamp,
    ) -> Result<TokenDraft, ApiError> {
        let mut problems = Vec::new();
        let name = field::name(&self.name, &mut problems);
        let scopes = self.scopes.iter().flatten().enumerate();
        for (index, &scope) in scopes.filter(|&(_, &scope)| !own.contains(scope)) {
            let message = format!("you may not do this yourself: {scope}");
            problems.push(FieldProblem::new(format!("/scopes/{index}"), message));
        }
        if self.scopes.as_ref().is_some_and(Vec::is_empty) {
            let message = "name what it may do, or leave the field out";
            problems.push(FieldProblem::new("/scopes", message));
        }
        // A token with fewer rights than its person can't make one with more.
        let maker = match &allowed.principal.who {
            Who::Token(verified) => Some(&verified.token),
            Who::Person { .. } => None,
        };
        let narrowed = maker.is_some_and(|maker| maker.scopes.is_some());
        let scopes = match self.scopes {
            None if narrowed => Some(own),
            scopes => scopes.map(|scopes| scopes.into_iter().collect()),
        };
        // Nor one that lasts longer.
        let latest = maker.and_then(|maker| maker.expires_at);
        let expires_at = self.expires_at.as_deref().map(parse_rfc3339);
        let expires_at = match expires_at {
            None => latest,
            Some(Some(at)) if latest.is_some_and(|latest| at > latest) => {
                let message = "not later than the token ends that you make it with";
                problems.push(FieldProblem::new("/expires_at", message));
                None
            }
            Some(Some(at)) if at > now => Some(at),
            Some(_) => {
                let message = "a time in the future, before the end of 9999-12-30, such as 2030-01-31T12:00:00Z";
                problems.push(FieldProblem::new("/expires_at", message));
                None
            }
        };
        match problems.is_empty() {
            true => Ok(TokenDraft {
                organisation: allowed.organisation,
                person: allowed.principal.who.person_id(),
                name,
                parent: maker.map(|maker| maker.id.clone()),
                scopes: scopes.map(|scopes: Permissions| scopes.iter().collect()),
                expires_at,
            }),
            false => Err(ApiError::Invalid(problems)),
        }
    }
}

/// Revokes a token: one's own, or any of the organisation's with `tokens:write`; the installation's
/// own with `installation:write` too. Those that were made with it end with it.
#[utoipa::path(delete, path = "/organisations/{organisation}/tokens/{token}",
    tag = "organisations", operation_id = "revoke_token",
    params(("organisation" = String, Path, description = "The organisation's id"),
        ("token" = String, Path, description = "The token's id")),
    responses((status = 200, body = RevokedView), Refusal))]
pub(super) async fn revoke(
    caller: Belongs,
    extract::State(portal): State,
    Path((organisation, id)): Path<(OrganisationId, String)>,
) -> Result<Json<RevokedView>, ApiError> {
    let token = portal.store.token(&id).await?;
    if token.organisation != organisation {
        return Err(store::Error::NoToken(id).into());
    }
    let oneself = caller.principal.who.person_id();
    let own = oneself.is_some() && token.person == oneself;
    let itself = matches!(&caller.principal.who, Who::Token(verified) if verified.token.id == id);
    if !own {
        caller.demand(Permission::TokensWrite)?;
    } else if !itself && !caller.permissions.contains(Permission::TokensWrite) {
        // A token that may not make others may not end others either.
        caller.demand(Permission::TokensCreate)?;
    }
    // The installation's own are the operators', whichever organisation they are for.
    let permission = Permission::InstallationWrite;
    let operates = caller.principal.who.installation_permissions();
    if token.person.is_none() && !operates.contains(permission) {
        return Err(ApiError::Forbidden { permission });
    }
    let revoked = portal.store.delete_token(&id, &caller.caller()).await?;
    let all = std::iter::once(&revoked.token).chain(&revoked.made_with_it);
    let revoked = all.map(TokenView::from).collect();
    Ok(Json(RevokedView { revoked }))
}
