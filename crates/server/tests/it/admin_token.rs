//! The installation's own token, from one start of the server to the next.

use std::fs;

use serde_json::{Value, json};

use crate::home::{ANN, Home};
use crate::process::{Server, exchange};

/// What says, at a start, that there is no such token and none is made.
const NONE: &str = "the installation has no API token of its own";

#[test]
fn a_new_admin_token_ends_what_was_made_with_the_former_one() {
    let server = Server::start("");
    let made = server.json(&["token", "create", "CI"]);
    let secret = made["text"].as_str().unwrap();
    let (folder, ended_well) = server.terminate();
    assert!(ended_well);
    let server = Server::start_with(folder, &["--new-admin-token"]);
    let url = server.url();
    let list = ["project", "list", "--server", &url, "--token", secret];
    assert_eq!(Home::new().run(&list, "").status.code(), Some(1));
    let log = server.log();
    let id = made["token"]["id"].as_str().unwrap();
    let told = |line: &str| line.contains("was revoked") && line.contains(id);
    assert!(log.lines().any(told), "{log}");
    assert_eq!(server.json(&["token", "list"])[0]["name"], "admin");
}

/// What the file of the token holds.
fn kept(server: &Server) -> String {
    fs::read_to_string(server.data().join("admin-token")).expect("the file is there")
}

/// Starts the server anew in the same folder.
fn again(server: Server, arguments: &[&str]) -> Server {
    let (folder, ended_well) = server.terminate();
    assert!(ended_well);
    Server::start_with(folder, arguments)
}

/// Revokes the installation's token, by somebody who operates it and is of its organisation.
fn revoke_it(home: &Home) {
    let tokens = home.json(&["token", "list"]);
    let mut tokens = tokens.as_array().unwrap().iter();
    let admin = tokens
        .find(|token| token["name"] == "admin")
        .expect("it is there");
    assert_eq!(admin["person"], Value::Null);
    home.shown(&["token", "revoke", admin["id"].as_str().unwrap()]);
}

/// Deletes an organisation, by the token of a profile.
fn delete_organisation(home: &Home, server: &Server, id: &str) {
    let profiles = fs::read_to_string(home.profiles()).unwrap();
    let token = profiles.split('"').find(|part| part.starts_with("mst_"));
    let authorization = format!("Bearer {}", token.expect("a token"));
    let path = format!("/api/v1/organisations/{id}");
    let headers = [("authorization", authorization.as_str())];
    let (head, body) = exchange(server.address, "DELETE", &path, &headers, "").unwrap();
    assert!(head.starts_with("HTTP/1.1 204"), "{head}\n{body}");
}

/// The ids of the organisations that there are, by their names.
fn organisation(home: &Home, name: &str) -> Option<String> {
    let all = home.json(&["organisation", "list", "--all"]);
    let mut all = all.as_array().unwrap().iter();
    let found = all.find(|one| one["name"] == name)?;
    Some(found["id"].as_str().unwrap().to_owned())
}

#[test]
fn a_revoked_installation_token_is_made_anew_at_the_next_start() {
    let (_, server) = Home::with_ann();
    let first = kept(&server);
    let server = again(server, &[]);
    assert_eq!(kept(&server), first, "there is one: it stays");

    let home = Home::new();
    home.login(&server, ANN, &[]);
    revoke_it(&home);
    let server = again(server, &[]);
    assert_ne!(kept(&server), first);
    assert!(server.log().contains("the admin token was made"));
    assert!(!server.log().contains(NONE), "{}", server.log());
    let me = server.json(&["whoami"]);
    let may = me["permissions"].as_array().unwrap();
    assert!(may.contains(&json!("installation:write")), "{me}");
}

#[test]
fn where_its_organisation_is_gone_none_is_made_for_another_before_it_is_asked_for() {
    let (home, server) = Home::with_ann();
    let first = organisation(&home, "My organisation").expect("the first start makes one");
    let other = home.json(&["organisation", "create", "Other"]);
    let other = other["id"].as_str().unwrap().to_owned();
    revoke_it(&home);
    let at_other = Home::new();
    at_other.login(&server, ANN, &["--organisation", "Other"]);
    delete_organisation(&home, &server, &first);
    let former = kept(&server);

    let server = again(server, &[]);
    assert!(server.log().contains(NONE), "{}", server.log());
    assert!(server.log().contains("--new-admin-token"));
    assert_eq!(kept(&server), former, "none was made");
    let at_other = Home::new();
    at_other.login(&server, ANN, &[]);
    let tokens = at_other.json(&["token", "list"]);
    let mut tokens = tokens.as_array().unwrap().iter();
    assert!(tokens.all(|token| token["person"] != Value::Null));

    let server = again(server, &["--new-admin-token"]);
    assert!(!server.log().contains(NONE), "{}", server.log());
    assert_ne!(kept(&server), former);
    let organisations = server.json(&["organisation", "list"]);
    let own = organisations[0]["id"].as_str().unwrap();
    assert!(own != other && own != first, "{organisations}");
    assert_eq!(server.json(&["project", "list"]), json!([]));
    // From now on it is that one's.
    let server = again(server, &[]);
    assert!(!server.log().contains(NONE), "{}", server.log());
    server.json(&["whoami"]);
}
