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
        if self.token == Token::Semicolon {
            self.advance();
        }
        let mut options = Vec::new();
        while self.at_free_word() {
            let src = self.token_src;
            let spelling = self.token_text().to_owned();
            self.advance();
            self.expect(Token::Assign, "pattern:\n    \"=\"")?;
            let value = self.expression()?;
            if matches!(spelling.as_str(), "ignore_missing" | "ignoreMissing") {
                self.check_name(&spelling, src)?;
            }
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
        let Some(found) = constant_kind(value) else {
            return Ok(());
        };
        if let (ExprKind::Str(word), "parse") = (&value.kind, option)
            && !crate::syntax::is_boolean(word)
        {
            let message = format!("Illegal boolean value: {word}");
            return Err(self.syntax_error(value.src, message));
        }
        let message = match option {
            "ignore_missing" if found != Constant::Boolean => {
                "Expected a boolean as the value of the \"ignore_missing\" attribute"
            }
            "parse" if !matches!(found, Constant::Boolean | Constant::String) => {
                "Expected a boolean or string as the value of the parse attribute"
            }
            "encoding" if found != Constant::String => {
                "Expected a string as the value of the \"encoding\" argument"
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
        self.advance();
        let alias = self.identifier()?;
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

/// What a constant is, as far as options ask.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Constant {
    Boolean,
    Number,
    String,
    Other,
}

/// What `expr` is, if it is the same in every render.
fn constant_kind(expr: &Expr) -> Option<Constant> {
    Some(match &expr.kind {
        ExprKind::Bool(_) => Constant::Boolean,
        ExprKind::Int(_) | ExprKind::Decimal(_) => Constant::Number,
        ExprKind::Str(_) => Constant::String,
        ExprKind::Seq(items) if items.iter().all(is_constant) => Constant::Other,
        ExprKind::Hash(entries)
            if entries
                .iter()
                .all(|(key, value)| is_constant(key) && is_constant(value)) =>
        {
            Constant::Other
        }
        ExprKind::Paren(inner) => constant_kind(inner)?,
        ExprKind::Negate(inner) | ExprKind::Plus(inner) if is_constant(inner) => Constant::Number,
        ExprKind::Not(inner) if is_constant(inner) => Constant::Boolean,
        ExprKind::Arithmetic(_, left, right) => match (constant_kind(left)?, constant_kind(right)?)
        {
            (Constant::Number, Constant::Number) => Constant::Number,
            _ => Constant::String,
        },
        _ => return None,
    })
}

fn is_constant(expr: &Expr) -> bool {
    constant_kind(expr).is_some()
}
