//! A sync: a destination definition connected to a project with a user's settings.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::definition::Header;
use crate::filter::{Property, Selection};
use crate::id::{DefinitionId, ProjectId, SyncId};

/// A sync as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sync {
    /// Identifies it.
    pub id: SyncId,
    /// The project whose events it sends.
    pub project: ProjectId,
    /// The definition it connects.
    pub definition: DefinitionId,
    /// The definition's version.
    pub definition_version: u32,
    /// As people call it.
    pub name: String,
    /// Whether it delivers. A disabled one keeps what it owes.
    pub enabled: bool,
    /// Everything the user chose.
    pub settings: Settings,
}

/// What the user chose.
#[derive(Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The events path.
    pub events: Events,
    /// The users path.
    pub users: Users,
    /// Values of the definition's parameters. May hold secrets: not shown by `Debug`.
    pub parameters: BTreeMap<String, String>,
    /// Destination property → the property that fills it.
    pub mappings: BTreeMap<String, Property>,
    /// Destination property → which kind of identifier fills it, where the definition lets choose.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub mapping_kinds: BTreeMap<String, String>,
    /// The properties that go along as `mappedProperties`, under their own names, or those that don't:
    /// see `property_choice`. Of users, too, unless these have a choice of their own.
    pub properties: Vec<Property>,
    /// Whether `properties` go along, or all others.
    pub property_choice: PropertyChoice,
    /// Whether properties that don't go along are taken out of `input`, too.
    pub withhold_properties: bool,
    /// Headers of the sync's own; values may be secret, and are templates.
    pub headers: Vec<Header>,
    /// Overrides the definition's choice of types for selected properties.
    pub typed_properties: Option<bool>,
    /// Whether to call ourselves by the original sender's name, for receivers that check it.
    pub user_agent: UserAgent,
    /// Requests in flight at once; `None` for the installation's default.
    pub concurrency: Option<u16>,
    /// Requests a minute at most, where that is less than the destination takes; `None` for as many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests_per_minute: Option<u32>,
    /// Which deliveries may overtake others.
    #[serde(skip_serializing_if = "Order::is_default")]
    pub order: Order,
    /// How long an event waits, from when it was received, for the user property that a required mapping
    /// names, in seconds; `None`: it doesn't.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wait_for_properties_seconds: Option<u32>,
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settings")
            .field("events", &self.events)
            .field("users", &self.users)
            .field("parameters", &self.parameters.keys())
            .field("mappings", &self.mappings)
            .field("mapping_kinds", &self.mapping_kinds)
            .field("properties", &self.properties)
            .field("headers", &self.headers)
            .finish_non_exhaustive()
    }
}

/// How long events may wait for a property of their user, in seconds.
pub const WAIT_FOR_PROPERTIES: std::ops::RangeInclusive<u32> = 60..=24 * 60 * 60;

/// Which deliveries may overtake others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// All: what fails doesn't hold up what comes behind it.
    #[default]
    None,
    /// Those of other users: a user's next delivery is begun when the one before is over.
    PerUser,
}

impl Order {
    /// Whether it is what holds when nobody says anything.
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// What happens to events.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Events {
    /// Whether events are sent.
    pub send: bool,
    /// Which.
    pub select: Selection,
    /// A body template of the sync's own, where the definition lets it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
}

impl Default for Events {
    fn default() -> Self {
        Self {
            send: true,
            select: Selection::default(),
            template: None,
        }
    }
}

/// What a list of properties means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum PropertyChoice {
    /// These go along.
    #[default]
    Only,
    /// All others of the event, its user and its groups do.
    AllBut,
}

/// What happens to users.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Users {
    /// Whether users are sent.
    pub send: bool,
    /// On which events.
    pub on: UserTrigger,
    /// A choice of properties of users' own; absent: the events'.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub properties: Option<ChosenProperties>,
    /// A body template of the sync's own, where the definition lets it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
}

/// When a user is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum UserTrigger {
    /// With each event, and on each identify.
    #[default]
    Events,
    /// With events and identifies that changed one of the user properties that go along or fill a
    /// mapping (where there are none: any), and with changes of groups.
    Changes,
}

/// A choice of properties.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct ChosenProperties {
    /// The properties that are meant.
    pub list: Vec<Property>,
    /// Whether these go along, or all others.
    pub choice: PropertyChoice,
}

/// The name under which requests are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum UserAgent {
    /// `Millstream/Webhook/1.0`
    #[default]
    Millstream,
    /// `Amplitude/Webhook/1.0`
    Original,
}
