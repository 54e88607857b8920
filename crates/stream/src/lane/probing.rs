//! What a lane does while its destination takes nothing, and with what it held back meanwhile.

use std::sync::Arc;

use journal::StorageError;

use super::{Lane, PAGE};
use crate::crew::{Waited, Work};

/// How many deliveries a probe is looked for among.
const LOOK_AHEAD: usize = 1024;

impl Lane {
    /// Takes back what is queued and not begun: it costs no attempt where it waits.
    pub(super) fn hold_back(&mut self) {
        let queued = self.crew.withdraw();
        self.exposed -= queued.len();
        self.gate.hold(queued);
    }

    /// Gives the crew what was held back, oldest first, as far as there is room.
    pub(super) fn release_held(&mut self) {
        if self.gate.held() == 0 {
            return;
        }
        let released: Vec<Work> = self.gate.release(self.room()).collect();
        self.hand_out(released);
    }

    /// Gives the crew some of what was set aside: so few that what is new hardly waits behind it.
    pub(super) async fn take_up_aside(&mut self) -> Result<(), StorageError> {
        let few = (self.gate.allowed() / 2).max(1);
        let of_suspects = (self.gate.allowed() / 4).max(1);
        while self.gate.aside() > 0
            && self.room() > 0
            && self.crew.load().0 < few
            && self.crew.suspects() < of_suspects
        {
            let Some(work) = self.read_aside().await? else {
                break;
            };
            let work = self.prepared(work);
            self.begin(vec![work]);
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
                ahead: None,
                suspect: false,
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
    pub(super) async fn probe(&mut self) -> Result<bool, StorageError> {
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
        if probe.is_none() && self.probe_ahead().await? {
            self.gate.probe_made(now);
            return Ok(false);
        }
        // Those that wait for their turn are no probe.
        self.starved = probe.is_none();
        if let Some(probe) = probe {
            self.gate.probe_made(now);
            let probe = self.prepared(probe);
            self.begin(vec![probe]);
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
}
