//! The API keeps to its document, whatever it is asked and whoever asks: schemathesis makes the
//! requests. It ends well when no answer is a 5xx or other than documented, and none tells of another
//! organisation.

use std::fs;
use std::path::Path;
use std::process::Command;

use http::Method;
use millstream_e2e::{Setup, settings};
use serde_json::{Value, json};

use crate::people::Administrator;

/// In the name of all that the other organisation has.
const MARK: &str = "quagga";

const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_headers_conformance,response_schema_conformance,\
                      nothing_of_another_organisation";

/// Requests that would end the session or the rights with which all others are made, those that make
/// others elsewhere, and those that take all of a sync, as `preview_sync` and `change_sync` do: there are
/// thousands of cases of each.
const LEFT_OUT: [&str; 14] = [
    "sign_out",
    "end_session",
    "change_password",
    "set_installation_rights",
    "delete_me",
    "delete_person",
    "lock_person",
    "end_sessions_of_person",
    "preview_definition",
    "preview_review",
    "show_sync_difference",
    "upgrade_sync",
    "test_definition",
    "test_sync",
];

/// Requests with many cases, which are tried by those only of whom an answer to them is expected.
const LONG: [&str; 2] = ["lint_definition", "preview_sync"];

/// Who makes the requests.
enum Who {
    Nobody,
    /// Signed in, by the cookie.
    Person(String),
    /// The same, with the rights of an operator.
    Operator(String),
    /// A program with a token.
    Token(String),
}

#[tokio::test]
async fn the_api_keeps_to_its_document_for_strangers() {
    let granted = ["rotate_api_key 401", "create_sync 401"];
    keeps_to_its_document(async |_, _| Who::Nobody, &granted).await;
}

#[tokio::test]
async fn the_api_keeps_to_its_document_for_owners() {
    let granted = [
        "rotate_api_key 200",
        "create_project 201",
        "change_member 200",
        "preview_sync 200",
        "lint_definition 200",
    ];
    keeps_to_its_document(
        async |admin, own| member(admin, own, "owner").await,
        &granted,
    )
    .await;
}

#[tokio::test]
async fn the_api_keeps_to_its_document_for_admins() {
    let granted = ["rotate_api_key 200", "create_project 201", "list_audit 200"];
    keeps_to_its_document(
        async |admin, own| member(admin, own, "admin").await,
        &granted,
    )
    .await;
}

#[tokio::test]
async fn the_api_keeps_to_its_document_for_members() {
    let granted = [
        "change_organisation 403",
        "show_project 200",
        "create_sync 201",
    ];
    keeps_to_its_document(
        async |admin, own| member(admin, own, "member").await,
        &granted,
    )
    .await;
}

#[tokio::test]
async fn the_api_keeps_to_its_document_for_partners() {
    let granted = ["create_sync 403", "list_syncs 200"];
    keeps_to_its_document(
        async |admin, own| member(admin, own, "partner").await,
        &granted,
    )
    .await;
}

#[tokio::test]
async fn the_api_keeps_to_its_document_for_viewers() {
    let granted = ["create_sync 403", "list_syncs 200"];
    keeps_to_its_document(
        async |admin, own| member(admin, own, "viewer").await,
        &granted,
    )
    .await;
}

#[tokio::test]
async fn the_api_keeps_to_its_document_for_reviewers() {
    let rights = json!({"operator": false, "reviewer": true});
    let granted = ["list_organisations 403", "list_syncs 200"];
    let somebody = async |admin: &_, own: &_| Who::Person(staff(admin, own, &rights).await);
    keeps_to_its_document(somebody, &granted).await;
}

#[tokio::test]
async fn the_api_keeps_to_its_document_for_operators() {
    let rights = json!({"operator": true, "reviewer": false});
    let granted = ["list_organisations 200", "create_organisation 201"];
    let somebody = async |admin: &_, own: &_| Who::Operator(staff(admin, own, &rights).await);
    keeps_to_its_document(somebody, &granted).await;
}

#[tokio::test]
async fn the_api_keeps_to_its_document_for_tokens() {
    let granted = ["list_organisations 403", "create_sync 201", "change_me 403"];
    let somebody = async |admin: &Administrator, own: &_| {
        let path = format!("/organisations/{own}/tokens");
        let scopes = [
            "organisation:read",
            "projects:read",
            "projects:write",
            "syncs:write",
        ];
        let made = admin
            .make(&path, json!({"name": "Some", "scopes": scopes}))
            .await;
        Who::Token(text(&made, "/text"))
    };
    keeps_to_its_document(somebody, &granted).await;
}

/// Somebody new of an organisation.
async fn member(admin: &Administrator, organisation: &str, role: &str) -> Who {
    let person = admin.person(organisation, "somebody@example.com").await;
    let path = format!("/organisations/{organisation}/members/{}", person.id);
    let body = json!({ "role": role });
    admin.granted(Method::PATCH, &path, Some(&body)).await;
    // Changed rights ended the session with which the person joined.
    Who::Person(admin.session_of(&person).await)
}

/// The session of somebody with rights in the installation, who is a viewer of the organisation.
async fn staff(admin: &Administrator, organisation: &str, rights: &Value) -> String {
    let person = admin.person(organisation, "somebody@example.com").await;
    let path = format!("/installation/people/{}/rights", person.id);
    admin.granted(Method::PATCH, &path, Some(rights)).await;
    admin.session_of(&person).await
}

/// `expected` are some of the answers (operation and status) that only these callers get: they say that
/// their credentials were taken.
async fn keeps_to_its_document(
    somebody: impl AsyncFnOnce(&Administrator, &str) -> Who,
    expected: &[&str],
) {
    let settings =
        "[access]\npassword_memory_kib = 8\npassword_passes = 1\nrequests_per_second = 0";
    let setup = Setup::with_config(settings);
    let server = setup.start().await;
    let admin = Administrator::of_first_start(&server).await;
    let own = organisation(&admin, "Own").await;
    organisation(&admin, MARK).await;
    // Before the caller is there, who shall not be removed.
    let parameters = parameters(&admin, &own).await;
    let who = somebody(&admin, &own).await;

    let folder = tempfile::tempdir().expect("a temporary folder");
    let (config, answers) = (
        folder.path().join("schemathesis.toml"),
        folder.path().join("answers"),
    );
    fs::write(&config, parameters).expect("the folder can be written");
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new(tests.join(".venv/bin/schemathesis"));
    command
        .arg("--config-file")
        .arg(&config)
        .args(["run", &format!("{}/api/v1/openapi.json", server.base())])
        .args(["--phases", "examples,coverage", "--checks", CHECKS])
        .args(["--continue-on-failure", "--warnings", "off", "--no-color"])
        .env("SCHEMATHESIS_HOOKS", "contract")
        .env("MILLSTREAM_TEST_MARK", MARK)
        .env("MILLSTREAM_TEST_ANSWERS", &answers)
        .env("PYTHONPATH", tests.join("python"))
        .current_dir(&folder);
    let is_expected = |operation: &&str| expected.iter().any(|each| each.starts_with(*operation));
    let too_long = LONG.iter().filter(|operation| !is_expected(operation));
    for operation in LEFT_OUT.iter().chain(too_long) {
        command.args(["--exclude-operation-id", operation]);
    }
    match who {
        Who::Nobody => &mut command,
        Who::Person(cookie) => command.env("MILLSTREAM_TEST_SESSION", cookie),
        Who::Operator(cookie) => command
            .env("MILLSTREAM_TEST_SESSION", cookie)
            .env("MILLSTREAM_TEST_OPERATOR", "yes"),
        Who::Token(token) => command.env("MILLSTREAM_TEST_TOKEN", token),
    };
    let output = tokio::task::spawn_blocking(move || command.output()).await;
    let output = output
        .expect("no panic")
        .expect("tests/setup-clients was run");
    let printed = String::from_utf8_lossy(&output.stdout);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{printed}{error}");
    let answers = fs::read_to_string(&answers).expect("there were answers");
    for answer in expected {
        assert!(
            answers.lines().any(|line| line == *answer),
            "no {answer} in\n{answers}"
        );
    }
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
    lists.push(("person", "person", admin.all(&of("members")).await));
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
