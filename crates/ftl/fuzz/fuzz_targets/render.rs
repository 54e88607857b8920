//! Renders arbitrary bytes: a template, and after the last zero byte its data as JSON.
#![no_main]

use ftl::{Budgets, Engine};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

/// Small enough that a round takes milliseconds.
const BUDGETS: Budgets = Budgets {
    steps: 20_000,
    output_bytes: 1 << 20,
    depth: 100,
    memory_bytes: 4 << 20,
    regex_backtracking: 10_000,
    number_digits: 500,
};

fuzz_target!(|bytes: &[u8]| {
    let (source, data) = match bytes.iter().rposition(|byte| *byte == 0) {
        Some(at) => (&bytes[..at], serde_json::from_slice(&bytes[at + 1..]).ok()),
        None => (bytes, None),
    };
    let data: Value = data.unwrap_or_else(|| {
        json!({"a": {"b": [1, 2.5, "x", null, {"c": true}]}, "s": "héllo 😀", "n": -3})
    });
    let engine = Engine::new().budgets(BUDGETS).clock(|| 1_790_000_000_000);
    let Ok(template) = engine.compile("fuzzed", &String::from_utf8_lossy(source)) else {
        return;
    };
    let mut out = Vec::new();
    if let Err(error) = template.render(&data, &mut out) {
        drop((error.render(), error.description(), error.stack_trace()));
        assert!(out.is_empty(), "a render that fails writes nothing");
    }
});
