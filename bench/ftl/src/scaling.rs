//! Whether two threads that share one template render twice as much as one.

use std::hint::black_box;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::case::Work;
use crate::ours::Ours;

/// Throughput of two threads as a multiple of one thread's.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Scaling {
    pub(crate) ours: f64,
    /// The same of threads that only calculate: what the machine can give.
    pub(crate) machine: f64,
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
    Scaling {
        ours: per_second(2, time, renders) / per_second(1, time, renders),
        machine: per_second(2, time, calculates) / per_second(1, time, calculates),
    }
}

/// How often `run` is done in a second by so many threads together.
fn per_second(threads: usize, time: Duration, run: impl Fn(&mut Vec<u8>) + Sync) -> f64 {
    let ready = Barrier::new(threads + 1);
    let over = AtomicBool::new(false);
    let worker = || {
        let mut out = Vec::new();
        // What is allocated once is allocated before the start.
        run(&mut out);
        ready.wait();
        let (start, mut runs) = (Instant::now(), 0_u64);
        while !over.load(Ordering::Relaxed) {
            for _ in 0..8 {
                run(&mut out);
            }
            runs += 8;
        }
        runs as f64 / start.elapsed().as_secs_f64()
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
        ready.wait();
        thread::sleep(time);
        over.store(true, Ordering::Relaxed);
        let rates = workers.into_iter().map(|worker| worker.join());
        rates.map(|rate| rate.expect("no render panics")).sum()
    })
}
