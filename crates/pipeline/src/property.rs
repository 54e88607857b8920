//! Finding a property in an event.

use model::filter::Property;
use model::json::{Object, Value};

/// The property's value in `event`; `None` when it is missing or null.
pub(crate) fn find<'e, 'a>(property: &Property, event: &'e Object<'a>) -> Option<&'e Value<'a>> {
    let value = match property {
        Property::Event { name } => event.get("event_properties")?.get(name),
        Property::User { name } => event.get("user_properties")?.get(name),
        Property::Group { group_type, name } => first_group(event, group_type)?.get(name),
        Property::Field { name } => event.get(name),
    };
    value.filter(|value| !value.is_null())
}

/// The properties of the event's first group of a type: the first by name among those that `groups`
/// lists, or, where it lists none, among those that have properties.
pub(crate) fn first_group<'e, 'a>(
    event: &'e Object<'a>,
    group_type: &str,
) -> Option<&'e Value<'a>> {
    let with_properties = event
        .get("group_properties")?
        .get(group_type)?
        .as_object()?;
    let listed = event
        .get("groups")
        .and_then(|groups| groups.get(group_type));
    let first = match listed {
        Some(Value::String(name)) => name,
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).min()?,
        _ => with_properties.iter().map(|(name, _)| name).min()?,
    };
    with_properties.get(first)
}

/// The text of a scalar: strings as they are, numbers as they were sent, booleans by name; lists and
/// objects have none.
pub(crate) fn scalar_text<'v>(value: &'v Value<'_>) -> Option<&'v str> {
    match value {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.text()),
        Value::Bool(true) => Some("true"),
        Value::Bool(false) => Some("false"),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The property in words: `event property "price"`.
pub fn describe(property: &Property) -> String {
    match property {
        Property::Event { name } => format!("event property \"{name}\""),
        Property::User { name } => format!("user property \"{name}\""),
        Property::Group { group_type, name } => {
            format!("property \"{name}\" of the {group_type} group")
        }
        Property::Field { name } => format!("field \"{name}\""),
    }
}

#[cfg(test)]
mod tests {
    use model::json::{Limits, parse};

    use super::*;

    fn group(name: &str) -> Property {
        Property::Group {
            group_type: "org".into(),
            name: name.into(),
        }
    }

    fn found(property: &Property, event: &str) -> Option<String> {
        let event = parse(event.as_bytes(), &Limits::FOREIGN).unwrap();
        find(property, event.as_object().unwrap()).map(Value::to_json)
    }

    #[test]
    fn each_scope_is_looked_up_in_its_own_place() {
        let event = r#"{"x":1,"event_properties":{"x":2},"user_properties":{"x":3},
            "group_properties":{"org":{"acme":{"x":4}}}}"#;
        let name = || "x".to_owned();
        assert_eq!(
            found(&Property::Field { name: name() }, event).unwrap(),
            "1"
        );
        assert_eq!(
            found(&Property::Event { name: name() }, event).unwrap(),
            "2"
        );
        assert_eq!(found(&Property::User { name: name() }, event).unwrap(), "3");
        assert_eq!(found(&group("x"), event).unwrap(), "4");
    }

    #[test]
    fn of_several_groups_the_first_by_name_counts_even_when_it_lacks_the_property() {
        let event = r#"{"groups":{"org":["zeta","acme"]},
            "group_properties":{"org":{"zeta":{"plan":"pro","size":9},"acme":{"plan":"free"}}}}"#;
        assert_eq!(found(&group("plan"), event).unwrap(), "\"free\"");
        assert_eq!(found(&group("size"), event), None);
        let one = r#"{"groups":{"org":"zeta"},"group_properties":{"org":{"acme":{"plan":1},"zeta":{"plan":2}}}}"#;
        assert_eq!(found(&group("plan"), one).unwrap(), "2");
    }

    #[test]
    fn null_is_no_value_and_odd_shapes_hold_none() {
        let property = Property::Event { name: "x".into() };
        for event in [
            "{}",
            r#"{"event_properties":null}"#,
            r#"{"event_properties":[1]}"#,
            r#"{"event_properties":{"x":null}}"#,
            r#"{"group_properties":{"org":[]},"groups":{"org":[1]}}"#,
        ] {
            assert_eq!(found(&property, event), None);
            assert_eq!(found(&group("x"), event), None);
        }
    }
}
