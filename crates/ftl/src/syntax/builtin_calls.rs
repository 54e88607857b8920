//! `?name` and `.name`: built-ins and special variables.

use super::ast::{BuiltinCall, Expr, ExprKind, Formats, Lookup, Special};
use super::lexer::Token;
use super::parser::{Parser, Result};
use super::source::Src;
use crate::builtins;
use crate::error::ErrorKind;
use crate::output_format::{OutputFormat, is_legacy_escaping};

/// What `.name` may be.
const SPECIALS: &str = "args, auto_esc, caller_template_name, current_node, current_template_name, data_model, error, get_optional_template, globals, incompatible_improvements, lang, locale, locale_object, locals, main, main_template_name, namespace, node, now, output_encoding, output_format, pass, template_name, time_zone, url_escaping_charset, vars, version";

/// Whether FreeMarker's grammar keeps the word for itself.
pub(super) fn is_keyword(word: &str) -> bool {
    matches!(
        word,
        "true" | "false" | "in" | "as" | "using" | "lt" | "lte" | "gt" | "gte"
    )
}

impl Parser<'_> {
    /// Parses `?name…`, the target having been parsed.
    pub(super) fn builtin(&mut self, target: Expr) -> Result<Expr> {
        self.advance();
        if self.token != Token::Ident || is_keyword(self.token_text()) {
            return Err(self.unexpected("pattern:\n    <ID>"));
        }
        let name_src = self.token_src;
        let name = self.token_text().to_owned();
        self.check_name(&name, name_src)?;
        let builtin = builtins::find(&name).map_err(|problem| {
            let kind = if problem.refused {
                ErrorKind::Refused
            } else {
                ErrorKind::Syntax
            };
            self.error_of(kind, name_src, problem.message)
        })?;
        self.check_escaping(builtin.name(), &name, name_src)?;
        self.check_reach(builtin.name(), name_src)?;
        if builtin.asks_loop() {
            self.check_loop_variable(&target, &name)?;
        }
        self.advance();
        let args_start = self.token_src;
        if builtin.is_checked_early() && builtin.takes_args() && self.token != Token::OpenParen {
            return Err(self.unexpected("pattern:\n    \"(\""));
        }
        let (args, lookup) = self.builtin_args(builtin)?;
        let src = target.src.to(self.last_src());
        let fitting = builtin.check_arity(&name, args.as_deref().map(<[Expr]>::len));
        let args_fit = fitting.is_ok();
        if let Err(message) = fitting
            && builtin.is_checked_early()
        {
            return Err(self.syntax_error(args_start.to(self.last_src()), message));
        }
        if let Some((src, count)) = self.misfitting_lambda.take() {
            let message = format!(
                "?{name}(...) parameter lambda expression must declare exactly 1 parameter, but it declared {count}."
            );
            return Err(self.syntax_error(src, message));
        }
        Ok(self.expr(
            src,
            ExprKind::Builtin(Box::new(BuiltinCall {
                src,
                head: target.src.to(name_src),
                target,
                builtin,
                name: name.into(),
                args_fit,
                args,
                loop_slot: None,
                formats: Formats::default(),
                lookup,
                output_format: self.output_format.clone(),
                auto_escape: self.auto_escape,
                site: None,
            })),
        ))
    }

    /// Escaping twice, or for a format that can't escape, is noticed before anything runs.
    fn check_escaping(&self, builtin: &str, spelling: &str, src: Src) -> Result<()> {
        let message = match builtin {
            "esc" | "no_esc" if !self.output_format.is_markup() => format!(
                "?{spelling} can't be used here, as the current output format isn't a markup (escaping) format: {}",
                self.output_format.name()
            ),
            _ if self.auto_escape && is_legacy_escaping(builtin) => format!(
                "Using ?{spelling} (legacy escaping) is not allowed when auto-escaping is on with a markup output format ({}), to avoid double-escaping mistakes.",
                self.output_format.own_name()
            ),
            _ => return Ok(()),
        };
        Err(self.syntax_error(src, message))
    }

    /// Whether the target of `?index` and its like is the variable of a loop around.
    fn check_loop_variable(&self, target: &Expr, builtin: &str) -> Result<()> {
        let message = match &target.kind {
            ExprKind::Name(name) if self.loop_names.contains(&name.text) => return Ok(()),
            ExprKind::Name(name) => format!(
                "The left hand operand of ?{builtin} must be a loop variable, but there's no loop variable in scope with this name: {}",
                name.text
            ),
            _ => format!(
                "Expression used as the left hand operand of ?{builtin} must be a simple loop variable name."
            ),
        };
        Err(self.syntax_error(target.src, message))
    }

    /// Whether a built-in that reaches other templates or runs data as code may be used.
    fn check_reach(&mut self, builtin: &str, src: Src) -> Result<()> {
        match builtin {
            "eval" | "interpret" if !self.options.runs_data => {
                Err(self.refused(src, format!("?{builtin} is refused: it runs data as code")))
            }
            "absolute_template_name" if !self.options.loads => Err(self.refused(
                src,
                format!("?{builtin} is refused: a template can't load other templates here"),
            )),
            "eval" | "interpret" => {
                self.open = true;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn builtin_args(
        &mut self,
        builtin: &'static builtins::Builtin,
    ) -> Result<(Option<Vec<Expr>>, Lookup)> {
        if self.token == Token::OpenParen && builtin.takes_args() {
            let args = self.arguments(builtin.takes_lambda())?;
            return Ok((Some(args), Lookup::Call));
        }
        if !builtin.is_format_lookup() {
            return Ok((None, Lookup::Call));
        }
        match self.token {
            // `?string["0.00"]`
            Token::OpenBracket => {
                self.advance();
                let key = self.expression()?;
                self.expect(Token::CloseBracket, "\"]\"")?;
                Ok((Some(vec![key]), Lookup::Bracket))
            }
            // `?string.short`
            Token::Dot => {
                let name = self.key_after_dot()?;
                let name = self.expr(self.last_src(), ExprKind::Str(name));
                Ok((Some(vec![name]), Lookup::Dot))
            }
            _ => Ok((None, Lookup::Call)),
        }
    }

    /// Parses the name of a special variable, and leaves it as the current token.
    pub(super) fn special(&mut self) -> Result<ExprKind> {
        if self.token != Token::Ident || is_keyword(self.token_text()) {
            return Err(self.unexpected("pattern:\n    <ID>"));
        }
        let (name, src) = (self.token_text().to_owned(), self.token_src);
        self.check_name(&name, src)?;
        let snake = builtins::snake_case(&name);
        Ok(ExprKind::Special(match snake.as_str() {
            "args" if !self.context.in_macro => {
                return Err(self.error_at_token("The \"args\" special variable must be inside a macro or function in the template source code."));
            }
            "args" => {
                self.uses_args = true;
                Special::Args
            }
            "auto_esc" => Special::AutoEsc(self.auto_escape),
            "caller_template_name" => Special::CallerTemplateName,
            "current_template_name" => Special::CurrentTemplateName,
            "main_template_name" => Special::MainTemplateName,
            "template_name" => Special::TemplateName,
            "data_model" => Special::DataModel,
            "error" => Special::Error,
            "globals" => Special::Globals,
            "incompatible_improvements" => Special::IncompatibleImprovements,
            "lang" => Special::Lang,
            "locale" => Special::Locale,
            "locals" => Special::Locals,
            "main" => Special::Main,
            "namespace" => Special::Namespace,
            "now" => Special::Now,
            "output_encoding" => Special::OutputEncoding,
            "output_format" => {
                let format: &OutputFormat = &self.output_format;
                return Ok(ExprKind::Str(format.shown_name().into()));
            }
            "pass" => return Ok(ExprKind::Special(Special::Nothing)),
            "time_zone" => Special::TimeZone,
            "url_escaping_charset" => Special::UrlEscapingCharset,
            "vars" => {
                // It finds loop variables by names that are computed.
                self.open = true;
                self.has_vars = true;
                Special::Vars
            }
            "version" => Special::Version,
            "current_node" | "node" => {
                return Err(self.refused(src, format!("the special variable .{name} is refused: it is an XML node, and the data has none")));
            }
            "locale_object" => {
                return Err(self.refused(src, "the special variable .locale_object is refused: it is a Java object, and there are none here"));
            }
            "get_optional_template" if self.options.loads => Special::GetOptionalTemplate,
            "get_optional_template" => {
                return Err(self.refused(src, format!("the special variable .{name} is refused: a template can't load other templates here")));
            }
            _ => {
                let allowed = if self.is_camel() {
                    builtins::camel_case(SPECIALS)
                } else {
                    SPECIALS.to_owned()
                };
                let meant = match &*name {
                    "autoesc" | "auto_escape" | "auto_escaping" => " You may meant: \"auto_esc\".",
                    "autoEscape" | "autoEscaping" => " You may meant: \"autoEsc\".",
                    _ => "",
                };
                return Err(self.error_at_token(format!(
                    "Unknown special variable name: {}.{meant}\nThe allowed special variable names are: {allowed}",
                    crate::error::java_quoted(&name)
                )));
            }
        }))
    }
}
