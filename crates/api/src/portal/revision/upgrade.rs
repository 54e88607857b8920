//! From one version of a definition to another.

use std::sync::Arc;

use axum::Json;
use axum::extract;
use model::definition::Definition;
use model::sync::Settings;
use model::{OrganisationId, ProjectId, SyncId};
use pipeline::difference::{DefinitionDifference, Difference, definitions};
use serde::{Deserialize, Serialize};
use store::{Caller, Revision, SyncDraft, SyncRecord};
use utoipa::{IntoParams, ToSchema};

use super::kept::{Connected, to_enter_again};
use super::traffic::{Side, Sight, wanted_events};
use crate::auth::Allowed;
use crate::auth::permission::{SyncsRead, SyncsWrite};
use crate::portal::draft::{SyncInput, merge};
use crate::portal::extract::{Body, IfMatch, Path, Query};
use crate::portal::openapi::Refusal;
use crate::portal::problem::{FieldProblem, pointer};
use crate::portal::sync::{Ids, Tagged};
use crate::portal::view::SyncView;
use crate::portal::{ApiError, Portal, State};

/// Which upgrade.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::portal) struct UpgradeQuery {
    /// The version of the destination; absent: the one that the catalog shows.
    to: Option<u32>,
    /// How many of the project's newest events are rendered by both versions.
    #[param(minimum = 0, maximum = 10_000, default = 1_000)]
    events: Option<usize>,
}

/// What an upgrade would bring.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::portal) struct UpgradeView {
    /// The version of the destination that the sync connects.
    from: u32,
    /// The version that it would connect.
    to: u32,
    /// How the two differ.
    definition: DefinitionDifference,
    /// What has to be filled in before the sync can deliver.
    missing: Vec<FieldProblem>,
    /// Secrets that have to be entered again: the new version may send them to another place, or puts
    /// them into the address.
    secrets_needed: Vec<FieldProblem>,
    /// Settings that the new version has no use for: they go.
    dropped: Vec<String>,
    /// What the upgrade means for the project's newest events, with stand-ins for what is missing; null
    /// where something else keeps them from being rendered. Placeholders stand for secrets.
    traffic: Option<Difference>,
}

/// An upgrade.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::portal) struct UpgradeInput {
    /// The version of the destination.
    to: u32,
    /// What is filled in at the same time.
    #[serde(default)]
    changes: SyncInput,
}

/// Shows what an upgrade to another version of its destination would bring a sync: nothing is changed.
#[utoipa::path(get, path = "/projects/{project}/syncs/{sync}/upgrade", tag = "syncs",
    operation_id = "show_sync_upgrade",
    params(("project" = String, Path, description = "The project's id"),
        ("sync" = String, Path, description = "The sync's id"), UpgradeQuery),
    responses((status = 200, body = UpgradeView), Refusal))]
pub(in crate::portal) async fn show(
    allowed: Allowed<SyncsRead>,
    extract::State(portal): State,
    Path((project, id)): Ids,
    Query(query): Query<UpgradeQuery>,
) -> Result<Json<UpgradeView>, ApiError> {
    let events = wanted_events(query.events).map_err(|message| ApiError::Query {
        message: format!("events: {message}"),
    })?;
    let present = portal.store.sync(project, id).await?;
    let organisation = allowed.organisation;
    let to = match query.to {
        Some(to) => to,
        None => {
            let tile = portal.store.tile(organisation, present.sync.definition);
            tile.await?.definition.version
        }
    };
    let upgraded = portal.upgraded(organisation, &present, to, SyncInput::default());
    let upgraded = upgraded.await.map_err(in_query)?;
    let (before, after) = upgraded.sides(&present);
    let seen = (events, Sight::of(allowed.permissions));
    let traffic = portal.compare_if_possible(project, &before, &after, seen);
    let traffic = traffic.await?;
    Ok(Json(portal.upgrade_view(&present, upgraded, traffic)))
}

/// Has a sync connect a later version of its destination, with what that needs filled in: in one step
/// or not at all. A running sync goes on without losing its place. To go back, restore the version
/// before.
#[utoipa::path(post, path = "/projects/{project}/syncs/{sync}/upgrade", tag = "syncs",
    operation_id = "upgrade_sync",
    params(("project" = String, Path, description = "The project's id"),
        ("sync" = String, Path, description = "The sync's id"),
        ("if-match" = String, Header, description = "The `ETag` of the sync as it was seen, or `*`")),
    request_body = UpgradeInput,
    responses((status = 200, body = SyncView, headers(("etag" = String))), Refusal))]
pub(in crate::portal) async fn upgrade(
    allowed: Allowed<SyncsWrite>,
    extract::State(portal): State,
    Path((project, id)): Ids,
    if_match: IfMatch,
    Body(input): Body<UpgradeInput>,
) -> Result<Tagged, ApiError> {
    let present = portal.store.sync(project, id).await?;
    if_match.demand(present.version)?;
    let (to, organisation) = (input.to, allowed.organisation);
    let upgraded = portal.upgraded(organisation, &present, to, input.changes);
    let upgraded = upgraded.await?;
    portal.demand_ready(&present, &upgraded)?;
    let (draft, revision) = (upgraded.draft, Revision::Upgrade { to });
    let revised = portal.revise(&present, draft, revision, allowed.caller());
    portal.tagged(&revised.await?).await
}

/// Problems of a sync's fields where the request has these in `changes`.
fn in_changes(problems: Vec<FieldProblem>) -> Vec<FieldProblem> {
    let problems = problems.into_iter().map(|problem| FieldProblem {
        // What is wrong with the definition is nowhere in the request.
        pointer: match problem.pointer.starts_with("/definition/") {
            true => problem.pointer,
            false => format!("/changes{}", problem.pointer),
        },
        ..problem
    });
    problems.collect()
}

/// A version that can't be upgraded to, where a query names it.
fn in_query(error: ApiError) -> ApiError {
    match error {
        ApiError::Invalid(problems) => ApiError::Query {
            message: problems
                .into_iter()
                .next()
                .map(|first| format!("to: {}", first.message))
                .unwrap_or_default(),
        },
        other => other,
    }
}

/// A sync as an upgrade would make it.
pub(in crate::portal) struct Upgraded {
    before: Arc<Definition>,
    after: Arc<Definition>,
    draft: SyncDraft,
    /// Where the secrets are that stay.
    kept: Vec<String>,
    secrets_needed: Vec<FieldProblem>,
    dropped: Vec<String>,
}

impl Upgraded {
    /// The sync before and after, to be compared.
    pub(super) fn sides(&self, present: &SyncRecord) -> (Side, Side) {
        let before = Side::of(present, &self.before);
        let after = before.with(&self.draft, &self.after, &self.kept);
        (before, after)
    }
}

impl Portal {
    /// What becomes of a sync by an upgrade, with changes that are made at the same time.
    pub(super) async fn upgraded(
        &self,
        organisation: OrganisationId,
        present: &SyncRecord,
        to: u32,
        changes: SyncInput,
    ) -> Result<Upgraded, ApiError> {
        let before = self.definition(&present.sync).await?;
        let after = self.later(organisation, &before, to).await?;
        carried(present, before, after, changes)
    }

    /// A later version of what a sync connects.
    pub(in crate::portal) async fn later(
        &self,
        organisation: OrganisationId,
        before: &Definition,
        to: u32,
    ) -> Result<Arc<Definition>, ApiError> {
        demand_later(before, to)?;
        let after = self.store.usable_definition(organisation, before.id, to);
        after.await.map_err(|error| match error {
            store::Error::NoDefinition(_) | store::Error::NoVersion { .. } => {
                ApiError::field("/to", "there is no such version of the destination")
            }
            other => other.into(),
        })
    }

    /// Refuses an upgrade that needs secrets, or of a running sync that couldn't deliver by it.
    pub(in crate::portal) fn demand_ready(
        &self,
        present: &SyncRecord,
        upgraded: &Upgraded,
    ) -> Result<(), ApiError> {
        if !upgraded.secrets_needed.is_empty() {
            let needed = upgraded.secrets_needed.clone();
            return Err(ApiError::SecretsNeeded(in_changes(needed)));
        }
        let missing = match upgraded.draft.enabled {
            true => self.missing_after(present, upgraded),
            false => Vec::new(),
        };
        match missing.is_empty() {
            true => Ok(()),
            false => Err(ApiError::NotReady(in_changes(missing))),
        }
    }

    /// What an upgrade would bring; `traffic` is what it means for events.
    pub(in crate::portal) fn upgrade_view(
        &self,
        present: &SyncRecord,
        upgraded: Upgraded,
        traffic: Option<Difference>,
    ) -> UpgradeView {
        UpgradeView {
            from: upgraded.before.version,
            to: upgraded.after.version,
            definition: definitions(&upgraded.before, &upgraded.after),
            missing: self.missing_after(present, &upgraded),
            secrets_needed: upgraded.secrets_needed,
            dropped: upgraded.dropped,
            traffic,
        }
    }

    fn missing_after(&self, present: &SyncRecord, upgraded: &Upgraded) -> Vec<FieldProblem> {
        let (id, project) = (present.sync.id, present.sync.project);
        self.missing(id, project, &upgraded.after, &upgraded.draft)
    }

    /// Makes a sync's next version, then has its lane follow.
    pub(super) async fn revise(
        self: &Arc<Self>,
        present: &SyncRecord,
        draft: SyncDraft,
        revision: Revision,
        by: Caller,
    ) -> Result<SyncRecord, ApiError> {
        let (whole, version) = (self.clone(), present.version);
        let (project, id): (ProjectId, SyncId) = (present.sync.project, present.sync.id);
        self.run(async move {
            let store = &whole.store;
            let revised = store.revise_sync(project, id, version, draft, revision, &by);
            let revised = revised.await?;
            whole.reconcile(id).await?;
            Ok(revised)
        })
        .await
    }
}

/// Refuses what is no upgrade.
pub(in crate::portal) fn demand_later(before: &Definition, to: u32) -> Result<(), ApiError> {
    if to > before.version {
        return Ok(());
    }
    let message = format!(
        "the sync connects version {}: only a later one is an upgrade",
        before.version
    );
    Err(ApiError::field("/to", message))
}

/// A sync as it becomes by another version of what it connects, with changes that are made at the same time.
pub(in crate::portal) fn carried(
    present: &SyncRecord,
    before: Arc<Definition>,
    after: Arc<Definition>,
    changes: SyncInput,
) -> Result<Upgraded, ApiError> {
    let (draft, dropped) = carried_over(present, &after);
    let (draft, kept) = merge(changes, draft, &after).map_err(|error| match error {
        ApiError::Invalid(problems) => ApiError::Invalid(in_changes(problems)),
        other => other,
    })?;
    let was = Connected {
        settings: &present.sync.settings,
        definition: &before,
    };
    let is = Connected {
        settings: &draft.settings,
        definition: &after,
    };
    let secrets_needed = to_enter_again(was, is, kept.clone());
    Ok(Upgraded {
        before,
        after,
        draft,
        kept,
        secrets_needed,
        dropped,
    })
}

/// What of a sync's settings another version of its definition takes, and pointers to what it doesn't.
fn carried_over(present: &SyncRecord, after: &Definition) -> (SyncDraft, Vec<String>) {
    let mut draft = present.draft();
    let mut dropped = Vec::new();
    let Settings {
        parameters,
        mappings,
        mapping_kinds,
        ..
    } = &mut draft.settings;
    let declared = |name: &String| after.parameters.iter().any(|each| each.name == *name);
    let mapped = |name: &String| after.mappings.iter().any(|each| each.name == *name);
    let is_kind = |name: &String, kind: &String| {
        let mut mappings = after.mappings.iter();
        mappings.any(|each| each.name == *name && each.kinds.contains(kind))
    };
    let mut keep = |section: &str, name: &String, keeps: bool| {
        if !keeps {
            dropped.push(pointer(&format!("/{section}"), name));
        }
        keeps
    };
    parameters.retain(|name, _| keep("parameters", name, declared(name)));
    mappings.retain(|name, _| keep("mappings", name, mapped(name)));
    mapping_kinds.retain(|name, kind| keep("mapping_kinds", name, is_kind(name, kind)));
    let secret = &mut draft.secret.parameters;
    secret.retain(|name| draft.settings.parameters.contains_key(name));
    // What was secret stays so, whatever the new version says.
    let declared = after.parameters.iter().filter(|each| each.is_secret());
    let given = declared.filter(|each| draft.settings.parameters.contains_key(&each.name));
    secret.extend(given.map(|each| each.name.clone()));
    (draft, dropped)
}
