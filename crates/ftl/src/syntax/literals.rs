//! String literals: escapes and interpolations; and literals that can't stand where they stand.

use super::Interpolations;
use super::ast::{Expr, ExprKind};
use super::parser::{Parser, Result};

/// The kinds of literals that are noticed before anything runs where something else is wanted.
#[derive(Clone, Copy)]
pub(crate) struct Literals {
    wanted: &'static str,
    string: bool,
    number: bool,
    boolean: bool,
    sequence: bool,
    hash: bool,
}

impl Literals {
    const ANY: Self = Self {
        wanted: "",
        string: true,
        number: true,
        boolean: true,
        sequence: true,
        hash: true,
    };
    pub(crate) const NUMBER: Self = Self {
        wanted: "number",
        number: false,
        ..Self::ANY
    };
    pub(crate) const STRING: Self = Self {
        wanted: "string",
        string: false,
        ..Self::ANY
    };
    pub(crate) const BOOLEAN: Self = Self {
        wanted: "boolean (true/false)",
        boolean: false,
        ..Self::ANY
    };
    pub(crate) const HASH: Self = Self {
        wanted: "hash",
        number: false,
        hash: false,
        ..Self::ANY
    };
    pub(crate) const COMPARABLE: Self = Self {
        wanted: "different type for equality check",
        string: false,
        number: false,
        boolean: false,
        ..Self::ANY
    };
    pub(crate) const PRINTABLE: Self = Self {
        wanted: "string or something automatically convertible to string (number, date or boolean)",
        ..Self::COMPARABLE
    };
}

impl Parser<'_> {
    /// Refuses a literal of the kinds of `refused`.
    pub(crate) fn literal_fits(&self, expr: &Expr, refused: Literals) -> Result<()> {
        let wanted = refused.wanted;
        let what = match &expr.kind {
            ExprKind::Str(_) | ExprKind::Concat(_) if refused.string => "string",
            ExprKind::Int(_) | ExprKind::Decimal(_) if refused.number => "number",
            ExprKind::Bool(value) if refused.boolean => {
                let message = format!("Found: {value} literal. Expecting {wanted}");
                return Err(self.syntax_error(expr.src, message));
            }
            ExprKind::Seq(_) if refused.sequence => "list",
            ExprKind::Hash(_) if refused.hash => "hash",
            _ => return Ok(()),
        };
        let colon = if what == "string" { ":" } else { "" };
        let literal = if self.is_read_beyond(expr.src.end) {
            self.source_of(expr.src).to_owned()
        } else {
            crate::eval::Printer::new(Interpolations::Dollar).expr(expr)
        };
        let message = format!("Found {what} literal: {literal}. Expecting{colon} {wanted}");
        Err(self.syntax_error(expr.src, message))
    }

    /// Whether FreeMarker has read the line with the offset to its end by now, and so has it at hand for messages.
    fn is_read_beyond(&self, offset: u32) -> bool {
        let from = offset.saturating_sub(self.base) as usize;
        let between = self.text.get(from..self.pos).unwrap_or_default();
        let at_end = self.pos == self.text.len() && !between.ends_with(['}', '>', ']', ')']);
        self.place.is_none() && (at_end || between.contains('\n'))
    }

    /// Parses the current token, a string literal.
    pub(crate) fn string_literal(&mut self, raw: bool) -> Result<Expr> {
        let src = self.token_src;
        let spelling = self.token_text().to_owned();
        let content_start = if raw { 2 } else { 1 };
        let content = &spelling[content_start..spelling.len() - 1];
        let kind = if raw {
            ExprKind::Str(content.into())
        } else if self.has_interpolation(content) {
            self.interpolated(content, src.start + content_start as u32)?
        } else {
            ExprKind::Str(self.unescape(content)?.into())
        };
        self.advance()?;
        Ok(self.expr(src, kind))
    }

    /// The text and the interpolations of `content`, which begins at `base`. FreeMarker reads what is left when the
    /// escapes are resolved, and counts the columns in that.
    fn interpolated(&mut self, content: &str, base: u32) -> Result<ExprKind> {
        let text = self.unescape(content)?;
        let keeps_columns =
            text == content || (is_one_ascii_line(content) && is_one_ascii_line(&text));
        let place = (!keeps_columns).then_some(self.token_src);
        let mut inner = Parser::within(self, &text, base, place);
        let nodes = inner.string_parts()?;
        let (open, uses_args) = (inner.open, inner.uses_args);
        let (height, naming) = (inner.height, inner.naming);
        self.open |= open;
        self.uses_args |= uses_args;
        self.naming = naming;
        self.height = self.height.max(height + 1);
        Ok(ExprKind::Concat(nodes))
    }

    /// The letter that no escape goes on with after what it has begun with, where that is so first.
    fn bad_escape(&self, begun: &str, letter: char) -> crate::Error {
        let literal = self.token_text();
        let marker = format!("{begun}{letter}");
        let at = literal.find(&marker).map_or(0, |at| at + begun.len());
        let start = self.token_src.start + at as u32;
        let src = super::source::Src {
            start,
            end: start + letter.len_utf8() as u32,
        };
        self.syntax_error(
            src,
            format!(
                "Lexical error: encountered {} ({}), after {}.",
                crate::error::java_quoted(&letter.to_string()),
                letter as u32,
                crate::error::java_quoted(&literal[..at])
            ),
        )
    }

    pub(crate) fn unescape(&self, content: &str) -> Result<String> {
        if !content.contains('\\') {
            return Ok(content.to_owned());
        }
        let mut text = String::with_capacity(content.len());
        let mut chars = content.chars().peekable();
        while let Some(c) = chars.next() {
            if c != '\\' {
                text.push(c);
                continue;
            }
            match chars.next() {
                Some(c @ ('"' | '\'' | '\\' | '=' | '{')) => text.push(c),
                Some('n') => text.push('\n'),
                Some('r') => text.push('\r'),
                Some('t') => text.push('\t'),
                Some('f') => text.push('\u{c}'),
                Some('b') => text.push('\u{8}'),
                Some('g') => text.push('>'),
                Some('l') => text.push('<'),
                Some('a') => text.push('&'),
                Some('x') => {
                    let mut code = 0;
                    let mut digits = 0;
                    while digits < 4
                        && let Some(digit) = chars.peek().and_then(|c| c.to_digit(16))
                    {
                        code = code * 16 + digit;
                        digits += 1;
                        chars.next();
                    }
                    if digits == 0 {
                        let quote = self.token_text().chars().next_back();
                        let found = chars.peek().copied().or(quote).unwrap_or_default();
                        return Err(self.bad_escape("\\x", found));
                    }
                    text.push(char::from_u32(code).unwrap_or('\u{fffd}'));
                }
                Some(other) => {
                    return Err(self.bad_escape("\\", other));
                }
                None => {
                    return Err(self.error_at_token(
                        "the last character of a string literal can't be a lone \\",
                    ));
                }
            }
        }
        Ok(text)
    }
}

/// Whether a byte of the text is a column of one line.
fn is_one_ascii_line(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}
