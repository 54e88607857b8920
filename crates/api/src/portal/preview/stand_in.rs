//! Values for what users have to fill in, so that there is something to see before anybody has.

use model::definition::{Definition, Mapping, Parameter, ParameterKind};
use model::filter::Property;
use model::sync::Settings;

use crate::portal::problem::pointer;

/// Fills in what is required and missing: says where, as JSON pointers into the settings.
pub(in crate::portal) fn fill(definition: &mut Definition, settings: &mut Settings) -> Vec<String> {
    let mut filled = Vec::new();
    for parameter in &mut definition.parameters {
        let given = settings.parameters.get(&parameter.name);
        let is_given = given.is_some_and(|value| !value.trim().is_empty());
        if is_given || !parameter.required || parameter.default.is_some() {
            continue;
        }
        settings
            .parameters
            .insert(parameter.name.clone(), value(parameter));
        filled.push(pointer("/parameters", &parameter.name));
        // Nobody knows a value that matches.
        parameter.pattern = None;
    }
    for mapping in &definition.mappings {
        let chosen = settings.mappings.contains_key(&mapping.name);
        if mapping.required && !chosen {
            settings
                .mappings
                .insert(mapping.name.clone(), property(mapping));
            filled.push(pointer("/mappings", &mapping.name));
        }
        let needs_kind = settings.mappings.contains_key(&mapping.name)
            && !settings.mapping_kinds.contains_key(&mapping.name);
        if let (true, Some(kind)) = (needs_kind, mapping.kinds.first()) {
            settings
                .mapping_kinds
                .insert(mapping.name.clone(), kind.clone());
            filled.push(pointer("/mapping_kinds", &mapping.name));
        }
    }
    filled
}

fn value(parameter: &Parameter) -> String {
    let first = parameter.options.first();
    match parameter.kind {
        ParameterKind::Select => first.map(|choice| choice.value.clone()).unwrap_or_default(),
        ParameterKind::Checkbox => "false".into(),
        ParameterKind::Url => "https://example.com".into(),
        // A webhook's address.
        ParameterKind::Text if parameter.name == super::super::draft::URL => {
            "https://example.com".into()
        }
        ParameterKind::Text | ParameterKind::Secret => parameter.name.clone(),
    }
}

fn property(mapping: &Mapping) -> Property {
    let user_id = || Property::Field {
        name: "user_id".into(),
    };
    mapping.suggested.clone().unwrap_or_else(user_id)
}
