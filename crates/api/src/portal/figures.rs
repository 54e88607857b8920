//! Figures over time: what became of a sync's or a project's events, by the minute or by the hour.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Json;
use axum::extract;
use journal::figures::{Figures, MINUTES_KEPT, Scope, Step};
use model::outcome::Category;
use model::{ProjectId, SyncId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{Path, Query};
use super::openapi::Refusal;
use super::view::{parse_rfc3339, rfc3339};
use super::{ApiError, Portal, State};
use crate::auth::Allowed;
use crate::auth::permission::SyncsRead;

/// How far back figures by the hour are told.
pub(super) const HOURS_KEPT: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// How many readings of figures may be under way at once: they must not keep the lanes from theirs.
pub(super) const READINGS: usize = 2;

/// By what figures are summed up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum FigureStep {
    /// By the minute, for the last four hours.
    #[default]
    Minute,
    /// By the hour, for the last 90 days.
    Hour,
}

impl FigureStep {
    fn step(self) -> Step {
        match self {
            Self::Minute => Step::Minute,
            Self::Hour => Step::Hour,
        }
    }

    /// How far back there are some.
    fn reach(self) -> Duration {
        match self {
            Self::Minute => MINUTES_KEPT,
            Self::Hour => HOURS_KEPT,
        }
    }

    /// Which time is told when nobody says.
    fn usual(self) -> Duration {
        match self {
            Self::Minute => Duration::from_secs(60 * 60),
            Self::Hour => Duration::from_secs(24 * 60 * 60),
        }
    }
}

/// Which figures.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct FiguresQuery {
    /// By what they are summed up: minutes reach back four hours, hours 90 days.
    #[serde(default)]
    #[param(inline)]
    step: FigureStep,
    /// From when on, RFC 3339: the step that this lies in is the first. Absent: one hour before the end
    /// (with steps of an hour: a day).
    #[param(format = DateTime)]
    from: Option<String>,
    /// Until when, RFC 3339: the last step begins before. Absent: now.
    #[param(format = DateTime)]
    until: Option<String>,
}

impl FiguresQuery {
    /// By what they are summed up.
    pub(super) fn step(&self) -> Step {
        self.step.step()
    }

    /// The range that is asked for.
    pub(super) fn range(&self, now: Timestamp) -> Result<(Timestamp, Timestamp), ApiError> {
        let until = time("until", self.until.as_deref())?;
        let until = until.unwrap_or(now).min(now + Duration::from_micros(1));
        let from = time("from", self.from.as_deref())?;
        let from = from.unwrap_or_else(|| until - self.step.usual());
        let refused = |message: &str| {
            Err(ApiError::Query {
                message: message.into(),
            })
        };
        if from >= until {
            return refused("from: must be before until, and in the past");
        }
        // Who asks for exactly as far back as there is something must not be too late on the way.
        let reach = self.step.reach() + Duration::from_micros(self.step.step().micros() as u64);
        match (now.since(from) > reach, self.step) {
            (false, _) => Ok((self.step.step().start(from), until)),
            (true, FigureStep::Minute) => {
                refused("from: figures by the minute reach back 4 hours: take step=hour")
            }
            (true, FigureStep::Hour) => refused("from: figures reach back 90 days"),
        }
    }
}

fn time(name: &str, text: Option<&str>) -> Result<Option<Timestamp>, ApiError> {
    let Some(text) = text else { return Ok(None) };
    let at = parse_rfc3339(text).ok_or_else(|| ApiError::Query {
        message: format!("{name}: a time as 2026-01-31T12:00:00Z is needed"),
    })?;
    Ok(Some(at))
}

/// Figures over time.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FiguresView {
    /// By what they are summed up.
    step: FigureStep,
    /// The beginning of the first step that was looked at.
    #[schema(format = DateTime)]
    from: String,
    /// The end.
    #[schema(format = DateTime)]
    until: String,
    /// All steps' sum.
    totals: FiguresOfTime,
    /// The steps in which something was counted, in order.
    series: Vec<FiguresOfStep>,
}

/// What was counted in a step.
#[derive(Debug, Serialize, ToSchema)]
struct FiguresOfStep {
    /// When the step begins.
    #[schema(format = DateTime)]
    at: String,
    #[serde(flatten)]
    figures: FiguresOfTime,
}

/// What was counted over some time.
#[derive(Debug, Serialize, ToSchema)]
struct FiguresOfTime {
    /// Of a sync: events that it has settled, meant for it or not. Of a project: events accepted.
    received: u64,
    /// Events that were dropped as duplicates; null for a sync.
    duplicates: Option<u64>,
    /// Deliveries that were not made, for the event was not meant for the sync.
    filtered: u64,
    /// Delivered at the first attempt.
    delivered_first: u64,
    /// Delivered at a later attempt.
    delivered_retry: u64,
    /// Ended because no request could be made.
    discarded: u64,
    /// The same, by the reason's stable name.
    discarded_by_reason: BTreeMap<&'static str, u64>,
    /// Ended because the last attempt failed.
    expired: u64,
    /// Events and deliveries that were forgotten because somebody said so.
    dropped: u64,
    /// Deliveries that were left out for newer ones of the same user and event type.
    superseded: u64,
    /// Events and deliveries that were lost because the sync stood still beyond its bounds.
    lost: u64,
    /// Events and deliveries of users that were erased before they were sent.
    erased: u64,
    /// Second deliveries: some events have one for the event and one for its user.
    second_deliveries: u64,
    /// Deliveries that had been counted as over and go on: failed ones that are sent again, and erased
    /// ones whose last attempt was under way. `received`, this and `second_deliveries` are together what
    /// was filtered, delivered, discarded, expired, dropped, superseded, lost and erased, and what is
    /// pending and waiting, over all of a sync's time.
    sent_again: u64,
    /// Attempts that failed.
    failed_attempts: u64,
    /// The same, by category and status.
    failures: Vec<FailuresOfKind>,
    /// Deliveries that waited for their next attempt when something was last counted.
    pending: u64,
    /// Deliveries that waited then for an earlier one of their user.
    waiting_in_order: u64,
    /// Requests that were sent and whose end was seen: an attempt makes up to three. What a kill of the server
    /// cut off is not counted, though the destination may have seen it; it is sent again, and counts then.
    requests: u64,
    /// The same in a second, on average over the step (or over all of them).
    requests_per_second: f64,
    /// From received to delivered.
    latency_seconds: LatencyOfTime,
}

/// Attempts that failed in the same way.
#[derive(Debug, Serialize, ToSchema)]
struct FailuresOfKind {
    /// What kind of failure.
    category: Category,
    /// The status, where there was an answer.
    status: Option<u16>,
    /// How many.
    count: u64,
}

/// Quantiles of a latency in seconds, within 1 %; null when nothing was delivered.
#[derive(Debug, Serialize, ToSchema)]
struct LatencyOfTime {
    /// The median.
    p50: Option<f64>,
    /// Nineteen of twenty are below.
    p95: Option<f64>,
    /// Ninety-nine of a hundred are below.
    p99: Option<f64>,
}

fn view(figures: &Figures, scope: Scope, micros: i64) -> FiguresOfTime {
    let (counts, details, balance) = (figures.counts, &figures.details, figures.balance);
    let failures = details.failures.iter();
    let failures = failures.map(|(&(category, status), &count)| FailuresOfKind {
        category,
        status,
        count,
    });
    FiguresOfTime {
        received: details.received,
        duplicates: matches!(scope, Scope::Project(_)).then_some(figures.duplicates),
        filtered: counts.filtered,
        delivered_first: counts.delivered_first,
        delivered_retry: counts.delivered_retry,
        discarded: counts.discarded,
        discarded_by_reason: details.discarded.clone(),
        expired: counts.expired,
        dropped: balance.dropped,
        superseded: balance.superseded,
        lost: balance.lost,
        erased: balance.erased,
        second_deliveries: balance.second,
        sent_again: balance.again,
        failed_attempts: counts.failed_attempts,
        failures: failures.collect(),
        pending: figures.pending,
        waiting_in_order: figures.waiting,
        requests: details.requests,
        requests_per_second: details.requests as f64 / (micros as f64 / 1e6),
        latency_seconds: LatencyOfTime {
            p50: details.latency.quantile(0.5),
            p95: details.latency.quantile(0.95),
            p99: details.latency.quantile(0.99),
        },
    }
}

/// Shows a sync's figures over time.
#[utoipa::path(get, path = "/projects/{project}/syncs/{sync}/figures", tag = "deliveries",
    operation_id = "sync_figures",
    params(("project" = String, Path, description = "The project's id"),
        ("sync" = String, Path, description = "The sync's id"), FiguresQuery),
    responses((status = 200, body = FiguresView), Refusal))]
pub(super) async fn of_sync(
    _: Allowed<SyncsRead>,
    extract::State(portal): State,
    Path((project, id)): Path<(ProjectId, SyncId)>,
    Query(query): Query<FiguresQuery>,
) -> Result<Json<FiguresView>, ApiError> {
    let range = query.range(portal.authority.now())?;
    portal.store.sync(project, id).await?;
    portal.told(Scope::Sync(id), query.step, range).await
}

/// Shows the figures of a project and all its syncs over time.
#[utoipa::path(get, path = "/projects/{project}/figures", tag = "deliveries",
    operation_id = "project_figures",
    params(("project" = String, Path, description = "The project's id"), FiguresQuery),
    responses((status = 200, body = FiguresView), Refusal))]
pub(super) async fn of_project(
    _: Allowed<SyncsRead>,
    extract::State(portal): State,
    Path(project): Path<ProjectId>,
    Query(query): Query<FiguresQuery>,
) -> Result<Json<FiguresView>, ApiError> {
    let range = query.range(portal.authority.now())?;
    portal.store.project(project).await?;
    portal
        .told(Scope::Project(project), query.step, range)
        .await
}

impl Portal {
    /// Figures of a range, a few readings at a time.
    pub(super) async fn figures(
        &self,
        scope: Scope,
        step: Step,
        (from, until): (Timestamp, Timestamp),
    ) -> Result<Vec<(Timestamp, Figures)>, ApiError> {
        // The semaphore is never closed.
        let _turn = self.figure_readings.acquire().await;
        Ok(self.lanes.figures(scope, step, from, until).await?)
    }

    async fn told(
        &self,
        scope: Scope,
        by: FigureStep,
        (from, until): (Timestamp, Timestamp),
    ) -> Result<Json<FiguresView>, ApiError> {
        let step = by.step();
        let steps = self.figures(scope, step, (from, until)).await?;
        let mut totals = Figures::default();
        steps.iter().for_each(|(_, figures)| totals.add(figures));
        let series = steps.iter().map(|(at, figures)| FiguresOfStep {
            at: rfc3339(*at),
            figures: view(figures, scope, step.micros()),
        });
        Ok(Json(FiguresView {
            step: by,
            from: rfc3339(from),
            until: rfc3339(until),
            totals: view(&totals, scope, until.0 - from.0),
            series: series.collect(),
        }))
    }
}
