//! How deliveries end, and why they fail.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why an event was not meant for a sync.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Filtered {
    /// The sync does not send this kind of thing (events or users switched off, or an identify on
    /// the events path).
    PathOff,
    /// The event type is not among those selected.
    EventType,
    /// The user is sent on changes only, and none of the properties that count changed.
    Unchanged,
    /// A condition did not hold; `condition` says which in words, with the value it saw.
    Condition {
        /// The condition and what it saw.
        condition: String,
    },
    /// Its user was erased, and it with them.
    Erased,
}

/// Why no request could or may be made of an event. The payload is kept and can be rendered again
/// after the mend.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Discarded {
    /// A template failed.
    Template {
        /// `url`, `header NAME` or `body`.
        place: String,
        /// What the engine said.
        message: String,
        /// The line in the template, from 1.
        line: u32,
        /// The column in the template, from 1.
        column: u32,
    },
    /// The body is not JSON although its content type says so.
    InvalidJson {
        /// What is wrong with it.
        message: String,
        /// The line in the body, from 1.
        line: u32,
        /// The column in the body, from 1.
        column: u32,
    },
    /// A required mapping has no value for this event.
    MissingMapping {
        /// The destination property.
        field: String,
        /// How long the event waited for a value, in seconds, where the sync has events wait.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        waited_seconds: Option<u64>,
        /// What kept it from waiting, where as many did as may.
        #[serde(
            default,
            skip_serializing_if = "Option::is_none",
            deserialize_with = "NoRoom::stored"
        )]
        no_room: Option<NoRoom>,
    },
    /// The rendered URL is not an absolute http(s) address.
    InvalidUrl {
        /// What is wrong with it; never the URL itself.
        message: String,
    },
    /// A rendered header name or value is not legal.
    InvalidHeader {
        /// The header's name.
        name: String,
    },
    /// More than the destination takes.
    OverLimit {
        /// Which limit.
        limit: String,
        /// What it allows.
        allowed: u64,
        /// What there was.
        actual: u64,
    },
    /// The stored event can't be read.
    Unreadable {
        /// What is wrong with it.
        message: String,
    },
    /// The destination answered in a way that, by its definition, means: never.
    Refused {
        /// What it answered.
        failure: Failure,
    },
}

impl Discarded {
    /// All names of reasons. Figures are kept by a name's place: new ones come at the end.
    pub const NAMES: [&'static str; 8] = [
        "template",
        "invalid_json",
        "missing_mapping",
        "invalid_url",
        "invalid_header",
        "over_limit",
        "unreadable",
        "refused",
    ];

    /// The reason's stable name, one of [`NAMES`](Self::NAMES), as figures and metrics count it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Template { .. } => "template",
            Self::InvalidJson { .. } => "invalid_json",
            Self::MissingMapping { .. } => "missing_mapping",
            Self::InvalidUrl { .. } => "invalid_url",
            Self::InvalidHeader { .. } => "invalid_header",
            Self::OverLimit { .. } => "over_limit",
            Self::Unreadable { .. } => "unreadable",
            Self::Refused { .. } => "refused",
        }
    }
}

impl fmt::Display for Discarded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Template {
                place,
                message,
                line,
                column,
            } => {
                write!(
                    f,
                    "the {place} template failed at line {line} column {column}: {message}"
                )
            }
            Self::InvalidJson {
                message,
                line,
                column,
            } => {
                write!(
                    f,
                    "the body is not valid JSON at line {line} column {column}: {message}"
                )
            }
            Self::MissingMapping {
                field,
                waited_seconds,
                no_room,
            } => {
                write!(
                    f,
                    "the required mapping {field} has no value for this event"
                )?;
                match (waited_seconds, no_room) {
                    (Some(seconds), _) => write!(
                        f,
                        ", and none came while it waited ({}), as long as the sync has events wait",
                        Lasting(*seconds)
                    ),
                    (None, Some(no_room)) => write!(f, ", and {no_room}"),
                    (None, None) => Ok(()),
                }
            }
            Self::InvalidUrl { message } => write!(f, "the rendered URL is not valid: {message}"),
            Self::InvalidHeader { name } => write!(f, "the rendered header {name} is not valid"),
            Self::OverLimit {
                limit,
                allowed,
                actual,
            } => {
                write!(
                    f,
                    "{limit} is {actual}, but the destination takes at most {allowed}"
                )
            }
            Self::Unreadable { message } => write!(f, "the stored event can't be read: {message}"),
            Self::Refused { failure } => {
                write!(
                    f,
                    "the destination refused it for good: {}",
                    failure.message
                )
            }
        }
    }
}

/// Why an event could not wait for a property of its user: as many deliveries did as may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoRoom {
    /// So many of the user's waited.
    OfUser(u64),
    /// So many of the sync's waited.
    OfSync(u64),
    /// Former versions didn't note which.
    Unknown,
}

impl NoRoom {
    /// Reads what is stored: former versions stored whether there was room.
    fn stored<'de, D: serde::Deserializer<'de>>(stored: D) -> Result<Option<Self>, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Stored {
            Former(bool),
            Now(NoRoom),
        }
        Ok(match Stored::deserialize(stored)? {
            Stored::Former(none) => none.then_some(Self::Unknown),
            Stored::Now(no_room) => Some(no_room),
        })
    }
}

impl fmt::Display for NoRoom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (most, whose, setting) = match self {
            Self::OfUser(most) => (most, "user", "lanes.awaiting_per_user"),
            Self::OfSync(most) => (most, "sync", "lanes.awaiting_per_sync"),
            Self::Unknown => return write!(f, "too many deliveries wait for one already"),
        };
        write!(
            f,
            "{most} deliveries of the {whose} wait for one already, as many as may ({setting})"
        )
    }
}

/// Seconds in words: `1 h 5 min`, `2 min 3 s`, `7 s`.
struct Lasting(u64);

impl fmt::Display for Lasting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (hours, minutes, seconds) = (self.0 / 3600, self.0 / 60 % 60, self.0 % 60);
        match (hours, minutes) {
            (0, 0) => write!(f, "{seconds} s"),
            (0, _) => write!(f, "{minutes} min {seconds} s"),
            _ => write!(f, "{hours} h {minutes} min"),
        }
    }
}

/// What kind of failure an attempt met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// The name did not resolve.
    Dns,
    /// The address is private, loopback or otherwise not allowed.
    Blocked,
    /// No connection.
    Connect,
    /// The TLS handshake failed.
    Tls,
    /// The connection or the whole request took too long.
    Timeout,
    /// The connection broke or the answer was not HTTP.
    Protocol,
    /// 3xx: redirects are not followed.
    Redirect,
    /// 429.
    RateLimited,
    /// 401 or 403.
    Unauthorized,
    /// Any other 4xx.
    ClientError,
    /// 5xx.
    ServerError,
    /// Any other status that is no success.
    UnexpectedStatus,
    /// Something of ours failed: a bug. The delivery is retried like any other.
    Internal,
    /// No request could be made of it: what is kept of a discarded delivery that waits to be made
    /// again. No attempt meets this.
    Discarded,
    /// A 2xx that, by the destination's definition, is no success.
    Rejected,
    /// A property of its user has no value yet that the destination requires: what is kept of a
    /// delivery that waits for one. No attempt meets this.
    AwaitingProperty,
}

impl Category {
    /// All categories. Figures are kept by a category's place: new ones come at the end.
    pub const ALL: [Self; 16] = [
        Self::Dns,
        Self::Blocked,
        Self::Connect,
        Self::Tls,
        Self::Timeout,
        Self::Protocol,
        Self::Redirect,
        Self::RateLimited,
        Self::Unauthorized,
        Self::ClientError,
        Self::ServerError,
        Self::UnexpectedStatus,
        Self::Internal,
        Self::Discarded,
        Self::Rejected,
        Self::AwaitingProperty,
    ];

    /// Whether an attempt can meet it.
    pub fn is_of_attempts(self) -> bool {
        !matches!(self, Self::Discarded | Self::AwaitingProperty)
    }

    /// The category's stable name, as figures and metrics count it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Blocked => "blocked",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Timeout => "timeout",
            Self::Protocol => "protocol",
            Self::Redirect => "redirect",
            Self::RateLimited => "rate_limited",
            Self::Unauthorized => "unauthorized",
            Self::ClientError => "client_error",
            Self::ServerError => "server_error",
            Self::UnexpectedStatus => "unexpected_status",
            Self::Internal => "internal",
            Self::Discarded => "discarded",
            Self::Rejected => "rejected",
            Self::AwaitingProperty => "awaiting_property",
        }
    }
}

/// A failed attempt, as it is kept with a pending retry and shown to people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What kind of failure.
    pub category: Category,
    /// The status, where there was an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// What happened, in words, without secrets.
    pub message: String,
    /// The first 4 KiB of the answer's body, where there was one, as text.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub response: String,
}
