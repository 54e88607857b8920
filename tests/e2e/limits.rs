//! What a destination is spared: requests beyond its limit, and those that it can't take at present.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use millstream_e2e::{
    Control, Destination, Ingest, Received, Reply, Setup, eventually, quantile, settings, track,
};
use serde_json::json;

/// A destination that counts as gone soon, and is asked soon again.
const QUICK_BREAKER: &str = "[breaker]\nfailures = 5\nafter = \"500ms\"\nfirst_probe = \"200ms\"\n\
    longest_wait = \"1s\"\n[retry]\nfirst_delay = \"1s\"\n";

async fn send(ingest: &Ingest, count: u64) {
    for first in (0..count).step_by(50) {
        let events: Vec<_> = (first..(first + 50).min(count))
            .map(|number| {
                track(
                    &format!("user-{}", number % 40),
                    "Tick",
                    json!({"number": number}),
                )
            })
            .collect();
        ingest.send(&events).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_declared_limit_holds_over_any_minute_and_is_used() {
    let setup = Setup::new();
    let server = setup.start().await;
    let control = Control::of(&server);
    let project = control.create_project("limit").await;
    let destination = Destination::start().await;
    let mut limited = settings(&destination.url());
    limited["requests_per_minute"] = json!(1200);
    control.create_sync(&project, "limited", limited).await;
    send(&control.ingest(&project), 2000).await;
    destination.wait_for(1300, Duration::from_secs(100)).await;
    let times: Vec<Instant> = destination.received().iter().map(|one| one.at).collect();
    let minute = Duration::from_secs(60);
    let windows = times.iter().enumerate().map(|(first, from)| {
        times
            .iter()
            .skip(first)
            .take_while(|at| **at < *from + minute)
            .count()
    });
    let most = windows.max().unwrap_or_default();
    assert!(most <= 1212, "{most} within a minute");
    // The last minute is full, whatever the start was like.
    let from = *times.last().expect("some") - minute;
    let least = times.iter().filter(|at| **at >= from).count();
    assert!(least >= 1188, "{least} within a minute");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_destination_that_comes_back_drains_its_backlog_without_disturbing_others() {
    let setup = Setup::with_config(QUICK_BREAKER);
    let server = setup.start().await;
    let control = Control::of(&server);
    let project = control.create_project("away").await;
    let is_away = Arc::new(AtomicBool::new(true));
    let away = Arc::clone(&is_away);
    let destination = Destination::scripted(move |_| match away.load(Ordering::Relaxed) {
        true => Reply::Status(503),
        false => Reply::Status(200),
    })
    .await;
    let mut limited = settings(&destination.url());
    limited["requests_per_minute"] = json!(12_000);
    let sync = control.create_sync(&project, "away", limited).await;
    let arrivals = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&arrivals);
    let healthy = Destination::scripted(move |request: &Received| {
        let number = request.json()["event_properties"]["number"].as_u64();
        seen.lock().expect("no panic").push((number, request.at));
        Reply::Status(200)
    })
    .await;
    control
        .create_sync(&project, "healthy", settings(&healthy.url()))
        .await;
    let ingest = control.ingest(&project);

    // Some now and then, so that the row of failures lasts.
    for _ in 0..20 {
        send(&ingest, 10).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    eventually("not being sent to", Duration::from_secs(20), async || {
        let status = control.status(&sync).await;
        let reason = status["reason"].as_str().unwrap_or_default().to_owned();
        status["health"] == "failing" && reason.contains("on hold since")
    })
    .await;
    send(&ingest, 3000).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let begun: HashSet<String> = ids(&destination);
    assert!(begun.len() < 300, "{} deliveries were begun", begun.len());

    is_away.store(false, Ordering::Relaxed);
    let mut sent = Vec::new();
    for number in 1_000_000..1_000_200 {
        sent.push(Instant::now());
        let user = format!("user-{}", number % 40);
        ingest
            .send(&[track(&user, "Tick", json!({"number": number}))])
            .await;
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    eventually("all has arrived", Duration::from_secs(90), async || {
        ids(&destination).len() == 3400
    })
    .await;
    let arrivals = arrivals.lock().expect("no panic").clone();
    let latencies = arrivals.iter().filter_map(|(number, at)| {
        let index = number.filter(|number| *number >= 1_000_000)? - 1_000_000;
        Some(at.duration_since(sent[index as usize]))
    });
    let mut latencies: Vec<Duration> = latencies.collect();
    assert_eq!(latencies.len(), 200);
    let p95 = quantile(&mut latencies, 0.95);
    assert!(
        p95 < Duration::from_millis(500),
        "the other one's p95 was {p95:?}"
    );
    let status = control.status(&sync).await;
    assert_eq!(
        (&status["health"], &status["pending"]),
        (&json!("healthy"), &json!(0))
    );
}

fn ids(destination: &Destination) -> HashSet<String> {
    let received = destination.received();
    received
        .iter()
        .map(|one| one.delivery_id().to_owned())
        .collect()
}
