//! Measures the template engine beside Apache FreeMarker and minijinja, in one tree of processes.
//! `../README.md` says what is measured and how to repeat it.

mod case;
mod clock;
mod inputs;
mod java;
mod jinja;
mod ours;
mod report;
mod scaling;

use clap::Parser;

/// The server's allocator, so that figures are its own; minijinja runs with it, too.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> anyhow::Result<()> {
    report::run(&report::Options::parse())
}
