//! What is kept of a user beside their events.

use std::collections::BTreeMap;

use model::Timestamp;

/// Most devices of one user that are told.
pub const MOST_DEVICES: usize = 100;

/// A user as the journal knows them after the last event that it took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownUser {
    /// Their number: never given twice.
    pub amplitude_id: i64,
    /// Their id; `None`: anonymous, known by one device only.
    pub user_id: Option<String>,
    /// The time of their first event, as it said.
    pub created_at: Timestamp,
    /// The version of the first app that they were seen with.
    pub start_version: Option<String>,
    /// Whether an event has ever said that they pay.
    pub paying: bool,
    /// The groups that they are in: names by type.
    pub groups: BTreeMap<String, Vec<String>>,
    /// Their properties: the text of a JSON object.
    pub properties: String,
    /// Devices that last belonged to them, in order; at most [`MOST_DEVICES`].
    pub devices: Vec<String>,
    /// Whether there are more of these.
    pub more_devices: bool,
}
