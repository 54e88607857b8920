//! What is left of a user who was erased: nothing, and of others everything.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::{ErasureId, EventKind, Offset, ProjectId};
use serde_json::Value;

use super::support::*;
use super::{Backend, Bounds};
use crate::{EraseRequest, Erasure, ErasureState, IncomingEvent, Journal, Settlement, Subject};

fn request(number: u8, subject: Subject) -> EraseRequest {
    EraseRequest {
        id: ErasureId::from_bytes([number; 16]),
        project: project(1),
        subject,
        at: NOW,
    }
}

fn user(id: &str) -> Subject {
    Subject::UserId(id.to_owned())
}

/// Goes on until nothing is left to do.
async fn finish(journal: &Arc<dyn Journal>, id: ErasureId) -> Erasure {
    for _ in 0..1000 {
        let step = journal.go_on_erasing(NOW + HOUR).await.unwrap();
        if let Some(finished) = step.finished.filter(|finished| finished.id == id) {
            assert_eq!(journal.erasure(id).await.unwrap().as_ref(), Some(&finished));
            return finished;
        }
    }
    panic!("it is never done");
}

async fn erase(journal: &Arc<dyn Journal>, request: EraseRequest) -> Erasure {
    let id = request.id;
    journal.erase(request).await.unwrap();
    finish(journal, id).await
}

/// An event whose text names its user and device, as ingest writes it.
fn said(user: &str, device: &str, said: &str) -> IncomingEvent {
    let mut fields = serde_json::json!({"event_type": "said", "said": said});
    if !user.is_empty() {
        fields["user_id"] = user.into();
    }
    if !device.is_empty() {
        fields["device_id"] = device.into();
    }
    let text = fields.to_string();
    IncomingEvent {
        fields: text.trim_end_matches('}').as_bytes().to_vec(),
        ..event(user, device)
    }
}

/// Which offsets have a text, and those texts.
async fn left(journal: &Arc<dyn Journal>, project: ProjectId) -> BTreeMap<u64, String> {
    let head = *journal.head(project).borrow();
    let mut left = BTreeMap::new();
    for offset in 0..head.0 {
        let event = journal.get(project, Offset(offset)).await.unwrap();
        let event = event.expect("its place stays");
        assert_eq!(event.offset, Offset(offset));
        assert_eq!((event.kind, event.received_at), (EventKind::Track, NOW));
        if !event.is_erased() {
            let text = String::from_utf8(event.text().to_vec()).unwrap();
            left.insert(offset, text);
        }
    }
    left
}

/// Two users' events in turn, many to a chunk and many chunks.
async fn two_users(backend: &dyn Backend) -> (Arc<dyn Journal>, BTreeMap<u64, String>) {
    let journal = backend.open(Bounds::default()).await;
    for number in 0..60 {
        let padding = "x".repeat(500);
        let events = (0..5).flat_map(|each| {
            let text = format!("{number}.{each} {padding}");
            ["ann", "bob"].map(|user| said(user, &format!("{user}'s phone"), &text))
        });
        accept(&journal, project(1), events.collect()).await;
        accept(&journal, project(2), vec![said("ann", "", "elsewhere")]).await;
    }
    let before = left(&journal, project(1)).await;
    assert_eq!(before.len(), 600);
    (journal, before)
}

pub async fn all_events_of_a_user_go_and_others_stay_to_the_byte(backend: &dyn Backend) {
    let (journal, before) = two_users(backend).await;
    let (size, elsewhere) = (
        journal.status().event_bytes,
        left(&journal, project(2)).await,
    );
    // Lanes that are behind have read some of it into memory.
    journal.read(project(1), Offset(0), 100).await.unwrap();
    let done = erase(&journal, request(1, user("ann"))).await;
    assert_eq!(
        (done.state, done.done_at),
        (ErasureState::Done, Some(NOW + HOUR))
    );
    let found = |kind: &str| done.found.get(kind).copied().unwrap_or(0);
    assert_eq!(
        (found("users"), found("devices"), found("events")),
        (1, 1, 300)
    );
    assert!(journal.status().event_bytes < size * 6 / 10);
    let others: BTreeMap<_, _> = before
        .into_iter()
        .filter(|(offset, _)| offset % 2 == 1)
        .collect();
    assert_eq!(left(&journal, project(1)).await, others);
    let journal = backend.crash(journal).await;
    assert_eq!(left(&journal, project(1)).await, others);
    assert_eq!(left(&journal, project(2)).await, elsewhere);
    assert!(!journal.go_on_erasing(NOW).await.unwrap().more);
}

pub async fn an_erasure_goes_on_after_a_crash_at_any_step(backend: &dyn Backend) {
    let (mut journal, before) = two_users(backend).await;
    let first = request(1, user("ann"));
    let begun = journal.erase(first.clone()).await.unwrap();
    assert_eq!(begun.state, ErasureState::Devices);
    // Asked for twice, it is one.
    assert_eq!(journal.erase(first.clone()).await.unwrap(), begun);
    let (mut states, mut steps) = (vec![begun.state], 0);
    let done = loop {
        journal = backend.crash(journal).await;
        let now = journal.erasure(first.id).await.unwrap().unwrap();
        if states.last() != Some(&now.state) {
            states.push(now.state);
        }
        let step = journal.go_on_erasing(NOW + HOUR).await.unwrap();
        if let Some(done) = step.finished {
            break done;
        }
        steps += 1;
        assert!(steps < 100);
    };
    assert_eq!(states, ErasureState::ALL[..3]);
    assert_eq!(done.found["events"], 300);
    let journal = backend.crash(journal).await;
    let others = before.into_iter().filter(|(offset, _)| offset % 2 == 1);
    assert_eq!(left(&journal, project(1)).await, others.collect());
    let listed = journal.erasures(project(1), None, 10).await.unwrap();
    assert_eq!(listed, std::slice::from_ref(&done));
    let older = journal.erasures(project(1), Some(done.number), 10).await;
    assert!(older.unwrap().is_empty());
    assert!(
        journal
            .erasures(project(2), None, 10)
            .await
            .unwrap()
            .is_empty()
    );
}

pub async fn the_same_id_is_another_user_afterwards(backend: &dyn Backend) {
    let journal = backend.open(Bounds::default()).await;
    let known = streamed(&journal, identify("ann", "phone", r#"{"plan": "pro"}"#)).await;
    streamed(&journal, identify("bob", "", r#"{"plan": "free"}"#)).await;
    journal.erase(request(1, user("ann"))).await.unwrap();
    // From the moment on, also while devices are still looked up.
    let anonymous = streamed(&journal, event("", "phone")).await;
    assert_eq!(anonymous["user_properties"], serde_json::json!({}));
    let journal = backend.crash(journal).await;
    let again = streamed(&journal, event("ann", "phone")).await;
    let done = finish(&journal, ErasureId::from_bytes([1; 16])).await;
    assert_eq!(again["user_properties"], serde_json::json!({}));
    assert!(again["amplitude_id"].as_i64() > known["amplitude_id"].as_i64());
    // What came since is hers who came since, and the device with it.
    assert_eq!(done.found["devices"], 0);
    let texts = texts(&journal, project(1), 0).await;
    assert!(texts[0].is_empty() && !texts[1].is_empty() && !texts[2].is_empty());
    let later = streamed(&journal, event("", "phone")).await;
    assert_eq!(later["amplitude_id"], again["amplitude_id"]);
    let bob = streamed(&journal, event("bob", "")).await;
    assert_eq!(bob["user_properties"]["plan"], "free");
}

pub async fn a_user_is_found_by_device_and_number_too(backend: &dyn Backend) {
    let journal = backend.open(Bounds::default()).await;
    let events = vec![
        // 0 and 1: anonymous at first, each on a device of its own.
        said("", "phone", "a"),
        said("", "tablet", "b"),
        // 2 takes the phone's user over, 3 merges the tablet's into it.
        said("ann", "phone", "c"),
        said("ann", "tablet", "d"),
        said("bob", "laptop", "e"),
        // 5 moves the tablet to bob; 6 is his then, without his name.
        said("bob", "tablet", "f"),
        said("", "tablet", "g"),
        said("ann", "", "h"),
    ];
    accept(&journal, project(1), events).await;
    let before = left(&journal, project(1)).await;
    let number: Value = serde_json::from_str(&before[&2]).unwrap();
    let by_number = Subject::AmplitudeId(number["amplitude_id"].as_i64().unwrap());
    let done = erase(&journal, request(1, by_number)).await;
    let kept: Vec<_> = left(&journal, project(1)).await.into_keys().collect();
    // 1 came from a device that is bob's by now, before anyone was known there.
    assert_eq!(kept, [1, 4, 5, 6]);
    assert_eq!(done.found["devices"], 1);
    let laptop = Subject::DeviceId("laptop".into());
    let done = erase(&journal, request(2, laptop)).await;
    assert_eq!((done.found["users"], done.found["devices"]), (1, 2));
    let kept: Vec<_> = left(&journal, project(1)).await.into_keys().collect();
    assert_eq!(kept, Vec::<u64>::new());
    // Nobody is known by these.
    for (number, nobody) in [
        (3, user("nobody")),
        (4, Subject::DeviceId("none".into())),
        (5, Subject::AmplitudeId(999)),
    ] {
        let done = erase(&journal, request(number, nobody)).await;
        assert_eq!(done.found["users"], 0);
        assert_eq!(done.found.get("events").copied().unwrap_or(0), 0);
    }
}

pub async fn retries_and_ended_deliveries_of_erased_events_go(backend: &dyn Backend) {
    let journal = backend.open(Bounds::default()).await;
    journal.open_lane(project(1), sync(1)).await.unwrap();
    journal.open_lane(project(1), sync(2)).await.unwrap();
    let users = ["ann", "bob", "ann", "bob"];
    let events = users.map(|user| said(user, "", "x"));
    accept(&journal, project(1), events.to_vec()).await;
    let settlement = Settlement {
        book: vec![retry(0, 5), retry(1, 6)],
        ended: vec![ended(2, NOW), ended(3, NOW)],
        ..settled(4)
    };
    journal.settle(sync(1), settlement).await.unwrap();
    let settlement = Settlement {
        book: vec![retry(2, 5)],
        ..settled(4)
    };
    journal.settle(sync(2), settlement).await.unwrap();
    let done = erase(&journal, request(1, user("ann"))).await;
    assert_eq!((done.found["retries"], done.found["ended"]), (2, 1));
    let of = async |journal: &Arc<dyn Journal>, lane: u8| {
        let stats = journal.lane_stats(sync(lane)).await.unwrap().unwrap();
        (stats.pending, stats.ended)
    };
    // An attempt was under way: what became of it is counted, not kept.
    let late = Settlement {
        book: vec![retry(0, 9), retry(1, 9)],
        ended: vec![ended(2, NOW + HOUR)],
        ..settled(4)
    };
    journal.settle(sync(1), late).await.unwrap();
    let journal = backend.crash(journal).await;
    assert_eq!(of(&journal, 1).await, (1, 1));
    assert_eq!(of(&journal, 2).await, (0, 0));
    let pending = journal.retries(sync(1), None, 10).await.unwrap();
    assert_eq!(pending, [retry(1, 9)]);
    let listed = journal.ended(sync(1), None, 10).await.unwrap();
    assert_eq!(listed[0].ended.offset, Offset(3));
}

pub async fn retention_takes_erased_events_like_others(backend: &dyn Backend) {
    let (journal, _) = two_users(backend).await;
    erase(&journal, request(1, user("ann"))).await;
    erase(&journal, request(2, user("bob"))).await;
    let retired = journal.retire(NOW + DAY * 30).await.unwrap();
    assert_eq!(retired.events, 660);
    assert_eq!(journal.status().event_bytes, 0);
    let journal = backend.crash(journal).await;
    assert!(offsets(&journal, project(1)).await.is_empty());
}
