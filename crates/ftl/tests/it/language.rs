//! Cases over the whole language and over several templates, each with data and settings, and what Apache FreeMarker
//! 2.3.31 makes of it: the output, or the error's whole text, place and stack (`golden/regenerate.sh` asks it).

use std::collections::{BTreeMap, HashSet};

use ftl::Budgets;
use serde_json::Value;

use crate::compare::{difference, render};

const DATA: &str = include_str!("../golden/language-data.json");

fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).expect("a line of JSON"))
        .collect()
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

#[test]
fn each_area_of_the_language_behaves_as_freemarkers() {
    check(
        include_str!("../golden/areas.jsonl"),
        include_str!("../golden/areas-expected.jsonl"),
        include_str!("../golden/areas.deviations"),
    );
}

#[test]
fn what_is_bounded_or_kept_behaves_as_freemarkers_up_to_there() {
    check(
        include_str!("../golden/bounds.jsonl"),
        include_str!("../golden/bounds-expected.jsonl"),
        include_str!("../golden/bounds.deviations"),
    );
}

#[test]
fn what_is_rarely_named_behaves_as_freemarkers() {
    check(
        include_str!("../golden/gaps.jsonl"),
        include_str!("../golden/gaps-expected.jsonl"),
        include_str!("../golden/gaps.deviations"),
    );
}

#[test]
fn combinations_of_names_values_and_formats_behave_as_freemarkers() {
    check(
        include_str!("../golden/grids.jsonl"),
        include_str!("../golden/grids-expected.jsonl"),
        include_str!("../golden/grids.deviations"),
    );
}

#[test]
fn what_random_templates_have_shown_stays_mended() {
    check(
        include_str!("../golden/fuzz.jsonl"),
        include_str!("../golden/fuzz-expected.jsonl"),
        "",
    );
}

#[test]
fn what_random_templates_have_shown_later_stays_mended_too() {
    check(
        include_str!("../golden/random.jsonl"),
        include_str!("../golden/random-expected.jsonl"),
        include_str!("../golden/random.deviations"),
    );
}

#[test]
fn locales_have_templates_of_their_own_as_in_freemarker() {
    check(
        include_str!("../golden/localized.jsonl"),
        include_str!("../golden/localized-expected.jsonl"),
        "",
    );
}

#[test]
fn what_comparing_has_found_stays_mended() {
    check(
        include_str!("../golden/found.jsonl"),
        include_str!("../golden/found-expected.jsonl"),
        include_str!("../golden/found.deviations"),
    );
}

#[test]
fn what_larger_comparisons_have_found_stays_mended() {
    check(
        include_str!("../golden/compared.jsonl"),
        include_str!("../golden/compared-expected.jsonl"),
        include_str!("../golden/compared.deviations"),
    );
}

#[test]
fn what_altered_cases_have_found_stays_mended() {
    check(
        include_str!("../golden/mutated.jsonl"),
        include_str!("../golden/mutated-expected.jsonl"),
        include_str!("../golden/mutated.deviations"),
    );
}

#[test]
fn whole_pages_print_what_freemarkers_do() {
    check(
        include_str!("../golden/pages.jsonl"),
        include_str!("../golden/pages-expected.jsonl"),
        include_str!("../golden/pages.deviations"),
    );
}

#[test]
fn templates_that_combine_what_the_manual_describes_behave_as_freemarkers() {
    check(
        include_str!("../golden/examined.jsonl"),
        include_str!("../golden/examined-expected.jsonl"),
        include_str!("../golden/examined.deviations"),
    );
}

#[test]
fn each_version_has_its_own_ways() {
    check(
        include_str!("../golden/versions.jsonl"),
        include_str!("../golden/versions-expected.jsonl"),
        include_str!("../golden/versions.deviations"),
    );
}

#[test]
fn tags_may_lack_their_sign_if_the_syntax_is_not_strict() {
    check(
        include_str!("../golden/loose.jsonl"),
        include_str!("../golden/loose-expected.jsonl"),
        include_str!("../golden/loose.deviations"),
    );
}

#[test]
fn renders_fail_or_go_on_as_the_handler_of_exceptions_says() {
    check(
        include_str!("../golden/handlers.jsonl"),
        include_str!("../golden/handlers-expected.jsonl"),
        include_str!("../golden/handlers.deviations"),
    );
}

#[test]
fn what_was_open_for_long_stays_settled() {
    check(
        include_str!("../golden/settled.jsonl"),
        include_str!("../golden/settled-expected.jsonl"),
        include_str!("../golden/settled.deviations"),
    );
}

/// Compares all cases with what is expected; `deviations` are those that are known to differ, each with the kind of its
/// difference, and why.
fn check(cases: &str, expected: &str, deviations: &str) {
    let shared: Value = serde_json::from_str(DATA).expect("JSON");
    let (cases, expected) = (lines(cases), lines(expected));
    assert_eq!(cases.len(), expected.len(), "regenerate");
    let mut known: BTreeMap<&str, &str> = deviations
        .lines()
        .filter_map(|line| {
            let line = line.split_once(" # ").map_or(line, |(line, _why)| line);
            line.split_once(' ')
        })
        .collect();
    let mut ids = HashSet::new();
    let mut surprises = Vec::new();
    let mut differing = String::new();
    for (case, expected) in cases.iter().zip(&expected) {
        let id = case["id"].as_str().expect("an id");
        assert!(ids.insert(id), "{id} is there twice");
        assert_eq!(expected["id"], case["id"], "regenerate");
        let ours = render(case, &shared, Budgets::default(), 1_646_078_821_795);
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
        surprises[..surprises.len().min(80)].join("\n")
    );
}
