//! What an event may hold: strings are cut, depth and number of values are bounded.

use std::borrow::Cow;

use model::json::Value;

/// Strings are cut behind this many characters.
pub(super) const STRING_CHARACTERS: usize = 1024;

/// Objects (and arrays) nest no deeper.
pub(super) const DEPTH: usize = 40;

/// An event holds no more values. Far more than any instrumentation sends; keeps what one event can
/// cost small.
pub(super) const VALUES: usize = 10_000;

/// One update of properties names no more of them: the journal applies it while all others wait.
pub(super) const UPDATED_PROPERTIES: usize = 1_000;

/// A number of so many characters and without an exponent is within the range of doubles.
const LONGEST_PLAIN_NUMBER: usize = 300;

/// No number is longer, like no string.
const LONGEST_NUMBER: usize = STRING_CHARACTERS;

/// What is left of an event's bounds.
#[derive(Debug)]
pub(super) struct Bounds {
    values_left: usize,
}

impl Bounds {
    pub(super) fn new() -> Self {
        Self {
            values_left: VALUES,
        }
    }

    /// Cuts the strings in `value`, and checks its depth and its share of the number of values.
    /// Recursion ends at [`DEPTH`].
    pub(super) fn apply(&mut self, value: &mut Value<'_>) -> Result<(), &'static str> {
        self.apply_at(value, 0)
    }

    fn apply_at(&mut self, value: &mut Value<'_>, depth: usize) -> Result<(), &'static str> {
        self.values_left = self
            .values_left
            .checked_sub(1)
            .ok_or("the event holds more than 10,000 values")?;
        if depth >= DEPTH && matches!(value, Value::Array(_) | Value::Object(_)) {
            return Err("nested more than 40 deep");
        }
        match value {
            Value::String(text) => cut(text),
            Value::Array(items) => {
                for item in items {
                    self.apply_at(item, depth + 1)?;
                }
            }
            Value::Object(object) => {
                for (_, member) in object.iter_mut() {
                    self.apply_at(member, depth + 1)?;
                }
            }
            Value::Number(number) if !is_sane(number.text()) => {
                return Err("a number is too large or too small for a double");
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
        Ok(())
    }
}

/// Whether a number is one that destinations can be expected to read. `1e999` is JSON, but most
/// parsers make nothing of it, or infinity; and written out, `1e-999999999` is a gigabyte.
pub(super) fn is_sane(number: &str) -> bool {
    let exponent = number.bytes().position(|byte| byte | 0x20 == b'e');
    if exponent.is_none() && number.len() <= LONGEST_PLAIN_NUMBER {
        return true;
    }
    let (mantissa, exponent) = number.split_at(exponent.unwrap_or(number.len()));
    let value: f64 = number.parse().unwrap_or(f64::NAN);
    let is_zero = mantissa.bytes().all(|b| !(b'1'..=b'9').contains(&b));
    let vanishes = value == 0.0 && !is_zero;
    number.len() <= LONGEST_NUMBER
        && value.is_finite()
        && !vanishes
        && exponent.len() <= "e-0308".len()
}

/// Cuts `text` behind [`STRING_CHARACTERS`] characters.
pub(super) fn cut(text: &mut Cow<'_, str>) {
    // No string of so few bytes has more characters.
    if text.len() <= STRING_CHARACTERS {
        return;
    }
    let Some((end, _)) = text.char_indices().nth(STRING_CHARACTERS) else {
        return;
    };
    match text {
        Cow::Borrowed(whole) => *whole = &whole[..end],
        Cow::Owned(whole) => whole.truncate(end),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::json::{Limits, parse};

    fn bounded(text: &str) -> Result<String, &'static str> {
        let mut value = parse(text.as_bytes(), &Limits::FOREIGN).unwrap();
        Bounds::new().apply(&mut value).map(|()| value.to_json())
    }

    #[test]
    fn strings_are_cut_at_1024_characters_at_any_depth() {
        for (sent, kept) in [(1023, 1023), (1024, 1024), (1025, 1024), (9000, 1024)] {
            for character in ["a", "é", "😀", "\\n"] {
                let nested = |n| format!(r#"{{"a":[{{"b":"{}"}}]}}"#, character.repeat(n));
                assert_eq!(
                    bounded(&nested(sent)),
                    Ok(nested(kept)),
                    "{sent} {character}"
                );
            }
        }
    }

    #[test]
    fn numbers_that_a_double_cant_hold_are_refused() {
        for sane in [
            "0",
            "-0",
            "1.10",
            "12345678901234567890",
            "1e308",
            "-1.5E-300",
            "0e5",
            "4.9e-324",
            "0.0e-308",
        ] {
            assert_eq!(bounded(sane), Ok(sane.into()));
        }
        let long = format!("1{}", "0".repeat(308));
        assert!(bounded(&long).is_ok());
        let endless = format!("0.{}", "1".repeat(2000));
        for insane in [
            "1e999",
            "-1e309",
            "1e-400",
            "[1,{\"a\":1e-999999999}]",
            "0e999999999",
            &endless,
            &format!("{long}0"),
        ] {
            assert!(bounded(insane).is_err(), "{insane}");
        }
    }

    #[test]
    fn forty_levels_are_taken_and_no_more() {
        let nested = |depth| format!("{}1{}", r#"{"a":"#.repeat(depth), "}".repeat(depth));
        assert!(bounded(&nested(40)).is_ok());
        assert_eq!(bounded(&nested(41)), Err("nested more than 40 deep"));
    }

    #[test]
    fn ten_thousand_values_are_taken_and_no_more() {
        let array = |items| format!("[{}]", vec!["1"; items].join(","));
        assert!(bounded(&array(VALUES - 1)).is_ok());
        assert!(bounded(&array(VALUES)).is_err());
    }
}
