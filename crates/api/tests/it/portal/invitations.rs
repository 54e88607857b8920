//! Invitations, from the letter to the membership.

use std::time::Duration;

use model::access::{InstallationRights, Role};
use serde_json::{Value, json};

use super::World;
use super::call::{Answer, Call};
use super::world::PASSWORD;

const EMAIL: &str = "new@example.com";

async fn invite(world: &World, cookie: &str, email: &str, role: &str) -> Answer {
    let call = world.anonymous("POST", &world.of_organisation("/invitations"));
    let call = call
        .cookie(cookie)
        .json(json!({"email": email, "role": role}));
    call.send().await
}

async fn look(world: &World, link: &str) -> Answer {
    let call = world.anonymous("POST", "/invitations/look");
    call.json(json!({"token": link})).send().await
}

async fn accept(world: &World, body: Value) -> Answer {
    let call = world.anonymous("POST", "/invitations/accept");
    call.json(body).send().await
}

fn newcomer(link: &str) -> Value {
    json!({"token": link, "name": "New", "password": PASSWORD})
}

#[tokio::test]
async fn someone_new_is_invited_by_mail_and_joins() {
    let world = World::new().await;
    let admin = world.person(Role::Admin).await;
    let made = invite(&world, &admin.cookie, "New@Example.com", "member").await;
    let made = made.is(201);
    assert_eq!(made.at("/email"), EMAIL);
    let link = world.link_to(EMAIL).await;
    assert!(!made.text.contains(&link));
    let listed = world.get(&world.of_organisation("/invitations")).await;
    assert_eq!(listed.json()["items"], json!([made.json()]));

    let offer = look(&world, &link).await.is(200).json();
    assert_eq!(
        (&offer["organisation"], &offer["email"], &offer["role"]),
        (&json!("Test"), &json!(EMAIL), &json!("member"))
    );
    for (body, pointers) in [
        (json!({"token": link}), vec!["/name", "/password"]),
        (
            json!({"token": link, "name": "New", "password": "short"}),
            vec!["/password"],
        ),
        (
            json!({"token": link, "name": "New", "password": EMAIL}),
            vec!["/password"],
        ),
    ] {
        let refused = accept(&world, body).await;
        refused.problem(422, "invalid_fields");
        assert_eq!(refused.pointers(), pointers);
    }
    // The address is the invitation's, whatever the body says.
    let mut body = newcomer(&link);
    body["email"] = json!("other@example.com");
    let joined = accept(&world, body).await.is(200);
    assert_eq!(joined.at("/person/email"), EMAIL);
    let mine = world
        .anonymous("GET", "/me/organisations")
        .cookie(&joined.cookie());
    assert_eq!(mine.send().await.at("/items/0/role"), "member");

    accept(&world, newcomer(&link))
        .await
        .problem(410, "link_ended");
    look(&world, &link).await.problem(410, "link_ended");
    let again = invite(&world, &admin.cookie, EMAIL, "viewer").await;
    again.problem(409, "conflict");
}

#[tokio::test]
async fn someone_with_an_account_signs_in_and_nobody_else_can_take_the_invitation() {
    let world = World::new().await;
    let owner = world.person(Role::Owner).await;
    let elsewhere = world.another_organisation("Elsewhere").await;
    let invited = world.person_in(elsewhere, Role::Viewer).await;
    let stranger = world.person_in(elsewhere, Role::Owner).await;
    world.clock.advance(Duration::from_secs(1));
    invite(&world, &owner.cookie, &invited.email, "admin")
        .await
        .is(201);
    let link = world.link_to(&invited.email).await;

    accept(&world, newcomer(&link))
        .await
        .problem(409, "conflict");
    let with = |cookie: &str| {
        let call = world
            .anonymous("POST", "/invitations/accept")
            .cookie(cookie);
        call.json(json!({"token": link})).send()
    };
    with(&stranger.cookie).await.problem(409, "conflict");
    let token = world
        .anonymous("POST", "/invitations/accept")
        .token(Some(&invited.token));
    let token = token.json(json!({"token": link})).send().await;
    token.problem(403, "session_needed");

    let joined = with(&invited.cookie).await.is(200);
    let path = world.of_organisation(&format!("/members/{}", invited.id));
    assert_eq!(world.get(&path).await.at("/role"), "admin");
    // The session of before has ended: rights have changed.
    let before = world
        .anonymous("GET", "/me")
        .cookie(&invited.cookie)
        .send()
        .await;
    before.problem(401, "unauthenticated");
    world
        .anonymous("GET", "/me")
        .cookie(&joined.cookie())
        .send()
        .await
        .is(200);
}

#[tokio::test]
async fn only_owners_invite_owners() {
    let world = World::new().await;
    let (owner, admin) = (
        world.person(Role::Owner).await,
        world.person(Role::Admin).await,
    );
    let refused = invite(&world, &admin.cookie, EMAIL, "owner").await;
    let problem = refused.problem(403, "forbidden");
    assert!(
        problem["detail"].as_str().unwrap().contains("owners:write"),
        "{problem}"
    );
    invite(&world, &owner.cookie, EMAIL, "owner").await.is(201);
}

#[tokio::test]
async fn only_owners_end_the_invitation_of_an_owner() {
    let world = World::new().await;
    let (owner, admin) = (
        world.person(Role::Owner).await,
        world.person(Role::Admin).await,
    );
    let made = invite(&world, &owner.cookie, EMAIL, "owner").await.is(201);
    let link = world.link_to(EMAIL).await;
    let path = world.of_organisation(&format!("/invitations/{}", made.at("/id")));
    let withdraw = |cookie: &str| world.anonymous("DELETE", &path).cookie(cookie).send();
    withdraw(&admin.cookie).await.problem(403, "forbidden");
    // Nor by inviting the same address as something less.
    for by in [&admin, &owner] {
        let replaced = invite(&world, &by.cookie, EMAIL, "viewer").await;
        replaced.problem(409, "conflict");
    }
    look(&world, &link).await.is(200);
    withdraw(&owner.cookie).await.is(204);
    look(&world, &link).await.problem(410, "link_ended");
    let viewer = invite(&world, &admin.cookie, EMAIL, "viewer").await.is(201);
    let path = world.of_organisation(&format!("/invitations/{}", viewer.at("/id")));
    let call = world.anonymous("DELETE", &path).cookie(&admin.cookie);
    call.send().await.is(204);
}

#[tokio::test]
async fn a_repeated_request_invites_once() {
    let world = World::new().await;
    let path = world.of_organisation("/invitations");
    let once = |key: &str, role: &str| {
        let call = world.call("POST", &path).header("idempotency-key", key);
        call.json(json!({"email": EMAIL, "role": role})).send()
    };
    let made = once("key", "viewer").await.is(201);
    let link = world.link_to(EMAIL).await;
    let again = once("key", "viewer").await.is(201);
    assert_eq!(again.text, made.text);
    assert_eq!(
        world.store.mails(None, None, 10).await.unwrap().items.len(),
        1
    );
    look(&world, &link).await.is(200);
    once("key", "member")
        .await
        .problem(422, "idempotency_key_reused");
    // It is what was made, whatever became of it.
    accept(&world, newcomer(&link)).await.is(200);
    assert_eq!(once("key", "viewer").await.is(201).text, made.text);
    once("another key", "viewer").await.problem(409, "conflict");
}

#[tokio::test]
async fn an_operator_names_the_owner_of_a_new_organisation() {
    let world = World::new().await;
    let create = |body: Value| world.post("/installation/organisations", body);
    let made = create(json!({"name": "Acme", "owner": " New@Example.com"})).await;
    let made = made.is(201);
    let link = world.link_to(EMAIL).await;
    let offer = look(&world, &link).await.is(200).json();
    assert_eq!(
        (&offer["organisation"], &offer["role"]),
        (&json!("Acme"), &json!("owner"))
    );
    let joined = accept(&world, newcomer(&link)).await.is(200);
    let path = format!("/organisations/{}/members", made.at("/id"));
    let members = world.anonymous("GET", &path).cookie(&joined.cookie());
    let members = members.send().await.is(200).json();
    assert_eq!(members["items"].as_array().unwrap().len(), 1);
    assert_eq!(members["items"][0]["role"], "owner");

    let refused = create(json!({"name": "Other", "owner": "nowhere"})).await;
    refused.problem(422, "invalid_fields");
    assert_eq!(refused.pointers(), ["/owner"]);
}

#[tokio::test]
async fn an_operator_who_names_the_owner_is_no_member() {
    let world = World::new().await;
    let rights = InstallationRights {
        operator: true,
        reviewer: false,
    };
    let operator = world.person_with(rights).await;
    let create = async |body: Value| {
        let call = world.anonymous("POST", "/installation/organisations");
        let call = call.cookie(&operator.cookie).json(body);
        call.send().await.is(201).at("/id")
    };
    let named = create(json!({"name": "Named", "owner": EMAIL})).await;
    let own = create(json!({"name": "Own"})).await;
    let seen = async |id: &str| {
        let path = format!("/organisations/{id}");
        let call = world.anonymous("GET", &path).cookie(&operator.cookie);
        call.send().await.status.as_u16()
    };
    assert_eq!((seen(&named).await, seen(&own).await), (404, 200));
}

#[tokio::test]
async fn an_address_that_got_too_many_invitations_is_left_in_peace() {
    let world = World::new().await;
    let admin = world.person(Role::Admin).await;
    for _ in 0..5 {
        invite(&world, &admin.cookie, EMAIL, "viewer").await.is(201);
    }
    let refused = invite(&world, &admin.cookie, EMAIL, "viewer").await;
    let problem = refused.problem(429, "too_many_letters");
    assert_eq!(refused.header("retry-after"), "3600");
    assert!(
        problem["detail"].as_str().unwrap().contains("hour"),
        "{problem}"
    );
    // The last one that went out is the one that counts.
    let listed = world.get(&world.of_organisation("/invitations")).await;
    assert_eq!(listed.json()["items"].as_array().unwrap().len(), 1);
    world.clock.advance(Duration::from_secs(3600));
    invite(&world, &admin.cookie, EMAIL, "viewer").await.is(201);
}

#[tokio::test]
async fn a_link_ends_when_it_expires_is_withdrawn_or_is_replaced() {
    let world = World::new().await;
    let admin = world.person(Role::Admin).await;
    invite(&world, &admin.cookie, EMAIL, "viewer").await.is(201);
    let replaced = world.link_to(EMAIL).await;
    world.clock.advance(Duration::from_secs(1));
    let made = invite(&world, &admin.cookie, EMAIL, "member").await.is(201);
    let withdrawn = world.link_to(EMAIL).await;
    look(&world, &replaced).await.problem(410, "link_ended");
    look(&world, &withdrawn).await.is(200);

    let path = world.of_organisation(&format!("/invitations/{}", made.at("/id")));
    world.call("DELETE", &path).send().await.is(204);
    accept(&world, newcomer(&withdrawn))
        .await
        .problem(410, "link_ended");
    world
        .call("DELETE", &path)
        .send()
        .await
        .problem(404, "not_found");

    world.clock.advance(Duration::from_secs(1));
    invite(&world, &admin.cookie, EMAIL, "viewer").await.is(201);
    let expired = world.link_to(EMAIL).await;
    world.clock.advance(Duration::from_secs(7 * 24 * 3600));
    look(&world, &expired).await.problem(410, "link_ended");
    accept(&world, newcomer(&expired))
        .await
        .problem(410, "link_ended");
}

#[tokio::test]
async fn guessing_links_is_slowed_down() {
    let world = World::new().await;
    let link = world
        .invitation(world.organisation, Role::Viewer, EMAIL)
        .await;
    let cut = &link[..link.len() - 1];
    let wrong = format!("{cut}{}", if link.ends_with('0') { '1' } else { '0' });
    for _ in 0..20 {
        look(&world, &wrong).await.problem(410, "link_ended");
    }
    accept(&world, newcomer(&wrong))
        .await
        .problem(429, "too_many_failures");
}

#[tokio::test]
async fn the_first_administrators_link_makes_the_first_account_and_no_other() {
    let world = World::new().await;
    let until = world.now() + Duration::from_secs(3600);
    let first = async || {
        let made = world.store.invite_first_administrator("Test", until).await;
        made.unwrap().map(|made| made.text.expose().to_owned())
    };
    let (replaced, link) = (first().await.unwrap(), first().await.unwrap());
    look(&world, &replaced).await.problem(410, "link_ended");
    assert_eq!(look(&world, &link).await.json()["email"], Value::Null);
    let refused = accept(&world, newcomer(&link)).await;
    refused.problem(422, "invalid_fields");
    assert_eq!(refused.pointers(), ["/email"]);

    let mut body = newcomer(&link);
    body["email"] = json!(EMAIL);
    let joined = accept(&world, body.clone()).await.is(200);
    assert_eq!(
        joined.json()["person"]["installation"],
        json!({"operator": true, "reviewer": true})
    );
    let people = world
        .anonymous("GET", "/installation/people")
        .cookie(&joined.cookie());
    people.send().await.is(200);
    let mine = world
        .anonymous("GET", "/me/organisations")
        .cookie(&joined.cookie());
    assert_eq!(mine.send().await.at("/items/0/role"), "owner");
    accept(&world, body).await.problem(410, "link_ended");
    assert_eq!(first().await, None);
}

#[tokio::test]
async fn a_letter_names_the_person_who_invites_not_their_token() {
    let world = World::new().await;
    let admin = world.person(Role::Admin).await;
    let path = world.of_organisation("/invitations");
    let invite = async |call: Call<'_>, email: &str| {
        let body = json!({"email": email, "role": "viewer"});
        call.json(body).send().await.is(201);
        world.letter_to(email).await
    };
    let call = || world.anonymous("POST", &path);
    let by_cookie = invite(call().cookie(&admin.cookie), "a@example.com").await;
    let by_token = invite(call().token(Some(&admin.token)), "b@example.com").await;
    // A long name is cut: the address is what counts.
    let name: String = format!("Name of {}", admin.email)
        .chars()
        .take(40)
        .collect();
    let expected = format!("{name} ({}) invites: ", admin.email);
    for letter in [by_cookie, by_token] {
        assert!(letter.starts_with(&expected), "{letter}");
    }
    let by_installation = invite(call().token(Some(&world.token)), "c@example.com").await;
    assert!(
        by_installation.starts_with("An operator of the installation invites: "),
        "{by_installation}"
    );
}

#[tokio::test]
async fn an_organisation_with_too_much_mail_waiting_is_told_to_wait() {
    let world = World::new().await;
    let path = world.of_organisation("/invitations");
    let invite = async |number: u32| {
        let email = format!("person-{number}@example.com");
        let body = json!({"email": email, "role": "viewer"});
        world.post(&path, body).await
    };
    // A tenth of the ten thousand that may wait.
    for number in 0..1000 {
        invite(number).await.is(201);
    }
    let refused = invite(1000).await;
    let detail = refused.problem(429, "too_many_letters")["detail"].to_string();
    assert!(detail.contains("this organisation"), "{detail}");
    assert_eq!(refused.header("retry-after"), "60");
}
