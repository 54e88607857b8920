//! Changes of projects and of their syncs.

use http::Method;
use serde_json::{Value, json};

use super::kinds::{Change, Round, Sign, text};

pub(super) async fn of_projects(round: &Round<'_>) -> Vec<Change> {
    let organisation = round.organisation.as_str();
    let projects = round.of_organisation("/projects");
    let (post, overlap) = (Method::POST, json!({"overlap_seconds": 60}));
    let (renamed, deleted) = (
        round.project("Renamed").await,
        round.project("Deleted").await,
    );
    let (renamed, deleted) = (text(&renamed, "/id"), text(&deleted, "/id"));
    let rotated = round.project("Rotated").await;
    let (id, key) = (text(&rotated, "/id"), text(&rotated, "/api_key"));
    vec![
        round
            .change(
                "create_project",
                post.clone(),
                projects.clone(),
                json!({"name": "Made"}),
            )
            .logged_in(organisation, "project.create", "\"Made\"")
            .shown_by(Sign::Listed(projects, "\"Made\"".into())),
        round
            .change(
                "change_project",
                Method::PATCH,
                format!("/projects/{renamed}"),
                json!({"name": "Other"}),
            )
            .logged_in(organisation, "project.change", &renamed)
            .shown_by(Sign::Reads(
                format!("/projects/{renamed}"),
                "/name",
                json!("Other"),
            )),
        round
            .change(
                "delete_project",
                Method::DELETE,
                format!("/projects/{deleted}"),
                Value::Null,
            )
            .logged_in(organisation, "project.delete", &deleted)
            .shown_by(Sign::Gone(format!("/projects/{deleted}"))),
        round
            .change(
                "rotate_api_key",
                post.clone(),
                format!("/projects/{id}/api-key/rotate"),
                overlap.clone(),
            )
            .logged_in(organisation, "project.rotate_api_key", &id)
            .shown_by(Sign::Changed(
                format!("/projects/{id}"),
                "/api_key",
                json!(key),
            )),
        round
            .change(
                "rotate_secret_key",
                post,
                format!("/projects/{id}/secret-key/rotate"),
                overlap,
            )
            .logged_in(organisation, "project.rotate_secret_key", &id),
    ]
}

pub(super) async fn of_syncs(round: &Round<'_>, project: &str) -> Vec<Change> {
    let organisation = round.organisation.as_str();
    let syncs = format!("/projects/{project}/syncs");
    let renamed = round.sync(project, "renamed", true).await;
    let deleted = round.sync(project, "deleted", true).await;
    let starts = round.sync(project, "starts", false).await;
    let resumes = round.sync(project, "resumes", false).await;
    let stops = round.sync(project, "stops", true).await;
    let (post, of) = (Method::POST, |sync: &str| format!("{syncs}/{sync}"));
    vec![
        round
            .change(
                "create_sync",
                post.clone(),
                syncs.clone(),
                round.sync_settings("made", true),
            )
            .logged_in(organisation, "sync.create", "\"made\"")
            .shown_by(Sign::Listed(syncs.clone(), "\"made\"".into())),
        round
            .change(
                "change_sync",
                Method::PATCH,
                of(&renamed),
                json!({"name": "other"}),
            )
            .logged_in(organisation, "sync.change", &renamed)
            .shown_by(Sign::Reads(of(&renamed), "/name", json!("other"))),
        round
            .change(
                "delete_sync",
                Method::DELETE,
                format!("{}?confirm=4294967295", of(&deleted)),
                Value::Null,
            )
            .logged_in(organisation, "sync.delete", &deleted)
            .shown_by(Sign::Gone(of(&deleted))),
        round
            .change(
                "enable_sync",
                post.clone(),
                format!("{}/enable", of(&starts)),
                Value::Null,
            )
            .logged_in(organisation, "sync.change", &starts)
            .shown_by(Sign::Reads(of(&starts), "/enabled", json!(true))),
        round
            .change(
                "resume_sync",
                post.clone(),
                format!("{}/resume", of(&resumes)),
                json!({"backlog": "newest_per_user", "requests_per_minute": 600}),
            )
            .logged_in(organisation, "sync.change", &resumes)
            .shown_by(Sign::Reads(of(&resumes), "/enabled", json!(true))),
        round
            .change(
                "disable_sync",
                post,
                format!("{}/disable", of(&stops)),
                Value::Null,
            )
            .logged_in(organisation, "sync.change", &stops)
            .shown_by(Sign::Reads(of(&stops), "/enabled", json!(false))),
    ]
}
