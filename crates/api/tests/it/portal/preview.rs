//! Previews, linting and tests of connections, of definitions and syncs.

use model::access::{InstallationRights, Permission, Role};
use serde_json::{Value, json};

use super::World;
use super::call::Answer;

const SECRET: &str = "rest-\"key\"-4711";

/// A definition after the guide's example, which takes users too.
fn example(name: &str) -> Value {
    let header = |value: &str| json!([{"name": "Authorization", "value": value}]);
    json!({
        "display_name": name,
        "about": {"summary": "Takes events and users."},
        "parameters": [
            {"name": "endpoint", "display_name": "API Endpoint", "kind": "url", "required": true},
            {"name": "key", "display_name": "REST API Key", "kind": "secret", "required": true,
             "pattern": "rest-.*", "help": "See your account."},
            {"name": "region", "display_name": "Region", "kind": "select", "default": "eu",
             "options": [{"value": "eu", "label": "Europe"}, {"value": "us", "label": "America"}]},
        ],
        "mappings": [
            {"name": "external_id", "required": true,
             "suggested": {"scope": "user", "name": "email"}},
            {"name": "Identifier", "kinds": ["email", "phone"]},
        ],
        "events": {
            "method": "PUT",
            "url": "${parameters.endpoint}/${parameters.region}/events",
            "headers": header("Bearer ${parameters.key}"),
            "body": "{\"id\": \"${mappedFields.external_id?json_string}\", \
                     \"type\": \"${input.event_type?json_string}\", \
                     \"key\": \"${parameters.key?json_string}\"}",
        },
        "users": {
            "method": "POST",
            "url": "${parameters.endpoint}/users",
            "headers": header("Basic ${parameters.key?upper_case}"),
            "body": "{\"email\": \"${(input.user_properties.email)!?json_string}\"}",
        },
    })
}

fn settings() -> Value {
    json!({
        "parameters": {
            "endpoint": {"value": "https://api.example.com"},
            "key": {"value": SECRET},
        },
        "mappings": {"external_id": {"scope": "field", "name": "user_id"}},
    })
}

/// The path of a new definition.
async fn definition(world: &World, content: Value) -> String {
    let path = world.of_organisation("/definitions");
    let made = world.post(&path, content).await;
    let id = made.is(201).at("/id");
    format!("{path}/{id}")
}

async fn preview(world: &World, path: &str, input: Value) -> Value {
    let answer = world.post(&format!("{path}/preview"), input).await;
    answer.is(200).json()
}

#[tokio::test]
async fn a_definition_is_previewed_as_its_users_will_see_it_and_as_it_will_be_sent() {
    let world = World::new().await;
    let path = definition(&world, example("Previewed")).await;
    let event = json!({"user_id": "o'neil", "event_type": "Sign \"up\"",
                       "user_properties": {"email": "o@example.com"}});
    let input = json!({"settings": settings(), "event": event});
    let shown = preview(&world, &path, input.clone()).await;

    assert_eq!(shown["problems"], json!([]));
    assert_eq!(shown["stand_ins"], json!([]));
    let form = &shown["form"];
    assert_eq!(form["display_name"], "Previewed");
    assert_eq!(form["parameters"][1]["help"], "See your account.");
    assert_eq!(form["parameters"][2]["options"][1]["label"], "America");
    assert_eq!(form["mappings"][1]["kinds"], json!(["email", "phone"]));
    assert_eq!(form["takes_users"], true);

    let request = &shown["requests"][0]["request"];
    assert_eq!(shown["requests"][0]["part"], "event");
    assert_eq!(request["method"], "PUT");
    assert_eq!(request["url"], "https://api.example.com/eu/events");
    let body = r#"{"id": "o'neil", "type": "Sign \"up\"", "key": "[secret]"}"#;
    assert_eq!(request["body"], body);
    let headers = request["headers"].as_array().unwrap();
    let authorization = json!({"name": "authorization", "value": "Bearer [secret]"});
    assert!(headers.contains(&authorization), "{headers:?}");
    let curl = request["curl"].as_str().unwrap();
    assert!(
        curl.contains("--header \"authorization: Bearer $MILLSTREAM_KEY\""),
        "{curl}"
    );
    assert!(curl.contains(r#"'{"id": "o'\''neil""#), "{curl}");
    let user = &shown["requests"][1]["request"];
    assert_eq!(user["body"], r#"{"email": "o@example.com"}"#);
    let variable = &user["variables"][0];
    assert_eq!(variable["name"], "MILLSTREAM_AUTHORIZATION");
    let meaning = "the whole value of the header authorization, as it is made of key";
    assert_eq!(variable["meaning"], meaning);
    assert!(!shown.to_string().contains("4711"), "{shown}");

    let mut inline = input;
    inline["secrets"] = json!("inline");
    let shown = preview(&world, &path, inline).await;
    let request = &shown["requests"][0]["request"];
    assert_eq!(request["variables"], json!([]));
    let body: Value = serde_json::from_str(request["body"].as_str().unwrap()).unwrap();
    assert_eq!(body["key"], SECRET);
}

#[tokio::test]
async fn numbers_of_a_given_event_are_shown_as_they_would_be_sent() {
    let world = World::new().await;
    let sync = json!({"name": "Hook", "url": "https://example.com/hook"});
    let sync = world.sync(sync).await;
    let event = r#"{"event_type":"a","event_properties":{"price":1.10,"many":1E+2,"long":12345678901234567890.0}}"#;
    let body = format!(r#"{{"event": {event}}}"#);
    for verb in ["preview", "test"] {
        let call = world.call("POST", &format!("{sync}/{verb}"));
        let shown = call.text("application/json", &body).send().await.is(200);
        let shown = shown.json();
        let request = match verb {
            "preview" => &shown["requests"][0]["request"],
            _ => &shown["sent"]["request"],
        };
        let sent = request["body"]
            .as_str()
            .unwrap_or_else(|| panic!("{shown}"));
        assert!(
            sent.contains(r#""price":1.10,"many":1E+2,"long":12345678901234567890.0"#),
            "{sent}"
        );
    }
    // An event that isn't one is refused as before.
    for wrong in [r#"{"event": 1}"#, r#"{"event": [1.10]}"#] {
        let call = world.call("POST", &format!("{sync}/preview"));
        let refused = call.text("application/json", wrong).send().await;
        let problem = refused.problem(422, "invalid_fields");
        assert_eq!(problem["errors"][0]["pointer"], "/event");
    }
}

#[tokio::test]
async fn what_is_missing_is_said_and_stood_in_for() {
    let world = World::new().await;
    let path = definition(&world, example("Empty")).await;
    let shown = preview(&world, &path, json!({})).await;
    let problems = shown["problems"].as_array().unwrap().iter();
    let problems: Vec<_> = problems
        .map(|problem| problem["pointer"].as_str().unwrap())
        .collect();
    let missing = [
        "/settings/parameters/endpoint",
        "/settings/parameters/key",
        "/settings/mappings/external_id",
    ];
    assert_eq!(problems, missing);
    assert_eq!(shown["stand_ins"], json!(missing));
    let request = &shown["requests"][0]["request"];
    assert_eq!(request["url"], "https://example.com/eu/events");
    let body = request["body"].as_str().unwrap();
    assert!(
        body.starts_with(r#"{"id": "ann@example.com", "type": "Order Placed""#),
        "{body}"
    );

    // What is no value of a kind is refused like a sync's.
    let refused = json!({"settings": {"parameters": {"1": {"value": "x"}}}});
    let refused = world.post(&format!("{path}/preview"), refused).await;
    refused.problem(422, "invalid_fields");
    assert_eq!(refused.pointers(), ["/settings/parameters/1"]);
    let refused = world
        .post(&format!("{path}/preview"), json!({"event": []}))
        .await;
    assert_eq!(refused.pointers(), ["/event"]);
}

#[tokio::test]
async fn what_can_not_be_sent_says_why_and_where() {
    let world = World::new().await;
    let mut content = example("Broken");
    content["events"]["body"] = json!("{\"n\":\n  ${input.event_properties.missing}}");
    content["users"]["body"] = json!("{\"n\":\n  oops}");
    let path = definition(&world, content).await;
    let shown = preview(&world, &path, json!({"settings": settings()})).await;
    let reason = |index: usize| {
        let part = &shown["requests"][index];
        assert_eq!(part["outcome"], "discarded", "{part}");
        let reason = &part["reason"];
        let text = |name: &str| reason[name].as_str().unwrap().to_owned();
        (
            text("code"),
            text("pointer"),
            reason["line"].clone(),
            reason["column"].clone(),
        )
    };
    let expected = (
        "template".into(),
        "/definition/events/body".into(),
        json!(2),
        json!(5),
    );
    assert_eq!(reason(0), expected);
    let (code, pointer, line, _) = reason(1);
    assert_eq!(
        (&*code, &*pointer, line),
        ("invalid_json", "/definition/users/body", json!(2))
    );

    let lacking = json!({"settings": settings(), "event": {"event_type": "x"}});
    let shown = preview(&world, &path, lacking).await;
    let reason = &shown["requests"][0]["reason"];
    assert_eq!(reason["code"], "missing_mapping");
    assert_eq!(reason["pointer"], "/settings/mappings/external_id");
    let mut filtered = json!({"settings": settings()});
    filtered["settings"]["events"] = json!({"select": {"types": [{"event_type": "other"}]}});
    filtered["event"] = json!({"user_id": "u", "event_type": "x"});
    let shown = preview(&world, &path, filtered).await;
    assert_eq!(shown["requests"][0]["outcome"], "filtered");
    assert_eq!(shown["requests"][0]["reason"]["code"], "event_type");
}

#[tokio::test]
async fn reviewers_preview_what_was_submitted() {
    let world = World::new().await;
    let path = definition(&world, example("Reviewed")).await;
    world
        .call("POST", &format!("{path}/release"))
        .header("if-match", "*")
        .send()
        .await
        .is(201);
    let id = path.rsplit('/').next().unwrap();
    let review = format!("/installation/reviews/{id}/versions/1/preview");
    let rights = InstallationRights {
        operator: false,
        reviewer: true,
    };
    let reviewer = world.person_with(rights).await;
    let ask = async || {
        let call = world.call("POST", &review).token(Some(&reviewer.token));
        call.json(json!({"settings": settings()})).send().await
    };
    ask().await.problem(404, "not_found");
    world
        .call("POST", &format!("{path}/versions/1/submit"))
        .send()
        .await
        .is(200);
    let shown = ask().await.is(200).json();
    assert_eq!(shown["requests"][0]["outcome"], "request");
    // An older version stays as it was.
    world.change(&path, json!({"users": null})).await.is(200);
    let counts = [(json!({}), 1), (json!({"version": 1}), 2)];
    for (input, count) in counts {
        let shown = preview(&world, &path, input).await;
        assert_eq!(shown["requests"].as_array().unwrap().len(), count);
    }
}

#[tokio::test]
async fn a_connection_is_tested_by_sending_once() {
    let world = World::new().await;
    let path = definition(&world, example("Tested")).await;
    let test = async |input: Value| world.post(&format!("{path}/test"), input).await;
    let input = json!({"settings": settings()});

    let echo = format!("no such key {SECRET}, {}", "x".repeat(5000));
    world.courier.noted().answer = Some((401, echo.into_bytes()));
    let tested = test(input.clone()).await.is(200).json();
    assert_eq!(tested["verdict"], "refused");
    assert_eq!(tested["failure"]["category"], "unauthorized");
    assert_eq!(tested["milliseconds"], 20.0);
    let timing = json!({"lookup": 1.0, "connect": 2.0, "tls": null, "wait": 15.0});
    assert_eq!(tested["answer"]["timing"], timing);
    assert_eq!(
        tested["sent"]["request"]["url"],
        "https://api.example.com/eu/events"
    );
    let answer = &tested["answer"];
    assert_eq!(
        (&answer["status"], &answer["body_complete"]),
        (&json!(401), &json!(false))
    );
    assert_eq!(answer["body"].as_str().unwrap().len(), 4096);
    assert_eq!(
        answer["headers"],
        json!([{"name": "x-echo", "value": "[secret]"}])
    );
    assert!(!tested.to_string().contains("4711"), "{tested}");
    {
        let noted = world.courier.noted();
        let sent = &noted.sent[0];
        assert_eq!(noted.sent.len(), 1);
        assert_eq!(sent.headers["authorization"], format!("Bearer {SECRET}"));
        let body: Value = serde_json::from_slice(&sent.body).unwrap();
        assert_eq!(
            (&body["id"], &body["key"]),
            (&json!("user-1041"), &json!(SECRET))
        );
    }

    world.courier.noted().answer = Some((204, Vec::new()));
    let mut user = input.clone();
    user["part"] = json!("user");
    let tested = test(user).await.is(200).json();
    assert_eq!(tested["verdict"], "delivered");
    assert_eq!(tested["answer"]["body_complete"], true);
    world.courier.noted().answer = None;
    let tested = test(input.clone()).await.is(200).json();
    assert_eq!(
        (&tested["verdict"], &tested["answer"]),
        (&json!("retried"), &Value::Null)
    );

    // The log tells of each, and of no secret.
    let log = world
        .get(&world.of_organisation("/audit?action=definition.test"))
        .await;
    let log = log.is(200).json();
    assert_eq!(log["items"].as_array().unwrap().len(), 3);
    // All at one time, and so in no order.
    let parts = log["items"].as_array().unwrap().iter();
    let mut parts: Vec<_> = parts.map(|entry| entry["after"]["part"].as_str()).collect();
    parts.sort_unstable();
    assert_eq!(parts, [Some("event"), Some("event"), Some("user")]);
    assert_eq!(log["items"][0]["after"]["host"], "api.example.com");
    assert!(!log.to_string().contains("4711"));

    // What is missing isn't stood in for, and what isn't sent is not logged.
    let refused = test(json!({})).await;
    refused.problem(422, "invalid_fields");
    assert_eq!(refused.pointers()[0], "/settings/parameters/endpoint");
    let mut lacking = input.clone();
    lacking["event"] = json!({"event_type": "x"});
    let tested = test(lacking).await.is(200).json();
    assert_eq!(tested["verdict"], "not_sent");
    assert_eq!(tested["sent"]["reason"]["code"], "missing_mapping");
    assert_eq!(world.courier.noted().sent.len(), 3);
}

#[tokio::test]
async fn the_sample_has_what_is_mapped_and_says_what_of_it_is_made_up() {
    let world = World::new().await;
    world.courier.noted().answer = Some((204, Vec::new()));
    let mut content = example("Of a CRM");
    let crm = json!({"scope": "user", "name": "crm_id"});
    content["mappings"][0]["suggested"] = crm.clone();
    // As what is suggested stands in for a choice.
    let path = definition(&world, content).await;
    let shown = preview(&world, &path, json!({})).await;
    let body = shown["requests"][0]["request"]["body"].as_str().unwrap();
    assert!(body.contains(r#""id": "sample-crm_id""#), "{shown}");
    let note = shown["requests"][0]["note"].as_str().unwrap();
    assert!(note.contains("user property \"crm_id\""), "{note}");
    // As the choice of a sync, or of who tests.
    let mut chosen = settings();
    chosen["mappings"]["external_id"] = crm;
    for verb in ["preview", "test"] {
        let input = json!({"settings": chosen});
        let answer = world.post(&format!("{path}/{verb}"), input).await;
        let shown = answer.is(200).json();
        let sent = match verb {
            "preview" => &shown["requests"][0],
            _ => &shown["sent"],
        };
        assert_eq!(sent["outcome"], "request", "{shown}");
        let note = sent["note"].as_str().unwrap();
        assert!(note.contains("made-up"), "{note}");
    }
    // An event that is given is taken as it is, and what the sample has isn't spoken of.
    let given = json!({"settings": chosen, "event": {"event_type": "x"}});
    let shown = preview(&world, &path, given).await;
    assert_eq!(shown["requests"][0]["reason"]["code"], "missing_mapping");
    let shown = preview(&world, &path, json!({"settings": settings()})).await;
    assert_eq!(shown["requests"][0]["note"], Value::Null);
}

#[tokio::test]
async fn connections_are_not_tested_without_end() {
    let world = World::new().await;
    let path = definition(&world, example("Flooded")).await;
    let test = async || {
        world
            .post(&format!("{path}/test"), json!({"settings": settings()}))
            .await
    };
    for _ in 0..30 {
        test().await.is(200);
    }
    let refused = test().await;
    refused.problem(429, "rate_limited");
    assert_eq!(refused.header("retry-after"), "60");
    world.clock.advance(std::time::Duration::from_secs(60));
    test().await.is(200);
}

/// A sync's path, and one that stands for its answers.
async fn sync(world: &World) -> String {
    world
        .sync(json!({
            "name": "A sync", "url": "https://example.com/hook",
            "headers": [{"name": "Authorization", "value": format!("Bearer {SECRET}")}],
            "events": {"template": "{\"t\": \"${input.event_type?json_string}\"}"},
        }))
        .await
}

#[tokio::test]
async fn a_sync_is_previewed_with_changes_that_are_not_saved_and_without_its_secrets() {
    let world = World::new().await;
    let sync = sync(&world).await;
    let viewer = world.person(Role::Viewer).await;
    let preview = async |input: Value| -> Answer {
        let call = world.call("POST", &format!("{sync}/preview"));
        call.token(Some(&viewer.token)).json(input).send().await
    };
    let changes = json!({"events": {"template": "[\"${input.user_id}\"]"}});
    let shown = preview(json!({"changes": changes, "event": {"user_id": "u"}})).await;
    let shown = shown.is(200).json();
    let request = &shown["requests"][0]["request"];
    assert_eq!(request["body"], "[\"u\"]");
    assert_eq!(request["variables"][0]["name"], "MILLSTREAM_AUTHORIZATION");
    assert_eq!(shown["requests"][1]["reason"]["code"], "path_off");
    assert!(!shown.to_string().contains("4711"), "{shown}");
    // Stored secrets are not shown inline either; those that were just given are.
    let shown = preview(json!({"secrets": "inline"})).await.is(200).json();
    assert!(!shown.to_string().contains("4711"), "{shown}");
    let given = json!([{"name": "Authorization", "value": "Bearer new-4712"}]);
    let shown = preview(json!({"secrets": "inline", "changes": {"headers": given}})).await;
    assert!(shown.is(200).text.contains("new-4712"));
    // Nothing was changed.
    let stored = world.get(&sync).await.is(200).json();
    assert_eq!(stored["version"], 1);
}

#[tokio::test]
async fn a_syncs_stored_secrets_are_tested_where_they_belong_and_nowhere_else() {
    let world = World::new().await;
    let sync = sync(&world).await;
    let test = async |input: Value| world.post(&format!("{sync}/test"), input).await;
    world.courier.noted().answer = Some((200, format!("hello {SECRET}").into_bytes()));
    let tested = test(json!({})).await.is(200).json();
    assert_eq!(tested["verdict"], "delivered");
    assert_eq!(tested["answer"]["body"], "hello [secret]");
    let elsewhere = json!({"changes": {"url": "https://evil.example/"}});
    let refused = test(elsewhere).await;
    refused.problem(422, "secrets_needed");
    assert_eq!(refused.pointers(), ["/changes/headers/0/value"]);
    assert_eq!(world.courier.noted().sent.len(), 1);
    let log = world
        .get(&world.of_organisation("/audit?action=sync.test"))
        .await;
    assert_eq!(log.is(200).json()["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn the_linter_proves_what_it_finds() {
    let world = World::new().await;
    let mut content = example("Linted");
    content["events"]["body"] = json!("{\"type\": \"${input.event_type}\"}");
    let path = definition(&world, content).await;
    let lint = async |input: Value| world.post(&format!("{path}/lint"), input).await;
    let found = lint(json!({})).await.is(200).json();
    let findings = found["findings"].as_array().unwrap();
    let unescaped = findings
        .iter()
        .find(|finding| finding["code"] == "unescaped");
    let unescaped = unescaped.unwrap_or_else(|| panic!("{found}"));
    assert_eq!(unescaped["pointer"], "/events/body");
    assert_eq!(
        (&unescaped["line"], &unescaped["severity"]),
        (&json!(1), &json!("error"))
    );
    assert!(
        unescaped["proof"]["event"]
            .as_str()
            .unwrap()
            .contains("event_type")
    );
    let mend = unescaped["mend"]["replacement"].as_str().unwrap();
    assert!(mend.contains("?json_string"), "{mend}");
    let sampled = lint(json!({"events": [{"event_type": "x"}]})).await;
    sampled.is(200);
    let refused = lint(json!({"events": [1]})).await;
    assert_eq!(refused.pointers(), ["/events/0"]);
    let many = vec![json!({}); 51];
    assert_eq!(lint(json!({"events": many})).await.pointers(), ["/events"]);
}

/// A number in all events that a project received isn't sent as a string, and whatever else only these
/// events show, is found.
#[tokio::test]
async fn the_linter_learns_from_what_a_project_received() {
    let world = World::new().await;
    let mut content = example("Linted");
    content["events"]["body"] = json!(
        r#"<#assign card = input.event_properties.card!"">{"total":
        "${(input.event_properties.total!"")?json_string}", "card":
        "<#if card?is_string && card?matches("c[ae]rd-\\d{4}")>"</#if>"}"#
    );
    let path = definition(&world, content).await;
    let project = world.project().await;
    let lint = async |input: Value| {
        let found = world.post(&format!("{path}/lint"), input).await.is(200);
        let findings = found.json()["findings"].as_array().unwrap().clone();
        let of_body = findings
            .into_iter()
            .filter(|each| each["pointer"] == "/events/body");
        let codes = of_body.map(|each| each["code"].as_str().unwrap().to_owned());
        (codes.collect::<Vec<_>>(), found.text)
    };
    let text = r#"{"event_type":"buy","user_id":"ann",
        "event_properties":{"total":42.5,"card":"card-4711"}}"#;
    let often = |offset| match offset {
        0 => text.to_owned(),
        _ => r#"{"event_type":"often","user_id":"bob","event_properties":{}}"#.to_owned(),
    };
    // However many others there are, one of each type is looked at.
    let events = (0..60).map(|offset| super::events::event(&project, offset, often(offset)));
    world.lanes.notes().events = events.collect();
    let advice = "quoted_number".to_owned();
    let (codes, shown) = lint(json!({})).await;
    assert!(!codes.contains(&advice), "{shown}");
    assert!(!shown.contains("card-4711"), "{shown}");
    let (codes, shown) = lint(json!({"project": project})).await;
    assert!(codes.contains(&advice), "{shown}");
    assert!(shown.contains("card-4711"), "{shown}");
    // What stands in the place of a sensitive value is of its kind.
    let sensitive = json!({"sensitive": {"event": ["total", "card"]}});
    world
        .change(&format!("/projects/{project}"), sensitive)
        .await
        .is(200);
    let (codes, shown) = lint(json!({"project": project})).await;
    assert!(codes.contains(&advice), "{shown}");
    assert!(
        !shown.contains("4711") && !shown.contains("42.5"),
        "{shown}"
    );

    // Whoever mayn't see events learns nothing of them, and nobody of others' projects.
    let owner = world.person(Role::Owner).await;
    let scopes = Some(vec![Permission::DefinitionsRead]);
    let organisation = world.organisation;
    let narrow = world.token_of(organisation, owner.id, scopes).await;
    let lint = format!("{path}/lint");
    let call = world.anonymous("POST", &lint).token(Some(&narrow));
    let refused = call.json(json!({"project": project})).send().await;
    refused.problem(403, "forbidden");
    let elsewhere = world.another_organisation("Others").await;
    let stranger = world.person_in(elsewhere, Role::Owner).await;
    let projects = format!("/organisations/{elsewhere}/projects");
    let call = world
        .anonymous("POST", &projects)
        .token(Some(&stranger.token));
    let other = call.json(json!({"name": "theirs"})).send().await;
    let other = other.is(201).at("/project/id");
    let refused = world.post(&lint, json!({"project": other})).await;
    assert_eq!(refused.pointers(), ["/project"]);
}

/// What only older events show counts as well: of which types the values of a property are, all that was
/// received says, not the newest few.
#[tokio::test]
async fn the_linter_knows_all_types_that_a_project_received() {
    let world = World::new().await;
    let mut content = example("Linted");
    content["events"]["body"] = json!(
        r#"{"total": "${(input.event_properties.total!"")?json_string}",
            "tags": "${(input.event_properties.tags!"")?json_string}"}"#
    );
    let path = definition(&world, content).await;
    let project = world.project().await;
    let event = |total: &str, tags: &str| {
        format!(
            r#"{{"event_type":"buy","user_id":"ann","event_properties":{{"total":{total},"tags":{tags}}}}}"#
        )
    };
    let lint = async |older: u64| {
        let text = |offset| match offset < older {
            true => event("\"n/a\"", "[\"a\"]"),
            false => event("42.5", "\"a\""),
        };
        let events = (0..800).map(|offset| super::events::event(&project, offset, text(offset)));
        world.lanes.notes().events = events.collect();
        let input = json!({"project": project});
        let found = world.post(&format!("{path}/lint"), input).await.is(200);
        let found = found.json()["findings"].as_array().unwrap().clone();
        let of_body = found
            .into_iter()
            .filter(|each| each["pointer"] == "/events/body");
        let told = of_body.map(|each| {
            let text = |name: &str| each[name].as_str().unwrap().to_owned();
            (
                each["line"].as_u64().unwrap(),
                text("code"),
                text("severity"),
            )
        });
        told.collect::<Vec<_>>()
    };
    let has = |found: &[(u64, String, String)], line, code: &str, severity: &str| {
        found.contains(&(line, code.to_owned(), severity.to_owned()))
    };
    let found = lint(0).await;
    assert!(has(&found, 1, "quoted_number", "advice"), "{found:?}");
    assert!(has(&found, 2, "wrong_type", "advice"), "{found:?}");
    let found = lint(200).await;
    assert!(!has(&found, 1, "quoted_number", "advice"), "{found:?}");
    assert!(has(&found, 2, "wrong_type", "error"), "{found:?}");
}

/// The guide's own template, which escapes nothing, is shown at work; and where an event breaks it, what
/// came out is shown with the place.
#[tokio::test]
async fn the_guides_template_shows_a_request_and_a_broken_body_with_its_place() {
    let world = World::new().await;
    let mut content = example("Guide");
    content["events"]["body"] = json!(concat!(
        "{\n  \"external_id\" : \"${mappedFields.external_id}\",\n",
        "  \"name\" : \"${input.event_type}\",\n  \"key\" : \"${parameters.key}\"\n}",
    ));
    let path = definition(&world, content).await;
    let settings = json!({"name": "x", "parameters": {
        "endpoint": {"value": "https://example.com"}, "key": {"value": "rest-s3cret"}}});
    let shown = preview(&world, &path, json!({"settings": settings})).await;
    let part = &shown["requests"][0];
    assert_eq!(part["outcome"], "request", "{shown:#}");
    assert!(
        part["request"]["curl"]
            .as_str()
            .unwrap()
            .starts_with("curl ")
    );
    let event = json!({"event_type": "Order \"placed\"", "user_properties": {"email": "a"}});
    let shown = preview(&world, &path, json!({"settings": settings, "event": event})).await;
    let part = &shown["requests"][0];
    let reason = &part["reason"];
    assert_eq!(
        (&part["outcome"], &reason["code"]),
        (&json!("discarded"), &json!("invalid_json"))
    );
    let body = reason["body"]
        .as_str()
        .unwrap_or_else(|| panic!("{shown:#}"));
    assert_eq!(reason["line"], 3);
    assert_eq!(
        body.lines().nth(2),
        Some("  \"name\" : \"Order \"placed\"\",")
    );
    assert!(!shown.to_string().contains("s3cret"), "{shown:#}");
}

#[tokio::test]
async fn the_sample_is_of_a_type_that_is_selected_and_sent_in_spite_of_conditions() {
    let world = World::new().await;
    let template = "{\"type\": \"${input.event_type?json_string}\"}";
    let condition = json!({"test": {
        "property": {"scope": "event", "name": "plan"}, "operator": "is", "values": ["pro"],
    }});
    let sync = async |types: Value| {
        let events = json!({"select": {"types": types}, "template": template});
        let settings = json!({"name": "S", "url": "https://example.com/x", "events": events});
        world.sync(settings).await
    };
    let under_condition = json!([{"event_type": "Signed Up", "condition": condition}]);
    for (types, event_type, noted) in [
        (json!([{"event_type": "Bought"}]), "Bought", false),
        (under_condition.clone(), "Signed Up", true),
        (
            json!([under_condition[0], {"event_type": "Seen"}]),
            "Seen",
            false,
        ),
    ] {
        let sync = sync(types).await;
        world.courier.noted().answer = Some((200, Vec::new()));
        let shown = preview(&world, &sync, json!({})).await;
        let tested = world.post(&format!("{sync}/test"), json!({})).await;
        let tested = tested.is(200).json();
        assert_eq!(tested["verdict"], "delivered", "{tested}");
        for part in [&shown["requests"][0], &tested["sent"]] {
            let body = json!({"type": event_type}).to_string().replace(':', ": ");
            assert_eq!(part["request"]["body"], body);
            let note = part["note"].as_str().unwrap_or_default();
            assert_eq!(note.contains("a sample event"), noted, "{part}");
            assert_eq!(note.contains("a condition does not hold"), noted, "{part}");
        }
    }
    // What somebody gives is judged as it comes.
    let sync = sync(under_condition).await;
    let event = json!({"user_id": "u", "event_type": "Signed Up"});
    let shown = preview(&world, &sync, json!({"event": event})).await;
    let part = &shown["requests"][0];
    assert_eq!(part["reason"]["code"], "condition");
    assert_eq!(part["note"], Value::Null);
    let path = format!("{sync}/test");
    let tested = world.post(&path, json!({"event": event})).await;
    assert_eq!(tested.is(200).json()["verdict"], "not_sent");
}
