//! Why: what happened to an event on every sync, in words.

use std::sync::Arc;

use axum::Json;
use axum::extract;
use journal::LaneOf;
use journal::fate::{Fate, Found, Key, Standing};
use journal::hold::LetGo;
use model::outcome::Filtered;
use model::sensitive::{Masked, SensitiveProperties, mask};
use model::{Clock, Event, Offset, Part, ProjectId, SyncId, Timestamp};
use pipeline::Plan;
use serde::{Deserialize, Serialize};
use store::SyncRecord;
use utoipa::{IntoParams, ToSchema};

use super::delivery::{DeliveryState, KnownDelivery, known, same_log};
use super::home::Home;
use super::let_go::{LetGoView, explaining, told};
use super::outcomes::unavailable;
use super::refused::RefusedView;
use crate::auth::Allowed;
use crate::auth::permission::DeliveriesRead;
use crate::portal::extract::{Path, Query};
use crate::portal::lanes::Health;
use crate::portal::masking::reason_as_shown;
use crate::portal::openapi::Refusal;
use crate::portal::page::PageQuery;
use crate::portal::view::rfc3339;
use crate::portal::{ApiError, Portal, State};

/// Most events that one answer explains.
const MOST_EVENTS: usize = 20;

/// Events that an answer explains when the client doesn't say.
const EVENTS: usize = 5;

/// Most syncs of a project that are asked.
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
    /// Only what this sync did, by its id; absent: what all did, of more than 200 syncs the first 200.
    sync: Option<String>,
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
    /// Whether the project has syncs beyond the first 200, which were not asked: ask each by `sync`.
    syncs_left_out: bool,
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
    let (asked, syncs_left_out) = portal.asked(project, query.sync.as_deref()).await?;
    let mut explainers = Vec::new();
    for record in asked {
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
        syncs_left_out,
        replays_left_out: left == 0 || imports_left == 0,
    }))
}

impl Portal {
    /// The syncs that are asked, and whether there are more.
    async fn asked(
        &self,
        project: ProjectId,
        wanted: Option<&str>,
    ) -> Result<(Vec<SyncRecord>, bool), ApiError> {
        let Some(wanted) = wanted else {
            let syncs = self.store.syncs(project, None, MOST_SYNCS).await?;
            return Ok((syncs.items, syncs.next.is_some()));
        };
        let sync: SyncId = wanted.parse().map_err(|_| ApiError::Query {
            message: "sync: not the id of a sync".into(),
        })?;
        Ok((vec![self.store.sync(project, sync).await?], false))
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

/// What is known of an event on a sync beside its deliveries.
struct Known {
    standing: Standing,
    let_go: Vec<LetGo>,
}

/// Explains what one sync did.
struct Explainer {
    record: SyncRecord,
    /// The sync as it is now; `None` when its settings can't be used.
    plan: Option<Plan>,
    /// How its lane does, and why.
    health: Health,
    reason: Option<String>,
    /// Whether it ever left out events that were meant for it: lost to the bounds of what it may hold,
    /// dropped, or superseded by newer ones.
    leaves_out: bool,
    /// The lanes of its replays of past events, newest first.
    backfills: Vec<LaneOf>,
}

impl Explainer {
    async fn new(
        portal: &Portal,
        record: SyncRecord,
        sensitive: &SensitiveProperties,
    ) -> Result<Self, ApiError> {
        let definition = portal.definition(&record.sync).await?;
        let clock: &Arc<dyn Clock> = &portal.authority.clock;
        let plan = Plan::compile(&definition, &record.sync, clock).ok();
        let status = portal.lanes.status(record.sync.id).await?;
        let backfills = portal.lanes.backfills(record.sync.id).await?;
        let losses = status.stats.unwrap_or_default().losses;
        Ok(Self {
            leaves_out: losses.lost.events + losses.dropped.events + losses.superseded > 0,
            backfills,
            record,
            plan,
            health: status.health,
            reason: status
                .reason
                .map(|reason| reason_as_shown(reason, sensitive)),
        })
    }

    fn home(&self) -> Home {
        let sync = &self.record.sync;
        Home {
            project: sync.project,
            sync: sync.id,
        }
    }

    /// What the sync did with events of its imports that carry any of these, the newest first.
    async fn of_imports(
        &self,
        portal: &Portal,
        keys: &[Key],
        limit: usize,
        sensitive: &SensitiveProperties,
        left: &mut usize,
    ) -> Result<Vec<ExplainedEvent>, ApiError> {
        let home = self.home();
        let imports = self.backfills.iter().filter(|of| home.is_import(**of));
        let mut all = Vec::new();
        for of in imports {
            if *left == 0 || all.len() >= limit {
                break;
            }
            *left -= 1;
            let found = portal.found(of.log, keys.to_vec(), None, limit - all.len());
            for event in found.await?.events {
                let masked = portal.masked_as_sent(of.log, &event, sensitive).await?;
                let fate = portal.lanes.fates().fate(of.lane, event.offset).await;
                let Some(fate) = fate.map_err(unavailable)? else {
                    continue;
                };
                let mut verdicts = self.verdicts(*of, &event, &masked, fate);
                for verdict in &mut verdicts {
                    verdict.replay = home.replay(*of);
                }
                let of_sync = ExplainedSync {
                    sync: self.record.sync.id.to_string(),
                    name: self.record.sync.name.clone(),
                    verdicts,
                };
                all.push(explained(&event, home.replay(*of), vec![of_sync]));
            }
        }
        Ok(all)
    }

    /// What the sync's replays did with the event: what is known of deliveries, and no more.
    async fn of_backfills(
        &self,
        portal: &Portal,
        event: &Event,
        masked: &Masked,
        left: &mut usize,
    ) -> Result<Vec<Verdict>, ApiError> {
        let home = self.home();
        let shown = |text: String| masked.redaction.apply(&text);
        let mut verdicts = Vec::new();
        for of in same_log(&self.backfills, home.own()) {
            if *left == 0 {
                break;
            }
            *left -= 1;
            let fate = portal.lanes.fates().fate(of.lane, event.offset).await;
            let Some(fate) = fate.map_err(unavailable)? else {
                continue;
            };
            let (let_go, tried) = (fate.let_go.clone(), last_tried(&fate));
            for delivery in known(home, of, event.offset, fate, &shown) {
                let tried = tried[delivery.part as usize];
                verdicts.push(self.of_delivery(delivery, event, &let_go, tried));
            }
        }
        Ok(verdicts)
    }

    /// What the sync did with `event`, of which so much is shown as `masked` has. So many times more may
    /// be asked what replays did.
    async fn explain(
        &self,
        portal: &Portal,
        event: &Event,
        masked: &Masked,
        left: &mut usize,
    ) -> Result<ExplainedSync, ApiError> {
        let sync = &self.record.sync;
        let fate = portal.lanes.fates().fate(sync.id, event.offset).await;
        let mut verdicts = match fate.map_err(unavailable)? {
            Some(fate) => self.verdicts(self.home().own(), event, masked, fate),
            None => vec![self.verdict(
                Part::Event,
                VerdictState::NeverEnabled,
                "the sync was never enabled".into(),
                event,
            )],
        };
        let of_backfills = self.of_backfills(portal, event, masked, left).await?;
        verdicts.extend(of_backfills);
        Ok(ExplainedSync {
            sync: sync.id.to_string(),
            name: sync.name.clone(),
            verdicts,
        })
    }

    fn verdicts(&self, of: LaneOf, event: &Event, masked: &Masked, fate: Fate) -> Vec<Verdict> {
        let known_of = Known {
            standing: fate.standing,
            let_go: fate.let_go.clone(),
        };
        let tried = last_tried(&fate);
        let shown = |text: String| masked.redaction.apply(&text);
        let deliveries = known(self.home(), of, event.offset, fate, &shown);
        let mut verdicts: Vec<_> = deliveries
            .into_iter()
            .map(|delivery| {
                let tried = tried[delivery.part as usize];
                self.of_delivery(delivery, event, &known_of.let_go, tried)
            })
            .collect();
        for part in self.parts(event) {
            if verdicts.iter().all(|verdict| verdict.part != part) {
                verdicts.push(self.without_delivery(part, &known_of, event, masked));
            }
        }
        if verdicts.is_empty() {
            verdicts.push(self.without_delivery(Part::Event, &known_of, event, masked));
        }
        verdicts
    }

    /// The parts that the sync may send of such events.
    fn parts(&self, event: &Event) -> Vec<Part> {
        let plan = self.plan.as_ref();
        plan.map_or_else(Vec::new, |plan| plan.parts(event.kind).iter().collect())
    }

    fn of_delivery(
        &self,
        delivery: KnownDelivery,
        event: &Event,
        let_go: &[LetGo],
        tried: Option<Timestamp>,
    ) -> Verdict {
        let mut went = None;
        let times = |attempts: u8| match attempts {
            1 => "once".to_owned(),
            attempts => format!("{attempts} times"),
        };
        let (state, summary) = match &delivery.state {
            DeliveryState::Delivered {
                at,
                attempt,
                status,
                took_ms,
            } => {
                let status = status.map_or(String::new(), |status| format!(", status {status}"));
                let summary =
                    format!("delivered at {at} at attempt {attempt} in {took_ms} ms{status}");
                (VerdictState::Delivered, summary)
            }
            DeliveryState::Pending {
                due_at,
                attempts_made,
                last_failure,
            } => {
                let mut summary = match last_failure.category {
                    // It says what it waits for, and until when.
                    AWAITING if *attempts_made == 0 => last_failure.message.clone(),
                    _ => format!(
                        "tried {}, the last time: {}; the next attempt is due at {due_at}",
                        times(*attempts_made),
                        last_failure.message
                    ),
                };
                // Why that is would be much the same once more.
                if let Some(state) = self.held_as() {
                    summary = format!("{summary}; the sync is {state}");
                }
                (VerdictState::Pending, summary)
            }
            DeliveryState::WaitingInOrder => {
                let mut summary = "waits for an earlier delivery of its user".to_owned();
                if let Some(held) = self.held() {
                    summary = format!("{summary}; {held}");
                }
                (VerdictState::Waiting, summary)
            }
            DeliveryState::Expired {
                at,
                attempts_made,
                last_failure,
            } => {
                let summary = format!(
                    "expired at {at}: tried {}, the last time: {}",
                    times(*attempts_made),
                    last_failure.message
                );
                (VerdictState::Expired, summary)
            }
            DeliveryState::Discarded { at, message, .. } => {
                let summary = format!("discarded at {at}: {message}");
                (VerdictState::Discarded, summary)
            }
            DeliveryState::Withdrawn => match explaining(let_go, tried) {
                Some(part) => {
                    let (state, summary, view) = told(part);
                    went = Some(view);
                    (
                        state,
                        format!("attempts failed, and no more are made: {summary}"),
                    )
                }
                None => {
                    let summary = "attempts failed, and no more are made: the settings were changed so \
                                   that it is no longer sent";
                    (VerdictState::Withdrawn, summary.to_owned())
                }
            },
        };
        let summary = match &delivery.replay {
            Some(replay) => format!("by the replay {replay}: {summary}"),
            None => summary,
        };
        let verdict = self.verdict(delivery.part, state, summary, event);
        Verdict {
            replay: delivery.replay.clone(),
            delivery: Some(delivery),
            let_go: went,
            ..verdict
        }
    }

    fn without_delivery(
        &self,
        part: Part,
        known: &Known,
        event: &Event,
        masked: &Masked,
    ) -> Verdict {
        match known.standing {
            Standing::BeforeLane => {
                let summary = "it was received before the sync began".to_owned();
                self.verdict(part, VerdictState::BeforeSync, summary, event)
            }
            Standing::Ahead { events } => {
                let mut summary = match events {
                    0 => "the sync is sending it now".to_owned(),
                    1 => "one earlier event comes first".to_owned(),
                    events => format!("{events} earlier events come first"),
                };
                if let Some(held) = self.held() {
                    summary = format!("{summary}; {held}");
                }
                Verdict {
                    events_before: Some(events),
                    ..self.verdict(part, VerdictState::Waiting, summary, event)
                }
            }
            Standing::Forgotten => {
                let summary = "handled so long ago that what became of it is no longer recorded";
                self.verdict(part, VerdictState::Forgotten, summary.into(), event)
            }
            Standing::Settled => {
                let filtered = self.filtered(part, event, masked);
                let would_send = ["left_out", "other_settings"].contains(&filtered.reason);
                let went = explaining(&known.let_go, None).filter(|_| would_send);
                if let Some((state, summary, view)) = went.map(told) {
                    return Verdict {
                        let_go: Some(view),
                        ..self.verdict(part, state, summary, event)
                    };
                }
                let summary = format!("filtered: {}", filtered.message);
                Verdict {
                    filtered: Some(filtered),
                    ..self.verdict(part, VerdictState::Filtered, summary, event)
                }
            }
        }
    }

    /// What holds the sync up, if something does.
    fn held(&self) -> Option<String> {
        let state = self.held_as()?;
        Some(match &self.reason {
            Some(reason) => format!("the sync is {state}: {reason}"),
            None => format!("the sync is {state}"),
        })
    }

    /// In which state of health it is held up, if it is.
    fn held_as(&self) -> Option<&'static str> {
        Some(match self.health {
            Health::Paused => "paused",
            Health::Misconfigured => "misconfigured",
            Health::Stalled => "stalled",
            Health::Failing => "failing",
            _ => return None,
        })
    }

    /// Why the sync's settings, as they are now, don't send it.
    fn filtered(&self, part: Part, event: &Event, masked: &Masked) -> FilteredView {
        let Some(plan) = &self.plan else {
            return FilteredView {
                reason: "other_settings",
                message: "by the settings it had then; the present ones can't be used".into(),
            };
        };
        let (reason, message) = match plan.explain_shown(event, &masked.event, part) {
            Some(Filtered::PathOff) => ("path_off", "the sync doesn't send such events".into()),
            Some(Filtered::EventType) => ("event_type", "its event type is not selected".into()),
            Some(Filtered::Unchanged) => (
                "unchanged",
                "nothing changed about the user that the sync sends".into(),
            ),
            Some(Filtered::Erased) => ("erased", "its user was erased".into()),
            // What a condition is compared with may be the value itself.
            Some(Filtered::Condition { condition }) => {
                ("condition", masked.redaction.apply(&condition))
            }
            None if self.leaves_out => (
                "left_out",
                "by the settings it had then, or it was dropped while the sync was on hold, so long ago that \
                 how is no longer known"
                    .into(),
            ),
            None => (
                "other_settings",
                "by the settings it had then; the present ones would send it".into(),
            ),
        };
        FilteredView { reason, message }
    }

    fn verdict(&self, part: Part, state: VerdictState, summary: String, event: &Event) -> Verdict {
        Verdict {
            part,
            replay: None,
            state,
            summary,
            delivery: None,
            filtered: None,
            let_go: None,
            events_before: None,
            settings_are_newer: self.record.updated_at > event.received_at,
        }
    }
}

/// When each part of the event was last tried, by what is kept of attempts.
fn last_tried(fate: &Fate) -> [Option<Timestamp>; 2] {
    [Part::Event, Part::User].map(|part| {
        let attempts = fate.attempts.iter().map(|row| &row.attempt);
        let of_part = attempts.filter(|one| one.part == part);
        of_part.map(|one| one.at).max()
    })
}
