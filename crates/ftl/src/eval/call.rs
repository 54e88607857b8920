//! Calls: macros, functions, nested content, functions of the host's.

use std::rc::Rc;

use super::args::{Given, Passed, takes_directly};
use super::env::{Env, Evaluated, Fault, Nested};
use super::exec::Flow;
use super::stream::Function;
use crate::compile::Program;
use crate::data::View;
use crate::error::ErrorKind;
use crate::output_format::OutputFormat;
use crate::syntax::Src;
use crate::syntax::ast::{
    BuiltinCall, CallArgs, Expr, ExprKind, MacroCall, MacroDef, Node, NodeKind,
};
use crate::value::{HostFunction, Transform, Value, WithArgs};

/// What is said of macros that are called like functions.
pub(super) const MACRO_IN_EXPRESSION: &str =
    "A macro cannot be called in an expression. (Functions can be.)";

/// A macro or a function to call: what it is, the unit that has defined it, and its preset arguments.
#[derive(Clone, Copy)]
pub(super) struct Routine<'r, 'a> {
    pub(super) def: &'a MacroDef,
    pub(super) home: u32,
    pub(super) with: Option<&'r WithArgs<'a>>,
}

/// The arguments of a call.
pub(super) enum Arguments<'a> {
    /// They are in the frame already.
    Bound(Given<'a>),
    Unbound(Passed<'a>),
}

impl<'a> Env<'a> {
    /// Macros are there from the beginning, whatever their place.
    pub(crate) fn hoist_macros(&mut self, program: &'a Program) {
        if program.has_macros {
            self.units.move_macros(self.place.unit);
            self.define_all(&program.nodes);
        }
    }

    fn define_all(&mut self, nodes: &'a [Node]) {
        for node in nodes {
            match &node.kind {
                NodeKind::Macro(def) => self.define(def),
                _ => node.for_each_body(&mut |body| self.define_all(body)),
            }
        }
    }

    pub(crate) fn define(&mut self, def: &'a MacroDef) {
        let value = Value::Macro(def, self.place.unit);
        self.set_namespace_variable(def.slot, Some(value));
    }

    /// `<@name …>`; a `#break` or `#continue` in its content may be meant for a list around it.
    pub(crate) fn call_directive(&mut self, src: Src, call: &'a MacroCall) -> Evaluated<'a, Flow> {
        let found = self.eval_opt(&call.callee)?;
        match self.known(&call.callee, &found)? {
            Value::Macro(def, home) => self.call_macro_directive(src, call, (*def, *home), None),
            Value::Transform(transform) => self.call_transform(*transform, call),
            Value::Callable(callable) => self.call_callable(src, call, callable),
            other => Err(self.not_a_directive(call, other)),
        }
    }

    #[cold]
    pub(super) fn not_a_directive(&self, call: &'a MacroCall, found: &Value<'a>) -> Fault<'a> {
        let start = call.callee.src.start as usize;
        let before = self.template.source.get(..start).unwrap_or_default();
        let wanted = if before.trim_end().ends_with("transform") {
            "a transform"
        } else {
            "a(n) user-defined directive, transform or macro"
        };
        let message = format!(
            "Expected {wanted}, but this has evaluated to {}:",
            super::with_article(found.type_name())
        );
        self.role_fault(call.callee.src, message)
    }

    /// A macro is called as a directive, maybe with preset arguments.
    pub(super) fn call_macro_directive(
        &mut self,
        src: Src,
        call: &'a MacroCall,
        (def, home): (&'a MacroDef, u32),
        with: Option<&WithArgs<'a>>,
    ) -> Evaluated<'a, Flow> {
        if def.is_function {
            let message = format!(
                "Routine {} is a function, not a directive. Functions can only be called from expressions, like in ${{f()}}, ${{x + f()}} or <@someDirective someParam=f() />.",
                crate::error::java_quoted(&def.name)
            );
            return Err(self.failure(ErrorKind::Type, message));
        }
        let routine = Routine { def, home, with };
        let frame = self.open_frame(def)?;
        let passed = match self.pass(routine, &call.args, frame) {
            Ok(Some(passed)) => Arguments::Unbound(passed),
            Ok(None) => Arguments::Bound(Given::in_place(&call.args)),
            Err(fault) => {
                self.locals.truncate(frame);
                return Err(self.traced_in_call(fault, routine));
            }
        };
        let nested = call.body.as_deref().map(|body| {
            Rc::new(Nested {
                body,
                loop_vars: &call.loop_vars,
                place: self.place.clone(),
            })
        });
        let flow = self.call_macro(src, routine, frame, passed, nested)?;
        self.returned = None;
        Ok(match flow {
            Flow::Return => Flow::Next,
            flow => flow,
        })
    }

    /// `<@html_escape>` and its like: the content goes through it.
    fn call_transform(&mut self, transform: Transform, call: &'a MacroCall) -> Evaluated<'a, Flow> {
        if transform == Transform::CaptureOutput {
            return self.capture_output(call);
        }
        let one_line = transform == Transform::Compress && self.compresses_to_one_line(call)?;
        let Some(body) = &call.body else {
            return Ok(Flow::Next);
        };
        let mut flow = Flow::Next;
        let captured = self.capture(|env| {
            flow = env.exec(body)?;
            Ok(())
        })?;
        self.charge(captured.len())?;
        match transform {
            Transform::Pass => {}
            Transform::Compress => {
                let text = String::from_utf8_lossy(&captured);
                super::compress::compress(&text, one_line, &mut self.out);
            }
            // The old transform leaves apostrophes alone.
            Transform::HtmlEscape => {
                for part in captured.split_inclusive(|byte| *byte == b'\'') {
                    let text = part.strip_suffix(b"'").unwrap_or(part);
                    OutputFormat::Html.escape(&String::from_utf8_lossy(text), &mut self.out);
                    self.out.extend_from_slice(&part[text.len()..]);
                }
            }
            Transform::XmlEscape => {
                OutputFormat::Xml.escape(&String::from_utf8_lossy(&captured), &mut self.out);
            }
            Transform::NormalizeNewlines => {
                let text = String::from_utf8_lossy(&captured);
                let text = text.replace("\r\n", "\n").replace('\r', "\n");
                // An empty line at the front goes.
                let text = text.strip_prefix('\n').unwrap_or(&text);
                for line in text.lines() {
                    self.out.extend_from_slice(line.as_bytes());
                    self.out.push(b'\n');
                }
            }
            Transform::CaptureOutput => {}
        }
        self.check_output()?;
        Ok(flow)
    }

    /// Looks at the parameters of `<@compress>`.
    fn compresses_to_one_line(&mut self, call: &'a MacroCall) -> Evaluated<'a, bool> {
        let CallArgs::Named(args) = &call.args else {
            return Ok(false);
        };
        let mut one_line = false;
        for (name, value) in args {
            let value = self.eval_opt(value)?;
            match (&**name, value) {
                ("buffer_size", Some(value)) if !matches!(value, Value::Number(_)) => {
                    let message = "Expecting numerical argument to buffer_size";
                    return Err(self.failure(ErrorKind::Type, message));
                }
                ("single_line", Some(Value::Bool(on))) => one_line = on,
                ("single_line", Some(_)) => {
                    let message = "Expecting boolean argument to single_line";
                    return Err(self.failure(ErrorKind::Type, message));
                }
                _ => {}
            }
        }
        Ok(one_line)
    }

    /// Makes room for the variables of a call; returns where they begin.
    fn open_frame(&mut self, def: &MacroDef) -> Evaluated<'a, usize> {
        self.charge_items(def.frame_size as usize)?;
        let frame = self.locals.len();
        self.locals
            .resize_with(frame + def.frame_size as usize, || None);
        Ok(frame)
    }

    /// Runs a macro or a function in the `frame` that has been opened for it, and closes that; `passed` has the arguments
    /// that aren't in the frame yet.
    fn call_macro(
        &mut self,
        src: Src,
        routine: Routine<'_, 'a>,
        frame: usize,
        passed: Arguments<'a>,
        nested: Option<Rc<Nested<'a>>>,
    ) -> Evaluated<'a, Flow> {
        let def = routine.def;
        let result = self.deeper(src, |env| {
            let caller = env.enter(def, routine.home, frame, nested);
            let result = env.run_macro(routine, passed);
            env.go(caller);
            result
        });
        self.locals.truncate(frame);
        result
    }

    fn run_macro(
        &mut self,
        routine: Routine<'_, 'a>,
        passed: Arguments<'a>,
    ) -> Evaluated<'a, Flow> {
        let def = routine.def;
        let (given, bound) = match passed {
            Arguments::Bound(given) => (given, Ok(())),
            Arguments::Unbound(passed) => {
                let given = Given::by(def, &passed);
                (given, self.bind(def, passed))
            }
        };
        bound.map_err(|fault| self.traced_in_call(fault, routine))?;
        let begun = self.bind_defaults(def, given);
        let begun = begun.and_then(|()| match def.uses_args {
            true => self.keep_args(def),
            false => Ok(()),
        });
        begun.map_err(|fault| self.traced_in_macro(fault, routine))?;
        self.exec(&def.body)
    }

    /// `<#nested …>`
    #[inline(never)]
    pub(crate) fn exec_nested(&mut self, src: Src, args: &'a [Expr]) -> Evaluated<'a, Flow> {
        // They are computed even if there is nothing that they could be passed to.
        let values = self.eval_args(args)?;
        let Some(nested) = self.place.nested.clone() else {
            return Ok(Flow::Next);
        };
        self.deeper(src, |env| {
            let inner = env.go(nested.place.clone());
            let mut values = values.into_iter();
            for (_, slot) in nested.loop_vars {
                env.set_local(*slot, values.next().flatten());
            }
            // A `#return` in nested content leaves the macro that it stands in, and a `#break` its own loop.
            let before = env.included.take();
            let flow = env.exec(nested.body);
            env.included = env.included_after(before);
            env.go(inner);
            flow
        })
    }

    /// `callee(args)` in an expression.
    pub(crate) fn call_method(
        &mut self,
        expr: &'a Expr,
        callee: &'a Expr,
        args: &'a [Expr],
    ) -> Evaluated<'a, Option<Value<'a>>> {
        let found = self.eval_kept(callee)?;
        if let Some(text @ (Value::Str(_) | Value::Unread(_))) = &found
            && let Some(method) = self.kept_method(text, false)
        {
            let args = self.eval_args(args)?;
            return self.call_builtin_method(&method, Some(args));
        }
        let callee_value = self.known(callee, &found)?;
        match callee_value {
            Value::Macro(def, _) if !def.is_function => {
                Err(self.failure(ErrorKind::Type, MACRO_IN_EXPRESSION))
            }
            Value::Macro(def, home) if takes_directly(def, args.len()) => {
                self.call_directly(expr.src, (*def, *home), args)
            }
            Value::Macro(..) | Value::Host(_) | Value::Callable(_) => {
                if let Value::Macro(def, _) = callee_value
                    && self.engine.options.version.has(28)
                {
                    self.check_count(def, args.len())?;
                }
                let values = self.eval_args(args).map_err(|fault| match callee_value {
                    Value::Macro(def, home) => {
                        let (home, with) = (*home, None);
                        self.traced_in_call(fault, Routine { def, home, with })
                    }
                    _ => fault,
                })?;
                self.call_value(expr.src, callee, callee_value, values)
            }
            other => Err(self.type_fault(callee, "method or function", other)),
        }
    }

    /// Calls a function that takes `args` as they stand.
    fn call_directly(
        &mut self,
        src: Src,
        (def, home): (&'a MacroDef, u32),
        args: &'a [Expr],
    ) -> Evaluated<'a, Option<Value<'a>>> {
        self.step()?;
        let frame = self.open_frame(def)?;
        let routine = Routine {
            def,
            home,
            with: None,
        };
        match self.pass_in_place(def, args, frame) {
            Ok(()) => {
                let passed = Arguments::Bound(Given::Positional(args.len()));
                self.run_function(src, routine, frame, passed)
            }
            Err(fault) => {
                self.locals.truncate(frame);
                Err(self.traced_in_call(fault, routine))
            }
        }
    }

    /// Calls a function or a method with `args`.
    pub(super) fn call_value(
        &mut self,
        src: Src,
        callee: &'a Expr,
        value: &Value<'a>,
        args: Vec<Option<Value<'a>>>,
    ) -> Evaluated<'a, Option<Value<'a>>> {
        match value {
            Value::Macro(def, home) if def.is_function => {
                let routine = Routine {
                    def,
                    home: *home,
                    with: None,
                };
                self.call_function(src, routine, args)
            }
            Value::Host(function) => self.call_host(src, *function, &args),
            Value::Callable(callable) => self.call_method_value(src, callee, callable, args),
            other => Err(self.type_fault(callee, "method or function", other)),
        }
    }

    pub(super) fn call_function(
        &mut self,
        src: Src,
        routine: Routine<'_, 'a>,
        args: Vec<Option<Value<'a>>>,
    ) -> Evaluated<'a, Option<Value<'a>>> {
        self.step()?;
        let frame = self.open_frame(routine.def)?;
        let passed = Arguments::Unbound(Passed::Positional(args));
        self.run_function(src, routine, frame, passed)
    }

    /// Runs a function in the `frame` that has been opened for it.
    fn run_function(
        &mut self,
        src: Src,
        routine: Routine<'_, 'a>,
        frame: usize,
        passed: Arguments<'a>,
    ) -> Evaluated<'a, Option<Value<'a>>> {
        let caller = self.interpolation.take();
        let printed = self.out.len();
        let result = self.through(caller, |env| {
            env.call_macro(src, routine, frame, passed, None)
        });
        // What a function prints is dropped.
        self.out.truncate(printed);
        self.interpolation = caller;
        match result {
            Ok(_) => Ok(self.returned.take()),
            Err(fault) => Err(fault),
        }
    }

    fn call_host(
        &mut self,
        src: Src,
        function: &'a HostFunction,
        args: &[Option<Value<'a>>],
    ) -> Evaluated<'a, Option<Value<'a>>> {
        self.step()?;
        let views: Vec<View<'_>> = args
            .iter()
            .map(|arg| arg.as_ref().map_or(View::Null, Value::view))
            .collect();
        match function(&views) {
            Ok(value) => {
                if let crate::value::Owned::Str(text) = &value {
                    self.charge(text.len())?;
                }
                Ok(value.into_value(self.max_digits()))
            }
            Err(message) => Err(self.fault(ErrorKind::Host, src, message)),
        }
    }

    /// The function or lambda that `call` has as its argument.
    pub(crate) fn function(&mut self, call: &'a BuiltinCall) -> Evaluated<'a, Function<'a>> {
        let expr = self.arg_expr(call, 0)?;
        if matches!(expr.kind, ExprKind::Lambda(_)) {
            return Ok(Function { expr, value: None });
        }
        match self.eval(expr)? {
            value @ (Value::Macro(..) | Value::Host(_) | Value::Callable(_)) => Ok(Function {
                expr,
                value: Some(value),
            }),
            other => {
                let expected = "method or function or lambda expression";
                Err(self.type_fault(expr, expected, &other))
            }
        }
    }

    /// Applies a lambda, a function or a host's function to one item.
    pub(crate) fn apply(
        &mut self,
        function: &Function<'a>,
        item: Option<Value<'a>>,
    ) -> Evaluated<'a, Option<Value<'a>>> {
        self.step()?;
        let expr = function.expr;
        if let ExprKind::Lambda(lambda) = &expr.kind {
            // The slot may belong to a loop whose source this is.
            let outer = self.replace_local(lambda.slot, item);
            let result = self.eval_opt(&lambda.body);
            self.set_local(lambda.slot, outer);
            return result;
        }
        match &function.value {
            Some(Value::Macro(def, _)) if !def.is_function => {
                let message = MACRO_IN_EXPRESSION;
                Err(self.failure(ErrorKind::Type, message))
            }
            Some(value) => self.call_value(expr.src, expr, value, vec![item]),
            None => Err(self.failure(ErrorKind::Type, "a lambda expression isn't a value")),
        }
    }
}
