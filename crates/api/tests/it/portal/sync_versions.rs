//! What a sync was: seen, restored; and copies of it.

use serde_json::{Value, json};

use super::World;
use super::call::Answer;
use super::events::event;

const SECRET: &str = "hunter2";

fn hook() -> Value {
    json!({
        "name": "Hook", "notes": "for the shop", "url": "https://example.com/hook",
        "headers": [{"name": "authorization", "value": SECRET}],
    })
}

async fn restore(world: &World, sync: &str, version: u64) -> Answer {
    let path = format!("{sync}/versions/{version}/restore");
    world
        .call("POST", &path)
        .header("if-match", "*")
        .send()
        .await
}

/// What the stored sync sends as `authorization`.
async fn stored_secret(world: &World, sync: &str) -> String {
    let stored = world.store.sync_by_id(super::world::id_in(sync)).await;
    let stored = stored.unwrap().unwrap();
    let mut headers = stored.sync.settings.headers.iter();
    let header = headers.find(|header| header.name == "authorization");
    header.map_or(String::new(), |header| header.value.clone())
}

#[tokio::test]
async fn each_change_is_listed_with_its_author_and_what_it_changed() {
    let world = World::new().await;
    let sync = world.sync(hook()).await;
    world
        .change(&sync, json!({"url": "https://example.com/other"}))
        .await
        .is(200);
    world
        .call("POST", &format!("{sync}/enable"))
        .send()
        .await
        .is(200);
    world
        .change(
            &sync,
            json!({"notes": "new", "events": {"send": true, "select": {"types": []}}}),
        )
        .await
        .is(200);
    let versions = world.get(&format!("{sync}/versions")).await.is(200).json();
    let changed: Vec<_> = versions["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|version| (version["version"].clone(), version["changed"].clone()))
        .collect();
    let expected = [
        (json!(4), json!(["/notes", "/events/select"])),
        (json!(3), json!(["/enabled"])),
        (json!(2), json!(["/url"])),
        (json!(1), json!([])),
    ];
    assert_eq!(changed, expected);
    // A token can't pose as a person, whatever its name.
    assert_eq!(versions["items"][0]["by"], "token \"test\"");
    assert_eq!(versions["items"][0]["at"], "2026-01-01T00:00:00.000Z");
    let page = world.get(&format!("{sync}/versions?limit=3")).await.json();
    let rest = format!("{sync}/versions?cursor={}", page["next"].as_str().unwrap());
    let rest = world.get(&rest).await.json();
    assert_eq!(
        (&rest["items"][0]["version"], &rest["next"]),
        (&json!(1), &Value::Null)
    );
}

#[tokio::test]
async fn a_former_version_is_shown_without_what_is_secret_then_or_now() {
    let world = World::new().await;
    let mut open = hook();
    let shown = json!({"name": "x-shop", "value": "north", "secret": false});
    open["headers"].as_array_mut().unwrap().push(shown);
    let sync = world.sync(open).await;
    let hidden = json!([
        {"name": "authorization"}, {"name": "X-Shop", "value": "north", "secret": true},
    ]);
    world
        .change(&sync, json!({"headers": hidden, "name": "Renamed"}))
        .await
        .is(200);
    let former = world.get(&format!("{sync}/versions/1")).await.is(200);
    assert!(
        !former.text.contains(SECRET) && !former.text.contains("north"),
        "{}",
        former.text
    );
    let former = former.json();
    assert_eq!(
        (&former["name"], &former["version"]),
        (&json!("Hook"), &json!(1))
    );
    assert_eq!(former["notes"], "for the shop");
    world
        .get(&format!("{sync}/versions/9"))
        .await
        .problem(404, "not_found");

    restore(&world, &sync, 1).await.is(200);
    let restored = world.get(&sync).await;
    assert!(!restored.text.contains("north"), "{}", restored.text);
}

#[tokio::test]
async fn a_sync_goes_back_with_the_secrets_of_that_time() {
    let world = World::new().await;
    let sync = world.sync(hook()).await;
    let elsewhere = json!({
        "url": "https://elsewhere.example", "notes": "",
        "headers": [{"name": "authorization", "value": "another"}],
    });
    world.change(&sync, elsewhere).await.is(200);
    world
        .call("POST", &format!("{sync}/enable"))
        .send()
        .await
        .is(200);

    // What it would mean is shown first, with placeholders for the secrets: the two are not the same.
    let project = sync.split('/').nth(2).unwrap();
    let seen = event(project, 0, r#"{"event_type":"Seen"}"#.to_owned());
    world.lanes.notes().events = vec![seen];
    let shown = world
        .get(&format!("{sync}/versions/1/restore"))
        .await
        .is(200);
    assert!(
        !shown.text.contains(SECRET) && !shown.text.contains("another"),
        "{}",
        shown.text
    );
    let shown = shown.json();
    assert_eq!((&shown["from"], &shown["to"]), (&json!(1), &json!(1)));
    assert_eq!(shown["missing"], json!([]));
    let changed = &shown["traffic"]["changed"];
    assert_eq!(changed["count"], 1, "{shown}");
    let found = &changed["samples"][0]["found"];
    assert_eq!(found["url"]["after"], "https://example.com/hook");
    assert_eq!(found["headers"][0]["name"], "authorization");
    assert_ne!(found["headers"][0]["before"], found["headers"][0]["after"]);
    world
        .get(&format!("{sync}/versions/9/restore"))
        .await
        .problem(404, "not_found");
    world
        .get(&format!("{sync}/versions/1/restore?events=10001"))
        .await
        .problem(400, "malformed_query");

    let call = world.call("POST", &format!("{sync}/versions/1/restore"));
    let late = call.header("if-match", "\"v2\"").send().await;
    late.problem(412, "precondition_failed");
    let restored = restore(&world, &sync, 1).await.is(200);
    assert_eq!(restored.header("etag"), "\"v4\"");
    let restored = restored.json();
    assert_eq!(restored["url"], "https://example.com/hook");
    assert_eq!(
        (&restored["notes"], &restored["enabled"]),
        (&json!("for the shop"), &json!(true))
    );
    assert_eq!(stored_secret(&world, &sync).await, SECRET);
    let applied = world.lanes.notes().applied[&super::world::id_in(&sync)].clone();
    assert_eq!(
        applied.settings.parameters["url"],
        "https://example.com/hook"
    );
    assert!(applied.enabled);

    // The secret of that time goes where it went at that time, and no way leads elsewhere.
    let moved = world
        .change(&sync, json!({"url": "https://elsewhere.example"}))
        .await;
    moved.problem(422, "secrets_needed");
    restore(&world, &sync, 3).await.is(200);
    assert_eq!(stored_secret(&world, &sync).await, "another");
}

#[tokio::test]
async fn an_enabled_sync_is_not_restored_to_what_could_not_deliver() {
    let world = World::new().await;
    let sync = world.sync(json!({"name": "Empty"})).await;
    world
        .change(
            &sync,
            json!({"url": "https://example.com", "enabled": true}),
        )
        .await
        .is(200);
    let refused = restore(&world, &sync, 1).await;
    refused.problem(422, "sync_not_ready");
    assert_eq!(refused.pointers(), ["/url"]);
    assert_eq!(world.get(&sync).await.json()["version"], 2);
    world
        .call("POST", &format!("{sync}/disable"))
        .send()
        .await
        .is(200);
    restore(&world, &sync, 1).await.is(200);
}

#[tokio::test]
async fn a_copy_has_the_same_secrets_and_a_life_of_its_own() {
    let world = World::new().await;
    let sync = world.sync(hook()).await;
    world.change(&sync, json!({"enabled": true})).await.is(200);
    let path = format!("{sync}/duplicate");
    let made = world.post(&path, json!({})).await.is(201);
    let copy = made.json();
    assert_eq!(
        (&copy["name"], &copy["enabled"]),
        (&json!("Copy of Hook"), &json!(false))
    );
    assert_eq!(
        (&copy["notes"], &copy["version"]),
        (&json!("for the shop"), &json!(1))
    );
    assert!(!made.text.contains(SECRET));
    let location = made
        .header("location")
        .strip_prefix("/api/v1")
        .unwrap()
        .to_owned();
    assert_ne!(location, sync);
    assert_eq!(stored_secret(&world, &location).await, SECRET);
    let versions = world.get(&format!("{location}/versions")).await.json();
    assert_eq!(versions["items"].as_array().unwrap().len(), 1);
    let moved = world
        .change(&location, json!({"url": "https://evil.example"}))
        .await;
    moved.problem(422, "secrets_needed");

    let call = || world.call("POST", &path).header("idempotency-key", "one");
    let first = call().json(json!({"name": "Once"})).send().await.is(201);
    let again = call().json(json!({"name": "Once"})).send().await.is(201);
    assert_eq!(first.at("/id"), again.at("/id"));
    let refused = world.post(&path, json!({"name": ""})).await;
    refused.problem(422, "invalid_fields");
}
