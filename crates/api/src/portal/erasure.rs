//! Erasing users: all that is kept of one, with a report.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract;
use axum::http::{HeaderName, StatusCode, header};
use journal::{EraseRequest, Erasure, ErasureState, Subject};
use model::{ErasureId, ProjectId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::extract::{Creation, Path, Query};
use super::openapi::Refusal;
use super::page::{Page, PageQuery};
use super::view::rfc3339;
use super::{ApiError, State};
use crate::auth::Allowed;
use crate::auth::permission::ProjectsWrite;

/// Longest id, in bytes: as ingest takes them, and more.
const ID_BYTES: usize = 4096;

/// Who is to be erased: one of these.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ErasureInput {
    /// The user's id.
    user_id: Option<String>,
    /// A device: the user that it last belonged to is erased.
    device_id: Option<String>,
    /// The number that the user's events have.
    #[schema(minimum = 1)]
    amplitude_id: Option<i64>,
}

impl ErasureInput {
    /// Who, what kind of id that is, and the id as text.
    fn subject(self) -> Result<(Subject, &'static str, String), ApiError> {
        let text = |place, id: String| match id.is_empty() || id.len() > ID_BYTES {
            true => Err(ApiError::field(
                place,
                format!("from 1 to {ID_BYTES} bytes"),
            )),
            false => Ok(id),
        };
        match (self.user_id, self.device_id, self.amplitude_id) {
            (Some(id), None, None) => {
                let id = text("/user_id", id)?;
                Ok((Subject::UserId(id.clone()), "user_id", id))
            }
            (None, Some(id), None) => {
                let id = text("/device_id", id)?;
                Ok((Subject::DeviceId(id.clone()), "device_id", id))
            }
            (None, None, Some(id)) if id > 0 => {
                Ok((Subject::AmplitudeId(id), "amplitude_id", id.to_string()))
            }
            (None, None, Some(_)) => Err(ApiError::field("/amplitude_id", "from 1 on")),
            _ => Err(ApiError::field(
                "",
                "give one of `user_id`, `device_id` and `amplitude_id`",
            )),
        }
    }
}

/// The erasure of a user. Who it was isn't kept.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ErasureView {
    /// Identifies it.
    #[schema(example = "era_06r3h4v8n5s7qj2k0c1d9w6xyz")]
    id: String,
    /// How far it is.
    state: ErasureStateName,
    /// When it was asked for. Events from before that are erased.
    #[schema(format = DateTime)]
    requested_at: String,
    /// Events before this position have been looked at.
    looked_at: u64,
    /// They are looked at up to here.
    until: u64,
    /// What was found and erased so far, by kind: `users`, `devices`, `events`, `retries`, `ended` and others.
    found: BTreeMap<String, u64>,
    /// When it was done; null while it goes on.
    #[schema(format = DateTime)]
    done_at: Option<String>,
}

/// How far an erasure is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ErasureStateName {
    /// The user's properties are gone; devices are looked up.
    Devices,
    /// Events are looked up and erased, with what is kept of them.
    Events,
    /// Nothing refers to them any more; free space in the files is overwritten.
    Files,
    /// Nothing is left.
    Done,
}

impl From<Erasure> for ErasureView {
    fn from(erasure: Erasure) -> Self {
        Self {
            id: erasure.id.to_string(),
            state: match erasure.state {
                ErasureState::Devices => ErasureStateName::Devices,
                ErasureState::Events => ErasureStateName::Events,
                ErasureState::Files => ErasureStateName::Files,
                ErasureState::Done => ErasureStateName::Done,
            },
            requested_at: rfc3339(erasure.requested_at),
            looked_at: erasure.looked_at.0,
            until: erasure.until.0,
            found: erasure.found,
            done_at: erasure.done_at.map(rfc3339),
        }
    }
}

/// Begins to erase a user: properties and devices, events, and all that is kept of these. It goes on by
/// itself, also after a restart; other users and groups stay as they are.
#[utoipa::path(post, path = "/projects/{project}/erasures", tag = "projects",
    operation_id = "erase_user",
    params(("project" = String, Path, description = "The project's id"),
        ("idempotency-key" = Option<String>, Header, description = "Makes a repeated request safe")),
    request_body = ErasureInput,
    responses((status = 201, body = ErasureView, headers(("location" = String))), Refusal))]
pub(super) async fn create(
    allowed: Allowed<ProjectsWrite>,
    extract::State(portal): State,
    Path(project): Path<ProjectId>,
    creation: Creation<ErasureInput>,
) -> Result<(StatusCode, [(HeaderName, String); 1], Json<ErasureView>), ApiError> {
    let (input, by) = creation.once(allowed.caller());
    let (subject, kind, text) = input.subject()?;
    let whole = portal.clone();
    let begun = portal
        .run(async move {
            let asked = whole.store.log_erasure_asked(project, kind, &text, &by);
            let request = EraseRequest {
                id: asked.await?,
                project,
                subject,
                at: whole.authority.clock.now(),
            };
            Ok(whole.lanes.erase(request).await?)
        })
        .await?;
    let location = format!("{}/projects/{project}/erasures/{}", super::ROOT, begun.id);
    let location = [(header::LOCATION, location)];
    Ok((StatusCode::CREATED, location, Json(begun.into())))
}

/// Lists a project's erasures of users, newest first.
#[utoipa::path(get, path = "/projects/{project}/erasures", tag = "projects",
    operation_id = "list_erasures",
    params(("project" = String, Path, description = "The project's id"), PageQuery),
    responses((status = 200, body = Page<ErasureView>), Refusal))]
pub(super) async fn list(
    _: Allowed<ProjectsWrite>,
    extract::State(portal): State,
    Path(project): Path<ProjectId>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<ErasureView>>, ApiError> {
    let before = query.after(|cursor| cursor.parse().ok())?;
    let limit = query.limit()? as usize;
    portal.store.project(project).await?;
    let mut found = portal.lanes.erasures(project, before, limit + 1).await?;
    let more = found.len() > limit;
    found.truncate(limit);
    let last = found.last().filter(|_| more);
    let next = last.map(|erasure| erasure.number.to_string());
    let items = found.into_iter().map(ErasureView::from).collect();
    Ok(Json(Page { items, next }))
}

/// Shows how far an erasure is, and what it has found.
#[utoipa::path(get, path = "/projects/{project}/erasures/{erasure}", tag = "projects",
    operation_id = "show_erasure",
    params(("project" = String, Path, description = "The project's id"),
        ("erasure" = String, Path, description = "The erasure's id")),
    responses((status = 200, body = ErasureView), Refusal))]
pub(super) async fn show(
    _: Allowed<ProjectsWrite>,
    extract::State(portal): State,
    Path((project, id)): Path<(ProjectId, ErasureId)>,
) -> Result<Json<ErasureView>, ApiError> {
    portal.store.project(project).await?;
    let found = portal.lanes.erasure(id).await?;
    let found = found.filter(|erasure| erasure.project == project);
    let found = found.ok_or_else(|| ApiError::NotFound {
        what: format!("erasure {id}"),
    })?;
    Ok(Json(found.into()))
}
