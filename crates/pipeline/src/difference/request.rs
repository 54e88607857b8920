//! Where two requests differ.

use model::OutboundRequest;
use model::sensitive::MASK;
use serde::Serialize;

use super::json::{self, Change};
use super::lines::{Line, cut, lines};

/// Most characters of a body, URL or header value that are shown.
const SHOWN: usize = 16 << 10;

/// Longer bodies are not compared value by value.
const COMPARED_BYTES: usize = 1 << 20;

/// A request, to be shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = RenderedRequest))]
pub struct Request {
    /// The verb.
    pub method: String,
    /// The address.
    pub url: String,
    /// The headers.
    pub headers: Vec<Header>,
    /// The body as text, cut after 16,384 characters.
    pub body: String,
}

/// A header of a request, to be shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = RenderedHeader))]
pub struct Header {
    /// The name.
    pub name: String,
    /// The value.
    pub value: String,
}

impl Request {
    pub(super) fn of(request: &OutboundRequest) -> Self {
        let headers = request.headers.iter().map(|(name, value)| Header {
            name: name.as_str().to_owned(),
            value: shown(value.as_bytes()),
        });
        Self {
            method: request.method.to_string(),
            url: shown(request.uri.to_string().as_bytes()),
            headers: headers.collect(),
            body: shown(&request.body),
        }
    }

    /// The same, without anything that may tell of the event.
    pub(super) fn withheld(request: &OutboundRequest) -> Self {
        let headers = request.headers.keys().map(|name| Header {
            name: name.as_str().to_owned(),
            value: MASK.to_owned(),
        });
        Self {
            method: request.method.to_string(),
            url: MASK.to_owned(),
            headers: headers.collect(),
            body: MASK.to_owned(),
        }
    }
}

/// How the requests that are made of one event differ. What is null or empty stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = RequestChanges))]
pub struct Changes {
    /// The verb.
    pub method: Option<Replaced>,
    /// The address.
    pub url: Option<Replaced>,
    /// Headers that came, went, or have another value.
    pub headers: Vec<HeaderChange>,
    /// Values in the body, where it is JSON before and after; at most 100.
    pub body: Vec<Change>,
    /// Lines of the body, where it isn't.
    pub lines: Vec<Line>,
}

/// One value in place of another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Replaced {
    /// What it was.
    pub before: String,
    /// What it is.
    pub after: String,
}

/// A header that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HeaderChange {
    /// The name.
    pub name: String,
    /// The value before; null when it was not there.
    pub before: Option<String>,
    /// The value after; null when it is gone.
    pub after: Option<String>,
}

impl Changes {
    pub(super) fn between(before: &OutboundRequest, after: &OutboundRequest) -> Self {
        let (body, lines) = match before.body == after.body {
            true => (Vec::new(), Vec::new()),
            false => compare_bodies(&before.body, &after.body),
        };
        Self {
            method: replaced(before.method.as_str(), after.method.as_str()),
            url: replaced(&before.uri.to_string(), &after.uri.to_string()),
            headers: compare_headers(before, after),
            body,
            lines,
        }
    }
}

/// The values that differ; where there are none to compare, or the texts differ but not in their
/// values, the lines that do.
fn compare_bodies(before: &[u8], after: &[u8]) -> (Vec<Change>, Vec<Line>) {
    let comparable = before.len() <= COMPARED_BYTES && after.len() <= COMPARED_BYTES;
    let changes = comparable
        .then(|| json::changes(before, after))
        .flatten()
        .unwrap_or_default();
    if !changes.is_empty() {
        return (changes, Vec::new());
    }
    let (before, after) = (text(before), text(after));
    (changes, lines(&before, &after))
}

fn compare_headers(before: &OutboundRequest, after: &OutboundRequest) -> Vec<HeaderChange> {
    let (before, after) = (&before.headers, &after.headers);
    let added = after.keys().filter(|name| !before.contains_key(*name));
    let names = before.keys().chain(added);
    let values = |headers: &http::HeaderMap, name: &http::HeaderName| {
        let values = headers.get_all(name).iter();
        let values: Vec<_> = values.map(|value| shown(value.as_bytes())).collect();
        (!values.is_empty()).then(|| values.join(", "))
    };
    let changes = names.filter_map(|name| {
        let (before, after) = (values(before, name), values(after, name));
        (before != after).then(|| HeaderChange {
            name: name.as_str().to_owned(),
            before,
            after,
        })
    });
    changes.collect()
}

fn replaced(before: &str, after: &str) -> Option<Replaced> {
    (before != after).then(|| Replaced {
        before: cut(before, SHOWN),
        after: cut(after, SHOWN),
    })
}

fn text(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

fn shown(bytes: &[u8]) -> String {
    cut(&text(bytes), SHOWN)
}
