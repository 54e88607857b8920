//! A lane in which a user's deliveries keep their order.

use std::sync::Arc;

use journal::StorageError;
use journal::turn::{Booked, Turn};
use model::{Offset, Part};

use super::Lane;
use super::awaiting::Lack;
use crate::crew::{Done, Waited, Work, WorkResult};
use crate::gate::Passage;
use crate::turns::Admitted;
use crate::user;

/// How many users are read at once.
const PAGE: usize = 1000;

impl Lane {
    /// Brings to mind who waits for whom.
    pub(super) async fn load_turns(&mut self) -> Result<(), StorageError> {
        let mut after = None;
        loop {
            let heads = self.tools.journal.turns(self.sync, after, PAGE).await?;
            heads.iter().for_each(|head| self.turns.load(head));
            match heads.last() {
                Some(last) if heads.len() == PAGE => after = Some(last.turn.user),
                _ => return Ok(()),
            }
        }
    }

    /// Whose delivery a new one is, where that matters.
    pub(super) fn user_in_order(&self, event: &model::Event) -> Option<u64> {
        let matters = self.ordered || self.wait.is_some() || !self.turns.is_empty();
        if matters { user::key(event) } else { None }
    }

    /// Of new deliveries, those whose turn it is; the others wait.
    pub(super) async fn in_turn(&mut self, work: Vec<Work>) -> Vec<Work> {
        if !self.ordered && self.wait.is_none() && self.turns.is_empty() {
            return work;
        }
        let mut go = Vec::with_capacity(work.len());
        for mut one in work {
            let Some(user) = one.user else {
                go.push(one);
                continue;
            };
            match self.lack_of(&mut one, user).await {
                Lack::None => {}
                Lack::Waits(until) => {
                    self.await_property(one, user, until);
                    continue;
                }
                Lack::GivesUp => {
                    // Nobody waits for the end of what is not sent.
                    one.user = None;
                    go.push(one);
                    continue;
                }
            }
            if !self.ordered && !self.turns.has_stored(user) {
                one.user = None;
                go.push(one);
                continue;
            }
            match self.turns.admit(user, one, self.bounds.window) {
                Admitted::Go(one) => go.push(one),
                Admitted::Waits => {}
                Admitted::Store(before, one) => {
                    before.into_iter().for_each(|each| self.store(each));
                    self.store(one);
                }
            }
        }
        go
    }

    /// An attempt has ended: what waited for it moves up, or into the journal.
    pub(super) fn free_turn(
        &mut self,
        user: u64,
        key: (Offset, Part),
        over: bool,
        was_stored: bool,
    ) {
        let freed = self.turns.ended(user, key, over, was_stored);
        freed.store.into_iter().for_each(|one| self.store(one));
        if let Some(next) = freed.go {
            self.begin_freed(next);
        }
    }

    /// It is the turn of a delivery that waited in memory.
    fn begin_freed(&mut self, next: Work) {
        // What is not begun before the lane stops is read again at the next start.
        if self.stopping {
            return;
        }
        match self.gate.passage(self.tools.clock.now()) {
            Passage::Free => self.hand_out(vec![next]),
            Passage::Probe | Passage::Shut => self.gate.hold([next]),
        }
    }

    /// Settles a delivery as one that waits in the journal.
    pub(super) fn store(&mut self, work: Work) {
        self.settle_unbegun(work, WorkResult::Waits);
    }

    /// Settles a new delivery of which nothing was tried.
    pub(super) fn settle_unbegun(&mut self, work: Work, result: WorkResult) {
        let now = self.tools.clock.now();
        // As all that is settled it has been counted as exposed.
        self.exposed += 1;
        self.take_result(Done {
            offset: work.event.offset,
            part: work.part,
            attempt: 0,
            booked: false,
            ahead: None,
            suspect: false,
            user: work.user,
            whose: None,
            stored: false,
            received_at: work.event.received_at,
            began: now,
            at: now,
            at_once: 0,
            requests: 0,
            result,
            told: None,
            given: None,
        });
    }

    /// Begins up to `most` deliveries that waited in the journal and whose turn has come; says how many.
    pub(super) async fn dispatch_turns(&mut self, most: usize) -> Result<usize, StorageError> {
        let mut begun = 0;
        for _ in 0..PAGE {
            // While something is being settled, the journal may not have all that concerns a user.
            if begun >= most || !self.has_turns() {
                break;
            }
            let Some(user) = self.turns.next_ready() else {
                break;
            };
            if self.results.has_turn_of(user) {
                self.turns.too_early(user);
                continue;
            }
            let next = self.tools.journal.turn(self.sync, user).await;
            match next.inspect_err(|_| self.turns.again(user))? {
                Some((turn, booked)) => begun += usize::from(self.begin_turn(turn, booked).await?),
                // Nothing of the user is on its way to the journal either.
                None => {
                    if let Some(next) = self.turns.forget(user) {
                        self.begin_freed(next);
                    }
                }
            }
        }
        Ok(begun)
    }

    /// Whether deliveries can be looked for whose turn may have come. Not before what was left unsettled
    /// by a crash has been read again: it may be earlier than what the journal has of its user.
    pub(super) fn has_turns(&self) -> bool {
        let may = self.turns.has_ready() && !self.window.has_gaps();
        may && self.room() > 0 && self.settling.is_none()
    }

    /// Whether no more is to be read before some of what waits is over.
    pub(super) fn is_full(&self) -> bool {
        self.turns.is_full() && !self.window.has_gaps()
    }

    /// Begins a user's next delivery; `false` when there is nothing to send.
    async fn begin_turn(
        &mut self,
        turn: Turn,
        booked: Option<Booked>,
    ) -> Result<bool, StorageError> {
        let Turn { user, offset, part } = turn;
        if let Some(booked) = booked.filter(|booked| booked.attempts > 0) {
            // It comes when its retry is due.
            self.turns.begun(user, (offset, part), true);
            let key = (booked.due_at, offset, part);
            if !self.agenda.has_passed(&key) {
                self.turns.booked(key);
            }
            return Ok(false);
        }
        let erased = self.erased.times();
        let event = self.tools.journal.get(self.project, offset).await;
        let event = event.inspect_err(|_| self.turns.again(user))?;
        let Some(event) = event else {
            self.turns.begun(user, (offset, part), booked.is_some());
            match booked {
                Some(_) => self.results.add_lost_retry(offset, part, Some(user)),
                None => self.results.add_lost_turn(turn),
            }
            self.exposed += 1;
            self.free_turn(user, (offset, part), true, true);
            return Ok(false);
        };
        let mut work = Work {
            due_at: self.tools.clock.now(),
            event,
            part,
            plan: Arc::clone(&self.plan),
            attempt: 1,
            booked: false,
            ahead: None,
            suspect: false,
            user: Some(user),
            stored: true,
            waited: Waited::No,
            given: None,
            erased,
        };
        let complete = self.complete(&mut work, user).await;
        let complete = complete.inspect_err(|_| self.turns.again(user))?;
        if self.begin_waiting(turn, booked, &mut work, complete) {
            return Ok(false);
        }
        self.turns.begun(user, (offset, part), false);
        self.hand_out(vec![work]);
        Ok(true)
    }
}
