//! Signing in and out with a browser.

use std::time::Duration;

use futures_util::future::join_all;
use model::access::Role;
use serde_json::json;

use super::World;
use super::call::Answer;
use super::world::{PASSWORD, cheap};

const EMAIL: &str = "someone@example.com";

/// A world with an account of [`EMAIL`].
async fn with_account() -> World {
    let world = World::new().await;
    world.account(world.organisation, Role::Admin, EMAIL).await;
    world
}

async fn sign_in(world: &World, email: &str, password: &str) -> Answer {
    let body = json!({"email": email, "password": password});
    world.anonymous("POST", "/session").json(body).send().await
}

async fn is_signed_in(world: &World, cookie: &str) -> bool {
    let me = world.anonymous("GET", "/me").cookie(cookie).send().await;
    me.status.as_u16() == 200
}

#[tokio::test]
async fn a_person_signs_in_and_out() {
    let world = with_account().await;
    let answer = sign_in(&world, " Someone@Example.com ", PASSWORD).await;
    let answer = answer.is(200);
    assert_eq!(answer.at("/person/email"), EMAIL);
    assert!(!answer.text.contains("mss_"), "{}", answer.text);
    let cookie = answer.cookie();
    let me = world.anonymous("GET", "/me").cookie(&cookie).send().await;
    assert_eq!(me.is(200).at("/kind"), "person");

    let out = world.anonymous("DELETE", "/session").cookie(&cookie);
    let out = out.send().await.is(204);
    assert!(out.header("set-cookie").contains("Max-Age=0"));
    assert!(!is_signed_in(&world, &cookie).await);
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_account_are_answered_alike() {
    let world = with_account().await;
    let wrong = sign_in(&world, EMAIL, "wrong").await;
    wrong.problem(401, "wrong_credentials");
    let long = "x".repeat(100_000);
    for (email, password) in [
        ("nobody@example.com", PASSWORD),
        ("", ""),
        (EMAIL, ""),
        (EMAIL, long.as_str()),
        (long.as_str(), PASSWORD),
    ] {
        let other = sign_in(&world, email, password).await;
        assert_eq!((other.status, &other.text), (wrong.status, &wrong.text));
        assert_eq!(other.header("set-cookie"), "");
    }
}

#[tokio::test]
async fn the_cookie_is_kept_from_scripts_and_from_open_connections() {
    let world = with_account().await;
    for (host, open) in [("localhost:8080", true), ("millstream.example.com", false)] {
        let body = json!({"email": EMAIL, "password": PASSWORD});
        let call = world.anonymous("POST", "/session").header("host", host);
        let answer = call.json(body).send().await.is(200);
        let set = answer.header("set-cookie");
        let month = 30 * 24 * 3600;
        let expected = "; Path=/; HttpOnly; SameSite=Lax";
        assert!(set.contains(expected), "{set}");
        assert!(set.contains(&format!("; Max-Age={month}")), "{set}");
        assert_eq!(set.ends_with("; Secure"), !open, "{host}: {set}");
    }
}

#[tokio::test]
async fn what_a_request_says_of_its_host_is_not_believed_where_the_configuration_says_it() {
    let world = World::at_public_url().await;
    world.account(world.organisation, Role::Admin, EMAIL).await;
    for host in [
        "localhost:8080",
        "evil.example.com",
        "millstream.example.com",
    ] {
        let body = json!({"email": EMAIL, "password": PASSWORD});
        let call = world.anonymous("POST", "/session").header("host", host);
        let answer = call.json(body).send().await.is(200);
        let set = answer.header("set-cookie");
        assert!(set.ends_with("; Secure"), "{host}: {set}");
        let rename = world.anonymous("PATCH", "/me").cookie(&answer.cookie());
        let rename = rename.header("host", host).header("if-match", "*");
        let rename = rename.json(json!({"name": "X"}));
        let other = rename.header("origin", "https://evil.example.com");
        other.send().await.problem(403, "cross_site");
        let rename = world.anonymous("PATCH", "/me").cookie(&answer.cookie());
        let rename = rename.header("host", host).header("if-match", "*");
        let rename = rename.json(json!({"name": "X"}));
        let own = rename.header("origin", "https://millstream.example.com");
        own.send().await.is(200);
    }
}

#[tokio::test]
async fn guessing_at_an_account_is_slowed_down_wherever_it_comes_from() {
    let world = with_account().await;
    let guess = async |number: usize, email: &str, password: &str| {
        let body = json!({"email": email, "password": password});
        let call = world.anonymous("POST", "/session").json(body);
        call.from(&format!("192.0.2.{number}")).send().await
    };
    for number in 0..10 {
        guess(number, EMAIL, "wrong")
            .await
            .problem(401, "wrong_credentials");
    }
    let refused = guess(11, EMAIL, PASSWORD).await;
    refused.problem(429, "too_many_failures");
    assert_eq!(refused.header("retry-after"), "300");
    // An account that doesn't exist is slowed down alike: nothing tells them apart.
    for number in 0..10 {
        guess(number + 20, "nobody@example.com", "wrong")
            .await
            .is(401);
    }
    let nobody = guess(31, "nobody@example.com", "wrong").await;
    assert_eq!(
        (nobody.status, &nobody.text),
        (refused.status, &refused.text)
    );

    world.clock.advance(Duration::from_secs(300));
    guess(12, EMAIL, PASSWORD).await.is(200);
}

#[tokio::test]
async fn an_address_that_guesses_at_many_accounts_is_slowed_down() {
    let world = with_account().await;
    let guess = async |email: &str, address: &str| {
        let body = json!({"email": email, "password": PASSWORD});
        let call = world.anonymous("POST", "/session").json(body);
        call.from(address).send().await
    };
    for number in 0..20 {
        let email = format!("nobody{number}@example.com");
        guess(&email, "192.0.2.1").await.is(401);
    }
    guess(EMAIL, "192.0.2.1")
        .await
        .problem(429, "too_many_failures");
    guess(EMAIL, "192.0.2.2").await.is(200);
    world.clock.advance(Duration::from_secs(60));
    guess(EMAIL, "192.0.2.1").await.is(200);
}

#[tokio::test]
async fn of_guesses_at_once_no_more_are_looked_at_than_one_after_the_other() {
    let world = with_account().await;
    let guesses = join_all((0..50).map(|_| sign_in(&world, EMAIL, "wrong"))).await;
    let looked_at = guesses.iter().filter(|guess| guess.status.as_u16() == 401);
    assert_eq!(looked_at.count(), 10);
    // Signing in well is no failure, however often.
    let other = "other@example.com";
    world.account(world.organisation, Role::Viewer, other).await;
    world.clock.advance(Duration::from_secs(60));
    for _ in 0..30 {
        sign_in(&world, other, PASSWORD).await.is(200);
    }
}

#[tokio::test]
async fn signing_in_again_ends_the_session_that_was_there() {
    let world = with_account().await;
    let first = sign_in(&world, EMAIL, PASSWORD).await.cookie();
    let body = json!({"email": EMAIL, "password": PASSWORD});
    let again = world.anonymous("POST", "/session").cookie(&first);
    let second = again.json(body).send().await.is(200).cookie();
    assert_ne!(first, second);
    assert!(!is_signed_in(&world, &first).await);
    assert!(is_signed_in(&world, &second).await);
}

#[tokio::test]
async fn a_change_of_rights_ends_the_session_also_the_one_that_makes_it() {
    let world = World::new().await;
    let member = world.person(Role::Viewer).await;
    let me = |cookie: &str| world.anonymous("GET", "/me").cookie(cookie).send();
    assert_eq!(me(&member.cookie).await.is(200).header("set-cookie"), "");

    let path = world.of_organisation(&format!("/members/{}", member.id));
    world.change(&path, json!({"role": "member"})).await.is(200);
    let ended = me(&member.cookie).await;
    ended.problem(401, "unauthenticated");
    assert_eq!(ended.header("set-cookie"), "");

    let owner = world.person(Role::Owner).await;
    world.person(Role::Owner).await;
    let path = world.of_organisation(&format!("/members/{}", owner.id));
    let change = world.anonymous("PATCH", &path).cookie(&owner.cookie);
    let change = change.header("if-match", "*");
    let changed = change.json(json!({"role": "admin"})).send().await.is(200);
    // Whoever has a stolen copy of the cookie would get the new one, without a proof of who they are.
    assert_eq!(changed.header("set-cookie"), "");
    me(&owner.cookie).await.problem(401, "unauthenticated");
}

#[tokio::test]
async fn a_session_ends_when_it_is_not_used_and_at_the_latest_after_its_lifetime() {
    let world = with_account().await;
    let day = Duration::from_secs(24 * 3600);
    let idle = sign_in(&world, EMAIL, PASSWORD).await.cookie();
    let used = sign_in(&world, EMAIL, PASSWORD).await.cookie();
    for _ in 0..7 {
        world.clock.advance(day);
        assert!(is_signed_in(&world, &used).await);
    }
    assert!(!is_signed_in(&world, &idle).await);
    for _ in 7..29 {
        world.clock.advance(day);
        assert!(is_signed_in(&world, &used).await);
    }
    world.clock.advance(day);
    assert!(!is_signed_in(&world, &used).await);
}

#[tokio::test]
async fn sessions_are_listed_without_their_secrets_and_ended_one_by_one() {
    let world = with_account().await;
    let body = json!({"email": EMAIL, "password": PASSWORD});
    let call = world.anonymous("POST", "/session").from("203.0.113.9");
    let call = call.header("user-agent", &format!("Browser{}", "x".repeat(500)));
    let present = call.json(body).send().await.cookie();
    world.clock.advance(Duration::from_secs(1));
    let lost = sign_in(&world, EMAIL, PASSWORD).await.cookie();

    let listed = world.anonymous("GET", "/me/sessions").cookie(&present);
    let listed = listed.send().await.is(200);
    for cookie in [&present, &lost] {
        let secret = cookie.rsplit('_').next().unwrap();
        assert!(!listed.text.contains(secret));
    }
    let sessions = listed.json()["items"].clone();
    assert_eq!(sessions[0]["address"], "203.0.113.9");
    assert_eq!(sessions[0]["user_agent"].as_str().unwrap().len(), 200);
    assert_eq!(
        (&sessions[0]["present"], &sessions[1]["present"]),
        (&json!(true), &json!(false))
    );

    let path = format!("/me/sessions/{}", sessions[1]["id"].as_str().unwrap());
    let end = || world.anonymous("DELETE", &path).cookie(&present).send();
    end().await.is(204);
    assert!(!is_signed_in(&world, &lost).await);
    assert!(is_signed_in(&world, &present).await);
    end().await.problem(404, "not_found");
}

#[tokio::test]
async fn a_hostile_page_can_do_nothing_with_somebodys_cookie() {
    let world = World::new().await;
    let owner = world.person(Role::Owner).await;
    let document = world.get("/openapi.json").await.json();
    let foreign: [(&str, &str); 5] = [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("sec-fetch-site", "nonsense"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
    ];
    let mut tried = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        let path = path.strip_prefix("/api/v1").unwrap();
        let path = path.replace("{organisation}", &world.organisation.to_string());
        let path = path.replace(['{', '}'], "");
        for method in item.as_object().unwrap().keys() {
            if method == "get" {
                continue;
            }
            for (name, value) in foreign {
                let call = world
                    .anonymous(&method.to_uppercase(), &path)
                    .cookie(&owner.cookie);
                let call = call
                    .header("host", "millstream.example.com")
                    .header(name, value);
                let answer = call.json(json!({})).send().await;
                assert_eq!(
                    answer.status.as_u16(),
                    403,
                    "{method} {path}: {}",
                    answer.text
                );
                answer.problem(403, "cross_site");
                tried += 1;
            }
        }
    }
    assert!(tried > 100, "{tried}");

    // Our own pages may, and programs have no cookie that a page could use.
    let rename = |name: &str| {
        let call = world.anonymous("PATCH", "/me").header("if-match", "*");
        call.json(json!({"name": name}))
    };
    let own = rename("A")
        .cookie(&owner.cookie)
        .header("sec-fetch-site", "same-origin");
    own.send().await.is(200);
    let own = rename("B")
        .cookie(&owner.cookie)
        .header("host", "millstream.example.com");
    let own = own.header("origin", "https://millstream.example.com");
    own.send().await.is(200);
    let name = json!({"name": "by a program"});
    world.post(&world.projects(), name).await.is(201);
    let program = world
        .call("POST", &world.projects())
        .header("sec-fetch-site", "cross-site");
    let program = program.json(json!({"name": "by a program in a page"}));
    program.send().await.is(201);
}

#[tokio::test]
async fn no_answer_is_kept_by_caches_and_none_is_for_other_origins() {
    let world = World::new().await;
    let paths = [
        "/me",
        "/session",
        "/nothing",
        "/openapi.json",
        "/organisations/x",
    ];
    for path in paths {
        for method in ["GET", "POST", "OPTIONS"] {
            for token in [None, Some(world.token.as_str())] {
                let call = world.anonymous(method, path).token(token);
                let answer = call.header("origin", "https://evil.example").send().await;
                assert_eq!(
                    answer.header("cache-control"),
                    "no-store",
                    "{method} {path}"
                );
                assert_eq!(answer.header("access-control-allow-origin"), "");
            }
        }
    }
}

#[tokio::test]
async fn a_caller_that_asks_too_often_waits_and_others_do_not() {
    let config = millstream_api::auth::Config {
        requests_per_second: 2,
        ..cheap()
    };
    let world = World::with(config, Vec::new()).await;
    let member = world.person(Role::Member).await;
    let me = || {
        world
            .anonymous("GET", "/me")
            .token(Some(&member.token))
            .send()
    };
    for _ in 0..20 {
        me().await.is(200);
    }
    let refused = me().await;
    refused.problem(429, "rate_limited");
    assert_eq!(refused.header("retry-after"), "1");
    world
        .anonymous("GET", "/me")
        .cookie(&member.cookie)
        .send()
        .await
        .is(200);
    world.clock.advance(Duration::from_millis(500));
    me().await.is(200);
}

#[tokio::test]
async fn all_tokens_of_a_person_share_a_rate() {
    let config = millstream_api::auth::Config {
        requests_per_second: 2,
        ..cheap()
    };
    let world = World::with(config, Vec::new()).await;
    let member = world.person(Role::Member).await;
    let other = world.person(Role::Member).await;
    let mut answered = 0;
    for _ in 0..10 {
        let token = world.token_of(world.organisation, member.id, None).await;
        for _ in 0..20 {
            let call = world.anonymous("GET", "/me").token(Some(&token));
            let answer = call.send().await;
            if answer.status.as_u16() == 200 {
                answered += 1;
            } else {
                answer.problem(429, "rate_limited");
            }
        }
    }
    // Four times as many as one token's.
    assert_eq!(answered, 80);
    let call = world.anonymous("GET", "/me").token(Some(&other.token));
    call.send().await.is(200);
}

#[tokio::test]
async fn addresses_are_those_that_trusted_proxies_name() {
    let proxies = vec!["10.0.0.0/8".parse().unwrap()];
    let world = World::with(cheap(), proxies).await;
    world.account(world.organisation, Role::Admin, EMAIL).await;
    let guess = async |number: usize| {
        let body = json!({"email": format!("nobody{number}@example.com"), "password": "x"});
        let call = world.anonymous("POST", "/session").from("192.0.2.1");
        let call = call.header("x-forwarded-for", &format!("198.51.100.{number}"));
        call.json(body).send().await
    };
    // Somebody who is no proxy gets no other address by saying so.
    for number in 0..20 {
        guess(number).await.is(401);
    }
    guess(20).await.problem(429, "too_many_failures");
    let body = json!({"email": EMAIL, "password": PASSWORD});
    let call = world.anonymous("POST", "/session").from("10.0.0.1");
    let call = call
        .header("x-forwarded-for", "6.6.6.6, 203.0.113.7")
        .json(body);
    let cookie = call.send().await.is(200).cookie();
    let sessions = world
        .anonymous("GET", "/me/sessions")
        .cookie(&cookie)
        .send()
        .await;
    assert_eq!(sessions.at("/items/0/address"), "203.0.113.7");
}

#[tokio::test]
async fn a_session_that_was_not_used_for_long_is_not_listed() {
    let world = with_account().await;
    sign_in(&world, EMAIL, PASSWORD).await.is(200);
    world.clock.advance(cheap().session_idle);
    let cookie = sign_in(&world, EMAIL, PASSWORD).await.is(200).cookie();
    let listed = world.anonymous("GET", "/me/sessions").cookie(&cookie);
    let listed = listed.send().await.is(200).json();
    let present: Vec<_> = listed["items"].as_array().unwrap().iter().collect();
    assert_eq!(present.len(), 1, "{listed}");
    assert_eq!(present[0]["present"], true);
}

#[tokio::test]
async fn a_sign_in_from_a_network_that_is_new_to_the_account_is_told() {
    let world = with_account().await;
    let from = async |address: &str| {
        let body = json!({"email": EMAIL, "password": PASSWORD});
        let call = world.anonymous("POST", "/session").from(address).json(body);
        call.send().await.is(200);
        let mails = world.store.mails(None, None, 200).await.unwrap().items;
        let told = mails.iter().filter(|mail| mail.kind.name() == "sign_in");
        told.filter(|mail| mail.recipient == EMAIL).count()
    };
    // The first one is no news: there is none to compare it with.
    assert_eq!(from("192.0.2.1").await, 0);
    assert_eq!(from("192.0.2.1").await, 0);
    assert_eq!(from("192.0.2.2").await, 1);
    assert_eq!(from("192.0.2.2").await, 1);
    assert_eq!(from("2001:db8:1:2::3").await, 2);
    assert_eq!(from("2001:db8:1:2:99::").await, 2);
    assert_eq!(from("192.0.2.1").await, 2);
    // As far back as the audit log goes.
    world.clock.advance(Duration::from_secs(3600));
    let kept = Duration::from_secs(1800);
    world.store.clear_expired(kept).await.unwrap();
    assert_eq!(from("192.0.2.2").await, 2);
    assert_eq!(from("192.0.2.1").await, 3);
}
