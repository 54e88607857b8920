//! Cases over the whole language and over several templates, each with data and settings, and what Apache FreeMarker 2.3.31 makes of it: the
//! output, or the error's whole text, place and stack (`golden/regenerate.sh` asks it).

use std::collections::{BTreeMap, HashMap, HashSet};

use ftl::{Engine, Error};
use serde_json::Value;

const DATA: &str = include_str!("../golden/language-data.json");

fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).expect("a line of JSON"))
        .collect()
}

fn render(case: &Value, shared: &Value) -> Result<String, Error> {
    let mut engine = Engine::new().clock(|| 1_646_078_821_795);
    for (name, value) in case["settings"].as_object().into_iter().flatten() {
        engine = engine.setting(name, value.as_str().expect("settings are texts"))?;
    }
    let name = case["name"].as_str().unwrap_or("test");
    let mut templates = HashMap::new();
    if let Some(source) = case["template"].as_str() {
        templates.insert(name.to_owned(), source.to_owned());
    }
    for (name, source) in case["templates"].as_object().into_iter().flatten() {
        let source = source.as_str().expect("a template");
        templates.insert(name.clone(), source.to_owned());
    }
    let data = case.get("data").unwrap_or(shared);
    let mut out = Vec::new();
    engine
        .loader(templates)
        .template(name)?
        .render(data, &mut out)?;
    Ok(String::from_utf8(out).expect("UTF-8"))
}

/// What a message says, without the Java classes behind values, and without the list of all that could stand there.
fn essence(message: &str) -> String {
    let mut text = message.to_owned();
    for (open, marks) in [
        (" (wrapper: ", ""),
        (" (", " wrapped into "),
        ("(mimeType=", ""),
    ] {
        let mut from = 0;
        while let Some(at) = text[from..].find(open).map(|at| from + at) {
            let Some(end) = text[at..].find(')').map(|end| at + end + 1) else {
                break;
            };
            if text[at..end].contains(marks) {
                text.replace_range(at..end, "");
                from = at;
            } else {
                from = at + open.len();
            }
        }
    }
    for cut in [
        ", but was expecting",
        ", but at this place",
        ". Help (latest",
        "\nThe name was interpreted by this TemplateLoader",
    ] {
        if let Some(at) = text.find(cut) {
            text.truncate(at);
        }
    }
    text
}

/// How ours differs, in one word.
fn difference(ours: &Result<String, Error>, expected: &Value) -> Option<&'static str> {
    let error = match (ours, expected["output"].as_str()) {
        (Ok(ours), Some(output)) => return (ours != output).then_some("output"),
        (Err(_), Some(_)) => return Some("fails"),
        (Ok(_), None) => return Some("passes"),
        (Err(error), None) => error,
    };
    let place = |name: &str| expected[name].as_u64();
    let span = error.span();
    let ours = |pick: fn(ftl::Span) -> u32| span.map(|span| u64::from(pick(span)));
    if ours(|span| span.line) != place("line") {
        Some("line")
    } else if essence(&error.description()) != essence(expected["error"].as_str().unwrap_or("")) {
        Some("message")
    } else if ours(|span| span.column) != place("column") {
        Some("column")
    } else if ours(|span| span.end_line) != place("end_line")
        || ours(|span| span.end_column) != place("end_column")
    {
        Some("end")
    } else if expected["stack"]
        .as_str()
        .is_some_and(|stack| stack != error.stack_trace())
    {
        Some("stack")
    } else {
        None
    }
}

#[test]
fn the_whole_language_behaves_as_freemarkers() {
    check(
        include_str!("../golden/language.jsonl"),
        include_str!("../golden/language-expected.jsonl"),
        include_str!("../golden/language.deviations"),
    );
}

#[test]
fn templates_load_others_as_freemarkers_do() {
    check(
        include_str!("../golden/loading.jsonl"),
        include_str!("../golden/loading-expected.jsonl"),
        include_str!("../golden/loading.deviations"),
    );
}

#[test]
fn texts_are_truncated_as_freemarker_does() {
    check(
        include_str!("../golden/truncate.jsonl"),
        include_str!("../golden/truncate-expected.jsonl"),
        include_str!("../golden/truncate.deviations"),
    );
}

#[test]
fn items_are_computed_when_freemarker_computes_them() {
    check(
        include_str!("../golden/streams.jsonl"),
        include_str!("../golden/streams-expected.jsonl"),
        include_str!("../golden/streams.deviations"),
    );
}

#[test]
fn what_is_rarely_used_behaves_as_freemarkers() {
    check(
        include_str!("../golden/coverage.jsonl"),
        include_str!("../golden/coverage-expected.jsonl"),
        include_str!("../golden/coverage.deviations"),
    );
}

/// Compares all cases with what is expected; `deviations` are those that are known to differ, each with the kind of its
/// difference.
fn check(cases: &str, expected: &str, deviations: &str) {
    let shared: Value = serde_json::from_str(DATA).expect("JSON");
    let (cases, expected) = (lines(cases), lines(expected));
    assert_eq!(cases.len(), expected.len(), "regenerate");
    let mut known: BTreeMap<&str, &str> = deviations
        .lines()
        .filter_map(|line| line.split_once(' '))
        .collect();
    let mut ids = HashSet::new();
    let mut surprises = Vec::new();
    let mut differing = String::new();
    for (case, expected) in cases.iter().zip(&expected) {
        let id = case["id"].as_str().expect("an id");
        assert!(ids.insert(id), "{id} is there twice");
        assert_eq!(expected["id"], case["id"], "regenerate");
        let ours = render(case, &shared);
        let found = difference(&ours, expected);
        if let Some(found) = found {
            differing.push_str(&format!("{id} {found}\n"));
        }
        if found != known.remove(id) {
            let ours = ours.unwrap_or_else(|error| error.description());
            surprises.push(format!(
                "{id} {}: {}\n    ours {ours:?}\n    java {expected}",
                found.unwrap_or("agrees"),
                case["template"]
            ));
        }
    }
    // To note what differs now: FTL_WRITE_DEVIATIONS=path
    if let Ok(path) = std::env::var("FTL_WRITE_DEVIATIONS") {
        std::fs::write(path, differing).expect("written");
    }
    assert!(known.is_empty(), "no such cases: {known:?}");
    assert!(
        surprises.is_empty(),
        "{} of {} cases are not as noted:\n{}",
        surprises.len(),
        cases.len(),
        surprises[..surprises.len().min(40)].join("\n")
    );
}
