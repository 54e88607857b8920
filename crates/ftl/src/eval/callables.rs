//! Calls of what the engine has made while the template runs: `?interpret`, `?with_args`, `.get_optional_template`,
//! `<@capture_output>`.

use std::rc::Rc;

use super::args::Passed;
use super::call::{MACRO_IN_EXPRESSION, Routine};
use super::env::{Env, Evaluated, Fault};
use super::exec::{Flow, is_used_up};
use crate::error::{Error, ErrorKind};
use crate::output_format::OutputFormat;
use crate::syntax::Src;
use crate::syntax::ast::{
    BuiltinCall, CallArgs, Expr, ExprKind, Formats, Lookup, MacroCall, MacroDef,
};
use crate::value::{BuiltinMethod, Callable, Map, PresetArgs, Str, Value, WithArgs};

impl<'a> Env<'a> {
    /// `<@callable …>`
    pub(super) fn call_callable(
        &mut self,
        src: Src,
        call: &'a MacroCall,
        callable: &Rc<Callable<'a>>,
    ) -> Evaluated<'a, Flow> {
        match &**callable {
            Callable::Interpreted(code) => {
                let site = call.site.as_deref();
                let run = self.run_code(src, code, self.namespace(), site);
                run.map_err(|fault| self.stopped(fault))?;
                match &call.body {
                    Some(body) => self.exec(body),
                    None => Ok(Flow::Next),
                }
            }
            Callable::Include(code) => {
                let has_args = match &call.args {
                    CallArgs::Positional(args) => !args.is_empty(),
                    CallArgs::Named(args) => !args.is_empty(),
                };
                let unsupported = if has_args {
                    "parameters"
                } else if !call.loop_vars.is_empty() {
                    "loop variables"
                } else if call.body.is_some() {
                    "nested content"
                } else {
                    self.run_code(src, code, self.namespace(), call.site.as_deref())?;
                    return Ok(Flow::Next);
                };
                let message = format!("This directive supports no {unsupported}.");
                Err(self.failure(ErrorKind::Value, message))
            }
            Callable::WithArgs(with) => match &with.callee {
                Value::Macro(def, home) => {
                    self.call_macro_directive(src, call, (def, *home), Some(with))
                }
                Value::Callable(_) if with.args.len() > 0 => {
                    let message = "This directive supports no parameters.";
                    Err(self.failure(ErrorKind::Value, message))
                }
                Value::Callable(inner) => self.call_callable(src, call, inner),
                other => Err(self.not_a_directive(call, other)),
            },
            Callable::OptionalTemplate | Callable::Import(_) | Callable::BuiltinMethod(_) => {
                Err(self.not_a_directive(call, &Value::Callable(Rc::clone(callable))))
            }
        }
    }

    /// The failure of what `?interpret` has made. That a budget is used up is told as it is: it may be many levels below.
    #[cold]
    fn stopped(&self, fault: Fault<'a>) -> Fault<'a> {
        let error = self.to_error(fault);
        if is_used_up(error.kind()) {
            return Fault::Error(error);
        }
        Fault::Error(error.of_interpreted())
    }

    /// `callable(args)`
    pub(super) fn call_method_value(
        &mut self,
        src: Src,
        callee: &'a Expr,
        callable: &Rc<Callable<'a>>,
        args: Vec<Option<Value<'a>>>,
    ) -> Evaluated<'a, Option<Value<'a>>> {
        match &**callable {
            Callable::OptionalTemplate => self.optional_template(&args).map(Some),
            Callable::Import(code) => {
                if !args.is_empty() {
                    let message = "This method supports no parameters.";
                    return Err(self.failure(ErrorKind::Value, message));
                }
                self.import_code(src, code, None).map(Some)
            }
            Callable::WithArgs(with) => {
                if matches!(with.callee, Value::Macro(def, _) if !def.is_function) {
                    return Err(self.failure(ErrorKind::Type, MACRO_IN_EXPRESSION));
                }
                let PresetArgs::Positional(preset) = &with.args else {
                    let message = "When applied on a method, ?with_args can't have a hash argument. Use a sequence argument.";
                    return Err(self.failure(ErrorKind::Value, message));
                };
                let all = joined(preset, args, with.last);
                match &with.callee {
                    Value::Macro(def, home) => {
                        let with = Some(with);
                        let home = *home;
                        self.call_function(src, Routine { def, home, with }, all)
                    }
                    inner => self.call_value(src, callee, inner, all),
                }
            }
            Callable::BuiltinMethod(method) => self.call_builtin_method(method, Some(args)),
            Callable::Interpreted(_) | Callable::Include(_) => {
                let value = Value::Callable(Rc::clone(callable));
                Err(self.type_fault(callee, "method or function", &value))
            }
        }
    }

    /// Runs a built-in that has been kept without its arguments; `None` if it gets none now either.
    pub(super) fn call_builtin_method(
        &mut self,
        method: &BuiltinMethod<'a>,
        args: Option<Vec<Option<Value<'a>>>>,
    ) -> Evaluated<'a, Option<Value<'a>>> {
        let call = self.held_call(method.call, args.as_ref().map(Vec::len))?;
        let target = std::iter::once(method.target.clone());
        let held = target.chain(args.into_iter().flatten()).collect();
        let before = std::mem::replace(&mut self.held, held);
        let result = call.builtin.run(self, call);
        self.held = before;
        result
    }

    /// The call of a built-in with so many arguments that are held.
    fn held_call(
        &mut self,
        call: &'a BuiltinCall,
        count: Option<usize>,
    ) -> Evaluated<'a, &'a BuiltinCall> {
        let key = (
            std::ptr::from_ref(call) as usize,
            count.unwrap_or(usize::MAX),
        );
        if let Some(known) = self.units.method(key) {
            return Ok(known);
        }
        self.charge(size_of::<BuiltinCall>() + (count.unwrap_or(0) + 1) * size_of::<Expr>())?;
        let held = |src, index: usize| Expr {
            src,
            kind: ExprKind::Held(index as u32),
        };
        let made = BuiltinCall {
            target: held(call.target.src, 0),
            args_fit: call.builtin.check_arity(&call.name, count).is_ok(),
            args: count.map(|count| (1..=count).map(|index| held(call.src, index)).collect()),
            formats: Formats::default(),
            lookup: Lookup::Call,
            ..call.clone()
        };
        Ok(self.units.keep_method(key, made))
    }

    /// The arguments of a macro's call together with the preset ones.
    pub(super) fn with_preset(
        &self,
        def: &'a MacroDef,
        with: &WithArgs<'a>,
        passed: Passed<'a>,
    ) -> Evaluated<'a, Passed<'a>> {
        Ok(match (passed, &with.args) {
            (Passed::Positional(values), PresetArgs::Positional(preset)) => {
                Passed::Positional(joined(preset, values, with.last))
            }
            (Passed::Named(values), PresetArgs::Named(preset)) => {
                let mut all = Map::default();
                let (first, then): (Vec<_>, Vec<_>) = if with.last {
                    (values, preset.to_vec())
                } else {
                    (preset.to_vec(), values)
                };
                for (name, value) in first {
                    all.insert(name, value);
                }
                for (name, value) in then {
                    // The call's own arguments win.
                    if !with.last || !all.contains(name.as_str()) {
                        all.insert(name, value);
                    }
                }
                Passed::Named(all.entries().to_vec())
            }
            (Passed::Named(_), PresetArgs::Positional(_)) if with.last => {
                let message = "Call can't pass parameters by name, as there's \"with args last\" in effect that specifies parameters by position.";
                return Err(self.failure(ErrorKind::Value, message));
            }
            (Passed::Named(values), PresetArgs::Positional(preset)) => {
                let mut all = Map::default();
                if preset.len() > def.params.len() {
                    if def.catch_all.is_some() {
                        return Err(self.both_kinds_caught(def));
                    }
                    return Err(self.failure(
                        ErrorKind::Value,
                        format!(
                            "Macro {} only accepts {} parameters, but got {}.",
                            crate::error::java_quoted(&def.name),
                            def.params.len(),
                            preset.len()
                        ),
                    ));
                }
                for (param, value) in def.params.iter().zip(preset.iter()) {
                    all.insert(Str::Borrowed(&param.name), value.clone());
                }
                for (name, value) in values {
                    all.insert(name, value);
                }
                Passed::Named(all.entries().to_vec())
            }
            (Passed::Positional(values), PresetArgs::Named(preset))
                if preset.is_empty() && !values.is_empty() =>
            {
                Passed::Positional(values)
            }
            (Passed::Positional(values), PresetArgs::Named(preset)) => {
                let mut all = Map::default();
                for (name, value) in preset.iter() {
                    all.insert(name.clone(), value.clone());
                }
                if values.len() > def.params.len() {
                    let caught = preset.iter().any(|(name, _)| {
                        def.params.iter().all(|param| *param.name != *name.as_str())
                    });
                    if caught && def.catch_all.is_some() {
                        return Err(self.both_kinds_caught(def));
                    }
                    return Ok(Passed::Positional(values));
                }
                for (param, value) in def.params.iter().zip(values) {
                    all.insert(Str::Borrowed(&param.name), value);
                }
                Passed::Named(all.entries().to_vec())
            }
        })
    }

    #[cold]
    fn both_kinds_caught(&self, def: &MacroDef) -> Fault<'a> {
        let message = format!(
            "{} {} call can't have both named and positional arguments that has to go into catch-all parameter.",
            if def.is_function { "Function" } else { "Macro" },
            crate::error::java_quoted(&def.name)
        );
        self.failure(ErrorKind::Value, message)
    }

    /// `<@capture_output var="name" …>`: the content becomes the value of a variable.
    pub(super) fn capture_output(&mut self, call: &'a MacroCall) -> Evaluated<'a, Flow> {
        let (scope, name, namespace) = self.capture_target(call)?;
        let Some(body) = &call.body else {
            return Ok(Flow::Next);
        };
        let mut flow = Flow::Next;
        let captured = self.capture(|env| {
            flow = env.exec(body)?;
            Ok(())
        })?;
        let value = self.captured_markup(captured, &OutputFormat::Undefined)?;
        self.charge_items(1)?;
        match scope {
            "local" if self.place.running.is_none() => {
                let message = format!("Could not set variable {name}: Not executing macro body");
                return Err(Fault::Error(
                    Error::new(ErrorKind::Value, message).foreign(),
                ));
            }
            "local" => {
                let slot = self.place.running.and_then(|running| {
                    let slot = running.def.local_slot(&name)?;
                    Some((running.base, slot))
                });
                if let Some((base, slot)) = slot
                    && let Some(local) = self.locals.get_mut(base + slot as usize)
                {
                    *local = Some(value);
                }
            }
            "global" => self.globals.set(&name, Some(value)),
            _ => self.namespaces[namespace as usize].set(&name, Some(value)),
        }
        Ok(flow)
    }

    fn capture_target(&mut self, call: &'a MacroCall) -> Evaluated<'a, (&'a str, String, u32)> {
        let refuse = |env: &Self, message: &str| Err(env.failure(ErrorKind::Value, message));
        let args: &'a [(Box<str>, Expr)] = match &call.args {
            CallArgs::Named(args) => args,
            CallArgs::Positional(_) => &[],
        };
        let targets: Vec<&(Box<str>, Expr)> = args
            .iter()
            .filter(|(name, _)| matches!(&**name, "var" | "local" | "global"))
            .collect();
        let (scope, expr) = match targets[..] {
            [] => {
                return refuse(
                    self,
                    "Must specify the name of the variable in which to capture the output with the 'var' or 'local' or 'global' parameter.",
                );
            }
            [(scope, expr)] => (&**scope, expr),
            _ => {
                // Two of them: the second one counts as something else, unless it is another of the three.
                let both = targets.len() > 1 && args.len() > 2;
                return refuse(
                    self,
                    if both {
                        "Bad parameters. Use only one of 'var' or 'local' or 'global' parameters."
                    } else {
                        "Second parameter can only be namespace"
                    },
                );
            }
        };
        let mut namespace = self.namespace();
        match args.len() {
            1 => {}
            2 => {
                let Some((_, given)) = args.iter().find(|(name, _)| **name == *"namespace") else {
                    return refuse(self, "Second parameter can only be namespace");
                };
                if scope != "var" {
                    return refuse(
                        self,
                        "Cannot specify namespace for a local or global assignment",
                    );
                }
                match self.eval(given)? {
                    Value::Namespace(found) => {
                        self.load_pending(found)?;
                        namespace = found;
                    }
                    _ => {
                        return refuse(self, "namespace parameter does not specify a namespace.");
                    }
                }
            }
            _ => {
                return refuse(
                    self,
                    "Bad parameters. Use only one of 'var' or 'local' or 'global' parameters.",
                );
            }
        }
        match self.eval_opt(expr)? {
            Some(Value::Str(name)) => Ok((scope, name.as_str().to_owned(), namespace)),
            _ => refuse(
                self,
                "'var' or 'local' or 'global' parameter doesn't evaluate to a string",
            ),
        }
    }
}

fn joined<'a>(
    preset: &[Option<Value<'a>>],
    args: Vec<Option<Value<'a>>>,
    last: bool,
) -> Vec<Option<Value<'a>>> {
    let preset = preset.iter().cloned();
    if last {
        args.into_iter().chain(preset).collect()
    } else {
        preset.chain(args).collect()
    }
}

/// What `.get_optional_template(…)` says of an argument.
pub(super) fn bad_option(message: &str) -> Error {
    Error::new(
        ErrorKind::Value,
        format!(".get_optional_template(...) argument #2 had invalid value: {message}"),
    )
}
