//! What is counted.

use std::sync::Arc;
use std::time::Duration;

use model::Timestamp;
use model::outcome::Category;

use super::support::*;
use super::{Backend, Bounds};
use crate::figures::{Details, Figures, MINUTES_KEPT, MOST_STEPS, Scope, Step};
use crate::{Counts, Journal, Settlement};

const MINUTE: Duration = Duration::from_secs(60);

/// The beginning of an hour.
fn hour() -> Timestamp {
    Step::Hour.start(NOW)
}

fn counts() -> Counts {
    Counts {
        filtered: 1,
        delivered_first: 2,
        delivered_retry: 3,
        discarded: 4,
        expired: 5,
        failed_attempts: 6,
    }
}

fn details() -> Details {
    let mut details = Details {
        received: 7,
        requests: 8,
        discarded: [("template", 4)].into(),
        failures: [((Category::ServerError, Some(503)), 6)].into(),
        ..Details::default()
    };
    details.latency.record(0.5);
    details
}

fn counted(at: Timestamp) -> Settlement {
    Settlement {
        at,
        counts: counts(),
        details: details(),
        ..settled(0)
    }
}

/// So many settlements' figures.
fn times(number: u32) -> Figures {
    let mut sum = Figures::default();
    for _ in 0..number {
        sum.add(&Figures {
            counts: counts(),
            details: details(),
            ..Figures::default()
        });
    }
    sum
}

async fn with_lane(backend: &dyn Backend) -> Arc<dyn Journal> {
    let journal = backend.open(Bounds::default()).await;
    journal.open_lane(project(1), sync(1)).await.unwrap();
    journal
}

async fn all(journal: &Arc<dyn Journal>, scope: Scope, step: Step) -> Vec<(Timestamp, Figures)> {
    let (from, until) = (hour() - HOUR, hour() + HOUR * 24);
    journal.figures(scope, step, from, until).await.unwrap()
}

const LANE: fn() -> Scope = || Scope::Sync(sync(1));

pub async fn counts_add_up(backend: &dyn Backend) {
    let journal = with_lane(backend).await;
    for number in [0, 0, 2, 61] {
        let at = hour() + MINUTE * number + Duration::from_secs(7);
        journal.settle(sync(1), counted(at)).await.unwrap();
    }
    let journal = backend.crash(journal).await;
    let minutes = [
        (hour(), times(2)),
        (hour() + MINUTE * 2, times(1)),
        (hour() + MINUTE * 61, times(1)),
    ];
    assert_eq!(all(&journal, LANE(), Step::Minute).await, minutes);
    let hours = [(hour(), times(3)), (hour() + HOUR, times(1))];
    assert_eq!(all(&journal, LANE(), Step::Hour).await, hours);
    // The step that the start lies in counts, the one that begins at the end doesn't.
    let within = (hour() + MINUTE + MINUTE / 2, hour() + MINUTE * 61);
    let found = journal.figures(LANE(), Step::Minute, within.0, within.1);
    assert_eq!(found.await.unwrap(), minutes[1..2]);
    let stats = journal.lane_stats(sync(1)).await.unwrap().unwrap();
    assert_eq!(stats.total, times(4).counts);
    let nobody = Scope::Sync(sync(9));
    assert_eq!(all(&journal, nobody, Step::Minute).await, []);
}

pub async fn minutes_are_summed_up_once_whatever_happens_between(backend: &dyn Backend) {
    let mut journal = with_lane(backend).await;
    for number in 0..150 {
        let at = hour() + MINUTE * number;
        journal.settle(sync(1), counted(at)).await.unwrap();
        if number % 7 == 0 {
            journal.retire(at).await.unwrap();
        }
        if number % 50 == 20 {
            journal = backend.crash(journal).await;
        }
    }
    let expected = [
        (hour(), times(60)),
        (hour() + HOUR, times(60)),
        (hour() + HOUR * 2, times(30)),
    ];
    assert_eq!(all(&journal, LANE(), Step::Hour).await, expected);
    for hours in [3, 3, 4] {
        journal.retire(hour() + HOUR * hours).await.unwrap();
        assert_eq!(all(&journal, LANE(), Step::Hour).await, expected);
    }
    let journal = backend.crash(journal).await;
    assert_eq!(all(&journal, LANE(), Step::Hour).await, expected);
    assert_eq!(all(&journal, LANE(), Step::Minute).await.len(), 150);
}

pub async fn what_comes_late_is_counted_all_the_same(backend: &dyn Backend) {
    let journal = with_lane(backend).await;
    let at = |minute| hour() + MINUTE * minute;
    journal.settle(sync(1), counted(at(10))).await.unwrap();
    journal.retire(at(30)).await.unwrap();
    // The storage refused for long, or the clock was set back.
    journal.settle(sync(1), counted(at(3))).await.unwrap();
    let expected = [(hour(), times(2))];
    assert_eq!(all(&journal, LANE(), Step::Hour).await, expected);
    journal.retire(at(40)).await.unwrap();
    assert_eq!(all(&journal, LANE(), Step::Hour).await, expected);
    let minutes = all(&journal, LANE(), Step::Minute).await;
    assert_eq!(minutes, [(at(10), times(1)), (at(11), times(1))]);
}

pub async fn figures_go_by_age(backend: &dyn Backend) {
    let journal = with_lane(backend).await;
    journal.settle(sync(1), counted(hour())).await.unwrap();
    journal.retire(hour() + MINUTES_KEPT).await.unwrap();
    assert_eq!(all(&journal, LANE(), Step::Minute).await.len(), 1);
    journal
        .settle(sync(1), counted(hour() + HOUR * 5))
        .await
        .unwrap();
    for _ in 0..2 {
        journal.retire(hour() + HOUR * 6).await.unwrap();
    }
    let minutes = all(&journal, LANE(), Step::Minute).await;
    assert_eq!(minutes, [(hour() + HOUR * 5, times(1))]);
    assert_eq!(all(&journal, LANE(), Step::Hour).await.len(), 2);
    journal.retire(hour() + DAY * 90).await.unwrap();
    assert_eq!(all(&journal, LANE(), Step::Hour).await.len(), 2);
    journal.retire(hour() + DAY * 92).await.unwrap();
    assert_eq!(all(&journal, LANE(), Step::Hour).await, []);
}

pub async fn a_projects_figures_are_those_of_all_its_lanes(backend: &dyn Backend) {
    let journal = with_lane(backend).await;
    journal.open_lane(project(1), sync(2)).await.unwrap();
    journal.open_lane(project(2), sync(3)).await.unwrap();
    let sent = || vec![with_insert_id("device", "a"), with_insert_id("device", "b")];
    accept(&journal, project(1), sent()).await;
    accept(&journal, project(1), sent()).await;
    for (lane, booked) in [(1, 0), (2, 1), (3, 0)] {
        let settlement = Settlement {
            book: (0..booked).map(|offset| retry(offset, 70)).collect(),
            ..counted(NOW)
        };
        journal.settle(sync(lane), settlement).await.unwrap();
    }
    journal.drop_lane(sync(1), NOW).await.unwrap();
    let journal = backend.crash(journal).await;
    let mut expected = times(2);
    expected.details.received = 2;
    expected.duplicates = 2;
    expected.pending = 1;
    // The deleted lane had not come to two events.
    expected.balance.dropped = 2;
    for step in [Step::Minute, Step::Hour] {
        let of_project = all(&journal, Scope::Project(project(1)), step).await;
        assert_eq!(of_project, [(step.start(NOW), expected.clone())]);
        assert_eq!(all(&journal, LANE(), step).await, []);
        let of_lane = all(&journal, Scope::Sync(sync(2)), step).await;
        assert_eq!(of_lane.len(), 1);
        assert_eq!(of_lane[0].1.pending, 1);
    }
}

pub async fn a_range_is_bounded(backend: &dyn Backend) {
    let journal = with_lane(backend).await;
    let last = hour() + MINUTE * MOST_STEPS as u32;
    for at in [hour(), last - MINUTE, last] {
        journal.settle(sync(1), counted(at)).await.unwrap();
    }
    let found = journal.figures(LANE(), Step::Minute, hour(), Timestamp(i64::MAX));
    assert_eq!(found.await.unwrap().len(), 2);
}
