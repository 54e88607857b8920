//! Adversarial values: those that break templates, if they can occur.

use model::definition::{Choice, Parameter, ParameterKind};
use model::json::{Number, Value};

use super::case::{Json, empty};
use super::domain::{Domain, Kind};
use super::literals::Literals;
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

/// Texts of many sorts, to see whether what a template does to a value stays as it is: capitals, digits with
/// what parts them, tabs, spaces outside, more than one would show.
pub(super) const WITNESSES: &[&str] = &[
    "Ann B",
    "555-1234",
    "\ta\tb ",
    "+49 (30) 1",
    " x ",
    "ÄÖ ß",
    "1.50",
    "AbCdEfGhIjKlMnOpQrStUvWxYz 0123456789 AbCdEfGhIjKlMnOpQrStUvWxYz",
];

const INTEGERS: &[&str] = &["0", "-1", LARGE, "9007199254740993"];
const NUMBERS: &[&str] = &[
    "1.5",
    "-0.0000001",
    "123456789012345678901234567890",
    "1e21",
];

/// From here on a text is long, in characters.
pub(super) const SHORTEST_LONG: usize = 40;

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

/// Whether a value is longer than most are.
pub(super) fn is_long(value: &Json) -> bool {
    match value {
        Value::String(text) => text.len() >= SHORTEST_LONG,
        Value::Array(items) => items.len() >= 3,
        Value::Object(members) => members.len() >= 3,
        _ => false,
    }
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
        Kind::Text | Kind::AnyText | Kind::Any | Kind::Answered => text("plain"),
        Kind::Status => number("409"),
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
        Kind::GroupsOfType => object("acme", object("plan", text("plain"))),
        Kind::Parameter(parameter) => filled_in(parameter).into_iter().next()?,
        Kind::Never => return None,
    })
}

/// What a template may count on instead, where it fails with the plain value.
pub(super) fn alternatives(kind: Kind<'_>) -> Vec<Json> {
    let dated = text("2022-02-28 20:07:01.795");
    match kind {
        Kind::Any | Kind::Answered => vec![
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

/// Everything that can occur; `None` is no value. `literals` are those that the template compares with;
/// the many are only tried where the value `decides` on the way through the template.
pub(super) fn all(domain: &Domain<'_>, literals: &Literals, decides: bool) -> Vec<Option<Json>> {
    let mut values: Vec<Option<Json>> = Vec::new();
    if domain.optional {
        values.push(None);
    }
    let deciding = literals.deciding.iter().filter(|_| decides);
    let compared: Vec<Json> = literals
        .everywhere
        .iter()
        .chain(deciding)
        .cloned()
        .collect();
    let literals = Extremes {
        compared: &compared,
        length: literals.length,
        items: literals.items,
    };
    let texts = || {
        let long = literals.texts();
        TEXTS.iter().map(|each| text(each)).chain(long)
    };
    let hostile = || text("\"\\\n");
    let given: Vec<Json> = match domain.kind {
        Kind::Text | Kind::Answered => texts().chain(literals.only_texts()).collect(),
        Kind::AnyText => texts()
            .chain([text("")])
            .chain(literals.only_texts())
            .collect(),
        Kind::Any => texts()
            .chain([text(""), Value::Bool(true), Value::Bool(false)])
            .chain(INTEGERS.iter().chain(NUMBERS).map(|each| number(each)))
            .chain(compared.iter().cloned())
            .chain(literals.lists())
            .chain(literals.objects())
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
        Kind::Integer => INTEGERS
            .iter()
            .map(|each| number(each))
            .chain(literals.only_numbers())
            .collect(),
        Kind::Number => INTEGERS
            .iter()
            .chain(NUMBERS)
            .map(|each| number(each))
            .chain(literals.only_numbers())
            .collect(),
        Kind::Members => [
            empty(),
            object("a", text("b")),
            object("\"\\", text("plain")),
            object("\n", text("plain")),
        ]
        .into_iter()
        .chain(literals.names())
        .chain(literals.objects())
        .chain(all_any().into_iter().map(|value| object("a", value)))
        .collect(),
        Kind::TextMembers => [empty(), object("a", text("b"))]
            .into_iter()
            .chain(["\"", "\\", "\n", "a b"].map(|name| object(name, text("plain"))))
            .chain(texts().map(|value| object("a", value)))
            .chain(literals.names())
            .chain(literals.objects())
            .collect(),
        Kind::Groups => vec![
            object("org", list([text("\"\\")])),
            object("\"\\", list([text("acme")])),
            object("org", list([text("acme"), text("beta")])),
        ],
        Kind::GroupNames => [list([text("\"\\")]), list([text("acme"), text("beta")])]
            .into_iter()
            .chain(literals.lists())
            .collect(),
        Kind::GroupProperties => vec![
            object("\"", object("acme", object("plan", text("plain")))),
            object("org", object("\"", object("plan", text("plain")))),
            object("org", object("acme", object("\"", hostile()))),
        ],
        Kind::GroupsOfType => vec![
            object("\"", object("plan", text("plain"))),
            object("acme", object("\"", hostile())),
        ],
        Kind::Parameter(parameter) => {
            let mut values = filled_in(parameter);
            let fits = |value: &Json| {
                let text = value.as_str().unwrap_or_default();
                parameter.kind != ParameterKind::Checkbox
                    && !text.trim().is_empty()
                    && check_value(parameter, text).is_ok()
            };
            let more = literals.only_texts().chain(literals.texts());
            values.extend(more.filter(fits));
            values
        }
        Kind::True | Kind::Fixed(_) | Kind::Status | Kind::Never => Vec::new(),
    };
    values.extend(given.into_iter().map(Some));
    values
}

/// Values that may decide which way a template takes.
pub(super) struct Telling {
    /// Those that it compares with.
    pub(super) compared: Vec<Json>,
    /// Values that are missing, true, false, a large number and an empty text.
    pub(super) others: Vec<Option<Json>>,
}

/// What may decide where `literals` are compared with.
pub(super) fn telling(domain: &Domain<'_>, literals: &Literals) -> Telling {
    let all = || literals.everywhere.iter().cloned();
    let as_text = |value: Json| match value {
        Value::Number(_) => text(&value.to_json()),
        value => value,
    };
    let mut compared: Vec<Json> = Vec::new();
    let mut others: Vec<Option<Json>> = Vec::new();
    if domain.optional {
        others.push(None);
    }
    match domain.kind {
        Kind::Text | Kind::AnyText | Kind::Answered => compared.extend(all().map(as_text)),
        Kind::Any => {
            compared.extend(all());
            let numbers = all().filter(|value| matches!(value, Value::Number(_)));
            compared.extend(numbers.map(as_text));
            let more = [
                Value::Bool(true),
                Value::Bool(false),
                number(LARGE),
                text(""),
            ];
            others.extend(more.map(Some));
            others.push(Some(list([text("a"), text("b")])));
        }
        Kind::Integer | Kind::Number => {
            compared.extend(all().filter(|value| matches!(value, Value::Number(_))));
            others.push(Some(number(LARGE)));
        }
        Kind::Parameter(parameter) => {
            let fits = |value: &Json| {
                let text = value.as_str().unwrap_or_default();
                parameter.kind != ParameterKind::Checkbox
                    && !text.trim().is_empty()
                    && check_value(parameter, text).is_ok()
            };
            compared.extend(all().map(as_text).filter(fits));
            others.extend(filled_in(parameter).into_iter().take(3).map(Some));
        }
        Kind::Members | Kind::TextMembers => others.push(Some(empty())),
        _ => {}
    }
    Telling { compared, others }
}

/// Fewer of them, for what shows only together with something else.
pub(super) fn few(domain: &Domain<'_>) -> Vec<Option<Json>> {
    let mut values: Vec<Option<Json>> = Vec::new();
    if domain.optional {
        values.push(None);
    }
    let texts = || FEW_TEXTS.iter().map(|each| text(each));
    let given: Vec<Json> = match domain.kind {
        Kind::Text | Kind::Answered => texts().collect(),
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
    all(&any, &Literals::default(), false)
        .into_iter()
        .flatten()
        .collect()
}

/// What a template compares with and where it cuts, as values.
struct Extremes<'l> {
    compared: &'l [Json],
    length: usize,
    items: usize,
}

impl Extremes<'_> {
    fn only_texts(&self) -> impl Iterator<Item = Json> {
        let all = self.compared.iter();
        all.filter(|each| each.as_str().is_some()).cloned()
    }

    fn only_numbers(&self) -> impl Iterator<Item = Json> {
        let all = self.compared.iter();
        all.filter(|each| matches!(each, Value::Number(_))).cloned()
    }

    /// Long texts. Whatever is cut at any place cuts an escape of one of the first two in half.
    fn texts(&self) -> impl Iterator<Item = Json> + use<> {
        let quotes = "\"".repeat(self.length);
        let all = [
            quotes.clone(),
            format!("a{quotes}"),
            "a".repeat(self.length),
        ];
        let count = if self.length > 0 { all.len() } else { 0 };
        all.into_iter().take(count).map(|each| text(&each))
    }

    /// Long lists.
    fn lists(&self) -> impl Iterator<Item = Json> + use<> {
        let items = self.items;
        let of = move |item: &'static str| list((0..items).map(|_| text(item)));
        let all = ["\"\\\n", "plain"].into_iter().map(of);
        all.filter(move |_| items > 0)
    }

    /// Objects with many members.
    fn objects(&self) -> impl Iterator<Item = Json> + use<> {
        let items = self.items;
        let of = move |item: &'static str| {
            let mut many = empty();
            if let Value::Object(members) = &mut many {
                (0..items).for_each(|n| members.set(format!("n{n}"), text(item)));
            }
            many
        };
        let all = ["\"\\\n", "plain"].into_iter().map(of);
        all.filter(move |_| items > 0)
    }

    /// Objects with a member of a name that is compared with.
    fn names(&self) -> impl Iterator<Item = Json> {
        self.only_texts().flat_map(|name| {
            let name = name.as_str().unwrap_or_default().to_owned();
            ["plain", "\"\\\n"].map(|value| object(&name, text(value)))
        })
    }
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
