//! What a template compares with: values that decide which way it takes, lengths at which it cuts.

use std::sync::LazyLock;

use model::json::Value;
use regex::Regex;

use super::case::Json;
use super::source::{Kind, Piece};
use super::values;

/// Values that are tried at each path.
const MOST_EVERYWHERE: usize = 24;
/// Values that are tried at the paths that decide.
const MOST: usize = 400;
/// Texts that a value may have to begin, to end with, or to hold together.
const MOST_PAIRED: usize = 4;
/// Longest text that is made, in characters, and longest list, in items.
const LONGEST: usize = 5_000;
const MOST_ITEMS: usize = 60;

/// What stands around a text that only has to be part of a value: breaks strings, URLs and headers.
const HOSTILE: &str = "\"\\\n/?&# ";

/// Texts that something is compared with or looked up by, or that go into a built-in or a function.
static TEXTS: LazyLock<Regex> = LazyLock::new(|| {
    let text = r#"(?:"((?:[^"$\\]|\\.){1,60})"|'((?:[^'$\\]|\\.){1,60})')"#;
    Regex::new(&format!(r"(==?|#case|#on|[\[({{,])\s*{text}|{text}\s*==?"))
        .expect("a constant pattern that tests compile")
});

static NUMBERS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?:[=<>]=?|\bl?te?|\bgte?|#case)\s*(\d{1,9})\b")
        .expect("a constant pattern that tests compile")
});

/// Where a text or a list is cut, or its length compared, and the numbers there.
static CUTS: LazyLock<Regex> = LazyLock::new(|| {
    let call = r"\?(?:substring|truncate\w*|chunk|left_pad|right_pad)\s*\([^()]*\)";
    let compared =
        r"(?:length|size|index|counter)\)?\s*(?:[=<>!]=?|l?te?|gte?|&[lg]te?;)\s*\d{1,4}\b";
    Regex::new(&format!(r"{call}|\.\.[<*!]?\s*\d{{1,4}}\b|{compared}"))
        .expect("a constant pattern that tests compile")
});

static ANY_NUMBER: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\b\d{1,4}\b").expect("a constant pattern that tests compile"));

/// What a template's expressions tell of the values that they can be used with.
#[derive(Debug, Default)]
pub(super) struct Literals {
    /// Tried at each path.
    pub(super) everywhere: Vec<Json>,
    /// Tried at the paths that decide.
    pub(super) deciding: Vec<Json>,
    /// How long a text must be that no cut and no comparison spares; 0: lengths don't count.
    pub(super) length: usize,
    /// The same for the items of lists.
    pub(super) items: usize,
    /// Whether there are more than are tried.
    pub(super) is_cut: bool,
}

/// What the tags and interpolations of `source` compare with.
pub(super) fn literals(source: &str, pieces: &[Piece]) -> Literals {
    let code = || {
        let code = pieces.iter();
        let code = code.filter(|piece| matches!(piece.kind, Kind::Tag | Kind::Interpolation));
        code.map(|piece| &source[piece.range.clone()])
    };
    let (mut whole, mut parts): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    let mut numbers: Vec<i64> = Vec::new();
    for code in code() {
        for captures in TEXTS.captures_iter(code) {
            let Some(text) = captures.iter().skip(2).flatten().next() else {
                continue;
            };
            if code[..text.start()]
                .trim_end_matches(['"', '\'', '[', ' '])
                .ends_with("statics")
            {
                continue;
            }
            // An argument, an item of a list, or a key of a hash.
            let is_part = captures
                .get(1)
                .is_some_and(|before| matches!(before.as_str(), "(" | "{" | ","));
            let list = if is_part { &mut parts } else { &mut whole };
            let text = unescaped(text.as_str());
            if !list.contains(&text) {
                list.push(text);
            }
        }
        for captures in NUMBERS.captures_iter(code) {
            let number = captures[1].parse().unwrap_or_default();
            if !numbers.contains(&number) {
                numbers.push(number);
            }
        }
    }
    let mut found = Literals::default();
    let mut add = |value: Json| {
        if found.everywhere.contains(&value) || found.deciding.contains(&value) {
            return;
        }
        if found.everywhere.len() < MOST_EVERYWHERE {
            found.everywhere.push(value);
        } else if found.deciding.len() < MOST {
            found.deciding.push(value);
        } else {
            found.is_cut = true;
        }
    };
    // In turn, so that no kind crowds the others out.
    let of_parts = parts.iter().flat_map(|text| {
        [
            values::text(text),
            values::text(&format!("{text}{HOSTILE}{text}")),
        ]
    });
    let of_numbers = numbers
        .iter()
        .flat_map(|number| [number - 1, *number, number + 1])
        .map(|number| Value::Number(number.into()));
    let mut of_parts = of_parts;
    let mut of_whole = whole.iter().map(|text| values::text(text));
    let mut of_numbers = of_numbers;
    loop {
        let next = [of_whole.next(), of_parts.next(), of_numbers.next()];
        if next.iter().all(Option::is_none) {
            break;
        }
        next.into_iter().flatten().for_each(&mut add);
    }
    for first in parts.iter().take(MOST_PAIRED) {
        for second in parts.iter().take(MOST_PAIRED).filter(|each| *each != first) {
            add(values::text(&format!("{first}{HOSTILE}{second}")));
        }
    }
    let mentions = |words: &[&str]| code().any(|code| words.iter().any(|word| code.contains(word)));
    let highest = |most: usize| {
        let cuts = code().flat_map(|code| CUTS.find_iter(code));
        let numbers = cuts.flat_map(|cut| ANY_NUMBER.find_iter(cut.as_str()));
        let numbers = numbers.filter_map(|number| number.as_str().parse::<usize>().ok());
        numbers.filter(|number| *number <= most).max().unwrap_or(0)
    };
    if mentions(&[
        "?substring",
        "?truncate",
        "..",
        "?length",
        "?chunk",
        "?left_pad",
    ]) {
        found.length = (highest(LONGEST) + 4).max(values::SHORTEST_LONG);
    }
    if mentions(&["?size", "?index", "?counter", "_index", "?chunk"]) {
        found.items = (highest(MOST_ITEMS) + 2).clamp(3, MOST_ITEMS);
    }
    found
}

/// What a literal stands for, as far as its escapes are of one character.
fn unescaped(literal: &str) -> String {
    let mut chars = literal.chars();
    let next = |chars: &mut std::str::Chars<'_>| match chars.next()? {
        '\\' => Some(match chars.next()? {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'l' => '<',
            'g' => '>',
            'a' => '&',
            other => other,
        }),
        plain => Some(plain),
    };
    std::iter::from_fn(|| next(&mut chars)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::source::pieces;
    use super::*;

    fn of(source: &str) -> Literals {
        literals(source, &pieces(source, &[]))
    }

    fn texts(values: &[Json]) -> Vec<String> {
        values.iter().map(Value::to_json).collect()
    }

    #[test]
    fn what_is_compared_with_is_found() {
        let found =
            of(r#"{"a": 1 <#if x == "sale" && 'y' = z && n gt 10>,</#if><#switch x><#case "b">"#);
        assert_eq!(
            texts(&found.everywhere),
            [r#""sale""#, "9", r#""y""#, "10", r#""b""#, "11"]
        );
        assert!(found.deciding.is_empty() && found.length == 0 && !found.is_cut);
    }

    #[test]
    fn what_is_part_of_a_value_gets_hostile_company() {
        let found = of(r#"<#if x?starts_with("cio_")>"#);
        assert_eq!(
            texts(&found.everywhere),
            [r#""cio_""#, r#""cio_\"\\\n/?&# cio_""#]
        );
    }

    #[test]
    fn many_are_kept_for_the_paths_that_decide() {
        let cases: String = (0..30).map(|n| format!("<#case 'E{n}'>")).collect();
        let found = of(&format!("<#switch x>{cases}</#switch>"));
        assert_eq!(found.everywhere.len() + found.deciding.len(), 30);
        assert!(!found.is_cut);
    }

    #[test]
    fn cuts_and_sizes_ask_for_long_values() {
        assert_eq!(of("<#assign x = y?substring(0, 300)>").length, 304);
        assert_eq!(of("<#if x?size gt 5>").items, 7);
        assert_eq!(of("<#if x == 1>").length, 0);
    }
}
