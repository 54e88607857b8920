//! Adversarial values: those that break templates, if they can occur.

use model::definition::{Choice, Parameter, ParameterKind};
use model::json::{Number, Value};

use super::case::{Json, empty};
use super::domain::{Domain, Kind};
use crate::parameters::check_value;

/// A number that shows separators where a template prints them.
pub(super) const LARGE: &str = "1234567";
/// A key that an injected member has.
pub(super) const INJECTED: &str = "millstream_lint";

/// Texts, the simplest proof first.
const TEXTS: &[&str] = &[
    "\"",
    "\\",
    "\n",
    "\u{1}",
    "'",
    "a b/c?d&e#f",
    "😀 é\u{2028}</script>${x}",
    "\",\"millstream_lint\":\"",
    "0,\"millstream_lint\":0",
    "plain",
    "1234567",
    "true",
    "[\"a\"]",
];

/// Texts that stand for the others where time is short.
const FEW_TEXTS: &[&str] = &["\"\\\n/?&# ", "0,\"millstream_lint\":0", "a"];

const INTEGERS: &[&str] = &["0", "-1", LARGE, "9007199254740993"];
const NUMBERS: &[&str] = &[
    "1.5",
    "-0.0000001",
    "123456789012345678901234567890",
    "1e21",
];

/// Values that match the pattern of a parameter more or less often.
const FILLED_IN: &[&str] = &[
    "plain",
    "abc123",
    "12345",
    "ABC",
    "us-east-1",
    "ann@example.com",
    "https://example.com/hook",
    "https://example.com/?a='b'&c=%22\"",
    "example.com",
];

pub(super) fn text(text: &str) -> Json {
    Value::String(text.to_owned().into())
}

pub(super) fn number(text: &str) -> Json {
    let parsed = model::json::parse(text.as_bytes(), &model::json::Limits::OWN);
    match parsed {
        Ok(value) => value.into_owned(),
        Err(_) => Value::Number(Number::from(0)),
    }
}

fn list(items: impl IntoIterator<Item = Json>) -> Json {
    Value::Array(items.into_iter().collect())
}

fn object(name: &str, value: Json) -> Json {
    let mut object = empty();
    if let Value::Object(members) = &mut object {
        members.set(name.to_owned(), value);
    }
    object
}

/// What most events hold there.
pub(super) fn plain(kind: Kind<'_>) -> Option<Json> {
    Some(match kind {
        Kind::Text | Kind::AnyText | Kind::Any => text("plain"),
        Kind::Fixed(fixed) => text(fixed),
        Kind::Integer => number("7"),
        Kind::Number => number("48.4"),
        Kind::True => Value::Bool(true),
        Kind::Members | Kind::TextMembers => {
            let mut two = object("first", text("plain"));
            if let Value::Object(members) = &mut two {
                members.set("second", text("plain"));
            }
            two
        }
        Kind::Groups => object("org", list([text("acme")])),
        Kind::GroupNames => list([text("acme")]),
        Kind::GroupProperties => object("org", object("acme", object("plan", text("plain")))),
        Kind::Parameter(parameter) => filled_in(parameter).into_iter().next()?,
        Kind::Never => return None,
    })
}

/// What a template may count on instead, where it fails with the plain value.
pub(super) fn alternatives(kind: Kind<'_>) -> Vec<Json> {
    let dated = text("2022-02-28 20:07:01.795");
    match kind {
        Kind::Any => vec![
            number("7"),
            Value::Bool(true),
            list([text("plain"), text("plain")]),
            object("first", text("plain")),
            dated,
            text("12"),
            list([object("first", text("plain"))]),
            object("first", number("7")),
            list([number("7")]),
        ],
        Kind::Text | Kind::AnyText => vec![text("12"), dated, text("true"), text("{}")],
        Kind::Parameter(parameter) => filled_in(parameter),
        _ => Vec::new(),
    }
}

/// Everything that can occur; `None` is no value. `literals` are those that the template compares with.
pub(super) fn all(domain: &Domain<'_>, literals: &[Json]) -> Vec<Option<Json>> {
    let mut values: Vec<Option<Json>> = Vec::new();
    if domain.optional {
        values.push(None);
    }
    let texts = || TEXTS.iter().map(|each| text(each));
    let hostile = || text("\"\\\n");
    let given: Vec<Json> = match domain.kind {
        Kind::Text => texts().chain(only_texts(literals)).collect(),
        Kind::AnyText => texts()
            .chain([text("")])
            .chain(only_texts(literals))
            .collect(),
        Kind::Any => texts()
            .chain([text(""), Value::Bool(true), Value::Bool(false)])
            .chain(INTEGERS.iter().chain(NUMBERS).map(|each| number(each)))
            .chain(literals.iter().cloned())
            .chain([
                list([text("a"), text("b")]),
                empty(),
                object("a", text("b")),
                list([]),
                list([hostile()]),
                list([
                    number("1"),
                    list([number("2")]),
                    object("a", text("b")),
                    Value::Null,
                ]),
                object("\"\\", hostile()),
            ])
            .collect(),
        Kind::Integer => INTEGERS.iter().map(|each| number(each)).collect(),
        Kind::Number => INTEGERS
            .iter()
            .chain(NUMBERS)
            .map(|each| number(each))
            .collect(),
        Kind::Members => [
            empty(),
            object("a", text("b")),
            object("\"\\", text("plain")),
            object("\n", text("plain")),
        ]
        .into_iter()
        .chain(all_any().into_iter().map(|value| object("a", value)))
        .collect(),
        Kind::TextMembers => [empty(), object("a", text("b"))]
            .into_iter()
            .chain(["\"", "\\", "\n", "a b"].map(|name| object(name, text("plain"))))
            .chain(texts().map(|value| object("a", value)))
            .collect(),
        Kind::Groups => vec![
            object("org", list([text("\"\\")])),
            object("\"\\", list([text("acme")])),
            object("org", list([text("acme"), text("beta")])),
        ],
        Kind::GroupNames => vec![list([text("\"\\")]), list([text("acme"), text("beta")])],
        Kind::GroupProperties => vec![
            object("\"", object("acme", object("plan", text("plain")))),
            object("org", object("\"", object("plan", text("plain")))),
            object("org", object("acme", object("\"", hostile()))),
        ],
        Kind::Parameter(parameter) => filled_in(parameter),
        Kind::True | Kind::Fixed(_) | Kind::Never => Vec::new(),
    };
    values.extend(given.into_iter().map(Some));
    values
}

/// Fewer of them, for what shows only together with something else.
pub(super) fn few(domain: &Domain<'_>) -> Vec<Option<Json>> {
    let mut values: Vec<Option<Json>> = Vec::new();
    if domain.optional {
        values.push(None);
    }
    let texts = || FEW_TEXTS.iter().map(|each| text(each));
    let given: Vec<Json> = match domain.kind {
        Kind::Text => texts().collect(),
        Kind::AnyText => texts().chain([text("")]).collect(),
        Kind::Any => texts()
            .chain([text(""), Value::Bool(true), number(LARGE)])
            .chain([list([text("\"\\")]), list([]), object("\"", text("\n"))])
            .collect(),
        Kind::Parameter(parameter) => filled_in(parameter).into_iter().take(6).collect(),
        Kind::Integer | Kind::Number => vec![number(LARGE)],
        Kind::Members | Kind::TextMembers => vec![empty(), object("\"", text("\"\\\n"))],
        _ => Vec::new(),
    };
    values.extend(given.into_iter().map(Some));
    values
}

fn all_any() -> Vec<Json> {
    let any = Domain {
        kind: Kind::Any,
        optional: false,
    };
    all(&any, &[]).into_iter().flatten().collect()
}

fn only_texts(literals: &[Json]) -> impl Iterator<Item = Json> {
    literals
        .iter()
        .filter(|each| each.as_str().is_some())
        .cloned()
}

/// What the user may fill in, the plain first.
fn filled_in(parameter: &Parameter) -> Vec<Json> {
    if parameter.kind == ParameterKind::Checkbox {
        return vec![Value::Bool(true), Value::Bool(false)];
    }
    let options = parameter
        .options
        .iter()
        .map(|Choice { value, .. }| value.as_str());
    let default = parameter.default.as_deref().into_iter();
    let mut values: Vec<&str> = Vec::new();
    for value in default
        .chain(options)
        .chain(FILLED_IN.iter().chain(TEXTS).copied())
    {
        let can_be = !value.trim().is_empty() && check_value(parameter, value).is_ok();
        if can_be && !values.contains(&value) {
            values.push(value);
        }
    }
    if values.is_empty() {
        // A pattern that none of them matches: at least there is something.
        values.push("plain");
    }
    values.into_iter().map(text).collect()
}
