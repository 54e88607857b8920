//! One phase of a run: a sink and a server, each a process of its own, and what they cost.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use e2e::{Client, Control, Project, Server, Setup};
use serde::Serialize;
use serde_json::{Value, json};

use crate::bare;
use crate::events::{BATCH, tracked_of};
use crate::latency::Quantiles;
use crate::load::{self, Load, Outcome};
use crate::process::CpuTime;
use crate::sink::Arrival;

/// The webhook guide's own template for events.
const GUIDE_TEMPLATE: &str = include_str!("../../crates/ftl/tests/guides/webhook-event.ftl");

/// Events of an upload while latencies are measured: a larger one would make the upload's own burst
/// the latency, as every sync gets all of it at once.
const LATENCY_BATCH: usize = 10;
/// How long deliveries may take to end after the last upload.
const DRAIN_LIMIT: Duration = Duration::from_secs(120);
/// The time at a run's start that is not measured: connections are made, caches fill.
const WARM_UP: Duration = Duration::from_secs(1);
/// How often an end-to-end run is repeated: an odd number.
const ROUNDS: usize = 3;
/// How far the events' numbers of the rounds are apart.
pub(crate) const NUMBERS_APART: u64 = 1_000_000_000;

/// A sink in a process of its own. Killed when dropped.
pub(crate) struct Sink {
    child: Child,
    pub(crate) address: std::net::SocketAddr,
    client: Client,
}

impl Drop for Sink {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Sink {
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let address = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let child = Command::new(std::env::current_exe()?)
            .args(["sink", "--listen", &address.to_string()])
            .stdin(Stdio::null())
            .spawn()?;
        let sink = Self {
            child,
            address,
            client: Client::new(),
        };
        let end = Instant::now() + Duration::from_secs(5);
        while sink.count().await.is_err() {
            ensure!(Instant::now() < end, "the sink did not start");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(sink)
    }

    async fn get(&self, path: &str) -> anyhow::Result<bytes::Bytes> {
        let answer = self
            .client
            .get(&format!("http://{}{path}", self.address))
            .await;
        Ok(answer.map_err(anyhow::Error::msg)?.body)
    }

    /// Requests that arrived so far.
    pub(crate) async fn count(&self) -> anyhow::Result<u64> {
        Ok(std::str::from_utf8(&self.get("/count").await?)?.parse()?)
    }

    async fn arrivals(&self) -> anyhow::Result<Vec<Arrival>> {
        Ok(Arrival::read_all(&self.get("/arrivals").await?))
    }

    pub(crate) async fn reset(&self) -> anyhow::Result<()> {
        let url = format!("http://{}/reset", self.address);
        let reset = self.client.send(http::Method::POST, &url, &[], "");
        reset.await.map_err(anyhow::Error::msg)?;
        Ok(())
    }
}

/// What an end-to-end run reached.
#[derive(Debug, Serialize)]
pub(crate) struct EndToEnd {
    pub(crate) syncs: usize,
    /// Requests that arrived at the sink.
    pub(crate) deliveries_per_second: f64,
    /// Events that were uploaded in the same time.
    pub(crate) events_per_second: f64,
    /// What the bare client reached right before and after, on average.
    pub(crate) bare_requests_per_second: f64,
    /// `deliveries_per_second` by `bare_requests_per_second`, of each round, ascending. All else is
    /// that of the round in the middle.
    pub(crate) shares_of_bare: Vec<f64>,
    /// Of the server's process, for each uploaded event.
    pub(crate) cpu_micros_per_event: f64,
    /// The same by threads.
    pub(crate) cpu_micros_by_thread: std::collections::BTreeMap<String, f64>,
    /// At half of `events_per_second`.
    pub(crate) latency_ms_at_half: Option<Quantiles>,
    pub(crate) peak_memory_mib: f64,
}

impl EndToEnd {
    fn share_of_bare(&self) -> f64 {
        self.deliveries_per_second / self.bare_requests_per_second
    }
}

/// What ingest alone reached.
#[derive(Debug, Serialize)]
pub(crate) struct IngestAlone {
    pub(crate) events_per_second: f64,
    pub(crate) cpu_micros_per_event: f64,
    pub(crate) cpu_micros_by_thread: std::collections::BTreeMap<String, f64>,
    pub(crate) refused: u64,
    pub(crate) peak_memory_mib: f64,
}

/// What a backlog behind a dead lane costs.
#[derive(Debug, Serialize)]
pub(crate) struct Backlog {
    pub(crate) events: u64,
    pub(crate) events_per_second: f64,
    pub(crate) memory_mib: f64,
    pub(crate) anonymous_memory_mib: f64,
    pub(crate) peak_memory_mib: f64,
}

/// A server with a project.
pub(crate) struct Bench {
    server: Server,
    control: Control,
    project: Project,
    // Dropped after the server: it holds the folder.
    _setup: Setup,
}

impl Bench {
    /// A fresh server.
    pub(crate) async fn start(binary: &Path) -> anyhow::Result<Self> {
        let setup = Setup::new().with_binary(binary.to_path_buf());
        Ok(Self::with(setup).await)
    }

    /// A fresh server with settings of its own.
    pub(crate) async fn with(setup: Setup) -> Self {
        let server = setup.start().await;
        let control = Control::of(&server);
        let project = control.create_project("bench").await;
        Self {
            server,
            control,
            project,
            _setup: setup,
        }
    }

    pub(crate) fn control(&self) -> &Control {
        &self.control
    }

    pub(crate) fn project(&self) -> &Project {
        &self.project
    }

    pub(crate) fn base(&self) -> &str {
        self.server.base()
    }

    pub(crate) fn token(&self) -> String {
        self.server.admin_token()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.server.pid()
    }

    async fn add_syncs(&self, url: &str, count: usize) {
        for nth in 0..count {
            let settings = sync_settings(&format!("{url}/{nth}"));
            self.control
                .create_sync(&self.project, &format!("sync {nth}"), settings)
                .await;
        }
    }

    fn load(&self, seconds: f64, rate: Option<f64>) -> load::Options {
        load::Options {
            server: self.server.address().to_string(),
            api_key: self.project.api_key.clone(),
            rate,
            seconds,
            events: None,
            connections: load::CONNECTIONS,
            batch: BATCH,
        }
    }

    fn mib(&self, what: &str) -> f64 {
        self.server.memory(what) as f64 / f64::from(1 << 20)
    }

    /// As many events as it takes with no sync at all.
    pub(crate) async fn ingest_alone(&self, seconds: f64) -> anyhow::Result<IngestAlone> {
        let before = CpuTime::of(self.server.pid())?;
        let outcome = Load::start(self.load(seconds, None), 0).finish().await?;
        let cpu = CpuTime::of(self.server.pid())?.since(&before);
        Ok(IngestAlone {
            events_per_second: outcome.events_per_second(),
            cpu_micros_per_event: cpu.total() * 1e6 / outcome.events().max(1) as f64,
            cpu_micros_by_thread: cpu.micros_each(outcome.events()),
            refused: outcome.refused,
            peak_memory_mib: self.mib("VmHWM"),
        })
    }

    /// As many events as it can take and deliver at the same time; then the latencies at half of that.
    pub(crate) async fn end_to_end(
        &self,
        sink: &Sink,
        syncs: usize,
        seconds: f64,
    ) -> anyhow::Result<EndToEnd> {
        sink.reset().await?;
        self.add_syncs(&format!("http://{}/hook", sink.address), syncs)
            .await;
        let reached = self.beside_bare(sink, syncs, seconds).await?;
        let half = reached.events_per_second / 2.0;
        sink.reset().await?;
        let first = ROUNDS as u64 * NUMBERS_APART;
        let options = load::Options {
            batch: LATENCY_BATCH,
            ..self.load(seconds, Some(half))
        };
        let outcome = Load::start(options, first).finish().await?;
        self.drain(sink, &outcome, syncs).await?;
        let latency = latencies(&outcome, first, &sink.arrivals().await?);
        Ok(EndToEnd {
            latency_ms_at_half: latency,
            peak_memory_mib: self.mib("VmHWM"),
            ..reached
        })
    }

    /// Rounds of full rate with the bare client between them, so that what else the machine has to
    /// do falls on both alike. The round in the middle, by its share of the bare rate.
    async fn beside_bare(
        &self,
        sink: &Sink,
        syncs: usize,
        seconds: f64,
    ) -> anyhow::Result<EndToEnd> {
        let bare_time = Duration::from_secs_f64(seconds / 4.0);
        let bare = || bare::run(sink.address, bare::CONCURRENCY, bare_time);
        let mut before = bare().await?.requests_per_second;
        let mut rounds = Vec::with_capacity(ROUNDS);
        for round in 0..ROUNDS {
            sink.reset().await?;
            let first = round as u64 * NUMBERS_APART;
            let mut reached = self.at_full_rate(sink, syncs, seconds / 2.0, first).await?;
            let after = bare().await?.requests_per_second;
            reached.bare_requests_per_second = f64::midpoint(before, after);
            before = after;
            rounds.push(reached);
        }
        rounds.sort_by(|a, b| a.share_of_bare().total_cmp(&b.share_of_bare()));
        let shares_of_bare = rounds.iter().map(EndToEnd::share_of_bare).collect();
        let middle = rounds.swap_remove(ROUNDS / 2);
        Ok(EndToEnd {
            shares_of_bare,
            ..middle
        })
    }

    /// `first` is the number of the first event.
    pub(crate) async fn at_full_rate(
        &self,
        sink: &Sink,
        syncs: usize,
        seconds: f64,
        first: u64,
    ) -> anyhow::Result<EndToEnd> {
        // So many deliveries may be owed before uploads wait: several batches for each connection.
        let owed_limit = deliveries_of((load::CONNECTIONS * 4 * BATCH) as u64, syncs);
        let mut load = Load::start(self.load(seconds + WARM_UP.as_secs_f64(), None), first);
        let started = Instant::now();
        let mut measured_from = None;
        while !load.is_finished() {
            tokio::time::sleep(Duration::from_millis(2)).await;
            let delivered = sink.count().await?;
            let owed = deliveries_of(load.acknowledged(), syncs).saturating_sub(delivered);
            load.set_paused(owed > owed_limit);
            if measured_from.is_none() && started.elapsed() >= WARM_UP {
                let cpu = CpuTime::of(self.server.pid())?;
                measured_from = Some((Instant::now(), delivered, load.acknowledged(), cpu));
            }
        }
        let (from, delivered, acknowledged, cpu) =
            measured_from.context("the run was too short")?;
        let elapsed = from.elapsed().as_secs_f64();
        let delivered = sink.count().await? - delivered;
        let events = load.acknowledged() - acknowledged;
        let cpu = CpuTime::of(self.server.pid())?.since(&cpu);
        let outcome = load.finish().await?;
        self.drain(sink, &outcome, syncs).await?;
        Ok(EndToEnd {
            syncs,
            deliveries_per_second: delivered as f64 / elapsed,
            events_per_second: events as f64 / elapsed,
            bare_requests_per_second: 0.0,
            shares_of_bare: Vec::new(),
            cpu_micros_per_event: cpu.total() * 1e6 / events.max(1) as f64,
            cpu_micros_by_thread: cpu.micros_each(events),
            latency_ms_at_half: None,
            peak_memory_mib: 0.0,
        })
    }

    /// Waits until everything of the run has arrived.
    async fn drain(&self, sink: &Sink, outcome: &Outcome, syncs: usize) -> anyhow::Result<()> {
        let expected = deliveries_of(outcome.events(), syncs);
        let end = Instant::now() + DRAIN_LIMIT;
        loop {
            let arrived = sink.count().await?;
            if arrived >= expected {
                return Ok(());
            }
            ensure!(
                Instant::now() < end,
                "only {arrived} of {expected} requests arrived"
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// So many events behind one lane whose destination never answers.
    pub(crate) async fn backlog(&self, sink: &Sink, events: u64) -> anyhow::Result<Backlog> {
        self.add_syncs(&format!("http://{}/hang", sink.address), 1)
            .await;
        let options = load::Options {
            events: Some(events),
            ..self.load(600.0, None)
        };
        let outcome = Load::start(options, 0).finish().await?;
        // What the upload itself needed may be given back now.
        tokio::time::sleep(Duration::from_secs(2)).await;
        Ok(Backlog {
            events: outcome.events(),
            events_per_second: outcome.events_per_second(),
            memory_mib: self.mib("VmRSS"),
            anonymous_memory_mib: self.mib("RssAnon"),
            peak_memory_mib: self.mib("VmHWM"),
        })
    }
}

/// The guide's template and one filter, which lets every event of the run pass.
pub(crate) fn sync_settings(url: &str) -> Value {
    json!({
        "url": url,
        "events": {
            "send": true,
            "select": { "all": { "condition": { "test": {
                "property": { "scope": "event", "name": "price" },
                "operator": "greater",
                "values": [10],
            }}}},
            "template": GUIDE_TEMPLATE,
        },
    })
}

/// How many requests so many events cause.
fn deliveries_of(events: u64, syncs: usize) -> u64 {
    tracked_of(events) * syncs as u64
}

/// From the answer 200 to each arrival; an arrival before the answer counts as 0.
fn latencies(outcome: &Outcome, first: u64, arrivals: &[Arrival]) -> Option<Quantiles> {
    let batch_of = |sequence: u64| Some(sequence.checked_sub(first)? / outcome.batch as u64);
    let mut answered = std::collections::HashMap::new();
    for batch in &outcome.acknowledged {
        answered.insert(batch_of(batch.first), batch.at);
    }
    let latency = |arrival: &Arrival| {
        let at = answered.get(&batch_of(arrival.sequence))?;
        Some(arrival.at.saturating_sub(*at))
    };
    Quantiles::of(arrivals.iter().filter_map(latency).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::Acknowledged;

    #[test]
    fn a_latency_runs_from_the_answer_to_its_batch() {
        let acknowledged = vec![
            Acknowledged {
                first: 1_000,
                at: 5_000,
            },
            Acknowledged {
                first: 1_100,
                at: 9_000,
            },
        ];
        let outcome = Outcome {
            acknowledged,
            batch: 100,
            seconds: 1.0,
            refused: 0,
        };
        let arrivals = [
            Arrival {
                sequence: 1_001,
                at: 7_000,
            },
            Arrival {
                sequence: 1_199,
                at: 8_999,
            },
            Arrival {
                sequence: 1_200,
                at: 10_000,
            },
            Arrival {
                sequence: 3,
                at: 10_000,
            },
        ];
        let quantiles = latencies(&outcome, 1_000, &arrivals).unwrap();
        assert_eq!(
            (quantiles.samples, quantiles.p50, quantiles.max),
            (2, 0.0, 2.0)
        );
    }
}
