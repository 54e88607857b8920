//! Calls with a number of arguments that doesn't fit.

use std::rc::Rc;

use super::{Args, Builtin, Returned, Run, not_a_date};
use crate::error::ErrorKind;
use crate::eval::{Env, Evaluated, Fault};
use crate::syntax::ast::{BuiltinCall, Expr};
use crate::value::{BuiltinMethod, Callable, Value};

impl Builtin {
    /// A call with too few or too many arguments fails, for its target if that doesn't fit either; without any it is a
    /// method that nobody has called yet.
    pub(super) fn misfit<'a>(&self, env: &mut Env<'a>, call: &'a BuiltinCall) -> Returned<'a> {
        let target = match self.run {
            Run::Str(_) | Run::Text(_) => Some(Value::Str(self.string_target(env, call)?)),
            Run::Number(_) => Some(Value::Number(env.eval_number(&call.target)?)),
            Run::Optional(_) => env.eval_guarded(&call.target)?,
            Run::Date(_) => match env.eval(&call.target)? {
                Value::Date(date) => Some(Value::Date(date)),
                other => return Err(not_a_date(env, call, &other)),
            },
            Run::Loop(_) => None,
            Run::Seq(_) | Run::Items(_) | Run::Any(_) | Run::Unread(_) => {
                let value = env.eval(&call.target)?;
                match self.name {
                    "string" => {
                        if matches!(value, Value::Bool(_) | Value::Number(_) | Value::Date(_)) {
                            super::numbers::check_default_format(env, call, &value)?;
                            self.misfitting_strings(env, call)?;
                        }
                        return Err(self.string_misfit(env, call, &value));
                    }
                    "date" | "time" | "datetime" => {
                        if let Value::Date(date) = &value {
                            super::dates::check_kind(env, call, date.kind)?;
                            return Err(not_a_method(env, call, &value));
                        }
                        env.string_of(&call.target, value)?;
                        return Err(self.misfitting_strings(env, call)?);
                    }
                    "with_args" | "with_args_last" => {
                        super::callables::check_callable(env, call, &value)?;
                    }
                    _ => {}
                }
                let wanted = match self.run {
                    Run::Seq(_) => Some("sequence"),
                    Run::Items(_) if self.name != "size" => Some("sequence or collection"),
                    _ => None,
                };
                if let Some(wanted) = wanted
                    && !value.is_sequence()
                {
                    return Err(env.type_fault(&call.target, wanted, &value));
                }
                Some(value)
            }
        };
        if call.args.is_none() {
            env.charge_items(4)?;
            let method = BuiltinMethod { call, target };
            return Ok(Some(Value::Callable(Rc::new(Callable::BuiltinMethod(
                method,
            )))));
        }
        // These are methods of the old kind, which takes strings.
        if matches!(
            self.name,
            "url" | "url_path" | "replace" | "split" | "matches"
        ) {
            return Err(self.misfitting_strings(env, call)?);
        }
        for arg in call.args.iter().flatten() {
            env.eval_opt(arg)?;
        }
        Err(self.miscounted(env, call))
    }

    fn miscounted<'a>(&self, env: &Env<'a>, call: &BuiltinCall) -> Fault<'a> {
        let message = self.check_arity(&call.name, call.args.as_deref().map(<[Expr]>::len));
        env.failure(ErrorKind::Value, message.err().unwrap_or_default())
    }

    /// The same for what takes strings, as which all arguments are evaluated.
    fn misfitting_strings<'a>(
        &self,
        env: &mut Env<'a>,
        call: &'a BuiltinCall,
    ) -> Evaluated<'a, Fault<'a>> {
        for arg in call.args.iter().flatten() {
            env.eval_string(arg)?;
        }
        Ok(self.miscounted(env, call))
    }

    /// What is wrong with the arguments of `?string` depends on what it is to make a string of.
    fn string_misfit<'a>(
        &self,
        env: &Env<'a>,
        call: &'a BuiltinCall,
        value: &Value<'a>,
    ) -> Fault<'a> {
        let got = match call.arg_count() {
            0 => "none".to_owned(),
            count => count.to_string(),
        };
        let expected = match value {
            Value::Bool(_) => "2 arguments",
            Value::Number(_) | Value::Date(_) => "1 argument",
            Value::Str(_) => {
                let message = "For \"...(...)\" callee: Expected a method or function, but this has evaluated to a string:";
                return env.fault(ErrorKind::Type, call.head, message);
            }
            other => {
                let expected = "number, date, boolean or string";
                return env.type_fault(&call.target, expected, other);
            }
        };
        let message = format!("?string(...) expects {expected} but has received {got}.");
        env.failure(ErrorKind::Value, message)
    }

    /// Checks the number of arguments; `None` is for no parentheses at all.
    pub(crate) fn check_arity(&self, name: &str, count: Option<usize>) -> Result<(), String> {
        let (min, max, given) = match (self.args, count) {
            // ?default() provides nothing.
            (_, Some(0)) if self.name == "default" => return Ok(()),
            (Args::None, _) | (Args::Optional(..), None) => return Ok(()),
            (Args::Optional(min, max), Some(given)) => (min, max, given),
            (Args::Required(min, max), given) => (min, max, given.unwrap_or(0)),
        };
        // ?sort_by passes over what comes after its argument.
        if (min..=max).contains(&given) || (self.name == "sort_by" && given > max) {
            return Ok(());
        }
        if self.name == "switch" {
            return Err(format!("?switch(...) must have at least {min} parameters"));
        }
        let expected = if min == max {
            min.to_string()
        } else if max == min + 1 {
            format!("{min} or {max}")
        } else if max == usize::MAX {
            format!("{min} or more (unlimited)")
        } else {
            format!("{min} to {max}")
        };
        if matches!(
            self.name,
            "then" | "map" | "filter" | "take_while" | "drop_while"
        ) {
            return Err(format!("?{name}(...) requires exactly {min} parameters"));
        }
        let plural = if max == 1 { "" } else { "s" };
        let got = if given == 0 {
            "none".to_owned()
        } else {
            given.to_string()
        };
        Err(format!(
            "?{name}(...) expects {expected} argument{plural} but has received {got}."
        ))
    }
}

/// What `target?name` gives can't be called.
#[cold]
pub(super) fn not_a_method<'a>(env: &Env<'a>, call: &BuiltinCall, found: &Value<'a>) -> Fault<'a> {
    let message = format!(
        "For \"...(...)\" callee: Expected a method or function, but this has evaluated to {}:",
        crate::eval::with_article(found.type_name())
    );
    env.fault(ErrorKind::Type, call.head, message)
}
