//! Where two JSON texts differ.

use model::json::{Limits, Object, Value, parse};
use serde::Serialize;

use super::lines::cut;
use crate::problem::pointer;

/// Most changes of one pair of texts.
const CHANGES: usize = 100;

/// Most characters of a value that are shown.
const SHOWN: usize = 1_000;

/// A value that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = JsonChange))]
pub struct Change {
    /// Where it is: a JSON pointer.
    pub pointer: String,
    /// The value before, as JSON text, cut after 1,000 characters; null when it was not there.
    pub before: Option<String>,
    /// The value after, in the same way; null when it is gone.
    pub after: Option<String>,
}

/// Where two JSON texts differ: at most 100 values, in the order of the first text. Numbers are
/// compared as they are written, members of objects in any order, items of arrays by their places.
/// `None` when one of the texts is not JSON.
pub fn changes(before: &[u8], after: &[u8]) -> Option<Vec<Change>> {
    let before = parse(before, &Limits::FOREIGN).ok()?;
    let after = parse(after, &Limits::FOREIGN).ok()?;
    let mut changes = Vec::new();
    compare("", &before, &after, &mut changes);
    Some(changes)
}

/// How deep this goes, the parser bounds.
fn compare(at: &str, before: &Value<'_>, after: &Value<'_>, changes: &mut Vec<Change>) {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => {
            compare_members(at, before, after, changes);
        }
        (Value::Array(before), Value::Array(after)) => {
            for place in 0..before.len().max(after.len()) {
                if changes.len() == CHANGES {
                    return;
                }
                let at = pointer(at, place);
                either(at, before.get(place), after.get(place), changes);
            }
        }
        (before, after) if before != after => {
            either(at.to_owned(), Some(before), Some(after), changes);
        }
        _ => {}
    }
}

fn compare_members(at: &str, before: &Object<'_>, after: &Object<'_>, changes: &mut Vec<Change>) {
    if before == after {
        return;
    }
    for (name, value) in before.iter() {
        if changes.len() == CHANGES {
            return;
        }
        either(pointer(at, name), Some(value), after.get(name), changes);
    }
    for (name, value) in after.iter() {
        if changes.len() == CHANGES {
            return;
        }
        if before.get(name).is_none() {
            either(pointer(at, name), None, Some(value), changes);
        }
    }
}

/// Goes into two values of one kind that hold others; notes others that differ.
fn either(
    at: String,
    before: Option<&Value<'_>>,
    after: Option<&Value<'_>>,
    changes: &mut Vec<Change>,
) {
    if before == after {
        return;
    }
    match (before, after) {
        (Some(before @ Value::Object(_)), Some(after @ Value::Object(_)))
        | (Some(before @ Value::Array(_)), Some(after @ Value::Array(_))) => {
            compare(&at, before, after, changes);
        }
        _ => changes.push(Change {
            pointer: at,
            before: before.map(|value| cut(&value.to_json(), SHOWN)),
            after: after.map(|value| cut(&value.to_json(), SHOWN)),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(before: &str, after: &str) -> Vec<(String, Option<String>, Option<String>)> {
        let changes = changes(before.as_bytes(), after.as_bytes()).expect("JSON");
        let changes = changes.into_iter();
        changes
            .map(|change| (change.pointer, change.before, change.after))
            .collect()
    }

    fn change(
        pointer: &str,
        before: Option<&str>,
        after: Option<&str>,
    ) -> (String, Option<String>, Option<String>) {
        let text = |text: Option<&str>| text.map(str::to_owned);
        (pointer.to_owned(), text(before), text(after))
    }

    #[test]
    fn values_that_differ_are_found_where_they_are() {
        let before = r#"{"a": 1, "b": {"c/d": [1, 2, {"e": null}]}, "gone": "x"}"#;
        let after = r#"{"b": {"c/d": [1, 3, {"e": true}, []]}, "a": 1, "new": {"f": 1}}"#;
        let expected = [
            change("/b/c~1d/1", Some("2"), Some("3")),
            change("/b/c~1d/2/e", Some("null"), Some("true")),
            change("/b/c~1d/3", None, Some("[]")),
            change("/gone", Some(r#""x""#), None),
            change("/new", None, Some(r#"{"f":1}"#)),
        ];
        assert_eq!(found(before, after), expected);
        assert!(found(before, before).is_empty());
    }

    #[test]
    fn another_kind_of_value_is_replaced_as_a_whole() {
        assert_eq!(
            found("[1]", r#"{"0":1}"#),
            [change("", Some("[1]"), Some(r#"{"0":1}"#))]
        );
        assert_eq!(
            found("1.10", "1.1"),
            [change("", Some("1.10"), Some("1.1"))]
        );
        assert!(found(r#"{"a":1,"b":2}"#, r#"{"b":2,"a":1}"#).is_empty());
    }

    #[test]
    fn what_is_shown_is_bounded() {
        let many = |digit: char| format!("[{}]", vec![digit.to_string(); 500].join(","));
        assert_eq!(found(&many('1'), &many('2')).len(), CHANGES);
        let long = format!("{:?}", "x".repeat(SHOWN));
        let found = found("null", &long);
        let after = found[0].2.as_deref().expect("it is there");
        assert_eq!(after.chars().count(), SHOWN + 1);
    }

    #[test]
    fn what_is_not_json_is_not_compared() {
        assert_eq!(changes(b"{", b"{}"), None);
        assert_eq!(changes(b"{}", b""), None);
    }
}
