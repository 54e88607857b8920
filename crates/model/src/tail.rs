//! What those who look on are told of deliveries as they happen. Nothing rests on it: who doesn't
//! keep up misses some, and is told how many.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::event::Offset;
use crate::id::{DeliveryId, SyncId};
use crate::outcome::Category;
use crate::request::Part;
use crate::time::Timestamp;

/// How an attempt of a delivery ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// The destination took it.
    Delivered,
    /// The attempt failed; there will be another.
    Failed,
    /// The last attempt failed.
    Expired,
    /// No request could be made of the event.
    Discarded,
}

impl Ending {
    /// All there are.
    pub const ALL: [Self; 4] = [
        Self::Delivered,
        Self::Failed,
        Self::Expired,
        Self::Discarded,
    ];

    /// Its stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Discarded => "discarded",
        }
    }

    /// The one of this name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|ending| ending.name() == name)
    }
}

/// An attempt of a delivery that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The sync.
    pub sync: SyncId,
    /// When it was over.
    pub at: Timestamp,
    /// The event's position in the project's log.
    pub offset: Offset,
    /// Which delivery of the event.
    pub part: Part,
    /// The delivery, as requests carry it.
    pub delivery: DeliveryId,
    /// Which attempt it was, from 1.
    pub attempt: u8,
    /// How it ended.
    pub ending: Ending,
    /// The event's type.
    pub event_type: String,
    /// The event's user, where it has one.
    pub user_id: Option<String>,
    /// The event's device, where it has one.
    pub device_id: Option<String>,
    /// The status, where there was an answer.
    pub status: Option<u16>,
    /// What kind of failure, where it failed.
    pub category: Option<Category>,
    /// What went wrong, in words, without secrets.
    pub message: Option<String>,
    /// How long the attempt took, tries and the waits between them included; `None` where no request
    /// could be made.
    pub took: Option<Duration>,
}

/// What comes out of a tail of outcomes.
#[derive(Debug, Clone)]
pub enum Told {
    /// An attempt is over.
    Outcome(Arc<Outcome>),
    /// So many came while nobody took them.
    Skipped(u64),
}
