//! Types of values that were really received: what a property always is, and what is no surprise.

use std::collections::{BTreeSet, HashMap};

use ftl::Step;
use model::json::Value;
use model::sensitive::Owner;

use super::case::Json;
use super::domain::Path;
use crate::views::Root;

/// The type of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Type {
    /// A text.
    String,
    /// A number.
    Number,
    /// A boolean.
    Boolean,
    /// A list.
    Array,
    /// An object.
    Object,
}

impl Type {
    /// The type of this name: `string`, `number`, `boolean`, `array` or `object`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "string" => Self::String,
            "number" => Self::Number,
            "boolean" => Self::Boolean,
            "array" => Self::Array,
            "object" => Self::Object,
            _ => return None,
        })
    }

    /// The type of a value; `None` of null.
    pub(super) fn of(value: &Value<'_>) -> Option<Self> {
        Some(match value {
            Value::Null => return None,
            Value::Bool(_) => Self::Boolean,
            Value::Number(_) => Self::Number,
            Value::String(_) => Self::String,
            Value::Array(_) => Self::Array,
            Value::Object(_) => Self::Object,
        })
    }
}

/// Which types the values of properties had in the events that were received.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    of_events: Scope,
    of_users: Scope,
    of_groups: Scope,
}

/// The properties of one kind of owner.
#[derive(Debug, Clone, Default)]
struct Scope {
    types: HashMap<String, BTreeSet<Type>>,
    /// Whether not all were counted.
    is_partial: bool,
}

impl Seen {
    /// Notes that a property had a value of a type.
    pub fn note(&mut self, owner: Owner, name: &str, of: Type) {
        let types = &mut self.scope_mut(owner).types;
        types.entry(name.to_owned()).or_default().insert(of);
    }

    /// Notes that not all that was received of an owner's properties is known: none of them is said to be
    /// always of one type.
    pub fn note_partial(&mut self, owner: Owner) {
        self.scope_mut(owner).is_partial = true;
    }

    fn scope(&self, owner: Owner) -> &Scope {
        match owner {
            Owner::Event => &self.of_events,
            Owner::User => &self.of_users,
            Owner::Group => &self.of_groups,
        }
    }

    fn scope_mut(&mut self, owner: Owner) -> &mut Scope {
        match owner {
            Owner::Event => &mut self.of_events,
            Owner::User => &mut self.of_users,
            Owner::Group => &mut self.of_groups,
        }
    }

    /// What is known of a path by this and by samples.
    pub(super) fn of<'e>(&self, path: &Path, samples: impl Iterator<Item = &'e Json>) -> Known {
        let mut known = Known::default();
        if let Some((owner, name)) = property(path) {
            let scope = self.scope(owner);
            known.is_partial = scope.is_partial;
            known
                .types
                .extend(scope.types.get(name).into_iter().flatten());
        }
        if path.root == Root::Input {
            samples.for_each(|event| note(event, &path.steps, &mut known.types));
        }
        known
    }
}

/// What is known of the values at a path.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// The types that were seen there.
    pub(super) types: BTreeSet<Type>,
    /// Whether there may have been others.
    pub(super) is_partial: bool,
}

impl Known {
    /// The one type that was seen there.
    pub(super) fn always(&self) -> Option<Type> {
        let mut types = self.types.iter();
        let only = types.next().filter(|_| !self.is_partial)?;
        types.next().is_none().then_some(*only)
    }
}

/// Whose property is at a path, and its name.
fn property(path: &Path) -> Option<(Owner, &str)> {
    let mut steps = path.steps.iter();
    let Some(Step::Key(first)) = steps.next().filter(|_| path.root == Root::Input) else {
        return None;
    };
    let owner = match first.as_str() {
        "event_properties" => Owner::Event,
        "user_properties" => Owner::User,
        "group_properties" => {
            // Of a type, of a group.
            steps.nth(1)?;
            Owner::Group
        }
        _ => return None,
    };
    match (steps.next()?, steps.next()) {
        (Step::Key(name), None) => Some((owner, name)),
        _ => None,
    }
}

/// Notes the types at `steps`, of all items.
fn note(at: &Json, steps: &[Step], types: &mut BTreeSet<Type>) {
    let Some((step, rest)) = steps.split_first() else {
        types.extend(Type::of(at));
        return;
    };
    match (step, at) {
        (Step::Key(name), Value::Object(object)) => {
            if let Some(inner) = object.get(name) {
                note(inner, rest, types);
            }
        }
        (Step::Index(index), Value::Array(items)) => {
            let item = usize::try_from(*index)
                .ok()
                .and_then(|index| items.get(index));
            if let Some(item) = item {
                note(item, rest, types);
            }
        }
        (Step::Each | Step::Dynamic, Value::Array(items)) => {
            items.iter().for_each(|item| note(item, rest, types));
        }
        (Step::Each | Step::Dynamic, Value::Object(object)) => {
            object
                .iter()
                .for_each(|(_, inner)| note(inner, rest, types));
        }
        _ => {}
    }
}
