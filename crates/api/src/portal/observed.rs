//! What a project really received: types of events, properties and examples of their values, for
//! suggestions wherever one of them is to be chosen.

use axum::Json;
use axum::extract;
use model::ProjectId;
use model::sensitive::SensitiveProperties;
use pipeline::observe::{Observed, ObservedProperty, ObservedType, Properties, Seen, Sensitive};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{Path, Query};
use super::openapi::Refusal;
use super::view::rfc3339;
use super::{ApiError, Portal, State};
use crate::auth::Allowed;
use crate::auth::permission::DeliveriesRead;

/// How many events are looked at: unless the client says, and at most.
const USUAL: u32 = 2000;
const MOST: u32 = 10_000;

/// Events that are looked at in one go.
const AT_ONCE: usize = 500;

/// How far to look back.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ObservedQuery {
    /// How many of the newest events to look at.
    #[param(minimum = 1, maximum = 10_000, default = 2000)]
    events: Option<u32>,
}

/// What the newest events are like: exact for those that were looked at.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ObservedView {
    /// How many events were looked at.
    events: u64,
    /// Types of events, the most frequent first.
    event_types: Vec<ObservedTypeView>,
    /// Properties of users, the most frequent first.
    user_properties: Vec<ObservedPropertyView>,
    /// Properties of groups.
    group_properties: Vec<ObservedGroupView>,
    /// Whether there was more than is shown: too many types or properties.
    truncated: bool,
}

/// What events of a type are like.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ObservedTypeView {
    /// The type.
    event_type: String,
    #[serde(flatten)]
    seen: SeenView,
    /// Their properties, the most frequent first.
    properties: Vec<ObservedPropertyView>,
}

/// What groups of a type are like.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ObservedGroupView {
    /// The type.
    group_type: String,
    /// Their properties, the most frequent first.
    properties: Vec<ObservedPropertyView>,
}

/// What a property is like.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ObservedPropertyView {
    /// Its name.
    name: String,
    #[serde(flatten)]
    seen: SeenView,
    /// Kinds of values (`string`, `number`, `boolean`, `array`, `object`), the most frequent first.
    kinds: Vec<&'static str>,
    /// Different values that it had, as JSON, long ones cut; none where they are not for people's eyes.
    examples: Vec<String>,
    /// Whether they are kept from people's eyes.
    sensitive: SensitiveName,
}

/// Whether a property's values are kept from people's eyes.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum SensitiveName {
    /// No.
    No,
    /// Its name sounds so: there are no examples, but events are shown with them.
    Suspected,
    /// It is among the project's sensitive properties: its values are masked wherever events are shown.
    Marked,
}

impl From<Sensitive> for SensitiveName {
    fn from(sensitive: Sensitive) -> Self {
        match sensitive {
            Sensitive::No => Self::No,
            Sensitive::Suspected => Self::Suspected,
            Sensitive::Marked => Self::Marked,
        }
    }
}

/// How often, and when.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SeenView {
    /// In how many of the events.
    events: u64,
    /// When the server took the earliest of them.
    #[schema(format = DateTime)]
    first_seen_at: String,
    /// When it took the latest.
    #[schema(format = DateTime)]
    last_seen_at: String,
}

impl From<Seen> for SeenView {
    fn from(seen: Seen) -> Self {
        Self {
            events: seen.events,
            first_seen_at: rfc3339(seen.first),
            last_seen_at: rfc3339(seen.last),
        }
    }
}

impl From<Observed> for ObservedView {
    fn from(observed: Observed) -> Self {
        let mut types: Vec<_> = observed.types.into_iter().collect();
        types.sort_by_key(|(_, each)| std::cmp::Reverse(each.seen.events));
        let of_type = |(event_type, each): (String, ObservedType)| ObservedTypeView {
            event_type,
            seen: each.seen.into(),
            properties: properties(each.properties),
        };
        let groups = observed.group_properties.into_iter();
        let groups = groups.map(|(group_type, each)| ObservedGroupView {
            group_type,
            properties: properties(each),
        });
        Self {
            events: observed.events,
            event_types: types.into_iter().map(of_type).collect(),
            user_properties: properties(observed.user_properties),
            group_properties: groups.collect(),
            truncated: observed.truncated,
        }
    }
}

fn properties(properties: Properties) -> Vec<ObservedPropertyView> {
    let mut properties: Vec<_> = properties.into_iter().collect();
    properties.sort_by_key(|(_, each)| std::cmp::Reverse(each.seen.events));
    let view = |(name, each): (String, ObservedProperty)| {
        let mut kinds: Vec<_> = each.kinds.into_iter().collect();
        kinds.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        ObservedPropertyView {
            name,
            seen: each.seen.into(),
            kinds: kinds.into_iter().map(|(kind, _)| kind).collect(),
            examples: each.examples,
            sensitive: each.sensitive.into(),
        }
    };
    properties.into_iter().map(view).collect()
}

/// Shows what the newest events that a project received are like: their types, the properties of
/// events, users and groups, and examples of their values.
#[utoipa::path(get, path = "/projects/{project}/observed", tag = "projects",
    operation_id = "observe_events",
    params(("project" = String, Path, description = "The project's id"), ObservedQuery),
    responses((status = 200, body = ObservedView), Refusal))]
pub(super) async fn show(
    _: Allowed<DeliveriesRead>,
    extract::State(portal): State,
    Path(project): Path<ProjectId>,
    Query(query): Query<ObservedQuery>,
) -> Result<Json<ObservedView>, ApiError> {
    let events = query.events.unwrap_or(USUAL);
    if !(1..=MOST).contains(&events) {
        let message = format!("events: from 1 to {MOST}");
        return Err(ApiError::Query { message });
    }
    let sensitive = portal.store.project(project).await?.sensitive;
    let observed = portal.observed(project, events as usize, sensitive);
    let observed = observed.await?;
    Ok(Json(observed.into()))
}

impl Portal {
    /// What a project's newest events are like. A page of them is in memory at a time.
    async fn observed(
        &self,
        project: ProjectId,
        events: usize,
        sensitive: SensitiveProperties,
    ) -> Result<Observed, ApiError> {
        let (mut observed, mut end, mut left) = (Observed::new(sensitive), None, events);
        while left > 0 {
            let at_once = AT_ONCE.min(left);
            let page = self.lanes.events(project, end, at_once).await?;
            let (found, oldest) = (page.len(), page.last().map(|event| event.offset));
            let noted = self.tasks.spawn_blocking(move || {
                page.iter().for_each(|event| observed.add(event));
                observed
            });
            observed = noted.await.map_err(|panicked| ApiError::Internal {
                source: panicked.into(),
            })?;
            if found < at_once {
                break;
            }
            (end, left) = (oldest, left - found);
        }
        Ok(observed)
    }
}
