//! What a sync may give for a definition's parameters and mappings.

use model::Part;
use serde_json::{Value, json};

use crate::support::{body, compile, definition, event, request, settings};

fn asked(parameter: Value) -> Value {
    let mut asked = json!({"name": "p", "display_name": "The P"});
    let members = parameter.as_object().unwrap().clone();
    asked.as_object_mut().unwrap().extend(members);
    asked
}

/// What is wrong with `value` for a parameter; `None` when nothing is.
fn refusal(parameter: Value, value: &str) -> Option<String> {
    let definition = definition(json!({"parameters": [asked(parameter)]}));
    let problems = compile(&definition, settings(json!({"parameters": {"p": value}}))).err()?;
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert_eq!(problems[0].pointer, "/parameters/p");
    Some(problems[0].message.clone())
}

#[test]
fn each_kind_of_parameter_takes_what_it_should() {
    let options = json!([{"value": "us", "label": "US"}, {"value": "eu", "label": "EU"}]);
    for (parameter, value, message) in [
        (json!({"kind": "text"}), "anything \"at all\"", None),
        (
            json!({"kind": "select", "options": options}),
            "au",
            Some("not one of the options: us, eu"),
        ),
        (json!({"kind": "select", "options": options}), "eu", None),
        (
            json!({"kind": "checkbox"}),
            "yes",
            Some("expected true or false"),
        ),
        (json!({"kind": "checkbox"}), "true", None),
        (json!({"kind": "url"}), "https://example.com/x", None),
        (
            json!({"kind": "url"}),
            "example.com",
            Some("not a usable URL: it must start with https:// or http://"),
        ),
        (json!({"pattern": "[0-9]+"}), "123", None),
        (
            json!({"pattern": "[0-9]+|x", "help": "digits"}),
            "123y",
            Some("not in the form that The P must have (digits)"),
        ),
    ] {
        assert_eq!(
            refusal(parameter.clone(), value).as_deref(),
            message,
            "{parameter}"
        );
    }
}

#[test]
fn a_refused_secret_is_not_quoted() {
    let message = refusal(json!({"kind": "secret", "pattern": "sk_[a-z]+"}), "hunter2").unwrap();
    assert!(!message.contains("hunter2"), "{message}");
}

#[test]
fn templates_see_a_checkbox_as_a_boolean() {
    let definition = definition(json!({
        "parameters": [asked(json!({"kind": "checkbox"}))],
        "events": {"url": "https://example.com/", "body": "{\"on\": ${parameters.p?then(1, 0)}}"},
    }));
    let event = event(&json!({"event_type": "a"}));
    for (given, expected) in [
        (json!({}), "{\"on\": 0}"),
        (json!({"p": "true"}), "{\"on\": 1}"),
        (json!({"p": "false"}), "{\"on\": 0}"),
    ] {
        let plan = compile(&definition, settings(json!({"parameters": given}))).unwrap();
        assert_eq!(body(&plan, &event, Part::Event), expected);
    }
}

#[test]
fn the_name_of_a_header_may_hold_parameters_but_nothing_of_an_event() {
    let with_name = |name: &str| {
        definition(json!({
            "parameters": [asked(json!({}))],
            "events": {
                "url": "https://example.com/",
                "headers": [{"name": name, "value": "v"}],
            },
        }))
    };
    let chosen = settings(json!({"parameters": {"p": "Tenant"}}));
    let plan = compile(&with_name("X-${parameters.p}"), chosen.clone()).unwrap();
    let request = request(&plan, &event(&json!({"event_type": "a"})), Part::Event);
    assert_eq!(request.headers["x-tenant"], "v");

    for (name, message) in [
        (
            "X-${input.user_id}",
            "only parameters can go into the name of a header",
        ),
        (
            "X-${parameters.p}\r\nEvil",
            "\"X-${parameters.p}\\r\\nEvil\" can't be the name of a header",
        ),
        (
            "Hos${'t'}",
            "host is set by the sender and can't be changed",
        ),
    ] {
        let problems = compile(&with_name(name), chosen.clone()).unwrap_err();
        assert_eq!(problems[0].pointer, "/definition/events/headers/0/name");
        assert_eq!(problems[0].message, message);
    }
}

#[test]
fn an_identifier_comes_under_the_kind_that_was_chosen() {
    let definition = definition(json!({
        "mappings": [{"name": "Identifier", "required": true, "kinds": ["external_id", "email"]}],
        "events": {
            "url": "https://example.com/",
            "body": "{<#list mappedFields?keys as k>\"${k}\": \"${mappedFields[k]}\"</#list>}",
        },
    }));
    let chosen = |kind: Value| {
        settings(json!({
            "mappings": {"Identifier": {"scope": "user", "name": "mail"}},
            "mapping_kinds": kind,
        }))
    };
    let plan = compile(&definition, chosen(json!({"Identifier": "email"}))).unwrap();
    let event = event(&json!({"event_type": "a", "user_properties": {"mail": "a@example.com"}}));
    assert_eq!(
        body(&plan, &event, Part::Event),
        r#"{"email": "a@example.com"}"#
    );

    for (kind, pointer, message) in [
        (
            json!({}),
            "/mapping_kinds/Identifier",
            "choose what the value for Identifier is: external_id, email",
        ),
        (
            json!({"Identifier": "emial"}),
            "/mapping_kinds/Identifier",
            "unknown kind \"emial\": did you mean email?",
        ),
        (
            json!({"Identifier": "email", "Other": "email"}),
            "/mapping_kinds/Other",
            "the destination has no mapping of this name with kinds to choose from",
        ),
    ] {
        let problems = compile(&definition, chosen(kind)).unwrap_err();
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert_eq!(problems[0].pointer, pointer);
        assert_eq!(problems[0].message, message);
    }
}
