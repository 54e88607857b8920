//! Figures add up to what the destination itself counted, through kills and restarts.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::Method;
use millstream_e2e::{
    Control, Destination, Ingest, Project, Received, Reply, Server, Setup, eventually, settings,
};
use model::Random;
use model::random::Seeded;
use serde_json::{Value, json};

/// How often the server is killed.
const KILLS: usize = 8;

/// What a destination saw of its deliveries, by their ids.
#[derive(Clone, Debug, Default)]
struct Seen {
    /// Answered 200, with the attempt that was.
    taken: BTreeMap<String, u64>,
    /// Answered 404 at each attempt.
    refused: BTreeMap<String, u64>,
    requests: u64,
}

impl Seen {
    fn with_attempt(&self, fits: impl Fn(u64) -> bool) -> u64 {
        self.taken
            .values()
            .filter(|attempt| fits(**attempt))
            .count() as u64
    }
}

/// Of sixteen deliveries one is taken at the second attempt, and one never; which, its id says, so
/// that a repetition is answered as it was before.
fn decide(request: &Received, seen: &Mutex<Seen>) -> Reply {
    let id = request.delivery_id().to_owned();
    let attempt = request.header("millstream-attempt").expect("an attempt");
    let attempt = attempt.parse().expect("a number");
    let mut seen = seen.lock().expect("no panic");
    seen.requests += 1;
    match id.chars().last() {
        Some('0') if attempt == 1 => Reply::Status(503),
        Some('1') => {
            seen.refused.insert(id, attempt);
            Reply::Status(404)
        }
        _ => {
            let first = seen.taken.entry(id).or_insert(attempt);
            assert_eq!(*first, attempt, "what was taken is not tried again");
            Reply::Status(200)
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_equal_the_receivers_own_through_kills_and_restarts() {
    let seed = Seeded::from_entropy().next_u64();
    println!("seed {seed}");
    let random = Seeded::new(seed);
    let setup =
        Setup::with_config("[lanes]\nwindow = 64\n[retry]\nattempts = 2\nfirst_delay = \"400ms\"");
    let mut server = setup.start().await;
    let control = Control::of(&server);
    let project = control.create_project("figures").await;
    let seen = Arc::new(Mutex::new(Seen::default()));
    let told = Arc::clone(&seen);
    let destination = Destination::scripted(move |request| decide(request, &told)).await;
    let mut chosen = settings(&destination.url());
    // One event of ten has no number: nothing can be made of it. Of others' types nothing is wanted.
    chosen["events"] = json!({
        "send": true,
        "select": { "types": [{ "event_type": "Step" }] },
        "template": r#"{"number":${input.event_properties.number}}"#,
    });
    let sync = control.create_sync(&project, "counted", chosen).await;

    let ingest = control.ingest(&project);
    let stop = Arc::new(AtomicBool::new(false));
    let sent = tokio::spawn(upload(ingest, Arc::clone(&stop)));
    for kill in 0..KILLS {
        tokio::time::sleep(Duration::from_millis(300 + random.next_u64() % 700)).await;
        if kill % 3 == 2 {
            server.terminate(Duration::from_secs(20)).await;
        } else {
            server.kill();
        }
        server = setup.start().await;
    }
    stop.store(true, Ordering::Relaxed);
    let sent = sent.await.expect("the upload ends");
    assert!(sent > 200, "only {sent} events");

    eventually(
        "everything is settled",
        Duration::from_secs(60),
        async || {
            let status = control.status(&sync).await;
            status["backlog"] == 0 && status["pending"] == 0 && status["in_flight"] == 0
        },
    )
    .await;
    let counted = seen.lock().expect("no panic").clone();
    compare(&control, &project, &sync, sent, &counted).await;
    summary(&server, &control, &project, &sync, &seen).await;

    // Once more, from the disk alone.
    server.kill();
    let server = setup.start().await;
    let counted = seen.lock().expect("no panic").clone();
    compare(&control, &project, &sync, sent, &counted).await;
    drop(server);
}

/// Uploads events ten at a time, each time again until they are acknowledged; how many.
async fn upload(ingest: Ingest, stop: Arc<AtomicBool>) -> u64 {
    let mut number = 0;
    loop {
        let events: Vec<_> = (number..number + 10).map(event).collect();
        match ingest.try_batch(&events).await {
            Ok(answer) if answer.status == 200 => {
                number += 10;
                if stop.load(Ordering::Relaxed) {
                    return number;
                }
            }
            Ok(answer) => assert_eq!(answer.status, 503, "{}", answer.text()),
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

fn event(number: u64) -> Value {
    let mut event = json!({
        "user_id": format!("user-{}", number % 7),
        "device_id": "one-device",
        "event_type": if number % 10 == 3 { "Other" } else { "Step" },
        "insert_id": format!("event-{number}"),
        "event_properties": { "number": number },
    });
    if number % 10 == 4 {
        event["event_properties"] = json!({});
    }
    event
}

async fn compare(control: &Control, project: &Project, sync: &str, sent: u64, seen: &Seen) {
    let (first, retried) = (seen.with_attempt(|n| n == 1), seen.with_attempt(|n| n > 1));
    let refused = seen.refused.len() as u64;
    assert!(first > 0 && retried > 0 && refused > 0, "{seen:?}");
    for step in ["minute", "hour"] {
        let of_sync = format!("{sync}/figures?step={step}");
        let of_project = format!("/projects/{}/figures?step={step}", project.id);
        for path in [of_sync, of_project] {
            let told = control.granted(Method::GET, &path, None).await.json();
            let totals = &told["totals"];
            let count = |name: &str| totals[name].as_u64().expect("a count");
            let counts = [
                "received",
                "filtered",
                "discarded",
                "delivered_first",
                "delivered_retry",
                "expired",
                "pending",
                "failed_attempts",
            ]
            .map(|name| (name, count(name)));
            let expected = [
                ("received", sent),
                ("filtered", sent / 10),
                ("discarded", sent / 10),
                ("delivered_first", first),
                ("delivered_retry", retried),
                ("expired", refused),
                ("pending", 0),
                // One before each retry that was taken, two before each delivery that expired.
                ("failed_attempts", retried + 2 * refused),
            ];
            assert_eq!(counts, expected, "{path}");
            assert_eq!(
                totals["discarded_by_reason"],
                json!({"template": sent / 10})
            );
            let failures = json!([
                {"category": "client_error", "status": 404, "count": 2 * refused},
                {"category": "server_error", "status": 503, "count": retried},
            ]);
            assert_eq!(totals["failures"], failures);
            // What was sent and not settled before a kill is not counted: it was sent again.
            assert!(count("requests") <= seen.requests);
            let latency = &totals["latency_seconds"];
            assert!(
                latency["p99"].as_f64() > latency["p50"].as_f64(),
                "{latency}"
            );
        }
    }
    assert_eq!(sent, first + retried + refused + 2 * (sent / 10));
}

async fn summary(
    server: &Server,
    control: &Control,
    project: &Project,
    sync: &str,
    seen: &Mutex<Seen>,
) {
    let rotate = format!("/projects/{}/secret-key/rotate", project.id);
    let made = control
        .granted(Method::POST, &rotate, Some(&json!({"overlap_seconds": 0})))
        .await;
    let made = made.json();
    let secret_key = made["secret_key"].as_str().expect("a key");
    let basic = basic(&format!("{}:{secret_key}", project.api_key));
    let sync = sync.rsplit('/').next().expect("an id");
    let url = format!(
        "{}/api/2/event-streaming/delivery-metrics-summary?sync_id={sync}&time_period=ONE_HOUR",
        server.base()
    );
    let headers = [("authorization", basic.as_str())];
    let answer = server.client().send(Method::GET, &url, &headers, "").await;
    let answer = answer.expect("an answer");
    assert_eq!(answer.status, 200, "{}", answer.text());
    let told = answer.json();
    let seen = seen.lock().expect("no panic");
    assert_eq!(told["eventsDelivered"], seen.taken.len());
    assert_eq!(told["successOnFirstAttempt"], seen.with_attempt(|n| n == 1));
    assert_eq!(told["successAfterRetry"], seen.with_attempt(|n| n > 1));
    assert_eq!(told["eventsExpired"], seen.refused.len());
    assert!(told["latencyInSeconds"].as_f64() > Some(0.0), "{told}");
}

/// Credentials of Basic authentication.
fn basic(text: &str) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut encoded = "Basic ".to_owned();
    for bytes in text.as_bytes().chunks(3) {
        let mut group = [0; 3];
        group[..bytes.len()].copy_from_slice(bytes);
        let bits = u32::from_be_bytes([0, group[0], group[1], group[2]]);
        for place in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * place) & 63) as usize] as char;
            encoded.push(if place <= bytes.len() { letter } else { '=' });
        }
    }
    encoded
}
