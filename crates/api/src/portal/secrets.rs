//! The keys that seal secrets at rest, and changing them.

use std::sync::{Arc, PoisonError};

use axum::Json;
use axum::extract;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::extract::Body;
use super::openapi::Refusal;
use super::{ApiError, Portal, State};
use crate::auth::Installed;
use crate::auth::permission::InstallationWrite;

/// The keys that seal secrets at rest.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SecretsView {
    /// The keys, by their public ids; the first one seals.
    keys: Vec<KeyView>,
    /// Values that another key than the first one sealed: what is left to be sealed again.
    left: u64,
    /// How sealing again does, or ended, in this run of the server; null: it was not begun in it.
    /// What a restart broke off shows in `left`, and goes on when it is begun again.
    resealing: Option<Resealing>,
}

/// A key.
#[derive(Debug, Serialize, ToSchema)]
struct KeyView {
    /// Its public id.
    id: String,
    /// Whether it is the one that seals.
    seals: bool,
    /// Values that it sealed.
    values: u64,
}

/// How sealing again does, or ended, since it was begun.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub(super) struct Resealing {
    /// Whether it is under way.
    running: bool,
    /// Values that were looked at.
    seen: u64,
    /// Why it ended early; null when it didn't.
    error: Option<String>,
}

/// How to change the key.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RotateSecrets {
    /// Whether to make a new key first; otherwise all is sealed again with the first of the keys.
    new_key: bool,
}

/// Shows which keys there are, and how much each of them sealed.
#[utoipa::path(get, path = "/installation/secrets", tag = "installation",
    operation_id = "show_secrets", responses((status = 200, body = SecretsView), Refusal))]
pub(super) async fn show(
    _: Installed<InstallationWrite>,
    extract::State(portal): State,
) -> Result<Json<SecretsView>, ApiError> {
    Ok(Json(portal.secrets().await?))
}

/// Changes the key that seals secrets, and begins to seal everything again.
#[utoipa::path(post, path = "/installation/secrets/rotate", tag = "installation",
    operation_id = "rotate_secrets", request_body = RotateSecrets,
    responses((status = 202, body = SecretsView), Refusal))]
pub(super) async fn rotate(
    operator: Installed<InstallationWrite>,
    extract::State(portal): State,
    Body(input): Body<RotateSecrets>,
) -> Result<(StatusCode, Json<SecretsView>), ApiError> {
    portal.begin_resealing()?;
    let (whole, by) = (Arc::clone(&portal), operator.caller());
    let added = portal
        .run(async move {
            match input.new_key {
                true => Ok(whole.store.add_key(&by).await.map(Some)?),
                false => Ok(None),
            }
        })
        .await;
    if let Err(error) = added {
        portal.note_resealing(|resealing| resealing.running = false);
        return Err(error);
    }
    let whole = Arc::clone(&portal);
    portal.tasks.spawn(async move {
        let progress = |seen| whole.note_resealing(|resealing| resealing.seen = seen);
        let ended = whole.store.reseal(progress).await;
        if let Err(error) = &ended {
            tracing::error!(%error, "secrets could not all be sealed again");
        }
        whole.note_resealing(|resealing| {
            resealing.running = false;
            resealing.error = ended.err().map(|error| error.to_string());
        });
    });
    Ok((StatusCode::ACCEPTED, Json(portal.secrets().await?)))
}

/// Takes those keys out of the key file with which nothing is sealed any more. Backups that were
/// made before need them: keep a copy of the file for as long as these.
#[utoipa::path(post, path = "/installation/secrets/remove-unused-keys", tag = "installation",
    operation_id = "remove_unused_keys",
    responses((status = 200, body = SecretsView), Refusal))]
pub(super) async fn remove_unused(
    operator: Installed<InstallationWrite>,
    extract::State(portal): State,
) -> Result<Json<SecretsView>, ApiError> {
    let (whole, by) = (Arc::clone(&portal), operator.caller());
    portal
        .run(async move { Ok(whole.store.remove_unused_keys(&by).await?) })
        .await?;
    Ok(Json(portal.secrets().await?))
}

impl Portal {
    async fn secrets(&self) -> Result<SecretsView, ApiError> {
        // Before the counts: what has ended by now is in them.
        let resealing = {
            let resealing = self.resealing.lock();
            resealing.unwrap_or_else(PoisonError::into_inner).clone()
        };
        let uses = self.store.key_uses().await?.into_iter();
        let keys = uses.map(|key| KeyView {
            id: key.id,
            seals: key.seals,
            values: key.values,
        });
        let keys: Vec<_> = keys.collect();
        let sealed_otherwise = keys.iter().filter(|key| !key.seals);
        let left = sealed_otherwise.map(|key| key.values).sum();
        Ok(SecretsView {
            keys,
            left,
            resealing,
        })
    }

    fn begin_resealing(&self) -> Result<(), ApiError> {
        let resealing = self.resealing.lock();
        let mut resealing = resealing.unwrap_or_else(PoisonError::into_inner);
        if resealing.as_ref().is_some_and(|last| last.running) {
            let message = "secrets are being sealed again: wait for the end of it";
            return Err(ApiError::Conflict(message.into()));
        }
        *resealing = Some(Resealing {
            running: true,
            ..Resealing::default()
        });
        Ok(())
    }

    fn note_resealing(&self, note: impl FnOnce(&mut Resealing)) {
        let resealing = self.resealing.lock();
        let mut resealing = resealing.unwrap_or_else(PoisonError::into_inner);
        note(resealing.get_or_insert_default());
    }
}
