//! `#escape`, output formats, and text that isn't looked into.

use crate::error::ErrorKind;
use crate::eval::Printer;
use crate::output_format::{AutoEscaping, OutputFormat};
use crate::syntax::ast::{Arithmetic, Expr, ExprKind, Node, NodeKind};
use crate::syntax::parser::{Escape, Parser, Result, UNEXPECTED_END};
use crate::syntax::source::Src;
use crate::syntax::tags::Tag;
use crate::syntax::whitespace::Piece;

/// Largest expression of an `#escape`, those around it included: nested ones multiply.
const MAX_ESCAPE: usize = 500;

impl Parser<'_> {
    pub(super) fn escape_directive(&mut self, tag: Tag) -> Result<NodeKind> {
        let start = self.pos as u32;
        let src = self.tag_src(tag);
        if self.auto_escape {
            let message = format!(
                "Using the \"escape\" directive (legacy escaping) is not allowed when auto-escaping is on with a markup output format ({}), to avoid confusion and double-escaping mistakes.",
                self.output_format.own_name()
            );
            return Err(self.syntax_error(src, message));
        }
        self.enter_tag(tag)?;
        let var = self.identifier()?;
        if !self.at_word("as") {
            return Err(self.unexpected("pattern:\n    \"as\""));
        }
        self.advance();
        let expr = self.expression()?;
        self.end_open_tag()?;
        let mut expr = self.escaped(expr)?;
        let size = crate::compile::size(&mut expr, &var);
        if size.all > MAX_ESCAPE {
            let message = format!("the expression of #escape has more than {MAX_ESCAPE} parts");
            return Err(self.error_of(ErrorKind::Depth, src, message));
        }
        self.escapes.push(Escape { var, expr, size });
        self.layout.open(Piece::Block, start);
        let (body, _) = self.block(&["/escape"])?;
        self.escapes.pop();
        self.close_tag()?;
        self.layout.close(self.pos as u32);
        Ok(NodeKind::Group(body))
    }

    pub(super) fn noescape_directive(&mut self, tag: Tag) -> Result<NodeKind> {
        let Some(escape) = self.escapes.pop() else {
            return Err(self.syntax_error(
                self.tag_src(tag),
                "#noescape with no matching #escape encountered.",
            ));
        };
        let body = self.simple_block(tag, "/noescape", Piece::Block)?;
        self.escapes.push(escape);
        Ok(NodeKind::Group(body))
    }

    pub(super) fn cannot_escape(&self, src: Src) -> crate::Error {
        let message = format!(
            "The current output format can't do escaping: {}",
            self.output_format.name()
        );
        self.syntax_error(src, message)
    }

    pub(super) fn autoesc_directive(&mut self, tag: Tag) -> Result<NodeKind> {
        let on = tag.name == "autoesc";
        if on && !self.output_format.is_markup() {
            return Err(self.cannot_escape(self.tag_src(tag)));
        }
        let policy = if on {
            AutoEscaping::EnableIfSupported
        } else {
            AutoEscaping::Disable
        };
        let outer = (self.policy, self.auto_escape);
        (self.policy, self.auto_escape) = (policy, on);
        let end = if on { "/autoesc" } else { "/noautoesc" };
        let body = self.simple_block(tag, end, Piece::Vanishing)?;
        (self.policy, self.auto_escape) = outer;
        Ok(NodeKind::Group(body))
    }

    pub(super) fn outputformat_directive(&mut self, tag: Tag) -> Result<NodeKind> {
        let start = self.pos as u32;
        let src = self.tag_src(tag);
        self.enter_tag(tag)?;
        let name = self.expression()?;
        self.end_open_tag()?;
        let name = match (constant_text(&name), &name.kind) {
            (Some(name), _) => name,
            (None, ExprKind::Int(_) | ExprKind::Decimal(_) | ExprKind::Bool(_)) => {
                let found = match &name.kind {
                    ExprKind::Bool(_) => "boolean",
                    _ => "number",
                };
                let message = format!("Parameter must be a string, but was: {found}");
                return Err(self.syntax_error(name.src, message));
            }
            _ => {
                let shown = Printer::new(self.interpolations).expr(&name);
                let message = format!(
                    "Parameter expression must be parse-time evaluable (constant): {shown}"
                );
                return Err(self.syntax_error(name.src, message));
            }
        };
        let format = self
            .format_in_place(&name)
            .map_err(|message| self.syntax_error(src, message))?;
        let outer = (self.output_format.clone(), self.auto_escape);
        self.set_output_format(format);
        self.layout.open(Piece::Vanishing, start);
        let (body, _) = self.block(&["/outputformat"])?;
        (self.output_format, self.auto_escape) = outer;
        self.close_tag()?;
        self.layout.close(self.pos as u32);
        Ok(NodeKind::Group(body))
    }

    /// The format called `name`; `{RTF}` is within the one that is in force.
    fn format_in_place(&self, name: &str) -> std::result::Result<OutputFormat, String> {
        let Some(inner) = name.strip_prefix('{') else {
            return OutputFormat::named(name);
        };
        let inner = inner.strip_suffix('}').ok_or_else(|| {
            format!("Output format name that starts with '{{' must end with '}}': {name}")
        })?;
        let inner = OutputFormat::named(inner)?;
        if !inner.is_markup() {
            return Err(format!(
                "The output format inside the {{...}} must be a markup format, but was: {}",
                inner.name()
            ));
        }
        if !self.output_format.is_markup() {
            return Err(format!(
                "The current output format must be a markup format when using {{...}}, but was: {}",
                self.output_format.name()
            ));
        }
        OutputFormat::combined(self.output_format.clone(), inner)
    }

    /// `#noparse` and `#comment`
    pub(super) fn verbatim_directive(&mut self, tag: Tag, nodes: &mut Vec<Node>) -> Result<()> {
        let src = self.bare_tag(tag)?;
        let rest = self.rest();
        let spelling = &self.text[src.start as usize..src.end as usize];
        let name = spelling.trim_matches(|c: char| !c.is_ascii_alphabetic());
        let start = self.pos as u32;
        let (len, closed) = match find_end_tag(rest, name) {
            Some(len) => (len, true),
            None => (self.unclosed_verbatim(src)?, false),
        };
        self.pos = start as usize + len;
        let content = self.since(start);
        if closed {
            self.close_tag()?;
        } else {
            self.pos = self.text.len();
        }
        // The text has the place of the whole directive.
        let end = self.pos as u32;
        if tag.name == "comment" {
            self.layout.leaf(Piece::Silent, src.start, end);
        } else {
            let id = self.layout.text(&rest[..len], src.start, end);
            nodes.push(Node {
                src: content,
                kind: NodeKind::TextRef(id),
            });
        }
        Ok(())
    }

    /// What isn't parsed, from the current position on, has no end: an error, but old versions take it up to its last
    /// token. Says how many bytes that leaves, and goes to the end of the source.
    pub(crate) fn unclosed_verbatim(&mut self, tag: Src) -> Result<usize> {
        if self.options.version.has(21) && !self.rest().is_empty() {
            let spelling = &self.text[tag.start as usize..tag.end as usize];
            return Err(self.syntax_error(tag, format!("Unclosed \"{spelling}\"")));
        }
        let rest = self.rest();
        if rest.is_empty() {
            return Err(self.at_end_of_source(UNEXPECTED_END.to_owned()));
        }
        let kept = rest.len() - last_verbatim_token(rest);
        self.pos = self.text.len();
        Ok(kept)
    }
}

/// Bytes of the last token of text that isn't parsed.
fn last_verbatim_token(text: &str) -> usize {
    let mut rest = text;
    loop {
        let len = verbatim_token(rest);
        if len == rest.len() {
            return len;
        }
        rest = &rest[len..];
    }
}

/// Bytes of the first one: an end tag, `-->`, one of `<`, `[`, `-`, or what is between them.
fn verbatim_token(text: &str) -> usize {
    if let Some(tag) = end_tag_at(text) {
        return tag.len;
    }
    if text.starts_with("-->") || text.starts_with("--]") {
        return 3;
    }
    match text.find(['<', '[', '-']) {
        Some(0) => 1,
        Some(at) => at,
        None => text.len(),
    }
}

/// An end tag where nothing is parsed: of either brackets, with or without `#`.
struct EndTag<'t> {
    name: &'t str,
    len: usize,
}

/// The end tag that `text` begins with.
fn end_tag_at(text: &str) -> Option<EndTag<'_>> {
    let after = text.strip_prefix(['<', '['])?.strip_prefix('/')?;
    let after = after.strip_prefix('#').unwrap_or(after);
    let name_len = after.find(|c: char| !c.is_ascii_alphabetic())?;
    let end = after[name_len..].trim_start_matches([' ', '\t', '\n', '\r']);
    let end = end.strip_prefix(['>', ']'])?;
    (name_len > 0).then_some(EndTag {
        name: &after[..name_len],
        len: text.len() - end.len(),
    })
}

/// Where the end tag of `name` begins.
fn find_end_tag(text: &str, name: &str) -> Option<usize> {
    text.match_indices(['<', '['])
        .map(|(at, _)| at)
        .find(|at| end_tag_at(&text[*at..]).is_some_and(|tag| tag.name == name))
}

/// The text of literals that are put together.
fn constant_text(expr: &Expr) -> Option<String> {
    match &expr.kind {
        ExprKind::Str(text) => Some(text.to_string()),
        ExprKind::Paren(inner) => constant_text(inner),
        ExprKind::Arithmetic(Arithmetic::Add, left, right) => {
            Some(constant_text(left)? + &constant_text(right)?)
        }
        _ => None,
    }
}
