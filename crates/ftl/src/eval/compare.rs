//! Comparison.

use std::cmp::Ordering;

use unicode_normalization::UnicodeNormalization;

use super::env::{Env, Evaluated, Fault};
use super::exec::TEXT_BYTES_PER_STEP;
use super::stream::is_lazy;
use crate::error::ErrorKind;
use crate::number::Number;
use crate::syntax::ast::{Compare, Expr, ExprKind};
use crate::value::{UnreadKind, Value};

impl<'a> Env<'a> {
    /// `left compare right`
    pub(crate) fn compare(
        &mut self,
        compare: Compare,
        left: &'a Expr,
        right: &'a Expr,
    ) -> Evaluated<'a, bool> {
        if let Some((left_value, right_value)) = self.bounded_size(compare, left, right)? {
            return self.compare_values(compare, left, &left_value, right, &right_value);
        }
        let found = self.eval_opt(left)?;
        let Some(left_value) = &found else {
            // Both operands are there before either is looked at.
            self.eval_opt(right)?;
            return Err(Fault::Missing(left));
        };
        let found = self.eval_opt(right)?;
        let right_value = self.known(right, &found)?;
        // Most are whole numbers, or the like.
        if let (Value::Number(Number::Int(left)), Value::Number(Number::Int(right))) =
            (left_value, right_value)
        {
            return Ok(compare.holds(left.cmp(right)));
        }
        self.compare_values(compare, left, left_value, right, right_value)
    }

    fn compare_values(
        &mut self,
        compare: Compare,
        left: &'a Expr,
        left_value: &Value<'a>,
        right: &'a Expr,
        right_value: &Value<'a>,
    ) -> Evaluated<'a, bool> {
        self.steps(compared_bytes(left_value, right_value) / TEXT_BYTES_PER_STEP)?;
        if has_nan(left_value, right_value) {
            return Err(self.fault(ErrorKind::Value, left.src.to(right.src), NAN_COMPARED));
        }
        match compare {
            Compare::Equal => return equal(self, left, left_value, right, right_value),
            Compare::NotEqual => {
                return equal(self, left, left_value, right, right_value).map(|equal| !equal);
            }
            _ => {}
        }
        let order = match (left_value, right_value) {
            (Value::Number(left), Value::Number(right)) => left.compare(right),
            (Value::Date(left), Value::Date(right)) if left.kind == right.kind => {
                left.millis.cmp(&right.millis)
            }
            (Value::Str(_) | Value::Nothing, Value::Str(_) | Value::Nothing)
            | (Value::Bool(_), Value::Bool(_)) => {
                let types = match left_value {
                    Value::Bool(_) => "boolean",
                    _ => "string",
                };
                let operator = match compare {
                    Compare::Less => "<",
                    Compare::LessOrEqual => "<=",
                    Compare::Greater => ">",
                    _ => ">=",
                };
                let message = format!("Can't use operator \"{operator}\" on {types} values.");
                return Err(self.fault(ErrorKind::Type, left.src.to(right.src), message));
            }
            _ => return Err(self.incomparable((left, left_value), (right, right_value))),
        };
        Ok(compare.holds(order))
    }

    /// Both sides of `items?size > 3` and the like, where the items are computed one by one: no more of them than decide.
    #[inline]
    fn bounded_size(
        &mut self,
        compare: Compare,
        left: &'a Expr,
        right: &'a Expr,
    ) -> Evaluated<'a, Option<(Value<'a>, Value<'a>)>> {
        let (left, right) = (without_parens(left), without_parens(right));
        let (call, bound, is_left) = match (&left.kind, &right.kind) {
            (ExprKind::Builtin(call), ExprKind::Int(bound)) => (call, *bound, true),
            (ExprKind::Int(bound), ExprKind::Builtin(call)) => (call, *bound, false),
            _ => return Ok(None),
        };
        if !is_lazy(&call.target) || call.builtin.name() != "size" {
            return Ok(None);
        }
        let excludes_bound = match compare {
            Compare::Less | Compare::GreaterOrEqual => is_left,
            Compare::LessOrEqual | Compare::Greater => !is_left,
            Compare::Equal | Compare::NotEqual => false,
        };
        let limit = bound.saturating_add(i64::from(!excludes_bound));
        // FreeMarker has no negative literals, so it counts all for them.
        let limit = usize::try_from(limit)
            .ok()
            .filter(|_| bound >= 0)
            .unwrap_or(usize::MAX);
        let size = self.stream(&call.target)?.count(self, limit)?;
        let (size, bound) = (Value::Number(Number::from(size)), Value::int(bound));
        Ok(Some(if is_left {
            (size, bound)
        } else {
            (bound, size)
        }))
    }

    fn incomparable(
        &self,
        (left_expr, left): (&'a Expr, &Value<'a>),
        (right_expr, right): (&'a Expr, &Value<'a>),
    ) -> Fault<'a> {
        let src = left_expr.src.to(right_expr.src);
        // They could be compared if they could be read.
        let are_dates = left.date_kind().is_some() && left.date_kind() == right.date_kind();
        let are_texts = [left, right].into_iter().all(|value| {
            value.text().is_some()
                || matches!(value, Value::Unread(unread) if unread.kind == UnreadKind::Url)
        });
        if (are_dates || are_texts)
            && let (Value::Unread(unread), _) | (_, Value::Unread(unread)) = (left, right)
        {
            return Fault::Error(unread.error.clone());
        }
        if let (Value::Date(left), Value::Date(right)) = (left, right) {
            let message = format!(
                "Can't compare dates of different types. Left date type is {}, right date type is {}.",
                left.kind.name().to_uppercase(),
                right.kind.name().to_uppercase()
            );
            return self.fault(ErrorKind::Type, src, message);
        }
        let types = (
            self.shown_type(left_expr, left),
            self.shown_type(right_expr, right),
        );
        self.fault(ErrorKind::Type, src, incomparable_types(types))
    }
}

impl Compare {
    /// Whether operands that compare so are as the operator wants them.
    #[inline]
    fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order == Ordering::Equal,
            Self::NotEqual => order != Ordering::Equal,
            Self::Less => order == Ordering::Less,
            Self::LessOrEqual => order != Ordering::Greater,
            Self::Greater => order == Ordering::Greater,
            Self::GreaterOrEqual => order != Ordering::Less,
        }
    }
}

/// Why two values can't be compared.
pub(crate) fn incomparable_message(left: &Value<'_>, right: &Value<'_>) -> String {
    incomparable_types((left.type_name(), right.type_name()))
}

fn incomparable_types((left, right): (&str, &str)) -> String {
    format!(
        "Can't compare values of these types. Allowed comparisons are between two numbers, two strings, two dates, or two booleans.\nLeft hand operand is {}.\nRight hand operand is {}.",
        super::with_article(left),
        super::with_article(right)
    )
}

/// Whether one of two numbers to compare is none.
pub(crate) fn has_nan(left: &Value<'_>, right: &Value<'_>) -> bool {
    matches!((left, right), (Value::Number(left), Value::Number(right)) if left.is_nan() || right.is_nan())
}

/// Why such numbers can't be compared.
pub(crate) const NAN_COMPARED: &str = "Unexpected error while comparing two numbers: java.lang.ArithmeticException: The signum of NaN is not defined.";

/// How many bytes a comparison may look at.
pub(crate) fn compared_bytes(left: &Value<'_>, right: &Value<'_>) -> usize {
    match (left, right) {
        (Value::Str(left), Value::Str(right)) => left.as_str().len().max(right.as_str().len()),
        _ => 0,
    }
}

/// `left == right`
pub(super) fn equal<'a>(
    env: &Env<'a>,
    left: &'a Expr,
    left_value: &Value<'a>,
    right: &'a Expr,
    right_value: &Value<'a>,
) -> Evaluated<'a, bool> {
    if has_nan(left_value, right_value) {
        return Err(env.fault(ErrorKind::Value, left.src.to(right.src), NAN_COMPARED));
    }
    match env.ordering(left_value, right_value) {
        Some(order) => Ok(order == Ordering::Equal),
        None => Err(env.incomparable((left, left_value), (right, right_value))),
    }
}

impl Env<'_> {
    /// How two values of one type compare; booleans and strings only tell whether they are equal.
    pub(crate) fn ordering(&self, left: &Value<'_>, right: &Value<'_>) -> Option<Ordering> {
        let texts = match (left, right) {
            (Value::Str(left), Value::Str(right)) => Some((left.as_str(), right.as_str())),
            (Value::Str(_) | Value::Nothing, Value::Str(_) | Value::Nothing) => {
                Some((left.text()?.as_str(), right.text()?.as_str()))
            }
            (Value::Match(_), _) | (_, Value::Match(_)) => {
                let (plain_left, plain_right) = (left.without_matches(), right.without_matches());
                return self.ordering(
                    plain_left.as_ref().unwrap_or(left),
                    plain_right.as_ref().unwrap_or(right),
                );
            }
            _ => None,
        };
        match texts {
            Some((left, right)) if self.is_same_text(left, right) => Some(Ordering::Equal),
            Some((left, right)) => Some(left.cmp(right)),
            None => ordering(left, right),
        }
    }

    /// Whether texts are equal: FreeMarker asks the locale's collation, for which some characters are none, and what is
    /// composed of two is the same as the one.
    pub(crate) fn is_same_text(&self, left: &str, right: &str) -> bool {
        left == right || (!(is_plain(left) && is_plain(right)) && self.collates_equal(left, right))
    }

    #[cold]
    fn collates_equal(&self, left: &str, right: &str) -> bool {
        // What is weighed takes several times the memory of the text.
        if left.len().max(right.len()) > MAX_COLLATED {
            return false;
        }
        if self.engine.options.version.has(33) {
            return left.nfkc().eq(right.nfkc());
        }
        let order = self.settings.locale.collation();
        order
            .compare(&order.weigh(left), &order.weigh(right))
            .is_eq()
    }
}

/// Longer texts, in bytes, are only equal if they are the same.
const MAX_COLLATED: usize = 1 << 20;

/// Whether a text has only characters each of which is different from all others in every language.
fn is_plain(text: &str) -> bool {
    text.bytes()
        .all(|byte| matches!(byte, b' '..=b'~' | b'\t' | b'\n' | b'\r'))
}

/// How two values of one type compare that aren't strings.
pub(crate) fn ordering(left: &Value<'_>, right: &Value<'_>) -> Option<Ordering> {
    Some(match (left, right) {
        (Value::Number(left), Value::Number(right)) => left.compare(right),
        (Value::Bool(left), Value::Bool(right)) => left.cmp(right),
        (Value::Date(left), Value::Date(right)) if left.kind == right.kind => {
            left.millis.cmp(&right.millis)
        }
        _ => return None,
    })
}

fn without_parens(expr: &Expr) -> &Expr {
    match &expr.kind {
        ExprKind::Paren(inner) => without_parens(inner),
        _ => expr,
    }
}
