//! Requests with events that were refused: samples of them.

use axum::Json;
use axum::extract;
use journal::fate::RefusedRow;
use model::ProjectId;
use model::sensitive::SensitiveProperties;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::outcomes::unavailable;
use crate::auth::Allowed;
use crate::auth::permission::DeliveriesRead;
use crate::portal::extract::Path;
use crate::portal::openapi::Refusal;
use crate::portal::view::rfc3339;
use crate::portal::{ApiError, State};

/// Samples of a project's refused requests.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::portal) struct RefusedList {
    /// The newest 200 samples, newest first. A few of each reason are taken in ten seconds: counts are
    /// in the metrics.
    items: Vec<RefusedView>,
}

/// A sample of a request that was refused. Nothing of such a request was taken.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RefusedView {
    /// When.
    #[schema(format = DateTime)]
    at: String,
    /// The reason's stable name, as metrics have it.
    reason: String,
    /// Where it was sent.
    #[schema(example = "/2/httpapi")]
    path: String,
    /// The status of the answer.
    status: u16,
    /// What the client was answered.
    #[schema(value_type = Object)]
    answer: Value,
    /// How many events it had; null where that can't be told.
    events: Option<u64>,
    /// The size of its body, in bytes.
    bytes: u64,
    /// The first KiB of the body, API keys masked; null where the project has sensitive properties:
    /// what is cut, or is not even JSON, doesn't say which of its values are theirs.
    beginning: Option<String>,
}

impl RefusedView {
    /// As people of a project with these sensitive properties may see it.
    pub(super) fn new(row: RefusedRow, sensitive: &SensitiveProperties) -> Self {
        let mut body: Value = serde_json::from_str(&row.refused.body).unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Self {
            at: rfc3339(row.refused.at),
            reason: row.refused.reason,
            path: text(&body["path"]),
            status: body["status"].as_u64().unwrap_or(0) as u16,
            events: body["events"].as_u64(),
            bytes: body["bytes"].as_u64().unwrap_or(0),
            beginning: sensitive.is_empty().then(|| text(&body["beginning"])),
            answer: body["answer"].take(),
        }
    }
}

/// Lists samples of requests with events that were refused, with the reason.
#[utoipa::path(get, path = "/projects/{project}/refused", tag = "projects",
    operation_id = "list_refused",
    params(("project" = String, Path, description = "The project's id")),
    responses((status = 200, body = RefusedList), Refusal))]
pub(in crate::portal) async fn list(
    _: Allowed<DeliveriesRead>,
    extract::State(portal): State,
    Path(project): Path<ProjectId>,
) -> Result<Json<RefusedList>, ApiError> {
    let sensitive = portal.store.project(project).await?.sensitive;
    let rows = portal.lanes.fates().refused(project).await;
    let rows = rows.map_err(unavailable)?.into_iter();
    Ok(Json(RefusedList {
        items: rows.map(|row| RefusedView::new(row, &sensitive)).collect(),
    }))
}
