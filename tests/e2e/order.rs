//! A user's deliveries keep their order, whatever fails and whenever the server is killed.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use millstream_e2e::{Control, Destination, Received, Reply, Setup, eventually, settings, track};
use serde_json::{Value, json};

const USERS: u64 = 12;
const KILLS: u64 = 5;
const EVENTS_PER_ROUND: u64 = 240;
/// Retries within seconds.
const QUICK: &str = "[retry]\nfirst_delay = \"200ms\"\n[breaker]\nfailures = 0\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_and_failures_keep_a_users_deliveries_in_order() {
    let setup = Setup::with_config(QUICK);
    let count = Arc::new(AtomicU64::new(0));
    // Every fifth request is refused, and each of the users meets that.
    let destination =
        Destination::scripted(move |_| match count.fetch_add(1, Ordering::Relaxed) % 5 {
            4 => Reply::Status(400),
            _ => Reply::Status(200),
        })
        .await;
    let mut server = setup.start().await;
    let project = Control::of(&server).create_project("order").await;
    let mut strict = settings(&destination.url());
    strict["order"] = json!("per_user");
    let sync = Control::of(&server)
        .create_sync(&project, "strict", strict)
        .await;
    for round in 0..KILLS {
        let ingest = Control::of(&server).ingest(&project);
        for first in (0..EVENTS_PER_ROUND).step_by(40) {
            let event = |number| {
                let number = round * EVENTS_PER_ROUND + number;
                let user = format!("user-{}", number % USERS);
                track(&user, "Tick", json!({"number": number}))
            };
            let events: Vec<Value> = (first..first + 40).map(event).collect();
            ingest.send(&events).await;
        }
        tokio::time::sleep(Duration::from_millis(40 * (round + 1))).await;
        server.kill();
        server = setup.start().await;
    }
    let control = Control::of(&server);
    eventually("all is delivered", Duration::from_secs(120), async || {
        let status = control.status(&sync).await;
        status["backlog"] == 0 && status["pending"] == 0 && status["waiting_in_order"] == 0
    })
    .await;
    // The last of a user is neither pending nor waiting while it is under way.
    let all = (KILLS * EVENTS_PER_ROUND) as usize;
    eventually("all has arrived", Duration::from_secs(20), async || {
        let received = destination.received();
        let ids: HashSet<&str> = received.iter().map(Received::delivery_id).collect();
        ids.len() == all
    })
    .await;
    let received = destination.received();
    let mut last: HashMap<&str, (usize, &Received)> = HashMap::new();
    for (place, request) in received.iter().enumerate() {
        last.insert(request.delivery_id(), (place, request));
    }
    assert_eq!(last.len() as u64, KILLS * EVENTS_PER_ROUND, "none is lost");
    // A kill repeats what was under way, so each one's last request counts.
    let mut last: Vec<_> = last.into_values().collect();
    last.sort_by_key(|(place, _)| *place);
    let mut newest: HashMap<u64, u64> = HashMap::new();
    for (_, request) in last {
        let number = request.json()["event_properties"]["number"]
            .as_u64()
            .expect("a number");
        let newest = newest.entry(number % USERS).or_insert(number);
        assert!(number >= *newest, "{number} after {newest}");
        *newest = number;
    }
}
