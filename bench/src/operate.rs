//! What it costs that everything can be looked into: a server on which all that serves operation is on,
//! beside one on which all of that which can be switched off is off.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::ensure;
use e2e::{Client, Control, Project, Setup};
use http::Method;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::process::CpuTime;
use crate::run::{Bench, NUMBERS_APART, Sink, sync_settings};

/// How often both are measured, in turn: an odd number.
const ROUNDS: usize = 7;

/// Settings of the server that does without. Figures, detection of what a destination bears, and what
/// samples need have no switch.
const WITHOUT: &str = "[journal]\ndelivered_max_bytes = 0\noutcomes_max_per_lane = 0\n\
    lookup_index = false\n[breaker]\nfailures = 0\n";

/// The highest limit of requests a minute: one sync alone comes near to it, one of several does not.
const HIGHEST_LIMIT: u32 = 1_000_000;

/// A server that used less than this share of a processor while it was looked at does nothing more.
const QUIET: f64 = 0.03;
const LOOKED_AT_FOR: Duration = Duration::from_millis(500);

/// How long that may take.
const QUIET_LIMIT: Duration = Duration::from_secs(60);

/// Both sides with one number of syncs.
#[derive(Debug, Serialize)]
pub(crate) struct Operated {
    pub(crate) syncs: usize,
    pub(crate) with: Side,
    pub(crate) without: Side,
    /// The rate with by the one without in the turn beside it, ascending.
    pub(crate) ratios: Vec<f64>,
}

/// What a side reached.
#[derive(Debug, Serialize)]
pub(crate) struct Side {
    /// The median of its turns.
    pub(crate) deliveries_per_second: f64,
    /// Of the server's process, all turns together; what it does when a turn is over included.
    pub(crate) cpu_micros_per_delivery: f64,
    /// The same by threads.
    pub(crate) cpu_micros_by_thread: std::collections::BTreeMap<String, f64>,
}

impl Operated {
    pub(crate) fn middle(&self) -> f64 {
        self.ratios[self.ratios.len() / 2]
    }
}

/// A server with its sink.
struct Subject {
    // Ended before the server they ask.
    _tails: Vec<Tail>,
    bench: Bench,
    sink: Sink,
    rates: Vec<f64>,
    deliveries: u64,
    begun: CpuTime,
}

/// Somebody who follows what happens.
struct Tail(JoinHandle<()>);

impl Drop for Tail {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Measures both in turn.
pub(crate) async fn run(binary: &Path, syncs: usize, seconds: f64) -> anyhow::Result<Operated> {
    let mut with = Subject::new(binary, "", syncs, true).await?;
    let mut without = Subject::new(binary, WITHOUT, syncs, false).await?;
    for round in 0..ROUNDS as u64 {
        // Who comes first changes, so that a machine that gets slower or faster favours nobody.
        let turns = match round % 2 {
            0 => [&mut with, &mut without],
            _ => [&mut without, &mut with],
        };
        for subject in turns {
            subject.turn(syncs, seconds, round).await?;
        }
    }
    let pairs = with.rates.iter().zip(&without.rates);
    let mut ratios: Vec<f64> = pairs.map(|(with, without)| with / without).collect();
    ratios.sort_by(f64::total_cmp);
    Ok(Operated {
        syncs,
        with: with.side()?,
        without: without.side()?,
        ratios,
    })
}

impl Subject {
    async fn new(binary: &Path, config: &str, syncs: usize, all: bool) -> anyhow::Result<Self> {
        let setup = Setup::with_config(config).with_binary(binary.to_path_buf());
        let bench = Bench::with(setup).await;
        let sink = Sink::start().await?;
        let (control, project) = (bench.control(), bench.project());
        for nth in 0..syncs {
            let mut settings = sync_settings(&format!("http://{}/hook/{nth}", sink.address));
            if all && syncs > 1 {
                settings["requests_per_minute"] = json!(HIGHEST_LIMIT);
            }
            let name = format!("sync {nth}");
            control.create_sync(project, &name, settings).await;
        }
        let tails = match all {
            true => look_after(&bench, control, project, &sink).await?,
            false => {
                patch(control, &alerts(project), &json!({"enabled": false})).await?;
                Vec::new()
            }
        };
        let begun = CpuTime::of(bench.pid())?;
        Ok(Self {
            bench,
            sink,
            rates: Vec::new(),
            deliveries: 0,
            begun,
            _tails: tails,
        })
    }

    async fn turn(&mut self, syncs: usize, seconds: f64, round: u64) -> anyhow::Result<()> {
        let Self { bench, sink, .. } = self;
        sink.reset().await?;
        let first = round * NUMBERS_APART;
        let reached = bench.at_full_rate(sink, syncs, seconds, first).await?;
        self.rates.push(reached.deliveries_per_second);
        self.deliveries += sink.count().await?;
        self.wait_until_quiet().await
    }

    /// What a server does after its turn must not be at the other one's cost.
    async fn wait_until_quiet(&self) -> anyhow::Result<()> {
        let end = Instant::now() + QUIET_LIMIT;
        loop {
            let before = CpuTime::of(self.bench.pid())?;
            tokio::time::sleep(LOOKED_AT_FOR).await;
            let used = CpuTime::of(self.bench.pid())?.since(&before).total();
            if used < QUIET * LOOKED_AT_FOR.as_secs_f64() {
                return Ok(());
            }
            ensure!(Instant::now() < end, "the server is still busy");
        }
    }

    fn side(mut self) -> anyhow::Result<Side> {
        let cpu = CpuTime::of(self.bench.pid())?.since(&self.begun);
        self.rates.sort_by(f64::total_cmp);
        Ok(Side {
            deliveries_per_second: self.rates[ROUNDS / 2],
            cpu_micros_per_delivery: cpu.total() * 1e6 / self.deliveries.max(1) as f64,
            cpu_micros_by_thread: cpu.micros_each(self.deliveries),
        })
    }
}

fn alerts(project: &Project) -> String {
    format!("/projects/{}/alerts", project.id)
}

/// Rules that somebody is told by, properties that nobody may see, a retention of the project's own, and
/// two people who look on through filters.
async fn look_after(
    bench: &Bench,
    control: &Control,
    project: &Project,
    sink: &Sink,
) -> anyhow::Result<Vec<Tail>> {
    let path = format!("/projects/{}", project.id);
    // All rules are on from the start.
    patch(control, &alerts(project), &json!({"enabled": true})).await?;
    let url = format!("http://{}/alerts", sink.address);
    let channel = json!({"kind": "webhook", "name": "pager", "url": url});
    let channels = format!("{path}/alert-channels");
    control
        .granted(Method::POST, &channels, Some(&channel))
        .await;
    let kept = json!({
        "sensitive": {"event": ["card*", "price"], "user": ["email"]},
        "retention": {"events_hours": 24, "outcomes_hours": 12},
    });
    patch(control, &path, &kept).await?;
    let whose = "user_id=user-00077%40example.com";
    Ok(vec![
        follow(bench, &format!("{path}/tail/events?{whose}&text=bicycle")).await,
        follow(
            bench,
            &format!("{path}/tail/outcomes?{whose}&outcome=delivered"),
        )
        .await,
    ])
}

async fn follow(bench: &Bench, path: &str) -> Tail {
    let url = format!("{}/api/v1{path}", bench.base());
    let authorization = format!("Bearer {}", bench.token());
    let mut flow = Client::new()
        .open(&url, &[("authorization", &authorization)])
        .await;
    Tail(tokio::spawn(
        async move { while flow.next().await.is_some() {} },
    ))
}

async fn patch(control: &Control, path: &str, change: &Value) -> anyhow::Result<()> {
    let answer = control.call(Method::PATCH, path, Some(change)).await;
    ensure!(
        answer.status.is_success(),
        "{path}: {} {}",
        answer.status,
        answer.text()
    );
    Ok(())
}
