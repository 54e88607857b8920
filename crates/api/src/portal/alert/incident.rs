//! Incidents: what is wrong, what was, and who sees to it.

use axum::Json;
use axum::extract;
use model::alert::Kind;
use model::outcome::Category;
use model::sensitive::SensitiveProperties;
use model::{IncidentId, ProjectId, SyncId};
use serde::{Deserialize, Serialize};
use store::alert::{Incident, IncidentFilter};
use utoipa::{IntoParams, ToSchema};

use super::masked::as_told;
use crate::auth::Allowed;
use crate::auth::permission::{SyncsRead, SyncsWrite};
use crate::portal::draft::present;
use crate::portal::extract::{Body, Path, Query};
use crate::portal::openapi::Refusal;
use crate::portal::page::{Page, PageQuery};
use crate::portal::view::{parse_rfc3339, rfc3339};
use crate::portal::{ApiError, State};

/// An incident: one rule's trouble with one sync.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::portal) struct IncidentView {
    /// Identifies it.
    id: String,
    /// The sync.
    sync: String,
    /// Which rule.
    rule: Kind,
    /// When it began.
    #[schema(format = DateTime)]
    opened_at: String,
    /// Why, in words.
    reason: String,
    /// How the sync did, in a word.
    health: String,
    /// The last failure before it; null where there was none.
    sample: Option<IncidentSample>,
    /// What was still to be delivered when it began.
    held: IncidentHeld,
    /// How it ended; null while it is open.
    ended: Option<IncidentEnd>,
    /// Whether it was told that it is open; quiet hours hold that back.
    told: bool,
    /// Until when it is held back by quiet hours.
    #[schema(format = DateTime)]
    told_from: Option<String>,
    /// Who sees to it; null: nobody said so.
    acknowledged: Option<IncidentAcknowledged>,
    /// Until when nothing more is told of it.
    #[schema(format = DateTime)]
    muted_until: Option<String>,
}

/// A failure.
#[derive(Debug, Serialize, ToSchema)]
struct IncidentSample {
    /// What kind.
    category: Option<Category>,
    /// The status, where there was an answer.
    status: Option<u16>,
    /// What happened, in words, without secrets. Where the project has sensitive properties, these are
    /// words for the status or the category, without what the destination said.
    message: String,
}

/// What is still to be delivered.
#[derive(Debug, Serialize, ToSchema)]
struct IncidentHeld {
    /// Deliveries that wait for their next attempt.
    pending: u64,
    /// Events that were not looked at yet.
    backlog: u64,
}

/// How an incident ended.
#[derive(Debug, Serialize, ToSchema)]
struct IncidentEnd {
    /// When.
    #[schema(format = DateTime)]
    at: String,
    /// `recovered`, `switched_off` (the sync), `deleted` (the sync), or `rule_off`.
    why: String,
    /// How long it lasted.
    lasted_seconds: u64,
    /// Deliveries whose last attempt failed meanwhile.
    expired: u64,
    /// Events of which no request could be made meanwhile.
    discarded: u64,
    /// Events and deliveries that were lost meanwhile because the sync stood still beyond its bounds.
    lost: u64,
    /// How the sync did then, in a word; null of incidents that ended before that was kept.
    health: Option<String>,
    /// What was still to be delivered at the end.
    held: IncidentHeld,
}

/// Who sees to an incident.
#[derive(Debug, Serialize, ToSchema)]
struct IncidentAcknowledged {
    /// When they said so.
    #[schema(format = DateTime)]
    at: String,
    /// Who.
    by: String,
}

impl IncidentView {
    /// As people of a project with these sensitive properties may see it.
    fn new(incident: &Incident, sensitive: &SensitiveProperties) -> Self {
        let seen = &*as_told(&incident.seen, sensitive);
        let sample = seen.message.as_ref().map(|message| IncidentSample {
            category: seen.category,
            status: seen.status,
            message: message.clone(),
        });
        let ended = incident.closed.as_ref().map(|(at, ended)| IncidentEnd {
            at: rfc3339(*at),
            why: ended.why.clone(),
            lasted_seconds: at.since(incident.opened_at).as_secs(),
            expired: ended.expired,
            discarded: ended.discarded,
            lost: ended.lost,
            health: ended.health.clone(),
            held: IncidentHeld {
                pending: ended.pending,
                backlog: ended.backlog,
            },
        });
        let acknowledged = incident.acknowledged.as_ref();
        Self {
            id: incident.id.to_string(),
            sync: incident.sync.to_string(),
            rule: incident.kind,
            opened_at: rfc3339(incident.opened_at),
            reason: seen.reason.clone(),
            health: seen.health.clone(),
            sample,
            held: IncidentHeld {
                pending: seen.pending,
                backlog: seen.backlog,
            },
            ended,
            told: incident.told,
            told_from: incident.tell_at.map(rfc3339),
            acknowledged: acknowledged.map(|(at, by)| IncidentAcknowledged {
                at: rfc3339(*at),
                by: by.clone(),
            }),
            muted_until: incident.muted_until.map(rfc3339),
        }
    }
}

/// Which incidents.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::portal) struct IncidentsQuery {
    /// Only of the sync with this id.
    sync: Option<String>,
    /// Only open ones (`true`), or only those that are over (`false`).
    open: Option<bool>,
    /// `next` of the page before; absent for the first page.
    cursor: Option<String>,
    /// Most items on the page.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
}

/// Until when nothing is told.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::portal) struct MuteInput {
    /// A time; null: it is told again.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, format = DateTime)]
    until: Option<Option<String>>,
}

type Ids = Path<(ProjectId, IncidentId)>;

/// Lists a project's incidents: open ones first, the newest of them first.
#[utoipa::path(get, path = "/projects/{project}/incidents", tag = "alerts",
    operation_id = "list_incidents",
    params(("project" = String, Path, description = "The project's id"), IncidentsQuery),
    responses((status = 200, body = Page<IncidentView>), Refusal))]
pub(in crate::portal) async fn list(
    _: Allowed<SyncsRead>,
    extract::State(portal): State,
    Path(project): Path<ProjectId>,
    Query(query): Query<IncidentsQuery>,
) -> Result<Json<Page<IncidentView>>, ApiError> {
    let page = PageQuery::new(query.cursor, query.limit);
    let after = page.after(|cursor| cursor.parse().ok())?;
    let sync: Option<SyncId> = match query.sync {
        None => None,
        Some(id) => Some(id.parse().map_err(|_| ApiError::Query {
            message: "sync: the id of a sync".into(),
        })?),
    };
    let sensitive = portal.store.project(project).await?.sensitive;
    if let Some(sync) = sync {
        portal.store.sync(project, sync).await?;
    }
    let filter = IncidentFilter {
        sync,
        open: query.open,
    };
    let found = portal
        .store
        .incidents(project, filter, after.as_ref(), page.limit()?);
    Ok(Json(Page::of(found.await?, |incident| {
        IncidentView::new(&incident, &sensitive)
    })))
}

/// Shows an incident.
#[utoipa::path(get, path = "/projects/{project}/incidents/{incident}", tag = "alerts",
    operation_id = "show_incident",
    params(("project" = String, Path, description = "The project's id"),
        ("incident" = String, Path, description = "The incident's id")),
    responses((status = 200, body = IncidentView), Refusal))]
pub(in crate::portal) async fn show(
    _: Allowed<SyncsRead>,
    extract::State(portal): State,
    Path((project, id)): Ids,
) -> Result<Json<IncidentView>, ApiError> {
    let incident = portal.store.incident(project, id).await?;
    let sensitive = portal.store.project(project).await?.sensitive;
    Ok(Json(IncidentView::new(&incident, &sensitive)))
}

/// Says that one sees to an incident; who was first stays.
#[utoipa::path(post, path = "/projects/{project}/incidents/{incident}/acknowledge", tag = "alerts",
    operation_id = "acknowledge_incident",
    params(("project" = String, Path, description = "The project's id"),
        ("incident" = String, Path, description = "The incident's id")),
    responses((status = 200, body = IncidentView), Refusal))]
pub(in crate::portal) async fn acknowledge(
    allowed: Allowed<SyncsWrite>,
    extract::State(portal): State,
    Path((project, id)): Ids,
) -> Result<Json<IncidentView>, ApiError> {
    let by = allowed.caller();
    let incident = portal.store.acknowledge_incident(project, id, &by).await?;
    let sensitive = portal.store.project(project).await?.sensitive;
    Ok(Json(IncidentView::new(&incident, &sensitive)))
}

/// Has nothing told of an incident until a time: not that it is open, where that was held back, and not
/// that it is over.
#[utoipa::path(post, path = "/projects/{project}/incidents/{incident}/mute", tag = "alerts",
    operation_id = "mute_incident",
    params(("project" = String, Path, description = "The project's id"),
        ("incident" = String, Path, description = "The incident's id")),
    request_body = MuteInput,
    responses((status = 200, body = IncidentView), Refusal))]
pub(in crate::portal) async fn mute(
    allowed: Allowed<SyncsWrite>,
    extract::State(portal): State,
    Path((project, id)): Ids,
    Body(input): Body<MuteInput>,
) -> Result<Json<IncidentView>, ApiError> {
    let needed = || ApiError::field("/until", "a time such as 2030-01-31T12:00:00Z, or null");
    let until = match input.until.ok_or_else(needed)? {
        None => None,
        Some(text) => Some(parse_rfc3339(&text).ok_or_else(needed)?),
    };
    let by = allowed.caller();
    let incident = portal.store.mute_incident(project, id, until, &by).await?;
    let sensitive = portal.store.project(project).await?.sensitive;
    Ok(Json(IncidentView::new(&incident, &sensitive)))
}
