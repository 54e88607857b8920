//! What a definition or a sync would send: as requests, as commands for a shell, and, to test the
//! connection, sent once.

pub(super) mod connection;
mod courier;
pub(super) mod example;
mod given;
mod judged;
pub(super) mod lint;
mod received;
mod sample;
pub(super) mod stand_in;
mod subject;
mod view;

use axum::Json;
use axum::extract;
use model::json;
use model::{DefinitionId, ProjectId, SyncId};
use serde::Deserialize;
use utoipa::ToSchema;

use super::definition::Ids;
use super::draft::SyncInput;
use super::extract::Path;
use super::openapi::Refusal;
use super::turns::Whose;
use super::{ApiError, Portal, State};
use crate::auth::permission::{DefinitionsRead, ReviewsWrite, SyncsRead};
use crate::auth::{Allowed, Installed};
use given::{Events, Exact, Given, take_event};
use judged::AnswerInput;
use subject::Subject;
use view::PreviewView;

pub use courier::{Courier, Reply, Timing, Trial};

/// What to preview a definition with.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PreviewInput {
    /// Which version; absent: the draft.
    version: Option<u32>,
    /// What users would fill in, as for a sync. Required values that are absent get stand-ins.
    settings: Option<SyncInput>,
    /// The event as it is streamed, which templates see as `input`. Absent: a sample that has all
    /// common fields.
    #[schema(value_type = Option<Object>)]
    event: Option<Given>,
    /// What the destination might answer, to see what that means.
    answer: Option<AnswerInput>,
    /// Whether secret values that were just given are shown.
    #[serde(default)]
    secrets: SecretsShown,
}

/// What to preview a version under review with.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReviewPreviewInput {
    /// What users would fill in, as for a sync. Required values that are absent get stand-ins.
    settings: Option<SyncInput>,
    /// The event as it is streamed, which templates see as `input`. Absent: a sample that has all
    /// common fields.
    #[schema(value_type = Option<Object>)]
    event: Option<Given>,
    /// What the destination might answer, to see what that means.
    answer: Option<AnswerInput>,
    /// Whether secret values that were just given are shown.
    #[serde(default)]
    secrets: SecretsShown,
}

/// What to preview a sync with.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SyncPreviewInput {
    /// Changes that are not saved, as `PATCH` takes them.
    changes: Option<SyncInput>,
    /// The event as it is streamed, which templates see as `input`. Absent: a sample that has all
    /// common fields.
    #[schema(value_type = Option<Object>)]
    event: Option<Given>,
    /// What the destination might answer, to see what that means.
    answer: Option<AnswerInput>,
    /// Whether secret values among the changes are shown. Stored ones never are.
    #[serde(default)]
    secrets: SecretsShown,
}

/// How secrets are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum SecretsShown {
    /// Masked in requests, environment variables in commands.
    #[default]
    Masked,
    /// As they are.
    Inline,
}

impl Events for PreviewInput {
    fn take_exact(&mut self, body: &json::Value<'_>) {
        take_event(&mut self.event, body);
    }
}

impl Events for ReviewPreviewInput {
    fn take_exact(&mut self, body: &json::Value<'_>) {
        take_event(&mut self.event, body);
    }
}

impl Events for SyncPreviewInput {
    fn take_exact(&mut self, body: &json::Value<'_>) {
        take_event(&mut self.event, body);
    }
}

/// Shows what a definition asks its users, and what would be sent for an event and its user. Secret
/// values are masked, and environment variables in the `curl` commands.
#[utoipa::path(post, path = "/organisations/{organisation}/definitions/{definition}/preview",
    tag = "definitions", operation_id = "preview_definition",
    params(("organisation" = String, Path, description = "The organisation's id"),
        ("definition" = String, Path, description = "The definition's id")),
    request_body = PreviewInput,
    responses((status = 200, body = PreviewView), Refusal))]
pub(super) async fn of_definition(
    _: Allowed<DefinitionsRead>,
    extract::State(portal): State,
    Path((organisation, id)): Ids,
    Exact(input): Exact<PreviewInput>,
) -> Result<Json<PreviewView>, ApiError> {
    let definition = portal.content(organisation, id, input.version).await?;
    let subject = Subject::of_definition(definition, input.settings, input.event, input.secrets)?;
    let subject = subject.answered(input.answer);
    portal.preview(Some(organisation), subject).await
}

/// Shows what a version that was submitted asks its users, and what it would send.
#[utoipa::path(post, path = "/installation/reviews/{definition}/versions/{version}/preview",
    tag = "reviews", operation_id = "preview_review",
    params(("definition" = String, Path, description = "The definition's id"),
        ("version" = u32, Path, description = "The version")),
    request_body = ReviewPreviewInput,
    responses((status = 200, body = PreviewView), Refusal))]
pub(super) async fn of_review(
    _: Installed<ReviewsWrite>,
    extract::State(portal): State,
    Path((id, version)): Path<(DefinitionId, u32)>,
    Exact(input): Exact<ReviewPreviewInput>,
) -> Result<Json<PreviewView>, ApiError> {
    let submitted = portal.store.reviewed_version(id, version).await?;
    let definition = (*submitted.definition).clone();
    let subject = Subject::of_definition(definition, input.settings, input.event, input.secrets)?;
    portal.preview(None, subject.answered(input.answer)).await
}

/// Shows what a sync would send for an event and its user, as it is stored or with changes that are
/// not saved. Stored secrets are never shown: nothing is rendered with them.
#[utoipa::path(post, path = "/projects/{project}/syncs/{sync}/preview", tag = "syncs",
    operation_id = "preview_sync",
    params(("project" = String, Path, description = "The project's id"),
        ("sync" = String, Path, description = "The sync's id")),
    request_body = SyncPreviewInput,
    responses((status = 200, body = PreviewView), Refusal))]
pub(super) async fn of_sync(
    allowed: Allowed<SyncsRead>,
    extract::State(portal): State,
    Path((project, id)): Path<(ProjectId, SyncId)>,
    Exact(input): Exact<SyncPreviewInput>,
) -> Result<Json<PreviewView>, ApiError> {
    let record = portal.store.sync(project, id).await?;
    let definition = portal.definition(&record.sync).await?;
    let subject = Subject::of_sync(
        &record,
        &definition,
        input.changes,
        input.event,
        input.secrets,
    )?;
    let subject = subject.answered(input.answer);
    portal.preview(Some(allowed.organisation), subject).await
}

impl Portal {
    /// What a definition of the organisation says: its draft, or one of its versions.
    async fn content(
        &self,
        organisation: model::OrganisationId,
        id: DefinitionId,
        version: Option<u32>,
    ) -> Result<model::definition::Definition, ApiError> {
        let store = &self.store;
        Ok(match version {
            None => store.definition_record(organisation, id).await?.draft,
            Some(version) => {
                let found = store.definition_version(organisation, id, version).await?;
                (*found.definition).clone()
            }
        })
    }

    async fn preview(&self, whose: Whose, subject: Subject) -> Result<Json<PreviewView>, ApiError> {
        let clock = self.authority.clock.clone();
        let preview = move || Json(subject.preview(&clock));
        self.work(whose, preview).await
    }
}
