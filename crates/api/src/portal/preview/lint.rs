//! Faults of a definition's templates that show only with certain events.

use std::time::Duration;

use axum::Json;
use axum::extract;
use model::access::Permission;
use model::{ProjectId, json};
use pipeline::lint::{Code, Finding, Seen, Severity, Until};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::given::{Events, Exact, Given};
use super::subject::event_of;
use crate::auth::Allowed;
use crate::auth::permission::DefinitionsRead;
use crate::portal::definition::Ids;
use crate::portal::extract::Path;
use crate::portal::openapi::Refusal;
use crate::portal::problem::{FieldProblem, pointer};
use crate::portal::turns::Abandoned;
use crate::portal::{ApiError, State};

/// Most samples: each is rendered many times.
const SAMPLES: usize = 50;

/// How long a definition is looked at.
const LONGEST: Duration = Duration::from_secs(15);

/// What to lint a definition with.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::portal) struct LintInput {
    /// Which version; absent: the draft.
    version: Option<u32>,
    /// Events as they are streamed, from which is learnt what usually occurs.
    #[serde(default)]
    #[schema(value_type = Vec<Object>, max_items = 50)]
    events: Vec<Given>,
    /// A project of the organisation: which types of values each property has had in all that it received
    /// lately is learnt, and its newest events, a few of each type, are tried as well, up to 50 with those
    /// in `events`. Demands `deliveries:read`. Values of sensitive properties are masked.
    #[schema(value_type = Option<String>)]
    project: Option<ProjectId>,
}

impl Events for LintInput {
    fn take_exact(&mut self, body: &json::Value<'_>) {
        let events = body.get("events").and_then(json::Value::as_array);
        for (given, event) in self.events.iter_mut().zip(events.unwrap_or_default()) {
            *given = Given::own(event);
        }
    }
}

/// What the linter found.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::portal) struct LintView {
    /// In the order of the definition, at most 100.
    findings: Vec<FindingView>,
    /// Whether all was tried on all templates: false where the bounds on time or on this answer have cut
    /// something off.
    looked_at_all: bool,
    /// What was cut off.
    left: Vec<LeftView>,
}

/// Something that was not looked at, or is not shown.
#[derive(Debug, Serialize, ToSchema)]
struct LeftView {
    /// JSON pointer to the template in the definition.
    #[schema(example = "/events/body")]
    pointer: String,
    /// What, in words.
    message: String,
}

/// Something in a template that breaks, and the event that breaks it.
#[derive(Debug, Serialize, ToSchema)]
struct FindingView {
    /// The kind of fault: stable, for programs.
    #[schema(value_type = String, example = "unescaped")]
    code: Code,
    /// `error`: proven, an event that can come is discarded or corrupted. `advice`: it works, or
    /// breaks only by values of a type that has not been seen there.
    #[schema(value_type = String, example = "error")]
    severity: Severity,
    /// JSON pointer to the template in the definition.
    #[schema(example = "/events/body")]
    pointer: String,
    /// Where the expression to blame begins: the line, from 1.
    line: u32,
    /// The column, from 1.
    column: u32,
    /// The line of its last character.
    end_line: u32,
    /// The column of its last character.
    end_column: u32,
    /// What is wrong, when it shows, and what to do about it.
    message: String,
    /// What shows it.
    proof: ProofView,
    /// An edit of the template after which nothing breaks there any more; null where none was found.
    mend: Option<EditView>,
}

/// What a template was rendered with, and what came out.
#[derive(Debug, Serialize, ToSchema)]
struct ProofView {
    /// The event as it is streamed: JSON text.
    event: String,
    /// `mappedFields`: JSON text; null where the template doesn't read them.
    mapped_fields: Option<String>,
    /// `mappedProperties`: JSON text; null where the template doesn't read them.
    mapped_properties: Option<String>,
    /// `parameters`: JSON text; null where the template doesn't read them.
    parameters: Option<String>,
    /// `answer`: JSON text; null but for a request that follows an answer.
    answer: Option<String>,
    /// What was printed; null when rendering failed.
    output: Option<String>,
    /// What is wrong with it, or why rendering failed.
    error: Option<String>,
}

/// A replacement of a part of a template.
#[derive(Debug, Serialize, ToSchema)]
struct EditView {
    /// The line of the first character that is replaced.
    line: u32,
    /// The column of the first character that is replaced.
    column: u32,
    /// The line where the template goes on.
    end_line: u32,
    /// The column where the template goes on.
    end_column: u32,
    /// The first byte of the template that is replaced, from 0.
    start_byte: usize,
    /// The byte where the template goes on.
    end_byte: usize,
    /// What to write there.
    replacement: String,
}

impl From<Finding> for FindingView {
    fn from(finding: Finding) -> Self {
        let proof = finding.proof;
        Self {
            code: finding.code,
            severity: finding.severity,
            pointer: finding.pointer,
            line: finding.line,
            column: finding.column,
            end_line: finding.end_line,
            end_column: finding.end_column,
            message: finding.message,
            proof: ProofView {
                event: proof.event,
                mapped_fields: proof.mapped_fields,
                mapped_properties: proof.mapped_properties,
                parameters: proof.parameters,
                answer: proof.answer,
                output: proof.output,
                error: proof.error,
            },
            mend: finding.mend.map(|edit| EditView {
                line: edit.line,
                column: edit.column,
                end_line: edit.end_line,
                end_column: edit.end_column,
                start_byte: edit.bytes.start,
                end_byte: edit.bytes.end,
                replacement: edit.replacement,
            }),
        }
    }
}

/// Looks for faults of a definition's templates that show only with certain events. Each is proven
/// by such an event.
#[utoipa::path(post, path = "/organisations/{organisation}/definitions/{definition}/lint",
    tag = "definitions", operation_id = "lint_definition",
    params(("organisation" = String, Path, description = "The organisation's id"),
        ("definition" = String, Path, description = "The definition's id")),
    request_body = LintInput,
    responses((status = 200, body = LintView), Refusal))]
pub(in crate::portal) async fn of_definition(
    allowed: Allowed<DefinitionsRead>,
    extract::State(portal): State,
    Path((organisation, id)): Ids,
    Exact(input): Exact<LintInput>,
) -> Result<Json<LintView>, ApiError> {
    if input.events.len() > SAMPLES {
        let message = format!("at most {SAMPLES} events");
        return Err(ApiError::field("/events", message));
    }
    let mut samples = Vec::with_capacity(input.events.len());
    for (position, event) in input.events.iter().enumerate() {
        let refused = || FieldProblem::new(pointer("/events", position), "expected an object");
        samples.push(event_of(event).ok_or_else(|| ApiError::Invalid(vec![refused()]))?);
    }
    let mut seen = Seen::default();
    if let Some(project) = input.project {
        allowed.demand(Permission::DeliveriesRead)?;
        if portal.store.organisation_of(project).await? != Some(organisation) {
            let message = "the organisation has no such project";
            return Err(ApiError::field("/project", message));
        }
        let most = SAMPLES - samples.len();
        samples.extend(portal.samples_of(project, most).await?);
        seen = portal.seen_of(project).await?;
    }
    let definition = portal.content(organisation, id, input.version).await?;
    let clock = portal.authority.clock.clone();
    let turn = portal.labour_turns.take(Some(organisation)).await?;
    let lint = move |abandoned: &Abandoned| {
        let until = Until {
            deadline: Some(clock.now() + LONGEST),
            abandoned: Some(abandoned.flag()),
        };
        pipeline::lint::lint_until(&definition, (&samples, &seen), &clock, until)
    };
    let linted = portal.labour(&turn, lint).await?;
    let left = linted.left.iter().map(|left| LeftView {
        pointer: left.pointer.clone(),
        message: left.message.clone(),
    });
    Ok(Json(LintView {
        looked_at_all: linted.looked_at_all(),
        left: left.collect(),
        findings: linted.findings.into_iter().map(FindingView::from).collect(),
    }))
}
