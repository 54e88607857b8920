//! Arguments to parameters.

use super::call::Routine;
use super::env::{Env, Evaluated, Fault};
use super::operators::seq_len;
use crate::data::{View, same};
use crate::error::{Error, ErrorKind};
use crate::number::Number;
use crate::syntax::ast::{CallArgs, Expr, ExprKind, MacroDef, Param};
use crate::value::{Map, Str, Value};

/// Which parameters a call names or reaches, be it with an argument that has no value.
#[derive(Clone, Copy)]
pub(super) enum Given<'a> {
    /// The first ones.
    Positional(usize),
    Named(&'a [(Box<str>, Expr)]),
    /// A bit for each of the first 64.
    Mask(u64),
}

impl Given<'_> {
    fn has(self, def: &MacroDef, index: usize) -> bool {
        match self {
            Self::Positional(count) => index < count,
            Self::Named(args) => {
                let name = &def.params[index].name;
                args.iter().any(|(given, _)| given == name)
            }
            Self::Mask(mask) => u32::try_from(index)
                .ok()
                .and_then(|index| 1u64.checked_shl(index))
                .is_some_and(|bit| mask & bit != 0),
        }
    }

    /// What arguments that are yet to be bound give.
    pub(super) fn by(def: &MacroDef, passed: &Passed<'_>) -> Self {
        match passed {
            Passed::Positional(values) => Self::Positional(values.len()),
            Passed::Named(values) => {
                let names = def.params.iter().take(64).enumerate();
                Self::Mask(names.fold(0, |mask, (index, param)| {
                    let is_given = values.iter().any(|(name, _)| *name.as_str() == *param.name);
                    mask | u64::from(is_given) << index
                }))
            }
        }
    }

    /// What the arguments of a call that are bound where they stand give.
    pub(super) fn in_place(args: &CallArgs) -> Given<'_> {
        match args {
            CallArgs::Positional(args) => Given::Positional(args.len()),
            CallArgs::Named(args) => Given::Named(args),
        }
    }
}

/// Arguments by position, or by name.
pub(super) enum Passed<'a> {
    Positional(Vec<Option<Value<'a>>>),
    Named(Vec<(Str<'a>, Option<Value<'a>>)>),
}

impl<'a> Env<'a> {
    /// Evaluates the arguments of a macro's call: straight to where they belong in its new frame, or, if preset or surplus
    /// ones are to be put together with them, to be bound later.
    pub(super) fn pass(
        &mut self,
        routine: Routine<'_, 'a>,
        args: &'a CallArgs,
        frame: usize,
    ) -> Evaluated<'a, Option<Passed<'a>>> {
        let def = routine.def;
        // Since 2.3.28 that is the caller's fault, and found before anything is computed.
        if let (CallArgs::Positional(args), None) = (args, routine.with)
            && self.engine.options.version.has(28)
        {
            self.check_count(def, args.len())?;
        }
        let passed = match args {
            CallArgs::Positional(args)
                if routine.with.is_none() && takes_directly(def, args.len()) =>
            {
                return self.pass_in_place(def, args, frame).map(|()| None);
            }
            CallArgs::Named(args) if routine.with.is_none() && def.catch_all.is_none() => {
                return self.pass_by_name(def, args, frame).map(|()| None);
            }
            CallArgs::Positional(args) => Passed::Positional(self.eval_args(args)?),
            CallArgs::Named(args) => {
                let mut named = Vec::with_capacity(args.len());
                for (name, value) in args {
                    named.push((Str::Borrowed(name), self.eval_kept(value)?));
                }
                Passed::Named(named)
            }
        };
        match routine.with {
            Some(with) => self.with_preset(def, with, passed).map(Some),
            None => Ok(Some(passed)),
        }
    }

    /// Evaluates arguments that [`takes_directly`] straight to their parameters.
    pub(super) fn pass_in_place(
        &mut self,
        def: &'a MacroDef,
        args: &'a [Expr],
        frame: usize,
    ) -> Evaluated<'a, ()> {
        for (param, arg) in def.params.iter().zip(args) {
            self.pass_one(frame, param.slot, arg)?;
        }
        Ok(())
    }

    /// Evaluates an argument to where its parameter is. What has just been written in parts is not copied as a whole, for
    /// which the processor would wait: parts of the data and variables are written where they belong.
    #[inline]
    fn pass_one(&mut self, frame: usize, slot: u32, arg: &'a Expr) -> Evaluated<'a, ()> {
        match &arg.kind {
            ExprKind::Name(name) => {
                let found = name.binding.locals.first();
                let found = found.map(|local| self.place.base + *local as usize);
                if let Some(from) = found
                    && let Some(Some(value)) = self.locals.get(from)
                {
                    let value = value.clone();
                    self.set_local_of(frame, slot, Some(value));
                    return self.step();
                }
            }
            ExprKind::Dot(target, key) => {
                if let Some(hash) = self.data_hash(target)
                    && let Some(View::Number(text)) = hash.get_near(&key.text, &key.place)
                    && let Some(number) = Number::parse_small(text, self.max_digits())
                    && let Some(local) = self.locals.get_mut(frame + slot as usize)
                {
                    *local = Some(Value::Number(number));
                    return self.step();
                }
            }
            _ => {}
        }
        let value = self.eval_kept(arg)?;
        self.set_local_of(frame, slot, value);
        Ok(())
    }

    fn pass_by_name(
        &mut self,
        def: &'a MacroDef,
        args: &'a [(Box<str>, Expr)],
        frame: usize,
    ) -> Evaluated<'a, ()> {
        for (at, (name, arg)) in args.iter().enumerate() {
            match param_slot(def, name, at) {
                Some(slot) => self.pass_one(frame, slot, arg)?,
                None => return Err(self.unknown_parameter(def, name)),
            }
        }
        Ok(())
    }

    /// Keeps what the macro that begins to run has been called with, for `.args`.
    pub(super) fn keep_args(&mut self, def: &'a MacroDef) -> Evaluated<'a, ()> {
        let params = def.params.iter().map(|param| (&*param.name, param.slot));
        let catch_all = def
            .catch_all
            .as_ref()
            .and_then(|(_, slot)| self.local(*slot).cloned());
        let args = if def.is_function {
            let mut items: Vec<_> = params.map(|(_, slot)| self.local(slot).cloned()).collect();
            if let Some(rest) = &catch_all {
                items.extend(self.items(rest)?);
            }
            Value::list(items)
        } else {
            let mut map = Map::default();
            for (name, slot) in params {
                map.insert(Str::Borrowed(name), self.local(slot).cloned());
            }
            match &catch_all {
                Some(rest) if rest.is_sequence() && seq_len(rest) > 0 => {
                    let message = "The macro can only by called with named arguments, because it uses both .args and a non-empty catch-all parameter.";
                    return Err(self.failure(ErrorKind::Value, message));
                }
                Some(rest) => {
                    for (name, value) in self.entries(rest)? {
                        map.insert(name, value);
                    }
                }
                None => {}
            }
            Value::map(map)
        };
        self.set_local(def.args_slot, Some(args));
        Ok(())
    }

    pub(super) fn eval_args(&mut self, args: &'a [Expr]) -> Evaluated<'a, Vec<Option<Value<'a>>>> {
        args.iter().map(|arg| self.eval_kept(arg)).collect()
    }

    /// Gives the parameters that were left out their defaults, which may use each other.
    pub(super) fn bind_defaults(
        &mut self,
        def: &'a MacroDef,
        given: Given<'_>,
    ) -> Evaluated<'a, ()> {
        loop {
            let mut progress = false;
            let mut unresolved = None;
            for (index, param) in def.params.iter().enumerate() {
                if self.local(param.slot).is_some() {
                    continue;
                }
                let Some(default) = &param.default else {
                    return Err(missing_argument(def, index, given.has(def, index)));
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

    pub(super) fn bind(&mut self, def: &'a MacroDef, passed: Passed<'a>) -> Evaluated<'a, ()> {
        match passed {
            Passed::Positional(values) => self.bind_positional(def, values),
            Passed::Named(values) => self.bind_named(def, values),
        }
    }

    pub(super) fn check_count(&self, def: &MacroDef, count: usize) -> Evaluated<'a, ()> {
        if count <= def.params.len() || def.catch_all.is_some() {
            return Ok(());
        }
        let message = format!(
            "{} \"{}\" only accepts {} parameters, but got {count}.",
            if def.is_function { "Function" } else { "Macro" },
            def.name,
            def.params.len()
        );
        Err(self.failure(ErrorKind::Value, message))
    }

    fn bind_positional(
        &mut self,
        def: &'a MacroDef,
        values: Vec<Option<Value<'a>>>,
    ) -> Evaluated<'a, ()> {
        self.check_count(def, values.len())?;
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
        for (at, (name, value)) in values.into_iter().enumerate() {
            if let Some(slot) = param_slot(def, name.as_str(), at) {
                self.set_local(slot, value);
            } else if def.catch_all.is_some() {
                rest.insert(name, value);
            } else {
                return Err(self.unknown_parameter(def, name.as_str()));
            }
        }
        if let Some((_, slot)) = &def.catch_all {
            self.set_local(*slot, Some(Value::map(rest)));
        }
        Ok(())
    }

    #[cold]
    fn unknown_parameter(&self, def: &MacroDef, name: &str) -> Fault<'a> {
        let names: Vec<_> = def.params.iter().map(|param| &*param.name).collect();
        let message = format!(
            "{} \"{}\" has no parameter with name \"{name}\". Valid parameter names are: {}",
            if def.is_function { "Function" } else { "Macro" },
            def.name,
            names.join(", ")
        );
        self.failure(ErrorKind::Value, message)
    }
}

#[cold]
fn missing_argument<'a>(def: &MacroDef, index: usize, is_given: bool) -> Fault<'a> {
    let (what, tip) = if is_given {
        (
            "specified, but had null/missing value.",
            "If the parameter value expression on the caller side is known to be legally null/missing, you may want to specify a default value for it with the \"!\" operator, like paramValue!defaultValue.",
        )
    } else {
        (
            "not specified.",
            "If the omission was deliberate, you may consider making the parameter optional in the macro by specifying a default value for it, like <#macro macroName paramName=defaultExpr>)",
        )
    };
    let message = format!(
        "When calling {} \"{}\", required parameter \"{}\" (parameter #{}) was {what}",
        kind_of(def),
        def.name,
        def.params[index].name,
        index + 1
    );
    Fault::Error(Error::new(ErrorKind::Value, message).tip(tip))
}

/// Whether so many arguments by position all belong to parameters.
pub(super) fn takes_directly(def: &MacroDef, count: usize) -> bool {
    count <= def.params.len() && def.catch_all.is_none()
}

/// The slot of the parameter `name`, most likely the one `at` the place of the argument.
fn param_slot(def: &MacroDef, name: &str, at: usize) -> Option<u32> {
    let is_meant = |param: &&Param| same(&param.name, name);
    let expected = def.params.get(at).filter(is_meant);
    let param = expected.or_else(|| def.params.iter().find(is_meant))?;
    Some(param.slot)
}

fn kind_of(def: &MacroDef) -> &'static str {
    if def.is_function { "function" } else { "macro" }
}
