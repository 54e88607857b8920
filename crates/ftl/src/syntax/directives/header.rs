//! The `#ftl` header.

use crate::error::Error;
use crate::eval::Printer;
use crate::output_format::{AutoEscaping, OutputFormat};
use crate::syntax::ast::{Compare, Expr, ExprKind};
use crate::syntax::lexer::Token;
use crate::syntax::options::Tags;
use crate::syntax::parser::{Parser, Result};
use crate::syntax::source::Src;

impl Parser<'_> {
    /// Parses the `#ftl` header, if there is one; says whether it decides on white-space stripping.
    pub(crate) fn header(&mut self) -> Result<Option<bool>> {
        let rest = self.rest();
        let trimmed = rest.trim_start();
        let square = trimmed.starts_with("[#ftl");
        if !(square || trimmed.starts_with("<#ftl"))
            || !trimmed[5..].starts_with([' ', '\t', '\r', '\n', '>', ']', '/'])
        {
            return Ok(None);
        }
        self.pos += rest.len() - trimmed.len();
        let tag = self.tag()?;
        self.tags = if square { Tags::Square } else { Tags::Angle };
        self.established = true;
        self.last_is_square = square;
        self.enter_tag(tag)?;
        let mut strip = None;
        let mut auto_escape = None;
        while self.at_free_word() {
            let name = self.token_text().to_owned();
            let name_src = self.token_src;
            self.advance();
            self.expect(Token::Assign, "pattern:\n    \"=\"")?;
            let value = self.expression()?;
            self.check_name(&name, name_src)?;
            self.check_constant(&value)?;
            match name.as_str() {
                "strip_whitespace" | "stripWhitespace" => {
                    strip = Some(self.constant_bool(&value)?);
                }
                "strip_text" | "stripText" => self.strip_text = self.constant_bool(&value)?,
                "strict_syntax" | "strictSyntax" => {
                    self.loose_tags = !self.constant_bool(&value)?;
                }
                "output_format" | "outputFormat" => {
                    let format = self.named_format(&value, &name)?;
                    self.set_output_format(format);
                }
                "auto_esc" | "autoEsc" => {
                    let on = constant(&value).ok_or_else(|| self.not_a_boolean(&value))?;
                    auto_escape = Some((on, name_src));
                }
                "encoding" if matches!(value.kind, ExprKind::Str(_)) => {}
                "encoding" => return Err(self.not_a_string(&name, &value)),
                "attributes" if matches!(value.kind, ExprKind::Hash(_)) => {}
                "attributes" => {
                    let message = "Expecting a hash of attribute names to values.";
                    return Err(self.syntax_error(value.src, message));
                }
                "ns_prefixes" | "nsPrefixes" => {
                    let message = "the #ftl parameter ns_prefixes is refused: it is for XML nodes, and the data has none";
                    return Err(self.refused(name_src, message));
                }
                other => {
                    return Err(self
                        .syntax_error(name_src, format!("Unknown FTL header parameter: {other}")));
                }
            }
        }
        if let Some((on, src)) = auto_escape {
            self.policy = if on {
                AutoEscaping::EnableIfSupported
            } else {
                AutoEscaping::Disable
            };
            if on && !self.output_format.is_markup() {
                return Err(self.cannot_escape(Src {
                    start: src.start,
                    end: src.end,
                }));
            }
            self.auto_escape = on;
        }
        self.end_tag()?;
        self.skip_line_break();
        Ok(strip)
    }

    /// There are no variables before anything runs.
    fn check_constant(&self, value: &Expr) -> Result<()> {
        let cause = match crate::compile::first_variable(&mut value.clone()) {
            Some(variable) => format!(
                "freemarker.core._MiscTemplateException: Variables are not available (certainly you are in a parse-time executed directive). The name of the variable you tried to read: {variable}"
            ),
            None if negates_no_boolean(value) => "only booleans can be negated".to_owned(),
            None => return Ok(()),
        };
        let shown = Printer::of_source(self.interpolations, self.text).expr(value);
        let message = format!(
            "Could not evaluate expression (on parse-time): {shown} \nUnderlying cause: {cause}"
        );
        Err(self.syntax_error(value.src, message))
    }

    /// A boolean, or a word for one.
    fn constant_bool(&self, value: &Expr) -> Result<bool> {
        match &value.kind {
            ExprKind::Str(text) => match &**text {
                "true" | "yes" | "t" | "y" => Ok(true),
                "false" | "no" | "f" | "n" => Ok(false),
                _ => Err(self.syntax_error(
                    value.src,
                    format!(
                        "Illegal boolean value: {text}\nExpecting boolean (true/false), found: {}",
                        crate::error::java_quoted(text)
                    ),
                )),
            },
            _ => constant(value).ok_or_else(|| self.not_a_boolean(value)),
        }
    }

    fn not_a_boolean(&self, value: &Expr) -> Error {
        self.syntax_error(value.src, "Expecting boolean (true/false) parameter")
    }

    fn not_a_string(&self, name: &str, value: &Expr) -> Error {
        let message = format!("Expected a string constant for {name:?}.");
        self.syntax_error(value.src, message)
    }

    fn named_format(&self, value: &Expr, name: &str) -> Result<OutputFormat> {
        let ExprKind::Str(format) = &value.kind else {
            return Err(self.not_a_string(name, value));
        };
        OutputFormat::named(format).map_err(|message| self.syntax_error(value.src, message))
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
}

/// Whether something in a constant is negated that is no boolean.
fn negates_no_boolean(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Not(inner) => {
            let is_other = matches!(
                inner.kind,
                ExprKind::Str(_) | ExprKind::Int(_) | ExprKind::Decimal(_)
            );
            is_other || negates_no_boolean(inner)
        }
        ExprKind::Paren(inner) => negates_no_boolean(inner),
        ExprKind::Seq(items) => items.iter().any(negates_no_boolean),
        ExprKind::Hash(pairs) => pairs
            .iter()
            .any(|(key, value)| negates_no_boolean(key) || negates_no_boolean(value)),
        _ => false,
    }
}

/// The value of a boolean expression that has no variables.
fn constant(expr: &Expr) -> Option<bool> {
    Some(match &expr.kind {
        ExprKind::Bool(value) => *value,
        ExprKind::Paren(inner) => constant(inner)?,
        ExprKind::Not(inner) => !constant(inner)?,
        ExprKind::And(left, right) => constant(left)? && constant(right)?,
        ExprKind::Or(left, right) => constant(left)? || constant(right)?,
        ExprKind::Compare(compare, left, right) => {
            let equal = match (&left.kind, &right.kind) {
                (ExprKind::Int(left), ExprKind::Int(right)) => left == right,
                (ExprKind::Str(left), ExprKind::Str(right)) => left == right,
                _ => constant(left)? == constant(right)?,
            };
            match compare {
                Compare::Equal => equal,
                Compare::NotEqual => !equal,
                _ => return None,
            }
        }
        _ => return None,
    })
}
