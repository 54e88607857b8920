//! Every reason why no request is made.

use model::definition::Definition;
use model::outcome::Discarded;
use model::{Event, EventKind, Part};
use serde_json::{Value, json};

use crate::support::{
    URL, compile, definition, discarded, event, event_of_kind, settings, template_plan, webhook,
};

fn plain() -> Event {
    event(&json!({"event_type": "x", "user_id": "ann"}))
}

fn of_definition(changes: Value, settings_changes: Value, event: &Event) -> Discarded {
    let plan = compile(&definition(changes), settings(settings_changes)).unwrap();
    discarded(&plan, event, Part::Event)
}

#[test]
fn a_template_that_fails_names_its_place() {
    let Discarded::Template {
        place,
        message,
        line,
        column,
    } = discarded(
        &template_plan("{\n  \"x\": \"${input.absent}\"}"),
        &plain(),
        Part::Event,
    )
    else {
        panic!("a template failure")
    };
    assert_eq!((place.as_str(), line, column), ("body", 2, 11));
    assert!(
        message.contains("input.absent") && !message.contains('\n'),
        "{message}"
    );

    let url = json!({"events": {"method": "POST", "url": "https://example.com/${input.absent}"}});
    let failed = of_definition(url, json!({}), &plain());
    assert!(matches!(failed, Discarded::Template { place, .. } if place == "url"));

    let header = json!({"extra_headers": 1});
    let failed = of_definition(
        header,
        json!({"headers": [{"name": "X-A", "value": "${input.absent}"}]}),
        &plain(),
    );
    assert!(matches!(failed, Discarded::Template { place, .. } if place == "header x-a"));
}

#[test]
fn a_template_that_runs_away_is_stopped() {
    for template in [
        "<#list 1.. as i></#list>",
        "<#macro m><@m/></#macro><@m/>",
        "<#assign s='x'><#list 1..100 as i><#assign s=s+s></#list>",
    ] {
        let failed = discarded(&template_plan(template), &plain(), Part::Event);
        assert!(
            matches!(failed, Discarded::Template { .. }),
            "{template}: {failed:?}"
        );
    }
}

#[test]
fn a_body_that_is_not_json_names_the_place() {
    let failed = discarded(
        &template_plan("{\n \"a\": ${input.user_id} }"),
        &plain(),
        Part::Event,
    );
    assert_eq!(
        failed,
        Discarded::InvalidJson {
            message: "expected value".into(),
            line: 2,
            column: 7
        }
    );
}

#[test]
fn a_content_type_made_by_a_template_counts_for_its_event() {
    let changes = json!({"events": {"method": "POST", "url": URL, "body": "hello",
        "headers": [{"name": "content-type", "value": "${input.type}"}]}});
    let plan = compile(&definition(changes), settings(json!({}))).unwrap();
    let failed = discarded(
        &plan,
        &event(&json!({"event_type": "x", "type": "application/json"})),
        Part::Event,
    );
    assert!(matches!(failed, Discarded::InvalidJson { .. }));
    crate::support::request(
        &plan,
        &event(&json!({"event_type": "x", "type": "text/plain"})),
        Part::Event,
    );
}

#[test]
fn a_required_mapping_without_a_value_names_the_field() {
    let changes =
        json!({"mappings": [{"name": "label"}, {"name": "external_id", "required": true}]});
    let mapped = json!({"mappings": {"external_id": {"scope": "user", "name": "email"}, "label": {"scope": "user", "name": "label"}}});
    for user in [json!({}), json!({"email": null}), json!({"email": ""})] {
        let event = event(&json!({"event_type": "x", "user_properties": user}));
        let failed = of_definition(changes.clone(), mapped.clone(), &event);
        assert_eq!(
            failed,
            Discarded::MissingMapping {
                field: "external_id".into(),
                waited_seconds: None,
                no_room: None,
            }
        );
    }
}

#[test]
fn a_rendered_url_that_is_none_is_never_shown() {
    let url = json!({"events": {"method": "POST", "url": "https://${input.user_id}/s3cret"}});
    let failed = of_definition(
        url,
        json!({}),
        &event(&json!({"event_type": "x", "user_id": "a b"})),
    );
    let Discarded::InvalidUrl { message } = &failed else {
        panic!("{failed:?}")
    };
    assert!(!message.contains("s3cret"), "{message}");
}

#[test]
fn a_header_cannot_smuggle_another() {
    let settings = json!({"headers": [{"name": "X-User", "value": "${input.user_id}"}]});
    for user in ["a\r\nx-admin: 1", "a\n", "\u{0}", &"a".repeat(9000)] {
        let event = event(&json!({"event_type": "x", "user_id": user}));
        let failed = of_definition(json!({"extra_headers": 1}), settings.clone(), &event);
        assert_eq!(
            failed,
            Discarded::InvalidHeader {
                name: "x-user".into()
            }
        );
    }
}

#[test]
fn limits_of_the_destination_are_named() {
    let failed = of_definition(json!({"limits": {"body_bytes": 10}}), json!({}), &plain());
    assert_eq!(
        failed,
        Discarded::OverLimit {
            limit: "body bytes".into(),
            allowed: 10,
            actual: 34
        }
    );

    let many = event(&json!({"event_type": "x", "event_properties": {"a": 1, "b": 2, "c": 3}}));
    let failed = of_definition(
        json!({"limits": {"properties_per_event": 2}}),
        json!({}),
        &many,
    );
    assert_eq!(
        failed,
        Discarded::OverLimit {
            limit: "event properties".into(),
            allowed: 2,
            actual: 3
        }
    );
}

#[test]
fn an_event_that_is_no_object_is_unreadable() {
    // An empty text is what an erased event leaves: nothing is made of that.
    for text in ["[]", " ", "{\"a\":", "\u{0}", "1"] {
        let failed = discarded(
            &crate::support::webhook_plan(json!({})),
            &event_of_kind(EventKind::Track, text),
            Part::Event,
        );
        assert!(matches!(failed, Discarded::Unreadable { .. }), "{failed:?}");
    }
}

#[test]
fn messages_never_show_secret_parameters() {
    let changes = json!({"parameters": [{"name": "key", "display_name": "Key", "kind": "secret"}]});
    let settings = json!({"parameters": {"key": "s3cr3t-v4lue"}, "events": {"template": "${input.user_id}${(parameters.key)?number}"}});
    let failed = of_definition(changes, settings, &plain());
    let Discarded::Template { message, .. } = &failed else {
        panic!("{failed:?}")
    };
    assert!(!message.contains("s3cr3t"), "{message}");
    assert!(
        message.contains("[secret]"),
        "the engine quotes the value: {message}"
    );
    // What a webhook's user fills in is checked the same way.
    assert!(compile(&definition(json!({})), webhook(json!({}))).is_err());
}

#[test]
fn messages_never_quote_headers_of_a_syncs_own() {
    let with = |value: &str| {
        let headers = json!([{"name": "X-Key", "value": value}]);
        compile(&Definition::webhook(), webhook(json!({"headers": headers})))
    };
    for value in [
        "a${s3cr3t}",
        "a${'s3cr3t'?number}",
        "<#s3cr3t>",
        "${'s3cr3t",
    ] {
        let problems = with(value).unwrap_err();
        let said = format!("{problems:?}");
        assert!(
            said.contains("/headers/0/value") && said.contains("not quoted"),
            "{said}"
        );
        assert!(!said.contains("s3cr3t"), "{said}");
    }
    let plan = with("<#if input.user_id??><#stop 's3cr3t'></#if>").unwrap();
    let failed = discarded(&plan, &plain(), Part::Event).to_string();
    assert!(
        failed.contains("header x-key template failed at line 1"),
        "{failed}"
    );
    assert!(!failed.contains("s3cr3t"), "{failed}");
}

/// Servers and libraries resolve `..`, however it is written: a value would choose another address.
#[test]
fn no_value_of_an_event_is_a_step_in_the_path() {
    let at = |url: &str| json!({"events": {"method": "POST", "url": url}});
    let of = |id: &str| event(&json!({"event_type": "x", "user_id": id}));
    for (url, id) in [
        ("https://example.com/u/${input.user_id?url}/x", ".."),
        ("https://example.com/u/${input.user_id?url}/x", "."),
        ("https://example.com/u/${input.user_id}/x?a=b", "%2e."),
        ("https://example.com/u/${input.user_id?url}", ".."),
        (
            "https://example.com/u/${input.user_id?url_path}",
            "a/../../b",
        ),
    ] {
        let failed = of_definition(at(url), json!({}), &of(id));
        let Discarded::InvalidUrl { message } = &failed else {
            panic!("{url} {id}: {failed:?}")
        };
        assert!(message.contains("another address"), "{message}");
    }
    let sent = |url: &str, settings: Value, id: &str| {
        let parameters = json!([{"name": "base", "display_name": "Base"}]);
        let mut changes = at(url);
        changes["parameters"] = parameters;
        let plan = compile(&definition(changes), crate::support::settings(settings)).unwrap();
        crate::support::request(&plan, &of(id), Part::Event)
            .uri
            .to_string()
    };
    let plain = json!({});
    let url = "https://example.com/u/${input.user_id?url}?back=../x";
    assert_eq!(
        sent(url, plain.clone(), "a..b"),
        "https://example.com/u/a..b?back=../x"
    );
    // What the template or a parameter says itself is meant.
    let url = "https://example.com/a/../u/${input.user_id?url}";
    assert_eq!(sent(url, plain, "ann"), "https://example.com/a/../u/ann");
    let url = "https://example.com/u/${input.user_id?url}/../x?";
    assert_eq!(
        sent(url, json!({}), "ann"),
        "https://example.com/u/ann/../x?"
    );
    let base = json!({"parameters": {"base": "https://example.com/a/.."}});
    let url = "${parameters.base}/u/${input.user_id?url}";
    assert_eq!(sent(url, base, "ann"), "https://example.com/a/../u/ann");
}
