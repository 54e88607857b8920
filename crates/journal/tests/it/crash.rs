//! A process is killed while it works, again and again on the same folder; what it had been told
//! is durable must be there, and all that is there must fit together.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use millstream_journal::conformance::Bounds;
use millstream_journal::{Journal, Settlement};
use model::random::Seeded;
use model::{Offset, Random, Timestamp};
use serde_json::Value;
use tokio::task::JoinSet;

use crate::support::{batch, config, counting, open, project, read_all, sync};

const FOLDER: &str = "MILLSTREAM_TEST_CRASH_FOLDER";
const ROUND: &str = "MILLSTREAM_TEST_CRASH_ROUND";
const TASKS: usize = 4;
const ROUNDS: usize = 6;
const SIZE: usize = 3;

/// Not a test of its own: what the killed process runs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child() {
    let (Ok(folder), Ok(round)) = (std::env::var(FOLDER), std::env::var(ROUND)) else {
        return;
    };
    let journal = open(config(Path::new(&folder), Bounds::default()));
    journal.open_lane(project(), sync()).await.unwrap();
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        tasks.spawn(write(Arc::clone(&journal), round.clone(), task));
    }
    tasks.spawn(settle(Arc::clone(&journal)));
    tasks.join_all().await;
}

/// Appends until killed, and says what is durable.
async fn write(journal: Arc<dyn Journal>, round: String, task: usize) {
    for number in 0.. {
        let event = |place: usize| {
            let id = format!("{round}/{task}/{}", number * SIZE + place);
            counting(&format!("user {task}"), &id, format!(r#"{{"id":"{id}""#))
        };
        let events = (0..SIZE).map(event).collect();
        let accepted = journal.accept(batch(events)).await.unwrap();
        assert_eq!(accepted.appended, SIZE);
        say(&format!("accepted {task} {number}"));
    }
}

/// Settles until killed, and says how far.
async fn settle(journal: Arc<dyn Journal>) {
    let mut head = journal.head(project());
    loop {
        head.changed().await.unwrap();
        let cursor = *head.borrow_and_update();
        let settlement = Settlement {
            cursor,
            at: Timestamp(0),
            ..Settlement::default()
        };
        journal.settle(sync(), settlement).await.unwrap();
        say(&format!("settled {}", cursor.0));
    }
}

fn say(line: &str) {
    // One write per line, so that a kill can't tear it.
    let mut out = std::io::stdout().lock();
    out.write_all(format!("{line}\n").as_bytes()).unwrap();
    out.flush().unwrap();
}

/// What the killed process said.
#[derive(Default)]
struct Said {
    /// Batches by task.
    accepted: HashMap<usize, usize>,
    settled: u64,
}

fn run_and_kill(folder: &Path, round: usize, after: Duration) -> Said {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::child", "--nocapture"])
        .env(FOLDER, folder)
        .env(ROUND, round.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let out = BufReader::new(child.stdout.take().unwrap());
    let reading = std::thread::spawn(move || {
        let mut said = Said::default();
        for line in out.lines() {
            let line = line.unwrap();
            match line.split(' ').collect::<Vec<_>>()[..] {
                ["accepted", task, number] => {
                    let number: usize = number.parse().unwrap();
                    said.accepted.insert(task.parse().unwrap(), number + 1);
                }
                ["settled", cursor] => said.settled = cursor.parse().unwrap(),
                _ => {}
            }
        }
        said
    });
    std::thread::sleep(after);
    child.kill().unwrap();
    child.wait().unwrap();
    reading.join().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_kills() {
    let folder = tempfile::tempdir().unwrap();
    let random = Seeded::new(std::process::id().into());
    let mut acknowledged = 0;
    for round in 0..ROUNDS {
        let after = Duration::from_millis(150 + random.next_u64() % 400);
        let said = run_and_kill(folder.path(), round, after);
        acknowledged += said.accepted.values().sum::<usize>();
        let journal = open(config(folder.path(), Bounds::default()));
        verify(&journal, round, &said).await;
        journal.close().await;
    }
    assert!(
        acknowledged > ROUNDS,
        "the process did nothing before it was killed"
    );
}

async fn verify(journal: &Arc<dyn Journal>, round: usize, said: &Said) {
    let events = read_all(journal).await.unwrap();
    let (mut counts, mut kept) = (HashMap::new(), HashMap::new());
    for (offset, event) in (0..).zip(&events) {
        assert_eq!(event.offset, Offset(offset), "offsets are dense");
        let event: Value = serde_json::from_slice(event.text()).unwrap();
        let id: Vec<usize> = event["id"]
            .as_str()
            .unwrap()
            .split('/')
            .map(|part| part.parse().unwrap())
            .collect();
        // Each event counts its user's events: none is missing, none is counted that isn't there.
        let count: &mut u64 = counts.entry(id[1]).or_default();
        *count += 1;
        assert_eq!(event["user_properties"]["count"], *count);
        if id[0] == round {
            let next: &mut usize = kept.entry(id[1]).or_default();
            assert_eq!(id[2], *next);
            *next += 1;
        }
    }
    for (task, batches) in &said.accepted {
        let kept = kept.get(task).copied().unwrap_or(0);
        assert_eq!(kept % SIZE, 0, "batches are whole");
        assert!(
            kept >= batches * SIZE,
            "{kept} events kept of {batches} batches"
        );
        // At most the batch that was on its way.
        assert!(kept <= (batches + 1) * SIZE);
        // Sent again, all of them are recognised.
        let again = |number| {
            let id = format!("{round}/{task}/{number}");
            counting(&format!("user {task}"), &id, "{".into())
        };
        let again = journal.accept(batch((0..kept).map(again).collect())).await;
        assert_eq!(again.unwrap().appended, 0);
    }
    let lane = journal.open_lane(project(), sync()).await.unwrap();
    assert!(lane.cursor.0 >= said.settled && lane.cursor.0 <= events.len() as u64);
}
