use axum::http::StatusCode;
use serde_json::json;

use super::World;
use super::world::id_in;

#[tokio::test]
async fn a_sync_comes_back_as_it_was_sent() {
    let world = World::new().await;
    let sent = json!({
        "name": "hook", "url": "https://example.com/hook?a=b",
        "headers": [{"name": "X-Shop", "value": "north", "secret": false}],
        "events": {"send": true, "template": "{}", "select": {"types": [{
            "event_type": "buy",
            "condition": {"all": [{"test": {
                "property": {"scope": "event", "name": "price"},
                "operator": "greater", "values": [10],
            }}]},
        }]}},
        "users": {"send": true, "on": "changes",
            "properties": {"list": [{"scope": "user", "name": "mail"}], "choice": "only"}},
        "properties": [{"scope": "user", "name": "plan"}],
        "property_choice": "all_but", "withhold_properties": true,
        "mappings": {"email": {"scope": "user", "name": "mail"}},
        "parameters": {"region": {"value": "eu", "secret": false}},
        "user_agent": "original", "typed_properties": true, "concurrency": 4,
        "requests_per_minute": 600, "order": "per_user", "wait_for_properties_seconds": 3600,
    });
    let path = world.sync(sent.clone()).await;
    let shown = world.get(&path).await;
    assert_eq!(shown.header("etag"), "\"v1\"");
    let shown = shown.json();
    for (field, value) in sent.as_object().unwrap() {
        assert_eq!(shown[field], *value, "{field}");
    }
    assert_eq!(
        (&shown["enabled"], &shown["version"]),
        (&json!(false), &json!(1))
    );
    assert_eq!(shown["definition"]["name"], "Webhook");
    let created = shown["created_at"].as_str().unwrap();
    assert!(created.contains('T') && created.ends_with('Z'), "{created}");
    let syncs = path.rsplit_once('/').unwrap().0;
    assert_eq!(world.get(syncs).await.json()["items"], json!([shown]));
}

#[tokio::test]
async fn a_change_leaves_what_it_does_not_name_and_null_resets() {
    let world = World::new().await;
    let body = json!({"name": "hook", "url": "https://example.com", "concurrency": 4,
        "requests_per_minute": 600, "typed_properties": true, "users": {"send": true}});
    let path = world.sync(body).await;
    let change = |body| {
        world
            .call("PATCH", &path)
            .header("if-match", "*")
            .json(body)
            .send()
    };
    let changed =
        change(json!({"concurrency": null, "requests_per_minute": null, "name": "renamed"})).await;
    assert_eq!(changed.header("etag"), "\"v2\"");
    let changed = changed.json();
    assert_eq!(changed["concurrency"], json!(null));
    assert_eq!(changed["requests_per_minute"], json!(null));
    assert_eq!(changed["typed_properties"], json!(true));
    assert_eq!(
        (&changed["name"], &changed["url"]),
        (&json!("renamed"), &json!("https://example.com"))
    );
    assert_eq!(changed["users"]["send"], json!(true));
}

#[tokio::test]
async fn a_lost_update_is_refused() {
    let world = World::new().await;
    let path = world.sync(json!({"name": "hook"})).await;
    let change = |tag: &str, name: &str| {
        let call = world.call("PATCH", &path).header("if-match", tag);
        call.json(json!({"name": name})).send()
    };
    let tag = world.get(&path).await.header("etag").to_owned();
    assert_eq!(change(&tag, "mine").await.status, StatusCode::OK);
    let late = change(&tag, "yours").await;
    let detail = late.problem(412, "precondition_failed")["detail"].to_string();
    assert!(detail.contains("version 2"), "{detail}");
    change("\"v99\"", "yours")
        .await
        .problem(412, "precondition_failed");
    change("nonsense", "yours")
        .await
        .problem(412, "precondition_failed");
    let without = world
        .call("PATCH", &path)
        .json(json!({"name": "yours"}))
        .send()
        .await;
    without.problem(428, "precondition_required");
    assert_eq!(world.get(&path).await.json()["name"], "mine");

    let stale = world
        .call("POST", &format!("{path}/enable"))
        .header("if-match", &tag);
    stale.send().await.problem(412, "precondition_failed");
}

#[tokio::test]
async fn status_shows_what_the_lane_knows() {
    let world = World::new().await;
    let path = world
        .sync(json!({"name": "hook", "url": "https://example.com", "enabled": true}))
        .await;
    {
        let mut notes = world.lanes.notes();
        notes.stats.cursor = model::Offset(10);
        notes.stats.head = model::Offset(25);
        notes.stats.pending = 2;
        notes.stats.next_due = Some(model::Timestamp(1_646_078_821_795_000));
        notes.stats.total.delivered_first = 7;
    }
    let status = world.get(&format!("{path}/status")).await.json();
    assert_eq!(status["health"], "healthy");
    assert_eq!(
        (&status["backlog"], &status["pending"]),
        (&json!(15), &json!(2))
    );
    assert_eq!(status["next_retry_at"], "2022-02-28T20:07:01.795Z");
    assert_eq!(status["counts"]["delivered_first"], 7);
    assert_eq!(status["in_flight"], 3);
}

#[tokio::test]
async fn a_sync_that_was_never_enabled_is_told_from_one_that_is_paused() {
    let world = World::new().await;
    let path = world
        .sync(json!({"name": "hook", "url": "https://example.com"}))
        .await;
    let status = async || world.get(&format!("{path}/status")).await.json();
    let draft = status().await;
    assert_eq!(
        (&draft["never_enabled"], &draft["enabled"]),
        (&json!(true), &json!(false))
    );
    for (step, enabled) in [("enable", true), ("disable", false)] {
        world
            .post(&format!("{path}/{step}"), json!({}))
            .await
            .is(200);
        let now = status().await;
        assert_eq!(
            (&now["never_enabled"], &now["enabled"]),
            (&json!(false), &json!(enabled))
        );
    }
}

#[tokio::test]
async fn a_failing_journal_is_a_503_that_says_nothing_of_its_insides() {
    let world = World::new().await;
    let path = world.sync(json!({"name": "hook"})).await;
    world.lanes.notes().broken = true;
    let answer = world.get(&format!("{path}/status")).await;
    answer.problem(503, "unavailable");
    assert!(!answer.text.contains("fire"));
    assert_eq!(answer.header("retry-after"), "5");
}

#[tokio::test]
async fn pending_retries_and_ended_deliveries_are_paged() {
    use journal::{Ended, EndedRow, EndedWhy, LaneOf, Retry};
    use model::outcome::{Category, Discarded, Failure};
    use model::{DeliveryId, Offset, Part, Timestamp};
    let world = World::new().await;
    let path = world.sync(json!({"name": "hook"})).await;
    let failure = Failure {
        category: Category::ServerError,
        status: Some(503),
        message: "503 Service Unavailable".into(),
        response: "try later".into(),
    };
    {
        let mut notes = world.lanes.notes();
        for number in 0..3 {
            notes.retries.push(Retry {
                offset: Offset(number),
                part: Part::Event,
                attempts: 1,
                due_at: Timestamp(1000),
                failure: failure.clone(),
                given: None,
            });
            let why = match number {
                0 => EndedWhy::Expired(failure.clone()),
                _ => EndedWhy::Discarded(Discarded::MissingMapping {
                    field: "email".into(),
                    waited_seconds: None,
                    no_room: None,
                }),
            };
            let (offset, part, at) = (Offset(number), Part::User, Timestamp(1000));
            let ended = Ended {
                offset,
                part,
                at,
                attempts: 10,
                why,
            };
            let of = LaneOf {
                lane: id_in(&path),
                log: path.split('/').nth(2).unwrap().parse().unwrap(),
            };
            notes.ended.push(EndedRow {
                sequence: number + 1,
                of,
                ended,
            });
        }
    }
    let first = world.get(&format!("{path}/retries?limit=2")).await.json();
    let next = first["next"].as_str().unwrap();
    let second = world
        .get(&format!("{path}/retries?limit=2&cursor={next}"))
        .await
        .json();
    let offsets = |page: &serde_json::Value| -> Vec<u64> {
        let items = page["items"].as_array().unwrap().iter();
        items.map(|item| item["offset"].as_u64().unwrap()).collect()
    };
    assert_eq!((offsets(&first), offsets(&second)), (vec![0, 1], vec![2]));
    assert_eq!(second["next"], json!(null));
    assert_eq!(first["items"][0]["failure"]["category"], "server_error");
    let project = path.split('/').nth(2).unwrap().parse().unwrap();
    let delivery = DeliveryId::of(project, Offset(0), id_in(&path), Part::Event);
    assert_eq!(first["items"][0]["delivery_id"], delivery.to_string());

    let first = world.get(&format!("{path}/ended?limit=2")).await.json();
    let next = first["next"].as_str().unwrap();
    let second = world
        .get(&format!("{path}/ended?limit=2&cursor={next}"))
        .await
        .json();
    assert_eq!((offsets(&first), offsets(&second)), (vec![2, 1], vec![0]));
    assert_eq!(first["items"][0]["outcome"], "discarded");
    assert_eq!(first["items"][0]["reason"], "missing_mapping");
    assert_eq!(second["items"][0]["failure"]["status"], 503);
    for list in ["retries", "ended"] {
        world
            .get(&format!("{path}/{list}?cursor=1.2"))
            .await
            .problem(400, "malformed_query");
    }
}
