//! Answers template cases, a line of JSON each, on standard input, like `tests/golden/Cases.java` does with
//! Apache FreeMarker: `cargo run -p ftl --example cases < cases.jsonl`.

use std::collections::HashMap;
use std::io::{self, BufRead, Write};

use ftl::{Engine, Error};
use serde_json::{Value, json};

fn main() -> io::Result<()> {
    let mut out = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let line = line?;
        if line.is_empty() {
            continue;
        }
        let answer = match serde_json::from_str::<Value>(&line) {
            Ok(case) => answer(&case),
            Err(error) => json!({"id": null, "error": error.to_string()}),
        };
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
    Ok(())
}

fn answer(case: &Value) -> Value {
    match render(case) {
        Ok(output) => json!({"id": case["id"], "output": output}),
        Err(error) => {
            let span = error.span();
            json!({
                "id": case["id"],
                "error": error.description(),
                "line": span.map(|span| span.line),
                "column": span.map(|span| span.column),
                "end_line": span.map(|span| span.end_line),
                "end_column": span.map(|span| span.end_column),
                "stack": error.stack_trace(),
            })
        }
    }
}

fn render(case: &Value) -> Result<String, Error> {
    let mut engine = Engine::new()
        .clock(|| 1_646_078_821_795)
        .setting("localized_lookup", "false")?;
    if let Some(settings) = case["settings"].as_object() {
        // The version decides on the defaults of others.
        let is_version = |name: &str| name == "incompatible_improvements";
        let (first, then): (Vec<_>, Vec<_>) =
            settings.iter().partition(|(name, _)| is_version(name));
        for (name, value) in first.into_iter().chain(then) {
            engine = engine.setting(name, value.as_str().unwrap_or_default())?;
        }
    }
    let name = case["name"].as_str().unwrap_or("test");
    let mut templates = HashMap::new();
    if let Some(source) = case["template"].as_str() {
        templates.insert(name.to_owned(), source.to_owned());
    }
    for (name, source) in case["templates"].as_object().into_iter().flatten() {
        templates.insert(name.clone(), source.as_str().unwrap_or_default().to_owned());
    }
    let mut out = Vec::new();
    let empty = json!({});
    let data = case.get("data").unwrap_or(&empty);
    engine
        .loader(templates)
        .template(name)?
        .render(data, &mut out)?;
    Ok(String::from_utf8_lossy(&out).into_owned())
}
