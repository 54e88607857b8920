//! Nothing of an erased user is left in any file, whatever happened meanwhile.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::ops::BitXorAssign;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use millstream_journal::conformance::Bounds;
use millstream_journal::{
    Batch, Ended, EndedWhy, EraseRequest, Erasure, IncomingEvent, Journal, Retry, Settlement,
    Subject,
};
use model::json::{Limits, parse};
use model::outcome::{Category, Failure};
use model::random::Seeded;
use model::user::PropertyUpdate;
use model::{ErasureId, EventKind, Offset, Part, Random, Timestamp};

use crate::support::{batch, config, counting, open, project, read_all, sync};

const FOLDER: &str = "MILLSTREAM_TEST_ERASURE_FOLDER";

/// All of these are hers.
const HERS: [&str; 5] = [
    "zoe-7f3a-id",
    "zoe-phone-55",
    "zoe@private.example",
    "she said so",
    "echoed to zoe",
];

const NOW: Timestamp = Timestamp(1_780_000_000_000_000);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn hers(number: u64) -> IncomingEvent {
    let properties = format!(
        r#"{{"$set":{{"mail":"{}","note":"{} {}"}}}}"#,
        HERS[2],
        HERS[2],
        "x".repeat((number % 7 * 900) as usize)
    );
    let update = parse(properties.as_bytes(), &Limits::FOREIGN).unwrap();
    IncomingEvent {
        kind: EventKind::Identify,
        device_id: Some(HERS[1].into()),
        user_update: PropertyUpdate::from_json(&update).unwrap(),
        ..counting(
            HERS[0],
            &format!("hers {number}"),
            format!(
                r#"{{"user_id":"{}","device_id":"{}","text":"{} {number}""#,
                HERS[0], HERS[1], HERS[3]
            ),
        )
    }
}

fn his(number: u64) -> IncomingEvent {
    let padding = "y".repeat(400);
    let fields = format!(r#"{{"user_id":"bob","text":"{number} {padding}""#);
    counting("bob", &format!("his {number}"), fields)
}

fn failure() -> Failure {
    Failure {
        category: Category::ServerError,
        status: Some(500),
        message: "answered 500".into(),
        response: format!("{} {}", HERS[4], "z".repeat(3000)),
    }
}

/// Events of both, retries and ended deliveries of hers, and some of hers that retention took.
async fn fill(journal: &Arc<dyn Journal>, events: u64) {
    journal.open_lane(project(), sync()).await.unwrap();
    for number in 0..events / 10 {
        let events = (0..5).flat_map(|each| {
            let number = number * 5 + each;
            [hers(number), his(number)]
        });
        let batch = Batch {
            received_at: match number < 20 {
                true => NOW - 30 * DAY,
                false => NOW,
            },
            ..batch(events.collect())
        };
        journal.accept(batch).await.unwrap();
    }
    let offsets = (200..240).map(Offset);
    let settlement = Settlement {
        cursor: Offset(events),
        book: offsets
            .clone()
            .map(|offset| Retry {
                offset,
                part: Part::Event,
                attempts: 1,
                due_at: NOW,
                failure: failure(),
                given: None,
            })
            .collect(),
        ended: offsets
            .map(|offset| Ended {
                offset,
                part: Part::User,
                at: NOW,
                attempts: 10,
                why: EndedWhy::Expired(failure()),
            })
            .collect(),
        at: NOW,
        ..Settlement::default()
    };
    journal.settle(sync(), settlement).await.unwrap();
    assert!(journal.retire(NOW).await.unwrap().events > 0);
}

fn request() -> EraseRequest {
    EraseRequest {
        id: ErasureId::from_bytes([3; 16]),
        project: project(),
        subject: Subject::UserId(HERS[0].into()),
        at: NOW,
    }
}

/// How often texts of hers are in the folder's files, by file and text. What a destination answered
/// about his events is his.
fn left(folder: &Path, texts: &[&'static str]) -> BTreeMap<(String, &'static str), usize> {
    let mut left = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let content = fs::read(&path).unwrap();
        for text in texts {
            let needle = text.as_bytes();
            let count = content
                .windows(needle.len())
                .filter(|window| *window == needle)
                .count();
            if count > 0 {
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                left.insert((name, *text), count);
            }
        }
    }
    left
}

/// His events that are there, and how many of hers are still to be read.
async fn his_and_hers(journal: &Arc<dyn Journal>) -> (BTreeMap<u64, Vec<u8>>, usize) {
    let events = read_all(journal).await.unwrap();
    let (mut his, mut hers) = (BTreeMap::new(), 0);
    for event in events.iter().filter(|event| !event.is_erased()) {
        match event.offset.0 % 2 {
            0 => hers += 1,
            _ => drop(his.insert(event.offset.0, event.text().to_vec())),
        }
    }
    (his, hers)
}

async fn finish(journal: &Arc<dyn Journal>) -> Erasure {
    for _ in 0..10_000 {
        let step = journal.go_on_erasing(NOW).await.unwrap();
        if let Some(done) = step.finished {
            return done;
        }
    }
    panic!("it is never done");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_file_holds_anything_of_an_erased_user() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(config(folder.path(), Bounds::default()));
    fill(&journal, 600).await;
    let (his, hers) = his_and_hers(&journal).await;
    assert!(hers > 0 && !his.is_empty());
    let before = left(folder.path(), &HERS);
    assert!(
        HERS.iter()
            .all(|text| before.keys().any(|(_, found)| found == text))
    );

    journal.erase(request()).await.unwrap();
    let done = finish(&journal).await;
    assert_eq!(done.found["events"], hers as u64);
    assert_eq!((done.found["retries"], done.found["ended"]), (20, 20));
    // What destinations answered about his events is still there.
    let gone = &HERS[..4];
    assert_eq!(left(folder.path(), gone), BTreeMap::new());
    assert_eq!(his_and_hers(&journal).await, (his.clone(), 0));
    journal.close().await;
    assert_eq!(left(folder.path(), gone), BTreeMap::new());
    let journal = open(config(folder.path(), Bounds::default()));
    assert_eq!(his_and_hers(&journal).await, (his, 0));
    assert_eq!(journal.retries(sync(), None, 100).await.unwrap().len(), 20);
}

/// Not a test of its own: what the killed process runs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child() {
    let Ok(folder) = std::env::var(FOLDER) else {
        return;
    };
    let journal = open(config(Path::new(&folder), Bounds::default()));
    while journal.go_on_erasing(NOW).await.unwrap().more {
        let mut out = std::io::stdout().lock();
        out.write_all(b"step\n").unwrap();
        out.flush().unwrap();
    }
    std::thread::sleep(Duration::from_secs(60));
}

/// Says how many steps were made.
fn run_and_kill(folder: &Path, after: Duration) -> usize {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "erasure::child", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let out = BufReader::new(child.stdout.take().unwrap());
    let reading = std::thread::spawn(move || {
        let lines = out.lines().map(Result::unwrap);
        lines.filter(|line| line.contains("step")).count()
    });
    std::thread::sleep(after);
    child.kill().unwrap();
    child.wait().unwrap();
    reading.join().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_during_an_erasure_leave_it_to_be_finished() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(config(folder.path(), Bounds::default()));
    fill(&journal, 6000).await;
    let (his, hers) = his_and_hers(&journal).await;
    let begun = journal.erase(request()).await.unwrap();
    journal.close().await;
    drop(journal);

    let random = Seeded::new(std::process::id().into());
    let (mut kills, mut steps) = (0, 0);
    for _ in 0..12 {
        let after = Duration::from_millis(30 + random.next_u64() % 150);
        steps += run_and_kill(folder.path(), after);
        let journal = open(config(folder.path(), Bounds::default()));
        let erasure = journal.erasure(begun.id).await.unwrap().unwrap();
        let (kept, left) = his_and_hers(&journal).await;
        assert_eq!(kept, his);
        let found = erasure.found.get("events").copied().unwrap_or(0);
        assert_eq!(found as usize + left, hers, "each is counted once");
        journal.close().await;
        if erasure.done_at.is_some() {
            break;
        }
        kills += 1;
    }
    assert!(kills > 0 && steps > 0, "{kills} kills, {steps} steps");
    let journal = open(config(folder.path(), Bounds::default()));
    let erasure = journal.erasure(begun.id).await.unwrap().unwrap();
    if erasure.done_at.is_none() {
        finish(&journal).await;
    }
    let done = journal.erasure(begun.id).await.unwrap().unwrap();
    assert_eq!(done.found["events"], hers as u64);
    assert_eq!(his_and_hers(&journal).await, (his, 0));
    assert_eq!(left(folder.path(), &HERS[..4]), BTreeMap::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damaged_events_are_passed_and_reported() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(config(folder.path(), Bounds::default()));
    fill(&journal, 600).await;
    journal.close().await;
    drop(journal);
    // A chunk with events of hers, and one in which nobody can tell any more.
    let database = rusqlite::Connection::open(folder.path().join("journal.db")).unwrap();
    let chunks: Vec<(i64, i64, Vec<u8>)> = database
        .prepare("SELECT sequence, count, body FROM chunks ORDER BY first")
        .unwrap()
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert!(chunks.len() > 4);
    let mut damaged = 0;
    for (nth, (sequence, count, body)) in chunks.iter().enumerate() {
        let body: Vec<u8> = match nth {
            // Behind the last event: its checksum.
            1 => {
                let mut body = body.clone();
                body.last_mut().unwrap().bitxor_assign(1);
                body
            }
            3 => vec![b'?'; body.len()],
            _ => continue,
        };
        damaged += count;
        let update = "UPDATE chunks SET body = ?2 WHERE sequence = ?1";
        database
            .execute(update, rusqlite::params![sequence, body])
            .unwrap();
    }
    drop(database);

    let journal = open(config(folder.path(), Bounds::default()));
    journal.erase(request()).await.unwrap();
    let done = finish(&journal).await;
    assert_eq!(done.found["unreadable"], damaged as u64);
    let whole: i64 = chunks.iter().map(|(_, count, _)| count).sum::<i64>() - damaged;
    let events = done.found["events"] as i64;
    assert!((events * 2 - whole).abs() <= 2, "{events} of {whole}");
    // And nothing of her is left but in them: behind, all can be read.
    let behind = rusqlite::Connection::open(folder.path().join("journal.db"))
        .unwrap()
        .query_row(
            "SELECT first FROM chunks ORDER BY first LIMIT 1 OFFSET 4",
            [],
            |row| row.get::<_, i64>(0),
        );
    let kept = journal.read(project(), Offset(behind.unwrap() as u64), 1000);
    let kept = kept.await.unwrap();
    let erased = kept
        .iter()
        .map(|event| (event.offset.0 % 2 == 0, event.is_erased()));
    let erased: Vec<_> = erased.collect();
    assert!(erased.contains(&(true, true)), "{erased:?}");
    assert!(
        erased.iter().all(|(hers, erased)| hers == erased),
        "{erased:?}"
    );
}
