//! Texts as messages quote them.

use std::fmt::Write;

use super::text::MAX_TEXT;

/// The text in quotes, with what can't be seen and the quotes in it escaped.
pub(crate) fn quoted(text: &str) -> String {
    let mut result = String::with_capacity(text.len().min(MAX_TEXT) + 2);
    result.push('"');
    for c in text.chars() {
        if result.len() > MAX_TEXT {
            // The message is cut there, too.
            break;
        }
        match c {
            '"' => result.push_str("\\\""),
            '\\' => result.push_str("\\\\"),
            '\n' => result.push_str("\\n"),
            '\r' => result.push_str("\\r"),
            '\t' => result.push_str("\\t"),
            '\u{8}' => result.push_str("\\b"),
            '\u{c}' => result.push_str("\\f"),
            '\0'..='\u{1f}' => {
                let _ = write!(result, "\\u{:04x}", c as u32);
            }
            _ => result.push(c),
        }
    }
    result.push('"');
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_controls_are_escaped() {
        assert_eq!(quoted("a\"b\\\n\u{1}é"), "\"a\\\"b\\\\\\n\\u0001é\"");
    }
}
