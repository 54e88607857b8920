//! Selected properties and mappings.

use model::Part;
use serde_json::{Value, json};

use crate::support::{body, compile, definition, discarded, event, settings};

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

/// A bought thing, with what should stay here.
fn bought() -> model::Event {
    event(&json!({
        "event_type": "Bought", "user_id": "u",
        "event_properties": {"price": 9, "card": "4111"},
        "user_properties": {"plan": "pro", "mail": "a@b"},
    }))
}

#[test]
fn all_properties_but_those_of_a_list_go_along() {
    let listed = json!([{"scope": "event", "name": "card"}, {"scope": "user", "name": "mail"}]);
    let all_but = sent(
        json!({"typed_properties": true}),
        json!({"properties": listed, "property_choice": "all_but"}),
    );
    let expected = json!({"n": 1.5, "list": [1, "a"], "yes": true, "both": "event", "plan": "pro"});
    assert_eq!(all_but["properties"], expected);

    let limit = json!({"limits": {"properties_per_event": 1}});
    let own = json!({
        "events": {"template": "${mappedProperties?size}"},
        "properties": listed, "property_choice": "all_but",
    });
    let plan = compile(&definition(limit.clone()), settings(own.clone())).unwrap();
    assert_eq!(body(&plan, &bought(), Part::Event), "2");
    // Both of the event's are too many.
    let mut own = own;
    own["properties"] = json!([]);
    let plan = compile(&definition(limit), settings(own)).unwrap();
    let discarded = discarded(&plan, &bought(), Part::Event);
    assert_eq!(
        discarded.to_string(),
        "event properties is 2, but the destination takes at most 1"
    );
}

#[test]
fn users_can_have_a_choice_of_their_own() {
    let template = "\"<#list mappedProperties as name, value>${name}=${value};</#list>\"";
    let plan = compile(
        &definition(json!({})),
        settings(json!({
            "events": {"template": template},
            "users": {"send": true, "template": template,
                "properties": {"list": [{"scope": "user", "name": "mail"}], "choice": "all_but"}},
            "properties": [{"scope": "event", "name": "price"}],
        })),
    );
    let plan = plan.unwrap();
    assert_eq!(body(&plan, &bought(), Part::Event), "\"price=9;\"");
    assert_eq!(
        body(&plan, &bought(), Part::User),
        "\"price=9;card=4111;plan=pro;\""
    );
}

#[test]
fn what_does_not_go_along_can_be_withheld_from_the_payload() {
    let withheld = |choice: &str| {
        let settings = settings(json!({
            "users": {"send": true},
            "properties": [{"scope": "event", "name": "card"}, {"scope": "user", "name": "mail"}],
            "property_choice": choice, "withhold_properties": true,
            "mappings": {"id": {"scope": "user", "name": "plan"}},
            "events": {"select": {"types": [{"event_type": "Bought", "condition": {"test": {
                "property": {"scope": "event", "name": "price"}, "operator": "is", "values": [9],
            }}}]}},
        }));
        compile(
            &definition(json!({"mappings": [{"name": "id", "required": true}]})),
            settings,
        )
    };
    // What is withheld still selects events and fills mappings.
    let plan = withheld("all_but").unwrap();
    assert_eq!(
        body(&plan, &bought(), Part::Event),
        r#"{"event_type":"Bought","user_id":"u","event_properties":{"price":9},"user_properties":{"plan":"pro"}}"#
    );
    assert_eq!(
        body(&plan, &bought(), Part::User),
        r#"{"event_type":"$identify","user_id":"u","user_properties":{"plan":"pro"}}"#
    );
    let plan = withheld("only").unwrap();
    assert_eq!(
        body(&plan, &bought(), Part::Event),
        r#"{"event_type":"Bought","user_id":"u","event_properties":{"card":"4111"},"user_properties":{"mail":"a@b"}}"#
    );
    let secret = settings(json!({
        "events": {"template": "\"${input.event_properties.card!'-'} ${input.user_properties.plan}\""},
        "properties": [{"scope": "user", "name": "plan"}], "withhold_properties": true,
    }));
    let plan = compile(&definition(json!({})), secret).unwrap();
    assert_eq!(body(&plan, &bought(), Part::Event), "\"- pro\"");
}

#[test]
fn a_list_of_properties_that_stay_here_holds_properties_only() {
    let settings = settings(json!({
        "properties": [{"scope": "field", "name": "platform"}, {"scope": "event", "name": ""}],
        "property_choice": "all_but",
        "users": {"send": true, "properties": {"list": [{"scope": "field", "name": "x"}], "choice": "all_but"}},
    }));
    let problems = compile(&definition(json!({})), settings).unwrap_err();
    let pointers: Vec<_> = problems
        .iter()
        .map(|problem| problem.pointer.as_str())
        .collect();
    assert_eq!(
        pointers,
        ["/properties/0", "/properties/1", "/users/properties/list/0"]
    );
}
