//! The HTTP client: one request, one answer.
//!
//! HTTP/1.1 connections are not driven by tasks of their own: the future that waits for an answer
//! drives the connection that it comes over. That saves two task switches a request, and a request
//! that is given up closes its connection at once. HTTP/2 connections are shared and have a task
//! each.

mod body;
mod connect;
mod http1;
mod http2;
mod io;
mod pool;
mod tls;

use std::fmt;
use std::io::ErrorKind;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderName};
use http::{HeaderMap, HeaderValue, Method, Request, Uri};
use http_body_util::Full;
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::config::Client as Config;
use crate::egress::Guard;
use crate::transport::{BodyEnd, Connecting, Response, Transport, TransportError};
use body::{Received, Sink};
use connect::{Connector, Dialed};
use pool::{Destination, Pool};

/// A pooled HTTP client. Cheap to clone; the clones share their connections.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    connector: Arc<Connector>,
    pool: Arc<Pool>,
    connect_timeout: Duration,
    request_timeout: Duration,
    max_response_bytes: usize,
    /// Ends the client's tasks with it.
    _stop: DropGuard,
}

/// Why a client can't be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The file of trusted certificates can't be used.
    #[error("can't read certificates from {}", path.display())]
    CaFile {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        source: rustls::pki_types::pem::Error,
    },
    /// The file of trusted certificates has none.
    #[error("{} has no certificate in PEM form", path.display())]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// A certificate in the file can't be trusted as an authority.
    #[error("a certificate in {} can't be used", path.display())]
    Certificate {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: rustls::Error,
    },
    /// TLS can't be set up.
    #[error("can't set up TLS")]
    Tls(#[from] rustls::Error),
}

/// A request came back because nothing of it was sent: the connection had been closed before.
struct NotSent(Request<Full<Bytes>>);

/// Headers that belong to the connection, not to the request: the client sets them itself, so that
/// no caller can break the framing.
const CONNECTION_HEADERS: [HeaderName; 9] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::EXPECT,
    header::HOST,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("keep-alive"),
];

impl Client {
    /// Whether the files that `config` names can be used.
    ///
    /// # Errors
    ///
    /// What [`Client::new`] would fail with.
    pub fn check_files(config: &Config) -> Result<(), SetupError> {
        tls::add_own(&mut rustls::RootCertStore::empty(), config)
    }

    /// A client that connects to what `guard` lets pass. Must be called within a Tokio runtime: a
    /// task closes unused connections for as long as a clone of the client lives.
    ///
    /// # Errors
    ///
    /// When the trusted certificates can't be read.
    pub fn new(config: &Config, guard: Guard) -> Result<Self, SetupError> {
        let tls = tls::client_config(config)?;
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let pool = Arc::new(Pool::new(config));
        tasks.spawn({
            let pool = Arc::clone(&pool);
            let stop = stop.clone();
            async move {
                stop.run_until_cancelled(pool.sweep_regularly()).await;
            }
        });
        Ok(Self {
            inner: Arc::new(Inner {
                connector: Arc::new(Connector::new(guard, tls, tasks, stop.clone())),
                pool,
                connect_timeout: config.connect_timeout,
                request_timeout: config.request_timeout,
                max_response_bytes: config.max_response_bytes,
                _stop: stop.drop_guard(),
            }),
        })
    }

    /// Sends `request`, whose address must be absolute, once. `Host` and the headers of framing
    /// are set by the client. A connection that turns out to have been closed before anything was
    /// sent is replaced; nothing is ever sent twice.
    ///
    /// # Errors
    ///
    /// Why there is no answer. As soon as there is a status there is a [`Response`].
    pub async fn request(&self, request: Request<Bytes>) -> Result<Response, TransportError> {
        self.request_bounded(request, self.inner.max_response_bytes)
            .await
    }

    /// Like [`request`](Self::request), reading at most `max_response_bytes` of the answer's body.
    ///
    /// # Errors
    ///
    /// As for [`request`](Self::request).
    pub async fn request_bounded(
        &self,
        request: Request<Bytes>,
        max_response_bytes: usize,
    ) -> Result<Response, TransportError> {
        let inner = &*self.inner;
        let destination = inner.pool.destination(request.uri())?;
        let mut received = Received::new(max_response_bytes);
        let exchange = inner.exchange(&destination, request, &mut received);
        match tokio::time::timeout(inner.request_timeout, exchange).await {
            Ok(Ok(end)) => received.into_response(end),
            Ok(Err(error)) => return Err(error),
            Err(_elapsed) => received.into_response(BodyEnd::Broken),
        }
        .ok_or_else(|| TransportError::ResponseTimeout {
            host: destination.host().to_owned(),
            after: inner.request_timeout,
        })
    }
}

impl Client {
    /// Like [`request`](Self::request), handing the body of an answer that is no refusal to `take` as it
    /// comes: until it ends, `take` has enough, or nothing came for `silence`. The response's own body is
    /// empty then.
    ///
    /// # Errors
    ///
    /// As for [`request`](Self::request).
    pub async fn request_streamed(
        &self,
        request: Request<Bytes>,
        silence: Duration,
        take: &mut (dyn FnMut(&[u8]) -> ControlFlow<()> + Send),
    ) -> Result<Response, TransportError> {
        let inner = &*self.inner;
        let destination = inner.pool.destination(request.uri())?;
        let mut received =
            Received::new(inner.max_response_bytes).with_sink(Sink { silence, take });
        let end = inner.exchange(&destination, request, &mut received).await?;
        received
            .into_response(end)
            .ok_or_else(|| TransportError::ResponseTimeout {
                host: destination.host().to_owned(),
                after: silence,
            })
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

impl Transport for Client {
    async fn send(&self, request: Request<Bytes>) -> Result<Response, TransportError> {
        self.request(request).await
    }
}

impl Inner {
    /// Sends `request` over the first connection that takes it, and reads the answer into
    /// `received`.
    async fn exchange(
        &self,
        destination: &Arc<Destination>,
        request: Request<Bytes>,
        received: &mut Received<'_>,
    ) -> Result<BodyEnd, TransportError> {
        let (mut head, body) = request.into_parts();
        // Looked for first, since removing looks up each name and there is seldom one.
        if head
            .headers
            .keys()
            .any(|name| CONNECTION_HEADERS.contains(name))
        {
            for name in &CONNECTION_HEADERS {
                head.headers.remove(name);
            }
        }
        state_empty_body(&head.method, &body, &mut head.headers);
        let uri = std::mem::take(&mut head.uri);
        let mut request = Request::from_parts(head, Full::new(body));
        loop {
            let (connection, took) = match self.pool.take(destination) {
                Some(connection) => (connection, None),
                // Boxed, for it is large and seldom needed.
                None => Box::pin(self.connect(destination)).await?,
            };
            let fresh = took.is_some();
            received.begin(took);
            let sent = match connection {
                Dialed::Http1(mut connection) => {
                    *request.uri_mut() = origin_form(&uri);
                    let host = destination.host_header().clone();
                    request.headers_mut().insert(header::HOST, host);
                    let sent = connection.exchange(request, received).await;
                    if matches!(sent, Ok(Ok(BodyEnd::Complete))) && connection.is_reusable().await {
                        self.pool.put_back(destination, connection);
                    }
                    sent
                }
                Dialed::Http2(mut connection) => {
                    *request.uri_mut() = uri.clone();
                    request.headers_mut().remove(header::HOST);
                    let sent = connection.exchange(request, received).await;
                    if sent.is_err() {
                        destination.stop_sharing();
                    }
                    sent
                }
            };
            let failed = |source| TransportError::from_exchange(destination.host(), source);
            match sent {
                Ok(answer) => return answer.map_err(failed),
                Err((NotSent(_), error)) if fresh => return Err(failed(error)),
                Err((NotSent(unsent), _)) => request = unsent,
            }
        }
    }

    /// A connection, and how long a new one took: one that another request is done with, or one
    /// that is made when it is this request's turn to connect, whichever comes first.
    async fn connect(
        &self,
        destination: &Arc<Destination>,
    ) -> Result<(Dialed, Option<Connecting>), TransportError> {
        let waiting = destination.wait();
        let mut turn = pin!(destination.turn_to_connect());
        let mut dialing = None;
        let connecting = async {
            loop {
                let mut freed = pin!(waiting.freed());
                freed.as_mut().enable();
                if let Some(connection) = self.pool.take(destination) {
                    return Ok((connection, None));
                }
                match &mut dialing {
                    None => tokio::select! {
                        biased;
                        () = freed => {}
                        turn = &mut turn => {
                            // The one who had the turn before may have brought one to share.
                            if let Some(connection) = self.pool.take(destination) {
                                return Ok((connection, None));
                            }
                            dialing = Some(self.dial(destination, turn));
                        }
                    },
                    Some(dialing) => tokio::select! {
                        biased;
                        told = dialing => return match told {
                            Ok(dialed) => dialed.map(|(connection, took)| (connection, Some(took))),
                            // The task ended with its client.
                            Err(_) => Err(no_connection(destination)),
                        },
                        () = freed => {}
                    },
                }
            }
        };
        match tokio::time::timeout(self.connect_timeout, connecting).await {
            Ok(connected) => connected,
            Err(_elapsed) => Err(connect_timeout(destination, self.connect_timeout)),
        }
    }

    /// Connects in a task of its own, so that a connection comes about even when the request that
    /// wanted it finds another one before: the next one will need it.
    fn dial(
        &self,
        destination: &Arc<Destination>,
        turn: OwnedSemaphorePermit,
    ) -> oneshot::Receiver<Result<(Dialed, Connecting), TransportError>> {
        let (told, dialed) = oneshot::channel();
        let (connector, pool) = (Arc::clone(&self.connector), Arc::clone(&self.pool));
        let (destination, limit) = (Arc::clone(destination), self.connect_timeout);
        self.connector.spawn(async move {
            let dialed = match tokio::time::timeout(limit, connector.dial(&destination)).await {
                Ok(dialed) => dialed,
                Err(_elapsed) => Err(connect_timeout(&destination, limit)),
            };
            if let Ok((dialed, _)) = &dialed {
                destination.learn(dialed);
            }
            drop(turn);
            if let Err(Ok((Dialed::Http1(unwanted), _))) = told.send(dialed) {
                pool.put_back(&destination, unwanted);
            }
        });
        dialed
    }
}

fn no_connection(destination: &Destination) -> TransportError {
    TransportError::Connect {
        host: destination.host().to_owned(),
        source: ErrorKind::Interrupted.into(),
    }
}

fn connect_timeout(destination: &Destination, after: Duration) -> TransportError {
    TransportError::ConnectTimeout {
        host: destination.host().to_owned(),
        after,
    }
}

/// The address as HTTP/1.1 sends it: path and query.
fn origin_form(uri: &Uri) -> Uri {
    match uri.path_and_query() {
        Some(path_and_query) => Uri::from(path_and_query.clone()),
        None => Uri::default(),
    }
}

/// Says that there is no body where one would be expected (RFC 9110, section 8.6); any other body
/// states its length by itself.
fn state_empty_body(method: &Method, body: &Bytes, headers: &mut HeaderMap) {
    if body.is_empty() && matches!(*method, Method::POST | Method::PUT | Method::PATCH) {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
}
