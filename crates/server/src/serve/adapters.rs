//! Joins parts that don't know each other: what one asks for as a trait, another one has.

use std::sync::Arc;

use api::portal::{
    Backlog, Courier, DroppedLane, FieldProblem, Glance, Health, LaneError, LaneStatus, Lanes,
    Reply, Timing, Trial,
};
use async_trait::async_trait;
use delivery::egress::Guard;
use delivery::{BodyEnd, Client, Sender};
use futures_util::stream::BoxStream;
use journal::figures::{Figures, Scope, Step};
use journal::hold::{Drain, Untold};
use journal::received::Received;
use journal::{
    EndedRow, EraseRequest, Erasure, Fates, Held, Journal, Keep, LaneStats, Retry, RetryKey,
    StorageError,
};
use model::definition::Definition;
use model::sync::Sync;
use model::tail::Told;
use model::{Clock, ErasureId, Event, Offset, OutboundRequest, ProjectId, SyncId, Timestamp};
use pipeline::Plan;
use pipeline::preview::Secrets;
use store::SecretFields;
use stream::{ApplyError, Outcomes, Streams};
use tokio::sync::watch;

/// The lanes, as the control API asks for them.
pub(super) struct ControlledLanes {
    pub(super) streams: Arc<Streams>,
    pub(super) journal: Arc<dyn Journal>,
    pub(super) guard: Guard,
    pub(super) clock: Arc<dyn Clock>,
}

#[async_trait]
impl Lanes for ControlledLanes {
    fn check(&self, sync: &Sync, definition: &Definition) -> Vec<FieldProblem> {
        let mut found = match Plan::compile(definition, sync, &self.clock) {
            Ok(_) => Vec::new(),
            Err(problems) => problems.into_iter().map(FieldProblem::from).collect(),
        };
        found.extend(self.blocked_url(sync));
        found
    }

    async fn apply(
        &self,
        sync: Arc<Sync>,
        definition: Arc<Definition>,
        secret: SecretFields,
    ) -> Result<(), LaneError> {
        let secrets = Secrets {
            parameters: secret.parameters,
            headers: secret.headers,
            unknown_to_viewer: true,
        };
        let applied = self.streams.apply_masking(&sync, &definition, secrets);
        let applied = applied.await;
        applied.map_err(|error| match error {
            ApplyError::Problems(problems) => {
                LaneError::Problems(problems.into_iter().map(FieldProblem::from).collect())
            }
            ApplyError::Storage(error) => unavailable(error),
        })
    }

    async fn prepare(
        &self,
        project: ProjectId,
        sync: SyncId,
        backlog: Backlog,
        requests_per_minute: Option<u32>,
        by: &str,
    ) -> Result<(), LaneError> {
        let backlog = match backlog {
            Backlog::All => stream::Backlog::All,
            Backlog::NewestPerUser => stream::Backlog::Newest,
            Backlog::Drop => stream::Backlog::Drop,
        };
        let prepared = self
            .streams
            .prepare(project, sync, backlog, requests_per_minute, by);
        let dropped = prepared.await.map_err(unavailable)?;
        if !dropped.is_empty() {
            tracing::warn!(%sync, events = dropped.events, retries = dropped.retries, "what a sync owed was dropped");
        }
        Ok(())
    }

    async fn remove(&self, sync: SyncId) -> Result<DroppedLane, LaneError> {
        self.streams
            .remove(sync)
            .await
            .map(Into::into)
            .map_err(unavailable)
    }

    async fn status(&self, sync: SyncId) -> Result<LaneStatus, LaneError> {
        let stats = self.stats(sync).await?;
        let view = self.streams.view(sync).unwrap_or_default();
        Ok(LaneStatus {
            health: health(view.health),
            reason: view.reason,
            since: view.since,
            in_flight: view.in_flight as u64,
            allowed: view.allowed as u64,
            next_probe: view.next_probe,
            in_order: view.in_order,
            awaiting: view.awaiting,
            draining: match view.draining {
                Some(drain) => Some(drain),
                // One that is switched off may be about to go through it.
                None => self.drain(sync).await?,
            },
            caps: self.journal.status().caps,
            stats,
        })
    }

    async fn retries(
        &self,
        sync: SyncId,
        after: Option<RetryKey>,
        max: usize,
    ) -> Result<Vec<Retry>, LaneError> {
        none_without_lane(self.journal.retries(sync, after, max).await)
    }

    async fn ended(
        &self,
        sync: SyncId,
        before: Option<u64>,
        max: usize,
    ) -> Result<Vec<EndedRow>, LaneError> {
        none_without_lane(self.journal.ended(sync, before, max).await)
    }

    fn fates(&self) -> &dyn Fates {
        &*self.journal
    }

    async fn figures(
        &self,
        scope: Scope,
        step: Step,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<(Timestamp, Figures)>, LaneError> {
        let figures = self.journal.figures(scope, step, from, until);
        figures.await.map_err(unavailable)
    }

    fn kept_at_most(&self) -> Keep {
        self.journal.kept_at_most()
    }

    async fn held(&self, project: ProjectId) -> Result<Held, LaneError> {
        self.journal.held(project).await.map_err(unavailable)
    }

    async fn received(&self, project: ProjectId, now: Timestamp) -> Result<Received, LaneError> {
        let received = self.journal.received(project, now);
        received.await.map_err(unavailable)
    }

    async fn erase(&self, request: EraseRequest) -> Result<Erasure, LaneError> {
        self.journal.erase(request).await.map_err(unavailable)
    }

    async fn erasure(&self, id: ErasureId) -> Result<Option<Erasure>, LaneError> {
        self.journal.erasure(id).await.map_err(unavailable)
    }

    async fn erasures(
        &self,
        project: ProjectId,
        before: Option<u64>,
        max: usize,
    ) -> Result<Vec<Erasure>, LaneError> {
        let erasures = self.journal.erasures(project, before, max);
        erasures.await.map_err(unavailable)
    }

    async fn events(
        &self,
        project: ProjectId,
        before: Option<Offset>,
        max: usize,
    ) -> Result<Vec<Arc<Event>>, LaneError> {
        let newest = journal::newest(self.journal.as_ref(), project, before, max);
        newest.await.map_err(unavailable)
    }

    async fn user_properties(
        &self,
        project: ProjectId,
        user: u64,
    ) -> Result<Option<Vec<u8>>, LaneError> {
        let found = self.journal.user_properties(project, user);
        found.await.map_err(unavailable)
    }

    fn head(&self, project: ProjectId) -> watch::Receiver<Offset> {
        self.journal.head(project)
    }

    async fn read(
        &self,
        project: ProjectId,
        from: Offset,
        max: usize,
    ) -> Result<Vec<Arc<Event>>, LaneError> {
        let read = self.journal.read(project, from, max);
        read.await.map_err(unavailable)
    }

    fn health(&self, sync: SyncId) -> (Health, Option<String>) {
        let (known, reason) = self.streams.health(sync).unwrap_or_default();
        (health(known), reason)
    }

    fn glance(&self, each: &mut dyn FnMut(Glance)) {
        self.streams.glances(|sync, seen| {
            let counts = seen.counts;
            let delivered = counts.delivered_first + counts.delivered_retry;
            each(Glance {
                sync,
                health: health(seen.health),
                reason: seen.reason,
                failure: seen.failure,
                oldest_undelivered: seen.oldest_undelivered,
                last_success: seen.last_success,
                last_failure: seen.last_failure,
                attempts: delivered + counts.failed_attempts,
                failed: counts.failed_attempts,
                expired: counts.expired,
                pending: seen.pending,
                backlog: seen.backlog,
            });
        });
    }

    async fn untold_losses(&self) -> Result<Vec<Untold>, LaneError> {
        self.journal.untold_losses().await.map_err(unavailable)
    }

    async fn tell_losses(&self, told: Vec<(SyncId, u64)>) -> Result<(), LaneError> {
        self.journal.tell_losses(told).await.map_err(unavailable)
    }

    fn outcomes(&self, project: ProjectId) -> BoxStream<'static, Told> {
        let outcomes = self.streams.outcomes(project);
        let next = async |mut outcomes: Outcomes| Some((outcomes.next().await?, outcomes));
        Box::pin(futures_util::stream::unfold(outcomes, next))
    }
}

impl ControlledLanes {
    /// What is wrong with a URL whose host is an address that the egress guard refuses. Names are
    /// looked up when something is sent, and templates have no host yet.
    fn blocked_url(&self, sync: &Sync) -> Option<FieldProblem> {
        let url: http::Uri = sync.settings.parameters.get("url")?.parse().ok()?;
        let blocked = self.guard.check_literal(url.host()?).err()?;
        Some(FieldProblem::new("/parameters/url", blocked.to_string()))
    }

    async fn drain(&self, sync: SyncId) -> Result<Option<Drain>, LaneError> {
        match self.journal.drain(sync).await {
            Err(StorageError::UnknownLane(_)) => Ok(None),
            other => other.map_err(unavailable),
        }
    }

    async fn stats(&self, sync: SyncId) -> Result<Option<LaneStats>, LaneError> {
        self.journal.lane_stats(sync).await.map_err(unavailable)
    }
}

fn health(health: stream::Health) -> Health {
    match health {
        stream::Health::Healthy => Health::Healthy,
        stream::Health::Degraded => Health::Degraded,
        stream::Health::Failing => Health::Failing,
        stream::Health::Paused => Health::Paused,
        stream::Health::Misconfigured => Health::Misconfigured,
        stream::Health::Stalled => Health::Stalled,
    }
}

/// A sync that was never enabled has no lane, and so no rows.
fn none_without_lane<T>(rows: Result<Vec<T>, StorageError>) -> Result<Vec<T>, LaneError> {
    match rows {
        Err(StorageError::UnknownLane(_)) => Ok(Vec::new()),
        other => other.map_err(unavailable),
    }
}

pub(super) fn unavailable(error: StorageError) -> LaneError {
    LaneError::Unavailable(Box::new(error))
}

/// What sends deliveries, as the control API asks for it to test a connection.
pub(super) struct DeliveringCourier(pub(super) Arc<Sender<Client>>);

#[async_trait]
impl Courier for DeliveringCourier {
    async fn send_once(&self, request: &OutboundRequest) -> Trial {
        let trial = self.0.try_once(request).await;
        Trial {
            reply: trial.response.map(|response| Reply {
                timing: Timing {
                    lookup: response.timing.connection.map(|took| took.lookup),
                    connect: response.timing.connection.map(|took| took.connect),
                    tls: response.timing.connection.and_then(|took| took.tls),
                    wait: response.timing.wait,
                },
                status: response.status,
                headers: response.headers,
                body: response.body,
                complete: response.body_end == BodyEnd::Complete,
            }),
            means: trial.means,
            failure: trial.failure,
            elapsed: trial.elapsed,
        }
    }
}
