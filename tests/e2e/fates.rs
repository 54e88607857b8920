//! What the server says became of each event is what the destination saw of it, through kills; and each
//! thing that can become of an event is told by `why`.

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::Method;
use millstream_e2e::{
    Control, Destination, Ingest, Project, Received, Reply, Setup, eventually, settings,
};
use model::Random;
use model::random::Seeded;
use serde_json::{Value, json};

/// How often the server is killed.
const KILLS: usize = 6;

/// What a destination did with deliveries, by their ids.
#[derive(Debug, Default)]
struct Seen {
    /// Answered 200, with the attempt that was.
    taken: BTreeMap<String, u64>,
    /// Never taken.
    refused: BTreeMap<String, u64>,
}

/// Of sixteen deliveries one is taken at the second attempt, and one never.
fn decide(request: &Received, seen: &Mutex<Seen>) -> Reply {
    let id = request.delivery_id().to_owned();
    let attempt = request.header("millstream-attempt").expect("an attempt");
    let attempt = attempt.parse().expect("a number");
    let mut seen = seen.lock().expect("no panic");
    match id.chars().last() {
        Some('0') if attempt == 1 => Reply::Status(503),
        Some('1') => {
            seen.refused.insert(id, attempt);
            Reply::Status(404)
        }
        _ => {
            seen.taken.entry(id).or_insert(attempt);
            Reply::Status(200)
        }
    }
}

fn event(number: u64) -> Value {
    let mut event = json!({
        "user_id": format!("user-{}", number % 7),
        "event_type": if number % 10 == 3 { "Other" } else { "Step" },
        "insert_id": format!("event-{number}"),
        "event_properties": { "number": number },
    });
    if number % 10 == 4 {
        event["event_properties"] = json!({});
    }
    event
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
                // What is sent is asked for one by one below.
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Ok(answer) => assert_eq!(answer.status, 503, "{}", answer.text()),
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

/// The positions and insert ids of all events of a project.
async fn events(control: &Control, project: &Project) -> Vec<(u64, String)> {
    let (mut all, mut before) = (Vec::new(), None);
    loop {
        let before_text = before.map_or(String::new(), |before: u64| format!("&before={before}"));
        let path = format!("/projects/{}/events?limit=200{before_text}", project.id);
        let page = control.granted(Method::GET, &path, None).await.json();
        for item in page["items"].as_array().expect("a list") {
            let id = item["event"]["$insert_id"].as_str().expect("an id");
            all.push((item["offset"].as_u64().expect("a number"), id.to_owned()));
        }
        before = page["next"].as_u64();
        if before.is_none() {
            return all;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_told_of_each_event_is_what_the_destination_saw_through_kills() {
    let seed = Seeded::from_entropy().next_u64();
    println!("seed {seed}");
    let random = Seeded::new(seed);
    let setup = Setup::with_config(
        "[access]\nrequests_per_second = 0\n[lanes]\nwindow = 64\n[retry]\nattempts = 2\nfirst_delay = \"400ms\"",
    );
    let mut server = setup.start().await;
    let control = Control::of(&server);
    let project = control.create_project("fates").await;
    let seen = Arc::new(Mutex::new(Seen::default()));
    let told = Arc::clone(&seen);
    let destination = Destination::scripted(move |request| decide(request, &told)).await;
    let mut chosen = settings(&destination.url());
    chosen["events"] = json!({
        "send": true,
        "select": { "types": [{ "event_type": "Step" }] },
        "template": r#"{"number":${input.event_properties.number}}"#,
    });
    let sync = control.create_sync(&project, "told", chosen).await;
    let stop = Arc::new(AtomicBool::new(false));
    let sent = tokio::spawn(upload(control.ingest(&project), Arc::clone(&stop)));
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
    eventually(
        "everything is settled",
        Duration::from_secs(60),
        async || {
            let status = control.status(&sync).await;
            status["backlog"] == 0 && status["pending"] == 0 && status["in_flight"] == 0
        },
    )
    .await;
    // From the disk alone.
    server.kill();
    let server = setup.start().await;
    let all = events(&control, &project).await;
    assert_eq!(all.len() as u64, sent);
    let (mut taken, mut refused) = (BTreeMap::new(), BTreeMap::new());
    for (offset, insert_id) in &all {
        let path = format!("{sync}/deliveries/{offset}");
        let fate = control.granted(Method::GET, &path, None).await.json();
        assert_eq!(fate["standing"], "settled", "{fate}");
        let number: u64 = insert_id["event-".len()..].parse().expect("a number");
        let delivery = &fate["deliveries"][0];
        let id = delivery["delivery_id"].as_str().map(str::to_owned);
        match (number % 10, delivery["state"].as_str()) {
            (3, None) => {}
            (4, Some("discarded")) => assert_eq!(delivery["reason"], "template"),
            (_, Some("delivered")) => {
                let attempt = delivery["attempt"].as_u64().expect("a number");
                let failed = delivery["attempts"].as_array().expect("a list").len() as u64;
                // Those that failed, and the one that was taken; none where the first was taken.
                assert_eq!(failed, if attempt == 1 { 0 } else { attempt }, "{delivery}");
                taken.insert(id.expect("an id"), attempt);
            }
            (_, Some("expired")) => {
                assert_eq!(delivery["attempts_made"], 2);
                assert_eq!(delivery["last_failure"]["status"], 404);
                refused.insert(id.expect("an id"), 2);
            }
            other => panic!("{insert_id}: {other:?} {fate}"),
        }
    }
    let seen = seen.lock().expect("no panic");
    assert_eq!(taken, seen.taken);
    assert_eq!(refused, seen.refused);
    assert!(taken.values().any(|attempt| *attempt == 2) && !refused.is_empty());
    drop(server);
}

/// The verdict of the only sync, or of the sync of this name, on the event with this id.
async fn verdict(control: &Control, project: &Project, id: &str, sync: &str) -> Value {
    let path = format!("/projects/{}/why?id={id}", project.id);
    let why = control.granted(Method::GET, &path, None).await.json();
    let syncs = why["events"][0]["syncs"].as_array().expect("syncs");
    let found = syncs.iter().find(|one| one["name"] == sync);
    found.expect("the sync")["verdicts"][0].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn why_tells_all_that_can_become_of_an_event() {
    let setup = Setup::with_config("[retry]\nattempts = 3\nfirst_delay = \"700ms\"");
    let server = setup.start().await;
    let control = Control::of(&server);
    let project = control.create_project("why").await;
    let destination = Destination::scripted(|request| {
        let attempt = request.header("millstream-attempt").unwrap_or_default();
        match (request.path.trim_start_matches("/hook"), attempt) {
            ("/fine", _) | ("/later", "2") => Reply::Status(201),
            _ => Reply::Full(500, "set-cookie: session=secret", "out of order".into()),
        }
    })
    .await;
    let url = |path: &str| settings(&format!("{}{path}", destination.url()));
    let choosy = json!({"select": {"all": {"condition": {"test": {
        "property": {"scope": "event", "name": "total"}, "operator": "greater", "values": [100]}}}}});
    let mut choosy_settings = url("/fine");
    choosy_settings["events"] = choosy;
    let mut broken = url("/fine");
    broken["events"] = json!({"template": "${input.event_properties.missing}"});
    for (name, settings) in [
        ("fine", url("/fine")),
        ("choosy", choosy_settings),
        ("later", url("/later")),
        ("down", url("/down")),
        ("broken", broken),
    ] {
        control.create_sync(&project, name, settings).await;
    }
    let paused = control.create_sync(&project, "paused", url("/fine")).await;
    control.disable(&paused).await;

    let event = json!({"user_id": "ann-1234", "event_type": "Bought", "insert_id": "the-one",
        "event_properties": {"total": 59.9}});
    let ingest = control.ingest(&project);
    ingest.send(&[event]).await;
    let of = async |sync: &str| verdict(&control, &project, "the-one", sync).await;
    let until = async |sync: &str, state: &str| {
        eventually(
            &format!("{sync} is {state}"),
            Duration::from_secs(30),
            async || of(sync).await["state"] == state,
        )
        .await;
        of(sync).await
    };
    let pending = until("down", "pending").await;
    let summary = pending["summary"].as_str().expect("a text");
    assert!(summary.contains("the next attempt is due at"), "{summary}");
    let fine = until("fine", "delivered").await;
    assert!(
        fine["summary"]
            .as_str()
            .expect("a text")
            .contains("at attempt 1 in"),
        "{fine}"
    );
    let choosy = until("choosy", "filtered").await;
    assert!(
        choosy["summary"].as_str().expect("a text").contains("59.9"),
        "{choosy}"
    );
    let broken = until("broken", "discarded").await;
    assert_eq!(broken["delivery"]["reason"], "template");
    let later = until("later", "delivered").await;
    assert_eq!(
        later["delivery"]["attempts"]
            .as_array()
            .expect("a list")
            .len(),
        2
    );
    let waiting = of("paused").await;
    assert_eq!(
        (&waiting["state"], &waiting["events_before"]),
        (&json!("waiting"), &json!(0))
    );
    assert!(
        waiting["summary"]
            .as_str()
            .expect("a text")
            .contains("paused"),
        "{waiting}"
    );
    let expired = until("down", "expired").await;
    assert_eq!(
        expired["delivery"]["attempts"]
            .as_array()
            .expect("a list")
            .len(),
        3
    );

    // The failure explains itself.
    let syncs = format!("/projects/{}/syncs", project.id);
    let syncs = control.granted(Method::GET, &syncs, None).await.json();
    let syncs = syncs["items"].as_array().expect("a list");
    let down = syncs
        .iter()
        .find(|sync| sync["name"] == "down")
        .expect("it is there");
    let down = format!(
        "/projects/{}/syncs/{}",
        project.id,
        down["id"].as_str().expect("an id")
    );
    let failures = control
        .granted(Method::GET, &format!("{down}/failures"), None)
        .await
        .json();
    let group = &failures["failed"][0];
    assert_eq!(
        (&group["category"], &group["count"]),
        (&json!("server_error"), &json!(3))
    );
    let sample = format!("{down}/samples/{}", group["samples"][0]["id"]);
    let sample = control.granted(Method::GET, &sample, None).await.json();
    assert_eq!(sample["response"]["body"], "out of order");
    assert_eq!(sample["event"]["event_properties"]["total"], 59.9);
    assert!(
        sample["request"]["url"]
            .as_str()
            .expect("a text")
            .ends_with("/down")
    );
    assert!(!sample.to_string().contains("session=secret"));

    // What was never accepted.
    let wrong = json!({"user_id": "ann-1234", "event_type": "Bought", "insert_id": "lost", "time": "today"});
    let refused = ingest.try_send(&[wrong]).await.expect("an answer");
    assert_eq!(refused.status, 400, "{}", refused.text());
    let answer = millstream(&setup, &server, &["why", "lost", "--json"]);
    assert_eq!(answer[0]["events"], json!([]));
    let refused = &answer[0]["refused"][0];
    assert_eq!(
        (&refused["reason"], &refused["status"]),
        (&json!("invalid_fields"), &json!(400))
    );
    assert_eq!(
        refused["answer"]["events_with_invalid_fields"],
        json!({"time": [0]})
    );
    let beginning = refused["beginning"].as_str().expect("a text");
    assert!(
        beginning.contains("lost") && !beginning.contains(&project.api_key),
        "{beginning}"
    );
    let answer = millstream(
        &setup,
        &server,
        &["why", "--user", "ann-1234", "--project", "why", "--json"],
    );
    assert_eq!(answer[0]["events"][0]["insert_id"], "the-one");
}

/// What a command prints as JSON.
fn millstream(setup: &Setup, server: &millstream_e2e::Server, arguments: &[&str]) -> Value {
    let output = Command::new(setup.binary())
        .args(arguments)
        .env("MILLSTREAM_URL", server.base())
        .env("MILLSTREAM_TOKEN", server.admin_token())
        .output()
        .expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let error = String::from_utf8_lossy(&output.stderr);
    serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}\n{error}"))
}
