//! Syncs and changes that are checked and not made.

use model::access::Role;
use serde_json::{Value, json};

use super::World;
use super::call::Answer;
use super::definitions::example;

fn settings(id: &str) -> Value {
    json!({
        "name": "Mail", "definition": {"id": id}, "enabled": true,
        "parameters": {
            "endpoint": {"value": "https://api.example.com"}, "key": {"value": "hunter2"},
        },
        "mappings": {"external_id": {"scope": "user", "name": "email"}},
    })
}

/// A world whose organisation has released the example, and that definition's id.
async fn stage() -> (World, String) {
    let world = World::new().await;
    let definitions = world.of_organisation("/definitions");
    let made = world.post(&definitions, example("Mail tool")).await;
    let id = made.is(201).at("/id");
    let path = format!("{definitions}/{id}/release");
    let call = world.call("POST", &path).header("if-match", "*");
    call.send().await.is(201);
    (world, id)
}

/// Whether two refusals are the same, but for the member in which the second has the sync.
fn alike(made: &Answer, checked: &Answer, member: &str) {
    assert_eq!(
        (made.status, &made.json()["code"]),
        (checked.status, &checked.json()["code"])
    );
    let within: Vec<_> = made
        .pointers()
        .into_iter()
        .map(|at| format!("{member}{at}"))
        .collect();
    assert_eq!(checked.pointers(), within);
}

#[tokio::test]
async fn a_sync_that_could_not_be_made_is_refused_alike() {
    let (world, id) = stage().await;
    let project = world.project().await;
    let (syncs, check) = (
        format!("/projects/{project}/syncs"),
        world.of_organisation("/sync-check"),
    );
    for (pointer, value) in [
        ("/name", json!("")),
        ("/parameters", json!({"endpoint": {"value": "nonsense"}})),
        ("/mappings", json!({})),
        ("/headers", json!([{"name": "connection", "value": "x"}])),
        ("/url", json!("https://own.example")),
        ("/definition/version", json!(7)),
        ("/definition/id", json!("dst_7zzzzzzzzzzzzzzzzzzzzzzzzz")),
    ] {
        let mut sync = settings(&id);
        match sync.pointer_mut(pointer) {
            Some(place) => *place = value,
            None if pointer == "/definition/version" => sync["definition"]["version"] = value,
            None => sync[&pointer[1..]] = value,
        }
        let checked = world.post(&check, json!({"sync": sync})).await;
        alike(&world.post(&syncs, sync).await, &checked, "/sync");
    }
    world
        .post(&check, json!({"sync": settings(&id)}))
        .await
        .is(204);
    assert_eq!(world.get(&syncs).await.json()["items"], json!([]));
}

#[tokio::test]
async fn a_sync_is_checked_by_what_its_destination_will_say() {
    let (world, _) = stage().await;
    let check = world.of_organisation("/sync-check");
    let mut sync = settings("");
    sync.as_object_mut().unwrap().remove("definition");
    let content = example("Not released yet");
    let body = json!({"sync": sync, "content": content});
    world.post(&check, body).await.is(204);
    sync["parameters"].as_object_mut().unwrap().remove("key");
    let body = json!({"sync": sync, "content": content});
    let refused = world.post(&check, body).await;
    refused.problem(422, "sync_not_ready");
    assert_eq!(refused.pointers(), ["/sync/parameters/key"]);
    let body = json!({"sync": sync, "content": {"display_name": ""}});
    let refused = world.post(&check, body).await;
    refused.problem(422, "invalid_fields");
    assert_eq!(refused.pointers(), ["/content/display_name"]);
}

#[tokio::test]
async fn a_change_that_could_not_be_made_is_refused_alike_and_none_is_made() {
    let (world, id) = stage().await;
    let project = world.project().await;
    let made = world
        .post(&format!("/projects/{project}/syncs"), settings(&id))
        .await;
    let sync = format!("/projects/{project}/syncs/{}", made.is(201).at("/id"));
    let check = format!("{sync}/check");
    for changes in [
        json!({"name": ""}),
        json!({"concurrency": 0}),
        json!({"mappings": {}}),
        // Secrets don't go elsewhere unseen.
        json!({"parameters": {"endpoint": {"value": "https://evil.example"}, "key": {}}}),
    ] {
        let checked = world.post(&check, json!({"changes": changes})).await;
        alike(&world.change(&sync, changes).await, &checked, "/changes");
    }
    let renamed = world
        .post(&check, json!({"changes": {"name": "Renamed"}}))
        .await;
    assert_eq!(renamed.is(200).json(), json!({"upgrade": null}));
    let stored = world.get(&sync).await.json();
    assert_eq!(
        (&stored["version"], &stored["name"]),
        (&json!(1), &json!("Mail"))
    );

    // To a version that is there, and to one that is still to be released.
    let none = world.post(&check, json!({"to": 2})).await;
    none.problem(422, "invalid_fields");
    assert_eq!(none.pointers(), ["/to"]);
    let mut content = example("Mail tool");
    let same = world
        .post(&check, json!({"to": 2, "content": content}))
        .await;
    let upgrade = &same.is(200).json()["upgrade"];
    assert_eq!(
        (
            &upgrade["to"],
            &upgrade["secrets_needed"],
            &upgrade["traffic"]
        ),
        (&json!(2), &json!([]), &Value::Null)
    );
    content["events"]["url"] = json!("https://elsewhere.example");
    let moved = world
        .post(&check, json!({"to": 2, "content": content}))
        .await;
    moved.problem(422, "secrets_needed");
    assert_eq!(moved.pointers(), ["/changes/parameters/key/value"]);
    let entered = json!({"parameters": {"endpoint": {}, "key": {"value": "hunter3"}}});
    let entered = json!({"to": 2, "content": content, "changes": entered});
    let entered = world.post(&check, entered).await;
    let needed = &entered.is(200).json()["upgrade"]["secrets_needed"];
    assert_eq!(needed[0]["pointer"], "/parameters/key/value");
    let back = world
        .post(&check, json!({"to": 1, "content": content}))
        .await;
    assert_eq!(back.pointers(), ["/to"]);
    let alone = world.post(&check, json!({"content": content})).await;
    assert_eq!(alone.pointers(), ["/content"]);
    assert_eq!(world.get(&sync).await.json()["version"], 1);
}

/// Names are tried in the order in which they would be taken, and none is.
#[tokio::test]
async fn names_of_drafts_are_tried_one_after_the_other() {
    let (world, released) = stage().await;
    let definitions = world.of_organisation("/definitions");
    let check = world.of_organisation("/definition-names-check");
    let made = world.post(&definitions, example("Draft")).await;
    let draft = made.is(201).at("/id");
    let elsewhere = world.another_organisation("Others").await;
    let stranger = world.person_in(elsewhere, Role::Owner).await;
    let theirs = format!("/organisations/{elsewhere}/definitions");
    let call = world
        .anonymous("POST", &theirs)
        .token(Some(&stranger.token));
    let foreign = call.json(example("Theirs")).send().await;
    let foreign = foreign.is(201).at("/id");

    let of = |id: &str, name: &str| json!({"definition": id, "display_name": name});
    let new = |name: &str| json!({"display_name": name});
    let last =
        |id: &str, name: &str| json!({"definition": id, "display_name": name, "released": true});
    for (names, taken) in [
        (json!([new("Free"), of(&draft, "Draft")]), vec![]),
        // Another organisation's draft, in other letters.
        (json!([new("Free"), new(" THEIRS")]), vec![1]),
        (json!([of(&draft, "Theirs")]), vec![0]),
        (json!([new("webhook")]), vec![0]),
        (json!([new("Twice"), new("twice")]), vec![1]),
        // A draft gives its name back, a version does not.
        (json!([of(&draft, "Other"), new("Draft")]), vec![]),
        (json!([new("Draft"), of(&draft, "Other")]), vec![0]),
        (json!([of(&released, "Other"), new("Mail tool")]), vec![1]),
        (
            json!([last(&draft, "Draft"), of(&draft, "Other"), new("Draft")]),
            vec![2],
        ),
        (
            json!([of(&released, "Other"), of(&released, "Mail tool")]),
            vec![],
        ),
    ] {
        let answer = world.post(&check, json!({"names": names})).await;
        let pointers: Vec<String> = taken
            .iter()
            .map(|position: &usize| format!("/names/{position}/display_name"))
            .collect();
        match taken.is_empty() {
            true => drop(answer.is(204)),
            false => assert_eq!(answer.pointers(), pointers, "{names}"),
        }
    }
    // None was taken, and what is refused is refused for real.
    let refused = world.post(&definitions, example("theirs")).await;
    assert_eq!(refused.pointers(), ["/display_name"]);
    world.post(&definitions, example("Free")).await.is(201);
    let answer = world
        .post(&check, json!({"names": [of(&foreign, "x")]}))
        .await;
    assert_eq!(answer.status, 404, "{}", answer.text);
    let many: Vec<_> = (0..200).map(|n| new(&format!("many {n}"))).collect();
    let answer = world.post(&check, json!({"names": many})).await;
    assert_eq!(answer.status, 409, "{}", answer.text);
    let many: Vec<_> = (0..401).map(|n| new(&format!("many {n}"))).collect();
    let answer = world.post(&check, json!({"names": many})).await;
    assert_eq!(answer.pointers(), ["/names"]);
}
