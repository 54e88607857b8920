//! Signing in with OpenID Connect, as browsers meet it.

mod accounts;
mod answers;
mod discovery;

use std::collections::HashMap;
use std::time::Duration;

use millstream_api::auth::openid::Config;
use model::OrganisationId;
use model::access::Role;
use openidconnect::url::Url;
use serde_json::{Value, json};

use super::World;
use super::call::Answer;
use super::provider::{Acme, ISSUER};

const SIGN_IN: &str = "__Host-millstream_sign_in";
const SESSION: &str = "__Host-millstream_session";
const MINUTE: Duration = Duration::from_secs(60);

/// An installation with one provider, and a sign-in there.
struct Scene {
    acme: Acme,
    world: World,
}

/// A sign-in that a browser has begun.
struct Begun {
    /// As `name=value`.
    cookie: String,
    location: Url,
    /// Of the location.
    query: HashMap<String, String>,
}

impl Scene {
    async fn new(config: Config) -> Self {
        let acme = Acme::new();
        let world = World::with_providers(|_| acme.providers(config)).await;
        Self { acme, world }
    }

    /// Where strangers from `example.com` join the organisation, which has an owner.
    async fn admitting(role: Role) -> Self {
        let acme = Acme::new();
        let config = |organisation: OrganisationId| Config {
            domains: "example.com".into(),
            organisation: organisation.to_string(),
            role,
            ..Acme::config()
        };
        let world = World::with_providers(|organisation| acme.providers(config(organisation)));
        let world = world.await;
        let owner = world.account(world.organisation, Role::Owner, "owner@example.com");
        owner.await;
        Self { acme, world }
    }

    async fn begin(&self) -> Begun {
        let start = "/session/openid/acme/start?return_to=/projects%3Fall";
        let answer = self.world.anonymous("GET", start).send().await.is(303);
        let location: Url = answer.header("location").parse().unwrap();
        Begun {
            cookie: answer.cookie_named(SIGN_IN),
            query: location.query_pairs().into_owned().collect(),
            location,
        }
    }

    /// The ID token of the next answers is for this sign-in.
    fn vouch(&self, begun: &Begun, claims: Value) {
        let now = self.world.now().0 / 1_000_000;
        let mut whole = json!({
            "iss": ISSUER,
            "aud": ["millstream"],
            "sub": "ann-at-acme",
            "iat": now,
            "exp": now + 60,
            "nonce": begun.query["nonce"],
            "email": "ann@example.com",
            "email_verified": true,
            "name": "Ann",
        });
        for (name, value) in claims.as_object().unwrap() {
            whole[name] = value.clone();
        }
        self.acme.says().claims = whole;
    }

    async fn come_back(&self, cookie: &str, state: &str) -> Answer {
        let path = format!("/session/openid/callback?code=c0de&state={state}&session_state=x");
        let call = self.world.anonymous("GET", &path);
        call.cookie(cookie).send().await.is(303)
    }

    /// Signs in with what the token says.
    async fn sign_in(&self, claims: Value) -> Answer {
        let begun = self.begin().await;
        self.vouch(&begun, claims);
        self.come_back(&begun.cookie, &begun.query["state"]).await
    }
}

impl Answer {
    /// Asserts that nobody was signed in, and why.
    #[track_caller]
    fn refused(&self, code: &str) {
        let page = format!("https://millstream.example.com/sign-in?error={code}");
        assert_eq!(self.header("location"), page);
        // Nothing is left of it, and nobody is signed in.
        assert_eq!(self.cookie_named(SIGN_IN), format!("{SIGN_IN}="));
        assert_eq!(self.headers.get_all("set-cookie").iter().count(), 1);
    }

    /// Asserts that somebody was signed in: the session's cookie.
    #[track_caller]
    fn signed_in(&self) -> String {
        let location = "https://millstream.example.com/projects?all";
        assert_eq!(self.header("location"), location);
        assert_eq!(self.cookie_named(SIGN_IN), format!("{SIGN_IN}="));
        self.cookie_named(SESSION)
    }
}
