//! What a project received lately.

use super::World;
use super::events::event;
use serde_json::json;

#[tokio::test]
async fn what_was_received_tells_types_and_properties_with_shares_and_examples() {
    let world = World::new().await;
    let project = world.project().await;
    let events = (0..1200).map(|offset| {
        let text = match offset % 3 {
            0 => format!(
                r#"{{"event_type":"Bought","event_properties":{{"price":{offset},"once_{}":true}},
                    "group_properties":{{"org":{{"acme":{{"size":3}}}}}}}}"#,
                offset / 600
            ),
            _ => r#"{"event_type":"Seen","user_properties":{"plan":"pro"}}"#.to_owned(),
        };
        event(&project, offset, text)
    });
    world.lanes.notes().events = events.collect();
    let path = format!("/projects/{project}/observed");
    let observed = world.get(&path).await.is(200).json();
    assert_eq!(observed["events"], 1200);
    for nothing in [
        "behind",
        "event_types_uncounted",
        "user_properties_uncounted",
        "group_types_uncounted",
    ] {
        assert_eq!(observed[nothing], 0, "{nothing}");
    }
    assert_eq!(observed["truncated"], false);
    let (seen, bought) = (&observed["event_types"][0], &observed["event_types"][1]);
    assert_eq!(
        (&seen["event_type"], &seen["events"], &seen["share"]),
        (&json!("Seen"), &json!(800), &json!(800.0 / 1200.0))
    );
    let price = &bought["properties"][0];
    assert_eq!(
        (&price["name"], &price["kinds"], &price["share"]),
        (&json!("price"), &json!(["number"]), &json!(1.0))
    );
    assert_eq!(price["examples"].as_array().unwrap().len(), 5);
    assert_eq!(price["first_seen_at"], "2026-01-01T00:00:00.000Z");
    assert_eq!(
        (&price["uncounted"], &bought["properties_uncounted"]),
        (&json!(0), &json!(0))
    );
    assert_eq!(bought["properties"][1]["share"], 0.5);
    let plan = &observed["user_properties"][0];
    assert_eq!(
        (&plan["events"], &plan["examples"]),
        (&json!(800), &json!(["\"pro\""]))
    );
    let org = &observed["group_properties"][0];
    assert_eq!(
        (&org["group_type"], &org["events"]),
        (&json!("org"), &json!(400))
    );
    assert_eq!(org["properties"][0]["share"], 1.0);
}

#[tokio::test]
async fn more_names_than_there_is_room_for_are_said_to_be_missing() {
    let world = World::new().await;
    let project = world.project().await;
    let events = (0..2200).map(|n| event(&project, n, format!(r#"{{"event_type":"type {n}"}}"#)));
    world.lanes.notes().events = events.collect();
    let path = format!("/projects/{project}/observed");
    let observed = world.get(&path).await.is(200).json();
    assert_eq!(
        (&observed["truncated"], &observed["event_types_uncounted"]),
        (&json!(true), &json!(1))
    );
}
