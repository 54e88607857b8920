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
        parameters?;
        if self.token == Token::End {
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

    fn parameters(&mut self, def: &mut MacroDef) -> Result<()> {
        let parenthesised = self.token == Token::OpenParen;
        if parenthesised {
            self.advance()?;
        }
        while self.token == Token::Ident {
            let src = self.token_src;
            let name = self.identifier()?;
            if self.token == Token::Ellipsis {
                self.advance()?;
                if def.catch_all.is_some() {
                    return Err(self.second_catch_all(src));
                }
                def.catch_all = Some((name, 0));
            } else {
                if def.catch_all.is_some() {
                    return Err(self.second_catch_all(src));
                }
                let default = if self.token == Token::Assign {
                    self.advance()?;
                    Some(self.expression()?)
                } else {
                    None
                };
                let after_optional = def.params.last().is_some_and(|last| last.default.is_some());
                if default.is_none() && after_optional {
                    return Err(self.syntax_error(src, "In a macro declaration, parameters without a default value must all occur before the parameters with default values."));
                }
                // Of two parameters of one name the later one counts.
                match def.params.iter_mut().find(|param| param.name == name) {
                    Some(same) => same.default = default,
                    None => def.params.push(Param {
                        name,
                        default,
                        slot: 0,
                    }),
                }
            }
            if self.token == Token::Comma {
                self.advance()?;
            }
        }
        if parenthesised {
            self.expect(Token::CloseParen, "\")\"")?;
        }
        Ok(())
    }

    fn second_catch_all(&self, src: Src) -> crate::Error {
        self.syntax_error(src, "There may only be one \"catch-all\" parameter in a macro declaration, and it must be the last parameter.")
    }

    /// `<@name …>`
    pub(crate) fn macro_call(&mut self) -> Result<Node> {
        let start = self.pos as u32;
        let square = self.rest().starts_with('[');
        self.tags = if square { Tags::Square } else { Tags::Angle };
        self.established = true;
        self.pos += 2;
        self.space_ends = true;
        self.begin_tag(square)?;
        let callee = self.expression()?;
        self.skip_blank()?;
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
        let mut named: Vec<(Box<str>, Expr)> = Vec::new();
        while self.at_named_argument() {
            let name = self.identifier()?;
            self.advance()?;
            let outer = std::mem::replace(&mut self.in_named_args, true);
            let value = self.expression()?;
            self.in_named_args = outer;
            named.push((name, value));
        }
        Ok(CallArgs::Named(kept_by_name(named)))
    }

    fn call_loop_vars(&mut self) -> Result<Vec<(Box<str>, u32)>> {
        let mut loop_vars = Vec::new();
        if self.token != Token::Semicolon {
            return Ok(loop_vars);
        }
        self.advance()?;
        if !self.skip_blank()? && self.token != Token::Ident {
            return Ok(loop_vars);
        }
        loop {
            loop_vars.push((self.identifier()?, 0));
            let is_blank = self.skip_blank()?;
            if self.token == Token::Comma {
                self.advance()?;
                self.skip_blank()?;
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
        let call = self.primary()?;
        let (callee, args) = match call.kind {
            ExprKind::Call(callee, args) => (*callee, args),
            _ => (call, self.positional_args()?),
        };
        self.end_tag()?;
        self.layout.leaf(Piece::Plain, start, self.pos as u32);
        Ok(NodeKind::Call(Box::new(MacroCall {
            callee,
            args: CallArgs::Positional(args),
            loop_vars: Vec::new(),
            body: None,
            site: None,
        })))
    }

    /// `<#transform name>…</#transform>`, the old way to write `<@name>…</@>`.
    pub(super) fn transform_directive(&mut self, tag: Tag) -> Result<NodeKind> {
        let start = self.pos as u32;
        self.enter_tag(tag)?;
        let callee = self.primary()?;
        let args = self.call_args()?;
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
