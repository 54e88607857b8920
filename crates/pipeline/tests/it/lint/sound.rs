//! What mends do to events that nothing is wrong with: nothing.

use millstream_pipeline::Outcome;
use millstream_pipeline::lint::{Code, Finding};
use model::definition::{Definition, ParameterKind};
use model::sync::Settings;
use model::{Event, OutboundRequest, Part};
use serde_json::{Value, json};

use super::corpus::Sample;
use super::{BAD, assert_none, linted, samples};
use crate::support;

/// Events as most are: letters, digits and what stands between them.
fn usual() -> Vec<Event> {
    let all = json!({
        "event_type": "Order", "event_name": "Order", "user_id": "annabel", "device_id": "d-1",
        "event_time": "2022-02-28 20:07:01.795", "created_at": "2022-02-28 20:07:01.795",
        "amplitude_id": 42, "app": 7, "session_id": 1646078821795_i64, "paying": true,
        "city": "Berlin", "country": "Germany", "region": "BE", "platform": "iOS",
        "language": "German", "os_name": "ios", "ip_address": "203.0.113.7",
        "location_lat": 52.52, "location_lng": 13.4, "version_name": "2.4",
        "groups": {"org": ["Acme", "Beta"]},
        "event_properties": {
            "price": "12.5", "n": 3.4, "vip": true, "items": ["a", "b"], "tags": ["x"],
            "d": "2022-02-28", "note": "a & b",
        },
        "user_properties": {"email": "ann@example.com", "age": 33},
    });
    let with = |changes: Value| {
        let mut event = all.clone();
        for (name, value) in changes.as_object().unwrap() {
            event[name] = value.clone();
        }
        event
    };
    let without = |names: &[&str]| {
        let mut event = all.clone();
        names.iter().for_each(|name| {
            event.as_object_mut().unwrap().remove(*name);
        });
        event
    };
    let events = [
        all.clone(),
        with(json!({"event_type": "cio_1", "user_id": "cio_1"})),
        with(json!({"event_type": "a@b", "user_id": "a@b"})),
        with(json!({"event_type": "sign up & more", "event_name": "it's"})),
        with(json!({"event_type": "purchase", "user_id": "a"})),
        with(
            json!({"event_properties": {"price": 7, "n": 12, "vip": false, "items": [], "email": "x"}}),
        ),
        with(json!({"event_properties": {"price": 0.25, "n": 1234567, "items": ["only"]}})),
        with(json!({"user_id": "a-very-long-id-of-a-user-that-goes-on-and-on"})),
        without(&["city", "region", "paying", "session_id"]),
        without(&["user_id", "country", "groups", "platform"]),
        without(&["event_properties", "location_lat", "language"]),
    ];
    events.iter().map(support::event).collect()
}

/// What somebody fills in: everything, or what is required.
fn filled_in(definition: &Definition, all: bool) -> Settings {
    let mut parameters = serde_json::Map::new();
    for parameter in &definition.parameters {
        let value = match parameter.kind {
            ParameterKind::Select => parameter.options[0].value.clone(),
            ParameterKind::Checkbox => all.to_string(),
            ParameterKind::Url => support::URL.to_owned(),
            _ if parameter.name == "limit" => "12".to_owned(),
            _ if parameter.name == "code" => "abc".to_owned(),
            _ => "value-1".to_owned(),
        };
        if all || parameter.required {
            parameters.insert(parameter.name.clone(), value.into());
        }
    }
    let (mut mappings, mut kinds) = (serde_json::Map::new(), serde_json::Map::new());
    for mapping in &definition.mappings {
        if all || mapping.required {
            let field = json!({"scope": "field", "name": "user_id"});
            mappings.insert(mapping.name.clone(), field);
            if let Some(kind) = mapping.kinds.first() {
                kinds.insert(mapping.name.clone(), kind.clone().into());
            }
        }
    }
    let property = |name: &str| json!({"scope": "event", "name": name});
    let properties = ["price", "n", "vip", "note"].map(property);
    support::settings(json!({
        "parameters": parameters, "mappings": mappings, "mapping_kinds": kinds,
        "properties": properties,
        "users": {"send": definition.users.is_some()},
    }))
}

/// All requests that a definition makes of the usual events, in the same order each time.
fn requests(definition: &Definition, all: bool) -> Option<Vec<Option<OutboundRequest>>> {
    let plan = support::compile(definition, filled_in(definition, all)).ok()?;
    let mut made = Vec::new();
    for event in usual() {
        for part in [Part::Event, Part::User] {
            made.push(match plan.apply(&event, part) {
                Outcome::Request(request) => Some(request),
                _ => None,
            });
        }
    }
    Some(made)
}

/// What a request says: its body as JSON where it is, its address with what is encoded decoded.
fn said(request: &OutboundRequest, retyped: bool) -> (String, Vec<(String, Vec<u8>)>, Value) {
    let text = String::from_utf8(request.body.to_vec()).unwrap();
    let mut body = serde_json::from_str(&text).unwrap_or(Value::String(text));
    if retyped {
        spell(&mut body);
    }
    let headers = request.headers.iter();
    let headers = headers.map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()));
    let address = request
        .uri
        .to_string()
        .replace("%27", "'")
        .replace("%40", "@");
    (address, headers.collect(), body)
}

/// Numbers and booleans as the strings that spell them, null as the empty one.
fn spell(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(spell),
        Value::Object(members) => members.values_mut().for_each(spell),
        Value::Number(_) | Value::Bool(_) => *value = Value::String(value.to_string()),
        Value::Null => *value = Value::String(String::new()),
        Value::String(_) => {}
    }
}

#[test]
fn no_mend_changes_what_sound_events_send() {
    let (mut wrong, mut compared) = (Vec::new(), 0);
    for sample in samples(&BAD) {
        let before = [true, false].map(|all| requests(&sample.definition, all));
        let findings = linted(&sample.definition, &sample.events);
        for finding in &findings {
            let Some(mend) = &finding.mend else { continue };
            let template = mend.apply(&sample.template).unwrap();
            // A text that spells a number, where no quotes stand, is sent as one by chance only.
            let is_bare = |other: &Finding| {
                let place = (finding.line, finding.column);
                other.code == Code::Unquoted && (other.line, other.column) == place
            };
            let retyped = matches!(finding.code, Code::QuotedNumber | Code::QuotedBoolean)
                || findings.iter().any(is_bare);
            let mended = sample.with_template(&template);
            for (all, before) in [true, false].into_iter().zip(&before) {
                let Some(before) = before else { continue };
                let after = requests(&mended, all);
                compared += compare(&sample, &template, before, after, retyped, &mut wrong);
            }
        }
    }
    println!("{compared} requests compared");
    assert_none(&wrong);
    assert!(compared > 1_000);
}

fn compare(
    sample: &Sample,
    template: &str,
    before: &[Option<OutboundRequest>],
    after: Option<Vec<Option<OutboundRequest>>>,
    retyped: bool,
    wrong: &mut Vec<String>,
) -> usize {
    let Some(after) = after else {
        wrong.push(format!("{}: {template} can't be used", sample.name));
        return 0;
    };
    let mut compared = 0;
    for (before, after) in before.iter().zip(&after) {
        let Some(before) = before else { continue };
        let before = said(before, retyped);
        let after = after.as_ref().map(|after| said(after, retyped));
        compared += 1;
        if after.as_ref() != Some(&before) {
            wrong.push(format!(
                "{}: {template}\n    before {before:?}\n    after {after:?}",
                sample.name
            ));
        }
    }
    compared
}
