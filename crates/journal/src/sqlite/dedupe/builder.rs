//! The thread that writes and merges runs, off the path of commits.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::Entry;
use super::key::KeyTable;
use super::run::{self, Run, Summary};

/// One run to be written.
#[derive(Debug)]
pub(in crate::sqlite) struct Job {
    pub(super) number: i64,
    pub(super) level: u32,
    pub(super) source: Source,
    /// Keys received before this second need not be kept.
    pub(super) keep_from: u32,
}

/// What a run is made of.
#[derive(Debug, Clone)]
pub(super) enum Source {
    /// The table that was in memory, with the rows of the log up to this one.
    Table(Arc<KeyTable>, i64),
    /// Other runs, with their numbers.
    Runs(Vec<(i64, Arc<Run>)>),
}

/// A run that is durable but not yet registered.
#[derive(Debug)]
pub(in crate::sqlite) struct Built {
    pub(super) number: i64,
    pub(super) level: u32,
    pub(super) source: Source,
    pub(super) summary: Summary,
    pub(super) run: Arc<Run>,
}

/// The file of the run with this number.
pub(in crate::sqlite) fn path(folder: &Path, number: i64) -> PathBuf {
    folder.join(file_name(number))
}

pub(in crate::sqlite) fn file_name(number: i64) -> String {
    format!("dedupe-{number:08}.run")
}

/// Whether this is the name of a run's file.
pub(in crate::sqlite) fn is_run(name: &str) -> bool {
    let number = name
        .strip_prefix("dedupe-")
        .and_then(|rest| rest.strip_suffix(".run"));
    number.is_some_and(|digits| {
        digits.len() <= 19 && digits.parse().is_ok_and(|number| file_name(number) == name)
    })
}

/// Writes one run.
pub(in crate::sqlite) fn build(
    folder: &Path,
    job: Job,
    filter_budget: u64,
    stop: &AtomicBool,
) -> io::Result<Built> {
    let path = path(folder, job.number);
    let keep = |entry: &io::Result<Entry>| entry.as_ref().map_or(true, |e| e.1 >= job.keep_from);
    let go_on = |entry: io::Result<Entry>| match stop.load(Ordering::Relaxed) {
        true => Err(io::Error::from(io::ErrorKind::Interrupted)),
        false => entry,
    };
    let summary = match &job.source {
        Source::Table(table, _) => {
            let mut entries: Vec<Entry> =
                table.iter().map(|(&key, &second)| (key, second)).collect();
            entries.sort_unstable();
            let count = entries.len() as u64;
            let entries = entries.into_iter().map(Ok).filter(keep).map(go_on);
            run::write(&path, entries, count, filter_budget)?
        }
        Source::Runs(runs) => {
            let count = runs.iter().map(|(_, run)| run.keys()).sum();
            let entries = merged(runs).filter(keep).map(go_on);
            run::write(&path, entries, count, filter_budget)?
        }
    };
    let run = Arc::new(Run::open(&path, filter_budget)?);
    Ok(Built {
        number: job.number,
        level: job.level,
        source: job.source,
        summary,
        run,
    })
}

/// The entries of several runs in order; of equal keys only the latest.
fn merged(runs: &[(i64, Arc<Run>)]) -> impl Iterator<Item = io::Result<Entry>> {
    let mut inputs: Vec<_> = runs.iter().map(|(_, run)| run.entries()).collect();
    let mut heads = BinaryHeap::new();
    let mut failed = None;
    for (number, input) in inputs.iter_mut().enumerate() {
        match input.next() {
            Some(Ok(entry)) => heads.push(Reverse((entry, number))),
            Some(Err(error)) => failed = Some(error),
            None => {}
        }
    }
    let mut pop = move || -> Option<io::Result<Entry>> {
        if let Some(error) = failed.take() {
            heads.clear();
            return Some(Err(error));
        }
        let Reverse((entry, number)) = heads.pop()?;
        match inputs[number].next() {
            Some(Ok(next)) => heads.push(Reverse((next, number))),
            Some(Err(error)) => failed = Some(error),
            None => {}
        }
        Some(Ok(entry))
    };
    let mut waiting: Option<Entry> = None;
    std::iter::from_fn(move || {
        loop {
            match (waiting, pop()) {
                (_, Some(Err(error))) => return Some(Err(error)),
                (None, Some(Ok(entry))) => waiting = Some(entry),
                // Equal keys follow each other by their second: the later one stays.
                (Some(held), Some(Ok(entry))) => {
                    waiting = Some(entry);
                    if held.0 != entry.0 {
                        return Some(Ok(held));
                    }
                }
                (held, None) => {
                    waiting = None;
                    return held.map(Ok);
                }
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::super::Key;
    use super::*;

    #[test]
    fn merging_keeps_the_latest_of_each_key_and_drops_what_is_old() {
        let folder = tempfile::tempdir().unwrap();
        let stop = AtomicBool::new(false);
        let key = |number: u64| Key {
            high: number,
            low: 0,
        };
        let tables: [&[(u64, u32)]; 3] = [&[(1, 10), (2, 50)], &[(1, 60), (3, 20)], &[(4, 70)]];
        let mut runs = Vec::new();
        for (number, table) in (1..).zip(tables) {
            let table: KeyTable = table.iter().map(|&(n, second)| (key(n), second)).collect();
            let source = Source::Table(Arc::new(table), 0);
            let job = Job {
                number,
                level: 0,
                source,
                keep_from: 0,
            };
            let built = build(folder.path(), job, 1 << 20, &stop).unwrap();
            runs.push((number, built.run));
        }
        let source = Source::Runs(runs);
        let job = Job {
            number: 9,
            level: 1,
            source,
            keep_from: 30,
        };
        let built = build(folder.path(), job, 1 << 20, &stop).unwrap();
        let entries: io::Result<Vec<Entry>> = built.run.entries().collect();
        assert_eq!(entries.unwrap(), [(key(1), 60), (key(2), 50), (key(4), 70)]);
        assert_eq!(
            built.summary,
            Summary {
                keys: 3,
                oldest: 50,
                newest: 70
            }
        );
    }
}
