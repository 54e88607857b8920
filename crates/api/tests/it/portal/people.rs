//! Accounts as operators look after them, and as people delete their own.

use model::access::{InstallationRights, Role};
use serde_json::{Value, json};

use super::World;
use super::call::Answer;
use super::world::{PASSWORD, Somebody};

async fn sign_in(world: &World, email: &str) -> Answer {
    let body = json!({"email": email, "password": PASSWORD});
    world.anonymous("POST", "/session").json(body).send().await
}

fn of(person: &Somebody, rest: &str) -> String {
    format!("/installation/people/{}{rest}", person.id)
}

/// The actions of the installation's log, newest first.
async fn told(world: &World) -> Vec<String> {
    let log = world.get("/installation/audit").await.json();
    let items = log["items"].as_array().unwrap().iter();
    let actions = items.map(|entry| entry["action"].as_str().unwrap().to_owned());
    actions.collect()
}

#[tokio::test]
async fn people_are_searched_by_the_beginning_of_their_address_and_shown() {
    let world = World::new().await;
    for email in ["ann@example.com", "anna@example.com", "bob@example.com"] {
        world.account(world.organisation, Role::Viewer, email).await;
    }
    let search = async |query: &str| {
        let path = format!("/installation/people?{query}");
        let found = world.get(&path).await.is(200).json();
        let items = found["items"].as_array().unwrap().clone();
        let emails = items
            .iter()
            .map(|item| item["email"].as_str().unwrap().to_owned());
        let mut emails: Vec<_> = emails.collect();
        emails.sort();
        (emails, items)
    };
    assert_eq!(search("").await.0.len(), 3);
    let (found, people) = search("email=ANN").await;
    assert_eq!(found, ["ann@example.com", "anna@example.com"]);
    assert_eq!(search("email=bob@example.com").await.0.len(), 1);
    assert!(search("email=x").await.0.is_empty());
    let path = format!("/installation/people/{}", people[0]["id"].as_str().unwrap());
    let shown = world.get(&path).await.is(200).json();
    assert_eq!(shown, people[0]);
    assert_eq!(shown["locked_at"], Value::Null);
    let long = format!("/installation/people?email={}", "x".repeat(255));
    world.get(&long).await.problem(400, "malformed_query");
}

#[tokio::test]
async fn a_locked_person_is_let_in_by_nothing_and_told_by_letter() {
    let world = World::new().await;
    let person = world.person(Role::Member).await;
    world.clock.advance(std::time::Duration::from_secs(1));
    let locked = world.call("POST", &of(&person, "/lock")).send().await;
    let locked = locked.is(200).json();
    assert!(locked["locked_at"].is_string(), "{locked}");
    assert_eq!(told(&world).await[0], "person.lock");
    assert_eq!(world.letter_to(&person.email).await, "account_locked");

    let me = || world.anonymous("GET", "/me");
    let by_cookie = me().cookie(&person.cookie).send().await;
    by_cookie.problem(401, "unauthenticated");
    let by_token = me().token(Some(&person.token)).send().await;
    by_token.problem(401, "unauthenticated");
    let refused = sign_in(&world, &person.email).await;
    refused.problem(403, "account_locked");
    assert_eq!(refused.header("set-cookie"), "");
    // Who doesn't know the password isn't told.
    let guess = json!({"email": person.email, "password": "wrong"});
    let guess = world.anonymous("POST", "/session").json(guess).send().await;
    guess.problem(401, "wrong_credentials");
    // No letter brings a link to a new password.
    let forgotten = json!({"email": person.email});
    let asked = world.anonymous("POST", "/password-resets").json(forgotten);
    asked.send().await.is(202);
    world.portal.finish().await;
    assert_eq!(world.letter_to(&person.email).await, "account_locked");

    let unlocked = world.call("POST", &of(&person, "/unlock")).send().await;
    assert_eq!(unlocked.is(200).json()["locked_at"], Value::Null);
    me().token(Some(&person.token)).send().await.is(200);
    sign_in(&world, &person.email).await.is(200);
}

#[tokio::test]
async fn the_last_operator_locks_and_deletes_everyone_but_themselves() {
    let world = World::new().await;
    let rights = InstallationRights {
        operator: true,
        reviewer: false,
    };
    let operator = world.person_with(rights).await;
    for (method, rest) in [("POST", "/lock"), ("DELETE", "")] {
        let call = world.anonymous(method, &of(&operator, rest));
        let refused = call.cookie(&operator.cookie).send().await;
        let problem = refused.problem(409, "conflict");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains("needs an operator"), "{detail}");
    }
    let other = world.person_with(rights).await;
    let lock = world.anonymous("POST", &of(&other, "/lock"));
    lock.cookie(&operator.cookie).send().await.is(200);
    let delete = world.anonymous("DELETE", &of(&other, ""));
    delete.cookie(&operator.cookie).send().await.is(204);
    world.get(&of(&other, "")).await.problem(404, "not_found");
}

#[tokio::test]
async fn sessions_end_and_a_lost_second_factor_is_removed() {
    let world = World::new().await;
    let person = world.person(Role::Member).await;
    let ended = world.call("DELETE", &of(&person, "/sessions")).send().await;
    ended.is(204);
    let me = || world.anonymous("GET", "/me");
    let by_cookie = me().cookie(&person.cookie).send().await;
    by_cookie.problem(401, "unauthenticated");
    me().token(Some(&person.token)).send().await.is(200);

    let path = of(&person, "/second-factor");
    let remove = async || world.call("DELETE", &path).send().await.is(204);
    let letters = async || {
        world
            .store
            .mails(None, None, 200)
            .await
            .unwrap()
            .items
            .len()
    };
    let before = letters().await;
    remove().await;
    assert_eq!(letters().await, before, "there was none to remove");
    let secret = store::Secret::new("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ".into());
    let by = store::Caller::system();
    let given = world
        .store
        .set_second_factor(person.id, &secret, 1, &[], &by);
    given.await.unwrap();
    let refused = sign_in(&world, &person.email).await;
    refused.problem(401, "second_factor_needed");
    remove().await;
    sign_in(&world, &person.email).await.is(200);
    assert_eq!(letters().await, before + 1);
    assert!(
        told(&world)
            .await
            .contains(&"person.remove_second_factor".into())
    );
}

#[tokio::test]
async fn people_delete_their_own_account_with_their_password() {
    let world = World::new().await;
    let (owner, person) = (
        world.person(Role::Owner).await,
        world.person(Role::Member).await,
    );
    world.clock.advance(std::time::Duration::from_secs(1));
    let delete = async |who: &Somebody, password: &str| {
        let call = world.anonymous("POST", "/me/delete").cookie(&who.cookie);
        call.json(json!({"password": password})).send().await
    };
    let wrong = delete(&person, "wrong").await;
    wrong.problem(422, "invalid_fields");
    assert_eq!(wrong.pointers(), ["/password"]);
    let refused = delete(&owner, PASSWORD).await.problem(409, "conflict");
    let detail = refused["detail"].as_str().unwrap();
    assert!(detail.contains("the organisation Test"), "{detail}");

    let deleted = delete(&person, PASSWORD).await.is(204);
    assert!(deleted.header("set-cookie").contains("Max-Age=0"));
    assert_eq!(world.letter_to(&person.email).await, "account_deleted");
    let gone = sign_in(&world, &person.email).await;
    gone.problem(401, "wrong_credentials");
    let log = world.get(&world.of_organisation("/audit")).await.json();
    // Of one moment, in any order: the membership and the token that ended with it.
    let newest = log["items"].as_array().unwrap().iter().take(2);
    let mut actions: Vec<_> = newest
        .map(|entry| (entry["action"].clone(), entry["actor"]["id"].clone()))
        .collect();
    actions.sort_by_key(|(action, _)| action.to_string());
    let by = json!(person.id.to_string());
    let expected = ["member.remove", "token.revoke"].map(|action| (json!(action), by.clone()));
    assert_eq!(actions, expected);
}

#[tokio::test]
async fn operators_invite_an_owner_where_there_is_none() {
    let world = World::new().await;
    let path = format!("/installation/organisations/{}/owner", world.organisation);
    let email = "new@example.com";
    let invite = || world.post(&path, json!({"email": email}));
    let invited = invite().await.is(201).json();
    assert_eq!(
        (&invited["email"], &invited["role"]),
        (&json!(email), &json!("owner"))
    );
    let accept = json!({
        "token": world.link_to(email).await, "name": "New", "password": PASSWORD,
    });
    let accepted = world.anonymous("POST", "/invitations/accept").json(accept);
    accepted.send().await.is(200);
    let refused = invite().await.problem(409, "conflict");
    assert!(refused["detail"].as_str().unwrap().contains("has an owner"));
    let nowhere = world.post(&path, json!({"email": "nowhere"})).await;
    assert_eq!(nowhere.pointers(), ["/email"]);
}
