//! YAML 1.2 (its core schema) as JSON, with the place of every value.
//!
//! Of YAML's extras only what helps people is taken: comments and all styles of text. Anchors,
//! aliases and tags are refused: with them a short file can become an enormous document, or something
//! else than it looks like.

use std::borrow::Cow;
use std::collections::BTreeMap;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle};
use serde_json::{Map, Number, Value};

/// How deep values may nest.
const MAX_DEPTH: usize = 64;

/// How many values a file may have.
const MAX_VALUES: usize = 100_000;

/// Where a value begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// From 1.
    pub(super) line: u32,
    /// From 1, in characters.
    pub(super) column: u32,
    /// How the text of a value goes on from there.
    pub(super) text: Text,
}

/// How a text stands in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Text {
    /// Character by character up to the end of its line, behind so many others.
    Line(u32),
    /// Line by line, each at the same column.
    Block,
    /// Folded, or not at all.
    Otherwise,
}

/// What a file holds, and the places of values by JSON pointer.
pub(super) type Read = (Value, BTreeMap<String, Place>);

/// Why a text isn't taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) message: String,
    pub(super) line: u32,
    pub(super) column: u32,
}

/// Reads one document. An empty one is `null`.
pub(super) fn read(text: &str) -> Result<Read, Refused> {
    let mut reader = Reader::default();
    let mut events = Parser::new_from_str(text);
    while let Some(event) = events.next_event() {
        let (event, span) =
            event.map_err(|error| refused(error.marker(), error.info().to_owned()))?;
        reader.take(event, &span.start)?;
    }
    Ok((reader.root.unwrap_or_default(), reader.places))
}

#[derive(Default)]
struct Reader {
    root: Option<Value>,
    places: BTreeMap<String, Place>,
    open: Vec<Open>,
    values: usize,
    documents: usize,
}

/// A collection whose end is still to come.
enum Open {
    Array(Vec<Value>),
    Object {
        members: Map<String, Value>,
        /// The member whose value comes next, and where its name stands.
        key: Option<(String, Place)>,
    },
}

impl Reader {
    fn take(&mut self, event: Event<'_>, at: &Marker) -> Result<(), Refused> {
        let no_extras = |anchor: usize, tagged: bool| match (anchor, tagged) {
            (0, false) => Ok(()),
            (0, true) => Err(refused(at, "tags are not taken here")),
            _ => Err(refused(at, "anchors are not taken here")),
        };
        match event {
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err(refused(at, "one document a file"));
                }
            }
            Event::Alias(_) => return Err(refused(at, "aliases are not taken here")),
            Event::Scalar(text, style, anchor, tag) => {
                no_extras(anchor, tag.is_some())?;
                self.scalar(text, style, at)?;
            }
            Event::SequenceStart(anchor, tag) => {
                no_extras(anchor, tag.is_some())?;
                self.begin(Open::Array(Vec::new()), at)?;
            }
            Event::MappingStart(anchor, tag) => {
                no_extras(anchor, tag.is_some())?;
                let (members, key) = (Map::new(), None);
                self.begin(Open::Object { members, key }, at)?;
            }
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(Open::Array(items)) => self.put(Value::Array(items), at)?,
                Some(Open::Object { members, .. }) => self.put(Value::Object(members), at)?,
                None => {}
            },
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
        }
        Ok(())
    }

    fn scalar(
        &mut self,
        text: Cow<'_, str>,
        style: ScalarStyle,
        at: &Marker,
    ) -> Result<(), Refused> {
        let place = Place {
            text: match style {
                ScalarStyle::Plain => Text::Line(0),
                ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => Text::Line(1),
                ScalarStyle::Literal => Text::Block,
                ScalarStyle::Folded => Text::Otherwise,
            },
            ..place(at)
        };
        if let Some(Open::Object { members, key }) = self.open.last_mut()
            && key.is_none()
        {
            if members.contains_key(&*text) {
                return Err(refused(at, format!("`{text}` is given twice")));
            }
            *key = Some((text.into_owned(), place));
            return Ok(());
        }
        self.count(at)?;
        self.places.insert(self.pointer(), place);
        let value = match style {
            ScalarStyle::Plain => plain(&text).map_err(|message| refused(at, message))?,
            _ => Value::String(text.into_owned()),
        };
        self.put(value, at)
    }

    fn begin(&mut self, collection: Open, at: &Marker) -> Result<(), Refused> {
        self.count(at)?;
        if self.open.len() == MAX_DEPTH {
            return Err(refused(at, format!("nested deeper than {MAX_DEPTH}")));
        }
        let place = match self.open.last() {
            Some(Open::Object { key: None, .. }) => {
                return Err(refused(at, "a name must be a text"));
            }
            // Where its name stands is where people look for it.
            Some(Open::Object { key: Some(key), .. }) => key.1,
            _ => place(at),
        };
        self.places.insert(self.pointer(), place);
        self.open.push(collection);
        Ok(())
    }

    fn put(&mut self, value: Value, at: &Marker) -> Result<(), Refused> {
        match self.open.last_mut() {
            None => self.root = Some(value),
            Some(Open::Array(items)) => items.push(value),
            Some(Open::Object { members, key }) => match key.take() {
                Some((name, _)) => drop(members.insert(name, value)),
                None => return Err(refused(at, "a name must be a text")),
            },
        }
        Ok(())
    }

    fn count(&mut self, at: &Marker) -> Result<(), Refused> {
        self.values += 1;
        if self.values > MAX_VALUES {
            return Err(refused(at, format!("more than {MAX_VALUES} values")));
        }
        Ok(())
    }

    /// Where the next value stands.
    fn pointer(&self) -> String {
        let mut pointer = String::new();
        for open in &self.open {
            pointer.push('/');
            match open {
                Open::Array(items) => pointer.push_str(&items.len().to_string()),
                Open::Object { key, .. } => {
                    let name = key.as_ref().map_or("", |(name, _)| name);
                    pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
                }
            }
        }
        pointer
    }
}

fn place(at: &Marker) -> Place {
    let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    Place {
        line: number(at.line()),
        column: number(at.col()).saturating_add(1),
        text: Text::Otherwise,
    }
}

fn refused(at: &Marker, message: impl Into<String>) -> Refused {
    let Place { line, column, .. } = place(at);
    Refused {
        message: message.into(),
        line,
        column,
    }
}

/// What a text without quotes means by the core schema (YAML 1.2.2, 10.3.2).
pub(super) fn plain(text: &str) -> Result<Value, String> {
    Ok(match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ if is_number(text) => Value::Number(number(text)?),
        _ => Value::String(text.to_owned()),
    })
}

fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if let Some(digits) = unsigned.strip_prefix("0x") {
        return unsigned == text
            && !digits.is_empty()
            && digits.chars().all(|c| c.is_ascii_hexdigit());
    }
    if let Some(digits) = unsigned.strip_prefix("0o") {
        return unsigned == text
            && !digits.is_empty()
            && digits.chars().all(|c| ('0'..='7').contains(&c));
    }
    if matches!(
        unsigned,
        ".inf" | ".Inf" | ".INF" | ".nan" | ".NaN" | ".NAN"
    ) {
        return true;
    }
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let all_digits = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent_fits = exponent.is_none_or(|exponent| {
        let digits = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        !digits.is_empty() && all_digits(digits)
    });
    (!whole.is_empty() || !fraction.is_empty())
        && all_digits(whole)
        && all_digits(fraction)
        && exponent_fits
}

fn number(text: &str) -> Result<Number, String> {
    let whole = match (text.strip_prefix("0x"), text.strip_prefix("0o")) {
        (Some(digits), _) => u64::from_str_radix(digits, 16).ok().map(Number::from),
        (_, Some(digits)) => u64::from_str_radix(digits, 8).ok().map(Number::from),
        _ => None,
    };
    let unsigned = text.strip_prefix('+').unwrap_or(text);
    let decimal = || {
        let whole = unsigned.parse::<i64>().ok().map(Number::from);
        let large = || unsigned.parse::<u64>().ok().map(Number::from);
        let fraction = || unsigned.parse::<f64>().ok().and_then(Number::from_f64);
        whole.or_else(large).or_else(fraction)
    };
    let refused = || format!("{text} is no number that JSON has; as a text it needs quotes");
    whole.or_else(decimal).ok_or_else(refused)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn value(text: &str) -> Value {
        read(text).expect("it is read").0
    }

    #[test]
    fn values_are_those_of_the_core_schema() {
        let text = "a: yes\nb: 0x1F\nc: [1, -2, +3, 1.5e3, .5]\nd: ~\ne:\nf: 'true'\ng: True\nh: 0o17\n\
                    i: 1.2.3\nj: |\n  two\n  lines\nk: \"x\\ty\"\nl: {m: n}\no: -\np: 12345678901234567890\n";
        let text = text.replace("o: -\n", "o: '-'\n");
        assert_eq!(
            value(&text),
            json!({"a": "yes", "b": 31, "c": [1, -2, 3, 1500.0, 0.5], "d": null, "e": null,
                "f": "true", "g": true, "h": 15, "i": "1.2.3", "j": "two\nlines\n", "k": "x\ty",
                "l": {"m": "n"}, "o": "-", "p": 12_345_678_901_234_567_890_u64})
        );
        assert_eq!(value(""), Value::Null);
        assert_eq!(value("# nothing\n"), Value::Null);
        assert_eq!(
            value(r#"{"json": ["too", 1]}"#),
            json!({"json": ["too", 1]})
        );
    }

    #[test]
    fn every_value_has_its_place() {
        let (_, places) = read("a:\n  - b: x\n    c/d: \"y\"\n").unwrap();
        let at = |pointer: &str| (places[pointer].line, places[pointer].column);
        assert_eq!(at("/a"), (1, 1));
        assert_eq!(at("/a/0/b"), (2, 8));
        assert_eq!(at("/a/0/c~1d"), (3, 10));
        assert_eq!(places["/a/0/c~1d"].text, Text::Line(1));
    }

    #[test]
    fn what_could_mean_something_else_is_refused_with_its_place() {
        for (text, message, line) in [
            ("a: &x 1\nb: *x\n", "anchors", 1),
            ("a: !!str 1\n", "tags", 1),
            ("a: 1\na: 2\n", "given twice", 2),
            ("a: 1\n---\nb: 2\n", "one document", 2),
            ("a: .inf\n", "no number", 1),
            ("? [a]\n: b\n", "must be a text", 1),
            ("a: [1\n", "", 2),
            ("a:\n\t- b\n", "", 2),
        ] {
            let refused = read(text).unwrap_err();
            assert!(refused.message.contains(message), "{text}: {refused:?}");
            assert_eq!(refused.line, line, "{text}: {refused:?}");
        }
    }

    #[test]
    fn depth_and_number_of_values_are_bounded() {
        let deep = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(read(&deep(MAX_DEPTH)).is_ok());
        assert!(
            read(&deep(MAX_DEPTH + 1))
                .unwrap_err()
                .message
                .contains("deeper")
        );
        let wide = format!("[{}]", "1,".repeat(MAX_VALUES));
        assert!(read(&wide).unwrap_err().message.contains("more than"));
    }
}
