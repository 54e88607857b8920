//! Whether a body is JSON, as its content type says.

use model::outcome::Discarded;
use serde::de::IgnoredAny;

/// Whether a `Content-Type` value names JSON: `application/json`, `text/json`, or any type with the
/// suffix `+json` (RFC 6839), whatever its parameters.
pub(crate) fn is_json(content_type: &[u8]) -> bool {
    let essence = content_type
        .split(|&byte| byte == b';')
        .next()
        .unwrap_or_default()
        .trim_ascii();
    let suffix = essence.len().saturating_sub(b"+json".len());
    essence.eq_ignore_ascii_case(b"application/json")
        || essence.eq_ignore_ascii_case(b"text/json")
        || essence[suffix..].eq_ignore_ascii_case(b"+json")
}

/// Checks that `body` is one JSON value. Builds nothing, and takes any depth.
pub(crate) fn check(body: &[u8]) -> Result<(), Discarded> {
    let Err(error) = serde_json::from_slice::<IgnoredAny>(body) else {
        return Ok(());
    };
    let place = format!(" at line {} column {}", error.line(), error.column());
    let text = error.to_string();
    let message = text.strip_suffix(&place).unwrap_or(&text).to_owned();
    let count_from_1 = |number: usize| u32::try_from(number.max(1)).unwrap_or(u32::MAX);
    Err(Discarded::InvalidJson {
        message,
        line: count_from_1(error.line()),
        column: count_from_1(error.column()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_content_types_are_known_by_their_essence() {
        for content_type in [
            "application/json",
            "Application/JSON; charset=utf-8",
            "text/json",
            "application/vnd.api+json",
            " application/cloudevents+json ; x=y",
        ] {
            assert!(is_json(content_type.as_bytes()), "{content_type}");
        }
        for content_type in [
            "",
            "text/plain",
            "application/jsonl",
            "application/x-ndjson",
            "json",
            "application/xml; a=+json",
        ] {
            assert!(!is_json(content_type.as_bytes()), "{content_type}");
        }
    }

    #[test]
    fn the_place_of_the_first_fault_is_named() {
        let fault = |body: &str| match check(body.as_bytes()) {
            Err(Discarded::InvalidJson {
                message,
                line,
                column,
            }) => (message, line, column),
            other => panic!("{other:?}"),
        };
        assert_eq!(
            fault("{\n  \"a\": 1,\n}"),
            ("key must be a string".to_owned(), 3, 1)
        );
        assert_eq!(
            fault("{\"a\": \"x\" \"b\"}"),
            ("expected `,` or `}`".to_owned(), 1, 11)
        );
        assert_eq!(fault("").1, 1);
        assert_eq!(fault("{} {}").0, "trailing characters");
        assert_eq!(fault("{\"a\": \"x").1, 1);
        assert_eq!(fault("{\n\"a\": \"x\ty\"}").1, 2);
    }

    #[test]
    fn what_is_json_passes_however_large_or_deep() {
        let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
        for body in [
            "{}",
            " [1e999, -0, \"\\ud83d\"] \n",
            "null",
            "\"x\"",
            "12345678901234567890123",
            &deep,
        ] {
            assert_eq!(check(body.as_bytes()), Ok(()), "{:.40}", body);
        }
    }
}
