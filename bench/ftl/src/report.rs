//! Everything in one run: a table for people, `last.json` for comparison.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::{Context, ensure};
use clap::Args;
use serde::Serialize;

use crate::case::{CASES, Case, Work};
use crate::inputs;
use crate::java::{Java, Process};
use crate::jinja::Jinja;
use crate::ours::{Ours, parse_data};
use crate::scaling::{self, Gain, Scaling};

/// What to run, and for how long.
#[derive(Debug, Clone, clap::Parser)]
#[command(about = "Measures the template engine beside Apache FreeMarker and minijinja")]
pub(crate) struct Options {
    #[command(flatten)]
    times: Times,
    /// Only these pieces of work.
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Work>,
    /// Only these templates.
    #[arg(long, value_delimiter = ',')]
    cases: Vec<String>,
    /// Leaves Java out, to see quickly what a change does.
    #[arg(long)]
    without_java: bool,
    /// Leaves Java and minijinja out, for a profile of ours.
    #[arg(long)]
    alone: bool,
    /// Where freemarker.jar and jackson-core.jar are.
    #[arg(long, default_value = "/usr/share/java")]
    jars: PathBuf,
    /// Where the figures go.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/last.json"))]
    output: PathBuf,
}

#[derive(Debug, Clone, Copy, Args, Serialize)]
struct Times {
    /// CPU time for which Java does the work before it is measured, in milliseconds.
    #[arg(long, default_value_t = 6_500)]
    warm_up: u64,
    /// Rounds in which all take turns.
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// CPU time of each turn in milliseconds.
    #[arg(long, default_value_t = 300)]
    turn: u64,
}

/// Everything that was measured.
#[derive(Debug, Serialize)]
struct Report {
    times: Times,
    figures: Vec<Figure>,
    /// By template.
    two_threads: BTreeMap<&'static str, Scaling>,
}

/// Nanoseconds of CPU time: medians of the rounds.
#[derive(Debug, Serialize)]
struct Figure {
    case: &'static str,
    work: Work,
    java: Option<f64>,
    ours: f64,
    minijinja: Option<f64>,
    output_bytes: usize,
}

/// Runs everything, prints the table and writes the file.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let report = measure(options)?;
    println!("{}", report.table());
    let text = serde_json::to_string_pretty(&report)? + "\n";
    std::fs::write(&options.output, text)
        .with_context(|| format!("writing {}", options.output.display()))
}

fn measure(options: &Options) -> anyhow::Result<Report> {
    let folder = tempfile::tempdir()?;
    inputs::write(folder.path())?;
    let java = match options.without_java || options.alone {
        true => None,
        false => Some(Java::compile(&options.jars, folder.path(), folder.path())?),
    };
    let text = inputs::parameters();
    let (event, parameters) = (parse_data(inputs::EVENT)?, parse_data(&text)?);
    let mut report = Report {
        times: options.times,
        figures: Vec::new(),
        two_threads: BTreeMap::new(),
    };
    let wanted = |case: &&Case| {
        options.cases.is_empty() || options.cases.iter().any(|name| name == case.name)
    };
    for case in CASES.iter().filter(wanted) {
        let ours = Ours::new(case, &event, &parameters)?;
        let jinja = Jinja::new(case, &text)?;
        let expected = ours.output()?;
        ensure_equivalent(case, &expected, &jinja.output()?)?;
        for work in Work::ALL {
            if !options.only.is_empty() && !options.only.contains(&work) {
                continue;
            }
            eprintln!("{}, {} …", case.name, work.name());
            let mut java = match &java {
                Some(java) => Some(warmed_up(java, case, work, &expected, options.times)?),
                None => None,
            };
            let mut rounds = Rounds::default();
            for _ in 0..options.times.rounds {
                if let Some(java) = &mut java {
                    rounds.java.push(java.measure(options.times.turn)?);
                }
                rounds.ours.push(ours.measure(work, options.times.turn));
                if !options.alone {
                    let jinja = jinja.measure(work, options.times.turn);
                    rounds.minijinja.push(jinja);
                }
            }
            report.figures.push(Figure {
                case: case.name,
                work,
                java: java.is_some().then(|| median(rounds.java)),
                ours: median(rounds.ours),
                minijinja: (!options.alone).then(|| median(rounds.minijinja)),
                output_bytes: expected.len(),
            });
        }
        if options.only.is_empty() {
            eprintln!("{}, two threads …", case.name);
            let scaling = two_threads(&ours, options.times);
            report.two_threads.insert(case.name, scaling);
        }
    }
    Ok(report)
}

/// A turn of each, several times.
#[derive(Default)]
struct Rounds {
    java: Vec<f64>,
    ours: Vec<f64>,
    minijinja: Vec<f64>,
}

/// A Java process that renders what we render and has done its work for a while.
fn warmed_up(
    java: &Java,
    case: &Case,
    work: Work,
    expected: &[u8],
    times: Times,
) -> anyhow::Result<Process> {
    let mut process = java.start(case, work)?;
    let output = process.output()?;
    ensure!(
        output == expected,
        "{}: the outputs differ\nJava: {}\nours: {}",
        case.name,
        String::from_utf8_lossy(&output),
        String::from_utf8_lossy(expected)
    );
    process.measure(times.warm_up)?;
    Ok(process)
}

/// Whether minijinja's output means the same; its tags leave other white-space.
fn ensure_equivalent(case: &Case, ours: &[u8], jinja: &str) -> anyhow::Result<()> {
    let ours = std::str::from_utf8(ours)?;
    let same = match case.json {
        true => {
            let json = |text| serde_json::from_str::<serde_json::Value>(text);
            json(ours)? == json(jinja)?
        }
        false => ours.split_whitespace().eq(jinja.split_whitespace()),
    };
    ensure!(
        same,
        "{}: the outputs differ\nminijinja: {jinja}\nours: {ours}",
        case.name
    );
    Ok(())
}

fn two_threads(ours: &Ours<'_>, times: Times) -> Scaling {
    let rounds = (0..times.rounds).map(|_| scaling::measure(ours, times.turn));
    let rounds: Vec<Scaling> = rounds.collect();
    let middle = |of: &dyn Fn(&Scaling) -> f64| median(rounds.iter().map(of).collect());
    Scaling {
        ours: Gain {
            by_time: middle(&|round| round.ours.by_time),
            by_cpu: middle(&|round| round.ours.by_cpu),
        },
        machine: Gain {
            by_time: middle(&|round| round.machine.by_time),
            by_cpu: middle(&|round| round.machine.by_cpu),
        },
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

impl Report {
    /// The figures as a Markdown table, the targets beside them.
    fn table(&self) -> String {
        let mut text = String::from(
            "| template, work | Java | minijinja | ours | Java / ours | minijinja / ours | targets |\n\
             | --- | --- | --- | --- | --- | --- | --- |\n",
        );
        for figure in &self.figures {
            figure.add_row(&mut text);
        }
        for (case, scaling) in &self.two_threads {
            let (by_time, by_cpu) = scaling.shares();
            let Scaling { ours, machine } = scaling;
            // Where two threads that only calculate don't reach it, nothing could.
            let met = match machine.by_time >= 1.9 {
                true => verdict(ours.by_time >= 1.9),
                false => "can't be told here",
            };
            // Writing to memory can't fail.
            let _ = writeln!(
                text,
                "| {case}, two threads | – | – | {:.2} × one thread, {by_time:.2} of a bare calculation's {:.2} ×; by CPU time {:.2} ×, {by_cpu:.2} of {:.2} × | – | – | ≥ 1.9: {met} |",
                ours.by_time, machine.by_time, ours.by_cpu, machine.by_cpu
            );
        }
        text
    }
}

impl Figure {
    fn add_row(&self, text: &mut String) {
        let Self {
            case,
            ours,
            minijinja,
            ..
        } = self;
        let work = match self.work {
            Work::Render => "render",
            Work::ParseRender => "parse and render",
            Work::Compile => "compile",
        };
        let faster = minijinja.map(|minijinja| minijinja / ours);
        let (java, ratio, mut targets) = match self.java {
            None => ("–".to_owned(), "–".to_owned(), String::new()),
            Some(java) => {
                let (ratio, target) = (java / ours, self.work.target());
                let met = verdict(ratio >= target);
                (
                    micros(java),
                    format!("{ratio:.1}"),
                    format!("≥ {target} × Java: {met}"),
                )
            }
        };
        if let (Some(faster), Work::Render | Work::ParseRender) = (faster, self.work) {
            let separator = if targets.is_empty() { "" } else { "; " };
            // Writing to memory can't fail.
            let _ = write!(
                targets,
                "{separator}faster than minijinja: {}",
                verdict(faster > 1.0)
            );
        }
        let _ = writeln!(
            text,
            "| {case}, {work} | {java} | {} | {} | {ratio} | {} | {targets} |",
            minijinja.map_or("–".to_owned(), micros),
            micros(*ours),
            faster.map_or("–".to_owned(), |faster| format!("{faster:.1}"))
        );
    }
}

fn micros(nanos: f64) -> String {
    format!("{:.2} µs", nanos / 1e3)
}

fn verdict(met: bool) -> &'static str {
    if met { "met" } else { "missed" }
}
