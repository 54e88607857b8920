//! JSON on several lines, numbers as they are written.

use model::json::{Value, write_string};

/// The value, two spaces a level, with the end of its last line.
pub(super) fn write(value: &Value<'_>) -> String {
    let mut out = Vec::new();
    write_at(value, 0, &mut out);
    out.push(b'\n');
    // The writer emits strings that were UTF-8 and ASCII around them.
    String::from_utf8(out).unwrap_or_default()
}

fn write_at(value: &Value<'_>, depth: usize, out: &mut Vec<u8>) {
    let begin = |depth: usize, out: &mut Vec<u8>| {
        out.push(b'\n');
        out.extend(std::iter::repeat_n(b' ', 2 * depth));
    };
    match value {
        Value::Array(items) if !items.is_empty() => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                begin(depth + 1, out);
                write_at(item, depth + 1, out);
            }
            begin(depth, out);
            out.push(b']');
        }
        Value::Object(members) if !members.is_empty() => {
            out.push(b'{');
            for (index, (name, value)) in members.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                begin(depth + 1, out);
                write_string(name, out);
                out.extend_from_slice(b": ");
                write_at(value, depth + 1, out);
            }
            begin(depth, out);
            out.push(b'}');
        }
        other => out.extend_from_slice(other.to_json().as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use model::json::{Limits, parse};

    use super::*;

    #[test]
    fn what_is_written_keeps_order_and_digits() {
        let text = "{\n  \"b\": [\n    1.10,\n    {}\n  ],\n  \"a\": \"é\\n\",\n  \"c\": []\n}\n";
        let value = parse(text.as_bytes(), &Limits::FOREIGN).unwrap();
        assert_eq!(write(&value), text);
    }
}
