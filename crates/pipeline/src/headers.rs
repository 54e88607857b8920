//! The headers of a payload: the definition's, overridden by the sync's own.

mod name;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ftl::Template;
use http::header::{ACCEPT, CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue};
use model::definition::{Definition, Header};
use model::outcome::Discarded;
use model::sync::{Settings, UserAgent};

use crate::json_check::is_json;
use crate::parameters::Parameters;
use crate::problem::{Problems, pointer};
use crate::template::{self, Compiler, Place, Text};
use crate::views::{Root, Roots};

/// Longest value of a header, in bytes: what servers commonly take for all of them.
const MAX_VALUE: usize = 8192;

/// Why a header can't be set: it belongs to the connection, the framing, or the delivery itself.
fn forbidden(name: &HeaderName) -> bool {
    const FRAMING: [&str; 10] = [
        "connection",
        "content-length",
        "expect",
        "host",
        "http2-settings",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ];
    let name = name.as_str();
    FRAMING.contains(&name) || name.starts_with("proxy-") || name.starts_with("millstream-")
}

/// How many headers a payload may have.
pub(crate) const MOST: usize = 50;

/// Refuses more headers than [`MOST`].
pub(crate) fn check_count(at: &str, count: usize, problems: &mut Problems) {
    if count > MOST {
        problems.add(at, format!("at most {MOST} headers, not {count}"));
    }
}

/// Checks the name of a definition's header, which only parameters may go into.
pub(crate) fn check_name(
    source: &str,
    name: &Template,
    at: &str,
    compiler: &Compiler<'_>,
    problems: &mut Problems,
) {
    if !template::has_tags(source) {
        if let Err(message) = usable(source.as_bytes()) {
            problems.add(at, message);
        }
        return;
    }
    if !name.references().iter().all(of_parameter) {
        problems.add(at, ONLY_PARAMETERS);
        return;
    }
    if !template::is_plain(source) {
        problems.add(at, NO_TAGS);
        return;
    }
    name::check(name, &compiler.parameters_of(name), at, problems);
}

const ONLY_PARAMETERS: &str = "only parameters can go into the name of a header";
const CAN_T_CARRY: &str = "the value has characters that a header can't carry, or is too long";
const NO_TAGS: &str = "the name of a header can have no tags: write ${parameters.…}";

fn of_parameter(reference: &ftl::Reference) -> bool {
    Root::named(&reference.root) == Some(Root::Parameters)
}

/// The header of this name, or why there can be none.
fn usable(name: &[u8]) -> Result<HeaderName, String> {
    let shown = String::from_utf8_lossy(name);
    let name = HeaderName::from_bytes(name)
        .map_err(|_| format!("{shown:?} can't be the name of a header"))?;
    match forbidden(&name) {
        true => Err(format!("{name} is set by the sender and can't be changed")),
        false => Ok(name),
    }
}

/// Checks what a definition's header always carries.
pub(crate) fn check_value(text: &[u8], at: &str, problems: &mut Problems) {
    if carried(text).is_none() {
        problems.add(at, CAN_T_CARRY);
    }
}

/// Refuses a name that is given twice.
pub(crate) fn check_repeated(headers: &[Header], at: &str, problems: &mut Problems) {
    let mut seen = BTreeSet::new();
    for (position, header) in headers.iter().take(MOST).enumerate() {
        if !seen.insert(header.name.to_ascii_lowercase()) {
            let message = format!("{} is given twice", header.name);
            problems.add(pointer(&pointer(at, position), "name"), message);
        }
    }
}

/// Headers by name, each given once.
type Named = BTreeMap<String, (HeaderName, Arc<Text>)>;

/// The headers that a sync adds of its own: for events and users alike.
pub(crate) fn compile_own(
    definition: &Definition,
    settings: &Settings,
    compiler: &Compiler<'_>,
    problems: &mut Problems,
) -> Named {
    let (allowed, given) = (
        usize::from(definition.extra_headers),
        settings.headers.len(),
    );
    if given > allowed {
        problems.add(
            "/headers",
            format!("there are {given} headers, but at most {allowed} can be added"),
        );
    }
    // A few beyond what is allowed are looked at, so that a list that is too long is still mended
    // in one go, but not any number.
    let looked_at = &settings.headers[..given.min(allowed + 20)];
    compile(
        looked_at,
        "/headers",
        |name| Place::OwnHeader(name),
        compiler,
        problems,
    )
}

/// Compiles a list of headers that stands at `at`.
fn compile(
    headers: &[Header],
    at: &str,
    place: fn(&str) -> Place<'_>,
    compiler: &Compiler<'_>,
    problems: &mut Problems,
) -> Named {
    let mut compiled = Named::new();
    for (position, header) in headers.iter().enumerate() {
        let at = pointer(at, position);
        let name_at = pointer(&at, "name");
        let named = compile_name(&header.name, position, &name_at, compiler, problems);
        let Some((name, name_at)) = named else {
            continue;
        };
        if compiled.contains_key(name.as_str()) {
            problems.add(name_at, format!("{name} is given twice"));
            continue;
        }
        let value_at = pointer(&at, "value");
        let place = place(name.as_str());
        let Some(text) = compiler.text(&header.value, place, &value_at, problems) else {
            continue;
        };
        if let Text::Constant(text) = &text
            && header_value(&name, text).is_none()
        {
            let can_t = |text: &str| carried(text.as_bytes()).is_none();
            problems.add(
                compiler.to_blame(&header.value, &value_at, can_t),
                CAN_T_CARRY,
            );
        }
        compiled.insert(name.as_str().to_owned(), (name, Arc::new(text)));
    }
    compiled
}

/// The name of the header at `position`, and where a fault of it is. It is a template too, but one that
/// no event changes: where a single parameter makes it, the fault is that parameter's.
fn compile_name(
    source: &str,
    position: usize,
    at: &str,
    compiler: &Compiler<'_>,
    problems: &mut Problems,
) -> Option<(HeaderName, String)> {
    let place = Place::HeaderName(position);
    let mut own = Problems::default();
    let template = compiler.template(source, place, at, problems)?;
    let parameters = compiler.parameters_of(&template);
    let is_theirs = name::works(&template, &parameters);
    let at = match parameters.as_slice() {
        [only] if is_theirs => pointer("/parameters", &only.name),
        _ => at.to_owned(),
    };
    let Some(text) = compiler.text(source, place, &at, &mut own) else {
        let mut missing = parameters.iter();
        match missing.find(|each| !compiler.has_value(each)) {
            Some(missing) => {
                let message = format!(
                    "{} goes into the name of a header: fill it in",
                    missing.display_name
                );
                problems.add(pointer("/parameters", &missing.name), message);
            }
            None => own
                .into_list()
                .into_iter()
                .for_each(|problem| problems.add(problem.pointer, problem.message)),
        }
        return None;
    };
    let message = match text {
        Text::Constant(name) => match usable(&name) {
            Ok(name) => return Some((name, at)),
            // What was filled in may be a secret.
            Err(_) if parameters.iter().any(|each| each.is_secret()) => {
                "this can't be the name of a header".to_owned()
            }
            Err(_) if !is_theirs && HeaderName::from_bytes(&name).is_err() => {
                format!("{source:?} can't be the name of a header")
            }
            Err(message) => message,
        },
        // One that is required and not filled in has been reported.
        Text::Rendered(_) if template::is_plain(source) && !parameters.is_empty() => return None,
        Text::Rendered(_) if template.references().iter().all(of_parameter) => NO_TAGS.to_owned(),
        Text::Rendered(_) => ONLY_PARAMETERS.to_owned(),
    };
    problems.add(at, message);
    None
}

/// The headers of one payload.
#[derive(Debug)]
pub(crate) struct Headers {
    /// Those that are the same for all events.
    constant: HeaderMap,
    rendered: Vec<(HeaderName, Arc<Text>)>,
    /// Which of these are the sync's own.
    own: BTreeSet<String>,
    /// Whether the content type says JSON; `None` when it depends on the event.
    json: Option<bool>,
}

impl Headers {
    /// Joins the definition's headers, which stand at `at`, with the sync's own, which win.
    ///
    /// Where neither gives a content type, the body is JSON; where neither says who sends, it is us.
    pub(crate) fn compile(
        headers: &[Header],
        at: &str,
        own: &Named,
        user_agent: UserAgent,
        compiler: &Compiler<'_>,
        problems: &mut Problems,
    ) -> Self {
        let mut named = compile(headers, at, |name| Place::Header(name), compiler, problems);
        let constant = |text: &str| Arc::new(Text::Constant(text.into()));
        named
            .entry(CONTENT_TYPE.as_str().into())
            .or_insert_with(|| (CONTENT_TYPE, constant("application/json")));
        let sender = match user_agent {
            UserAgent::Original => "Amplitude/Webhook/1.0",
            UserAgent::Millstream => "Millstream/Webhook/1.0",
        };
        if user_agent == UserAgent::Original || !named.contains_key(USER_AGENT.as_str()) {
            named.insert(USER_AGENT.as_str().into(), (USER_AGENT, constant(sender)));
        }
        named.extend(
            own.iter()
                .map(|(key, (name, text))| (key.clone(), (name.clone(), Arc::clone(text)))),
        );

        let mut compiled = Self {
            constant: HeaderMap::new(),
            rendered: Vec::new(),
            own: own.keys().cloned().collect(),
            json: None,
        };
        for (name, text) in named.into_values() {
            match &*text {
                Text::Constant(value) => {
                    if name == CONTENT_TYPE {
                        compiled.json = Some(is_json(value));
                    }
                    // A value that isn't legal has been reported.
                    if let Some(value) = header_value(&name, value) {
                        compiled.constant.insert(name, value);
                    }
                }
                Text::Rendered(_) => compiled.rendered.push((name, text)),
            }
        }
        compiled
    }

    /// The templates that are rendered for each event.
    pub(crate) fn templates(&self) -> impl Iterator<Item = &Template> {
        self.rendered.iter().filter_map(|(_, text)| match &**text {
            Text::Constant(_) => None,
            Text::Rendered(template) => Some(&**template),
        })
    }

    /// The headers of the request for one event, and whether they promise a JSON body.
    pub(crate) fn render(
        &self,
        roots: &Roots<'_>,
        parameters: &Parameters,
    ) -> Result<(HeaderMap, bool), Discarded> {
        let mut headers = self.constant.clone();
        let mut json = self.json;
        for (name, text) in &self.rendered {
            let Text::Rendered(template) = &**text else {
                continue;
            };
            let mut value = Vec::new();
            let place = match self.own.contains(name.as_str()) {
                true => Place::OwnHeader(name.as_str()),
                false => Place::Header(name.as_str()),
            };
            template
                .render_into(roots, &mut value)
                .map_err(|error| template::discarded(&error, place, parameters))?;
            if *name == CONTENT_TYPE {
                json = Some(is_json(&value));
            }
            let invalid = || Discarded::InvalidHeader {
                name: name.to_string(),
            };
            headers.insert(
                name.clone(),
                header_value(name, &value).ok_or_else(invalid)?,
            );
        }
        Ok((headers, json.unwrap_or(false)))
    }
}

fn header_value(name: &HeaderName, text: &[u8]) -> Option<HeaderValue> {
    let mut value = carried(text)?;
    // Any other may hold a secret: kept out of logs, and out of HTTP/2's compression tables.
    value.set_sensitive(![CONTENT_TYPE, USER_AGENT, ACCEPT].contains(name));
    Some(value)
}

/// The value, without space around it; `None` if a header can't carry it. Line breaks are refused
/// wherever they stand: with them a value could add headers of its own.
fn carried(text: &[u8]) -> Option<HeaderValue> {
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t');
    let start = text
        .iter()
        .position(|byte| !is_space(byte))
        .unwrap_or(text.len());
    let end = text
        .iter()
        .rposition(|byte| !is_space(byte))
        .map_or(start, |last| last + 1);
    let text = &text[start..end];
    if text.len() > MAX_VALUE {
        return None;
    }
    HeaderValue::from_bytes(text).ok()
}
