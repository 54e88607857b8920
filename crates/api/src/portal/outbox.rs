//! The mail that goes out from the installation.

use axum::Json;
use axum::extract;
use model::MailId;
use serde::{Deserialize, Serialize};
use store::mail::{Bodies, Mail, State as MailState, Status};
use utoipa::{IntoParams, ToSchema};

use super::extract::{Path, Query};
use super::openapi::Refusal;
use super::page::{Page, PageQuery};
use super::view::rfc3339;
use super::{ApiError, State};
use crate::auth::permission::InstallationWrite;
use crate::auth::{Installed, Who};

/// A mail.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct MailView {
    /// Identifies it.
    id: String,
    /// What it is about.
    #[schema(example = "invitation")]
    kind: &'static str,
    /// The address that it goes to.
    recipient: String,
    /// Its subject.
    subject: String,
    /// What became of it: `queued`, `sent` or `failed`.
    state: &'static str,
    /// When that was; of a queued one, when it may be tried next.
    #[schema(format = DateTime)]
    at: String,
    /// How often somebody set out to send it.
    attempts: u32,
    /// What went wrong last.
    error: Option<String>,
    /// When it was written.
    #[schema(format = DateTime)]
    created_at: String,
}

impl From<Mail> for MailView {
    fn from(mail: Mail) -> Self {
        let (state, at) = match mail.state {
            MailState::Queued { due_at } => (Status::Queued, due_at),
            MailState::Sent { at } => (Status::Sent, at),
            MailState::Failed { at } => (Status::Failed, at),
        };
        Self {
            id: mail.id.to_string(),
            kind: mail.kind.name(),
            recipient: mail.recipient,
            subject: mail.subject,
            state: state.name(),
            at: rfc3339(at),
            attempts: mail.attempts,
            error: mail.error,
            created_at: rfc3339(mail.created_at),
        }
    }
}

/// A mail with what it says.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct MailTextView {
    /// The mail.
    mail: MailView,
    /// What it says; null once that is kept no longer.
    text: Option<String>,
    /// Whether the secret of a link in it is left out, with which one becomes somebody. It is shown to
    /// operators who are signed in, and to no token; to nobody where a mail server brings it.
    masked: bool,
}

/// Which mails.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct MailQuery {
    /// Only those in this state.
    #[param(inline)]
    state: Option<MailStateInput>,
    /// `next` of the page before; absent for the first page.
    cursor: Option<String>,
    /// Most items on the page.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
}

/// What became of a mail.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum MailStateInput {
    /// It waits.
    Queued,
    /// The mail server took it.
    Sent,
    /// It was given up.
    Failed,
}

/// Lists the mail that went out or waits, oldest first.
#[utoipa::path(get, path = "/installation/outbox", tag = "installation",
    operation_id = "list_outbox", params(MailQuery),
    responses((status = 200, body = Page<MailView>), Refusal))]
pub(super) async fn list(
    _: Installed<InstallationWrite>,
    extract::State(portal): State,
    Query(query): Query<MailQuery>,
) -> Result<Json<Page<MailView>>, ApiError> {
    let status = query.state.map(|state| match state {
        MailStateInput::Queued => Status::Queued,
        MailStateInput::Sent => Status::Sent,
        MailStateInput::Failed => Status::Failed,
    });
    let query = PageQuery::new(query.cursor, query.limit);
    let after = query.after(|cursor| cursor.parse().ok())?;
    let page = portal
        .store
        .mails(status, after.as_ref(), query.limit()?)
        .await?;
    Ok(Json(Page::of(page, MailView::from)))
}

/// Sends a mail again that was given up. The audit log tells of it.
#[utoipa::path(post, path = "/installation/outbox/{mail}/resend", tag = "installation",
    operation_id = "resend_mail",
    params(("mail" = String, Path, description = "The mail's id")),
    responses((status = 200, body = MailView), Refusal))]
pub(super) async fn resend(
    operator: Installed<InstallationWrite>,
    extract::State(portal): State,
    Path(id): Path<MailId>,
) -> Result<Json<MailView>, ApiError> {
    let mail = portal.store.send_mail_again(id, &operator.caller()).await?;
    Ok(Json(MailView::from(mail)))
}

/// Shows a mail as text: how an operator who is signed in passes a link on where no mail server is set
/// up. The audit log tells of it. Others see it without the link's secret.
#[utoipa::path(get, path = "/installation/outbox/{mail}", tag = "installation",
    operation_id = "show_mail",
    params(("mail" = String, Path, description = "The mail's id")),
    responses((status = 200, body = MailTextView), Refusal))]
pub(super) async fn show(
    operator: Installed<InstallationWrite>,
    extract::State(portal): State,
    Path(id): Path<MailId>,
) -> Result<Json<MailTextView>, ApiError> {
    let present = matches!(operator.principal.who, Who::Person { .. });
    let shows_links = present && !portal.sends_mail;
    let (mail, bodies) = match shows_links {
        true => portal.store.read_mail(id, &operator.caller()).await?,
        false => portal.store.mail(id).await?,
    };
    let shown = |bodies: &Bodies| match shows_links {
        true => bodies.clone(),
        false => bodies.masked(),
    };
    let shown = bodies.as_ref().map(shown);
    Ok(Json(MailTextView {
        mail: MailView::from(mail),
        masked: shown != bodies,
        text: shown.map(|bodies| bodies.text),
    }))
}
