//! Whether two threads that share one template render twice as much as one.

use std::hint::black_box;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::case::Work;
use crate::clock::thread_nanos;
use crate::ours::Ours;

/// What two threads do, beside what two that only calculate do: what the machine gives.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Scaling {
    pub(crate) ours: Gain,
    pub(crate) machine: Gain,
}

/// Two threads' work as a multiple of one thread's.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Gain {
    /// In the same time. Other programs take their share of the cores, more so from two threads.
    pub(crate) by_time: f64,
    /// In the same CPU time of each thread: without that share, but also without time spent asleep, as
    /// for a lock that another thread holds.
    pub(crate) by_cpu: f64,
}

impl Scaling {
    /// What part of the machine's gain ours is, by time and by CPU time.
    pub(crate) fn shares(&self) -> (f64, f64) {
        let Self { ours, machine } = self;
        (ours.by_time / machine.by_time, ours.by_cpu / machine.by_cpu)
    }
}

/// One round of each for so long.
pub(crate) fn measure(ours: &Ours<'_>, millis: u64) -> Scaling {
    let time = Duration::from_millis(millis);
    let renders = |out: &mut Vec<u8>| ours.run(Work::Render, out);
    let calculates = |out: &mut Vec<u8>| {
        let mut sum = out.len() as u64;
        for n in 0..1000_u64 {
            sum = black_box(sum.wrapping_mul(31).wrapping_add(n));
        }
    };
    // What is compared stands close together: the machine is not the same from second to second.
    let alone = (rate(1, time, renders), rate(1, time, calculates));
    let beside = (rate(2, time, renders), rate(2, time, calculates));
    Scaling {
        ours: beside.0.gain_over(alone.0),
        machine: beside.1.gain_over(alone.1),
    }
}

/// How much some threads do together.
#[derive(Clone, Copy, Default)]
struct Rate {
    per_second: f64,
    /// Of each thread's CPU time, added.
    per_cpu_second: f64,
}

impl Rate {
    fn gain_over(self, alone: Self) -> Gain {
        Gain {
            by_time: self.per_second / alone.per_second,
            by_cpu: self.per_cpu_second / alone.per_cpu_second,
        }
    }
}

/// How often `run` is done by so many threads together.
fn rate(threads: usize, time: Duration, run: impl Fn(&mut Vec<u8>) + Sync) -> Rate {
    let ready = Barrier::new(threads + 1);
    let over = AtomicBool::new(false);
    let worker = || {
        let mut out = Vec::new();
        // What is allocated once is allocated before the start.
        run(&mut out);
        ready.wait();
        let (start, cpu_start, mut runs) = (Instant::now(), thread_nanos(), 0_u64);
        while !over.load(Ordering::Relaxed) {
            for _ in 0..8 {
                run(&mut out);
            }
            runs += 8;
        }
        let cpu_seconds = (thread_nanos() - cpu_start) as f64 / 1e9;
        Rate {
            per_second: runs as f64 / start.elapsed().as_secs_f64(),
            per_cpu_second: runs as f64 / cpu_seconds,
        }
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
        ready.wait();
        thread::sleep(time);
        over.store(true, Ordering::Relaxed);
        let rates = workers.into_iter().map(|worker| worker.join());
        rates.fold(Rate::default(), |sum, rate| {
            let rate = rate.expect("no render panics");
            Rate {
                per_second: sum.per_second + rate.per_second,
                per_cpu_second: sum.per_cpu_second + rate.per_cpu_second,
            }
        })
    })
}
