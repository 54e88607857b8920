//! What a destination's answers mean by its definition, and the request that follows one of them.

use std::time::Duration;

use http::Method;
use millstream_e2e::{Destination, Ingest, Received, Reply, Setup, eventually};
use serde_json::{Value, json};

use crate::people::Administrator;

const LIMIT: Duration = Duration::from_secs(15);

/// Takes contacts: those that are there already are updated by their id.
fn definition() -> Value {
    json!({
        "display_name": "Contacts",
        "about": {"summary": "Keeps contacts."},
        "parameters": [
            {"name": "endpoint", "display_name": "Endpoint", "kind": "url", "required": true},
            {"name": "key", "display_name": "Key", "kind": "secret", "required": true},
        ],
        "events": {
            "url": "${parameters.endpoint}/contacts",
            "headers": [{"name": "Authorization", "value": "Bearer ${parameters.key}"}],
            "body": "{\"type\": \"${input.event_type?json_string}\"}",
            "idempotency_key": true,
            "responses": [
                {"status": ["2xx"], "failed_item": {"list": "/errors", "index": "/index"},
                 "means": "refused", "message": "it took the request, but not the contact"},
                {"status": [409], "body": [{"pointer": "/id", "operator": "is_set"}],
                 "means": "follow_up"},
            ],
            "follow_up": {
                "method": "PUT",
                "url": "${parameters.endpoint}/contacts/${answer.body.id?url}",
                "responses": [{"status": [410], "means": "delivered"}],
            },
        },
    })
}

/// Does what an event's type says.
fn answer(request: &Received) -> Reply {
    let full = |status, body: Value| Reply::Full(status, "x-a: b", body.to_string());
    match (&*request.method, request.json()["type"].as_str()) {
        ("PUT", _) => Reply::Status(410),
        (_, Some("there")) => full(409, json!({"id": "c/1"})),
        (_, Some("nameless")) => full(409, json!({"id": null})),
        (_, Some("bad")) => full(201, json!({"errors": [{"index": 0, "why": "k 1"}]})),
        _ => full(201, json!({"errors": []})),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_mean_what_the_definition_says_and_lead_to_what_follows() {
    let setup = Setup::new();
    let server = setup.start().await;
    let admin = Administrator::of_first_start(&server).await;
    let destination = Destination::scripted(answer).await;
    let endpoint = destination.url();
    let endpoint = endpoint.trim_end_matches('/');
    let made = admin.make("/installation/organisations", json!({"name": "Partner"}));
    let made = made.await;
    let organisation = format!("/organisations/{}", made["id"].as_str().expect("an id"));
    let made = admin
        .make(&format!("{organisation}/definitions"), definition())
        .await;
    let id = made["id"].as_str().expect("an id");
    let own = format!("{organisation}/definitions/{id}");

    // Seen before anything is sent, then sent once.
    let settings = json!({"parameters": {
        "endpoint": {"value": endpoint}, "key": {"value": "k-4711"},
    }});
    let input = json!({
        "settings": settings, "event": {"event_type": "there"},
        "answer": {"status": 409, "body": "{\"id\": \"c/1\"}"},
    });
    let shown = admin.make(&format!("{own}/preview"), input).await;
    let judged = &shown["requests"][0]["judged"];
    assert_eq!(
        (&judged["means"], &judged["rule"]),
        (&json!("follow_up"), &json!(1)),
        "{shown}"
    );
    let next = &judged["follow_up"]["request"];
    assert_eq!(next["method"], "PUT");
    assert_eq!(next["url"], format!("{endpoint}/contacts/c%2F1"));
    assert!(!shown.to_string().contains("4711"), "{shown}");
    let test = async |event_type: &str| {
        let input = json!({"settings": settings, "event": {"event_type": event_type}});
        admin.make(&format!("{own}/test"), input).await
    };
    let tested = test("there").await;
    assert_eq!(tested["verdict"], "delivered", "{tested}");
    assert_eq!(
        (&tested["answer"]["status"], &tested["failure"]),
        (&json!(409), &Value::Null)
    );
    let followed = &tested["follow_up"];
    assert_eq!(followed["answer"]["status"], 410);
    assert_eq!(followed["sent"]["request"]["url"], next["url"]);
    let tested = test("bad").await;
    assert_eq!(tested["verdict"], "discarded", "{tested}");
    let message = tested["message"].as_str().expect("a text");
    assert!(message.contains("but not the contact"), "{message}");
    assert_eq!(tested["follow_up"], Value::Null);
    let before = destination.count();
    assert_eq!(before, 3);

    // The same of deliveries: one is made by what follows, one ends at once, one is tried again.
    admin.make(&format!("{own}/release"), Value::Null).await;
    let projects = format!("{organisation}/projects");
    let made = admin.make(&projects, json!({"name": "Shop"})).await;
    let project = made["project"].clone();
    let text = |name: &str| project[name].as_str().expect("a text").to_owned();
    let mut sync = settings.clone();
    sync["name"] = json!("To contacts");
    sync["definition"] = json!({"id": id});
    sync["enabled"] = json!(true);
    let syncs = format!("/projects/{}/syncs", text("id"));
    let made = admin.make(&syncs, sync).await;
    let sync = format!("{syncs}/{}", made["id"].as_str().expect("an id"));
    let ingest = Ingest {
        client: server.client().clone(),
        base: server.base().to_owned(),
        api_key: text("api_key"),
    };
    let types = ["there", "bad", "nameless", "new"];
    let event = |event_type: &str| json!({"user_id": "user-ann", "event_type": event_type});
    ingest.send(&types.map(event)).await;
    destination.wait_for(before + 5, LIMIT).await;
    let status = format!("{sync}/status");
    eventually("all is settled", LIMIT, async || {
        let status = admin.call(Method::GET, &status, None).await.json();
        status["backlog"] == 0 && status["pending"] == 1
    })
    .await;
    let counts = admin.read(&status).await["counts"].clone();
    let expected = json!({
        "filtered": 0, "delivered_first": 2, "delivered_retry": 0, "discarded": 1, "expired": 0,
        "failed_attempts": 2,
    });
    assert_eq!(counts, expected);
    let ended = admin.read(&format!("{sync}/ended")).await["items"][0].clone();
    assert_eq!(
        (&ended["outcome"], &ended["reason"]),
        (&json!("discarded"), &json!("refused"))
    );
    assert_eq!(
        (&ended["attempts"], &ended["failure"]["status"]),
        (&json!(1), &json!(201))
    );
    let response = ended["failure"]["response"].as_str().expect("a text");
    assert!(response.contains("\"why\""), "{ended}");

    let received = destination.received();
    let received = &received[before..];
    assert_eq!(received.len(), 5);
    let put = received.iter().find(|request| request.method == "PUT");
    let put = put.expect("an update");
    assert_eq!(
        (&*put.path, &*put.body),
        ("/hook/contacts/c%2F1", &br#"{"type": "there"}"#[..])
    );
    assert_eq!(put.header("authorization"), Some("Bearer k-4711"));
    assert_eq!(put.header("idempotency-key"), None);
    let is_first =
        |request: &&Received| request.method == "POST" && request.json()["type"] == "there";
    let first = received.iter().find(is_first).expect("the request before");
    assert_eq!(first.header("idempotency-key"), Some(first.delivery_id()));
    assert_eq!(put.delivery_id(), first.delivery_id());
    assert_eq!(put.header("millstream-attempt"), Some("1"));
}
