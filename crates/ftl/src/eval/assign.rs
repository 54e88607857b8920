//! Assignments.

use super::env::{Env, Evaluated, Fault};
use crate::error::{Error, ErrorKind};
use crate::syntax::Src;
use crate::syntax::ast::{Arithmetic, Assign, AssignOp, AssignScope, AssignTarget, Expr};
use crate::value::Value;

impl<'a> Env<'a> {
    #[inline(never)]
    pub(crate) fn assign(&mut self, assign: &'a Assign) -> Evaluated<'a, ()> {
        let target = &assign.target;
        // FreeMarker looks at the namespace first.
        if let Some(namespace) = &assign.namespace {
            self.target_namespace(namespace)?;
        }
        let assigned = match (assign.op, assign.value.as_ref()) {
            (AssignOp::Set, Some(value)) => self.eval_unread(value)?,
            (AssignOp::Arithmetic(operator), Some(value)) => {
                let old = self.assigned(assign)?;
                let new = self.eval(value)?;
                if operator != Arithmetic::Add && !matches!(old, Value::Number(_)) {
                    return Err(self.no_number(target, &old));
                }
                self.arithmetic(operator, value.src, &old, None, &new, Some(value))?
            }
            (op, _) => {
                let operator = if op == AssignOp::Decrement {
                    Arithmetic::Subtract
                } else {
                    Arithmetic::Add
                };
                let old = self.assigned(assign)?;
                let Value::Number(_) = old else {
                    return Err(self.no_number(target, &old));
                };
                self.arithmetic(operator, Src::default(), &old, None, &Value::int(1), None)?
            }
        };
        self.store(target, assign.namespace.as_ref(), Some(assigned))
    }

    #[cold]
    fn no_number(&self, target: &AssignTarget, old: &Value<'a>) -> Fault<'a> {
        let message = format!(
            "Expected a number, but assignment target variable \"{}\" has evaluated to {}.",
            target.name,
            super::with_article(old.type_name())
        );
        self.failure(ErrorKind::Type, message)
    }

    /// The variable's value before the assignment.
    fn assigned(&mut self, assign: &'a Assign) -> Evaluated<'a, Value<'a>> {
        let target = &assign.target;
        let (value, scope) = match target.scope {
            AssignScope::Namespace => {
                let value = match &assign.namespace {
                    Some(namespace) => {
                        let namespace = self.target_namespace(namespace)?;
                        self.namespaces[namespace as usize].get(&target.name)
                    }
                    None => self.namespace_variable(target.slot),
                };
                (value.cloned(), "template namespace")
            }
            AssignScope::Global => (self.global_variable(target.slot).cloned(), "global scope"),
            AssignScope::Local => (self.local(target.slot).cloned(), "local scope"),
        };
        // What isn't assigned yet may be the data's.
        let value = value.or_else(|| match target.scope {
            AssignScope::Global => self.data_variable(&target.name),
            _ => None,
        });
        value.ok_or_else(|| {
            let message = format!(
                "The target variable of the assignment, \"{}\", was null or missing in the {scope}, and the \"{}\" operator must get its value from there before assigning to it.",
                target.name,
                assign.op.symbol()
            );
            Fault::Error(Error::new(ErrorKind::Missing, message).tip(
                "If the target variable is known to be legally null or missing sometimes, instead of something like <#assign x += 1>, you could write <#if x??><#assign x += 1></#if> or <#assign x = (x!0) + 1>",
            ))
        })
    }

    /// Gives the variable its value; in another namespace, if one is named.
    pub(crate) fn store(
        &mut self,
        target: &'a AssignTarget,
        namespace: Option<&'a Expr>,
        value: Option<Value<'a>>,
    ) -> Evaluated<'a, ()> {
        match (target.scope, namespace) {
            (AssignScope::Namespace, Some(namespace)) => {
                let namespace = self.target_namespace(namespace)?;
                self.charge_items(1)?;
                self.namespaces[namespace as usize].set(&target.name, value);
            }
            (AssignScope::Namespace, None) => self.set_namespace_variable(target.slot, value),
            (AssignScope::Global, _) => self.set_global_variable(target.slot, value),
            (AssignScope::Local, _) => self.set_local(target.slot, value),
        }
        Ok(())
    }

    /// The namespace that `expr` gives.
    pub(crate) fn target_namespace(&mut self, expr: &'a Expr) -> Evaluated<'a, u32> {
        match self.eval(expr)? {
            Value::Namespace(namespace) => {
                self.load_pending(namespace)?;
                Ok(namespace)
            }
            other => Err(self.type_fault(expr, "namespace", &other)),
        }
    }
}
