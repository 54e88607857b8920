//! What is done to every request: an id, a line in the log, a refusal while the server ends.

use std::sync::Arc;
use std::time::Duration;

use api::auth::RequestId;
use api::portal::ApiError;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use model::Random;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::page;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Gives the request an id, which every line of the log about it carries and the answer names.
pub(super) async fn identify(
    State(random): State<Arc<dyn Random>>,
    mut request: Request,
    next: Next,
) -> Response {
    let id = format!("{:016x}", random.next_u64());
    request.extensions_mut().insert(RequestId(id.clone()));
    let span =
        tracing::info_span!("request", id, method = %request.method(), path = request.uri().path());
    let mut response = async {
        let response = next.run(request).await;
        let status = response.status();
        // A 503 is no fault of the request's: whoever refuses says why, once a while.
        if status.is_server_error() && status != StatusCode::SERVICE_UNAVAILABLE {
            tracing::warn!(status = status.as_u16(), "answered");
        } else {
            tracing::debug!(status = status.as_u16(), "answered");
        }
        response
    }
    .instrument(span)
    .await;
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// When to refuse requests, and how: each API says it in its own form.
#[derive(Clone)]
pub(super) struct Ending {
    pub(super) begun: CancellationToken,
    pub(super) refusal: fn() -> Response,
}

/// Refuses new requests once the server is ending: what isn't begun now would hold it up.
pub(super) async fn refuse_when_ending(
    State(ending): State<Ending>,
    request: Request,
    next: Next,
) -> Response {
    if ending.begun.is_cancelled() {
        return (ending.refusal)();
    }
    next.run(request).await
}

/// Gives up on a request that takes longer than this.
pub(super) async fn limit_time(
    State(limit): State<Duration>,
    request: Request,
    next: Next,
) -> Response {
    let answered = tokio::time::timeout(limit, next.run(request)).await;
    answered.unwrap_or_else(|_| ApiError::TimedOut.into_response())
}

/// Answers what no route takes: with problem details, as the control API answers. The paths of ingest
/// have answers of their own.
pub(super) fn with_fallbacks(router: Router) -> Router {
    router
        .fallback(|| async { page::no_path() })
        .method_not_allowed_fallback(|| async { ApiError::MethodNotAllowed })
}

/// The same where the page is, which is also what browsers get at an address that leads nowhere.
pub(super) fn with_page_and_fallbacks(router: Router) -> Router {
    with_fallbacks(router).fallback(page::nowhere)
}
