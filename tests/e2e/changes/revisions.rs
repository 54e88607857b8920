//! Changes of syncs that have a past: to what they were, to what others are, to a later definition.

use http::Method;
use serde_json::{Value, json};

use super::definitions::definition;
use super::kinds::{Change, Round, Sign, text};

pub(super) async fn of_revisions(round: &Round<'_>, project: &str) -> Vec<Change> {
    let organisation = round.organisation.as_str();
    let syncs = format!("/projects/{project}/syncs");
    let of = |sync: &str| format!("{syncs}/{sync}");
    let restored = round.sync(project, "restored", false).await;
    let renamed = json!({"name": "not yet restored"});
    let path = of(&restored);
    let change = round.admin.granted(Method::PATCH, &path, Some(&renamed));
    change.await;
    let original = round.sync(project, "original", false).await;
    let upgraded = definition(round, "Upgraded", &["release", "release"]).await;
    let upgraded = json!({"name": "upgraded", "definition": {"id": upgraded, "version": 1}});
    let upgraded = text(&round.admin.make(&syncs, upgraded).await, "/id");
    vec![
        round
            .change(
                "restore_sync",
                Method::POST,
                format!("{}/versions/1/restore", of(&restored)),
                Value::Null,
            )
            .logged_in(organisation, "sync.restore", &restored)
            .shown_by(Sign::Reads(of(&restored), "/name", json!("restored")))
            .shown_by(Sign::Reads(
                format!("{}/versions", of(&restored)),
                "/items/0/version",
                json!(3),
            )),
        round
            .change(
                "duplicate_sync",
                Method::POST,
                format!("{}/duplicate", of(&original)),
                json!({"name": "duplicate"}),
            )
            .logged_in(organisation, "sync.create", "\"duplicate\"")
            .shown_by(Sign::Listed(syncs.clone(), "\"duplicate\"".into())),
        round
            .change(
                "upgrade_sync",
                Method::POST,
                format!("{}/upgrade", of(&upgraded)),
                json!({"to": 2}),
            )
            .logged_in(organisation, "sync.upgrade", &upgraded)
            .shown_by(Sign::Reads(of(&upgraded), "/definition/version", json!(2))),
    ]
}

/// Replays of a sync that has nothing to send again: they end with the first look, but for paused ones.
pub(super) async fn of_replays(round: &Round<'_>, project: &str) -> Vec<Change> {
    let organisation = round.organisation.as_str();
    let sync = round.sync(project, "replayed", false).await;
    let replays = format!("/projects/{project}/syncs/{sync}/replays");
    let input = |event_type: &str| json!({"failed": {"event_types": [event_type]}});
    let mut paused = Vec::new();
    for name in ["resumed", "cancelled"] {
        let made = round.admin.make(&replays, input(name)).await;
        let path = format!("{replays}/{}", text(&made, "/id"));
        round
            .admin
            .make(&format!("{path}/pause"), Value::Null)
            .await;
        paused.push((text(&made, "/id"), path));
    }
    let import = json!({"import": {"name": "archive", "digest": "completed"}});
    let import = round.admin.make(&replays, import).await;
    let (import, path) = (
        text(&import, "/id"),
        format!("{replays}/{}", text(&import, "/id")),
    );
    let (resumed, cancelled) = (&paused[0], &paused[1]);
    vec![
        round
            .change(
                "create_replay",
                Method::POST,
                replays.clone(),
                input("made"),
            )
            .logged_in(organisation, "replay.create", "\"made\"")
            .shown_by(Sign::Listed(replays.clone(), "\"made\"".into())),
        round
            .change(
                "resume_replay",
                Method::POST,
                format!("{}/resume", resumed.1),
                Value::Null,
            )
            .logged_in(organisation, "replay.resume", &resumed.0)
            .shown_by(Sign::Changed(resumed.1.clone(), "/state", json!("paused"))),
        round
            .change(
                "cancel_replay",
                Method::POST,
                format!("{}/cancel", cancelled.1),
                Value::Null,
            )
            .logged_in(organisation, "replay.cancel", &cancelled.0)
            .shown_by(Sign::Reads(
                cancelled.1.clone(),
                "/state",
                json!("cancelled"),
            )),
        round
            .change(
                "complete_import",
                Method::POST,
                format!("{path}/complete"),
                Value::Null,
            )
            .logged_in(organisation, "replay.complete", &import)
            .shown_by(Sign::Reads(path, "/import/complete", json!(true))),
    ]
}
