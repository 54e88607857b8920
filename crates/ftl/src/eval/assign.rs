//! Assignments.

use super::env::{Env, Evaluated, Fault};
use crate::syntax::ast::{Arithmetic, AssignOp, AssignScope, AssignTarget, Expr};
use crate::value::Value;

impl<'a> Env<'a> {
    pub(crate) fn assign(
        &mut self,
        target: &'a AssignTarget,
        op: AssignOp,
        value: Option<&'a Expr>,
    ) -> Evaluated<'a, ()> {
        let assigned = match (op, value) {
            (AssignOp::Set, Some(value)) => self.eval(value)?,
            (AssignOp::Arithmetic(operator), Some(value)) => {
                let old = self.assigned(target)?;
                let new = self.eval(value)?;
                self.arithmetic(operator, target.src, &old, None, &new, Some(value))?
            }
            (AssignOp::Decrement, _) => {
                let old = self.assigned(target)?;
                self.arithmetic(
                    Arithmetic::Subtract,
                    target.src,
                    &old,
                    None,
                    &Value::int(1),
                    None,
                )?
            }
            (AssignOp::Increment | AssignOp::Set | AssignOp::Arithmetic(_), _) => {
                let old = self.assigned(target)?;
                self.arithmetic(
                    Arithmetic::Add,
                    target.src,
                    &old,
                    None,
                    &Value::int(1),
                    None,
                )?
            }
        };
        self.store(target, Some(assigned));
        Ok(())
    }

    /// The variable's value before the assignment.
    fn assigned(&self, target: &'a AssignTarget) -> Evaluated<'a, Value<'a>> {
        let value = match target.scope {
            AssignScope::Namespace => self.namespace[target.slot as usize].clone(),
            AssignScope::Global => self.globals[target.slot as usize].clone(),
            AssignScope::Local => self.local(target.slot).cloned(),
        };
        value.ok_or_else(|| {
            let kind = crate::error::ErrorKind::Missing;
            let message = "The target variable of the assignment has evaluated to null or missing:";
            Fault::Error(
                self.template
                    .error_at(kind, target.src, message)
                    .blaming(&*target.name),
            )
        })
    }

    pub(crate) fn store(&mut self, target: &AssignTarget, value: Option<Value<'a>>) {
        match target.scope {
            AssignScope::Namespace => self.namespace[target.slot as usize] = value,
            AssignScope::Global => self.globals[target.slot as usize] = value,
            AssignScope::Local => self.set_local(target.slot, value),
        }
    }
}
