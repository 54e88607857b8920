//! Events for the cases, and what became of them.

use std::sync::Arc;
use std::time::Duration;

use model::json::{Limits, parse};
use model::outcome::{Category, Failure};
use model::user::PropertyUpdate;
use model::{EventKind, Offset, Part, ProjectId, SyncId, Timestamp};
use serde_json::Value;

use crate::hold::Said;
use crate::{Accepted, Batch, Ended, EndedWhy, IncomingEvent, Journal, Retry, Settlement};

/// Some day in 2026.
pub(super) const NOW: Timestamp = Timestamp(1_780_000_000_000_000);
pub(super) const HOUR: Duration = Duration::from_secs(60 * 60);
pub(super) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

pub(super) fn project(number: u8) -> ProjectId {
    ProjectId::from_bytes([number; 16])
}

pub(super) fn sync(number: u8) -> SyncId {
    SyncId::from_bytes([number; 16])
}

/// An event of this user and device; an empty id is none.
pub(super) fn event(user: &str, device: &str) -> IncomingEvent {
    let id = |id: &str| (!id.is_empty()).then(|| id.to_owned());
    IncomingEvent {
        kind: EventKind::Track,
        user_id: id(user),
        device_id: id(device),
        insert_id: None,
        event_time: NOW,
        user_update: PropertyUpdate::none(),
        own_user_properties: None,
        groups: Vec::new(),
        group_update: PropertyUpdate::none(),
        paying: false,
        version: None,
        fields: br#"{"event_type":"test""#.to_vec(),
    }
}

pub(super) fn numbered(number: usize) -> IncomingEvent {
    IncomingEvent {
        fields: format!(r#"{{"n":{number}"#).into_bytes(),
        ..event("someone", "")
    }
}

pub(super) fn with_insert_id(device: &str, insert_id: &str) -> IncomingEvent {
    IncomingEvent {
        insert_id: Some(insert_id.to_owned()),
        ..event("someone", device)
    }
}

pub(super) fn update(json: &str) -> PropertyUpdate {
    PropertyUpdate::from_json(&parse(json.as_bytes(), &Limits::FOREIGN).unwrap()).unwrap()
}

pub(super) fn identify(user: &str, device: &str, properties: &str) -> IncomingEvent {
    IncomingEvent {
        kind: EventKind::Identify,
        user_update: update(properties),
        ..event(user, device)
    }
}

pub(super) fn groups(groups: &[(&str, &[&str])]) -> Vec<(String, Vec<String>)> {
    let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    groups
        .iter()
        .map(|(kind, of_kind)| ((*kind).to_owned(), names(of_kind)))
        .collect()
}

pub(super) fn batch(project: ProjectId, events: Vec<IncomingEvent>) -> Batch {
    Batch {
        project,
        received_at: NOW,
        events,
    }
}

pub(super) async fn accept(
    journal: &Arc<dyn Journal>,
    project: ProjectId,
    events: Vec<IncomingEvent>,
) -> Accepted {
    journal.accept(batch(project, events)).await.unwrap()
}

/// Takes one event and returns it as it is streamed.
pub(super) async fn streamed(journal: &Arc<dyn Journal>, event: IncomingEvent) -> Value {
    let accepted = accept(journal, project(1), vec![event]).await;
    assert_eq!(accepted.appended, 1);
    let offset = Offset(accepted.head.0 - 1);
    let event = journal.get(project(1), offset).await.unwrap().unwrap();
    serde_json::from_slice(event.text()).unwrap()
}

/// The texts of all events from `from` on.
pub(super) async fn texts(
    journal: &Arc<dyn Journal>,
    project: ProjectId,
    from: u64,
) -> Vec<String> {
    let events = all(journal, project, Offset(from)).await;
    events.into_iter().map(|(_, text)| text).collect()
}

/// The offsets of all events that there are.
pub(super) async fn offsets(journal: &Arc<dyn Journal>, project: ProjectId) -> Vec<u64> {
    let events = all(journal, project, Offset(0)).await;
    events.into_iter().map(|(offset, _)| offset).collect()
}

async fn all(journal: &Arc<dyn Journal>, project: ProjectId, from: Offset) -> Vec<(u64, String)> {
    let (mut events, mut next) = (Vec::new(), from);
    loop {
        let found = journal.read(project, next, 7).await.unwrap();
        let Some(last) = found.last() else {
            return events;
        };
        assert!(found[0].offset >= next && found.len() <= 7);
        next = last.offset.next();
        events.extend(found.iter().map(|event| {
            let text = String::from_utf8(event.text().to_vec()).unwrap();
            (event.offset.0, text)
        }));
    }
}

pub(super) fn failure() -> Failure {
    Failure {
        category: Category::ServerError,
        status: Some(500),
        message: "answered 500".into(),
        response: "oh \"no\"".into(),
    }
}

pub(super) fn retry(offset: u64, due_at: i64) -> Retry {
    Retry {
        offset: Offset(offset),
        part: Part::Event,
        attempts: 1,
        due_at: Timestamp(due_at),
        failure: failure(),
        given: None,
    }
}

pub(super) fn ended(offset: u64, at: Timestamp) -> Ended {
    Ended {
        offset: Offset(offset),
        part: Part::Event,
        at,
        attempts: 10,
        why: EndedWhy::Expired(failure()),
    }
}

/// What somebody decided.
pub(super) fn said() -> Said {
    Said {
        at: NOW,
        by: "ann@example.com".into(),
    }
}

/// Everything before `cursor` is settled.
pub(super) fn settled(cursor: u64) -> Settlement {
    Settlement {
        cursor: Offset(cursor),
        at: NOW,
        ..Settlement::default()
    }
}
