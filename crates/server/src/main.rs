//! `millstream`: the server, and the commands that speak to one.

mod cli;
mod config;
mod demo;
mod receiver;
mod serve;
mod telemetry;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
