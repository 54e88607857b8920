//! JSON as a tree that borrows from its text.
//!
//! Field order and the exact text of numbers are kept: what a customer sent is what a destination
//! gets, `1.10` and twenty-digit integers included. Parsing is bounded in depth and in number of
//! values, and its errors name line and column.

mod marks;
mod parse;
mod repeated;
mod strings;
mod write;

use std::borrow::Cow;

use bytes::Bytes;

pub use parse::{Error, Limits, parse};
pub use write::{write_object, write_string, write_value};

/// A JSON value that borrows from the text it was parsed from.
#[derive(Debug, Clone, PartialEq)]
// A tag as wide as what follows it: copied in whole words. With the truth value beside a tag of one
// byte, each copy would read words that were written in parts, which makes parsing a third slower.
#[repr(u64)]
pub enum Value<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, as its text.
    Number(Number<'a>),
    /// A string, escapes resolved.
    String(Cow<'a, str>),
    /// An array.
    Array(Vec<Value<'a>>),
    /// An object in the order of its text.
    Object(Object<'a>),
}

/// A number in JSON's syntax.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Number<'a>(Cow<'a, str>);

/// Members in the order of the text; names are unique.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Object<'a>(Vec<(Cow<'a, str>, Value<'a>)>);

impl<'a> Number<'a> {
    /// The text, exactly as it stood.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// The number, when it is an integer of 64 bits written without fraction and exponent.
    pub fn as_i64(&self) -> Option<i64> {
        self.0.parse().ok()
    }

    /// The nearest double; infinite when the number is too large for one.
    pub fn as_f64(&self) -> f64 {
        // JSON's number syntax is a subset of what Rust parses.
        self.0.parse().unwrap_or(f64::NAN)
    }

    /// A number that no longer borrows.
    pub fn into_owned(self) -> Number<'static> {
        Number(Cow::Owned(self.0.into_owned()))
    }
}

impl From<i64> for Number<'static> {
    fn from(value: i64) -> Self {
        Number(Cow::Owned(value.to_string()))
    }
}

impl TryFrom<f64> for Number<'static> {
    type Error = NotFinite;

    fn try_from(value: f64) -> Result<Self, NotFinite> {
        if value.is_finite() {
            Ok(Number(Cow::Owned(format!("{value:?}"))))
        } else {
            Err(NotFinite)
        }
    }
}

/// JSON has no infinities and no NaN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the number is not finite")]
pub struct NotFinite;

/// Whether a member is the one that is looked for. Most are told apart by length and last byte,
/// without a call to compare them.
fn is(key: &str, name: &str) -> bool {
    key.len() == name.len() && key.as_bytes().last() == name.as_bytes().last() && key == name
}

impl<'a> Object<'a> {
    /// An object without members.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// The value of the member called `name`.
    pub fn get(&self, name: &str) -> Option<&Value<'a>> {
        self.0
            .iter()
            .find(|(key, _)| is(key, name))
            .map(|(_, value)| value)
    }

    /// The member called `name` with its index, looked for at the index `near` first.
    pub fn find_near(&self, name: &str, near: usize) -> Option<(usize, &Value<'a>)> {
        match self.0.get(near) {
            Some((key, value)) if is(key, name) => Some((near, value)),
            _ => {
                let index = self.0.iter().position(|(key, _)| is(key, name))?;
                Some((index, &self.0[index].1))
            }
        }
    }

    /// The value of the member called `name`, to be changed.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Value<'a>> {
        self.0
            .iter_mut()
            .find(|(key, _)| is(key, name))
            .map(|(_, value)| value)
    }

    /// Sets a member: in its place when it exists, at the end otherwise.
    pub fn set(&mut self, name: impl Into<Cow<'a, str>>, value: Value<'a>) {
        let name = name.into();
        match self.get_mut(&name) {
            Some(slot) => *slot = value,
            None => self.0.push((name, value)),
        }
    }

    /// Removes a member and returns its value.
    pub fn remove(&mut self, name: &str) -> Option<Value<'a>> {
        let position = self.0.iter().position(|(key, _)| key == name)?;
        Some(self.0.remove(position).1)
    }

    /// Removes every member.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// The members in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Value<'a>)> {
        self.0.iter().map(|(key, value)| (key.as_ref(), value))
    }

    /// The members in order, their values to be changed.
    pub fn iter_mut(&mut self) -> impl ExactSizeIterator<Item = (&str, &mut Value<'a>)> {
        self.0.iter_mut().map(|(key, value)| (&**key, value))
    }

    /// The member at `index`.
    pub fn at(&self, index: usize) -> Option<(&str, &Value<'a>)> {
        self.0.get(index).map(|(key, value)| (key.as_ref(), value))
    }

    /// How many members there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no members.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// An object that no longer borrows.
    pub fn into_owned(self) -> Object<'static> {
        Object(
            self.0
                .into_iter()
                .map(|(key, value)| (Cow::Owned(key.into_owned()), value.into_owned()))
                .collect(),
        )
    }
}

impl<'a> FromIterator<(Cow<'a, str>, Value<'a>)> for Object<'a> {
    fn from_iter<I: IntoIterator<Item = (Cow<'a, str>, Value<'a>)>>(members: I) -> Self {
        let mut object = Self::new();
        members
            .into_iter()
            .for_each(|(name, value)| object.set(name, value));
        object
    }
}

impl<'a> IntoIterator for Object<'a> {
    type Item = (Cow<'a, str>, Value<'a>);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> Value<'a> {
    /// A string value.
    pub fn string(text: impl Into<Cow<'a, str>>) -> Self {
        Self::String(text.into())
    }

    /// The text, of a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The number, of a number.
    pub fn as_number(&self) -> Option<&Number<'a>> {
        match self {
            Self::Number(number) => Some(number),
            _ => None,
        }
    }

    /// The truth value, of a boolean.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The items, of an array.
    pub fn as_array(&self) -> Option<&[Value<'a>]> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    /// The members, of an object.
    pub fn as_object(&self) -> Option<&Object<'a>> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The member called `name`, of an object.
    pub fn get(&self, name: &str) -> Option<&Value<'a>> {
        self.as_object()?.get(name)
    }

    /// What a JSON pointer (RFC 6901) leads to.
    pub fn pointer(&self, pointer: &str) -> Option<&Value<'a>> {
        if pointer.is_empty() {
            return Some(self);
        }
        let mut tokens = pointer.strip_prefix('/')?.split('/');
        tokens.try_fold(self, |value, token| match value {
            Value::Object(object) => object.get(&token.replace("~1", "/").replace("~0", "~")),
            Value::Array(items) => {
                // No signs, and no zeros in front.
                let number = token.parse::<usize>().ok();
                let number = number.filter(|number| number.to_string() == token)?;
                items.get(number)
            }
            _ => None,
        })
    }

    /// Whether this is `null`.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// What JSON calls this kind of value, with its article: for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::String(_) => "a string",
            Self::Array(_) => "an array",
            Self::Object(_) => "an object",
        }
    }

    /// The value as compact JSON text.
    pub fn to_json(&self) -> String {
        let mut out = Vec::new();
        write_value(self, &mut out);
        // The writer emits strings that were UTF-8 and ASCII around them.
        String::from_utf8(out).unwrap_or_default()
    }

    /// A value that no longer borrows. Depth is bounded by the parser's limit.
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(value),
            Self::Number(number) => Value::Number(number.into_owned()),
            Self::String(text) => Value::String(Cow::Owned(text.into_owned())),
            Self::Array(items) => Value::Array(items.into_iter().map(Value::into_owned).collect()),
            Self::Object(object) => Value::Object(object.into_owned()),
        }
    }
}

self_cell::self_cell!(
    /// A text together with the tree that borrows from it.
    pub struct Tree {
        owner: Bytes,
        #[covariant]
        dependent: Value,
    }
    impl {Debug}
);

impl Tree {
    /// Parses `text`, keeping it alive beside the tree.
    pub fn parse(text: Bytes, limits: &Limits) -> Result<Self, Error> {
        Self::try_new(text, |text| parse(text, limits))
    }

    /// The root of the tree.
    pub fn root(&self) -> &Value<'_> {
        self.borrow_dependent()
    }
}
