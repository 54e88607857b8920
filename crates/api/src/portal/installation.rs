//! What the configuration of the installation says, as far as operators want to see it.

use std::time::Duration;

use axum::Json;
use axum::extract;
use serde::Serialize;
use utoipa::ToSchema;

use super::openapi::Refusal;
use super::{ApiError, State};
use crate::auth::Installed;
use crate::auth::permission::InstallationWrite;

const HOUR: u64 = 60 * 60;

/// What of the configuration is shown to operators. Nothing of it is a secret.
#[derive(Debug, Clone, Default)]
pub struct Configured {
    /// The program's version.
    pub version: String,
    /// Networks that syncs may reach although they are not public, such as `10.20.0.0/16`.
    pub networks_allowed: Vec<String>,
}

/// What the configuration of the installation says: changed in its file or its environment.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct InstallationView {
    /// The program's version.
    version: String,
    /// Where people reach it: links in mails begin with this.
    public_url: String,
    /// Whether a mail server brings mails.
    sends_mail: bool,
    /// Networks that syncs may reach although they are not public (`egress.allow`).
    #[schema(example = json!(["10.20.0.0/16"]))]
    networks_allowed: Vec<String>,
    /// How long events are kept at most, in hours; null: without a bound.
    events_hours: Option<u64>,
    /// How long deliveries that ended without success are kept at most, in hours; null: without a bound.
    outcomes_hours: Option<u64>,
}

/// Shows what the configuration of the installation says.
#[utoipa::path(get, path = "/installation", tag = "installation",
    operation_id = "show_installation",
    responses((status = 200, body = InstallationView), Refusal))]
pub(super) async fn show(
    _: Installed<InstallationWrite>,
    extract::State(portal): State,
) -> Result<Json<InstallationView>, ApiError> {
    let most = portal.lanes.kept_at_most();
    let hours = |kept: Option<Duration>| kept.map(|kept| kept.as_secs() / HOUR);
    Ok(Json(InstallationView {
        version: portal.configured.version.clone(),
        public_url: portal.public_url.clone(),
        sends_mail: portal.sends_mail,
        networks_allowed: portal.configured.networks_allowed.clone(),
        events_hours: hours(most.events),
        outcomes_hours: hours(most.ended),
    }))
}
