//! What was received is counted exactly, however often the process that counts is killed.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use millstream_journal::conformance::Bounds;
use millstream_journal::received::Received;
use millstream_journal::sqlite::Config;
use millstream_journal::{IncomingEvent, Journal};
use model::random::Seeded;
use model::{Offset, Random, Timestamp};
use serde_json::Value;

use crate::support::{batch, config, counted, counting, open, project, read_all};

const FOLDER: &str = "MILLSTREAM_TEST_RECEIVED_FOLDER";
const ROUNDS: usize = 6;
const NOW: Timestamp = Timestamp(1_780_000_000_000_000);

/// Writes to the tables all the time.
fn hasty(folder: &Path) -> Config {
    Config {
        received_wait: Duration::from_millis(1),
        ..config(folder, Bounds::default())
    }
}

fn told(number: u64) -> IncomingEvent {
    let own = match number % 3 {
        0 => format!(r#""n":{number}"#),
        1 => r#""n":"text","other":true"#.to_owned(),
        _ => String::new(),
    };
    let fields = format!(
        r#"{{"event_type":"type {}","event_properties":{{{own}}}"#,
        number % 7
    );
    IncomingEvent {
        insert_id: None,
        ..counting("ann", "", fields)
    }
}

/// Not a test of its own: what the killed process runs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child() {
    let Ok(folder) = std::env::var(FOLDER) else {
        return;
    };
    let journal = open(hasty(Path::new(&folder)));
    for part in 0.. {
        let events = (part * 50..part * 50 + 50).map(told).collect();
        journal.accept(batch(events)).await.unwrap();
        let mut out = std::io::stdout().lock();
        out.write_all(b"accepted\n").unwrap();
    }
}

fn run_and_kill(folder: &Path, after: Duration) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "received::child", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    // It has begun to work.
    let _ = lines.find(|line| line.as_deref().unwrap_or_default() == "accepted");
    let reading = std::thread::spawn(move || lines.count());
    std::thread::sleep(after);
    child.kill().unwrap();
    child.wait().unwrap();
    reading.join().unwrap();
}

/// Once all of it is counted.
async fn received(journal: &Arc<dyn Journal>) -> Received {
    for _ in 0..1000 {
        let received = journal.received(project(), NOW).await.unwrap();
        if received.behind == 0 {
            return received;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("it doesn't catch up");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counts_are_those_of_the_log_however_often_it_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let random = Seeded::new(std::process::id().into());
    for _ in 0..ROUNDS {
        let after = Duration::from_millis(200 + random.next_u64() % 400);
        run_and_kill(folder.path(), after);
        let journal = open(hasty(folder.path()));
        let events = read_all(&journal).await.unwrap();
        let (mut types, mut with) = (HashMap::new(), HashMap::new());
        for event in &events {
            let event: Value = serde_json::from_slice(event.text()).unwrap();
            let of = event["event_type"].as_str().unwrap().to_owned();
            for (name, _) in event["event_properties"].as_object().unwrap() {
                *with.entry((of.clone(), name.clone())).or_insert(0_u64) += 1;
            }
            *types.entry(of).or_insert(0_u64) += 1;
        }
        let received = received(&journal).await;
        assert_eq!(received.events, events.len() as u64);
        let shown = received.types.iter();
        let shown: HashMap<_, _> = shown
            .map(|each| (each.name.clone(), each.seen.events))
            .collect();
        assert_eq!(shown, types);
        let shown: HashMap<_, _> = received
            .types
            .iter()
            .flat_map(|of| of.properties.iter().map(move |each| (of, each)))
            .map(|(of, each)| ((of.name.clone(), each.name.clone()), each.seen.events))
            .collect();
        assert_eq!(shown, with);
        let count = &received.users.properties[0];
        assert_eq!(
            (count.name.as_str(), count.seen.events),
            ("count", events.len() as u64)
        );
        journal.close().await;
        drop(journal);
        // Not only the newest events that are looked at when somebody asks.
        assert!(counted(&folder.path().join("journal.db"), project()) > Offset(0));
    }
}

#[tokio::test]
async fn what_lies_behind_damaged_events_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(hasty(folder.path()));
    for part in 0..3 {
        let events = (part * 10..part * 10 + 10).map(told).collect();
        journal.accept(batch(events)).await.unwrap();
    }
    journal.close().await;
    drop(journal);
    let database = rusqlite::Connection::open(folder.path().join("journal.db")).unwrap();
    let damaged = database.execute_batch(
        "DELETE FROM received; DELETE FROM received_scopes;
         UPDATE chunks SET body = zeroblob(length(body)) WHERE first = 10;",
    );
    damaged.unwrap();
    drop(database);
    let journal = open(hasty(folder.path()));
    let file = folder.path().join("journal.db");
    for _ in 0..1000 {
        if counted(&file, project()) == Offset(30) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let received = received(&journal).await;
    assert_eq!((received.events, received.behind), (20, 0));
    journal.close().await;
}
