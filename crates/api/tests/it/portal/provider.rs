//! A provider of OpenID Connect that says what a test wants it to say.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use axum::http::{Request, Response};
use bytes::Bytes;
use millstream_api::auth::openid::{Config, Fetch, FetchError, Providers};
use openidconnect::core::{CoreEdDsaPrivateSigningKey, CoreHmacKey, CoreIdToken};
use openidconnect::core::{CoreIdTokenClaims, CoreJwsSigningAlgorithm};
use openidconnect::{AccessToken, JsonWebKeyId, PrivateSigningKey};
use serde_json::{Value, json};

use super::world::PUBLIC_URL;

pub(crate) const ISSUER: &str = "https://id.example.com";
pub(crate) const CLIENT_SECRET: &str = "hunter2-at-the-provider";
const ACCESS_TOKEN: &str = "access-token";

/// How an ID token is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signature {
    /// With the published key.
    Right,
    /// With another key of the same id.
    Forged,
    /// With the client's secret.
    ClientSecret,
    /// Not at all.
    None,
    /// For another access token than the one beside it.
    OfOtherAccessToken,
}

/// What the provider says.
pub(crate) struct Said {
    pub(crate) claims: Value,
    pub(crate) signature: Signature,
    pub(crate) userinfo: Value,
    /// Of the discovery document.
    pub(crate) document: Value,
    /// What it answers to codes instead of tokens.
    pub(crate) refusal: Option<(u16, &'static str)>,
    pub(crate) down: bool,
    /// The paths that it was asked for.
    pub(crate) asked: Vec<String>,
    /// The body of the last request for tokens.
    pub(crate) redeemed: String,
    key: String,
    key_id: String,
}

/// The provider, for the configuration as `acme`.
#[derive(Clone)]
pub(crate) struct Acme(Arc<Mutex<Said>>);

impl Acme {
    /// One whose tokens say nothing yet.
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(Said {
            claims: json!({}),
            signature: Signature::Right,
            userinfo: json!({}),
            document: json!({
                "issuer": ISSUER,
                "authorization_endpoint": format!("{ISSUER}/authorize"),
                "token_endpoint": format!("{ISSUER}/token"),
                "jwks_uri": format!("{ISSUER}/keys"),
                "userinfo_endpoint": format!("{ISSUER}/userinfo"),
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["EdDSA", "HS256", "none"],
            }),
            refusal: None,
            down: false,
            asked: Vec::new(),
            redeemed: String::new(),
            key: new_key(),
            key_id: "first".into(),
        })))
    }

    pub(crate) fn config() -> Config {
        Config {
            name: "Acme".into(),
            issuer: ISSUER.into(),
            client_id: "millstream".into(),
            client_secret: store::Secret::new(CLIENT_SECRET.into()),
            ..Config::default()
        }
    }

    pub(crate) fn providers(&self, config: Config) -> Providers {
        let configured = BTreeMap::from([("acme".to_owned(), config)]);
        let fetch: Arc<dyn Fetch> = Arc::new(self.clone());
        Providers::new(&configured, &fetch, PUBLIC_URL).unwrap()
    }

    pub(crate) fn says(&self) -> MutexGuard<'_, Said> {
        self.0.lock().unwrap()
    }

    /// How often it was asked for a path.
    pub(crate) fn asked(&self, path: &str) -> usize {
        let said = self.says();
        said.asked.iter().filter(|asked| *asked == path).count()
    }

    /// Signs with another key from now on.
    pub(crate) fn change_key(&self, id: &str) {
        let mut said = self.says();
        said.key = new_key();
        said.key_id = id.into();
    }
}

fn new_key() -> String {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519);
    key.unwrap().serialize_pem()
}

impl Said {
    fn key(&self, pem: &str) -> CoreEdDsaPrivateSigningKey {
        let id = JsonWebKeyId::new(self.key_id.clone());
        CoreEdDsaPrivateSigningKey::from_ed25519_pem(pem, Some(id)).unwrap()
    }

    fn answer(&self, path: &str) -> Value {
        match path {
            "/.well-known/openid-configuration" => self.document.clone(),
            "/keys" => json!({"keys": [self.key(&self.key).as_verification_key()]}),
            "/token" => json!({
                "access_token": ACCESS_TOKEN,
                "token_type": "Bearer",
                "id_token": self.id_token(),
            }),
            "/userinfo" => self.userinfo.clone(),
            other => panic!("the provider has no {other}"),
        }
    }

    fn id_token(&self) -> String {
        let claims: CoreIdTokenClaims = serde_json::from_value(self.claims.clone()).unwrap();
        let access_token = AccessToken::new(match self.signature {
            Signature::OfOtherAccessToken => "another".into(),
            _ => ACCESS_TOKEN.into(),
        });
        let forged = new_key();
        let pem = match self.signature {
            Signature::Forged => &forged,
            _ => &self.key,
        };
        let token = match self.signature {
            Signature::ClientSecret => CoreIdToken::new(
                claims,
                &CoreHmacKey::new(CLIENT_SECRET),
                CoreJwsSigningAlgorithm::HmacSha256,
                None,
                None,
            ),
            _ => CoreIdToken::new(
                claims,
                &self.key(pem),
                CoreJwsSigningAlgorithm::EdDsa,
                Some(&access_token),
                None,
            ),
        };
        let token = token.unwrap().to_string();
        match self.signature {
            // The header is `{"alg":"none"}`.
            Signature::None => {
                let payload = token.split('.').nth(1).unwrap();
                format!("eyJhbGciOiJub25lIn0.{payload}.")
            }
            _ => token,
        }
    }
}

#[async_trait]
impl Fetch for Acme {
    async fn fetch(&self, request: Request<Bytes>) -> Result<Response<Bytes>, FetchError> {
        let mut said = self.says();
        let path = request.uri().path().to_owned();
        said.asked.push(path.clone());
        if said.down {
            return Err(FetchError::Unanswered("connection refused".into()));
        }
        let (status, body) = match (path.as_str(), said.refusal) {
            ("/token", Some((status, error))) => (status, json!({"error": error})),
            (path, _) => (200, said.answer(path)),
        };
        if path == "/token" {
            said.redeemed = String::from_utf8(request.body().to_vec()).unwrap();
        }
        let response = Response::builder().status(status);
        let response = response.header("content-type", "application/json");
        Ok(response.body(body.to_string().into()).unwrap())
    }
}
