//! The audit log as it is read.

use std::time::Duration;

use model::access::{InstallationRights, Role};
use serde_json::{Value, json};
use store::Caller;

use super::World;

#[tokio::test]
async fn the_log_tells_who_did_what_from_where_and_what_became_of_it() {
    let world = World::new().await;
    let owner = world.person(Role::Owner).await;
    world.clock.advance(Duration::from_secs(1));
    let rename = world
        .anonymous("PATCH", &world.of_organisation(""))
        .cookie(&owner.cookie);
    let rename = rename
        .header("if-match", "*")
        .from("203.0.113.9")
        .request_id("abc");
    rename.json(json!({"name": "Renamed"})).send().await.is(200);
    let log = world
        .get(&world.of_organisation("/audit?limit=1"))
        .await
        .is(200)
        .json();
    let mut entry = log["items"][0].clone();
    assert!(entry["id"].as_str().unwrap().starts_with("aud"), "{entry}");
    entry.as_object_mut().unwrap().remove("id");
    assert_eq!(
        entry,
        json!({
            "at": "2026-01-01T00:00:01.000Z",
            "actor": {
                "kind": "person",
                "id": owner.id.to_string(),
                "name": owner.email,
                "who": owner.email,
                "person": {"id": owner.id.to_string(), "email": owner.email},
            },
            "address": "203.0.113.9",
            "request_id": "abc",
            "action": "organisation.rename",
            "target": {"id": world.organisation.to_string(), "name": "Renamed"},
            "before": {"name": "Test"},
            "after": {"name": "Renamed"},
        })
    );
}

#[tokio::test]
async fn the_log_is_filtered_and_paged() {
    let world = World::new().await;
    let owner = world.person(Role::Owner).await;
    for number in 0..5 {
        world.clock.advance(Duration::from_secs(1));
        let body = json!({"name": format!("p{number}")});
        let call = world
            .anonymous("POST", &world.projects())
            .cookie(&owner.cookie);
        call.json(body).send().await.is(201);
    }
    let names = async |query: &str| {
        let page = world
            .get(&world.of_organisation(&format!("/audit?{query}")))
            .await;
        let page = page.is(200).json();
        let items = page["items"].as_array().unwrap().iter();
        let names = items.map(|item| item["target"]["name"].as_str().unwrap().to_owned());
        (
            names.collect::<Vec<_>>(),
            page["next"].as_str().map(str::to_owned),
        )
    };
    let all = ["p4", "p3", "p2", "p1", "p0"];
    assert_eq!(names("action=project").await.0, all);
    assert_eq!(names("action=project.create").await.0, all);
    assert_eq!(names("action=proj").await.0, [""; 0]);
    let theirs = format!("actor={}&action=project", owner.id);
    assert_eq!(names(&theirs).await.0, all);
    let times = "from=2026-01-01T00:00:02Z&until=2026-01-01T00:00:04Z";
    assert_eq!(
        names(&format!("action=project&{times}")).await.0,
        ["p2", "p1"]
    );
    let (mut seen, mut query) = (Vec::new(), "action=project&limit=2".to_owned());
    loop {
        let (names, next) = names(&query).await;
        assert!(names.len() <= 2);
        seen.extend(names);
        match next {
            Some(next) => query = format!("action=project&limit=2&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, all);
    for wrong in ["from=yesterday", "limit=0", "cursor=x", "who=me"] {
        let path = world.of_organisation(&format!("/audit?{wrong}"));
        world.get(&path).await.problem(400, "malformed_query");
    }
}

#[tokio::test]
async fn an_export_has_every_entry_as_a_line_however_many_pages_that_takes() {
    let world = World::new().await;
    for number in 0..450 {
        let (name, by) = (format!("p{number}"), Caller::system());
        let made = world
            .store
            .create_project(world.organisation, &name, <_>::default(), &by);
        made.await.unwrap();
        world.clock.advance(Duration::from_millis(1));
    }
    let path = world.of_organisation("/audit/export?action=project.create");
    let export = world.get(&path).await.is(200);
    assert_eq!(export.header("content-type"), "application/x-ndjson");
    let lines = export.text.lines();
    let lines: Vec<Value> = lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 450);
    let names = lines
        .iter()
        .map(|line| line["target"]["name"].as_str().unwrap().to_owned());
    let expected = (0..450).rev().map(|number| format!("p{number}"));
    assert!(names.eq(expected));
    let page = world
        .get(&world.of_organisation("/audit?action=project.create&limit=200"))
        .await;
    assert_eq!(page.json()["items"].as_array().unwrap()[..], lines[..200]);
}

#[tokio::test]
async fn the_log_holds_no_secret() {
    let world = World::new().await;
    let owner = world.person(Role::Owner).await;
    let project = world
        .post(&world.projects(), json!({"name": "shop"}))
        .await
        .is(201);
    let id = project.at("/project/id");
    let rotated = format!("/projects/{id}/secret-key/rotate");
    let rotated = world
        .post(&rotated, json!({"overlap_seconds": 9}))
        .await
        .is(200);
    let token = world
        .post(&world.of_organisation("/tokens"), json!({"name": "ci"}))
        .await;
    let sync = json!({"name": "hook", "url": "https://example.com",
        "headers": [{"name": "Authorization", "value": "Bearer hunter2"}],
        "parameters": {"key": {"value": "hunter2", "secret": true}}});
    world
        .post(&format!("/projects/{id}/syncs"), sync)
        .await
        .is(201);
    let invitation = json!({"email": "new@example.com", "role": "viewer"});
    world
        .post(&world.of_organisation("/invitations"), invitation)
        .await
        .is(201);
    let new = json!({"current": super::world::PASSWORD, "new": "hunter2-password"});
    let change = world.anonymous("PUT", "/me/password").cookie(&owner.cookie);
    change.json(new).send().await.is(204);

    let mut log = world
        .get(&world.of_organisation("/audit/export"))
        .await
        .is(200)
        .text;
    log += &world
        .get("/installation/audit?limit=200")
        .await
        .is(200)
        .text;
    let link = world.link_to("new@example.com").await;
    let text = token.at("/text");
    let half = |text: &str| text.rsplit('_').next().unwrap().to_owned();
    let secrets = [
        project.at("/secret_key"),
        rotated.at("/secret_key"),
        half(&text),
        half(&link),
        half(&owner.cookie),
        half(&owner.token),
        "hunter2".to_owned(),
        "argon2id".to_owned(),
    ];
    for secret in secrets {
        assert!(!log.contains(&secret), "{secret}");
    }
    assert!(
        log.contains("person.set_password") && log.contains("sync.create"),
        "{log}"
    );
}

#[tokio::test]
async fn nothing_in_the_log_is_changed_through_the_api() {
    let world = World::new().await;
    for path in [
        world.of_organisation("/audit"),
        "/installation/audit".to_owned(),
    ] {
        for method in ["POST", "PUT", "PATCH", "DELETE"] {
            let answer = world.call(method, &path).json(json!({})).send().await;
            answer.problem(405, "method_not_allowed");
        }
    }
}

#[tokio::test]
async fn operators_read_the_log_of_an_organisation_that_is_gone() {
    let world = World::new().await;
    let rights = InstallationRights {
        operator: true,
        reviewer: false,
    };
    let operator = world.person_with(rights).await;
    let gone = world.another_organisation("Gone").await;
    let by = Caller::system();
    world.clock.advance(Duration::from_secs(1));
    let renamed = world.store.rename_organisation(gone, None, "Going", &by);
    renamed.await.unwrap();
    world
        .store
        .delete_organisation(gone, None, &by)
        .await
        .unwrap();
    let read = async |rest: &str| {
        let path = format!("/installation/audit{rest}organisation={gone}");
        let call = world.anonymous("GET", &path).cookie(&operator.cookie);
        call.send().await.is(200)
    };
    let page = read("?limit=1&").await.json();
    assert_eq!(page["items"][0]["action"], "organisation.rename");
    assert!(page["next"].is_string());
    let created = read("?action=organisation.create&").await.json();
    assert_eq!(created["items"].as_array().unwrap().len(), 1);
    let export = read("/export?").await;
    assert_eq!(export.header("content-type"), "application/x-ndjson");
    assert_eq!(export.text.lines().count(), 2);

    let installation = "/installation/audit/export?action=organisation.delete";
    assert_eq!(
        world.get(installation).await.is(200).text.lines().count(),
        1
    );
    let owner = world.person(Role::Owner).await;
    for rest in ["", "/export"] {
        let path = format!("/installation/audit{rest}?organisation={gone}");
        let call = world.anonymous("GET", &path).cookie(&owner.cookie);
        call.send().await.problem(403, "forbidden");
        let malformed = format!("/installation/audit{rest}?organisation=x");
        world.get(&malformed).await.problem(400, "malformed_query");
    }
}

#[tokio::test]
async fn who_accepts_an_invitation_did_it() {
    let world = World::new().await;
    let link = world
        .invitation(world.organisation, Role::Viewer, "ann@example.com")
        .await;
    let accept = world.anonymous("POST", "/invitations/accept");
    let body = json!({"token": link, "name": "Ann", "password": "a good long one"});
    let accept = accept.json(body).from("203.0.113.9").send().await.is(200);
    let log = world.of_organisation("/audit?action=invitation.accept");
    let entry = world.get(&log).await.json()["items"][0].clone();
    assert_eq!(
        entry["actor"],
        json!({
            "kind": "person",
            "id": accept.at("/person/id"),
            "name": "ann@example.com",
            "who": "ann@example.com",
            "person": {"id": accept.at("/person/id"), "email": "ann@example.com"},
        })
    );
    assert_eq!(entry["address"], "203.0.113.9");
}

#[tokio::test]
async fn the_rights_of_the_first_administrator_are_told() {
    let world = World::new().await;
    let far = world.now() + Duration::from_secs(3600);
    let link = world.store.invite_first_administrator("Test", far).await;
    let link = link.unwrap().unwrap().text;
    let accept = world.anonymous("POST", "/invitations/accept");
    let body = json!({"token": link.expose(), "email": "root@example.com", "name": "Root",
        "password": "a good long one"});
    let id = accept.json(body).send().await.is(200).at("/person/id");
    let log = "/installation/audit?action=person.set_rights";
    let entry = world.get(log).await.json()["items"][0].clone();
    assert_eq!(entry["target"]["id"], id);
    assert_eq!(entry["actor"]["id"], id);
    assert_eq!(entry["after"], json!({"operator": true, "reviewer": true}));
}

#[tokio::test]
async fn a_token_does_not_pass_for_somebody_by_its_name() {
    let world = World::new().await;
    let (owner, eve) = (
        world.person(Role::Owner).await,
        world.person(Role::Admin).await,
    );
    let path = world.of_organisation("/tokens");
    let made = world.anonymous("POST", &path).cookie(&eve.cookie);
    let made = made.json(json!({"name": owner.email})).send().await.is(201);
    world.clock.advance(Duration::from_secs(1));
    let by_token = world
        .anonymous("POST", &world.projects())
        .token(Some(&made.at("/text")));
    by_token.json(json!({"name": "p"})).send().await.is(201);
    let log = world
        .get(&world.of_organisation("/audit?action=project.create"))
        .await;
    let actor = log.is(200).json()["items"][0]["actor"].clone();
    assert_eq!(
        actor,
        json!({
            "kind": "token",
            "id": made.at("/token/id"),
            "name": owner.email,
            "who": format!("{} (token {:?})", eve.email, owner.email),
            "person": {"id": eve.id.to_string(), "email": eve.email},
        })
    );
}
