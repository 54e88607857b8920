//! Data of templates, from JSON.

use ftl::Owned;
use model::json::{Limits, Value};

/// What one text of JSON may hold.
pub(super) const LIMITS: Limits = Limits {
    depth: 500,
    values: 5_000_000,
    repeated_names: true,
};

/// A JSON value as templates read it; numbers keep their text, so no digit is lost.
pub(super) fn owned(value: &Value<'_>) -> Owned {
    match value {
        Value::Null => Owned::Null,
        Value::Bool(value) => Owned::Bool(*value),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => Owned::Int(whole),
            None => Owned::Number(number.text().to_owned()),
        },
        Value::String(text) => Owned::Str(text.clone().into_owned()),
        Value::Array(items) => Owned::Seq(items.iter().map(owned).collect()),
        Value::Object(members) => Owned::Hash(
            members
                .iter()
                .map(|(name, value)| (name.to_owned(), owned(value)))
                .collect(),
        ),
    }
}

/// The root of a template's data, which has to be an object.
pub(super) fn root(value: &Value<'_>) -> Result<Owned, String> {
    match value {
        Value::Object(_) => Ok(owned(value)),
        other => Err(format!("the data must be an object, not {}", other.kind())),
    }
}

/// No data at all.
pub(super) fn none() -> Owned {
    Owned::Hash(Vec::new())
}
