//! What a lane keeps while it begins nothing, and how it goes through that afterwards.

use journal::StorageError;
use journal::hold::Standing;

use super::{Lane, PAGE};

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

    /// Finds out what is the newest of what was held, some pages of it; says whether there is more
    /// to look at, and nothing is to be sent yet.
    pub(super) async fn look_for_newest(&mut self) -> Result<bool, StorageError> {
        let Some(from) = self
            .draining
            .as_ref()
            .and_then(|draining| draining.looks_at())
        else {
            return Ok(false);
        };
        let page = self.tools.journal.read(self.project, from, PAGE).await?;
        let Some(draining) = &mut self.draining else {
            return Ok(false);
        };
        if page.is_empty() {
            draining.looked_at_all();
        }
        for event in &page {
            draining.looked_at(event, !self.plan.matching(event).is_empty());
        }
        Ok(true)
    }

    /// Goes on as usual once all that was held is settled.
    pub(super) async fn end_drain(&mut self) -> Result<(), StorageError> {
        let Some(draining) = &self.draining else {
            return Ok(());
        };
        if self.window.cursor() >= draining.drain().until {
            self.tools.journal.set_drain(self.sync, None, None).await?;
            self.draining = None;
            self.set_pace();
        }
        Ok(())
    }
}
