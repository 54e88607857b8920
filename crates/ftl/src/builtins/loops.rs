//! Built-ins on loop variables.

use super::{Args, Builtin, Returned, Run, define};
use crate::eval::Env;
use crate::syntax::ast::BuiltinCall;
use crate::value::{LoopState, Value};

pub(super) const TABLE: &[Builtin] = &[
    define("index", Run::Loop(index), Args::None),
    define("counter", Run::Loop(counter), Args::None),
    define("has_next", Run::Loop(has_next), Args::None),
    define("is_first", Run::Loop(is_first), Args::None),
    define("is_last", Run::Loop(is_last), Args::None),
    define("is_odd_item", Run::Loop(is_odd_item), Args::None),
    define("is_even_item", Run::Loop(is_even_item), Args::None),
    define("item_parity", Run::Loop(item_parity), Args::None),
    define("item_parity_cap", Run::Loop(item_parity_cap), Args::None),
    define(
        "item_cycle",
        Run::Loop(item_cycle),
        Args::Required(1, usize::MAX),
    ),
];

fn index<'a>(_: &mut Env<'a>, _: &'a BuiltinCall, state: LoopState) -> Returned<'a> {
    Ok(Some(Value::int(i64::from(state.index))))
}

fn counter<'a>(_: &mut Env<'a>, _: &'a BuiltinCall, state: LoopState) -> Returned<'a> {
    Ok(Some(Value::int(i64::from(state.index) + 1)))
}

fn has_next<'a>(_: &mut Env<'a>, _: &'a BuiltinCall, state: LoopState) -> Returned<'a> {
    Ok(Some(Value::Bool(state.has_next)))
}

fn is_first<'a>(_: &mut Env<'a>, _: &'a BuiltinCall, state: LoopState) -> Returned<'a> {
    Ok(Some(Value::Bool(state.index == 0)))
}

fn is_last<'a>(_: &mut Env<'a>, _: &'a BuiltinCall, state: LoopState) -> Returned<'a> {
    Ok(Some(Value::Bool(!state.has_next)))
}

/// Items are counted from 1 here: the first one is odd.
fn is_odd(state: LoopState) -> bool {
    state.index.is_multiple_of(2)
}

fn is_odd_item<'a>(_: &mut Env<'a>, _: &'a BuiltinCall, state: LoopState) -> Returned<'a> {
    Ok(Some(Value::Bool(is_odd(state))))
}

fn is_even_item<'a>(_: &mut Env<'a>, _: &'a BuiltinCall, state: LoopState) -> Returned<'a> {
    Ok(Some(Value::Bool(!is_odd(state))))
}

fn item_parity<'a>(_: &mut Env<'a>, _: &'a BuiltinCall, state: LoopState) -> Returned<'a> {
    Ok(Some(Value::str(if is_odd(state) { "odd" } else { "even" })))
}

fn item_parity_cap<'a>(_: &mut Env<'a>, _: &'a BuiltinCall, state: LoopState) -> Returned<'a> {
    Ok(Some(Value::str(if is_odd(state) { "Odd" } else { "Even" })))
}

fn item_cycle<'a>(env: &mut Env<'a>, call: &'a BuiltinCall, state: LoopState) -> Returned<'a> {
    let chosen = state.index as usize % call.arg_count().max(1);
    env.eval_opt(env.arg_expr(call, chosen)?)
}
