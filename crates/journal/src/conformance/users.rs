//! Whose an event is, and what it makes of them.

use std::collections::HashSet;

use model::{EventKind, Timestamp};
use serde_json::json;

use super::support::*;
use super::{Backend, Bounds};
use crate::person::MOST_DEVICES;
use crate::{IncomingEvent, Subject};

pub async fn properties_are_those_after_the_event(backend: &dyn Backend) {
    let journal = backend.open(Bounds::default()).await;
    let events = vec![
        event("ann", ""),
        identify("ann", "", r#"{"$set":{"plan":"free"},"$add":{"visits":1}}"#),
        event("ann", ""),
        identify("ann", "", r#"{"$set":{"plan":"pro"},"$add":{"visits":1}}"#),
        event("bob", ""),
        identify("ann", "", r#"{"$unset":{"plan":"-"}}"#),
    ];
    accept(&journal, project(1), events).await;
    let properties: Vec<serde_json::Value> = texts(&journal, project(1), 0)
        .await
        .iter()
        .map(|text| serde_json::from_str::<serde_json::Value>(text).unwrap())
        .map(|event| event["user_properties"].clone())
        .collect();
    let expected = [
        json!({}),
        json!({"plan": "free", "visits": 1}),
        json!({"plan": "free", "visits": 1}),
        json!({"plan": "pro", "visits": 2}),
        json!({}),
        json!({"visits": 2}),
    ];
    assert_eq!(properties, expected);
}

pub async fn an_event_can_show_properties_of_its_own(backend: &dyn Backend) {
    let journal = backend.open(Bounds::default()).await;
    streamed(&journal, identify("ann", "", r#"{"$set":{"plan":"pro"}}"#)).await;
    let apart = IncomingEvent {
        own_user_properties: Some(br#"{"plan":"none"}"#.to_vec()),
        ..event("ann", "")
    };
    let text = streamed(&journal, apart).await;
    assert_eq!(text["user_properties"], json!({"plan": "none"}));
    let text = streamed(&journal, event("ann", "")).await;
    assert_eq!(text["user_properties"], json!({"plan": "pro"}));
}

pub async fn state_survives_a_crash(backend: &dyn Backend) {
    let journal = backend.open(Bounds::default()).await;
    let joining = IncomingEvent {
        groups: groups(&[("org", &["acme"])]),
        paying: true,
        version: Some("1.0".into()),
        ..identify("ann", "phone", r#"{"$append":{"seen":1}}"#)
    };
    let before = streamed(&journal, joining).await;
    let journal = backend.crash(journal).await;
    let after = streamed(&journal, event("", "phone")).await;
    for name in [
        "amplitude_id",
        "user_creation_time",
        "start_version",
        "paying",
        "groups",
    ] {
        assert!(before.get(name).is_some(), "{name} is missing");
        assert_eq!(before[name], after[name]);
    }
    assert_eq!(after["user_properties"], json!({"seen": [1]}));
}

pub async fn a_first_login_takes_the_anonymous_user_over(backend: &dyn Backend) {
    let journal = backend.open(Bounds::default()).await;
    let anonymous = streamed(&journal, identify("", "phone", r#"{"from":"ad"}"#)).await;
    let journal = backend.crash(journal).await;
    let named = streamed(&journal, identify("ann", "phone", r#"{"plan":"pro"}"#)).await;
    assert_eq!(named["amplitude_id"], anonymous["amplitude_id"]);
    assert_eq!(
        named["user_properties"],
        json!({"from": "ad", "plan": "pro"})
    );
    // Elsewhere it is the same user, and the device stays theirs.
    for event in [event("ann", "laptop"), event("", "phone"), event("ann", "")] {
        let later = streamed(&journal, event).await;
        assert_eq!(later["amplitude_id"], named["amplitude_id"]);
    }
}

pub async fn a_known_user_inherits_what_they_lack(backend: &dyn Backend) {
    let journal = backend.open(Bounds::default()).await;
    let known = streamed(&journal, identify("ann", "laptop", r#"{"plan":"pro"}"#)).await;
    let anonymous = streamed(
        &journal,
        identify("", "phone", r#"{"plan":"free","ad":"x"}"#),
    )
    .await;
    assert_ne!(anonymous["amplitude_id"], known["amplitude_id"]);
    let journal = backend.crash(journal).await;
    let merged = streamed(&journal, event("ann", "phone")).await;
    assert_eq!(merged["amplitude_id"], known["amplitude_id"]);
    assert_eq!(merged["user_properties"], json!({"plan": "pro", "ad": "x"}));
    let later = streamed(&journal, event("", "phone")).await;
    assert_eq!(later["amplitude_id"], known["amplitude_id"]);
}

pub async fn a_device_belongs_to_its_last_user(backend: &dyn Backend) {
    let journal = backend.open(Bounds::default()).await;
    let ann = streamed(&journal, identify("ann", "shared", r#"{"name":"Ann"}"#)).await;
    let bob = streamed(&journal, event("bob", "shared")).await;
    assert_ne!(ann["amplitude_id"], bob["amplitude_id"]);
    assert_eq!(bob["user_properties"], json!({}));
    let journal = backend.crash(journal).await;
    let unnamed = streamed(&journal, event("", "shared")).await;
    assert_eq!(unnamed["amplitude_id"], bob["amplitude_id"]);
    let ann_again = streamed(&journal, event("ann", "")).await;
    assert_eq!(ann_again["amplitude_id"], ann["amplitude_id"]);
}

pub async fn amplitude_ids_are_never_given_twice(backend: &dyn Backend) {
    let mut journal = backend.open(Bounds::default()).await;
    let mut seen = HashSet::new();
    for round in 0..4 {
        streamed(&journal, event("known", "")).await;
        for number in 0..5 {
            let device = format!("device {round} {number}");
            let anonymous = streamed(&journal, event("", &device)).await;
            let id = anonymous["amplitude_id"].as_u64().unwrap();
            assert!(seen.insert(id), "{id} was given twice");
            assert!(id > 0 && id < 1 << 53);
            // The anonymous user ends here, their number with them.
            streamed(&journal, event("known", &device)).await;
        }
        journal = backend.crash(journal).await;
    }
}

pub async fn groups_are_joined_by_identify_and_overlaid_by_the_event(backend: &dyn Backend) {
    let journal = backend.open(Bounds::default()).await;
    let alone = streamed(&journal, event("ann", "")).await;
    assert!(alone.get("groups").is_none());
    let joining = IncomingEvent {
        groups: groups(&[("team", &["z", "a", "z"]), ("org", &["acme"])]),
        ..identify("ann", "", "{}")
    };
    let expected = json!({"org": ["acme"], "team": ["a", "z"]});
    assert_eq!(streamed(&journal, joining).await["groups"], expected);
    let journal = backend.crash(journal).await;
    let passing = IncomingEvent {
        groups: groups(&[("team", &["b"]), ("city", &["Rome"])]),
        ..event("ann", "")
    };
    let text = streamed(&journal, passing).await;
    assert_eq!(
        text["groups"],
        json!({"city": ["Rome"], "org": ["acme"], "team": ["b"]})
    );
    assert_eq!(
        streamed(&journal, event("ann", "")).await["groups"],
        expected
    );
    let moving = IncomingEvent {
        groups: groups(&[("org", &["other"])]),
        ..identify("ann", "", "{}")
    };
    let expected = json!({"org": ["other"], "team": ["a", "z"]});
    assert_eq!(streamed(&journal, moving).await["groups"], expected);
}

pub async fn group_properties_are_those_after_the_event(backend: &dyn Backend) {
    let journal = backend.open(Bounds::default()).await;
    let describe = |name: &str, properties: &str| IncomingEvent {
        kind: EventKind::GroupIdentify,
        groups: groups(&[("org", &[name])]),
        group_update: update(properties),
        ..event("", "")
    };
    streamed(
        &journal,
        describe("acme", r#"{"$set":{"size":1},"$add":{"deals":2}}"#),
    )
    .await;
    let second = streamed(&journal, describe("acme", r#"{"$add":{"deals":2}}"#)).await;
    let acme = json!({"size": 1, "deals": 4});
    assert_eq!(second["group_properties"], json!({"org": {"acme": acme}}));
    let journal = backend.crash(journal).await;
    streamed(&journal, describe("bolt", r#"{"size":9}"#)).await;
    let member = IncomingEvent {
        groups: groups(&[("org", &["none", "bolt", "acme"]), ("team", &["none"])]),
        ..event("ann", "")
    };
    let expected = json!({"org": {"acme": acme, "bolt": {"size": 9}}});
    assert_eq!(
        streamed(&journal, member).await["group_properties"],
        expected
    );
    let stranger = streamed(&journal, event("ann", "")).await;
    assert!(stranger.get("group_properties").is_none());
}

pub async fn a_group_identify_without_ids_has_no_user(backend: &dyn Backend) {
    let journal = backend.open(Bounds::default()).await;
    let nobody = IncomingEvent {
        kind: EventKind::GroupIdentify,
        groups: groups(&[("org", &["acme"])]),
        user_update: update(r#"{"a":1}"#),
        paying: true,
        ..event("", "")
    };
    let text = streamed(&journal, nobody).await;
    assert_eq!(
        text,
        json!({"event_type": "test", "groups": {"org": ["acme"]}})
    );
}

pub async fn birth_version_and_payment_are_kept(backend: &dyn Backend) {
    let journal = backend.open(Bounds::default()).await;
    let text = streamed(&journal, event("ann", "")).await;
    assert_eq!(text["user_creation_time"], NOW.to_string());
    assert!(text.get("start_version").is_none() && text.get("paying").is_none());
    let paying = IncomingEvent {
        paying: true,
        version: Some("2.\"0\"".into()),
        event_time: Timestamp(NOW.0 + 5_000_000),
        ..event("ann", "")
    };
    streamed(&journal, paying).await;
    let later = IncomingEvent {
        version: Some("3".into()),
        ..event("ann", "")
    };
    let text = streamed(&journal, later).await;
    assert_eq!(text["user_creation_time"], NOW.to_string());
    assert_eq!(text["start_version"], "2.\"0\"");
    assert_eq!(text["paying"], true);
}

pub async fn events_name_the_properties_that_they_changed(backend: &dyn Backend) {
    let journal = backend.open(Bounds::default()).await;
    let events = vec![
        identify("", "phone", r#"{"from":"ad","plan":"free"}"#),
        event("", "phone"),
        identify("ann", "", r#"{"plan":"pro"}"#),
        // The device turns out to be hers: of its properties she lacks one.
        identify("ann", "phone", r#"{"$add":{"visits":1}}"#),
        identify("ann", "", r#"{"$set":{"plan":"pro"}}"#),
        identify("ann", "", r#"{"$unset":{"plan":"-"}}"#),
    ];
    accept(&journal, project(1), events).await;
    let expected: [&[&str]; 6] = [
        &["from", "plan"],
        &[],
        &["plan"],
        &["from", "visits"],
        &[],
        &["plan"],
    ];
    let changed = |events: Vec<std::sync::Arc<model::Event>>| {
        let names = events.iter().map(|event| event.changed_properties());
        names.collect::<Vec<_>>()
    };
    let events = journal.read(project(1), model::Offset(0), 10).await;
    assert_eq!(changed(events.unwrap()), expected);
    let journal = backend.crash(journal).await;
    let events = journal.read(project(1), model::Offset(0), 10).await;
    assert_eq!(changed(events.unwrap()), expected);
}

pub async fn a_user_is_shown_with_their_devices(backend: &dyn Backend) {
    let journal = backend.open(Bounds::default()).await;
    let joining = IncomingEvent {
        groups: groups(&[("org", &["acme"])]),
        paying: true,
        version: Some("1.0".into()),
        ..identify("ann", "phone", r#"{"plan":"pro"}"#)
    };
    streamed(&journal, joining).await;
    streamed(&journal, event("ann", "laptop")).await;
    streamed(&journal, event("", "kiosk")).await;
    let journal = backend.crash(journal).await;
    let user = async |project, who: Subject| journal.user(project, who).await.unwrap();
    let ann = user(project(1), Subject::UserId("ann".into()))
        .await
        .unwrap();
    assert_eq!(ann.user_id.as_deref(), Some("ann"));
    assert_eq!(ann.devices, ["laptop", "phone"]);
    assert_eq!(ann.properties, r#"{"plan":"pro"}"#);
    assert_eq!(ann.groups["org"], ["acme"]);
    assert_eq!((ann.paying, ann.more_devices), (true, false));
    assert_eq!(ann.start_version.as_deref(), Some("1.0"));
    let by_device = user(project(1), Subject::DeviceId("phone".into())).await;
    assert_eq!(by_device, Some(ann.clone()));
    let by_number = Subject::AmplitudeId(ann.amplitude_id);
    assert_eq!(user(project(1), by_number.clone()).await, Some(ann.clone()));
    let nobody = user(project(1), Subject::DeviceId("kiosk".into()))
        .await
        .unwrap();
    assert_eq!(
        (nobody.user_id, nobody.devices),
        (None, vec!["kiosk".to_owned()])
    );
    // Nobody such, or somebody else's.
    for who in [
        Subject::UserId("Ann".into()),
        Subject::DeviceId("ann".into()),
    ] {
        assert_eq!(user(project(1), who).await, None);
    }
    accept(&journal, project(2), vec![event("bob", "phone")]).await;
    assert_eq!(user(project(2), by_number).await, None);
    assert_eq!(user(project(2), Subject::UserId("ann".into())).await, None);
    // A device belongs to its last user.
    streamed(&journal, event("bob", "phone")).await;
    let ann = user(project(1), Subject::UserId("ann".into()))
        .await
        .unwrap();
    assert_eq!(ann.devices, ["laptop"]);
}

pub async fn many_devices_of_a_user_are_told_in_part(backend: &dyn Backend) {
    let journal = backend.open(Bounds::default()).await;
    let devices = (0..=MOST_DEVICES).map(|number| event("ann", &format!("{number:04}")));
    accept(&journal, project(1), devices.collect()).await;
    let ann = journal
        .user(project(1), Subject::UserId("ann".into()))
        .await;
    let ann = ann.unwrap().unwrap();
    assert_eq!((ann.devices.len(), ann.more_devices), (MOST_DEVICES, true));
    assert_eq!(ann.devices[0], "0000");
}
