//! The reference of all settings: the default file's words, and of what a setting may hold what the
//! program itself says when it refuses a value.

use std::collections::BTreeSet;
use std::fmt::Write;

use figment::Figment;
use figment::providers::Serialized;
use figment::value::Value;

use super::load::{Defaults, from_figment};
use super::problem::is_duration;
use super::{DEFAULTS, Files, OPTIONAL_KEYS, environment};

const WHOLE_NUMBER: &str = "a whole number";

/// The settings of one component, in the order of the default file.
#[derive(Debug, Default, PartialEq, Eq)]
struct Section {
    /// Empty for the settings that belong to no component.
    name: String,
    /// What the component is.
    text: String,
    settings: Vec<Setting>,
}

#[derive(Debug, PartialEq, Eq)]
struct Setting {
    /// The dotted path.
    key: String,
    /// As the default file writes it; none where there is no default.
    default: Option<String>,
    text: String,
}

/// The reference as a page in Markdown.
pub(crate) fn page() -> String {
    let (introduction, sections) = parse(DEFAULTS);
    let mut page = format!(
        "# Configuration\n\n\
         <!-- Printed by `millstream config docs`; the words are those of \
         crates/server/millstream.default.toml. -->\n\n{introduction}\n"
    );
    for section in &sections {
        let name = match section.name.as_str() {
            "" => "General",
            name => name,
        };
        // Writing to a string can't fail.
        let _ = write!(page, "\n## {name}\n\n");
        if !section.text.is_empty() {
            let _ = write!(page, "{}\n\n", section.text);
        }
        page += "| setting | default | allowed | what it is |\n| --- | --- | --- | --- |\n";
        for Setting { key, default, text } in &section.settings {
            let default = match default {
                Some(default) => format!("`{default}`"),
                None => "none".to_owned(),
            };
            let variable = environment::variable_name(key);
            let allowed = allowed(key);
            let row = [
                format!("`{key}`<br>`{variable}`"),
                default,
                allowed,
                text.clone(),
            ];
            let row = row.map(|cell| cell.replace('|', "\\|"));
            let _ = writeln!(page, "| {} |", row.join(" | "));
        }
    }
    page
}

/// The introduction and the sections of the default file.
///
/// A comment stands above what it is about: the first block about the file, one above a `[name]`
/// about the component, one above a setting about that. A setting without a default is a comment
/// itself, and so is a component of which there may be several.
fn parse(file: &str) -> (String, Vec<Section>) {
    let mut sections = vec![Section::default()];
    let mut introduction = None;
    let mut comment: Vec<&str> = Vec::new();
    for line in file.lines() {
        let optional = line
            .strip_prefix("# ")
            .and_then(|line| optional(&sections, line));
        let section = line.strip_prefix("# ").unwrap_or(line);
        let section = section.strip_prefix('[');
        if let Some(name) = section.and_then(|rest| rest.strip_suffix(']')) {
            sections.push(Section {
                name: name.to_owned(),
                text: std::mem::take(&mut comment).join(" "),
                settings: Vec::new(),
            });
        } else if let Some(key) = optional {
            add(&mut sections, key, None, &mut comment);
        } else if let Some(text) = line.strip_prefix('#') {
            comment.push(text.trim());
        } else if let Some((name, value)) = line.split_once(" = ") {
            let key = path(&sections, name);
            add(&mut sections, key, Some(value.to_owned()), &mut comment);
        } else if introduction.is_none() {
            introduction = Some(std::mem::take(&mut comment).join("\n"));
        }
    }
    (introduction.unwrap_or_default(), sections)
}

/// The key of a setting without a default, which stands in the file as a comment.
fn optional(sections: &[Section], line: &str) -> Option<String> {
    let key = path(sections, line.split_once(" = ")?.0);
    OPTIONAL_KEYS.contains(&key.as_str()).then_some(key)
}

fn path(sections: &[Section], name: &str) -> String {
    match sections.last() {
        Some(section) if !section.name.is_empty() => format!("{}.{name}", section.name),
        _ => name.to_owned(),
    }
}

fn add(sections: &mut [Section], key: String, default: Option<String>, comment: &mut Vec<&str>) {
    if let Some(section) = sections.last_mut() {
        section.settings.push(Setting {
            key,
            default,
            text: std::mem::take(comment).join(" "),
        });
    }
}

/// What a setting may hold: its type, and its range where it has one.
fn allowed(key: &str) -> String {
    let default = Figment::from(Defaults).find_value(key).ok();
    let mut ranges = ranges(key, default.as_ref());
    let kind = match &default {
        Some(Value::Bool(..)) => return "true or false".to_owned(),
        Some(Value::Array(..)) => return "a list of networks".to_owned(),
        Some(Value::Num(_, number)) if number.to_f64().is_some() => "a number",
        Some(Value::Num(..)) => WHOLE_NUMBER,
        Some(Value::String(_, text)) if is_duration(text) => "a time",
        _ if key.ends_with("dir") || key.ends_with("file") => "a path",
        _ => "a text",
    };
    match (kind, ranges.len()) {
        // What was wrong with the probe in particular stands in brackets.
        ("a text" | "a path", 1..) => {
            let range = ranges.swap_remove(0);
            range.split(" (").next().unwrap_or_default().to_owned()
        }
        (WHOLE_NUMBER, 0) => format!("{kind}, 0 or more"),
        (_, 0) => kind.to_owned(),
        _ => format!("{kind}, {}", ranges.join(", ")),
    }
}

/// What the program demands when it is given values beyond all reason.
fn ranges(key: &str, default: Option<&Value>) -> Vec<String> {
    let probes = match default {
        Some(Value::Num(_, number)) if number.to_f64().is_some() => {
            vec![Value::from(-1.0), Value::from(1e12)]
        }
        Some(Value::Num(..)) => vec![Value::from(0), Value::from(i64::MAX)],
        Some(Value::String(_, text)) if is_duration(text) => {
            vec![Value::from("0s"), Value::from("8000000h")]
        }
        _ => vec![Value::from("=")],
    };
    let complaint = |probe: Value| {
        let figment = Figment::from(Defaults).merge(Serialized::default(key, probe));
        let problems = from_figment(figment, Files::Unchecked).err()?.0;
        let problem = problems
            .into_iter()
            .find(|problem| problem.setting == key)?;
        Some(problem.message.strip_prefix("must be ")?.to_owned())
    };
    let found: BTreeSet<String> = probes.into_iter().filter_map(complaint).collect();
    // What the type alone can't hold says less than a range of the setting's own.
    let of_type = |found: &&String| found.starts_with(WHOLE_NUMBER);
    match found.iter().any(|one| !of_type(&one)) {
        true => found.iter().filter(|one| !of_type(one)).cloned().collect(),
        false => found.iter().map(|one| without_type(one)).collect(),
    }
}

/// `from 0 to 255` of "a whole number from 0 to 255".
fn without_type(range: &str) -> String {
    let range = range.strip_prefix(WHOLE_NUMBER).unwrap_or(range);
    range.trim_start_matches([',', ' ']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::load::known_keys;

    fn settings() -> Vec<Setting> {
        let (_, sections) = parse(DEFAULTS);
        sections
            .into_iter()
            .flat_map(|section| section.settings)
            .collect()
    }

    #[test]
    fn every_setting_is_described_by_a_comment_of_its_own() {
        let settings = settings();
        let keys: BTreeSet<_> = settings.iter().map(|setting| setting.key.clone()).collect();
        assert_eq!(keys, known_keys());
        for setting in settings {
            assert!(
                setting.text.ends_with('.'),
                "{} has no comment",
                setting.key
            );
        }
    }

    #[test]
    fn the_comment_of_a_number_or_a_time_with_a_range_says_it() {
        let bounded = |setting: &Setting| {
            let default = Figment::from(Defaults).find_value(&setting.key).ok();
            let counts = match &default {
                Some(Value::Num(..)) => true,
                Some(Value::String(_, text)) => is_duration(text),
                _ => false,
            };
            counts.then(|| ranges(&setting.key, default.as_ref()).join(", "))
        };
        for setting in settings() {
            let range = bounded(&setting).unwrap_or_default();
            let text = setting.text.to_lowercase();
            assert!(
                text.contains(&range.to_lowercase()),
                "the comment of {} doesn't say: {range}",
                setting.key
            );
        }
    }

    #[test]
    fn comments_belong_to_what_follows_them() {
        let file = "# The file.\n# All of it.\n\n# One.\none = 1\n\n# The client.\n[client]\n\
                    # Two,\n# long.\ntwo = \"a = b\"\n# Certificates.\n# ca_file = \"x\"\n\
                    # Several.\n# [access.openid.NAME]\n# A role.\n# role = \"viewer\"\n";
        let (introduction, sections) = parse(file);
        assert_eq!(introduction, "The file.\nAll of it.");
        let setting = |key: &str, default: Option<&str>, text: &str| Setting {
            key: key.to_owned(),
            default: default.map(str::to_owned),
            text: text.to_owned(),
        };
        assert_eq!(sections[0].settings, [setting("one", Some("1"), "One.")]);
        assert_eq!(sections[1].text, "The client.");
        assert_eq!(
            sections[1].settings,
            [
                setting("client.two", Some("\"a = b\""), "Two, long."),
                setting("client.ca_file", None, "Certificates."),
            ]
        );
        assert_eq!(sections[2].text, "Several.");
        let role = setting("access.openid.NAME.role", None, "A role.");
        assert_eq!(sections[2].settings, [role]);
    }

    #[test]
    fn what_a_setting_may_hold_is_what_the_program_demands() {
        for (key, expected) in [
            ("lanes.window", "a whole number, from 16 to 1000000"),
            ("client.http2", "true or false"),
            ("log.format", "\"text\" or \"json\""),
            ("shutdown.deadline", "a time, more than 0s"),
            ("log.filter", "a filter such as \"info,millstream=debug\""),
            ("data_dir", "a path"),
            ("egress.allow", "a list of networks"),
            ("journal.retention_bytes", "a whole number, 0 or more"),
            ("store.connections", "a whole number, 1 or more"),
        ] {
            assert_eq!(allowed(key), expected, "{key}");
        }
    }
}
