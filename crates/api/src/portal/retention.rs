//! How long a project keeps what it received, and what it holds.

use std::time::Duration;

use axum::Json;
use axum::extract;
use journal::Keep;
use model::ProjectId;
use serde::{Deserialize, Serialize};
use store::Retention;
use utoipa::ToSchema;

use super::extract::Path;
use super::openapi::Refusal;
use super::problem::FieldProblem;
use super::view::rfc3339;
use super::{ApiError, State};
use crate::auth::Allowed;
use crate::auth::permission::ProjectsRead;

const HOUR: Duration = Duration::from_secs(60 * 60);

/// How long a project keeps what it received, in hours; null: as long as the installation does.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ProjectRetention {
    /// Events: no longer than the installation keeps them. What syncs still owe is kept until it is
    /// settled; what a disabled sync owes, no longer than this.
    #[schema(minimum = 1, example = 72)]
    events_hours: Option<u32>,
    /// Deliveries that ended without success: no longer than events, which they hold.
    #[schema(minimum = 1, example = 24)]
    outcomes_hours: Option<u32>,
}

impl From<Retention> for ProjectRetention {
    fn from(retention: Retention) -> Self {
        Self {
            events_hours: retention.events_hours,
            outcomes_hours: retention.outcomes_hours,
        }
    }
}

impl ProjectRetention {
    /// As it is stored, if the installation allows it.
    pub(super) fn checked(self, most: Keep) -> Result<Retention, ApiError> {
        let mut problems = Vec::new();
        let mut check = |name: &str, hours: Option<u32>, most: Option<Duration>| {
            let most = most.map_or(u64::MAX, |most| most.as_secs() / HOUR.as_secs());
            if hours.is_some_and(|hours| hours == 0 || u64::from(hours) > most) {
                let message = format!("from 1 to {most}, as long as the installation keeps them");
                problems.push(FieldProblem::new(format!("/retention/{name}"), message));
            }
        };
        check("events_hours", self.events_hours, most.events);
        check("outcomes_hours", self.outcomes_hours, most.ended);
        match problems.is_empty() {
            true => Ok(Retention {
                events_hours: self.events_hours,
                outcomes_hours: self.outcomes_hours,
            }),
            false => Err(ApiError::Invalid(problems)),
        }
    }
}

/// How long a project keeps what it received, and what it holds at present.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct HeldEventsView {
    /// How long events are kept, in hours.
    events_hours: u64,
    /// How long deliveries that ended without success are kept, in hours.
    outcomes_hours: u64,
    /// How many bytes of events are held, those of its imports among them.
    bytes: u64,
    /// Where the oldest in the project's log is; null when there is none.
    oldest_offset: Option<u64>,
    /// When the oldest of all was received: earlier than the hours say where something still refers to it.
    #[schema(format = DateTime)]
    oldest_received_at: Option<String>,
    /// The position behind the newest.
    head: u64,
}

/// Shows how long a project keeps what it received, and what it really holds.
#[utoipa::path(get, path = "/projects/{project}/retention", tag = "projects",
    operation_id = "show_retention", params(("project" = String, Path, description = "The project's id")),
    responses((status = 200, body = HeldEventsView), Refusal))]
pub(super) async fn show(
    _: Allowed<ProjectsRead>,
    extract::State(portal): State,
    Path(id): Path<ProjectId>,
) -> Result<Json<HeldEventsView>, ApiError> {
    let retention = portal.store.project(id).await?.retention;
    let most = portal.lanes.kept_at_most();
    let held = portal.lanes.held(id).await?;
    let shorter = |own: Option<u32>, most: Option<Duration>| {
        let most = most.map_or(u64::MAX, |most| most.as_secs() / HOUR.as_secs());
        own.map_or(most, |own| most.min(u64::from(own)))
    };
    let events_hours = shorter(retention.events_hours, most.events);
    Ok(Json(HeldEventsView {
        events_hours,
        outcomes_hours: shorter(retention.outcomes_hours, most.ended).min(events_hours),
        bytes: held.bytes,
        oldest_offset: held.oldest.map(|(offset, _)| offset.0),
        oldest_received_at: (held.oldest.map(|(_, at)| at).into_iter())
            .chain(held.oldest_of_imports)
            .min()
            .map(rfc3339),
        head: held.head.0,
    }))
}
