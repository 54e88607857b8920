//! From a line of an export archive to the event as it is streamed, which has the same shape.

use std::borrow::Cow;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use journal::IncomingEvent;
use model::json::{Limits, Object, Value, parse, write_object};
use model::user::PropertyUpdate;
use model::{EventKind, Timestamp};

/// Members that are times. The export has them to the microsecond, streamed events to the millisecond.
const TIMES: [&str; 7] = [
    "event_time",
    "client_event_time",
    "client_upload_time",
    "server_received_time",
    "server_upload_time",
    "processed_time",
    "user_creation_time",
];

/// Members that are objects where they are there.
const OBJECTS: [&str; 4] = [
    "event_properties",
    "user_properties",
    "groups",
    "group_properties",
];

/// Longest event type and longest id, in bytes.
const TEXT_BYTES: usize = 1024;

/// The event of a line, or what is wrong with it.
pub(super) fn read(line: &str) -> Result<IncomingEvent, String> {
    let value = parse(line.as_bytes(), &Limits::FOREIGN).map_err(|error| error.to_string())?;
    let Value::Object(mut event) = value else {
        return Err(format!("expected an object, found {}", value.kind()));
    };
    without_nulls(&mut event);
    for name in OBJECTS {
        if event
            .get(name)
            .is_some_and(|value| value.as_object().is_none())
        {
            return Err(format!("{name}: expected an object"));
        }
    }
    let event_type = text(&event, "event_type")?.ok_or("event_type: a value is required")?;
    let user_id = text(&event, "user_id")?;
    let device_id = text(&event, "device_id")?;
    let kind = EventKind::of_type(&event_type);
    if user_id.is_none() && device_id.is_none() && kind != EventKind::GroupIdentify {
        return Err("either user_id or device_id is required".into());
    }
    let mut event_time = None;
    for name in TIMES {
        let Some(given) = text(&event, name)? else {
            continue;
        };
        let at = time(&given)
            .ok_or_else(|| format!("{name}: expected a time such as 2026-01-01 00:00:00.000000"))?;
        event.set(name, Value::string(written(at)));
        if name == "event_time" {
            event_time = Some(at);
        }
    }
    let event_time = event_time.ok_or("event_time: a value is required")?;
    event.set("created_at", Value::string(written(event_time)));
    event.set("event_name", Value::string(event_type));
    let insert_id = match text(&event, "uuid")? {
        Some(uuid) => Some(uuid),
        None => text(&event, "$insert_id")?
            .map(|id| format!("{}\n{id}", device_id.as_deref().unwrap_or_default())),
    };
    let mut fields = Vec::with_capacity(line.len() + 128);
    write_object(&event, &mut fields);
    // The journal closes it. Nothing is added in between: whose event it is and what was known of the
    // user is told by the line, and the log has no users.
    fields.pop();
    Ok(IncomingEvent {
        kind,
        user_id: None,
        device_id: None,
        insert_id,
        event_time,
        user_update: PropertyUpdate::none(),
        own_user_properties: None,
        groups: Vec::new(),
        group_update: PropertyUpdate::none(),
        paying: false,
        version: None,
        fields,
    })
}

/// What is not known is absent from streamed events.
fn without_nulls(event: &mut Object<'_>) {
    let nulls = event.iter().filter(|(_, value)| value.is_null());
    let nulls: Vec<String> = nulls.map(|(name, _)| name.to_owned()).collect();
    for name in nulls {
        event.remove(&name);
    }
}

fn text(event: &Object<'_>, name: &str) -> Result<Option<String>, String> {
    let text = match event.get(name) {
        None => return Ok(None),
        Some(Value::String(text)) => Cow::clone(text),
        Some(other) => return Err(format!("{name}: expected a text, found {}", other.kind())),
    };
    match text.len() {
        0 => Ok(None),
        1..=TEXT_BYTES => Ok(Some(text.into_owned())),
        _ => Err(format!("{name}: at most {TEXT_BYTES} bytes")),
    }
}

fn time(text: &str) -> Option<Timestamp> {
    let civil: DateTime = text.parse().ok()?;
    let at = civil.to_zoned(TimeZone::UTC).ok()?.timestamp();
    Timestamp::from_millis(at.as_millisecond())
}

fn written(at: Timestamp) -> String {
    let mut text = Vec::new();
    at.write(&mut text);
    String::from_utf8(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;

    fn line() -> Json {
        json!({
            "$insert_id": "a", "uuid": "4b6d", "amplitude_id": 12_345_678_901_u64, "app": 1,
            "device_id": "d", "user_id": null, "event_type": "Bought", "city": null,
            "event_time": "2026-01-01 10:00:00.123456", "client_event_time": "2026-01-01 10:00:00.000000",
            "event_properties": {"price": 1.10, "none": null}, "user_properties": {"plan": "pro"},
            "groups": {"org": ["acme"]}, "group_properties": {},
        })
    }

    fn streamed(line: &Json) -> Json {
        let mut text = read(&line.to_string()).unwrap().fields;
        text.push(b'}');
        serde_json::from_slice(&text).unwrap()
    }

    #[test]
    fn a_line_becomes_an_event_as_it_is_streamed() {
        let mut expected = line();
        let members = expected.as_object_mut().unwrap();
        members.remove("user_id");
        members.remove("city");
        members.insert("event_time".into(), json!("2026-01-01 10:00:00.123"));
        members.insert("client_event_time".into(), json!("2026-01-01 10:00:00.000"));
        members.insert("created_at".into(), json!("2026-01-01 10:00:00.123"));
        members.insert("event_name".into(), json!("Bought"));
        assert_eq!(streamed(&line()), expected);
        let event = read(&line().to_string()).unwrap();
        assert_eq!(event.insert_id.as_deref(), Some("4b6d"));
        assert_eq!((event.user_id, event.device_id), (None, None));
        let mut without = line();
        without.as_object_mut().unwrap().remove("uuid");
        let event = read(&without.to_string()).unwrap();
        assert_eq!(event.insert_id.as_deref(), Some("d\na"));
    }

    #[test]
    fn numbers_stay_as_they_were_written() {
        let text = r#"{"event_type":"a","user_id":"u","event_time":"2026-01-01 00:00:00","event_properties":{"n":1.10,"m":12345678901234567890}}"#;
        let fields = String::from_utf8(read(text).unwrap().fields).unwrap();
        assert!(
            fields.contains(r#"{"n":1.10,"m":12345678901234567890}"#),
            "{fields}"
        );
    }

    #[test]
    fn a_line_that_is_no_event_is_refused_with_the_reason() {
        let with = |name: &str, value: Json| {
            let mut line = line();
            line[name] = value;
            line.to_string()
        };
        for (text, reason) in [
            ("{".to_owned(), "line 1 column 2"),
            ("[]".to_owned(), "expected an object, found"),
            (
                with("event_type", Json::Null),
                "event_type: a value is required",
            ),
            (with("event_type", json!(1)), "event_type: expected a text"),
            (
                with("event_time", Json::Null),
                "event_time: a value is required",
            ),
            (
                with("event_time", json!("soon")),
                "event_time: expected a time",
            ),
            (with("device_id", Json::Null), "either user_id or device_id"),
            (with("groups", json!([])), "groups: expected an object"),
            (
                with("user_id", json!("x".repeat(1025))),
                "user_id: at most 1024",
            ),
        ] {
            let refused = read(&text).unwrap_err();
            assert!(refused.contains(reason), "{text}: {refused}");
        }
    }
}
