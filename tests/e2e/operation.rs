//! What an operator does while events flow: switching syncs, restarting, looking, being refused.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::Method;
use millstream_e2e::{Control, Destination, Ingest, Reply, Setup, eventually, settings, track};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(15);

fn numbers(destination: &Destination) -> Vec<u64> {
    let received = destination.received();
    let number = |body: Value| {
        body["event_properties"]["number"]
            .as_u64()
            .expect("a number")
    };
    received
        .iter()
        .map(|request| number(request.json()))
        .collect()
}

async fn send_numbers(ingest: &Ingest, numbers: std::ops::Range<u64>) {
    for number in numbers {
        let user = format!("user-{}", number % 7);
        ingest
            .send(&[track(&user, "Tick", json!({ "number": number }))])
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_sync_keeps_what_it_owes_and_a_deleted_one_does_not() {
    let setup = Setup::new();
    let server = setup.start().await;
    let control = Control::of(&server);
    let project = control.create_project("switches").await;
    let ingest = control.ingest(&project);
    let (kept, dropped) = (Destination::start().await, Destination::start().await);
    let sync = control
        .create_sync(&project, "kept", settings(&kept.url()))
        .await;
    let gone = control
        .create_sync(&project, "dropped", settings(&dropped.url()))
        .await;

    send_numbers(&ingest, 0..10).await;
    kept.wait_for(10, LIMIT).await;
    dropped.wait_for(10, LIMIT).await;

    control.disable(&sync).await;
    control.delete(&gone).await;
    send_numbers(&ingest, 10..20).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!((kept.count(), dropped.count()), (10, 10));

    control.enable(&sync).await;
    kept.wait_for(20, LIMIT).await;
    assert_eq!(
        numbers(&kept).into_iter().collect::<BTreeSet<_>>(),
        (0..20).collect()
    );
    assert_eq!(kept.count(), 20);

    // A sync that is made later starts with what comes then.
    let late = Destination::start().await;
    control
        .create_sync(&project, "late", settings(&late.url()))
        .await;
    send_numbers(&ingest, 20..25).await;
    late.wait_for(5, LIMIT).await;
    assert_eq!(
        numbers(&late).into_iter().collect::<BTreeSet<_>>(),
        (20..25).collect()
    );
    assert_eq!(dropped.count(), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_graceful_end_under_load_loses_nothing_and_repeats_nothing() {
    let setup = Setup::new();
    let destination = Destination::scripted(|_| Reply::After(Duration::from_millis(20))).await;
    let mut server = setup.start().await;
    let control = Control::of(&server);
    let project = control.create_project("graceful").await;
    control
        .create_sync(&project, "all", settings(&destination.url()))
        .await;

    let mut first = 0;
    for _ in 0..3 {
        let ingest = control.ingest(&project);
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let uploads = tokio::spawn(async move {
            let mut number = first;
            while !stopped.load(Ordering::Relaxed) {
                let event = json!({
                    "user_id": format!("user-{}", number % 7),
                    "event_type": "Tick",
                    "insert_id": format!("tick-{number}"),
                    "device_id": "one-device",
                    "event_properties": { "number": number },
                });
                match ingest.try_batch(&[event]).await {
                    Ok(answer) if answer.status == 200 => number += 1,
                    // It is ending: the same event again, to its successor.
                    Ok(answer) => assert_eq!(answer.status, 503, "{}", answer.text()),
                    Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
                }
            }
            number
        });
        tokio::time::sleep(Duration::from_millis(500)).await;
        let status = server.terminate(Duration::from_secs(25)).await;
        assert!(status.success(), "a graceful end is a success: {status}");
        server = setup.start().await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        stop.store(true, Ordering::Relaxed);
        first = uploads.await.expect("the uploads end");
    }
    assert!(first > 30, "only {first} events were taken");
    destination.wait_for(first as usize, LIMIT).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let mut arrived = numbers(&destination);
    arrived.sort_unstable();
    assert_eq!(arrived, (0..first).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn pending_retries_go_on_after_a_restart() {
    // Attempts two seconds apart, so that the test needn't wait half a minute.
    let setup = Setup::with_config("[retry]\nfirst_delay = \"2s\"");
    let destination = Destination::scripted(|_| Reply::Status(500)).await;
    let server = setup.start().await;
    let control = Control::of(&server);
    let project = control.create_project("retries").await;
    control
        .create_sync(&project, "all", settings(&destination.url()))
        .await;
    send_numbers(&control.ingest(&project), 0..5).await;
    // Three tries make the first attempt.
    destination.wait_for(15, LIMIT).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    server.kill();
    destination.script(|_| Reply::Status(200));
    let before = destination.count();

    let server = setup.start().await;
    destination.wait_for(before + 5, LIMIT).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let received = destination.received().clone();
    assert_eq!(received.len(), before + 5);
    let later: Vec<_> = received[before..].iter().collect();
    assert!(
        later
            .iter()
            .all(|request| request.header("millstream-attempt") == Some("2"))
    );
    let ids = |requests: &mut dyn Iterator<Item = &millstream_e2e::Received>| {
        requests
            .map(|request| request.delivery_id().to_owned())
            .collect::<BTreeSet<_>>()
    };
    assert_eq!(
        ids(&mut later.into_iter()),
        ids(&mut received[..before].iter())
    );
    drop(server);
}

#[tokio::test(flavor = "multi_thread")]
async fn health_and_metrics_tell_the_truth() {
    let setup = Setup::with_config("[health]\noldest_undelivered = \"2s\"");
    let server = setup.start().await;
    let control = Control::of(&server);
    let project = control.create_project("truth").await;
    let ingest = control.ingest(&project);
    let destination = Destination::start().await;
    control
        .create_sync(&project, "all", settings(&destination.url()))
        .await;
    send_numbers(&ingest, 0..20).await;
    let refused = ingest
        .try_send(&[json!({ "event_type": "nobody" })])
        .await
        .expect("an answer");
    assert_eq!(refused.status, 400);
    destination.wait_for(20, LIMIT).await;

    let live = server
        .client()
        .get(&format!("{}/health/live", server.base()))
        .await
        .expect("an answer");
    assert_eq!(live.status, 200);
    let counted = async || {
        let metrics = control.metrics().await;
        metrics.sum("millstream_ingest_accepted_events_total", &[]) == Some(20.0)
            && metrics.sum(
                "millstream_ingest_refused_requests_total",
                &["reason=\"invalid_fields\""],
            ) == Some(1.0)
            && metrics.sum(
                "millstream_deliveries_total",
                &["outcome=\"delivered_first_attempt\""],
            ) == Some(20.0)
            && metrics.sum("millstream_sync_unread_events", &[]) == Some(0.0)
    };
    eventually("the metrics count what happened", LIMIT, counted).await;

    // A lane that is stuck although its destination is well makes the server not ready.
    destination.script(|_| Reply::After(Duration::from_secs(8)));
    send_numbers(&ingest, 20..22).await;
    let ready = async || {
        let answer = server
            .client()
            .get(&format!("{}/health/ready", server.base()))
            .await;
        answer.expect("an answer").status == 200
    };
    eventually("the server is not ready", LIMIT, async || !ready().await).await;
    eventually("the server is ready again", Duration::from_secs(30), ready).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_right_token_nothing_is_shown_or_done() {
    let setup = Setup::new();
    let server = setup.start().await;
    let control = Control::of(&server);
    let project = control.create_project("closed").await;
    let sync = control
        .create_sync(&project, "all", settings("http://127.0.0.1:9/"))
        .await;
    let projects = control.projects_path().await;
    for token in ["", "wrong", &project.api_key] {
        let stranger = control.with_token(token);
        for (method, path) in [
            (Method::GET, projects.clone()),
            (Method::POST, projects.clone()),
            (Method::GET, sync.clone()),
            (Method::DELETE, sync.clone()),
        ] {
            let body = (method == Method::POST).then(|| json!({ "name": "mine" }));
            let answer = stranger.call(method.clone(), &path, body.as_ref()).await;
            assert_eq!(
                answer.status,
                401,
                "{method} {path} with {token:?}: {}",
                answer.text()
            );
            assert!(
                !answer.text().contains(&project.api_key),
                "the refusal shows a key"
            );
        }
    }
    assert!(
        control
            .call(Method::GET, &sync, None)
            .await
            .status
            .is_success()
    );
}
