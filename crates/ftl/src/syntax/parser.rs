//! The parser's state and the level of text, interpolations and tags.

use std::sync::Arc;

use super::ast::{Expr, ExprKind, Node};
use super::lexer::Token;
use super::source::{SourceMap, Src};
use super::whitespace::{Layout, Piece};
use crate::error::{Error, ErrorKind};
use crate::number::NumberFormat;

pub(crate) type Result<T> = std::result::Result<T, Error>;

/// How deeply expressions and blocks may nest in each other.
const MAX_DEPTH: usize = 200;

/// Reads one template, or one string literal within it.
pub(crate) struct Parser<'s> {
    pub(crate) text: &'s str,
    /// Offset of `text` in the template.
    pub(crate) base: u32,
    pub(crate) pos: usize,
    pub(crate) token: Token,
    pub(crate) token_src: Src,
    /// Where the token before the current one ended.
    pub(crate) last_end: u32,
    pub(crate) gt_is_operator: bool,
    pub(crate) lambda_allowed: bool,
    /// In an unescaped string literal offsets mean nothing: everything stands where the literal stands.
    place: Option<Src>,
    depth: usize,
    pub(crate) context: Context,
    pub(crate) layout: Layout,
    pub(crate) escapes: Vec<Escape>,
    file: File<'s>,
}

/// What surrounds the current place, for directives that only make sense somewhere.
#[derive(Clone, Copy, Default)]
pub(crate) struct Context {
    pub(crate) in_macro: bool,
    pub(crate) in_function: bool,
    pub(crate) loops: u32,
    pub(crate) breakable: u32,
    /// In the body of a list without loop variables.
    pub(crate) items_allowed: bool,
}

/// An `#escape` in force.
#[derive(Clone)]
pub(crate) struct Escape {
    pub(crate) var: Box<str>,
    pub(crate) expr: Expr,
}

#[derive(Clone, Copy)]
struct File<'s> {
    name: &'s Arc<str>,
    source: &'s Arc<str>,
    map: &'s SourceMap,
}

/// What a template consists of.
pub(crate) struct Parsed {
    pub(crate) nodes: Vec<Node>,
}

/// Parses a whole template.
pub(crate) fn parse(
    name: &Arc<str>,
    source: &Arc<str>,
    map: &SourceMap,
    strip_whitespace: bool,
) -> Result<Parsed> {
    let mut parser = Parser::new(File { name, source, map }, source, 0, None, 0);
    let strip = parser.header()?.unwrap_or(strip_whitespace);
    let mut nodes = parser.block(&[])?.0;
    let texts = parser.layout.finish(map, strip);
    super::whitespace::apply(&mut nodes, &texts);
    Ok(Parsed { nodes })
}

impl<'s> Parser<'s> {
    fn new(file: File<'s>, text: &'s str, base: u32, place: Option<Src>, depth: usize) -> Self {
        Self {
            text,
            base,
            pos: 0,
            token: Token::End,
            token_src: Src::default(),
            last_end: 0,
            gt_is_operator: false,
            lambda_allowed: false,
            place,
            depth,
            context: Context::default(),
            layout: Layout::default(),
            escapes: Vec::new(),
            file,
        }
    }

    /// A parser of a string literal's contents.
    pub(crate) fn within<'t>(
        outer: &'t Parser<'s>,
        text: &'t str,
        base: u32,
        place: Option<Src>,
    ) -> Parser<'t>
    where
        's: 't,
    {
        Parser::new(outer.file, text, base, place.or(outer.place), outer.depth)
    }

    pub(crate) fn expr(&self, src: Src, kind: ExprKind) -> Expr {
        Expr {
            src: self.place.unwrap_or(src),
            kind,
        }
    }

    pub(crate) fn enter(&mut self) -> Result<()> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.error_of(
                ErrorKind::Depth,
                self.token_src,
                format!("nested more than {MAX_DEPTH} levels deep"),
            ));
        }
        Ok(())
    }

    pub(crate) fn leave(&mut self) {
        self.depth -= 1;
    }

    pub(crate) fn error_of(&self, kind: ErrorKind, src: Src, message: impl Into<String>) -> Error {
        let src = self.place.unwrap_or(src);
        Error::new(kind, message).at(
            self.file.name,
            self.file.source,
            self.file.map.span(self.file.source, src),
        )
    }

    /// A syntax error at the current position.
    pub(crate) fn error_here(&self, message: impl Into<String>) -> Error {
        let at = self.base + self.pos as u32;
        self.error_of(
            ErrorKind::Syntax,
            Src {
                start: at,
                end: at + 1,
            },
            message,
        )
    }

    /// A syntax error at the current token.
    pub(crate) fn error_at_token(&self, message: impl Into<String>) -> Error {
        self.error_of(ErrorKind::Syntax, self.token_src, message)
    }

    pub(crate) fn unexpected(&self, expected: &str) -> Error {
        let found = if self.token == Token::End {
            "the end of the template".to_owned()
        } else {
            format!("\"{}\"", self.token_text())
        };
        self.error_at_token(format!(
            "Encountered {found}, but was expecting {expected}."
        ))
    }

    pub(crate) fn expect(&mut self, token: Token, name: &str) -> Result<()> {
        if self.token != token {
            return Err(self.unexpected(name));
        }
        self.advance()
    }

    /// The source from `pos` on.
    pub(crate) fn rest(&self) -> &'s str {
        &self.text[self.pos..]
    }

    /// Whether the current token is a name and `=` follows, but not `==`.
    pub(crate) fn at_named_argument(&self) -> bool {
        if self.token != Token::Ident {
            return false;
        }
        let rest = self.text[self.pos..].trim_start();
        rest.starts_with('=') && !rest.starts_with("==")
    }

    /// Parses text and tags up to a tag that is none of the block's own; returns its nodes and that tag's name.
    ///
    /// `ends` are the names of end tags (`/if`) and of tags that separate sections (`else`).
    pub(crate) fn block(&mut self, ends: &[&str]) -> Result<(Vec<Node>, Option<&'s str>)> {
        self.enter()?;
        let result = stacker::maybe_grow(256 * 1024, 2 * 1024 * 1024, || self.block_nodes(ends));
        self.leave();
        result
    }

    fn block_nodes(&mut self, ends: &[&str]) -> Result<(Vec<Node>, Option<&'s str>)> {
        let mut nodes = Vec::new();
        loop {
            let text_start = self.pos;
            self.pos += find_markup(&self.text.as_bytes()[self.pos..]);
            if self.pos > text_start {
                let id = self.layout.text(
                    &self.text[text_start..self.pos],
                    text_start as u32,
                    self.pos as u32,
                );
                nodes.push(Node::TextRef(id));
            }
            let rest = self.rest();
            if rest.is_empty() {
                if ends.is_empty() {
                    return Ok((nodes, None));
                }
                let missing = ends.last().map_or("", |end| end.trim_start_matches('/'));
                return Err(self.error_here(format!(
                    "Unexpected end of file reached. You have an unclosed #{missing}."
                )));
            } else if rest.starts_with("${") {
                nodes.push(self.interpolation()?);
            } else if rest.starts_with("#{") {
                nodes.push(self.numeric_interpolation()?);
            } else if rest.starts_with("<#--") {
                let Some(end) = rest.find("-->") else {
                    return Err(self.error_here("Unclosed comment: <#-- without -->."));
                };
                let start = self.pos as u32;
                self.pos += end + 3;
                self.layout.leaf(Piece::Silent, start, self.pos as u32);
            } else if rest.starts_with("<@") {
                let node = self.macro_call()?;
                nodes.push(node);
            } else if rest.starts_with("</@") {
                if ends.contains(&"/@") {
                    return Ok((nodes, Some("/@")));
                }
                return Err(self.error_here("Unexpected end tag of a user-defined directive."));
            } else {
                let name = self.tag_name();
                if ends.contains(&name) {
                    return Ok((nodes, Some(name)));
                }
                self.directive(name, &mut nodes)?;
            }
        }
    }

    /// The name of the tag at the current position: `if` for `<#if`, `/if` for `</#if`.
    fn tag_name(&self) -> &'s str {
        let rest = self.rest();
        let (prefix, closing) = if rest.starts_with("</#") {
            (3, true)
        } else {
            (2, false)
        };
        let len = rest[prefix..]
            .find(|c: char| !c.is_ascii_alphabetic() && c != '_')
            .unwrap_or(rest.len() - prefix);
        let name = &rest[prefix..prefix + len];
        if closing {
            CLOSING
                .iter()
                .find(|closing| &closing[1..] == name)
                .copied()
                .unwrap_or("/")
        } else {
            name
        }
    }

    /// Steps over `<#name` and reads the first token of the tag.
    pub(crate) fn enter_tag(&mut self, name: &str) -> Result<()> {
        self.pos += 2 + name.len();
        self.gt_is_operator = false;
        self.advance()
    }

    /// Requires the end of a tag at the current token; what follows is text again.
    pub(crate) fn end_tag(&mut self) -> Result<()> {
        if !matches!(self.token, Token::TagEnd | Token::EmptyTagEnd) {
            return Err(self.unexpected("\">\""));
        }
        Ok(())
    }

    /// Steps over an end tag such as `</#if>`.
    pub(crate) fn close_tag(&mut self) -> Result<()> {
        let rest = self.rest();
        let Some(end) = rest.find('>') else {
            return Err(self.error_here("Unclosed end tag."));
        };
        let inner = rest[..end].trim_start_matches("</#");
        if !inner
            .trim_start_matches(|c: char| c.is_ascii_alphabetic() || c == '_')
            .trim()
            .is_empty()
        {
            return Err(self.error_here("An end tag takes nothing but its name."));
        }
        self.pos += end + 1;
        Ok(())
    }

    fn interpolation(&mut self) -> Result<Node> {
        let start = self.pos as u32;
        self.pos += 2;
        let expr = self.interpolated_expression()?;
        if self.token != Token::CloseBrace {
            return Err(self.unexpected("\"}\""));
        }
        self.layout.leaf(Piece::Output, start, self.pos as u32);
        Ok(Node::Output(self.escaped(expr)?))
    }

    fn interpolated_expression(&mut self) -> Result<Expr> {
        let outer = std::mem::replace(&mut self.gt_is_operator, true);
        self.advance()?;
        let expr = self.expression()?;
        self.gt_is_operator = outer;
        Ok(expr)
    }

    fn numeric_interpolation(&mut self) -> Result<Node> {
        let start = self.pos as u32;
        self.pos += 2;
        let expr = self.interpolated_expression()?;
        let format = if self.token == Token::Semicolon {
            self.advance()?;
            let format = legacy_format(self.token_text())
                .ok_or_else(|| self.unexpected("a format such as m1M2"))?;
            self.advance()?;
            format
        } else {
            "0.################".to_owned()
        };
        if self.token != Token::CloseBrace {
            return Err(self.unexpected("\"}\""));
        }
        self.layout.leaf(Piece::Output, start, self.pos as u32);
        let format = NumberFormat::parse(&format).map_err(|message| self.error_here(message))?;
        let expr = self.escaped(expr)?;
        Ok(Node::NumericOutput {
            expr,
            format: Box::new(format),
        })
    }

    /// Text and interpolations of a string literal.
    pub(crate) fn string_parts(&mut self) -> Result<Vec<Node>> {
        let mut nodes = Vec::new();
        loop {
            let bytes = &self.text.as_bytes()[self.pos..];
            let len = (0..bytes.len())
                .find(|at| matches!(bytes[*at..], [b'$' | b'#', b'{', ..]))
                .unwrap_or(bytes.len());
            if len > 0 {
                nodes.push(Node::Text(self.text[self.pos..self.pos + len].into()));
                self.pos += len;
            }
            if self.rest().is_empty() {
                return Ok(nodes);
            }
            nodes.push(if self.rest().starts_with('$') {
                self.interpolation()?
            } else {
                self.numeric_interpolation()?
            });
        }
    }
}

const CLOSING: &[&str] = &[
    "/if",
    "/list",
    "/items",
    "/sep",
    "/assign",
    "/local",
    "/global",
    "/macro",
    "/function",
    "/switch",
    "/compress",
    "/attempt",
    "/recover",
    "/escape",
    "/noescape",
    "/noEscape",
    "/noparse",
    "/noParse",
    "/comment",
    "/autoesc",
    "/noautoesc",
    "/outputformat",
    "/foreach",
    "/transform",
];

/// Bytes of text before the next tag, interpolation or comment.
fn find_markup(bytes: &[u8]) -> usize {
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'$' | b'#' if bytes.get(at + 1) == Some(&b'{') => return at,
            b'<' => match bytes[at + 1..] {
                [b'@', ..] | [b'/', b'@', ..] | [b'#', b'-', b'-', ..] => return at,
                [b'#', c, ..] | [b'/', b'#', c, ..] if c.is_ascii_alphabetic() => return at,
                _ => {}
            },
            _ => {}
        }
        at += 1;
    }
    at
}

/// The pattern for `m1M3`, `m2` or `M2`.
fn legacy_format(text: &str) -> Option<String> {
    let (min, max) = match text.strip_prefix('m') {
        Some(rest) => match rest.split_once('M') {
            Some((min, max)) => (min.parse().ok()?, max.parse().ok()?),
            None => {
                let min: usize = rest.parse().ok()?;
                (min, min)
            }
        },
        None => (0, text.strip_prefix('M')?.parse::<usize>().ok()?),
    };
    let point = if max == 0 { "" } else { "." };
    (min <= max && max <= 50)
        .then(|| format!("0{point}{}{}", "0".repeat(min), "#".repeat(max - min)))
}
