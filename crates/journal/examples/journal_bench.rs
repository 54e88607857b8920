//! How many events a second the journal takes, and what each costs the writer's thread.
//!
//! `cargo run --release -p millstream-journal --example journal_bench [seconds] [folder]`
//!
//! Eight callers send batches of 100 events of about 1 KB: each with an `insert_id`, of 10,000
//! users, every tenth with a change of its user's properties.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use millstream_journal::sqlite::{Config, Sqlite};
use millstream_journal::{Batch, IncomingEvent, Journal};
use model::json::{Limits, parse};
use model::random::Seeded;
use model::time::SystemClock;
use model::user::PropertyUpdate;
use model::{Clock, EventKind, ProjectId, Random};
use tokio::task::JoinSet;

const CALLERS: u64 = 8;
const BATCH: usize = 100;
const USERS: u64 = 10_000;

fn event(random: &Seeded, template: &[u8], update: &PropertyUpdate) -> IncomingEvent {
    let user = random.next_u64() % USERS;
    let identifies = random.next_u64().is_multiple_of(10);
    IncomingEvent {
        kind: EventKind::Track,
        user_id: Some(format!("user-{user}")),
        device_id: Some(format!("device-{user}")),
        insert_id: Some(format!("{:016x}", random.next_u64())),
        event_time: SystemClock.now(),
        user_update: match identifies {
            true => update.clone(),
            false => PropertyUpdate::none(),
        },
        own_user_properties: None,
        groups: Vec::new(),
        group_update: PropertyUpdate::none(),
        paying: false,
        version: Some("1.2.3".into()),
        fields: template.to_vec(),
    }
}

/// Seconds of processor time that the thread with this name has taken.
fn thread_seconds(name: &str) -> f64 {
    // As much of a name as the system keeps.
    let name = &name[..name.len().min(15)];
    let tasks = std::fs::read_dir("/proc/self/task")
        .into_iter()
        .flatten()
        .flatten();
    for task in tasks {
        let read = |file| std::fs::read_to_string(task.path().join(file)).unwrap_or_default();
        if read("comm").trim() == name {
            let nanoseconds: f64 = read("schedstat")
                .split(' ')
                .next()
                .and_then(|field| field.parse().ok())
                .unwrap_or(0.0);
            return nanoseconds / 1e9;
        }
    }
    0.0
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let seconds: u64 = arguments.next().map_or(Ok(10), |text| text.parse())?;
    let temporary = tempfile::tempdir()?;
    let folder = arguments
        .next()
        .map_or(temporary.path().to_owned(), PathBuf::from);
    let journal = Arc::new(Sqlite::open(Config::new(folder), &Seeded::new(1))?);

    let template = format!(r#"{{"event_type":"order","padding":"{}""#, "x".repeat(900));
    let update = br#"{"$set":{"plan":"pro","city":"Rome"},"$add":{"orders":1}}"#;
    let update = PropertyUpdate::from_json(&parse(update, &Limits::FOREIGN)?)?;
    let appended = Arc::new(AtomicU64::new(0));
    let started = Instant::now();
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        let (journal, appended) = (Arc::clone(&journal), Arc::clone(&appended));
        let (template, update) = (template.clone(), update.clone());
        callers.spawn(async move {
            let random = Seeded::new(caller);
            while started.elapsed() < Duration::from_secs(seconds) {
                let event = |_| event(&random, template.as_bytes(), &update);
                let batch = Batch {
                    project: ProjectId::from_bytes([1; 16]),
                    received_at: SystemClock.now(),
                    events: (0..BATCH).map(event).collect(),
                };
                match journal.accept(batch).await {
                    Ok(accepted) => appended.fetch_add(accepted.appended as u64, Ordering::Relaxed),
                    Err(error) => {
                        eprintln!("{error}");
                        tokio::time::sleep(error.retry_after()).await;
                        0
                    }
                };
            }
        });
    }
    callers.join_all().await;
    let (events, took) = (appended.load(Ordering::Relaxed) as f64, started.elapsed());
    let writer = thread_seconds("journal-writer");
    let status = journal.status();
    println!("{:.0} events/s", events / took.as_secs_f64());
    println!("{:.2} µs of writer CPU per event", writer * 1e6 / events);
    for thread in ["journal-checks", "journal-dedupe", "journal-received"] {
        println!(
            "{:.2} µs of {thread} CPU per event",
            thread_seconds(thread) * 1e6 / events
        );
    }
    println!(
        "{} commits of {:.0} events, {:.2} ms each",
        status.commits,
        events / status.commits as f64,
        status.commit_time.as_secs_f64() * 1e3 / status.commits as f64
    );
    journal.close().await;
    Ok(())
}
