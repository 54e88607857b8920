//! How syncs do: status, pending retries, deliveries that ended without success; and who asks.

use axum::Json;
use axum::extract;
use journal::hold::Caps;
use journal::{EndedRow, EndedWhy, LaneOf, LaneStats, Retry, RetryKey};
use model::outcome::{Category, Discarded, Failure};
use model::{Offset, Part, ProjectId, SyncId, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use super::extract::{Path, Query};
use super::fate::home::{Home, delivery_id};
use super::fate::seen::{EventNames, Seen};
use super::lanes::Health;
use super::openapi::Refusal;
use super::page::{Page, PageQuery};
use super::view::rfc3339;
use super::{ApiError, Portal, State};
use crate::auth::Allowed;
use crate::auth::permission::{DeliveriesRead, SyncsRead};

/// How a sync does.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SyncStatus {
    /// Whether it is switched on.
    enabled: bool,
    /// Whether it was never switched on: it sent nothing, keeps nothing, and begins with the next event.
    never_enabled: bool,
    /// How it does, in a word.
    health: Health,
    /// Why, in words, where it is not healthy.
    reason: Option<String>,
    /// Which of its replays don't go on, and why, in words; null where all do.
    waits_for: Option<String>,
    /// Since when it does so; no earlier than the server's start.
    #[schema(format = DateTime)]
    since: Option<String>,
    /// Requests under way.
    in_flight: u64,
    /// Deliveries that wait for their next attempt, or for a property of their user.
    pending: u64,
    /// When the first of them is due.
    #[schema(format = DateTime)]
    next_retry_at: Option<String>,
    /// Events that it has not settled yet.
    backlog: u64,
    /// When the oldest of them was received.
    #[schema(format = DateTime)]
    oldest_unsettled_at: Option<String>,
    /// Records of deliveries that ended without success, those of its replays of past events among them.
    ended: u64,
    /// How many requests at once it makes at most at present: what the destination bears, as far as
    /// that is known.
    requests_at_once: u64,
    /// When the next probe is made, while the destination takes nothing and no delivery is begun.
    #[schema(format = DateTime)]
    next_probe_at: Option<String>,
    /// Deliveries that wait for an earlier one of their user, where these keep their order.
    waiting_in_order: u64,
    /// Of the pending ones, those that wait for a property of their user.
    awaiting_properties: u64,
    /// What it keeps, and what it lost, while it stands still: switched off, misconfigured, or not sent to.
    held: HeldView,
    /// How it goes through what was held up, while it does.
    draining: Option<DrainingView>,
    /// Since the sync exists.
    counts: CountsView,
}

/// What a sync keeps while it stands still; `backlog` and `oldest_unsettled_at` say how much that is at
/// present, and how old.
#[derive(Debug, Default, Serialize, ToSchema)]
struct HeldView {
    /// About how many bytes of events it has not settled yet.
    bytes: u64,
    /// Events older than this, in seconds, may go from a sync that stands still.
    max_age_seconds: u64,
    /// Events behind which this many bytes have come may go.
    max_bytes: u64,
    /// Events that went so, since the sync exists; whether or not they were meant for it.
    lost_events: u64,
    /// Pending retries that went so.
    lost_retries: u64,
    /// When that happened last.
    #[schema(format = DateTime)]
    lost_at: Option<String>,
    /// Events that were dropped because somebody said so.
    dropped_events: u64,
    /// Pending retries that were dropped with them.
    dropped_retries: u64,
    /// Deliveries that were left out for the sake of newer ones of the same user and event type.
    superseded: u64,
}

/// How a sync goes through what was held up.
#[derive(Debug, Serialize, ToSchema)]
struct DrainingView {
    /// Events left to go through.
    events_left: u64,
    /// Whether only the newest of each user and event type is delivered.
    newest_per_user: bool,
    /// How many requests a minute are sent meanwhile at most; null: as many as otherwise.
    requests_per_minute: Option<u32>,
}

impl HeldView {
    fn new(caps: Caps, stats: &LaneStats) -> Self {
        let losses = stats.losses;
        Self {
            bytes: stats.unsettled_bytes,
            max_age_seconds: caps.max_age.as_secs(),
            max_bytes: caps.max_bytes,
            lost_events: losses.lost.events,
            lost_retries: losses.lost.retries,
            lost_at: losses.lost_at.map(rfc3339),
            dropped_events: losses.dropped.events,
            dropped_retries: losses.dropped.retries,
            superseded: losses.superseded,
        }
    }
}

/// Counts of deliveries, and of events that were filtered.
#[derive(Debug, Default, Serialize, ToSchema)]
struct CountsView {
    /// Events that were not meant for it.
    filtered: u64,
    /// Delivered at the first attempt.
    delivered_first: u64,
    /// Delivered at a later attempt.
    delivered_retry: u64,
    /// Ended because no request could be made, or the destination refused it for good.
    discarded: u64,
    /// Ended because the last attempt failed.
    expired: u64,
    /// Attempts that failed.
    failed_attempts: u64,
}

/// A delivery that waits for its next attempt.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RetryView {
    /// The delivery, as `Millstream-Delivery-Id` carries it.
    delivery_id: String,
    /// The event's position in the project's log.
    offset: u64,
    /// What the event is called, and whose it is.
    #[serde(flatten)]
    event: EventNames,
    /// Whether the event or its user is delivered.
    part: Part,
    /// How many attempts have been made.
    attempts: u8,
    /// When the next one is due; of one that waits for a property of its user, until when it does.
    #[schema(format = DateTime)]
    due_at: String,
    /// What the last one met, or, with the category `awaiting_property`, what it waits for.
    failure: FailureView,
}

/// What an attempt met.
#[derive(Debug, Serialize, ToSchema)]
struct FailureView {
    /// What kind of failure.
    category: Category,
    /// The status, where there was an answer.
    status: Option<u16>,
    /// What happened, in words.
    message: String,
    /// The beginning of the answer's body.
    response: String,
}

impl FailureView {
    fn new(failure: Failure, shown: impl Fn(String) -> String) -> Self {
        Self {
            category: failure.category,
            status: failure.status,
            message: shown(failure.message),
            response: shown(failure.response),
        }
    }
}

/// A delivery that ended without success.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EndedView {
    /// The delivery, as `Millstream-Delivery-Id` carries it.
    delivery_id: String,
    /// The event's position in the project's log.
    offset: u64,
    /// The replay of past events that it is of; null: the sync's own.
    replay: Option<String>,
    /// Whether `offset` is a position among the events of that replay, which is an import.
    imported: bool,
    /// What the event is called, and whose it is.
    #[serde(flatten)]
    event: EventNames,
    /// Whether the event or its user was to be delivered.
    part: Part,
    /// When it ended.
    #[schema(format = DateTime)]
    at: String,
    /// How many attempts were made.
    attempts: u8,
    /// Why.
    #[serde(flatten)]
    why: EndedWhyView,
}

/// Why a delivery ended without success.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "outcome", rename_all = "snake_case")]
enum EndedWhyView {
    /// The last attempt failed too.
    Expired {
        /// What it met.
        failure: FailureView,
    },
    /// No request could be made of it, or the destination refused it for good.
    Discarded {
        /// The reason's stable name.
        reason: &'static str,
        /// The reason in words.
        message: String,
        /// What the destination answered, where it refused it for good; null otherwise.
        failure: Option<FailureView>,
    },
}

impl EndedWhyView {
    fn new(why: EndedWhy, shown: impl Fn(String) -> String) -> Self {
        match why {
            EndedWhy::Expired(failure) => Self::Expired {
                failure: FailureView::new(failure, shown),
            },
            EndedWhy::Discarded(why) => Self::Discarded {
                reason: Discarded::name(&why),
                message: shown(why.to_string()),
                failure: match why {
                    Discarded::Refused { failure } => Some(FailureView::new(failure, shown)),
                    _ => None,
                },
            },
        }
    }
}

/// Shows how a sync does.
#[utoipa::path(get, path = "/projects/{project}/syncs/{sync}/status", tag = "deliveries",
    operation_id = "sync_status",
    params(("project" = String, Path, description = "The project's id"),
        ("sync" = String, Path, description = "The sync's id")),
    responses((status = 200, body = SyncStatus), Refusal))]
pub(super) async fn status(
    _: Allowed<SyncsRead>,
    extract::State(portal): State,
    Path((project, id)): Path<(ProjectId, SyncId)>,
) -> Result<Json<SyncStatus>, ApiError> {
    let record = portal.store.sync(project, id).await?;
    let lane = portal.lanes.status(id).await?;
    // A lane has figures from the first time on that its sync is enabled.
    let never_enabled = !record.sync.enabled && lane.stats.is_none();
    let stats = lane.stats.unwrap_or_default();
    let reason = portal.shown_reason(project, lane.reason).await?;
    let waits_for = portal.replays_that_wait(id, record.sync.enabled).await?;
    Ok(Json(SyncStatus {
        enabled: record.sync.enabled,
        never_enabled,
        health: lane.health,
        reason,
        waits_for,
        since: lane.since.map(rfc3339),
        in_flight: lane.in_flight,
        pending: stats.pending,
        next_retry_at: stats.next_due.map(rfc3339),
        backlog: stats.head.0.saturating_sub(stats.cursor.0),
        oldest_unsettled_at: stats.oldest_unsettled.map(rfc3339),
        ended: stats.ended + stats.ended_of_bounded,
        requests_at_once: lane.allowed,
        next_probe_at: lane.next_probe.map(rfc3339),
        // Of a lane that runs it is known what waits in memory, too.
        waiting_in_order: lane.in_order.max(stats.in_order),
        awaiting_properties: lane.awaiting.max(stats.awaiting),
        held: HeldView::new(lane.caps, &stats),
        draining: lane.draining.map(|drain| DrainingView {
            events_left: drain.until.0.saturating_sub(stats.cursor.0),
            newest_per_user: drain.newest_only,
            requests_per_minute: drain.requests_per_minute,
        }),
        counts: counts(&stats),
    }))
}

fn counts(stats: &LaneStats) -> CountsView {
    let total = stats.total;
    CountsView {
        filtered: total.filtered,
        delivered_first: total.delivered_first,
        delivered_retry: total.delivered_retry,
        discarded: total.discarded,
        expired: total.expired,
        failed_attempts: total.failed_attempts,
    }
}

/// Lists a sync's deliveries that wait for their next attempt, or for a property of their user, the one that is due first first.
#[utoipa::path(get, path = "/projects/{project}/syncs/{sync}/retries", tag = "deliveries",
    operation_id = "list_retries",
    params(("project" = String, Path, description = "The project's id"),
        ("sync" = String, Path, description = "The sync's id"), PageQuery),
    responses((status = 200, body = Page<RetryView>), Refusal))]
pub(super) async fn retries(
    _: Allowed<DeliveriesRead>,
    extract::State(portal): State,
    Path((project, id)): Path<(ProjectId, SyncId)>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<RetryView>>, ApiError> {
    let (after, limit) = (query.after(parse_retry_key)?, query.limit()? as usize);
    portal.store.sync(project, id).await?;
    let mut found = portal.lanes.retries(id, after, limit + 1).await?;
    let more = found.len() > limit;
    found.truncate(limit);
    let last = found.last().filter(|_| more);
    let next = last.map(|retry| retry_key_text(retry.key()));
    let home = Home { project, sync: id };
    let events = found.iter().map(|retry| (home.own(), retry.offset));
    let seen = portal.seen(project, events).await?;
    let items = found.into_iter();
    let items = items.map(|retry| retry_view(home, retry, &seen));
    Ok(Json(Page {
        items: items.collect(),
        next,
    }))
}

fn retry_view(home: Home, retry: Retry, seen: &Seen) -> RetryView {
    let (of, offset) = (home.own(), retry.offset);
    let shown = |text| seen.text(of, offset, text);
    RetryView {
        delivery_id: delivery_id(of, offset, retry.part),
        offset: offset.0,
        event: seen.names(of, offset),
        part: retry.part,
        attempts: retry.attempts,
        due_at: rfc3339(retry.due_at),
        failure: FailureView::new(retry.failure, shown),
    }
}

fn retry_key_text((due_at, offset, part): RetryKey) -> String {
    format!("{}.{}.{}", due_at.0, offset.0, part as u8)
}

fn parse_retry_key(text: &str) -> Option<RetryKey> {
    let mut parts = text.splitn(3, '.');
    let due_at = parts.next()?.parse().ok()?;
    let offset = parts.next()?.parse().ok()?;
    let part = Part::from_code(parts.next()?.parse().ok()?)?;
    Some((Timestamp(due_at), Offset(offset), part))
}

/// Lists a sync's deliveries that ended without success, newest first; those of its replays of past events
/// are among them.
#[utoipa::path(get, path = "/projects/{project}/syncs/{sync}/ended", tag = "deliveries",
    operation_id = "list_ended",
    params(("project" = String, Path, description = "The project's id"),
        ("sync" = String, Path, description = "The sync's id"), PageQuery),
    responses((status = 200, body = Page<EndedView>), Refusal))]
pub(super) async fn ended(
    _: Allowed<DeliveriesRead>,
    extract::State(portal): State,
    Path((project, id)): Path<(ProjectId, SyncId)>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<EndedView>>, ApiError> {
    portal.store.sync(project, id).await?;
    let home = Home { project, sync: id };
    portal.ended_page(home, home.own(), &query).await.map(Json)
}

impl Portal {
    /// A page of deliveries that ended without success, newest first: of a lane of the sync's, and of
    /// those that go with it.
    pub(super) async fn ended_page(
        &self,
        home: Home,
        of: LaneOf,
        query: &PageQuery,
    ) -> Result<Page<EndedView>, ApiError> {
        let before = query.after(|cursor| cursor.parse().ok())?;
        let limit = query.limit()? as usize;
        let mut found = self.lanes.ended(of.lane, before, limit + 1).await?;
        let more = found.len() > limit;
        found.truncate(limit);
        let last = found.last().filter(|_| more);
        let next = last.map(|row| row.sequence.to_string());
        let events = found.iter().map(|row| (row.of, row.ended.offset));
        let seen = self.seen(home.project, events).await?;
        let items = found.into_iter().map(|row| ended_view(home, row, &seen));
        Ok(Page {
            items: items.collect(),
            next,
        })
    }
}

fn ended_view(home: Home, row: EndedRow, seen: &Seen) -> EndedView {
    let EndedRow { of, ended, .. } = row;
    let shown = |text| seen.text(of, ended.offset, text);
    EndedView {
        delivery_id: delivery_id(of, ended.offset, ended.part),
        offset: ended.offset.0,
        replay: home.replay(of),
        imported: home.is_import(of),
        event: seen.names(of, ended.offset),
        part: ended.part,
        at: rfc3339(ended.at),
        attempts: ended.attempts,
        why: EndedWhyView::new(ended.why, shown),
    }
}
