//! What the demo prints: an introduction, a line of figures that lives on a terminal, a summary.

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use journal::Counts;
use model::{Clock, SyncId};
use stream::{LaneView, Streams};
use tokio_util::sync::CancellationToken;

use super::feed::{self, Sent};
use super::setup::Place;
use crate::receiver::{self, Receiver};

/// How often the line changes on a terminal, and how often a line is printed elsewhere.
const LIVE: Duration = Duration::from_millis(250);
const PLAIN: Duration = Duration::from_secs(10);

/// Where the figures come from.
pub(super) struct Figures {
    sent: Arc<Sent>,
    streams: Arc<Streams>,
    receiver: Option<Arc<Receiver>>,
    sync: SyncId,
    inbox: &'static str,
}

impl Figures {
    pub(super) fn new(
        sent: Arc<Sent>,
        streams: Arc<Streams>,
        receiver: Option<Arc<Receiver>>,
        sync: SyncId,
        inbox: &'static str,
    ) -> Self {
        Self {
            sent,
            streams,
            receiver,
            sync,
            inbox,
        }
    }

    /// Deliveries that have arrived at the receiver, each counted once.
    pub(super) fn deliveries(&self) -> u64 {
        self.arrived().deliveries
    }

    fn arrived(&self) -> receiver::Counts {
        self.receiver
            .as_ref()
            .map(|receiver| receiver.counts(self.inbox))
            .unwrap_or_default()
    }

    fn lane(&self) -> LaneView {
        self.streams.view(self.sync).unwrap_or_default()
    }

    fn line(&self) -> String {
        let (lane, delivered) = (self.lane(), self.deliveries());
        // An event may be delivered before its sender has the answer, and people send some too.
        let received = self.sent.events.load(Ordering::Relaxed).max(delivered);
        // What has just arrived may still be counted as under way.
        let waiting = lane.unread + (lane.queued + lane.in_flight) as u64;
        let waiting = waiting.min(received - delivered);
        format!(
            "received {} · delivered {} · waiting {} · retrying {} · p95 {}",
            grouped(received),
            grouped(delivered),
            grouped(waiting),
            grouped(lane.pending),
            seconds(lane.latency.p95),
        )
    }
}

/// Prints the figures now and then.
pub(super) struct Reporter {
    figures: Arc<Figures>,
    clock: Arc<dyn Clock>,
}

impl Reporter {
    pub(super) fn new(figures: Arc<Figures>, clock: Arc<dyn Clock>) -> Self {
        Self { figures, clock }
    }

    /// Until `ending`; the last line stays.
    pub(super) async fn run(self, ending: CancellationToken) {
        let live = io::stdout().is_terminal();
        loop {
            let pause = if live { LIVE } else { PLAIN };
            let ended = tokio::select! {
                () = ending.cancelled() => true,
                () = self.clock.sleep(pause) => false,
            };
            let line = self.figures.line();
            match (live, ended) {
                (true, false) => print(&format!("\r\x1b[2K{line}")),
                (true, true) => print(&format!("\r\x1b[2K{line}\n")),
                (false, _) => print(&format!("{line}\n")),
            }
            if ended {
                return;
            }
        }
    }
}

/// Says what there is to see, and how to take part.
pub(super) fn introduce(
    place: &Place,
    receiver: bool,
    before: Counts,
    rate: Option<f64>,
) -> anyhow::Result<()> {
    let delivered = before.delivered_first + before.delivered_retry;
    let past = match delivered {
        0 => "a new data folder".to_owned(),
        n => format!(
            "goes on from before: {} events delivered so far",
            grouped(n)
        ),
    };
    let pace = rate.map_or("as fast as events are taken".to_owned(), |rate| {
        format!("{rate} events a second")
    });
    let page = if receiver {
        place.page()
    } else {
        "off".to_owned()
    };
    print(&format!(
        "Millstream demo: a simulated shop sends events, a webhook sync delivers them.\n\n  \
         Page      {}/\n  Receiver  {page}\n  API key   {}\n  Token     {} (admin)\n  Data      {} ({past})\n  \
         Shop      {pace}\n\n\
         The page asks you to sign in: a line above, of the first start, has the link with which you make\n\
         the account, good once.\n\n\
         The demo lets syncs send to this machine's own addresses; `millstream serve` refuses them unless\n\
         `egress.allow` names them.\n\n\
         Send an event of your own, and see it arrive at the receiver:\n\n  {}\n\n\
         Ctrl-C ends; the next start goes on from here.\n\n",
        place.url,
        place.api_key,
        place.token_file.display(),
        place.data_dir.display(),
        feed::curl(&place.url, &place.api_key)?,
    ));
    Ok(())
}

/// Says what became of the events that were asked for.
pub(super) fn summarise(figures: &Figures, wanted: u64, arrived: u64, took: Duration) {
    let (lane, counts) = (figures.lane(), figures.arrived());
    let verdict = match arrived >= wanted {
        true => "all delivered".to_owned(),
        false => format!("{} missing", grouped(wanted - arrived)),
    };
    print(&format!(
        "\n{} events sent, {} arrived at the receiver: {verdict}\n  \
         {} identifications, {} repeated deliveries, {} retries waiting\n  \
         {}, {} events/s; received to delivered p50 {}, p95 {}, p99 {}\n",
        grouped(wanted),
        grouped(arrived),
        grouped(figures.sent.identifies.load(Ordering::Relaxed)),
        grouped(counts.repeated),
        grouped(lane.pending),
        seconds(Some(took.as_secs_f64())),
        grouped((arrived as f64 / took.as_secs_f64().max(0.001)) as u64),
        seconds(lane.latency.p50),
        seconds(lane.latency.p95),
        seconds(lane.latency.p99),
    ));
}

fn print(text: &str) {
    let mut out = io::stdout().lock();
    // A reader that has gone away is no reason to stop serving.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// `1234567` as `1,234,567`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn seconds(value: Option<f64>) -> String {
    match value {
        None => "–".to_owned(),
        Some(value) if value < 1.0 => format!("{:.0} ms", value * 1000.0),
        Some(value) => format!("{value:.1} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_times_read_easily() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(grouped(number), text);
        }
        assert_eq!(
            (seconds(None), seconds(Some(0.0123)), seconds(Some(2.0))),
            ("–".into(), "12 ms".into(), "2.0 s".into())
        );
    }
}
