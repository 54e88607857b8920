//! The event of a preview for which no event is given.

use model::filter::{Property, Selection};
use model::json::{Limits, Object, Value, parse};
use model::sync::Settings;

use super::given::Given;

const EVENT: &[u8] = include_bytes!("sample.json");

/// The group that a sample has of a type that the usual one lacks.
const GROUP: &str = "Acme";

/// An event to show what a sync makes of it.
#[derive(Debug)]
pub(super) struct Sample {
    /// An event with all common fields, as it is streamed, of a type that is selected, in which every property
    /// that is mapped has a value.
    pub(super) event: Given,
    /// In words, the mapped properties that it would lack otherwise: their values are made up.
    pub(super) made_up: Vec<String>,
}

/// The sample for a sync of these settings.
pub(super) fn event(settings: &Settings) -> Sample {
    let sample = parse(EVENT, &Limits::OWN);
    let mut sample = sample.expect("the sample is JSON, as a test shows");
    let mut made_up = Vec::new();
    if let Value::Object(members) = &mut sample {
        if let Some(event_type) = selected_type(&settings.events.select) {
            for name in ["event_type", "event_name"] {
                members.set(name, Value::string(event_type));
            }
        }
        for (name, property) in &settings.mappings {
            let kind = settings.mapping_kinds.get(name);
            if make_up(members, property, &value(property, name, kind)) {
                made_up.push(pipeline::describe(property));
            }
        }
    }
    made_up.sort_unstable();
    made_up.dedup();
    Sample {
        event: Given::own(&sample),
        made_up,
    }
}

/// One of the types that are selected: where there is one without a condition, the first such.
fn selected_type(selected: &Selection) -> Option<&str> {
    let Selection::Types(types) = selected else {
        return None;
    };
    let mut free = types.iter().filter(|each| each.condition.is_none());
    let chosen = free.next().or(types.first())?;
    Some(&chosen.event_type)
}

/// A text such as the property may hold, by what it, its mapping or the chosen kind of identifier is called.
fn value(property: &Property, mapping: &str, kind: Option<&String>) -> String {
    let names = [property.name(), mapping, kind.map_or("", String::as_str)];
    let is_called = |part: &str| names.iter().any(|name| name.to_lowercase().contains(part));
    if is_called("mail") {
        "ann@example.com".into()
    } else if is_called("phone") {
        "+15555550123".into()
    } else {
        format!("sample-{}", property.name())
    }
}

/// Puts a value where the event has none for a property: whether it did.
fn make_up(event: &mut Object<'_>, property: &Property, value: &str) -> bool {
    let members = match property {
        Property::Event { .. } => below(event, "event_properties"),
        Property::User { .. } => below(event, "user_properties"),
        Property::Group { group_type, .. } => group(event, group_type),
        Property::Field { .. } => Some(event),
    };
    let Some(members) = members else {
        return false;
    };
    let lacks = members.get(property.name()).is_none_or(Value::is_null);
    if lacks {
        let name = property.name().to_owned();
        members.set(name, Value::string(value.to_owned()));
    }
    lacks
}

/// The properties of the sample's group of a type, of which there is one.
fn group<'e, 'a>(event: &'e mut Object<'a>, group_type: &str) -> Option<&'e mut Object<'a>> {
    let groups = below(event, "groups")?;
    if groups.get(group_type).is_none() {
        let one = Value::Array(vec![Value::string(GROUP)]);
        groups.set(group_type.to_owned(), one);
    }
    let of_type = below(below(event, "group_properties")?, group_type)?;
    below(of_type, GROUP)
}

/// The object that is a member, made where there is none.
fn below<'e, 'a>(of: &'e mut Object<'a>, name: &str) -> Option<&'e mut Object<'a>> {
    if of.get(name).is_none() {
        of.set(name.to_owned(), Value::Object(Object::new()));
    }
    match of.get_mut(name) {
        Some(Value::Object(members)) => Some(members),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_can_be_rendered() {
        let sample = super::event(&Settings::default());
        let event = super::super::subject::event_of(&sample.event).unwrap();
        assert!(event.root().is_ok());
        assert!(sample.made_up.is_empty());
    }

    #[test]
    fn each_mapped_property_has_a_value_in_its_place() {
        let name = || "crm_id".to_owned();
        let mut settings = Settings::default();
        let group = |group_type: &str| Property::Group {
            group_type: group_type.into(),
            name: name(),
        };
        let mapped = [
            ("a", Property::User { name: name() }),
            ("b", Property::Event { name: name() }),
            ("c", Property::Field { name: name() }),
            ("d", group("company")),
            ("e", group("team")),
            (
                "f",
                Property::Field {
                    name: "user_id".into(),
                },
            ),
            (
                "g",
                Property::Field {
                    name: "partner_id".into(),
                },
            ),
            (
                "Work e-mail",
                Property::User {
                    name: "contact".into(),
                },
            ),
        ];
        for (name, property) in mapped {
            settings.mappings.insert(name.to_owned(), property);
        }
        let sample = super::event(&settings);
        assert_eq!(sample.made_up.len(), 7, "{:?}", sample.made_up);
        let event = parse(sample.event.text().as_bytes(), &Limits::OWN).unwrap();
        let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str);
        for place in [
            "/user_properties/crm_id",
            "/event_properties/crm_id",
            "/crm_id",
            "/group_properties/company/Acme/crm_id",
            "/group_properties/team/Acme/crm_id",
        ] {
            assert_eq!(text(place), Some("sample-crm_id"), "{place}");
        }
        assert_eq!(
            event.pointer("/groups/team/0").unwrap().as_str(),
            Some("Acme")
        );
        assert_eq!(text("/user_id"), Some("user-1041"));
        assert_eq!(text("/partner_id"), Some("sample-partner_id"));
        assert_eq!(text("/user_properties/contact"), Some("ann@example.com"));
    }
}
