//! `?eval_json`, and strings in JSON's notation.

use super::{Args, Builtin, Returned, Run, define};
use crate::error::ErrorKind;
use crate::eval::{Env, Evaluated};
use crate::number::Number;
use crate::syntax::ast::BuiltinCall;
use crate::value::{Map, Str, Value};

pub(super) const TABLE: &[Builtin] = &[define("eval_json", Run::Str(eval_json), Args::None)];

/// How deeply JSON may nest.
const MAX_DEPTH: usize = 128;

fn eval_json<'a>(env: &mut Env<'a>, call: &'a BuiltinCall, text: Str<'a>) -> Returned<'a> {
    env.steps(text.as_str().len() / 16)?;
    let mut reader = Reader {
        text: text.as_str(),
        at: 0,
        depth: 0,
    };
    let result = reader.document(env)?;
    result.map_err(|message| {
        let message = format!(
            "Failed to \"?eval_json\" string: {message}, at character {} of the string.",
            reader.at + 1
        );
        env.fault(ErrorKind::Value, call.target.src, message)
    })
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
}

/// The budget's faults outside, malformed JSON inside.
type Read<'a, T> = Evaluated<'a, Result<T, String>>;

macro_rules! read {
    ($result:expr) => {
        match $result? {
            Ok(value) => value,
            Err(message) => return Ok(Err(message)),
        }
    };
}

impl Reader<'_> {
    fn document<'a>(&mut self, env: &mut Env<'a>) -> Read<'a, Option<Value<'a>>> {
        let value = read!(self.value(env));
        self.blanks();
        if self.at < self.text.len() {
            return Ok(Err("unexpected text after the value".to_owned()));
        }
        Ok(Ok(value))
    }

    fn blanks(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn value<'a>(&mut self, env: &mut Env<'a>) -> Read<'a, Option<Value<'a>>> {
        self.blanks();
        match self.peek() {
            Some(b'"') => {
                let text = match self.string() {
                    Ok(text) => text,
                    Err(message) => return Ok(Err(message)),
                };
                env.made(text).map(|value| Ok(Some(value)))
            }
            Some(b'{') => self.nested(env, Self::object),
            Some(b'[') => self.nested(env, Self::array),
            Some(b'-' | b'0'..=b'9') => self.number(env),
            _ => {
                for (word, value) in [
                    ("true", Some(Value::Bool(true))),
                    ("false", Some(Value::Bool(false))),
                    ("null", None),
                ] {
                    if self.text[self.at..].starts_with(word) {
                        self.at += word.len();
                        return Ok(Ok(value));
                    }
                }
                Ok(Err("expected a JSON value".to_owned()))
            }
        }
    }

    fn nested<'a>(
        &mut self,
        env: &mut Env<'a>,
        read: fn(&mut Self, &mut Env<'a>) -> Read<'a, Option<Value<'a>>>,
    ) -> Read<'a, Option<Value<'a>>> {
        if self.depth >= MAX_DEPTH {
            return Ok(Err(format!("nested more than {MAX_DEPTH} levels deep")));
        }
        self.depth += 1;
        self.at += 1;
        let result = read(self, env);
        self.depth -= 1;
        result
    }

    fn object<'a>(&mut self, env: &mut Env<'a>) -> Read<'a, Option<Value<'a>>> {
        let mut map = Map::default();
        self.blanks();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Ok(Some(Value::map(map))));
        }
        loop {
            self.blanks();
            if self.peek() != Some(b'"') {
                return Ok(Err("expected a string as the key".to_owned()));
            }
            let key = match self.string() {
                Ok(key) => key,
                Err(message) => return Ok(Err(message)),
            };
            self.blanks();
            if self.peek() != Some(b':') {
                return Ok(Err("expected \":\"".to_owned()));
            }
            self.at += 1;
            let value = read!(self.value(env));
            env.charge_items(2)?;
            map.insert(Str::from(key), value);
            match self.separator(b'}') {
                Ok(true) => {}
                Ok(false) => return Ok(Ok(Some(Value::map(map)))),
                Err(message) => return Ok(Err(message)),
            }
        }
    }

    fn array<'a>(&mut self, env: &mut Env<'a>) -> Read<'a, Option<Value<'a>>> {
        let mut items = Vec::new();
        self.blanks();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Ok(Some(Value::list(items))));
        }
        loop {
            env.charge_items(1)?;
            items.push(read!(self.value(env)));
            match self.separator(b']') {
                Ok(true) => {}
                Ok(false) => return Ok(Ok(Some(Value::list(items)))),
                Err(message) => return Ok(Err(message)),
            }
        }
    }

    /// Steps over `,` (true) or the end (false).
    fn separator(&mut self, end: u8) -> Result<bool, String> {
        self.blanks();
        let found = self.peek();
        self.at += usize::from(found.is_some());
        match found {
            Some(b',') => Ok(true),
            Some(byte) if byte == end => Ok(false),
            _ => {
                self.at = self.at.min(self.text.len());
                while !self.text.is_char_boundary(self.at) {
                    self.at -= 1;
                }
                Err(format!("expected \",\" or \"{}\"", end as char))
            }
        }
    }

    fn number<'a>(&mut self, env: &Env<'a>) -> Read<'a, Option<Value<'a>>> {
        let rest = &self.text[self.at..];
        let len = rest
            .find(|c: char| !matches!(c, '0'..='9' | '-' | '+' | '.' | 'e' | 'E'))
            .unwrap_or(rest.len());
        self.at += len;
        match Number::parse(&rest[..len], env.max_digits()) {
            Some(Ok(number)) => Ok(Ok(Some(Value::Number(number)))),
            _ => Ok(Err("malformed number".to_owned())),
        }
    }

    fn string(&mut self) -> Result<String, String> {
        self.at += 1;
        let mut text = String::new();
        loop {
            let rest = &self.text[self.at..];
            let Some(len) = rest.find(['"', '\\']) else {
                return Err("unclosed string".to_owned());
            };
            text.push_str(&rest[..len]);
            self.at += len + 1;
            if rest.as_bytes()[len] == b'"' {
                return Ok(text);
            }
            text.push(self.escape()?);
        }
    }

    fn escape(&mut self) -> Result<char, String> {
        let escaped = self.peek().ok_or("unclosed string")?;
        if !escaped.is_ascii() {
            return Err("unknown escape".to_owned());
        }
        self.at += 1;
        Ok(match escaped {
            b'"' | b'\\' | b'/' => escaped as char,
            b'n' => '\n',
            b't' => '\t',
            b'r' => '\r',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'u' => {
                let high = self.hex()?;
                if (0xd800..0xdc00).contains(&high) && self.text[self.at..].starts_with("\\u") {
                    self.at += 2;
                    let low = self.hex()?;
                    let code =
                        0x10000 + ((high - 0xd800) << 10) + (low.wrapping_sub(0xdc00) & 0x3ff);
                    return Ok(char::from_u32(code).unwrap_or('\u{fffd}'));
                }
                char::from_u32(high).unwrap_or('\u{fffd}')
            }
            _ => return Err("unknown escape".to_owned()),
        })
    }

    fn hex(&mut self) -> Result<u32, String> {
        let digits = self
            .text
            .get(self.at..self.at + 4)
            .ok_or("\\u needs four hexadecimal digits")?;
        self.at += 4;
        u32::from_str_radix(digits, 16).map_err(|_| "\\u needs four hexadecimal digits".to_owned())
    }
}

/// Writes `text` as a JSON string, quotes included.
pub(super) fn write_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for c in text.chars() {
        match c {
            '"' => out.extend_from_slice(b"\\\""),
            '\\' => out.extend_from_slice(b"\\\\"),
            '\n' => out.extend_from_slice(b"\\n"),
            '\r' => out.extend_from_slice(b"\\r"),
            '\t' => out.extend_from_slice(b"\\t"),
            '\u{8}' => out.extend_from_slice(b"\\b"),
            '\u{c}' => out.extend_from_slice(b"\\f"),
            '\u{0}'..='\u{1f}' => out.extend_from_slice(format!("\\u{:04X}", c as u32).as_bytes()),
            other => out.extend_from_slice(other.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    out.push(b'"');
}
