//! What the user filled in for the definition's parameters.

use std::collections::BTreeMap;

use ftl::{Data, View};
use model::definition::{Definition, Parameter, ParameterKind};
use model::sync::Settings;
use regex::Regex;

use crate::problem::{Problems, pointer};
use crate::template::unknown;
use crate::url;

/// What secrets are replaced by in messages.
const REDACTED: &str = "[secret]";

/// What a compiled pattern may use up; a longer one is refused.
const PATTERN_BYTES: usize = 1 << 20;

/// A parameter as templates see it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Text(String),
    /// Of a checkbox.
    Flag(bool),
}

impl Data for Value {
    fn view(&self) -> View<'_> {
        match self {
            Self::Text(text) => View::Str(text),
            Self::Flag(flag) => View::Bool(*flag),
        }
    }
}

/// The values of the definition's parameters. Some are secret: not shown by `Debug`.
pub(crate) struct Parameters {
    values: BTreeMap<String, Value>,
    /// Required ones without a value, and addresses that are none: reported already.
    missing: Vec<String>,
    /// Values that no message may show.
    secrets: Vec<String>,
}

impl Parameters {
    /// No values: to look at templates without rendering them.
    pub(crate) fn none() -> Self {
        Self {
            values: BTreeMap::new(),
            missing: Vec::new(),
            secrets: Vec::new(),
        }
    }

    pub(crate) fn compile(
        definition: &Definition,
        settings: &Settings,
        problems: &mut Problems,
    ) -> Self {
        let at = "/parameters";
        let declared = || {
            let all = definition.parameters.iter();
            all.map(|parameter| parameter.name.as_str())
        };
        for name in settings.parameters.keys() {
            if !declared().any(|known| known == name) {
                let known: Vec<_> = declared().collect();
                problems.add(
                    pointer(at, name),
                    unknown("parameter", name, known, "the destination has"),
                );
            }
        }
        let mut compiled = Self::none();
        for parameter in &definition.parameters {
            let given = settings.parameters.get(&parameter.name);
            compiled.fill(parameter, given, problems);
        }
        compiled
    }

    fn fill(&mut self, parameter: &Parameter, given: Option<&String>, problems: &mut Problems) {
        let at = pointer("/parameters", &parameter.name);
        let given = given.filter(|value| !value.trim().is_empty());
        let Some(text) = given.or(parameter.default.as_ref()) else {
            if parameter.kind == ParameterKind::Checkbox {
                let value = Value::Flag(false);
                self.values.insert(parameter.name.clone(), value);
            } else if parameter.required {
                self.missing.push(parameter.name.clone());
                let message = format!("{} is required: fill it in", parameter.display_name);
                problems.add(at, message);
            }
            return;
        };
        if let Err(message) = check_value(parameter, text) {
            problems.add(at, message);
            // What it makes of a URL is not to be reported once more.
            if parameter.kind == ParameterKind::Url {
                self.missing.push(parameter.name.clone());
            }
        }
        if parameter.is_secret() {
            self.secrets.push(text.clone());
        }
        let value = match parameter.kind {
            ParameterKind::Checkbox => Value::Flag(text == "true"),
            _ => Value::Text(text.clone()),
        };
        self.values.insert(parameter.name.clone(), value);
    }

    /// The values, by name.
    pub(crate) fn values(&self) -> &BTreeMap<String, Value> {
        &self.values
    }

    /// Whether this is a required parameter that was not filled in, or an address that is none.
    pub(crate) fn is_missing(&self, name: &str) -> bool {
        self.missing.iter().any(|missing| missing == name)
    }

    /// `text` without the secrets that it quotes.
    pub(crate) fn redact(&self, text: &str) -> String {
        let secrets = self.secrets.iter().filter(|secret| !secret.is_empty());
        secrets.fold(text.to_owned(), |text, secret| {
            text.replace(secret.as_str(), REDACTED)
        })
    }
}

impl std::fmt::Debug for Parameters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.values.keys()).finish()
    }
}

/// Says why a value can't be one of the parameter's. Never quotes it: it may be a secret.
pub(crate) fn check_value(parameter: &Parameter, value: &str) -> Result<(), String> {
    match parameter.kind {
        ParameterKind::Checkbox if !matches!(value, "true" | "false") => {
            return Err("expected true or false".into());
        }
        ParameterKind::Select if !parameter.options.iter().any(|each| each.value == value) => {
            let options = parameter.options.iter().take(20);
            let options: Vec<_> = options.map(|each| each.value.as_str()).collect();
            return Err(format!("not one of the options: {}", options.join(", ")));
        }
        ParameterKind::Url => {
            url::parse(value.as_bytes()).map_err(|reason| format!("not a usable URL: {reason}"))?;
        }
        _ => {}
    }
    let Some(pattern) = &parameter.pattern else {
        return Ok(());
    };
    // One that doesn't compile is reported with the definition.
    match compile_pattern(pattern) {
        Ok(pattern) if !pattern.is_match(value) => {
            let hint = match parameter.help.as_str() {
                "" => String::new(),
                help => format!(" ({help})"),
            };
            let name = &parameter.display_name;
            Err(format!("not in the form that {name} must have{hint}"))
        }
        _ => Ok(()),
    }
}

/// A pattern of a parameter, which a whole value must match.
pub(crate) fn compile_pattern(pattern: &str) -> Result<Regex, regex::Error> {
    regex::RegexBuilder::new(&format!("^(?:{pattern})$"))
        .size_limit(PATTERN_BYTES)
        .build()
}
