//! A sync goes on, and what it owes is delivered, chosen from, or dropped.

use millstream_api::portal::Backlog;
use serde_json::{Value, json};

use super::World;
use super::world::id_in;

/// A sync that is switched off and owes something.
async fn owing(world: &World) -> String {
    let body = json!({"name": "hook", "url": "https://example.com"});
    let path = world.sync(body).await;
    let mut notes = world.lanes.notes();
    notes.stats.cursor = model::Offset(10);
    notes.stats.head = model::Offset(25);
    notes.stats.pending = 2;
    notes.stats.unsettled_bytes = 1234;
    notes.stats.losses.lost.events = 3;
    path
}

async fn resume(world: &World, path: &str, body: Value) -> super::call::Answer {
    let call = world.call("POST", &format!("{path}/resume"));
    call.json(body).send().await
}

#[tokio::test]
async fn a_sync_goes_on_as_it_is_told() {
    let world = World::new().await;
    let path = owing(&world).await;
    let body = json!({"backlog": "newest_per_user", "requests_per_minute": 600});
    let resumed = resume(&world, &path, body).await;
    assert_eq!(resumed.json()["enabled"], json!(true));
    assert_eq!(resumed.header("etag"), "\"v2\"");
    let notes = world.lanes.notes();
    let id = id_in(&path);
    assert_eq!(notes.prepared, [(id, Backlog::NewestPerUser, Some(600))]);
    assert!(notes.applied[&id].enabled);
}

#[tokio::test]
async fn dropping_says_first_how_much_that_is() {
    let world = World::new().await;
    let path = owing(&world).await;
    for confirm in [json!(null), json!(16)] {
        let body = json!({"backlog": "drop", "confirm": confirm});
        let refused = resume(&world, &path, body).await;
        let problem = refused.problem(409, "confirmation_needed");
        assert_eq!(problem["would_drop"]["backlog"], 15);
        assert_eq!(problem["would_drop"]["pending"], 2);
    }
    assert!(world.lanes.notes().prepared.is_empty());
    assert_eq!(world.get(&path).await.json()["enabled"], json!(false));
    let confirmed = resume(&world, &path, json!({"backlog": "drop", "confirm": 17})).await;
    assert_eq!(confirmed.json()["enabled"], json!(true));
    let prepared = [(id_in(&path), Backlog::Drop, None)];
    assert_eq!(world.lanes.notes().prepared, prepared);
}

#[tokio::test]
async fn what_can_not_go_on_is_refused_and_keeps_what_it_owes() {
    let world = World::new().await;
    let path = owing(&world).await;
    for (body, place) in [
        (json!({"backlog": "some"}), "/backlog"),
        (json!({}), "/backlog"),
        (
            json!({"backlog": "all", "requests_per_minute": 0}),
            "/requests_per_minute",
        ),
        (json!({"backlog": "all", "rate": 1}), "/rate"),
    ] {
        let refused = resume(&world, &path, body).await;
        refused.problem(422, "invalid_fields");
        assert_eq!(refused.pointers(), [place]);
    }
    let broken = json!({"events": {"template": "${broken}"}});
    let broken = world
        .call("PATCH", &path)
        .header("if-match", "*")
        .json(broken);
    broken.send().await;
    let refused = resume(&world, &path, json!({"backlog": "drop", "confirm": 99})).await;
    refused.problem(422, "sync_not_ready");
    let mended = json!({"events": {}, "enabled": true});
    let mended = world
        .call("PATCH", &path)
        .header("if-match", "*")
        .json(mended);
    mended.send().await;
    let refused = resume(&world, &path, json!({"backlog": "all"})).await;
    refused.problem(422, "invalid_fields");
    assert_eq!(refused.pointers(), ["/backlog"]);
    let stale = world.call("POST", &format!("{path}/resume"));
    let stale = stale
        .header("if-match", "\"v1\"")
        .json(json!({"backlog": "all"}));
    stale.send().await.problem(412, "precondition_failed");
    assert!(world.lanes.notes().prepared.is_empty());
}

#[tokio::test]
async fn status_shows_what_is_held_and_what_was_lost() {
    let world = World::new().await;
    let path = owing(&world).await;
    let status = world.get(&format!("{path}/status")).await.json();
    let held = &status["held"];
    assert_eq!(
        (&held["bytes"], &held["lost_events"]),
        (&json!(1234), &json!(3))
    );
    assert_eq!(status["draining"], json!(null));
    assert_eq!(status["requests_at_once"], 64);
}
