//! Changing the key that seals secrets, by the commands that do it.

use std::fs;

use serde_json::{Value, json};

use crate::home::{ANN, Home, PASSWORD};
use crate::process::{Server, eventually, run, text};

/// Makes `count` syncs with a secret header each.
fn make_secrets(server: &Server, count: usize) {
    server.json(&["project", "create", "Shop"]);
    for number in 0..count {
        let url = format!("{}/receiver/{number}", server.url());
        server.json(&[
            "sync",
            "create",
            "webhook",
            "--project",
            "Shop",
            "--url",
            &url,
            "--header",
            "Authorization: Bearer hunter2",
        ]);
    }
}

/// The ids of the keys in the key file, the one that seals first.
fn keys_in_file(server: &Server) -> Vec<String> {
    let file = fs::read_to_string(server.data().join("secret.key")).unwrap();
    let ids = file.lines().map(|line| line.split_once(':').unwrap().0);
    ids.map(str::to_owned).collect()
}

fn values(key: &Value) -> u64 {
    key["values"].as_u64().unwrap()
}

#[test]
fn the_key_is_changed_while_the_server_runs_and_the_former_one_removed() {
    let server = Server::start("");
    make_secrets(&server, 3);
    let before = server.json(&["secrets", "status"]);
    let former = keys_in_file(&server);
    assert_eq!(
        (&before["keys"][0]["id"], before["keys"][0]["seals"].clone()),
        (&json!(former[0]), json!(true))
    );
    let sealed = values(&before["keys"][0]);
    assert!(sealed >= 3, "{before}");
    assert_eq!(
        (&before["left"], &before["resealing"]),
        (&json!(0), &json!(null))
    );

    let output = server.command(&["secrets", "rotate"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let rotated = server.json(&["secrets", "status"]);
    assert_eq!(rotated["left"], 0, "it returned before the end");
    assert_eq!(rotated["resealing"]["running"], false);
    let present = keys_in_file(&server);
    assert_eq!(present[1..], former);
    let key = |number: usize| &rotated["keys"][number];
    assert_eq!(
        (&key(0)["id"], values(key(0))),
        (&json!(present[0]), sealed)
    );
    assert_eq!(
        (&key(1)["id"], values(key(1))),
        (&json!(former[0]), 0),
        "{rotated}"
    );
    let shown = text(&output.stdout);
    assert!(
        shown.contains(&present[0]) && shown.contains("VALUES"),
        "{shown}"
    );

    let removed = server.json(&["secrets", "remove-unused"]);
    assert_eq!(removed["keys"].as_array().unwrap().len(), 1);
    assert_eq!(keys_in_file(&server), present[..1]);
    // With the new key alone everything opens: a start reads every sync.
    let server = Server::start_in(server.kill(), "");
    assert_eq!(server.json(&["sync", "list"]).as_array().unwrap().len(), 3);
    let log = server.log();
    assert!(!log.contains("ERROR"), "{log}");
}

#[test]
fn rotating_does_not_wait_where_it_is_told_not_to_and_goes_on_with_the_present_key() {
    let server = Server::start("");
    make_secrets(&server, 1);
    let begun = server.json(&["secrets", "rotate", "--no-wait"]);
    assert!(begun["resealing"].is_object(), "{begun}");
    assert_eq!(begun["keys"].as_array().unwrap().len(), 2);
    eventually("everything is sealed again", || {
        server.json(&["secrets", "status"])["resealing"]["running"] == false
    });
    let again = server.json(&["secrets", "rotate", "--present-key"]);
    let after = server.json(&["secrets", "status"]);
    assert_eq!(again["keys"], after["keys"]);
    assert_eq!(
        (keys_in_file(&server).len(), &after["left"]),
        (2, &json!(0))
    );
}

#[test]
fn keys_that_the_configuration_gives_are_not_changed_by_a_command() {
    let key = format!("one:{}", "11".repeat(32));
    let server = Server::start(&format!("store.key = \"{key}\""));
    for arguments in [&["secrets", "rotate"][..], &["secrets", "remove-unused"]] {
        let output = server.command(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        let error = text(&output.stderr);
        assert!(error.contains("store.key"), "{error}");
    }
    server.json(&["secrets", "rotate", "--present-key"]);
}

#[test]
fn only_operators_see_or_change_the_keys() {
    let (home, server) = Home::with_ann();
    assert_eq!(
        home.json(&["secrets", "status"])["keys"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let limited = Home::new();
    let scope = ["--scope", "organisation:read"];
    limited.login(&server, ANN, &scope);
    for arguments in [
        &["secrets", "status"][..],
        &["secrets", "rotate"],
        &["secrets", "remove-unused"],
    ] {
        let (code, error) = limited.refused(arguments);
        assert_eq!(code, 1, "{error}");
        assert!(error.contains("installation:write"), "{error}");
    }
    assert!(!server.log().contains(PASSWORD));
    assert_eq!(
        run(&["secrets", "rotate", "--sideways"]).status.code(),
        Some(2)
    );
}
