//! Who may use the control API: whoever holds an API token.
//!
//! A handler proves that its caller was let in by taking an [`Admin`], which only a good token makes;
//! routes are made with `guarded!`, which doesn't compile for a handler that takes none.

mod failures;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::handler::Handler;
use axum::http::header;
use axum::http::request::Parts;
use model::Clock;
use store::{Store, Token};

use crate::portal::ApiError;
use failures::Failures;

/// Recognises callers.
pub struct Authority {
    store: Store,
    failures: Failures,
    clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority").finish_non_exhaustive()
    }
}

impl Authority {
    /// Recognises the tokens that `store` knows.
    pub fn new(store: Store, clock: Arc<dyn Clock>) -> Self {
        Self {
            store,
            failures: Failures::default(),
            clock,
        }
    }

    async fn admin(&self, parts: &Parts) -> Result<Admin, ApiError> {
        if let Some(text) = bearer(parts)
            && let Some(token) = self.store.verify_token(text).await?
        {
            return Ok(Admin { token });
        }
        // Only those who fail are slowed down: nobody can lock others out by failing.
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let address = peer.map(|ConnectInfo(peer)| peer.ip());
        match self.failures.note(address, self.clock.now()) {
            Ok(()) => Err(ApiError::Unauthenticated),
            Err(retry_after) => Err(ApiError::TooManyFailures { retry_after }),
        }
    }
}

/// The token in `Authorization: Bearer …`.
fn bearer(parts: &Parts) -> Option<&str> {
    let value = parts.headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// A caller who may do everything.
#[derive(Debug)]
pub struct Admin {
    token: Token,
}

impl Admin {
    /// The token that the caller holds.
    pub fn token(&self) -> &Token {
        &self.token
    }
}

/// The state of a router whose routes can be guarded.
pub trait Guarded: Send + Sync {
    /// Who recognises its callers.
    fn authority(&self) -> &Authority;
}

impl<S: Guarded> FromRequestParts<S> for Admin {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        state.authority().admin(parts).await
    }
}

/// Implemented for the arguments of handlers that take an [`Admin`] first, so that the caller is
/// known before anything else of the request is looked at.
pub(crate) trait AdminFirst {}

macro_rules! admin_first {
    ($($argument:ident)*) => {
        impl<M, $($argument),*> AdminFirst for (M, Admin, $($argument,)*) {}
    };
}

admin_first!();
admin_first!(A);
admin_first!(A B);
admin_first!(A B C);
admin_first!(A B C D);
admin_first!(A B C D E);

/// Compiles for handlers that demand an [`Admin`] only.
pub(crate) fn demand_admin<H, T, S>(_handler: &H)
where
    H: Handler<T, S>,
    T: AdminFirst,
{
}

/// Routes to handlers, all of which demand an [`Admin`].
macro_rules! guarded {
    ($state:ty; $($handler:path),+ $(,)?) => {{
        $($crate::auth::demand_admin::<_, _, $state>(&$handler);)+
        utoipa_axum::routes!($($handler),+)
    }};
}

pub(crate) use guarded;
