//! A lane in which a user's deliveries keep their order.

use std::sync::Arc;

use journal::StorageError;
use journal::turn::Turn;
use model::{Offset, Part, Timestamp};

use super::Lane;
use crate::crew::{Done, Work, WorkResult};
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
        if self.ordered { user::key(event) } else { None }
    }

    /// Of new deliveries, those whose turn it is; the others wait.
    pub(super) fn in_turn(&mut self, work: Vec<Work>) -> Vec<Work> {
        if !self.ordered {
            return work;
        }
        let mut go = Vec::with_capacity(work.len());
        for one in work {
            let Some(user) = one.user else {
                go.push(one);
                continue;
            };
            match self.turns.admit(user, one) {
                Admitted::Go(one) => go.push(one),
                Admitted::Waits => {}
                Admitted::Store(one) => self.store(one),
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
        // What is not begun before the lane stops is read again at the next start.
        let Some(next) = freed.go.filter(|_| !self.stopping) else {
            return;
        };
        match self.gate.passage(self.tools.clock.now()) {
            Passage::Free => self.hand_out(vec![next]),
            Passage::Probe | Passage::Shut => self.gate.hold([next]),
        }
    }

    /// Settles a delivery as one that waits in the journal.
    fn store(&mut self, work: Work) {
        let now = self.tools.clock.now();
        // As all that is settled it has been counted as exposed.
        self.exposed += 1;
        self.take_result(Done {
            offset: work.event.offset,
            part: work.part,
            attempt: 0,
            booked: false,
            user: work.user,
            stored: false,
            received_at: work.event.received_at,
            began: now,
            at: now,
            requests: 0,
            result: WorkResult::Waits,
            told: None,
        });
    }

    /// Begins up to `most` deliveries that waited in the journal and whose turn has come; says how many.
    pub(super) async fn dispatch_turns(&mut self, most: usize) -> Result<usize, StorageError> {
        let mut begun = 0;
        while begun < most && self.room() > 0 {
            let Some(user) = self.turns.next_ready() else {
                break;
            };
            let next = self.tools.journal.turn(self.sync, user).await;
            match next.inspect_err(|_| self.turns.again(user))? {
                Some((turn, due_at)) => begun += usize::from(self.begin_turn(turn, due_at).await?),
                None if self.settling.is_some() => self.turns.too_early(user, true),
                None if self.results.has_turn_of(user) => self.turns.too_early(user, false),
                // Nothing of the user is on its way to the journal either.
                None => self.turns.forget(user),
            }
        }
        Ok(begun)
    }

    /// Begins a user's next delivery; `false` when there is nothing to send.
    async fn begin_turn(
        &mut self,
        turn: Turn,
        due_at: Option<Timestamp>,
    ) -> Result<bool, StorageError> {
        let Turn { user, offset, part } = turn;
        if let Some(due_at) = due_at {
            // It comes when its retry is due.
            self.turns.begun(user, (offset, part));
            let key = (due_at, offset, part);
            if !self.agenda.has_passed(&key) {
                self.turns.booked(key);
            }
            return Ok(false);
        }
        let event = self.tools.journal.get(self.project, offset).await;
        let event = event.inspect_err(|_| self.turns.again(user))?;
        self.turns.begun(user, (offset, part));
        let Some(event) = event else {
            self.results.add_lost_turn(turn);
            self.exposed += 1;
            self.free_turn(user, (offset, part), true, true);
            return Ok(false);
        };
        self.hand_out(vec![Work {
            due_at: self.tools.clock.now(),
            event,
            part,
            plan: Arc::clone(&self.plan),
            attempt: 1,
            booked: false,
            user: Some(user),
            stored: true,
        }]);
        Ok(true)
    }
}
