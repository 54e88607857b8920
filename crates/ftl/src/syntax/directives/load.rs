//! `#include` and `#import`.

use crate::syntax::ast::{Expr, ExprKind, Import, Include, NodeKind};
use crate::syntax::lexer::Token;
use crate::syntax::parser::{Parser, Result};
use crate::syntax::tags::Tag;
use crate::syntax::whitespace::Piece;

impl Parser<'_> {
    /// `<#include name parse=… encoding=… ignore_missing=…>`
    pub(super) fn include_directive(&mut self, tag: Tag) -> Result<NodeKind> {
        self.check_loader(tag)?;
        let start = self.pos as u32;
        self.enter_tag(tag)?;
        let name = self.expression()?;
        let mut options = Vec::new();
        while self.token == Token::Ident {
            let src = self.token_src;
            let spelling = self.token_text().to_owned();
            if matches!(spelling.as_str(), "ignore_missing" | "ignoreMissing") {
                self.check_name(&spelling, src)?;
            }
            self.advance()?;
            self.expect(Token::Assign, "pattern:\n    \"=\"")?;
            let value = self.expression()?;
            let option = match spelling.as_str() {
                "parse" | "encoding" => spelling,
                "ignore_missing" | "ignoreMissing" => "ignore_missing".to_owned(),
                other => {
                    let message = format!(
                        "Unsupported named #include parameter: {}. Supported parameters are: \"parse\", \"encoding\", \"ignore_missing\".",
                        crate::error::java_quoted(other)
                    );
                    return Err(self.syntax_error(src, message));
                }
            };
            self.check_option(&option, &value)?;
            options.push((option.into(), value));
        }
        self.end_tag()?;
        self.layout.leaf(Piece::Plain, start, self.pos as u32);
        Ok(NodeKind::Include(Box::new(Include {
            name,
            options,
            site: None,
        })))
    }

    /// A constant of the wrong type is noticed at once.
    fn check_option(&self, option: &str, value: &Expr) -> Result<()> {
        let message = match (&value.kind, option) {
            (ExprKind::Str(_), "ignore_missing") | (ExprKind::Int(_), "ignore_missing") => {
                "Expected a boolean as the value of the \"ignore_missing\" attribute"
            }
            (ExprKind::Int(_) | ExprKind::Decimal(_), "parse") => {
                "Expected a boolean or string as the value of the parse attribute"
            }
            _ => return Ok(()),
        };
        Err(self.syntax_error(value.src, message))
    }

    /// `<#import name as alias>`
    pub(super) fn import_directive(&mut self, tag: Tag) -> Result<NodeKind> {
        self.check_loader(tag)?;
        let start = self.pos as u32;
        self.enter_tag(tag)?;
        let name = self.expression()?;
        if !self.at_word("as") {
            return Err(self.unexpected("\"as\""));
        }
        self.advance()?;
        if self.token != Token::Ident {
            return Err(self.unexpected("pattern:\n    <ID>"));
        }
        let alias = self.identifier("pattern:\n    <ID>")?;
        self.end_tag()?;
        self.layout.leaf(Piece::Silent, start, self.pos as u32);
        Ok(NodeKind::Import(Box::new(Import {
            name,
            alias,
            slot: 0,
            site: None,
        })))
    }

    fn check_loader(&mut self, tag: Tag) -> Result<()> {
        if self.options.loads {
            return Ok(());
        }
        let message = format!(
            "#{} is refused: a template can't load other templates here",
            tag.name
        );
        Err(self.refused(self.tag_src(tag), message))
    }
}
