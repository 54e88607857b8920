//! What a change means for real events, in words: the control API's difference.

use serde_json::Value;

use super::output::{self, text};

/// Samples that are printed of each kind.
const SAMPLES: usize = 3;

/// Values of a body that are printed of a sample.
const VALUES: usize = 10;

/// Lines of a template that are printed.
const LINES: usize = 40;

/// Prints how two versions of a destination differ.
pub(super) fn print_definition(difference: &Value) {
    for section in ["parameters", "mappings"] {
        for field in items(&difference[section]) {
            let what = match (field["before"].is_null(), field["after"].is_null()) {
                (true, _) => "new",
                (_, true) => "gone",
                _ => "changed",
            };
            output::print(&format!("  {section}/{}: {what}", text(&field["name"])));
        }
    }
    for template in items(&difference["templates"]) {
        output::print(&format!("  {}", text(&template["pointer"])));
        let lines = template["lines"].as_array().map_or(0, Vec::len);
        for line in items(&template["lines"]).take(LINES) {
            let sign = match line["change"].as_str() {
                Some("added") => '+',
                Some("removed") => '-',
                _ => ' ',
            };
            output::print(&format!("    {sign} {}", text(&line["text"])));
        }
        if lines > LINES {
            output::print(&format!("    … {} more lines", lines - LINES));
        }
    }
    print_others(&difference["others"]);
}

/// Prints values that are others now.
pub(super) fn print_others(others: &Value) {
    for other in items(others) {
        let (before, after) = (text(&other["before"]), text(&other["after"]));
        output::print(&format!(
            "  {}: {before} → {after}",
            text(&other["pointer"])
        ));
    }
}

/// Prints what a change means for the newest events.
pub(super) fn print(traffic: &Value) {
    let kinds = [
        ("newly_matched", "sent from now on"),
        ("no_longer_matched", "no longer sent"),
        ("changed", "sent otherwise"),
        ("newly_invalid", "no longer possible to send"),
        ("newly_valid", "possible to send from now on"),
    ];
    output::print(&format!("Of the newest {} events:", traffic["events"]));
    for (kind, words) in kinds {
        let found = &traffic[kind];
        if found["count"].as_u64().unwrap_or_default() > 0 {
            output::print(&format!("  {} {words}", found["count"]));
            items(&found["samples"])
                .take(SAMPLES)
                .for_each(print_sample);
        }
    }
    output::print(&format!("  {} as before", traffic["unchanged"]));
}

fn print_sample(sample: &Value) {
    let found = &sample["found"];
    let (part, offset) = (text(&sample["part"]), &sample["offset"]);
    output::print(&format!("    {part} at {offset}: {}", summary(found)));
    if found["url"]["before"].is_string() {
        print_change("url", &found["url"]);
    }
    for header in items(&found["headers"]).filter(|header| header.get("before").is_some()) {
        print_change(&text(&header["name"]), header);
    }
    if let Some(values) = found["body"].as_array() {
        for value in values.iter().take(VALUES) {
            print_change(&text(&value["pointer"]), value);
        }
        if values.len() > VALUES {
            output::print(&format!("      … {} more values", values.len() - VALUES));
        }
    }
}

/// A sample in a line: where it goes, or why it doesn't.
fn summary(found: &Value) -> String {
    match (found["message"].as_str(), found["method"].as_str()) {
        (Some(message), _) => message.to_owned(),
        (_, Some(method)) => format!("{method} {}", text(&found["url"])),
        _ => String::new(),
    }
}

fn print_change(what: &str, change: &Value) {
    output::print(&format!("      {what}"));
    for (sign, side) in [('-', "before"), ('+', "after")] {
        if !change[side].is_null() {
            output::print(&format!("        {sign} {}", text(&change[side])));
        }
    }
}

/// Prints problems of fields under a heading.
pub(super) fn print_problems(heading: &str, problems: &Value) {
    if items(problems).next().is_some() {
        output::print(heading);
    }
    for problem in items(problems) {
        let (pointer, message) = (text(&problem["pointer"]), text(&problem["message"]));
        output::print(&format!("  {pointer}: {message}"));
    }
}

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}
