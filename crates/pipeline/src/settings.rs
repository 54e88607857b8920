//! What the user chose to send along, checked against what the definition asks for: mappings and
//! selected properties.

use bumpalo::Bump;
use ftl::{Data, View};
use model::Part;
use model::definition::{Definition, Mapping};
use model::filter::Property;
use model::json::{Object, Value};
use model::outcome::Discarded;
use model::sync::{PropertyChoice, Settings};

use crate::problem::{Problems, pointer};
use crate::property;
use crate::selected::Selected;
use crate::template::unknown;
use crate::views::Members;

/// How many properties a sync may select.
const MAX_PROPERTIES: usize = 1000;

/// Which properties of an event go along, and under which names.
#[derive(Debug)]
pub(crate) struct Mapped {
    fields: Vec<Field>,
    of_events: Selected,
    /// `None`: the same as of events.
    of_users: Option<Selected>,
    /// Whether `input` goes without the properties that don't go along.
    withhold: bool,
    /// Whether values keep their types; otherwise they are text.
    typed: bool,
}

/// A destination property and what fills it.
#[derive(Debug)]
struct Field {
    name: String,
    source: Property,
    required: bool,
}

impl Mapped {
    pub(crate) fn compile(
        definition: &Definition,
        settings: &Settings,
        problems: &mut Problems,
    ) -> Self {
        check_properties(definition, settings, problems);
        Self {
            fields: compile_fields(definition, settings, problems),
            of_events: Selected::new(settings.property_choice, &settings.properties),
            of_users: (settings.users.properties.as_ref())
                .map(|own| Selected::new(own.choice, &own.list)),
            withhold: settings.withhold_properties,
            typed: settings
                .typed_properties
                .unwrap_or(definition.typed_properties),
        }
    }

    /// Refuses an event that lacks what a required mapping names. An empty text identifies nobody:
    /// it is no value.
    pub(crate) fn check_required(&self, event: &Object<'_>) -> Result<(), Discarded> {
        match self.without_value(event).next() {
            Some(field) => Err(Discarded::MissingMapping {
                field: field.name.clone(),
                waited_seconds: None,
                no_room: None,
            }),
            None => Ok(()),
        }
    }

    /// The required mappings that the event has no value for.
    fn without_value(&self, event: &Object<'_>) -> impl Iterator<Item = &Field> {
        let required = self.fields.iter().filter(|field| field.required);
        required.filter(|field| is_nothing(property::find(&field.source, event)))
    }

    /// The user properties that the event lacks a value for, and required mappings name; none where
    /// it lacks something else, too, which no later event brings.
    pub(crate) fn awaited(&self, event: &Object<'_>) -> Vec<&str> {
        let awaited = self.without_value(event).map(|field| match &field.source {
            Property::User { name } => Some(name.as_str()),
            _ => None,
        });
        awaited.collect::<Option<_>>().unwrap_or_default()
    }

    /// Whether a required mapping names this user property.
    pub(crate) fn requires(&self, name: &str) -> bool {
        let mut required = self.fields.iter().filter(|field| field.required);
        required
            .any(|field| matches!(&field.source, Property::User { name: known } if known == name))
    }

    /// How many bytes the longest value has that fills a required mapping.
    pub(crate) fn longest_required(&self, event: &Object<'_>) -> usize {
        let required = self.fields.iter().filter(|field| field.required);
        let values = required.filter_map(|field| property::find(&field.source, event));
        let lengths = values.map(|value| match property::scalar_text(value) {
            Some(text) => text.len(),
            None => value.to_json().len(),
        });
        lengths.max().unwrap_or(0)
    }

    /// `mappedFields` for `event`.
    pub(crate) fn fields<'a>(&'a self, event: &'a Object<'a>, arena: &'a Bump) -> Members<'a> {
        let each = self.fields.iter();
        Members(
            each.filter_map(|field| {
                let value = property::find(&field.source, event)?;
                Some((field.name.as_str(), self.show(value, arena)))
            })
            .collect(),
        )
    }

    /// `mappedProperties` of a part of `event`.
    pub(crate) fn properties<'a>(
        &'a self,
        part: Part,
        event: &'a Object<'a>,
        arena: &'a Bump,
    ) -> Members<'a> {
        let show = |value, arena| self.show(value, arena);
        self.selected(part).members(event, arena, show)
    }

    /// `event` without the properties that don't go along with the part; `None` when they stay.
    pub(crate) fn trimmed<'a>(&self, part: Part, event: &Object<'a>) -> Option<Object<'a>> {
        self.withhold.then(|| self.selected(part).trimmed(event))
    }

    /// How many properties of the event itself go along with it.
    pub(crate) fn of_event(&self, event: &Object<'_>) -> usize {
        self.of_events.of_event(event)
    }

    /// Whether a change of this user property is one that the destination is to know of: the property
    /// goes along with users or fills a mapping. Where no user property does, all count.
    pub(crate) fn counts(&self, name: &str) -> bool {
        let mut mapped = self.fields.iter().filter_map(|field| match &field.source {
            Property::User { name } => Some(name),
            _ => None,
        });
        let selected = self.selected(Part::User);
        mapped.clone().any(|mapped| mapped == name)
            || selected.sends_user_property(name)
            || (selected.sends_no_user_property() && mapped.next().is_none())
    }

    fn selected(&self, part: Part) -> &Selected {
        match part {
            Part::Event => &self.of_events,
            Part::User => self.of_users.as_ref().unwrap_or(&self.of_events),
        }
    }

    fn show<'a>(&self, value: &'a Value<'a>, arena: &'a Bump) -> View<'a> {
        match self.typed {
            true => value.view(),
            false => View::Str(text(value, arena)),
        }
    }
}

/// Whether this is no value for a required mapping: an empty text identifies nobody.
pub(crate) fn is_nothing(value: Option<&Value<'_>>) -> bool {
    value.is_none_or(|value| value.as_str().is_some_and(str::is_empty))
}

/// The value as text: lists and objects as JSON.
fn text<'a>(value: &'a Value<'a>, arena: &'a Bump) -> &'a str {
    property::scalar_text(value).unwrap_or_else(|| arena.alloc_str(&value.to_json()))
}

fn check_properties(definition: &Definition, settings: &Settings, problems: &mut Problems) {
    let at = "/properties";
    check_list(at, &settings.properties, settings.property_choice, problems);
    if let Some(own) = &settings.users.properties {
        check_list("/users/properties/list", &own.list, own.choice, problems);
    }
    check_user_limit(definition, settings, problems);
    // Which of the others go along only an event can tell.
    if settings.property_choice == PropertyChoice::AllBut {
        return;
    }
    let of_event = |property: &&Property| matches!(property, Property::Event { .. });
    let count = settings.properties.iter().filter(of_event).count();
    if let Some(allowed) = definition.limits.properties_per_event
        && count > allowed as usize
    {
        problems.add(
            at,
            format!(
                "{count} event properties are selected, but the destination takes at most {allowed}"
            ),
        );
    }
}

/// Refuses more properties of users than the destination takes. Which of "all others" go along only an
/// event can tell.
fn check_user_limit(definition: &Definition, settings: &Settings, problems: &mut Problems) {
    let (at, list, choice) = match &settings.users.properties {
        Some(own) => ("/users/properties/list", &own.list, own.choice),
        None => (
            "/properties",
            &settings.properties,
            settings.property_choice,
        ),
    };
    let Some(allowed) = definition.limits.properties_per_user else {
        return;
    };
    let counts = settings.users.send && choice == PropertyChoice::Only;
    if counts && list.len() > allowed as usize {
        let count = list.len();
        let message = format!(
            "{count} properties of users are selected, but the destination takes at most {allowed}"
        );
        problems.add(at, message);
    }
}

fn check_list(at: &str, list: &[Property], choice: PropertyChoice, problems: &mut Problems) {
    if list.len() > MAX_PROPERTIES {
        let message = format!("at most {MAX_PROPERTIES} properties can be selected");
        problems.add(at, message);
    }
    for (position, property) in list.iter().enumerate().take(MAX_PROPERTIES) {
        let is_field = matches!(property, Property::Field { .. });
        if property.name().is_empty() {
            problems.add(pointer(at, position), "choose a property");
        } else if is_field && choice == PropertyChoice::AllBut {
            let message = "fields of the event are no properties: they always go along";
            problems.add(pointer(at, position), message);
        }
    }
}

fn compile_fields(
    definition: &Definition,
    settings: &Settings,
    problems: &mut Problems,
) -> Vec<Field> {
    let at = "/mappings";
    for (name, property) in &settings.mappings {
        if !definition
            .mappings
            .iter()
            .any(|mapping| mapping.name == *name)
        {
            let known: Vec<_> = definition
                .mappings
                .iter()
                .map(|mapping| mapping.name.as_str())
                .collect();
            problems.add(
                pointer(at, name),
                unknown("mapping", name, known, "the destination has"),
            );
        } else if property.name().is_empty() {
            problems.add(pointer(at, name), "choose a property");
        }
    }
    for name in settings.mapping_kinds.keys() {
        let chosen = definition
            .mappings
            .iter()
            .any(|each| each.name == *name && !each.kinds.is_empty());
        if !chosen {
            let message = "the destination has no mapping of this name with kinds to choose from";
            problems.add(pointer("/mapping_kinds", name), message);
        }
    }
    let mut fields = Vec::new();
    for mapping in &definition.mappings {
        let Some(source) = settings.mappings.get(&mapping.name) else {
            if mapping.required {
                let message = format!("{} is required: choose a property for it", mapping.name);
                problems.add(pointer(at, &mapping.name), message);
            }
            continue;
        };
        fields.extend(field_name(mapping, settings, problems).map(|name| Field {
            name,
            source: source.clone(),
            required: mapping.required,
        }));
    }
    fields
}

/// Under which name templates find what fills a mapping: its own, or the kind that was chosen.
fn field_name(mapping: &Mapping, settings: &Settings, problems: &mut Problems) -> Option<String> {
    if mapping.kinds.is_empty() {
        return Some(mapping.name.clone());
    }
    let at = pointer("/mapping_kinds", &mapping.name);
    let kinds = || mapping.kinds.iter().map(String::as_str);
    match settings.mapping_kinds.get(&mapping.name) {
        Some(chosen) if mapping.kinds.contains(chosen) => return Some(chosen.clone()),
        Some(chosen) => {
            let known: Vec<_> = kinds().collect();
            problems.add(at, unknown("kind", chosen, known, "the destination has"));
        }
        None => {
            let known = kinds().collect::<Vec<_>>().join(", ");
            let message = format!("choose what the value for {} is: {known}", mapping.name);
            problems.add(at, message);
        }
    }
    None
}
