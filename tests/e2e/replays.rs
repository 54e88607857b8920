//! Sending again, with a real server: failed deliveries under the ids that they had.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::time::Duration;

use http::Method;
use millstream_e2e::{Control, Destination, Ingest, Received, Reply, Setup, eventually, track};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(60);

/// Events that a lane may have sent without having settled them.
const WINDOW: usize = 64;

/// Deliveries that fail expire at once.
const CONFIG: &str = "[retry]\nattempts = 1\n[tries]\nmax = 1\n[lanes]\nwindow = 64";

const MENDED: &str =
    r#"{"number": ${input.event_properties.number}, "type": "${input.event_type}"}"#;

pub(crate) async fn send(ingest: &Ingest, event_type: &str, numbers: std::ops::Range<u64>) {
    for first in numbers.clone().step_by(100) {
        let some = first..numbers.end.min(first + 100);
        let events = some.map(|number| {
            let user = format!("user-{}", number % 7);
            track(&user, event_type, json!({ "number": number }))
        });
        ingest.send(&events.collect::<Vec<_>>()).await;
    }
}

fn number(request: &Received) -> u64 {
    request.json()["number"].as_u64().expect("a number")
}

async fn ended(control: &Control, sync: &str) -> u64 {
    control.status(sync).await["ended"]
        .as_u64()
        .expect("a number")
}

async fn until_ended(control: &Control, sync: &str, count: u64) {
    eventually("deliveries end", LIMIT, async || {
        ended(control, sync).await == count
    })
    .await;
}

pub(crate) async fn make(control: &Control, sync: &str, input: Value) -> String {
    let replays = format!("{sync}/replays");
    let made = control.granted(Method::POST, &replays, Some(&input)).await;
    format!("{replays}/{}", made.json()["id"].as_str().expect("an id"))
}

pub(crate) async fn show(control: &Control, replay: &str) -> Value {
    control.granted(Method::GET, replay, None).await.json()
}

pub(crate) async fn until_done(control: &Control, replay: &str) -> Value {
    eventually("the replay is done", LIMIT, async || {
        show(control, replay).await["state"] == "done"
    })
    .await;
    show(control, replay).await
}

async fn mend(control: &Control, sync: &str) {
    let shown = control.granted(Method::GET, sync, None).await.json();
    let mut events = shown["events"].clone();
    events["template"] = json!(MENDED);
    let change = json!({ "events": events });
    control.granted(Method::PATCH, sync, Some(&change)).await;
}

/// A sync whose template fails for all of some events.
async fn discarding(control: &Control, destination: &Destination) -> (String, Ingest) {
    let project = control.create_project("replays").await;
    let settings = json!({
        "url": destination.url(), "events": {"template": "${input.absent}"},
    });
    let sync = control.create_sync(&project, "mended", settings).await;
    (sync, control.ingest(&project))
}

#[tokio::test(flavor = "multi_thread")]
async fn one_some_and_all_failed_deliveries_are_sent_again_under_their_ids() {
    let setup = Setup::with_config(CONFIG);
    let server = setup.start().await;
    let control = Control::of(&server);
    let project = control.create_project("failures").await;
    let destination = Destination::scripted(|_| Reply::Status(503)).await;
    let settings = json!({"url": destination.url(), "events": {"template": MENDED}});
    let sync = control.create_sync(&project, "down", settings).await;
    let ingest = control.ingest(&project);
    send(&ingest, "Tick", 0..10).await;
    send(&ingest, "Tock", 10..20).await;
    until_ended(&control, &sync, 20).await;
    let ids: BTreeMap<u64, String> = {
        let received = destination.received();
        let id = |request: &Received| (number(request), request.delivery_id().to_owned());
        received.iter().map(id).collect()
    };
    assert_eq!(ids.len(), 20);
    destination.script(|_| Reply::Status(200));

    let dry = json!({"failed": {"event_types": ["Tock"], "statuses": [503]}});
    let dry = control
        .granted(Method::POST, &format!("{sync}/replays/dry-run"), Some(&dry))
        .await
        .json();
    assert_eq!((&dry["estimate"], &dry["total"]), (&json!(10), &json!(20)));
    assert_eq!(
        dry["examples"][0]["now"]["request"]["url"],
        destination.url()
    );
    assert_eq!(destination.count(), 20, "nothing was sent");

    let chosen = json!({"failed": {"deliveries": [ids[&4]]}});
    let one = make(&control, &sync, chosen).await;
    assert_eq!(until_done(&control, &one).await["progress"]["delivered"], 1);
    assert_eq!(destination.received()[20].delivery_id(), ids[&4]);

    let some = make(
        &control,
        &sync,
        json!({"failed": {"event_types": ["Tock"]}}),
    )
    .await;
    assert_eq!(
        until_done(&control, &some).await["progress"]["delivered"],
        10
    );

    // The rest on the command line.
    let name = sync.rsplit('/').next().expect("an id").to_owned();
    let (binary, base, token) = (
        setup.binary().to_owned(),
        server.base().to_owned(),
        server.admin_token(),
    );
    let output = tokio::task::spawn_blocking(move || {
        let mut command = Command::new(binary);
        let command = command.args(["replay", "failed", &name, "--yes", "--wait", "--json"]);
        let command = command.args(["--server", &base, "--outcome", "expired"]);
        command.env("MILLSTREAM_TOKEN", token).output()
    });
    let output = output.await.expect("it runs").expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{text} {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let shown: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(
        (&shown["state"], &shown["progress"]["delivered"]),
        (&json!("done"), &json!(9))
    );

    let again = destination.received().split_off(20);
    assert_eq!(again.len(), 20);
    for request in &again {
        assert_eq!(request.delivery_id(), ids[&number(request)]);
    }
    let numbers: BTreeSet<_> = again.iter().map(number).collect();
    assert_eq!(numbers, (0..20).collect());
    assert_eq!(ended(&control, &sync).await, 0);
    let counts = control.status(&sync).await["counts"].clone();
    assert_eq!(
        (
            &counts["delivered_retry"],
            &counts["delivered_first"],
            &counts["expired"]
        ),
        (&json!(20), &json!(0), &json!(20))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_survives_kills_and_loses_nothing() {
    const EVENTS: u64 = 3000;
    let setup = Setup::with_config(CONFIG);
    let mut server = setup.start().await;
    let control = Control::of(&server);
    let destination = Destination::start().await;
    let (sync, ingest) = discarding(&control, &destination).await;
    send(&ingest, "Tick", 0..EVENTS).await;
    until_ended(&control, &sync, EVENTS).await;
    assert_eq!(destination.count(), 0);
    mend(&control, &sync).await;
    let input = json!({"failed": {"reasons": ["template"]}, "per_minute": 60_000});
    let replay = make(&control, &sync, input).await;
    let mut kills = 0;
    while destination.count() < EVENTS as usize * 3 / 4 {
        let before = destination.count();
        destination.wait_for(before + 300, LIMIT).await;
        server.kill();
        kills += 1;
        server = setup.start().await;
    }
    assert!(kills >= 3, "{kills} kills");
    let control = Control::of(&server);
    let done = until_done(&control, &replay).await;
    let progress = &done["progress"];
    assert_eq!(
        (
            &progress["begun"],
            &progress["delivered"],
            &progress["failed"]
        ),
        (&json!(EVENTS), &json!(EVENTS), &json!(0)),
        "{done}"
    );
    let status = control.status(&sync).await;
    assert_eq!(
        (&status["pending"], &status["ended"]),
        (&json!(0), &json!(0))
    );
    let received = destination.received();
    let numbers: BTreeSet<_> = received.iter().map(number).collect();
    assert_eq!(numbers, (0..EVENTS).collect());
    let ids: BTreeSet<_> = received
        .iter()
        .map(|one| one.delivery_id().to_owned())
        .collect();
    assert_eq!(
        ids.len() as u64,
        EVENTS,
        "each has one id, however often it was sent"
    );
    let most = EVENTS as usize + kills * WINDOW;
    assert!(received.len() <= most, "{} of {most}", received.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_keeps_its_rate_is_paused_resumed_and_cancelled() {
    let setup = Setup::with_config(CONFIG);
    let server = setup.start().await;
    let control = Control::of(&server);
    let destination = Destination::start().await;
    let (sync, ingest) = discarding(&control, &destination).await;
    send(&ingest, "Tick", 0..200).await;
    until_ended(&control, &sync, 200).await;
    mend(&control, &sync).await;
    let input = json!({"failed": {}, "per_minute": 1200});
    let replay = make(&control, &sync, input).await;
    destination.wait_for(60, LIMIT).await;
    {
        let received = destination.received();
        let took = received[59].at.duration_since(received[0].at);
        assert!(
            took >= Duration::from_millis(2700),
            "60 of 20 a second in {took:?}"
        );
    }
    let steer = async |verb: &str| {
        let path = format!("{replay}/{verb}");
        control.granted(Method::POST, &path, None).await.json()
    };
    assert_eq!(steer("pause").await["state"], "paused");
    // What is begun already goes on for a second.
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let before = destination.count();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(destination.count(), before);
    assert_eq!(steer("resume").await["state"], "running");
    destination.wait_for(before + 20, LIMIT).await;
    assert_eq!(steer("cancel").await["state"], "cancelled");
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let progress = show(&control, &replay).await["progress"].clone();
    let count = destination.count() as u64;
    assert_eq!(
        (&progress["begun"], &progress["delivered"]),
        (&json!(count), &json!(count))
    );
    assert_eq!(ended(&control, &sync).await, 200 - count);
    let refused = control
        .call(Method::POST, &format!("{replay}/resume"), None)
        .await;
    assert_eq!(refused.status, 409);
}

/// What was received until a second from now, as clients write it.
fn received_until_now() -> Value {
    json!({"from": "2020-01-01T00:00:00Z"})
}

#[tokio::test(flavor = "multi_thread")]
async fn past_events_are_sent_marked_with_new_ids_and_survive_kills() {
    const EVENTS: u64 = 2000;
    let setup = Setup::with_config(CONFIG);
    let mut server = setup.start().await;
    let control = Control::of(&server);
    let project = control.create_project("past").await;
    let ingest = control.ingest(&project);
    let early = Destination::start().await;
    let settings = json!({"url": early.url(), "events": {"template": MENDED}});
    control.create_sync(&project, "early", settings).await;
    send(&ingest, "Tick", 0..EVENTS).await;
    send(&ingest, "Tock", 0..500).await;
    early.wait_for(EVENTS as usize + 500, LIMIT).await;
    let first: BTreeSet<_> = {
        let received = early.received();
        received
            .iter()
            .map(|one| one.delivery_id().to_owned())
            .collect()
    };

    // A sync that is made later gets what came before only by being asked to.
    let late = Destination::start().await;
    let settings = json!({"url": late.url(), "events": {"template": MENDED}});
    let sync = control.create_sync(&project, "late", settings).await;
    let mut events = received_until_now();
    events["select"] = json!({"types": [{"event_type": "Tick"}]});
    let dry = json!({ "events": events });
    let dry = control
        .granted(Method::POST, &format!("{sync}/replays/dry-run"), Some(&dry))
        .await
        .json();
    assert_eq!(
        (&dry["estimate"], &dry["total"], &dry["exact"]),
        (&json!(EVENTS), &json!(EVENTS + 500), &json!(true)),
        "{dry}"
    );
    assert_eq!(late.count(), 0);

    let input = json!({"events": events, "per_minute": 60_000});
    let replay = make(&control, &sync, input).await;
    let id = replay.rsplit('/').next().expect("an id").to_owned();
    let mut kills = 0;
    while late.count() < EVENTS as usize * 3 / 4 {
        let before = late.count();
        late.wait_for(before + 300, LIMIT).await;
        server.kill();
        kills += 1;
        server = setup.start().await;
    }
    assert!(kills >= 2, "{kills} kills");
    let control = Control::of(&server);
    let done = until_done(&control, &replay).await;
    let progress = &done["progress"];
    assert_eq!(
        (
            &progress["delivered"],
            &progress["failed"],
            &progress["looked_at"]
        ),
        (&json!(EVENTS), &json!(0), &json!(EVENTS + 500)),
        "{done}"
    );
    let received = late.received();
    let numbers: BTreeSet<_> = received.iter().map(number).collect();
    assert_eq!(numbers, (0..EVENTS).collect());
    let ids: BTreeSet<_> = received
        .iter()
        .map(|one| one.delivery_id().to_owned())
        .collect();
    assert_eq!(ids.len() as u64, EVENTS);
    assert!(ids.is_disjoint(&first));
    assert!(
        received
            .iter()
            .all(|one| one.header("millstream-backfill") == Some(&*id))
    );
    assert!(received.iter().all(|one| one.json()["type"] == "Tick"));
    let most = EVENTS as usize + kills * WINDOW;
    assert!(received.len() <= most, "{} of {most}", received.len());
    assert_eq!(
        early.count(),
        EVENTS as usize + 500,
        "nobody else sees them"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backfill_is_paused_with_its_sync_cancelled_and_gone_with_it() {
    let setup = Setup::with_config(CONFIG);
    let server = setup.start().await;
    let control = Control::of(&server);
    let project = control.create_project("steered").await;
    let ingest = control.ingest(&project);
    let destination = Destination::start().await;
    let settings = json!({"url": destination.url(), "events": {"template": MENDED}});
    let sync = control.create_sync(&project, "steered", settings).await;
    send(&ingest, "Tick", 0..300).await;
    destination.wait_for(300, LIMIT).await;
    let input = json!({"events": received_until_now(), "per_minute": 1200});
    let replay = make(&control, &sync, input.clone()).await;
    destination.wait_for(330, LIMIT).await;
    control.disable(&sync).await;
    let before = destination.count();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(destination.count(), before);
    let shown = show(&control, &replay).await;
    assert_eq!(shown["waits_for"], "the sync is switched off");
    control.enable(&sync).await;
    destination.wait_for(before + 20, LIMIT).await;
    let path = format!("{replay}/cancel");
    let cancelled = control.granted(Method::POST, &path, None).await.json();
    assert_eq!(cancelled["state"], "cancelled");
    let count = destination.count();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(destination.count(), count);
    let delivered = show(&control, &replay).await["progress"]["delivered"].clone();
    assert_eq!(delivered, json!(count - 300));
    make(&control, &sync, input).await;
    destination.wait_for(count + 5, LIMIT).await;
    control.delete(&sync).await;
    let count = destination.count();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(destination.count(), count);
}
