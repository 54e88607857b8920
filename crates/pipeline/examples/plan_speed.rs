//! What a plan costs per event, beyond the parsing of the event's tree, which all lanes share.
//!
//! `cargo run --release -p millstream-pipeline --example plan_speed`

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use millstream_pipeline::{Outcome, Plan};
use model::definition::Definition;
use model::sync::{Settings, Sync};
use model::time::SystemClock;
use model::{Clock, Event, EventKind, Offset, Part, ProjectId, SyncId, Timestamp};
use serde_json::{Value, json};

const GUIDE_TEMPLATE: &str = include_str!("../../ftl/tests/guides/webhook-event.ftl");

const EVENTS: usize = 200;
const ROUNDS: usize = 500;

fn main() {
    let condition = json!({"all": [
        {"test": {"property": {"scope": "event", "name": "price"}, "operator": "greater", "values": [10]}},
        {"test": {"property": {"scope": "user", "name": "plan"}, "operator": "is", "values": ["pro", "team"]}},
    ]});
    let select = json!({"types": [{"event_type": "Order Completed", "condition": condition}]});
    let selected = plan(json!({"events": {"select": select, "template": GUIDE_TEMPLATE}}));
    let unselected = plan(json!({"events": {"select": {"types": [{"event_type": "other"}]}}}));
    let default = plan(json!({}));

    let events: Vec<Event> = (0..EVENTS).map(event).collect();
    let bytes: usize = events.iter().map(|event| event.text().len()).sum();
    println!("events of {} bytes on average", bytes / EVENTS);

    print("parse the tree", || {
        for event in &events {
            let fresh = Event::new(
                event.project,
                event.offset,
                event.kind,
                event.received_at,
                event.text().clone(),
            );
            black_box(fresh.root().is_ok());
        }
    });
    print("filter: another type", || {
        for event in &events {
            assert!(black_box(unselected.matching(event)).is_empty());
        }
    });
    print("filter: type and two conditions", || {
        for event in &events {
            assert!(black_box(selected.matching(event)).event);
        }
    });
    print("render: as it is streamed", || {
        render_all(&default, &events)
    });
    print("render: the guide's template", || {
        render_all(&selected, &events)
    });
    print("filter and render: the guide's template", || {
        for event in &events {
            assert!(selected.matching(event).event);
        }
        render_all(&selected, &events);
    });
}

fn render_all(plan: &Plan, events: &[Event]) {
    for event in events {
        let outcome = black_box(plan.render(event, Part::Event));
        assert!(matches!(outcome, Outcome::Request(_)), "{outcome:?}");
    }
}

/// Prints the best and the median of the rounds, per event.
fn print(what: &str, mut round: impl FnMut()) {
    round();
    let mut nanoseconds: Vec<u128> = (0..ROUNDS)
        .map(|_| {
            let began = Instant::now();
            round();
            began.elapsed().as_nanos() / EVENTS as u128
        })
        .collect();
    nanoseconds.sort_unstable();
    println!(
        "{what:45} {:6} ns, median {:6} ns",
        nanoseconds[0],
        nanoseconds[ROUNDS / 2]
    );
}

fn plan(settings: Value) -> Plan {
    let definition = Definition::webhook();
    let mut settings: Settings =
        serde_json::from_value(settings).expect("the settings are well-formed");
    settings
        .parameters
        .insert("url".into(), "http://127.0.0.1:9000/hook".into());
    let sync = Sync {
        id: SyncId::from_bytes([1; 16]),
        project: ProjectId::from_bytes([2; 16]),
        definition: definition.id,
        definition_version: definition.version,
        name: "speed".into(),
        enabled: true,
        settings,
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    Plan::compile(&definition, &sync, &clock).expect("the sync has no problems")
}

/// An event as the journal stores it: some thirty fields, properties of event and user.
fn event(number: usize) -> Event {
    let text = json!({
        "$insert_id": format!("insert-{number}"),
        "app": 100_001, "event_type": "Order Completed", "event_name": "Order Completed",
        "user_id": format!("user-{number}@example.com"), "device_id": format!("device-{number}"),
        "event_time": "2022-02-28 20:07:01.795", "created_at": "2022-02-28 20:07:01.795",
        "client_event_time": "2022-02-28 20:07:01.795", "client_upload_time": "2022-02-28 20:07:02.000",
        "server_received_time": "2022-02-28 20:07:02.100", "server_upload_time": "2022-02-28 20:07:02.101",
        "processed_time": "2022-02-28 20:07:02.110",
        "platform": "Web", "os_name": "Chrome", "os_version": "98", "language": "English", "country": "Germany",
        "city": "Ulm", "region": "Baden-Württemberg", "ip_address": "203.0.113.7", "library": "amplitude-js/8.17.0",
        "session_id": 1_646_078_821_000_i64, "event_id": number, "uuid": format!("0f9ec8ec-98d8-11ec-b909-{number:012}"),
        "event_properties": {"price": 25 + number, "currency": "EUR", "items": ["a", "b", "c"], "coupon": "SPRING", "shipping": {"method": "express", "cost": 4.90}},
        "amplitude_id": 9_007_199_254_740_993_i64 + number as i64,
        "groups": {"org": ["acme"]}, "group_properties": {"org": {"acme": {"plan": "enterprise", "seats": 50}}},
        "user_properties": {"name": "Ann", "email": "ann@example.com", "plan": "pro", "age": 42, "tags": ["vip", "beta"], "city": "Ulm"},
    });
    Event::new(
        ProjectId::from_bytes([2; 16]),
        Offset(number as u64),
        EventKind::Track,
        Timestamp(0),
        Bytes::from(text.to_string()),
    )
}
