//! `millstream serve` with its control plane in PostgreSQL.

use test_postgres::Database;

use crate::process::{Server, eventually, request, text};

#[test]
fn what_was_made_is_there_after_a_kill() {
    let database = Database::shared(env!("CARGO_TARGET_TMPDIR"));
    let address = format!("store.database = {:?}", database.address());
    let server = Server::start(&address);
    let made = server.json(&["project", "create", "Shop"]);
    let sync = ["--name", "Box", "--url", "http://127.0.0.1:9/"];
    server.json(
        &[
            &["sync", "create", "webhook", "--project", "Shop"],
            &sync[..],
        ]
        .concat(),
    );
    assert!(!server.data().join("control.db").exists());
    let settings = text(&server.command(&["config", "show"]).stdout);
    assert!(settings.contains("store.database"), "{settings}");
    for shown in [settings, server.log()] {
        assert!(!shown.contains(database.password()), "{shown}");
    }

    server.signal("-KILL");
    let (folder, ended_well) = server.terminate();
    assert!(!ended_well);
    let server = Server::start_in(folder, &address);
    let project = &server.json(&["project", "list"])[0];
    assert_eq!(project["id"], made["project"]["id"]);
    assert_eq!(server.json(&["sync", "show", "Box"])["name"], "Box");
}

#[test]
fn events_are_taken_while_the_database_is_away() {
    let database = Database::alone();
    let settings = format!(
        "store.database = {:?}\nstore.acquire_timeout = \"1s\"",
        database.address()
    );
    let server = Server::start(&settings);
    let project = server.json(&["project", "create", "Shop"]);
    let api_key = project["project"]["api_key"].as_str().unwrap();
    let ready = || {
        request(server.address, "GET", "/health/ready", "")
            .unwrap()
            .0
    };

    database.server().stop();
    eventually("the server is not ready", || ready() == 503);
    let event = format!(
        r#"{{"api_key":"{api_key}","events":[{{"user_id":"user-1","event_type":"Bought"}}]}}"#
    );
    let (status, body) = request(server.address, "POST", "/2/httpapi", &event).unwrap();
    assert_eq!(status, 200, "{body}");
    let refused = text(&server.command(&["project", "list"]).stderr);
    assert!(refused.contains("can't do this at present"), "{refused}");

    database.server().restart();
    eventually("the server is ready again", || ready() == 200);
    assert_eq!(server.json(&["project", "list"])[0]["name"], "Shop");
    assert!(!server.log().contains(database.password()));
}
