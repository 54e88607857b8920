//! Several templates in one render: their namespaces, and how code of one finds the variables of another.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use super::env::{Env, Evaluated, Nested, Place, Running};
use super::first::First;
use super::java_order::java_order;
use crate::compile::Names;
use crate::error::Error;
use crate::syntax::Src;
use crate::syntax::ast::{BuiltinCall, LoopField, MacroDef, Site};
use crate::template::Code;
use crate::value::{Str, Value};

/// What a render has loaded or made and that is kept until its end.
#[derive(Default)]
pub(crate) struct Loaded {
    codes: Kept<Arc<Code>>,
    methods: Kept<BuiltinCall>,
}

/// A list to whose end something can be added while its items are borrowed.
struct Kept<T>(OnceCell<Box<Link<T>>>);

struct Link<T> {
    item: T,
    next: Kept<T>,
}

impl<T> Kept<T> {
    /// Adds `item` to the end, which this is; returns it, and the new end.
    fn add(&self, item: T) -> (&T, &Self) {
        let link = self.0.get_or_init(|| {
            Box::new(Link {
                item,
                next: Self::default(),
            })
        });
        (&link.item, &link.next)
    }
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self(OnceCell::new())
    }
}

impl<T> Drop for Kept<T> {
    /// One after the other: a long chain must not recurse.
    fn drop(&mut self) {
        let mut next = self.0.take();
        while let Some(mut link) = next {
            next = link.next.0.take();
        }
    }
}

/// Where code has come from.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Origin {
    /// The loader has it.
    Loaded,
    /// The loader has it, and it is to be printed as it stands.
    Plain,
    /// The call of `?eval` or `?interpret` at this address has made it of a text.
    MadeAt(usize),
}

/// Code with the namespace that it runs in.
pub(crate) struct Unit<'a> {
    pub(crate) code: &'a Code,
    pub(crate) namespace: u32,
    /// The unit that its macros belong to: the last one with the same code that has defined them.
    pub(crate) home: u32,
    /// Where the code's own slots are in the tables of variables; `None` if they are the same.
    slots: Option<Rc<Slots>>,
}

struct Slots {
    namespace: Vec<u32>,
    globals: Vec<u32>,
}

/// All code of a render; the main template's comes first.
pub(crate) struct Units<'a> {
    list: First<Unit<'a>>,
    /// Where to find what has been loaded; most renders load nothing.
    index: Option<Box<Index<'a>>>,
    last_code: &'a Kept<Arc<Code>>,
    last_method: &'a Kept<BuiltinCall>,
}

#[derive(Default)]
struct Index<'a> {
    /// The unit for code (by its address) in a namespace.
    by_code: HashMap<(usize, u32), u32>,
    /// Code by where it has come from: by the template's name, or by the text that it was made of.
    by_text: HashMap<(Origin, Rc<str>), &'a Code>,
    /// Namespaces by the full names of their templates.
    imported: HashMap<Box<str>, u32>,
    /// Calls of built-ins' methods, by the place that has given the method and the number of arguments.
    methods: HashMap<(usize, usize), &'a BuiltinCall>,
    /// Why templates could not be loaded.
    failed: HashMap<(Origin, Rc<str>), Error>,
}

impl<'a> Units<'a> {
    pub(crate) fn new(main: &'a Code, loaded: &'a Loaded) -> Self {
        Self {
            list: First::new(Unit {
                code: main,
                namespace: 0,
                home: 0,
                slots: None,
            }),
            index: None,
            last_code: &loaded.codes,
            last_method: &loaded.methods,
        }
    }

    pub(crate) fn get(&self, unit: u32) -> &Unit<'a> {
        &self.list[unit as usize]
    }

    /// Makes `home` the unit that the macros of its code belong to, in whatever namespaces they are.
    pub(crate) fn move_macros(&mut self, home: u32) {
        let code = self.get(home).code;
        for unit in self.list.iter_mut() {
            if std::ptr::eq(unit.code, code) {
                unit.home = home;
            }
        }
    }

    /// Keeps `code` until the end of the render.
    pub(crate) fn keep(&mut self, code: Arc<Code>) -> &'a Code {
        let (code, end) = self.last_code.add(code);
        self.last_code = end;
        code
    }

    /// The call of a built-in's method that has been kept for `key`.
    pub(crate) fn method(&self, key: (usize, usize)) -> Option<&'a BuiltinCall> {
        self.index.as_ref()?.methods.get(&key).copied()
    }

    /// Keeps it until the end of the render.
    pub(crate) fn keep_method(
        &mut self,
        key: (usize, usize),
        call: BuiltinCall,
    ) -> &'a BuiltinCall {
        let (call, end) = self.last_method.add(call);
        self.last_method = end;
        let index = self.index.get_or_insert_default();
        index.methods.insert(key, call);
        call
    }

    pub(crate) fn made_of(&self, origin: Origin, text: &str) -> Option<&'a Code> {
        let index = self.index.as_ref()?;
        index.by_text.get(&(origin, Rc::from(text))).copied()
    }

    pub(crate) fn remember(&mut self, origin: Origin, text: &str, code: &'a Code) {
        let index = self.index.get_or_insert_default();
        index.by_text.insert((origin, Rc::from(text)), code);
    }

    /// Why what `text` stands for could not be made earlier in this render.
    pub(crate) fn failure_of(&self, origin: Origin, text: &str) -> Option<&Error> {
        let index = self.index.as_ref()?;
        index.failed.get(&(origin, Rc::from(text)))
    }

    pub(crate) fn remember_failure(&mut self, origin: Origin, text: &str, error: &Error) {
        let index = self.index.get_or_insert_default();
        index.failed.insert((origin, Rc::from(text)), error.clone());
    }

    /// The namespace that the template `name` has been imported into.
    pub(crate) fn namespace_of(&self, name: &str) -> Option<u32> {
        self.index.as_ref()?.imported.get(name).copied()
    }

    pub(crate) fn import(&mut self, name: &str, namespace: u32) {
        let index = self.index.get_or_insert_default();
        index.imported.insert(name.into(), namespace);
    }
}

/// A namespace's variables, or the global ones: by slot, and by name.
pub(crate) struct Variables<'a> {
    names: &'a Names,
    /// Names that other code has brought along; their slots come after. Most renders have none, and no table for them.
    more: Option<Box<Names>>,
    values: Vec<Option<Value<'a>>>,
    /// The full name of the template that a lazy import has yet to run.
    pub(crate) pending: Option<Rc<str>>,
    /// The same, if that has failed.
    pub(crate) failed: Option<Rc<str>>,
}

impl<'a> Variables<'a> {
    /// Before any is used, [`Self::make`] is to make room for them.
    #[inline]
    pub(crate) fn new(names: &'a Names) -> Self {
        Self {
            names,
            more: None,
            values: Vec::new(),
            pending: None,
            failed: None,
        }
    }

    /// Makes room for their values.
    #[inline]
    pub(crate) fn make(&mut self) {
        super::env::fill(&mut self.values, self.names.len());
    }

    /// The slot of `name`, which gets one if it has none.
    fn slot(&mut self, name: &str) -> u32 {
        if let Some(slot) = self.find(name) {
            return slot;
        }
        let more = self.more.get_or_insert_default();
        let slot = self.names.len() as u32 + more.slot(name);
        self.values.resize(slot as usize + 1, None);
        slot
    }

    fn find(&self, name: &str) -> Option<u32> {
        self.names.get(name).or_else(|| {
            let slot = self.more.as_ref()?.get(name)?;
            Some(self.names.len() as u32 + slot)
        })
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Value<'a>> {
        self.at(self.find(name)?)
    }

    pub(crate) fn set(&mut self, name: &str, value: Option<Value<'a>>) {
        let slot = self.slot(name);
        self.set_at(slot, value);
    }

    #[inline]
    pub(crate) fn at(&self, slot: u32) -> Option<&Value<'a>> {
        self.values.get(slot as usize)?.as_ref()
    }

    #[inline]
    pub(crate) fn set_at(&mut self, slot: u32, value: Option<Value<'a>>) {
        if let Some(variable) = self.values.get_mut(slot as usize) {
            *variable = value;
        }
    }

    /// Names and values of those that have one, in the order of a Java `HashMap`.
    pub(crate) fn entries(&self) -> Vec<(&str, &Value<'a>)> {
        let more = self.more.iter().flat_map(|names| names.iter());
        let names = self.names.iter().chain(more);
        let mut entries: Vec<_> = names
            .zip(&self.values)
            .filter_map(|(name, value)| Some((name, value.as_ref()?)))
            .collect();
        java_order(&mut entries);
        entries
    }
}

/// What code of another template sees of the place that it runs at.
pub(crate) struct Around<'a> {
    site: Option<&'a Site>,
    base: usize,
    /// The macro that runs there, if it isn't known to `outer`.
    running: Option<Running<'a>>,
    /// Where that macro's frame begins, known or not.
    macro_base: Option<usize>,
    outer: Option<Rc<Around<'a>>>,
}

impl<'a> Env<'a> {
    /// The unit of `code` in a namespace; its names get slots there.
    pub(crate) fn unit_of(&mut self, code: &'a Code, namespace: u32) -> Evaluated<'a, u32> {
        let key = (std::ptr::from_ref(code) as usize, namespace);
        let index = self.units.index.get_or_insert_default();
        if let Some(unit) = index.by_code.get(&key) {
            return Ok(*unit);
        }
        let program = &code.program;
        self.steps(program.namespace.len() + program.globals.len())?;
        self.charge_items(program.namespace.len() + program.globals.len())?;
        let variables = &mut self.namespaces[namespace as usize];
        let slots = Slots {
            namespace: program
                .namespace
                .iter()
                .map(|name| variables.slot(name))
                .collect(),
            globals: program
                .globals
                .iter()
                .map(|name| self.globals.slot(name))
                .collect(),
        };
        let unit = self.units.list.len() as u32;
        self.units.list.push(Unit {
            code,
            namespace,
            home: unit,
            slots: Some(Rc::new(slots)),
        });
        let index = self.units.index.get_or_insert_default();
        index.by_code.insert(key, unit);
        Ok(unit)
    }

    /// Goes to another place; returns the one before.
    #[inline]
    pub(crate) fn go(&mut self, place: Place<'a>) -> Place<'a> {
        if place.unit != self.place.unit {
            self.template = self.units.get(place.unit).code;
        }
        std::mem::replace(&mut self.place, place)
    }

    /// Goes to where `def` of the unit `home` runs in the frame that begins at `frame`; returns the place before.
    #[inline]
    pub(crate) fn enter(
        &mut self,
        def: &'a MacroDef,
        home: u32,
        frame: usize,
        nested: Option<Rc<Nested<'a>>>,
    ) -> Place<'a> {
        let unit = self.units.get(home).home;
        if unit != self.place.unit {
            self.template = self.units.get(unit).code;
        }
        // Part by part in its place: a whole new one would be written so, and then copied in larger pieces, for which the
        // processor waits.
        let caller = Place {
            unit: self.place.unit,
            base: self.place.base,
            running: self.place.running.take(),
            nested: self.place.nested.take(),
            around: self.place.around.take(),
        };
        self.place.unit = unit;
        self.place.base = frame;
        self.place.running = Some(Running {
            def,
            base: frame,
            caller: caller.unit,
            unit,
        });
        self.place.nested = nested;
        caller
    }

    /// The current namespace.
    pub(crate) fn namespace(&self) -> u32 {
        self.units.get(self.place.unit).namespace
    }

    #[inline]
    pub(crate) fn namespace_variable(&self, slot: u32) -> Option<&Value<'a>> {
        let unit = self.units.get(self.place.unit);
        let slot = match &unit.slots {
            Some(slots) => slots.namespace[slot as usize],
            None => slot,
        };
        self.namespaces[unit.namespace as usize].at(slot)
    }

    pub(crate) fn set_namespace_variable(&mut self, slot: u32, value: Option<Value<'a>>) {
        let unit = self.units.get(self.place.unit);
        let slot = match &unit.slots {
            Some(slots) => slots.namespace[slot as usize],
            None => slot,
        };
        self.namespaces[unit.namespace as usize].set_at(slot, value);
    }

    fn global_slot(&self, slot: u32) -> u32 {
        match &self.units.get(self.place.unit).slots {
            Some(slots) => slots.globals[slot as usize],
            None => slot,
        }
    }

    #[inline]
    pub(crate) fn global_variable(&self, slot: u32) -> Option<&Value<'a>> {
        self.globals.at(self.global_slot(slot))
    }

    pub(crate) fn set_global_variable(&mut self, slot: u32, value: Option<Value<'a>>) {
        let slot = self.global_slot(slot);
        self.globals.set_at(slot, value);
    }

    /// Runs other code in `unit` in a frame of its own, from where it sees the variables around `site`.
    pub(crate) fn run_within<T>(
        &mut self,
        unit: u32,
        site: Option<&'a Site>,
        run: impl FnOnce(&mut Self) -> Evaluated<'a, T>,
    ) -> Evaluated<'a, T> {
        let here = &self.place;
        // What included code includes runs in the same macro: that is looked through once, after all loops.
        let known = here.around.as_ref().and_then(|around| around.macro_base);
        let running = here.running.filter(|running| known != Some(running.base));
        let around = if site.is_none() && running.is_none() {
            here.around.clone()
        } else {
            Some(Rc::new(Around {
                site,
                base: here.base,
                running,
                macro_base: here.running.map(|running| running.base),
                outer: here.around.clone(),
            }))
        };
        let frame_size = self.units.get(unit).code.program.frame_size as usize;
        self.charge_items(frame_size)?;
        let frame = self.locals.len();
        self.locals.resize(frame + frame_size, None);
        let before = self.go(Place {
            unit,
            base: frame,
            around,
            ..self.place.clone()
        });
        let result = run(self);
        // What is missing is to be shown as it stands in this code.
        let result = result.map_err(|fault| super::env::Fault::Error(self.to_error(fault)));
        self.go(before);
        self.locals.truncate(frame);
        result
    }

    /// A local variable of the place around, looked up by its name.
    #[cold]
    pub(crate) fn variable_around(&self, name: &str) -> Option<Value<'a>> {
        let mut around = self.place.around.as_deref();
        while let Some(here) = around {
            let of_loop = here
                .site
                .and_then(|site| self.variable_of_site(site, here.base, name));
            if of_loop.is_some() {
                return of_loop;
            }
            if let Some(value) = here
                .running
                .and_then(|running| self.macro_variable(running, name))
            {
                return Some(value);
            }
            around = here.outer.as_deref();
        }
        None
    }

    /// A loop variable that is to be seen at `site`, in the frame that begins at `base`.
    fn variable_of_site(&self, site: &Site, base: usize, name: &str) -> Option<Value<'a>> {
        let mut site = Some(site);
        while let Some(scope) = site {
            for variable in scope.variables.iter().rev() {
                if let Some(value) = self.variable_of_scope(base, variable, name) {
                    return Some(value);
                }
            }
            site = scope.outer.as_deref();
        }
        None
    }

    /// A local variable by a name that has been computed, for a `.vars` that is read at `src`.
    #[cold]
    pub(crate) fn local_named(&self, src: Src, name: &str) -> Option<Value<'a>> {
        let code = self.template;
        let site = code.program.vars.get(&src);
        site.and_then(|site| self.variable_of_site(site, self.place.base, name))
            .or_else(|| self.macro_variable(self.place.running?, name))
            .or_else(|| self.variable_around(name))
    }

    fn variable_of_scope(
        &self,
        base: usize,
        variable: &crate::syntax::ast::ScopeVariable,
        name: &str,
    ) -> Option<Value<'a>> {
        let suffix = name.strip_prefix(&*variable.name)?;
        if suffix.is_empty() {
            return self.local_of(base, variable.slot).cloned();
        }
        let field = match suffix {
            "_index" => LoopField::Index,
            "_has_next" => LoopField::HasNext,
            _ => return None,
        };
        match self.local_of(base, variable.state_slot?) {
            Some(Value::Loop(state)) => Some(state.field(field)),
            _ => None,
        }
    }

    /// A local variable of a running macro.
    pub(crate) fn macro_variable(&self, running: Running<'a>, name: &str) -> Option<Value<'a>> {
        let slot = running.def.local_slot(name)?;
        self.local_of(running.base, slot).cloned()
    }

    /// The local variables of the running macro that have a value, in the order of a Java `HashMap`.
    pub(crate) fn local_entries(&self) -> Vec<(Str<'a>, Option<Value<'a>>)> {
        let Some(running) = self.place.running else {
            return Vec::new();
        };
        let mut entries: Vec<(&'a str, Value<'a>)> = running
            .def
            .locals
            .iter()
            .filter_map(|(name, slot)| {
                let value = self.local_of(running.base, *slot)?;
                Some((&**name, value.clone()))
            })
            .collect();
        java_order(&mut entries);
        entries
            .into_iter()
            .map(|(name, value)| (Str::Borrowed(name), Some(value)))
            .collect()
    }
}
