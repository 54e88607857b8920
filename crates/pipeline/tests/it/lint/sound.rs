//! What mends do to events that nothing is wrong with: nothing.

use millstream_pipeline::Outcome;
use millstream_pipeline::lint::{Code, Edit, Finding};
use model::definition::{Definition, ParameterKind};
use model::outcome::Discarded;
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
    let telling = TELLING.iter().map(|text| {
        let mut properties = all["event_properties"].clone();
        for name in ["phone", "name", "note", "d", "price", "total", "email"] {
            properties[name] = (*text).into();
        }
        properties["tags"] = json!([text, "x"]);
        properties["items"] = json!([text, {"price": 3}]);
        properties[*text] = (*text).into();
        with(json!({
            "event_type": text, "event_name": text, "user_id": text, "city": text,
            "language": text, "platform": text, "event_properties": properties,
            "user_properties": {"email": text, "age": 33},
        }))
    });
    events
        .iter()
        .chain(&telling.collect::<Vec<_>>())
        .map(support::event)
        .collect()
}

/// Texts that show what a template does to them: letters of both sizes, digits with dashes, tabs, plus
/// signs, spaces outside, line breaks, more characters than one would show.
const TELLING: &[&str] = &[
    "ABC",
    "Ann Bell",
    "555-1234",
    "call 555-1234 now",
    "+49 30 1234",
    "a\tb",
    " x ",
    "two\nlines",
    "12",
    "ÄÖÜ straße",
    "<b>&amp;</b>",
    "Abcdefghij Abcdefghij Abcdefghij Abcdefghij Abcdefghij Abcdefghij",
];

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
pub(super) fn said(
    request: &OutboundRequest,
    retyped: bool,
) -> (String, Vec<(String, Vec<u8>)>, Value) {
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

/// The cases that broke, made of the proofs, with all that is mended mended.
#[test]
fn what_broke_is_sent_once_it_is_mended() {
    let (mut wrong, mut sent) = (Vec::new(), 0);
    for sample in samples(&BAD) {
        let findings = linted(&sample.definition, &sample.events);
        for finding in findings.iter().filter(|finding| finding.mend.is_some()) {
            let template = mended(&sample.template, finding, &findings);
            let proof = &finding.proof;
            let is_of_event = proof.mapped_fields.is_none()
                && proof.mapped_properties.is_none()
                && proof.parameters.is_none()
                && proof.answer.is_none();
            if !is_of_event {
                continue;
            }
            let definition = sample.with_template(&template);
            let Ok(plan) = support::compile(&definition, filled_in(&definition, true)) else {
                wrong.push(format!("{}: {template} can't be used", sample.name));
                continue;
            };
            let event = support::event(&serde_json::from_str(&proof.event).unwrap());
            let part = match finding.pointer.starts_with("/users") {
                true => Part::User,
                false => Part::Event,
            };
            let outcome = plan.apply(&event, part);
            sent += usize::from(matches!(outcome, Outcome::Request(_)));
            if let Outcome::Discarded(why) = outcome
                && !matches!(why, Discarded::MissingMapping { .. })
                && !is_meant(&why)
            {
                let broke = &proof.event;
                wrong.push(format!(
                    "{}: {template}\n    {why}\n    {broke}",
                    sample.name
                ));
            }
        }
    }
    println!("{sent} events that broke are sent");
    assert_none(&wrong);
    assert!(sent > 100);
}

/// Whether a template has stopped on purpose.
pub(super) fn is_meant(why: &Discarded) -> bool {
    let why = why.to_string();
    why.contains("there is nothing to send") || why.contains("makes another address")
}

/// The template with the mend of one finding, and those of all others that stand apart.
pub(super) fn mended(template: &str, finding: &Finding, all: &[Finding]) -> String {
    let mut edits: Vec<&Edit> = finding.mend.iter().collect();
    for edit in all.iter().filter_map(|finding| finding.mend.as_ref()) {
        let apart = |other: &&Edit| {
            let (one, two) = (&edit.bytes, &other.bytes);
            one != two && (one.end <= two.start || two.end <= one.start)
        };
        if edits.iter().all(apart) {
            edits.push(edit);
        }
    }
    edits.sort_by_key(|edit| std::cmp::Reverse((edit.bytes.start, edit.bytes.end)));
    let apply = |text: String, edit: &&Edit| edit.apply(&text).unwrap();
    edits.iter().fold(template.to_owned(), apply)
}
