//! The syncs of a project.

use std::sync::Arc;

use axum::Json;
use axum::extract;
use axum::http::{HeaderName, StatusCode, header};
use model::definition::Definition;
use model::sync::Sync;
use model::{OrganisationId, ProjectId, SyncId};
use serde::Deserialize;
use store::{Caller, DeletedSync, Listing, SyncDraft, SyncRecord};
use utoipa::IntoParams;

use super::draft::{self, DefinitionChoice, SyncInput};
use super::extract::{Body, Creation, IfMatch, Path, Query, etag};
use super::openapi::Refusal;
use super::page::{Page, PageQuery};
use super::view::SyncView;
use super::{ApiError, DroppedLane, FieldProblem, Portal, State};
use crate::auth::Allowed;
use crate::auth::permission::{SyncsRead, SyncsWrite};

/// A sync with its version as `ETag`.
pub(super) type Tagged = ([(HeaderName, String); 1], Json<SyncView>);

/// A sync that was made, with its version and where it is.
pub(super) type Created = (StatusCode, [(HeaderName, String); 2], Json<SyncView>);

/// The ids in the path of a sync.
pub(super) type Ids = Path<(ProjectId, SyncId)>;

/// How to delete a sync.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct DeleteSync {
    /// How many deliveries that the sync still owes may be dropped at most. Without it nothing is
    /// deleted while there are any: the answer says how many.
    confirm: Option<u64>,
}

/// Lists a project's syncs, oldest first.
#[utoipa::path(get, path = "/projects/{project}/syncs", tag = "syncs",
    operation_id = "list_syncs",
    params(("project" = String, Path, description = "The project's id"), PageQuery),
    responses((status = 200, body = Page<SyncView>), Refusal))]
pub(super) async fn list(
    _: Allowed<SyncsRead>,
    extract::State(portal): State,
    Path(project): Path<ProjectId>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<SyncView>>, ApiError> {
    let after = query.after(|cursor| cursor.parse().ok())?;
    portal.store.project(project).await?;
    let page = portal
        .store
        .syncs(project, after.as_ref(), query.limit()?)
        .await?;
    let mut items = Vec::with_capacity(page.items.len());
    for record in &page.items {
        items.push(SyncView::new(
            record,
            &*portal.definition(&record.sync).await?,
        ));
    }
    let next = page.next.map(|cursor| cursor.to_string());
    Ok(Json(Page { items, next }))
}

/// Makes a sync of a destination from the catalog: disabled, unless `enabled` says otherwise; it starts behind the project's
/// newest event.
#[utoipa::path(post, path = "/projects/{project}/syncs", tag = "syncs",
    operation_id = "create_sync",
    params(("project" = String, Path, description = "The project's id"),
        ("idempotency-key" = Option<String>, Header, description = "Makes a repeated request safe")),
    request_body = SyncInput,
    responses((status = 201, body = SyncView, headers(("etag" = String), ("location" = String))),
        Refusal))]
pub(super) async fn create(
    allowed: Allowed<SyncsWrite>,
    extract::State(portal): State,
    Path(project): Path<ProjectId>,
    creation: Creation<SyncInput>,
) -> Result<Created, ApiError> {
    let (mut input, by) = creation.once(allowed.caller());
    let definition = match input.take_definition() {
        Some(chosen) => portal.connectable(allowed.organisation, chosen).await?,
        None => portal.store.webhook(),
    };
    let draft = draft::apply(input, draft::blank(), &definition)?;
    if draft.enabled {
        // The id doesn't matter to the check.
        portal.check(SyncId::from_bytes([0; 16]), project, &definition, &draft)?;
    }
    let whole = portal.clone();
    let connects = (definition.id, definition.version);
    let record = portal
        .run(async move {
            let record = whole
                .store
                .create_sync(project, connects, draft, &by)
                .await?;
            whole.reconcile(record.sync.id).await?;
            Ok(record)
        })
        .await?;
    portal.created(&record).await
}

/// Shows a sync. Secret values are null.
#[utoipa::path(get, path = "/projects/{project}/syncs/{sync}", tag = "syncs",
    operation_id = "show_sync",
    params(("project" = String, Path, description = "The project's id"),
        ("sync" = String, Path, description = "The sync's id")),
    responses((status = 200, body = SyncView, headers(("etag" = String))), Refusal))]
pub(super) async fn show(
    _: Allowed<SyncsRead>,
    extract::State(portal): State,
    Path((project, id)): Ids,
) -> Result<Tagged, ApiError> {
    let record = portal.store.sync(project, id).await?;
    portal.tagged(&record).await
}

/// Changes a sync; what is absent stays, lists and objects are replaced whole. A running sync goes
/// on with the new settings without losing its place; it is refused what would stop it. Where scheme,
/// host or port of the URL change, secrets that stay have to be given again (`secrets_needed`).
#[utoipa::path(patch, path = "/projects/{project}/syncs/{sync}", tag = "syncs",
    operation_id = "change_sync",
    params(("project" = String, Path, description = "The project's id"),
        ("sync" = String, Path, description = "The sync's id"),
        ("if-match" = String, Header, description = "The `ETag` that the change was made from, or `*`")),
    request_body = SyncInput,
    responses((status = 200, body = SyncView, headers(("etag" = String))), Refusal))]
pub(super) async fn change(
    allowed: Allowed<SyncsWrite>,
    extract::State(portal): State,
    Path((project, id)): Ids,
    if_match: IfMatch,
    Body(input): Body<SyncInput>,
) -> Result<Tagged, ApiError> {
    let by = allowed.caller();
    portal.update(project, id, Some(if_match), input, by).await
}

/// Enables a sync: it delivers from where it stands. Refused with all that is missing.
#[utoipa::path(post, path = "/projects/{project}/syncs/{sync}/enable", tag = "syncs",
    operation_id = "enable_sync",
    params(("project" = String, Path, description = "The project's id"),
        ("sync" = String, Path, description = "The sync's id"),
        ("if-match" = Option<String>, Header, description = "The `ETag` of the sync as it was seen")),
    responses((status = 200, body = SyncView, headers(("etag" = String))), Refusal))]
pub(super) async fn enable(
    allowed: Allowed<SyncsWrite>,
    extract::State(portal): State,
    Path((project, id)): Ids,
    if_match: Option<IfMatch>,
) -> Result<Tagged, ApiError> {
    let by = allowed.caller();
    portal.switch(project, id, if_match, true, by).await
}

/// Disables a sync: it pauses, and keeps its place and its pending retries.
#[utoipa::path(post, path = "/projects/{project}/syncs/{sync}/disable", tag = "syncs",
    operation_id = "disable_sync",
    params(("project" = String, Path, description = "The project's id"),
        ("sync" = String, Path, description = "The sync's id"),
        ("if-match" = Option<String>, Header, description = "The `ETag` of the sync as it was seen")),
    responses((status = 200, body = SyncView, headers(("etag" = String))), Refusal))]
pub(super) async fn disable(
    allowed: Allowed<SyncsWrite>,
    extract::State(portal): State,
    Path((project, id)): Ids,
    if_match: Option<IfMatch>,
) -> Result<Tagged, ApiError> {
    let by = allowed.caller();
    portal.switch(project, id, if_match, false, by).await
}

/// Deletes a sync with all that it still owes; says what it dropped. Needs a confirmation while
/// that is anything.
#[utoipa::path(delete, path = "/projects/{project}/syncs/{sync}", tag = "syncs",
    operation_id = "delete_sync",
    params(("project" = String, Path, description = "The project's id"),
        ("sync" = String, Path, description = "The sync's id"), DeleteSync,
        ("if-match" = Option<String>, Header, description = "The `ETag` that it must still have")),
    responses((status = 200, body = DroppedLane), Refusal))]
pub(super) async fn delete(
    allowed: Allowed<SyncsWrite>,
    extract::State(portal): State,
    Path((project, id)): Ids,
    Query(how): Query<DeleteSync>,
    if_match: Option<IfMatch>,
) -> Result<Json<DroppedLane>, ApiError> {
    let record = portal.store.sync(project, id).await?;
    let version = IfMatch::against_maybe(if_match, record.version)?;
    let status = portal.lanes.status(id).await?;
    let stats = status.stats.unwrap_or_default();
    let would_drop = DroppedLane::from(&stats);
    if would_drop.owed() > how.confirm.unwrap_or(0) {
        return Err(ApiError::ConfirmationNeeded(would_drop));
    }
    let (whole, by) = (portal.clone(), allowed.caller());
    let dropped = portal
        .run(async move {
            whole.close_incidents_of(project, id, stats).await?;
            whole.store.delete_sync(project, id, version, &by).await?;
            whole.remove(DeletedSync { id }).await
        })
        .await?;
    Ok(Json(dropped))
}

impl Portal {
    /// The version of a definition that a new sync of the organisation may connect.
    pub(super) async fn connectable(
        &self,
        organisation: OrganisationId,
        chosen: DefinitionChoice,
    ) -> Result<Arc<Definition>, ApiError> {
        let refused = |error| match error {
            store::Error::NoDefinition(_) | store::Error::NoVersion { .. } => {
                ApiError::field("/definition", "there is no such destination in the catalog")
            }
            other => other.into(),
        };
        let tile = self.store.tile(organisation, chosen.id).await;
        let tile = tile.map_err(refused)?;
        if tile.listing != Listing::Listed {
            let message = "the destination takes no new syncs";
            return Err(ApiError::field("/definition", message));
        }
        let version = chosen.version.unwrap_or(tile.definition.version);
        let usable = self
            .store
            .usable_definition(organisation, chosen.id, version);
        usable.await.map_err(refused)
    }

    /// The answer to making a sync.
    pub(super) async fn created(&self, record: &SyncRecord) -> Result<Created, ApiError> {
        let sync = &record.sync;
        let location = format!(
            "{}/projects/{}/syncs/{}",
            super::ROOT,
            sync.project,
            sync.id
        );
        let headers = [
            (header::ETAG, etag(record.version)),
            (header::LOCATION, location),
        ];
        // One that was made before connects what was newest then.
        let connected = self.definition(sync).await?;
        let view = SyncView::new(record, &connected);
        Ok((StatusCode::CREATED, headers, Json(view)))
    }

    pub(super) async fn tagged(&self, record: &SyncRecord) -> Result<Tagged, ApiError> {
        let definition = self.definition(&record.sync).await?;
        let tag = [(header::ETAG, etag(record.version))];
        Ok((tag, Json(SyncView::new(record, &definition))))
    }

    /// Enables or disables a sync; does nothing when it already is.
    pub(super) async fn switch(
        self: &Arc<Self>,
        project: ProjectId,
        id: SyncId,
        if_match: Option<IfMatch>,
        enabled: bool,
        by: Caller,
    ) -> Result<Tagged, ApiError> {
        let record = self.store.sync(project, id).await?;
        if let Some(if_match) = if_match {
            if_match.demand(record.version)?;
        }
        if record.sync.enabled == enabled {
            return self.tagged(&record).await;
        }
        let input = SyncInput::switch(enabled);
        self.update(project, id, if_match, input, by).await
    }

    /// Applies a client's input to a sync, then to its lane.
    async fn update(
        self: &Arc<Self>,
        project: ProjectId,
        id: SyncId,
        if_match: Option<IfMatch>,
        input: SyncInput,
        by: Caller,
    ) -> Result<Tagged, ApiError> {
        let record = self.store.sync(project, id).await?;
        if let Some(if_match) = if_match {
            if_match.demand(record.version)?;
        }
        let definition = self.definition(&record.sync).await?;
        let draft = draft::apply(input, record.draft(), &definition)?;
        if draft.enabled {
            self.check(id, project, &definition, &draft)?;
        }
        let (whole, version) = (self.clone(), record.version);
        let changed = self
            .run(async move {
                let store = &whole.store;
                let changed = store.change_sync(project, id, version, draft, &by).await?;
                whole.reconcile(id).await?;
                Ok(changed)
            })
            .await?;
        self.tagged(&changed).await
    }

    /// Refuses a sync that could not deliver as it is.
    pub(super) fn check(
        &self,
        id: SyncId,
        project: ProjectId,
        definition: &Definition,
        draft: &SyncDraft,
    ) -> Result<(), ApiError> {
        let problems = self.missing(id, project, definition, draft);
        match problems.is_empty() {
            true => Ok(()),
            false => Err(ApiError::NotReady(problems)),
        }
    }

    /// What keeps a sync from delivering as it is.
    pub(super) fn missing(
        &self,
        id: SyncId,
        project: ProjectId,
        definition: &Definition,
        draft: &SyncDraft,
    ) -> Vec<FieldProblem> {
        let sync = Sync {
            id,
            project,
            definition: definition.id,
            definition_version: definition.version,
            name: draft.name.clone(),
            enabled: draft.enabled,
            settings: draft.settings.clone(),
        };
        let problems = self.lanes.check(&sync, definition).into_iter();
        let problems = problems.map(|problem| draft::as_input(problem, definition));
        problems.collect()
    }
}
