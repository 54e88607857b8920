//! Templates of URLs, header values and bodies: compiled, checked against the names they can use,
//! and folded to constants where no event matters.

use std::collections::BTreeMap;
use std::sync::Arc;

use ftl::{Budgets, Engine, Reference, Step, Template};
use model::Clock;
use model::definition::{Definition, Mapping, Parameter};
use model::outcome::Discarded;

use crate::functions;
use crate::nearest::nearest;
use crate::parameters::{self, Parameters};
use crate::problem::{Problems, pointer};
use crate::views::{ANSWER, Members, Root, Roots};

/// What one render may use up. Generous for a request's body, and harmless to a lane.
const BUDGETS: Budgets = Budgets {
    steps: 1_000_000,
    output_bytes: 8 << 20,
    depth: 200,
    memory_bytes: 32 << 20,
    regex_backtracking: 1_000_000,
    number_digits: 1_000,
};

/// The name under which templates know classes with methods.
const STATICS: &str = "statics";

/// Special variables through which a template reaches names that it doesn't spell, or the time.
const SPECIALS: [&str; 8] = [
    ".now",
    ".vars",
    ".globals",
    ".data_model",
    ".dataModel",
    ".namespace",
    ".main",
    ".locals",
];

/// Which part of a request a template makes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place<'n> {
    Url,
    HeaderName(usize),
    Header(&'n str),
    /// Of the sync's own: its text may be a secret that others may not see.
    OwnHeader(&'n str),
    Body,
    /// Of a request that follows: what was answered can be used, too.
    FollowUpUrl,
    FollowUpBody,
}

impl std::fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Url => f.write_str("url"),
            Self::HeaderName(position) => write!(f, "name of header {}", position + 1),
            Self::Header(name) | Self::OwnHeader(name) => write!(f, "header {name}"),
            Self::Body => f.write_str("body"),
            Self::FollowUpUrl => f.write_str("follow-up url"),
            Self::FollowUpBody => f.write_str("follow-up body"),
        }
    }
}

impl Place<'_> {
    /// Whether templates here can use what was answered.
    fn has_answer(self) -> bool {
        matches!(self, Self::FollowUpUrl | Self::FollowUpBody)
    }

    /// What is said of a template here: nothing that quotes it, where its text may be a secret.
    fn said(self, message: String) -> String {
        match self {
            Self::OwnHeader(_) => {
                "the template failed here; it may hold a secret and is not quoted".to_owned()
            }
            _ => message,
        }
    }
}

/// The engine that templates of requests run in.
pub(crate) fn engine(clock: &Arc<dyn Clock>, budgets: Budgets) -> Result<Engine, ftl::Error> {
    let clock = Arc::clone(clock);
    let engine = Engine::new()
        .run_data_as_code(false)
        .clock(move || clock.now().millis())
        .number_format("c")?
        .boolean_format("c")?
        .setting("url_escaping_charset", "UTF-8")?
        .budgets(budgets);
    Ok(functions::register(engine))
}

/// A text that is the same for all events, or a template that makes it.
#[derive(Debug)]
pub(crate) enum Text {
    Constant(Vec<u8>),
    Rendered(Box<Template>),
}

/// Compiles the templates of one sync.
pub(crate) struct Compiler<'c> {
    engine: Engine,
    definition: &'c Definition,
    parameters: &'c Parameters,
}

impl<'c> Compiler<'c> {
    pub(crate) fn new(
        definition: &'c Definition,
        parameters: &'c Parameters,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, ftl::Error> {
        Ok(Self {
            engine: engine(clock, BUDGETS)?,
            definition,
            parameters,
        })
    }

    /// Compiles the template that stands at `at`. A text that only parameters go into is rendered
    /// once and for all; when that fails, so would every event.
    pub(crate) fn text(
        &self,
        source: &str,
        place: Place<'_>,
        at: &str,
        problems: &mut Problems,
    ) -> Option<Text> {
        let template = self.template(source, place, at, problems)?;
        if !self.is_constant(&template) {
            return Some(Text::Rendered(Box::new(template)));
        }
        match of_parameters(&template, self.parameters.values()) {
            Ok(text) => Some(Text::Constant(text)),
            Err(error) => {
                self.failed(&template, &error, place, at, problems);
                None
            }
        }
    }

    /// Adds why nothing can be made of parameters alone. What a definition makes of them is mended by who fills
    /// them in, where one is to blame.
    fn failed(
        &self,
        template: &Template,
        error: &ftl::Error,
        place: Place<'_>,
        at: &str,
        problems: &mut Problems,
    ) {
        let said = place.said(self.parameters.redact(&message(error)));
        let read = self.parameters_of(template);
        let absent = read.iter().find(|each| !self.has_value(each));
        let absent = absent.filter(|_| error.kind() == ftl::ErrorKind::Missing);
        match (absent, read.as_slice()) {
            _ if !is_of_definition(at) => problems.add_at(at, said, start(error)),
            (Some(absent), _) => {
                let name = &absent.display_name;
                let message = format!("{name} goes into the {place}: fill it in");
                problems.add(pointer("/parameters", &absent.name), message);
            }
            (None, [only]) => {
                let (line, column) = start(error).unwrap_or((1, 1));
                let message = format!("the {place}, line {line} column {column}: {said}");
                problems.add(pointer("/parameters", &only.name), message);
            }
            (None, _) => problems.add_at(at, said, start(error)),
        }
    }

    /// Where the fault of a text is mended that the template at `at` makes of parameters alone: at the one parameter
    /// whose value `can_t` be there by itself or, if there is none, at the only one; otherwise in the template.
    pub(crate) fn to_blame(&self, source: &str, at: &str, can_t: impl Fn(&str) -> bool) -> String {
        let template = self.engine.compile("", source).ok();
        let template = template.filter(|_| is_of_definition(at));
        let read = template.map(|template| self.parameters_of(&template));
        let read = read.unwrap_or_default();
        let is_wrong = |each: &&&Parameter| match self.parameters.values().get(&each.name) {
            Some(parameters::Value::Text(text)) => can_t(text),
            _ => false,
        };
        let wrong: Vec<_> = read.iter().filter(is_wrong).copied().collect();
        match (wrong.as_slice(), read.as_slice()) {
            ([only], _) | ([], [only]) => pointer("/parameters", &only.name),
            _ => at.to_owned(),
        }
    }

    /// Compiles a template that is rendered for every event.
    pub(crate) fn template(
        &self,
        source: &str,
        place: Place<'_>,
        at: &str,
        problems: &mut Problems,
    ) -> Option<Template> {
        match self.engine.compile(&place.to_string(), source) {
            Ok(template) => {
                for reference in template.references() {
                    if problems.is_full() {
                        break;
                    }
                    self.check(&reference, place, at, problems);
                }
                Some(template)
            }
            Err(error) => {
                problems.add_at(at, place.said(message(&error)), start(&error));
                None
            }
        }
    }

    /// What a template makes that nothing goes into, which then is the same for everyone who connects the
    /// definition. `None` where something does, or where it fails, which is reported.
    pub(crate) fn fixed(
        &self,
        template: &Template,
        at: &str,
        problems: &mut Problems,
    ) -> Option<Vec<u8>> {
        if !template.references().is_empty() || !is_plain(template.source()) {
            return None;
        }
        match of_parameters(template, self.parameters.values()) {
            Ok(text) => Some(text),
            Err(error) => {
                problems.add_at(at, message(&error), start(&error));
                None
            }
        }
    }

    /// The declared parameters that a template reads, each once.
    pub(crate) fn parameters_of(&self, template: &Template) -> Vec<&'c Parameter> {
        let references = template.references();
        let names = |reference: &Reference| match reference.steps.first() {
            Some(Step::Key(name)) if Root::named(&reference.root) == Some(Root::Parameters) => {
                Some(name.clone())
            }
            _ => None,
        };
        let names: Vec<String> = references.iter().filter_map(names).collect();
        let declared = self.definition.parameters.iter();
        declared
            .filter(|parameter| names.contains(&parameter.name))
            .collect()
    }

    /// Whether there is a value for a parameter.
    pub(crate) fn has_value(&self, parameter: &Parameter) -> bool {
        self.parameters.values().contains_key(&parameter.name)
    }

    /// Whether it was said already of the parameter at this place that it can't be used.
    pub(crate) fn is_reported(&self, at: &str) -> bool {
        let mut declared = self.definition.parameters.iter();
        declared.any(|parameter| {
            self.parameters.is_missing(&parameter.name)
                && pointer("/parameters", &parameter.name) == at
        })
    }

    /// Whether the text is the same for all events: no tags (they could rename anything), no special
    /// variables, and nothing but parameters. Where one is unknown or missing, that has been reported.
    fn is_constant(&self, template: &Template) -> bool {
        let source = template.source();
        let given =
            |reference: &Reference| match (Root::named(&reference.root), reference.steps.first()) {
                (Some(Root::Parameters), Some(Step::Key(name))) => {
                    let declared = self
                        .definition
                        .parameters
                        .iter()
                        .any(|each| each.name == *name);
                    declared && !self.parameters.is_missing(name)
                }
                _ => false,
            };
        is_plain(source) && template.references().iter().all(given)
    }

    /// Names that can't be anything are slips, guarded by a default or not: without the report they
    /// would silently send nothing.
    fn check(&self, reference: &Reference, of: Place<'_>, at: &str, problems: &mut Problems) {
        let place = Some((reference.span.line, reference.span.column));
        let Some(root) = Root::named(&reference.root) else {
            let is_answer = reference.root == ANSWER && of.has_answer();
            if reference.root == STATICS {
                let steps = &reference.steps;
                let message = no_method(steps);
                let message = message.or_else(|| wrong_call(steps, reference.arguments?));
                if let Some(message) = message {
                    problems.add_at(at, of.said(message), place);
                }
            } else if !is_answer {
                let mut names = Root::NAMES.map(|(_, name)| name).to_vec();
                names.extend(of.has_answer().then_some(ANSWER));
                let message = unknown("name", &reference.root, names, "templates can use");
                problems.add_at(at, of.said(message), place);
            }
            return;
        };
        let Some(Step::Key(name)) = reference.steps.first() else {
            return;
        };
        let (what, known): (_, Vec<&str>) = match root {
            Root::Parameters => (
                "parameter",
                self.definition
                    .parameters
                    .iter()
                    .map(|p| p.name.as_str())
                    .collect(),
            ),
            Root::MappedFields => (
                "mapped field",
                self.definition
                    .mappings
                    .iter()
                    .flat_map(Mapping::fields)
                    .collect(),
            ),
            // What an event or a selection brings is only known when it comes.
            Root::Input | Root::MappedProperties | Root::Answer => return,
        };
        if !known.contains(&name.as_str()) {
            let message = unknown(what, name, known, "the destination has");
            problems.add_at(at, of.said(message), place);
        }
    }
}

/// Whether this is a place in the definition, where who sets up a sync can mend nothing.
fn is_of_definition(at: &str) -> bool {
    at.starts_with("/definition/")
}

/// What is wrong with a read of `statics`, as far as it spells a class and a method that there isn't.
fn no_method(steps: &[Step]) -> Option<String> {
    let Some(Step::Key(class)) = steps.first() else {
        return None;
    };
    let Some(methods) = functions::methods(class) else {
        let classes = functions::classes();
        let classes = classes.collect::<Vec<_>>();
        return Some(unknown("class", class, classes, "templates can call"));
    };
    let name = match steps.get(1) {
        Some(Step::Key(name)) if !methods.contains(&name.as_str()) => name,
        _ => return None,
    };
    // Who looks for one that another class has mostly knows a longer name of it.
    let is_meant = |method: &&str| name.to_lowercase().starts_with(&method.to_lowercase());
    let others = functions::classes().filter(|other| other != class);
    let mut others = others.flat_map(|other| {
        let methods = functions::methods(other).unwrap_or_default().iter();
        methods.map(move |method| (other, *method))
    });
    Some(match others.find(|(_, method)| is_meant(method)) {
        Some((other, method)) => {
            format!("unknown method {name:?}: did you mean statics[{other:?}].{method}?")
        }
        None => unknown("method", name, methods.iter().copied(), "the class has"),
    })
}

/// What is wrong with a call of a method with so many arguments, as far as it spells its name.
fn wrong_call(steps: &[Step], arguments: usize) -> Option<String> {
    match steps {
        [Step::Key(_), Step::Key(method)] => functions::wrong_count(method, arguments),
        _ => None,
    }
}

/// Says that a name is not known, and which one was probably meant.
pub(crate) fn unknown<'k>(
    what: &str,
    name: &str,
    known: impl IntoIterator<Item = &'k str> + Clone,
    there_are: &str,
) -> String {
    if let Some(meant) = nearest(name, known.clone()) {
        return format!("unknown {what} {name:?}: did you mean {meant}?");
    }
    let known: Vec<_> = known.into_iter().take(20).collect();
    if known.is_empty() {
        return format!("unknown {what} {name:?}: {there_are} none");
    }
    format!("unknown {what} {name:?}: {there_are} {}", known.join(", "))
}

/// Whether the template may read this root under either of its spellings: decided by the text alone,
/// since a template can pass names around.
pub(crate) fn may_read(template: &Template, root: Root) -> bool {
    let source = template.source();
    let tail = match root {
        Root::Input => "nput",
        Root::Parameters => "arameters",
        Root::MappedProperties => "appedProperties",
        Root::MappedFields => "appedFields",
        Root::Answer => ANSWER,
    };
    source.contains(tail) || has_special(source)
}

/// Whether a template does more than stand there.
pub(crate) fn has_tags(source: &str) -> bool {
    ["${", "#{", "<#", "<@", "[#", "[@"]
        .iter()
        .any(|tag| source.contains(tag))
}

/// Whether a template has no tags and no special variables: then only what it names makes a difference.
pub(crate) fn is_plain(source: &str) -> bool {
    let tags = ["<#", "<@", "[#", "[@"];
    !tags.iter().any(|tag| source.contains(tag)) && !has_special(source)
}

/// What a template makes of these parameters alone.
pub(crate) fn of_parameters(
    template: &Template,
    values: &BTreeMap<String, parameters::Value>,
) -> Result<Vec<u8>, ftl::Error> {
    let empty = Members::default();
    let roots = Roots {
        input: &empty,
        parameters: values,
        mapped_properties: &empty,
        mapped_fields: &empty,
        answer: None,
    };
    let mut text = Vec::new();
    template.render_into(&roots, &mut text)?;
    Ok(text)
}

pub(crate) fn has_special(source: &str) -> bool {
    SPECIALS.iter().any(|special| source.contains(special))
}

/// A failed render as the reason why nothing was sent. What the engine quotes of values may hold
/// secrets.
pub(crate) fn discarded(
    error: &ftl::Error,
    place: Place<'_>,
    parameters: &Parameters,
) -> Discarded {
    let (line, column) = start(error).unwrap_or((1, 1));
    Discarded::Template {
        place: place.to_string(),
        message: place.said(parameters.redact(&message(error))),
        line,
        column,
    }
}

/// What went wrong, on one line, with the expression that is to blame.
fn message(error: &ftl::Error) -> String {
    let mut message = error.message().lines().collect::<Vec<_>>().join(" ");
    if let Some(blamed) = error.blamed_expression() {
        message.push_str(" ==> ");
        message.push_str(&blamed.replace('\n', " "));
    }
    message
}

fn start(error: &ftl::Error) -> Option<(u32, u32)> {
    error.span().map(|span| (span.line, span.column))
}
