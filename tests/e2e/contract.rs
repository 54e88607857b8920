//! The API keeps to its document, whatever it is asked and whoever asks: schemathesis makes the
//! requests. It ends well when no answer is a 5xx or other than documented, and none tells of another
//! organisation.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use http::Method;
use millstream_e2e::{Destination, Setup, settings};
use serde_json::{Value, json};

use crate::people::Administrator;

/// In the name of all that the other organisation has.
const MARK: &str = "quagga";

const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_headers_conformance,response_schema_conformance,\
                      nothing_of_another_organisation";

/// Requests that would end the sessions or the rights with which all others are made.
const LEFT_OUT: [&str; 8] = [
    "sign_out",
    "end_session",
    "change_password",
    "set_installation_rights",
    "delete_me",
    "delete_person",
    "lock_person",
    "end_sessions_of_person",
];

/// Answers that don't end by themselves: schemathesis would wait for their end. The tests of tails hold them to
/// what the document says, and those of the API to who may use them.
const ENDLESS: [&str; 3] = [
    "tail_events",
    "tail_outcomes_of_project",
    "tail_outcomes_of_sync",
];

/// Some of the answers (caller, operation and status) that say that each caller's credentials were taken,
/// and that requests came as far as what they ask for.
const EXPECTED: [&str; 32] = [
    "nobody create_sync 401",
    "nobody test_definition 401",
    "owner rotate_api_key 200",
    "owner create_project 201",
    "owner change_sync 200",
    "owner change_definition 200",
    "owner preview_sync 200",
    "owner test_sync 200",
    "owner show_sync_difference 200",
    "admin rotate_api_key 200",
    "admin create_project 201",
    "admin list_audit 200",
    "admin test_sync 200",
    "member change_organisation 403",
    "member create_sync 201",
    "member preview_definition 200",
    "partner create_sync 403",
    "partner list_syncs 200",
    "partner lint_definition 200",
    "viewer create_sync 403",
    "viewer list_syncs 200",
    "viewer preview_sync 200",
    "reviewer list_organisations 403",
    "reviewer preview_review 200",
    "reviewer list_syncs 200",
    "operator list_organisations 200",
    "operator create_organisation 201",
    "operator decide_review 403",
    "token list_organisations 403",
    "token create_sync 201",
    "token change_me 403",
    "token upgrade_sync 422",
];

#[tokio::test]
async fn the_api_keeps_to_its_document_whoever_asks() {
    let settings =
        "[access]\npassword_memory_kib = 8\npassword_passes = 1\nrequests_per_second = 0";
    let setup = Setup::with_config(settings);
    let server = setup.start().await;
    let admin = Administrator::of_first_start(&server).await;
    let destination = Destination::start().await;
    let own = organisation(&admin, "Own", &destination.url()).await;
    organisation(&admin, MARK, &destination.url()).await;
    // Before the callers are there, who shall not be removed.
    let parameters = parameters(&admin, &own).await;
    let callers = callers(&admin, &own).await;

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
        .env("MILLSTREAM_TEST_CALLERS", callers.to_string())
        .env("MILLSTREAM_TEST_DESTINATION", destination.url())
        .env("MILLSTREAM_TEST_ANSWERS", &answers)
        .env("PYTHONPATH", tests.join("python"))
        .current_dir(&folder);
    for operation in LEFT_OUT.iter().chain(&ENDLESS) {
        command.args(["--exclude-operation-id", operation]);
    }
    let output = tokio::task::spawn_blocking(move || command.output()).await;
    let output = output
        .expect("no panic")
        .expect("tests/setup-clients was run");
    let printed = String::from_utf8_lossy(&output.stdout);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{printed}{error}");
    let answers = fs::read_to_string(&answers).expect("there were answers");
    let answers: BTreeSet<_> = answers.lines().collect();
    let missing: Vec<_> = EXPECTED
        .iter()
        .filter(|expected| !answers.contains(**expected))
        .collect();
    assert!(missing.is_empty(), "no {missing:?} in\n{answers:#?}");
}

/// Everyone who makes requests: nobody, a member with each role, people with each right in the
/// installation, and a program with a token.
async fn callers(admin: &Administrator, organisation: &str) -> Value {
    let mut callers = vec![json!({"name": "nobody"})];
    for role in ["owner", "admin", "member", "partner", "viewer"] {
        let session = member(admin, organisation, role).await;
        callers.push(json!({"name": role, "session": session}));
    }
    for (right, knows) in [("reviewer", "reviews"), ("operator", "")] {
        let session = staff(admin, organisation, right).await;
        // Where they are to know of all organisations.
        let knows = format!("/api/v1/installation/{knows}");
        callers.push(json!({"name": right, "session": session, "knows": knows}));
    }
    let path = format!("/organisations/{organisation}/tokens");
    let scopes = [
        "organisation:read",
        "projects:read",
        "projects:write",
        "syncs:write",
    ];
    let made = admin.make(&path, json!({"name": "Some", "scopes": scopes}));
    callers.push(json!({"name": "token", "token": text(&made.await, "/text")}));
    json!(callers)
}

/// The session of somebody new of an organisation.
async fn member(admin: &Administrator, organisation: &str, role: &str) -> String {
    let email = format!("the-{role}@example.com");
    let person = admin.person(organisation, &email).await;
    let path = format!("/organisations/{organisation}/members/{}", person.id);
    let body = json!({ "role": role });
    admin.granted(Method::PATCH, &path, Some(&body)).await;
    // Changed rights ended the session with which the person joined.
    admin.session_of(&person).await
}

/// The session of somebody with a right in the installation, who is a viewer of the organisation.
async fn staff(admin: &Administrator, organisation: &str, right: &str) -> String {
    let email = format!("the-{right}@example.com");
    let person = admin.person(organisation, &email).await;
    let path = format!("/installation/people/{}/rights", person.id);
    let rights = json!({ right: true });
    admin.granted(Method::PATCH, &path, Some(&rights)).await;
    admin.session_of(&person).await
}

/// An organisation with something of everything, all named after it; its id.
async fn organisation(admin: &Administrator, name: &str, destination: &str) -> String {
    let made = admin.make("/installation/organisations", json!({ "name": name }));
    let id = text(&made.await, "/id");
    admin
        .person(&id, &format!("{name}@example.com").to_lowercase())
        .await;
    for number in 0..2 {
        things(admin, &id, &format!("{name} {number}"), destination).await;
    }
    id
}

async fn things(admin: &Administrator, organisation: &str, name: &str, destination: &str) {
    let of = |rest: &str| format!("/organisations/{organisation}/{rest}");
    let project = admin.make(&of("projects"), json!({ "name": name })).await;
    let syncs = format!("/projects/{}/syncs", text(&project, "/project/id"));
    for number in 0..2 {
        let mut chosen = settings(destination);
        chosen["name"] = json!(format!("{name} {number}"));
        admin.make(&syncs, chosen).await;
    }
    let definition = json!({
        "display_name": name,
        "about": {"summary": "Takes events."},
        "events": {"url": destination, "body": "{}"},
    });
    let made = admin.make(&of("definitions"), definition).await;
    let definition = of(&format!("definitions/{}", text(&made, "/id")));
    for step in ["release", "versions/1/submit"] {
        let path = format!("{definition}/{step}");
        admin.make(&path, Value::Null).await;
    }
    admin.make(&of("tokens"), json!({ "name": name })).await;
    let channels = format!("/projects/{}/alert-channels", text(&project, "/project/id"));
    let channel = json!({"kind": "webhook", "name": name, "url": destination});
    admin.make(&channels, channel).await;
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
    let channels = format!("/projects/{}/alert-channels", text(&projects[0], "/id"));
    lists.push(("project", "id", projects));
    lists.push(("sync", "id", admin.all(&syncs).await));
    lists.push(("channel", "id", admin.all(&channels).await));
    lists.push(("definition", "id", admin.all(&of("definitions")).await));
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
    // Of the methods that a path doesn't have, two are as good as eight.
    format!(
        "phases.coverage.unexpected-methods = [\"PATCH\", \"DELETE\"]\n\
         [parameters]\n{first}\n\"path.version\" = 1\n\n\
         [[operations]]\ninclude-method = \"DELETE\"\nparameters = {{ {last} }}\n"
    )
}

fn text(value: &Value, pointer: &str) -> String {
    let found = value.pointer(pointer).and_then(Value::as_str);
    found
        .unwrap_or_else(|| panic!("no {pointer} in {value}"))
        .to_owned()
}
