//! What a change of a sync means for events.

use std::sync::Arc;

use millstream_pipeline::difference::{Comparison, Difference, LineChange, definitions};
use millstream_pipeline::{Outcome, Plan};
use model::definition::Definition;
use model::outcome::Filtered;
use model::sensitive::SensitiveProperties;
use model::{EventKind, Offset, Part};
use serde_json::{Value, json};

use crate::support::{definition, event, event_of_kind, webhook_plan};

fn compare(before: Option<Plan>, after: Plan, events: &[Value]) -> Difference {
    let mut comparison = Comparison::new(before.map(Arc::new), Arc::new(after), 2);
    for each in events {
        comparison.add(&Arc::new(event(each)));
    }
    comparison.finish()
}

fn selecting(types: &[&str], template: &str) -> Plan {
    let types: Vec<_> = types
        .iter()
        .map(|each| json!({"event_type": each}))
        .collect();
    webhook_plan(json!({"events": {"select": {"types": types}, "template": template}}))
}

#[test]
fn each_delivery_is_counted_once() {
    let events: Vec<_> = ["a", "b", "c", "d"]
        .into_iter()
        .flat_map(|each| [1, 2, 3].map(|n| json!({"event_type": each, "n": n})))
        .collect();
    let before = selecting(&["a", "b"], r#"{"n": ${input.n}}"#);
    let after = selecting(&["b", "c"], r#"{"n": ${[1, 2, "x"][input.n - 1]}}"#);
    let found = compare(Some(before), after, &events);
    assert_eq!(found.events, 12);
    assert_eq!(
        (
            found.no_longer_matched.count,
            found.no_longer_matched.samples.len()
        ),
        (3, 2)
    );
    assert_eq!((found.unchanged, found.changed.count), (2, 0));
    assert_eq!(
        (found.newly_matched.count, found.newly_invalid.count),
        (2, 2)
    );
    assert_eq!((found.still_unmatched, found.still_invalid), (3, 0));
    let invalid = &found.newly_invalid.samples[0].found;
    assert_eq!(
        (invalid.reason, invalid.line, invalid.column),
        ("invalid_json", Some(1), Some(7))
    );
}

#[test]
fn the_first_event_that_is_selected_is_told() {
    let events: Vec<_> = ["d", "c", "b", "a"]
        .into_iter()
        .enumerate()
        .map(|(offset, kind)| (json!({"event_type": kind}), Offset(90 - offset as u64)))
        .collect();
    let first = |types: &[&str], template: &str| {
        let after = selecting(types, template);
        let mut comparison = Comparison::new(None, Arc::new(after), 0);
        for (each, offset) in &events {
            let mut event = event(each);
            event.offset = *offset;
            comparison.add(&Arc::new(event));
        }
        comparison.finish().first_matched
    };
    assert_eq!(first(&["a", "b"], "{}"), Some(88));
    // Be a request possible or not.
    assert_eq!(first(&["c"], "{\"n\": ${input.n}}"), Some(89));
    assert_eq!(first(&["z"], "{}"), None);
}

#[test]
fn a_mended_template_makes_deliveries_valid() {
    let events = [
        json!({"event_type": "a"}),
        json!({"event_type": "b", "n": 1}),
    ];
    let before = webhook_plan(json!({"events": {"template": "{\"n\": ${input.n}}"}}));
    let after = webhook_plan(json!({"events": {"template": "{\"n\": ${input.n!0}}"}}));
    let found = compare(Some(before), after, &events);
    assert_eq!((found.newly_valid.count, found.unchanged), (1, 1));
    assert_eq!(found.newly_valid.samples[0].found.body, "{\"n\": 0}");
}

#[test]
fn users_are_compared_beside_events() {
    let before = webhook_plan(json!({}));
    let after = webhook_plan(json!({"users": {"send": true}}));
    let mut comparison = Comparison::new(Some(Arc::new(before)), Arc::new(after), 5);
    comparison.add(&Arc::new(event(
        &json!({"event_type": "a", "user_id": "ann"}),
    )));
    let identify = r#"{"event_type":"$identify","user_id":"ann"}"#;
    comparison.add(&Arc::new(event_of_kind(EventKind::Identify, identify)));
    let found = comparison.finish();
    assert_eq!((found.unchanged, found.newly_matched.count), (1, 2));
    assert_eq!(found.still_unmatched, 0);
}

#[test]
fn changes_of_a_request_are_told_apart() {
    let of = |url: &str, header: &str, template: &str| {
        webhook_plan(json!({
            "parameters": {"url": url}, "headers": [{"name": "x-a", "value": header}],
            "events": {"template": template},
        }))
    };
    let before = of("https://example.com/a", "1", r#"{"a": 1, "b": [1]}"#);
    let after = of("https://example.com/b", "2", r#"{"b": [2], "a": 1}"#);
    let found = compare(Some(before), after, &[json!({"event_type": "a"})]);
    let changes = &found.changed.samples[0].found;
    assert_eq!(changes.url.as_ref().unwrap().after, "https://example.com/b");
    assert_eq!(changes.headers[0].after.as_deref(), Some("2"));
    assert_eq!((changes.method.as_ref(), changes.body.len()), (None, 1));
    assert_eq!(changes.body[0].pointer, "/b/0");
    // Texts that differ in nothing but how they are written are told apart by their lines.
    let before = of("https://example.com/a", "1", "{\"a\":\n1}");
    let after = of("https://example.com/a", "1", "{\"a\":1}");
    let found = compare(Some(before), after, &[json!({"event_type": "a"})]);
    let changes = &found.changed.samples[0].found;
    assert!(changes.body.is_empty());
    let signs: Vec<_> = changes.lines.iter().map(|line| line.change).collect();
    assert_eq!(
        signs,
        [LineChange::Removed, LineChange::Removed, LineChange::Added]
    );
}

#[test]
fn where_nothing_was_sent_everything_is_new() {
    let found = compare(None, webhook_plan(json!({})), &[json!({"event_type": "a"})]);
    assert_eq!(found.newly_matched.count, 1);
}

#[test]
fn versions_of_a_definition_are_compared_field_by_field() {
    let parameter =
        |name: &str, help: &str| json!({"name": name, "display_name": name, "help": help});
    let payload = |body: &str| {
        json!({
            "url": "https://example.com", "body": body,
            "headers": [{"name": "X-A", "value": "1"}],
        })
    };
    let before = definition(json!({
        "parameters": [parameter("a", ""), parameter("b", ""), parameter("gone", "")],
        "events": payload("1\n2"), "users": null,
    }));
    let mut changed = payload("1\ntwo");
    changed["method"] = json!("PUT");
    let after = definition(json!({
        "parameters": [parameter("a", ""), parameter("b", "new"), parameter("added", "")],
        "mappings": [{"name": "id"}],
        "events": changed, "users": payload("u"), "typed_properties": true,
    }));
    let found = definitions(&before, &after);
    let fields: Vec<_> = found
        .parameters
        .iter()
        .map(|field| (&*field.name, field.before.is_some(), field.after.is_some()))
        .collect();
    assert_eq!(
        fields,
        [
            ("b", true, true),
            ("gone", true, false),
            ("added", false, true)
        ]
    );
    assert_eq!(found.mappings[0].name, "id");
    let templates: Vec<_> = found.templates.iter().map(|each| &*each.pointer).collect();
    assert_eq!(
        templates,
        [
            "/events/body",
            "/users/url",
            "/users/headers",
            "/users/body"
        ]
    );
    let others: Vec<_> = found.others.iter().map(|each| &*each.pointer).collect();
    assert_eq!(others, ["/events/method", "/users", "/typed_properties"]);
    let same = definitions(&Definition::webhook(), &Definition::webhook());
    assert!(same.templates.is_empty() && same.others.is_empty());
}

/// Compares for somebody who may not see the event property `email`; all that is shown, as text.
fn compare_masked(before: Option<Plan>, after: Plan, events: &[Value]) -> (Difference, String) {
    let sensitive = SensitiveProperties {
        event: vec!["email".to_owned()],
        ..SensitiveProperties::default()
    };
    let mut comparison =
        Comparison::new(before.map(Arc::new), Arc::new(after), 2).masking(sensitive);
    for each in events {
        comparison.add(&Arc::new(event(each)));
    }
    let found = comparison.finish();
    let text = serde_json::to_string(&found).unwrap();
    assert!(!text.to_lowercase().contains("ann@example.com"), "{text}");
    (found, text)
}

fn with_email() -> [Value; 1] {
    [json!({"event_type": "a", "event_properties": {"email": "ann@example.com", "n": 5}})]
}

#[test]
fn sensitive_values_show_in_no_request_and_no_change() {
    let of = |template: &str| {
        webhook_plan(json!({
            "parameters": {"url": "https://example.com/${input.event_properties.email?url}"},
            "headers": [{"name": "x-email", "value": "${input.event_properties.email}"}],
            "events": {"template": template},
        }))
    };
    let plain = r#"{"e": "${input.event_properties.email}"}"#;
    let upper = r#"{"E": "${input.event_properties.email?upper_case}"}"#;
    let (found, text) = compare_masked(None, of(plain), &with_email());
    assert_eq!(found.newly_matched.count, 1);
    let sample = &found.newly_matched.samples[0];
    assert!(sample.masked);
    assert_eq!(sample.found.body, r#"{"e": "[sensitive]"}"#);
    assert!(
        text.contains("https://example.com/%5Bsensitive%5D"),
        "{text}"
    );
    let (found, _) = compare_masked(Some(of(plain)), of(upper), &with_email());
    assert_eq!(found.changed.count, 1);
    let changes = &found.changed.samples[0].found.body;
    assert_eq!(changes[0].before.as_deref(), Some("\"[sensitive]\""));
    assert_eq!(changes[1].after.as_deref(), Some("\"[SENSITIVE]\""));
}

#[test]
fn what_comes_out_otherwise_with_masked_values_is_not_shown() {
    // With the masked value each of these goes another way than with the real one.
    let stop = r##"<#if input.event_properties.email?contains("@")><#stop input.event_properties.email></#if>{}"##;
    let fine = r#"{"e": "${input.event_properties.email}"}"#;
    let only_real = r##"<#if input.event_properties.email?contains("@")>{"e": "${input.event_properties.email}"}<#else><#stop "no"></#if>"##;
    let of = |template: &str| webhook_plan(json!({"events": {"template": template}}));
    let (found, _) = compare_masked(Some(of(fine)), of(stop), &with_email());
    let reason = &found.newly_invalid.samples[0].found;
    assert_eq!((reason.reason, reason.line), ("template", Some(1)));
    assert!(reason.message.starts_with("not shown"), "{reason:?}");
    let (found, _) = compare_masked(Some(of(stop)), of(only_real), &with_email());
    let request = &found.newly_valid.samples[0].found;
    assert_eq!(
        (&*request.body, &*request.url),
        ("[sensitive]", "[sensitive]")
    );
    let (found, _) = compare_masked(Some(of(fine)), of(only_real), &with_email());
    assert_eq!(found.unchanged, 1);
    let other = only_real.replace("\"e\"", "\"f\"");
    let (found, _) = compare_masked(Some(of(only_real)), of(&other), &with_email());
    assert_eq!(found.changed.count, 1);
    assert!(found.changed.samples[0].found.body.is_empty());
}

#[test]
fn conditions_tell_of_sensitive_values_only_that_they_do_not_hold() {
    let of = |operator: &str, value: &str| {
        let condition = json!({"test": {
            "property": {"scope": "event", "name": "email"},
            "operator": operator, "values": [value],
        }});
        let types = json!([{"event_type": "a", "condition": condition}]);
        webhook_plan(json!({"events": {"select": {"types": types}}}))
    };
    let all = || webhook_plan(json!({}));
    let (found, _) = compare_masked(Some(all()), of("is", "bob@example.com"), &with_email());
    let reason = &found.no_longer_matched.samples[0].found;
    assert_eq!(reason.reason, "condition");
    assert!(reason.message.contains("[sensitive]"), "{reason:?}");
    // It holds for the masked value.
    let (found, _) = compare_masked(Some(all()), of("is", "[sensitive]"), &with_email());
    assert_eq!(found.no_longer_matched.count, 1);
    let of_masked = &found.no_longer_matched.samples[0].found;
    assert!(of_masked.message.starts_with("not shown"), "{of_masked:?}");
}

#[test]
fn an_erased_event_is_neither_sent_nor_compared() {
    let all = || webhook_plan(json!({"users": {"send": true}}));
    let erased = event_of_kind(EventKind::Track, "");
    assert!(erased.is_erased());
    let plan = all();
    assert_eq!(plan.matching(&erased).len(), 0);
    for part in [Part::Event, Part::User] {
        for outcome in [plan.apply(&erased, part), plan.render(&erased, part)] {
            assert_eq!(outcome, Outcome::Filtered(Filtered::Erased));
        }
    }
    let mut comparison = Comparison::new(None, Arc::new(all()), 5);
    comparison.add(&Arc::new(erased));
    assert_eq!(comparison.finish(), Difference::default());
}
