//! How all syncs of a project do, at a glance: how many are well, and which wait for somebody.

use std::cmp::Reverse;

use axum::Json;
use axum::extract;
use model::{ProjectId, SyncId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{Path, Query};
use super::lanes::Health;
use super::masking::reason_as_shown;
use super::openapi::Refusal;
use super::page::PageQuery;
use super::{ApiError, State};
use crate::auth::Allowed;
use crate::auth::permission::SyncsRead;

/// Most syncs of a project that are looked at, and how many names are read at once.
const MOST_SYNCS: usize = 20_000;
const NAMES_AT_ONCE: u32 = 1000;

/// How many are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct HealthQuery {
    /// Most syncs that are listed.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
}

/// How a project's syncs do.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ProjectHealth {
    /// How many do how.
    counts: HealthCounts,
    /// Those that wait for somebody, the worst first: not those that are healthy, nor those that somebody
    /// switched off. No more than `limit` of them.
    troubled: Vec<TroubledSync>,
    /// Whether all syncs were looked at: no more than 20,000 are.
    complete: bool,
}

/// How many syncs do how.
#[derive(Debug, Default, Serialize, ToSchema)]
struct HealthCounts {
    /// Deliver.
    healthy: u64,
    /// Some attempts fail, or nothing could be made of the last events.
    degraded: u64,
    /// Attempt after attempt fails.
    failing: u64,
    /// Disabled, or never enabled.
    paused: u64,
    /// Their settings can't be used.
    misconfigured: u64,
    /// Their journal can't be read or written.
    stalled: u64,
}

impl HealthCounts {
    fn of(&mut self, health: Health) -> &mut u64 {
        match health {
            Health::Healthy => &mut self.healthy,
            Health::Degraded => &mut self.degraded,
            Health::Failing => &mut self.failing,
            Health::Paused => &mut self.paused,
            Health::Misconfigured => &mut self.misconfigured,
            Health::Stalled => &mut self.stalled,
        }
    }
}

/// A sync that waits for somebody.
#[derive(Debug, Serialize, ToSchema)]
struct TroubledSync {
    /// The sync's id.
    sync: String,
    /// Its name.
    name: String,
    /// How it does, in a word.
    health: Health,
    /// Why, in words.
    reason: Option<String>,
}

/// How bad that is; `None`: it waits for nobody.
fn trouble(health: Health) -> Option<u8> {
    match health {
        Health::Healthy | Health::Paused => None,
        Health::Degraded => Some(1),
        Health::Failing => Some(2),
        Health::Misconfigured => Some(3),
        Health::Stalled => Some(4),
    }
}

/// Tells how a project's syncs do: how many are well, and which wait for somebody, the worst first.
#[utoipa::path(get, path = "/projects/{project}/health", tag = "deliveries",
    operation_id = "project_health",
    params(("project" = String, Path, description = "The project's id"), HealthQuery),
    responses((status = 200, body = ProjectHealth), Refusal))]
pub(super) async fn of_project(
    _: Allowed<SyncsRead>,
    extract::State(portal): State,
    Path(project): Path<ProjectId>,
    Query(query): Query<HealthQuery>,
) -> Result<Json<ProjectHealth>, ApiError> {
    let limit = PageQuery::new(None, query.limit).limit()? as usize;
    let sensitive = portal.store.project(project).await?.sensitive;
    let mut counts = HealthCounts::default();
    let mut troubled: Vec<(u8, String, SyncId, Health, Option<String>)> = Vec::new();
    let (mut after, mut left) = (None, MOST_SYNCS);
    let complete = loop {
        let read = portal
            .store
            .sync_names(project, after.as_ref(), NAMES_AT_ONCE);
        let page = read.await?;
        left = left.saturating_sub(page.items.len());
        for (id, name) in page.items {
            let (health, reason) = portal.lanes.health(id);
            *counts.of(health) += 1;
            if let Some(trouble) = trouble(health) {
                troubled.push((trouble, name, id, health, reason));
            }
        }
        after = page.next;
        if after.is_none() || left == 0 {
            break after.is_none();
        }
    };
    troubled.sort_by_cached_key(|(trouble, name, id, ..)| {
        (Reverse(*trouble), name.to_lowercase(), id.to_bytes())
    });
    troubled.truncate(limit);
    let troubled = troubled
        .into_iter()
        .map(|(_, name, id, health, reason)| TroubledSync {
            sync: id.to_string(),
            name,
            health,
            reason: reason.map(|reason| reason_as_shown(reason, &sensitive)),
        });
    Ok(Json(ProjectHealth {
        counts,
        troubled: troubled.collect(),
        complete,
    }))
}
