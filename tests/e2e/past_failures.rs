//! What failed of a backfill and of an import: seen with the sync's own failures, and mended like them.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use http::Method;
use millstream_e2e::{Control, Destination, Received, Reply, Server, Setup, eventually};
use serde_json::{Value, json};

use crate::imports::{archive, import, line};
use crate::replays::{make, send, show, until_done};

const LIMIT: Duration = Duration::from_secs(60);

/// Attempts end at once, and a destination that is down holds nothing back.
const CONFIG: &str = "[retry]\nattempts = 1\n[tries]\nmax = 1\n[breaker]\nfailures = 0";

const LIVE: usize = 20;
const LINES: usize = 15;

async fn get(control: &Control, path: &str) -> Value {
    control.granted(Method::GET, path, None).await.json()
}

/// A count of a scope's figures.
async fn counted(control: &Control, scope: &str, name: &str) -> u64 {
    let figures = get(control, &format!("{scope}/figures?step=hour")).await;
    figures["totals"][name].as_u64().expect("a count")
}

/// How often each delivery came, by its id: of those with the mark of a replay.
fn marked(received: &[Received]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    let marked = received.iter();
    for one in marked.filter(|one| one.header("millstream-backfill").is_some()) {
        *counts.entry(one.delivery_id().to_owned()).or_default() += 1;
    }
    counts
}

async fn replay_failed(setup: &Setup, server: &Server, more: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(setup.binary());
    command.args(["replay", "failed", "late", "--project", "history", "--json"]);
    command.args(["--server", server.base()]).args(more);
    command.env("MILLSTREAM_TOKEN", server.admin_token());
    let output = tokio::task::spawn_blocking(move || command.output()).await;
    let output = output.expect("it runs").expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    (output.status.code(), text.into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_of_past_events_is_seen_and_sent_again() {
    let setup = Setup::with_config(CONFIG);
    let mut server = setup.start().await;
    let control = Control::of(&server);
    let project = control.create_project("history").await;
    let of_project = format!("/projects/{}", project.id);
    let destination = Destination::start().await;
    let sync = control
        .create_sync(&project, "late", json!({"url": destination.url()}))
        .await;
    let ingest = control.ingest(&project);
    send(&ingest, "Tick", 0..LIVE as u64).await;
    destination.wait_for(LIVE, LIMIT).await;

    destination.script(|_| Reply::Status(503));
    let events = json!({"events": {"from": "2020-01-01T00:00:00Z"}});
    let backfill = make(&control, &sync, events).await;
    let lines: Vec<_> = (0..LINES as u64).map(line).collect();
    let folder = tempfile::tempdir().expect("a folder");
    let archive = archive(folder.path(), &lines);
    let (code, report) = import(&setup, &server, &archive, &[]).await;
    assert_eq!(code, 0, "{report}");
    let imported = report["replay"].as_str().expect("an id").to_owned();
    let all = (LIVE + LINES) as u64;
    eventually("all fail", LIMIT, async || {
        control.status(&sync).await["ended"] == all
    })
    .await;
    let (seen, failed) = {
        let received = destination.received();
        (received.len(), marked(&received))
    };
    assert_eq!((seen, failed.len()), (LIVE + all as usize, all as usize));

    // Each way to look at failures has them.
    let failures = get(&control, &format!("{sync}/failures")).await;
    assert_eq!(failures["failed"][0]["count"], all);
    let samples = failures["failed"][0]["samples"].as_array().expect("a list");
    let sample = &samples[0];
    assert!(sample["replay"].is_string(), "{sample}");
    let sample = get(&control, &format!("{sync}/samples/{}", sample["id"])).await;
    assert!(failed.contains_key(sample["delivery_id"].as_str().expect("an id")));
    let outcomes = get(
        &control,
        &format!("{sync}/outcomes?outcome=expired&limit=200"),
    )
    .await;
    let outcomes = outcomes["items"].as_array().expect("a list").clone();
    assert_eq!(outcomes.len(), all as usize);
    for one in &outcomes {
        assert!(
            failed.contains_key(one["delivery_id"].as_str().expect("an id")),
            "{one}"
        );
    }
    let path = format!("{sync}/outcomes?outcome=expired&insert_id=insert-4");
    let found = get(&control, &path).await["items"].clone();
    assert_eq!(
        (&found[0]["replay"], &found[0]["imported"]),
        (&json!(imported), &json!(true))
    );
    assert_eq!(found[1], Value::Null, "{found}");
    // What has ended names events that can be read.
    let path = format!("{sync}/replays/{imported}/ended");
    let ended = get(&control, &path).await["items"].clone();
    let before = ended[0]["offset"].as_u64().expect("a place") + 1;
    let path = format!("{of_project}/events?import={imported}&limit=1&before={before}");
    let event = get(&control, &path).await["items"][0].clone();
    assert_eq!(event["offset"], ended[0]["offset"]);
    assert!(event["event"]["uuid"].is_string(), "{event}");
    let path = format!("{sync}/deliveries/{}?import={imported}", event["offset"]);
    let delivery = get(&control, &path).await["deliveries"][0].clone();
    assert_eq!(delivery["delivery_id"], ended[0]["delivery_id"]);

    // Of an event that the sync had delivered before both are told.
    let why = get(&control, &format!("{of_project}/why?user=user-1&limit=1")).await;
    let verdicts = &why["events"][0]["syncs"][0]["verdicts"];
    let backfill_id = backfill.rsplit('/').next().expect("an id");
    assert_eq!(
        (&verdicts[0]["state"], &verdicts[0]["replay"]),
        (&json!("delivered"), &Value::Null)
    );
    assert_eq!(
        (&verdicts[1]["state"], &verdicts[1]["replay"]),
        (&json!("expired"), &json!(backfill_id)),
        "{verdicts}"
    );
    let why = get(&control, &format!("{of_project}/why?id=insert-4")).await;
    let event = &why["events"][0];
    assert_eq!(event["import"], imported, "{why}");
    assert_eq!(event["syncs"][0]["verdicts"][0]["state"], "expired");

    // All of it is the sync's and the project's.
    for scope in [&sync, &of_project] {
        assert_eq!(
            counted(&control, scope, "delivered_first").await,
            LIVE as u64
        );
        assert_eq!(counted(&control, scope, "expired").await, all);
    }
    until_done(&control, &backfill).await;
    server.kill();
    server = setup.start().await;
    destination.script(|_| Reply::Status(200));
    let (_, dry) = replay_failed(&setup, &server, &["--dry-run"]).await;
    let found = serde_json::Deserializer::from_str(&dry)
        .into_iter::<Value>()
        .next();
    let found = found.and_then(Result::ok).unwrap_or_default();
    assert_eq!(found["matching"], all, "{dry}");
    // It is killed on its way, too.
    let (code, told) = replay_failed(&setup, &server, &["--yes", "--rate", "600"]).await;
    assert_eq!(code, Some(0), "{told}");
    destination.wait_for(seen + 5, LIMIT).await;
    server.kill();
    server = setup.start().await;
    let control = Control::of(&server);
    let replays = get(&control, &format!("{sync}/replays")).await["items"].clone();
    let replay = replays
        .as_array()
        .and_then(|all| all.last())
        .expect("a replay")
        .clone();
    let replay = format!("{sync}/replays/{}", replay["id"].as_str().expect("an id"));
    let done = until_done(&control, &replay).await;
    assert_eq!(
        (&done["progress"]["total"], &done["progress"]["delivered"]),
        (&json!(all), &json!(all)),
        "{done}"
    );
    let (again, arrived) = {
        let received = destination.received();
        (marked(&received[seen..]), received.len())
    };
    let ids = |counts: &BTreeMap<String, usize>| counts.keys().cloned().collect::<Vec<_>>();
    assert_eq!(ids(&again), ids(&failed), "under the ids that they had");
    for scope in [&sync, &of_project] {
        assert_eq!(counted(&control, scope, "delivered_retry").await, all);
        assert_eq!(counted(&control, scope, "expired").await, all);
        assert_eq!(counted(&control, scope, "pending").await, 0);
    }
    // A crash may send twice what was under way, and counts it once.
    let twice: usize = again.values().map(|times| times - 1).sum();
    assert_eq!(arrived, seen + all as usize + twice);
    assert_eq!(control.status(&sync).await["ended"], 0);
    let shown = show(&control, &backfill).await;
    assert_eq!(shown["state"], "done");
    // What failed and was sent again counts as what became of it in the end.
    let progress = &shown["progress"];
    assert_eq!(
        ["begun", "delivered", "failed", "outstanding"].map(|name| &progress[name]),
        [LIVE as u64, LIVE as u64, 0, 0]
            .map(|count| json!(count))
            .each_ref(),
        "{progress}"
    );
}
