//! `millstream definition …` without a server.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::Value;

use crate::process::{millstream, picture, text};

fn definition(folder: &Path, arguments: &[&str]) -> Output {
    millstream()
        .arg("definition")
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("the binary runs")
}

fn json_of(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}{}", text(&output.stdout), text(&output.stderr)))
}

/// A folder with `acme` as `definition new` makes it.
fn made() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let output = definition(folder.path(), &["new", "Acme"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    folder
}

fn replace(file: &Path, from: &str, to: &str) {
    let before = fs::read_to_string(file).expect("it can be read");
    assert!(before.contains(from), "{before}");
    fs::write(file, before.replace(from, to)).expect("it can be written");
}

#[test]
fn a_new_definition_passes_its_test_without_a_warning_and_is_never_overwritten() {
    let folder = made();
    let output = definition(folder.path(), &["test", "acme", "--json"]);
    let reports = json_of(&output);
    assert!(output.status.success(), "{reports}");
    assert_eq!(reports[0]["warnings"], serde_json::json!([]));
    assert_eq!(reports[0]["fixtures"].as_array().map(Vec::len), Some(3));

    let again = definition(folder.path(), &["new", "Acme"]);
    assert_eq!(again.status.code(), Some(1));
    assert!(text(&again.stderr).contains("is there already"));
}

#[test]
fn a_path_is_no_name() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for name in ["../evil", "a/b", "..\\evil"] {
        let refused = definition(folder.path(), &["new", name]);
        assert_eq!(refused.status.code(), Some(2), "{name}");
        assert!(text(&refused.stderr).contains("--dir"), "{name}");
    }
    let left = fs::read_dir(folder.path()).expect("it is there").count();
    assert_eq!(left, 0);
    let made = definition(folder.path(), &["new", "A/B Mail", "--dir", "mail"]);
    assert!(made.status.success(), "{}", text(&made.stderr));
}

#[test]
fn a_definition_without_fixtures_is_not_tested() {
    let folder = made();
    fs::remove_dir_all(folder.path().join("acme/fixtures")).expect("they are there");
    let output = definition(folder.path(), &["test", "acme"]);
    let shown = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{shown}");
    for part in ["acme: failed, 0 of 0 fixtures", "nothing was tested"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
}

#[test]
fn what_comes_out_differently_is_shown_and_can_be_taken_as_expected() {
    let folder = made();
    let body = folder.path().join("acme/event.ftl");
    replace(&body, "\"name\":", "\"event\":");
    let output = definition(folder.path(), &["test", "acme"]);
    let shown = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{shown}");
    for part in [
        "acme: failed, 2 of 3 fixtures as expected",
        "differs: an order with the properties that were selected",
        "body/name\n      - \"Order Completed\"\n      + nothing",
        "body/event\n      - nothing\n      + \"Order Completed\"",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let fixture = folder.path().join("acme/fixtures/event.json");
    let before = fs::read_to_string(&fixture).expect("it can be read");
    assert!(
        definition(folder.path(), &["test", "acme", "--update"])
            .status
            .success()
    );
    let after = fs::read_to_string(&fixture).expect("it can be read");
    assert_eq!(
        after,
        before.replace("\"name\": \"Order", "\"event\": \"Order")
    );
    assert!(
        definition(folder.path(), &["test", "acme"])
            .status
            .success()
    );
}

#[test]
fn a_fault_is_told_with_file_line_and_column() {
    let folder = made();
    replace(
        &folder.path().join("acme/event.ftl"),
        "mappedFields.external_id",
        "mappedFields.external_ids",
    );
    replace(
        &folder.path().join("acme/definition.yaml"),
        "kind: secret",
        "kind: secrets",
    );
    let told = |arguments: &[&str]| text(&definition(folder.path(), arguments).stdout);
    let shown = told(&["test", "acme"]);
    assert!(
        shown.contains("acme/definition.yaml:18:11: /parameters/1/kind: it can't be secrets: there is text, secret, "),
        "{shown}"
    );
    replace(
        &folder.path().join("acme/definition.yaml"),
        "kind: secrets",
        "kind: secret",
    );
    let shown = told(&["test", "acme"]);
    assert!(shown.contains("error: acme/event.ftl:3:32: "), "{shown}");
    assert!(shown.contains("external_id"), "{shown}");
    assert_eq!(
        definition(folder.path(), &["test", "acme"]).status.code(),
        Some(1)
    );
    assert_eq!(
        definition(folder.path(), &["test", "none"]).status.code(),
        Some(2)
    );
}

#[test]
fn a_picture_is_judged_as_the_server_judges_it() {
    let folder = made();
    let logo = folder.path().join("acme/logo.png");
    for (file, said) in [
        (b"<svg/>".to_vec(), "error: acme/logo.png: this is no PNG"),
        (picture(8, 1), "8 × 8 pixels: from 16 to 512 a side"),
        (vec![0; 600_000], "it is longer than 524288 bytes"),
    ] {
        fs::write(&logo, file).expect("it can be written");
        let output = definition(folder.path(), &["test", "acme"]);
        let shown = text(&output.stdout);
        assert_eq!(output.status.code(), Some(1), "{shown}");
        assert!(shown.contains(said), "{shown}");
    }
    fs::write(&logo, picture(64, 1)).expect("it can be written");
    assert!(
        definition(folder.path(), &["test", "acme"])
            .status
            .success()
    );
}

#[test]
fn faults_that_only_some_events_show_are_warnings() {
    let folder = made();
    replace(
        &folder.path().join("acme/event.ftl"),
        "${Json.toJson(input.event_type)}",
        "\"${input.event_type}\"",
    );
    let output = definition(folder.path(), &["test", "acme"]);
    let shown = text(&output.stdout);
    assert!(output.status.success(), "{shown}");
    assert!(shown.contains("warning: acme/event.ftl:4:12: "), "{shown}");
    let mend = "mend: replace ${input.event_type} at 4:12 of the template with \
                ${input.event_type?json_string}";
    assert!(shown.contains(mend), "{shown}");
    let quiet = text(&definition(folder.path(), &["test", "acme", "--no-lint"]).stdout);
    assert!(!quiet.contains("warning"), "{quiet}");
}

/// A text that is quoted twice: the mend takes quotes away that stand around what is to blame.
#[test]
fn mends_say_what_they_replace() {
    let folder = made();
    let template = folder.path().join("acme/event.ftl");
    replace(
        &template,
        "${Json.toJson(input.event_type)}",
        "\"${Json.toJsonString(input.event_type)}\"",
    );
    let warnings = || {
        let reports = json_of(&definition(folder.path(), &["test", "acme", "--json"]));
        reports[0]["warnings"].clone()
    };
    let found = warnings();
    let mend = &found[0]["mend"];
    let before = fs::read_to_string(&template).expect("a file");
    let bytes = ["start_byte", "end_byte"].map(|name| mend[name].as_u64().expect("a number"));
    let [start, end] = bytes.map(|at| usize::try_from(at).expect("a place in a file"));
    assert_eq!(mend["replaced"], before[start..end], "{found:#}");
    let replacement = mend["replacement"].as_str().expect("text");
    let after = [&before[..start], replacement, &before[end..]].concat();
    assert!(
        after.contains(": ${Json.toJsonString(input.event_type)}"),
        "{after}"
    );
    fs::write(&template, after).expect("it can be written");
    assert_eq!(warnings(), serde_json::json!([]));
}

#[test]
fn every_definition_of_the_catalog_passes_its_test() {
    let catalog = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../catalog");
    let mut folders: Vec<PathBuf> = fs::read_dir(&catalog)
        .expect("the catalog")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    assert!(folders.len() >= 3);
    let names: Vec<_> = folders
        .iter()
        .map(|path| path.to_str().expect("text"))
        .collect();
    let output = definition(&catalog, &[&["test", "--json"], &names[..]].concat());
    let reports = json_of(&output);
    assert!(output.status.success(), "{reports:#}");
    for report in reports.as_array().expect("reports") {
        assert_eq!(report["warnings"], serde_json::json!([]), "{report:#}");
        let fixtures = report["fixtures"].as_array().expect("fixtures");
        assert!(fixtures.len() >= 4, "{report:#}");
    }
}
