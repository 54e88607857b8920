//! `/metrics`: what is counted as it happens, and what is looked up when it is asked for.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use metrics::{Unit, counter, describe_counter, describe_gauge, gauge};
use metrics_exporter_prometheus::PrometheusHandle;
use model::{Clock, SyncId};
use stream::{Health, LaneView, Streams};

/// Where the figures are looked up.
#[derive(Clone)]
pub(super) struct Sources {
    pub(super) recorded: PrometheusHandle,
    pub(super) journal: Arc<dyn journal::Journal>,
    pub(super) streams: Arc<Streams>,
    pub(super) clock: Arc<dyn Clock>,
    /// Syncs that have had figures, so that those of a deleted one go to zero.
    shown: Arc<Mutex<HashSet<SyncId>>>,
}

impl Sources {
    pub(super) fn new(
        recorded: PrometheusHandle,
        journal: Arc<dyn journal::Journal>,
        streams: Arc<Streams>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        describe();
        Self {
            recorded,
            journal,
            streams,
            clock,
            shown: Arc::default(),
        }
    }
}

/// The route.
pub(super) fn router(sources: Sources) -> Router {
    Router::new()
        .route("/metrics", get(render))
        .with_state(sources)
}

async fn render(State(sources): State<Sources>) -> impl IntoResponse {
    sources.look_up();
    (
        [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")],
        sources.recorded.render(),
    )
}

fn describe() {
    describe_gauge!(
        "millstream_sync_unread_events",
        "Events that the sync hasn't looked at yet."
    );
    describe_gauge!(
        "millstream_sync_queued_deliveries",
        "Deliveries waiting for a place."
    );
    describe_gauge!("millstream_sync_in_flight", "Deliveries under way.");
    describe_gauge!(
        "millstream_sync_pending_retries",
        "Deliveries waiting for their next attempt."
    );
    describe_gauge!(
        "millstream_sync_oldest_undelivered_seconds",
        Unit::Seconds,
        "Age of the oldest event that is neither delivered nor waiting for a retry."
    );
    describe_gauge!(
        "millstream_sync_healthy",
        "1 when the sync's destination takes deliveries, else 0."
    );
    describe_gauge!(
        "millstream_journal_refusing",
        "1 when events are refused, else 0."
    );
    describe_gauge!(
        "millstream_journal_event_bytes",
        Unit::Bytes,
        "Events kept."
    );
    describe_gauge!(
        "millstream_journal_backlog_bytes",
        Unit::Bytes,
        "Events that some sync hasn't dealt with."
    );
    describe_gauge!(
        "millstream_journal_queued",
        "Writes that wait for a commit."
    );
    describe_counter!("millstream_journal_commits_total", "Commits.");
    describe_counter!(
        "millstream_journal_commit_microseconds_total",
        Unit::Microseconds,
        "Time spent in commits, fsync included."
    );
    describe_counter!(
        "millstream_journal_appended_total",
        "Events appended; by commits: the batch size."
    );
}

impl Sources {
    /// Brings the gauges up to date.
    fn look_up(&self) {
        let status = self.journal.status();
        gauge!("millstream_journal_refusing").set(f64::from(u8::from(status.refusing.is_some())));
        gauge!("millstream_journal_event_bytes").set(status.event_bytes as f64);
        gauge!("millstream_journal_backlog_bytes").set(status.backlog_bytes as f64);
        gauge!("millstream_journal_queued").set(status.queued as f64);
        counter!("millstream_journal_commits_total").absolute(status.commits);
        counter!("millstream_journal_commit_microseconds_total")
            .absolute(u64::try_from(status.commit_time.as_micros()).unwrap_or(u64::MAX));
        counter!("millstream_journal_appended_total").absolute(status.appended);

        let views = self.streams.views();
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let present: HashSet<SyncId> = views.iter().map(|(sync, _)| *sync).collect();
        for gone in shown.difference(&present) {
            self.show_lane(*gone, &LaneView::default());
        }
        for (sync, view) in &views {
            self.show_lane(*sync, view);
        }
        *shown = present;
    }

    fn show_lane(&self, sync: SyncId, view: &LaneView) {
        let sync = sync.to_string();
        let show = |name: &'static str, value: f64| gauge!(name, "sync" => sync.clone()).set(value);
        show("millstream_sync_unread_events", view.unread as f64);
        show("millstream_sync_queued_deliveries", view.queued as f64);
        show("millstream_sync_in_flight", view.in_flight as f64);
        show("millstream_sync_pending_retries", view.pending as f64);
        let age = view
            .oldest_undelivered
            .map_or(0.0, |at| self.clock.now().since(at).as_secs_f64());
        show("millstream_sync_oldest_undelivered_seconds", age);
        let healthy = matches!(view.health, Health::Healthy | Health::Degraded);
        show("millstream_sync_healthy", f64::from(u8::from(healthy)));
    }
}
