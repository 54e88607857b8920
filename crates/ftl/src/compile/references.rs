//! What a template reads of its data.

use crate::error::Span;
use crate::syntax::Src;
use crate::syntax::ast::{Expr, ExprKind};

/// One place where a template reads a variable of its data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The variable's name.
    pub root: String,
    /// What is read of it, step by step.
    pub steps: Vec<Step>,
    /// Where.
    pub span: Span,
    /// Whether a missing value is provided for right there: by `!`, `??`, `?has_content`, `?if_exists` or `?default`.
    pub guarded: bool,
}

/// One step into a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// `.name` or `["name"]`
    Key(String),
    /// `[0]`
    Index(i64),
    /// A key that is known only when the template runs.
    Dynamic,
}

pub(crate) struct RawReference {
    pub(crate) root: String,
    pub(crate) steps: Vec<Step>,
    pub(crate) src: Src,
    pub(crate) guarded: bool,
}

/// The variable and the steps of `a.b["c"]`.
pub(super) fn path(expr: &Expr) -> Option<(&str, Vec<Step>)> {
    match &expr.kind {
        ExprKind::Name(name) => Some((&name.text, Vec::new())),
        ExprKind::Dot(target, key) => {
            let (root, mut steps) = path(target)?;
            steps.push(Step::Key(key.to_string()));
            Some((root, steps))
        }
        ExprKind::Index(target, key) => {
            let (root, mut steps) = path(target)?;
            steps.push(match &key.kind {
                ExprKind::Str(key) => Step::Key(key.to_string()),
                ExprKind::Int(index) => Step::Index(*index),
                _ => Step::Dynamic,
            });
            Some((root, steps))
        }
        _ => None,
    }
}
