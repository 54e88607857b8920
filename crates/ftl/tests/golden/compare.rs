//! Renders cases with our engine, and compares that with what Apache FreeMarker has answered.

use std::collections::HashMap;

use ftl::{Budgets, Engine, Error};
use serde_json::Value;

/// What our engine makes of a case at the time `now`; `shared` is the data of cases that have none of their own.
pub(crate) fn render(
    case: &Value,
    shared: &Value,
    budgets: Budgets,
    now: i64,
) -> Result<String, Error> {
    let mut engine = Engine::new()
        .clock(move || now)
        .budgets(budgets)
        .setting("localized_lookup", "false")?;
    // The version decides on what others mean.
    let settings = case["settings"].as_object().into_iter().flatten();
    let is_version = |(name, _): &(&String, &Value)| *name == "incompatible_improvements";
    let others = settings.clone().filter(|setting| !is_version(setting));
    for (name, value) in settings.filter(is_version).chain(others) {
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
pub(crate) fn essence(message: &str) -> String {
    let mut text = message.to_owned();
    // A slip of FreeMarker's: it prints objects of its own before what it says of a failed `?eval`.
    const SLIP: &str = "freemarker.core.Environment@";
    while let Some(at) = text.find(SLIP) {
        let start = text[..at].rfind('\n').map_or(0, |at| at + 1);
        let hash = text[at + SLIP.len()..]
            .find(|c: char| !matches!(c, '0'..='9' | 'a'..='f'))
            .unwrap_or(0);
        text.replace_range(start..at + SLIP.len() + hash, "");
    }
    // Java says there what its loader is made of.
    const LOADER: &str = "\nThe name was interpreted by this TemplateLoader";
    while let Some(at) = text.find(LOADER) {
        let line = text[at + 1..].find('\n');
        let end = line.map_or(text.len(), |len| at + 1 + len);
        text.replace_range(at..end, "");
    }
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
        // Java says in its own words what is wrong with a pattern.
        "Malformed regular expression",
    ] {
        if let Some(at) = text.find(cut) {
            text.truncate(at);
        }
    }
    text
}

/// How ours differs, in one word.
pub(crate) fn difference(ours: &Result<String, Error>, expected: &Value) -> Option<&'static str> {
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
