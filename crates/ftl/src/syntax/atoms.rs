//! What expressions are made of: literals, names, parentheses, sequences, hashes, lambdas.

use super::ast::{Binding, Expr, ExprKind, Lambda, Name};
use super::builtin_calls::is_keyword;
use super::expressions::unescape_name;
use super::identifiers::is_identifier_start;
use super::lexer::Token;
use super::literals::Literals;
use super::parser::{Parser, Result};
use super::source::Src;

impl Parser<'_> {
    pub(super) fn atom(&mut self) -> Result<Expr> {
        let src = self.token_src;
        let kind = match self.token {
            Token::Str { raw } => return self.string_literal(raw),
            Token::Number => {
                let text = self.token_text();
                let kind = match text.parse() {
                    Ok(int) => ExprKind::Int(int),
                    Err(_) => ExprKind::Decimal(text.into()),
                };
                self.advance();
                kind
            }
            Token::OpenParen => return self.parenthesis(),
            Token::OpenBracket => return self.sequence(),
            Token::OpenBrace => return self.hash(),
            Token::Dot => {
                self.advance();
                let special = self.special()?;
                let src = src.to(self.token_src);
                self.advance();
                return Ok(self.expr(src, special));
            }
            Token::Ident => {
                let kind = match self.token_text() {
                    "true" => ExprKind::Bool(true),
                    "false" => ExprKind::Bool(false),
                    "in" | "as" | "using" | "lt" | "lte" | "gt" | "gte" => {
                        return Err(self.unexpected("an expression"));
                    }
                    text => {
                        let text = unescape_name(text);
                        // This directive assigns to a variable whose name is only known when it runs.
                        self.open |= *text == *"capture_output";
                        ExprKind::Name(Box::new(Name {
                            text,
                            binding: Binding::default(),
                        }))
                    }
                };
                self.advance();
                if self.token == Token::Arrow
                    && self.lambda_at == Some(src.start)
                    && let ExprKind::Name(name) = kind
                {
                    return self.lambda(src, name.text);
                }
                kind
            }
            _ => return Err(self.unexpected("an expression")),
        };
        Ok(self.expr(src, kind))
    }

    fn lambda(&mut self, src: Src, param: Box<str>) -> Result<Expr> {
        self.advance();
        let body = self.expression()?;
        Ok(self.expr(
            src.to(body.src),
            ExprKind::Lambda(Box::new(Lambda {
                param,
                slot: 0,
                body,
            })),
        ))
    }

    /// How many parameters the lambda has that begins with the current `(`, if it is one.
    fn lambda_parameters(&self) -> Option<usize> {
        let (names, rest) = self.text[self.pos..].split_once(')')?;
        if !rest.trim_start().starts_with("->") {
            return None;
        }
        if names.trim().is_empty() {
            return Some(0);
        }
        let is_name = |name: &str| {
            let name = name.trim();
            !is_keyword(name)
                && name.starts_with(is_identifier_start)
                && name
                    .chars()
                    .all(|c| is_identifier_start(c) || c.is_ascii_digit())
        };
        let names = || names.split(',');
        names().all(is_name).then(|| names().count())
    }

    /// A lambda that has not one parameter but `count`: no built-in takes it, and its own tells that.
    fn misfitting_lambda(&mut self, count: usize) -> Result<Expr> {
        let start = self.token_src;
        while self.token != Token::Arrow {
            self.advance();
        }
        let lambda = self.lambda(start, "".into())?;
        self.misfitting_lambda = Some((lambda.src, count));
        Ok(lambda)
    }

    fn parenthesis(&mut self) -> Result<Expr> {
        if self.lambda_at == Some(self.token_src.start)
            && let Some(count) = self.lambda_parameters().filter(|count| *count != 1)
        {
            return self.misfitting_lambda(count);
        }
        let start = self.token_src;
        let outer = std::mem::replace(&mut self.gt_is_operator, true);
        self.parens += 1;
        self.advance();
        let inner = self.expression()?;
        self.gt_is_operator = outer;
        self.parens -= 1;
        self.expect(Token::CloseParen, "\")\"")?;
        // `(x) -> …` is a lambda too.
        if self.token == Token::Arrow
            && self.lambda_at == Some(start.start)
            && let ExprKind::Name(name) = &inner.kind
        {
            return self.lambda(start, name.text.clone());
        }
        Ok(self.expr(start.to(self.last_src()), ExprKind::Paren(Box::new(inner))))
    }

    fn sequence(&mut self) -> Result<Expr> {
        let start = self.token_src;
        self.advance();
        let mut items = Vec::new();
        let mut after_comma = false;
        while self.token != Token::CloseBracket {
            if self.token == Token::End && !after_comma {
                return Err(self.unexpected("\"]\""));
            }
            items.push(self.expression()?);
            after_comma = self.token == Token::Comma;
            if after_comma {
                self.advance();
                if self.token == Token::CloseBracket {
                    return Err(self.unexpected("an expression"));
                }
            }
        }
        self.advance();
        Ok(self.expr(start.to(self.last_src()), ExprKind::Seq(items)))
    }

    fn hash(&mut self) -> Result<Expr> {
        let start = self.token_src;
        self.advance();
        let mut entries = Vec::new();
        if self.token == Token::End {
            return Err(self.unexpected("\"}\""));
        }
        while self.token != Token::CloseBrace {
            let key = self.expression()?;
            if !matches!(self.token, Token::Colon | Token::Comma) {
                return Err(self.unexpected("\":\""));
            }
            self.advance();
            let value = self.expression()?;
            self.literal_fits(&key, Literals::STRING)?;
            entries.push((key, value));
            if self.token == Token::Comma {
                self.advance();
                if self.token == Token::CloseBrace {
                    return Err(self.unexpected("an expression"));
                }
            } else if self.token != Token::CloseBrace {
                return Err(self.unexpected("\",\" or \"}\""));
            }
        }
        // Within an interpolation the token after `}` is read in the outer mode.
        self.advance();
        Ok(self.expr(start.to(self.last_src()), ExprKind::Hash(entries)))
    }
}
