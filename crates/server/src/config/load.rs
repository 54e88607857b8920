//! Lays file and environment over the defaults, and says of each value where it came from.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use figment::providers::{Format, Serialized, Toml};
use figment::value::{Dict, Map, Value};
use figment::{Figment, Metadata, Profile, Provider, Source};
use model::setting::Invalid;

use super::problem::{Problem, Problems, expectation};
use super::{Config, DEFAULTS, OPTIONAL_KEYS, environment, is_of_key, is_secret, masking};

/// What is shown of a secret that can't be shown in part.
const HIDDEN: &str = "(set, hidden)";

/// Where a value came from that nobody set.
const DEFAULT_SOURCE: &str = "default";

/// The configuration in force and its sources.
pub(crate) struct Loaded {
    /// The settings.
    pub(crate) config: Config,
    figment: Figment,
}

/// A value in force.
#[derive(Debug, serde::Serialize)]
pub(crate) struct Setting {
    /// The dotted path.
    pub(crate) key: String,
    /// The value; of a secret only what may be shown.
    pub(crate) value: serde_json::Value,
    /// Where it came from.
    pub(crate) from: String,
}

impl Setting {
    /// Whether a file or a variable sets it.
    pub(crate) fn is_changed(&self) -> bool {
        self.from != DEFAULT_SOURCE
    }
}

/// The embedded default file as a source of values.
pub(super) struct Defaults;

impl Provider for Defaults {
    fn metadata(&self) -> Metadata {
        Metadata::named(DEFAULT_SOURCE)
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Toml::string(DEFAULTS).data()
    }
}

/// What is looked at beside the settings themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Files {
    /// The files that settings name, as the server needs them.
    Checked,
    /// Nothing: a client may lack the right to read what the server reads.
    Unchecked,
}

/// Reads the defaults, then `file`, then the environment. Fails with everything that is wrong.
pub(crate) fn load(file: Option<&Path>, files: Files) -> Result<Loaded, Problems> {
    let defaults = Figment::from(Defaults);
    let mut figment = defaults.clone();
    if let Some(path) = file {
        check_readable(path)?;
        figment = figment.merge(Toml::file_exact(path));
    }
    for variable in environment::variables(|setting| defaults.find_value(setting).ok()) {
        figment = figment.merge(variable);
    }
    from_figment(figment, files)
}

/// Refuses a file that can't be read or is no TOML. Says where, but quotes nothing: the line may hold a
/// secret.
fn check_readable(path: &Path) -> Result<(), Problems> {
    let refused = |message| {
        let source = Some(path.display().to_string());
        Problems(vec![Problem::of_source(source, message)])
    };
    let text = std::fs::read_to_string(path);
    let text = text.map_err(|error| refused(format!("can't be read: {error}")))?;
    let parsed = text.parse::<toml::Table>();
    parsed.map(drop).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start);
        let before = text.get(..start).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
        let message = error.message();
        refused(format!(
            "is no TOML at line {line}, column {column}: {message}"
        ))
    })
}

pub(super) fn from_figment(figment: Figment, files: Files) -> Result<Loaded, Problems> {
    let unreadable = |error: figment::Error| {
        let problem = |error: figment::Error| {
            let source = error.metadata.as_ref().map(describe);
            Problem::of_source(source, error.kind.to_string())
        };
        Problems(error.into_iter().map(problem).collect())
    };
    let values: Value = figment.extract().map_err(unreadable)?;
    let mut problems = Vec::new();
    let mut usable = Figment::from(Defaults);
    let known = known_keys();
    for (key, value) in leaves(&values) {
        let found = match known.iter().any(|one| is_of_key(&key, one)) {
            true => wrong_type(&figment, &key, &value),
            false => vec![unknown_key(&figment, &key, &known)],
        };
        if found.is_empty() {
            usable = usable.merge(Serialized::default(&key, value));
        }
        problems.extend(found);
    }
    // What has the right type is looked at even where another setting hasn't.
    let config: Config = usable.extract().map_err(unreadable)?;
    let located = |key: &str, message| {
        let value = figment.find_value(key).ok();
        Problem::with_value(key, value.as_ref(), source_of(&figment, key), message)
    };
    for Invalid { setting, allowed } in config.problems() {
        problems.push(located(&setting, format!("must be {allowed}")));
    }
    if files == Files::Checked {
        let unusable = config.unusable_files().into_iter();
        problems.extend(unusable.map(|(setting, message)| located(setting, message)));
    }
    match problems.is_empty() {
        true => Ok(Loaded { config, figment }),
        false => Err(Problems(problems)),
    }
}

/// Every setting there is.
pub(super) fn known_keys() -> BTreeSet<String> {
    // The default file is part of the program; a test parses it.
    let defaults = Figment::from(Defaults)
        .extract::<Value>()
        .map(|value| leaves(&value))
        .unwrap_or_default();
    let mut known: BTreeSet<String> = defaults.into_iter().map(|(key, _)| key).collect();
    known.extend(OPTIONAL_KEYS.iter().map(|&key| key.to_owned()));
    known
}

/// A key that the default file doesn't have, with the nearest one that it has.
fn unknown_key(figment: &Figment, key: &str, known: &BTreeSet<String>) -> Problem {
    let nearest = known
        .iter()
        .map(|candidate| (strsim::damerau_levenshtein(key, candidate), candidate))
        .min()
        .filter(|(distance, _)| *distance <= key.len() / 2);
    let advice = match nearest {
        Some((_, candidate)) => format!("did you mean `{candidate}`?"),
        None => "`millstream config show` lists all settings".to_owned(),
    };
    let message = format!("there is no such setting; {advice}");
    Problem::with_value(key, None, source_of(figment, key), message)
}

/// Tries a value alone, over the defaults; of a list, each of its items.
fn wrong_type(figment: &Figment, key: &str, value: &Value) -> Vec<Problem> {
    let defaults = Figment::from(Defaults);
    let default = defaults.find_value(key).ok();
    let parts = match (value, &default) {
        (Value::Array(tag, items), Some(Value::Array(..))) => {
            let single = |item: &Value| (item.clone(), Value::Array(*tag, vec![item.clone()]));
            items.iter().map(single).collect()
        }
        _ => vec![(value.clone(), value.clone())],
    };
    let mut found = Vec::new();
    for (shown, tried) in parts {
        let tried = defaults.clone().merge(Serialized::default(key, tried));
        if let Err(error) = tried.extract::<Config>() {
            let message = expectation(default.as_ref(), &error.kind);
            let source = source_of(figment, key);
            found.push(Problem::with_value(key, Some(&shown), source, message));
        }
    }
    found
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
    figment.find_metadata(key).map(describe)
}

/// A source in the user's terms: the file's path or the variable's name.
fn describe(metadata: &Metadata) -> String {
    match &metadata.source {
        Some(Source::File(path)) => PathBuf::from(path).display().to_string(),
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
            let secret = is_secret(&key);
            let plain = serde_json::to_value(&value).unwrap_or_default();
            let value = match plain.as_str() {
                _ if !secret => plain,
                Some("") => plain,
                Some(text) => masking::address(text)
                    .unwrap_or_else(|| HIDDEN.to_owned())
                    .into(),
                None => HIDDEN.into(),
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
    use crate::config::environment::Variable;

    fn load_text(text: &str) -> Result<Loaded, Problems> {
        let figment = Figment::from(Defaults).merge(Toml::string(text));
        from_figment(figment, Files::Checked)
    }

    fn problems(text: &str) -> Vec<String> {
        let Problems(problems) = load_text(text).err().expect("a refused configuration");
        problems.iter().map(ToString::to_string).collect()
    }

    /// What is wrong with one value, without its source.
    fn complaint(setting: &str, value: &str) -> String {
        let found = problems(&format!("{setting} = {value}"));
        assert_eq!(found.len(), 1, "{found:?}");
        let (_, complaint) = found[0].split_once(": ").expect("a source");
        complaint.to_owned()
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
    fn a_value_of_the_wrong_type_is_refused_with_what_is_allowed() {
        for (setting, value, expected) in [
            (
                "http.connection_limit",
                "\"many\"",
                "must be a whole number, 0 or more",
            ),
            ("tries.max", "300", "must be a whole number from 0 to 255"),
            ("client.http2", "\"on\"", "must be true or false"),
            ("tries.jitter", "\"a\"", "must be a number"),
            ("log.format", "\"xml\"", "must be \"text\" or \"json\""),
            (
                "shutdown.deadline",
                "\"20\"",
                "must be a time with its unit, such as \"5s\", \"250ms\" or \"1h 30m\"",
            ),
            (
                "listen",
                "\"nowhere\"",
                "must be an address and a port, such as \"127.0.0.1:8080\"",
            ),
            (
                "control.listen",
                "\"nowhere\"",
                "must be an address and a port, such as \"127.0.0.1:8081\", or empty",
            ),
        ] {
            assert_eq!(
                complaint(setting, value),
                format!("{setting} = {value}: {expected}")
            );
        }
    }

    #[test]
    fn of_a_list_the_wrong_items_are_named() {
        let found = problems("egress.allow = [\"10.0.0.0/8\", \"10.0.0.0/33\", \"here\"]");
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].contains("egress.allow = \"10.0.0.0/33\": must be a list of networks"));
        assert!(found[1].contains("egress.allow = \"here\": "));
    }

    #[test]
    fn a_mail_server_needs_a_sender_and_an_address_for_links_and_keeps_the_password_to_itself() {
        let complete = "control.public_url = \"https://millstream.example.com/\"\n\
                        mail.host = \"smtp.example.com\"\n\
                        mail.from = \"Mühle <millstream@example.com>\"\n\
                        mail.username = \"mill\"\nmail.password = \"hunter2\"\n";
        let loaded = load_text(complete).map_err(|problems| problems.to_string());
        let loaded = loaded.unwrap();
        let config = &loaded.config;
        assert_eq!(config.public_url(), "https://millstream.example.com");
        assert_eq!(config.public_host(), "millstream.example.com");
        let shown = serde_json::to_string(&loaded.settings()).unwrap() + &format!("{config:?}");
        assert!(!shown.contains("hunter2"), "{shown}");

        for (wrong, named) in [
            (
                "mail.security = \"none\"",
                "mail.security = \"none\": must be",
            ),
            (
                "mail.security = \"ssl\"",
                "must be \"starttls\" or \"tls\" or \"none\"",
            ),
            ("mail.ca_file = \"/no/ca.pem\"", "/no/ca.pem can't be read"),
            (
                "mail.jitter = 2.0",
                "mail.jitter = 2.0: must be from 0 to 1",
            ),
        ] {
            let found = problems(&format!("{complete}{wrong}"));
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].contains(named), "{found:?}");
        }
        let found = problems("mail.host = \"smtp.example.com\"");
        assert_eq!(found.len(), 2, "{found:?}");
        for value in ["ann", "a@b.example, c@d.example", "jörg@example.com"] {
            let from = complaint(
                "mail.from",
                &format!("{value:?}\n{}", complete.replace("mail.from", "#")),
            );
            assert!(from.contains("must be an address such as"), "{from}");
        }
        for value in [
            "millstream.example.com",
            "ftp://example.com",
            "https://example.com/?a",
            "https://",
        ] {
            let url = complaint("control.public_url", &format!("{value:?}"));
            assert!(url.contains("must be a URL without query"), "{url}");
        }
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        let found = problems(
            "listne = 1\nlisten = 5\n[lanes]\nwindow = 0\nconcurrency = 0\n[client]\nca_file = \"/no/ca.pem\"\n\
             [retry]\nattempts = 0\nfirst_delay = \"soon\"\n[store]\ndatabase = \"oracle:\"\n",
        );
        let named = |setting: &str| found.iter().any(|problem| problem.contains(setting));
        for setting in [
            "listne: there is no such setting",
            "listen = 5: must be an address",
            "lanes.window = 0: must be from 16 to 1000000",
            "lanes.concurrency = 0: must be at least 1",
            "client.ca_file = \"/no/ca.pem\": ",
            "retry.attempts = 0: must be from 1 to 20",
            "retry.first_delay = \"soon\": must be a time",
            "store.database: must be `sqlite:`",
        ] {
            assert!(named(setting), "{setting} is missing in {found:#?}");
        }
        assert_eq!(found.len(), 8, "{found:#?}");
    }

    #[test]
    fn files_are_looked_at_only_where_they_are_needed() {
        let empty = tempfile::NamedTempFile::new().unwrap();
        let text = format!("client.ca_file = {:?}", empty.path());
        assert!(problems(&text)[0].contains("has no certificate"));
        let figment = Figment::from(Defaults).merge(Toml::string(&text));
        assert!(from_figment(figment, Files::Unchecked).is_ok());
    }

    #[test]
    fn a_variable_is_read_as_what_its_setting_is() {
        let loaded = |setting: &str, text: &str| {
            let defaults = Figment::from(Defaults);
            let variable = Variable::new(setting, text, defaults.find_value(setting).ok());
            let config = from_figment(defaults.merge(variable), Files::Unchecked);
            config
                .map(|loaded| loaded.config)
                .map_err(|p| p.to_string())
        };
        let networks = ["127.0.0.0/8", "10.0.0.0/8"].map(|text| text.parse().unwrap());
        for text in [
            "127.0.0.0/8,10.0.0.0/8",
            " 127.0.0.0/8 , 10.0.0.0/8,",
            r#"["127.0.0.0/8", "10.0.0.0/8"]"#,
        ] {
            let config = loaded("egress.allow", text).unwrap();
            assert_eq!(config.egress.allow, networks, "{text}");
        }
        for text in ["", "[]"] {
            let config = loaded("ingest.trusted_proxies", text).unwrap();
            assert!(config.ingest.trusted_proxies.is_empty(), "{text:?}");
        }
        let folder = loaded("data_dir", "2024").unwrap().data_dir;
        assert_eq!(folder, Path::new("2024"));
        assert!(!loaded("client.http2", "false").unwrap().client.http2);
        let refused = loaded("egress.allow", "10.0.0.0/8,10.0.0.0/33").unwrap_err();
        assert!(
            refused.contains("MILLSTREAM_EGRESS__ALLOW: egress.allow = \"10.0.0.0/33\""),
            "{refused}"
        );
    }

    #[test]
    fn a_file_that_is_no_toml_is_not_quoted() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("millstream.toml");
        std::fs::write(&file, "[mail]\npassword = \"hunter2\nhost = \"x\"\n").unwrap();
        let Err(Problems(problems)) = load(Some(&file), Files::Unchecked) else {
            panic!("it was read");
        };
        let said = format!("{problems:?}");
        assert!(
            said.contains("line 2, column 20") && !said.contains("hunter2"),
            "{said}"
        );
    }

    #[test]
    fn a_secret_is_neither_shown_nor_quoted_in_errors() {
        let address = "sqlite:control.db?password=hunter2";
        let loaded = load_text(&format!("[store]\ndatabase = {address:?}\n"))
            .ok()
            .unwrap();
        let shown = serde_json::to_string(&loaded.settings()).unwrap();
        assert!(shown.contains("sqlite:control.db?password=***") && !shown.contains("hunter2"));
        assert!(!format!("{:?}", loaded.config).contains("hunter2"));
        for value in ["987654321", "\"oracle:987654321\""] {
            let found = problems(&format!("store.database = {value}"));
            assert!(!found[0].contains("987654321"), "{found:?}");
        }
    }
}
