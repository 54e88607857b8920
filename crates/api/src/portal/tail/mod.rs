//! Tails: accepted events, and what becomes of deliveries, as it happens, over server-sent events
//! (HTML Living Standard, section 9.2).
//!
//! A tail reads what there is when its client has taken what came before: a slow client costs no
//! memory, and is told how much it missed. Each is a seat, of which there are so many in all and for
//! one person or token; and each ends with what its caller was let in for.

mod choice;
mod message;
mod source;
mod stream;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract;
use axum::http::HeaderMap;
use axum::response::Response;
use model::tail::Ending;
use model::{Offset, ProjectId, SyncId};
use serde::Serialize;
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;

use super::event::EventView;
use super::extract::{Path, Query};
use super::openapi::Refusal;
use super::{ApiError, Portal, State};
use crate::auth::permission::DeliveriesRead;
use crate::auth::{Allowed, Who};
use choice::{EventChoice, OutcomeChoice};
use source::{Events, Outcomes};
use stream::Tail;

/// Most tails that are open at once.
const MOST: usize = 200;

/// Most tails that one person, or one token of the installation, has open at once.
const MOST_OF_ONE: usize = 10;

/// The tails that are open.
#[derive(Default)]
pub(super) struct Tails {
    /// Ends them all.
    ending: CancellationToken,
    /// How many, by whose they are.
    open: Mutex<HashMap<String, usize>>,
}

impl Tails {
    fn open(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        // Numbers are changed in one step each.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends all that are open, and those that will be.
    pub(super) fn end(&self) {
        self.ending.cancel();
    }
}

/// A place among the tails, as long as it is held.
struct Seat {
    portal: Arc<Portal>,
    whose: String,
}

impl Seat {
    /// Refused when all are taken, or all that one may have.
    fn take(portal: &Arc<Portal>, who: &Who) -> Result<Self, ApiError> {
        let whose = match (who.person_id(), who) {
            (Some(person), _) => person.to_string(),
            (None, Who::Token(verified)) => verified.token.id.clone(),
            (None, Who::Person { session, .. }) => session.id.clone(),
        };
        let mut open = portal.tails.open();
        let too_many = |message| Err(ApiError::TooManyTails { message });
        if open.values().sum::<usize>() >= MOST {
            return too_many("too many tails are open on this server: try again in a while");
        }
        let own = open.entry(whose.clone()).or_default();
        if *own >= MOST_OF_ONE {
            return too_many("you have ten tails open already: close one");
        }
        *own += 1;
        drop(open);
        let portal = Arc::clone(portal);
        Ok(Self { portal, whose })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut open = self.portal.tails.open();
        if let Some(own) = open.get_mut(&self.whose) {
            *own -= 1;
            if *own == 0 {
                open.remove(&self.whose);
            }
        }
    }
}

/// An attempt of a delivery that is over.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TailedOutcome {
    /// When it was over.
    #[schema(format = DateTime)]
    at: String,
    /// The sync.
    sync: String,
    /// How it ended.
    outcome: Ending,
    /// The event's position in the project's log.
    offset: u64,
    /// Which delivery of the event.
    part: model::Part,
    /// Identifies the delivery: requests carry it as `Millstream-Delivery-Id`.
    delivery_id: String,
    /// Which attempt it was, from 1.
    attempt: u8,
    /// The event's type.
    event_type: String,
    /// The event's user; null where it has none.
    user_id: Option<String>,
    /// The event's device; null where it has none.
    device_id: Option<String>,
    /// The status, where there was an answer.
    status: Option<u16>,
    /// What kind of failure, where it failed.
    category: Option<model::outcome::Category>,
    /// What went wrong, in words.
    message: Option<String>,
    /// How long the attempt took, in milliseconds; null where no request could be made.
    ms: Option<u64>,
}

/// Follows the events that a project accepts, as server-sent events.
///
/// Messages are `begin` (where it begins: `next`), `event` (as the list of events shows it; its id is the
/// position), `skipped` (the reader was too slow: `count` events are left out), and `ended` (why: `reason`).
/// A comment comes every 15 seconds. Who comes back with `Last-Event-ID` goes on behind that event.
#[utoipa::path(get, path = "/projects/{project}/tail/events", tag = "projects",
    operation_id = "tail_events",
    params(("project" = String, Path, description = "The project's id"), choice::EventQuery,
        ("last-event-id" = Option<u64>, Header, description = "The last event that came before")),
    responses((status = 200, body = EventView, content_type = "text/event-stream",
        description = "Does not end by itself. This is the data of an `event`."), Refusal))]
pub(super) async fn events(
    allowed: Allowed<DeliveriesRead>,
    extract::State(portal): State,
    Path(project): Path<ProjectId>,
    headers: HeaderMap,
    Query(query): Query<Vec<(String, String)>>,
) -> Result<Response, ApiError> {
    let choice = EventChoice::read(query)?;
    let last = choice::last_event_id(&headers)?.or(choice.after);
    let about = portal.store.project(project).await?;
    let source = Events::new(&portal, &about, choice, last.map(Offset));
    Tail::open(&portal, &allowed.principal, (project, None), source)
}

/// Follows what becomes of a project's deliveries, as server-sent events.
///
/// Messages are `begin`, `outcome` (an attempt is over), `skipped` (the reader was too slow: `count` outcomes
/// are left out), and `ended` (why: `reason`). A comment comes every 15 seconds. What happens while nobody
/// listens isn't told later: figures and lists tell it.
#[utoipa::path(get, path = "/projects/{project}/tail/outcomes", tag = "deliveries",
    operation_id = "tail_outcomes_of_project",
    params(("project" = String, Path, description = "The project's id"), choice::OutcomeQuery),
    responses((status = 200, body = TailedOutcome, content_type = "text/event-stream",
        description = "Does not end by itself. This is the data of an `outcome`."), Refusal))]
pub(super) async fn outcomes_of_project(
    allowed: Allowed<DeliveriesRead>,
    extract::State(portal): State,
    Path(project): Path<ProjectId>,
    Query(query): Query<Vec<(String, String)>>,
) -> Result<Response, ApiError> {
    let choice = OutcomeChoice::read(query)?;
    portal.store.project(project).await?;
    let source = Outcomes::new(&portal, project, None, choice);
    Tail::open(&portal, &allowed.principal, (project, None), source)
}

/// Follows what becomes of a sync's deliveries, as server-sent events: as for a project.
#[utoipa::path(get, path = "/projects/{project}/syncs/{sync}/tail", tag = "deliveries",
    operation_id = "tail_outcomes_of_sync",
    params(("project" = String, Path, description = "The project's id"),
        ("sync" = String, Path, description = "The sync's id"), choice::OutcomeQuery),
    responses((status = 200, body = TailedOutcome, content_type = "text/event-stream",
        description = "Does not end by itself. This is the data of an `outcome`."), Refusal))]
pub(super) async fn outcomes_of_sync(
    allowed: Allowed<DeliveriesRead>,
    extract::State(portal): State,
    Path((project, sync)): Path<(ProjectId, SyncId)>,
    Query(query): Query<Vec<(String, String)>>,
) -> Result<Response, ApiError> {
    let choice = OutcomeChoice::read(query)?;
    portal.store.sync(project, sync).await?;
    let source = Outcomes::new(&portal, project, Some(sync), choice);
    Tail::open(&portal, &allowed.principal, (project, Some(sync)), source)
}
