//! What is wrong with an output that is to be JSON.

use model::outcome::Discarded;

use super::finding::Code;
use super::regions::{self, Output};
use super::target::Printed;
use super::values::{INJECTED, LARGE};
use crate::json_check;

/// What is wrong with an output that is to be JSON: the interpolation to blame, how, and in words.
pub(super) fn json(
    output: &Output,
    sound: &Printed,
) -> Option<(Option<usize>, Code, Option<String>)> {
    if let Err(Discarded::InvalidJson {
        message,
        line,
        column,
    }) = json_check::check(output.text.as_bytes())
    {
        let blamed = output.blame(Some(offset(&output.text, line, column)));
        let (id, mut code) = match blamed {
            Some((id, code)) => (Some(id), code),
            None => (None, Code::InvalidJson),
        };
        if let Some(region) = output.regions.iter().find(|each| Some(each.id) == id)
            && is_grouped(output.of(region))
        {
            code = Code::FormattedNumber;
        }
        let message = format!("line {line} column {column}: {message}");
        return Some((id, code, Some(message)));
    }
    // It is JSON, but maybe not the one that was meant.
    if let Some((id, code)) = output.blame(None)
        && !sound.contains_in(id, |c| matches!(c, '"' | '\\'))
    {
        let message = "a value ends the string that it stands in".to_owned();
        return Some((Some(id), code, Some(message)));
    }
    let contexts = output.contexts();
    for (region, context) in output.regions.iter().zip(contexts) {
        if context != regions::Context::Value {
            continue;
        }
        let text = output.of(region);
        if is_formatted(text) {
            let message = "the number is not printed as JSON knows it".to_owned();
            return Some((Some(region.id), Code::FormattedNumber, Some(message)));
        }
        let is_innermost = !text.is_empty();
        if is_innermost && has_injected_key(text) {
            let message = "a value adds a member of its own".to_owned();
            return Some((Some(region.id), Code::Unquoted, Some(message)));
        }
    }
    None
}

/// Whether the text is the large number with separators.
fn is_formatted(text: &str) -> bool {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let is_json = serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
    is_grouped(text) && digits == LARGE && !is_json
}

/// Whether the text is a number with separators.
fn is_grouped(text: &str) -> bool {
    let is_separator = |c: char| matches!(c, ',' | '.' | '\'' | '\u{a0}' | '\u{202f}');
    let digits = text.strip_prefix('-').unwrap_or(text);
    digits.starts_with(|c: char| c.is_ascii_digit())
        && digits.contains(is_separator)
        && digits
            .chars()
            .all(|c| c.is_ascii_digit() || is_separator(c))
}

fn has_injected_key(text: &str) -> bool {
    let key = format!("\"{INJECTED}\"");
    text.match_indices(&key).any(|(at, _)| {
        let is_escaped = text[..at].ends_with('\\');
        !is_escaped && text[at + key.len()..].trim_start().starts_with(':')
    })
}

/// The offset of a place that the JSON reader names: lines and columns in bytes, from 1.
pub(super) fn offset(text: &str, line: u32, column: u32) -> usize {
    let mut lines = text.split_inclusive('\n');
    let before: usize = lines.by_ref().take(line as usize - 1).map(str::len).sum();
    (before + column as usize - 1).min(text.len())
}
