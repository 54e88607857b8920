//! Signing in with OpenID Connect, as browsers meet it.

use std::collections::HashMap;
use std::time::Duration;

use millstream_api::auth::openid::Config;
use model::OrganisationId;
use model::access::Role;
use openidconnect::url::Url;
use openidconnect::{PkceCodeChallenge, PkceCodeVerifier};
use serde_json::{Value, json};

use super::World;
use super::call::Answer;
use super::provider::{Acme, CLIENT_SECRET, ISSUER, Signature};

const SIGN_IN: &str = "millstream_sign_in";
const SESSION: &str = "millstream_session";
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

#[tokio::test]
async fn providers_are_listed_for_everyone_without_what_is_secret() {
    let scene = Scene::new(Acme::config()).await;
    let answer = scene.world.anonymous("GET", "/session/openid").send().await;
    let expected = json!({"providers": [{"id": "acme", "name": "Acme"}]});
    assert_eq!(answer.is(200).json(), expected);
    let nothing = World::new().await;
    let answer = nothing.anonymous("GET", "/session/openid").send().await;
    assert_eq!(answer.json(), json!({"providers": []}));
}

#[tokio::test]
async fn a_browser_is_sent_to_the_provider_with_proofs_that_only_it_can_complete() {
    let scene = Scene::new(Acme::config()).await;
    let (begun, other) = (scene.begin().await, scene.begin().await);
    assert!(
        begun
            .location
            .as_str()
            .starts_with(&format!("{ISSUER}/authorize?"))
    );
    let query = &begun.query;
    for (name, value) in [
        ("response_type", "code"),
        ("client_id", "millstream"),
        ("scope", "openid email profile"),
        ("code_challenge_method", "S256"),
        (
            "redirect_uri",
            "https://millstream.example.com/api/v1/session/openid/callback",
        ),
    ] {
        assert_eq!(query[name], value, "{name}");
    }
    for name in ["state", "nonce", "code_challenge"] {
        assert!(query[name].len() >= 43, "{name}");
        assert_ne!(query[name], other.query[name], "{name}");
        assert!(!begun.cookie.contains(&query[name]), "{name}");
    }
    let start = "/session/openid/acme/start";
    let answer = scene.world.anonymous("GET", start).send().await;
    let cookie = answer.header("set-cookie");
    for attribute in ["HttpOnly", "SameSite=Lax", "Max-Age=600", "Secure"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }

    scene.vouch(&begun, json!({}));
    scene.come_back(&begun.cookie, &query["state"]).await;
    let redeemed = scene.acme.says().redeemed.clone();
    let form = format!("https://x/?{redeemed}").parse::<Url>().unwrap();
    let form: HashMap<String, String> = form.query_pairs().into_owned().collect();
    assert_eq!(form["code"], "c0de");
    let verifier = PkceCodeVerifier::new(form["code_verifier"].clone());
    let challenge = PkceCodeChallenge::from_code_verifier_sha256(&verifier);
    assert_eq!(challenge.as_str(), query["code_challenge"]);
}

#[tokio::test]
async fn nobody_is_sent_to_another_site_or_an_unknown_provider() {
    let scene = Scene::new(Acme::config()).await;
    for path in [
        "https://evil.example",
        "//evil.example",
        "/%5Cevil.example",
        "a",
        "",
    ] {
        let start = format!("/session/openid/acme/start?return_to={path}");
        let answer = scene.world.anonymous("GET", &start).send().await;
        answer.problem(400, "malformed_query");
    }
    let unknown = scene.world.anonymous("GET", "/session/openid/other/start");
    unknown.send().await.problem(404, "not_found");
}

#[tokio::test]
async fn who_is_vouched_for_is_signed_in_and_the_former_session_ends() {
    let scene = Scene::new(Acme::config()).await;
    let world = &scene.world;
    let ann = world.account(world.organisation, Role::Member, "ann@example.com");
    let ann = ann.await;
    let bob = world.person(Role::Viewer).await;
    let begun = scene.begin().await;
    scene.vouch(&begun, json!({}));
    let both = format!("{}; {}", bob.cookie, begun.cookie);
    let answer = scene.come_back(&both, &begun.query["state"]).await;
    let cookie = answer.signed_in();
    let me = world.anonymous("GET", "/me").cookie(&cookie).send().await;
    assert_eq!(me.at("/person/id"), ann.to_string());
    let former = world.anonymous("GET", "/me").cookie(&bob.cookie);
    former.send().await.problem(401, "unauthenticated");

    // The log says that she signed in, and not that he linked her.
    let log = world.get("/installation/audit").await.json();
    let entries = log["items"].as_array().unwrap();
    let of = |action: &str| entries.iter().find(|entry| entry["action"] == action);
    assert_eq!(of("identity.link").unwrap()["actor"]["kind"], "system");
    assert_eq!(
        of("session.create").unwrap()["actor"]["id"],
        ann.to_string()
    );
    assert!(!log.to_string().contains("c0de"));
}

#[tokio::test]
async fn an_address_that_the_token_leaves_out_is_asked_for() {
    let scene = Scene::new(Acme::config()).await;
    let world = &scene.world;
    world
        .account(world.organisation, Role::Member, "ann@example.com")
        .await;
    let silent = json!({"email": null, "email_verified": null, "name": null});
    for (userinfo, code) in [
        (json!({"sub": "ann-at-acme"}), "email_not_verified"),
        (
            json!({"sub": "ann-at-acme", "email": "ann@example.com"}),
            "email_not_verified",
        ),
        // Another person's.
        (
            json!({"sub": "bob", "email": "ann@example.com", "email_verified": true}),
            "provider_not_trusted",
        ),
    ] {
        scene.acme.says().userinfo = userinfo;
        scene.sign_in(silent.clone()).await.refused(code);
    }
    let said = json!({"sub": "ann-at-acme", "email": "ann@example.com", "email_verified": "true"});
    scene.acme.says().userinfo = said;
    scene.sign_in(silent).await.signed_in();
}

#[tokio::test]
async fn an_id_token_that_is_not_for_this_sign_in_is_refused() {
    let scene = Scene::new(Acme::config()).await;
    let world = &scene.world;
    world
        .account(world.organisation, Role::Member, "ann@example.com")
        .await;
    let past = world.now().0 / 1_000_000 - 61;
    for claims in [
        json!({"nonce": "another"}),
        json!({"nonce": null}),
        json!({"aud": ["somebody-else"]}),
        json!({"aud": ["millstream", "somebody-else"]}),
        json!({"iss": "https://evil.example.com"}),
        json!({"exp": past}),
    ] {
        let answer = scene.sign_in(claims.clone()).await;
        answer.refused("provider_not_trusted");
    }
    for signature in [
        Signature::Forged,
        Signature::ClientSecret,
        Signature::None,
        Signature::OfOtherAccessToken,
    ] {
        scene.acme.says().signature = signature;
        let answer = scene.sign_in(json!({})).await;
        answer.refused("provider_not_trusted");
    }
    scene.acme.says().signature = Signature::Right;
    // A clock that is a little ahead is no reason to refuse.
    scene.sign_in(json!({"exp": past + 2})).await.signed_in();
}

#[tokio::test]
async fn an_answer_that_this_browser_did_not_ask_for_is_refused() {
    let scene = Scene::new(Acme::config()).await;
    let world = &scene.world;
    let ann = world.account(world.organisation, Role::Member, "ann@example.com");
    ann.await;
    let (begun, other) = (scene.begin().await, scene.begin().await);
    scene.vouch(&begun, json!({}));
    let state = &begun.query["state"];
    let changed = |from: usize| {
        let (head, digit) = (&begun.cookie[..from], &begun.cookie[from..=from]);
        let digit = if digit == "0" { "1" } else { "0" };
        format!("{head}{digit}{}", &begun.cookie[from + 1..])
    };
    for cookie in [
        "a=b".to_owned(),
        format!("{SIGN_IN}="),
        format!("{SIGN_IN}=1:0:00"),
        other.cookie.clone(),
        changed(begun.cookie.len() - 1),
        changed(begun.cookie.len() / 2),
    ] {
        let answer = scene.come_back(&cookie, state).await;
        answer.refused("sign_in_ended");
    }
    let answer = scene.come_back(&begun.cookie, &other.query["state"]).await;
    answer.refused("sign_in_ended");
    let without = world.anonymous("GET", "/session/openid/callback?code=c0de");
    let answer = without.cookie(&begun.cookie).send().await;
    answer.refused("sign_in_ended");
    // Another provider's answer to the question that was put to this one (RFC 9207).
    let path =
        format!("/session/openid/callback?code=c0de&state={state}&iss=https://evil.example.com");
    let answer = world.anonymous("GET", &path).cookie(&begun.cookie);
    answer.send().await.refused("provider_not_trusted");
    assert_eq!(scene.acme.asked("/token"), 0);

    world.clock.advance(10 * MINUTE);
    let answer = scene.come_back(&begun.cookie, state).await;
    answer.refused("sign_in_ended");
}

#[tokio::test]
async fn a_refusal_of_the_provider_is_told() {
    let scene = Scene::new(Acme::config()).await;
    let begun = scene.begin().await;
    let state = &begun.query["state"];
    let path = format!("/session/openid/callback?error=access_denied&state={state}");
    let answer = scene.world.anonymous("GET", &path).cookie(&begun.cookie);
    answer.send().await.refused("provider_refused");
    scene.acme.says().refusal = Some((400, "invalid_grant"));
    let answer = scene.come_back(&begun.cookie, state).await;
    answer.refused("provider_refused");
}

#[tokio::test]
async fn only_addresses_of_the_providers_domains_come_in() {
    let config = Config {
        domains: "example.org example.com".into(),
        ..Acme::config()
    };
    let scene = Scene::new(config).await;
    let world = &scene.world;
    for email in ["ann@example.com", "ann@sub.example.com", "ann@evil.com"] {
        world.account(world.organisation, Role::Member, email).await;
    }
    for email in [
        "ann@sub.example.com",
        "ann@evil.com",
        "ann@example.com@evil.com",
    ] {
        let answer = scene.sign_in(json!({"email": email})).await;
        answer.refused("domain_not_allowed");
    }
    scene
        .sign_in(json!({"email": "ann@Example.com"}))
        .await
        .signed_in();
    // Known by now, and all the same refused since she has left.
    let answer = scene.sign_in(json!({"email": "ann@evil.com"})).await;
    answer.refused("domain_not_allowed");
    let answer = scene.sign_in(json!({"email_verified": false})).await;
    answer.refused("email_not_verified");
}

#[tokio::test]
async fn strangers_join_where_the_operator_says_so_and_nowhere_else() {
    let scene = Scene::new(Acme::config()).await;
    scene.sign_in(json!({})).await.refused("no_account");

    let scene = Scene::admitting(Role::Member).await;
    let world = &scene.world;
    let cookie = scene.sign_in(json!({})).await.signed_in();
    let mine = world.anonymous("GET", "/me/organisations").cookie(&cookie);
    let mine = mine.send().await.json();
    assert_eq!(mine["items"][0]["role"], "member");
    let me = world.anonymous("GET", "/me").cookie(&cookie).send().await;
    assert_eq!(me.at("/person/name"), "Ann");
    // Whoever was removed stays out.
    let member = world.of_organisation(&format!("/members/{}", me.at("/person/id")));
    world.call("DELETE", &member).send().await.is(204);
    let cookie = scene.sign_in(json!({})).await.signed_in();
    let mine = world.anonymous("GET", "/me/organisations").cookie(&cookie);
    assert_eq!(mine.send().await.json()["items"], json!([]));
}

#[tokio::test]
async fn what_the_provider_says_of_itself_is_remembered_for_an_hour() {
    let scene = Scene::new(Acme::config()).await;
    let discovery = "/.well-known/openid-configuration";
    scene.begin().await;
    scene.world.clock.advance(59 * MINUTE);
    scene.begin().await;
    assert_eq!(scene.acme.asked(discovery), 1);
    scene.world.clock.advance(MINUTE);
    scene.begin().await;
    assert_eq!(
        (scene.acme.asked(discovery), scene.acme.asked("/keys")),
        (2, 2)
    );
}

#[tokio::test]
async fn an_unknown_key_makes_us_ask_once_and_not_again_within_half_a_minute() {
    let scene = Scene::new(Acme::config()).await;
    let world = &scene.world;
    world
        .account(world.organisation, Role::Member, "ann@example.com")
        .await;
    scene.sign_in(json!({})).await.signed_in();
    scene.acme.change_key("second");
    scene.sign_in(json!({})).await.signed_in();
    assert_eq!(scene.acme.asked("/keys"), 2);
    scene.acme.change_key("third");
    let answer = scene.sign_in(json!({})).await;
    answer.refused("provider_not_trusted");
    assert_eq!(scene.acme.asked("/keys"), 2);
    world.clock.advance(MINUTE / 2);
    scene.sign_in(json!({})).await.signed_in();
    assert_eq!(scene.acme.asked("/keys"), 3);
}

#[tokio::test]
async fn a_provider_that_is_down_or_unsafe_is_said_to_be_unavailable() {
    let scene = Scene::new(Acme::config()).await;
    let start = async || {
        let path = "/session/openid/acme/start";
        scene.world.anonymous("GET", path).send().await.is(303)
    };
    scene.acme.says().down = true;
    start().await.refused("provider_unavailable");
    // Nobody asks again at once.
    scene.acme.says().down = false;
    let asked = scene.acme.says().asked.len();
    start().await.refused("provider_unavailable");
    assert_eq!(scene.acme.says().asked.len(), asked);

    let document = scene.acme.says().document.clone();
    for (name, value) in [
        ("token_endpoint", json!("http://id.example.com/token")),
        ("token_endpoint", Value::Null),
        ("jwks_uri", json!("http://10.0.0.1/keys")),
        ("authorization_endpoint", json!("ftp://id.example.com/")),
        ("userinfo_endpoint", json!("http://id.example.com/userinfo")),
        ("issuer", json!("https://evil.example.com")),
    ] {
        scene.world.clock.advance(MINUTE);
        let mut wrong = document.clone();
        wrong[name] = value;
        scene.acme.says().document = wrong;
        start().await.refused("provider_unavailable");
    }
    scene.world.clock.advance(MINUTE);
    scene.acme.says().document = document;
    let begun = scene.begin().await;
    scene.acme.says().down = true;
    let answer = scene.come_back(&begun.cookie, &begun.query["state"]).await;
    answer.refused("provider_unavailable");
}

#[tokio::test]
async fn whoever_fails_too_often_has_to_wait_and_success_is_no_failure() {
    let scene = Scene::new(Acme::config()).await;
    let world = &scene.world;
    world
        .account(world.organisation, Role::Member, "ann@example.com")
        .await;
    for _ in 0..25 {
        scene.sign_in(json!({})).await.signed_in();
    }
    for _ in 0..20 {
        let answer = scene.come_back("a=b", "x").await;
        answer.refused("sign_in_ended");
    }
    scene.sign_in(json!({})).await.refused("too_many_failures");
    world.clock.advance(MINUTE);
    scene.sign_in(json!({})).await.signed_in();
}

#[tokio::test]
async fn identities_are_listed_and_the_last_way_in_stays() {
    let scene = Scene::admitting(Role::Viewer).await;
    let world = &scene.world;
    let cookie = scene.sign_in(json!({})).await.signed_in();
    let call = |method: &str, path: &str| world.anonymous(method, path).cookie(&cookie);
    let listed = call("GET", "/me/identities").send().await.is(200).json();
    let identity = &listed["items"][0];
    for (name, value) in [
        ("provider", "acme"),
        ("issuer", ISSUER),
        ("subject", "ann-at-acme"),
        ("email", "ann@example.com"),
    ] {
        assert_eq!(identity[name], value);
    }
    let path = format!("/me/identities/{}", identity["id"].as_str().unwrap());
    call("DELETE", &path).send().await.problem(409, "conflict");
    let password = json!({"new": "a horse and a battery"});
    let chosen = call("PUT", "/me/password").json(password).send().await;
    chosen.is(204);
    call("DELETE", &path).send().await.is(204);
    call("DELETE", &path).send().await.problem(404, "not_found");
    let listed = call("GET", "/me/identities").send().await.json();
    assert_eq!(listed, json!({"items": [], "next": null}));
}

#[tokio::test]
async fn a_second_factor_is_the_providers_matter() {
    let scene = Scene::new(Acme::config()).await;
    let world = &scene.world;
    let ann = world.account(world.organisation, Role::Member, "ann@example.com");
    let ann = ann.await;
    let secret = store::Secret::new("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ".into());
    let by = store::Caller::system();
    let set = world
        .store
        .set_second_factor(ann, &secret, 1, &[], None, &by);
    set.await.unwrap();
    scene.sign_in(json!({})).await.signed_in();
}

#[test]
fn a_providers_settings_do_not_show_the_secret() {
    let config = Acme::config();
    let shown = format!("{config:?}");
    assert!(!shown.contains(CLIENT_SECRET), "{shown}");
    let providers = Acme::new().providers(config);
    let shown = format!("{providers:?}");
    assert!(
        shown.contains("acme") && !shown.contains(CLIENT_SECRET),
        "{shown}"
    );
}
