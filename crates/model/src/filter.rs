//! Which events a sync sends: event types and conditions on properties.

use serde::{Deserialize, Serialize};

/// Where a property is found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "scope", rename_all = "snake_case", deny_unknown_fields)]
pub enum Property {
    /// In `event_properties`.
    Event {
        /// The property's name.
        name: String,
    },
    /// In `user_properties`.
    User {
        /// The property's name.
        name: String,
    },
    /// In the properties of the user's group of this type; of several groups the first by name.
    Group {
        /// The group type.
        group_type: String,
        /// The property's name.
        name: String,
    },
    /// A top-level field of the event, such as `platform` or `user_id`.
    Field {
        /// The field's name.
        name: String,
    },
}

impl Property {
    /// The property's name, without its scope.
    pub fn name(&self) -> &str {
        match self {
            Self::Event { name }
            | Self::User { name }
            | Self::Group { name, .. }
            | Self::Field { name } => name,
        }
    }
}

/// How a property is compared. Numbers compare as numbers where both sides are; everything else,
/// dates included, as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Operator {
    /// Equals any of the values.
    Is,
    /// Equals none of the values.
    IsNot,
    /// Contains any of the values as a part of its text.
    Contains,
    /// Contains none of the values.
    DoesNotContain,
    /// Its text starts with any of the values.
    StartsWith,
    /// Its text ends with any of the values.
    EndsWith,
    /// `<`
    Less,
    /// `≤`
    LessOrEqual,
    /// `>`
    Greater,
    /// `≥`
    GreaterOrEqual,
    /// Has a value that is not null.
    IsSet,
    /// Has none.
    IsNotSet,
    /// Its text matches the regular expression.
    Matches,
    /// A list that has any of the values as an item.
    SetContains,
}

/// A condition, or several joined.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Condition {
    /// All of these hold. Holds when there are none.
    #[cfg_attr(feature = "openapi", schema(no_recursion))]
    All(Vec<Condition>),
    /// At least one of these holds.
    #[cfg_attr(feature = "openapi", schema(no_recursion))]
    Any(Vec<Condition>),
    /// One property is compared.
    Test {
        /// Which property.
        property: Property,
        /// How.
        operator: Operator,
        /// With what: strings, numbers or booleans. None for *is set* and *is not set*.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        values: Vec<serde_json::Value>,
    },
}

impl Condition {
    /// How deep groups of conditions may nest.
    pub const MAX_DEPTH: usize = 10;
    /// How many tests one tree of conditions may hold.
    pub const MAX_TESTS: usize = 200;
}

/// Which events are sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Selection {
    /// Every event for which the condition holds.
    All {
        /// Holds for every event when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        condition: Option<Condition>,
    },
    /// The events of these types, each under a condition of its own.
    Types(Vec<SelectedType>),
}

impl Default for Selection {
    fn default() -> Self {
        Self::All { condition: None }
    }
}

/// An event type that a sync sends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SelectedType {
    /// The event type.
    pub event_type: String,
    /// Holds for every event of the type when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<Condition>,
}
