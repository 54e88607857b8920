//! Imports: lines of an export archive, each an event, into a log of their own.

mod dry_run;
mod line;

use axum::Json;
use axum::extract;
use model::replay::Replayed;
use model::{ProjectId, ReplayId, SyncId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::view::ReplayView;
use crate::auth::Allowed;
use crate::auth::permission::SyncsWrite;
use crate::portal::extract::{Body, Path};
use crate::portal::openapi::Refusal;
use crate::portal::{ApiError, State};

/// Most lines of one request.
const MOST_LINES: usize = 5_000;

/// Some lines of an archive.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::portal) struct LinesInput {
    /// Each an event in the form of the Export API, as JSON text; at most 5000.
    #[schema(max_items = 5000)]
    lines: Vec<String>,
}

/// What became of the lines.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ImportedLines)]
pub(in crate::portal) struct LinesView {
    /// How many were taken.
    taken: usize,
    /// How many had been taken before.
    duplicates: usize,
    /// Those that can't be.
    refused: Vec<RefusedLine>,
}

/// A line that can't be imported.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RefusedLine {
    /// Its place among the lines, from 0.
    index: usize,
    /// Why.
    message: String,
}

/// Appends lines of an archive to an import. Lines that were taken before (within seven days, by `uuid`,
/// or else `$insert_id` and device) are not taken twice, so that a request may be repeated.
#[utoipa::path(post, path = "/projects/{project}/syncs/{sync}/replays/{replay}/lines",
    tag = "replays", operation_id = "append_import",
    params(("project" = String, Path, description = "The project's id"),
        ("sync" = String, Path, description = "The sync's id"),
        ("replay" = String, Path, description = "The replay's id")),
    request_body = LinesInput,
    responses((status = 200, body = LinesView), Refusal))]
pub(in crate::portal) async fn append(
    _: Allowed<SyncsWrite>,
    extract::State(portal): State,
    Path((project, sync, id)): Path<(ProjectId, SyncId, ReplayId)>,
    Body(input): Body<LinesInput>,
) -> Result<Json<LinesView>, ApiError> {
    if input.lines.len() > MOST_LINES {
        let message = format!("at most {MOST_LINES}");
        return Err(ApiError::field("/lines", message));
    }
    portal.store.sync(project, sync).await?;
    let replay = portal.store.replay(project, sync, id).await?;
    match &replay.what {
        Replayed::Import(import) if !import.complete && !replay.state.is_final() => {}
        Replayed::Import(_) => {
            return Err(ApiError::Conflict("the import takes no more events".into()));
        }
        _ => return Err(store::Error::NoImport(id).into()),
    }
    let (mut events, mut refused) = (Vec::new(), Vec::new());
    for (index, text) in input.lines.iter().enumerate() {
        match line::read(text) {
            Ok(event) => events.push(event),
            Err(message) => refused.push(RefusedLine { index, message }),
        }
    }
    let (mut taken, mut duplicates) = (0, 0);
    if !events.is_empty() {
        let now = portal.authority.clock.now();
        let accepted = portal.lanes.append(&replay, events, now).await?;
        (taken, duplicates) = (accepted.appended, accepted.duplicates);
    }
    Ok(Json(LinesView {
        taken,
        duplicates,
        refused,
    }))
}

/// Says that all of an archive has arrived: the import is done when all of it was sent.
#[utoipa::path(post, path = "/projects/{project}/syncs/{sync}/replays/{replay}/complete",
    tag = "replays", operation_id = "complete_import",
    params(("project" = String, Path, description = "The project's id"),
        ("sync" = String, Path, description = "The sync's id"),
        ("replay" = String, Path, description = "The replay's id")),
    responses((status = 200, body = ReplayView), Refusal))]
pub(in crate::portal) async fn complete(
    allowed: Allowed<SyncsWrite>,
    extract::State(portal): State,
    Path((project, sync, id)): Path<(ProjectId, SyncId, ReplayId)>,
) -> Result<Json<ReplayView>, ApiError> {
    let (whole, by) = (portal.clone(), allowed.caller());
    let record = portal
        .run(async move { Ok(whole.store.complete_import(project, sync, id, &by).await?) })
        .await?;
    portal.replay_view(record).await.map(Json)
}
