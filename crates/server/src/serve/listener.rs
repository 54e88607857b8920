//! Takes connections and serves requests on them: HTTP/1.1 and HTTP/2 without TLS, each bounded in
//! number, in the size of heads, and in the time that a head may take.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use hyper::rt::Executor;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use crate::config::Http;

/// What an HTTP/2 client says first.
const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// How long to wait after the system refused a new connection (no file handles, say).
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How long to wait for more of a first line that is too short to tell the protocol.
const DETECT_PAUSE: Duration = Duration::from_millis(10);

/// Requests at once on one HTTP/2 connection.
const STREAMS_PER_CONNECTION: u32 = 250;

/// How often a silent HTTP/2 connection is asked whether it still lives.
const KEEP_ALIVE: Duration = Duration::from_secs(20);

/// Serves connections until `stopping`; those that are open then finish the requests under way.
pub(super) struct Listener {
    /// The bounds.
    pub(super) http: Http,
    /// Connections in use, counted over all listeners.
    pub(super) connections: Arc<Semaphore>,
    /// Owns a task for each connection and each HTTP/2 stream.
    pub(super) tasks: TaskTracker,
    /// Ends it.
    pub(super) stopping: CancellationToken,
}

impl Listener {
    /// Takes connections until told to stop.
    pub(super) async fn run(self, socket: TcpListener, router: Router) {
        let this = Arc::new(self);
        loop {
            let accepted = tokio::select! {
                () = this.stopping.cancelled() => return,
                accepted = this.accept(&socket) => accepted,
            };
            let (stream, peer, permit) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be taken");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let (this, router) = (Arc::clone(&this), router.clone());
            let tasks = this.tasks.clone();
            tasks.spawn(async move {
                if let Err(error) = this.serve(stream, peer, router).await {
                    tracing::debug!(%peer, %error, "a connection broke");
                }
                drop(permit);
            });
        }
    }

    async fn accept(
        &self,
        socket: &TcpListener,
    ) -> io::Result<(TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit)> {
        let permit = Arc::clone(&self.connections)
            .acquire_owned()
            .await
            .map_err(io::Error::other)?;
        let (stream, peer) = socket.accept().await?;
        Ok((stream, peer, permit))
    }

    async fn serve(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        router: Router,
    ) -> Result<(), Error> {
        stream.set_nodelay(true)?;
        let timeout = self.http.header_read_timeout;
        let speaks_http2 = tokio::select! {
            speaks_http2 = speaks_http2(&stream) => speaks_http2?,
            () = tokio::time::sleep(timeout) => return Ok(()),
            () = self.stopping.cancelled() => return Ok(()),
        };
        let mut builder = auto::Builder::new(Tracked(self.tasks.clone()));
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(timeout)
            .max_buf_size(self.http.header_bytes);
        builder
            .http2()
            .timer(TokioTimer::new())
            .keep_alive_interval(KEEP_ALIVE)
            .max_concurrent_streams(STREAMS_PER_CONNECTION)
            .max_header_list_size(u32::try_from(self.http.header_bytes).unwrap_or(u32::MAX));
        // The protocol is known here, because telling it is bounded in time here and not there.
        let builder = if speaks_http2 {
            builder.http2_only()
        } else {
            builder.http1_only()
        };
        let service = service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
            request.extensions_mut().insert(ConnectInfo(peer));
            router.clone().oneshot(request)
        });
        let connection = builder.serve_connection(TokioIo::new(stream), service);
        let mut connection = std::pin::pin!(connection);
        tokio::select! {
            ended = connection.as_mut() => return ended,
            () = self.stopping.cancelled() => connection.as_mut().graceful_shutdown(),
        }
        connection.await
    }
}

type Error = Box<dyn std::error::Error + Send + Sync>;

/// Looks at the first bytes without taking them.
async fn speaks_http2(stream: &TcpStream) -> io::Result<bool> {
    let mut first = [0; HTTP2_PREFACE.len()];
    loop {
        let length = stream.peek(&mut first).await?;
        if length == 0 || !HTTP2_PREFACE.starts_with(&first[..length]) {
            return Ok(false);
        }
        if length == HTTP2_PREFACE.len() {
            return Ok(true);
        }
        tokio::time::sleep(DETECT_PAUSE).await;
    }
}

/// Runs hyper's own tasks where they are waited for.
#[derive(Clone)]
struct Tracked(TaskTracker);

impl<F> Executor<F> for Tracked
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    fn execute(&self, task: F) {
        self.0.spawn(task);
    }
}
