//! What `?string`, `?url` and `?date` give without arguments can also be called, and asked for a format by its name. Here
//! they are the text or the date alone; what is kept in a variable or passed on is noted with its method, and found again
//! by where the text is in memory. Messages tell types of their own for them.

use std::rc::Rc;

use super::env::{Env, Evaluated, Fault};
use crate::data::View;
use crate::syntax::ast::{Arithmetic, BuiltinCall, Expr, ExprKind, Special};
use crate::value::{BuiltinMethod, Str, Value};

/// What can be called in the place of a text or of a date that can't be read.
pub(super) struct Kept<'a> {
    /// The text or the date: as long as it is here, nothing else is where it is.
    value: Value<'a>,
    method: Rc<BuiltinMethod<'a>>,
    type_name: &'static str,
}

/// The call of a built-in whose result can be called later.
fn formatter(expr: &Expr) -> Option<&BuiltinCall> {
    match &expr.kind {
        ExprKind::Paren(inner) => formatter(inner),
        ExprKind::Builtin(call) if call.args.is_none() => {
            let name = call.builtin.name();
            matches!(
                name,
                "string" | "date" | "time" | "datetime" | "url" | "url_path"
            )
            .then_some(call)
        }
        _ => None,
    }
}

/// Where in memory a value is that is shared.
fn address(value: &Value<'_>) -> Option<usize> {
    match value {
        Value::Str(Str::Shared(text)) => Some(text.as_ptr() as usize),
        Value::Unread(unread) => Some(Rc::as_ptr(unread) as usize),
        _ => None,
    }
}

impl<'a> Env<'a> {
    /// The value of `expr`, which is kept or called: a method may be found for it later.
    pub(crate) fn eval_kept(&mut self, expr: &'a Expr) -> Evaluated<'a, Option<Value<'a>>> {
        match formatter(expr) {
            Some(call) => self.keep(call),
            None => self.eval_opt(expr),
        }
    }

    #[inline(never)]
    fn keep(&mut self, call: &'a BuiltinCall) -> Evaluated<'a, Option<Value<'a>>> {
        self.step()?;
        let Some(target) = self.eval_opt(&call.target)? else {
            return Err(Fault::Missing(&call.target));
        };
        let type_name = match (call.builtin.name(), &target) {
            ("string", Value::Number(_) | Value::Date(_)) => "method+hash+string",
            ("string", Value::Bool(_) | Value::Match(_)) => "method+string",
            ("url" | "url_path", _) => "method+string",
            ("date" | "time" | "datetime", Value::Date(_)) | ("string", _) => "",
            _ => "method+hash+date_or_time_or_datetime",
        };
        let method = BuiltinMethod {
            call,
            target: Some(target),
        };
        let found = self.call_builtin_method(&method, None)?;
        if let Some(value) = &found
            && let Some(address) = address(value)
            && !type_name.is_empty()
        {
            self.charge_items(4)?;
            let kept = Kept {
                value: value.clone(),
                method: Rc::new(method),
                type_name,
            };
            self.kept.insert(address, kept);
        }
        Ok(found)
    }

    /// What messages call the type of `value`, if it can be called.
    pub(crate) fn kept_type(&self, value: &Value<'a>) -> Option<&'static str> {
        self.kept_as(value).map(|kept| kept.type_name)
    }

    /// The method that `value` is, too; one that takes names of formats as keys, if `as_hash`.
    pub(super) fn kept_method(
        &self,
        value: &Value<'a>,
        as_hash: bool,
    ) -> Option<Rc<BuiltinMethod<'a>>> {
        let kept = self.kept_as(value)?;
        let fits = !as_hash || kept.type_name.contains("hash");
        fits.then(|| Rc::clone(&kept.method))
    }

    fn kept_as(&self, value: &Value<'a>) -> Option<&Kept<'a>> {
        if self.kept.is_empty() {
            return None;
        }
        let address = address(value)?;
        let kept = self.kept.get(&address)?;
        debug_assert_eq!(self::address(&kept.value), Some(address), "it is alive");
        Some(kept)
    }
}

/// What can be formatted or read, as far as an expression shows it without being evaluated again.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Number,
    Boolean,
    Date,
}

impl<'a> Env<'a> {
    /// What messages call the type of `found`, the value of `expr`.
    #[cold]
    pub(crate) fn shown_type(&self, expr: &'a Expr, found: &Value<'a>) -> &'static str {
        self.kept_type(found)
            .or_else(|| self.formatter_type(expr, found))
            .unwrap_or_else(|| found.type_name())
    }

    fn formatter_type(&self, expr: &'a Expr, found: &Value<'a>) -> Option<&'static str> {
        let call = match &expr.kind {
            ExprKind::Paren(inner) => return self.formatter_type(inner, found),
            ExprKind::Builtin(call) if call.args.is_none() => call,
            _ => return None,
        };
        match (call.builtin.name(), found) {
            ("string", Value::Str(_)) => match self.kind(&call.target)? {
                Kind::Number | Kind::Date => Some("method+hash+string"),
                Kind::Boolean => Some("method+string"),
                Kind::Text => None,
            },
            ("url" | "url_path" | "absolute_template_name", Value::Str(_)) => Some("method+string"),
            ("date" | "time" | "datetime", Value::Date(_)) => (self.kind(&call.target)?
                == Kind::Text)
                .then_some("method+hash+date_or_time_or_datetime"),
            _ => None,
        }
    }

    fn kind(&self, expr: &'a Expr) -> Option<Kind> {
        match &expr.kind {
            ExprKind::Paren(inner) => self.kind(inner),
            ExprKind::Default(inner, _) => self.kind(inner),
            ExprKind::Str(_) => Some(Kind::Text),
            ExprKind::Int(_) | ExprKind::Decimal(_) | ExprKind::Negate(_) | ExprKind::Plus(_) => {
                Some(Kind::Number)
            }
            ExprKind::Arithmetic(Arithmetic::Add, left, right) => {
                let (left, right) = (self.kind(left)?, self.kind(right)?);
                let both = left == Kind::Number && right == Kind::Number;
                Some(if both { Kind::Number } else { Kind::Text })
            }
            ExprKind::Arithmetic(..) => Some(Kind::Number),
            ExprKind::Bool(_)
            | ExprKind::Not(_)
            | ExprKind::And(..)
            | ExprKind::Or(..)
            | ExprKind::Compare(..)
            | ExprKind::Exists(_)
            | ExprKind::Special(Special::AutoEsc(_)) => Some(Kind::Boolean),
            ExprKind::Name(name) => kind_of(&self.variable(name).ok()??),
            ExprKind::Dot(target, key) => {
                let found = self.data_hash(target)?.get_near(&key.text, &key.place)?;
                kind_of_view(found)
            }
            ExprKind::Builtin(call) => kind_of_result(call.builtin.name()),
            _ => None,
        }
    }
}

fn kind_of(value: &Value<'_>) -> Option<Kind> {
    match value {
        Value::Str(_) => Some(Kind::Text),
        Value::Number(_) => Some(Kind::Number),
        Value::Bool(_) => Some(Kind::Boolean),
        Value::Date(_) => Some(Kind::Date),
        _ => None,
    }
}

fn kind_of_view(view: View<'_>) -> Option<Kind> {
    match view {
        View::Str(_) => Some(Kind::Text),
        View::Int(_) | View::Float(_) | View::Number(_) | View::Decimal(_) => Some(Kind::Number),
        View::Bool(_) => Some(Kind::Boolean),
        View::Date(_) => Some(Kind::Date),
        _ => None,
    }
}

/// What a built-in gives that always gives the same.
fn kind_of_result(builtin: &str) -> Option<Kind> {
    Some(match builtin {
        "abs" | "byte" | "ceiling" | "counter" | "double" | "float" | "floor" | "index"
        | "index_of" | "int" | "last_index_of" | "length" | "long" | "number" | "round"
        | "seq_index_of" | "seq_last_index_of" | "short" | "size" => Kind::Number,
        "date"
        | "time"
        | "datetime"
        | "number_to_date"
        | "number_to_time"
        | "number_to_datetime"
        | "date_if_unknown"
        | "time_if_unknown"
        | "datetime_if_unknown" => Kind::Date,
        "boolean" | "contains" | "ends_with" | "exists" | "has_content" | "has_next"
        | "seq_contains" | "starts_with" => Kind::Boolean,
        is if is.starts_with("is_") => Kind::Boolean,
        "c" | "cap_first" | "capitalize" | "html" | "join" | "js_string" | "json_string"
        | "lower_case" | "replace" | "substring" | "trim" | "upper_case" | "xml" => Kind::Text,
        _ => return None,
    })
}
