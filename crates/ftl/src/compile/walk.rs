//! Visiting the bodies of directives and the direct children of expressions.

use crate::syntax::Src;
use crate::syntax::ast::{Expr, ExprKind, Node, NodeKind};

/// Calls `visit` on each direct child.
pub(super) fn children_mut(expr: &mut Expr, visit: &mut dyn FnMut(&mut Expr)) {
    match &mut expr.kind {
        ExprKind::Str(_)
        | ExprKind::Int(_)
        | ExprKind::Decimal(_)
        | ExprKind::Bool(_)
        | ExprKind::Name(_)
        | ExprKind::Special(_)
        | ExprKind::Held(_) => {}
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

/// The name of the variable that `expr` reads first. It is only looked at.
pub(crate) fn first_variable(expr: &mut Expr) -> Option<Box<str>> {
    if let ExprKind::Name(name) = &expr.kind {
        return Some(name.text.clone());
    }
    let mut found = None;
    children_mut(expr, &mut |child| {
        if found.is_none() {
            found = first_variable(child);
        }
    });
    found
}

/// How many parts an expression has.
#[derive(Clone, Copy, Default)]
pub(crate) struct Size {
    pub(crate) all: usize,
    /// Those that are the variable asked for.
    pub(crate) variable: usize,
}

/// The size of `expr`, with the uses of the variable `name`. It is only looked at.
pub(crate) fn size(expr: &mut Expr, name: &str) -> Size {
    let is_variable = matches!(&expr.kind, ExprKind::Name(found) if *found.text == *name);
    let mut whole = Size {
        all: 1,
        variable: usize::from(is_variable),
    };
    children_mut(expr, &mut |child| {
        let part = size(child, name);
        whole.all += part.all;
        whole.variable += part.variable;
    });
    whole
}

/// Puts `replacement` in the place of every variable `name`, but for those in string literals.
pub(crate) fn substitute(expr: &mut Expr, name: &str, replacement: &Expr) {
    if matches!(expr.kind, ExprKind::Concat(_)) {
        return;
    }
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
    // What has been put there before stands where it stood.
    if let ExprKind::Paren(inner) = &mut expr.kind
        && inner.src == expr.src
    {
        substitute(inner, name, replacement);
        expr.src = inner.src;
        return;
    }
    children_mut(expr, &mut |child| substitute(child, name, replacement));
}

/// The outermost part of `expr` that stands within `place`.
pub(crate) fn part_within(expr: &mut Expr, place: Src) -> Option<Expr> {
    if expr.src.start >= place.start && expr.src.end <= place.end {
        return Some(expr.clone());
    }
    if let ExprKind::Builtin(call) = &expr.kind
        && call.head == place
    {
        let mut head = expr.clone();
        if let ExprKind::Builtin(call) = &mut head.kind {
            call.args = None;
        }
        return Some(head);
    }
    let mut found = None;
    children_mut(expr, &mut |child| {
        if found.is_none() {
            found = part_within(child, place);
        }
    });
    found
}

/// Whether `expr` has a string literal in it that is nothing but an interpolation. It is only looked at.
pub(crate) fn has_lone_interpolation(expr: &mut Expr) -> bool {
    if let ExprKind::Concat(parts) = &expr.kind {
        return matches!(
            &parts[..],
            [only] if !matches!(only.kind, NodeKind::Text(_))
        );
    }
    let mut found = false;
    children_mut(expr, &mut |child| {
        found = found || has_lone_interpolation(child);
    });
    found
}

impl Node {
    /// Calls `visit` on each body.
    pub(crate) fn for_each_body<'n>(&'n self, visit: &mut dyn FnMut(&'n Vec<Node>)) {
        match &self.kind {
            NodeKind::If(branches) => branches.iter().for_each(|branch| visit(&branch.body)),
            NodeKind::List(list) => {
                visit(&list.body);
                if let Some(otherwise) = &list.otherwise {
                    visit(otherwise);
                }
            }
            NodeKind::Items(items) => visit(&items.body),
            NodeKind::Sep { body, .. } | NodeKind::Compress(body) | NodeKind::Group(body) => {
                visit(body);
            }
            NodeKind::AssignBlock(assign) => visit(&assign.body),
            NodeKind::Macro(def) => visit(&def.body),
            NodeKind::Call(call) => {
                if let Some(body) = &call.body {
                    visit(body);
                }
            }
            NodeKind::Switch(switch) => switch.cases.iter().for_each(|case| visit(&case.body)),
            NodeKind::Attempt { body, recover } => {
                visit(body);
                visit(recover);
            }
            _ => {}
        }
    }

    /// Calls `visit` on each body.
    pub(crate) fn for_each_body_mut(&mut self, visit: &mut dyn FnMut(&mut Vec<Node>)) {
        match &mut self.kind {
            NodeKind::If(branches) => branches
                .iter_mut()
                .for_each(|branch| visit(&mut branch.body)),
            NodeKind::List(list) => {
                visit(&mut list.body);
                if let Some(otherwise) = &mut list.otherwise {
                    visit(otherwise);
                }
            }
            NodeKind::Items(items) => visit(&mut items.body),
            NodeKind::Sep { body, .. } | NodeKind::Compress(body) | NodeKind::Group(body) => {
                visit(body);
            }
            NodeKind::AssignBlock(assign) => visit(&mut assign.body),
            NodeKind::Macro(def) => visit(&mut def.body),
            NodeKind::Call(call) => {
                if let Some(body) = &mut call.body {
                    visit(body);
                }
            }
            NodeKind::Switch(switch) => switch
                .cases
                .iter_mut()
                .for_each(|case| visit(&mut case.body)),
            NodeKind::Attempt { body, recover } => {
                visit(body);
                visit(recover);
            }
            _ => {}
        }
    }
}
