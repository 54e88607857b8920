//! An HTTP/2 connection, shared by all requests to its destination.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use hyper::client::conn::http2;
use hyper_util::rt::TokioTimer;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::NotSent;
use super::body::Received;
use super::io::Stream;
use crate::transport::BodyEnd;

/// How often a busy connection is checked for life, and how long the answer may take.
const PING_INTERVAL: Duration = Duration::from_secs(20);
const PING_TIMEOUT: Duration = Duration::from_secs(10);

/// The most that the head of an answer may have, in bytes.
const MAX_HEAD_BYTES: u32 = 64 * 1024;

/// A handle on a shared connection, which ends with its last handle.
#[derive(Clone)]
pub(super) struct Http2 {
    sender: http2::SendRequest<Full<Bytes>>,
}

impl Http2 {
    pub(super) async fn handshake(
        stream: Stream,
        tasks: &TaskTracker,
        stop: &CancellationToken,
    ) -> hyper::Result<Self> {
        let (sender, connection) = http2::Builder::new(Executor(tasks.clone()))
            .timer(TokioTimer::new())
            .keep_alive_interval(PING_INTERVAL)
            .keep_alive_timeout(PING_TIMEOUT)
            .max_header_list_size(MAX_HEAD_BYTES)
            .handshake(stream)
            .await?;
        let stop = stop.clone();
        tasks.spawn(async move {
            // What goes wrong is told to the requests that it happens to.
            let _ = stop.run_until_cancelled(connection).await;
        });
        Ok(Self { sender })
    }

    /// Sends `request` and reads the answer into `received`. The outer error gives the request
    /// back.
    pub(super) async fn exchange(
        &mut self,
        request: Request<Full<Bytes>>,
        received: &mut Received<'_>,
    ) -> Result<hyper::Result<BodyEnd>, (NotSent, hyper::Error)> {
        match self.sender.try_send_request(request).await {
            Ok(response) => Ok(Ok(received.read(response).await)),
            Err(mut error) => match error.take_message() {
                Some(request) => Err((NotSent(request), error.into_error())),
                None => Ok(Err(error.into_error())),
            },
        }
    }

    /// Whether requests can be sent.
    pub(super) fn is_open(&self) -> bool {
        self.sender.is_ready()
    }
}

/// Runs a connection's helper tasks among the client's own.
#[derive(Clone)]
struct Executor(TaskTracker);

impl<F> hyper::rt::Executor<F> for Executor
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    fn execute(&self, future: F) {
        self.0.spawn(future);
    }
}
