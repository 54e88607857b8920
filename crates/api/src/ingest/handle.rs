//! A request's way through ingest, from the connection to the journal and back.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use journal::{AcceptError, Batch};
use metrics::{counter, histogram};

use super::Ingest;
use super::answer::{Refusal, Success};
use super::body::{self, Bounds, Received};
use super::identify::Subject;
use super::throttle::Scope;
use super::upload::{Reception, Upload};

/// What is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Endpoint {
    HttpApi,
    Batch,
    Identify,
    GroupIdentify,
}

impl Endpoint {
    /// The label of metrics.
    fn name(self) -> &'static str {
        match self {
            Self::HttpApi => "httpapi",
            Self::Batch => "batch",
            Self::Identify => "identify",
            Self::GroupIdentify => "groupidentify",
        }
    }
}

pub(super) async fn httpapi(State(ingest): State<Arc<Ingest>>, request: Request) -> Response {
    serve(ingest, Endpoint::HttpApi, request).await
}

pub(super) async fn batch(State(ingest): State<Arc<Ingest>>, request: Request) -> Response {
    serve(ingest, Endpoint::Batch, request).await
}

pub(super) async fn identify(State(ingest): State<Arc<Ingest>>, request: Request) -> Response {
    serve(ingest, Endpoint::Identify, request).await
}

pub(super) async fn identify_query(
    State(ingest): State<Arc<Ingest>>,
    request: Request,
) -> Response {
    serve(ingest, Endpoint::Identify, with_query_as_body(request)).await
}

pub(super) async fn group_identify(
    State(ingest): State<Arc<Ingest>>,
    request: Request,
) -> Response {
    serve(ingest, Endpoint::GroupIdentify, request).await
}

pub(super) async fn group_identify_query(
    State(ingest): State<Arc<Ingest>>,
    request: Request,
) -> Response {
    serve(ingest, Endpoint::GroupIdentify, with_query_as_body(request)).await
}

/// A GET says in its query what a POST says in its form, in the same encoding.
fn with_query_as_body(request: Request) -> Request {
    let (mut head, _) = request.into_parts();
    let query = head.uri.query().unwrap_or_default().to_owned();
    head.headers.remove(header::CONTENT_ENCODING);
    head.headers.remove(header::CONTENT_LENGTH);
    Request::from_parts(head, query.into())
}

async fn serve(ingest: Arc<Ingest>, endpoint: Endpoint, request: Request) -> Response {
    match take(&ingest, endpoint, request).await {
        // What the original answers here, and its clients compare with.
        Ok(_) if matches!(endpoint, Endpoint::Identify | Endpoint::GroupIdentify) => {
            "success".into_response()
        }
        Ok(success) => success.into_response(),
        Err(refusal) => {
            let reason = refusal.reason();
            counter!("millstream_ingest_refused_requests_total", "endpoint" => endpoint.name(), "reason" => reason)
                .increment(1);
            tracing::debug!(endpoint = endpoint.name(), reason, "request refused");
            if let Refusal::Unavailable { cause, .. } = &refusal
                && let Some(requests) = ingest.outages.note(reason, ingest.clock.now())
            {
                tracing::warn!(reason, requests, "events are refused with 503: {cause}");
            }
            refusal.into_response()
        }
    }
}

/// Takes a request whole, or not at all.
async fn take(
    ingest: &Arc<Ingest>,
    endpoint: Endpoint,
    request: Request,
) -> Result<Success, Refusal> {
    let (head, body) = request.into_parts();
    let peer = head.extensions.get::<ConnectInfo<SocketAddr>>();
    let peer = peer.map(|ConnectInfo(address)| address.ip());
    let uploader = ingest.config.uploader(peer, &head.headers);
    let limit = match endpoint {
        Endpoint::Batch => ingest.config.batch_body_bytes,
        _ => ingest.config.httpapi_body_bytes,
    };
    let bounds = Bounds {
        bytes: limit,
        idle: ingest.config.body_idle_timeout,
        total: ingest.config.body_total_timeout,
        budget: &ingest.budget,
    };
    let received = body::receive(body, &head.headers, &bounds, &*ingest.clock).await?;
    let received_at = ingest.clock.now();

    let is_heavy = received.is_heavy();
    let reader = {
        let ingest = Arc::clone(ingest);
        move || {
            let reception = Reception {
                projects: &*ingest.projects,
                random: &*ingest.random,
                received_at,
                uploader,
            };
            read(endpoint, &received, limit, &reception)
        }
    };
    let (upload, bytes) = if is_heavy {
        let turn = Arc::clone(&ingest.readers).acquire_owned().await;
        let task = tokio::task::spawn_blocking(move || {
            // Kept here, as reading goes on even when the client goes away. The semaphore is never
            // closed; if it were, reading without a turn would still be right.
            let _turn = turn;
            reader()
        });
        task.await.map_err(|_| Refusal::Internal)??
    } else {
        reader()?
    };

    let (scope, threshold) = match endpoint {
        Endpoint::Batch => (Scope::Batch, upload.project.batch_eps),
        _ => (Scope::Direct, upload.project.httpapi_eps),
    };
    let Upload { project, events } = upload;
    let project = project.project;
    let count = events.len();
    if count > 0 {
        let counted = ingest
            .throttle
            .count(project, scope, threshold, &events, received_at)
            .map_err(Refusal::Throttled)
            .inspect_err(|refusal| count_refused(refusal, count))?;
        let batch = Batch {
            project,
            received_at,
            events,
        };
        let accepted = ingest
            .journal
            .accept(batch)
            .await
            .map_err(|error| unavailable(&error))
            // The client sends the same events again.
            .inspect_err(|_| ingest.throttle.take_back(&counted))
            .inspect_err(|refusal| count_refused(refusal, count))?;
        counter!("millstream_ingest_accepted_events_total", "endpoint" => endpoint.name())
            .increment(accepted.appended as u64);
        counter!("millstream_ingest_duplicate_events_total", "endpoint" => endpoint.name())
            .increment(accepted.duplicates as u64);
    }
    histogram!("millstream_ingest_request_bytes", "endpoint" => endpoint.name())
        .record(bytes as f64);
    Ok(Success::new(count, bytes, received_at.millis()))
}

/// Decodes, validates and normalises a body; returns its decoded size too.
fn read(
    endpoint: Endpoint,
    received: &Received,
    limit: usize,
    reception: &Reception<'_>,
) -> Result<(Upload, usize), Refusal> {
    let body = received.decode(limit)?;
    let upload = match endpoint {
        Endpoint::HttpApi | Endpoint::Batch => reception.events(&body),
        Endpoint::Identify => reception.identifications(Subject::User, &body),
        Endpoint::GroupIdentify => reception.identifications(Subject::Group, &body),
    }?;
    Ok((upload, body.len()))
}

fn count_refused(refusal: &Refusal, events: usize) {
    counter!("millstream_ingest_refused_events_total", "reason" => refusal.reason())
        .increment(events as u64);
}

fn unavailable(error: &AcceptError) -> Refusal {
    Refusal::Unavailable {
        retry_after: error.retry_after(),
        reason: match error {
            AcceptError::Busy => "journal_busy",
            AcceptError::BacklogFull { .. } => "backlog_full",
            AcceptError::DiskFull => "disk_full",
            AcceptError::Storage(_) => "storage_failed",
            AcceptError::Closed => "closing",
        },
        cause: error.to_string(),
    }
}
