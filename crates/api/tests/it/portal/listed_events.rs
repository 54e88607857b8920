//! Lists of deliveries say of which event each row is, and `why` comes to every sync.

use std::collections::BTreeSet;

use journal::fate::Record;
use journal::{Ended, EndedRow, EndedWhy, LaneOf, Retry, Settlement};
use model::outcome::{Category, Failure};
use model::{Offset, Part, Timestamp};
use serde_json::{Value, json};

use super::World;
use super::events::event;
use super::fates::{FAILED, Shop};
use super::world::id_in;

fn failure() -> Failure {
    Failure {
        category: Category::ServerError,
        status: Some(503),
        message: "503 Service Unavailable".into(),
        response: String::new(),
    }
}

/// Type, user and device of each row.
fn names(page: &Value) -> Vec<[Option<&str>; 3]> {
    let rows = page["items"].as_array().unwrap().iter();
    rows.map(|row| ["event_type", "user_id", "device_id"].map(|name| row[name].as_str()))
        .collect()
}

#[tokio::test]
async fn retries_and_ended_deliveries_say_of_which_event_they_are() {
    let world = World::new().await;
    let sync = world.sync(json!({"name": "hook"})).await;
    let project = sync.split('/').nth(2).unwrap().to_owned();
    let long = "é".repeat(300);
    let texts = [
        r#"{"event_type":"Bought","user_id":"user-3","device_id":null}"#.to_owned(),
        format!(r#"{{"event_type":"{long}","device_id":"phone"}}"#),
    ];
    let events = (0..).zip(texts);
    let events = events.map(|(offset, text)| event(&project, offset, text));
    let of = LaneOf {
        lane: id_in(&sync),
        log: project.parse().unwrap(),
    };
    {
        let mut notes = world.lanes.notes();
        notes.events = events.collect();
        for offset in 0..3 {
            notes.retries.push(Retry {
                offset: Offset(offset),
                part: Part::Event,
                attempts: 1,
                due_at: Timestamp(1000),
                failure: failure(),
                given: None,
            });
            notes.ended.push(EndedRow {
                sequence: offset + 1,
                of,
                ended: Ended {
                    offset: Offset(offset),
                    part: Part::Event,
                    at: Timestamp(1000),
                    attempts: 10,
                    why: EndedWhy::Expired(failure()),
                },
            });
        }
    }
    let cut = "é".repeat(128);
    let mut expected = vec![
        [Some("Bought"), Some("user-3"), None],
        [Some(cut.as_str()), None, Some("phone")],
        // It is no longer kept.
        [None, None, None],
    ];
    let retries = world.get(&format!("{sync}/retries")).await.is(200).json();
    assert_eq!(names(&retries), expected);
    let ended = world.get(&format!("{sync}/ended")).await.is(200).json();
    expected.reverse();
    assert_eq!(names(&ended), expected);
}

#[tokio::test]
async fn attempts_say_whose_event_they_are_of() {
    let shop = Shop::new(json!({"name": "Hook"})).await;
    let texts = [r#"{"event_type":"type 0","user_id":"user-7"}"#.to_owned()];
    let events = texts.map(|text| event(&shop.project, 0, text));
    shop.world.lanes.notes().events = events.into();
    let record = Record {
        attempts: vec![shop.attempt(0, 1, FAILED), shop.attempt(1, 1, FAILED)],
        ..Record::default()
    };
    shop.settle(Settlement {
        cursor: Offset(0),
        record,
        ..Settlement::default()
    })
    .await;
    let list = shop.get(&format!("{}/outcomes", shop.sync)).await;
    assert_eq!(
        names(&list),
        [
            // Of one that is no longer kept, the type was noted.
            [Some("type 1"), None, None],
            [Some("type 0"), Some("user-7"), None],
        ]
    );
}

#[tokio::test]
async fn why_comes_to_every_sync_200_at_a_time() {
    const FURTHER: usize = 204;
    let shop = Shop::new(json!({"name": "Hook"})).await;
    shop.accept(0..2).await;
    let syncs = format!("/projects/{}/syncs", shop.project);
    for number in 0..FURTHER {
        let body = json!({"name": format!("sync {number}")});
        shop.world.post(&syncs, body).await.is(201);
    }
    let why = format!("/projects/{}/why?id=insert%201", shop.project);
    let told = |answer: &Value| -> Vec<String> {
        let syncs = answer["events"][0]["syncs"].as_array().unwrap().iter();
        syncs.map(|each| each["sync"].to_string()).collect()
    };
    let first = shop.get(&why).await;
    assert_eq!(
        (told(&first).len(), &first["syncs_left_out"]),
        (200, &json!(true))
    );
    let next = first["next_syncs"].as_str().unwrap();
    let rest = shop.get(&format!("{why}&syncs_after={next}")).await;
    assert_eq!(rest["events"][0]["insert_id"], "insert 1");
    assert_eq!(
        (&rest["syncs_left_out"], &rest["next_syncs"]),
        (&json!(false), &Value::Null)
    );
    let all: BTreeSet<_> = [told(&first), told(&rest)].concat().into_iter().collect();
    assert_eq!(all.len(), FURTHER + 1);

    let own = shop.sync.rsplit('/').next().unwrap();
    for (query, said) in [
        ("syncs_after=x".to_owned(), "next_syncs"),
        (format!("syncs_after={next}&sync={own}"), "not together"),
    ] {
        let refused = shop.world.get(&format!("{why}&{query}")).await;
        let problem = refused.problem(400, "malformed_query");
        assert!(problem.to_string().contains(said), "{query}: {problem}");
    }
}
