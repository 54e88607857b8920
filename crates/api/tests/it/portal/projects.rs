use std::time::Duration;

use axum::http::StatusCode;
use serde_json::json;
use store::Secret;

use super::World;
use super::world::id_in;

#[tokio::test]
async fn a_project_shows_its_keys_when_made_and_its_secret_key_only_then() {
    let world = World::new().await;
    let made = world
        .post(&world.projects(), json!({"name": " shop "}))
        .await;
    assert_eq!(made.status, StatusCode::CREATED);
    let made = made.json();
    let (project, secret_key) = (&made["project"], made["secret_key"].as_str().unwrap());
    assert_eq!(project["name"], "shop");
    assert_eq!(project["throttle"], json!({"http": 30, "batch": 1000}));
    assert_eq!(project["api_key"].as_str().unwrap().len(), 32);

    let path = format!("/projects/{}", project["id"].as_str().unwrap());
    let shown = world.get(&path).await;
    let mut expected = project.clone();
    expected["former_keys"] = json!([]);
    assert_eq!(shown.json(), expected);
    let listed = world.get(&world.projects()).await;
    assert_eq!(listed.json(), json!({"items": [project], "next": null}));
    for answer in [shown, listed] {
        assert!(!answer.text.contains(secret_key));
    }
}

#[tokio::test]
async fn ingest_knows_a_project_from_its_making_to_its_end() {
    let world = World::new().await;
    let made = world.post(&world.projects(), json!({"name": "shop"})).await;
    let made = made.json();
    let key = made["project"]["api_key"].as_str().unwrap();
    let path = format!("/projects/{}", made["project"]["id"].as_str().unwrap());
    assert_eq!(world.ingests(key).await.unwrap().httpapi_eps, 30);

    let body = json!({"throttle": {"http": 5, "batch": 0}});
    let changed = world.change(&path, body).await;
    assert_eq!(changed.json()["name"], "shop");
    let known = world.ingests(key).await.unwrap();
    assert_eq!((known.httpapi_eps, known.batch_eps), (5, 0));

    let gone = world.call("DELETE", &path).send().await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    assert_eq!(world.ingests(key).await, None);
    world.get(&path).await.problem(404, "not_found");
}

#[tokio::test]
async fn a_replaced_api_key_is_taken_until_its_overlap_ends() {
    let world = World::new().await;
    let made = world.post(&world.projects(), json!({"name": "shop"})).await;
    let made = made.json();
    let former = made["project"]["api_key"].as_str().unwrap();
    let path = format!("/projects/{}", made["project"]["id"].as_str().unwrap());
    let rotate = format!("{path}/api-key/rotate");

    let rotated = world.post(&rotate, json!({"overlap_seconds": 3600})).await;
    assert_eq!(rotated.status, StatusCode::OK, "{}", rotated.text);
    let present = rotated.json()["api_key"].as_str().unwrap().to_owned();
    assert_ne!(present, former);
    assert_eq!(world.get(&path).await.json()["api_key"], present);
    assert!(world.ingests(former).await.is_some());
    assert_eq!(world.ingests(&present).await, world.ingests(former).await);
    world.clock.advance(Duration::from_secs(3600));
    assert_eq!(world.ingests(former).await, None);
    assert!(world.ingests(&present).await.is_some());

    // Without an overlap the former one ends at once.
    let rotated = world.post(&rotate, json!({"overlap_seconds": 0})).await;
    assert_eq!(world.ingests(&present).await, None);
    let last = rotated.json()["api_key"].as_str().unwrap().to_owned();
    assert!(world.ingests(&last).await.is_some());
    let too_long = world
        .post(&rotate, json!({"overlap_seconds": 7_776_001}))
        .await;
    too_long.problem(422, "invalid_fields");
    assert_eq!(too_long.pointers(), ["/overlap_seconds"]);
}

#[tokio::test]
async fn a_replaced_secret_key_is_taken_until_its_overlap_ends() {
    let world = World::new().await;
    let made = world.post(&world.projects(), json!({"name": "shop"})).await;
    let made = made.json();
    let api_key = made["project"]["api_key"].as_str().unwrap();
    let former = made["secret_key"].as_str().unwrap().to_owned();
    let path = format!("/projects/{}", made["project"]["id"].as_str().unwrap());
    let counts = async |secret: &str| {
        let secret = Secret::new(secret.to_owned());
        let project = world
            .store
            .verify_secret_key(api_key.parse().unwrap(), &secret);
        project.await.unwrap().is_some()
    };
    assert!(counts(&former).await);

    let rotate = format!("{path}/secret-key/rotate");
    let rotated = world.post(&rotate, json!({"overlap_seconds": 60})).await;
    let present = rotated.json()["secret_key"].as_str().unwrap().to_owned();
    assert_ne!(present, former);
    assert!(counts(&former).await && counts(&present).await);
    world.clock.advance(Duration::from_secs(60));
    assert!(!counts(&former).await && counts(&present).await);
    assert!(!world.get(&path).await.text.contains(&present));
}

#[tokio::test]
async fn a_new_api_key_is_a_new_version() {
    let world = World::new().await;
    let path = format!("/projects/{}", world.project().await);
    let before = world.get(&path).await;
    let body = json!({"overlap_seconds": 60});
    world
        .post(&format!("{path}/api-key/rotate"), body)
        .await
        .is(200);
    let after = world.get(&path).await;
    assert_ne!(before.at("/api_key"), after.at("/api_key"));
    assert_eq!(after.json()["version"], 2);
    assert_ne!(before.header("etag"), after.header("etag"));
}

#[tokio::test]
async fn a_project_with_syncs_is_deleted_only_by_force_and_with_its_lanes() {
    let world = World::new().await;
    let sync = world.sync(json!({"name": "hook"})).await;
    let project = sync.split("/syncs").next().unwrap();
    let refused = world.call("DELETE", project).send().await;
    let detail = refused.problem(409, "project_in_use")["detail"].to_string();
    assert!(
        detail.contains("1 syncs") && detail.contains("force=true"),
        "{detail}"
    );
    assert!(world.lanes.notes().removed.is_empty());

    let forced = world
        .call("DELETE", &format!("{project}?force=true"))
        .send()
        .await;
    assert_eq!(forced.status, StatusCode::NO_CONTENT);
    assert_eq!(world.lanes.notes().removed, [id_in(&sync)]);
    assert!(world.store.deleted_syncs(10).await.unwrap().is_empty());
}

#[tokio::test]
async fn pages_follow_each_other_to_the_end() {
    let world = World::new().await;
    let mut expected = Vec::new();
    for number in 0..5 {
        world
            .post(&world.projects(), json!({"name": format!("p{number}")}))
            .await;
        expected.push(format!("p{number}"));
    }
    let (mut seen, mut path) = (Vec::new(), format!("{}?limit=2", world.projects()));
    loop {
        let page = world.get(&path).await.json();
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 2);
        seen.extend(
            items
                .iter()
                .map(|item| item["name"].as_str().unwrap().to_owned()),
        );
        match page["next"].as_str() {
            Some(next) => path = format!("{}?limit=2&cursor={next}", world.projects()),
            None => break,
        }
    }
    seen.sort();
    assert_eq!(seen, expected);
    for wrong in [
        "limit=0",
        "limit=201",
        "limit=x",
        "cursor=x",
        "page=2",
        "cursor=1.%27%20OR",
    ] {
        world
            .get(&format!("{}?{wrong}", world.projects()))
            .await
            .problem(400, "malformed_query");
    }
}

#[tokio::test]
async fn a_precondition_is_honoured_or_refused_never_ignored() {
    let world = World::new().await;
    let project = format!("/projects/{}", world.project().await);
    let call = async |method: &str, path: &str, tag: &str, body: serde_json::Value| {
        let call = world.call(method, path).header("if-match", tag);
        call.json(body).send().await
    };
    let rotation = json!({"overlap_seconds": 3600});
    for key in ["api-key", "secret-key"] {
        let path = format!("{project}/{key}/rotate");
        let refused = call("POST", &path, "\"v9\"", rotation.clone()).await;
        refused.problem(412, "precondition_failed");
    }
    // Of several tags one has to be the present one.
    let rename = json!({"name": "new name"});
    let listed = "\"v7\", W/\"v1\", \"v1\"";
    call("PATCH", &project, listed, rename.clone())
        .await
        .is(200);
    let weak = call("PATCH", &project, "W/\"v2\"", rename.clone()).await;
    weak.problem(412, "precondition_failed");
    let many = "\"v1\",".repeat(8) + "\"v2\"";
    call("PATCH", &project, &many, rename)
        .await
        .problem(400, "malformed_header");
    let path = format!("{project}/api-key/rotate");
    call("POST", &path, "\"v1\", \"v2\"", rotation)
        .await
        .is(200);
    let stale = call("DELETE", &project, "\"v2\"", json!({})).await;
    stale.problem(412, "precondition_failed");
    call("DELETE", &project, "\"v3\"", json!({})).await.is(204);

    let organisation = world.of_organisation("");
    let stale = call("DELETE", &organisation, "\"v9\"", json!({})).await;
    stale.problem(412, "precondition_failed");
    // What has no version doesn't pretend to compare it.
    let member = world.person(model::access::Role::Viewer).await;
    let token = member.token.split('_').nth(1).unwrap();
    let path = world.of_organisation(&format!("/tokens/{token}"));
    let refused = call("DELETE", &path, "\"v1\"", json!({})).await;
    let detail = refused.problem(400, "malformed_header")["detail"].to_string();
    assert!(detail.contains("no version"), "{detail}");
    let me = world.anonymous("GET", "/me").token(Some(&member.token));
    me.send().await.is(200);
}

#[tokio::test]
async fn a_project_shows_its_former_keys_and_when_they_end() {
    let world = World::new().await;
    let project = format!("/projects/{}", world.project().await);
    let former = world.get(&project).await.is(200);
    assert_eq!(former.json()["former_keys"], json!([]));
    for (key, seconds) in [("api-key", 7200), ("secret-key", 3600)] {
        let body = json!({"overlap_seconds": seconds});
        let path = format!("{project}/{key}/rotate");
        world.post(&path, body).await.is(200);
    }
    let api_key = former.at("/api_key");
    let shown = world.get(&project).await.is(200);
    assert_eq!(
        shown.json()["former_keys"],
        json!([
            {
                "kind": "secret_key",
                "ends_with": null,
                "created_at": "2026-01-01T00:00:00.000Z",
                "until": "2026-01-01T01:00:00.000Z",
            },
            {
                "kind": "api_key",
                "ends_with": format!("…{}", &api_key[28..]),
                "created_at": "2026-01-01T00:00:00.000Z",
                "until": "2026-01-01T02:00:00.000Z",
            },
        ])
    );
    assert!(!shown.text.contains(&api_key));
    let body = json!({"overlap_seconds": 0, "end_former": true});
    let path = format!("{project}/api-key/rotate");
    world.post(&path, body).await.is(200);
    let shown = world.get(&project).await.is(200).json();
    assert_eq!(shown["former_keys"].as_array().unwrap().len(), 1);
}
