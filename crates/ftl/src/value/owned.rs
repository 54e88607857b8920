//! Values that a host makes: shared variables and the results of its functions.

use super::{Map, Str, Value};
use crate::data::{Data, Entries, Hash, View};
use crate::number::Number;

/// A value of its own, that borrows nothing.
#[derive(Clone, Debug, PartialEq)]
pub enum Owned {
    /// A missing value.
    Null,
    /// A boolean.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number in JSON's notation.
    Number(String),
    /// A string.
    Str(String),
    /// A sequence.
    Seq(Vec<Owned>),
    /// A hash, in order.
    Hash(Vec<(String, Owned)>),
}

impl Owned {
    /// Turns into a run-time value that needs nothing of `self`.
    pub(crate) fn into_value<'a>(self, max_digits: u64) -> Option<Value<'a>> {
        Some(match self {
            Self::Null => return None,
            Self::Bool(value) => Value::Bool(value),
            Self::Int(value) => Value::int(value),
            Self::Number(text) => match Number::parse(&text, max_digits) {
                Some(Ok(number)) => Value::Number(number),
                _ => Value::string(text),
            },
            Self::Str(text) => Value::string(text),
            Self::Seq(items) => Value::list(
                items
                    .into_iter()
                    .map(|item| item.into_value(max_digits))
                    .collect(),
            ),
            Self::Hash(entries) => {
                let mut map = Map::default();
                for (key, value) in entries {
                    map.insert(Str::from(key), value.into_value(max_digits));
                }
                Value::map(map)
            }
        })
    }
}

impl Data for Owned {
    fn view(&self) -> View<'_> {
        match self {
            Self::Null => View::Null,
            Self::Bool(value) => View::Bool(*value),
            Self::Int(value) => View::Int(*value),
            Self::Number(text) => View::Number(text),
            Self::Str(text) => View::Str(text),
            Self::Seq(items) => View::Seq(items),
            Self::Hash(entries) => View::Hash(entries),
        }
    }
}

impl Hash for Vec<(String, Owned)> {
    fn get(&self, key: &str) -> Option<View<'_>> {
        Hash::get(self.as_slice(), key)
    }

    fn len(&self) -> usize {
        self.as_slice().len()
    }

    fn entries(&self) -> Entries<'_> {
        Hash::entries(self.as_slice())
    }
}

impl From<&str> for Owned {
    fn from(text: &str) -> Self {
        Self::Str(text.to_owned())
    }
}

impl From<String> for Owned {
    fn from(text: String) -> Self {
        Self::Str(text)
    }
}

impl From<i64> for Owned {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<bool> for Owned {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}
