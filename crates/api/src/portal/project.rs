//! Projects.

use std::time::Duration;

use axum::Json;
use axum::http::{HeaderName, StatusCode, header};
use journal::Keep;
use model::ProjectId;
use model::sensitive::SensitiveProperties;
use serde::{Deserialize, Serialize};
use store::{FormerKey, KeyRotation, NewProject, Project, ProjectChange, ProjectDraft, Throttle};
use utoipa::{IntoParams, ToSchema};

use super::extract::{Body, Creation, IfMatch, Path, Query, etag};
use super::openapi::Refusal;
use super::page::{Page, PageQuery};
use super::problem::FieldProblem;
use super::retention::ProjectRetention;
use super::view::rfc3339;
use super::{ApiError, State, field};
use crate::auth::Allowed;
use crate::auth::permission::{ProjectsRead, ProjectsWrite};

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
    /// Whose it is.
    organisation: String,
    /// When its devices and users are throttled.
    throttle: ThrottleView,
    /// Properties whose values are masked wherever events are shown. Deliveries have them as they are.
    sensitive: SensitiveProperties,
    /// How long what it received is kept.
    retention: ProjectRetention,
    /// Counts from 1 with each change; what `ETag` and `If-Match` carry as `"vN"`.
    version: u64,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
}

impl From<&Project> for ProjectView {
    fn from(project: &Project) -> Self {
        Self {
            id: project.id.to_string(),
            organisation: project.organisation.to_string(),
            version: project.version,
            name: project.name.clone(),
            api_key: project.api_key.to_string(),
            throttle: ThrottleView {
                http: project.throttle.http,
                batch: project.throttle.batch,
            },
            sensitive: project.sensitive.clone(),
            retention: project.retention.into(),
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
    /// Properties whose values are masked wherever events are shown: at most 200 names.
    #[serde(default)]
    sensitive: SensitiveProperties,
    /// How long what it receives is kept.
    #[serde(default)]
    retention: ProjectRetention,
}

impl ProjectInput {
    /// The project as it is stored; `most` is how long the installation keeps things.
    pub(super) fn checked(self, most: Keep) -> Result<ProjectDraft, ApiError> {
        Ok(ProjectDraft {
            name: field::checked_name(&self.name)?,
            throttle: self.throttle.map(Throttle::from).unwrap_or_default(),
            sensitive: checked_properties(self.sensitive)?,
            retention: self.retention.checked(most)?,
        })
    }
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
    /// Properties whose values are masked wherever events are shown, in place of those that were: at most
    /// 200 names.
    sensitive: Option<SensitiveProperties>,
    /// How long what it received is kept, in place of what was said before.
    retention: Option<ProjectRetention>,
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

/// A key to rotate.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Rotation {
    /// How long the present key is still taken beside the new one, in seconds; 0: not at all.
    #[schema(maximum = 7776000, example = 86400)]
    overlap_seconds: u64,
    /// End the keys that were replaced earlier now; else each is taken for as long as was said when it
    /// was replaced.
    #[serde(default)]
    #[schema(default = false)]
    end_former: bool,
}

/// A project, and its former keys that are still taken.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ProjectDetailView {
    /// The project.
    #[serde(flatten)]
    project: ProjectView,
    /// Keys that were replaced, the one that ends first first.
    former_keys: Vec<FormerKeyView>,
}

/// A key that was replaced and is still taken.
#[derive(Debug, Serialize, ToSchema)]
struct FormerKeyView {
    /// `api_key` or `secret_key`.
    kind: &'static str,
    /// How the API key ends; null for a secret key, of which only a hash is kept.
    #[schema(example = "…9c1f")]
    ends_with: Option<String>,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it ends.
    #[schema(format = DateTime)]
    until: String,
}

impl From<FormerKey> for FormerKeyView {
    fn from(former: FormerKey) -> Self {
        let api_key = former.api_key.map(|key| key.to_string());
        Self {
            kind: match api_key {
                Some(_) => "api_key",
                None => "secret_key",
            },
            // Hexadecimal digits: each is a byte.
            ends_with: api_key.map(|key| format!("…{}", &key[key.len() - 4..])),
            created_at: rfc3339(former.created_at),
            until: rfc3339(former.until),
        }
    }
}

/// A project with its version as `ETag`.
type Tagged = ([(HeaderName, String); 1], Json<ProjectView>);

fn tagged(project: &Project) -> Tagged {
    let tag = [(header::ETAG, etag(project.version))];
    (tag, Json(ProjectView::from(project)))
}

/// Lists an organisation's projects, oldest first.
#[utoipa::path(get, path = "/organisations/{organisation}/projects", tag = "projects",
    operation_id = "list_projects",
    params(("organisation" = String, Path, description = "The organisation's id"), PageQuery),
    responses((status = 200, body = Page<ProjectView>), Refusal))]
pub(super) async fn list(
    allowed: Allowed<ProjectsRead>,
    axum::extract::State(portal): State,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<ProjectView>>, ApiError> {
    let after = query.after(|cursor| cursor.parse().ok())?;
    let page = portal
        .store
        .projects(allowed.organisation, after.as_ref(), query.limit()?)
        .await?;
    Ok(Json(Page::of(page, |project| ProjectView::from(&project))))
}

/// Makes a project with new keys. Its secret key is shown in this answer only.
#[utoipa::path(post, path = "/organisations/{organisation}/projects", tag = "projects",
    operation_id = "create_project",
    params(("organisation" = String, Path, description = "The organisation's id"),
        ("idempotency-key" = Option<String>, Header, description = "Makes a repeated request safe")),
    request_body = ProjectInput,
    responses((status = 201, body = NewProjectView, headers(("location" = String))), Refusal))]
pub(super) async fn create(
    allowed: Allowed<ProjectsWrite>,
    axum::extract::State(portal): State,
    creation: Creation<ProjectInput>,
) -> Result<(StatusCode, [(HeaderName, String); 1], Json<NewProjectView>), ApiError> {
    let (input, by) = creation.once(allowed.caller());
    let draft = input.checked(portal.lanes.kept_at_most())?;
    let (store, organisation) = (portal.store.clone(), allowed.organisation);
    let made = portal
        .run(async move { Ok(store.create_project_as(organisation, draft, &by).await?) })
        .await?;
    let location = format!("{}/projects/{}", super::ROOT, made.project.id);
    let location = [(header::LOCATION, location)];
    Ok((StatusCode::CREATED, location, Json(with_secret(&made))))
}

fn checked_properties(sensitive: SensitiveProperties) -> Result<SensitiveProperties, ApiError> {
    let problems = sensitive.problems().into_iter();
    let problems: Vec<_> = problems
        .map(|bad| FieldProblem::new(format!("/sensitive{}", bad.pointer), bad.message))
        .collect();
    match problems.is_empty() {
        true => Ok(sensitive),
        false => Err(ApiError::Invalid(problems)),
    }
}

fn with_secret(made: &NewProject) -> NewProjectView {
    NewProjectView {
        project: ProjectView::from(&made.project),
        secret_key: made.secret_key.expose().to_owned(),
    }
}

/// Shows a project.
#[utoipa::path(get, path = "/projects/{project}", tag = "projects",
    operation_id = "show_project", params(("project" = String, Path, description = "The project's id")),
    responses((status = 200, body = ProjectDetailView, headers(("etag" = String))), Refusal))]
pub(super) async fn show(
    _: Allowed<ProjectsRead>,
    axum::extract::State(portal): State,
    Path(id): Path<ProjectId>,
) -> Result<([(HeaderName, String); 1], Json<ProjectDetailView>), ApiError> {
    let project = portal.store.project(id).await?;
    let former = portal.store.former_keys(id).await?;
    let (tag, Json(project)) = tagged(&project);
    let former_keys = former.into_iter().map(FormerKeyView::from).collect();
    Ok((
        tag,
        Json(ProjectDetailView {
            project,
            former_keys,
        }),
    ))
}

/// Renames a project, or changes its thresholds, its sensitive properties or how long it keeps events.
#[utoipa::path(patch, path = "/projects/{project}", tag = "projects",
    operation_id = "change_project",
    params(("project" = String, Path, description = "The project's id"),
        ("if-match" = String, Header, description = "The `ETag` that the change was made from, or `*`")),
    request_body = ProjectPatch,
    responses((status = 200, body = ProjectView, headers(("etag" = String))), Refusal))]
pub(super) async fn change(
    allowed: Allowed<ProjectsWrite>,
    axum::extract::State(portal): State,
    Path(id): Path<ProjectId>,
    if_match: IfMatch,
    Body(patch): Body<ProjectPatch>,
) -> Result<Tagged, ApiError> {
    let name = patch.name.as_deref().map(field::checked_name).transpose()?;
    let change = ProjectChange {
        name,
        throttle: patch.throttle.map(Throttle::from),
        sensitive: patch.sensitive.map(checked_properties).transpose()?,
        retention: match patch.retention {
            Some(retention) => Some(retention.checked(portal.lanes.kept_at_most())?),
            None => None,
        },
    };
    let (store, by) = (portal.store.clone(), allowed.caller());
    let version = if_match.against(store.project(id).await?.version)?;
    let project = portal
        .run(async move { Ok(store.change_project(id, version, change, &by).await?) })
        .await?;
    Ok(tagged(&project))
}

/// Deletes a project: its API key is refused from now on. With syncs, only when forced.
#[utoipa::path(delete, path = "/projects/{project}", tag = "projects",
    operation_id = "delete_project",
    params(("project" = String, Path, description = "The project's id"), DeleteProject,
        ("if-match" = Option<String>, Header, description = "The `ETag` that it must still have")),
    responses((status = 204, description = "It is gone."), Refusal))]
pub(super) async fn delete(
    allowed: Allowed<ProjectsWrite>,
    axum::extract::State(portal): State,
    Path(id): Path<ProjectId>,
    Query(how): Query<DeleteProject>,
    if_match: Option<IfMatch>,
) -> Result<StatusCode, ApiError> {
    let (whole, by) = (portal.clone(), allowed.caller());
    let current = portal.store.project(id).await?.version;
    let version = IfMatch::against_maybe(if_match, current)?;
    portal
        .run(async move {
            whole
                .store
                .delete_project(id, version, how.force, &by)
                .await?;
            Ok(whole.remove_deleted().await?)
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Makes a new API key. The present one is taken beside it for as long as is asked.
#[utoipa::path(post, path = "/projects/{project}/api-key/rotate", tag = "projects",
    operation_id = "rotate_api_key",
    params(("project" = String, Path, description = "The project's id"),
        ("idempotency-key" = Option<String>, Header, description = "Makes a repeated request safe"),
        ("if-match" = Option<String>, Header, description = "The `ETag` that it must still have")),
    request_body = Rotation,
    responses((status = 200, body = ProjectView, headers(("etag" = String))), Refusal))]
pub(super) async fn rotate_api_key(
    allowed: Allowed<ProjectsWrite>,
    axum::extract::State(portal): State,
    Path(id): Path<ProjectId>,
    if_match: Option<IfMatch>,
    creation: Creation<Rotation>,
) -> Result<Tagged, ApiError> {
    let (rotation, by) = creation.once(allowed.caller());
    let (store, rotation) = (portal.store.clone(), rotation.checked(if_match)?);
    let project = portal
        .run(async move { Ok(store.rotate_api_key(id, rotation, &by).await?) })
        .await?;
    Ok(tagged(&project))
}

/// Makes a new secret key, which is shown in this answer only. The present one is taken beside it
/// for as long as is asked.
#[utoipa::path(post, path = "/projects/{project}/secret-key/rotate", tag = "projects",
    operation_id = "rotate_secret_key",
    params(("project" = String, Path, description = "The project's id"),
        ("idempotency-key" = Option<String>, Header, description = "Makes a repeated request safe"),
        ("if-match" = Option<String>, Header, description = "The `ETag` that it must still have")),
    request_body = Rotation, responses((status = 200, body = NewProjectView), Refusal))]
pub(super) async fn rotate_secret_key(
    allowed: Allowed<ProjectsWrite>,
    axum::extract::State(portal): State,
    Path(id): Path<ProjectId>,
    if_match: Option<IfMatch>,
    creation: Creation<Rotation>,
) -> Result<Json<NewProjectView>, ApiError> {
    let (rotation, by) = creation.once(allowed.caller());
    let (store, rotation) = (portal.store.clone(), rotation.checked(if_match)?);
    let made = portal
        .run(async move { Ok(store.rotate_secret_key(id, rotation, &by).await?) })
        .await?;
    Ok(Json(with_secret(&made)))
}

impl Rotation {
    /// Longest overlap: 90 days.
    const LONGEST_SECONDS: u64 = 90 * 24 * 60 * 60;

    /// What the store is to do. A repeated request finds another version than the first did, which
    /// must not keep it from its answer: it is compared within the change.
    fn checked(&self, if_match: Option<IfMatch>) -> Result<KeyRotation, ApiError> {
        let overlap = match self.overlap_seconds {
            seconds @ 0..=Self::LONGEST_SECONDS => Duration::from_secs(seconds),
            _ => {
                return Err(ApiError::field(
                    "/overlap_seconds",
                    format!("at most {} (90 days)", Self::LONGEST_SECONDS),
                ));
            }
        };
        Ok(KeyRotation {
            overlap,
            end_former: self.end_former,
            versions: if_match.and_then(IfMatch::versions),
        })
    }
}
