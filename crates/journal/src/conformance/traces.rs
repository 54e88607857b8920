//! What is kept of single deliveries goes with the user that they were about.

use std::sync::Arc;

use model::outcome::Category;
use model::{ErasureId, Offset, Part, ReplayId, Timestamp};

use super::support::*;
use super::{Backend, Bounds};
use crate::fate::{Attempt, Outcomes, Record, Refused, Sample, Split, What};
use crate::{EraseRequest, Erasure, IncomingEvent, Journal, ReplayStep, Settlement, Subject};

const FAILED: What = What::Failed(Category::ServerError);

/// Ann's and Bob's events in turn: hers have the even numbers.
async fn ann_and_bob(journal: &Arc<dyn Journal>, events: usize) {
    let said = |number: usize| {
        let user = ["ann", "bob"][number % 2];
        IncomingEvent {
            fields: format!(r#"{{"event_type":"said","user_id":"{user}""#).into_bytes(),
            ..event(user, "")
        }
    };
    accept(journal, project(1), (0..events).map(said).collect()).await;
}

async fn erase_ann(journal: &Arc<dyn Journal>) -> Erasure {
    let id = ErasureId::from_bytes([1; 16]);
    let request = EraseRequest {
        id,
        project: project(1),
        subject: Subject::UserId("ann".into()),
        at: NOW,
    };
    journal.erase(request).await.unwrap();
    for _ in 0..100 {
        let step = journal.go_on_erasing(NOW).await.unwrap();
        if let Some(done) = step.finished {
            return done;
        }
    }
    panic!("it is never done");
}

fn attempt(offset: u64, number: u8) -> Attempt {
    Attempt {
        offset: Offset(offset),
        part: Part::Event,
        at: NOW,
        number,
        what: FAILED,
        status: Some(500),
        event_type: "said".into(),
        message: format!("of {offset}"),
        tries: 1,
        split: Split::default(),
    }
}

fn sample(offset: u64, number: u8) -> Sample {
    Sample {
        offset: Offset(offset),
        part: Part::Event,
        at: NOW,
        number,
        what: FAILED,
        body: format!(r#"{{"of":{offset}}}"#).into(),
    }
}

/// The attempts and samples with these numbers of these events.
fn recorded(cursor: u64, offsets: std::ops::Range<u64>, number: u8) -> Settlement {
    Settlement {
        record: Record {
            attempts: offsets
                .clone()
                .map(|offset| attempt(offset, number))
                .collect(),
            samples: offsets.map(|offset| sample(offset, number)).collect(),
            ..Record::default()
        },
        ..settled(cursor)
    }
}

/// Of which events there are attempts, and samples, in order.
async fn traces(journal: &Arc<dyn Journal>, lane: u8) -> (Vec<u64>, Vec<u64>) {
    let all = Outcomes {
        max: 1000,
        ..Outcomes::default()
    };
    let page = journal.outcomes(sync(lane), all).await.unwrap();
    let attempts = page.rows.iter().map(|row| row.attempt.offset.0);
    let samples = journal.samples(sync(lane), None).await.unwrap();
    let samples = samples.iter().map(|row| row.sample.offset.0);
    let (mut attempts, mut samples): (Vec<_>, Vec<_>) = (attempts.collect(), samples.collect());
    attempts.sort_unstable();
    samples.sort_unstable();
    (attempts, samples)
}

pub async fn attempts_and_samples_of_erased_events_go(backend: &dyn Backend) {
    let journal = backend.open(Bounds::default()).await;
    for lane in [1, 2] {
        journal.open_lane(project(1), sync(lane)).await.unwrap();
    }
    ann_and_bob(&journal, 8).await;
    journal.settle(sync(1), recorded(8, 0..4, 1)).await.unwrap();
    journal.settle(sync(2), recorded(8, 2..6, 1)).await.unwrap();
    let done = erase_ann(&journal).await;
    assert_eq!((done.found["attempts"], done.found["samples"]), (4, 4));
    assert_eq!(traces(&journal, 1).await, (vec![1, 3], vec![1, 3]));
    assert_eq!(traces(&journal, 2).await, (vec![3, 5], vec![3, 5]));
    let fate = journal.fate(sync(1), Offset(2)).await.unwrap().unwrap();
    assert!(fate.attempts.is_empty());
    let fate = journal.fate(sync(1), Offset(3)).await.unwrap().unwrap();
    assert_eq!(fate.attempts[0].attempt, attempt(3, 1));
    // Attempts were under way: what came of hers isn't kept.
    journal.settle(sync(1), recorded(8, 0..4, 2)).await.unwrap();
    let journal = backend.crash(journal).await;
    let both = (vec![1, 1, 3, 3], vec![1, 1, 3, 3]);
    assert_eq!(traces(&journal, 1).await, both);
    assert_eq!(traces(&journal, 2).await, (vec![3, 5], vec![3, 5]));
}

pub async fn erased_attempts_make_room_for_others(backend: &dyn Backend) {
    let bounds = Bounds {
        outcomes_max_per_lane: 4,
        ..Bounds::default()
    };
    let journal = backend.open(bounds).await;
    journal.open_lane(project(1), sync(1)).await.unwrap();
    ann_and_bob(&journal, 4).await;
    journal.settle(sync(1), recorded(4, 0..4, 1)).await.unwrap();
    erase_ann(&journal).await;
    let more = Settlement {
        record: Record {
            attempts: vec![attempt(1, 2), attempt(3, 2)],
            ..Record::default()
        },
        ..settled(4)
    };
    journal.settle(sync(1), more).await.unwrap();
    journal.retire(NOW).await.unwrap();
    assert_eq!(traces(&journal, 1).await.0, [1, 1, 3, 3]);
}

pub async fn a_replay_counts_what_was_erased_of_it(backend: &dyn Backend) {
    const REPLAY: ReplayId = ReplayId::from_bytes([9; 16]);
    let journal = backend.open(Bounds::default()).await;
    journal.open_lane(project(1), sync(1)).await.unwrap();
    ann_and_bob(&journal, 4).await;
    let settlement = Settlement {
        ended: (0..4).map(|offset| ended(offset, NOW)).collect(),
        ..settled(4)
    };
    journal.settle(sync(1), settlement).await.unwrap();
    let opened = journal.open_replay(sync(1), REPLAY).await.unwrap();
    let rows = journal.ended_between(sync(1), 0, opened.until, 10).await;
    let step = ReplayStep {
        replay: REPLAY,
        looked_to: opened.until,
        looked_at: 4,
        moved: rows
            .unwrap()
            .iter()
            .map(|row| (row.sequence, NOW))
            .collect(),
        at: NOW,
    };
    assert_eq!(journal.replay(sync(1), step).await.unwrap().len(), 4);
    let done = erase_ann(&journal).await;
    assert_eq!(done.found["retries"], 2);
    let state = async |journal: &Arc<dyn Journal>| {
        let state = journal.replay_state(REPLAY).await.unwrap().unwrap();
        (
            state.moved,
            state.erased,
            state.delivered,
            state.outstanding(),
        )
    };
    assert_eq!(state(&journal).await, (4, 2, 0, 2));
    // One of hers was under way, and both of his.
    let journal = backend.crash(journal).await;
    let over = [0, 1, 3].map(|offset| (Offset(offset), Part::Event));
    let settlement = Settlement {
        finish: over.to_vec(),
        ..settled(4)
    };
    assert_eq!(journal.settle(sync(1), settlement).await.unwrap(), 0);
    assert_eq!(state(&journal).await, (4, 2, 2, 0));
}

pub async fn samples_of_refused_requests_go_with_any_user_of_the_project(backend: &dyn Backend) {
    let journal = backend.open(Bounds::default()).await;
    ann_and_bob(&journal, 2).await;
    let refused = |number: u8| Refused {
        at: NOW,
        reason: "invalid_fields".into(),
        insert_ids: Vec::new(),
        body: format!(r#"{{"number":{number}}}"#),
    };
    for (number, of) in [(1, 1), (2, 1), (3, 2)] {
        let noted = journal.note_refused(project(of), refused(number)).await;
        noted.unwrap();
    }
    let done = erase_ann(&journal).await;
    assert_eq!(done.found["refused"], 2);
    let journal = backend.crash(journal).await;
    assert!(journal.refused(project(1)).await.unwrap().is_empty());
    let others = journal.refused(project(2)).await.unwrap();
    assert_eq!(others.len(), 1);
    // What is refused later is somebody else's.
    let noted = journal.note_refused(project(1), refused(4)).await;
    noted.unwrap();
    assert_eq!(journal.refused(project(1)).await.unwrap().len(), 1);
}

pub async fn a_settlement_says_how_many_retries_are_left(backend: &dyn Backend) {
    let journal = backend.open(Bounds::default()).await;
    journal.open_lane(project(1), sync(1)).await.unwrap();
    ann_and_bob(&journal, 6).await;
    let book = Settlement {
        book: (0..6).map(|offset| retry(offset, 5)).collect(),
        ..settled(6)
    };
    assert_eq!(journal.settle(sync(1), book).await.unwrap(), 6);
    let again = Settlement {
        book: vec![retry(1, 9)],
        finish: vec![(Offset(5), Part::Event)],
        ..settled(6)
    };
    assert_eq!(journal.settle(sync(1), again.clone()).await.unwrap(), 5);
    erase_ann(&journal).await;
    assert_eq!(journal.settle(sync(1), settled(6)).await.unwrap(), 2);
    let journal = backend.crash(journal).await;
    let due = Settlement {
        at: Timestamp(NOW.0 + 1),
        ..again
    };
    assert_eq!(journal.settle(sync(1), due).await.unwrap(), 2);
}
