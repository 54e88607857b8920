//! `/health/live` and `/health/ready`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use model::{Clock, SyncId};
use serde_json::json;
use stream::{Health, LaneView, Streams};
use tokio_util::sync::CancellationToken;

use crate::config;

/// What readiness depends on.
#[derive(Clone)]
pub(super) struct Checks {
    pub(super) journal: Arc<dyn journal::Journal>,
    pub(super) streams: Arc<Streams>,
    pub(super) store: store::Store,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) config: config::Health,
    pub(super) ending: CancellationToken,
}

/// The two routes. *Live* says that the process answers; *ready* that it can do its work, or why
/// not.
pub(super) fn router(checks: Checks) -> Router {
    Router::new()
        .route(
            "/health/live",
            get(|| async { Json(json!({"live": true})) }),
        )
        .route("/health/ready", get(ready))
        .with_state(checks)
}

async fn ready(State(checks): State<Checks>) -> (StatusCode, Json<serde_json::Value>) {
    let reasons = checks.reasons().await;
    let status = if reasons.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (
        status,
        Json(json!({"ready": reasons.is_empty(), "reasons": reasons})),
    )
}

impl Checks {
    /// Why the server isn't ready; nothing when it is.
    async fn reasons(&self) -> Vec<String> {
        let mut reasons = Vec::new();
        if self.ending.is_cancelled() {
            reasons.push("the server is ending".to_owned());
        }
        if let Some(refusing) = self.journal.status().refusing {
            reasons.push(format!("events are refused: {refusing}"));
        }
        if let Err(error) = self.store.ping().await {
            let error: &dyn std::error::Error = &error;
            tracing::warn!(error, "the store does not answer");
            reasons.push("projects and syncs can't be read".to_owned());
        }
        for (sync, view) in self.streams.views() {
            reasons.extend(self.late(sync, &view));
        }
        reasons
    }

    /// Whether a sync is behind although its destination takes deliveries. One whose destination
    /// is down is that destination's matter, not this server's.
    fn late(&self, sync: SyncId, view: &LaneView) -> Option<String> {
        match view.health {
            Health::Stalled => {
                let reason = view.reason.as_deref().unwrap_or("for an unknown reason");
                return Some(format!("{sync} stands still: {reason}"));
            }
            Health::Healthy | Health::Degraded => {}
            Health::Failing | Health::Paused | Health::Misconfigured => return None,
        }
        let age = self.clock.now().since(view.oldest_undelivered?);
        let limit = self.config.oldest_undelivered;
        let words = || {
            format!(
                "{sync}: the oldest undelivered event is {} s old, more than {} s",
                age.as_secs(),
                limit.as_secs()
            )
        };
        (age > limit).then(words)
    }
}
