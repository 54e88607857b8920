//! `millstream serve` with its control plane in PostgreSQL.

use test_postgres::Database;

use crate::process::{Server, text};

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
