//! Deliveries that keep their user's order.

use model::{ErasureId, Offset, Part, Timestamp};

use super::retention::hourly;
use super::support::*;
use super::{Backend, Bounds};
use crate::hold::Standing;
use crate::turn::{Booked, Turn, TurnHead};
use crate::{EraseRequest, IncomingEvent, Journal, Retry, Settlement, StorageError, Subject};
use std::sync::Arc;

fn turn(user: u64, offset: u64) -> Turn {
    Turn {
        user,
        offset: Offset(offset),
        part: Part::Event,
    }
}

/// Of retries only the head's is booked, with one attempt made.
fn head(user: u64, offset: u64, count: u64, due_at: Option<i64>) -> TurnHead {
    TurnHead {
        turn: turn(user, offset),
        count,
        booked_count: due_at.is_some().into(),
        booked: due_at.map(|due_at| Booked {
            due_at: Timestamp(due_at),
            attempts: 1,
        }),
    }
}

async fn all(journal: &Arc<dyn Journal>, page: usize) -> Vec<TurnHead> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let heads = journal.turns(sync(1), after, page).await.unwrap();
        assert!(heads.len() <= page);
        let Some(last) = heads.last() else {
            return found;
        };
        after = Some(last.turn.user);
        found.extend(heads);
    }
}

pub async fn a_users_first_delivery_is_known_and_whether_it_is_booked(backend: &dyn Backend) {
    let journal = hourly(backend, Bounds::default(), 6).await;
    let of_user = Turn {
        part: Part::User,
        ..turn(7, 1)
    };
    let settlement = Settlement {
        book: vec![retry(1, 50), retry(2, 60)],
        turns: vec![turn(7, 4), turn(9, 2), turn(7, 1), of_user, turn(8, 3)],
        ..settled(6)
    };
    for _ in 0..2 {
        journal.settle(sync(1), settlement.clone()).await.unwrap();
    }
    let journal = backend.crash(journal).await;
    let expected = [
        head(7, 1, 3, Some(50)),
        head(8, 3, 1, None),
        head(9, 2, 1, Some(60)),
    ];
    for page in 1..=4 {
        assert_eq!(all(&journal, page).await, expected);
    }
    let stats = journal.lane_stats(sync(1)).await.unwrap().unwrap();
    assert_eq!((stats.pending, stats.in_order, stats.awaiting), (2, 3, 0));
    for head in expected {
        let found = journal.turn(sync(1), head.turn.user).await;
        assert_eq!(found, Ok(Some((head.turn, head.booked))));
    }
    assert_eq!(journal.turn(sync(1), 1).await, Ok(None));
    let settlement = Settlement {
        finish: vec![(Offset(1), Part::Event)],
        turns_over: vec![turn(7, 1), turn(8, 3), turn(5, 5)],
        ..settled(6)
    };
    journal.settle(sync(1), settlement).await.unwrap();
    let user = TurnHead {
        turn: of_user,
        count: 2,
        booked_count: 0,
        booked: None,
    };
    assert_eq!(all(&journal, 9).await, [user, head(9, 2, 1, Some(60))]);
    let unknown = StorageError::UnknownLane(sync(2));
    assert_eq!(journal.turns(sync(2), None, 1).await, Err(unknown.clone()));
    assert_eq!(journal.turn(sync(2), 7).await, Err(unknown));
}

pub async fn turns_of_erased_events_go(backend: &dyn Backend) {
    let journal = backend.open(Bounds::default()).await;
    journal.open_lane(project(1), sync(1)).await.unwrap();
    let events = ["ann", "bob", "ann", "bob"].map(|user| event(user, ""));
    accept(&journal, project(1), events.to_vec()).await;
    let settlement = Settlement {
        book: vec![retry(0, 5), retry(1, 6)],
        turns: vec![turn(7, 0), turn(8, 1), turn(7, 2), turn(8, 3)],
        ..settled(4)
    };
    journal.settle(sync(1), settlement.clone()).await.unwrap();
    let request = EraseRequest {
        id: ErasureId::from_bytes([1; 16]),
        project: project(1),
        subject: Subject::UserId("ann".to_owned()),
        at: NOW,
    };
    journal.erase(request).await.unwrap();
    let done = loop {
        if let Some(done) = journal.go_on_erasing(NOW).await.unwrap().finished {
            break done;
        }
    };
    assert_eq!((done.found["turns"], done.found["retries"]), (2, 1));
    assert_eq!(all(&journal, 9).await, [head(8, 1, 2, Some(6))]);
    // What was under way meanwhile brings nothing back.
    journal.settle(sync(1), settlement).await.unwrap();
    let journal = backend.crash(journal).await;
    assert_eq!(all(&journal, 9).await, [head(8, 1, 2, Some(6))]);
}

pub async fn what_waits_holds_its_event_and_goes_with_its_lane(backend: &dyn Backend) {
    let bounds = Bounds {
        retention_age: HOUR,
        paused_max_age: DAY,
        ..Bounds::default()
    };
    let journal = hourly(backend, bounds, 6).await;
    let settlement = Settlement {
        book: vec![retry(1, 50)],
        turns: vec![turn(7, 1), turn(7, 4)],
        ..settled(6)
    };
    journal.settle(sync(1), settlement).await.unwrap();
    let journal = backend.crash(journal).await;
    journal.retire(NOW + HOUR * 20).await.unwrap();
    assert_eq!(offsets(&journal, project(1)).await, [1, 4]);
    // One that was stopped keeps them within its bounds, and what it loses is counted.
    journal
        .set_standing(sync(1), Standing::Paused)
        .await
        .unwrap();
    journal.retire(NOW + DAY + HOUR * 3).await.unwrap();
    assert_eq!(all(&journal, 9).await, [head(7, 4, 1, None)]);
    let lost = journal
        .lane_stats(sync(1))
        .await
        .unwrap()
        .unwrap()
        .losses
        .lost;
    assert_eq!((lost.events, lost.retries), (0, 1));
    let dropped = journal.drop_backlog(sync(1), said()).await.unwrap();
    assert_eq!((dropped.events, dropped.retries), (1, 0));
    assert!(all(&journal, 9).await.is_empty());
    let settlement = Settlement {
        turns: vec![turn(7, 4)],
        ..settled(6)
    };
    journal.settle(sync(1), settlement).await.unwrap();
    let dropped = journal.drop_lane(sync(1), NOW).await.unwrap();
    assert_eq!((dropped.backlog, dropped.in_order), (0, 1));
    journal.retire(NOW).await.unwrap();
    journal.open_lane(project(1), sync(1)).await.unwrap();
    assert!(all(&journal, 9).await.is_empty());
}

/// What waits for a property of its user: a booked retry without an attempt, with a place in the order.
pub async fn what_waits_for_a_property_is_pending_and_in_order(backend: &dyn Backend) {
    let journal = backend.open(Bounds::default()).await;
    journal.open_lane(project(1), sync(1)).await.unwrap();
    let events = ["ann", "ann", "bob", "ann"].map(|user| event(user, ""));
    accept(&journal, project(1), events.to_vec()).await;
    let awaiting = |offset: u64, due_at: i64| Retry {
        attempts: 0,
        ..retry(offset, due_at)
    };
    let settlement = Settlement {
        book: vec![awaiting(0, 100), awaiting(1, 101), awaiting(2, 102)],
        turns: vec![turn(1, 0), turn(1, 1), turn(2, 2), turn(1, 3)],
        ..settled(4)
    };
    for _ in 0..2 {
        journal.settle(sync(1), settlement.clone()).await.unwrap();
    }
    let journal = backend.crash(journal).await;
    let waits = |due_at| {
        Some(Booked {
            due_at: Timestamp(due_at),
            attempts: 0,
        })
    };
    let heads = all(&journal, 1).await;
    let counts = heads.iter().map(|head| (head.count, head.booked_count));
    assert_eq!(counts.collect::<Vec<_>>(), [(3, 2), (1, 1)]);
    assert_eq!((heads[0].booked, heads[1].booked), (waits(100), waits(102)));
    let found = journal.turn(sync(1), 1).await;
    assert_eq!(found, Ok(Some((turn(1, 0), waits(100)))));
    assert_eq!(journal.has_turn(sync(1), turn(1, 1)).await, Ok(true));
    assert_eq!(journal.has_turn(sync(1), turn(2, 1)).await, Ok(false));
    let stats = journal.lane_stats(sync(1)).await.unwrap().unwrap();
    assert_eq!(stats.pending, 3, "they count");
    assert_eq!((stats.in_order, stats.awaiting), (1, 3));
    let fate = async |offset| {
        journal
            .fate(sync(1), Offset(offset))
            .await
            .unwrap()
            .unwrap()
    };
    assert_eq!(fate(0).await.pending[0].attempts, 0);
    assert!(fate(0).await.in_order.is_empty());
    assert_eq!(fate(3).await.in_order, [Part::Event]);
    let request = EraseRequest {
        id: ErasureId::from_bytes([1; 16]),
        project: project(1),
        subject: Subject::UserId("ann".to_owned()),
        at: NOW,
    };
    journal.erase(request).await.unwrap();
    let done = loop {
        if let Some(done) = journal.go_on_erasing(NOW).await.unwrap().finished {
            break done;
        }
    };
    let found = |what: &str| done.found[what];
    let counts = (found("awaiting_property"), found("turns"), found("retries"));
    assert_eq!(counts, (2, 3, 0));
    let journal = backend.crash(journal).await;
    let stats = journal.lane_stats(sync(1)).await.unwrap().unwrap();
    assert_eq!(stats.pending, 1);
    journal
        .set_standing(sync(1), Standing::Paused)
        .await
        .unwrap();
    let dropped = journal.drop_backlog(sync(1), said()).await.unwrap();
    assert_eq!((dropped.events, dropped.retries), (0, 1));
    assert!(all(&journal, 9).await.is_empty());
}

pub async fn a_users_properties_are_those_after_the_newest_event(backend: &dyn Backend) {
    let journal = backend.open(Bounds::default()).await;
    accept(&journal, project(1), vec![event("ann", "")]).await;
    let first = journal.get(project(1), Offset(0)).await.unwrap().unwrap();
    let first: serde_json::Value = serde_json::from_slice(first.text()).unwrap();
    let user = first["amplitude_id"].as_u64().unwrap();
    let properties = async |journal: &Arc<dyn Journal>, project_of: u8| {
        let found = journal.user_properties(project(project_of), user).await;
        found.unwrap().map(|text| String::from_utf8(text).unwrap())
    };
    assert_eq!(properties(&journal, 1).await.as_deref(), Some("{}"));
    let sets = |json: &str| IncomingEvent {
        user_update: update(json),
        ..event("ann", "")
    };
    let both = vec![
        sets(r#"{"$set":{"mail":"a@x"}}"#),
        sets(r#"{"$set":{"mail":"b@x"}}"#),
    ];
    accept(&journal, project(1), both).await;
    let expected = Some(r#"{"mail":"b@x"}"#.to_owned());
    assert_eq!(properties(&journal, 1).await, expected);
    assert_eq!(properties(&journal, 2).await, None, "another project's");
    let journal = backend.crash(journal).await;
    assert_eq!(properties(&journal, 1).await, expected);
    let request = EraseRequest {
        id: ErasureId::from_bytes([1; 16]),
        project: project(1),
        subject: Subject::UserId("ann".to_owned()),
        at: NOW,
    };
    journal.erase(request).await.unwrap();
    assert_eq!(properties(&journal, 1).await, None);
}
