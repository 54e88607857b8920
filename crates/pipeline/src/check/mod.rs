//! Whether a definition holds together: what its author is told before anybody can connect it.

mod fields;
mod responses;
mod text;
mod usage;

use std::sync::Arc;

use model::Clock;
use model::definition::{Definition, Payload};

use crate::headers;
use crate::parameters::Parameters;
use crate::problem::{Problem, Problems, pointer};
use crate::template::{Compiler, Place};
use crate::url;
use usage::Uses;

pub(crate) use fields::is_identifier;
pub use usage::{Usage, Used};

/// What there is to say about a definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What keeps it from being released. Pointers are into the definition.
    pub problems: Vec<Problem>,
    /// What is probably a slip: declared and never used.
    pub warnings: Vec<Problem>,
    /// The parameters that are declared, then those that are only used, with their places.
    pub parameters: Vec<Usage>,
    /// The same of the mapped fields.
    pub fields: Vec<Usage>,
}

/// Checks a definition as a whole: its fields, its templates, and that what they use is declared.
pub fn check(definition: &Definition, clock: &Arc<dyn Clock>) -> Check {
    let mut problems = Problems::default();
    if !fields::check(definition, &mut problems) {
        // The rest takes time and room by what is declared.
        return Check {
            problems: problems.into_list(),
            warnings: Vec::new(),
            parameters: Vec::new(),
            fields: Vec::new(),
        };
    }
    let mut uses = Uses::default();
    let parameters = Parameters::none();
    match Compiler::new(definition, &parameters, clock) {
        Ok(compiler) => {
            for (section, payload) in sections(definition) {
                check_payload(payload, section, &compiler, &mut uses, &mut problems);
            }
        }
        Err(error) => problems.add("", format!("the template engine can't be set up: {error}")),
    }
    let (parameters, fields) = uses.tables(definition);
    let mut warnings = Problems::default();
    warn_of_unused(definition, &parameters, &fields, &mut warnings);
    Check {
        problems: problems.into_list(),
        warnings: warnings.into_list(),
        parameters,
        fields,
    }
}

/// The payloads that there are, each with its pointer.
pub(crate) fn sections(definition: &Definition) -> impl Iterator<Item = (&'static str, &Payload)> {
    let events = definition.events.as_ref().map(|each| ("/events", each));
    let users = definition.users.as_ref().map(|each| ("/users", each));
    events.into_iter().chain(users)
}

fn check_payload(
    payload: &Payload,
    at: &str,
    compiler: &Compiler<'_>,
    uses: &mut Uses,
    problems: &mut Problems,
) {
    let url_at = pointer(at, "url");
    if payload.url.trim().is_empty() {
        problems.add(url_at, "give the address that requests go to");
    } else if let Some(template) = compiler.template(&payload.url, Place::Url, &url_at, problems) {
        uses.note(&template, &url_at);
        if let Some(fixed) = compiler.fixed(&template, &url_at, problems)
            && let Err(reason) = url::parse(&fixed)
        {
            problems.add(url_at, format!("the URL can't be used: {reason}"));
        }
    }
    let headers_at = pointer(at, "headers");
    headers::check_count(&headers_at, payload.headers.len(), problems);
    for (position, header) in payload.headers.iter().take(headers::MOST).enumerate() {
        let at = pointer(&headers_at, position);
        let (name_at, value_at) = (pointer(&at, "name"), pointer(&at, "value"));
        let place = Place::HeaderName(position);
        if let Some(template) = compiler.template(&header.name, place, &name_at, problems) {
            uses.note(&template, &name_at);
            headers::check_name(&header.name, &template, &name_at, compiler, problems);
        }
        let place = Place::Header(&header.name);
        if let Some(template) = compiler.template(&header.value, place, &value_at, problems) {
            uses.note(&template, &value_at);
            if let Some(fixed) = compiler.fixed(&template, &value_at, problems) {
                headers::check_value(&fixed, &value_at, problems);
            }
        }
    }
    headers::check_repeated(&payload.headers, &headers_at, problems);
    if let Some(body) = &payload.body {
        let at = pointer(at, "body");
        if let Some(template) = compiler.template(body, Place::Body, &at, problems) {
            uses.note(&template, &at);
        }
    }
    responses::check(payload, at, compiler, uses, problems);
}

fn warn_of_unused(
    definition: &Definition,
    parameters: &[Usage],
    fields: &[Usage],
    warnings: &mut Problems,
) {
    for (position, parameter) in definition.parameters.iter().enumerate() {
        let usage = parameters.iter().find(|each| each.name == parameter.name);
        if usage.is_some_and(|usage| usage.used.is_empty()) {
            let message = format!("{} is declared, but no template uses it", parameter.name);
            warnings.add(pointer("/parameters", position), message);
        }
    }
    for (position, mapping) in definition.mappings.iter().enumerate() {
        let used = |name: &str| {
            let usage = fields.iter().find(|each| each.name == name);
            usage.is_some_and(|usage| !usage.used.is_empty())
        };
        for name in mapping.fields().filter(|name| !used(name)) {
            let message = format!("{name} is declared, but no template uses it");
            warnings.add(pointer("/mappings", position), message);
        }
    }
}
