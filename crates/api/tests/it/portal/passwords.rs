//! Passwords that are changed, and those that were forgotten.

use std::time::Duration;

use model::access::Role;
use serde_json::json;

use super::World;
use super::call::Answer;
use super::world::PASSWORD;

const NEW: &str = "another good one";

async fn ask(world: &World, email: &str, address: &str) -> Answer {
    let call = world.anonymous("POST", "/password-resets").from(address);
    let answer = call.json(json!({"email": email})).send().await;
    // The letter is written beside the answer.
    world.portal.finish().await;
    answer
}

async fn redeem(world: &World, link: &str, password: &str) -> Answer {
    let call = world.anonymous("POST", "/password-resets/redeem");
    call.json(json!({"token": link, "password": password}))
        .send()
        .await
}

async fn sign_in(world: &World, email: &str, password: &str) -> Answer {
    let body = json!({"email": email, "password": password});
    world.anonymous("POST", "/session").json(body).send().await
}

async fn letters(world: &World) -> usize {
    // They are written after the answer.
    world.portal.finish().await;
    let mails = world.store.mails(None, None, 200).await.unwrap().items;
    mails
        .iter()
        .filter(|mail| mail.kind.name() == "password_reset")
        .count()
}

#[tokio::test]
async fn a_forgotten_password_is_replaced_once_by_a_link() {
    let world = World::new().await;
    let person = world.person(Role::Member).await;
    world.clock.advance(Duration::from_secs(1));
    let known = ask(&world, &person.email, "192.0.2.1").await.is(202);
    let unknown = ask(&world, "nobody@example.com", "192.0.2.1").await.is(202);
    assert_eq!(known.text, unknown.text);
    assert_eq!(letters(&world).await, 1);
    let link = world.link_to(&person.email).await;

    let short = redeem(&world, &link, "short").await;
    short.problem(422, "invalid_fields");
    assert_eq!(short.pointers(), ["/password"]);
    world.clock.advance(Duration::from_secs(1));
    redeem(&world, &link, NEW).await.is(204);
    let me = world
        .anonymous("GET", "/me")
        .cookie(&person.cookie)
        .send()
        .await;
    me.problem(401, "unauthenticated");
    sign_in(&world, &person.email, PASSWORD)
        .await
        .problem(401, "wrong_credentials");
    sign_in(&world, &person.email, NEW).await.is(200);
    assert_eq!(
        world.letter_to(&person.email).await,
        "password_changed, 1 tokens"
    );
    redeem(&world, &link, PASSWORD)
        .await
        .problem(410, "link_ended");
}

#[tokio::test]
async fn a_link_to_a_new_password_expires_and_ends_with_the_password() {
    let world = World::new().await;
    let person = world.person(Role::Member).await;
    world.clock.advance(Duration::from_secs(1));
    ask(&world, &person.email, "192.0.2.1").await.is(202);
    let link = world.link_to(&person.email).await;
    world.clock.advance(Duration::from_secs(3600));
    redeem(&world, &link, NEW).await.problem(410, "link_ended");

    ask(&world, &person.email, "192.0.2.1").await.is(202);
    let link = world.link_to(&person.email).await;
    let change = world
        .anonymous("PUT", "/me/password")
        .cookie(&person.cookie);
    change
        .json(json!({"current": PASSWORD, "new": NEW}))
        .send()
        .await
        .is(204);
    redeem(&world, &link, PASSWORD)
        .await
        .problem(410, "link_ended");
}

#[tokio::test]
async fn nobody_fills_anothers_mailbox() {
    let world = World::new().await;
    let person = world.person(Role::Member).await;
    for number in 0..10 {
        let address = format!("192.0.2.{number}");
        ask(&world, &person.email, &address).await.is(202);
    }
    // Five were written, of which two went with their links: only the newest three links hold.
    assert_eq!(letters(&world).await, 3);
    let asked = store::AuditFilter {
        action: Some("person.ask_password_reset".into()),
        ..store::AuditFilter::default()
    };
    let asked = world.store.audit_log(None, &asked, None, 100).await;
    assert_eq!(asked.unwrap().items.len(), 5);
    for number in 0..20 {
        let email = format!("nobody{number}@example.com");
        ask(&world, &email, "198.51.100.1").await.is(202);
    }
    let refused = ask(&world, "nobody@example.com", "198.51.100.1").await;
    refused.problem(429, "rate_limited");
    // Nobody failed to sign in there.
    let body = json!({"email": person.email, "password": PASSWORD});
    let call = world.anonymous("POST", "/session").json(body);
    call.from("198.51.100.1").send().await.is(200);
}

#[tokio::test]
async fn while_the_database_is_away_nobody_is_told_that_a_letter_is_on_its_way() {
    let world = World::new().await;
    let person = world.person(Role::Member).await;
    world.store.close().await;
    let known = ask(&world, &person.email, "192.0.2.1").await;
    let unknown = ask(&world, "nobody@example.com", "192.0.2.1").await;
    known.problem(503, "unavailable");
    assert_eq!(known.text, unknown.text);
}

#[tokio::test]
async fn a_letter_that_was_asked_for_when_the_process_died_is_sent_later() {
    let world = World::new().await;
    let person = world.person(Role::Member).await;
    world.clock.advance(Duration::from_secs(1));
    // All that was done of it.
    let by = store::Caller::system();
    for email in [&*person.email, "nobody@example.com"] {
        world.store.ask_password_reset(email, &by).await.unwrap();
    }
    world.portal.send_asked_resets().await;
    assert_eq!(letters(&world).await, 0, "it may still be under way");
    world.clock.advance(Duration::from_secs(30));
    for _ in 0..2 {
        world.portal.send_asked_resets().await;
        assert_eq!(letters(&world).await, 1);
    }
    let link = world.link_to(&person.email).await;
    redeem(&world, &link, NEW).await.is(204);
}

#[tokio::test]
async fn a_password_is_changed_by_whoever_knows_it_and_other_sessions_end() {
    let world = World::new().await;
    let person = world.person(Role::Member).await;
    let other = world.session(person.id).await;
    world.clock.advance(Duration::from_secs(1));
    let change = |current: &str, new: &str| {
        let call = world
            .anonymous("PUT", "/me/password")
            .cookie(&person.cookie);
        call.json(json!({"current": current, "new": new})).send()
    };
    for (current, new, pointer) in [
        ("wrong", NEW, "/current"),
        (PASSWORD, "short", "/new"),
        (PASSWORD, person.email.as_str(), "/new"),
    ] {
        let refused = change(current, new).await;
        refused.problem(422, "invalid_fields");
        assert_eq!(refused.pointers(), [pointer]);
    }
    let changed = change(PASSWORD, NEW).await.is(204);
    assert_eq!(
        world.letter_to(&person.email).await,
        "password_changed, 1 tokens"
    );
    let me = |cookie: &str| world.anonymous("GET", "/me").cookie(cookie).send();
    me(&other).await.problem(401, "unauthenticated");
    // Whoever changed it has the new cookie; a copy of the former one is of no use from that moment on, and
    // gets nothing in exchange.
    let renewed = changed.cookie();
    assert_ne!(renewed, person.cookie);
    let copy = me(&person.cookie).await;
    copy.problem(401, "unauthenticated");
    assert_eq!(copy.header("set-cookie"), "");
    let mine = me(&renewed).await.is(200);
    assert_eq!(mine.header("set-cookie"), "");
    sign_in(&world, &person.email, NEW).await.is(200);
}

#[tokio::test]
async fn whoever_finds_a_session_can_not_guess_its_password() {
    let world = World::new().await;
    let person = world.person(Role::Member).await;
    let change = |current: &str| {
        let call = world
            .anonymous("PUT", "/me/password")
            .cookie(&person.cookie);
        call.json(json!({"current": current, "new": NEW})).send()
    };
    for _ in 0..10 {
        change("wrong").await.problem(422, "invalid_fields");
    }
    change(PASSWORD).await.problem(429, "too_many_failures");
}

/// Where comparing a password takes long enough for something else to happen meanwhile.
async fn slow_world() -> World {
    let config = millstream_api::auth::Config {
        password_memory_kib: 8 * 1024,
        password_passes: 2,
        password_hashers: 2,
        ..super::world::cheap()
    };
    World::with(config, Vec::new()).await
}

#[tokio::test]
async fn correct_sign_ins_at_once_lock_nobody_out() {
    let world = slow_world().await;
    let person = world.person(Role::Member).await;
    let at_once = (0..40).map(|_| sign_in(&world, &person.email, PASSWORD));
    let mut signed_in = 0;
    for answer in futures_util::future::join_all(at_once).await {
        if answer.status.as_u16() == 200 {
            signed_in += 1;
        } else {
            answer.problem(429, "rate_limited");
            assert_eq!(answer.header("retry-after"), "1");
        }
    }
    assert!(signed_in >= 10, "{signed_in}");
    for _ in 0..10 {
        sign_in(&world, &person.email, PASSWORD).await.is(200);
    }
}

#[tokio::test]
async fn of_two_changes_with_the_same_password_one_happens() {
    let world = slow_world().await;
    let person = world.person(Role::Member).await;
    let change = async |new: &str| {
        let call = world
            .anonymous("PUT", "/me/password")
            .cookie(&person.cookie);
        call.json(json!({"current": PASSWORD, "new": new}))
            .send()
            .await
    };
    let (one, other) = tokio::join!(change("the first good one"), change("the second good one"));
    let changed = [&one, &other].map(|answer| answer.status.as_u16());
    let happened = changed.iter().filter(|&&status| status == 204).count();
    assert_eq!(happened, 1, "{changed:?}");
}

#[tokio::test]
async fn a_sign_in_under_way_does_not_outlive_the_password_that_it_began_with() {
    let world = slow_world().await;
    let person = world.person(Role::Member).await;
    let change = async {
        let call = world
            .anonymous("PUT", "/me/password")
            .cookie(&person.cookie);
        call.json(json!({"current": PASSWORD, "new": NEW}))
            .send()
            .await
    };
    // Both of these read what they compare with before the new password is there.
    let (changed, signed_in) = tokio::join!(change, sign_in(&world, &person.email, PASSWORD));
    changed.is(204);
    if signed_in.status.as_u16() == 200 {
        let cookie = signed_in.cookie();
        let me = world.anonymous("GET", "/me").cookie(&cookie).send().await;
        me.problem(401, "unauthenticated");
    } else {
        signed_in.problem(401, "wrong_credentials");
    }
}
