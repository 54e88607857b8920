//! Names of headers that parameters make: whatever can be filled in must make one, or be the fault of
//! what was filled in.

use std::collections::BTreeMap;

use ftl::Template;
use model::definition::{Parameter, ParameterKind};

use super::usable;
use crate::parameters::{Value, check_value};
use crate::problem::Problems;
use crate::template::of_parameters;

/// What somebody may fill in where anything can be.
const FILLED_IN: [&str; 5] = ["X-Plain", "plain", "12345", "ABC", "us-east-1"];

/// Renders the name with what its parameters can be as far as the definition says: defaults, options,
/// both states of checkboxes, and nothing at all where that is allowed.
pub(super) fn check(name: &Template, parameters: &[&Parameter], at: &str, problems: &mut Problems) {
    // Of a pattern nobody knows a match.
    let Some(usual) = usual(parameters) else {
        return;
    };
    if let Err(message) = made(name, &usual) {
        problems.add(at, message);
        return;
    }
    for parameter in parameters {
        for value in possible(parameter) {
            let mut values = usual.clone();
            let what = match &value {
                None => format!(
                    "{} may be left empty: make it required, or give it a default",
                    parameter.name
                ),
                Some(Value::Text(text)) => format!("{} may be {text:?}", parameter.name),
                Some(Value::Flag(flag)) => format!("{} may be {flag}", parameter.name),
            };
            match value {
                None => values.remove(&parameter.name),
                Some(value) => values.insert(parameter.name.clone(), value),
            };
            if let Err(message) = made(name, &values) {
                problems.add(at, format!("{what} ({message})"));
                return;
            }
        }
    }
}

/// Whether a name comes out with what somebody may fill in: then what it comes to with other values is
/// for these to mend.
pub(super) fn works(name: &Template, parameters: &[&Parameter]) -> bool {
    usual(parameters).is_none_or(|usual| made(name, &usual).is_ok())
}

fn usual(parameters: &[&Parameter]) -> Option<BTreeMap<String, Value>> {
    let first = |parameter: &&Parameter| {
        let value = possible(parameter).into_iter().flatten().next()?;
        Some((parameter.name.clone(), value))
    };
    parameters.iter().map(first).collect()
}

/// What a parameter can be: `None` stands for no value.
fn possible(parameter: &Parameter) -> Vec<Option<Value>> {
    if parameter.kind == ParameterKind::Checkbox {
        return vec![Some(Value::Flag(false)), Some(Value::Flag(true))];
    }
    let default = parameter.default.as_deref().filter(|text| !text.is_empty());
    let options = parameter.options.iter().map(|option| option.value.as_str());
    let mut texts: Vec<&str> = default.into_iter().chain(options).collect();
    if texts.is_empty() {
        let mut usual = FILLED_IN.into_iter().chain(["https://example.com"]);
        texts.extend(usual.find(|text| check_value(parameter, text).is_ok()));
    }
    let mut all: Vec<Option<Value>> = texts
        .into_iter()
        .map(|text| Some(Value::Text(text.to_owned())))
        .collect();
    if !parameter.required && default.is_none() {
        all.push(None);
    }
    all
}

/// Whether the name that comes out is one.
fn made(name: &Template, values: &BTreeMap<String, Value>) -> Result<(), String> {
    match of_parameters(name, values) {
        Ok(text) => usable(&text).map(drop),
        Err(error) => Err(error.message().lines().collect::<Vec<_>>().join(" ")),
    }
}
