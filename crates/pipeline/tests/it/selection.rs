//! Which events and users a sync sends, and why not.

use millstream_pipeline::{Outcome, Parts, Plan};
use model::outcome::Filtered;
use model::{EventKind, Part};
use serde_json::{Value, json};

use crate::support::{compile, definition, event, event_of_kind, settings, webhook_plan};

const NONE: Parts = Parts {
    event: false,
    user: false,
};
const EVENT: Parts = Parts {
    event: true,
    user: false,
};
const USER: Parts = Parts {
    event: false,
    user: true,
};
const BOTH: Parts = Parts {
    event: true,
    user: true,
};

fn filtered(plan: &Plan, event: &model::Event, part: Part) -> Filtered {
    match plan.apply(event, part) {
        Outcome::Filtered(why) => why,
        other => panic!("expected it to be filtered, not {other:?}"),
    }
}

#[test]
fn each_kind_of_event_takes_its_paths() {
    let both = webhook_plan(json!({"users": {"send": true}}));
    let events = webhook_plan(json!({}));
    let users = webhook_plan(json!({"events": {"send": false}, "users": {"send": true}}));
    for (plan, track, identify) in [
        (&both, BOTH, USER),
        (&events, EVENT, NONE),
        (&users, USER, USER),
    ] {
        assert_eq!(plan.parts(EventKind::Track), track);
        assert_eq!(plan.parts(EventKind::Identify), identify);
        assert_eq!(plan.parts(EventKind::GroupIdentify), identify);
    }
    assert_eq!(BOTH.iter().collect::<Vec<_>>(), [Part::Event, Part::User]);
    assert_eq!((BOTH.len(), NONE.len(), NONE.is_empty()), (2, 0, true));
    let identify = event(&json!({"event_type": "$identify", "user_id": "u"}));
    assert_eq!(filtered(&both, &identify, Part::Event), Filtered::PathOff);
    assert_eq!(filtered(&events, &identify, Part::User), Filtered::PathOff);
    assert_eq!(
        both.render(&identify, Part::Event),
        Outcome::Filtered(Filtered::PathOff)
    );
}

#[test]
fn events_are_selected_by_type_and_condition_and_users_go_with_all() {
    let plan = webhook_plan(json!({
        "events": {"select": {"types": [
            {"event_type": "buy", "condition": {"test": {"property": {"scope": "event", "name": "price"}, "operator": "greater", "values": [10]}}},
        ]}},
        "users": {"send": true},
    }));
    let buy =
        |price: i64| event(&json!({"event_type": "buy", "event_properties": {"price": price}}));
    assert_eq!(plan.matching(&buy(11)), BOTH);
    assert_eq!(plan.explain(&buy(11), Part::Event), None);
    assert!(matches!(
        plan.apply(&buy(11), Part::Event),
        Outcome::Request(_)
    ));

    assert_eq!(plan.matching(&buy(10)), USER);
    let condition = r#"event property "price" must be > 10, but it is 10"#.to_owned();
    assert_eq!(
        filtered(&plan, &buy(10), Part::Event),
        Filtered::Condition { condition }
    );

    let view = event(&json!({"event_type": "view"}));
    assert_eq!(plan.matching(&view), USER);
    assert_eq!(filtered(&plan, &view, Part::Event), Filtered::EventType);
    assert!(matches!(plan.apply(&view, Part::User), Outcome::Request(_)));
}

#[test]
fn a_retry_is_rendered_whatever_the_selection_says_by_then() {
    let plan = webhook_plan(json!({"events": {"select": {"types": [{"event_type": "other"}]}}}));
    let event = event(&json!({"event_type": "buy"}));
    assert_eq!(plan.matching(&event), NONE);
    assert!(matches!(
        plan.render(&event, Part::Event),
        Outcome::Request(_)
    ));
}

#[test]
fn what_cannot_be_read_is_not_lost_on_the_way() {
    let plan = webhook_plan(json!({"events": {"select": {"types": [{"event_type": "buy"}]}}}));
    let torn = event_of_kind(EventKind::Track, r#"{"event_type":"#);
    assert_eq!(plan.matching(&torn), EVENT);
    assert!(matches!(
        plan.apply(&torn, Part::Event),
        Outcome::Discarded(_)
    ));
}

#[test]
fn a_destination_without_events_is_sent_users_only() {
    let definition = definition(json!({"events": null}));
    let plan = compile(&definition, settings(json!({"users": {"send": true}}))).unwrap();
    assert_eq!(plan.parts(EventKind::Track), USER);
}

#[test]
fn users_can_be_sent_on_changes_of_what_the_destination_is_to_know_only() {
    let plan = |settings_changes: Value| {
        let mut changes = json!({"users": {"send": true, "on": "changes"}});
        let more = settings_changes.as_object().unwrap().clone();
        changes.as_object_mut().unwrap().extend(more);
        let destination = definition(json!({"mappings": [{"name": "id"}]}));
        compile(&destination, settings(changes)).unwrap()
    };
    let changing = |kind, names: &str| {
        let text = r#"{"event_type":"x","user_properties":{"plan":"pro"}}"#;
        event_of_kind(kind, text).with_changed_properties(names.to_owned().into())
    };
    let sends = |plan: &Plan, kind, names| {
        let event = changing(kind, names);
        let sends = plan.matching(&event).user;
        let why = plan.explain(&event, Part::User);
        assert_eq!(why, (!sends).then_some(Filtered::Unchanged));
        sends
    };
    let chosen = json!({
        "properties": [{"scope": "user", "name": "plan"}, {"scope": "event", "name": "price"}],
        "mappings": {"id": {"scope": "user", "name": "mail"}},
    });
    let all_but =
        json!({"properties": [{"scope": "user", "name": "visits"}], "property_choice": "all_but"});
    let (chosen, all_but, any) = (plan(chosen), plan(all_but), plan(json!({})));
    for (names, expected) in [
        ("", [false, false, false]),
        (r#"["visits"]"#, [false, false, true]),
        (r#"["price"]"#, [false, true, true]),
        (r#"["visits","plan"]"#, [true, true, true]),
        (r#"["mail"]"#, [true, true, true]),
    ] {
        let sent = [&chosen, &all_but, &any].map(|plan| {
            let sent = sends(plan, EventKind::Identify, names);
            assert_eq!(sends(plan, EventKind::Track, names), sent);
            sent
        });
        assert_eq!(sent, expected, "{names}");
    }
    assert!(sends(&chosen, EventKind::GroupIdentify, ""));
    // What was selected once is sent, whatever changed.
    let rendered = chosen.render(&changing(EventKind::Identify, ""), Part::User);
    assert!(matches!(rendered, Outcome::Request(_)));
}
