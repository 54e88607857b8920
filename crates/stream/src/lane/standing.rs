//! What a lane keeps while it begins nothing, and how it goes through that afterwards.

use std::sync::Arc;

use journal::StorageError;
use journal::hold::Standing;
use journal::turn::Turn;
use model::Event;

use super::{Lane, PAGE};

/// How far the look for the newest is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// Nothing is looked for, or all is known.
    Over,
    /// There is more to look at.
    On,
    /// There is, once something has been settled.
    Later,
}

impl Lane {
    /// Lets the journal know whether what waits may wait within bounds only: a destination that is away
    /// must not fill the disk, nor have new events refused.
    pub(super) async fn tell_standing(&mut self) -> Result<(), StorageError> {
        let standing = match self.gate.is_shut() {
            true => Standing::Shut,
            false => Standing::Running,
        };
        if standing != self.standing {
            self.tools.journal.set_standing(self.sync, standing).await?;
            self.standing = standing;
            // The next settlement says what it has in its hands: that is not lost.
            self.recount = true;
        }
        Ok(())
    }

    /// The rate of the settings, or the one that was asked for to go through what was held.
    pub(super) fn set_pace(&self) {
        let drain = self.draining.as_ref().map(|draining| draining.drain());
        let rate = drain.and_then(|drain| drain.requests_per_minute);
        let both = [self.requests_per_minute, rate];
        self.crew.set_pace(both.into_iter().flatten().min());
    }

    /// Finds out what is the newest of what was held, some pages of it. As long as it is not over,
    /// nothing is to be sent.
    pub(super) async fn look_for_newest(&mut self) -> Result<Look, StorageError> {
        let Some(draining) = &self.draining else {
            return Ok(Look::Over);
        };
        let Some(from) = draining.looks_at() else {
            return match draining.looks_at_turns() {
                Some(before) => self.leave_turns_out(before).await,
                None => Ok(Look::Over),
            };
        };
        let page = self.tools.journal.read(self.project, from, PAGE).await?;
        let Some(draining) = &mut self.draining else {
            return Ok(Look::Over);
        };
        if page.is_empty() {
            draining.looked_at_all();
        }
        for event in &page {
            draining.looked_at(event, !self.plan.matching(event).is_empty());
        }
        Ok(Look::On)
    }

    /// Of what waits in the journal for its user's turn, leaves out what something newer stands for. None
    /// of it is under way: those with a retry, which may be, are not looked at.
    async fn leave_turns_out(&mut self, before: Option<Turn>) -> Result<Look, StorageError> {
        if self.exposed >= self.bounds.window {
            return Ok(Look::Later);
        }
        let journal = &self.tools.journal;
        let page = journal.waiting_turns(self.sync, before, PAGE).await?;
        // All are read before any is left out: what fails here is done again.
        let mut events = Vec::with_capacity(page.len());
        for turn in &page {
            events.push(journal.get(self.project, turn.offset).await?);
        }
        let Some(draining) = &mut self.draining else {
            return Ok(Look::Over);
        };
        for (turn, event) in page.iter().zip(&events) {
            let is_meant = |event: &&Arc<Event>| {
                !event.is_erased() && self.plan.matching(event).contains(turn.part)
            };
            // What is not sent supersedes nothing; what becomes of it is seen at its turn.
            let Some(event) = event.as_ref().filter(is_meant) else {
                continue;
            };
            if draining.leaves_out(event) {
                self.turns.left_out(turn.user);
                self.results.leave_out(*turn);
                self.exposed += 1;
            }
        }
        draining.looked_at_turns(page.last().copied());
        Ok(Look::On)
    }

    /// Goes on as usual once all that was held is settled.
    pub(super) async fn end_drain(&mut self) -> Result<(), StorageError> {
        let Some(draining) = &self.draining else {
            return Ok(());
        };
        let is_known = draining.looks_at().is_none() && draining.looks_at_turns().is_none();
        // Durably: what was left out would be sent after a crash.
        let is_settled = self.settling.is_none() && !self.results.leaves_out();
        let has_passed = self.settled_cursor >= draining.drain().until;
        if is_known && is_settled && has_passed {
            self.tools.journal.set_drain(self.sync, None, None).await?;
            self.draining = None;
            self.set_pace();
        }
        Ok(())
    }
}
