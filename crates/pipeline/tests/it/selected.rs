//! Selected properties and mappings.

use model::Part;
use serde_json::{Value, json};

use crate::support::{body, compile, definition, event, settings};

const ALL: &str = "<#assign U=statics['com.amplitude.integrations.connector.utils.FtlUtils']>\
    {\"properties\": ${U.toJson(mappedProperties)}, \"fields\": ${U.toJson(mappedFields)}}";

fn sent(definition_changes: Value, settings_changes: Value) -> Value {
    let mut changes = json!({"mappings": [{"name": "id"}, {"name": "label"}]});
    changes
        .as_object_mut()
        .unwrap()
        .extend(definition_changes.as_object().unwrap().clone());
    let mut all = json!({
        "events": {"template": ALL},
        "properties": [
            {"scope": "event", "name": "n"},
            {"scope": "user", "name": "n"},
            {"scope": "event", "name": "list"},
            {"scope": "event", "name": "yes"},
            {"scope": "event", "name": "null"},
            {"scope": "group", "group_type": "org", "name": "plan"},
            {"scope": "field", "name": "platform"},
            {"scope": "user", "name": "both"},
            {"scope": "event", "name": "both"},
        ],
        "mappings": {"id": {"scope": "user", "name": "n"}, "label": {"scope": "event", "name": "absent"}},
    });
    all.as_object_mut()
        .unwrap()
        .extend(settings_changes.as_object().unwrap().clone());
    let plan = compile(&definition(changes), settings(all)).unwrap();
    let event = event(&json!({
        "event_type": "x", "platform": "Web",
        "event_properties": {"n": 1.50, "list": [1, "a"], "yes": true, "null": null, "both": "event"},
        "user_properties": {"n": 7},
        "groups": {"org": ["acme"]}, "group_properties": {"org": {"acme": {"plan": "pro"}}},
    }));
    serde_json::from_str(&body(&plan, &event, Part::Event)).unwrap()
}

#[test]
fn selected_properties_are_sent_as_text_by_default() {
    let expected = json!({
        "properties": {"n": "1.5", "list": "[1,\"a\"]", "yes": "true", "plan": "pro", "platform": "Web", "both": "event"},
        "fields": {"id": "7"},
    });
    assert_eq!(sent(json!({}), json!({})), expected);
}

#[test]
fn selected_properties_keep_their_types_where_definition_or_sync_say_so() {
    let typed = json!({
        "properties": {"n": 1.5, "list": [1, "a"], "yes": true, "plan": "pro", "platform": "Web", "both": "event"},
        "fields": {"id": 7},
    });
    assert_eq!(sent(json!({"typed_properties": true}), json!({})), typed);
    assert_eq!(sent(json!({}), json!({"typed_properties": true})), typed);
    let text = sent(
        json!({"typed_properties": true}),
        json!({"typed_properties": false}),
    );
    assert_eq!(text["fields"], json!({"id": "7"}));
}

#[test]
fn nothing_goes_along_unless_selected() {
    let none = sent(json!({}), json!({"properties": [], "mappings": {}}));
    assert_eq!(none, json!({"properties": {}, "fields": {}}));
}

/// Names passed around, special variables: what a template reads can't always be seen in its text.
#[test]
fn indirect_reads_find_the_selected_properties() {
    let properties = json!([{"scope": "event", "name": "a"}]);
    for template in [
        "<#assign m = mappedProperties>${m.a}",
        "${.data_model['mapped' + 'Properties'].a}",
        "${.vars['mapped' + 'Properties'].a}",
    ] {
        let settings =
            settings(json!({"events": {"template": template}, "properties": properties}));
        let plan = compile(&definition(json!({})), settings).unwrap();
        let event = event(&json!({"event_type": "x", "event_properties": {"a": "1"}}));
        assert_eq!(body(&plan, &event, Part::Event), "1", "{template}");
    }
}
