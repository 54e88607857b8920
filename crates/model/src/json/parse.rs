//! The parser: one pass over bytes that have been checked to be UTF-8.

use std::borrow::Cow;

use super::{Number, Object, Value};

/// What a text may ask of the parser before it is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How deep arrays and objects may nest.
    pub depth: usize,
    /// How many values the text may hold in all: each costs up to 56 bytes of memory.
    pub values: usize,
    /// Whether a repeated name within one object is looked for (the last one then counts). Texts
    /// of our own making have none, and are parsed faster without.
    pub repeated_names: bool,
}

impl Limits {
    /// For texts from outside.
    pub const FOREIGN: Self = Self {
        depth: 64,
        values: 1_000_000,
        repeated_names: true,
    };
    /// For texts that we wrote ourselves.
    pub const OWN: Self = Self {
        depth: 128,
        values: usize::MAX,
        repeated_names: false,
    };
}

/// Why a text is not JSON, or more than we take, and where. Line and column count from 1; columns
/// count bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem} at line {line} column {column}")]
pub struct Error {
    /// What is wrong.
    pub problem: &'static str,
    /// The line, from 1.
    pub line: usize,
    /// The column in bytes, from 1.
    pub column: usize,
}

/// Parses a whole text.
pub fn parse<'a>(text: &'a [u8], limits: &Limits) -> Result<Value<'a>, Error> {
    let utf8 =
        std::str::from_utf8(text).map_err(|e| error_at(text, e.valid_up_to(), "invalid UTF-8"))?;
    let mut parser = Parser {
        text: utf8,
        bytes: text,
        at: 0,
        values_left: limits.values,
        limits,
        items: Vec::new(),
        // Rarely too few, and a text of so few bytes can't hold more.
        members: Vec::with_capacity((text.len() / 8).min(64)),
    };
    let parsed = parser.document();
    parsed.map_err(|problem| error_at(text, parser.at, problem))
}

fn error_at(text: &[u8], at: usize, problem: &'static str) -> Error {
    let before = &text[..at.min(text.len())];
    let line_start = before
        .iter()
        .rposition(|&b| b == b'\n')
        .map_or(0, |newline| newline + 1);
    Error {
        problem,
        line: 1 + before.iter().filter(|&&b| b == b'\n').count(),
        column: 1 + before.len() - line_start,
    }
}

struct Parser<'a, 'l> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    values_left: usize,
    limits: &'l Limits,
    /// Items of the arrays that are open, and members of the objects: gathered here until their
    /// number is known, so that each array and object is allocated once and holds no spare room.
    items: Vec<Value<'a>>,
    members: Vec<(Cow<'a, str>, Value<'a>)>,
}

type Parsed<T> = Result<T, &'static str>;

impl<'a> Parser<'a, '_> {
    fn document(&mut self) -> Parsed<Value<'a>> {
        self.skip_space();
        let value = self.value(0)?;
        self.skip_space();
        if self.at < self.bytes.len() {
            return Err("unexpected text after the value");
        }
        Ok(value)
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    fn count_value(&mut self) -> Parsed<()> {
        self.values_left = self.values_left.checked_sub(1).ok_or("too many values")?;
        Ok(())
    }

    fn value(&mut self, depth: usize) -> Parsed<Value<'a>> {
        self.count_value()?;
        match self.peek() {
            Some(b'"') => self.string().map(Value::String),
            Some(b'{') => self.object(depth).map(Value::Object),
            Some(b'[') => self.array(depth).map(Value::Array),
            Some(b'-' | b'0'..=b'9') => self.number().map(Value::Number),
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            Some(b'n') => self.word("null", Value::Null),
            Some(_) => Err("expected a value"),
            None => Err("unexpected end of the text"),
        }
    }

    fn word(&mut self, word: &str, value: Value<'a>) -> Parsed<Value<'a>> {
        if !self.bytes[self.at..].starts_with(word.as_bytes()) {
            return Err("expected a value");
        }
        self.at += word.len();
        Ok(value)
    }

    fn array(&mut self, depth: usize) -> Parsed<Vec<Value<'a>>> {
        self.open(depth)?;
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Vec::new());
        }
        let start = self.items.len();
        loop {
            let item = self.value(depth + 1)?;
            self.items.push(item);
            self.skip_space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => break,
                Some(_) => return Err("expected a comma or ]"),
                None => return Err("unexpected end of the text"),
            }
            self.skip_space();
        }
        self.at += 1;
        Ok(self.items.split_off(start))
    }

    fn object(&mut self, depth: usize) -> Parsed<Object<'a>> {
        self.open(depth)?;
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Object::new());
        }
        let start = self.members.len();
        loop {
            if self.peek() != Some(b'"') {
                return Err("expected a name in double quotes");
            }
            let name = self.string()?;
            self.skip_space();
            if self.peek() != Some(b':') {
                return Err("expected a colon");
            }
            self.at += 1;
            self.skip_space();
            if self.peek() == Some(b'"') {
                // Most values are strings: they go straight to their place, without a copy on the way.
                self.count_value()?;
                let text = self.string()?;
                self.members.push((name, Value::String(text)));
            } else {
                let value = self.value(depth + 1)?;
                self.members.push((name, value));
            }
            self.skip_space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => break,
                Some(_) => return Err("expected a comma or }"),
                None => return Err("unexpected end of the text"),
            }
            self.skip_space();
        }
        self.at += 1;
        let mut members = self.members.split_off(start);
        if self.limits.repeated_names {
            keep_last_of_repeated(&mut members);
        }
        Ok(Object(members))
    }

    /// Steps over an opening bracket and the space behind it.
    fn open(&mut self, depth: usize) -> Parsed<()> {
        if depth >= self.limits.depth {
            return Err("nested too deep");
        }
        self.at += 1;
        self.skip_space();
        Ok(())
    }

    fn number(&mut self) -> Parsed<Number<'a>> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits()?,
            _ => return Err("expected a digit"),
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(Number(Cow::Borrowed(&self.text[start..self.at])))
    }

    fn digits(&mut self) -> Parsed<()> {
        let start = self.at;
        while self.peek().is_some_and(|b| b.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at == start {
            Err("expected a digit")
        } else {
            Ok(())
        }
    }

    // Most strings have no escapes, and most of a text is strings: worth having in place.
    #[inline(always)]
    fn string(&mut self) -> Parsed<Cow<'a, str>> {
        self.at += 1;
        let start = self.at;
        self.at += plain_length(&self.bytes[start..]);
        if self.peek() == Some(b'"') {
            self.at += 1;
            return Ok(Cow::Borrowed(&self.text[start..self.at - 1]));
        }
        self.string_with_escapes(start).map(Cow::Owned)
    }

    /// The string that began at `start` and has been read up to its first escape.
    #[inline(never)]
    fn string_with_escapes(&mut self, start: usize) -> Parsed<String> {
        // Most strings with escapes have room in this, so that they are allocated once.
        const ROOM_FOR_REST: usize = 32;
        let before = &self.text[start..self.at];
        let mut resolved = String::with_capacity(before.len() + ROOM_FOR_REST);
        resolved.push_str(before);
        loop {
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => {
                    self.at += 1;
                    resolved.push(self.escape()?);
                }
                Some(_) => return Err("unescaped control character in a string"),
                None => return Err("unexpected end of the text in a string"),
            }
            let run = self.at;
            self.at += plain_length(&self.bytes[self.at..]);
            resolved.push_str(&self.text[run..self.at]);
        }
        self.at += 1;
        Ok(resolved)
    }

    /// The character that the escape behind a backslash stands for.
    fn escape(&mut self) -> Parsed<char> {
        let simple = match self.peek() {
            Some(b @ (b'"' | b'\\' | b'/')) => char::from(b),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                self.at += 1;
                return self.unicode_escape();
            }
            _ => return Err("invalid escape in a string"),
        };
        self.at += 1;
        Ok(simple)
    }

    /// Four hexadecimal digits, twice for a surrogate pair. A lone surrogate becomes U+FFFD: it is
    /// no character, but clients that cut strings in the middle of one do send it.
    fn unicode_escape(&mut self) -> Parsed<char> {
        let first = self.four_hex_digits()?;
        if let 0xd800..=0xdbff = first
            && self.bytes[self.at..].starts_with(b"\\u")
        {
            let back = self.at;
            self.at += 2;
            let second = self.four_hex_digits()?;
            if let 0xdc00..=0xdfff = second {
                let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            self.at = back;
        }
        Ok(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn four_hex_digits(&mut self) -> Parsed<u32> {
        let digits = self
            .bytes
            .get(self.at..self.at + 4)
            .ok_or("unexpected end of the text in a string")?;
        let mut code = 0;
        for &digit in digits {
            code = code * 16
                + char::from(digit)
                    .to_digit(16)
                    .ok_or("invalid escape in a string")?;
        }
        self.at += 4;
        Ok(code)
    }
}

/// How many leading bytes are neither a quote, nor a backslash, nor a control character. Looks at
/// eight bytes at a time: a byte of `x` is below `n` where the high bit of `(x - n) & !x` is set.
#[inline]
pub(super) fn plain_length(bytes: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    let below = |word: u64, limit: u64| word.wrapping_sub(ONES * limit) & !word & HIGHS;
    let equal = |word: u64, byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    let mut length = 0;
    for chunk in bytes.chunks_exact(8) {
        let word = u64::from_le_bytes([
            chunk[0], chunk[1], chunk[2], chunk[3], chunk[4], chunk[5], chunk[6], chunk[7],
        ]);
        let special = below(word, 0x20) | equal(word, b'"') | equal(word, b'\\');
        if special != 0 {
            // The lowest marked byte is exact: borrows only run upwards.
            return length + special.trailing_zeros() as usize / 8;
        }
        length += 8;
    }
    length
        + bytes[length..]
            .iter()
            .take_while(|&&b| b >= 0x20 && b != b'"' && b != b'\\')
            .count()
}

/// Of members with the same name, keeps the last one's value in the first one's place.
fn keep_last_of_repeated(members: &mut Vec<(Cow<'_, str>, Value<'_>)>) {
    if !has_repeated(members) {
        return;
    }
    let mut places = std::collections::HashMap::with_capacity(members.len());
    let mut unique: Vec<(Cow<'_, str>, Value<'_>)> = Vec::with_capacity(members.len());
    for (name, value) in members.drain(..) {
        match places.get(&name) {
            Some(&place) => {
                let slot: &mut (Cow<'_, str>, Value<'_>) = &mut unique[place];
                slot.1 = value;
            }
            None => {
                places.insert(name.clone(), unique.len());
                unique.push((name, value));
            }
        }
    }
    *members = unique;
}

/// Whether two members have the same name.
fn has_repeated(members: &[(Cow<'_, str>, Value<'_>)]) -> bool {
    const FEW: usize = 64;
    let mut marks = [0_u32; FEW];
    let Some(marks) = marks.get_mut(..members.len()) else {
        let mut names: Vec<&str> = members.iter().map(|(name, _)| name.as_ref()).collect();
        names.sort_unstable();
        return names.windows(2).any(|pair| pair[0] == pair[1]);
    };
    for (index, (name, _)) in members.iter().enumerate() {
        let mark = mark(name.as_bytes());
        // Equal names have equal marks. All earlier ones are compared, not only up to the first
        // that is equal: that many processors do at once.
        let seen = marks[..index]
            .iter()
            .fold(false, |seen, &m| seen | (m == mark));
        if seen && members[..index].iter().any(|(earlier, _)| earlier == name) {
            return true;
        }
        marks[index] = mark;
    }
    false
}

/// What tells most names apart at a glance: the length, two bytes at the ends, one in the middle.
fn mark(name: &[u8]) -> u32 {
    let [first, .., last] = name else {
        return name.first().map_or(0, |&only| 1 + u32::from(only));
    };
    let middle = name[name.len() / 2];
    u32::from_le_bytes([name.len() as u8, *first, middle, *last])
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
