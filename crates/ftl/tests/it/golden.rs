//! Our templates, with what Apache FreeMarker 2.3.31 makes of them (`golden/regenerate.sh` asks it).

use std::collections::HashMap;

use ftl::Engine;
use serde_json::Value;

const DATA: &str = include_str!("../golden/data.json");
const BLOCKS: &str = include_str!("../golden/blocks.txt");
const LINES: &str = include_str!("../golden/lines.txt");
const EXPECTED: &str = include_str!("../golden/expected.jsonl");

/// Templates by id: blocks under `=== id`, and lines that are templates and ids at once.
fn cases() -> Vec<(String, String)> {
    let mut cases: Vec<(String, String)> = Vec::new();
    for line in BLOCKS.lines() {
        match line.strip_prefix("=== ") {
            Some(id) => cases.push((id.to_owned(), String::new())),
            None => {
                if let Some((_, text)) = cases.last_mut() {
                    text.push_str(line);
                    text.push('\n');
                }
            }
        }
    }
    for (_, text) in &mut cases {
        text.pop();
    }
    let lines = LINES
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with("## "));
    cases.extend(lines.map(|line| (line.to_owned(), line.to_owned())));
    cases
}

#[test]
fn every_case_gives_what_freemarker_gives() {
    let expected: HashMap<String, Value> = EXPECTED
        .lines()
        .map(|line| {
            let answer: Value = serde_json::from_str(line).expect("a line of JSON");
            (answer["id"].as_str().expect("an id").to_owned(), answer)
        })
        .collect();
    let data: Value = serde_json::from_str(DATA).expect("JSON");
    let cases = cases();
    assert!(cases.len() >= 265, "only {} cases", cases.len());
    let mut failures = Vec::new();
    for (id, source) in &cases {
        let expected = expected
            .get(id)
            .unwrap_or_else(|| panic!("{id:?} has no expected answer: regenerate"));
        if let Some(difference) = difference(source, &data, expected) {
            failures.push(format!("{id}\n    {difference}"));
        }
    }
    assert!(
        failures.is_empty(),
        "{} of {} cases differ:\n{}",
        failures.len(),
        cases.len(),
        failures.join("\n")
    );
}

fn difference(source: &str, data: &Value, expected: &Value) -> Option<String> {
    let mut out = Vec::new();
    let result = Engine::new()
        .compile("test", source)
        .and_then(|template| template.render(data, &mut out));
    match (result, expected["output"].as_str()) {
        (Ok(()), Some(output)) => {
            let ours = String::from_utf8_lossy(&out);
            (ours != output).then(|| format!("ours {ours:?}\n    java {output:?}"))
        }
        (Ok(()), None) => Some(format!(
            "ours {:?}\n    java fails: {}",
            String::from_utf8_lossy(&out),
            expected["error"]
        )),
        (Err(error), Some(output)) => Some(format!("ours fails: {error}\n    java {output:?}")),
        (Err(error), None) => place_difference(&error, expected),
    }
}

/// The place after the blamed expression.
fn blamed_place(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once("==> ")?;
    let (_, place) = rest.split_once("at line ")?;
    place.split_once(']').map(|(place, _)| place)
}

/// Failing templates must fail on the same line, and blame an expression in the same column. Where FreeMarker blames
/// none it tells the column of the tag around; ours is the expression's.
fn place_difference(error: &ftl::Error, expected: &Value) -> Option<String> {
    let line = expected["line"].as_u64()?;
    let message = expected["error"].as_str()?;
    let description = error.description();
    let same = match (blamed_place(message), blamed_place(&description)) {
        (Some(java), Some(ours)) => java == ours,
        _ => error
            .span()
            .is_some_and(|span| u64::from(span.line) == line),
    };
    (!same).then(|| format!("ours {error}\n    java on line {line}: {message}"))
}
