//! What a definition says, as clients see it.

use model::definition::{About, Category, Definition, Limits, Mapping, Parameter, Payload};
use serde::Serialize;
use store::Outline;
use utoipa::ToSchema;

/// What a definition says.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::portal) struct ContentView {
    /// As the catalog shows it.
    display_name: String,
    /// What else the catalog shows.
    about: About,
    /// What the user is asked at set-up.
    parameters: Vec<Parameter>,
    /// What the user fills from properties of their choice.
    mappings: Vec<Mapping>,
    /// What is sent for an event; null where the destination takes no events.
    events: Option<Payload>,
    /// What is sent for a user; null where the destination takes no users.
    users: Option<Payload>,
    /// Whether selected properties keep their types; otherwise they are sent as strings.
    typed_properties: bool,
    /// What the destination can take.
    limits: Limits,
}

impl From<Definition> for ContentView {
    fn from(definition: Definition) -> Self {
        Self {
            display_name: definition.display_name,
            about: definition.about,
            parameters: definition.parameters,
            mappings: definition.mappings,
            events: definition.events,
            users: definition.users,
            typed_properties: definition.typed_properties,
            limits: definition.limits,
        }
    }
}

/// What lists show of what a definition says.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::portal) struct OutlineView {
    /// As the catalog shows it.
    display_name: String,
    /// What else its tile shows.
    about: AboutOutlineView,
}

/// What a tile shows beside the name.
#[derive(Debug, Serialize, ToSchema)]
struct AboutOutlineView {
    /// The shelf.
    category: Category,
    /// One line about it.
    summary: String,
    /// The picture, by the SHA-256 of its bytes; null: its initials.
    logo: Option<String>,
}

impl From<Outline> for OutlineView {
    fn from(outline: Outline) -> Self {
        let about = outline.about;
        Self {
            display_name: outline.display_name,
            about: AboutOutlineView {
                category: about.category,
                summary: about.summary,
                logo: about.logo,
            },
        }
    }
}
