//! What a project knows of a user, and what operators see of the installation.

use journal::{Batch, IncomingEvent, Journal};
use model::json::{Limits, parse};
use model::user::PropertyUpdate;
use model::{EventKind, ProjectId, Timestamp};
use serde_json::json;

use super::World;

const PROPERTIES: &str =
    r#"{"plan":"pro","email":"ann@example.com","spent":12.10,"home":{"city":"Bath","zip":"BA1"}}"#;

/// A project that has seen Ann on two devices, and its path.
async fn stage() -> (World, String) {
    let world = World::new().await;
    let sync = world
        .sync(json!({"name": "Hook", "url": "https://example.com/hook"}))
        .await;
    let project: ProjectId = sync.split('/').nth(2).unwrap().parse().unwrap();
    let update = parse(PROPERTIES.as_bytes(), &Limits::FOREIGN).unwrap();
    let on = |device: &str| IncomingEvent {
        kind: EventKind::Identify,
        user_id: Some("ann@example.com".into()),
        device_id: Some(device.into()),
        insert_id: None,
        event_time: Timestamp::from_millis(1_770_000_000_000).unwrap(),
        user_update: PropertyUpdate::from_json(&update).unwrap(),
        own_user_properties: None,
        groups: vec![("org".into(), vec!["acme".into()])],
        group_update: PropertyUpdate::none(),
        paying: true,
        version: Some("2.1".into()),
        fields: br#"{"event_type":"$identify""#.to_vec(),
    };
    let batch = Batch {
        project,
        received_at: Timestamp::from_millis(1_770_000_000_000).unwrap(),
        events: vec![on("phone"), on("laptop")],
    };
    world.lanes.journal().accept(batch).await.unwrap();
    (world, format!("/projects/{project}"))
}

#[tokio::test]
async fn a_user_is_shown_by_id_and_by_device() {
    let (world, project) = stage().await;
    let by_id = format!("{project}/user?user_id=ann%40example.com");
    let ann = world.get(&by_id).await.is(200);
    // Numbers as they are delivered.
    assert!(
        ann.text.contains(&format!(r#""properties":{PROPERTIES}"#)),
        "{}",
        ann.text
    );
    let ann = ann.json();
    let device = world.get(&format!("{project}/user?device_id=phone")).await;
    assert_eq!(device.is(200).json(), ann);
    let expected = json!({
        "amplitude_id": 1, "user_id": "ann@example.com", "created_at": "2026-02-02T02:40:00.000Z",
        "start_version": "2.1", "paying": true, "groups": {"org": ["acme"]},
        "devices": ["laptop", "phone"], "more_devices": false, "masked": false,
        "properties": {"plan": "pro", "email": "ann@example.com", "spent": 12.1,
                       "home": {"city": "Bath", "zip": "BA1"}},
    });
    assert_eq!(ann, expected);

    let nobody = world
        .get(&format!("{project}/user?user_id=bob"))
        .await
        .is(404);
    assert!(
        nobody.text.contains("there is no such user"),
        "{}",
        nobody.text
    );
    let other = world
        .sync(json!({"name": "Other", "url": "https://example.com"}))
        .await;
    let other = other.split('/').nth(2).unwrap();
    if format!("/projects/{other}") != project {
        let elsewhere = format!("/projects/{other}/user?device_id=phone");
        world.get(&elsewhere).await.is(404);
    }
    for wrong in ["", "?user_id=a&device_id=b", "?name=a"] {
        world.get(&format!("{project}/user{wrong}")).await.is(400);
    }
}

#[tokio::test]
async fn values_of_sensitive_properties_of_a_user_are_masked() {
    let (world, project) = stage().await;
    let sensitive = json!({"sensitive": {"user": ["email", "home.zip"]}});
    world.change(&project, sensitive).await.is(200);
    let ann = world.get(&format!("{project}/user?device_id=phone")).await;
    let ann = ann.is(200);
    assert!(!ann.text.contains("BA1"), "{}", ann.text);
    let ann = ann.json();
    assert_eq!(ann["masked"], true);
    assert_eq!(
        ann["properties"],
        json!({"plan": "pro", "email": "[sensitive]", "spent": 12.1,
               "home": {"city": "Bath", "zip": "[sensitive]"}})
    );
}
