//! The stack of directives that failures tell.

use std::sync::Arc;

use super::call::Routine;
use super::canonical::Printer;
use super::env::{Env, Fault, Running};
use crate::error::{Error, Frame};
use crate::syntax::ast::{Branch, MacroDef, Node, NodeKind};
use crate::template::Code;

/// A directive or an interpolation that has led into another part of a template.
#[derive(Clone, Copy)]
pub(crate) struct Caller<'a> {
    node: &'a Node,
    code: &'a Code,
    /// The macro or function that it stands in.
    within: Option<&'a MacroDef>,
}

impl<'a> Env<'a> {
    /// Runs what `caller` leads to, if there is one.
    #[inline]
    pub(super) fn through<T>(
        &mut self,
        caller: Option<&'a Node>,
        run: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let Some(node) = caller else {
            return run(self);
        };
        let within = self.within();
        self.callers.push(Caller {
            node,
            code: self.template,
            within,
        });
        let result = run(self);
        self.callers.pop();
        result
    }

    /// The macro or function whose own code is running: what it has included or made stands outside of it.
    fn within(&self) -> Option<&'a MacroDef> {
        let running = self.place.running;
        // Frames without variables begin where the next one does.
        let is_here = |running: &Running<'_>| {
            running.base == self.place.base && running.unit == self.place.unit
        };
        let running = running.filter(is_here);
        running.map(|Running { def, .. }| def)
    }

    /// The fault with `node` in its stack: the innermost node, and those that lead into other parts of the template.
    #[cold]
    pub(super) fn traced(&self, fault: Fault<'a>, node: &'a Node) -> Fault<'a> {
        let mut error = self.to_error(fault);
        if error.stack().is_empty() {
            if error.span().is_none() {
                error = self.template.place(error, node.src);
            } else if error.wants_role() {
                let role = error.blamed_src().and_then(|blamed| {
                    super::roles::role(Printer::of(self.template), node, blamed)
                });
                error = error.with_role(role);
            }
            error = self.with_hint(error);
        } else if !leads_on(node) {
            return Fault::Error(error);
        }
        Fault::Error(error.pushing(|| self.frame(node)))
    }

    /// The fault of a condition, with its `#if` or `#elseif` in the stack.
    #[cold]
    pub(super) fn traced_in_branch(
        &self,
        fault: Fault<'a>,
        branch: &'a Branch,
        index: usize,
    ) -> Fault<'a> {
        let mut error = self.to_error(fault);
        if !error.stack().is_empty() {
            return Fault::Error(error);
        }
        if error.span().is_none() {
            error = self.template.place(error, branch.src);
        } else if error.wants_role() {
            let role = error.blamed_src().and_then(|blamed| {
                super::roles::branch_role(Printer::of(self.template), branch, index, blamed)
            });
            error = error.with_role(role);
        }
        error = self.with_hint(error);
        let description = super::dump::branch_description(self.template, branch, index);
        let start = branch.src.start;
        Fault::Error(error.pushing(|| frame_at(self.template, start, description, self.within())))
    }

    /// The error with a tip, if a literal in the blamed expression makes a string of something for no reason.
    fn with_hint(&self, error: Error) -> Error {
        const HINT: &str = "It has been noticed that you are using ${...} as the sole content of a quoted string. That does nothing but forcably converts the value inside ${...} to string (as it inserts it into the enclosing string). If that's not what you meant, just remove the quotation marks, ${ and }; you don't need them. If you indeed wanted to convert to string, use myExpression?string instead.";
        match error.blamed_expression() {
            Some(blamed) if self.template.has_lone_interpolation(blamed) => error.tip(HINT),
            _ => error,
        }
    }

    /// The fault with the head of a macro in its stack: its parameters are to blame.
    #[cold]
    pub(super) fn traced_in_macro(&self, fault: Fault<'a>, routine: Routine<'_, 'a>) -> Fault<'a> {
        let mut error = self.to_error(fault);
        let src = routine.def.src;
        let code = self.units.get(self.units.get(routine.home).home).code;
        if error.span().is_none() {
            error = code.place(error, src);
        }
        let with = match routine.with {
            None => "",
            // Of either built-in of the two.
            Some(_) => "?with_args(...)",
        };
        let description = super::dump::macro_head(code, routine.def, with);
        Fault::Error(error.pushing(|| frame_at(code, src.start, description, Some(routine.def))))
    }

    /// The fault of the arguments of a call: before 2.3.28 the macro was blamed for it.
    #[cold]
    pub(super) fn traced_in_call(&self, fault: Fault<'a>, routine: Routine<'_, 'a>) -> Fault<'a> {
        if self.engine.options.version.has(28) {
            fault
        } else {
            self.traced_in_macro(fault, routine)
        }
    }

    fn frame(&self, node: &'a Node) -> Frame {
        self.frame_of(Caller {
            node,
            code: self.template,
            within: self.within(),
        })
    }

    fn frame_of(&self, Caller { node, code, within }: Caller<'a>) -> Frame {
        let description = super::dump::description(code, node);
        Frame {
            nested: matches!(node.kind, NodeKind::Nested(_)),
            ..frame_at(code, node.src.start, description, within)
        }
    }

    /// What `.error` says: the whole of the failure, with its stack down to the template that the render has begun with.
    pub(super) fn reported(&self, error: Error) -> String {
        let callers = self.callers.iter().rev();
        let error = callers.fold(error, |error, caller| {
            error.pushing(|| self.frame_of(*caller))
        });
        error.whole()
    }
}

/// Whether FreeMarker shows the node in the stack of a failure elsewhere.
fn leads_on(node: &Node) -> bool {
    matches!(
        node.kind,
        NodeKind::Call(_)
            | NodeKind::Nested(_)
            | NodeKind::Include(_)
            | NodeKind::Import(_)
            | NodeKind::Output(_)
            | NodeKind::FormattedOutput(_)
            | NodeKind::NumericOutput(_)
    )
}

fn frame_at(code: &Code, start: u32, description: String, within: Option<&MacroDef>) -> Frame {
    let (line, column) = code.map.position(&code.source, start);
    Frame {
        description,
        template: Arc::clone(&code.label),
        line,
        column,
        within: within.map(|def| {
            let kind = if def.is_function { "function" } else { "macro" };
            format!("{kind} \"{}\"", def.name)
        }),
        nested: false,
    }
}
