//! The character U+0000, which SQLite takes in a text and PostgreSQL doesn't: refused alike with both,
//! wherever a client can put it.

use model::access::Role;
use serde_json::{Value, json};

use super::World;
use super::world::PASSWORD;

const NUL: &str = "x\0y";

#[tokio::test]
async fn no_id_in_a_path_has_it_on_sqlite() {
    no_id_in_a_path_has_it(World::new().await).await;
}

#[tokio::test]
async fn no_id_in_a_path_has_it_on_postgres() {
    no_id_in_a_path_has_it(World::on_postgres().await).await;
}

async fn no_id_in_a_path_has_it(world: World) {
    let owner = world.person(Role::Owner).await;
    let organisation = world.of_organisation("");
    let project = format!("/projects/{}", world.project().await);
    for (method, path) in [
        ("GET", "/organisations/%00".to_owned()),
        ("DELETE", format!("{organisation}/tokens/%00")),
        (
            "DELETE",
            format!("{organisation}/tokens/0123456789%00abcde"),
        ),
        ("DELETE", format!("{organisation}/invitations/%00")),
        ("GET", format!("{organisation}/members/%00")),
        ("DELETE", format!("{organisation}/members/%00")),
        ("DELETE", "/me/sessions/%00".to_owned()),
        ("GET", "/projects/%00/syncs".to_owned()),
        ("GET", format!("{project}/syncs/%00")),
        ("POST", format!("{project}/syncs/%00/enable")),
    ] {
        let call = world.anonymous(method, &path).cookie(&owner.cookie);
        let answer = call.send().await;
        assert_eq!(answer.status, 404, "{method} {path}: {}", answer.text);
    }
    for path in ["/installation/outbox/%00", "/nothing/%00"] {
        world.get(path).await.problem(404, "not_found");
    }
}

#[tokio::test]
async fn no_query_has_it_on_sqlite() {
    no_query_has_it(World::new().await).await;
}

#[tokio::test]
async fn no_query_has_it_on_postgres() {
    no_query_has_it(World::on_postgres().await).await;
}

async fn no_query_has_it(world: World) {
    let audit = world.of_organisation("/audit");
    for path in [
        format!("{audit}?actor=x%00y"),
        format!("{audit}?target=%00"),
        format!("{audit}?action=%00"),
        format!("{audit}?from=%00"),
        format!("{audit}?cursor=1.%00"),
        format!("{audit}/export?actor=%00"),
        format!("{}?cursor=1.%00", world.projects()),
        "/installation/audit?target=%00".to_owned(),
        "/installation/outbox?state=%00".to_owned(),
        "/installation/people?cursor=1.%00".to_owned(),
    ] {
        let answer = world.get(&path).await;
        assert_eq!(answer.status, 400, "{path}: {}", answer.text);
        answer.problem(400, "malformed_query");
    }
}

#[tokio::test]
async fn no_body_has_it_on_sqlite() {
    no_body_has_it(World::new().await).await;
}

#[tokio::test]
async fn no_body_has_it_on_postgres() {
    no_body_has_it(World::on_postgres().await).await;
}

async fn no_body_has_it(world: World) {
    let syncs = world.syncs().await;
    let owner = world.person(Role::Owner).await;
    let email = format!("{NUL}@example.com");
    let cases: &[(&str, &str, Value, &str)] = &[
        (
            "POST",
            "/session",
            json!({"email": email, "password": PASSWORD}),
            "/email",
        ),
        (
            "POST",
            "/session",
            json!({"email": owner.email, "password": NUL}),
            "/password",
        ),
        (
            "POST",
            "/password-resets",
            json!({"email": email}),
            "/email",
        ),
        (
            "POST",
            "/password-resets/redeem",
            json!({"token": NUL, "password": PASSWORD}),
            "/token",
        ),
        ("POST", "/invitations/look", json!({"token": NUL}), "/token"),
        (
            "POST",
            &world.of_organisation("/invitations"),
            json!({"email": email, "role": "viewer"}),
            "/email",
        ),
        (
            "POST",
            &world.of_organisation("/tokens"),
            json!({"name": NUL}),
            "/name",
        ),
        ("POST", &world.projects(), json!({"name": NUL}), "/name"),
        (
            "POST",
            "/installation/organisations",
            json!({"name": NUL}),
            "/name",
        ),
        ("PATCH", "/me", json!({"name": NUL}), "/name"),
        ("POST", &syncs, json!({"name": "hook", "url": NUL}), "/url"),
        (
            "POST",
            &syncs,
            json!({"name": "hook", "headers": [{"name": "X-A", "value": NUL}]}),
            "/headers/0/value",
        ),
        (
            "POST",
            &syncs,
            json!({"name": "hook", "events": {"template": NUL}}),
            "/events/template",
        ),
        (
            "POST",
            &syncs,
            json!({"name": "hook", "parameters": {NUL: {"value": "v"}}}),
            "/parameters",
        ),
    ];
    for (method, path, body, pointer) in cases {
        let call = world.anonymous(method, path);
        let call = match *path {
            "/me" => call.cookie(&owner.cookie).header("if-match", "*"),
            _ => call.token(Some(&world.token)),
        };
        let answer = call.json(body.clone()).send().await;
        assert_eq!(answer.status, 422, "{method} {path}: {}", answer.text);
        answer.problem(422, "invalid_fields");
        assert_eq!(answer.pointers(), [*pointer], "{method} {path}");
    }
}
