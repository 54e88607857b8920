//! Replays as clients see them.

use model::replay::Replayed;
use serde::Serialize;
use store::{ReplayGoal, ReplayRecord};
use utoipa::ToSchema;

use super::Progress;
use super::input::{EventsInput, FailuresInput, ImportView};
use crate::portal::view::rfc3339;

/// A replay and how far it is.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::portal) struct ReplayView {
    /// Identifies it.
    #[schema(example = "rpl_01hzy3v7qk8m9n0p2r4s6t8v0w")]
    id: String,
    /// The failed deliveries that are sent again; null where others are.
    failed: Option<FailuresInput>,
    /// The past events that are sent; null where failed deliveries are.
    events: Option<EventsInput>,
    /// The archive that is imported; null where there is none.
    import: Option<ImportView>,
    /// How many are begun per minute at most; null: as many as the sync sends.
    per_minute: Option<u32>,
    /// How it does.
    state: StateName,
    /// What it waits for, or why what it sends doesn't arrive, in words; null where it goes on or has ended.
    waits_for: Option<String>,
    /// How far it is.
    progress: ProgressView,
    /// Who made it: an e-mail address or a token's name, as it was then.
    made_by: String,
    /// When.
    #[schema(format = DateTime)]
    created_at: String,
    /// When its state last changed.
    #[schema(format = DateTime)]
    updated_at: String,
}

/// How a replay does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ReplayStateName)]
enum StateName {
    /// It goes on.
    Running,
    /// It stands still until it is resumed.
    Paused,
    /// It was ended.
    Cancelled,
    /// All that was to be sent was delivered, or has ended otherwise.
    Done,
}

/// How far a replay is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReplayProgress)]
struct ProgressView {
    /// How many are looked at in all; some may be gone when their turn comes.
    total: u64,
    /// How many have been.
    looked_at: u64,
    /// How many deliveries were begun.
    begun: u64,
    /// How many of those were delivered.
    delivered: u64,
    /// How many of those ended without success.
    failed: u64,
    /// How many of those were given up without being sent: the sync's settings no longer send them, or
    /// retention took them.
    unsent: u64,
    /// How many of those were of users that were erased before they were sent.
    erased: u64,
    /// How many of those are under way or wait for their next attempt.
    outstanding: u64,
}

impl ReplayView {
    /// What it waits for, in words.
    pub(super) fn waits_for(&self) -> Option<&str> {
        self.waits_for.as_deref()
    }

    /// `enabled`: whether the sync is switched on.
    pub(super) fn new(record: ReplayRecord, progress: &Progress, enabled: bool) -> Self {
        let state = match record.state {
            // The store learns of it a little later.
            ReplayGoal::Running if progress.done => StateName::Done,
            ReplayGoal::Running => StateName::Running,
            ReplayGoal::Paused => StateName::Paused,
            ReplayGoal::Cancelled => StateName::Cancelled,
            ReplayGoal::Done => StateName::Done,
        };
        let (failed, events) = match &record.what {
            Replayed::Failed(failures) => (Some(failures.into()), None),
            Replayed::Events(events) => (None, Some(events.into())),
            Replayed::Import(_) => (None, None),
        };
        let import = match &record.what {
            Replayed::Import(import) => Some(ImportView::from(import)),
            _ => None,
        };
        let incomplete = matches!(&record.what, Replayed::Import(import) if !import.complete);
        let waits_for = match state {
            StateName::Running if !enabled => Some("the sync is switched off".to_owned()),
            StateName::Running if progress.trouble.is_some() => progress.trouble.clone(),
            StateName::Running if incomplete => Some("the rest of the archive".to_owned()),
            _ => None,
        };
        Self {
            id: record.id.to_string(),
            failed,
            events,
            import,
            per_minute: record.per_minute.map(u32::from),
            state,
            waits_for,
            progress: ProgressView {
                total: progress.total,
                looked_at: progress.looked_at,
                begun: progress.begun,
                delivered: progress.delivered,
                failed: progress.failed,
                unsent: progress.unsent,
                erased: progress.erased,
                outstanding: progress.outstanding(),
            },
            made_by: record.made_by,
            created_at: rfc3339(record.created_at),
            updated_at: rfc3339(record.updated_at),
        }
    }
}
