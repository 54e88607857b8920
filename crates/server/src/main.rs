//! `millstream`: the server, the commands that speak to one, and those for templates.

mod backup;
mod cli;
mod config;
mod definition;
mod demo;
mod mail;
mod page;
mod receiver;
mod serve;
mod source;
mod telemetry;
mod template;

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// A fifth of the time per event went into the system's allocator (docs/adr/004-allocator.md).
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    // What is made here is its owner's: keys, databases, backups, also in folders that others may enter.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    cli::run()
}
