//! Our HTTP client with nothing around it: the measure of what a sender on this machine can reach.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::ensure;
use bytes::Bytes;
use delivery::Transport;
use serde::Serialize;
use tokio::task::JoinSet;

use crate::process::CpuTime;

/// As many requests in flight as a lane has by default.
pub(crate) const CONCURRENCY: usize = 64;
/// The size of an event as it is streamed.
const BODY_BYTES: usize = 1_400;
/// The time at the start that is not measured.
const WARM_UP: Duration = Duration::from_millis(500);

/// What the client reached.
#[derive(Debug, Serialize)]
pub(crate) struct Bare {
    pub(crate) concurrency: usize,
    pub(crate) requests_per_second: f64,
    pub(crate) cpu_micros_per_request: f64,
}

/// Sends the same body to a sink for a while.
pub(crate) async fn run(
    sink: SocketAddr,
    concurrency: usize,
    duration: Duration,
) -> anyhow::Result<Bare> {
    let config = delivery::Config::default();
    let guard = delivery::egress::Guard::new(&config.egress.with_loopback())?;
    let client = Arc::new(delivery::Client::new(&config.client, guard)?);
    let sent = Arc::new(AtomicU64::new(0));
    let stopped = Arc::new(AtomicBool::new(false));
    let uri: http::Uri = format!("http://{sink}/hook").parse()?;
    let mut lanes = JoinSet::new();
    for _ in 0..concurrency {
        let (client, sent, stopped) =
            (Arc::clone(&client), Arc::clone(&sent), Arc::clone(&stopped));
        let uri = uri.clone();
        lanes.spawn(async move {
            let body = body();
            while !stopped.load(Ordering::Relaxed) {
                let answer = client.send(request(&uri, &body)?).await?;
                ensure!(answer.status == 200, "the sink answered {}", answer.status);
                sent.fetch_add(1, Ordering::Relaxed);
            }
            Ok(())
        });
    }
    tokio::time::sleep(WARM_UP).await;
    let (started, before) = (Instant::now(), sent.load(Ordering::Relaxed));
    let cpu = CpuTime::of(std::process::id())?;
    tokio::time::sleep(duration).await;
    let requests = sent.load(Ordering::Relaxed) - before;
    let elapsed = started.elapsed().as_secs_f64();
    let cpu = CpuTime::of(std::process::id())?.since(&cpu);
    stopped.store(true, Ordering::Relaxed);
    while let Some(joined) = lanes.join_next().await {
        joined??;
    }
    Ok(Bare {
        concurrency,
        requests_per_second: requests as f64 / elapsed,
        cpu_micros_per_request: cpu.total() * 1e6 / requests.max(1) as f64,
    })
}

/// The headers that a webhook's request has.
fn request(uri: &http::Uri, body: &Bytes) -> anyhow::Result<http::Request<Bytes>> {
    let request = http::Request::post(uri.clone())
        .header("content-type", "application/json")
        .header("user-agent", "Millstream/Webhook/1.0")
        .header("millstream-delivery-id", "dlv_0123456789abcdefghjkmnpqrs")
        .header("millstream-attempt", "1");
    Ok(request.body(body.clone())?)
}

/// A body in which the sink finds a number at once, as in a templated one.
fn body() -> Bytes {
    let start = r#"{"name" : "x", "time" : "2024-01-01 00:00:00.000", "padding" : ""#;
    format!("{start}{}\"}}", "x".repeat(BODY_BYTES - start.len() - 2)).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_is_json_of_an_events_size() {
        assert_eq!(body().len(), BODY_BYTES);
        assert!(serde_json::from_slice::<serde_json::Value>(&body()).is_ok());
        assert_eq!(crate::events::sequence_in(&body()), Some(0));
    }
}
