//! The receiver's HTTP face: where requests arrive, where they are listed, and the page.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{any, get};
use axum::{Json, Router};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use super::{Page, Receiver, Recorded, mask};

/// The longest answer delay that a request may ask for, and the longest wait for news.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// The most requests in one page.
const LARGEST_PAGE: usize = 500;

/// Longest name of an inbox.
const LONGEST_NAME: usize = 64;

#[derive(Clone)]
struct Shared {
    receiver: Arc<Receiver>,
    stopping: CancellationToken,
}

/// The routes, all below `/receiver`. Those who wait for news are sent home when `stopping` is
/// cancelled.
pub(crate) fn router(receiver: Arc<Receiver>, stopping: CancellationToken) -> Router {
    Router::new()
        .route(
            "/receiver",
            get(|| async { Redirect::permanent("/receiver/") }),
        )
        .route(
            "/receiver/",
            get(|| asset("text/html; charset=utf-8", include_str!("page/index.html"))),
        )
        .route(
            "/receiver/page.css",
            get(|| asset("text/css; charset=utf-8", include_str!("page/page.css"))),
        )
        .route(
            "/receiver/page.js",
            get(|| {
                asset(
                    "text/javascript; charset=utf-8",
                    include_str!("page/page.js"),
                )
            }),
        )
        .route(
            "/receiver/icon.svg",
            get(|| asset("image/svg+xml", include_str!("page/icon.svg"))),
        )
        .route("/receiver/api", get(names))
        .route("/receiver/api/{name}", get(list).delete(clear))
        .route("/receiver/in/{name}", any(receive))
        .route("/receiver/in/{name}/{*rest}", any(receive_below))
        .with_state(Shared { receiver, stopping })
}

/// A file of the page. Nothing may be loaded from elsewhere, and no script may stand in the HTML.
async fn asset(content_type: &'static str, text: &'static str) -> Response {
    const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; \
                          base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    let headers = [
        (header::CONTENT_TYPE, content_type),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, text).into_response()
}

async fn names(State(shared): State<Shared>) -> impl IntoResponse {
    uncached(Json(shared.receiver.all_counts()))
}

#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ListQuery {
    /// The newest sequence number that the caller has.
    after: u64,
    /// How many requests at most, the newest ones.
    limit: usize,
    /// How long to wait for a request newer than `after`.
    wait_ms: u64,
}

impl Default for ListQuery {
    fn default() -> Self {
        Self {
            after: 0,
            limit: 100,
            wait_ms: 0,
        }
    }
}

async fn list(
    State(shared): State<Shared>,
    Path(name): Path<String>,
    Query(query): Query<ListQuery>,
) -> Response {
    let limit = query.limit.min(LARGEST_PAGE);
    let wait = Duration::from_millis(query.wait_ms).min(LONGEST_WAIT);
    let deadline = shared.receiver.clock.sleep(wait);
    let news = news(&shared.receiver, &name, query.after, limit);
    let page = tokio::select! {
        page = news => page,
        () = deadline => shared.receiver.page(&name, query.after, limit),
        () = shared.stopping.cancelled() => shared.receiver.page(&name, query.after, limit),
    };
    uncached(Json(page)).into_response()
}

/// The next page that differs from what the caller has.
async fn news(receiver: &Receiver, name: &str, after: u64, limit: usize) -> Page {
    let mut changed = receiver.changed.subscribe();
    loop {
        let page = receiver.page(name, after, limit);
        if page.last != after {
            return page;
        }
        // The sender lives as long as the receiver, which is borrowed here.
        if changed.changed().await.is_err() {
            return page;
        }
    }
}

async fn clear(State(shared): State<Shared>, Path(name): Path<String>) -> StatusCode {
    match shared.receiver.clear(&name) {
        true => StatusCode::NO_CONTENT,
        false => StatusCode::NOT_FOUND,
    }
}

/// What a request may ask of its own answer: for experiments.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Answer {
    status: Option<u16>,
    delay_ms: u64,
    retry_after: Option<u32>,
}

async fn receive_below(
    shared: State<Shared>,
    Path((name, _rest)): Path<(String, String)>,
    query: Query<Answer>,
    request: Request<Body>,
) -> Response {
    receive(shared, Path(name), query, request).await
}

async fn receive(
    State(Shared { receiver, stopping }): State<Shared>,
    Path(name): Path<String>,
    Query(answer): Query<Answer>,
    request: Request<Body>,
) -> Response {
    let legal = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if name.len() > LONGEST_NAME || !name.chars().all(legal) {
        let rule = format!("a name has at most {LONGEST_NAME} letters, digits, '-', '_' and '.'");
        return (StatusCode::BAD_REQUEST, rule).into_response();
    }
    let Some(status) = answer_status(&answer) else {
        return (
            StatusCode::BAD_REQUEST,
            "status must be between 200 and 599",
        )
            .into_response();
    };
    let received_at = receiver.now();
    let (parts, body) = request.into_parts();
    let limited = Limited::new(body, receiver.config.body_max_bytes)
        .collect()
        .await;
    let body = match limited {
        Ok(collected) => collected.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => {
            return StatusCode::PAYLOAD_TOO_LARGE.into_response();
        }
        Err(_) => return StatusCode::BAD_REQUEST.into_response(),
    };
    let kept = &body[..body.len().min(receiver.config.body_kept_bytes)];
    let text_header = |name: &str| {
        parts
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    let recorded = Recorded {
        sequence: 0,
        received_at: received_at.millis(),
        method: parts.method.to_string(),
        path: parts
            .uri
            .path_and_query()
            .map_or_else(String::new, ToString::to_string),
        headers: shown_headers(&parts.headers),
        body: String::from_utf8_lossy(kept).into_owned(),
        body_bytes: body.len(),
        delivery_id: text_header("millstream-delivery-id").map(str::to_owned),
        attempt: text_header("millstream-attempt").and_then(|text| text.parse().ok()),
        repeated: false,
        status: status.as_u16(),
    };
    if let Err(error) = receiver.record(&name, recorded) {
        return (StatusCode::INSUFFICIENT_STORAGE, error.to_string()).into_response();
    }
    let delay = Duration::from_millis(answer.delay_ms).min(LONGEST_WAIT);
    if !delay.is_zero() {
        tokio::select! {
            () = receiver.clock.sleep(delay) => {}
            () = stopping.cancelled() => {}
        }
    }
    let mut response = status.into_response();
    if let Some(seconds) = answer.retry_after {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

fn answer_status(answer: &Answer) -> Option<StatusCode> {
    let code = answer.status.unwrap_or(200);
    // 1xx announces another answer, which wouldn't come.
    StatusCode::from_u16(code)
        .ok()
        .filter(|_| (200..600).contains(&code))
}

fn shown_headers(headers: &HeaderMap) -> Vec<(String, String)> {
    let shown = |(name, value): (&header::HeaderName, &HeaderValue)| {
        let text = String::from_utf8_lossy(value.as_bytes());
        (name.to_string(), mask::header_value(name.as_str(), &text))
    };
    headers.iter().map(shown).collect()
}

fn uncached(response: impl IntoResponse) -> impl IntoResponse {
    ([(header::CACHE_CONTROL, "no-store")], response)
}
