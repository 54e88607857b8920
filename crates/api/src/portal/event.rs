//! The events that a project received lately.

use std::sync::Arc;

use axum::extract;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use model::sensitive::{Masked, mask};
use model::{Event, Offset, ProjectId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{Path, Query};
use super::openapi::Refusal;
use super::page::PageQuery;
use super::view::rfc3339;
use super::{ApiError, Portal, State};
use crate::auth::Allowed;
use crate::auth::permission::DeliveriesRead;

/// Most events that one request looks at to find those of a type.
const LOOKED_AT: usize = 10_000;

/// Events that are looked at in one go.
const AT_ONCE: usize = 500;

/// Which events.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct EventsQuery {
    /// Most events on the page.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
    /// Only events before this position: `next` of the page before. Absent: the newest.
    before: Option<u64>,
    /// Only events of this type.
    event_type: Option<String>,
    /// Only events of this import, by the replay's id, in place of the project's own: positions are
    /// among them.
    import: Option<String>,
}

/// A page of events, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EventPage {
    /// What is on it. With `event_type` there can be fewer than `limit`, even none, and still a next
    /// page: a request looks at 10,000 events at most.
    items: Vec<EventView>,
    /// The next page's `before`; null when there are no older events.
    next: Option<u64>,
}

/// An event as the project's log has it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EventView {
    /// Its position in the project's log, or among the import's events.
    offset: u64,
    /// When the server took it.
    #[schema(format = DateTime)]
    received_at: String,
    /// Whether it has values that are masked: the project's sensitive properties.
    masked: bool,
    /// The event as it is streamed: what templates see as `input`, but for what is masked.
    #[schema(value_type = Object)]
    event: serde_json::Value,
}

/// Lists the events that a project received lately, newest first.
#[utoipa::path(get, path = "/projects/{project}/events", tag = "projects",
    operation_id = "list_events",
    params(("project" = String, Path, description = "The project's id"), EventsQuery),
    responses((status = 200, body = EventPage), Refusal))]
pub(super) async fn list(
    _: Allowed<DeliveriesRead>,
    extract::State(portal): State,
    Path(project): Path<ProjectId>,
    Query(query): Query<EventsQuery>,
) -> Result<Response, ApiError> {
    let limit = PageQuery::new(None, query.limit).limit()? as usize;
    let before = query.before.map(Offset);
    let sensitive = portal.store.project(project).await?.sensitive;
    let wanted = query.event_type.as_deref();
    let log = match &query.import {
        Some(import) => portal.log_of_import(project, "import", import).await?.log,
        None => project,
    };
    let (events, next) = portal.recent(log, before, wanted, limit).await?;
    let json = [(header::CONTENT_TYPE, "application/json")];
    let events: Vec<_> = events.iter().map(|event| mask(event, &sensitive)).collect();
    Ok((json, written(&events, next)).into_response())
}

impl Portal {
    /// Up to `limit` of a project's events before `before`, newest first, and where older ones
    /// begin, if there are any.
    async fn recent(
        &self,
        project: ProjectId,
        before: Option<Offset>,
        event_type: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<Arc<Event>>, Option<Offset>), ApiError> {
        let (mut found, mut end, mut looked_at) = (Vec::new(), before, 0);
        while found.len() < limit && looked_at < LOOKED_AT {
            let at_once = match event_type {
                Some(_) => AT_ONCE.min(LOOKED_AT - looked_at),
                None => limit - found.len(),
            };
            let page = self.lanes.events(project, end, at_once).await?;
            looked_at += page.len();
            let last = page.len() < at_once;
            for event in page {
                if found.len() == limit {
                    return Ok((found, end));
                }
                end = Some(event.offset);
                if event.is_erased() {
                    continue;
                }
                if event_type.is_none_or(|wanted| is_of_type(&event, wanted)) {
                    found.push(event);
                }
            }
            if last {
                return Ok((found, None));
            }
        }
        Ok((found, end.filter(|end| end.0 > 0)))
    }
}

fn is_of_type(event: &Event, wanted: &str) -> bool {
    let root = event.root().ok();
    let event_type = root.and_then(|root| root.get("event_type"));
    event_type.and_then(|event_type| event_type.as_str()) == Some(wanted)
}

/// An [`EventPage`] with the events' own text: a tree of ours would write some numbers otherwise than
/// destinations get them.
fn written(events: &[Masked], next: Option<Offset>) -> Vec<u8> {
    let mut json = br#"{"items":["#.to_vec();
    for (number, shown) in events.iter().enumerate() {
        if number > 0 {
            json.push(b',');
        }
        write_item(&mut json, shown);
    }
    let next = next.map_or("null".to_owned(), |next| next.0.to_string());
    json.extend_from_slice(format!(r#"],"next":{next}}}"#).as_bytes());
    json
}

/// Appends an [`EventView`].
pub(super) fn write_item(json: &mut Vec<u8>, shown: &Masked) {
    let (event, masked) = (&shown.event, shown.is_changed());
    let (offset, received_at) = (event.offset.0, rfc3339(event.received_at));
    let about =
        format!(r#"{{"offset":{offset},"received_at":"{received_at}","masked":{masked},"event":"#);
    json.extend_from_slice(about.as_bytes());
    json.extend_from_slice(event.text());
    json.push(b'}');
}
