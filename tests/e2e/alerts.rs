//! A sync in trouble is told of once, whatever happens to the server meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use http::Method;
use millstream_e2e::{Control, Destination, Received, Reply, Setup, eventually, settings, track};
use serde_json::{Value, json};
use sha2::Sha256;

/// A look at the lanes every ten seconds, and a message whose sender died waits for a minute.
const LIMIT: Duration = Duration::from_secs(120);

/// Whether a request is what Standard Webhooks says, and was signed lately.
fn is_signed(request: &Received, key: &str) -> bool {
    let header = |name: &str| request.header(name).expect("it is sent").to_owned();
    let key = key.strip_prefix("whsec_").expect("a key");
    let key = STANDARD.decode(key).expect("base 64");
    let (id, seconds) = (header("webhook-id"), header("webhook-timestamp"));
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("any length");
    mac.update(format!("{id}.{seconds}.").as_bytes());
    mac.update(&request.body);
    let signature = header("webhook-signature");
    let signature = signature.strip_prefix("v1,").expect("a version");
    let signature = STANDARD.decode(signature).expect("base 64");
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let age = now
        .expect("after 1970")
        .as_secs()
        .abs_diff(seconds.parse().expect("a number"));
    mac.verify_slice(&signature).is_ok() && age < 300
}

/// The ids of the messages that were sent about incidents, by kind and incident.
fn messages(receiver: &Destination, key: &str) -> BTreeMap<(String, String), BTreeSet<String>> {
    let mut messages: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
    for request in receiver.received().iter() {
        assert!(is_signed(request, key), "{:?}", request.json());
        let body = request.json();
        let text = |pointer: &str| {
            body.pointer(pointer)
                .and_then(Value::as_str)
                .expect("a text")
        };
        let about = (text("/type").to_owned(), text("/data/id").to_owned());
        let id = request.header("webhook-id").expect("an id").to_owned();
        messages.entry(about).or_default().insert(id);
    }
    messages
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_between_an_incident_and_its_message_leaves_one_of_each() {
    let setup = Setup::new();
    let mut server = setup.start().await;
    let control = Control::of(&server);
    let project = control.create_project("Shop").await;
    let refusing = Destination::scripted(|_| Reply::Status(401)).await;
    let sync = control
        .create_sync(&project, "To Acme", settings(&refusing.url()))
        .await;
    let up = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&up);
    let receiver = Destination::scripted(move |_| match told.load(Ordering::Relaxed) {
        true => Reply::Status(200),
        false => Reply::Status(503),
    });
    let receiver = receiver.await;
    let base = format!("/projects/{}", project.id);
    // One rule is enough here.
    let only = json!({"state": {"enabled": false}, "error_rate": {"enabled": false}});
    let url = format!("{}/api/v1{base}/alerts", server.base());
    let authorization = format!("Bearer {}", server.admin_token());
    let headers = [
        ("authorization", authorization.as_str()),
        ("content-type", "application/json"),
        ("if-match", "*"),
    ];
    let (patch, client) = (Method::PATCH, server.client());
    let changed = client.send(patch, &url, &headers, only.to_string()).await;
    assert_eq!(changed.expect("an answer").status, 200);
    let hook = json!({"kind": "webhook", "name": "pager", "url": receiver.url()});
    let channels = format!("{base}/alert-channels");
    let made = control.granted(Method::POST, &channels, Some(&hook)).await;
    let made = made.json();
    let key = made["signing_secret"].as_str().expect("a key").to_owned();
    let ingest = control.ingest(&project);
    for number in 0..6 {
        ingest
            .send(&[track(&format!("user-{number}"), "Order", json!({}))])
            .await;
    }
    let incidents = async || {
        let path = format!("{base}/incidents");
        let page = control.granted(Method::GET, &path, None).await.json();
        page["items"].as_array().expect("a list").clone()
    };
    eventually("an incident", LIMIT, async || !incidents().await.is_empty()).await;
    server.kill();
    up.store(true, Ordering::Relaxed);
    server = setup.start().await;
    let taken = async || {
        let opened = messages(&receiver, &key);
        opened.keys().any(|(kind, _)| kind == "incident.opened")
    };
    eventually("the message", LIMIT, taken).await;
    // Attempts go on failing after the restart, and that is the same incident.
    tokio::time::sleep(Duration::from_secs(25)).await;
    let all = incidents().await;
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!(all[0]["rule"], "credentials");
    control.disable(&sync).await;
    let over = async || messages(&receiver, &key).len() == 2;
    eventually("the end is told", LIMIT, over).await;
    for ((kind, incident), ids) in messages(&receiver, &key) {
        assert_eq!(ids.len(), 1, "{kind}: {ids:?}");
        assert_eq!(json!(incident), all[0]["id"]);
    }
    assert_eq!(incidents().await[0]["ended"]["why"], "switched_off");
    drop(server);
}
