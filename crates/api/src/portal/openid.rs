//! Signing in with OpenID Connect. A browser is sent to a provider and comes back: whatever becomes of
//! it, it ends at a page of ours.

use axum::Json;
use axum::extract;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use store::Caller;
use utoipa::{IntoParams, ToSchema};

use super::extract::{Path, Query};
use super::openapi::Refusal;
use super::session::by_person;
use super::{ApiError, Portal, State};
use crate::auth::Public;
use crate::auth::openid::{Failure, LIFETIME, Pending, is_own_path};
use crate::mail::Letter;

/// The page that tells why somebody was not signed in, by `?error=` and a stable code.
const SIGN_IN_PAGE: &str = "/sign-in";

/// Longest code of a refusal that is told to the log.
const REFUSAL_CHARACTERS: usize = 40;

/// The providers that people can sign in with, and how links reach them.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ProviderList {
    /// Each gets a button.
    providers: Vec<ProviderView>,
    /// Whether a mail server brings invitations and links for new passwords; otherwise they wait in the
    /// outbox, and an operator hands them on.
    sends_mail: bool,
}

/// A provider that people can sign in with.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ProviderView {
    /// Identifies it in paths.
    id: String,
    /// What the button says.
    name: String,
}

/// Where the browser goes afterwards.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct StartQuery {
    /// A path of this installation; `/` where it is absent.
    #[param(max_length = 1000)]
    return_to: Option<String>,
}

/// What a provider answers with. It may say more than is read.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ProviderAnswer {
    /// The code that is exchanged for a token.
    code: Option<String>,
    /// What the sign-in was begun with.
    state: Option<String>,
    /// The provider's address.
    iss: Option<String>,
    /// Why the provider gives no code.
    error: Option<String>,
}

/// An answer that sends the browser elsewhere.
type Redirection = (StatusCode, HeaderMap);

/// Lists the providers of OpenID Connect that people can sign in with, and says whether links come by mail.
#[utoipa::path(get, path = "/session/openid", tag = "access", operation_id = "openid_providers",
    security(()), responses((status = 200, body = ProviderList), Refusal))]
pub(super) async fn providers(
    _public: Public,
    extract::State(portal): State,
) -> Json<ProviderList> {
    let providers = portal.providers.iter().map(|provider| ProviderView {
        id: provider.id.clone(),
        name: provider.name.clone(),
    });
    Json(ProviderList {
        providers: providers.collect(),
        sends_mail: portal.sends_mail,
    })
}

/// Begins to sign in with a provider: for browsers to open, not for scripts to fetch. Sends the browser
/// to the provider or, where that can't be used, to `/sign-in?error=provider_unavailable`.
#[utoipa::path(get, path = "/session/openid/{provider}/start", tag = "access",
    operation_id = "start_openid", security(()),
    params(("provider" = String, Path, description = "The provider's id"), StartQuery),
    responses((status = 303, description = "To the provider, or to `/sign-in` with an error.",
        headers(("location" = String), ("set-cookie" = String))), Refusal))]
pub(super) async fn start(
    _public: Public,
    extract::State(portal): State,
    headers: HeaderMap,
    Path(provider): Path<String>,
    Query(query): Query<StartQuery>,
) -> Result<Redirection, ApiError> {
    let found = portal.providers.get(&provider);
    let found = found.ok_or_else(|| ApiError::NotFound {
        what: "such provider".into(),
    })?;
    let return_to = query.return_to.unwrap_or_else(|| "/".into());
    if !is_own_path(&return_to) {
        return Err(ApiError::Query {
            message: "return_to: a path of this installation, such as `/projects`".into(),
        });
    }
    let authority = &portal.authority;
    let (random, now) = (authority.random.as_ref(), authority.now());
    let begun = found.start(return_to, &portal.store, random, now).await;
    let (url, sealed) = match begun {
        Ok(begun) => begun,
        Err(failure) => return Ok(portal.refuse(&failure, &provider, &headers)),
    };
    let site = &portal.authority.site;
    let cookie = site.set_sign_in(&sealed, &headers, LIFETIME.as_secs());
    Ok(redirection(url.as_str(), [cookie]))
}

/// Takes a provider's answer: signs the person in and sends the browser where it wanted to go. Where
/// that fails, to `/sign-in` with one of these as `error`: `sign_in_ended` (begun by another browser,
/// too long ago, or finished before), `provider_unavailable`, `provider_refused`,
/// `provider_not_trusted`, `email_not_verified`, `domain_not_allowed`, `no_account`,
/// `identity_removed` (the person removed it from their account: sign in otherwise, and
/// `DELETE /me/identities/removed`), `account_locked`, `too_many_failures`, `server_failed`.
#[utoipa::path(get, path = "/session/openid/callback", tag = "access",
    operation_id = "finish_openid", security(()), params(ProviderAnswer),
    responses((status = 303, description = "To where the browser wanted to go, or to `/sign-in`.",
        headers(("location" = String), ("set-cookie" = String))), Refusal))]
pub(super) async fn finish(
    public: Public,
    extract::State(portal): State,
    headers: HeaderMap,
    answer: Result<Query<ProviderAnswer>, ApiError>,
) -> Redirection {
    let authority = &portal.authority;
    // People look at what comes of it, and a provider, or somebody else, wrote it.
    let Ok(Query(answer)) = answer else {
        return portal.refuse(&Failure::Ended, "", &headers);
    };
    let (failures, now) = (&authority.failures, authority.now());
    let Ok(attempt) = failures.attempt(public.address, None, now) else {
        return portal.refuse(&Failure::TooManyFailures, "", &headers);
    };
    let (cookie, state) = (authority.site.sign_in(&headers), answer.state.as_deref());
    let pending = match Pending::open(cookie, state, &portal.store, now) {
        Ok(pending) => pending,
        Err(failure) => return portal.refuse(&failure, "", &headers),
    };
    match portal.sign_in_by(&pending, answer, &public, &headers).await {
        Ok(cookie) => {
            attempt.succeeded();
            let to = format!("{}{}", portal.public_url, pending.return_to);
            redirection(&to, [cookie, authority.site.clear_sign_in(&headers)])
        }
        Err(failure) => portal.refuse(&failure, &pending.provider, &headers),
    }
}

impl Portal {
    /// The cookie of a session of whoever the provider's answer vouches for.
    async fn sign_in_by(
        &self,
        pending: &Pending,
        answer: ProviderAnswer,
        public: &Public,
        headers: &HeaderMap,
    ) -> Result<HeaderValue, Failure> {
        // It may have been taken out of the configuration in the meantime.
        let provider = self.providers.get(&pending.provider);
        let provider = provider.ok_or(Failure::Ended)?;
        let Some(code) = answer.code else {
            let error = answer.error.unwrap_or_default();
            return Err(Failure::Refused(plain_code(&error)));
        };
        let now = self.authority.now();
        let vouched = provider
            .finish(pending, code, answer.iss.as_deref(), now)
            .await?;
        // Whoever was signed in here before is not who links, or makes, the account.
        let by = Caller {
            actor: Caller::system().actor,
            ..public.caller.clone()
        };
        // A new link, if it comes to one, is made by this address, and told there.
        let email = vouched.verified_email.as_deref();
        let letter = Letter::IdentityLinked {
            provider: &provider.name,
            at: now,
            address: &by.address,
        };
        let linking = email.map(|email| self.telling(&by, &store::normal_email(email), &letter));
        let linking = linking.as_ref().unwrap_or(&by);
        let admitted = self.store.admit(&vouched, provider.admission, linking);
        let person = match admitted.await {
            Err(store::Error::NoAccount) if email.is_none() => return Err(Failure::Unverified),
            admitted => admitted?.person,
        };
        let (former, by) = (public.who.as_ref(), by_person(&person, &by));
        let way = format!("provider {}", pending.provider);
        let cookie = self.session_cookie(&person, &way, former, headers, by);
        Ok(cookie.await?)
    }

    /// Sends the browser to the page that tells why somebody was not signed in.
    fn refuse(&self, failure: &Failure, provider: &str, headers: &HeaderMap) -> Redirection {
        let code = failure.code();
        match failure {
            Failure::Server(error) => tracing::error!(provider, %error, "a sign-in failed"),
            _ => tracing::warn!(provider, code, reason = %failure, "a sign-in was refused"),
        }
        let to = format!("{}{SIGN_IN_PAGE}?error={code}", self.public_url);
        redirection(&to, [self.authority.site.clear_sign_in(headers)])
    }
}

/// A provider's code as it may stand in the log: anyone can send one.
fn plain_code(error: &str) -> String {
    let plain = error
        .chars()
        .filter(|&c| c.is_ascii_alphanumeric() || c == '_');
    plain.take(REFUSAL_CHARACTERS).collect()
}

fn redirection(to: &str, cookies: impl IntoIterator<Item = HeaderValue>) -> Redirection {
    let mut headers = HeaderMap::new();
    // Addresses that were parsed, and paths of plain characters: always a header's value.
    if let Ok(to) = HeaderValue::from_str(to) {
        headers.insert(header::LOCATION, to);
    }
    for cookie in cookies {
        headers.append(header::SET_COOKIE, cookie);
    }
    // What the address of this page carries is nobody else's business.
    let no_referrer = HeaderValue::from_static("no-referrer");
    headers.insert(header::REFERRER_POLICY, no_referrer);
    (StatusCode::SEE_OTHER, headers)
}
