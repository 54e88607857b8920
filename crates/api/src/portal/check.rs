//! Whether a sync could be made, changed or upgraded, or a project or definition made or changed: what would refuse
//! that refuses here, and nothing is written. So that whoever plans changes knows beforehand.

use std::sync::Arc;

use axum::Json;
use axum::extract;
use axum::http::StatusCode;
use model::{DefinitionId, OrganisationId, ProjectId, SyncId};
use serde::{Deserialize, Serialize};
use store::NameWish;
use utoipa::ToSchema;

use super::definition::DefinitionInput;
use super::draft::{self as sync_draft, SyncInput};
use super::extract::{Body, Path};
use super::openapi::Refusal;
use super::problem::FieldProblem;
use super::project::ProjectInput;
use super::revision::upgrade::{UpgradeView, carried, demand_later};
use super::sync::Ids;
use super::{ApiError, State};
use crate::auth::Allowed;
use crate::auth::permission::{DefinitionsRead, ProjectsRead, SyncsRead};

/// Names that are looked at at once: twice as many as an organisation can have definitions.
const MOST_NAMES: usize = 400;

/// Where the request has a sync that would be made.
const SYNC: &str = "/sync";

/// Where it has changes.
const CHANGES: &str = "/changes";

/// Where it has what is still to be released.
const CONTENT: &str = "/content";

/// A sync that is not made yet.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewSyncCheckInput {
    /// The sync as it would be made.
    sync: SyncInput,
    /// What its destination will say by then, where that is still to be released; absent: the sync chooses one.
    content: Option<DefinitionInput>,
}

/// A change of a sync that is not made yet.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SyncCheckInput {
    /// What would be changed.
    #[serde(default)]
    changes: SyncInput,
    /// The version of the destination that it would be upgraded to with these changes; absent: it stays
    /// with its own.
    to: Option<u32>,
    /// What that version will say, where it is still to be released.
    content: Option<DefinitionInput>,
}

/// Names that drafts are to have.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NamesCheckInput {
    /// In the order in which they would be taken.
    #[schema(max_items = 400)]
    names: Vec<NameWishInput>,
}

/// A name that a draft is to have.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NameWishInput {
    /// Whose draft it is; absent: that of a definition which is still to be made.
    #[schema(value_type = Option<String>)]
    definition: Option<DefinitionId>,
    /// The name.
    display_name: String,
    /// Whether it is released with it: its versions keep their names.
    #[serde(default)]
    released: bool,
}

/// A change that would be taken.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SyncCheckView {
    /// What the upgrade alone would bring, without a look at events; null where there is none.
    upgrade: Option<UpgradeView>,
}

/// Says whether a sync could be made: it refuses what making it would, and makes nothing. Its project may be
/// one that is not there yet.
#[utoipa::path(post, path = "/organisations/{organisation}/sync-check", tag = "syncs",
    operation_id = "check_new_sync",
    params(("organisation" = String, Path, description = "The organisation's id")),
    request_body = NewSyncCheckInput,
    responses((status = 204, description = "It could."), Refusal))]
pub(super) async fn new_sync(
    _: Allowed<SyncsRead>,
    extract::State(portal): State,
    Path(organisation): Path<OrganisationId>,
    Body(mut input): Body<NewSyncCheckInput>,
) -> Result<StatusCode, ApiError> {
    // Neither matters to the check.
    let (project, id) = (ProjectId::from_bytes([0; 16]), SyncId::from_bytes([0; 16]));
    let chosen = input.sync.take_definition();
    let definition = match (input.content, chosen) {
        (Some(content), _) => {
            let definition = content.version(DefinitionId::from_bytes([0; 16]), 1);
            Arc::new(definition.map_err(|error| below(CONTENT, error))?)
        }
        (None, Some(chosen)) => {
            let connectable = portal.connectable(organisation, chosen).await;
            connectable.map_err(|error| below(SYNC, error))?
        }
        (None, None) => portal.store.webhook(),
    };
    let draft = sync_draft::apply(input.sync, sync_draft::blank(), &definition);
    let draft = draft.map_err(|error| below(SYNC, error))?;
    if draft.enabled {
        let checked = portal.check(id, project, &definition, &draft);
        checked.map_err(|error| below(SYNC, error))?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Says whether a sync could be changed or upgraded, with what an upgrade would bring: it refuses what the
/// change would, and changes nothing.
#[utoipa::path(post, path = "/projects/{project}/syncs/{sync}/check", tag = "syncs",
    operation_id = "check_sync",
    params(("project" = String, Path, description = "The project's id"),
        ("sync" = String, Path, description = "The sync's id")),
    request_body = SyncCheckInput,
    responses((status = 200, body = SyncCheckView), Refusal))]
pub(super) async fn change(
    allowed: Allowed<SyncsRead>,
    extract::State(portal): State,
    Path((project, id)): Ids,
    Body(input): Body<SyncCheckInput>,
) -> Result<Json<SyncCheckView>, ApiError> {
    let present = portal.store.sync(project, id).await?;
    let before = portal.definition(&present.sync).await?;
    let Some(to) = input.to else {
        if input.content.is_some() {
            let message = "only an upgrade connects another version: say which (`to`)";
            return Err(ApiError::field(CONTENT, message));
        }
        let draft = sync_draft::apply(input.changes, present.draft(), &before);
        let draft = draft.map_err(|error| below(CHANGES, error))?;
        if draft.enabled {
            let checked = portal.check(id, project, &before, &draft);
            checked.map_err(|error| below(CHANGES, error))?;
        }
        return Ok(Json(SyncCheckView { upgrade: None }));
    };
    let after = match input.content {
        None => portal.later(allowed.organisation, &before, to).await?,
        Some(content) => {
            demand_later(&before, to)?;
            let content = content.version(before.id, to);
            Arc::new(content.map_err(|error| below(CONTENT, error))?)
        }
    };
    let changed = carried(&present, before.clone(), after.clone(), input.changes)?;
    portal.demand_ready(&present, &changed)?;
    let alone = carried(&present, before, after, SyncInput::default())?;
    let upgrade = portal.upgrade_view(&present, alone, None);
    Ok(Json(SyncCheckView {
        upgrade: Some(upgrade),
    }))
}

/// Says whether a project could be made, or become, what the request says: it refuses values that can't be used, and
/// makes nothing.
#[utoipa::path(post, path = "/organisations/{organisation}/project-check", tag = "projects",
    operation_id = "check_project",
    params(("organisation" = String, Path, description = "The organisation's id")),
    request_body = ProjectInput,
    responses((status = 204, description = "It could."), Refusal))]
pub(super) async fn project(
    _: Allowed<ProjectsRead>,
    extract::State(portal): State,
    Body(input): Body<ProjectInput>,
) -> Result<StatusCode, ApiError> {
    input.checked(portal.lanes.kept_at_most())?;
    Ok(StatusCode::NO_CONTENT)
}

/// Says whether a draft could say what the request says: it refuses what can't be stored, and makes nothing. Whether
/// the draft is sound is not looked at, and whether its name is free has a check of its own.
#[utoipa::path(post, path = "/organisations/{organisation}/definition-check", tag = "definitions",
    operation_id = "check_draft",
    params(("organisation" = String, Path, description = "The organisation's id")),
    request_body = DefinitionInput,
    responses((status = 204, description = "It could."), Refusal))]
pub(super) async fn draft(
    _: Allowed<DefinitionsRead>,
    Body(input): Body<DefinitionInput>,
) -> Result<StatusCode, ApiError> {
    input.version(DefinitionId::from_bytes([0; 16]), 1)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Says whether drafts could have these names, taken one after the other: it refuses those that others have, and
/// takes none. A name that one of them gives back is free for the next.
#[utoipa::path(post, path = "/organisations/{organisation}/definition-names-check", tag = "definitions",
    operation_id = "check_draft_names",
    params(("organisation" = String, Path, description = "The organisation's id")),
    request_body = NamesCheckInput,
    responses((status = 204, description = "They could."), Refusal))]
pub(super) async fn names(
    _: Allowed<DefinitionsRead>,
    extract::State(portal): State,
    Path(organisation): Path<OrganisationId>,
    Body(input): Body<NamesCheckInput>,
) -> Result<StatusCode, ApiError> {
    if input.names.len() > MOST_NAMES {
        let message = format!("at most {MOST_NAMES}");
        return Err(ApiError::field("/names", message));
    }
    let wishes = input.names.into_iter().map(|wish| NameWish {
        definition: wish.definition,
        name: wish.display_name,
        released: wish.released,
    });
    let wishes: Vec<_> = wishes.collect();
    let taken = portal.store.names_taken(organisation, &wishes).await?;
    let taken = taken.into_iter().map(|position| {
        let at = format!("/names/{position}/display_name");
        FieldProblem::new(at, "another definition has this name")
    });
    let taken: Vec<_> = taken.collect();
    match taken.is_empty() {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(ApiError::Invalid(taken)),
    }
}

/// Problems of what the request has in a member.
fn below(member: &str, refused: ApiError) -> ApiError {
    let moved = |problems: Vec<FieldProblem>| {
        let problems = problems.into_iter().map(|problem| FieldProblem {
            // What is wrong with the definition is nowhere in the request.
            pointer: match problem.pointer.starts_with("/definition/") {
                true => problem.pointer,
                false => format!("{member}{}", problem.pointer),
            },
            ..problem
        });
        problems.collect()
    };
    match refused {
        ApiError::Invalid(problems) => ApiError::Invalid(moved(problems)),
        ApiError::SecretsNeeded(problems) => ApiError::SecretsNeeded(moved(problems)),
        ApiError::NotReady(problems) => ApiError::NotReady(moved(problems)),
        other => other,
    }
}
