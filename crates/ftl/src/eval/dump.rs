//! Directives and expressions as FreeMarker shows them in its stack.

use crate::syntax::Interpolations;
use crate::syntax::ast::{
    Arithmetic, Assign, AssignOp, AssignScope, Branch, CallArgs, Compare, Expr, ExprKind, List,
    Lookup, LoopVars, MacroDef, Node, NodeKind, RangeKind,
};
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
    if line.len() == text.len() && line.chars().count() <= MAX_WIDTH {
        return text.to_owned();
    }
    let kept: String = line.chars().take(MAX_WIDTH - 3).collect();
    // Dots that are there already are part of the three.
    let dots = kept.chars().rev().take_while(|c| *c == '.').count();
    kept + &"..."[dots.min(3)..]
}

/// `#macro name a b=1 rest...`; `with` names the built-in that has given it arguments.
pub(super) fn macro_head(template: &Code, def: &MacroDef, with: &str) -> String {
    let style = template.options.interpolations;
    let kind = if def.is_function { "function" } else { "macro" };
    let mut text = format!("#{kind}{with} {}", def.name);
    for param in &def.params {
        text.push_str(&format!(" {}", param.name));
        if let Some(default) = &param.default {
            text.push_str(&format!("={}", canonical(style, default)));
        }
    }
    if let Some((name, _)) = &def.catch_all {
        text.push_str(&format!(" {name}..."));
    }
    shortened(&text)
}

fn describe(template: &Code, node: &Node) -> String {
    let style = template.options.interpolations;
    let show = |expr: &Expr| canonical(style, expr);
    match &node.kind {
        NodeKind::Output(expr) => interpolation(style, expr),
        NodeKind::FormattedOutput(output) => interpolation(style, &output.expr),
        NodeKind::NumericOutput(output) => {
            let format = if output.has_format {
                format!(" ; m{}M{}", output.min_fraction, output.max_fraction)
            } else {
                String::new()
            };
            format!("#{{{}{format}}}", show(&output.expr))
        }
        NodeKind::If(branches) => match branches.first().and_then(|first| first.condition.as_ref())
        {
            Some(condition) => format!("#if {}", show(condition)),
            None => "#if".to_owned(),
        },
        NodeKind::List(list) => describe_list(style, list),
        NodeKind::Items(items) => format!("#items as {}", loop_vars(&items.vars)),
        NodeKind::Sep { .. } => "#sep".to_owned(),
        NodeKind::Return(value) => with_expr(style, "#return", value.as_ref()),
        NodeKind::Stop(message) => with_expr(style, "#stop", message.as_ref()),
        NodeKind::Nested(args) => {
            let args: Vec<_> = args.iter().map(show).collect();
            format!("#nested {}", args.join(", ")).trim_end().to_owned()
        }
        NodeKind::Assign(assign) => describe_assign(style, assign),
        NodeKind::AssignBlock(assign) => {
            let namespace = in_namespace(style, assign.namespace.as_ref());
            let output = if namespace.is_empty() {
                ""
            } else {
                " = .nested_output"
            };
            let tag = scope(assign.target.scope);
            format!("#{tag} {}{namespace}{output}", assign.target.name)
        }
        NodeKind::Include(include) => {
            let mut text = format!("#include {}", show(&include.name));
            for (name, value) in &include.options {
                text.push_str(&format!(" {name}={}", show(value)));
            }
            text
        }
        NodeKind::Import(import) => {
            format!("#import {} as {}", show(&import.name), import.alias)
        }
        NodeKind::Call(call) => describe_call(style, call),
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

fn with_expr(style: Interpolations, name: &str, expr: Option<&Expr>) -> String {
    match expr {
        Some(expr) => format!("{name} {}", canonical(style, expr)),
        None => name.to_owned(),
    }
}

fn describe_list(style: Interpolations, list: &List) -> String {
    if list.otherwise.is_some() {
        return "#list-#else-container".to_owned();
    }
    let source = canonical(style, &list.source);
    match &list.vars {
        Some(vars) => format!("#list {source} as {}", loop_vars(vars)),
        None => format!("#list {source}"),
    }
}

fn loop_vars(vars: &LoopVars) -> String {
    match &vars.second {
        Some(second) => format!("{}, {second}", vars.first),
        None => vars.first.to_string(),
    }
}

pub(super) fn scope(scope: AssignScope) -> &'static str {
    match scope {
        AssignScope::Namespace => "assign",
        AssignScope::Local => "local",
        AssignScope::Global => "global",
    }
}

fn describe_assign(style: Interpolations, assign: &Assign) -> String {
    let target = &assign.target;
    let tag = if target.single {
        format!("#{} ", scope(target.scope))
    } else {
        String::new()
    };
    let value = assign
        .value
        .as_ref()
        .map_or(String::new(), |expr| canonical(style, expr));
    let namespace = match &assign.namespace {
        namespace @ Some(_) if target.single => in_namespace(style, namespace.as_ref()),
        _ => String::new(),
    };
    let text = match assign.op {
        AssignOp::Set => format!("{tag}{} = {value}", target.name),
        AssignOp::Arithmetic(operator) => {
            format!("{tag}{} {}= {value}", target.name, symbol(operator))
        }
        AssignOp::Increment => format!("{tag}{}++", target.name),
        AssignOp::Decrement => format!("{tag}{}--", target.name),
    };
    text + &namespace
}

fn in_namespace(style: Interpolations, namespace: Option<&Expr>) -> String {
    namespace.map_or(String::new(), |namespace| {
        format!(" in {}", canonical(style, namespace))
    })
}

fn describe_call(style: Interpolations, call: &crate::syntax::ast::MacroCall) -> String {
    let mut text = format!("@{}", canonical(style, &call.callee));
    match &call.args {
        CallArgs::Positional(args) => {
            for (index, arg) in args.iter().enumerate() {
                text.push_str(if index == 0 { " " } else { ", " });
                text.push_str(&canonical(style, arg));
            }
        }
        CallArgs::Named(args) => {
            for (name, arg) in args {
                text.push_str(&format!(" {name}={}", canonical(style, arg)));
            }
        }
    }
    if !call.loop_vars.is_empty() {
        let names: Vec<_> = call.loop_vars.iter().map(|(name, _)| &**name).collect();
        text.push_str(&format!("; {}", names.join(", ")));
    }
    text
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

pub(super) fn comparison(compare: Compare) -> &'static str {
    match compare {
        Compare::Equal => "==",
        Compare::NotEqual => "!=",
        Compare::Less => "<",
        Compare::LessOrEqual => "<=",
        Compare::Greater => ">",
        Compare::GreaterOrEqual => ">=",
    }
}

/// An expression as FreeMarker shows it.
pub(crate) fn shown(expr: &Expr, style: Interpolations) -> String {
    canonical(style, expr)
}

/// An expression with the blanks that FreeMarker puts.
fn canonical(style: Interpolations, expr: &Expr) -> String {
    let list = |exprs: &[Expr]| {
        exprs
            .iter()
            .map(|expr| canonical(style, expr))
            .collect::<Vec<_>>()
            .join(", ")
    };
    match &expr.kind {
        ExprKind::Str(text) => quoted(text),
        ExprKind::Int(value) => value.to_string(),
        ExprKind::Decimal(text) => text.to_string(),
        ExprKind::Bool(value) => value.to_string(),
        ExprKind::Concat(parts) => {
            let mut text = String::from("\"");
            for part in parts {
                match &part.kind {
                    NodeKind::Text(plain) => text.push_str(&literal(plain, '"')),
                    NodeKind::Output(inner) => {
                        let shown = literal(&canonical(style, inner), '"');
                        text.push_str(&interpolated(style, &shown));
                    }
                    _ => {}
                }
            }
            text + "\""
        }
        ExprKind::Name(name) => name.text.to_string(),
        ExprKind::Special(special) => {
            format!(".{}", special_name(*special))
        }
        ExprKind::Dot(target, key) => format!("{}.{key}", canonical(style, target)),
        ExprKind::Index(target, key) => {
            format!("{}[{}]", canonical(style, target), canonical(style, key))
        }
        ExprKind::Call(callee, args) => format!("{}({})", canonical(style, callee), list(args)),
        ExprKind::Builtin(call) => {
            let head = format!("{}?{}", canonical(style, &call.target), call.name);
            match (&call.args, call.lookup) {
                (None, _) => head,
                (Some(args), Lookup::Call) => format!("{head}({})", list(args)),
                (Some(args), Lookup::Bracket) => format!("{head}[{}]", list(args)),
                (Some(args), Lookup::Dot) => {
                    format!("{head}.{}", list(args).trim_matches('"'))
                }
            }
        }
        ExprKind::Default(target, value) => format!(
            "{}!{}",
            canonical(style, target),
            value
                .as_ref()
                .map_or(String::new(), |value| canonical(style, value))
        ),
        ExprKind::Exists(target) => format!("{}??", canonical(style, target)),
        ExprKind::Paren(inner) => format!("({})", canonical(style, inner)),
        ExprKind::Not(inner) => format!("!{}", canonical(style, inner)),
        ExprKind::Negate(inner) => format!("-{}", canonical(style, inner)),
        ExprKind::Plus(inner) => format!("+{}", canonical(style, inner)),
        ExprKind::And(left, right) => {
            format!("{} && {}", canonical(style, left), canonical(style, right))
        }
        ExprKind::Or(left, right) => {
            format!("{} || {}", canonical(style, left), canonical(style, right))
        }
        ExprKind::Arithmetic(operator, left, right) => format!(
            "{} {} {}",
            canonical(style, left),
            symbol(*operator),
            canonical(style, right)
        ),
        ExprKind::Compare(compare, left, right) => format!(
            "{} {} {}",
            canonical(style, left),
            comparison(*compare),
            canonical(style, right)
        ),
        ExprKind::Range(kind, from, to) => {
            let operator = match kind {
                RangeKind::Inclusive => "..",
                RangeKind::Exclusive => "..<",
                RangeKind::Length => "..*",
            };
            let to = to.as_ref().map_or(String::new(), |to| canonical(style, to));
            format!("{}{operator}{to}", canonical(style, from))
        }
        ExprKind::Seq(items) => format!("[{}]", list(items)),
        ExprKind::Hash(entries) => {
            let entries: Vec<_> = entries
                .iter()
                .map(|(key, value)| {
                    format!("{}: {}", canonical(style, key), canonical(style, value))
                })
                .collect();
            format!("{{{}}}", entries.join(", "))
        }
        ExprKind::Lambda(lambda) => {
            format!("{} -> {}", lambda.param, canonical(style, &lambda.body))
        }
    }
}

fn special_name(special: crate::syntax::ast::Special) -> String {
    let name = format!("{special:?}");
    let name = name.split('(').next().unwrap_or_default();
    crate::builtins::snake_case(name)
        .trim_start_matches('_')
        .to_owned()
}

/// `${x}` or `[=x]`
fn interpolation(style: Interpolations, expr: &Expr) -> String {
    interpolated(style, &canonical(style, expr))
}

fn interpolated(style: Interpolations, shown: &str) -> String {
    match style {
        Interpolations::Square => format!("[={shown}]"),
        _ => format!("${{{shown}}}"),
    }
}

/// A string literal, in the quotes that need no escapes.
fn quoted(text: &str) -> String {
    let quote = if text.contains('"') && !text.contains('\'') {
        '\''
    } else {
        '"'
    };
    format!("{quote}{}{quote}", literal(text, quote))
}

fn literal(text: &str, quote: char) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut before = ' ';
    for c in text.chars() {
        let previous = std::mem::replace(&mut before, c);
        match c {
            c if c == quote => {
                escaped.push('\\');
                escaped.push(c);
            }
            '{' if matches!(previous, '$' | '#') => escaped.push_str("\\{"),
            '=' if previous == '[' => escaped.push_str("\\="),
            '\\' => escaped.push_str("\\\\"),
            '<' => escaped.push_str("\\l"),
            '>' => escaped.push_str("\\g"),
            '&' => escaped.push_str("\\a"),
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            '\u{c}' => escaped.push_str("\\f"),
            '\u{8}' => escaped.push_str("\\b"),
            c if (c as u32) < 0x20 => escaped.push_str(&format!("\\x{:04X}", c as u32)),
            c => escaped.push(c),
        }
    }
    escaped
}

/// What a branch of an `#if` is called in the stack.
pub(super) fn branch_description(template: &Code, branch: &Branch, index: usize) -> String {
    let style = template.options.interpolations;
    shortened(&with_expr(
        style,
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
