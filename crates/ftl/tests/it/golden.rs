//! Our templates, with what Apache FreeMarker 2.3.31 makes of them (`golden/regenerate.sh` asks it).

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use ftl::Engine;
use serde_json::{Map, Value};

/// Years of two digits are near this moment, in 2026.
const NOW_MILLIS: i64 = 1_790_000_000_000;

/// A template, and the engine's settings by name.
struct Case {
    id: String,
    settings: Map<String, Value>,
    source: String,
}

/// The cases of one file: blocks if it starts with one, lines otherwise.
fn read(text: &str) -> Vec<Case> {
    if text.starts_with("=== ") {
        blocks(text)
    } else {
        lines(text)
    }
}

/// Blocks under `=== id`, which the settings may follow as a JSON object.
fn blocks(text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for line in text.lines() {
        if let Some(header) = line.strip_prefix("=== ") {
            let (id, settings) = match header.find(" {") {
                Some(at) => (&header[..at], &header[at + 1..]),
                None => (header, "{}"),
            };
            cases.push(Case {
                id: id.to_owned(),
                settings: object(settings),
                source: String::new(),
            });
        } else if let Some(case) = cases.last_mut() {
            case.source.push_str(line);
            case.source.push('\n');
        }
    }
    for case in &mut cases {
        case.source.pop();
    }
    cases
}

/// Lines that are templates and ids at once; settings stand after `## ` as a JSON object, up to the next `## `.
fn lines(text: &str) -> Vec<Case> {
    let mut cases = Vec::new();
    let mut settings = "{}";
    for line in text.lines().filter(|line| !line.is_empty()) {
        if let Some(heading) = line.strip_prefix("## ") {
            settings = if heading.starts_with('{') {
                heading
            } else {
                "{}"
            };
        } else {
            cases.push(Case {
                id: if settings == "{}" {
                    line.to_owned()
                } else {
                    format!("{settings} {line}")
                },
                settings: object(settings),
                source: line.to_owned(),
            });
        }
    }
    cases
}

fn object(json: &str) -> Map<String, Value> {
    serde_json::from_str(json).expect("settings are a JSON object")
}

fn load(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// FreeMarker's answers by the cases' ids.
fn answers(path: &Path) -> HashMap<String, Value> {
    load(path)
        .lines()
        .map(|line| {
            let answer: Value = serde_json::from_str(line).expect("a line of JSON");
            (answer["id"].as_str().expect("an id").to_owned(), answer)
        })
        .collect()
}

#[test]
fn every_case_gives_what_freemarker_gives() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let data: Value = serde_json::from_str(&load(&folder.join("data.json"))).expect("JSON");
    let mut files: Vec<_> = fs::read_dir(&folder)
        .expect("the folder of cases")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
        .collect();
    files.sort();
    let (mut count, mut failures) = (0, Vec::new());
    for file in files {
        let expected = answers(&file.with_extension("expected.jsonl"));
        for case in read(&load(&file)) {
            count += 1;
            let expected = expected
                .get(&case.id)
                .unwrap_or_else(|| panic!("{:?} has no expected answer: regenerate", case.id));
            if let Some(difference) = difference(&case, &data, expected) {
                failures.push(format!("{}\n    {difference}", case.id));
            }
        }
    }
    assert!(count >= 3_800, "only {count} cases");
    assert!(
        failures.is_empty(),
        "{} of {count} cases differ:\n{}",
        failures.len(),
        failures.join("\n")
    );
}

fn engine(settings: &Map<String, Value>) -> Result<Engine, ftl::Error> {
    settings.iter().try_fold(
        Engine::new().clock(|| NOW_MILLIS),
        |engine, (name, value)| engine.setting(name, value.as_str().expect("settings are strings")),
    )
}

fn difference(case: &Case, data: &Value, expected: &Value) -> Option<String> {
    let mut out = Vec::new();
    let result = engine(&case.settings)
        .and_then(|engine| engine.compile("test", &case.source))
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
        (Err(error), None) => {
            place_difference(&error, expected).or_else(|| format_difference(&error, expected))
        }
    }
}

/// The place after the blamed expression.
fn blamed_place(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once("==> ")?;
    let (_, place) = rest.split_once("at line ")?;
    place.split_once(']').map(|(place, _)| place)
}

/// What FreeMarker says of formats, and of what they can't write or read, must be said in the same words.
fn format_difference(error: &ftl::Error, expected: &Value) -> Option<String> {
    const STARTS: [&str; 6] = [
        "Failed to get number format object",
        "Failed to format number",
        "Can't create date/time/datetime format",
        "The string doesn't match the expected date/time",
        "The value of the \"",
        "The time zone string",
    ];
    let java = expected["error"].as_str()?;
    let java = java
        .split_once("\nThe blamed expression:")
        .map_or(java, |(message, _)| message);
    let is_about_formats = STARTS.iter().any(|start| java.starts_with(start));
    (is_about_formats && error.message() != java)
        .then(|| format!("ours {:?}\n    java {java:?}", error.message()))
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
