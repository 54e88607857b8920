//! Values that are kept as examples: short ones, and the beginning of long ones.

use std::borrow::Cow;

use model::json::{Object, Value};
use model::{Offset, Timestamp};
use serde::{Deserialize, Serialize};

/// Longest text, in characters, and about the longest example, in bytes.
const CHARACTERS: usize = 100;
const BYTES: usize = 300;

/// Most items and members of a list and an object, and how deep these may lie in each other.
const ITEMS: usize = 5;
const MEMBERS: usize = 12;
const DEPTH: usize = 4;

/// A value, and the event that had it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Example {
    /// As JSON.
    #[serde(rename = "v")]
    pub(crate) value: String,
    #[serde(rename = "o")]
    pub(crate) offset: Offset,
    /// When the event was received.
    #[serde(rename = "a")]
    pub(crate) at: Timestamp,
}

impl Example {
    /// `None` where even the beginning is too long.
    pub(crate) fn of(value: &Value<'_>, offset: Offset, at: Timestamp) -> Option<Self> {
        let short = Shortening { left: BYTES }.value(value, DEPTH)?;
        let value = short.to_json();
        Some(Self { value, offset, at })
    }
}

/// Adds an example to others: of one value the newest event is kept, of too many the oldest goes.
pub(crate) fn note(examples: &mut Vec<Example>, new: Example, most: usize) {
    let same = examples.iter().position(|each| each.value == new.value);
    if same.is_none() && examples.len() < most {
        examples.push(new);
        return;
    }
    let known = match same {
        Some(place) => examples.get_mut(place),
        None => examples.iter_mut().min_by_key(|each| each.offset),
    };
    if let Some(known) = known.filter(|known| known.offset < new.offset) {
        *known = new;
    }
}

struct Shortening {
    left: usize,
}

impl Shortening {
    fn value<'v>(&mut self, value: &'v Value<'_>, depth: usize) -> Option<Value<'v>> {
        Some(match value {
            Value::Null => self.pay(4).map(|()| Value::Null)?,
            Value::Bool(truth) => self.pay(5).map(|()| Value::Bool(*truth))?,
            // The beginning of a number is another number.
            Value::Number(number) => {
                self.pay(number.text().len())?;
                Value::Number(number.clone())
            }
            Value::String(text) => Value::String(self.text(text)),
            Value::Array(items) => {
                self.pay(2)?;
                let items = items.iter().take(if depth == 0 { 0 } else { ITEMS });
                Value::Array(
                    items
                        .map_while(|item| self.value(item, depth - 1))
                        .collect(),
                )
            }
            Value::Object(members) => {
                self.pay(2)?;
                let mut short = Object::new();
                let members = members.iter();
                for (name, value) in members.take(if depth == 0 { 0 } else { MEMBERS }) {
                    let Some(value) = self
                        .pay(name.len())
                        .and_then(|()| self.value(value, depth - 1))
                    else {
                        break;
                    };
                    short.set(name, value);
                }
                Value::Object(short)
            }
        })
    }

    fn text<'v>(&mut self, text: &'v str) -> Cow<'v, str> {
        let end = text.char_indices().nth(CHARACTERS);
        let mut end = end.map_or(text.len(), |(end, _)| end).min(self.left);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        self.left -= end;
        match end == text.len() {
            true => Cow::Borrowed(text),
            false => Cow::Owned(format!("{}…", &text[..end])),
        }
    }

    fn pay(&mut self, bytes: usize) -> Option<()> {
        self.left = self.left.checked_sub(bytes)?;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use model::json::{Limits, parse};

    use super::*;

    fn short(json: &str) -> Option<String> {
        let value = parse(json.as_bytes(), &Limits::OWN).unwrap();
        Example::of(&value, Offset(1), Timestamp(1)).map(|example| example.value)
    }

    #[test]
    fn short_values_stay_whole_and_of_long_ones_the_beginning() {
        let nested = r#"{"a":[1,2.50,{"b":"c"}],"d":null,"e":true}"#;
        assert_eq!(short(nested).as_deref(), Some(nested));
        assert_eq!(short(r#"[1,2,3,4,5,6]"#).as_deref(), Some("[1,2,3,4,5]"));
        let long = short(&format!("\"{}\"", "ä".repeat(500))).unwrap();
        assert_eq!(long.chars().count(), 103);
        let deep = format!("{}1{}", "[".repeat(20), "]".repeat(20));
        assert_eq!(short(&deep).as_deref(), Some("[[[[[]]]]]"));
        let wide: Vec<_> = (0..99)
            .map(|n| format!("\"{n}\":\"{}\"", "x".repeat(90)))
            .collect();
        let wide = short(&format!("{{{}}}", wide.join(","))).unwrap();
        assert!(wide.len() < 2 * BYTES, "{wide}");
        assert!(parse(wide.as_bytes(), &Limits::OWN).is_ok());
        assert_eq!(short(&"9".repeat(400)), None);
    }

    #[test]
    fn the_newest_event_of_a_value_is_kept_and_the_oldest_value_goes() {
        let example = |value: &str, offset| Example {
            value: value.into(),
            offset: Offset(offset),
            at: Timestamp(0),
        };
        let mut examples = Vec::new();
        for (value, offset) in [("1", 1), ("2", 2), ("1", 3), ("3", 4), ("0", 1)] {
            note(&mut examples, example(value, offset), 2);
        }
        assert_eq!(examples, [example("1", 3), example("3", 4)]);
    }
}
