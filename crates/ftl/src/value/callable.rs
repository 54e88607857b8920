//! Directives and methods that the engine makes while a template runs.

use std::rc::Rc;

use super::{Str, Value};
use crate::syntax::ast::BuiltinCall;
use crate::template::Code;

pub(crate) enum Callable<'a> {
    /// `text?interpret`: a directive that runs the text.
    Interpreted(&'a Code),
    /// `.get_optional_template`: a method; names are relative to the template that calls it.
    OptionalTemplate,
    /// What that returns: a directive that runs the template.
    Include(&'a Code),
    /// And a method that imports it.
    Import(&'a Code),
    /// `callee?with_args(…)`
    WithArgs(WithArgs<'a>),
    /// `target?name` of a built-in that has not got its arguments there.
    BuiltinMethod(BuiltinMethod<'a>),
}

/// A built-in that waits for its arguments.
pub(crate) struct BuiltinMethod<'a> {
    pub(crate) call: &'a BuiltinCall,
    pub(crate) target: Option<Value<'a>>,
}

/// A callable with some of its arguments.
pub(crate) struct WithArgs<'a> {
    pub(crate) callee: Value<'a>,
    pub(crate) args: PresetArgs<'a>,
    /// Whether they come after the call's own ones (`?with_args_last`).
    pub(crate) last: bool,
    /// How many callables with arguments the callee is made of.
    pub(crate) depth: usize,
}

#[derive(Clone)]
pub(crate) enum PresetArgs<'a> {
    Positional(Rc<[Option<Value<'a>>]>),
    Named(Rc<[(Str<'a>, Option<Value<'a>>)]>),
}

impl PresetArgs<'_> {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Positional(args) => args.len(),
            Self::Named(args) => args.len(),
        }
    }
}

impl Callable<'_> {
    /// Whether `<@callable>` works.
    pub(crate) fn is_directive(&self) -> bool {
        match self {
            Self::Interpreted(_) | Self::Include(_) => true,
            Self::OptionalTemplate | Self::Import(_) | Self::BuiltinMethod(_) => false,
            Self::WithArgs(with) => match &with.callee {
                Value::Callable(inner) => inner.is_directive(),
                callee => matches!(callee, Value::Macro(..)),
            },
        }
    }

    /// What FreeMarker calls this kind of value in messages.
    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Self::Interpreted(_) => "transform",
            Self::OptionalTemplate | Self::Import(_) | Self::BuiltinMethod(_) => "method",
            Self::Include(_) => "directive",
            Self::WithArgs(with) => with.callee.type_name(),
        }
    }
}
