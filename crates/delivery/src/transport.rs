//! One try, seen from above: a request goes in, an answer or the reason why there is none comes
//! out.

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use model::outcome::Category;

use crate::egress;

/// Sends one request once. [`Client`](crate::Client) is the real one; tests bring scripted ones.
pub trait Transport: Send + Sync + 'static {
    /// Sends `request` once and waits for the answer.
    ///
    /// # Errors
    ///
    /// Why there is no answer. As soon as there is a status there is a [`Response`].
    fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> impl Future<Output = Result<Response, TransportError>> + Send;
}

impl<T: Transport> Transport for Arc<T> {
    async fn send(&self, request: http::Request<Bytes>) -> Result<Response, TransportError> {
        (**self).send(request).await
    }
}

/// An answer. Once its head has arrived, it counts: a body that breaks off is kept as far as it
/// came.
#[derive(Debug, Clone)]
pub struct Response {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, as far as it was read.
    pub body: Bytes,
    /// How reading the body ended.
    pub body_end: BodyEnd,
    /// How long its parts took.
    pub timing: Timing,
}

/// How long the parts of an exchange took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Timing {
    /// How the connection came about that the request was sent over; `None` when it was there already.
    pub connection: Option<Connecting>,
    /// From sending to the end of the answer's head.
    pub wait: Duration,
}

/// How long a new connection took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Connecting {
    /// Finding the addresses of the host.
    pub lookup: Duration,
    /// Connecting to one of them.
    pub connect: Duration,
    /// The handshake of TLS; `None` without TLS.
    pub tls: Option<Duration>,
}

/// How reading a body ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyEnd {
    /// All of it was read.
    Complete,
    /// There was more than may be read.
    OverLimit,
    /// The connection broke, or time ran out.
    Broken,
}

/// Why a try got no answer. Says the host at most, never the whole address.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// The address can't be requested at all.
    #[error("the address can't be requested: {reason}")]
    Target {
        /// Why not.
        reason: &'static str,
    },
    /// The host may not be connected to.
    #[error(transparent)]
    Blocked(#[from] egress::Blocked),
    /// The name did not resolve.
    #[error("{host} did not resolve: {source}")]
    Dns {
        /// The host.
        host: String,
        /// What went wrong.
        source: egress::LookupError,
    },
    /// No connection came about.
    #[error("no connection to {host}: {}", source.kind())]
    Connect {
        /// The host.
        host: String,
        /// What the operating system said of the last address tried.
        source: io::Error,
    },
    /// The TLS handshake failed.
    #[error("the TLS handshake with {host} failed: {source}")]
    Tls {
        /// The host.
        host: String,
        /// What went wrong.
        source: io::Error,
    },
    /// No connection came about in time.
    #[error("no connection to {host} within {after:?}")]
    ConnectTimeout {
        /// The host.
        host: String,
        /// The time it had.
        after: Duration,
    },
    /// No answer came in time.
    #[error("no answer from {host} within {after:?}")]
    ResponseTimeout {
        /// The host.
        host: String,
        /// The time it had.
        after: Duration,
    },
    /// The connection broke, or what came over it was not HTTP.
    #[error("the connection to {host} failed: {source}")]
    Protocol {
        /// The host.
        host: String,
        /// What went wrong.
        source: hyper::Error,
    },
}

impl TransportError {
    /// The kind of failure, as it is kept and counted.
    pub fn category(&self) -> Category {
        match self {
            Self::Target { .. } | Self::Blocked(_) => Category::Blocked,
            Self::Dns { .. } => Category::Dns,
            Self::Connect { .. } => Category::Connect,
            Self::Tls { .. } => Category::Tls,
            Self::ConnectTimeout { .. } | Self::ResponseTimeout { .. } => Category::Timeout,
            Self::Protocol { .. } => Category::Protocol,
        }
    }

    /// What an exchange with `host` failed of: TLS can fail after its handshake, when the other
    /// side refuses our part of it.
    pub(crate) fn from_exchange(host: &str, source: hyper::Error) -> Self {
        let host = host.to_owned();
        match tls_failure(&source) {
            Some(alert) => Self::Tls {
                host,
                source: io::Error::other(alert),
            },
            None => Self::Protocol { host, source },
        }
    }

    /// Whether the same request may fare better a moment later.
    pub fn is_transient(&self) -> bool {
        !matches!(self, Self::Target { .. } | Self::Blocked(_))
    }
}

/// The failure of TLS that lies at the bottom of `error`, if one does.
fn tls_failure(error: &hyper::Error) -> Option<rustls::Error> {
    let io = error.source()?.downcast_ref::<io::Error>()?;
    io.get_ref()?.downcast_ref::<rustls::Error>().cloned()
}
