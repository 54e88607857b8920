//! What is sent to a destination.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method, Uri};
use serde::{Deserialize, Serialize};

use crate::definition::ResponseRule;
use crate::id::DeliveryId;

/// Which of the two things that an event can cause is delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Part {
    /// The event itself.
    Event = 0,
    /// The user as the event left them.
    User = 1,
}

impl Part {
    /// The part with this storage code.
    pub fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Event),
            1 => Some(Self::User),
            _ => None,
        }
    }
}

/// One rendered request. Headers and URL may hold secrets: `Debug` shows neither.
#[derive(Clone, PartialEq, Eq)]
pub struct OutboundRequest {
    /// The same over all attempts and tries.
    pub delivery: DeliveryId,
    /// `POST`, `PUT` or `PATCH`.
    pub method: Method,
    /// An absolute `http` or `https` address.
    pub uri: Uri,
    /// All headers but those of the delivery itself (delivery id, attempt number) and of framing.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// Whether the delivery's id goes along as `Idempotency-Key`.
    pub idempotency_key: bool,
    /// What answers mean where their status alone doesn't tell; mostly nothing.
    pub responses: Arc<[ResponseRule]>,
}

/// What a destination answered, as far as rules and templates read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body, as far as it was read.
    pub body: Bytes,
    /// Whether that is all of it.
    pub complete: bool,
}

impl fmt::Debug for OutboundRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutboundRequest")
            .field("delivery", &self.delivery)
            .field("method", &self.method)
            .field("host", &self.uri.host())
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}
