//! Which of an event's properties go along.

use std::collections::{HashMap, HashSet};

use bumpalo::Bump;
use ftl::View;
use model::filter::Property;
use model::json::{Object, Value};
use model::sync::PropertyChoice;

use crate::property;
use crate::views::Members;

/// Where an event keeps its properties.
const EVENT: &str = "event_properties";
const USER: &str = "user_properties";
const GROUP: &str = "group_properties";

/// A choice of properties, of events or of users.
#[derive(Debug)]
pub(crate) struct Selected {
    choice: PropertyChoice,
    /// In the user's order.
    listed: Vec<Property>,
    event: HashSet<String>,
    user: HashSet<String>,
    /// By the type of the group.
    group: HashMap<String, HashSet<String>>,
}

impl Selected {
    pub(crate) fn new(choice: PropertyChoice, listed: &[Property]) -> Self {
        let mut selected = Self {
            choice,
            listed: listed.to_vec(),
            event: HashSet::new(),
            user: HashSet::new(),
            group: HashMap::new(),
        };
        for property in listed {
            let (names, name) = match property {
                Property::Event { name } => (&mut selected.event, name),
                Property::User { name } => (&mut selected.user, name),
                Property::Group { group_type, name } => {
                    (selected.group.entry(group_type.clone()).or_default(), name)
                }
                Property::Field { .. } => continue,
            };
            names.insert(name.clone());
        }
        selected
    }

    /// The properties that go along under their own names, each as `show` shows it. Of properties with
    /// one name in several scopes the first that has a value goes along.
    pub(crate) fn members<'a>(
        &'a self,
        event: &'a Object<'a>,
        arena: &'a Bump,
        show: impl Fn(&'a Value<'a>, &'a Bump) -> View<'a>,
    ) -> Members<'a> {
        let mut members = Vec::new();
        let mut seen = HashSet::new();
        let mut add = |name: &'a str, value: &'a Value<'a>| {
            if !value.is_null() && seen.insert(name) {
                members.push((name, show(value, arena)));
            }
        };
        match self.choice {
            PropertyChoice::Only => {
                for property in &self.listed {
                    if let Some(value) = property::find(property, event) {
                        add(property.name(), value);
                    }
                }
            }
            PropertyChoice::AllBut => {
                for (place, left_out) in [(EVENT, &self.event), (USER, &self.user)] {
                    let properties = event.get(place).and_then(Value::as_object);
                    for (name, value) in properties.into_iter().flat_map(Object::iter) {
                        if !left_out.contains(name) {
                            add(name, value);
                        }
                    }
                }
                let types = event.get(GROUP).and_then(Value::as_object);
                for (group_type, _) in types.into_iter().flat_map(Object::iter) {
                    let properties = property::first_group(event, group_type);
                    let properties = properties.and_then(Value::as_object);
                    for (name, value) in properties.into_iter().flat_map(Object::iter) {
                        if self.goes(self.group.get(group_type), name) {
                            add(name, value);
                        }
                    }
                }
            }
        }
        Members(members)
    }

    /// How many properties of the event itself go along.
    pub(crate) fn of_event(&self, event: &Object<'_>) -> usize {
        let properties = event.get(EVENT).and_then(Value::as_object);
        let properties = properties.into_iter().flat_map(Object::iter);
        properties
            .filter(|(name, value)| !value.is_null() && self.goes(Some(&self.event), name))
            .count()
    }

    /// Whether this user property goes along, where the user has it.
    pub(crate) fn sends_user_property(&self, name: &str) -> bool {
        self.goes(Some(&self.user), name)
    }

    /// Whether no user property ever goes along.
    pub(crate) fn sends_no_user_property(&self) -> bool {
        self.choice == PropertyChoice::Only && self.user.is_empty()
    }

    /// The event without the properties that don't go along.
    pub(crate) fn trimmed<'a>(&self, event: &Object<'a>) -> Object<'a> {
        let members = event.iter().map(|(name, value)| {
            let value = match (name, value) {
                (EVENT, Value::Object(own)) => self.kept(Some(&self.event), own),
                (USER, Value::Object(own)) => self.kept(Some(&self.user), own),
                (GROUP, Value::Object(types)) => Value::Object(self.kept_of_groups(types)),
                (_, other) => other.clone(),
            };
            (name.to_owned().into(), value)
        });
        members.collect()
    }

    fn kept_of_groups<'a>(&self, types: &Object<'a>) -> Object<'a> {
        let types = types.iter().map(|(group_type, groups)| {
            let listed = self.group.get(group_type);
            let groups = groups.as_object().into_iter().flat_map(Object::iter);
            let groups = groups.map(|(group, value)| {
                let value = match value {
                    Value::Object(own) => self.kept(listed, own),
                    other => other.clone(),
                };
                (group.to_owned().into(), value)
            });
            let groups = Value::Object(groups.collect());
            (group_type.to_owned().into(), groups)
        });
        types.collect()
    }

    fn kept<'a>(&self, listed: Option<&HashSet<String>>, properties: &Object<'a>) -> Value<'a> {
        let kept = properties
            .iter()
            .filter(|(name, _)| self.goes(listed, name))
            .map(|(name, value)| (name.to_owned().into(), value.clone()));
        Value::Object(kept.collect())
    }

    /// Whether a property goes along, given those that are listed of its place.
    fn goes(&self, listed: Option<&HashSet<String>>, name: &str) -> bool {
        let is_listed = listed.is_some_and(|names| names.contains(name));
        match self.choice {
            PropertyChoice::Only => is_listed,
            PropertyChoice::AllBut => !is_listed,
        }
    }
}

#[cfg(test)]
mod tests {
    use ftl::Data;
    use model::json::{Limits, parse};

    use super::*;

    const EVENT_TEXT: &str = r#"{"event_type":"Bought","event_properties":{"price":9,"card":"4111","none":null},
        "user_properties":{"plan":"pro","mail":"a@b","price":1},
        "groups":{"org":["zeta","acme"]},
        "group_properties":{"org":{"acme":{"size":3,"tax":"x"},"zeta":{"size":9}}}}"#;

    fn listed() -> Vec<Property> {
        vec![
            Property::User {
                name: "mail".into(),
            },
            Property::Event {
                name: "card".into(),
            },
            Property::Group {
                group_type: "org".into(),
                name: "tax".into(),
            },
        ]
    }

    fn names(choice: PropertyChoice) -> Vec<String> {
        let event = parse(EVENT_TEXT.as_bytes(), &Limits::FOREIGN).unwrap();
        let (selected, arena) = (Selected::new(choice, &listed()), Bump::new());
        let members = selected.members(event.as_object().unwrap(), &arena, |value, _| value.view());
        members
            .0
            .iter()
            .map(|(name, _)| (*name).to_owned())
            .collect()
    }

    fn trimmed(choice: PropertyChoice) -> String {
        let event = parse(EVENT_TEXT.as_bytes(), &Limits::FOREIGN).unwrap();
        let trimmed = Selected::new(choice, &listed()).trimmed(event.as_object().unwrap());
        Value::Object(trimmed).to_json()
    }

    #[test]
    fn only_what_is_listed_goes_along_in_the_order_of_the_list() {
        assert_eq!(names(PropertyChoice::Only), ["mail", "card", "tax"]);
    }

    #[test]
    fn all_but_what_is_listed_goes_along_the_events_own_first() {
        assert_eq!(names(PropertyChoice::AllBut), ["price", "plan", "size"]);
    }

    #[test]
    fn what_does_not_go_along_is_taken_out_of_the_event() {
        assert_eq!(
            trimmed(PropertyChoice::Only),
            r#"{"event_type":"Bought","event_properties":{"card":"4111"},"user_properties":{"mail":"a@b"},"groups":{"org":["zeta","acme"]},"group_properties":{"org":{"acme":{"tax":"x"},"zeta":{}}}}"#
        );
        assert_eq!(
            trimmed(PropertyChoice::AllBut),
            r#"{"event_type":"Bought","event_properties":{"price":9,"none":null},"user_properties":{"plan":"pro","price":1},"groups":{"org":["zeta","acme"]},"group_properties":{"org":{"acme":{"size":3},"zeta":{"size":9}}}}"#
        );
    }
}
