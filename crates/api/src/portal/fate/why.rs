//! Why: what happened to an event on every sync, in words.

mod explainer;

use std::sync::Arc;

use axum::Json;
use axum::extract;
use journal::fate::{Found, Key};
use model::sensitive::{Masked, SensitiveProperties, mask};
use model::{Event, Offset, Part, ProjectId, SyncId};
use serde::{Deserialize, Serialize};
use store::SyncRecord;
use utoipa::{IntoParams, ToSchema};

use super::delivery::KnownDelivery;
use super::let_go::LetGoView;
use super::outcomes::unavailable;
use super::refused::RefusedView;
use crate::auth::Allowed;
use crate::auth::permission::DeliveriesRead;
use crate::portal::extract::{Path, Query};
use crate::portal::openapi::Refusal;
use crate::portal::page::PageQuery;
use crate::portal::view::rfc3339;
use crate::portal::{ApiError, Portal, State};
use explainer::Explainer;

/// Most events that one answer explains.
const MOST_EVENTS: usize = 20;

/// Events that an answer explains when the client doesn't say.
const EVENTS: usize = 5;

/// Most syncs of a project that one answer asks.
const MOST_SYNCS: u32 = 200;

/// Most events that are looked for in imports, and most imports, the newest.
const MOST_IMPORTS: usize = 50;

/// How often it is asked what a replay did with an event, for one answer.
const MOST_ASKED: usize = 2000;

/// Samples of refused requests that are told.
const MOST_REFUSED: usize = 20;

/// What a delivery waits with that waits for a property of its user.
const AWAITING: &str = "awaiting_property";

/// Of which events.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::portal) struct WhyQuery {
    /// The event's `insert_id`, or its `event_id`.
    id: Option<String>,
    /// Its user's `user_id`, in place of `id`.
    user: Option<String>,
    /// Its `device_id`, in place of `id`.
    device: Option<String>,
    /// Only what this sync did, by its id; absent: what all did, 200 syncs at a time.
    sync: Option<String>,
    /// `next_syncs` of an answer, for what the syncs behind those did with the same events; absent for the first 200.
    syncs_after: Option<String>,
    /// `next` of the page before; absent for the newest events.
    cursor: Option<String>,
    /// Most events.
    #[param(minimum = 1, maximum = 20, default = 5)]
    limit: Option<u32>,
}

/// What happened to events.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::portal) struct Why {
    /// Events that were accepted, newest first; on the first page events of imports come behind them.
    events: Vec<ExplainedEvent>,
    /// Requests with an event of this `insert_id` that were refused, newest first, as far as there are
    /// samples: of these nothing was taken.
    refused: Vec<RefusedView>,
    /// The next page's `cursor`; null when there are no more events.
    next: Option<String>,
    /// Whether all events that are kept were looked at: not while the index of events is being built
    /// anew.
    complete: bool,
    /// Whether the project has more syncs than the 200 that were asked: ask for them by `next_syncs`.
    syncs_left_out: bool,
    /// `syncs_after` for what the next syncs did; null when all were asked.
    next_syncs: Option<String>,
    /// Whether there are more replays and imports than were asked: 50 imports, and 2,000 times a replay's lane.
    replays_left_out: bool,
}

/// What happened to an event.
#[derive(Debug, Serialize, ToSchema)]
struct ExplainedEvent {
    /// Its position in the project's log, or among the import's events.
    offset: u64,
    /// The import, by the replay's id, that brought it; null: the project received it.
    import: Option<String>,
    /// When the server took it.
    #[schema(format = DateTime)]
    received_at: String,
    /// Its type.
    event_type: Option<String>,
    /// Its user's id.
    user_id: Option<String>,
    /// Its device's id.
    device_id: Option<String>,
    /// Its `insert_id`.
    insert_id: Option<String>,
    /// What each sync did with it.
    syncs: Vec<ExplainedSync>,
}

/// What a sync did with an event.
#[derive(Debug, Serialize, ToSchema)]
struct ExplainedSync {
    /// The sync's id.
    sync: String,
    /// Its name.
    name: String,
    /// What became of the event's deliveries: of the event, of its user, or of both.
    verdicts: Vec<Verdict>,
}

/// What became of a delivery, or why there is none.
#[derive(Debug, Serialize, ToSchema)]
struct Verdict {
    /// Whether the event or its user.
    part: Part,
    /// The replay of past events that it is of; null: the sync's own.
    replay: Option<String>,
    /// In one word.
    state: VerdictState,
    /// The same as a sentence.
    summary: String,
    /// The delivery with its attempts, where there is one.
    delivery: Option<KnownDelivery>,
    /// Why it is not meant for the sync; null unless it was filtered.
    filtered: Option<FilteredView>,
    /// When the sync let it go, and by whose word; null unless it was dropped, superseded or lost.
    let_go: Option<LetGoView>,
    /// Events that the sync has before it; null when it has come to it.
    events_before: Option<u64>,
    /// Whether the sync's settings have changed since the event was received: what they say of it now
    /// may not be what they said then.
    settings_are_newer: bool,
}

/// What became of a delivery, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum VerdictState {
    /// The destination took it.
    Delivered,
    /// It waits for its next attempt, or for a property of its user.
    Pending,
    /// All attempts failed.
    Expired,
    /// No request could be made of it.
    Discarded,
    /// It was not meant for the sync.
    Filtered,
    /// The sync has not come to it yet, it waits for an earlier one of its user, or it is under way.
    Waiting,
    /// Attempts failed, and then the settings were changed so that it is no longer sent.
    Withdrawn,
    /// It was forgotten with what the sync held, because somebody said so.
    Dropped,
    /// It was left out for a newer event of the same user and type.
    Superseded,
    /// It was lost, for the sync stood still beyond the bounds of what it may hold.
    Lost,
    /// It was received before the sync began.
    BeforeSync,
    /// It is so long ago that what became of it is no longer known.
    Forgotten,
    /// The sync was never enabled.
    NeverEnabled,
}

/// Why an event was not meant for a sync.
#[derive(Debug, Serialize, ToSchema)]
struct FilteredView {
    /// The kind of reason: `path_off`, `event_type`, `condition`, `unchanged`, `erased`; `other_settings` where
    /// the settings of today would send it; `left_out` where the sync may as well have dropped it.
    reason: &'static str,
    /// In words; of a condition with the value that it saw, masked where the property is sensitive.
    message: String,
}

impl WhyQuery {
    fn keys(&self) -> Result<Vec<Key>, ApiError> {
        let keys = match (&self.id, &self.user, &self.device) {
            (Some(id), None, None) => {
                let number = id.parse().ok().map(Key::EventId);
                [Some(Key::InsertId(id.clone())), number]
                    .into_iter()
                    .flatten()
                    .collect()
            }
            (None, Some(user), None) => vec![Key::User(user.clone())],
            (None, None, Some(device)) => vec![Key::Device(device.clone())],
            _ => {
                return Err(ApiError::Query {
                    message: "id: give one of id, user and device".into(),
                });
            }
        };
        Ok(keys)
    }
}

/// Tells what happened to an event on every sync: the condition that filtered it, the attempts that
/// were made, or what it waits for; also where it was refused.
#[utoipa::path(get, path = "/projects/{project}/why", tag = "projects",
    operation_id = "why",
    params(("project" = String, Path, description = "The project's id"), WhyQuery),
    responses((status = 200, body = Why), Refusal))]
pub(in crate::portal) async fn show(
    _: Allowed<DeliveriesRead>,
    extract::State(portal): State,
    Path(project): Path<ProjectId>,
    Query(query): Query<WhyQuery>,
) -> Result<Json<Why>, ApiError> {
    let keys = query.keys()?;
    let limit = match query.limit.unwrap_or(EVENTS as u32) as usize {
        limit @ 1..=MOST_EVENTS => limit,
        _ => {
            return Err(ApiError::Query {
                message: format!("limit: from 1 to {MOST_EVENTS}"),
            });
        }
    };
    let page = PageQuery::new(query.cursor.clone(), None);
    let before = page.after(|text| text.parse().ok().map(Offset))?;
    let sensitive = portal.store.project(project).await?.sensitive;
    let found = portal.found(project, keys.clone(), before, limit).await?;
    let asked = portal.asked(project, &query).await?;
    let mut explainers = Vec::new();
    for record in asked.items {
        explainers.push(Explainer::new(&portal, record, &sensitive).await?);
    }
    let (mut events, mut left) = (Vec::new(), MOST_ASKED);
    for event in &found.events {
        let masked = portal.masked_as_sent(project, event, &sensitive).await?;
        let mut of_syncs = Vec::new();
        for explainer in &explainers {
            let explained = explainer.explain(&portal, event, &masked, &mut left);
            of_syncs.push(explained.await?);
        }
        events.push(explained(event, None, of_syncs));
    }
    let mut imports_left = MOST_IMPORTS;
    if before.is_none() {
        for explainer in &explainers {
            let found = explainer.of_imports(&portal, &keys, limit, &sensitive, &mut imports_left);
            events.extend(found.await?);
        }
    }
    let refused = match &query.id {
        Some(id) if before.is_none() => portal.refused_with(project, id, &sensitive).await?,
        _ => Vec::new(),
    };
    Ok(Json(Why {
        events,
        refused,
        next: found.next.map(|next| next.0.to_string()),
        complete: found.complete,
        syncs_left_out: asked.next.is_some(),
        next_syncs: asked.next.map(|cursor| cursor.to_string()),
        replays_left_out: left == 0 || imports_left == 0,
    }))
}

impl Portal {
    /// The syncs that are asked, and where there are more.
    async fn asked(
        &self,
        project: ProjectId,
        query: &WhyQuery,
    ) -> Result<store::Page<SyncRecord>, ApiError> {
        let wrong = |message: &str| ApiError::Query {
            message: message.to_owned(),
        };
        let after = query.syncs_after.as_deref().map(str::parse).transpose();
        let after = after
            .map_err(|_| wrong("syncs_after: take `next_syncs` of the answer before as it is"))?;
        let Some(wanted) = &query.sync else {
            let syncs = self.store.syncs(project, after.as_ref(), MOST_SYNCS);
            return Ok(syncs.await?);
        };
        if after.is_some() {
            return Err(wrong(
                "syncs_after: not together with sync, which names one",
            ));
        }
        let sync: SyncId = wanted
            .parse()
            .map_err(|_| wrong("sync: not the id of a sync"))?;
        Ok(store::Page {
            items: vec![self.store.sync(project, sync).await?],
            next: None,
        })
    }

    /// Events that carry any of these, newest first.
    async fn found(
        &self,
        project: ProjectId,
        keys: Vec<Key>,
        before: Option<Offset>,
        limit: usize,
    ) -> Result<Found, ApiError> {
        let mut all = Found {
            complete: true,
            ..Found::default()
        };
        let mut more = false;
        for key in keys {
            let found = self.lanes.fates().find(project, key, before, limit).await;
            let found = found.map_err(unavailable)?;
            all.complete &= found.complete;
            more |= found.next.is_some();
            let events = found.events.into_iter();
            all.events.extend(events.filter(|event| !event.is_erased()));
        }
        all.events
            .sort_by_key(|event| std::cmp::Reverse(event.offset));
        all.events.dedup_by_key(|event| event.offset);
        more |= all.events.len() > limit;
        all.events.truncate(limit);
        let last = all.events.last().filter(|_| more);
        all.next = last.map(|event| event.offset);
        Ok(all)
    }

    /// The event as it may be shown. What is told of it may say what it was sent with.
    async fn masked_as_sent(
        &self,
        log: ProjectId,
        event: &Arc<Event>,
        sensitive: &SensitiveProperties,
    ) -> Result<Masked, ApiError> {
        let masked = mask(event, sensitive);
        Ok(match sensitive.is_empty() {
            true => masked,
            false => Masked {
                redaction: mask(&self.as_sent(log, event).await?, sensitive).redaction,
                ..masked
            },
        })
    }

    /// Samples of refused requests with an event of this insert id.
    async fn refused_with(
        &self,
        project: ProjectId,
        id: &str,
        sensitive: &SensitiveProperties,
    ) -> Result<Vec<RefusedView>, ApiError> {
        let rows = self.lanes.fates().refused(project).await;
        let rows = rows.map_err(unavailable)?.into_iter();
        let rows = rows.filter(|row| row.refused.insert_ids.iter().any(|known| known == id));
        let rows = rows.take(MOST_REFUSED);
        Ok(rows.map(|row| RefusedView::new(row, sensitive)).collect())
    }
}

fn explained(event: &Event, import: Option<String>, syncs: Vec<ExplainedSync>) -> ExplainedEvent {
    let root = event.root().ok();
    let text = |name: &str| {
        let value = root.and_then(|root| root.get(name));
        value.and_then(|value| value.as_str()).map(str::to_owned)
    };
    ExplainedEvent {
        offset: event.offset.0,
        import,
        received_at: rfc3339(event.received_at),
        event_type: text("event_type"),
        user_id: text("user_id"),
        device_id: text("device_id"),
        insert_id: text("$insert_id"),
        syncs,
    }
}
