//! What must hold of a definition's fields, its templates aside.

use std::collections::BTreeSet;

use model::definition::{About, Definition, Mapping, Parameter, ParameterKind};
use model::name::{is_unreadable, reorders};
use unicode_security::{MixedScript, RestrictionLevel, RestrictionLevelDetection};

use super::text::{link_with_user, place};
use crate::parameters::{check_value, compile_pattern};
use crate::problem::{Problems, pointer};
use crate::url;

const NAME_CHARACTERS: usize = 100;
const SUMMARY_CHARACTERS: usize = 300;
const DESCRIPTION_BYTES: usize = 32 << 10;
const HELP_CHARACTERS: usize = 1000;
const VALUE_BYTES: usize = 8 << 10;
const PATTERN_CHARACTERS: usize = 500;
const LINKS: usize = 10;
const PARAMETERS: usize = 50;
const OPTIONS: usize = 200;
const MAPPINGS: usize = 50;
const KINDS: usize = 20;

/// Checks the fields; says whether there are no more of each than may be.
pub(super) fn check(definition: &Definition, problems: &mut Problems) -> bool {
    one_line(
        "/display_name",
        &definition.display_name,
        NAME_CHARACTERS,
        problems,
    );
    one_script_a_word("/display_name", &definition.display_name, problems);
    check_about(&definition.about, problems);
    if definition.events.is_none() && definition.users.is_none() {
        problems.add(
            "/events",
            "nothing can be sent: add what is sent for an event",
        );
    }
    check_parameters(&definition.parameters, problems);
    check_mappings(&definition.mappings, problems);
    let limits = &definition.limits;
    for (name, is_zero) in [
        ("body_bytes", limits.body_bytes == Some(0)),
        ("concurrency", limits.concurrency == Some(0)),
        ("requests_per_minute", limits.requests_per_minute == Some(0)),
        ("event_types", limits.event_types == Some(0)),
        ("identifier_bytes", limits.identifier_bytes == Some(0)),
    ] {
        if is_zero {
            let message = "nothing would get through: leave it out for no limit";
            problems.add(pointer("/limits", name), message);
        }
    }
    let (parameters, mappings) = (&definition.parameters, &definition.mappings);
    parameters.len() <= PARAMETERS
        && mappings.len() <= MAPPINGS
        && parameters.iter().all(|each| each.options.len() <= OPTIONS)
        && mappings.iter().all(|each| each.kinds.len() <= KINDS)
}

fn check_about(about: &About, problems: &mut Problems) {
    let at = "/about/summary";
    if about.summary.trim().is_empty() {
        problems.add(at, "say in one line what the destination is");
    } else {
        if about.summary.chars().any(char::is_control) {
            problems.add(at, "no line breaks and no other control characters");
        }
        prose(at, &about.summary, SUMMARY_CHARACTERS, problems);
    }
    let at = "/about/description";
    if about.description.len() > DESCRIPTION_BYTES {
        problems.add(at, format!("at most {DESCRIPTION_BYTES} bytes"));
    }
    in_order(at, &about.description, problems);
    if let Some(position) = link_with_user(&about.description) {
        let message = "a link with a user name or password in its address: what stands before the @ is easily \
                       taken for where it leads";
        problems.add_at(at, message, Some(place(&about.description, position)));
    }
    let at = "/about/links";
    count(at, about.links.len(), LINKS, problems);
    for (position, link) in about.links.iter().take(LINKS).enumerate() {
        let at = pointer(at, position);
        one_line(
            &pointer(&at, "title"),
            &link.title,
            NAME_CHARACTERS,
            problems,
        );
        // A fragment is welcome here: browsers follow the link, we don't.
        let address = link.url.split('#').next().unwrap_or_default();
        if let Err(reason) = url::parse(address.as_bytes()) {
            problems.add(pointer(&at, "url"), format!("not a usable URL: {reason}"));
        }
    }
}

fn check_parameters(parameters: &[Parameter], problems: &mut Problems) {
    let at = "/parameters";
    count(at, parameters.len(), PARAMETERS, problems);
    let (mut seen, mut titles) = (BTreeSet::new(), BTreeSet::new());
    for (position, parameter) in parameters.iter().take(PARAMETERS).enumerate() {
        let at = pointer(at, position);
        let name_at = pointer(&at, "name");
        if !is_identifier(&parameter.name) {
            let message = "a name for templates: letters, digits and _, no digit first";
            problems.add(&*name_at, message);
        }
        if !seen.insert(&parameter.name) {
            problems.add(name_at, "a parameter of this name is already there");
        }
        let display_at = pointer(&at, "display_name");
        let title = parameter.display_name.trim();
        if !title.is_empty() && !titles.insert(title) {
            problems.add(&*display_at, "a parameter is already shown under this name");
        }
        one_line(
            &display_at,
            &parameter.display_name,
            NAME_CHARACTERS,
            problems,
        );
        prose(
            &pointer(&at, "help"),
            &parameter.help,
            HELP_CHARACTERS,
            problems,
        );
        check_pattern(parameter, &at, problems);
        check_options(parameter, &at, problems);
        check_default(parameter, &at, problems);
    }
}

fn check_pattern(parameter: &Parameter, at: &str, problems: &mut Problems) {
    let Some(pattern) = &parameter.pattern else {
        return;
    };
    let at = pointer(at, "pattern");
    if matches!(
        parameter.kind,
        ParameterKind::Select | ParameterKind::Checkbox
    ) {
        problems.add(at, "what is chosen needs no pattern");
    } else if pattern.chars().count() > PATTERN_CHARACTERS {
        problems.add(at, format!("at most {PATTERN_CHARACTERS} characters"));
    } else if let Err(error) = compile_pattern(pattern) {
        let reason = error.to_string();
        let reason = reason.lines().last().unwrap_or_default();
        problems.add(at, format!("not a regular expression: {}", reason.trim()));
    }
}

fn check_options(parameter: &Parameter, at: &str, problems: &mut Problems) {
    let at = pointer(at, "options");
    let is_select = parameter.kind == ParameterKind::Select;
    match (is_select, parameter.options.is_empty()) {
        (true, true) => problems.add(&*at, "give what can be chosen"),
        (false, false) => problems.add(&*at, "only a parameter of kind select has options"),
        _ => {}
    }
    count(&at, parameter.options.len(), OPTIONS, problems);
    let mut seen = BTreeSet::new();
    for (position, option) in parameter.options.iter().take(OPTIONS).enumerate() {
        let at = pointer(&at, position);
        one_line(
            &pointer(&at, "label"),
            &option.label,
            NAME_CHARACTERS,
            problems,
        );
        let value_at = pointer(&at, "value");
        if option.value.trim().is_empty() {
            problems.add(&*value_at, "an empty value counts as none");
        }
        if option.value.len() > VALUE_BYTES {
            problems.add(&*value_at, format!("at most {VALUE_BYTES} bytes"));
        }
        if !seen.insert(&option.value) {
            problems.add(value_at, "this value is already there");
        }
    }
}

fn check_default(parameter: &Parameter, at: &str, problems: &mut Problems) {
    let Some(default) = &parameter.default else {
        return;
    };
    let at = pointer(at, "default");
    if parameter.is_secret() {
        problems.add(at, "a secret of everybody is none: leave it to the user");
    } else if default.len() > VALUE_BYTES {
        problems.add(at, format!("at most {VALUE_BYTES} bytes"));
    } else if let Err(message) = check_value(parameter, default) {
        problems.add(at, message);
    }
}

fn check_mappings(mappings: &[Mapping], problems: &mut Problems) {
    let at = "/mappings";
    count(at, mappings.len(), MAPPINGS, problems);
    let (mut names, mut fields) = (BTreeSet::new(), BTreeSet::new());
    for (position, mapping) in mappings.iter().take(MAPPINGS).enumerate() {
        let at = pointer(at, position);
        let name_at = pointer(&at, "name");
        one_line(&name_at, &mapping.name, NAME_CHARACTERS, problems);
        if !names.insert(mapping.name.as_str()) {
            problems.add(&*name_at, "a mapping of this name is already there");
        }
        prose(
            &pointer(&at, "help"),
            &mapping.help,
            HELP_CHARACTERS,
            problems,
        );
        let suggested = mapping.suggested.as_ref();
        if suggested.is_some_and(|property| property.name().is_empty()) {
            problems.add(pointer(&at, "suggested"), "name a property");
        }
        let kinds_at = pointer(&at, "kinds");
        count(&kinds_at, mapping.kinds.len(), KINDS, problems);
        for (position, kind) in mapping.kinds.iter().take(KINDS).enumerate() {
            one_line(
                &pointer(&kinds_at, position),
                kind,
                NAME_CHARACTERS,
                problems,
            );
        }
        for field in mapping.fields() {
            if !fields.insert(field) && names.len() > position {
                let message = format!("templates would find two values under {field}");
                problems.add(&*name_at, message);
            }
        }
    }
}

/// Letters, digits and `_`, no digit first: what templates take after a dot.
pub(crate) fn is_identifier(name: &str) -> bool {
    let first = |c: char| c.is_ascii_alphabetic() || c == '_';
    name.len() <= NAME_CHARACTERS
        && name.starts_with(first)
        && name.chars().all(|c| first(c) || c.is_ascii_digit())
}

/// A name or title, which must be there and be what is read.
fn one_line(at: &str, text: &str, most: usize, problems: &mut Problems) {
    if text.trim().is_empty() {
        problems.add(at, "this field is required");
    } else if text.chars().any(char::is_control) {
        problems.add(at, "no line breaks and no other control characters");
    } else if let Some(c) = text.chars().find(|&c| is_unreadable(c)) {
        let message = format!(
            "no format or other invisible characters: U+{:04X} is one",
            u32::from(c)
        );
        problems.add(at, message);
    }
    longest(at, text, most, problems);
}

/// Refuses words whose letters are of several scripts, as `Lantern` with the Cyrillic а: they read as others
/// do. What scripts are written with together is fine (Unicode Technical Standard 39, 5.1).
fn one_script_a_word(at: &str, text: &str, problems: &mut Problems) {
    let mut words = text.split(|c: char| !c.is_alphanumeric());
    let together = RestrictionLevel::HighlyRestrictive;
    let is_plain = |word: &&str| word.is_single_script() || word.check_restriction_level(together);
    if let Some(word) = words.find(|word| !is_plain(word)) {
        let message =
            format!("letters of several scripts in one word, which reads as another: {word}");
        problems.add(at, message);
    }
}

/// A text that may be there. Joiners and marks are welcome, which some scripts need.
fn prose(at: &str, text: &str, most: usize, problems: &mut Problems) {
    in_order(at, text, problems);
    longest(at, text, most, problems);
}

/// Refuses what makes others read as another text than they are.
fn in_order(at: &str, text: &str, problems: &mut Problems) {
    if let Some((position, c)) = text.char_indices().find(|&(_, c)| reorders(c)) {
        let message = format!(
            "no characters that change the order in which others are read: U+{:04X} is one",
            u32::from(c)
        );
        problems.add_at(at, message, Some(place(text, position)));
    }
}

fn longest(at: &str, text: &str, most: usize, problems: &mut Problems) {
    let length = text.chars().count();
    if length > most {
        problems.add(at, format!("at most {most} characters, not {length}"));
    }
}

fn count(at: &str, count: usize, most: usize, problems: &mut Problems) {
    if count > most {
        problems.add(at, format!("at most {most}, not {count}"));
    }
}
