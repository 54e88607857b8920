//! Asking providers: what this crate needs of an HTTP client.

use std::sync::Arc;

use async_trait::async_trait;
use axum::http::{Request, Response};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use openidconnect::{HttpRequest, HttpResponse};

/// Asks providers.
#[async_trait]
pub trait Fetch: Send + Sync + 'static {
    /// Sends a request once and brings the whole answer. Redirections are not followed: where they led
    /// would be trusted.
    ///
    /// # Errors
    ///
    /// When there is no answer in time, or it is longer than anything a provider has to say.
    async fn fetch(&self, request: Request<Bytes>) -> Result<Response<Bytes>, FetchError>;
}

/// Why a provider's answer isn't there. Says nothing of what was sent.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// It is too long.
    #[error("the answer is longer than {limit_bytes} bytes")]
    TooLong {
        /// The limit.
        limit_bytes: usize,
    },
    /// It broke off.
    #[error("the answer broke off")]
    BrokenOff,
    /// There is none.
    #[error("{0}")]
    Unanswered(#[source] Box<dyn std::error::Error + Send + Sync>),
}

type Answering = BoxFuture<'static, Result<HttpResponse, FetchError>>;

/// The client as `openidconnect` takes it.
pub(super) fn client(fetch: &Arc<dyn Fetch>) -> impl Fn(HttpRequest) -> Answering + Send + Sync {
    let fetch = Arc::clone(fetch);
    move |request| {
        let fetch = Arc::clone(&fetch);
        Box::pin(async move {
            let response = fetch.fetch(request.map(Bytes::from)).await?;
            Ok(response.map(Vec::from))
        })
    }
}
