//! The parts that expressions play in what they stand in, for messages.

use super::canonical::Printer;
use super::dump::{branch_tag, is_foreach, scope, stands_in, symbol, unescaped};
use crate::syntax::Src;
use crate::syntax::ast::{Branch, CallArgs, Expr, ExprKind, Lookup, Node, NodeKind, RangeKind};

/// The part that the expression at `blamed` plays in a branch's condition.
pub(super) fn branch_role(
    printer: Printer<'_>,
    branch: &Branch,
    index: usize,
    blamed: Src,
) -> Option<(String, &'static str)> {
    role_in(
        printer,
        branch.condition.as_ref()?,
        blamed,
        branch_tag(branch, index),
        "condition",
    )
}

/// The symbol of what the expression at `blamed` is an operand of, and the part that it plays there.
pub(super) fn role(
    printer: Printer<'_>,
    node: &Node,
    blamed: Src,
) -> Option<(String, &'static str)> {
    let mut found = None;
    let mut look = |expr: &Expr, symbol: &str, role: &'static str| {
        if found.is_none() {
            found = role_in(printer, expr, blamed, symbol, role);
        }
    };
    match &node.kind {
        NodeKind::Output(expr) => {
            look_in_output(node, expr, &mut |expr| look(expr, "${...}", "content"));
        }
        NodeKind::FormattedOutput(output) => {
            look_in_output(node, &output.expr, &mut |expr| {
                look(expr, "${...}", "content");
            });
        }
        NodeKind::NumericOutput(output) => look(&output.expr, "#{...}", "content"),
        NodeKind::List(list) if list.otherwise.is_none() => {
            let symbol = match is_foreach(printer, node) {
                true => "#foreach",
                false => "#list",
            };
            look(&list.source, symbol, "list source");
        }
        NodeKind::Return(Some(value)) => look(value, "#return", "value"),
        NodeKind::Stop(Some(message)) => look(message, "#stop", "message"),
        NodeKind::Nested(args) => args
            .iter()
            .for_each(|arg| look(arg, "#nested", "passed value")),
        NodeKind::Assign(assign) => {
            let symbol = format!("#{}", scope(assign.target.scope));
            if let Some(value) = &assign.value {
                look(value, &symbol, "assignment source");
            }
            if let Some(namespace) = &assign.namespace {
                look(namespace, &symbol, "namespace");
            }
        }
        NodeKind::AssignBlock(assign) => {
            if let Some(namespace) = &assign.namespace {
                look(namespace, "#assign", "namespace");
            }
        }
        NodeKind::Include(include) => {
            look(&include.name, "#include", "template name");
            for (name, value) in &include.options {
                let role = match &**name {
                    "parse" => "\"parse\" parameter",
                    "encoding" => "\"encoding\" parameter",
                    _ => "\"ignore_missing\" parameter",
                };
                look(value, "#include", role);
            }
        }
        NodeKind::Import(import) => look(&import.name, "#import", "template name"),
        NodeKind::Call(call) => {
            let is_old = printer.begins_with(node, "transform");
            look(
                &call.callee,
                if is_old { "#transform" } else { "@" },
                "callee",
            );
            match &call.args {
                CallArgs::Positional(args) => {
                    args.iter().for_each(|arg| look(arg, "@", "argument value"));
                }
                CallArgs::Named(args) => args
                    .iter()
                    .for_each(|(_, arg)| look(arg, "@", "argument value")),
            }
        }
        NodeKind::Switch(switch) => {
            look(&switch.subject, "#switch", "value");
        }
        NodeKind::Setting { value, .. } => look(value, "#setting", "item value"),
        _ => {}
    }
    found
}

fn role_in(
    printer: Printer<'_>,
    expr: &Expr,
    blamed: Src,
    symbol: &str,
    role: &'static str,
) -> Option<(String, &'static str)> {
    if expr.src == blamed {
        return Some((symbol.to_owned(), role));
    }
    // What stands in a string literal with escapes has offsets of its own.
    let is_within = blamed.start >= expr.src.start && blamed.end <= expr.src.end;
    if !is_within && !printer.is_in_literal(blamed) {
        return None;
    }
    const LEFT: &str = "left-hand operand";
    const RIGHT: &str = "right-hand operand";
    let pair = |left: &Expr, right: &Expr, symbol: &str| {
        role_in(printer, left, blamed, symbol, LEFT)
            .or_else(|| role_in(printer, right, blamed, symbol, RIGHT))
    };
    match &expr.kind {
        ExprKind::Dot(target, _) => role_in(printer, target, blamed, ".", LEFT),
        ExprKind::Index(target, key) => role_in(printer, target, blamed, "...[...]", LEFT)
            .or_else(|| role_in(printer, key, blamed, "...[...]", "enclosed operand")),
        ExprKind::Call(callee, args) => role_in(printer, callee, blamed, "...(...)", "callee")
            .or_else(|| {
                args.iter()
                    .find_map(|arg| role_in(printer, arg, blamed, "...(...)", "argument value"))
            }),
        ExprKind::Builtin(call) => {
            let name = &call.name;
            let (symbol, arg_symbol) = match (call.lookup, &call.args) {
                (_, None) => (format!("?{name}"), String::new()),
                (Lookup::Call, Some(_)) if call.builtin.takes_expressions() => {
                    (format!("?{name}(...)"), format!("?{name}(...)"))
                }
                (Lookup::Call, Some(_)) => (format!("?{name}"), "...(...)".to_owned()),
                (Lookup::Bracket | Lookup::Dot, Some(_)) => {
                    (format!("?{name}"), "...[...]".to_owned())
                }
            };
            role_in(printer, &call.target, blamed, &symbol, LEFT).or_else(|| {
                call.args
                    .iter()
                    .flatten()
                    .find_map(|arg| role_in(printer, arg, blamed, &arg_symbol, "argument value"))
            })
        }
        ExprKind::Default(target, value) => role_in(printer, target, blamed, "...!...", LEFT)
            .or_else(|| role_in(printer, value.as_ref()?, blamed, "...!...", RIGHT)),
        ExprKind::Exists(target) => role_in(printer, target, blamed, "??", LEFT),
        ExprKind::Paren(inner) => role_in(printer, inner, blamed, "(...)", "enclosed operand"),
        ExprKind::Not(inner) => role_in(printer, inner, blamed, "!", RIGHT),
        ExprKind::Negate(inner) => role_in(printer, inner, blamed, "-...", RIGHT),
        ExprKind::Plus(inner) => role_in(printer, inner, blamed, "+...", RIGHT),
        ExprKind::And(left, right) => pair(left, right, "&&"),
        ExprKind::Or(left, right) => pair(left, right, "||"),
        ExprKind::Arithmetic(operator, left, right) => pair(left, right, self::symbol(*operator)),
        ExprKind::Compare(compare, left, right) => {
            pair(left, right, printer.comparison(*compare, left, right))
        }
        ExprKind::Range(kind, from, to) => {
            let symbol = match kind {
                RangeKind::Inclusive => "..",
                RangeKind::Exclusive => "..<",
                RangeKind::Length => "..*",
            };
            role_in(printer, from, blamed, symbol, LEFT)
                .or_else(|| role_in(printer, to.as_ref()?, blamed, symbol, RIGHT))
        }
        ExprKind::Seq(items) => items
            .iter()
            .find_map(|item| role_in(printer, item, blamed, "[...]", "item value")),
        ExprKind::Hash(entries) => entries.iter().find_map(|(key, value)| {
            role_in(printer, key, blamed, "{...}", "item key")
                .or_else(|| role_in(printer, value, blamed, "{...}", "item value"))
        }),
        ExprKind::Lambda(lambda) => role_in(printer, &lambda.body, blamed, "->", "function body"),
        ExprKind::Concat(parts) => parts
            .iter()
            .find_map(|part| self::role(printer, part, blamed)),
        _ => None,
    }
}

/// Looks at what stands in an interpolation. What an `#escape` has put around it plays no part in it.
fn look_in_output(node: &Node, expr: &Expr, look: &mut dyn FnMut(&Expr)) {
    match unescaped(node, expr) {
        Some(original) => look(&original),
        None if stands_in(node, expr) => look(expr),
        None => {}
    }
}
