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
    /// The change in lines: of a long text or list that part which differs.
    pub(in crate::cli) fn lines(&self) -> Vec<String> {
        let shown = |value: &Value| match value {
            Value::Null => Vec::new(),
            value => vec![value.to_string()],
        };
        let (before, after) = match (&self.before, &self.after) {
            (Value::String(before), Value::String(after)) => {
                let (before, after) = differing_lines(before, after);
                (shown(&before.into()), shown(&after.into()))
            }
            (Value::Array(before), Value::Array(after)) => {
                let (before, after) = differing(before, after);
                (
                    before.iter().flat_map(shown).collect(),
                    after.iter().flat_map(shown).collect(),
                )
            }
            (before, after) => (shown(before), shown(after)),
        };
        let (before, after) = match (&before[..], &after[..]) {
            ([before], [after]) => {
                let same = before.chars().zip(after.chars());
                let same = same.take_while(|(old, new)| old == new).count();
                (vec![around(before, same)], vec![around(after, same)])
            }
            (before, after) => {
                let begun = |texts: &[String]| texts.iter().map(|text| around(text, 0)).collect();
                (begun(before), begun(after))
            }
        };
        let mut lines = vec![self.pointer.clone()];
        lines.extend(before.into_iter().map(|text| format!("  - {text}")));
        lines.extend(after.into_iter().map(|text| format!("  + {text}")));
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
    let (old, new) = differing(&old, &new);
    (old.concat(), new.concat())
}

/// Of two lists what is between the items that both begin with, and those that both end with.
fn differing<'l, T: PartialEq>(old: &'l [T], new: &'l [T]) -> (&'l [T], &'l [T]) {
    let pairs = old.iter().zip(new);
    let ahead = pairs.take_while(|(old, new)| old == new).count();
    let pairs = old[ahead..].iter().rev().zip(new[ahead..].iter().rev());
    let behind = pairs.take_while(|(old, new)| old == new).count();
    let (old_end, new_end) = (old.len() - behind, new.len() - behind);
    (&old[ahead..old_end], &new[ahead..new_end])
}

/// Of a text so much as is shown, with its character number `place` in it.
fn around(text: &str, place: usize) -> String {
    /// Characters that are shown.
    const SHOWN: usize = 200;
    /// Of these, what stands before the place.
    const AHEAD: usize = 40;
    let length = text.chars().count();
    if length <= SHOWN {
        return text.to_owned();
    }
    let start = place.saturating_sub(AHEAD).min(length - SHOWN);
    let shown: String = text.chars().skip(start).take(SHOWN).collect();
    let ahead = if start > 0 { "…" } else { "" };
    let behind = if start + SHOWN < length { "…" } else { "" };
    format!("{ahead}{shown}{behind}")
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

    #[test]
    fn of_a_list_the_items_that_differ_are_shown() {
        let parameter = |name: &str| json!({"name": name, "help": "h".repeat(150)});
        let change = Change {
            pointer: "/parameters".into(),
            before: json!([parameter("a"), parameter("b")]),
            after: json!([parameter("a"), parameter("c"), parameter("b")]),
        };
        let added = format!("  + {}", parameter("c"));
        assert_eq!(change.lines(), ["/parameters".to_owned(), added]);
    }

    #[test]
    fn of_long_values_the_part_that_differs_is_shown() {
        let long = |end: &str| json!(format!("{}{end}{}", "é".repeat(300), "z".repeat(300)));
        let change = Change {
            pointer: "/about/summary".into(),
            before: long("old"),
            after: long("new"),
        };
        let lines = change.lines();
        assert_ne!(lines[1], lines[2]);
        assert!(
            lines[1].contains("éold") && lines[2].contains("énew"),
            "{lines:?}"
        );
        assert!(
            lines[1].starts_with("  - …") && lines[1].ends_with('…'),
            "{lines:?}"
        );
        // What is gone at the end of a long text is seen, too.
        let ended = Change {
            pointer: "/x".into(),
            before: json!(format!("{}end", "a".repeat(300))),
            after: json!("a".repeat(300)),
        };
        assert!(ended.lines()[1].ends_with("end\""), "{:?}", ended.lines());
    }
}
