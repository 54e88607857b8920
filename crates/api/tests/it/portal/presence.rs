//! That whoever uses a session is the one who began it.

use std::time::Duration;

use model::access::Role;
use serde_json::{Value, json};

use super::World;
use super::world::PASSWORD;

const NEW: &str = "another good one";

#[tokio::test]
async fn strangers_wrong_guesses_keep_nobody_who_is_signed_in_from_changing_a_password() {
    let world = World::new().await;
    let person = world.person(Role::Member).await;
    for number in 0..20 {
        let guess = json!({"email": person.email, "password": "wrong"});
        let call = world.anonymous("POST", "/session").json(guess);
        let _ = call.from(&format!("192.0.2.{number}")).send().await;
    }
    let change = json!({"current": PASSWORD, "new": NEW});
    let call = world
        .anonymous("PUT", "/me/password")
        .cookie(&person.cookie);
    call.json(change).send().await.is(204);
}

#[tokio::test]
async fn wrong_guesses_with_one_session_hold_up_no_other() {
    let world = World::new().await;
    let person = world.person(Role::Member).await;
    let other = world.session(person.id).await;
    let change = async |cookie: &str, current: &str| {
        let call = world.anonymous("PUT", "/me/password").cookie(cookie);
        call.json(json!({"current": current, "new": NEW}))
            .send()
            .await
    };
    for _ in 0..10 {
        change(&other, "wrong").await.is(422);
    }
    change(&other, PASSWORD)
        .await
        .problem(429, "too_many_failures");
    let body = json!({"email": person.email, "password": PASSWORD});
    world
        .anonymous("POST", "/session")
        .json(body)
        .send()
        .await
        .is(200);
    change(&person.cookie, PASSWORD).await.is(204);
}

#[tokio::test]
async fn without_a_password_a_recent_sign_in_is_asked_for() {
    let world = World::new().await;
    // As providers bring them.
    let person = world.person_by_provider("ann@example.com").await;
    let choose = async |cookie: &str| {
        let call = world.anonymous("PUT", "/me/password").cookie(cookie);
        call.json(json!({"new": NEW})).send().await
    };
    let early = world.session(person).await;
    world.clock.advance(Duration::from_secs(600));
    let refused = choose(&early).await.problem(403, "recent_sign_in_needed");
    let detail = refused["detail"].as_str().unwrap();
    assert!(
        detail.contains("sign in again") && detail.contains("password-resets"),
        "{detail}"
    );
    for (method, path, body) in [
        ("POST", "/me/delete", json!({})),
        ("POST", "/me/second-factor/remove", json!({})),
        (
            "PUT",
            "/me/second-factor",
            json!({"secret": "A", "code": "1"}),
        ),
    ] {
        let call = world.anonymous(method, path).cookie(&early).json(body);
        call.send().await.problem(403, "recent_sign_in_needed");
    }
    let fresh = world.session(person).await;
    world.clock.advance(Duration::from_secs(599));
    choose(&fresh).await.is(204);
}

#[tokio::test]
async fn a_token_outlasts_the_session_and_takes_a_proof_of_who_makes_it() {
    let world = World::new().await;
    let person = world.person(Role::Member).await;
    let tokens = world.of_organisation("/tokens");
    let make = async |cookie: &str, proof: Value| {
        let mut body = json!({"name": "ci", "scopes": ["syncs:read"]});
        if !proof.is_null() {
            body["password"] = proof;
        }
        let call = world.anonymous("POST", &tokens).cookie(cookie);
        call.json(body).send().await
    };
    // Whoever has just signed in has proved it.
    let cookie = world.session(person.id).await;
    world.clock.advance(Duration::from_secs(599));
    make(&cookie, Value::Null).await.is(201);
    world.clock.advance(Duration::from_secs(1));
    let refused = make(&cookie, Value::Null).await;
    let refused = refused.problem(403, "recent_sign_in_needed");
    let detail = refused["detail"].as_str().unwrap();
    assert!(detail.contains("`password`"), "{detail}");
    let wrong = make(&cookie, json!("wrong")).await;
    wrong.problem(422, "invalid_fields");
    assert_eq!(wrong.pointers(), ["/password"]);
    let made = make(&cookie, json!(PASSWORD)).await.is(201);
    assert!(!made.text.contains(PASSWORD));
    let letter = world.letter_to(&person.email).await;
    assert!(letter.contains("token_made ci"), "{letter}");

    // A program has nobody to ask, and its tokens end with its own.
    let call = world.anonymous("POST", &tokens).token(Some(&person.token));
    let call = call.json(json!({"name": "narrower", "scopes": ["syncs:read"]}));
    call.send().await.is(201);

    // Guesses at it are counted.
    for _ in 0..9 {
        make(&cookie, json!("wrong")).await.is(422);
    }
    let slowed = make(&cookie, json!(PASSWORD)).await;
    slowed.problem(429, "too_many_failures");
}

#[tokio::test]
async fn without_a_password_a_token_takes_a_recent_sign_in() {
    let world = World::new().await;
    let person = world.person_by_provider("ann@example.com").await;
    let path = world.of_organisation("/tokens");
    let make = async |cookie: &str, body: Value| {
        let call = world.anonymous("POST", &path).cookie(cookie);
        call.json(body).send().await
    };
    let cookie = world.session(person).await;
    make(&cookie, json!({"name": "one"})).await.is(201);
    world.clock.advance(Duration::from_secs(600));
    for body in [
        json!({"name": "two"}),
        json!({"name": "two", "password": "x"}),
    ] {
        let refused = make(&cookie, body).await;
        let refused = refused.problem(403, "recent_sign_in_needed");
        let detail = refused["detail"].as_str().unwrap();
        assert!(detail.contains("at your provider"), "{detail}");
    }
    let fresh = world.session(person).await;
    make(&fresh, json!({"name": "two"})).await.is(201);
}

#[tokio::test]
async fn a_repeated_request_for_a_token_is_known_by_all_but_its_proof() {
    let world = World::new().await;
    let person = world.person(Role::Member).await;
    let path = world.of_organisation("/tokens");
    let make = async |body: Value| {
        let call = world.anonymous("POST", &path).cookie(&person.cookie);
        let call = call.header("idempotency-key", "once");
        call.json(body).send().await
    };
    let first = make(json!({"name": "ci"})).await.is(201);
    world.clock.advance(Duration::from_secs(600));
    // What was made is shown again to those only who prove it.
    let refused = make(json!({"name": "ci"})).await;
    refused.problem(403, "recent_sign_in_needed");
    let again = make(json!({"name": "ci", "password": PASSWORD})).await;
    assert_eq!(again.is(201).at("/text"), first.at("/text"));
    let other = make(json!({"name": "other", "password": PASSWORD})).await;
    other.problem(422, "idempotency_key_reused");
}
