//! What the user chose to send along, checked against what the definition asks for: mappings and
//! selected properties.

use bumpalo::Bump;
use ftl::View;
use model::definition::{Definition, Mapping};
use model::filter::Property;
use model::json::{Object, Value};
use model::outcome::Discarded;
use model::sync::Settings;

use crate::problem::{Problems, pointer};
use crate::property;
use crate::template::unknown;
use crate::views::{Members, view};

/// How many properties a sync may select.
const MAX_PROPERTIES: usize = 1000;

/// Which properties of an event go along, and under which names.
#[derive(Debug)]
pub(crate) struct Mapped {
    fields: Vec<Field>,
    properties: Vec<Property>,
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
            properties: settings.properties.clone(),
            typed: settings
                .typed_properties
                .unwrap_or(definition.typed_properties),
        }
    }

    /// Refuses an event that lacks what a required mapping names. An empty text identifies nobody:
    /// it is no value.
    pub(crate) fn check_required(&self, event: &Object<'_>) -> Result<(), Discarded> {
        let lacks_value = |field: &&Field| {
            let value = property::find(&field.source, event);
            value.is_none_or(|value| value.as_str().is_some_and(str::is_empty))
        };
        match self
            .fields
            .iter()
            .filter(|field| field.required)
            .find(lacks_value)
        {
            Some(field) => Err(Discarded::MissingMapping {
                field: field.name.clone(),
            }),
            None => Ok(()),
        }
    }

    /// `mappedFields` for `event`.
    pub(crate) fn fields<'a>(&'a self, event: &'a Object<'a>, arena: &'a Bump) -> Members<'a> {
        let each = self.fields.iter();
        Members(
            each.filter_map(|field| {
                Some((
                    field.name.as_str(),
                    self.value(&field.source, event, arena)?,
                ))
            })
            .collect(),
        )
    }

    /// `mappedProperties` for `event`. Of properties with one name in several scopes the first that
    /// has a value goes along.
    pub(crate) fn properties<'a>(&'a self, event: &'a Object<'a>, arena: &'a Bump) -> Members<'a> {
        let mut members: Vec<(&str, View<'_>)> = Vec::with_capacity(self.properties.len());
        for property in &self.properties {
            if members.iter().any(|(name, _)| *name == property.name()) {
                continue;
            }
            if let Some(value) = self.value(property, event, arena) {
                members.push((property.name(), value));
            }
        }
        Members(members)
    }

    fn value<'a>(
        &self,
        property: &Property,
        event: &'a Object<'a>,
        arena: &'a Bump,
    ) -> Option<View<'a>> {
        let value = property::find(property, event)?;
        Some(if self.typed {
            view(value, arena)
        } else {
            View::Str(text(value, arena))
        })
    }
}

/// The value as text: lists and objects as JSON.
fn text<'a>(value: &'a Value<'a>, arena: &'a Bump) -> &'a str {
    property::scalar_text(value).unwrap_or_else(|| arena.alloc_str(&value.to_json()))
}

fn check_properties(definition: &Definition, settings: &Settings, problems: &mut Problems) {
    let at = "/properties";
    if settings.properties.len() > MAX_PROPERTIES {
        problems.add(
            at,
            format!("at most {MAX_PROPERTIES} properties can be selected"),
        );
    }
    for (position, property) in settings.properties.iter().enumerate().take(MAX_PROPERTIES) {
        if property.name().is_empty() {
            problems.add(pointer(at, position), "choose a property");
        }
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
