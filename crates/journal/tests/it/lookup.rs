//! The index that events are looked up in: that it is used, and that nothing depends on its file.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use millstream_journal::conformance::Bounds;
use millstream_journal::fate::{Delivered, Key, Record, Standing};
use millstream_journal::sqlite::Config;
use millstream_journal::{IncomingEvent, Journal, Settlement};
use model::{Offset, Part, Timestamp};

use crate::support::{batch, config, counting, open, project, sync};

const EVENTS: usize = 2000;

fn carrying(number: usize) -> IncomingEvent {
    let fields = format!(
        r#"{{"$insert_id":"id {number}","user_id":"user {}""#,
        number % 10
    );
    counting("someone", &format!("{number}"), fields)
}

async fn journal(folder: &Path) -> Arc<dyn Journal> {
    let journal = open(config(folder, Bounds::default()));
    for part in 0..EVENTS / 100 {
        let events = (part * 100..part * 100 + 100).map(carrying).collect();
        journal.accept(batch(events)).await.unwrap();
    }
    journal
}

/// Waits until the index has all events, in few runs; says in how many.
async fn indexed(folder: &Path) -> i64 {
    for _ in 0..400 {
        tokio::time::sleep(Duration::from_millis(25)).await;
        let Ok(index) = rusqlite::Connection::open(folder.join("lookup.db")) else {
            continue;
        };
        let one = |sql: &str| index.query_row(sql, [], |row| row.get::<_, i64>(0));
        let next = one("SELECT max(next) FROM cursors").unwrap_or(0);
        let runs = one("SELECT count(*) FROM runs").unwrap_or(i64::MAX);
        // What is left of the last events is a run of its own.
        if next + 30 > EVENTS as i64 && runs < 20 {
            return runs;
        }
    }
    panic!("the index did not catch up");
}

async fn verify(journal: &Arc<dyn Journal>) {
    let key = Key::User("user 3".into());
    let found = journal.find(project(), key, None, 500).await.unwrap();
    let offsets: Vec<_> = found.events.iter().map(|event| event.offset).collect();
    let wanted = (3..EVENTS).step_by(10).rev();
    let wanted: Vec<_> = wanted.map(|number| Offset(number as u64)).collect();
    assert_eq!(offsets, wanted);
    assert!(found.complete && found.next.is_none());
    let key = Key::InsertId("id 77".into());
    let found = journal.find(project(), key, None, 5).await.unwrap();
    assert_eq!(found.events.len(), 1);
    assert_eq!(found.events[0].offset, Offset(77));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_are_found_in_the_index() {
    let folder = tempfile::tempdir().unwrap();
    let journal = journal(folder.path()).await;
    let runs = indexed(folder.path()).await;
    assert!((1..20).contains(&runs), "{runs}");
    verify(&journal).await;
    journal.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_index_that_is_lost_or_damaged_is_built_anew() {
    let folder = tempfile::tempdir().unwrap();
    let journal = journal(folder.path()).await;
    indexed(folder.path()).await;
    journal.close().await;
    drop(journal);
    for suffix in ["-wal", "-shm"] {
        let _ = fs::remove_file(folder.path().join(format!("lookup.db{suffix}")));
    }
    let file = folder.path().join("lookup.db");
    fs::write(&file, vec![0x5a; 50_000]).unwrap();
    let again = open(config(folder.path(), Bounds::default()));
    // Found by looking at the log, as long as there is no index.
    verify(&again).await;
    indexed(folder.path()).await;
    verify(&again).await;
    again.close().await;
    drop(again);
    fs::remove_file(&file).unwrap();
    let again = open(config(folder.path(), Bounds::default()));
    verify(&again).await;
    indexed(folder.path()).await;
    verify(&again).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_an_index_there_is_no_file_and_the_newest_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let journal = journal(folder.path()).await;
    indexed(folder.path()).await;
    journal.close().await;
    drop(journal);
    let without = Config {
        lookup_index: false,
        ..config(folder.path(), Bounds::default())
    };
    let again = open(without);
    assert!(!folder.path().join("lookup.db").exists());
    verify(&again).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!folder.path().join("lookup.db").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deliveries_without_records_are_not_taken_for_filtered() {
    let folder = tempfile::tempdir().unwrap();
    let without = Config {
        delivered_max_bytes: 0,
        ..config(folder.path(), Bounds::default())
    };
    let journal = open(without.clone());
    journal.open_lane(project(), sync()).await.unwrap();
    let events = (0..10).map(carrying).collect();
    journal.accept(batch(events)).await.unwrap();
    let delivered = |offset| Delivered {
        offset: Offset(offset),
        part: Part::Event,
        at: Timestamp(1),
        status: 200,
        took_ms: 3,
    };
    let settlement = Settlement {
        cursor: Offset(10),
        record: Record {
            delivered: (0..5).map(delivered).collect(),
            ..Record::default()
        },
        ..Settlement::default()
    };
    journal.settle(sync(), settlement).await.unwrap();
    journal.close().await;
    drop(journal);
    let journal = open(without);
    for (offset, standing) in [(4, Standing::Forgotten), (5, Standing::Settled)] {
        let fate = journal.fate(sync(), Offset(offset)).await.unwrap().unwrap();
        assert_eq!((fate.standing, fate.delivered.len()), (standing, 0));
    }
}
