//! From source text to a tree.

pub(crate) mod ast;
mod atoms;
mod builtin_calls;
mod directives;
mod expressions;
mod identifiers;
mod lexer;
mod literals;
mod lookahead;
mod naming;
mod options;
mod parser;
mod source;
mod tags;
mod text;
mod texts;
mod whitespace;

pub(crate) use identifiers::{is_escapable, is_identifier_start};
pub(crate) use options::{Interpolations, Options, Problem, boolean, is_boolean};
pub(crate) use parser::{Parsed, parse, parse_expression};
pub(crate) use source::{SourceMap, Src};
pub use tags::directive_names;

/// What is wrong with a `#return` that no macro and no function runs.
pub(crate) const RETURN_OUTSIDE: &str =
    "A return instruction can only occur inside a macro or function";
