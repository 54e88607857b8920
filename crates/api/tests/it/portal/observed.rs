//! What the newest events are like.

use super::World;
use super::events::event;

#[tokio::test]
async fn the_newest_events_tell_what_types_and_properties_there_are() {
    let world = World::new().await;
    let project = world.project().await;
    let events = (0..1200).map(|offset| {
        let text = match offset % 3 {
            0 => format!(r#"{{"event_type":"Bought","event_properties":{{"price":{offset}}}}}"#),
            _ => r#"{"event_type":"Seen","user_properties":{"plan":"pro"}}"#.to_owned(),
        };
        event(&project, offset, text)
    });
    world.lanes.notes().events = events.collect();
    let path = format!("/projects/{project}/observed");
    let observed = world.get(&path).await.is(200).json();
    assert_eq!(
        (&observed["events"], &observed["truncated"]),
        (&1200.into(), &false.into())
    );
    let (seen, bought) = (&observed["event_types"][0], &observed["event_types"][1]);
    assert_eq!(
        (&seen["event_type"], &seen["events"]),
        (&"Seen".into(), &800.into())
    );
    let price = &bought["properties"][0];
    assert_eq!(
        (&price["name"], &price["kinds"][0]),
        (&"price".into(), &"number".into())
    );
    assert_eq!(price["examples"].as_array().unwrap().len(), 3);
    assert_eq!(price["first_seen_at"], "2026-01-01T00:00:00.000Z");
    assert_eq!(observed["user_properties"][0]["events"], 800);

    // The newest three only.
    let few = world.get(&format!("{path}?events=3")).await.is(200).json();
    assert_eq!(few["events"], 3);
    for query in ["events=0", "events=10001", "evnts=1"] {
        let refused = world.get(&format!("{path}?{query}")).await;
        refused.problem(400, "malformed_query");
    }
}
