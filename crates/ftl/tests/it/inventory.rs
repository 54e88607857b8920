//! Counts what the golden cases try out, so that nothing of the language goes without them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// Cases that each built-in needs.
const PER_BUILTIN: usize = 10;
/// Cases that each directive, special variable and setting needs.
const PER_NAME: usize = 10;

/// They came after 2.3.31, which answers the golden cases.
const NEWER_BUILTINS: [&str; 3] = ["c_lower_case", "c_upper_case", "cn"];
const NEWER_DIRECTIVES: [&str; 1] = ["on"];

/// For XML nodes, and refused when they are compiled.
const REFUSED_DIRECTIVES: [&str; 3] = ["fallback", "recurse", "visit"];

const SPECIAL_VARIABLES: [&str; 24] = [
    "args",
    "auto_esc",
    "caller_template_name",
    "current_template_name",
    "data_model",
    "error",
    "get_optional_template",
    "globals",
    "incompatible_improvements",
    "lang",
    "locale",
    "locals",
    "main",
    "main_template_name",
    "namespace",
    "now",
    "output_encoding",
    "output_format",
    "pass",
    "template_name",
    "time_zone",
    "url_escaping_charset",
    "vars",
    "version",
];

const SETTINGS: [&str; 10] = [
    "boolean_format",
    "date_format",
    "datetime_format",
    "locale",
    "number_format",
    "output_encoding",
    "sql_date_and_time_time_zone",
    "time_format",
    "time_zone",
    "url_escaping_charset",
];

const CONFIGURATION: [&str; 30] = [
    "arithmetic_engine",
    "attempt_exception_reporter",
    "auto_import",
    "auto_include",
    "auto_escaping_policy",
    "boolean_format",
    "date_format",
    "datetime_format",
    "fallback_on_null_loop_variable",
    "incompatible_improvements",
    "interpolation_syntax",
    "lazy_auto_imports",
    "lazy_imports",
    "locale",
    "localized_lookup",
    "naming_convention",
    "number_format",
    "output_encoding",
    "output_format",
    "recognize_standard_file_extensions",
    "show_error_tips",
    "strict_syntax",
    "tab_size",
    "tag_syntax",
    "template_exception_handler",
    "time_format",
    "truncate_builtin_algorithm",
    "url_escaping_charset",
    "whitespace_stripping",
    "wrap_unchecked_exceptions",
];

/// The golden cases, a text each: templates and settings.
fn cases() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut cases = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder of cases") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy();
        let is_cases =
            name.ends_with(".txt") || (name.ends_with(".jsonl") && !name.contains("expected"));
        if is_cases {
            let text = fs::read_to_string(&path).expect("text");
            let separator = if text.starts_with("=== ") {
                "\n=== "
            } else {
                "\n"
            };
            cases.extend(text.split(separator).map(str::to_owned));
        }
    }
    cases
}

/// The words that follow `mark` in a text, in snake_case.
fn words_after(text: &str, mark: &str) -> BTreeSet<String> {
    let word = |rest: &str| {
        let rest = rest.trim_start_matches(' ');
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        snake_case(&rest[..end.unwrap_or(rest.len())])
    };
    text.match_indices(mark)
        .map(|(at, _)| word(&text[at + mark.len()..]))
        .collect()
}

fn snake_case(name: &str) -> String {
    let name = name.replace("NZ", "Nz").replace("FZ", "Fz");
    let mut snake = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
    }
    snake
}

/// In how many cases each word comes after one of `marks`.
fn counts(cases: &[String], marks: &[&str]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for case in cases {
        let words: BTreeSet<_> = marks
            .iter()
            .flat_map(|mark| words_after(case, mark))
            .collect();
        for word in words {
            *counts.entry(word).or_default() += 1;
        }
    }
    counts
}

/// Those of `names` that have fewer than `least` cases.
fn rare<'n>(
    names: impl Iterator<Item = &'n str>,
    counts: &BTreeMap<String, usize>,
    least: usize,
) -> Vec<(&'n str, usize)> {
    names
        .map(|name| (name, counts.get(name).copied().unwrap_or_default()))
        .filter(|(_, count)| *count < least)
        .collect()
}

#[test]
fn every_built_in_has_ten_golden_cases() {
    let counts = counts(&cases(), &["?"]);
    let names = ftl::builtin_names().filter(|name| !NEWER_BUILTINS.contains(name));
    assert_eq!(rare(names, &counts, PER_BUILTIN), []);
}

#[test]
fn every_directive_special_variable_and_setting_has_golden_cases() {
    let cases = cases();
    let directives = ftl::directive_names()
        .filter(|name| !NEWER_DIRECTIVES.contains(name) && !REFUSED_DIRECTIVES.contains(name));
    // `#autoEsc` is the directive `autoesc`.
    let mut tags = BTreeMap::new();
    for (name, count) in counts(&cases, &["<#", "[#"]) {
        *tags.entry(name.replace('_', "")).or_default() += count;
    }
    assert_eq!(rare(directives, &tags, PER_NAME), []);

    let variables = counts(&cases, &["{.", "(.", " .", "@."]);
    assert_eq!(
        rare(SPECIAL_VARIABLES.into_iter(), &variables, PER_NAME),
        []
    );

    let settings = counts(&cases, &["#setting "]);
    assert_eq!(rare(SETTINGS.into_iter(), &settings, PER_NAME), []);

    let configuration = counts(&cases, &["{\"", ",\"", ", \""]);
    assert_eq!(
        rare(CONFIGURATION.into_iter(), &configuration, PER_NAME),
        []
    );
}
