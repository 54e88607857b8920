//! What a request is made of when nothing goes wrong.

use model::definition::Definition;
use model::{DeliveryId, EventKind, Part};
use serde_json::{Value, json};

use crate::support::{
    URL, body, compile, definition, event, event_of_kind, request, settings, template_plan,
    webhook_plan,
};

fn header<'r>(request: &'r model::OutboundRequest, name: &str) -> &'r str {
    request.headers[name].to_str().unwrap()
}

#[test]
fn the_default_payload_is_the_stored_text_itself() {
    let text = bytes::Bytes::from_static(b"{ \"event_type\" : \"x\", \"n\": 1.10 }");
    let event = event_of_kind(EventKind::Track, text.clone());
    let request = request(&webhook_plan(json!({})), &event, Part::Event);
    assert_eq!(request.body, text);
    assert_eq!(
        request.body.as_ptr(),
        text.as_ptr(),
        "the text is shared, not copied"
    );
    assert_eq!(request.uri, URL);
    assert_eq!(request.method, http::Method::POST);
    assert_eq!(header(&request, "content-type"), "application/json");
    assert_eq!(header(&request, "user-agent"), "Millstream/Webhook/1.0");
    assert_eq!(request.headers.len(), 2);
    let id = DeliveryId::of(
        event.project,
        event.offset,
        webhook_plan(json!({})).sync(),
        Part::Event,
    );
    assert_eq!(request.delivery, id);
}

#[test]
fn the_default_user_payload_is_the_user_as_streamed() {
    let plan = webhook_plan(json!({"users": {"send": true}}));
    let click = json!({
        "event_type": "click", "event_time": "2022-02-28 20:07:01.795", "user_id": "ann", "device_id": "d1",
        "amplitude_id": 9007199254740993_i64, "event_properties": {"secret": 1}, "uuid": "u", "ip_address": "1.2.3.4",
        "user_properties": {"a": [1, {"b": null}]}, "groups": {"org": ["acme"]}, "group_properties": {"org": {"acme": {"size": 5}}},
        "platform": "iOS", "version_name": "1.2", "device_carrier": "T", "city": "Ulm",
    });
    let expected = json!({
        "event_type": "$identify", "user_id": "ann", "device_id": "d1", "amplitude_id": 9007199254740993_i64,
        "event_time": "2022-02-28 20:07:01.795", "user_properties": {"a": [1, {"b": null}]}, "groups": {"org": ["acme"]},
        "app_version": "1.2", "platform": "iOS", "carrier": "T", "city": "Ulm",
    });
    assert_eq!(
        body(&plan, &event(&click), Part::User),
        expected.to_string()
    );

    let mut group = click;
    group["event_type"] = json!("$groupidentify");
    let sent: Value = serde_json::from_str(&body(&plan, &event(&group), Part::User)).unwrap();
    assert_eq!(sent["event_type"], "$groupidentify");
    assert_eq!(
        sent["group_properties"],
        json!({"org": {"acme": {"size": 5}}})
    );
}

#[test]
fn a_users_template_sees_the_projection_as_sent() {
    let template = r#"{"keys": "<#list input?keys as key>${key} </#list>", "size": ${input?size}, "type": "${input.event_type}", "version": "${input.app_version}", "event": "${input.event_properties!"hidden"}"}"#;
    let plan = webhook_plan(json!({"users": {"send": true, "template": template}}));
    let event = event(
        &json!({"event_type": "x", "user_id": "u", "version_name": "7", "event_properties": {}}),
    );
    assert_eq!(
        body(&plan, &event, Part::User),
        r#"{"keys": "event_type user_id app_version ", "size": 3, "type": "$identify", "version": "7", "event": "hidden"}"#
    );
}

#[test]
fn the_original_senders_name_can_be_used() {
    let event = event(&json!({"event_type": "x"}));
    let agent = |settings: Value| {
        header(
            &request(&webhook_plan(settings), &event, Part::Event),
            "user-agent",
        )
        .to_owned()
    };
    assert_eq!(
        agent(json!({"user_agent": "original"})),
        "Amplitude/Webhook/1.0"
    );
    let own = json!([{"name": "User-Agent", "value": "mine"}]);
    assert_eq!(
        agent(json!({"user_agent": "original", "headers": own})),
        "mine"
    );
    let plan = compile(&definition(json!({})), settings(json!({}))).unwrap();
    assert_eq!(
        header(&request(&plan, &event, Part::Event), "user-agent"),
        "Millstream/Webhook/1.0"
    );
}

#[test]
fn a_syncs_headers_override_the_definitions_and_are_templates() {
    let plan = webhook_plan(json!({"headers": [
        {"name": "CONTENT-Type", "value": "application/vnd.x+json"},
        {"name": "X-User", "value": " ${input.user_id} "},
        {"name": "Authorization", "value": "Bearer t0ken"},
    ]}));
    let request = request(
        &plan,
        &event(&json!({"event_type": "x", "user_id": "ann"})),
        Part::Event,
    );
    assert_eq!(header(&request, "content-type"), "application/vnd.x+json");
    assert_eq!(header(&request, "x-user"), "ann");
    assert_eq!(header(&request, "authorization"), "Bearer t0ken");
    assert!(request.headers["authorization"].is_sensitive());
    assert_eq!(request.headers.len(), 4);
    let shown = format!("{plan:?} {request:?}");
    assert!(
        !shown.contains("t0ken") && !shown.contains("ann"),
        "{shown}"
    );
}

#[test]
fn a_url_can_depend_on_the_event() {
    let definition = definition(
        json!({"events": {"method": "PATCH", "url": "https://example.com/<#if input.eu!false>eu<#else>us</#if>/${input.user_id?url}\n"}}),
    );
    let plan = compile(&definition, settings(json!({}))).unwrap();
    let request = request(
        &plan,
        &event(&json!({"event_type": "x", "user_id": "a/b é", "eu": true})),
        Part::Event,
    );
    assert_eq!(request.uri, "https://example.com/eu/a%2Fb%20%C3%A9");
}

#[test]
fn a_body_can_stand_in_an_array() {
    let definition = |body: Option<&str>| {
        definition(
            json!({"events": {"method": "POST", "url": URL, "unit": "array_of_one", "body": body}}),
        )
    };
    let event = event(&json!({"event_type": "x"}));
    let body = |template| {
        body(
            &compile(&definition(template), settings(json!({}))).unwrap(),
            &event,
            Part::Event,
        )
    };
    assert_eq!(body(None), r#"[{"event_type":"x"}]"#);
    assert_eq!(
        body(Some(r#"{"t": "${input.event_type}"}"#)),
        r#"[{"t": "x"}]"#
    );
}

#[test]
fn values_keep_their_digits_and_their_text() {
    let plan = template_plan(
        r#"{"n": ${input.event_properties.n}, "b": ${input.event_properties.b}, "s": "${input.event_properties.s?json_string}"}"#,
    );
    let event = event_of_kind(
        EventKind::Track,
        r#"{"event_type":"x","event_properties":{"n":12345678901234567890,"b":true,"s":"\u00e9\"\n"}}"#,
    );
    assert_eq!(
        body(&plan, &event, Part::Event),
        r#"{"n": 12345678901234567890, "b": true, "s": "é\"\n"}"#
    );
}

#[test]
fn a_body_that_does_not_claim_to_be_json_is_not_checked() {
    let mut definition = Definition::webhook();
    definition.extra_headers = 1;
    let mut settings = crate::support::webhook(
        json!({"headers": [{"name": "content-type", "value": "text/plain"}]}),
    );
    settings.events.template = Some("hello ${input.event_type}".into());
    let plan = compile(&definition, settings).unwrap();
    assert_eq!(
        body(&plan, &event(&json!({"event_type": "x"})), Part::Event),
        "hello x"
    );
}

#[test]
fn plans_are_shared_between_threads() {
    fn shared<T: Send + Sync + 'static>(_: &T) {}
    shared(&webhook_plan(json!({})));
}

#[test]
fn a_webhooks_url_is_a_template_of_the_syncs_own() {
    let event = event(&json!({"event_type": "order", "user_id": "ann"}));
    let templated = "https://example.com/${input.user_id}?type=${input.event_type}";
    let plan = webhook_plan(json!({"parameters": {"url": templated}}));
    let request = request(&plan, &event, Part::Event);
    assert_eq!(request.uri, "https://example.com/ann?type=order");

    let unclosed = crate::support::webhook(json!({
        "parameters": {"url": "https://example.com/${input.user_id"}
    }));
    let problems = compile(&Definition::webhook(), unclosed).unwrap_err();
    assert_eq!(problems[0].pointer, "/parameters/url");
}
