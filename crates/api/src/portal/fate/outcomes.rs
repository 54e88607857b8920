//! The attempts of a sync: searched, a page at a time.

use axum::Json;
use axum::extract;
use journal::fate::{Key, MOST_TYPE_BYTES, OutcomeKey, Outcomes, What, beginning};
use model::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::home::Home;
use super::{AttemptOutcome, AttemptView, time};
use crate::auth::Allowed;
use crate::auth::permission::DeliveriesRead;
use crate::portal::extract::Query;
use crate::portal::openapi::Refusal;
use crate::portal::page::PageQuery;
use crate::portal::sync::Ids;
use crate::portal::{ApiError, State};

/// Which attempts.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::portal) struct OutcomesQuery {
    /// Only those that ended so.
    #[param(inline)]
    outcome: Option<AttemptOutcome>,
    /// Only those of this category of failures, or discarded for this reason.
    #[param(example = "timeout")]
    category: Option<String>,
    /// Only those answered with this status.
    #[param(minimum = 100, maximum = 999)]
    status: Option<u16>,
    /// Only those of events of this type.
    event_type: Option<String>,
    /// Only those of events of this user.
    user: Option<String>,
    /// Only those of events of this device.
    device: Option<String>,
    /// Only those of events with this `insert_id`.
    insert_id: Option<String>,
    /// Only those of events with this `event_id`.
    event_id: Option<i64>,
    /// Only those that were over at this time or later, RFC 3339.
    #[param(format = DateTime)]
    from: Option<String>,
    /// Only those that were over before this time, RFC 3339.
    #[param(format = DateTime)]
    until: Option<String>,
    /// `next` of the page before; absent for the first page.
    cursor: Option<String>,
    /// Most attempts on the page.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
}

/// An attempt, and whose event it was made of.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::portal) struct ListedAttempt {
    /// The attempt.
    #[serde(flatten)]
    attempt: AttemptView,
    /// The id of the event's user; null also when the event is no longer kept.
    user_id: Option<String>,
    /// The id of its device; null also when the event is no longer kept.
    device_id: Option<String>,
}

/// A page of attempts, latest first.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::portal) struct AttemptPage {
    /// What is on it. With `status` there can be fewer than `limit`, even none, and still a next page: a
    /// request looks at 50,000 attempts at most.
    items: Vec<ListedAttempt>,
    /// The next page's `cursor`; null on the last page.
    next: Option<String>,
    /// Whether all events were looked at. Not where events are searched for and the index of events is
    /// being built anew, or more than 1,000 carry what is searched for: then it was the newest. Neither beyond the newest 50
    /// imports.
    complete: bool,
}

impl OutcomesQuery {
    /// The kinds of outcomes that are asked for; empty for all.
    fn whats(&self) -> Result<Vec<What>, ApiError> {
        if self.outcome.is_none() && self.category.is_none() {
            return Ok(Vec::new());
        }
        let category = self.category.as_deref();
        let whats = What::all().filter(|what| {
            let outcome = AttemptOutcome::of(*what);
            self.outcome.is_none_or(|wanted| wanted == outcome)
                && category.is_none_or(|wanted| what.category() == Some(wanted))
        });
        let whats: Vec<_> = whats.collect();
        if whats.is_empty() {
            let known: Vec<_> = What::all().filter_map(What::category).collect();
            let message = match known.iter().any(|known| Some(*known) == category) {
                true => "category: there is none such with this outcome".to_owned(),
                false => {
                    let mut known = known;
                    known.sort_unstable();
                    known.dedup();
                    format!("category: one of {}", known.join(", "))
                }
            };
            return Err(ApiError::Query { message });
        }
        Ok(whats)
    }

    /// What the events are looked up by, if they are, the rarest first.
    fn keys(&self) -> Vec<Key> {
        let user = self.user.clone().map(Key::User);
        let device = self.device.clone().map(Key::Device);
        let insert_id = self.insert_id.clone().map(Key::InsertId);
        let event_id = self.event_id.map(Key::EventId);
        [insert_id, event_id, user, device]
            .into_iter()
            .flatten()
            .collect()
    }
}

/// Searches a sync's attempts: those that failed, that ended a delivery, or that delivered after others
/// had failed. Those of its replays of past events are among them.
#[utoipa::path(get, path = "/projects/{project}/syncs/{sync}/outcomes", tag = "deliveries",
    operation_id = "list_outcomes",
    params(("project" = String, Path, description = "The project's id"),
        ("sync" = String, Path, description = "The sync's id"), OutcomesQuery),
    responses((status = 200, body = AttemptPage), Refusal))]
pub(in crate::portal) async fn list(
    _: Allowed<DeliveriesRead>,
    extract::State(portal): State,
    crate::portal::extract::Path((project, id)): Ids,
    Query(query): Query<OutcomesQuery>,
) -> Result<Json<AttemptPage>, ApiError> {
    let page = PageQuery::new(query.cursor.clone(), query.limit);
    let (before, max) = (page.after(parse_key)?, page.limit()? as usize);
    let whats = query.whats()?;
    let (from, until) = (
        time("from", query.from.as_deref())?,
        time("until", query.until.as_deref())?,
    );
    portal.store.sync(project, id).await?;
    let event_type = query.event_type.as_deref();
    let wanted = Outcomes {
        whats,
        status: query.status,
        event_type: event_type.map(|text| beginning(text, MOST_TYPE_BYTES).to_owned()),
        keys: query.keys(),
        from,
        until,
        before,
        max,
    };
    let found = portal.lanes.fates().outcomes(id, wanted).await;
    let found = found.map_err(unavailable)?;
    let rows = found.rows.iter();
    let events = rows.map(|row| (row.of, row.attempt.offset));
    let seen = portal.seen(project, events).await?;
    let home = Home { project, sync: id };
    let items = found.rows.into_iter().map(|row| {
        let (of, offset) = (row.of, row.attempt.offset);
        let shown = |text| seen.text(of, offset, text);
        let names = seen.names(of, offset);
        ListedAttempt {
            attempt: AttemptView::new(home, row, &shown),
            user_id: names.user_id,
            device_id: names.device_id,
        }
    });
    Ok(Json(AttemptPage {
        items: items.collect(),
        next: found
            .next
            .map(|(at, sequence)| format!("{}.{sequence}", at.0)),
        complete: !found.partial,
    }))
}

pub(in crate::portal) fn unavailable(error: journal::StorageError) -> ApiError {
    crate::portal::LaneError::Unavailable(Box::new(error)).into()
}

fn parse_key(text: &str) -> Option<OutcomeKey> {
    let (at, sequence) = text.split_once('.')?;
    Some((Timestamp(at.parse().ok()?), sequence.parse().ok()?))
}
