//! `If-Match` on every route: asked for, honoured or refused, as the table says.

use serde_json::{Value, json};

use super::World;
use super::authorisation::{TABLES, ask_if, entries, needs};
use super::routes::{May, Route, Tag};
use super::tenants::{Kind, Tenants};

use model::access::Role;

/// A version that nothing has come to.
const STALE: &str = "\"v4711\"";

#[tokio::test]
async fn the_document_says_of_every_route_what_the_table_does() {
    let world = World::new().await;
    let document = world.get("/openapi.json").await.json();
    for (method, path, .., tag) in TABLES.into_iter().flatten() {
        let item = &document["paths"][format!("/api/v1{path}")];
        let parameters = item[method]["parameters"].as_array();
        let mut parameters = parameters.into_iter().flatten();
        let parameter = parameters.find(|parameter| parameter["name"] == "if-match");
        let needed = parameter.map(|parameter| parameter["required"] == true);
        let expected = match tag {
            Tag::Needed => Some(true),
            Tag::Taken => Some(false),
            Tag::None(_) => None,
        };
        assert_eq!(needed, expected, "{method} {path}");
        assert!(*method != "patch" || *tag == Tag::Needed, "{path}");
        assert!(*method != "put" || !matches!(tag, Tag::None(_)), "{path}");
        // What is changed by a version can be read with it.
        let whole = matches!(*method, "patch" | "put" | "delete");
        let read = &item["get"]["responses"]["200"];
        if whole && !matches!(tag, Tag::None(_)) && !read.is_null() {
            assert!(!read["headers"]["etag"].is_null(), "get {path}");
        }
    }
}

#[tokio::test]
async fn a_request_made_from_another_version_changes_nothing_anywhere() {
    let mut tenants = Tenants::new().await;
    for route in TABLES.into_iter().flatten() {
        let (method, path, .., tag) = route;
        if *method == "get" {
            continue;
        }
        let credential = tenants.caller(let_in(route), needs(route)).await;
        let things = tenants.things(&credential).await;
        let before = entries(&tenants).await;
        let stale = ask_if(&mut tenants, route, &credential, &things, Some(STALE)).await;
        match tag {
            Tag::None(_) => stale.problem(400, "malformed_header"),
            Tag::Needed | Tag::Taken => stale.problem(412, "precondition_failed"),
        };
        if *tag == Tag::Needed {
            let none = ask_if(&mut tenants, route, &credential, &things, None).await;
            none.problem(428, "precondition_required");
        }
        assert_eq!(entries(&tenants).await, before, "{method} {path}");
    }
}

/// A kind of caller that the table lets in.
fn let_in((_, _, may, ..): &Route) -> Kind {
    match may {
        May::Anyone | May::Known | May::Present => Kind::Session(Role::Owner),
        May::Members(roles, _) => Kind::Session(roles[0]),
        May::Operators => Kind::OperatorSession,
        May::Reviewers => Kind::ReviewerSession,
    }
}

#[tokio::test]
async fn what_was_read_of_a_member_can_be_changed_once() {
    let world = World::new().await;
    let member = world.person(Role::Viewer).await;
    let path = world.of_organisation(&format!("/members/{}", member.id));
    let shown = world.get(&path).await.is(200);
    let tag = shown.header("etag").to_owned();
    let change = async |tag: &str, role: &str| {
        let call = world.call("PATCH", &path).header("if-match", tag);
        call.json(json!({ "role": role })).send().await
    };
    let changed = change(&tag, "member").await.is(200);
    let next = changed.header("etag").to_owned();
    assert_ne!(next, tag);
    let lost = change(&tag, "admin").await;
    lost.problem(412, "precondition_failed");
    let listed = world
        .get(&world.of_organisation("/members?limit=200"))
        .await;
    let listed = listed.is(200).json();
    let items = listed["items"].as_array().unwrap();
    let mut items = items.iter();
    let item = items.find(|item| item["person"] == member.id.to_string());
    let item = item.expect("they are listed");
    assert_eq!(item["role"], "member");
    assert_eq!(format!("\"v{}\"", item["version"]), next);
    let removed = world.call("DELETE", &path).header("if-match", &tag);
    let removed = removed.send().await;
    removed.problem(412, "precondition_failed");
    let removed = world.call("DELETE", &path).header("if-match", &next);
    removed.send().await.is(204);
}

#[tokio::test]
async fn what_was_read_of_oneself_can_be_changed_once() {
    let world = World::new().await;
    let person = world.person(Role::Viewer).await;
    let ask = async |cookie: &str, (method, path), tag: &str, body: Value| {
        let call = world.anonymous(method, path).cookie(cookie);
        call.header("if-match", tag).json(body).send().await
    };
    let read = world.anonymous("GET", "/me").cookie(&person.cookie);
    let read = read.send().await.is(200);
    let first = read.header("etag").to_owned();
    assert_eq!(format!("\"v{}\"", read.json()["person"]["version"]), first);
    let renamed = ask(
        &person.cookie,
        ("PATCH", "/me"),
        &first,
        json!({"name": "Ann"}),
    )
    .await;
    let second = renamed.is(200).header("etag").to_owned();
    assert_ne!(first, second);
    // An operator's change counts too.
    let path = format!("/installation/people/{}", person.id);
    let rights = world.call("PATCH", &format!("{path}/rights"));
    let rights = rights.header("if-match", &second);
    let rights = rights.json(json!({"reviewer": true})).send().await;
    let third = rights.is(200).header("etag").to_owned();
    // It ended their session.
    let again = json!({"email": person.email, "password": super::world::PASSWORD});
    let again = world.anonymous("POST", "/session").json(again).send().await;
    let cookie = again.is(200).cookie();
    let password = json!({"current": super::world::PASSWORD, "new": "another good one"});
    for tag in [&first, &second] {
        let lost = ask(&cookie, ("PATCH", "/me"), tag, json!({"name": "Bob"})).await;
        lost.problem(412, "precondition_failed");
        let lost = ask(&cookie, ("PUT", "/me/password"), tag, password.clone()).await;
        lost.problem(412, "precondition_failed");
    }
    ask(&cookie, ("PUT", "/me/password"), &third, password)
        .await
        .is(204);
    let read = world.get(&path).await.is(200);
    assert_eq!(read.at("/name"), "Ann");
    assert_ne!(read.header("etag"), third);
    // A program has no version of a person's.
    let program = world.get("/me").await.is(200);
    assert_eq!(program.header("etag"), "");
}
