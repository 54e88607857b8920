//! `millstream demo`: the server with a simulated shop that sends it events, and a webhook sync that
//! delivers them to the built-in receiver.

mod feed;
mod report;
mod setup;
mod shop;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use journal::LaneStats;
use model::time::SystemClock;
use model::{Clock, SyncId};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::cli::{Failure, reachable};
use crate::config::{self, Config, Files};
use crate::serve::{self, Server, Signals};
use crate::telemetry;
use feed::Feed;
use report::{Figures, Reporter};
use setup::Place;
use shop::Shop;

/// Events a second where neither a rate nor a number is asked for.
const USUAL_RATE: f64 = 20.0;

/// How long nothing may arrive before what is missing counts as missing.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often it is looked whether everything has arrived.
const LOOK: Duration = Duration::from_millis(20);

/// The receiver's inbox.
const INBOX: &str = "shop";

/// Options of `millstream demo`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  millstream demo\n  millstream demo --listen 127.0.0.1:9000 --rate 200\n  \
                        millstream demo --events 10000   (sends, waits, checks, ends)"
)]
pub(crate) struct Options {
    /// Where to listen.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Where to keep data; a later start goes on from there.
    #[arg(long, value_name = "FOLDER", default_value = "millstream-data/demo")]
    data: PathBuf,
    /// Send so many events, wait until all are delivered, and end: 0 when they are, 1 when not.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    events: Option<u64>,
    /// Events a second [default: 20, or with --events as fast as they are taken].
    #[arg(long, value_name = "N", value_parser = parse_rate)]
    rate: Option<f64>,
    /// The shop's visits are those of this number.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
}

fn parse_rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.parse().map_err(|_| "expected a number".to_owned())?;
    if (0.01..=1e6).contains(&rate) {
        Ok(rate)
    } else {
        Err("must be from 0.01 to 1000000".to_owned())
    }
}

/// Runs the demo.
pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let config = demo_config(config::load(None, Files::Checked)?.config, options);
    telemetry::start_log(&config.log);
    let metrics = telemetry::start_metrics()?;
    let data_dir = config.data_dir.clone();
    serve::runtime()?.block_on(async {
        let mut signals = Signals::new().context("signals can't be received")?;
        let started = Server::start(config, metrics, None).await;
        let server = started.map_err(|error| with_advice(error, options))?;
        let demo = Demo::prepare(server, &data_dir, options).await?;
        let result = demo.run(&mut signals).await;
        let ended = demo.server.stop_unless(signals).await;
        result.and(ended)
    })?;
    Ok(())
}

/// The configuration in force, but for what makes it a demo.
fn demo_config(mut config: Config, options: &Options) -> Config {
    config.data_dir.clone_from(&options.data);
    config.listen = options.listen;
    config.control.listen = None;
    config.receiver.enabled = true;
    let events = usize::try_from(options.events.unwrap_or(0)).unwrap_or(usize::MAX);
    config.receiver.deliveries_remembered = config.receiver.deliveries_remembered.max(events);
    config.egress = config.egress.with_loopback();
    // Between the lines of figures only what is worth a look, and the link to the first account.
    if config.log.filter == "info" {
        config.log.filter = "warn,millstream::serve::first_start=info".into();
    }
    config
}

fn with_advice(error: anyhow::Error, options: &Options) -> anyhow::Error {
    let taken = error
        .downcast_ref::<std::io::Error>()
        .is_some_and(|e| e.kind() == std::io::ErrorKind::AddrInUse);
    if taken {
        return anyhow::anyhow!(
            "{} is taken by another program: choose another address, such as --listen 127.0.0.1:{}",
            options.listen,
            options.listen.port().wrapping_add(1).max(1024)
        );
    }
    error
}

/// A demo that is set up.
struct Demo {
    server: Server,
    place: Place,
    events: Option<u64>,
    rate: Option<f64>,
    seed: u64,
    clock: Arc<dyn Clock>,
}

impl Demo {
    async fn prepare(
        server: Server,
        data_dir: &std::path::Path,
        options: &Options,
    ) -> anyhow::Result<Self> {
        let address = reachable(server.address);
        let place = setup::prepare(&format!("http://{address}"), data_dir, INBOX).await?;
        Ok(Self {
            server,
            place,
            events: options.events,
            rate: options
                .rate
                .or(options.events.is_none().then_some(USUAL_RATE)),
            seed: options.seed,
            clock: Arc::new(SystemClock),
        })
    }

    async fn run(&self, signals: &mut Signals) -> anyhow::Result<()> {
        let before = self.lane_stats().await?;
        report::introduce(
            &self.place,
            self.server.receiver.is_some(),
            before.total,
            self.rate,
        )?;
        let ending = CancellationToken::new();
        let tasks = TaskTracker::new();
        let feed = self.feed()?;
        let figures = Arc::new(Figures::new(
            Arc::clone(&feed.counts),
            Arc::clone(&self.server.streams),
            self.server.receiver.clone(),
            self.place.sync,
            INBOX,
        ));
        let reporter = Reporter::new(Arc::clone(&figures), Arc::clone(&self.clock));
        tasks.spawn(reporter.run(ending.clone()));
        tasks.close();
        let result = tokio::select! {
            result = self.work(feed, &figures) => result,
            signal = signals.next() => self.interrupted(signal),
        };
        ending.cancel();
        tasks.wait().await;
        if let Some(done) = result? {
            done.check(&figures)?;
        }
        Ok(())
    }

    fn feed(&self) -> anyhow::Result<Feed> {
        // Start and seed tell this run's events from those of earlier runs.
        let run = format!("{:x}-{:x}", self.clock.now().millis(), self.seed);
        let shop = Shop::new(self.seed, run);
        Feed::new(
            &self.place.url,
            &self.place.api_key,
            shop,
            Arc::clone(&self.clock),
        )
    }

    fn interrupted(&self, signal: &str) -> anyhow::Result<Option<Done>> {
        match self.events {
            Some(_) => anyhow::bail!("ended by {signal} before everything was delivered"),
            None => Ok(None),
        }
    }

    /// Sends for ever, or so many events, which are then waited for.
    async fn work(&self, mut feed: Feed, figures: &Figures) -> anyhow::Result<Option<Done>> {
        let Some(events) = self.events else {
            feed.send(u64::MAX, self.rate).await?;
            return Ok(None);
        };
        // What an earlier run left behind would be counted as this one's.
        self.wait_until_settled().await?;
        let (before, began) = (figures.deliveries(), self.clock.now());
        feed.send(events, self.rate).await?;
        // Whoever clears the inbox meanwhile sets the count back.
        let arrived = self
            .wait_for(before + events, figures)
            .await
            .saturating_sub(before);
        let took = self.clock.now().since(began);
        Ok(Some(Done {
            events,
            arrived,
            took,
        }))
    }

    /// Waits until so many deliveries have arrived at the receiver, or nothing arrives any more.
    async fn wait_for(&self, expected: u64, figures: &Figures) -> u64 {
        let (mut last, mut last_change) = (figures.deliveries(), self.clock.now());
        while last < expected && self.clock.now().since(last_change) < PATIENCE {
            self.clock.sleep(LOOK).await;
            let now = figures.deliveries();
            if now != last {
                (last, last_change) = (now, self.clock.now());
            }
        }
        last
    }

    async fn wait_until_settled(&self) -> anyhow::Result<()> {
        let began = self.clock.now();
        loop {
            let stats = self.lane_stats().await?;
            if stats.cursor == stats.head && stats.pending == 0 {
                return Ok(());
            }
            let waited = self.clock.now().since(began);
            anyhow::ensure!(
                waited < PATIENCE,
                "what an earlier run left behind is not delivered; choose another --data"
            );
            self.clock.sleep(LOOK).await;
        }
    }

    async fn lane_stats(&self) -> anyhow::Result<LaneStats> {
        let sync: SyncId = self.place.sync;
        self.server
            .lane_stats(sync)
            .await?
            .context("the demo's sync has no lane")
    }
}

/// What became of the events that were asked for.
struct Done {
    events: u64,
    arrived: u64,
    took: Duration,
}

impl Done {
    /// Prints the summary; fails when anything is missing.
    fn check(&self, figures: &Figures) -> anyhow::Result<()> {
        let Self {
            events,
            arrived,
            took,
        } = *self;
        report::summarise(figures, events, arrived, took);
        anyhow::ensure!(
            arrived >= events,
            "{} of {events} events were not delivered",
            events - arrived
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_positive_number() {
        assert_eq!(parse_rate("12.5"), Ok(12.5));
        for wrong in ["0", "-1", "fast", "NaN", "inf"] {
            assert!(parse_rate(wrong).is_err(), "{wrong}");
        }
    }
}
