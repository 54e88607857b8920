//! Enabling, disabling, deleting; and what a crash in between leaves.

use axum::http::StatusCode;
use serde_json::json;
use store::Caller;

use super::World;
use super::world::id_in;

#[tokio::test]
async fn a_sync_is_enabled_only_when_it_can_deliver_and_all_that_is_missing_is_said_at_once() {
    let world = World::new().await;
    let path = world
        .sync(json!({"name": "hook", "events": {"template": "${broken}"}}))
        .await;
    let refused = world.call("POST", &format!("{path}/enable")).send().await;
    let problem = refused.problem(422, "sync_not_ready");
    assert_eq!(refused.pointers(), ["/url", "/events/template"]);
    assert_eq!(problem["errors"][1]["line"], 1);
    assert_eq!(problem["errors"][1]["column"], 3);
    assert_eq!(world.get(&path).await.json()["enabled"], json!(false));
    assert!(!world.lanes.notes().applied[&id_in(&path)].enabled);

    let mended = json!({"url": "https://example.com", "events": {}});
    let mended = world
        .call("PATCH", &path)
        .header("if-match", "*")
        .json(mended)
        .send()
        .await;
    assert_eq!(mended.status, StatusCode::OK, "{}", mended.text);
    let enabled = world.call("POST", &format!("{path}/enable")).send().await;
    assert_eq!(enabled.json()["enabled"], json!(true));
    assert!(world.lanes.notes().applied[&id_in(&path)].enabled);
    // Again: no change, no new version.
    let again = world.call("POST", &format!("{path}/enable")).send().await;
    assert_eq!(again.header("etag"), enabled.header("etag"));

    let disabled = world.call("POST", &format!("{path}/disable")).send().await;
    assert_eq!(disabled.json()["enabled"], json!(false));
    assert!(!world.lanes.notes().applied[&id_in(&path)].enabled);
}

#[tokio::test]
async fn what_would_stop_a_running_sync_is_refused_and_it_goes_on() {
    let world = World::new().await;
    let body = json!({"name": "hook", "url": "https://example.com", "enabled": true});
    let path = world.sync(body).await;
    let broken = json!({"events": {"template": "${broken}"}});
    let refused = world
        .call("PATCH", &path)
        .header("if-match", "*")
        .json(broken)
        .send()
        .await;
    refused.problem(422, "sync_not_ready");
    let running = world.lanes.notes().applied[&id_in(&path)].clone();
    assert!(running.enabled && running.settings.events.template.is_none());
    assert_eq!(world.get(&path).await.json()["version"], 1);
}

#[tokio::test]
async fn a_sync_that_is_to_start_enabled_must_be_complete() {
    let world = World::new().await;
    let syncs = world.syncs().await;
    let refused = world
        .post(&syncs, json!({"name": "hook", "enabled": true}))
        .await;
    refused.problem(422, "sync_not_ready");
    assert_eq!(world.get(&syncs).await.json()["items"], json!([]));
    assert!(world.lanes.notes().applied.is_empty());
}

#[tokio::test]
async fn a_sync_that_owes_deliveries_is_deleted_only_when_told_how_many_go() {
    let world = World::new().await;
    let path = world
        .sync(json!({"name": "hook", "url": "https://example.com"}))
        .await;
    {
        let mut notes = world.lanes.notes();
        notes.stats.pending = 3;
        notes.stats.head = model::Offset(4);
        notes.stats.in_order = 2;
        notes.stats.ended = 9;
    }
    let delete = |query: &str| world.call("DELETE", &format!("{path}{query}")).send();
    let asked = delete("").await;
    let problem = asked.problem(409, "confirmation_needed");
    assert_eq!(
        problem["would_drop"],
        json!({"pending": 3, "backlog": 4, "waiting_in_order": 2, "ended": 9})
    );
    assert!(
        problem["detail"].as_str().unwrap().contains("confirm=9"),
        "{problem}"
    );
    delete("?confirm=8")
        .await
        .problem(409, "confirmation_needed");
    delete("?confirm=all").await.problem(400, "malformed_query");
    assert_eq!(world.get(&path).await.status, StatusCode::OK);
    assert!(world.lanes.notes().removed.is_empty());

    let deleted = delete("?confirm=9").await;
    assert_eq!(
        deleted.json(),
        json!({"pending": 3, "backlog": 4, "waiting_in_order": 2, "ended": 9})
    );
    assert_eq!(world.lanes.notes().removed, [id_in(&path)]);
    delete("?confirm=9").await.problem(404, "not_found");
}

#[tokio::test]
async fn a_start_applies_what_is_stored_and_finishes_what_a_crash_left() {
    let world = World::new().await;
    let kept = world
        .sync(json!({"name": "hook", "url": "https://example.com", "enabled": true}))
        .await;
    let dropped = world.sync(json!({"name": "gone"})).await;
    // As a crash leaves it: deleted in the store, its lane still there; and lanes know nothing.
    let project = dropped.split('/').nth(2).unwrap().parse().unwrap();
    world
        .store
        .delete_sync(project, id_in(&dropped), None, &Caller::system())
        .await
        .unwrap();
    world.lanes.notes().applied.clear();

    world.portal.start().await.unwrap();
    let notes = world.lanes.notes();
    assert_eq!(notes.removed, [id_in(&dropped)]);
    assert_eq!(notes.applied.keys().collect::<Vec<_>>(), [&id_in(&kept)]);
    assert!(notes.applied[&id_in(&kept)].enabled);
}

/// What is made durable for each is made so for many in one go.
#[tokio::test]
async fn a_start_tells_some_lanes_at_once() {
    let world = World::new().await;
    for number in 0..40 {
        world.sync(json!({"name": format!("hook {number}")})).await;
    }
    world.lanes.notes().applied.clear();
    assert_eq!(world.lanes.notes().most_applying, 1);
    world.portal.start().await.unwrap();
    let notes = world.lanes.notes();
    assert_eq!(notes.applied.len(), 40);
    assert!(
        (2..=32).contains(&notes.most_applying),
        "{}",
        notes.most_applying
    );
}

#[tokio::test]
async fn a_lane_that_could_not_be_removed_is_removed_at_the_next_start() {
    let world = World::new().await;
    let path = world.sync(json!({"name": "hook"})).await;
    let project = path.split("/syncs").next().unwrap();
    world.lanes.notes().broken = true;
    let forced = world
        .call("DELETE", &format!("{project}?force=true"))
        .send()
        .await;
    assert_eq!(forced.status, StatusCode::NO_CONTENT);
    assert!(world.lanes.notes().removed.is_empty());
    world.lanes.notes().broken = false;
    world.portal.start().await.unwrap();
    assert_eq!(world.lanes.notes().removed, [id_in(&path)]);
}

#[tokio::test]
async fn of_changes_at_once_the_lane_ends_with_what_is_stored() {
    let world = World::new().await;
    let path = world
        .sync(json!({"name": "hook", "url": "https://example.com", "enabled": true}))
        .await;
    let changes = (0..16).map(|number| {
        let call = world.call("PATCH", &path).header("if-match", "*");
        call.json(json!({"name": format!("n{number}")})).send()
    });
    let answers = futures_util::future::join_all(changes).await;
    assert!(answers.iter().any(|answer| answer.status == StatusCode::OK));
    for answer in &answers {
        assert!(
            matches!(answer.status.as_u16(), 200 | 412),
            "{}",
            answer.text
        );
    }
    let stored = world.get(&path).await.json()["name"].clone();
    assert_eq!(
        world.lanes.notes().applied[&id_in(&path)].name,
        stored.as_str().unwrap()
    );
}
