//! What is kept, and how long.

use std::sync::Arc;

use super::support::*;
use super::{Backend, Bounds};
use crate::{AcceptError, Batch, IncomingEvent, Journal, Settlement};

/// Bytes of each event of [`hourly`], at least.
const SIZE: u64 = 10_000;

/// An event an hour, each in a commit of its own, in front of a lane.
async fn hourly(backend: &dyn Backend, bounds: Bounds, count: u32) -> Arc<dyn Journal> {
    let journal = backend.open(bounds).await;
    journal.open_lane(project(1), sync(1)).await.unwrap();
    for hours in 0..count {
        journal.accept(sized(hours)).await.unwrap();
    }
    journal
}

fn sized(hours: u32) -> Batch {
    let padding = "x".repeat(SIZE as usize);
    let event = IncomingEvent {
        fields: format!(r#"{{"padding":"{padding}""#).into_bytes(),
        ..event("ann", "")
    };
    Batch {
        received_at: NOW + HOUR * hours,
        ..batch(project(1), vec![event])
    }
}

pub async fn old_events_go_when_every_lane_has_passed(backend: &dyn Backend) {
    let bounds = Bounds {
        retention_age: DAY,
        ..Bounds::default()
    };
    let journal = hourly(backend, bounds, 6).await;
    journal.open_lane(project(2), sync(2)).await.unwrap();
    let old = NOW + DAY + HOUR * 3 + HOUR / 2;
    assert_eq!(journal.retire(old).await.unwrap().events, 0);
    journal.settle(sync(1), settled(2)).await.unwrap();
    assert_eq!(journal.retire(old).await.unwrap().events, 2);
    journal.settle(sync(1), settled(6)).await.unwrap();
    let journal = backend.crash(journal).await;
    // Two more are old; the last two are not.
    assert_eq!(journal.retire(old).await.unwrap().events, 2);
    assert_eq!(offsets(&journal, project(1)).await, [4, 5]);
    assert!(
        journal
            .get(project(1), model::Offset(3))
            .await
            .unwrap()
            .is_none()
    );
    // With everything gone, offsets still go on.
    journal.retire(old + DAY).await.unwrap();
    let journal = backend.crash(journal).await;
    assert!(offsets(&journal, project(1)).await.is_empty());
    assert_eq!(journal.accept(sized(9)).await.unwrap().head.0, 7);
    assert_eq!(offsets(&journal, project(1)).await, [6]);
}

pub async fn the_oldest_events_go_when_there_are_too_many(backend: &dyn Backend) {
    let bounds = Bounds {
        retention_bytes: 3 * SIZE + SIZE / 2,
        ..Bounds::default()
    };
    let journal = hourly(backend, bounds, 6).await;
    let now = NOW + HOUR * 6;
    assert_eq!(journal.retire(now).await.unwrap().events, 0);
    assert!(journal.status().event_bytes >= 6 * SIZE);
    journal.settle(sync(1), settled(6)).await.unwrap();
    assert_eq!(journal.retire(now).await.unwrap().events, 3);
    assert_eq!(offsets(&journal, project(1)).await, [3, 4, 5]);
    assert!(journal.status().event_bytes < 4 * SIZE);
}

pub async fn retries_and_ended_deliveries_hold_their_events(backend: &dyn Backend) {
    let bounds = Bounds {
        retention_age: DAY,
        ended_max_age: DAY * 3,
        ..Bounds::default()
    };
    let journal = hourly(backend, bounds, 6).await;
    let settlement = Settlement {
        book: vec![retry(1, 5)],
        ended: vec![ended(3, NOW)],
        ..settled(6)
    };
    journal.settle(sync(1), settlement).await.unwrap();
    assert_eq!(journal.retire(NOW + DAY * 2).await.unwrap().events, 4);
    let journal = backend.crash(journal).await;
    assert_eq!(offsets(&journal, project(1)).await, [1, 3]);
    let settlement = Settlement {
        finish: vec![(model::Offset(1), model::Part::Event)],
        ..settled(6)
    };
    journal.settle(sync(1), settlement).await.unwrap();
    assert_eq!(journal.retire(NOW + DAY * 2).await.unwrap().events, 1);
    let retired = journal.retire(NOW + DAY * 3 + HOUR).await.unwrap();
    assert_eq!((retired.ended, retired.events), (1, 1));
    assert!(journal.ended(sync(1), None, 10).await.unwrap().is_empty());
    assert_eq!(journal.lane_stats(sync(1)).await.unwrap().unwrap().ended, 0);
}

pub async fn a_paused_lane_holds_within_its_age(backend: &dyn Backend) {
    let bounds = Bounds {
        retention_age: HOUR,
        paused_max_age: DAY,
        ..Bounds::default()
    };
    let journal = hourly(backend, bounds, 4).await;
    let settlement = Settlement {
        ahead: vec![model::Offset(2)],
        book: vec![retry(0, 5)],
        ..settled(1)
    };
    journal.settle(sync(1), settlement).await.unwrap();
    journal.set_paused(sync(1), true).await.unwrap();
    let journal = backend.crash(journal).await;
    assert_eq!(journal.retire(NOW + DAY).await.unwrap().events, 0);
    let retired = journal
        .retire(NOW + DAY + HOUR * 2 + HOUR / 2)
        .await
        .unwrap();
    // The retry of 0 and the event 1 are lost; 2 was settled.
    assert_eq!((retired.events, retired.skipped_by_paused), (3, 2));
    let position = journal.open_lane(project(1), sync(1)).await.unwrap();
    assert_eq!((position.cursor.0, position.pending), (3, 0));
    // A running lane holds without bounds.
    journal.set_paused(sync(1), false).await.unwrap();
    assert_eq!(journal.retire(NOW + DAY * 30).await.unwrap().events, 0);
    assert_eq!(offsets(&journal, project(1)).await, [3]);
}

pub async fn a_paused_lane_holds_within_its_size(backend: &dyn Backend) {
    let bounds = Bounds {
        retention_age: HOUR,
        paused_max_bytes: 2 * SIZE + SIZE / 2,
        ..Bounds::default()
    };
    let journal = hourly(backend, bounds, 6).await;
    journal.set_paused(sync(1), true).await.unwrap();
    let retired = journal.retire(NOW + HOUR * 10).await.unwrap();
    assert_eq!((retired.events, retired.skipped_by_paused), (3, 3));
    assert_eq!(offsets(&journal, project(1)).await, [3, 4, 5]);
}

pub async fn a_full_backlog_refuses_until_it_is_settled(backend: &dyn Backend) {
    let limit_bytes = 4 * SIZE + SIZE / 2;
    let bounds = Bounds {
        backlog_max_bytes: limit_bytes,
        ..Bounds::default()
    };
    let journal = hourly(backend, bounds, 4).await;
    let full = AcceptError::BacklogFull { limit_bytes };
    assert_eq!(journal.accept(sized(5)).await, Err(full.clone()));
    assert_eq!(journal.status().refusing, Some(full.clone()));
    let journal = backend.crash(journal).await;
    assert_eq!(journal.accept(sized(5)).await, Err(full));
    assert_eq!(offsets(&journal, project(1)).await, [0, 1, 2, 3]);
    journal.settle(sync(1), settled(2)).await.unwrap();
    assert_eq!(journal.accept(sized(5)).await.unwrap().head.0, 5);
    assert_eq!(journal.status().refusing, None);
    // What nobody waits for, or only a paused lane, is no backlog.
    journal.set_paused(sync(1), true).await.unwrap();
    for hours in 6..12 {
        journal.accept(sized(hours)).await.unwrap();
    }
}
