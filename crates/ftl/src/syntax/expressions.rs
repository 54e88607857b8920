//! The grammar of expressions, from the weakest operator down.

use super::ast::{Arithmetic, Compare, Expr, ExprKind, Key, RangeKind};
use super::lexer::Token;
use super::literals::Literals;
use super::parser::{Parser, Result};
use super::source::Src;
use crate::error::ErrorKind;

/// Operators in a row (`a + b + …`, `a.b.c…`) and inside each other that one expression may have; the evaluator recurses
/// over them.
const MAX_HEIGHT: usize = 1_000;

impl Parser<'_> {
    /// Parses an expression from the current token on.
    pub(crate) fn expression(&mut self) -> Result<Expr> {
        self.enter()?;
        let outer_height = std::mem::take(&mut self.height);
        let result = stacker::maybe_grow(512 * 1024, 2 * 1024 * 1024, || self.or());
        self.height = outer_height.max(self.height + 1);
        self.leave();
        result
    }

    /// Parses the expression that the source begins with; what follows is ignored.
    pub(crate) fn whole_expression(&mut self) -> Result<Expr> {
        self.gt_is_operator = true;
        self.advance();
        self.expression()
    }

    fn or(&mut self) -> Result<Expr> {
        let mut left = self.and()?;
        while self.token == Token::Or {
            self.count()?;
            self.advance();
            let right = self.and()?;
            self.literal_fits(&left, Literals::BOOLEAN)?;
            self.literal_fits(&right, Literals::BOOLEAN)?;
            left = self.expr(
                left.src.to(right.src),
                ExprKind::Or(Box::new(left), Box::new(right)),
            );
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<Expr> {
        let mut left = self.equality()?;
        while self.token == Token::And {
            self.count()?;
            self.advance();
            let right = self.equality()?;
            self.literal_fits(&left, Literals::BOOLEAN)?;
            self.literal_fits(&right, Literals::BOOLEAN)?;
            left = self.expr(
                left.src.to(right.src),
                ExprKind::And(Box::new(left), Box::new(right)),
            );
        }
        Ok(left)
    }

    fn equality(&mut self) -> Result<Expr> {
        let left = self.relational()?;
        if is_lambda(&left) {
            return Ok(left);
        }
        let compare = match self.token {
            Token::Equal | Token::Assign => Compare::Equal,
            Token::NotEqual => Compare::NotEqual,
            _ => return Ok(left),
        };
        self.advance();
        let right = self.relational()?;
        self.literal_fits(&left, Literals::COMPARABLE)?;
        self.literal_fits(&right, Literals::COMPARABLE)?;
        Ok(self.expr(
            left.src.to(right.src),
            ExprKind::Compare(compare, Box::new(left), Box::new(right)),
        ))
    }

    fn relational(&mut self) -> Result<Expr> {
        let left = self.range()?;
        if is_lambda(&left) {
            return Ok(left);
        }
        let compare = match self.token {
            Token::Less => Compare::Less,
            Token::LessOrEqual => Compare::LessOrEqual,
            Token::Greater => Compare::Greater,
            Token::GreaterOrEqual => Compare::GreaterOrEqual,
            Token::Ident => match self.token_text() {
                "lt" => Compare::Less,
                "lte" => Compare::LessOrEqual,
                "gt" => Compare::Greater,
                "gte" => Compare::GreaterOrEqual,
                _ => return Ok(left),
            },
            _ => return Ok(left),
        };
        self.advance();
        let right = self.range()?;
        self.literal_fits(&left, Literals::NUMBER)?;
        self.literal_fits(&right, Literals::NUMBER)?;
        Ok(self.expr(
            left.src.to(right.src),
            ExprKind::Compare(compare, Box::new(left), Box::new(right)),
        ))
    }

    fn range(&mut self) -> Result<Expr> {
        let left = self.additive()?;
        if is_lambda(&left) {
            return Ok(left);
        }
        let kind = match self.token {
            Token::DotDot => RangeKind::Inclusive,
            Token::DotDotLess => RangeKind::Exclusive,
            Token::DotDotStar => RangeKind::Length,
            _ => return Ok(left),
        };
        let operator = self.token_src;
        self.advance();
        let right = if kind != RangeKind::Inclusive {
            Some(Box::new(self.additive()?))
        } else if self.starts_expression()? {
            self.if_any(Self::additive, Self::looks_like_bound)?
        } else {
            None
        };
        self.literal_fits(&left, Literals::NUMBER)?;
        if let Some(right) = &right {
            self.literal_fits(right, Literals::NUMBER)?;
        }
        let end = right.as_ref().map_or(operator, |right| right.src);
        Ok(self.expr(
            left.src.to(end),
            ExprKind::Range(kind, Box::new(left), right),
        ))
    }

    fn additive(&mut self) -> Result<Expr> {
        let mut left = self.multiplicative()?;
        loop {
            let operator = match self.token {
                Token::Plus => Arithmetic::Add,
                Token::Minus => Arithmetic::Subtract,
                _ => return Ok(left),
            };
            self.count()?;
            self.advance();
            let right = self.multiplicative()?;
            if operator == Arithmetic::Subtract {
                self.literal_fits(&left, Literals::NUMBER)?;
                self.literal_fits(&right, Literals::NUMBER)?;
            }
            left = self.expr(
                left.src.to(right.src),
                ExprKind::Arithmetic(operator, Box::new(left), Box::new(right)),
            );
        }
    }

    fn multiplicative(&mut self) -> Result<Expr> {
        let mut left = self.unary()?;
        loop {
            let operator = match self.token {
                Token::Times => Arithmetic::Multiply,
                Token::Divide => Arithmetic::Divide,
                Token::Percent => Arithmetic::Modulus,
                _ => return Ok(left),
            };
            self.count()?;
            self.advance();
            let right = self.unary()?;
            self.literal_fits(&left, Literals::NUMBER)?;
            self.literal_fits(&right, Literals::NUMBER)?;
            left = self.expr(
                left.src.to(right.src),
                ExprKind::Arithmetic(operator, Box::new(left), Box::new(right)),
            );
        }
    }

    fn unary(&mut self) -> Result<Expr> {
        let start = self.token_src;
        match self.token {
            Token::Plus | Token::Minus => {
                let negative = self.token == Token::Minus;
                self.advance();
                let operand = Box::new(self.primary()?);
                let src = start.to(operand.src);
                Ok(self.expr(
                    src,
                    if negative {
                        ExprKind::Negate(operand)
                    } else {
                        ExprKind::Plus(operand)
                    },
                ))
            }
            Token::Exclaim => {
                self.enter()?;
                self.advance();
                let operand = if self.token == Token::Exclaim {
                    self.unary()?
                } else {
                    self.primary()?
                };
                self.leave();
                Ok(self.expr(start.to(operand.src), ExprKind::Not(Box::new(operand))))
            }
            _ => self.primary(),
        }
    }

    /// Whether the current token can begin an expression.
    pub(crate) fn starts_expression(&self) -> Result<bool> {
        self.check_token()?;
        Ok(match self.token {
            Token::Str { .. }
            | Token::Number
            | Token::OpenParen
            | Token::OpenBracket
            | Token::OpenBrace
            | Token::Plus
            | Token::Minus
            | Token::Exclaim
            | Token::Dot => true,
            Token::Ident => !matches!(
                self.token_text(),
                "as" | "in" | "using" | "lt" | "lte" | "gt" | "gte"
            ),
            _ => false,
        })
    }

    pub(crate) fn primary(&mut self) -> Result<Expr> {
        let mut expr = self.atom()?;
        loop {
            self.check_token()?;
            if !self.continues_primary() {
                return Ok(expr);
            }
            self.count()?;
            expr = match self.token {
                Token::Dot => self.dot(expr)?,
                Token::OpenBracket => self.index(expr)?,
                Token::OpenParen => {
                    let args = self.arguments(false)?;
                    self.expr(
                        expr.src.to(self.last_src()),
                        ExprKind::Call(Box::new(expr), args),
                    )
                }
                Token::Question => self.builtin(expr)?,
                Token::DoubleQuestion => {
                    self.advance();
                    self.expr(
                        expr.src.to(self.last_src()),
                        ExprKind::Exists(Box::new(expr)),
                    )
                }
                Token::Exclaim | Token::ExclaimBlank => self.default_value(expr)?,
                _ => return Ok(expr),
            };
        }
    }

    fn continues_primary(&self) -> bool {
        matches!(
            self.token,
            Token::Dot
                | Token::OpenBracket
                | Token::OpenParen
                | Token::Question
                | Token::DoubleQuestion
                | Token::Exclaim
                | Token::ExclaimBlank
        )
    }

    pub(super) fn last_src(&self) -> Src {
        Src {
            start: self.last_end.saturating_sub(1),
            end: self.last_end,
        }
    }

    fn dot(&mut self, target: Expr) -> Result<Expr> {
        let name = self.key_after_dot()?;
        self.literal_fits(&target, Literals::HASH)?;
        let src = target.src.to(self.last_src());
        Ok(self.expr(src, ExprKind::Dot(Box::new(target), Key::new(name))))
    }

    /// Steps over a `.` and the key after it.
    pub(super) fn key_after_dot(&mut self) -> Result<Box<str>> {
        self.advance();
        let spelling = self.token_text();
        let name: Box<str> = match self.token {
            Token::Ident => unescape_name(spelling),
            Token::Times | Token::DoubleTimes => spelling.into(),
            Token::Less | Token::LessOrEqual | Token::Greater | Token::GreaterOrEqual
                if !matches!(spelling, ">" | ">=") =>
            {
                return Err(self.error_at_token(format!("{spelling} is not a valid identifier.")));
            }
            _ => return Err(self.unexpected("a name after \".\"")),
        };
        self.advance();
        Ok(name)
    }

    fn index(&mut self, target: Expr) -> Result<Expr> {
        self.advance();
        let key = self.expression()?;
        self.expect(Token::CloseBracket, "\"]\"")?;
        self.literal_fits(&target, Literals::INDEXABLE)?;
        let src = target.src.to(self.last_src());
        Ok(self.expr(src, ExprKind::Index(Box::new(target), Box::new(key))))
    }

    /// Parses `(a, b)`.
    /// `takes_lambda` if each may be a lambda.
    pub(crate) fn arguments(&mut self, takes_lambda: bool) -> Result<Vec<Expr>> {
        let outer = std::mem::replace(&mut self.gt_is_operator, true);
        self.parens += 1;
        self.advance();
        let mut args = Vec::new();
        if self.token == Token::End {
            return Err(self.unexpected("\")\""));
        }
        while self.token != Token::CloseParen {
            if takes_lambda {
                self.lambda_at = Some(self.token_src.start);
            }
            args.push(self.expression()?);
            if self.token == Token::Comma {
                self.advance();
                if self.token == Token::CloseParen {
                    return Err(self.unexpected("an expression"));
                }
            } else if self.token != Token::CloseParen && !self.starts_expression()? {
                return Err(self.unexpected("\",\" or \")\""));
            }
        }
        self.gt_is_operator = outer;
        self.parens -= 1;
        self.advance();
        Ok(args)
    }

    fn default_value(&mut self, target: Expr) -> Result<Expr> {
        // In `<@m a=x! b=y>` the name after `!` is the next argument's.
        let is_ended = self.token == Token::ExclaimBlank;
        let operator_end = match is_ended {
            true => self.token_src.start + 1,
            false => self.token_src.end,
        };
        self.advance();
        let value = if !is_ended && self.starts_expression()? {
            self.if_any(Self::expression, Self::looks_like_expression)?
        } else {
            None
        };
        let end = value.as_ref().map_or(operator_end, |value| value.src.end);
        let src = Src {
            start: target.src.start,
            end,
        };
        Ok(self.expr(src, ExprKind::Default(Box::new(target), value)))
    }

    /// Parses what an operator may lack; what only begins like it isn't the operator's, but belongs to what stands
    /// before it.
    fn if_any(
        &mut self,
        parse: fn(&mut Self) -> Result<Expr>,
        look: fn(&mut Self) -> Result<bool>,
    ) -> Result<Option<Box<Expr>>> {
        let before = self.cursor();
        let error = match parse(self) {
            Err(error) if matches!(error.kind(), ErrorKind::Syntax | ErrorKind::Refused) => error,
            result => return result.map(Box::new).map(Some),
        };
        if !self.go_back(before.clone()) {
            return Err(error);
        }
        // FreeMarker looks first whether there is one, and reads it then.
        match look(self) {
            Ok(true) => Err(error),
            Ok(false) if self.go_back(before) => Ok(None),
            Ok(false) => Err(error),
            Err(lexical) => Err(lexical),
        }
    }

    /// Counts an operator. Each may stand above all that the expression has had so far, so their number and the
    /// greatest height of the expressions within bound the tree's height.
    fn count(&mut self) -> Result<()> {
        self.height += 1;
        if self.height > MAX_HEIGHT {
            return Err(self.error_of(
                ErrorKind::Depth,
                self.token_src,
                format!("more than {MAX_HEIGHT} operators in one expression"),
            ));
        }
        Ok(())
    }
}

/// A lambda's body ends where its operators do: what follows isn't applied to the lambda.
fn is_lambda(expr: &Expr) -> bool {
    matches!(expr.kind, ExprKind::Lambda(_))
}

pub(super) fn unescape_name(text: &str) -> Box<str> {
    if text.contains('\\') {
        text.replace('\\', "").into()
    } else {
        text.into()
    }
}
