//! What the user is asked at set-up.

use serde::{Deserialize, Serialize};

/// A value that the user gives at set-up; `parameters.NAME` in templates.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Parameter {
    /// As templates name it: letters, digits and `_`, no digit first.
    pub name: String,
    /// As the form shows it.
    pub display_name: String,
    /// What may be given, and how it is asked for.
    #[serde(default)]
    pub kind: ParameterKind,
    /// Whether a sync can't be enabled without.
    #[serde(default)]
    pub required: bool,
    /// Used where the user gives none. Of a checkbox `true` or `false`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// What to give and where to find it, below the field.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub help: String,
    /// A regular expression that the whole of a text, secret or URL must match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// What can be chosen, of a `select`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<Choice>,
}

/// What may be given for a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ParameterKind {
    /// Any text.
    #[default]
    Text,
    /// A text that is never shown again and never logged.
    Secret,
    /// One of the options.
    Select,
    /// Yes or no; templates see a boolean. Not given: no.
    Checkbox,
    /// An absolute `https` or `http` address.
    Url,
}

/// An option of a `select`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// What templates get.
    pub value: String,
    /// What the form shows.
    pub label: String,
}

impl Parameter {
    /// Whether its value is never shown.
    pub fn is_secret(&self) -> bool {
        self.kind == ParameterKind::Secret
    }
}
