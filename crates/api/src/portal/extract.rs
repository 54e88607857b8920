//! What handlers take: bodies, paths, queries and preconditions, refused as problem details.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, OptionalFromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;
use store::{Caller, Once, Person};

use super::problem::ApiError;
use super::shape;

/// Longest body that the control API takes: a definition of the largest size has room in it with a
/// picture in Base64.
pub(super) const BODY_LIMIT_BYTES: usize = 3 << 19;

/// The character U+0000 as an address has it. PostgreSQL knows no text with it, not even to compare
/// others with, so that none gets past here; [`shape::read`] keeps it out of bodies.
const NUL: &str = "%00";

/// A JSON body.
pub(super) struct Body<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        read(&json_bytes(request, state).await?).map(Self)
    }
}

/// The bytes of a JSON body, as they came.
pub(super) async fn json_bytes<S: Send + Sync>(
    request: Request,
    state: &S,
) -> Result<Bytes, ApiError> {
    if !is_json(&request) {
        return Err(ApiError::UnsupportedMediaType);
    }
    let bytes = Bytes::from_request(request, state);
    bytes.await.map_err(unreceived)
}

/// Reads a body that was received.
pub(super) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    let document = serde_json::from_slice(bytes).map_err(|error| ApiError::Malformed {
        message: without_place(&error),
        line: u32::try_from(error.line()).unwrap_or(u32::MAX),
        column: u32::try_from(error.column()).unwrap_or(u32::MAX),
    })?;
    shape::read(&document).map_err(|problem| ApiError::Invalid(vec![problem]))
}

/// Longest `Idempotency-Key`.
const KEY_BYTES: usize = 255;

/// The JSON body of a request that makes something, which a client may repeat safely when it names
/// it by an `Idempotency-Key`.
pub(super) struct Creation<T> {
    pub(super) input: T,
    named: Option<Named>,
}

/// A creation with a key.
struct Named {
    target: String,
    key: String,
    body: Bytes,
}

impl<T> Creation<T> {
    /// The same, where a member of the body proves who asks for it. A repeated request may prove it
    /// otherwise; and what is kept to know it again is no hash to guess a password from.
    pub(super) fn once_but(mut self, proof: &str, caller: Caller) -> (T, Caller) {
        if let Some(named) = &mut self.named {
            named.body = without(&named.body, proof);
        }
        self.once(caller)
    }

    /// What the client sent, and its caller, who makes it once.
    pub(super) fn once(self, mut caller: Caller) -> (T, Caller) {
        caller.once = self.named.map(|named| {
            let scope = format!("{} {}", caller.actor.id, named.target);
            Once::new(&scope, &named.key, &named.body)
        });
        (self.input, caller)
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Creation<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let key = idempotency_key(request.headers())?;
        let target = format!("{} {}", request.method(), request.uri().path());
        let body = json_bytes(request, state).await?;
        Ok(Self {
            input: read(&body)?,
            named: key.map(|key| Named { target, key, body }),
        })
    }
}

/// A JSON object without one of its members.
fn without(body: &[u8], member: &str) -> Bytes {
    // It was read before, and is JSON.
    let mut document: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    if let Some(members) = document.as_object_mut() {
        members.remove(member);
    }
    document.to_string().into()
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let Some(value) = headers.get("idempotency-key") else {
        return Ok(None);
    };
    let key = value.to_str().ok().filter(|key| !key.is_empty());
    let key = key.filter(|key| key.len() <= KEY_BYTES);
    let key = key.ok_or_else(|| ApiError::Header {
        name: "Idempotency-Key",
        message: format!("from 1 to {KEY_BYTES} ASCII characters"),
    })?;
    Ok(Some(key.to_owned()))
}

fn is_json(request: &Request) -> bool {
    let value = request.headers().get(header::CONTENT_TYPE);
    let value = value
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
        || essence.eq_ignore_ascii_case("application/merge-patch+json")
}

fn unreceived(rejection: BytesRejection) -> ApiError {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return ApiError::TooLarge {
            limit_bytes: BODY_LIMIT_BYTES,
        };
    }
    ApiError::Malformed {
        message: "the body broke off".into(),
        line: 1,
        column: 1,
    }
}

/// The parser's message without the place, which stands in fields of its own.
fn without_place(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let end = message.rfind(" at line ").unwrap_or(message.len());
    message[..end].to_owned()
}

/// Ids in the path. One that has not the form of an id names nothing that exists.
pub(super) struct Path<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        if parts.uri.path().contains(NUL) {
            return Err(ApiError::malformed_id());
        }
        let path =
            <axum::extract::Path<T> as FromRequestParts<S>>::from_request_parts(parts, state).await;
        path.map(|path| Self(path.0))
            .map_err(|_| ApiError::malformed_id())
    }
}

/// The query.
pub(super) struct Query<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        if parts.uri.query().is_some_and(|query| query.contains(NUL)) {
            return Err(ApiError::Query {
                message: "no text has the character U+0000".into(),
            });
        }
        let query =
            <axum::extract::Query<T> as FromRequestParts<S>>::from_request_parts(parts, state)
                .await;
        query
            .map(|query| Self(query.0))
            .map_err(|rejection| ApiError::Query {
                message: in_plain_words(&rejection.body_text()),
            })
    }
}

/// What is wrong with a query, without what libraries say around it.
fn in_plain_words(message: &str) -> String {
    let message = message
        .strip_prefix("Failed to deserialize query string: ")
        .unwrap_or(message);
    message
        .replace("invalid digit found in string", "not a whole number")
        .replace("cannot parse integer from empty string", "empty")
        .replace("number too large to fit in target type", "too large")
}

/// Most entity tags in `If-Match`.
const TAGS: usize = 8;

/// The version that an update was made from (`If-Match`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IfMatch {
    /// Whatever is there.
    Any,
    /// One of these; 0 for a tag that we never gave: versions count from 1.
    OneOf([u64; TAGS]),
}

impl IfMatch {
    /// Refuses when `current` is not what the update was made from; otherwise the version that must
    /// still be there when it happens (`None` for any).
    pub(super) fn against(self, current: u64) -> Result<Option<u64>, ApiError> {
        match self {
            Self::Any => Ok(None),
            Self::OneOf(versions) if versions.contains(&current) => Ok(Some(current)),
            Self::OneOf(_) => Err(ApiError::PreconditionFailed { current }),
        }
    }

    /// The same, where there may be none.
    pub(super) fn against_maybe(
        given: Option<Self>,
        current: u64,
    ) -> Result<Option<u64>, ApiError> {
        given.map_or(Ok(None), |given| given.against(current))
    }

    /// The caller of a change of a person, which doesn't happen when anything of the person changes
    /// before it does. Refuses when `person` is not what it was made from.
    pub(super) fn of_person(
        given: Option<Self>,
        person: &Person,
        by: &Caller,
    ) -> Result<Caller, ApiError> {
        let demanded = Self::against_maybe(given, person.version)?;
        Ok(match demanded {
            Some(_) => by.having_seen(person),
            None => by.clone(),
        })
    }

    /// The versions of which one must be there; `None` for any.
    pub(super) fn versions(self) -> Option<[u64; TAGS]> {
        match self {
            Self::Any => None,
            Self::OneOf(versions) => Some(versions),
        }
    }

    /// Refuses when `current` is not what the update was made from.
    pub(super) fn demand(self, current: u64) -> Result<(), ApiError> {
        self.against(current).map(drop)
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for IfMatch {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, ApiError> {
        let mut lines = parts.headers.get_all(header::IF_MATCH).iter().peekable();
        if lines.peek().is_none() {
            return Ok(None);
        }
        let tags = lines.flat_map(|line| line.to_str().unwrap_or_default().split(','));
        let mut versions = [0; TAGS];
        for (number, tag) in tags.map(str::trim).enumerate() {
            if tag == "*" {
                return Ok(Some(Self::Any));
            }
            let place = versions.get_mut(number);
            *place.ok_or_else(too_many_tags)? = version_of(tag).unwrap_or_default();
        }
        Ok(Some(Self::OneOf(versions)))
    }
}

/// The version that a tag is of; `None` for one that we never gave.
fn version_of(tag: &str) -> Option<u64> {
    let digits = tag.strip_prefix("\"v")?.strip_suffix('"')?;
    digits.parse().ok()
}

fn too_many_tags() -> ApiError {
    ApiError::Header {
        name: "If-Match",
        message: format!("at most {TAGS} entity tags"),
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let given = <Self as OptionalFromRequestParts<S>>::from_request_parts(parts, state).await?;
        given.ok_or(ApiError::PreconditionRequired)
    }
}

/// The `ETag` of a version.
pub(super) fn etag(version: u64) -> String {
    format!("\"v{version}\"")
}
