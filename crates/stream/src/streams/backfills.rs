//! The lanes of backfills.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::ops::Range;
use std::sync::{Arc, MutexGuard, PoisonError};

use journal::hold::Said;
use journal::{Counts, StorageError};
use model::{Offset, ReplayId, SyncId, Timestamp};
use tokio::sync::watch;

use super::{ApplyError, Backfills, Shown, Slot, Streams, Wanted};
use crate::backfill::{Backfill, Marked, lane_of};
use crate::sample::{Subject, all_secrets};
use crate::view::LaneView;

/// How many of a sync's places its backfills get: one in so many, besides those that the sync has.
const SHARE: usize = 4;

impl Streams {
    /// What can be seen of a backfill's lane; `None` when it doesn't run.
    pub fn backfill_view(&self, id: ReplayId) -> Option<LaneView> {
        let slot = self
            .backfills()
            .get(&id)
            .map(|(_, slot)| Arc::clone(slot))?;
        Some(slot.view(self.tools.clock.now()))
    }

    pub(super) fn backfills_by_sync(&self) -> HashMap<SyncId, Vec<Arc<Slot>>> {
        let mut by_sync: HashMap<_, Vec<_>> = HashMap::new();
        for (sync, slot) in self.backfills().values() {
            by_sync.entry(*sync).or_default().push(Arc::clone(slot));
        }
        by_sync
    }

    pub(super) fn backfills(&self) -> MutexGuard<'_, Backfills> {
        // The map is only read, inserted into and removed from under the lock.
        self.backfills
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends the past events of a stretch of the log, from where the backfill is; what runs already goes
    /// on with the new settings. The sync has to have a lane.
    ///
    /// # Errors
    ///
    /// As those of [`Streams::apply`]: then the backfill stands still.
    pub async fn backfill(
        &self,
        backfill: &Backfill,
        stretch: Range<Offset>,
    ) -> Result<(), ApplyError> {
        let (id, sync, clock) = (backfill.id, backfill.sync.id, &self.tools.clock);
        let slot = {
            let mut backfills = self.backfills();
            let new = || (sync, Arc::new(Slot::new(clock.now())));
            Arc::clone(&backfills.entry(id).or_insert_with(new).1)
        };
        let mut running = slot.gate.lock().await;
        let plan = match backfill.plan(clock) {
            Ok(plan) => plan,
            Err(problems) => {
                self.stop(running.take()).await;
                return Err(ApplyError::Problems(problems));
            }
        };
        let (of, definition) = (&*backfill.sync, &*backfill.definition);
        let secrets = all_secrets(definition, of);
        let subject = Subject::new(definition, of, secrets, Arc::clone(clock));
        let mut course = self.course(plan, of, definition, Arc::new(subject));
        course.past = true;
        course.concurrency = (course.concurrency / SHARE).max(1);
        let of_destination = course.requests_per_minute;
        let own = backfill.per_minute.map(NonZeroU32::get);
        if let Some(per_minute) = [own, of_destination].into_iter().flatten().min() {
            // Those that only wait for their moment hold a pause up.
            let within_two_seconds = per_minute as usize / 30;
            course.concurrency = course.concurrency.min(within_two_seconds + 2);
        }
        // The sync's own limit is kept where places among its requests are taken.
        course.requests_per_minute = own;
        if let Some(running) = &*running {
            // The lane's task holds the receiver as long as it runs.
            if running.wanted.send(Wanted::Run(course.clone())).is_ok() {
                return Ok(());
            }
        }
        let (log, lane, until) = (backfill.log, lane_of(id), stretch.end);
        let journal = &self.tools.journal;
        journal.open_bounded_lane(log, lane, sync, stretch).await?;
        let (end, head) = match log == backfill.sync.project {
            true => {
                let (end, head) = watch::channel(until);
                (Some(end), head)
            }
            // An import's log grows until it is complete, and nobody else reads it.
            false => (None, journal.head(log)),
        };
        let of_sync = Arc::clone(&self.slot(sync).pace);
        let deliver = Arc::new(Marked::new(Arc::clone(&self.deliver), id, of_sync));
        let started = self.start((log, lane), head, deliver, &slot.pace, course);
        let (mut started, view) = started.await?;
        started.end = end;
        *running = Some(started);
        slot.show(Shown::Lane(view));
        Ok(())
    }

    /// Has a backfill stand still: it keeps its place and its retries, as a paused sync does.
    pub async fn pause_backfill(&self, id: ReplayId) -> Result<(), StorageError> {
        self.stop_backfill(id).await;
        match self.tools.journal.set_paused(lane_of(id), true).await {
            // It has not begun.
            Err(StorageError::UnknownLane(_)) => Ok(()),
            other => other,
        }
    }

    /// Has a backfill give up what it has not looked at, and its retries; what ended without success is
    /// kept.
    pub async fn give_up_backfill(&self, id: ReplayId) -> Result<(), StorageError> {
        self.pause_backfill(id).await?;
        let said = Said {
            at: self.tools.clock.now(),
            by: format!("cancelling the replay {id}"),
        };
        match self.tools.journal.drop_backlog(lane_of(id), said).await {
            // It has not begun.
            Err(StorageError::UnknownLane(_)) => Ok(()),
            other => other.map(|_| ()),
        }
    }

    /// Ends a backfill, and forgets what it still owes.
    pub async fn remove_backfill(&self, id: ReplayId) -> Result<(), StorageError> {
        self.stop_backfill(id).await;
        let now = self.tools.clock.now();
        match self.tools.journal.drop_lane(lane_of(id), now).await {
            Err(StorageError::UnknownLane(_)) => Ok(()),
            other => other.map(|_| ()),
        }
    }

    async fn stop_backfill(&self, id: ReplayId) {
        let removed = self.backfills().remove(&id);
        if let Some((sync, slot)) = removed {
            let running = slot.gate.lock().await.take();
            self.stop(running).await;
            if let Some(of_sync) = self.lanes().get(&sync) {
                of_sync.count_backfill(&slot, self.tools.clock.now());
            }
        }
    }

    /// Stops the backfills of a sync that is about to go.
    pub(super) async fn stop_backfills_of(&self, sync: SyncId) {
        let of_sync: Vec<_> = {
            let backfills = self.backfills();
            let of_sync = backfills.iter().filter(|(_, (whose, _))| *whose == sync);
            of_sync.map(|(id, _)| *id).collect()
        };
        for id in of_sync {
            self.stop_backfill(id).await;
        }
    }
}

impl Slot {
    /// What was counted of the sync's backfills that run no more: what a lane counts only rises.
    pub(super) fn of_ended_backfills(&self) -> Counts {
        *self.counted()
    }

    fn count_backfill(&self, ended: &Slot, now: Timestamp) {
        let counts = ended.glance(now).counts;
        self.counted().add(&counts);
    }

    fn counted(&self) -> MutexGuard<'_, Counts> {
        // Numbers are valid whatever happened.
        self.of_backfills
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
