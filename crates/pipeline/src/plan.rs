//! A sync, compiled.

use std::fmt;
use std::sync::Arc;

use model::definition::{Definition, Limits};
use model::filter;
use model::json::Object;
use model::outcome::{Discarded, Filtered};
use model::sync::{Sync, UserTrigger};
use model::{Answer, Clock, DeliveryId, Event, EventKind, OutboundRequest, Part, SyncId};

use crate::filter::{Judgement, Selection};
use crate::headers::{self, Headers};
use crate::parameters::Parameters;
use crate::payload::{Payload, Shared};
use crate::problem::{Problem, Problems};
use crate::scope::Scope;
use crate::settings::Mapped;
use crate::template::Compiler;

/// A sync, compiled: what it does to an event. Immutable and shared by reference between threads;
/// a change of the sync or its definition makes a new one.
pub struct Plan {
    sync: SyncId,
    selection: Selection,
    /// Which events are looked at at all; `None`: every one.
    scope: Option<Scope>,
    events: Option<Payload>,
    users: Option<Payload>,
    /// When users are sent.
    trigger: UserTrigger,
    parameters: Parameters,
    mapped: Mapped,
    limits: Limits,
}

/// What becomes of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::large_enum_variant)] // one at a time; a box would be an allocation for each request
pub enum Outcome {
    /// It was not meant for the sync.
    Filtered(Filtered),
    /// No request can or may be made of it.
    Discarded(Discarded),
    /// This is to be sent.
    Request(OutboundRequest),
}

/// Which parts of an event a sync sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Parts {
    /// The event itself.
    pub event: bool,
    /// The user as the event left them.
    pub user: bool,
}

impl Parts {
    /// How many there are.
    pub fn len(self) -> usize {
        usize::from(self.event) + usize::from(self.user)
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Whether this one is among them.
    pub fn contains(self, part: Part) -> bool {
        match part {
            Part::Event => self.event,
            Part::User => self.user,
        }
    }

    /// Those that are sent, the event first.
    pub fn iter(self) -> impl Iterator<Item = Part> {
        [Part::Event, Part::User]
            .into_iter()
            .filter(move |part| self.contains(*part))
    }
}

impl Plan {
    /// Compiles a sync of the definition, or says everything that is wrong with it. `clock` is what
    /// templates see as `.now`.
    pub fn compile(
        definition: &Definition,
        sync: &Sync,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, Vec<Problem>> {
        let settings = &sync.settings;
        let mut problems = Problems::default();
        let sends_events = settings.events.send && definition.events.is_some();
        if !sends_events && !settings.users.send {
            problems.add("/events/send", "nothing is sent: switch on events or users");
        }
        let parameters = Parameters::compile(definition, settings, &mut problems);
        let mapped = Mapped::compile(definition, settings, &mut problems);
        let compiler = match Compiler::new(definition, &parameters, clock) {
            Ok(compiler) => compiler,
            Err(error) => {
                problems.add("", format!("the template engine can't be set up: {error}"));
                return Err(problems.into_list());
            }
        };
        let selection =
            Selection::compile(&settings.events.select, "/events/select", &mut problems);
        check_type_limit(definition, &settings.events.select, &mut problems);
        let own_headers = headers::compile_own(definition, settings, &compiler, &mut problems);
        let payload = |part, problems: &mut Problems| {
            Payload::compile(
                part,
                definition,
                settings,
                |payload, at, problems| {
                    Headers::compile(
                        &payload.headers,
                        at,
                        &own_headers,
                        settings.user_agent,
                        &compiler,
                        problems,
                    )
                },
                &compiler,
                problems,
            )
        };
        let events = sends_events
            .then(|| payload(Part::Event, &mut problems))
            .flatten();
        let users = settings
            .users
            .send
            .then(|| payload(Part::User, &mut problems))
            .flatten();
        if !problems.is_empty() {
            return Err(problems.into_list());
        }
        Ok(Self {
            sync: sync.id,
            selection,
            scope: None,
            events,
            users,
            trigger: settings.users.on,
            parameters,
            mapped,
            limits: definition.limits,
        })
    }

    /// The same, but that nothing is sent of events outside of `scope`.
    #[must_use]
    pub fn narrowed(mut self, scope: Scope) -> Self {
        self.scope = Some(scope);
        self
    }

    /// What goes along.
    pub(crate) fn mapped(&self) -> &Mapped {
        &self.mapped
    }

    /// The sync that was compiled.
    pub fn sync(&self) -> SyncId {
        self.sync
    }

    /// Which parts of events of this kind the sync may send: identifies only ever send the user.
    pub fn parts(&self, kind: EventKind) -> Parts {
        Parts {
            event: self.events.is_some() && kind == EventKind::Track,
            user: self.users.is_some(),
        }
    }

    /// Which parts of `event` the sync sends. Makes no reason for the others: most events of most
    /// syncs are filtered, and nobody asks why. Users are sent with every event (or every one that
    /// changed them), whether or not it is selected itself.
    ///
    /// An event that can't be read is sent, so that rendering it says what is wrong.
    pub fn matching(&self, event: &Event) -> Parts {
        let within = |scope: &Scope| scope.admits(event, root(event).ok());
        if event.is_erased() || !self.scope.as_ref().is_none_or(within) {
            return Parts::default();
        }
        let mut parts = self.parts(event.kind);
        if parts.event
            && let Ok(root) = root(event)
        {
            parts.event = matches!(self.selection.judge(root), Judgement::Selected);
        }
        parts.user = parts.user && self.shows_change(event);
        parts
    }

    /// Whether the event is one that the user is sent on.
    fn shows_change(&self, event: &Event) -> bool {
        match (self.trigger, event.kind) {
            (UserTrigger::Events, _) | (_, EventKind::GroupIdentify) => true,
            (UserTrigger::Changes, _) => {
                let changed = event.changed_properties();
                changed.iter().any(|name| self.mapped.counts(name))
            }
        }
    }

    /// Why the sync doesn't send this part of `event`; `None` when it does.
    pub fn explain(&self, event: &Event, part: Part) -> Option<Filtered> {
        self.explain_shown(event, event, part)
    }

    /// The same, where of `event` only so much is shown as `shown` has: the event without the values of
    /// sensitive properties. What the condition itself says is as it was set.
    pub fn explain_shown(&self, event: &Event, shown: &Event, part: Part) -> Option<Filtered> {
        if event.is_erased() {
            return Some(Filtered::Erased);
        }
        if !self.parts(event.kind).contains(part) {
            return Some(Filtered::PathOff);
        }
        if part == Part::User {
            return (!self.shows_change(event)).then_some(Filtered::Unchanged);
        }
        let (event, shown) = (root(event).ok()?, root(shown).ok()?);
        match self.selection.judge(event) {
            Judgement::Selected => None,
            Judgement::OtherType => Some(Filtered::EventType),
            Judgement::Refused(condition) => Some(Filtered::Condition {
                condition: condition.explain(event, shown).unwrap_or_default(),
            }),
        }
    }

    /// What becomes of a part of `event`: filtered, with the reason in words, or [`render`](Self::render)ed.
    pub fn apply(&self, event: &Event, part: Part) -> Outcome {
        match self.explain(event, part) {
            Some(why) => Outcome::Filtered(why),
            None => self.render(event, part),
        }
    }

    /// Makes the request for a part of `event`, whatever the selection says: what has been selected
    /// once stays so over its retries.
    pub fn render(&self, event: &Event, part: Part) -> Outcome {
        if event.is_erased() {
            return Outcome::Filtered(Filtered::Erased);
        }
        match self.payload(event, part) {
            Some(payload) => self.request(payload, event, part, None, false),
            None => Outcome::Filtered(Filtered::PathOff),
        }
    }

    /// What would be the request for a part of `event`, or the one that follows `answer`, if it didn't
    /// matter that its body is no JSON.
    pub(crate) fn unchecked(
        &self,
        event: &Event,
        part: Part,
        answer: Option<&Answer>,
    ) -> Option<OutboundRequest> {
        let payload = self.payload(event, part)?;
        match self.request(payload, event, part, answer, true) {
            Outcome::Request(request) => Some(request),
            _ => None,
        }
    }

    /// Makes the request that follows the one for a part of `event`, for an answer to it that asks for
    /// that; filtered where the definition has none.
    pub fn follow_up(&self, event: &Event, part: Part, answer: &Answer) -> Outcome {
        if event.is_erased() {
            return Outcome::Filtered(Filtered::Erased);
        }
        let payload = self.payload(event, part);
        match payload.filter(|payload| payload.has_follow_up()) {
            Some(payload) => self.request(payload, event, part, Some(answer), false),
            None => Outcome::Filtered(Filtered::PathOff),
        }
    }

    /// What is made of a part of events like this one.
    fn payload(&self, event: &Event, part: Part) -> Option<&Payload> {
        let payload = match part {
            Part::Event => &self.events,
            Part::User => &self.users,
        };
        let payload = payload.as_ref();
        payload.filter(|_| self.parts(event.kind).contains(part))
    }

    fn request(
        &self,
        payload: &Payload,
        event: &Event,
        part: Part,
        answer: Option<&Answer>,
        unchecked: bool,
    ) -> Outcome {
        let shared = Shared {
            parameters: &self.parameters,
            mapped: &self.mapped,
            limits: &self.limits,
            unchecked,
        };
        match root(event).and_then(|root| payload.render(event, root, answer, &shared)) {
            Ok(rendered) => Outcome::Request(OutboundRequest {
                delivery: DeliveryId::of(event.project, event.offset, self.sync, part),
                method: rendered.method,
                uri: rendered.uri,
                headers: rendered.headers,
                body: rendered.body,
                idempotency_key: rendered.idempotency_key,
                responses: rendered.responses,
            }),
            Err(why) => Outcome::Discarded(why),
        }
    }
}

/// Parameters, URLs and headers may hold secrets: shows none of them.
impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plan")
            .field("sync", &self.sync)
            .finish_non_exhaustive()
    }
}

pub(crate) fn root(event: &Event) -> Result<&Object<'_>, Discarded> {
    let unreadable = |message: String| Discarded::Unreadable { message };
    let root = event
        .root()
        .map_err(|error| unreadable(error.to_string()))?;
    root.as_object()
        .ok_or_else(|| unreadable(format!("expected an object, found {}", root.kind())))
}

fn check_type_limit(
    definition: &Definition,
    selection: &filter::Selection,
    problems: &mut Problems,
) {
    let Some(allowed) = definition.limits.event_types else {
        return;
    };
    let message = match selection {
        filter::Selection::All { .. } => {
            format!("the destination takes at most {allowed} event types: choose them")
        }
        filter::Selection::Types(types) if types.len() > allowed as usize => {
            format!(
                "{} event types are selected, but the destination takes at most {allowed}",
                types.len()
            )
        }
        filter::Selection::Types(_) => return,
    };
    problems.add("/events/select", message);
}
