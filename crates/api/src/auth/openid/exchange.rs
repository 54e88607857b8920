//! From a code to whom a provider vouches for: the code for an ID token, the token verified, and what
//! it leaves unsaid asked for.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::FutureExt;
use model::Timestamp;
use openidconnect::core::{
    CoreClient, CoreClientAuthMethod, CoreGenderClaim, CoreIdToken, CoreIdTokenClaims,
    CoreIdTokenVerifier, CoreJwsSigningAlgorithm as Algorithm, CoreProviderMetadata,
    CoreTokenResponse,
};
use openidconnect::{
    AccessTokenHash, AuthType, AuthorizationCode, ClaimsVerificationError, ClientId, ClientSecret,
    EmptyAdditionalClaims, EndUserEmail, EndUserName, EndpointMaybeSet, EndpointNotSet,
    EndpointSet, LocalizedClaim, Nonce, OAuth2TokenResponse, PkceCodeVerifier, RedirectUrl,
    RequestTokenError, SignatureVerificationError, TokenResponse, UserInfoClaims, UserInfoError,
};
use store::Vouched;

use super::discovery::{Discovery, Document};
use super::fetch::{self, Fetch};
use super::{Failure, Pending};

/// How far the provider's clock may be ahead of ours.
const CLOCK_SKEW: Duration = Duration::from_secs(60);

/// Longest subject (OpenID Connect Core, section 2).
const SUBJECT_BYTES: usize = 255;

/// Signatures that are taken: those that only the provider can make. One with the client's secret
/// could be ours, and none at all anybody's.
const ALGORITHMS: &[Algorithm] = &[
    Algorithm::RsaSsaPkcs1V15Sha256,
    Algorithm::RsaSsaPkcs1V15Sha384,
    Algorithm::RsaSsaPkcs1V15Sha512,
    Algorithm::RsaSsaPssSha256,
    Algorithm::RsaSsaPssSha384,
    Algorithm::RsaSsaPssSha512,
    Algorithm::EcdsaP256Sha256,
    Algorithm::EcdsaP384Sha384,
    Algorithm::EdDsa,
];

/// A client of a provider, whose authorization endpoint is known for sure.
pub(super) type Client = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

type UserInfo = UserInfoClaims<EmptyAdditionalClaims, CoreGenderClaim>;

/// What a provider knows this installation by. Its secret doesn't show itself.
#[derive(Debug)]
pub(super) struct Registration {
    pub(super) id: ClientId,
    /// `None`: a public client.
    pub(super) secret: Option<ClientSecret>,
    pub(super) redirect_url: RedirectUrl,
}

impl Registration {
    /// The client of the provider that said this of itself.
    pub(super) fn client(&self, document: &CoreProviderMetadata) -> Client {
        let (id, secret) = (self.id.clone(), self.secret.clone());
        let client = CoreClient::from_provider_metadata(document.clone(), id, secret)
            .set_redirect_uri(self.redirect_url.clone());
        let methods = document.token_endpoint_auth_methods_supported();
        let takes = |method| methods.is_none_or(|methods| methods.contains(&method));
        let only_in_body = !takes(CoreClientAuthMethod::ClientSecretBasic)
            && takes(CoreClientAuthMethod::ClientSecretPost);
        match only_in_body {
            true => client.set_auth_type(AuthType::RequestBody),
            false => client,
        }
    }
}

/// What a sign-in that has come back is finished with.
pub(super) struct Exchange<'a> {
    pub(super) registration: &'a Registration,
    pub(super) discovery: &'a Discovery,
    pub(super) fetch: &'a Arc<dyn Fetch>,
    pub(super) pending: &'a Pending,
    pub(super) now: Timestamp,
}

impl Exchange<'_> {
    /// Whom the provider vouches for, if it takes the code.
    pub(super) async fn vouched(&self, code: String) -> Result<Vouched, Failure> {
        let document = self.discovery.document(self.fetch, self.now).await?;
        let tokens = self.redeem(&document, code).await?;
        let token = tokens.id_token();
        let token = token.ok_or(Failure::Unusable("its token answer has no ID token"))?;
        let claims = self
            .verify_with_present_keys(&document, token, &tokens)
            .await?;
        let userinfo = match claims.email().is_some() && claims.email_verified().is_some() {
            true => None,
            false => self.userinfo(&document, claims, &tokens).await?,
        };
        vouched(claims, userinfo.as_ref())
    }

    async fn redeem(
        &self,
        document: &Document,
        code: String,
    ) -> Result<CoreTokenResponse, Failure> {
        let client = self.registration.client(document);
        let request = client
            .exchange_code(AuthorizationCode::new(code))
            .map_err(|_| Failure::Unusable("it has no token endpoint"))?
            .set_pkce_verifier(PkceCodeVerifier::new(self.pending.verifier.clone()));
        let http = fetch::client(self.fetch);
        let answer = request.request_async(&http).boxed();
        answer.await.map_err(|error| match error {
            RequestTokenError::Request(error) => Failure::Unanswered(error),
            RequestTokenError::ServerResponse(refusal) => {
                Failure::Refused(refusal.error().to_string())
            }
            // Without its text, which may hold tokens.
            _ => Failure::Unusable("its token answer can't be read"),
        })
    }

    /// The token's claims; where it is signed with a key that isn't known, the keys are asked for again.
    async fn verify_with_present_keys<'t>(
        &self,
        document: &Document,
        token: &'t CoreIdToken,
        tokens: &CoreTokenResponse,
    ) -> Result<&'t CoreIdTokenClaims, Failure> {
        let verified = self.verify(document, token, tokens);
        let unknown_key = ClaimsVerificationError::SignatureVerification(
            SignatureVerificationError::NoMatchingKey,
        );
        match verified {
            Err(error) if error == unknown_key => {
                let newer = self.discovery.newer(document, self.fetch, self.now).await?;
                let newer = newer.ok_or(Failure::Untrusted(error))?;
                Ok(self.verify(&newer, token, tokens)?)
            }
            verified => Ok(verified?),
        }
    }

    fn verify<'t>(
        &self,
        document: &Document,
        token: &'t CoreIdToken,
        tokens: &CoreTokenResponse,
    ) -> Result<&'t CoreIdTokenClaims, ClaimsVerificationError> {
        let client = self.registration.client(document);
        let offered = document.id_token_signing_alg_values_supported();
        let allowed = ALGORITHMS.iter().filter(|one| offered.contains(one));
        let at = self.now.0.saturating_sub(CLOCK_SKEW.as_micros() as i64);
        let at = DateTime::<Utc>::from_timestamp_micros(at).unwrap_or(DateTime::<Utc>::MAX_UTC);
        let verifier = client
            .id_token_verifier()
            .set_allowed_algs(allowed.cloned())
            .set_time_fn(move || at);
        let claims = token.claims(&verifier, &Nonce::new(self.pending.nonce.clone()))?;
        check_access_token(token, claims, tokens, &verifier)?;
        Ok(claims)
    }

    /// What the provider says of the person beside the token; `None` when it has no such endpoint.
    async fn userinfo(
        &self,
        document: &Document,
        claims: &CoreIdTokenClaims,
        tokens: &CoreTokenResponse,
    ) -> Result<Option<UserInfo>, Failure> {
        let client = self.registration.client(document);
        let (token, subject) = (tokens.access_token().clone(), claims.subject().clone());
        let Ok(request) = client.user_info(token, Some(subject)) else {
            return Ok(None);
        };
        let http = fetch::client(self.fetch);
        let answer = request.request_async(&http).boxed().await;
        answer.map(Some).map_err(|error| match error {
            UserInfoError::Request(error) => Failure::Unanswered(error),
            UserInfoError::ClaimsVerification(error) => Failure::Untrusted(error),
            _ => Failure::Unusable("its userinfo answer can't be read"),
        })
    }
}

/// Refuses an access token that isn't the one that the ID token was given with.
fn check_access_token(
    token: &CoreIdToken,
    claims: &CoreIdTokenClaims,
    tokens: &CoreTokenResponse,
    verifier: &CoreIdTokenVerifier<'_>,
) -> Result<(), ClaimsVerificationError> {
    let Some(expected) = claims.access_token_hash() else {
        return Ok(());
    };
    let signature = ClaimsVerificationError::SignatureVerification;
    let algorithm = token.signing_alg().map_err(signature)?;
    let key = token.signing_key(verifier).map_err(signature)?;
    let found = AccessTokenHash::from_token(tokens.access_token(), algorithm, key);
    match found.is_ok_and(|found| found == *expected) {
        true => Ok(()),
        false => Err(ClaimsVerificationError::Other(
            "the access token is not the ID token's".into(),
        )),
    }
}

fn vouched(claims: &CoreIdTokenClaims, userinfo: Option<&UserInfo>) -> Result<Vouched, Failure> {
    let subject = claims.subject().as_str();
    if subject.is_empty() || subject.len() > SUBJECT_BYTES {
        return Err(Failure::Unusable("its subject is empty or too long"));
    }
    // Both of one source: an address is verified only by whoever says which one.
    let (email, verified) = match userinfo {
        Some(info) => (info.email(), info.email_verified()),
        None => (claims.email(), claims.email_verified()),
    };
    let name = claims.name().or(userinfo.and_then(UserInfo::name));
    Ok(Vouched {
        issuer: claims.issuer().to_string(),
        subject: subject.to_owned(),
        verified_email: email
            .filter(|_| verified == Some(true))
            .map(|email: &EndUserEmail| email.to_string()),
        name: name.map(plain_name).unwrap_or_default(),
    })
}

/// A name as accounts have it: on one line, and not too long.
fn plain_name(name: &LocalizedClaim<EndUserName>) -> String {
    let name = name.get(None).or(name.iter().next().map(|(_, name)| name));
    let name = name.map(|name| name.as_str()).unwrap_or_default();
    let plain = model::name::readable(name);
    let plain: String = plain.trim().chars().take(model::name::LONGEST).collect();
    plain.trim().to_owned()
}
