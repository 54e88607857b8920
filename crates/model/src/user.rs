//! Changes to the properties of users and groups, as `$identify` and `$groupidentify` carry them.

use crate::json::{Number, Object, Value};

/// One operation on properties. The order here is the order in which the operations of one update
/// are applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// Removes all properties.
    ClearAll,
    /// Sets a property.
    Set,
    /// Sets a property unless it has a value.
    SetOnce,
    /// Adds a number; a missing or non-numeric property counts as 0.
    Add,
    /// Adds items behind those of a list.
    Append,
    /// Adds items before those of a list.
    Prepend,
    /// Adds the items that a list doesn't have yet, before its own.
    PreInsert,
    /// Adds the items that a list doesn't have yet, behind its own.
    PostInsert,
    /// Removes all occurrences of items from a list.
    Remove,
    /// Removes a property.
    Unset,
}

impl Operation {
    fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "$clearAll" => Self::ClearAll,
            "$set" => Self::Set,
            "$setOnce" => Self::SetOnce,
            "$add" => Self::Add,
            "$append" => Self::Append,
            "$prepend" => Self::Prepend,
            "$preInsert" => Self::PreInsert,
            "$postInsert" => Self::PostInsert,
            "$remove" => Self::Remove,
            "$unset" => Self::Unset,
            _ => return None,
        })
    }
}

/// Why an update is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UpdateError {
    /// Properties must come as an object.
    #[error("expected an object, found {0}")]
    NotAnObject(&'static str),
    /// Operations and plain properties may not be mixed.
    #[error("operations such as $set and plain properties can't be mixed")]
    Mixed,
    /// A name starting with `$` that is no operation.
    #[error("unknown operation {0}")]
    UnknownOperation(String),
    /// An operation's argument must be an object of properties.
    #[error("{0} takes an object of properties")]
    ArgumentNotAnObject(String),
    /// `$add` adds numbers only.
    #[error("$add takes numbers only, but {0} is none")]
    AddNotANumber(String),
}

/// A change of properties: plain keys (the same as `$set`) or operations, never both.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PropertyUpdate {
    /// In the order in which they are applied.
    changes: Vec<(Operation, String, Value<'static>)>,
}

impl PropertyUpdate {
    /// An update that changes nothing.
    pub const fn none() -> Self {
        Self {
            changes: Vec::new(),
        }
    }

    /// Whether there is nothing to apply.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Reads the JSON form.
    pub fn from_json(value: &Value<'_>) -> Result<Self, UpdateError> {
        let object = value
            .as_object()
            .ok_or(UpdateError::NotAnObject(value.kind()))?;
        let operations = object
            .iter()
            .filter(|(name, _)| name.starts_with('$'))
            .count();
        if operations == 0 {
            let set = |(name, value): (&str, &Value<'_>)| {
                (Operation::Set, name.to_owned(), value.clone().into_owned())
            };
            return Ok(Self {
                changes: object.iter().map(set).collect(),
            });
        }
        if operations < object.len() {
            return Err(UpdateError::Mixed);
        }
        let mut changes = Vec::new();
        for (name, argument) in object.iter() {
            let operation = Operation::from_name(name)
                .ok_or_else(|| UpdateError::UnknownOperation(name.to_owned()))?;
            if operation == Operation::ClearAll {
                changes.push((operation, String::new(), Value::Null));
                continue;
            }
            let properties = argument
                .as_object()
                .ok_or_else(|| UpdateError::ArgumentNotAnObject(name.to_owned()))?;
            for (property, value) in properties.iter() {
                if operation == Operation::Add && value.as_number().is_none() {
                    return Err(UpdateError::AddNotANumber(property.to_owned()));
                }
                changes.push((operation, property.to_owned(), value.clone().into_owned()));
            }
        }
        changes.sort_by_key(|(operation, ..)| *operation);
        Ok(Self { changes })
    }

    /// Applies the update to `properties`.
    pub fn apply(&self, properties: &mut Object<'static>) {
        for (operation, name, argument) in &self.changes {
            match operation {
                Operation::ClearAll => properties.clear(),
                Operation::Set => properties.set(name.clone(), argument.clone()),
                Operation::SetOnce => {
                    if properties.get(name).is_none_or(Value::is_null) {
                        properties.set(name.clone(), argument.clone());
                    }
                }
                Operation::Add => {
                    let sum = add(properties.get(name), argument);
                    properties.set(name.clone(), sum);
                }
                Operation::Append => {
                    change_list(properties, name, |list| list.extend(items(argument)))
                }
                Operation::Prepend => change_list(properties, name, |list| {
                    list.splice(0..0, items(argument));
                }),
                Operation::PreInsert => change_list(properties, name, |list| {
                    let new = missing(list, argument);
                    list.splice(0..0, new);
                }),
                Operation::PostInsert => change_list(properties, name, |list| {
                    let new = missing(list, argument);
                    list.extend(new);
                }),
                Operation::Remove => {
                    if properties.get(name).is_some() {
                        let gone: Vec<_> = items(argument).collect();
                        change_list(properties, name, |list| {
                            list.retain(|item| !gone.contains(item))
                        });
                    }
                }
                Operation::Unset => {
                    properties.remove(name);
                }
            }
        }
    }
}

/// Integers add exactly; otherwise doubles do. A sum too large for a double leaves what was there.
fn add(current: Option<&Value<'static>>, by: &Value<'static>) -> Value<'static> {
    let zero = Number::from(0);
    let current = current.and_then(Value::as_number).unwrap_or(&zero);
    let Some(by) = by.as_number() else {
        return Value::Number(current.clone());
    };
    let exact = current
        .as_i64()
        .zip(by.as_i64())
        .and_then(|(a, b)| a.checked_add(b));
    let sum = match exact {
        Some(sum) => Number::from(sum),
        None => {
            Number::try_from(current.as_f64() + by.as_f64()).unwrap_or_else(|_| current.clone())
        }
    };
    Value::Number(sum)
}

/// Changes a property as a list: a missing or null one starts empty, a single value as the only item.
fn change_list(
    properties: &mut Object<'static>,
    name: &str,
    change: impl FnOnce(&mut Vec<Value<'static>>),
) {
    let mut list = match properties.get_mut(name) {
        Some(slot) => match std::mem::replace(slot, Value::Null) {
            Value::Array(list) => list,
            Value::Null => Vec::new(),
            single => vec![single],
        },
        None => Vec::new(),
    };
    change(&mut list);
    properties.set(name.to_owned(), Value::Array(list));
}

/// A list's items, or the value itself as the only one.
fn items(argument: &Value<'static>) -> std::vec::IntoIter<Value<'static>> {
    match argument {
        Value::Array(items) => items.clone(),
        single => vec![single.clone()],
    }
    .into_iter()
}

/// The items of `argument` that `list` doesn't have, each once, in order.
fn missing(list: &[Value<'static>], argument: &Value<'static>) -> Vec<Value<'static>> {
    let mut new = Vec::new();
    for item in items(argument) {
        if !list.contains(&item) && !new.contains(&item) {
            new.push(item);
        }
    }
    new
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::{Limits, parse};

    fn after(start: &str, updates: &[&str]) -> String {
        let start = parse(start.as_bytes(), &Limits::FOREIGN)
            .unwrap()
            .into_owned();
        let Value::Object(mut properties) = start else {
            panic!("not an object")
        };
        for update in updates {
            let update = parse(update.as_bytes(), &Limits::FOREIGN).unwrap();
            PropertyUpdate::from_json(&update)
                .unwrap()
                .apply(&mut properties);
        }
        Value::Object(properties).to_json()
    }

    fn refused(update: &str) -> UpdateError {
        PropertyUpdate::from_json(&parse(update.as_bytes(), &Limits::FOREIGN).unwrap()).unwrap_err()
    }

    #[test]
    fn plain_properties_are_set() {
        assert_eq!(
            after(r#"{"a":1}"#, &[r#"{"a":2,"b":[1]}"#]),
            r#"{"a":2,"b":[1]}"#
        );
    }

    #[test]
    fn each_operation_does_what_it_says() {
        for (start, update, expected) in [
            (
                r#"{"a":1}"#,
                r#"{"$setOnce":{"a":2,"b":3}}"#,
                r#"{"a":1,"b":3}"#,
            ),
            (
                r#"{"a":1,"c":"x"}"#,
                r#"{"$add":{"a":2,"b":-1.5,"c":4}}"#,
                r#"{"a":3,"c":4,"b":-1.5}"#,
            ),
            (
                r#"{"a":[1],"b":2}"#,
                r#"{"$append":{"a":[1,2],"b":3,"c":4}}"#,
                r#"{"a":[1,1,2],"b":[2,3],"c":[4]}"#,
            ),
            (
                r#"{"a":[1]}"#,
                r#"{"$prepend":{"a":[2,3]}}"#,
                r#"{"a":[2,3,1]}"#,
            ),
            (
                r#"{"a":[1,2]}"#,
                r#"{"$preInsert":{"a":[2,3,3,4]}}"#,
                r#"{"a":[3,4,1,2]}"#,
            ),
            (
                r#"{"a":[1,2]}"#,
                r#"{"$postInsert":{"a":[2,3]}}"#,
                r#"{"a":[1,2,3]}"#,
            ),
            (
                r#"{"a":[1,2,1]}"#,
                r#"{"$remove":{"a":1,"b":2}}"#,
                r#"{"a":[2]}"#,
            ),
            (
                r#"{"a":1,"b":2}"#,
                r#"{"$unset":{"a":"-","c":"-"}}"#,
                r#"{"b":2}"#,
            ),
            (r#"{"a":1,"b":2}"#, r#"{"$clearAll":"-"}"#, "{}"),
            (
                r#"{"a":1,"b":2}"#,
                r#"{"$set":{"c":3},"$clearAll":"-"}"#,
                r#"{"c":3}"#,
            ),
        ] {
            assert_eq!(after(start, &[update]), expected, "{update}");
        }
    }

    #[test]
    fn large_integers_add_exactly() {
        assert_eq!(
            after(r#"{"a":9007199254740993}"#, &[r#"{"$add":{"a":2}}"#]),
            r#"{"a":9007199254740995}"#
        );
        assert_eq!(
            after(r#"{"a":1e308}"#, &[r#"{"$add":{"a":1e308}}"#]),
            r#"{"a":1e308}"#
        );
    }

    #[test]
    fn mixed_unknown_and_ill_typed_updates_are_refused() {
        assert_eq!(refused(r#"{"$set":{},"a":1}"#), UpdateError::Mixed);
        assert_eq!(
            refused(r#"{"$sett":{}}"#),
            UpdateError::UnknownOperation("$sett".into())
        );
        assert_eq!(
            refused(r#"{"$set":1}"#),
            UpdateError::ArgumentNotAnObject("$set".into())
        );
        assert_eq!(
            refused(r#"{"$add":{"n":"1"}}"#),
            UpdateError::AddNotANumber("n".into())
        );
        assert_eq!(refused("[]"), UpdateError::NotAnObject("an array"));
    }
}
