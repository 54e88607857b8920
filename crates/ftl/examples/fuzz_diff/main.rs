//! Renders random templates with Apache FreeMarker and with this engine, and compares what they print or how they
//! fail: `make fuzz-diff N=10000 SEED=1`. Needs a JDK and Debian's `libfreemarker-java`.

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

use java::FreeMarker;
use report::{Report, SHRUNK_PER_SIGNATURE};

/// Cases that are answered together.
const BATCH: u64 = 500;

fn main() -> io::Result<ExitCode> {
    let mut args = std::env::args().skip(1);
    let count: u64 = number(args.next(), 10_000)?;
    let seed: u64 = number(args.next(), 1)?;
    // Panics are reported like other differences.
    std::panic::set_hook(Box::new(|_| {}));
    let begun = Instant::now();
    let mut java = FreeMarker::start()?;
    let mut report = Report::default();
    let mut found = Vec::new();
    for from in (0..count).step_by(BATCH as usize) {
        let cases: Vec<_> = (from..(from + BATCH).min(count))
            .map(|index| generate::case(seed, index))
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
    let mut shrunk: HashMap<Option<String>, usize> = HashMap::new();
    for (case, verdict) in found {
        let same = shrunk.entry(verdict.signature()).or_default();
        *same += 1;
        let (case, verdict) = if *same <= SHRUNK_PER_SIGNATURE {
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
    println!(
        "seed {seed}, {:.0} cases/s",
        report.compared as f64 / seconds
    );
    if let Ok(path) = std::env::var("FTL_FUZZ_CASES") {
        std::fs::write(path, report.cases())?;
    }
    Ok(if report.unexplained() == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn number(arg: Option<String>, default: u64) -> io::Result<u64> {
    arg.map_or(Ok(default), |arg| {
        arg.parse()
            .map_err(|_| io::Error::other(format!("not a number: {arg:?}")))
    })
}
