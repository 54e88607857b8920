//! Calls: macros, functions, nested content, functions of the host's.

use std::rc::Rc;

use super::env::{Env, Evaluated, Fault, Nested};
use super::exec::Flow;
use crate::data::View;
use crate::error::{Error, ErrorKind};
use crate::output_format::OutputFormat;
use crate::syntax::Src;
use crate::syntax::ast::{CallArgs, Expr, ExprKind, MacroCall, MacroDef, Node, NodeKind};
use crate::value::{HostFunction, Map, Str, Transform, Value};

/// Arguments by position, or by name.
enum Passed<'a> {
    Positional(Vec<Option<Value<'a>>>),
    Named(Vec<(&'a str, Option<Value<'a>>)>),
}

impl<'a> Env<'a> {
    /// Macros are there from the beginning, whatever their place.
    pub(crate) fn hoist_macros(&mut self, nodes: &'a [Node]) {
        for node in nodes {
            match &node.kind {
                NodeKind::Macro(def) => {
                    self.namespace[def.slot as usize] = Some(Value::Macro(def));
                }
                _ => node.for_each_body(&mut |body| self.hoist_macros(body)),
            }
        }
    }

    /// `<@name …>`
    pub(crate) fn call_directive(&mut self, src: Src, call: &'a MacroCall) -> Evaluated<'a, ()> {
        let def = match self.eval(&call.callee)? {
            Value::Macro(def) if !def.is_function => def,
            Value::Macro(def) => {
                let message = format!(
                    "Routine {} is a function, not a directive. Functions can only be called from expressions, like in ${{f()}}, ${{x + f()}} or <@someDirective someParam=f() />",
                    crate::error::java_quoted(&def.name)
                );
                return Err(self.fault(ErrorKind::Type, call.callee.src, message));
            }
            Value::Transform(transform) => return self.call_transform(transform, call),
            other => {
                let message = format!(
                    "Expected a(n) user-defined directive, transform or macro, but this has evaluated to {}:",
                    super::with_article(other.type_name())
                );
                return Err(self.role_fault(&call.callee, message));
            }
        };
        let passed = match &call.args {
            CallArgs::Positional(args) => Passed::Positional(self.eval_args(args)?),
            CallArgs::Named(args) => {
                let mut named = Vec::with_capacity(args.len());
                for (name, value) in args {
                    named.push((&**name, self.eval_opt(value)?));
                }
                Passed::Named(named)
            }
        };
        let nested = Nested {
            body: call.body.as_deref(),
            loop_vars: &call.loop_vars,
            base: self.base,
            running: self.running,
            outer: self.nested.clone(),
        };
        self.call_macro(src, def, passed, Some(Rc::new(nested)))?;
        Ok(())
    }

    /// `<@html_escape>` and its like: the content goes through it.
    fn call_transform(&mut self, transform: Transform, call: &'a MacroCall) -> Evaluated<'a, ()> {
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
            Transform::CaptureOutput => {
                let message = "<@capture_output> is refused: write <#assign name>…</#assign>";
                return Err(self.fault(ErrorKind::Refused, call.callee.src, message));
            }
        }
        self.check_output()
    }

    /// `.args`: the arguments of the running macro or function, by name or in order.
    pub(crate) fn args(&mut self, expr: &'a Expr) -> Evaluated<'a, Value<'a>> {
        let Some(def) = self.running else {
            let message = "The \"args\" special variable must be inside a macro or function in the template source code.";
            return Err(self.fault(ErrorKind::Value, expr.src, message));
        };
        let params = def.params.iter().map(|param| (&*param.name, param.slot));
        let catch_all = def
            .catch_all
            .as_ref()
            .and_then(|(_, slot)| self.local(*slot).cloned());
        if def.is_function {
            let mut items: Vec<_> = params.map(|(_, slot)| self.local(slot).cloned()).collect();
            if let Some(rest) = &catch_all {
                items.extend(self.items(rest)?);
            }
            return Ok(Value::list(items));
        }
        let mut map = Map::default();
        for (name, slot) in params {
            map.insert(Str::Borrowed(name), self.local(slot).cloned());
        }
        if let Some(rest) = &catch_all {
            for (name, value) in self.entries(rest)? {
                map.insert(name, value);
            }
        }
        Ok(Value::map(map))
    }

    fn eval_args(&mut self, args: &'a [Expr]) -> Evaluated<'a, Vec<Option<Value<'a>>>> {
        args.iter().map(|arg| self.eval_opt(arg)).collect()
    }

    fn call_macro(
        &mut self,
        src: Src,
        def: &'a MacroDef,
        passed: Passed<'a>,
        nested: Option<Rc<Nested<'a>>>,
    ) -> Evaluated<'a, Option<Value<'a>>> {
        self.charge_items(def.frame_size as usize)?;
        let frame = self.locals.len();
        self.locals.resize(frame + def.frame_size as usize, None);
        let base = std::mem::replace(&mut self.base, frame);
        let running = self.running.replace(def);
        let outer_nested = std::mem::replace(&mut self.nested, nested);
        let result = self.deeper(src, |env| {
            env.bind_args(def, passed)?;
            env.bind_defaults(def)
                .map_err(|fault| env.traced_in_macro(fault, def))?;
            env.exec(&def.body)
        });
        self.nested = outer_nested;
        self.running = running;
        self.base = base;
        self.locals.truncate(frame);
        result?;
        Ok(self.returned.take())
    }

    fn bind_args(&mut self, def: &'a MacroDef, passed: Passed<'a>) -> Evaluated<'a, ()> {
        match passed {
            Passed::Positional(values) => self.bind_positional(def, values)?,
            Passed::Named(values) => self.bind_named(def, values)?,
        }
        Ok(())
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
        values: Vec<(&'a str, Option<Value<'a>>)>,
    ) -> Evaluated<'a, ()> {
        let mut rest = Map::default();
        for (name, value) in values {
            if let Some(param) = def.params.iter().find(|param| *param.name == *name) {
                self.set_local(param.slot, value);
            } else if def.catch_all.is_some() {
                rest.insert(Str::Borrowed(name), value);
            } else {
                let names: Vec<_> = def.params.iter().map(|param| &*param.name).collect();
                let valid = if names.is_empty() {
                    String::new()
                } else {
                    format!(" Valid parameter names are: {}", names.join(", "))
                };
                let message = format!(
                    "{} \"{}\" has no parameter with name \"{name}\".{valid}",
                    if def.is_function { "Function" } else { "Macro" },
                    def.name
                );
                return Err(self.failure(ErrorKind::Value, message));
            }
        }
        if let Some((_, slot)) = &def.catch_all {
            let rest = if rest.entries().is_empty() {
                Value::list(Vec::new())
            } else {
                Value::map(rest)
            };
            self.set_local(*slot, Some(rest));
        }
        Ok(())
    }

    /// `<#nested …>`
    pub(crate) fn exec_nested(&mut self, src: Src, args: &'a [Expr]) -> Evaluated<'a, Flow> {
        let Some(nested) = self.nested.clone() else {
            return Ok(Flow::Next);
        };
        let Some(body) = nested.body else {
            return Ok(Flow::Next);
        };
        let values = self.eval_args(args)?;
        let base = std::mem::replace(&mut self.base, nested.base);
        let running = std::mem::replace(&mut self.running, nested.running);
        let inner = std::mem::replace(&mut self.nested, nested.outer.clone());
        let mut values = values.into_iter();
        for (_, slot) in nested.loop_vars {
            self.set_local(*slot, values.next().flatten());
        }
        let result = self.deeper(src, |env| env.exec(body));
        self.nested = inner;
        self.running = running;
        self.base = base;
        // A `#return` in nested content leaves the macro that it stands in, and a `#break` its own loop.
        match result? {
            Flow::Next => Ok(Flow::Next),
            flow => Ok(flow),
        }
    }

    /// `callee(args)` in an expression.
    pub(crate) fn call_method(
        &mut self,
        expr: &'a Expr,
        callee: &'a Expr,
        args: &'a [Expr],
    ) -> Evaluated<'a, Option<Value<'a>>> {
        match self.eval(callee)? {
            Value::Macro(def) if def.is_function => {
                let values = self.eval_args(args)?;
                self.call_function(expr.src, def, values)
            }
            Value::Macro(_) => {
                let message = "A macro cannot be called in an expression. (Functions can be.)";
                Err(self.failure(ErrorKind::Type, message))
            }
            Value::Host(function) => {
                let values = self.eval_args(args)?;
                self.call_host(expr.src, function, &values)
            }
            other => Err(self.type_fault(callee, "method or function", &other)),
        }
    }

    pub(crate) fn call_function(
        &mut self,
        src: Src,
        def: &'a MacroDef,
        args: Vec<Option<Value<'a>>>,
    ) -> Evaluated<'a, Option<Value<'a>>> {
        self.step()?;
        // What a function prints is dropped.
        let mut value = None;
        self.capture(|env| {
            value = env.call_macro(src, def, Passed::Positional(args), None)?;
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

    /// Applies a lambda, a function or a host's function to one item.
    pub(crate) fn apply(
        &mut self,
        function: &'a Expr,
        item: Option<Value<'a>>,
    ) -> Evaluated<'a, Option<Value<'a>>> {
        self.step()?;
        if let ExprKind::Lambda(lambda) = &function.kind {
            self.set_local(lambda.slot, item);
            return self.eval_opt(&lambda.body);
        }
        match self.eval(function)? {
            Value::Macro(def) if def.is_function => {
                self.call_function(function.src, def, vec![item])
            }
            Value::Host(host) => self.call_host(function.src, host, &[item]),
            other => {
                Err(self.type_fault(function, "method or function or lambda expression", &other))
            }
        }
    }
}

fn kind_of(def: &MacroDef) -> &'static str {
    if def.is_function { "function" } else { "macro" }
}
