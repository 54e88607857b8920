//! What the user fills from properties of their choice.

use serde::{Deserialize, Serialize};

use crate::filter::Property;

/// A destination property that is filled from a property of the user's choice.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// The destination property's name: field name and display name at once.
    pub name: String,
    /// Whether a sync can't be enabled without; an event without a value for it is discarded.
    #[serde(default)]
    pub required: bool,
    /// What to choose, below the field.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub help: String,
    /// What the form offers first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suggested: Option<Property>,
    /// Kinds of identifier among which the user chooses what the value is, such as `external_id` and
    /// `email`. None: the value is the destination property's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<String>,
}

impl Mapping {
    /// The names under which templates may find the value in `mappedFields`: its own, or, where the
    /// user chooses a kind, that of the kind.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        let own = self.kinds.is_empty().then_some(&self.name);
        own.into_iter().chain(&self.kinds).map(String::as_str)
    }
}
