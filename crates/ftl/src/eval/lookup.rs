//! Variables and the parts of hashes by their names.

use super::env::{Env, Evaluated};
use crate::data::{Hash, View};
use crate::error::ErrorKind;
use crate::number::Number;
use crate::syntax::Src;
use crate::syntax::ast::{Expr, ExprKind, Name};
use crate::value::{Joined, Scope, Str, Transform, Value};

impl<'a> Env<'a> {
    /// Looks a name up: loop and macro variables, the namespace, global variables, the data, what the engine shares.
    ///
    /// It returns what [`Self::eval_opt`] does, so that the value is written where that has to leave it.
    #[inline(never)]
    pub(crate) fn variable(&self, name: &'a Name) -> Evaluated<'a, Option<Value<'a>>> {
        let binding = &name.binding;
        for slot in &binding.locals {
            if let Some(value) = self.local(*slot) {
                return Ok(Some(value.clone()));
            }
            if binding.is_loop_variable && !self.settings.shows_hidden {
                return Ok(None);
            }
        }
        if let Some((slot, field)) = binding.legacy_loop
            && let Some(Value::Loop(state)) = self.local(slot)
        {
            return Ok(Some(state.field(field)));
        }
        if binding.dynamic
            && self.place.around.is_some()
            && let Some(value) = self.variable_around(&name.text)
        {
            return Ok(Some(value));
        }
        if let Some(slot) = binding.namespace
            && let Some(value) = self.namespace_variable(slot)
        {
            return Ok(Some(value.clone()));
        }
        if let Some(slot) = binding.global
            && let Some(value) = self.global_variable(slot)
        {
            return Ok(Some(value.clone()));
        }
        Ok(self.data_variable(&name.text))
    }

    /// The number that `expr` is, if it is a variable with a number or a whole number that is written there: that is looked at
    /// where it is, or in `literal`.
    #[inline(always)]
    pub(crate) fn number_in_place<'v>(
        &'v self,
        expr: &'a Expr,
        literal: &'v mut Number,
    ) -> Option<&'v Number> {
        match &expr.kind {
            ExprKind::Name(name) => match self.local(*name.binding.locals.first()?)? {
                Value::Number(number) => Some(number),
                _ => None,
            },
            ExprKind::Int(value) => {
                *literal = Number::Int(*value);
                Some(literal)
            }
            _ => None,
        }
    }

    /// The hash that `expr` leads to, if it is a hash of the data under a name or a path of names: most are, and are found
    /// without a value for each step.
    pub(crate) fn data_hash(&self, expr: &'a Expr) -> Option<&'a dyn Hash> {
        match &expr.kind {
            ExprKind::Name(name) => self.data_hash_variable(name),
            ExprKind::Dot(target, key) => {
                as_hash(self.data_hash(target)?.get_near(&key.text, &key.place)?)
            }
            _ => None,
        }
    }

    /// The text that `expr` reads of the data or of the template, if that is all that it does: most that is printed is, and
    /// is found without a value in between.
    pub(crate) fn plain_text(&self, expr: &'a Expr) -> Option<&'a str> {
        match &expr.kind {
            ExprKind::Str(text) => Some(text),
            ExprKind::Name(name) => match self.local(*name.binding.locals.first()?)? {
                Value::Str(Str::Borrowed(text)) => Some(text),
                _ => None,
            },
            ExprKind::Dot(target, key) => {
                match self.data_hash(target)?.get_near(&key.text, &key.place)? {
                    View::Str(text) => Some(text),
                    _ => None,
                }
            }
            ExprKind::Paren(inner) => self.plain_text(inner),
            ExprKind::Default(target, default) => self.plain_text_or(target, default.as_deref()),
            _ => None,
        }
    }

    /// The same for `target!default`.
    fn plain_text_or(&self, target: &'a Expr, default: Option<&'a Expr>) -> Option<&'a str> {
        let ExprKind::Dot(hash, key) = &target.kind else {
            return self.plain_text(target);
        };
        match self.data_hash(hash)?.get_near(&key.text, &key.place) {
            Some(View::Str(text)) => Some(text),
            None | Some(View::Null) => default.map_or(Some(""), |default| self.plain_text(default)),
            Some(_) => None,
        }
    }

    /// Whether there is a value under the path of names that `expr` is; `None` if it isn't one, or leads out of the data.
    pub(crate) fn exists_in_data(&self, expr: &'a Expr) -> Option<bool> {
        let ExprKind::Dot(target, key) = &expr.kind else {
            return None;
        };
        let found = self.data_hash(target)?.get_near(&key.text, &key.place);
        Some(!matches!(found, None | Some(View::Null | View::Opaque)))
    }

    fn data_hash_variable(&self, name: &'a Name) -> Option<&'a dyn Hash> {
        let binding = &name.binding;
        if binding.legacy_loop.is_some()
            || (binding.is_loop_variable && !self.settings.shows_hidden)
            || (binding.dynamic && self.place.around.is_some())
        {
            return None;
        }
        let locals = binding.locals.iter().find_map(|slot| self.local(*slot));
        let namespace = || self.namespace_variable(binding.namespace?);
        let global = || self.global_variable(binding.global?);
        match locals.or_else(namespace).or_else(global) {
            Some(Value::HashView(hash)) => Some(*hash),
            Some(_) => None,
            None => as_hash(self.root.get(&name.text)?),
        }
    }

    /// A variable of the data, or one that the engine shares.
    pub(crate) fn data_variable(&self, name: &str) -> Option<Value<'a>> {
        if let Some(view) = self.root.get(name)
            && let Some(value) = Value::from_view(view, self.max_digits())
        {
            return Some(value);
        }
        let shared = &self.engine;
        if let Some(variable) = shared.variables.get(name) {
            return Value::from_view(crate::data::Data::view(variable), self.max_digits());
        }
        if let Some(function) = shared.functions.get(name) {
            return Some(Value::Host(&**function));
        }
        if let Some(transform) = Transform::named(name) {
            return Some(Value::Transform(transform));
        }
        (name == "statics" && !shared.statics.is_empty()).then_some(Value::Statics)
    }

    /// The value under `key` in a hash.
    #[inline]
    pub(crate) fn member(
        &mut self,
        target: &'a Expr,
        value: &Value<'a>,
        key: &str,
    ) -> Evaluated<'a, Option<Value<'a>>> {
        Ok(match value {
            Value::HashView(hash) => hash
                .get(key)
                .and_then(|view| Value::from_view(view, self.max_digits())),
            Value::Map(map) => map.get(key),
            Value::Joined(joined) => return self.member_of_any(target, joined, key),
            Value::Nothing => None,
            Value::Scope(scope) => self.scope_variable(*scope, key, target.src),
            Value::Namespace(namespace) => {
                self.load_pending(*namespace)?;
                self.namespaces[*namespace as usize].get(key).cloned()
            }
            Value::Statics => match self.engine.statics.get_key_value(key) {
                Some((class, _)) => Some(Value::StaticClass(class)),
                None => {
                    let message = format!(
                        "statics[\"{key}\"] is refused: Java classes aren't reachable from templates"
                    );
                    return Err(self.fault(ErrorKind::Refused, target.src, message));
                }
            },
            Value::StaticClass(class) => {
                let methods = self.engine.statics.get(*class);
                match methods.and_then(|methods| methods.get(key)) {
                    Some(method) => Some(Value::Host(&**method)),
                    None => {
                        let message = format!("{class} has no method {key:?} here");
                        return Err(self.fault(ErrorKind::Refused, target.src, message));
                    }
                }
            }
            other => return self.format_named(target, other, key),
        })
    }

    /// What `?string` or `?date` gives for the format called `key`.
    #[inline(never)]
    fn format_named(
        &mut self,
        target: &'a Expr,
        value: &Value<'a>,
        key: &str,
    ) -> Evaluated<'a, Option<Value<'a>>> {
        if let Some(method) = self.kept_method(value, true) {
            let key = Value::string(key);
            return self.call_builtin_method(&method, Some(vec![Some(key)]));
        }
        Err(self.type_fault(target, "hash", value))
    }

    fn member_of_any(
        &mut self,
        target: &'a Expr,
        joined: &Joined<'a>,
        key: &str,
    ) -> Evaluated<'a, Option<Value<'a>>> {
        self.steps(joined.len())?;
        for hash in joined.by_precedence() {
            let found = self.member(target, hash, key)?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// The variable `name` of a scope that is read where its expression stands at `src`.
    fn scope_variable(&self, scope: Scope, name: &str, src: Src) -> Option<Value<'a>> {
        let namespace = || {
            self.namespaces[self.namespace() as usize]
                .get(name)
                .cloned()
        };
        let global = || self.globals.get(name).cloned();
        let local = || self.macro_variable(self.place.running?, name);
        match scope {
            Scope::Vars => self
                .local_named(src, name)
                .or_else(namespace)
                .or_else(global)
                .or_else(|| self.data_variable(name)),
            Scope::Globals => global().or_else(|| self.data_variable(name)),
            Scope::Locals => local(),
            Scope::DataModel => self.data_variable(name),
        }
    }
}

fn as_hash(view: View<'_>) -> Option<&dyn Hash> {
    match view {
        View::Hash(hash) => Some(hash),
        _ => None,
    }
}
