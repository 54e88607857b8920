use axum::http::StatusCode;
use serde_json::json;

use super::World;
use super::world::id_in;

#[tokio::test]
async fn a_project_shows_its_keys_when_made_and_its_secret_key_only_then() {
    let world = World::new().await;
    let made = world.post("/projects", json!({"name": " shop "})).await;
    assert_eq!(made.status, StatusCode::CREATED);
    let made = made.json();
    let (project, secret_key) = (&made["project"], made["secret_key"].as_str().unwrap());
    assert_eq!(project["name"], "shop");
    assert_eq!(project["throttle"], json!({"http": 30, "batch": 1000}));
    assert_eq!(project["api_key"].as_str().unwrap().len(), 32);

    let path = format!("/projects/{}", project["id"].as_str().unwrap());
    let shown = world.get(&path).await;
    assert_eq!(shown.json(), *project);
    let listed = world.get("/projects").await;
    assert_eq!(listed.json(), json!({"items": [project], "next": null}));
    for answer in [shown, listed] {
        assert!(!answer.text.contains(secret_key));
    }
}

#[tokio::test]
async fn ingest_knows_a_project_from_its_making_to_its_end() {
    use millstream_api::ingest::Projects;
    let world = World::new().await;
    let index = world.store.project_index();
    let made = world
        .post("/projects", json!({"name": "shop"}))
        .await
        .json();
    let key = made["project"]["api_key"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    let path = format!("/projects/{}", made["project"]["id"].as_str().unwrap());
    assert_eq!(index.by_api_key(&key).unwrap().httpapi_eps, 30);

    let body = json!({"throttle": {"http": 5, "batch": 0}});
    let changed = world.call("PATCH", &path).json(body).send().await;
    assert_eq!(changed.json()["name"], "shop");
    let known = index.by_api_key(&key).unwrap();
    assert_eq!((known.httpapi_eps, known.batch_eps), (5, 0));

    let gone = world.call("DELETE", &path).send().await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    assert!(index.by_api_key(&key).is_none());
    world.get(&path).await.problem(404, "not_found");
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
            .post("/projects", json!({"name": format!("p{number}")}))
            .await;
        expected.push(format!("p{number}"));
    }
    let (mut seen, mut path) = (Vec::new(), "/projects?limit=2".to_owned());
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
            Some(next) => path = format!("/projects?limit=2&cursor={next}"),
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
            .get(&format!("/projects?{wrong}"))
            .await
            .problem(400, "malformed_query");
    }
}
