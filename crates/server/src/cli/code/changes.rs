//! What differs between two contents.

use serde::Serialize;
use serde_json::Value;

/// A value that is to become another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(in crate::cli) struct Change {
    /// JSON pointer into the content.
    pub(in crate::cli) pointer: String,
    /// What is there; null where nothing is.
    pub(in crate::cli) before: Value,
    /// What is to be there; null where nothing is.
    pub(in crate::cli) after: Value,
}

/// The innermost values that differ. Their depth is that of our own types.
pub(in crate::cli) fn changes(before: &Value, after: &Value) -> Vec<Change> {
    let mut found = Vec::new();
    compare(before, after, String::new(), &mut found);
    found
}

fn compare(before: &Value, after: &Value, pointer: String, found: &mut Vec<Change>) {
    if before == after {
        return;
    }
    match (before, after) {
        (Value::Object(old), Value::Object(new)) => {
            let added = new.keys().filter(|name| !old.contains_key(*name));
            for name in old.keys().chain(added) {
                let escaped = name.replace('~', "~0").replace('/', "~1");
                let (old, new) = (&before[name], &after[name]);
                compare(old, new, format!("{pointer}/{escaped}"), found);
            }
        }
        (Value::Array(old), Value::Array(new)) if old.len() == new.len() => {
            for (index, (old, new)) in old.iter().zip(new).enumerate() {
                compare(old, new, format!("{pointer}/{index}"), found);
            }
        }
        _ => found.push(Change {
            pointer,
            before: before.clone(),
            after: after.clone(),
        }),
    }
}

impl Change {
    /// The change in lines: of a long text the first that differ.
    pub(in crate::cli) fn lines(&self) -> Vec<String> {
        let (before, after) = match (&self.before, &self.after) {
            (Value::String(before), Value::String(after)) => {
                let (before, after) = differing_lines(before, after);
                (Value::from(before), Value::from(after))
            }
            (before, after) => (before.clone(), after.clone()),
        };
        let mut lines = vec![self.pointer.clone()];
        for (sign, value) in [('-', before), ('+', after)] {
            if !value.is_null() {
                lines.push(format!("  {sign} {}", shortened(&value.to_string())));
            }
        }
        lines
    }
}

/// Of two texts the lines from the first that differs to the last.
fn differing_lines(before: &str, after: &str) -> (String, String) {
    let lines = |text: &str| {
        text.split_inclusive('\n')
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let (old, new) = (lines(before), lines(after));
    let pairs = old.iter().zip(&new);
    let ahead = pairs.take_while(|(old, new)| old == new).count();
    let pairs = old[ahead..].iter().rev().zip(new[ahead..].iter().rev());
    let behind = pairs.take_while(|(old, new)| old == new).count();
    let middle = |lines: &[String]| lines[ahead..lines.len() - behind].concat();
    (middle(&old), middle(&new))
}

fn shortened(text: &str) -> String {
    /// Characters that are shown.
    const SHOWN: usize = 200;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_innermost_values_that_differ_are_told() {
        let before = json!({"a": {"b": [1, 2]}, "gone": 1, "list": [1], "same": {}});
        let after = json!({"a": {"b": [1, 3]}, "list": [1, 2], "same": {}, "n/w": true});
        let found = changes(&before, &after);
        let pointers: Vec<_> = found.iter().map(|each| each.pointer.as_str()).collect();
        assert_eq!(pointers, ["/a/b/1", "/gone", "/list", "/n~1w"]);
        assert_eq!(found[1].lines(), ["/gone", "  - 1"]);
        assert_eq!(changes(&before, &before), []);
    }

    #[test]
    fn of_a_long_text_the_lines_that_differ_are_shown() {
        let change = Change {
            pointer: "/events/body".into(),
            before: json!("{\n  \"a\": 1,\n}\n"),
            after: json!("{\n  \"a\": 2,\n}\n"),
        };
        let lines = change.lines();
        assert_eq!(lines[1], r#"  - "  \"a\": 1,\n""#);
        assert_eq!(lines[2], r#"  + "  \"a\": 2,\n""#);
    }
}
