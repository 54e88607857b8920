//! Names to slots.
//!
//! Loop variables and the variables of macros live in slots of the running frame. Variables of the namespace and
//! global ones have slots of their own. A name that is assigned nowhere is the data's.

use std::collections::HashMap;
use std::sync::Arc;

use super::fold::fold;
use super::walk::children_mut;
use crate::syntax::Src;
use crate::syntax::ast::{
    AssignScope, AssignTarget, Binding, Branch, CallArgs, CaseWhen, Expr, ExprKind, LoopField,
    LoopVars, MacroCall, MacroDef, Name, Node, NodeKind, ScopeVariable, Site, Special,
};

/// A template that is ready to run.
pub(crate) struct Program {
    pub(crate) nodes: Vec<Node>,
    /// Local slots of the template's own frame.
    pub(crate) frame_size: u32,
    /// The namespace's variables by slot.
    pub(crate) namespace: Names,
    /// The global variables by slot.
    pub(crate) globals: Names,
    /// Whether there are macros or functions among the nodes.
    pub(crate) has_macros: bool,
    /// What has been computed already, as it was, by its place.
    pub(crate) folded: HashMap<Src, Expr>,
    /// The loop variables that are to be seen where `.vars` may be read, by the place of the expression that gives it.
    pub(crate) vars: HashMap<Src, Arc<Site>>,
}

/// Names in the order of their slots.
#[derive(Default)]
pub(crate) struct Names {
    by_slot: Vec<Box<str>>,
    slots: HashMap<Box<str>, u32>,
}

impl Names {
    pub(crate) fn slot(&mut self, name: &str) -> u32 {
        if let Some(slot) = self.slots.get(name) {
            return *slot;
        }
        let slot = self.by_slot.len() as u32;
        self.by_slot.push(name.into());
        self.slots.insert(name.into(), slot);
        slot
    }

    pub(crate) fn get(&self, name: &str) -> Option<u32> {
        self.slots.get(name).copied()
    }

    pub(crate) fn len(&self) -> usize {
        self.by_slot.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        self.by_slot.iter().map(|name| &**name)
    }
}

/// Binds every name in `nodes`. In what is `open` other templates' code may run, or it may run within others: every
/// name may be assigned elsewhere then.
///
/// `has_vars` is whether there is a `.vars`.
pub(crate) fn resolve(mut nodes: Vec<Node>, open: bool, has_vars: bool) -> Program {
    let mut resolver = Resolver {
        open,
        has_vars,
        ..Resolver::default()
    };
    resolver.declare(&nodes);
    resolver.nodes(&mut nodes);
    Program {
        nodes,
        frame_size: resolver.frame_size,
        namespace: resolver.namespace,
        globals: resolver.globals,
        has_macros: resolver.has_macros,
        folded: resolver.folded,
        vars: resolver.vars,
    }
}

#[derive(Default)]
struct Resolver {
    open: bool,
    has_vars: bool,
    namespace: Names,
    globals: Names,
    has_macros: bool,
    folded: HashMap<Src, Expr>,
    vars: HashMap<Src, Arc<Site>>,
    /// Loop variables in scope, the innermost last.
    scopes: Vec<ScopeVariable>,
    /// In what is open: the same, as other templates' code finds them.
    sites: Vec<Arc<Site>>,
    /// The variables of the macro that is being resolved.
    locals: HashMap<Box<str>, u32>,
    next_slot: u32,
    frame_size: u32,
    /// State slots of the loops around.
    loops: Vec<u32>,
    /// Source slots of the lists around whose `#items` is still to come.
    list_sources: Vec<u32>,
}

impl Resolver {
    /// Gives slots to everything that is assigned anywhere.
    fn declare(&mut self, nodes: &[Node]) {
        for node in nodes {
            match &node.kind {
                NodeKind::Assign(assign) => self.declare_target(&assign.target),
                NodeKind::AssignBlock(assign) => self.declare_target(&assign.target),
                NodeKind::Macro(def) => {
                    self.namespace.slot(&def.name);
                    self.has_macros = true;
                }
                // An import of the main template is a global variable too.
                NodeKind::Import(import) => {
                    self.namespace.slot(&import.alias);
                    self.globals.slot(&import.alias);
                }
                _ => {}
            }
            node.for_each_body(&mut |body| self.declare(body));
        }
    }

    fn declare_target(&mut self, target: &AssignTarget) {
        match target.scope {
            AssignScope::Namespace => {
                self.namespace.slot(&target.name);
            }
            AssignScope::Global => {
                self.globals.slot(&target.name);
            }
            AssignScope::Local => {}
        }
    }

    fn allocate(&mut self, count: u32) -> u32 {
        let slot = self.next_slot;
        self.next_slot += count;
        self.frame_size = self.frame_size.max(self.next_slot);
        slot
    }

    fn push(&mut self, name: &str, slot: u32, state_slot: Option<u32>) {
        self.scopes.push(ScopeVariable {
            name: name.into(),
            slot,
            state_slot,
        });
    }

    /// Resolves what is in the scope of the variables that have been pushed since there were `before`, and closes it.
    fn scoped(&mut self, before: usize, resolve: impl FnOnce(&mut Self)) {
        if self.open {
            self.sites.push(Arc::new(Site {
                variables: self.scopes[before..].to_vec(),
                outer: self.site(),
            }));
        }
        resolve(self);
        self.scopes.truncate(before);
        if self.open {
            self.sites.pop();
        }
    }

    fn site(&self) -> Option<Arc<Site>> {
        self.sites.last().cloned()
    }

    fn nodes(&mut self, nodes: &mut [Node]) {
        for node in nodes {
            self.node(node);
        }
    }

    fn node(&mut self, node: &mut Node) {
        match &mut node.kind {
            NodeKind::Text(_) | NodeKind::TextRef(_) | NodeKind::Break | NodeKind::Continue => {}
            NodeKind::Output(expr) | NodeKind::Setting { value: expr, .. } => self.expr(expr),
            NodeKind::FormattedOutput(output) => self.expr(&mut output.expr),
            NodeKind::NumericOutput(output) => self.expr(&mut output.expr),
            NodeKind::If(branches) => {
                for Branch {
                    condition, body, ..
                } in branches
                {
                    if let Some(condition) = condition {
                        self.expr(condition);
                    }
                    self.nodes(body);
                }
            }
            NodeKind::List(list) => {
                self.expr(&mut list.source);
                match &mut list.vars {
                    Some(vars) => self.loop_body(vars, &mut list.body),
                    None => {
                        let next_slot = self.next_slot;
                        list.source_slot = self.allocate(1);
                        self.list_sources.push(list.source_slot);
                        self.nodes(&mut list.body);
                        self.list_sources.pop();
                        self.next_slot = next_slot;
                    }
                }
                if let Some(otherwise) = &mut list.otherwise {
                    self.nodes(otherwise);
                }
            }
            NodeKind::Items(items) => {
                items.source_slot = self.list_sources.last().copied().unwrap_or_default();
                self.loop_body(&mut items.vars, &mut items.body);
            }
            NodeKind::Sep { slot, body } => {
                *slot = self.loops.last().copied().unwrap_or_default();
                self.nodes(body);
            }
            NodeKind::Return(value) | NodeKind::Stop(value) => {
                if let Some(value) = value {
                    self.expr(value);
                }
            }
            NodeKind::Nested(args) => self.exprs(args),
            NodeKind::Assign(assign) => {
                self.target(&mut assign.target);
                for expr in assign.value.iter_mut().chain(&mut assign.namespace) {
                    self.expr(expr);
                }
            }
            NodeKind::AssignBlock(assign) => {
                self.target(&mut assign.target);
                if let Some(namespace) = &mut assign.namespace {
                    self.expr(namespace);
                }
                self.nodes(&mut assign.body);
            }
            NodeKind::Include(include) => {
                self.expr(&mut include.name);
                for (_, value) in &mut include.options {
                    self.expr(value);
                }
                include.site = self.site();
            }
            NodeKind::Import(import) => {
                self.expr(&mut import.name);
                import.slot = self.namespace.slot(&import.alias);
                import.site = self.site();
            }
            NodeKind::Macro(def) => self.macro_def(def),
            NodeKind::Call(call) => {
                self.expr(&mut call.callee);
                match &mut call.args {
                    CallArgs::Positional(args) => self.exprs(args),
                    CallArgs::Named(args) => {
                        args.iter_mut().for_each(|(_, value)| self.expr(value))
                    }
                }
                call.site = self.site();
                let (next_slot, scope) = (self.next_slot, self.scopes.len());
                for (name, slot) in &mut call.loop_vars {
                    *slot = self.allocate(1);
                    self.push(name, *slot, None);
                }
                self.scoped(scope, |resolver| {
                    if let Some(body) = &mut call.body {
                        resolver.nodes(body);
                    }
                });
                self.next_slot = next_slot;
            }
            NodeKind::Switch(switch) => {
                self.expr(&mut switch.subject);
                for case in &mut switch.cases {
                    match &mut case.when {
                        CaseWhen::Equal(value) => self.expr(value),
                        CaseWhen::OneOf(values) => self.exprs(values),
                        CaseWhen::Default => {}
                    }
                    self.nodes(&mut case.body);
                }
            }
            NodeKind::Compress(body) | NodeKind::Group(body) => self.nodes(body),
            NodeKind::Attempt { body, recover } => {
                self.nodes(body);
                self.nodes(recover);
            }
        }
    }

    fn loop_body(&mut self, vars: &mut LoopVars, body: &mut [Node]) {
        let (next_slot, scope) = (self.next_slot, self.scopes.len());
        vars.state_slot = self.allocate(if vars.second.is_some() { 3 } else { 2 });
        let state_slot = Some(vars.state_slot);
        self.push(&vars.first, vars.first_slot(), state_slot);
        if let Some(second) = &vars.second {
            self.push(second, vars.second_slot(), state_slot);
        }
        self.loops.push(vars.state_slot);
        self.scoped(scope, |resolver| resolver.nodes(body));
        self.loops.pop();
        self.next_slot = next_slot;
    }

    fn macro_def(&mut self, def: &mut MacroDef) {
        let outer_scopes = std::mem::take(&mut self.scopes);
        let outer_sites = std::mem::take(&mut self.sites);
        let outer_loops = std::mem::take(&mut self.loops);
        let outer_sources = std::mem::take(&mut self.list_sources);
        let (outer_next, outer_size) = (
            std::mem::take(&mut self.next_slot),
            std::mem::take(&mut self.frame_size),
        );
        def.slot = self.namespace.slot(&def.name);
        for param in &mut def.params {
            param.slot = self.allocate(1);
            self.locals.insert(param.name.clone(), param.slot);
        }
        if let Some((name, slot)) = &mut def.catch_all {
            *slot = self.allocate(1);
            self.locals.insert(name.clone(), *slot);
        }
        if def.uses_args {
            def.args_slot = self.allocate(1);
        }
        self.declare_locals(&def.body);
        for param in &mut def.params {
            if let Some(default) = &mut param.default {
                self.expr(default);
            }
        }
        self.nodes(&mut def.body);
        def.frame_size = self.frame_size;
        def.locals = self.locals.drain().collect();
        def.locals.sort();
        self.scopes = outer_scopes;
        self.sites = outer_sites;
        self.loops = outer_loops;
        self.list_sources = outer_sources;
        (self.next_slot, self.frame_size) = (outer_next, outer_size);
    }

    fn declare_locals(&mut self, nodes: &[Node]) {
        for node in nodes {
            let local = match &node.kind {
                NodeKind::Assign(assign) => local_target(&assign.target),
                NodeKind::AssignBlock(assign) => local_target(&assign.target),
                NodeKind::Call(call) => captured_local(call),
                _ => None,
            };
            if let Some(name) = local
                && !self.locals.contains_key(name)
            {
                let slot = self.allocate(1);
                self.locals.insert(name.into(), slot);
            }
            node.for_each_body(&mut |body| self.declare_locals(body));
        }
    }

    fn target(&mut self, target: &mut AssignTarget) {
        target.slot = match target.scope {
            AssignScope::Namespace => self.namespace.slot(&target.name),
            AssignScope::Global => self.globals.slot(&target.name),
            AssignScope::Local => self.locals.get(&target.name).copied().unwrap_or_default(),
        };
    }

    fn exprs(&mut self, exprs: &mut [Expr]) {
        for expr in exprs {
            self.expr(expr);
        }
    }

    fn expr(&mut self, expr: &mut Expr) {
        if let Some(text) = variable_named(expr) {
            let text: Box<str> = text.into();
            let binding = self.binding(&text);
            let variable = Expr {
                src: expr.src,
                kind: ExprKind::Name(Box::new(Name { text, binding })),
            };
            let original = std::mem::replace(expr, variable);
            self.folded.insert(original.src, original);
            return;
        }
        match &mut expr.kind {
            ExprKind::Builtin(call) => {
                if call.builtin.asks_loop() {
                    call.loop_slot = self.loop_of(&call.target);
                }
                call.site = self.site();
                self.expr(&mut call.target);
                call.args
                    .iter_mut()
                    .flatten()
                    .for_each(|arg| self.expr(arg));
            }
            ExprKind::Lambda(lambda) => {
                let (next_slot, scope) = (self.next_slot, self.scopes.len());
                lambda.slot = self.allocate(1);
                self.push(&lambda.param, lambda.slot, None);
                self.scoped(scope, |resolver| resolver.expr(&mut lambda.body));
                self.next_slot = next_slot;
            }
            ExprKind::Name(_) => self.bind(expr),
            ExprKind::Dot(target, _) | ExprKind::Index(target, _) if self.has_vars => {
                if let Some(site) = self.site() {
                    self.vars.insert(target.src, site);
                }
                children_mut(expr, &mut |child| self.expr(child));
            }
            _ => children_mut(expr, &mut |child| self.expr(child)),
        }
        if let Some(original) = fold(expr) {
            self.folded.insert(expr.src, original);
        }
    }

    fn bind(&mut self, expr: &mut Expr) {
        if let ExprKind::Name(name) = &mut expr.kind {
            name.binding = self.binding(&name.text);
        }
    }

    fn binding(&mut self, name: &str) -> Binding {
        if self.open {
            self.namespace.slot(name);
            self.globals.slot(name);
        }
        let mut locals: Vec<u32> = self
            .scopes
            .iter()
            .rev()
            .filter(|variable| *variable.name == *name)
            .map(|variable| variable.slot)
            .collect();
        let is_loop_variable = !locals.is_empty();
        locals.extend(self.locals.get(name));
        let legacy = |suffix, field| {
            let base = name.strip_suffix(suffix)?;
            let variable = self
                .scopes
                .iter()
                .rev()
                .find(|variable| *variable.name == *base)?;
            variable.state_slot.map(|slot| (slot, field))
        };
        Binding {
            locals,
            is_loop_variable,
            namespace: self.namespace.get(name),
            global: self.globals.get(name),
            legacy_loop: legacy("_index", LoopField::Index)
                .or_else(|| legacy("_has_next", LoopField::HasNext)),
            dynamic: self.open,
        }
    }

    fn loop_of(&self, target: &Expr) -> Option<u32> {
        let ExprKind::Name(name) = &target.kind else {
            return None;
        };
        let variable = self
            .scopes
            .iter()
            .rev()
            .find(|variable| variable.name == name.text)?;
        variable.state_slot
    }
}

fn local_target(target: &AssignTarget) -> Option<&str> {
    (target.scope == AssignScope::Local).then_some(&*target.name)
}

/// `name` of `<@capture_output local="name">`.
fn captured_local(call: &MacroCall) -> Option<&str> {
    let (ExprKind::Name(callee), CallArgs::Named(args)) = (&call.callee.kind, &call.args) else {
        return None;
    };
    let local = args.iter().find(|(name, _)| **name == *"local")?;
    match &local.1.kind {
        ExprKind::Str(name) if *callee.text == *"capture_output" => Some(name),
        _ => None,
    }
}

/// `name` of `.vars.name` and `.vars["name"]`, which mean the variable `name`.
fn variable_named(expr: &Expr) -> Option<&str> {
    let (target, name) = match &expr.kind {
        ExprKind::Dot(target, name) => (target, &name.text),
        ExprKind::Index(target, key) => match &key.kind {
            ExprKind::Str(name) => (target, name),
            _ => return None,
        },
        _ => return None,
    };
    matches!(target.kind, ExprKind::Special(Special::Vars)).then_some(&**name)
}
