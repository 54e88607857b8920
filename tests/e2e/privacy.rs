//! Users who are erased, and values that nobody is to see.

use std::fs;
use std::path::Path;
use std::time::Duration;

use http::Method;
use millstream_e2e::{Control, Destination, Reply, Setup, eventually, settings, track};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(30);

/// What is hers alone.
const HERS: [&str; 3] = ["zoe-7f3a-id", "zoe@private.example", "her-words"];

/// Files of the journal that have one of these texts.
fn files_with(data: &Path, texts: &[&str]) -> Vec<String> {
    let entries = fs::read_dir(data.join("journal")).expect("the journal's folder");
    let paths = entries.map(|entry| entry.expect("a file").path());
    let has = |content: &[u8], text: &str| {
        let text = text.as_bytes();
        content.windows(text.len()).any(|window| window == text)
    };
    let found = paths.filter(|path| {
        let content = fs::read(path).unwrap_or_default();
        texts.iter().any(|text| has(&content, text))
    });
    found.map(|path| path.display().to_string()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_an_erased_user_is_left_and_others_go_on() {
    let setup = Setup::new();
    let server = setup.start().await;
    let control = Control::of(&server);
    let project = control.create_project("privacy").await;
    let ingest = control.ingest(&project);
    let fine = Destination::start().await;
    // Refuses with what it was sent: pending retries hold it.
    let echoing = Destination::scripted(|received| {
        let body = String::from_utf8_lossy(&received.body).into_owned();
        Reply::Full(500, "x-echo: yes", body)
    })
    .await;
    let sync = control
        .create_sync(&project, "fine", settings(&fine.url()))
        .await;
    control
        .create_sync(&project, "echoing", settings(&echoing.url()))
        .await;
    for number in 0..50 {
        let properties = json!({"words": format!("{} {number}", HERS[2])});
        let mut hers = track(HERS[0], "Said", properties);
        hers["user_properties"] = json!({"mail": HERS[1]});
        let his = track("bob-id", "Said", json!({"words": format!("his {number}")}));
        ingest.send(&[hers, his]).await;
    }
    fine.wait_for(100, LIMIT).await;
    assert!(!files_with(setup.data(), &HERS).is_empty());
    let path = format!("/projects/{}", project.id);
    let events = async || {
        let page = format!("{path}/events?limit=200");
        let page = control.granted(Method::GET, &page, None).await.json();
        page["items"].clone()
    };
    let of_bob = |events: &Value| -> Vec<Value> {
        let events = events.as_array().expect("a list").iter();
        let his = events.filter(|each| each["event"]["user_id"] == "bob-id");
        his.cloned().collect()
    };
    let before = of_bob(&events().await);
    assert_eq!(before.len(), 50);

    let erase = json!({"user_id": HERS[0]});
    let erasures = format!("{path}/erasures");
    let begun = control.granted(Method::POST, &erasures, Some(&erase)).await;
    let one = format!("{erasures}/{}", begun.json()["id"].as_str().expect("an id"));
    let shown = async || control.granted(Method::GET, &one, None).await.json();
    eventually("the erasure is done", LIMIT, async || {
        shown().await["state"] == "done"
    })
    .await;
    let done = shown().await;
    assert_eq!(
        (&done["found"]["events"], &done["found"]["users"]),
        (&json!(50), &json!(1))
    );
    assert_eq!(files_with(setup.data(), &HERS), Vec::<String>::new());
    let after = events().await;
    assert_eq!(of_bob(&after), before);
    assert_eq!(after.as_array().expect("a list").len(), 50);
    assert_eq!(control.status(&sync).await["health"], "healthy");

    // She comes back as somebody else, and is sent like anybody.
    ingest.send(&[track(HERS[0], "Back", json!({}))]).await;
    fine.wait_for(101, LIMIT).await;
    let back = fine.received().last().expect("a request").json();
    assert_eq!(back["user_properties"], json!({}));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_is_erased_with_its_user_and_goes_with_its_sync() {
    let setup = Setup::new();
    let server = setup.start().await;
    let control = Control::of(&server);
    let project = control.create_project("privacy").await;
    let fine = Destination::start().await;
    let sync = control
        .create_sync(&project, "late", settings(&fine.url()))
        .await;
    control.disable(&sync).await;
    let ingest = control.ingest(&project);
    ingest.send(&[track(HERS[0], "Said", json!({}))]).await;
    let line = |user: &str, number: usize, words: &str| {
        let line = json!({
            "event_type": "Said", "event_time": "2025-06-01 10:00:00.000000",
            "uuid": format!("{user}-{number}"), "user_id": user,
            "event_properties": {"words": format!("{words} {number}")},
        });
        line.to_string()
    };
    let lines: Vec<_> = (0..20)
        .flat_map(|number| {
            [
                line(HERS[0], number, HERS[2]),
                line("bob-id", number, "bobs-words"),
            ]
        })
        .collect();
    let replays = format!("{sync}/replays");
    let import = json!({"import": {"name": "export.zip", "digest": "5e".repeat(32)}});
    let made = control
        .granted(Method::POST, &replays, Some(&import))
        .await
        .json();
    let replay = format!("{replays}/{}", made["id"].as_str().expect("an id"));
    let body = json!({"lines": lines});
    let append = format!("{replay}/lines");
    control.granted(Method::POST, &append, Some(&body)).await;
    let complete = format!("{replay}/complete");
    control.granted(Method::POST, &complete, None).await;
    let path = format!("/projects/{}", project.id);
    let retention = format!("{path}/retention");
    let held = control.granted(Method::GET, &retention, None).await.json();
    assert!(held["bytes"].as_u64() > Some(5000), "{held}");

    let erase = json!({"user_id": HERS[0]});
    let erasures = format!("{path}/erasures");
    let begun = control.granted(Method::POST, &erasures, Some(&erase)).await;
    let one = format!("{erasures}/{}", begun.json()["id"].as_str().expect("an id"));
    let shown = async || control.granted(Method::GET, &one, None).await.json();
    eventually("the erasure is done", LIMIT, async || {
        shown().await["state"] == "done"
    })
    .await;
    assert_eq!(shown().await["found"]["events"], json!(21));
    assert_eq!(files_with(setup.data(), &HERS), Vec::<String>::new());
    assert!(!files_with(setup.data(), &["bobs-words"]).is_empty());
    control.enable(&sync).await;
    fine.wait_for(20, LIMIT).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let received = fine.received();
    let his = received.iter().map(|one| one.json());
    assert!(his.clone().all(|body| body["user_id"] == "bob-id"));
    assert_eq!(his.count(), 20);
}
