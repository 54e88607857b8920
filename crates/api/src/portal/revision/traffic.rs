//! What a change of a sync would mean for events that the project really received.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::extract;
use axum::http::Uri;
use model::access::{Permission, Permissions};
use model::definition::{Definition, ParameterKind};
use model::sync::{Settings, Sync};
use model::time::ManualClock;
use model::{Clock, ProjectId};
use pipeline::Plan;
use pipeline::difference::{Comparison, Difference};
use serde::{Deserialize, Serialize};
use store::{SecretFields, SyncDraft, SyncRecord};
use utoipa::ToSchema;

use crate::auth::Allowed;
use crate::auth::permission::SyncsRead;
use crate::portal::draft::{SyncInput, as_input, merge};
use crate::portal::extract::{Body, Path};
use crate::portal::openapi::Refusal;
use crate::portal::preview::stand_in;
use crate::portal::problem::{FieldProblem, pointer};
use crate::portal::sync::Ids;
use crate::portal::turns::Abandoned;
use crate::portal::{ApiError, Portal, State};

/// Events that are looked at when the client doesn't say.
const EVENTS: usize = 1_000;

/// Most events that are looked at.
const MOST_EVENTS: usize = 10_000;

/// Events that are held at once.
const AT_ONCE: usize = 500;

/// Samples of each kind of difference.
const SAMPLES: usize = 20;

/// A change that is not made yet.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::portal) struct DifferenceInput {
    /// What would be changed of the sync.
    #[serde(default)]
    changes: SyncInput,
    /// The version of the destination that it would be upgraded to with these changes; absent: it stays
    /// with its own.
    to: Option<u32>,
    /// How many of the project's newest events are looked at.
    #[schema(minimum = 0, maximum = 10_000, default = 1_000)]
    events: Option<usize>,
}

/// What a change would mean.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SyncDifference)]
pub(in crate::portal) struct DifferenceView {
    #[serde(flatten)]
    traffic: Difference,
    /// What has to be filled in before the sync can deliver: stand-ins were in its place.
    missing: Vec<FieldProblem>,
}

/// Shows what a change of a sync, or an upgrade with what it needs filled in, would mean for the
/// project's newest events, without making it. Of a sync that isn't complete yet and won't be by the change,
/// stand-ins are in the place of what is `missing`, before the change as after it.
/// Who may not edit the sync gets counts that nothing of sensitive values decides (`decided_masked`), and
/// who may see neither that nor deliveries no samples.
/// Placeholders stand for secrets: `SECRET-` and the name, or `NEW-SECRET-` where the change enters
/// another one.
#[utoipa::path(post, path = "/projects/{project}/syncs/{sync}/difference", tag = "syncs",
    operation_id = "show_sync_difference",
    params(("project" = String, Path, description = "The project's id"),
        ("sync" = String, Path, description = "The sync's id")),
    request_body = DifferenceInput,
    responses((status = 200, body = DifferenceView), Refusal))]
pub(in crate::portal) async fn difference(
    allowed: Allowed<SyncsRead>,
    extract::State(portal): State,
    Path((project, id)): Ids,
    Body(input): Body<DifferenceInput>,
) -> Result<Json<DifferenceView>, ApiError> {
    let events =
        wanted_events(input.events).map_err(|message| ApiError::field("/events", message))?;
    let present = portal.store.sync(project, id).await?;
    let (before, after) = match input.to {
        None => {
            let definition = portal.definition(&present.sync).await?;
            let (draft, kept) = merge(input.changes, present.draft(), &definition)?;
            let before = Side::of(&present, &definition);
            let after = before.with(&draft, &definition, &kept);
            (before, after)
        }
        Some(to) => {
            let upgraded = portal.upgraded(allowed.organisation, &present, to, input.changes);
            upgraded.await?.sides(&present)
        }
    };
    let sight = Sight::of(allowed.permissions);
    let compared = portal
        .compare(project, &before, &after, (events, sight))
        .await?;
    let (traffic, missing) = compared;
    Ok(Json(DifferenceView { traffic, missing }))
}

/// What a caller may be told of events.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sight {
    /// Whether sensitive values are masked before anything is decided by them. Who can edit a sync can have
    /// them sent to a place of their own; others could find them out by trying conditions.
    masks_first: bool,
    /// How many samples they are shown.
    samples: usize,
}

impl Sight {
    pub(super) fn of(permissions: Permissions) -> Self {
        let edits = permissions.contains(Permission::SyncsWrite);
        let looks = edits || permissions.contains(Permission::DeliveriesRead);
        Self {
            masks_first: !edits,
            samples: if looks { SAMPLES } else { 0 },
        }
    }
}

/// How many events to look at.
pub(super) fn wanted_events(events: Option<usize>) -> Result<usize, String> {
    let events = events.unwrap_or(EVENTS);
    match events <= MOST_EVENTS {
        true => Ok(events),
        false => Err(format!("from 0 to {MOST_EVENTS}")),
    }
}

/// A sync before or after a change, placeholders in place of its secrets: what is rendered is shown.
#[derive(Clone)]
pub(super) struct Side {
    sync: Sync,
    definition: Definition,
}

impl Side {
    /// A sync as it is.
    pub(super) fn of(present: &SyncRecord, definition: &Definition) -> Self {
        let (settings, secret) = (&present.sync.settings, &present.secret);
        let none = BTreeSet::new();
        Self {
            sync: Sync {
                settings: masked(settings, secret, &none),
                ..(*present.sync).clone()
            },
            definition: open(definition, secret),
        }
    }

    /// The same sync as it would be. `kept` says where the secrets are that stay: whether another one
    /// is really another is not told.
    pub(super) fn with(&self, draft: &SyncDraft, definition: &Definition, kept: &[String]) -> Self {
        let (settings, secret) = (&draft.settings, &draft.secret);
        let kept = |place: String| kept.contains(&format!("{place}/value"));
        let parameters = secret.parameters.iter();
        let entered = parameters.filter(|name| !kept(pointer("/parameters", name)));
        let headers = settings.headers.iter().enumerate();
        let headers = headers.filter(|(_, header)| secret.headers.contains(&header.name));
        let given = headers.filter(|(index, _)| !kept(pointer("/headers", index)));
        let given = given.map(|(_, header)| header.name.clone());
        let entered: BTreeSet<String> = entered.cloned().chain(given).collect();
        Self {
            sync: Sync {
                definition_version: definition.version,
                settings: masked(settings, secret, &entered),
                ..self.sync.clone()
            },
            definition: open(definition, secret),
        }
    }

    fn plan(&self, clock: &Arc<dyn Clock>) -> Result<Plan, Vec<pipeline::Problem>> {
        Plan::compile(&self.definition, &self.sync, clock)
    }

    /// The same with stand-ins for what is not filled in yet, and what that is. Where something else
    /// keeps it from being rendered, all that does is the error.
    fn plan_as_far(&self, clock: &Arc<dyn Clock>) -> Result<(Plan, Vec<FieldProblem>), ApiError> {
        let problems = match self.plan(clock) {
            Ok(plan) => return Ok((plan, Vec::new())),
            Err(problems) => problems.into_iter().map(FieldProblem::from),
        };
        let problems = problems.map(|problem| as_input(problem, &self.definition));
        let problems: Vec<_> = problems.collect();
        let mut filled = self.clone();
        stand_in::fill(&mut filled.definition, &mut filled.sync.settings);
        match filled.plan(clock) {
            Ok(plan) => Ok((plan, problems)),
            Err(_) => Err(ApiError::NotReady(problems)),
        }
    }
}

/// Settings with placeholders in place of their secrets, others for those that have just been entered.
fn masked(settings: &Settings, secret: &SecretFields, entered: &BTreeSet<String>) -> Settings {
    let placeholder = |name: &str, value: &str| {
        let is_entered = entered.contains(name);
        let plain = |c: char| match c.is_ascii_alphanumeric() || c == '_' {
            true => c,
            false => '-',
        };
        let name: String = name.chars().map(plain).collect();
        let beginning = match is_entered {
            true => "NEW-SECRET",
            false => "SECRET",
        };
        match value.trim().is_empty() {
            true => String::new(),
            // So that what needs an address gets one.
            false if is_url(value) => format!("https://{beginning}.invalid/{name}"),
            false => format!("{beginning}-{name}"),
        }
    };
    let mut settings = settings.clone();
    for header in &mut settings.headers {
        if secret.headers.contains(&header.name) {
            header.value = placeholder(&header.name, &header.value);
        }
    }
    for (name, value) in &mut settings.parameters {
        if secret.parameters.contains(name) {
            *value = placeholder(name, value);
        }
    }
    settings
}

fn is_url(value: &str) -> bool {
    let uri = value.trim().parse::<Uri>();
    uri.is_ok_and(|uri| matches!(uri.scheme_str(), Some("http" | "https")))
}

/// A definition that takes any value for a secret.
fn open(definition: &Definition, secret: &SecretFields) -> Definition {
    let mut definition = definition.clone();
    let parameters = definition.parameters.iter_mut();
    for parameter in parameters.filter(|each| secret.parameters.contains(&each.name)) {
        parameter.pattern = None;
        parameter.kind = ParameterKind::Secret;
    }
    definition
}

impl Portal {
    /// Compares what two sides make of so many of a project's newest events. Also says what is missing in
    /// `after`, in the place of which there were stand-ins.
    pub(super) async fn compare(
        &self,
        project: ProjectId,
        before: &Side,
        after: &Side,
        (events, sight): (usize, Sight),
    ) -> Result<(Difference, Vec<FieldProblem>), ApiError> {
        let turn = self.turn_of(project).await?;
        // It stands still, or requests that name the time would all differ.
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(self.authority.clock.now()));
        let (is, missing) = after.plan_as_far(&clock)?;
        // A sync that isn't complete yet sends nothing. As long as it stays so what differs is the change's own,
        // between what both would send with the same stand-ins.
        let was = match missing.is_empty() {
            true => before.plan(&clock).ok(),
            false => before.plan_as_far(&clock).ok().map(|(was, _)| was),
        };
        let was = was.map(Arc::new);
        let sensitive = self.store.project(project).await?.sensitive;
        let comparison = Comparison::new(was, Arc::new(is), sight.samples).masking(sensitive);
        let mut comparison = match sight.masks_first {
            true => comparison.masking_first(),
            false => comparison,
        };
        let (mut left, mut end) = (events, None);
        while left > 0 {
            let wanted = AT_ONCE.min(left);
            let page = self.lanes.events(project, end, wanted).await?;
            let found = page.len();
            end = page.last().map(|event| event.offset);
            let look = move |abandoned: &Abandoned| {
                let wanted = page.iter().take_while(|_| !abandoned.is_so());
                wanted.for_each(|event| comparison.add(event));
                comparison
            };
            comparison = self.labour(&turn, look).await?;
            left -= found;
            if found < wanted {
                break;
            }
        }
        Ok((comparison.finish(), missing))
    }

    /// The same in so far as it can be rendered: `None` where more than what can be filled in keeps
    /// `after` from that.
    pub(super) async fn compare_if_possible(
        &self,
        project: ProjectId,
        before: &Side,
        after: &Side,
        seen: (usize, Sight),
    ) -> Result<Option<Difference>, ApiError> {
        match self.compare(project, before, after, seen).await {
            Ok((difference, _)) => Ok(Some(difference)),
            Err(ApiError::NotReady(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
