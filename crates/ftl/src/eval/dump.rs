//! Directives and expressions as FreeMarker shows them in its stack.

use super::canonical::{Printer, quoted, spelled};
use crate::compile::part_within;
use crate::syntax::ast::{
    Arithmetic, Assign, AssignOp, AssignScope, Branch, CallArgs, Expr, ExprKind, List, LoopVars,
    MacroCall, MacroDef, Node, NodeKind, NumericOutput,
};
use crate::syntax::{is_escapable, is_identifier_start};
use crate::template::Code;

/// Longest description; what goes beyond is cut.
const MAX_WIDTH: usize = 40;

/// `#if x`, `${y}`, `@name a=1`, …
pub(super) fn description(template: &Code, node: &Node) -> String {
    shortened(&describe(template, node))
}

/// The first line, cut where it gets too long.
fn shortened(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let units: Vec<u16> = line.encode_utf16().take(MAX_WIDTH + 1).collect();
    if line.len() == text.len() && units.len() <= MAX_WIDTH {
        return text.to_owned();
    }
    let kept = &units[..units.len().min(MAX_WIDTH - 3)];
    // Half a character prints as Java prints it.
    let kept: String = char::decode_utf16(kept.iter().copied())
        .map(|c| c.unwrap_or('?'))
        .collect();
    // Dots that are there already are part of the three.
    let dots = kept.chars().rev().take_while(|c| *c == '.').count();
    kept + &"..."[dots.min(3)..]
}

/// `#macro name a b=1 rest...`, `#function name(a, b=1)`; `with` names the built-in that has given it arguments.
pub(super) fn macro_head(template: &Code, def: &MacroDef, with: &str) -> String {
    let printer = Printer::of(template);
    let mut params: Vec<String> = Vec::new();
    for param in &def.params {
        params.push(match &param.default {
            Some(default) if def.is_function => {
                format!("{}={}", spelled(&param.name), printer.expr(default))
            }
            Some(default) => {
                format!("{}={}", spelled(&param.name), argument(printer, default))
            }
            None => spelled(&param.name),
        });
    }
    if let Some((name, _)) = &def.catch_all {
        params.push(format!("{}...", spelled(name)));
    }
    let name = target(&def.name);
    shortened(&if def.is_function {
        format!("#function{with} {name}({})", params.join(", "))
    } else {
        params.insert(0, format!("#macro{with} {name}"));
        params.join(" ")
    })
}

/// How many digits `#{…}` asks for, as it is shown.
pub(super) fn fraction_format(output: &NumericOutput) -> String {
    match output.has_format {
        true => format!(" ; m{}M{}", output.min_fraction, output.max_fraction),
        false => String::new(),
    }
}

fn describe(template: &Code, node: &Node) -> String {
    let printer = Printer::of(template);
    let show = |expr: &Expr| printer.expr(expr);
    match &node.kind {
        NodeKind::Output(expr) => describe_output(template, node, expr),
        NodeKind::FormattedOutput(output) => describe_output(template, node, &output.expr),
        NodeKind::NumericOutput(output) => {
            format!("#{{{}{}}}", show(&output.expr), fraction_format(output))
        }
        NodeKind::If(branches) => match branches.first().and_then(|first| first.condition.as_ref())
        {
            Some(condition) => format!("#if {}", show(condition)),
            None => "#if".to_owned(),
        },
        NodeKind::List(list) => match (&list.vars, is_foreach(printer, node)) {
            (Some(vars), true) => {
                format!(
                    "#foreach {} in {}",
                    spelled(&vars.first),
                    show(&list.source)
                )
            }
            _ => describe_list(printer, list),
        },
        NodeKind::Items(items) => format!("#items as {}", loop_vars(&items.vars)),
        NodeKind::Sep { .. } => "#sep".to_owned(),
        NodeKind::Return(value) => with_expr(printer, "#return", value.as_ref()),
        NodeKind::Stop(message) => with_expr(printer, "#stop", message.as_ref()),
        NodeKind::Nested(args) => {
            let args: Vec<_> = args.iter().map(show).collect();
            format!("#nested {}", args.join(" ")).trim_end().to_owned()
        }
        NodeKind::Assign(assign) => describe_assign(printer, assign),
        NodeKind::AssignBlock(assign) => {
            let namespace = in_namespace(printer, assign.namespace.as_ref());
            let output = if namespace.is_empty() {
                ""
            } else {
                " = .nested_output"
            };
            let tag = scope(assign.target.scope);
            format!("#{tag} {}{namespace}{output}", target(&assign.target.name))
        }
        NodeKind::Include(include) => {
            let mut text = format!("#include {}", show(&include.name));
            for (name, value) in &include.options {
                text.push_str(&format!(" {name}={}", show(value)));
            }
            text
        }
        NodeKind::Import(import) => {
            format!(
                "#import {} as {}",
                show(&import.name),
                spelled(&import.alias)
            )
        }
        NodeKind::Call(call) if begins_with(template, node, "transform") => {
            let callee = template.shown(call.callee.src);
            format!("#transform {callee}{}", describe_args(printer, call))
        }
        NodeKind::Call(call) => describe_call(printer, call),
        NodeKind::Switch(switch) => format!("#switch {}", show(&switch.subject)),
        NodeKind::Setting { value, .. } => {
            // The name is only in the source.
            let source = template.text_of(node.src);
            let name = source
                .split_whitespace()
                .nth(1)
                .and_then(|rest| rest.split('=').next())
                .unwrap_or_default();
            format!("#setting {name}={}", show(value))
        }
        NodeKind::Attempt { .. } => "#attempt".to_owned(),
        NodeKind::Compress(_) => "#compress".to_owned(),
        _ => template.text_of(node.src).to_owned(),
    }
}

/// `${x}`, or what an `#escape` has made of it.
fn describe_output(template: &Code, node: &Node, expr: &Expr) -> String {
    let printer = Printer::of(template);
    match unescaped(node, expr) {
        Some(original) => printer.interpolation(&original) + " auto-escaped",
        None if !stands_in(node, expr) => {
            let interpolation = template.text_of(node.src);
            let (opening, rest) = interpolation.split_at(2.min(interpolation.len()));
            let (inner, closing) = rest.split_at(rest.len().saturating_sub(1));
            // The escape has no place for what it escapes: that is only in the source.
            let inner = Code::expression(&template.name, inner, template.options.clone())
                .ok()
                .and_then(|code| Some(Printer::of(&code).expr(code.only_expression()?)))
                .unwrap_or_else(|| inner.trim().to_owned());
            format!("{opening}{inner}{closing} auto-escaped")
        }
        None => printer.interpolation(without_own_parens(expr)),
    }
}

/// What stands in the interpolation `node`, if an `#escape` has put its expression around it.
pub(super) fn unescaped(node: &Node, expr: &Expr) -> Option<Expr> {
    if stands_in(node, expr) {
        return None;
    }
    let found = part_within(&mut expr.clone(), node.src)?;
    Some(without_own_parens(&found).clone())
}

/// Whether `expr` is what has been written in `node`.
pub(super) fn stands_in(node: &Node, expr: &Expr) -> bool {
    expr.src.start >= node.src.start && expr.src.end <= node.src.end
}

/// An expression without the parentheses that `#escape`s have put around it.
fn without_own_parens(expr: &Expr) -> &Expr {
    match &expr.kind {
        ExprKind::Paren(inner) if inner.src == expr.src => without_own_parens(inner),
        _ => expr,
    }
}

/// Whether the tag of `node` has this name: the old names mean the same as the new ones.
pub(super) fn begins_with(template: &Code, node: &Node, name: &str) -> bool {
    let tag = template.text_of(node.src).get(1..).unwrap_or_default();
    tag.trim_start_matches('#').starts_with(name)
}

fn with_expr(printer: Printer<'_>, name: &str, expr: Option<&Expr>) -> String {
    match expr {
        Some(expr) => format!("{name} {}", printer.expr(expr)),
        None => name.to_owned(),
    }
}

fn describe_list(printer: Printer<'_>, list: &List) -> String {
    if list.otherwise.is_some() {
        return "#list-#else-container".to_owned();
    }
    let source = printer.expr(&list.source);
    match &list.vars {
        Some(vars) => format!("#list {source} as {}", loop_vars(vars)),
        None => format!("#list {source}"),
    }
}

/// Whether a list has been written in the old way.
pub(super) fn is_foreach(printer: Printer<'_>, node: &Node) -> bool {
    ["foreach", "forEach"]
        .into_iter()
        .any(|name| printer.begins_with(node, name))
}

fn loop_vars(vars: &LoopVars) -> String {
    match &vars.second {
        Some(second) => format!("{}, {}", spelled(&vars.first), spelled(second)),
        None => spelled(&vars.first),
    }
}

/// The name of what is assigned to: one that needs quotes has them.
fn target(name: &str) -> String {
    let fits = |(at, c): (usize, char)| {
        is_escapable(c) || is_identifier_start(c) || (at > 0 && c.is_ascii_digit())
    };
    if name.chars().enumerate().all(fits) {
        spelled(name)
    } else {
        quoted(name)
    }
}

pub(super) fn scope(scope: AssignScope) -> &'static str {
    match scope {
        AssignScope::Namespace => "assign",
        AssignScope::Local => "local",
        AssignScope::Global => "global",
    }
}

fn describe_assign(printer: Printer<'_>, assign: &Assign) -> String {
    let name = target(&assign.target.name);
    let target = &assign.target;
    let tag = if target.single {
        format!("#{} ", scope(target.scope))
    } else {
        String::new()
    };
    let value = assign
        .value
        .as_ref()
        .map_or(String::new(), |expr| printer.expr(expr));
    let namespace = match &assign.namespace {
        namespace @ Some(_) if target.single => in_namespace(printer, namespace.as_ref()),
        _ => String::new(),
    };
    let text = match assign.op {
        AssignOp::Set => format!("{tag}{name} = {value}"),
        AssignOp::Arithmetic(operator) => {
            format!("{tag}{name} {}= {value}", symbol(operator))
        }
        AssignOp::Increment => format!("{tag}{name}++"),
        AssignOp::Decrement => format!("{tag}{name}--"),
    };
    text + &namespace
}

fn in_namespace(printer: Printer<'_>, namespace: Option<&Expr>) -> String {
    namespace.map_or(String::new(), |namespace| {
        format!(" in {}", printer.expr(namespace))
    })
}

fn describe_call(printer: Printer<'_>, call: &MacroCall) -> String {
    let callee = argument(printer, &call.callee);
    format!("@{callee}{}", describe_args(printer, call))
}

fn describe_args(printer: Printer<'_>, call: &MacroCall) -> String {
    let mut text = String::new();
    match &call.args {
        CallArgs::Positional(args) => {
            for (index, arg) in args.iter().enumerate() {
                text.push_str(if index == 0 { " " } else { ", " });
                text.push_str(&printer.expr(arg));
            }
        }
        CallArgs::Named(args) => {
            let mut args: Vec<_> = args.iter().collect();
            args.sort_by_key(|(_, arg)| arg.src.start);
            for (name, arg) in args {
                text.push_str(&format!(" {}={}", spelled(name), argument(printer, arg)));
            }
        }
    }
    if !call.loop_vars.is_empty() {
        let names: Vec<_> = call
            .loop_vars
            .iter()
            .map(|(name, _)| spelled(name))
            .collect();
        text.push_str(&format!("; {}", names.join(", ")));
    }
    text
}

/// The value of an argument with a name.
fn argument(printer: Printer<'_>, arg: &Expr) -> String {
    let shown = printer.expr(arg);
    if holds_together(printer.original(arg)) {
        shown
    } else {
        format!("({shown})")
    }
}

/// Whether an argument needs no parentheses to be told from the next one.
fn holds_together(arg: &Expr) -> bool {
    !matches!(
        arg.kind,
        ExprKind::Special(_)
            | ExprKind::Default(..)
            | ExprKind::Not(_)
            | ExprKind::Negate(_)
            | ExprKind::Plus(_)
            | ExprKind::And(..)
            | ExprKind::Or(..)
            | ExprKind::Arithmetic(..)
            | ExprKind::Compare(..)
            | ExprKind::Range(..)
    )
}

pub(super) fn symbol(operator: Arithmetic) -> &'static str {
    match operator {
        Arithmetic::Add => "+",
        Arithmetic::Subtract => "-",
        Arithmetic::Multiply => "*",
        Arithmetic::Divide => "/",
        Arithmetic::Modulus => "%",
    }
}

/// What a branch of an `#if` is called in the stack.
pub(super) fn branch_description(template: &Code, branch: &Branch, index: usize) -> String {
    let printer = Printer::of(template);
    shortened(&with_expr(
        printer,
        branch_tag(branch, index),
        branch.condition.as_ref(),
    ))
}

pub(super) fn branch_tag(branch: &Branch, index: usize) -> &'static str {
    match (index, &branch.condition) {
        (0, _) => "#if",
        (_, Some(_)) => "#elseif",
        (_, None) => "#else",
    }
}
