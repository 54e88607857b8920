//! Disks that are full, read-only or damaged; folders that belong to others.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use millstream_journal::conformance::Bounds;
use millstream_journal::fate::Standing;
use millstream_journal::figures::{Figures, Scope, Step};
use millstream_journal::sqlite::{Config, OpenError, Sqlite};
use millstream_journal::turn::Turn;
use millstream_journal::{AcceptError, Ended, EndedWhy, Journal, Retry, Settlement, StorageError};
use model::outcome::{Category, Discarded, Failure};
use model::random::Seeded;
use model::{Offset, Part, ProjectId, SyncId, Timestamp};

use crate::support::{batch, config, copy, counting, open, project, read_all, sync};

fn small(folder: &Path) -> Config {
    config(folder, Bounds::default())
}

fn refusal(folder: &Path) -> OpenError {
    Sqlite::open(small(folder), &Seeded::new(1)).expect_err("the journal opens")
}

/// Ten events of 1 KB.
fn ten(number: usize) -> millstream_journal::Batch {
    let padding = "x".repeat(1000);
    let event = |place: usize| {
        let id = number * 10 + place;
        let fields = format!(r#"{{"id":{id},"padding":"{padding}""#);
        counting("someone", &id.to_string(), fields)
    };
    batch((0..10).map(event).collect())
}

#[tokio::test]
async fn a_full_disk_refuses_events_keeps_nothing_of_them_and_recovers() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(Config {
        file_max_bytes: Some(2 << 20),
        retention_bytes: 0,
        ..small(folder.path())
    });
    journal.open_lane(project(), sync()).await.unwrap();
    let mut accepted = 0;
    let refused = loop {
        match journal.accept(ten(accepted)).await {
            Ok(_) => accepted += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(refused, AcceptError::DiskFull);
    assert_eq!(journal.status().refusing, Some(AcceptError::DiskFull));
    assert!(accepted > 50, "{accepted} batches fit");
    assert_eq!(read_all(&journal).await.unwrap().len(), accepted * 10);

    let settlement = Settlement {
        cursor: model::Offset(accepted as u64 * 10),
        ..Settlement::default()
    };
    journal.settle(sync(), settlement).await.unwrap();
    let retired = journal
        .retire(Timestamp(1_780_000_000_000_000))
        .await
        .unwrap();
    assert_eq!(retired.events, accepted as u64 * 10);
    // The refused batch left no trace: neither its keys nor its change to the user.
    let again = journal.accept(ten(accepted)).await.unwrap();
    assert_eq!((again.appended, again.duplicates), (10, 0));
    assert_eq!(again.head.0, accepted as u64 * 10 + 10);
    let first = &read_all(&journal).await.unwrap()[0];
    let first: serde_json::Value = serde_json::from_slice(first.text()).unwrap();
    assert_eq!(first["user_properties"]["count"], accepted * 10 + 1);
    assert_eq!(journal.status().refusing, None);
}

#[tokio::test]
async fn a_disk_below_its_reserve_refuses_events_but_settles() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(Config {
        disk_reserve_bytes: u64::MAX,
        ..small(folder.path())
    });
    journal.open_lane(project(), sync()).await.unwrap();
    assert_eq!(journal.accept(ten(0)).await, Err(AcceptError::DiskFull));
    journal.settle(sync(), Settlement::default()).await.unwrap();
    assert!(read_all(&journal).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_flipped_byte_is_reported_wherever_an_event_may_be_wrong() {
    let (original, damaged) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let journal = open(small(original.path()));
    for number in 0..60 {
        journal.accept(ten(number)).await.unwrap();
    }
    let texts = |events: Vec<Arc<model::Event>>| {
        events
            .iter()
            .map(|event| event.text().clone())
            .collect::<Vec<_>>()
    };
    let expected = texts(read_all(&journal).await.unwrap());
    journal.close().await;
    copy(original.path(), damaged.path());

    let file = damaged.path().join("journal.db");
    let whole = fs::read(&file).unwrap();
    let (mut reported, mut harmless) = (0, 0);
    for position in (0..whole.len()).step_by(9_973) {
        let mut bytes = whole.clone();
        bytes[position] ^= 0x41;
        fs::write(&file, bytes).unwrap();
        let journal = match Sqlite::open(small(damaged.path()), &Seeded::new(1)) {
            Ok(journal) => Arc::new(journal) as Arc<dyn Journal>,
            Err(error) => {
                assert!(error.to_string().contains("journal.db"), "{error}");
                reported += 1;
                continue;
            }
        };
        match read_all(&journal).await {
            Ok(events) => {
                assert_eq!(texts(events), expected, "a wrong event, byte {position}");
                harmless += 1;
            }
            Err(StorageError::Corrupt(what)) => {
                assert!(
                    what.contains("journal.db") && what.contains("backup"),
                    "{what}"
                );
                reported += 1;
            }
            Err(other) => panic!("{other}"),
        }
        journal.close().await;
    }
    assert!(
        reported > harmless,
        "{reported} reported, {harmless} harmless"
    );
}

#[tokio::test]
async fn a_file_that_is_no_database_or_is_cut_short_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(small(folder.path()));
    for number in 0..60 {
        journal.accept(ten(number)).await.unwrap();
    }
    journal.close().await;
    let file = folder.path().join("journal.db");
    let whole = fs::read(&file).unwrap();
    fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    assert!(matches!(refusal(folder.path()), OpenError::Corrupt(what) if what.contains("backup")));
    fs::write(&file, vec![0x5a; 100_000]).unwrap();
    assert!(matches!(refusal(folder.path()), OpenError::Corrupt(what) if what.contains("backup")));
}

#[tokio::test]
async fn a_missing_file_of_duplicate_detection_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(small(folder.path()));
    let runs = || {
        let files = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().path());
        files
            .filter(|path| path.extension().is_some_and(|e| e == "run"))
            .collect::<Vec<_>>()
    };
    for number in 0..1000 {
        journal.accept(ten(number)).await.unwrap();
    }
    journal.close().await;
    let runs = runs();
    fs::remove_file(&runs[0]).unwrap();
    let refused = refusal(folder.path()).to_string();
    assert!(
        refused.contains(runs[0].file_name().unwrap().to_str().unwrap()),
        "{refused}"
    );
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    // Nobody can make anything there, not even root.
    let folder = Path::new("/proc/self/journal");
    let refused = refusal(folder);
    assert!(matches!(refused, OpenError::Folder { .. }));
    assert!(
        refused.to_string().contains("/proc/self/journal"),
        "{refused}"
    );
}

#[tokio::test]
async fn a_folder_is_used_by_one_journal_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(small(folder.path()));
    assert!(matches!(refusal(folder.path()), OpenError::Locked { .. }));
    journal.close().await;
    let again = open(small(folder.path()));
    drop(again);
    open(small(folder.path())).close().await;
}

/// What made figures of the counts by the minute that versions before 3 kept.
const BEFORE_FIGURES: &str = "
DROP TABLE minutes;
DROP TABLE hours;
CREATE TABLE lane_minutes (
    lane            INTEGER NOT NULL,
    minute          INTEGER NOT NULL,
    filtered        INTEGER NOT NULL,
    delivered_first INTEGER NOT NULL,
    delivered_retry INTEGER NOT NULL,
    discarded       INTEGER NOT NULL,
    expired         INTEGER NOT NULL,
    failed_attempts INTEGER NOT NULL,
    PRIMARY KEY (lane, minute)
) STRICT, WITHOUT ROWID;
INSERT INTO lane_minutes SELECT number, 7200000000, 1, 2, 3, 4, 5, 6 FROM lanes;
INSERT INTO lane_minutes SELECT number, 7260000000, 1, 2, 3, 4, 5, 6 FROM lanes;
";

#[tokio::test]
async fn a_former_schema_is_brought_up_to_date_with_its_counts() {
    let project = ProjectId::from_bytes([1; 16]);
    let syncs = [SyncId::from_bytes([1; 16]), SyncId::from_bytes([2; 16])];
    for former in [1, 2] {
        let folder = tempfile::tempdir().unwrap();
        let journal = open(small(folder.path()));
        for sync in syncs {
            journal.open_lane(project, sync).await.unwrap();
        }
        journal.close().await;
        let database = rusqlite::Connection::open(folder.path().join("journal.db")).unwrap();
        let version = || database.pragma_query_value(None, "user_version", |row| row.get(0));
        let now: i64 = version().unwrap();
        database.execute_batch(VERSION_8_AWAY).unwrap();
        database.execute_batch(VERSION_7_AWAY).unwrap();
        database.execute_batch(VERSION_6_AWAY).unwrap();
        database.execute_batch(VERSION_5_AWAY).unwrap();
        database.execute_batch(VERSION_4_AWAY).unwrap();
        database.execute_batch(BEFORE_FIGURES).unwrap();
        database
            .pragma_update(None, "user_version", former)
            .unwrap();
        for _ in 0..2 {
            let journal = open(small(folder.path()));
            let (from, until) = (Timestamp(7_200_000_000), Timestamp(10_800_000_000));
            let read = async |scope, step| {
                let found = journal.figures(scope, step, from, until).await.unwrap();
                let delivered = |(_, figures): &(_, Figures)| figures.counts.delivered_first;
                found.iter().map(delivered).collect::<Vec<_>>()
            };
            for sync in syncs {
                assert_eq!(read(Scope::Sync(sync), Step::Minute).await, [2, 2]);
                assert_eq!(read(Scope::Sync(sync), Step::Hour).await, [4]);
            }
            assert_eq!(read(Scope::Project(project), Step::Minute).await, [4, 4]);
            journal.retire(until).await.unwrap();
            assert_eq!(read(Scope::Project(project), Step::Hour).await, [8]);
            journal.close().await;
            assert_eq!(version().unwrap(), now);
        }
    }
}

/// Makes a database of version 8 one of version 7.
const VERSION_8_AWAY: &str = "
    DROP TABLE losses;
    PRAGMA user_version = 7;";

/// Makes a database of version 7 one of version 6.
const VERSION_7_AWAY: &str = "
    DROP INDEX bounded_lanes_whose; ALTER TABLE retries DROP COLUMN given;
    DROP TABLE accounts; DROP TABLE let_go;
    ALTER TABLE replays DROP COLUMN erased;
    PRAGMA user_version = 6;";

/// Makes a database of version 6 one of version 5.
const VERSION_6_AWAY: &str = "
    DROP TABLE turns; DROP TABLE received; DROP TABLE received_scopes;
    DROP TABLE imports; DROP TABLE erasing_imports;
    PRAGMA user_version = 5;";

/// Makes a database of version 5 one of version 4.
const VERSION_5_AWAY: &str = "
    DROP INDEX devices_user;
    PRAGMA user_version = 4;";

/// Makes a database of version 4 one of version 3.
const VERSION_4_AWAY: &str = "
    DROP TABLE fates; DROP TABLE outcomes; DROP TABLE packed; DROP TABLE samples; DROP TABLE refused;
    DROP TABLE replays; DROP TABLE replayed; DROP TABLE bounded_lanes; DROP TABLE holds;
    DROP TABLE erasures; DROP TABLE erased; DROP TABLE zeros;
    PRAGMA user_version = 3;";

#[tokio::test]
async fn of_what_a_former_version_settled_nothing_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let (project, sync) = (project(), sync());
    let event = |n: usize| counting("someone", &n.to_string(), "{".into());
    let journal = open(small(folder.path()));
    journal.open_lane(project, sync).await.unwrap();
    let events = (0..4).map(event).collect();
    journal.accept(batch(events)).await.unwrap();
    journal.close().await;
    let database = rusqlite::Connection::open(folder.path().join("journal.db")).unwrap();
    database.execute_batch(VERSION_8_AWAY).unwrap();
    database.execute_batch(VERSION_7_AWAY).unwrap();
    database.execute_batch(VERSION_6_AWAY).unwrap();
    database.execute_batch(VERSION_5_AWAY).unwrap();
    database.execute_batch(VERSION_4_AWAY).unwrap();
    drop(database);
    let journal = open(small(folder.path()));
    let events = (4..6).map(event).collect();
    journal.accept(batch(events)).await.unwrap();
    let settlement = Settlement {
        cursor: Offset(5),
        ..Settlement::default()
    };
    journal.settle(sync, settlement).await.unwrap();
    let mut standings = Vec::new();
    for offset in 3..6 {
        let fate = journal.fate(sync, Offset(offset)).await.unwrap();
        standings.push(fate.unwrap().standing);
    }
    let wanted = [
        Standing::Forgotten,
        Standing::Settled,
        Standing::Ahead { events: 0 },
    ];
    assert_eq!(standings, wanted);
}

#[tokio::test]
async fn a_lane_of_a_former_version_can_keep_deliveries_in_order() {
    for former in [5, 4] {
        let folder = tempfile::tempdir().unwrap();
        let journal = open(small(folder.path()));
        journal.open_lane(project(), sync()).await.unwrap();
        journal.accept(ten(0)).await.unwrap();
        journal.close().await;
        let database = rusqlite::Connection::open(folder.path().join("journal.db")).unwrap();
        database.execute_batch(VERSION_8_AWAY).unwrap();
        database.execute_batch(VERSION_7_AWAY).unwrap();
        database.execute_batch(VERSION_6_AWAY).unwrap();
        if former == 4 {
            database.execute_batch(VERSION_5_AWAY).unwrap();
        }
        drop(database);
        let journal = open(small(folder.path()));
        let turn = Turn {
            user: 1,
            offset: Offset(3),
            part: Part::Event,
        };
        let settlement = Settlement {
            cursor: Offset(10),
            turns: vec![turn],
            ..Settlement::default()
        };
        journal.settle(sync(), settlement).await.unwrap();
        assert_eq!(journal.turn(sync(), 1).await, Ok(Some((turn, None))));
    }
}

#[tokio::test]
async fn what_destinations_answered_a_former_version_is_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(small(folder.path()));
    journal.open_lane(project(), sync()).await.unwrap();
    journal.accept(ten(0)).await.unwrap();
    let failure = Failure {
        category: Category::ServerError,
        status: Some(503),
        message: "it answered 503".into(),
        response: "the key s3cr3t-4711 is none".into(),
    };
    let ended = |offset, why| Ended {
        offset: Offset(offset),
        part: Part::Event,
        at: Timestamp(5),
        attempts: 1,
        why,
    };
    let refused = Discarded::Refused {
        failure: failure.clone(),
    };
    let settlement = Settlement {
        cursor: Offset(10),
        book: vec![Retry {
            offset: Offset(0),
            part: Part::Event,
            attempts: 1,
            due_at: Timestamp(9),
            failure: failure.clone(),
            given: None,
        }],
        ended: vec![
            ended(1, EndedWhy::Expired(failure.clone())),
            ended(2, EndedWhy::Discarded(refused)),
        ],
        ..Settlement::default()
    };
    journal.settle(sync(), settlement).await.unwrap();
    journal.close().await;
    let database = rusqlite::Connection::open(folder.path().join("journal.db")).unwrap();
    database.execute_batch(VERSION_8_AWAY).unwrap();
    drop(database);
    let journal = open(small(folder.path()));
    let retries = journal.retries(sync(), None, 10).await.unwrap();
    let forgotten = Failure {
        response: String::new(),
        ..failure
    };
    assert_eq!(retries[0].failure, forgotten);
    let ended = journal.ended(sync(), None, 10).await.unwrap();
    let whys: Vec<_> = ended.into_iter().map(|row| row.ended.why).collect();
    let refused = Discarded::Refused {
        failure: forgotten.clone(),
    };
    assert_eq!(
        whys,
        [EndedWhy::Discarded(refused), EndedWhy::Expired(forgotten)]
    );
    journal.close().await;
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap_or_default();
        assert!(!bytes.windows(11).any(|window| window == b"s3cr3t-4711"));
    }
}

#[tokio::test]
async fn a_later_schema_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    open(small(folder.path())).close().await;
    let file = folder.path().join("journal.db");
    let database = rusqlite::Connection::open(&file).unwrap();
    database.pragma_update(None, "user_version", 99).unwrap();
    drop(database);
    let refused = refusal(folder.path());
    assert!(
        matches!(refused, OpenError::Newer { found: 99, .. }),
        "{refused}"
    );
}
