//! Sends the shop's messages through the public HTTP API, as an SDK does.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, bail};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, Request, StatusCode};
use model::Clock;
use serde_json::{Value, json};

use super::shop::{Message, Shop};

/// Most messages in one request.
const BATCH: usize = 100;

/// How often a request is sent where a rate is kept.
const TICK: Duration = Duration::from_millis(100);

/// How long to wait before a request is repeated, where the server doesn't say.
const PAUSE: Duration = Duration::from_secs(1);

/// What has been taken.
#[derive(Debug, Default)]
pub(super) struct Sent {
    /// Events that the server has confirmed.
    pub(super) events: AtomicU64,
    /// Identifications that it has confirmed.
    pub(super) identifies: AtomicU64,
}

/// A client of the ingest API.
pub(super) struct Feed {
    /// What has been taken so far.
    pub(super) counts: Arc<Sent>,
    client: delivery::Client,
    url: String,
    api_key: String,
    shop: Shop,
    clock: Arc<dyn Clock>,
}

impl Feed {
    /// To the server at `url` (scheme, host, port), for the project with this key.
    pub(super) fn new(
        url: &str,
        api_key: &str,
        shop: Shop,
        clock: Arc<dyn Clock>,
    ) -> anyhow::Result<Self> {
        let guard = delivery::egress::Guard::new(&delivery::config::Egress::allow_all())?;
        Ok(Self {
            counts: Arc::default(),
            client: delivery::Client::new(&delivery::config::Client::default(), guard)?,
            url: format!("{url}/2/httpapi"),
            api_key: api_key.to_owned(),
            shop,
            clock,
        })
    }

    /// Sends so many events (and the identifications between them), `rate` a second or as fast as
    /// they are taken.
    pub(super) async fn send(&mut self, events: u64, rate: Option<f64>) -> anyhow::Result<()> {
        let began = self.clock.now();
        let mut sent = 0;
        while sent < events {
            let due = rate.map_or(u64::MAX, |rate| {
                (self.clock.now().since(began).as_secs_f64() * rate) as u64 + 1
            });
            let wanted = due.min(events).saturating_sub(sent).min(BATCH as u64);
            if wanted == 0 {
                self.clock.sleep(TICK).await;
                continue;
            }
            let (messages, identifies) = self.messages(wanted);
            self.upload(&messages).await?;
            self.counts.events.fetch_add(wanted, Ordering::Relaxed);
            self.counts
                .identifies
                .fetch_add(identifies, Ordering::Relaxed);
            sent += wanted;
        }
        Ok(())
    }

    /// The next so many events with the identifications between them, and how many of those.
    fn messages(&mut self, events: u64) -> (Vec<Value>, u64) {
        let (mut messages, mut identifies) = (Vec::new(), 0);
        while (messages.len() as u64) < events + identifies {
            match self.shop.next(self.clock.now()) {
                Message::Event(event) => messages.push(event),
                Message::Identify(identification) => {
                    messages.push(identification);
                    identifies += 1;
                }
            }
        }
        (messages, identifies)
    }

    /// Sends one request until it is taken. Repeating is safe: every message has an `insert_id`.
    async fn upload(&self, messages: &[Value]) -> anyhow::Result<()> {
        let body = Bytes::from(serde_json::to_vec(
            &json!({"api_key": self.api_key, "events": messages}),
        )?);
        loop {
            let request = Request::post(&self.url)
                .header(CONTENT_TYPE, "application/json")
                .body(body.clone())?;
            let wait = match self.client.request(request).await {
                Ok(answer) if answer.status == StatusCode::OK => return Ok(()),
                Ok(answer) if may_pass(answer.status) => {
                    retry_after(&answer.headers).unwrap_or(PAUSE)
                }
                Ok(answer) => {
                    bail!(
                        "the server refused events: {} {}",
                        answer.status,
                        String::from_utf8_lossy(&answer.body)
                    )
                }
                Err(error) => {
                    tracing::warn!(%error, "events could not be sent; they are sent again");
                    PAUSE
                }
            };
            self.clock.sleep(wait).await;
        }
    }
}

fn may_pass(status: StatusCode) -> bool {
    status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// The request that a person can send by hand.
pub(super) fn curl(url: &str, api_key: &str) -> anyhow::Result<String> {
    let event = json!({
        "user_id": "you@example.com",
        "event_type": "Tried Millstream",
        "user_properties": {"email": "you@example.com"},
        "event_properties": {"from": "curl"},
    });
    let body =
        serde_json::to_string(&json!({"api_key": api_key, "events": [event]})).context("JSON")?;
    Ok(format!(
        "curl {url}/2/httpapi -H 'Content-Type: application/json' -d '{body}'"
    ))
}
