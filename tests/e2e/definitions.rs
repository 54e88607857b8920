//! A destination on its way from a partner's draft to another organisation's deliveries.

use std::time::Duration;

use http::Method;
use millstream_e2e::{Destination, Ingest, Server, Setup};
use serde_json::{Value, json};

use crate::people::Administrator;

const LIMIT: Duration = Duration::from_secs(15);

/// The payload of the guide's example.
const BODY: &str = r#"{
  "external_id": "${mappedFields.external_id?json_string}",
  "app_id": "${parameters.app_id?json_string}",
  "name": "${input.event_type?json_string}",
  "time": "${input.event_time?replace(" ", "T")?keep_before(".")}Z",
  "properties": {<#list mappedProperties as name, value>
    "${name?json_string}": "${value?json_string}"<#sep>,</#sep></#list>
  }
}"#;

fn definition() -> Value {
    json!({
        "display_name": "Letterbox",
        "about": {"category": "messaging", "summary": "Sends letters."},
        "parameters": [
            {"name": "endpoint", "display_name": "API Endpoint", "kind": "url", "required": true},
            {"name": "key", "display_name": "REST API Key", "kind": "secret", "required": true},
            {"name": "app_id", "display_name": "App ID", "required": true},
        ],
        "mappings": [{"name": "external_id", "required": true}],
        "events": {
            "method": "PUT",
            "url": "${parameters.endpoint}/events",
            "headers": [{"name": "Authorization", "value": "Bearer ${parameters.key}"}],
            "body": BODY,
            "unit": "array_of_one",
        },
    })
}

async fn organisation(admin: &Administrator, name: &str) -> String {
    let made = admin.make("/installation/organisations", json!({"name": name}));
    let made = made.await;
    format!("/organisations/{}", made["id"].as_str().expect("an id"))
}

/// Another organisation's project: its syncs' path, and a way to send to it.
async fn project(admin: &Administrator, organisation: &str, server: &Server) -> (String, Ingest) {
    let path = format!("{organisation}/projects");
    let made = admin.make(&path, json!({"name": "Shop"})).await["project"].clone();
    let text = |name: &str| made[name].as_str().expect("a text").to_owned();
    let ingest = Ingest {
        client: server.client().clone(),
        base: server.base().to_owned(),
        api_key: text("api_key"),
    };
    (format!("/projects/{}/syncs", text("id")), ingest)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partners_destination_gets_another_organisations_events() {
    let setup = Setup::new();
    let server = setup.start().await;
    let admin = Administrator::of_first_start(&server).await;
    let destination = Destination::start().await;
    let endpoint = destination.url();
    let endpoint = endpoint.trim_end_matches('/');
    let partner = organisation(&admin, "Partner").await;
    let user = organisation(&admin, "User").await;

    // Defined, checked, released, submitted; sent back, mended, approved.
    let definitions = format!("{partner}/definitions");
    let made = admin.make(&definitions, definition()).await;
    let id = made["id"].as_str().expect("an id");
    let own = format!("{definitions}/{id}");
    let check = admin.read(&format!("{own}/check")).await;
    assert_eq!(
        (&check["problems"], &check["warnings"]),
        (&json!([]), &json!([]))
    );
    let review = |version: u32| format!("/installation/reviews/{id}/versions/{version}/decision");
    for (version, decision) in [(1, "return"), (2, "approve")] {
        admin.make(&format!("{own}/release"), Value::Null).await;
        let submit = format!("{own}/versions/{version}/submit");
        admin.make(&submit, Value::Null).await;
        let catalog = admin.read(&format!("{user}/catalog?text=letter")).await;
        assert_eq!(catalog["items"], json!([]));
        let decided = json!({"decision": decision, "note": "as discussed"});
        admin.make(&review(version), decided).await;
    }
    let catalog = admin.read(&format!("{user}/catalog?text=letter")).await;
    assert_eq!(catalog["items"][0]["version"], 2);

    // What is missing is said at once.
    let (syncs, ingest) = project(&admin, &user, &server).await;
    let chosen = json!({"name": "Letters", "definition": {"id": id}});
    let made = admin.make(&syncs, chosen).await;
    let sync = format!("{syncs}/{}", made["id"].as_str().expect("an id"));
    let refused = admin
        .call(Method::POST, &format!("{sync}/enable"), None)
        .await;
    let problem = refused.json();
    let errors = problem["errors"].as_array().expect("errors").iter();
    let missing: Vec<_> = errors.map(|error| error["pointer"].as_str()).collect();
    let expected = [
        Some("/parameters/endpoint"),
        Some("/parameters/key"),
        Some("/parameters/app_id"),
        Some("/mappings/external_id"),
    ];
    assert_eq!(missing, expected, "{problem}");
    let settings = json!({
        "enabled": true,
        "parameters": {
            "endpoint": {"value": endpoint}, "key": {"value": "k \"1\""}, "app_id": {"value": "app"},
        },
        "mappings": {"external_id": {"scope": "user", "name": "email"}},
        "events": {"select": {"types": [{"event_type": "Order \"placed\""}]}},
        "properties": [
            {"scope": "event", "name": "test_nested_property"},
            {"scope": "event", "name": "library"},
        ],
    });
    admin.granted(Method::PATCH, &sync, Some(&settings)).await;

    let event = |event_type: &str| {
        json!({
            "user_id": "user-ann", "event_type": event_type, "time": 1_641_490_144_000_u64,
            "user_properties": {"email": "ann@example.com"},
            "event_properties": {
                "test_nested_property": "some \"nested\" property", "library": 7, "other": "stays",
            },
        })
    };
    ingest
        .send(&[event("Seen"), event("Order \"placed\"")])
        .await;
    destination.wait_for(1, LIMIT).await;
    let received = destination.received().clone();
    assert_eq!(received.len(), 1);
    let request = &received[0];
    assert_eq!((&*request.method, &*request.path), ("PUT", "/hook/events"));
    assert_eq!(request.header("authorization"), Some("Bearer k \"1\""));
    let expected = json!([{
        "external_id": "ann@example.com",
        "app_id": "app",
        "name": "Order \"placed\"",
        "time": "2022-01-06T17:29:04Z",
        "properties": {"test_nested_property": "some \"nested\" property", "library": "7"},
    }]);
    assert_eq!(request.json(), expected);

    // The next version sends to another path, and the price besides. The user sees what that means for
    // events that came, and upgrades.
    let mut next = definition()["events"].clone();
    next["url"] = json!("${parameters.endpoint}/v2/events");
    next["body"] = json!(BODY.replace("\"name\":", "\"version\": 2, \"name\":"));
    let next = json!({"events": next});
    admin.granted(Method::PATCH, &own, Some(&next)).await;
    admin.make(&format!("{own}/release"), Value::Null).await;
    let submit = format!("{own}/versions/3/submit");
    admin.make(&submit, Value::Null).await;
    let approved = json!({"decision": "approve", "note": ""});
    admin.make(&review(3), approved).await;
    let path = format!("{sync}/upgrade");
    let shown = admin.read(&path).await;
    assert_eq!((&shown["from"], &shown["to"]), (&json!(2), &json!(3)));
    assert_eq!(
        (&shown["missing"], &shown["secrets_needed"]),
        (&json!([]), &json!([]))
    );
    let templates = shown["definition"]["templates"].as_array();
    let templates: Vec<_> = templates.expect("templates").iter().collect();
    assert_eq!(templates[0]["pointer"], "/events/url");
    assert_eq!(templates[1]["pointer"], "/events/body");
    let traffic = &shown["traffic"];
    assert_eq!(
        (&traffic["events"], &traffic["still_unmatched"]),
        (&json!(2), &json!(1))
    );
    let changed = &traffic["changed"];
    assert_eq!(changed["count"], 1, "{shown}");
    let found = &changed["samples"][0]["found"];
    let body = json!([{"pointer": "/0/version", "before": null, "after": "2"}]);
    assert_eq!(found["body"], body);
    let url = json!({
        "before": format!("{endpoint}/events"), "after": format!("{endpoint}/v2/events"),
    });
    assert_eq!(found["url"], url);
    assert!(!shown.to_string().contains("k \\\"1"), "{shown}");

    let upgrade = json!({"to": 3});
    admin.granted(Method::POST, &path, Some(&upgrade)).await;
    ingest.send(&[event("Order \"placed\"")]).await;
    destination.wait_for(2, LIMIT).await;
    {
        let received = destination.received();
        let request = &received[1];
        assert_eq!(request.path, "/hook/v2/events");
        assert_eq!(request.header("authorization"), Some("Bearer k \"1\""));
        assert_eq!(request.json()[0]["version"], 2);
    }
    // And back: each change made a version.
    let versions = admin.all(&format!("{sync}/versions")).await;
    assert_eq!(versions[0]["changed"], json!(["/definition/version"]));
    let before = format!("{sync}/versions/{}/restore", versions[1]["version"]);
    admin.granted(Method::POST, &before, None).await;
    ingest.send(&[event("Order \"placed\"")]).await;
    destination.wait_for(3, LIMIT).await;
    assert_eq!(destination.received()[2].path, "/hook/events");
}
