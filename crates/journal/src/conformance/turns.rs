//! Deliveries that keep their user's order.

use model::{ErasureId, Offset, Part, Timestamp};

use super::retention::hourly;
use super::support::*;
use super::{Backend, Bounds};
use crate::hold::Standing;
use crate::turn::{Turn, TurnHead};
use crate::{EraseRequest, Journal, Settlement, StorageError, Subject};
use std::sync::Arc;

fn turn(user: u64, offset: u64) -> Turn {
    Turn {
        user,
        offset: Offset(offset),
        part: Part::Event,
    }
}

fn head(user: u64, offset: u64, count: u64, due_at: Option<i64>) -> TurnHead {
    TurnHead {
        turn: turn(user, offset),
        count,
        due_at: due_at.map(Timestamp),
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
    for head in expected {
        let found = journal.turn(sync(1), head.turn.user).await;
        assert_eq!(found, Ok(Some((head.turn, head.due_at))));
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
        due_at: None,
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
    let dropped = journal.drop_backlog(sync(1)).await.unwrap();
    assert_eq!((dropped.events, dropped.retries), (1, 0));
    assert!(all(&journal, 9).await.is_empty());
    let settlement = Settlement {
        turns: vec![turn(7, 4)],
        ..settled(6)
    };
    journal.settle(sync(1), settlement).await.unwrap();
    journal.drop_lane(sync(1)).await.unwrap();
    journal.retire(NOW).await.unwrap();
    journal.open_lane(project(1), sync(1)).await.unwrap();
    assert!(all(&journal, 9).await.is_empty());
}
