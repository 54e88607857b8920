//! Tokens of the expression language, read on demand.

use super::identifiers::is_identifier_start;
use super::options::{Interpolations, Tags};
use super::parser::{Parser, Result};
use super::source::Src;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    Ident,
    /// A quoted string; `raw` for `r"…"`.
    Str {
        raw: bool,
    },
    Number,
    Dot,
    DotDot,
    DotDotLess,
    DotDotStar,
    Comma,
    Semicolon,
    Colon,
    Question,
    DoubleQuestion,
    Exclaim,
    OpenParen,
    CloseParen,
    OpenBracket,
    CloseBracket,
    OpenBrace,
    CloseBrace,
    Plus,
    Minus,
    Times,
    /// `**`, which names all descendants of an XML node.
    DoubleTimes,
    Divide,
    Percent,
    PlusEquals,
    MinusEquals,
    TimesEquals,
    DivideEquals,
    PercentEquals,
    PlusPlus,
    MinusMinus,
    Assign,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    And,
    Or,
    Arrow,
    Ellipsis,
    /// `>` that ends a tag.
    TagEnd,
    /// `/>`
    EmptyTagEnd,
    /// The white-space that ends the name after `<@`.
    Blank,
    /// `!` and the white-space after it, where arguments have names: no value follows it.
    ExclaimBlank,
    /// What can't be read.
    Broken,
    End,
}

/// Token spellings, the longest first where one begins another.
const OPERATORS: &[(&str, Token)] = &[
    ("...", Token::Ellipsis),
    ("..<", Token::DotDotLess),
    ("..!", Token::DotDotLess),
    ("..*", Token::DotDotStar),
    ("..", Token::DotDot),
    ("->", Token::Arrow),
    ("&amp;&amp;", Token::And),
    ("&lt;=", Token::LessOrEqual),
    ("&lt;", Token::Less),
    ("&gt;=", Token::GreaterOrEqual),
    ("&gt;", Token::Greater),
    ("&&", Token::And),
    ("&", Token::And),
    ("||", Token::Or),
    ("|", Token::Or),
    ("??", Token::DoubleQuestion),
    ("?", Token::Question),
    ("==", Token::Equal),
    ("!=", Token::NotEqual),
    ("=", Token::Assign),
    ("!", Token::Exclaim),
    ("<=", Token::LessOrEqual),
    ("<", Token::Less),
    (">=", Token::GreaterOrEqual),
    (">", Token::Greater),
    ("++", Token::PlusPlus),
    ("--", Token::MinusMinus),
    ("+=", Token::PlusEquals),
    ("-=", Token::MinusEquals),
    ("*=", Token::TimesEquals),
    ("/=", Token::DivideEquals),
    ("%=", Token::PercentEquals),
    ("+", Token::Plus),
    ("-", Token::Minus),
    ("**", Token::DoubleTimes),
    ("*", Token::Times),
    ("/", Token::Divide),
    ("%", Token::Percent),
    (",", Token::Comma),
    (";", Token::Semicolon),
    (":", Token::Colon),
    ("(", Token::OpenParen),
    (")", Token::CloseParen),
    ("[", Token::OpenBracket),
    ("]", Token::CloseBracket),
    ("{", Token::OpenBrace),
    ("}", Token::CloseBrace),
    (".", Token::Dot),
    ("\\lte", Token::LessOrEqual),
    ("\\lt", Token::Less),
    ("\\gte", Token::GreaterOrEqual),
    ("\\gt", Token::Greater),
    ("\\and", Token::And),
];

impl Parser<'_> {
    /// Moves to the next token. One that can't be read is [`Token::Broken`]: that fails where a token is asked for, as
    /// what comes before it may be wrong too, and is told first.
    pub(crate) fn advance(&mut self) {
        self.last_end = self.token_src.end;
        if !self.space_ends {
            self.skip_blanks();
        }
        let start = self.pos;
        self.token = if self.ends_name() {
            Token::Blank
        } else {
            self.scan().unwrap_or_else(|error| {
                self.broken = Some(error);
                Token::Broken
            })
        };
        self.token_src = Src {
            start: self.base + start as u32,
            end: self.base + self.pos as u32,
        };
    }

    /// Moves to the next token, which must be one.
    pub(crate) fn read(&mut self) -> Result<()> {
        self.advance();
        self.check_token()
    }

    /// Fails if the current token can't be read.
    pub(crate) fn check_token(&self) -> Result<()> {
        match (self.token, &self.broken) {
            (Token::Broken, Some(error)) => Err(error.clone()),
            _ => Ok(()),
        }
    }

    /// Steps over the white-space that ends the name of a call, if it is here.
    fn ends_name(&mut self) -> bool {
        let ends = self
            .space_ends
            .then(|| self.blanks_at(self.pos))
            .filter(|count| *count > 0);
        if let Some(count) = ends {
            self.pos += count;
            self.space_ends = false;
        }
        ends.is_some()
    }

    /// Bytes of white-space from `at` on.
    fn blanks_at(&self, at: usize) -> usize {
        let rest = self.text[at..].bytes();
        rest.take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'))
            .count()
    }

    /// Moves on if the current token is the white-space after a name.
    pub(crate) fn skip_blank(&mut self) -> bool {
        let is_blank = self.token == Token::Blank;
        if is_blank {
            self.advance();
        }
        is_blank
    }

    /// The current token's spelling.
    pub(crate) fn token_text(&self) -> &str {
        &self.text
            [(self.token_src.start - self.base) as usize..(self.token_src.end - self.base) as usize]
    }

    fn skip_blanks(&mut self) {
        loop {
            let rest = &self.text.as_bytes()[self.pos..];
            match rest {
                [b' ' | b'\t' | b'\n' | b'\r', ..] => self.pos += 1,
                [b'<' | b'[', b'#' | b'!', b'-', b'-', ..] => self.skip_comment(),
                _ => return,
            }
        }
    }

    /// Steps over a comment among the tokens of a tag.
    fn skip_comment(&mut self) {
        self.pos += "<#--".len();
        // Either bracket ends it; one that doesn't end hides the rest.
        let rest = &self.text[self.pos..];
        let ends = rest.bytes().enumerate().skip(2);
        let mut ends = ends.filter(|(at, byte)| {
            matches!(byte, b'>' | b']') && rest.as_bytes()[at - 2..*at] == *b"--"
        });
        self.pos += ends.next().map_or(rest.len(), |(at, _)| at + 1);
    }

    fn scan(&mut self) -> Result<Token> {
        let bytes = self.text.as_bytes();
        let Some(&first) = bytes.get(self.pos) else {
            return Ok(Token::End);
        };
        match first {
            b'"' | b'\'' => return self.scan_string(false),
            b'r' if matches!(bytes.get(self.pos + 1), Some(b'"' | b'\'')) => {
                self.pos += 1;
                return self.scan_string(true);
            }
            b'0'..=b'9' => {
                self.scan_number();
                return Ok(Token::Number);
            }
            b'>' if self.parens == 0 => {
                // Outside of parentheses there is no `>=`, even where `>` can't end a tag.
                self.pos += 1;
                return Ok(if self.gt_is_operator || self.in_square_tag {
                    Token::Greater
                } else {
                    Token::TagEnd
                });
            }
            b']' if self.in_square_tag && self.brackets == 0 => {
                self.pos += 1;
                return Ok(Token::TagEnd);
            }
            b'/' if self.at_empty_tag_end() => {
                // In an interpolation it is checked against what the tags are like, if that is known.
                let square = match self.gt_is_operator {
                    false => Some(self.in_square_tag),
                    true => self.established.then_some(self.tags == Tags::Square),
                };
                if let Some(square) = square {
                    self.check_empty_tag_end(square)?;
                }
                self.pos += 2;
                return Ok(Token::EmptyTagEnd);
            }
            b'$' | b'#' if bytes.get(self.pos + 1) == Some(&b'{') => {
                return Err(self.nested_interpolation(if first == b'$' { "${" } else { "#{" }));
            }
            b'[' if bytes.get(self.pos + 1) == Some(&b'=') => {
                return Err(self.nested_interpolation("[="));
            }
            b'!' if self.exclaim_ends && self.parens == 0 => {
                let blanks = self.blanks_at(self.pos + 1);
                if blanks > 0 {
                    self.pos += 1 + blanks;
                    self.exclaim_ends = false;
                    return Ok(Token::ExclaimBlank);
                }
            }
            // Within and after parentheses white-space means nothing again, but for that after `!`.
            b'(' => {
                self.space_ends = false;
                self.exclaim_ends = self.in_named_args;
            }
            b'[' => self.brackets += 1,
            b']' => match self.brackets.checked_sub(1) {
                Some(left) => self.brackets = left,
                // Old versions end any tag with it.
                None if !self.options.version.has(28)
                    && self.braces == 0
                    && self.interpolations != Interpolations::Square =>
                {
                    self.pos += 1;
                    return Ok(Token::TagEnd);
                }
                None => return Err(self.nothing_to_close(']')),
            },
            b'{' => self.braces += 1,
            b'}' => match self.braces.checked_sub(1) {
                Some(left) => self.braces = left,
                None => return Err(self.nothing_to_close('}')),
            },
            _ => {}
        }
        if self.scan_identifier() {
            return Ok(Token::Ident);
        }
        let rest = &self.text[self.pos..];
        for (spelling, token) in OPERATORS {
            if rest.starts_with(spelling) {
                self.pos += spelling.len();
                return Ok(*token);
            }
        }
        // These begin tokens that can't be gone on with.
        let begun = ["\\an", "\\a", "\\l", "\\g", "\\", "#"]
            .into_iter()
            .find(|begun| rest.starts_with(begun));
        Err(self.lexical_error(begun.map_or(0, str::len)))
    }

    /// No token goes on after the `begun` bytes from the current position on.
    fn lexical_error(&self, begun: usize) -> crate::Error {
        let at = self.pos + begun;
        let before = &self.text[self.pos..at];
        let found = self.text[at..].chars().next();
        let after = at + found.map_or(0, char::len_utf8);
        let (found, before, at) = match found {
            Some(c) if after < self.text.len() => {
                let found = format!("{} ({}),", lexical_quoted(&c.to_string()), c as u32);
                (found, before, at)
            }
            // FreeMarker takes the last character for the end, and tells what it has read by then, if that is much.
            _ => {
                let read = &self.text[self.pos..after];
                let told = if read.chars().count() > 1 { read } else { "" };
                ("<EOF>".to_owned(), told, after)
            }
        };
        let start = self.base + at as u32;
        let src = Src {
            start,
            end: start + 1,
        };
        let message = format!(
            "Lexical error: encountered {found} after {}.",
            lexical_quoted(before)
        );
        self.syntax_error(src, message)
    }

    fn nested_interpolation(&self, opening: &str) -> crate::Error {
        let start = self.base + self.pos as u32;
        let src = Src {
            start,
            end: start + opening.len() as u32,
        };
        let closing = if opening == "[=" { "]" } else { "}" };
        let message = format!(
            "You can't use {opening}...{closing} (an interpolation) here as you are already in FreeMarker-expression-mode. Thus, instead of {opening}myExpression{closing}, just write myExpression. ({opening}...{closing} is only used where otherwise static text is expected, i.e., outside FreeMarker tags and interpolations, or inside string literals.)"
        );
        self.syntax_error(src, message)
    }

    fn nothing_to_close(&self, closing: char) -> crate::Error {
        self.error_here(format!(
            "You can't have an \"{closing}\" here, as there's nothing open that it could close."
        ))
    }

    fn at_empty_tag_end(&self) -> bool {
        let next = self.text.as_bytes().get(self.pos + 1);
        if self.parens == 0 && self.gt_is_operator {
            // No tag can end in an interpolation, but FreeMarker finds the end of one.
            return matches!(next, Some(b'>' | b']'));
        }
        if self.parens == 0 && self.in_square_tag && next == Some(&b'>') {
            return true;
        }
        if self.in_square_tag {
            next == Some(&b']') && self.brackets == 0
        } else {
            matches!(next, Some(b'>' | b']')) && !self.gt_is_operator && self.parens == 0
        }
    }

    /// A `[#tag]` doesn't end with `/>`, and the others don't with `/]`; old versions don't mind.
    fn check_empty_tag_end(&self, square: bool) -> Result<()> {
        let end = if self.text.as_bytes().get(self.pos + 1) == Some(&b'>') {
            '>'
        } else {
            ']'
        };
        let checks = self.options.version.has(28) || self.interpolations == Interpolations::Square;
        if square == (end == ']') || !checks {
            return Ok(());
        }
        let start = self.base + self.pos as u32;
        let src = Src {
            start,
            end: start + 2,
        };
        Err(self.syntax_error(src, format!("The tag shouldn't end with \"{end}\".")))
    }

    fn scan_string(&mut self, raw: bool) -> Result<Token> {
        let bytes = self.text.as_bytes();
        let quote = bytes[self.pos];
        let mut at = self.pos + 1;
        while let Some(&byte) = bytes.get(at) {
            match byte {
                b'\\' if !raw => match (bytes.get(at + 1), bytes.get(at + 2)) {
                    (None, _) => {}
                    (Some(letter), _) if b"ntrfbgla\\'\"{=".contains(letter) => at += 1,
                    (Some(b'x'), Some(digit)) if digit.is_ascii_hexdigit() => at += 2,
                    (Some(b'x'), _) => return Err(self.lexical_error(at + 2 - self.pos)),
                    _ => return Err(self.lexical_error(at + 1 - self.pos)),
                },
                _ if byte == quote => {
                    self.pos = at + 1;
                    return Ok(Token::Str { raw });
                }
                _ => {}
            }
            at += 1;
        }
        if raw {
            // Without its end it is a name and another literal.
            return self.scan_string(false);
        }
        // A lone quote is at the very end of what has been read.
        let literal = match &self.text[self.pos..] {
            lone if lone.len() == 1 => "",
            literal => literal,
        };
        let literal = lexical_quoted(literal);
        let at = self.base + self.text.len() as u32;
        Err(self.error_of(
            crate::error::ErrorKind::Syntax,
            Src { start: at, end: at },
            format!("Lexical error: encountered <EOF> after {literal}."),
        ))
    }

    fn scan_number(&mut self) {
        let bytes = self.text.as_bytes();
        let digits = |mut at: usize| {
            while bytes.get(at).is_some_and(u8::is_ascii_digit) {
                at += 1;
            }
            at
        };
        self.pos = digits(self.pos);
        if bytes.get(self.pos) == Some(&b'.')
            && bytes.get(self.pos + 1).is_some_and(u8::is_ascii_digit)
        {
            self.pos = digits(self.pos + 1);
        }
    }

    fn scan_identifier(&mut self) -> bool {
        let mut end = 0;
        let rest = &self.text[self.pos..];
        let mut chars = rest.char_indices();
        while let Some((at, c)) = chars.next() {
            let escaped =
                c == '\\' && matches!(rest.as_bytes().get(at + 1), Some(b'-' | b'.' | b':' | b'#'));
            if escaped {
                chars.next();
                end = at + 2;
            } else if is_identifier_start(c) || (at > 0 && c.is_ascii_digit()) {
                end = at + c.len_utf8();
            } else {
                break;
            }
        }
        self.pos += end;
        end > 0
    }
}

/// `text` as lexical errors show it: in ASCII, with all quotes escaped.
fn lexical_quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for unit in text.encode_utf16() {
        match u8::try_from(unit) {
            Ok(b'\n') => quoted.push_str("\\n"),
            Ok(b'\r') => quoted.push_str("\\r"),
            Ok(b'\t') => quoted.push_str("\\t"),
            Ok(8) => quoted.push_str("\\b"),
            Ok(12) => quoted.push_str("\\f"),
            Ok(c @ (b'"' | b'\'' | b'\\')) => quoted.extend(['\\', char::from(c)]),
            Ok(c @ b' '..=b'~') => quoted.push(char::from(c)),
            _ => quoted.push_str(&format!("\\u{unit:04x}")),
        }
    }
    quoted.push('"');
    quoted
}
