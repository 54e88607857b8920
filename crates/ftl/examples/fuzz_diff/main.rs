//! Renders random templates with Apache FreeMarker and with this engine, and compares what they print or how they
//! fail: `make fuzz-diff N=10000 SEED=1`, or `make fuzz-diff CASES=file.jsonl` for cases that are there already. Needs a JDK and Debian's `libfreemarker-java`.

#[path = "../../tests/golden/compare.rs"]
mod compare;
mod generate;
mod java;
mod report;
mod rng;
mod shrink;
mod verdict;

use std::collections::HashMap;
use std::io;
use std::process::ExitCode;
use std::time::Instant;

use serde_json::Value;

use java::FreeMarker;
use report::{Report, SHRUNK_PER_SIGNATURE};

/// Cases that are answered together.
const BATCH: usize = 500;

fn main() -> io::Result<ExitCode> {
    let mut args = std::env::args().skip(1);
    let source = Source::parse(args.next(), args.next())?;
    // Panics are reported like other differences.
    std::panic::set_hook(Box::new(|_| {}));
    let begun = Instant::now();
    let mut java = FreeMarker::start()?;
    let mut report = Report::default();
    let mut found = Vec::new();
    for from in (0..source.count()).step_by(BATCH) {
        let cases: Vec<_> = (from..(from + BATCH).min(source.count()))
            .map(|index| source.case(index))
            .collect();
        let verdicts = verdict::judge(&mut java, &cases)?;
        report.compared += cases.len();
        for (case, verdict) in cases.into_iter().zip(verdicts) {
            if verdict.difference.is_none() {
                report.agreeing += 1;
                report.printing += usize::from(matches!(verdict.ours, Some(Ok(_))));
            } else if let Some(why) = verdict.explanation() {
                report.explain(why);
            } else {
                found.push((case, verdict));
            }
        }
    }
    let seconds = begun.elapsed().as_secs_f64();
    eprintln!(
        "{} of {} differ; making them smaller",
        found.len(),
        report.compared
    );
    // FTL_FUZZ_WHOLE=1 leaves them as they are, which is soon done.
    let shrinks = std::env::var_os("FTL_FUZZ_WHOLE").is_none();
    let mut shrunk: HashMap<Option<String>, usize> = HashMap::new();
    for (case, verdict) in found {
        let same = shrunk.entry(verdict.signature()).or_default();
        *same += 1;
        // What prints something else may do so for many reasons.
        let few = if verdict.difference == Some("output") {
            40
        } else {
            SHRUNK_PER_SIGNATURE
        };
        let (case, verdict) = if *same <= few && shrinks {
            shrink::shrink(&mut java, &case, verdict)?
        } else {
            (case, verdict)
        };
        match verdict.explanation() {
            Some(why) => report.explain(why),
            None => report.differing(case, &verdict),
        }
    }
    report.print(&mut io::stdout().lock())?;
    println!("{:.0} cases/s", report.compared as f64 / seconds);
    if let Ok(path) = std::env::var("FTL_FUZZ_CASES") {
        std::fs::write(path, report.cases())?;
    }
    Ok(if report.unexplained() == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Where cases come from.
enum Source {
    Random { count: usize, seed: u64 },
    File(Vec<Value>),
}

impl Source {
    /// Reads the arguments: how many cases and a seed, or a file with a case a line.
    fn parse(first: Option<String>, seed: Option<String>) -> io::Result<Self> {
        let seed = seed.map_or(Ok(1), |seed| seed.parse().map_err(io::Error::other))?;
        let Some(first) = first else {
            return Ok(Self::Random {
                count: 10_000,
                seed,
            });
        };
        if let Ok(count) = first.parse() {
            return Ok(Self::Random { count, seed });
        }
        let cases = std::fs::read_to_string(first)?
            .lines()
            .map(serde_json::from_str)
            .collect::<Result<_, _>>()?;
        Ok(Self::File(cases))
    }

    fn count(&self) -> usize {
        match self {
            Self::Random { count, .. } => *count,
            Self::File(cases) => cases.len(),
        }
    }

    fn case(&self, index: usize) -> Value {
        match self {
            Self::Random { seed, .. } => generate::case(*seed, index as u64),
            Self::File(cases) => cases[index].clone(),
        }
    }
}
