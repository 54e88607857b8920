//! Directives and expressions as FreeMarker shows them in its stack, and the parts that expressions play.

use crate::syntax::Src;
use crate::syntax::ast::{
    Arithmetic, Assign, AssignOp, AssignScope, CallArgs, CaseWhen, Compare, Expr, ExprKind, List,
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
    format!("{kept}...")
}

/// `#macro name a b=1 rest...`; `with` names the built-in that has given it arguments.
pub(super) fn macro_head(def: &MacroDef, with: &str) -> String {
    let kind = if def.is_function { "function" } else { "macro" };
    let mut text = format!("#{kind}{with} {}", def.name);
    for param in &def.params {
        text.push_str(&format!(" {}", param.name));
        if let Some(default) = &param.default {
            text.push_str(&format!("={}", canonical(default)));
        }
    }
    if let Some((name, _)) = &def.catch_all {
        text.push_str(&format!(" {name}..."));
    }
    shortened(&text)
}

fn describe(template: &Code, node: &Node) -> String {
    let show = |expr: &Expr| canonical(expr);
    match &node.kind {
        NodeKind::Output(expr) => format!("${{{}}}", show(expr)),
        NodeKind::FormattedOutput(output) => format!("${{{}}}", show(&output.expr)),
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
        NodeKind::List(list) => describe_list(list),
        NodeKind::Items(items) => format!("#items as {}", loop_vars(&items.vars)),
        NodeKind::Sep { .. } => "#sep".to_owned(),
        NodeKind::Return(value) => with_expr("#return", value.as_ref()),
        NodeKind::Stop(message) => with_expr("#stop", message.as_ref()),
        NodeKind::Nested(args) => {
            let args: Vec<_> = args.iter().map(show).collect();
            format!("#nested {}", args.join(", ")).trim_end().to_owned()
        }
        NodeKind::Assign(assign) => describe_assign(assign),
        NodeKind::AssignBlock(assign) => {
            let namespace = in_namespace(assign.namespace.as_ref());
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
        NodeKind::Call(call) => describe_call(call),
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

fn with_expr(name: &str, expr: Option<&Expr>) -> String {
    match expr {
        Some(expr) => format!("{name} {}", canonical(expr)),
        None => name.to_owned(),
    }
}

fn describe_list(list: &List) -> String {
    let source = canonical(&list.source);
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

fn scope(scope: AssignScope) -> &'static str {
    match scope {
        AssignScope::Namespace => "assign",
        AssignScope::Local => "local",
        AssignScope::Global => "global",
    }
}

fn describe_assign(assign: &Assign) -> String {
    let target = &assign.target;
    let tag = if target.single {
        format!("#{} ", scope(target.scope))
    } else {
        String::new()
    };
    let value = assign.value.as_ref().map_or(String::new(), canonical);
    let namespace = match &assign.namespace {
        namespace @ Some(_) if target.single => in_namespace(namespace.as_ref()),
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

fn in_namespace(namespace: Option<&Expr>) -> String {
    namespace.map_or(String::new(), |namespace| {
        format!(" in {}", canonical(namespace))
    })
}

fn describe_call(call: &crate::syntax::ast::MacroCall) -> String {
    let mut text = format!("@{}", canonical(&call.callee));
    match &call.args {
        CallArgs::Positional(args) => {
            for (index, arg) in args.iter().enumerate() {
                text.push_str(if index == 0 { " " } else { ", " });
                text.push_str(&canonical(arg));
            }
        }
        CallArgs::Named(args) => {
            for (name, arg) in args {
                text.push_str(&format!(" {name}={}", canonical(arg)));
            }
        }
    }
    if !call.loop_vars.is_empty() {
        let names: Vec<_> = call.loop_vars.iter().map(|(name, _)| &**name).collect();
        text.push_str(&format!("; {}", names.join(", ")));
    }
    text
}

fn symbol(operator: Arithmetic) -> &'static str {
    match operator {
        Arithmetic::Add => "+",
        Arithmetic::Subtract => "-",
        Arithmetic::Multiply => "*",
        Arithmetic::Divide => "/",
        Arithmetic::Modulus => "%",
    }
}

fn comparison(compare: Compare) -> &'static str {
    match compare {
        Compare::Equal => "==",
        Compare::NotEqual => "!=",
        Compare::Less => "<",
        Compare::LessOrEqual => "<=",
        Compare::Greater => ">",
        Compare::GreaterOrEqual => ">=",
    }
}

/// An expression with the blanks that FreeMarker puts.
fn canonical(expr: &Expr) -> String {
    let list = |exprs: &[Expr]| exprs.iter().map(canonical).collect::<Vec<_>>().join(", ");
    match &expr.kind {
        ExprKind::Str(text) => format!("\"{}\"", literal(text)),
        ExprKind::Int(value) => value.to_string(),
        ExprKind::Decimal(text) => text.to_string(),
        ExprKind::Bool(value) => value.to_string(),
        ExprKind::Concat(parts) => {
            let mut text = String::from("\"");
            for part in parts {
                match &part.kind {
                    NodeKind::Text(plain) => text.push_str(&literal(plain)),
                    NodeKind::Output(inner) => text.push_str(&format!("${{{}}}", canonical(inner))),
                    _ => {}
                }
            }
            text + "\""
        }
        ExprKind::Name(name) => name.text.to_string(),
        ExprKind::Special(special) => {
            format!(".{}", special_name(*special))
        }
        ExprKind::Dot(target, key) => format!("{}.{key}", canonical(target)),
        ExprKind::Index(target, key) => format!("{}[{}]", canonical(target), canonical(key)),
        ExprKind::Call(callee, args) => format!("{}({})", canonical(callee), list(args)),
        ExprKind::Builtin(call) => {
            let head = format!("{}?{}", canonical(&call.target), call.builtin.name());
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
            canonical(target),
            value
                .as_ref()
                .map_or(String::new(), |value| canonical(value))
        ),
        ExprKind::Exists(target) => format!("{}??", canonical(target)),
        ExprKind::Paren(inner) => format!("({})", canonical(inner)),
        ExprKind::Not(inner) => format!("!{}", canonical(inner)),
        ExprKind::Negate(inner) => format!("-{}", canonical(inner)),
        ExprKind::Plus(inner) => format!("+{}", canonical(inner)),
        ExprKind::And(left, right) => format!("{} && {}", canonical(left), canonical(right)),
        ExprKind::Or(left, right) => format!("{} || {}", canonical(left), canonical(right)),
        ExprKind::Arithmetic(operator, left, right) => format!(
            "{} {} {}",
            canonical(left),
            symbol(*operator),
            canonical(right)
        ),
        ExprKind::Compare(compare, left, right) => format!(
            "{} {} {}",
            canonical(left),
            comparison(*compare),
            canonical(right)
        ),
        ExprKind::Range(kind, from, to) => {
            let operator = match kind {
                RangeKind::Inclusive => "..",
                RangeKind::Exclusive => "..<",
                RangeKind::Length => "..*",
            };
            let to = to.as_ref().map_or(String::new(), |to| canonical(to));
            format!("{}{operator}{to}", canonical(from))
        }
        ExprKind::Seq(items) => format!("[{}]", list(items)),
        ExprKind::Hash(entries) => {
            let entries: Vec<_> = entries
                .iter()
                .map(|(key, value)| format!("{}: {}", canonical(key), canonical(value)))
                .collect();
            format!("{{{}}}", entries.join(", "))
        }
        ExprKind::Lambda(lambda) => format!("{} -> {}", lambda.param, canonical(&lambda.body)),
    }
}

fn special_name(special: crate::syntax::ast::Special) -> String {
    let name = format!("{special:?}");
    let name = name.split('(').next().unwrap_or_default();
    crate::builtins::snake_case(name)
        .trim_start_matches('_')
        .to_owned()
}

fn literal(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' => escaped.push_str("\\\""),
            '{' if escaped.ends_with(['$', '#']) => escaped.push_str("\\{"),
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

/// The symbol of what the expression at `blamed` is an operand of, and the part that it plays there.
pub(super) fn role(node: &Node, blamed: Src) -> Option<(String, &'static str)> {
    let mut found = None;
    let mut look = |expr: &Expr, symbol: &str, role: &'static str| {
        if found.is_none() {
            found = role_in(expr, blamed, symbol, role);
        }
    };
    match &node.kind {
        NodeKind::Output(expr) => look(expr, "${...}", "content"),
        NodeKind::FormattedOutput(output) => look(&output.expr, "${...}", "content"),
        NodeKind::NumericOutput(output) => look(&output.expr, "#{...}", "content"),
        NodeKind::If(branches) => {
            for (index, branch) in branches.iter().enumerate() {
                if let Some(condition) = &branch.condition {
                    let symbol = if index == 0 { "#if" } else { "#elseif" };
                    look(condition, symbol, "condition");
                }
            }
        }
        NodeKind::List(list) => look(&list.source, "#list", "list source"),
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
            look(&call.callee, "@", "callee");
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
            for case in &switch.cases {
                match &case.when {
                    CaseWhen::Equal(value) => look(value, "#case", "condition"),
                    CaseWhen::OneOf(values) => values
                        .iter()
                        .for_each(|value| look(value, "#on", "condition")),
                    CaseWhen::Default => {}
                }
            }
        }
        NodeKind::Setting { value, .. } => look(value, "#setting", "value"),
        _ => {}
    }
    found
}

fn role_in(
    expr: &Expr,
    blamed: Src,
    symbol: &str,
    role: &'static str,
) -> Option<(String, &'static str)> {
    if expr.src == blamed {
        return Some((symbol.to_owned(), role));
    }
    // In a string literal with escapes everything stands at one place.
    if blamed.start < expr.src.start || blamed.end > expr.src.end {
        return None;
    }
    const LEFT: &str = "left-hand operand";
    const RIGHT: &str = "right-hand operand";
    let pair = |left: &Expr, right: &Expr, symbol: &str| {
        role_in(left, blamed, symbol, LEFT).or_else(|| role_in(right, blamed, symbol, RIGHT))
    };
    match &expr.kind {
        ExprKind::Dot(target, _) => role_in(target, blamed, ".", LEFT),
        ExprKind::Index(target, key) => role_in(target, blamed, "...[...]", LEFT)
            .or_else(|| role_in(key, blamed, "...[...]", "enclosed operand")),
        ExprKind::Call(callee, args) => {
            role_in(callee, blamed, "...(...)", "callee").or_else(|| {
                args.iter()
                    .find_map(|arg| role_in(arg, blamed, "...(...)", "argument value"))
            })
        }
        ExprKind::Builtin(call) => {
            let name = call.builtin.name();
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
            role_in(&call.target, blamed, &symbol, LEFT).or_else(|| {
                call.args
                    .iter()
                    .flatten()
                    .find_map(|arg| role_in(arg, blamed, &arg_symbol, "argument value"))
            })
        }
        ExprKind::Default(target, value) => role_in(target, blamed, "...!...", LEFT)
            .or_else(|| role_in(value.as_ref()?, blamed, "...!...", RIGHT)),
        ExprKind::Exists(target) => role_in(target, blamed, "??", LEFT),
        ExprKind::Paren(inner) => role_in(inner, blamed, "(...)", "enclosed operand"),
        ExprKind::Not(inner) => role_in(inner, blamed, "!", RIGHT),
        ExprKind::Negate(inner) => role_in(inner, blamed, "-...", RIGHT),
        ExprKind::Plus(inner) => role_in(inner, blamed, "+...", RIGHT),
        ExprKind::And(left, right) => pair(left, right, "&&"),
        ExprKind::Or(left, right) => pair(left, right, "||"),
        ExprKind::Arithmetic(operator, left, right) => pair(left, right, self::symbol(*operator)),
        ExprKind::Compare(compare, left, right) => pair(left, right, comparison(*compare)),
        ExprKind::Range(kind, from, to) => {
            let symbol = match kind {
                RangeKind::Inclusive => "..",
                RangeKind::Exclusive => "..<",
                RangeKind::Length => "..*",
            };
            role_in(from, blamed, symbol, LEFT)
                .or_else(|| role_in(to.as_ref()?, blamed, symbol, RIGHT))
        }
        ExprKind::Seq(items) => items
            .iter()
            .find_map(|item| role_in(item, blamed, "[...]", "item value")),
        ExprKind::Hash(entries) => entries.iter().find_map(|(key, value)| {
            role_in(key, blamed, "{...}", "key")
                .or_else(|| role_in(value, blamed, "{...}", "value"))
        }),
        ExprKind::Lambda(lambda) => role_in(&lambda.body, blamed, "->", "function body"),
        ExprKind::Concat(parts) => parts
            .iter()
            .find_map(|part| super::dump::role(part, blamed)),
        _ => None,
    }
}
