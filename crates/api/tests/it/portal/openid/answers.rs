//! What providers and browsers bring back, and what is believed of it.

use model::access::Role;
use serde_json::json;

use super::{MINUTE, SIGN_IN, Scene};
use crate::portal::provider::{Acme, Signature};

#[tokio::test]
async fn an_address_that_the_token_leaves_out_is_asked_for() {
    let scene = Scene::new(Acme::config()).await;
    let world = &scene.world;
    world
        .account(world.organisation, Role::Member, "ann@example.com")
        .await;
    let silent = json!({"email": null, "email_verified": null, "name": null});
    for (userinfo, code) in [
        (json!({"sub": "ann-at-acme"}), "email_not_verified"),
        (
            json!({"sub": "ann-at-acme", "email": "ann@example.com"}),
            "email_not_verified",
        ),
        // Another person's.
        (
            json!({"sub": "bob", "email": "ann@example.com", "email_verified": true}),
            "provider_not_trusted",
        ),
    ] {
        scene.acme.says().userinfo = userinfo;
        scene.sign_in(silent.clone()).await.refused(code);
    }
    let said = json!({"sub": "ann-at-acme", "email": "ann@example.com", "email_verified": "true"});
    scene.acme.says().userinfo = said;
    scene.sign_in(silent).await.signed_in();
}

#[tokio::test]
async fn an_id_token_that_is_not_for_this_sign_in_is_refused() {
    let scene = Scene::new(Acme::config()).await;
    let world = &scene.world;
    world
        .account(world.organisation, Role::Member, "ann@example.com")
        .await;
    let past = world.now().0 / 1_000_000 - 61;
    for claims in [
        json!({"nonce": "another"}),
        json!({"nonce": null}),
        json!({"aud": ["somebody-else"]}),
        json!({"aud": ["millstream", "somebody-else"]}),
        json!({"iss": "https://evil.example.com"}),
        json!({"exp": past}),
    ] {
        let answer = scene.sign_in(claims.clone()).await;
        answer.refused("provider_not_trusted");
    }
    for signature in [
        Signature::Forged,
        Signature::ClientSecret,
        Signature::None,
        Signature::OfOtherAccessToken,
    ] {
        scene.acme.says().signature = signature;
        let answer = scene.sign_in(json!({})).await;
        answer.refused("provider_not_trusted");
    }
    scene.acme.says().signature = Signature::Right;
    // A clock that is a little ahead is no reason to refuse.
    scene.sign_in(json!({"exp": past + 2})).await.signed_in();
}

#[tokio::test]
async fn an_answer_that_this_browser_did_not_ask_for_is_refused() {
    let scene = Scene::new(Acme::config()).await;
    let world = &scene.world;
    let ann = world.account(world.organisation, Role::Member, "ann@example.com");
    ann.await;
    let (begun, other) = (scene.begin().await, scene.begin().await);
    scene.vouch(&begun, json!({}));
    let state = &begun.query["state"];
    let changed = |from: usize| {
        let (head, digit) = (&begun.cookie[..from], &begun.cookie[from..=from]);
        let digit = if digit == "0" { "1" } else { "0" };
        format!("{head}{digit}{}", &begun.cookie[from + 1..])
    };
    for cookie in [
        "a=b".to_owned(),
        format!("{SIGN_IN}="),
        format!("{SIGN_IN}=1:0:00"),
        other.cookie.clone(),
        changed(begun.cookie.len() - 1),
        changed(begun.cookie.len() / 2),
    ] {
        let answer = scene.come_back(&cookie, state).await;
        answer.refused("sign_in_ended");
    }
    let answer = scene.come_back(&begun.cookie, &other.query["state"]).await;
    answer.refused("sign_in_ended");
    let without = world.anonymous("GET", "/session/openid/callback?code=c0de");
    let answer = without.cookie(&begun.cookie).send().await;
    answer.refused("sign_in_ended");
    // Another provider's answer to the question that was put to this one (RFC 9207).
    let path =
        format!("/session/openid/callback?code=c0de&state={state}&iss=https://evil.example.com");
    let answer = world.anonymous("GET", &path).cookie(&begun.cookie);
    answer.send().await.refused("provider_not_trusted");
    assert_eq!(scene.acme.asked("/token"), 0);

    world.clock.advance(10 * MINUTE);
    let answer = scene.come_back(&begun.cookie, state).await;
    answer.refused("sign_in_ended");
}

#[tokio::test]
async fn a_refusal_of_the_provider_is_told() {
    let scene = Scene::new(Acme::config()).await;
    let begun = scene.begin().await;
    let state = &begun.query["state"];
    let path = format!("/session/openid/callback?error=access_denied&state={state}");
    let answer = scene.world.anonymous("GET", &path).cookie(&begun.cookie);
    answer.send().await.refused("provider_refused");
    scene.acme.says().refusal = Some((400, "invalid_grant"));
    let answer = scene.come_back(&begun.cookie, state).await;
    answer.refused("provider_refused");
}

#[tokio::test]
async fn whoever_fails_too_often_has_to_wait_and_success_is_no_failure() {
    let scene = Scene::new(Acme::config()).await;
    let world = &scene.world;
    world
        .account(world.organisation, Role::Member, "ann@example.com")
        .await;
    for _ in 0..25 {
        scene.sign_in(json!({})).await.signed_in();
    }
    for _ in 0..20 {
        let answer = scene.come_back("a=b", "x").await;
        answer.refused("sign_in_ended");
    }
    scene.sign_in(json!({})).await.refused("too_many_failures");
    world.clock.advance(MINUTE);
    scene.sign_in(json!({})).await.signed_in();
}

#[tokio::test]
async fn an_answer_that_says_something_twice_ends_where_people_read_it() {
    let scene = Scene::new(Acme::config()).await;
    let path = "/session/openid/callback?code=a&state=b&code=c";
    let answer = scene.world.anonymous("GET", path).send().await.is(303);
    let to = answer.header("location");
    assert!(to.contains("/sign-in?error=sign_in_ended"), "{to}");
}
