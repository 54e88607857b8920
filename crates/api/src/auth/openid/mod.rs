//! Signing in with OpenID Connect: the authorization code flow with PKCE, state and nonce, at providers
//! that the operator has chosen. Each is known by its issuer alone: the rest is discovered.

mod config;
mod discovery;
mod exchange;
mod fetch;
mod pending;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use model::{Random, Timestamp};
use openidconnect::core::CoreAuthenticationFlow;
use openidconnect::url::Url;
use openidconnect::{
    ClaimsVerificationError, ClientId, ClientSecret, CsrfToken, IssuerUrl, Nonce,
    PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope,
};
use store::{Admission, Secret, Store, Vouched};
use tokio::sync::Semaphore;

use crate::portal::ApiError;
use discovery::{Discovery, Undiscovered};
use exchange::{Exchange, Registration};

pub use config::Config;
pub use fetch::{Fetch, FetchError};
pub(crate) use pending::{LIFETIME, Pending, is_own_path};

/// Where providers send people back to.
pub(crate) const CALLBACK: &str = "/api/v1/session/openid/callback";

/// Sign-ins that are finished at one provider at a time; others have to try again.
const EXCHANGES: usize = 32;

/// How long finishing a sign-in may take.
const TIME_LIMIT: Duration = Duration::from_secs(15);

/// Why somebody is not signed in. Nothing of it holds a code or a token.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// There is no sign-in of this browser that the answer belongs to, or not any more.
    #[error("the sign-in was begun by another browser, too long ago, or not at all")]
    Ended,
    /// The provider can't be used.
    #[error("the provider can't be used: {0}")]
    Undiscovered(#[from] Undiscovered),
    /// The provider doesn't answer.
    #[error("the provider doesn't answer: {0}")]
    Unanswered(#[source] FetchError),
    /// Not in time.
    #[error("the provider doesn't answer within {TIME_LIMIT:?}")]
    TimedOut,
    /// Too many others are signing in.
    #[error("more than {EXCHANGES} sign-ins are under way")]
    Busy,
    /// What the provider answers can't be used.
    #[error("the provider can't be used: {0}")]
    Unusable(&'static str),
    /// The provider says no: the person gave up, the code was used, or we aren't known there.
    #[error("the provider refused: {0}")]
    Refused(String),
    /// The ID token is not what it should be.
    #[error("the ID token is not to be trusted: {0}")]
    Untrusted(#[from] ClaimsVerificationError),
    /// The answer comes from another provider than the one that was asked.
    #[error("the answer comes from another provider")]
    OtherProvider,
    /// The provider knows no address, or hasn't verified it.
    #[error("the provider has not verified the person's e-mail address")]
    Unverified,
    /// The address is of none of the provider's domains.
    #[error("the person's e-mail address is of a domain that is not allowed")]
    OtherDomain,
    /// There is no account.
    #[error("the person has no account and no invitation")]
    NoAccount,
    /// The person removed this identity from their account.
    #[error("the person removed this identity from their account")]
    IdentityRemoved,
    /// An operator has locked the account.
    #[error("the account is locked")]
    Locked,
    /// The address that the request came from has failed too often.
    #[error("there were too many failures")]
    TooManyFailures,
    /// Our fault.
    #[error("the server failed: {0}")]
    Server(#[source] ApiError),
}

impl Failure {
    /// The stable name, for the page that tells of it.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Ended => "sign_in_ended",
            Self::Undiscovered(_)
            | Self::Unanswered(_)
            | Self::TimedOut
            | Self::Busy
            | Self::Unusable(_) => "provider_unavailable",
            Self::Refused(_) => "provider_refused",
            Self::Untrusted(_) | Self::OtherProvider => "provider_not_trusted",
            Self::Unverified => "email_not_verified",
            Self::OtherDomain => "domain_not_allowed",
            Self::NoAccount => "no_account",
            Self::IdentityRemoved => "identity_removed",
            Self::Locked => "account_locked",
            Self::TooManyFailures => "too_many_failures",
            Self::Server(_) => "server_failed",
        }
    }
}

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::NoAccount => Self::NoAccount,
            store::Error::IdentityRemoved => Self::IdentityRemoved,
            store::Error::Locked => Self::Locked,
            error => Self::Server(error.into()),
        }
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        match error {
            ApiError::AccountLocked => Self::Locked,
            ApiError::WrongCredentials => Self::Ended,
            error => Self::Server(error),
        }
    }
}

/// Why providers can't be set up.
#[derive(Debug, thiserror::Error)]
#[error("the address of {what} can't be used")]
pub struct SetupError {
    what: String,
    source: openidconnect::url::ParseError,
}

/// The providers that people sign in with, by their names in the configuration.
#[derive(Debug, Default)]
pub struct Providers(BTreeMap<String, Provider>);

impl Providers {
    /// The configured ones. People reach this installation under `public_url`.
    ///
    /// # Errors
    ///
    /// When an address is none, which the configuration's check finds before.
    pub fn new(
        configured: &BTreeMap<String, Config>,
        fetch: &Arc<dyn Fetch>,
        public_url: &str,
    ) -> Result<Self, SetupError> {
        let provider = |(id, config): (&String, &Config)| {
            Provider::new(id, config, Arc::clone(fetch), public_url)
                .map(|provider| (id.clone(), provider))
        };
        let providers = configured.iter().map(provider);
        Ok(Self(providers.collect::<Result<_, _>>()?))
    }

    /// The one of this name.
    pub(crate) fn get(&self, id: &str) -> Option<&Provider> {
        self.0.get(id)
    }

    /// All, in the order of their names.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Provider> {
        self.0.values()
    }

    /// The one with this issuer.
    pub(crate) fn of_issuer(&self, issuer: &str) -> Option<&Provider> {
        self.iter()
            .find(|provider| provider.discovery.issuer() == issuer)
    }
}

/// A provider.
pub(crate) struct Provider {
    /// Its name in the configuration.
    pub(crate) id: String,
    /// What its button says.
    pub(crate) name: String,
    /// Where those go whom nobody has invited.
    pub(crate) admission: Option<Admission>,
    scopes: Vec<Scope>,
    domains: Vec<String>,
    registration: Registration,
    discovery: Discovery,
    fetch: Arc<dyn Fetch>,
    exchanges: Semaphore,
}

impl std::fmt::Debug for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Provider")
            .field("id", &self.id)
            .field("issuer", &self.discovery.issuer())
            .finish_non_exhaustive()
    }
}

impl Provider {
    fn new(
        id: &str,
        config: &Config,
        fetch: Arc<dyn Fetch>,
        public_url: &str,
    ) -> Result<Self, SetupError> {
        let setup = |what: &str, source| SetupError {
            what: what.to_owned(),
            source,
        };
        let issuer = IssuerUrl::new(config.issuer.clone()).map_err(|error| setup(id, error))?;
        let callback = format!("{}{CALLBACK}", public_url.trim_end_matches('/'));
        let redirect_url = RedirectUrl::new(callback);
        let redirect_url = redirect_url.map_err(|error| setup("this installation", error))?;
        let secret = config.client_secret.expose();
        let scopes = config.scopes.split(' ').filter(|scope| !scope.is_empty());
        Ok(Self {
            id: id.to_owned(),
            name: config.name.clone(),
            admission: config.admission(),
            scopes: scopes.map(|scope| Scope::new(scope.to_owned())).collect(),
            domains: config.domains().map(str::to_owned).collect(),
            registration: Registration {
                id: ClientId::new(config.client_id.clone()),
                secret: (!secret.is_empty()).then(|| ClientSecret::new(secret.to_owned())),
                redirect_url,
            },
            discovery: Discovery::new(issuer),
            fetch,
            exchanges: Semaphore::new(EXCHANGES),
        })
    }

    /// Where the browser goes to sign in, and the cookie that it has to bring back.
    pub(crate) async fn start(
        &self,
        return_to: String,
        store: &Store,
        random: &dyn Random,
        now: Timestamp,
    ) -> Result<(Url, Secret), Failure> {
        let document = self.discovery.document(&self.fetch, now).await?;
        let pending = Pending::new(&self.id, return_to, random, now);
        let client = self.registration.client(&document);
        let verifier = PkceCodeVerifier::new(pending.verifier.clone());
        let (state, nonce) = (pending.state.clone(), pending.nonce.clone());
        let (url, ..) = client
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                || CsrfToken::new(state),
                || Nonce::new(nonce),
            )
            .add_scopes(self.scopes.iter().cloned())
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier))
            .url();
        Ok((url, pending.seal(store)?))
    }

    /// Whom the provider vouches for, who may come in as far as their address tells. `issuer` is who
    /// the answer says that it comes from, if it does (RFC 9207).
    pub(crate) async fn finish(
        &self,
        pending: &Pending,
        code: String,
        issuer: Option<&str>,
        now: Timestamp,
    ) -> Result<Vouched, Failure> {
        if issuer.is_some_and(|issuer| issuer != self.discovery.issuer()) {
            return Err(Failure::OtherProvider);
        }
        let _turn = self.exchanges.try_acquire().map_err(|_| Failure::Busy)?;
        let exchange = Exchange {
            registration: &self.registration,
            discovery: &self.discovery,
            fetch: &self.fetch,
            pending,
            now,
        };
        let vouched = exchange.vouched(code).boxed();
        let vouched = tokio::time::timeout(TIME_LIMIT, vouched).await;
        let vouched = vouched.map_err(|_| Failure::TimedOut)??;
        self.check_domain(vouched.verified_email.as_deref())?;
        Ok(vouched)
    }

    /// Refuses addresses of other domains than the provider's, where it has some: at each sign-in, so
    /// that whoever has left a domain stays out.
    fn check_domain(&self, verified_email: Option<&str>) -> Result<(), Failure> {
        if self.domains.is_empty() {
            return Ok(());
        }
        let email = verified_email.ok_or(Failure::Unverified)?;
        let domain = email.rsplit_once('@').map_or("", |(_, domain)| domain);
        let domain = domain.trim().to_ascii_lowercase();
        match self.domains.contains(&domain) {
            true => Ok(()),
            false => Err(Failure::OtherDomain),
        }
    }
}
