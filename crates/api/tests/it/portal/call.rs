//! Requests to the control API, and what it answers.

use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use millstream_api::auth::RequestId;
use serde_json::Value;
use tower::ServiceExt;

/// A request to be sent.
pub(crate) struct Call<'w> {
    router: &'w Router,
    request: axum::http::request::Builder,
    token: Option<String>,
    body: Option<Vec<u8>>,
}

impl<'w> Call<'w> {
    pub(super) fn new(router: &'w Router, method: &str, path: &str) -> Self {
        Self::to(router, method, &format!("/api/v1{path}"))
    }

    pub(super) fn to(router: &'w Router, method: &str, path: &str) -> Self {
        Self {
            router,
            request: Request::builder().method(method).uri(path),
            token: None,
            body: None,
        }
    }

    /// With this API token, or with none.
    pub(crate) fn token(mut self, token: Option<&str>) -> Self {
        self.token = token.map(str::to_owned);
        self
    }

    /// With this session's cookie, as `name=value`, and without a token.
    pub(crate) fn cookie(self, cookie: &str) -> Self {
        self.token(None).header("cookie", cookie)
    }

    /// From this network address.
    pub(crate) fn from(mut self, address: &str) -> Self {
        let peer = SocketAddr::new(address.parse().unwrap(), 50_000);
        self.request = self.request.extension(ConnectInfo(peer));
        self
    }

    /// With the id that the server gives a request.
    pub(crate) fn request_id(mut self, id: &str) -> Self {
        self.request = self.request.extension(RequestId(id.to_owned()));
        self
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    pub(crate) fn json(self, body: Value) -> Self {
        self.text("application/json", &body.to_string())
    }

    pub(crate) fn text(self, content_type: &str, body: &str) -> Self {
        self.bytes(content_type, body.as_bytes())
    }

    pub(crate) fn bytes(mut self, content_type: &str, body: &[u8]) -> Self {
        self.request = self.request.header(header::CONTENT_TYPE, content_type);
        self.body = Some(body.to_owned());
        self
    }

    /// Sends it, and reads the answer: all of it, or the first part of one that doesn't end.
    pub(crate) async fn send(self) -> Answer {
        let (parts, mut body) = self.open().await.into_parts();
        let endless = parts.headers.get(header::CONTENT_TYPE);
        let bytes = match endless.is_some_and(|kind| kind == "text/event-stream") {
            true => body.frame().await.unwrap().unwrap().into_data().unwrap(),
            false => body.collect().await.unwrap().to_bytes(),
        };
        Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8_lossy(&bytes).into_owned(),
            bytes: bytes.to_vec(),
        }
    }

    /// Sends it, and leaves the answer to be read.
    pub(crate) async fn open(mut self) -> Response<Body> {
        if let Some(token) = &self.token {
            let value = format!("Bearer {token}");
            self.request = self.request.header(header::AUTHORIZATION, value);
        }
        let body = Body::from(self.body.unwrap_or_default());
        let request = self.request.body(body).unwrap();
        self.router.clone().oneshot(request).await.unwrap()
    }
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    pub(crate) bytes: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {}", self.text))
    }

    /// The cookie of this name that it sets, as `name=value`; without a value, it ends one.
    #[track_caller]
    pub(crate) fn cookie_named(&self, name: &str) -> String {
        let set = self.headers.get_all("set-cookie").iter();
        let mut set = set.map(|set| set.to_str().unwrap().split(';').next().unwrap());
        let prefix = format!("{name}=");
        set.find(|set| set.starts_with(&prefix))
            .unwrap_or_else(|| panic!("no cookie {name} in {self:?}"))
            .to_owned()
    }

    /// The cookie that it sets, as `name=value`, to be sent back.
    #[track_caller]
    pub(crate) fn cookie(&self) -> String {
        let set = self.header("set-cookie");
        assert!(!set.is_empty(), "{self:?} sets no cookie");
        set.split(';').next().unwrap().to_owned()
    }

    /// A text in its body, by a JSON pointer.
    #[track_caller]
    pub(crate) fn at(&self, pointer: &str) -> String {
        let value = self.json();
        let text = value.pointer(pointer).and_then(Value::as_str);
        text.unwrap_or_else(|| panic!("no text at {pointer}: {}", self.text))
            .to_owned()
    }

    /// Asserts the status.
    #[track_caller]
    pub(crate) fn is(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        self
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }

    /// Asserts that this is problem details with this status and code.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        assert_eq!(self.header("content-type"), "application/problem+json");
        let problem = self.json();
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["status"], status, "{problem}");
        assert_eq!(problem["type"], format!("urn:millstream:problem:{code}"));
        problem
    }

    /// The pointers of the fields that were refused.
    pub(crate) fn pointers(&self) -> Vec<String> {
        let errors = self.json()["errors"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let pointers = errors
            .iter()
            .map(|error| error["pointer"].as_str().unwrap().to_owned());
        pointers.collect()
    }
}
