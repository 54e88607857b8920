//! What a lane gives its crew: retries that are due, and new events as far as the gate lets them pass.

use std::sync::Arc;

use journal::StorageError;
use model::Timestamp;

use super::awaiting::Lacking;
use super::standing::Look;
use super::{Lane, PAGE};
use crate::agenda::{Agenda, DueRetry};
use crate::crew::{Waited, Work};
use crate::drain::Draining;
use crate::gate::Passage;
use crate::replay::Order;

impl Lane {
    /// How many more new deliveries may be given to the crew.
    pub(super) fn room(&self) -> usize {
        let (queued, _) = self.crew.load();
        let queue = (4 * self.gate.most()).saturating_sub(queued);
        queue.min(self.bounds.window.saturating_sub(self.exposed))
    }

    /// Whether a retry that is due may be handed out. New events must not wait behind the retries
    /// of a long outage: while there are any, retries get half the places that there are at present.
    pub(super) fn may_retry(&self) -> bool {
        let places = match self.is_behind() || self.gate.has_waiting() {
            true => (self.gate.allowed() / 2).max(1),
            false => 2 * self.gate.most(),
        };
        self.room() > 0 && self.retrying < places
    }

    /// Gives the crew what is due and what is new. Returns whether there is more to do at once.
    pub(super) async fn dispatch(&mut self) -> Result<bool, StorageError> {
        let now = self.tools.clock.now();
        if self.stopping || self.resume_at.is_some_and(|at| at > now) {
            return Ok(false);
        }
        self.resume_at = None;
        self.replay().await;
        self.starved = false;
        let passage = self.gate.passage(now);
        // Of those that are queued then, the probe alone is meant to go.
        if passage != Passage::Free && !self.gate.is_probing() {
            self.hold_back();
        }
        self.tell_standing().await?;
        self.end_drain().await?;
        self.dispatch_retries().await?;
        if passage == Passage::Free {
            self.dispatch_hastened().await?;
        }
        self.turns.notice_gone(|key| self.agenda.has_passed(key));
        let look = self.look_for_newest().await?;
        if look != Look::Over {
            // Nor is a probe made that is due, before something is settled.
            self.starved = look == Look::Later;
            return Ok(look == Look::On);
        }
        if passage == Passage::Free {
            self.dispatch_turns(usize::MAX).await?;
        }
        match passage {
            Passage::Free => {
                self.release_held();
                // What was read before comes first.
                if self.gate.held() > 0 {
                    return Ok(self.has_turns());
                }
                let room = self.room();
                let (work, more) = self.read_new(room, false).await?;
                let work = self.in_turn(work).await;
                self.hand_out(work);
                self.take_up_aside().await?;
                Ok(more || self.has_turns())
            }
            Passage::Probe => self.probe().await,
            Passage::Shut => Ok(false),
        }
    }

    /// Gives new deliveries to the crew. More of suspects than there are places for are set aside: they may
    /// take long, and what comes behind them is not to wait for them.
    pub(super) fn hand_out(&mut self, work: Vec<Work>) {
        let (mut suspects, most) = (self.crew.suspects(), self.gate.allowed());
        let mut go = Vec::with_capacity(work.len());
        for one in work {
            let one = self.prepared(one);
            let is_one_more = one.suspect && (suspects >= most || self.gate.aside() > 0);
            suspects += usize::from(one.suspect && !is_one_more);
            match is_one_more {
                true => go.extend(self.gate.leave_aside(one)),
                false => go.push(one),
            }
        }
        self.begin(go);
    }

    /// A delivery as it is made now.
    pub(super) fn prepared(&self, mut work: Work) -> Work {
        // What was held back may have been read under former settings.
        if !Arc::ptr_eq(&work.plan, &self.plan) {
            work.plan = Arc::clone(&self.plan);
        }
        // A probe waits for nobody.
        work.suspect = !self.gate.is_shut() && self.gate.is_suspect(&work);
        work
    }

    pub(super) fn begin(&mut self, work: Vec<Work>) {
        self.exposed += work.len();
        self.crew.push(work);
    }

    /// Moves ended deliveries back among the retries, if that was ordered. Done here, so that each
    /// retry is known to the agenda when it has been booked, and no other time.
    async fn replay(&mut self) {
        let Some(Order { step, reply }) = self.orders.take() else {
            return;
        };
        let moved = self.tools.journal.replay(self.sync, step).await;
        for retry in moved.iter().flatten() {
            self.agenda.booked(retry.key(), retry.attempts);
        }
        let moved = moved.map(|retries| retries.len());
        self.view.replayed(moved.as_ref().copied().unwrap_or(0));
        // Whoever ordered it may have gone.
        let _ = reply.send(moved);
    }

    /// A retry could not be begun: it is still due.
    fn put_back(&mut self, due: &DueRetry) {
        self.agenda.booked(due.key, due.attempts);
    }

    async fn dispatch_retries(&mut self) -> Result<(), StorageError> {
        while self.may_retry() {
            if let Some(after) = self.agenda.load_after() {
                let page = self
                    .tools
                    .journal
                    .retries(self.sync, after, Agenda::PAGE)
                    .await?;
                self.agenda.loaded(page);
            }
            let Some(due) = self.agenda.take_due(self.tools.clock.now()) else {
                break;
            };
            self.begin_retry(due, None).await?;
        }
        Ok(())
    }

    /// Begins a retry, `ahead` of the time at which it is due; `false` where there is nothing to send.
    pub(super) async fn begin_retry(
        &mut self,
        due: DueRetry,
        ahead: Option<Timestamp>,
    ) -> Result<bool, StorageError> {
        let (_, offset, part) = due.key;
        let erased = self.erased.times();
        let found = self.tools.journal.get(self.project, offset).await;
        let event = found.inspect_err(|_| self.put_back(&due))?;
        let Some(event) = event else {
            tracing::error!(sync = %self.sync, offset = offset.0, "the event of a pending retry is gone");
            let user = self.turns.retried(due.key);
            self.results.add_lost_retry(offset, part, user);
            self.exposed += 1;
            if let Some(user) = user {
                self.free_turn(user, (offset, part), true, true);
            }
            return Ok(false);
        };
        let mut work = Work {
            event,
            part,
            plan: Arc::clone(&self.plan),
            attempt: due.attempts.saturating_add(1),
            booked: true,
            ahead,
            suspect: false,
            due_at: due.key.0,
            user: None,
            stored: true,
            waited: Waited::No,
            given: None,
            erased,
        };
        let given = self.give_again(&due, &mut work).await;
        given.inspect_err(|_| self.put_back(&due))?;
        let lacking = self.lacking(&due, &mut work).await;
        match lacking.inspect_err(|_| self.put_back(&due))? {
            Lacking::Waits => return Ok(false),
            // Also of a lane that no longer keeps the order.
            Lacking::Begin(user) => work.user = user,
        }
        self.turns.retried(due.key);
        self.retrying += 1;
        self.begin(vec![work]);
        Ok(true)
    }

    /// Reads on: moves past what isn't meant for the sync, and returns up to `room` deliveries, and
    /// whether there is more to read at once. `one_event`: the deliveries of the next event, however
    /// many these are.
    pub(super) async fn read_new(
        &mut self,
        mut room: usize,
        one_event: bool,
    ) -> Result<(Vec<Work>, bool), StorageError> {
        let (mut work, mut blocked) = (Vec::new(), false);
        let head = *self.head.borrow_and_update();
        if self.page.is_empty() && self.window.next() < head {
            self.page_erased = self.erased.times();
            let page = self
                .tools
                .journal
                .read(self.project, self.window.next(), PAGE)
                .await?;
            // A lane may end before the log does.
            let within = page.into_iter().take_while(|event| event.offset < head);
            let page: Vec<_> = within.collect();
            if page.is_empty() {
                // Nothing lies between: numbers were left out when the journal was restored.
                self.results.add_passed(self.window.advance());
                if self.window.span() == 0 {
                    self.window.jump(head);
                }
                return Ok((work, false));
            }
            self.page.extend(page);
        }
        while let Some(event) = self.page.front() {
            if self.is_full() || self.window.span() >= 16 * self.bounds.window {
                break;
            }
            if event.offset > self.window.next() {
                // Retention has removed what lay between. Only a lane that stood still loses so.
                self.results.add_passed(self.window.advance());
                if self.window.span() > 0 {
                    // When it is over, the lane is woken.
                    blocked = true;
                    break;
                }
                tracing::warn!(sync = %self.sync, from = self.window.next().0, to = event.offset.0, "events were removed by retention before this sync could send them");
                self.window.jump(event.offset);
            }
            if self.window.settled_before() {
                self.window.push_done(event.received_at);
                self.page.pop_front();
                continue;
            }
            if self.turns.any_awaits() {
                let event = Arc::clone(event);
                self.look_at_users_of(&event);
            }
            let Some(event) = self.page.front() else {
                break;
            };
            if event.is_erased() {
                self.window.push_erased(event.received_at);
                self.page.pop_front();
                continue;
            }
            let parts = self.plan.matching(event);
            let superseded = |draining: &Draining| draining.is_superseded(event);
            if !parts.is_empty() && self.draining.as_ref().is_some_and(superseded) {
                let parts = parts.len() as u8;
                self.window.push_superseded(event.received_at, parts);
                self.page.pop_front();
                continue;
            }
            if parts.len() > room && !(one_event && work.is_empty()) {
                break;
            }
            match parts.len() as u8 {
                0 => self.window.push_filtered(event.received_at),
                count => self.window.push_open(event.received_at, count),
            }
            room = room.saturating_sub(parts.len());
            let user = self.user_in_order(event);
            for part in parts.iter() {
                let plan = Arc::clone(&self.plan);
                work.push(Work {
                    event: Arc::clone(event),
                    part,
                    plan,
                    attempt: 1,
                    booked: false,
                    ahead: None,
                    suspect: false,
                    due_at: event.received_at,
                    user,
                    stored: false,
                    waited: Waited::No,
                    given: None,
                    erased: self.page_erased,
                });
            }
            self.page.pop_front();
            if one_event && !work.is_empty() {
                break;
            }
        }
        self.results.add_passed(self.window.advance());
        let wants = room > 1 || (one_event && work.is_empty());
        let wants = wants && !blocked && !self.is_full();
        let more = wants && self.is_behind() && self.window.span() < 16 * self.bounds.window;
        Ok((work, more))
    }
}
