//! Sending again: replays of a sync, what they would send, and how far they are.

mod carry;
mod dry_run;
pub(super) mod import;
mod input;
mod lanes;
mod view;

use std::num::NonZeroU32;

use axum::Json;
use axum::extract;
use axum::http::{HeaderName, StatusCode, header};
use journal::LaneOf;
use model::replay::Replayed;
use model::{ProjectId, ReplayId, SyncId};
use store::{Caller, ReplayGoal, ReplayRecord};

use super::extract::{Body, Creation, Path, Query};
use super::fate::home::Home;
use super::openapi::Refusal;
use super::page::{Page, PageQuery};
use super::status::EndedView;
use super::sync::Ids;
use super::{ApiError, Portal, State};
use crate::auth::Allowed;
use crate::auth::permission::{DeliveriesRead, SyncsRead, SyncsWrite};
use dry_run::DryRunView;
use input::{DryRunInput, ReplayInput};
use view::ReplayView;

pub use lanes::{CountedEvents, CountedFailures, Progress, Replays};

/// How many replays that wait are named at once.
const MOST_TOLD: usize = 3;

/// The ids in the path of a replay.
type ReplayIds = Path<(ProjectId, SyncId, ReplayId)>;

/// A replay that was made, and where it is.
type Made = (StatusCode, [(HeaderName, String); 1], Json<ReplayView>);

/// Sends again: deliveries that ended without success, under the ids that they have, or past events
/// that the sync selects, under new ids and with the header `Millstream-Backfill`; or begins an import,
/// whose events are sent in the same way as they arrive. A sync that is switched off does so when it is
/// switched on. What was imported before is not imported twice: the answer is the import that there is.
#[utoipa::path(post, path = "/projects/{project}/syncs/{sync}/replays", tag = "replays",
    operation_id = "create_replay",
    params(("project" = String, Path, description = "The project's id"),
        ("sync" = String, Path, description = "The sync's id"),
        ("idempotency-key" = Option<String>, Header, description = "Makes a repeated request safe")),
    request_body = ReplayInput,
    responses((status = 201, body = ReplayView, headers(("location" = String))), Refusal))]
pub(super) async fn create(
    allowed: Allowed<SyncsWrite>,
    extract::State(portal): State,
    Path((project, sync)): Ids,
    creation: Creation<ReplayInput>,
) -> Result<Made, ApiError> {
    let (input, by) = creation.once(allowed.caller());
    let (what, per_minute) = input.read(portal.authority.clock.now())?;
    if let Replayed::Import(import) = &what
        && let Some(known) = portal
            .store
            .import_of(project, sync, &import.digest)
            .await?
    {
        return portal.made(known).await;
    }
    let whole = portal.clone();
    let record = portal
        .run(async move {
            let store = &whole.store;
            let made = store.create_replay(project, sync, what, per_minute, &by);
            let record = made.await?;
            whole.carry(record.id).await?;
            Ok(record)
        })
        .await?;
    portal.made(record).await
}

/// Says what a replay would send, without making it: counts, and some examples as they would be
/// rendered now. Secrets are masked. Of an import it reads lines of the archive and takes none.
#[utoipa::path(post, path = "/projects/{project}/syncs/{sync}/replays/dry-run", tag = "replays",
    operation_id = "dry_run_replay",
    params(("project" = String, Path, description = "The project's id"),
        ("sync" = String, Path, description = "The sync's id")),
    request_body = DryRunInput,
    responses((status = 200, body = DryRunView), Refusal))]
pub(super) async fn dry_run(
    _: Allowed<SyncsWrite>,
    extract::State(portal): State,
    Path((project, sync)): Ids,
    Body(input): Body<DryRunInput>,
) -> Result<Json<DryRunView>, ApiError> {
    let (what, lines) = input.read(portal.authority.clock.now())?;
    let record = portal.store.sync(project, sync).await?;
    portal.dry_run(&record, &what, lines).await.map(Json)
}

/// Lists a sync's replays, oldest first. The newest 500 are kept.
#[utoipa::path(get, path = "/projects/{project}/syncs/{sync}/replays", tag = "replays",
    operation_id = "list_replays",
    params(("project" = String, Path, description = "The project's id"),
        ("sync" = String, Path, description = "The sync's id"), PageQuery),
    responses((status = 200, body = Page<ReplayView>), Refusal))]
pub(super) async fn list(
    _: Allowed<SyncsRead>,
    extract::State(portal): State,
    Path((project, sync)): Ids,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<ReplayView>>, ApiError> {
    let after = query.after(|cursor| cursor.parse().ok())?;
    portal.store.sync(project, sync).await?;
    let limit = query.limit()?;
    let page = portal.store.replays(project, sync, after.as_ref(), limit);
    let page = page.await?;
    let mut items = Vec::with_capacity(page.items.len());
    for record in page.items {
        items.push(portal.replay_view(record).await?);
    }
    let next = page.next.map(|cursor| cursor.to_string());
    Ok(Json(Page { items, next }))
}

/// Shows a replay and how far it is.
#[utoipa::path(get, path = "/projects/{project}/syncs/{sync}/replays/{replay}", tag = "replays",
    operation_id = "show_replay",
    params(("project" = String, Path, description = "The project's id"),
        ("sync" = String, Path, description = "The sync's id"),
        ("replay" = String, Path, description = "The replay's id")),
    responses((status = 200, body = ReplayView), Refusal))]
pub(super) async fn show(
    _: Allowed<SyncsRead>,
    extract::State(portal): State,
    Path((project, sync, id)): ReplayIds,
) -> Result<Json<ReplayView>, ApiError> {
    portal.store.sync(project, sync).await?;
    let record = portal.store.replay(project, sync, id).await?;
    portal.replay_view(record).await.map(Json)
}

/// Lists deliveries of a replay of past events that ended without success, newest first. Failed ones
/// that were sent again are among the sync's own.
#[utoipa::path(get, path = "/projects/{project}/syncs/{sync}/replays/{replay}/ended",
    tag = "replays", operation_id = "list_replay_ended",
    params(("project" = String, Path, description = "The project's id"),
        ("sync" = String, Path, description = "The sync's id"),
        ("replay" = String, Path, description = "The replay's id"), PageQuery),
    responses((status = 200, body = Page<EndedView>), Refusal))]
pub(super) async fn ended(
    _: Allowed<DeliveriesRead>,
    extract::State(portal): State,
    Path((project, sync, id)): ReplayIds,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<EndedView>>, ApiError> {
    portal.store.sync(project, sync).await?;
    let replay = portal.store.replay(project, sync, id).await?;
    let log = match replay.what {
        Replayed::Import(_) => Replayed::log_of_import(id),
        _ => project,
    };
    let lane = SyncId::from_bytes(id.to_bytes());
    let home = Home { project, sync };
    portal
        .ended_page(home, LaneOf { lane, log }, &query)
        .await
        .map(Json)
}

/// Has a replay stand still. What it has begun goes on like any other delivery.
#[utoipa::path(post, path = "/projects/{project}/syncs/{sync}/replays/{replay}/pause",
    tag = "replays", operation_id = "pause_replay",
    params(("project" = String, Path, description = "The project's id"),
        ("sync" = String, Path, description = "The sync's id"),
        ("replay" = String, Path, description = "The replay's id")),
    responses((status = 200, body = ReplayView), Refusal))]
pub(super) async fn pause(
    allowed: Allowed<SyncsWrite>,
    extract::State(portal): State,
    Path(ids): ReplayIds,
) -> Result<Json<ReplayView>, ApiError> {
    portal
        .steer(ids, ReplayGoal::Paused, allowed.caller())
        .await
}

/// Has a replay go on where it was paused.
#[utoipa::path(post, path = "/projects/{project}/syncs/{sync}/replays/{replay}/resume",
    tag = "replays", operation_id = "resume_replay",
    params(("project" = String, Path, description = "The project's id"),
        ("sync" = String, Path, description = "The sync's id"),
        ("replay" = String, Path, description = "The replay's id")),
    responses((status = 200, body = ReplayView), Refusal))]
pub(super) async fn resume(
    allowed: Allowed<SyncsWrite>,
    extract::State(portal): State,
    Path(ids): ReplayIds,
) -> Result<Json<ReplayView>, ApiError> {
    portal
        .steer(ids, ReplayGoal::Running, allowed.caller())
        .await
}

/// Ends a replay before it is done. Failed deliveries that it has begun to send again are tried like
/// any other.
#[utoipa::path(post, path = "/projects/{project}/syncs/{sync}/replays/{replay}/cancel",
    tag = "replays", operation_id = "cancel_replay",
    params(("project" = String, Path, description = "The project's id"),
        ("sync" = String, Path, description = "The sync's id"),
        ("replay" = String, Path, description = "The replay's id")),
    responses((status = 200, body = ReplayView), Refusal))]
pub(super) async fn cancel(
    allowed: Allowed<SyncsWrite>,
    extract::State(portal): State,
    Path(ids): ReplayIds,
) -> Result<Json<ReplayView>, ApiError> {
    portal
        .steer(ids, ReplayGoal::Cancelled, allowed.caller())
        .await
}

impl Portal {
    /// The answer to making a replay.
    async fn made(&self, record: ReplayRecord) -> Result<Made, ApiError> {
        let location = format!(
            "{}/projects/{}/syncs/{}/replays/{}",
            super::ROOT,
            record.project,
            record.sync,
            record.id
        );
        let view = self.replay_view(record).await?;
        Ok((
            StatusCode::CREATED,
            [(header::LOCATION, location)],
            Json(view),
        ))
    }

    async fn steer(
        self: &std::sync::Arc<Self>,
        (project, sync, id): (ProjectId, SyncId, ReplayId),
        goal: ReplayGoal,
        by: Caller,
    ) -> Result<Json<ReplayView>, ApiError> {
        let whole = self.clone();
        let record = self
            .run(async move {
                let store = &whole.store;
                let record = store.steer_replay(project, sync, id, goal, &by).await?;
                whole.carry(id).await?;
                Ok(record)
            })
            .await?;
        self.replay_view(record).await.map(Json)
    }

    /// A replay with how far it is.
    async fn replay_view(&self, record: ReplayRecord) -> Result<ReplayView, ApiError> {
        let mut progress = match Progress::settled(&record) {
            Some(settled) => settled,
            None => {
                let progress = self.lanes.replay_progress(&record).await?;
                progress.unwrap_or_default()
            }
        };
        let trouble = progress.trouble.take();
        progress.trouble = self.shown_reason(record.project, trouble).await?;
        if progress.trouble.is_none() {
            progress.trouble = self.paused_among(&progress.left_in).await?;
        }
        let sync = self.store.sync_by_id(record.sync).await?;
        let enabled = sync.is_some_and(|sync| sync.sync.enabled);
        Ok(ReplayView::new(record, &progress, enabled))
    }
}

impl Portal {
    /// Which of some replays is paused, in words.
    async fn paused_among(&self, replays: &[ReplayId]) -> Result<Option<String>, ApiError> {
        for id in replays {
            let replay = self.store.replay_by_id(*id).await?;
            if replay.is_some_and(|replay| replay.state == ReplayGoal::Paused) {
                return Ok(Some(format!(
                    "the replay {id}, which is paused: what failed of it waits with it"
                )));
            }
        }
        Ok(None)
    }

    /// Which of a sync's replays don't go on and why, in words.
    pub(super) async fn replays_that_wait(
        &self,
        sync: SyncId,
        enabled: bool,
    ) -> Result<Option<String>, ApiError> {
        let (mut told, mut more) = (Vec::new(), 0);
        for replay in self.store.unsettled_replays_of(sync).await? {
            let id = replay.id;
            let why = match replay.state {
                ReplayGoal::Paused => Some(format!("the replay {id} is paused")),
                // Of a sync that is switched off all of them wait, and it says so itself.
                ReplayGoal::Running if enabled => {
                    let view = self.replay_view(replay).await?;
                    let why = view.waits_for();
                    why.map(|why| format!("the replay {id} waits: {why}"))
                }
                ReplayGoal::Running | ReplayGoal::Cancelled | ReplayGoal::Done => None,
            };
            match why {
                Some(_) if told.len() == MOST_TOLD => more += 1,
                why => told.extend(why),
            }
        }
        let mut told = told.join("; ");
        if more > 0 {
            told += &format!("; and {more} more");
        }
        Ok((!told.is_empty()).then_some(told))
    }
}

/// A rate as clients give it.
fn rate(per_minute: Option<u32>) -> Result<Option<NonZeroU32>, ApiError> {
    const MOST: u32 = 1_000_000;
    let Some(per_minute) = per_minute else {
        return Ok(None);
    };
    let rate = NonZeroU32::new(per_minute).filter(|rate| rate.get() <= MOST);
    rate.map(Some)
        .ok_or_else(|| ApiError::field("/per_minute", format!("from 1 to {MOST}")))
}
