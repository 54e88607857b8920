//! From source text to a tree.

pub(crate) mod ast;
mod builtin_calls;
mod directives;
mod expressions;
mod lexer;
mod literals;
mod naming;
mod options;
mod parser;
mod source;
mod tags;
mod text;
mod whitespace;

pub(crate) use options::{Options, Problem, boolean};
pub(crate) use parser::{Parsed, parse, parse_expression};
pub(crate) use source::{SourceMap, Src};
pub use tags::directive_names;
