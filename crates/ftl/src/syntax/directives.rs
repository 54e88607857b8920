//! The directives, one function each.

use super::ast::{
    Arithmetic, AssignOp, AssignScope, AssignTarget, Branch, CallArgs, Expr, ExprKind, Items, List,
    LoopVars, MacroCall, MacroDef, Node, Param, Setting, Switch,
};
use super::lexer::Token;
use super::parser::{Context, Escape, Parser, Result};
use super::source::Src;
use super::whitespace::Piece;
use crate::error::ErrorKind;

impl Parser<'_> {
    /// Parses the `#ftl` header, if there is one; says whether it decides on white-space stripping.
    pub(crate) fn header(&mut self) -> Result<Option<bool>> {
        let rest = self.rest();
        let trimmed = rest.trim_start();
        if !trimmed.starts_with("<#ftl")
            || !trimmed[5..].starts_with(|c: char| c.is_whitespace() || c == '>' || c == '/')
        {
            return Ok(None);
        }
        self.pos += rest.len() - trimmed.len();
        self.enter_tag("ftl")?;
        let mut strip = None;
        while self.token == Token::Ident {
            let name = self.token_text().to_owned();
            self.advance()?;
            self.expect(Token::Assign, "\"=\"")?;
            let value = self.expression()?;
            match (name.as_str(), &value.kind) {
                ("strip_whitespace" | "stripWhitespace", ExprKind::Bool(on)) => strip = Some(*on),
                ("encoding" | "strict_syntax" | "strictSyntax" | "attributes", _) => {}
                (other, _) => {
                    return Err(self.error_of(
                        ErrorKind::Refused,
                        value.src,
                        format!("the #ftl parameter {other:?} isn't available here"),
                    ));
                }
            }
        }
        self.end_tag()?;
        self.skip_line_break();
        Ok(strip)
    }

    /// The header swallows the rest of its line, if that is blank.
    fn skip_line_break(&mut self) {
        let rest = self.rest();
        let line = rest.trim_start_matches([' ', '\t']);
        let skipped = rest.len() - line.len();
        if line.starts_with("\r\n") {
            self.pos += skipped + 2;
        } else if line.starts_with(['\n', '\r']) {
            self.pos += skipped + 1;
        }
    }

    pub(crate) fn directive(&mut self, name: &str, nodes: &mut Vec<Node>) -> Result<()> {
        let node = match name {
            "if" => self.if_directive()?,
            "list" => self.list_directive()?,
            "foreach" | "forEach" => self.foreach_directive(name)?,
            "items" => self.items_directive()?,
            "sep" => self.sep_directive()?,
            "assign" => return self.assign_directive(name, AssignScope::Namespace, nodes),
            "local" => return self.assign_directive(name, AssignScope::Local, nodes),
            "global" => return self.assign_directive(name, AssignScope::Global, nodes),
            "macro" | "function" => self.macro_directive(name)?,
            "switch" => self.switch_directive()?,
            "setting" => self.setting_directive()?,
            "compress" => {
                let (body, ..) = self.simple_block(name, "/compress", Piece::Compress)?;
                Node::Compress(body)
            }
            "attempt" => self.attempt_directive()?,
            "escape" => return self.escape_directive(nodes),
            "noescape" | "noEscape" => return self.noescape_directive(name, nodes),
            "noparse" | "noParse" => return self.noparse_directive(name, nodes),
            "comment" => return self.comment_directive(),
            "t" | "lt" | "rt" | "nt" => {
                let start = self.pos as u32;
                self.bare_tag(name)?;
                let piece = Piece::Trim {
                    left: matches!(name, "t" | "lt"),
                    right: matches!(name, "t" | "rt"),
                };
                self.layout.leaf(piece, start, self.pos as u32);
                return Ok(());
            }
            "flush" => {
                let src = self.bare_tag(name)?;
                self.layout.leaf(Piece::Plain, src.start, src.end);
                return Ok(());
            }
            "break" | "continue" => self.jump_directive(name)?,
            "return" => self.return_directive()?,
            "stop" => self.stop_directive()?,
            "nested" => self.nested_directive()?,
            other => return Err(self.unknown_directive(other)),
        };
        nodes.push(node);
        Ok(())
    }

    fn unknown_directive(&self, name: &str) -> crate::Error {
        let src = Src {
            start: self.pos as u32,
            end: (self.pos + 2 + name.len()) as u32,
        };
        match name {
            "include" | "import" => {
                let message =
                    format!("#{name} is refused: a template can't load other templates here");
                self.error_of(ErrorKind::Refused, src, message)
            }
            "visit" | "recurse" | "fallback" => self.error_of(
                ErrorKind::Refused,
                src,
                format!("#{name} is refused: it works on XML nodes, and the data has none"),
            ),
            "call" | "transform" => self.error_of(
                ErrorKind::Refused,
                src,
                format!("#{name} is refused: it is obsolete, write <@name> instead"),
            ),
            "autoesc" | "autoEsc" | "noautoesc" | "noAutoEsc" | "outputformat" | "outputFormat" => {
                self.error_of(
                    ErrorKind::Refused,
                    src,
                    format!("#{name} is refused: output formats aren't available here"),
                )
            }
            "ftl" => self.error_of(
                ErrorKind::Syntax,
                src,
                "#ftl can only stand at the very beginning of a template.",
            ),
            "else" | "elseif" | "elseIf" | "case" | "default" | "recover" => self.error_of(
                ErrorKind::Syntax,
                src,
                format!("Unexpected #{name}: the directive that it belongs to isn't open here."),
            ),
            _ if name.starts_with('/') => self.error_of(
                ErrorKind::Syntax,
                src,
                "Unexpected end tag: there's no open directive of that name.",
            ),
            _ => self.error_of(
                ErrorKind::Syntax,
                src,
                format!("Unknown directive: #{name}."),
            ),
        }
    }

    /// Reads a tag without parameters.
    fn bare_tag(&mut self, name: &str) -> Result<Src> {
        let start = self.pos as u32;
        self.enter_tag(name)?;
        self.end_tag()?;
        Ok(Src {
            start,
            end: self.pos as u32,
        })
    }

    /// A directive without parameters: its body up to the end tag.
    fn simple_block(&mut self, name: &str, end: &str, piece: Piece) -> Result<(Vec<Node>, Src)> {
        let src = self.bare_tag(name)?;
        self.layout.open(piece, src.start);
        let (body, _) = self.block(&[end])?;
        self.close_tag()?;
        self.layout.close(self.pos as u32);
        Ok((body, src))
    }

    fn if_directive(&mut self) -> Result<Node> {
        const ENDS: &[&str] = &["else", "elseif", "elseIf", "/if"];
        self.layout.open(Piece::Block, self.pos as u32);
        let mut branches = Vec::new();
        let mut name = "if";
        loop {
            self.layout.open(Piece::Block, self.pos as u32);
            self.enter_tag(name)?;
            let condition = if name == "else" {
                None
            } else {
                Some(self.expression()?)
            };
            self.end_tag()?;
            let is_else = condition.is_none();
            let (body, end) = self.block(if is_else { &["/if"] } else { ENDS })?;
            self.layout.close(self.pos as u32);
            branches.push(Branch { condition, body });
            match end {
                Some("/if") | None => break,
                Some("else") => name = "else",
                Some(other) => {
                    name = if other == "elseif" {
                        "elseif"
                    } else {
                        "elseIf"
                    }
                }
            }
        }
        self.close_tag()?;
        self.layout.close(self.pos as u32);
        Ok(Node::If(branches))
    }

    fn identifier(&mut self, what: &str) -> Result<Box<str>> {
        let name: Box<str> = match self.token {
            Token::Ident => self.token_text().replace('\\', "").into(),
            Token::Str { raw: false } => {
                let spelling = self.token_text();
                self.unescape(&spelling[1..spelling.len() - 1])?.into()
            }
            _ => return Err(self.unexpected(what)),
        };
        self.advance()?;
        Ok(name)
    }

    fn loop_vars(&mut self) -> Result<LoopVars> {
        let first = self.identifier("the name of a loop variable")?;
        let second = if self.token == Token::Comma {
            self.advance()?;
            Some(self.identifier("the name of the loop variable for values")?)
        } else {
            None
        };
        if second.as_ref() == Some(&first) {
            return Err(self.error_at_token(format!(
                "The two loop variables can't both be called {first:?}."
            )));
        }
        Ok(LoopVars {
            first,
            second,
            state_slot: 0,
        })
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

    fn list_directive(&mut self) -> Result<Node> {
        let start = self.pos as u32;
        self.enter_tag("list")?;
        let source = self.expression()?;
        let vars = if self.token == Token::Ident && self.token_text() == "as" {
            self.advance()?;
            Some(self.loop_vars()?)
        } else {
            None
        };
        self.end_tag()?;
        self.list_rest(start, source, vars, "/list")
    }

    fn foreach_directive(&mut self, name: &str) -> Result<Node> {
        let start = self.pos as u32;
        self.enter_tag(name)?;
        let first = self.identifier("the name of a loop variable")?;
        if self.token != Token::Ident || self.token_text() != "in" {
            return Err(self.unexpected("\"in\""));
        }
        self.advance()?;
        let source = self.expression()?;
        self.end_tag()?;
        self.list_rest(
            start,
            source,
            Some(LoopVars {
                first,
                second: None,
                state_slot: 0,
            }),
            "/foreach",
        )
    }

    fn list_rest(
        &mut self,
        start: u32,
        source: Expr,
        vars: Option<LoopVars>,
        end: &'static str,
    ) -> Result<Node> {
        self.layout.open(Piece::Block, start);
        self.layout.open(Piece::Block, start);
        let has_vars = vars.is_some();
        let (body, ended) = self.in_context(
            |context| {
                context.items_allowed = !has_vars;
                if has_vars {
                    context.loops += 1;
                    context.breakable += 1;
                }
            },
            |parser| parser.block(&["else", end]),
        )?;
        self.layout.close(self.pos as u32);
        let otherwise = if ended == Some("else") {
            self.layout.open(Piece::Block, self.pos as u32);
            self.bare_tag("else")?;
            let (body, _) = self.block(&[end])?;
            self.layout.close(self.pos as u32);
            Some(body)
        } else {
            None
        };
        self.close_tag()?;
        self.layout.close(self.pos as u32);
        Ok(Node::List(Box::new(List {
            source,
            vars,
            body,
            otherwise,
            source_slot: 0,
        })))
    }

    fn items_directive(&mut self) -> Result<Node> {
        let start = self.pos as u32;
        if !self.context.items_allowed {
            return Err(self.error_here("#items must be inside a #list that has no loop variable of its own, and only once in it."));
        }
        self.enter_tag("items")?;
        if self.token != Token::Ident || self.token_text() != "as" {
            return Err(self.unexpected("\"as\""));
        }
        self.advance()?;
        let vars = self.loop_vars()?;
        self.end_tag()?;
        self.layout.open(Piece::Block, start);
        let (body, _) = self.in_context(
            |context| {
                context.items_allowed = false;
                context.loops += 1;
                context.breakable += 1;
            },
            |parser| parser.block(&["/items"]),
        )?;
        self.close_tag()?;
        self.layout.close(self.pos as u32);
        Ok(Node::Items(Box::new(Items {
            vars,
            source_slot: 0,
            body,
        })))
    }

    fn sep_directive(&mut self) -> Result<Node> {
        if self.context.loops == 0 {
            return Err(self.error_here(
                "#sep must be inside a #list with a loop variable, or inside #items.",
            ));
        }
        let start = self.pos as u32;
        self.bare_tag("sep")?;
        self.layout.open(Piece::Block, start);
        // The end tag may be left out: the end of the loop ends it too.
        let (body, end) = self.block(&["/sep", "/list", "/items", "/foreach", "else"])?;
        if end == Some("/sep") {
            self.close_tag()?;
        }
        self.layout.close(self.pos as u32);
        Ok(Node::Sep { slot: 0, body })
    }

    fn jump_directive(&mut self, name: &str) -> Result<Node> {
        let allowed = if name == "break" {
            self.context.breakable
        } else {
            self.context.loops
        };
        if allowed == 0 {
            return Err(self.error_here(format!(
                "#{name} must be inside a loop{}.",
                if name == "break" { " or a #switch" } else { "" }
            )));
        }
        let src = self.bare_tag(name)?;
        self.layout.leaf(Piece::Plain, src.start, src.end);
        Ok(if name == "break" {
            Node::Break
        } else {
            Node::Continue
        })
    }

    fn return_directive(&mut self) -> Result<Node> {
        let start = self.pos as u32;
        if !self.context.in_macro {
            return Err(self.error_here("#return can only be used inside a macro or a function."));
        }
        self.enter_tag("return")?;
        let value = if self.starts_expression() {
            Some(self.expression()?)
        } else {
            None
        };
        self.end_tag()?;
        if value.is_some() && !self.context.in_function {
            return Err(self.error_here("A macro can't return a value."));
        }
        if value.is_none() && self.context.in_function {
            return Err(self.error_here("A function must return a value."));
        }
        self.layout.leaf(Piece::Plain, start, self.pos as u32);
        Ok(Node::Return(value))
    }

    fn stop_directive(&mut self) -> Result<Node> {
        let start = self.pos as u32;
        self.enter_tag("stop")?;
        let message = if self.starts_expression() {
            Some(self.expression()?)
        } else {
            None
        };
        self.end_tag()?;
        let src = Src {
            start,
            end: self.pos as u32,
        };
        self.layout.leaf(Piece::Plain, src.start, src.end);
        Ok(Node::Stop(src, message))
    }

    fn nested_directive(&mut self) -> Result<Node> {
        let start = self.pos as u32;
        if !self.context.in_macro {
            return Err(self.error_here("#nested can only be used inside a macro."));
        }
        self.enter_tag("nested")?;
        let args = self.positional_args()?;
        self.end_tag()?;
        let src = Src {
            start,
            end: self.pos as u32,
        };
        self.layout.leaf(Piece::Plain, src.start, src.end);
        Ok(Node::Nested { src, args })
    }

    fn positional_args(&mut self) -> Result<Vec<Expr>> {
        let mut args = Vec::new();
        while self.starts_expression() {
            args.push(self.expression()?);
            if self.token == Token::Comma {
                self.advance()?;
            }
        }
        Ok(args)
    }

    fn assign_directive(
        &mut self,
        name: &str,
        scope: AssignScope,
        nodes: &mut Vec<Node>,
    ) -> Result<()> {
        let start = self.pos as u32;
        if scope == AssignScope::Local && !self.context.in_macro {
            return Err(self.error_here("Local variable assigned outside a macro or a function."));
        }
        self.enter_tag(name)?;
        let mut first = true;
        loop {
            let src = self.token_src;
            let variable = self.identifier("the name of a variable")?;
            let target = AssignTarget {
                src,
                name: variable,
                scope,
                slot: 0,
            };
            let op = match self.token {
                Token::Assign | Token::Equal => AssignOp::Set,
                Token::PlusEquals => AssignOp::Arithmetic(Arithmetic::Add),
                Token::MinusEquals => AssignOp::Arithmetic(Arithmetic::Subtract),
                Token::TimesEquals => AssignOp::Arithmetic(Arithmetic::Multiply),
                Token::DivideEquals => AssignOp::Arithmetic(Arithmetic::Divide),
                Token::PercentEquals => AssignOp::Arithmetic(Arithmetic::Modulus),
                Token::PlusPlus => AssignOp::Increment,
                Token::MinusMinus => AssignOp::Decrement,
                Token::TagEnd if first => return self.assign_block(start, name, target, nodes),
                _ => return Err(self.unexpected("an assignment operator")),
            };
            first = false;
            self.advance()?;
            let value = match op {
                AssignOp::Increment | AssignOp::Decrement => None,
                _ => Some(self.expression()?),
            };
            nodes.push(Node::Assign(target, op, value));
            if self.token == Token::Comma {
                self.advance()?;
            }
            if matches!(self.token, Token::TagEnd | Token::EmptyTagEnd) {
                break;
            }
            if self.token == Token::Ident && self.token_text() == "in" {
                return Err(self.error_at_token("assigning to another namespace isn't available here: a template can't import others"));
            }
        }
        self.layout.leaf(Piece::Silent, start, self.pos as u32);
        Ok(())
    }

    fn assign_block(
        &mut self,
        start: u32,
        name: &str,
        target: AssignTarget,
        nodes: &mut Vec<Node>,
    ) -> Result<()> {
        self.layout.open(Piece::BlockAssign, start);
        let end = match name {
            "assign" => "/assign",
            "local" => "/local",
            _ => "/global",
        };
        let (body, _) = self.block(&[end])?;
        self.close_tag()?;
        self.layout.close(self.pos as u32);
        nodes.push(Node::AssignBlock(target, body));
        Ok(())
    }

    fn macro_directive(&mut self, kind: &str) -> Result<Node> {
        let start = self.pos as u32;
        if self.context.in_macro {
            return Err(
                self.error_here("Macro or function definitions can't be nested into each other.")
            );
        }
        self.enter_tag(kind)?;
        let is_function = kind == "function";
        let name = self.identifier("the name of the macro or function")?;
        let mut def = MacroDef {
            name,
            is_function,
            params: Vec::new(),
            catch_all: None,
            body: Vec::new(),
            slot: 0,
            frame_size: 0,
            locals: Vec::new(),
        };
        self.parameters(&mut def)?;
        self.end_tag()?;
        self.layout.open(Piece::Macro, start);
        let escapes = std::mem::take(&mut self.escapes);
        let (body, _) = self.in_context(
            |context| {
                *context = Context {
                    in_macro: true,
                    in_function: is_function,
                    ..Context::default()
                }
            },
            |parser| parser.block(&[if is_function { "/function" } else { "/macro" }]),
        )?;
        self.escapes = escapes;
        self.close_tag()?;
        self.layout.close(self.pos as u32);
        def.body = body;
        Ok(Node::Macro(Box::new(def)))
    }

    fn parameters(&mut self, def: &mut MacroDef) -> Result<()> {
        let parenthesised = self.token == Token::OpenParen;
        if parenthesised {
            self.advance()?;
        }
        while matches!(self.token, Token::Ident | Token::Str { .. }) {
            if def.catch_all.is_some() {
                return Err(self.error_at_token(
                    "There may be only one catch-all parameter, and it must be the last one.",
                ));
            }
            let name = self.identifier("the name of a parameter")?;
            if def.params.iter().any(|param| param.name == name) {
                return Err(
                    self.error_at_token(format!("The parameter {name:?} is declared twice."))
                );
            }
            if self.token == Token::Ellipsis {
                self.advance()?;
                def.catch_all = Some((name, 0));
            } else {
                let default = if self.token == Token::Assign {
                    self.advance()?;
                    Some(self.expression()?)
                } else {
                    None
                };
                let after_optional = def.params.last().is_some_and(|last| last.default.is_some());
                if default.is_none() && after_optional {
                    return Err(self.error_at_token(format!(
                        "The parameter {name:?} without a default stands after one with a default."
                    )));
                }
                def.params.push(Param {
                    name,
                    default,
                    slot: 0,
                });
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

    pub(crate) fn macro_call(&mut self) -> Result<Node> {
        let start = self.pos as u32;
        self.pos += 2;
        self.gt_is_operator = false;
        self.advance()?;
        let callee = self.primary()?;
        let args = if self.at_named_argument() {
            let mut named: Vec<(Box<str>, Expr)> = Vec::new();
            while self.at_named_argument() {
                let name = self.identifier("the name of an argument")?;
                self.advance()?;
                named.push((name, self.expression()?));
                if self.token == Token::Comma {
                    self.advance()?;
                }
            }
            CallArgs::Named(named)
        } else {
            CallArgs::Positional(self.positional_args()?)
        };
        let mut loop_vars = Vec::new();
        if self.token == Token::Semicolon {
            self.advance()?;
            while self.token == Token::Ident {
                loop_vars.push((self.identifier("the name of a loop variable")?, 0));
                if self.token == Token::Comma {
                    self.advance()?;
                }
            }
        }
        self.end_tag()?;
        let src = Src {
            start,
            end: self.pos as u32,
        };
        let body = if self.token == Token::EmptyTagEnd {
            self.layout.leaf(Piece::Plain, src.start, src.end);
            None
        } else {
            self.layout.open(Piece::Block, start);
            let (body, _) = self.block(&["/@"])?;
            self.end_of_call(&callee)?;
            self.layout.close(self.pos as u32);
            Some(body)
        };
        Ok(Node::Call(Box::new(MacroCall {
            src,
            callee,
            args,
            loop_vars,
            body,
        })))
    }

    /// Steps over `</@>` or `</@name>`.
    fn end_of_call(&mut self, callee: &Expr) -> Result<()> {
        let rest = self.rest();
        let Some(end) = rest.find('>') else {
            return Err(self.error_here("Unclosed end tag."));
        };
        let name = rest[3..end].trim();
        let opened = self
            .text
            .get((callee.src.start - self.base) as usize..(callee.src.end - self.base) as usize);
        if !name.is_empty() && opened.is_some_and(|opened| opened != name) {
            return Err(self.error_here(format!(
                "Expecting </@> or </@{}>, but found </@{name}>.",
                opened.unwrap_or_default()
            )));
        }
        self.pos += end + 1;
        Ok(())
    }

    fn switch_directive(&mut self) -> Result<Node> {
        const ENDS: &[&str] = &["case", "default", "/switch"];
        let start = self.pos as u32;
        self.enter_tag("switch")?;
        let subject = self.expression()?;
        self.end_tag()?;
        self.layout.open(Piece::Block, start);
        let (_, mut end) = self.block(ENDS)?;
        let mut cases = Vec::new();
        while let Some(name @ ("case" | "default")) = end {
            self.layout.open(Piece::Block, self.pos as u32);
            self.enter_tag(name)?;
            let value = if name == "case" {
                Some(self.expression()?)
            } else {
                None
            };
            if value.is_none()
                && cases
                    .iter()
                    .any(|(value, _): &(Option<Expr>, _)| value.is_none())
            {
                return Err(self.error_here("You can only have one #default in a #switch."));
            }
            self.end_tag()?;
            let (body, next) = self.in_context(
                |context| context.breakable += 1,
                |parser| parser.block(ENDS),
            )?;
            self.layout.close(self.pos as u32);
            cases.push((value, body));
            end = next;
        }
        self.close_tag()?;
        self.layout.close(self.pos as u32);
        Ok(Node::Switch(Box::new(Switch { subject, cases })))
    }

    fn setting_directive(&mut self) -> Result<Node> {
        let start = self.pos as u32;
        self.enter_tag("setting")?;
        let name_src = self.token_src;
        let name = self.identifier("the name of a setting")?;
        let setting = match &*name {
            "number_format" | "numberFormat" => Setting::NumberFormat,
            "c_format" | "cFormat" => Setting::CFormat,
            "boolean_format" | "booleanFormat" => Setting::BooleanFormat,
            "date_format" | "dateFormat" => Setting::DateFormat,
            "time_format" | "timeFormat" => Setting::TimeFormat,
            "datetime_format" | "datetimeFormat" => Setting::DateTimeFormat,
            "time_zone" | "timeZone" => Setting::TimeZone,
            "sql_date_and_time_time_zone" | "sqlDateAndTimeTimeZone" => Setting::SqlTimeZone,
            "locale" => Setting::Locale,
            "output_encoding" | "outputEncoding" => Setting::OutputEncoding,
            "url_escaping_charset" | "urlEscapingCharset" => Setting::UrlEscapingCharset,
            "classic_compatible" | "classicCompatible" => {
                return Err(self.error_of(
                    ErrorKind::Refused,
                    name_src,
                    format!("the setting {name:?} isn't available here"),
                ));
            }
            other => {
                return Err(self.error_of(
                    ErrorKind::Syntax,
                    name_src,
                    format!("Unknown setting name: {other:?}"),
                ));
            }
        };
        self.expect(Token::Assign, "\"=\"")?;
        let value = self.expression()?;
        self.end_tag()?;
        let src = Src {
            start,
            end: self.pos as u32,
        };
        self.layout.leaf(Piece::Silent, src.start, src.end);
        Ok(Node::Setting {
            src,
            name: setting,
            value,
        })
    }

    fn attempt_directive(&mut self) -> Result<Node> {
        let start = self.pos as u32;
        self.bare_tag("attempt")?;
        self.layout.open(Piece::Block, start);
        self.layout.open(Piece::Block, start);
        let (body, _) = self.block(&["recover"])?;
        self.layout.close(self.pos as u32);
        self.layout.open(Piece::Block, self.pos as u32);
        self.bare_tag("recover")?;
        let (recover, _) = self.block(&["/attempt", "/recover"])?;
        self.layout.close(self.pos as u32);
        self.close_tag()?;
        self.layout.close(self.pos as u32);
        Ok(Node::Attempt { body, recover })
    }

    fn escape_directive(&mut self, nodes: &mut Vec<Node>) -> Result<()> {
        let start = self.pos as u32;
        self.enter_tag("escape")?;
        let var = self.identifier("the name of the escape's variable")?;
        if self.token != Token::Ident || self.token_text() != "as" {
            return Err(self.unexpected("\"as\""));
        }
        self.advance()?;
        let expr = self.expression()?;
        self.end_tag()?;
        let expr = self.escaped(expr)?;
        self.escapes.push(Escape { var, expr });
        self.layout.open(Piece::Block, start);
        let (body, _) = self.block(&["/escape"])?;
        self.escapes.pop();
        self.close_tag()?;
        self.layout.close(self.pos as u32);
        nodes.extend(body);
        Ok(())
    }

    fn noescape_directive(&mut self, name: &str, nodes: &mut Vec<Node>) -> Result<()> {
        let Some(escape) = self.escapes.pop() else {
            return Err(self.error_here("#noescape with no matching #escape."));
        };
        let (body, _) = self.simple_block(
            name,
            if name == "noescape" {
                "/noescape"
            } else {
                "/noEscape"
            },
            Piece::Block,
        )?;
        self.escapes.push(escape);
        nodes.extend(body);
        Ok(())
    }

    /// What `${expr}` prints under the `#escape` in force.
    pub(crate) fn escaped(&self, expr: Expr) -> Result<Expr> {
        match self.escapes.last() {
            Some(escape) => {
                let mut whole = escape.expr.clone();
                crate::compile::substitute(&mut whole, &escape.var, &expr);
                Ok(whole)
            }
            None => Ok(expr),
        }
    }

    fn noparse_directive(&mut self, name: &str, nodes: &mut Vec<Node>) -> Result<()> {
        let src = self.bare_tag(name)?;
        let rest = self.rest();
        let Some(end) = find_end_tag(rest, name) else {
            return Err(self.error_of(ErrorKind::Syntax, src, format!("Unclosed #{name}.")));
        };
        let start = self.pos;
        if end > 0 {
            nodes.push(Node::TextRef(self.layout.text(
                &rest[..end],
                start as u32,
                (start + end) as u32,
            )));
        }
        self.pos += end;
        self.close_tag()
    }

    fn comment_directive(&mut self) -> Result<()> {
        let src = self.bare_tag("comment")?;
        let Some(end) = find_end_tag(self.rest(), "comment") else {
            return Err(self.error_of(ErrorKind::Syntax, src, "Unclosed #comment."));
        };
        self.pos += end;
        self.close_tag()?;
        self.layout.leaf(Piece::Silent, src.start, self.pos as u32);
        Ok(())
    }
}

/// Where `</#name>` begins.
fn find_end_tag(text: &str, name: &str) -> Option<usize> {
    let mut from = 0;
    while let Some(at) = text[from..].find("</#") {
        let start = from + at;
        let after = &text[start + 3..];
        if after
            .strip_prefix(name)
            .is_some_and(|rest| rest.trim_start().starts_with('>'))
        {
            return Some(start);
        }
        from = start + 3;
    }
    None
}
