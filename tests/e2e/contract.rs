//! The API keeps to its document, whatever it is asked and whoever asks: schemathesis makes the
//! requests. It ends well when no answer is a 5xx or other than documented, and none tells of another
//! organisation.

use std::fs;
use std::path::Path;

use http::Method;
use millstream_e2e::{Setup, settings};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::people::{Administrator, Person};

/// In the name of all that the other organisation has.
const MARK: &str = "quagga";

const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_headers_conformance,response_schema_conformance,\
                      nothing_of_another_organisation";

/// Requests that would end the session or the rights with which all others are made.
const ENDING: [&str; 3] = ["sign_out", "change_password", "set_installation_rights"];

#[tokio::test]
async fn the_api_keeps_to_its_document_for_strangers() {
    keeps_to_its_document(async |_, _| None).await;
}

#[tokio::test]
async fn the_api_keeps_to_its_document_for_owners() {
    keeps_to_its_document(async |admin, own| Some(member(admin, own, "owner").await)).await;
}

#[tokio::test]
async fn the_api_keeps_to_its_document_for_admins() {
    keeps_to_its_document(async |admin, own| Some(member(admin, own, "admin").await)).await;
}

#[tokio::test]
async fn the_api_keeps_to_its_document_for_members() {
    keeps_to_its_document(async |admin, own| Some(member(admin, own, "member").await)).await;
}

#[tokio::test]
async fn the_api_keeps_to_its_document_for_partners() {
    keeps_to_its_document(async |admin, own| Some(member(admin, own, "partner").await)).await;
}

#[tokio::test]
async fn the_api_keeps_to_its_document_for_viewers() {
    keeps_to_its_document(async |admin, own| Some(member(admin, own, "viewer").await)).await;
}

#[tokio::test]
async fn the_api_keeps_to_its_document_for_reviewers() {
    let rights = json!({"operator": false, "reviewer": true});
    keeps_to_its_document(async |admin, own| Some(staff(admin, own, &rights).await)).await;
}

#[tokio::test]
async fn the_api_keeps_to_its_document_for_operators() {
    let rights = json!({"operator": true, "reviewer": false});
    keeps_to_its_document(async |admin, own| Some(staff(admin, own, &rights).await)).await;
}

#[tokio::test]
async fn the_api_keeps_to_its_document_for_tokens() {
    keeps_to_its_document(async |admin, own| {
        let path = format!("/organisations/{own}/tokens");
        let made = admin.make(&path, json!({"name": "Everything"})).await;
        let token = made["text"].as_str().expect("a text");
        Some(format!("Authorization: Bearer {token}"))
    })
    .await;
}

/// The header with which somebody new of an organisation makes requests.
async fn member(admin: &Administrator, organisation: &str, role: &str) -> String {
    let person = admin.person(organisation, "somebody@example.com").await;
    let path = format!("/organisations/{organisation}/members/{}", person.id);
    let body = json!({ "role": role });
    admin.granted(Method::PATCH, &path, Some(&body)).await;
    header(admin, &person).await
}

/// The same of somebody with rights in the installation, who is a viewer of the organisation.
async fn staff(admin: &Administrator, organisation: &str, rights: &Value) -> String {
    let person = admin.person(organisation, "somebody@example.com").await;
    let path = format!("/installation/people/{}/rights", person.id);
    admin.granted(Method::PUT, &path, Some(rights)).await;
    header(admin, &person).await
}

/// Changed rights ended the cookie with which the person joined.
async fn header(admin: &Administrator, person: &Person) -> String {
    format!("Cookie: {}", admin.session_of(person).await)
}

async fn keeps_to_its_document(somebody: impl AsyncFnOnce(&Administrator, &str) -> Option<String>) {
    let settings =
        "[access]\npassword_memory_kib = 8\npassword_passes = 1\nrequests_per_second = 0";
    let setup = Setup::with_config(settings);
    let server = setup.start().await;
    let admin = Administrator::of_first_start(&server).await;
    let own = organisation(&admin, "Own").await;
    organisation(&admin, MARK).await;
    let header = somebody(&admin, &own).await;

    let folder = tempfile::tempdir().expect("a temporary folder");
    let config = folder.path().join("schemathesis.toml");
    fs::write(&config, parameters(&admin, &own).await).expect("the folder can be written");
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new(tests.join(".venv/bin/schemathesis"));
    command
        .arg("--config-file")
        .arg(&config)
        .args(["run", &format!("{}/api/v1/openapi.json", server.base())])
        .args(["--phases", "examples,coverage", "--checks", CHECKS])
        .args(["--continue-on-failure", "--warnings", "off", "--no-color"])
        .env("SCHEMATHESIS_HOOKS", "contract")
        .env("MILLSTREAM_OTHER_ORGANISATION", MARK)
        .env("PYTHONPATH", tests.join("python"))
        .current_dir(&folder)
        .kill_on_drop(true);
    for operation in ENDING {
        command.args(["--exclude-operation-id", operation]);
    }
    if let Some(header) = header {
        command.args(["--header", &header]);
    }
    let output = command.output().await.expect("tests/setup-clients was run");
    let text = String::from_utf8_lossy(&output.stdout);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}{error}");
    assert!(text.contains("Coverage"), "{text}{error}");
}

/// An organisation with something of everything, all named after it; its id.
async fn organisation(admin: &Administrator, name: &str) -> String {
    let made = admin.make("/installation/organisations", json!({ "name": name }));
    let id = text(&made.await, "/id");
    admin
        .person(&id, &format!("{name}@example.com").to_lowercase())
        .await;
    for number in 0..2 {
        things(admin, &id, &format!("{name} {number}")).await;
    }
    id
}

async fn things(admin: &Administrator, organisation: &str, name: &str) {
    let of = |rest: &str| format!("/organisations/{organisation}/{rest}");
    let project = admin.make(&of("projects"), json!({ "name": name })).await;
    let syncs = format!("/projects/{}/syncs", text(&project, "/project/id"));
    for number in 0..2 {
        let mut chosen = settings("http://127.0.0.1:9/");
        chosen["name"] = json!(format!("{name} {number}"));
        admin.make(&syncs, chosen).await;
    }
    admin.make(&of("tokens"), json!({ "name": name })).await;
    let email = format!("{}@example.com", name.replace(' ', ".").to_lowercase());
    let invitation = json!({"email": email, "role": "viewer"});
    admin.make(&of("invitations"), invitation).await;
}

/// The settings that say which things there are: the first of each to look at and to change, the last
/// to delete.
async fn parameters(admin: &Administrator, organisation: &str) -> String {
    let of = |rest: &str| format!("/organisations/{organisation}/{rest}");
    let mut lists = vec![("organisation", "id", vec![json!({ "id": organisation })])];
    let projects = admin.all(&of("projects")).await;
    let syncs = format!("/projects/{}/syncs", text(&projects[0], "/id"));
    lists.push(("project", "id", projects));
    lists.push(("sync", "id", admin.all(&syncs).await));
    lists.push(("person", "/person/id", admin.all(&of("members")).await));
    lists.push(("token", "id", admin.all(&of("tokens")).await));
    lists.push(("invitation", "id", admin.all(&of("invitations")).await));
    lists.push(("mail", "id", admin.all("/installation/outbox").await));
    let line = |name: &str, value: Option<&Value>, pointer: &str| {
        let pointer = format!("/{}", pointer.trim_start_matches('/'));
        let id = text(value.expect("there are some"), &pointer);
        format!("\"path.{name}\" = {id:?}")
    };
    let (mut first, mut last) = (Vec::new(), Vec::new());
    for (name, pointer, items) in &lists {
        first.push(line(name, items.first(), pointer));
        last.push(line(name, items.last(), pointer));
    }
    let (first, last) = (first.join("\n"), last.join(", "));
    format!(
        "[parameters]\n{first}\n\n[[operations]]\ninclude-method = \"DELETE\"\nparameters = {{ {last} }}\n"
    )
}

fn text(value: &Value, pointer: &str) -> String {
    let found = value.pointer(pointer).and_then(Value::as_str);
    found
        .unwrap_or_else(|| panic!("no {pointer} in {value}"))
        .to_owned()
}
