//! `millstream config …`.

use std::fs;

use crate::process::{millstream, run, text};

#[test]
fn the_defaults_can_be_used() {
    let output = run(&["config", "check"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
}

#[test]
fn the_printed_default_file_is_a_usable_configuration_file() {
    let printed = run(&["config", "default"]);
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), &printed.stdout).unwrap();
    let output = run(&["config", "check", "--config", file.path().to_str().unwrap()]);
    assert!(output.status.success(), "{}", text(&output.stderr));
}

#[test]
fn the_environment_overrides_the_file_and_the_file_the_defaults() {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(
        file.path(),
        "listen = \"127.0.0.1:1\"\n[http]\nconnection_limit = 5\n",
    )
    .unwrap();
    let output = millstream()
        .args(["config", "show", "--json"])
        .env("MILLSTREAM_CONFIG", file.path())
        .env("MILLSTREAM_HTTP__CONNECTION_LIMIT", "6")
        .output()
        .unwrap();
    let shown: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let setting = |key: &str| {
        let found = shown
            .as_array()
            .unwrap()
            .iter()
            .find(|setting| setting["key"] == key);
        found.unwrap_or_else(|| panic!("no {key}")).clone()
    };
    assert_eq!(setting("http.connection_limit")["value"], 6);
    assert_eq!(
        setting("http.connection_limit")["from"],
        "MILLSTREAM_HTTP__CONNECTION_LIMIT"
    );
    assert_eq!(setting("listen")["value"], "127.0.0.1:1");
    assert_eq!(setting("listen")["from"], file.path().to_str().unwrap());
    assert_eq!(setting("log.filter")["from"], "default");
}

#[test]
fn what_is_wrong_is_named_with_its_source_and_ends_with_2() {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), "[journal]\nretention_aeg = \"1h\"\n").unwrap();
    let path = file.path().to_str().unwrap();
    let output = run(&["config", "check", "--config", path]);
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        error.contains(path) && error.contains("did you mean `journal.retention_age`?"),
        "{error}"
    );

    for (variable, value, expected) in [
        ("MILLSTREAM_LISTEN", "nowhere", "listen"),
        ("MILLSTREAM_LOG__FORMAT", "xml", "log.format"),
        ("MILLSTREAM_HTTP__CONNECTION_LIMIT", "0", "from 1 to"),
        ("MILLSTREAM_SHUTDOWN__DEADLINE", "20", "shutdown.deadline"),
        (
            "MILLSTREAM_EGRESS__ALOW",
            "[]",
            "did you mean `egress.allow`?",
        ),
        ("MILLSTREAM_TRIES__MAX", "11", "from 1 to 10"),
    ] {
        let output = millstream()
            .args(["config", "check"])
            .env(variable, value)
            .output()
            .unwrap();
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{variable}: {error}");
        assert!(
            error.contains(expected) && error.contains(variable),
            "{variable}: {error}"
        );
    }
}

#[test]
fn everything_that_serve_would_refuse_is_listed_and_nothing_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let configured = |arguments: &[&str]| {
        millstream()
            .args(arguments)
            .env("MILLSTREAM_DATA_DIR", &data)
            .env("MILLSTREAM_CLIENT__CA_FILE", "/nonexistent/ca.pem")
            .env("MILLSTREAM_LANES__WINDOW", "0")
            .env("MILLSTREAM_EGRESS__ALLOW", "10.0.0.0/8,10.0.0.0/33")
            .output()
            .unwrap()
    };
    let checked = configured(&["config", "check", "--json"]);
    assert_eq!(checked.status.code(), Some(2));
    let report: serde_json::Value = serde_json::from_slice(&checked.stdout).unwrap();
    assert_eq!(report["usable"], false);
    let problem = |setting: &str| {
        let mut problems = report["problems"].as_array().unwrap().iter();
        let found = problems.find(|problem| problem["setting"] == setting);
        found.unwrap_or_else(|| panic!("no {setting} in {report}"))
    };
    assert_eq!(problem("lanes.window")["value"], 0);
    assert_eq!(problem("egress.allow")["value"], "10.0.0.0/33");
    let ca_file = problem("client.ca_file");
    assert_eq!(ca_file["source"], "MILLSTREAM_CLIENT__CA_FILE");
    assert!(
        ca_file["message"]
            .as_str()
            .unwrap()
            .contains("No such file"),
        "{ca_file}"
    );

    let served = configured(&["serve"]);
    assert_eq!(served.status.code(), Some(2));
    let error = text(&served.stderr);
    for setting in ["client.ca_file", "lanes.window", "egress.allow"] {
        assert!(error.contains(setting), "{setting} is missing in {error}");
    }
    assert!(
        !data.exists(),
        "nothing is made with settings that can't be used"
    );
}

#[test]
fn a_missing_file_is_named() {
    let output = run(&["serve", "--config", "/nonexistent/millstream.toml"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("/nonexistent/millstream.toml"));
}

#[test]
fn secrets_are_not_shown() {
    let output = millstream()
        .args(["config", "show"])
        .env(
            "MILLSTREAM_STORE__DATABASE",
            "sqlite:/a.db?password=hunter2",
        )
        .output()
        .unwrap();
    let shown = text(&output.stdout);
    assert!(shown.contains("sqlite:/a.db?password=***"), "{shown}");
    assert!(!shown.contains("hunter2"));
}

#[test]
fn what_is_shown_can_be_limited_to_a_component_and_to_what_was_changed() {
    let keys = |arguments: &[&str]| -> Vec<String> {
        let output = millstream()
            .args(["config", "show", "--json"])
            .args(arguments)
            .env("MILLSTREAM_HTTP__CONNECTION_LIMIT", "6")
            .env("MILLSTREAM_LISTEN", "127.0.0.1:1")
            .output()
            .unwrap();
        let shown: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let shown = shown.as_array().unwrap().iter();
        shown
            .map(|setting| setting["key"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(keys(&["--changed"]), ["http.connection_limit", "listen"]);
    assert_eq!(keys(&["http", "--changed"]), ["http.connection_limit"]);
    assert_eq!(
        keys(&["http."]),
        [
            "http.connection_limit",
            "http.header_bytes",
            "http.header_read_timeout"
        ]
    );
}

#[test]
fn the_committed_reference_is_the_one_that_the_program_prints() {
    const UPDATE: &str = "UPDATE_CONFIGURATION";
    let output = run(&["config", "docs"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md");
    if std::env::var_os(UPDATE).is_some() {
        fs::write(path, &output.stdout).unwrap();
    }
    let committed = fs::read_to_string(path).unwrap();
    assert!(
        committed == text(&output.stdout),
        "docs/configuration.md is out of date; run this test with {UPDATE}=1 and commit it"
    );
}
