//! Mends: edits that are tried on the template until one holds against everything that broke it.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::explore::{Budget, Explored, Explorer, Trial};
use super::finding::Code;
use super::patch::Change;
use super::target::Mode;

/// Cases that a mend is tried with, beside those that broke: from the simplest on.
const MOST_CONCERNED: usize = 150;

/// The helper that prints any value as JSON.
const HELPERS: &str = r#"statics["com.amplitude.integrations.connector.utils.FtlUtils"]"#;

/// Escapes for other places: the right one stands better in their place than behind them.
const OTHER_ESCAPES: [&str; 6] = [
    "?html",
    "?js_string",
    "?j_string",
    "?xml",
    "?xhtml",
    "?json_string",
];

/// A literal of any brackets or quotes binds tightly; operators don't.
static TIGHT: LazyLock<Regex> = LazyLock::new(|| {
    let name = r"[\p{Alphabetic}_$@][\p{Alphabetic}\p{N}_$@]*";
    let brackets = r#"(?:\[[^\[\]]*\]|\([^()]*\))"#;
    let tight = format!(r"^(?:\.?{name}|\([^()]*\))(?:\.{name}|\?\s*{name}|{brackets})*$");
    Regex::new(&tight).expect("a constant pattern that tests compile")
});

/// The alias that a template has given the helpers.
static ALIAS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"<#(?:assign|global)\s+(\w+)\s*=\s*statics\s*\[\s*['"]com\.amplitude\.[\w.]*FtlUtils['"]\s*\]\s*/?>"#)
        .expect("a constant pattern that tests compile")
});

/// What is known of a place that breaks.
pub(super) struct Broken<'e> {
    pub(super) place: Range<usize>,
    /// The faults that were shown there.
    pub(super) codes: BTreeSet<Code>,
    /// The cases that show them.
    pub(super) trials: Vec<&'e Trial>,
    /// Whether it is an interpolation.
    pub(super) is_interpolation: bool,
    /// Whether it is in a JSON string.
    pub(super) in_string: bool,
    /// Whether only texts can occur there.
    pub(super) only_text: bool,
}

/// A mend and what it leaves broken at its place.
pub(super) struct Mend {
    pub(super) change: Change,
    pub(super) left: BTreeSet<Code>,
}

/// The mends that bring no fault of their own, in the order in which they are to be preferred.
pub(super) fn mends(
    explorer: &Explorer<'_, '_>,
    broken: &Broken<'_>,
    before: &[Change],
    explored: &Explored,
    budget: &mut Budget,
) -> Vec<Mend> {
    let mut found = Vec::new();
    for change in candidates(explorer, broken) {
        if let Some(left) = left_broken(explorer, broken, &change, before, explored, budget) {
            let is_whole = left.is_empty();
            found.push(Mend { change, left });
            if is_whole {
                break;
            }
        }
    }
    found
}

/// Whether nothing breaks with a change.
pub(super) fn is_sound(
    explorer: &Explorer<'_, '_>,
    broken: &Broken<'_>,
    change: &Change,
    before: &[Change],
    explored: &Explored,
    budget: &mut Budget,
) -> bool {
    left_broken(explorer, broken, change, before, explored, budget)
        .is_some_and(|left| left.is_empty())
}

/// What is left broken at the place after a change; `None` if that brings something new.
fn left_broken(
    explorer: &Explorer<'_, '_>,
    broken: &Broken<'_>,
    change: &Change,
    before: &[Change],
    explored: &Explored,
    budget: &mut Budget,
) -> Option<BTreeSet<Code>> {
    let mut changes: Vec<Change> = before.to_vec();
    changes.push(change.clone());
    let version = explorer.target.version(&changes)?;
    let read: Vec<_> = explorer.target.reads_at(&broken.place).collect();
    let concerns = |trial: &&Trial| {
        let mut changed = trial
            .changed
            .iter()
            .map(|index| &explorer.varied[*index].path);
        read.is_empty()
            || trial.changed.is_empty()
            || changed.any(|path| {
                read.iter()
                    .any(|read| read.starts_with(path) || path.starts_with(read))
            })
    };
    let concerned = explored.trials.iter().filter(concerns).take(MOST_CONCERNED);
    let mut left = BTreeSet::new();
    for trial in broken.trials.iter().copied().chain(concerned) {
        if !budget.take() {
            return None;
        }
        let verdict = explorer
            .target
            .judge(&version, &trial.case, &explored.sound);
        budget.spend(verdict.output.text.len());
        let Some(fault) = verdict.fault else { continue };
        let key = (fault.place.start, fault.place.end, fault.code);
        let touches = fault.place.start < change.range.end && change.range.start < fault.place.end;
        let length = explorer.target.source.len();
        let is_whole = fault.place.len() == length && broken.place.len() < length;
        if touches && !is_whole {
            if !broken.codes.contains(&fault.code) {
                return None;
            }
            left.insert(fault.code);
            if left == broken.codes {
                return None;
            }
        } else if is_whole && !explored.faults.contains_key(&key) {
            return None;
        }
    }
    Some(left)
}

/// Edits worth a try, the smallest first.
fn candidates(explorer: &Explorer<'_, '_>, broken: &Broken<'_>) -> Vec<Change> {
    let source = explorer.target.source;
    let text = &source[broken.place.clone()];
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
            let mut all: Vec<Change> = escaped(expression, "?json_string").map(printed).collect();
            all.extend(without_quotes(explorer, broken, open, expression, close));
            all
        }
        Mode::Json => {
            let quoted = |each: String| Change {
                range: broken.place.clone(),
                replacement: format!("\"{open}{each}{close}\""),
            };
            let mut all: Vec<Change> = Vec::new();
            if broken.codes.contains(&Code::FormattedNumber) {
                let (head, _) = split(expression);
                let plain = [tight(expression) + "?c", tight(head) + "?c"];
                all.extend(plain.into_iter().map(printed));
            }
            all.extend(
                with_default(expression, "\"null\"")
                    .into_iter()
                    .map(printed),
            );
            let mut strings: Vec<Change> = vec![tight(expression) + "?json_string"]
                .into_iter()
                .chain(escaped(expression, "?json_string"))
                .map(quoted)
                .collect();
            let helpers = helped(source, broken.place.start, "toJson", expression);
            if broken.only_text {
                all.append(&mut strings);
            }
            all.extend(helpers.map(printed));
            all.append(&mut strings);
            all
        }
        Mode::Url => escaped(expression, "?url").map(printed).collect(),
        Mode::Header => escaped(expression, r#"?replace(r"\p{Cntrl}", " ", "r")"#)
            .map(printed)
            .collect(),
        Mode::Text | Mode::Constant => with_default(expression, "\"\"")
            .into_iter()
            .map(printed)
            .collect(),
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
    let (head, _) = split(expression);
    let all = helped(explorer.target.source, range.start, "toJsonString", head);
    all.map(|each| Change {
        range: range.clone(),
        replacement: [open, &each, close].concat(),
    })
    .collect()
}

/// `place` with the quotes around it.
pub(super) fn quoted(source: &str, place: &Range<usize>) -> Option<Range<usize>> {
    let is_quoted = source[..place.start].ends_with('"') && source[place.end..].starts_with('"');
    (is_quoted && !source[..place.start].ends_with("\\\"")).then(|| place.start - 1..place.end + 1)
}

/// `expression`, escaped, with a default, and both.
fn escaped<'s>(expression: &'s str, escape: &'s str) -> impl Iterator<Item = String> + 's {
    let defaults = with_default(expression, "\"\"");
    let other = OTHER_ESCAPES
        .iter()
        .find_map(|other| expression.strip_suffix(other));
    let instead = other.map(|bare| tight(bare) + escape);
    let once = instead.into_iter().chain([tight(expression) + escape]);
    let both = defaults
        .clone()
        .into_iter()
        .map(move |each| format!("({each}){escape}"));
    once.chain(defaults).chain(both)
}

/// `expression` with a default: at its last step, and at any.
pub(super) fn with_default(expression: &str, default: &str) -> Vec<String> {
    let (head, tail) = split(expression);
    let mut all = Vec::new();
    if TIGHT.is_match(expression) && tail.is_empty() {
        all.push(format!("{expression}!{default}"));
    }
    if !tail.is_empty() && TIGHT.is_match(head) {
        all.push(format!("({head}!{default}){tail}"));
        all.push(format!("(({head})!{default}){tail}"));
    }
    all.push(format!("({expression})!{default}"));
    all
}

/// `expression` through a helper: as it is, and `null` where it is missing.
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
    let (head, _) = split(expression);
    let bare = head.trim_end_matches(['!', '"', '\'', ' ']).trim_end();
    let empty = if helper == "toJsonString" {
        "\"\\\"\\\"\""
    } else {
        "\"null\""
    };
    let tight_bare = tight(bare);
    [
        format!("{object}.{helper}({expression})"),
        format!("{tight_bare}???then({object}.{helper}({bare}), {empty})"),
        format!("({bare})???then({object}.{helper}({bare}), {empty})"),
    ]
    .into_iter()
}

/// Edits of an expression in a directive.
fn of_expression(text: &str, place: &Range<usize>) -> Vec<Change> {
    let defaults = ["\"\"", "[]", "{}", "0", "false"];
    let with_defaults = defaults.iter().flat_map(|default| {
        let short = TIGHT.is_match(text).then(|| format!("({text}!{default})"));
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
        .chain(types_of_defaults.map(|each| format!("({each})")));
    all.map(|replacement| Change {
        range: place.clone(),
        replacement,
    })
    .collect()
}

/// An interpolation's delimiters and what is between them.
pub(super) fn delimited(text: &str) -> Option<(&str, &str, &str)> {
    let (open, close) = match text.get(..2)? {
        "${" => ("${", "}"),
        "[=" => ("[=", "]"),
        _ => return None,
    };
    let inner = text.strip_prefix(open)?.strip_suffix(close)?;
    Some((open, inner.trim(), close))
}

/// `expression`, in parentheses if what follows would not bind to the whole of it.
pub(super) fn tight(expression: &str) -> String {
    match TIGHT.is_match(expression) {
        true => expression.to_owned(),
        false => format!("({expression})"),
    }
}

/// The expression up to its first built-in, and the rest. Undivided where that isn't plain.
pub(super) fn split(expression: &str) -> (&str, &str) {
    let mut depth = 0;
    let mut quote = None;
    for (at, c) in expression.char_indices() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') => depth -= 1,
            (None, '?') if depth == 0 => {
                let is_question = expression[at..].starts_with("??");
                return match is_question {
                    true => (expression, ""),
                    false => expression.split_at(at),
                };
            }
            _ => {}
        }
    }
    (expression, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_split_and_bound() {
        assert_eq!(split("a.b?upper_case?trim"), ("a.b", "?upper_case?trim"));
        assert_eq!(split("a['?']?c"), ("a['?']", "?c"));
        assert_eq!(split("a???then(a, 1)"), ("a???then(a, 1)", ""));
        assert_eq!(tight("a.b['c']?trim"), "a.b['c']?trim");
        assert_eq!(tight("a + b"), "(a + b)");
        assert_eq!(tight("a!'x'"), "(a!'x')");
        assert_eq!(delimited("${ a }"), Some(("${", "a", "}")));
    }
}
