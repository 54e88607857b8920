//! The second factor: codes that change, and recovery codes.

use std::time::Duration;

use model::access::Role;
use serde_json::{Value, json};

use super::World;
use super::call::Answer;
use super::world::{PASSWORD, Somebody};

/// The code that an app shows at this moment.
fn code(world: &World, secret: &str) -> String {
    let secret = totp_rs::Secret::try_from_base32(secret).unwrap();
    let totp = totp_rs::Builder::new().with_secret(secret);
    let totp = totp.with_account_name("x".to_owned()).build().unwrap();
    let seconds = u64::try_from(world.now().millis() / 1000).unwrap();
    totp.generate(seconds).to_string()
}

async fn as_person(
    world: &World,
    person: &Somebody,
    method: &str,
    path: &str,
    body: Value,
) -> Answer {
    let call = world.anonymous(method, path).cookie(&person.cookie);
    call.json(body).send().await
}

async fn sign_in(world: &World, email: &str, code: Option<&str>) -> Answer {
    let body = json!({"email": email, "password": PASSWORD, "code": code});
    world.anonymous("POST", "/session").json(body).send().await
}

/// Gives someone a second factor: its secret and the recovery codes.
async fn protect(world: &World, person: &Somebody) -> (String, Vec<String>) {
    let offer = as_person(world, person, "POST", "/me/second-factor/offer", json!({})).await;
    let secret = offer.is(200).at("/secret");
    let body = json!({"secret": secret, "code": code(world, &secret), "password": PASSWORD});
    let taken = as_person(world, person, "PUT", "/me/second-factor", body).await;
    let codes = serde_json::from_value(taken.is(200).json()["recovery_codes"].clone());
    (secret, codes.unwrap())
}

#[tokio::test]
async fn a_second_factor_is_offered_confirmed_and_asked_for() {
    let world = World::new().await;
    let person = world.person(Role::Member).await;
    let other = world.session(person.id).await;
    let offer = as_person(
        &world,
        &person,
        "POST",
        "/me/second-factor/offer",
        json!({}),
    )
    .await;
    let secret = offer.is(200).at("/secret");
    // Nothing has changed yet.
    sign_in(&world, &person.email, None).await.is(200);
    for (code, password, pointer) in [
        ("000000".to_owned(), PASSWORD, "/code"),
        (code(&world, &secret), "wrong", "/password"),
    ] {
        let body = json!({"secret": secret, "code": code, "password": password});
        let refused = as_person(&world, &person, "PUT", "/me/second-factor", body).await;
        refused.problem(422, "invalid_fields");
        assert_eq!(refused.pointers(), [pointer]);
    }
    let body = json!({"secret": secret, "code": code(&world, &secret), "password": PASSWORD});
    let set = as_person(&world, &person, "PUT", "/me/second-factor", body.clone()).await;
    let cookie = set.is(200).cookie();
    let copy = world.anonymous("GET", "/me").cookie(&person.cookie);
    copy.send().await.problem(401, "unauthenticated");
    let person = Somebody { cookie, ..person };
    let again = as_person(&world, &person, "PUT", "/me/second-factor", body).await;
    again.problem(409, "conflict");
    let ended = world.anonymous("GET", "/me").cookie(&other).send().await;
    ended.problem(401, "unauthenticated");

    sign_in(&world, &person.email, None)
        .await
        .problem(401, "second_factor_needed");
    sign_in(&world, &person.email, Some("000000"))
        .await
        .problem(401, "wrong_credentials");
    // The code that confirmed it was used.
    let used = code(&world, &secret);
    sign_in(&world, &person.email, Some(&used))
        .await
        .problem(401, "wrong_credentials");
    world.clock.advance(Duration::from_secs(30));
    let fresh = code(&world, &secret);
    sign_in(&world, &person.email, Some(&fresh)).await.is(200);
    sign_in(&world, &person.email, Some(&fresh))
        .await
        .problem(401, "wrong_credentials");
}

#[tokio::test]
async fn a_recovery_code_is_good_once() {
    let world = World::new().await;
    let person = world.person(Role::Member).await;
    let (_, codes) = protect(&world, &person).await;
    assert_eq!(codes.len(), 10);
    let typed = codes[3].to_uppercase().replace('-', " ");
    sign_in(&world, &person.email, Some(&typed)).await.is(200);
    sign_in(&world, &person.email, Some(&codes[3]))
        .await
        .problem(401, "wrong_credentials");
    sign_in(&world, &person.email, Some(&codes[4]))
        .await
        .is(200);
}

#[tokio::test]
async fn a_second_factor_is_removed_with_itself_and_can_not_be_guessed_away() {
    let world = World::new().await;
    let person = world.person(Role::Member).await;
    let (secret, _) = protect(&world, &person).await;
    world.clock.advance(Duration::from_secs(30));
    let present = sign_in(&world, &person.email, Some(&code(&world, &secret))).await;
    let cookie = present.is(200).cookie();
    let person = Somebody { cookie, ..person };
    world.clock.advance(Duration::from_secs(30));
    let remove = async |code: Option<String>| {
        let body = json!({"password": PASSWORD, "code": code});
        as_person(&world, &person, "POST", "/me/second-factor/remove", body).await
    };
    remove(None).await.problem(401, "second_factor_needed");
    for _ in 0..10 {
        let wrong = remove(Some("000000".into())).await;
        wrong.problem(422, "invalid_fields");
        assert_eq!(wrong.pointers(), ["/code"]);
    }
    let right = remove(Some(code(&world, &secret))).await;
    right.problem(429, "too_many_failures");
    world.clock.advance(Duration::from_secs(300));
    let removed = remove(Some(code(&world, &secret))).await.is(204);
    remove(None).await.problem(401, "unauthenticated");
    let person = Somebody {
        cookie: removed.cookie(),
        ..person
    };
    sign_in(&world, &person.email, None).await.is(200);

    // Removing what isn't there is told to nobody.
    let letters = || async {
        world
            .store
            .mails(None, None, 200)
            .await
            .unwrap()
            .items
            .len()
    };
    let before = letters().await;
    let body = json!({"password": PASSWORD});
    let again = as_person(&world, &person, "POST", "/me/second-factor/remove", body).await;
    again.is(204);
    assert_eq!(letters().await, before);
}
