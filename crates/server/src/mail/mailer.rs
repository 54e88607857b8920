//! The task that sends what waits.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use model::{Clock, Random, Timestamp};
use store::Store;
use store::mail::{Claim, Outcome};
use tokio_util::sync::CancellationToken;

use super::config::Config;
use super::schedule::Schedule;
use super::smtp::Smtp;

/// How long a mail that is on its way may hold up the end.
const STOP_GRACE: Duration = Duration::from_secs(1);

/// How much longer than connecting and sending may take a mail is claimed, for what comes around it.
const LEASE_MARGIN: Duration = Duration::from_secs(20);

/// How often old mail is deleted.
const RETIRE_INTERVAL: Duration = Duration::from_secs(3600);

/// What takes mail.
#[async_trait]
pub(super) trait Transport: Send + Sync {
    /// Hands a mail over; when it returns `Ok`, somebody else answers for it. Ends in bounded time.
    async fn send(&mut self, claim: &Claim) -> Result<(), SendError>;

    /// Whether a connection is kept for the next mail.
    fn is_connected(&self) -> bool;

    /// Ends the connection, if there is one.
    async fn disconnect(&mut self);
}

/// Why a mail was not taken. The texts hold nothing secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SendError {
    /// This mail wasn't; others may be.
    Mail {
        /// It never will be.
        permanent: bool,
        /// What the server said.
        error: String,
    },
    /// The server takes none at present.
    Server(String),
}

/// Sends what waits in the store's queue, one mail after the other, at once when it is put there.
pub(crate) struct Mailer {
    store: Store,
    /// `None`: no mail server is set up.
    transport: Option<Box<dyn Transport>>,
    schedule: Schedule,
    lease: Duration,
    idle_timeout: Duration,
    poll_interval: Duration,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    /// How often in a row the server took no mail at all, and when it is asked again.
    server_failures: u32,
    paused_until: Timestamp,
    /// When the connection was last used.
    used_at: Timestamp,
}

/// What became of one look at the queue.
enum Step {
    /// A mail was dealt with: look again.
    Dealt,
    /// There is nothing to do before this time.
    WaitUntil(Timestamp),
    /// The end has come.
    Stop,
}

impl Mailer {
    /// A mailer that uses the configured server. `name` is what this machine calls itself to it.
    pub(crate) fn new(
        config: &Config,
        name: &str,
        store: Store,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> anyhow::Result<Self> {
        let transport: Option<Box<dyn Transport>> = match config.is_set_up() {
            true => Some(Box::new(Smtp::new(config, name, Arc::clone(&clock))?)),
            false => None,
        };
        Ok(Self::with_transport(
            config, transport, store, clock, random,
        ))
    }

    fn with_transport(
        config: &Config,
        transport: Option<Box<dyn Transport>>,
        store: Store,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        Self {
            store,
            transport,
            schedule: config.schedule(),
            lease: config.connect_timeout + config.send_timeout + LEASE_MARGIN,
            idle_timeout: config.idle_timeout,
            poll_interval: config.poll_interval,
            clock,
            random,
            server_failures: 0,
            paused_until: Timestamp(i64::MIN),
            used_at: Timestamp(i64::MIN),
        }
    }

    /// Works until `stopping`.
    pub(crate) async fn run(mut self, stopping: CancellationToken) {
        let mut retire_at = self.clock.now();
        while !stopping.is_cancelled() {
            if self.clock.now() >= retire_at {
                self.retire().await;
                retire_at = self.clock.now() + RETIRE_INTERVAL;
            }
            match self.step(&stopping).await {
                Step::Dealt => {}
                Step::WaitUntil(at) => self.wait(at.min(retire_at), &stopping).await,
                Step::Stop => break,
            }
        }
        if let Some(transport) = &mut self.transport {
            transport.disconnect().await;
        }
    }

    /// Sends the mail that is due first, if any.
    async fn step(&mut self, stopping: &CancellationToken) -> Step {
        let now = self.clock.now();
        if self.transport.is_none() {
            return Step::WaitUntil(Timestamp(i64::MAX));
        }
        if now < self.paused_until {
            return Step::WaitUntil(self.paused_until);
        }
        let claimed = match self.store.claim_mail(self.lease, 1).await {
            Ok(claimed) => claimed,
            Err(error) => {
                tracing::error!(error = %anyhow::Error::new(error), "the mail queue can't be read");
                return Step::WaitUntil(now + self.poll_interval);
            }
        };
        let Some(claim) = claimed.first() else {
            return Step::WaitUntil(self.next_look(now).await);
        };
        let Some(result) = self.send(claim, stopping).await else {
            self.settle(claim, &Outcome::Released).await;
            return Step::Stop;
        };
        self.used_at = self.clock.now();
        let outcome = self.judge(claim, result);
        self.settle(claim, &outcome).await;
        Step::Dealt
    }

    /// The attempt's result; `None` when it was broken off, since the end has come.
    async fn send(
        &mut self,
        claim: &Claim,
        stopping: &CancellationToken,
    ) -> Option<Result<(), SendError>> {
        let transport = self.transport.as_mut()?;
        let end = async {
            stopping.cancelled().await;
            self.clock.sleep(STOP_GRACE).await;
        };
        tokio::select! {
            biased;
            result = transport.send(claim) => Some(result),
            () = end => None,
        }
    }

    /// What an attempt's result means for the mail, and for those after it.
    fn judge(&mut self, claim: &Claim, result: Result<(), SendError>) -> Outcome {
        let mail = &claim.mail;
        let now = self.clock.now();
        let (at, error) = match result {
            Ok(()) => {
                self.server_failures = 0;
                return Outcome::Sent;
            }
            Err(SendError::Mail {
                permanent: true,
                error,
            }) => {
                self.server_failures = 0;
                return Outcome::Failed { error };
            }
            Err(SendError::Mail { error, .. }) => {
                self.server_failures = 0;
                let delay = self.schedule.delay(mail.attempts, self.random.as_ref());
                (now + delay, error)
            }
            Err(SendError::Server(error)) => {
                self.server_failures = self.server_failures.saturating_add(1);
                let delay = self
                    .schedule
                    .delay(self.server_failures, self.random.as_ref());
                self.paused_until = now + delay;
                (self.paused_until, error)
            }
        };
        match self.schedule.gives_up(mail.created_at, at) {
            true => Outcome::Failed {
                error: format!("given up: {error}"),
            },
            false => Outcome::Retry { at, error },
        }
    }

    async fn settle(&self, claim: &Claim, outcome: &Outcome) {
        tell(claim, outcome);
        match self.store.settle_mail(claim, outcome).await {
            Ok(true) => {}
            Ok(false) => self.tell_lost(claim).await,
            // Its lease ends, and it is sent again.
            Err(error) => {
                tracing::error!(mail = %claim.mail.id, error = %anyhow::Error::new(error), "what became of a mail can't be recorded");
            }
        }
    }

    /// Says why a mail that was sent isn't ours any more.
    async fn tell_lost(&self, claim: &Claim) {
        let id = claim.mail.id;
        match self.store.mail(id).await {
            // Its link was used, withdrawn or replaced: with it went the mail.
            Err(store::Error::NoMail(_)) => {
                tracing::debug!(mail = %id, "a mail's link ended while it was sent");
            }
            _ => tracing::warn!(mail = %id, "a mail was claimed by another node meanwhile"),
        }
    }

    /// When to look at the queue again.
    async fn next_look(&self, now: Timestamp) -> Timestamp {
        let poll = now + self.poll_interval;
        match self.store.next_mail_due().await {
            Ok(Some(due)) => due.min(poll),
            Ok(None) => poll,
            Err(_) => poll,
        }
    }

    /// Waits for `at`, a new mail or the end. A connection that isn't used meanwhile is closed.
    async fn wait(&mut self, at: Timestamp, stopping: &CancellationToken) {
        let idle = self.used_at + self.idle_timeout;
        let connected = self.transport.as_ref().is_some_and(|t| t.is_connected());
        let closes = connected && idle < at;
        tokio::select! {
            () = stopping.cancelled() => {}
            () = self.store.mail_enqueued() => {
                if self.transport.is_none() {
                    tracing::info!("a mail waits in the outbox: no mail server is set up (`mail.host`)");
                }
            }
            () = self.clock.sleep_until(if closes { idle } else { at }) => {
                if let Some(transport) = self.transport.as_mut().filter(|_| closes) {
                    transport.disconnect().await;
                }
            }
        }
    }

    async fn retire(&self) {
        match self.store.retire_mail().await {
            Ok(0) => {}
            Ok(deleted) => tracing::debug!(deleted, "old mail was deleted"),
            Err(error) => {
                tracing::error!(error = %anyhow::Error::new(error), "old mail can't be deleted");
            }
        }
    }
}

/// Says what became of a mail, in the log and in the figures.
fn tell(claim: &Claim, outcome: &Outcome) {
    let (id, kind, attempt) = (claim.mail.id, claim.mail.kind.name(), claim.mail.attempts);
    let outcome = match outcome {
        Outcome::Sent => {
            tracing::info!(mail = %id, kind, attempt, "a mail was sent");
            "sent"
        }
        Outcome::Retry { error, .. } => {
            tracing::warn!(mail = %id, kind, attempt, error, "a mail could not be sent yet");
            "retried"
        }
        Outcome::Failed { error } => {
            tracing::error!(mail = %id, kind, attempt, error, "a mail was given up");
            "failed"
        }
        Outcome::Released => return,
    };
    metrics::counter!("millstream_mails_total", "outcome" => outcome).increment(1);
}

#[cfg(test)]
#[path = "mailer_tests.rs"]
mod tests;
