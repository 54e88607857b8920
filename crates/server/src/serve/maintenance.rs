//! What has to be done every now and then.

use std::sync::Arc;
use std::time::Duration;

use journal::{Journal, StorageError};
use metrics_exporter_prometheus::PrometheusHandle;
use model::Clock;
use store::Store;
use tokio_util::sync::CancellationToken;

/// How often retention runs.
const INTERVAL: Duration = Duration::from_secs(60);

/// How often recorded metrics are condensed.
const METRICS_INTERVAL: Duration = Duration::from_secs(5);

/// What is kept in order.
pub(super) struct Maintenance {
    pub(super) journal: Arc<dyn Journal>,
    pub(super) store: Store,
    pub(super) audit_retention: Duration,
    pub(super) metrics: PrometheusHandle,
    pub(super) clock: Arc<dyn Clock>,
}

impl Maintenance {
    /// Works until `stopping`. A step that has begun is finished.
    pub(super) async fn run(self, stopping: CancellationToken) {
        let mut due = self.clock.now();
        loop {
            if self.clock.now() >= due {
                self.retire().await;
                self.clear_expired().await;
                due = self.clock.now() + INTERVAL;
            }
            self.metrics.run_upkeep();
            tokio::select! {
                () = stopping.cancelled() => return,
                () = self.clock.sleep(METRICS_INTERVAL) => {}
            }
        }
    }

    async fn clear_expired(&self) {
        match self.store.clear_expired(self.audit_retention).await {
            Ok(0) => {}
            Ok(rows) => tracing::debug!(rows, "what had expired was cleared"),
            Err(error) => tracing::error!(%error, "what has expired can't be cleared"),
        }
    }

    async fn retire(&self) {
        match self.journal.retire(self.clock.now()).await {
            Ok(retired) => {
                if retired.skipped_by_paused > 0 {
                    tracing::warn!(
                        events = retired.skipped_by_paused,
                        "disabled syncs lost events that were kept for them beyond the bounds"
                    );
                }
                if retired.events + retired.ended > 0 {
                    tracing::debug!(
                        events = retired.events,
                        ended = retired.ended,
                        "retention removed"
                    );
                }
            }
            Err(StorageError::Closed) => {}
            Err(error) => tracing::error!(%error, "retention failed"),
        }
    }
}
