//! Visiting the direct children of expressions.

use crate::syntax::ast::{Expr, ExprKind, NodeKind};

/// Calls `visit` on each direct child.
pub(super) fn children_mut(expr: &mut Expr, visit: &mut dyn FnMut(&mut Expr)) {
    match &mut expr.kind {
        ExprKind::Str(_)
        | ExprKind::Int(_)
        | ExprKind::Decimal(_)
        | ExprKind::Bool(_)
        | ExprKind::Name(_)
        | ExprKind::Special(_) => {}
        ExprKind::Concat(nodes) => {
            for node in nodes {
                match &mut node.kind {
                    NodeKind::Output(inner) => visit(inner),
                    NodeKind::NumericOutput(output) => visit(&mut output.expr),
                    _ => {}
                }
            }
        }
        ExprKind::Dot(target, _) => visit(target),
        ExprKind::Index(target, key) => {
            visit(target);
            visit(key);
        }
        ExprKind::Call(callee, args) => {
            visit(callee);
            args.iter_mut().for_each(visit);
        }
        ExprKind::Builtin(call) => {
            visit(&mut call.target);
            call.args.iter_mut().flatten().for_each(visit);
        }
        ExprKind::Default(target, value) => {
            visit(target);
            if let Some(value) = value {
                visit(value);
            }
        }
        ExprKind::Exists(inner)
        | ExprKind::Paren(inner)
        | ExprKind::Not(inner)
        | ExprKind::Negate(inner)
        | ExprKind::Plus(inner) => {
            visit(inner);
        }
        ExprKind::And(left, right)
        | ExprKind::Or(left, right)
        | ExprKind::Arithmetic(_, left, right)
        | ExprKind::Compare(_, left, right) => {
            visit(left);
            visit(right);
        }
        ExprKind::Range(_, from, to) => {
            visit(from);
            if let Some(to) = to {
                visit(to);
            }
        }
        ExprKind::Seq(items) => items.iter_mut().for_each(visit),
        ExprKind::Hash(entries) => {
            for (key, value) in entries {
                visit(key);
                visit(value);
            }
        }
        ExprKind::Lambda(lambda) => visit(&mut lambda.body),
    }
}

/// Puts `replacement` in the place of every variable `name`.
pub(crate) fn substitute(expr: &mut Expr, name: &str, replacement: &Expr) {
    if let ExprKind::Name(found) = &expr.kind
        && *found.text == *name
    {
        let src = replacement.src;
        *expr = Expr {
            src,
            kind: ExprKind::Paren(Box::new(replacement.clone())),
        };
        return;
    }
    children_mut(expr, &mut |child| substitute(child, name, replacement));
}
