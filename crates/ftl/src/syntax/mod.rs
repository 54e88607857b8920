//! From source text to a tree.

pub(crate) mod ast;
mod directives;
mod expressions;
mod lexer;
mod literals;
mod parser;
mod source;
mod whitespace;

pub(crate) use parser::parse;
pub(crate) use source::{SourceMap, Src};
