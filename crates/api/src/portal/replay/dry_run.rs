//! What a replay would send.

use std::sync::Arc;

use journal::{EndedRow, EndedWhy};
use model::definition::Definition;
use model::replay::{Failures, PastEvents, Replayed};
use model::sensitive::{Redaction, mask};
use model::{Event, Part};
use serde::Serialize;
use store::SyncRecord;
use utoipa::ToSchema;

use super::import::RefusedLine;
use crate::portal::fate::home::{Home, delivery_id};
use crate::portal::preview::example::{Example, ExampleRequest};
use crate::portal::turns::Turn;
use crate::portal::view::rfc3339;
use crate::portal::{ApiError, Portal};

/// How many are looked at to count.
const MOST_LOOKED_AT: u64 = 50_000;

/// How many events are looked at to count.
const MOST_EVENTS: u64 = 20_000;

/// How many examples are shown.
pub(super) const EXAMPLES: usize = 5;

/// What a replay would send.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(in crate::portal) struct DryRunView {
    /// How many there are to look at; of an import, how many lines were given.
    pub(super) total: u64,
    /// How many were looked at: of failed deliveries the newest 50 000 at most, of events 20 000 at most,
    /// from all over the time; of an import the lines that it would take.
    pub(super) looked_at: u64,
    /// How many of those would be sent.
    pub(super) matching: u64,
    /// How many deliveries all of them would make: exact when all were looked at, in proportion
    /// otherwise.
    pub(super) estimate: u64,
    /// Whether all were looked at.
    pub(super) exact: bool,
    /// Of an import: how many lines it would refuse.
    pub(super) refused: u64,
    /// The first 100 of those.
    pub(super) refused_lines: Vec<RefusedLine>,
    /// Some that would be sent.
    pub(super) examples: Vec<ExampleView>,
}

/// A delivery that would be sent.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReplayExample)]
pub(super) struct ExampleView {
    /// The delivery, as `Millstream-Delivery-Id` carries it; null where it will get one.
    delivery_id: Option<String>,
    /// The event's position in the project's log; of a line of an archive, its place among the lines.
    offset: u64,
    /// The replay of past events that the delivery is of; null: the sync's own.
    replay: Option<String>,
    /// Whether the event or its user is delivered.
    part: Part,
    /// The event's type.
    event_type: Option<String>,
    /// When the event was received.
    #[schema(format = DateTime)]
    received_at: String,
    /// When the delivery ended; null where there was none.
    #[schema(format = DateTime)]
    ended_at: Option<String>,
    /// Why it ended: the category of the last failure, or why no request could be made.
    reason: Option<&'static str>,
    /// The same in words.
    message: Option<String>,
    /// What would be sent now, its secrets masked; null where the sync's settings can't be used.
    now: Option<ExampleRequest>,
}

impl Portal {
    pub(super) async fn dry_run(
        &self,
        record: &SyncRecord,
        what: &Replayed,
        lines: Vec<String>,
    ) -> Result<DryRunView, ApiError> {
        match what {
            Replayed::Failed(failures) => self.dry_run_failures(record, failures).await,
            Replayed::Events(events) => self.dry_run_events(record, events).await,
            Replayed::Import(_) => self.dry_run_lines(record, lines).await,
        }
    }

    async fn dry_run_events(
        &self,
        record: &SyncRecord,
        events: &PastEvents,
    ) -> Result<DryRunView, ApiError> {
        let turn = self.turn_of(record.sync.project).await?;
        let definition = self.definition(&record.sync).await?;
        let sync = Arc::clone(&record.sync);
        let counted =
            self.lanes
                .count_events(sync, Arc::clone(&definition), events, MOST_EVENTS, EXAMPLES);
        let counted = counted.await?;
        let shown = self.shown(&turn, record, definition, counted.examples);
        // What was not found where it should lie is gone.
        let total = match counted.exact {
            true => counted.looked_at,
            false => counted.total,
        };
        Ok(DryRunView {
            total,
            looked_at: counted.looked_at,
            matching: counted.matching,
            estimate: estimate(counted.requests, counted.looked_at, total),
            exact: counted.exact,
            examples: shown.await?.into_iter().map(|one| one.view).collect(),
            ..DryRunView::default()
        })
    }

    async fn dry_run_failures(
        &self,
        record: &SyncRecord,
        failures: &Failures,
    ) -> Result<DryRunView, ApiError> {
        let (project, sync) = (record.sync.project, record.sync.id);
        let turn = self.turn_of(record.sync.project).await?;
        let counted = self
            .lanes
            .count_failures(project, sync, failures, MOST_LOOKED_AT, EXAMPLES);
        let counted = counted.await?;
        let definition = self.definition(&record.sync).await?;
        let (rows, examples): (Vec<_>, Vec<_>) = counted
            .examples
            .into_iter()
            .map(|(row, event)| (row.clone(), (event, row.ended.part)))
            .unzip();
        let shown = self.shown(&turn, record, definition, examples).await?;
        let examples = rows.iter().zip(shown);
        Ok(DryRunView {
            total: counted.total,
            looked_at: counted.looked_at,
            matching: counted.matching,
            estimate: estimate(counted.matching, counted.looked_at, counted.total),
            exact: counted.looked_at >= counted.total,
            examples: examples
                .map(|(row, one)| one.that_ended(record, row))
                .collect(),
            ..DryRunView::default()
        })
    }

    /// Examples as they would be sent now, with what is sensitive of their events masked.
    pub(super) async fn shown(
        &self,
        turn: &Turn,
        record: &SyncRecord,
        definition: Arc<Definition>,
        examples: Vec<(Arc<Event>, Part)>,
    ) -> Result<Vec<Shown>, ApiError> {
        let sensitive = self.store.project(record.sync.project).await?.sensitive;
        let mut masked = Vec::with_capacity(examples.len());
        let mut redactions = Vec::with_capacity(examples.len());
        for (event, part) in examples {
            let one = mask(&event, &sensitive);
            masked.push((one.event, part));
            redactions.push(one.redaction);
        }
        let rendered = masked.iter().map(|(event, part)| Example {
            event: Arc::clone(event),
            part: *part,
        });
        let rendered = self.examples(turn, record, definition, rendered.collect());
        let all = masked.iter().zip(rendered.await?).zip(redactions);
        let shown = all.map(|(((event, part), now), redaction)| Shown {
            view: ExampleView::of(event, *part, now),
            redaction,
        });
        Ok(shown.collect())
    }
}

/// An example, and what takes the sensitive values of its event out of texts.
pub(super) struct Shown {
    pub(super) view: ExampleView,
    redaction: Redaction,
}

impl Shown {
    /// As that of a delivery that ended without success.
    fn that_ended(self, record: &SyncRecord, row: &EndedRow) -> ExampleView {
        let ended = &row.ended;
        let home = Home {
            project: record.sync.project,
            sync: record.sync.id,
        };
        let (reason, message) = match &ended.why {
            EndedWhy::Expired(failure) => (failure.category.name(), failure.message.clone()),
            EndedWhy::Discarded(why) => (why.name(), why.to_string()),
        };
        ExampleView {
            delivery_id: Some(delivery_id(row.of, ended.offset, ended.part)),
            replay: home.replay(row.of),
            ended_at: Some(rfc3339(ended.at)),
            reason: Some(reason),
            message: Some(self.redaction.apply(&message)),
            ..self.view
        }
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

impl ExampleView {
    /// A part of an event that was not delivered yet.
    fn of(event: &Event, part: Part, now: Option<ExampleRequest>) -> Self {
        Self {
            delivery_id: None,
            replay: None,
            offset: event.offset.0,
            part,
            event_type: event_type(event).map(str::to_owned),
            received_at: rfc3339(event.received_at),
            ended_at: None,
            reason: None,
            message: None,
            now,
        }
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
