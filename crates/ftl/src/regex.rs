//! Regular expressions: Java's syntax and FreeMarker's flags, on `fancy-regex` with a limit on backtracking.

mod translate;

use fancy_regex::{Captures, CompileError, Regex, RegexBuilder};

use translate::Translated;

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
/// Largest pattern, in states of a machine, and what each of its parts may take when it is compiled.
const MAX_WEIGHT: usize = 300_000;
const MAX_PART_BYTES: usize = 1 << 20;
/// States that are made for a step, and what it costs to compile anything at all.
const STATES_PER_STEP: usize = 2;
const STEPS_OF_A_PATTERN: usize = 10;

/// Why a pattern can't be used.
pub(crate) enum Refused {
    Malformed(String),
    /// It is larger than patterns may be.
    TooLarge,
}

impl From<fancy_regex::Error> for Refused {
    fn from(error: fancy_regex::Error) -> Self {
        if let fancy_regex::Error::CompileError(cause) = &error {
            let is_too_large = match &**cause {
                CompileError::InnerError(cause) => cause.size_limit().is_some(),
                CompileError::PatternTooComplex | CompileError::DfaBuildError(..) => true,
                _ => false,
            };
            if is_too_large {
                return Self::TooLarge;
            }
        }
        Self::Malformed(format!("Malformed regular expression: {error}"))
    }
}

/// A pattern of Java's in the syntax of `fancy-regex`.
pub(crate) struct Source {
    flags: String,
    translated: Translated,
}

impl Source {
    /// Translates a pattern to be looked for in `subject`.
    pub(crate) fn of(pattern: &str, flags: Flags, subject: &str) -> Result<Self, Refused> {
        if pattern.len() > MAX_PATTERN {
            return Err(Refused::TooLarge);
        }
        let translated = translate::translate(pattern, flags, subject)
            .map_err(|why| Refused::Malformed(format!("Malformed regular expression: {why}")))?;
        if translated.weight > MAX_WEIGHT {
            return Err(Refused::TooLarge);
        }
        let letters = [
            (flags.case_insensitive, 'i'),
            (flags.multi_line, 'm'),
            (flags.dot_all, 's'),
            (flags.comments, 'x'),
        ];
        let on = letters.into_iter().filter(|(on, _)| *on);
        let letters: String = on.map(|(_, letter)| letter).collect();
        let flags = if letters.is_empty() {
            letters
        } else {
            format!("(?{letters})")
        };
        Ok(Self { flags, translated })
    }

    /// The steps that it takes to compile it.
    pub(crate) fn steps(&self) -> usize {
        STEPS_OF_A_PATTERN + self.translated.weight / STATES_PER_STEP
    }

    /// Compiles it to be found anywhere.
    pub(crate) fn compile(&self, backtrack_limit: usize) -> Result<Pattern, Refused> {
        let Self { flags, translated } = self;
        let pattern = &translated.pattern;
        let regex = build(&format!("{flags}{pattern}"), backtrack_limit)?;
        let further = match translated.goes_on {
            true => Some(build(
                &format!("{flags}(?!\\G)(?:{pattern})"),
                backtrack_limit,
            )?),
            false => None,
        };
        Ok(Pattern { regex, further })
    }

    /// Compiles it to match all of the text.
    pub(crate) fn compile_whole(&self, backtrack_limit: usize) -> Result<Regex, Refused> {
        let Self { flags, translated } = self;
        let source = format!("{flags}\\A(?:{})\\z", translated.pattern);
        build(&source, backtrack_limit)
    }
}

fn build(source: &str, backtrack_limit: usize) -> Result<Regex, Refused> {
    let regex = RegexBuilder::new(source)
        .backtrack_limit(backtrack_limit)
        .delegate_size_limit(MAX_PART_BYTES)
        .build()?;
    Ok(regex)
}

/// A compiled pattern.
pub(crate) struct Pattern {
    pub(crate) regex: Regex,
    /// The pattern not at the place where the last match has ended, if it asks for that place: after an empty match.
    further: Option<Regex>,
}

impl Pattern {
    /// All matches as Java finds them: an empty one may follow right after another.
    pub(crate) fn occurrences<'r, 't>(
        &'r self,
        text: &'t str,
    ) -> impl Iterator<Item = Result<Captures<'t, str>, fancy_regex::Error>> + use<'r, 't> {
        let mut from = Some(0);
        let mut regex = &self.regex;
        std::iter::from_fn(move || {
            let found = regex.captures_from_pos(text, from?).transpose()?;
            from = found.as_ref().ok().and_then(|captures| {
                let whole = captures.get(0)?;
                regex = &self.regex;
                if whole.end() > whole.start() {
                    return Some(whole.end());
                }
                if let Some(further) = &self.further {
                    regex = further;
                    return Some(whole.end());
                }
                let passed = text[whole.end()..].chars().next()?;
                Some(whole.end() + passed.len_utf8())
            });
            Some(found)
        })
    }
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
