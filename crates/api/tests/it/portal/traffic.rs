//! What a change of a sync would mean for real events.

use serde_json::{Value, json};

use super::World;
use super::events::event;

const BODY: &str = r#"{"type": "${input.event_type}", "price": ${input.event_properties.price!0}}"#;

/// A webhook for `bought` and `seen`, and three events of each of three types, one of them broken.
async fn stage() -> (World, String) {
    let world = World::new().await;
    let types = json!([{"event_type": "bought"}, {"event_type": "seen"}]);
    let sync = json!({
        "name": "Hook", "url": "https://example.com/hook",
        "headers": [{"name": "authorization", "value": "hunter2"}],
        "events": {"send": true, "select": {"types": types}, "template": BODY},
    });
    let sync = world.sync(sync).await;
    let project = sync.split('/').nth(2).unwrap().to_owned();
    let events = (0..9).map(|number| {
        let event_type = ["bought", "seen", "clicked"][number % 3];
        let text =
            format!(r#"{{"event_type":"{event_type}","event_properties":{{"price":{number}}}}}"#);
        event(&project, number as u64, text)
    });
    world.lanes.notes().events = events.collect();
    (world, sync)
}

async fn difference(world: &World, sync: &str, body: Value) -> Value {
    let path = format!("{sync}/difference");
    world.post(&path, body).await.is(200).json()
}

#[tokio::test]
async fn events_that_match_no_more_or_newly_are_counted_and_shown() {
    let (world, sync) = stage().await;
    let types = json!([{"event_type": "bought"}, {"event_type": "clicked"}]);
    let select = json!({"send": true, "select": {"types": types}, "template": BODY});
    let found = difference(&world, &sync, json!({"changes": {"events": select}})).await;
    assert_eq!(
        (&found["events"], &found["first_matched"]),
        (&json!(9), &json!(8))
    );
    let counts = [
        "newly_matched",
        "no_longer_matched",
        "changed",
        "newly_invalid",
    ];
    let counts = counts.map(|name| found[name]["count"].as_u64().unwrap());
    assert_eq!((counts, &found["unchanged"]), ([3, 3, 0, 0], &json!(3)));
    let sample = &found["newly_matched"]["samples"][0];
    assert_eq!(
        (&sample["offset"], &sample["part"]),
        (&json!(8), &json!("event"))
    );
    let request = &sample["found"];
    assert_eq!(request["url"], "https://example.com/hook");
    assert_eq!(request["body"], r#"{"type": "clicked", "price": 8}"#);
    let gone = &found["no_longer_matched"]["samples"][0];
    assert_eq!(
        (&gone["offset"], &gone["found"]["reason"]),
        (&json!(7), &json!("event_type"))
    );
    // Nothing was changed.
    let stored = world.get(&sync).await.json();
    assert_eq!(stored["version"], 1);
    let last = json!({"changes": {"events": select}, "events": 2});
    let found = difference(&world, &sync, last).await;
    assert_eq!(
        (&found["events"], &found["newly_matched"]["count"]),
        (&json!(2), &json!(1))
    );
}

#[tokio::test]
async fn requests_that_change_are_shown_value_by_value() {
    let (world, sync) = stage().await;
    let template = BODY.replace("!0}", "!0}, \"new\": true");
    let stored = world.get(&sync).await.json();
    let mut events = stored["events"].clone();
    events["template"] = json!(template);
    let changes = json!({"events": events, "url": "https://example.com/other"});
    let found = difference(&world, &sync, json!({"changes": changes})).await;
    assert_eq!(
        (&found["changed"]["count"], &found["unchanged"]),
        (&json!(6), &json!(0))
    );
    let change = &found["changed"]["samples"][0]["found"];
    assert_eq!(change["url"]["after"], "https://example.com/other");
    let body = json!([{"pointer": "/new", "before": null, "after": "true"}]);
    assert_eq!(change["body"], body);
    assert_eq!(change["headers"], json!([]));
}

#[tokio::test]
async fn what_becomes_invalid_is_shown_with_its_place() {
    let (world, sync) = stage().await;
    let mut events = world.get(&sync).await.json()["events"].clone();
    events["template"] = json!("{\n\"price\": ${input.event_properties.weight}}");
    let found = difference(&world, &sync, json!({"changes": {"events": events}})).await;
    assert_eq!(found["newly_invalid"]["count"], 6);
    let why = &found["newly_invalid"]["samples"][0]["found"];
    assert_eq!(
        (&why["reason"], &why["line"]),
        (&json!("template"), &json!(2)),
        "{why}"
    );
    assert_eq!(
        found["newly_invalid"]["samples"].as_array().unwrap().len(),
        6
    );
}

#[tokio::test]
async fn placeholders_stand_for_secrets() {
    let (world, sync) = stage().await;
    // Even where they would go elsewhere.
    let elsewhere = json!({"changes": {"url": "https://evil.example"}});
    let path = format!("{sync}/difference");
    let found = world.post(&path, elsewhere).await.is(200);
    assert!(!found.text.contains("hunter2"), "{}", found.text);
    assert_eq!(
        found.json()["changed"]["samples"][0]["found"]["headers"],
        json!([])
    );
    // Entering the same secret again looks like entering another one.
    for value in ["hunter2", "another"] {
        let headers = json!([{"name": "authorization", "value": value}]);
        let found = difference(&world, &sync, json!({"changes": {"headers": headers}})).await;
        let header = &found["changed"]["samples"][0]["found"]["headers"][0];
        let expected = json!({
            "name": "authorization", "before": "SECRET-authorization",
            "after": "NEW-SECRET-authorization",
        });
        assert_eq!(*header, expected);
    }
}

#[tokio::test]
async fn what_could_not_be_rendered_is_refused() {
    let (world, sync) = stage().await;
    let path = format!("{sync}/difference");
    let mut events = world.get(&sync).await.json()["events"].clone();
    events["template"] = json!("${nonsense}");
    let refused = world
        .post(&path, json!({"changes": {"events": events}}))
        .await;
    refused.problem(422, "sync_not_ready");
    assert_eq!(refused.pointers(), ["/events/template"]);
    let many = world
        .post(&path, json!({"changes": {}, "events": 10_001}))
        .await;
    many.problem(422, "invalid_fields");
}

#[tokio::test]
async fn what_is_missing_is_named_and_has_a_stand_in() {
    let (world, _) = stage().await;
    let sync = world.sync(json!({"name": "Empty"})).await;
    let project = sync.split('/').nth(2).unwrap().to_owned();
    let text = r#"{"event_type":"seen"}"#;
    world.lanes.notes().events = vec![event(&project, 3, text.to_owned())];
    let types = json!([{"event_type": "seen"}]);
    let events = json!({"send": true, "select": {"types": types}});
    let found = difference(&world, &sync, json!({"changes": {"events": events}})).await;
    // What the change alone means is told: the sync took the event before, too.
    assert_eq!(found["newly_matched"]["count"], 0, "{found}");
    assert_eq!(found["unchanged"], 1, "{found}");
    assert_eq!(found["missing"].as_array().unwrap().len(), 1, "{found}");
    assert_eq!(found["missing"][0]["pointer"], "/url", "{found}");
    let others = json!({"send": true, "select": {"types": [{"event_type": "bought"}]}});
    let found = difference(&world, &sync, json!({"changes": {"events": others}})).await;
    assert_eq!(found["no_longer_matched"]["count"], 1, "{found}");
    let template = json!({"send": true, "select": {"all": {}}, "template": "{\"a\": 1}"});
    let found = difference(&world, &sync, json!({"changes": {"events": template}})).await;
    assert_eq!(found["changed"]["count"], 1, "{found}");
    let found = difference(&world, &sync, json!({"changes": {}})).await;
    assert_eq!(
        (&found["unchanged"], &found["newly_matched"]["count"]),
        (&json!(1), &json!(0))
    );
    let changes = json!({"url": "https://example.com"});
    let found = difference(&world, &sync, json!({"changes": changes})).await;
    assert_eq!(found["missing"], json!([]));
    // Where more than that is wrong, all of it is said.
    let events = json!({"send": true, "template": "${nonsense}"});
    let path = format!("{sync}/difference");
    let refused = world.post(&path, json!({"changes": {"events": events}}));
    let refused = refused.await;
    refused.problem(422, "sync_not_ready");
    let mut pointers = refused.pointers();
    pointers.sort_unstable();
    assert_eq!(pointers, ["/events/template", "/url"]);
}

#[tokio::test]
async fn of_a_sync_that_could_not_deliver_everything_is_new() {
    let (world, _) = stage().await;
    let sync = world.sync(json!({"name": "Empty"})).await;
    let project = sync.split('/').nth(2).unwrap().to_owned();
    let text = r#"{"event_type":"seen"}"#;
    world.lanes.notes().events = vec![event(&project, 3, text.to_owned())];
    let changes = json!({"url": "https://example.com"});
    let found = difference(&world, &sync, json!({"changes": changes})).await;
    assert_eq!(found["newly_matched"]["count"], 1);
    assert_eq!(found["newly_matched"]["samples"][0]["found"]["body"], text);
}
