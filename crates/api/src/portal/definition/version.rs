//! Versions of definitions, for those whose they are.

use axum::Json;
use axum::extract;
use model::{DefinitionId, OrganisationId, Timestamp};
use serde::{Deserialize, Serialize};
use store::{Comment, Listed, VersionRecord, VersionState};
use utoipa::ToSchema;

use super::{ContentView, Ids, OutlineView};
use crate::auth::Allowed;
use crate::auth::permission::{DefinitionsRead, DefinitionsWrite};
use crate::mail::ReviewStep;
use crate::portal::extract::{Path, Query};
use crate::portal::openapi::Refusal;
use crate::portal::page::{Page, PageQuery};
use crate::portal::view::rfc3339;
use crate::portal::{ApiError, State, markdown};

/// A version of a definition. What it says never changes.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::portal) struct VersionView {
    /// The definition's id.
    definition: String,
    /// Counts from 1.
    version: u32,
    /// What it says.
    content: ContentView,
    /// Its description as HTML that is safe to show.
    description_html: String,
    /// How far it has come.
    state: StateName,
    /// Who released it.
    released_by: String,
    /// When.
    #[schema(format = DateTime)]
    released_at: String,
    /// Who asked for a review; null while nobody has.
    submitted_by: Option<String>,
    /// When.
    #[schema(format = DateTime)]
    submitted_at: Option<String>,
    /// Who approved it or sent it back; null while nobody has.
    decided_by: Option<String>,
    /// When.
    #[schema(format = DateTime)]
    decided_at: Option<String>,
    /// What the reviewer said of the whole.
    note: String,
    /// What the reviewer said of single fields.
    comments: Vec<CommentView>,
}

/// A version of a definition, in outline.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::portal) struct ListedVersionView {
    /// The definition's id.
    definition: String,
    /// Counts from 1.
    version: u32,
    /// What it says in outline; all of it is shown with the version.
    content: OutlineView,
    /// How far it has come.
    state: StateName,
    /// Who released it.
    released_by: String,
    /// When.
    #[schema(format = DateTime)]
    released_at: String,
    /// Who asked for a review; null while nobody has.
    submitted_by: Option<String>,
    /// When.
    #[schema(format = DateTime)]
    submitted_at: Option<String>,
    /// Who approved it or sent it back; null while nobody has.
    decided_by: Option<String>,
    /// When.
    #[schema(format = DateTime)]
    decided_at: Option<String>,
    /// What the reviewer said of the whole.
    note: String,
    /// What the reviewer said of single fields.
    comments: Vec<CommentView>,
}

impl From<VersionRecord<Listed>> for ListedVersionView {
    fn from(record: VersionRecord<Listed>) -> Self {
        let (submitted_by, submitted_at) = step(record.submitted);
        let (decided_by, decided_at) = step(record.decided);
        Self {
            definition: record.definition.id.to_string(),
            version: record.definition.version,
            content: record.definition.outline.into(),
            state: record.state.into(),
            released_by: record.released_by,
            released_at: rfc3339(record.released_at),
            submitted_by,
            submitted_at,
            decided_by,
            decided_at,
            note: record.note,
            comments: record.comments.into_iter().map(CommentView::from).collect(),
        }
    }
}

/// Who took a step, and when.
fn step(step: Option<(String, Timestamp)>) -> (Option<String>, Option<String>) {
    step.map(|(by, at)| (by, rfc3339(at))).unzip()
}

impl From<VersionRecord> for VersionView {
    fn from(record: VersionRecord) -> Self {
        let (submitted_by, submitted_at) = step(record.submitted);
        let (decided_by, decided_at) = step(record.decided);
        Self {
            definition: record.definition.id.to_string(),
            version: record.definition.version,
            description_html: markdown::to_html(&record.definition.about.description),
            content: ContentView::from((*record.definition).clone()),
            state: record.state.into(),
            released_by: record.released_by,
            released_at: rfc3339(record.released_at),
            submitted_by,
            submitted_at,
            decided_by,
            decided_at,
            note: record.note,
            comments: record.comments.into_iter().map(CommentView::from).collect(),
        }
    }
}

/// How far a version has come.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::portal) enum StateName {
    /// The organisation itself can connect it.
    Internal,
    /// The same, and a reviewer is asked.
    Submitted,
    /// Everyone can connect it.
    Approved,
    /// The organisation itself still can; a reviewer has said what is to mend in a next version.
    Returned,
}

impl From<VersionState> for StateName {
    fn from(state: VersionState) -> Self {
        match state {
            VersionState::Internal => Self::Internal,
            VersionState::Submitted => Self::Submitted,
            VersionState::Approved => Self::Approved,
            VersionState::Returned => Self::Returned,
        }
    }
}

/// What a reviewer says of a field.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::portal) struct CommentView {
    /// JSON pointer into the version's content.
    #[schema(example = "/events/body")]
    pub(in crate::portal) pointer: String,
    /// What is said.
    pub(in crate::portal) comment: String,
}

impl From<Comment> for CommentView {
    fn from(comment: Comment) -> Self {
        Self {
            pointer: comment.pointer,
            comment: comment.comment,
        }
    }
}

/// The ids in the path of a version.
type VersionIds = Path<(OrganisationId, DefinitionId, u32)>;

/// Lists the versions of a definition, the newest first, in outline.
#[utoipa::path(get, path = "/organisations/{organisation}/definitions/{definition}/versions",
    tag = "definitions", operation_id = "list_definition_versions",
    params(("organisation" = String, Path, description = "The organisation's id"),
        ("definition" = String, Path, description = "The definition's id"), PageQuery),
    responses((status = 200, body = Page<ListedVersionView>), Refusal))]
pub(in crate::portal) async fn list(
    _: Allowed<DefinitionsRead>,
    extract::State(portal): State,
    Path((organisation, id)): Ids,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<ListedVersionView>>, ApiError> {
    let below = query.after(|cursor| cursor.parse::<u32>().ok())?;
    let limit = query.limit()?;
    let mut versions = portal
        .store
        .definition_versions(organisation, id, below, limit + 1)
        .await?;
    let more = versions.len() > limit as usize;
    versions.truncate(limit as usize);
    let last = versions.last().map(|last| last.definition.version);
    let next = last.filter(|_| more).map(|version| version.to_string());
    let items = versions.into_iter().map(ListedVersionView::from).collect();
    Ok(Json(Page { items, next }))
}

/// Shows a version of a definition.
#[utoipa::path(get,
    path = "/organisations/{organisation}/definitions/{definition}/versions/{version}",
    tag = "definitions", operation_id = "show_definition_version",
    params(("organisation" = String, Path, description = "The organisation's id"),
        ("definition" = String, Path, description = "The definition's id"),
        ("version" = u32, Path, description = "The version")),
    responses((status = 200, body = VersionView), Refusal))]
pub(in crate::portal) async fn show(
    _: Allowed<DefinitionsRead>,
    extract::State(portal): State,
    Path((organisation, id, version)): VersionIds,
) -> Result<Json<VersionView>, ApiError> {
    let store = &portal.store;
    let found = store.definition_version(organisation, id, version).await?;
    Ok(Json(found.into()))
}

/// Asks reviewers to release a version for everyone.
#[utoipa::path(post,
    path = "/organisations/{organisation}/definitions/{definition}/versions/{version}/submit",
    tag = "definitions", operation_id = "submit_definition",
    params(("organisation" = String, Path, description = "The organisation's id"),
        ("definition" = String, Path, description = "The definition's id"),
        ("version" = u32, Path, description = "The version")),
    responses((status = 200, body = VersionView), Refusal))]
pub(in crate::portal) async fn submit(
    allowed: Allowed<DefinitionsWrite>,
    extract::State(portal): State,
    Path((organisation, id, version)): VersionIds,
) -> Result<Json<VersionView>, ApiError> {
    let (store, by) = (&portal.store, allowed.caller());
    let record = store.definition_version(organisation, id, version).await?;
    let by = portal.telling_of_review(&record, ReviewStep::Submitted, "", &[], &by);
    let by = by.await?;
    let submitted = store.submit_definition(organisation, id, version, &by);
    Ok(Json(submitted.await?.into()))
}

/// Takes a submission back, before a reviewer has decided.
#[utoipa::path(post,
    path = "/organisations/{organisation}/definitions/{definition}/versions/{version}/withdraw",
    tag = "definitions", operation_id = "withdraw_definition",
    params(("organisation" = String, Path, description = "The organisation's id"),
        ("definition" = String, Path, description = "The definition's id"),
        ("version" = u32, Path, description = "The version")),
    responses((status = 200, body = VersionView), Refusal))]
pub(in crate::portal) async fn withdraw(
    allowed: Allowed<DefinitionsWrite>,
    extract::State(portal): State,
    Path((organisation, id, version)): VersionIds,
) -> Result<Json<VersionView>, ApiError> {
    let (store, by) = (&portal.store, allowed.caller());
    let record = store.definition_version(organisation, id, version).await?;
    let by = portal.telling_of_review(&record, ReviewStep::Withdrawn, "", &[], &by);
    let by = by.await?;
    let withdrawn = store.withdraw_definition(organisation, id, version, &by);
    Ok(Json(withdrawn.await?.into()))
}
