//! Regular expressions: Java's syntax and FreeMarker's flags, on `fancy-regex` with a limit on backtracking.

mod translate;

use fancy_regex::{Captures, Regex, RegexBuilder};

/// What the flags after a search string ask for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flags {
    pub(crate) case_insensitive: bool,
    pub(crate) multi_line: bool,
    pub(crate) dot_all: bool,
    pub(crate) comments: bool,
    pub(crate) first_only: bool,
    pub(crate) regex: bool,
}

impl Flags {
    /// Reads `"rim"`. Letters without a meaning are ignored, as FreeMarker does.
    pub(crate) fn parse(text: &str) -> Self {
        let has = |flag| text.contains(flag);
        Self {
            case_insensitive: has('i'),
            multi_line: has('m'),
            dot_all: has('s'),
            comments: has('c'),
            first_only: has('f'),
            regex: has('r'),
        }
    }
}

/// Longest pattern, in bytes.
const MAX_PATTERN: usize = 10_000;

/// Compiles a pattern of Java's to be looked for in `subject`. The error says what is wrong with it.
///
/// `whole` is for one that has to match all of it.
pub(crate) fn compile(
    pattern: &str,
    flags: Flags,
    subject: &str,
    whole: bool,
    backtrack_limit: usize,
) -> Result<Regex, String> {
    if pattern.len() > MAX_PATTERN {
        return Err(format!(
            "the regular expression is longer than {MAX_PATTERN} bytes"
        ));
    }
    let mut prefix = String::new();
    for (on, letter) in [
        (flags.case_insensitive, 'i'),
        (flags.multi_line, 'm'),
        (flags.dot_all, 's'),
        (flags.comments, 'x'),
    ] {
        if on {
            prefix.push(letter);
        }
    }
    let translated = translate::translate(pattern, flags, subject)
        .map_err(|why| format!("Malformed regular expression: {why}"))?;
    let translated = if whole {
        format!("\\A(?:{translated})\\z")
    } else {
        translated
    };
    let source = if prefix.is_empty() {
        translated
    } else {
        format!("(?{prefix}){translated}")
    };
    RegexBuilder::new(&source)
        .backtrack_limit(backtrack_limit)
        .delegate_size_limit(1 << 20)
        .build()
        .map_err(|error| format!("Malformed regular expression: {error}"))
}

/// All matches as Java finds them: an empty one may follow right after another.
pub(crate) fn occurrences<'r, 't>(
    regex: &'r Regex,
    text: &'t str,
) -> impl Iterator<Item = Result<Captures<'t, str>, fancy_regex::Error>> + use<'r, 't> {
    let mut from = Some(0);
    std::iter::from_fn(move || {
        let found = regex.captures_from_pos(text, from?).transpose()?;
        from = found.as_ref().ok().and_then(|captures| {
            let whole = captures.get(0)?;
            if whole.end() > whole.start() {
                return Some(whole.end());
            }
            let passed = text[whole.end()..].chars().next()?;
            Some(whole.end() + passed.len_utf8())
        });
        Some(found)
    })
}

/// Java's replacement syntax (`$1`, `${name}`, `\x`) in parts.
pub(crate) enum Replacement {
    Text(String),
    Group(usize),
    Named(String),
}

/// Reads a replacement for the groups of `regex`.
pub(crate) fn replacement(text: &str, regex: &Regex) -> Result<Vec<Replacement>, String> {
    let groups = regex.captures_len() - 1;
    let mut parts = Vec::new();
    let mut literal = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => literal.push(chars.next().ok_or("the replacement ends with a lone \\")?),
            '$' => {
                if !literal.is_empty() {
                    parts.push(Replacement::Text(std::mem::take(&mut literal)));
                }
                let part = group(&mut chars, groups)?;
                if let Replacement::Named(name) = &part
                    && !regex.capture_names().flatten().any(|known| known == name)
                {
                    return Err(format!(
                        "the replacement names a group that isn't there: {name}"
                    ));
                }
                parts.push(part);
            }
            other => literal.push(other),
        }
    }
    if !literal.is_empty() {
        parts.push(Replacement::Text(literal));
    }
    Ok(parts)
}

fn group(
    chars: &mut std::iter::Peekable<std::str::Chars<'_>>,
    groups: usize,
) -> Result<Replacement, String> {
    if chars.next_if_eq(&'{').is_some() {
        let mut name = String::new();
        for c in chars.by_ref() {
            if c == '}' {
                return Ok(Replacement::Named(name));
            }
            name.push(c);
        }
        return Err("the replacement has an unclosed ${".to_owned());
    }
    let mut number = chars
        .next()
        .and_then(|c| c.to_digit(10))
        .ok_or("Illegal group reference in the replacement")? as usize;
    if number > groups {
        return Err(format!("No group {number}"));
    }
    // As many digits as still name a group.
    while let Some(digit) = chars.peek().and_then(|c| c.to_digit(10)) {
        let longer = number * 10 + digit as usize;
        if longer > groups {
            break;
        }
        number = longer;
        chars.next();
    }
    Ok(Replacement::Group(number))
}
