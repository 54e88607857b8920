//! Reading an answer up to a bound.

use std::ops::ControlFlow;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::response::Parts;
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use tokio::time::Instant;

use crate::transport::{BodyEnd, Connecting, Response, Timing};

/// What has been received of an answer. Filled in place, so that what there is survives when the
/// time for the rest runs out.
pub(super) struct Received<'s> {
    head: Option<Parts>,
    body: BodyBytes,
    limit: usize,
    sink: Option<Sink<'s>>,
    timing: Timing,
    began: Instant,
}

/// Takes the body of an answer that is no refusal as it comes, however long that goes on.
pub(super) struct Sink<'s> {
    /// How long nothing may come.
    pub(super) silence: Duration,
    pub(super) take: &'s mut (dyn FnMut(&[u8]) -> ControlFlow<()> + Send),
}

/// A body that, as most do, arrives in one piece is not copied.
enum BodyBytes {
    One(Bytes),
    Several(BytesMut),
}

impl<'s> Received<'s> {
    /// Nothing yet; at most `limit` bytes of body will be taken.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            head: None,
            body: BodyBytes::One(Bytes::new()),
            limit,
            sink: None,
            timing: Timing::default(),
            began: Instant::now(),
        }
    }

    /// The same, handing on what comes.
    pub(super) fn with_sink(mut self, sink: Sink<'s>) -> Self {
        self.sink = Some(sink);
        self
    }

    /// The request is about to be sent, over a connection that took so long if it is a new one.
    pub(super) fn begin(&mut self, connection: Option<Connecting>) {
        self.timing.connection = connection;
        self.began = Instant::now();
    }

    /// Takes `response`, reading its body.
    pub(super) async fn read(&mut self, response: http::Response<Incoming>) -> BodyEnd {
        let (head, mut body) = response.into_parts();
        let taken = head.status.is_success();
        self.head = Some(head);
        self.timing.wait = self.began.elapsed();
        if let Some(sink) = self.sink.as_mut().filter(|_| taken) {
            return sink.follow(body).await;
        }
        while !body.is_end_stream() {
            match body.frame().await {
                None => break,
                Some(Err(_)) => return BodyEnd::Broken,
                Some(Ok(frame)) => {
                    // Trailers are of no use here.
                    let Ok(data) = frame.into_data() else {
                        continue;
                    };
                    let room = self.limit - self.body.len();
                    if data.len() > room {
                        self.body.push(data.slice(..room));
                        return BodyEnd::OverLimit;
                    }
                    self.body.push(data);
                }
            }
        }
        BodyEnd::Complete
    }

    /// The answer, if its head has arrived.
    pub(super) fn into_response(self, body_end: BodyEnd) -> Option<Response> {
        let head = self.head?;
        Some(Response {
            status: head.status,
            headers: head.headers,
            body: match self.body {
                BodyBytes::One(bytes) => bytes,
                BodyBytes::Several(bytes) => bytes.freeze(),
            },
            body_end,
            timing: self.timing,
        })
    }
}

impl Sink<'_> {
    async fn follow(&mut self, mut body: Incoming) -> BodyEnd {
        while !body.is_end_stream() {
            let frame = match tokio::time::timeout(self.silence, body.frame()).await {
                Err(_) | Ok(Some(Err(_))) => return BodyEnd::Broken,
                Ok(None) => break,
                Ok(Some(Ok(frame))) => frame,
            };
            let Ok(data) = frame.into_data() else {
                continue;
            };
            if (self.take)(&data).is_break() {
                return BodyEnd::OverLimit;
            }
        }
        BodyEnd::Complete
    }
}

impl BodyBytes {
    fn len(&self) -> usize {
        match self {
            Self::One(bytes) => bytes.len(),
            Self::Several(bytes) => bytes.len(),
        }
    }

    fn push(&mut self, data: Bytes) {
        match self {
            Self::One(first) if first.is_empty() => *first = data,
            Self::One(first) => {
                let mut all = BytesMut::with_capacity(2 * (first.len() + data.len()));
                all.extend_from_slice(first);
                all.extend_from_slice(&data);
                *self = Self::Several(all);
            }
            Self::Several(all) => all.extend_from_slice(&data),
        }
    }
}
