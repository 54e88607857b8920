//! Macros and functions, and their calls.

use std::collections::HashMap;

use crate::eval::java_order_by;
use crate::syntax::RETURN_OUTSIDE;
use crate::syntax::ast::{CallArgs, Expr, ExprKind, MacroCall, MacroDef, Node, NodeKind, Param};
use crate::syntax::lexer::Token;
use crate::syntax::options::Tags;
use crate::syntax::parser::{Context, Parser, Result};
use crate::syntax::source::Src;
use crate::syntax::tags::{Tag, call_end};
use crate::syntax::whitespace::Piece;

impl Parser<'_> {
    pub(super) fn return_directive(&mut self, tag: Tag) -> Result<NodeKind> {
        let start = self.pos as u32;
        let src = self.tag_src(tag);
        self.enter_tag(tag)?;
        let value = if tag.has_parameters {
            Some(self.expression()?)
        } else {
            None
        };
        self.end_tag()?;
        // With a value it may stand outside, but not run there.
        let problem = if self.context.in_function {
            value.is_none().then_some("A function must return a value")
        } else if self.context.in_macro {
            value.is_some().then_some("A macro cannot return a value")
        } else {
            value.is_none().then_some(RETURN_OUTSIDE)
        };
        if let Some(problem) = problem {
            return Err(self.syntax_error(src, problem));
        }
        self.layout.leaf(Piece::Plain, start, self.pos as u32);
        Ok(NodeKind::Return(value))
    }

    pub(super) fn nested_directive(&mut self, tag: Tag) -> Result<NodeKind> {
        let start = self.pos as u32;
        let src = self.tag_src(tag);
        self.enter_tag(tag)?;
        let args = self.positional_args()?;
        self.end_tag()?;
        if !self.context.in_macro || self.context.in_function {
            let spelling = &self.text[src.start as usize..src.end as usize];
            let message = format!("Cannot use a {spelling} instruction outside a macro.");
            return Err(self.syntax_error(src, message));
        }
        self.layout.leaf(Piece::Plain, start, self.pos as u32);
        Ok(NodeKind::Nested(args))
    }

    pub(super) fn macro_directive(&mut self, tag: Tag) -> Result<NodeKind> {
        let start = self.pos as u32;
        if self.context.in_macro {
            return Err(self.syntax_error(
                self.tag_src(tag),
                "Macro or function definitions can't be nested into each other.",
            ));
        }
        self.enter_tag(tag)?;
        let is_function = tag.name == "function";
        let name = self.identifier_or_string()?;
        let mut def = MacroDef {
            name,
            is_function,
            src: Src::default(),
            params: Vec::new(),
            catch_all: None,
            body: Vec::new(),
            slot: 0,
            frame_size: 0,
            uses_args: false,
            args_slot: 0,
            locals: Vec::new(),
        };
        self.uses_args = false;
        // `.args` may be written in a default, though it has no value yet when that is computed.
        self.context.in_macro = true;
        let parameters = self.parameters(&mut def);
        self.context.in_macro = false;
        let is_closed = parameters?;
        if self.token == Token::End && !is_closed {
            // It takes the parameters for what isn't complete.
            return Err(self.unexpected("\")\""));
        }
        self.end_open_tag()?;
        self.layout.open(Piece::Macro, start);
        let end = if is_function { "/function" } else { "/macro" };
        let loop_names = std::mem::take(&mut self.loop_names);
        let (body, ended) = self.in_context(
            |context| {
                *context = Context {
                    in_macro: true,
                    in_function: is_function,
                    ..Context::default()
                }
            },
            |parser| parser.block(&["/macro", "/function"]),
        )?;
        self.loop_names = loop_names;
        if !ended.is(end) {
            let src = self.tag()?;
            return Err(self.syntax_error(
                self.tag_src(src),
                format!("Expected {} end tag here.", tag.name),
            ));
        }
        self.close_tag()?;
        self.layout.close(self.pos as u32);
        def.uses_args = self.uses_args;
        def.body = body;
        def.src = self.since(start);
        Ok(NodeKind::Macro(Box::new(def)))
    }

    /// Parses the parameters; each of the parentheses around them may be left out. Says whether they are closed.
    fn parameters(&mut self, def: &mut MacroDef) -> Result<bool> {
        let tag_ends = self.gt_is_operator;
        let mut places = HashMap::new();
        if self.token == Token::OpenParen {
            self.gt_is_operator = true;
            self.parens += 1;
            self.advance();
        }
        while self.token == Token::Ident {
            let src = self.token_src;
            let name = self.identifier()?;
            let is_catch_all = self.token == Token::Ellipsis;
            if is_catch_all {
                self.advance();
            }
            let default = if self.token == Token::Assign {
                self.advance();
                Some(self.expression()?)
            } else {
                None
            };
            if self.token == Token::Comma {
                self.advance();
            } else {
                self.check_token()?;
            }
            if let Some(problem) = unfit_parameter(def, is_catch_all, default.is_some()) {
                return Err(self.syntax_error(src, problem));
            }
            if is_catch_all {
                def.catch_all = Some((name, 0));
                continue;
            }
            // Of two parameters of one name the later one counts.
            let next = def.params.len();
            match *places.entry(name.clone()).or_insert(next) {
                place if place < next => def.params[place].default = default,
                _ => def.params.push(Param {
                    name,
                    default,
                    slot: 0,
                }),
            }
        }
        let is_closed = self.token == Token::CloseParen;
        if is_closed {
            self.gt_is_operator = tag_ends;
            self.parens = self.parens.saturating_sub(1);
            self.advance();
        }
        Ok(is_closed)
    }

    /// `<@name …>`
    pub(crate) fn macro_call(&mut self) -> Result<Node> {
        let start = self.pos as u32;
        let square = self.rest().starts_with('[');
        self.tags = if square { Tags::Square } else { Tags::Angle };
        self.established = true;
        self.last_is_square = square;
        self.pos += 2;
        self.space_ends = true;
        self.begin_tag(square);
        let callee = self.expression()?;
        self.skip_blank();
        let args = self.call_args()?;
        let loop_vars = self.call_loop_vars()?;
        self.end_tag()?;
        self.space_ends = false;
        let body = if self.token == Token::EmptyTagEnd {
            self.layout.leaf(Piece::Plain, start, self.pos as u32);
            None
        } else {
            self.layout.open(Piece::Block, start);
            let (body, _) = self.block(&["/@"])?;
            self.end_of_call(&callee)?;
            self.layout.close(self.pos as u32);
            Some(body)
        };
        Ok(Node {
            src: self.since(start),
            kind: NodeKind::Call(Box::new(MacroCall {
                callee,
                args,
                loop_vars,
                body,
                site: None,
            })),
        })
    }

    fn call_args(&mut self) -> Result<CallArgs> {
        if !self.at_named_argument() {
            return self.positional_args().map(CallArgs::Positional);
        }
        let named = self.named_args(true)?;
        Ok(CallArgs::Named(kept_by_name(named)))
    }

    /// `a=1 b=2`; `exclaim_ends` if white-space after `!` ends a value.
    fn named_args(&mut self, exclaim_ends: bool) -> Result<Vec<(Box<str>, Expr)>> {
        let mut named = Vec::new();
        self.in_named_args = exclaim_ends;
        while self.at_free_word() {
            let name = self.identifier()?;
            self.exclaim_ends = exclaim_ends;
            self.expect(Token::Assign, "pattern:\n    \"=\"")?;
            named.push((name, self.expression()?));
        }
        (self.in_named_args, self.exclaim_ends) = (false, false);
        Ok(named)
    }

    fn call_loop_vars(&mut self) -> Result<Vec<(Box<str>, u32)>> {
        let mut loop_vars = Vec::new();
        if self.token != Token::Semicolon {
            return Ok(loop_vars);
        }
        self.advance();
        if !self.skip_blank() && self.token != Token::Ident {
            return Ok(loop_vars);
        }
        loop {
            loop_vars.push((self.identifier()?, 0));
            let is_blank = self.skip_blank();
            if self.token == Token::Comma {
                self.advance();
                self.skip_blank();
            } else if is_blank {
                return Err(self.unexpected("\",\""));
            } else {
                return Ok(loop_vars);
            }
        }
    }

    /// Steps over `</@>` or `</@name>`.
    fn end_of_call(&mut self, callee: &Expr) -> Result<()> {
        let rest = self.rest();
        let Some((name, len)) = call_end(rest.as_bytes()) else {
            return Err(self.unexpected_tag());
        };
        let opened = dotted_name(callee).unwrap_or_default();
        if !name.is_empty() && opened != name {
            let or_named = if opened.is_empty() {
                String::new()
            } else {
                format!(" or </@{opened}>")
            };
            let start = self.pos as u32;
            let src = Src {
                start,
                end: start + len as u32,
            };
            return Err(self.syntax_error(src, format!("Expecting </@>{or_named}")));
        }
        self.pos += len;
        Ok(())
    }

    /// `<#call name(args)>`, the old way to write `<@name args/>`.
    pub(super) fn call_directive(&mut self, tag: Tag) -> Result<NodeKind> {
        let start = self.pos as u32;
        self.enter_tag(tag)?;
        if !self.at_free_word() {
            return Err(self.unexpected("pattern:\n    <ID>"));
        }
        let callee = self.atom()?;
        let args = match self.token {
            Token::OpenParen => CallArgs::Positional(self.arguments(false)?),
            _ => self.call_args()?,
        };
        self.end_tag()?;
        self.layout.leaf(Piece::Plain, start, self.pos as u32);
        Ok(NodeKind::Call(Box::new(MacroCall {
            callee,
            args,
            loop_vars: Vec::new(),
            body: None,
            site: None,
        })))
    }

    /// `<#transform name>…</#transform>`, the old way to write `<@name>…</@>`.
    pub(super) fn transform_directive(&mut self, tag: Tag) -> Result<NodeKind> {
        let start = self.pos as u32;
        self.enter_tag(tag)?;
        let callee = self.expression()?;
        if self.token == Token::Semicolon {
            self.advance();
        }
        let args = CallArgs::Named(kept_by_name(self.named_args(false)?));
        self.end_tag()?;
        let body = if self.token == Token::EmptyTagEnd {
            self.layout.leaf(Piece::Plain, start, self.pos as u32);
            Vec::new()
        } else {
            self.layout.open(Piece::Block, start);
            let (body, _) = self.block(&["/transform"])?;
            self.close_tag()?;
            self.layout.close(self.pos as u32);
            body
        };
        Ok(NodeKind::Call(Box::new(MacroCall {
            callee,
            args,
            loop_vars: Vec::new(),
            body: Some(body),
            site: None,
        })))
    }
}

/// Why a parameter can't follow those before it.
fn unfit_parameter(def: &MacroDef, is_catch_all: bool, has_default: bool) -> Option<&'static str> {
    if def.catch_all.is_some() {
        return Some(
            "There may only be one \"catch-all\" parameter in a macro declaration, and it must be the last parameter.",
        );
    }
    if is_catch_all {
        return has_default
            .then_some("\"Catch-all\" macro parameter may not have a default value.");
    }
    let after_optional = def.params.last().is_some_and(|last| last.default.is_some());
    (after_optional && !has_default).then_some(
        "In a macro declaration, parameters without a default value must all occur before the parameters with default values.",
    )
}

/// `a.b.c` as it may stand in an end tag.
fn dotted_name(expr: &Expr) -> Option<String> {
    match &expr.kind {
        ExprKind::Name(name) => Some(name.text.to_string()),
        ExprKind::Dot(target, name) => Some(format!("{}.{name}", dotted_name(target)?)),
        _ => None,
    }
}

/// Arguments as FreeMarker keeps them: the last one of a name counts, and they are in a Java `HashMap`, whose order is that in
/// which they are computed.
fn kept_by_name(named: Vec<(Box<str>, Expr)>) -> Vec<(Box<str>, Expr)> {
    if named.len() < 2 {
        return named;
    }
    let mut places = HashMap::with_capacity(named.len());
    let mut kept: Vec<(Box<str>, Expr)> = Vec::with_capacity(named.len());
    for (name, value) in named {
        match places.get(&name) {
            Some(at) => {
                let (_, given): &mut (_, Expr) = &mut kept[*at];
                *given = value;
            }
            None => {
                places.insert(name.clone(), kept.len());
                kept.push((name, value));
            }
        }
    }
    java_order_by(&mut kept, |(name, _)| name);
    kept
}
