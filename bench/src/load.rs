//! Uploads batches of events, as fast as they are answered or at a given rate.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use clap::Args;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::clock::now_micros;
use crate::events::{BATCH, Batch, IDENTIFY_EVERY, USERS};

/// Connections of a run: enough that the journal can group their commits.
pub(crate) const CONNECTIONS: usize = 8;
/// How long to wait after a 429 or 503 before the same batch is sent again.
const REFUSED_PAUSE: Duration = Duration::from_millis(50);

/// What to upload, and where.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// The server, as HOST:PORT.
    #[arg(long, default_value = "127.0.0.1:8080")]
    pub(crate) server: String,
    /// The project's API key.
    #[arg(long, env = "MILLSTREAM_API_KEY", hide_env_values = true)]
    pub(crate) api_key: String,
    /// Events per second; as fast as the server answers when absent.
    #[arg(long)]
    pub(crate) rate: Option<f64>,
    /// For how long.
    #[arg(long, default_value_t = 5.0)]
    pub(crate) seconds: f64,
    /// How many events at most.
    #[arg(long)]
    pub(crate) events: Option<u64>,
    /// Connections.
    #[arg(long, default_value_t = CONNECTIONS)]
    pub(crate) connections: usize,
    /// Events in one batch, a multiple of 10.
    #[arg(long, default_value_t = BATCH)]
    pub(crate) batch: usize,
}

/// A batch that was answered 200.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Acknowledged {
    /// The number of its first event.
    pub(crate) first: u64,
    /// When the answer had arrived, in microseconds since 1970.
    pub(crate) at: u64,
}

/// What a run did.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) acknowledged: Vec<Acknowledged>,
    /// Events in each of them.
    pub(crate) batch: usize,
    pub(crate) seconds: f64,
    /// Answers 429 and 503; their batches were sent again.
    pub(crate) refused: u64,
}

impl Outcome {
    pub(crate) fn events(&self) -> u64 {
        (self.acknowledged.len() * self.batch) as u64
    }

    pub(crate) fn events_per_second(&self) -> f64 {
        self.events() as f64 / self.seconds
    }
}

/// A run in progress.
pub(crate) struct Load {
    shared: Arc<Shared>,
    started: Instant,
    connections: JoinSet<anyhow::Result<Vec<Acknowledged>>>,
}

struct Shared {
    options: Options,
    salt: u64,
    next: AtomicU64,
    acknowledged: AtomicU64,
    refused: AtomicU64,
    paused: AtomicBool,
    end: Instant,
}

impl Load {
    /// Starts uploading; the first event gets the number `first`.
    pub(crate) fn start(options: Options, first: u64) -> Self {
        let started = Instant::now();
        let shared = Arc::new(Shared {
            // Insert ids of runs that follow each other must differ.
            salt: now_micros() / 1_000 % 99_991,
            next: AtomicU64::new(first),
            acknowledged: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            paused: AtomicBool::new(false),
            end: started + Duration::from_secs_f64(options.seconds),
            options,
        });
        let connections = (0..shared.options.connections)
            .map(|nth| connection(Arc::clone(&shared), nth, first))
            .collect();
        Self {
            shared,
            started,
            connections,
        }
    }

    /// Events answered 200 so far.
    pub(crate) fn acknowledged(&self) -> u64 {
        self.shared.acknowledged.load(Ordering::Relaxed)
    }

    /// Holds further uploads back, or lets them go on.
    pub(crate) fn set_paused(&self, paused: bool) {
        self.shared.paused.store(paused, Ordering::Relaxed);
    }

    /// Whether all connections have done their part.
    pub(crate) fn is_finished(&mut self) -> bool {
        self.shared.end <= Instant::now()
    }

    /// Waits for the end.
    pub(crate) async fn finish(mut self) -> anyhow::Result<Outcome> {
        let mut acknowledged = Vec::new();
        while let Some(joined) = self.connections.join_next().await {
            acknowledged.extend(joined??);
        }
        Ok(Outcome {
            acknowledged,
            batch: self.shared.options.batch,
            seconds: self.started.elapsed().as_secs_f64(),
            refused: self.shared.refused.load(Ordering::Relaxed),
        })
    }
}

async fn connection(
    shared: Arc<Shared>,
    nth: usize,
    first: u64,
) -> anyhow::Result<Vec<Acknowledged>> {
    let options = &shared.options;
    // Each connection has users of its own, so that a batch needs no lock.
    let mut batches: Vec<Batch> = (nth..USERS / options.batch)
        .step_by(options.connections)
        .map(|index| Batch::new(&options.api_key, index, options.batch))
        .collect();
    let mut stream = TcpStream::connect(&options.server)
        .await
        .context("connecting to the server")?;
    stream.set_nodelay(true)?;
    let mut acknowledged = Vec::new();
    let last = options.events.map_or(u64::MAX, |events| first + events);
    let period = options.rate.map(|rate| {
        Duration::from_secs_f64(options.connections as f64 * options.batch as f64 / rate)
    });
    let mut due = tokio::time::Instant::now()
        + period
            .unwrap_or_default()
            .mul_f64(nth as f64 / options.connections as f64);
    for turn in 0.. {
        if period.is_some() {
            tokio::time::sleep_until(due).await;
        }
        while shared.paused.load(Ordering::Relaxed) && Instant::now() < shared.end {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        due += period.unwrap_or_default();
        let first = shared
            .next
            .fetch_add(options.batch as u64, Ordering::Relaxed);
        if Instant::now() >= shared.end || first >= last {
            break;
        }
        let slot = turn % batches.len();
        let body = batches[slot].numbered(first, shared.salt);
        upload(&mut stream, &shared, body).await?;
        shared
            .acknowledged
            .fetch_add(options.batch as u64, Ordering::Relaxed);
        acknowledged.push(Acknowledged {
            first,
            at: now_micros(),
        });
    }
    Ok(acknowledged)
}

/// Sends the batch until it is taken.
async fn upload(stream: &mut TcpStream, shared: &Shared, body: &[u8]) -> anyhow::Result<()> {
    let head = format!(
        "POST /batch HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        shared.options.server,
        body.len()
    );
    loop {
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(body).await?;
        match read_answer(stream).await? {
            (200, _) => return Ok(()),
            (429 | 503, _) => {
                shared.refused.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(REFUSED_PAUSE).await;
            }
            (status, body) => bail!("a batch was answered {status}: {body}"),
        }
    }
}

/// Reads one answer with a content length: its status and body.
async fn read_answer(stream: &mut TcpStream) -> anyhow::Result<(u16, String)> {
    let mut answer = Vec::with_capacity(1024);
    loop {
        if stream.read_buf(&mut answer).await? == 0 {
            bail!("the server closed the connection");
        }
        let Some(head) = answer.windows(4).position(|window| window == b"\r\n\r\n") else {
            continue;
        };
        let text = String::from_utf8_lossy(&answer[..head]).to_ascii_lowercase();
        let length = text
            .lines()
            .find_map(|line| line.strip_prefix("content-length:"));
        let length: usize = length
            .context("an answer has no content length")?
            .trim()
            .parse()?;
        if answer.len() >= head + 4 + length {
            let status = text
                .split(' ')
                .nth(1)
                .context("an answer has no status")?
                .parse()?;
            return Ok((
                status,
                String::from_utf8_lossy(&answer[head + 4..]).into_owned(),
            ));
        }
    }
}

/// The command: one run, its figures printed.
pub(crate) async fn run(options: Options) -> anyhow::Result<()> {
    ensure!(
        options.batch > 0 && options.batch.is_multiple_of(IDENTIFY_EVERY),
        "--batch must be a multiple of {IDENTIFY_EVERY}"
    );
    let outcome = Load::start(options, 0).finish().await?;
    println!(
        "{} events in {:.1} s: {:.0} events/s, {} answers 429 or 503",
        outcome.events(),
        outcome.seconds,
        outcome.events_per_second(),
        outcome.refused
    );
    Ok(())
}
