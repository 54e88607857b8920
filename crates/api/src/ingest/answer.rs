//! What clients are answered. The texts and member names are part of the wire format: SDKs decide
//! by them what they drop and what they send again.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use model::{ApiKey, json};
use serde::Serialize;

/// Indexes of events in their request, by the name of the field that is wrong.
pub(super) type Indexes = BTreeMap<&'static str, Vec<usize>>;

/// Stands for an event as a whole among the fields that are wrong.
const EVENT: &str = "event";

/// Everything that is wrong with the events of one request.
#[derive(Debug, Default, PartialEq)]
pub struct Problems {
    /// Fields that have a value which they can't have.
    pub invalid: Indexes,
    /// Required fields without a value.
    pub missing: Indexes,
    /// The first problem in words.
    pub detail: Option<String>,
}

impl Problems {
    /// Notes that `field` of the event at `index` has an impossible value.
    pub(super) fn invalid(&mut self, field: &'static str, index: usize, why: &str) {
        note(&mut self.invalid, field, index);
        self.detail
            .get_or_insert_with(|| format!("event {index}: {field}: {why}"));
    }

    /// Notes that what should be the event at `index` is no object but `found`.
    pub(super) fn no_event(&mut self, index: usize, found: &str) {
        self.invalid(EVENT, index, &format!("expected an object, found {found}"));
    }

    /// Notes that the event at `index` lacks `field`.
    pub(super) fn missing(&mut self, field: &'static str, index: usize) {
        note(&mut self.missing, field, index);
        self.detail
            .get_or_insert_with(|| format!("event {index}: {field} is missing"));
    }

    /// Whether all events are fine so far.
    pub fn is_empty(&self) -> bool {
        self.invalid.is_empty() && self.missing.is_empty()
    }
}

/// Notes each index once: they come in ascending order.
fn note(indexes: &mut Indexes, field: &'static str, index: usize) {
    let of_field = indexes.entry(field).or_default();
    if of_field.last() != Some(&index) {
        of_field.push(index);
    }
}

/// Who sends too much.
#[derive(Debug, Default, PartialEq, Serialize)]
pub struct Throttled {
    /// Events per second that a device or user may send.
    pub eps_threshold: u32,
    /// Events per second of the devices that sent more.
    pub throttled_devices: BTreeMap<String, u64>,
    /// Events per second of the users that sent more.
    pub throttled_users: BTreeMap<String, u64>,
    /// Indexes of the events of those devices and users.
    pub throttled_events: Vec<usize>,
}

/// Why nothing of a request was taken.
#[derive(Debug, PartialEq)]
pub enum Refusal {
    /// Nothing is served under this path.
    UnknownPath,
    /// The path is not served for this method.
    WrongMethod,
    /// There is no body.
    MissingBody,
    /// The body is not JSON (or not a form, where one is expected), or too complex.
    InvalidJson(String),
    /// A field of the request as a whole is missing.
    MissingField(&'static str),
    /// What should be a list of events is none.
    InvalidEventJson,
    /// No project has this key.
    InvalidApiKey,
    /// Whose this key is has to be read first; clients never see it.
    UnreadKey(ApiKey),
    /// Events have wrong fields.
    InvalidFields(Problems),
    /// The body is too large, or holds too many events.
    TooLarge,
    /// The body is encoded in a way that isn't known here.
    UnsupportedEncoding,
    /// The body came too slowly.
    Timeout,
    /// The client went away before its body was complete.
    Incomplete,
    /// Devices or users send more than the project allows.
    Throttled(Throttled),
    /// The server can't take events at present.
    Unavailable {
        /// When to try again.
        retry_after: Duration,
        /// The cause, as a label of a metric.
        reason: &'static str,
        /// The cause in words, for the log: clients aren't told.
        cause: String,
    },
    /// What the request says of all of its events can't be used.
    InvalidOption(&'static str),
    /// A fault of ours.
    Internal,
}

impl From<json::Error> for Refusal {
    fn from(error: json::Error) -> Self {
        Self::InvalidJson(error.to_string())
    }
}

/// The members of every refusal; those that don't apply are left out.
#[derive(Debug, Default, Serialize)]
struct Body<'a> {
    code: u16,
    error: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    missing_field: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    events_with_invalid_fields: Option<&'a Indexes>,
    #[serde(skip_serializing_if = "Option::is_none")]
    events_with_missing_fields: Option<&'a Indexes>,
    #[serde(skip_serializing_if = "Option::is_none", flatten)]
    throttled: Option<&'a Throttled>,
    /// Not part of the original API: what is wrong, in words, for the developer who looks.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
}

impl Refusal {
    /// The cause, as a label of a metric.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::UnknownPath => "unknown_path",
            Self::WrongMethod => "wrong_method",
            Self::MissingBody => "missing_body",
            Self::InvalidJson(_) => "invalid_json",
            Self::MissingField(_) => "missing_field",
            Self::InvalidEventJson => "invalid_event",
            Self::InvalidApiKey => "invalid_api_key",
            Self::InvalidFields(_) => "invalid_fields",
            Self::InvalidOption(_) => "invalid_option",
            Self::TooLarge => "too_large",
            Self::UnsupportedEncoding => "unsupported_encoding",
            Self::Timeout => "timeout",
            Self::Incomplete => "incomplete",
            Self::Throttled(_) => "throttled",
            Self::Unavailable { reason, .. } => reason,
            Self::Internal | Self::UnreadKey(_) => "internal",
        }
    }

    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::UnknownPath => StatusCode::NOT_FOUND,
            Self::WrongMethod => StatusCode::METHOD_NOT_ALLOWED,
            Self::MissingBody
            | Self::InvalidJson(_)
            | Self::MissingField(_)
            | Self::InvalidEventJson
            | Self::InvalidApiKey
            | Self::InvalidFields(_)
            | Self::InvalidOption(_)
            | Self::Incomplete => StatusCode::BAD_REQUEST,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedEncoding => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Timeout => StatusCode::REQUEST_TIMEOUT,
            Self::Throttled(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal | Self::UnreadKey(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn error(&self) -> &'static str {
        match self {
            Self::UnknownPath | Self::WrongMethod => "Invalid request path",
            Self::MissingBody | Self::Incomplete => "Missing request body",
            Self::InvalidJson(_) => "Invalid JSON request body",
            Self::MissingField(_) => "Request missing required field",
            Self::InvalidEventJson => "Invalid event JSON",
            Self::InvalidApiKey => "Invalid API key",
            Self::InvalidFields(problems) if problems.invalid.contains_key(EVENT) => {
                "Invalid event JSON"
            }
            Self::InvalidFields(problems) if !problems.missing.is_empty() => {
                "Request missing required field"
            }
            Self::InvalidFields(_) | Self::InvalidOption(_) => {
                "Invalid field values on some events"
            }
            Self::TooLarge => "Payload too large",
            Self::UnsupportedEncoding => "Unsupported content encoding",
            Self::Timeout => "Request timeout",
            Self::Throttled(_) => "Too many requests for some devices and users",
            Self::Unavailable { .. } => "Service unavailable",
            Self::Internal | Self::UnreadKey(_) => "Internal server error",
        }
    }

    fn body(&self) -> Body<'_> {
        let mut body = Body {
            code: self.status().as_u16(),
            error: self.error(),
            ..Body::default()
        };
        match self {
            Self::InvalidJson(detail) => body.detail = Some(detail),
            Self::InvalidOption(detail) => body.detail = Some(detail),
            // Never together with indexes: SDKs drop the whole request when they see it.
            Self::MissingField(field) => body.missing_field = Some(field),
            Self::InvalidFields(problems) => {
                body.events_with_invalid_fields = Some(&problems.invalid);
                body.events_with_missing_fields = Some(&problems.missing);
                body.detail = problems.detail.as_deref();
            }
            Self::Throttled(throttled) => body.throttled = Some(throttled),
            _ => {}
        }
        body
    }
}

impl Refusal {
    /// What the client is answered.
    pub(super) fn answer(&self) -> serde_json::Value {
        // Strings and numbers always have a JSON form.
        serde_json::to_value(self.body()).unwrap_or_default()
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = (self.status(), Json(self.body())).into_response();
        if let Self::Unavailable { retry_after, .. } = self {
            let seconds = HeaderValue::from(retry_after.as_secs().max(1));
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
        response
    }
}

/// The answer once all events of a request are durable.
#[derive(Debug, Serialize)]
pub(super) struct Success {
    code: u16,
    events_ingested: usize,
    payload_size_bytes: usize,
    server_upload_time: i64,
}

impl Success {
    /// For `events` events in a decoded body of `bytes`, received at `received_at_millis`.
    pub(super) fn new(events: usize, bytes: usize, received_at_millis: i64) -> Self {
        Self {
            code: 200,
            events_ingested: events,
            payload_size_bytes: bytes,
            server_upload_time: received_at_millis,
        }
    }
}

impl IntoResponse for Success {
    fn into_response(self) -> Response {
        Json(self).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(refusal: &Refusal) -> String {
        serde_json::to_string(&refusal.body()).unwrap()
    }

    #[test]
    fn refusals_read_as_sdks_expect_them() {
        let mut problems = Problems::default();
        problems.invalid("time", 3, "expected an integer");
        problems.invalid("time", 3, "again");
        problems.invalid("time", 7, "expected an integer");
        assert_eq!(
            shown(&Refusal::InvalidFields(problems)),
            r#"{"code":400,"error":"Invalid field values on some events","events_with_invalid_fields":{"time":[3,7]},"events_with_missing_fields":{},"detail":"event 3: time: expected an integer"}"#
        );
        assert_eq!(
            shown(&Refusal::MissingField("api_key")),
            r#"{"code":400,"error":"Request missing required field","missing_field":"api_key"}"#
        );
        assert_eq!(
            shown(&Refusal::TooLarge),
            r#"{"code":413,"error":"Payload too large"}"#
        );
        let throttled = Throttled {
            eps_threshold: 30,
            throttled_devices: [("device".to_owned(), 31)].into(),
            throttled_users: BTreeMap::new(),
            throttled_events: vec![0],
        };
        assert_eq!(
            shown(&Refusal::Throttled(throttled)),
            r#"{"code":429,"error":"Too many requests for some devices and users","eps_threshold":30,"throttled_devices":{"device":31},"throttled_users":{},"throttled_events":[0]}"#
        );
    }

    #[test]
    fn an_event_that_is_no_object_is_told_by_index() {
        let mut problems = Problems::default();
        problems.no_event(2, "a number");
        problems.missing("event_type", 3);
        assert_eq!(
            shown(&Refusal::InvalidFields(problems)),
            r#"{"code":400,"error":"Invalid event JSON","events_with_invalid_fields":{"event":[2]},"events_with_missing_fields":{"event_type":[3]},"detail":"event 2: event: expected an object, found a number"}"#
        );
    }

    #[test]
    fn missing_fields_of_events_are_told_by_index_only() {
        let mut problems = Problems::default();
        problems.missing("event_type", 0);
        assert_eq!(
            shown(&Refusal::InvalidFields(problems)),
            r#"{"code":400,"error":"Request missing required field","events_with_invalid_fields":{},"events_with_missing_fields":{"event_type":[0]},"detail":"event 0: event_type is missing"}"#
        );
    }
}
