//! Signing in and out.

use axum::Json;
use axum::extract;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use store::{Caller, Credentials, NewSession, Person, Secret, normal_email};
use utoipa::ToSchema;

use super::extract::Body;
use super::me::PersonView;
use super::openapi::Refusal;
use super::{ApiError, Portal, State};
use crate::auth::{Comparison, Public, SignedIn, Who};
use crate::auth::{check_totp, normal_recovery_code};
use crate::mail::Letter;

/// How many sign-ins with a password failed: what was given was wrong.
const SIGN_IN_FAILURES: &str = "millstream_sign_in_failures_total";

/// Longest `User-Agent` that is kept with a session.
const USER_AGENT_CHARACTERS: usize = 200;

/// Who wants to sign in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SignIn {
    /// The account's e-mail address.
    email: String,
    /// Its password.
    #[schema(format = Password)]
    password: String,
    /// The code of the second factor, or a recovery code, where the account has a second factor.
    code: Option<String>,
}

/// Who is signed in.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SignedInView {
    /// The person.
    person: PersonView,
}

/// An answer that sets the session's cookie.
pub(super) type WithCookie = ([(HeaderName, HeaderValue); 1], Json<SignedInView>);

/// Signs a person in: the answer sets a session's cookie; the session that the request came with ends.
/// With a second factor, `code` is asked for by the code `second_factor_needed`.
#[utoipa::path(post, path = "/session", tag = "access", operation_id = "sign_in",
    request_body = SignIn, security(()),
    responses((status = 200, body = SignedInView, headers(("set-cookie" = String))), Refusal))]
pub(super) async fn sign_in(
    public: Public,
    extract::State(portal): State,
    headers: HeaderMap,
    Body(input): Body<SignIn>,
) -> Result<WithCookie, ApiError> {
    let authority = &portal.authority;
    let (email, now) = (normal_email(&input.email), authority.clock.now());
    let attempt = authority
        .failures
        .attempt(public.address, Some(&email), now)?;
    let proved = portal.prove(&public, &email, input).await;
    match &proved {
        Err(ApiError::WrongCredentials) => note_failure(&public, &email),
        _ => attempt.succeeded(),
    }
    let person = proved?;
    let by = by_person(&person, &public.caller);
    let way = match person.second_factor {
        true => "password and second factor",
        false => "password",
    };
    let former = public.who.as_ref();
    portal.begin_session(person, way, former, headers, by).await
}

/// Signs out: the session ends.
#[utoipa::path(delete, path = "/session", tag = "access", operation_id = "sign_out",
    responses((status = 204, description = "The session has ended."), Refusal))]
pub(super) async fn sign_out(
    SignedIn(principal): SignedIn,
    extract::State(portal): State,
    headers: HeaderMap,
) -> Result<(StatusCode, [(HeaderName, HeaderValue); 1]), ApiError> {
    let (person, session) = principal.who.present()?;
    let caller = &principal.caller;
    portal
        .store
        .end_session(person.id, &session.id, caller)
        .await?;
    let cookie = [(header::SET_COOKIE, portal.authority.site.clear(&headers))];
    Ok((StatusCode::NO_CONTENT, cookie))
}

impl Portal {
    /// Begins a session of someone who has just proved who they are, in this `way`. The one that the request came
    /// with (`former`) ends.
    pub(super) async fn begin_session(
        &self,
        person: Person,
        way: &str,
        former: Option<&Who>,
        headers: HeaderMap,
        by: Caller,
    ) -> Result<WithCookie, ApiError> {
        let cookie = self.session_cookie(&person, way, former, &headers, by);
        let cookie = cookie.await?;
        let person = PersonView::from(&person);
        Ok((
            [(header::SET_COOKIE, cookie)],
            Json(SignedInView { person }),
        ))
    }

    /// The cookie of such a session.
    pub(super) async fn session_cookie(
        &self,
        person: &Person,
        way: &str,
        former: Option<&Who>,
        headers: &HeaderMap,
        by: Caller,
    ) -> Result<HeaderValue, ApiError> {
        let authority = &self.authority;
        let lifetime = authority.config.session_lifetime;
        let user_agent = headers.get(header::USER_AGENT);
        let user_agent = user_agent.and_then(|value| value.to_str().ok());
        let user_agent = user_agent.unwrap_or_default().chars();
        let user_agent: String = user_agent.take(USER_AGENT_CHARACTERS).collect();
        let elsewhere = self.store.would_sign_in_elsewhere(person.id, &by.address);
        let elsewhere = elsewhere.await?;
        let new = NewSession {
            person: person.id,
            address: by.address.clone(),
            user_agent: user_agent.clone(),
            way: way.to_owned(),
            lifetime,
        };
        let letter = Letter::SignIn {
            at: authority.clock.now(),
            address: &by.address,
            client: &user_agent,
        };
        let proved = by.having_proved(person);
        let proved = match elsewhere {
            true => self.telling(&proved, &person.email, &letter),
            false => proved,
        };
        let session = self.store.create_session(new, &proved).await;
        let session = session.map_err(|error| match error {
            // What they gave was right when it was looked at, but isn't any more.
            store::Error::ProofOutdated => ApiError::WrongCredentials,
            error => error.into(),
        })?;
        if let Some(Who::Person { person, session }) = former {
            match self.store.end_session(person.id, &session.id, &by).await {
                Ok(()) | Err(store::Error::NoSession(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(authority.site.set(&session, headers, lifetime.as_secs()))
    }

    /// The person whose address, password and code these are.
    async fn prove(&self, public: &Public, email: &str, input: SignIn) -> Result<Person, ApiError> {
        let credentials = self.store.credentials(email).await?;
        let stored = credentials
            .as_ref()
            .and_then(|credentials| credentials.password_hash.clone());
        let password = Secret::new(input.password);
        let compared = self.authority.passwords.compare(password, stored.clone());
        let compared = compared.await?;
        let (Some(credentials), false) = (credentials, compared == Comparison::Wrong) else {
            return Err(ApiError::WrongCredentials);
        };
        let by = by_person(&credentials.person, &public.caller);
        self.prove_second_factor(&credentials, input.code.as_deref(), &by)
            .await?;
        if let (Comparison::Outdated(hash), Some(stored)) = (compared, stored) {
            let id = credentials.person.id;
            self.store.rehash_password(id, &stored, &hash).await?;
        }
        Ok(credentials.person)
    }

    /// Refuses unless the person has no second factor, or the code is right and wasn't used before.
    pub(super) async fn prove_second_factor(
        &self,
        credentials: &Credentials,
        code: Option<&str>,
        by: &Caller,
    ) -> Result<(), ApiError> {
        let Some(factor) = &credentials.second_factor else {
            return Ok(());
        };
        let Some(code) = code.filter(|code| !code.is_empty()) else {
            return Err(ApiError::SecondFactorNeeded);
        };
        let person = credentials.person.id;
        if let Some(code) = normal_recovery_code(code) {
            let taken = self.store.use_recovery_code(person, &code, by).await?;
            return taken.then_some(()).ok_or(ApiError::WrongCredentials);
        }
        let step = check_totp(&factor.secret, code, self.authority.clock.now());
        let step = step.ok_or(ApiError::WrongCredentials)?;
        let fresh = self.store.use_totp_step(person, step).await?;
        fresh.then_some(()).ok_or(ApiError::WrongCredentials)
    }
}

/// What the audit log says of someone who has just proved who they are.
pub(super) fn by_person(person: &Person, origin: &Caller) -> Caller {
    Caller {
        actor: store::Actor::of_person(person),
        ..origin.clone()
    }
}

/// Says that somebody failed to sign in: to whoever watches for guessing. Of the account only that much
/// that its owner would know it again, since people type passwords there by mistake.
fn note_failure(public: &Public, email: &str) {
    metrics::counter!(SIGN_IN_FAILURES).increment(1);
    let address = public.address.map(|address| address.to_string());
    tracing::warn!(
        address = address.unwrap_or_default(),
        account = masked(email),
        "a sign-in failed"
    );
}

/// The first letter of an address and its domain, such as `a…@example.com`; `…` of what is no address.
fn masked(email: &str) -> String {
    match email.rsplit_once('@') {
        Some((local, domain)) if email.len() <= 254 => {
            let first: String = local.chars().take(1).collect();
            format!("{first}…@{domain}")
        }
        _ => "…".to_owned(),
    }
}
