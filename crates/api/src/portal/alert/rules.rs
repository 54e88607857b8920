//! The rules of projects and syncs.

use axum::Json;
use axum::extract;
use axum::http::{HeaderName, header};
use model::ProjectId;
use model::alert::{BacklogAgeRule, ErrorRateRule, LossRule, QuietHours, Rules, StateRule, Switch};
use serde::{Deserialize, Serialize};
use store::alert::RulesRecord;
use utoipa::ToSchema;

use super::quiet;
use crate::auth::Allowed;
use crate::auth::permission::{SyncsRead, SyncsWrite};
use crate::portal::draft::present;
use crate::portal::extract::{Body, IfMatch, Path, etag};
use crate::portal::openapi::Refusal;
use crate::portal::problem::FieldProblem;
use crate::portal::sync::Ids;
use crate::portal::{ApiError, State};

/// The rules that hold for a project or a sync.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::portal) struct AlertRulesView {
    #[serde(flatten)]
    rules: Rules,
    /// Whether they are its own; otherwise a project has the defaults, and a sync what its project has.
    own: bool,
}

type Tagged = ([(HeaderName, String); 1], Json<AlertRulesView>);

/// What is to change of the rules; what is absent stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::portal) struct AlertRulesInput {
    /// Whether anybody is told of anything.
    enabled: Option<bool>,
    /// A failing, misconfigured or stalled sync.
    state: Option<StateRule>,
    /// Too many attempts that fail.
    error_rate: Option<ErrorRateRule>,
    /// Events that wait too long.
    backlog_age: Option<BacklogAgeRule>,
    /// Deliveries that expire.
    expiry: Option<Switch>,
    /// Credentials that are refused.
    credentials: Option<Switch>,
    /// Events that are lost, since a sync stands still for too long.
    loss: Option<LossRule>,
    /// How many minutes all must be well before an incident is over.
    #[schema(minimum = 1, maximum = 1440)]
    calm_minutes: Option<u32>,
    /// When nobody is told; null: told at any time.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<QuietHours>)]
    quiet_hours: Option<Option<QuietHours>>,
    /// Whether the organisation's owners and admins and the one who made the sync get mail.
    default_recipients: Option<bool>,
}

impl AlertRulesInput {
    /// The rules with these changes.
    fn over(self, rules: Rules) -> Result<Rules, ApiError> {
        let rules = Rules {
            enabled: self.enabled.unwrap_or(rules.enabled),
            state: self.state.unwrap_or(rules.state),
            error_rate: self.error_rate.unwrap_or(rules.error_rate),
            backlog_age: self.backlog_age.unwrap_or(rules.backlog_age),
            expiry: self.expiry.unwrap_or(rules.expiry),
            credentials: self.credentials.unwrap_or(rules.credentials),
            loss: self.loss.unwrap_or(rules.loss),
            calm_minutes: self.calm_minutes.unwrap_or(rules.calm_minutes),
            quiet_hours: self.quiet_hours.unwrap_or(rules.quiet_hours),
            default_recipients: self.default_recipients.unwrap_or(rules.default_recipients),
        };
        let problems = problems(&rules);
        match problems.is_empty() {
            true => Ok(rules),
            false => Err(ApiError::Invalid(problems)),
        }
    }
}

/// Everything that is out of range.
fn problems(rules: &Rules) -> Vec<FieldProblem> {
    let mut problems = Vec::new();
    let numbers = [
        ("/state/after_seconds", rules.state.after_seconds, 0, 86_400),
        ("/error_rate/percent", rules.error_rate.percent, 1, 99),
        (
            "/error_rate/window_minutes",
            rules.error_rate.window_minutes,
            1,
            60,
        ),
        (
            "/error_rate/minimum",
            rules.error_rate.minimum,
            1,
            1_000_000,
        ),
        ("/backlog_age/minutes", rules.backlog_age.minutes, 1, 10_080),
        ("/loss/minimum", rules.loss.minimum, 1, 1_000_000),
        ("/calm_minutes", rules.calm_minutes, 1, 1440),
    ];
    for (pointer, value, least, most) in numbers {
        if !(least..=most).contains(&value) {
            let message = format!("from {least} to {most}");
            problems.push(FieldProblem::new(pointer, message));
        }
    }
    if let Some(hours) = &rules.quiet_hours {
        if hours.minutes().is_none() {
            let message = "from and until: times of the day such as 22:00";
            problems.push(FieldProblem::new("/quiet_hours", message));
        }
        if quiet::zone(&hours.time_zone).is_none() {
            let message = "there is no such time zone: give one such as Europe/Berlin";
            problems.push(FieldProblem::new("/quiet_hours/time_zone", message));
        }
    }
    problems
}

fn tagged(record: RulesRecord) -> Tagged {
    let RulesRecord {
        rules,
        own,
        version,
    } = record;
    (
        [(header::ETAG, etag(version))],
        Json(AlertRulesView { rules, own }),
    )
}

/// Shows the rules by which a project's syncs are watched.
#[utoipa::path(get, path = "/projects/{project}/alerts", tag = "alerts",
    operation_id = "show_project_alerts",
    params(("project" = String, Path, description = "The project's id")),
    responses((status = 200, body = AlertRulesView, headers(("etag" = String))), Refusal))]
pub(in crate::portal) async fn of_project(
    _: Allowed<SyncsRead>,
    extract::State(portal): State,
    Path(project): Path<ProjectId>,
) -> Result<Tagged, ApiError> {
    Ok(tagged(portal.store.project_rules(project).await?))
}

/// Changes the rules by which a project's syncs are watched that have none of their own; what is absent
/// stays.
#[utoipa::path(patch, path = "/projects/{project}/alerts", tag = "alerts",
    operation_id = "change_project_alerts",
    params(("project" = String, Path, description = "The project's id"),
        ("if-match" = String, Header, description = "The `ETag` that the change was made from, or `*`")),
    request_body = AlertRulesInput,
    responses((status = 200, body = AlertRulesView, headers(("etag" = String))), Refusal))]
pub(in crate::portal) async fn set_of_project(
    allowed: Allowed<SyncsWrite>,
    extract::State(portal): State,
    Path(project): Path<ProjectId>,
    if_match: IfMatch,
    Body(input): Body<AlertRulesInput>,
) -> Result<Tagged, ApiError> {
    let there = portal.store.project_rules(project).await?;
    // What is merged with what was read is written over nothing else.
    if_match.demand(there.version)?;
    let rules = input.over(there.rules)?;
    let (by, seen) = (allowed.caller(), Some(there.version));
    let set = portal
        .store
        .set_project_rules(project, seen, rules, &by)
        .await?;
    Ok(tagged(set))
}

/// Shows the rules by which a sync is watched.
#[utoipa::path(get, path = "/projects/{project}/syncs/{sync}/alerts", tag = "alerts",
    operation_id = "show_sync_alerts",
    params(("project" = String, Path, description = "The project's id"),
        ("sync" = String, Path, description = "The sync's id")),
    responses((status = 200, body = AlertRulesView, headers(("etag" = String))), Refusal))]
pub(in crate::portal) async fn of_sync(
    _: Allowed<SyncsRead>,
    extract::State(portal): State,
    Path((project, sync)): Ids,
) -> Result<Tagged, ApiError> {
    Ok(tagged(portal.store.sync_rules(project, sync).await?))
}

/// Gives a sync rules of its own: what is absent stays as it holds for it now.
#[utoipa::path(patch, path = "/projects/{project}/syncs/{sync}/alerts", tag = "alerts",
    operation_id = "change_sync_alerts",
    params(("project" = String, Path, description = "The project's id"),
        ("sync" = String, Path, description = "The sync's id"),
        ("if-match" = String, Header, description = "The `ETag` that the change was made from, or `*`")),
    request_body = AlertRulesInput,
    responses((status = 200, body = AlertRulesView, headers(("etag" = String))), Refusal))]
pub(in crate::portal) async fn set_of_sync(
    allowed: Allowed<SyncsWrite>,
    extract::State(portal): State,
    Path((project, sync)): Ids,
    if_match: IfMatch,
    Body(input): Body<AlertRulesInput>,
) -> Result<Tagged, ApiError> {
    let there = portal.store.sync_rules(project, sync).await?;
    if_match.demand(there.version)?;
    let rules = input.over(there.rules)?;
    let (by, seen) = (allowed.caller(), Some(there.version));
    let set = portal
        .store
        .set_sync_rules(project, sync, seen, Some(rules), &by);
    Ok(tagged(set.await?))
}

/// Lets a sync go by its project's rules again.
#[utoipa::path(delete, path = "/projects/{project}/syncs/{sync}/alerts", tag = "alerts",
    operation_id = "reset_sync_alerts",
    params(("project" = String, Path, description = "The project's id"),
        ("sync" = String, Path, description = "The sync's id"),
        ("if-match" = Option<String>, Header, description = "The `ETag` that they must still have")),
    responses((status = 200, body = AlertRulesView, headers(("etag" = String))), Refusal))]
pub(in crate::portal) async fn reset_of_sync(
    allowed: Allowed<SyncsWrite>,
    extract::State(portal): State,
    Path((project, sync)): Ids,
    if_match: Option<IfMatch>,
) -> Result<Tagged, ApiError> {
    let there = portal.store.sync_rules(project, sync).await?;
    let seen = IfMatch::against_maybe(if_match, there.version)?;
    let by = allowed.caller();
    let set = portal.store.set_sync_rules(project, sync, seen, None, &by);
    Ok(tagged(set.await?))
}
