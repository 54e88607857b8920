//! The types that messages tell of what `?string`, `?url` and `?date` give without arguments: FreeMarker's can also be
//! called. Here they are the text or the date alone, so the expression has to tell.

use super::env::Env;
use crate::data::View;
use crate::syntax::ast::{Arithmetic, Expr, ExprKind, Special};
use crate::value::Value;

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
        self.formatter_type(expr, found)
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
