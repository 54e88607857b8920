//! Making the lanes what the store says.

use std::future::Future;
use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream;
use model::SyncId;
use store::{DeletedSync, SyncRecord};

use super::{ApiError, DroppedLane, LANE_LOCKS, Portal};

impl Portal {
    /// Runs a change to its end, even when whoever asked for it has gone away.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        change: impl Future<Output = Result<T, ApiError>> + Send + 'static,
    ) -> Result<T, ApiError> {
        let outcome = self.tasks.spawn(change).await;
        outcome.unwrap_or_else(|panicked| {
            Err(ApiError::Internal {
                source: panicked.into(),
            })
        })
    }

    /// Makes the sync's lane what the store says at this moment.
    pub(super) async fn reconcile(&self, sync: SyncId) -> Result<(), ApiError> {
        let _order = self.lane_lock(sync).lock().await;
        match self.store.sync_by_id(sync).await? {
            Some(record) => {
                self.apply(record).await?;
                self.carry_all_of(sync).await
            }
            // Deleted since: whoever did that removes the lane.
            None => Ok(()),
        }
    }

    /// Removes the lane of a deleted sync, then the last that is left of the sync.
    pub(super) async fn remove(&self, deleted: DeletedSync) -> Result<DroppedLane, ApiError> {
        let _order = self.lane_lock(deleted.id).lock().await;
        let dropped = self.lanes.remove(deleted.id).await?;
        self.store.forget_sync(deleted).await?;
        Ok(dropped)
    }

    /// Starts the lanes of all syncs and removes those of deleted ones. To be called once, before
    /// requests come in. A sync whose lane can't be started is reported and left: the others go on.
    pub async fn start(&self) -> Result<(), store::Error> {
        const AT_ONCE: u32 = 200;
        const TOGETHER: usize = 32;
        self.remove_deleted().await?;
        let mut after = None;
        loop {
            let page = self.store.all_syncs(after.as_ref(), AT_ONCE).await?;
            // Each waits for what the journal makes durable, which it does for many in one go.
            let all = stream::iter(page.items);
            all.for_each_concurrent(TOGETHER, |record| self.apply_or_report(record))
                .await;
            after = page.next;
            if after.is_none() {
                return self.start_replays().await;
            }
        }
    }

    /// Removes the lanes of syncs whose deletion was not carried through.
    pub(super) async fn remove_deleted(&self) -> Result<(), store::Error> {
        const AT_ONCE: u32 = 200;
        loop {
            let deleted = self.store.deleted_syncs(AT_ONCE).await?;
            let (found, mut removed) = (deleted.len(), 0);
            for deleted in deleted {
                match self.remove(deleted).await {
                    Ok(_) => removed += 1,
                    Err(error) => {
                        tracing::error!(sync = %deleted.id, %error, "a lane could not be removed");
                    }
                }
            }
            // What could not be removed now comes again with the next start.
            if removed == 0 || found < AT_ONCE as usize {
                return Ok(());
            }
        }
    }

    async fn apply_or_report(&self, record: SyncRecord) {
        let sync = record.sync.id;
        if let Err(error) = self.apply(record).await {
            tracing::error!(%sync, %error, "the sync's lane could not be started");
        }
    }

    async fn apply(&self, record: SyncRecord) -> Result<(), ApiError> {
        let definition = self.definition(&record.sync).await?;
        let (sync, secret) = (record.sync, record.secret);
        Ok(self.lanes.apply(sync, definition, secret).await?)
    }

    /// The definition that a sync connects.
    pub(super) async fn definition(
        &self,
        sync: &model::sync::Sync,
    ) -> Result<Arc<model::definition::Definition>, ApiError> {
        let (id, version) = (sync.definition, sync.definition_version);
        let definition = self.store.definition(id, version).await?;
        definition.ok_or_else(|| ApiError::Internal {
            source: format!(
                "{} connects version {version} of {id}, which is missing",
                sync.id
            )
            .into(),
        })
    }

    pub(super) fn lane_lock(&self, sync: SyncId) -> &tokio::sync::Mutex<()> {
        let low = u64::from_be_bytes(*sync.to_bytes().last_chunk().unwrap_or(&[0; 8]));
        &self.lane_locks[(low % LANE_LOCKS as u64) as usize]
    }
}
