//! Previews as clients see them.

use model::Part;
use model::definition::{Definition, Mapping, Parameter};
use model::outcome::{Discarded, Filtered};
use pipeline::preview::{Request, Text};
use serde::Serialize;
use utoipa::ToSchema;

use super::judged::JudgedView;
use crate::portal::problem::FieldProblem;

/// What a definition or a sync would send.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::portal) struct PreviewView {
    /// What its users are asked.
    form: FormView,
    /// What would be sent for the event, and for its user; empty where nothing can be made of the
    /// settings.
    requests: Vec<PartView>,
    /// The settings for which something stands in: JSON pointers into the request.
    stand_ins: Vec<String>,
    /// What is missing, or can't be used. Pointers are into the request, or, where they begin with
    /// `/definition/`, into the definition.
    problems: Vec<FieldProblem>,
}

impl PreviewView {
    pub(super) fn new(
        form: FormView,
        requests: Vec<PartView>,
        stand_ins: Vec<String>,
        problems: Vec<FieldProblem>,
    ) -> Self {
        Self {
            form,
            requests,
            stand_ins,
            problems,
        }
    }

    /// Where nothing can be made of the settings.
    pub(super) fn without_requests(form: FormView, problems: Vec<FieldProblem>) -> Self {
        Self::new(form, Vec::new(), Vec::new(), problems)
    }
}

/// What users of a destination are asked at set-up.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FormView {
    /// The destination's name.
    display_name: String,
    /// Values to give, in this order.
    parameters: Vec<Parameter>,
    /// Properties to choose, in this order.
    mappings: Vec<Mapping>,
    /// Whether there are events to select.
    takes_events: bool,
    /// Whether users can be switched on.
    takes_users: bool,
    /// Whether selected properties keep their types unless the user says otherwise.
    typed_properties: bool,
    /// How many headers of their own users may add.
    extra_headers: u8,
    /// Whether users may bring templates of their own.
    own_templates: bool,
}

impl From<&Definition> for FormView {
    fn from(definition: &Definition) -> Self {
        Self {
            display_name: definition.display_name.clone(),
            parameters: definition.parameters.clone(),
            mappings: definition.mappings.clone(),
            takes_events: definition.events.is_some(),
            takes_users: definition.users.is_some(),
            typed_properties: definition.typed_properties,
            extra_headers: definition.extra_headers,
            own_templates: definition.own_templates,
        }
    }
}

/// What would become of the event, or of its user.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::portal) struct PartView {
    /// Which of the two.
    part: Part,
    /// What would become of it.
    outcome: OutcomeName,
    /// What would be sent; null where nothing is.
    request: Option<RequestView>,
    /// Why nothing is; null where something is.
    reason: Option<ReasonView>,
    /// What the answer would mean that was given; null where none was.
    judged: Option<JudgedView>,
    /// What to know of it: that a sync would not send the sample, or that mapped properties of the sample are made
    /// up. Null where there is nothing.
    note: Option<String>,
}

/// What would become of an event.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum OutcomeName {
    /// It is sent.
    Request,
    /// It is not meant for the sync.
    Filtered,
    /// No request can or may be made of it.
    Discarded,
}

/// A request. Each delivery carries the headers `Millstream-Delivery-Id` and `Millstream-Attempt`
/// besides.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RequestView {
    /// `POST`, `PUT` or `PATCH`.
    method: String,
    /// Where it goes.
    url: String,
    /// The headers.
    headers: Vec<SentHeader>,
    /// The body.
    body: String,
    /// The same for a POSIX shell, with variables for secrets.
    curl: String,
    /// The variables of the command.
    variables: Vec<VariableView>,
}

/// A header of a request or an answer.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SentHeader {
    /// The name.
    pub(super) name: String,
    /// The value.
    pub(super) value: String,
}

/// An environment variable of a command.
#[derive(Debug, Serialize, ToSchema)]
struct VariableView {
    /// Its name.
    #[schema(example = "MILLSTREAM_API_KEY")]
    name: String,
    /// What to set it to.
    meaning: String,
}

/// Why nothing is sent.
#[derive(Debug, Serialize, ToSchema)]
struct ReasonView {
    /// The kind of reason: stable, for programs.
    code: &'static str,
    /// In words.
    message: String,
    /// Where the fault is, if it is in a field: as pointers of problems.
    pointer: Option<String>,
    /// The line in the template (of `invalid_json`: in the body), from 1.
    line: Option<u32>,
    /// The column, from 1.
    column: Option<u32>,
    /// Of `invalid_json`: the body that came out, secret values masked; null otherwise.
    body: Option<String>,
}

impl PartView {
    /// The same, with what an answer would mean.
    pub(super) fn judged(self, judged: Option<JudgedView>) -> Self {
        Self { judged, ..self }
    }

    /// The same, with what there is to say of it.
    pub(super) fn noted(self, note: Option<String>) -> Self {
        Self { note, ..self }
    }

    pub(super) fn request(part: Part, request: &Request) -> Self {
        Self {
            part,
            outcome: OutcomeName::Request,
            request: Some(RequestView::from(request)),
            reason: None,
            judged: None,
            note: None,
        }
    }

    pub(super) fn filtered(part: Part, why: &Filtered) -> Self {
        let (code, message) = words(why);
        Self {
            part,
            outcome: OutcomeName::Filtered,
            request: None,
            reason: Some(ReasonView {
                code,
                message,
                pointer: None,
                line: None,
                column: None,
                body: None,
            }),
            judged: None,
            note: None,
        }
    }

    /// Nothing is sent, and the reason would tell of secrets.
    pub(super) fn withheld(part: Part) -> Self {
        Self {
            part,
            outcome: OutcomeName::Discarded,
            request: None,
            reason: Some(ReasonView {
                code: "withheld",
                message: "whether this is sent depends on secret values that are not shown".into(),
                pointer: None,
                line: None,
                column: None,
                body: None,
            }),
            judged: None,
            note: None,
        }
    }

    pub(super) fn discarded(part: Part, why: &Discarded, pointer: Option<String>) -> Self {
        let place = match why {
            Discarded::Template { line, column, .. }
            | Discarded::InvalidJson { line, column, .. } => Some((*line, *column)),
            _ => None,
        };
        Self {
            part,
            outcome: OutcomeName::Discarded,
            request: None,
            reason: Some(ReasonView {
                code: why.name(),
                message: why.to_string(),
                pointer,
                line: place.map(|(line, _)| line),
                column: place.map(|(_, column)| column),
                body: None,
            }),
            judged: None,
            note: None,
        }
    }

    /// The same, with the body that came out and can't be sent.
    pub(super) fn with_body(mut self, body: &Text) -> Self {
        if let Some(reason) = &mut self.reason {
            reason.body = Some(body.masked());
        }
        self
    }
}

/// Why an event is not meant for a sync: the kind of reason, and in words.
fn words(why: &Filtered) -> (&'static str, String) {
    match why {
        Filtered::PathOff => ("path_off", "the sync doesn't send such events".to_owned()),
        Filtered::EventType => ("event_type", "its event type is not selected".to_owned()),
        Filtered::Unchanged => (
            "unchanged",
            "nothing changed about the user that the sync sends".to_owned(),
        ),
        Filtered::Erased => ("erased", "the event was erased with its user".to_owned()),
        Filtered::Condition { condition } => (
            "condition",
            format!("a condition does not hold: {condition}"),
        ),
    }
}

/// Most made-up properties that are named.
const NAMED: usize = 5;

/// What to know of a sample: why the sync would not send it, where it would not, and which of its properties are
/// made up because they are mapped.
pub(super) fn of_sample(unselected: Option<&Filtered>, made_up: &[String]) -> Option<String> {
    let mut facts = Vec::new();
    if let Some(why) = unselected {
        let (_, why) = words(why);
        facts.push(format!(
            "this is made of a sample event, which the sync would not send: {why}"
        ));
    }
    if !made_up.is_empty() {
        let named = made_up[..made_up.len().min(NAMED)].join(", ");
        let more = match made_up.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        facts.push(format!(
            "the sample event has made-up values where mapped properties are missing: {named}{more}"
        ));
    }
    let choose = "Choose one of your events to see what becomes of it";
    (!facts.is_empty()).then(|| format!("{}. {choose}", facts.join("; ")))
}

impl From<&Request> for RequestView {
    fn from(request: &Request) -> Self {
        let headers = request.headers.iter().map(|(name, value)| SentHeader {
            name: name.masked(),
            value: value.masked(),
        });
        let variables = request.variables.iter().map(|variable| VariableView {
            name: variable.name.clone(),
            meaning: variable.meaning.clone(),
        });
        Self {
            method: request.method.to_string(),
            url: request.url.masked(),
            headers: headers.collect(),
            body: request.body.masked(),
            curl: request.curl(),
            variables: variables.collect(),
        }
    }
}
