//! Everything that keeps a sync from being enabled, each with its place.

use millstream_pipeline::Problem;
use model::definition::Definition;
use serde_json::{Value, json};

use crate::support::{compile, definition, settings, webhook};

fn found(definition: &Definition, settings: model::sync::Settings) -> Vec<Problem> {
    compile(definition, settings).expect_err("there are problems")
}

fn places(problems: &[Problem]) -> Vec<(&str, &str)> {
    problems
        .iter()
        .map(|problem| (problem.pointer.as_str(), problem.message.as_str()))
        .collect()
}

fn of_webhook(changes: Value) -> Vec<Problem> {
    found(&Definition::webhook(), webhook(changes))
}

fn one(problems: Vec<Problem>) -> Problem {
    assert_eq!(problems.len(), 1, "{problems:?}");
    problems.into_iter().next().unwrap()
}

#[test]
fn all_problems_are_found_at_once() {
    let settings = settings(json!({
        "events": {
            "template": "${inptu.user_id}",
            "select": {"all": {"condition": {"any": []}}},
        },
        "users": {"send": true, "template": "<#if"},
        "parameters": {"urll": "x"},
        "headers": [{"name": "Host", "value": "x"}],
    }));
    let problems = found(&Definition::webhook(), settings);
    let pointers: Vec<_> = problems
        .iter()
        .map(|problem| problem.pointer.as_str())
        .collect();
    assert_eq!(
        pointers,
        [
            "/parameters/urll",
            "/parameters/url",
            "/events/select/all/condition/any",
            "/headers/0/name",
            "/events/template",
            "/users/template"
        ]
    );
}

#[test]
fn a_template_that_does_not_compile_says_where() {
    let problem = one(of_webhook(json!({"events": {"template": "{\n  <#if x"}})));
    assert_eq!(problem.pointer, "/events/template");
    assert_eq!(problem.line, Some(2));
    assert!(problem.column.is_some());
    let refused = one(of_webhook(
        json!({"events": {"template": "{}\n<#include 'x'>"}}),
    ));
    assert_eq!(
        (refused.pointer.as_str(), refused.line),
        ("/events/template", Some(2))
    );
    let header = one(of_webhook(
        json!({"headers": [{"name": "A", "value": "${"}]}),
    ));
    assert_eq!(header.pointer, "/headers/0/value");
}

#[test]
fn unknown_names_are_reported_with_the_nearest() {
    let problem = one(of_webhook(
        json!({"events": {"template": "{\n\"a\": \"${inptu.user_id!}\"}"}}),
    ));
    assert_eq!(
        problem.message,
        r#"unknown name "inptu": did you mean input?"#
    );
    assert_eq!((problem.line, problem.column), (Some(2), Some(9)));

    let problem = one(of_webhook(
        json!({"events": {"template": "${parameters.ulr}"}}),
    ));
    assert_eq!(
        problem.message,
        r#"unknown parameter "ulr": did you mean url?"#
    );

    let problem = one(of_webhook(
        json!({"events": {"template": "${MappedFields.id}"}}),
    ));
    assert_eq!(
        problem.message,
        r#"unknown mapped field "id": the destination has none"#
    );

    let message = one(of_webhook(json!({"events": {"template": "${something}"}}))).message;
    assert_eq!(
        message,
        r#"unknown name "something": templates can use input, parameters, mappedProperties, mappedFields"#
    );

    let local = "<#assign x = 1><#list [1] as y>${x}${y}</#list><#macro m p>${p}</#macro><@m p=1/>";
    assert!(
        compile(
            &Definition::webhook(),
            webhook(json!({"events": {"template": local}}))
        )
        .is_ok()
    );
}

#[test]
fn parameters_and_mappings_are_checked_against_the_definition() {
    let definition = definition(json!({
        "parameters": [
            {"name": "key", "display_name": "API key", "required": true},
            {"name": "region", "display_name": "Region", "required": true, "default": "us"},
        ],
        "mappings": [{"name": "external_id", "required": true}, {"name": "label"}],
    }));
    let problems = found(
        &definition,
        settings(json!({
            "parameters": {"kye": "x", "key": "  "},
            "mappings": {"externalid": {"scope": "user", "name": "id"}, "label": {"scope": "user", "name": ""}},
            "properties": [{"scope": "event", "name": ""}],
        })),
    );
    let expected = [
        (
            "/parameters/kye",
            r#"unknown parameter "kye": did you mean key?"#,
        ),
        ("/parameters/key", "API key is required: fill it in"),
        ("/properties/0", "choose a property"),
        (
            "/mappings/externalid",
            r#"unknown mapping "externalid": did you mean external_id?"#,
        ),
        ("/mappings/label", "choose a property"),
        (
            "/mappings/external_id",
            "external_id is required: choose a property for it",
        ),
    ];
    assert_eq!(places(&problems), expected);
}

#[test]
fn a_url_that_can_never_work_is_the_parameters_fault() {
    let mut settings = webhook(json!({"users": {"send": true}}));
    settings
        .parameters
        .insert("url".into(), "example.com/hook".into());
    let problem = one(found(&Definition::webhook(), settings));
    assert_eq!(problem.pointer, "/parameters/url");
    assert_eq!(
        problem.message,
        "the URL can't be used: it must start with https:// or http://"
    );

    let fixed = definition(json!({"events": {"method": "POST", "url": "nowhere"}}));
    let problem = one(found(&fixed, settings_of_nothing()));
    assert_eq!(problem.pointer, "/definition/events/url");
}

/// Who sets up a sync can't change the destination's templates, but can fill in something else.
#[test]
fn what_a_destination_makes_of_a_parameter_is_the_parameters_fault() {
    let key = json!({"name": "key", "display_name": "API key", "kind": "secret"});
    let tenant = json!({"name": "tenant", "display_name": "Tenant"});
    let with = |header: &str, url: &str, parameters: Value| {
        let definition = definition(json!({
            "parameters": [key, tenant],
            "events": {"url": url, "headers": [{"name": "Authorization", "value": header}]},
        }));
        one(found(
            &definition,
            settings(json!({"parameters": parameters})),
        ))
    };
    let (fixed, plain) = ("https://example.com/", "x");
    let can_t = "the value has characters that a header can't carry, or is too long";
    for (header, url, parameters, pointer, message) in [
        (
            "Bearer ${parameters.key}",
            fixed,
            json!({}),
            "/parameters/key",
            "API key goes into the header authorization: fill it in",
        ),
        (
            "${parameters.tenant} ${parameters.key}",
            fixed,
            json!({"tenant": "t"}),
            "/parameters/key",
            "API key goes into the header authorization: fill it in",
        ),
        (
            plain,
            "https://example.com/${parameters.key}",
            json!({}),
            "/parameters/key",
            "API key goes into the url: fill it in",
        ),
        (
            "Bearer ${parameters.key}",
            fixed,
            json!({"key": "a\nb"}),
            "/parameters/key",
            can_t,
        ),
        (
            "${parameters.tenant} ${parameters.key}",
            fixed,
            json!({"tenant": "t", "key": "a\nb"}),
            "/parameters/key",
            can_t,
        ),
        // Neither alone is too long.
        (
            "${parameters.tenant} ${parameters.key}",
            fixed,
            json!({"tenant": "t".repeat(5000), "key": "k".repeat(5000)}),
            "/definition/events/headers/0/value",
            can_t,
        ),
        (
            "${parameters.tenant?number}",
            fixed,
            json!({"tenant": "t"}),
            "/parameters/tenant",
            "the header authorization, line 1 column 1: ",
        ),
    ] {
        let problem = with(header, url, parameters);
        assert_eq!(problem.pointer, pointer, "{problem}");
        assert!(problem.message.starts_with(message), "{problem}");
        assert_eq!((problem.line, problem.column), (None, None), "{problem}");
    }
}

#[test]
fn an_address_that_is_none_is_reported_once() {
    let definition = definition(json!({
        "parameters": [{"name": "endpoint", "display_name": "Endpoint", "kind": "url", "required": true}],
        "events": {"method": "POST", "url": "${parameters.endpoint}/events"},
        "users": {"method": "POST", "url": "${parameters.endpoint}"},
    }));
    let settings =
        settings(json!({"parameters": {"endpoint": "example.com"}, "users": {"send": true}}));
    let problem = one(found(&definition, settings));
    assert_eq!(problem.pointer, "/parameters/endpoint");
    assert!(
        problem.message.starts_with("not a usable URL: "),
        "{}",
        problem.message
    );
}

#[test]
fn a_global_that_is_set_is_no_unknown_name() {
    let of = |body: &str| {
        let events = json!({"method": "POST", "url": "https://example.com", "body": body});
        let definition = definition(json!({"events": events}));
        compile(&definition, settings_of_nothing())
    };
    assert!(of("<#global g=1>{\"a\": ${.globals.g}}").is_ok());
    let unset = one(of("<#global g=1>{\"a\": ${.globals.h}}").expect_err("h is nothing"));
    assert!(
        unset.message.starts_with("unknown name \"h\""),
        "{}",
        unset.message
    );
}

fn settings_of_nothing() -> model::sync::Settings {
    settings(json!({}))
}

#[test]
fn headers_that_cannot_be_sent_are_refused() {
    let header = |name: &str, value: &str| json!({"name": name, "value": value});
    let problems = of_webhook(json!({"headers": [
        header("Content-Length", "1"),
        header("millstream-delivery-id", "x"),
        header("Proxy-Authorization", "x"),
        header("a b", "x"),
        header("X-A", "x\r\ny"),
    ]}));
    let expected = [
        (
            "/headers/0/name",
            "content-length is set by the sender and can't be changed",
        ),
        (
            "/headers/1/name",
            "millstream-delivery-id is set by the sender and can't be changed",
        ),
        (
            "/headers/2/name",
            "proxy-authorization is set by the sender and can't be changed",
        ),
        ("/headers/3/name", "\"a b\" can't be the name of a header"),
        (
            "/headers/4/value",
            "the value has characters that a header can't carry, or is too long",
        ),
    ];
    assert_eq!(places(&problems), expected);

    let six: Vec<_> = (0..6).map(|n| header(&format!("x-{n}"), "v")).collect();
    let problem = one(of_webhook(json!({"headers": six})));
    assert_eq!(
        (problem.pointer.as_str(), problem.message.as_str()),
        (
            "/headers",
            "there are 6 headers, but at most 5 can be added"
        )
    );
    let twice = one(of_webhook(
        json!({"headers": [header("X-A", "1"), header("x-a", "2")]}),
    ));
    assert_eq!(
        (twice.pointer.as_str(), twice.message.as_str()),
        ("/headers/1/name", "x-a is given twice")
    );
}

#[test]
fn templates_of_a_syncs_own_need_the_definitions_leave() {
    let definition = definition(json!({"own_templates": false}));
    let problem = one(found(
        &definition,
        settings(json!({"events": {"template": "{}"}})),
    ));
    assert_eq!(problem.pointer, "/events/template");
}

#[test]
fn a_sync_must_send_something_the_destination_takes() {
    let problem = one(of_webhook(json!({"events": {"send": false}})));
    assert_eq!(
        (problem.pointer.as_str(), problem.message.as_str()),
        ("/events/send", "nothing is sent: switch on events or users")
    );
    let no_users = definition(json!({"users": null}));
    let problem = one(found(&no_users, settings(json!({"users": {"send": true}}))));
    assert_eq!(
        (problem.pointer.as_str(), problem.message.as_str()),
        ("/users/send", "the destination takes no users")
    );
    let no_events = definition(json!({"events": null}));
    assert_eq!(
        one(found(&no_events, settings(json!({})))).pointer,
        "/events/send"
    );
}

#[test]
fn limits_of_the_destination_are_kept_when_a_sync_is_saved() {
    let definition = definition(json!({"limits": {"event_types": 1, "properties_per_event": 1}}));
    let problems = found(
        &definition,
        settings(json!({
            "events": {"select": {"types": [{"event_type": "a"}, {"event_type": "b"}]}},
            "properties": [{"scope": "event", "name": "a"}, {"scope": "event", "name": "b"}, {"scope": "user", "name": "c"}],
        })),
    );
    let expected = [
        (
            "/properties",
            "2 event properties are selected, but the destination takes at most 1",
        ),
        (
            "/events/select",
            "2 event types are selected, but the destination takes at most 1",
        ),
    ];
    assert_eq!(places(&problems), expected);
    assert_eq!(
        one(found(&definition, settings(json!({})))).pointer,
        "/events/select"
    );
}

#[test]
fn a_hopeless_sync_is_not_answered_with_a_book() {
    let types: Vec<_> = (0..500).map(|_| json!({"event_type": "_all"})).collect();
    assert_eq!(
        of_webhook(json!({"events": {"select": {"types": types}}})).len(),
        100
    );
}

/// The name of a header that a parameter makes is mended where the parameter is filled in.
#[test]
fn a_parameter_that_makes_no_name_of_a_header_is_blamed() {
    let with = |parameter: Value| {
        definition(json!({
            "parameters": [parameter],
            "users": null,
            "events": {"url": "https://example.com/", "method": "POST", "headers": [
                {"name": "${parameters.hn}", "value": "1"}]},
        }))
    };
    let required = with(json!({"name": "hn", "display_name": "Header", "required": true}));
    let filled_in = |value: &str| settings(json!({"parameters": {"hn": value}}));
    for (value, message) in [
        (
            "Transfer-Encoding",
            "transfer-encoding is set by the sender and can't be changed",
        ),
        ("a b", "\"a b\" can't be the name of a header"),
    ] {
        let problem = one(found(&required, filled_in(value)));
        assert_eq!(
            (&*problem.pointer, &*problem.message),
            ("/parameters/hn", message)
        );
    }
    let problem = one(found(&required, settings(json!({}))));
    assert_eq!(problem.message, "Header is required: fill it in");
    let optional = with(json!({"name": "hn", "display_name": "Header"}));
    let problem = one(found(&optional, settings(json!({}))));
    assert_eq!(problem.pointer, "/parameters/hn");
    assert_eq!(
        problem.message,
        "Header goes into the name of a header: fill it in"
    );
    let secret =
        with(json!({"name": "hn", "display_name": "H", "required": true, "kind": "secret"}));
    let problem = one(found(&secret, filled_in("s3 cret")));
    assert!(!problem.message.contains("s3"), "{problem}");
}
