//! One event's deliveries by one sync, with all their attempts.

use axum::Json;
use axum::extract;
use journal::fate::{Delivered, Fate, Standing};
use journal::{Ended, EndedWhy, LaneOf, Retry};
use model::outcome::Failure;
use model::{Offset, Part, ProjectId, SyncId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::AttemptView;
use super::home::{Home, delivery_id};
use super::outcomes::unavailable;
use crate::auth::Allowed;
use crate::auth::permission::DeliveriesRead;
use crate::portal::extract::{Path, Query};
use crate::portal::openapi::Refusal;
use crate::portal::view::rfc3339;
use crate::portal::{ApiError, State};

/// Of an event in which log.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::portal) struct DeliveriesQuery {
    /// The import, by the replay's id, whose event it is; absent: one of the project's own.
    import: Option<String>,
}

/// What is known of one event's deliveries by a sync.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::portal) struct DeliveriesOfEvent {
    /// The event's position in the project's log.
    offset: u64,
    /// Where the event stands to the sync.
    standing: StandingName,
    /// Events that the sync has before it; null when it has settled it.
    events_before: Option<u64>,
    /// Those that there is something known of. An event that was settled without any was filtered.
    deliveries: Vec<KnownDelivery>,
}

/// Where an event stands to a sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum StandingName {
    /// The sync was never enabled.
    NeverEnabled,
    /// It was received before the sync began.
    BeforeSync,
    /// The sync has not settled it yet.
    Ahead,
    /// The sync has settled it.
    Settled,
    /// Settled so long ago that what was delivered at once is no longer known.
    Forgotten,
}

impl From<Standing> for StandingName {
    fn from(standing: Standing) -> Self {
        match standing {
            Standing::BeforeLane => Self::BeforeSync,
            Standing::Ahead { .. } => Self::Ahead,
            Standing::Settled => Self::Settled,
            Standing::Forgotten => Self::Forgotten,
        }
    }
}

/// What is known of a delivery.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct KnownDelivery {
    /// The delivery, as `Millstream-Delivery-Id` carries it.
    delivery_id: String,
    /// The replay of past events that it is of; null: the sync's own.
    pub(super) replay: Option<String>,
    /// Whether the event or its user is delivered.
    pub(super) part: Part,
    /// What became of it.
    #[serde(flatten)]
    pub(super) state: DeliveryState,
    /// Its attempts, as far as they are kept one by one, oldest first: not those that delivered at once.
    attempts: Vec<AttemptView>,
}

/// What became of a delivery.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub(super) enum DeliveryState {
    /// The destination took it.
    Delivered {
        /// When.
        #[schema(format = DateTime)]
        at: String,
        /// At which attempt, from 1.
        attempt: u8,
        /// The answer's status.
        status: Option<u16>,
        /// Milliseconds that the attempt took.
        took_ms: u32,
    },
    /// It waits for its next attempt; for a property of its user where the failure's category is
    /// `awaiting_property`.
    Pending {
        /// When that is due, or until when it waits.
        #[schema(format = DateTime)]
        due_at: String,
        /// How many have been made.
        attempts_made: u8,
        /// What the last one met.
        last_failure: FailureOfAttempt,
    },
    /// It waits for an earlier delivery of its user, or did and is under way.
    WaitingInOrder,
    /// The last attempt failed too.
    Expired {
        /// When.
        #[schema(format = DateTime)]
        at: String,
        /// How many attempts were made.
        attempts_made: u8,
        /// What the last one met.
        last_failure: FailureOfAttempt,
    },
    /// No request could be made of it.
    Discarded {
        /// When.
        #[schema(format = DateTime)]
        at: String,
        /// The reason's stable name.
        reason: &'static str,
        /// The reason in words.
        message: String,
    },
    /// Attempts failed, and then the sync's settings were changed so that it is no longer sent; or
    /// what became of it is no longer kept.
    Withdrawn,
}

/// What an attempt met.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FailureOfAttempt {
    /// The kind of failure.
    pub(super) category: &'static str,
    /// The status, where there was an answer.
    status: Option<u16>,
    /// What happened, in words.
    pub(super) message: String,
}

impl FailureOfAttempt {
    fn new(failure: &Failure, shown: Shown<'_>) -> Self {
        Self {
            category: failure.category.name(),
            status: failure.status,
            message: shown(failure.message.clone()),
        }
    }
}

/// Takes sensitive values out of texts that were made of the event.
type Shown<'a> = &'a dyn Fn(String) -> String;

/// Shows what became of one event's deliveries by a sync, with all attempts: the sync's own, and those of
/// its replays of past events.
#[utoipa::path(get, path = "/projects/{project}/syncs/{sync}/deliveries/{offset}", tag = "deliveries",
    operation_id = "show_deliveries",
    params(("project" = String, Path, description = "The project's id"),
        ("sync" = String, Path, description = "The sync's id"),
        ("offset" = u64, Path, description = "The event's position in the log"), DeliveriesQuery),
    responses((status = 200, body = DeliveriesOfEvent), Refusal))]
pub(in crate::portal) async fn show(
    _: Allowed<DeliveriesRead>,
    extract::State(portal): State,
    Path((project, id, offset)): Path<(ProjectId, SyncId, u64)>,
    Query(query): Query<DeliveriesQuery>,
) -> Result<Json<DeliveriesOfEvent>, ApiError> {
    portal.store.sync(project, id).await?;
    let home = Home { project, sync: id };
    let of = match &query.import {
        Some(import) => portal.log_of_import(project, "import", import).await?,
        None => home.own(),
    };
    let backfills = portal.lanes.backfills(id).await?;
    let fate = match of == home.own() || backfills.contains(&of) {
        true => portal.lanes.fates().fate(of.lane, Offset(offset)).await,
        // The import is another sync's, or forgotten.
        false => Ok(None),
    };
    let Some(fate) = fate.map_err(unavailable)? else {
        return Ok(Json(DeliveriesOfEvent {
            offset,
            standing: StandingName::NeverEnabled,
            events_before: None,
            deliveries: Vec::new(),
        }));
    };
    let event = std::iter::once((of, Offset(offset)));
    let redactions = portal.redactions_of(project, event).await?;
    let shown = |text| redactions.apply(of, Offset(offset), text);
    let events_before = match fate.standing {
        Standing::Ahead { events } => Some(events),
        _ => None,
    };
    let standing = fate.standing.into();
    let mut deliveries = known(home, of, Offset(offset), fate, &shown);
    for replay in same_log(&backfills, of) {
        let fate = portal.lanes.fates().fate(replay.lane, Offset(offset)).await;
        if let Some(fate) = fate.map_err(unavailable)? {
            deliveries.extend(known(home, replay, Offset(offset), fate, &shown));
        }
    }
    Ok(Json(DeliveriesOfEvent {
        offset,
        standing,
        events_before,
        deliveries,
    }))
}

/// The lanes of backfills that read the same log as this one, without itself.
pub(super) fn same_log(backfills: &[LaneOf], of: LaneOf) -> impl Iterator<Item = LaneOf> {
    let others = backfills.iter().copied();
    others.filter(move |other| other.log == of.log && other.lane != of.lane)
}

/// The deliveries of a lane that something is known of, as they may be shown.
pub(super) fn known(
    home: Home,
    of: LaneOf,
    offset: Offset,
    fate: Fate,
    shown: Shown<'_>,
) -> Vec<KnownDelivery> {
    let mut deliveries = Vec::new();
    for part in [Part::Event, Part::User] {
        let delivered = fate.delivered.iter().find(|one| one.part == part);
        let pending = fate.pending.iter().find(|one| one.part == part);
        let ended = fate.ended.iter().find(|one| one.part == part);
        let attempts = fate.attempts.iter();
        let attempts: Vec<_> = attempts
            .filter(|row| row.attempt.part == part)
            .cloned()
            .collect();
        // What came last counts: what ended can be sent again.
        let retried = attempts
            .iter()
            .rev()
            .map(|row| &row.attempt)
            .find(|attempt| attempt.what == journal::fate::What::Delivered);
        let state = match (pending, delivered, retried, ended) {
            (Some(pending), ..) => pending_state(pending, shown),
            _ if fate.in_order.contains(&part) => DeliveryState::WaitingInOrder,
            (_, _, Some(last), ended) if ended.is_none_or(|ended| ended.at <= last.at) => {
                DeliveryState::Delivered {
                    at: rfc3339(last.at),
                    attempt: last.number,
                    status: last.status,
                    took_ms: last.split.took_ms,
                }
            }
            (_, Some(delivered), ..) => first_state(delivered),
            (_, _, _, Some(ended)) => ended_state(ended, shown),
            (None, None, _, None) if attempts.is_empty() => continue,
            (None, None, _, None) => DeliveryState::Withdrawn,
        };
        deliveries.push(KnownDelivery {
            delivery_id: delivery_id(of, offset, part),
            replay: home.replay(of),
            part,
            state,
            attempts: attempts
                .into_iter()
                .map(|row| AttemptView::new(home, row, shown))
                .collect(),
        });
    }
    deliveries
}

fn pending_state(retry: &Retry, shown: Shown<'_>) -> DeliveryState {
    DeliveryState::Pending {
        due_at: rfc3339(retry.due_at),
        attempts_made: retry.attempts,
        last_failure: FailureOfAttempt::new(&retry.failure, shown),
    }
}

fn first_state(delivered: &Delivered) -> DeliveryState {
    DeliveryState::Delivered {
        at: rfc3339(delivered.at),
        attempt: 1,
        status: Some(delivered.status),
        took_ms: delivered.took_ms,
    }
}

fn ended_state(ended: &Ended, shown: Shown<'_>) -> DeliveryState {
    let at = rfc3339(ended.at);
    match &ended.why {
        EndedWhy::Expired(failure) => DeliveryState::Expired {
            at,
            attempts_made: ended.attempts,
            last_failure: FailureOfAttempt::new(failure, shown),
        },
        EndedWhy::Discarded(why) => DeliveryState::Discarded {
            at,
            reason: why.name(),
            message: shown(why.to_string()),
        },
    }
}
