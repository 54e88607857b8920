//! What lanes record.

use model::outcome::Discarded;
use model::{Offset, Part, Timestamp};

use super::support::*;
use super::{Backend, Bounds};
use crate::{
    Batch, DroppedLane, Ended, EndedWhy, Journal, LanePosition, Retry, Settlement, StorageError,
};
use std::sync::Arc;

async fn with_events(backend: &dyn Backend, count: usize) -> Arc<dyn Journal> {
    let journal = backend.open(Bounds::default()).await;
    journal.open_lane(project(1), sync(1)).await.unwrap();
    accept(&journal, project(1), (0..count).map(numbered).collect()).await;
    journal
}

pub async fn a_new_lane_starts_at_the_head(backend: &dyn Backend) {
    let journal = backend.open(Bounds::default()).await;
    let at = |cursor| LanePosition {
        cursor: Offset(cursor),
        ..LanePosition::default()
    };
    assert_eq!(journal.open_lane(project(1), sync(1)).await.unwrap(), at(0));
    accept(
        &journal,
        project(1),
        vec![event("ann", ""), event("ann", "")],
    )
    .await;
    assert_eq!(journal.open_lane(project(1), sync(2)).await.unwrap(), at(2));
    let journal = backend.crash(journal).await;
    accept(&journal, project(1), vec![event("ann", "")]).await;
    assert_eq!(journal.open_lane(project(1), sync(1)).await.unwrap(), at(0));
    assert_eq!(journal.open_lane(project(1), sync(2)).await.unwrap(), at(2));
}

pub async fn a_settlement_is_kept_and_idempotent(backend: &dyn Backend) {
    let journal = with_events(backend, 10).await;
    let settlement = Settlement {
        ahead: vec![Offset(5), Offset(8)],
        book: vec![retry(2, 70), retry(1, 60)],
        ended: vec![ended(0, NOW)],
        ..settled(4)
    };
    for _ in 0..2 {
        journal.settle(sync(1), settlement.clone()).await.unwrap();
    }
    let journal = backend.crash(journal).await;
    journal.settle(sync(1), settlement.clone()).await.unwrap();
    let expected = LanePosition {
        cursor: Offset(4),
        ahead: vec![Offset(5), Offset(8)],
        pending: 2,
        ..LanePosition::default()
    };
    assert_eq!(
        journal.open_lane(project(1), sync(1)).await.unwrap(),
        expected
    );
    let pending = journal.retries(sync(1), None, 10).await.unwrap();
    assert_eq!(pending, [retry(1, 60), retry(2, 70)]);
    let kept = journal.ended(sync(1), None, 10).await.unwrap();
    assert_eq!(
        kept.iter().map(|row| &row.ended).collect::<Vec<_>>(),
        [&ended(0, NOW)]
    );
    let stats = journal.lane_stats(sync(1)).await.unwrap().unwrap();
    assert_eq!(
        (stats.pending, stats.ended, stats.next_due),
        (2, 1, Some(Timestamp(60)))
    );
}

pub async fn retries_are_read_in_their_order(backend: &dyn Backend) {
    let journal = with_events(backend, 10).await;
    let user = Retry {
        part: Part::User,
        ..retry(3, 50)
    };
    let ordered = [
        retry(9, 40),
        retry(2, 50),
        retry(3, 50),
        user,
        retry(4, 50),
        retry(1, 60),
    ];
    let mut book = ordered.to_vec();
    book.reverse();
    let settlement = Settlement {
        book,
        ..settled(10)
    };
    journal.settle(sync(1), settlement).await.unwrap();
    let journal = backend.crash(journal).await;
    for page in 1..=ordered.len() {
        let (mut read, mut after) = (Vec::new(), None);
        loop {
            let found = journal.retries(sync(1), after, page).await.unwrap();
            assert!(found.len() <= page);
            let Some(last) = found.last() else {
                break;
            };
            after = Some(last.key());
            read.extend(found);
        }
        assert_eq!(read, ordered);
    }
}

pub async fn a_retry_is_replaced_and_finished(backend: &dyn Backend) {
    let journal = with_events(backend, 5).await;
    let booking = |book: Vec<Retry>, finish: Vec<(Offset, Part)>| Settlement {
        book,
        finish,
        ..settled(5)
    };
    let first = booking(vec![retry(1, 10), retry(2, 20)], vec![]);
    journal.settle(sync(1), first).await.unwrap();
    let later = Retry {
        attempts: 2,
        ..retry(1, 30)
    };
    let second = booking(vec![later.clone()], vec![]);
    journal.settle(sync(1), second).await.unwrap();
    let journal = backend.crash(journal).await;
    let pending = journal.retries(sync(1), None, 10).await.unwrap();
    assert_eq!(pending, [retry(2, 20), later]);
    let finish = vec![(Offset(2), Part::Event), (Offset(1), Part::User)];
    journal
        .settle(sync(1), booking(vec![], finish))
        .await
        .unwrap();
    let stats = journal.lane_stats(sync(1)).await.unwrap().unwrap();
    assert_eq!((stats.pending, stats.next_due), (1, Some(Timestamp(30))));
}

pub async fn ended_deliveries_are_read_newest_first(backend: &dyn Backend) {
    let journal = with_events(backend, 20).await;
    let discarded = Ended {
        part: Part::User,
        why: EndedWhy::Discarded(Discarded::MissingMapping {
            field: "email".into(),
            waited_seconds: None,
            no_room: None,
        }),
        ..ended(3, NOW)
    };
    let mut all: Vec<Ended> = (0..9).map(|offset| ended(offset, NOW)).collect();
    all.push(discarded);
    for ended in &all {
        let settlement = Settlement {
            ended: vec![ended.clone()],
            ..settled(0)
        };
        journal.settle(sync(1), settlement).await.unwrap();
    }
    let journal = backend.crash(journal).await;
    let (mut read, mut before) = (Vec::new(), None);
    loop {
        let page = journal.ended(sync(1), before, 4).await.unwrap();
        assert!(page.len() <= 4);
        let Some(last) = page.last() else {
            break;
        };
        before = Some(last.sequence);
        read.extend(page.into_iter().map(|row| row.ended));
    }
    all.reverse();
    assert_eq!(read, all);
    // Sent again, and failed again: it is the newest now.
    let again = ended(0, NOW + HOUR);
    let settlement = Settlement {
        ended: vec![again.clone()],
        ..settled(0)
    };
    journal.settle(sync(1), settlement).await.unwrap();
    let page = journal.ended(sync(1), None, 100).await.unwrap();
    assert_eq!((page.len(), &page[0].ended), (10, &again));
}

pub async fn a_dropped_lane_is_gone(backend: &dyn Backend) {
    let journal = with_events(backend, 10).await;
    let settlement = Settlement {
        ahead: vec![Offset(6)],
        book: vec![retry(1, 10), retry(2, 20)],
        ended: vec![ended(0, NOW)],
        ..settled(4)
    };
    journal.settle(sync(1), settlement).await.unwrap();
    let dropped = journal.drop_lane(sync(1), NOW).await.unwrap();
    let expected = DroppedLane {
        pending: 2,
        backlog: 5,
        in_order: 0,
        ended: 1,
    };
    assert_eq!(dropped, expected);
    let unknown = Err(StorageError::UnknownLane(sync(1)));
    assert_eq!(journal.drop_lane(sync(1), NOW).await, unknown.clone());
    let journal = backend.crash(journal).await;
    assert_eq!(journal.drop_lane(sync(1), NOW).await, unknown);
    assert_eq!(journal.lane_stats(sync(1)).await.unwrap(), None);
    journal.retire(NOW).await.unwrap();
    // A new lane of the same sync has nothing of the old one.
    let position = journal.open_lane(project(1), sync(1)).await.unwrap();
    assert_eq!((position.cursor, position.pending), (Offset(10), 0));
    assert!(journal.retries(sync(1), None, 10).await.unwrap().is_empty());
    assert!(journal.ended(sync(1), None, 10).await.unwrap().is_empty());
}

pub async fn an_unknown_lane_is_an_error(backend: &dyn Backend) {
    let journal = backend.open(Bounds::default()).await;
    let unknown = StorageError::UnknownLane(sync(1));
    assert_eq!(
        journal.settle(sync(1), settled(0)).await,
        Err(unknown.clone())
    );
    assert_eq!(
        journal.set_paused(sync(1), true).await,
        Err(unknown.clone())
    );
    assert_eq!(
        journal.retries(sync(1), None, 1).await,
        Err(unknown.clone())
    );
    assert_eq!(journal.ended(sync(1), None, 1).await, Err(unknown));
    assert_eq!(journal.lane_stats(sync(1)).await, Ok(None));
}

pub async fn the_oldest_unsettled_event_is_known(backend: &dyn Backend) {
    let journal = backend.open(Bounds::default()).await;
    journal.open_lane(project(1), sync(1)).await.unwrap();
    for hours in 0..3 {
        let batch = Batch {
            received_at: NOW + HOUR * hours,
            ..batch(project(1), vec![event("ann", "")])
        };
        journal.accept(batch).await.unwrap();
    }
    for (cursor, expected) in [(0, Some(NOW)), (1, Some(NOW + HOUR)), (3, None)] {
        journal.settle(sync(1), settled(cursor)).await.unwrap();
        let stats = journal.lane_stats(sync(1)).await.unwrap().unwrap();
        assert_eq!(stats.oldest_unsettled, expected);
        assert_eq!((stats.cursor, stats.head), (Offset(cursor), Offset(3)));
    }
}
