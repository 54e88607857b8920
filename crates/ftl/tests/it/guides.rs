//! What the guides for event streaming and webhooks show, byte for byte.

use ftl::Engine;
use serde_json::{Value, json};

/// The settings that the product gives to templates.
fn engine() -> Engine {
    Engine::new()
        .number_format("c")
        .and_then(|engine| engine.boolean_format("c"))
        .expect("well-formed formats")
}

fn render(source: &str, data: &Value) -> String {
    let mut out = Vec::new();
    let template = engine().compile("guide", source).expect("well-formed");
    template.render(data, &mut out).expect("renders");
    String::from_utf8(out).expect("UTF-8")
}

// FreeMarker never strips the first text of a template, so the blanks before the first tag stay: the first property is
// indented twice, as by FreeMarker itself.
const EVENTS: &str = include_str!("../guides/webhook-event.ftl");

#[test]
fn the_event_template_prints_the_payload() {
    let event = json!({"input": {
        "user_id": "some user id", "event_type": "click event", "event_time": "2022-10-24T20:07:32.123",
        "user_properties": {"email": "some@email.com"}
    }});
    let expected = r#"{
            "external_id" : "some user id",
      "name" : "click event",
      "time" : "2022-10-24T20:07:32.123",
      "properties" : {
            "email" : "some@email.com"
      }
}
"#;
    assert_eq!(render(EVENTS, &event), expected);
}

#[test]
fn a_missing_field_leaves_out_its_lines_and_a_default_prints_nothing() {
    let event = json!({"input": {"event_type": "click event", "event_time": "2022-10-24T20:07:32.123", "user_properties": {}}});
    let expected = r#"{
            "name" : "click event",
      "time" : "2022-10-24T20:07:32.123",
      "properties" : {
            "email" : ""
      }
}
"#;
    assert_eq!(render(EVENTS, &event), expected);
}

#[test]
fn the_user_template_prints_the_payload() {
    let source = include_str!("../guides/webhook-user.ftl");
    let user = json!({"input": {
        "device_id": "some user id", "event_time": "2022-10-24T20:07:32.123", "user_properties": {"email": "some@email.com"}
    }});
    let expected = r#"{
            "device_id" : "some user id",
      "time" : "2022-10-24T20:07:32.123",
      "properties" : {
            "email" : "some@email.com"
      }
}
"#;
    assert_eq!(render(source, &user), expected);
}

#[test]
fn event_times_are_converted() {
    let event = json!({"input": {"event_time": "2022-02-28 20:07:01.795"}});
    let setting = r#"<#setting datetime_format="yyyy-MM-dd HH:mm:ss.S">"#;
    let custom =
        format!(r#"{setting}"${{input.event_time?datetime?string["dd.MM.yyyy, HH:mm"]}}""#);
    assert_eq!(render(&custom, &event), r#""28.02.2022, 20:07""#);
    let millis = format!(r#"{setting}"${{input.event_time?datetime?long}}""#);
    assert_eq!(render(&millis, &event), r#""1646078821795""#);
}

#[test]
fn with_the_time_zone_of_the_guide_its_figure_comes_out() {
    let event = json!({"input": {"event_time": "2022-02-28 20:07:01.0"}});
    let source = r#"<#setting time_zone="America/Los_Angeles"><#setting datetime_format="yyyy-MM-dd HH:mm:ss.S">${input.event_time?datetime?long}"#;
    assert_eq!(render(source, &event), "1646107621000");
}

#[test]
fn the_payload_of_the_integration_guide_can_be_made() {
    let source = r#"{
 "external_id": "${mappedFields.external_id}",
 "name": "${input.event_type}",
 "properties" : {
<#list mappedProperties as key, value>
  "${key?json_string}": "${value?json_string}"<#sep>,</#sep>
</#list>
 }
}"#;
    let data = json!({
        "input": {"event_type": "test_event_type"},
        "mappedFields": {"external_id": "some user id"},
        "mappedProperties": {"library": "some \"library\"", "city": "Zürich"}
    });
    let expected = r#"{
 "external_id": "some user id",
 "name": "test_event_type",
 "properties" : {
  "library": "some \"library\"",
  "city": "Zürich"
 }
}"#;
    assert_eq!(render(source, &data), expected);
}
