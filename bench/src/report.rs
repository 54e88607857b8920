//! All parts in one run: a table for people, `last.json` for comparison.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use serde::Serialize;

use crate::bare::{self, Bare};
use crate::machine::Machine;
use crate::operate::{self, Operated};
use crate::run::{Backlog, Bench, EndToEnd, IngestAlone, Sink};
use crate::stages::{self, Stage};

/// What to run, and for how long.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// The server's binary; a release build by default.
    #[arg(long, env = "MILLSTREAM_BIN")]
    binary: Option<PathBuf>,
    /// Half a minute for each phase instead of a few seconds.
    #[arg(long)]
    long: bool,
    /// Only these parts.
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<PartName>,
    /// Numbers of syncs for the end-to-end phases.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 10, 100])]
    syncs: Vec<usize>,
    /// Numbers of syncs for the comparison of what serves operation.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 10])]
    operated: Vec<usize>,
    /// Events behind the dead lane.
    #[arg(long, default_value_t = 1_000_000)]
    backlog: u64,
    /// Where the figures go.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/last.json"))]
    output: PathBuf,
}

/// A part of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum PartName {
    Bare,
    Stages,
    Ingest,
    EndToEnd,
    Operation,
    Backlog,
}

/// Everything that was measured.
#[derive(Debug, Serialize)]
struct Report {
    machine: Machine,
    seconds_per_phase: f64,
    bare: Option<Bare>,
    stages: Vec<Stage>,
    ingest_alone: Option<IngestAlone>,
    end_to_end: Vec<EndToEnd>,
    operated: Vec<Operated>,
    backlog: Option<Backlog>,
}

/// Runs the parts, prints the table and writes the file.
pub(crate) async fn run(options: Options) -> anyhow::Result<()> {
    let report = measure(&options).await?;
    println!("{}", report.table());
    let text = serde_json::to_string_pretty(&report)? + "\n";
    std::fs::write(&options.output, text)
        .with_context(|| format!("writing {}", options.output.display()))
}

async fn measure(options: &Options) -> anyhow::Result<Report> {
    let seconds = if options.long { 30.0 } else { 6.0 };
    let wanted = |part| options.only.is_empty() || options.only.contains(&part);
    let binary = options.binary.clone().unwrap_or_else(|| {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/release/millstream")
    });
    let mut report = Report {
        machine: Machine::describe(),
        seconds_per_phase: seconds,
        bare: None,
        stages: Vec::new(),
        ingest_alone: None,
        end_to_end: Vec::new(),
        operated: Vec::new(),
        backlog: None,
    };
    // Every phase has a sink and a server of its own, so that peaks are the phase's.
    if wanted(PartName::Bare) {
        eprintln!("bare client …");
        let sink = Sink::start().await?;
        let duration = Duration::from_secs_f64(seconds);
        report.bare = Some(bare::run(sink.address, bare::CONCURRENCY, duration).await?);
    }
    if wanted(PartName::Stages) {
        eprintln!("stages …");
        report.stages = stages::measure().await?;
    }
    if wanted(PartName::Ingest) {
        eprintln!("ingest alone …");
        report.ingest_alone = Some(Bench::start(&binary).await?.ingest_alone(seconds).await?);
    }
    if wanted(PartName::EndToEnd) {
        for &syncs in &options.syncs {
            eprintln!("end to end, syncs: {syncs} …");
            let sink = Sink::start().await?;
            let bench = Bench::start(&binary).await?;
            report
                .end_to_end
                .push(bench.end_to_end(&sink, syncs, seconds).await?);
        }
    }
    if wanted(PartName::Operation) {
        for &syncs in &options.operated {
            eprintln!("with all that serves operation, and without, syncs: {syncs} …");
            let operated = operate::run(&binary, syncs, seconds / 2.0).await?;
            report.operated.push(operated);
        }
    }
    if wanted(PartName::Backlog) {
        eprintln!("backlog …");
        let sink = Sink::start().await?;
        report.backlog = Some(
            Bench::start(&binary)
                .await?
                .backlog(&sink, options.backlog)
                .await?,
        );
    }
    Ok(report)
}

impl Report {
    /// The figures as a Markdown table, the targets beside them.
    fn table(&self) -> String {
        let mut rows = Rows::new();
        if let Some(bare) = &self.bare {
            rows.add(
                "bare client",
                format!("{:.0} requests/s", bare.requests_per_second),
                "",
            );
        }
        if let Some(ingest) = &self.ingest_alone {
            let what = format!("{:.0} events/s", ingest.events_per_second);
            rows.add(
                "ingest alone",
                what,
                &target(ingest.events_per_second >= 40_000.0, "≥ 40,000"),
            );
            let cpu = format!("{:.1} µs CPU an event", ingest.cpu_micros_per_event);
            rows.add("", cpu, &threads(&ingest.cpu_micros_by_thread));
            rows.add("", format!("{:.0} MiB peak", ingest.peak_memory_mib), "");
        }
        for run in &self.end_to_end {
            add_end_to_end(&mut rows, run);
        }
        for operated in &self.operated {
            add_operated(&mut rows, operated);
        }
        if let Some(backlog) = &self.backlog {
            let what = format!("{:.0} MiB resident", backlog.memory_mib);
            let met = backlog.memory_mib < 200.0;
            rows.add(
                &format!("{} events behind a dead lane", backlog.events),
                what,
                &target(met, "< 200 MiB"),
            );
            let parts = format!(
                "{:.0} MiB anonymous, {:.0} MiB peak",
                backlog.anonymous_memory_mib, backlog.peak_memory_mib
            );
            rows.add(
                "",
                parts,
                &format!("taken at {:.0} events/s", backlog.events_per_second),
            );
        }
        for stage in &self.stages {
            rows.add(
                &format!("stage: {}", stage.name),
                format!("{:.2} µs", stage.micros),
                "",
            );
        }
        let Machine {
            processor,
            cores,
            memory_gib,
            kernel,
            commit,
        } = &self.machine;
        format!(
            "{processor}, {cores} cores, {memory_gib} GiB, Linux {kernel}, commit {commit}\n\n{}",
            rows.text
        )
    }
}

fn add_end_to_end(rows: &mut Rows, run: &EndToEnd) {
    let EndToEnd {
        syncs,
        deliveries_per_second: deliveries,
        ..
    } = run;
    let shares: Vec<String> = run
        .shares_of_bare
        .iter()
        .map(|share| format!("{:.0}", share * 100.0))
        .collect();
    let middle = run.shares_of_bare[run.shares_of_bare.len() / 2];
    let against_bare = format!(
        "{:.0} % of bare beside it ({} in the rounds); {}",
        middle * 100.0,
        shares.join(", "),
        target(middle >= 0.5, "≥ 50 %")
    );
    let name = format!("end to end, syncs: {syncs}");
    rows.add(
        &name,
        format!("{deliveries:.0} deliveries/s"),
        &against_bare,
    );
    let each = run.cpu_micros_per_event;
    let per_delivery = each * run.events_per_second / deliveries;
    let cpu = format!("{each:.1} µs CPU an event, {per_delivery:.1} a delivery");
    rows.add("", cpu, &threads(&run.cpu_micros_by_thread));
    if let Some(latency) = run.latency_ms_at_half {
        let at = format!("at {:.0} events/s; ", run.events_per_second / 2.0);
        let quantiles = format!(
            "p50 {:.1}, p95 {:.1}, p99 {:.1} ms",
            latency.p50, latency.p95, latency.p99
        );
        rows.add(
            "",
            quantiles,
            &(at + &target(latency.p99 < 250.0, "p99 < 250 ms")),
        );
    }
    rows.add("", format!("{:.0} MiB peak", run.peak_memory_mib), "");
}

fn add_operated(rows: &mut Rows, operated: &Operated) {
    let percent = |ratio: &f64| format!("{:.0}", ratio * 100.0);
    let ratios: Vec<String> = operated.ratios.iter().map(percent).collect();
    let middle = operated.middle();
    rows.add(
        &format!("all that serves operation, syncs: {}", operated.syncs),
        format!("{:.0} % of the rate without", middle * 100.0),
        &format!(
            "{} in the rounds; {}",
            ratios.join(", "),
            target(middle >= 0.85, "≥ 85 %")
        ),
    );
    for (name, side) in [("with", &operated.with), ("without", &operated.without)] {
        let rate = side.deliveries_per_second;
        let cpu = side.cpu_micros_per_delivery;
        rows.add(
            "",
            format!("{name}: {rate:.0} deliveries/s, {cpu:.1} µs CPU a delivery"),
            &threads(&side.cpu_micros_by_thread),
        );
    }
}

fn target(met: bool, text: &str) -> String {
    format!("target {text}: {}", if met { "met" } else { "missed" })
}

fn threads(by_thread: &std::collections::BTreeMap<String, f64>) -> String {
    let mut text = String::new();
    for (name, micros) in by_thread {
        let separator = if text.is_empty() { "" } else { ", " };
        // Writing to memory can't fail.
        let _ = write!(text, "{separator}{name} {micros:.1}");
    }
    text
}

struct Rows {
    text: String,
}

impl Rows {
    fn new() -> Self {
        Self {
            text: "| part | figure | note |\n| --- | --- | --- |\n".to_owned(),
        }
    }

    fn add(&mut self, part: &str, figure: impl AsRef<str>, note: &str) {
        // Writing to memory can't fail.
        let _ = writeln!(self.text, "| {part} | {} | {note} |", figure.as_ref());
    }
}
