//! Projects.

use axum::Json;
use axum::http::{HeaderName, StatusCode, header};
use serde::{Deserialize, Serialize};
use store::{Project, ProjectChange, Throttle};
use utoipa::{IntoParams, ToSchema};

use super::extract::{Body, Path, Query};
use super::openapi::Refusal;
use super::page::{Page, PageQuery};
use super::problem::FieldProblem;
use super::view::rfc3339;
use super::{ApiError, State, draft};
use crate::auth::Admin;

/// A project.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ProjectView {
    /// Identifies it.
    #[schema(example = "prj_06r3h4v8n5s7qj2k0c1d9w6xyz")]
    id: String,
    /// As people call it.
    name: String,
    /// What its SDKs send.
    api_key: String,
    /// When its devices and users are throttled.
    throttle: ThrottleView,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
}

impl From<&Project> for ProjectView {
    fn from(project: &Project) -> Self {
        Self {
            id: project.id.to_string(),
            name: project.name.clone(),
            api_key: project.api_key.to_string(),
            throttle: ThrottleView {
                http: project.throttle.http,
                batch: project.throttle.batch,
            },
            created_at: rfc3339(project.created_at),
        }
    }
}

/// Events a second of one device or user, averaged over 30 seconds, beyond which it is throttled.
/// 0: never.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ThrottleView {
    /// On `/2/httpapi`.
    #[schema(default = 30)]
    http: u32,
    /// On `/batch`.
    #[schema(default = 1000)]
    batch: u32,
}

impl From<ThrottleView> for Throttle {
    fn from(view: ThrottleView) -> Self {
        Self {
            http: view.http,
            batch: view.batch,
        }
    }
}

/// A project that was just made.
#[derive(Serialize, ToSchema)]
pub(super) struct NewProjectView {
    /// The project.
    project: ProjectView,
    /// Belongs to the API key, for the figures' API. Not shown again.
    secret_key: String,
}

/// A project to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ProjectInput {
    /// As people call it.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// When its devices and users are throttled.
    throttle: Option<ThrottleView>,
}

/// What to change of a project; what is absent stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ProjectPatch {
    /// As people call it.
    #[schema(min_length = 1, max_length = 200)]
    name: Option<String>,
    /// When its devices and users are throttled.
    throttle: Option<ThrottleView>,
}

/// How to delete a project.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct DeleteProject {
    /// Delete its syncs too, with all that they still owe.
    #[serde(default)]
    #[param(default = false)]
    force: bool,
}

/// Lists the projects, oldest first.
#[utoipa::path(get, path = "/projects", tag = "projects", operation_id = "list_projects",
    params(PageQuery), responses((status = 200, body = Page<ProjectView>), Refusal))]
pub(super) async fn list(
    _: Admin,
    axum::extract::State(portal): State,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<ProjectView>>, ApiError> {
    let after = query.after(|cursor| cursor.parse().ok())?;
    let page = portal
        .store
        .projects(after.as_ref(), query.limit()?)
        .await?;
    Ok(Json(Page::of(page, |project| ProjectView::from(&project))))
}

/// Makes a project with new keys. Its secret key is shown in this answer only.
#[utoipa::path(post, path = "/projects", tag = "projects", operation_id = "create_project",
    request_body = ProjectInput,
    responses((status = 201, body = NewProjectView, headers(("location" = String))), Refusal))]
pub(super) async fn create(
    _: Admin,
    axum::extract::State(portal): State,
    Body(input): Body<ProjectInput>,
) -> Result<(StatusCode, [(HeaderName, String); 1], Json<NewProjectView>), ApiError> {
    let mut problems = Vec::new();
    let name = draft::name(&input.name, &mut problems);
    refuse(problems)?;
    let throttle = input.throttle.map(Throttle::from).unwrap_or_default();
    let store = portal.store.clone();
    let made = portal
        .run(async move { Ok(store.create_project(&name, throttle).await?) })
        .await?;
    let location = format!("{}/projects/{}", super::ROOT, made.project.id);
    let view = NewProjectView {
        project: ProjectView::from(&*made.project),
        secret_key: made.secret_key.expose().to_owned(),
    };
    Ok((
        StatusCode::CREATED,
        [(header::LOCATION, location)],
        Json(view),
    ))
}

/// Shows a project.
#[utoipa::path(get, path = "/projects/{project}", tag = "projects",
    operation_id = "show_project", params(("project" = String, Path, description = "The project's id")),
    responses((status = 200, body = ProjectView), Refusal))]
pub(super) async fn show(
    _: Admin,
    axum::extract::State(portal): State,
    Path(id): Path<model::ProjectId>,
) -> Result<Json<ProjectView>, ApiError> {
    let project = portal.store.project(id).await?;
    Ok(Json(ProjectView::from(&project)))
}

/// Renames a project or changes its thresholds.
#[utoipa::path(patch, path = "/projects/{project}", tag = "projects",
    operation_id = "change_project", params(("project" = String, Path, description = "The project's id")),
    request_body = ProjectPatch, responses((status = 200, body = ProjectView), Refusal))]
pub(super) async fn change(
    _: Admin,
    axum::extract::State(portal): State,
    Path(id): Path<model::ProjectId>,
    Body(patch): Body<ProjectPatch>,
) -> Result<Json<ProjectView>, ApiError> {
    let mut problems = Vec::new();
    let change = ProjectChange {
        name: patch.name.map(|name| draft::name(&name, &mut problems)),
        throttle: patch.throttle.map(Throttle::from),
    };
    refuse(problems)?;
    let store = portal.store.clone();
    let project = portal
        .run(async move { Ok(store.change_project(id, change).await?) })
        .await?;
    Ok(Json(ProjectView::from(&*project)))
}

/// Deletes a project: its API key is refused from now on. With syncs, only when forced.
#[utoipa::path(delete, path = "/projects/{project}", tag = "projects",
    operation_id = "delete_project",
    params(("project" = String, Path, description = "The project's id"), DeleteProject),
    responses((status = 204, description = "It is gone."), Refusal))]
pub(super) async fn delete(
    _: Admin,
    axum::extract::State(portal): State,
    Path(id): Path<model::ProjectId>,
    Query(how): Query<DeleteProject>,
) -> Result<StatusCode, ApiError> {
    let whole = portal.clone();
    portal
        .run(async move {
            whole.store.delete_project(id, how.force).await?;
            Ok(whole.remove_deleted().await?)
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

fn refuse(problems: Vec<FieldProblem>) -> Result<(), ApiError> {
    if problems.is_empty() {
        Ok(())
    } else {
        Err(ApiError::Invalid(problems))
    }
}
