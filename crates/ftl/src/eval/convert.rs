//! Values to text.

use super::env::{Env, Evaluated, Fault, with_article};
use crate::error::{Error, ErrorKind};
use crate::syntax::ast::Expr;
use crate::value::{DateTime, Str, Value};

impl<'a> Env<'a> {
    /// Prints the value of `expr`.
    #[inline]
    pub(crate) fn output(&mut self, expr: &'a Expr) -> Evaluated<'a, ()> {
        let value = self.eval(expr)?;
        if let Value::Str(text) = &value {
            self.out.extend_from_slice(text.as_str().as_bytes());
            return Ok(());
        }
        let mut out = std::mem::take(&mut self.out);
        let result = self.write_value(expr, &value, &mut out);
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
            Value::Number(number) => self.settings.number_format.write(number, out),
            Value::Bool(value) => match &self.settings.boolean_format {
                Some((yes, no)) => out.extend_from_slice(if *value { yes } else { no }.as_bytes()),
                None => {
                    return Err(self.no_boolean_format());
                }
            },
            Value::Date(date) => self.write_date(expr, *date, out)?,
            Value::Match(found) if !value.is_sequence() => {
                return self.write_value(expr, &found.matches, out);
            }
            Value::Markup(markup) => markup.write(out),
            other => {
                let message = format!(
                    "Expected a string or something automatically convertible to string (number, date or boolean), or \"template output\" , but this has evaluated to {}:",
                    with_article(other.type_name())
                );
                return Err(self.role_fault(expr, message));
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

    fn write_date(&self, expr: &Expr, date: DateTime, out: &mut Vec<u8>) -> Evaluated<'a, ()> {
        let format = self.settings.date_format(date.kind);
        format
            .write(date, &self.settings.time_zone, out)
            .map_err(|message| self.fault(ErrorKind::Format, expr.src, message))
    }

    /// What `${value}` prints, as a string.
    pub(crate) fn string_of(&mut self, expr: &'a Expr, value: Value<'a>) -> Evaluated<'a, Str<'a>> {
        if let Value::Str(text) = value {
            return Ok(text);
        }
        let convertible = match &value {
            Value::Number(_) | Value::Bool(_) | Value::Date(_) => true,
            Value::Match(_) => !value.is_sequence(),
            _ => false,
        };
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
