//! `?truncate` and its like: a text is cut to a length, and a terminator shows that it was.
//!
//! `c` cuts anywhere, `w` between words, and neither between words if at least three quarters of the length are used
//! then. `m` lets the terminator be markup.

use std::rc::Rc;

use super::{Args, Builtin, Returned, Run, define, utf16};
use crate::error::ErrorKind;
use crate::eval::{Env, Evaluated};
use crate::output_format::{Content, Markup, OutputFormat};
use crate::syntax::ast::BuiltinCall;
use crate::value::{Str, Value};

pub(super) const TABLE: &[Builtin] = &[
    define("truncate", Run::Str(truncate), Args::Required(1, 3)),
    define("truncate_c", Run::Str(truncate), Args::Required(1, 3)),
    define("truncate_w", Run::Str(truncate), Args::Required(1, 3)),
    define("truncate_m", Run::Str(truncate), Args::Required(1, 3)),
    define("truncate_c_m", Run::Str(truncate), Args::Required(1, 3)),
    define("truncate_w_m", Run::Str(truncate), Args::Required(1, 3)),
];

const MARKUP_TERMINATOR: &str = "<span class='truncateTerminator'>[&#8230;]</span>";
/// The length of a terminator in markup that isn't read like HTML.
const OTHER_MARKUP_LEN: usize = 3;

/// Where a text may be cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cut {
    Anywhere,
    BetweenWords,
    /// Between words, unless that gives away more than a quarter.
    Either,
}

/// What stands where the text was cut.
enum Terminator<'a> {
    Text(Str<'a>),
    Markup(Rc<Markup<'a>>),
}

fn truncate<'a>(env: &mut Env<'a>, call: &'a BuiltinCall, text: Str<'a>) -> Returned<'a> {
    let name = call.builtin.name();
    let cut = match name.trim_end_matches("_m") {
        "truncate_c" => Cut::Anywhere,
        "truncate_w" => Cut::BetweenWords,
        _ => Cut::Either,
    };
    // All arguments are evaluated before the first one is looked at: a negative one has to wait.
    let max = env.arg_int(call, 0)? as i32;
    if max < 0 {
        for arg in call.args.iter().flatten().skip(1) {
            env.eval_opt(arg)?;
        }
    }
    let max = checked_length(env, call, 0, max)?;
    let terminator = terminator(env, call, name.ends_with("_m"))?;
    let terminator_len = if call.arg_count() > 2 {
        length(env, call, 2)?
    } else {
        terminator.len()
    };
    if utf16::len(text.as_str()) <= max {
        return Ok(Some(Value::Str(text)));
    }
    let rest = Rest {
        terminator_len,
        max,
        removes_dots: terminator.removes_dots(),
    };
    let (kept, space) = rest.keep(text.as_str(), cut);
    let kept = &text.as_str()[..kept];
    let space = if space { " " } else { "" };
    match terminator {
        Terminator::Text(terminator) => env
            .made(format!("{kept}{space}{}", terminator.as_str()))
            .map(Some),
        Terminator::Markup(terminator) if kept.is_empty() => Ok(Some(Value::Markup(terminator))),
        Terminator::Markup(terminator) => {
            // Escaping makes six bytes of one at most.
            env.charge(kept.len().saturating_mul(6))?;
            let kept = Markup {
                format: terminator.format.clone(),
                content: Content::Plain(Str::from(format!("{kept}{space}"))),
            };
            Ok(Some(Value::Markup(Rc::new(kept.concat(&terminator)))))
        }
    }
}

fn length<'a>(env: &mut Env<'a>, call: &'a BuiltinCall, index: usize) -> Evaluated<'a, usize> {
    // Java makes an `int` of it.
    let value = env.arg_int(call, index)? as i32;
    checked_length(env, call, index, value)
}

fn checked_length<'a>(
    env: &Env<'a>,
    call: &BuiltinCall,
    index: usize,
    value: i32,
) -> Evaluated<'a, usize> {
    usize::try_from(value).map_err(|_| {
        let message = format!(
            "?{}(...) argument #{} can't be negative.",
            call.name,
            index + 1
        );
        env.failure(ErrorKind::Value, message)
    })
}

fn terminator<'a>(
    env: &mut Env<'a>,
    call: &'a BuiltinCall,
    markup: bool,
) -> Evaluated<'a, Terminator<'a>> {
    if call.arg_count() < 2 {
        return Ok(if markup {
            Terminator::Markup(Rc::new(Markup {
                format: OutputFormat::Html,
                content: Content::Markup(Str::Borrowed(MARKUP_TERMINATOR)),
            }))
        } else {
            Terminator::Text(Str::Borrowed(env.settings.truncate_terminator))
        });
    }
    match env.eval_opt(env.arg_expr(call, 1)?)? {
        Some(Value::Str(text)) => Ok(Terminator::Text(text)),
        Some(Value::Nothing) => Ok(Terminator::Text(Str::Borrowed(""))),
        Some(Value::Markup(found)) if markup => Ok(Terminator::Markup(found)),
        other => {
            let expected = if markup {
                "string or markup output"
            } else {
                "string"
            };
            Err(env.arg_fault(call, 1, expected, other.as_ref()))
        }
    }
}

impl Terminator<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Text(text) => utf16::len(text.as_str()),
            Self::Markup(markup) if is_tagged(&markup.format) => visible(&source(markup)).count(),
            Self::Markup(_) => OTHER_MARKUP_LEN,
        }
    }

    /// Whether dots in front of it would look like a part of it.
    fn removes_dots(&self) -> bool {
        match self {
            Self::Text(text) => text.as_str().starts_with(['.', '…']),
            Self::Markup(markup) if is_tagged(&markup.format) => {
                visible(&source(markup)).next().is_some_and(is_dot)
            }
            Self::Markup(_) => true,
        }
    }
}

fn is_tagged(format: &OutputFormat) -> bool {
    matches!(
        format,
        OutputFormat::Html | OutputFormat::Xhtml | OutputFormat::Xml
    )
}

fn source(markup: &Markup<'_>) -> String {
    let mut bytes = Vec::new();
    markup.write(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What a reader sees of HTML or XML: characters, and references to characters as they are written (`&#46;`). Java
/// counts UTF-16 units, so a character beyond them comes twice.
fn visible(markup: &str) -> impl Iterator<Item = &str> {
    let mut rest = markup;
    let mut literal_until: Option<usize> = None;
    let mut twice: Option<&str> = None;
    std::iter::from_fn(move || {
        if let Some(again) = twice.take() {
            return Some(again);
        }
        loop {
            if literal_until == Some(rest.len()) {
                literal_until = None;
                rest = rest.strip_prefix("]]>").unwrap_or(rest);
            }
            let first = rest.chars().next()?;
            let len = if literal_until.is_some() {
                first.len_utf8()
            } else if let Some(comment) = rest.strip_prefix("<!--") {
                rest = comment.split_once("-->").map_or("", |(_, after)| after);
                continue;
            } else if let Some(data) = rest.strip_prefix("<![CDATA[") {
                rest = data;
                literal_until = Some(data.find("]]>").map_or(0, |end| data.len() - end));
                continue;
            } else if first == '<' {
                rest = rest.split_once('>').map_or("", |(_, after)| after);
                continue;
            } else if first == '&' {
                rest.find(';').map_or(rest.len(), |end| end + 1)
            } else {
                first.len_utf8()
            };
            let (found, after) = rest.split_at(len);
            rest = after;
            if first.len_utf16() == 2 {
                twice = Some(found);
            }
            return Some(found);
        }
    })
}

/// Whether it is a full stop or an ellipsis, or refers to one.
fn is_dot(visible: &str) -> bool {
    let Some(name) = visible.strip_prefix('&') else {
        return matches!(visible, "." | "…");
    };
    let name = name.strip_suffix(';').unwrap_or(name);
    let code = match name.strip_prefix('#') {
        None => return matches!(name, "hellip" | "period"),
        Some(number) => match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16),
            None => number.parse(),
        },
    };
    matches!(code.ok().and_then(char::from_u32), Some('.' | '…'))
}

/// The room that there is.
struct Rest {
    max: usize,
    terminator_len: usize,
    removes_dots: bool,
}

impl Rest {
    /// How many bytes of `text` stay, and whether a space is to follow them.
    fn keep(&self, text: &str, cut: Cut) -> (usize, bool) {
        let none = (0, false);
        match cut {
            Cut::Anywhere => self.keep_characters(text).unwrap_or(none),
            Cut::BetweenWords => self.keep_words(text).unwrap_or(none),
            Cut::Either => self
                .keep_words(text)
                .filter(|(end, _)| {
                    let used = utf16::len(&text[..*end]) + " ".len() + self.terminator_len;
                    used as f64 >= self.max as f64 * 0.75
                })
                .or_else(|| self.keep_characters(text))
                .unwrap_or(none),
        }
    }

    fn keep_characters(&self, text: &str) -> Option<(usize, bool)> {
        let mut end = utf16::byte(text, self.max.checked_sub(self.terminator_len)?);
        // There's no room for the space that ought to follow a whole word.
        if is_word_end(text, end) {
            end -= text[..end].chars().next_back().map_or(0, char::len_utf8);
        }
        self.trimmed(text, end, false)
    }

    fn keep_words(&self, text: &str) -> Option<(usize, bool)> {
        let room = self.max.checked_sub(self.terminator_len + " ".len())?;
        let mut end = utf16::byte(text, room);
        while end > 0 && !is_word_end(text, end) {
            end -= text[..end].chars().next_back().map_or(0, char::len_utf8);
        }
        self.trimmed(text, end, true)
    }

    /// Leaves out white-space at the end, and dots that the terminator would touch; `None` if nothing stays.
    fn trimmed(&self, text: &str, end: usize, space: bool) -> Option<(usize, bool)> {
        let mut kept = text[..end].trim_end_matches(is_white);
        let mut space = space || kept.len() < end;
        if self.removes_dots && !space {
            let without_dots = kept.trim_end_matches(['.', '…']);
            kept = without_dots.trim_end_matches(is_white);
            space = kept.len() < without_dots.len();
        }
        (!kept.is_empty()).then_some((kept.len(), space))
    }
}

fn is_word_end(text: &str, at: usize) -> bool {
    let before = text[..at].chars().next_back();
    let after = text[at..].chars().next();
    before.is_some_and(|c| !is_white(c)) && after.is_some_and(is_white)
}

/// What Java calls white-space: nothing that forbids a line break.
pub(super) fn is_white(c: char) -> bool {
    match c {
        '\u{85}' | '\u{a0}' | '\u{2007}' | '\u{202f}' => false,
        '\u{1c}'..='\u{1f}' => true,
        c => c.is_whitespace(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_seen_of_markup_counts() {
        let seen: Vec<_> = visible("<b>a</b><!-- x -->&amp;<![CDATA[<]]>.<i").collect();
        assert_eq!(seen, ["a", "&amp;", "<", "."]);
    }

    #[test]
    fn references_to_dots_are_dots() {
        for dot in [".", "…", "&hellip;", "&#046;", "&#x2E;", "&#X2026;", "&#46"] {
            assert!(is_dot(dot), "{dot}");
        }
        for other in ["a", "&lt;", "&#;", "&Hellip;"] {
            assert!(!is_dot(other), "{other}");
        }
    }
}
