//! Changes of the rules by which syncs are watched, and of where incidents are told.

use http::Method;
use serde_json::{Value, json};

use super::kinds::{Change, Round, Sign, text};

pub(super) async fn of_alerts(round: &Round<'_>) -> Vec<Change> {
    let organisation = round.organisation.as_str();
    let project = text(&round.project("Watched").await, "/id");
    let rules = format!("/projects/{project}/alerts");
    let channels = format!("/projects/{project}/alert-channels");
    let channel = async |name: &str| {
        let body = json!({"kind": "webhook", "name": name, "url": "https://example.com/hook"});
        text(&round.admin.make(&channels, body).await, "/channel/id")
    };
    let (renamed, deleted) = (channel("renamed").await, channel("deleted").await);
    let of = |channel: &str| format!("{channels}/{channel}");
    let watched = round.sync(&project, "watched", false).await;
    let reset = round.sync(&project, "reset", false).await;
    let own = |sync: &str| format!("/projects/{project}/syncs/{sync}/alerts");
    let calm = json!({"calm_minutes": 7});
    let rules_of_reset = own(&reset);
    let change = round
        .admin
        .granted(Method::PATCH, &rules_of_reset, Some(&calm));
    change.await;
    vec![
        round
            .change(
                "change_project_alerts",
                Method::PATCH,
                rules.clone(),
                calm.clone(),
            )
            .logged_in(organisation, "alerts.set_rules", &project)
            .shown_by(Sign::Reads(rules, "/calm_minutes", json!(7))),
        round
            .change("change_sync_alerts", Method::PATCH, own(&watched), calm)
            .logged_in(organisation, "alerts.set_rules", &watched)
            .shown_by(Sign::Reads(own(&watched), "/own", json!(true))),
        round
            .change(
                "reset_sync_alerts",
                Method::DELETE,
                own(&reset),
                Value::Null,
            )
            .logged_in(organisation, "alerts.reset_rules", &reset)
            .shown_by(Sign::Reads(own(&reset), "/own", json!(false))),
        round
            .change(
                "create_alert_channel",
                Method::POST,
                channels.clone(),
                json!({"kind": "webhook", "name": "Told here", "url": "https://example.com/hook"}),
            )
            .logged_in(organisation, "alert_channel.create", "\"Told here\"")
            .shown_by(Sign::Listed(channels.clone(), "\"Told here\"".into())),
        round
            .change(
                "change_alert_channel",
                Method::PATCH,
                of(&renamed),
                json!({"name": "other"}),
            )
            .logged_in(organisation, "alert_channel.change", &renamed)
            .shown_by(Sign::Reads(of(&renamed), "/name", json!("other"))),
        round
            .change(
                "delete_alert_channel",
                Method::DELETE,
                of(&deleted),
                Value::Null,
            )
            .logged_in(organisation, "alert_channel.delete", &deleted)
            .shown_by(Sign::Gone(of(&deleted))),
    ]
}
