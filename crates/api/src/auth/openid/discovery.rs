//! What a provider says of itself: its discovery document and its keys, remembered for a while.

use std::sync::Arc;
use std::time::Duration;

use axum::http::Uri;
use futures_util::FutureExt;
use model::Timestamp;
use openidconnect::core::CoreProviderMetadata;
use openidconnect::{DiscoveryError, IssuerUrl};
use tokio::sync::Mutex;

use super::config::is_safe;
use super::fetch::{self, Fetch, FetchError};

/// How long a document and its keys are remembered: a key that was withdrawn is not taken for longer.
const MAX_AGE: Duration = Duration::from_secs(60 * 60);

/// How long after a failure nobody asks again: many who want to sign in are no burden to a provider
/// that is in trouble.
const AFTER_FAILURE: Duration = Duration::from_secs(5);

/// How often an unknown key makes us ask again at most.
const BETWEEN_REFRESHES: Duration = Duration::from_secs(30);

/// How long both requests may take together.
const TIME_LIMIT: Duration = Duration::from_secs(10);

/// What a provider said of itself, with its keys.
pub(super) type Document = Arc<CoreProviderMetadata>;

/// Why a provider's document isn't there.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Undiscovered {
    /// It doesn't answer.
    #[error("it doesn't answer: {0}")]
    Unanswered(#[source] FetchError),
    /// Not in time.
    #[error("it doesn't answer within {TIME_LIMIT:?}")]
    TimedOut,
    /// What it answers is no such document, or no keys.
    #[error("it has no discovery document that can be used: {0}")]
    Unusable(String),
    /// It failed a moment ago.
    #[error("it failed a moment ago")]
    Lately,
}

/// The document of one provider.
#[derive(Debug)]
pub(super) struct Discovery {
    issuer: IssuerUrl,
    /// Locked while the provider is asked: of many who need the document, one asks.
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    found: Option<(Document, Timestamp)>,
    failed_at: Option<Timestamp>,
    refreshed_at: Option<Timestamp>,
}

impl Discovery {
    pub(super) fn new(issuer: IssuerUrl) -> Self {
        Self {
            issuer,
            state: Mutex::default(),
        }
    }

    /// The provider.
    pub(super) fn issuer(&self) -> &str {
        self.issuer.as_str()
    }

    /// The document as it is remembered, or else as it is now.
    pub(super) async fn document(
        &self,
        fetch: &Arc<dyn Fetch>,
        now: Timestamp,
    ) -> Result<Document, Undiscovered> {
        let mut state = self.state.lock().await;
        match &state.found {
            Some((document, at)) if now.since(*at) < MAX_AGE => Ok(Arc::clone(document)),
            _ => self.ask(&mut state, fetch, now).await,
        }
    }

    /// A document that came after `outdated`, which lacks a key; `None` when nobody may ask for one yet.
    pub(super) async fn newer(
        &self,
        outdated: &Document,
        fetch: &Arc<dyn Fetch>,
        now: Timestamp,
    ) -> Result<Option<Document>, Undiscovered> {
        let mut state = self.state.lock().await;
        if let Some((document, _)) = &state.found
            && !Arc::ptr_eq(document, outdated)
        {
            return Ok(Some(Arc::clone(document)));
        }
        let last = state.refreshed_at;
        if last.is_some_and(|last| now.since(last) < BETWEEN_REFRESHES) {
            return Ok(None);
        }
        state.refreshed_at = Some(now);
        self.ask(&mut state, fetch, now).await.map(Some)
    }

    async fn ask(
        &self,
        state: &mut State,
        fetch: &Arc<dyn Fetch>,
        now: Timestamp,
    ) -> Result<Document, Undiscovered> {
        let last = state.failed_at;
        if last.is_some_and(|last| now.since(last) < AFTER_FAILURE) {
            return Err(Undiscovered::Lately);
        }
        let asked = tokio::time::timeout(TIME_LIMIT, self.discover(fetch)).await;
        match asked.unwrap_or(Err(Undiscovered::TimedOut)) {
            Ok(document) => {
                let document = Arc::new(document);
                state.found = Some((Arc::clone(&document), now));
                state.failed_at = None;
                Ok(document)
            }
            Err(error) => {
                state.failed_at = Some(now);
                Err(error)
            }
        }
    }

    async fn discover(&self, fetch: &Arc<dyn Fetch>) -> Result<CoreProviderMetadata, Undiscovered> {
        let client = fetch::client(fetch);
        // Boxed: the compiler doesn't see that the future itself can be sent between threads.
        let asked = CoreProviderMetadata::discover_async(self.issuer.clone(), &client).boxed();
        let document = asked.await.map_err(|error| match error {
            DiscoveryError::Request(error) => Undiscovered::Unanswered(error),
            // Without the answer's body: it may be anything.
            DiscoveryError::Response(status, _, message) => {
                Undiscovered::Unusable(format!("{message} ({status})"))
            }
            DiscoveryError::Parse(error) => Undiscovered::Unusable(error.to_string()),
            other => Undiscovered::Unusable(other.to_string()),
        })?;
        match unsafe_endpoint(&document) {
            None => Ok(document),
            Some(name) => Err(Undiscovered::Unusable(format!(
                "its {name} is missing, or goes without TLS to another machine"
            ))),
        }
    }
}

/// An endpoint that may not be asked, or is missing where it is needed.
fn unsafe_endpoint(document: &CoreProviderMetadata) -> Option<&'static str> {
    let safe = |url: &str| url.parse::<Uri>().is_ok_and(|url| is_safe(&url));
    let token = document.token_endpoint();
    let userinfo = document.userinfo_endpoint();
    let endpoints = [
        (
            "authorization_endpoint",
            safe(document.authorization_endpoint().as_str()),
        ),
        (
            "token_endpoint",
            token.is_some_and(|url| safe(url.as_str())),
        ),
        ("jwks_uri", safe(document.jwks_uri().as_str())),
        (
            "userinfo_endpoint",
            userinfo.is_none_or(|url| safe(url.as_str())),
        ),
    ];
    let wrong = endpoints.into_iter().find(|(_, usable)| !usable);
    wrong.map(|(name, _)| name)
}
