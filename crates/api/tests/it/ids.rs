//! Which ids stand for a user or a device, and an event's own.

use millstream_api::ingest::Refusal;
use serde_json::json;

use super::support::{KEY, event_with, read_events, streamed, upload_of};

#[test]
fn forbidden_ids_are_no_ids() {
    for id in [
        "anonymous",
        "nil",
        "none",
        "null",
        "n/a",
        "na",
        "undefined",
        "unknown",
        "",
        "00000000-0000-0000-0000-000000000000",
        "{}",
        "lmy47d",
        "0",
        "-1",
        "NONE",
        "N/A",
        "LMY47D",
        "Unknown",
        "      ",
    ] {
        for (field, other) in [("user_id", "device_id"), ("device_id", "user_id")] {
            let event = |more: &str| {
                let event = format!(r#"{{"event_type":"e","{field}":"{id}"{more}}}"#);
                format!(
                    r#"{{"api_key":"{KEY}","options":{{"min_id_length":1}},"events":[{event}]}}"#
                )
            };
            let Err(Refusal::InvalidFields(found)) = read_events(&event("")) else {
                panic!("{field} {id:?} was taken")
            };
            assert_eq!(
                found.invalid.into_keys().collect::<Vec<_>>(),
                [field],
                "{id:?}"
            );
            let kept = read_events(&event(&format!(r#","{other}":"fine-id""#))).unwrap();
            let shape = streamed(&kept.events[0]);
            assert_eq!(
                (shape.get(field), &shape[other]),
                (None, &json!("fine-id")),
                "{id:?}"
            );
        }
    }
    for id in [
        "nobody",
        "anonymous2",
        "null!",
        "10000000-0000-0000-0000-000000000000",
    ] {
        let event = format!(r#"{{"event_type":"e","user_id":"{id}"}}"#);
        assert!(read_events(&upload_of(&[&event])).is_ok(), "{id}");
    }
}

#[test]
fn short_ids_are_dropped_unless_the_request_allows_them() {
    let with = |options: &str, ids: &str| {
        read_events(&format!(
            r#"{{"api_key":"{KEY}"{options},"events":[{{"event_type":"e",{ids}}}]}}"#
        ))
        .map(|upload| {
            let event = upload.events.into_iter().next().unwrap();
            (event.user_id, event.device_id)
        })
    };
    let both = |user: &str, device: &str| Ok((Some(user.to_owned()), Some(device.to_owned())));
    let (user_only, device_only) = (
        r#""user_id":"1234""#,
        r#""user_id":"1234","device_id":"12345""#,
    );
    assert!(with("", user_only).is_err());
    assert!(with("", r#""user_id":1234"#).is_err());
    assert_eq!(
        with("", r#""user_id":12345"#),
        Ok((Some("12345".into()), None))
    );
    assert_eq!(with("", device_only), Ok((None, Some("12345".into()))));
    assert_eq!(
        with(r#","options":{"min_id_length":3}"#, device_only),
        both("1234", "12345")
    );
    assert_eq!(
        with(r#","options":{}"#, device_only),
        Ok((None, Some("12345".into())))
    );
    assert_eq!(
        with(r#","options":null"#, device_only),
        Ok((None, Some("12345".into())))
    );
    assert!(with(r#","options":{"min_id_length":9}"#, device_only).is_err());
    // Characters count, not bytes.
    assert!(with("", r#""user_id":"åäöé""#).is_err());
    assert!(with("", r#""user_id":"åäöéü""#).is_ok());
}

#[test]
fn each_event_has_an_id_of_its_own() {
    let event = event_with("");
    let upload = read_events(&upload_of(&[&event, &event])).unwrap();
    let ids: Vec<_> = upload
        .events
        .iter()
        .map(|e| streamed(e)["uuid"].clone())
        .collect();
    assert_ne!(ids[0], ids[1]);
}
