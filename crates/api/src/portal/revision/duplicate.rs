//! Another sync like one that there is.

use axum::extract;
use serde::Deserialize;
use store::SyncDraft;
use utoipa::ToSchema;

use crate::auth::Allowed;
use crate::auth::permission::SyncsWrite;
use crate::portal::draft::DefinitionChoice;
use crate::portal::extract::{Creation, Path};
use crate::portal::field;
use crate::portal::openapi::Refusal;
use crate::portal::sync::{Created, Ids};
use crate::portal::view::SyncView;
use crate::portal::{ApiError, State};

/// Most characters of a name that a copy's is made of.
const NAME: usize = 180;

/// How to call the copy.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::portal) struct DuplicateInput {
    /// As people call it. Absent: `Copy of` and the other's name.
    #[schema(min_length = 1, max_length = 200)]
    name: Option<String>,
}

/// Makes another sync with the same settings, secrets included: disabled, it starts behind the
/// project's newest event, and it has no history.
#[utoipa::path(post, path = "/projects/{project}/syncs/{sync}/duplicate", tag = "syncs",
    operation_id = "duplicate_sync",
    params(("project" = String, Path, description = "The project's id"),
        ("sync" = String, Path, description = "The sync's id"),
        ("idempotency-key" = Option<String>, Header, description = "Makes a repeated request safe")),
    request_body = DuplicateInput,
    responses((status = 201, body = SyncView, headers(("etag" = String), ("location" = String))),
        Refusal))]
pub(in crate::portal) async fn duplicate(
    allowed: Allowed<SyncsWrite>,
    extract::State(portal): State,
    Path((project, id)): Ids,
    creation: Creation<DuplicateInput>,
) -> Result<Created, ApiError> {
    let (input, by) = creation.once(allowed.caller());
    let original = portal.store.sync(project, id).await?;
    let sync = &original.sync;
    // The copy is a new sync, and its destination may take none any more.
    let chosen = DefinitionChoice {
        id: sync.definition,
        version: Some(sync.definition_version),
    };
    let connectable = portal.connectable(allowed.organisation, chosen).await;
    connectable.map_err(|error| match error {
        ApiError::Invalid(problems) => {
            let message = problems.into_iter().next().map(|first| first.message);
            ApiError::Conflict(message.unwrap_or_default())
        }
        other => other,
    })?;
    let name = match &input.name {
        Some(name) => field::checked_name(name)?,
        None => copy_of(&sync.name),
    };
    // Whoever may make it may send what the original sends, to where the original sends it.
    let draft = SyncDraft {
        name,
        enabled: false,
        ..original.draft()
    };
    let connects = (sync.definition, sync.definition_version);
    let whole = portal.clone();
    let record = portal
        .run(async move {
            let made = whole.store.create_sync(project, connects, draft, &by);
            let record = made.await?;
            whole.reconcile(record.sync.id).await?;
            Ok(record)
        })
        .await?;
    portal.created(&record).await
}

fn copy_of(name: &str) -> String {
    let beginning: String = name.chars().take(NAME).collect();
    format!("Copy of {}", beginning.trim_end())
}
