//! Whether a mend keeps what was sent.

use model::json::{self, Limits, Value};

use super::target::Mode;

/// Whether `after` says the same as `before`. Where a mend is to take quotes away, a string is the same
/// as the number or boolean that it spells, and the empty one as null.
pub(super) fn is_same(mode: Mode, before: &str, after: &str, retyped: bool) -> bool {
    if before == after {
        return true;
    }
    match mode {
        Mode::Json => {
            let parse = |text| json::parse(str::as_bytes(text), &Limits::OWN).ok();
            match (parse(before), parse(after)) {
                (Some(before), Some(after)) => is_same_value(&before, &after, retyped),
                _ => false,
            }
        }
        // Servers take both forms of a character for the same, but for those that part a URL.
        Mode::Url => decoded(before) == decoded(after),
        Mode::Text | Mode::Header | Mode::Constant => false,
    }
}

fn is_same_value(before: &Value<'_>, after: &Value<'_>, retyped: bool) -> bool {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => {
            before.len() == after.len()
                && before.iter().zip(after.iter()).all(|(before, after)| {
                    before.0 == after.0 && is_same_value(before.1, after.1, retyped)
                })
        }
        (Value::Array(before), Value::Array(after)) => {
            let mut both = before.iter().zip(after);
            before.len() == after.len()
                && both.all(|(before, after)| is_same_value(before, after, retyped))
        }
        (Value::Number(_), Value::Number(_)) => {
            number(&before.to_json()) == number(&after.to_json())
        }
        (Value::String(_), Value::Null) => retyped && before.as_str() == Some(""),
        (Value::String(_), Value::Number(_) | Value::Bool(_)) => {
            let text = before.as_str().unwrap_or_default();
            retyped && number(text) == number(&after.to_json())
        }
        _ => before == after,
    }
}

/// A number without the zeros that say nothing.
fn number(text: &str) -> &str {
    match text.contains('.') && !text.contains(['e', 'E']) {
        true => text.trim_end_matches('0').trim_end_matches('.'),
        false => text,
    }
}

/// A URL with what is percent-encoded decoded, as far as that changes nothing.
fn decoded(url: &str) -> Vec<u8> {
    let bytes = url.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let code = url.get(at + 1..at + 3).filter(|_| *byte == b'%');
        let value = code.and_then(|code| u8::from_str_radix(code, 16).ok());
        match value.filter(|value| !b"/?&#%=+".contains(value)) {
            Some(value) => {
                decoded.push(value);
                at += 3;
            }
            None => {
                decoded.push(*byte);
                at += 1;
            }
        }
    }
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_is_compared_as_its_reader_takes_it() {
        for (mode, before, after, retyped, same) in [
            (
                Mode::Json,
                r#"{"a":"<\/a>"}"#,
                r#"{ "a": "</a>" }"#,
                false,
                true,
            ),
            (Mode::Json, r#"{"a":12}"#, r#"{"a":"12"}"#, false, false),
            (Mode::Json, r#"{"a":"12"}"#, r#"{"a":12}"#, false, false),
            (Mode::Json, r#"{"a":"12"}"#, r#"{"a":12}"#, true, true),
            (Mode::Json, r#"{"a":"12"}"#, r#"{"a":13}"#, true, false),
            (Mode::Json, r#"{"a":""}"#, r#"{"a":null}"#, true, true),
            (Mode::Json, r#"{"a":3.40}"#, r#"{"a":3.4}"#, false, true),
            (Mode::Json, r#"{"a":3}"#, r#"{"a":3.4}"#, false, false),
            (
                Mode::Json,
                r#"{"a":"3.40"}"#,
                r#"{"a":"3.4"}"#,
                false,
                false,
            ),
            (Mode::Url, "https://h/a'b", "https://h/a%27b", false, true),
            (Mode::Url, "https://h/a/b", "https://h/a%2Fb", false, false),
            (Mode::Text, "a", "b", false, false),
        ] {
            assert_eq!(
                is_same(mode, before, after, retyped),
                same,
                "{before} {after}"
            );
        }
    }
}
