//! The `#ftl` header.

use crate::output_format::{AutoEscaping, OutputFormat};
use crate::syntax::ast::{Expr, ExprKind};
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
        self.enter_tag(tag)?;
        let mut strip = None;
        let mut auto_escape = None;
        while self.token == Token::Ident {
            let name = self.token_text().to_owned();
            let name_src = self.token_src;
            self.check_name(&name, name_src)?;
            self.advance()?;
            self.expect(Token::Assign, "\"=\"")?;
            let value = self.expression()?;
            match name.as_str() {
                "strip_whitespace" | "stripWhitespace" => {
                    strip = Some(self.constant_bool(&name, &value)?);
                }
                "strip_text" | "stripText" => {
                    self.strip_text = self.constant_bool(&name, &value)?
                }
                "strict_syntax" | "strictSyntax" => {
                    self.loose_tags = !self.constant_bool(&name, &value)?;
                }
                "output_format" | "outputFormat" => {
                    let format = self.named_format(&value, &name)?;
                    self.set_output_format(format);
                }
                "auto_esc" | "autoEsc" => {
                    auto_escape = Some((self.constant_bool(&name, &value)?, name_src));
                }
                "encoding" | "attributes" => {}
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

    fn constant_bool(&self, name: &str, value: &Expr) -> Result<bool> {
        match &value.kind {
            ExprKind::Bool(on) => Ok(*on),
            ExprKind::Str(text) if matches!(&**text, "true" | "yes" | "t" | "y") => Ok(true),
            ExprKind::Str(text) if matches!(&**text, "false" | "no" | "f" | "n") => Ok(false),
            ExprKind::Str(text) => Err(self.syntax_error(
                value.src,
                format!(
                    "Illegal boolean value: {text}\nExpecting boolean (true/false), found: {}",
                    crate::error::java_quoted(text)
                ),
            )),
            ExprKind::Int(_) | ExprKind::Decimal(_) => {
                Err(self.syntax_error(value.src, "Expecting boolean (true/false) parameter"))
            }
            _ => Err(self.syntax_error(
                value.src,
                format!("Expected a boolean constant for {name:?}."),
            )),
        }
    }

    fn named_format(&self, value: &Expr, name: &str) -> Result<OutputFormat> {
        let ExprKind::Str(format) = &value.kind else {
            return Err(self.syntax_error(
                value.src,
                format!("Expected a string constant for {name:?}."),
            ));
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
