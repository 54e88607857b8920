//! Destinations that quote what they were sent: no secret comes back to anybody, nor into a file.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::Method;
use millstream_e2e::{Destination, Ingest, Received, Reply, Server, Setup, eventually};
use serde_json::{Value, json};

use crate::people::Administrator;

const LIMIT: Duration = Duration::from_secs(20);

const KEY: &str = "wJalrXUt/FEMI+K7'MDENG";

/// What of the key is the same in all ways in which it is quoted below, and what Base64 makes of it.
const NEEDLES: [&str; 2] = ["wJalrXUt", "d0phbHJYVXQv"];

/// Quotes the key as PHP, Python, a strict encoder of URLs, HTML and Base64 have it.
fn answer(request: &Received) -> Reply {
    let quoted = json!({
        "sent": request.header("authorization"),
        "php": "<>",
    });
    let text = quoted.to_string().replace("<>", r"wJalrXUt\/FEMI+K7'MDENG");
    let text = format!(
        "{text} wJalrXUt%2FFEMI%2BK7%27MDENG wJalrXUt\\u002fFEMI\\u002bK7\\u0027MDENG \
         wJalrXUt&#x2f;FEMI+K7&#39;MDENG d0phbHJYVXQvRkVNSStLNydNREVORw=="
    );
    match request.json()["type"].as_str() {
        Some("refused") => Reply::Full(200, "x-quoted: Bearer wJalrXUt/FEMI+K7'MDENG", text),
        _ => Reply::Full(401, "x-quoted: Bearer wJalrXUt/FEMI+K7'MDENG", text),
    }
}

fn definition() -> Value {
    json!({
        "display_name": "Mirror",
        "about": {"summary": "Quotes what it is sent."},
        "parameters": [
            {"name": "endpoint", "display_name": "Endpoint", "kind": "url", "required": true},
            {"name": "key", "display_name": "Key", "kind": "secret", "required": true},
        ],
        "events": {
            "url": "${parameters.endpoint}/mirror",
            "headers": [{"name": "Authorization", "value": "Bearer ${parameters.key}"}],
            "body": "{\"type\": \"${input.event_type?json_string}\"\
                     <#if input.event_type == \"broken\">${parameters.key?number}</#if>}",
            "responses": [{"status": ["2xx"], "means": "refused", "message": "never"}],
        },
    })
}

/// What a tail has sent so far.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<String>>);

impl Told {
    /// Follows a tail until the server ends.
    async fn follow(admin: &Administrator, server: &Server, path: &str) -> Self {
        let url = format!("{}/api/v1{path}", server.base());
        let cookie = admin.cookie();
        let mut flow = server.client().open(&url, &[("cookie", &cookie)]).await;
        let told = Self::default();
        let heard = told.clone();
        tokio::spawn(async move {
            while let Some(part) = flow.next().await {
                let mut text = heard.0.lock().unwrap_or_else(PoisonError::into_inner);
                text.push_str(&String::from_utf8_lossy(&part));
            }
        });
        told
    }

    fn text(&self) -> String {
        let text = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        text.clone()
    }
}

/// The ids of all samples that stand somewhere in an answer.
fn samples_in(value: &Value) -> Vec<String> {
    let among = |values: Vec<&Value>| values.into_iter().flat_map(samples_in).collect();
    match value {
        Value::Object(members) => {
            let listed = members.get("samples").and_then(Value::as_array);
            let ids = listed.into_iter().flatten().map(|sample| &sample["id"]);
            let ids = ids.map(|id| id.as_str().map_or_else(|| id.to_string(), str::to_owned));
            let deeper: Vec<_> = among(members.values().collect());
            ids.chain(deeper).collect()
        }
        Value::Array(items) => among(items.iter().collect()),
        _ => Vec::new(),
    }
}

/// Fails on a file that has the key.
fn look_through(folder: &Path) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            look_through(&path);
            continue;
        }
        let bytes = fs::read(&path).unwrap_or_default();
        for needle in NEEDLES {
            let mut windows = bytes.windows(needle.len());
            let found = windows.any(|window| window == needle.as_bytes());
            assert!(!found, "{needle} stands in {}", path.display());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_a_destination_quotes_is_nowhere() {
    let setup = Setup::with_config("[retry]\nattempts = 2\nfirst_delay = \"300ms\"");
    let server = setup.start().await;
    let admin = Administrator::of_first_start(&server).await;
    let destination = Destination::scripted(answer).await;
    let endpoint = destination.url();
    let made = admin.make("/installation/organisations", json!({"name": "Partner"}));
    let made = made.await;
    let organisation = made["id"].as_str().expect("an id").to_owned();
    let definitions = format!("/organisations/{organisation}/definitions");
    let made = admin.make(&definitions, definition()).await;
    let definition = made["id"].as_str().expect("an id").to_owned();
    let own = format!("{definitions}/{definition}");
    admin.make(&format!("{own}/release"), Value::Null).await;
    let projects = format!("/organisations/{organisation}/projects");
    let made = admin.make(&projects, json!({"name": "Shop"})).await;
    let project = made["project"].clone();
    let text = |name: &str| project[name].as_str().expect("a text").to_owned();
    let syncs = format!("/projects/{}/syncs", text("id"));
    let settings = json!({
        "name": "To the mirror", "definition": {"id": definition}, "enabled": true,
        "parameters": {
            "endpoint": {"value": endpoint.trim_end_matches('/')}, "key": {"value": KEY},
        },
    });
    let made = admin.make(&syncs, settings).await;
    let sync = made["id"].as_str().expect("an id").to_owned();
    let whole = format!("{syncs}/{sync}");
    let ingest = Ingest {
        client: server.client().clone(),
        base: server.base().to_owned(),
        api_key: text("api_key"),
    };
    let of_project = format!("/projects/{}", text("id"));
    let mut tails = Vec::new();
    for (path, is_of_outcomes) in [
        (format!("{of_project}/tail/events"), false),
        (format!("{of_project}/tail/outcomes"), true),
        (format!("{whole}/tail"), true),
    ] {
        let told = Told::follow(&admin, &server, &path).await;
        tails.push((path, is_of_outcomes, told));
    }
    let event = |event_type: &str| json!({"user_id": "user-ann", "event_type": event_type});
    ingest
        .send(&["refused", "broken", "failed"].map(event))
        .await;
    // One while its retry is pending, one when all have ended.
    let status = format!("{whole}/status");
    for pending in [1, 0] {
        eventually("an attempt was made", LIMIT, async || {
            let status = admin.call(Method::GET, &status, None).await.json();
            status["backlog"] == 0 && status["in_flight"] == 0 && status["pending"] == pending
        })
        .await;
        for list in ["retries", "ended", "status"] {
            let answer = admin
                .call(Method::GET, &format!("{whole}/{list}"), None)
                .await;
            NEEDLES.iter().for_each(|needle| {
                assert!(!answer.text().contains(needle), "{list}: {}", answer.text())
            });
        }
    }
    let ended = admin.all(&format!("{whole}/ended")).await;
    assert_eq!(ended.len(), 3, "{ended:?}");
    let quoted = ended
        .iter()
        .filter(|one| one["failure"]["response"].is_string());
    for one in quoted {
        let response = one["failure"]["response"].as_str().expect("a text");
        assert!(response.contains(r#""sent":"[secret]""#), "{one}");
    }

    // What whoever follows it was told.
    for (path, is_of_outcomes, told) in &tails {
        let shown = if *is_of_outcomes {
            "[secret]"
        } else {
            "refused"
        };
        eventually("the tail tells of it", LIMIT, async || {
            told.text().contains(shown)
        })
        .await;
        let told = told.text();
        for needle in NEEDLES {
            assert!(!told.contains(needle), "{path}: {told}");
        }
    }

    // What anybody can read of it.
    let failures = admin.read(&format!("{whole}/failures")).await;
    let samples = samples_in(&failures);
    let known = |path: &str, sample: &str| {
        let ids = [
            ("{organisation}", organisation.as_str()),
            ("{project}", &text("id")),
            ("{definition}", &definition),
            ("{sync}", &sync),
            ("{version}", "1"),
            ("{offset}", "0"),
            ("{sample}", sample),
        ];
        ids.iter()
            .fold(path.to_owned(), |path, (name, id)| path.replace(name, id))
    };
    let document: Value = serde_json::from_str(include_str!("../../openapi.json")).expect("JSON");
    let paths = document["paths"].as_object().expect("paths");
    let reads = paths.iter().filter(|(_, route)| route["get"].is_object());
    let (mut read, mut sampled) = (0, 0);
    for (route, _) in reads.filter(|(path, _)| !path.contains("tail")) {
        let asked = if route.contains("{sample}") {
            &samples[..]
        } else {
            &[String::new()]
        };
        for sample in asked {
            let path = known(route, sample);
            let Some(path) = path
                .strip_prefix("/api/v1")
                .filter(|path| !path.contains('{'))
            else {
                continue;
            };
            let query = match path.rsplit('/').next() {
                Some("why") => "?user=user-ann",
                Some("user") => "?user_id=user-ann",
                _ => "",
            };
            let answer = admin
                .call(Method::GET, &format!("{path}{query}"), None)
                .await;
            NEEDLES.iter().for_each(|needle| {
                assert!(!answer.text().contains(needle), "{path}: {}", answer.text())
            });
            // What is of this sync, its project's events or an event's way is there to be read.
            let is_of_sync = path.contains(&sync) || path.ends_with("/why");
            let has_nothing = ["/upgrade", "/logo"].iter().any(|end| path.ends_with(end));
            assert!(
                !is_of_sync || has_nothing || answer.status == 200,
                "{path}: {} {}",
                answer.status,
                answer.text()
            );
            read += usize::from(answer.status == 200);
            sampled += usize::from(answer.status == 200 && !sample.is_empty());
        }
    }
    assert!(read > 40, "{read} routes");
    assert!(sampled >= 3, "{sampled} of {samples:?}");
    server.terminate(LIMIT).await;
    look_through(setup.data());
}
