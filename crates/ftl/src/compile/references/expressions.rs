//! Expressions: what they read, and where their values come from.

use super::state::{Path, State, contained, merge, then};
use super::{How, Reader, Step};
use crate::syntax::ast::{BuiltinCall, Expr, ExprKind, Name, NodeKind, Special};

impl<'p> Reader<'p> {
    /// Notes what `expr` reads, and tells where its value comes from.
    pub(super) fn read(&mut self, expr: &'p Expr) -> Vec<Path> {
        self.read_as(expr, false)
    }

    /// The same, if a missing value may be provided for.
    pub(super) fn read_as(&mut self, expr: &'p Expr, guarded: bool) -> Vec<Path> {
        let origins = self.origins(expr, guarded);
        if is_path(expr) {
            let arguments = None;
            self.note(expr.src, &origins, How { guarded, arguments });
        }
        origins
    }

    /// The same of what is called with so many arguments.
    fn read_called(&mut self, callee: &'p Expr, arguments: usize) {
        match &callee.kind {
            ExprKind::Paren(inner) => self.read_called(inner, arguments),
            _ if is_path(callee) => {
                let guarded = false;
                // Of several things in one hash it may be another one that is called.
                let is_picked = match &callee.kind {
                    ExprKind::Dot(target, _) | ExprKind::Index(target, _) => {
                        let holders = self.origins(target, guarded);
                        holders.iter().any(|path| path.containers > 0)
                    }
                    _ => false,
                };
                let origins = self.origins(callee, guarded);
                let arguments = (origins.len() == 1 && !is_picked).then_some(arguments);
                self.note(callee.src, &origins, How { guarded, arguments });
            }
            _ => drop(self.read(callee)),
        }
    }

    fn all(&mut self, exprs: impl IntoIterator<Item = &'p Expr>) -> Vec<Path> {
        let mut origins = Vec::new();
        for expr in exprs {
            let found = self.read(expr);
            merge(&mut origins, found);
        }
        origins
    }

    /// Notes what is read on the way to the value of `expr`, but not yet the value itself.
    fn origins(&mut self, expr: &'p Expr, guarded: bool) -> Vec<Path> {
        match &expr.kind {
            ExprKind::Str(_)
            | ExprKind::Int(_)
            | ExprKind::Decimal(_)
            | ExprKind::Bool(_)
            | ExprKind::Lambda(_)
            | ExprKind::Held(_) => Vec::new(),
            ExprKind::Special(special) => match special {
                Special::DataModel | Special::Globals | Special::Vars => vec![Path::root("")],
                _ => Vec::new(),
            },
            ExprKind::Name(name) => self.variable(name),
            ExprKind::Paren(inner) => self.read_as(inner, guarded),
            ExprKind::Dot(target, key) => {
                let set = self.set_global(target, &key.text);
                set.unwrap_or_else(|| {
                    then(self.target(target, guarded), &Step::Key(key.to_string()))
                })
            }
            ExprKind::Index(target, key) => {
                if let ExprKind::Str(key) = &key.kind
                    && let Some(origins) = self.set_global(target, key)
                {
                    return origins;
                }
                let origins = self.target(target, guarded);
                self.read(key);
                match &key.kind {
                    ExprKind::Range(..) => origins,
                    ExprKind::Str(key) => then(origins, &Step::Key(key.to_string())),
                    ExprKind::Int(index) => then(origins, &Step::Index(*index)),
                    _ => then(origins, &Step::Dynamic),
                }
            }
            ExprKind::Default(target, value) => {
                let mut origins = self.read_as(target, true);
                if let Some(value) = value {
                    let value = self.read_as(value, guarded);
                    merge(&mut origins, value);
                }
                origins
            }
            ExprKind::Exists(target) => {
                self.read_as(target, true);
                Vec::new()
            }
            ExprKind::Builtin(call) => self.builtin(call, guarded),
            ExprKind::Call(callee, args) => {
                let args: Vec<_> = args.iter().map(|arg| self.read(arg)).collect();
                self.call_function(callee, args)
            }
            ExprKind::And(left, right) | ExprKind::Or(left, right) => {
                self.read(left);
                let left_holds = matches!(expr.kind, ExprKind::And(..));
                self.where_holds(left, left_holds, |reader| reader.read(right));
                Vec::new()
            }
            ExprKind::Arithmetic(_, left, right) => self.all([&**left, &**right]),
            ExprKind::Not(inner) | ExprKind::Negate(inner) | ExprKind::Plus(inner) => {
                self.read(inner);
                Vec::new()
            }
            ExprKind::Compare(_, left, right) => {
                self.all([&**left, &**right]);
                Vec::new()
            }
            ExprKind::Range(_, from, to) => {
                self.all(std::iter::once(&**from).chain(to.as_deref()));
                Vec::new()
            }
            ExprKind::Seq(items) => contained(self.all(items)),
            ExprKind::Hash(entries) => {
                self.all(entries.iter().map(|(key, _)| key));
                contained(self.all(entries.iter().map(|(_, value)| value)))
            }
            ExprKind::Concat(parts) => {
                for part in parts {
                    match &part.kind {
                        NodeKind::Output(inner) => drop(self.read(inner)),
                        NodeKind::NumericOutput(output) => drop(self.read(&output.expr)),
                        _ => {}
                    }
                }
                Vec::new()
            }
        }
    }

    /// The value that a step is taken from; the whole path is noted, not this part of it.
    fn target(&mut self, target: &'p Expr, guarded: bool) -> Vec<Path> {
        if is_path(target) {
            self.origins(target, guarded)
        } else {
            self.read_as(target, guarded)
        }
    }

    fn variable(&mut self, name: &'p Name) -> Vec<Path> {
        let binding = &name.binding;
        let mut origins = Vec::new();
        let frame = self.frame;
        let places = binding
            .locals
            .iter()
            .map(|slot| (frame, *slot))
            .chain(binding.namespace.map(|slot| (State::NAMESPACE, slot)))
            .chain(binding.global.map(|slot| (State::GLOBALS, slot)));
        if binding.legacy_loop.is_some() {
            return origins;
        }
        for (frame, slot) in places {
            if let Some(bound) = self.state.get(frame, slot) {
                merge(&mut origins, bound.origins.clone());
                if bound.is_certain {
                    return origins;
                }
            }
        }
        merge(&mut origins, vec![Path::root(&name.text)]);
        origins
    }

    /// Where the value of `.globals.name` comes from, if the template may have set such a global variable by then.
    /// The data's is behind those that are set for sure.
    fn set_global(&self, target: &Expr, name: &str) -> Option<Vec<Path>> {
        if !matches!(target.kind, ExprKind::Special(Special::Globals)) {
            return None;
        }
        let slot = self.program?.globals.get(name)?;
        let bound = self.state.get(State::GLOBALS, slot)?;
        let mut origins = bound.origins.clone();
        if !bound.is_certain {
            merge(&mut origins, vec![Path::root(name)]);
        }
        Some(origins)
    }

    fn builtin(&mut self, call: &'p BuiltinCall, guarded: bool) -> Vec<Path> {
        let accepts_missing = call.builtin.accepts_missing();
        let origins = self.read_as(&call.target, accepts_missing || guarded);
        let args = call.args.as_deref().unwrap_or_default();
        if call.builtin.takes_lambda() {
            return self.transformed(call, origins);
        }
        match call.builtin.name() {
            "then" => {
                let mut chosen = Vec::new();
                for (arg, holds) in args.iter().zip([true, false]) {
                    let arg = self.where_holds(&call.target, holds, |reader| reader.read(arg));
                    merge(&mut chosen, arg);
                }
                return chosen;
            }
            "values" => return contained(then(origins, &Step::Each)),
            _ => {}
        }
        let given = self.all(args);
        match call.builtin.name() {
            "first" | "last" | "min" | "max" => then(origins, &Step::Each),
            "reverse" | "sequence" | "sort" | "sort_by" | "if_exists" => origins,
            "chunk" => contained(origins),
            "switch" => given,
            "default" => {
                let mut either = origins;
                merge(&mut either, given);
                either
            }
            _ => Vec::new(),
        }
    }

    /// `?map(i -> …)`, `?filter(i -> …)` and their like.
    fn transformed(&mut self, call: &'p BuiltinCall, origins: Vec<Path>) -> Vec<Path> {
        let items = then(origins.clone(), &Step::Each);
        let Some(function) = call.args.as_ref().and_then(|args| args.first()) else {
            return origins;
        };
        let result = if let ExprKind::Lambda(lambda) = &function.kind {
            let outer = self.state.get(self.frame, lambda.slot).cloned();
            self.state.bind(self.frame, lambda.slot, items);
            let result = self.read(&lambda.body);
            match outer {
                Some(outer) => self.state.bind(self.frame, lambda.slot, outer.origins),
                None => self.state.unbind(self.frame, lambda.slot),
            }
            result
        } else {
            self.call_function(function, vec![items])
        };
        if call.builtin.name() == "map" {
            contained(result)
        } else {
            origins
        }
    }

    /// A function of the template is walked through; another thing that is called is only read.
    fn call_function(&mut self, callee: &'p Expr, args: Vec<Vec<Path>>) -> Vec<Path> {
        self.read_called(callee, args.len());
        let mut result = Vec::new();
        for def in self.macros_named(callee) {
            let outer = std::mem::take(&mut self.returned);
            let params = def.params.iter().map(|param| param.slot);
            let mut bound: Vec<_> = params.zip(args.iter().cloned()).collect();
            if let Some((_, slot)) = &def.catch_all {
                let rest = args.iter().skip(def.params.len()).flatten();
                bound.push((*slot, contained(rest.cloned().collect())));
            }
            self.run_macro(def, bound, None);
            let returned = std::mem::replace(&mut self.returned, outer);
            merge(&mut result, returned);
        }
        result
    }

    /// Does `read` knowing that `condition` is true, or that it is false.
    pub(super) fn where_holds<T>(
        &mut self,
        condition: &'p Expr,
        holds: bool,
        read: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let before = self.present.len();
        self.learn(condition, holds);
        let result = read(self);
        self.present.truncate(before);
        result
    }

    /// Keeps in mind what is there if `condition` is true, or false.
    pub(super) fn learn(&mut self, condition: &'p Expr, holds: bool) {
        match &condition.kind {
            ExprKind::Paren(inner) => self.learn(inner, holds),
            ExprKind::Not(inner) => self.learn(inner, !holds),
            ExprKind::And(left, right) if holds => {
                self.learn(left, true);
                self.learn(right, true);
            }
            ExprKind::Or(left, right) if !holds => {
                self.learn(left, false);
                self.learn(right, false);
            }
            ExprKind::Exists(target) if holds => self.learn_present(target),
            ExprKind::Builtin(call)
                if holds && matches!(call.builtin.name(), "has_content" | "exists") =>
            {
                self.learn_present(&call.target);
            }
            _ => {}
        }
    }

    fn learn_present(&mut self, target: &'p Expr) {
        match &target.kind {
            ExprKind::Paren(inner) => self.learn_present(inner),
            _ if is_path(target) => {
                // Of several possible values it isn't known which one is there.
                if let [path] = &self.origins(target, true)[..]
                    && self.present.len() < super::MAX_PRESENT
                {
                    self.present.push(path.clone());
                }
            }
            _ => {}
        }
    }
}

/// Whether it is a variable or a step from a value.
fn is_path(expr: &Expr) -> bool {
    matches!(
        expr.kind,
        ExprKind::Name(_) | ExprKind::Dot(..) | ExprKind::Index(..)
    )
}
