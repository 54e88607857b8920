//! Going back among the tokens; and looking ahead over an expression, as FreeMarker does where one may be left out: only
//! tokens count then, and what can't go on ends it. The only errors are those of the tokens themselves.

use super::builtin_calls::is_keyword;
use super::lexer::Token;
use super::naming::Convention;
use super::parser::{Parser, Result};
use super::source::Src;
use crate::error::ErrorKind;

/// A place among the tokens, with what the reading of tokens depends on.
#[derive(Clone)]
pub(crate) struct Cursor {
    pos: usize,
    token: Token,
    token_src: Src,
    last_end: u32,
    gt_is_operator: bool,
    lambda_at: Option<u32>,
    space_ends: bool,
    exclaim_ends: bool,
    open_brackets: [u32; 3],
    depth: usize,
    height: usize,
    naming: Convention,
}

/// Tokens that may stand between two operands, from the weakest to the strongest; whether there may be several in a row.
const LEVELS: &[(&[Token], bool)] = &[
    (&[Token::Or], true),
    (&[Token::And], true),
    (&[Token::Equal, Token::Assign, Token::NotEqual], false),
    (
        &[
            Token::Less,
            Token::LessOrEqual,
            Token::Greater,
            Token::GreaterOrEqual,
        ],
        false,
    ),
    (
        &[Token::DotDot, Token::DotDotLess, Token::DotDotStar],
        false,
    ),
    (&[Token::Plus, Token::Minus], true),
    (&[Token::Times, Token::Divide, Token::Percent], true),
];

/// The first of them that the ends of ranges may have.
const ADDITIVE: usize = 5;

impl Parser<'_> {
    /// Where the parser is among the tokens.
    pub(crate) fn cursor(&self) -> Cursor {
        Cursor {
            pos: self.pos,
            token: self.token,
            token_src: self.token_src,
            last_end: self.last_end,
            gt_is_operator: self.gt_is_operator,
            lambda_at: self.lambda_at,
            space_ends: self.space_ends,
            exclaim_ends: self.exclaim_ends,
            open_brackets: [self.parens, self.brackets, self.braces],
            depth: self.depth,
            height: self.height,
            naming: self.naming.clone(),
        }
    }

    /// Goes back to read on from there in another way, unless that has been done too much.
    pub(crate) fn go_back(&mut self, cursor: Cursor) -> bool {
        let Some(left) = self.rereads_left.checked_sub(self.pos - cursor.pos + 1) else {
            return false;
        };
        self.rereads_left = left;
        self.pos = cursor.pos;
        self.token = cursor.token;
        self.token_src = cursor.token_src;
        self.last_end = cursor.last_end;
        self.gt_is_operator = cursor.gt_is_operator;
        self.lambda_at = cursor.lambda_at;
        self.space_ends = cursor.space_ends;
        self.exclaim_ends = cursor.exclaim_ends;
        [self.parens, self.brackets, self.braces] = cursor.open_brackets;
        self.depth = cursor.depth;
        self.height = cursor.height;
        self.naming = cursor.naming;
        true
    }

    /// Whether the tokens from the current one on begin with an expression.
    pub(super) fn looks_like_expression(&mut self) -> Result<bool> {
        self.enter()?;
        let is_one = stacker::maybe_grow(512 * 1024, 2 * 1024 * 1024, || self.looks_like(LEVELS));
        self.leave();
        is_one
    }

    /// Whether they begin with what may stand at the end of a range.
    pub(super) fn looks_like_bound(&mut self) -> Result<bool> {
        self.looks_like(&LEVELS[ADDITIVE..])
    }

    fn looks_like(&mut self, levels: &[(&[Token], bool)]) -> Result<bool> {
        let Some(((operators, repeats), stronger)) = levels.split_first() else {
            return self.looks_like_signed();
        };
        if !self.looks_like(stronger)? {
            return Ok(false);
        }
        while operators.contains(&self.operator()) {
            let goes_on = self.goes_on(|parser| {
                let is_endless = parser.token == Token::DotDot;
                parser.read()?;
                Ok(parser.goes_on(|parser| parser.looks_like(stronger))? || is_endless)
            })?;
            if !goes_on || !repeats {
                break;
            }
        }
        Ok(true)
    }

    /// The current token; words for comparisons count as these.
    fn operator(&self) -> Token {
        match self.token {
            Token::Ident if matches!(self.token_text(), "lt" | "lte" | "gt" | "gte") => Token::Less,
            token => token,
        }
    }

    /// Looks on if that succeeds, and stays where it is otherwise.
    fn goes_on(&mut self, look: impl FnOnce(&mut Self) -> Result<bool>) -> Result<bool> {
        let before = self.cursor();
        if look(self)? {
            return Ok(true);
        }
        if self.go_back(before) {
            return Ok(false);
        }
        let message = "it takes too long to find out where the values after ! end";
        Err(self.error_of(ErrorKind::Steps, self.token_src, message))
    }

    fn looks_like_signed(&mut self) -> Result<bool> {
        if matches!(self.token, Token::Plus | Token::Minus) {
            self.read()?;
        } else {
            while self.token == Token::Exclaim {
                self.read()?;
            }
        }
        if !self.looks_like_operand()? {
            return Ok(false);
        }
        while self.goes_on(Self::looks_like_step)? {}
        Ok(true)
    }

    fn looks_like_operand(&mut self) -> Result<bool> {
        match self.token {
            Token::Str { .. } | Token::Number => {}
            Token::Dot => {
                self.read()?;
                if !self.at_free_word() {
                    return Ok(false);
                }
            }
            Token::Ident => {
                let is_literal = matches!(self.token_text(), "true" | "false");
                if !is_literal && !self.at_free_word() {
                    return Ok(false);
                }
            }
            Token::OpenParen => {
                return self.looks_enclosed(Token::CloseParen, Self::looks_like_expression);
            }
            Token::OpenBracket => {
                return self.looks_enclosed(Token::CloseBracket, Self::looks_like_items);
            }
            Token::OpenBrace => {
                return self.looks_enclosed(Token::CloseBrace, Self::looks_like_entries);
            }
            _ => return Ok(false),
        }
        self.read()?;
        Ok(true)
    }

    /// Whether the current token is a name, and none of the grammar's own words.
    pub(super) fn at_free_word(&self) -> bool {
        self.token == Token::Ident && !is_keyword(self.token_text())
    }

    /// What may follow an operand: `.name`, `[key]`, `(arguments)`, `?name`, `??`, `!default`.
    fn looks_like_step(&mut self) -> Result<bool> {
        match self.token {
            Token::Dot => {
                self.read()?;
                // That a comparison is no name is noticed only when it is read in earnest.
                let is_name = match self.token {
                    Token::Ident | Token::Times | Token::DoubleTimes => true,
                    Token::Less | Token::LessOrEqual => true,
                    Token::Greater | Token::GreaterOrEqual => {
                        !matches!(self.token_text(), ">" | ">=")
                    }
                    _ => false,
                };
                if is_name {
                    self.read()?;
                }
                Ok(is_name)
            }
            Token::OpenBracket => {
                self.looks_enclosed(Token::CloseBracket, Self::looks_like_expression)
            }
            Token::OpenParen => self.looks_enclosed(Token::CloseParen, Self::looks_like_items),
            Token::Question => {
                self.read()?;
                let is_name = self.at_free_word();
                if is_name {
                    self.read()?;
                }
                Ok(is_name)
            }
            Token::DoubleQuestion => {
                self.read()?;
                Ok(true)
            }
            Token::Exclaim => {
                self.read()?;
                self.goes_on(Self::looks_like_expression)?;
                Ok(true)
            }
            Token::ExclaimBlank => {
                self.read()?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    fn looks_enclosed(
        &mut self,
        close: Token,
        inner: fn(&mut Self) -> Result<bool>,
    ) -> Result<bool> {
        let outer = self.gt_is_operator;
        if close == Token::CloseParen {
            self.gt_is_operator = true;
            self.parens += 1;
        }
        self.read()?;
        if !inner(self)? || self.token != close {
            return Ok(false);
        }
        if close == Token::CloseParen {
            self.gt_is_operator = outer;
            self.parens -= 1;
        }
        self.read()?;
        Ok(true)
    }

    /// `a, b` or `a b`, or nothing.
    fn looks_like_items(&mut self) -> Result<bool> {
        if !self.goes_on(Self::looks_like_expression)? {
            return Ok(true);
        }
        while self.goes_on(|parser| {
            if parser.token == Token::Comma {
                parser.read()?;
            }
            parser.looks_like_expression()
        })? {}
        Ok(true)
    }

    /// `a: b, c: d`, or nothing.
    fn looks_like_entries(&mut self) -> Result<bool> {
        if !self.goes_on(Self::looks_like_entry)? {
            return Ok(true);
        }
        while self.goes_on(|parser| {
            if parser.token != Token::Comma {
                return Ok(false);
            }
            parser.read()?;
            parser.looks_like_entry()
        })? {}
        Ok(true)
    }

    fn looks_like_entry(&mut self) -> Result<bool> {
        if !self.looks_like_expression()? || !matches!(self.token, Token::Colon | Token::Comma) {
            return Ok(false);
        }
        self.read()?;
        self.looks_like_expression()
    }
}
