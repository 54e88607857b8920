//! Directives: the ways through a template, and what its variables may hold on them.

use std::rc::Rc;

use super::state::{Nested, Path, State, contained, merge, then};
use super::{Reader, Step};
use crate::syntax::ast::{
    AssignOp, AssignScope, AssignTarget, Branch, CallArgs, CaseWhen, Expr, ExprKind, LoopVars,
    MacroCall, MacroDef, Node, NodeKind, Switch,
};

/// Macros within each other that are walked through.
const MAX_DEPTH: usize = 24;
/// How often a macro that calls itself is entered.
const MAX_RECURSION: usize = 2;

impl<'p> Reader<'p> {
    pub(super) fn nodes(&mut self, nodes: &'p [Node]) {
        for node in nodes {
            self.visits += 1;
            self.node(node);
        }
    }

    fn node(&mut self, node: &'p Node) {
        match &node.kind {
            NodeKind::Text(_)
            | NodeKind::TextRef(_)
            | NodeKind::Break
            | NodeKind::Continue
            | NodeKind::Macro(_) => {}
            NodeKind::Output(expr) | NodeKind::Setting { value: expr, .. } => {
                self.read(expr);
            }
            NodeKind::FormattedOutput(output) => {
                self.read(&output.expr);
            }
            NodeKind::NumericOutput(output) => {
                self.read(&output.expr);
            }
            NodeKind::If(branches) => self.branches(branches),
            NodeKind::List(list) => {
                let source = self.read(&list.source);
                let before = self.snapshot();
                match &list.vars {
                    Some(vars) => self.rounds(&source, vars, &list.body),
                    None => {
                        self.list_sources.push(source);
                        self.nodes(&list.body);
                        self.list_sources.pop();
                        self.join(before.as_ref());
                    }
                }
                if let Some(otherwise) = &list.otherwise {
                    let listed = before.map(|before| std::mem::replace(&mut self.state, before));
                    self.nodes(otherwise);
                    self.join(listed.as_ref());
                }
            }
            NodeKind::Items(items) => {
                let source = self.list_sources.last().cloned().unwrap_or_default();
                self.rounds(&source, &items.vars, &items.body);
            }
            NodeKind::Sep { body, .. } => self.maybe(body),
            NodeKind::Return(value) => {
                if let Some(value) = value {
                    let value = self.read(value);
                    merge(&mut self.returned, value);
                }
            }
            NodeKind::Stop(value) => {
                if let Some(value) = value {
                    self.read(value);
                }
            }
            NodeKind::Nested(args) => {
                let args = args.iter().map(|arg| self.read(arg)).collect();
                self.nested_content(args);
            }
            NodeKind::Include(include) => {
                self.read(&include.name);
                include.options.iter().for_each(|(_, value)| {
                    self.read(value);
                });
            }
            NodeKind::Import(import) => {
                self.read(&import.name);
                self.state.bind(State::NAMESPACE, import.slot, Vec::new());
            }
            NodeKind::Assign(assign) if assign.namespace.is_some() => {
                for expr in assign.namespace.iter().chain(&assign.value) {
                    self.read(expr);
                }
            }
            NodeKind::Assign(assign) => {
                let value = assign.value.as_ref().map(|value| self.read(value));
                self.assign(&assign.target, assign.op, value.unwrap_or_default());
            }
            NodeKind::AssignBlock(assign) => {
                self.nodes(&assign.body);
                match &assign.namespace {
                    Some(namespace) => {
                        self.read(namespace);
                    }
                    None => self.assign(&assign.target, AssignOp::Set, Vec::new()),
                }
            }
            NodeKind::Call(call) => self.call(call),
            NodeKind::Switch(switch) => self.switch(switch),
            NodeKind::Compress(body) | NodeKind::Group(body) => self.nodes(body),
            NodeKind::Attempt { body, recover } => {
                self.maybe(body);
                self.maybe(recover);
            }
        }
    }

    /// Nodes that are run or not, or only in part.
    fn maybe(&mut self, nodes: &'p [Node]) {
        let before = self.snapshot();
        self.nodes(nodes);
        self.join(before.as_ref());
    }

    fn branches(&mut self, branches: &'p [Branch]) {
        let present = self.present.len();
        let mut after: Option<State> = None;
        let mut has_else = false;
        for branch in branches {
            let before = self.snapshot();
            match &branch.condition {
                Some(condition) => {
                    self.read(condition);
                    self.where_holds(condition, true, |reader| reader.nodes(&branch.body));
                    // In the branches that follow, it was false.
                    self.learn(condition, false);
                }
                None => {
                    has_else = true;
                    self.nodes(&branch.body);
                }
            }
            let Some(before) = before else {
                self.join(None);
                continue;
            };
            let taken = std::mem::replace(&mut self.state, before);
            match &mut after {
                Some(after) => after.join(&taken),
                None => after = Some(taken),
            }
        }
        self.present.truncate(present);
        match after {
            Some(after) if has_else && !self.is_exhausted() => self.state = after,
            Some(after) => self.state.join(&after),
            None => {}
        }
    }

    /// The body of a loop: twice if what one round sets may matter to the next.
    fn rounds(&mut self, source: &[Path], vars: &'p LoopVars, body: &'p [Node]) {
        let items = then(source.to_vec(), &Step::Each);
        for _ in 0..2 {
            let before = self.snapshot();
            let (first, second) = match &vars.second {
                Some(_) => (Vec::new(), Some(items.clone())),
                None => (items.clone(), None),
            };
            self.state.bind(self.frame, vars.first_slot(), first);
            if let Some(second) = second {
                self.state.bind(self.frame, vars.second_slot(), second);
            }
            self.nodes(body);
            self.state.unbind(self.frame, vars.first_slot());
            if vars.second.is_some() {
                self.state.unbind(self.frame, vars.second_slot());
            }
            self.join(before.as_ref());
            if before.is_none_or(|before| self.state == before) {
                break;
            }
        }
    }

    fn switch(&mut self, switch: &'p Switch) {
        self.read(&switch.subject);
        let before = self.snapshot();
        for case in &switch.cases {
            match &case.when {
                CaseWhen::Equal(value) => drop(self.read(value)),
                CaseWhen::OneOf(values) => values.iter().for_each(|value| drop(self.read(value))),
                CaseWhen::Default => {}
            }
            self.nodes(&case.body);
            self.join(before.as_ref());
        }
    }

    fn assign(&mut self, target: &AssignTarget, op: AssignOp, value: Vec<Path>) {
        let frame = match target.scope {
            AssignScope::Namespace => State::NAMESPACE,
            AssignScope::Global => State::GLOBALS,
            AssignScope::Local => self.frame,
        };
        let mut origins = value;
        if op != AssignOp::Set
            && let Some(old) = self.state.get(frame, target.slot)
        {
            merge(&mut origins, old.origins.clone());
        }
        self.state.bind(frame, target.slot, origins);
    }

    fn call(&mut self, call: &'p MacroCall) {
        self.read(&call.callee);
        let args: Vec<(Option<&str>, Vec<Path>)> = match &call.args {
            CallArgs::Positional(args) => args.iter().map(|arg| (None, self.read(arg))).collect(),
            CallArgs::Named(args) => args
                .iter()
                .map(|(name, arg)| (Some(&**name), self.read(arg)))
                .collect(),
        };
        let called = self.macros_named(&call.callee);
        let nested = call.body.as_ref().map(|body| {
            Rc::new(Nested {
                body,
                loop_vars: &call.loop_vars,
                frame: self.frame,
                outer: self.nested.clone(),
            })
        });
        if called.is_empty() {
            // Another thing's content may be run, or not.
            let before = self.snapshot();
            let outer = std::mem::replace(&mut self.nested, nested.clone());
            self.nested_content(Vec::new());
            self.nested = outer;
            self.join(before.as_ref());
        }
        for def in called {
            let mut bound: Vec<(u32, Vec<Path>)> = Vec::new();
            let mut rest = Vec::new();
            for (index, (name, origins)) in args.iter().enumerate() {
                let param = match name {
                    Some(name) => def.params.iter().find(|param| *param.name == **name),
                    None => def.params.get(index),
                };
                match param {
                    Some(param) => bound.push((param.slot, origins.clone())),
                    None => merge(&mut rest, origins.clone()),
                }
            }
            if let Some((_, slot)) = &def.catch_all {
                bound.push((*slot, contained(rest)));
            }
            self.run_macro(def, bound, nested.clone());
        }
    }

    /// The macros or functions of this template that `callee` names.
    pub(super) fn macros_named(&self, callee: &Expr) -> Vec<&'p MacroDef> {
        match &callee.kind {
            ExprKind::Paren(inner) => self.macros_named(inner),
            ExprKind::Name(name) => name
                .binding
                .namespace
                .and_then(|slot| self.macros.get(&slot))
                .cloned()
                .unwrap_or_default(),
            _ => Vec::new(),
        }
    }

    /// Walks through a macro with what its parameters are bound to.
    pub(super) fn run_macro(
        &mut self,
        def: &'p MacroDef,
        bound: Vec<(u32, Vec<Path>)>,
        nested: Option<Rc<Nested<'p>>>,
    ) {
        let entered = self
            .running
            .iter()
            .filter(|running| std::ptr::eq(**running, def))
            .count();
        if entered >= MAX_RECURSION || self.running.len() >= MAX_DEPTH {
            return;
        }
        let is_first = self.called.insert(std::ptr::from_ref(def));
        if self.is_exhausted() && !is_first {
            return;
        }
        self.running.push(def);
        self.frames += 1;
        let frame = self.frames;
        let outer_frame = std::mem::replace(&mut self.frame, frame);
        let outer_nested = std::mem::replace(&mut self.nested, nested);
        let outer_sources = std::mem::take(&mut self.list_sources);
        for (slot, origins) in bound {
            self.state.bind(frame, slot, origins);
        }
        for param in &def.params {
            if self.state.get(frame, param.slot).is_none() {
                let default = param.default.as_ref().map(|default| self.read(default));
                self.state
                    .bind(frame, param.slot, default.unwrap_or_default());
            }
        }
        on_large_stack(|| self.nodes(&def.body));
        self.state.leave(frame);
        self.list_sources = outer_sources;
        self.nested = outer_nested;
        self.frame = outer_frame;
        self.running.pop();
    }

    /// `#nested`: the content of the call, in the frame of its place.
    fn nested_content(&mut self, args: Vec<Vec<Path>>) {
        let Some(nested) = self.nested.clone() else {
            return;
        };
        let outer_frame = std::mem::replace(&mut self.frame, nested.frame);
        let outer_nested = std::mem::replace(&mut self.nested, nested.outer.clone());
        let mut args = args.into_iter();
        for (_, slot) in nested.loop_vars {
            self.state
                .bind(nested.frame, *slot, args.next().unwrap_or_default());
        }
        on_large_stack(|| self.nodes(nested.body));
        for (_, slot) in nested.loop_vars {
            self.state.unbind(nested.frame, *slot);
        }
        self.nested = outer_nested;
        self.frame = outer_frame;
    }
}

fn on_large_stack(run: impl FnOnce()) {
    stacker::maybe_grow(1024 * 1024, 4 * 1024 * 1024, run);
}
