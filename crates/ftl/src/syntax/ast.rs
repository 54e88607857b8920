//! The tree that a template is compiled to. Names carry their binding, which `compile` fills in.

use std::sync::{Arc, OnceLock};

use crate::builtins::Builtin;
use crate::datetime::DateFormat;
use crate::number::NumberFormat;
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
    Dot(Box<Expr>, Box<str>),
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
    /// The slot among the namespace's variables.
    pub(crate) namespace: Option<u32>,
    /// The slot among the global variables.
    pub(crate) global: Option<u32>,
    /// For `x_index` and `x_has_next`: the loop's state.
    pub(crate) legacy_loop: Option<(u32, LoopField)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LoopField {
    Index,
    HasNext,
}

#[derive(Clone)]
pub(crate) struct BuiltinCall {
    pub(crate) target: Expr,
    pub(crate) builtin: &'static Builtin,
    /// `None` without parentheses.
    pub(crate) args: Option<Vec<Expr>>,
    /// The loop's state, for built-ins that ask a loop variable.
    pub(crate) loop_slot: Option<u32>,
    pub(crate) formats: Formats,
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
    Now,
    Vars,
    Globals,
    Locals,
    Namespace,
    Main,
    DataModel,
    TemplateName,
    Locale,
    Lang,
    TimeZone,
    Version,
    Error,
    OutputEncoding,
    OutputFormat,
    UrlEscapingCharset,
    AutoEsc,
    IncompatibleImprovements,
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

/// A piece of a template.
#[derive(Clone)]
pub(crate) enum Node {
    Text(Box<str>),
    /// Text whose white-space hasn't been stripped yet; only the parser knows it.
    TextRef(usize),
    Output(Expr),
    /// `#{x; m1M2}`
    NumericOutput {
        expr: Expr,
        format: Box<NumberFormat>,
    },
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
    Nested {
        src: Src,
        args: Vec<Expr>,
    },
    Stop(Src, Option<Expr>),
    Assign(AssignTarget, AssignOp, Option<Expr>),
    AssignBlock(AssignTarget, Vec<Node>),
    Macro(Box<MacroDef>),
    Call(Box<MacroCall>),
    Switch(Box<Switch>),
    Setting {
        src: Src,
        name: Setting,
        value: Expr,
    },
    Compress(Vec<Node>),
    Attempt {
        body: Vec<Node>,
        recover: Vec<Node>,
    },
}

#[derive(Clone)]
pub(crate) struct Branch {
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
    pub(crate) src: Src,
    pub(crate) name: Box<str>,
    pub(crate) scope: AssignScope,
    pub(crate) slot: u32,
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

#[derive(Clone)]
pub(crate) struct MacroDef {
    pub(crate) name: Box<str>,
    pub(crate) is_function: bool,
    pub(crate) params: Vec<Param>,
    pub(crate) catch_all: Option<(Box<str>, u32)>,
    pub(crate) body: Vec<Node>,
    /// The slot among the namespace's variables.
    pub(crate) slot: u32,
    /// Local slots that a call needs.
    pub(crate) frame_size: u32,
    /// Names and slots of its local variables, for `.locals`.
    pub(crate) locals: Vec<(Box<str>, u32)>,
}

#[derive(Clone)]
pub(crate) struct Param {
    pub(crate) name: Box<str>,
    pub(crate) default: Option<Expr>,
    pub(crate) slot: u32,
}

#[derive(Clone)]
pub(crate) struct MacroCall {
    pub(crate) src: Src,
    pub(crate) callee: Expr,
    pub(crate) args: CallArgs,
    pub(crate) loop_vars: Vec<(Box<str>, u32)>,
    pub(crate) body: Option<Vec<Node>>,
}

#[derive(Clone)]
pub(crate) enum CallArgs {
    Positional(Vec<Expr>),
    Named(Vec<(Box<str>, Expr)>),
}

#[derive(Clone)]
pub(crate) struct Switch {
    pub(crate) subject: Expr,
    /// In order; `None` is `#default`.
    pub(crate) cases: Vec<(Option<Expr>, Vec<Node>)>,
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
    SqlTimeZone,
    Locale,
    OutputEncoding,
    UrlEscapingCharset,
}
