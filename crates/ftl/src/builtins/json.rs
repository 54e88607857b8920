//! `?eval_json`, and strings in JSON's notation.

use super::{Args, Builtin, Returned, Run, define, excerpt};
use crate::error::{ErrorKind, java_quoted};
use crate::eval::{Env, Evaluated};
use crate::number::Number;
use crate::syntax::ast::BuiltinCall;
use crate::value::{Map, Str, Value};

pub(super) const TABLE: &[Builtin] = &[define("eval_json", Run::Str(eval_json), Args::None)];

/// How deeply JSON may nest.
const MAX_DEPTH: usize = 200;

fn eval_json<'a>(env: &mut Env<'a>, call: &'a BuiltinCall, text: Str<'a>) -> Returned<'a> {
    env.steps(text.as_str().len() / 16)?;
    let mut reader = Reader {
        text: text.as_str(),
        at: 0,
        depth: 0,
    };
    let result = reader.document(env)?;
    result.map_err(|problem| {
        let message = format!(
            "Failed to \"?eval_json\" string with this error:\n\n---begin-message---\n{}\n{}\n---end-message---\n\nThe failing expression:",
            problem.message,
            excerpt::place(text.as_str(), problem.at)
        );
        env.fault(ErrorKind::Value, call.head, message)
    })
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
}

/// What is wrong, and at which byte.
struct Problem {
    message: String,
    at: usize,
}

/// The budget's faults outside, malformed JSON inside.
type Read<'a, T> = Evaluated<'a, Result<T, Problem>>;

macro_rules! read {
    ($result:expr) => {
        match $result {
            Ok(value) => value,
            Err(problem) => return Ok(Err(problem)),
        }
    };
}

impl<'t> Reader<'t> {
    fn problem(&self, at: usize, message: impl Into<String>) -> Problem {
        let message = message.into();
        Problem { message, at }
    }

    fn document<'a>(&mut self, env: &mut Env<'a>) -> Read<'a, Option<Value<'a>>> {
        read!(self.blanks());
        if self.peek().is_none() {
            return Ok(Err(self.problem(self.at, "Empty JSON (contains no value)")));
        }
        let value = read!(self.value(env)?);
        read!(self.blanks());
        if self.at < self.text.len() {
            let message = "End-of-file was expected but found further non-whitespace characters.";
            return Ok(Err(self.problem(self.at, message)));
        }
        Ok(Ok(value))
    }

    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Steps over white-space and comments.
    fn blanks(&mut self) -> Result<(), Problem> {
        const BLANKS: [char; 6] = [' ', '\t', '\n', '\r', '\u{a0}', '\u{feff}'];
        loop {
            let rest = self.rest().trim_start_matches(BLANKS);
            self.at = self.text.len() - rest.len();
            if rest.starts_with("//") {
                let end = rest.find(['\n', '\r']).unwrap_or(rest.len());
                self.at += end;
            } else if let Some(comment) = rest.strip_prefix("/*") {
                let Some(end) = comment.find("*/") else {
                    return Err(self.problem(self.at, "Unclosed comment"));
                };
                self.at += end + 4;
            } else {
                return Ok(());
            }
        }
    }

    fn value<'a>(&mut self, env: &mut Env<'a>) -> Read<'a, Option<Value<'a>>> {
        read!(self.blanks());
        let Some(first) = self.peek() else {
            let message = "A value was expected here, but end-of-file was reached.";
            return Ok(Err(self.problem(self.at, message)));
        };
        match first {
            '"' => {
                let text = read!(self.string());
                env.made(text).map(|value| Ok(Some(value)))
            }
            '{' => self.nested(env, Self::object),
            '[' => self.nested(env, Self::array),
            '\'' => {
                let message = "Unexpected apostrophe-quote character. JSON strings must be quoted with quotation mark.";
                Ok(Err(self.problem(self.at, message)))
            }
            '-' | '.' | '0'..='9' => self.number(env, first),
            _ if is_name(first) => Ok(self.keyword()),
            _ => Ok(Err(self.no_value(first))),
        }
    }

    fn no_value(&self, found: char) -> Problem {
        let message = format!(
            "Expected either the beginning of a (negative) number or the beginning of one of these: {{...}}, [...], \"...\", true, false, null. Found character {} instead.",
            java_quoted(found.encode_utf8(&mut [0; 4]))
        );
        self.problem(self.at, message)
    }

    fn keyword<'a>(&mut self) -> Result<Option<Value<'a>>, Problem> {
        let rest = self.rest();
        let end = rest
            .find(|c: char| !is_name(c) && !c.is_ascii_digit())
            .unwrap_or(rest.len());
        let value = match &rest[..end] {
            "true" => Some(Value::Bool(true)),
            "false" => Some(Value::Bool(false)),
            "null" => None,
            other => {
                let message = format!(
                    "Invalid JSON keyword: {}. Should be one of: true, false, null. If it meant to be a string then it must be quoted.",
                    java_quoted(other)
                );
                return Err(self.problem(self.at, message));
            }
        };
        self.at += end;
        Ok(value)
    }

    fn nested<'a>(
        &mut self,
        env: &mut Env<'a>,
        read: fn(&mut Self, &mut Env<'a>) -> Read<'a, Option<Value<'a>>>,
    ) -> Read<'a, Option<Value<'a>>> {
        if self.depth >= MAX_DEPTH {
            let message = format!("JSON is nested more than {MAX_DEPTH} levels deep");
            return Ok(Err(self.problem(self.at, message)));
        }
        self.depth += 1;
        let result = read(self, env);
        self.depth -= 1;
        result
    }

    fn object<'a>(&mut self, env: &mut Env<'a>) -> Read<'a, Option<Value<'a>>> {
        let start = self.at;
        self.at += 1;
        let mut map = Map::default();
        if read!(self.ends_at_once(start, '}')) {
            return Ok(Ok(Some(Value::map(map))));
        }
        loop {
            read!(self.blanks());
            let key_start = self.at;
            let key = match read!(self.value(env)?) {
                Some(Value::Str(key)) => key,
                _ => {
                    let message = "Wrong key type. JSON only allows string keys inside {...}.";
                    return Ok(Err(self.problem(key_start, message)));
                }
            };
            read!(self.blanks());
            match self.peek() {
                Some(':') => self.at += 1,
                Some(found) => return Ok(Err(self.expected("\":\"", found))),
                None => {
                    let message = "Expected \":\" character, but reached end-of-file. ";
                    return Ok(Err(self.problem(self.at, message)));
                }
            }
            let value = read!(self.value(env)?);
            env.charge_items(2)?;
            map.insert(key, value);
            if !read!(self.goes_on(start, '}')) {
                return Ok(Ok(Some(Value::map(map))));
            }
        }
    }

    fn array<'a>(&mut self, env: &mut Env<'a>) -> Read<'a, Option<Value<'a>>> {
        let start = self.at;
        self.at += 1;
        let mut items = Vec::new();
        if read!(self.ends_at_once(start, ']')) {
            return Ok(Ok(Some(Value::list(items))));
        }
        loop {
            env.charge_items(1)?;
            items.push(read!(self.value(env)?));
            if !read!(self.goes_on(start, ']')) {
                return Ok(Ok(Some(Value::list(items))));
            }
        }
    }

    /// Whether what has been opened at `start` is empty.
    fn ends_at_once(&mut self, start: usize, end: char) -> Result<bool, Problem> {
        self.blanks()?;
        match self.peek() {
            None => Err(self.unclosed(start, end)),
            Some(found) if found == end => {
                self.at += 1;
                Ok(true)
            }
            Some(_) => Ok(false),
        }
    }

    /// Steps over `,` (true) or the end (false).
    fn goes_on(&mut self, start: usize, end: char) -> Result<bool, Problem> {
        self.blanks()?;
        match self.peek() {
            None => Err(self.unclosed(start, end)),
            Some(found) if found == ',' || found == end => {
                self.at += 1;
                Ok(found == ',')
            }
            Some(found) => Err(self.expected(&format!("\",\" or \"{end}\""), found)),
        }
    }

    fn expected(&self, what: &str, found: char) -> Problem {
        let found = java_quoted(found.encode_utf8(&mut [0; 4]));
        let message = format!("Expected {what} character, but found {found} instead.");
        self.problem(self.at, message)
    }

    fn unclosed(&self, start: usize, end: char) -> Problem {
        let shape = if end == '}' { "{...}" } else { "[...]" };
        let message = format!(
            "This {shape} was still unclosed when the end of the file was reached. (Look for a missing \"{end}\")"
        );
        self.problem(start, message)
    }

    fn number<'a>(&mut self, env: &Env<'a>, first: char) -> Read<'a, Option<Value<'a>>> {
        let start = self.at;
        let digits = start + usize::from(first == '-');
        let bytes = self.text.as_bytes();
        match bytes.get(digits) {
            None => {
                let message = "Expected a digit after \"-\", but reached end-of-file.";
                return Ok(Err(self.problem(start, message)));
            }
            Some(b'.') => {
                let message = "JSON doesn't allow numbers starting with \".\".";
                return Ok(Err(self.problem(digits, message)));
            }
            Some(b'0') if bytes.get(digits + 1).is_some_and(u8::is_ascii_digit) => {
                let message = "JSON doesn't allow superfluous leading 0-s.";
                return Ok(Err(self.problem(digits, message)));
            }
            Some(b'0'..=b'9') => {}
            Some(_) => return Ok(Err(self.no_value('-'))),
        }
        let mut end = digits;
        while let Some(byte) = bytes.get(end) {
            let is_sign = matches!(byte, b'+' | b'-') && matches!(bytes[end - 1], b'e' | b'E');
            if !is_sign && !matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E') {
                break;
            }
            end += 1;
        }
        let notation = &self.text[start..end];
        // Java takes a point without digits after it.
        let mut plain = notation.replacen(".e", "e", 1).replacen(".E", "E", 1);
        if plain.ends_with('.') {
            plain.pop();
        }
        match Number::parse(&plain, env.max_digits()) {
            Some(Ok(number)) => {
                self.at = end;
                Ok(Ok(Some(Value::Number(number))))
            }
            _ => Ok(Err(
                self.problem(start, format!("Malformed number: {notation}"))
            )),
        }
    }

    fn string(&mut self) -> Result<String, Problem> {
        let start = self.at;
        self.at += 1;
        let mut text = String::new();
        loop {
            let rest = self.rest();
            let Some(len) = rest.find(|c| matches!(c, '"' | '\\' | '\0'..='\u{1f}')) else {
                let message = "String literal was still unclosed when the end of the file was reached. (Look for missing or accidentally escaped closing quotation mark.)";
                return Err(self.problem(start, message));
            };
            text.push_str(&rest[..len]);
            let found = rest.as_bytes()[len];
            self.at += len;
            match found {
                b'"' => {
                    self.at += 1;
                    return Ok(text);
                }
                b'\\' => {
                    self.at += 1;
                    text.push(self.escape()?);
                }
                control => {
                    let message = format!(
                        "JSON doesn't allow unescaped control characters in string literals, but found character with code (decimal): {control}"
                    );
                    return Err(self.problem(self.at, message));
                }
            }
        }
    }

    fn escape(&mut self) -> Result<char, Problem> {
        let Some(escaped) = self.peek() else {
            let message = "Reached the end of the file, but the escape is unclosed.";
            return Err(self.problem(self.at, message));
        };
        let plain = match escaped {
            '"' | '\\' | '/' => escaped,
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'u' => {
                self.at += 1;
                return self.unicode();
            }
            other => return Err(self.problem(self.at, format!("Unsupported escape: \\{other}"))),
        };
        self.at += 1;
        Ok(plain)
    }

    /// What follows `\u`; a pair of surrogates is one character.
    fn unicode(&mut self) -> Result<char, Problem> {
        let high = self.hex()?;
        if (0xd800..0xdc00).contains(&high) && self.rest().starts_with("\\u") {
            self.at += 2;
            let low = self.hex()?;
            let code = 0x10000 + ((high - 0xd800) << 10) + (low.wrapping_sub(0xdc00) & 0x3ff);
            return Ok(char::from_u32(code).unwrap_or('\u{fffd}'));
        }
        Ok(char::from_u32(high).unwrap_or('\u{fffd}'))
    }

    fn hex(&mut self) -> Result<u32, Problem> {
        const MESSAGE: &str = "\\u must be followed by exactly 4 hexadecimal digits";
        let Some((last, _)) = self.rest().char_indices().nth(3) else {
            return Err(self.problem(self.at, MESSAGE));
        };
        let rest = self.rest();
        let len = last + rest[last..].chars().next().map_or(0, char::len_utf8);
        let digits = &rest[..len];
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            let found = java_quoted(digits);
            let message = format!("{MESSAGE}, but was followed by {found}.");
            return Err(self.problem(self.at, message));
        }
        let code = u32::from_str_radix(digits, 16).unwrap_or_default();
        self.at += len;
        Ok(code)
    }
}

/// Whether a word may begin with `c`.
fn is_name(c: char) -> bool {
    c.is_alphabetic() || matches!(c, '_' | '$')
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
