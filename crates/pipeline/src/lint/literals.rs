//! What a template compares with: values that decide which way it takes.

use std::sync::LazyLock;

use model::json::Value;
use regex::Regex;

use super::case::Json;
use super::values;

/// Literals that are tried.
const MOST: usize = 16;

static TEXTS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"(?:==?|<#case|<#on|\()\s*(?:"([^"$\\]{1,60})"|'([^'$\\]{1,60})')|(?:"([^"$\\]{1,60})"|'([^'$\\]{1,60})')\s*==?"#)
        .expect("a constant pattern that tests compile")
});

static NUMBERS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?:[=<>]=?|\bl?te?|\bgte?|<#case)\s*(\d{1,9})\b")
        .expect("a constant pattern that tests compile")
});

/// The literals that `source` compares with.
pub(super) fn literals(source: &str) -> Vec<Json> {
    let mut found: Vec<Json> = Vec::new();
    let mut add = |value: Json| {
        if found.len() < MOST && !found.contains(&value) {
            found.push(value);
        }
    };
    for captures in TEXTS.captures_iter(source) {
        if let Some(text) = captures.iter().skip(1).flatten().next() {
            add(values::text(text.as_str()));
        }
    }
    for captures in NUMBERS.captures_iter(source) {
        if let Ok(number) = captures[1].parse::<i64>() {
            for near in [number - 1, number, number + 1] {
                add(Value::Number(near.into()));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_compared_with_is_found() {
        let source =
            r#"{"a": 1 <#if x == "sale" && 'y' = z && n gt 10>,</#if><#switch x><#case "b">"#;
        let found: Vec<_> = literals(source).iter().map(Value::to_json).collect();
        assert_eq!(found, [r#""sale""#, r#""y""#, r#""b""#, "9", "10", "11"]);
    }
}
