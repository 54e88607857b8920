//! The values that conditions compare properties with.

use std::cmp::Ordering;
use std::fmt;

use model::json::Value;

use super::Relation;
use crate::number::Decimal;
use crate::property::scalar_text;

/// A condition's value, prepared for comparison.
#[derive(Debug)]
pub(super) struct Comparand {
    text: Box<str>,
    kind: Kind,
}

/// What the value was written as, and what it reads as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text {
        numeric: bool,
    },
    /// With its value, where that is a short integer: the common case, decided without a look at
    /// digits.
    Number(Option<i64>),
    Bool,
}

impl Comparand {
    /// `None` for a value that nothing can be compared with: null, lists and objects.
    pub(super) fn new(value: &serde_json::Value) -> Option<Self> {
        let (text, kind) = match value {
            serde_json::Value::String(text) => {
                let numeric = Decimal::parse(text).is_some();
                (text.clone(), Kind::Text { numeric })
            }
            serde_json::Value::Number(number) => {
                (number.to_string(), Kind::Number(number.as_i64()))
            }
            serde_json::Value::Bool(value) => (value.to_string(), Kind::Bool),
            _ => return None,
        };
        Some(Self {
            text: text.into(),
            kind,
        })
    }

    pub(super) fn is_bool(&self) -> bool {
        self.kind == Kind::Bool
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Whether `scalar` stands in the relation to this value.
    pub(super) fn relates(&self, scalar: &Value<'_>, relation: Relation) -> bool {
        let text_holds = |holds: fn(&str, &str) -> bool| {
            scalar_text(scalar).is_some_and(|text| holds(text, &self.text))
        };
        match relation {
            Relation::Equal | Relation::HasItem => self.equals(scalar),
            Relation::Contains => text_holds(|text, part| text.contains(part)),
            Relation::StartsWith => text_holds(|text, part| text.starts_with(part)),
            Relation::EndsWith => text_holds(|text, part| text.ends_with(part)),
            Relation::Less => self.order(scalar).is_some_and(Ordering::is_lt),
            Relation::LessOrEqual => self.order(scalar).is_some_and(Ordering::is_le),
            Relation::Greater => self.order(scalar).is_some_and(Ordering::is_gt),
            Relation::GreaterOrEqual => self.order(scalar).is_some_and(Ordering::is_ge),
        }
    }

    fn equals(&self, scalar: &Value<'_>) -> bool {
        match (scalar, self.kind) {
            (Value::String(text), Kind::Text { .. } | Kind::Bool) => **text == *self.text,
            (Value::Bool(_), Kind::Text { .. } | Kind::Bool) => {
                scalar_text(scalar) == Some(&self.text)
            }
            (Value::Number(_), Kind::Text { numeric: true })
            | (Value::Number(_), Kind::Number(_))
            | (Value::String(_), Kind::Number(_)) => {
                self.order_as_number(scalar) == Some(Ordering::Equal)
            }
            _ => false,
        }
    }

    /// How `scalar` compares with this value; `None` where there is no order.
    fn order(&self, scalar: &Value<'_>) -> Option<Ordering> {
        if matches!(scalar, Value::Bool(_)) {
            return None;
        }
        self.order_as_number(scalar)
            .or_else(|| Some(scalar_text(scalar)?.cmp(&self.text)))
    }

    /// How `scalar` compares with this value when both read as numbers.
    fn order_as_number(&self, scalar: &Value<'_>) -> Option<Ordering> {
        match self.kind {
            Kind::Number(Some(ours)) => {
                if let Some(theirs) = scalar.as_number().and_then(|number| number.as_i64()) {
                    return Some(theirs.cmp(&ours));
                }
            }
            Kind::Number(None) | Kind::Text { numeric: true } => {}
            Kind::Text { numeric: false } | Kind::Bool => return None,
        }
        let theirs = Decimal::parse(scalar_text(scalar)?)?;
        Some(theirs.compare(&Decimal::parse(&self.text)?))
    }
}

/// As a person would write it: text in quotes.
impl fmt::Display for Comparand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::Text { .. } => write!(f, "\"{}\"", self.text),
            Kind::Number(_) | Kind::Bool => f.write_str(&self.text),
        }
    }
}
