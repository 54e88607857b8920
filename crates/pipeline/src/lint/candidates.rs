//! Edits that may mend a fault, the smallest first.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::explore::Explorer;
use super::expression::{
    defaulted, delimited, is_tight, literal, own_default, split, tight, unformatted, value,
};
use super::finding::Code;
use super::mend::Broken;
use super::patch::Change;
use super::target::Mode;
use super::{source, structure};

/// The helper that prints any value as JSON.
const HELPERS: &str = r#"statics["com.amplitude.integrations.connector.utils.FtlUtils"]"#;

/// Escapes for other strings: the right one stands better in their place than behind them.
const OTHER_ESCAPES: [&str; 3] = ["?js_string", "?j_string", "?json_string"];

/// The alias that a template has given the helpers.
static ALIAS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"<#(?:assign|global)\s+(\w+)\s*=\s*statics\s*\[\s*['"]com\.amplitude\.[\w.]*FtlUtils['"]\s*\]\s*/?>"#)
        .expect("a constant pattern that tests compile")
});

/// Makes spaces of what is compressed to one, and would not be once it is escaped.
const SPACES: &str = r#"?replace(r"[\t\x0B\f\x1C-\x1F\u2028\u2029]", " ", "r")"#;

/// A directive that escapes what is printed within it: the name and the expression.
static ESCAPE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"[<\[]#escape\s+(\w+)\s+as\s+([^>\]]+)[>\]]")
        .expect("a constant pattern that tests compile")
});

/// Edits worth a try, the smallest first.
pub(super) fn candidates(
    explorer: &Explorer<'_, '_>,
    broken: &Broken<'_>,
    outputs: &[String],
) -> Vec<Change> {
    let source = explorer.target.source;
    let text = &source[broken.place.clone()];
    if broken.codes.contains(&Code::InvalidJson) {
        return structure::candidates(explorer.target, &broken.place);
    }
    if !broken.is_interpolation {
        return match broken.place.len() == source.len() {
            true => Vec::new(),
            false => of_expression(text, &broken.place),
        };
    }
    let Some((open, expression, close)) = delimited(text) else {
        return Vec::new();
    };
    let printed = |expression: String| Change {
        range: broken.place.clone(),
        replacement: [open, &expression, close].concat(),
    };
    match explorer.target.mode {
        Mode::Json if broken.in_string => {
            let mut all = Vec::new();
            if !outputs.is_empty() && outputs.iter().all(|output| is_json_itself(output)) {
                let whole = quoted(source, &broken.place);
                all.extend(whole.map(|range| Change {
                    range,
                    replacement: text.to_owned(),
                }));
            }
            all.extend(escaped(expression, "?json_string").map(printed));
            if source.contains("#compress") {
                let spaced = format!("{SPACES}?json_string");
                all.extend(escaped(expression, &spaced).map(printed));
            }
            all.extend(escaped_last(expression).map(printed));
            all.extend(escaped_reads(explorer, broken));
            all.extend(within_escape(source, broken, text));
            all.extend(without_quotes(explorer, broken, open, expression, close));
            all.extend(undangled(expression).map(printed));
            all.extend(attempted(
                source,
                broken,
                expression,
                open,
                close,
                "?json_string",
            ));
            all
        }
        Mode::Json => {
            let quoted = |each: String| Change {
                range: broken.place.clone(),
                replacement: format!("\"{open}{each}{close}\""),
            };
            let mut all: Vec<Change> = Vec::new();
            if broken.codes.contains(&Code::FormattedNumber) {
                let ungrouped = expression.replace("#,##", "").replace(",##", "");
                let number = tight(unformatted(expression)) + "?c";
                let plain = [tight(expression) + "?c", number, ungrouped];
                all.extend(plain.into_iter().map(printed));
            }
            all.extend(widened(explorer, broken, expression).map(printed));
            all.extend(
                with_default(expression, "\"null\"")
                    .into_iter()
                    .map(printed),
            );
            // What is escaped only lacks the quotes.
            let bare = [expression.to_owned()].into_iter();
            let mut strings: Vec<Change> = bare
                .chain(escaped(expression, "?json_string"))
                .map(quoted)
                .collect();
            let helpers = helped(source, broken.place.start, "toJson", expression);
            all.extend(structure::between_items(explorer.target, &broken.place));
            if broken.only_text {
                all.append(&mut strings);
            }
            let helpers = helpers.map(printed);
            all.extend(helpers.flat_map(|each| unreached(source, each)));
            all.append(&mut strings);
            all.extend(escaped_reads(explorer, broken));
            all.extend(owned(explorer, broken, expression).map(printed));
            all.extend(attempted(source, broken, expression, open, close, ""));
            // What a value is a member of may be no object: then there is none to ask for.
            let through = helped(source, broken.place.start, "toJson", expression).next();
            let through = through.into_iter();
            all.extend(through.flat_map(|each| attempted(source, broken, &each, open, close, "")));
            all
        }
        Mode::Url if broken.codes.contains(&Code::InvalidUrl) => stopped(source, expression, text)
            .map(|replacement| Change {
                range: broken.place.clone(),
                replacement,
            })
            .collect(),
        Mode::Url => escaped(expression, "?url").map(printed).collect(),
        Mode::Header => escaped(
            expression,
            r#"?replace(r"[\x00-\x08\x0A-\x1F\x7F]", " ", "r")"#,
        )
        .map(printed)
        .collect(),
        Mode::Text | Mode::Constant => {
            let with_default = with_default(expression, "\"\"").into_iter().map(printed);
            let attempted = attempted(source, broken, expression, open, close, "");
            match explorer.target.mode {
                Mode::Text => with_default.chain(attempted).collect(),
                _ => with_default.collect(),
            }
        }
    }
}

/// The whole string, quotes and all, as the helpers print it.
fn without_quotes(
    explorer: &Explorer<'_, '_>,
    broken: &Broken<'_>,
    open: &str,
    expression: &str,
    close: &str,
) -> Vec<Change> {
    let Some(range) = quoted(explorer.target.source, &broken.place) else {
        return Vec::new();
    };
    let source = explorer.target.source;
    let all = helped(source, range.start, "toJsonString", expression);
    let all = all.map(|each| Change {
        range: range.clone(),
        replacement: [open, &each, close].concat(),
    });
    all.flat_map(|each| unreached(source, each)).collect()
}

/// `place` with the quotes around it.
pub(super) fn quoted(source: &str, place: &Range<usize>) -> Option<Range<usize>> {
    let is_quoted = source[..place.start].ends_with('"') && source[place.end..].starts_with('"');
    (is_quoted && !source[..place.start].ends_with("\\\"")).then(|| place.start - 1..place.end + 1)
}

/// Whether `text` is a JSON string, list or object, with its quotes or brackets.
fn is_json_itself(text: &str) -> bool {
    let begins = text.starts_with(['"', '{', '[']);
    begins && is_json(text)
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

/// `expression` with the escape that it has in the middle at its end.
fn escaped_last(expression: &str) -> impl Iterator<Item = String> {
    let escape = "?json_string";
    let at = expression.find(escape);
    let moved = at.filter(|at| at + escape.len() < expression.len());
    moved
        .map(|at| [&expression[..at], &expression[at + escape.len()..], escape].concat())
        .into_iter()
}

/// `expression`, which was escaped before it was cut, without half an escape at its end.
fn undangled(expression: &str) -> impl Iterator<Item = String> {
    let escape = r#"\\["\\/bfnrt]|\\u[0-9a-fA-F]{4}"#;
    let pattern = format!(r"^((?:[^\\]|{escape})*)\\(?:u[0-9a-fA-F]{{0,3}})?(\[\.\.\.\])?$");
    [format!(
        "{}?replace(r'{pattern}', '$1$2', 'r')",
        tight(expression)
    )]
    .into_iter()
}

/// The place with what it reads escaped, one at a time: what a function wraps in quotes of its own.
fn escaped_reads(explorer: &Explorer<'_, '_>, broken: &Broken<'_>) -> Vec<Change> {
    let target = explorer.target;
    let reads = target.reads.iter().map(|read| &read.range);
    let mut within: Vec<&Range<usize>> = Vec::new();
    for read in
        reads.filter(|read| broken.place.start <= read.start && read.end <= broken.place.end)
    {
        // It may stand for several values.
        if within.len() < 4 && !within.contains(&read) {
            within.push(read);
        }
    }
    within
        .into_iter()
        .flat_map(|read| {
            let text = &target.source[read.clone()];
            [
                format!("{}?json_string", tight(text)),
                format!("({text}!\"\")?json_string"),
            ]
            .map(|replacement| Change {
                range: read.clone(),
                replacement,
            })
        })
        .collect()
}

/// The place out of the reach of the `escape` around it, escaped by hand for JSON as well.
fn within_escape(source: &str, broken: &Broken<'_>, text: &str) -> Option<Change> {
    let around = ESCAPE.captures_iter(&source[..broken.place.start]).last()?;
    let (open, expression, close) = delimited(text)?;
    let (name, escape) = (around.get(1)?.as_str(), around.get(2)?.as_str().trim());
    let word = Regex::new(&format!(r"\b{}\b", regex::escape(name))).ok()?;
    let inner = format!("({expression})");
    let escaped = word.replace_all(escape, regex::NoExpand(&inner));
    let (begin, end) = noescape(source);
    Some(Change {
        range: broken.place.clone(),
        replacement: [begin, open, &escaped, "?json_string", close, end].concat(),
    })
}

/// What fails caught: its own default takes its place, or else `null`, or nothing in a string.
fn attempted(
    source: &str,
    broken: &Broken<'_>,
    expression: &str,
    open: &str,
    close: &str,
    escape: &str,
) -> Vec<Change> {
    let (begin, recover, end) = match source::is_square(source) {
        true => ("[#attempt]", "[#recover]", "[/#attempt]"),
        false => ("<#attempt>", "<#recover>", "</#attempt>"),
    };
    let instead = recovered(expression, broken.in_string);
    let escaped =
        (!escape.is_empty() && !expression.ends_with(escape)).then(|| tight(expression) + escape);
    let expressions = [Some(expression.to_owned()), escaped];
    let all = expressions.into_iter().flatten().map(|each| Change {
        range: broken.place.clone(),
        replacement: [begin, open, &each, close, recover, &instead, end].concat(),
    });
    all.collect()
}

/// What an interpolation that failed is to print: what its author has it print where a value is missing.
fn recovered(expression: &str, in_string: bool) -> String {
    let nothing = if in_string { "" } else { "null" };
    let default = own_default(expression).map(|(_, default, _)| default);
    // What a template would take for more than text is no text of it.
    let default = default.filter(|default| !default.contains(['<', '[', '\\']));
    let Some(default) = default else {
        return nothing.to_owned();
    };
    let text = literal(default);
    match in_string {
        true => text.replace('"', "\\\""),
        false if is_json(text) => text.to_owned(),
        false if expression.contains("toJson") => serde_json::Value::from(text).to_string(),
        false => nothing.to_owned(),
    }
}

/// The interpolation `text` behind a stop for values that make another address of a URL.
fn stopped(source: &str, expression: &str, text: &str) -> impl Iterator<Item = String> {
    let bare = expression.strip_suffix("?url").unwrap_or(expression);
    let condition = format!("[\".\", \"..\"]?seq_contains({bare})");
    let stop = "#stop \"the value makes another address of it\"";
    let (open, close) = match source::is_square(source) {
        true => (format!("[#if {condition}][{stop}]"), "[/#if]"),
        false => (format!("<#if {condition}><{stop}>"), "</#if>"),
    };
    let encoded = match delimited(text) {
        Some((begin, _, end)) => [begin, &tight(bare), "?url", end].concat(),
        None => text.to_owned(),
    };
    [text.to_owned(), encoded]
        .into_iter()
        .map(move |each| [&open, close, &each].concat())
}

/// `expression`, escaped, with a default, and both.
fn escaped<'s>(expression: &'s str, escape: &'s str) -> impl Iterator<Item = String> + 's {
    let defaults = with_default(expression, "\"\"");
    let other = OTHER_ESCAPES
        .iter()
        .find_map(|other| expression.strip_suffix(other));
    let instead = other.map(|bare| tight(bare) + escape);
    // What is escaped already would be sent with its escapes.
    let is_escaped = expression.ends_with(escape);
    let once = instead.into_iter().chain([tight(expression) + escape]);
    let both = defaults
        .clone()
        .into_iter()
        .map(move |each| format!("({each}){escape}"));
    let once = once.filter(move |_| !is_escaped);
    once.chain(defaults)
        .chain(both.filter(move |_| !is_escaped))
}

/// `expression` with a default: at its last step, and at any. One that it has stays, for more than it was for.
pub(super) fn with_default(expression: &str, default: &str) -> Vec<String> {
    if let Some((bare, own, tail)) = own_default(expression) {
        return vec![match tail {
            "" => format!("({bare})!{own}"),
            tail => format!("(({bare})!{own}){tail}"),
        }];
    }
    let (head, tail) = split(expression);
    let mut all = Vec::new();
    if is_tight(expression) && tail.is_empty() {
        all.push(format!("{expression}!{default}"));
    }
    if !tail.is_empty() && is_tight(head) {
        all.push(format!("({head}!{default}){tail}"));
        all.push(format!("(({head})!{default}){tail}"));
    }
    all.push(format!("({expression})!{default}"));
    all
}

/// The value of `expression` through a helper: with its default, and where that says the same, without.
pub(super) fn helped<'s>(
    source: &str,
    at: usize,
    helper: &'s str,
    expression: &'s str,
) -> impl Iterator<Item = String> + 's {
    let alias = ALIAS.captures_iter(&source[..at]).last();
    let object = match alias {
        Some(alias) => alias[1].to_owned(),
        None => HELPERS.to_owned(),
    };
    let value = value(expression);
    let (bare, default) = defaulted(value);
    let (nothing, printed) = match helper {
        "toJsonString" => ("", "\"\\\"\\\"\""),
        _ => ("null", "\"null\""),
    };
    let is_nothing = default.is_none_or(|default| literal(default) == nothing);
    let missing = is_nothing.then(|| {
        [tight(bare), format!("({bare})")]
            .map(|each| format!("{each}???then({object}.{helper}({bare}), {printed})"))
    });
    let through = format!("{object}.{helper}({value})");
    let kept = default.filter(|default| !default.is_empty());
    let kept = kept.map(|default| format!("{object}.{helper}(({bare})!{default})"));
    let missing = missing.into_iter().flatten();
    [through].into_iter().chain(kept).chain(missing)
}

/// The change, and the same out of the reach of an `escape` around it.
fn unreached(source: &str, change: Change) -> impl Iterator<Item = Change> + use<> {
    let is_within = ESCAPE.is_match(&source[..change.range.start]);
    let (begin, end) = noescape(source);
    let out = is_within.then(|| Change {
        range: change.range.clone(),
        replacement: [begin, &change.replacement, end].concat(),
    });
    [change].into_iter().chain(out)
}

fn noescape(source: &str) -> (&'static str, &'static str) {
    match source::is_square(source) {
        true => ("[#noescape]", "[/#noescape]"),
        false => ("<#noescape>", "</#noescape>"),
    }
}

/// What a helper is called with, where `expression` is a call of one: the first that is read.
fn argument<'s>(
    explorer: &Explorer<'s, '_>,
    broken: &Broken<'_>,
    expression: &str,
) -> Option<&'s str> {
    let target = explorer.target;
    let mut reads = target.reads.iter().map(|read| &read.range);
    let read =
        reads.find(|read| broken.place.start <= read.start && read.end <= broken.place.end)?;
    let read = &target.source[read.clone()];
    (expression.contains("toJson") && expression.contains(read)).then_some(read)
}

/// A call of a helper whose argument has a default, which is there for all that may be missing.
fn widened(
    explorer: &Explorer<'_, '_>,
    broken: &Broken<'_>,
    expression: &str,
) -> impl Iterator<Item = String> {
    let argument = argument(explorer, broken, expression);
    let widened = argument.and_then(|argument| {
        let narrow = format!("{argument}!");
        let wide = format!("({argument})!");
        let is_given = expression.contains(&narrow);
        is_given.then(|| expression.replacen(&narrow, &wide, 1))
    });
    widened.into_iter()
}

/// A call of a helper with a member of something that may be no object: then it has none.
fn owned(
    explorer: &Explorer<'_, '_>,
    broken: &Broken<'_>,
    expression: &str,
) -> impl Iterator<Item = String> {
    let argument = argument(explorer, broken, expression).unwrap_or_default();
    let all = of_owner(argument).map(|owned| expression.replacen(argument, &owned, 1));
    all.collect::<Vec<_>>().into_iter()
}

/// `text`, a member of something, where that may be no object: then it has none.
fn of_owner(text: &str) -> impl Iterator<Item = String> {
    let split = text.rsplit_once('.');
    let is_name = |name: &str| name.chars().all(|c| c.is_alphanumeric() || c == '_');
    let split = split.filter(|(owner, name)| is_tight(owner) && is_name(name));
    let all = split.map(|(owner, name)| {
        [
            format!("({owner}!{{}}).{name}"),
            format!("({owner}?is_hash?then({owner}, {{}})).{name}"),
            format!("((({owner})!{{}})?is_hash?then(({owner})!{{}}, {{}})).{name}"),
        ]
    });
    all.into_iter().flatten()
}

/// Edits of an expression in a directive.
fn of_expression(text: &str, place: &Range<usize>) -> Vec<Change> {
    let defaults = ["\"\"", "[]", "{}", "0", "false"];
    let with_defaults = defaults.iter().flat_map(|default| {
        let short = is_tight(text).then(|| format!("({text}!{default})"));
        short.into_iter().chain([format!("(({text})!{default})")])
    });
    let of_type = [
        format!("({text})?is_enumerable?then({text}, [])"),
        format!("({text})?is_hash?then({text}, {{}})"),
        format!("(({text})?is_string)?then({text}, \"\")"),
        format!("(({text})?is_number)?then({text}, 0)"),
        format!("(({text})?is_boolean)?then({text}, false)"),
    ];
    let bare: Vec<String> = with_defaults.collect();
    let types_of_defaults = [
        format!("(({text})![])?is_enumerable?then(({text})![], [])"),
        format!("(({text})!{{}})?is_hash?then(({text})!{{}}, {{}})"),
        format!("((({text})!\"\")?is_string)?then(({text})!\"\", \"\")"),
        format!("((({text})!0)?is_number)?then(({text})!0, 0)"),
        format!("((({text})!false)?is_boolean)?then(({text})!false, false)"),
    ];
    let all = bare
        .into_iter()
        .chain(of_type)
        .chain(types_of_defaults.map(|each| format!("({each})")))
        .chain(of_owner(text));
    all.map(|replacement| Change {
        range: place.clone(),
        replacement,
    })
    .collect()
}
