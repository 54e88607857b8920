//! What the control API needs to test a connection: sending is done elsewhere.

use std::time::Duration;

use async_trait::async_trait;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use model::OutboundRequest;
use model::definition::Meaning;
use model::outcome::Failure;

/// Sends requests as deliveries are sent.
#[async_trait]
pub trait Courier: Send + Sync + 'static {
    /// Sends `request` once, as the first try of a delivery's first attempt, and tells what came of
    /// it. Bounded in time and size as deliveries are.
    async fn send_once(&self, request: &OutboundRequest) -> Trial;
}

/// What became of a request.
#[derive(Debug)]
pub struct Trial {
    /// What was answered; `None` when there was no answer.
    pub reply: Option<Reply>,
    /// What that means for a delivery.
    pub means: Meaning,
    /// Why a delivery would not count as made; `None` when it would, or may by one more request.
    pub failure: Option<Failure>,
    /// How long it took.
    pub elapsed: Duration,
}

/// An answer.
#[derive(Debug)]
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, as far as deliveries read it.
    pub body: Bytes,
    /// Whether that is all of it.
    pub complete: bool,
    /// How long its parts took.
    pub timing: Timing,
}

/// How long the parts of an exchange took.
#[derive(Debug, Clone, Copy, Default)]
pub struct Timing {
    /// Finding the host's addresses; `None` where a connection was there already.
    pub lookup: Option<Duration>,
    /// Connecting to one of them; `None` in the same case.
    pub connect: Option<Duration>,
    /// The handshake of TLS; `None` in the same case, and without TLS.
    pub tls: Option<Duration>,
    /// From sending to the end of the answer's head.
    pub wait: Duration,
}
