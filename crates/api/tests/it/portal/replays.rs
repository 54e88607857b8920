//! Replays, as the control API makes, shows and steers them.

use std::collections::BTreeSet;

use journal::{Ended, EndedRow, EndedWhy, LaneOf};
use millstream_api::portal::Progress;
use model::outcome::{Category, Discarded, Failure};
use model::replay::{FailedOutcome, Failures, Replayed};
use model::{DeliveryId, Offset, Part, ProjectId, ReplayId, SyncId, Timestamp};
use serde_json::{Value, json};
use store::ReplayGoal;

use super::World;
use super::events::event;
use super::world::id_in;

const AT: Timestamp = Timestamp(1_780_000_000_000_000);

fn ended(sequence: u64, why: EndedWhy) -> EndedRow {
    let ended = Ended {
        offset: Offset(sequence),
        part: Part::Event,
        at: AT,
        attempts: 10,
        why,
    };
    let of = LaneOf {
        lane: SyncId::from_bytes([0; 16]),
        log: ProjectId::from_bytes([0; 16]),
    };
    EndedRow {
        sequence,
        of,
        ended,
    }
}

fn timed_out() -> EndedWhy {
    EndedWhy::Expired(Failure {
        category: Category::Timeout,
        status: None,
        message: "no answer within 4 s".into(),
        response: String::new(),
    })
}

/// A webhook with a secret header.
async fn stage() -> (World, String) {
    let world = World::new().await;
    let sync = json!({
        "name": "Hook", "url": "https://example.com/hook", "enabled": true,
        "headers": [{"name": "authorization", "value": "hunter2", "secret": true}],
        "events": {"send": true, "template": r#"{"type": "${input.event_type}"}"#},
    });
    let sync = world.sync(sync).await;
    (world, format!("{sync}/replays"))
}

/// The only entry of the audit log that tells of this.
async fn entry(world: &World, action: &str) -> Value {
    let path = world.of_organisation(&format!("/audit?action={action}"));
    let mut log = world.get(&path).await.is(200).json();
    assert_eq!(log["items"].as_array().unwrap().len(), 1, "{action}: {log}");
    log["items"][0].take()
}

#[tokio::test]
async fn a_syncs_status_names_the_replays_that_wait() {
    let (world, replays) = stage().await;
    let status = replays.replace("/replays", "/status");
    let waits_for = async || world.get(&status).await.is(200).json()["waits_for"].take();
    assert_eq!(waits_for().await, Value::Null);
    let events = json!({"events": {"from": "2020-01-01T00:00:00Z"}});
    let made = world.post(&replays, events).await.is(201);
    let past: ReplayId = made.at("/id").parse().unwrap();
    let progress = |trouble: Option<&str>, left_in: &[ReplayId]| Progress {
        total: 9,
        looked_at: 3,
        begun: 3,
        trouble: trouble.map(str::to_owned),
        left_in: left_in.to_vec(),
        ..Progress::default()
    };
    world.lanes.notes().progress = Some(progress(None, &[]));
    assert_eq!(waits_for().await, Value::Null, "it goes on");
    let on_hold = "on hold since 2026-05-01 12:00 UTC: 5 attempts in a row failed";
    world.lanes.notes().progress = Some(progress(Some(on_hold), &[]));
    let held = world.get(&status).await.json();
    assert_eq!(
        (&held["health"], &held["waits_for"]),
        (
            &json!("healthy"),
            &json!(format!("the replay {past} waits: {on_hold}"))
        )
    );
    world.lanes.notes().progress = Some(progress(None, &[]));
    let path = format!("{replays}/{past}/pause");
    world.post(&path, Value::Null).await.is(200);
    let paused = format!("the replay {past} is paused");
    assert_eq!(waits_for().await, json!(paused));

    // Failures of one that is paused wait with it, and that is named.
    world.lanes.notes().progress = Some(progress(None, &[past]));
    let again = world.post(&replays, json!({"failed": {}})).await.is(201);
    let words = format!("the replay {past}, which is paused: what failed of it waits with it");
    assert_eq!(again.at("/waits_for"), words);
    let again = again.at("/id");
    let both = waits_for().await;
    let both = both.as_str().unwrap();
    assert!(both.contains(&paused), "{both}");
    assert!(
        both.contains(&format!("the replay {again} waits: {words}")),
        "{both}"
    );
    let path = format!("{replays}/{past}/resume");
    world.post(&path, Value::Null).await.is(200);
    let shown = world
        .get(&format!("{replays}/{again}"))
        .await
        .is(200)
        .json();
    assert_eq!(shown["waits_for"], Value::Null);
}

#[tokio::test]
async fn a_replay_is_made_steered_and_ends() {
    let (world, replays) = stage().await;
    let made = world
        .post(
            &replays,
            json!({"failed": {"reasons": ["timeout"]}, "per_minute": 60}),
        )
        .await
        .is(201);
    let id = made.at("/id");
    let path = format!("{replays}/{id}");
    assert!(made.header("location").ends_with(&path));
    let id: ReplayId = id.parse().unwrap();
    let told = |world: &World| world.lanes.notes().replays[&id].clone();
    assert_eq!(told(&world).state, ReplayGoal::Running);
    assert_eq!(told(&world).per_minute.map(u32::from), Some(60));
    let entry = entry(&world, "replay.create").await;
    assert_eq!(
        (
            &entry["action"],
            &entry["target"]["id"],
            &entry["target"]["name"]
        ),
        (
            &json!("replay.create"),
            &json!(id.to_string()),
            &json!("Hook")
        )
    );

    let paused = world.post(&format!("{path}/pause"), Value::Null).await;
    assert_eq!(paused.is(200).at("/state"), "paused");
    assert_eq!(told(&world).state, ReplayGoal::Paused);
    // What is so already is no change.
    world
        .post(&format!("{path}/pause"), Value::Null)
        .await
        .is(200);
    let resumed = world.post(&format!("{path}/resume"), Value::Null).await;
    assert_eq!(resumed.is(200).at("/state"), "running");
    let resumed = self::entry(&world, "replay.resume").await;
    assert_eq!(
        (&resumed["before"], &resumed["after"]),
        (&json!({"state": "paused"}), &json!({"state": "running"}))
    );

    let progress = Progress {
        total: 9,
        looked_at: 9,
        begun: 5,
        delivered: 3,
        failed: 1,
        trouble: Some("5 attempts in a row failed: example.com answered 503".into()),
        ..Progress::default()
    };
    world.lanes.notes().progress = Some(progress.clone());
    let shown = world.get(&path).await.is(200).json();
    assert_eq!(shown["progress"]["outstanding"], 1);
    let waits_for = shown["waits_for"].as_str().unwrap();
    assert!(waits_for.ends_with("answered 503"), "{waits_for}");
    world
        .post(&format!("{path}/cancel"), Value::Null)
        .await
        .is(200);
    let refused = world.post(&format!("{path}/resume"), Value::Null).await;
    let refused = refused.problem(409, "conflict");
    assert_eq!(refused["detail"], "the replay is cancelled");
    // What it had begun is still counted, until it is over.
    world.portal.settle_replays().await.unwrap();
    assert!(world.lanes.notes().forgotten.is_empty());
    world.lanes.notes().progress = Some(Progress {
        delivered: 4,
        ..progress
    });
    world.portal.settle_replays().await.unwrap();
    assert_eq!(world.lanes.notes().forgotten, [id]);
    world.lanes.notes().progress = None;
    let shown = world.get(&path).await.is(200).json();
    assert_eq!(
        (&shown["state"], &shown["progress"]["delivered"]),
        (&json!("cancelled"), &json!(4))
    );
    let listed = world.get(&replays).await.is(200).json();
    assert_eq!(listed["items"], json!([shown]));
}

#[tokio::test]
async fn a_replay_that_was_under_way_goes_on_after_a_restart() {
    let (world, replays) = stage().await;
    let one = world
        .post(&replays, json!({"failed": {}}))
        .await
        .is(201)
        .at("/id");
    let two = world
        .post(&replays, json!({"failed": {}}))
        .await
        .is(201)
        .at("/id");
    let done = Progress {
        done: true,
        ..Progress::default()
    };
    world
        .post(&format!("{replays}/{two}/pause"), Value::Null)
        .await
        .is(200);
    world.lanes.notes().replays.clear();
    world.portal.start().await.unwrap();
    let told = |id: &str| world.lanes.notes().replays[&id.parse().unwrap()].state;
    assert_eq!(
        (told(&one), told(&two)),
        (ReplayGoal::Running, ReplayGoal::Paused)
    );
    world.lanes.notes().progress = Some(done);
    world.portal.settle_replays().await.unwrap();
    let state = world.get(&format!("{replays}/{one}")).await.at("/state");
    assert_eq!(state, "done");
    world.lanes.notes().replays.clear();
    world.portal.start().await.unwrap();
    // A paused one may be resumed, however far it is.
    let told: Vec<_> = world.lanes.notes().replays.keys().copied().collect();
    assert_eq!(told, [two.parse().unwrap()]);
}

#[tokio::test]
async fn a_repeated_request_makes_one_replay() {
    let (world, replays) = stage().await;
    let make = async |reasons: &str| {
        let call = world
            .call("POST", &replays)
            .header("idempotency-key", "again");
        call.json(json!({"failed": {"reasons": [reasons]}}))
            .send()
            .await
    };
    let one = make("timeout").await.is(201).at("/id");
    assert_eq!(make("timeout").await.is(201).at("/id"), one);
    make("dns").await.problem(422, "idempotency_key_reused");
    assert_eq!(world.lanes.notes().replays.len(), 1);
}

#[tokio::test]
async fn whatever_is_wrong_with_a_filter_is_said_and_nothing_is_made() {
    let (world, replays) = stage().await;
    let delivery = "dlv_00000000000000000000000000";
    for (input, pointers) in [
        (json!({}), vec!["/failed"]),
        (json!({"failed": {}, "per_minute": 0}), vec!["/per_minute"]),
        (
            json!({"failed": {"deliveries": [delivery, "x"], "reasons": ["timeout", "bad luck"],
                "statuses": [99, 503], "event_types": ["", "a"]}}),
            vec![
                "/failed/deliveries/1",
                "/failed/reasons/1",
                "/failed/statuses/0",
                "/failed/event_types/0",
            ],
        ),
        (
            json!({"failed": {"ended_from": "yesterday"}}),
            vec!["/failed/ended_from"],
        ),
        (
            json!({"failed": {"ended_from": "2026-05-02T00:00:00Z", "ended_until": "2026-05-01T00:00:00Z"}}),
            vec!["/failed/ended_until"],
        ),
        (
            json!({"failed": {"reasons": vec!["timeout"; 1001]}}),
            vec!["/failed/reasons"],
        ),
    ] {
        for path in [replays.clone(), format!("{replays}/dry-run")] {
            let refused = world.post(&path, input.clone()).await.is(422);
            assert_eq!(refused.pointers(), pointers, "{input}");
        }
    }
    let unknown = world
        .post(&replays, json!({"failed": {"reason": "dns"}}))
        .await;
    assert_eq!(unknown.status, 422);
    assert!(world.lanes.notes().replays.is_empty());
    let listed = world.get(&replays).await.json();
    assert_eq!(listed["items"], json!([]));
}

#[tokio::test]
async fn filters_reach_those_who_carry_them_out() {
    let (world, replays) = stage().await;
    let delivery = DeliveryId::from_bytes([7; 16]);
    let input = json!({"failed": {
        "deliveries": [delivery.to_string()], "outcome": "discarded", "reasons": ["template"],
        "statuses": [503], "event_types": ["bought"], "ended_from": "2026-05-01T02:00:00+02:00",
        "ended_until": "2026-05-02T00:00:00Z",
    }});
    let made = world.post(&replays, input.clone()).await.is(201);
    let told = world.lanes.notes().replays[&made.at("/id").parse().unwrap()].clone();
    let set = |text: &str| BTreeSet::from([text.to_owned()]);
    let expected = Failures {
        deliveries: BTreeSet::from([delivery]),
        outcome: Some(FailedOutcome::Discarded),
        reasons: set("template"),
        statuses: BTreeSet::from([503]),
        event_types: set("bought"),
        ended_from: Some(Timestamp(1_777_593_600_000_000)),
        ended_until: Some(Timestamp(1_777_680_000_000_000)),
    };
    assert_eq!(told.what, Replayed::Failed(expected));
    let shown = &made.json()["failed"];
    assert_eq!(shown["ended_from"], "2026-05-01T00:00:00.000Z");
    assert_eq!(shown["deliveries"], input["failed"]["deliveries"]);
}

#[tokio::test]
async fn a_dry_run_counts_and_shows_what_would_be_sent_without_secrets() {
    let (world, replays) = stage().await;
    let project = replays.split('/').nth(2).unwrap();
    let text = r#"{"event_type": "bought"}"#.to_owned();
    {
        let mut notes = world.lanes.notes();
        notes.events = (1..=8).map(|n| event(project, n, text.clone())).collect();
        let missing = EndedWhy::Discarded(Discarded::MissingMapping {
            field: "email".into(),
            waited_seconds: None,
            no_room: None,
        });
        notes.ended = (1..=7).map(|n| ended(n, timed_out())).collect();
        notes.ended.push(ended(8, missing));
    }
    let answer = world
        .post(&format!("{replays}/dry-run"), json!({"failed": {}}))
        .await
        .is(200);
    assert!(!answer.text.contains("hunter2"));
    let found = answer.json();
    let counts = ["total", "looked_at", "matching", "estimate"];
    let counts = counts.map(|name| found[name].as_u64().unwrap());
    assert_eq!((counts, &found["exact"]), ([16, 8, 8, 16], &json!(false)));
    let examples = found["examples"].as_array().unwrap();
    assert_eq!(examples.len(), 5);
    assert_eq!(examples[0]["reason"], "missing_mapping");
    let sync = id_in(replays.strip_suffix("/replays").unwrap());
    let id = DeliveryId::of(project.parse().unwrap(), Offset(7), sync, Part::Event);
    let second = &examples[1];
    assert_eq!(
        (
            &second["delivery_id"],
            &second["reason"],
            &second["event_type"]
        ),
        (&json!(id.to_string()), &json!("timeout"), &json!("bought"))
    );
    assert_eq!(second["now"]["request"]["body"], r#"{"type": "bought"}"#);
    assert_eq!(second["now"]["request"]["url"], "https://example.com/hook");
    assert!(world.lanes.notes().replays.is_empty());
}

#[tokio::test]
async fn a_sync_has_no_more_unfinished_replays_than_may_be() {
    let (world, replays) = stage().await;
    let mut first = String::new();
    for _ in 0..20 {
        first = world
            .post(&replays, json!({"failed": {}}))
            .await
            .is(201)
            .at("/id");
    }
    let refused = world.post(&replays, json!({"failed": {}})).await;
    refused.problem(409, "conflict");
    world
        .post(&format!("{replays}/{first}/cancel"), Value::Null)
        .await
        .is(200);
    world.post(&replays, json!({"failed": {}})).await.is(201);
}

#[tokio::test]
async fn replays_go_with_their_sync() {
    let (world, replays) = stage().await;
    let id = world
        .post(&replays, json!({"failed": {}}))
        .await
        .is(201)
        .at("/id");
    let sync = replays.strip_suffix("/replays").unwrap();
    world.call("DELETE", sync).send().await.is(200);
    let gone = world.get(&format!("{replays}/{id}")).await;
    gone.problem(404, "not_found");
    assert!(
        world
            .store
            .replay_by_id(id.parse().unwrap())
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn past_events_are_replayed_with_a_selection_of_their_own() {
    let (world, replays) = stage().await;
    let select = json!({"types": [{"event_type": "bought", "condition": {"test": {
        "property": {"scope": "event", "name": "price"}, "operator": "greater", "values": [5]}}}]});
    let input = json!({"events": {"from": "2020-05-01T00:00:00Z", "select": select}});
    let made = world.post(&replays, input).await.is(201);
    let told = world.lanes.notes().replays[&made.at("/id").parse().unwrap()].clone();
    let Replayed::Events(events) = told.what else {
        panic!("{told:?}")
    };
    assert_eq!(
        events.until,
        world.now(),
        "what comes later the sync sends itself"
    );
    let shown = made.json();
    assert_eq!(
        (&shown["failed"], &shown["events"]["select"]),
        (&Value::Null, &select)
    );
    for (input, pointer) in [
        (
            json!({"events": {"from": "2020-05-01T00:00:00Z"}, "failed": {}}),
            "/failed",
        ),
        (
            json!({"events": {"from": "2999-05-01T00:00:00Z"}}),
            "/events/from",
        ),
        (json!({"events": {"from": "?"}}), "/events/from"),
        (
            json!({"events": {"from": "2020-05-01T00:00:00Z", "until": "?"}}),
            "/events/until",
        ),
    ] {
        let refused = world.post(&replays, input.clone()).await.is(422);
        assert_eq!(refused.pointers(), [pointer], "{input}");
    }
    let twice = json!({"types": [{"event_type": "a"}, {"event_type": "a"}]});
    let input = json!({"events": {"from": "2020-05-01T00:00:00Z", "select": twice}});
    let refused = world.post(&replays, input).await.is(422);
    assert!(
        refused.pointers()[0].starts_with("/events/select/types/1"),
        "{}",
        refused.text
    );
    assert_eq!(world.lanes.notes().replays.len(), 1);
}

#[tokio::test]
async fn a_dry_run_of_past_events_estimates_where_it_looks_at_some() {
    let (world, replays) = stage().await;
    let project = replays.split('/').nth(2).unwrap();
    let text = r#"{"event_type": "bought"}"#.to_owned();
    world.lanes.notes().events = (0..8).map(|n| event(project, n, text.clone())).collect();
    let input = json!({"events": {"from": "2020-05-01T00:00:00Z"}});
    let found = world
        .post(&format!("{replays}/dry-run"), input)
        .await
        .is(200)
        .json();
    let counts = ["total", "looked_at", "matching", "estimate"];
    let counts = counts.map(|name| found[name].as_u64().unwrap());
    assert_eq!((counts, &found["exact"]), ([16, 8, 8, 16], &json!(false)));
    let example = &found["examples"][0];
    assert_eq!(
        (&example["delivery_id"], &example["now"]["request"]["body"]),
        (&Value::Null, &json!(r#"{"type": "bought"}"#))
    );
}

#[tokio::test]
async fn what_failed_of_past_events_is_shown_as_long_as_it_is_kept() {
    let (world, replays) = stage().await;
    let input = json!({"events": {"from": "2020-05-01T00:00:00Z"}});
    let id = world.post(&replays, input).await.is(201).at("/id");
    let path = format!("{replays}/{id}");
    let kept = Progress {
        done: true,
        failed: 1,
        kept: 1,
        ..Progress::default()
    };
    let project = replays.split('/').nth(2).unwrap().parse().unwrap();
    let mut row = ended(3, timed_out());
    row.of.log = project;
    world.lanes.notes().ended = vec![row];
    world.lanes.notes().progress = Some(kept.clone());
    world.portal.settle_replays().await.unwrap();
    assert!(world.lanes.notes().forgotten.is_empty());
    assert_eq!(world.get(&path).await.at("/state"), "done");
    let shown = world.get(&format!("{path}/ended")).await.is(200).json();
    let lane = SyncId::from_bytes(id.parse::<ReplayId>().unwrap().to_bytes());
    let delivery = DeliveryId::of(project, Offset(3), lane, Part::Event).to_string();
    assert_eq!(shown["items"][0]["delivery_id"], delivery);
    assert_eq!(shown["items"][0]["replay"], id);
    assert_eq!(shown["items"][0]["imported"], false);
    // What tells of attempts is kept a little longer.
    let noted = Progress {
        kept: 0,
        noted: 3,
        ..kept.clone()
    };
    world.lanes.notes().progress = Some(noted);
    world.portal.settle_replays().await.unwrap();
    assert!(world.lanes.notes().forgotten.is_empty());
    world.lanes.notes().progress = Some(Progress { kept: 0, ..kept });
    world.portal.settle_replays().await.unwrap();
    assert_eq!(world.lanes.notes().forgotten.len(), 1);
}

#[tokio::test]
async fn replays_follow_changes_of_their_sync() {
    let (world, replays) = stage().await;
    world.post(&replays, json!({"failed": {}})).await.is(201);
    world.lanes.notes().replays.clear();
    let sync = replays.strip_suffix("/replays").unwrap();
    world
        .post(&format!("{sync}/disable"), Value::Null)
        .await
        .is(200);
    assert_eq!(world.lanes.notes().replays.len(), 1);
}

#[tokio::test]
async fn an_import_takes_lines_until_it_is_complete() {
    let (world, replays) = stage().await;
    let input = json!({"import": {"name": "export.zip", "digest": "abc"}, "per_minute": 600});
    let made = world.post(&replays, input.clone()).await.is(201).json();
    assert_eq!(
        (&made["import"]["complete"], &made["waits_for"]),
        (&json!(false), &json!("the rest of the archive"))
    );
    let path = format!("{replays}/{}", made["id"].as_str().unwrap());
    let line = r#"{"event_type":"a","user_id":"u","event_time":"2026-01-01 00:00:00.000000"}"#;
    let lines = json!({"lines": [line, "{", line]});
    let answer = world
        .post(&format!("{path}/lines"), lines.clone())
        .await
        .is(200)
        .json();
    assert_eq!(
        (&answer["taken"], &answer["duplicates"]),
        (&json!(2), &json!(0))
    );
    assert_eq!(answer["refused"][0]["index"], 1);
    {
        let notes = world.lanes.notes();
        let id: ReplayId = made["id"].as_str().unwrap().parse().unwrap();
        let log = Replayed::log_of_import(id);
        assert!(notes.appended.iter().all(|(whose, _)| *whose == log));
        assert_eq!(notes.appended.len(), 2);
    }
    let many = json!({"lines": vec!["x"; 5001]});
    let refused = world.post(&format!("{path}/lines"), many).await.is(422);
    assert_eq!(refused.pointers(), ["/lines"]);

    let complete = world
        .post(&format!("{path}/complete"), Value::Null)
        .await
        .is(200);
    assert_eq!(complete.json()["import"]["complete"], true);
    entry(&world, "replay.complete").await;
    world
        .post(&format!("{path}/complete"), Value::Null)
        .await
        .is(200);
    entry(&world, "replay.complete").await;
    let refused = world.post(&format!("{path}/lines"), lines).await;
    refused.problem(409, "conflict");
    // The same again is the import that there is.
    let again = world.post(&replays, input).await.is(201).json();
    assert_eq!(again["id"], made["id"]);
    assert_eq!(world.lanes.notes().replays.len(), 1);
}
