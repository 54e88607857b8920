//! The webhook guide's own examples, byte for byte as Apache FreeMarker 2.3.31 renders them: its
//! white-space stripping leaves the indentation of the first tag.

use model::Part;
use serde_json::json;

use crate::support::{body, event, template_plan, webhook_plan};

const EVENTS: &str = include_str!("../../../ftl/tests/guides/webhook-event.ftl");

const USERS: &str = include_str!("../../../ftl/tests/guides/webhook-user.ftl");

fn click() -> serde_json::Value {
    json!({
        "user_id": "some user id",
        "device_id": "some device id",
        "event_type": "click event",
        "event_time": "2022-10-24 20:07:32.123",
        "user_properties": {"email": "some@email.com"},
    })
}

#[test]
fn the_events_template_gives_the_guides_payload() {
    let plan = template_plan(EVENTS);
    let expected = r#"{
            "external_id" : "some user id",
      "name" : "click event",
      "time" : "2022-10-24 20:07:32.123",
      "properties" : {
            "email" : "some@email.com"
      }
}
"#;
    assert_eq!(body(&plan, &event(&click()), Part::Event), expected);

    let mut anonymous = click();
    anonymous.as_object_mut().unwrap().remove("user_id");
    anonymous["user_properties"] = json!({});
    let expected = r#"{
            "name" : "click event",
      "time" : "2022-10-24 20:07:32.123",
      "properties" : {
            "email" : ""
      }
}
"#;
    assert_eq!(body(&plan, &event(&anonymous), Part::Event), expected);
}

#[test]
fn the_users_template_gives_the_guides_payload() {
    let plan = webhook_plan(json!({"users": {"send": true, "template": USERS}}));
    let expected = r#"{
            "external_id" : "some user id",
      "device_id" : "some device id",
      "time" : "2022-10-24 20:07:32.123",
      "properties" : {
            "email" : "some@email.com"
      }
}
"#;
    assert_eq!(body(&plan, &event(&click()), Part::User), expected);

    let mut identify = click();
    identify["event_type"] = json!("$identify");
    assert_eq!(body(&plan, &event(&identify), Part::User), expected);
}

/// The guide's figure for `?long` was printed in US Pacific time; ours is UTC unless the template
/// says otherwise.
#[test]
fn the_time_formats_of_the_guide_work() {
    let event = event(&json!({"event_type": "x", "event_time": "2022-02-28 20:07:01.795"}));
    let setting = r#"<#setting datetime_format="yyyy-MM-dd HH:mm:ss.S">"#;
    for (template, expected) in [
        (
            format!(r#"{setting}"${{input.event_time?datetime?string["dd.MM.yyyy, HH:mm"]}}""#),
            r#""28.02.2022, 20:07""#,
        ),
        (
            format!(r#"{setting}"${{input.event_time?datetime?long}}""#),
            r#""1646078821795""#,
        ),
        (
            format!(
                r#"<#setting time_zone="America/Los_Angeles">{setting}"${{input.event_time?datetime?long}}""#
            ),
            r#""1646107621795""#,
        ),
    ] {
        assert_eq!(
            body(&template_plan(&template), &event, Part::Event),
            expected
        );
    }
}

#[test]
fn the_time_of_sending_comes_from_the_plans_clock() {
    let plan = template_plan(r#"{"at": "${.now?string["yyyy-MM-dd HH:mm:ss"]}"}"#);
    let event = event(&json!({"event_type": "x"}));
    assert_eq!(
        body(&plan, &event, Part::Event),
        r#"{"at": "2026-05-29 06:40:00"}"#
    );
}

#[test]
fn the_helpers_of_existing_templates_work() {
    let template = "<#assign U=statics['com.amplitude.integrations.connector.utils.FtlUtils']>\
        {\"all\": ${U.toJson(input.user_properties)}, \"name\": ${U.toJsonString(input.event_type)}}";
    let event = event(
        &json!({"event_type": "say \"hi\"", "user_properties": {"n": 1.10, "l": ["é", null]}}),
    );
    assert_eq!(
        body(&template_plan(template), &event, Part::Event),
        r#"{"all": {"n":1.1,"l":["é",null]}, "name": "say \"hi\""}"#
    );
}

/// The portal guide's example payload, with all four roots and both spellings of their names.
#[test]
fn a_partners_template_reads_all_four_roots_in_both_spellings() {
    let body_template = r#"{
 "external_id": "${mappedFields.external_id}",
 "app_id": "${Parameters.app_id}",
 "name": "${Input.event_type}",
 "properties" : {
<#list MappedProperties as name, value>
  "${name?json_string}": "${value?json_string}"<#sep>,</#sep>
</#list>
 }
}"#;
    let definition = crate::support::definition(json!({
        "parameters": [{"name": "app_id", "display_name": "App id"}],
        "mappings": [{"name": "external_id", "required": true}],
        "events": {"method": "PUT", "url": "https://example.com/${parameters.app_id}/${MappedFields.external_id?url}", "body": body_template},
    }));
    let settings = crate::support::settings(json!({
        "parameters": {"app_id": "some-app"},
        "mappings": {"external_id": {"scope": "user", "name": "email"}},
        "properties": [{"scope": "event", "name": "plan"}, {"scope": "user", "name": "age"}, {"scope": "event", "name": "absent"}],
    }));
    let plan = crate::support::compile(&definition, settings).unwrap();
    let event = event(&json!({
        "event_type": "test_event_type",
        "event_properties": {"plan": "pro \"x\""},
        "user_properties": {"age": 42, "email": "a@b.c"},
    }));
    let request = crate::support::request(&plan, &event, Part::Event);
    assert_eq!(request.uri, "https://example.com/some-app/a%40b.c");
    assert_eq!(request.method, http::Method::PUT);
    let expected = r#"{
 "external_id": "a@b.c",
 "app_id": "some-app",
 "name": "test_event_type",
 "properties" : {
  "plan": "pro \"x\"",
  "age": "42"
 }
}"#;
    assert_eq!(request.body, expected);
}
