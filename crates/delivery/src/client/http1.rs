//! An HTTP/1.1 connection that is driven by whoever uses it.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use hyper::client::conn::http1;

use super::NotSent;
use super::body::Received;
use super::io::Stream;
use crate::transport::BodyEnd;

/// The most that the head of an answer may have, in bytes.
const MAX_HEAD_BYTES: usize = 64 * 1024;

pub(super) struct Http1 {
    sender: http1::SendRequest<Full<Bytes>>,
    driver: Driver,
}

/// Moves bytes between the stream and whoever waits for an answer.
struct Driver(Option<Box<http1::Connection<Stream, Full<Bytes>>>>);

impl Http1 {
    pub(super) async fn handshake(stream: Stream) -> hyper::Result<Self> {
        let (sender, connection) = http1::Builder::new()
            .max_buf_size(MAX_HEAD_BYTES)
            .handshake(stream)
            .await?;
        Ok(Self {
            sender,
            driver: Driver(Some(Box::new(connection))),
        })
    }

    /// Sends `request` and reads the answer into `received`. The outer error gives the request
    /// back.
    pub(super) async fn exchange(
        &mut self,
        request: Request<Full<Bytes>>,
        received: &mut Received<'_>,
    ) -> Result<hyper::Result<BodyEnd>, (NotSent, hyper::Error)> {
        let answer = self.sender.try_send_request(request);
        let exchange = async {
            match answer.await {
                Ok(response) => Ok(Ok(received.read(response).await)),
                Err(mut error) => match error.take_message() {
                    Some(request) => Err((NotSent(request), error.into_error())),
                    None => Ok(Err(error.into_error())),
                },
            }
        };
        self.driver.run(exchange).await
    }

    /// Whether another request can be sent, after an answer has been read to its end.
    pub(super) async fn is_reusable(&mut self) -> bool {
        if !self.sender.is_ready() {
            // The end of the body may have to be noticed yet.
            poll_fn(|cx| {
                self.driver.poll(cx);
                Poll::Ready(())
            })
            .await;
        }
        self.driver.0.is_some() && self.sender.is_ready()
    }

    /// Whether the connection still stands, as far as can be told without waiting.
    pub(super) fn is_open(&mut self) -> bool {
        self.driver.poll(&mut Context::from_waker(Waker::noop()));
        self.driver.0.is_some()
    }
}

impl Driver {
    /// Drives the connection until `exchange`, which waits for what comes over it, is done.
    async fn run<T>(&mut self, exchange: impl Future<Output = T>) -> T {
        let mut exchange = pin!(exchange);
        poll_fn(|cx| {
            self.poll(cx);
            if let Poll::Ready(done) = exchange.as_mut().poll(cx) {
                return Poll::Ready(done);
            }
            Poll::Pending
        })
        .await
    }

    /// Moves what can be moved. A connection that has ended is dropped, which tells those who wait
    /// for it; its errors reach them, too.
    fn poll(&mut self, cx: &mut Context<'_>) {
        if let Some(connection) = &mut self.0
            && Pin::new(connection).poll(cx).is_ready()
        {
            self.0 = None;
        }
    }
}
