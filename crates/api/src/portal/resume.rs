//! A sync goes on: what becomes of what was held while it stood still.

use axum::extract;
use model::SyncId;
use serde::Deserialize;
use utoipa::ToSchema;

use super::extract::{Body, IfMatch};
use super::lanes::Backlog;
use super::openapi::Refusal;
use super::sync::{Ids, Tagged};
use super::view::SyncView;
use super::{ApiError, DroppedLane, FieldProblem, State};
use crate::auth::Allowed;
use crate::auth::permission::SyncsWrite;

/// The most that can be asked for.
const MAX_RATE: u32 = 1_000_000;

/// How a sync goes on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ResumeInput {
    /// What becomes of the events that it owes.
    backlog: Backlog,
    /// How many requests a minute are sent at most until it has gone through them; absent: as many as
    /// it sends otherwise.
    #[schema(minimum = 1, maximum = 1_000_000)]
    requests_per_minute: Option<u32>,
    /// With `drop`: how many deliveries may be forgotten at most. Without it nothing is done while there
    /// are any: the answer says how many.
    confirm: Option<u64>,
}

/// Enables a sync and says what becomes of what it owes: all is delivered, or only the newest event of
/// each user and event type (pending retries go on), or nothing (nor the retries). Dropping needs a
/// confirmation that says how many.
#[utoipa::path(post, path = "/projects/{project}/syncs/{sync}/resume", tag = "syncs",
    operation_id = "resume_sync",
    params(("project" = String, Path, description = "The project's id"),
        ("sync" = String, Path, description = "The sync's id"),
        ("if-match" = Option<String>, Header, description = "The `ETag` of the sync as it was seen")),
    request_body = ResumeInput,
    responses((status = 200, body = SyncView, headers(("etag" = String))), Refusal))]
pub(super) async fn resume(
    allowed: Allowed<SyncsWrite>,
    extract::State(portal): State,
    super::extract::Path((project, id)): Ids,
    if_match: Option<IfMatch>,
    Body(input): Body<ResumeInput>,
) -> Result<Tagged, ApiError> {
    let rate = input.requests_per_minute;
    if !rate.is_none_or(|rate| (1..=MAX_RATE).contains(&rate)) {
        let message = format!("from 1 to {MAX_RATE}");
        let problem = FieldProblem::new("/requests_per_minute", message);
        return Err(ApiError::Invalid(vec![problem]));
    }
    let record = portal.store.sync(project, id).await?;
    if let Some(if_match) = &if_match {
        if_match.demand(record.version)?;
    }
    if record.sync.enabled {
        let message = "the sync is enabled: disable it first";
        let problem = FieldProblem::new("/backlog", message);
        return Err(ApiError::Invalid(vec![problem]));
    }
    // One that can't deliver stays as it is, with all that it owes.
    let definition = portal.definition(&record.sync).await?;
    let mut draft = record.draft();
    draft.enabled = true;
    portal.check(id, project, &definition, &draft)?;
    if input.backlog == Backlog::Drop {
        let would_drop = portal.would_drop(id).await?;
        if would_drop.owed() > input.confirm.unwrap_or(0) {
            return Err(ApiError::ConfirmationNeeded(would_drop));
        }
    }
    let by = allowed.caller();
    let who = by.actor.who();
    let whole = portal.clone();
    portal
        .run(async move {
            whole
                .lanes
                .prepare(project, id, input.backlog, rate, &who)
                .await?;
            // Somebody may have enabled it in between.
            whole.reconcile(id).await
        })
        .await?;
    portal.switch(project, id, if_match, true, by).await
}

impl super::Portal {
    /// What would be forgotten with a lane's backlog.
    async fn would_drop(&self, sync: SyncId) -> Result<DroppedLane, ApiError> {
        let status = self.lanes.status(sync).await?;
        let stats = status.stats.as_ref();
        Ok(DroppedLane {
            ended: 0,
            ..stats.map(DroppedLane::from).unwrap_or_default()
        })
    }
}
