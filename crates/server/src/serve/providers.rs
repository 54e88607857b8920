//! Asks providers of OpenID Connect, with the client that deliveries use.

use std::sync::Arc;
use std::time::Duration;

use api::auth::openid::{Fetch, FetchError, Providers};
use async_trait::async_trait;
use bytes::Bytes;
use delivery::config::Egress;
use delivery::egress::Guard;
use delivery::transport::BodyEnd;
use http::{Request, Response};

use crate::config::Config;

/// Longest answer: discovery documents and sets of keys have some KiB.
const ANSWER_BYTES: usize = 256 << 10;

/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a request may take as a whole.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(8);

/// Connections that are kept, to one provider and in all.
const IDLE_CONNECTIONS: usize = 4;

/// The configured providers.
pub(super) fn set_up(config: &Config) -> anyhow::Result<Providers> {
    let configured = &config.access.openid;
    if configured.is_empty() {
        return Ok(Providers::default());
    }
    let settings = delivery::config::Client {
        connect_timeout: CONNECT_TIMEOUT,
        request_timeout: REQUEST_TIMEOUT,
        max_idle_per_destination: IDLE_CONNECTIONS,
        max_idle: IDLE_CONNECTIONS,
        ..config.client.clone()
    };
    // The operator has chosen these addresses, unlike those of destinations: they may be in the
    // operator's own network.
    let guard = Guard::new(&Egress::allow_all())?;
    let client: Arc<dyn Fetch> = Arc::new(Client(delivery::Client::new(&settings, guard)?));
    Ok(Providers::new(configured, &client, &config.public_url())?)
}

struct Client(delivery::Client);

#[async_trait]
impl Fetch for Client {
    async fn fetch(&self, request: Request<Bytes>) -> Result<Response<Bytes>, FetchError> {
        let answered = self.0.request_bounded(request, ANSWER_BYTES).await;
        let answer = answered.map_err(|error| FetchError::Unanswered(Box::new(error)))?;
        match answer.body_end {
            BodyEnd::Complete => {}
            BodyEnd::OverLimit => {
                return Err(FetchError::TooLong {
                    limit_bytes: ANSWER_BYTES,
                });
            }
            BodyEnd::Broken => return Err(FetchError::BrokenOff),
        }
        let mut response = Response::new(answer.body);
        *response.status_mut() = answer.status;
        *response.headers_mut() = answer.headers;
        Ok(response)
    }
}
