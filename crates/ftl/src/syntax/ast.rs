//! The tree that a template is compiled to. Names carry their binding, which `compile` fills in.

use std::sync::{Arc, OnceLock};

use crate::builtins::Builtin;
use crate::data::Place;
use crate::datetime::DateFormat;
use crate::number::NumberFormat;
use crate::output_format::OutputFormat;
use crate::syntax::Src;
use crate::value::DateKind;

/// An expression and where it stands.
#[derive(Clone)]
pub(crate) struct Expr {
    pub(crate) src: Src,
    pub(crate) kind: ExprKind,
}

#[derive(Clone)]
pub(crate) enum ExprKind {
    Str(Box<str>),
    Int(i64),
    /// A number that isn't a whole one of 64 bits, in its notation.
    Decimal(Box<str>),
    Bool(bool),
    /// A string literal with interpolations.
    Concat(Vec<Node>),
    Name(Box<Name>),
    Special(Special),
    Dot(Box<Expr>, Key),
    Index(Box<Expr>, Box<Expr>),
    Call(Box<Expr>, Vec<Expr>),
    Builtin(Box<BuiltinCall>),
    Default(Box<Expr>, Option<Box<Expr>>),
    Exists(Box<Expr>),
    Paren(Box<Expr>),
    Not(Box<Expr>),
    Negate(Box<Expr>),
    Plus(Box<Expr>),
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    Arithmetic(Arithmetic, Box<Expr>, Box<Expr>),
    Compare(Compare, Box<Expr>, Box<Expr>),
    Range(RangeKind, Box<Expr>, Option<Box<Expr>>),
    Seq(Vec<Expr>),
    Hash(Vec<(Expr, Expr)>),
    Lambda(Box<Lambda>),
    /// In the call of a method that a built-in has given: its target (0), or an argument.
    Held(u32),
}

/// The name of a part of a hash, and where it has been found before.
#[derive(Clone)]
pub(crate) struct Key {
    pub(crate) text: Box<str>,
    pub(crate) place: Place,
}

impl Key {
    pub(crate) fn new(text: Box<str>) -> Self {
        let place = Place::default();
        Self { text, place }
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

#[derive(Clone)]
pub(crate) struct Name {
    pub(crate) text: Box<str>,
    pub(crate) binding: Binding,
}

/// Where a name may be found, in the order in which it is looked for; last comes the data.
#[derive(Clone, Default, Debug)]
pub(crate) struct Binding {
    /// Slots of loop variables and macro variables, the innermost first.
    pub(crate) locals: Vec<u32>,
    /// Whether the first of them is a loop variable's.
    pub(crate) is_loop_variable: bool,
    /// The slot among the namespace's variables.
    pub(crate) namespace: Option<u32>,
    /// The slot among the global variables.
    pub(crate) global: Option<u32>,
    /// For `x_index` and `x_has_next`: the loop's state.
    pub(crate) legacy_loop: Option<(u32, LoopField)>,
    /// Whether the code may run where another template's local variables are to be seen.
    pub(crate) dynamic: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LoopField {
    Index,
    HasNext,
}

#[derive(Clone)]
pub(crate) struct BuiltinCall {
    /// The whole, from the target to the last argument.
    pub(crate) src: Src,
    /// From the target to the name.
    pub(crate) head: Src,
    pub(crate) target: Expr,
    pub(crate) builtin: &'static Builtin,
    /// The built-in's name in the template's spelling.
    pub(crate) name: Box<str>,
    /// Whether there are as many arguments as it takes.
    pub(crate) args_fit: bool,
    /// `None` without parentheses.
    pub(crate) args: Option<Vec<Expr>>,
    /// The loop's state, for built-ins that ask a loop variable.
    pub(crate) loop_slot: Option<u32>,
    pub(crate) formats: Formats,
    /// How the arguments stand: `?name(a)`, `?name["a"]`, `?name.a`.
    pub(crate) lookup: Lookup,
    /// The output format at the place, for built-ins that depend on it.
    pub(crate) output_format: OutputFormat,
    /// Whether `${…}` escapes at the place.
    pub(crate) auto_escape: bool,
    /// For built-ins that run templates: what they see of the loops around.
    pub(crate) site: Option<Arc<Site>>,
}

/// The variables of a loop, a lambda or a call around a place where another template's code may run, which finds them
/// by their names.
pub(crate) struct Site {
    pub(crate) variables: Vec<ScopeVariable>,
    pub(crate) outer: Option<Arc<Site>>,
}

#[derive(Clone)]
pub(crate) struct ScopeVariable {
    pub(crate) name: Box<str>,
    pub(crate) slot: u32,
    /// The loop's state, if it is a loop's variable.
    pub(crate) state_slot: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lookup {
    Call,
    Bracket,
    Dot,
}

/// Formats that stand in the template as constants are compiled once, when they are first used.
#[derive(Clone, Default)]
pub(crate) struct Formats {
    pub(crate) number: OnceLock<Arc<NumberFormat>>,
    pub(crate) date: OnceLock<(DateKind, Arc<DateFormat>)>,
}

#[derive(Clone)]
pub(crate) struct Lambda {
    pub(crate) param: Box<str>,
    pub(crate) slot: u32,
    pub(crate) body: Expr,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Special {
    Args,
    AutoEsc(bool),
    CallerTemplateName,
    CurrentTemplateName,
    DataModel,
    Error,
    GetOptionalTemplate,
    Globals,
    IncompatibleImprovements,
    Lang,
    Locale,
    Locals,
    Main,
    MainTemplateName,
    Namespace,
    /// `.pass`, a macro that does nothing.
    Nothing,
    Now,
    OutputEncoding,
    TemplateName,
    TimeZone,
    UrlEscapingCharset,
    Vars,
    Version,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulus,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compare {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RangeKind {
    /// `a..b`
    Inclusive,
    /// `a..<b`
    Exclusive,
    /// `a..*n`
    Length,
}

/// A piece of a template, and where it stands with everything in it.
#[derive(Clone)]
pub(crate) struct Node {
    pub(crate) src: Src,
    pub(crate) kind: NodeKind,
}

#[derive(Clone)]
pub(crate) enum NodeKind {
    Text(Box<str>),
    /// Text whose white-space hasn't been stripped yet; only the parser knows it.
    TextRef(usize),
    /// `${x}` where the output has no format that escapes.
    Output(Expr),
    /// `${x}` where the output has a format.
    FormattedOutput(Box<FormattedOutput>),
    /// `#{x; m1M2}`
    NumericOutput(Box<NumericOutput>),
    If(Vec<Branch>),
    List(Box<List>),
    Items(Box<Items>),
    Sep {
        slot: u32,
        body: Vec<Node>,
    },
    Break,
    Continue,
    Return(Option<Expr>),
    Nested(Vec<Expr>),
    Stop(Option<Expr>),
    Assign(Box<Assign>),
    AssignBlock(Box<AssignBlock>),
    Include(Box<Include>),
    Import(Box<Import>),
    Macro(Box<MacroDef>),
    Call(Box<MacroCall>),
    Switch(Box<Switch>),
    Setting {
        name: Setting,
        value: Expr,
    },
    Compress(Vec<Node>),
    Attempt {
        body: Vec<Node>,
        recover: Vec<Node>,
    },
    /// `#escape`, `#autoesc`, …: what they mean is already in the nodes within.
    Group(Vec<Node>),
}

#[derive(Clone)]
pub(crate) struct FormattedOutput {
    pub(crate) expr: Expr,
    pub(crate) format: OutputFormat,
    pub(crate) auto_escape: bool,
}

#[derive(Clone)]
pub(crate) struct NumericOutput {
    pub(crate) expr: Expr,
    pub(crate) min_fraction: u32,
    pub(crate) max_fraction: u32,
    /// Whether a format was given.
    pub(crate) has_format: bool,
    /// What is computed once: the pattern behind the two.
    pub(crate) format: NumberFormat,
}

#[derive(Clone)]
pub(crate) struct Assign {
    pub(crate) target: AssignTarget,
    pub(crate) op: AssignOp,
    pub(crate) value: Option<Expr>,
    /// `… in namespace`
    pub(crate) namespace: Option<Expr>,
}

/// `<#include name parse=… ignore_missing=…>`
#[derive(Clone)]
pub(crate) struct Include {
    pub(crate) name: Expr,
    /// In the order in which they stand, for messages.
    pub(crate) options: Vec<(Box<str>, Expr)>,
    pub(crate) site: Option<Arc<Site>>,
}

/// `<#import name as alias>`
#[derive(Clone)]
pub(crate) struct Import {
    pub(crate) name: Expr,
    pub(crate) alias: Box<str>,
    /// The alias's slot among the namespace's variables.
    pub(crate) slot: u32,
    pub(crate) site: Option<Arc<Site>>,
}

#[derive(Clone)]
pub(crate) struct AssignBlock {
    pub(crate) target: AssignTarget,
    pub(crate) body: Vec<Node>,
    /// The format of what is captured.
    pub(crate) format: OutputFormat,
    /// `… in namespace`
    pub(crate) namespace: Option<Expr>,
}

#[derive(Clone)]
pub(crate) struct Branch {
    /// Its tag and its body; of a lone `#if` the end tag too.
    pub(crate) src: Src,
    pub(crate) condition: Option<Expr>,
    pub(crate) body: Vec<Node>,
}

#[derive(Clone)]
pub(crate) struct List {
    pub(crate) source: Expr,
    /// `None` when `#items` names the variables.
    pub(crate) vars: Option<LoopVars>,
    pub(crate) body: Vec<Node>,
    pub(crate) otherwise: Option<Vec<Node>>,
    /// Whether its own variables or those of its `#items` are a key and a value.
    pub(crate) by_key: bool,
    /// Where a list without variables hands its source to `#items`.
    pub(crate) source_slot: u32,
}

#[derive(Clone)]
pub(crate) struct Items {
    pub(crate) vars: LoopVars,
    pub(crate) source_slot: u32,
    pub(crate) body: Vec<Node>,
}

/// The variables of a loop: the item, or the key and the value; their slots; the loop's state is in the slot before.
#[derive(Clone)]
pub(crate) struct LoopVars {
    pub(crate) first: Box<str>,
    pub(crate) second: Option<Box<str>>,
    pub(crate) state_slot: u32,
}

impl LoopVars {
    pub(crate) fn first_slot(&self) -> u32 {
        self.state_slot + 1
    }

    pub(crate) fn second_slot(&self) -> u32 {
        self.state_slot + 2
    }
}

#[derive(Clone)]
pub(crate) struct AssignTarget {
    pub(crate) name: Box<str>,
    pub(crate) scope: AssignScope,
    pub(crate) slot: u32,
    /// Whether it is the only one of its tag.
    pub(crate) single: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AssignScope {
    Namespace,
    Local,
    Global,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AssignOp {
    Set,
    Arithmetic(Arithmetic),
    Increment,
    Decrement,
}

impl AssignOp {
    /// The operator as it stands in the tag.
    pub(crate) fn symbol(self) -> &'static str {
        match self {
            Self::Set => "=",
            Self::Arithmetic(Arithmetic::Add) => "+=",
            Self::Arithmetic(Arithmetic::Subtract) => "-=",
            Self::Arithmetic(Arithmetic::Multiply) => "*=",
            Self::Arithmetic(Arithmetic::Divide) => "/=",
            Self::Arithmetic(Arithmetic::Modulus) => "%=",
            Self::Increment => "++",
            Self::Decrement => "--",
        }
    }
}

#[derive(Clone)]
pub(crate) struct MacroDef {
    pub(crate) name: Box<str>,
    pub(crate) is_function: bool,
    pub(crate) src: Src,
    pub(crate) params: Vec<Param>,
    pub(crate) catch_all: Option<(Box<str>, u32)>,
    pub(crate) body: Vec<Node>,
    /// The slot among the namespace's variables.
    pub(crate) slot: u32,
    /// Local slots that a call needs.
    pub(crate) frame_size: u32,
    /// Whether `.args` is read in it.
    pub(crate) uses_args: bool,
    /// The slot of what `.args` is.
    pub(crate) args_slot: u32,
    /// Names and slots of its local variables, by name.
    pub(crate) locals: Vec<(Box<str>, u32)>,
}

impl MacroDef {
    /// The slot of the local variable `name`.
    pub(crate) fn local_slot(&self, name: &str) -> Option<u32> {
        let at = self
            .locals
            .binary_search_by(|(local, _)| (**local).cmp(name));
        at.ok().map(|at| self.locals[at].1)
    }
}

#[derive(Clone)]
pub(crate) struct Param {
    pub(crate) name: Box<str>,
    pub(crate) default: Option<Expr>,
    pub(crate) slot: u32,
}

#[derive(Clone)]
pub(crate) struct MacroCall {
    pub(crate) callee: Expr,
    pub(crate) args: CallArgs,
    pub(crate) loop_vars: Vec<(Box<str>, u32)>,
    pub(crate) body: Option<Vec<Node>>,
    pub(crate) site: Option<Arc<Site>>,
}

#[derive(Clone)]
pub(crate) enum CallArgs {
    Positional(Vec<Expr>),
    Named(Vec<(Box<str>, Expr)>),
}

#[derive(Clone)]
pub(crate) struct Switch {
    pub(crate) subject: Expr,
    /// In order.
    pub(crate) cases: Vec<Case>,
}

#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) when: CaseWhen,
    pub(crate) body: Vec<Node>,
}

#[derive(Clone)]
pub(crate) enum CaseWhen {
    /// `#case value`, which falls through to the next.
    Equal(Expr),
    /// `#on a, b`, which doesn't.
    OneOf(Vec<Expr>),
    Default,
}

impl CaseWhen {
    /// The value that the switch's is compared with first.
    pub(crate) fn first_value(&self) -> Option<&Expr> {
        match self {
            Self::Equal(value) => Some(value),
            Self::OneOf(values) => values.first(),
            Self::Default => None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Setting {
    NumberFormat,
    CFormat,
    BooleanFormat,
    DateFormat,
    TimeFormat,
    DateTimeFormat,
    TimeZone,
    Locale,
    OutputEncoding,
    UrlEscapingCharset,
    SqlDateAndTimeTimeZone,
}
