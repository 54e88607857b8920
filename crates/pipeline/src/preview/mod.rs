//! What a sync would send, for people to look at: requests with their secrets taken out, and the
//! commands that send the same.
//!
//! Where secrets stand is found out by rendering with other values in their place. What then differs
//! depends on them: where the other value shows, a variable takes its place; where only its traces do
//! (a hash, a credential in Base64, a branch that was taken), the whole of the header's value, the
//! URL or the body becomes one variable. Nothing of a secret is shown by accident, since what is shown
//! is the same for other secrets.

mod curl;
mod place;
mod probe;
mod redaction;
mod shell;
mod trace;

use std::collections::BTreeSet;
use std::sync::Arc;

use http::{HeaderName, Method};
use model::definition::Definition;
use model::outcome::{Discarded, Filtered};
use model::sync::Sync;
use model::time::ManualClock;
use model::{Answer, Clock, Event, OutboundRequest, Part};

use crate::plan::{Outcome, Plan};
use crate::problem::Problem;
use probe::{Form, Kind, NOT_ENCODED, Name, Probe};
use trace::{Field, Probes, Traced};

pub use place::pointer;
pub use probe::Form as Written;
pub use redaction::Redaction;
pub use trace::{Piece, Text};

/// What of a sync's settings is secret.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Secrets {
    /// Names of parameters.
    pub parameters: BTreeSet<String>,
    /// Names of the sync's own headers, in any case.
    pub headers: BTreeSet<String>,
    /// Whether whoever looks may not know them. Then nothing is rendered with them at all: what is
    /// shown can't tell anything of them, whatever the templates do.
    pub unknown_to_viewer: bool,
}

impl Secrets {
    /// Whether this header of the sync's own is one of them.
    pub fn has_header(&self, name: &str) -> bool {
        let mut headers = self.headers.iter();
        headers.any(|header| header.eq_ignore_ascii_case(name))
    }
}

/// A sync, compiled to be looked at.
#[derive(Debug)]
pub struct Preview {
    secrets: Secrets,
    names: Vec<Name>,
    probes: Probes,
    /// With the values themselves.
    exact: Option<Plan>,
    plain: Option<Plan>,
    other: Option<Plan>,
    special: Option<Plan>,
}

/// What becomes of a part of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// It is not meant for the sync.
    Filtered(Filtered),
    /// No request can or may be made of it.
    Discarded(Discarded),
    /// The body that came out is not the JSON that was promised: why, and the body with its secrets
    /// taken out.
    Broken(Discarded, Text),
    /// This would be sent.
    Request(Request),
}

/// A request with its secrets taken out. Each delivery carries the headers `Millstream-Delivery-Id`
/// and `Millstream-Attempt` besides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// `POST`, `PUT` or `PATCH`.
    pub method: Method,
    /// Where it goes.
    pub url: Text,
    /// Name and value of each header.
    pub headers: Vec<(Text, Text)>,
    /// The body.
    pub body: Text,
    /// What takes the place of secrets, by the index that [`Piece::Secret`] has.
    pub variables: Vec<Variable>,
}

/// What takes the place of a secret, or of something that is made of secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// The name of the environment variable.
    pub name: String,
    /// What to set it to, in words.
    pub meaning: String,
    holds: Holds,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Holds {
    Parameter(usize, Form),
    Header(HeaderName),
    Line(usize),
    Url,
    Body,
}

impl Preview {
    /// Compiles a sync of the definition with the secrets that it has, or says everything that is
    /// wrong with it. `around` is the event that will be looked at.
    ///
    /// # Errors
    ///
    /// As for [`Plan::compile`]. Of a secret that is unknown to the viewer only its absence is told.
    pub fn compile(
        definition: &Definition,
        sync: &Sync,
        secrets: &Secrets,
        around: &Event,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, Vec<Problem>> {
        // The time must be the same in all renders.
        let now: Arc<dyn Clock> = Arc::new(ManualClock::new(clock.now()));
        let clock = &now;
        let names = probe::names(definition, sync, secrets);
        let tolerant = probe::tolerant(definition, &names);
        let text = String::from_utf8_lossy(around.text());
        let around = format!("{text}{}", written(definition, sync));
        let new = |kind| Probe::new(kind, &names, &around);
        let probes = Probes {
            exact: (!secrets.unknown_to_viewer).then(|| Probe::exact(&names, sync)),
            plain: new(Kind::Plain),
            other: new(Kind::Other),
            special: new(Kind::Special),
        };
        let compile = |probe: &Probe| {
            let sync = probe.put_into(sync, &names, secrets);
            Plan::compile(&tolerant, &sync, clock)
        };
        let exact = match secrets.unknown_to_viewer {
            true => None,
            false => Some(Plan::compile(definition, sync, clock)?),
        };
        let plain = match (compile(&probes.plain), &exact) {
            (Ok(plan), _) => Some(plan),
            (Err(_), Some(_)) => None,
            (Err(problems), None) => return Err(problems),
        };
        Ok(Self {
            other: compile(&probes.other).ok(),
            special: compile(&probes.special).ok(),
            secrets: secrets.clone(),
            names,
            probes,
            exact,
            plain,
        })
    }

    /// What becomes of a part of `event`.
    pub fn apply(&self, event: &Event, part: Part) -> Shown {
        let unchecked = |plan: &Plan| plan.unchecked(event, part, None);
        self.shown(|plan| plan.apply(event, part), unchecked)
    }

    /// What becomes of a part of `event` that was selected once, whatever the selection says now.
    pub fn render(&self, event: &Event, part: Part) -> Shown {
        let unchecked = |plan: &Plan| plan.unchecked(event, part, None);
        self.shown(|plan| plan.render(event, part), unchecked)
    }

    /// The request that follows when a part of `event` is answered so.
    pub fn follow_up(&self, event: &Event, part: Part, answer: &Answer) -> Shown {
        let unchecked = |plan: &Plan| plan.unchecked(event, part, Some(answer));
        self.shown(|plan| plan.follow_up(event, part, answer), unchecked)
    }

    fn shown(
        &self,
        make: impl Fn(&Plan) -> Outcome,
        unchecked: impl Fn(&Plan) -> Option<OutboundRequest>,
    ) -> Shown {
        let exact = self.exact.as_ref().map(&make);
        let plain = self.plain.as_ref().map(&make);
        let shown = exact.as_ref().or(plain.as_ref());
        let shown = match shown.expect("one of the two was compiled") {
            Outcome::Filtered(why) => return Shown::Filtered(why.clone()),
            Outcome::Discarded(why @ Discarded::InvalidJson { .. }) => {
                return match self.broken(unchecked) {
                    Some(body) => Shown::Broken(why.clone(), body),
                    None => Shown::Discarded(why.clone()),
                };
            }
            Outcome::Discarded(why) => return Shown::Discarded(why.clone()),
            Outcome::Request(request) => request,
        };
        let other = self.other.as_ref().map(&make);
        let special = self.special.as_ref().map(&make);
        let renders = Renders {
            exact: exact.as_ref().and_then(request_of),
            plain: plain.as_ref().and_then(request_of),
            other: other.as_ref().and_then(request_of),
            special: special.as_ref().and_then(request_of),
        };
        Shown::Request(Tracing::new(self, renders).request(shown))
    }
}

impl Preview {
    /// The body that came out and is no JSON.
    fn broken(&self, make: impl Fn(&Plan) -> Option<OutboundRequest>) -> Option<Text> {
        let made = |plan: &Option<Plan>| plan.as_ref().and_then(&make);
        let (exact, plain) = (made(&self.exact), made(&self.plain));
        let (other, special) = (made(&self.other), made(&self.special));
        let shown = exact.as_ref().or(plain.as_ref())?;
        let renders = Renders {
            exact: exact.as_ref(),
            plain: plain.as_ref(),
            other: other.as_ref(),
            special: special.as_ref(),
        };
        Some(Tracing::new(self, renders).request(shown).body)
    }
}

fn request_of(outcome: &Outcome) -> Option<&OutboundRequest> {
    match outcome {
        Outcome::Request(request) => Some(request),
        _ => None,
    }
}

/// All text of a definition and a sync that may show up in requests.
fn written(definition: &Definition, sync: &Sync) -> String {
    let as_json = |value: serde_json::Result<String>| value.unwrap_or_default();
    as_json(serde_json::to_string(definition)) + &as_json(serde_json::to_string(&sync.settings))
}

/// A request, as it was rendered with each probe.
struct Renders<'r> {
    exact: Option<&'r OutboundRequest>,
    plain: Option<&'r OutboundRequest>,
    other: Option<&'r OutboundRequest>,
    special: Option<&'r OutboundRequest>,
}

/// A field of a request in all renders.
#[derive(Default)]
struct Fields {
    exact: Option<String>,
    plain: Option<String>,
    other: Option<String>,
    special: Option<String>,
}

impl Renders<'_> {
    fn field(&self, of: impl Fn(&OutboundRequest) -> Option<String>) -> Fields {
        Fields {
            exact: self.exact.and_then(&of),
            plain: self.plain.and_then(&of),
            other: self.other.and_then(&of),
            special: self.special.and_then(&of),
        }
    }

    /// Whether each render that counts has this header.
    fn all_have(&self, name: &HeaderName) -> bool {
        let renders = [self.plain, self.other];
        renders
            .into_iter()
            .flatten()
            .all(|request| request.headers.contains_key(name))
    }
}

/// Takes the secrets out of one request.
struct Tracing<'p> {
    preview: &'p Preview,
    renders: Renders<'p>,
    variables: Vec<Variable>,
}

impl<'p> Tracing<'p> {
    fn new(preview: &'p Preview, renders: Renders<'p>) -> Self {
        Self {
            preview,
            renders,
            variables: Vec::new(),
        }
    }

    fn request(mut self, shown: &OutboundRequest) -> Request {
        let url = self.renders.field(|request| Some(request.uri.to_string()));
        let url = self.text(&url, Holds::Url);
        let mut headers = Vec::with_capacity(shown.headers.len());
        for (position, name) in shown.headers.keys().enumerate() {
            headers.push(self.header(position, name));
        }
        let body = self.renders.field(|request| Some(lossy(&request.body)));
        let body = self.text(&body, Holds::Body);
        Request {
            method: shown.method.clone(),
            url,
            headers,
            body,
            variables: self.variables,
        }
    }

    fn header(&mut self, position: usize, name: &HeaderName) -> (Text, Text) {
        if !self.renders.all_have(name) {
            let line = Piece::Secret(self.variable(Holds::Line(position)));
            return (Text::from_iter([line]), Text::default());
        }
        let shown = Text::of(name.as_str());
        let holds = Holds::Header(name.clone());
        if self.preview.secrets.has_header(name.as_str()) {
            let value = Piece::Secret(self.variable(holds));
            return (shown, Text::from_iter([value]));
        }
        let value = self.renders.field(|request| {
            let value = request.headers.get(name)?;
            Some(lossy(value.as_bytes()))
        });
        (shown, self.text(&value, holds))
    }

    /// The field with its secrets taken out; where they can't be told from the rest, all of it.
    fn text(&mut self, fields: &Fields, whole: Holds) -> Text {
        let field = Field {
            exact: fields.exact.as_deref(),
            plain: fields.plain.as_deref(),
            other: fields.other.as_deref(),
            special: fields.special.as_deref(),
        };
        let Some(traced) = self.preview.probes.trace(&field) else {
            return Text::from_iter([Piece::Secret(self.variable(whole))]);
        };
        let pieces = traced.into_iter().map(|piece| match piece {
            Traced::Plain(plain) => Piece::Plain(plain.to_owned()),
            Traced::Secret(secret, form) => {
                Piece::Secret(self.variable(Holds::Parameter(secret, form)))
            }
        });
        pieces.collect()
    }

    /// The index of the variable that holds this.
    fn variable(&mut self, holds: Holds) -> usize {
        let mut known = self.variables.iter();
        if let Some(index) = known.position(|variable| variable.holds == holds) {
            return index;
        }
        let base = variable_name(&holds, &self.preview.names);
        let taken = |name: &str| self.variables.iter().any(|variable| variable.name == name);
        let name = match taken(&base) {
            false => base,
            true => (2..)
                .map(|number| format!("{base}_{number}"))
                .find(|name| !taken(name))
                .expect("there are more numbers than variables"),
        };
        self.variables.push(Variable {
            name,
            meaning: self.meaning(&holds),
            holds,
        });
        self.variables.len() - 1
    }

    fn meaning(&self, holds: &Holds) -> String {
        let names = self.preview.names.iter();
        let names: Vec<_> = names.map(|name| name.name.as_str()).collect();
        let made = format!("as it is made of {}", names.join(", "));
        match holds {
            Holds::Parameter(secret, form) => {
                let Name {
                    name, display_name, ..
                } = &self.preview.names[*secret];
                let form = match form {
                    Form::Raw => String::new(),
                    Form::Json => {
                        ", escaped for a JSON string (a quotation mark as \\\", a backslash as \\\\)".to_owned()
                    }
                    Form::Url => format!(
                        ", percent-encoded (all but ASCII letters, digits and {NOT_ENCODED})"
                    ),
                    Form::UrlPath => format!(
                        ", percent-encoded but for its slashes (all but ASCII letters, digits, / and {NOT_ENCODED})"
                    ),
                };
                match display_name == name || display_name.is_empty() {
                    true => format!("the parameter {name}{form}"),
                    false => format!("{display_name} (the parameter {name}){form}"),
                }
            }
            Holds::Header(name) if self.preview.secrets.has_header(name.as_str()) => {
                format!("the value of the header {name}")
            }
            Holds::Header(name) => format!("the whole value of the header {name}, {made}"),
            Holds::Line(_) => format!("a header as `name: value`, {made}"),
            Holds::Url => format!("the whole URL, {made}"),
            Holds::Body => format!("the whole body, {made}"),
        }
    }
}

fn variable_name(holds: &Holds, names: &[Name]) -> String {
    let name = match holds {
        Holds::Parameter(secret, form) => {
            let name = &names[*secret].name;
            match form {
                Form::Raw => name.clone(),
                Form::Json => format!("{name}_json"),
                Form::Url | Form::UrlPath => format!("{name}_encoded"),
            }
        }
        Holds::Header(name) => name.as_str().to_owned(),
        Holds::Line(position) => format!("header_{}", position + 1),
        Holds::Url => "url".into(),
        Holds::Body => "body".into(),
    };
    let upper = name.chars().map(|c| match c.is_ascii_alphanumeric() {
        true => c.to_ascii_uppercase(),
        false => '_',
    });
    format!("MILLSTREAM_{}", upper.collect::<String>())
}

/// Templates and events are UTF-8, and so are requests.
fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests;
