//! A request's way through ingest, from the connection to the journal and back.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use journal::{AcceptError, Batch};
use metrics::{counter, histogram};
use model::{ApiKey, Timestamp};

use super::Ingest;
use super::answer::{Refusal, Success};
use super::body::{self, Beginning, Bounds, Received};
use super::identify::Subject;
use super::throttle::Scope;
use super::upload::{Reception, Upload};
use super::{ProjectIngest, ReadError};

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

    /// Where it is served.
    fn path(self) -> &'static str {
        match self {
            Self::HttpApi => "/2/httpapi",
            Self::Batch => "/batch",
            Self::Identify => "/identify",
            Self::GroupIdentify => "/groupidentify",
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
    let uploader = crate::proxy::origin(&ingest.config.trusted_proxies, peer, &head.headers);
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
    let mut beginning = Beginning::default();
    let received =
        body::receive(body, &head.headers, &bounds, &*ingest.clock, &mut beginning).await;
    let received = match received {
        Ok(received) => received,
        Err(refusal) => {
            let path = endpoint.path();
            ingest.sample_broken_off(path, beginning, &refusal).await;
            return Err(refusal);
        }
    };
    let received_at = ingest.clock.now();

    let request = Arc::new(Parsing {
        endpoint,
        received,
        limit,
        received_at,
        uploader,
    });
    let taken = take_received(ingest, &request).await;
    if let Err(refusal) = &taken {
        let (path, received) = (endpoint.path(), &request.received);
        ingest.sample_refused(path, received, limit, refusal).await;
    }
    taken
}

/// Takes a request that has come in whole.
async fn take_received(ingest: &Arc<Ingest>, request: &Arc<Parsing>) -> Result<Success, Refusal> {
    let (endpoint, received_at) = (request.endpoint, request.received_at);
    let (upload, bytes) = match parse(ingest, request, None).await {
        // Rare: read from the database, then the request again from its beginning.
        Err(Refusal::UnreadKey(key)) => {
            let read = ingest.projects.read(key).await;
            let project = read.map_err(|error| unreadable(&error))?;
            parse(ingest, request, Some((key, project))).await?
        }
        parsed => parsed?,
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

/// A request that has come in whole.
struct Parsing {
    endpoint: Endpoint,
    received: Received,
    limit: usize,
    received_at: Timestamp,
    uploader: Option<IpAddr>,
}

/// Reads a request, a large one on a thread of its own. `project`: that of a key which was
/// not known.
async fn parse(
    ingest: &Arc<Ingest>,
    request: &Arc<Parsing>,
    project: Option<(ApiKey, Option<Arc<ProjectIngest>>)>,
) -> Result<(Upload, usize), Refusal> {
    let reader = {
        let (ingest, request) = (Arc::clone(ingest), Arc::clone(request));
        move || {
            let reception = Reception {
                projects: &*ingest.projects,
                read: project.as_ref(),
                random: &*ingest.random,
                received_at: request.received_at,
                uploader: request.uploader,
            };
            read(
                request.endpoint,
                &request.received,
                request.limit,
                &reception,
            )
        }
    };
    if !request.received.is_heavy() {
        return reader();
    }
    let turn = Arc::clone(&ingest.readers).acquire_owned().await;
    let task = tokio::task::spawn_blocking(move || {
        // Kept here, as reading goes on even when the client goes away. The semaphore is never
        // closed; if it were, reading without a turn would still be right.
        let _turn = turn;
        reader()
    });
    task.await.map_err(|_| Refusal::Internal)?
}

fn unreadable(error: &ReadError) -> Refusal {
    use std::error::Error;
    Refusal::Unavailable {
        retry_after: Duration::from_secs(5),
        reason: "store_unavailable",
        cause: error.source().map(ToString::to_string).unwrap_or_default(),
    }
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
