//! Sends what webhooks get: one message after the other, each until it is taken or given up.

use std::sync::Arc;
use std::time::Duration;

use axum::http::header::{CONTENT_TYPE, HeaderName};
use axum::http::{HeaderMap, HeaderValue, Method};
use bytes::Bytes;
use futures_util::future::join_all;
use model::{DeliveryId, OutboundRequest, Timestamp};
use store::alert::{ChannelKind, Message, Undelivered};
use tokio_util::sync::CancellationToken;

use super::signature::sign;
use crate::portal::{ApiError, Portal};

/// How often it is looked whether anything waits.
const POLLED_EVERY: Duration = Duration::from_secs(2);

/// How many are sent at once.
const AT_ONCE: u32 = 10;

/// How long sending one may take before another node may.
const LEASE: Duration = Duration::from_secs(60);

/// How often one is tried: over about four hours.
const ATTEMPTS: u32 = 10;

/// How long to wait after the first attempt; doubled with each.
const FIRST_DELAY: Duration = Duration::from_secs(28);

/// Works until `stopping`. What is being sent then is given up, and sent again when its lease has ended.
pub(super) async fn run(portal: &Arc<Portal>, stopping: &CancellationToken) {
    let clock = Arc::clone(&portal.authority.clock);
    while !stopping.is_cancelled() {
        let dispatched = tokio::select! {
            () = stopping.cancelled() => return,
            dispatched = portal.dispatch() => dispatched,
        };
        match dispatched {
            Ok(0) => {}
            Ok(_) => continue,
            Err(error) => tracing::error!(%error, "alerts can't be sent to webhooks; trying again"),
        }
        tokio::select! {
            () = stopping.cancelled() => return,
            () = clock.sleep(POLLED_EVERY) => {}
        }
    }
}

impl Portal {
    /// Sends messages that are due; how many there were.
    pub(super) async fn dispatch(&self) -> Result<usize, ApiError> {
        let claimed = self.store.claim_messages(LEASE, AT_ONCE).await?;
        let sent = claimed.iter().map(|message| self.send_message(message));
        for settled in join_all(sent).await {
            settled?;
        }
        Ok(claimed.len())
    }

    async fn send_message(&self, message: &Message) -> Result<(), ApiError> {
        let now = self.authority.now();
        let outcome = match request(message, now) {
            None => Err("its URL or its key can't be used".to_owned()),
            Some(request) => match self.courier.send_once(&request).await.failure {
                None => Ok(()),
                Some(failure) => Err(failure.message),
            },
        };
        let outcome = outcome.map_err(|error| Undelivered {
            error,
            again_at: (message.attempt < ATTEMPTS)
                .then(|| self.authority.now() + delay(message.attempt)),
        });
        if let Err(undelivered) = &outcome
            && undelivered.again_at.is_none()
        {
            tracing::warn!(channel = %message.channel.id, message = %message.id, error = undelivered.error, "an alert was given up");
        }
        Ok(self.store.settle_message(message, outcome).await?)
    }
}

/// How long to wait after this attempt.
fn delay(attempt: u32) -> Duration {
    FIRST_DELAY * 2u32.saturating_pow(attempt.saturating_sub(1))
}

/// The request that brings a message; `None`: the channel has no URL or key that can be used.
fn request(message: &Message, now: Timestamp) -> Option<OutboundRequest> {
    let secrets = message.channel.secrets.as_ref()?;
    let body = Bytes::from(message.body.clone());
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if message.channel.kind == ChannelKind::Webhook {
        let (id, seconds) = (message.id.to_string(), now.0.div_euclid(1_000_000));
        let signature = sign(secrets.signing.as_ref()?, &id, seconds, &body)?;
        for (name, value) in [
            ("webhook-id", id),
            ("webhook-timestamp", seconds.to_string()),
            ("webhook-signature", signature),
        ] {
            let name = HeaderName::from_static(name);
            headers.insert(name, HeaderValue::from_str(&value).ok()?);
        }
    }
    Some(OutboundRequest {
        delivery: DeliveryId::from_bytes(message.id.to_bytes()),
        method: Method::POST,
        uri: secrets.url.expose().parse().ok()?,
        headers,
        body,
        idempotency_key: false,
        responses: Arc::default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_tried_for_about_four_hours() {
        let whole: Duration = (1..ATTEMPTS).map(delay).sum();
        let hours = whole.as_secs_f64() / 3600.0;
        assert!((3.5..4.5).contains(&hours), "{hours}");
    }
}
