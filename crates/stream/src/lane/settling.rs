//! How what became of deliveries becomes durable.

use std::sync::Arc;
use std::time::Duration;

use journal::StorageError;
use model::{Offset, Part, Timestamp};

use super::Lane;
use crate::crew::Done;
use crate::results::{Batch, How, settle};

impl Lane {
    pub(super) fn take_result(&mut self, one: Done) {
        let is_retry = one.booked;
        self.retrying -= usize::from(is_retry);
        let over = one.is_over(self.tools.schedule.attempts());
        let turn = one.user.filter(|_| one.attempt > 0);
        let (user, stored, key) = (turn, one.stored, (one.offset, one.part));
        // Where the order isn't kept, nobody waits for more than an attempt.
        let over = over || !self.ordered;
        let settled = match stored {
            true => 1,
            false => self.window.part_done(one.offset),
        };
        if settled == 0 {
            // The event's other delivery is still under way.
            self.half_done.insert(one.offset, one);
            self.free(user, key, over, stored);
            return;
        }
        if !stored {
            self.results.add_event(settled);
        }
        let other = match stored {
            true => None,
            false => self.half_done.remove(&one.offset),
        };
        for part in other.into_iter().chain([one]) {
            self.add_result(part, settled);
        }
        self.free(user, key, over, stored);
    }

    /// What became of a delivery, of so many of its event, is to be settled.
    fn add_result(&mut self, one: Done, parts: u8) {
        let how = How {
            parts,
            ordered: self.ordered,
            past: self.past,
        };
        let (schedule, random) = (&self.tools.schedule, &*self.tools.random);
        self.results.add(one, how, schedule, random);
    }

    /// A new delivery can't be begun: its event is no longer kept.
    pub(super) fn lose(&mut self, offset: Offset) {
        tracing::warn!(sync = %self.sync, offset = offset.0, "an event was removed before this sync could send it");
        self.exposed += 1;
        self.results.add_lost();
        let settled = self.window.part_done(offset);
        if settled == 0 {
            return;
        }
        self.results.add_event(settled);
        if let Some(other) = self.half_done.remove(&offset) {
            self.add_result(other, settled);
        }
    }

    /// Lets the user's next delivery move up.
    fn free(&mut self, user: Option<u64>, key: (Offset, Part), over: bool, was_stored: bool) {
        if let Some(user) = user {
            self.free_turn(user, key, over, was_stored);
        }
    }

    /// When results that wait are settled at the latest; `None` when nothing waits.
    pub(super) fn settle_due(&self) -> Option<Timestamp> {
        if self.settling.is_some() || !self.has_results() {
            return None;
        }
        let urgent = self.stopping || 2 * self.results.deliveries() >= self.bounds.window;
        // A lane that only filters has nothing to lose: it settles now and then.
        let interval = match self.results.deliveries() {
            _ if urgent => Duration::ZERO,
            0 => self.bounds.settle_interval * 40,
            _ => self.bounds.settle_interval,
        };
        Some(self.settled_at + interval)
    }

    pub(super) fn start_settling(&mut self) {
        let now = self.tools.clock.now();
        if self.settle_due().is_none_or(|due| due > now) {
            return;
        }
        let batch = std::mem::take(&mut self.results).into_batch(
            self.window.position(),
            self.window.next(),
            now,
        );
        let (sync, tools) = (self.sync, Arc::clone(&self.tools));
        self.settled_at = now;
        self.recount = false;
        self.turns.settles();
        self.settling = Some(Box::pin(settle(tools, sync, batch)));
    }

    pub(super) fn settled(&mut self, outcome: Result<Batch, StorageError>) {
        match outcome {
            Ok(Batch {
                settlement,
                deliveries,
                pending,
                rebooked,
            }) => {
                self.exposed -= deliveries;
                self.turns.settled();
                self.settled_cursor = settlement.cursor;
                self.view.settled(&settlement, pending);
                // It may have been loaded once more before that was durable.
                rebooked.iter().for_each(|key| self.agenda.forget(key));
                let over = &settlement.finish;
                over.iter().for_each(|delivery| self.agenda.over(delivery));
                for retry in &settlement.book {
                    self.agenda.booked(retry.key(), retry.attempts);
                    self.turns.booked(retry.key());
                }
            }
            // The journal is closed: nothing can be kept any more. What was sent and not settled
            // is sent again at the next start.
            Err(error) => {
                tracing::warn!(sync = %self.sync, %error, "the last deliveries could not be settled");
                self.exposed = 0;
                self.settled_cursor = self.window.cursor();
                self.stop_at_once();
            }
        }
    }

    /// Whether there is anything that the journal doesn't know yet.
    pub(super) fn has_results(&self) -> bool {
        !self.results.is_empty() || self.recount || self.window.cursor() != self.settled_cursor
    }
}
