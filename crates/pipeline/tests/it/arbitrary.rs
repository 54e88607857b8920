//! Events of any shape never make a plan panic, and what it sends keeps its promises.

use millstream_pipeline::{Outcome, Plan};
use model::definition::Definition;
use model::{EventKind, Part};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{compile, definition, event_of_kind, settings, webhook_plan};

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-c]{0,3}|2022-0[1-9]-01|[0-9.e-]{0,6}|\\PC{0,5}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-c]", inner, 0..4)
                .prop_map(|members| members.into_iter().collect()),
        ]
    })
}

fn any_event() -> impl Strategy<Value = Value> {
    const FIELDS: [&str; 9] = [
        "event_type",
        "user_id",
        "event_time",
        "event_properties",
        "user_properties",
        "groups",
        "group_properties",
        "platform",
        "version_name",
    ];
    let member = (prop::sample::select(&FIELDS[..]), any_value());
    prop::collection::vec(member, 0..9).prop_map(|members| {
        members
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    })
}

fn plans() -> Vec<Plan> {
    let property =
        |scope: &str, name: &str| json!({"scope": scope, "name": name, "group_type": "a"});
    let property = |scope: &str, name: &str| {
        let mut property = property(scope, name);
        if scope != "group" {
            property.as_object_mut().unwrap().remove("group_type");
        }
        property
    };
    let test = |property: Value, operator: &str, values: Value| json!({"test": {"property": property, "operator": operator, "values": values}});
    let operators = [
        "is",
        "is_not",
        "contains",
        "does_not_contain",
        "starts_with",
        "ends_with",
        "less",
        "less_or_equal",
        "greater",
        "greater_or_equal",
        "matches",
        "set_contains",
    ];
    let each = ["event", "user", "group"].into_iter().flat_map(|scope| {
        operators.map(|operator| test(property(scope, "a"), operator, json!(["a", "5"])))
    });
    let any: Vec<_> = each
        .chain([test(property("field", "platform"), "is_set", json!([]))])
        .collect();
    let all_roots = "<#assign U=statics['com.amplitude.integrations.connector.utils.FtlUtils']>\
        [${U.toJson(input)}, ${U.toJson(mappedProperties)}, ${U.toJson(mappedFields)}, \"${(input.event_type!'')?json_string}\"]";
    let strict = definition(json!({
        "mappings": [{"name": "id", "required": true}],
        "events": {"method": "POST", "url": "https://example.com/${mappedFields.id}", "unit": "array_of_one"},
        "limits": {"body_bytes": 200, "properties_per_event": 2},
    }));
    let strict_settings =
        json!({"mappings": {"id": property("group", "a")}, "users": {"send": true}});
    vec![
        webhook_plan(json!({"users": {"send": true}})),
        webhook_plan(json!({
            "events": {"template": all_roots, "select": {"all": {"condition": {"any": any}}}},
            "users": {"send": true, "template": all_roots},
            "properties": [property("event", "a"), property("user", "b"), property("group", "c"), property("field", "groups")],
        })),
        webhook_plan(
            json!({"events": {"template": r#"{"a": ${input.event_properties.a}, "t": "${input.event_time}"}"#}}),
        ),
        compile(&strict, settings(strict_settings)).unwrap(),
    ]
}

fn check(plan: &Plan, text: &str) -> Result<(), TestCaseError> {
    for kind in [
        EventKind::Track,
        EventKind::Identify,
        EventKind::GroupIdentify,
    ] {
        let event = event_of_kind(kind, text.to_owned());
        let matching = plan.matching(&event);
        for part in [Part::Event, Part::User] {
            let outcome = plan.apply(&event, part);
            prop_assert_eq!(
                matches!(outcome, Outcome::Filtered(_)),
                !matching.contains(part)
            );
            prop_assert_eq!(
                plan.explain(&event, part).is_some(),
                !matching.contains(part)
            );
            if let Outcome::Request(request) = outcome {
                prop_assert!(
                    serde_json::from_slice::<serde::de::IgnoredAny>(&request.body).is_ok()
                );
                prop_assert_eq!(request.uri.scheme_str(), Some("https"));
            }
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn events_of_any_shape_have_an_outcome(event in any_event()) {
        for plan in plans() {
            check(&plan, &event.to_string())?;
        }
    }

    #[test]
    fn texts_that_are_no_event_have_an_outcome(text in "[\\[{}\\]\":,a-c0-9]{0,20}") {
        check(&webhook_plan(json!({"users": {"send": true}})), &text)?;
    }

    #[test]
    fn templates_of_any_text_have_an_answer(template in "[${}<#>/ifinput.user_id!?a-z\" ]{0,40}") {
        let settings = crate::support::webhook(json!({"events": {"template": template}}));
        if let Ok(plan) = compile(&Definition::webhook(), settings) {
            plan.apply(&event_of_kind(EventKind::Track, r#"{"event_type":"x","user_id":"u"}"#), Part::Event);
        }
    }
}
