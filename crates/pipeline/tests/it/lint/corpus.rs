//! Reading the corpus: templates with what is expected of them.
//!
//! A file has a line about it, then samples: `=== name`, lines of `where:` (a JSON pointer, the
//! event's body unless given), `definition:` (changes of the definition), `sample:` (an event) and
//! `expect:` (`code at SNIPPET`, with ` #2` for its second place; without a snippet the whole), then
//! `---` and the template up to the next sample.

use model::Event;
use model::definition::Definition;
use serde_json::{Value, json};

use crate::support;

/// What stands for the template in the changes of a definition.
const TEMPLATE: &str = "TEMPLATE";

pub(crate) struct Sample {
    pub(crate) name: String,
    pub(crate) template: String,
    pub(crate) definition: Definition,
    pub(crate) events: Vec<Event>,
    /// Code, line and column, sorted.
    pub(crate) expected: Vec<(String, u32, u32)>,
    changes: Value,
    place: String,
}

impl Sample {
    /// The definition with another template in the place of the sample's.
    pub(crate) fn with_template(&self, template: &str) -> Definition {
        definition(&self.changes, &self.place, template)
    }
}

pub(crate) fn read(file: &str) -> Vec<Sample> {
    let samples = file.split("=== ").skip(1);
    samples.map(read_sample).collect()
}

fn read_sample(text: &str) -> Sample {
    let (head, template) = text.split_once("\n---\n").unwrap();
    let template = template.trim_end_matches('\n').to_owned();
    let mut lines = head.lines();
    let name = lines.next().unwrap().to_owned();
    let mut place = "/events/body".to_owned();
    let (mut changes, mut events, mut expected) = (json!({}), Vec::new(), Vec::new());
    for line in lines {
        let (key, value) = line.split_once(": ").unwrap();
        match key {
            "where" => value.clone_into(&mut place),
            "definition" => changes = serde_json::from_str(value).unwrap(),
            "sample" => events.push(support::event(&serde_json::from_str(value).unwrap())),
            "expect" => expected.push(expectation(value, &template)),
            other => panic!("{name}: what is {other}?"),
        }
    }
    expected.sort();
    Sample {
        definition: definition(&changes, &place, &template),
        name,
        template,
        events,
        expected,
        changes,
        place,
    }
}

fn expectation(text: &str, template: &str) -> (String, u32, u32) {
    let Some((code, snippet)) = text.split_once(" at ") else {
        return (text.to_owned(), 1, 1);
    };
    let (snippet, count) = match snippet.split_once(" #") {
        Some((snippet, count)) => (snippet, count.parse().unwrap()),
        None => (snippet, 1),
    };
    let found = template.match_indices(snippet).nth(count - 1);
    let (offset, _) = found.unwrap_or_else(|| panic!("{snippet} is not in {template}"));
    let (line, column) = position(&template[..offset]);
    (code.to_owned(), line, column)
}

/// Line and column behind `before`: UTF-16 units, tabs to the next multiple of 8.
fn position(before: &str) -> (u32, u32) {
    let line = before.matches('\n').count() as u32 + 1;
    let last = before.rsplit('\n').next().unwrap();
    let column = last.chars().fold(0, |column, c| match c {
        '\t' => column + 8 - column % 8,
        c => column + c.len_utf16() as u32,
    });
    (line, column + 1)
}

fn definition(changes: &Value, place: &str, template: &str) -> Definition {
    let headers = json!([{"name": "X-Test", "value": "x"}]);
    let mut all = json!({
        "parameters": [
            {"name": "api_key", "display_name": "Key", "kind": "secret", "required": true},
            {"name": "app_id", "display_name": "App", "required": true},
            {"name": "region", "display_name": "Region", "kind": "select", "required": true,
             "options": [{"value": "us", "label": "US"}, {"value": "eu", "label": "EU"}]},
            {"name": "note", "display_name": "Note"},
            {"name": "debug", "display_name": "Debug", "kind": "checkbox"},
            {"name": "limit", "display_name": "Limit", "required": true, "pattern": "[1-9][0-9]*"},
            {"name": "endpoint", "display_name": "Endpoint", "kind": "url", "required": true},
        ],
        "mappings": [{"name": "external_id", "required": true}, {"name": "email"}],
        "events": {"url": support::URL, "headers": headers},
        "users": {"url": support::URL, "headers": headers},
    });
    for (name, value) in changes.as_object().unwrap() {
        all[name] = value.clone();
    }
    if all["events"]["body"] == TEMPLATE {
        all["events"]["body"] = template.into();
    } else {
        let (section, rest) = place[1..].split_once('/').unwrap();
        match rest {
            "headers/0/value" => all[section]["headers"][0]["value"] = template.into(),
            "headers/0/name" => all[section]["headers"][0]["name"] = template.into(),
            field => match field.strip_prefix("follow_up/") {
                Some(field) => {
                    all[section]["follow_up"] = json!({"url": support::URL});
                    all[section]["follow_up"][field] = template.into();
                }
                None => all[section][field] = template.into(),
            },
        }
    }
    support::definition(all)
}
