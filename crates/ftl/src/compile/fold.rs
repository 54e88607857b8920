//! Constant folding.

use crate::syntax::ast::{Arithmetic, Expr, ExprKind};

/// Longest text that is put together at compile time: a long row of `+` would copy its beginning again and again.
const MAX_FOLDED: usize = 1_024;

/// Computes `expr` if its children are constants; they have been folded before. Returns what it was, for messages: by its
/// place, so that nothing is computed that stands where its first operand does.
pub(super) fn fold(expr: &mut Expr) -> Option<Expr> {
    if first_operand(expr)?.src == expr.src {
        return None;
    }
    let folded = match &expr.kind {
        ExprKind::Negate(inner) => match inner.kind {
            ExprKind::Int(value) => value.checked_neg().map(ExprKind::Int),
            _ => None,
        },
        ExprKind::Not(inner) => match inner.kind {
            ExprKind::Bool(value) => Some(ExprKind::Bool(!value)),
            _ => None,
        },
        ExprKind::Arithmetic(operator, left, right) => match (&left.kind, &right.kind) {
            (ExprKind::Int(left), ExprKind::Int(right)) => {
                fold_ints(*operator, *left, *right).map(ExprKind::Int)
            }
            (ExprKind::Str(left), ExprKind::Str(right))
                if *operator == Arithmetic::Add && left.len() + right.len() <= MAX_FOLDED =>
            {
                Some(ExprKind::Str(format!("{left}{right}").into()))
            }
            _ => None,
        },
        _ => None,
    };
    let computed = Expr {
        kind: folded?,
        src: expr.src,
    };
    Some(std::mem::replace(expr, computed))
}

fn first_operand(expr: &Expr) -> Option<&Expr> {
    match &expr.kind {
        ExprKind::Negate(operand)
        | ExprKind::Not(operand)
        | ExprKind::Arithmetic(_, operand, _) => Some(operand),
        _ => None,
    }
}

fn fold_ints(operator: Arithmetic, left: i64, right: i64) -> Option<i64> {
    let result = match operator {
        Arithmetic::Add => left.checked_add(right),
        Arithmetic::Subtract => left.checked_sub(right),
        Arithmetic::Multiply => left.checked_mul(right),
        // A division by zero must fail when it is run, and neither a fraction nor what is divided of zero is an integer.
        Arithmetic::Divide => {
            (right != 0 && left != 0 && left.checked_rem(right) == Some(0)).then(|| left / right)
        }
        Arithmetic::Modulus => left.checked_rem(right),
    };
    // As a result that is a decimal, which isn't folded.
    result.filter(|result| *result != i64::MIN)
}
