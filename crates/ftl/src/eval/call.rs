//! Calls: macros, functions, nested content, functions of the host's.

use std::rc::Rc;

use super::env::{Env, Evaluated, Fault, Nested, Place, Running};
use super::exec::Flow;
use super::stream::Function;
use crate::data::View;
use crate::error::{Error, ErrorKind};
use crate::output_format::OutputFormat;
use crate::syntax::Src;
use crate::syntax::ast::{
    BuiltinCall, CallArgs, Expr, ExprKind, MacroCall, MacroDef, Node, NodeKind,
};
use crate::value::{HostFunction, Map, Str, Transform, Value, WithArgs};

/// Arguments by position, or by name.
pub(super) enum Passed<'a> {
    Positional(Vec<Option<Value<'a>>>),
    Named(Vec<(Str<'a>, Option<Value<'a>>)>),
}

/// A macro or a function to call: what it is, the unit that has defined it, and its preset arguments.
#[derive(Clone, Copy)]
pub(super) struct Routine<'r, 'a> {
    pub(super) def: &'a MacroDef,
    pub(super) home: u32,
    pub(super) with: Option<&'r WithArgs<'a>>,
}

impl<'a> Env<'a> {
    /// Macros are there from the beginning, whatever their place.
    pub(crate) fn hoist_macros(&mut self, nodes: &'a [Node]) {
        for node in nodes {
            match &node.kind {
                NodeKind::Macro(def) => self.define(def),
                _ => node.for_each_body(&mut |body| self.hoist_macros(body)),
            }
        }
    }

    pub(crate) fn define(&mut self, def: &'a MacroDef) {
        let value = Value::Macro(def, self.place.unit);
        self.set_namespace_variable(def.slot, Some(value));
    }

    /// `<@name …>`
    pub(crate) fn call_directive(&mut self, src: Src, call: &'a MacroCall) -> Evaluated<'a, ()> {
        match self.eval(&call.callee)? {
            Value::Macro(def, home) => self.call_macro_directive(src, call, (def, home), None),
            Value::Transform(transform) => self.call_transform(transform, call),
            Value::Callable(callable) => self.call_callable(src, call, &callable),
            other => Err(self.not_a_directive(call, &other)),
        }
    }

    #[cold]
    pub(super) fn not_a_directive(&self, call: &'a MacroCall, found: &Value<'a>) -> Fault<'a> {
        let message = format!(
            "Expected a(n) user-defined directive, transform or macro, but this has evaluated to {}:",
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
    ) -> Evaluated<'a, ()> {
        if def.is_function {
            let message = format!(
                "Routine {} is a function, not a directive. Functions can only be called from expressions, like in ${{f()}}, ${{x + f()}} or <@someDirective someParam=f() />",
                crate::error::java_quoted(&def.name)
            );
            return Err(self.fault(ErrorKind::Type, call.callee.src, message));
        }
        let mut passed = match &call.args {
            CallArgs::Positional(args) => Passed::Positional(self.eval_args(args)?),
            CallArgs::Named(args) => {
                let mut named = Vec::with_capacity(args.len());
                for (name, value) in args {
                    named.push((Str::Borrowed(name), self.eval_opt(value)?));
                }
                Passed::Named(named)
            }
        };
        if let Some(with) = with {
            passed = self.with_preset(def, with, passed)?;
        }
        let nested = Nested {
            body: call.body.as_deref(),
            loop_vars: &call.loop_vars,
            place: self.place.clone(),
        };
        let routine = Routine { def, home, with };
        self.call_macro(src, routine, passed, Some(Rc::new(nested)))?;
        Ok(())
    }

    /// `<@html_escape>` and its like: the content goes through it.
    fn call_transform(&mut self, transform: Transform, call: &'a MacroCall) -> Evaluated<'a, ()> {
        if transform == Transform::CaptureOutput {
            return self.capture_output(call);
        }
        let Some(body) = &call.body else {
            return Ok(());
        };
        let captured = self.capture(|env| env.exec(body).map(|_| ()))?;
        self.charge(captured.len())?;
        match transform {
            Transform::Pass => {}
            Transform::Compress => super::exec::compress(&captured, &mut self.out),
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
                for line in text.lines() {
                    self.out.extend_from_slice(line.as_bytes());
                    self.out.push(b'\n');
                }
            }
            Transform::CaptureOutput => {}
        }
        self.check_output()
    }

    /// `.args`: the arguments of the running macro or function, by name or in order.
    pub(crate) fn args(&mut self, expr: &'a Expr) -> Evaluated<'a, Value<'a>> {
        let Some(Running { def, base, .. }) = self.place.running else {
            let message = "The \"args\" special variable must be inside a macro or function in the template source code.";
            return Err(self.fault(ErrorKind::Value, expr.src, message));
        };
        let params = def.params.iter().map(|param| (&*param.name, param.slot));
        let catch_all = def
            .catch_all
            .as_ref()
            .and_then(|(_, slot)| self.local_of(base, *slot).cloned());
        if def.is_function {
            let mut items: Vec<_> = params
                .map(|(_, slot)| self.local_of(base, slot).cloned())
                .collect();
            if let Some(rest) = &catch_all {
                items.extend(self.items(rest)?);
            }
            return Ok(Value::list(items));
        }
        let mut map = Map::default();
        for (name, slot) in params {
            map.insert(Str::Borrowed(name), self.local_of(base, slot).cloned());
        }
        if let Some(rest) = &catch_all {
            for (name, value) in self.entries(rest)? {
                map.insert(name, value);
            }
        }
        Ok(Value::map(map))
    }

    pub(super) fn eval_args(&mut self, args: &'a [Expr]) -> Evaluated<'a, Vec<Option<Value<'a>>>> {
        args.iter().map(|arg| self.eval_opt(arg)).collect()
    }

    fn call_macro(
        &mut self,
        src: Src,
        routine: Routine<'_, 'a>,
        passed: Passed<'a>,
        nested: Option<Rc<Nested<'a>>>,
    ) -> Evaluated<'a, Option<Value<'a>>> {
        let def = routine.def;
        self.charge_items(def.frame_size as usize)?;
        let frame = self.locals.len();
        self.locals.resize(frame + def.frame_size as usize, None);
        let place = Place {
            unit: routine.home,
            base: frame,
            running: Some(Running {
                def,
                base: frame,
                caller: self.place.unit,
            }),
            nested,
            around: None,
        };
        let result = self.deeper(src, |env| {
            let caller = env.go(place);
            let result = env.run_macro(routine, passed);
            env.go(caller);
            result
        });
        self.locals.truncate(frame);
        result?;
        Ok(self.returned.take())
    }

    fn run_macro(&mut self, routine: Routine<'_, 'a>, passed: Passed<'a>) -> Evaluated<'a, Flow> {
        let def = routine.def;
        match passed {
            Passed::Positional(values) => self.bind_positional(def, values)?,
            Passed::Named(values) => self.bind_named(def, values)?,
        }
        self.bind_defaults(def)
            .map_err(|fault| self.traced_in_macro(fault, routine))?;
        self.exec(&def.body)
    }

    /// Gives the parameters that were left out their defaults, which may use each other.
    fn bind_defaults(&mut self, def: &'a MacroDef) -> Evaluated<'a, ()> {
        loop {
            let mut progress = false;
            let mut unresolved = None;
            for (index, param) in def.params.iter().enumerate() {
                if self.local(param.slot).is_some() {
                    continue;
                }
                let Some(default) = &param.default else {
                    return Err(self.missing_argument(def, index));
                };
                match self.eval_opt(default) {
                    Ok(Some(value)) => {
                        self.set_local(param.slot, Some(value));
                        progress = true;
                    }
                    Ok(None) => unresolved = unresolved.or(Some(Fault::Missing(default))),
                    Err(Fault::Missing(expr)) => {
                        unresolved = unresolved.or(Some(Fault::Missing(expr)));
                    }
                    Err(other) => return Err(other),
                }
            }
            match unresolved {
                None => return Ok(()),
                Some(fault) if !progress => return Err(fault),
                Some(_) => {}
            }
        }
    }

    #[cold]
    fn missing_argument(&self, def: &MacroDef, index: usize) -> Fault<'a> {
        let message = format!(
            "When calling {} \"{}\", required parameter \"{}\" (parameter #{}) was not specified.",
            kind_of(def),
            def.name,
            def.params[index].name,
            index + 1
        );
        Fault::Error(Error::new(ErrorKind::Value, message).tip(
            "If the omission was deliberate, you may consider making the parameter optional in the macro by specifying a default value for it, like <#macro macroName paramName=defaultExpr>)",
        ))
    }

    fn bind_positional(
        &mut self,
        def: &'a MacroDef,
        values: Vec<Option<Value<'a>>>,
    ) -> Evaluated<'a, ()> {
        let count = values.len();
        if count > def.params.len() && def.catch_all.is_none() {
            let message = format!(
                "{} \"{}\" only accepts {} parameters, but got {count}.",
                if def.is_function { "Function" } else { "Macro" },
                def.name,
                def.params.len()
            );
            return Err(self.failure(ErrorKind::Value, message));
        }
        let mut values = values.into_iter();
        for (param, value) in def.params.iter().zip(values.by_ref()) {
            self.set_local(param.slot, value);
        }
        if let Some((_, slot)) = &def.catch_all {
            self.set_local(*slot, Some(Value::list(values.collect())));
        }
        Ok(())
    }

    fn bind_named(
        &mut self,
        def: &'a MacroDef,
        values: Vec<(Str<'a>, Option<Value<'a>>)>,
    ) -> Evaluated<'a, ()> {
        let mut rest = Map::default();
        for (name, value) in values {
            if let Some(param) = def
                .params
                .iter()
                .find(|param| *param.name == *name.as_str())
            {
                self.set_local(param.slot, value);
            } else if def.catch_all.is_some() {
                rest.insert(name, value);
            } else {
                let names: Vec<_> = def.params.iter().map(|param| &*param.name).collect();
                let valid = if names.is_empty() {
                    String::new()
                } else {
                    format!(" Valid parameter names are: {}", names.join(", "))
                };
                let message = format!(
                    "{} \"{}\" has no parameter with name \"{}\".{valid}",
                    if def.is_function { "Function" } else { "Macro" },
                    def.name,
                    name.as_str()
                );
                return Err(self.failure(ErrorKind::Value, message));
            }
        }
        if let Some((_, slot)) = &def.catch_all {
            self.set_local(*slot, Some(Value::map(rest)));
        }
        Ok(())
    }

    /// `<#nested …>`
    pub(crate) fn exec_nested(&mut self, src: Src, args: &'a [Expr]) -> Evaluated<'a, Flow> {
        let Some(nested) = self.place.nested.clone() else {
            return Ok(Flow::Next);
        };
        let Some(body) = nested.body else {
            return Ok(Flow::Next);
        };
        let values = self.eval_args(args)?;
        self.deeper(src, |env| {
            let inner = env.go(nested.place.clone());
            let mut values = values.into_iter();
            for (_, slot) in nested.loop_vars {
                env.set_local(*slot, values.next().flatten());
            }
            // A `#return` in nested content leaves the macro that it stands in, and a `#break` its own loop.
            let flow = env.exec(body);
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
        let callee_value = self.eval(callee)?;
        match callee_value {
            Value::Macro(def, _) if !def.is_function => {
                let message = "A macro cannot be called in an expression. (Functions can be.)";
                Err(self.failure(ErrorKind::Type, message))
            }
            Value::Macro(..) | Value::Host(_) | Value::Callable(_) => {
                let values = self.eval_args(args)?;
                self.call_value(expr.src, callee, &callee_value, values)
            }
            other => Err(self.type_fault(callee, "method or function", &other)),
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
        // What a function prints is dropped.
        let mut value = None;
        self.capture(|env| {
            value = env.call_macro(src, routine, Passed::Positional(args), None)?;
            Ok(())
        })?;
        Ok(value)
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
            let outer = self.local(lambda.slot).cloned();
            self.set_local(lambda.slot, item);
            let result = self.eval_opt(&lambda.body);
            self.set_local(lambda.slot, outer);
            return result;
        }
        match &function.value {
            Some(Value::Macro(def, _)) if !def.is_function => {
                let message = "A macro cannot be called in an expression. (Functions can be.)";
                Err(self.failure(ErrorKind::Type, message))
            }
            Some(value) => self.call_value(expr.src, expr, value, vec![item]),
            None => Err(self.failure(ErrorKind::Type, "a lambda expression isn't a value")),
        }
    }
}

fn kind_of(def: &MacroDef) -> &'static str {
    if def.is_function { "function" } else { "macro" }
}
