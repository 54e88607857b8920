//! What a project really received: types of events, properties and examples of their values, for
//! suggestions wherever one of them is to be chosen.

use axum::Json;
use axum::extract;
use journal::received::{Received, ReceivedProperty, ReceivedScope, Seen};
use model::ProjectId;
use model::json::{self, Limits};
use model::sensitive::{Owner, SensitiveProperties, sounds_secret};
use serde::Serialize;
use utoipa::ToSchema;

use super::extract::Path;
use super::openapi::Refusal;
use super::view::rfc3339;
use super::{ApiError, State};
use crate::auth::Allowed;
use crate::auth::permission::DeliveriesRead;

/// Longest example that is shown, in characters.
const EXAMPLE_CHARACTERS: usize = 100;

/// What a project received lately: as long as it keeps events, and a month at most. What is counted is
/// exact; where there were too many names for that, it says how much may be missing.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ObservedView {
    /// Events are counted from here on: the beginning of a day (UTC).
    #[schema(format = DateTime)]
    since: String,
    /// How many were counted.
    events: u64,
    /// How many of the newest are there and not counted yet.
    behind: u64,
    /// Types of events, the most frequent first.
    event_types: Vec<ObservedTypeView>,
    /// There were at most so many events of any one type that is not shown.
    event_types_uncounted: u64,
    /// Properties of users, the most frequent first.
    user_properties: Vec<ObservedPropertyView>,
    /// There were at most so many events with any one of these that is not shown.
    user_properties_uncounted: u64,
    /// Types of groups that events came with, the most frequent first, and their properties.
    group_properties: Vec<ObservedGroupView>,
    /// There were at most so many events with any one type of group that is not shown.
    group_types_uncounted: u64,
    /// Whether there was more than there is room for: too many types or properties, or names too long.
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
    /// There were at most so many events with any one of these that is not shown.
    properties_uncounted: u64,
}

/// What groups of a type are like.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ObservedGroupView {
    /// The type.
    group_type: String,
    /// Events with such groups, whether or not these have properties.
    #[serde(flatten)]
    seen: SeenView,
    /// Their properties, the most frequent first.
    properties: Vec<ObservedPropertyView>,
    /// There were at most so many events with any one of these that is not shown.
    properties_uncounted: u64,
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
    /// Different values that it had in events that are still kept, as JSON, long ones cut; none where they
    /// are not for people's eyes.
    #[schema(max_items = 5)]
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

/// How often, and when.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SeenView {
    /// In how many of the events.
    events: u64,
    /// In at most so many more, which were not counted: they came before it took the place of what had
    /// become less frequent. 0 as long as there is room for all.
    uncounted: u64,
    /// Their share, from 0 to 1: of a type, of all events; of a property, of the events of the type, of
    /// all events (users'), or of those with such groups.
    share: f64,
    /// When the server took the earliest of them. That may be longer ago than counts reach back.
    #[schema(format = DateTime)]
    first_seen_at: String,
    /// When it took the latest.
    #[schema(format = DateTime)]
    last_seen_at: String,
}

impl SeenView {
    fn new(seen: Seen, of: u64) -> Self {
        Self {
            events: seen.events,
            uncounted: seen.uncounted,
            share: seen.events as f64 / of.max(1) as f64,
            first_seen_at: rfc3339(seen.first),
            last_seen_at: rfc3339(seen.last),
        }
    }
}

impl ObservedView {
    fn new(received: Received, sensitive: &SensitiveProperties) -> Self {
        let (truncated, all) = (received.is_cut(), received.events);
        let of_type = |scope: ReceivedScope| ObservedTypeView {
            seen: SeenView::new(scope.seen, all),
            properties_uncounted: scope.uncounted_properties,
            properties: properties(Owner::Event, scope.seen, scope.properties, sensitive),
            event_type: scope.name,
        };
        let of_group = |scope: ReceivedScope| ObservedGroupView {
            seen: SeenView::new(scope.seen, all),
            properties_uncounted: scope.uncounted_properties,
            properties: properties(Owner::Group, scope.seen, scope.properties, sensitive),
            group_type: scope.name,
        };
        let users = received.users;
        Self {
            since: rfc3339(received.since),
            events: all,
            behind: received.behind,
            event_types: received.types.into_iter().map(of_type).collect(),
            event_types_uncounted: received.uncounted_types,
            user_properties_uncounted: users.uncounted_properties,
            group_types_uncounted: received.uncounted_groups,
            user_properties: properties(Owner::User, users.seen, users.properties, sensitive),
            group_properties: received.groups.into_iter().map(of_group).collect(),
            truncated,
        }
    }
}

fn properties(
    owner: Owner,
    of: Seen,
    properties: Vec<ReceivedProperty>,
    sensitive: &SensitiveProperties,
) -> Vec<ObservedPropertyView> {
    let view = |property: ReceivedProperty| {
        let name = property.name;
        let sensitive_name = match () {
            () if sensitive.has(owner, &name) => SensitiveName::Marked,
            () if sounds_secret(&name) => SensitiveName::Suspected,
            () => SensitiveName::No,
        };
        let shown = matches!(sensitive_name, SensitiveName::No);
        let examples = property.examples.iter().filter(|_| shown);
        let mut examples: Vec<_> = examples
            .filter_map(|example| shown_example(owner, &name, &example.value, sensitive))
            .collect();
        // Different values may look alike once they are masked or cut.
        examples.sort_unstable();
        examples.dedup();
        ObservedPropertyView {
            seen: SeenView::new(property.seen, of.events),
            kinds: property.kinds.into_iter().map(|(kind, _)| kind).collect(),
            examples,
            sensitive: sensitive_name,
            name,
        }
    };
    properties.into_iter().map(view).collect()
}

/// A value without what is sensitive in it, and not too long.
fn shown_example(
    owner: Owner,
    name: &str,
    example: &str,
    sensitive: &SensitiveProperties,
) -> Option<String> {
    let mut value = json::parse(example.as_bytes(), &Limits::OWN).ok()?;
    sensitive.mask_value(owner, name, &mut value);
    let mut shown = value.to_json();
    if let Some((cut, _)) = shown.char_indices().nth(EXAMPLE_CHARACTERS) {
        shown.truncate(cut);
        shown.push('…');
    }
    Some(shown)
}

/// Shows what a project received lately: types of events, the properties of events, users and groups,
/// kinds and examples of their values, how often they occur, when they were first and last seen.
#[utoipa::path(get, path = "/projects/{project}/observed", tag = "projects",
    operation_id = "observe_events",
    params(("project" = String, Path, description = "The project's id")),
    responses((status = 200, body = ObservedView), Refusal))]
pub(super) async fn show(
    _: Allowed<DeliveriesRead>,
    extract::State(portal): State,
    Path(project): Path<ProjectId>,
) -> Result<Json<ObservedView>, ApiError> {
    let sensitive = portal.store.project(project).await?.sensitive;
    let now = portal.authority.clock.now();
    let received = portal.lanes.received(project, now).await?;
    // There may be thousands of properties.
    let viewing = move || ObservedView::new(received, &sensitive);
    let viewed = portal.tasks.spawn_blocking(viewing).await;
    let view = viewed.map_err(|panicked| ApiError::Internal {
        source: panicked.into(),
    })?;
    Ok(Json(view))
}
