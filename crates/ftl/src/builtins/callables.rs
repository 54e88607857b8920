//! Built-ins that run data as code, name templates, and work on macros and functions.

use std::rc::Rc;

use super::{Args, Builtin, Returned, Run, define};
use crate::error::ErrorKind;
use crate::eval::{Env, Evaluated, Fault};
use crate::loader::{absolute, full_name};
use crate::syntax::ast::BuiltinCall;
use crate::value::{Callable, PresetArgs, Str, Value, WithArgs};

/// How often `?with_args` may be applied to what it has returned.
const MAX_WITH_ARGS: usize = 64;

pub(super) const TABLE: &[Builtin] = &[
    define("eval", Run::Str(eval), Args::None),
    define("interpret", Run::Any(interpret), Args::None),
    define(
        "absolute_template_name",
        Run::Str(absolute_template_name),
        Args::Optional(1, 1),
    ),
    define("namespace", Run::Any(namespace), Args::None),
    define("with_args", Run::Any(with_args), Args::Required(1, 1)),
    define("with_args_last", Run::Any(with_args), Args::Required(1, 1)),
];

fn eval<'a>(env: &mut Env<'a>, call: &'a BuiltinCall, text: Str<'a>) -> Returned<'a> {
    env.eval_text(call, text.as_str())
}

fn interpret<'a>(env: &mut Env<'a>, call: &'a BuiltinCall, value: Value<'a>) -> Returned<'a> {
    let (text, id) = match &value {
        sequence if sequence.is_sequence() => {
            let text = env.item(sequence, 0);
            let id = env.item(sequence, 1);
            (text.ok_or_else(|| env.missing_item(&call.target))?, id)
        }
        _ => (value.clone(), None),
    };
    let id = match id {
        Some(Value::Str(id)) => id,
        _ => Str::Borrowed("anonymous_interpreted"),
    };
    match text {
        Value::Str(text) => env.interpret(call, text.as_str(), id.as_str()),
        Value::Number(_) | Value::Bool(_) | Value::Date(_) if value.is_sequence() => {
            let text = env.string_of(&call.target, text)?;
            env.interpret(call, text.as_str(), id.as_str())
        }
        other => Err(env.type_fault(&call.target, "sequence or string", &other)),
    }
}

fn absolute_template_name<'a>(
    env: &mut Env<'a>,
    call: &'a BuiltinCall,
    name: Str<'a>,
) -> Returned<'a> {
    let base = match call.arg_count() {
        0 => env.template.name.to_string(),
        _ => env.arg_str(call, 0)?.as_str().to_owned(),
    };
    env.made(absolute(&full_name(&base, name.as_str())))
        .map(Some)
}

fn namespace<'a>(env: &mut Env<'a>, call: &'a BuiltinCall, value: Value<'a>) -> Returned<'a> {
    let value = match &value {
        Value::Callable(callable) => match &**callable {
            Callable::WithArgs(with) => with.callee.clone(),
            _ => value,
        },
        _ => value,
    };
    match value {
        Value::Macro(_, home) => Ok(Some(Value::Namespace(env.units.get(home).namespace))),
        other => Err(env.type_fault(&call.target, "macro or function", &other)),
    }
}

fn with_args<'a>(env: &mut Env<'a>, call: &'a BuiltinCall, callee: Value<'a>) -> Returned<'a> {
    // Preset arguments of a macro take the place of earlier ones.
    let callee = match callee {
        Value::Callable(callable) => match &*callable {
            Callable::WithArgs(with) if matches!(with.callee, Value::Macro(..)) => {
                with.callee.clone()
            }
            _ => Value::Callable(callable),
        },
        other => other,
    };
    check_callable(env, call, &callee)?;
    let arg = env.arg_expr(call, 0)?;
    let Some(value) = env.eval_opt(arg)? else {
        return Err(unfit(env, call, "a Null"));
    };
    let args = if value.is_hash_ex() {
        if matches!(&callee, Value::Macro(def, _) if def.is_function) {
            let message = format!(
                "When applied on a function, ?{} can't have a hash argument. Use a sequence argument.",
                call.builtin.name
            );
            return Err(env.failure(ErrorKind::Value, message));
        }
        PresetArgs::Named(env.entries(&value)?.into())
    } else if value.is_sequence() {
        PresetArgs::Positional(env.items(&value)?.into())
    } else {
        return Err(unfit(
            env,
            call,
            &crate::eval::with_article(value.type_name()),
        ));
    };
    if matches!(&callee, Value::Callable(callable) if callable.is_directive() && matches!(args, PresetArgs::Positional(_)))
    {
        let message = format!(
            "When applied on a directive, ?{}(...) can't have a sequence argument. Use a hash argument.",
            call.builtin.name
        );
        return Err(env.failure(ErrorKind::Value, message));
    }
    let depth = match &callee {
        Value::Callable(callable) => match &**callable {
            Callable::WithArgs(with) => with.depth + 1,
            _ => 1,
        },
        _ => 1,
    };
    if depth > MAX_WITH_ARGS {
        let message = format!("?with_args is applied more than {MAX_WITH_ARGS} times");
        return Err(env.failure(ErrorKind::Depth, message));
    }
    env.charge_items(4)?;
    let with = WithArgs {
        callee,
        args,
        last: call.builtin.name == "with_args_last",
        depth,
    };
    Ok(Some(Value::Callable(Rc::new(Callable::WithArgs(with)))))
}

/// Whether `?with_args` can be applied.
pub(super) fn check_callable<'a>(
    env: &Env<'a>,
    call: &'a BuiltinCall,
    callee: &Value<'a>,
) -> Evaluated<'a, ()> {
    let is_callable = match callee {
        Value::Macro(..) | Value::Host(_) => true,
        Value::Callable(callable) => !matches!(**callable, Callable::Interpreted(_)),
        _ => false,
    };
    if is_callable {
        return Ok(());
    }
    let expected = "macro, function, directive, or method";
    Err(env.type_fault(&call.target, expected, callee))
}

#[cold]
fn unfit<'a>(env: &Env<'a>, call: &BuiltinCall, found: &str) -> Fault<'a> {
    let message = format!(
        "?{}(...) expects an extended hash or sequence as argument #1, but received {found}.",
        call.builtin.name
    );
    env.failure(ErrorKind::Type, message)
}
