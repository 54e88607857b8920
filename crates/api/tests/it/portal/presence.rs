//! That whoever uses a session is the one who began it.

use std::time::Duration;

use model::access::Role;
use serde_json::json;

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
