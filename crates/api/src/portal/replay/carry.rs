//! Making replays what the store says, and noting what became of them.

use std::sync::Arc;

use model::replay::Replayed;
use model::{ReplayId, SyncId};
use serde_json::json;
use store::{ReplayGoal, ReplayRecord};

use super::Progress;
use crate::portal::{ApiError, Portal};

/// Replays that are looked at together.
const AT_ONCE: u32 = 200;

impl Portal {
    /// Makes a replay what the store says at this moment.
    pub(super) async fn carry(&self, id: ReplayId) -> Result<(), ApiError> {
        let Some(replay) = self.store.replay_by_id(id).await? else {
            return Ok(());
        };
        let _order = self.lane_lock(replay.sync).lock().await;
        // As it is now: of two changes at once, the later one holds.
        let Some(replay) = self.store.replay_by_id(id).await? else {
            return Ok(());
        };
        self.carry_as(&replay).await?;
        match replay.state {
            ReplayGoal::Cancelled if replay.result.is_none() => {
                self.lanes.give_up_replay(&replay).await?;
                self.settle_replay(&replay).await
            }
            _ => Ok(()),
        }
    }

    async fn carry_as(&self, replay: &ReplayRecord) -> Result<(), ApiError> {
        self.carry_alone(replay).await?;
        if replay.state != ReplayGoal::Running || !is_of_failures(replay) {
            return Ok(());
        }
        // Past events that failed are sent again by the lanes that sent them, which stand still by now.
        for past in self.store.unsettled_replays_of(replay.sync).await? {
            if past.state.is_final() && !is_of_failures(&past) {
                self.carry_alone(&past).await?;
            }
        }
        Ok(())
    }

    async fn carry_alone(&self, replay: &ReplayRecord) -> Result<(), ApiError> {
        let Some(record) = self.store.sync_by_id(replay.sync).await? else {
            return Ok(());
        };
        let definition = self.definition(&record.sync).await?;
        let sync = Arc::clone(&record.sync);
        Ok(self.lanes.carry_replay(replay, sync, definition).await?)
    }

    /// Says whose logs of imports are: former versions didn't.
    async fn own_imports(&self) -> Result<(), ApiError> {
        let mut after = None;
        loop {
            let page = self.store.imports(after.as_ref(), AT_ONCE).await?;
            self.lanes.own_imports(&page.items).await?;
            after = page.next;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    /// Goes on with all replays. To be called once, when the lanes have been started.
    pub(in crate::portal) async fn start_replays(&self) -> Result<(), store::Error> {
        if let Err(error) = self.own_imports().await {
            tracing::error!(%error, "whose events were imported could not be noted");
        }
        let mut after = None;
        loop {
            let page = self.store.unsettled_replays(after.as_ref(), AT_ONCE);
            let page = page.await?;
            for replay in page.items {
                if let Err(error) = self.carry_as(&replay).await {
                    tracing::error!(replay = %replay.id, %error, "a replay could not be started");
                }
            }
            after = page.next;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    /// Notes what became of replays of which nothing more comes.
    pub async fn settle_replays(&self) -> Result<(), ApiError> {
        let mut after = None;
        loop {
            let page = self.store.unsettled_replays(after.as_ref(), AT_ONCE);
            let page = page.await?;
            for replay in page.items {
                self.settle_replay(&replay).await?;
            }
            after = page.next;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    async fn settle_replay(&self, replay: &ReplayRecord) -> Result<(), ApiError> {
        let cancelled = replay.state == ReplayGoal::Cancelled;
        let progress = match self.lanes.replay_progress(replay).await? {
            Some(progress) => progress,
            None if cancelled => Progress::default(),
            None => return Ok(()),
        };
        let over = progress.done || (cancelled && progress.outstanding() == 0);
        if !over || replay.state == ReplayGoal::Paused {
            return Ok(());
        }
        if progress.kept + progress.noted > 0 {
            // People may look at what failed, and send it again, as long as it is kept.
            self.store.finish_replay(replay.id).await?;
            return match replay.state.is_final() {
                // What was sent again is over.
                true => self.carry_as(replay).await,
                false => Ok(()),
            };
        }
        self.store
            .settle_replay(replay.id, &json!(progress))
            .await?;
        Ok(self.lanes.forget_replay(replay).await?)
    }

    /// Makes all replays of a sync what they are to be, now that the sync is another.
    pub(in crate::portal) async fn carry_all_of(&self, sync: SyncId) -> Result<(), ApiError> {
        let mut replays = self.store.unsettled_replays_of(sync).await?;
        // What sends past events again asks whether there is something to send.
        replays.sort_by_key(|replay| !is_of_failures(replay));
        for replay in replays {
            // The sync's change is made, whatever becomes of these.
            if let Err(error) = self.carry_alone(&replay).await {
                tracing::error!(replay = %replay.id, %error, "a replay could not follow its sync");
            }
        }
        Ok(())
    }
}

/// Whether it sends deliveries again, and not past events.
fn is_of_failures(replay: &ReplayRecord) -> bool {
    matches!(replay.what, Replayed::Failed(_))
}
