//! The partner's part: a definition with its picture, its preview, and its own organisation's sync.

use std::process::Command;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use millstream_e2e::Reply;
use serde_json::{Value, json};
use std::io::Write;

use super::cast::Cast;
use super::{KEY, PAYLOAD, event, mappings, settings, template};
use crate::people::LIMIT;
use crate::preview::essence;

/// The destination of the walk.
pub(super) struct Lantern {
    pub(super) id: String,
    /// Where its organisation finds it.
    pub(super) path: String,
}

fn definition() -> Value {
    json!({
        "display_name": "Lantern",
        "about": {
            "category": "messaging", "summary": "Lights up what users do.",
            "description": "Send **events** to Lantern. <script>alert(1)</script>",
            "links": [{"title": "Lantern's docs", "url": "https://lantern.example/docs"}],
        },
        "parameters": [
            {"name": "endpoint", "display_name": "REST API Endpoint", "kind": "url", "required": true},
            {"name": "key", "display_name": "REST API Key", "kind": "secret", "required": true,
             "help": "In Lantern, under Settings."},
            {"name": "app_id", "display_name": "App ID", "required": true},
        ],
        "mappings": mappings(),
        "events": {
            "method": "POST",
            "url": "${parameters.endpoint}/events",
            "headers": [
                {"name": "Authorization", "value": "Bearer ${parameters.key}"},
                {"name": "Content-Type", "value": "application/json"},
            ],
            // The reviewer will see that the name is not escaped.
            "body": template("${input.event_type}"),
            "unit": "array_of_one",
        },
    })
}

/// Defines the guide's example, with a picture.
pub(super) async fn as_the_guide_says(cast: &Cast) -> Lantern {
    let author = &cast.author;
    let definitions = format!("{}/definitions", cast.partner);
    let made = author.post(&definitions, definition()).await;
    let id = made["id"].as_str().expect("an id").to_owned();
    let path = format!("{definitions}/{id}");
    let html = made["description_html"].as_str().expect("a text");
    assert!(
        html.contains("<strong>events</strong>") && !html.contains("<script>"),
        "{html}"
    );

    let with_picture = author.picture(&format!("{path}/logo"), picture(64)).await;
    let logo = with_picture["draft"]["about"]["logo"].as_str();
    let shown = format!("/logos/{}", logo.expect("the picture's name"));
    let shown = author.call(http::Method::GET, &shown, None).await;
    assert_eq!(shown.headers["content-type"], "image/png");

    // All that is declared is used, and where.
    let check = author.read(&format!("{path}/check")).await;
    assert_eq!(
        (&check["problems"], &check["warnings"]),
        (&json!([]), &json!([]))
    );
    let used = |table: &str, row: usize| {
        let row = &check[table][row];
        let first = &row["used"][0];
        (
            row["name"].clone(),
            row["declared"].clone(),
            first["pointer"].clone(),
            first["line"].clone(),
        )
    };
    let url = json!("/events/url");
    assert_eq!(
        used("parameters", 0),
        (json!("endpoint"), json!(true), url, json!(1))
    );
    let body = json!("/events/body");
    assert_eq!(
        used("parameters", 2),
        (json!("app_id"), json!(true), body.clone(), json!(3))
    );
    assert_eq!(
        used("mapped_fields", 0),
        (json!("external_id"), json!(true), body, json!(2))
    );
    Lantern { id, path }
}

impl Lantern {
    /// The form, the request, the command that a shell runs, and the test of the connection.
    pub(super) async fn is_previewed_and_tested(&self, cast: &Cast) {
        let (author, receiver) = (&cast.author, &cast.receiver);
        receiver.script(|_| Reply::Full(202, "x-lantern: lit", "{\"taken\": 1}".into()));
        let input = json!({"settings": settings(&cast.endpoint()), "event": event()});
        let shown = author
            .post(&format!("{}/preview", self.path), input.clone())
            .await;
        assert_eq!(
            (&shown["problems"], &shown["stand_ins"]),
            (&json!([]), &json!([]))
        );
        let form = &shown["form"];
        assert_eq!(form["parameters"][1]["help"], "In Lantern, under Settings.");
        assert_eq!(form["mappings"][0]["required"], true);
        assert_eq!(form["takes_users"], false);
        let request = &shown["requests"][0]["request"];
        assert_eq!(request["body"], PAYLOAD);
        assert!(!shown.to_string().contains("4711"), "{shown}");

        let tested = author.post(&format!("{}/test", self.path), input).await;
        assert_eq!(tested["verdict"], "delivered", "{tested}");
        assert_eq!(tested["answer"]["status"], 202);
        assert_eq!(tested["answer"]["body"], "{\"taken\": 1}");
        assert!(tested["answer"]["timing"]["wait"].as_f64().expect("a time") > 0.0);
        assert_eq!(&tested["sent"]["request"], request);

        let command = request["curl"].as_str().expect("a command");
        let mut shell = Command::new("sh");
        shell.args(["-c", command]).env("MILLSTREAM_KEY", KEY);
        let output = shell.output().expect("sh runs");
        let printed = String::from_utf8_lossy(&output.stdout);
        assert!(printed.contains("\"taken\": 1"), "{command}\n{output:?}");
        receiver.wait_for(2, LIMIT).await;
        let received = receiver.received();
        assert_eq!(received[0].body, PAYLOAD);
        let authorization = format!("Bearer {KEY}");
        assert_eq!(received[0].header("authorization"), Some(&*authorization));
        assert_eq!(essence(&received[1]), essence(&received[0]), "{command}");
    }

    /// Its own organisation uses it at once, and no other one sees it.
    pub(super) async fn is_released_to_its_own_organisation(&self, cast: &Cast) {
        let released = cast
            .author
            .post(&format!("{}/release", self.path), Value::Null)
            .await;
        assert_eq!(
            (&released["version"], &released["state"]),
            (&json!(1), &json!("internal"))
        );
        let found = "catalog?text=lantern";
        let others = cast.user.read(&format!("{}/{found}", cast.shop)).await;
        assert_eq!(others["items"], json!([]));
        let own = cast
            .colleague
            .read(&format!("{}/{found}", cast.partner))
            .await;
        assert_eq!(own["items"][0]["approved"], false);
        let elsewhere = json!({"name": "Early", "definition": {"id": self.id}});
        let refused = cast.user.call(
            http::Method::POST,
            &cast.shops_project.syncs,
            Some(&elsewhere),
        );
        assert!(!refused.await.status.is_success());

        let before = cast.receiver.count();
        let mut sync = settings(&cast.endpoint());
        sync["name"] = json!("Our own");
        sync["enabled"] = json!(true);
        sync["definition"] = json!({"id": self.id});
        cast.colleague
            .post(&cast.partners_project.syncs, sync)
            .await;
        let event = json!({
            "user_id": "user-1", "event_type": "test_event_type", "time": 1_641_490_144_000_u64,
            "event_properties": event()["event_properties"],
            "user_properties": event()["user_properties"],
        });
        cast.partners_project.ingest.send(&[event]).await;
        cast.receiver.wait_for(before + 1, LIMIT).await;
        assert_eq!(cast.receiver.received()[before].body, PAYLOAD);
    }
}

/// A grey square.
fn picture(side: u32) -> Vec<u8> {
    let line = [&[0][..], &vec![0x80; side as usize]].concat();
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::default());
    packed
        .write_all(&line.repeat(side as usize))
        .expect("memory takes it");
    let packed = packed.finish().expect("memory takes it");
    let head = [
        &side.to_be_bytes()[..],
        &side.to_be_bytes(),
        &[8, 0, 0, 0, 0],
    ]
    .concat();
    let mut picture = b"\x89PNG\r\n\x1a\n".to_vec();
    for (kind, content) in [(b"IHDR", head), (b"IDAT", packed), (b"IEND", Vec::new())] {
        let length = u32::try_from(content.len()).expect("a small picture");
        let content = [&kind[..], &content].concat();
        let mut sum = flate2::Crc::new();
        sum.update(&content);
        picture.extend(length.to_be_bytes());
        picture.extend(content);
        picture.extend(sum.sum().to_be_bytes());
    }
    picture
}
