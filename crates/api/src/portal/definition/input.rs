//! From what a client sends to what is stored of a draft.

use model::DefinitionId;
use model::definition::{About, Definition, Limits, Mapping, Parameter, Payload};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::portal::draft::present;
use crate::portal::problem::FieldProblem;
use crate::portal::{ApiError, field};

/// The most that a draft may take up, as JSON.
const DRAFT_BYTES: usize = 512 << 10;

/// Where the name is in what clients send.
const DISPLAY_NAME: &str = "/display_name";

/// What the store says of a draft, where the client finds it.
pub(super) fn refused(error: store::Error) -> ApiError {
    match error {
        store::Error::NameTaken { .. } => {
            ApiError::field(DISPLAY_NAME, "another definition has this name")
        }
        other => other.into(),
    }
}

/// A definition. To begin one, only `display_name` is required; in a change, what is absent stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::portal) struct DefinitionInput {
    /// As the catalog shows it; no other definition of the installation has it.
    #[schema(min_length = 1, max_length = 100)]
    display_name: Option<String>,
    /// What else the catalog shows.
    about: Option<About>,
    /// The picture on its tile, in Base64: a PNG of 16 to 512 pixels a side and at most 512 KiB; null: its
    /// initials. It can be uploaded, too.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, max_length = 699_052)]
    logo: Option<Option<String>>,
    /// What the user is asked at set-up.
    #[schema(max_items = 50)]
    parameters: Option<Vec<Parameter>>,
    /// What the user fills from properties of their choice.
    #[schema(max_items = 50)]
    mappings: Option<Vec<Mapping>>,
    /// What is sent for an event; null: the destination takes no events.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Payload>)]
    events: Option<Option<Payload>>,
    /// What is sent for a user; null: the destination takes no users.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Payload>)]
    users: Option<Option<Payload>>,
    /// Whether selected properties keep their types; otherwise they are sent as strings.
    typed_properties: Option<bool>,
    /// What the destination can take.
    limits: Option<Limits>,
}

/// An empty draft, to which a client's input is applied. The store gives it an id.
pub(super) fn blank() -> Definition {
    Definition {
        id: DefinitionId::from_bytes([0; 16]),
        version: 1,
        display_name: String::new(),
        about: About::default(),
        parameters: Vec::new(),
        mappings: Vec::new(),
        events: None,
        users: None,
        typed_properties: false,
        extra_headers: 0,
        own_templates: false,
        limits: Limits::default(),
    }
}

impl DefinitionInput {
    /// A version that is still to be released, as it would say.
    pub(in crate::portal) fn version(
        self,
        id: DefinitionId,
        version: u32,
    ) -> Result<Definition, ApiError> {
        self.onto(Definition {
            id,
            version,
            ..blank()
        })
    }

    /// The picture that comes with it: in Base64, or none from now on.
    pub(super) fn take_logo(&mut self) -> Option<Option<String>> {
        self.logo.take()
    }

    /// Applies what a client sent to what there is. Whether it makes sense is for the check to say;
    /// only what could not be stored is refused.
    pub(super) fn onto(self, draft: Definition) -> Result<Definition, ApiError> {
        let mut problems = Vec::new();
        let display_name = match self.display_name {
            Some(name) => {
                let name = field::name(&name, &mut problems);
                let own = problems.iter_mut();
                own.for_each(|problem| problem.pointer = DISPLAY_NAME.into());
                name
            }
            None if draft.display_name.is_empty() => {
                let message = "this field is required";
                problems.push(FieldProblem::new(DISPLAY_NAME, message));
                String::new()
            }
            None => draft.display_name,
        };
        let about = match self.about {
            Some(about) => with_logo(about, draft.about.logo, &mut problems),
            None => draft.about,
        };
        let draft = Definition {
            display_name,
            about,
            parameters: self.parameters.unwrap_or(draft.parameters),
            mappings: self.mappings.unwrap_or(draft.mappings),
            events: self.events.unwrap_or(draft.events),
            users: self.users.unwrap_or(draft.users),
            typed_properties: self.typed_properties.unwrap_or(draft.typed_properties),
            limits: self.limits.unwrap_or(draft.limits),
            ..draft
        };
        let length = serde_json::to_vec(&draft).map_or(usize::MAX, |text| text.len());
        if length > DRAFT_BYTES {
            let message = format!("the definition takes up more than {DRAFT_BYTES} bytes");
            problems.push(FieldProblem::new("", message));
        }
        match problems.is_empty() {
            true => Ok(draft),
            false => Err(ApiError::Invalid(problems)),
        }
    }
}

/// What a client says of a destination, with the picture that is there: it comes and goes by routes of
/// its own.
fn with_logo(about: About, logo: Option<String>, problems: &mut Vec<FieldProblem>) -> About {
    if about.logo.is_some() && about.logo != logo {
        let message = "a picture is uploaded, not named: give it as `logo`, or PUT it to the definition's `logo`";
        problems.push(FieldProblem::new("/about/logo", message));
    }
    About { logo, ..about }
}
