//! Requests that are repeated, and changes that were made from what is no longer there.

use std::time::Duration;

use model::access::InstallationRights;
use model::access::Role;
use serde_json::{Value, json};

use super::World;
use super::call::Answer;

async fn once(world: &World, path: &str, key: &str, body: Value) -> Answer {
    let call = world.call("POST", path).header("idempotency-key", key);
    call.json(body).send().await
}

#[tokio::test]
async fn a_repeated_creation_makes_one_thing_and_answers_the_same_secret_included() {
    let world = World::new().await;
    let project = world.project().await;
    for (path, body, list) in [
        (
            world.projects(),
            json!({"name": "shop"}),
            Some(world.projects()),
        ),
        (
            world.of_organisation("/tokens"),
            json!({"name": "ci"}),
            Some(world.of_organisation("/tokens")),
        ),
        (
            format!("/projects/{project}/syncs"),
            json!({"name": "hook"}),
            Some(format!("/projects/{project}/syncs")),
        ),
        (
            "/installation/organisations".to_owned(),
            json!({"name": "Another"}),
            Some("/installation/organisations".to_owned()),
        ),
        (
            format!("/projects/{project}/api-key/rotate"),
            json!({"overlap_seconds": 60}),
            None,
        ),
        (
            format!("/projects/{project}/secret-key/rotate"),
            json!({"overlap_seconds": 60}),
            None,
        ),
    ] {
        let count = async || match &list {
            Some(list) => world.get(list).await.json()["items"]
                .as_array()
                .unwrap()
                .len(),
            None => 0,
        };
        let before = count().await;
        let first = once(&world, &path, "key-1", body.clone()).await;
        assert!(first.status.is_success(), "{path}: {}", first.text);
        let again = once(&world, &path, "key-1", body.clone()).await;
        assert_eq!(
            (again.status, again.text),
            (first.status, first.text),
            "{path}"
        );
        assert_eq!(again.headers.get("location"), first.headers.get("location"));
        assert_eq!(
            count().await,
            before + usize::from(list.is_some()),
            "{path}"
        );

        let (name, value) = match body.get("name") {
            Some(_) => ("name", json!("other")),
            None => ("overlap_seconds", json!(61)),
        };
        let mut other = body.clone();
        other[name] = value;
        let reused = once(&world, &path, "key-1", other.clone()).await;
        reused.problem(422, "idempotency_key_reused");
        let renewed = once(&world, &path, "key-2", other).await;
        assert!(renewed.status.is_success(), "{path}: {}", renewed.text);
    }
}

#[tokio::test]
async fn a_key_is_the_callers_own_and_is_forgotten_after_a_day() {
    let world = World::new().await;
    let admin = world.person(Role::Admin).await;
    let body = json!({"name": "ci"});
    let path = world.of_organisation("/tokens");
    let first = once(&world, &path, "key", body.clone()).await.is(201);
    let others = world.anonymous("POST", &path).token(Some(&admin.token));
    let others = others.header("idempotency-key", "key").json(body.clone());
    let others = others.send().await.is(201);
    assert_ne!(others.at("/text"), first.at("/text"));
    world.clock.advance(Duration::from_secs(24 * 3600));
    world
        .store
        .clear_expired(Duration::from_secs(1 << 30))
        .await
        .unwrap();
    let again = once(&world, &path, "key", body).await.is(201);
    assert_ne!(again.at("/text"), first.at("/text"));
}

#[tokio::test]
async fn keys_that_can_not_be_are_refused() {
    let world = World::new().await;
    let long = "x".repeat(256);
    for key in ["", long.as_str()] {
        let answer = once(&world, &world.projects(), key, json!({"name": "shop"})).await;
        answer.problem(400, "malformed_header");
    }
    let longest = "x".repeat(255);
    once(&world, &world.projects(), &longest, json!({"name": "shop"}))
        .await
        .is(201);
}

#[tokio::test]
async fn lost_updates_of_organisations_and_projects_are_refused() {
    let world = World::new().await;
    let project = format!("/projects/{}", world.project().await);
    for path in [world.of_organisation(""), project] {
        let change = |tag: Option<&str>, name: &str| {
            let call = world.call("PATCH", &path);
            let call = match tag {
                Some(tag) => call.header("if-match", tag),
                None => call,
            };
            call.json(json!({"name": name})).send()
        };
        let tag = world.get(&path).await.header("etag").to_owned();
        change(None, "x")
            .await
            .problem(428, "precondition_required");
        let mine = change(Some(&tag), "mine").await.is(200);
        assert_ne!(mine.header("etag"), tag);
        for stale in [
            tag.as_str(),
            "\"v0\"",
            "v2",
            "W/\"v2\"",
            "\"v18446744073709551615\"",
            "",
        ] {
            let lost = change(Some(stale), "yours").await;
            lost.problem(412, "precondition_failed");
        }
        let read = world.get(&path).await;
        assert_eq!(
            (read.at("/name"), read.header("etag")),
            ("mine".into(), mine.header("etag"))
        );
        change(Some("*"), "whatever").await.is(200);
    }
}

#[tokio::test]
async fn an_operator_owns_the_organisation_that_they_make() {
    let world = World::new().await;
    let operator = InstallationRights {
        operator: true,
        reviewer: false,
    };
    let operator = world.person_with(operator).await;
    let as_operator = |method: &str, path: &str| {
        let call = world.anonymous(method, path);
        call.cookie(&operator.cookie)
    };
    let made = as_operator("POST", "/installation/organisations");
    let made = made.json(json!({"name": "Subsidiary"})).send().await;
    let id = made.is(201).at("/id");
    let path = format!("/organisations/{id}/members");
    let members = as_operator("GET", &path).send().await.is(200);
    assert_eq!(members.at("/items/0/email"), operator.email.as_str());
    assert_eq!(members.at("/items/0/role"), "owner");
}
