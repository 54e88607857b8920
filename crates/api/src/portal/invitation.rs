//! Invitations to organisations.

use axum::Json;
use axum::extract;
use axum::http::{HeaderMap, StatusCode};
use model::OrganisationId;
use model::access::{Permission, Role};
use serde::{Deserialize, Serialize};
use store::{Invitation, Invitee, Person, Secret};
use utoipa::ToSchema;

use super::extract::{Body, Creation, Path, Query};
use super::openapi::Refusal;
use super::page::{Page, PageQuery};
use super::problem::FieldProblem;
use super::session::{WithCookie, by_person};
use super::view::rfc3339;
use super::{ApiError, Portal, State, field};
use crate::auth::permission::{MembersRead, MembersWrite};
use crate::auth::{Allowed, Public, Who, password_problem};
use crate::mail::Letter;

/// Characters of the name of one who invites, in a letter.
const INVITER_CHARACTERS: usize = 40;

/// An invitation that was not accepted yet.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct InvitationView {
    /// Identifies it.
    id: String,
    /// Whom it was sent to; null for the first administrator's.
    email: Option<String>,
    /// What they will be.
    role: Role,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it ends.
    #[schema(format = DateTime)]
    expires_at: String,
}

impl From<Invitation> for InvitationView {
    fn from(invitation: Invitation) -> Self {
        Self {
            id: invitation.id,
            email: invitation.email,
            role: invitation.role,
            created_at: rfc3339(invitation.created_at),
            expires_at: rfc3339(invitation.expires_at),
        }
    }
}

/// Whom to invite.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct InvitationInput {
    /// Where the invitation is sent.
    email: String,
    /// What they will be. An owner can be invited with `owners:write` only.
    role: Role,
}

/// A link that was received.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReceivedLink {
    /// What stands behind `#` in it.
    token: String,
}

/// What a link invites to.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Offer {
    /// The organisation's name.
    organisation: String,
    /// Whom it was sent to; null: whoever has the link says who they are.
    email: Option<String>,
    /// What they will be.
    role: Role,
    /// When it ends.
    #[schema(format = DateTime)]
    expires_at: String,
}

/// Who accepts an invitation. Whoever is signed in sends the token alone.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Acceptance {
    /// What stands behind `#` in the link.
    token: String,
    /// Someone new: the e-mail address, where the invitation names none.
    email: Option<String>,
    /// Someone new: as they call themselves.
    name: Option<String>,
    /// Someone new: the password to sign in with.
    #[schema(format = Password, min_length = 10)]
    password: Option<String>,
}

/// Lists an organisation's open invitations, oldest first.
#[utoipa::path(get, path = "/organisations/{organisation}/invitations", tag = "organisations",
    operation_id = "list_invitations",
    params(("organisation" = String, Path, description = "The organisation's id"), PageQuery),
    responses((status = 200, body = Page<InvitationView>), Refusal))]
pub(super) async fn list(
    allowed: Allowed<MembersRead>,
    extract::State(portal): State,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<InvitationView>>, ApiError> {
    let after = query.after(|cursor| cursor.parse().ok())?;
    let page = portal
        .store
        .invitations(allowed.organisation, after.as_ref(), query.limit()?)
        .await?;
    Ok(Json(Page::of(page, InvitationView::from)))
}

/// Invites someone by mail. An earlier invitation of the same address ends; one as owner has to be
/// withdrawn before one as less is made.
#[utoipa::path(post, path = "/organisations/{organisation}/invitations", tag = "organisations",
    operation_id = "invite",
    params(("organisation" = String, Path, description = "The organisation's id"),
        ("idempotency-key" = Option<String>, Header, description = "Makes a repeated request safe")),
    request_body = InvitationInput, responses((status = 201, body = InvitationView), Refusal))]
pub(super) async fn create(
    allowed: Allowed<MembersWrite>,
    extract::State(portal): State,
    creation: Creation<InvitationInput>,
) -> Result<(StatusCode, Json<InvitationView>), ApiError> {
    let (input, by) = creation.once(allowed.caller());
    if input.role == Role::Owner {
        allowed.demand(Permission::OwnersWrite)?;
    }
    let email = field::checked_email("/email", &input.email)?;
    let organisation = portal.store.organisation(allowed.organisation).await?;
    let inviter = portal.inviter(&allowed.principal.who).await?;
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
    let (id, role) = (organisation.id, input.role);
    let made = portal
        .store
        .invite(id, &email, role, expires_at, write, &by)
        .await?;
    Ok((StatusCode::CREATED, Json(InvitationView::from(made))))
}

/// Withdraws an invitation: its link ends. An owner's with `owners:write` only.
#[utoipa::path(delete, path = "/organisations/{organisation}/invitations/{invitation}",
    tag = "organisations", operation_id = "withdraw_invitation",
    params(("organisation" = String, Path, description = "The organisation's id"),
        ("invitation" = String, Path, description = "The invitation's id")),
    responses((status = 204, description = "Its link has ended."), Refusal))]
pub(super) async fn withdraw(
    allowed: Allowed<MembersWrite>,
    extract::State(portal): State,
    Path((organisation, id)): Path<(OrganisationId, String)>,
) -> Result<StatusCode, ApiError> {
    let unknown = |error| match error {
        store::Error::NoInvitation => ApiError::NotFound {
            what: format!("invitation {id}"),
        },
        error => error.into(),
    };
    let invitation = portal.store.invitation(organisation, &id).await;
    if invitation.map_err(unknown)?.role == Role::Owner {
        allowed.demand(Permission::OwnersWrite)?;
    }
    let by = allowed.caller();
    let withdrawn = portal.store.withdraw_invitation(organisation, &id, &by);
    withdrawn.await.map_err(unknown)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Says what a link invites to.
#[utoipa::path(post, path = "/invitations/look", tag = "access", operation_id = "look_at_invitation",
    request_body = ReceivedLink, security(()),
    responses((status = 200, body = Offer), Refusal))]
pub(super) async fn look(
    public: Public,
    extract::State(portal): State,
    Body(link): Body<ReceivedLink>,
) -> Result<Json<Offer>, ApiError> {
    let found = portal.store.invitation_of(&link.token).await?;
    let Some((invitation, organisation)) = found else {
        return Err(portal.ended_link(&public));
    };
    Ok(Json(Offer {
        organisation: organisation.name,
        email: invitation.email,
        role: invitation.role,
        expires_at: rfc3339(invitation.expires_at),
    }))
}

/// Accepts an invitation: someone new gets an account; someone with an account signs in first. The
/// answer sets a session's cookie.
#[utoipa::path(post, path = "/invitations/accept", tag = "access",
    operation_id = "accept_invitation", request_body = Acceptance, security((), ("session" = [])),
    responses((status = 200, body = super::session::SignedInView, headers(("set-cookie" = String))),
        Refusal))]
pub(super) async fn accept(
    public: Public,
    extract::State(portal): State,
    headers: HeaderMap,
    Body(input): Body<Acceptance>,
) -> Result<WithCookie, ApiError> {
    // Looked at first: hashing a password for whoever sends something would be work for nothing.
    let Some((invitation, _)) = portal.store.invitation_of(&input.token).await? else {
        return Err(portal.ended_link(&public));
    };
    let invitee = match &public.who {
        Some(Who::Person { person, .. }) => Invitee::Present(person.id),
        Some(Who::Token(_)) => return Err(ApiError::SessionNeeded),
        None => {
            let mut problems = Vec::new();
            let name = field::name(input.name.as_deref().unwrap_or_default(), &mut problems);
            let given = input.email.as_deref().unwrap_or_default();
            let email = match &invitation.email {
                Some(email) => email.clone(),
                None => field::email("/email", given, &mut problems),
            };
            let password = input.password.unwrap_or_default();
            let problem = password_problem(&password, &email);
            problems.extend(problem.map(|problem| FieldProblem::new("/password", problem)));
            if !problems.is_empty() {
                return Err(ApiError::Invalid(problems));
            }
            let password = Secret::new(password);
            let password_hash = Some(portal.authority.passwords.hash(password).await?);
            Invitee::New {
                email,
                name,
                password_hash,
            }
        }
    };
    let by = &match &invitee {
        Invitee::Present(_) => public.caller_as_known(),
        Invitee::New { .. } => public.caller.clone(),
    };
    let store = &portal.store;
    let accepted = store.accept_invitation(&input.token, invitee, by).await;
    let (person, _) = accepted.map_err(|error| match error {
        store::Error::EmailTaken => ApiError::Conflict(
            "you have an account already: sign in first, then follow the link again".into(),
        ),
        error => error.into(),
    })?;
    let by = by_person(&person, &public.caller);
    let former = public.who.as_ref();
    portal
        .begin_session(person, "invitation", former, headers, by)
        .await
}

impl Portal {
    /// As whom a letter names the one who invites: by a token its person does.
    pub(super) async fn inviter(&self, who: &Who) -> Result<String, ApiError> {
        let person = match who {
            Who::Person { person, .. } => Some(person.clone()),
            Who::Token(verified) => match verified.token.person {
                Some(id) => Some(self.store.person(id).await?),
                None => None,
            },
        };
        Ok(match person {
            // Cut, so that no name can push the address out of sight.
            Some(Person { name, email, .. }) => {
                let name: String = name.chars().take(INVITER_CHARACTERS).collect();
                format!("{name} ({email})")
            }
            None => "An operator of the installation".to_owned(),
        })
    }
}
