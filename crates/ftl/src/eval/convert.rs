//! Values to text.

use super::env::{Env, Evaluated, Fault, with_article};
use crate::append::append;
use crate::datetime::DateFormat;
use crate::error::{Error, ErrorKind, quoted};
use crate::number::{Number, NumberFormat};
use crate::syntax::Src;
use crate::syntax::ast::{Expr, ExprKind, NumericOutput};
use crate::value::{DateKind, DateTime, Str, Value};

impl<'a> Env<'a> {
    /// Prints the value of `expr`.
    #[inline]
    pub(crate) fn output(&mut self, expr: &'a Expr) -> Evaluated<'a, ()> {
        if let ExprKind::Builtin(call) = &expr.kind
            && let Some(printed) = call.builtin.print(self, call)
        {
            return printed;
        }
        if let Some(text) = self.plain_text(expr) {
            append(&mut self.out, text.as_bytes());
            return Ok(());
        }
        let found = self.eval_opt(expr)?;
        let value = self.known(expr, &found)?;
        self.print(expr, value)
    }

    /// Prints `value`, which `expr` has.
    pub(crate) fn print(&mut self, expr: &'a Expr, value: &Value<'a>) -> Evaluated<'a, ()> {
        if let Value::Str(text) = value {
            self.out.extend_from_slice(text.as_str().as_bytes());
            return Ok(());
        }
        let mut out = std::mem::take(&mut self.out);
        let result = self.write_value(expr, value, &mut out);
        self.out = out;
        result
    }

    /// Writes what `${value}` prints.
    pub(crate) fn write_value(
        &self,
        expr: &Expr,
        value: &Value<'a>,
        out: &mut Vec<u8>,
    ) -> Evaluated<'a, ()> {
        match value {
            Value::Str(text) => out.extend_from_slice(text.as_str().as_bytes()),
            Value::Nothing => {}
            Value::Number(number) => self.write_number(expr, number, out)?,
            Value::Bool(value) => match &self.settings.boolean_format {
                Some((yes, no)) => out.extend_from_slice(if *value { yes } else { no }.as_bytes()),
                None => {
                    return Err(self.no_boolean_format());
                }
            },
            Value::Date(date) => self.write_date(*date, out)?,
            Value::Match(found) if !value.is_sequence() => {
                return self.write_value(expr, &found.matches, out);
            }
            // All matches count as whether the whole has matched.
            Value::Match(found) => return self.write_value(expr, &Value::Bool(found.whole), out),
            Value::Markup(markup) => markup.write(out),
            Value::Unread(unread) => return Err(Fault::Error(unread.error.clone())),
            other => {
                let message = format!(
                    "Expected a string or something automatically convertible to string (number, date or boolean), or \"template output\" , but this has evaluated to {}:",
                    with_article(other.type_name())
                );
                return Err(self.role_fault(expr.src, message));
            }
        }
        Ok(())
    }

    #[cold]
    fn no_boolean_format(&self) -> Fault<'a> {
        const MESSAGE: &str = "Can't convert boolean to string automatically, because the \"boolean_format\" setting was \"true,false\", which is the legacy deprecated default, and we treat it as if no format was set. This is the default configuration; you should provide the format explicitly for each place where you print a boolean.";
        const TIPS: [&str; 3] = [
            "Write something like myBool?string('yes', 'no') to specify boolean formatting in place.",
            "If you want \"true\"/\"false\" result as you are generating computer-language output (not for direct human consumption), then use \"?c\", like ${myBool?c}. (If you always generate computer-language output, then it's might be reasonable to set the \"boolean_format\" setting to \"c\" instead.)",
            "If you need the same two values on most places, the programmers can set the \"boolean_format\" setting to something like \"yes,no\". However, then it will be easy to unwillingly format booleans like that.",
        ];
        let error = Error::new(ErrorKind::Type, MESSAGE);
        Fault::Error(TIPS.iter().fold(error, |error, tip| error.tip(*tip)))
    }

    fn write_number(&self, expr: &Expr, number: &Number, out: &mut Vec<u8>) -> Evaluated<'a, ()> {
        let setting = &self.settings.number_format;
        let format = self.number_format_setting(expr.src)?;
        format
            .write(number, &self.settings.locale, self.settings.c_format(), out)
            .map_err(|reason| {
                let message = format!(
                    "Failed to format number with format {}: This format can't format the {} number. Reason: {reason}",
                    quoted(&setting.source),
                    number.to_text()
                );
                self.described(ErrorKind::Format, expr.src, message)
            })
    }

    /// Prints `#{number; format}`.
    pub(crate) fn write_formatted(
        &mut self,
        output: &'a NumericOutput,
        out: &mut Vec<u8>,
    ) -> Evaluated<'a, ()> {
        let number = self.eval_number(&output.expr)?;
        let (locale, c_format) = (&self.settings.locale, self.settings.c_format());
        output
            .format
            .write(&number, locale, c_format, out)
            .map_err(|message| self.fault(ErrorKind::Format, output.expr.src, message))
    }

    /// The compiled setting.
    pub(crate) fn number_format_setting(&self, src: Src) -> Evaluated<'a, &NumberFormat> {
        let setting = &self.settings.number_format;
        match &setting.compiled {
            Ok(format) => Ok(format),
            Err(reason) => {
                let message = format!(
                    "Failed to get number format object for the current number format string, {}: {reason}",
                    quoted(&setting.source)
                );
                Err(self.described(ErrorKind::Format, src, message))
            }
        }
    }

    fn write_date(&self, date: DateTime, out: &mut Vec<u8>) -> Evaluated<'a, ()> {
        let format = self.date_format_setting(date.kind)?;
        format.write(date, &self.surroundings(date.kind, None), out);
        Ok(())
    }

    /// The compiled setting of a kind of dates.
    pub(crate) fn date_format_setting(&self, kind: DateKind) -> Evaluated<'a, &DateFormat> {
        let setting = self.settings.date_format(kind);
        setting.compiled.as_deref().map_err(|reason| {
            let message = format!(
                "The value of the \"{}_format\" FreeMarker configuration setting is a malformed date/time/datetime \
                 format string: {}. Reason given: {reason}",
                kind.name(),
                quoted(&setting.source)
            );
            self.failure(ErrorKind::Format, message)
        })
    }

    /// What `${value}` prints, as a string.
    pub(crate) fn string_of(&mut self, expr: &'a Expr, value: Value<'a>) -> Evaluated<'a, Str<'a>> {
        match value {
            Value::Str(text) => return Ok(text),
            Value::Nothing => return Ok(Str::Borrowed("")),
            _ => {}
        }
        let convertible = matches!(
            &value,
            Value::Number(_) | Value::Bool(_) | Value::Date(_) | Value::Unread(_) | Value::Match(_)
        );
        if !convertible {
            return Err(self.type_fault(
                expr,
                "string or something automatically convertible to string (number, date or boolean)",
                &value,
            ));
        }
        let mut bytes = Vec::new();
        self.write_value(expr, &value, &mut bytes)?;
        self.charge(bytes.len())?;
        Ok(Str::from(String::from_utf8(bytes).unwrap_or_default()))
    }
}
