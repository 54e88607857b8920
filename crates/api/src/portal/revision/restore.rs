//! Back to a former version of a sync, and what that would mean.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::extract;
use model::definition::Definition;
use model::{ProjectId, SyncId};
use pipeline::difference::{DefinitionDifference, Difference, definitions};
use serde::{Deserialize, Serialize};
use store::{Revision, SyncDraft, SyncRecord};
use utoipa::{IntoParams, ToSchema};

use super::traffic::{Side, Sight, wanted_events};
use super::version::{VersionIds, hidden};
use crate::auth::Allowed;
use crate::auth::permission::{SyncsRead, SyncsWrite};
use crate::portal::extract::{IfMatch, Path, Query};
use crate::portal::openapi::Refusal;
use crate::portal::problem::{FieldProblem, pointer};
use crate::portal::sync::Tagged;
use crate::portal::view::SyncView;
use crate::portal::{ApiError, Portal, State};

/// How to look at a way back.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::portal) struct RestoreQuery {
    /// How many of the project's newest events are rendered before and after it.
    #[param(minimum = 0, maximum = 10_000, default = 1_000)]
    events: Option<usize>,
}

/// What going back would mean.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::portal) struct RestoreView {
    /// The version of the destination that the sync connects.
    from: u32,
    /// The version that it would connect.
    to: u32,
    /// How the two differ.
    definition: DefinitionDifference,
    /// What that version lacks to deliver: while the sync is enabled it is refused.
    missing: Vec<FieldProblem>,
    /// What it means for the project's newest events, with stand-ins for what is missing; null where
    /// something else keeps them from being rendered. Placeholders stand for secrets.
    traffic: Option<Difference>,
}

/// Shows what going back to a version of a sync would mean: nothing is changed.
#[utoipa::path(get, path = "/projects/{project}/syncs/{sync}/versions/{version}/restore",
    tag = "syncs", operation_id = "show_sync_restore",
    params(("project" = String, Path, description = "The project's id"),
        ("sync" = String, Path, description = "The sync's id"),
        ("version" = u64, Path, description = "The version to go back to"), RestoreQuery),
    responses((status = 200, body = RestoreView), Refusal))]
pub(in crate::portal) async fn show(
    allowed: Allowed<SyncsRead>,
    extract::State(portal): State,
    Path((project, id, version)): VersionIds,
    Query(query): Query<RestoreQuery>,
) -> Result<Json<RestoreView>, ApiError> {
    let events = wanted_events(query.events).map_err(|message| ApiError::Query {
        message: format!("events: {message}"),
    })?;
    let way = portal.way_back(project, id, version).await?;
    let before = portal.definition(&way.present.sync).await?;
    let missing = portal.missing(id, project, &way.connected, &way.draft);
    let was = Side::of(&way.present, &before);
    let same = same_secrets(&way.present, &way.draft);
    let is = was.with(&way.draft, &way.connected, &same);
    let seen = (events, Sight::of(allowed.permissions));
    let traffic = portal.compare_if_possible(project, &was, &is, seen);
    let traffic = traffic.await?;
    Ok(Json(RestoreView {
        from: before.version,
        to: way.connected.version,
        definition: definitions(&before, &way.connected),
        missing,
        traffic,
    }))
}

/// Makes a sync again what it was at one of its versions, its secrets and the destination's version
/// included: a new version. Whether it is enabled stays; one that is enabled is refused what would
/// stop it.
#[utoipa::path(post, path = "/projects/{project}/syncs/{sync}/versions/{version}/restore",
    tag = "syncs", operation_id = "restore_sync",
    params(("project" = String, Path, description = "The project's id"),
        ("sync" = String, Path, description = "The sync's id"),
        ("version" = u64, Path, description = "The version to go back to"),
        ("if-match" = String, Header, description = "The `ETag` of the sync as it was seen, or `*`")),
    responses((status = 200, body = SyncView, headers(("etag" = String))), Refusal))]
pub(in crate::portal) async fn restore(
    allowed: Allowed<SyncsWrite>,
    extract::State(portal): State,
    Path((project, id, version)): VersionIds,
    if_match: IfMatch,
) -> Result<Tagged, ApiError> {
    let way = portal.way_back(project, id, version).await?;
    if_match.demand(way.present.version)?;
    if way.draft.enabled {
        portal.check(id, project, &way.connected, &way.draft)?;
    }
    let revision = Revision::Restore {
        version,
        definition: way.connected.version,
    };
    let revised = portal.revise(&way.present, way.draft, revision, allowed.caller());
    portal.tagged(&revised.await?).await
}

/// A sync as it is, and as it would be again.
struct WayBack {
    present: SyncRecord,
    draft: SyncDraft,
    /// The destination that it would connect.
    connected: Arc<Definition>,
}

impl Portal {
    async fn way_back(
        &self,
        project: ProjectId,
        id: SyncId,
        version: u64,
    ) -> Result<WayBack, ApiError> {
        let present = self.store.sync(project, id).await?;
        let former = self.store.sync_version(project, id, version).await?;
        // A version goes back as a whole: its secrets were sent where its settings and its definition
        // say, and to no other place.
        let connected = self.definition(&former.sync).await?;
        let draft = SyncDraft {
            enabled: present.sync.enabled,
            ..hidden(&former.draft(), &present)
        };
        Ok(WayBack {
            present,
            draft,
            connected,
        })
    }
}

/// Where the secrets are whose values stay. That others don't is no news: versions say what they
/// changed.
fn same_secrets(present: &SyncRecord, draft: &SyncDraft) -> Vec<String> {
    let (was, is) = (&present.sync.settings, &draft.settings);
    let values: BTreeSet<_> = was.parameters.iter().collect();
    let parameters = is.parameters.iter().filter(|value| values.contains(value));
    let parameters = parameters.map(|(name, _)| pointer("/parameters", name));
    let headers = is.headers.iter().enumerate();
    let headers = headers.filter(|(_, header)| was.headers.contains(header));
    let headers = headers.map(|(position, _)| pointer("/headers", position));
    let places = parameters.chain(headers);
    places.map(|place| format!("{place}/value")).collect()
}
