//! Expressions at run time.

use std::rc::Rc;

use super::env::{Env, Evaluated, Fault};
use crate::data::View;
use crate::error::ErrorKind;
use crate::number::Number;
use crate::output_format::{Content, Markup};
use crate::syntax::ast::{Arithmetic, Expr, ExprKind, Node, NodeKind, RangeKind, Special};
use crate::value::{Callable, DateKind, DateTime, Range, Scope, Str, Transform, Value};

impl<'a> Env<'a> {
    /// The value of `expr`; a missing one is a fault.
    #[inline]
    pub(crate) fn eval(&mut self, expr: &'a Expr) -> Evaluated<'a, Value<'a>> {
        match self.eval_opt(expr)? {
            Some(Value::Unread(unread)) => Err(Fault::Error(unread.error.clone())),
            Some(value) => Ok(value),
            None => Err(Fault::Missing(expr)),
        }
    }

    /// What `expr` has been evaluated to, as [`Self::eval`] has it, but left where it is: to move a value takes about as long
    /// as to find it.
    #[inline(always)]
    pub(crate) fn known<'v>(
        &self,
        expr: &'a Expr,
        found: &'v Option<Value<'a>>,
    ) -> Evaluated<'a, &'v Value<'a>> {
        match found {
            Some(Value::Unread(unread)) => Err(Fault::Error(unread.error.clone())),
            Some(value) => Ok(value),
            None => Err(Fault::Missing(expr)),
        }
    }

    /// The same, where a date that can't be read is no fault yet.
    pub(crate) fn eval_unread(&mut self, expr: &'a Expr) -> Evaluated<'a, Value<'a>> {
        self.eval_kept(expr)?.ok_or(Fault::Missing(expr))
    }

    /// The value of `expr`, if it has one.
    pub(crate) fn eval_opt(&mut self, expr: &'a Expr) -> Evaluated<'a, Option<Value<'a>>> {
        self.step()?;
        Ok(Some(match &expr.kind {
            ExprKind::Str(text) => Value::str(text),
            ExprKind::Int(value) => Value::int(*value),
            ExprKind::Bool(value) => Value::Bool(*value),
            ExprKind::Name(name) => return self.variable(name),
            ExprKind::Dot(target, key) => {
                if let Some(hash) = self.data_hash(target) {
                    return self.read(hash.get_near(&key.text, &key.place));
                }
                let value = self.eval_unread(target)?;
                return self.member(target, &value, &key.text);
            }
            ExprKind::Paren(inner) => return self.eval_opt(inner),
            ExprKind::Builtin(call) => return call.builtin.run(self, call),
            ExprKind::Default(target, value) => {
                return self.default_value(target, value.as_deref());
            }
            ExprKind::Exists(target) => Value::Bool(self.eval_guarded(target)?.is_some()),
            ExprKind::Compare(compare, left, right) => {
                Value::Bool(self.compare(*compare, left, right)?)
            }
            ExprKind::Not(inner) => Value::Bool(!self.eval_bool(inner)?),
            ExprKind::And(left, right) => {
                Value::Bool(self.eval_bool(left)? && self.eval_bool(right)?)
            }
            ExprKind::Or(left, right) => {
                Value::Bool(self.eval_bool(left)? || self.eval_bool(right)?)
            }
            ExprKind::Arithmetic(operator, left, right) => {
                return self.computed(expr, *operator, left, right);
            }
            ExprKind::Index(target, key) => return self.index(expr.src, target, key),
            ExprKind::Call(callee, args) => return self.call_method(expr, callee, args),
            ExprKind::Concat(parts) => self.concat(parts)?,
            ExprKind::Decimal(text) => self.decimal(expr, text)?,
            ExprKind::Negate(inner) => Value::Number(self.eval_number(inner)?.negate()),
            ExprKind::Plus(inner) => return self.signed(inner),
            ExprKind::Range(kind, from, to) => self.range(*kind, from, to.as_deref())?,
            ExprKind::Seq(items) => self.sequence(items)?,
            ExprKind::Hash(entries) => self.hash(entries)?,
            ExprKind::Special(special) => return self.special(expr, *special),
            ExprKind::Held(index) => {
                return Ok(self.held.get(*index as usize).cloned().flatten());
            }
            ExprKind::Lambda(_) => {
                let message = "a lambda expression isn't a value";
                return Err(self.fault(ErrorKind::Type, expr.src, message));
            }
        }))
    }

    // What is apart from `eval_opt` from here on would widen the frame that each nested expression has on the stack.

    #[inline(never)]
    fn computed(
        &mut self,
        expr: &'a Expr,
        operator: Arithmetic,
        left: &'a Expr,
        right: &'a Expr,
    ) -> Evaluated<'a, Option<Value<'a>>> {
        if let Some(result) = self.computed_in_place(operator, left, right) {
            self.steps(2)?;
            return Ok(Some(Value::Number(result)));
        }
        let found = self.eval_opt(left)?;
        let Some(left_value) = &found else {
            // For an addition both operands are there before either is looked at.
            if operator == Arithmetic::Add {
                self.eval_opt(right)?;
            }
            return Err(Fault::Missing(left));
        };
        if operator != Arithmetic::Add && !matches!(left_value, Value::Number(_)) {
            return Err(self.type_fault(left, "number", left_value));
        }
        let found = self.eval_opt(right)?;
        let Some(right_value) = &found else {
            return Err(self.missing_operand(operator, left, left_value, right));
        };
        if let (Value::Number(left), Value::Number(right)) = (left_value, right_value)
            && let Some(result) = self.quickly(operator, left, right)
        {
            return Ok(Some(Value::Number(result)));
        }
        let (left, right) = (Some(left), Some(right));
        let result = self.arithmetic(operator, expr.src, left_value, left, right_value, right);
        result.map(Some)
    }

    /// The result for operands that are there as numbers.
    #[inline(always)]
    fn computed_in_place(
        &self,
        operator: Arithmetic,
        left: &'a Expr,
        right: &'a Expr,
    ) -> Option<Number> {
        let mut literals = (Number::Int(0), Number::Int(0));
        let left = self.number_in_place(left, &mut literals.0)?;
        let right = self.number_in_place(right, &mut literals.1)?;
        self.quickly(operator, left, right)
    }

    /// The result for numbers of a machine word, as most are.
    #[inline]
    fn quickly(&self, operator: Arithmetic, left: &Number, right: &Number) -> Option<Number> {
        let max_digits = self.max_digits();
        match operator {
            Arithmetic::Add => left.add_small(right, max_digits),
            Arithmetic::Subtract => left.subtract_small(right, max_digits),
            Arithmetic::Multiply => left.multiply_small(right, max_digits),
            Arithmetic::Divide if !self.settings.conservative_division => {
                left.divide_small(right, max_digits)
            }
            Arithmetic::Divide | Arithmetic::Modulus => None,
        }
    }

    /// `+number`; what is missing stays so.
    #[inline(never)]
    fn signed(&mut self, inner: &'a Expr) -> Evaluated<'a, Option<Value<'a>>> {
        match self.eval_opt(inner)? {
            number @ (None | Some(Value::Number(_))) => Ok(number),
            Some(other) => Err(self.type_fault(inner, "number", &other)),
        }
    }

    #[inline(never)]
    fn decimal(&mut self, expr: &'a Expr, text: &str) -> Evaluated<'a, Value<'a>> {
        match Number::parse(text, self.max_digits()) {
            Some(number) if self.settings.conservative_division => {
                self.number(expr.src, number.map(Number::read_conservatively))
            }
            Some(number) => self.number(expr.src, number),
            None => Err(self.fault(ErrorKind::Value, expr.src, "malformed number")),
        }
    }

    /// What the data has, as a value. The most frequent kinds are written straight to where the value belongs: what is
    /// written in parts and then copied as a whole makes the processor wait.
    #[inline(always)]
    pub(crate) fn read(&self, view: Option<View<'a>>) -> Evaluated<'a, Option<Value<'a>>> {
        match view {
            Some(View::Str(text)) => Ok(Some(Value::str(text))),
            Some(View::Hash(hash)) => Ok(Some(Value::HashView(hash))),
            Some(View::Number(text)) => self.read_number(text),
            Some(other) => self.read_other(other),
            None => Ok(None),
        }
    }

    /// Apart, so that it leaves the number where the caller is to leave it.
    #[inline(never)]
    fn read_number(&self, text: &'a str) -> Evaluated<'a, Option<Value<'a>>> {
        match Number::parse_small(text, self.max_digits()) {
            Some(number) => Ok(Some(Value::Number(number))),
            None => self.read_other(View::Number(text)),
        }
    }

    #[inline(never)]
    fn read_other(&self, view: View<'a>) -> Evaluated<'a, Option<Value<'a>>> {
        Ok(Value::from_view(view, self.max_digits()))
    }

    /// `target!value`
    fn default_value(
        &mut self,
        target: &'a Expr,
        value: Option<&'a Expr>,
    ) -> Evaluated<'a, Option<Value<'a>>> {
        let found = self.eval_guarded(target);
        // What is found stays where it is: to move a value takes about as long as to find it.
        match (&found, value) {
            (Ok(None), Some(value)) => self.eval_opt(value),
            (Ok(None), None) => Ok(Some(Value::Nothing)),
            _ => found,
        }
    }

    /// The value of an operand that may be missing; parentheses let any step in them be missing.
    pub(crate) fn eval_guarded(&mut self, expr: &'a Expr) -> Evaluated<'a, Option<Value<'a>>> {
        match &expr.kind {
            // Those that an `#escape` has put let nothing be missing.
            ExprKind::Paren(inner) if inner.src == expr.src => return self.eval_guarded(inner),
            ExprKind::Paren(_) => {}
            _ => return self.eval_opt(expr),
        }
        match self.eval_opt(expr) {
            Err(fault) if fault.is_missing() => Ok(None),
            other => other,
        }
    }

    pub(crate) fn eval_bool(&mut self, expr: &'a Expr) -> Evaluated<'a, bool> {
        if let ExprKind::Paren(inner) = &expr.kind {
            return self.eval_bool(inner);
        }
        // Most conditions needn't become values.
        match &expr.kind {
            ExprKind::Compare(compare, left, right) => {
                self.step()?;
                return self.compare(*compare, left, right);
            }
            ExprKind::Exists(target) => {
                if let Some(exists) = self.exists_in_data(target) {
                    self.step()?;
                    return Ok(exists);
                }
            }
            ExprKind::And(left, right) => {
                self.step()?;
                return Ok(self.eval_bool(left)? && self.eval_bool(right)?);
            }
            ExprKind::Or(left, right) => {
                self.step()?;
                return Ok(self.eval_bool(left)? || self.eval_bool(right)?);
            }
            _ => {}
        }
        match self.eval_opt(expr)? {
            Some(Value::Bool(value)) => Ok(value),
            Some(Value::Match(found)) => Ok(found.whole),
            Some(other) => Err(self.type_fault(expr, "boolean", &other)),
            None => Err(Fault::Missing(expr)),
        }
    }

    pub(crate) fn eval_number(&mut self, expr: &'a Expr) -> Evaluated<'a, Number> {
        match self.eval_opt(expr)? {
            Some(Value::Number(number)) => Ok(number),
            Some(other) => Err(self.type_fault(expr, "number", &other)),
            None => Err(Fault::Missing(expr)),
        }
    }

    /// The value as a string; numbers, dates and booleans are formatted.
    pub(crate) fn eval_string(&mut self, expr: &'a Expr) -> Evaluated<'a, Str<'a>> {
        if let Some(text) = self.plain_text(expr) {
            self.step()?;
            return Ok(Str::Borrowed(text));
        }
        let value = self.eval(expr)?;
        self.string_of(expr, value)
    }

    /// The value as `${…}` prints it, markup included.
    pub(crate) fn printed(&mut self, expr: &'a Expr, value: &Value<'a>) -> Evaluated<'a, Str<'a>> {
        if let Value::Str(text) = value {
            return Ok(text.clone());
        }
        let mut bytes = Vec::new();
        self.write_value(expr, value, &mut bytes)?;
        self.charge(bytes.len())?;
        Ok(Str::from(String::from_utf8(bytes).unwrap_or_default()))
    }

    /// A string literal with interpolations: a string, or markup if some of them are.
    #[inline(never)]
    fn concat(&mut self, parts: &'a [Node]) -> Evaluated<'a, Value<'a>> {
        let mut markup: Option<Rc<Markup<'a>>> = None;
        let mut text = Vec::new();
        for part in parts {
            self.step()?;
            match &part.kind {
                NodeKind::Text(plain) => text.extend_from_slice(plain.as_bytes()),
                NodeKind::Output(expr) => match self.eval(expr)? {
                    Value::Markup(found) => {
                        markup = Some(self.appended(markup, &mut text, &found)?);
                    }
                    value => self.write_value(expr, &value, &mut text)?,
                },
                NodeKind::NumericOutput(output) => {
                    self.write_formatted(output, &mut text)?;
                }
                _ => {}
            }
            self.check_text(text.len())?;
        }
        match markup {
            None => self.captured_string(text),
            Some(before) if text.is_empty() => Ok(Value::Markup(before)),
            Some(before) => {
                let rest = self.plain_markup(&before, text)?;
                Ok(Value::Markup(Rc::new(before.concat(&rest))))
            }
        }
    }

    /// What has been collected, and then `found`.
    fn appended(
        &mut self,
        before: Option<Rc<Markup<'a>>>,
        text: &mut Vec<u8>,
        found: &Rc<Markup<'a>>,
    ) -> Evaluated<'a, Rc<Markup<'a>>> {
        let mut whole = before;
        if !text.is_empty() {
            let plain = self.plain_markup(found, std::mem::take(text))?;
            whole = Some(Rc::new(match whole {
                Some(before) => before.concat(&plain),
                None => plain,
            }));
        }
        Ok(match whole {
            Some(before) => Rc::new(before.concat(found)),
            None => Rc::clone(found),
        })
    }

    /// `text` as markup of the format of `like`.
    fn plain_markup(&mut self, like: &Markup<'a>, text: Vec<u8>) -> Evaluated<'a, Markup<'a>> {
        self.charge(text.len().saturating_mul(2))?;
        let text = String::from_utf8(text).unwrap_or_default();
        Ok(Markup {
            format: like.format.clone(),
            content: Content::Plain(Str::from(text)),
        })
    }

    #[inline(never)]
    fn range(
        &mut self,
        kind: RangeKind,
        from: &'a Expr,
        to: Option<&'a Expr>,
    ) -> Evaluated<'a, Value<'a>> {
        let first = self.eval_whole(from)?;
        let range = match to {
            None => Range {
                first: i64::from(first),
                step: 1,
                len: None,
                clips: true,
                inclusive: false,
                lacks: 0,
                only_slices: !self.engine.options.version.has(21),
            },
            Some(to) => {
                let to = self.eval_whole(to)?;
                let end = match kind {
                    RangeKind::Length => first.wrapping_add(to),
                    RangeKind::Inclusive | RangeKind::Exclusive => to,
                };
                let step = if first <= end { 1 } else { -1 };
                // A length that overflows makes it empty.
                let len = end.wrapping_sub(first).wrapping_abs();
                let len = len.wrapping_add(i32::from(kind == RangeKind::Inclusive));
                Range {
                    first: i64::from(first),
                    step,
                    len: Some(usize::try_from(len).unwrap_or(0)),
                    lacks: if len < 0 { len.unsigned_abs() } else { 0 },
                    clips: kind == RangeKind::Length,
                    inclusive: kind == RangeKind::Inclusive,
                    only_slices: false,
                }
            }
        };
        Ok(Value::Range(Rc::new(range)))
    }

    /// A bound of a range: the low 32 bits, as Java narrows.
    fn eval_whole(&mut self, expr: &'a Expr) -> Evaluated<'a, i32> {
        let number = self.eval_number(expr)?;
        Ok(number.to_i32_wrapping())
    }

    #[inline(never)]
    fn sequence(&mut self, items: &'a [Expr]) -> Evaluated<'a, Value<'a>> {
        self.charge_items(items.len())?;
        let mut list = Vec::with_capacity(items.len());
        for item in items {
            list.push(Some(self.eval_unread(item)?));
        }
        Ok(Value::list(list))
    }

    #[inline(never)]
    fn hash(&mut self, entries: &'a [(Expr, Expr)]) -> Evaluated<'a, Value<'a>> {
        let mut map = self.map_for(entries.len())?;
        for (key, value) in entries {
            let key = self.eval_string(key)?;
            let value = self.eval_unread(value)?;
            map.insert(key, Some(value));
        }
        map.repeated = entries.len() - map.entries().len();
        Ok(Value::map(map))
    }

    #[inline(never)]
    fn special(&mut self, expr: &'a Expr, special: Special) -> Evaluated<'a, Option<Value<'a>>> {
        Ok(Some(match special {
            Special::Now => match &self.engine.clock {
                Some(clock) => Value::Date(DateTime {
                    millis: clock(),
                    kind: DateKind::DateTime,
                }),
                None => {
                    return Err(self.fault(
                        ErrorKind::Refused,
                        expr.src,
                        ".now isn't available: there is no clock",
                    ));
                }
            },
            Special::Vars => Value::Scope(Scope::Vars),
            Special::Globals => Value::Scope(Scope::Globals),
            Special::Locals => {
                if self.place.running.is_none() {
                    return Ok(None);
                }
                Value::Scope(Scope::Locals)
            }
            Special::Args => {
                let running = self.place.running;
                let args =
                    running.and_then(|running| self.local_of(running.base, running.def.args_slot));
                match args {
                    Some(args) => args.clone(),
                    None => {
                        let message = "The \"args\" special variable wasn't initialized.args";
                        return Err(self.fault(ErrorKind::Value, expr.src, message));
                    }
                }
            }
            Special::Nothing => Value::Transform(Transform::Pass),
            Special::Namespace => Value::Namespace(self.namespace()),
            Special::Main => Value::Namespace(0),
            Special::DataModel => Value::Scope(Scope::DataModel),
            Special::TemplateName => {
                let version = self.engine.options.version;
                let included = self
                    .included
                    .filter(|_| version.has(23) || !version.has(22));
                Value::str(included.unwrap_or_else(|| self.main_name()))
            }
            Special::CurrentTemplateName => Value::str(&self.template.name),
            Special::MainTemplateName => Value::str(self.main_name()),
            Special::CallerTemplateName => match self.place.running {
                Some(running) => Value::str(&self.units.get(running.caller).code.name),
                None => {
                    let message = "Can't get .caller_template_name here, as there's no macro or function (that's implemented in the template) call in context.";
                    return Err(self.failure(ErrorKind::Value, message));
                }
            },
            Special::GetOptionalTemplate => Value::Callable(Rc::new(Callable::OptionalTemplate)),
            Special::Locale => Value::string(self.settings.locale.name()),
            Special::Lang => Value::string(self.settings.locale.language()),
            Special::TimeZone => Value::string(self.settings.time_zone.id()),
            Special::Version => Value::str("2.3.31"),
            Special::IncompatibleImprovements => {
                Value::string(self.engine.options.version.to_string())
            }
            Special::Error => match &self.recovered {
                Some(message) => Value::string(Rc::clone(message)),
                None => {
                    return Err(self.failure(
                        ErrorKind::Value,
                        ".error is not available outside of a #recover block",
                    ));
                }
            },
            Special::OutputEncoding => {
                return Ok(self.settings.output_encoding.as_deref().map(Value::string));
            }
            Special::UrlEscapingCharset => {
                return Ok(self
                    .settings
                    .url_escaping_charset
                    .as_deref()
                    .map(Value::string));
            }
            Special::AutoEsc(on) => Value::Bool(on),
        }))
    }
}

impl<'a> Env<'a> {
    /// The name of the template that the render has begun with.
    pub(super) fn main_name(&self) -> &'a str {
        &self.units.get(0).code.name
    }
}
