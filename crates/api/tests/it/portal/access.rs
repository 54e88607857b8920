//! Who is let in: every route, with every kind of caller.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::World;

/// Method, path, a body that would do, and what a caller with a good token gets for the world of
/// [`every_route_demands_a_token_and_the_right_project`].
const ROUTES: &[(&str, &str, Option<&str>, u16)] = &[
    ("get", "/me", None, 200),
    ("get", "/projects", None, 200),
    ("post", "/projects", Some(r#"{"name": "another"}"#), 201),
    ("get", "/projects/{project}", None, 200),
    (
        "patch",
        "/projects/{project}",
        Some(r#"{"name": "renamed"}"#),
        200,
    ),
    ("get", "/projects/{project}/syncs", None, 200),
    (
        "post",
        "/projects/{project}/syncs",
        Some(r#"{"name": "another"}"#),
        201,
    ),
    ("get", "/projects/{project}/syncs/{sync}", None, 200),
    (
        "patch",
        "/projects/{project}/syncs/{sync}",
        Some(r#"{"name": "renamed"}"#),
        200,
    ),
    ("get", "/projects/{project}/syncs/{sync}/status", None, 200),
    ("get", "/projects/{project}/syncs/{sync}/retries", None, 200),
    ("get", "/projects/{project}/syncs/{sync}/ended", None, 200),
    ("post", "/projects/{project}/syncs/{sync}/enable", None, 200),
    (
        "post",
        "/projects/{project}/syncs/{sync}/disable",
        None,
        200,
    ),
    ("delete", "/projects/{project}/syncs/{sync}", None, 200),
    ("delete", "/projects/{project}", None, 409),
];

/// Paths that anyone may read, because nothing of anyone is in them.
const PUBLIC: &[(&str, &str)] = &[("get", "/openapi.json")];

#[tokio::test]
async fn the_table_holds_every_route_of_the_document() {
    let world = World::new().await;
    let document = world.get("/openapi.json").await.json();
    let mut documented = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let path = path.strip_prefix("/api/v1").expect("all is under /api/v1");
        for method in item.as_object().unwrap().keys() {
            documented.insert((method.clone(), path.to_owned()));
        }
    }
    let listed = ROUTES
        .iter()
        .map(|(method, path, ..)| (method.to_string(), path.to_string()));
    assert_eq!(documented, listed.collect());
}

#[tokio::test]
async fn every_route_demands_a_token_and_the_right_project() {
    let world = World::new().await;
    let sync = world
        .sync(json!({"name": "hook", "url": "https://example.com"}))
        .await;
    let own = sync.split('/').nth(2).unwrap().to_owned();
    let sync_id = sync.rsplit('/').next().unwrap().to_owned();
    // The project keeps a sync, so that deleting it is refused: that shows the route works.
    let second = world
        .post(&format!("/projects/{own}/syncs"), json!({"name": "stays"}))
        .await;
    assert_eq!(second.status, StatusCode::CREATED);
    let other = world.project().await;
    let nowhere = model::ProjectId::from_bytes([7; 16]).to_string();
    let revoked = world.store.create_token("revoked").await.unwrap();
    world.store.delete_token(&revoked.token.id).await.unwrap();
    let almost = format!("{}0", &world.token[..world.token.len() - 1]);
    let almost = if almost == world.token {
        almost.replace("0", "1")
    } else {
        almost
    };

    for (method, path, body, expected) in ROUTES {
        let method = method.to_uppercase();
        let call = |project: &str, token: Option<&str>| {
            let path = path
                .replace("{project}", project)
                .replace("{sync}", &sync_id);
            let call = world
                .call(&method, &path)
                .token(token)
                .header("if-match", "*");
            match body {
                Some(body) => call.text("application/json", body),
                None => call,
            }
        };
        for token in [
            None,
            Some(""),
            Some("wrong"),
            Some(almost.as_str()),
            Some(revoked.text.expose()),
        ] {
            let refused = call(&own, token).send().await;
            assert!(
                matches!(refused.status.as_u16(), 401 | 429),
                "{method} {path} {token:?}: {}",
                refused.text
            );
        }
        if path.contains("{sync}") {
            call(&other, Some(&world.token))
                .send()
                .await
                .problem(404, "not_found");
        }
        if path.contains("{project}") {
            call(&nowhere, Some(&world.token))
                .send()
                .await
                .problem(404, "not_found");
            call("prj_1", Some(&world.token))
                .send()
                .await
                .problem(404, "not_found");
        }
        let answer = call(&own, Some(&world.token)).send().await;
        assert_eq!(
            answer.status.as_u16(),
            *expected,
            "{method} {path}: {}",
            answer.text
        );
    }
}

#[tokio::test]
async fn a_refusal_says_how_to_sign_in_and_repeated_ones_slow_down() {
    let world = World::new().await;
    let first = world.call("GET", "/me").token(None).send().await;
    first.problem(401, "unauthenticated");
    assert_eq!(first.header("www-authenticate"), "Bearer");
    let mut last = first;
    for _ in 0..30 {
        last = world
            .call("GET", "/me")
            .token(Some("mst_guess"))
            .send()
            .await;
    }
    last.problem(429, "too_many_failures");
    let wait: u64 = last.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    // Whoever holds a good token isn't held up by those who guess.
    let good = world.get("/me").await;
    assert_eq!(good.json()["token_name"], "test");
}

#[tokio::test]
async fn other_schemes_and_other_places_of_the_token_are_refused() {
    let world = World::new().await;
    let token = world.token.clone();
    let call = || world.call("GET", "/me").token(None);
    let basic = call()
        .header("authorization", &format!("Basic {token}"))
        .send()
        .await;
    basic.problem(401, "unauthenticated");
    let bare = call().header("authorization", &token).send().await;
    bare.problem(401, "unauthenticated");
    let query = world
        .call("GET", &format!("/me?token={token}"))
        .token(None)
        .send()
        .await;
    query.problem(401, "unauthenticated");
    let lower = call()
        .header("authorization", &format!("bearer {token}"))
        .send()
        .await;
    assert_eq!(lower.status, StatusCode::OK);
}

#[tokio::test]
async fn no_other_origin_is_allowed_in() {
    let world = World::new().await;
    for method in ["OPTIONS", "GET"] {
        let call = world
            .call(method, "/projects")
            .header("origin", "https://evil.example");
        let answer = call
            .header("access-control-request-method", "GET")
            .send()
            .await;
        assert_eq!(answer.header("access-control-allow-origin"), "");
    }
}

#[tokio::test]
async fn only_what_is_public_is_public() {
    let world = World::new().await;
    for (method, path) in PUBLIC {
        let call = world.call(&method.to_uppercase(), path).token(None);
        assert_eq!(call.send().await.status, StatusCode::OK, "{path}");
    }
    let unknown: Value = world
        .call("GET", "/nothing")
        .token(None)
        .send()
        .await
        .problem(404, "not_found");
    assert_eq!(unknown["detail"], "there is no such path");
    world
        .call("PUT", "/projects")
        .send()
        .await
        .problem(405, "method_not_allowed");
}
