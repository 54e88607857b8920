//! What is kept, and how long.

use std::collections::HashMap;
use std::sync::Arc;

use super::support::*;
use super::{Backend, Bounds};
use crate::{AcceptError, Batch, Held, IncomingEvent, Journal, Keep, Settlement};

/// Bytes of each event of [`hourly`], at least.
pub(super) const SIZE: u64 = 10_000;

/// An event an hour, each in a commit of its own, in front of a lane.
pub(super) async fn hourly(backend: &dyn Backend, bounds: Bounds, count: u32) -> Arc<dyn Journal> {
    let journal = backend.open(bounds).await;
    journal.open_lane(project(1), sync(1)).await.unwrap();
    for hours in 0..count {
        journal.accept(sized(hours)).await.unwrap();
    }
    journal
}

pub(super) fn sized(hours: u32) -> Batch {
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

/// Projects 1 and 2 get an event an hour each, side by side.
async fn side_by_side(backend: &dyn Backend, bounds: Bounds, count: u32) -> Arc<dyn Journal> {
    let journal = backend.open(bounds).await;
    for hours in 0..count {
        for number in [1, 2] {
            let project = project(number);
            journal
                .accept(Batch {
                    project,
                    ..sized(hours)
                })
                .await
                .unwrap();
        }
    }
    journal
}

fn keeps(events: Option<u32>, ended: Option<u32>) -> Keep {
    Keep {
        events: events.map(|hours| HOUR * hours),
        ended: ended.map(|hours| HOUR * hours),
    }
}

pub async fn a_project_may_keep_its_events_for_less(backend: &dyn Backend) {
    let bounds = Bounds {
        retention_age: DAY,
        ..Bounds::default()
    };
    let journal = side_by_side(backend, bounds, 200).await;
    let now = NOW + HOUR * 199 + HOUR / 2;
    journal.keep(HashMap::from([(project(2), keeps(Some(5), None))]));
    journal.retire(now).await.unwrap();
    assert_eq!(offsets(&journal, project(1)).await.len(), 24);
    let left = offsets(&journal, project(2)).await;
    assert_eq!(left, [195, 196, 197, 198, 199]);
    let held = journal.held(project(2)).await.unwrap();
    assert_eq!(held.oldest, Some((model::Offset(195), NOW + HOUR * 195)));
    assert!(held.bytes >= 5 * SIZE && held.bytes < 6 * SIZE);
    assert_eq!(held.head.0, 200);
    assert_eq!(journal.held(project(9)).await.unwrap(), Held::default());
    // Longer than the configuration says is as long as it says, and what isn't said any more neither.
    journal.keep(HashMap::from([(project(1), keeps(Some(1000), None))]));
    assert_eq!(journal.retire(now).await.unwrap().events, 0);
    assert_eq!(journal.retire(now + HOUR).await.unwrap().events, 1);
    let journal = backend.crash(journal).await;
    assert_eq!(offsets(&journal, project(2)).await.len(), 5);
    assert_eq!(journal.kept_at_most().events, Some(DAY));
}

pub async fn what_is_owed_is_kept_whatever_a_project_keeps(backend: &dyn Backend) {
    let journal = side_by_side(backend, Bounds::default(), 0).await;
    journal.open_lane(project(2), sync(1)).await.unwrap();
    journal.open_lane(project(2), sync(2)).await.unwrap();
    drop(journal.open_lane(project(1), sync(3)).await.unwrap());
    for hours in 0..6 {
        journal
            .accept(Batch {
                project: project(2),
                ..sized(hours)
            })
            .await
            .unwrap();
    }
    journal.keep(HashMap::from([(project(2), keeps(Some(2), None))]));
    journal.settle(sync(1), settled(6)).await.unwrap();
    journal.settle(sync(2), settled(3)).await.unwrap();
    // Another hour: the running lane still owes 3, 4 and 5.
    let now = NOW + HOUR * 30;
    assert_eq!(journal.retire(now).await.unwrap().events, 3);
    // A paused one holds them no longer than the project keeps them.
    journal.set_paused(sync(2), true).await.unwrap();
    let retired = journal.retire(now).await.unwrap();
    assert_eq!((retired.events, retired.skipped_by_paused), (3, 3));
}

pub async fn ended_deliveries_go_no_later_than_a_projects_events(backend: &dyn Backend) {
    let journal = hourly(backend, Bounds::default(), 4).await;
    let settlement = Settlement {
        ended: vec![ended(0, NOW), ended(2, NOW + HOUR * 2)],
        ..settled(4)
    };
    journal.settle(sync(1), settlement).await.unwrap();
    let retire = async |keep: Keep, hours: u32| {
        journal.keep(HashMap::from([(project(1), keep)]));
        let retired = journal.retire(NOW + HOUR * hours + HOUR / 2).await.unwrap();
        (retired.ended, retired.events)
    };
    assert_eq!(retire(keeps(Some(100), Some(10)), 9).await, (0, 0));
    assert_eq!(retire(keeps(Some(100), Some(10)), 10).await, (1, 0));
    // The events of others don't wait for the one that is held.
    assert_eq!(retire(keeps(Some(11), None), 12).await, (0, 2));
    assert_eq!(retire(keeps(Some(11), None), 13).await, (1, 1));
    assert_eq!(offsets(&journal, project(1)).await, [3]);
}
