//! Carries replays out for the control API.

use std::sync::Arc;

use api::portal::{CountedFailures, LaneError, Progress, Replays};
use async_trait::async_trait;
use journal::StorageError;
use model::definition::Definition;
use model::replay::{Failures, Replayed};
use model::sync::Sync;
use model::{ProjectId, ReplayId, SyncId};
use store::{ReplayGoal, ReplayRecord};
use stream::FailedReplay;

use super::adapters::{ControlledLanes, unavailable};

#[async_trait]
impl Replays for ControlledLanes {
    async fn carry_replay(
        &self,
        replay: &ReplayRecord,
        _: Arc<Sync>,
        _: Arc<Definition>,
    ) -> Result<(), LaneError> {
        let Replayed::Failed(failures) = &replay.what;
        if replay.state != ReplayGoal::Running {
            self.streams.stop_replay(replay.id);
            return Ok(());
        }
        match self.journal.open_replay(replay.sync, replay.id).await {
            Ok(_) => {}
            // A sync that was never enabled has nothing that failed.
            Err(StorageError::UnknownLane(_)) => return Ok(()),
            Err(error) => return Err(unavailable(error)),
        }
        self.streams.replay(FailedReplay {
            id: replay.id,
            project: replay.project,
            sync: replay.sync,
            failures: failures.clone(),
            per_minute: replay.per_minute,
        });
        Ok(())
    }

    async fn replay_progress(&self, replay: &ReplayRecord) -> Result<Option<Progress>, LaneError> {
        let state = self.journal.replay_state(replay.id).await;
        if let Some(state) = state.map_err(unavailable)? {
            return Ok(Some(Progress {
                total: state.total,
                looked_at: state.looked_at,
                begun: state.moved,
                delivered: state.delivered,
                failed: state.failed,
                unsent: state.unsent,
                done: state.is_done(),
            }));
        }
        let lane = self.journal.lane_stats(replay.sync).await;
        Ok(match lane.map_err(unavailable)? {
            Some(_) => None,
            None => Some(Progress {
                done: true,
                ..Progress::default()
            }),
        })
    }

    async fn forget_replay(&self, replay: &ReplayRecord) -> Result<(), LaneError> {
        self.streams.stop_replay(replay.id);
        Ok(())
    }

    async fn count_failures(
        &self,
        project: ProjectId,
        sync: SyncId,
        failures: &Failures,
        most: u64,
        examples: usize,
    ) -> Result<CountedFailures, LaneError> {
        let replay = FailedReplay {
            // Nothing is made of it.
            id: ReplayId::from_bytes([0; 16]),
            project,
            sync,
            failures: failures.clone(),
            per_minute: None,
        };
        let counted = stream::count_failures(&*self.journal, &replay, most, examples);
        let counted = counted.await.map_err(unavailable)?;
        Ok(CountedFailures {
            total: counted.total,
            looked_at: counted.looked_at,
            matching: counted.matching,
            examples: counted.examples,
        })
    }
}
