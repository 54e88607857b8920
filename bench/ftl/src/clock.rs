//! CPU time of the running thread.

use rustix::time::{ClockId, clock_gettime};

/// CPU time of the running thread so far, in nanoseconds.
pub(crate) fn thread_nanos() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec.unsigned_abs() * 1_000_000_000 + time.tv_nsec.unsigned_abs()
}

/// Repeats `run` for `millis` of CPU time; nanoseconds of CPU time that each took.
pub(crate) fn nanos_per_run(millis: u64, mut run: impl FnMut()) -> f64 {
    let budget = millis * 1_000_000;
    let start = thread_nanos();
    let (mut runs, mut batch) = (0_u64, 1_u64);
    loop {
        for _ in 0..batch {
            run();
        }
        runs += batch;
        let used = thread_nanos() - start;
        if used >= budget {
            return used as f64 / runs as f64;
        }
        if used < budget / 16 {
            batch *= 2;
        }
    }
}
