//! Assignments.

use super::env::{Env, Evaluated, Fault};
use crate::error::{Error, ErrorKind};
use crate::syntax::Src;
use crate::syntax::ast::{Arithmetic, Assign, AssignOp, AssignScope, AssignTarget};
use crate::value::Value;

impl<'a> Env<'a> {
    pub(crate) fn assign(&mut self, assign: &'a Assign) -> Evaluated<'a, ()> {
        let target = &assign.target;
        let assigned = match (assign.op, assign.value.as_ref()) {
            (AssignOp::Set, Some(value)) => self.eval(value)?,
            (AssignOp::Arithmetic(operator), Some(value)) => {
                let old = self.assigned(assign)?;
                let new = self.eval(value)?;
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
                    let message = format!(
                        "The target variable of the assignment, \"{}\", must be a number for the {} operator, but it was {}.",
                        target.name,
                        assign.op.symbol(),
                        super::with_article(old.type_name())
                    );
                    return Err(self.failure(ErrorKind::Type, message));
                };
                self.arithmetic(operator, Src::default(), &old, None, &Value::int(1), None)?
            }
        };
        self.store(target, Some(assigned));
        Ok(())
    }

    /// The variable's value before the assignment.
    fn assigned(&self, assign: &'a Assign) -> Evaluated<'a, Value<'a>> {
        let target = &assign.target;
        let (value, scope) = match target.scope {
            AssignScope::Namespace => (
                self.namespace[target.slot as usize].clone(),
                "template namespace",
            ),
            AssignScope::Global => (self.globals[target.slot as usize].clone(), "global scope"),
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

    pub(crate) fn store(&mut self, target: &AssignTarget, value: Option<Value<'a>>) {
        match target.scope {
            AssignScope::Namespace => self.namespace[target.slot as usize] = value,
            AssignScope::Global => self.globals[target.slot as usize] = value,
            AssignScope::Local => self.set_local(target.slot, value),
        }
    }
}
