//! A plain HTTP client.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

/// How long an answer may take before a test calls it missing.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// An answer, read to its end.
#[derive(Debug)]
pub struct Response {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Response {
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|e| panic!("{e} in the answer {}: {}", self.status, self.text()))
    }
}

/// An answer that is read part by part.
#[derive(Debug)]
pub struct Flow {
    body: UnsyncBoxBody<Bytes, String>,
}

impl Flow {
    /// The next part; `None` at the end.
    pub async fn next(&mut self) -> Option<Bytes> {
        let frame = tokio::time::timeout(ANSWER_LIMIT, self.body.frame()).await;
        let frame = frame.unwrap_or_else(|_| panic!("nothing came within {ANSWER_LIMIT:?}"))?;
        frame.expect("it doesn't break off").into_data().ok()
    }
}

/// A pooled HTTP/1.1 client.
#[derive(Debug, Clone)]
pub struct Client {
    inner: hyper_util::client::legacy::Client<HttpConnector, Full<Bytes>>,
}

impl Default for Client {
    fn default() -> Self {
        Self::new()
    }
}

impl Client {
    /// A client with a pool of its own.
    pub fn new() -> Self {
        let inner = hyper_util::client::legacy::Client::builder(TokioExecutor::new()).build_http();
        Self { inner }
    }

    /// Sends a request; the error says that there was no (whole) answer, and why.
    pub async fn send(
        &self,
        method: Method,
        url: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Result<Response, String> {
        let mut request = Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request
            .body(Full::new(body.into()))
            .expect("a valid request");
        let exchange = async {
            let answer = self
                .inner
                .request(request)
                .await
                .map_err(|e| format!("{e:?}"))?;
            let (head, body) = answer.into_parts();
            let body = body
                .collect()
                .await
                .map_err(|e| format!("{e:?}"))?
                .to_bytes();
            Ok(Response {
                status: head.status,
                headers: head.headers,
                body,
            })
        };
        tokio::time::timeout(ANSWER_LIMIT, exchange)
            .await
            .unwrap_or_else(|_| Err(format!("no answer within {ANSWER_LIMIT:?}")))
    }

    /// Asks for what doesn't end by itself.
    pub async fn open(&self, url: &str, headers: &[(&str, &str)]) -> Flow {
        let mut request = Request::get(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::default()).expect("a valid request");
        let answer = tokio::time::timeout(ANSWER_LIMIT, self.inner.request(request)).await;
        let answer = answer.expect("in time").expect("an answer");
        assert_eq!(answer.status(), 200, "{url}");
        let body = answer.into_body().map_err(|error| error.to_string());
        Flow {
            body: body.boxed_unsync(),
        }
    }

    /// Asks for what is there.
    pub async fn get(&self, url: &str) -> Result<Response, String> {
        self.send(Method::GET, url, &[], "").await
    }

    /// Sends JSON.
    pub async fn post_json(&self, url: &str, body: &Value) -> Result<Response, String> {
        let headers = [("content-type", "application/json")];
        self.send(Method::POST, url, &headers, body.to_string())
            .await
    }
}
