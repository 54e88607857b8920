//! Built-ins that provide for missing values or choose between values.

use super::{Args, Builtin, Returned, Run, define};
use crate::error::ErrorKind;
use crate::eval::{
    Env, Fault, NAN_COMPARED, TEXT_BYTES_PER_STEP, compared_bytes, has_nan, seq_is_empty,
};
use crate::syntax::ast::BuiltinCall;
use crate::value::{Scope, UnreadKind, Value};

pub(super) const TABLE: &[Builtin] = &[
    define(
        "default",
        Run::Optional(default),
        Args::Required(1, usize::MAX),
    ),
    define("exists", Run::Optional(exists), Args::None),
    define("if_exists", Run::Optional(if_exists), Args::None),
    define("has_content", Run::Optional(has_content), Args::None),
    define("then", Run::Items(then), Args::Required(2, 2)),
    define("switch", Run::Any(switch), Args::Required(2, usize::MAX)),
];

fn default<'a>(env: &mut Env<'a>, call: &'a BuiltinCall, value: Option<Value<'a>>) -> Returned<'a> {
    let mut found = value;
    // All arguments are evaluated, wanted or not.
    for arg in call.args.iter().flatten() {
        let value = env.eval_opt(arg)?;
        found = found.or(value);
    }
    if found.is_none() && call.arg_count() == 0 {
        let message =
            "?default(...) expects 1 or more (unlimited) arguments but has received none.";
        return Err(env.failure(ErrorKind::Value, message));
    }
    Ok(found)
}

fn exists<'a>(_: &mut Env<'a>, _: &'a BuiltinCall, value: Option<Value<'a>>) -> Returned<'a> {
    Ok(Some(Value::Bool(value.is_some())))
}

fn if_exists<'a>(_: &mut Env<'a>, _: &'a BuiltinCall, value: Option<Value<'a>>) -> Returned<'a> {
    Ok(Some(value.unwrap_or(Value::Nothing)))
}

fn has_content<'a>(
    env: &mut Env<'a>,
    _: &'a BuiltinCall,
    value: Option<Value<'a>>,
) -> Returned<'a> {
    let content = match &value {
        None | Some(Value::Nothing) => false,
        Some(Value::Unread(unread)) if unread.kind == UnreadKind::Url => {
            return Err(Fault::Error(unread.error.clone()));
        }
        Some(Value::Str(text)) => !text.as_str().is_empty(),
        Some(Value::Markup(markup)) => !markup.is_empty(),
        Some(Value::HashView(hash)) => !hash.is_empty(),
        Some(Value::Map(map)) => !map.entries().is_empty(),
        Some(value) if value.is_sequence() => !seq_is_empty(value),
        Some(Value::Scope(Scope::DataModel)) => true,
        Some(value) if value.is_hash_ex() => !env.entries(value)?.is_empty(),
        Some(_) => true,
    };
    Ok(Some(Value::Bool(content)))
}

fn then<'a>(env: &mut Env<'a>, call: &'a BuiltinCall) -> Returned<'a> {
    let yes = env.eval_bool(&call.target)?;
    env.eval(env.arg_expr(call, usize::from(!yes))?).map(Some)
}

fn switch<'a>(env: &mut Env<'a>, call: &'a BuiltinCall, value: Value<'a>) -> Returned<'a> {
    let count = call.arg_count();
    for pair in 0..count / 2 {
        let case = env.eval(env.arg_expr(call, pair * 2)?)?;
        env.steps(compared_bytes(&value, &case) / TEXT_BYTES_PER_STEP)?;
        if has_nan(&value, &case) {
            return Err(env.fault(ErrorKind::Value, call.src, NAN_COMPARED));
        }
        match env.ordering(&value, &case) {
            Some(std::cmp::Ordering::Equal) => {
                return env.eval(env.arg_expr(call, pair * 2 + 1)?).map(Some);
            }
            Some(_) => {}
            None => {
                let case_expr = env.arg_expr(call, pair * 2)?;
                let message = format!(
                    "Can't compare values of these types. Allowed comparisons are between two numbers, two strings, two dates, or two booleans.\nLeft hand operand ({}) value is {}.\nRight hand operand ({}) value is {}.",
                    env.shown(&call.target),
                    crate::eval::with_article(value.type_name()),
                    env.shown(case_expr),
                    crate::eval::with_article(case.type_name())
                );
                return Err(env.fault(ErrorKind::Type, call.src, message));
            }
        }
    }
    if count % 2 == 1 {
        return env.eval(env.arg_expr(call, count - 1)?).map(Some);
    }
    let message = "The value before ?switch(case1, value1, case2, value2, ...) didn't match any of the case parameters, and there was no default value parameter (an additional last parameter) eithter.";
    Err(env.fault(ErrorKind::Value, call.target.src, message))
}
