//! The versions of a sync.

use axum::Json;
use axum::extract;
use model::definition::Definition;
use model::{ProjectId, SyncId};
use serde::Serialize;
use store::{SyncDraft, SyncRecord, SyncVersion};
use utoipa::ToSchema;

use crate::auth::Allowed;
use crate::auth::permission::SyncsRead;
use crate::portal::draft::{URL, has_own_url};
use crate::portal::extract::{Path, Query};
use crate::portal::openapi::Refusal;
use crate::portal::page::{Page, PageQuery};
use crate::portal::sync::Ids;
use crate::portal::view::{SyncView, rfc3339};
use crate::portal::{ApiError, State};

/// The ids in the path of a sync's version.
pub(super) type VersionIds = Path<(ProjectId, SyncId, u64)>;

/// A version of a sync, in short.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::portal) struct SyncVersionView {
    /// Counts from 1 with each change.
    version: u64,
    /// The version of the destination that it connects.
    definition_version: u32,
    /// Who made it: an e-mail address or a token's name, as it was then; null: not known.
    by: Option<String>,
    /// When it was made.
    #[schema(format = DateTime)]
    at: String,
    /// What differs from the version before: JSON pointers into the sync; at most 50.
    changed: Vec<String>,
}

impl SyncVersionView {
    fn new(version: SyncVersion, definition: &Definition) -> Self {
        let own_url = has_own_url(definition);
        let as_shown = |pointer: String| match own_url && pointer == format!("/parameters/{URL}") {
            true => format!("/{URL}"),
            false => pointer,
        };
        Self {
            version: version.version,
            definition_version: version.definition_version,
            by: version.by,
            at: rfc3339(version.at),
            changed: version.changed.into_iter().map(as_shown).collect(),
        }
    }
}

/// Lists the versions of a sync, newest first: each change made one. The newest 200 are kept.
#[utoipa::path(get, path = "/projects/{project}/syncs/{sync}/versions", tag = "syncs",
    operation_id = "list_sync_versions",
    params(("project" = String, Path, description = "The project's id"),
        ("sync" = String, Path, description = "The sync's id"), PageQuery),
    responses((status = 200, body = Page<SyncVersionView>), Refusal))]
pub(in crate::portal) async fn list(
    _: Allowed<SyncsRead>,
    extract::State(portal): State,
    Path((project, id)): Ids,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<SyncVersionView>>, ApiError> {
    let below = query.after(|cursor| cursor.parse::<u64>().ok())?;
    let limit = query.limit()?;
    let record = portal.store.sync(project, id).await?;
    let definition = portal.definition(&record.sync).await?;
    let versions = portal.store.sync_versions(project, id, below, limit + 1);
    let mut versions = versions.await?;
    let more = versions.len() > limit as usize;
    versions.truncate(limit as usize);
    let last = versions.last().filter(|_| more);
    let next = last.map(|last| last.version.to_string());
    let items = versions.into_iter();
    let items = items.map(|version| SyncVersionView::new(version, &definition));
    Ok(Json(Page {
        items: items.collect(),
        next,
    }))
}

/// Shows a sync as it was at one of its versions. Values that are secret, then or now, are null.
#[utoipa::path(get, path = "/projects/{project}/syncs/{sync}/versions/{version}", tag = "syncs",
    operation_id = "show_sync_version",
    params(("project" = String, Path, description = "The project's id"),
        ("sync" = String, Path, description = "The sync's id"),
        ("version" = u64, Path, description = "The version")),
    responses((status = 200, body = SyncView), Refusal))]
pub(in crate::portal) async fn show(
    _: Allowed<SyncsRead>,
    extract::State(portal): State,
    Path((project, id, version)): VersionIds,
) -> Result<Json<SyncView>, ApiError> {
    let present = portal.store.sync(project, id).await?;
    let mut former = portal.store.sync_version(project, id, version).await?;
    former.secret = hidden(&former.draft(), &present).secret;
    let definition = portal.definition(&former.sync).await?;
    Ok(Json(SyncView::new(&former, &definition)))
}

/// The same, where what is secret now stays so: somebody may have hidden a value that was shown before.
pub(super) fn hidden(former: &SyncDraft, present: &SyncRecord) -> SyncDraft {
    let mut draft = former.clone();
    let now = &present.secret;
    let is_hidden = |name: &str| {
        let mut names = now.headers.iter();
        names.any(|hidden| hidden.eq_ignore_ascii_case(name))
    };
    let headers = draft.settings.headers.iter().map(|header| &header.name);
    let headers = headers.filter(|name| is_hidden(name)).cloned();
    draft.secret.headers.extend(headers);
    let parameters = draft.settings.parameters.keys();
    let parameters = parameters.filter(|name| now.parameters.contains(*name));
    draft.secret.parameters.extend(parameters.cloned());
    draft
}
