//! An expression of an interpolation in parts: what it prints, what is done to it, its default.

use std::sync::LazyLock;

use regex::Regex;

/// Built-ins that only say how a value is printed. What prints it as JSON may take their place; any other
/// makes another value of it, and stays.
const PRINTS: [&str; 5] = ["?json_string", "?js_string", "?j_string", "?c", "?string"];

/// An escape for a JSON string made by hand, at the end of an expression.
static BY_HAND: LazyLock<Regex> = LazyLock::new(|| {
    let of = |c: &str| format!(r#"(?:"{c}"\s*,\s*"\\\\{c}"|'{c}'\s*,\s*'\\\\{c}')"#);
    let quote = r#"(?:"\\""\s*,\s*"\\\\\\""|'"'\s*,\s*'\\\\"')"#;
    let all = [quote.to_owned(), of(r"\\\\")];
    let letters = r#""\\([nrt])"\s*,\s*"\\\\[nrt]""#;
    Regex::new(&format!(
        r"\?replace\(\s*(?:{}|{letters})\s*\)$",
        all.join("|")
    ))
    .expect("a constant pattern that tests compile")
});

/// A literal of any brackets or quotes binds tightly; operators don't.
static TIGHT: LazyLock<Regex> = LazyLock::new(|| {
    let name = r"[\p{Alphabetic}_$@][\p{Alphabetic}\p{N}_$@]*";
    let brackets = r#"(?:\[[^\[\]]*\]|\([^()]*\))"#;
    let tight = format!(r"^(?:\.?{name}|\([^()]*\))(?:\.{name}|\?\s*{name}|{brackets})*$");
    Regex::new(&tight).expect("a constant pattern that tests compile")
});

/// A default that says itself what it is.
static LITERAL: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"^(?:"[^"\\$]*"|'[^'\\$]*'|\d+(?:\.\d+)?|true|false|)$"#)
        .expect("a constant pattern that tests compile")
});

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

/// Whether what follows binds to the whole of `expression`.
pub(super) fn is_tight(expression: &str) -> bool {
    TIGHT.is_match(expression)
}

/// `expression`, in parentheses if what follows would not bind to the whole of it.
pub(super) fn tight(expression: &str) -> String {
    match is_tight(expression) {
        true => expression.to_owned(),
        false => format!("({expression})"),
    }
}

/// The expression up to its first built-in, and the rest. Undivided where that isn't plain.
pub(super) fn split(expression: &str) -> (&str, &str) {
    let mut outer = outer(expression);
    match outer.find(|(_, c)| *c == '?') {
        Some((at, _)) if !expression[at..].starts_with("??") => expression.split_at(at),
        _ => (expression, ""),
    }
}

/// `expression` without what only says how its value is printed, and without parentheses around the rest.
pub(super) fn value(expression: &str) -> &str {
    let mut rest = expression.trim();
    loop {
        let bare = PRINTS.iter().find_map(|print| rest.strip_suffix(print));
        let by_hand = || BY_HAND.find(rest).map(|found| &rest[..found.start()]);
        let bare = bare.or_else(by_hand);
        // What binds less tightly keeps it: of `a + b?c` only `b` is printed so.
        let bare = bare.map(str::trim_end).filter(|bare| is_chain(bare));
        match bare.or_else(|| unwrapped(rest)) {
            Some(bare) => rest = bare,
            None => return rest,
        }
    }
}

/// `expression` without the format at its end.
pub(super) fn unformatted(expression: &str) -> &str {
    let last = outer(expression).filter(|(_, c)| *c == '?').last();
    let format = last.map(|(at, _)| expression.split_at(at));
    match format {
        Some((value, format)) if format.starts_with("?string") => value,
        _ => expression,
    }
}

/// What `expression` prints if it is there, and its default if it has one that is a literal: empty where
/// it is but a `!`.
pub(super) fn defaulted(expression: &str) -> (&str, Option<&str>) {
    let mut marks = outer(expression).filter(|(_, c)| *c == '!');
    let (Some((at, _)), None) = (marks.next(), marks.next()) else {
        return (expression, None);
    };
    let (bare, default) = (expression[..at].trim(), expression[at + 1..].trim());
    match is_chain(bare) && LITERAL.is_match(default) {
        true => (bare, Some(default)),
        false => (expression, None),
    }
}

/// The default that the author of `expression` gave it, where that is a literal: what it stands in for, the
/// default, and what is done to either.
pub(super) fn own_default(expression: &str) -> Option<(&str, &str, &str)> {
    let (head, tail) = split(expression);
    let of = |part, tail| {
        let (bare, default) = defaulted(unwrapped(part).unwrap_or(part));
        let default = default.filter(|default| !default.is_empty())?;
        Some((bare, default, tail))
    };
    of(expression, "").or_else(|| of(head, tail))
}

/// The text of a literal.
pub(super) fn literal(text: &str) -> &str {
    text.trim_matches(['"', '\''])
}

/// What stands in the parentheses that are all of `expression`.
fn unwrapped(expression: &str) -> Option<&str> {
    let inner = expression.strip_prefix('(')?.strip_suffix(')')?;
    // Those of `(a) + (b)` are two.
    let is_one = outer(expression).all(|(at, c)| c != '(' || at == 0);
    is_one.then(|| inner.trim())
}

/// Whether nothing but names, built-ins, keys and calls follow each other.
fn is_chain(expression: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || "_$@.?()[]".contains(c);
    !expression.is_empty() && outer(expression).all(|(_, c)| is_part(c))
}

/// The characters outside of brackets and quotes, with the brackets and quotes that open there.
fn outer(expression: &str) -> impl Iterator<Item = (usize, char)> {
    let mut depth = 0;
    let mut quote = None;
    let mut escaped = false;
    expression.char_indices().filter(move |(_, c)| {
        let is_outer = depth == 0 && quote.is_none();
        match (quote, *c) {
            _ if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(*c),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') => depth -= 1,
            _ => {}
        }
        is_outer
    })
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

    #[test]
    fn only_what_prints_a_value_is_taken_off() {
        for (expression, expected) in [
            ("a.b?json_string", "a.b"),
            ("(a.b!\"\")?json_string", "a.b!\"\""),
            ("((a)?c)?json_string", "a"),
            ("(a!\"\")?lower_case?json_string", "(a!\"\")?lower_case"),
            (
                "a?replace(\"?c\", \"b\")?json_string",
                "a?replace(\"?c\", \"b\")",
            ),
            ("a?html", "a?html"),
            ("a?string(\"0.0\")", "a?string(\"0.0\")"),
            ("a + b?c", "a + b?c"),
            ("(a) + (b)", "(a) + (b)"),
            ("(a + b)?json_string", "a + b"),
            (r#"a?replace("\"", "\\\"")"#, "a"),
            (r#"a?replace('"', '\\"')"#, "a"),
            (r#"a?replace("\\", "\\\\")?replace("\n","\\n")"#, "a"),
            (r#"a?replace("\"", "'")"#, r#"a?replace("\"", "'")"#),
            (
                r#"a?replace("\n", "\\t")?trim"#,
                r#"a?replace("\n", "\\t")?trim"#,
            ),
        ] {
            assert_eq!(value(expression), expected);
        }
        assert_eq!(unformatted("a?round?string(\",##0\")"), "a?round");
        assert_eq!(unformatted("a?string[',##0']"), "a");
        assert_eq!(unformatted("a?round"), "a?round");
    }

    #[test]
    fn an_authors_default_is_found_wherever_it_stands() {
        for (expression, expected) in [
            ("a.b!'x'", Some(("a.b", "'x'", ""))),
            ("(a.b!\"x\")", Some(("a.b", "\"x\"", ""))),
            ("(a.b!0)?round?c", Some(("a.b", "0", "?round?c"))),
            ("((a.b)!'')?trim", Some(("(a.b)", "''", "?trim"))),
            ("a?trim!'x'", Some(("a?trim", "'x'", ""))),
            ("a!", None),
            ("a.b?trim", None),
            ("(a!b!'x')?trim", None),
        ] {
            assert_eq!(own_default(expression), expected, "{expression}");
        }
    }

    #[test]
    fn defaults_are_told_apart() {
        for (expression, expected) in [
            ("a!\"null\"", ("a", Some("\"null\""))),
            ("(a.b)!''", ("(a.b)", Some("''"))),
            ("a?trim!", ("a?trim", Some(""))),
            ("a!0", ("a", Some("0"))),
            ("a!b!\"\"", ("a!b!\"\"", None)),
            ("a!b", ("a!b", None)),
            ("a != 1", ("a != 1", None)),
            ("a!\"x\"?trim", ("a!\"x\"?trim", None)),
            ("a['!']", ("a['!']", None)),
        ] {
            assert_eq!(defaulted(expression), expected);
        }
    }
}
