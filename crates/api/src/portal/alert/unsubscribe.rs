//! The link at the end of each mail: no more of them, without signing in.
//!
//! What opens the page changes nothing: programs that look at links in mails before people do would
//! unsubscribe them. The button does, and mail programs that offer one of their own (RFC 8058).

use axum::extract;
use axum::http::{HeaderName, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::auth::Public;
use crate::portal::extract::Query;
use crate::portal::openapi::Refusal;
use crate::portal::{ApiError, State};

/// Nothing of others is loaded, and nothing runs.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; \
                      frame-ancestors 'none'; base-uri 'none'";

/// What the link carries.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::portal) struct UnsubscribeQuery {
    /// As it stands in the mail.
    token: String,
}

/// Shows a page with a button that ends a project's mail to an address. Opened by the link in each mail.
#[utoipa::path(get, path = "/alerts/unsubscribe", tag = "alerts", operation_id = "show_unsubscribe",
    security(()), params(UnsubscribeQuery),
    responses((status = 200, body = String, content_type = "text/html"), Refusal))]
pub(in crate::portal) async fn look(
    public: Public,
    extract::State(portal): State,
    Query(query): Query<UnsubscribeQuery>,
) -> Result<Response, ApiError> {
    let found = portal.store.subscriber(&query.token).await?;
    let Some((email, project)) = found else {
        return Err(portal.ended_link(&public));
    };
    let (email, project) = (escaped(&email), escaped(&project));
    Ok(page(&format!(
        "<h1>No more mail?</h1><p>{email} gets mail when a sync of the project {project} is in trouble.</p>\
         <form method=\"post\"><button>Send no more to this address</button></form>"
    )))
}

/// Ends a project's mail to an address.
#[utoipa::path(post, path = "/alerts/unsubscribe", tag = "alerts", operation_id = "unsubscribe",
    security(()), params(UnsubscribeQuery),
    responses((status = 200, body = String, content_type = "text/html"), Refusal))]
pub(in crate::portal) async fn unsubscribe(
    public: Public,
    extract::State(portal): State,
    Query(query): Query<UnsubscribeQuery>,
) -> Result<Response, ApiError> {
    let ended = portal
        .store
        .unsubscribe(&query.token, &public.caller)
        .await?;
    let Some((email, project)) = ended else {
        return Err(portal.ended_link(&public));
    };
    let (email, project) = (escaped(&email), escaped(&project));
    Ok(page(&format!(
        "<h1>Done</h1><p>{email} gets no more mail about the project {project}.</p>"
    )))
}

fn page(body: &str) -> Response {
    let html = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Millstream</title>\
         <meta name=\"viewport\" content=\"width=device-width\">\
         <style>body{{font:1rem/1.5 system-ui;max-width:32rem;margin:4rem auto;padding:0 1rem}}\
         button{{font:inherit;padding:.5rem 1rem}}</style>{body}</html>"
    );
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::REFERRER_POLICY, "same-origin"),
        (header::CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("x-content-type-options"), "nosniff"),
    ];
    (headers, html).into_response()
}

/// A text in HTML.
fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;").replace('"', "&quot;")
}
