//! What is sent again.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::filter::Selection;
use crate::{DeliveryId, ProjectId, ReplayId, Timestamp};

/// What a replay sends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Replayed {
    /// Deliveries that ended without success, under the ids that they have.
    Failed(Failures),
    /// Events that were received before, under ids of their own.
    Events(PastEvents),
    /// Events of an archive, which go to a log of their own and to nobody else.
    Import(Imported),
}

impl Replayed {
    /// The log of an import's events: a project that nobody else knows.
    pub fn log_of_import(id: ReplayId) -> ProjectId {
        ProjectId::from_bytes(id.to_bytes())
    }
}

/// Events of an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Imported {
    /// As people call it.
    pub name: String,
    /// Tells its contents from others: the same is not imported twice.
    pub digest: String,
    /// Whether all of it has arrived.
    #[serde(default)]
    pub complete: bool,
}

/// Events that were received before. What a sync doesn't select is not sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PastEvents {
    /// Those that were received then or later.
    pub from: Timestamp,
    /// Those that were received before.
    pub until: Timestamp,
    /// Of those, the ones that this selects; absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub select: Option<Selection>,
}

/// Which of a sync's deliveries that ended without success. What is absent or empty doesn't matter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Failures {
    /// These.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub deliveries: BTreeSet<DeliveryId>,
    /// Those that ended so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<FailedOutcome>,
    /// Those with one of these reasons: categories of failures for expired ones, names of
    /// [`Discarded`](crate::outcome::Discarded) for others.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub reasons: BTreeSet<String>,
    /// Those whose last attempt was answered with one of these statuses.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub statuses: BTreeSet<u16>,
    /// Those of events of one of these types.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub event_types: BTreeSet<String>,
    /// Those that ended then or later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_from: Option<Timestamp>,
    /// Those that ended before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_until: Option<Timestamp>,
}

/// How a delivery ended without success.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum FailedOutcome {
    /// The last attempt failed too.
    Expired,
    /// No request could be made of it.
    Discarded,
}
