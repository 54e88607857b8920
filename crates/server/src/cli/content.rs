//! What a version of a destination says, for who reads it in a terminal.

use serde_json::Value;

use super::output::{self, text};

/// Prints fields, templates, headers and bodies of a version, whole: a reviewer decides by them.
pub(super) fn print(content: &Value) {
    print_section("Parameters:", &content["parameters"], parameter);
    print_section("Mappings:", &content["mappings"], mapping);
    for (title, part) in [("Events:", "events"), ("Users:", "users")] {
        if !content[part].is_null() {
            output::print(title);
            print_payload(&content[part]);
        }
    }
}

/// Prints what reviewers said of single fields, one a line and each further line below it.
pub(super) fn print_comments(comments: &Value) {
    for said in items(comments) {
        let comment = text(&said["comment"]).replace('\n', "\n    ");
        output::print(&format!("  {}: {comment}", text(&said["pointer"])));
    }
}

fn print_section(title: &str, fields: &Value, line: fn(&Value) -> String) {
    if items(fields).next().is_some() {
        output::print(title);
        items(fields).for_each(|field| output::print(&format!("  {}", line(field))));
    }
}

/// `key: secret, required (REST API Key)`
fn parameter(field: &Value) -> String {
    let mut facts = vec![text(&field["kind"])];
    facts.extend(is_required(field));
    for (name, words) in [("default", "by default"), ("pattern", "of the form")] {
        if let Some(value) = field[name].as_str() {
            facts.push(format!("{words} {value}"));
        }
    }
    let options = items(&field["options"]).map(|option| text(&option["value"]));
    let options: Vec<_> = options.collect();
    if !options.is_empty() {
        facts.push(format!("one of {}", options.join(", ")));
    }
    let (name, title) = (text(&field["name"]), text(&field["display_name"]));
    format!("{name}: {} ({title})", facts.join(", "))
}

/// `external_id: required, suggested user property email`
fn mapping(field: &Value) -> String {
    let mut facts: Vec<_> = is_required(field).into_iter().collect();
    let suggested = &field["suggested"];
    if !suggested.is_null() {
        let (scope, name) = (text(&suggested["scope"]), text(&suggested["name"]));
        facts.push(match scope.as_str() {
            "field" => format!("suggested field {name}"),
            _ => format!("suggested {scope} property {name}"),
        });
    }
    if items(&field["kinds"]).next().is_some() {
        facts.push(format!("a kind of {}", text(&field["kinds"])));
    }
    let facts = facts.join(", ");
    format!("{}: {facts}", text(&field["name"]))
        .trim_end()
        .to_owned()
}

fn is_required(field: &Value) -> Option<String> {
    let required = field["required"].as_bool().unwrap_or_default();
    required.then(|| "required".to_owned())
}

fn print_payload(payload: &Value) {
    let (method, url) = (text(&payload["method"]), text(&payload["url"]));
    output::print(&format!("  {method} {url}"));
    for header in items(&payload["headers"]) {
        let (name, value) = (text(&header["name"]), text(&header["value"]));
        output::print(&format!("  {name}: {value}"));
    }
    match payload["body"].as_str() {
        Some(body) => body
            .lines()
            .for_each(|line| output::print(format!("    {line}").trim_end())),
        None => output::print("    (what is streamed, as it is)"),
    }
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}
