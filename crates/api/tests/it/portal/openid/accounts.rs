//! Who is let in.

use std::time::Duration;

use millstream_api::auth::openid::Config;
use model::access::Role;
use serde_json::json;

use super::Scene;
use crate::portal::provider::{Acme, ISSUER};

#[tokio::test]
async fn who_is_vouched_for_is_signed_in_and_the_former_session_ends() {
    let scene = Scene::new(Acme::config()).await;
    let world = &scene.world;
    let ann = world.account(world.organisation, Role::Member, "ann@example.com");
    let ann = ann.await;
    let bob = world.person(Role::Viewer).await;
    let begun = scene.begin().await;
    scene.vouch(&begun, json!({}));
    let both = format!("{}; {}", bob.cookie, begun.cookie);
    let answer = scene.come_back(&both, &begun.query["state"]).await;
    let cookie = answer.signed_in();
    let me = world.anonymous("GET", "/me").cookie(&cookie).send().await;
    assert_eq!(me.at("/person/id"), ann.to_string());
    let former = world.anonymous("GET", "/me").cookie(&bob.cookie);
    former.send().await.problem(401, "unauthenticated");

    // The log says that she signed in, and not that he linked her.
    let log = world.get("/installation/audit").await.json();
    let entries = log["items"].as_array().unwrap();
    let told = |action: &str, actor: &str, value: &str| {
        let mut entries = entries.iter();
        entries.any(|entry| entry["action"] == action && entry["actor"][actor] == value)
    };
    assert!(told("identity.link", "kind", "system"), "{log}");
    assert!(told("session.create", "id", &ann.to_string()), "{log}");
    assert!(!log.to_string().contains("c0de"));
}

#[tokio::test]
async fn only_addresses_of_the_providers_domains_come_in() {
    let config = Config {
        domains: "example.org example.com".into(),
        ..Acme::config()
    };
    let scene = Scene::new(config).await;
    let world = &scene.world;
    for email in ["ann@example.com", "ann@sub.example.com", "ann@evil.com"] {
        world.account(world.organisation, Role::Member, email).await;
    }
    for email in [
        "ann@sub.example.com",
        "ann@evil.com",
        "ann@example.com@evil.com",
    ] {
        let answer = scene.sign_in(json!({"email": email})).await;
        answer.refused("domain_not_allowed");
    }
    scene
        .sign_in(json!({"email": "ann@Example.com"}))
        .await
        .signed_in();
    // Known by now, and all the same refused since she has left.
    let answer = scene.sign_in(json!({"email": "ann@evil.com"})).await;
    answer.refused("domain_not_allowed");
    let answer = scene.sign_in(json!({"email_verified": false})).await;
    answer.refused("email_not_verified");
}

#[tokio::test]
async fn strangers_join_where_the_operator_says_so_and_nowhere_else() {
    let scene = Scene::new(Acme::config()).await;
    scene.sign_in(json!({})).await.refused("no_account");

    let scene = Scene::admitting(Role::Member).await;
    let world = &scene.world;
    let cookie = scene.sign_in(json!({})).await.signed_in();
    let mine = world.anonymous("GET", "/me/organisations").cookie(&cookie);
    let mine = mine.send().await.json();
    assert_eq!(mine["items"][0]["role"], "member");
    let me = world.anonymous("GET", "/me").cookie(&cookie).send().await;
    assert_eq!(me.at("/person/name"), "Ann");
    // Whoever was removed stays out.
    let member = world.of_organisation(&format!("/members/{}", me.at("/person/id")));
    world.call("DELETE", &member).send().await.is(204);
    let cookie = scene.sign_in(json!({})).await.signed_in();
    let mine = world.anonymous("GET", "/me/organisations").cookie(&cookie);
    assert_eq!(mine.send().await.json()["items"], json!([]));
}

#[tokio::test]
async fn identities_are_listed_and_the_last_way_in_stays() {
    let scene = Scene::admitting(Role::Viewer).await;
    let world = &scene.world;
    let cookie = scene.sign_in(json!({})).await.signed_in();
    let call = |method: &str, path: &str| world.anonymous(method, path).cookie(&cookie);
    let listed = call("GET", "/me/identities").send().await.is(200).json();
    let identity = &listed["items"][0];
    for (name, value) in [
        ("provider", "acme"),
        ("issuer", ISSUER),
        ("subject", "ann-at-acme"),
        ("email", "ann@example.com"),
    ] {
        assert_eq!(identity[name], value);
    }
    let path = format!("/me/identities/{}", identity["id"].as_str().unwrap());
    call("DELETE", &path).send().await.problem(409, "conflict");
    let password = json!({"new": "a horse and a battery"});
    let chosen = call("PUT", "/me/password").json(password).send().await;
    // Each change of how one signs in gives another cookie.
    let cookie = chosen.is(204).cookie();
    let call = |method: &str, path: &str| world.anonymous(method, path).cookie(&cookie);
    let removed = call("DELETE", &path).send().await;
    assert_eq!(removed.is(204).header("set-cookie"), "");
    call("GET", "/me")
        .send()
        .await
        .problem(401, "unauthenticated");
    let again = json!({"email": "ann@example.com", "password": "a horse and a battery"});
    let again = world.anonymous("POST", "/session").json(again).send().await;
    let cookie = again.is(200).cookie();
    let call = |method: &str, path: &str| world.anonymous(method, path).cookie(&cookie);
    call("DELETE", &path).send().await.problem(404, "not_found");
    let listed = call("GET", "/me/identities").send().await.json();
    assert_eq!(listed, json!({"items": [], "next": null}));
}

#[tokio::test]
async fn a_new_link_is_told_by_letter_and_one_that_was_removed_is_not_made_again() {
    let scene = Scene::new(Acme::config()).await;
    let world = &scene.world;
    let ann = world.account(world.organisation, Role::Member, "ann@example.com");
    ann.await;
    world.clock.advance(Duration::from_secs(1));
    let told = async || {
        let mails = world.store.mails(None, None, 200).await.unwrap().items;
        let kinds = mails.iter().map(|mail| mail.kind.name());
        kinds.filter(|&kind| kind == "identity_linked").count()
    };
    let cookie = scene.sign_in(json!({})).await.signed_in();
    assert_eq!(
        world.letter_to("ann@example.com").await,
        "identity_linked Acme"
    );
    scene.sign_in(json!({})).await.signed_in();
    assert_eq!(told().await, 1, "only the first sign-in links");

    let call = |method: &str, path: &str| world.anonymous(method, path).cookie(&cookie);
    let listed = call("GET", "/me/identities").send().await.is(200);
    let path = format!("/me/identities/{}", listed.at("/items/0/id"));
    call("DELETE", &path).send().await.is(204);
    let again = json!({"email": "ann@example.com", "password": crate::portal::world::PASSWORD});
    let again = world.anonymous("POST", "/session").json(again).send().await;
    let cookie = again.is(200).cookie();
    let call = |method: &str, path: &str| world.anonymous(method, path).cookie(&cookie);
    scene.sign_in(json!({})).await.refused("identity_removed");
    assert_eq!(told().await, 1);
    // Another one with the same address may be her successor there.
    let other = scene.sign_in(json!({"sub": "other-at-acme"})).await;
    other.refused("identity_removed");
    assert_eq!(told().await, 1);

    // Whoever is signed in says that they may be linked again.
    let forget = || call("DELETE", "/me/identities/removed").send();
    forget().await.is(204);
    scene.sign_in(json!({})).await.signed_in();
    assert_eq!(told().await, 2);
}

#[tokio::test]
async fn a_locked_person_is_not_let_in_by_a_provider() {
    let scene = Scene::new(Acme::config()).await;
    let world = &scene.world;
    let by = store::Caller::system();
    let ann = world.account(world.organisation, Role::Member, "ann@example.com");
    let ann = ann.await;
    world.store.lock_person(ann, &by).await.unwrap();
    scene.sign_in(json!({})).await.refused("account_locked");
    let linked = world.store.identities(ann, None, 10).await.unwrap();
    assert!(linked.items.is_empty());
    world.store.unlock_person(ann, &by).await.unwrap();
    scene.sign_in(json!({})).await.signed_in();
    world.store.lock_person(ann, &by).await.unwrap();
    scene.sign_in(json!({})).await.refused("account_locked");
}

#[tokio::test]
async fn a_second_factor_is_the_providers_matter() {
    let scene = Scene::new(Acme::config()).await;
    let world = &scene.world;
    let ann = world.account(world.organisation, Role::Member, "ann@example.com");
    let ann = ann.await;
    let secret = store::Secret::new("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ".into());
    let by = store::Caller::system();
    let set = world.store.set_second_factor(ann, &secret, 1, &[], &by);
    set.await.unwrap();
    scene.sign_in(json!({})).await.signed_in();
}
