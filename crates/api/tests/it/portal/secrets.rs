//! What is secret is shown to nobody.

use axum::http::StatusCode;
use serde_json::json;

use super::World;
use super::world::id_in;

const HEADER: &str = "Bearer hunter2-header";
const PARAMETER: &str = "hunter2-parameter";

fn body() -> serde_json::Value {
    json!({
        "name": "hook", "url": "https://example.com", "enabled": true,
        "headers": [
            {"name": "Authorization", "value": HEADER},
            {"name": "X-Shop", "value": "north"},
        ],
        "parameters": {
            "token": {"value": PARAMETER, "secret": true},
            "region": {"value": "eu"},
        },
    })
}

#[tokio::test]
async fn no_answer_shows_a_secret() {
    let world = World::new().await;
    let syncs = world.syncs().await;
    let made = world.post(&syncs, body()).await;
    let path = format!("{syncs}/{}", made.json()["id"].as_str().unwrap());
    let shown = made.json();
    assert_eq!(
        shown["headers"][0],
        json!({"name": "Authorization", "secret": true, "value": null})
    );
    assert_eq!(
        shown["headers"][1],
        json!({"name": "X-Shop", "secret": false, "value": "north"})
    );
    assert_eq!(
        shown["parameters"]["token"],
        json!({"secret": true, "value": null})
    );
    assert_eq!(
        shown["parameters"]["region"],
        json!({"secret": false, "value": "eu"})
    );

    let mut answers = vec![made, world.get(&syncs).await, world.get(&path).await];
    for list in ["status", "retries", "ended"] {
        answers.push(world.get(&format!("{path}/{list}")).await);
    }
    for switch in ["disable", "enable"] {
        answers.push(world.call("POST", &format!("{path}/{switch}")).send().await);
    }
    let change = |body| {
        world
            .call("PATCH", &path)
            .header("if-match", "*")
            .json(body)
            .send()
    };
    answers.push(change(json!({"name": "renamed"})).await);
    // Refusals too, of the very values.
    answers.push(change(json!({"headers": [{"name": "A b", "value": HEADER}]})).await);
    answers.push(change(json!({"headers": [{"name": "a", "value": format!("{HEADER}\n")}]})).await);
    answers
        .push(change(json!({"headers": [{"name": "a", "value": HEADER, "x": PARAMETER}]})).await);
    answers.push(change(json!({"parameters": {"a b": {"value": PARAMETER}}})).await);
    for answer in &answers {
        assert!(!answer.text.contains("hunter2"), "{}", answer.text);
        assert!(!format!("{:?}", answer.headers).contains("hunter2"));
    }
    let debug = format!("{:?} {:?}", world.portal, world.lanes.notes().applied);
    assert!(!debug.contains("hunter2"), "{debug}");
}

#[tokio::test]
async fn a_secret_that_is_not_sent_again_stays_and_lanes_get_it() {
    let world = World::new().await;
    let path = world.sync(body()).await;
    let shown = world.get(&path).await.json();
    // What was shown, sent back: the usual round trip of a form.
    let back = json!({"headers": shown["headers"], "parameters": shown["parameters"]});
    let change = |body| {
        world
            .call("PATCH", &path)
            .header("if-match", "*")
            .json(body)
            .send()
    };
    let changed = change(back).await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.text);
    let settings = world.lanes.notes().applied[&id_in(&path)].settings.clone();
    assert_eq!(settings.headers[0].value, HEADER);
    assert_eq!(settings.headers[1].value, "north");
    assert_eq!(settings.parameters["token"], PARAMETER);
    assert_eq!(settings.parameters["url"], "https://example.com");

    // A header that is left out is gone, and so is its secret.
    change(json!({"headers": []})).await;
    let again = change(json!({"headers": [{"name": "Authorization"}]})).await;
    again.problem(422, "invalid_fields");
    assert_eq!(again.pointers(), ["/headers/0/value"]);
}

#[tokio::test]
async fn calling_a_stored_secret_open_does_not_lay_it_open() {
    let world = World::new().await;
    let path = world.sync(body()).await;
    let change = |body| {
        world
            .call("PATCH", &path)
            .header("if-match", "*")
            .json(body)
            .send()
    };
    let header = change(json!({"headers": [{"name": "authorization", "secret": false}]})).await;
    header.problem(422, "invalid_fields");
    let parameter = change(json!({"parameters": {"token": {"secret": false}}})).await;
    parameter.problem(422, "invalid_fields");
    assert_eq!(parameter.pointers(), ["/parameters/token/value"]);
    let given =
        change(json!({"headers": [{"name": "X-Key", "secret": false, "value": "open"}]})).await;
    assert_eq!(given.json()["headers"][0]["value"], "open");
}

#[tokio::test]
async fn headers_whose_names_suggest_secrets_are_secret_unless_said_otherwise() {
    let world = World::new().await;
    let syncs = world.syncs().await;
    for (name, secret) in [
        ("Authorization", true),
        ("x-api-key", true),
        ("Cookie", true),
        ("X-Auth-Token", true),
        ("X-Hub-Signature", true),
        ("X-Shop", false),
        ("Accept", false),
    ] {
        let body = json!({"name": "hook", "headers": [{"name": name, "value": "v"}]});
        let made = world.post(&syncs, body).await.json();
        assert_eq!(made["headers"][0]["secret"], json!(secret), "{name}");
    }
}

#[tokio::test]
async fn a_secret_is_not_sent_to_another_host_by_someone_who_does_not_know_it() {
    let world = World::new().await;
    let path = world.sync(body()).await;
    for body in [
        json!({"url": "https://evil.example"}),
        json!({"url": "http://example.com"}),
        json!({"url": "https://example.com:8443"}),
        json!({"url": "https://${parameters.region}"}),
        json!({"url": "https://evil.example", "headers": [{"name": "authorization"}],
            "parameters": {"token": {"secret": true}}}),
    ] {
        let refused = world.change(&path, body).await;
        refused.problem(422, "secrets_needed");
        let places = ["/headers/0/value", "/parameters/token/value"];
        assert_eq!(refused.pointers(), places);
    }
    let half = json!({"url": "https://other.example",
        "headers": [{"name": "Authorization", "value": HEADER}]});
    let refused = world.change(&path, half).await;
    refused.problem(422, "secrets_needed");
    assert_eq!(refused.pointers(), ["/parameters/token/value"]);

    let same_host = json!({"url": "https://example.com/elsewhere"});
    world.change(&path, same_host).await.is(200);
    let anew = json!({"url": "https://other.example",
        "headers": [{"name": "Authorization", "value": HEADER}],
        "parameters": {"token": {"value": PARAMETER}}});
    world.change(&path, anew).await.is(200);
    let without = json!({"url": "https://third.example", "headers": [], "parameters": {}});
    world.change(&path, without).await.is(200);
}
