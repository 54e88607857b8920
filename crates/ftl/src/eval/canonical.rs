//! Expressions as FreeMarker shows them.

use super::dump::symbol;
use crate::syntax::ast::{
    Compare, Expr, ExprKind, Lookup, Node, NodeKind, NumericOutput, RangeKind,
};
use crate::syntax::{Interpolations, Src, is_escapable};
use crate::template::Code;

/// Shows expressions as FreeMarker does.
#[derive(Clone, Copy)]
pub(crate) struct Printer<'c> {
    style: Interpolations,
    /// What the expressions stand in, if that is compiled already.
    code: Option<&'c Code>,
    /// The template that they stand in, if it is still being read.
    source: &'c str,
}

impl<'c> Printer<'c> {
    pub(crate) fn new(style: Interpolations) -> Self {
        Self::of_source(style, "")
    }

    /// Shows expressions of a template that is still being read.
    pub(crate) fn of_source(style: Interpolations, source: &'c str) -> Self {
        Self {
            style,
            code: None,
            source,
        }
    }

    pub(crate) fn of(code: &'c Code) -> Self {
        Self {
            style: code.options.interpolations,
            code: Some(code),
            source: "",
        }
    }

    /// Whether `src` is in a string literal that has offsets of its own.
    pub(super) fn is_in_literal(self, src: Src) -> bool {
        self.code
            .is_some_and(|code| code.map.literals.text_of(src).is_some())
    }

    /// Whether the tag of `node` has this name.
    pub(super) fn begins_with(self, node: &Node, name: &str) -> bool {
        let is_named = |code| super::dump::begins_with(code, node, name);
        self.code.is_some_and(is_named)
    }

    /// The expression with the blanks that FreeMarker puts.
    pub(crate) fn expr(self, expr: &Expr) -> String {
        let list = |exprs: &[Expr]| {
            exprs
                .iter()
                .map(|expr| self.expr(expr))
                .collect::<Vec<_>>()
                .join(", ")
        };
        let expr = self.original(expr);
        match &expr.kind {
            ExprKind::Str(text) => self.spelled_special(expr).unwrap_or_else(|| quoted(text)),
            ExprKind::Int(value) => value.to_string(),
            ExprKind::Decimal(text) => match self.code {
                Some(code) if code.options.conservative => conservative_decimal(text),
                _ => java_decimal(text),
            },
            ExprKind::Bool(value) => value.to_string(),
            ExprKind::Concat(parts) => {
                let mut text = String::from("\"");
                for part in parts {
                    match &part.kind {
                        NodeKind::Text(plain) => text.push_str(&literal(plain, '"')),
                        NodeKind::Output(inner) => {
                            let shown = literal(&self.expr(inner), '"');
                            text.push_str(&self.interpolated(&shown));
                        }
                        NodeKind::NumericOutput(output) => {
                            text.push_str(&literal_numeric(output, &self.expr(&output.expr)));
                        }
                        _ => {}
                    }
                }
                text + "\""
            }
            ExprKind::Name(name) => spelled(&name.text),
            ExprKind::Special(special) => {
                format!(".{}", special_name(*special))
            }
            ExprKind::Dot(target, key) => format!("{}.{}", self.expr(target), spelled(&key.text)),
            ExprKind::Index(target, key) => {
                format!("{}[{}]", self.expr(target), self.expr(key))
            }
            ExprKind::Call(callee, args) => format!("{}({})", self.expr(callee), list(args)),
            ExprKind::Builtin(call) => {
                let head = format!("{}?{}", self.expr(&call.target), call.name);
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
                self.expr(target),
                value
                    .as_ref()
                    .map_or(String::new(), |value| self.expr(value))
            ),
            ExprKind::Exists(target) => format!("{}??", self.expr(target)),
            ExprKind::Paren(inner) => format!("({})", self.expr(inner)),
            ExprKind::Not(inner) => format!("!{}", self.expr(inner)),
            ExprKind::Negate(inner) => format!("-{}", self.expr(inner)),
            ExprKind::Plus(inner) => format!("+{}", self.expr(inner)),
            ExprKind::And(left, right) => {
                format!("{} && {}", self.expr(left), self.expr(right))
            }
            ExprKind::Or(left, right) => {
                format!("{} || {}", self.expr(left), self.expr(right))
            }
            ExprKind::Arithmetic(operator, left, right) => format!(
                "{} {} {}",
                self.expr(left),
                symbol(*operator),
                self.expr(right)
            ),
            ExprKind::Compare(compare, left, right) => format!(
                "{} {} {}",
                self.expr(left),
                self.comparison(*compare, left, right),
                self.expr(right)
            ),
            ExprKind::Range(kind, from, to) => {
                let operator = match kind {
                    RangeKind::Inclusive => "..",
                    RangeKind::Exclusive => "..<",
                    RangeKind::Length => "..*",
                };
                let to = to.as_ref().map_or(String::new(), |to| self.expr(to));
                format!("{}{operator}{to}", self.expr(from))
            }
            ExprKind::Seq(items) => format!("[{}]", list(items)),
            ExprKind::Hash(entries) => {
                let entries: Vec<_> = entries
                    .iter()
                    .map(|(key, value)| format!("{}: {}", self.expr(key), self.expr(value)))
                    .collect();
                format!("{{{}}}", entries.join(", "))
            }
            ExprKind::Lambda(lambda) => {
                format!("{} -> {}", spelled(&lambda.param), self.expr(&lambda.body))
            }
            // What the built-in has been given stands nowhere by itself.
            ExprKind::Held(_) => String::new(),
        }
    }

    /// What stands in the source, if the compiler has put something else in its place.
    pub(super) fn original<'e>(self, expr: &'e Expr) -> &'e Expr
    where
        'c: 'e,
    {
        match (&expr.kind, self.code) {
            (
                ExprKind::Str(_) | ExprKind::Int(_) | ExprKind::Bool(_) | ExprKind::Name(_),
                Some(code),
            ) => code.program.folded.get(&expr.src).unwrap_or(expr),
            _ => expr,
        }
    }

    /// A special variable whose value was known when the template was compiled.
    fn spelled_special(self, expr: &Expr) -> Option<String> {
        let range = expr.src.start as usize..expr.src.end as usize;
        let spelling = match self.code {
            Some(code) => code.text_of(expr.src),
            None => self.source.get(range)?,
        };
        spelling
            .starts_with('.')
            .then(|| spelling.split_whitespace().collect())
    }

    /// An operator of comparison as it stands between its operands.
    pub(super) fn comparison(self, compare: Compare, left: &Expr, right: &Expr) -> &'static str {
        let src = Src {
            start: left.src.end,
            end: right.src.start,
        };
        let in_source = || {
            let range = src.start as usize..src.end as usize;
            self.source.get(range).unwrap_or_default()
        };
        let between = self.code.map_or_else(in_source, |code| code.text_of(src));
        let spelling = SPELLINGS
            .iter()
            .find(|spelling| without_comments(between) == **spelling)
            .copied();
        spelling.unwrap_or(match compare {
            Compare::Equal => "==",
            Compare::NotEqual => "!=",
            Compare::Less => "<",
            Compare::LessOrEqual => "<=",
            Compare::Greater => ">",
            Compare::GreaterOrEqual => ">=",
        })
    }

    /// `${x}` or `[=x]`
    pub(super) fn interpolation(self, expr: &Expr) -> String {
        self.interpolated(&self.expr(expr))
    }

    pub(super) fn interpolated(self, shown: &str) -> String {
        match self.style {
            Interpolations::Square => format!("[={shown}]"),
            _ => format!("${{{shown}}}"),
        }
    }
}

/// `#{x ; m1M2}` in a string literal.
fn literal_numeric(output: &NumericOutput, shown: &str) -> String {
    let format = super::dump::fraction_format(output);
    format!("#{{{}{format}}}", literal(shown, '"'))
}

fn special_name(special: crate::syntax::ast::Special) -> String {
    let name = format!("{special:?}");
    let name = name.split('(').next().unwrap_or_default();
    crate::builtins::snake_case(name)
        .trim_start_matches('_')
        .to_owned()
}

/// A name as it has to be written.
pub(super) fn spelled(name: &str) -> String {
    let mut spelled = String::with_capacity(name.len());
    for c in name.chars() {
        if is_escapable(c) {
            spelled.push('\\');
        }
        spelled.push(c);
    }
    spelled
}

/// The other ways to spell operators of comparison.
const SPELLINGS: [&str; 13] = [
    "=", "lt", "lte", "gt", "gte", "\\lt", "\\lte", "\\gt", "\\gte", "&lt;", "&lt;=", "&gt;",
    "&gt;=",
];

/// What stands between two operands, without the comments and blanks around it.
fn without_comments(between: &str) -> &str {
    let mut rest = between.trim();
    while rest.starts_with(['<', '['])
        && let Some(at) = rest
            .find("--")
            .and_then(|at| Some(at + 2 + rest[at + 2..].find("--")?))
    {
        rest = rest.get(at + 3..).unwrap_or_default().trim_start();
    }
    let end = rest.find(['<', '[']).unwrap_or(rest.len());
    rest[..end].trim_end()
}

/// A number's notation as FreeMarker's conservative arithmetic, which reads a binary number, prints it.
fn conservative_decimal(text: &str) -> String {
    let read = text.parse().ok().filter(|value: &f64| value.is_finite());
    read.map_or_else(
        || java_decimal(text),
        |value| crate::number::Number::double(value).to_text(),
    )
}

/// A number's notation as a `BigDecimal` prints it: without zeros in front, but with those at the end.
fn java_decimal(text: &str) -> String {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let whole = whole.trim_start_matches('0');
    let digits = format!("{whole}{fraction}");
    let digits = digits.trim_start_matches('0');
    // The exponent that the first digit has.
    let exponent = digits.len().max(1) as i64 - 1 - fraction.len() as i64;
    if exponent < -6 {
        let (first, rest) = digits.split_at(digits.len().min(1));
        let first = if first.is_empty() { "0" } else { first };
        let point = if rest.is_empty() { "" } else { "." };
        return format!("{first}{point}{rest}E{exponent}");
    }
    let whole = if whole.is_empty() { "0" } else { whole };
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{whole}{point}{fraction}")
}

/// A string literal, in the quotes that need no escapes.
pub(super) fn quoted(text: &str) -> String {
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
