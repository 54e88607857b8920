//! What clients want to be sent again.

use std::collections::BTreeSet;
use std::num::NonZeroU32;

use model::outcome::{Category, Discarded};
use model::replay::{FailedOutcome, Failures, Replayed};
use model::{DeliveryId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::portal::problem::FieldProblem;
use crate::portal::view::{parse_rfc3339, rfc3339};
use crate::portal::{ApiError, FieldProblem as Problem};

/// Most items of each list of a filter.
const MOST_ITEMS: usize = 1000;

/// Longest event type.
const TYPE_BYTES: usize = 1024;

/// What is sent again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::portal) struct ReplayInput {
    /// Deliveries that ended without success, under the ids that they have. Without any filter: all.
    failed: Option<FailuresInput>,
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

impl ReplayInput {
    /// What is to be sent, and how many per minute.
    pub(super) fn read(self) -> Result<(Replayed, Option<NonZeroU32>), ApiError> {
        let per_minute = super::rate(self.per_minute)?;
        let Some(failed) = self.failed else {
            return Err(ApiError::field("/failed", "a value is required"));
        };
        Ok((Replayed::Failed(failed.read("/failed")?), per_minute))
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
        .filter(|category| **category != Category::Discarded);
    met.map(|category| category.name())
        .chain(Discarded::NAMES)
        .collect()
}

fn is_reason(name: &str) -> bool {
    reasons().contains(&name)
}
