//! What clients want to be sent again.

use std::collections::BTreeSet;
use std::num::NonZeroU32;

use model::filter::Selection;
use model::outcome::{Category, Discarded};
use model::replay::{FailedOutcome, Failures, Imported, PastEvents, Replayed};
use model::{DeliveryId, Timestamp};
use pipeline::Scope;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::portal::problem::FieldProblem;
use crate::portal::view::{parse_rfc3339, rfc3339};
use crate::portal::{ApiError, FieldProblem as Problem};

/// Most items of each list of a filter.
const MOST_ITEMS: usize = 1000;

/// Longest event type.
const TYPE_BYTES: usize = 1024;

/// What is sent again: one of the three.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::portal) struct ReplayInput {
    /// Deliveries that ended without success, under the ids that they have. Without any filter: all.
    failed: Option<FailuresInput>,
    /// Past events, each as a new delivery.
    events: Option<EventsInput>,
    /// Events of an archive that are about to be appended.
    import: Option<ImportInput>,
    /// How many are begun per minute at most; absent: as many as the sync sends.
    #[schema(minimum = 1, maximum = 1_000_000)]
    per_minute: Option<u32>,
}

/// Which deliveries that ended without success. Of several filters all have to hold; an empty list
/// filters nothing.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(as = ReplayFailures)]
pub(in crate::portal) struct FailuresInput {
    /// Those with one of these ids, as `Millstream-Delivery-Id` carries them; at most 1000.
    #[schema(max_items = 1000)]
    deliveries: Vec<String>,
    /// Those that ended so.
    outcome: Option<FailedOutcome>,
    /// Those with one of these reasons: the category of the last failure, or the name of the reason why
    /// no request could be made.
    #[schema(max_items = 1000, example = json!(["timeout", "template"]))]
    reasons: Vec<String>,
    /// Those whose last attempt was answered with one of these statuses.
    #[schema(max_items = 1000, example = json!([503]))]
    statuses: Vec<u16>,
    /// Those of events of one of these types.
    #[schema(max_items = 1000)]
    event_types: Vec<String>,
    /// Those that ended then or later.
    #[schema(format = DateTime)]
    ended_from: Option<String>,
    /// Those that ended before.
    #[schema(format = DateTime)]
    ended_until: Option<String>,
}

/// Which past events. What the sync doesn't select is not sent.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ReplayEvents)]
pub(in crate::portal) struct EventsInput {
    /// Those that were received then or later; as far back as events are kept.
    #[schema(format = DateTime)]
    from: String,
    /// Those that were received before; absent: before now.
    #[schema(format = DateTime)]
    until: Option<String>,
    /// Of those, the ones that this selects, in the form of a sync's own selection; absent: all.
    select: Option<Selection>,
}

/// What would be sent again, or imported: one of the three.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ReplayDryRunInput)]
pub(in crate::portal) struct DryRunInput {
    /// As of a replay.
    failed: Option<FailuresInput>,
    /// As of a replay.
    events: Option<EventsInput>,
    /// As of a replay.
    import: Option<ImportInput>,
    /// As of a replay.
    #[schema(minimum = 1, maximum = 1_000_000)]
    per_minute: Option<u32>,
    /// With `import`: lines of the archive, each an event in the form of the Export API, as JSON text; at
    /// most 5000. They are read as the import would read them, and not taken.
    #[serde(default)]
    #[schema(max_items = 5000)]
    lines: Vec<String>,
}

impl DryRunInput {
    /// What would be sent, and lines of what would be imported.
    pub(super) fn read(self, now: Timestamp) -> Result<(Replayed, Vec<String>), ApiError> {
        let input = ReplayInput {
            failed: self.failed,
            events: self.events,
            import: self.import,
            per_minute: self.per_minute,
        };
        let (what, _) = input.read(now)?;
        if !self.lines.is_empty() && !matches!(what, Replayed::Import(_)) {
            let message = "only of an import are lines read";
            return Err(ApiError::field("/lines", message));
        }
        Ok((what, self.lines))
    }
}

impl ReplayInput {
    /// What is to be sent, and how many per minute.
    pub(super) fn read(self, now: Timestamp) -> Result<(Replayed, Option<NonZeroU32>), ApiError> {
        let per_minute = super::rate(self.per_minute)?;
        let what = match (self.failed, self.events, self.import) {
            (Some(failed), None, None) => Replayed::Failed(failed.read("/failed")?),
            (None, Some(events), None) => Replayed::Events(events.read("/events", now)?),
            (None, None, Some(import)) => Replayed::Import(import.read("/import")?),
            _ => {
                let message = "this, `events` or `import` is required, and one of them only";
                return Err(ApiError::field("/failed", message));
            }
        };
        Ok((what, per_minute))
    }
}

impl EventsInput {
    fn read(self, at: &str, now: Timestamp) -> Result<PastEvents, ApiError> {
        let mut problems = Vec::new();
        let from = time(Some(&self.from), at, "from", &mut problems);
        let until = time(self.until.as_deref(), at, "until", &mut problems);
        // What comes later is sent by the sync itself.
        let until = until.unwrap_or(now).min(now);
        let from = from.unwrap_or(until);
        if problems.is_empty() && from >= until {
            let message = "earlier than `until`, and than now";
            problems.push(Problem::new(format!("{at}/from"), message));
        }
        let select = self.select.as_ref();
        if let Err(found) = Scope::compile(from..until, select, &format!("{at}/select")) {
            problems.extend(found.into_iter().map(Problem::from));
        }
        if !problems.is_empty() {
            return Err(ApiError::Invalid(problems));
        }
        Ok(PastEvents {
            from,
            until,
            select: self.select,
        })
    }
}

/// An archive that is imported.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ReplayImport)]
pub(in crate::portal) struct ImportInput {
    /// As people call it, such as its file names; at most 200 characters.
    name: String,
    /// Tells its contents from others', such as their hash: from 1 to 100 ASCII characters.
    digest: String,
}

/// An archive that was imported, or is about to be.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = ReplayImported)]
pub(in crate::portal) struct ImportView {
    /// As people call it.
    name: String,
    /// Tells its contents from others'.
    digest: String,
    /// Whether all of it has arrived.
    complete: bool,
}

impl ImportInput {
    fn read(self, at: &str) -> Result<Imported, ApiError> {
        let mut problems = Vec::new();
        if self.name.trim().is_empty() || self.name.chars().count() > 200 {
            problems.push(Problem::new(
                format!("{at}/name"),
                "from 1 to 200 characters",
            ));
        }
        let digest = &self.digest;
        if digest.is_empty() || digest.len() > 100 || !digest.bytes().all(|b| b.is_ascii_graphic())
        {
            let message = "from 1 to 100 ASCII characters";
            problems.push(Problem::new(format!("{at}/digest"), message));
        }
        match problems.is_empty() {
            true => Ok(Imported {
                name: self.name,
                digest: self.digest,
                complete: false,
            }),
            false => Err(ApiError::Invalid(problems)),
        }
    }
}

impl From<&Imported> for ImportView {
    fn from(import: &Imported) -> Self {
        Self {
            name: import.name.clone(),
            digest: import.digest.clone(),
            complete: import.complete,
        }
    }
}

impl From<&PastEvents> for EventsInput {
    fn from(events: &PastEvents) -> Self {
        Self {
            from: rfc3339(events.from),
            until: Some(rfc3339(events.until)),
            select: events.select.clone(),
        }
    }
}

impl FailuresInput {
    fn read(self, at: &str) -> Result<Failures, ApiError> {
        let mut problems = Vec::new();
        let lists = [
            ("deliveries", self.deliveries.len()),
            ("reasons", self.reasons.len()),
            ("statuses", self.statuses.len()),
            ("event_types", self.event_types.len()),
        ];
        for (name, items) in lists {
            if items > MOST_ITEMS {
                let message = format!("at most {MOST_ITEMS}");
                problems.push(Problem::new(format!("{at}/{name}"), message));
            }
        }
        let mut wrong = |list: &str, index: usize, message: String| {
            problems.push(FieldProblem::new(format!("{at}/{list}/{index}"), message));
        };
        let mut deliveries = BTreeSet::new();
        for (index, text) in self.deliveries.iter().enumerate() {
            match text.parse::<DeliveryId>() {
                Ok(id) => drop(deliveries.insert(id)),
                Err(error) => wrong("deliveries", index, error.to_string()),
            }
        }
        for (index, reason) in self.reasons.iter().enumerate() {
            if !is_reason(reason) {
                wrong("reasons", index, format!("one of {}", reasons().join(", ")));
            }
        }
        for (index, status) in self.statuses.iter().enumerate() {
            if !(100..=599).contains(status) {
                wrong("statuses", index, "from 100 to 599".into());
            }
        }
        for (index, event_type) in self.event_types.iter().enumerate() {
            if event_type.is_empty() || event_type.len() > TYPE_BYTES {
                let message = format!("from 1 to {TYPE_BYTES} bytes");
                wrong("event_types", index, message);
            }
        }
        let from = time(self.ended_from.as_deref(), at, "ended_from", &mut problems);
        let until = time(
            self.ended_until.as_deref(),
            at,
            "ended_until",
            &mut problems,
        );
        if let (Some(from), Some(until)) = (from, until)
            && from >= until
        {
            let place = format!("{at}/ended_until");
            problems.push(Problem::new(place, "later than `ended_from`"));
        }
        if !problems.is_empty() {
            return Err(ApiError::Invalid(problems));
        }
        Ok(Failures {
            deliveries,
            outcome: self.outcome,
            reasons: self.reasons.into_iter().collect(),
            statuses: self.statuses.into_iter().collect(),
            event_types: self.event_types.into_iter().collect(),
            ended_from: from,
            ended_until: until,
        })
    }
}

impl From<&Failures> for FailuresInput {
    fn from(failures: &Failures) -> Self {
        let texts = |set: &BTreeSet<String>| set.iter().cloned().collect();
        let deliveries = failures.deliveries.iter();
        Self {
            deliveries: deliveries.map(DeliveryId::to_string).collect(),
            outcome: failures.outcome,
            reasons: texts(&failures.reasons),
            statuses: failures.statuses.iter().copied().collect(),
            event_types: texts(&failures.event_types),
            ended_from: failures.ended_from.map(rfc3339),
            ended_until: failures.ended_until.map(rfc3339),
        }
    }
}

/// A time that may be given.
fn time(
    given: Option<&str>,
    at: &str,
    name: &str,
    problems: &mut Vec<Problem>,
) -> Option<Timestamp> {
    let read = parse_rfc3339(given?);
    if read.is_none() {
        let message = "a time as RFC 3339 has it, such as 2026-05-01T12:00:00Z";
        problems.push(Problem::new(format!("{at}/{name}"), message));
    }
    read
}

/// The names of all reasons with which a delivery ends without success.
fn reasons() -> Vec<&'static str> {
    let met = Category::ALL
        .iter()
        .filter(|category| category.is_of_attempts());
    met.map(|category| category.name())
        .chain(Discarded::NAMES)
        .collect()
}

fn is_reason(name: &str) -> bool {
    reasons().contains(&name)
}
