//! Strings with escapes.

use super::parse::{Parsed, Parser};

impl Parser<'_, '_> {
    /// The string that began at `start` and has no escape before `at`; sets `self.at` behind it.
    #[inline(never)]
    pub(super) fn string_with_escapes(&mut self, start: usize, at: usize) -> Parsed<String> {
        // Most strings with escapes have room in this, so that they are allocated once.
        const ROOM_FOR_REST: usize = 32;
        self.at = at;
        let before = &self.text[start..at];
        let mut resolved = String::with_capacity(before.len() + ROOM_FOR_REST);
        resolved.push_str(before);
        loop {
            match self.bytes().get(self.at).copied() {
                Some(b'"') => break,
                Some(b'\\') => {
                    self.at += 1;
                    resolved.push(self.escape()?);
                }
                Some(_) => return Err("unescaped control character in a string"),
                None => return Err("unexpected end of the text in a string"),
            }
            let run = self.at;
            self.at = self.marks.next(self.at);
            resolved.push_str(&self.text[run..self.at]);
        }
        self.at += 1;
        Ok(resolved)
    }

    /// The character that the escape behind a backslash stands for.
    fn escape(&mut self) -> Parsed<char> {
        let simple = match self.bytes().get(self.at).copied() {
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
            && self.bytes()[self.at..].starts_with(b"\\u")
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
            .bytes()
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
