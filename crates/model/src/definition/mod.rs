//! A destination definition: what a partner says once about how a destination is spoken to.

mod about;
mod mapping;
mod parameter;
mod response;
mod webhook;

use serde::{Deserialize, Serialize};

use crate::id::DefinitionId;

pub use about::{About, Category, Link};
pub use mapping::Mapping;
pub use parameter::{Choice, Parameter, ParameterKind};
pub use response::{
    BodyCondition, BodyOperator, FailedItem, FollowUp, Meaning, ResponseRule, Statuses, deciding,
};

/// How a destination is spoken to. Immutable: a change makes a new version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    /// Identifies the definition over its versions.
    pub id: DefinitionId,
    /// Counts from 1.
    pub version: u32,
    /// As the catalog shows it.
    pub display_name: String,
    /// What else the catalog shows.
    #[serde(default)]
    pub about: About,
    /// What the user is asked at set-up.
    #[serde(default)]
    pub parameters: Vec<Parameter>,
    /// Destination properties that the user fills from properties of the user's choice.
    #[serde(default)]
    pub mappings: Vec<Mapping>,
    /// What is sent for an event; `None` where the destination takes no events.
    pub events: Option<Payload>,
    /// What is sent for a user; `None` where the destination takes no users.
    pub users: Option<Payload>,
    /// Whether selected properties keep their types; otherwise they are sent as strings.
    #[serde(default)]
    pub typed_properties: bool,
    /// How many headers of its own a sync may add.
    #[serde(default)]
    pub extra_headers: u8,
    /// Whether a sync may bring body templates of its own.
    #[serde(default)]
    pub own_templates: bool,
    /// What the destination can take.
    #[serde(default)]
    pub limits: Limits,
}

/// One kind of request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Payload {
    /// The verb.
    #[serde(default)]
    pub method: Method,
    /// The URL, a template.
    pub url: String,
    /// The headers, templates.
    #[serde(default)]
    pub headers: Vec<Header>,
    /// The body, a template; `None` for the event (or user) as it is streamed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Whether the body stands alone or in an array of one.
    #[serde(default)]
    pub unit: BodyUnit,
    /// Whether the delivery's id goes along as `Idempotency-Key`, the same over all tries.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub idempotency_key: bool,
    /// What answers mean where their status alone doesn't tell: the first rule that holds decides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub responses: Vec<ResponseRule>,
    /// One more request, for answers that mean `follow_up`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follow_up: Option<FollowUp>,
}

/// The verbs that a definition can choose from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// `POST`
    #[default]
    Post,
    /// `PUT`
    Put,
    /// `PATCH`
    Patch,
}

impl From<Method> for http::Method {
    fn from(method: Method) -> Self {
        match method {
            Method::Post => Self::POST,
            Method::Put => Self::PUT,
            Method::Patch => Self::PATCH,
        }
    }
}

/// What a body holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum BodyUnit {
    /// One object.
    #[default]
    Object,
    /// An array of one object.
    ArrayOfOne,
}

/// A header. Its name is a template too, which only parameters go into.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// The name.
    pub name: String,
    /// The value, a template. May be a secret: not shown by `Debug`.
    pub value: String,
}

impl std::fmt::Debug for Header {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Header")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// What a destination can take. `None`: no limit of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Longest body in bytes; a longer one is discarded.
    pub body_bytes: Option<u64>,
    /// Requests in flight at once.
    pub concurrency: Option<u16>,
    /// Requests a minute, each try counted: over any 60 seconds. What is more waits.
    pub requests_per_minute: Option<u32>,
    /// How many event types a sync may select.
    pub event_types: Option<u32>,
    /// How many event properties go along with one event.
    pub properties_per_event: Option<u32>,
    /// Longest value of a required mapping in bytes; an event with a longer one is discarded.
    pub identifier_bytes: Option<u32>,
    /// How many properties go along with one user.
    pub properties_per_user: Option<u32>,
}
