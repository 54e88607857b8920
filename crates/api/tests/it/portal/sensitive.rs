//! Sensitive properties: their values show nowhere, and deliveries have them all the same.

use axum::http::StatusCode;
use journal::{Ended, EndedRow, EndedWhy, LaneOf, Retry};
use model::access::{Permission, Role};
use model::outcome::{Category, Discarded, Failure};
use model::{Offset, Part, Timestamp};
use serde_json::{Value, json};

use super::World;
use super::events::event;
use super::world::id_in;

/// What must not be seen.
const VALUES: [&str; 4] = ["ann@example.com", "4111-2222", "High Street 9", "Ann Smith"];

fn sensitive() -> Value {
    json!({"event": ["card*", "address.street"], "user": ["email"], "group": ["owner"]})
}

/// A project with marked properties, three events that have values of them, and a webhook's path.
async fn stage() -> (World, String, String) {
    let world = World::new().await;
    let sync = json!({
        "name": "Hook", "url": "https://example.com/hook",
        "events": {"send": true, "template": r#"{"to": "${input.user_properties.email}"}"#},
    });
    let sync = world.sync(sync).await;
    let project = sync.split('/').nth(2).unwrap().to_owned();
    let events = (0..3).map(|offset| {
        let text = format!(
            r#"{{"event_type":"Bought","event_properties":{{"price":{offset},"card_number":"{}","address":{{"street":"{}","town":"Bath"}}}},"group_properties":{{"org":{{"acme":{{"owner":"{}"}}}}}},"user_properties":{{"email":"{}","plan":"pro"}}}}"#,
            VALUES[1], VALUES[2], VALUES[3], VALUES[0],
        );
        event(&project, offset, text)
    });
    world.lanes.notes().events = events.collect();
    let path = format!("/projects/{project}");
    let marked = world.change(&path, json!({"sensitive": sensitive()})).await;
    assert_eq!(
        marked.is(200).json()["sensitive"],
        json!({"event": ["address.street", "card*"], "user": ["email"], "group": ["owner"]})
    );
    (world, path, sync)
}

fn shows_no_value(text: &str) {
    let lower = text.to_lowercase();
    for value in VALUES {
        assert!(!lower.contains(&value.to_lowercase()), "{value}: {text}");
    }
}

#[tokio::test]
async fn events_and_what_was_observed_show_no_sensitive_value() {
    let (world, project, _) = stage().await;
    let shown = world.get(&format!("{project}/events")).await.is(200);
    shows_no_value(&shown.text);
    let shown = &shown.json()["items"][0];
    assert_eq!(shown["masked"], true);
    let own = &shown["event"]["event_properties"];
    assert_eq!(
        own,
        &json!({"price": 2, "card_number": "[sensitive]", "address": {"street": "[sensitive]", "town": "Bath"}})
    );
    assert_eq!(shown["event"]["user_properties"]["plan"], "pro");

    let observed = world.get(&format!("{project}/observed")).await.is(200);
    shows_no_value(&observed.text);
    let observed = observed.json();
    let users = observed["user_properties"].as_array().unwrap();
    let email = users.iter().find(|each| each["name"] == "email").unwrap();
    assert_eq!(
        (&email["sensitive"], &email["examples"]),
        (&json!("marked"), &json!([]))
    );
    let plan = users.iter().find(|each| each["name"] == "plan").unwrap();
    assert_eq!(
        (&plan["sensitive"], &plan["examples"]),
        (&json!("no"), &json!(["\"pro\""]))
    );

    // Unmarked, they are seen again.
    world
        .change(&project, json!({"sensitive": {}}))
        .await
        .is(200);
    let shown = world.get(&format!("{project}/events")).await.is(200);
    assert!(VALUES.iter().all(|value| shown.text.contains(value)));
    assert_eq!(shown.json()["items"][0]["masked"], false);
}

#[tokio::test]
async fn differences_on_real_events_show_no_sensitive_value() {
    let (world, _, sync) = stage().await;
    let path = format!("{sync}/difference");
    for (template, kind) in [
        (
            r#"{"for": "${input.user_properties.email?upper_case}", "c": "${input.event_properties.card_number}"}"#,
            "changed",
        ),
        (r#"<#stop input.user_properties.email>"#, "newly_invalid"),
        (
            r#"{"n": ${input.event_properties.address.street}}"#,
            "newly_invalid",
        ),
        (
            r#"${input.event_properties.address.street?number}"#,
            "newly_invalid",
        ),
    ] {
        let changes = json!({"changes": {"events": {"send": true, "template": template}}});
        let found = world.post(&path, changes).await.is(200);
        shows_no_value(&found.text);
        assert_eq!(found.json()[kind]["count"], 3, "{}", found.text);
        assert_eq!(found.json()[kind]["samples"][0]["masked"], true);
    }
    let condition = json!({"test": {"property": {"scope": "user", "name": "email"}, "operator": "is", "values": ["x"]}});
    let select = json!({"send": true, "select": {"all": {"condition": condition}}});
    let found = world
        .post(&path, json!({"changes": {"events": select}}))
        .await
        .is(200);
    shows_no_value(&found.text);
    assert_eq!(found.json()["no_longer_matched"]["count"], 3);
}

/// Whoever may edit a sync can have the values sent to a place of their own. Others could try conditions and
/// templates until they know them.
#[tokio::test]
async fn who_may_not_edit_a_sync_finds_no_sensitive_value_out_by_trying() {
    let (world, _, sync) = stage().await;
    let path = format!("{sync}/difference");
    let guess = |value: &str| {
        let test = json!({"property": {"scope": "user", "name": "email"}, "operator": "is", "values": [value]});
        json!({"changes": {"events": {"send": true, "select": {"all": {"condition": {"test": test}}}}}})
    };
    let stop = |first: &str| {
        let template = format!(
            r#"<#if input.user_properties.email?starts_with("{first}")><#stop "!"></#if>{{}}"#
        );
        json!({"changes": {"events": {"send": true, "template": template}}})
    };
    let viewer = world.person(Role::Viewer).await;
    let seen = async |token: Option<&str>, body: Value| {
        let call = world.anonymous("POST", &path);
        let call = match token {
            Some(token) => call.token(Some(token)),
            None => world.call("POST", &path),
        };
        let mut found = call.json(body).send().await.is(200).json();
        let masked = found["decided_masked"].take();
        (found, masked)
    };
    for (right, wrong) in [
        (guess("ann@example.com"), guess("bob@example.com")),
        (stop("a"), stop("b")),
    ] {
        let (with_right, masked) = seen(Some(&viewer.token), right.clone()).await;
        let (with_wrong, _) = seen(Some(&viewer.token), wrong.clone()).await;
        assert_eq!(masked, 3);
        for kind in ["no_longer_matched", "newly_invalid"] {
            assert_eq!(with_right[kind]["count"], with_wrong[kind]["count"]);
        }
        let (with_right, masked) = seen(None, right).await;
        let (with_wrong, _) = seen(None, wrong).await;
        assert_eq!(masked, 0);
        assert_ne!(with_right, with_wrong);
    }
    // What isn't sensitive counts as it is, and what is shown says that it was masked.
    let test =
        json!({"property": {"scope": "event", "name": "price"}, "operator": "is", "values": ["1"]});
    let events = json!({"send": true, "select": {"all": {"condition": {"test": test}}}});
    let (found, _) = seen(Some(&viewer.token), json!({"changes": {"events": events}})).await;
    assert_eq!(found["no_longer_matched"]["count"], 2, "{found}");
    let sample = &found["no_longer_matched"]["samples"][0];
    assert_eq!(sample["masked"], true);
    // Counts need no look at events; samples do.
    let scopes = Some(vec![Permission::SyncsRead]);
    let narrow = world.token_of(world.organisation, viewer.id, scopes).await;
    let (found, _) = seen(Some(&narrow), json!({"changes": {"events": events}})).await;
    assert_eq!(found["no_longer_matched"]["count"], 2);
    assert_eq!(found["no_longer_matched"]["samples"], json!([]));
}

#[tokio::test]
async fn failures_and_answers_show_no_sensitive_value() {
    let (world, _, sync) = stage().await;
    let failure = Failure {
        category: Category::ClientError,
        status: Some(422),
        message: "the server answered 422".into(),
        response: r#"{"error": "no such user: ANN@example.com, card 4111-22"#.into(),
    };
    let discarded = Discarded::Template {
        place: "body".into(),
        message: format!("can't convert {:?} to a number", VALUES[2]),
        line: 3,
        column: 9,
    };
    let of = LaneOf {
        lane: id_in(&sync),
        log: sync.split('/').nth(2).unwrap().parse().unwrap(),
    };
    let ended = |sequence, offset, why| EndedRow {
        sequence,
        of,
        ended: Ended {
            offset: Offset(offset),
            part: Part::Event,
            at: Timestamp(1),
            attempts: 10,
            why,
        },
    };
    {
        let mut notes = world.lanes.notes();
        notes.ended = vec![
            // Its event is gone: what it would tell can't be known.
            ended(1, 77, EndedWhy::Discarded(discarded.clone())),
            ended(2, 1, EndedWhy::Discarded(discarded)),
            ended(3, 2, EndedWhy::Expired(failure.clone())),
        ];
        notes.retries = vec![Retry {
            offset: Offset(0),
            part: Part::Event,
            due_at: Timestamp(2),
            attempts: 1,
            failure,
            given: None,
        }];
    }
    let ended = world.get(&format!("{sync}/ended")).await.is(200);
    shows_no_value(&ended.text);
    let items = ended.json()["items"].clone();
    assert_eq!(
        items[0]["failure"]["response"],
        r#"{"error": "no such user: [sensitive], card [sensitive]"#
    );
    assert_eq!(items[0]["failure"]["message"], "the server answered 422");
    let message = items[1]["message"].as_str().unwrap();
    assert!(
        message.contains("line 3 column 9: can't convert \"[sensitive]\""),
        "{message}"
    );
    assert_eq!(
        (&items[2]["message"], &items[2]["reason"]),
        (&json!("[sensitive]"), &json!("template"))
    );
    let retries = world.get(&format!("{sync}/retries")).await.is(200);
    shows_no_value(&retries.text);
    assert_eq!(retries.json()["items"][0]["failure"]["status"], 422);
}

#[tokio::test]
async fn admins_mark_properties_and_all_members_see_which() {
    let (world, project, _) = stage().await;
    for role in [Role::Viewer, Role::Member, Role::Partner] {
        let somebody = world.person(role).await;
        let read = world
            .anonymous("GET", &project)
            .token(Some(&somebody.token))
            .send()
            .await;
        assert_eq!(read.is(200).json()["sensitive"]["user"], json!(["email"]));
        let change = world
            .anonymous("PATCH", &project)
            .token(Some(&somebody.token));
        let change = change
            .header("if-match", "*")
            .json(json!({"sensitive": {}}));
        change.send().await.problem(403, "forbidden");
    }
    let admin = world.person(Role::Admin).await;
    let change = world.anonymous("PATCH", &project).token(Some(&admin.token));
    let change = change
        .header("if-match", "\"v1\"")
        .json(json!({"sensitive": {}}));
    change.send().await.problem(412, "precondition_failed");
    let change = world.anonymous("PATCH", &project).token(Some(&admin.token));
    let change = change
        .header("if-match", "\"v2\"")
        .json(json!({"sensitive": {"user": ["phone"]}}));
    assert_eq!(change.send().await.is(200).json()["version"], 3);
    let log = world
        .get(&world.of_organisation("/audit?action=project.change"))
        .await
        .is(200)
        .json();
    let mut entries = log["items"].as_array().unwrap().iter();
    let changed = entries.find(|entry| entry["after"]["sensitive"]["user"] == json!(["phone"]));
    assert_eq!(
        changed.unwrap()["before"]["sensitive"]["user"],
        json!(["email"])
    );

    for (bad, at) in [
        (json!({"event": [""]}), "/sensitive/event/0"),
        (json!({"user": ["fine", "a*b"]}), "/sensitive/user/1"),
        (json!({"group": vec!["x"; 201]}), "/sensitive"),
    ] {
        let refused = world.change(&project, json!({"sensitive": bad})).await;
        refused.problem(422, "invalid_fields");
        assert_eq!(refused.pointers(), [at]);
        let body = json!({"name": "Another", "sensitive": bad});
        let refused = world.post(&world.projects(), body).await;
        assert_eq!(refused.pointers(), [at]);
    }
    let body = json!({"name": "Another", "sensitive": {"user": ["email"]}});
    let made = world.post(&world.projects(), body).await;
    assert_eq!(made.status, StatusCode::CREATED);
    assert_eq!(
        made.json()["project"]["sensitive"]["user"],
        json!(["email"])
    );
}
