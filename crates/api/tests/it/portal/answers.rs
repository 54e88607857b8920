//! What answers of destinations mean, tried before anything is released; and what reviewers try.

use model::access::InstallationRights;
use serde_json::{Value, json};

use super::World;

/// A definition whose requests may be followed by one more.
fn example(follow_up: &str) -> Value {
    json!({
        "display_name": "Contacts",
        "about": {"summary": "Keeps contacts."},
        "parameters": [
            {"name": "key", "display_name": "Key", "kind": "secret", "required": true},
        ],
        "events": {
            "url": "https://api.example.com/contacts",
            "headers": [{"name": "Authorization", "value": "Bearer ${parameters.key}"}],
            "body": "{}",
            "responses": [
                {"status": [409], "means": "follow_up"},
                {"status": ["4xx"], "means": "refused", "message": "never"},
            ],
            "follow_up": {"method": "PUT", "url": follow_up},
        },
    })
}

async fn definition(world: &World, content: Value) -> String {
    let path = world.of_organisation("/definitions");
    let made = world.post(&path, content).await;
    format!("{path}/{}", made.is(201).at("/id"))
}

fn settings() -> Value {
    json!({"parameters": {"key": {"value": "rest-4711"}}})
}

#[tokio::test]
async fn a_preview_shows_what_an_answer_would_mean() {
    let world = World::new().await;
    let url = "https://api.example.com/contacts/${answer.body.id}?by=${parameters.key}";
    let path = definition(&world, example(url)).await;
    let judged = async |status: u16, body: &str| {
        let answer = json!({"status": status, "body": body});
        let input = json!({"settings": settings(), "answer": answer});
        let shown = world.post(&format!("{path}/preview"), input).await;
        let shown = shown.is(200);
        assert!(!shown.text.contains("4711"), "{}", shown.text);
        shown.json()["requests"][0]["judged"].clone()
    };
    let found = judged(409, r#"{"id": 7}"#).await;
    assert_eq!(
        (&found["means"], &found["rule"]),
        (&json!("follow_up"), &json!(0))
    );
    let request = &found["follow_up"]["request"];
    assert_eq!(
        request["url"],
        "https://api.example.com/contacts/7?by=[secret]"
    );
    let found = judged(404, "").await;
    assert_eq!(
        (&found["means"], &found["message"]),
        (&json!("refused"), &json!("never"))
    );
    assert_eq!(
        (&found["rule"], &found["follow_up"]),
        (&json!(1), &Value::Null)
    );
    let found = judged(503, "").await;
    assert_eq!(
        (&found["means"], &found["rule"]),
        (&json!("retry"), &Value::Null)
    );
    // What can't be made says why, and where.
    let found = judged(409, "{}").await;
    let reason = &found["follow_up"]["reason"];
    assert_eq!(
        reason["pointer"], "/definition/events/follow_up/url",
        "{found}"
    );
    let shown = world.post(&format!("{path}/preview"), json!({})).await;
    assert_eq!(shown.is(200).json()["requests"][0]["judged"], Value::Null);
}

/// What is wrong with a request that follows is wrong with its own templates, not with those of the first.
#[tokio::test]
async fn faults_of_what_follows_stand_where_it_is_defined() {
    let world = World::new().await;
    let url = "https://api.example.com/contacts/${answer.body.id}";
    let mut content = example(url);
    let follow_up = "/definition/events/follow_up";
    for (number, next, answered, code, at) in [
        (
            0,
            json!({"url": url, "body": r#"{"a": ${answer.body.id}}"#}),
            r#"{"id": "x"}"#,
            "invalid_json",
            "/body",
        ),
        (
            1,
            json!({"url": "https://api.example.com/", "body": r#"{"a": "${answer.body.id}"}"#}),
            r#"{"id": {"a": 1}}"#,
            "template",
            "/body",
        ),
        (
            2,
            json!({"url": "${answer.body.id}"}),
            r#"{"id": "https://evil.example/"}"#,
            "invalid_url",
            "/url",
        ),
        (
            3,
            json!({"url": "https://api.example.com/${answer.body.id}"}),
            "{}",
            "template",
            "/url",
        ),
    ] {
        content["display_name"] = format!("Contacts {number}").into();
        content["events"]["follow_up"] = next;
        let path = definition(&world, content.clone()).await;
        let answer = json!({"status": 409, "body": answered});
        let input = json!({"settings": settings(), "answer": answer});
        let shown = world
            .post(&format!("{path}/preview"), input)
            .await
            .is(200)
            .json();
        let reason = &shown["requests"][0]["judged"]["follow_up"]["reason"];
        assert_eq!(reason["code"], code, "{shown}");
        assert_eq!(reason["pointer"], format!("{follow_up}{at}"), "{shown}");
    }
}

#[tokio::test]
async fn no_answer_has_a_status_that_none_can_have() {
    let world = World::new().await;
    let path = definition(&world, example("https://api.example.com/contacts/1")).await;
    for status in [0, 99, 600] {
        let input = json!({"settings": settings(), "answer": {"status": status}});
        let refused = world.post(&format!("{path}/preview"), input).await;
        assert_eq!(refused.pointers(), ["/answer/status"], "{}", refused.text);
    }
}

#[tokio::test]
async fn a_test_sends_what_follows_and_only_to_the_same_place() {
    let world = World::new().await;
    world.courier.noted().answer = Some((409, br#"{"id": "https://evil.example/x"}"#.to_vec()));
    let path = definition(&world, example("${answer.body.id}")).await;
    let input = json!({"settings": settings()});
    let tested = world.post(&format!("{path}/test"), input.clone()).await;
    let tested = tested.is(200).json();
    assert_eq!(tested["verdict"], "not_sent", "{tested}");
    let reason = &tested["follow_up"]["sent"]["reason"];
    assert_eq!(reason["code"], "invalid_url", "{tested}");
    assert_eq!(world.courier.noted().sent.len(), 1);

    let fine = json!({"events": example("https://api.example.com/contacts/1")["events"]});
    world.change(&path, fine).await.is(200);
    let tested = world
        .post(&format!("{path}/test"), input)
        .await
        .is(200)
        .json();
    let sent = world.courier.noted().sent.clone();
    assert_eq!((sent.len(), sent[2].method.as_str()), (3, "PUT"));
    // The courier answers everything alike, and nothing follows what follows.
    assert_eq!(tested["follow_up"]["answer"]["status"], 409);
    assert_eq!(tested["verdict"], "refused", "{tested}");
    assert!(!tested.to_string().contains("4711"), "{tested}");
}

#[tokio::test]
async fn reviewers_test_what_was_submitted_and_see_what_is_new() {
    let world = World::new().await;
    let path = definition(&world, example("https://api.example.com/contacts/1")).await;
    let id = path.rsplit('/').next().unwrap();
    let rights = InstallationRights {
        reviewer: true,
        ..InstallationRights::default()
    };
    let reviewer = world.person_with(rights).await;
    let ask = async |method: &str, path: &str, body: Value| {
        let path = format!("/installation/reviews/{id}/versions/{path}");
        let call = world.call(method, &path).token(Some(&reviewer.token));
        match body {
            Value::Null => call.send().await,
            body => call.json(body).send().await,
        }
    };
    let release = async |version: u32| {
        let call = world.call("POST", &format!("{path}/release"));
        call.header("if-match", "*").send().await.is(201);
        let submit = format!("{path}/versions/{version}/submit");
        world.post(&submit, Value::Null).await.is(200);
    };
    release(1).await;
    world.courier.noted().answer = Some((200, Vec::new()));
    let tested = ask("POST", "1/test", json!({"settings": settings()})).await;
    assert_eq!(tested.is(200).json()["verdict"], "delivered");
    let log = world.of_organisation("/audit?action=definition.test");
    assert_eq!(
        world.get(&log).await.is(200).json()["items"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    // What nobody submitted is not theirs to see.
    ask("POST", "2/test", json!({}))
        .await
        .problem(404, "not_found");
    let first = ask("GET", "1", Value::Null).await.is(200).json();
    assert_eq!(first["difference"], Value::Null);
    let decide = json!({"decision": "approve", "note": ""});
    ask("POST", "1/decision", decide).await.is(200);

    let mut next = json!({"events": example("https://api.example.com/contacts/2")["events"]});
    next["about"] = json!({"summary": "Keeps all contacts."});
    world.change(&path, next).await.is(200);
    release(2).await;
    let second = ask("GET", "2", Value::Null).await.is(200).json();
    let difference = &second["difference"];
    assert_eq!(
        difference["catalog"][0]["pointer"], "/about/summary",
        "{second}"
    );
    let template = &difference["definition"]["templates"][0]["pointer"];
    assert_eq!(template, "/events/follow_up/url");
}
