//! What a lane gives its crew: retries that are due, and new events as far as the gate lets them pass.

use std::sync::Arc;

use journal::StorageError;

use super::awaiting::Lacking;
use super::standing::Look;
use super::{Lane, PAGE};
use crate::agenda::{Agenda, DueRetry};
use crate::crew::{Waited, Work};
use crate::drain::Draining;
use crate::gate::Passage;
use crate::replay::Order;

/// How many deliveries a probe is looked for among.
const LOOK_AHEAD: usize = 1024;

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
        self.turns.notice_gone(|key| self.agenda.has_passed(key));
        let look = self.look_for_newest().await?;
        if look != Look::Over {
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

    /// Takes back what is queued and not begun: it costs no attempt where it waits.
    fn hold_back(&mut self) {
        let queued = self.crew.withdraw();
        self.exposed -= queued.len();
        self.gate.hold(queued);
    }

    /// Gives the crew what was held back, oldest first, as far as there is room.
    fn release_held(&mut self) {
        if self.gate.held() == 0 {
            return;
        }
        let released: Vec<Work> = self.gate.release(self.room()).collect();
        self.hand_out(released);
    }

    /// Gives the crew some of what was set aside: so few that what is new hardly waits behind it.
    async fn take_up_aside(&mut self) -> Result<(), StorageError> {
        let few = (self.gate.allowed() / 2).max(1);
        while self.gate.aside() > 0 && self.room() > 0 && self.crew.load().0 < few {
            let Some(work) = self.read_aside().await? else {
                break;
            };
            self.hand_out(vec![work]);
        }
        Ok(())
    }

    /// The oldest delivery that was set aside.
    async fn read_aside(&mut self) -> Result<Option<Work>, StorageError> {
        while let Some((offset, part)) = self.gate.take_aside() {
            let erased = self.erased.times();
            let found = self.tools.journal.get(self.project, offset).await;
            let found = found.inspect_err(|_| self.gate.put_aside((offset, part)))?;
            let Some(event) = found else {
                self.lose(offset);
                continue;
            };
            return Ok(Some(Work {
                due_at: event.received_at,
                event,
                part,
                plan: Arc::clone(&self.plan),
                attempt: 1,
                booked: false,
                user: None,
                stored: false,
                waited: Waited::No,
                given: None,
                erased,
            }));
        }
        Ok(None)
    }

    /// Sends one delivery of those that wait, alone. New ones come before those of users who had their
    /// turn before: what one user has waiting must not stand for all.
    async fn probe(&mut self) -> Result<bool, StorageError> {
        if self.look_ahead().await? {
            return Ok(true);
        }
        let mut probe = self.gate.take_probe(false);
        // What begins from now on is the probe.
        let now = self.tools.clock.now();
        if probe.is_none() {
            if self.dispatch_turns(1).await? > 0 {
                self.gate.probe_made(now);
                return Ok(false);
            }
            probe = self.gate.take_probe(true);
        }
        if probe.is_none() {
            probe = self.read_aside().await?;
        }
        // Those that wait for their turn are no probe.
        self.starved = probe.is_none();
        if let Some(probe) = probe {
            self.gate.probe_made(now);
            self.hand_out(vec![probe]);
        }
        Ok(false)
    }

    /// Reads on until there is a good choice for a probe; says whether to go on with that at once.
    async fn look_ahead(&mut self) -> Result<bool, StorageError> {
        let most = LOOK_AHEAD.min(self.bounds.window);
        if self.gate.held() >= most {
            self.gate.set_aside();
        }
        let room = most.saturating_sub(self.gate.held());
        if room == 0 || self.gate.has_probe() {
            return Ok(false);
        }
        let (work, more) = match self.gate.is_choosy() {
            true => self.read_new(room.min(PAGE), false).await?,
            false => self.read_new(1, true).await?,
        };
        let more = more || !work.is_empty();
        let work = self.in_turn(work).await;
        self.gate.hold(work);
        Ok(more)
    }

    pub(super) fn hand_out(&mut self, mut work: Vec<Work>) {
        for one in &mut work {
            // What was held back may have been read under former settings.
            if !Arc::ptr_eq(&one.plan, &self.plan) {
                one.plan = Arc::clone(&self.plan);
            }
        }
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
                continue;
            };
            let mut work = Work {
                event,
                part,
                plan: Arc::clone(&self.plan),
                attempt: due.attempts.saturating_add(1),
                booked: true,
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
                Lacking::Waits => continue,
                // Also of a lane that no longer keeps the order.
                Lacking::Begin(user) => work.user = user,
            }
            self.turns.retried(due.key);
            self.retrying += 1;
            self.exposed += 1;
            self.crew.push([work]);
        }
        Ok(())
    }

    /// Reads on: moves past what isn't meant for the sync, and returns up to `room` deliveries, and
    /// whether there is more to read at once. `one_event`: the deliveries of the next event, however
    /// many these are.
    async fn read_new(
        &mut self,
        mut room: usize,
        one_event: bool,
    ) -> Result<(Vec<Work>, bool), StorageError> {
        let mut work = Vec::new();
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
        let wants = wants && !self.is_full();
        let more = wants && self.is_behind() && self.window.span() < 16 * self.bounds.window;
        Ok((work, more))
    }
}
