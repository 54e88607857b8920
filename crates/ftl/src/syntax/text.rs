//! The level of text, interpolations and comments.

use super::ast::{Expr, FormattedOutput, Node, NodeKind, NumericOutput};
use super::builtin_calls::is_keyword;
use super::lexer::Token;
use super::literals::Literals;
use super::options::Interpolations;
use super::parser::{CHECK_END_TAGS, Parser, Result, UNEXPECTED_END};
use super::source::Src;
use super::tags::Tag;
use super::whitespace::Piece;
use crate::number::NumberFormat;
use crate::output_format::OutputFormat;

/// How an interpolation begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opening {
    Dollar,
    Hash,
    Bracket,
}

pub(crate) fn opening(interpolations: Interpolations, bytes: &[u8]) -> Option<Opening> {
    match (bytes, interpolations) {
        ([b'$', b'{', ..], Interpolations::Legacy | Interpolations::Dollar) => {
            Some(Opening::Dollar)
        }
        ([b'#', b'{', ..], Interpolations::Legacy) => Some(Opening::Hash),
        ([b'[', b'=', ..], Interpolations::Square) => Some(Opening::Bracket),
        _ => None,
    }
}

/// Why a block has ended.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    Tag(Tag),
    /// `</@name>`
    Call,
    Source,
}

impl End {
    pub(crate) fn is(self, name: &str) -> bool {
        matches!(self, Self::Tag(tag) if tag.name == name)
    }
}

impl<'s> Parser<'s> {
    /// Parses text and tags up to a tag that is none of the block's own; returns its nodes and that tag.
    ///
    /// `ends` are the names of end tags (`/if`) and of tags that separate sections (`else`); `/@` for a call's.
    pub(crate) fn block(&mut self, ends: &[&str]) -> Result<(Vec<Node>, End)> {
        self.enter()?;
        let result = stacker::maybe_grow(256 * 1024, 2 * 1024 * 1024, || self.block_nodes(ends));
        self.leave();
        result
    }

    fn block_nodes(&mut self, ends: &[&str]) -> Result<(Vec<Node>, End)> {
        let mut nodes = Vec::new();
        let list = self.itemless_list.take();
        loop {
            self.plain_text(&mut nodes);
            let rest = self.rest().as_bytes();
            if rest.is_empty() {
                return if ends.is_empty() {
                    Ok((nodes, End::Source))
                } else {
                    Err(self.unclosed(ends))
                };
            }
            if let Some(opening) = self.interpolation_at(rest) {
                let node = self.interpolation(opening)?;
                self.layout
                    .leaf(Piece::Output, node.src.start, node.src.end);
                nodes.push(node);
                continue;
            }
            match rest[1..] {
                [b'#', b'-', b'-', ..] => self.comment()?,
                [b'@', ..] => {
                    let node = self.macro_call()?;
                    nodes.push(node);
                }
                [b'/', b'@', ..] => {
                    if ends.contains(&"/@") {
                        return Ok((nodes, End::Call));
                    }
                    return Err(match list.filter(|_| !self.context.items_used) {
                        Some(list) => self.lacks_items(list),
                        None => self.unexpected_tag(),
                    });
                }
                _ => {
                    let tag = self.tag().map_err(|error| match list {
                        // Without strict syntax it is just no part of the list.
                        Some(list) if self.loose_tags && !self.context.items_used => {
                            self.lacks_items(list)
                        }
                        _ => error,
                    })?;
                    if ends.contains(&tag.name) {
                        return Ok((nodes, End::Tag(tag)));
                    }
                    // A list that ends here has to be one; only then it matters what should end it.
                    if let Some(list) = list.filter(|_| !self.context.items_used)
                        && ends_sections(tag.name)
                    {
                        return Err(self.lacks_items(list));
                    }
                    if let "else" | "elseif" = tag.name {
                        return Err(self.misplaced_else(tag, ends));
                    }
                    self.directive(tag, &mut nodes)?;
                }
            }
        }
    }

    fn plain_text(&mut self, nodes: &mut Vec<Node>) {
        let start = self.pos;
        self.pos += self.text_len();
        // Only what stands in no directive goes.
        let goes = self.strip_text && self.is_outermost();
        if self.pos > start && !goes {
            let src = self.since(start as u32);
            let id = self
                .layout
                .text(&self.text[start..self.pos], src.start, src.end);
            nodes.push(Node {
                src,
                kind: NodeKind::TextRef(id),
            });
        }
    }

    fn comment(&mut self) -> Result<()> {
        let rest = self.rest();
        let end = if rest.starts_with('[') { "--]" } else { "-->" };
        let start = self.pos as u32;
        self.establish(rest.starts_with('['));
        const OPENING: usize = "<#--".len();
        let Some(at) = rest[OPENING..].find(end) else {
            self.pos += OPENING;
            self.unclosed_verbatim(self.since(start))?;
            self.layout.leaf(Piece::Silent, start, self.pos as u32);
            return Ok(());
        };
        self.pos += OPENING + at + end.len();
        self.layout.leaf(Piece::Silent, start, self.pos as u32);
        Ok(())
    }

    pub(crate) fn at_end_of_source(&self, message: String) -> crate::Error {
        let end = self.text.len() as u32;
        self.syntax_error(
            Src {
                start: end.saturating_sub(1),
                end,
            },
            message,
        )
    }

    fn unclosed(&self, ends: &[&str]) -> crate::Error {
        let what = match ends.last().map_or("", |end| end.trim_start_matches('/')) {
            "assign" | "local" | "global" => "#assign or #local or #global",
            "macro" | "function" => "#macro or #function",
            "@" => "@",
            // FreeMarker waits for its `#recover` in the first place.
            "recover" | "outputformat" | "noautoesc" | "autoesc" => {
                return self.at_end_of_source(UNEXPECTED_END.to_owned());
            }
            // The end of a `#sep` may be left out, the loop's may not.
            _ if ends.first() == Some(&"/sep") => match self.context.loop_tag {
                "foreach" => "#sep and #foreach",
                other => &format!("#{other} and #sep"),
            },
            other => &format!("#{other}"),
        };
        if what == "@" {
            return self.at_end_of_source(format!(
                "{UNEXPECTED_END} You have an unclosed @....{CHECK_END_TAGS}"
            ));
        }
        self.at_end_of_source(format!(
            "{UNEXPECTED_END} You have an unclosed {what}.{CHECK_END_TAGS}"
        ))
    }

    /// An end tag that ends nothing.
    pub(crate) fn unexpected_tag(&self) -> crate::Error {
        let rest = self.rest();
        let len = rest.find(['>', ']']).map_or(rest.len(), |at| at + 1);
        let src = Src {
            start: self.pos as u32,
            end: (self.pos + len) as u32,
        };
        self.syntax_error(
            src,
            format!(
                "Encountered {}, but was expecting something else.",
                crate::error::java_quoted(&rest[..len])
            ),
        )
    }

    fn interpolation(&mut self, opening: Opening) -> Result<Node> {
        let start = self.pos as u32;
        self.pos += 2;
        let outer = (self.gt_is_operator, self.in_square_tag);
        let outer_open = (self.brackets, self.braces);
        self.gt_is_operator = true;
        self.in_square_tag = opening == Opening::Bracket;
        self.brackets = 0;
        self.braces = u32::from(opening != Opening::Bracket);
        self.advance();
        let expr = self.expression()?;
        if opening == Opening::Hash {
            self.literal_fits(&expr, Literals::NUMBER)?;
        }
        let format = if opening == Opening::Hash && self.token == Token::Semicolon {
            self.advance();
            if self.token != Token::Ident || is_keyword(self.token_text()) {
                return Err(self.unexpected("pattern:\n    <ID>"));
            }
            let format = self.token_text().to_owned();
            let src = self.token_src;
            self.advance();
            Some((format, src))
        } else {
            None
        };
        (self.gt_is_operator, self.in_square_tag) = outer;
        (self.brackets, self.braces) = outer_open;
        match (opening, self.token) {
            (Opening::Bracket, Token::TagEnd) => {}
            (Opening::Dollar | Opening::Hash, Token::CloseBrace) => {}
            (Opening::Bracket, _) => return Err(self.unexpected("\"]\"")),
            _ => return Err(self.unexpected("\"}\"")),
        }
        let src = Src {
            start: self.base + start,
            end: self.token_src.end,
        };
        let kind = if opening == Opening::Hash {
            self.numeric(expr, format)?
        } else {
            self.literal_fits(&expr, Literals::PRINTABLE)?;
            let expr = self.escaped(expr)?;
            self.output(expr)
        };
        Ok(Node { src, kind })
    }

    fn output(&self, expr: Expr) -> NodeKind {
        if self.output_format == OutputFormat::Undefined {
            return NodeKind::Output(expr);
        }
        NodeKind::FormattedOutput(Box::new(FormattedOutput {
            expr,
            format: self.output_format.clone(),
            auto_escape: self.auto_escape,
        }))
    }

    /// `#{expr}` or `#{expr; m1M2}`
    fn numeric(&self, expr: Expr, format: Option<(String, Src)>) -> Result<NodeKind> {
        let (min_fraction, max_fraction) = match &format {
            Some((text, src)) => {
                fraction_digits(text).map_err(|message| self.syntax_error(*src, message))?
            }
            None => (0, 0),
        };
        let pattern = match &format {
            Some(_) => {
                let point = if max_fraction == 0 { "" } else { "." };
                format!(
                    "0{point}{}{}",
                    "0".repeat(min_fraction as usize),
                    "#".repeat((max_fraction - min_fraction) as usize)
                )
            }
            None => "0.##################################################".to_owned(),
        };
        let compiled = NumberFormat::parse(&pattern, self.options.version)
            .map_err(|message| self.error_here(message))?;
        Ok(NodeKind::NumericOutput(Box::new(NumericOutput {
            expr,
            min_fraction,
            max_fraction,
            has_format: format.is_some(),
            format: compiled,
        })))
    }

    /// Text and interpolations of a string literal.
    pub(crate) fn string_parts(&mut self) -> Result<Vec<Node>> {
        let mut nodes = Vec::new();
        loop {
            let bytes = &self.text.as_bytes()[self.pos..];
            let len = (0..bytes.len())
                .find(|at| self.interpolation_at(&bytes[*at..]).is_some())
                .unwrap_or(bytes.len());
            if len > 0 {
                nodes.push(Node {
                    src: Src::default(),
                    kind: NodeKind::Text(self.text[self.pos..self.pos + len].into()),
                });
                self.pos += len;
            }
            match self.interpolation_at(self.rest().as_bytes()) {
                Some(opening) => {
                    let mut node = self.interpolation(opening)?;
                    // In a string literal nothing is escaped.
                    if let NodeKind::FormattedOutput(output) = node.kind {
                        node.kind = NodeKind::Output(output.expr);
                    }
                    nodes.push(node);
                }
                None => return Ok(nodes),
            }
        }
    }

    /// Whether a string literal's contents have interpolations.
    pub(crate) fn has_interpolation(&self, content: &str) -> bool {
        let opening = match self.interpolations {
            Interpolations::Legacy => content.contains("${") || content.contains("#{"),
            Interpolations::Dollar => content.contains("${"),
            Interpolations::Square => content.contains("[="),
        };
        // FreeMarker doesn't look into shorter ones.
        opening && content.len() > 3
    }
}

/// Whether a tag only stands at the end of a block.
fn ends_sections(tag: &str) -> bool {
    tag.starts_with('/')
        || matches!(
            tag,
            "else" | "elseif" | "recover" | "case" | "default" | "on"
        )
}

/// The least and the most digits that `m1M3`, `m2` or `M2` ask for: numbers, each after its letter, in either order.
fn fraction_digits(text: &str) -> std::result::Result<(u32, u32), String> {
    let (mut min, mut max) = (None, None);
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let digits = match letter {
            'm' | 'M' => &rest[1..],
            _ => return Err(format!("Invalid format specifier {text}")),
        };
        let len = digits.find(['m', 'M']).unwrap_or(digits.len());
        rest = &digits[len..];
        if digits.is_empty() {
            // A letter at the end asks for nothing.
            break;
        }
        let count: i32 = digits[..len]
            .parse()
            .map_err(|_| format!("Invalid number in the format specifier {text}"))?;
        let place = if letter == 'm' { &mut min } else { &mut max };
        if place.replace(count).is_some() {
            return Err(format!("Invalid format specifier {text}"));
        }
    }
    let (min, max) = match (min, max) {
        (None, None) => {
            let problem =
                "Invalid format specification, at least one of m and M must be specified!";
            return Err(problem.to_owned());
        }
        (Some(min), None) => (min, min),
        (min, Some(max)) => (min.unwrap_or(0), max),
    };
    if min > max {
        return Err("Invalid format specification, min cannot be greater than max!".to_owned());
    }
    if min > 50 || max > 50 {
        return Err("Cannot specify more than 50 fraction digits".to_owned());
    }
    // An identifier has no signs in it.
    Ok((min.unsigned_abs(), max.unsigned_abs()))
}
