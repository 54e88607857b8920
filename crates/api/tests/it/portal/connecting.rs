//! Syncs of destinations from the catalog.

use model::access::Role;
use serde_json::{Value, json};

use super::World;
use super::definitions::example;

/// A world whose organisation has released the guide's example, and its id.
async fn with_example() -> (World, String) {
    let world = World::new().await;
    let definitions = world.of_organisation("/definitions");
    let made = world.post(&definitions, example("Mail tool")).await;
    let id = made.is(201).at("/id");
    release(&world, &id).await;
    (world, id)
}

async fn release(world: &World, id: &str) {
    let path = world.of_organisation(&format!("/definitions/{id}/release"));
    let call = world.call("POST", &path).header("if-match", "*");
    call.send().await.is(201);
}

async fn syncs(world: &World) -> String {
    let projects = world.of_organisation("/projects");
    let project = world.post(&projects, json!({"name": "Shop"})).await;
    format!("/projects/{}/syncs", project.is(201).at("/project/id"))
}

fn settings(id: &str) -> Value {
    json!({
        "name": "Mail",
        "definition": {"id": id},
        "parameters": {
            "endpoint": {"value": "https://api.example.com"},
            "key": {"value": "hunter2"},
        },
        "mappings": {"external_id": {"scope": "user", "name": "email"}},
    })
}

#[tokio::test]
async fn a_sync_connects_a_version_and_stays_with_it() {
    let (world, id) = with_example().await;
    let path = syncs(&world).await;
    let made = world.post(&path, settings(&id)).await.is(201).json();
    assert_eq!(
        made["definition"],
        json!({"id": id, "version": 1, "name": "Mail tool"})
    );
    assert_eq!(
        (&made["url"], &made["enabled"]),
        (&Value::Null, &json!(false))
    );
    let key = json!({"secret": true, "value": null});
    assert_eq!(made["parameters"]["key"], key);
    let endpoint = json!({"secret": false, "value": "https://api.example.com"});
    assert_eq!(made["parameters"]["endpoint"], endpoint);

    release(&world, &id).await;
    let own = format!("{path}/{}", made["id"].as_str().unwrap());
    let read = world.get(&own).await.is(200).json();
    assert_eq!(read["definition"]["version"], 1);
    let moved = world.change(&own, json!({"definition": {"id": id}})).await;
    let problem = moved.problem(422, "invalid_fields");
    assert_eq!(problem["errors"][0]["pointer"], "/definition");
    let first = json!({"name": "Old", "definition": {"id": id, "version": 1}});
    let first = world.post(&path, first).await.is(201).json();
    assert_eq!(first["definition"]["version"], 1);
    let newest = json!({"name": "New", "definition": {"id": id}});
    let newest = world.post(&path, newest).await.is(201).json();
    assert_eq!(newest["definition"]["version"], 2);
}

#[tokio::test]
async fn only_what_the_catalog_offers_can_be_connected() {
    let (world, id) = with_example().await;
    let other = world.another_organisation("Elsewhere").await;
    let stranger = world.person_in(other, Role::Owner).await;
    let projects = format!("/organisations/{other}/projects");
    let project = world.call("POST", &projects).token(Some(&stranger.token));
    let project = project.json(json!({"name": "Theirs"})).send().await;
    let theirs = format!("/projects/{}/syncs", project.is(201).at("/project/id"));
    let call = world.call("POST", &theirs).token(Some(&stranger.token));
    let refused = call.json(settings(&id)).send().await;
    let problem = refused.problem(422, "invalid_fields");
    assert_eq!(problem["errors"][0]["pointer"], "/definition");

    let path = syncs(&world).await;
    let mut unknown = settings(&id);
    unknown["definition"]["version"] = json!(2);
    world
        .post(&path, unknown)
        .await
        .problem(422, "invalid_fields");
    let listing = world.of_organisation(&format!("/definitions/{id}/listing"));
    let call = world.call("PUT", &listing);
    call.json(json!({"listing": "deprecated"}))
        .send()
        .await
        .is(200);
    let refused = world.post(&path, settings(&id)).await;
    let problem = refused.problem(422, "invalid_fields");
    let message = &problem["errors"][0]["message"];
    assert_eq!(message, "the destination takes no new syncs");
}

#[tokio::test]
async fn a_destinations_settings_are_its_own() {
    let (world, id) = with_example().await;
    let path = syncs(&world).await;
    for (field, value, pointer) in [
        ("url", json!("https://evil.example"), "/url"),
        (
            "headers",
            json!([{"name": "X-A", "value": "b"}]),
            "/headers",
        ),
    ] {
        let mut settings = settings(&id);
        settings[field] = value;
        let refused = world.post(&path, settings).await;
        let problem = refused.problem(422, "invalid_fields");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
    }
}

#[tokio::test]
async fn secrets_are_not_sent_to_another_endpoint_unseen() {
    let (world, id) = with_example().await;
    let path = syncs(&world).await;
    let made = world.post(&path, settings(&id)).await.is(201);
    let own = format!("{path}/{}", made.at("/id"));
    let elsewhere = json!({"endpoint": {"value": "https://evil.example"}, "key": {}});
    let moved = json!({"parameters": elsewhere});
    let refused = world.change(&own, moved).await;
    let problem = refused.problem(422, "secrets_needed");
    assert_eq!(problem["errors"][0]["pointer"], "/parameters/key/value");
    // What the URL isn't made of may change.
    let mapped = json!({"mappings": {"external_id": {"scope": "user", "name": "id"}}});
    world.change(&own, mapped).await.is(200);
}

#[tokio::test]
async fn a_secret_that_makes_the_address_takes_no_other_secret_elsewhere() {
    let world = World::new().await;
    let mut hook = example("Hook tool");
    hook["parameters"][0] = json!({"name": "endpoint", "display_name": "Hook", "kind": "secret"});
    let definitions = world.of_organisation("/definitions");
    let id = world.post(&definitions, hook).await.is(201).at("/id");
    release(&world, &id).await;
    let path = syncs(&world).await;
    let made = world.post(&path, settings(&id)).await.is(201);
    let own = format!("{path}/{}", made.at("/id"));
    let elsewhere = json!({"endpoint": {"value": "https://evil.example"}, "key": {}});
    let refused = world.change(&own, json!({"parameters": elsewhere})).await;
    let problem = refused.problem(422, "secrets_needed");
    let errors = problem["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 1, "{problem}");
    assert_eq!(errors[0]["pointer"], "/parameters/key/value");
}
