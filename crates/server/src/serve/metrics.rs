//! `/metrics`: what is counted as it happens, and what is looked up when it is asked for.
//!
//! What belongs to one sync is always looked up: a deleted sync leaves no series behind, so there are
//! never more of them than syncs.

use std::fmt::{Display, Write};
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use journal::{Histogram, Status};
use metrics_exporter_prometheus::PrometheusHandle;
use model::{Clock, SyncId, Timestamp};
use stream::{Health, LaneView, Streams};

/// Where the figures are looked up.
#[derive(Clone)]
pub(super) struct Sources {
    pub(super) recorded: PrometheusHandle,
    pub(super) journal: Arc<dyn journal::Journal>,
    pub(super) streams: Arc<Streams>,
    pub(super) clock: Arc<dyn Clock>,
}

/// The route.
pub(super) fn router(sources: Sources) -> Router {
    Router::new()
        .route("/metrics", get(render))
        .with_state(sources)
}

async fn render(State(sources): State<Sources>) -> impl IntoResponse {
    let mut text = Text(sources.recorded.render());
    text.journal(&sources.journal.status());
    text.lanes(&sources.streams.views(), sources.clock.now());
    (
        [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")],
        text.0,
    )
}

/// Figures in Prometheus' text format.
struct Text(String);

impl Text {
    /// What a metric means and of what kind it is.
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a string can't fail.
        let _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    fn sample(&mut self, series: impl Display, value: impl Display) {
        let _ = writeln!(self.0, "{series} {value}");
    }

    fn single(&mut self, name: &str, kind: &str, help: &str, value: impl Display) {
        self.head(name, kind, help);
        self.sample(name, value);
    }

    fn histogram(&mut self, name: &str, help: &str, values: &Histogram) {
        self.head(name, "histogram", help);
        for (bound, count) in values.cumulative() {
            self.sample(format_args!("{name}_bucket{{le=\"{bound}\"}}"), count);
        }
        self.sample(format_args!("{name}_bucket{{le=\"+Inf\"}}"), values.count());
        self.sample(format_args!("{name}_sum"), values.sum());
        self.sample(format_args!("{name}_count"), values.count());
    }

    fn journal(&mut self, status: &Status) {
        self.single(
            "millstream_journal_refusing",
            "gauge",
            "1 when events are refused, else 0.",
            u8::from(status.refusing.is_some()),
        );
        self.single(
            "millstream_journal_event_bytes",
            "gauge",
            "Bytes of events kept.",
            status.event_bytes,
        );
        self.single(
            "millstream_journal_backlog_bytes",
            "gauge",
            "Bytes of events that some running sync hasn't dealt with.",
            status.backlog_bytes,
        );
        self.single(
            "millstream_journal_queued",
            "gauge",
            "Writes that wait for a commit.",
            status.queued,
        );
        self.single(
            "millstream_journal_commits_total",
            "counter",
            "Commits.",
            status.commits,
        );
        self.single(
            "millstream_journal_appended_total",
            "counter",
            "Events appended.",
            status.appended,
        );
        self.histogram(
            "millstream_journal_commit_seconds",
            "How long commits took, fsync included.",
            &status.commit_seconds,
        );
        self.histogram(
            "millstream_journal_commit_events",
            "How many events were written by one commit.",
            &status.commit_events,
        );
    }

    fn lanes(&mut self, lanes: &[(SyncId, LaneView)], now: Timestamp) {
        type Figure = (&'static str, &'static str, fn(&LaneView, Timestamp) -> f64);
        const GAUGES: [Figure; 6] = [
            (
                "millstream_sync_unread_events",
                "Events that the sync hasn't looked at yet.",
                |lane, _| lane.unread as f64,
            ),
            (
                "millstream_sync_queued_deliveries",
                "Deliveries waiting for a place.",
                |lane, _| lane.queued as f64,
            ),
            (
                "millstream_sync_in_flight",
                "Deliveries under way.",
                |lane, _| lane.in_flight as f64,
            ),
            (
                "millstream_sync_pending_retries",
                "Deliveries waiting for their next attempt.",
                |lane, _| lane.pending as f64,
            ),
            (
                "millstream_sync_oldest_undelivered_seconds",
                "Age of the oldest event that is neither delivered nor waiting for a retry.",
                |lane, now| {
                    let age = lane.oldest_undelivered.map(|at| now.since(at));
                    age.map_or(0.0, |age| age.as_secs_f64())
                },
            ),
            (
                "millstream_sync_healthy",
                "1 when the sync's destination takes deliveries, else 0.",
                |lane, _| f64::from(u8::from(takes_deliveries(lane))),
            ),
        ];
        for (name, help, value) in GAUGES {
            self.head(name, "gauge", help);
            for (sync, lane) in lanes {
                self.sample(format_args!("{name}{{sync=\"{sync}\"}}"), value(lane, now));
            }
        }
        self.outcomes(lanes);
    }

    fn outcomes(&mut self, lanes: &[(SyncId, LaneView)]) {
        let name = "millstream_deliveries_total";
        self.head(
            name,
            "counter",
            "Events that were filtered and deliveries that ended, by how, since the sync was enabled or the \
             server started.",
        );
        for (sync, lane) in lanes {
            let counts = lane.counts;
            for (outcome, count) in [
                ("filtered", counts.filtered),
                ("delivered_first_attempt", counts.delivered_first),
                ("delivered_after_retry", counts.delivered_retry),
                ("discarded", counts.discarded),
                ("expired", counts.expired),
            ] {
                let series = format_args!("{name}{{sync=\"{sync}\",outcome=\"{outcome}\"}}");
                self.sample(series, count);
            }
        }
        let name = "millstream_failed_attempts_total";
        self.head(name, "counter", "Attempts that failed.");
        for (sync, lane) in lanes {
            let series = format_args!("{name}{{sync=\"{sync}\"}}");
            self.sample(series, lane.counts.failed_attempts);
        }
    }
}

fn takes_deliveries(lane: &LaneView) -> bool {
    matches!(lane.health, Health::Healthy | Health::Degraded)
}

#[cfg(test)]
mod tests {
    use model::random::Seeded;

    use super::*;

    #[test]
    fn a_histogram_has_cumulative_buckets_its_sum_and_its_count() {
        let mut values = Histogram::new(&[0.5, 1.0]);
        for value in [0.25, 0.75, 0.75, 4.0] {
            values.record(value);
        }
        let mut text = Text(String::new());
        text.histogram("x_seconds", "X.", &values);
        assert_eq!(
            text.0,
            "# HELP x_seconds X.\n# TYPE x_seconds histogram\nx_seconds_bucket{le=\"0.5\"} 1\n\
             x_seconds_bucket{le=\"1\"} 3\nx_seconds_bucket{le=\"+Inf\"} 4\nx_seconds_sum 5.75\nx_seconds_count 4\n"
        );
    }

    #[test]
    fn a_sync_has_its_series_as_long_as_it_is_there() {
        let sync = SyncId::generate(&Seeded::new(1));
        let mut lane = LaneView {
            pending: 7,
            oldest_undelivered: Some(Timestamp(1_000_000)),
            ..LaneView::default()
        };
        lane.counts.expired = 3;
        let mut text = Text(String::new());
        text.lanes(&[(sync, lane)], Timestamp(3_500_000));
        for line in [
            format!("millstream_sync_pending_retries{{sync=\"{sync}\"}} 7\n"),
            format!("millstream_sync_oldest_undelivered_seconds{{sync=\"{sync}\"}} 2.5\n"),
            format!("millstream_deliveries_total{{sync=\"{sync}\",outcome=\"expired\"}} 3\n"),
        ] {
            assert!(text.0.contains(&line), "{line} is missing in\n{}", text.0);
        }
        let mut without = Text(String::new());
        without.lanes(&[], Timestamp(0));
        assert!(!without.0.contains("sync="), "{}", without.0);
    }
}
