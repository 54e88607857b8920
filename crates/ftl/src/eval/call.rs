//! Calls: macros, functions, nested content, functions of the host's.

use std::rc::Rc;

use super::env::{Env, Evaluated, Nested};
use super::exec::Flow;
use crate::data::View;
use crate::error::ErrorKind;
use crate::syntax::Src;
use crate::syntax::ast::{CallArgs, Expr, ExprKind, MacroCall, MacroDef, Node};
use crate::value::{HostFunction, Map, Str, Value};

/// Arguments by position, or by name.
enum Passed<'a> {
    Positional(Vec<Option<Value<'a>>>),
    Named(Vec<(&'a str, Option<Value<'a>>)>),
}

impl<'a> Env<'a> {
    /// Macros are there from the beginning, whatever their place.
    pub(crate) fn hoist_macros(&mut self, nodes: &'a [Node]) {
        for node in nodes {
            match node {
                Node::Macro(def) => self.namespace[def.slot as usize] = Some(Value::Macro(def)),
                Node::If(branches) => branches
                    .iter()
                    .for_each(|branch| self.hoist_macros(&branch.body)),
                Node::List(list) => self.hoist_macros(&list.body),
                Node::Items(items) => self.hoist_macros(&items.body),
                Node::AssignBlock(_, body) | Node::Compress(body) | Node::Sep { body, .. } => {
                    self.hoist_macros(body)
                }
                Node::Attempt { body, recover } => {
                    self.hoist_macros(body);
                    self.hoist_macros(recover);
                }
                Node::Switch(switch) => switch
                    .cases
                    .iter()
                    .for_each(|(_, body)| self.hoist_macros(body)),
                Node::Call(call) => self.hoist_macros(call.body.as_deref().unwrap_or_default()),
                _ => {}
            }
        }
    }

    /// `<@name …>`
    pub(crate) fn call_directive(&mut self, call: &'a MacroCall) -> Evaluated<'a, ()> {
        let def = match self.eval(&call.callee)? {
            Value::Macro(def) if !def.is_function => def,
            Value::Macro(_) => {
                let message =
                    "A function can't be called as a directive: write ${name(arguments)}.";
                return Err(self.fault(ErrorKind::Type, call.callee.src, message));
            }
            other => {
                return Err(self.type_fault(
                    &call.callee,
                    "user-defined directive (macro, etc.)",
                    &other,
                ));
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
        self.call_macro(call.src, def, passed, Some(Rc::new(nested)))?;
        Ok(())
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
            env.bind_args(src, def, passed)?;
            env.exec(&def.body)
        });
        self.nested = outer_nested;
        self.running = running;
        self.base = base;
        self.locals.truncate(frame);
        result?;
        Ok(self.returned.take())
    }

    fn bind_args(&mut self, src: Src, def: &'a MacroDef, passed: Passed<'a>) -> Evaluated<'a, ()> {
        match passed {
            Passed::Positional(values) => self.bind_positional(src, def, values)?,
            Passed::Named(values) => self.bind_named(src, def, values)?,
        }
        for param in &def.params {
            if self.local(param.slot).is_some() {
                continue;
            }
            match &param.default {
                Some(default) => {
                    let value = self.eval_opt(default)?;
                    self.set_local(param.slot, value);
                }
                None => {
                    let message = format!(
                        "When calling {} \"{}\", required parameter \"{}\" was not specified.",
                        kind_of(def),
                        def.name,
                        param.name
                    );
                    return Err(self.fault(ErrorKind::Value, src, message));
                }
            }
        }
        Ok(())
    }

    fn bind_positional(
        &mut self,
        src: Src,
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
            return Err(self.fault(ErrorKind::Value, src, message));
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
        src: Src,
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
                let message = format!(
                    "{} \"{}\" has no parameter with name \"{name}\".",
                    if def.is_function { "Function" } else { "Macro" },
                    def.name
                );
                return Err(self.fault(ErrorKind::Value, src, message));
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
                Err(self.fault(ErrorKind::Type, callee.src, message))
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
