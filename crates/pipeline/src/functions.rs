//! The helpers that templates call as static methods: those that templates written for the original know as a
//! Java class, and our own.

use std::fmt::Display;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ftl::{Engine, Owned, View};
use model::Timestamp;
use model::json::write_string;

/// The class under whose name templates know the original's helpers.
const CLASS: &str = "com.amplitude.integrations.connector.utils.FtlUtils";

/// The class under whose name they know ours.
const OWN_CLASS: &str = "millstream.Utils";

/// All methods by their classes. Each takes [`ARGUMENTS`].
const METHODS: [(&str, &[&str]); 2] = [
    (CLASS, &["toJson", "toJsonString"]),
    (OWN_CLASS, &["base64"]),
];

/// How many arguments a method takes.
const ARGUMENTS: usize = 1;

/// The classes that there are.
pub(crate) fn classes() -> impl Iterator<Item = &'static str> {
    METHODS.into_iter().map(|(class, _)| class)
}

/// The methods of a class; `None` where there is no such class.
pub(crate) fn methods(class: &str) -> Option<&'static [&'static str]> {
    let mut all = METHODS.into_iter();
    let found = all.find(|(name, _)| *name == class);
    found.map(|(_, methods)| methods)
}

/// Why a method can't be called with so many arguments, if it can't.
pub(crate) fn wrong_count(method: &str, count: usize) -> Option<String> {
    let message = || format!("{method} takes one argument, not {count}");
    (count != ARGUMENTS).then(message)
}

/// How deep a value may nest. Events stay below; a template can build deeper ones.
const MAX_DEPTH: usize = 200;

/// Longest text that a helper returns, in bytes. Bounds its time, too: a small template can build a
/// value that is enormous when written out.
const MAX_LENGTH: usize = 8 << 20;

/// Adds the helpers to what templates can call.
pub(crate) fn register(engine: Engine) -> Engine {
    engine
        .static_method(CLASS, "toJson", |arguments| {
            json_of(only("toJson", arguments)?).map(Owned::Str)
        })
        .static_method(CLASS, "toJsonString", |arguments| {
            json_string_of(only("toJsonString", arguments)?).map(Owned::Str)
        })
        .static_method(OWN_CLASS, "base64", |arguments| {
            base64_of(only("base64", arguments)?).map(Owned::Str)
        })
}

fn only<'a>(method: &str, arguments: &[View<'a>]) -> Result<View<'a>, String> {
    match arguments {
        [only] => Ok(*only),
        other => Err(wrong_count(method, other.len()).unwrap_or_default()),
    }
}

/// The UTF-8 bytes of a text in Base64 (RFC 4648, section 4: with `+`, `/` and padding).
fn base64_of(value: View<'_>) -> Result<String, String> {
    match value {
        View::Str(text) if text.len() > MAX_LENGTH / 4 * 3 => Err(format!(
            "the value's Base64 is longer than {MAX_LENGTH} bytes"
        )),
        View::Str(text) => Ok(STANDARD.encode(text)),
        _ => Err("base64 takes text: of another value take ?string or ?c first".into()),
    }
}

/// Any value as JSON.
fn json_of(value: View<'_>) -> Result<String, String> {
    let mut out = Vec::new();
    write(value, 0, &mut out)?;
    String::from_utf8(out).map_err(|_| "the value is not text".into())
}

/// A JSON string literal: text as it is, anything else as its JSON text in quotes; `null` stays.
fn json_string_of(value: View<'_>) -> Result<String, String> {
    let text = match value {
        View::Null => return Ok("null".into()),
        View::Str(text) => text.to_owned(),
        View::Date(_) => return json_of(value),
        other => json_of(other)?,
    };
    json_of(View::Str(&text))
}

fn write(value: View<'_>, depth: usize, out: &mut Vec<u8>) -> Result<(), String> {
    if depth > MAX_DEPTH {
        return Err(format!("the value nests deeper than {MAX_DEPTH}"));
    }
    match value {
        View::Null => out.extend_from_slice(b"null"),
        View::Bool(value) => push(value, out),
        View::Int(value) => push(value, out),
        View::Float(value) if value.is_finite() => push(format_args!("{value:?}"), out),
        View::Float(_) => return Err("JSON has no infinite numbers".into()),
        View::Number(text) => out.extend_from_slice(text.as_bytes()),
        View::Decimal(value) => push(value, out),
        View::Str(text) => write_string(text, out),
        View::Date(date) => {
            let at = Timestamp::from_millis(date.millis).ok_or("the date is out of range")?;
            write_string(&at.to_string(), out);
        }
        View::Seq(items) => {
            out.push(b'[');
            for index in 0..items.len() {
                separate(index, out)?;
                write(items.get(index).unwrap_or(View::Null), depth + 1, out)?;
            }
            out.push(b']');
        }
        View::Hash(hash) => {
            out.push(b'{');
            for (index, (name, value)) in hash.entries().enumerate() {
                separate(index, out)?;
                write_string(name, out);
                out.push(b':');
                write(value, depth + 1, out)?;
            }
            out.push(b'}');
        }
        View::Opaque => return Err("a macro or function has no JSON form".into()),
    }
    within_length(out)
}

/// Writes the comma before every member but the first.
fn separate(index: usize, out: &mut Vec<u8>) -> Result<(), String> {
    if index > 0 {
        out.push(b',');
    }
    within_length(out)
}

fn within_length(out: &[u8]) -> Result<(), String> {
    if out.len() > MAX_LENGTH {
        return Err(format!(
            "the value's JSON is longer than {MAX_LENGTH} bytes"
        ));
    }
    Ok(())
}

fn push(value: impl Display, out: &mut Vec<u8>) {
    out.extend_from_slice(value.to_string().as_bytes());
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn render(template: &str, data: serde_json::Value) -> Result<String, String> {
        let template = register(Engine::new())
            .compile("test", &format!("<#assign U=statics['{CLASS}']>{template}"))
            .map_err(|error| error.to_string())?;
        let mut out = Vec::new();
        template
            .render_into(&data, &mut out)
            .map_err(|error| error.to_string())?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn to_json_writes_any_value() {
        let data = json!({"x": {"a": [1, 2.5, "q\"\n", null, true], "b": {}}});
        assert_eq!(
            render("${U.toJson(x)}", data).unwrap(),
            r#"{"a":[1,2.5,"q\"\n",null,true],"b":{}}"#
        );
        assert_eq!(
            render(
                "${U.toJson('é/<')} ${U.toJson(7)} ${U.toJson([])}",
                json!({})
            )
            .unwrap(),
            "\"é/<\" 7 []"
        );
        assert_eq!(render("${U.toJson(1/4)}", json!({})).unwrap(), "0.25");
    }

    #[test]
    fn to_json_string_always_writes_a_string_literal() {
        assert_eq!(
            render("${U.toJsonString(x)}", json!({"x": "say \"hi\""})).unwrap(),
            r#""say \"hi\"""#
        );
        assert_eq!(
            render("${U.toJsonString(5)}${U.toJsonString({'a':1})}", json!({})).unwrap(),
            r#""5""{\"a\":1}""#
        );
    }

    #[test]
    fn base64_is_of_the_texts_bytes_with_padding() {
        let encoded = |text: &str| {
            let template = format!("${{statics['{OWN_CLASS}'].base64(x)}}");
            render(&template, json!({"x": text}))
        };
        // The vectors of RFC 4648, section 10, and one that has all of +, / and more than ASCII.
        for (text, expected) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
            ("site:\u{e9}~?\u{3ff}\u{fbff}", "c2l0ZTrDqX4/z7/vr78="),
        ] {
            assert_eq!(encoded(text).as_deref(), Ok(expected), "{text}");
        }
        let number = format!("${{statics['{OWN_CLASS}'].base64(5)}}");
        let refused = render(&number, json!({})).unwrap_err();
        assert!(refused.contains("base64 takes text"), "{refused}");
    }

    #[test]
    fn all_methods_that_are_told_of_are_there() {
        for (class, names) in METHODS {
            for name in names {
                let called = format!("${{statics['{class}'].{name}('a')}}");
                assert!(render(&called, json!({})).is_ok(), "{called}");
            }
        }
    }

    #[test]
    fn misuse_and_monsters_are_errors() {
        assert!(
            render("${U.toJson()}", json!({}))
                .unwrap_err()
                .contains("takes one argument")
        );
        assert!(render("${U.nothing(1)}", json!({})).is_err());
        let deep = "<#assign x=[]><#list 1..300 as i><#assign x=[x]></#list>${U.toJson(x)}";
        assert!(
            render(deep, json!({}))
                .unwrap_err()
                .contains("nests deeper")
        );
        let wide =
            "<#assign x=['aaaaaaaa']><#list 1..60 as i><#assign x=[x,x]></#list>${U.toJson(x)}";
        assert!(render(wide, json!({})).unwrap_err().contains("longer than"));
    }
}
