//! Which events a sync sends: the selection and its conditions, compiled so that judging an event
//! allocates nothing.
//!
//! How a condition judges a property:
//!
//! | operator | text, number or boolean | list | object | missing or null |
//! | --- | --- | --- | --- | --- |
//! | is | equals one of the values | an item does | no | no |
//! | is not | equals none of them | no item does | **yes** | **yes** |
//! | contains, starts with, ends with | its text does, for one of the values | an item does | no | no |
//! | does not contain | its text contains none of them | no item does | **yes** | **yes** |
//! | <, ≤, >, ≥ | compares so with one of the values | an item does | no | no |
//! | matches | one of the patterns is found in its text | an item does | no | no |
//! | set contains | no | an item equals one of the values | no | no |
//! | is set | yes | yes | yes | no |
//! | is not set | no | no | no | **yes** |
//!
//! Text compares by its code points, case counts. Two sides are *equal* as numbers when one of them
//! is a number and the other is one or is text that reads as one (`10` and `"10.0"` are equal, the
//! texts `"1.10"` and `"1.1"` are not). They are *ordered* as numbers when both read as numbers
//! (`"10"` > `"9"`), exactly and without a limit on digits; otherwise as text, which is right for
//! dates in the form events carry. Booleans equal booleans and the texts `true` and `false`; they
//! have no order.
//!
//! Regular expressions are those of the `regex` crate: they take time linear in the text, so that no
//! event can stall a lane; look-around and back-references are refused when the sync is saved. They
//! are found anywhere in the text unless anchored with `^` and `$`.

mod comparand;
mod compile;
mod explain;

use std::collections::HashMap;

use model::filter::Property;
use model::json::{Object, Value};
use regex::Regex;

use crate::property::{self, scalar_text};
use comparand::Comparand;

/// Which events are sent.
#[derive(Debug)]
pub(crate) enum Selection {
    /// Every one for which the condition holds.
    All(Option<Condition>),
    /// Those of these types, each under a condition of its own.
    Types(HashMap<Box<str>, Option<Condition>>),
}

/// What a selection says to an event.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Judgement<'s> {
    /// It is sent.
    Selected,
    /// Its type is not selected.
    OtherType,
    /// This condition doesn't hold.
    Refused(&'s Condition),
}

/// A condition, or several joined.
#[derive(Debug)]
pub(crate) enum Condition {
    All(Box<[Condition]>),
    Any(Box<[Condition]>),
    Test(Test),
}

/// A comparison of one property.
#[derive(Debug)]
pub(crate) struct Test {
    property: Property,
    check: Check,
}

#[derive(Debug)]
enum Check {
    /// Whether there is a value, and whether there should be.
    Presence { wanted: bool },
    /// Whether one of the values stands in the relation to the property.
    Relation {
        relation: Relation,
        negated: bool,
        values: Box<[Comparand]>,
    },
    /// Whether one of the patterns is found.
    Matches(Box<[Regex]>),
}

/// How a property's value, or one of its items, stands to a value of the condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Relation {
    Equal,
    Contains,
    StartsWith,
    EndsWith,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    HasItem,
}

impl Selection {
    /// Judges an event that takes the events path.
    pub(crate) fn judge(&self, event: &Object<'_>) -> Judgement<'_> {
        let event_type = event
            .get("event_type")
            .and_then(Value::as_str)
            .unwrap_or("");
        if compile::is_reserved(event_type) {
            return Judgement::OtherType;
        }
        let condition = match self {
            Self::All(condition) => condition,
            Self::Types(types) => match types.get(event_type) {
                Some(condition) => condition,
                None => return Judgement::OtherType,
            },
        };
        match condition {
            Some(condition) if !condition.holds(event) => Judgement::Refused(condition),
            _ => Judgement::Selected,
        }
    }
}

impl Condition {
    /// Whether the condition holds for `event`. Nesting is bounded when it is compiled.
    pub(crate) fn holds(&self, event: &Object<'_>) -> bool {
        match self {
            Self::All(conditions) => conditions.iter().all(|condition| condition.holds(event)),
            Self::Any(conditions) => conditions.iter().any(|condition| condition.holds(event)),
            Self::Test(test) => test.holds(event),
        }
    }
}

impl Test {
    fn holds(&self, event: &Object<'_>) -> bool {
        let value = property::find(&self.property, event);
        match &self.check {
            Check::Presence { wanted } => value.is_some() == *wanted,
            Check::Relation {
                relation,
                negated,
                values,
            } => value.is_some_and(|value| related(value, *relation, values)) != *negated,
            Check::Matches(patterns) => value.is_some_and(|value| {
                any_scalar(value, |scalar| {
                    scalar_text(scalar)
                        .is_some_and(|text| patterns.iter().any(|pattern| pattern.is_match(text)))
                })
            }),
        }
    }
}

fn related(value: &Value<'_>, relation: Relation, comparands: &[Comparand]) -> bool {
    if relation == Relation::HasItem && value.as_array().is_none() {
        return false;
    }
    any_scalar(value, |scalar| {
        comparands
            .iter()
            .any(|comparand| comparand.relates(scalar, relation))
    })
}

/// Whether `holds` is true of the value or, where it is a list, of one of its items.
fn any_scalar(value: &Value<'_>, holds: impl Fn(&Value<'_>) -> bool) -> bool {
    match value.as_array() {
        Some(items) => items.iter().any(holds),
        None => holds(value),
    }
}

#[cfg(test)]
mod tests;
