//! What a replay would send.

use std::sync::Arc;

use journal::{EndedRow, EndedWhy};
use model::replay::{Failures, Replayed};
use model::{DeliveryId, Event, Part};
use serde::Serialize;
use store::SyncRecord;
use utoipa::ToSchema;

use crate::portal::preview::example::{Example, ExampleRequest};
use crate::portal::view::rfc3339;
use crate::portal::{ApiError, Portal};

/// How many are looked at to count.
const MOST_LOOKED_AT: u64 = 50_000;

/// How many examples are shown.
const EXAMPLES: usize = 5;

/// What a replay would send.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::portal) struct DryRunView {
    /// How many there are to look at.
    total: u64,
    /// How many were looked at, the newest of them: at most 50 000.
    looked_at: u64,
    /// How many of those would be sent.
    matching: u64,
    /// How many of all would be sent: exact when all were looked at, in proportion otherwise.
    estimate: u64,
    /// Whether all were looked at.
    exact: bool,
    /// Some that would be sent, the newest first.
    examples: Vec<ExampleView>,
}

/// A delivery that would be sent.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReplayExample)]
struct ExampleView {
    /// The delivery, as `Millstream-Delivery-Id` carries it.
    delivery_id: String,
    /// The event's position in the project's log.
    offset: u64,
    /// Whether the event or its user is delivered.
    part: Part,
    /// The event's type.
    event_type: Option<String>,
    /// When the event was received.
    #[schema(format = DateTime)]
    received_at: String,
    /// When the delivery ended.
    #[schema(format = DateTime)]
    ended_at: String,
    /// Why it ended: the category of the last failure, or why no request could be made.
    reason: &'static str,
    /// The same in words.
    message: String,
    /// What would be sent now, its secrets masked; null where the sync's settings can't be used.
    now: Option<ExampleRequest>,
}

impl Portal {
    pub(super) async fn dry_run(
        &self,
        record: &SyncRecord,
        what: &Replayed,
    ) -> Result<DryRunView, ApiError> {
        let Replayed::Failed(failures) = what;
        self.dry_run_failures(record, failures).await
    }

    async fn dry_run_failures(
        &self,
        record: &SyncRecord,
        failures: &Failures,
    ) -> Result<DryRunView, ApiError> {
        let (project, sync) = (record.sync.project, record.sync.id);
        let _turn = self.comparisons.acquire().await;
        let counted = self
            .lanes
            .count_failures(project, sync, failures, MOST_LOOKED_AT, EXAMPLES);
        let counted = counted.await?;
        let definition = self.definition(&record.sync).await?;
        let examples = counted.examples.iter().map(|(row, event)| Example {
            event: Arc::clone(event),
            part: row.ended.part,
            selected: true,
        });
        let shown = self
            .examples(record, definition, examples.collect())
            .await?;
        let examples = counted.examples.iter().zip(shown);
        let exact = counted.looked_at >= counted.total;
        Ok(DryRunView {
            total: counted.total,
            looked_at: counted.looked_at,
            matching: counted.matching,
            estimate: estimate(counted.matching, counted.looked_at, counted.total),
            exact,
            examples: examples
                .map(|((row, event), now)| example(record, row, event, now))
                .collect(),
        })
    }
}

/// How many of all there are, in proportion.
fn estimate(matching: u64, looked_at: u64, total: u64) -> u64 {
    if looked_at >= total {
        return matching;
    }
    let all = u128::from(matching) * u128::from(total) / u128::from(looked_at.max(1));
    u64::try_from(all).unwrap_or(u64::MAX)
}

fn example(
    record: &SyncRecord,
    row: &EndedRow,
    event: &Event,
    now: Option<ExampleRequest>,
) -> ExampleView {
    let ended = &row.ended;
    let sync = &record.sync;
    let (reason, message) = match &ended.why {
        EndedWhy::Expired(failure) => (failure.category.name(), failure.message.clone()),
        EndedWhy::Discarded(why) => (why.name(), why.to_string()),
    };
    let id = DeliveryId::of(sync.project, ended.offset, sync.id, ended.part);
    ExampleView {
        delivery_id: id.to_string(),
        offset: ended.offset.0,
        part: ended.part,
        event_type: event_type(event).map(str::to_owned),
        received_at: rfc3339(event.received_at),
        ended_at: rfc3339(ended.at),
        reason,
        message,
        now,
    }
}

fn event_type(event: &Event) -> Option<&str> {
    let root = event.root().ok()?.as_object()?;
    root.get("event_type")?.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_looked_at_is_estimated_in_proportion() {
        assert_eq!(estimate(7, 10, 10), 7);
        assert_eq!(estimate(7, 10, 100), 70);
        assert_eq!(estimate(0, 0, 100), 0);
        assert_eq!(estimate(u64::MAX, 1, u64::MAX), u64::MAX);
    }
}
