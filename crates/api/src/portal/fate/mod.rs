//! What became of single deliveries: attempts, samples of failures, an event's fate on every sync, and
//! requests that were refused.

pub(super) mod delivery;
pub(super) mod failures;
pub(super) mod home;
pub(super) mod let_go;
pub(super) mod outcomes;
pub(super) mod refused;
pub(super) mod seen;
pub(super) mod why;

use journal::fate::{Attempt, AttemptRow, Split, What};
use model::{Part, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use self::home::{Home, delivery_id};
use super::ApiError;
use super::view::{parse_rfc3339, rfc3339};

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum AttemptOutcome {
    /// Delivered, after attempts that failed. Deliveries at the first attempt are no list: see one by
    /// its event.
    Delivered,
    /// Failed; another attempt was booked.
    Failed,
    /// Failed, and it was the last one.
    Expired,
    /// No request could be made.
    Discarded,
}

impl AttemptOutcome {
    fn of(what: What) -> Self {
        match what {
            What::Delivered => Self::Delivered,
            What::Failed(_) => Self::Failed,
            What::Expired(_) => Self::Expired,
            What::Discarded(_) => Self::Discarded,
        }
    }
}

/// Where an attempt's time went.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AttemptTiming {
    /// Milliseconds from received, or due, to begun.
    queue_ms: u32,
    /// Microseconds that rendering took.
    render_us: u32,
    /// Milliseconds that the last try's new connection took, with lookup and TLS; null where there was
    /// no answer, or the connection was open already.
    connect_ms: Option<u32>,
    /// Milliseconds from the last try's sending to the head of its answer; null where there was none.
    wait_ms: Option<u32>,
    /// Milliseconds that all tries took, with the waits between them.
    took_ms: u32,
}

impl From<Split> for AttemptTiming {
    fn from(split: Split) -> Self {
        Self {
            queue_ms: split.queue_ms,
            render_us: split.render_us,
            connect_ms: split.connect_ms,
            wait_ms: split.wait_ms,
            took_ms: split.took_ms,
        }
    }
}

/// An attempt that failed, ended a delivery, or delivered after others had failed.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AttemptView {
    /// The delivery, as `Millstream-Delivery-Id` carries it.
    delivery_id: String,
    /// The event's position in the project's log.
    offset: u64,
    /// The replay of past events that it is of; null: the sync's own.
    replay: Option<String>,
    /// Whether `offset` is a position among the events of that replay, which is an import.
    imported: bool,
    /// Whether the event or its user is delivered.
    part: Part,
    /// When it was over.
    #[schema(format = DateTime)]
    at: String,
    /// Which attempt, from 1.
    attempt: u8,
    /// What came of it.
    outcome: AttemptOutcome,
    /// The failure's category, or the reason why no request could be made; null when delivered.
    category: Option<&'static str>,
    /// The answer's status, where there was one.
    status: Option<u16>,
    /// What happened, in words.
    message: String,
    /// The event's type; its first 256 bytes.
    event_type: String,
    /// Requests that were sent.
    tries: u8,
    /// Where the time went.
    timing: AttemptTiming,
}

impl AttemptView {
    /// As people may see it: `shown` takes sensitive values out of texts that were made of the event.
    fn new(home: Home, row: AttemptRow, shown: &dyn Fn(String) -> String) -> Self {
        let AttemptRow { attempt, of, .. } = row;
        Self {
            delivery_id: delivery_id(of, attempt.offset, attempt.part),
            offset: attempt.offset.0,
            replay: home.replay(of),
            imported: home.is_import(of),
            part: attempt.part,
            at: rfc3339(attempt.at),
            attempt: attempt.number,
            outcome: AttemptOutcome::of(attempt.what),
            category: attempt.what.category(),
            status: attempt.status,
            message: words(&attempt).unwrap_or_else(|| shown(attempt.message)),
            event_type: attempt.event_type,
            tries: attempt.tries,
            timing: attempt.split.into(),
        }
    }
}

/// What happened in an attempt, in words of our own; `None` where only its message says it, which may
/// quote the event.
fn words(attempt: &Attempt) -> Option<String> {
    let words = match (attempt.what, attempt.status) {
        (What::Delivered, Some(status)) => format!("the destination took it (status {status})"),
        (What::Delivered, None) => "the destination took it".to_owned(),
        (_, None) => return None,
        (_, Some(status)) => {
            let status = axum::http::StatusCode::from_u16(status);
            status.map_or_else(
                |_| "the destination did not take it".to_owned(),
                |status| format!("the destination answered {status}"),
            )
        }
    };
    Some(words)
}

/// A time of a query.
fn time(name: &str, text: Option<&str>) -> Result<Option<Timestamp>, ApiError> {
    let Some(text) = text else {
        return Ok(None);
    };
    let at = parse_rfc3339(text).ok_or_else(|| ApiError::Query {
        message: format!("{name}: a time as RFC 3339 has it, such as 2026-01-31T08:00:00Z"),
    })?;
    Ok(Some(at))
}
