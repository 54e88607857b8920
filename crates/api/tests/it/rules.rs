//! What an event may hold, and what it becomes.

use millstream_api::ingest::{Problems, Refusal};
use model::EventKind;
use serde_json::json;

use super::support::{
    KEY, NOW, accepted, event_with, read_events, streamed, upload_of, user_after,
};

/// What is wrong with the only event, which must be refused.
fn problems(event: &str) -> Problems {
    match read_events(&upload_of(&[event])) {
        Err(Refusal::InvalidFields(problems)) => problems,
        other => panic!("{event}: {other:?}"),
    }
}

#[test]
fn an_event_is_streamed_in_the_shape_of_the_export_api() {
    let event = r#"{
        "event_type": "watch", "user_id": "user-1", "device_id": "device-1", "time": 1646078800000,
        "event_properties": {"title": "Ünïcode \"x\"", "n": 1.10, "list": [1, {"a": null}]},
        "user_properties": {"plan": "pro"}, "groups": {"org": "acme"},
        "app_version": "2.1", "platform": "Web", "os_name": "Chrome", "os_version": "120",
        "device_brand": "Apple", "device_manufacturer": "Apple", "device_model": "iPhone12,1",
        "carrier": "Telia", "country": "Sweden", "region": "Skåne", "city": "Malmö", "dma": "x",
        "language": "sv-SE", "location_lat": 55.6, "location_lng": "13.0", "ip": "$remote",
        "idfa": "A1", "adid": "A2", "idfv": "A3", "android_id": "A4", "user_agent": "UA",
        "event_id": 7, "session_id": -1, "insert_id": "i-1", "partner_id": "p",
        "plan": {"branch": "main", "version": "1"}, "library": "node/1", "made_up": {"deep": [1]}
    }"#;
    let body = format!(
        r#"{{"api_key":"{KEY}","client_upload_time":"2022-02-28T20:07:00.000Z","events":[{event}]}}"#
    );
    let upload = read_events(&body).unwrap();
    let mut shape = streamed(&upload.events[0]);
    let uuid = shape.as_object_mut().unwrap().remove("uuid").unwrap();
    let uuid = uuid.as_str().unwrap();
    assert_eq!((uuid.len(), &uuid[14..15]), (36, "4"), "{uuid}");
    assert!(matches!(&uuid[19..20], "8" | "9" | "a" | "b"), "{uuid}");
    let expected = json!({
        "app": 258, "$insert_id": "i-1", "adid": "A2", "city": "Malmö", "country": "Sweden",
        "client_event_time": "2022-02-28 20:06:40.000", "client_upload_time": "2022-02-28 20:07:00.000",
        "event_time": "2022-02-28 20:06:40.000", "created_at": "2022-02-28 20:06:40.000",
        "server_received_time": "2022-02-28 20:07:01.795", "server_upload_time": "2022-02-28 20:07:01.795",
        "processed_time": "2022-02-28 20:07:01.795",
        "data": {"idfv": "A3", "android_id": "A4", "user_agent": "UA", "made_up": {"deep": [1]}},
        "device_brand": "Apple", "device_carrier": "Telia", "device_family": "Apple iPhone",
        "device_id": "device-1", "device_manufacturer": "Apple", "device_model": "iPhone12,1",
        "device_type": "Apple iPhone12,1", "dma": "x", "event_id": 7,
        "event_properties": {"title": "Ünïcode \"x\"", "n": 1.10, "list": [1, {"a": null}]},
        "event_type": "watch", "event_name": "watch", "idfa": "A1", "ip_address": "203.0.113.7",
        "language": "Swedish", "library": "node/1", "location_lat": 55.6, "location_lng": 13.0,
        "os_name": "Chrome", "os_version": "120", "partner_id": "p", "platform": "Web",
        "plan": {"branch": "main", "version": "1"}, "region": "Skåne", "session_id": -1,
        "user_id": "user-1", "version_name": "2.1",
    });
    assert_eq!(shape, expected);
    let event = &upload.events[0];
    assert_eq!(event.groups, [("org".to_owned(), vec!["acme".to_owned()])]);
    assert_eq!(user_after(event), r#"{"plan":"pro"}"#);
    assert_eq!(event.version.as_deref(), Some("2.1"));
    assert_eq!(event.insert_id.as_deref(), Some("i-1"));
    assert!(!event.paying);
    let text = String::from_utf8_lossy(&event.fields);
    assert!(
        text.contains(r#""n":1.10"#),
        "numbers keep their text: {text}"
    );
}

#[test]
fn every_wrong_field_is_named() {
    for (members, field) in [
        (r#""time":"1646078800000""#, "time"),
        (r#""time":1.5e12"#, "time"),
        (r#""time":1646078800000.0"#, "time"),
        (r#""time":"2022-02-28""#, "time"),
        (r#""time":true"#, "time"),
        (r#""time":99999999999999999999"#, "time"),
        (r#""time":9223372036854775807"#, "time"),
        (r#""event_properties":"x""#, "event_properties"),
        (r#""event_properties":[]"#, "event_properties"),
        (r#""user_properties":7"#, "user_properties"),
        (
            r#""user_properties":{"$set":{"a":1},"b":2}"#,
            "user_properties",
        ),
        (
            r#""user_properties":{"$nonsense":{"a":1}}"#,
            "user_properties",
        ),
        (r#""user_properties":{"$set":"a"}"#, "user_properties"),
        (r#""user_properties":{"$add":{"a":"1"}}"#, "user_properties"),
        (r#""group_properties":{"$set":1}"#, "group_properties"),
        (r#""groups":"acme""#, "groups"),
        (r#""groups":{"org":{"a":1}}"#, "groups"),
        (r#""groups":{"org":[["a"]]}"#, "groups"),
        (r#""plan":"main""#, "plan"),
        (r#""app_version":{"major":1}"#, "app_version"),
        (r#""country":["Sweden"]"#, "country"),
        (r#""device_id":["a"]"#, "device_id"),
        (r#""insert_id":{}"#, "insert_id"),
        (r#""session_id":1.5"#, "session_id"),
        (r#""session_id":"soon""#, "session_id"),
        (r#""event_id":[]"#, "event_id"),
        (r#""price":"cheap""#, "price"),
        (r#""revenue":1e999"#, "revenue"),
        (r#""event_properties":{"a":[1e999]}"#, "event_properties"),
        (
            r#""user_properties":{"$add":{"a":1e-999}}"#,
            "user_properties",
        ),
        (r#""whatever":1e999"#, "data"),
        (r#""location_lat":{}"#, "location_lat"),
        (
            r#""$skip_user_properties_sync":3"#,
            "$skip_user_properties_sync",
        ),
    ] {
        let found = problems(&event_with(members));
        assert_eq!(
            found.invalid.into_iter().collect::<Vec<_>>(),
            [(field, vec![0])],
            "{members}"
        );
        assert!(found.missing.is_empty());
    }
}

#[test]
fn what_is_required_and_missing_is_named() {
    for (event, fields) in [
        (r#"{"user_id":"user-1"}"#, &["event_type"][..]),
        (r#"{"user_id":"user-1","event_type":null}"#, &["event_type"]),
        (r#"{"user_id":"user-1","event_type":""}"#, &["event_type"]),
        (r#"{"event_type":"click"}"#, &["device_id", "user_id"]),
        (
            r#"{"event_type":"click","user_id":null}"#,
            &["device_id", "user_id"],
        ),
        (r#"{}"#, &["device_id", "event_type", "user_id"]),
        (
            r#"{"event_type":"$groupidentify","group_properties":{"a":1}}"#,
            &["groups"],
        ),
    ] {
        let found = problems(event);
        assert_eq!(
            found.missing.into_keys().collect::<Vec<_>>(),
            fields,
            "{event}"
        );
        assert!(found.invalid.is_empty());
    }
}

#[test]
fn all_wrong_events_are_named_and_none_is_taken() {
    let body = upload_of(&[
        &event_with(""),
        &event_with(r#""time":"x""#),
        r#"{"event_type":"click"}"#,
        &event_with(r#""time":1.5,"price":[]"#),
    ]);
    let Err(Refusal::InvalidFields(found)) = read_events(&body) else {
        panic!("taken")
    };
    let invalid: Vec<_> = found.invalid.into_iter().collect();
    assert_eq!(invalid, [("price", vec![3]), ("time", vec![1, 3])]);
    let missing: Vec<_> = found.missing.into_iter().collect();
    assert_eq!(missing, [("device_id", vec![2]), ("user_id", vec![2])]);
}

#[test]
fn a_client_clock_that_is_off_by_more_than_a_minute_is_corrected() {
    let at = |upload_time: &str, time: &str| {
        let body = format!(
            r#"{{"api_key":"{KEY}"{upload_time},"events":[{}]}}"#,
            event_with(time)
        );
        let upload = read_events(&body).unwrap();
        let shape = streamed(&upload.events[0]);
        assert_eq!(
            shape["event_time"],
            json!(upload.events[0].event_time.to_string())
        );
        assert_eq!(shape["event_time"], shape["created_at"]);
        format!("{} {}", shape["client_event_time"], shape["event_time"]).replace('"', "")
    };
    let (client, now) = ("2022-02-28 20:00:00.000", "2022-02-28 20:07:01.795");
    let time = r#""time":1646078400000"#;
    let uncorrected = format!("{client} {client}");
    let corrected = format!("{client} 2022-02-28 21:00:01.795");
    for upload_time in [
        r#","client_upload_time":"2022-02-28T19:07:00.000Z""#,
        r#","client_upload_time":"2022-02-28T20:07:00+01:00""#,
        r#","client_upload_time":"2022-02-28 19:07:00.000""#,
        r#","client_upload_time":1646075220000"#,
        r#","client_upload_time":"1646075220000""#,
    ] {
        assert_eq!(at(upload_time, time), corrected, "{upload_time}");
    }
    for upload_time in [
        "",
        r#","client_upload_time":null"#,
        r#","client_upload_time":"yesterday""#,
        r#","client_upload_time":{}"#,
        r#","client_upload_time":"2022-02-28T20:06:02.000Z""#,
        r#","client_upload_time":"2022-02-28T20:08:01.000Z""#,
    ] {
        assert_eq!(at(upload_time, time), uncorrected, "{upload_time}");
    }
    let fast = r#","client_upload_time":"2022-02-28T21:07:01.795Z""#;
    assert_eq!(at(fast, time), format!("{client} 2022-02-28 19:00:00.000"));
    assert_eq!(at(fast, r#""time":null"#), format!("{now} {now}"));
    assert_eq!(at("", ""), format!("{now} {now}"));
    assert_eq!(accepted("").event_time.millis(), NOW);
}

#[test]
fn strings_are_cut_at_1024_characters() {
    let (long, cut) = ("é".repeat(2000), "é".repeat(1024));
    let event = accepted(&format!(
        r#""city":"{long}","insert_id":"{long}","event_properties":{{"a":["{long}"]}},
           "user_properties":{{"$set":{{"u":"{long}"}}}},"extra":"{long}","groups":{{"org":"{long}"}}"#
    ));
    let shape = streamed(&event);
    assert_eq!(shape["city"], json!(cut));
    assert_eq!(shape["$insert_id"], json!(cut));
    assert_eq!(shape["event_properties"]["a"][0], json!(cut));
    assert_eq!(shape["data"]["extra"], json!(cut));
    assert_eq!(user_after(&event), format!(r#"{{"u":"{cut}"}}"#));
    assert_eq!(event.groups[0].1, [cut]);
}

#[test]
fn five_types_of_groups_and_ten_groups_are_kept() {
    let names =
        |groups: &[(String, Vec<String>)]| -> usize { groups.iter().map(|(_, n)| n.len()).sum() };
    let types: Vec<String> = (0..7).map(|i| format!(r#""t{i}":"g""#)).collect();
    let groups = accepted(&format!(r#""groups":{{{}}}"#, types.join(","))).groups;
    assert_eq!((groups.len(), names(&groups)), (5, 5));
    let many: Vec<String> = (0..12).map(|i| format!(r#""g{i}""#)).collect();
    let groups = accepted(&format!(r#""groups":{{"a":[{}],"b":"g"}}"#, many.join(","))).groups;
    assert_eq!((groups.len(), names(&groups)), (1, 10));
    let groups = accepted(r#""groups":{"a":["x","x",7,null,""],"b":[],"c":null}"#).groups;
    assert_eq!(
        groups,
        [("a".to_owned(), vec!["x".to_owned(), "7".to_owned()])]
    );
}

#[test]
fn revenue_becomes_event_properties_and_makes_the_user_pay() {
    let event = accepted(
        r#""price":9.99,"quantity":2,"revenue":"19.98","productId":"sku","revenueType":"buy",
           "currency":"SEK","event_properties":{"$quantity":3,"x":1}"#,
    );
    assert!(event.paying);
    let expected = json!({"$quantity": 3, "x": 1, "$price": 9.99, "$revenue": 19.98,
        "$productId": "sku", "$revenueType": "buy", "$currency": "SEK"});
    assert_eq!(streamed(&event)["event_properties"], expected);
    for (members, paying) in [
        (r#""revenue":5"#, true),
        (r#""revenue":0"#, false),
        (r#""revenue":-5"#, false),
        (r#""quantity":1"#, false),
        (r#""event_properties":{"$price":1}"#, false),
        (
            r#""event_type":"revenue_amount","event_properties":{"$price":1,"$quantity":1}"#,
            true,
        ),
        (r#""paying":"true""#, true),
    ] {
        assert_eq!(accepted(members).paying, paying, "{members}");
    }
}

#[test]
fn what_has_no_value_is_absent() {
    let event = accepted(
        r#""device_id":null,"time":null,"event_properties":null,"user_properties":null,"groups":null,
           "city":null,"country":"","language":"","ip":null,"price":null,"session_id":null,
           "insert_id":"","plan":null,"unknown":null,"device_model":null"#,
    );
    let shape = streamed(&event);
    let mut names: Vec<&str> = shape
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    names.sort_unstable();
    let expected = [
        "app",
        "client_event_time",
        "client_upload_time",
        "created_at",
        "event_name",
        "event_properties",
        "event_time",
        "event_type",
        "processed_time",
        "server_received_time",
        "server_upload_time",
        "user_id",
        "uuid",
    ];
    assert_eq!(names, expected);
    assert_eq!(event.insert_id, None);
    assert_eq!(shape["event_properties"], json!({}));
}

#[test]
fn identifies_are_told_from_events() {
    let identify = accepted(
        r#""event_type":"$identify","groups":{"org":["acme","b"]},
           "user_properties":{"$set":{"a":1},"$append":{"l":2},"$unset":{"gone":"-"}}"#,
    );
    assert_eq!(identify.kind, EventKind::Identify);
    assert_eq!(user_after(&identify), r#"{"a":1,"l":[2]}"#);
    assert_eq!(identify.groups[0].1, ["acme", "b"]);
    let group = r#"{"event_type":"$groupidentify","groups":{"org":"acme"},"device_id":"x",
        "group_properties":{"$set":{"size":3},"$remove":{"tags":"x"}}}"#;
    let upload = read_events(&upload_of(&[group])).unwrap();
    let group = &upload.events[0];
    assert_eq!(group.kind, EventKind::GroupIdentify);
    assert_eq!((&group.user_id, &group.device_id), (&None, &None));
    assert!(!group.group_update.is_empty() && group.user_update.is_empty());
    for event_type in [
        "revenue_amount",
        "[Amplitude] Start Session",
        "identify",
        "$exposure",
    ] {
        let event = accepted(&format!(r#""event_type":"{event_type}""#));
        assert_eq!(event.kind, EventKind::Track);
        assert_eq!(streamed(&event)["event_name"], json!(event_type));
    }
}

#[test]
fn reserved_event_types_are_refused() {
    for event_type in ["_all", "_identify"] {
        let found = problems(&event_with(&format!(r#""event_type":"{event_type}""#)));
        assert_eq!(
            found.invalid.into_keys().collect::<Vec<_>>(),
            ["event_type"]
        );
    }
}

#[test]
fn an_event_can_leave_the_users_properties_alone() {
    let event = accepted(r#""$skip_user_properties_sync":true,"user_properties":{"a":1}"#);
    assert!(event.user_update.is_empty());
    assert_eq!(
        event.own_user_properties.as_deref(),
        Some(&br#"{"a":1}"#[..])
    );
    let event = accepted(r#""$skip_user_properties_sync":true"#);
    assert_eq!(event.own_user_properties.as_deref(), Some(&b"{}"[..]));
    assert!(accepted("").own_user_properties.is_none());
}

#[test]
fn an_event_that_is_no_object_is_named_beside_what_else_is_wrong() {
    let found = match read_events(&upload_of(&[&event_with(""), "7", "{}", "null"])) {
        Err(Refusal::InvalidFields(found)) => found,
        other => panic!("{other:?}"),
    };
    assert_eq!(found.invalid["event"], [1, 3]);
    assert_eq!(found.missing["event_type"], [2]);
}

#[test]
fn a_shortest_id_that_makes_no_sense_is_refused() {
    let body = |length: &str| {
        let event = r#"{"event_type":"click","user_id":"ann"}"#;
        format!(
            r#"{{"api_key":"{KEY}","events":[{event}],"options":{{"min_id_length":{length}}}}}"#
        )
    };
    for length in ["-1", "1.5", "\"3\"", "[]", "true"] {
        let refused = read_events(&body(length)).map(|upload| upload.events.len());
        assert!(
            matches!(refused, Err(Refusal::InvalidOption(_))),
            "{length}: {refused:?}"
        );
    }
    for (length, taken) in [("3", true), ("0", true), ("4", false), ("null", false)] {
        assert_eq!(read_events(&body(length)).is_ok(), taken, "{length}");
    }
}

#[test]
fn languages_and_addresses_are_resolved() {
    for (members, field, value) in [
        (r#""language":"en-US""#, "language", "English"),
        (r#""language":"English""#, "language", "English"),
        (r#""language":"Klingon""#, "language", "Klingon"),
        (r#""ip":"$remote""#, "ip_address", "203.0.113.7"),
        (r#""ip":"198.51.100.4""#, "ip_address", "198.51.100.4"),
    ] {
        assert_eq!(
            streamed(&accepted(members))[field],
            json!(value),
            "{members}"
        );
    }
}

#[test]
fn what_is_wrong_with_a_request_as_a_whole_is_told() {
    let key = format!(r#""api_key":"{KEY}""#);
    for (body, refusal) in [
        (String::new(), Refusal::MissingBody),
        (" \n ".into(), Refusal::MissingBody),
        ("{}".into(), Refusal::MissingField("api_key")),
        (
            r#"{"api_key":null,"events":[]}"#.into(),
            Refusal::MissingField("api_key"),
        ),
        (
            r#"{"api_key":7,"events":[]}"#.into(),
            Refusal::InvalidApiKey,
        ),
        (
            r#"{"api_key":"x","events":[]}"#.into(),
            Refusal::InvalidApiKey,
        ),
        (
            format!(r#"{{"api_key":"{}","events":[{{}}]}}"#, "f".repeat(32)),
            Refusal::InvalidApiKey,
        ),
        (format!("{{{key}}}"), Refusal::MissingField("events")),
        (
            format!(r#"{{{key},"events":null}}"#),
            Refusal::MissingField("events"),
        ),
        (
            format!(r#"{{{key},"events":{{}}}}"#),
            Refusal::InvalidEventJson,
        ),
    ] {
        assert_eq!(
            read_events(&body).map(|u| u.events.len()),
            Err(refusal),
            "{body}"
        );
    }
    for body in [
        "[]",
        "7",
        "\"x\"",
        "{",
        "nonsense",
        r#"{"api_key":}"#,
        "{}{}",
    ] {
        assert!(
            matches!(read_events(body), Err(Refusal::InvalidJson(_))),
            "{body}"
        );
    }
    let mark = format!("\u{feff}{}", upload_of(&[&event_with("")]));
    assert_eq!(read_events(&mark).unwrap().events.len(), 1);
    assert_eq!(read_events(&upload_of(&[])).unwrap().events.len(), 0);
}
