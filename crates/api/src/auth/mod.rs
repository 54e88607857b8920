//! Who may use the control API: people with a session, programs with an API token, and what each of
//! them may do.
//!
//! A handler proves that its caller was let in by what it takes first:
//!
//! - [`Allowed<P>`](Allowed): has the permission `P` in the organisation that the path names, by
//!   itself or by one of its projects;
//! - [`Belongs`]: may do something or other in that organisation; what it is about says the rest;
//! - [`Installed<P>`](Installed): has the permission `P` of the whole installation;
//! - [`SignedIn`]: is someone; what belongs to the caller alone;
//! - [`Public`]: anyone, said aloud.
//!
//! Routes are made with `guarded!`, which doesn't compile for a handler that takes none of them.

mod config;
mod cookie;
pub(crate) mod failures;
pub mod openid;
mod password;
pub mod permission;
mod principal;
mod rate;
mod totp;

use std::marker::PhantomData;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts, RawPathParams};
use axum::handler::Handler;
use axum::http::header;
use axum::http::request::Parts;
use ipnet::IpNet;
use model::access::{Permission, Permissions};
use model::{Clock, OrganisationId, Random, Timestamp};
use store::{Caller, Grant, Secret, Store};

use crate::portal::ApiError;
use cookie::{Renewal, Site};
use permission::Demand;
use rate::Rates;

pub use config::Config;
pub use principal::{Principal, Who};

pub(crate) use cookie::{SESSION as SESSION_COOKIE, carry};
pub(crate) use failures::Failures;
pub use password::problem as password_problem;
pub(crate) use password::{Comparison, Passwords};
pub(crate) use totp::{
    check as check_totp, generate as generate_totp, may_be_offered as totp_may_be_offered,
    normal_recovery_code, recovery_codes, url as totp_url,
};

/// A request's id, as the server gave it: an extension of the request.
#[derive(Debug, Clone)]
pub struct RequestId(pub String);

/// Recognises callers.
pub struct Authority {
    pub(crate) store: Store,
    pub(crate) config: Config,
    pub(crate) failures: Failures,
    pub(crate) passwords: Passwords,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) site: Site,
    trusted_proxies: Vec<IpNet>,
    rates: Rates,
    /// Of all sessions and tokens of a person.
    rates_of_people: Rates,
}

/// How much more often than one session or token all those of a person may ask.
const SHARED_RATE: u32 = 4;

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority").finish_non_exhaustive()
    }
}

impl Authority {
    /// Recognises those whom `store` knows. `trusted_proxies` are believed about where requests come
    /// from; `random` makes secrets: the operating system's outside tests.
    pub fn new(
        store: Store,
        config: Config,
        trusted_proxies: Vec<IpNet>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        Self {
            failures: Failures::default(),
            passwords: Passwords::new(&config, Arc::clone(&random)),
            rates: Rates::new(config.requests_per_second),
            rates_of_people: Rates::new(config.requests_per_second.saturating_mul(SHARED_RATE)),
            store,
            config,
            site: Site::default(),
            trusted_proxies,
            clock,
            random,
        }
    }

    /// The same, where browsers reach the installation at this address and at no other, but for those on
    /// the same machine.
    #[must_use]
    pub fn reached_at(mut self, public_url: &str) -> Self {
        self.site = Site::at(public_url);
        self
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The hash to store of a password, for accounts that are made without a request.
    ///
    /// # Errors
    ///
    /// Why it is no password to choose.
    pub async fn hash_password(
        &self,
        password: store::Secret,
        email: &str,
    ) -> Result<String, String> {
        if let Some(problem) = password_problem(password.expose(), email) {
            return Err(problem);
        }
        let hashed = self.passwords.hash(password).await;
        hashed.map_err(|error| error.to_string())
    }

    /// The address that a request came from.
    pub(crate) fn address(&self, parts: &Parts) -> Option<IpAddr> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let peer = peer.map(|ConnectInfo(peer)| peer.ip());
        crate::proxy::origin(&self.trusted_proxies, peer, &parts.headers)
    }

    /// Who sent the request; refused when it is no one we know.
    async fn recognise(&self, parts: &Parts) -> Result<Principal, ApiError> {
        match self.try_recognise(parts).await? {
            Some(principal) => Ok(principal),
            None if !self.presents_credentials(parts) => Err(ApiError::Unauthenticated),
            None => {
                // Only those who fail are slowed down: nobody can lock others out by failing.
                let (address, now) = (self.address(parts), self.clock.now());
                let noted = self.failures.note_credential(address, now);
                Err(match noted {
                    Ok(()) => ApiError::Unauthenticated,
                    Err(retry_after) => ApiError::TooManyFailures { retry_after },
                })
            }
        }
    }

    async fn try_recognise(&self, parts: &Parts) -> Result<Option<Principal>, ApiError> {
        let who = if parts.headers.contains_key(header::AUTHORIZATION) {
            self.by_token(parts).await?
        } else {
            self.by_session(parts).await?
        };
        let Some((who, grant)) = who else {
            return Ok(None);
        };
        self.limit(&who)?;
        let address = self.address(parts);
        Ok(Some(Principal {
            caller: principal::caller_of(&who, grant, address, parts),
            who,
        }))
    }

    /// Whether a request claims to be somebody's.
    fn presents_credentials(&self, parts: &Parts) -> bool {
        let headers = &parts.headers;
        headers.contains_key(header::AUTHORIZATION) || self.site.session(headers).is_some()
    }

    /// Refuses who asks too often: by one session or token, or by all that a person has.
    fn limit(&self, who: &Who) -> Result<(), ApiError> {
        let now = self.clock.now();
        let mut taken = self.rates.take(who.id(), now);
        if let (Ok(()), Some(person)) = (taken, who.person_id()) {
            taken = self.rates_of_people.take(&person.to_string(), now);
        }
        taken.map_err(|retry_after| ApiError::RateLimited { retry_after })
    }

    async fn by_token(&self, parts: &Parts) -> Result<Option<(Who, Grant)>, ApiError> {
        let Some(text) = bearer(parts) else {
            return Ok(None);
        };
        let verified = self.store.verify_token(text).await?;
        Ok(verified.map(|verified| {
            let grant = verified.grant();
            (Who::Token(verified), grant)
        }))
    }

    async fn by_session(&self, parts: &Parts) -> Result<Option<(Who, Grant)>, ApiError> {
        let Some(text) = self.site.session(&parts.headers) else {
            return Ok(None);
        };
        if self.site.is_forged(parts) {
            return Err(ApiError::CrossSite);
        }
        let idle = self.config.session_idle;
        let Some(verified) = self.store.verify_session(text, idle).await? else {
            return Ok(None);
        };
        if let Some(renewal) = parts.extensions.get::<Renewal>() {
            let left = seconds_until(verified.session.expires_at, self.clock.now());
            let (site, headers) = (self.site.clone(), parts.headers.clone());
            let cookie = move |secret: &Secret| site.set(secret, &headers, left);
            renewal.expect(verified.grant.clone(), cookie);
        }
        let who = Who::Person {
            person: verified.person,
            session: verified.session,
        };
        Ok(Some((who, verified.grant)))
    }

    /// The organisation that the path names, by itself or by one of its projects.
    async fn organisation_in(
        &self,
        parts: &mut Parts,
    ) -> Result<Option<(OrganisationId, ApiError)>, ApiError> {
        let params = RawPathParams::from_request_parts(parts, &()).await;
        let params = params.map_err(|_| ApiError::malformed_id())?;
        for (name, value) in &params {
            if name == "organisation" {
                let id = value.parse().map_err(|_| ApiError::malformed_id())?;
                return Ok(Some((id, ApiError::no_organisation(id))));
            }
            if name == "project" {
                let id = value.parse().map_err(|_| ApiError::malformed_id())?;
                let organisation = self.store.organisation_of(id).await?;
                let organisation = organisation.ok_or(ApiError::no_project(id))?;
                return Ok(Some((organisation, ApiError::no_project(id))));
            }
        }
        Ok(None)
    }

    /// What a caller may do in an organisation.
    async fn permissions_in(
        &self,
        organisation: OrganisationId,
        who: &Who,
    ) -> Result<Permissions, ApiError> {
        match who {
            Who::Person { person, .. } => {
                Ok(self.store.permissions(organisation, person.id).await?)
            }
            Who::Token(verified) if verified.token.organisation == organisation => {
                Ok(verified.permissions)
            }
            Who::Token(_) => Ok(Permissions::default()),
        }
    }
}

pub(crate) fn seconds_until(end: Timestamp, now: Timestamp) -> u64 {
    match end > now {
        true => end.since(now).as_secs(),
        false => 0,
    }
}

/// The token in `Authorization: Bearer …`.
fn bearer(parts: &Parts) -> Option<&str> {
    let value = parts.headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The state of a router whose routes can be guarded.
pub trait Guarded: Send + Sync {
    /// Who recognises its callers.
    fn authority(&self) -> &Authority;
}

/// A caller who has the permission `P` in the organisation that the path names.
#[derive(Debug)]
pub struct Allowed<P> {
    /// Who.
    pub principal: Principal,
    /// Where.
    pub organisation: OrganisationId,
    /// All that they may do there.
    pub permissions: Permissions,
    demand: PhantomData<P>,
}

impl<P> Allowed<P> {
    /// On whose behalf changes are made.
    pub(crate) fn caller(&self) -> Caller {
        self.principal.caller.clone()
    }

    /// Refuses a caller who lacks one more permission.
    pub(crate) fn demand(&self, permission: Permission) -> Result<(), ApiError> {
        demand(self.permissions, permission)
    }
}

impl<S: Guarded, P: Demand> FromRequestParts<S> for Allowed<P> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let belongs = Belongs::from_request_parts(parts, state).await?;
        belongs.demand(P::PERMISSION)?;
        Ok(Self {
            principal: belongs.principal,
            organisation: belongs.organisation,
            permissions: belongs.permissions,
            demand: PhantomData,
        })
    }
}

/// A caller who may do something or other in the organisation that the path names: for what is
/// allowed to some for one reason and to others for another. The handler demands what it needs.
#[derive(Debug)]
pub struct Belongs {
    /// Who.
    pub principal: Principal,
    /// Where.
    pub organisation: OrganisationId,
    /// All that they may do there: something at least.
    pub permissions: Permissions,
}

impl Belongs {
    /// On whose behalf changes are made.
    pub(crate) fn caller(&self) -> Caller {
        self.principal.caller.clone()
    }

    /// Refuses a caller who lacks a permission.
    pub(crate) fn demand(&self, permission: Permission) -> Result<(), ApiError> {
        demand(self.permissions, permission)
    }
}

impl<S: Guarded> FromRequestParts<S> for Belongs {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let authority = state.authority();
        let principal = authority.recognise(parts).await?;
        let named = authority.organisation_in(parts).await?;
        let (organisation, unknown) = named.ok_or_else(ApiError::malformed_id)?;
        let permissions = authority
            .permissions_in(organisation, &principal.who)
            .await?;
        // Whoever may do nothing at all here isn't told that it exists.
        if permissions == Permissions::default() {
            return Err(unknown);
        }
        Ok(Self {
            // All that was found, whatever of it the handler demands.
            principal: principal.allowed_in(organisation, permissions),
            organisation,
            permissions,
        })
    }
}

fn demand(permissions: Permissions, permission: Permission) -> Result<(), ApiError> {
    match permissions.contains(permission) {
        true => Ok(()),
        false => Err(ApiError::Forbidden { permission }),
    }
}

/// A caller who has the permission `P` of the whole installation.
#[derive(Debug)]
pub struct Installed<P> {
    /// Who.
    pub principal: Principal,
    demand: PhantomData<P>,
}

impl<P> Installed<P> {
    /// On whose behalf changes are made.
    pub(crate) fn caller(&self) -> Caller {
        self.principal.caller.clone()
    }
}

impl<S: Guarded, P: Demand> FromRequestParts<S> for Installed<P> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let principal = state.authority().recognise(parts).await?;
        let permissions = principal.who.installation_permissions();
        if !permissions.contains(P::PERMISSION) {
            let permission = P::PERMISSION;
            return Err(ApiError::Forbidden { permission });
        }
        Ok(Self {
            principal,
            demand: PhantomData,
        })
    }
}

/// A caller whom we know.
#[derive(Debug)]
pub struct SignedIn(pub Principal);

impl<S: Guarded> FromRequestParts<S> for SignedIn {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        state.authority().recognise(parts).await.map(Self)
    }
}

/// Any caller: what handlers take that are open to everyone, on purpose.
#[derive(Debug)]
pub struct Public {
    /// Who, if we know.
    pub who: Option<Who>,
    /// Where the request came from.
    pub address: Option<IpAddr>,
    /// On whose behalf changes are made that are open to everyone.
    pub(crate) caller: Caller,
    grant: Option<Grant>,
}

impl Public {
    /// On whose behalf changes are made that only those may make who are signed in.
    pub(crate) fn caller_as_known(&self) -> Caller {
        Caller {
            grant: self.grant.clone(),
            ..self.caller.clone()
        }
    }
}

impl<S: Guarded> FromRequestParts<S> for Public {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let authority = state.authority();
        // Also what anyone may do may not be done by another site with somebody's cookies.
        if authority.site.is_forged(parts) {
            return Err(ApiError::CrossSite);
        }
        let address = authority.address(parts);
        let known = authority.try_recognise(parts).await?;
        let mut caller = match &known {
            Some(principal) => principal.caller.clone(),
            None => principal::nobody(address, parts),
        };
        let grant = caller.grant.take();
        Ok(Self {
            who: known.map(|principal| principal.who),
            address,
            caller,
            grant,
        })
    }
}

/// Implemented for what proves that a caller was let in.
pub(crate) trait Proof {}

impl<P> Proof for Allowed<P> {}
impl Proof for Belongs {}
impl<P> Proof for Installed<P> {}
impl Proof for SignedIn {}
impl Proof for Public {}

/// Implemented for the arguments of handlers that take a [`Proof`] first, so that the caller is
/// known before anything else of the request is looked at.
pub(crate) trait ProofFirst {}

macro_rules! proof_first {
    ($($argument:ident)*) => {
        impl<M, E: Proof, $($argument),*> ProofFirst for (M, E, $($argument,)*) {}
    };
}

proof_first!();
proof_first!(A);
proof_first!(A B);
proof_first!(A B C);
proof_first!(A B C D);
proof_first!(A B C D F);

/// Compiles for handlers that demand a [`Proof`] only.
pub(crate) fn demand_proof<H, T, S>(_handler: &H)
where
    H: Handler<T, S>,
    T: ProofFirst,
{
}

/// Routes to handlers, all of which demand a [`Proof`].
macro_rules! guarded {
    ($state:ty; $($handler:path),+ $(,)?) => {{
        $($crate::auth::demand_proof::<_, _, $state>(&$handler);)+
        utoipa_axum::routes!($($handler),+)
    }};
}

pub(crate) use guarded;
