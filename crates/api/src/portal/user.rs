//! What a project knows of a user.

use std::collections::BTreeMap;

use axum::extract;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use journal::{KnownUser, Subject};
use model::ProjectId;
use model::sensitive::mask_user;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{Path, Query};
use super::fate::outcomes::unavailable;
use super::openapi::Refusal;
use super::view::rfc3339;
use super::{ApiError, State};
use crate::auth::Allowed;
use crate::auth::permission::DeliveriesRead;

/// Whom.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct UserQuery {
    /// The user with this id.
    user_id: Option<String>,
    /// The user that this device last belonged to, in place of `user_id`.
    device_id: Option<String>,
}

/// A user as the project knows them after the last event that it took.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UserView)]
pub(super) struct UserView {
    /// Their number, as events have it.
    amplitude_id: i64,
    /// Their id; null: anonymous, known by one device only.
    user_id: Option<String>,
    /// The time of their first event, as it said.
    #[schema(format = DateTime)]
    created_at: String,
    /// The version of the first app that they were seen with.
    start_version: Option<String>,
    /// Whether an event has ever said that they pay.
    paying: bool,
    /// The groups that they are in: names by type.
    groups: BTreeMap<String, Vec<String>>,
    /// Devices that last belonged to them, in order; the first 100.
    devices: Vec<String>,
    /// Whether there are more of these.
    more_devices: bool,
    /// Whether values of properties are masked: the project's sensitive ones.
    masked: bool,
    /// Their properties.
    #[serde(skip_serializing_if = "serde_json::Value::is_null")]
    #[schema(value_type = Object, required)]
    properties: serde_json::Value,
}

/// Shows what a project knows of a user: properties, groups and devices, after the last event that it
/// took. Values of sensitive properties are masked.
#[utoipa::path(get, path = "/projects/{project}/user", tag = "projects",
    operation_id = "show_user",
    params(("project" = String, Path, description = "The project's id"), UserQuery),
    responses((status = 200, body = UserView), Refusal))]
pub(super) async fn show(
    _: Allowed<DeliveriesRead>,
    extract::State(portal): State,
    Path(project): Path<ProjectId>,
    Query(query): Query<UserQuery>,
) -> Result<Response, ApiError> {
    let who = query.subject()?;
    let sensitive = portal.store.project(project).await?.sensitive;
    let found = portal.lanes.fates().user(project, who).await;
    let user = found.map_err(unavailable)?.ok_or(ApiError::NotFound {
        what: "such user: nobody of this id has sent an event, or they were erased".into(),
    })?;
    let (properties, masked) = mask_user(&user.properties, &sensitive);
    let json = UserView::new(user, masked).written(&properties)?;
    Ok(([(header::CONTENT_TYPE, "application/json")], json).into_response())
}

impl UserQuery {
    fn subject(self) -> Result<Subject, ApiError> {
        match (self.user_id, self.device_id) {
            (Some(user_id), None) => Ok(Subject::UserId(user_id)),
            (None, Some(device_id)) => Ok(Subject::DeviceId(device_id)),
            _ => Err(ApiError::Query {
                message: "user_id: give one of user_id and device_id".into(),
            }),
        }
    }
}

impl UserView {
    fn new(user: KnownUser, masked: bool) -> Self {
        Self {
            amplitude_id: user.amplitude_id,
            user_id: user.user_id,
            created_at: rfc3339(user.created_at),
            start_version: user.start_version,
            paying: user.paying,
            groups: user.groups,
            devices: user.devices,
            more_devices: user.more_devices,
            masked,
            // Written by themselves.
            properties: serde_json::Value::Null,
        }
    }

    /// The answer's text, with the properties' own: a tree of ours would write some numbers otherwise
    /// than destinations get them.
    fn written(&self, properties: &[u8]) -> Result<Vec<u8>, ApiError> {
        let mut json = serde_json::to_vec(self).map_err(|error| ApiError::Internal {
            source: error.into(),
        })?;
        json.pop();
        json.extend_from_slice(br#","properties":"#);
        json.extend_from_slice(properties);
        json.push(b'}');
        Ok(json)
    }
}
