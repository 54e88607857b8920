//! `.vars + hash`: what can be asked for a name, but not listed.

use super::Value;

/// Hashes added to each other; none of them is of this kind itself.
pub(crate) struct Joined<'a> {
    pub(super) parts: Vec<Value<'a>>,
}

impl<'a> Joined<'a> {
    pub(crate) fn new(left: &Value<'a>, right: &Value<'a>) -> Self {
        let parts = parts(left).iter().chain(parts(right)).cloned().collect();
        Self { parts }
    }

    pub(crate) fn len(&self) -> usize {
        self.parts.len()
    }

    /// The hashes in the order in which they are asked.
    pub(crate) fn by_precedence(&self) -> impl Iterator<Item = &Value<'a>> {
        self.parts.iter().rev()
    }
}

fn parts<'v, 'a>(hash: &'v Value<'a>) -> &'v [Value<'a>] {
    match hash {
        Value::Joined(joined) => &joined.parts,
        other => std::slice::from_ref(other),
    }
}
