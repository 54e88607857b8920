//! Past events that are sent to one sync: by a lane of its own, which ends.

use std::num::NonZeroU32;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use delivery::{Pace, Verdict};
use http::{HeaderName, HeaderValue};
use journal::{Journal, StorageError};
use model::definition::Definition;
use model::sync::Sync;
use model::{Clock, Event, Offset, OutboundRequest, Part, ProjectId, ReplayId, SyncId};
use pipeline::{Plan, Problem, Scope};

use crate::Deliver;

/// What tells a request of a backfill from others: the backfill's id.
const MARK: HeaderName = HeaderName::from_static("millstream-backfill");

/// Events that are read at once to count.
const PAGE: usize = 256;

/// Past events that are sent to a sync.
#[derive(Debug, Clone)]
pub struct Backfill {
    /// Identifies it.
    pub id: ReplayId,
    /// Whose log the events are in: the sync's project, or one of an import.
    pub log: ProjectId,
    /// The sync as it is.
    pub sync: Arc<Sync>,
    /// What it connects.
    pub definition: Arc<Definition>,
    /// Which events, besides those that the sync selects.
    pub scope: Scope,
    /// How many requests per minute at most; absent: as many as the sync sends.
    pub per_minute: Option<NonZeroU32>,
}

/// The sync that a backfill's lane goes by: what its deliveries' ids are made of.
pub fn lane_of(id: ReplayId) -> SyncId {
    SyncId::from_bytes(id.to_bytes())
}

impl Backfill {
    /// How its lane delivers.
    pub(crate) fn plan(&self, clock: &Arc<dyn Clock>) -> Result<Arc<Plan>, Vec<Problem>> {
        let sync = Sync {
            id: lane_of(self.id),
            ..(*self.sync).clone()
        };
        let plan = Plan::compile(&self.definition, &sync, clock)?;
        Ok(Arc::new(plan.narrowed(self.scope.clone())))
    }
}

/// Marks requests, and has them take places among those that the sync's destination takes: it is the
/// same one.
pub(crate) struct Marked {
    inner: Arc<dyn Deliver>,
    mark: HeaderValue,
    of_sync: Arc<Pace>,
}

impl Marked {
    pub(crate) fn new(inner: Arc<dyn Deliver>, id: ReplayId, of_sync: Arc<Pace>) -> Self {
        // An id is letters, digits and an underscore.
        let mark = HeaderValue::from_str(&id.to_string());
        Self {
            inner,
            mark: mark.unwrap_or_else(|_| HeaderValue::from_static("")),
            of_sync,
        }
    }
}

#[async_trait]
impl Deliver for Marked {
    async fn attempt(
        &self,
        request: &OutboundRequest,
        attempt: u8,
        own: &Pace,
        may_go_on: &(dyn Fn() -> bool + Send + std::marker::Sync),
    ) -> Verdict {
        let mut marked = request.clone();
        marked.headers.insert(MARK, self.mark.clone());
        let pace = &self.of_sync;
        let verdict = self.inner.attempt(&marked, attempt, pace, may_go_on).await;
        // The tries after the first had places of the sync, and none of the backfill's own rate.
        own.make_up(verdict.tries().saturating_sub(1));
        verdict
    }

    fn shared_pace(&self) -> Option<&Pace> {
        Some(&self.of_sync)
    }
}

/// What a backfill would send.
#[derive(Debug, Clone, Default)]
pub struct CountedEvents {
    /// How many events lie in the stretch of the log at most.
    pub total: u64,
    /// How many were looked at.
    pub looked_at: u64,
    /// How many of those are meant.
    pub matching: u64,
    /// How many requests these make.
    pub requests: u64,
    /// Whether all were looked at.
    pub exact: bool,
    /// Some that are meant.
    pub examples: Vec<(Arc<Event>, Part)>,
}

/// Counts what a backfill would send: exactly where at most `most` events lie in its stretch, otherwise
/// among as many, taken from all over it.
///
/// # Errors
///
/// As those of [`Journal::read`].
pub async fn count_events(
    journal: &dyn Journal,
    log: ProjectId,
    stretch: Range<Offset>,
    plan: &Plan,
    most: u64,
    examples: usize,
) -> Result<CountedEvents, StorageError> {
    let total = stretch.end.0.saturating_sub(stretch.start.0);
    let mut counted = CountedEvents {
        total,
        exact: total <= most,
        ..CountedEvents::default()
    };
    let page = PAGE as u64;
    // Pages that are looked at, and how far apart they begin.
    let (pages, apart) = match counted.exact {
        true => (total.div_ceil(page), page),
        false => {
            let pages = (most / page).max(1);
            (pages, (total - page) / pages.saturating_sub(1).max(1))
        }
    };
    for number in 0..pages {
        let start = Offset(stretch.start.0 + apart * number);
        let end = Offset(start.0 + page).min(stretch.end);
        count_page(journal, log, start..end, plan, &mut counted, examples).await?;
        tokio::task::yield_now().await;
    }
    Ok(counted)
}

async fn count_page(
    journal: &dyn Journal,
    log: ProjectId,
    page: Range<Offset>,
    plan: &Plan,
    counted: &mut CountedEvents,
    examples: usize,
) -> Result<(), StorageError> {
    let mut next = page.start;
    while next < page.end {
        let left = (page.end.0 - next.0) as usize;
        let events = journal.read(log, next, left).await?;
        let Some(last) = events.last() else {
            return Ok(());
        };
        next = last.offset.next();
        for event in events.iter().filter(|event| event.offset < page.end) {
            counted.looked_at += 1;
            let parts = plan.matching(event);
            counted.matching += u64::from(!parts.is_empty());
            counted.requests += parts.len() as u64;
            if counted.examples.len() < examples
                && let Some(part) = parts.iter().next()
            {
                counted.examples.push((Arc::clone(event), part));
            }
        }
    }
    Ok(())
}
