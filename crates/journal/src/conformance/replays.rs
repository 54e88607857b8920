//! Ended deliveries that go back among the retries, and lanes that end.

use std::sync::Arc;

use model::outcome::{Category, Discarded};
use model::{Offset, Part, ReplayId, Timestamp};

use super::support::*;
use super::{Backend, Bounds};
use crate::{
    Batch, Ended, EndedWhy, Journal, ReplayState, ReplayStep, Retry, Settlement, StorageError,
};

const REPLAY: ReplayId = ReplayId::from_bytes([9; 16]);

fn discarded(offset: u64, part: Part) -> Ended {
    let missing = Discarded::MissingMapping {
        field: "email".into(),
        waited_seconds: None,
        no_room: None,
    };
    Ended {
        part,
        attempts: 0,
        why: EndedWhy::Discarded(missing),
        ..ended(offset, NOW)
    }
}

/// A lane with ten events: of 0, 2 and 4 a delivery expired, of 6 one was discarded.
async fn with_ended(backend: &dyn Backend) -> Arc<dyn Journal> {
    let journal = backend.open(Bounds::default()).await;
    journal.open_lane(project(1), sync(1)).await.unwrap();
    accept(&journal, project(1), (0..10).map(numbered).collect()).await;
    let mut rows: Vec<_> = [0, 2, 4].map(|offset| ended(offset, NOW)).into();
    rows.push(discarded(6, Part::User));
    let settlement = Settlement {
        ended: rows,
        ..settled(10)
    };
    journal.settle(sync(1), settlement).await.unwrap();
    journal
}

fn step(looked_to: u64, looked_at: u64, moved: &[(u64, i64)]) -> ReplayStep {
    let moved = moved
        .iter()
        .map(|&(sequence, due)| (sequence, Timestamp(due)));
    ReplayStep {
        replay: REPLAY,
        looked_to,
        looked_at,
        moved: moved.collect(),
        at: NOW,
    }
}

async fn sequences(journal: &Arc<dyn Journal>) -> Vec<u64> {
    let rows = journal
        .ended_between(sync(1), 0, u64::MAX, 100)
        .await
        .unwrap();
    rows.iter().map(|row| row.sequence).collect()
}

async fn state(journal: &Arc<dyn Journal>) -> ReplayState {
    journal.replay_state(REPLAY).await.unwrap().unwrap()
}

pub async fn ended_deliveries_go_back_among_the_retries(backend: &dyn Backend) {
    let journal = with_ended(backend).await;
    let all = sequences(&journal).await;
    let opened = journal.open_replay(sync(1), REPLAY).await.unwrap();
    let expected = ReplayState {
        until: all[3],
        total: 4,
        ..ReplayState::default()
    };
    assert_eq!(opened, expected);
    let moved = step(all[3], 4, &[(all[1], 70), (all[3], 60)]);
    let booked = journal.replay(sync(1), moved.clone()).await.unwrap();
    let retried = |offset, due_at| Retry {
        attempts: 0,
        ..retry(offset, due_at)
    };
    assert_eq!(booked[0], retried(2, 70));
    assert_eq!(
        (booked[1].offset, booked[1].part, booked[1].attempts),
        (Offset(6), Part::User, 0)
    );
    assert_eq!(booked[1].failure.category, Category::Discarded);

    let journal = backend.crash(journal).await;
    let pending = journal.retries(sync(1), None, 10).await.unwrap();
    assert_eq!(pending, [booked[1].clone(), booked[0].clone()]);
    assert_eq!(sequences(&journal).await, [all[0], all[2]]);
    let stats = journal.lane_stats(sync(1)).await.unwrap().unwrap();
    assert_eq!((stats.pending, stats.ended), (2, 2));
    let known = journal.open_replay(sync(1), REPLAY).await.unwrap();
    assert_eq!(
        (known.looked_at, known.moved, known.outstanding()),
        (4, 2, 2)
    );
    // What is gone already is left out.
    assert_eq!(journal.replay(sync(1), moved).await.unwrap(), []);
    assert_eq!(state(&journal).await.moved, 2);
}

pub async fn what_becomes_of_replayed_deliveries_is_counted_once(backend: &dyn Backend) {
    let journal = with_ended(backend).await;
    let all = sequences(&journal).await;
    journal.open_replay(sync(1), REPLAY).await.unwrap();
    let due: Vec<_> = all.iter().map(|&sequence| (sequence, 60)).collect();
    journal
        .replay(sync(1), step(all[3], 4, &due))
        .await
        .unwrap();

    let again = Retry {
        attempts: 1,
        ..retry(4, 90)
    };
    let settlement = Settlement {
        finish: vec![
            (Offset(0), Part::Event),
            (Offset(2), Part::Event),
            (Offset(6), Part::User),
            (Offset(9), Part::Event),
        ],
        unsent: vec![(Offset(6), Part::User)],
        book: vec![again],
        ended: vec![ended(2, NOW + HOUR)],
        ..settled(10)
    };
    for _ in 0..2 {
        journal.settle(sync(1), settlement.clone()).await.unwrap();
    }
    let journal = backend.crash(journal).await;
    journal.settle(sync(1), settlement).await.unwrap();
    let found = state(&journal).await;
    assert_eq!(
        (
            found.delivered,
            found.failed,
            found.unsent,
            found.outstanding()
        ),
        (1, 1, 1, 1)
    );
    assert!(!found.is_done());
    let last = Settlement {
        finish: vec![(Offset(4), Part::Event)],
        ..settled(10)
    };
    journal.settle(sync(1), last).await.unwrap();
    let found = state(&journal).await;
    assert_eq!((found.delivered, found.is_done()), (2, true));
    // The one that failed again is none of this replay's any more.
    let left = sequences(&journal).await;
    assert!(left.len() == 1 && left[0] > found.until);
}

pub async fn a_replayed_delivery_still_holds_its_event(backend: &dyn Backend) {
    let journal = backend
        .open(Bounds {
            retention_age: HOUR,
            ..Bounds::default()
        })
        .await;
    journal.open_lane(project(1), sync(1)).await.unwrap();
    accept(&journal, project(1), vec![numbered(0)]).await;
    let settlement = Settlement {
        ended: vec![ended(0, NOW)],
        ..settled(1)
    };
    journal.settle(sync(1), settlement).await.unwrap();
    let all = sequences(&journal).await;
    journal.open_replay(sync(1), REPLAY).await.unwrap();
    let moved = step(all[0], 1, &[(all[0], 60)]);
    journal.replay(sync(1), moved).await.unwrap();
    journal.retire(NOW + 10 * DAY).await.unwrap();
    assert_eq!(offsets(&journal, project(1)).await, [0]);
    let over = Settlement {
        finish: vec![(Offset(0), Part::Event)],
        ..settled(1)
    };
    journal.settle(sync(1), over).await.unwrap();
    journal.retire(NOW + 10 * DAY).await.unwrap();
    assert_eq!(offsets(&journal, project(1)).await, [0; 0]);
}

pub async fn an_unknown_replay_or_lane_moves_nothing(backend: &dyn Backend) {
    let journal = with_ended(backend).await;
    let all = sequences(&journal).await;
    let moved = step(all[0], 1, &[(all[0], 60)]);
    assert!(journal.replay(sync(1), moved.clone()).await.is_err());
    assert_eq!(
        journal.open_replay(sync(7), REPLAY).await,
        Err(StorageError::UnknownLane(sync(7)))
    );
    journal.open_lane(project(1), sync(2)).await.unwrap();
    journal.open_replay(sync(1), REPLAY).await.unwrap();
    assert!(
        journal.replay(sync(2), moved.clone()).await.is_err(),
        "it is another's"
    );
    assert_eq!(sequences(&journal).await, all);
    journal.drop_lane(sync(1), NOW).await.unwrap();
    assert_eq!(
        journal.replay(sync(1), moved).await,
        Err(StorageError::UnknownLane(sync(1)))
    );
    for _ in 0..3 {
        journal.retire(NOW).await.unwrap();
    }
    assert_eq!(journal.replay_state(REPLAY).await.unwrap(), None);
}

/// Ten chunks of ten events, one every hour.
async fn with_hours(backend: &dyn Backend, bounds: Bounds) -> Arc<dyn Journal> {
    let journal = backend.open(bounds).await;
    journal.open_lane(project(1), sync(1)).await.unwrap();
    for hour in 0..10 {
        let batch = Batch {
            received_at: NOW + hour * HOUR,
            ..batch(project(1), (0..10).map(numbered).collect())
        };
        journal.accept(batch).await.unwrap();
    }
    journal
}

pub async fn a_stretch_of_time_is_found(backend: &dyn Backend) {
    let journal = with_hours(backend, Bounds::default()).await;
    let stretch = async |from, until| {
        let found = journal.stretch(project(1), from, until).await.unwrap();
        (found.from.0, found.until.0)
    };
    let all = Timestamp(i64::MIN)..Timestamp(i64::MAX);
    assert_eq!(stretch(all.start, all.end).await, (0, 100));
    let half = HOUR / 2;
    assert_eq!(stretch(NOW + half, NOW + HOUR + half).await, (10, 20));
    assert_eq!(
        stretch(NOW + 3 * HOUR, NOW + 5 * HOUR + half).await,
        (30, 60)
    );
    assert_eq!(stretch(NOW + 20 * HOUR, all.end).await, (100, 100));
    let (from, until) = stretch(all.start, NOW - HOUR).await;
    assert_eq!(from, until, "nothing was received then");
    let none = journal
        .stretch(project(2), all.start, all.end)
        .await
        .unwrap();
    assert_eq!(none.events(), 0);
}

pub async fn a_bounded_lane_holds_what_it_has_still_to_read(backend: &dyn Backend) {
    let bounds = Bounds {
        retention_age: HOUR,
        ..Bounds::default()
    };
    let journal = with_hours(backend, bounds).await;
    let range = Offset(20)..Offset(50);
    let unknown = journal
        .open_bounded_lane(project(1), sync(2), sync(7), range.clone())
        .await;
    assert_eq!(unknown, Err(StorageError::UnknownLane(sync(7))));
    let open = async |journal: &Arc<dyn Journal>| {
        let opened =
            journal.open_bounded_lane(project(1), sync(2), sync(1), Offset(20)..Offset(50));
        opened.await.unwrap().cursor
    };
    assert_eq!(open(&journal).await, Offset(20));
    journal.settle(sync(1), settled(100)).await.unwrap();
    let journal = backend.crash(journal).await;
    assert_eq!(journal.lane_bounds(sync(2)).await.unwrap(), Some(range));
    assert_eq!(journal.lane_bounds(sync(1)).await.unwrap(), None);
    let late = NOW + 20 * HOUR;
    journal.retire(late).await.unwrap();
    assert_eq!(
        offsets(&journal, project(1)).await,
        (20..50).collect::<Vec<_>>()
    );
    journal.settle(sync(2), settled(40)).await.unwrap();
    assert_eq!(open(&journal).await, Offset(40), "it goes on where it was");
    journal.retire(late).await.unwrap();
    assert_eq!(
        offsets(&journal, project(1)).await,
        (40..50).collect::<Vec<_>>()
    );
    journal.drop_lane(sync(1), NOW).await.unwrap();
    journal.retire(late).await.unwrap();
    assert_eq!(offsets(&journal, project(1)).await, [0; 0]);
    let gone = journal.lane_stats(sync(2)).await.unwrap();
    assert_eq!(gone, None, "it goes with the other's lane");
}

pub async fn a_bounded_lane_is_no_part_of_the_backlog(backend: &dyn Backend) {
    let bounds = Bounds {
        backlog_max_bytes: 4000,
        ..Bounds::default()
    };
    let journal = backend.open(bounds).await;
    journal.open_lane(project(1), sync(1)).await.unwrap();
    accept(&journal, project(1), (0..10).map(numbered).collect()).await;
    journal.settle(sync(1), settled(10)).await.unwrap();
    journal
        .open_bounded_lane(project(1), sync(2), sync(1), Offset(0)..Offset(10))
        .await
        .unwrap();
    for n in 0..12 {
        accept(&journal, project(1), (0..3).map(numbered).collect()).await;
        let head = 10 + 3 * (n + 1);
        journal.settle(sync(1), settled(head)).await.unwrap();
    }
}
