//! Duplicate detection.

use std::time::Duration;

use super::support::*;
use super::{Backend, Bounds};
use crate::Batch;

pub async fn an_insert_id_is_taken_once_per_device(backend: &dyn Backend) {
    let journal = backend.open(Bounds::default()).await;
    let events = ["a", "b", "a"]
        .map(|id| with_insert_id("device", id))
        .to_vec();
    let accepted = accept(&journal, project(1), events.clone()).await;
    assert_eq!((accepted.appended, accepted.duplicates), (2, 1));
    let accepted = accept(&journal, project(1), events.clone()).await;
    assert_eq!(
        (accepted.appended, accepted.duplicates, accepted.head.0),
        (0, 3, 2)
    );
    let journal = backend.crash(journal).await;
    let accepted = accept(&journal, project(1), events).await;
    assert_eq!((accepted.appended, accepted.duplicates), (0, 3));
    let without = vec![event("someone", "device"), event("someone", "device")];
    assert_eq!(accept(&journal, project(1), without).await.appended, 2);
    assert_eq!(offsets(&journal, project(1)).await, [0, 1, 2, 3]);
}

pub async fn other_devices_and_projects_are_apart(backend: &dyn Backend) {
    let journal = backend.open(Bounds::default()).await;
    let devices = ["one", "two", ""];
    for number in [1, 2] {
        let events = devices.map(|device| with_insert_id(device, "id")).to_vec();
        assert_eq!(accept(&journal, project(number), events).await.appended, 3);
    }
    // Nor may the ends of device and id be taken for each other.
    let events = vec![with_insert_id("on", "eid"), with_insert_id("onei", "d")];
    assert_eq!(accept(&journal, project(1), events).await.appended, 2);
}

pub async fn an_insert_id_counts_for_seven_days(backend: &dyn Backend) {
    let journal = backend.open(Bounds::default()).await;
    let at = |after: Duration| Batch {
        received_at: NOW + after,
        ..batch(project(1), vec![with_insert_id("device", "id")])
    };
    let mut appended = Vec::new();
    for after in [
        0,
        7 * 86_400 - 1,
        7 * 86_400 + 2,
        7 * 86_400 + 3,
        14 * 86_400,
        14 * 86_400 + 4,
    ] {
        let after = Duration::from_secs(after);
        journal.retire(NOW + after).await.unwrap();
        appended.push(journal.accept(at(after)).await.unwrap().appended);
    }
    assert_eq!(appended, [1, 0, 1, 0, 0, 1]);
}

pub async fn many_insert_ids_are_remembered_over_crashes(backend: &dyn Backend) {
    const ROUNDS: u32 = 12;
    let mut journal = backend.open(Bounds::default()).await;
    let of_round = |round: u32| Batch {
        received_at: NOW + HOUR * round,
        ..batch(
            project(1),
            (0..500)
                .map(|n| with_insert_id("device", &format!("{round}/{n}")))
                .collect(),
        )
    };
    for round in 0..ROUNDS {
        assert_eq!(journal.accept(of_round(round)).await.unwrap().appended, 500);
        if round % 4 == 3 {
            journal = backend.crash(journal).await;
        }
        for earlier in [0, round / 2, round] {
            let again = journal.accept(of_round(earlier)).await.unwrap();
            assert_eq!(
                (again.appended, again.duplicates),
                (0, 500),
                "{earlier} in {round}"
            );
        }
    }
}
