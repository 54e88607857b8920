//! What a tail follows: a project's log, or what becomes of its deliveries.

use std::collections::VecDeque;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use futures_util::{FutureExt, StreamExt};
use model::sensitive::{SensitiveProperties, mask};
use model::tail::Told;
use model::{Offset, ProjectId, SyncId};
use store::Project;
use tokio::sync::watch;

use super::choice::{EventChoice, OutcomeChoice};
use super::message::{self, Why};
use crate::portal::event::write_item;
use crate::portal::{Lanes, Portal};

/// Events that are looked at in one go, and outcomes that are told in one go.
const AT_ONCE: usize = 64;

/// How far behind the newest event a tail may be.
const MOST_BEHIND: u64 = 10_000;

/// How far behind it is when it has skipped what it can't catch up with.
const BEHIND_AFTERWARDS: u64 = MOST_BEHIND / 2;

/// What a tail follows.
#[async_trait]
pub(super) trait Source: Send + 'static {
    /// The position of what comes next, where there are positions.
    fn next_position(&self) -> Option<u64>;

    /// The project, as it is now.
    fn project_is(&mut self, _: &Project) {}

    /// Waits for something and appends messages to `out`; maybe none. Can be given up and called again:
    /// nothing is lost by it.
    async fn next(&mut self, out: &mut Vec<u8>) -> Result<(), Why>;
}

/// A project's events.
pub(super) struct Events {
    lanes: Arc<dyn Lanes>,
    project: ProjectId,
    head: watch::Receiver<Offset>,
    choice: EventChoice,
    /// Whose values nobody sees.
    sensitive: SensitiveProperties,
    /// The next one to look at.
    at: Offset,
}

impl Events {
    /// Behind the event `last`, or else from now on.
    pub(super) fn new(
        portal: &Portal,
        about: &Project,
        choice: EventChoice,
        last: Option<Offset>,
    ) -> Self {
        let project = about.id;
        let head = portal.lanes.head(project);
        let newest = *head.borrow();
        Self {
            lanes: Arc::clone(&portal.lanes),
            project,
            head,
            choice,
            sensitive: about.sensitive.clone(),
            // A position that is still to come is none of this log.
            at: last.map_or(newest, |last| Offset(last.0.saturating_add(1)).min(newest)),
        }
    }

    /// Goes on at `to`, and says so.
    fn skip(&mut self, to: Offset, out: &mut Vec<u8>) {
        message::skipped(out, to.0.checked_sub(1), to.0 - self.at.0);
        self.at = to;
    }
}

#[async_trait]
impl Source for Events {
    fn project_is(&mut self, project: &Project) {
        if self.sensitive != project.sensitive {
            self.sensitive = project.sensitive.clone();
        }
    }

    fn next_position(&self) -> Option<u64> {
        Some(self.at.0)
    }

    async fn next(&mut self, out: &mut Vec<u8>) -> Result<(), Why> {
        let head = *self.head.borrow_and_update();
        if self.at >= head {
            // The journal is gone with its server.
            return self.head.changed().await.map_err(|_| Why::ServerEnding);
        }
        if head.0 - self.at.0 > MOST_BEHIND {
            self.skip(Offset(head.0 - BEHIND_AFTERWARDS), out);
        }
        let read = self.lanes.read(self.project, self.at, AT_ONCE).await;
        let events = read.map_err(|_| Why::Unavailable)?;
        match events.first() {
            // Nothing lies between: numbers were left out when the journal was restored.
            None => self.at = head,
            // Retention has removed what lay between, or likewise.
            Some(first) if first.offset > self.at => self.skip(first.offset, out),
            Some(_) => {}
        }
        let mut item = Vec::new();
        for event in events {
            self.at = event.offset.next();
            // Most are of others: those aren't worth being masked.
            if event.is_erased() || !self.choice.is_of(&event) {
                continue;
            }
            let shown = mask(&event, &self.sensitive);
            if self.choice.reads(&shown.event) {
                item.clear();
                write_item(&mut item, &shown);
                message::write(out, Some(event.offset.0), "event", &item);
            }
        }
        // Where none fits, nothing else would let others have their turn.
        tokio::task::yield_now().await;
        Ok(())
    }
}

/// What becomes of a project's deliveries, or of a sync's.
pub(super) struct Outcomes {
    portal: Arc<Portal>,
    project: ProjectId,
    told: BoxStream<'static, Told>,
    /// Taken, and not handed on yet.
    waiting: VecDeque<Told>,
    sync: Option<SyncId>,
    choice: OutcomeChoice,
}

impl Outcomes {
    pub(super) fn new(
        portal: &Arc<Portal>,
        project: ProjectId,
        sync: Option<SyncId>,
        choice: OutcomeChoice,
    ) -> Self {
        Self {
            portal: Arc::clone(portal),
            project,
            told: portal.lanes.outcomes(project),
            waiting: VecDeque::new(),
            sync,
            choice,
        }
    }

    /// Takes what comes next, and what is there already, as far as it is wanted.
    async fn take(&mut self) -> Result<(), Why> {
        let mut told = self.told.next().await.ok_or(Why::ServerEnding)?;
        loop {
            let wanted = match &told {
                Told::Skipped(_) => true,
                Told::Outcome(outcome) => {
                    self.sync.is_none_or(|sync| outcome.sync == sync) && self.choice.fits(outcome)
                }
            };
            if wanted {
                self.waiting.push_back(told);
            }
            if self.waiting.len() >= AT_ONCE {
                return Ok(());
            }
            match self.told.next().now_or_never().flatten() {
                Some(next) => told = next,
                None => return Ok(()),
            }
        }
    }
}

#[async_trait]
impl Source for Outcomes {
    fn next_position(&self) -> Option<u64> {
        None
    }

    async fn next(&mut self, out: &mut Vec<u8>) -> Result<(), Why> {
        if self.waiting.is_empty() {
            self.take().await?;
        }
        // Texts that were made of events.
        let offsets = self.waiting.iter().filter_map(|told| match told {
            Told::Outcome(outcome) if outcome.message.is_some() => Some(outcome.offset),
            _ => None,
        });
        let offsets: Vec<_> = offsets.collect();
        let redactions = match offsets.is_empty() {
            true => None,
            false => {
                let read = self.portal.redactions(self.project, offsets.into_iter());
                Some(read.await.map_err(|_| Why::Unavailable)?)
            }
        };
        for told in self.waiting.drain(..) {
            match told {
                Told::Skipped(count) => message::skipped(out, None, count),
                Told::Outcome(outcome) => message::outcome(out, &outcome, redactions.as_ref()),
            }
        }
        Ok(())
    }
}
