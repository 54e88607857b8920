//! Events wait for a property of their user, through kills, and are all accounted for.

use std::collections::HashMap;
use std::time::Duration;

use http::Method;
use millstream_e2e::{Control, Destination, Project, Received, Reply, Setup, eventually};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(60);

/// A destination that knows people by their address.
fn letterbox() -> Value {
    json!({
        "display_name": "Letterbox",
        "about": {"category": "messaging", "summary": "Sends letters."},
        "parameters": [
            {"name": "endpoint", "display_name": "Endpoint", "kind": "url", "required": true},
        ],
        "mappings": [{"name": "email", "required": true}],
        "events": {
            "method": "POST",
            "url": "${parameters.endpoint}",
            "headers": [{"name": "Content-Type", "value": "application/json"}],
            "body": r#"{"email": "${mappedFields.email?json_string}", "number": ${input.event_properties.number}}"#,
        },
    })
}

async fn sync_of_letterbox(control: &Control, project: &Project, url: &str) -> String {
    let projects = control.projects_path().await;
    let definitions = projects.replace("/projects", "/definitions");
    let letterbox = letterbox();
    let made = control.granted(Method::POST, &definitions, Some(&letterbox));
    let made = made.await.json();
    let id = made["id"].as_str().expect("an id");
    let release = format!("{definitions}/{id}/release");
    control.granted(Method::POST, &release, None).await;
    let settings = json!({
        "definition": {"id": id},
        "parameters": {"endpoint": {"value": url}},
        "mappings": {"email": {"scope": "user", "name": "email"}},
        "wait_for_properties_seconds": 3600,
    });
    control.create_sync(project, "letters", settings).await
}

fn visit(user: &str, numbers: std::ops::Range<u64>) -> Vec<Value> {
    let event = |number| {
        json!({
            "user_id": user, "device_id": format!("device of {user}"), "event_type": "Visit",
            "insert_id": format!("{user} {number}"), "event_properties": {"number": number},
            "library": "amplitude-ts/2.0.0", "platform": "Web",
        })
    };
    numbers.map(event).collect()
}

fn identify(user: &str) -> Value {
    let email = format!("{user}@example.com");
    json!({
        "user_id": user, "device_id": format!("device of {user}"), "event_type": "$identify",
        "insert_id": format!("{user} is"), "user_properties": {"$set": {"email": email}},
        "library": "amplitude-ts/2.0.0",
    })
}

/// The numbers that a user's letters carried, in the order of each one's last arrival: a kill repeats what
/// was under way.
fn letters(received: &[Received], user: &str) -> Vec<u64> {
    let email = json!(format!("{user}@example.com"));
    let mut last: HashMap<&str, (usize, u64)> = HashMap::new();
    for (place, request) in received.iter().enumerate() {
        let body = request.json();
        if body["email"] == email {
            let number = body["number"].as_u64().expect("a number");
            last.insert(request.delivery_id(), (place, number));
        }
    }
    let mut last: Vec<_> = last.into_values().collect();
    last.sort_unstable();
    last.into_iter().map(|(_, number)| number).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_wait_for_their_users_properties_through_kills() {
    let setup = Setup::new();
    // Slow, so that a kill comes in the midst.
    let destination = Destination::scripted(|_| Reply::After(Duration::from_millis(40))).await;
    let mut server = setup.start().await;
    let control = Control::of(&server);
    let project = control.create_project("waiting").await;
    let sync = sync_of_letterbox(&control, &project, &destination.url()).await;
    for user in ["annabel", "robert", "charles"] {
        control.ingest(&project).send(&visit(user, 0..6)).await;
    }
    let waits = async |control: &Control, count: u64| {
        eventually("they wait", LIMIT, async || {
            let status = control.status(&sync).await;
            let counted = (&status["pending"], &status["awaiting_properties"]);
            counted == (&json!(count), &json!(count))
        })
        .await;
    };
    waits(&control, 18).await;
    server.kill();
    server = setup.start().await;
    let control = Control::of(&server);
    waits(&control, 18).await;
    assert!(destination.received().is_empty());

    // What it waits for is told wherever people look.
    let retries = format!("{sync}/retries");
    let retries = control.granted(Method::GET, &retries, None).await.json();
    let first = &retries["items"][0];
    assert_eq!(first["failure"]["category"], "awaiting_property", "{first}");
    let why = format!("/projects/{}/why?user=annabel", project.id);
    let of_user = async || control.granted(Method::GET, &why, None).await.json();
    eventually("the index of events is there", LIMIT, async || {
        let why = of_user().await;
        why["complete"] == true && why["events"] != json!([])
    })
    .await;
    let why = of_user().await;
    let verdict = &why["events"][0]["syncs"][0]["verdicts"][0];
    assert_eq!(verdict["state"], "pending");
    let summary = verdict["summary"].as_str().expect("a text");
    let wanted = "waits for property \"email\" of the user until ";
    assert!(summary.starts_with(wanted), "{summary}");

    // Annabel's property comes, and more of hers; a kill while what waited is on its way.
    let ingest = control.ingest(&project);
    ingest.send(&[identify("annabel")]).await;
    ingest.send(&visit("annabel", 6..9)).await;
    destination.wait_for(3, LIMIT).await;
    server.kill();
    server = setup.start().await;
    let control = Control::of(&server);
    waits(&control, 12).await;
    eventually("Annabel's letters", LIMIT, async || {
        letters(&destination.received(), "annabel") == (0..9).collect::<Vec<_>>()
    })
    .await;
    // Robert's comes with an event, which goes last.
    let mut shows = visit("robert", 6..7);
    shows[0]["user_properties"] = json!({"email": "robert@example.com"});
    control.ingest(&project).send(&shows).await;
    eventually("Robert's letters", LIMIT, async || {
        letters(&destination.received(), "robert") == (0..7).collect::<Vec<_>>()
    })
    .await;
    waits(&control, 6).await;
    // Charles is given up once nothing is waited for.
    let off = json!({"wait_for_properties_seconds": null});
    control.granted(Method::PATCH, &sync, Some(&off)).await;
    eventually("all is accounted for", LIMIT, async || {
        let status = control.status(&sync).await;
        let counts = &status["counts"];
        let count = |name: &str| counts[name].as_u64().expect("a number");
        let delivered = count("delivered_first") + count("delivered_retry");
        let left = [
            "backlog",
            "pending",
            "waiting_in_order",
            "awaiting_properties",
        ];
        let left = left.map(|name| status[name].as_u64().expect("a number"));
        (delivered, count("discarded"), count("filtered"), left) == (16, 6, 1, [0; 4])
    })
    .await;
    assert!(letters(&destination.received(), "charles").is_empty());
    server.kill();
}
