//! Lays file and environment over the defaults, and says of each value where it came from.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

use figment::providers::{Env, Format, Toml};
use figment::value::{Dict, Map, Value};
use figment::{Figment, Metadata, Profile, Provider, Source};

use super::{Config, DEFAULTS, OPTIONAL_KEYS, SECRET_KEYS};

/// What the environment's names start with; levels are divided by `__`.
const ENVIRONMENT_PREFIX: &str = "MILLSTREAM_";

/// Variables of that prefix which are no settings: they speak to the command line, the tests and the
/// scripts.
const NOT_SETTINGS: &[&str] = &["URL", "TOKEN", "API_KEY", "CONFIG", "BIN", "NO_NEXTEST"];

/// What further variables of that kind start with.
const NOT_SETTINGS_PREFIX: &str = "TEST_";

/// The configuration in force and its sources.
pub(crate) struct Loaded {
    /// The settings.
    pub(crate) config: Config,
    figment: Figment,
}

/// One thing that is wrong with the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// The setting's dotted path; empty when no setting is to blame.
    pub(crate) key: String,
    /// What is wrong, and what to do.
    pub(crate) message: String,
    /// The file or variable that said it.
    pub(crate) source: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(source) = &self.source {
            write!(f, "{source}: ")?;
        }
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.message)
    }
}

/// Everything that is wrong with the configuration.
#[derive(Debug, thiserror::Error)]
#[error("the configuration can't be used:\n{}", .0.iter().map(|p| format!("  {p}")).collect::<Vec<_>>().join("\n"))]
pub(crate) struct Problems(pub(crate) Vec<Problem>);

/// A value in force.
#[derive(Debug, serde::Serialize)]
pub(crate) struct Setting {
    /// The dotted path.
    pub(crate) key: String,
    /// The value; of a secret only whether it is set.
    pub(crate) value: serde_json::Value,
    /// Where it came from.
    pub(crate) from: String,
}

/// The embedded default file as a source of values.
struct Defaults;

impl Provider for Defaults {
    fn metadata(&self) -> Metadata {
        Metadata::named("default")
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Toml::string(DEFAULTS).data()
    }
}

/// Reads the defaults, then `file`, then the environment.
pub(crate) fn load(file: Option<&Path>) -> Result<Loaded, Problems> {
    let mut figment = Figment::from(Defaults);
    if let Some(path) = file {
        check_readable(path)?;
        figment = figment.merge(Toml::file_exact(path));
    }
    let environment = Env::prefixed(ENVIRONMENT_PREFIX)
        .ignore(NOT_SETTINGS)
        .filter(|name| {
            !name
                .as_str()
                .to_uppercase()
                .starts_with(NOT_SETTINGS_PREFIX)
        })
        .split("__");
    from_figment(figment.merge(environment))
}

fn check_readable(path: &Path) -> Result<(), Problems> {
    match std::fs::File::open(path) {
        Ok(_) => Ok(()),
        Err(error) => Err(Problems(vec![Problem {
            key: String::new(),
            message: format!("can't be read: {error}"),
            source: Some(path.display().to_string()),
        }])),
    }
}

fn from_figment(figment: Figment) -> Result<Loaded, Problems> {
    let values: Value = figment
        .extract()
        .map_err(|error| problems_of(&figment, error))?;
    let unknown = unknown_keys(&figment, &values);
    if !unknown.is_empty() {
        return Err(Problems(unknown));
    }
    let config: Config = figment
        .extract()
        .map_err(|error| problems_of(&figment, error))?;
    let contradictions = config.contradictions();
    if !contradictions.is_empty() {
        let located = contradictions.into_iter().map(|(key, message)| Problem {
            source: source_of(&figment, key),
            key: key.to_owned(),
            message,
        });
        return Err(Problems(located.collect()));
    }
    Ok(Loaded { config, figment })
}

fn problems_of(figment: &Figment, error: figment::Error) -> Problems {
    let problem = |error: figment::Error| {
        let key = error.path.join(".");
        let source = match &error.metadata {
            Some(metadata) => Some(describe(metadata, &key)),
            None => source_of(figment, &key),
        };
        // The kind of error quotes the value.
        let secret = SECRET_KEYS.contains(&key.as_str());
        let message = if secret {
            "expected a text".to_owned()
        } else {
            error.kind.to_string()
        };
        Problem {
            key,
            message,
            source,
        }
    };
    Problems(error.into_iter().map(problem).collect())
}

/// Keys that the default file doesn't have, with the nearest one that it has.
fn unknown_keys(figment: &Figment, values: &Value) -> Vec<Problem> {
    // The default file is part of the program; a test parses it.
    let defaults = Figment::from(Defaults)
        .extract::<Value>()
        .map(|value| leaves(&value))
        .unwrap_or_default();
    let mut known: BTreeSet<String> = defaults.into_iter().map(|(key, _)| key).collect();
    known.extend(OPTIONAL_KEYS.iter().map(|&key| key.to_owned()));
    let unknown = leaves(values)
        .into_iter()
        .filter(|(key, _)| !known.contains(key));
    let problem = |(key, _): (String, Value)| {
        let nearest = known
            .iter()
            .map(|candidate| (strsim::damerau_levenshtein(&key, candidate), candidate))
            .min()
            .filter(|(distance, _)| *distance <= key.len() / 2);
        let advice = match nearest {
            Some((_, candidate)) => format!("did you mean `{candidate}`?"),
            None => "`millstream config show` lists all settings".to_owned(),
        };
        Problem {
            message: format!("there is no such setting; {advice}"),
            source: source_of(figment, &key),
            key,
        }
    };
    unknown.map(problem).collect()
}

/// The values that aren't tables, with their dotted paths.
fn leaves(value: &Value) -> Vec<(String, Value)> {
    fn walk(value: &Value, path: &str, out: &mut Vec<(String, Value)>) {
        match value {
            Value::Dict(_, members) => {
                for (name, member) in members {
                    let dot = if path.is_empty() { "" } else { "." };
                    walk(member, &format!("{path}{dot}{name}"), out);
                }
            }
            other => out.push((path.to_owned(), other.clone())),
        }
    }
    let mut out = Vec::new();
    walk(value, "", &mut out);
    out
}

fn source_of(figment: &Figment, key: &str) -> Option<String> {
    figment
        .find_metadata(key)
        .map(|metadata| describe(metadata, key))
}

/// A source in the user's terms: the file's path or the variable's name.
fn describe(metadata: &Metadata, key: &str) -> String {
    match &metadata.source {
        Some(Source::File(path)) => PathBuf::from(path).display().to_string(),
        _ if metadata.name.contains("environment") => {
            format!(
                "{ENVIRONMENT_PREFIX}{}",
                key.to_uppercase().replace('.', "__")
            )
        }
        _ => metadata.name.to_string(),
    }
}

impl Loaded {
    /// Every value in force, in the order of its path, secrets masked.
    pub(crate) fn settings(&self) -> Vec<Setting> {
        // It has been extracted before.
        let values = self
            .figment
            .extract::<Value>()
            .map(|value| leaves(&value))
            .unwrap_or_default();
        let setting = |(key, value): (String, Value)| {
            let secret = SECRET_KEYS.contains(&key.as_str());
            let plain = serde_json::to_value(&value).unwrap_or_default();
            let value = match plain.as_str() {
                _ if !secret => plain,
                Some("") => plain,
                _ => "(set, hidden)".into(),
            };
            Setting {
                value,
                from: source_of(&self.figment, &key).unwrap_or_default(),
                key,
            }
        };
        values.into_iter().map(setting).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load_text(text: &str) -> Result<Loaded, Problems> {
        from_figment(Figment::from(Defaults).merge(Toml::string(text)))
    }

    fn problems(text: &str) -> Vec<String> {
        let Problems(problems) = load_text(text).err().expect("a refused configuration");
        problems.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_default_file_is_a_whole_configuration() {
        let loaded = load_text("").map_err(|problems| problems.to_string());
        let settings = loaded.unwrap().settings();
        assert!(settings.len() > 20);
        assert!(settings.iter().all(|setting| setting.from == "default"));
    }

    #[test]
    fn every_misspelt_key_is_refused_with_the_nearest_one() {
        let found = problems("data_dri = \"x\"\n[http]\nconection_limit = 5\n");
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].contains("data_dri") && found[0].contains("did you mean `data_dir`?"));
        assert!(found[1].contains("did you mean `http.connection_limit`?"));
    }

    #[test]
    fn a_value_of_the_wrong_type_is_refused_by_name() {
        let found = problems("[http]\nconnection_limit = \"many\"\n");
        assert!(
            found[0].contains("http.connection_limit") && found[0].contains("many"),
            "{found:?}"
        );
    }

    #[test]
    fn a_secret_is_neither_shown_nor_quoted_in_errors() {
        let loaded = load_text("[store]\ndatabase = \"sqlite:hunter2\"\n")
            .ok()
            .unwrap();
        let shown = serde_json::to_string(&loaded.settings()).unwrap();
        assert!(shown.contains("(set, hidden)") && !shown.contains("hunter2"));
        assert!(!format!("{:?}", loaded.config).contains("hunter2"));
        let found = problems("[store]\ndatabase = 987654321\n");
        assert!(!found[0].contains("987654321"), "{found:?}");
    }
}
