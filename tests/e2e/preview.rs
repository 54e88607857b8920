//! What a preview shows, a test of the connection sends, and the preview's command sends too.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use millstream_e2e::{Destination, Received, Reply, Setup};
use serde_json::{Value, json};

use crate::people::Administrator;

const LIMIT: Duration = Duration::from_secs(15);

const SECRET: &str = "k'1\"$(id)";

fn definition() -> Value {
    json!({
        "display_name": "Letterbox",
        "parameters": [
            {"name": "endpoint", "display_name": "API Endpoint", "kind": "url", "required": true},
            {"name": "key", "display_name": "REST API Key", "kind": "secret", "required": true},
        ],
        "events": {
            "method": "PUT",
            "url": "${parameters.endpoint}/${input.event_type?url}/[1-2]/../x?",
            "headers": [
                {"name": "Authorization", "value": "Bearer ${parameters.key}"},
                {"name": "X-Empty", "value": ""},
            ],
            "body": "{\"type\": \"${input.event_type?json_string}\",\n\
                     \"key\": \"${parameters.key?json_string}\"}",
        },
    })
}

/// What has to be the same of two requests: all but what makes a delivery, a connection or a program.
pub(super) fn essence(received: &Received) -> (String, String, BTreeMap<String, String>, Vec<u8>) {
    let apart = ["host", "millstream-delivery-id", "millstream-attempt"];
    let headers = received.headers.iter().cloned();
    let headers = headers.filter(|(name, _)| !apart.contains(&name.as_str()));
    (
        received.method.clone(),
        received.path.clone(),
        headers.collect(),
        received.body.to_vec(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_of_a_preview_sends_what_a_test_sends() {
    let setup = Setup::new();
    let server = setup.start().await;
    let admin = Administrator::of_first_start(&server).await;
    let destination = Destination::start().await;
    destination.script(|_| Reply::Full(401, "x-why: no such key", format!("not {SECRET}")));
    let made = admin
        .make("/installation/organisations", json!({"name": "Partner"}))
        .await;
    let organisation = format!("/organisations/{}", made["id"].as_str().expect("an id"));
    let definitions = format!("{organisation}/definitions");
    let made = admin.make(&definitions, definition()).await;
    let own = format!("{definitions}/{}", made["id"].as_str().expect("an id"));
    let input = json!({
        "event": {"event_type": "@it's \"$(here)\"\n`%s` €", "user_id": "ann"},
        "settings": {"parameters": {
            "endpoint": {"value": destination.url().trim_end_matches('/')},
            "key": {"value": SECRET},
        }},
    });

    let tested = admin.make(&format!("{own}/test"), input.clone()).await;
    destination.wait_for(1, LIMIT).await;
    assert_eq!(tested["verdict"], "refused", "{tested}");
    assert_eq!(tested["answer"]["status"], 401);
    assert_eq!(tested["answer"]["body"], "not [secret]");
    let log = admin
        .read(&format!("{organisation}/audit?action=definition.test"))
        .await;
    assert_eq!(log["items"].as_array().map(Vec::len), Some(1), "{log}");

    let shown = admin.make(&format!("{own}/preview"), input).await;
    assert_eq!(shown["requests"][0]["request"], tested["sent"]["request"]);
    let request = &shown["requests"][0]["request"];
    let command = request["curl"].as_str().expect("a command");
    assert!(!shown.to_string().contains("$(id)"), "{command}");
    let escaped = Value::from(SECRET).to_string();
    let mut shell = Command::new("sh");
    shell
        .args(["-c", command])
        .env("MILLSTREAM_KEY", SECRET)
        .env("MILLSTREAM_KEY_JSON", &escaped[1..escaped.len() - 1]);
    let output = shell.output().expect("sh runs");
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(
        printed.contains("401") && printed.contains("not k'1"),
        "{output:?}"
    );
    destination.wait_for(2, LIMIT).await;
    let received = destination.received();
    assert_eq!(essence(&received[1]), essence(&received[0]), "{command}");
}
