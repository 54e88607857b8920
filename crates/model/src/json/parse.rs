//! The parser: one pass over bytes that have been checked to be UTF-8.

use std::borrow::Cow;
use std::mem;

use super::marks::{Marks, Room};
use super::repeated::{has_repeated, last_of_repeated};
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
    let mut room = Room::default();
    let mut parser = Parser {
        text: utf8,
        marks: Marks::of(text, &mut room),
        at: 0,
        values_left: limits.values,
        limits: *limits,
    };
    // Rarely too few, and a text of so few bytes can't hold more.
    let places = Vec::with_capacity((text.len() / 8).min(64));
    let parsed = parser.document(places);
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

pub(super) struct Parser<'a, 'm> {
    pub(super) text: &'a str,
    pub(super) marks: Marks<'m>,
    /// Where reading failed, or where the text goes on behind a string with escapes.
    pub(super) at: usize,
    values_left: usize,
    limits: Limits,
}

pub(super) type Parsed<T> = Result<T, &'static str>;

pub(super) type Member<'a> = (Cow<'a, str>, Value<'a>);

/// Members of the objects that are open and, without names, items of the arrays: gathered here until
/// their number is known, so that each object and array is allocated once and holds no spare room. Each
/// gets its place before it is read, and its parts are written there one by one: what is put together
/// elsewhere is copied in wider pieces than it was written in, for which processors wait.
type Places<'a> = Vec<Member<'a>>;

/// A place for what is read next.
#[inline(always)]
fn unfilled<'p, 'a>(places: &'p mut Places<'a>) -> &'p mut Member<'a> {
    // A constant: it is copied as it stands.
    const UNFILLED: Member<'static> = (Cow::Borrowed(""), Value::Null);
    places.push(UNFILLED);
    places.last_mut().expect("pushed just now")
}

/// Where the value stands that is read next.
#[inline(always)]
fn last<'p, 'a>(places: &'p mut Places<'a>) -> &'p mut Value<'a> {
    let (_, value) = places.last_mut().expect("pushed before");
    value
}

/// Fills a part of a place in which nothing stands that would have to be dropped.
#[inline(always)]
fn fill<T>(part: &mut T, with: T) {
    mem::forget(mem::replace(part, with));
}

// What reads takes where it begins and returns where the text goes on.
impl<'a> Parser<'a, '_> {
    fn document(&mut self, mut places: Places<'a>) -> Parsed<Value<'a>> {
        let (at, byte) = self.behind_space(0);
        let (value, behind) = if byte == b'{' {
            self.count_value(at)?;
            let behind = self.members(&mut places, at, 0)?;
            // Nothing else is open: they stay where they are.
            places.shrink_to_fit();
            if self.limits.repeated_names && has_repeated(&places) {
                places = last_of_repeated(places);
            }
            (Value::Object(Object(places)), behind)
        } else {
            unfilled(&mut places);
            let behind = self.value(&mut places, at, byte, 0)?;
            let value = places.pop().map_or(Value::Null, |(_, value)| value);
            (value, behind)
        };
        let (end, _) = self.behind_space(behind);
        if end < self.bytes().len() {
            return self.fail(end, "unexpected text after the value");
        }
        Ok(value)
    }

    #[cold]
    #[inline(never)]
    fn fail<T>(&mut self, at: usize, problem: &'static str) -> Parsed<T> {
        self.at = at;
        Err(problem)
    }

    /// Fails with `problem` at `at`, if the text doesn't end there.
    #[cold]
    #[inline(never)]
    fn unexpected<T>(&mut self, at: usize, problem: &'static str) -> Parsed<T> {
        match at < self.bytes().len() {
            true => self.fail(at, problem),
            false => self.fail(at, "unexpected end of the text"),
        }
    }

    #[inline(always)]
    pub(super) fn bytes(&self) -> &'a [u8] {
        self.text.as_bytes()
    }

    #[inline(always)]
    fn peek(&self, at: usize) -> u8 {
        // No zero means anything outside of strings.
        self.bytes().get(at).copied().unwrap_or(0)
    }

    /// Where the next byte that is no space stands, from `at` on, and that byte: at the end of the
    /// text a zero, with which nothing can begin.
    #[inline(always)]
    fn behind_space(&self, at: usize) -> (usize, u8) {
        match self.bytes().get(at) {
            // Most texts have no space between their parts.
            Some(&byte) if byte > b' ' => (at, byte),
            _ => self.behind_much_space(at),
        }
    }

    #[cold]
    #[inline(never)]
    fn behind_much_space(&self, mut at: usize) -> (usize, u8) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.bytes().get(at) {
            at += 1;
        }
        (at, self.bytes().get(at).copied().unwrap_or(0))
    }

    #[inline(always)]
    fn count_value(&mut self, at: usize) -> Parsed<()> {
        match self.values_left {
            0 => self.fail(at, "too many values"),
            left => {
                self.values_left = left - 1;
                Ok(())
            }
        }
    }

    /// Reads the value that begins with `byte` into the last place.
    #[inline(always)]
    fn value(
        &mut self,
        places: &mut Places<'a>,
        at: usize,
        byte: u8,
        depth: usize,
    ) -> Parsed<usize> {
        self.count_value(at)?;
        match byte {
            b'"' => {}
            b'-' | b'0'..=b'9' => return self.number_value(places, at),
            b'{' => return self.object_value(places, at, depth),
            b'[' => return self.array_value(places, at, depth),
            _ => return self.word_value(places, at, byte),
        }
        let end = self.marks.next(at + 1);
        if self.peek(end) == b'"' {
            let text = &self.text[at + 1..end];
            fill(last(places), Value::String(Cow::Borrowed(text)));
            return Ok(end + 1);
        }
        let text = self.string_with_escapes(at + 1, end)?;
        fill(last(places), Value::String(Cow::Owned(text)));
        Ok(self.at)
    }

    #[inline(never)]
    fn object_value(&mut self, places: &mut Places<'a>, at: usize, depth: usize) -> Parsed<usize> {
        let start = places.len();
        let behind = self.members(places, at, depth)?;
        let members = places.split_off(start);
        match self.limits.repeated_names && has_repeated(&members) {
            true => {
                let members = last_of_repeated(members);
                fill(last(places), Value::Object(Object(members)));
            }
            false => fill(last(places), Value::Object(Object(members))),
        }
        Ok(behind)
    }

    #[inline(never)]
    fn array_value(&mut self, places: &mut Places<'a>, at: usize, depth: usize) -> Parsed<usize> {
        let start = places.len();
        let behind = self.items(places, at, depth)?;
        let items = places.drain(start..).map(|(_, item)| item).collect();
        fill(last(places), Value::Array(items));
        Ok(behind)
    }

    #[inline(never)]
    fn number_value(&mut self, places: &mut Places<'a>, at: usize) -> Parsed<usize> {
        let behind = self.number(at)?;
        let text = &self.text[at..behind];
        fill(last(places), Value::Number(Number(Cow::Borrowed(text))));
        Ok(behind)
    }

    #[inline(never)]
    fn word_value(&mut self, places: &mut Places<'a>, at: usize, byte: u8) -> Parsed<usize> {
        match byte {
            b't' => {
                fill(last(places), Value::Bool(true));
                self.word(at, "true")
            }
            b'f' => {
                fill(last(places), Value::Bool(false));
                self.word(at, "false")
            }
            // What stands there already.
            b'n' => self.word(at, "null"),
            _ => self.unexpected(at, "expected a value"),
        }
    }

    #[inline(always)]
    fn word(&mut self, at: usize, word: &str) -> Parsed<usize> {
        match self.bytes()[at..].starts_with(word.as_bytes()) {
            true => Ok(at + word.len()),
            false => self.fail(at, "expected a value"),
        }
    }

    /// Reads the items of an array into places of their own.
    #[inline(never)]
    fn items(&mut self, places: &mut Places<'a>, at: usize, depth: usize) -> Parsed<usize> {
        let (mut at, mut byte) = self.open(at, depth)?;
        if byte == b']' {
            return Ok(at + 1);
        }
        loop {
            unfilled(places);
            let behind = self.value(places, at, byte, depth + 1)?;
            (at, byte) = self.behind_space(behind);
            match byte {
                b',' => (at, byte) = self.behind_space(at + 1),
                b']' => return Ok(at + 1),
                _ => return self.unexpected(at, "expected a comma or ]"),
            }
        }
    }

    /// Reads the members of an object into places of their own.
    #[inline(never)]
    fn members(&mut self, places: &mut Places<'a>, at: usize, depth: usize) -> Parsed<usize> {
        let (mut at, mut byte) = self.open(at, depth)?;
        if byte == b'}' {
            return Ok(at + 1);
        }
        loop {
            if byte != b'"' {
                return self.fail(at, "expected a name in double quotes");
            }
            let (place, _) = unfilled(places);
            let mut behind = self.marks.next(at + 1);
            if self.peek(behind) == b'"' {
                let name = &self.text[at + 1..behind];
                fill(place, Cow::Borrowed(name));
                behind += 1;
            } else {
                let name = self.string_with_escapes(at + 1, behind)?;
                fill(place, Cow::Owned(name));
                behind = self.at;
            }
            (at, byte) = self.behind_space(behind);
            if byte != b':' {
                return self.fail(at, "expected a colon");
            }
            (at, byte) = self.behind_space(at + 1);
            behind = self.value(places, at, byte, depth + 1)?;
            (at, byte) = self.behind_space(behind);
            match byte {
                b',' => (at, byte) = self.behind_space(at + 1),
                b'}' => return Ok(at + 1),
                _ => return self.unexpected(at, "expected a comma or }"),
            }
        }
    }

    /// Steps over an opening bracket and the space behind it; what begins there.
    #[inline(always)]
    fn open(&mut self, at: usize, depth: usize) -> Parsed<(usize, u8)> {
        if depth >= self.limits.depth {
            return self.fail(at, "nested too deep");
        }
        Ok(self.behind_space(at + 1))
    }

    #[inline(always)]
    fn number(&mut self, start: usize) -> Parsed<usize> {
        let mut at = start;
        if self.peek(at) == b'-' {
            at += 1;
        }
        match self.peek(at) {
            b'0' => at += 1,
            _ => at = self.digits(at)?,
        }
        if self.peek(at) == b'.' {
            at = self.digits(at + 1)?;
        }
        if let b'e' | b'E' = self.peek(at) {
            at += 1;
            if let b'+' | b'-' = self.peek(at) {
                at += 1;
            }
            at = self.digits(at)?;
        }
        Ok(at)
    }

    #[inline(always)]
    fn digits(&mut self, start: usize) -> Parsed<usize> {
        let mut at = start;
        while self.peek(at).is_ascii_digit() {
            at += 1;
        }
        match at > start {
            true => Ok(at),
            false => self.fail(at, "expected a digit"),
        }
    }
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
