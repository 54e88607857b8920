//! The directives, one function each.

mod assign;
mod blocks;
mod format;
mod header;
mod load;
mod loops;
mod macros;
mod setting;

use super::ast::{AssignScope, Expr, Node, NodeKind};
use super::builtin_calls::is_keyword;
use super::lexer::Token;
use super::parser::{Context, Parser, Result};
use super::tags::Tag;
use super::whitespace::Piece;

impl Parser<'_> {
    /// Parses the directive that begins with `tag`, up to its end.
    pub(crate) fn directive(&mut self, tag: Tag, nodes: &mut Vec<Node>) -> Result<()> {
        let start = self.pos as u32;
        // FreeMarker's `#stop` stands where its tag begins.
        let stop_src = (tag.name == "stop").then(|| self.tag_src(tag));
        let kind = match tag.name {
            "if" => self.if_directive(tag)?,
            "list" => self.list_directive(tag)?,
            "foreach" => self.foreach_directive(tag)?,
            "items" => self.items_directive(tag)?,
            "sep" => self.sep_directive(tag)?,
            "assign" => return self.assign_directive(tag, AssignScope::Namespace, nodes),
            "local" => return self.assign_directive(tag, AssignScope::Local, nodes),
            "global" => return self.assign_directive(tag, AssignScope::Global, nodes),
            "macro" | "function" => self.macro_directive(tag)?,
            "switch" => self.switch_directive(tag)?,
            "setting" => self.setting_directive(tag)?,
            "compress" => self.compress_directive(tag)?,
            "attempt" => self.attempt_directive(tag)?,
            "escape" => self.escape_directive(tag)?,
            "noescape" => self.noescape_directive(tag)?,
            "autoesc" | "noautoesc" => self.autoesc_directive(tag)?,
            "outputformat" => self.outputformat_directive(tag)?,
            "noparse" | "comment" => return self.verbatim_directive(tag, nodes),
            "t" | "lt" | "rt" | "nt" => return self.trim_directive(tag),
            "flush" => {
                let src = self.bare_tag(tag)?;
                self.layout.leaf(Piece::Plain, src.start, src.end);
                return Ok(());
            }
            "break" | "continue" => self.jump_directive(tag)?,
            "return" => self.return_directive(tag)?,
            "stop" => self.stop_directive(tag)?,
            "nested" => self.nested_directive(tag)?,
            "call" => self.call_directive(tag)?,
            "transform" => self.transform_directive(tag)?,
            "include" => self.include_directive(tag)?,
            "import" => self.import_directive(tag)?,
            "visit" | "recurse" | "fallback" => {
                let message = format!(
                    "#{} is refused: it works on XML nodes, and the data has none",
                    tag.name
                );
                return Err(self.refused(self.tag_src(tag), message));
            }
            _ => return Err(self.misplaced_tag(tag)),
        };
        nodes.push(Node {
            src: stop_src.unwrap_or_else(|| self.since(start)),
            kind,
        });
        Ok(())
    }

    /// The place of a tag up to the character after its name, which FreeMarker counts in.
    pub(super) fn tag_src(&self, tag: Tag) -> super::Src {
        let len = if tag.has_parameters {
            tag.len + 1
        } else {
            self.rest().find(['>', ']']).map_or(tag.len, |at| at + 1)
        };
        super::Src {
            start: self.pos as u32,
            end: (self.pos + len) as u32,
        }
    }

    /// An `#else` that belongs to nothing; `ends` are the tags that would close what is open.
    pub(in crate::syntax) fn misplaced_else(&self, tag: Tag, ends: &[&str]) -> crate::Error {
        // Here FreeMarker waits for other tags in the first place.
        if matches!(ends, [] | ["/if"] | ["/attempt", "recover"]) {
            return self.misplaced_tag(tag);
        }
        let src = self.tag_src(tag);
        let spelling = &self.text[src.start as usize..src.end as usize];
        let owner = if tag.name == "else" {
            "an #if or #list"
        } else {
            "an #if"
        };
        let message = format!(
            "Encountered {}, which can only be used where {owner} could be closed, but at this place only something else can be closed.",
            crate::error::java_quoted(spelling)
        );
        self.syntax_error(src, message)
    }

    /// A tag that makes no sense where it stands.
    fn misplaced_tag(&self, tag: Tag) -> crate::Error {
        let src = self.tag_src(tag);
        let spelling = &self.text[src.start as usize..src.end as usize];
        self.syntax_error(
            src,
            format!(
                "Encountered {}, but was expecting something else: the directive that it belongs to isn't open here.",
                crate::error::java_quoted(spelling)
            ),
        )
    }

    fn trim_directive(&mut self, tag: Tag) -> Result<()> {
        let src = self.bare_tag(tag)?;
        let piece = Piece::Trim {
            left: matches!(tag.name, "t" | "lt"),
            right: matches!(tag.name, "t" | "rt"),
        };
        self.layout.leaf(piece, src.start, src.end);
        Ok(())
    }

    /// A directive without parameters: its body up to the end tag.
    fn simple_block(&mut self, tag: Tag, end: &str, piece: Piece) -> Result<Vec<Node>> {
        let src = self.bare_tag(tag)?;
        self.layout.open(piece, src.start);
        let (body, _) = self.block(&[end])?;
        self.close_tag()?;
        self.layout.close(self.pos as u32);
        Ok(body)
    }

    /// A name that can't be quoted.
    fn identifier(&mut self) -> Result<Box<str>> {
        if self.token != Token::Ident || is_keyword(self.token_text()) {
            return Err(self.unexpected("pattern:\n    <ID>"));
        }
        let name = self.token_text().replace('\\', "").into();
        self.advance();
        Ok(name)
    }

    /// A name, bare or quoted.
    fn identifier_or_string(&mut self) -> Result<Box<str>> {
        let spelling = self.token_text();
        let name: Box<str> = match self.token {
            Token::Ident if !is_keyword(spelling) => spelling.replace('\\', "").into(),
            Token::Str { raw: false } => Self::unescape(&spelling[1..spelling.len() - 1]).into(),
            Token::Str { raw: true } => spelling[2..spelling.len() - 1].into(),
            _ => {
                let expected =
                    "one of these patterns:\n    <STRING_LITERAL>\n    <RAW_STRING>\n    <ID>";
                return Err(self.unexpected(expected));
            }
        };
        self.advance();
        Ok(name)
    }

    /// Parses with a changed context, which is put back afterwards.
    fn in_context<T>(
        &mut self,
        change: impl FnOnce(&mut Context),
        parse: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        let outer = self.context;
        change(&mut self.context);
        let result = parse(self);
        self.context = outer;
        result
    }

    /// An expression, if the tag has one.
    fn optional_expression(&mut self) -> Result<Option<Expr>> {
        if self.starts_expression()? {
            self.expression().map(Some)
        } else {
            Ok(None)
        }
    }

    fn positional_args(&mut self) -> Result<Vec<Expr>> {
        let mut args = Vec::new();
        while self.starts_expression()? {
            args.push(self.expression()?);
            if self.token == Token::Comma {
                self.advance();
            }
        }
        Ok(args)
    }

    fn stop_directive(&mut self, tag: Tag) -> Result<NodeKind> {
        let start = self.pos as u32;
        self.enter_tag(tag)?;
        let message = self.optional_expression()?;
        self.end_tag()?;
        self.layout.leaf(Piece::Plain, start, self.pos as u32);
        Ok(NodeKind::Stop(message))
    }

    fn compress_directive(&mut self, tag: Tag) -> Result<NodeKind> {
        self.simple_block(tag, "/compress", Piece::Vanishing)
            .map(NodeKind::Compress)
    }
}
