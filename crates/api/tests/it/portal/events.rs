//! The events that a project received lately.

use std::sync::Arc;

use bytes::Bytes;
use model::{Event, EventKind, Offset, ProjectId, Timestamp};
use serde_json::Value;

use super::World;

/// An event of a project, whose streamed form is this text.
pub(super) fn event(project: &str, offset: u64, text: String) -> Arc<Event> {
    let project: ProjectId = project.parse().unwrap();
    let received = Timestamp(1_767_225_600_000_000 + offset as i64 * 1_000);
    let (offset, text) = (Offset(offset), Bytes::from(text));
    Arc::new(Event::new(
        project,
        offset,
        EventKind::Track,
        received,
        text,
    ))
}

/// A world with a project that received so many events: each third is `rare`.
async fn with_events(count: u64) -> (World, String) {
    let world = World::new().await;
    let (project, other) = (world.project().await, world.project().await);
    let types = ["rare", "seen", "clicked"];
    let events = (0..count).flat_map(|offset| {
        let event_type = types[offset as usize % 3];
        let text = format!(r#"{{"event_type":"{event_type}","price":1.10}}"#);
        [&project, &other].map(|project| event(project, offset, text.clone()))
    });
    world.lanes.notes().events = events.collect();
    let path = format!("/projects/{project}/events");
    (world, path)
}

fn offsets(page: &Value) -> Vec<u64> {
    let items = page["items"].as_array().unwrap().iter();
    items.map(|item| item["offset"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn the_newest_come_first_as_templates_see_them() {
    let (world, path) = with_events(5).await;
    let answer = world.get(&format!("{path}?limit=2")).await.is(200);
    assert_eq!(
        answer.text,
        concat!(
            r#"{"items":[{"offset":4,"received_at":"2026-01-01T00:00:00.004Z","masked":false,"event":"#,
            r#"{"event_type":"seen","price":1.10}},{"offset":3,"#,
            r#""received_at":"2026-01-01T00:00:00.003Z","masked":false,"event":"#,
            r#"{"event_type":"rare","price":1.10}}],"next":3}"#
        )
    );
    assert_eq!(answer.header("content-type"), "application/json");
    let next = world.get(&format!("{path}?limit=2&before=3")).await.json();
    assert_eq!((offsets(&next), &next["next"]), (vec![2, 1], &1.into()));
    let last = world.get(&format!("{path}?limit=2&before=1")).await.json();
    assert_eq!((offsets(&last), &last["next"]), (vec![0], &Value::Null));
    let refused = world.get(&format!("{path}?limit=0")).await;
    refused.problem(400, "malformed_query");
}

#[tokio::test]
async fn pages_of_a_type_hold_each_event_once_however_far_apart_they_are() {
    let (world, path) = with_events(2_000).await;
    let (mut found, mut before) = (Vec::new(), String::new());
    loop {
        let of_type = format!("{path}?limit=200&event_type=rare{before}");
        let page = world.get(&of_type).await.is(200).json();
        found.extend(offsets(&page));
        match page["next"].as_u64() {
            Some(next) => before = format!("&before={next}"),
            None => break,
        }
    }
    let expected: Vec<u64> = (0..2_000).rev().filter(|offset| offset % 3 == 0).collect();
    assert_eq!(found, expected);
    // A request looks at so many only, and says where to go on.
    let (world, path) = with_events(10_003).await;
    let page = world.get(&format!("{path}?event_type=never")).await.json();
    assert_eq!((offsets(&page), &page["next"]), (vec![], &3.into()));
    let page = world
        .get(&format!("{path}?event_type=never&before=3"))
        .await;
    assert_eq!(page.json()["next"], Value::Null);
}

#[tokio::test]
async fn an_unreadable_journal_is_said_to_be() {
    let (world, path) = with_events(1).await;
    world.lanes.notes().broken = true;
    world.get(&path).await.problem(503, "unavailable");
}
