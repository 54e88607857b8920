//! The tree that a template is compiled to. Names carry their binding, which `compile` fills in.

use std::sync::{Arc, OnceLock};

use crate::builtins::Builtin;
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
    /// The whole, from the target to the last argument.
    pub(crate) src: Src,
    pub(crate) target: Expr,
    pub(crate) builtin: &'static Builtin,
    /// `None` without parentheses.
    pub(crate) args: Option<Vec<Expr>>,
    /// The loop's state, for built-ins that ask a loop variable.
    pub(crate) loop_slot: Option<u32>,
    pub(crate) formats: Formats,
    /// How the arguments stand: `?name(a)`, `?name["a"]`, `?name.a`.
    pub(crate) lookup: Lookup,
    /// The output format at the place, for built-ins that depend on it.
    pub(crate) output_format: OutputFormat,
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
    DataModel,
    Error,
    Globals,
    IncompatibleImprovements,
    Lang,
    Locale,
    Locals,
    Main,
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
}

#[derive(Clone)]
pub(crate) struct AssignBlock {
    pub(crate) target: AssignTarget,
    pub(crate) body: Vec<Node>,
    /// The format of what is captured.
    pub(crate) format: OutputFormat,
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
