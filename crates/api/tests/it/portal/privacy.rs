//! How long events are kept, and users who are erased.

use axum::http::StatusCode;
use journal::Subject;
use serde_json::json;

use super::World;
use super::events::event;

#[tokio::test]
async fn a_project_keeps_events_no_longer_than_it_says_and_shows_what_it_holds() {
    let world = World::new().await;
    let project = world.project().await;
    let events = (4..7).map(|offset| event(&project, offset, "{}".to_owned()));
    world.lanes.notes().events = events.collect();
    let path = format!("/projects/{project}");
    let held = async || world.get(&format!("{path}/retention")).await.is(200).json();
    let expected = json!({
        "events_hours": 168, "outcomes_hours": 168, "bytes": 6, "oldest_offset": 4,
        "oldest_received_at": "2026-01-01T00:00:00.004Z", "head": 7,
    });
    assert_eq!(held().await, expected);

    let body = json!({"retention": {"events_hours": 24, "outcomes_hours": 100}});
    let changed = world.change(&path, body).await.is(200).json();
    assert_eq!(
        changed["retention"],
        json!({"events_hours": 24, "outcomes_hours": 100})
    );
    // What ended holds its event: it goes no later.
    let now = held().await;
    assert_eq!(
        (&now["events_hours"], &now["outcomes_hours"]),
        (&json!(24), &json!(24))
    );
    for (bad, at) in [
        (json!({"events_hours": 0}), "/retention/events_hours"),
        (json!({"events_hours": 169}), "/retention/events_hours"),
        (json!({"outcomes_hours": 1000}), "/retention/outcomes_hours"),
    ] {
        let refused = world.change(&path, json!({"retention": bad})).await;
        refused.problem(422, "invalid_fields");
        assert_eq!(refused.pointers(), [at]);
        let body = json!({"name": "Another", "retention": bad});
        let refused = world.post(&world.projects(), body).await;
        assert_eq!(refused.pointers(), [at]);
    }
    let changed = world.change(&path, json!({"retention": {}})).await;
    assert_eq!(changed.is(200).json()["version"], 3);
    assert_eq!(held().await["events_hours"], 168);
    let log = world.of_organisation("/audit?action=project.change");
    let log = world.get(&log).await.is(200).json();
    let mut entries = log["items"].as_array().unwrap().iter();
    assert!(entries.any(|entry| entry["after"]["retention"]["events_hours"] == 24));
}

#[tokio::test]
async fn an_erasure_is_begun_once_and_told_without_the_users_id() {
    let world = World::new().await;
    let project = world.project().await;
    let path = format!("/projects/{project}/erasures");
    let ask = || {
        let call = world.call("POST", &path).header("idempotency-key", "one");
        call.json(json!({"user_id": "ann@example.com"}))
    };
    let made = ask().send().await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let erasure = made.json();
    assert_eq!(
        made.header("location"),
        format!("/api/v1{path}/{}", made.at("/id"))
    );
    assert_eq!(
        (&erasure["state"], &erasure["found"]["users"]),
        (&json!("devices"), &json!(1))
    );
    assert_eq!(ask().send().await.is(201).json(), erasure);
    assert_eq!(
        world.lanes.notes().erased,
        [Subject::UserId("ann@example.com".into())]
    );
    for input in [json!({"device_id": "d-1"}), json!({"amplitude_id": 7})] {
        world.post(&path, input).await.is(201);
    }
    let shown = world.get(&format!("{path}/{}", made.at("/id"))).await;
    assert_eq!(shown.is(200).json(), erasure);
    let page = world.get(&format!("{path}?limit=2")).await.is(200).json();
    assert_eq!(page["items"].as_array().unwrap().len(), 2);
    let next = page["next"].as_str().unwrap();
    let page = world.get(&format!("{path}?limit=2&cursor={next}")).await;
    assert_eq!(page.is(200).json()["items"], json!([erasure]));

    let log = world.of_organisation("/audit?action=user.erase");
    let log = world.get(&log).await.is(200);
    assert!(!log.text.contains("ann@"), "{}", log.text);
    let log = log.json();
    assert_eq!(log["items"].as_array().unwrap().len(), 3);
    let mut entries = log["items"].as_array().unwrap().iter();
    let entry = entries.find(|entry| entry["after"]["erasure"] == erasure["id"]);
    let entry = &entry.unwrap()["after"];
    assert_eq!(entry["by"], "user_id");
    assert_eq!(entry["sha256"].as_str().unwrap().len(), 64);

    for (bad, at) in [
        (json!({}), ""),
        (json!({"user_id": "a", "device_id": "b"}), ""),
        (json!({"user_id": ""}), "/user_id"),
        (json!({"device_id": "x".repeat(5000)}), "/device_id"),
        (json!({"amplitude_id": 0}), "/amplitude_id"),
    ] {
        let refused = world.post(&path, bad).await;
        refused.problem(422, "invalid_fields");
        assert_eq!(refused.pointers(), [at]);
    }
    assert_eq!(world.lanes.notes().erased.len(), 3);
    let nobodys = world
        .get(&format!("{path}/era_00000000000000000000000000"))
        .await;
    nobodys.problem(404, "not_found");
}
