//! Texts that a template's own patterns take hold of: what it replaces shows only with these.

use std::iter::Peekable;
use std::str::Chars;
use std::sync::LazyLock;

use regex::Regex;

/// Patterns that are looked at.
const MOST_PATTERNS: usize = 6;
/// How often something is repeated at most.
const MOST_REPEATED: usize = 100;
/// How deep groups are followed.
const MOST_NESTED: usize = 20;

/// The first argument of a built-in that looks for something.
static PATTERNS: LazyLock<Regex> = LazyLock::new(|| {
    let name = r"(?:replace|matches|split|contains|remove_\w+|keep_\w+|ensure_\w+)";
    let text = r#"(r?)(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)')"#;
    Regex::new(&format!(r"\?\s*{name}\s*\(\s*{text}"))
        .expect("a constant pattern that tests compile")
});

/// Texts that the patterns in `source` match, each with the pattern read as a text and as a regular
/// expression.
pub(super) fn texts(source: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for captures in PATTERNS.captures_iter(source).take(MOST_PATTERNS) {
        let quoted = captures.get(2).or(captures.get(3));
        let quoted = quoted.map_or("", |quoted| quoted.as_str());
        let pattern = match &captures[1] {
            "r" => quoted.to_owned(),
            _ => unescaped(quoted),
        };
        let matched = sample(&pattern);
        let ended = matched.as_ref().map(|matched| format!("{matched}x"));
        for text in [matched, ended, Some(format!("a{pattern}b"))] {
            found.extend(text.filter(|text| !text.is_empty()));
        }
    }
    found.dedup();
    found
}

/// A string literal's content.
fn unescaped(quoted: &str) -> String {
    let mut text = String::new();
    let mut chars = quoted.chars();
    while let Some(c) = chars.next() {
        text.extend(match c {
            '\\' => chars.next().map(|escaped| match escaped {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'l' => '<',
                'g' => '>',
                'a' => '&',
                other => other,
            }),
            c => Some(c),
        });
    }
    text
}

/// A text that a regular expression matches; `None` where it asks for more than is read here.
fn sample(pattern: &str) -> Option<String> {
    let mut rest = pattern.chars().peekable();
    let found = alternatives(&mut rest, 0)?;
    rest.next().is_none().then_some(found)
}

/// The first of several alternatives.
fn alternatives(rest: &mut Peekable<Chars<'_>>, depth: usize) -> Option<String> {
    if depth > MOST_NESTED {
        return None;
    }
    let mut first = None;
    loop {
        let one = sequence(rest, depth)?;
        first.get_or_insert(one);
        if rest.next_if_eq(&'|').is_none() {
            return first;
        }
    }
}

fn sequence(rest: &mut Peekable<Chars<'_>>, depth: usize) -> Option<String> {
    let mut text = String::new();
    while let Some(c) = rest.next_if(|c| !matches!(c, '|' | ')')) {
        let one = match c {
            '(' => {
                if rest.next_if_eq(&'?').is_some() {
                    // What only looks ahead or sets flags is no group.
                    rest.next_if_eq(&':')?;
                }
                let group = alternatives(rest, depth + 1)?;
                rest.next_if_eq(&')')?;
                group
            }
            '[' => class(rest)?.to_string(),
            '\\' => escaped(rest.next()?, rest)?,
            '.' => "a".to_owned(),
            '^' | '$' => String::new(),
            '*' | '+' | '?' | '{' => return None,
            c => c.to_string(),
        };
        let count = repeated(rest)?;
        if text.len() + one.len() * count > MOST_REPEATED * 4 {
            return None;
        }
        text.push_str(&one.repeat(count));
    }
    Some(text)
}

/// How often the part before is to be there.
fn repeated(rest: &mut Peekable<Chars<'_>>) -> Option<usize> {
    let mut count = 1;
    if rest.next_if_eq(&'{').is_some() {
        let mut digits = String::new();
        while let Some(digit) = rest.next_if(char::is_ascii_digit) {
            digits.push(digit);
        }
        count = digits.parse().ok()?;
        rest.by_ref().find(|c| *c == '}')?;
        count = (count <= MOST_REPEATED).then_some(count.max(1))?;
    } else {
        rest.next_if(|c| matches!(c, '*' | '+' | '?'));
    }
    rest.next_if(|c| matches!(c, '?' | '+'));
    Some(count)
}

/// What a character behind a backslash stands for.
fn escaped(c: char, rest: &mut Peekable<Chars<'_>>) -> Option<String> {
    let one = match c {
        'd' => "5",
        'w' | 'S' | 'D' => "a",
        's' => " ",
        'W' => "-",
        'b' | 'B' | 'A' | 'z' | 'Z' => "",
        't' => "\t",
        'n' => "\n",
        'r' => "\r",
        'p' | 'P' => {
            rest.next_if_eq(&'{')?;
            let name: String = rest.by_ref().take_while(|c| *c != '}').collect();
            match name.as_str() {
                "Cntrl" | "C" | "Cc" => "\u{1}",
                "Punct" | "P" => "-",
                "Space" | "Z" => " ",
                "Digit" | "N" | "Nd" => "5",
                _ => "A",
            }
        }
        c if c.is_alphanumeric() => return None,
        c => return Some(c.to_string()),
    };
    Some(one.to_owned())
}

/// A character of a class, whose bracket was just read.
fn class(rest: &mut Peekable<Chars<'_>>) -> Option<char> {
    let negated = rest.next_if_eq(&'^').is_some();
    let mut ranges: Vec<(char, char)> = Vec::new();
    loop {
        let from = match rest.next()? {
            ']' if !ranges.is_empty() => break,
            '[' | '&' => return None,
            '\\' => escaped(rest.next()?, rest)?.chars().next()?,
            c => c,
        };
        let to = match rest.next_if_eq(&'-') {
            Some(_) if rest.peek() == Some(&']') => {
                ranges.push(('-', '-'));
                from
            }
            Some(_) => rest.next()?,
            None => from,
        };
        ranges.push((from, to));
    }
    if !negated {
        return ranges.first().map(|(from, _)| *from);
    }
    let within = |c: &char| ranges.iter().any(|(from, to)| from <= c && c <= to);
    let mut others = ['-', 'a', 'A', '5', ' ', '\u{e9}'].into_iter();
    // Of a class such as \w only one is known: what is least like it comes first.
    others.find(|c| !within(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_matched_by_its_pattern() {
        for pattern in [
            "[0-9]{3}-[0-9]{4}",
            r"^\+",
            "^(.{50}).*",
            r"(?:a|b)+\d\s?\w*$",
            "[^a-z]x",
            r"[\w.-]+@[\w-]+",
            r"\.\(\)\p{L}",
            "(x(y|z){2})",
        ] {
            let text = sample(pattern).unwrap();
            assert!(
                Regex::new(pattern).unwrap().is_match(&text),
                "{pattern}: {text}"
            );
        }
        for pattern in ["(?=x)y", "[", "a{1000}", "*", "(a"] {
            assert_eq!(sample(pattern), None, "{pattern}");
        }
        assert_eq!(sample(&"(".repeat(10_000)), None);
    }

    #[test]
    fn what_a_template_replaces_is_found() {
        let source = r#"${x?replace("\t", " ")?replace(r"^\+", "00", "r")?lower_case}"#;
        let found = texts(source);
        for text in ["\t", "a\tb", "+", "+x"] {
            assert!(
                found.iter().any(|each| each == text),
                "{text:?} in {found:?}"
            );
        }
    }
}
