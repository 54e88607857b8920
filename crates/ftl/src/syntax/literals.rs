//! String literals: escapes and interpolations; and literals that can't stand where they stand.

use super::Interpolations;
use super::ast::{Expr, ExprKind};
use super::parser::{Parser, Result};
use crate::eval::Printer;

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
    pub(crate) const INDEXABLE: Self = Self {
        wanted: "list or hash",
        string: false,
        sequence: false,
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
        let begins = (expr.src.start - self.base) as usize;
        let what = match &expr.kind {
            // A special variable that is known already isn't a literal.
            ExprKind::Str(_) if self.text.as_bytes().get(begins) == Some(&b'.') => return Ok(()),
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
        let is_string = what == "string";
        let source = Some(expr.src).filter(|src| is_string && self.is_read_beyond(src.end));
        let literal = source
            .and_then(|src| self.source_of(src))
            .unwrap_or_else(|| {
                Printer::of_source(Interpolations::Dollar, self.source()).expr(expr)
            });
        let message = format!("Found {what} literal: {literal}. Expecting{colon} {wanted}");
        Err(self.syntax_error(expr.src, message))
    }

    /// Whether FreeMarker has read the line with the offset to its end by now, and so has it at hand for messages.
    fn is_read_beyond(&self, offset: u32) -> bool {
        /// How much it reads at a time.
        const CHUNK: usize = 4096;
        let (from, pos) = match self.literal_end {
            Some(end) => (end as usize, end as usize),
            None => (offset as usize, self.pos),
        };
        let source = self.source().as_bytes();
        let between = source.get(from..pos).unwrap_or_default();
        let at_end =
            pos == source.len() && !matches!(between.last(), Some(b'}' | b'>' | b']' | b')'));
        let chunk = ((pos / CHUNK + 1) * CHUNK).min(source.len());
        let read = source.get(from..chunk).unwrap_or_default();
        at_end || read.iter().any(|byte| matches!(byte, b'\n' | b'\r'))
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
            ExprKind::Str(Self::unescape(content).into())
        };
        self.advance();
        Ok(self.expr(src, kind))
    }

    /// The text and the interpolations of `content`, which begins at `base`. FreeMarker reads what is left when the
    /// escapes are resolved, and counts lines and columns in that.
    fn interpolated(&mut self, content: &str, base: u32) -> Result<ExprKind> {
        let text = Self::unescape(content);
        let base = if text == content {
            base
        } else {
            self.add_literal(&text, self.token_src.start)
        };
        let mut inner = Parser::within(self, &text, base);
        let nodes = inner.string_parts()?;
        let (open, has_vars) = (inner.open, inner.has_vars);
        let (height, naming) = (inner.height, inner.naming);
        self.open |= open;
        self.has_vars |= has_vars;
        self.naming = naming;
        self.height = self.height.max(height + 1);
        Ok(ExprKind::Concat(nodes))
    }

    /// The text that a literal's content stands for; its escapes have been looked at when the literal was read.
    pub(crate) fn unescape(content: &str) -> String {
        if !content.contains('\\') {
            return content.to_owned();
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
                    text.push(char::from_u32(code).unwrap_or('\u{fffd}'));
                }
                other => text.extend(other),
            }
        }
        text
    }
}
