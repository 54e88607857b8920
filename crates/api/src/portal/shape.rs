//! From a JSON document to a typed value, with errors that say where and what: serde's own only say
//! it in prose.

use std::fmt;

use serde::de::{
    self, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess,
    VariantAccess, Visitor, value::StrDeserializer,
};
use serde_json::Value;

use super::nearest::nearest;
use super::problem::{FieldProblem, pointer};

/// Reads a typed value from a JSON document.
pub(super) fn read<T: de::DeserializeOwned>(document: &Value) -> Result<T, FieldProblem> {
    let read = refuse_nul(document).and_then(|()| T::deserialize(Node(document)));
    read.map_err(|error| {
        let path = error.path.iter().rev();
        let place = path.fold(String::new(), |base, token| pointer(&base, token));
        FieldProblem::new(place, error.message)
    })
}

/// Refuses a document that has the character U+0000 anywhere: PostgreSQL's texts can't hold it. The
/// depth is bounded by the parser that made the document.
fn refuse_nul(document: &Value) -> Result<(), ShapeError> {
    let has_nul = |text: &str| text.contains('\0');
    let refused = || de::Error::custom("a text can't have the character U+0000");
    match document {
        Value::String(text) if has_nul(text) => Err(refused()),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .try_for_each(|(index, item)| refuse_nul(item).map_err(|error| error.under(index))),
        Value::Object(members) => members.iter().try_for_each(|(name, value)| {
            if has_nul(name) {
                return Err(refused());
            }
            refuse_nul(value).map_err(|error| error.under(name))
        }),
        _ => Ok(()),
    }
}

/// What is wrong, and where: the path from the innermost outwards.
#[derive(Debug)]
struct ShapeError {
    message: String,
    path: Vec<String>,
}

impl ShapeError {
    fn under(mut self, token: impl fmt::Display) -> Self {
        self.path.push(token.to_string());
        self
    }
}

impl fmt::Display for ShapeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ShapeError {}

impl de::Error for ShapeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self {
            message: message.to_string(),
            path: Vec::new(),
        }
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self::custom(unknown("field", field, expected)).under(field)
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self::custom(unknown("value", variant, expected))
    }

    fn missing_field(field: &'static str) -> Self {
        Self::custom("this field is required").under(field)
    }
}

fn unknown(kind: &str, name: &str, expected: &'static [&'static str]) -> String {
    let shown: String = name.chars().take(64).collect();
    match nearest(name, expected.iter().copied()) {
        Some(meant) => format!("unknown {kind} `{shown}`: did you mean `{meant}`?"),
        None if expected.is_empty() => format!("unknown {kind} `{shown}`: none is expected here"),
        None => format!(
            "unknown {kind} `{shown}`: expected one of {}",
            expected.join(", ")
        ),
    }
}

/// A place in the document. Its depth is bounded by the parser that made it.
#[derive(Clone, Copy)]
struct Node<'de>(&'de Value);

impl<'de> Deserializer<'de> for Node<'de> {
    type Error = ShapeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ShapeError> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::String(text) => visitor.visit_borrowed_str(text),
            Value::Array(items) => visitor.visit_seq(Items(items.iter().enumerate())),
            Value::Object(members) => visitor.visit_map(Members {
                rest: members.iter(),
                value: None,
            }),
            Value::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
                (Some(value), ..) => visitor.visit_u64(value),
                (_, Some(value), _) => visitor.visit_i64(value),
                (.., Some(value)) => visitor.visit_f64(value),
                _ => Err(de::Error::custom("the number is out of range")),
            },
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ShapeError> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ShapeError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ShapeError> {
        match self.0 {
            Value::String(name) => visitor.visit_enum(Variant {
                name,
                content: None,
            }),
            Value::Object(members) if members.len() == 1 => match members.iter().next() {
                Some((name, content)) => visitor.visit_enum(Variant {
                    name,
                    content: Some(content),
                }),
                None => self.deserialize_any(visitor),
            },
            Value::Object(_) => Err(de::Error::custom(
                "expected an object with exactly one member",
            )),
            _ => self.deserialize_any(visitor),
        }
    }

    /// Serde would read an array as a struct's fields in their order: nobody means that.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ShapeError> {
        match self.0 {
            Value::Object(_) => self.deserialize_any(visitor),
            _ => Err(de::Error::custom("expected an object")),
        }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map identifier ignored_any
    }
}

struct Items<'de>(std::iter::Enumerate<std::slice::Iter<'de, Value>>);

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = ShapeError;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, ShapeError> {
        let Some((index, item)) = self.0.next() else {
            return Ok(None);
        };
        let value = seed.deserialize(Node(item));
        value.map(Some).map_err(|error| error.under(index))
    }
}

struct Members<'de> {
    rest: serde_json::map::Iter<'de>,
    value: Option<(&'de str, &'de Value)>,
}

impl<'de> MapAccess<'de> for Members<'de> {
    type Error = ShapeError;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, ShapeError> {
        let Some((key, value)) = self.rest.next() else {
            return Ok(None);
        };
        self.value = Some((key, value));
        seed.deserialize(StrDeserializer::new(key)).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<S::Value, ShapeError> {
        let Some((key, value)) = self.value.take() else {
            return Err(de::Error::custom("a value was asked for before its key"));
        };
        let value = seed.deserialize(Node(value));
        value.map_err(|error| error.under(key))
    }
}

struct Variant<'de> {
    name: &'de str,
    content: Option<&'de Value>,
}

impl<'de> EnumAccess<'de> for Variant<'de> {
    type Error = ShapeError;
    type Variant = Content<'de>;

    fn variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Content<'de>), ShapeError> {
        let name: StrDeserializer<'_, ShapeError> = self.name.into_deserializer();
        let variant = seed.deserialize(name)?;
        Ok((variant, Content(self.name, self.content)))
    }
}

/// What a variant holds.
struct Content<'de>(&'de str, Option<&'de Value>);

impl<'de> Content<'de> {
    fn node(&self) -> Result<Node<'de>, ShapeError> {
        let missing = || de::Error::custom(format_args!("`{}` needs a value", self.0));
        self.1.map(Node).ok_or_else(missing)
    }
}

impl<'de> VariantAccess<'de> for Content<'de> {
    type Error = ShapeError;

    fn unit_variant(self) -> Result<(), ShapeError> {
        match self.1 {
            None | Some(Value::Null) => Ok(()),
            Some(_) => Err(de::Error::custom(format_args!(
                "`{}` takes no value",
                self.0
            ))),
        }
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<S::Value, ShapeError> {
        let value = seed.deserialize(self.node()?);
        value.map_err(|error| error.under(self.0))
    }

    fn tuple_variant<V: Visitor<'de>>(
        self,
        _length: usize,
        visitor: V,
    ) -> Result<V::Value, ShapeError> {
        let value = self.node()?.deserialize_any(visitor);
        value.map_err(|error| error.under(self.0))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ShapeError> {
        let value = self.node()?.deserialize_struct("", fields, visitor);
        value.map_err(|error| error.under(self.0))
    }
}

#[cfg(test)]
mod tests {
    use model::filter::Selection;
    use model::sync::Settings;
    use serde_json::json;

    use super::*;

    fn problem(document: Value) -> (String, String) {
        let problem = read::<Settings>(&document).expect_err("refused");
        (problem.pointer, problem.message)
    }

    #[test]
    fn an_error_says_where_and_what() {
        for (document, place, message) in [
            (
                json!({"evnts": {}}),
                "/evnts",
                "unknown field `evnts`: did you mean `events`?",
            ),
            (
                json!({"events": {"sent": true}}),
                "/events/sent",
                "did you mean `send`?",
            ),
            (json!({"concurrency": "9"}), "/concurrency", "expected u16"),
            (
                json!({"concurrency": 70000}),
                "/concurrency",
                "expected u16",
            ),
            (
                json!({"headers": [{"name": "a", "value": "b"}, {"name": "c"}]}),
                "/headers/1/value",
                "this field is required",
            ),
            (
                json!({"user_agent": "orignal"}),
                "/user_agent",
                "did you mean `original`?",
            ),
            (
                json!({"events": {"select": {"types": [{"event_type": 1}]}}}),
                "/events/select/types/0/event_type",
                "expected a string",
            ),
            (
                json!({"events": {"select": "types"}}),
                "/events/select",
                "`types` needs a value",
            ),
            (
                json!({"events": {"select": {"all": {}, "types": []}}}),
                "/events/select",
                "exactly one member",
            ),
            (
                json!({"properties": [{"scope": "evnt", "name": "x"}]}),
                "/properties/0/scope",
                "did you mean `event`?",
            ),
            (json!([]), "", "expected an object"),
            (json!(null), "", "expected an object"),
        ] {
            let (pointer, said) = problem(document.clone());
            assert_eq!(pointer, place, "{document}: {said}");
            assert!(said.contains(message), "{document}: {said}");
        }
    }

    #[test]
    fn every_kind_of_value_is_read_as_serde_json_reads_it() {
        let document = json!({
            "events": {"send": false, "template": "x", "select": {"types": [
                {"event_type": "buy", "condition": {"any": [{"test": {
                    "property": {"scope": "group", "group_type": "org", "name": "plan"},
                    "operator": "is", "values": ["a", 1, -1, 1.5, true, null],
                }}]}},
            ]}},
            "typed_properties": null, "concurrency": 7, "user_agent": "original",
            "mappings": {"email": {"scope": "user", "name": "mail"}},
        });
        let ours: Settings = read(&document).unwrap();
        assert_eq!(ours, serde_json::from_value(document).unwrap());
        let all: Selection = read(&json!({"all": {}})).unwrap();
        assert_eq!(all, Selection::default());
    }
}
