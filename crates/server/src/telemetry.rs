//! Log and metrics of the process.

use std::io::IsTerminal;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

use crate::config::{Log, LogFormat};

/// Bounds of the buckets of latencies, in seconds: from a local call to four hours of retries.
const LATENCY_BUCKETS: &[f64] = &[
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0, 600.0,
    3600.0, 14_400.0,
];

/// Bounds of the buckets of requests' sizes, in bytes: from one event to the largest batch.
const SIZE_BUCKETS: &[f64] = &[
    1e3, 2.5e3, 5e3, 1e4, 2.5e4, 5e4, 1e5, 2.5e5, 5e5, 1e6, 5e6, 2e7,
];

/// Starts the log on standard error, and makes panics part of it: a task that dies is seen.
pub(crate) fn start_log(config: &Log) {
    // The filter was parsed when the configuration was checked.
    let filter = config.filter.parse::<EnvFilter>().unwrap_or_default();
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    let started = match config.format {
        LogFormat::Text => builder
            .with_ansi(std::io::stderr().is_terminal())
            .try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    if let Err(error) = started {
        eprintln!("the log can't be started: {error}");
    }
    std::panic::set_hook(Box::new(|panic| {
        metrics::counter!("millstream_panics_total").increment(1);
        let place = panic
            .location()
            .map_or_else(String::new, ToString::to_string);
        let payload = panic.payload();
        let text = payload.downcast_ref::<&str>().copied();
        let what = text
            .or(payload.downcast_ref::<String>().map(String::as_str))
            .unwrap_or("unknown");
        tracing::error!(place, panic = what, "a task panicked");
    }));
}

/// Starts the collection of metrics; the handle renders them.
pub(crate) fn start_metrics() -> anyhow::Result<PrometheusHandle> {
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), LATENCY_BUCKETS)?
        .set_buckets_for_metric(Matcher::Suffix("_bytes".into()), SIZE_BUCKETS)?
        .install_recorder()?;
    describe();
    Ok(handle)
}

/// Says what the figures mean that the crates record as things happen.
fn describe() {
    metrics::describe_counter!("millstream_panics_total", "Tasks that died of a bug.");
    metrics::describe_counter!(
        "millstream_ingest_accepted_events_total",
        "Events taken and durable."
    );
    metrics::describe_counter!(
        "millstream_ingest_duplicate_events_total",
        "Events answered with 200 and ignored: their insert_id was known."
    );
    metrics::describe_counter!(
        "millstream_ingest_refused_events_total",
        "Valid events that were refused, by reason."
    );
    metrics::describe_counter!(
        "millstream_ingest_refused_requests_total",
        "Requests that were refused, by reason."
    );
    metrics::describe_histogram!(
        "millstream_ingest_request_bytes",
        "Bodies of requests that were taken, decompressed."
    );
    metrics::describe_histogram!(
        "millstream_attempt_seconds",
        "How long attempts took, with all of their tries and waits."
    );
    metrics::describe_histogram!(
        "millstream_delivery_latency_seconds",
        "From an event's receipt to its delivery."
    );
}
