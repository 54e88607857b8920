//! What is previewed: a definition with settings, and an event.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::body::Bytes;
use model::definition::Definition;
use model::json::{self, Limits};
use model::outcome::{Discarded, Filtered};
use model::sync::{Settings, Sync};
use model::{Answer, Clock, Event, EventKind, Offset, Part, ProjectId, SyncId, Timestamp};
use pipeline::preview::{Preview, Secrets, Shown};
use pipeline::{Outcome, Plan};
use store::{SecretFields, SyncDraft, SyncRecord};

use super::given::Given;
use super::judged::{AnswerInput, JudgedView};
use super::view::{FormView, PartView, PreviewView};
use super::{SecretsShown, sample, stand_in, view};
use crate::portal::ApiError;
use crate::portal::draft::{self, SyncInput};
use crate::portal::problem::FieldProblem;

/// A definition with settings, and an event.
#[derive(Debug)]
pub(super) struct Subject {
    pub(super) definition: Definition,
    pub(super) sync: Sync,
    pub(super) secrets: Secrets,
    pub(super) event: Event,
    /// Of the event, where nobody gave one: the mapped properties whose values are made up, in words.
    sample: Option<Vec<String>>,
    /// Where the request has the settings.
    settings_at: &'static str,
    /// Whether values that are missing are stood in for.
    stands_in: bool,
    /// What the destination might answer.
    answer: Option<Answer>,
}

impl Subject {
    /// A definition, with what users might fill in. Everything that it can send is sent.
    pub(super) fn of_definition(
        definition: Definition,
        settings: Option<SyncInput>,
        event: Option<Given>,
        shown: SecretsShown,
    ) -> Result<Self, ApiError> {
        const AT: &str = "/settings";
        let blank = SyncDraft {
            name: definition.display_name.clone(),
            ..draft::blank()
        };
        let applied = draft::apply(settings.unwrap_or_default(), blank, &definition);
        let mut draft = applied.map_err(|refused| below(AT, refused))?;
        draft.settings.events.send = definition.events.is_some();
        draft.settings.users.send = definition.users.is_some();
        let (event, sample) = read(event, &draft.settings)?;
        let secrets = match shown {
            SecretsShown::Masked => masked(&draft.secret),
            SecretsShown::Inline => Secrets::default(),
        };
        Ok(Self {
            sync: Sync {
                id: SyncId::from_bytes([0; 16]),
                project: ProjectId::from_bytes([0; 16]),
                definition: definition.id,
                definition_version: definition.version,
                name: draft.name,
                enabled: true,
                settings: draft.settings,
            },
            definition,
            secrets,
            event,
            sample,
            settings_at: AT,
            stands_in: true,
            answer: None,
        })
    }

    /// A sync, with changes that are not saved. Stored secrets don't go elsewhere by them.
    pub(super) fn of_sync(
        record: &SyncRecord,
        definition: &Definition,
        changes: Option<SyncInput>,
        event: Option<Given>,
        shown: SecretsShown,
    ) -> Result<Self, ApiError> {
        const AT: &str = "/changes";
        let stored = SyncDraft {
            name: record.sync.name.clone(),
            enabled: record.sync.enabled,
            notes: record.notes.clone(),
            settings: record.sync.settings.clone(),
            secret: record.secret.clone(),
        };
        let changes = changes.unwrap_or_default();
        let given = match shown {
            SecretsShown::Masked => SecretFields::default(),
            SecretsShown::Inline => given(&changes),
        };
        let applied = draft::apply(changes, stored, definition);
        let draft = applied.map_err(|refused| below(AT, refused))?;
        let mut secrets = masked(&draft.secret);
        secrets
            .parameters
            .retain(|name| !given.parameters.contains(name));
        secrets.headers.retain(|name| !given.headers.contains(name));
        secrets.unknown_to_viewer = true;
        let (event, sample) = read(event, &draft.settings)?;
        Ok(Self {
            definition: definition.clone(),
            sync: Sync {
                name: draft.name,
                settings: draft.settings,
                ..(*record.sync).clone()
            },
            secrets,
            event,
            sample,
            settings_at: AT,
            stands_in: false,
            answer: None,
        })
    }

    /// The same, with what the destination might answer.
    pub(super) fn answered(self, answer: Option<AnswerInput>) -> Self {
        Self {
            answer: answer.map(|answer| answer.answer()),
            ..self
        }
    }

    /// What is shown of it.
    pub(super) fn preview(mut self, clock: &Arc<dyn Clock>) -> PreviewView {
        let form = FormView::from(&self.definition);
        let problems = match self.compile(clock) {
            Ok(preview) => return self.view(form, Vec::new(), Vec::new(), &preview),
            Err(problems) => problems,
        };
        let mut stand_ins = Vec::new();
        if self.stands_in {
            stand_ins = stand_in::fill(&mut self.definition, &mut self.sync.settings);
            self.sample_again();
        }
        let stand_ins = stand_ins
            .into_iter()
            .map(|at| format!("{}{at}", self.settings_at));
        let stand_ins = stand_ins.collect();
        match self.compile(clock) {
            Ok(preview) => self.view(form, problems, stand_ins, &preview),
            Err(_) => PreviewView::without_requests(form, problems),
        }
    }

    /// Takes the sample for the settings as they are now, where it is one.
    fn sample_again(&mut self) {
        if self.sample.is_some()
            && let Ok((event, sample)) = read(None, &self.sync.settings)
        {
            (self.event, self.sample) = (event, sample);
        }
    }

    /// Compiles it, or says all that is wrong with it.
    pub(super) fn compile(&self, clock: &Arc<dyn Clock>) -> Result<Preview, Vec<FieldProblem>> {
        let compiled = Preview::compile(
            &self.definition,
            &self.sync,
            &self.secrets,
            &self.event,
            clock,
        );
        compiled.map_err(|problems| self.problems(problems))
    }

    /// Problems, with their pointers into the request.
    pub(super) fn problems(&self, problems: Vec<pipeline::Problem>) -> Vec<FieldProblem> {
        let problems = problems.into_iter().map(FieldProblem::from);
        problems.map(|problem| self.placed(problem)).collect()
    }

    fn view(
        &self,
        form: FormView,
        problems: Vec<FieldProblem>,
        stand_ins: Vec<String>,
        preview: &Preview,
    ) -> PreviewView {
        let requests = self.parts().map(|part| {
            let (shown, note) = self.shown(preview, part);
            let sent = matches!(shown, Shown::Request(_));
            let answer = self.answer.as_ref().filter(|_| sent);
            let judged = answer.and_then(|answer| self.judged(part, preview, answer));
            let view = self.part_view(part, shown, false);
            view.judged(judged).noted(note)
        });
        PreviewView::new(form, requests.collect(), stand_ins, problems)
    }

    /// What becomes of a part, and what there is to say of it. The sample is not an event that anybody chose:
    /// it becomes a request though the sync would not send it.
    pub(super) fn shown(&self, preview: &Preview, part: Part) -> (Shown, Option<String>) {
        let shown = preview.apply(&self.event, part);
        let Some(made_up) = &self.sample else {
            return (shown, None);
        };
        match &shown {
            Shown::Filtered(why) if is_by_selection(why) => {
                let note = view::of_sample(Some(why), made_up);
                (preview.render(&self.event, part), note)
            }
            _ => (shown, view::of_sample(None, made_up)),
        }
    }

    /// What is sent of a part.
    pub(super) fn sent(&self, plan: &Plan, part: Part) -> Outcome {
        match plan.apply(&self.event, part) {
            Outcome::Filtered(why) if self.sample.is_some() && is_by_selection(&why) => {
                plan.render(&self.event, part)
            }
            sent => sent,
        }
    }

    /// What an answer to the request for a part would mean.
    fn judged(&self, part: Part, preview: &Preview, answer: &Answer) -> Option<JudgedView> {
        let payload = match part {
            Part::Event => self.definition.events.as_ref()?,
            Part::User => self.definition.users.as_ref()?,
        };
        Some(JudgedView::new(payload, answer, || {
            let next = preview.follow_up(&self.event, part, answer);
            self.part_view(part, next, true)
        }))
    }

    /// The parts that the definition takes.
    pub(super) fn parts(&self) -> impl Iterator<Item = Part> {
        let event = self.definition.events.as_ref().map(|_| Part::Event);
        let user = self.definition.users.as_ref().map(|_| Part::User);
        event.into_iter().chain(user)
    }

    /// What would become of a part; `follows`: what would follow the answer to it.
    pub(super) fn part_view(&self, part: Part, shown: Shown, follows: bool) -> PartView {
        let at = |why| self.at(part, why, follows);
        match shown {
            Shown::Request(request) => PartView::request(part, &request),
            Shown::Filtered(why) => PartView::filtered(part, &why),
            Shown::Discarded(why) => PartView::discarded(part, &why, at(&why)),
            Shown::Broken(why, body) => PartView::discarded(part, &why, at(&why)).with_body(&body),
        }
    }

    /// Where the fault is for which nothing is sent: a pointer into the request.
    fn at(&self, part: Part, why: &Discarded, follows: bool) -> Option<String> {
        let settings = &self.sync.settings;
        let at = pipeline::preview::pointer(&self.definition, settings, part, why, follows);
        at.map(|at| self.placed(FieldProblem::new(at, "")).pointer)
    }

    /// The problem, with its pointer into the request: into the settings there, or, below
    /// `/definition`, into the definition.
    fn placed(&self, problem: FieldProblem) -> FieldProblem {
        let problem = draft::as_input(problem, &self.definition);
        match problem.pointer.starts_with("/definition/") {
            true => problem,
            false => FieldProblem {
                pointer: format!("{}{}", self.settings_at, problem.pointer),
                ..problem
            },
        }
    }

    /// The values of secrets, which must not come back from a destination.
    pub(super) fn secret_values(&self) -> Vec<&str> {
        let settings: &Settings = &self.sync.settings;
        let parameters = self.secrets.parameters.iter();
        let parameters = parameters.filter_map(|name| settings.parameters.get(name));
        let headers = settings.headers.iter().filter(|header| {
            let mut secret = self.secrets.headers.iter();
            secret.any(|name| name.eq_ignore_ascii_case(&header.name))
        });
        let headers = headers.map(|header| &header.value);
        parameters.chain(headers).map(String::as_str).collect()
    }
}

/// Whether another event could be sent.
fn is_by_selection(why: &Filtered) -> bool {
    matches!(
        why,
        Filtered::EventType | Filtered::Unchanged | Filtered::Condition { .. }
    )
}

/// Problems with pointers into a member of the request.
fn below(at: &str, refused: ApiError) -> ApiError {
    let moved = |problems: Vec<FieldProblem>| {
        let problems = problems.into_iter().map(|problem| FieldProblem {
            pointer: format!("{at}{}", problem.pointer),
            ..problem
        });
        problems.collect()
    };
    match refused {
        ApiError::Invalid(problems) => ApiError::Invalid(moved(problems)),
        ApiError::SecretsNeeded(problems) => ApiError::SecretsNeeded(moved(problems)),
        other => other,
    }
}

fn masked(secret: &SecretFields) -> Secrets {
    Secrets {
        parameters: secret.parameters.clone(),
        headers: secret.headers.clone(),
        unknown_to_viewer: false,
    }
}

/// The fields whose values the client has just given.
fn given(input: &SyncInput) -> SecretFields {
    let parameters = input.parameters.iter().flatten();
    let parameters = parameters.filter(|(_, given)| given.value.is_some());
    let headers = input.headers.iter().flatten();
    let headers = headers.filter(|given| given.value.is_some());
    SecretFields {
        parameters: parameters
            .map(|(name, _)| name.clone())
            .collect::<BTreeSet<_>>(),
        headers: headers
            .map(|given| given.name.clone())
            .collect::<BTreeSet<_>>(),
    }
}

/// The event that a client gave, or the sample for these settings; and what of that is made up.
fn read(
    given: Option<Given>,
    settings: &Settings,
) -> Result<(Event, Option<Vec<String>>), ApiError> {
    let (event, made_up) = match given {
        Some(given) => (given, None),
        None => {
            let sample = sample::event(settings);
            (sample.event, Some(sample.made_up))
        }
    };
    let event = event_of(&event).ok_or_else(|| ApiError::field("/event", "expected an object"))?;
    Ok((event, made_up))
}

/// The event whose streamed form this is, as if all of its user's properties had changed by it; `None`
/// when it is no object.
pub(super) fn event_of(given: &Given) -> Option<Event> {
    let tree = json::parse(given.text().as_bytes(), &Limits::OWN).ok()?;
    let members = tree.as_object()?;
    let event_type = members.get("event_type").and_then(json::Value::as_str);
    let user = members.get("user_properties");
    let user = user.and_then(json::Value::as_object);
    let changed = user.into_iter().flat_map(|user| user.iter());
    let changed: Vec<_> = changed.map(|(name, _)| name).collect();
    let event = Event::new(
        ProjectId::from_bytes([0; 16]),
        Offset(0),
        EventKind::of_type(event_type.unwrap_or_default()),
        Timestamp(0),
        Bytes::from(given.text().to_owned()),
    );
    Some(event.with_changed_properties(serde_json::json!(changed).to_string().into()))
}
