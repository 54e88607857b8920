//! Lanes that stand still.

use model::{Offset, Timestamp};

use super::retention::{SIZE, hourly, sized};
use super::support::*;
use super::{Backend, Bounds};
use crate::figures::{Balance, Details, Figures, Scope, Step};
use crate::hold::{Drain, Forgone, LetGoWhy, Standing, Untold};
use crate::{Counts, Journal, Settlement, StorageError};
use std::sync::Arc;

async fn losses(journal: &Arc<dyn Journal>) -> crate::hold::Losses {
    journal.lane_stats(sync(1)).await.unwrap().unwrap().losses
}

fn forgone(events: u64, retries: u64) -> Forgone {
    Forgone { events, retries }
}

/// A lane before six events, with the first tried and the third settled.
async fn still(backend: &dyn Backend, standing: Standing, max_bytes: u64) -> Arc<dyn Journal> {
    let bounds = Bounds {
        retention_age: HOUR,
        paused_max_bytes: max_bytes,
        ..Bounds::default()
    };
    let journal = hourly(backend, bounds, 6).await;
    let settlement = Settlement {
        ahead: vec![Offset(2)],
        book: vec![retry(0, 5)],
        ..settled(1)
    };
    journal.settle(sync(1), settlement).await.unwrap();
    journal.set_standing(sync(1), standing).await.unwrap();
    backend.crash(journal).await
}

pub async fn what_a_still_lane_loses_is_counted(backend: &dyn Backend) {
    let journal = still(backend, Standing::Paused, 2 * SIZE + SIZE / 2).await;
    assert_eq!(journal.status().caps.max_bytes, 2 * SIZE + SIZE / 2);
    let stats = journal.lane_stats(sync(1)).await.unwrap().unwrap();
    assert!((5 * SIZE..6 * SIZE).contains(&stats.unsettled_bytes));
    assert_eq!(stats.losses, crate::hold::Losses::default());
    let now = NOW + HOUR * 10;
    journal.retire(now).await.unwrap();
    let journal = backend.crash(journal).await;
    let found = losses(&journal).await;
    // Of the first three, one was tried, one was settled.
    assert_eq!((found.lost, found.lost_at), (forgone(1, 1), Some(now)));
    let later = now + HOUR;
    for hours in 11..13 {
        journal.accept(sized(hours)).await.unwrap();
    }
    journal.retire(later).await.unwrap();
    let found = losses(&journal).await;
    assert_eq!((found.lost, found.lost_at), (forgone(3, 1), Some(later)));
}

pub async fn what_is_lost_is_untold_until_it_is_told(backend: &dyn Backend) {
    let journal = still(backend, Standing::Paused, 2 * SIZE + SIZE / 2).await;
    assert_eq!(journal.untold_losses().await, Ok(Vec::new()));
    let now = NOW + HOUR * 10;
    journal.retire(now).await.unwrap();
    let journal = backend.crash(journal).await;
    let untold = |lost, told, at| {
        Ok(vec![Untold {
            sync: sync(1),
            lost,
            told,
            at,
        }])
    };
    assert_eq!(journal.untold_losses().await, untold(2, 0, now));
    // Somebody who knows less than what was lost meanwhile takes nothing back.
    for (told, known) in [(1, 1), (0, 1)] {
        journal.tell_losses(vec![(sync(1), told)]).await.unwrap();
        assert_eq!(journal.untold_losses().await, untold(2, known, now));
    }
    journal
        .tell_losses(vec![(sync(1), 9), (sync(7), 1)])
        .await
        .unwrap();
    let journal = backend.crash(journal).await;
    assert_eq!(journal.untold_losses().await, Ok(Vec::new()));
    let later = now + HOUR;
    for hours in 11..13 {
        journal.accept(sized(hours)).await.unwrap();
    }
    journal.retire(later).await.unwrap();
    assert_eq!(journal.untold_losses().await, untold(4, 2, later));
    journal.drop_lane(sync(1), later).await.unwrap();
    assert_eq!(journal.untold_losses().await, Ok(Vec::new()));
}

pub async fn a_shut_lane_loses_events_but_no_retries_and_is_no_backlog(backend: &dyn Backend) {
    let journal = still(backend, Standing::Shut, 2 * SIZE + SIZE / 2).await;
    assert_eq!(journal.status().backlog_bytes, 0);
    journal.retire(NOW + HOUR * 10).await.unwrap();
    // The one that was tried is still there, and with it what nobody takes from before it.
    assert_eq!(offsets(&journal, project(1)).await, [0, 3, 4, 5]);
    assert_eq!(losses(&journal).await.lost, forgone(1, 0));
    let stats = journal.lane_stats(sync(1)).await.unwrap().unwrap();
    assert_eq!((stats.cursor, stats.pending), (Offset(3), 1));
    journal
        .set_standing(sync(1), Standing::Running)
        .await
        .unwrap();
    journal.retire(NOW + HOUR * 1000).await.unwrap();
    assert_eq!(offsets(&journal, project(1)).await, [0, 3, 4, 5]);
    assert_eq!(losses(&journal).await.lost, forgone(1, 0));
}

pub async fn how_a_lane_stood_is_known_when_it_is_opened(backend: &dyn Backend) {
    let mut journal = backend.open(Bounds::default()).await;
    journal.open_lane(project(1), sync(1)).await.unwrap();
    for standing in [Standing::Shut, Standing::Paused, Standing::Running] {
        journal.set_standing(sync(1), standing).await.unwrap();
        journal = backend.crash(journal).await;
        let opened = journal.open_lane(project(1), sync(1)).await.unwrap();
        assert_eq!(opened.standing, standing);
    }
}

pub async fn a_lane_that_was_passed_does_not_go_back(backend: &dyn Backend) {
    let journal = still(backend, Standing::Shut, 2 * SIZE + SIZE / 2).await;
    journal.retire(NOW + HOUR * 10).await.unwrap();
    // The lane runs, and holds the second one in its hands.
    let settlement = Settlement {
        ahead: vec![Offset(2), Offset(4)],
        ..settled(1)
    };
    journal.settle(sync(1), settlement).await.unwrap();
    let position = journal.open_lane(project(1), sync(1)).await.unwrap();
    assert_eq!(
        (position.cursor, position.ahead),
        (Offset(3), vec![Offset(4)])
    );
}

pub async fn what_a_shut_lane_has_in_its_hands_is_not_lost(backend: &dyn Backend) {
    shut_with_events_in_hand(backend, false).await;
}

pub async fn what_a_shut_lane_had_in_its_hands_in_a_crash_is_lost(backend: &dyn Backend) {
    shut_with_events_in_hand(backend, true).await;
}

async fn shut_with_events_in_hand(backend: &dyn Backend, crashes: bool) {
    {
        let bounds = Bounds {
            retention_age: HOUR,
            paused_max_bytes: SIZE / 2,
            ..Bounds::default()
        };
        let journal = hourly(backend, bounds, 6).await;
        // It has read four, of which the second is settled.
        let settlement = Settlement {
            ahead: vec![Offset(1)],
            read: Offset(4),
            counts: Counts {
                delivered_first: 1,
                ..Counts::default()
            },
            ..settled(0)
        };
        journal.settle(sync(1), settlement).await.unwrap();
        journal.set_standing(sync(1), Standing::Shut).await.unwrap();
        let now = NOW + HOUR * 10;
        journal.retire(now).await.unwrap();
        let kept = offsets(&journal, project(1)).await;
        let (behind, head) = (kept.first().copied().unwrap_or(6), 6);
        assert!(behind > 4, "{kept:?}");
        assert_eq!(losses(&journal).await.lost, forgone(behind - 4, 0));
        let mut at = now;
        let journal = match crashes {
            true => {
                let journal = backend.crash(journal).await;
                journal.open_lane(project(1), sync(1)).await.unwrap();
                journal
            }
            false => {
                at = now + HOUR;
                let settlement = Settlement {
                    at,
                    read: Offset(head),
                    details: Details {
                        received: 4,
                        ..Details::default()
                    },
                    counts: Counts {
                        delivered_first: 3,
                        ..Counts::default()
                    },
                    ..settled(4)
                };
                journal.settle(sync(1), settlement).await.unwrap();
                backend.crash(journal).await
            }
        };
        let lost = behind - 4 + if crashes { 3 } else { 0 };
        assert_eq!(losses(&journal).await.lost, forgone(lost, 0), "{crashes}");
        let found = journal
            .figures(Scope::Sync(sync(1)), Step::Hour, NOW, at + HOUR)
            .await
            .unwrap();
        let mut sum = Figures::default();
        found.iter().for_each(|(_, figures)| sum.add(figures));
        let delivered = sum.counts.delivered_first;
        assert_eq!(
            (sum.balance.lost, delivered),
            (lost, behind - lost),
            "{crashes}"
        );
        assert_eq!(sum.details.received, behind, "{crashes}");
    }
}

pub async fn a_backlog_is_dropped_whole_and_counted(backend: &dyn Backend) {
    let journal = still(backend, Standing::Paused, u64::MAX >> 2).await;
    let settlement = Settlement {
        ahead: vec![Offset(2)],
        ended: vec![ended(0, NOW)],
        balance: Balance {
            superseded: 7,
            ..Balance::default()
        },
        ..settled(1)
    };
    journal.settle(sync(1), settlement).await.unwrap();
    let dropped = journal.drop_backlog(sync(1), said()).await.unwrap();
    assert_eq!(dropped, forgone(4, 1));
    let journal = backend.crash(journal).await;
    let stats = journal.lane_stats(sync(1)).await.unwrap().unwrap();
    assert_eq!((stats.cursor, stats.pending), (Offset(6), 0));
    assert_eq!((stats.ended, stats.losses.dropped), (1, forgone(4, 1)));
    assert_eq!((stats.losses.superseded, stats.unsettled_bytes), (7, 0));
    assert!(journal.retries(sync(1), None, 9).await.unwrap().is_empty());
    for offset in [1, 5] {
        let fate = journal.fate(sync(1), Offset(offset)).await.unwrap();
        let let_go = fate.unwrap().let_go;
        assert_eq!((let_go[0].why, let_go[0].owed), (LetGoWhy::Dropped, false));
        assert_eq!(
            (let_go[0].at, let_go[0].by.as_deref()),
            (NOW, Some(&*said().by))
        );
    }
    // The retry's.
    let fate = journal.fate(sync(1), Offset(0)).await.unwrap().unwrap();
    assert_eq!((fate.let_go.len(), fate.let_go[0].owed), (1, true));
    let nothing = journal.drop_backlog(sync(1), said()).await.unwrap();
    assert!(nothing.is_empty());
    let unknown = StorageError::UnknownLane(sync(2));
    assert_eq!(journal.drop_backlog(sync(2), said()).await, Err(unknown));
}

pub async fn a_way_through_what_was_held_is_remembered(backend: &dyn Backend) {
    let journal = still(backend, Standing::Paused, u64::MAX >> 2).await;
    assert_eq!(journal.drain(sync(1)).await, Ok(None));
    let drain = Drain {
        until: Offset(6),
        newest_only: true,
        requests_per_minute: Some(60),
    };
    journal.set_drain(sync(1), Some(drain), None).await.unwrap();
    let journal = backend.crash(journal).await;
    assert_eq!(journal.drain(sync(1)).await, Ok(Some(drain)));
    journal.set_drain(sync(1), None, None).await.unwrap();
    assert_eq!(journal.drain(sync(1)).await, Ok(None));
    let unknown = StorageError::UnknownLane(sync(2));
    assert_eq!(journal.drain(sync(2)).await, Err(unknown.clone()));
    assert_eq!(journal.set_drain(sync(2), None, None).await, Err(unknown));
    // It goes with the lane.
    journal.set_drain(sync(1), Some(drain), None).await.unwrap();
    journal.drop_lane(sync(1), NOW).await.unwrap();
    journal.retire(Timestamp(NOW.0)).await.unwrap();
    journal.open_lane(project(1), sync(1)).await.unwrap();
    assert_eq!(journal.drain(sync(1)).await, Ok(None));
}
