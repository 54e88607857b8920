//! The unmodified SDKs, pointed at this server, tell a story; the receiver gets what the guide
//! promises.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use millstream_e2e::{Control, Destination, Setup, eventually, settings};
use serde_json::{Value, json};

/// The webhook guide's template for events.
const GUIDE_EVENTS: &str = include_str!("../../crates/ftl/tests/guides/webhook-event.ftl");

/// The webhook guide's template for users.
const GUIDE_USERS: &str = include_str!("../../crates/ftl/tests/guides/webhook-user.ftl");

/// What the story tells, in order.
const STORY: [&str; 11] = [
    "$identify",
    "Page Viewed",
    "$identify",
    "$identify",
    "$groupidentify",
    "$identify",
    "revenue_amount",
    "Order Completed",
    "$identify",
    "$identify",
    "Left",
];
const ARRIVAL_LIMIT: Duration = Duration::from_secs(15);

#[tokio::test(flavor = "multi_thread")]
async fn what_the_python_sdk_sends_arrives_as_the_guide_promises() {
    story_arrives(&python(), "http").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_python_sdk_sends_in_bulk_arrives_as_the_guide_promises() {
    story_arrives(&python(), "batch").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_node_sdk_sends_arrives_as_the_guide_promises() {
    story_arrives(&node(), "http").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_node_sdk_sends_in_bulk_arrives_as_the_guide_promises() {
    story_arrives(&node(), "batch").await;
}

/// A client's program and script.
pub(super) struct Sdk {
    program: PathBuf,
    script: PathBuf,
}

fn python() -> Sdk {
    installed(
        "python/story.py",
        ".venv/bin/python",
        Path::new(".venv/bin/python"),
    )
}

fn node() -> Sdk {
    script("node/story.mjs")
}

/// The Node SDK, and a script that uses it.
pub(super) fn script(script: &str) -> Sdk {
    installed(script, "node/node_modules", Path::new("node"))
}

fn installed(script: &str, needs: &str, program: &Path) -> Sdk {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    assert!(
        tests.join(needs).exists(),
        "the SDKs are not installed: run tests/setup-clients"
    );
    let in_tests = tests.join(program);
    let program = if in_tests.is_file() {
        in_tests
    } else {
        program.to_owned()
    };
    Sdk {
        program,
        script: tests.join(script),
    }
}

/// Runs a script, told what to do by its last argument; the types and codes that the SDK reported.
pub(super) async fn tell(sdk: Sdk, server: String, api_key: String, told: String) -> Vec<Value> {
    let run = move || {
        Command::new(&sdk.program)
            .arg(&sdk.script)
            .args([&server, &api_key, &told])
            .stdin(Stdio::null())
            .output()
            .unwrap_or_else(|e| panic!("{} can't be run: {e}", sdk.program.display()))
    };
    let output = tokio::task::spawn_blocking(run)
        .await
        .expect("the story ends");
    let (told, errors) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(
        output.status.success(),
        "{}\n{told}\n{errors}",
        output.status
    );
    told.lines()
        .map(|line| serde_json::from_str(line).expect("a line of JSON"))
        .collect()
}

async fn story_arrives(sdk: &Sdk, endpoint: &'static str) {
    let setup = Setup::new();
    let server = setup.start().await;
    let control = Control::of(&server);
    let project = control.create_project("shop").await;
    let (plain, guide) = (Destination::start().await, Destination::start().await);
    let (users, guide_users) = (Destination::start().await, Destination::start().await);
    let mut syncs = Vec::new();
    for (destination, name, events, user) in [
        (
            &plain,
            "plain",
            json!({ "send": true }),
            json!({ "send": false }),
        ),
        (
            &guide,
            "guide",
            json!({ "send": true, "template": GUIDE_EVENTS }),
            json!({ "send": false }),
        ),
        (
            &users,
            "users",
            json!({ "send": false }),
            json!({ "send": true }),
        ),
        (
            &guide_users,
            "guide users",
            json!({ "send": false }),
            json!({ "send": true, "template": GUIDE_USERS }),
        ),
    ] {
        let mut chosen = settings(&destination.url());
        chosen["events"] = events;
        chosen["users"] = user;
        syncs.push(control.create_sync(&project, name, chosen).await);
    }

    let sdk = Sdk {
        program: sdk.program.clone(),
        script: sdk.script.clone(),
    };
    let told = tell(
        sdk,
        server.base().to_owned(),
        project.api_key.clone(),
        endpoint.to_owned(),
    )
    .await;
    let mut types: Vec<&str> = told
        .iter()
        .filter_map(|line| line["type"].as_str())
        .collect();
    let mut story = STORY;
    types.sort_unstable();
    story.sort_unstable();
    assert_eq!(types, story);
    assert!(told.iter().all(|line| line["code"] == 200), "{told:?}");

    let tracked = STORY.iter().filter(|kind| !kind.starts_with('$')).count();
    plain.wait_for(tracked, ARRIVAL_LIMIT).await;
    guide.wait_for(tracked, ARRIVAL_LIMIT).await;
    users.wait_for(STORY.len(), ARRIVAL_LIMIT).await;
    // The guide's template needs user properties; a group identify has none, and says why it failed.
    guide_users.wait_for(STORY.len() - 1, ARRIVAL_LIMIT).await;
    let discarded = async || control.status(&syncs[3]).await["counts"]["discarded"] == 1;
    eventually("the group identify is discarded", ARRIVAL_LIMIT, discarded).await;
    check_default_payloads(&plain);
    check_guide_payloads(&guide);
    check_users(&users);
    check_guide_users(&guide_users);
}

fn bodies(destination: &Destination) -> Vec<Value> {
    let received = destination.received();
    for request in received.iter() {
        assert_eq!(request.method, "POST");
        assert_eq!(request.header("content-type"), Some("application/json"));
        assert_eq!(request.header("user-agent"), Some("Millstream/Webhook/1.0"));
        assert_eq!(request.header("millstream-attempt"), Some("1"));
    }
    received
        .iter()
        .map(millstream_e2e::Received::json)
        .collect()
}

/// The one body whose `field` is `value`.
fn one(bodies: &[Value], field: &str, value: &str) -> Value {
    let found: Vec<_> = bodies.iter().filter(|body| body[field] == value).collect();
    assert_eq!(found.len(), 1, "{field} {value}: {found:?}");
    found[0].clone()
}

fn assert_time(value: &Value) {
    let text = value.as_str().expect("a time is text");
    let shape: String = text
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    assert_eq!(shape, "0000-00-00 00:00:00.000", "{text}");
}

/// The event as it is streamed, with the user's properties as they were after it.
fn check_default_payloads(destination: &Destination) {
    let bodies = bodies(destination);
    assert_eq!(bodies.len(), 4, "{bodies:?}");

    let viewed = one(&bodies, "event_type", "Page Viewed");
    assert_eq!(viewed["event_name"], "Page Viewed");
    assert_eq!(viewed["user_id"], "shopper-1");
    assert_eq!(viewed["device_id"], "device-1");
    assert_eq!(viewed["platform"], "Web");
    assert_eq!(viewed["version_name"], "1.2.3");
    assert_eq!(viewed["language"], "English");
    assert_eq!(
        viewed["event_properties"],
        json!({ "path": "/pricing", "from": "“search”" })
    );
    assert_time(&viewed["event_time"]);
    assert_time(&viewed["server_received_time"]);
    assert!(viewed["amplitude_id"].is_u64(), "{viewed}");
    assert!(
        viewed["$insert_id"].is_string() && viewed["uuid"].is_string(),
        "{viewed}"
    );
    assert_eq!(
        viewed["user_properties"],
        json!({
            "plan": "free", "email": "shopper@example.com", "first_seen": "2024-01-01", "visits": 1,
            "tags": ["a"], "queue": ["q1"], "seen": ["x"], "front": ["f1"],
        })
    );
    assert_eq!(viewed.get("groups"), None);

    let revenue = one(&bodies, "event_type", "revenue_amount");
    assert_eq!(
        revenue["event_properties"],
        json!({ "$productId": "sku-1", "$quantity": 2, "$price": 9.5, "$revenueType": "purchase" })
    );

    let order = one(&bodies, "event_type", "Order Completed");
    assert_eq!(order["amplitude_id"], viewed["amplitude_id"]);
    assert_eq!(order["event_properties"]["total"].as_f64(), Some(19.0));
    assert_eq!(
        order["user_properties"],
        json!({
            "plan": "pro", "email": "shopper@example.com", "first_seen": "2024-01-01", "visits": 3,
            "tags": ["b"], "seen": ["x", "y"], "front": ["f0", "f1"], "org": "acme",
        })
    );
    assert_eq!(order["groups"], json!({ "org": ["acme"] }));
    assert_eq!(
        order["group_properties"],
        json!({ "org": { "acme": { "seats": 5, "since": "2020", "projects": 2 } } })
    );

    let left = one(&bodies, "event_type", "Left");
    assert_eq!(left["user_properties"], json!({}));
    assert_ne!(left["amplitude_id"], order["amplitude_id"]);
}

fn check_guide_payloads(destination: &Destination) {
    let bodies = bodies(destination);
    assert_eq!(bodies.len(), 4, "{bodies:?}");
    for (name, user, email) in [
        ("Page Viewed", "shopper-1", "shopper@example.com"),
        ("revenue_amount", "shopper-1", "shopper@example.com"),
        ("Order Completed", "shopper-1", "shopper@example.com"),
        ("Left", "leaver-1", ""),
    ] {
        let mut body = one(&bodies, "name", name);
        assert_time(&body["time"].take());
        let expected = json!({ "external_id": user, "name": name, "time": null, "properties": { "email": email } });
        assert_eq!(body, expected);
    }
}

/// Every event sends its user, every identify too, as the update left them.
fn check_users(destination: &Destination) {
    let bodies = bodies(destination);
    assert_eq!(bodies.len(), STORY.len(), "{bodies:?}");
    let of = |user: &str| bodies.iter().filter(|body| body["user_id"] == user).count();
    assert_eq!((of("shopper-1"), of("leaver-1")), (7, 3));
    let visits = |n: i64| {
        let is = |body: &&Value| body["user_properties"]["visits"] == n;
        bodies.iter().filter(is).count()
    };
    // One identify and one event before the second identify; it, two more and two events behind.
    assert_eq!((visits(1), visits(3)), (2, 5), "{bodies:?}");
    for body in bodies.iter().filter(|body| body["user_id"].is_string()) {
        assert_time(&body["event_time"]);
        assert!(body["amplitude_id"].is_u64(), "{body}");
    }
}

fn check_guide_users(destination: &Destination) {
    let bodies = bodies(destination);
    assert_eq!(bodies.len(), STORY.len() - 1, "{bodies:?}");
    let shopper = bodies
        .iter()
        .filter(|body| body["external_id"] == "shopper-1");
    let shopper: Vec<_> = shopper.collect();
    assert_eq!(shopper.len(), 7);
    for body in shopper {
        assert_eq!(body["device_id"], "device-1");
        assert_eq!(
            body["properties"],
            json!({ "email": "shopper@example.com" })
        );
    }
}
