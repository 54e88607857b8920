//! Running a template.

mod args;
mod assign;
mod call;
mod callables;
mod canonical;
mod compare;
mod compress;
mod convert;
mod dump;
mod env;
mod exec;
mod expr;
mod first;
mod formatters;
mod java_order;
mod list;
mod load;
mod lookup;
mod operators;
mod roles;
mod slices;
mod stream;
mod trace;
mod units;
mod zones;

pub(crate) use canonical::Printer;
pub(crate) use compare::{NAN_COMPARED, compared_bytes, has_nan, incomparable_message, ordering};
pub(crate) use env::{Env, Evaluated, Fault, render, with_article};
pub(crate) use exec::{COMPILED_BYTES_PER_STEP, TEXT_BYTES_PER_STEP};
pub(crate) use java_order::java_order_by;
pub(crate) use operators::{has_groups, seq_is_empty, seq_len};
pub(crate) use slices::UNCHECKED;
pub(crate) use stream::{Stream, is_lazy};
