//! Measures the server end to end against a bare client, with the same sink on the same machine.
//! `README.md` beside this says what is measured and how to repeat it.

// A benchmark reads the real clock, and its tasks live as long as its runs.
#![allow(clippy::disallowed_methods)]

mod bare;
mod clock;
mod events;
mod latency;
mod load;
mod machine;
mod operate;
mod process;
mod report;
mod run;
mod search;
mod sink;
mod stages;

use std::net::SocketAddr;
use std::time::Duration;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(about = "Benchmarks of Millstream")]
struct Arguments {
    #[command(subcommand)]
    part: Part,
}

#[derive(Subcommand)]
enum Part {
    /// Runs everything, prints the table and writes bench/last.json.
    Report(report::Options),
    /// A cheap HTTP/1.1 server that counts requests and remembers when they arrived.
    Sink {
        /// Where to listen.
        #[arg(long, default_value = "127.0.0.1:9900")]
        listen: SocketAddr,
    },
    /// Our HTTP client alone, with a fixed body, to a sink.
    Bare {
        /// The sink.
        #[arg(long, default_value = "127.0.0.1:9900")]
        sink: SocketAddr,
        /// Requests in flight at once.
        #[arg(long, default_value_t = bare::CONCURRENCY)]
        concurrency: usize,
        /// For how long.
        #[arg(long, default_value_t = 5)]
        seconds: u64,
    },
    /// Batches of events to a running server.
    Load(load::Options),
    /// CPU time of each stage, measured in this process.
    Stages,
    /// The debugger's searches over a million stored attempts.
    Search,
}

fn main() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    match Arguments::parse().part {
        Part::Report(options) => runtime.block_on(report::run(options)),
        Part::Sink { listen } => runtime.block_on(sink::run(listen)),
        Part::Bare {
            sink,
            concurrency,
            seconds,
        } => {
            let figures =
                runtime.block_on(bare::run(sink, concurrency, Duration::from_secs(seconds)))?;
            println!("{:.0} requests/s", figures.requests_per_second);
            Ok(())
        }
        Part::Load(options) => runtime.block_on(load::run(options)),
        Part::Search => {
            for search in runtime.block_on(search::measure())? {
                println!(
                    "{:<50} {:>6} found {:>10.2} ms, at most {:.2}",
                    search.name,
                    search.found,
                    search.median.as_secs_f64() * 1e3,
                    search.slowest.as_secs_f64() * 1e3
                );
            }
            Ok(())
        }
        Part::Stages => {
            for stage in runtime.block_on(stages::measure())? {
                println!("{:<60} {:>8.2} µs", stage.name, stage.micros);
            }
            Ok(())
        }
    }
}
