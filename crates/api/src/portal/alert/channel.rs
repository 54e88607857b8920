//! Where a project's incidents are told.

use axum::Json;
use axum::extract;
use axum::http::{HeaderName, StatusCode, header};
use model::access::Permission;
use model::{ChannelId, ProjectId};
use serde::{Deserialize, Serialize};
use store::Secret;
use store::alert::{Channel, ChannelChange, ChannelKind, ChannelSecrets, NewChannel};
use utoipa::ToSchema;

use super::signature;
use crate::auth::permission::{SyncsRead, SyncsWrite};
use crate::auth::{Allowed, Who};
use crate::portal::extract::{Body, Creation, IfMatch, Path, Query, etag};
use crate::portal::openapi::Refusal;
use crate::portal::page::{Page, PageQuery};
use crate::portal::problem::FieldProblem;
use crate::portal::view::rfc3339;
use crate::portal::{ApiError, Portal, ROOT, State, field};

/// Longest URL.
const URL_BYTES: usize = 2048;

/// By which way incidents are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = AlertChannelKind)]
enum Way {
    /// Mail to one address.
    Mail,
    /// A request, signed as Standard Webhooks says.
    Webhook,
    /// A request with a text, as Slack takes it.
    Slack,
}

impl Way {
    fn kind(self) -> ChannelKind {
        match self {
            Self::Mail => ChannelKind::Mail,
            Self::Webhook => ChannelKind::Webhook,
            Self::Slack => ChannelKind::Slack,
        }
    }

    fn of(kind: ChannelKind) -> Self {
        match kind {
            ChannelKind::Mail => Self::Mail,
            ChannelKind::Webhook => Self::Webhook,
            ChannelKind::Slack => Self::Slack,
        }
    }
}

/// Where a project's incidents are told.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::portal) struct AlertChannelView {
    /// Identifies it.
    id: String,
    /// By which way.
    kind: Way,
    /// As people call it.
    name: String,
    /// Whether anything is told there.
    enabled: bool,
    /// An address, or the scheme and host of a URL, which is a secret beyond that.
    target: String,
    /// When a message was last taken there; null: never, and always of mail, which the outbox tells of.
    #[schema(format = DateTime)]
    told_at: Option<String>,
    /// What went wrong since; null: nothing.
    error: Option<String>,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
}

/// A channel that was just made.
#[derive(Serialize, ToSchema)]
pub(in crate::portal) struct NewAlertChannelView {
    /// The channel.
    channel: AlertChannelView,
    /// Of a webhook: the key by which its receiver knows that a request is ours, as Standard Webhooks
    /// libraries take it. Not shown again.
    signing_secret: Option<String>,
}

/// A channel to make.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::portal) struct AlertChannelInput {
    /// By which way.
    kind: Way,
    /// As people call it.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// Of mail: the address. Another one than a member's needs `members:write`.
    email: Option<String>,
    /// Of a webhook and of Slack: where requests go.
    #[schema(max_length = 2048)]
    url: Option<String>,
}

/// What is to change of a channel; what is absent stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::portal) struct AlertChannelChangeInput {
    /// As people call it.
    #[schema(min_length = 1, max_length = 200)]
    name: Option<String>,
    /// Whether anything is told there.
    enabled: Option<bool>,
    /// Of a webhook and of Slack: where requests go.
    #[schema(max_length = 2048)]
    url: Option<String>,
}

/// A message that was sent to test a channel.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::portal) struct AlertTestView {
    /// Identifies the message, as `webhook-id` in a webhook's request; null of mail, of which the outbox tells.
    message: Option<String>,
}

impl From<&Channel> for AlertChannelView {
    fn from(channel: &Channel) -> Self {
        Self {
            id: channel.id.to_string(),
            kind: Way::of(channel.kind),
            name: channel.name.clone(),
            enabled: channel.enabled,
            target: channel.target.clone(),
            told_at: channel.told_at.map(rfc3339),
            error: channel.error.clone(),
            created_at: rfc3339(channel.created_at),
        }
    }
}

type Ids = Path<(ProjectId, ChannelId)>;

type Tagged = ([(HeaderName, String); 1], Json<AlertChannelView>);

fn tagged(channel: &Channel) -> Tagged {
    let tag = [(header::ETAG, etag(channel.version))];
    (tag, Json(AlertChannelView::from(channel)))
}

/// Lists where a project's incidents are told, oldest first.
#[utoipa::path(get, path = "/projects/{project}/alert-channels", tag = "alerts",
    operation_id = "list_alert_channels",
    params(("project" = String, Path, description = "The project's id"), PageQuery),
    responses((status = 200, body = Page<AlertChannelView>), Refusal))]
pub(in crate::portal) async fn list(
    _: Allowed<SyncsRead>,
    extract::State(portal): State,
    Path(project): Path<ProjectId>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<AlertChannelView>>, ApiError> {
    let after = query.after(|cursor| cursor.parse().ok())?;
    portal.store.project(project).await?;
    let page = portal
        .store
        .channels(project, after.as_ref(), query.limit()?);
    Ok(Json(Page::of(page.await?, |channel| {
        AlertChannelView::from(&channel)
    })))
}

/// Makes a channel. The signing key of a webhook is shown in this answer only.
#[utoipa::path(post, path = "/projects/{project}/alert-channels", tag = "alerts",
    operation_id = "create_alert_channel",
    params(("project" = String, Path, description = "The project's id"),
        ("idempotency-key" = Option<String>, Header, description = "Makes a repeated request safe")),
    request_body = AlertChannelInput,
    responses((status = 201, body = NewAlertChannelView,
        headers(("etag" = String), ("location" = String))), Refusal))]
pub(in crate::portal) async fn create(
    allowed: Allowed<SyncsWrite>,
    extract::State(portal): State,
    Path(project): Path<ProjectId>,
    creation: Creation<AlertChannelInput>,
) -> Result<
    (
        StatusCode,
        [(HeaderName, String); 2],
        Json<NewAlertChannelView>,
    ),
    ApiError,
> {
    let (input, by) = creation.once(allowed.caller());
    let own = own_address(&allowed.principal.who);
    let new = input.checked(&portal)?;
    let is_own = new.kind == ChannelKind::Mail && own.as_ref() == Some(&new.target);
    if new.kind == ChannelKind::Mail && !is_own {
        let member = portal
            .store
            .is_member_by_email(allowed.organisation, &new.target);
        if !member.await? {
            // Who isn't asked themselves gets mail only by those who could invite them too.
            allowed.demand(Permission::MembersWrite)?;
        }
    }
    let made = portal
        .store
        .create_channel(project, new, is_own, &by)
        .await?;
    let location = format!("{ROOT}/projects/{project}/alert-channels/{}", made.id);
    let headers = [
        (header::ETAG, etag(made.version)),
        (header::LOCATION, location),
    ];
    let signing = made
        .secrets
        .as_ref()
        .and_then(|secrets| secrets.signing.as_ref());
    let view = NewAlertChannelView {
        channel: AlertChannelView::from(&made),
        signing_secret: signing.map(|key| key.expose().to_owned()),
    };
    Ok((StatusCode::CREATED, headers, Json(view)))
}

/// The address of a person who is signed in, or whose token it is.
fn own_address(who: &Who) -> Option<String> {
    match who {
        Who::Person { person, .. } => Some(person.email.clone()),
        Who::Token(verified) => verified.behind.as_ref().map(|person| person.email.clone()),
    }
}

impl AlertChannelInput {
    fn checked(self, portal: &Portal) -> Result<NewChannel, ApiError> {
        let mut problems = Vec::new();
        let kind = self.kind.kind();
        let name = field::name(&self.name, &mut problems);
        let (mut target, mut secrets) = (String::new(), None);
        match (kind, self.email, self.url) {
            (ChannelKind::Mail, Some(email), None) => {
                target = field::email("/email", &email, &mut problems);
            }
            (ChannelKind::Mail, None, _) => {
                problems.push(FieldProblem::new("/email", "an address is needed"))
            }
            (ChannelKind::Mail, _, Some(_)) => {
                problems.push(FieldProblem::new("/url", "mail has none"))
            }
            (_, Some(_), _) => problems.push(FieldProblem::new("/email", "only mail has one")),
            (_, None, None) => problems.push(FieldProblem::new("/url", "an address is needed")),
            (_, None, Some(url)) => match checked_url(&url) {
                Err(message) => problems.push(FieldProblem::new("/url", message)),
                Ok(shown) => {
                    let random = portal.authority.random.as_ref();
                    let signed = kind == ChannelKind::Webhook;
                    target = shown;
                    secrets = Some(ChannelSecrets {
                        url: Secret::new(url),
                        signing: signed.then(|| signature::new_key(random)),
                    });
                }
            },
        }
        match problems.is_empty() {
            true => Ok(NewChannel {
                kind,
                name,
                target,
                secrets,
            }),
            false => Err(ApiError::Invalid(problems)),
        }
    }
}

/// What may be shown of a URL: scheme and host. The rest of Slack's is as good as a password.
fn checked_url(url: &str) -> Result<String, String> {
    if url.len() > URL_BYTES {
        return Err(format!("longer than {URL_BYTES} bytes"));
    }
    let wrong = || "expected an address such as https://example.com/hook".to_owned();
    let parsed: axum::http::Uri = url.parse().map_err(|_| wrong())?;
    let scheme = parsed
        .scheme_str()
        .filter(|scheme| ["http", "https"].contains(scheme));
    let authority = parsed
        .authority()
        .filter(|authority| !authority.as_str().contains('@'));
    let (Some(scheme), Some(authority)) = (scheme, authority) else {
        return Err(wrong());
    };
    Ok(format!("{scheme}://{authority}"))
}

/// Shows a channel.
#[utoipa::path(get, path = "/projects/{project}/alert-channels/{channel}", tag = "alerts",
    operation_id = "show_alert_channel",
    params(("project" = String, Path, description = "The project's id"),
        ("channel" = String, Path, description = "The channel's id")),
    responses((status = 200, body = AlertChannelView, headers(("etag" = String))), Refusal))]
pub(in crate::portal) async fn show(
    _: Allowed<SyncsRead>,
    extract::State(portal): State,
    Path((project, id)): Ids,
) -> Result<Tagged, ApiError> {
    Ok(tagged(&portal.store.channel(project, id).await?))
}

/// Changes a channel; what is absent stays.
#[utoipa::path(patch, path = "/projects/{project}/alert-channels/{channel}", tag = "alerts",
    operation_id = "change_alert_channel",
    params(("project" = String, Path, description = "The project's id"),
        ("channel" = String, Path, description = "The channel's id"),
        ("if-match" = String, Header, description = "The `ETag` that the change was made from, or `*`")),
    request_body = AlertChannelChangeInput,
    responses((status = 200, body = AlertChannelView, headers(("etag" = String))), Refusal))]
pub(in crate::portal) async fn change(
    allowed: Allowed<SyncsWrite>,
    extract::State(portal): State,
    Path((project, id)): Ids,
    if_match: IfMatch,
    Body(input): Body<AlertChannelChangeInput>,
) -> Result<Tagged, ApiError> {
    let there = portal.store.channel(project, id).await?;
    let seen = if_match.against(there.version)?;
    let mut problems = Vec::new();
    let name = input.name.map(|name| field::name(&name, &mut problems));
    let url = match input.url {
        None => None,
        Some(_) if there.kind == ChannelKind::Mail => {
            problems.push(FieldProblem::new("/url", "mail has none"));
            None
        }
        Some(url) => match checked_url(&url) {
            Ok(shown) => Some((shown, Secret::new(url))),
            Err(message) => {
                problems.push(FieldProblem::new("/url", message));
                None
            }
        },
    };
    if !problems.is_empty() {
        return Err(ApiError::Invalid(problems));
    }
    let wanted = ChannelChange {
        name,
        enabled: input.enabled,
        url,
    };
    let by = allowed.caller();
    let changed = portal.store.change_channel(project, id, seen, wanted, &by);
    Ok(tagged(&changed.await?))
}

/// Deletes a channel, with what was still to be told there.
#[utoipa::path(delete, path = "/projects/{project}/alert-channels/{channel}", tag = "alerts",
    operation_id = "delete_alert_channel",
    params(("project" = String, Path, description = "The project's id"),
        ("channel" = String, Path, description = "The channel's id"),
        ("if-match" = Option<String>, Header, description = "The `ETag` that it must still have")),
    responses((status = 204), Refusal))]
pub(in crate::portal) async fn delete(
    allowed: Allowed<SyncsWrite>,
    extract::State(portal): State,
    Path((project, id)): Ids,
    if_match: Option<IfMatch>,
) -> Result<StatusCode, ApiError> {
    let there = portal.store.channel(project, id).await?;
    let seen = IfMatch::against_maybe(if_match, there.version)?;
    let by = allowed.caller();
    portal.store.delete_channel(project, id, seen, &by).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sends a message to a channel, to see that it comes. How that went, the channel tells a moment later.
#[utoipa::path(post, path = "/projects/{project}/alert-channels/{channel}/test", tag = "alerts",
    operation_id = "test_alert_channel",
    params(("project" = String, Path, description = "The project's id"),
        ("channel" = String, Path, description = "The channel's id")),
    responses((status = 202, body = AlertTestView), Refusal))]
pub(in crate::portal) async fn test(
    allowed: Allowed<SyncsWrite>,
    extract::State(portal): State,
    Path((project, id)): Ids,
) -> Result<(StatusCode, Json<AlertTestView>), ApiError> {
    let channel = portal.store.channel(project, id).await?;
    let message = portal.test_channel(&channel, &allowed.caller()).await?;
    Ok((StatusCode::ACCEPTED, Json(AlertTestView { message })))
}
