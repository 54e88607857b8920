//! Syncs, plans and events in few words.

use std::sync::Arc;

use bytes::Bytes;
use millstream_pipeline::{Outcome, Plan, Problem};
use model::definition::Definition;
use model::outcome::Discarded;
use model::sync::{Settings, Sync};
use model::time::ManualClock;
use model::{Clock, Event, EventKind, Offset, OutboundRequest, Part, ProjectId, SyncId, Timestamp};
use serde_json::{Value, json};

/// What templates see as `.now`: 2026-05-29 06:40:00 UTC.
const NOW: Timestamp = Timestamp(1_780_036_800_000_000);

pub(crate) const URL: &str = "https://example.com/hook";

pub(crate) fn settings(json: Value) -> Settings {
    serde_json::from_value(json).unwrap()
}

/// A webhook's settings: `changes` over a URL.
pub(crate) fn webhook(changes: Value) -> Settings {
    let mut settings = settings(changes);
    settings
        .parameters
        .entry("url".into())
        .or_insert(URL.into());
    settings
}

pub(crate) fn compile(definition: &Definition, settings: Settings) -> Result<Plan, Vec<Problem>> {
    let sync = Sync {
        id: SyncId::from_bytes([3; 16]),
        project: ProjectId::from_bytes([4; 16]),
        definition: definition.id,
        definition_version: definition.version,
        name: "test".into(),
        enabled: true,
        settings,
    };
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(NOW));
    Plan::compile(definition, &sync, &clock)
}

pub(crate) fn webhook_plan(changes: Value) -> Plan {
    compile(&Definition::webhook(), webhook(changes)).unwrap()
}

/// A webhook that sends `template` for events.
pub(crate) fn template_plan(template: &str) -> Plan {
    webhook_plan(json!({"events": {"template": template}}))
}

/// A definition with a URL and everything else from `changes`.
pub(crate) fn definition(changes: Value) -> Definition {
    let mut definition = json!({
        "id": Definition::webhook().id,
        "version": 1,
        "display_name": "Test",
        "events": {"method": "POST", "url": URL},
        "users": {"method": "POST", "url": URL},
        "own_templates": true,
    });
    let (all, changes) = (
        definition.as_object_mut().unwrap(),
        changes.as_object().unwrap().clone(),
    );
    all.extend(changes);
    serde_json::from_value(definition).unwrap()
}

pub(crate) fn event_of_kind(kind: EventKind, text: impl Into<Bytes>) -> Event {
    Event::new(
        ProjectId::from_bytes([4; 16]),
        Offset(7),
        kind,
        Timestamp(0),
        text.into(),
    )
}

pub(crate) fn event(value: &Value) -> Event {
    let kind = EventKind::of_type(value["event_type"].as_str().unwrap_or_default());
    event_of_kind(kind, value.to_string())
}

pub(crate) fn request(plan: &Plan, event: &Event, part: Part) -> OutboundRequest {
    match plan.apply(event, part) {
        Outcome::Request(request) => request,
        other => panic!("expected a request, not {other:?}"),
    }
}

pub(crate) fn body(plan: &Plan, event: &Event, part: Part) -> String {
    String::from_utf8(request(plan, event, part).body.to_vec()).unwrap()
}

pub(crate) fn discarded(plan: &Plan, event: &Event, part: Part) -> Discarded {
    match plan.apply(event, part) {
        Outcome::Discarded(why) => why,
        other => panic!("expected it to be discarded, not {other:?}"),
    }
}
