//! A destination that is well gets its events as fast as ever, whatever the others do.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use millstream_e2e::{
    Control, Destination, Ingest, Received, Reply, Setup, quantile, refusing_url, settings, track,
};
use serde_json::json;

/// Each round measures alone and then with the others; the medians are compared.
const ROUNDS: usize = 5;
const EVENTS_PER_ROUND: u64 = 100;
/// Between one event and the next.
const PERIOD: Duration = Duration::from_millis(20);
/// What the others' trouble may cost.
const FACTOR: f64 = 1.5;
/// A p95 below this is no delay that anybody could notice: on two cores, the work that five lanes of an
/// unoptimised build do for each event can cause it. Waiting for one of the others would take seconds.
const FLOOR: Duration = Duration::from_millis(15);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_destinations_in_trouble_do_not_delay_the_fifth() {
    let setup = Setup::new();
    let server = setup.start().await;
    let control = Control::of(&server);
    let project = control.create_project("isolation").await;
    let ingest = control.ingest(&project);

    let hanging = Destination::scripted(|_| Reply::Hang).await;
    let failing = Destination::scripted(|_| Reply::Status(500)).await;
    let limited =
        Destination::scripted(|_| Reply::Full(429, "retry-after: 30", String::new())).await;
    let healthy = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&healthy);
    let destination = Destination::scripted(move |request: &Received| {
        let number = request.json()["event_properties"]["number"]
            .as_u64()
            .expect("a number");
        seen.lock().expect("no panic").push((number, request.at));
        Reply::Status(200)
    })
    .await;
    control
        .create_sync(&project, "healthy", settings(&destination.url()))
        .await;
    let mut troubled = Vec::new();
    for (name, url) in [
        ("hanging", hanging.url()),
        ("refusing", refusing_url().await),
        ("failing", failing.url()),
        ("limited", limited.url()),
    ] {
        troubled.push(control.create_sync(&project, name, settings(&url)).await);
    }

    let mut next = 0;
    let (mut alone, mut together) = (Vec::new(), Vec::new());
    // What is cold at the first events is not what is compared.
    measure(&ingest, &healthy, &mut next).await;
    for _ in 0..ROUNDS {
        for sync in &troubled {
            control.disable(sync).await;
        }
        alone.push(measure(&ingest, &healthy, &mut next).await);
        for sync in &troubled {
            control.enable(sync).await;
        }
        together.push(measure(&ingest, &healthy, &mut next).await);
    }
    assert!(
        hanging.count() > 0 && failing.count() > 0 && limited.count() > 0,
        "the others were not in trouble"
    );
    println!("p95 alone {alone:?}, with the others {together:?}");
    let (alone, together) = (quantile(&mut alone, 0.5), quantile(&mut together, 0.5));
    let limit = alone.mul_f64(FACTOR).max(FLOOR);
    assert!(
        together <= limit,
        "p95 was {alone:?} alone and {together:?} with the others"
    );
}

/// The p95 from the sending of an event to its arrival.
async fn measure(
    ingest: &Ingest,
    arrivals: &Mutex<Vec<(u64, Instant)>>,
    next: &mut u64,
) -> Duration {
    let first = *next;
    *next += EVENTS_PER_ROUND;
    let mut sent = Vec::new();
    for number in first..*next {
        // A user's own rate is limited: each event has another one.
        let user = format!("user-{}", number % 50);
        let due = Instant::now() + PERIOD;
        sent.push(Instant::now());
        ingest
            .send(&[track(&user, "Tick", json!({ "number": number }))])
            .await;
        tokio::time::sleep_until(due.into()).await;
    }
    let all_arrived = async || {
        let arrivals = arrivals.lock().expect("no panic");
        arrivals
            .iter()
            .filter(|(number, _)| *number >= first)
            .count()
            >= sent.len()
    };
    millstream_e2e::eventually(
        "all of the round has arrived",
        Duration::from_secs(20),
        all_arrived,
    )
    .await;
    let arrivals = arrivals.lock().expect("no panic");
    let round = arrivals.iter().filter(|(number, _)| *number >= first);
    let mut latencies: Vec<_> = round
        .map(|(number, at)| at.duration_since(sent[(number - first) as usize]))
        .collect();
    quantile(&mut latencies, 0.95)
}
