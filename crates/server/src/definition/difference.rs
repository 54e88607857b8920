//! What differs between what was expected and what came out.

use model::json::{self, Value};
use serde::Serialize;

/// More differences than that help nobody.
const MOST: usize = 20;

/// How much of a value is shown, in characters.
const SHOWN: usize = 300;

/// One difference.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Difference {
    /// Where: `url`, `header NAME`, or `body` with a JSON pointer.
    pub(super) place: String,
    /// What was to come.
    pub(super) expected: String,
    /// What came.
    pub(super) actual: String,
}

impl Difference {
    pub(super) fn new(
        place: impl Into<String>,
        expected: impl Into<String>,
        actual: impl Into<String>,
    ) -> Self {
        Self {
            place: place.into(),
            expected: shortened(expected.into()),
            actual: shortened(actual.into()),
        }
    }
}

fn shortened(text: String) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}… ({} bytes)", &text[..end], text.len()),
        None => text,
    }
}

/// Compares a body: with a text byte by byte, with any other value as JSON, whose numbers count as
/// they are written and whose members stand in order.
pub(super) fn body_difference(expected: &Value<'_>, actual: &[u8]) -> Vec<Difference> {
    let mut found = Vec::new();
    if let Value::String(expected) = expected {
        if expected.as_bytes() != actual {
            found.extend(line_difference(expected, &String::from_utf8_lossy(actual)));
        }
        return found;
    }
    match json::parse(actual, &json::Limits::FOREIGN) {
        Ok(actual) => compare(expected, &actual, "body", &mut found),
        Err(error) => {
            let actual = format!("no JSON ({error}): {}", String::from_utf8_lossy(actual));
            found.push(Difference::new("body", expected.to_json(), actual));
        }
    }
    found
}

/// Compares values at `place`; their depth is bounded by the parser.
fn compare(expected: &Value<'_>, actual: &Value<'_>, place: &str, found: &mut Vec<Difference>) {
    if expected == actual || found.len() >= MOST {
        return;
    }
    match (expected, actual) {
        (Value::Object(expected), Value::Object(actual)) => {
            let before = found.len();
            for (name, value) in expected.iter() {
                let place = format!("{place}/{name}");
                match actual.get(name) {
                    Some(actual) => compare(value, actual, &place, found),
                    None => found.push(Difference::new(place, value.to_json(), "nothing")),
                }
            }
            for (name, value) in actual
                .iter()
                .filter(|(name, _)| expected.get(name).is_none())
            {
                let place = format!("{place}/{name}");
                found.push(Difference::new(place, "nothing", value.to_json()));
            }
            if found.len() == before {
                let names = |object: &json::Object<'_>| {
                    let names: Vec<_> = object.iter().map(|(name, _)| name.to_owned()).collect();
                    names.join(", ")
                };
                let place = format!("{place}: order of members");
                found.push(Difference::new(place, names(expected), names(actual)));
            }
        }
        (Value::Array(expected), Value::Array(actual)) => {
            for index in 0..expected.len().max(actual.len()) {
                let place = format!("{place}/{index}");
                match (expected.get(index), actual.get(index)) {
                    (Some(expected), Some(actual)) => compare(expected, actual, &place, found),
                    (expected, actual) => {
                        let shown = |value: Option<&Value<'_>>| {
                            value.map_or_else(|| "nothing".to_owned(), Value::to_json)
                        };
                        found.push(Difference::new(place, shown(expected), shown(actual)));
                    }
                }
            }
        }
        _ => found.push(Difference::new(place, expected.to_json(), actual.to_json())),
    }
    found.truncate(MOST);
}

/// The first line that differs.
fn line_difference(expected: &str, actual: &str) -> Option<Difference> {
    let (mut expected, mut actual) = (expected.split('\n'), actual.split('\n'));
    let mut line = 1;
    loop {
        let (expected, actual) = (expected.next(), actual.next());
        if expected.is_none() && actual.is_none() {
            return None;
        }
        if expected != actual {
            let shown =
                |text: Option<&str>| text.map_or("nothing".into(), |text| format!("{text:?}"));
            let place = format!("body line {line}");
            return Some(Difference::new(place, shown(expected), shown(actual)));
        }
        line += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn differences(expected: &str, actual: &str) -> Vec<(String, String, String)> {
        let expected = json::parse(expected.as_bytes(), &json::Limits::FOREIGN).unwrap();
        let found = body_difference(&expected, actual.as_bytes()).into_iter();
        found
            .map(|each| (each.place, each.expected, each.actual))
            .collect()
    }

    #[test]
    fn each_difference_of_json_is_told_with_its_place() {
        assert_eq!(
            differences(r#"{"a": [1, {"b": null}]}"#, "{\"a\":[1,{\"b\":null}]}"),
            []
        );
        for (expected, actual, place, was, is) in [
            (r#"{"a":[1,2]}"#, r#"{"a":[1,2.0]}"#, "body/a/1", "2", "2.0"),
            (r#"{"a":1}"#, r#"{}"#, "body/a", "1", "nothing"),
            (r#"{}"#, r#"{"a":"x"}"#, "body/a", "nothing", "\"x\""),
            (r#"[1]"#, r#"[]"#, "body/0", "1", "nothing"),
            (
                r#"{"a":1,"b":2}"#,
                r#"{"b":2,"a":1}"#,
                "body: order of members",
                "a, b",
                "b, a",
            ),
            (r#"{"a":{}}"#, r#"{"a":[]}"#, "body/a", "{}", "[]"),
            (r#""x\ny""#, "x\nz", "body line 2", "\"y\"", "\"z\""),
            (r#""x""#, "x\n", "body line 2", "nothing", "\"\""),
        ] {
            let found = differences(expected, actual);
            let wanted = (place.to_owned(), was.to_owned(), is.to_owned());
            assert_eq!(found, [wanted], "{expected} {actual}");
        }
        assert!(differences("{}", "{").remove(0).2.starts_with("no JSON"));
    }

    #[test]
    fn no_more_is_told_than_helps() {
        let many = |value: u32| {
            let members = (0..100).map(|each| format!("\"{each}\":{value}"));
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        };
        assert_eq!(differences(&many(1), &many(2)).len(), MOST);
        let long = "é".repeat(1000);
        let found = Difference::new("body", long.clone(), "x");
        assert!(found.expected.len() < long.len());
    }
}
