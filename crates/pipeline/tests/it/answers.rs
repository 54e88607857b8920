//! What follows an answer, and what is said of rules for answers.

use std::sync::Arc;

use millstream_pipeline::difference::definitions;
use millstream_pipeline::{Outcome, Plan, Problem, check};
use model::definition::{Definition, Meaning};
use model::outcome::Discarded;
use model::time::SystemClock;
use model::{Answer, Clock, OutboundRequest, Part};
use serde_json::{Value, json};

use crate::support::{compile, definition, discarded, event, request, settings};

/// A definition whose requests can be followed by `follow_up`.
fn followed(follow_up: Value) -> Definition {
    definition(json!({
        "about": {"summary": "Takes contacts."},
        "own_templates": false,
        "parameters": [{"name": "key", "display_name": "Key", "kind": "secret"}],
        "mappings": [{"name": "id", "required": true}],
        "users": null,
        "events": {
            "url": "https://api.example.com/contacts",
            "headers": [{"name": "authorization", "value": "Bearer ${parameters.key}"}],
            "body": "{\"id\": \"${mappedFields.id?json_string}\"}",
            "idempotency_key": true,
            "responses": [{"status": [409], "means": "follow_up"}],
            "follow_up": follow_up,
        },
    }))
}

fn plan(definition: &Definition) -> Plan {
    let settings = settings(json!({
        "parameters": {"key": "s3cret"},
        "mappings": {"id": {"scope": "field", "name": "user_id"}},
    }));
    compile(definition, settings).unwrap()
}

fn answer(status: u16, body: &str) -> Answer {
    Answer {
        status,
        body: body.as_bytes().to_vec().into(),
        complete: true,
    }
}

fn follow_up(plan: &Plan, answer: &Answer) -> Outcome {
    let event = event(&json!({"event_type": "seen", "user_id": "ann"}));
    plan.follow_up(&event, Part::Event, answer)
}

fn next(plan: &Plan, answer: &Answer) -> OutboundRequest {
    match follow_up(plan, answer) {
        Outcome::Request(request) => request,
        other => panic!("expected a request, not {other:?}"),
    }
}

#[test]
fn the_request_that_follows_is_made_of_the_answer_too() {
    let definition = followed(json!({
        "method": "PUT",
        "url": "https://api.example.com/contacts/${answer.body.errors[0].id?url}",
        "body": "{\"was\": ${answer.status}, \"id\": \"${mappedFields.id}\"}",
        "responses": [{"status": [404], "means": "delivered"}],
    }));
    let plan = plan(&definition);
    let event = event(&json!({"event_type": "seen", "user_id": "ann"}));
    let first = request(&plan, &event, Part::Event);
    assert_eq!(first.responses[0].means, Meaning::FollowUp);
    assert!(first.idempotency_key);
    let next = next(&plan, &answer(409, r#"{"errors": [{"id": "a/b"}]}"#));
    assert_eq!(
        (next.method.as_str(), next.delivery),
        ("PUT", first.delivery)
    );
    assert_eq!(next.uri, "https://api.example.com/contacts/a%2Fb");
    assert_eq!(next.headers, first.headers);
    assert_eq!(next.body, r#"{"was": 409, "id": "ann"}"#);
    assert_eq!(next.responses[0].means, Meaning::Delivered);
    // Under the same key it would count as the request before.
    assert!(!next.idempotency_key);
}

#[test]
fn without_a_body_of_its_own_it_has_that_of_the_request_before() {
    let definition = followed(json!({"url": "https://api.example.com/x"}));
    let next = next(&plan(&definition), &answer(409, "no JSON"));
    assert_eq!(
        (next.method.as_str(), &*next.body),
        ("POST", &br#"{"id": "ann"}"#[..])
    );
}

#[test]
fn no_answer_leads_what_follows_elsewhere() {
    let definition = followed(json!({"url": "${answer.body.next}"}));
    let plan = plan(&definition);
    let at = |url: &str| answer(409, &json!({"next": url}).to_string());
    assert_eq!(
        next(&plan, &at("https://api.example.com/x")).uri.path(),
        "/x"
    );
    for url in [
        "http://api.example.com/x",
        "https://api.example.com.evil.example/x",
        "https://api.example.com:8443/x",
        "https://evil.example/?https://api.example.com/",
        "/x",
    ] {
        let Outcome::Discarded(Discarded::InvalidUrl { message }) = follow_up(&plan, &at(url))
        else {
            panic!("{url} was taken");
        };
        assert!(message.contains("of the request that follows"), "{message}");
        assert!(!message.contains("evil"), "{message}");
    }
}

#[test]
fn what_an_answer_lacks_fails_the_template_with_its_place() {
    let definition = followed(json!({"url": "https://api.example.com/${answer.body.id}"}));
    for body in ["{}", "no JSON", ""] {
        let outcome = follow_up(&plan(&definition), &answer(409, body));
        let Outcome::Discarded(Discarded::Template { place, column, .. }) = outcome else {
            panic!("{outcome:?}");
        };
        assert_eq!((&*place, column > 24), ("follow-up url", true));
    }
}

#[test]
fn a_destination_says_how_long_identifiers_and_how_many_properties_it_takes() {
    let limited = definition(json!({
        "mappings": [{"name": "id", "required": true}, {"name": "note"}],
        "events": {"url": "https://a.example", "body": "{\"n\": \"${mappedFields.note!}\"}"},
        "users": {"url": "https://a.example"},
        "limits": {"identifier_bytes": 4, "properties_per_user": 2},
    }));
    let chosen = json!({
        "mappings": {
            "id": {"scope": "field", "name": "user_id"}, "note": {"scope": "event", "name": "note"},
        },
        "users": {"send": true},
    });
    let plan = compile(&limited, settings(chosen.clone())).unwrap();
    let seen = |user: &str| {
        event(&json!({
            "event_type": "seen", "user_id": user, "event_properties": {"note": "longer than that"},
            "user_properties": {"a": 1, "b": 2, "c": 3},
        }))
    };
    request(&plan, &seen("anna"), Part::Event);
    let over = |limit: &str, allowed, actual| Discarded::OverLimit {
        limit: limit.into(),
        allowed,
        actual,
    };
    // It counts bytes.
    let long = discarded(&plan, &seen("ännä"), Part::Event);
    assert_eq!(long, over("identifier bytes", 4, 6));
    let many = discarded(&plan, &seen("anna"), Part::User);
    assert_eq!(many, over("user properties", 2, 3));
    let mut too_many = chosen;
    let property = |name: &str| json!({"scope": "user", "name": name});
    too_many["properties"] = json!(["a", "b", "c"].map(property));
    let refused = compile(&limited, settings(too_many)).unwrap_err();
    assert_eq!(refused[0].pointer, "/properties");
}

/// What is wrong with a definition whose events are these.
fn problems(events: Value) -> Vec<String> {
    let mut all = json!({
        "about": {"summary": "Takes contacts."}, "own_templates": false, "users": null,
        "parameters": [{"name": "key", "display_name": "Key"}],
    });
    all["events"] = events;
    all["events"]["url"] = json!("https://api.example.com/${parameters.key}");
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let found = check(&definition(all), &clock);
    found.problems.iter().map(Problem::to_string).collect()
}

#[test]
fn what_makes_no_sense_of_rules_is_said_with_its_place() {
    let pointed = |pointer: &str| json!([{"pointer": pointer, "operator": "is_set"}]);
    for (events, place) in [
        (
            json!({"responses": [{"means": "refused"}]}),
            "/events/responses/0:",
        ),
        (
            json!({"responses": [{"status": [409], "means": "follow_up"}]}),
            "/events/responses/0/means",
        ),
        (
            json!({"follow_up": {"url": "https://api.example.com"}}),
            "/events/follow_up:",
        ),
        (
            json!({"responses": [{"body": pointed("errors"), "means": "retry"}]}),
            "/events/responses/0/body/0/pointer",
        ),
        (
            json!({"responses": [{"body": pointed("/a~2"), "means": "retry"}]}),
            "/events/responses/0/body/0/pointer",
        ),
        (
            json!({"responses": [{"body": [{"pointer": "", "operator": "is"}], "means": "retry"}]}),
            "/events/responses/0/body/0/values",
        ),
        (
            json!({"responses": [{"failed_item": {"list": "errors"}, "means": "retry"}]}),
            "/events/responses/0/failed_item/list",
        ),
        (
            json!({
                "responses": [{"status": [409], "means": "follow_up"}],
                "follow_up": {
                    "url": "https://api.example.com/${answer.body.id}${parameters.kye}",
                    "responses": [{"status": [409], "means": "follow_up"}],
                },
            }),
            "/events/follow_up/url: line 1 column 44",
        ),
        // Only what follows has an answer.
        (json!({"body": "{\"a\": ${answer.status}}"}), "/events/body"),
        (
            json!({
                "responses": [{"status": [409], "means": "follow_up"}],
                "follow_up": {"url": "https://other.example.com/${answer.body.id?url}"},
            }),
            "/events/follow_up/url: it leads to another scheme, host or port",
        ),
        (
            json!({
                "responses": [{"status": [409], "means": "follow_up"}],
                "follow_up": {"url": "http://api.example.com/"},
            }),
            "/events/follow_up/url: it leads to another scheme, host or port",
        ),
    ] {
        let found = problems(events.clone());
        assert!(found[0].starts_with(place), "{events}: {found:?}");
    }
    let twice = problems(json!({
        "responses": [{"status": [409], "means": "follow_up"}],
        "follow_up": {
            "url": "https://api.example.com",
            "responses": [{"status": [409], "means": "follow_up"}],
        },
    }));
    assert!(
        twice[0].contains("only one request can follow"),
        "{twice:?}"
    );
}

#[test]
fn versions_differ_by_their_rules_and_by_what_follows() {
    let was = followed(json!({"url": "https://api.example.com/a"}));
    let mut is = followed(json!({"url": "https://api.example.com/b", "method": "PUT"}));
    is.events.as_mut().unwrap().responses[0].message = "it is there".into();
    let found = definitions(&was, &is);
    let templates: Vec<_> = found.templates.iter().map(|each| &*each.pointer).collect();
    assert_eq!(templates, ["/events/follow_up/url"]);
    let others: Vec<_> = found.others.iter().map(|each| &*each.pointer).collect();
    assert_eq!(
        others,
        ["/events/responses/0/message", "/events/follow_up/method"]
    );
}
