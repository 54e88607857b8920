//! JSON as YAML that people like to read: block style, texts of several lines as blocks.

use serde_json::Value;

use super::yaml;

/// The value as a YAML document. Depth is bounded by whoever made the value.
pub(crate) fn to_yaml(value: &Value) -> String {
    let mut out = String::new();
    match value {
        Value::Object(members) if !members.is_empty() => write_members(value, 0, &mut out),
        Value::Array(items) if !items.is_empty() => write_members(value, 0, &mut out),
        other => {
            write_scalar(other, 0, &mut out);
            out.push('\n');
        }
    }
    out
}

/// The members of an object or the items of an array that isn't empty, each on lines of its own. The
/// first line begins where `out` ends, the others at `indent`.
fn write_members(value: &Value, indent: usize, out: &mut String) {
    let mut first = true;
    let mut begin = |out: &mut String| {
        if !std::mem::take(&mut first) {
            out.push_str(&" ".repeat(indent));
        }
    };
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                begin(out);
                out.push_str(&text(name));
                out.push(':');
                write_value(value, indent, out);
            }
        }
        Value::Array(items) => {
            for item in items {
                begin(out);
                out.push('-');
                match item {
                    Value::Object(members) if !members.is_empty() => {
                        out.push(' ');
                        write_members(item, indent + 2, out);
                    }
                    _ => write_value(item, indent, out),
                }
            }
        }
        _ => {}
    }
}

/// What stands behind a name or a dash, with the end of its line.
fn write_value(value: &Value, indent: usize, out: &mut String) {
    let is_filled = match value {
        Value::Object(members) => !members.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    };
    if is_filled {
        out.push('\n');
        out.push_str(&" ".repeat(indent + 2));
        write_members(value, indent + 2, out);
    } else {
        out.push(' ');
        write_scalar(value, indent, out);
        out.push('\n');
    }
}

fn write_scalar(value: &Value, indent: usize, out: &mut String) {
    match value {
        Value::String(value) if is_block(value) => write_block(value, indent, out),
        Value::String(value) => out.push_str(&text(value)),
        other => out.push_str(&other.to_string()),
    }
}

/// Whether a text can stand as a block: lines of what is printed, none that begins with a space at
/// its start or consists of them.
fn is_block(text: &str) -> bool {
    let lines = text.strip_suffix('\n').unwrap_or(text);
    let printable = |c: char| is_printable(c) && c != '\u{feff}';
    !lines.is_empty()
        && lines.contains('\n')
        && !lines.ends_with('\n')
        && !lines.starts_with([' ', '\n'])
        && lines.split('\n').all(|line| {
            line.chars().all(printable) && (line.is_empty() || !line.trim_end().is_empty())
        })
}

fn write_block(text: &str, indent: usize, out: &mut String) {
    let (lines, style) = match text.strip_suffix('\n') {
        Some(lines) => (lines, "|"),
        None => (text, "|-"),
    };
    out.push_str(style);
    for line in lines.split('\n') {
        out.push('\n');
        if !line.is_empty() {
            out.push_str(&" ".repeat(indent + 2));
            out.push_str(line);
        }
    }
}

/// A text on one line: as it is where that can mean nothing else, in quotes otherwise.
fn text(text: &str) -> String {
    match is_plain(text) {
        true => text.to_owned(),
        false => quoted(text),
    }
}

fn is_plain(text: &str) -> bool {
    const FIRST: &[char] = &[
        '-', '?', ':', ',', '[', ']', '{', '}', '#', '&', '*', '!', '|', '>', '\'', '"', '%', '@',
        '`', '=', '<', '~', '.', ' ',
    ];
    // Older readers take these words for something else.
    const WORDS: &[&str] = &["y", "n", "yes", "no", "on", "off"];
    let is_word = WORDS.iter().any(|word| word.eq_ignore_ascii_case(text));
    let reads_as_text = matches!(yaml::plain(text), Ok(Value::String(_)));
    !text.starts_with(FIRST)
        && !text.starts_with(|c: char| c.is_ascii_digit() || c == '+')
        && !text.ends_with([' ', ':'])
        && !text.contains(": ")
        && !text.contains(" #")
        && !text.contains(['\t', '\u{feff}'])
        && text.chars().all(is_printable)
        && !is_word
        && reads_as_text
}

/// What YAML takes without an escape, line breaks aside.
fn is_printable(c: char) -> bool {
    let is_break = matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}');
    (c == '\t' || !c.is_control()) && !is_break && !matches!(c, '\u{fffe}' | '\u{ffff}')
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_printable(c) && c != '\u{feff}' => out.push(c),
            c if u32::from(c) <= 0xffff => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push_str(&format!("\\U{:08x}", u32::from(c))),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn documents_are_written_as_people_would() {
        let value = json!({
            "name": "To Braze", "enabled": true, "none": null, "empty": {}, "list": [],
            "text": "line one\n  line two\n", "url": "https://a.example.com/${parameters.x}",
            "headers": [{"name": "Authorization", "value": "Bearer ${parameters.key}"}],
            "kinds": ["on", "1.5", "x: y"],
        });
        let yaml = to_yaml(&value);
        assert_eq!(
            yaml,
            "name: To Braze\nenabled: true\nnone: null\nempty: {}\nlist: []\ntext: |\n  line one\n    line two\n\
             url: https://a.example.com/${parameters.x}\nheaders:\n  - name: Authorization\n    value: Bearer \
             ${parameters.key}\nkinds:\n  - \"on\"\n  - \"1.5\"\n  - \"x: y\"\n"
        );
        assert_eq!(yaml::read(&yaml).unwrap().0, value);
    }

    fn any_text() -> impl Strategy<Value = String> {
        prop_oneof![
            ".{0,20}",
            "[-?:,#&*!|>'\"%@`{}\\[\\] \n\t~.=<a0]{0,12}",
            proptest::collection::vec(any::<char>(), 0..12).prop_map(String::from_iter),
        ]
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any_text().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 5, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                proptest::collection::vec((any_text(), inner), 0..5)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_written_reads_as_the_same(value in any_value()) {
            let yaml = to_yaml(&value);
            let read = yaml::read(&yaml).map(|(value, _)| value);
            prop_assert_eq!(read, Ok(value), "{}", yaml);
        }
    }
}
