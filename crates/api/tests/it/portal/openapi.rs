//! The committed description is what the handlers say.

use std::path::Path;

use model::access::Role;
use serde_json::{Value, json};

use super::World;

/// Set to write the description instead of comparing it.
const UPDATE: &str = "UPDATE_OPENAPI";

#[tokio::test]
async fn the_committed_document_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../openapi.json");
    let mut document = millstream_api::portal::document().to_pretty_json().unwrap();
    document.push('\n');
    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(&path, &document).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == document,
        "openapi.json differs from the handlers: write it anew with \
         `{UPDATE}=1 cargo nextest run -p millstream-api the_committed_document`"
    );
}

#[tokio::test]
async fn the_served_document_is_openapi_3_1_and_complete() {
    let world = World::new().await;
    let answer = world.call("GET", "/openapi.json").token(None).send().await;
    let document = answer.json();
    assert!(
        document["openapi"].as_str().unwrap().starts_with("3.1"),
        "{}",
        document["openapi"]
    );
    let mut references = Vec::new();
    gather(&document, &mut references);
    assert!(!references.is_empty());
    for reference in references {
        let pointer = reference
            .strip_prefix('#')
            .expect("all references are inside");
        assert!(
            document.pointer(pointer).is_some(),
            "{reference} leads nowhere"
        );
    }
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            assert!(operation["operationId"].is_string(), "{method} {path}");
            assert!(operation["summary"].is_string(), "{method} {path}");
            assert!(
                operation["responses"]["default"].is_object(),
                "{method} {path}"
            );
        }
    }
}

/// Found by schemathesis: the names in the description were those of the Rust values.
#[tokio::test]
async fn roles_and_permissions_are_described_by_the_names_that_are_sent() {
    let world = World::new().await;
    let document = world.get("/openapi.json").await.json();
    let described = |name: &str| document["components"]["schemas"][name]["enum"].clone();
    let roles: Vec<_> = Role::ALL.iter().map(|role| role.name()).collect();
    assert_eq!(described("Role"), json!(roles));
    let sent = world.get("/me").await.is(200).json()["permissions"].clone();
    assert_eq!(described("Permission"), sent);
}

#[tokio::test]
async fn the_reference_page_asks_nobody_else_for_anything() {
    let world = World::new().await;
    for path in ["/api/reference/", "/api/reference/swagger-initializer.js"] {
        let answer = world.outside("GET", path).token(None).send().await.is(200);
        let policy = answer.header("content-security-policy");
        assert!(policy.starts_with("default-src 'self'"), "{policy}");
        assert!(!answer.text.contains("http://"), "{}", answer.text);
        assert!(!answer.text.contains("https://"), "{}", answer.text);
    }
    let settings = world.outside("GET", "/api/reference/swagger-initializer.js");
    let settings = settings.send().await;
    assert!(settings.text.contains("\"validatorUrl\": \"none\""));
    assert!(settings.text.contains("/api/v1/openapi.json"));
}

fn gather(value: &Value, references: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                match (name.as_str(), value) {
                    ("$ref", Value::String(target)) => references.push(target.clone()),
                    _ => gather(value, references),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| gather(item, references)),
        _ => {}
    }
}
