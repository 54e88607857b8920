//! What a process costs, from `/proc`.

use std::collections::BTreeMap;
use std::fs;

use anyhow::Context;

/// CPU time so far, in seconds, by the names of the threads (numbers at their ends taken off).
#[derive(Debug, Clone, Default)]
pub(crate) struct CpuTime {
    by_thread: BTreeMap<String, f64>,
    total: f64,
}

/// The kernel counts CPU time in hundredths of a second on every Linux that this runs on.
const TICKS_PER_SECOND: f64 = 100.0;

impl CpuTime {
    /// Of a running process.
    pub(crate) fn of(pid: u32) -> anyhow::Result<Self> {
        let mut by_thread = BTreeMap::new();
        for entry in fs::read_dir(format!("/proc/{pid}/task"))? {
            // A thread may end between the listing and the reading.
            let Ok(stat) = fs::read_to_string(entry?.path().join("stat")) else {
                continue;
            };
            let (name, seconds) = read_stat(&stat).context("reading a thread's stat")?;
            *by_thread.entry(name).or_default() += seconds;
        }
        let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
        let (_, total) = read_stat(&stat).context("reading a process's stat")?;
        Ok(Self { by_thread, total })
    }

    /// Of the whole process, threads that have ended included.
    pub(crate) fn total(&self) -> f64 {
        self.total
    }

    /// What was added since `before`.
    pub(crate) fn since(&self, before: &Self) -> Self {
        let added = |(name, seconds): (&String, &f64)| {
            (
                name.clone(),
                seconds - before.by_thread.get(name).unwrap_or(&0.0),
            )
        };
        Self {
            by_thread: self.by_thread.iter().map(added).collect(),
            total: self.total - before.total,
        }
    }

    /// Per event, in microseconds, by the names of the threads; threads without any left out.
    pub(crate) fn micros_each(&self, events: u64) -> BTreeMap<String, f64> {
        let each = |(name, seconds): (&String, &f64)| {
            let micros = seconds * 1e6 / events.max(1) as f64;
            (micros > 0.0).then(|| (name.clone(), micros))
        };
        self.by_thread.iter().filter_map(each).collect()
    }
}

/// The name and CPU seconds in a line of `stat`.
fn read_stat(stat: &str) -> Option<(String, f64)> {
    // The name stands in parentheses and may hold any character itself.
    let (front, fields) = stat.rsplit_once(')')?;
    let name = front
        .split_once('(')?
        .1
        .trim_end_matches(|c: char| c.is_ascii_digit() || c == '-');
    let mut ticks = fields.split_whitespace().skip(11).map(str::parse::<f64>);
    let (user, system) = (ticks.next()?.ok()?, ticks.next()?.ok()?);
    Some((name.to_owned(), (user + system) / TICKS_PER_SECOND))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stat_line_is_read_whatever_the_name() {
        let line = "71 (a) (b-12) S 1 71 71 0 -1 4194560 8 9 10 11 150 50 0 0 20 0 1 0 5 6 7";
        assert_eq!(read_stat(line), Some(("a) (b".to_owned(), 2.0)));
    }

    #[test]
    fn this_process_has_threads() {
        let before = CpuTime::of(std::process::id()).unwrap();
        let mut sum = 0u64;
        while CpuTime::of(std::process::id())
            .unwrap()
            .since(&before)
            .total()
            < 0.02
        {
            sum = (0..100_000).fold(sum, u64::wrapping_add);
        }
        assert!(!before.by_thread.is_empty());
    }
}
