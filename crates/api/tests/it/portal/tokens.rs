//! API tokens, and what people with roles may do with them and with each other.

use std::time::Duration;

use model::PersonId;
use model::access::{InstallationRights, Permission, Role};
use serde_json::{Value, json};

use super::World;
use super::call::Answer;
use super::world::PUBLIC_URL;

async fn make(world: &World, maker: &str, body: Value) -> Answer {
    let call = world.anonymous("POST", &world.of_organisation("/tokens"));
    call.token(Some(maker)).json(body).send().await
}

fn id_of(token: &str) -> &str {
    token.split('_').nth(1).unwrap()
}

#[tokio::test]
async fn a_token_is_shown_once_does_what_its_scopes_say_and_is_seen_in_use() {
    let world = World::new().await;
    let member = world.person(Role::Member).await;
    let made = make(
        &world,
        &member.token,
        json!({"name": "ci", "scopes": ["projects:read"]}),
    )
    .await;
    let made = made.is(201);
    let text = made.at("/text");
    assert_eq!(made.json()["token"]["used_at"], Value::Null);
    let list = || {
        world
            .anonymous("GET", &world.of_organisation("/tokens"))
            .cookie(&member.cookie)
    };
    let listed = list().send().await.is(200);
    let secret = text.rsplit('_').next().unwrap();
    assert!(!listed.text.contains(secret));
    // Others' are not listed.
    for item in listed.json()["items"].as_array().unwrap() {
        assert_eq!(item["person"], member.id.to_string());
    }

    let with = |path: &str| world.anonymous("GET", path).token(Some(&text)).send();
    with(&world.projects()).await.is(200);
    with(&world.of_organisation("/members"))
        .await
        .problem(403, "forbidden");
    let now = list().send().await.json();
    let used = now["items"].as_array().unwrap().iter();
    let mut used = used.filter(|item| item["id"] == id_of(&text));
    assert_eq!(used.next().unwrap()["used_at"], "2026-01-01T00:00:00.000Z");
}

#[tokio::test]
async fn a_token_ends_when_it_expires_is_revoked_or_its_person_leaves() {
    let world = World::new().await;
    let member = world.person(Role::Member).await;
    let me = |token: &str| world.anonymous("GET", "/me").token(Some(token)).send();
    let body = json!({"name": "ci", "expires_at": "2026-01-01T01:00:00Z"});
    let expiring = make(&world, &member.token, body).await.is(201).at("/text");
    me(&expiring).await.is(200);
    world.clock.advance(Duration::from_secs(3600));
    me(&expiring).await.problem(401, "unauthenticated");

    let revoked = make(&world, &member.token, json!({"name": "ci"}))
        .await
        .at("/text");
    let path = world.of_organisation(&format!("/tokens/{}", id_of(&revoked)));
    let revoke = world.anonymous("DELETE", &path).token(Some(&member.token));
    revoke.send().await.is(200);
    me(&revoked).await.problem(401, "unauthenticated");

    me(&member.token).await.is(200);
    let path = world.of_organisation(&format!("/members/{}", member.id));
    world.call("DELETE", &path).send().await.is(204);
    me(&member.token).await.problem(401, "unauthenticated");
}

#[tokio::test]
async fn no_token_makes_one_that_may_more_or_lasts_longer() {
    let world = World::new().await;
    let admin = world.person(Role::Admin).await;
    let refused = make(
        &world,
        &admin.token,
        json!({"name": "x", "scopes": ["owners:write"]}),
    )
    .await;
    refused.problem(422, "invalid_fields");
    assert_eq!(refused.pointers(), ["/scopes/0"]);

    let body = json!({"name": "narrow", "expires_at": "2026-01-01T01:00:00Z",
        "scopes": ["tokens:create", "projects:read"]});
    let narrow = make(&world, &admin.token, body).await.is(201).at("/text");
    let wider = make(
        &world,
        &narrow,
        json!({"name": "x", "scopes": ["projects:write"]}),
    )
    .await;
    assert_eq!(wider.is(422).pointers(), ["/scopes/0"]);
    let later = json!({"name": "x", "expires_at": "2026-01-01T01:00:01Z"});
    assert_eq!(
        make(&world, &narrow, later).await.is(422).pointers(),
        ["/expires_at"]
    );

    let child = make(&world, &narrow, json!({"name": "x"}))
        .await
        .is(201)
        .json();
    assert_eq!(
        child["token"]["scopes"],
        json!(["projects:read", "tokens:create"])
    );
    assert_eq!(child["token"]["expires_at"], "2026-01-01T01:00:00.000Z");
    let past = json!({"name": "x", "expires_at": "2025-12-31T23:59:59Z"});
    assert_eq!(
        make(&world, &admin.token, past).await.is(422).pointers(),
        ["/expires_at"]
    );
    let none = make(&world, &admin.token, json!({"name": "x", "scopes": []})).await;
    assert_eq!(none.is(422).pointers(), ["/scopes"]);
    // Naming one scope a thousand times makes no longer list.
    let scopes = vec!["projects:read"; 1000];
    let many = make(&world, &admin.token, json!({"name": "x", "scopes": scopes})).await;
    assert_eq!(
        many.is(201).json()["token"]["scopes"],
        json!(["projects:read"])
    );
}

#[tokio::test]
async fn a_token_may_no_more_than_its_person_at_each_moment() {
    let world = World::new().await;
    let admin = world.person(Role::Admin).await;
    let make = |name: &str| {
        let call = world
            .anonymous("POST", &world.projects())
            .token(Some(&admin.token));
        call.json(json!({"name": name})).send()
    };
    make("a").await.is(201);
    let path = world.of_organisation(&format!("/members/{}", admin.id));
    world.change(&path, json!({"role": "viewer"})).await.is(200);
    make("b").await.problem(403, "forbidden");
}

#[tokio::test]
async fn only_operators_revoke_the_installations_own_tokens() {
    let world = World::new().await;
    let owner = world.person(Role::Owner).await;
    let path = world.of_organisation(&format!("/tokens/{}", id_of(&world.token)));
    let revoke = world.anonymous("DELETE", &path).token(Some(&owner.token));
    revoke.send().await.problem(403, "forbidden");
    world.get("/me").await.is(200);
    world.call("DELETE", &path).send().await.is(200);
    world.get("/me").await.problem(401, "unauthenticated");
}

#[tokio::test]
async fn a_token_is_told_what_it_may_do() {
    let world = World::new().await;
    let owner = world.person(Role::Owner).await;
    let narrow = vec![Permission::OrganisationRead];
    let narrow = world.token_of(world.organisation, owner.id, Some(narrow));
    let narrow = narrow.await;
    let me = world
        .anonymous("GET", "/me")
        .token(Some(&narrow))
        .send()
        .await;
    assert_eq!(me.json()["permissions"], json!(["organisation:read"]));
}

#[tokio::test]
async fn admins_do_not_touch_owners() {
    let world = World::new().await;
    let (owner, admin) = (
        world.person(Role::Owner).await,
        world.person(Role::Admin).await,
    );
    let viewer = world.person(Role::Viewer).await;
    let member = |id: PersonId| world.of_organisation(&format!("/members/{id}"));
    let change = async |cookie: &str, id: PersonId, role: &str| {
        let call = world.anonymous("PATCH", &member(id)).cookie(cookie);
        call.header("if-match", "*")
            .json(json!({"role": role}))
            .send()
            .await
    };
    let remove = async |cookie: &str, id: PersonId| {
        world
            .anonymous("DELETE", &member(id))
            .cookie(cookie)
            .send()
            .await
    };
    for refused in [
        change(&admin.cookie, owner.id, "viewer").await,
        change(&admin.cookie, viewer.id, "owner").await,
        change(&admin.cookie, admin.id, "owner").await,
        remove(&admin.cookie, owner.id).await,
    ] {
        let problem = refused.problem(403, "forbidden");
        assert!(
            problem["detail"].as_str().unwrap().contains("owners:write"),
            "{problem}"
        );
    }
    change(&admin.cookie, viewer.id, "admin").await.is(200);
    change(&owner.cookie, admin.id, "owner").await.is(200);
}

#[tokio::test]
async fn an_organisation_keeps_an_owner_and_the_installation_an_operator() {
    let world = World::new().await;
    let (owner, viewer) = (
        world.person(Role::Owner).await,
        world.person(Role::Viewer).await,
    );
    let member = |id: PersonId| world.of_organisation(&format!("/members/{id}"));
    world
        .change(&member(owner.id), json!({"role": "admin"}))
        .await
        .problem(409, "conflict");
    world
        .call("DELETE", &member(owner.id))
        .send()
        .await
        .problem(409, "conflict");
    // Everyone may leave; the last owner may not.
    let leave =
        |cookie: &str, id: PersonId| world.anonymous("DELETE", &member(id)).cookie(cookie).send();
    leave(&owner.cookie, owner.id)
        .await
        .problem(409, "conflict");
    leave(&viewer.cookie, viewer.id).await.is(204);
    let second = world.person(Role::Owner).await;
    leave(&owner.cookie, owner.id).await.is(204);

    let rights = |operator: bool| {
        let path = format!("/installation/people/{}/rights", second.id);
        let call = world.call("PATCH", &path).header("if-match", "*");
        call.json(json!({"operator": operator})).send()
    };
    rights(true).await.is(200);
    rights(false).await.problem(409, "conflict");
}

#[tokio::test]
async fn a_token_with_the_one_scope_removes_a_member_and_revokes_a_token() {
    let world = World::new().await;
    let admin = world.person(Role::Admin).await;
    let member = world.person(Role::Member).await;
    let with = async |permission: Permission, method: &str, path: &str| {
        let scopes = Some(vec![permission]);
        let token = world.token_of(world.organisation, admin.id, scopes).await;
        let call = world.anonymous(method, path).token(Some(&token));
        call.send().await
    };
    let token = world.of_organisation(&format!("/tokens/{}", id_of(&member.token)));
    let path = world.of_organisation(&format!("/members/{}", member.id));
    for path in [&token, &path] {
        with(Permission::OrganisationRead, "DELETE", path)
            .await
            .problem(403, "forbidden");
    }
    with(Permission::TokensWrite, "DELETE", &token)
        .await
        .is(200);
    with(Permission::MembersWrite, "DELETE", &path)
        .await
        .is(204);
    world.get(&path).await.problem(404, "not_found");
}

#[tokio::test]
async fn a_token_ends_itself_whatever_its_scopes_are() {
    let world = World::new().await;
    let member = world.person(Role::Member).await;
    let scopes = Some(vec![Permission::ProjectsRead]);
    let token = world.token_of(world.organisation, member.id, scopes).await;
    let path = world.of_organisation(&format!("/tokens/{}", id_of(&token)));
    let revoke = || world.anonymous("DELETE", &path).token(Some(&token)).send();
    revoke().await.is(200);
    revoke().await.problem(401, "unauthenticated");
}

#[tokio::test]
async fn a_token_that_makes_none_ends_none_of_its_persons_others() {
    let world = World::new().await;
    let member = world.person(Role::Member).await;
    let token = |scope| world.token_of(world.organisation, member.id, Some(vec![scope]));
    let reads = token(Permission::ProjectsRead).await;
    let makes = token(Permission::TokensCreate).await;
    let path = world.of_organisation(&format!("/tokens/{}", id_of(&member.token)));
    let revoke = |by: &str| world.anonymous("DELETE", &path).token(Some(by)).send();
    revoke(&reads).await.problem(403, "forbidden");
    revoke(&makes).await.is(200);
}

#[tokio::test]
async fn what_an_operator_makes_with_a_token_is_the_operators() {
    let world = World::new().await;
    let rights = InstallationRights {
        operator: true,
        reviewer: false,
    };
    let operator = world.person_with(rights).await;
    let make = world.anonymous("POST", "/installation/organisations");
    let make = make
        .token(Some(&operator.token))
        .json(json!({"name": "Acme"}));
    let id = make.send().await.is(201).at("/id");
    let path = format!("/organisations/{id}/members/{}", operator.id);
    let member = world.anonymous("GET", &path).cookie(&operator.cookie);
    assert_eq!(member.send().await.is(200).at("/role"), "owner");
}

#[tokio::test]
async fn links_in_letters_are_shown_to_nobody_but_an_operator_who_is_present() {
    let world = World::new().await;
    let rights = InstallationRights {
        operator: true,
        reviewer: false,
    };
    let operator = world.person_with(rights).await;
    let link = world
        .invitation(world.organisation, Role::Viewer, "bob@example.com")
        .await;
    let mail = world.mail_to("bob@example.com").await;
    let path = format!("/installation/outbox/{mail}");
    let home = world.store.organisations_of(operator.id, None, 1).await;
    let home = home.unwrap().items[0].0.id;
    let narrow = Some(vec![Permission::InstallationWrite]);
    let narrow = world.token_of(home, operator.id, narrow).await;
    let log = "/installation/audit?action=mail.read";
    for token in [&world.token, &operator.token, &narrow] {
        let read = world.anonymous("GET", &path).token(Some(token));
        let read = read.send().await.is(200).json();
        let text = read["text"].as_str().unwrap();
        assert!(text.starts_with(PUBLIC_URL), "{text}");
        assert!(!text.contains(&link[..30]), "{text}");
        assert_eq!(read["masked"], true);
    }
    assert_eq!(world.get(log).await.json()["items"], json!([]));

    let read = world.anonymous("GET", &path).cookie(&operator.cookie);
    let read = read.send().await.is(200).json();
    assert!(read["text"].as_str().unwrap().ends_with(&link));
    assert_eq!(read["masked"], false);
    let entry = &world.get(log).await.json()["items"][0];
    assert_eq!(entry["target"]["id"], mail.to_string());
    assert_eq!(entry["target"]["name"], "bob@example.com");
}

#[tokio::test]
async fn where_a_mail_server_brings_letters_their_links_are_shown_to_nobody() {
    let world = World::with_mail_server().await;
    let rights = InstallationRights {
        operator: true,
        reviewer: false,
    };
    let operator = world.person_with(rights).await;
    world
        .invitation(world.organisation, Role::Viewer, "bob@example.com")
        .await;
    let mail = world.mail_to("bob@example.com").await;
    let path = format!("/installation/outbox/{mail}");
    let read = world.anonymous("GET", &path).cookie(&operator.cookie);
    let read = read.send().await.is(200).json();
    assert_eq!(read["masked"], true);
    assert!(read["text"].as_str().unwrap().ends_with("#msi_…"), "{read}");
}

#[tokio::test]
async fn tokens_end_with_the_one_that_they_were_made_with() {
    let world = World::new().await;
    let member = world.person(Role::Member).await;
    let new = async |maker: &str, name: &str| {
        let made = make(&world, maker, json!({"name": name})).await;
        made.is(201).at("/text")
    };
    let parent = new(&member.token, "parent").await;
    let child = new(&parent, "child").await;
    let grandchild = new(&child, "grandchild").await;
    let sibling = new(&member.token, "sibling").await;
    let path = world.of_organisation(&format!("/tokens/{}", id_of(&parent)));
    world.clock.advance(Duration::from_secs(1));
    let revoke = world.anonymous("DELETE", &path).cookie(&member.cookie);
    let answer = revoke.send().await.is(200).json();
    let ended = answer["revoked"].as_array().unwrap().iter();
    let mut ended: Vec<_> = ended.map(|token| token["name"].as_str().unwrap()).collect();
    ended.sort_unstable();
    assert_eq!(ended, ["child", "grandchild", "parent"]);
    let me = |token: &str| world.anonymous("GET", "/me").token(Some(token)).send();
    for token in [&parent, &child, &grandchild] {
        me(token).await.problem(401, "unauthenticated");
    }
    for token in [&sibling, &member.token] {
        me(token).await.is(200);
    }
    let log = world.of_organisation("/audit?action=token.revoke");
    let log = world.get(&log).await.json();
    assert_eq!(log["items"].as_array().unwrap().len(), 3);
    let with = log["items"].as_array().unwrap().iter();
    let with = with.filter(|entry| entry["after"]["with"] == id_of(&parent));
    assert_eq!(with.count(), 2, "{log}");
}

#[tokio::test]
async fn a_token_that_is_made_with_a_session_is_told_by_mail() {
    let world = World::new().await;
    let person = world.person(Role::Member).await;
    let path = world.of_organisation("/tokens");
    let call = world.anonymous("POST", &path).cookie(&person.cookie);
    let made = call.json(json!({"name": "ci"})).send().await.is(201);
    assert_eq!(world.letter_to(&person.email).await, "token_made ci");
    // A program that makes others is not news each time.
    let call = world
        .anonymous("POST", &path)
        .token(Some(&made.at("/text")));
    call.json(json!({"name": "job"})).send().await.is(201);
    let mails = world.store.mails(None, None, 200).await.unwrap().items;
    let told = mails.iter().filter(|mail| mail.kind.name() == "token_made");
    assert_eq!(told.count(), 1);
}

#[tokio::test]
async fn the_installations_token_keeps_its_organisation() {
    let world = World::new().await;
    let owner = world.person(Role::Owner).await;
    let delete = || world.anonymous("DELETE", &world.of_organisation(""));
    let refused = delete().cookie(&owner.cookie).send().await;
    let detail = refused.problem(409, "conflict")["detail"].to_string();
    assert!(detail.contains("installation's own API token"), "{detail}");
    world.get("/installation/organisations").await.is(200);
}
