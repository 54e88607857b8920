//! Fixtures: an event, and the request that is to come of it.

mod answers;
mod request;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use model::definition::Definition;
use model::json::{self, Object};
use model::outcome::{Discarded, Filtered};
use model::sync::{Settings, Sync};
use model::time::ManualClock;
use model::{Clock, Event, EventKind, Offset, OutboundRequest, Part, ProjectId, SyncId, Timestamp};
use pipeline::{Outcome, Plan};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use self::answers::{AnswerFile, Judged, Recorded};
use self::request::{Expected as ExpectedRequest, RequestFile, request_json};
use super::difference::Difference;
use super::pretty;
use crate::source::{Document, Fault, read_text};

/// What one file may hold.
const LIMITS: json::Limits = json::Limits {
    depth: 200,
    values: 100_000,
    repeated_names: true,
};

/// What `.now` is where a fixture doesn't say: 2024-01-01T00:00:00Z.
const DEFAULT_NOW: Timestamp = Timestamp(1_704_067_200_000_000);

// Events and bodies are read from the text: their numbers have to keep their digits.
/// An event, and the request that is to come of it, or the reason why none is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FixtureFile {
    /// Where the schema is, for editors.
    #[serde(rename = "$schema", default)]
    #[schema(value_type = Option<String>)]
    _schema: Option<serde::de::IgnoredAny>,
    /// What it shows.
    name: String,
    /// Whether the event or its user is sent.
    part: Part,
    /// The event as it is streamed.
    #[serde(rename = "event")]
    #[schema(value_type = Object)]
    _event: serde::de::IgnoredAny,
    /// What a sync has: `parameters`, `mappings`, `mapping_kinds`, `properties`, `events`, `users`.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    settings: Settings,
    /// What `.now` is. Absent: the beginning of 2024.
    #[schema(format = DateTime)]
    now: Option<String>,
    /// What is sent.
    request: Option<RequestFile>,
    /// Why nothing is sent: `filtered` or `discarded`, with its reason.
    #[schema(value_type = Option<Object>)]
    outcome: Option<OutcomeFile>,
    /// What the destination might answer, as it was recorded, and what that means.
    #[serde(default)]
    answers: Vec<AnswerFile>,
}

/// How an event ends that no request is made of.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum OutcomeFile {
    Filtered(Filtered),
    Discarded(Discarded),
}

/// A fixture, ready to be compared.
#[derive(Debug)]
pub(super) struct Fixture {
    /// The file.
    pub(super) path: PathBuf,
    /// What it shows.
    pub(super) name: String,
    part: Part,
    settings: Settings,
    now: Timestamp,
    event: Bytes,
    expected: Option<Expected>,
    answers: Vec<Recorded>,
    /// The whole file.
    tree: Object<'static>,
    document: Document,
}

#[derive(Debug)]
enum Expected {
    Request(ExpectedRequest),
    Outcome(OutcomeFile),
}

impl Fixture {
    /// Reads a fixture.
    pub(super) fn open(path: &Path) -> Result<Self, Fault> {
        let text = read_text(path)?;
        let tree = json::parse(text.as_bytes(), &LIMITS).map_err(|error| {
            let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
            Fault::new(path, error.problem).at(Some((number(error.line), number(error.column))))
        })?;
        let document = Document::parse(path, &text)?;
        let file: FixtureFile = document.typed()?;
        let now = match &file.now {
            None => DEFAULT_NOW,
            Some(text) => timestamp(text).ok_or_else(|| {
                document.fault("/now", None, "a time is given as 2024-01-31T20:15:00.000Z")
            })?,
        };
        let event = tree
            .get("event")
            .filter(|event| event.as_object().is_some());
        let event = event.ok_or_else(|| {
            document.fault(
                "/event",
                None,
                "an event is a JSON object, as it is streamed",
            )
        })?;
        let event = Bytes::from(event.to_json());
        let expected = match (file.request, file.outcome) {
            (Some(_), Some(_)) => {
                return Err(document.fault(
                    "/outcome",
                    None,
                    "a fixture expects a request or an outcome, not both",
                ));
            }
            (Some(request), None) => {
                let request = ExpectedRequest::new(request, tree.get("request"));
                Some(Expected::Request(request))
            }
            (None, Some(outcome)) => Some(Expected::Outcome(outcome)),
            (None, None) => None,
        };
        let answers = file.answers.into_iter().enumerate();
        let answers = answers.map(|(position, answer)| {
            Recorded::new(answer, tree.pointer(&format!("/answers/{position}")))
        });
        let answers = answers.collect();
        let json::Value::Object(tree) = tree.into_owned() else {
            return Err(document.fault("", None, "a fixture is a JSON object"));
        };
        let mut settings = file.settings;
        settings.users.send |= file.part == Part::User;
        Ok(Self {
            path: path.to_owned(),
            name: file.name,
            part: file.part,
            settings,
            now,
            event,
            expected,
            answers,
            tree,
            document,
        })
    }

    /// What becomes of the event, and what the answers mean; or what is wrong with the settings.
    pub(super) fn render(&self, definition: &Definition) -> Result<Rendered, Vec<Fault>> {
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(self.now));
        let project = ProjectId::from_bytes([1; 16]);
        let sync = Sync {
            id: SyncId::from_bytes([1; 16]),
            project,
            definition: definition.id,
            definition_version: definition.version,
            name: self.name.clone(),
            enabled: true,
            settings: self.settings.clone(),
        };
        let plan = Plan::compile(definition, &sync, &clock).map_err(|problems| {
            problems
                .iter()
                .map(|each| self.fault_of(each))
                .collect::<Vec<_>>()
        })?;
        let kind = json::parse(&self.event, &LIMITS).ok();
        let kind = kind
            .as_ref()
            .and_then(|event| event.get("event_type")?.as_str());
        let kind = EventKind::of_type(kind.unwrap_or_default());
        let event = Event::new(project, Offset(0), kind, self.now, self.event.clone());
        let outcome = plan.apply(&event, self.part);
        let answers = match &outcome {
            Outcome::Request(request) => {
                let judge = |recorded: &Recorded| {
                    recorded.judge(&request.responses, |answer| {
                        plan.follow_up(&event, self.part, answer)
                    })
                };
                self.answers.iter().map(judge).collect()
            }
            _ => Vec::new(),
        };
        Ok(Rendered { outcome, answers })
    }

    /// A problem of the settings, or one that the definition has with them.
    fn fault_of(&self, problem: &pipeline::Problem) -> Fault {
        if problem.pointer.starts_with("/definition") {
            return self.document.fault("/settings", None, problem);
        }
        let pointer = format!("/settings{}", problem.pointer);
        let within = problem.line.zip(problem.column);
        self.document.fault(&pointer, within, &problem.message)
    }

    /// What differs from what is expected; nothing where it is the same.
    pub(super) fn compare(&self, rendered: &Rendered) -> Vec<Difference> {
        let request = match request_or_end(&rendered.outcome) {
            Ok(request) => request,
            Err(end) => {
                let mut differences = self.compare_outcome(&end);
                if !self.answers.is_empty() {
                    let nothing = "nothing is sent, so nothing is answered";
                    differences.push(Difference::new("answers", "none", nothing));
                }
                return differences;
            }
        };
        let Some(Expected::Request(expected)) = &self.expected else {
            let expected = match &self.expected {
                Some(Expected::Outcome(outcome)) => told(outcome),
                _ => "nothing yet".to_owned(),
            };
            return vec![Difference::new("outcome", expected, "a request")];
        };
        let mut differences = expected.compare(request);
        let answers = self.answers.iter().zip(&rendered.answers).enumerate();
        for (position, (recorded, judged)) in answers {
            differences.extend(recorded.compare(position, judged));
        }
        differences
    }

    fn compare_outcome(&self, actual: &OutcomeFile) -> Vec<Difference> {
        let expected = match &self.expected {
            Some(Expected::Outcome(expected)) if expected == actual => return Vec::new(),
            Some(Expected::Outcome(expected)) => told(expected),
            Some(Expected::Request(_)) => "a request".to_owned(),
            None => "nothing yet".to_owned(),
        };
        vec![Difference::new("outcome", expected, told(actual))]
    }

    /// The file's text, expecting what came out.
    pub(super) fn updated(&self, rendered: &Rendered) -> anyhow::Result<String> {
        let mut tree = self.tree.clone();
        // What is expected stands behind what it is made of, answers last.
        let answers = tree.remove("answers");
        tree.remove("request");
        tree.remove("outcome");
        match request_or_end(&rendered.outcome) {
            Ok(request) => tree.set("request", request_json(request)),
            Err(end) => {
                let text = serde_json::to_string(&end)?;
                let value = json::parse(text.as_bytes(), &LIMITS)?;
                tree.set("outcome", value.into_owned());
            }
        }
        if let Some(mut answers) = answers {
            if let json::Value::Array(answers) = &mut answers {
                for (answer, judged) in answers.iter_mut().zip(&rendered.answers) {
                    answers::update(answer, judged);
                }
            }
            tree.set("answers", answers);
        }
        Ok(pretty::write(&json::Value::Object(tree)))
    }
}

/// What became of a fixture's event.
#[derive(Debug)]
pub(super) struct Rendered {
    outcome: Outcome,
    /// What its answers mean, where there is a request.
    answers: Vec<Judged>,
}

/// A time as people write it.
fn timestamp(text: &str) -> Option<Timestamp> {
    let at: jiff::Timestamp = text.parse().ok()?;
    Some(Timestamp(at.as_microsecond()))
}

/// The request, or how the event ended without one.
fn request_or_end(outcome: &Outcome) -> Result<&OutboundRequest, OutcomeFile> {
    match outcome {
        Outcome::Request(request) => Ok(request),
        Outcome::Filtered(why) => Err(OutcomeFile::Filtered(why.clone())),
        Outcome::Discarded(why) => Err(OutcomeFile::Discarded(why.clone())),
    }
}

fn told(outcome: &OutcomeFile) -> String {
    serde_json::to_string(outcome).unwrap_or_default()
}
