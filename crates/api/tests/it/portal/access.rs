//! Who is let in: every route, with every kind of caller.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::World;

/// Paths that anyone may read, because nothing of anyone is in them.
const PUBLIC: &[(&str, &str)] = &[("get", "/openapi.json")];

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
async fn who_shows_nothing_is_no_guesser() {
    let world = World::new().await;
    for _ in 0..30 {
        let refused = world.call("GET", "/me").token(None).send().await;
        refused.problem(401, "unauthenticated");
    }
    // Tokens that are none don't keep anyone from signing in.
    for _ in 0..30 {
        world
            .call("GET", "/me")
            .token(Some("mst_guess"))
            .send()
            .await;
    }
    let nobody = json!({"email": "nobody@example.com", "password": "x"});
    let refused = world
        .anonymous("POST", "/session")
        .json(nobody)
        .send()
        .await;
    refused.problem(401, "wrong_credentials");
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
            .call(method, &world.projects())
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
        .call("PUT", &world.projects())
        .send()
        .await
        .problem(405, "method_not_allowed");
}
