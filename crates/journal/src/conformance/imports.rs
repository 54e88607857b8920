//! Logs of imports: other projects' in the tables, and yet somebody's.

use std::collections::HashMap;
use std::sync::Arc;

use model::{ErasureId, Offset};

use super::support::*;
use super::{Backend, Bounds};
use crate::{
    EraseRequest, ErasureState, ImportLog, IncomingEvent, Journal, Keep, Settlement, Subject,
};

/// Of project 1 and sync 1.
fn import(log: u8) -> ImportLog {
    ImportLog {
        log: project(log),
        owner: project(1),
        whose: sync(1),
        over: false,
    }
}

/// A line of an archive: it alone tells whose it is.
fn line(ids: serde_json::Value) -> IncomingEvent {
    let text = ids.to_string();
    IncomingEvent {
        user_id: None,
        device_id: None,
        fields: text.trim_end_matches('}').as_bytes().to_vec(),
        ..event("", "")
    }
}

/// Hers, of her device, of somebody whose foreign number is hers here, and a stranger's.
fn lines() -> Vec<IncomingEvent> {
    let padding = "x".repeat(500);
    [
        serde_json::json!({"user_id": "ann", "pad": padding}),
        serde_json::json!({"device_id": "ann's phone", "amplitude_id": 77}),
        serde_json::json!({"user_id": "cid", "amplitude_id": 1}),
        serde_json::json!({"user_id": "bob", "device_id": "ann's phone"}),
    ]
    .map(line)
    .to_vec()
}

/// Her in project 1, with imports in the logs 8 and 9; 7 is another project's.
async fn with_imports(backend: &dyn Backend, bounds: Bounds) -> Arc<dyn Journal> {
    let journal = backend.open(bounds).await;
    journal.open_lane(project(1), sync(1)).await.unwrap();
    let theirs = ImportLog {
        owner: project(2),
        whose: sync(2),
        ..import(7)
    };
    let logs = vec![import(8), import(9), theirs];
    journal.own_imports(logs.clone()).await.unwrap();
    journal.own_imports(logs).await.unwrap();
    accept(&journal, project(1), vec![event("ann", "ann's phone")]).await;
    for log in [7, 8, 9] {
        accept(&journal, project(log), lines()).await;
    }
    journal
}

/// The offsets of a log's events that have a text.
async fn left(journal: &Arc<dyn Journal>, log: u8) -> Vec<u64> {
    let head = *journal.head(project(log)).borrow();
    let mut left = Vec::new();
    for offset in 0..head.0 {
        let event = journal.get(project(log), Offset(offset)).await.unwrap();
        if event.is_some_and(|event| !event.is_erased()) {
            left.push(offset);
        }
    }
    left
}

pub async fn erasing_a_user_goes_over_the_projects_imports(backend: &dyn Backend) {
    let mut journal = with_imports(backend, Bounds::default()).await;
    let owner = sync(1);
    let range = Offset(0)..Offset(100);
    let lane = journal.open_bounded_lane(project(9), sync(9), owner, range);
    lane.await.unwrap();
    let settlement = Settlement {
        book: vec![retry(0, 5), retry(3, 5)],
        ..settled(4)
    };
    journal.settle(sync(9), settlement).await.unwrap();
    // Somebody has read it before.
    let (times, before) = (journal.times_erased(project(9)), left(&journal, 9).await);
    assert_eq!((times.count(), before.len()), (0, 4));
    let id = ErasureId::from_bytes([1; 16]);
    let request = EraseRequest {
        id,
        project: project(1),
        subject: Subject::UserId("ann".into()),
        at: NOW,
    };
    let begun = journal.erase(request).await.unwrap();
    assert_eq!(begun.until, Offset(9), "with its imports");
    // Appended since: another user's.
    accept(&journal, project(8), vec![lines().remove(0)]).await;
    let mut crashed = false;
    let done = loop {
        let step = journal.go_on_erasing(NOW + HOUR).await.unwrap();
        if let Some(done) = step.finished {
            break done;
        }
        let now = journal.erasure(id).await.unwrap().unwrap();
        if now.state == ErasureState::Events && now.looked_at > Offset(1) && !crashed {
            crashed = true;
            journal = backend.crash(journal).await;
        }
    };
    assert!(crashed);
    assert_eq!((done.found["events"], done.found["retries"]), (5, 1));
    assert_eq!((done.looked_at, done.until), (Offset(9), Offset(9)));
    assert!(journal.times_erased(project(9)).count() > 0);
    assert_eq!(left(&journal, 1).await, Vec::<u64>::new());
    assert_eq!(left(&journal, 8).await, [2, 3, 4]);
    assert_eq!(left(&journal, 9).await, [2, 3]);
    assert_eq!(left(&journal, 7).await, [0, 1, 2, 3]);
    let stats = journal.lane_stats(sync(9)).await.unwrap().unwrap();
    assert_eq!(stats.pending, 1);
}

pub async fn imports_are_kept_as_long_as_their_project_says(backend: &dyn Backend) {
    let journal = with_imports(backend, Bounds::default()).await;
    journal.settle(sync(1), settled(1)).await.unwrap();
    let held = journal.held(project(1)).await.unwrap();
    assert!(held.bytes > 1000, "{held:?}");
    assert_eq!(held.oldest_of_imports, Some(NOW));
    let keep = Keep {
        events: Some(HOUR),
        ended: None,
    };
    journal.keep(HashMap::from([(project(1), keep)]));
    journal.retire(NOW + HOUR * 2).await.unwrap();
    for (log, events) in [(1, 0), (7, 4), (8, 0), (9, 0)] {
        assert_eq!(left(&journal, log).await.len(), events, "{log}");
    }
    let held = journal.held(project(1)).await.unwrap();
    assert_eq!((held.bytes, held.oldest_of_imports), (0, None));
}

pub async fn imports_go_with_their_sync_or_when_they_are_over(backend: &dyn Backend) {
    let journal = with_imports(backend, Bounds::default()).await;
    let over = ImportLog {
        over: true,
        ..import(8)
    };
    journal.own_imports(vec![over]).await.unwrap();
    // Not known, and not made known by that.
    let unknown = ImportLog {
        over: true,
        ..import(20)
    };
    journal.own_imports(vec![unknown]).await.unwrap();
    let journal = backend.crash(journal).await;
    assert_eq!(journal.retire(NOW).await.unwrap().events, 4);
    assert!(left(&journal, 8).await.is_empty());
    // What comes too late goes, too, and nothing makes it wanted again.
    journal.own_imports(vec![import(8)]).await.unwrap();
    accept(&journal, project(8), lines()).await;
    assert_eq!(journal.retire(NOW).await.unwrap().events, 4);
    assert_eq!(left(&journal, 9).await.len(), 4);
    journal.drop_lane(sync(1), NOW).await.unwrap();
    // Of one that was never switched on.
    journal.drop_lane(sync(2), NOW).await.unwrap_err();
    let journal = backend.crash(journal).await;
    assert_eq!(journal.retire(NOW).await.unwrap().events, 8);
    assert!(left(&journal, 9).await.is_empty() && left(&journal, 7).await.is_empty());
    assert_eq!(left(&journal, 1).await, [0]);
}
